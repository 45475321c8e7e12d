//! Keys into changes of the state, and into effects.

pub mod commands;
mod feed;
mod list;
mod navigation;
mod pattern_editor;
mod pushes;
mod question;
mod relocate;
mod test_runs;
mod triage;
mod tuning;
mod verdicts;
mod workbench;

use crate::detect::profile::Profile;
use crate::export;
use crate::export::{ExportOptions, Format};
use crate::model::event::Field;
use crate::store::ids::FindingId;
use crate::store::list::listing::{GroupKey, Shown, SortKey};
use crate::tui::input::{Chord, Input};
use crate::tui::keys::{Action, Context, action};
use crate::tui::safe;
use crate::tui::state::effect::Effect;
use crate::tui::state::prompt::{Kind, Prompt};
use crate::tui::state::question::Question;
use crate::tui::state::{App, Narrowing, Page, Pane, Tone};

impl App {
    /// Takes what came from the terminal, and says what is to be done outside.
    pub fn handle(&mut self, input: Input) -> Vec<Effect> {
        match input {
            Input::Key(chord) => {
                self.message = None;
                self.is_untouched = false;
                self.press(chord)
            }
            Input::Paste(text) => {
                self.is_untouched = false;
                self.paste(&text)
            }
            Input::Resize(..) => Vec::new(),
            Input::Click(column, row) => {
                self.is_untouched = false;
                self.click(column, row);
                Vec::new()
            }
            Input::Wheel(lines) => {
                self.is_untouched = false;
                self.scroll(isize::from(lines));
                Vec::new()
            }
            Input::Closed => vec![Effect::Quit],
        }
    }

