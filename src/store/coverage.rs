//! Log coverage: "no alerts" is an answer only where the events were there to be seen.

use std::cmp::Reverse;

use hashbrown::HashMap;

use crate::detect::clauses::is_listed_host;
use crate::model::batch::{Batch, EventRecord, Place, SourceId};
use crate::model::event::Wanted;
use crate::model::event::{Field, code};
use crate::model::fault::Severity;
use crate::model::time::Timestamp;
use crate::model::understood::{Understood, is_bare};
use crate::store::Store;
use crate::store::events::dense_map::DenseMap;
use crate::store::events::host_names::HostName;
use crate::store::events::interner::Symbol;
use crate::store::ids::DistinctId;

/// Hosts that a note names; the others are counted.
const MAX_NAMED_HOSTS: usize = 3;
/// Maximum of batches of a source that are distinguished for that. Beyond it neighbours are merged. Tests have fewer.
const MAX_STRETCHES: usize = if cfg!(test) { 8 } else { 16_384 };
/// Maximum of hosts that are distinguished although all their events were evicted. Beyond it they are counted together.
const MAX_GONE_HOSTS: usize = 10_000;
/// Seconds by which a clock must go back to be noted: less is the jitter of a busy host.
const CLOCK_JUMP: i64 = 60;

/// Counts of the events of one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostCoverage {
    /// Its name.
    pub host: String,
    /// The earliest and the latest time.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Event 1.
    pub process_creates: u64,
    /// Event 1 without a command line.
    pub without_command_line: u64,
    /// Event 1 without a parent.
    pub without_parent: u64,
    /// Event 3.
    pub connections: u64,
    /// Event 3 with a usable name: neither empty nor `-`.
    pub named_connections: u64,
    /// Event 3 whose name is on the search's list.
    pub listed_connections: u64,
    /// Event 22.
    pub dns_queries: u64,
    /// Event 4: Sysmon was started or stopped.
    pub service_changes: u64,
    /// Event 16: its configuration was changed.
    pub configuration_changes: u64,
    /// Event 255: it had an error.
    pub sysmon_errors: u64,
    /// Event 1 whose fields did not come through: the missing ones prove nothing of Sysmon's configuration.
    pub bare_process_creates: u64,
    /// Event 3 of the same kind.
    pub bare_connections: u64,
    /// Event 3 that the DNS join named.
    pub resolved_connections: u64,
}

impl HostCoverage {
    /// Event 3 whose fields came through.
    const fn read_connections(&self) -> u64 {
        self.connections.saturating_sub(self.bare_connections)
    }

    const fn weight(&self) -> u64 {
        self.process_creates + self.connections + self.dns_queries
    }
}

/// The impact of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Impact {
    /// The detection is blind to something.
    BlindSpot,
    /// Something may be missing.
    Uncertain,
    /// Good to know.
    Info,
}

/// Something that the logs could not have shown: what, what follows from it for this detection, and what to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Its impact.
    pub impact: Impact,
    /// The sentences.
    pub text: String,
}

/// The records of one batch, in its source.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    place: Place,
    first: (u64, Timestamp),
    last: (u64, Timestamp),
}

#[derive(Default)]
struct SourceCensus {
    records: u64,
    other_records: u64,
    understood: Understood,
    stretches: Vec<Stretch>,
    /// The least and the greatest number of the stretches' first and last records.
    ids: Option<(u64, u64)>,
    jumps: Jumps,
    host: Option<Symbol>,
    has_several_hosts: bool,
}

/// How often the clock went back, and its largest jump: the record before which, and the seconds.
#[derive(Clone, Copy, Debug, Default)]
struct Jumps {
    count: usize,
    most: Option<(u64, i64)>,
}

impl Jumps {
    fn add(&mut self, jump: Option<(u64, i64)>) {
        let Some(jump) = jump else { return };
        self.count += 1;
        if self.most.is_none_or(|most| jump.1 >= most.1) {
            self.most = Some(jump);
        }
    }
}

impl SourceCensus {
    /// Adds the records of a batch. A source without an end has batches without an end: of very many, each two that
    /// follow each other become one.
    fn add_stretch(&mut self, stretch: Stretch) {
        if self.stretches.len() >= MAX_STRETCHES {
            self.stretches.sort_by_key(|stretch| stretch.place);
            for pair in std::mem::take(&mut self.stretches).chunks(2) {
                let (Some(first), Some(last)) = (pair.first(), pair.last()) else { continue };
                if pair.len() == 2 {
                    self.jumps.add(jump(first.last, last.first));
                }
                self.stretches.push(Stretch { last: last.last, ..*first });
            }
        }
        let (low, high) = self.ids.unwrap_or((u64::MAX, 0));
        let ids = [stretch.first.0, stretch.last.0];
        self.ids = Some(ids.into_iter().fold((low, high), |(low, high), id| (low.min(id), high.max(id))));
        self.stretches.push(stretch);
    }
}

