//! A walk over all findings that can stop anywhere: a screen answers keys while activities are weighed.

use hashbrown::{HashMap, HashSet};

use crate::detect::evidence::ITEMS;
use crate::detect::profile::Profile;
use crate::model::claim::{ClaimedActivity, ClaimedItem};
use crate::store::Store;
use crate::store::evidence::grouping::{Gathered, Grouping};
use crate::store::evidence::history::{History, NameId, Names, Push};
use crate::store::evidence::table::{ActivityTable, Detail, EvidenceHit, WeighedActivity};
use crate::store::evidence::weigh::{Known, Scales, Sends, SortedTraces};
use crate::store::ids::{Epoch, FindingId, ProcessId};
use crate::store::resumable::{MergeSort, Pause, YIELD_COSTLY};
use crate::store::tuning_matches::TuningMatches;

/// Seconds between two activities of one incident.
const INCIDENT_GAP: i64 = 30 * 60;
/// Activities that are weighed between two polls of the pause: each takes some microseconds.
const WEIGHED_PER_POLL: usize = if cfg!(test) { 2 } else { 64 };

/// Activities that are being weighed.
pub struct EvidencePass {
    profile: Profile,
    epoch: Epoch,
    stage: Stage,
    grouping: Grouping,
    known: Vec<Known>,
    names: Names,
    hosts_of_owner: HashMap<NameId, HashSet<NameId>>,
    history: History,
    incidents: Incidents,
    /// Pushes of the last time: they do not come before each other.
    same_time: Vec<Push>,
    /// By number of gathered activity: its number in the order of times.
    numbers: Vec<u32>,
    done: Vec<WeighedActivity>,
}

enum Stage {
    /// Putting findings together; the next one by number.
    Group(u32),
    /// Gathering what is known of each activity; the next one by number.
    Know(usize),
    /// Sorting traces, and then activities, by their times.
    Sort(SortedTraces, MergeSort<u32>),
    /// Weighing; the next activity in the order of times.
    Weigh(SortedTraces, Vec<u32>, usize),
    /// Naming the activity of each finding; the next one by number.
    Number(usize),
    Done,
}

impl EvidencePass {
    /// Begins a pass over the findings that are there now.
    #[must_use]
    pub fn new(store: &Store, profile: Profile) -> Self {
        Self {
            profile,
            epoch: store.epoch(),
            stage: Stage::Group(0),
            grouping: Grouping::default(),
            known: Vec::new(),
            names: Names::default(),
            hosts_of_owner: HashMap::new(),
            history: History::default(),
            incidents: Incidents::default(),
            same_time: Vec::new(),
            numbers: Vec::new(),
            done: Vec::new(),
        }
    }

    /// Continues until all is weighed, or the pause asks to stop. Returns true when done. After a compaction it begins
    /// again.
    pub fn advance(&mut self, store: &Store, tuning: &TuningMatches, pause: Pause<'_>) -> bool {
        if self.epoch != store.epoch() {
            *self = Self::new(store, self.profile);
        }
        loop {
            self.stage = match std::mem::replace(&mut self.stage, Stage::Done) {
                Stage::Group(at) => match self.group(store, tuning, at, pause) {
                    Some(at) => return self.pause_at(Stage::Group(at)),
                    None => Stage::Know(0),
                },
                Stage::Know(at) => {
                    if let Some(at) = self.know(store, tuning, at, pause) {
                        return self.pause_at(Stage::Know(at));
                    }
                    let activities = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
                    Stage::Sort(SortedTraces::new(store), MergeSort::new((0..activities).collect()))
                }
                Stage::Sort(mut traces, mut order) => {
                    let key = |at: &u32| {
                        let first = self.known.get(*at as usize).map(|known| known.first);
                        first.map(|first| store.events.sort_key(first))
                    };
                    if !traces.advance(store, pause)
                        || !order.advance(|a, b| key(a).cmp(&key(b)).then_with(|| a.cmp(b)), pause)
                    {
                        return self.pause_at(Stage::Sort(traces, order));
                    }
                    self.numbers = vec![u32::MAX; self.known.len()];
                    Stage::Weigh(traces, order.items().to_vec(), 0)
                }
                Stage::Weigh(traces, order, mut at) => {
                    while let Some(number) = order.get(at) {
                        self.weigh(store, tuning, &traces, *number as usize);
                        at += 1;
                        if at.is_multiple_of(WEIGHED_PER_POLL) && pause() {
                            return self.pause_at(Stage::Weigh(traces, order, at));
                        }
                    }
                    Stage::Number(0)
                }
                Stage::Number(mut at) => {
                    let numbers = &self.numbers;
                    while let Some(number) = self.grouping.of_findings.get_mut(at) {
                        *number = numbers.get(*number as usize).copied().unwrap_or(u32::MAX);
                        at += 1;
                        if at.is_multiple_of(YIELD_COSTLY * 64) && pause() {
                            return self.pause_at(Stage::Number(at));
                        }
                    }
                    return true;
                }
                Stage::Done => return true,
            };
        }
    }

    fn pause_at(&mut self, stage: Stage) -> bool {
        self.stage = stage;
        false
    }

    /// Returns the result.
    #[must_use]
    pub fn finish(self) -> ActivityTable {
        ActivityTable {
            profile: Some(self.profile),
            epoch: self.epoch,
            activities: self.done,
            of_findings: self.grouping.of_findings,
        }
    }

