//! A report for a ticket: the data analysed, its coverage, the patterns in force, and each alert with its verdict, its
//! note and its process tree. Its texts are as events and analysts wrote them; the formats make them safe.

use std::io::{self, Write};

use super::{ExportOptions, html, markdown};
use crate::model::row::AlertRow;
use crate::model::time::Timestamp;
use crate::model::verdict::Verdict;

/// Content of a report.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The data that was analysed, a sentence each.
    pub summary: Vec<String>,
    /// The patterns in force and the other suppressions, by name.
    pub patterns: Vec<(String, String)>,
    /// Activity that the logs could not have shown and data that could not be read, a sentence each.
    pub coverage: Vec<String>,
    /// The alerts.
    pub entries: Vec<Entry>,
}

/// An alert of a report.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The row.
    pub row: AlertRow,
    /// The other side as the list shows it: the destination's name, or the repository that the command line names.
    pub place: Option<String>,
    /// Its group: the field that is grouped by, and the group's text.
    pub group: Option<(&'static str, String)>,
    /// The decision on it.
    pub decided: Option<Decided>,
    /// The processes around it, the root first.
    pub tree: Vec<Node>,
    /// The actions of its process, by time.
    pub acts: Vec<String>,
}

/// A decision on an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The verdict.
    pub verdict: Verdict,
    /// The note; empty if it has no text.
    pub note: String,
    /// Who decided.
    pub by: Option<String>,
    /// When.
    pub at: Option<Timestamp>,
}

impl Decided {
    /// `malicious, by alice, at 2026-03-11T03:00:00Z`.
    #[must_use]
    pub fn line(&self) -> String {
        let by = self.by.as_deref().map_or_else(String::new, |by| format!(", by {by}"));
        let at = self.at.map_or_else(String::new, |at| format!(", at {at}"));
        format!("{}{by}{at}", self.verdict)
    }
}

/// A process of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// 0 for the root.
    pub depth: usize,
    /// The executable.
    pub image: String,
    /// The start's time and user, or the reason why they are not known.
    pub about: String,
    /// The command line.
    pub command_line: Option<String>,
    /// True if it is the alert's own process.
    pub is_own: bool,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReportFormat {
    /// For a ticket.
    #[default]
    Markdown,
    /// One page that needs nothing else.
    Html,
}

impl ReportFormat {
    /// Returns the format that a file's name asks for.
    #[must_use]
    pub fn of(name: &std::path::Path) -> Self {
        let is_page = name.extension().is_some_and(|extension| {
            extension.eq_ignore_ascii_case("html") || extension.eq_ignore_ascii_case("htm")
        });
        if is_page { Self::Html } else { Self::Markdown }
    }
}

