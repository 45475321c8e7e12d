//! The groups of a list, in steps that can be interrupted.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::detect::profile::Profile;
use crate::model::event::Field;
use crate::model::row::Signal;
use crate::store::Store;
use crate::store::events::hash_index::HashIndex;
use crate::store::events::interner::Symbol;
use crate::store::ids::{DistinctId, FindingId};
use crate::store::list::listing::{Group, GroupKey};
use crate::store::resumable::{MergeSort, Pause, YIELD_CHEAP, YIELD_COSTLY};
use crate::store::tuning_matches::TuningMatches;
use crate::store::view::FindingView;

/// A key that many findings share, so that its text is made once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Shared {
    Host(Option<DistinctId>),
    Text(Option<Symbol>),
    Signal(Signal),
}

impl GroupKey {
    fn shared(self, store: &Store, view: &FindingView<'_>, profile: Profile) -> Option<Shared> {
        Some(match self {
            Self::Host => Shared::Host(view.finding().host),
            Self::User => Shared::Text(store.symbol_of(view.finding(), profile, Field::User)),
            Self::Parent => Shared::Text(store.symbol_of(view.finding(), profile, Field::ParentImage)),
            Self::Signal => Shared::Signal(view.signal()),
            Self::Repository => return None,
        })
    }

    fn of(self, view: &FindingView<'_>) -> String {
        let text = match self {
            Self::Host => view.host_name().map(str::to_owned),
            Self::User => view.text(Field::User).map(str::to_owned),
            Self::Parent => view.text(Field::ParentImage).map(str::to_owned),
            Self::Repository => view.destination(),
            Self::Signal => Some(view.signal().name().to_owned()),
        };
        text.unwrap_or_else(|| "(missing)".to_owned())
    }
}

/// A list that is being grouped.
pub(in crate::store) struct Grouping {
    key: GroupKey,
    profile: Profile,
    groups: Vec<Group>,
    /// The groups by their key.
    numbers: HashIndex,
    shared: HashMap<Shared, u32>,
    /// By finding of the list: the number of its group.
    of: Vec<u32>,
    /// The groups' numbers in their order.
    order: Option<MergeSort<u32>>,
    laid_out: Vec<Group>,
    /// By number of group: where its next finding goes.
    next: Vec<usize>,
    members: Vec<FindingId>,
    /// The count of findings that have their place.
    placed: usize,
}

impl Grouping {
    pub(in crate::store) fn new(key: GroupKey, profile: Profile) -> Self {
        Self {
            key,
            profile,
            groups: Vec::new(),
            numbers: HashIndex::default(),
            shared: HashMap::new(),
            of: Vec::new(),
            order: None,
            laid_out: Vec::new(),
            next: Vec::new(),
            members: Vec::new(),
            placed: 0,
        }
    }

    pub(in crate::store) fn percent(&self, findings: usize) -> usize {
        (self.of.len() * 2 + self.placed) * 100 / (3 * findings).max(1)
    }

    /// Continues until all have their places, or the pause asks to stop. Returns true when done.
    pub(in crate::store) fn advance(
        &mut self,
        store: &Store,
        tuning: &TuningMatches,
        findings: &[FindingId],
        pause: Pause<'_>,
    ) -> bool {
        self.tell_apart(store, tuning, findings, pause)
            && self.order(pause)
            && self.lay_out(pause)
            && self.place(findings, pause)
    }

    /// The groups in their order, and all findings by group.
    pub(in crate::store) fn finish(&mut self) -> (Vec<Group>, Vec<FindingId>) {
        (std::mem::take(&mut self.laid_out), std::mem::take(&mut self.members))
    }

    fn tell_apart(
        &mut self,
        store: &Store,
        tuning: &TuningMatches,
        findings: &[FindingId],
        pause: Pause<'_>,
    ) -> bool {
        while let Some(id) = findings.get(self.of.len()) {
            let number = match store.view(*id, self.profile, tuning) {
                Some(view) => {
                    let number = self.number_of(store, &view);
                    if let Some(group) = self.groups.get_mut(number as usize) {
                        group.count += 1;
                        group.last_seen = group.last_seen.max(view.time());
                        if let Some(count) = group.by_score.get_mut(usize::from(view.score())) {
                            *count += 1;
                        }
                    }
                    number
                }
                // It has been taken away since the list was made.
                None => u32::MAX,
            };
            self.of.push(number);
            if self.of.len().is_multiple_of(YIELD_COSTLY) && pause() {
                return false;
            }
        }
        true
    }

    fn number_of(&mut self, store: &Store, view: &FindingView<'_>) -> u32 {
        let Some(shared) = self.key.shared(store, view, self.profile) else {
            return self.number(self.key.of(view));
        };
        if let Some(number) = self.shared.get(&shared) {
            return *number;
        }
        let number = self.number(self.key.of(view));
        self.shared.insert(shared, number);
        number
    }

    fn number(&mut self, text: String) -> u32 {
        let Self { groups, numbers, .. } = self;
        let hash = numbers.hash(text.as_str());
        let is_it = |number: u32| groups.get(number as usize).is_some_and(|group| group.key == text);
        if let Some(number) = numbers.find(hash, is_it) {
            return number;
        }
        let number = u32::try_from(groups.len()).unwrap_or(u32::MAX);
        numbers.insert(hash, number);
        groups.push(Group { key: text, count: 0, by_score: [0; 4], last_seen: None, first: 0 });
        number
    }

    fn order(&mut self, pause: Pause<'_>) -> bool {
        let groups = &self.groups;
        let order = self.order.get_or_insert_with(|| {
            MergeSort::new((0..u32::try_from(groups.len()).unwrap_or(u32::MAX)).collect())
        });
        let weight = |number: &u32| {
            let group = groups.get(*number as usize)?;
            let top = group.by_score.iter().rposition(|count| *count > 0);
            Some((Reverse(top), Reverse(group.count), Reverse(group.last_seen)))
        };
        order.advance(|a, b| weight(a).cmp(&weight(b)), pause)
    }

    fn lay_out(&mut self, pause: Pause<'_>) -> bool {
        let Some(order) = &self.order else { return true };
        self.next.resize(self.groups.len(), 0);
        let mut first = self.laid_out.last().map_or(0, |group| group.first + group.count);
        while let Some(number) = order.items().get(self.laid_out.len()) {
            let Some(group) = self.groups.get_mut(*number as usize) else { break };
            let key = std::mem::take(&mut group.key);
            self.laid_out.push(Group { key, first, ..*group });
            if let Some(next) = self.next.get_mut(*number as usize) {
                *next = first;
            }
            first += group.count;
            if self.laid_out.len().is_multiple_of(YIELD_CHEAP) && pause() {
                return false;
            }
        }
        true
    }

    fn place(&mut self, findings: &[FindingId], pause: Pause<'_>) -> bool {
        self.members.resize(self.laid_out.last().map_or(0, |group| group.first + group.count), FindingId(0));
        while let (Some(id), Some(number)) = (findings.get(self.placed), self.of.get(self.placed)) {
            if let Some(next) = self.next.get_mut(*number as usize) {
                if let Some(slot) = self.members.get_mut(*next) {
                    *slot = *id;
                }
                *next += 1;
            }
            self.placed += 1;
            if self.placed.is_multiple_of(YIELD_CHEAP) && pause() {
                return false;
            }
        }
        true
    }
}
