//! Activities: a git with its helpers, or one process, and the indicators that its events gave.
//!
//! A git process that has a git above it is of the same activity, by the parent in its own Event 1; so an
//! activity grows together in whatever order its events come in. Clues are only gathered here; the leads weigh them.

use crate::detect::TECHNIQUE;
use crate::store::Store;
use crate::store::events::dense_map::DenseMap;
use crate::store::events::interner::Symbol;
use crate::store::ids::{ActivityId, AddressJoinId, EventId, FindingId, ProcessId};
use crate::store::joins::TimeKey;
use crate::store::ordered::Ordered;
use std::collections::{BTreeSet, VecDeque};

use hashbrown::HashMap;

use crate::detect::hunt::hosts::{RepositoryHosts, is_reverse_name};
use crate::detect::hunt::indicator::{IndicatorKind, indicators};
use crate::detect::hunt::program::Program;
use crate::detect::hunt::unlisted::unlisted;
use crate::model::batch::{Batch, EventRecord};
use crate::model::event::Field;

/// Maximum of indicators of an activity. Of more, the weaker and later ones are evicted and counted.
pub(in crate::store) const MAX_CLUES: usize = 32;
/// Maximum of remotes of a working directory.
const MAX_REMOTES: usize = 256;

/// Maximum of activities of a working directory that a later remote has weighed again.
const MAX_ACTS_OF_A_FOLDER: usize = 4096;

/// The owner of an activity: a process, or a single event without a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Owner {
    Process(ProcessId),
    Event(EventId),
}

/// An indicator of an activity, and the event that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct IndicatorHit {
    /// The kind of indicator.
    pub kind: IndicatorKind,
    /// The event.
    pub event: EventId,
    /// The host that it names, in lower case.
    pub host: Option<Symbol>,
    /// The repository that it names.
    pub repository: Option<Symbol>,
}

/// An activity.
#[derive(Default)]
pub(in crate::store) struct Activity {
    merged_into: Option<ActivityId>,
    /// The bits of all kinds that it ever had.
    pub(in crate::store) kinds: u64,
    pub(in crate::store) hits: Vec<IndicatorHit>,
    /// Connections whose address an answer named, in the order of clues; the name is in [`Activities::resolved`].
    pub(in crate::store) resolved: BTreeSet<(IndicatorKind, TimeKey)>,
    /// All clues in their order, as they were last weighed, without those that are too many.
    pub(in crate::store) shown: Vec<IndicatorHit>,
    /// The count that was too many then.
    pub(in crate::store) not_shown: usize,
    /// Clues that were dropped.
    pub(in crate::store) evicted: u32,
    /// The earlier `git remote add` of the same working directory.
    pub(in crate::store) remote: Option<IndicatorHit>,
    pub(in crate::store) finding: Option<FindingId>,
    is_dirty: bool,
}

/// The name that a DNS answer gives to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Resolved {
    pub(in crate::store) kind: IndicatorKind,
    pub(in crate::store) host: Option<Symbol>,
    pub(in crate::store) answer: EventId,
    /// Set where the answer is of another process.
    pub(in crate::store) is_elsewhere: bool,
}

/// The pushes and remotes of one working directory of one host.
#[derive(Default)]
pub(in crate::store) struct WorkDir {
    pub(in crate::store) remotes: Vec<IndicatorHit>,
    activities: Vec<ActivityId>,
    is_dirty: bool,
}

pub(in crate::store) type WorkDirKey = (Symbol, Symbol);

/// All activities.
#[derive(Default)]
pub(in crate::store) struct Activities {
    /// Set where leads are looked for.
    pub(in crate::store) is_on: bool,
    pub(in crate::store) hosts: RepositoryHosts,
    entries: Vec<Activity>,
    by_process: DenseMap,
    /// Of events that are of no process.
    by_event: DenseMap,
    dirty: Vec<ActivityId>,
    /// Address joins whose connections are to be compared with answers.
    pub(in crate::store) to_sweep: VecDeque<AddressJoinId>,
    /// Connections of an ssh.exe that is of no activity yet.
    ssh: HashMap<ProcessId, Vec<EventId>>,
    pub(in crate::store) resolved: HashMap<EventId, Resolved>,
    pub(in crate::store) work_dirs: HashMap<WorkDirKey, WorkDir>,
    dirty_work_dirs: Vec<WorkDirKey>,
    /// Bytes of the lists in activities and working directories.
    held: usize,
    /// Clues that were added: tests count these steps.
    pub(in crate::store) added: u64,
}

