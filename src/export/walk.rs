//! The result of a walk through tests, as a table for a terminal, as rows for programs, and as a page for a ticket.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{ExportOptions, json, markdown, safe};
use crate::detect::TECHNIQUE;
use crate::model::row::Signal;
use crate::model::text::{truncate_to_width, width};
use crate::model::walkthrough::{Folded, Outcome, RunReport, StepReport, StepState, TestReport};

/// How a walk is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WalkFormat {
    /// For a terminal.
    Table,
    /// A JSON object a line: one for each step, and one for each run's verdict.
    Ndjson,
    /// For a ticket.
    Markdown,
}

/// Writes the result of a walk.
///
/// # Errors
/// Those of `out`; see [`super::is_closed_pipe`].
pub fn write_walk(
    out: &mut dyn Write,
    format: WalkFormat,
    tests: &[TestReport],
    options: &ExportOptions,
) -> io::Result<()> {
    match format {
        WalkFormat::Table => write_table(out, tests, options),
        WalkFormat::Ndjson => write_ndjson(out, tests, options),
        WalkFormat::Markdown => write_markdown(out, tests, options),
    }
}

/// The row of the acts of a test that are no runs.
struct FoldedRow<'a> {
    test: &'a TestReport,
    reveal_secrets: bool,
}

impl Serialize for FoldedRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let folded = &self.test.folded;
        map.serialize_entry("Test", &safe::masked(&self.test.name, self.reveal_secrets))?;
        map.serialize_entry("Folded", &folded.count)?;
        map.serialize_entry("Hosts", &folded.hosts)?;
        map.serialize_entry("First", &folded.span.map(|(first, _)| first.to_string()))?;
        map.serialize_entry("Last", &folded.span.map(|(_, last)| last.to_string()))?;
        map.serialize_entry("Why", &safe::masked(&folded_words(&self.test.folded), self.reveal_secrets))?;
        map.end()
    }
}

/// `231 pushes like the test's, without its other steps, on 12 hosts, from … to …: no runs of it.`
#[must_use]
pub fn folded_words(folded: &Folded) -> String {
    format!("{}: {} of it.", folded.words(), if folded.count == 1 { "no run" } else { "no runs" })
}

/// A row of JSON: a step, or the verdict.
struct JsonRow<'a> {
    test: &'a TestReport,
    run: &'a RunReport,
    step: Option<&'a StepReport>,
    reveal_secrets: bool,
}

impl Serialize for JsonRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let masked = |text: &str| safe::masked(text, self.reveal_secrets).into_owned();
        map.serialize_entry("Test", &masked(&self.test.name))?;
        map.serialize_entry("Run", &self.run.number)?;
        map.serialize_entry("host", &self.run.host.as_deref().map(masked))?;
        map.serialize_entry("Start", &self.run.start.map(|start| start.to_string()))?;
        if let Some(step) = self.step {
            map.serialize_entry("Step", &masked(&step.step))?;
            map.serialize_entry("Expected", &masked(&step.expected))?;
            map.serialize_entry("State", step.state.name())?;
            map.serialize_entry("Count", &step.count)?;
            map.serialize_entry("Records", &step.records)?;
            map.serialize_entry("Why", &safe::masked(&step.why, self.reveal_secrets))?;
        } else {
            let verdict = &self.run.verdict;
            map.serialize_entry("Verdict", verdict.outcome.name())?;
            map.serialize_entry("Signal", &verdict.signal.map(Signal::name))?;
            map.serialize_entry("SuspicionScore", &verdict.score)?;
            map.serialize_entry("Why", &safe::masked(&verdict.why, self.reveal_secrets))?;
        }
        map.end()
    }
}

fn write_ndjson(out: &mut dyn Write, tests: &[TestReport], options: &ExportOptions) -> io::Result<()> {
    let mut line = Vec::new();
    for test in tests {
        for run in &test.runs {
            let rows = run.steps.iter().map(Some).chain([None]);
            for step in rows {
                line.clear();
                json::to_json(
                    &mut line,
                    &JsonRow { test, run, step, reveal_secrets: options.reveal_secrets },
                )?;
                line.push(b'\n');
                out.write_all(&line)?;
            }
        }
        if test.folded.count > 0 {
            line.clear();
            json::to_json(&mut line, &FoldedRow { test, reveal_secrets: options.reveal_secrets })?;
            line.push(b'\n');
            out.write_all(&line)?;
        }
    }
    Ok(())
}

