//! The alerts that a question is about, fixed when its key is pressed: whatever comes in until the answer, and wherever
//! the selection goes, the answer is on these.

use crate::model::event::Field;
use crate::store::Store;
use crate::store::compaction::Relocation;
use crate::store::held::Held;
use crate::store::ids::FindingId;
use crate::tui::state::App;

/// Letters of a command line in a question: it is cut further where the screen is narrow.
const MAX_COMMAND: usize = 120;

/// Alerts, and what a question calls them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    alerts: Held<Vec<FindingId>>,
    /// How many there were when they were pinned.
    number: usize,
    /// The group's name, where it is a group.
    group: Option<(&'static str, String)>,
    name: String,
}

impl Pin {
    /// The alerts that are still in the store.
    #[must_use]
    pub fn alerts<'a>(&'a self, store: &'a Store) -> &'a [FindingId] {
        self.alerts.get(store).map_or(&[], Vec::as_slice)
    }

    /// How many have left the store since they were pinned.
    #[must_use]
    pub fn gone(&self, store: &Store) -> usize {
        self.number - self.alerts(store).len().min(self.number)
    }

    /// `WS-1 record 2049: git push …`, or `50 alerts of host WS-1`. It is not safe for a terminal yet.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `WS-1 record 2049`, where the command has no room; a group's name is as short as it can be.
    #[must_use]
    pub fn short_name(&self) -> &str {
        match &self.group {
            Some(_) => &self.name,
            None => self.name.split_once(": ").map_or(&self.name, |(short, _)| short),
        }
    }

    /// The column that the group is grouped by, and its key; `None` for a single alert.
    #[must_use]
    pub fn group(&self) -> Option<(&'static str, &str)> {
        self.group.as_ref().map(|(by, key)| (*by, key.as_str()))
    }

    /// Follows a compaction.
    pub(in crate::tui) fn relocate(&mut self, moved: &Relocation, store: &Store) {
        self.alerts = std::mem::take(&mut self.alerts).relocate(moved, store).unwrap_or_default();
    }
}

impl App {
    /// Pins the selected alert, or all that the selected group lists; `None` where nothing is selected.
    #[must_use]
    pub fn pin_selection(&self) -> Option<Pin> {
        let listing = self.listing();
        if let Some(number) = self.selected_group() {
            let group = listing.groups.get(number)?;
            let by = listing.query.group?.name();
            let alerts = listing.members(number).to_vec();
            let noun = if alerts.len() == 1 { "alert" } else { "alerts" };
            return Some(Pin {
                name: format!("{} {noun} of {by} {}", alerts.len(), group.key),
                number: alerts.len(),
                group: Some((by, group.key.clone())),
                alerts: Held::new(alerts, &self.store),
            });
        }
        let id = self.selected_finding()?;
        Some(Pin { name: self.name_of(id), number: 1, group: None, alerts: Held::new(vec![id], &self.store) })
    }

    /// An alert by its host, record and command: `WS-1 record 2049: git push …`.
    #[must_use]
    pub fn name_of(&self, id: FindingId) -> String {
        let Some(view) = self.store.view(id, self.list.profile, self.shown_flags()) else {
            return String::new();
        };
        let host = view.host().unwrap_or("(no host)");
        let record = view.event().record_id().map_or_else(String::new, |record| format!(" record {record}"));
        let what = view.text(Field::CommandLine).map(str::to_owned).or_else(|| view.destination());
        let what: String = what.unwrap_or_default().chars().take(MAX_COMMAND).collect();
        format!("{host}{record}: {what}")
    }
}
