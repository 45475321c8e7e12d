//! The items of evidence of one activity, from its processes, those above it, its host's traces and the history.

use hashbrown::{HashMap, HashSet};

use crate::detect::evidence::signs::{
    Trace, hidden_script, is_api_host, is_download_host, is_staging_folder, is_system_account,
    is_writable_program, renamed_tool, token_on, unusual_parent, whole_repository,
};
use crate::detect::evidence::{EvidenceItem, ITEMS};
use crate::detect::hunt::sends::own_command_sends;
use crate::detect::profile::Profile;
use crate::model::event::{Field, code};
use crate::model::row::Signal;
use crate::model::time::Timestamp;
use crate::store::Store;
use crate::store::events::interner::Symbol;
use crate::store::evidence::baseline::DAY;
use crate::store::evidence::grouping::Gathered;
use crate::store::evidence::history::{History, NameId, Names, Push};
use crate::store::evidence::table::{Detail, EvidenceHit};
use crate::store::evidence::traces::TraceEvent;
use crate::store::ids::{EventId, FindingId, ProcessId};
use crate::store::resumable::{MergeSort, Pause};
use crate::store::tuning_matches::TuningMatches;

/// Seconds before an activity within which a trace counts.
const BEFORE: i64 = 30 * 60;
/// Processes above an activity that are looked at.
const MAX_ABOVE: usize = 24;
/// The newest events of a process that are looked at for a download.
const MAX_EVENTS: usize = 256;
/// Hosts that push to an owner which is then shared.
const SHARED: usize = 3;

/// The facts of an activity that are gathered before it is weighed.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// The event by whose time it is ordered.
    pub(super) first: EventId,
    pub(super) span: Option<(Timestamp, Timestamp)>,
    pub(super) user: Option<Symbol>,
    pub(super) repository: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) owner_id: Option<NameId>,
    /// The host's and the account's names in lower case.
    pub(super) host_id: NameId,
    pub(super) user_id: NameId,
    pub(super) sends: Sends,
}

/// Whether an activity sends something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sends {
    /// A command of it pushes or uploads.
    Yes,
    /// It only connects: nothing says that it sends.
    Unknown,
    /// Its command is no push, and nothing on the line sends: the event says so.
    No(EventId),
}

/// The traces in the order of their hosts and times.
pub(super) struct SortedTraces {
    sort: MergeSort<TraceEvent>,
}

impl SortedTraces {
    pub(super) fn new(store: &Store) -> Self {
        Self { sort: MergeSort::new(store.evidence.traces.all().to_vec()) }
    }

    /// Goes on with sorting. Returns true when done.
    pub(super) fn advance(&mut self, store: &Store, pause: Pause<'_>) -> bool {
        let key = |trace: &TraceEvent| (trace.host, trace.time);
        let order = |a: &TraceEvent, b: &TraceEvent| {
            key(a)
                .cmp(&key(b))
                .then_with(|| store.events.sort_key(a.event).cmp(&store.events.sort_key(b.event)))
        };
        self.sort.advance(order, pause)
    }

    /// Returns the last trace of a kind on a host up to a moment and from half an hour before another one. A limited
    /// number of them is looked at.
    fn before(
        &self,
        host: Option<Symbol>,
        from: Timestamp,
        to: Timestamp,
        is_kind: impl Fn(Trace) -> bool,
    ) -> Option<&TraceEvent> {
        let host = host?;
        let traces = self.sort.items();
        let end = traces.partition_point(|trace| (trace.host, trace.time) <= (host, to));
        let earliest = from.unix_seconds() - BEFORE;
        let window = traces.get(..end)?.iter().rev().take(MAX_EVENTS);
        window
            .take_while(|trace| trace.host == host && trace.time.unix_seconds() >= earliest)
            .find(|trace| is_kind(trace.trace))
    }
}

/// Everything that activities are weighed by, apart from themselves.
pub(super) struct Scales<'a> {
    pub(super) store: &'a Store,
    pub(super) tuning: &'a TuningMatches,
    pub(super) traces: &'a SortedTraces,
    pub(super) history: &'a History,
    pub(super) names: &'a Names,
    /// By owner: the hosts that push to it.
    pub(super) hosts_of_owner: &'a HashMap<NameId, HashSet<NameId>>,
}