/// Counts by host and by source, of all events that sources hand over, kept or not.
#[derive(Default)]
pub(super) struct Census {
    hosts: Vec<(Symbol, HostCoverage)>,
    by_name: DenseMap,
    /// The source and the host of the last event; no host where the source is known to have several.
    last: Option<(SourceId, Option<Symbol>)>,
    sources: HashMap<SourceId, SourceCensus>,
    /// Hosts that left with their events, and of which nothing is known any more.
    gone_hosts: u64,
}

impl Census {
    /// Bytes that it takes, as far as they grow with hosts and batches.
    pub(super) fn bytes(&self) -> usize {
        let stretches: usize = self.sources.values().map(|source| source.stretches.capacity()).sum();
        self.hosts.capacity() * size_of::<(Symbol, HostCoverage)>()
            + self.by_name.bytes()
            + stretches * size_of::<Stretch>()
            + self.sources.capacity() * size_of::<(SourceId, SourceCensus)>()
    }

    /// Returns the same with the hosts' names of another interner. Hosts that are no longer here stay up to a maximum.
    pub(super) fn renamed(
        self,
        is_here: impl Fn(Symbol) -> bool,
        mut rename: impl FnMut(Symbol) -> Option<Symbol>,
    ) -> Self {
        let (mut gone, mut staying_gone) = (self.gone_hosts, MAX_GONE_HOSTS);
        let stays = |host: Symbol| {
            if is_here(host) {
                return true;
            }
            let stays = staying_gone > 0;
            staying_gone = staying_gone.saturating_sub(1);
            gone += u64::from(!stays);
            stays
        };
        let mut stays = stays;
        // Those that were met last are the ones that may come again.
        let mut hosts = self.hosts;
        hosts.reverse();
        hosts.retain(|(host, _)| stays(*host));
        hosts.reverse();
        let hosts: Vec<_> =
            hosts.into_iter().filter_map(|(host, seen)| Some((rename(host)?, seen))).collect();
        let mut by_name = DenseMap::default();
        for (number, (host, _)) in (0..).zip(&hosts) {
            by_name.set(host.number(), number);
        }
        let mut sources = self.sources;
        for source in sources.values_mut() {
            source.host = source.host.and_then(&mut rename);
        }
        Self { hosts, by_name, last: None, sources, gone_hosts: gone }
    }

    /// Notes that a source has an event of a host.
    fn meet(&mut self, source: SourceId, host: Symbol) {
        if self.last.is_some_and(|(last, seen)| last == source && seen.is_none_or(|seen| seen == host)) {
            return;
        }
        let Some(census) = self.sources.get_mut(&source) else { return };
        census.has_several_hosts |= census.host.is_some_and(|other| other != host);
        census.host = Some(host);
        self.last = Some((source, Some(host).filter(|_| !census.has_several_hosts)));
    }

    /// Returns the counts of a host, which is added where it is new.
    fn host(&mut self, host: Symbol) -> Option<&mut HostCoverage> {
        let number = self.by_name.get(host.number()).or_else(|| {
            let next = u32::try_from(self.hosts.len()).ok()?;
            self.hosts.push((host, HostCoverage::default()));
            self.by_name.set(host.number(), next);
            Some(next)
        })?;
        self.hosts.get_mut(number as usize).map(|(_, seen)| seen)
    }

    pub(super) fn add_records(&mut self, batch: &Batch, wanted: &Wanted) {
        let source = self.sources.entry(batch.source).or_default();
        source.records += batch.tally.records();
        source.understood.count_batch(batch, wanted);
        source.other_records += batch.tally.skipped.values().sum::<u64>();
        let mut moments = batch
            .events
            .iter()
            .filter_map(|event| Some((event.head.record_id?, event.head.time?, event.head.place)));
        let Some((id, time, place)) = moments.next() else { return };
        let mut stretch = Stretch { place, first: (id, time), last: (id, time) };
        for (id, time, _) in moments {
            source.jumps.add(jump(stretch.last, (id, time)));
            stretch.last = (id, time);
        }
        source.add_stretch(stretch);
    }
}