/// Returns the display name of a state.
#[must_use]
pub const fn state_words(state: StepState) -> &'static str {
    match state {
        StepState::Seen => "seen",
        StepState::NotSeen => "not seen",
        StepState::CannotBeSeen => "can't be seen",
    }
}

/// Returns the display name of a verdict.
#[must_use]
pub const fn outcome_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Detected => "detected",
        Outcome::Suppressed => "suppressed",
        Outcome::Missed => "missed",
        Outcome::NoTrace => "no trace",
    }
}

/// `detected as GitPushExternal, score 3`.
#[must_use]
pub fn verdict_words(run: &RunReport) -> String {
    let verdict = &run.verdict;
    let words = outcome_words(verdict.outcome);
    match (verdict.signal, verdict.score) {
        (Some(signal), Some(score)) => format!("{words}: {signal}, score {score}"),
        _ => words.to_owned(),
    }
}

const COLOR_OF_STATE: [(StepState, &str); 3] =
    [(StepState::Seen, "32"), (StepState::NotSeen, "31"), (StepState::CannotBeSeen, "2")];
const COLOR_OF_OUTCOME: [(Outcome, &str); 4] = [
    (Outcome::Detected, "1;32"),
    (Outcome::Suppressed, "1;33"),
    (Outcome::Missed, "1;31"),
    (Outcome::NoTrace, "2"),
];

struct Table<'a> {
    out: &'a mut dyn Write,
    options: &'a ExportOptions,
}

impl Table<'_> {
    /// Texts with an indentation, wrapped at blanks where the terminal has a width.
    fn line(&mut self, indent: usize, text: &str, color: &str) -> io::Result<()> {
        let room = self.options.table_width.unwrap_or(usize::MAX).saturating_sub(indent).max(20);
        for line in wrapped(text, room) {
            write!(self.out, "{:indent$}", "")?;
            self.painted(&line, color)?;
            writeln!(self.out)?;
        }
        Ok(())
    }

    fn painted(&mut self, text: &str, color: &str) -> io::Result<()> {
        if self.options.color && !color.is_empty() {
            write!(self.out, "\x1b[{color}m{text}\x1b[0m")
        } else {
            write!(self.out, "{text}")
        }
    }

    fn shown<'t>(&self, text: &'t str) -> Cow<'t, str> {
        safe::shown(text, self.options.reveal_secrets)
    }

    fn test(&mut self, test: &TestReport) -> io::Result<()> {
        let name = self.shown(&test.name).into_owned();
        self.line(0, &name, "1")?;
        let sentence = self.shown(&test.sentence).into_owned();
        self.line(2, &sentence, "2")?;
        for run in &test.runs {
            self.run(run)?;
        }
        if test.folded.count > 0 {
            let words = self.shown(&folded_words(&test.folded)).into_owned();
            self.line(2, &words, "2")?;
        }
        if test.more_runs > 0 {
            self.line(2, &format!("{} more runs were too many to be told apart.", test.more_runs), "33")?;
        }
        writeln!(self.out)
    }

    fn run(&mut self, run: &RunReport) -> io::Result<()> {
        let color = COLOR_OF_OUTCOME
            .iter()
            .find(|(outcome, _)| *outcome == run.verdict.outcome)
            .map_or("", |it| it.1);
        write!(self.out, "  ")?;
        self.painted(&verdict_words(run), color)?;
        if let Some(number) = run.number {
            let host = self.shown(run.host.as_deref().unwrap_or("(unnamed)")).into_owned();
            let start = run.start.map(|start| format!(", {} {}", start.date_text(), start.clock_text()));
            write!(self.out, "  (run {number}: {host}{})", start.unwrap_or_default())?;
        }
        writeln!(self.out)?;
        let why = self.shown(&run.verdict.why).into_owned();
        self.line(4, &why, "")?;
        for step in &run.steps {
            self.step(step)?;
        }
        Ok(())
    }

    fn step(&mut self, step: &StepReport) -> io::Result<()> {
        const STATE: usize = 15;
        const STEP: usize = 17;
        let color = COLOR_OF_STATE.iter().find(|(state, _)| *state == step.state).map_or("", |it| it.1);
        let state = match step.count {
            0 | 1 => state_words(step.state).to_owned(),
            count => format!("{} {count}", state_words(step.state)),
        };
        let cell = |text: &str, room: usize| {
            let text =
                truncate_to_width(text, room - 1, if self.options.ascii { "..." } else { "…" }).into_owned();
            let padding = " ".repeat(room.saturating_sub(width(&text)));
            text + &padding
        };
        let (state, name) = (cell(&state, STATE), cell(&self.shown(&step.step), STEP));
        write!(self.out, "    ")?;
        self.painted(&state, color)?;
        let expected = self.shown(&step.expected).into_owned();
        let room = self.options.table_width.unwrap_or(usize::MAX).saturating_sub(4 + STATE + STEP).max(20);
        let mut lines = wrapped(&expected, room).into_iter();
        writeln!(self.out, "{name}{}", lines.next().unwrap_or_default())?;
        for line in lines {
            writeln!(self.out, "{:indent$}{line}", "", indent = 4 + STATE + STEP)?;
        }
        let why = self.shown(&step.why).into_owned();
        self.line(4 + STATE + STEP, &why, "2")
    }
}

