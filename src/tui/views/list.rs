//! The list: findings in order, or groups of them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::header::progress;
use super::histogram::signal_token;
use crate::detect::profile::Profile;
use crate::model::event::Field;
use crate::model::row::Signal;
use crate::model::text::image_name;
use crate::store::ids::FindingId;
use crate::store::list::listing::{Group, Line, Shown, SortKey};
use crate::store::view::FindingView;
use crate::tui::format::{count, grouped, range_text};
use crate::tui::safe;
use crate::tui::state::alarms::AlarmLine;
use crate::tui::state::triage::Mark;
use crate::tui::state::{App, Pane};
use crate::tui::theme::Token;
use crate::tui::widgets::line::{put, rule};

/// A column: what it is sorted by, its name, and its columns on the screen; 0 takes what is left.
type Column = (SortKey, &'static str, u16);

/// Columns of the score, its star and the verdict.
const RANK_WIDTH: u16 = 4;
/// Column of the verdict among them.
const VERDICT_OFFSET: u16 = 2;

const NARROW_COLUMNS: &[Column] = &[
    (SortKey::Rank, "S", RANK_WIDTH),
    (SortKey::Time, "Time", 15),
    (SortKey::Host, "Host", 14),
    (SortKey::Signal, "Signal", 9),
    (SortKey::Image, "Image", 12),
    (SortKey::CommandLine, "Command line", 0),
];
const MEDIUM_COLUMNS: &[Column] = &[
    (SortKey::Rank, "S", RANK_WIDTH),
    (SortKey::Time, "Time", 20),
    (SortKey::Host, "Host", 15),
    (SortKey::User, "User", 12),
    (SortKey::Signal, "Signal", 9),
    (SortKey::Image, "Image", 13),
    (SortKey::Destination, "Destination", 20),
    (SortKey::CommandLine, "Command line", 0),
];
const WIDE_COLUMNS: &[Column] = &[
    (SortKey::Rank, "S", RANK_WIDTH),
    (SortKey::Time, "Time", 24),
    (SortKey::Host, "Host", 24),
    (SortKey::User, "User", 20),
    (SortKey::Signal, "Signal", 28),
    (SortKey::Image, "Image", 14),
    (SortKey::Destination, "Destination", 34),
    (SortKey::Evidence, "Why it stands out", 28),
    (SortKey::CommandLine, "Command line", 0),
];

/// Where the reason of a suppression needs the room.
const NARROW_SUPPRESSED_COLUMNS: &[Column] = &[
    (SortKey::Rank, "S", RANK_WIDTH),
    (SortKey::Host, "Host", 14),
    (SortKey::Signal, "Signal", 9),
    (SortKey::CommandLine, "Command line", 0),
];

const MEDIUM_SUPPRESSED_COLUMNS: &[Column] = &[
    (SortKey::Rank, "S", RANK_WIDTH),
    (SortKey::Time, "Time", 20),
    (SortKey::Host, "Host", 15),
    (SortKey::Signal, "Signal", 9),
    (SortKey::Image, "Image", 13),
    (SortKey::CommandLine, "Command line", 0),
];

fn columns(width: u16, side: Shown) -> &'static [Column] {
    match width {
        0..=99 if side == Shown::Suppressed => NARROW_SUPPRESSED_COLUMNS,
        0..=99 => NARROW_COLUMNS,
        100..=159 if side == Shown::Suppressed => MEDIUM_SUPPRESSED_COLUMNS,
        100..=159 => MEDIUM_COLUMNS,
        _ => WIDE_COLUMNS,
    }
}

/// Draws the list.
pub fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let style = |token| app.theme.style(token);
    let focused = app.pane == Pane::Alerts && app.pattern_editor.is_none();
    let border = style(if focused { Token::BorderFocused } else { Token::Border });
    rule(buffer, area, area.y, &title(app), border, &app.glyphs);
    draw_names(app, area, buffer);
    let rows = app.panes.list_rows();
    for row in 0..rows {
        let number = app.top + usize::from(row);
        let Some(line) = app.line(number) else { break };
        let y = area.y + 2 + row;
        match line {
            Line::Group(group) => {
                let left = app.triage.left.get(group).copied();
                if let Some(group) = app.listing.groups.get(group) {
                    draw_group(app, area, y, group, left, buffer);
                }
            }
            Line::Finding(id) => draw_finding(app, area, y, id, buffer),
            Line::Alarm(number) => {
                if let Some(line) = app.alarms.lines().get(number) {
                    draw_alarm(app, area, y, line, buffer);
                }
            }
        }
        if number == app.cursor {
            select(buffer, Rect { x: area.x, y, width: area.width, height: 1 }, style(Token::Selection));
        }
    }
    if app.lines.is_empty() {
        let text =
            if app.listing.query.shown == Shown::Suppressed { "nothing was suppressed" } else { "no alerts" };
        put(
            buffer,
            area,
            (area.x + 3, area.y + 2, area.width),
            text,
            style(Token::Muted),
            app.glyphs.ellipsis,
        );
    }
}

