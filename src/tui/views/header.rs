//! The first line: what is read, how far, what was found, what is hidden and why, what was lost.

use std::sync::atomic::Ordering;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::detect::ALERT_SCORE;
use crate::model::fault::{Severity, SkipReason};
use crate::model::text;
use crate::model::verdict::Verdict;
use crate::store::compaction::Retention;
use crate::store::coverage::Impact;
use crate::store::list::listing::Shown;
use crate::tui::format::{age, count, grouped, size};
use crate::tui::safe;
use crate::tui::state::App;
use crate::tui::state::triage::Mark;
use crate::tui::theme::Token;
use crate::tui::widgets::line::put;

/// From this width on the header has room for longer words.
const WIDE_WIDTH: u16 = 100;

/// A piece of the header; of those that do not fit together the less important ones are left out.
struct Segment {
    importance: u8,
    pieces: Vec<(String, Style)>,
}

/// Draws the header.
pub fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let style = |token| app.theme.style(token);
    buffer.set_style(area, style(Token::Text));
    let mut segments = segments(app);
    let width =
        |segment: &Segment| 2 + segment.pieces.iter().map(|(text, _)| text::width(text)).sum::<usize>();
    while segments.iter().map(width).sum::<usize>() > usize::from(area.width) + 2 && segments.len() > 1 {
        let least =
            segments.iter().enumerate().min_by_key(|(_, segment)| segment.importance).map_or(0, |(at, _)| at);
        segments.remove(least);
    }
    let mut x = area.x;
    for segment in segments {
        for (piece, piece_style) in segment.pieces {
            let room = area.right().saturating_sub(x);
            x += put(
                buffer,
                area,
                (x, area.y, room),
                &piece,
                style(Token::Text).patch(piece_style),
                app.glyphs.ellipsis,
            );
        }
        x = x.saturating_add(2);
    }
}

fn segments(app: &App) -> Vec<Segment> {
    let style = |token| app.theme.style(token);
    let one = |importance, text: String, token| Segment { importance, pieces: vec![(text, style(token))] };
    let mut segments = vec![one(9, "exfilscope".to_owned(), Token::Title)];
    segments.push(one(3, safe::masked(&app.title, app.reveal_secrets), Token::Text));
    if app.load.is_held {
        segments.push(one(9, format!("reading stopped{}", percent(app)), Token::Warning));
    } else if let Some(state) = app.endless.as_ref().filter(|_| !app.load.finished) {
        let mut importances = [8, 8, 7].into_iter();
        for part in state().lines() {
            segments.push(if let Some(alarm) = part.strip_prefix("! ") {
                one(9, safe::masked(alarm, app.reveal_secrets), Token::Error)
            } else {
                let importance = importances.next().unwrap_or(2);
                one(importance, safe::masked(part, app.reveal_secrets), Token::Ok)
            });
        }
    } else if !app.load.finished {
        segments.push(one(8, format!("reading{}", percent(app)), Token::Warning));
    } else if app.load.stopped {
        segments.push(one(8, "stopped early".to_owned(), Token::Warning));
    }
    if let Some(frozen) = app.frozen {
        let news = match frozen.new_alerts {
            0 => "frozen".to_owned(),
            1 => "frozen, 1 new alert".to_owned(),
            more => format!("frozen, {} new alerts", grouped(count(more))),
        };
        segments.push(one(9, news, Token::Warning));
    }
    for writing in &app.writing {
        let what = if app.area.width < WIDE_WIDTH { String::new() } else { format!(" {}", writing.what) };
        let text = format!("writing{what}{}", writing.percent());
        segments.push(one(9, safe::visible(&text), Token::Warning));
    }
    let tally = app.store.tally();
    segments.push(one(6, format!("{} events", grouped(tally.sysmon)), Token::Text));
    segments.extend(retention(app).map(|bounds| one(7, bounds, Token::Muted)));
    let duplicates = tally.skipped.get(&SkipReason::Duplicate).copied().unwrap_or(0);
    let not_sysmon = tally.skipped.get(&SkipReason::OtherProvider).copied().unwrap_or(0);
    let others = tally.skipped.values().sum::<u64>() - duplicates - not_sysmon;
    if duplicates > 0 {
        segments.push(one(2, format!("{} duplicates", grouped(duplicates)), Token::Muted));
    }
    if not_sysmon > 0 {
        let noun = if app.area.width < WIDE_WIDTH { "" } else { " records" };
        segments.push(one(1, format!("{} non-Sysmon{noun}", grouped(not_sysmon)), Token::Muted));
    }
    if others > 0 {
        segments.push(one(1, format!("{} skipped records", grouped(others)), Token::Muted));
    }
    let scores = [(3_usize, Token::Score3), (2, Token::Score2)]
        .into_iter()
        .map(|(score, token)| {
            (
                format!("{score}:{} ", grouped(count(app.listing.by_score.get(score).copied().unwrap_or(0)))),
                style(token),
            )
        })
        .chain([(format!("profile {}", app.list.profile.name()), style(Token::Text))])
        .collect();
    segments.push(Segment { importance: 10, pieces: scores });
    let suppressed = app.listing.total(Shown::Suppressed, app.list.min_score);
    if suppressed > 0 {
        segments.push(one(5, format!("{} suppressed", grouped(count(suppressed))), Token::Muted));
    }
    if !app.triage.book.is_empty() {
        segments.push(verdicts(app));
    }
    if app.list.min_score != ALERT_SCORE {
        segments.push(one(5, format!("from score {}", app.list.min_score), Token::Warning));
    }
    for (hidden, by) in [(app.listing.hidden_by_filter, "filter"), (app.listing.hidden_by_range, "range")] {
        if hidden > 0 {
            segments.push(one(7, format!("{by} hides {}", grouped(count(hidden))), Token::Warning));
        }
    }
    if app.workbench.as_ref().is_some_and(|workbench| !workbench.is_shown()) {
        segments.push(one(8, "patterns being tried".to_owned(), Token::Warning));
    } else if app.is_unsaved() {
        // Unsaved patterns stay named, however narrow the screen is.
        let text = if app.area.width < WIDE_WIDTH { "not saved" } else { "patterns not saved" };
        segments.push(one(10, text.to_owned(), Token::Warning));
    }
    if !app.expired.is_empty() {
        let noun = if app.expired.len() == 1 { "exception" } else { "exceptions" };
        segments.push(one(4, format!("{} {noun} expired", app.expired.len()), Token::Warning));
    }
    let blind = app.notes.iter().filter(|note| note.impact == Impact::BlindSpot).count();
    if blind > 0 {
        let noun = if blind == 1 { "blind spot" } else { "blind spots" };
        segments.push(one(4, format!("{blind} {noun}"), Token::Warning));
    }
    let errors = app.store.faults().iter().filter(|fault| fault.severity != Severity::Notice).count();
    if errors > 0 {
        let noun = if errors == 1 { "read error" } else { "read errors" };
        segments.push(one(8, format!("{} {noun}", grouped(count(errors))), Token::Error));
    }
    segments
}