impl Report {
    /// Writes the report.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(
        &self,
        out: &mut dyn Write,
        format: ReportFormat,
        options: &ExportOptions,
    ) -> io::Result<()> {
        match format {
            ReportFormat::Markdown => markdown::write_whole(out, self, options),
            ReportFormat::Html => html::write_whole(out, self, options),
        }
    }

    /// The entries with their numbers from 1, each with its group where that begins with it.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (usize, Option<&(&'static str, String)>, &Entry)> {
        let mut before = None;
        self.entries.iter().enumerate().map(move |(index, entry)| {
            let group = entry.group.as_ref();
            let is_new = group != before;
            before = group;
            (index + 1, group.filter(|_| is_new), entry)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::model::row::{EvidenceRow, Explanation, FlagMatch, Signal};

    /// A report whose every text is the same one.
    fn report(text: &str) -> Report {
        let one = || Some(text.to_owned());
        let explanation = Explanation {
            clause: "push",
            conditions: Vec::new(),
            ci: FlagMatch::default(),
            ide: FlagMatch::default(),
            branch: "".into(),
            exception: None,
            sentence: text.to_owned(),
            difference: None,
            evidence: Vec::new(),
        };
        let row = AlertRow {
            time: None,
            host: one(),
            user: one(),
            image: one(),
            command_line: one(),
            parent_image: one(),
            parent_command_line: one(),
            destination_hostname: one(),
            signal: Signal::GitPushExternal,
            is_ci_system: false,
            is_known_ide: false,
            suspicion_score: 3,
            event_code: 1,
            process_guid: one(),
            record_id: Some(7),
            source: text.to_owned(),
            joined: Vec::new(),
            explanation,
            repository: one(),
            owner: one(),
            activity: one(),
            incident: one(),
            evidence: vec![EvidenceRow {
                item: "token",
                words: "token",
                points: 1,
                why: text.to_owned(),
                record: Some(7),
                source: one(),
            }],
            evidence_points: 1,
            rows: None,
        };
        let decided = Decided { verdict: Verdict::Malicious, note: text.to_owned(), by: one(), at: None };
        let node = |depth| Node {
            depth,
            image: text.to_owned(),
            about: text.to_owned(),
            command_line: one(),
            is_own: depth == 1,
        };
        Report {
            summary: vec![text.to_owned()],
            patterns: vec![("CI host".to_owned(), text.to_owned())],
            coverage: vec![text.to_owned()],
            entries: vec![Entry {
                row,
                place: one(),
                group: Some(("host", text.to_owned())),
                decided: Some(decided),
                tree: vec![node(0), node(1), node(500)],
                acts: vec![text.to_owned()],
            }],
        }
    }

    fn written(report: &Report, format: ReportFormat) -> String {
        let mut bytes = Vec::new();
        report.write(&mut bytes, format, &ExportOptions::default()).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_name_says_the_format() {
        for (name, format) in [
            ("a.html", ReportFormat::Html),
            ("a.HTM", ReportFormat::Html),
            ("a.md", ReportFormat::Markdown),
            ("html", ReportFormat::Markdown),
        ] {
            assert_eq!(ReportFormat::of(Path::new(name)), format, "{name}");
        }
    }

    #[test]
    fn everything_is_said() {
        for format in [ReportFormat::Markdown, ReportFormat::Html] {
            let text = written(&report("zebra"), format);
            // Summary, pattern, coverage, group, table and particulars of the row, verdict, note, tree and acts.
            assert!(text.matches("zebra").count() >= 24, "{}: {text}", text.matches("zebra").count());
            for part in ["malicious", "Patterns in force", "What these logs", "Process tree", "What it did"] {
                assert!(text.contains(part), "{part}: {text}");
            }
        }
    }

    #[test]
    fn tokens_are_masked_wherever_they_stand_and_shown_only_on_request() {
        let token = format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
        for format in [ReportFormat::Markdown, ReportFormat::Html] {
            let mut report = report(&format!("git push https://x:{token}@github.com/a/b"));
            // Names of files and the analyst's own patterns are no event's texts.
            report.entries[0].row.source = "day1.evtx".to_owned();
            report.patterns.clear();
            let masked = written(&report, format);
            assert!(!masked.contains(&token) && masked.contains("****"), "{masked}");
            let mut revealed = Vec::new();
            let options = ExportOptions { reveal_secrets: true, ..ExportOptions::default() };
            report.write(&mut revealed, format, &options).unwrap();
            assert!(String::from_utf8(revealed).unwrap().contains(&token));
        }
    }

    #[test]
    fn nothing_breaks_out_of_a_report() {
        let hostile = "a</code></dd><script>alert(1)</script>\n\n# x\n- [y](javascript:z) `c` | d ![p](http://e/f) @all\u{202e}\u{1b}[2J";
        let page = written(&report(hostile), ReportFormat::Html);
        assert!(
            !page.contains("<script") && !page.contains('\u{202e}') && !page.contains('\u{1b}'),
            "{page}"
        );
        let ticket = written(&report(hostile), ReportFormat::Markdown);
        assert!(
            !ticket.contains('<') && !ticket.contains('\u{202e}') && !ticket.contains('\u{1b}'),
            "{ticket}"
        );
        let lines = written(&report("plain"), ReportFormat::Markdown).lines().count();
        assert_eq!(ticket.lines().count(), lines, "no text makes a line: {ticket}");
        for line in ticket.lines() {
            // Outside of spans nothing is left that Markdown obeys.
            let outside: String = line.split('`').step_by(2).collect();
            assert!(
                !outside.contains("](") && !outside.contains("javascript") && !outside.contains("@all"),
                "{line}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_a_line_or_a_tag(text in "\\PC{0,40}|[`|<>&\\\\ \n\t#*_\\[\\]()!-]{0,20}") {
            let plain = |format| written(&report("plain"), format);
            let ticket = written(&report(&text), ReportFormat::Markdown);
            prop_assert!(!ticket.contains('<') && !ticket.contains('>'));
            if !text.is_empty() {
                prop_assert_eq!(ticket.lines().count(), plain(ReportFormat::Markdown).lines().count());
            }
            let page = written(&report(&text), ReportFormat::Html);
            if !text.is_empty() {
                prop_assert_eq!(page.matches('<').count(), plain(ReportFormat::Html).matches('<').count());
            }
        }
    }
}
