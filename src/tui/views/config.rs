//! Pages of the configuration file: the save preview, a new exception, and the snapshots.
//!
//! ```text
//! /home/a/.config/exfilscope/exfilscope.toml
//!   [patterns]
//! - ci-host = '(?i)(jenkins|ci[-_])'
//! + ci-host = '(?i)(jenkins|\bci[-_])'
//! ```

use ratatui::text::Line;

use crate::config::{DiffLine, Plan, Snapshot};
use crate::detect::exception::Exception;
use crate::model::event::Field;
use crate::model::time::Timestamp;
use crate::store::ids::FindingId;
use crate::tui::format::{count, grouped};
use crate::tui::safe;
use crate::tui::state::App;
use crate::tui::theme::Token;
use crate::tui::widgets::wrap::{Piece, wrap};
use crate::tune::Which;

/// Alerts that an exception takes out and that are listed.
const MAX_TAKEN: usize = 500;
/// Lines that one line of a file may take.
const MAX_LINES: usize = 20;

/// The difference, and over what.
pub(in crate::tui) fn plan_lines(app: &App, plan: &Plan) -> Vec<Line<'static>> {
    let width = usize::from(app.area.width);
    let mut lines = Vec::new();
    let mut add = |sign: &str, text: &str, token| {
        let text = safe::masked(&format!("{sign} {text}"), app.reveal_secrets);
        lines.extend(wrap(&[Piece::new(text, app.theme.style(token))], width, 2, MAX_LINES));
    };
    add("", &plan.path.to_string_lossy(), Token::Header);
    if plan.changed_meanwhile {
        let text = "The file was changed outside since it was read. That stays, except for these lines:";
        add("", text, Token::Warning);
    }
    for line in &plan.diff {
        match line {
            DiffLine::Same(text) => add(" ", text, Token::Muted),
            DiffLine::Out(text) => add("-", text, Token::Error),
            DiffLine::In(text) => add("+", text, Token::Ok),
            DiffLine::Gap => add(" ", app.glyphs.ellipsis, Token::Muted),
        }
    }
    lines
}

/// An exception as the configuration would have it, and the alerts that it takes out.
pub(in crate::tui) fn exception_lines(
    app: &App,
    exception: &Exception,
    taken: &[FindingId],
) -> Vec<Line<'static>> {
    let width = usize::from(app.area.width);
    let mut lines = Vec::new();
    let mut add = |text: &str, token| {
        let text = safe::masked(text, app.reveal_secrets);
        lines.extend(wrap(&[Piece::new(text, app.theme.style(token))], width, 4, MAX_LINES));
    };
    add(&format!("{}: {}", exception.name, exception.reason), Token::Title);
    for (field, pattern) in &exception.terms {
        add(&format!("  {:<13}{}", field.key(), pattern.text()), Token::Text);
    }
    let count = grouped(count(taken.len()));
    let noun = if taken.len() == 1 { "alert" } else { "alerts" };
    add(&format!("Suppresses {count} {noun}, and similar ones from now on:"), Token::Header);
    for id in taken.iter().take(MAX_TAKEN) {
        let Some(view) = app.store.view(*id, app.list.profile, &app.flags) else { continue };
        let what = view.text(Field::CommandLine).map(str::to_owned).or_else(|| view.destination());
        let time = view
            .time()
            .map_or_else(String::new, |time| format!("{} {}", time.date_text(), time.clock_text()));
        add(
            &format!(
                "- {}  {time}  {}  {}",
                view.score(),
                view.signal().short_name(),
                what.unwrap_or_default()
            ),
            Token::Warning,
        );
    }
    lines
}

/// Each snapshot with what it says otherwise than what is in force.
pub(in crate::tui) fn snapshot_lines(
    app: &App,
    snapshots: &[Result<Snapshot, String>],
) -> Vec<Line<'static>> {
    let width = usize::from(app.area.width);
    let mut lines = Vec::new();
    let mut add = |text: &str, indent: usize, token| {
        let text = format!("{}{}", " ".repeat(indent), safe::masked(text, app.reveal_secrets));
        lines.extend(wrap(&[Piece::new(text, app.theme.style(token))], width, indent + 2, MAX_LINES));
    };
    if snapshots.is_empty() {
        add("No snapshots yet: `:snapshot NAME` saves the patterns in force under a name.", 0, Token::Muted);
    }
    for snapshot in snapshots {
        let snapshot = match snapshot {
            Ok(snapshot) => snapshot,
            Err(message) => {
                add(message, 0, Token::Error);
                continue;
            }
        };
        let taken = snapshot.taken.map_or_else(String::new, |seconds| {
            let time = Timestamp::from_unix(seconds, 0, 0);
            format!("  of {} {} UTC", time.date_text(), time.clock_text())
        });
        add(&format!("{}{taken}", snapshot.name), 0, Token::Title);
        for which in [Which::CiHost, Which::IdeParent] {
            let pattern = which.of(&snapshot.patterns);
            if pattern == which.of(app.flags.patterns()) {
                add(&format!("{}: as in force", which.name()), 2, Token::Muted);
            } else {
                add(&format!("{}: {}", which.name(), pattern.text()), 2, Token::Text);
            }
        }
    }
    lines
}