impl Activities {
    pub(in crate::store) fn get(&self, id: ActivityId) -> Option<&Activity> {
        self.entries.get(id.0 as usize)
    }

    pub(in crate::store) fn get_mut(&mut self, id: ActivityId) -> Option<&mut Activity> {
        self.entries.get_mut(id.0 as usize)
    }

    /// The activity that another one was made a part of, or itself.
    pub(in crate::store) fn root(&mut self, mut id: ActivityId) -> ActivityId {
        while let Some(next) = self.get(id).and_then(|activity| activity.merged_into) {
            let after = self.get(next).and_then(|activity| activity.merged_into);
            if let (Some(after), Some(activity)) = (after, self.get_mut(id)) {
                activity.merged_into = Some(after);
            }
            id = next;
        }
        id
    }

    /// The activity of an owner, where there is one already.
    fn find(&mut self, owner: Owner) -> Option<ActivityId> {
        let known = self.known(owner)?;
        Some(self.root(known))
    }

    fn known(&self, owner: Owner) -> Option<ActivityId> {
        let known = match owner {
            Owner::Process(id) => self.by_process.get(id.0),
            Owner::Event(id) => self.by_event.get(id.0),
        };
        known.map(ActivityId)
    }

    /// Returns the activity of an owner, which is added where it is new.
    pub(in crate::store) fn of(&mut self, owner: Owner) -> Option<ActivityId> {
        if let Some(known) = self.find(owner) {
            return Some(known);
        }
        let id = ActivityId(u32::try_from(self.entries.len()).ok()?);
        self.entries.push(Activity::default());
        match owner {
            Owner::Process(process) => self.by_process.set(process.0, id.0),
            Owner::Event(event) => self.by_event.set(event.0, id.0),
        }
        Some(id)
    }

    pub(in crate::store) fn mark_dirty(&mut self, id: ActivityId) {
        if let Some(activity) = self.get_mut(id).filter(|activity| !activity.is_dirty) {
            activity.is_dirty = true;
            self.dirty.push(id);
        }
    }

    /// Merges two activities, and returns the finding that is left over.
    fn merge(&mut self, one: ActivityId, other: ActivityId) -> Option<FindingId> {
        let (one, other) = (self.root(one), self.root(other));
        if one == other {
            return None;
        }
        // The one with more clues stays, so that no clue is moved more often than it must.
        let size =
            |id| self.get(id).map_or(0, |activity: &Activity| activity.hits.len() + activity.resolved.len());
        let (stays, goes) = if size(one) >= size(other) { (one, other) } else { (other, one) };
        let mut gone = std::mem::take(self.get_mut(goes)?);
        if let Some(activity) = self.get_mut(goes) {
            activity.merged_into = Some(stays);
        }
        let activity = self.get_mut(stays)?;
        activity.kinds |= gone.kinds;
        activity.evicted = activity.evicted.saturating_add(gone.evicted);
        activity.hits.extend(gone.hits);
        if gone.resolved.len() > activity.resolved.len() {
            std::mem::swap(&mut gone.resolved, &mut activity.resolved);
        }
        activity.resolved.extend(gone.resolved);
        let left_over = match (activity.finding, gone.finding) {
            (Some(_), left_over) => left_over,
            (None, finding) => {
                activity.finding = finding;
                None
            }
        };
        self.mark_dirty(stays);
        left_over
    }

    /// Bytes that the activities take.
    pub(in crate::store) fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Activity>()
            + self.held
            + self.by_process.bytes()
            + self.by_event.bytes()
            + self.resolved.capacity() * (size_of::<(EventId, Resolved)>() + 1) * 8 / 7
            + self.ssh.capacity() * (size_of::<(ProcessId, Vec<EventId>)>() + 1)
            + self.work_dirs.capacity() * (size_of::<(WorkDirKey, WorkDir)>() + 1) * 8 / 7
    }

    /// Counts bytes of lists that activities hold.
    pub(in crate::store) const fn hold(&mut self, more: usize, less: usize) {
        self.held = (self.held + more).saturating_sub(less);
    }

    fn mark_work_dir_dirty(&mut self, key: WorkDirKey) {
        if let Some(work_dir) = self.work_dirs.get_mut(&key)
            && !work_dir.is_dirty
        {
            work_dir.is_dirty = true;
            self.dirty_work_dirs.push(key);
        }
    }

    /// The activities about which something is new since the last call.
    pub(in crate::store) fn take_dirty(&mut self) -> Vec<ActivityId> {
        for key in std::mem::take(&mut self.dirty_work_dirs) {
            let activities = self.work_dirs.get_mut(&key).map(|work_dir| {
                work_dir.is_dirty = false;
                work_dir.activities.clone()
            });
            for activity in activities.into_iter().flatten() {
                let activity = self.root(activity);
                self.mark_dirty(activity);
            }
        }
        let dirty = std::mem::take(&mut self.dirty);
        for id in &dirty {
            if let Some(activity) = self.get_mut(*id) {
                activity.is_dirty = false;
            }
        }
        dirty
            .into_iter()
            .filter(|id| self.get(*id).is_some_and(|activity| activity.merged_into.is_none()))
            .collect()
    }
}

