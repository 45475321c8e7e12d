//! Brings the list, the panes, the detail and the page up to date for a screen size, before a frame is drawn.

use ratatui::layout::Rect;

use crate::store::resumable::Pause;
use crate::tui::state::histogram::Bars;
use crate::tui::state::prepared::DetailKey;
use crate::tui::state::{App, Page};
use crate::tui::views::detail::reasons::detail_of;
use crate::tui::views::layout::panes_of;
use crate::tui::views::page::page_lines;

impl App {
    /// Brings the list, the selection and the detail up to date for a screen of that size. `with_news` says whether
    /// what came in since the last time is to be shown too; a change of what the list shows always is.
    pub fn prepare(&mut self, area: Rect, with_news: bool) {
        self.prepare_until(area, with_news, &|| false);
    }

    /// The same, but a list that takes longer than `pause` allows stays the one before until a later call has made it.
    pub fn prepare_until(&mut self, area: Rect, with_news: bool, pause: Pause<'_>) {
        if self.area != area {
            self.area = area;
            self.detail_key = None;
        }
        let effects = self.advance_verdicts(None, pause);
        self.effects.extend(effects);
        if self.frozen.is_some() && with_news && self.has_news() {
            self.count_behind_the_frozen_view();
        }
        if self.needs_rebuild || (with_news && self.has_news() && !self.is_building_list()) {
            self.begin_list();
        }
        let news = self.advance_list(pause);
        if let Some(workbench) = &mut self.workbench {
            workbench.refresh(&self.store, self.list.profile, self.list.min_score, news);
        }
        self.prepare_pushes(news, pause);
        self.panes = panes_of(self);
        self.make_page();
        self.make_bars();
        self.follow_selection();
        self.make_detail();
        if self.page == Some(Page::Tests) {
            self.advance_test_runs();
            self.follow_in_test_runs();
        }
    }
}

impl App {
    /// Rebuilds the histogram where the list or the width has changed.
    pub(in crate::tui) fn make_bars(&mut self) {
        let Some(pane) = self.panes.histogram else { return };
        if self.bars.as_ref().is_none_or(|(width, _)| *width != pane.width) {
            self.bars = Some((pane.width, Bars::of(&self.listing.timeline, usize::from(pane.width))));
        }
    }

    /// Keeps the selection on the screen.
    pub(in crate::tui) fn follow_selection(&mut self) {
        let rows = usize::from(self.panes.list_rows()).max(1);
        let last_top = self.lines.len().saturating_sub(rows);
        self.top = self.top.min(last_top);
        if self.cursor < self.top {
            self.top = self.cursor;
        } else if self.cursor >= self.top + rows {
            self.top = self.cursor + 1 - rows;
        }
    }

    pub(in crate::tui) fn make_detail(&mut self) {
        let key = DetailKey {
            finding: self.selected_finding(),
            alarm: self.selected_alarm().map(|line| (line.key(), line.times)),
            walked: self.walked().to_vec(),
            epoch: self.store.epoch(),
            width: self.panes.detail.map_or(0, |pane| pane.width),
            generation: self.listed_generation,
        };
        if self.detail_key.as_ref() != Some(&key) {
            self.detail = detail_of(self, &key);
            self.detail_key = Some(key);
        }
        let rows = usize::from(self.panes.detail.map_or(0, |pane| pane.height.saturating_sub(1)));
        self.detail_top = self.detail_top.min(self.detail.longest().saturating_sub(rows));
    }

    /// Builds the lines of the open page. While a list is being built they stay, since a page can have 5,000 of them.
    fn make_page(&mut self) {
        let Some(page) = &self.page else {
            self.page_lines = None;
            return;
        };
        if !self.is_making_list() || self.page_lines().is_none() {
            self.page_lines = Some((std::mem::discriminant(page), page_lines(self, page)));
        }
        // The page's first row is its title.
        let rows = usize::from(self.panes.body.height.saturating_sub(1));
        let last = self.page_lines().map_or(0, |lines| lines.len().saturating_sub(rows));
        self.page_top = self.page_top.min(last);
    }
}
