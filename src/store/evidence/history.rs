//! Who pushed where before: by time, in the log and in a baseline.

use hashbrown::{HashMap, HashSet};

use crate::model::time::Timestamp;
use crate::store::evidence::baseline::{Baseline, DAY};

/// The number of an owner, a host or an account among the names that a pass has met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct NameId(u32);

/// The names that a pass has met, each once.
#[derive(Default)]
pub(super) struct Names {
    numbers: HashMap<String, NameId>,
    texts: Vec<String>,
}

impl Names {
    /// Returns the number of a name, which is added where it is new.
    pub(super) fn number(&mut self, name: &str) -> NameId {
        if let Some(known) = self.numbers.get(name) {
            return *known;
        }
        let id = NameId(u32::try_from(self.texts.len()).unwrap_or(u32::MAX));
        self.numbers.insert(name.to_owned(), id);
        self.texts.push(name.to_owned());
        id
    }

    /// Returns a name.
    pub(super) fn text(&self, id: NameId) -> &str {
        self.texts.get(id.0 as usize).map_or("", String::as_str)
    }
}

/// A push or upload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Push {
    /// `github.com/owner`, in lower case.
    pub(super) owner: Option<NameId>,
    /// The host's name in lower case.
    pub(super) host: NameId,
    /// The account in lower case.
    pub(super) user: NameId,
    pub(super) time: Timestamp,
}

impl Push {
    fn day(&self) -> i64 {
        self.time.unix_seconds().div_euclid(DAY)
    }
}

/// The pushes before a moment. They are added in the order of their times.
#[derive(Default)]
pub(super) struct History {
    owners: HashSet<NameId>,
    of_owner: HashMap<(NameId, NameId, NameId), Days>,
    accounts: HashSet<(NameId, NameId)>,
}

/// The count of days on which something was, and the last of them.
#[derive(Clone, Copy, Default)]
struct Days {
    last: Option<i64>,
    count: usize,
}

impl Days {
    fn add(&mut self, day: i64) {
        if self.last != Some(day) {
            self.last = Some(day);
            self.count += 1;
        }
    }

    /// Returns the count of days before one.
    fn earlier_than(self, day: i64) -> usize {
        self.count - usize::from(self.last == Some(day))
    }
}

impl History {
    /// Adds a push.
    pub(super) fn add(&mut self, push: Push) {
        self.accounts.insert((push.host, push.user));
        if let Some(owner) = push.owner {
            self.owners.insert(owner);
            let days = self.of_owner.entry((owner, push.host, push.user)).or_default();
            days.add(push.day());
        }
    }

    /// Returns true where some host pushed to the owner of a push before.
    pub(super) fn knows_owner(&self, push: &Push, names: &Names, baseline: &Baseline) -> bool {
        push.owner.is_some_and(|owner| {
            self.owners.contains(&owner) || baseline.knows_owner(names.text(owner), push.day())
        })
    }

    /// Returns the count of earlier days on which a push's host and user pushed to its owner.
    pub(super) fn earlier_days(&self, push: &Push, names: &Names, baseline: &Baseline) -> usize {
        let Some(owner) = push.owner else { return 0 };
        let days = self.of_owner.get(&(owner, push.host, push.user)).copied().unwrap_or_default();
        let (host, user) = (names.text(push.host), names.text(push.user));
        days.earlier_than(push.day()) + baseline.days(names.text(owner), host, user, push.day())
    }

    /// Returns true where a push's host and user pushed to its owner before, on whatever day.
    pub(super) fn has_pushed_to(&self, push: &Push, names: &Names, baseline: &Baseline) -> bool {
        let Some(owner) = push.owner else { return false };
        self.of_owner.contains_key(&(owner, push.host, push.user))
            || self.earlier_days(push, names, baseline) > 0
    }

    /// Returns true where a push's host and user pushed or uploaded anything before.
    pub(super) fn has_pushed(&self, push: &Push, names: &Names, baseline: &Baseline) -> bool {
        self.accounts.contains(&(push.host, push.user))
            || baseline.has_pushed(names.text(push.host), names.text(push.user), push.day())
    }
}
