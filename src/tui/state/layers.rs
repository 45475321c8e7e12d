//! The layers over the panes, and the narrowings of the list: one order each, for keys, Esc and the key bar.

use crate::store::list::listing::Shown;
use crate::tui::keys::Context;
use crate::tui::state::workbench::Workbench;
use crate::tui::state::{App, Page, Pane};

/// A layer over the panes. The topmost open one has the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// A question before something that can't be taken back.
    Question,
    /// The line at the bottom, while it is typed in.
    Prompt,
    /// A page.
    Page,
    /// The menu of verdicts.
    VerdictMenu,
    /// The editor of a pattern.
    PatternEditor,
    /// The workbench, while it is on the screen.
    Workbench,
}

impl Layer {
    /// All layers, the topmost first. A new layer gets its place here, and nowhere else.
    pub const ORDER: [Self; 6] =
        [Self::Question, Self::Prompt, Self::Page, Self::VerdictMenu, Self::PatternEditor, Self::Workbench];
}

/// A narrowing of the panes that Esc takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Narrowing {
    /// The list shows an alert of the workbench.
    Workbench,
    /// A range of the histogram is being marked.
    MarkedRange,
    Freeze,
    Zoom,
    /// The detail shows an ancestor of the alert's process.
    Ancestor,
    TimeRange,
    Filter,
    Group,
    Suppressed,
    /// Another pane than the list has the keys.
    Pane,
}

impl Narrowing {
    /// All narrowings, in the order in which Esc takes them away.
    pub const ORDER: [Self; 10] = [
        Self::Workbench,
        Self::MarkedRange,
        Self::Freeze,
        Self::Zoom,
        Self::Ancestor,
        Self::TimeRange,
        Self::Filter,
        Self::Group,
        Self::Suppressed,
        Self::Pane,
    ];
}

impl App {
    fn is_open(&self, layer: Layer) -> bool {
        match layer {
            Layer::Question => self.question.is_some(),
            Layer::Prompt => self.prompt.is_some(),
            Layer::Page => self.page.is_some(),
            Layer::VerdictMenu => self.verdict_menu,
            Layer::PatternEditor => self.pattern_editor.is_some(),
            Layer::Workbench => self.shows_workbench(),
        }
    }

    /// Returns the layer that has the keys; `None` where the panes have them.
    #[must_use]
    pub fn top_layer(&self) -> Option<Layer> {
        Layer::ORDER.into_iter().find(|layer| self.is_open(*layer))
    }

    /// Returns where the keys go.
    #[must_use]
    pub fn context(&self) -> Context {
        match self.top_layer() {
            Some(Layer::Question) => Context::Question,
            Some(Layer::Prompt) => Context::Prompt,
            Some(Layer::Page) => match self.page {
                Some(Page::Tests) => Context::TestRuns,
                Some(Page::Pushes) => Context::Pushes,
                _ => Context::Page,
            },
            Some(Layer::VerdictMenu) => Context::Verdict,
            Some(Layer::PatternEditor) => Context::PatternEditor,
            Some(Layer::Workbench) => {
                let is_typing = self.workbench.as_ref().is_some_and(Workbench::is_typing);
                if is_typing { Context::WorkbenchText } else { Context::WorkbenchList }
            }
            None => match self.pane {
                Pane::Alerts => Context::Alerts,
                Pane::Histogram => Context::Histogram,
                Pane::Detail => Context::Detail,
            },
        }
    }

    fn is_narrowed_by(&self, narrowing: Narrowing) -> bool {
        match narrowing {
            Narrowing::Workbench => self.workbench.is_some(),
            Narrowing::MarkedRange => self.histogram.mark.is_some(),
            Narrowing::Freeze => self.frozen.is_some(),
            Narrowing::Zoom => self.zoomed,
            Narrowing::Ancestor => !self.walked().is_empty(),
            Narrowing::TimeRange => self.list.range.is_some(),
            Narrowing::Filter => self.list.filter.is_some(),
            Narrowing::Group => self.list.group.is_some(),
            Narrowing::Suppressed => self.list.shown == Shown::Suppressed,
            Narrowing::Pane => self.pane != Pane::Alerts,
        }
    }

    /// Returns the narrowing that Esc takes away next.
    #[must_use]
    pub fn narrowing(&self) -> Option<Narrowing> {
        Narrowing::ORDER.into_iter().find(|narrowing| self.is_narrowed_by(*narrowing))
    }
}
