//! The one table of keys: what a key does, where, and how the key bar and the help name it.

use crate::tui::input::{Chord, Key};

/// Actions of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the table below says what each does")]
pub enum Action {
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    Left,
    Right,
    Enter,
    Back,
    NextPane,
    PreviousPane,
    Escape,
    Filter,
    Command,
    EditCiHost,
    EditIdeParent,
    Allow,
    NextProposal,
    UndoPattern,
    RedoPattern,
    Workbench,
    FilterSubjects,
    TakeAdvice,
    Confirm,
    SavePatterns,
    Suppressed,
    Profile,
    Sort,
    Reverse,
    Group,
    Mark,
    Zoom,
    Decide,
    Malicious,
    Benign,
    Unclear,
    Undecide,
    Note,
    NextUndecided,
    UndoVerdict,
    Report,
    Raw,
    CopyCommandLine,
    CopyRow,
    ReadErrors,
    Coverage,
    Tests,
    Pushes,
    TurnPushes,
    Freeze,
    Theme,
    Mouse,
    Help,
    Redraw,
    Suspend,
    StopWriting,
    Yes,
    Quit,
    Interrupt,
}

impl Action {
    /// Whether it edits what is in force, or saves it.
    #[must_use]
    pub const fn changes_patterns(self) -> bool {
        matches!(
            self,
            Self::EditCiHost
                | Self::EditIdeParent
                | Self::Allow
                | Self::UndoPattern
                | Self::RedoPattern
                | Self::SavePatterns
        )
    }
}

/// Where the keys go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// The list of alerts.
    Alerts,
    /// The histogram.
    Histogram,
    /// The detail of the selected alert.
    Detail,
    /// The editor of a pattern.
    PatternEditor,
    /// The question for a verdict.
    Verdict,
    /// A text of the workbench: a pattern, or the filter of hosts and parents.
    WorkbenchText,
    /// A list of the workbench: what changes, or the advice.
    WorkbenchList,
    /// The line at the bottom.
    Prompt,
    /// A page over the screen: help, losses, a raw event.
    Page,
    /// The tests, step by step.
    TestRuns,
    /// The page "who pushes where".
    Pushes,
    /// A question before something that can't be taken back.
    Question,
}

impl Context {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Alerts,
        Self::Histogram,
        Self::Detail,
        Self::PatternEditor,
        Self::Verdict,
        Self::WorkbenchText,
        Self::WorkbenchList,
        Self::Prompt,
        Self::Page,
        Self::TestRuns,
        Self::Pushes,
        Self::Question,
    ];

    /// The heading in the help.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Alerts => "In the list",
            Self::Histogram => "In the histogram",
            Self::Detail => "In the detail",
            Self::PatternEditor => "While editing a pattern",
            Self::Verdict => "Asked for a verdict",
            Self::Prompt => "In the filter, command and note line",
            Self::WorkbenchText => "In the workbench, in a pattern",
            Self::WorkbenchList => "In the workbench, in the changes and in the advice",
            Self::Page => "On a page",
            Self::TestRuns => "In the tests",
            Self::Pushes => "On the page of who pushes where",
            Self::Question => "Asked before leaving, or before reading is stopped",
        }
    }
}

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// Its action.
    pub action: Action,
    /// The keys that do it; the first is the one that is shown.
    pub chords: &'static [Chord],
    /// Where.
    pub contexts: &'static [Context],
    /// The label in the key bar; empty for keys that are shown in the help alone.
    pub label: &'static str,
    /// The sentence in the help.
    pub help: &'static str,
}

const fn key(key: Key) -> Chord {
    Chord::plain(key)
}
const fn char(c: char) -> Chord {
    Chord::plain(Key::Char(c))
}
const fn ctrl(c: char) -> Chord {
    Chord::ctrl(c)
}

use Context::{
    Alerts, Detail, Histogram, Page, PatternEditor, Prompt, Pushes, Question, TestRuns, Verdict,
    WorkbenchList, WorkbenchText,
};

const PANES: &[Context] = &[Alerts, Histogram, Detail];
const MOVING: &[Context] = &[Alerts, Detail, Page, Pushes, TestRuns, WorkbenchList];
const WORKBENCH: &[Context] = &[WorkbenchText, WorkbenchList];

macro_rules! table {
    ($($action:ident [$($chord:expr),+] $contexts:expr, $label:literal, $help:literal;)+) => {
        /// All keys. Within a context the order is that of the key bar.
        pub const TABLE: &[Binding] = &[$(Binding {
            action: Action::$action, chords: &[$($chord),+], contexts: $contexts, label: $label, help: $help,
        }),+];
    };
}

