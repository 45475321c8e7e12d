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
use crate::tui::format::range_text;
use crate::tui::state::histogram::{Bars, SIGNAL_ORDER};
use crate::tui::state::{App, Pane};
use crate::tui::theme::Token;
use crate::tui::widgets::line::rule;

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