/// Returns a jump back of the clock between two records that follow each other.
fn jump(before: (u64, Timestamp), after: (u64, Timestamp)) -> Option<(u64, i64)> {
    let back = before.1.unix_seconds() - after.1.unix_seconds();
    (after.0 > before.0 && back >= CLOCK_JUMP).then_some((after.0, back))
}

impl Store {
    pub(super) fn count_for_coverage(&mut self, batch: &Batch, record: &EventRecord, name: Option<HostName>) {
        let Some(symbol) = name.map(|name| name.first) else { return };
        self.census.meet(batch.source, symbol);
        let is_bare = is_bare(batch, record, &self.wanted());
        let Some(host) = self.census.host(symbol) else { return };
        if let Some(time) = record.head.time {
            host.span =
                Some(host.span.map_or((time, time), |(first, last)| (first.min(time), last.max(time))));
        }
        let has = |field| u64::from(batch.text(record, field).is_some());
        match record.head.event_code {
            code::PROCESS_CREATE => {
                host.process_creates += 1;
                if is_bare {
                    host.bare_process_creates += 1;
                    return;
                }
                host.without_command_line += 1 - has(Field::CommandLine);
                host.without_parent += 1 - has(Field::ParentImage);
            }
            code::NETWORK_CONNECT => {
                host.connections += 1;
                if is_bare {
                    host.bare_connections += 1;
                    return;
                }
                let name = batch.text(record, Field::DestinationHostname).filter(|name| *name != "-");
                host.named_connections += u64::from(name.is_some());
                host.listed_connections += u64::from(name.is_some_and(is_listed_host));
            }
            code::DNS_QUERY => host.dns_queries += 1,
            code::SERVICE_STATE => host.service_changes += 1,
            code::CONFIG_CHANGE => host.configuration_changes += 1,
            code::ERROR => host.sysmon_errors += 1,
            _ => {}
        }
    }

    /// Returns the earliest time of a host's events, whatever was kept of them.
    pub(super) fn first_time_of(&self, host: DistinctId) -> Option<Timestamp> {
        let first = self.hosts().get(host)?.first;
        let number = self.census.by_name.get(first.number())?;
        let (_, seen) = self.census.hosts.get(number as usize)?;
        seen.span.map(|(first, _)| first)
    }

    /// Returns the hosts with the times of their first and last event.
    pub(super) fn host_spans(&self) -> impl Iterator<Item = (&str, (Timestamp, Timestamp))> {
        self.census.hosts.iter().filter_map(|(host, seen)| Some((self.text(*host), seen.span?)))
    }

    /// The earliest and the latest time of each host that has any.
    pub(super) fn spans(&self) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        self.census.hosts.iter().filter_map(|(_, host)| host.span)
    }

    /// Returns the counts of each host, the one with the most events first.
    #[must_use]
    pub fn coverage(&self) -> Vec<HostCoverage> {
        let mut resolved: HashMap<Symbol, u64> = HashMap::new();
        for finding in self.findings().iter().filter(|finding| finding.is_named()) {
            if let Some(host) = finding.host.and_then(|host| self.hosts().get(host)) {
                *resolved.entry(host.first).or_default() += 1;
            }
        }
        let mut hosts: Vec<HostCoverage> = self
            .census
            .hosts
            .iter()
            .map(|(symbol, host)| HostCoverage {
                host: self.text(*symbol).to_owned(),
                resolved_connections: resolved.get(symbol).copied().unwrap_or(0),
                ..host.clone()
            })
            .collect();
        hosts.sort_by(|a, b| b.weight().cmp(&a.weight()).then_with(|| a.host.cmp(&b.host)));
        hosts
    }

    /// Returns notes on blind spots of the logs, the gravest first.
    #[must_use]
    pub fn coverage_notes(&self) -> Vec<Note> {
        let hosts: Vec<_> =
            self.census.hosts.iter().map(|(symbol, host)| (self.text(*symbol), host)).collect();
        let mut notes = host_notes(&hosts);
        for source in self.sources() {
            if let Some(census) = self.census.sources.get(&source.id) {
                notes.extend(source_notes(&source.name, census));
            }
        }
        if self.census.gone_hosts > 0 {
            let text = format!(
                "{} hosts have left with their last event, to keep the memory within its bounds: what their logs could have \
                 shown is told no more, and of one that comes back only from then on.",
                self.census.gone_hosts
            );
            notes.push(Note { impact: Impact::Info, text });
        }
        notes.extend(self.row_notes());
        notes.sort_by_key(|note| note.impact);
        notes
    }
}

