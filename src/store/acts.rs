//! What belongs together: a git with its helpers, or one process, and the clues that its events gave.
//!
//! A git process that has a git above it is of the same act, by what its own Event 1 says of its parent; so an act grows
//! together in whatever order its events come in. Clues are only gathered here; the leads weigh them.

use std::collections::{BTreeSet, VecDeque};

use hashbrown::HashMap;

use super::Store;
use super::addresses::MeetingId;
use super::event::EventId;
use super::finding::FindingId;
use super::interner::Symbol;
use super::joins::{Moment, moment_of};
use super::ordered::Ordered;
use super::paged::Paged;
use super::process::ProcessId;
use crate::detect::hunt::hosts::{RepositoryHosts, is_reverse_name};
use crate::detect::hunt::indicator::{IndicatorKind, indicators};
use crate::detect::hunt::program::Program;
use crate::model::batch::{Batch, EventRecord};
use crate::model::event::Field;

/// Clues that an act keeps; of more the weaker and later ones are let go, and counted.
pub(super) const MOST_CLUES: usize = 32;
/// Remotes that are remembered of a folder.
const MOST_REMOTES: usize = 256;

/// Acts of a folder that are weighed again where a remote comes later than they.
const MOST_ACTS_OF_A_FOLDER: usize = 4096;

/// The number of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ActId(u32);

/// Whose act an event is of: its process's, or nobody's but its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Process(ProcessId),
    Event(EventId),
}

/// A clue of an act, and the event that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What it is.
    pub kind: IndicatorKind,
    /// The event.
    pub event: EventId,
    /// The host that it names, in lower case.
    pub host: Option<Symbol>,
    /// The repository that it names.
    pub repository: Option<Symbol>,
}

/// An act.
#[derive(Default)]
pub(super) struct Act {
    merged_into: Option<ActId>,
    /// The bits of all kinds that it ever had.
    pub(super) kinds: u32,
    pub(super) marks: Vec<Mark>,
    /// Connections whose address an answer named, in the order of clues; what it named is in [`Acts::resolved`].
    pub(super) resolved: BTreeSet<(IndicatorKind, Moment)>,
    /// All clues in their order, as they were last weighed, without those that are too many.
    pub(super) shown: Vec<Mark>,
    /// How many were too many then.
    pub(super) not_shown: usize,
    /// Clues that were let go.
    pub(super) let_go: u32,
    /// The earlier `git remote add` of the same folder.
    pub(super) remote: Option<Mark>,
    pub(super) finding: Option<FindingId>,
    is_dirty: bool,
}

/// What an answer says of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) kind: IndicatorKind,
    pub(super) host: Option<Symbol>,
    pub(super) answer: EventId,
    /// Whether the answer is of another process.
    pub(super) is_elsewhere: bool,
}

/// What happened in one folder of one host.
#[derive(Default)]
pub(super) struct Folder {
    pub(super) remotes: Vec<Mark>,
    acts: Vec<ActId>,
    is_dirty: bool,
}

pub(super) type FolderKey = (Symbol, Symbol);

/// All acts.
#[derive(Default)]
pub(super) struct Acts {
    /// Whether leads are looked for at all.
    pub(super) is_on: bool,
    pub(super) hosts: RepositoryHosts,
    entries: Vec<Act>,
    by_process: Paged,
    /// Of events that are of no process.
    by_event: Paged,
    dirty: Vec<ActId>,
    /// Where connections are to be held against answers.
    pub(super) to_sweep: VecDeque<MeetingId>,
    /// Connections of an ssh.exe that is of no act yet.
    ssh: HashMap<ProcessId, Vec<EventId>>,
    pub(super) resolved: HashMap<EventId, Resolved>,
    pub(super) folders: HashMap<FolderKey, Folder>,
    dirty_folders: Vec<FolderKey>,
    /// Bytes of the lists that acts and folders hold.
    held: usize,
    /// Clues that were added: tests count these steps.
    pub(super) added: u64,
}

impl Acts {
    pub(super) fn get(&self, id: ActId) -> Option<&Act> {
        self.entries.get(id.0 as usize)
    }

