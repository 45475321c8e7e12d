//! Which findings are of one activity: those of a process, of a tool and its helpers, of a wrapper and its command.

use hashbrown::{HashMap, HashSet};

use crate::detect::evidence::activity::{is_helper, is_wrapped};
use crate::detect::evidence::signs::is_api_host;
use crate::detect::hunt::hosts::{domain_of_reverse_name, is_reverse_name};
use crate::detect::hunt::target::spoken_to;
use crate::detect::profile::Profile;
use crate::model::event::Field;
use crate::model::repository::owner;
use crate::model::row::Signal;
use crate::store::Store;
use crate::store::events::interner::Symbol;
use crate::store::evidence::table::RootKey;
use crate::store::ids::{EventId, FindingId, ProcessId};
use crate::store::tuning_matches::TuningMatches;
use crate::store::view::FindingView;

/// Processes from a finding's up to the root of its activity. git's own chain is of six.
const MAX_CHAIN: usize = 16;

/// How an activity's repository is known; the strongest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum NamedBy {
    Host,
    ApiPath,
    CommandLine,
    SendPack,
}

/// The repository of an activity, as far as its findings name one.
#[derive(Clone, Debug)]
struct Target {
    by: NamedBy,
    text: String,
}

/// An activity whose findings are being gathered.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) root: RootKey,
    pub(super) findings: Vec<FindingId>,
    /// The processes of the activity that findings led to.
    pub(super) members: Vec<ProcessId>,
    /// The row of a scan elsewhere that put them together.
    pub(super) claimed: Option<EventId>,
    target: Option<Target>,
}

impl Gathered {
    const fn new(root: RootKey, claimed: Option<EventId>) -> Self {
        Self { root, findings: Vec::new(), members: Vec::new(), claimed, target: None }
    }

    /// Looks for the strongest repository that a finding names, in the order of their events.
    pub(super) fn find_target(&mut self, store: &Store, profile: Profile, tuning: &TuningMatches) {
        // Thousands of connections can have one command line.
        let mut lines: HashSet<Symbol> = HashSet::new();
        for view in self.findings.iter().filter_map(|id| store.view(*id, profile, tuning)) {
            let is_new = view.symbol(Field::CommandLine).is_none_or(|line| lines.insert(line));
            if let Some(target) = target_of(&view, is_new)
                && self.target.as_ref().is_none_or(|known| target.is_stronger_than(known))
            {
                self.target = Some(target);
            }
        }
    }

    /// Returns the repository, and its owner where that is known.
    pub(super) fn repository(&self) -> (Option<String>, Option<String>) {
        let Some(target) = &self.target else { return (None, None) };
        let named = owner(&target.text);
        // `api.github.com/gists` is a collection of the API and has no owner.
        let is_owner = named.split_once('/').is_some_and(|(host, _)| !host.starts_with("api."));
        (Some(target.text.clone()), Some(named).filter(|_| is_owner))
    }
}

/// The activities of the findings so far.
#[derive(Default)]
pub(super) struct Grouping {
    pub(super) activities: Vec<Gathered>,
    by_root: HashMap<RootKey, u32>,
    by_process: HashMap<ProcessId, u32>,
    /// By the name that a scan elsewhere gave.
    by_claim: HashMap<String, u32>,
    pub(super) of_findings: Vec<u32>,
}

impl Grouping {
    /// Adds the next finding, if the profile selects it.
    pub(super) fn add(&mut self, store: &Store, id: FindingId, profile: Profile, tuning: &TuningMatches) {
        let number = store.view(id, profile, tuning).map(|view| self.number(store, &view));
        self.of_findings.push(number.unwrap_or(u32::MAX));
    }