/// `WS-1, WS-2, WS-3 and 14 others`, of those hosts that a condition holds for; `None` where it holds for none.
fn those(hosts: &[(&str, &HostCoverage)], holds: impl Fn(&HostCoverage) -> bool) -> Option<String> {
    let mut count = 0;
    // The first in order; of a million hosts the others need none.
    let mut first: Vec<(Reverse<u64>, &str)> = Vec::with_capacity(MAX_NAMED_HOSTS + 1);
    for (name, host) in hosts.iter().filter(|(_, host)| holds(host)) {
        count += 1;
        let own = (Reverse(host.weight()), *name);
        let at = first.partition_point(|other| *other < own);
        if at < MAX_NAMED_HOSTS {
            first.insert(at, own);
            first.truncate(MAX_NAMED_HOSTS);
        }
    }
    let named = first.into_iter().map(|(_, name)| name).collect::<Vec<_>>().join(", ");
    Some(match count {
        0 => return None,
        count if count == hosts.len() && count > MAX_NAMED_HOSTS => format!("all {count} hosts"),
        count if count > MAX_NAMED_HOSTS => format!("{named} and {} others", count - MAX_NAMED_HOSTS),
        _ => named,
    })
}

fn host_notes(hosts: &[(&str, &HostCoverage)]) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut note = |impact, found: Option<String>, say: &dyn Fn(&str) -> String| {
        if let Some(hosts) = found {
            notes.push(Note { impact, text: say(&hosts) });
        }
    };
    note(Impact::BlindSpot, those(hosts, |host| host.process_creates == 0), &|hosts| {
        format!(
            "No Event 1 from {hosts}: a push or an upload by command line can't be seen there. Let Sysmon's \
            ProcessCreate include git, curl, wget, Python and PowerShell."
        )
    });
    note(Impact::BlindSpot, those(hosts, |host| host.connections == 0), &|hosts| {
        format!(
            "No Event 3 from {hosts}: the net clause is blind there. Let Sysmon's NetworkConnect include these \
            programs; it is off by default."
        )
    });
    let unnamed = |host: &HostCoverage| host.read_connections() > 0 && host.named_connections == 0;
    note(Impact::BlindSpot, those(hosts, unnamed), &|hosts| {
        format!(
            "No Event 3 from {hosts} has a DestinationHostname: DnsLookup is off, and the net clause of spl is \
            blind there. correlated names a connection by its process's Event 22. Set DnsLookup to True."
        )
    });
    let partly = |host: &HostCoverage| {
        host.named_connections > 0 && host.named_connections * 2 < host.read_connections()
    };
    note(Impact::Uncertain, those(hosts, partly), &|hosts| {
        format!(
            "Over half of the Event 3 from {hosts} have no DestinationHostname: only the DNS join can name them."
        )
    });
    let blind_join =
        |host: &HostCoverage| host.dns_queries == 0 && host.listed_connections < host.read_connections();
    note(Impact::BlindSpot, those(hosts, blind_join), &|hosts| {
        format!(
            "No Event 22 from {hosts}: a connection without a usable name can't be named by what its process asked \
            DNS for. Let Sysmon's DnsQuery include everything but noise (Windows 8.1 or newer)."
        )
    });
    note(Impact::BlindSpot, those(hosts, |host| host.without_command_line > 0), &|hosts| {
        format!(
            "Event 1 without a command line from {hosts}: the push and api clauses can't see these processes."
        )
    });
    note(Impact::Uncertain, those(hosts, |host| host.without_parent > 0), &|hosts| {
        format!("Event 1 without a parent from {hosts}: the IDE pattern has nothing to match on there.")
    });
    note(Impact::Uncertain, those(hosts, |host| host.service_changes > 0), &|hosts| {
        format!(
            "Sysmon was started or stopped (Event 4) on {hosts}: what happened while it was off is in no log."
        )
    });
    note(Impact::Uncertain, those(hosts, |host| host.configuration_changes > 0), &|hosts| {
        format!(
            "Sysmon's configuration was changed (Event 16) on {hosts}: before and after it, other events are logged."
        )
    });
    note(Impact::Uncertain, those(hosts, |host| host.sysmon_errors > 0), &|hosts| {
        format!("Sysmon had errors of its own (Event 255) on {hosts}: events may be missing.")
    });
    notes
}