/// Shows a row as selected; where that is by reversing it, its own colours would make patches.
fn select(buffer: &mut Buffer, row: Rect, style: Style) {
    if style.add_modifier.contains(Modifier::REVERSED) {
        buffer.set_style(row, Style::default().fg(Color::Reset).bg(Color::Reset));
    }
    buffer.set_style(row, style);
}

fn title(app: &App) -> Vec<(String, Style)> {
    let style = |token| app.theme.style(token);
    let name = if app.listing.query.shown == Shown::Suppressed { "Suppressed" } else { "Alerts" };
    let all = app.listing.total(app.listing.query.shown, app.list.min_score);
    let listed = app.listing.findings.len();
    let figure = if listed == all {
        grouped(count(all))
    } else {
        format!("{} of {}", grouped(count(listed)), grouped(count(all)))
    };
    let mut title = vec![(format!("{name} {figure}"), style(Token::Title))];
    let alarms = app.alarms.lines().len();
    if alarms > 0 {
        let noun = if alarms == 1 { "alarm" } else { "alarms" };
        title.push((format!("{alarms} {noun}"), style(Token::Error)));
    }
    if let Some(key) = app.listing.query.group {
        title.push((format!("{} groups by {}", app.listing.groups.len(), key.name()), style(Token::Muted)));
    }
    if let Some((text, _)) = app.list.filter.as_ref().filter(|_| app.prompt.is_none()) {
        title.push((format!("filter {}", safe::masked(text, app.reveal_secrets)), style(Token::Warning)));
    }
    if let Some((from, to)) = app.list.range {
        title.push((format!("range {}", range_text(from, to)), style(Token::Warning)));
    }
    if let Some((what, percent)) = app.list_progress() {
        title.push((format!("{what} {percent}%"), style(Token::Warning)));
    }
    if let Some(progress) = progress(app) {
        title.push((progress, style(Token::Warning)));
    }
    title
}

fn draw_names(app: &App, area: Rect, buffer: &mut Buffer) {
    let style = app.theme.style(Token::Header);
    if let Some(key) = app.listing.query.group {
        let width = group_key_width(area.width);
        put(buffer, area, (area.x + 2, area.y + 1, width), key.name(), style, app.glyphs.ellipsis);
        put(
            buffer,
            area,
            (area.x + 3 + width, area.y + 1, area.width),
            "  count by score       last seen",
            style,
            app.glyphs.ellipsis,
        );
        return;
    }
    let mut x = area.x;
    for (key, name, width) in columns(area.width, app.listing.query.shown) {
        let reason = *key == SortKey::CommandLine && app.listing.query.shown == Shown::Suppressed;
        let name = if reason { "Suppressed because" } else { name };
        let descending = matches!(key, SortKey::Rank | SortKey::Time) != app.list.reversed;
        let text = if *key != app.list.sort {
            name.to_owned()
        } else if descending {
            format!("{name}{}", app.glyphs.descending)
        } else {
            format!("{name}{}", app.glyphs.ascending)
        };
        let width = if *width == 0 { area.right().saturating_sub(x) } else { *width };
        put(buffer, area, (x, area.y + 1, width), &text, style, app.glyphs.ellipsis);
        if *key == SortKey::Rank {
            put(buffer, area, (x + VERDICT_OFFSET, area.y + 1, 1), "V", style, "");
        }
        x = x.saturating_add(width);
    }
}

/// `left` is how many of it are undecided, once anything was decided.
/// From here on a date has its year, and there are more columns.
const YEARS_WIDTH: u16 = 100;

/// Columns of a group's text; narrow ones leave room for the figures and for when it was last seen.
const fn group_key_width(width: u16) -> u16 {
    if width < YEARS_WIDTH {
        width.saturating_sub(51)
    } else if width > 120 {
        60
    } else {
        width / 2
    }
}

/// `03-10` of `2026-03-10`; a year may have five digits.
fn without_year(date: &str) -> &str {
    date.get(date.len().saturating_sub(5)..).unwrap_or(date)
}