    pub(super) fn get_mut(&mut self, id: ActId) -> Option<&mut Act> {
        self.entries.get_mut(id.0 as usize)
    }

    /// The act that another one was made a part of, or itself.
    pub(super) fn root(&mut self, mut id: ActId) -> ActId {
        while let Some(next) = self.get(id).and_then(|act| act.merged_into) {
            let after = self.get(next).and_then(|act| act.merged_into);
            if let (Some(after), Some(act)) = (after, self.get_mut(id)) {
                act.merged_into = Some(after);
            }
            id = next;
        }
        id
    }

    /// The act of an owner, where there is one already.
    fn find(&mut self, owner: Owner) -> Option<ActId> {
        let known = self.known(owner)?;
        Some(self.root(known))
    }

    fn known(&self, owner: Owner) -> Option<ActId> {
        let known = match owner {
            Owner::Process(id) => self.by_process.get(id.0),
            Owner::Event(id) => self.by_event.get(id.0),
        };
        known.map(ActId)
    }

    /// The act of an owner, made where it is new.
    pub(super) fn of(&mut self, owner: Owner) -> Option<ActId> {
        if let Some(known) = self.find(owner) {
            return Some(known);
        }
        let id = ActId(u32::try_from(self.entries.len()).ok()?);
        self.entries.push(Act::default());
        match owner {
            Owner::Process(process) => self.by_process.set(process.0, id.0),
            Owner::Event(event) => self.by_event.set(event.0, id.0),
        }
        Some(id)
    }

    pub(super) fn touch(&mut self, id: ActId) {
        if let Some(act) = self.get_mut(id).filter(|act| !act.is_dirty) {
            act.is_dirty = true;
            self.dirty.push(id);
        }
    }

    /// Makes two acts one, and says what finding is left over.
    fn unite(&mut self, one: ActId, other: ActId) -> Option<FindingId> {
        let (one, other) = (self.root(one), self.root(other));
        if one == other {
            return None;
        }
        // The one with more clues stays, so that no clue is moved more often than it must.
        let size = |id| self.get(id).map_or(0, |act: &Act| act.marks.len() + act.resolved.len());
        let (stays, goes) = if size(one) >= size(other) { (one, other) } else { (other, one) };
        let mut gone = std::mem::take(self.get_mut(goes)?);
        if let Some(act) = self.get_mut(goes) {
            act.merged_into = Some(stays);
        }
        let act = self.get_mut(stays)?;
        act.kinds |= gone.kinds;
        act.let_go = act.let_go.saturating_add(gone.let_go);
        act.marks.extend(gone.marks);
        if gone.resolved.len() > act.resolved.len() {
            std::mem::swap(&mut gone.resolved, &mut act.resolved);
        }
        act.resolved.extend(gone.resolved);
        let left_over = match (act.finding, gone.finding) {
            (Some(_), left_over) => left_over,
            (None, finding) => {
                act.finding = finding;
                None
            }
        };
        self.touch(stays);
        left_over
    }

    /// Bytes that the acts take.
    pub(super) fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Act>()
            + self.held
            + self.by_process.bytes()
            + self.by_event.bytes()
            + self.resolved.capacity() * (size_of::<(EventId, Resolved)>() + 1) * 8 / 7
            + self.ssh.capacity() * (size_of::<(ProcessId, Vec<EventId>)>() + 1)
            + self.folders.capacity() * (size_of::<(FolderKey, Folder)>() + 1) * 8 / 7
    }

    /// Counts bytes of lists that acts hold.
    pub(super) const fn hold(&mut self, more: usize, less: usize) {
        self.held = (self.held + more).saturating_sub(less);
    }

    fn touch_folder(&mut self, key: FolderKey) {
        if let Some(folder) = self.folders.get_mut(&key)
            && !folder.is_dirty
        {
            folder.is_dirty = true;
            self.dirty_folders.push(key);
        }
    }

    /// The acts about which something is new since the last call.
    pub(super) fn take_dirty(&mut self) -> Vec<ActId> {
        for key in std::mem::take(&mut self.dirty_folders) {
            let acts = self.folders.get_mut(&key).map(|folder| {
                folder.is_dirty = false;
                folder.acts.clone()
            });
            for act in acts.into_iter().flatten() {
                let act = self.root(act);
                self.touch(act);
            }
        }
        let dirty = std::mem::take(&mut self.dirty);
        for id in &dirty {
            if let Some(act) = self.get_mut(*id) {
                act.is_dirty = false;
            }
        }
        dirty.into_iter().filter(|id| self.get(*id).is_some_and(|act| act.merged_into.is_none())).collect()
    }
}

