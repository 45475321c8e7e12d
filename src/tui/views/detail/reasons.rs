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
use crate::model::verdict::Verdict;
use crate::store::list::listing::Shown;
use crate::tui::safe;
use crate::tui::state::App;
use crate::tui::state::prepared::{Detail, DetailKey};
use crate::tui::state::triage::Mark;
use crate::tui::theme::Token;
use crate::tui::views::page::note_lines;
use crate::tui::widgets::wrap::{Piece, highlighted, wrap};

/// From this width on the process tree is to the right of the reasons.
const TWO_COLUMN_WIDTH: u16 = 150;
/// Columns of the labels at the left.
const LABEL_WIDTH: usize = 10;
/// Lines that one command line may take.
pub(super) const MAX_LINES: usize = 12;
/// Bytes of a decoded script that are shown: more than the lines of a field hold.
const MAX_DECODED: usize = 4096;
/// Events of a lead that are listed.
const MAX_EVIDENCE: usize = 16;
/// Children and events of a process that are listed.
pub(super) const MAX_ENTRIES: usize = 200;

/// Makes the detail of what is selected.
#[must_use]
pub fn detail_of(app: &App, key: &DetailKey) -> Detail {
    let two = key.width >= TWO_COLUMN_WIDTH;
    let column = usize::from(if two { (key.width - 3) / 2 } else { key.width });
    let mut writer = Writer { app, width: column, lines: Vec::new(), is_last_child: true };
    if let Some(alarm) = app.selected_alarm() {
        writer.width = usize::from(key.width);
        writer.alarm(alarm);
        return Detail { left: writer.lines, right: Vec::new() };
    }
    let Some(row) =
        key.finding.and_then(|id| app.store.row(id, app.listing.query.profile, app.shown_flags()))
    else {
        writer.nothing_selected();
        return Detail { left: writer.lines, right: Vec::new() };
    };
    let process = app.shown_process();
    match app.walked().last() {
        Some(walked) => writer.walked_process(*walked),
        None => writer.reasons(&row),
    }
    let reasons = if two { std::mem::take(&mut writer.lines) } else { Vec::new() };
    let command_line: Vec<Condition> =
        row.explanation.conditions.iter().filter(|met| met.field == Field::CommandLine).cloned().collect();
    writer.tree(process, &row, &command_line);
    writer.activity(process);
    if two {
        Detail { left: reasons, right: writer.lines }
    } else {
        Detail { left: writer.lines, right: Vec::new() }
    }
}

pub(super) struct Writer<'a> {
    pub(super) app: &'a App,
    pub(super) width: usize,
    pub(super) lines: Vec<Line<'static>>,
    /// Whether the next node of the tree closes its branch.
    pub(super) is_last_child: bool,
}

impl Writer<'_> {
    pub(super) fn style(&self, token: Token) -> Style {
        self.app.theme.style(token)
    }

    pub(super) fn shown(&self, text: &str) -> String {
        safe::masked(text, self.app.reveal_secrets)
    }

    pub(super) fn heading(&mut self, text: impl Into<String>) {
        self.lines.push(Line::from(Span::styled(text.into(), self.style(Token::Title))));
    }

    /// A label and a text that wraps to its right.
    pub(super) fn labelled(&mut self, label: &str, mut pieces: Vec<Piece>) {
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
        let suppressed: usize = app.listing.total(Shown::Suppressed, app.list.min_score);
        let sentence = if !app.load.finished && (app.endless.is_none() || events == 0) {
            "Reading. Alerts appear here as they are found.".to_owned()
        } else if app.listing.hidden_by_filter + app.listing.hidden_by_range > 0 {
            "Nothing passes the filter and the range; Esc takes them away.".to_owned()
        } else if events == 0 {
            format!(
                "No Sysmon event was read from {} records; e shows the read errors.",
                app.store.tally().records()
            )
        } else if app.listing.query.shown == Shown::Suppressed {
            format!("No event was selected but suppressed, of {events} Sysmon events; x shows the alerts.")
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
        self.target(row);
        self.evidence(row);
        self.matched_field("Command", row, Field::CommandLine, row.command_line.as_deref());
        self.decoded(row.image.as_deref(), row.command_line.as_deref());
        self.lead_events(row);
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

    /// The verdict on the alert, when and by whom.
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
        let (text, ranges) = safe::masked_with_ranges(value, &ranges, self.app.reveal_secrets);
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

    /// The script in PowerShell's `-EncodedCommand`.
    pub(super) fn decoded(&mut self, image: Option<&str>, command_line: Option<&str>) {
        if image.and_then(Program::of) == Some(Program::PowerShell)
            && let Some(decoded) = command_line.and_then(decoded)
        {
            self.plain("Decoded", head(&decoded.script, MAX_DECODED));
        }
    }

    /// The repository of the activity, and how many rows it has.
    fn target(&mut self, row: &AlertRow) {
        let Some(repository) = &row.repository else { return };
        let profile = self.app.listing.query.profile;
        let activity = self
            .app
            .selected_finding()
            .and_then(|id| self.app.store.activities_of(profile).and_then(|table| table.of(id)));
        let rows = activity.map_or(1, |activity| activity.findings.len());
        let mut pieces = vec![Piece::new(self.shown(repository), self.style(Token::Text))];
        if rows > 1 {
            pieces.push(Piece::new(format!("  [an activity of {rows} rows]"), self.style(Token::Muted)));
        }
        self.labelled("To", pieces);
    }

    /// Why the activity stands out: each item with its points and its record.
    fn evidence(&mut self, row: &AlertRow) {
        if row.evidence.is_empty() {
            return;
        }
        let mut pieces = Vec::new();
        for item in &row.evidence {
            if !pieces.is_empty() {
                pieces.push(Piece::new("; ", self.style(Token::Muted)));
            }
            let token = if item.points > 0 { Token::Warning } else { Token::Muted };
            pieces.push(Piece::new(format!("{:+} ", item.points), self.style(token)));
            pieces.push(Piece::new(self.shown(&item.why), self.style(Token::Text)));
            if let Some(record) = item.record {
                pieces.push(Piece::new(format!(" [record {record}]"), self.style(Token::Muted)));
            }
        }
        self.labelled("Evidence", pieces);
    }

    /// The events that a lead was made of.
    fn lead_events(&mut self, row: &AlertRow) {
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
            self.labelled(if number == 0 { "Events" } else { "" }, pieces);
        }
    }

    fn flag(&mut self, label: &str, flag: &crate::model::row::FlagMatch, text: Option<&str>) {
        let (sentence, token) = match (&flag.matched, text) {
            (Some(range), Some(text)) => {
                let ranges = std::slice::from_ref(range);
                let (text, ranges) = safe::masked_with_ranges(text, ranges, self.app.reveal_secrets);
                let part = ranges.first().and_then(|range| text.get(range.clone())).unwrap_or_default();
                (format!("yes: \"{part}\" in {text}"), Token::Warning)
            }
            (_, Some(_)) => ("no: the pattern matches nothing in it".to_owned(), Token::Muted),
            (_, None) => ("no: there is nothing to match on".to_owned(), Token::Muted),
        };
        let style = self.style(token);
        self.labelled(label, vec![Piece::new(sentence, style)]);
    }
}