impl Store {
    /// Returns what is known of an activity before it is weighed; `None` for one without findings.
    pub(super) fn known_of(&self, gathered: &Gathered, profile: Profile, names: &mut Names) -> Option<Known> {
        let event_of = |id: &FindingId| self.finding(*id).map(|finding| finding.event);
        let events = || gathered.findings.iter().filter_map(event_of);
        let first = events().min_by_key(|id| self.events.sort_key(*id))?;
        let times = || events().filter_map(|id| self.event(id)?.time);
        let span = times().min().zip(times().max());
        let with_user = events().filter(|id| self.event(*id).is_some_and(|event| event.user.is_some()));
        let user = with_user.min_by_key(|id| self.events.sort_key(*id)).and_then(|id| self.event(id)?.user);
        let host = self.event(first)?.host;
        let host_key = self.events.host_key(host).map_or("", |key| self.text(key));
        let user_key = user.map_or("", |user| self.text(user)).to_lowercase();
        let (repository, owner) = gathered.repository();
        Some(Known {
            first,
            span,
            user,
            owner_id: owner.as_deref().map(|owner| names.number(owner)),
            host_id: names.number(host_key),
            user_id: names.number(&user_key),
            repository,
            owner,
            sends: self.sends_of(gathered, profile),
        })
    }

    /// Weighs whether the commands of an activity send.
    fn sends_of(&self, gathered: &Gathered, profile: Profile) -> Sends {
        let mut result = Sends::Unknown;
        // Thousands of connections can have one command line.
        let mut answers: HashMap<EventId, Option<bool>> = HashMap::new();
        for id in &gathered.findings {
            let Some(finding) = self.finding(*id) else { continue };
            let Some(signal) = finding.signal(profile) else { continue };
            let own = self.events.facts(finding.event);
            let from = if own.command_line.is_some() { Some(finding.event) } else { self.start_of(finding) };
            let said = from.and_then(|from| {
                *answers.entry(from).or_insert_with(|| {
                    let line = self.events.facts(from).command_line;
                    own.image.zip(line).and_then(|(image, line)| own_command_sends(image, line))
                })
            });
            if matches!(signal, Signal::GitPushSendPack | Signal::GitReceivePackOverSsh) || said == Some(true)
            {
                return Sends::Yes;
            }
            let is_command = own.event_code == code::PROCESS_CREATE && signal != Signal::ScriptRequest;
            match said {
                Some(false) => result = Sends::No(finding.event),
                _ if is_command => return Sends::Yes,
                _ => {}
            }
        }
        if result != Sends::Unknown {
            return result;
        }
        // A helper's connection is what its tool was told to do.
        for member in &gathered.members {
            let Some(start) = self.process(*member).and_then(|process| process.start) else { continue };
            let own = self.events.facts(start);
            let said = own.image.zip(own.command_line);
            match said.and_then(|(image, line)| own_command_sends(image, line)) {
                Some(true) => return Sends::Yes,
                Some(false) => result = Sends::No(start),
                None => {}
            }
        }
        result
    }
}

impl Scales<'_> {
    /// Weighs an activity: its items in the order of their table.
    pub(super) fn weigh(&self, gathered: &Gathered, known: &Known) -> Vec<EvidenceHit> {
        let mut items = Items { scales: self, hits: Vec::new(), read: HashSet::new() };
        items.of_owner(known);
        items.of_host(known);
        items.of_commands(gathered, known);
        items.of_parents(gathered);
        let mut hits = items.hits;
        hits.sort_by_key(|hit| ITEMS.iter().position(|row| row.item == hit.item));
        hits
    }
}

struct Items<'a, 'b> {
    scales: &'b Scales<'a>,
    hits: Vec<EvidenceHit>,
    /// The Event 1s that were read, with true for a finding's own.
    read: HashSet<(EventId, bool)>,
}

impl Items<'_, '_> {
    fn has(&self, item: EvidenceItem) -> bool {
        self.hits.iter().any(|hit| hit.item == item)
    }

    /// Adds an item, once.
    fn add(&mut self, item: EvidenceItem, event: Option<EventId>, detail: Detail) {
        let points = self.scales.store.evidence.options.weights.of(item);
        if points != 0 && !self.has(item) {
            self.hits.push(EvidenceHit { item, points, event, detail });
        }
    }

