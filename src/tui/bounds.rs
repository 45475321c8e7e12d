//! What changes on the screen when old events have left the store: numbers, and nothing that is seen of what stayed.

use crate::store::keep::{Keep, Moved};
use crate::tui::app::{App, Frozen, Page, Selected};
use crate::tui::views::header::{grouped, size};

impl App {
    /// The store's events have other numbers now.
    pub(super) fn follow_the_move(&mut self, moved: Moved) {
        self.flags.restart(&self.store);
        self.triage.restart();
        if let Some(tuning) = &mut self.tuning {
            tuning.trial.flags.restart(&self.store);
            tuning.made_for = tuning.made_for.and_then(|id| moved.finding(id, &self.store));
        }
        if let Some(workbench) = &mut self.workbench {
            workbench.restart(&self.store);
        }
        if let Some(Selected::Finding(id)) = self.selected {
            self.selected = moved.finding(id, &self.store).map(Selected::Finding);
        }
        let walked = self.walked.iter().map(|process| moved.process(*process, &self.store));
        self.walked = walked.collect::<Option<_>>().unwrap_or_default();
        if let Some(Page::Raw { event, .. }) = &mut self.page {
            match moved.event(*event) {
                Some(now) => *event = now,
                None => self.page = None,
            }
        }
        if let Some(Page::Excepting { taken, .. }) = &mut self.page {
            *taken = taken.iter().filter_map(|id| moved.finding(*id, &self.store)).collect();
        }
        if let Some(frozen) = &mut self.frozen {
            *frozen = Frozen { events: moved.count_of_first(frozen.events), ..*frozen };
        }
        self.walk.restart();
        self.under = self.under.take().filter(|page| *page == Page::Tests);
        self.forget_lists();
        // A large store takes a while to be freed.
        std::thread::spawn(move || drop(moved));
    }

    /// What is kept of a source without an end, and how much left: for the header.
    #[must_use]
    pub fn bounds(&self) -> Option<String> {
        let keep = match self.keeper.as_ref()?.keep() {
            Keep::Events(events) => format!("keeps {} events", grouped(events as u64)),
            Keep::Bytes(bytes) => format!("keeps {}", size(bytes as u64)),
            Keep::Age(age) => format!("keeps {}", long(age.as_secs())),
        };
        Some(match self.store.let_go() {
            0 => keep,
            gone => format!("{keep}, {} left", grouped(gone)),
        })
    }
}

/// `24h`, `7d`, `90s`.
fn long(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let unit = units.into_iter().find(|(length, _)| seconds >= *length && seconds.is_multiple_of(*length));
    unit.map_or_else(|| format!("{seconds}s"), |(length, name)| format!("{}{name}", seconds / length))
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_age_is_said_in_its_largest_whole_unit() {
        assert_eq!(
            [90, 1_800, 86_400, 7 * 86_400, 5_400].map(super::long),
            ["90s", "30m", "1d", "7d", "90m"]
        );
    }
}
