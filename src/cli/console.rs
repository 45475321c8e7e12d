//! The console on files and folders.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::args::Common;
use super::clipboard;
use super::settings::{Resolved, pattern_saver};
use crate::config;
use crate::model::feed::{Progress, SOURCE_THREAD};
use crate::source::{EvtxEvents, LoadOptions, load};
use crate::store::Retention;
use crate::tui::app::{App, Settings};
use crate::tui::run::{self, World};
use crate::tui::theme::{ColorSupport, Theme};

/// Batches that wait between the readers and the console.
const QUEUE: usize = 64;
/// The theme where none is asked for: the terminal's own sixteen colours.
const DEFAULT_THEME: &str = "ansi";

/// Runs the console until it is left, and says the exit status.
pub(super) fn run(paths: &[PathBuf], common: &Common) -> Result<u8, String> {
    if !io::stdout().is_terminal() {
        return Err("the console needs a terminal; `exfilscope scan` writes the alerts to a file or a pipe"
            .to_owned());
    }
    if std::env::var("TERM").is_ok_and(|name| name == "dumb") {
        return Err(
            "TERM is dumb: such a terminal can't show the console; `exfilscope scan` needs none".to_owned()
        );
    }
    let resolved = Resolved::new(common)?;
    let progress = Arc::new(Progress::default());
    let (sender, receiver) = mpsc::channel(QUEUE);
    let (paths, options) = (paths.to_vec(), LoadOptions { threads: resolved.threads });
    let title = title(&paths);
    let for_load = Arc::clone(&progress);
    std::thread::Builder::new()
        .name(SOURCE_THREAD.to_owned())
        .spawn(move || {
            load(&paths, &options, &for_load, &|message| sender.blocking_send(message).is_ok());
        })
        .map_err(|error| format!("no thread could be started to read: {error}"))?;
    let folder = config::folder();
    let themes = folder.clone();
    let colors = colors();
    let load_theme =
        move |name: &str| Theme::load(name, themes.as_deref(), colors).map_err(|error| error.to_string());
    let theme_name = resolved.theme.clone().unwrap_or_else(|| DEFAULT_THEME.to_owned());
    let settings = Settings {
        mouse: resolved.mouse,
        profile: resolved.profile,
        min_score: resolved.min_score,
        patterns: resolved.patterns.clone(),
        saved: resolved.saved.clone(),
        theme: load_theme(&theme_name)?,
        theme_name,
        theme_names: Theme::names(folder.as_deref()),
        ascii: resolved.ascii,
        reveal_secrets: resolved.reveal_secrets,
        title,
    };
    let store = resolved.store(Retention::Everything);
    let world = World {
        raw_events: Arc::new(EvtxEvents),
        theme: Box::new(load_theme),
        save_patterns: Box::new(pattern_saver(resolved.config.clone())),
        copy: Box::new(clipboard::copy),
    };
    run::run(App::new(store, settings, progress), receiver, world)?;
    Ok(0)
}

/// The colours that the environment promises.
fn colors() -> ColorSupport {
    let variable = |name| std::env::var(name).ok();
    ColorSupport::from_environment(
        variable("NO_COLOR").as_deref(),
        variable("COLORTERM").as_deref(),
        variable("TERM").as_deref(),
    )
}

/// What is read, in a word: the only path's name, or how many there are.
fn title(paths: &[PathBuf]) -> String {
    match paths {
        [only] => only.file_name().unwrap_or(Path::as_os_str(only)).to_string_lossy().into_owned(),
        several => format!("{} paths", several.len()),
    }
}