impl Store {
    /// Looks for leads in the events from now on.
    pub fn hunt(&mut self, hosts: RepositoryHosts) {
        self.activities.is_on = true;
        self.activities.hosts = hosts;
    }

    /// The repository hosts that are known.
    pub(in crate::store) const fn repository_hosts(&self) -> &RepositoryHosts {
        &self.activities.hosts
    }

    /// Looks for leads as another store does.
    pub(in crate::store) fn hunt_like(&mut self, other: &Self) {
        self.activities.is_on = other.activities.is_on;
        self.activities.hosts = other.activities.hosts.clone();
    }

    /// The events of activities that are alerts, and of those that go on after `first_kept`: half of an activity would
    /// be another one, and a fetch without its Event 1 no fetch.
    pub(in crate::store) fn needed_by_activities(
        &self,
        first_kept: usize,
        is_alert: impl Fn(FindingId) -> bool,
    ) -> Vec<EventId> {
        let mut needed = Vec::new();
        for activity in self.activities.entries.iter().filter(|activity| activity.merged_into.is_none()) {
            let hits = || activity.shown.iter().chain(&activity.remote).chain(&activity.hits);
            let goes_on = || hits().any(|hit| hit.event.0 as usize >= first_kept);
            if activity.finding.is_some_and(&is_alert) || goes_on() {
                needed.extend(hits().map(|hit| hit.event));
            }
        }
        needed
    }

    /// Notes a clue of an event for the activity of its process.
    pub(in crate::store) fn add_hit(&mut self, hit: IndicatorHit) -> Option<ActivityId> {
        self.add_hit_to(self.owner(hit.event)?, hit)
    }

    /// Returns the owner of an event's activity.
    pub(in crate::store) fn owner(&self, id: EventId) -> Option<Owner> {
        Some(self.event(id)?.process.map_or(Owner::Event(id), Owner::Process))
    }

    /// Notes a clue for the activity of an owner.
    pub(in crate::store) fn add_hit_to(&mut self, owner: Owner, hit: IndicatorHit) -> Option<ActivityId> {
        let activity_id = self.activity_of(owner)?;
        self.activities.added += 1;
        if let Some(activity) = self.activities.get_mut(activity_id) {
            activity.kinds |= hit.kind.bit();
            let before = activity.hits.capacity();
            activity.hits.push(hit);
            let after = activity.hits.capacity();
            self.activities.hold(after * size_of::<IndicatorHit>(), before * size_of::<IndicatorHit>());
        }
        self.bound_hits(activity_id);
        self.activities.mark_dirty(activity_id);
        Some(activity_id)
    }

    /// The activity of an owner, made where it is new; what its process's ssh.exe connected to before is of it then.
    fn activity_of(&mut self, owner: Owner) -> Option<ActivityId> {
        let activity = self.activities.of(owner)?;
        if let Owner::Process(process) = owner
            && let Some(connections) = self.activities.ssh.remove(&process)
        {
            for connection in connections {
                self.add_hit_to(owner, Self::bare_hit(IndicatorKind::HelperConnection, connection));
            }
        }
        Some(activity)
    }

    /// Brings the clues of an activity into their order where they are too many.
    fn bound_hits(&mut self, id: ActivityId) {
        if self.activities.get(id).is_some_and(|activity| activity.hits.len() > 2 * MAX_CLUES) {
            self.sort_hits(id);
        }
    }

    /// A clue without an address.
    pub(in crate::store) fn bare_hit(kind: IndicatorKind, event: EventId) -> IndicatorHit {
        IndicatorHit { kind, event, host: None, repository: None }
    }

    /// Brings the clues of an activity into their order and drops the surplus.
    pub(in crate::store) fn sort_hits(&mut self, id: ActivityId) {
        let Some(mut hits) = self.activities.get_mut(id).map(|activity| std::mem::take(&mut activity.hits))
        else {
            return;
        };
        let too_many = self.in_order(&mut hits);
        if let Some(activity) = self.activities.get_mut(id) {
            activity.evicted = activity.evicted.saturating_add(u32::try_from(too_many).unwrap_or(u32::MAX));
            activity.hits = hits;
        }
    }

