//! Counts of alerts by time and signal, for the histogram.

use crate::model::row::Signal;
use crate::store::list::listing::Timeline;

/// Seconds that a bar may cover, and their name.
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
pub(in crate::tui) const SIGNAL_ORDER: [Signal; 5] = [
    Signal::GitPushExternal,
    Signal::CodeRepoAPIUpload,
    Signal::NetworkConnectionToCodeRepo,
    ANY_LEAD,
    Signal::Unknown,
];

/// Represents all leads, which have one colour.
const ANY_LEAD: Signal = Signal::GitPushSendPack;

/// Position of a signal in [`SIGNAL_ORDER`].
fn place(signal: Signal) -> usize {
    let signal = if signal.is_lead() { ANY_LEAD } else { signal };
    SIGNAL_ORDER.iter().position(|other| *other == signal).unwrap_or(0)
}

/// Counts by time and signal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bars {
    start: i64,
    step: i64,
    pub(in crate::tui) counts: Vec<[u32; 5]>,
    /// Events before and after the time that the bars are for; they are in the first and the last bar.
    pub(in crate::tui) outside: (usize, usize),
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
        // They are ordered by time, so that runs of them are in one bar.
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

    /// Whether it has no bar.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// From the start of one bar to the end of another, in seconds since 1970, the end exclusive.
    #[must_use]
    pub fn range(&self, from: usize, to: usize) -> Option<(i64, i64)> {
        let last = self.counts.len().checked_sub(1)?;
        let at = |bar: usize| i64::try_from(bar.min(last)).map(|bar| self.start + bar * self.step).ok();
        // A bar at the end also covers all times outside.
        let start = if from == 0 && self.outside.0 > 0 { i64::MIN } else { at(from)? };
        let end = if to >= last && self.outside.1 > 0 { i64::MAX } else { at(to)? + self.step };
        Some((start, end))
    }

    /// The time of the bars, from the start of the first to the end of the last.
    pub(in crate::tui) fn shown(&self) -> Option<(i64, i64)> {
        let bars = i64::try_from(self.counts.len()).ok().filter(|bars| *bars > 0)?;
        Some((self.start, self.start + bars * self.step))
    }

    pub(in crate::tui) fn step_name(&self) -> String {
        BAR_STEPS
            .iter()
            .find(|(step, _)| *step == self.step)
            .map_or_else(|| format!("{} days", self.step / 86_400), |(_, name)| (*name).to_owned())
    }

    pub(in crate::tui) fn most(&self) -> u32 {
        self.counts.iter().map(|bar| bar.iter().sum()).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bars_start_round_and_cover_all() {
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
    fn stray_times_do_not_squeeze_bars() {
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
        fn bars_count_every_time(times in proptest::collection::vec(-20_000_000_000_i64..910_000_000_000, 1..50), width in 1_usize..200) {
            let moments = times.iter().map(|at| (*at, Signal::Unknown)).collect();
            let bars = Bars::of(&moments, width);
            prop_assert!(bars.len() <= width);
            let counted: u32 = bars.counts.iter().flatten().sum();
            prop_assert_eq!(counted as usize, times.len());
        }
    }
}