impl Store {
    /// Looks for leads in what comes in from now on.
    pub fn hunt(&mut self, hosts: RepositoryHosts) {
        self.acts.is_on = true;
        self.acts.hosts = hosts;
    }

    /// The repository hosts that are known.
    pub(super) const fn repository_hosts(&self) -> &RepositoryHosts {
        &self.acts.hosts
    }

    /// Looks for leads as another store does.
    pub(super) fn hunt_like(&mut self, other: &Self) {
        self.acts.is_on = other.acts.is_on;
        self.acts.hosts = other.acts.hosts.clone();
    }

    /// The events of acts that are alerts, and of those that go on after `first_kept`: half of an act would be another
    /// one, and a fetch without its Event 1 no fetch.
    pub(super) fn needed_by_acts(
        &self,
        first_kept: usize,
        is_alert: impl Fn(FindingId) -> bool,
    ) -> Vec<EventId> {
        let mut needed = Vec::new();
        for act in self.acts.entries.iter().filter(|act| act.merged_into.is_none()) {
            let marks = || act.shown.iter().chain(&act.remote).chain(&act.marks);
            let goes_on = || marks().any(|mark| mark.event.0 as usize >= first_kept);
            if act.finding.is_some_and(&is_alert) || goes_on() {
                needed.extend(marks().map(|mark| mark.event));
            }
        }
        needed
    }

    /// Notes a clue of an event for the act of its process.
    pub(super) fn add_mark(&mut self, mark: Mark) -> Option<ActId> {
        self.add_mark_to(self.owner(mark.event)?, mark)
    }

    /// Whose act an event is of.
    pub(super) fn owner(&self, id: EventId) -> Option<Owner> {
        Some(self.event(id)?.process.map_or(Owner::Event(id), Owner::Process))
    }

    /// Notes a clue for the act of an owner.
    pub(super) fn add_mark_to(&mut self, owner: Owner, mark: Mark) -> Option<ActId> {
        let act_id = self.act_of(owner)?;
        self.acts.added += 1;
        if let Some(act) = self.acts.get_mut(act_id) {
            act.kinds |= mark.kind.bit();
            let before = act.marks.capacity();
            act.marks.push(mark);
            let after = act.marks.capacity();
            self.acts.hold(after * size_of::<Mark>(), before * size_of::<Mark>());
        }
        self.bound_marks(act_id);
        self.acts.touch(act_id);
        Some(act_id)
    }

    /// The act of an owner, made where it is new; what its process's ssh.exe connected to before is of it then.
    fn act_of(&mut self, owner: Owner) -> Option<ActId> {
        let act = self.acts.of(owner)?;
        if let Owner::Process(process) = owner
            && let Some(connections) = self.acts.ssh.remove(&process)
        {
            for connection in connections {
                self.add_mark_to(owner, Self::bare_mark(IndicatorKind::HelperConnection, connection));
            }
        }
        Some(act)
    }

    /// Brings the clues of an act into their order where they are too many.
    fn bound_marks(&mut self, id: ActId) {
        if self.acts.get(id).is_some_and(|act| act.marks.len() > 2 * MOST_CLUES) {
            self.sort_marks(id);
        }
    }

    /// A clue without an address.
    pub(super) fn bare_mark(kind: IndicatorKind, event: EventId) -> Mark {
        Mark { kind, event, host: None, repository: None }
    }

