//! The leads: what the clues of an act come to, kept as findings that only `hunt` shows.
//!
//! An act is weighed again whenever something of it is new, once for all that came in between two looks.

use std::time::Duration;

use super::Store;
use super::acts::{ActId, MOST_CLUES, Mark, Resolved};
use super::addresses::{MeetingId, tree_bytes};
use super::event::EventId;
use super::finding::{Finding, FindingId, HuntLead, NamedBy};
use super::joins::moment_of;
use crate::detect::hunt::hosts::domain_of_reverse_name;
use crate::detect::hunt::indicator::IndicatorKind;
use crate::detect::hunt::lead::{Summary, lead_of};
use crate::detect::hunt::program::Program;
use crate::model::event::{Field, code};
use crate::model::row::{Clause, Signal};
use crate::model::time::Timestamp;

/// The kinds of indicator that an answer can make of a connection.
const RESOLVED_KINDS: [IndicatorKind; 4] = [
    IndicatorKind::HelperConnection,
    IndicatorKind::ClientConnection,
    IndicatorKind::OtherHostConnection,
    IndicatorKind::ResolvedElsewhere,
];
/// How long before a connection another process may have resolved its address.
const RESOLVED_WITHIN: Duration = Duration::from_secs(60);

impl Store {
    /// Weighs what is new, all of it.
    pub(super) fn settle_leads(&mut self) {
        self.settle_leads_until(&mut || true);
    }

    /// Weighs what is new, as long as `goes_on` allows to hold one more connection against the answers to its address.
    /// Says whether all were.
    pub(super) fn settle_leads_until(&mut self, goes_on: &mut dyn FnMut() -> bool) -> bool {
        let is_done = self.sweep(goes_on);
        for act in self.acts.take_dirty() {
            self.settle_act(act);
        }
        is_done
    }

    /// How many connections are to be held against answers.
    pub(super) fn left_to_sweep(&self) -> usize {
        let meetings = self.acts.to_sweep.iter().filter_map(|id| self.addresses.get(*id));
        meetings.map(|meeting| meeting.sweep.left()).sum()
    }

    fn sweep(&mut self, goes_on: &mut dyn FnMut() -> bool) -> bool {
        while let Some(id) = self.acts.to_sweep.pop_front() {
            while let Some(meeting) = self.addresses.get_mut(id) {
                // Without an answer there is nothing to hold them against, and the first one begins again.
                if meeting.answers.is_empty() {
                    meeting.waits_for_sweep = false;
                    break;
                }
                if meeting.sweep.left() > 0 && !goes_on() {
                    self.acts.to_sweep.push_front(id);
                    return false;
                }
                let Some(connection) = meeting.sweep.step() else {
                    meeting.waits_for_sweep = false;
                    break;
                };
                self.settle_connection(id, connection);
            }
        }
        true
    }

    /// Gives a connection the answer that speaks of it.
    fn settle_connection(&mut self, meeting: MeetingId, connection: EventId) {
        self.swept += 1;
        let said = self.said_by_answers(connection, meeting);
        let before = self.acts.resolved.get(&connection).copied();
        if said == before {
            return;
        }
        match said {
            Some(said) => self.acts.resolved.insert(connection, said),
            None => self.acts.resolved.remove(&connection),
        };
        let (_, time, record, _) = moment_of(&self.events, connection);
        let moment = (time, record, connection);
        let Some(act) = self.owner(connection).and_then(|owner| self.acts.of(owner)) else { return };
        if let Some(act) = self.acts.get_mut(act) {
            let held = tree_bytes(&act.resolved);
            if let Some(before) = before {
                act.resolved.remove(&(before.kind, moment));
            }
            act.resolved.extend(said.map(|said| (said.kind, moment)));
            let now = tree_bytes(&act.resolved);
            self.acts.hold(now, held);
        }
        self.acts.touch(act);
    }

    /// What the answers to an address say of a connection to it; `None` where they say nothing that is missed without
    /// them.
    fn said_by_answers(&mut self, connection: EventId, meeting: MeetingId) -> Option<Resolved> {
        let event = self.event(connection)?;
        let program = self.field(event, Field::Image).and_then(Program::of)?;
        let own_name = self.field(event, Field::DestinationHostname);
        if own_name.is_some_and(|name| self.acts.hosts.knows(name)) {
            return None;
        }
        let (answer, is_own) = self.answer_of(connection, meeting)?;
        let name = self.field(self.event(answer)?, Field::QueryName)?;
        let kind = match (program, is_own) {
            (Program::GitHelper, _) => IndicatorKind::HelperConnection,
            (Program::Ssh, _) => return None,
            (Program::GitHubCli | Program::GitHubDesktop, _) => IndicatorKind::ClientConnection,
            (_, true) if self.acts.hosts.is_extra_host(name) => IndicatorKind::OtherHostConnection,
            // The search's own join has it.
            (_, true) => return None,
            (_, false) => IndicatorKind::ResolvedElsewhere,
        };
        let name = name.to_ascii_lowercase();
        let host = self.strings.intern(&name);
        Some(Resolved { kind, host, answer, is_elsewhere: !is_own })
    }

