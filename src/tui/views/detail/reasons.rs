//! The detail of the selected alert, or of the process walked up to, as lines.
//!
//! ```text
//! Why       git.exe ran with "push" and "github.com" on its command line; host WS-1 is no CI system: …, score 3.
//! Command   git push --force https://github.com/a/b
//! Parent    C:\Windows\System32\cmd.exe
//!           cmd.exe /c push.bat
//! …         the other columns, the clause's conditions, what the other profile says
//! Process tree
//! explorer.exe        (no Event 1 in this log)
//! └─cmd.exe           13:36:58  CORP\alice  cmd.exe /c push.bat
//!   └─► git.exe       13:37:00  CORP\alice  git push …
//! Activity (1)
//! 13:37:01  connection  github.com 140.82.121.4:443 tcp
//! ```

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::detect::hunt::command_line::head;
use crate::detect::hunt::encoded::decoded;
use crate::detect::hunt::program::Program;
use crate::detect::profile::Profile;
use crate::model::event::{Field, code};
use crate::model::row::{AlertRow, Condition};
use crate::model::secrets::mask;
use crate::model::text::image_name;
use crate::model::verdict::Verdict;
use crate::store::events::event::StoredEvent;
use crate::store::ids::{Epoch, FindingId, ProcessId};
use crate::tui::safe;
use crate::tui::state::App;
use crate::tui::state::alarms::AlarmKey;
use crate::tui::state::triage::Mark;
use crate::tui::theme::Token;
use crate::tui::views::page::note_lines;
use crate::tui::widgets::wrap::{Piece, highlighted, wrap};

/// From this width on the process tree stands beside the reasons.
const TWO_COLUMN_WIDTH: u16 = 150;
/// Columns of the labels at the left.
const LABEL_WIDTH: usize = 10;
/// Lines that one command line may take.
const MAX_LINES: usize = 12;
/// Bytes of a decoded script that are shown: more than the lines of a field hold.
const MAX_DECODED: usize = 4096;
/// Events of a lead that are listed.
const MAX_EVIDENCE: usize = 16;
/// Children and events of a process that are listed.
const MAX_ENTRIES: usize = 200;

/// Of what a detail is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetailKey {
    /// The finding.
    pub finding: Option<FindingId>,
    /// The alarm, and how often it came.
    pub alarm: Option<(AlarmKey, u64)>,
    /// The processes walked up to.
    pub walked: Vec<ProcessId>,
    /// The epoch of these numbers.
    pub epoch: Epoch,
    /// Columns.
    pub width: u16,
    /// The list's generation.
    pub generation: u64,
}

/// The lines of a detail.
#[derive(Clone, Debug, Default)]
pub struct Detail {
    /// The only column, or the left one.
    pub left: Vec<Line<'static>>,
    /// The right one; empty where there is one column.
    pub right: Vec<Line<'static>>,
}

impl Detail {
    /// Makes the detail of what is selected.
    #[must_use]
    pub fn of(app: &App, key: &DetailKey) -> Self {
        let two = key.width >= TWO_COLUMN_WIDTH;
        let column = usize::from(if two { (key.width - 3) / 2 } else { key.width });
        let mut writer = Writer { app, width: column, lines: Vec::new(), is_last_child: true };
        if let Some(alarm) = app.selected_alarm() {
            writer.width = usize::from(key.width);
            writer.alarm(alarm);
            return Self { left: writer.lines, right: Vec::new() };
        }
        let Some(row) =
            key.finding.and_then(|id| app.store.row(id, app.listing.query.profile, app.shown_flags()))
        else {
            writer.nothing_selected();
            return Self { left: writer.lines, right: Vec::new() };
        };
        let process = app.shown_process();
        match app.walked().last() {
            Some(walked) => writer.walked_process(*walked),
            None => writer.reasons(&row),
        }
        let reasons = if two { std::mem::take(&mut writer.lines) } else { Vec::new() };
        let command_line: Vec<Condition> = row
            .explanation
            .conditions
            .iter()
            .filter(|met| met.field == Field::CommandLine)
            .cloned()
            .collect();
        writer.tree(process, &row, &command_line);
        writer.activity(process);
        if two {
            Self { left: reasons, right: writer.lines }
        } else {
            Self { left: writer.lines, right: Vec::new() }
        }
    }

