//! The leads: the conclusions from the clues of an activity, kept as findings that only `hunt` shows.
//!
//! An activity is weighed again whenever something of it is new, once for all that came in between two looks.

use std::time::Duration;

use crate::detect::hunt::hosts::{domain_of_reverse_name, is_near, is_unlisted_forge};
use crate::detect::hunt::indicator::IndicatorKind;
use crate::detect::hunt::lead::{OtherHost, Summary, lead_of};
use crate::detect::hunt::program::Program;
use crate::detect::technique::ClauseId;
use crate::model::event::{Field, code};
use crate::model::row::Signal;
use crate::model::time::Timestamp;
use crate::store::Store;
use crate::store::addresses::tree_bytes;
use crate::store::findings::finding::{Finding, HuntLead, NamedBy};
use crate::store::hunt::activity::{IndicatorHit, MAX_CLUES, Resolved};
use crate::store::ids::{ActivityId, AddressJoinId, EventId, FindingId};
use crate::store::resumable::{Pause, YIELD_COSTLY};

/// The kinds of indicator that an answer can make of a connection.
const RESOLVED_KINDS: [IndicatorKind; 4] = [
    IndicatorKind::HelperConnection,
    IndicatorKind::ClientConnection,
    IndicatorKind::OtherHostConnection,
    IndicatorKind::ResolvedElsewhere,
];
/// Maximum time before a connection in which another process may have resolved its address.
const RESOLVED_WITHIN: Duration = Duration::from_secs(60);

impl Store {
    /// Weighs all new clues.
    pub(in crate::store) fn finish_leads(&mut self) {
        self.advance_leads(&mut || true);
    }

    /// Weighs new clues, as long as `goes_on` allows to compare one more connection with the answers to its address.
    /// Returns whether all were.
    pub(in crate::store) fn advance_leads(&mut self, goes_on: &mut dyn FnMut() -> bool) -> bool {
        let is_done = self.sweep(goes_on);
        for activity in self.activities.take_dirty() {
            self.weigh(activity);
        }
        is_done
    }

    /// Weighs the leads, in steps, until as many connections were looked at as waited when this round began: more may
    /// have come meanwhile, and the list does not wait for these.
    pub(in crate::store) fn advance_leads_of_round(&mut self, pause: Pause<'_>) -> bool {
        let began = self.swept;
        let goal = self.sweep_goal.unwrap_or_else(|| began + self.left_to_sweep() as u64);
        let mut asked = 0_usize;
        let mut is_paused = false;
        self.advance_leads(&mut || {
            asked += 1;
            is_paused = is_paused || asked.is_multiple_of(YIELD_COSTLY) && pause();
            !is_paused
        });
        self.sweep_goal = Some(goal).filter(|goal| is_paused && self.swept < *goal);
        self.sweep_goal.is_none()
    }

    /// Returns how many connections are to be compared with answers.
    pub(in crate::store) fn left_to_sweep(&self) -> usize {
        let joins_by_address = self.activities.to_sweep.iter().filter_map(|id| self.addresses.get(*id));
        joins_by_address.map(|address_join| address_join.sweep.left()).sum()
    }

    fn sweep(&mut self, goes_on: &mut dyn FnMut() -> bool) -> bool {
        while let Some(id) = self.activities.to_sweep.pop_front() {
            while let Some(address_join) = self.addresses.get_mut(id) {
                // Without an answer there is nothing to hold them against, and the first one begins again.
                if address_join.answers.is_empty() {
                    address_join.waits_for_sweep = false;
                    break;
                }
                if address_join.sweep.left() > 0 && !goes_on() {
                    self.activities.to_sweep.push_front(id);
                    return false;
                }
                let Some(connection) = address_join.sweep.step() else {
                    address_join.waits_for_sweep = false;
                    break;
                };
                self.resolve_connection(id, connection);
            }
        }
        true
    }

    /// Gives a connection the answer that speaks of it.
    fn resolve_connection(&mut self, address_join: AddressJoinId, connection: EventId) {
        self.swept += 1;
        let said = self.said_by_answers(connection, address_join);
        let before = self.activities.resolved.get(&connection).copied();
        if said == before {
            return;
        }
        match said {
            Some(said) => self.activities.resolved.insert(connection, said),
            None => self.activities.resolved.remove(&connection),
        };
        let (_, time, record, _) = self.events.time_key(connection);
        let moment = (time, record, connection);
        let Some(activity) = self.owner(connection).and_then(|owner| self.activities.of(owner)) else {
            return;
        };
        if let Some(activity) = self.activities.get_mut(activity) {
            let held = tree_bytes(&activity.resolved);
            if let Some(before) = before {
                activity.resolved.remove(&(before.kind, moment));
            }
            activity.resolved.extend(said.map(|said| (said.kind, moment)));
            let now = tree_bytes(&activity.resolved);
            self.activities.hold(now, held);
        }
        self.activities.mark_dirty(activity);
    }