    /// Clues in their order, each once and no more than are kept; returns how many are dropped.
    pub(in crate::store) fn in_order(&self, hits: &mut Vec<IndicatorHit>) -> usize {
        hits.sort_by_cached_key(|hit| {
            (hit.kind, self.events.sort_key(hit.event), hit.event, hit.host.is_none())
        });
        hits.dedup_by_key(|hit| (hit.kind, hit.event));
        let too_many = hits.len().saturating_sub(MAX_CLUES);
        hits.truncate(MAX_CLUES);
        too_many
    }

    /// An Event 1 came in.
    pub(in crate::store) fn hunt_start(
        &mut self,
        id: EventId,
        batch: &Batch,
        record: &EventRecord,
        selected: bool,
    ) {
        let text = |field| batch.text(record, field);
        let process = self.event(id).and_then(|event| event.process);
        if let Some(activity) = process.and_then(|process| self.activities.find(Owner::Process(process))) {
            self.activities.mark_dirty(activity);
        }
        let Some(program) = text(Field::Image).and_then(Program::of) else { return };
        let parent = text(Field::ParentImage).and_then(Program::of);
        let parent_line = parent.zip(text(Field::ParentCommandLine));
        let found = indicators(
            program,
            text(Field::CommandLine).unwrap_or(""),
            parent_line,
            selected,
            &self.activities.hosts,
        );
        for clue in found {
            let host = clue.address.as_ref().and_then(|address| self.events.intern(&address.host));
            let repository =
                clue.address.as_ref().and_then(|address| self.events.intern(&address.to_string()));
            let hit = IndicatorHit { kind: clue.kind, event: id, host, repository };
            let activity = self.add_hit(hit);
            let is_push = matches!(
                clue.kind,
                IndicatorKind::Push | IndicatorKind::SendPack | IndicatorKind::ReceivePack
            );
            if is_push || clue.kind == IndicatorKind::RemoteAdded {
                self.note_in_work_dir(hit, activity);
            }
        }
        let Some(process) = process else { return };
        let is_under_git = matches!(parent, Some(Program::Git | Program::GitHelper | Program::GitHubCli));
        if is_under_git
            && (program.is_git() || program == Program::Ssh)
            && let Some(parent) = self.process(process).and_then(|process| process.parent)
            && let (Some(own), Some(above)) =
                (self.activity_of(Owner::Process(process)), self.activity_of(Owner::Process(parent)))
        {
            if let Some(left_over) = self.activities.merge(own, above) {
                self.retire(left_over);
            }
            let merged = self.activities.root(own);
            self.bound_hits(merged);
        }
    }

    /// Notes a push or a remote for its working directory, where both meet.
    fn note_in_work_dir(&mut self, hit: IndicatorHit, activity: Option<ActivityId>) {
        let Some(key) = self.work_dir_key(hit.event) else { return };
        let work_dir = self.activities.work_dirs.entry(key).or_default();
        if hit.kind == IndicatorKind::RemoteAdded {
            if work_dir.remotes.len() < MAX_REMOTES {
                work_dir.remotes.push(hit);
                self.activities.hold(2 * size_of::<IndicatorHit>(), 0);
                self.activities.mark_work_dir_dirty(key);
            }
        } else if let Some(activity) = activity
            && work_dir.activities.len() < MAX_ACTS_OF_A_FOLDER
            && work_dir.activities.last() != Some(&activity)
        {
            work_dir.activities.push(activity);
            self.activities.hold(3 * size_of::<ActivityId>(), 0);
        }
    }

    /// The host and the working directory of an event, both without case.
    pub(in crate::store) fn work_dir_key(&mut self, id: EventId) -> Option<WorkDirKey> {
        let event = self.event(id)?;
        let host = self.events.host_key(event.host)?;
        let work_dir =
            self.field(event, Field::CurrentDirectory)?.trim_end_matches(['\\', '/']).to_lowercase();
        Some((host, self.events.intern(&work_dir)?))
    }