    fn press(&mut self, chord: Chord) -> Vec<Effect> {
        let context = self.context();
        match action(context, chord) {
            Some(action) => self.act(context, action),
            None if context == Context::Prompt => {
                if self.prompt.as_mut().is_some_and(|prompt| prompt.edit(chord)) {
                    self.invalidate();
                }
                Vec::new()
            }
            None if context == Context::PatternEditor => {
                self.edit_pattern(chord);
                Vec::new()
            }
            None if context == Context::WorkbenchText => {
                self.type_in_workbench(chord);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// In a text field a paste is text; elsewhere it is keys, except that nothing in it quits or writes.
    fn paste(&mut self, text: &str) -> Vec<Effect> {
        match self.context() {
            Context::Prompt => {
                if let Some(prompt) = &mut self.prompt {
                    prompt.paste(text);
                }
                self.invalidate();
            }
            Context::PatternEditor => self.paste_into_pattern(text),
            Context::WorkbenchText => self.paste_into_workbench(text),
            _ => self.say(
                Tone::Warning,
                "A paste was ignored: open a filter (/), a command (:) or a pattern (c, i) first.",
            ),
        }
        Vec::new()
    }

    /// Does what a key asks for.
    pub fn act(&mut self, context: Context, action: Action) -> Vec<Effect> {
        if let Err(reason) = self.can(context, action) {
            self.say(Tone::Warning, reason);
            return Vec::new();
        }
        match action {
            Action::Yes => return self.answer_yes(),
            Action::Quit if self.question == Some(Question::Stop) => self.question = None,
            Action::Quit | Action::Interrupt => return self.quit(),
            Action::StopWriting => return vec![Effect::StopWriting],
            Action::Suspend => return vec![Effect::Suspend],
            Action::Redraw => return vec![Effect::Redraw],
            Action::Escape => return self.escape(context),
            Action::Enter => return self.enter(context),
            Action::NextPane if context == Context::PatternEditor => self.edit_other_pattern(),
            Action::NextPane if context == Context::Prompt => self.complete(),
            Action::NextPane if self.shows_workbench() => self.step_part(1),
            Action::PreviousPane if self.shows_workbench() => self.step_part(3),
            Action::NextPane => self.step_pane(1),
            Action::PreviousPane => self.step_pane(2),
            Action::Up | Action::Down if context == Context::Prompt => self.recall(action == Action::Up),
            Action::Up => self.scroll(-1),
            Action::Down => self.scroll(1),
            Action::PageUp => self.scroll(-self.page_rows()),
            Action::PageDown => self.scroll(self.page_rows()),
            Action::Home | Action::End => self.jump(action == Action::End),
            Action::Left => self.sideways(-1),
            Action::Right => self.sideways(1),
            Action::Back => {
                let mut walked = self.walked().to_vec();
                walked.pop();
                self.walk_to(walked);
                self.detail_top = 0;
            }
            Action::Filter => {
                let text = self.list.filter.as_ref().map_or_else(String::new, |(text, _)| text.clone());
                self.prompt = Some(Prompt::new(Kind::Filter, &text));
            }
            Action::Command => self.open_prompt(Kind::Command, ""),
            Action::Report => self.open_prompt(Kind::Command, "report selected "),
            Action::Decide
            | Action::Malicious
            | Action::Benign
            | Action::Unclear
            | Action::Undecide
            | Action::Note
            | Action::UndoVerdict
            | Action::NextUndecided => return self.triage(action),
            Action::EditCiHost
            | Action::EditIdeParent
            | Action::Allow
            | Action::NextProposal
            | Action::UndoPattern
            | Action::RedoPattern
            | Action::Workbench
            | Action::FilterSubjects
            | Action::TakeAdvice
            | Action::Confirm
            | Action::SavePatterns => return self.act_on_patterns(action),
            Action::Suppressed => self.toggle_side(),
            Action::Profile => self.set_profile(self.list.profile.next()),
            Action::Sort => {
                self.list.sort = next_of(&SortKey::ALL, self.list.sort);
                self.list.reversed = false;
                self.invalidate();
            }
            Action::Reverse => {
                self.list.reversed = !self.list.reversed;
                self.invalidate();
            }
            Action::Group => {
                let group = match self.list.group {
                    None => GroupKey::ALL.first().copied(),
                    Some(key) => GroupKey::ALL.iter().skip_while(|other| **other != key).nth(1).copied(),
                };
                self.set_group(group);
            }
            Action::Mark => {
                let bar = self.histogram.bar;
                self.histogram.mark = if self.histogram.mark.is_some() { None } else { Some(bar) };
            }
            Action::Zoom => self.zoomed = !self.zoomed,
            Action::Raw => {
                if let Some(event) = self.shown_event() {
                    return vec![self.read_raw(event)];
                }
            }
            Action::CopyCommandLine => return self.copy_command_line(),
            Action::CopyRow => return self.copy_row(),
            Action::ReadErrors | Action::Coverage | Action::Tests | Action::Help => self.open_page_of(action),
            Action::Freeze => self.freeze(),
            Action::Pushes => self.open_pushes(),
            Action::TurnPushes => self.turn_pushes(),
            Action::Theme => return self.next_theme(),
            Action::Mouse => return self.toggle_mouse(),
        }
        Vec::new()
    }

    fn next_theme(&self) -> Vec<Effect> {
        let at = self.theme_names.iter().position(|name| *name == self.theme_name).unwrap_or(0);
        let name = self.theme_names.get((at + 1) % self.theme_names.len().max(1)).cloned();
        name.map(Effect::Theme).into_iter().collect()
    }

    fn toggle_side(&mut self) {
        let side = if self.list.shown == Shown::Alerts { Shown::Suppressed } else { Shown::Alerts };
        self.list.shown = side;
        self.selected = None;
        self.walk_to(Vec::new());
        self.invalidate();
    }

    fn toggle_mouse(&mut self) -> Vec<Effect> {
        self.mouse = !self.mouse;
        let state = if self.mouse { "Mouse on (m: off)." } else { "Mouse off." };
        self.say(Tone::Info, state);
        vec![Effect::Mouse(self.mouse)]
    }

    /// Whether a key does anything here and now; the reason where it does not. The key bar leaves those out.
    ///
    /// # Errors
    /// The reason, as a sentence.
    pub fn can(&self, context: Context, action: Action) -> Result<(), &'static str> {
        let check = |holds: bool, reason: &'static str| if holds { Ok(()) } else { Err(reason) };
        if self.workbench.as_ref().is_some_and(|workbench| !workbench.is_shown()) && action.changes_patterns()
        {
            return Err("The workbench is open: 2 or Esc goes back to it.");
        }
        match action {
            Action::Enter if context == Context::TestRuns => {
                check(self.test_run_has_target(), "Nothing to open here.")
            }
            Action::Enter if context == Context::Alerts && self.selected_group().is_some() => Ok(()),
            Action::Enter if matches!(context, Context::Alerts | Context::Detail) => {
                check(self.parent_of_shown().is_some(), "The log does not name a parent process of this one.")
            }
            Action::StopWriting => {
                check(self.writing.iter().any(|writing| writing.can_stop), "Nothing is being written.")
            }
            Action::Back => check(!self.walked().is_empty(), "This is the alert's own process already."),
            Action::UndoPattern => check(self.history.can_undo(), "Nothing to undo."),
            Action::RedoPattern => check(self.history.can_redo(), "Nothing to redo."),
            Action::Confirm => {
                let waits = matches!(self.page, Some(Page::SavePreview(_) | Page::NewException { .. }));
                check(waits, "Nothing to confirm on this page.")
            }
            Action::TakeAdvice => check(
                self.workbench.as_ref().is_some_and(|workbench| !workbench.advice.is_empty()),
                "No advice.",
            ),
            Action::Decide | Action::Note | Action::NextUndecided | Action::UndoVerdict => {
                self.can_triage(action)
            }
            Action::SavePatterns => {
                check(self.is_unsaved(), "The configuration already has both patterns as they are.")
            }
            Action::ReadErrors => {
                check(!self.store.faults().is_empty(), "No read errors: every record was read.")
            }
            Action::Raw | Action::CopyCommandLine => {
                check(self.shown_event().is_some(), "No event of it in this log.")
            }
            Action::NextProposal => check(
                self.pattern_editor
                    .as_ref()
                    .is_some_and(|pattern_editor| !pattern_editor.proposals.is_empty())
                    || matches!(self.page, Some(Page::NewException { .. })),
                "No other proposal here.",
            ),
            Action::Allow | Action::CopyRow | Action::Report => {
                check(self.selected_finding().is_some(), self.nothing_selected())
            }
            Action::Freeze => {
                check(self.frozen.is_some() || !self.load.finished, "Nothing to freeze: loading is finished.")
            }
            Action::Mark => check(!self.listing.timeline.is_empty(), "The histogram is empty."),
            Action::Escape if matches!(context, Context::Alerts | Context::Histogram | Context::Detail) => {
                check(self.narrowing().is_some(), "Nothing to go back from. q quits.")
            }
            _ => Ok(()),
        }
    }

    fn escape(&mut self, context: Context) -> Vec<Effect> {
        match context {
            Context::Question => self.question = None,
            Context::Prompt => {
                (self.prompt, self.pin) = (None, None);
                self.invalidate();
            }
            Context::PatternEditor => {
                self.pattern_editor = None;
                self.invalidate();
            }
            Context::Page => self.page = self.previous_page.take(),
            Context::TestRuns | Context::Pushes => self.page = None,
            Context::Verdict => (self.verdict_menu, self.pin) = (false, None),
            Context::WorkbenchText | Context::WorkbenchList => self.escape_workbench(),
            _ => {
                match self.narrowing() {
                    Some(Narrowing::Workbench) => self.open_workbench(),
                    Some(Narrowing::MarkedRange) => self.histogram.mark = None,
                    Some(Narrowing::Freeze) => self.freeze(),
                    Some(Narrowing::Zoom) => self.zoomed = false,
                    Some(Narrowing::Ancestor) => self.walk_to(Vec::new()),
                    Some(Narrowing::TimeRange) => self.list.range = None,
                    Some(Narrowing::Filter) => self.list.filter = None,
                    Some(Narrowing::Group) => self.set_group(None),
                    Some(Narrowing::Suppressed) => self.list.shown = Shown::Alerts,
                    Some(Narrowing::Pane) => self.pane = Pane::Alerts,
                    None => {}
                }
                self.invalidate();
            }
        }
        Vec::new()
    }

    fn enter(&mut self, context: Context) -> Vec<Effect> {
        match context {
            Context::PatternEditor => self.keep_pattern(),
            Context::Pushes => self.open_cell(),
            Context::WorkbenchText | Context::WorkbenchList => self.enter_workbench(),
            Context::Prompt => return self.submit(),
            Context::Histogram => self.apply_range(),
            Context::TestRuns => return self.open_test_run(),
            Context::Alerts if self.selected_group().is_some() => self.toggle_group(),
            _ => self.walk_up(),
        }
        Vec::new()
    }

    fn submit(&mut self) -> Vec<Effect> {
        let Some(prompt) = self.prompt.take() else { return Vec::new() };
        if let Some(error) = &prompt.error {
            self.say(Tone::Warning, error.message.clone());
            self.prompt = Some(prompt);
            return Vec::new();
        }
        self.past_lines.add(prompt.kind, &prompt.text);
        match prompt.kind {
            Kind::Filter => {
                self.list.filter =
                    prompt.filter().flatten().cloned().map(|filter| (prompt.text.clone(), filter));
                self.invalidate();
                Vec::new()
            }
            Kind::Command => {
                let effects = commands::run(self, &prompt.text);
                self.pin = None;
                effects
            }
            Kind::Note => self.decide(None, Some(&prompt.text)),
        }
    }

    /// Opens the line at the bottom for a command or a note, on what is selected now.
    pub(in crate::tui) fn open_prompt(&mut self, kind: Kind, text: &str) {
        self.pin = self.pin_selection();
        self.prompt = Some(Prompt::new(kind, text));
    }

    fn complete(&mut self) {
        if let Some(mut prompt) = self.prompt.take() {
            prompt.complete(&|line| commands::completions(self, line));
            self.prompt = Some(prompt);
            self.invalidate();
        }
    }

    fn recall(&mut self, back: bool) {
        if let Some(prompt) = &mut self.prompt {
            prompt.recall(&mut self.past_lines, back);
            self.invalidate();
        }
    }

    fn open_page_of(&mut self, action: Action) {
        self.open_page(match action {
            Action::ReadErrors => Page::ReadErrors,
            Action::Coverage => Page::Coverage,
            Action::Tests => Page::Tests,
            _ => Page::Help,
        });
    }

    pub(in crate::tui) fn open_page(&mut self, page: Page) {
        self.previous_page = self.page.take().filter(|below| *below == Page::Tests && page != Page::Tests);
        self.page = Some(page);
        (self.page_top, self.page_lines) = (0, None);
    }

    /// Shows another profile's verdicts.
    pub(in crate::tui) fn set_profile(&mut self, profile: Profile) {
        self.list.profile = profile;
        self.invalidate();
        self.say(
            Tone::Info,
            match profile {
                Profile::Spl => "spl: the Splunk search to the letter, its surprises included.",
                Profile::Correlated => {
                    "correlated: parents and DNS names joined; the signal follows the clause."
                }
                Profile::Hunt => "hunt: the alerts of correlated, and leads: what the search misses.",
            },
        );
    }

    /// Groups the list, or not.
    pub(in crate::tui) fn set_group(&mut self, group: Option<GroupKey>) {
        self.list.group = group;
        self.list.open.clear();
        self.selected = None;
        self.invalidate();
    }

    fn toggle_group(&mut self) {
        let Some(group) = self.selected_group().and_then(|number| self.listing.groups.get(number)) else {
            return;
        };
        let key = group.key.clone();
        if !self.list.open.remove(&key) {
            self.list.open.insert(key.clone());
        }
        self.selected = Some(crate::tui::state::Selected::Group(key));
        self.make_lines();
    }

    /// The parent of the process that the detail shows, where the log names one.
    fn parent_of_shown(&self) -> Option<crate::store::ids::ProcessId> {
        let parent = self.store.process(self.shown_process()?)?.parent?;
        let own = self.store.event(self.store.finding(self.selected_finding()?)?.event)?.process;
        // A process that is its own ancestor is walked up to once.
        (Some(parent) != own && !self.walked().contains(&parent)).then_some(parent)
    }

    fn walk_up(&mut self) {
        if let Some(parent) = self.parent_of_shown() {
            if self.selected.is_none() {
                self.select_line(self.cursor);
            }
            let mut walked = self.walked().to_vec();
            walked.push(parent);
            self.walk_to(walked);
            self.detail_top = 0;
        }
    }

    fn copy_command_line(&mut self) -> Vec<Effect> {
        let flags = self.shown_flags();
        let text = match self.walked().last() {
            Some(_) => self
                .shown_event()
                .and_then(|event| self.store.field(self.store.event(event)?, Field::CommandLine)),
            None => self
                .selected_finding()
                .and_then(|id| self.store.view(id, self.list.profile, flags)?.text(Field::CommandLine)),
        };
        let Some(text) = text.map(|text| safe::masked(text, self.reveal_secrets)) else {
            self.say(Tone::Warning, "This event has no command line.");
            return Vec::new();
        };
        vec![Effect::Copy { text, what: "command line" }]
    }

    fn copy_row(&mut self) -> Vec<Effect> {
        let row =
            self.selected_finding().and_then(|id| self.store.row(id, self.list.profile, self.shown_flags()));
        let Some(row) = row else { return Vec::new() };
        let options = ExportOptions { reveal_secrets: self.reveal_secrets, ..ExportOptions::default() };
        let mut bytes = Vec::new();
        if export::write_rows(&mut bytes, Format::Ndjson, &mut std::iter::once(row), &options).is_err() {
            return Vec::new();
        }
        let text = crate::model::text::visible(String::from_utf8_lossy(&bytes).trim_end()).into_owned();
        vec![Effect::Copy { text, what: "row" }]
    }

    /// The findings of the list in its order, for an export.
    pub(in crate::tui) fn listed_findings(&self) -> Vec<FindingId> {
        let listing = self.listing();
        if listing.query.group.is_some() {
            return (0..listing.groups.len()).flat_map(|group| listing.members(group)).copied().collect();
        }
        listing.findings.clone()
    }
}

fn next_of<T: Copy + PartialEq>(all: &[T], at: T) -> T {
    let next = all.iter().skip_while(|other| **other != at).nth(1);
    next.or(all.first()).copied().unwrap_or(at)
}