    /// Lines of the longer column.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.left.len().max(self.right.len())
    }
}

pub(super) struct Writer<'a> {
    app: &'a App,
    width: usize,
    lines: Vec<Line<'static>>,
    /// Whether the next node of the tree closes its branch.
    is_last_child: bool,
}

impl Writer<'_> {
    fn style(&self, token: Token) -> Style {
        self.app.theme.style(token)
    }

    fn shown(&self, text: &str) -> String {
        safe::shown(text, self.app.reveal_secrets)
    }

    fn heading(&mut self, text: impl Into<String>) {
        self.lines.push(Line::from(Span::styled(text.into(), self.style(Token::Title))));
    }

    /// A label and a text that wraps beside it.
    fn labelled(&mut self, label: &str, mut pieces: Vec<Piece>) {
        pieces.insert(0, Piece::new(format!("{label:<LABEL_WIDTH$}"), self.style(Token::Muted)));
        self.lines.extend(wrap(&pieces, self.width, LABEL_WIDTH, MAX_LINES));
    }

    pub(super) fn plain(&mut self, label: &str, text: &str) {
        let piece = Piece::new(self.shown(text), self.style(Token::Text));
        self.labelled(label, vec![piece]);
    }

    fn nothing_selected(&mut self) {
        let app = self.app;
        let events = app.store.tally().sysmon;
        let suppressed: usize =
            app.listing.total(crate::store::list::listing::Shown::Suppressed, app.list.min_score);
        let sentence = if !app.load.finished && (app.endless.is_none() || events == 0) {
            "Reading. Alerts appear here as they are found.".to_owned()
        } else if app.listing.hidden_by_filter + app.listing.hidden_by_range > 0 {
            "Nothing passes the filter and the range; Esc takes them away.".to_owned()
        } else if events == 0 {
            format!(
                "No Sysmon event was read from {} records; e shows the read errors.",
                app.store.tally().records()
            )
        } else {
            format!(
                "No alert in {events} Sysmon events; {suppressed} were selected but suppressed (x shows them)."
            )
        };
        let style = self.style(Token::Text);
        self.lines.extend(wrap(&[Piece::new(sentence, style)], self.width, 0, MAX_LINES));
        if app.load.finished && events == 0 {
            for fault in app.store.faults().iter().take(MAX_LINES) {
                let piece = Piece::new(self.shown(&fault.to_string()), self.style(Token::Error));
                self.lines.extend(wrap(&[piece], self.width, 2, MAX_LINES));
            }
        }
        if app.load.finished && events > 0 && !app.notes.is_empty() {
            self.lines.push(Line::default());
            self.lines.push(Line::from(Span::styled("Log coverage", self.style(Token::Title))));
            self.lines.extend(note_lines(app, self.width));
        }
    }

    /// Why the alert fired, and the columns of the search.
    fn reasons(&mut self, row: &AlertRow) {
        let app = self.app;
        self.verdict();
        self.plain("Why", &row.explanation.sentence);
        if let Some(difference) = &row.explanation.difference {
            let style = self.style(Token::Warning);
            let label = if app.listing.query.profile == Profile::Spl { "joins say" } else { "spl says" };
            let text = self.shown(difference);
            self.labelled(label, vec![Piece::new(text, style)]);
        }
        self.matched_field("Command", row, Field::CommandLine, row.command_line.as_deref());
        self.decoded(row.image.as_deref(), row.command_line.as_deref());
        self.evidence(row);
        self.matched_field("Dest", row, Field::DestinationHostname, row.destination_hostname.as_deref());
        self.matched_field("Parent", row, Field::ParentImage, row.parent_image.as_deref());
        if row.parent_image.is_some() || row.parent_command_line.is_some() {
            self.matched_field("", row, Field::ParentCommandLine, row.parent_command_line.as_deref());
        }
        self.matched_field("Image", row, Field::Image, row.image.as_deref());
        let missing = || "(missing)".to_owned();
        let time = row.time.map_or_else(missing, |time| time.to_string());
        let user = row.user.as_deref().unwrap_or("(missing)");
        let host = row.host.as_deref().unwrap_or("(missing)");
        let is_seen = app
            .selected_finding()
            .and_then(|id| app.store.view(id, app.listing.query.profile, app.shown_flags()))
            .is_some_and(|view| app.is_seen_before(view.event()));
        let seen = if is_seen { "  (seen before: the last console read it)" } else { "" };
        // Each for itself: in a line of several, a value is not known for what it is.
        let masked = |text: &str| if app.reveal_secrets { text.to_owned() } else { mask(text).into_owned() };
        self.plain("When", &format!("{time}  by {}  on {}{seen}", masked(user), masked(host)));
        let record = row.record_id.map_or_else(missing, |record| record.to_string());
        let guid = row.process_guid.clone().unwrap_or_else(missing);
        let (code, source, guid) = (row.event_code, masked(&row.source), masked(&guid));
        self.plain("Event", &format!("{code}  record {record} of {source}  ProcessGuid {guid}"));
        self.flag("CI host", &row.explanation.ci, row.host.as_deref());
        self.flag("IDE", &row.explanation.ide, row.parent_image.as_deref());
        self.plain("Score", &row.explanation.branch);
        let clause = row.explanation.clause;
        let conditions: Vec<String> = row
            .explanation
            .conditions
            .iter()
            .map(|met| format!("{} {}", met.field.name(), met.test))
            .collect();
        let conditions =
            if conditions.is_empty() { String::new() } else { format!(": {}", conditions.join("; ")) };
        self.plain("Clause", &format!("{clause}{conditions}"));
        let _ = app;
    }

    /// What was decided on the alert, when and by whom.
    fn verdict(&mut self) {
        let app = self.app;
        let view = app
            .selected_finding()
            .and_then(|id| app.store.view(id, app.listing.query.profile, app.shown_flags()));
        let Some(decision) = view.and_then(|view| app.triage.decision(&view)) else { return };
        if decision.verdict == Verdict::Undecided && decision.note.is_empty() {
            return;
        }
        let token = Mark { verdict: decision.verdict, has_note: true }.letter().1;
        let by = decision.by.as_deref().map_or_else(String::new, |by| format!("  by {by}"));
        let at = decision.at.map_or_else(String::new, |at| format!("  at {at}"));
        let about = format!("{by}{at}");
        let mut pieces = vec![
            Piece::new(decision.verdict.name(), self.style(token)),
            Piece::new(self.shown(&about), self.style(Token::Muted)),
        ];
        if !decision.note.is_empty() {
            pieces.push(Piece::new(format!("  {}", self.shown(&decision.note)), self.style(Token::Text)));
        }
        self.labelled("Verdict", pieces);
    }

    /// A field with the parts that met a condition highlighted, and where it was joined from.
    fn matched_field(&mut self, label: &str, row: &AlertRow, field: Field, value: Option<&str>) {
        let Some(value) = value else {
            if matches!(field, Field::DestinationHostname) && row.event_code != code::NETWORK_CONNECT {
                return;
            }
            let style = self.style(Token::Muted);
            self.labelled(label, vec![Piece::new("(missing)", style)]);
            return;
        };
        let mut ranges: Vec<_> = row
            .explanation
            .conditions
            .iter()
            .filter(|met| met.field == field)
            .map(|met| met.matched.clone())
            .collect();
        if field == Field::ParentImage {
            ranges.extend(row.explanation.ide.matched.clone());
        }
        let (text, ranges) = safe::shown_with_ranges(value, &ranges, self.app.reveal_secrets);
        let joined = row.joined.iter().find(|joined| joined.field == field);
        let base = self.style(if joined.is_some() { Token::Joined } else { Token::Text });
        let mut pieces = highlighted(&text, &ranges, base, self.style(Token::Match));
        if let Some(joined) = joined {
            let record = joined.record_id.map_or_else(String::new, |record| format!(" record {record}"));
            let own = joined.own_value.as_deref();
            let own = own.map_or_else(String::new, |own| format!("; its own is \"{}\"", self.shown(own)));
            let note = format!("  [joined from Event {}{record}{own}]", joined.event_code);
            pieces.push(Piece::new(note, self.style(Token::Muted)));
        }
        self.labelled(label, pieces);
    }

    /// The script behind PowerShell's `-EncodedCommand`.
    fn decoded(&mut self, image: Option<&str>, command_line: Option<&str>) {
        if image.and_then(Program::of) == Some(Program::PowerShell)
            && let Some(decoded) = command_line.and_then(decoded)
        {
            self.plain("Decoded", head(&decoded.script, MAX_DECODED));
        }
    }

    /// The events that a lead was made of.
    fn evidence(&mut self, row: &AlertRow) {
        let style = (self.style(Token::Joined), self.style(Token::Muted));
        for (number, event) in row.explanation.evidence.iter().take(MAX_EVIDENCE).enumerate() {
            let record = event.record_id.map_or_else(String::new, |record| format!(" record {record}"));
            let pieces = vec![
                Piece::new(self.shown(&event.what), style.0),
                Piece::new(
                    format!("  [Event {}{record} of {}]", event.event_code, self.shown(&event.source)),
                    style.1,
                ),
            ];
            self.labelled(if number == 0 { "Evidence" } else { "" }, pieces);
        }
    }

    fn flag(&mut self, label: &str, flag: &crate::model::row::FlagMatch, text: Option<&str>) {
        let (sentence, token) = match (&flag.matched, text) {
            (Some(range), Some(text)) => {
                let ranges = std::slice::from_ref(range);
                let (text, ranges) = safe::shown_with_ranges(text, ranges, self.app.reveal_secrets);
                let part = ranges.first().and_then(|range| text.get(range.clone())).unwrap_or_default();
                (format!("yes: \"{part}\" in {text}"), Token::Warning)
            }
            (_, Some(_)) => ("no: the pattern matches nothing in it".to_owned(), Token::Muted),
            (_, None) => ("no: there is nothing to match on".to_owned(), Token::Muted),
        };
        let style = self.style(token);
        self.labelled(label, vec![Piece::new(sentence, style)]);
    }

    /// What is known of a process that was walked up to.
    fn walked_process(&mut self, id: ProcessId) {
        let app = self.app;
        let start = app.store.process(id).and_then(|process| app.store.event(process.start?));
        let Some(event) = start else {
            let (image, command_line) = self.as_a_child_names_it(id);
            self.plain("Process", "no Event 1 in this log; from its child's ParentImage");
            self.plain("Image", image.as_deref().unwrap_or("(missing)"));
            self.plain("Command", command_line.as_deref().unwrap_or("(missing)"));
            return;
        };
        let field = |field| app.store.field(event, field);
        for (label, name) in [
            ("Command", Field::CommandLine),
            ("Image", Field::Image),
            ("User", Field::User),
            ("Folder", Field::CurrentDirectory),
            ("Parent", Field::ParentImage),
            ("", Field::ParentCommandLine),
            ("Integrity", Field::IntegrityLevel),
        ] {
            self.plain(label, field(name).unwrap_or("(missing)"));
            if name == Field::CommandLine {
                self.decoded(field(Field::Image), field(name));
            }
        }
        let time = event.time.map_or_else(|| "(missing)".to_owned(), |time| time.to_string());
        self.plain("When", &time);
        let record = event.record_id().map_or_else(String::new, |record| format!("record {record} of "));
        let source = app.store.source_name(event).to_owned();
        self.plain("Event", &format!("1  {record}{source}"));
    }

    /// A parent's image and command line, out of the Event 1 of one of its children.
    fn as_a_child_names_it(&self, parent: ProcessId) -> (Option<String>, Option<String>) {
        let store = &self.app.store;
        let below = self.app.walked().iter().rev().nth(1).copied();
        let start = |child: ProcessId| {
            let process = store.process(child).filter(|process| process.parent == Some(parent))?;
            store.event(process.start?)
        };
        let first = || store.events().each_child(parent).filter_map(start).min_by_key(|event| event.time);
        let child = below.and_then(start).or_else(first);
        let field = |field| child.and_then(|event| store.field(event, field)).map(str::to_owned);
        (field(Field::ParentImage), field(Field::ParentCommandLine))
    }

    fn tree(&mut self, process: Option<ProcessId>, row: &AlertRow, matched: &[Condition]) {
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        self.heading("Process tree");
        let Some(process) = process else {
            let note = "none: the event has no usable ProcessGuid";
            self.plain("", note);
            return;
        };
        let store = &self.app.store;
        let mut chain = store.events().ancestors(process);
        let above = chain.len().saturating_sub(MAX_ENTRIES);
        chain.truncate(MAX_ENTRIES);
        chain.reverse();
        let mut depth = 0;
        if above > 0 {
            self.plain("", &format!("{above} more ancestors"));
        }
        let root_start = chain.first().copied().unwrap_or(process);
        // The oldest process that has an Event 1 still names its parent, even where no GUID links them.
        if let Some(event) = store.process(root_start).and_then(|root| store.event(root.start?))
            && let Some(parent) = store.field(event, Field::ParentImage)
        {
            let command_line = store.field(event, Field::ParentCommandLine);
            self.node(0, parent, "no Event 1; from its child's ParentImage", command_line, &[], false);
            depth = 1;
        }
        for ancestor in chain {
            self.process_node(depth, ancestor, row, &[], false);
            depth += 1;
        }
        self.process_node(depth, process, row, matched, true);
        let (children, all) = store.events().first_children(process, MAX_ENTRIES);
        let more = all.saturating_sub(MAX_ENTRIES);
        let last = children.len().saturating_sub(1);
        for (number, child) in children.into_iter().enumerate() {
            self.is_last_child = number == last && more == 0;
            self.process_node(depth + 1, child, row, &[], false);
        }
        self.is_last_child = true;
        if more > 0 {
            self.plain("", &format!("{more} more children"));
        }
    }

    fn process_node(
        &mut self,
        depth: usize,
        id: ProcessId,
        row: &AlertRow,
        matched: &[Condition],
        here: bool,
    ) {
        let store = &self.app.store;
        let Some(process) = store.process(id) else { return };
        let own_row = here && self.app.walked().is_empty();
        let Some(event) = process.start.and_then(|start| store.event(start)) else {
            let (mut image, mut command_line) = self.as_a_child_names_it(id);
            if own_row {
                image.clone_from(&row.image);
                command_line.clone_from(&row.command_line);
            }
            let image = image.unwrap_or_else(|| "(unknown)".to_owned());
            let note = if own_row { "no Event 1" } else { "no Event 1; from its child's ParentImage" };
            self.node(depth, &image, note, command_line.as_deref(), &[], here);
            return;
        };
        let image = store.field(event, Field::Image).unwrap_or("(missing)");
        let time = event.time.map_or_else(String::new, |time| time.clock_millis_text());
        let user = store.field(event, Field::User).unwrap_or("");
        let number =
            store.field(event, Field::ProcessId).map_or_else(String::new, |id| format!("  pid {id}"));
        let note = format!("{time}  {user}{number}");
        let ranges: &[Condition] = if own_row && event.event_code == row.event_code { matched } else { &[] };
        self.node(depth, image, &note, store.field(event, Field::CommandLine), ranges, here);
    }

    /// A process of the tree: its name and who and when on a line, its command line below.
    fn node(
        &mut self,
        depth: usize,
        image: &str,
        note: &str,
        command_line: Option<&str>,
        matched: &[Condition],
        here: bool,
    ) {
        let glyphs = self.app.glyphs;
        let indent = (depth * 2).min(self.width / 3);
        let branch = match (depth, self.is_last_child) {
            (0, _) => "",
            (_, true) => glyphs.last_branch,
            (_, false) => glyphs.branch,
        };
        let trunk = if self.is_last_child || depth == 0 { "  " } else { glyphs.trunk };
        let lead = format!("{}{branch}", " ".repeat(indent.saturating_sub(if depth == 0 { 0 } else { 2 })));
        let name_style = self.style(if here { Token::Key } else { Token::Title });
        let mark = if here { format!("{} ", glyphs.here) } else { String::new() };
        let pieces = [
            Piece::new(lead, self.style(Token::Border)),
            Piece::new(format!("{mark}{}", self.shown(image_name(image))), name_style),
            Piece::new(format!("  {}", self.shown(note)), self.style(Token::Muted)),
        ];
        self.lines.extend(wrap(&pieces, self.width, indent + 2, 2));
        let ranges: Vec<_> = matched.iter().map(|met| met.matched.clone()).collect();
        let (text, ranges) = safe::shown_with_ranges(
            command_line.unwrap_or("(no command line)"),
            &ranges,
            self.app.reveal_secrets,
        );
        let lead =
            format!("{}{trunk}{}", " ".repeat(indent.saturating_sub(2)), if depth == 0 { "" } else { "  " });
        let mut pieces = vec![Piece::new(lead, self.style(Token::Border))];
        let base = self.style(if command_line.is_some() { Token::Text } else { Token::Muted });
        pieces.extend(highlighted(&text, &ranges, base, self.style(Token::Match)));
        self.lines.extend(wrap(&pieces, self.width, indent + 2, MAX_LINES));
    }

    /// What a process did, by time.
    fn activity(&mut self, process: Option<ProcessId>) {
        let Some(process) = process else { return };
        let store = &self.app.store;
        let is_act = |event: &StoredEvent| event.event_code != code::PROCESS_CREATE;
        let (events, all) = store.events().first_events_of(process, MAX_ENTRIES, is_act);
        self.lines.push(Line::default());
        self.heading(format!("Activity ({all})"));
        if events.is_empty() {
            self.plain("", "none in this log: no connection, DNS query, file or end");
        }
        let more = all.saturating_sub(MAX_ENTRIES);
        for event in events.into_iter().filter_map(|id| store.event(id)) {
            self.act(event);
        }
        if more > 0 {
            self.plain("", &format!("{more} more events"));
        }
    }

    fn act(&mut self, event: &StoredEvent) {
        let app = self.app;
        let field = |field| app.store.field(event, field).unwrap_or("");
        let (kind, what) = match event.event_code {
            code::NETWORK_CONNECT => {
                let (name, ip) = (field(Field::DestinationHostname), field(Field::DestinationIp));
                let name = if name.is_empty() { "(no name)" } else { name };
                let port = field(Field::DestinationPort);
                ("connect", format!("{ip}:{port}  {name}  {}", field(Field::Protocol)))
            }
            code::DNS_QUERY => {
                let (name, results) = (field(Field::QueryName), field(Field::QueryResults));
                ("DNS", format!("{name} {} {results}", app.glyphs.arrow))
            }
            code::FILE_CREATE => ("file", field(Field::TargetFilename).to_owned()),
            code::PROCESS_TERMINATE => ("end", String::new()),
            _ => ("event", event.event_code.to_string()),
        };
        let time = event.time.map_or_else(String::new, |time| time.clock_millis_text());
        let pieces = [
            Piece::new(format!("{time:<13}{kind:<9}"), self.style(Token::Muted)),
            Piece::new(self.shown(&what), self.style(Token::Text)),
        ];
        self.lines.extend(wrap(&pieces, self.width, 22.min(self.width / 3), 4));
    }
}