    /// Brings the clues of an act into their order and lets go of what is too much.
    pub(super) fn sort_marks(&mut self, id: ActId) {
        let Some(mut marks) = self.acts.get_mut(id).map(|act| std::mem::take(&mut act.marks)) else { return };
        let too_many = self.in_order(&mut marks);
        if let Some(act) = self.acts.get_mut(id) {
            act.let_go = act.let_go.saturating_add(u32::try_from(too_many).unwrap_or(u32::MAX));
            act.marks = marks;
        }
    }

    /// Clues in their order, each once and no more than are kept; says how many are let go.
    pub(super) fn in_order(&self, marks: &mut Vec<Mark>) -> usize {
        marks.sort_by_cached_key(|mark| {
            (mark.kind, self.start_key(mark.event), mark.event, mark.host.is_none())
        });
        marks.dedup_by_key(|mark| (mark.kind, mark.event));
        let too_many = marks.len().saturating_sub(MOST_CLUES);
        marks.truncate(MOST_CLUES);
        too_many
    }

    /// An Event 1 came in.
    pub(super) fn hunt_start(&mut self, id: EventId, batch: &Batch, record: &EventRecord, selected: bool) {
        let text = |field| batch.text(record, field);
        let process = self.event(id).and_then(|event| event.process);
        if let Some(act) = process.and_then(|process| self.acts.find(Owner::Process(process))) {
            self.acts.touch(act);
        }
        let Some(program) = text(Field::Image).and_then(Program::of) else { return };
        let parent = text(Field::ParentImage).and_then(Program::of);
        let parent_line = parent.zip(text(Field::ParentCommandLine));
        let found = indicators(
            program,
            text(Field::CommandLine).unwrap_or(""),
            parent_line,
            selected,
            &self.acts.hosts,
        );
        for clue in found {
            let host = clue.address.as_ref().and_then(|address| self.strings.intern(&address.host));
            let repository =
                clue.address.as_ref().and_then(|address| self.strings.intern(&address.to_string()));
            let mark = Mark { kind: clue.kind, event: id, host, repository };
            let act = self.add_mark(mark);
            let is_push = matches!(
                clue.kind,
                IndicatorKind::Push | IndicatorKind::SendPack | IndicatorKind::ReceivePack
            );
            if is_push || clue.kind == IndicatorKind::RemoteAdded {
                self.in_its_folder(mark, act);
            }
        }
        let Some(process) = process else { return };
        let is_under_git = matches!(parent, Some(Program::Git | Program::GitHelper | Program::GitHubCli));
        if is_under_git
            && (program.is_git() || program == Program::Ssh)
            && let Some(parent) = self.process(process).and_then(|process| process.parent)
            && let (Some(own), Some(above)) =
                (self.act_of(Owner::Process(process)), self.act_of(Owner::Process(parent)))
        {
            if let Some(left_over) = self.acts.unite(own, above) {
                self.retire(left_over);
            }
            let united = self.acts.root(own);
            self.bound_marks(united);
        }
    }

    /// Notes a push or a remote for its folder, where both meet.
    fn in_its_folder(&mut self, mark: Mark, act: Option<ActId>) {
        let Some(key) = self.folder_key(mark.event) else { return };
        let folder = self.acts.folders.entry(key).or_default();
        if mark.kind == IndicatorKind::RemoteAdded {
            if folder.remotes.len() < MOST_REMOTES {
                folder.remotes.push(mark);
                self.acts.hold(2 * size_of::<Mark>(), 0);
                self.acts.touch_folder(key);
            }
        } else if let Some(act) = act
            && folder.acts.len() < MOST_ACTS_OF_A_FOLDER
            && folder.acts.last() != Some(&act)
        {
            folder.acts.push(act);
            self.acts.hold(3 * size_of::<ActId>(), 0);
        }
    }

    /// The host and the working directory of an event, both without case.
    pub(super) fn folder_key(&mut self, id: EventId) -> Option<FolderKey> {
        let event = self.event(id)?;
        let host = self.host_key(event.host)?;
        let folder = self.field(event, Field::CurrentDirectory)?.trim_end_matches(['\\', '/']).to_lowercase();
        Some((host, self.strings.intern(&folder)?))
    }

