//! Alerts over time, by signal, in step with the list.
//!
//! ```text
//! ── Over time: 2026-03-10 08:00 to 17:45, 5 min a bar, most 4 ──
//!      ▄ █   ▄
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::row::Signal;
use crate::model::time::Timestamp;
use crate::tui::app::{App, Pane};
use crate::tui::theme::Token;
use crate::tui::widgets::line::rule;

/// Seconds that a bar may stand for, and how to say so.
const STEPS: [(i64, &str); 17] = [
    (1, "1 s"),
    (2, "2 s"),
    (5, "5 s"),
    (10, "10 s"),
    (15, "15 s"),
    (30, "30 s"),
    (60, "1 min"),
    (120, "2 min"),
    (300, "5 min"),
    (600, "10 min"),
    (900, "15 min"),
    (1800, "30 min"),
    (3600, "1 h"),
    (10_800, "3 h"),
    (21_600, "6 h"),
    (86_400, "1 day"),
    (604_800, "7 days"),
];

/// The signals of a bar, from its foot up.
const ORDER: [Signal; 4] = [
    Signal::GitPushExternal,
    Signal::CodeRepoAPIUpload,
    Signal::NetworkConnectionToCodeRepo,
    Signal::Unknown,
];

/// Counts by time and signal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bars {
    start: i64,
    step: i64,
    counts: Vec<[u32; 4]>,
}

impl Bars {
    /// Puts moments (seconds since 1970) into at most `width` bars.
    #[must_use]
    pub fn of(moments: &[(i64, Signal)], width: usize) -> Self {
        let bounds = moments.iter().fold(None, |bounds: Option<(i64, i64)>, (at, _)| {
            Some(bounds.map_or((*at, *at), |(first, last)| (first.min(*at), last.max(*at))))
        });
        let (Some((first, last)), Ok(bars)) = (bounds, i64::try_from(width.max(1))) else {
            return Self::default();
        };
        // One bar is lost to the rounding of the start.
        let least = (last - first) / (bars - 1).max(1) + 1;
        let step = STEPS.iter().map(|(step, _)| *step).find(|step| *step >= least).unwrap_or(least);
        let start = first.div_euclid(step) * step;
        let length = usize::try_from((last - start) / step + 1).unwrap_or(1).min(width.max(1));
        let mut counts = vec![[0_u32; 4]; length];
        for (at, signal) in moments {
            let bar = usize::try_from((at - start) / step).unwrap_or(0).min(length - 1);
            let slot = ORDER.iter().position(|other| other == signal).unwrap_or(0);
            if let Some(count) = counts.get_mut(bar).and_then(|bar| bar.get_mut(slot)) {
                *count += 1;
            }
        }
        Self { start, step, counts }
    }

    /// How many bars there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// From the start of one bar to the end of another, in seconds since 1970, the end exclusive.
    #[must_use]
    pub fn range(&self, from: usize, to: usize) -> Option<(i64, i64)> {
        let last = self.counts.len().checked_sub(1)?;
        let at = |bar: usize| i64::try_from(bar.min(last)).map(|bar| self.start + bar * self.step).ok();
        Some((at(from)?, at(to)? + self.step))
    }

    fn step_name(&self) -> String {
        STEPS
            .iter()
            .find(|(step, _)| *step == self.step)
            .map_or_else(|| format!("{} days", self.step / 86_400), |(_, name)| (*name).to_owned())
    }

    fn most(&self) -> u32 {
        self.counts.iter().map(|bar| bar.iter().sum()).max().unwrap_or(0)
    }
}