    /// Resolves a connection by the DNS answers of its address; `None` where they add nothing.
    fn said_by_answers(&mut self, connection: EventId, address_join: AddressJoinId) -> Option<Resolved> {
        let event = self.event(connection)?;
        let program = self.field(event, Field::Image).and_then(Program::of)?;
        let own_name = self.field(event, Field::DestinationHostname);
        if own_name.is_some_and(|name| self.activities.hosts.knows(name)) {
            return None;
        }
        let (answer, is_own) = self.answer_of(connection, address_join)?;
        let name = self.field(self.event(answer)?, Field::QueryName)?;
        let kind = match (program, is_own) {
            (Program::GitHelper, _) => IndicatorKind::HelperConnection,
            (Program::Ssh, _) => return None,
            (Program::GitHubCli | Program::GitHubDesktop, _) => IndicatorKind::ClientConnection,
            (_, true) if self.activities.hosts.is_extra_host(name) => IndicatorKind::OtherHostConnection,
            // The search's own join has it.
            (_, true) => return None,
            (_, false) => IndicatorKind::ResolvedElsewhere,
        };
        let name = name.to_ascii_lowercase();
        let host = self.events.intern(&name);
        Some(Resolved { kind, host, answer, is_elsewhere: !is_own })
    }

    /// The answer that gave a connection its address: the last of its own process before it, or else its first after;
    /// or else the last of another process within a minute before. Returns whether it is the own one.
    fn answer_of(&self, connection: EventId, address_join: AddressJoinId) -> Option<(EventId, bool)> {
        let event = self.event(connection)?;
        let address_join = self.addresses.get(address_join)?;
        if event.process.is_some() {
            let is_before = |id| {
                let (process, time, ..) = self.events.time_key(id);
                (process, time) <= (event.process, event.time)
            };
            let (before, after) = address_join.own.around(is_before);
            let is_own = |id: &EventId| self.event(*id).is_some_and(|other| other.process == event.process);
            if let Some(answer) = before.filter(is_own).or_else(|| after.filter(is_own)) {
                return Some((answer, true));
            }
        }
        let (last, _) = address_join.answers.around(|id| self.events.time_key(id).1 <= event.time);
        let time = self.event(last?)?.time?;
        let is_near = seconds_between(time, event.time?) <= RESOLVED_WITHIN.as_secs_f64();
        is_near.then_some((last?, false))
    }

    /// All clues of an activity, those included that answers gave.
    fn gather(&mut self, id: ActivityId) -> Option<u64> {
        let activity = self.activities.get(id)?;
        let (mut hits, mut kinds) = (activity.hits.clone(), activity.kinds);
        for (kind, (.., connection)) in activity.resolved.iter().take(MAX_CLUES) {
            let Some(said) = self.activities.resolved.get(connection) else { continue };
            hits.push(IndicatorHit { kind: *kind, event: *connection, host: said.host, repository: None });
            if said.is_elsewhere {
                let kind = IndicatorKind::Query;
                hits.push(IndicatorHit { kind, event: said.answer, host: said.host, repository: None });
            }
        }
        for kind in RESOLVED_KINDS {
            let first = activity.resolved.range((kind, (None, 0, EventId(0)))..).next();
            if first.is_some_and(|(first, _)| *first == kind) {
                kinds |= kind.bit();
            }
        }
        let not_looked_at = activity.resolved.len().saturating_sub(MAX_CLUES);
        let not_shown = not_looked_at + self.in_order(&mut hits);
        for hit in &mut hits {
            self.name_connection(hit);
        }
        let remote = self.remote_of(&hits);
        let activity = self.activities.get_mut(id)?;
        hits.shrink_to_fit();
        let (held, now) = (activity.shown.capacity(), hits.capacity());
        (activity.shown, activity.not_shown, activity.remote) = (hits, not_shown, remote);
        self.activities.hold(now * size_of::<IndicatorHit>(), held * size_of::<IndicatorHit>());
        Some(kinds)
    }

    fn weigh(&mut self, id: ActivityId) {
        let Some(kinds) = self.gather(id) else { return };
        let Some(activity) = self.activities.get(id) else { return };
        let finding = activity.finding;
        let target = self.target(&activity.shown, activity.remote);
        let summary = Summary {
            kinds,
            names_repository: target.is_some_and(|(_, known)| known),
            other_host: target.filter(|(_, known)| !known).map_or(OtherHost::Unnamed, |(hit, _)| {
                let computer = self.event(hit.event).and_then(|event| self.host_name(event.host?));
                match hit.host.map(|host| self.text(host)) {
                    None => OtherHost::Unnamed,
                    Some(host) if is_unlisted_forge(host) => OtherHost::Forge,
                    Some(host) if is_near(host, computer) => OtherHost::Near,
                    Some(_) => OtherHost::Unknown,
                }
            }),
            is_desktop: activity.shown.iter().filter(|hit| hit.kind == IndicatorKind::ClientConnection).all(
                |hit| {
                    let image = self.event(hit.event).and_then(|event| self.field(event, Field::Image));
                    image.and_then(Program::of) == Some(Program::GitHubDesktop)
                },
            ),
        };
        let anchor = activity.shown.first().map(|hit| hit.event);
        let (Some(lead), Some(anchor)) = (lead_of(summary), anchor) else {
            if let Some(finding) = finding {
                self.retire(finding);
            }
            return;
        };
        let target = target.map(|(hit, _)| hit);
        let own_name = self.event(anchor).and_then(|event| event.symbol(Field::DestinationHostname));
        let is_elsewhere = lead.signal == Signal::ConnectionResolvedElsewhere;
        let hunt = HuntLead {
            lead,
            activity: Some(id),
            destination: target
                .filter(|hit| is_elsewhere || own_name.is_none() && hit.event != anchor)
                .and_then(|hit| hit.host.map(|host| (host, self.answer_in(id, hit).unwrap_or(hit.event))))
                .filter(|(_, from)| *from != anchor),
            repository: target.and_then(|hit| hit.repository),
        };
        let finding = self.put_lead(finding, anchor, hunt);
        if let Some(activity) = self.activities.get_mut(id) {
            activity.finding = finding;
        }
    }

