//! The keys of the page "who pushes where".

use crate::filter::Filter;
use crate::store::list::listing::{Query, Shown};
use crate::store::push_matrix::{PushMatrixBuilder, PushMatrixInputs};
use crate::store::resumable::Pause;
use crate::tui::state::pushes::{OTHER_ROWS, columns_that_fit};
use crate::tui::state::{App, Page, Pane, Tone};

impl App {
    /// Opens the page.
    pub(in crate::tui) fn open_pushes(&mut self) {
        self.page = Some(Page::Pushes);
        self.pushes.is_stale = true;
    }

    /// Brings the page up to date; `with_news` where what came in is to be shown too. The table before stays until the
    /// next one is made, in steps where there are many findings.
    pub(in crate::tui) fn prepare_pushes(&mut self, with_news: bool, pause: Pause<'_>) {
        if self.page != Some(Page::Pushes) {
            self.pushes.making = None;
            return;
        }
        self.pushes.is_stale |= with_news;
        let never = || false;
        let pause = if self.has_long_list() { pause } else { &never };
        self.make_pushes(pause);
        self.follow_in_pushes();
    }

    fn make_pushes(&mut self, pause: Pause<'_>) {
        if self.pushes.is_stale || self.pushes.making.is_some() {
            let query = Query {
                min_score: self.list.min_score,
                up_to_event: self.frozen.map(|frozen| frozen.events),
                ..Query::alerts(self.list.profile)
            };
            let basis = PushMatrixInputs::new(&self.store, &self.flags, query, self.pushes.axis);
            // News go into the next table, or none would ever be finished under load.
            let begun = self.pushes.making.take().filter(|making| *making.basis() == basis);
            self.pushes.is_stale &= begun.is_some();
            let mut making = begun.unwrap_or_else(|| PushMatrixBuilder::new(basis));
            match making.advance(&self.store, &self.flags, pause) {
                Some(table) => self.pushes.renew(table),
                None => self.pushes.making = Some(making),
            }
        }
    }

    fn follow_in_pushes(&mut self) {
        let rows = usize::from(self.area.height.saturating_sub(2 + OTHER_ROWS));
        self.pushes.follow(rows, columns_that_fit(self.area.width));
    }

    /// Moves the cursor by rows and columns.
    pub(in crate::tui) fn move_in_pushes(&mut self, rows: isize, columns: isize) {
        self.pushes.row = self.pushes.row.saturating_add_signed(rows);
        self.pushes.column = self.pushes.column.saturating_add_signed(columns);
        self.follow_in_pushes();
    }

    /// Hosts in place of users, or the other way round.
    pub(in crate::tui) fn turn_pushes(&mut self) {
        self.pushes.axis = self.pushes.axis.other();
        (self.pushes.column, self.pushes.left) = (0, 0);
        self.pushes.is_stale = true;
    }

    /// Leaves the page for the findings under the cursor: the list, filtered by owner and by host or user.
    pub(in crate::tui) fn open_cell(&mut self) {
        let (Some(owner), Some(count)) = (self.pushes.owner(), self.pushes.count().copied()) else {
            self.say(Tone::Info, "Nothing of this owner is from there.");
            return;
        };
        let mut text = term("owner", owner.name.as_deref());
        if let Some(other) = self.pushes.other() {
            text.push(' ');
            text.push_str(&term(self.pushes.axis.name(), other.name.as_deref()));
        }
        let filter = match Filter::parse(&text) {
            Ok(filter) => filter,
            Err(error) => {
                self.say(Tone::Warning, format!("No filter can be made of these names: {error}"));
                return;
            }
        };
        self.list.filter = Some((text, filter));
        self.list.shown = if count.alerts > 0 { Shown::Alerts } else { Shown::Suppressed };
        self.list.range = None;
        self.set_group(None);
        self.page = None;
        self.pane = Pane::Alerts;
        self.walk_to(Vec::new());
        let others = match (count.alerts, count.suppressed) {
            (0, _) => "None of these is an alert; Esc takes the filter away.".to_owned(),
            (_, 0) => "Esc takes the filter away.".to_owned(),
            (_, suppressed) => {
                format!("{suppressed} more of these are suppressed (x); Esc takes the filter away.")
            }
        };
        self.say(Tone::Info, others);
    }
}

/// A term of a filter that a name alone meets, or none at all.
fn term(field: &str, name: Option<&str>) -> String {
    match name {
        Some(name) => format!("{field}=\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")),
        None => format!("!{field}~\"(?s).\""),
    }
}