    /// Puts findings together from one on. Returns the one at which it stopped; `None` at the end.
    fn group(&mut self, store: &Store, tuning: &TuningMatches, from: u32, pause: Pause<'_>) -> Option<u32> {
        let end = u32::try_from(store.findings().len()).unwrap_or(u32::MAX);
        for at in from..end {
            self.grouping.add(store, FindingId(at), self.profile, tuning);
            if (at as usize).is_multiple_of(YIELD_COSTLY) && pause() {
                return Some(at + 1);
            }
        }
        None
    }

    fn know(
        &mut self,
        store: &Store,
        tuning: &TuningMatches,
        from: usize,
        pause: Pause<'_>,
    ) -> Option<usize> {
        for (at, gathered) in self.grouping.activities.iter_mut().enumerate().skip(from) {
            // By what they are, and not by when they came.
            let started = |process: &ProcessId| {
                let process = store.process(*process);
                process.map(|process| (process.start.map(|start| store.events.sort_key(start)), process.guid))
            };
            gathered.members.sort_unstable();
            gathered.members.dedup();
            gathered.members.sort_by_cached_key(started);
            gathered.findings = in_order(store, gathered);
            gathered.find_target(store, self.profile, tuning);
            // Every activity has a finding, and so a first event: none is left out, and the numbers of both agree.
            let Some(known) = store.known_of(gathered, self.profile, &mut self.names) else { continue };
            if let Some(owner) = known.owner_id.filter(|_| known.sends == Sends::Yes) {
                let hosts = self.hosts_of_owner.entry(owner).or_default();
                if hosts.is_empty() {
                    let baseline = &store.evidence.options.baseline;
                    let before: Vec<&str> =
                        known.owner.iter().flat_map(|owner| baseline.hosts_of(owner).take(3)).collect();
                    hosts.extend(before.into_iter().map(|host| self.names.number(host)));
                }
                hosts.insert(known.host_id);
            }
            self.known.push(known);
            if (at + 1).is_multiple_of(WEIGHED_PER_POLL) && pause() {
                return Some(at + 1);
            }
        }
        None
    }

    fn weigh(&mut self, store: &Store, tuning: &TuningMatches, traces: &SortedTraces, at: usize) {
        let (Some(gathered), Some(known)) = (self.grouping.activities.get(at), self.known.get(at)) else {
            return;
        };
        let time = known.span.map(|(first, _)| first);
        if self.same_time.first().is_some_and(|push| Some(push.time) != time) {
            for push in self.same_time.drain(..) {
                self.history.add(push);
            }
        }
        let scales = Scales {
            store,
            tuning,
            traces,
            history: &self.history,
            names: &self.names,
            hosts_of_owner: &self.hosts_of_owner,
        };
        let claim = gathered.claimed.and_then(|event| store.scan_row(event)?.activity.as_ref());
        let evidence = claim.map_or_else(|| scales.weigh(gathered, known), claimed_evidence);
        if let Some(time) = time.filter(|_| known.sends == Sends::Yes) {
            let (owner, host, user) = (known.owner_id, known.host_id, known.user_id);
            self.same_time.push(Push { owner, host, user, time });
        }
        let number = u32::try_from(self.done.len()).unwrap_or(u32::MAX);
        if let Some(slot) = self.numbers.get_mut(at) {
            *slot = number;
        }
        self.done.push(WeighedActivity {
            root: gathered.root,
            claimed: gathered.claimed,
            findings: gathered.findings.clone(),
            span: known.span,
            user: known.user,
            repository: claim.map_or_else(|| known.repository.clone(), |claim| claim.repository.clone()),
            owner: claim.map_or_else(|| known.owner.clone(), |claim| claim.owner.clone()),
            is_sent: known.sends == Sends::Yes,
            points: claim
                .map_or_else(|| evidence.iter().map(|hit| i32::from(hit.points)).sum(), |claim| claim.points),
            evidence,
            incident: self.incidents.of(known, number),
        });
    }
}

/// Returns the evidence of a row of a scan elsewhere, as far as its items are known here.
fn claimed_evidence(claim: &ClaimedActivity) -> Vec<EvidenceHit> {
    let hit = |claimed: &ClaimedItem| {
        let row = ITEMS.iter().find(|row| row.name == claimed.item)?;
        let detail = Detail::Claimed(claimed.why.clone(), claimed.record);
        Some(EvidenceHit { item: row.item, points: claimed.points, event: None, detail })
    };
    claim.evidence.iter().filter_map(hit).collect()
}

/// Returns the findings of an activity in the order of their events.
fn in_order(store: &Store, gathered: &Gathered) -> Vec<FindingId> {
    let mut findings = gathered.findings.clone();
    if findings.len() > 1 {
        findings.sort_by_cached_key(|id| {
            let finding = store.finding(*id);
            finding.map(|finding| (store.events.sort_key(finding.event), finding.clause.is_lead()))
        });
    }
    findings
}

/// Activities of one user to one owner, each within half an hour of the next.
#[derive(Default)]
struct Incidents {
    last: HashMap<(NameId, NameId), (i64, u32)>,
}

impl Incidents {
    /// Returns the first activity of the incident that an activity is of; they come in the order of their times.
    fn of(&mut self, known: &Known, number: u32) -> u32 {
        let Some((owner, (first, last))) = known.owner_id.zip(known.span) else { return number };
        if known.user.is_none() {
            return number;
        }
        let (first, last) = (first.unix_seconds(), last.unix_seconds());
        let entry = self.last.entry((known.user_id, owner)).or_insert((last, number));
        if first - entry.0 > INCIDENT_GAP {
            entry.1 = number;
        }
        entry.0 = entry.0.max(last);
        entry.1
    }
}
