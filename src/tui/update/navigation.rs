//! Moving: in the list, in the detail, in the histogram, between them.

use crate::tui::keys::Context;
use crate::tui::state::histogram::Bars;
use crate::tui::state::test_runs::list_rows;
use crate::tui::state::{App, Pane, Tone};

impl App {
    /// Steps through the panes that are on the screen.
    pub(in crate::tui) fn step_pane(&mut self, by: usize) {
        const ORDER: [Pane; 3] = [Pane::Alerts, Pane::Histogram, Pane::Detail];
        let at = ORDER.iter().position(|pane| *pane == self.pane).unwrap_or(0);
        let on_screen = |pane: Pane| match pane {
            Pane::Alerts => true,
            Pane::Histogram => self.panes.histogram.is_some() || self.zoomed,
            Pane::Detail => self.panes.detail.is_some() || self.zoomed,
        };
        let next = (1..=ORDER.len())
            .filter_map(|step| ORDER.get((at + step * by) % ORDER.len()).copied())
            .find(|pane| on_screen(*pane));
        self.pane = next.unwrap_or_default();
    }

    /// Rows of a page of what has the keys.
    pub(in crate::tui) fn page_rows(&self) -> isize {
        let rows = if self.shows_workbench() {
            self.area.height / 4
        } else if self.context() == Context::TestRuns {
            list_rows(self.panes.body).saturating_sub(1)
        } else if self.page.is_some() {
            self.area.height.saturating_sub(3)
        } else {
            match self.pane {
                Pane::Detail => self.panes.detail.map_or(1, |pane| pane.height.saturating_sub(2)),
                _ => self.panes.list_rows().saturating_sub(1),
            }
        };
        isize::try_from(rows.max(1)).unwrap_or(1)
    }

    /// Moves up (negative) or down.
    pub(in crate::tui) fn scroll(&mut self, by: isize) {
        match self.context() {
            Context::Pushes => self.move_in_pushes(by, 0),
            Context::Page => {
                let last = self.last_page_top();
                self.page_top = self.page_top.saturating_add_signed(by).min(last);
            }
            Context::TestRuns => self.move_in_test_runs(by),
            Context::WorkbenchText | Context::WorkbenchList => self.scroll_workbench(by),
            Context::PatternEditor => {
                if let Some(pattern_editor) = &mut self.pattern_editor {
                    pattern_editor.scroll = pattern_editor.scroll.saturating_add_signed(by);
                }
            }
            Context::Detail => {
                let rows = usize::from(self.panes.detail.map_or(0, |pane| pane.height.saturating_sub(1)));
                let last = self.detail.longest().saturating_sub(rows);
                self.detail_top = self.detail_top.saturating_add_signed(by).min(last);
            }
            _ => {
                let line = self.cursor.saturating_add_signed(by);
                self.select_line(line);
            }
        }
    }

    /// To the first or the last.
    pub(in crate::tui) fn jump(&mut self, last: bool) {
        match self.context() {
            Context::Page => self.page_top = if last { self.last_page_top() } else { 0 },
            Context::TestRuns => self.move_in_test_runs(if last { isize::MAX } else { isize::MIN }),
            Context::Pushes => self.move_in_pushes(if last { isize::MAX } else { isize::MIN }, 0),
            Context::Detail => self.detail_top = if last { usize::MAX } else { 0 },
            Context::WorkbenchText | Context::WorkbenchList => {
                self.scroll_workbench(if last { isize::MAX } else { isize::MIN });
            }
            Context::Histogram => {
                let bars = self.bars_on_screen().len();
                self.histogram.bar = if last { bars.saturating_sub(1) } else { 0 };
            }
            _ => self.select_line(if last { usize::MAX } else { 0 }),
        }
    }

    /// The last top line of the page; unlimited until the page is prepared, which limits it.
    fn last_page_top(&self) -> usize {
        // The page's first row is its title.
        let rows = usize::from(self.panes.body.height.saturating_sub(1));
        self.page_lines().map_or(usize::MAX, |lines| lines.len().saturating_sub(rows))
    }

    /// Left (negative) or right.
    pub(in crate::tui) fn sideways(&mut self, by: isize) {
        if self.context() == Context::Pushes {
            self.move_in_pushes(0, by);
        } else if self.pane == Pane::Histogram {
            let last = self.bars_on_screen().len().saturating_sub(1);
            self.histogram.bar = self.histogram.bar.saturating_add_signed(by).min(last);
        } else {
            self.scroll_right = self.scroll_right.saturating_add_signed(by * 8).min(32_768);
        }
    }

    /// The bars of the histogram as it is on the screen.
    fn bars_on_screen(&self) -> Bars {
        self.bars(self.panes.histogram.map_or(self.area.width, |pane| pane.width))
    }

    /// Filters the list by the marked bars, or by the one under the cursor.
    pub(in crate::tui) fn apply_range(&mut self) {
        let bars = self.bars_on_screen();
        let bar = self.histogram.bar.min(bars.len().saturating_sub(1));
        let mark = self.histogram.mark.take().unwrap_or(bar);
        match bars.range(mark.min(bar), mark.max(bar)) {
            Some(range) => {
                self.list.range = Some(range);
                self.pane = Pane::Alerts;
                self.selected = None;
                self.invalidate();
            }
            None => self.say(Tone::Warning, "The histogram is empty."),
        }
    }

    /// Selects what was clicked at.
    pub(in crate::tui) fn click(&mut self, column: u16, row: u16) {
        if self.page.is_some()
            || self.prompt.is_some()
            || self.pattern_editor.is_some()
            || self.shows_workbench()
        {
            return;
        }
        let inside = |pane: Option<ratatui::layout::Rect>| {
            pane.is_some_and(|pane| pane.contains(ratatui::layout::Position::new(column, row)))
        };
        if inside(self.panes.list) {
            self.pane = Pane::Alerts;
            let first = self.panes.list.map_or(0, |pane| pane.y + 2);
            if row >= first {
                self.select_line(self.top + usize::from(row - first));
            }
        } else if inside(self.panes.histogram) {
            self.pane = Pane::Histogram;
            self.histogram.bar = usize::from(column - self.panes.histogram.map_or(0, |pane| pane.x));
        } else if inside(self.panes.detail) {
            self.pane = Pane::Detail;
        }
    }
}