    /// The answer that gave a connection its address: the last of its own process before it, or else its first after;
    /// or else the last of another process within a minute before. Says whether it is the own one.
    fn answer_of(&self, connection: EventId, meeting: MeetingId) -> Option<(EventId, bool)> {
        let event = self.event(connection)?;
        let meeting = self.addresses.get(meeting)?;
        if event.process.is_some() {
            let is_before = |id| {
                let (process, time, ..) = moment_of(&self.events, id);
                (process, time) <= (event.process, event.time)
            };
            let (before, after) = meeting.own.around(is_before);
            let is_own = |id: &EventId| self.event(*id).is_some_and(|other| other.process == event.process);
            if let Some(answer) = before.filter(is_own).or_else(|| after.filter(is_own)) {
                return Some((answer, true));
            }
        }
        let (last, _) = meeting.answers.around(|id| moment_of(&self.events, id).1 <= event.time);
        let time = self.event(last?)?.time?;
        let is_near = seconds_between(time, event.time?) <= RESOLVED_WITHIN.as_secs_f64();
        is_near.then_some((last?, false))
    }

    /// All clues of an act, those included that answers gave.
    fn gather(&mut self, id: ActId) -> Option<u32> {
        let act = self.acts.get(id)?;
        let (mut marks, mut kinds) = (act.marks.clone(), act.kinds);
        for (kind, (.., connection)) in act.resolved.iter().take(MOST_CLUES) {
            let Some(said) = self.acts.resolved.get(connection) else { continue };
            marks.push(Mark { kind: *kind, event: *connection, host: said.host, repository: None });
            if said.is_elsewhere {
                let kind = IndicatorKind::Query;
                marks.push(Mark { kind, event: said.answer, host: said.host, repository: None });
            }
        }
        for kind in RESOLVED_KINDS {
            let first = act.resolved.range((kind, (None, 0, EventId(0)))..).next();
            if first.is_some_and(|(first, _)| *first == kind) {
                kinds |= kind.bit();
            }
        }
        let not_looked_at = act.resolved.len().saturating_sub(MOST_CLUES);
        let not_shown = not_looked_at + self.in_order(&mut marks);
        for mark in &mut marks {
            self.name_connection(mark);
        }
        let remote = self.remote_of(&marks);
        let act = self.acts.get_mut(id)?;
        marks.shrink_to_fit();
        let (held, now) = (act.shown.capacity(), marks.capacity());
        (act.shown, act.not_shown, act.remote) = (marks, not_shown, remote);
        self.acts.hold(now * size_of::<Mark>(), held * size_of::<Mark>());
        Some(kinds)
    }

    fn settle_act(&mut self, id: ActId) {
        let Some(kinds) = self.gather(id) else { return };
        let Some(act) = self.acts.get(id) else { return };
        let finding = act.finding;
        let target = self.target(&act.shown, act.remote);
        let summary = Summary {
            kinds,
            names_repository: target.is_some_and(|(_, known)| known),
            is_desktop: act.shown.iter().filter(|mark| mark.kind == IndicatorKind::ClientConnection).all(
                |mark| {
                    let image = self.event(mark.event).and_then(|event| self.field(event, Field::Image));
                    image.and_then(Program::of) == Some(Program::GitHubDesktop)
                },
            ),
        };
        let anchor = act.shown.first().map(|mark| mark.event);
        let (Some(lead), Some(anchor)) = (lead_of(summary), anchor) else {
            if let Some(finding) = finding {
                self.retire(finding);
            }
            return;
        };
        let target = target.map(|(mark, _)| mark);
        let own_name = self.event(anchor).and_then(|event| event.symbol(Field::DestinationHostname));
        let is_elsewhere = lead.signal == Signal::ConnectionResolvedElsewhere;
        let hunt = HuntLead {
            lead,
            act: Some(id),
            destination: target
                .filter(|mark| is_elsewhere || own_name.is_none() && mark.event != anchor)
                .and_then(|mark| mark.host.map(|host| (host, self.answer_in(id, mark).unwrap_or(mark.event))))
                .filter(|(_, from)| *from != anchor),
            repository: target.and_then(|mark| mark.repository),
        };
        let finding = self.put_lead(finding, anchor, hunt);
        if let Some(act) = self.acts.get_mut(id) {
            act.finding = finding;
        }
    }