fn draw_group(app: &App, area: Rect, y: u16, group: &Group, left: Option<usize>, buffer: &mut Buffer) {
    let style = |token| app.theme.style(token);
    let open = app.list.open.contains(&group.key);
    let arrow = if open { app.glyphs.open } else { app.glyphs.closed };
    let last = group.last_seen.map_or_else(String::new, |time| {
        let date = time.date_text();
        let date = if area.width < YEARS_WIDTH { without_year(&date) } else { &date };
        format!("{date} {}", time.clock_text())
    });
    let [zero, one, two, three] = group.by_score;
    let key_width = group_key_width(area.width);
    let mut x = area.x;
    let mut write = |text: &str, width: u16, token| {
        put(buffer, area, (x, y, width), text, style(token), app.glyphs.ellipsis);
        x = x.saturating_add(width + 1);
    };
    write(arrow, 1, Token::Key);
    write(&safe::masked(&group.key, app.reveal_secrets), key_width, Token::Text);
    write(&format!("{:>7}", grouped(count(group.count))), 7, Token::Text);
    if app.listing.query.shown == Shown::Alerts {
        write(&format!("3:{three}"), 7, Token::Score3);
        write(&format!("2:{two}"), 7, Token::Score2);
    } else {
        write(&format!("1:{one}"), 7, Token::Score1);
        write(&format!("0:{zero}"), 7, Token::Score0);
    }
    match left {
        Some(0) => write("done", 9, Token::Ok),
        Some(left) => write(&format!("{} left", grouped(count(left))), 9, Token::Warning),
        None => {}
    }
    write(&last, area.width, Token::Muted);
}

/// Draws `!  2026-11-24 10:00:00  WS-1  CHANNEL TURNED OFF  Microsoft-Windows-Sysmon/Operational`.
fn draw_alarm(app: &App, area: Rect, y: u16, line: &AlarmLine, buffer: &mut Buffer) {
    let style = app.theme.style(Token::Error);
    let alarm = &line.alarm;
    let date = alarm.noticed.date_text();
    let date = if area.width < YEARS_WIDTH { without_year(&date) } else { &date };
    let shown = |text: &str| safe::masked(text, app.reveal_secrets);
    let times = if line.times > 1 { format!(", {} times", line.times) } else { String::new() };
    let text = format!(
        "{date} {}  {}  {}{times}  {}",
        alarm.noticed.clock_text(),
        shown(&alarm.host),
        alarm.kind.name().to_uppercase(),
        shown(&alarm.channel)
    );
    put(buffer, area, (area.x, y, RANK_WIDTH), "!", style, "");
    let x = area.x + RANK_WIDTH;
    put(buffer, area, (x, y, area.right().saturating_sub(x)), &text, style, app.glyphs.ellipsis);
}

fn draw_finding(app: &App, area: Rect, y: u16, id: FindingId, buffer: &mut Buffer) {
    let flags = app.shown_flags();
    let Some(view) = app.store.view(id, app.listing.query.profile, flags) else { return };
    let breadth = match area.width {
        0..=99 => Breadth::Narrow,
        100..=159 => Breadth::Medium,
        _ => Breadth::Wide,
    };
    let mut x = area.x;
    for (key, _, width) in columns(area.width, app.listing.query.shown) {
        let last = *width == 0;
        let width = if last { area.right().saturating_sub(x) } else { *width };
        let (text, token) = cell(app, &view, *key, breadth);
        let text = match (last, text) {
            (true, text) if app.scroll_right > 0 && !text.is_empty() => skip_columns(&text, app.scroll_right),
            (_, text) => text,
        };
        let room = if last { width } else { width.saturating_sub(1) };
        put(buffer, area, (x, y, room), &text, app.theme.style(token), app.glyphs.ellipsis);
        if *key == SortKey::Rank {
            let mark = app.triage.mark(id);
            let is_seen = mark == Mark::default() && app.is_seen_before(view.event());
            let (letter, token) = if is_seen { ("s", Token::Muted) } else { mark.letter() };
            put(buffer, area, (x + VERDICT_OFFSET, y, 1), letter, app.theme.style(token), "");
        }
        x = x.saturating_add(width);
    }
}

/// A text without its first columns.
fn skip_columns(text: &str, columns: usize) -> String {
    let mut skipped = 0;
    text.chars()
        .skip_while(|c| {
            let skip = skipped < columns;
            skipped += crate::model::text::width(c.encode_utf8(&mut [0; 4]));
            skip
        })
        .collect()
}