    /// An Event 3 came in that the search does not select.
    pub(in crate::store) fn hunt_connection(&mut self, id: EventId) {
        let Some(event) = self.event(id) else { return };
        let Some(image) = self.field(event, Field::Image) else { return };
        let (process, name) = (event.process, self.field(event, Field::DestinationHostname));
        let is_reverse = name.is_some_and(is_reverse_name);
        if (is_reverse || name.is_some_and(|name| self.activities.hosts.knows(name)))
            && let Some(kind) = unlisted(image)
        {
            self.add_hit(Self::bare_hit(kind, id));
            return;
        }
        let Some(program) = Program::of(image) else { return };
        let kind = match program {
            Program::GitHelper => Some(IndicatorKind::HelperConnection),
            Program::Ssh => {
                let is_of_act = process
                    .filter(|process| self.activities.known(Owner::Process(*process)).is_none())
                    .map(|process| {
                        self.activities.hold(2 * size_of::<EventId>(), 0);
                        self.activities.ssh.entry(process).or_default().push(id);
                    })
                    .is_none();
                (is_of_act && process.is_some()).then_some(IndicatorKind::HelperConnection)
            }
            Program::GitHubCli | Program::GitHubDesktop => name
                .is_some_and(|name| self.activities.hosts.knows(name) || is_reverse)
                .then_some(IndicatorKind::ClientConnection),
            _ if !self.field(event, Field::Image).is_some_and(|image| TECHNIQUE.is_net_image(image)) => {
                return;
            }
            _ if name.is_some_and(|name| self.activities.hosts.is_extra_host(name)) => {
                Some(IndicatorKind::OtherHostConnection)
            }
            _ => is_reverse.then_some(IndicatorKind::ReverseNameConnection),
        };
        if let Some(kind) = kind {
            self.add_hit(Self::bare_hit(kind, id));
        }
        let Some(address_join) = self.address_join_of(id) else { return };
        let events = &self.events;
        let own = events.time_key(id);
        self.addresses.change(address_join, |address_join| {
            address_join.sweep.add(id);
            address_join.connections.insert(id, |other| events.time_key(other) <= own);
            if address_join.latest.is_none_or(|latest| events.time_key(latest).1 <= own.1) {
                address_join.latest = Some(id);
            }
        });
        self.sweep_later(address_join);
    }

    /// An Event 22 came in for a repository's name.
    pub(in crate::store) fn hunt_query(&mut self, id: EventId) {
        let Some(event) = self.event(id) else { return };
        let process = event.process;
        let image = self.field(event, Field::Image);
        let kind = match (image.and_then(unlisted), image.and_then(Program::of)) {
            // A query alone says too little of a program whose lead is no alert.
            (Some(IndicatorKind::UnlistedConnection), _) => None,
            (Some(kind), _) => Some(kind),
            (None, Some(_)) if process.is_some() => Some(IndicatorKind::Query),
            (None, _) => None,
        };
        if let Some(kind) = kind {
            let name = self.field(event, Field::QueryName).map(str::to_ascii_lowercase).unwrap_or_default();
            let name = self.events.intern(&name);
            self.add_hit(IndicatorHit { kind, event: id, host: name, repository: None });
        }
    }

    /// Puts an answer for a repository's name in its place among those to its address.
    pub(in crate::store) fn put_hunted(
        &mut self,
        id: AddressJoinId,
        process: Option<ProcessId>,
        answer: EventId,
    ) {
        let events = &self.events;
        let (of, time, record, _) = events.time_key(answer);
        let is_earlier = |other: EventId| {
            let (_, time_of, record_of, id) = events.time_key(other);
            (time_of, record_of, id) <= (time, record, answer)
        };
        self.addresses.change(id, |address_join| {
            address_join.answers.insert(answer, is_earlier);
            // It can speak of any connection that is not before it, and as the first one of its process of all of that.
            let mut concerns_some =
                address_join.latest.is_some_and(|latest| events.time_key(latest).1 >= time);
            if process.is_some() {
                let is_of_process = |other: &EventId| events.time_key(*other).0 == of;
                let is_before = |other| events.time_key(other) < (of, time, record, answer);
                let has_one = |list: &Ordered| {
                    let (before, after) = list.around(is_before);
                    before.filter(is_of_process).or_else(|| after.filter(is_of_process)).is_some()
                };
                concerns_some |= !has_one(&address_join.own) && has_one(&address_join.connections);
                address_join.own.insert(answer, |other| events.time_key(other) <= (of, time, record, answer));
            }
            if concerns_some {
                address_join.sweep.begin_again();
            }
        });
        self.sweep_later(id);
    }

    fn sweep_later(&mut self, id: AddressJoinId) {
        if let Some(address_join) = self.addresses.get_mut(id)
            && !address_join.waits_for_sweep
            && address_join.sweep.left() > 0
        {
            address_join.waits_for_sweep = true;
            self.activities.to_sweep.push_back(id);
        }
    }
}