table! {
    // Typing.
    Enter [key(Key::Enter)] &[PatternEditor], "keep", "keep the pattern as it stands, and the other one if that was edited too; one that matches everything needs a second Enter";
    Enter [key(Key::Enter)] &[Prompt], "apply", "apply the filter, or run the command";
    Escape [key(Key::Esc)] &[PatternEditor], "restore", "leave both patterns as they were";
    Escape [key(Key::Esc)] &[Prompt], "cancel", "leave the line as it was";
    NextPane [key(Key::Tab)] &[PatternEditor], "other pattern", "edit the other pattern too: both are kept by Enter, or restored by Esc";
    NextPane [key(Key::Tab)] &[Prompt], "complete", "complete the word before the cursor";
    NextProposal [ctrl('n')] &[PatternEditor, Page], "other proposal", "after a: the host alone, hosts like it, its parent, or an exception of this alert";
    Up [key(Key::Up)] &[PatternEditor], "", "scroll the matches up";
    Down [key(Key::Down)] &[PatternEditor], "", "scroll the matches down";
    Up [key(Key::Up)] &[Prompt], "", "previous line";
    Down [key(Key::Down)] &[Prompt], "", "next line";
    // Questions.
    Yes [char('y')] &[Question], "yes", "do it anyway";
    SavePatterns [char('w')] &[Question], "save", "do not leave yet: write both patterns into the configuration, after a look at the difference";
    Escape [key(Key::Esc), char('n')] &[Question], "no", "stay, or go on reading";
    Quit [char('q')] &[Question], "", "quit anyway, where that was the question";
    // Verdicts.
    Malicious [char('m')] &[Verdict], "malicious", "data was carried out, or an attempt was made";
    Benign [char('b')] &[Verdict], "benign", "nothing to worry about";
    Unclear [char('u')] &[Verdict], "unclear", "reviewed, and not decidable from these logs";
    Undecide [char('n')] &[Verdict], "none", "clear the verdict";
    Escape [key(Key::Esc), char('q'), char('d')] &[Verdict], "cancel", "no change";
    // The workbench.
    Enter [key(Key::Enter)] &[WorkbenchText], "keep", "keep both patterns as they stand; one that matches everything needs a second Enter";
    Enter [key(Key::Enter)] &[WorkbenchList], "open", "show the alert in the list; take the advice";
    NextPane [key(Key::Tab)] WORKBENCH, "next part", "to the next part: patterns, changes, advice";
    TakeAdvice [ctrl('t')] WORKBENCH, "take advice", "put the advice under the cursor into its pattern";
    FilterSubjects [ctrl('f')] &[WorkbenchText], "filter", "list the hosts and parents that hold a text";
    FilterSubjects [char('/'), ctrl('f')] &[WorkbenchList], "filter", "list the hosts and parents that hold a text";
    SavePatterns [ctrl('s')] &[WorkbenchText], "save", "write what is in force into the configuration, after a look at the difference";
    SavePatterns [char('w'), ctrl('s')] &[WorkbenchList], "save", "write what is in force into the configuration, after a look at the difference";
    UndoPattern [ctrl('u')] &[WorkbenchText], "undo", "undo the last change that was kept";
    UndoPattern [char('u'), ctrl('u')] &[WorkbenchList], "undo", "undo the last change that was kept";
    RedoPattern [ctrl('r')] WORKBENCH, "", "redo";
    Escape [key(Key::Esc)] &[WorkbenchText], "close", "leave the workbench; what is not kept is as before";
    Escape [key(Key::Esc), char('q'), char('2')] &[WorkbenchList], "close", "leave the workbench; what is not kept is as before";
    Help [char('?'), key(Key::Function(1))] &[WorkbenchList], "help", "this help";
    Help [key(Key::Function(1))] &[WorkbenchText], "", "this help";
    PreviousPane [key(Key::BackTab)] WORKBENCH, "", "to the part before";
    Command [char(':')] &[WorkbenchList], "", "a command";
    Up [key(Key::Up)] &[WorkbenchText], "", "scroll the hosts or parents up";
    Down [key(Key::Down)] &[WorkbenchText], "", "scroll the hosts or parents down";
    PageUp [key(Key::PageUp)] &[WorkbenchText], "", "a page up";
    PageDown [key(Key::PageDown)] &[WorkbenchText], "", "a page down";
    // Pages.
    Confirm [key(Key::Enter), char('w')] &[Page], "confirm", "write or keep what the page shows";
    Escape [key(Key::Esc), char('q'), char('?')] &[Page], "close", "close the page";
    Enter [key(Key::Enter)] &[TestRuns], "go there", "from a run to its alert in the list, from a step to its raw event, one after the other";
    Escape [key(Key::Esc), char('q'), char('4')] &[TestRuns], "close", "back to the list";
    Enter [key(Key::Enter)] &[Pushes], "alerts", "to the alerts of this owner and host or user: the list, filtered";
    TurnPushes [key(Key::Tab), char('b')] &[Pushes], "host or user", "hosts in place of users, and back";
    Profile [char('p')] &[Pushes], "profile", "the next profile: spl, correlated, hunt";
    Escape [key(Key::Esc), char('q'), char('5')] &[Pushes], "close", "close the page";
    // The panes.
    Enter [key(Key::Enter)] &[Alerts], "parent", "walk up to the parent process (opens and closes a group)";
    Enter [key(Key::Enter)] &[Detail], "parent", "walk up to the parent process";
    Back [key(Key::Backspace)] &[Alerts, Detail], "back", "walk back down from the parent";
    Filter [char('/')] PANES, "filter", "filter the list: words, field:value, field~regex, score>=3, !not";
    Freeze [char(' ')] PANES, "freeze", "freeze the view while loading goes on, and unfreeze it";
    EditCiHost [char('c')] PANES, "CI", "edit the CI-host pattern while the list answers";
    EditIdeParent [char('i')] PANES, "IDE", "edit the IDE-parent pattern while the list answers";
    Allow [char('a')] &[Alerts, Detail], "allow", "make this alert's host normal: a proposal in the CI pattern, to look at and keep";
    Decide [char('d')] &[Alerts, Detail], "decide", "a verdict on this alert, or on all of this group: malicious, benign, unclear";
    NextUndecided [char('n')] &[Alerts, Detail], "next", "to the next alert without a verdict";
    Workbench [char('2')] PANES, "workbench", "both patterns: their matches, changes vs saved, and advice";
    Suppressed [char('x')] PANES, "suppressed", "selected events that scored too low, with the reason, and back";
    Group [char('b')] PANES, "group", "group by host, user, parent, repository, signal, or not";
    Sort [char('s')] PANES, "sort", "sort by the next column";
    Profile [char('p')] PANES, "profile", "the next profile: spl, correlated, hunt";
    Report [char('R')] &[Alerts, Detail], "report", "a Markdown or HTML report of this alert, or of this group, for the ticket; Enter writes it";
    Raw [char('r')] &[Alerts, Detail], "raw", "the raw event, read again from its file";
    CopyCommandLine [char('y')] &[Alerts, Detail], "copy", "copy the command line of the process shown";
    Zoom [char('z')] PANES, "zoom", "zoom this pane";
    UndoPattern [char('u')] PANES, "undo", "undo the last change of a pattern or an exception";
    RedoPattern [ctrl('r')] PANES, "", "redo";
    SavePatterns [char('w')] PANES, "save", "write both patterns into the configuration";
    ReadErrors [char('e')] PANES, "read errors", "read errors, each with file, chunk, record and reason";
    Coverage [char('3'), char('C')] PANES, "coverage", "log coverage: hosts, Event IDs, names, gaps";
    Tests [char('4')] PANES, "tests", "the four tests and your own, step by step: seen, detected, or why not";
    Pushes [char('5')] PANES, "pushes", "who pushes where: repositories' owners by host or user";
    Help [char('?'), key(Key::Function(1))] &[Alerts, Histogram, Detail, TestRuns], "help", "this help";
    Quit [char('q')] PANES, "quit", "quit; asks once where something is not written";
    Command [char(':')] PANES, "", "a command, with completion; :help lists them";
    Note [char('N')] &[Alerts, Detail], "", "a note on this alert, or on all of this group";
    UndoVerdict [char('U')] PANES, "", "undo the last verdict or note";
    Reverse [char('S')] PANES, "", "reverse the order";
    CopyRow [char('Y')] &[Alerts, Detail], "", "copy the whole row as JSON";
    Theme [char('t')] PANES, "", "the next theme";
    Mouse [char('m')] PANES, "", "take the mouse (click, wheel), or leave it to the terminal";
    // Moving.
    Up [key(Key::Up), char('k')] MOVING, "", "up";
    Down [key(Key::Down), char('j')] MOVING, "", "down";
    PageUp [key(Key::PageUp), ctrl('u'), ctrl('b')] &[Alerts, Detail, Page, Pushes, TestRuns], "", "a page up";
    PageUp [key(Key::PageUp), ctrl('b')] &[WorkbenchList], "", "a page up";
    PageDown [key(Key::PageDown), ctrl('d'), ctrl('f')] &[Alerts, Detail, Page, Pushes, TestRuns], "", "a page down";
    PageDown [key(Key::PageDown), ctrl('d')] &[WorkbenchList], "", "a page down";
    Home [key(Key::Home), char('g')] &[Alerts, Detail, Histogram, Page, Pushes, TestRuns, WorkbenchList], "", "to the first";
    End [key(Key::End), char('G')] &[Alerts, Detail, Histogram, Page, Pushes, TestRuns, WorkbenchList], "", "to the last";
    Left [key(Key::Left), char('h')] &[Alerts, Histogram, Pushes], "", "scroll the command lines left; in the histogram: earlier";
    Right [key(Key::Right), char('l')] &[Alerts, Histogram, Pushes], "", "scroll the command lines right; in the histogram: later";
    Mark [char('v')] &[Histogram], "mark", "mark a range from here; move, then Enter filters the list by it";
    Enter [key(Key::Enter)] &[Histogram], "range", "filter the list by the marked range";
    NextPane [key(Key::Tab)] PANES, "pane", "to the next pane: list, histogram, detail";
    PreviousPane [key(Key::BackTab)] PANES, "", "to the pane before";
    Escape [key(Key::Esc)] PANES, "", "undo the last narrowing: zoom, range, filter, group; it never stops reading, :stop does";
    StopWriting [ctrl('x')] &Context::ALL, "stop writing", "stop the export or report being written; no file is left";
    Redraw [ctrl('l')] &Context::ALL, "", "redraw the screen";
    Suspend [ctrl('z')] &Context::ALL, "", "back to the shell; fg comes back";
    Interrupt [ctrl('c')] &Context::ALL, "", "quit from anywhere; asks once where something is not written";
}