/// Wraps a visible text to lines of at most `room` columns, cut at blanks where it has some.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let mut word = word;
        if !line.is_empty() && width(&line).saturating_add(1 + width(word)) > room {
            lines.push(std::mem::take(&mut line));
        } else if !line.is_empty() {
            line.push(' ');
        }
        while width(word) > room {
            let head = truncate_to_width(word, room, "").into_owned();
            let Some(rest) = word.get(head.len()..).filter(|_| !head.is_empty()) else { break };
            lines.push(head);
            word = rest;
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

fn write_table(out: &mut dyn Write, tests: &[TestReport], options: &ExportOptions) -> io::Result<()> {
    let mut table = Table { out, options };
    for test in tests {
        table.test(test)?;
    }
    if let Some(summary) = &options.summary {
        let summary = table.shown(summary).into_owned();
        table.line(0, &summary, "")?;
    }
    Ok(())
}

fn write_markdown(out: &mut dyn Write, tests: &[TestReport], options: &ExportOptions) -> io::Result<()> {
    let prose = |text: &str| markdown::prose(&safe::shown(text, options.reveal_secrets));
    let code = |text: &str| markdown::code(&safe::shown(text, options.reveal_secrets));
    writeln!(out, "# Tests of {} (MITRE ATT&CK {})\n", TECHNIQUE.subject, TECHNIQUE.id)?;
    if let Some(summary) = &options.summary {
        writeln!(out, "{}\n", prose(summary))?;
    }
    writeln!(
        out,
        "| Test | Run | Host | Start (UTC) | Verdict | Signal | Score |\n|---|---|---|---|---|---|---|"
    )?;
    for (test, run) in tests.iter().flat_map(|test| test.runs.iter().map(move |run| (test, run))) {
        let number = run.number.map(|number| number.to_string()).unwrap_or_default();
        let start = run.start.map(|start| format!("{} {}", start.date_text(), start.clock_text()));
        writeln!(
            out,
            "| {} | {number} | {} | {} | {} | {} | {} |",
            prose(&test.name),
            code(run.host.as_deref().unwrap_or_default()),
            start.unwrap_or_default(),
            outcome_words(run.verdict.outcome),
            run.verdict.signal.map(Signal::name).unwrap_or_default(),
            run.verdict.score.map(|score| score.to_string()).unwrap_or_default()
        )?;
    }
    for test in tests {
        writeln!(out, "\n## {}\n\n{}", prose(&test.name), prose(&test.sentence))?;
        for run in &test.runs {
            let head = run.number.map_or_else(String::new, |number| {
                format!("Run {number}, {}: ", code(run.host.as_deref().unwrap_or("(unnamed)")))
            });
            writeln!(out, "\n{head}**{}**. {}\n", verdict_words(run), prose(&run.verdict.why))?;
            writeln!(out, "| State | Count | Step | Expected | Why |\n|---|---|---|---|---|")?;
            for step in &run.steps {
                writeln!(
                    out,
                    "| {} | {} | {} | {} | {} |",
                    state_words(step.state),
                    step.count,
                    prose(&step.step),
                    prose(&step.expected),
                    prose(&step.why)
                )?;
            }
        }
        if test.folded.count > 0 {
            writeln!(out, "\n{}", prose(&folded_words(&test.folded)))?;
        }
        if test.more_runs > 0 {
            writeln!(out, "\n{} more runs were too many to be told apart.", test.more_runs)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_to_their_room() {
        for (text, room, expected) in [
            ("", 5, vec![""]),
            ("ab cd", 5, vec!["ab cd"]),
            ("ab cd ef", 5, vec!["ab cd", "ef"]),
            ("abcdefg hi", 3, vec!["abc", "def", "g", "hi"]),
            ("a  b", 9, vec!["a  b"]),
        ] {
            assert_eq!(wrapped(text, room), expected, "{text}");
        }
    }
}
