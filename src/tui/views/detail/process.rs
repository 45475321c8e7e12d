//! The process half of the detail: the process tree, and the activity of a process.

use ratatui::text::Line;

use crate::model::event::{Field, code};
use crate::model::row::{AlertRow, Condition};
use crate::model::text::image_name;
use crate::store::events::event::StoredEvent;
use crate::store::ids::ProcessId;
use crate::tui::safe;
use crate::tui::theme::Token;
use crate::tui::views::detail::reasons::{MAX_ENTRIES, MAX_LINES, Writer};
use crate::tui::widgets::wrap::{Piece, highlighted, wrap};

impl Writer<'_> {
    /// The fields of a process that was walked up to.
    pub(super) fn walked_process(&mut self, id: ProcessId) {
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

    pub(super) fn tree(&mut self, process: Option<ProcessId>, row: &AlertRow, matched: &[Condition]) {
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
        let (text, ranges) = safe::masked_with_ranges(
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

    /// The activity of a process, by time.
    pub(super) fn activity(&mut self, process: Option<ProcessId>) {
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