/// Returns the action of a key in a context.
#[must_use]
pub fn action(context: Context, chord: Chord) -> Option<Action> {
    bindings(context).find(|binding| binding.chords.contains(&chord)).map(|binding| binding.action)
}

/// The keys of a context, in the table's order.
pub fn bindings(context: Context) -> impl Iterator<Item = &'static Binding> {
    TABLE.iter().filter(move |binding| binding.contexts.contains(&context))
}

/// How a key is written: `Enter`, `^L`, `j`.
#[must_use]
pub fn chord_name(chord: Chord) -> String {
    let name = match chord.key {
        Key::Char(' ') => "Space".to_owned(),
        Key::Char(c) if chord.ctrl => return format!("^{}", c.to_ascii_uppercase()),
        Key::Char(c) => c.to_string(),
        Key::Function(number) => format!("F{number}"),
        Key::Esc => "Esc".to_owned(),
        Key::Backspace => "Bksp".to_owned(),
        Key::PageUp => "PgUp".to_owned(),
        Key::PageDown => "PgDn".to_owned(),
        Key::BackTab => "S-Tab".to_owned(),
        other => format!("{other:?}"),
    };
    if chord.alt { format!("A-{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_unambiguous_per_context() {
        for context in Context::ALL {
            let mut seen = std::collections::HashMap::new();
            for binding in bindings(context) {
                for chord in binding.chords {
                    let before = seen.insert(*chord, binding.action);
                    assert_eq!(before, None, "{} in {context:?}", chord_name(*chord));
                }
            }
        }
    }

    #[test]
    fn every_action_is_bound_and_documented() {
        let (_, list) = include_str!("keys.rs").split_once("pub enum Action {").unwrap();
        let names = list.split_once('}').unwrap().0.split(',').map(str::trim).filter(|name| !name.is_empty());
        let bound: Vec<String> = TABLE.iter().map(|binding| format!("{:?}", binding.action)).collect();
        let mut count = 0;
        for name in names {
            assert!(bound.iter().any(|bound| bound == name), "{name} has no key");
            count += 1;
        }
        assert!(count > 40, "{count}");
        assert!(TABLE.iter().all(|binding| !binding.help.is_empty() && !binding.contexts.is_empty()));
    }

    #[test]
    fn text_fields_bind_no_plain_characters() {
        for context in [Context::PatternEditor, Context::WorkbenchText, Context::Prompt] {
            for chord in bindings(context).flat_map(|binding| binding.chords) {
                let types = matches!(chord, Chord { key: Key::Char(_), ctrl: false, alt: false });
                assert!(!types, "{} could not be typed", chord_name(*chord));
            }
        }
    }
}
