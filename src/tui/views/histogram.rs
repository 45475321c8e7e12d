//! Alerts over time, by signal, in step with the list.
//!
//! ```text
//! ── Over time: 2026-03-10 08:00 to 17:45, 5 min a bar, most 4 ──
//!      ▄ █   ▄
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::detect::profile::Profile;
use crate::model::row::Signal;
use crate::model::time::Timestamp;
use crate::store::list::listing::Timeline;
use crate::tui::state::{App, Pane};
use crate::tui::theme::Token;
use crate::tui::widgets::line::rule;

/// Seconds that a bar may stand for, and how to say so.
const BAR_STEPS: [(i64, &str); 17] = [
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
const SIGNAL_ORDER: [Signal; 5] = [
    Signal::GitPushExternal,
    Signal::CodeRepoAPIUpload,
    Signal::NetworkConnectionToCodeRepo,
    ANY_LEAD,
    Signal::Unknown,
];
/// What stands for all leads, which have one colour.
const ANY_LEAD: Signal = Signal::GitPushSendPack;

/// Where a signal stands in [`SIGNAL_ORDER`].
fn place(signal: Signal) -> usize {
    let signal = if signal.is_lead() { ANY_LEAD } else { signal };
    SIGNAL_ORDER.iter().position(|other| *other == signal).unwrap_or(0)
}

/// Counts by time and signal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bars {
    start: i64,
    step: i64,
    counts: Vec<[u32; 5]>,
    /// Events before and after the time that the bars are for; they stand in the first and the last bar.
    outside: (usize, usize),
}

/// Seconds over which stray times are looked for: a broken clock must not squeeze the rest into one bar.
const LONG_SPAN_SECONDS: i64 = 100 * 86_400;

/// From when to when bars are for. All moments, except where a fifth of them makes the time twenty times as long.
fn bounds(newest_first: &[i64]) -> Option<(i64, i64)> {
    let all = newest_first.last().copied().zip(newest_first.first().copied());
    let (first, last) = all?;
    if last - first < LONG_SPAN_SECONDS {
        return all;
    }
    let at = |share: usize| newest_first.get((newest_first.len() - 1) * share / 100).copied();
    let (low, high) = (at(90)?, at(10)?);
    let margin = (high - low) / 4 + 3600;
    if (high - low + 2 * margin) * 20 > last - first {
        return all;
    }
    Some((first.max(low - margin), last.min(high + margin)))
}

impl Bars {
    /// Puts moments (seconds since 1970) into at most `width` bars.
    #[must_use]
    pub fn of(moments: &Timeline, width: usize) -> Self {
        let (Some((first, last)), Ok(bars)) = (bounds(moments.seconds()), i64::try_from(width.max(1))) else {
            return Self::default();
        };
        // One bar is lost to the rounding of the start.
        let narrowest = (last - first) / (bars - 1).max(1) + 1;
        let step =
            BAR_STEPS.iter().map(|(step, _)| *step).find(|step| *step >= narrowest).unwrap_or(narrowest);
        let start = first.div_euclid(step) * step;
        let length = usize::try_from((last - start) / step + 1).unwrap_or(1).min(width.max(1));
        let mut counts = vec![[0_u32; 5]; length];
        let mut outside = (0, 0);
        // They come by their times, so that whole stretches stand in one bar.
        let (mut bar, mut bar_start) = (0, i64::MAX);
        for (at, signal) in moments.iter() {
            if at < bar_start {
                bar = usize::try_from((at - start) / step).unwrap_or(0).min(length - 1);
                bar_start = i64::try_from(bar).map_or(i64::MIN, |bar| start + bar * step);
            }
            outside.0 += usize::from(at < first);
            outside.1 += usize::from(at > last);
            if let Some(count) = counts.get_mut(bar).and_then(|bar| bar.get_mut(place(signal))) {
                *count += 1;
            }
        }
        Self { start, step, counts, outside }
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
        // A bar at the end also stands for all beyond it.
        let start = if from == 0 && self.outside.0 > 0 { i64::MIN } else { at(from)? };
        let end = if to >= last && self.outside.1 > 0 { i64::MAX } else { at(to)? + self.step };
        Some((start, end))
    }

    /// What the bars are for, from the start of the first to the end of the last.
    fn shown(&self) -> Option<(i64, i64)> {
        let bars = i64::try_from(self.counts.len()).ok().filter(|bars| *bars > 0)?;
        Some((self.start, self.start + bars * self.step))
    }