fn cell(app: &App, view: &FindingView<'_>, key: SortKey, breadth: Breadth) -> (String, Token) {
    let (wide, medium) = (breadth == Breadth::Wide, breadth == Breadth::Medium);
    let shown = |text: Option<&str>| {
        text.map_or_else(|| "-".to_owned(), |text| safe::masked(text, app.reveal_secrets))
    };
    let joined = |field| if view.joined_from(field).is_some() { Token::Joined } else { Token::Text };
    match key {
        SortKey::Rank => {
            let score = view.score();
            let mark = if profiles_differ(app, view) { "*" } else { "" };
            let token = match score {
                3 => Token::Score3,
                2 => Token::Score2,
                1 => Token::Score1,
                _ => Token::Score0,
            };
            (format!("{score}{mark}"), token)
        }
        SortKey::Time => {
            let text = match view.time() {
                None => "(no time)".to_owned(),
                Some(time) if wide => format!("{} {}", time.date_text(), time.clock_millis_text()),
                Some(time) if medium => format!("{} {}", time.date_text(), time.clock_text()),
                Some(time) => {
                    let date = time.date_text();
                    format!("{} {}", without_year(&date), time.clock_text())
                }
            };
            (text, Token::Text)
        }
        SortKey::Evidence => (evidence_words(app, view), Token::Text),
        SortKey::Host => (host_cell(shown(view.host()), wide), Token::Text),
        SortKey::User => {
            let user = view.text(Field::User);
            let name = if wide { user } else { user.map(|user| user.rsplit('\\').next().unwrap_or(user)) };
            (shown(name), Token::Text)
        }
        SortKey::Signal => {
            let signal = view.signal();
            let name = if wide { signal.name() } else { signal.short_name() };
            (name.to_owned(), signal_token(signal))
        }
        SortKey::Image => (shown(view.text(Field::Image).map(image_name)), Token::Text),
        SortKey::Destination => (shown(view.destination().as_deref()), joined(Field::DestinationHostname)),
        SortKey::CommandLine if app.listing.query.shown == Shown::Suppressed => {
            (suppression(app, view), Token::Text)
        }
        SortKey::CommandLine => (shown(view.text(Field::CommandLine)), joined(Field::CommandLine)),
    }
}

/// The words of an activity's evidence, the telling items first.
fn evidence_words(app: &App, view: &FindingView<'_>) -> String {
    let activity = app.store.activities_of(app.list.profile).and_then(|table| table.of(view.id()));
    let words = activity.map(|activity| {
        let words = activity.evidence.iter().map(|hit| hit.item.row().words);
        words.collect::<Vec<_>>().join(", ")
    });
    words.filter(|words| !words.is_empty()).unwrap_or_else(|| "-".to_owned())
}

/// How much a column can say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Breadth {
    Narrow,
    Medium,
    Wide,
}

/// A host's first label where the whole name has no room; an address is no name.
fn host_cell(host: String, wide: bool) -> String {
    let is_name = host.chars().any(|c| c.is_ascii_alphabetic());
    match host.split_once('.') {
        Some((label, _)) if !wide && is_name && !label.is_empty() => label.to_owned(),
        _ => host,
    }
}

/// Whether the other profile says something else of a finding.
fn profiles_differ(app: &App, view: &FindingView<'_>) -> bool {
    let flags = app.shown_flags();
    let verdict =
        |profile| (view.finding().signal(profile), app.store.score_of(view.finding(), profile, flags));
    verdict(Profile::Spl) != verdict(Profile::Correlated)
}

/// Why a finding is no alert, in a few words.
fn suppression(app: &App, view: &FindingView<'_>) -> String {
    let patterns = app.shown_flags().patterns();
    let part = |text: Option<&str>, pattern: &crate::detect::pattern::Pattern| {
        let text = text.unwrap_or("");
        let matched = pattern.find(text).and_then(|range| text.get(range)).unwrap_or("");
        (safe::masked(matched, app.reveal_secrets), safe::masked(image_name(text), app.reveal_secrets))
    };
    if let Some(exception) = view.exception() {
        let named = format!("exception {}: {}", exception.name, exception.reason);
        return safe::masked(&named, app.reveal_secrets);
    }
    if view.signal() == Signal::Unknown {
        return "Signal knows no branch for it (Unknown)".to_owned();
    }
    if view.is_ci_system() {
        let (matched, host) = part(view.host(), &patterns.ci_host);
        return format!("CI pattern matched \"{matched}\" in {host}");
    }
    let lead = view.finding().hunt.map(|hunt| hunt.lead);
    if view.is_known_ide() && lead.is_none_or(|lead| lead.yields_to_ide) {
        let (matched, parent) = part(view.text(Field::ParentImage), &patterns.ide_parent);
        return format!("IDE pattern matched \"{matched}\" in parent {parent}");
    }
    match lead.and_then(|lead| lead.branch.split_once(": ")) {
        Some((_, reason)) => reason.to_owned(),
        None => format!("score {} is under {}", view.score(), app.list.min_score),
    }
}

#[cfg(test)]
mod tests {
    use super::without_year;

    #[test]
    fn short_date_drops_year_only() {
        for (date, expected) in [("2026-03-10", "03-10"), ("30828-09-14", "09-14"), ("1601-01-01", "01-01")] {
            assert_eq!(without_year(date), expected);
        }
    }
}