    /// An Event 3 came in that the search does not select.
    pub(super) fn hunt_connection(&mut self, id: EventId) {
        let Some(event) = self.event(id) else { return };
        let Some(program) = self.field(event, Field::Image).and_then(Program::of) else { return };
        let (process, name) = (event.process, self.field(event, Field::DestinationHostname));
        let is_reverse = name.is_some_and(is_reverse_name);
        let kind = match program {
            Program::GitHelper => Some(IndicatorKind::HelperConnection),
            Program::Ssh => {
                let is_of_act = process
                    .filter(|process| self.acts.known(Owner::Process(*process)).is_none())
                    .map(|process| {
                        self.acts.hold(2 * size_of::<EventId>(), 0);
                        self.acts.ssh.entry(process).or_default().push(id);
                    })
                    .is_none();
                (is_of_act && process.is_some()).then_some(IndicatorKind::HelperConnection)
            }
            Program::GitHubCli | Program::GitHubDesktop => name
                .is_some_and(|name| self.acts.hosts.knows(name) || is_reverse)
                .then_some(IndicatorKind::ClientConnection),
            _ if !program.is_in_net_clause() => return,
            _ if name.is_some_and(|name| self.acts.hosts.is_extra_host(name)) => {
                Some(IndicatorKind::OtherHostConnection)
            }
            _ => is_reverse.then_some(IndicatorKind::ReverseNameConnection),
        };
        if let Some(kind) = kind {
            self.add_mark(Self::bare_mark(kind, id));
        }
        let Some(meeting) = self.meeting_of(id) else { return };
        let events = &self.events;
        let own = moment_of(events, id);
        self.addresses.change(meeting, |meeting| {
            meeting.sweep.add(id);
            meeting.connections.insert(id, |other| moment_of(events, other) <= own);
            if meeting.latest.is_none_or(|latest| moment_of(events, latest).1 <= own.1) {
                meeting.latest = Some(id);
            }
        });
        self.sweep_later(meeting);
    }

    /// An Event 22 came in for a repository's name.
    pub(super) fn hunt_query(&mut self, id: EventId) {
        let Some(event) = self.event(id) else { return };
        let process = event.process;
        if self.field(event, Field::Image).and_then(Program::of).is_some() && process.is_some() {
            let name = self.field(event, Field::QueryName).map(str::to_ascii_lowercase).unwrap_or_default();
            let name = self.strings.intern(&name);
            self.add_mark(Mark { kind: IndicatorKind::Query, event: id, host: name, repository: None });
        }
    }

    /// Puts an answer for a repository's name in its place among those to its address.
    pub(super) fn put_hunted(&mut self, id: MeetingId, process: Option<ProcessId>, answer: EventId) {
        let events = &self.events;
        let (of, time, record, _) = moment_of(events, answer);
        let is_earlier = |other: EventId| {
            let (_, time_of, record_of, id) = moment_of(events, other);
            (time_of, record_of, id) <= (time, record, answer)
        };
        self.addresses.change(id, |meeting| {
            meeting.answers.insert(answer, is_earlier);
            // It can speak of any connection that is not before it, and as the first one of its process of all of that.
            let mut concerns_some = meeting.latest.is_some_and(|latest| moment_of(events, latest).1 >= time);
            if process.is_some() {
                let is_of_process = |other: &EventId| moment_of(events, *other).0 == of;
                let is_before = |other| moment_of(events, other) < (of, time, record, answer);
                let has_one = |list: &Ordered| {
                    let (before, after) = list.around(is_before);
                    before.filter(is_of_process).or_else(|| after.filter(is_of_process)).is_some()
                };
                concerns_some |= !has_one(&meeting.own) && has_one(&meeting.connections);
                meeting.own.insert(answer, |other| moment_of(events, other) <= (of, time, record, answer));
            }
            if concerns_some {
                meeting.sweep.begin_again();
            }
        });
        self.sweep_later(id);
    }

    fn sweep_later(&mut self, id: MeetingId) {
        if let Some(meeting) = self.addresses.get_mut(id)
            && !meeting.waits_for_sweep
            && meeting.sweep.left() > 0
        {
            meeting.waits_for_sweep = true;
            self.acts.to_sweep.push_back(id);
        }
    }
}