    /// The Event 22 of the activity that names what a clue names, where the clue is a connection without a name of its
    /// own.
    fn answer_in(&self, id: ActivityId, hit: IndicatorHit) -> Option<EventId> {
        let is_connection = self.event(hit.event)?.event_code == code::NETWORK_CONNECT;
        let hits = &self.activities.get(id)?.shown;
        let names_it = |other: &&IndicatorHit| other.kind == IndicatorKind::Query && other.host == hit.host;
        hits.iter().filter(|_| is_connection).find(names_it).map(|other| other.event)
    }

    /// Gives a connection the host of its own name.
    fn name_connection(&mut self, hit: &mut IndicatorHit) {
        let Some(event) = self.event(hit.event) else { return };
        if hit.host.is_some() || event.event_code != code::NETWORK_CONNECT {
            return;
        }
        let Some(name) = self.field(event, Field::DestinationHostname).map(str::to_ascii_lowercase) else {
            return;
        };
        let host = if self.activities.hosts.knows(&name) { &name } else { domain_of_reverse_name(&name) };
        hit.host = self.events.intern(host);
    }

    /// Returns the clue that names an activity's target, and whether that is a repository. A command line of git has
    /// priority: a push to elsewhere is no push to a repository, whatever else its process asked for.
    fn target(&self, hits: &[IndicatorHit], remote: Option<IndicatorHit>) -> Option<(IndicatorHit, bool)> {
        let known =
            |hit: &IndicatorHit| hit.host.is_some_and(|host| self.activities.hosts.knows(self.text(host)));
        let is_full = |hit: &&IndicatorHit| hit.host.is_some_and(|host| self.text(host).contains('.'));
        let said = hits.iter().filter(|hit| hit.kind <= IndicatorKind::FetchAsParent).filter(is_full);
        let said = said.min_by_key(|hit| hit.kind != IndicatorKind::SendPack);
        let said = said.or_else(|| remote.as_ref().filter(is_full));
        let said = said.or_else(|| {
            let rest = || hits.iter().filter(|hit| hit.kind > IndicatorKind::FetchAsParent);
            rest().find(|hit| known(hit))
        })?;
        Some((*said, known(said)))
    }

    /// Returns the last `git remote add` before a push in its working directory.
    fn remote_of(&mut self, hits: &[IndicatorHit]) -> Option<IndicatorHit> {
        let is_push =
            |kind| matches!(kind, IndicatorKind::Push | IndicatorKind::SendPack | IndicatorKind::ReceivePack);
        let push = hits.iter().find(|hit| is_push(hit.kind))?;
        let event = push.event;
        let key = self.work_dir_key(event)?;
        let time = self.event(event)?.time;
        let remotes = &self.activities.work_dirs.get(&key)?.remotes;
        let earlier =
            remotes.iter().filter(|remote| self.event(remote.event).is_some_and(|event| event.time <= time));
        earlier.max_by_key(|remote| self.events.sort_key(remote.event)).copied()
    }

    /// Puts a lead in the place of a finding, or makes it one.
    pub(in crate::store) fn put_lead(
        &mut self,
        finding: Option<FindingId>,
        anchor: EventId,
        hunt: HuntLead,
    ) -> Option<FindingId> {
        let event = self.event(anchor)?;
        let own_parent = self.events.own_parent(event);
        let (host, process) = (event.host, event.process);
        let is_connection = event.event_code == code::NETWORK_CONNECT;
        let lead = Finding {
            event: anchor,
            clause: ClauseId::LEAD,
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
            if let Some(slot) = self.findings.get_mut(id) {
                let moved = slot.event != anchor;
                *slot = lead;
                if moved {
                    self.findings.reposition(id);
                    if let Some(process) = joined_to {
                        self.joins.add_finding(process, id);
                    }
                }
            }
            return finding;
        }
        let id = self.findings.add(lead)?;
        if let Some(process) = joined_to {
            self.joins.add_finding(process, id);
        }
        Some(id)
    }

    /// Takes a lead away: its activity turned out to be none, or a part of another one.
    pub(in crate::store) fn retire(&mut self, finding: FindingId) {
        if let Some(slot) = self.findings.get_mut(finding) {
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
