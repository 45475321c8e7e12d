//! Contents of a report for the ticket, gathered from the console's state. A writer thread writes it.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::export::ExportOptions;
use crate::export::report::{Decided, Entry, Node, Report, ReportFormat};
use crate::files::atomic::AtomicFile;
use crate::files::policy::{Existing, OutputPolicy};
use crate::model::event::{Field, code};
use crate::model::secrets::mask;
use crate::model::time::Timestamp;
use crate::model::verdict::Verdict;
use crate::store::events::event::StoredEvent;
use crate::store::held::Held;
use crate::store::ids::{FindingId, ProcessId};
use crate::store::list::listing::Shown;
use crate::store::resumable::Pause;
use crate::store::view::FindingView;
use crate::tui::format::range_text;
use crate::tui::state::App;
use crate::tui::state::effect::Scope;

/// Alerts of a report: more than anybody reads in a ticket, and gathered within a frame.
const MAX_REPORT_ALERTS: usize = 500;
/// Ancestors, children and acts of one alert.
const MAX_AROUND: usize = 30;
/// Faults of the load that are named.
const MAX_FAULTS: usize = 20;

/// A report, and what is needed to write it.
#[derive(Debug)]
pub struct ReportJob {
    report: Report,
    options: ExportOptions,
    /// The file; `None` for a new one of [`Self::name`].
    path: Option<PathBuf>,
    name: String,
    alerts: usize,
}

/// The alerts of a report, as far as they are gathered.
pub struct Gathering {
    listed: Held<Vec<Listed>>,
    /// How many of them it is of.
    all: usize,
    next: usize,
    entries: Vec<Entry>,
    /// The activity of each process.
    acts: HashMap<ProcessId, Vec<String>>,
}