    /// The Event 22 of the act that names what a clue names, where the clue is a connection without a name of its own.
    fn answer_in(&self, id: ActId, mark: Mark) -> Option<EventId> {
        let is_connection = self.event(mark.event)?.event_code == code::NETWORK_CONNECT;
        let marks = &self.acts.get(id)?.shown;
        let names_it = |other: &&Mark| other.kind == IndicatorKind::Query && other.host == mark.host;
        marks.iter().filter(|_| is_connection).find(names_it).map(|other| other.event)
    }

    /// Gives a connection the host that its own name tells.
    fn name_connection(&mut self, mark: &mut Mark) {
        let Some(event) = self.event(mark.event) else { return };
        if mark.host.is_some() || event.event_code != code::NETWORK_CONNECT {
            return;
        }
        let Some(name) = self.field(event, Field::DestinationHostname).map(str::to_ascii_lowercase) else {
            return;
        };
        let host = if self.acts.hosts.knows(&name) { &name } else { domain_of_reverse_name(&name) };
        mark.host = self.strings.intern(host);
    }

    /// The clue that says whom an act speaks to, and whether that is a repository. What a command line of git says goes
    /// first: a push to elsewhere is none to a repository, whatever else its process asked for.
    fn target(&self, marks: &[Mark], remote: Option<Mark>) -> Option<(Mark, bool)> {
        let known = |mark: &Mark| mark.host.is_some_and(|host| self.acts.hosts.knows(self.text(host)));
        let is_full = |mark: &&Mark| mark.host.is_some_and(|host| self.text(host).contains('.'));
        let said = marks.iter().filter(|mark| mark.kind <= IndicatorKind::FetchAsParent).filter(is_full);
        let said = said.min_by_key(|mark| mark.kind != IndicatorKind::SendPack);
        let said = said.or_else(|| remote.as_ref().filter(is_full));
        let said = said.or_else(|| {
            let rest = || marks.iter().filter(|mark| mark.kind > IndicatorKind::FetchAsParent);
            rest().find(|mark| known(mark))
        })?;
        Some((*said, known(said)))
    }

    /// The last `git remote add` before a push in its folder.
    fn remote_of(&mut self, marks: &[Mark]) -> Option<Mark> {
        let is_push =
            |kind| matches!(kind, IndicatorKind::Push | IndicatorKind::SendPack | IndicatorKind::ReceivePack);
        let push = marks.iter().find(|mark| is_push(mark.kind))?;
        let event = push.event;
        let key = self.folder_key(event)?;
        let time = self.event(event)?.time;
        let remotes = &self.acts.folders.get(&key)?.remotes;
        let earlier =
            remotes.iter().filter(|remote| self.event(remote.event).is_some_and(|event| event.time <= time));
        earlier.max_by_key(|remote| self.start_key(remote.event)).copied()
    }

    /// Puts a lead in the place of a finding, or makes it one.
    pub(super) fn put_lead(
        &mut self,
        finding: Option<FindingId>,
        anchor: EventId,
        hunt: HuntLead,
    ) -> Option<FindingId> {
        let event = self.event(anchor)?;
        let own_parent = event.symbol(Field::ParentImage).and_then(|parent| self.parents.find(parent));
        let (host, process) = (event.host, event.process);
        let is_connection = event.event_code == code::NETWORK_CONNECT;
        let lead = Finding {
            event: anchor,
            clause: Clause::Lead,
            spl: None,
            correlated: Signal::Unknown,
            host,
            own_parent,
            own_start: None,
            named_by: NamedBy::Nothing,
            hunt: Some(hunt),
        };
        let joined_to = process.filter(|_| is_connection);
        if let Some(id) = finding {
            if let Some(slot) = self.finding_mut(id) {
                let moved = slot.event != anchor;
                *slot = lead;
                if moved {
                    self.ranking.move_it(id);
                    if let Some(process) = joined_to {
                        self.joins.add_finding(process, id);
                    }
                }
            }
            return finding;
        }
        let id = FindingId(u32::try_from(self.findings.len()).ok()?);
        self.findings.push(lead);
        self.ranking.add(id);
        if let Some(process) = joined_to {
            self.joins.add_finding(process, id);
        }
        Some(id)
    }

    /// Takes a lead away: its act turned out to be none, or a part of another one.
    pub(super) fn retire(&mut self, finding: FindingId) {
        if let Some(slot) = self.finding_mut(finding) {
            slot.hunt = None;
        }
    }
}

fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    let at = |time: Timestamp| {
        // Seconds since 1970 of any time that Windows can write are exact in an f64.
        #[allow(clippy::cast_precision_loss, reason = "see above")]
        let seconds = time.unix_seconds() as f64;
        seconds + f64::from(time.subsec_nanoseconds()) / 1e9
    };
    at(to) - at(from)
}