fn source_notes(name: &str, census: &SourceCensus) -> Vec<Note> {
    let mut notes = Vec::new();
    if let Some(severity) = census.understood.severity() {
        let impact = if severity > Severity::Notice { Impact::BlindSpot } else { Impact::Uncertain };
        let text = format!(
            "{} in {name}: these events were not understood, and what they show can't be seen. That is how the log was \
             exported or read, not how Sysmon is configured; the read errors say what was there instead.",
            census.understood.sentence()
        );
        notes.push(Note { impact, text });
    }
    let mut stretches = census.stretches.clone();
    stretches.sort_by_key(|stretch| stretch.place);
    let across = stretches.windows(2).filter_map(|pair| match pair {
        [before, after] => jump(before.last, after.first),
        _ => None,
    });
    // Records of several hosts in one log are each host's own: they tell nothing of one clock or one numbering.
    if census.has_several_hosts {
        return notes;
    }
    let mut jumps = census.jumps;
    across.for_each(|jump| jumps.add(Some(jump)));
    if let Some((record, seconds)) = jumps.most {
        let text = format!(
            "The clock went back {} times in {name}, by {seconds} s at record {record}: the order of times is not the \
             order of events there.",
            jumps.count
        );
        notes.push(Note { impact: Impact::Info, text });
    }
    let Some((first, last)) = census.ids else { return notes };
    let missing = (last - first + 1).saturating_sub(census.records);
    if missing > 0 && census.other_records == 0 {
        let text = format!(
            "At least {missing} record numbers are missing in {name} between {first} and {last}: the log was filtered, \
             cleared or damaged, and what stood there can't be seen."
        );
        notes.push(Note { impact: Impact::Uncertain, text });
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> HostCoverage {
        HostCoverage {
            host: name.to_owned(),
            process_creates: 5,
            connections: 4,
            named_connections: 4,
            dns_queries: 3,
            ..HostCoverage::default()
        }
    }

    fn texts(hosts: &[HostCoverage]) -> String {
        let named: Vec<_> = hosts.iter().map(|host| (host.host.as_str(), host)).collect();
        host_notes(&named).into_iter().map(|note| note.text + "\n").collect()
    }

    #[test]
    fn a_host_that_shows_all_has_no_note() {
        assert_eq!(texts(&[host("A")]), "");
    }

    #[test]
    fn what_is_missing_is_said_with_its_consequence() {
        for (change, part) in [
            ((|host| host.process_creates = 0) as fn(&mut HostCoverage), "No Event 1 from B: a push"),
            (
                |host| (host.connections, host.named_connections) = (0, 0),
                "No Event 3 from B: the net clause is blind",
            ),
            (|host| host.named_connections = 0, "DnsLookup is off"),
            (|host| host.named_connections = 1, "Over half of the Event 3 from B"),
            (|host| host.dns_queries = 0, "No Event 22 from B"),
            (|host| host.without_command_line = 1, "without a command line from B"),
            (|host| host.without_parent = 1, "without a parent from B"),
            (|host| host.service_changes = 1, "started or stopped (Event 4) on B"),
            (|host| host.configuration_changes = 1, "configuration was changed (Event 16) on B"),
            (|host| host.sysmon_errors = 1, "errors of its own (Event 255) on B"),
        ] {
            let mut changed = host("B");
            change(&mut changed);
            let text = texts(&[host("A"), changed]);
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn many_hosts_are_counted() {
        let mut hosts: Vec<_> = ["A", "B", "C", "D", "E"].map(host).into();
        for host in &mut hosts {
            host.dns_queries = 0;
        }
        assert!(texts(&hosts).contains("No Event 22 from all 5 hosts"));
        hosts[0].dns_queries = 1;
        assert!(texts(&hosts).contains("No Event 22 from B, C, D and 1 others"));
    }

    #[test]
    fn a_clock_that_goes_back_and_missing_numbers_are_noted() {
        let at = |record, second| (record, Timestamp::from_unix(second, 0, 7));
        let stretch = |place, first, last| Stretch { place, first, last };
        let mut census = SourceCensus { records: 20, ..SourceCensus::default() };
        census.add_stretch(stretch(2, at(21, 500), at(30, 900)));
        census.add_stretch(stretch(1, at(1, 1000), at(10, 2000)));
        let notes = source_notes("a.evtx", &census);
        let texts: Vec<_> = notes.iter().map(|note| note.text.as_str()).collect();
        assert!(texts[0].contains("by 1500 s at record 21"), "{texts:?}");
        assert!(
            texts[1].contains("At least 10 record numbers are missing in a.evtx between 1 and 30"),
            "{texts:?}"
        );
        let several = SourceCensus { has_several_hosts: true, ..census };
        assert!(source_notes("a.evtx", &several).is_empty());
    }
}