/// Draws the histogram.
pub fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let bars = Bars::of(&app.listing.moments, usize::from(area.width));
    let focused = app.pane == Pane::Histogram;
    let style = |token| app.theme.style(token);
    let title = title(app, &bars, focused);
    let border = style(if focused { Token::BorderFocused } else { Token::Border });
    rule(buffer, area, area.y, &title, border, &app.glyphs);
    let rows = area.height.saturating_sub(1);
    let units = u32::from(rows) * 2;
    let most = bars.most().max(1);
    let marked = focused.then(|| {
        let bar = app.histogram.bar.min(bars.len().saturating_sub(1));
        let mark = app.histogram.mark.unwrap_or(bar);
        mark.min(bar)..=mark.max(bar)
    });
    for (number, bar) in bars.counts.iter().enumerate() {
        let total: u32 = bar.iter().sum();
        // The least bar is still seen.
        let height =
            if total == 0 { 0 } else { (u64::from(total) * u64::from(units)).div_ceil(u64::from(most)) };
        let Ok(x) = u16::try_from(number) else { break };
        for row in 0..rows {
            let below = u64::from(rows - 1 - row) * 2;
            let full = height.saturating_sub(below).min(2);
            let symbol = app.glyphs.bars.get(usize::try_from(full).unwrap_or(0)).copied().unwrap_or(" ");
            let colour = signal_at(bar, total, below, height);
            let Some(cell) = buffer.cell_mut((area.x + x, area.y + 1 + row)) else { continue };
            cell.set_symbol(symbol)
                .set_style(colour.map_or_else(Style::default, |signal| style(signal_token(signal))));
            if marked.as_ref().is_some_and(|marked| marked.contains(&number)) {
                cell.set_style(style(Token::Selection));
            }
        }
    }
}

/// The token of a signal's colour.
#[must_use]
pub const fn signal_token(signal: Signal) -> Token {
    match signal {
        Signal::GitPushExternal => Token::SignalPush,
        Signal::CodeRepoAPIUpload => Token::SignalApi,
        Signal::NetworkConnectionToCodeRepo => Token::SignalNet,
        Signal::Unknown => Token::Muted,
    }
}

/// The signal at a height of a bar.
fn signal_at(bar: &[u32; 4], total: u32, below: u64, height: u64) -> Option<Signal> {
    if height <= below {
        return None;
    }
    let mut sum = 0_u64;
    for (count, signal) in bar.iter().zip(ORDER) {
        sum += u64::from(*count);
        if sum * height > below * u64::from(total) {
            return Some(signal);
        }
    }
    None
}

fn title(app: &App, bars: &Bars, focused: bool) -> Vec<(String, Style)> {
    let style = |token| app.theme.style(token);
    let mut title = vec![("Over time".to_owned(), style(Token::Title))];
    let at = |seconds| {
        let time = Timestamp::from_unix(seconds, 0, 0);
        format!("{} {}", time.date_text(), time.clock_text())
    };
    if let Some((from, to)) = bars.range(0, usize::MAX) {
        title.push((format!("{} to {}, {} a bar", at(from), at(to), bars.step_name()), style(Token::Muted)));
    }
    for signal in [Signal::GitPushExternal, Signal::CodeRepoAPIUpload, Signal::NetworkConnectionToCodeRepo] {
        title.push((signal.short_name().to_owned(), style(signal_token(signal))));
    }
    if focused {
        let bar = app.histogram.bar.min(bars.len().saturating_sub(1));
        let mark = app.histogram.mark.unwrap_or(bar);
        if let Some((from, to)) = bars.range(mark.min(bar), mark.max(bar)) {
            let (from, to) = (Timestamp::from_unix(from, 0, 0), Timestamp::from_unix(to, 0, 0));
            title.push((format!("{} to {}", from.clock_text(), to.clock_text()), style(Token::Key)));
        }
    }
    title
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bars_begin_at_round_times_and_cover_all() {
        let moments = [
            (3605, Signal::GitPushExternal),
            (3700, Signal::CodeRepoAPIUpload),
            (7300, Signal::GitPushExternal),
        ];
        let bars = Bars::of(&moments, 20);
        assert_eq!((bars.start, bars.step, bars.len()), (3600, 300, 13));
        assert_eq!(bars.counts[0], [1, 1, 0, 0]);
        assert_eq!(bars.range(0, 0), Some((3600, 3900)));
        assert_eq!(bars.range(12, 99), Some((7200, 7500)));
        assert_eq!(Bars::of(&[], 20).range(0, 0), None);
    }

    proptest! {
        #[test]
        fn no_moment_is_lost(times in proptest::collection::vec(-20_000_000_000_i64..910_000_000_000, 1..50), width in 1_usize..200) {
            let moments: Vec<_> = times.iter().map(|at| (*at, Signal::Unknown)).collect();
            let bars = Bars::of(&moments, width);
            prop_assert!(bars.len() <= width);
            let counted: u32 = bars.counts.iter().flatten().sum();
            prop_assert_eq!(counted as usize, times.len());
        }
    }
}