    fn step_name(&self) -> String {
        BAR_STEPS
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
    let bars = app.bars(area.width);
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

/// `2026-03-10 08:00:00 to 08:25:00`; an end that is open is named so.
#[must_use]
pub fn range_text(from: i64, to: i64) -> String {
    let at = |seconds| Timestamp::from_unix(seconds, 0, 0);
    let day_and_time = |seconds| format!("{} {}", at(seconds).date_text(), at(seconds).clock_text());
    match (from, to) {
        (i64::MIN, i64::MAX) => "all times".to_owned(),
        (i64::MIN, to) => format!("before {}", day_and_time(to)),
        (from, i64::MAX) => format!("from {}", day_and_time(from)),
        (from, to) if at(from).date() == at(to).date() => {
            format!("{} to {}", day_and_time(from), at(to).clock_text())
        }
        (from, to) => format!("{} to {}", day_and_time(from), day_and_time(to)),
    }
}

/// The token of a signal's colour.
#[must_use]
pub const fn signal_token(signal: Signal) -> Token {
    match signal {
        Signal::GitPushExternal => Token::SignalPush,
        Signal::CodeRepoAPIUpload => Token::SignalApi,
        Signal::NetworkConnectionToCodeRepo => Token::SignalNet,
        Signal::Unknown => Token::SignalUnknown,
        _ => Token::SignalLead,
    }
}

/// The signal at a height of a bar.
fn signal_at(bar: &[u32; 5], total: u32, below: u64, height: u64) -> Option<Signal> {
    if height <= below {
        return None;
    }
    let mut sum = 0_u64;
    for (count, signal) in bar.iter().zip(SIGNAL_ORDER) {
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
    if let Some((from, to)) = bars.shown() {
        title.push((format!("{} to {}, {} a bar", at(from), at(to), bars.step_name()), style(Token::Muted)));
    }
    let (before, after) = bars.outside;
    if before + after > 0 {
        title.push((format!("{before} before, {after} after it"), style(Token::Warning)));
    }
    for signal in [Signal::GitPushExternal, Signal::CodeRepoAPIUpload, Signal::NetworkConnectionToCodeRepo] {
        title.push((signal.short_name().to_owned(), style(signal_token(signal))));
    }
    if app.list.profile == Profile::Hunt {
        title.push(("lead".to_owned(), style(Token::SignalLead)));
    }
    if focused {
        let bar = app.histogram.bar.min(bars.len().saturating_sub(1));
        let mark = app.histogram.mark.unwrap_or(bar);
        if let Some((from, to)) = bars.range(mark.min(bar), mark.max(bar)) {
            title.push((range_text(from, to), style(Token::Key)));
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
        let bars = Bars::of(&moments.into_iter().collect(), 20);
        assert_eq!((bars.start, bars.step, bars.len()), (3600, 300, 13));
        assert_eq!(bars.counts[0], [1, 1, 0, 0, 0]);
        assert_eq!(bars.range(0, 0), Some((3600, 3900)));
        assert_eq!(bars.range(12, 99), Some((7200, 7500)));
        assert_eq!(Bars::of(&Timeline::default(), 20).range(0, 0), None);
    }

    #[test]
    fn a_broken_clock_does_not_squeeze_the_rest_into_one_bar() {
        let mut moments: Vec<_> =
            (0..40).map(|minute| (1_773_130_000 + minute * 60, Signal::GitPushExternal)).collect();
        moments.push((910_000_000_000, Signal::GitPushExternal));
        moments.push((-11_644_473_600, Signal::GitPushExternal));
        let bars = Bars::of(&moments.into_iter().collect(), 100);
        assert!(bars.step <= 300, "{} s a bar", bars.step);
        assert_eq!(bars.outside, (1, 1));
        assert_eq!(bars.range(0, 0).map(|range| range.0), Some(i64::MIN));
        assert_eq!(bars.range(0, usize::MAX), Some((i64::MIN, i64::MAX)));
    }

    proptest! {
        #[test]
        fn no_moment_is_lost(times in proptest::collection::vec(-20_000_000_000_i64..910_000_000_000, 1..50), width in 1_usize..200) {
            let moments = times.iter().map(|at| (*at, Signal::Unknown)).collect();
            let bars = Bars::of(&moments, width);
            prop_assert!(bars.len() <= width);
            let counted: u32 = bars.counts.iter().flatten().sum();
            prop_assert_eq!(counted as usize, times.len());
        }
    }
}