    /// The owner, and who pushed to it before.
    fn of_owner(&mut self, known: &Known) {
        let scales = self.scales;
        let options = &scales.store.evidence.options;
        let first = Some(known.first);
        if let Sends::No(event) = known.sends {
            self.add(EvidenceItem::NoPush, Some(event), Detail::None);
        }
        if let Some(owner) = known.owner.as_deref() {
            if options.trusted.trusts(owner) {
                self.add(EvidenceItem::TrustedOwner, first, Detail::Text(owner.to_owned()));
            } else if let Some(trusted) = options.trusted.look_alike(owner) {
                self.add(EvidenceItem::LookAlike, first, Detail::Text(trusted.to_owned()));
            }
            let hosts = known.owner_id.and_then(|owner| scales.hosts_of_owner.get(&owner));
            let hosts = hosts.map_or(0, HashSet::len);
            if hosts >= SHARED {
                self.add(EvidenceItem::SharedOwner, None, Detail::Text(owner.to_owned()));
            }
        }
        let can_send = !matches!(known.sends, Sends::No(_));
        let Some((time, _)) = known.span.filter(|_| can_send) else { return };
        let push = Push { owner: known.owner_id, host: known.host_id, user: known.user_id, time };
        let (baseline, names, history) = (&*options.baseline, scales.names, scales.history);
        if let Some(owner) = &known.owner
            && history.earlier_days(&push, names, baseline) >= 2
        {
            self.add(EvidenceItem::UsualOwner, None, Detail::Text(owner.clone()));
        }
        if !self.is_known_host(known, time) {
            return;
        }
        if known.sends == Sends::Yes && !history.has_pushed(&push, names, baseline) {
            self.add(EvidenceItem::FirstPush, first, Detail::None);
        }
        let Some(owner) = &known.owner else { return };
        if !history.knows_owner(&push, names, baseline) {
            self.add(EvidenceItem::NewOwner, first, Detail::Text(owner.clone()));
        } else if !history.has_pushed_to(&push, names, baseline) {
            self.add(EvidenceItem::OwnerNewHere, first, Detail::Text(owner.clone()));
        }
    }

    /// Returns true where a host was in the log, or the baseline, for a day before.
    fn is_known_host(&self, known: &Known, time: Timestamp) -> bool {
        let store = self.scales.store;
        let host = store.event(known.first).and_then(|event| event.host);
        let in_log = host.and_then(|host| store.first_time_of(host)).map(|time| time.unix_seconds());
        let in_baseline =
            store.evidence.options.baseline.first_of_host(self.scales.names.text(known.host_id));
        in_log.into_iter().chain(in_baseline).min().is_some_and(|first| first + DAY <= time.unix_seconds())
    }

    /// The traces of the host within half an hour before.
    fn of_host(&mut self, known: &Known) {
        let (store, traces) = (self.scales.store, self.scales.traces);
        let Some((time, last)) = known.span else { return };
        let host = store.event(known.first).and_then(|event| store.events.host_key(event.host));
        let before =
            |trace: &TraceEvent| Detail::Before(trace.name, time.unix_seconds() - trace.time.unix_seconds());
        let is_archive = |trace| matches!(trace, Trace::Archive(_));
        if let Some(trace) = traces.before(host, time, time, is_archive) {
            self.add(EvidenceItem::Archive, Some(trace.event), before(trace));
            if let Some(trace) = traces.before(host, time, time, |trace| trace == Trace::Archive(true)) {
                self.add(EvidenceItem::ArchivePassword, Some(trace.event), before(trace));
            }
        }
        if let Some(trace) = traces.before(host, time, time, |trace| trace == Trace::GitInit) {
            self.add(EvidenceItem::GitInit, Some(trace.event), before(trace));
        }
        // In the activity, too: it may last.
        if let Some(trace) = traces.before(host, time, last, |trace| trace == Trace::SecretSearch) {
            self.add(EvidenceItem::SecretSearch, Some(trace.event), before(trace));
        }
    }

    /// The findings' own processes and lines, and the processes up to the root.
    fn of_commands(&mut self, gathered: &Gathered, known: &Known) {
        let store = self.scales.store;
        if known.user.is_some_and(|user| is_system_account(store.text(user))) {
            self.add(EvidenceItem::SystemAccount, Some(known.first), Detail::None);
        }
        for id in &gathered.findings {
            let Some(finding) = store.finding(*id) else { continue };
            let Some(event) = store.event(finding.event) else { continue };
            let text = |field| store.field(event, field);
            // A lead of a query stands for a connection that was not logged.
            let named = match event.event_code {
                code::NETWORK_CONNECT => {
                    let name = store.symbol_of(finding, Profile::Hunt, Field::DestinationHostname);
                    name.map(|name| store.text(name))
                }
                code::DNS_QUERY => text(Field::QueryName),
                _ => {
                    self.of_start(finding.event, true);
                    None
                }
            };
            if named.is_some_and(is_api_host) {
                self.add(EvidenceItem::ApiHost, Some(finding.event), Detail::None);
            }
            if let Some(start) = store.start_of(finding) {
                self.of_start(start, true);
            }
            if text(Field::Image).is_some_and(is_writable_program) {
                let image = text(Field::Image).unwrap_or("").to_owned();
                self.add(EvidenceItem::WritableProgram, Some(finding.event), Detail::Text(image));
            }
        }
        for process in &gathered.members {
            let Some(process) = store.process(*process) else { continue };
            if let Some(start) = process.start {
                self.of_start(start, false);
            }
        }
        self.of_downloads(gathered);
    }