/// `M 1  b 4  u 0  5 left`.
fn verdicts(app: &App) -> Segment {
    let counts = app.triage.counts;
    let left = counts.last().copied().unwrap_or(0);
    let pieces = Verdict::ALL
        .into_iter()
        .zip(counts)
        .filter(|(verdict, _)| *verdict != Verdict::Undecided)
        .map(|(verdict, number)| {
            let (letter, token) = Mark { verdict, has_note: false }.letter();
            (format!("{letter}:{} ", grouped(count(number))), app.theme.style(token))
        })
        .chain([(format!("{} left", grouped(count(left))), app.theme.style(Token::Text))])
        .collect();
    Segment { importance: 7, pieces }
}

/// Returns how much is read, with a space before it; nothing for a source without an end.
fn percent(app: &App) -> String {
    if app.endless.is_some() {
        return String::new();
    }
    let (found, done) =
        (app.progress.bytes_found.load(Ordering::Relaxed), app.progress.bytes_done.load(Ordering::Relaxed));
    (done * 100).checked_div(found).map_or_else(String::new, |percent| format!(" {}%", percent.min(100)))
}

/// Progress in words, for the rule over the list; `None` when there is nothing to wait for.
#[must_use]
pub fn progress(app: &App) -> Option<String> {
    if !app.load.is_going_on() || app.endless.is_some() {
        return None;
    }
    let figure = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let progress = &app.progress;
    let (files, all_files) = (figure(&progress.files_done), figure(&progress.files_found));
    let (bytes, all_bytes) = (figure(&progress.bytes_done), figure(&progress.bytes_found));
    let mut text = format!("{files} of {all_files} files, {} of {}", size(bytes), size(all_bytes));
    let millis = u64::try_from(app.load.elapsed.as_millis()).unwrap_or(u64::MAX);
    if let Some(rate) = (figure(&progress.records_done) * 1000).checked_div(millis) {
        text = format!("{text}, {} events/s", grouped(rate));
    }
    if let Some(left) = (millis.saturating_mul(all_bytes.saturating_sub(bytes))).checked_div(bytes) {
        text = format!("{text}, {} s left", left.div_ceil(1000));
    }
    text.push_str("; :stop");
    Some(text)
}

/// Returns what is kept of a source without an end, and how much was evicted, for the header. "Left" is only what
/// is still to be decided.
fn retention(app: &App) -> Option<String> {
    let keep = match app.keeper.as_ref()?.retention() {
        Retention::Events(events) => format!("retention {} events", grouped(events as u64)),
        Retention::Bytes(bytes) => format!("retention {}", size(bytes as u64)),
        Retention::Age(limit) => format!("retention {}", age(limit.as_secs())),
    };
    Some(match app.store.evicted() {
        0 => keep,
        gone => format!("{keep}, {} evicted", grouped(gone)),
    })
}