    fn number(&mut self, store: &Store, view: &FindingView<'_>) -> u32 {
        let event = view.finding().event;
        if let Some(claim) = store.scan_row(event).and_then(|row| row.activity.as_ref()) {
            let next = u32::try_from(self.activities.len()).unwrap_or(u32::MAX);
            let number = *self.by_claim.entry(claim.name.clone()).or_insert(next);
            if number == next {
                self.activities.push(Gathered::new(RootKey::Event(event), Some(event)));
            }
            if let Some(activity) = self.activities.get_mut(number as usize) {
                activity.findings.push(view.id());
            }
            return number;
        }
        let process = view.event().process;
        let known = process.and_then(|process| self.by_process.get(&process).copied());
        let number = known.unwrap_or_else(|| {
            let chain = process.map_or_else(Vec::new, |process| store.chain(process));
            let root = match chain.last().copied().and_then(|root| store.root_key(root)) {
                Some(root) => root,
                None => RootKey::Event(event),
            };
            let next = u32::try_from(self.activities.len()).unwrap_or(u32::MAX);
            let number = *self.by_root.entry(root).or_insert(next);
            if number == next {
                self.activities.push(Gathered::new(root, None));
            }
            if let Some(activity) = self.activities.get_mut(number as usize) {
                activity.members.extend(chain);
            }
            if let Some(process) = process {
                self.by_process.insert(process, number);
            }
            number
        });
        if let Some(activity) = self.activities.get_mut(number as usize) {
            activity.findings.push(view.id());
        }
        number
    }
}

impl Target {
    /// Returns true where it is named by something stronger, or more of it is known.
    fn is_stronger_than(&self, known: &Self) -> bool {
        let key = |target: &Self| (target.by, target.text.matches('/').count().min(2));
        key(self) > key(known)
    }
}

/// Returns the repository that a finding names; its command line is read only where that is new in its activity.
fn target_of(view: &FindingView<'_>, is_new_line: bool) -> Option<Target> {
    let lead = view.finding().hunt.and_then(|hunt| hunt.repository);
    if lead.is_some() {
        let by = match view.signal() {
            Signal::GitPushSendPack | Signal::GitReceivePackOverSsh => NamedBy::SendPack,
            _ => NamedBy::CommandLine,
        };
        return Some(Target { by, text: view.destination()? });
    }
    let line = view.text(Field::CommandLine).filter(|_| is_new_line);
    if let Some(address) = line.and_then(|line| view.spoken_to(line)) {
        let by = match (&address.owner, is_api_host(&address.host)) {
            (None, _) => NamedBy::Host,
            (Some(_), true) => NamedBy::ApiPath,
            (Some(_), false) => NamedBy::CommandLine,
        };
        return Some(Target { by, text: address.to_string() });
    }
    let host = view.text(Field::DestinationHostname).or_else(|| view.text(Field::QueryName))?;
    let host = host.to_ascii_lowercase();
    let hosts = view.store().repository_hosts();
    let is_reverse = !hosts.knows(&host) && is_reverse_name(&host);
    let text = if is_reverse { domain_of_reverse_name(&host).to_owned() } else { host };
    Some(Target { by: NamedBy::Host, text })
}

impl FindingView<'_> {
    /// Returns the repository that a command line speaks to.
    fn spoken_to(&self, line: &str) -> Option<crate::model::repository::Address> {
        let own = self.store().repository_hosts().own();
        spoken_to(self.text(Field::Image), line, own)
    }
}

impl Store {
    /// Returns a process and those above it that are of the same activity, the root last.
    pub(super) fn chain(&self, process: ProcessId) -> Vec<ProcessId> {
        let mut chain = vec![process];
        let mut at = process;
        while chain.len() < MAX_CHAIN
            && let Some(parent) = self.parent_in_activity(at)
            && !chain.contains(&parent)
        {
            chain.push(parent);
            at = parent;
        }
        chain
    }

    fn parent_in_activity(&self, process: ProcessId) -> Option<ProcessId> {
        let process = self.process(process)?;
        let parent = process.parent?;
        let start = self.event(process.start?)?;
        let text = |field| self.field(start, field).unwrap_or("");
        let (image, parent_image) = (text(Field::Image), text(Field::ParentImage));
        let is_one = is_helper(image, parent_image)
            || is_wrapped(text(Field::CommandLine), parent_image, text(Field::ParentCommandLine));
        is_one.then_some(parent)
    }

    fn root_key(&self, process: ProcessId) -> Option<RootKey> {
        let guid = self.process(process)?.guid;
        Some(RootKey::Process(self.events.host_of_process(process), guid))
    }
}