    /// The texts of an Event 1 of the activity; `is_own` is true for that of a finding.
    fn of_start(&mut self, id: EventId, is_own: bool) {
        if !self.read.insert((id, is_own)) {
            return;
        }
        let store = self.scales.store;
        let Some(event) = store.event(id) else { return };
        let text = |field| store.field(event, field).unwrap_or("");
        let (image, line) = (text(Field::Image), text(Field::CommandLine));
        if let Some(words) = token_on(line) {
            self.add(EvidenceItem::Token, Some(id), Detail::Words(words));
        }
        if let Some(words) = whole_repository(line) {
            self.add(EvidenceItem::WholeRepository, Some(id), Detail::Words(words));
        }
        if let Some(words) = hidden_script(image, line) {
            self.add(EvidenceItem::HiddenScript, Some(id), Detail::Words(words));
        }
        if !is_own {
            return;
        }
        let folder = text(Field::CurrentDirectory);
        if is_staging_folder(folder) {
            self.add(EvidenceItem::StagingFolder, Some(id), Detail::Text(folder.to_owned()));
        }
        if let Some(original) = renamed_tool(image, text(Field::OriginalFileName)) {
            self.add(EvidenceItem::RenamedTool, Some(id), Detail::Text(original.to_owned()));
        }
    }

    /// The programs above the activity, as the Event 1 of each process below names them.
    fn of_parents(&mut self, gathered: &Gathered) {
        let store = self.scales.store;
        let mut seen: HashSet<ProcessId> = HashSet::new();
        let members = gathered.members.iter().copied().take(MAX_ABOVE);
        for member in members {
            let mut at = Some(member);
            for _ in 0..MAX_ABOVE {
                let Some(id) = at.filter(|id| seen.insert(*id)) else { break };
                let Some(process) = store.process(id) else { break };
                if let Some(start) = process.start {
                    self.of_parent(start);
                }
                at = process.parent;
            }
        }
        // An event of no process can still name its parent.
        for id in gathered.findings.iter().take(MAX_ABOVE) {
            if let Some(finding) = store.finding(*id) {
                self.of_parent(finding.event);
            }
        }
    }

    fn of_parent(&mut self, start: EventId) {
        let store = self.scales.store;
        let Some(event) = store.event(start) else { return };
        let text = |field| store.field(event, field).unwrap_or("");
        let (image, line) = (text(Field::ParentImage), text(Field::ParentCommandLine));
        if image.is_empty() {
            return;
        }
        let shown = || Detail::Text(image.to_owned());
        if unusual_parent(image, line).is_some() {
            self.add(EvidenceItem::UnusualParent, Some(start), shown());
        }
        if is_writable_program(image) {
            self.add(EvidenceItem::WritableProgram, Some(start), shown());
        }
        if let Some(words) = hidden_script(image, line) {
            self.add(EvidenceItem::HiddenScript, Some(start), Detail::Words(words));
        }
        if self.scales.tuning.patterns().ide_parent.matches(Some(image)) {
            self.add(EvidenceItem::IdeAbove, Some(start), shown());
        }
    }

    /// A connection or a query of one of the processes for a host of downloads.
    fn of_downloads(&mut self, gathered: &Gathered) {
        let store = self.scales.store;
        for process in gathered.members.iter().take(MAX_ABOVE) {
            for id in store.events.each_event_of(*process).take(MAX_EVENTS) {
                let Some(event) = store.event(id) else { continue };
                let field = match event.event_code {
                    code::NETWORK_CONNECT => Field::DestinationHostname,
                    code::DNS_QUERY => Field::QueryName,
                    _ => continue,
                };
                if let Some(name) = store.field(event, field).filter(|name| is_download_host(name)) {
                    self.add(EvidenceItem::Download, Some(id), Detail::Text(name.to_owned()));
                    return;
                }
            }
        }
    }
}