/// An alert, with what its group is grouped by, and the group's key.
type Listed = (FindingId, Option<(&'static str, String)>);

impl Gathering {
    /// How many alerts of how many are gathered.
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        (self.next, self.all)
    }
}

impl App {
    /// Gathers a report. `now` is the time that it names.
    #[must_use]
    pub fn report(
        &self,
        scope: &Scope,
        path: Option<PathBuf>,
        now: Timestamp,
        by: Option<&str>,
    ) -> ReportJob {
        let mut gathering = self.begin_report(scope);
        self.gather_report(&mut gathering, &|| false);
        self.finish_report(gathering, scope, path, now, by)
    }

    /// Fixes which alerts a report is of.
    #[must_use]
    pub fn begin_report(&self, scope: &Scope) -> Gathering {
        let listed = self.report_findings(scope);
        let all = listed.len().min(MAX_REPORT_ALERTS);
        let listed = Held::new(listed, &self.store);
        Gathering { listed, all, next: 0, entries: Vec::new(), acts: HashMap::new() }
    }

    /// Gathers alerts until all are there, which it says, or it is time to stop. One alert takes a time that is bounded
    /// by its process's events.
    pub fn gather_report(&self, gathering: &mut Gathering, pause: Pause<'_>) -> bool {
        let listed = gathering.listed.get(&self.store).map_or(&[][..], Vec::as_slice);
        for (id, group) in listed.iter().take(MAX_REPORT_ALERTS).skip(gathering.next) {
            gathering.next += 1;
            gathering.entries.extend(self.entry(*id, group.clone(), &mut gathering.acts));
            if pause() {
                return false;
            }
        }
        true
    }

    /// The report that was gathered. `now` is the time that it names.
    #[must_use]
    pub fn finish_report(
        &self,
        gathering: Gathering,
        scope: &Scope,
        path: Option<PathBuf>,
        now: Timestamp,
        by: Option<&str>,
    ) -> ReportJob {
        let Gathering { listed, entries, .. } = gathering;
        let listed = listed.get(&self.store).map_or(&[][..], Vec::as_slice);
        let report = Report {
            summary: self.report_summary(scope, listed, now, by),
            patterns: vec![
                ("CI-host".to_owned(), self.flags.patterns().ci_host.text().to_owned()),
                ("IDE-parent".to_owned(), self.flags.patterns().ide_parent.text().to_owned()),
            ],
            coverage: self.report_coverage(),
            entries,
        };
        let name = match (scope, report.entries.first()) {
            (Scope::Selected(_), Some(Entry { row, .. })) => {
                let time = row.time.map_or_else(String::new, |time| {
                    format!("-{}-{}", time.date_text().replace('-', ""), time.clock_text().replace(':', ""))
                });
                format!("report-{}{time}.md", file_name(&mask(row.host.as_deref().unwrap_or("alert"))))
            }
            _ => format!("report-{}.md", file_name(&mask(&self.title))),
        };
        let options = ExportOptions { reveal_secrets: self.reveal_secrets, ..ExportOptions::default() };
        ReportJob { alerts: report.entries.len(), report, options, path, name }
    }

    fn report_findings(&self, scope: &Scope) -> Vec<Listed> {
        let listing = self.listing();
        let group_of = |number: usize| {
            let group = listing.groups.get(number)?;
            Some((listing.query.group?.name(), group.key.clone()))
        };
        match scope {
            Scope::Selected(pin) => {
                let group = pin.group().map(|(by, key)| (by, key.to_owned()));
                pin.alerts(&self.store).iter().map(|id| (*id, group.clone())).collect()
            }
            Scope::List if listing.query.group.is_some() => {
                let groups = 0..listing.groups.len();
                groups
                    .flat_map(|number| listing.members(number).iter().map(move |id| (*id, group_of(number))))
                    .take(MAX_REPORT_ALERTS)
                    .collect()
            }
            Scope::List => listing.findings.iter().map(|id| (*id, None)).collect(),
        }
    }

    fn report_summary(
        &self,
        scope: &Scope,
        listed: &[Listed],
        now: Timestamp,
        by: Option<&str>,
    ) -> Vec<String> {
        let kind = if self.list.shown == Shown::Alerts { "alerts" } else { "suppressed events" };
        let all = self.listing.total(self.list.shown, self.list.min_score);
        let number = match scope {
            Scope::Selected(_) => listed.len(),
            Scope::List => self.listing.findings.len(),
        };
        let mut summary = vec![format!(
            "{number} of {all} {kind} of {}, profile {}, alerts from score {}.",
            self.title,
            self.list.profile.name(),
            self.list.min_score
        )];
        if number > MAX_REPORT_ALERTS {
            summary.push(format!(
                "Only the first {MAX_REPORT_ALERTS} are in this report: filter the list, or export it as CSV or NDJSON."
            ));
        }
        if let Some((text, _)) = self.list.filter.as_ref().filter(|_| *scope == Scope::List) {
            summary.push(format!("Filtered by {text}."));
        }
        if let Some((from, to)) = self.list.range.filter(|_| *scope == Scope::List) {
            summary.push(format!("In the time {}.", range_text(from, to)));
        }
        let mut verdicts = [0_usize; Verdict::ALL.len()];
        for (id, _) in listed {
            let verdict = self.triage.mark(*id).verdict;
            let place = Verdict::ALL.iter().position(|other| *other == verdict);
            if let Some(count) = place.and_then(|place| verdicts.get_mut(place)) {
                *count += 1;
            }
        }
        let [malicious, benign, unclear, undecided] = verdicts;
        summary.push(format!(
            "Verdicts: {malicious} malicious, {benign} benign, {unclear} unclear, {undecided} undecided."
        ));
        let tally = self.store.tally();
        summary.push(format!("{} Sysmon events of {} records.", tally.sysmon, tally.records()));
        if !self.load.finished && self.endless.is_none() {
            summary.push("The logs were still being read.".to_owned());
        }
        let by = by.map_or_else(String::new, |by| format!(" by {by}"));
        summary.push(format!("Written at {now}{by}."));
        summary
    }

    fn report_coverage(&self) -> Vec<String> {
        let faults = self.store.faults();
        let more = faults.len().saturating_sub(MAX_FAULTS);
        let notes = self.notes.iter().map(|note| note.text.clone());
        let faults = faults.iter().take(MAX_FAULTS).map(|fault| format!("Could not be read: {fault}."));
        let more = (more > 0).then(|| format!("{more} more could not be read."));
        notes.chain(faults).chain(more).collect()
    }

    fn entry(
        &self,
        id: FindingId,
        group: Option<(&'static str, String)>,
        acts: &mut HashMap<ProcessId, Vec<String>>,
    ) -> Option<Entry> {
        let row = self.store.row(id, self.list.profile, &self.flags)?;
        let view = self.store.view(id, self.list.profile, &self.flags)?;
        let decided = self
            .triage
            .decision(&view)
            .filter(|decision| decision.verdict != Verdict::Undecided || !decision.note.is_empty())
            .map(|decision| Decided {
                verdict: decision.verdict,
                note: decision.note.clone(),
                by: decision.by.clone(),
                at: decision.at,
            });
        let process = view.event().process;
        let tree = process.map_or_else(Vec::new, |process| self.tree(process, &view));
        // All alerts of a process did the same.
        let acts = process.map_or_else(Vec::new, |process| {
            acts.entry(process).or_insert_with(|| self.acts(process)).clone()
        });
        let place = row.destination_hostname.clone().or_else(|| view.destination());
        Some(Entry { row, place, group, decided, tree, acts })
    }

    /// The processes around one: its ancestors, itself, its children.
    fn tree(&self, process: ProcessId, view: &FindingView<'_>) -> Vec<Node> {
        let store = &self.store;
        let field = |event: &StoredEvent, field| store.field(event, field).map(str::to_owned);
        let start = |id: ProcessId| store.event(store.process(id)?.start?);
        let mut chain = store.events().ancestors(process);
        chain.truncate(MAX_AROUND);
        chain.reverse();
        let mut tree = Vec::new();
        let root = chain.first().copied().unwrap_or(process);
        if let Some(event) = start(root)
            && let Some(image) = field(event, Field::ParentImage)
        {
            let about = "no Event 1; from its child's ParentImage".to_owned();
            let command_line = field(event, Field::ParentCommandLine);
            tree.push(Node { depth: 0, image, about, command_line, is_own: false });
        }
        let (children, all) = store.events().first_children(process, MAX_AROUND);
        let more = all.saturating_sub(MAX_AROUND);
        for (number, id) in chain.iter().copied().chain([process]).chain(children).enumerate() {
            let is_own = id == process;
            let depth = if number > chain.len() { depth_of_children(&tree) } else { tree.len() };
            let node = if let Some(event) = start(id) {
                let time = event.time.map_or_else(String::new, |time| time.to_string());
                let user = field(event, Field::User).unwrap_or_default();
                let about = format!("{time} {user}").trim().to_owned();
                let image = field(event, Field::Image).unwrap_or_else(|| "(missing)".to_owned());
                Node { depth, image, about, command_line: field(event, Field::CommandLine), is_own }
            } else if is_own {
                let own = |name| view.text(name).map(str::to_owned);
                let image = own(Field::Image).unwrap_or_else(|| "(missing)".to_owned());
                let about = "no Event 1".to_owned();
                Node { depth, image, about, command_line: own(Field::CommandLine), is_own }
            } else {
                let child = start(chain.get(number + 1).copied().unwrap_or(process));
                let named = |name| child.and_then(|event| field(event, name));
                let image = named(Field::ParentImage).unwrap_or_else(|| "(unknown)".to_owned());
                let about = "no Event 1; from its child's ParentImage".to_owned();
                Node { depth, image, about, command_line: named(Field::ParentCommandLine), is_own }
            };
            tree.push(node);
        }
        if more > 0 {
            let (about, depth) = (String::new(), depth_of_children(&tree));
            let image = format!("({more} more children)");
            tree.push(Node { depth, image, about, command_line: None, is_own: false });
        }
        tree
    }

    /// The activity of a process, by time.
    fn acts(&self, process: ProcessId) -> Vec<String> {
        let store = &self.store;
        let is_act = |event: &StoredEvent| {
            let told = [code::NETWORK_CONNECT, code::DNS_QUERY, code::FILE_CREATE, code::PROCESS_TERMINATE];
            told.contains(&event.event_code)
        };
        let (events, all) = store.events().first_events_of(process, MAX_AROUND, is_act);
        let more = all.saturating_sub(MAX_AROUND);
        let mut acts: Vec<String> = Vec::new();
        for event in events.into_iter().filter_map(|id| store.event(id)) {
            let field = |field| store.field(event, field).unwrap_or("-");
            let what = match event.event_code {
                code::NETWORK_CONNECT => {
                    let (name, ip) = (field(Field::DestinationHostname), field(Field::DestinationIp));
                    format!("connected to {ip}:{} {name}", field(Field::DestinationPort))
                }
                code::DNS_QUERY => {
                    format!("asked for {}: {}", field(Field::QueryName), field(Field::QueryResults))
                }
                code::FILE_CREATE => format!("made the file {}", field(Field::TargetFilename)),
                code::PROCESS_TERMINATE => "ended".to_owned(),
                _ => continue,
            };
            let time = event.time.map_or_else(String::new, |time| format!("{time} "));
            acts.push(format!("{time}{what}"));
        }
        acts.extend((more > 0).then(|| format!("{more} more acts")));
        acts
    }
}

/// Children are one level deeper than the alert's own process.
fn depth_of_children(tree: &[Node]) -> usize {
    tree.iter().find(|node| node.is_own).map_or(0, |node| node.depth + 1)
}

impl ReportJob {
    /// Writes it, and says where.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn write(self, outputs: &OutputPolicy, existing: Existing) -> Result<String, String> {
        let file = match &self.path {
            Some(path) => AtomicFile::create(path, outputs, existing),
            None => AtomicFile::create_new(Path::new(&self.name), outputs),
        };
        let mut file = file.map_err(|error| error.to_string())?;
        let format = ReportFormat::of(file.path());
        let written = self.report.write(&mut file, format, &self.options);
        written.and_then(|()| file.flush()).map_err(|error| file.explain(error).to_string())?;
        let path = file.commit().map_err(|error| error.to_string())?;
        let noun = if self.alerts == 1 { "alert is" } else { "alerts are" };
        let whole = std::path::absolute(&path).unwrap_or(path);
        Ok(format!("{} {noun} in {}.", self.alerts, whole.display()))
    }
}

/// A text as a part of a file's name that every system takes.
fn file_name(text: &str) -> String {
    let name: String = text
        .chars()
        .take(40)
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' })
        .collect();
    let name = name.trim_matches('.');
    if name.is_empty() { "list".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_make_harmless_file_names() {
        for (text, name) in [
            ("WS-1.corp.example", "WS-1.corp.example"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("..", "list"),
            ("", "list"),
            ("a\u{202e}b/c\\d:e", "a_b_c_d_e"),
        ] {
            assert_eq!(file_name(text), name, "{text}");
        }
        assert_eq!(file_name(&"x".repeat(100)).len(), 40);
    }
}
