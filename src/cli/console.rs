//! The console on files and folders.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::args::Common;
use super::clipboard;
use super::settings::{Resolved, pattern_saver};
use crate::model::feed::Progress;
use crate::source::{EvtxEvents, LoadOptions, load};
use crate::store::Retention;
use crate::tui::app::{App, Settings};
use crate::tui::run::{self, World};

/// Batches that wait between the readers and the console.
const QUEUE: usize = 64;

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
    std::thread::spawn(move || {
        load(&paths, &options, &for_load, &|message| sender.blocking_send(message).is_ok());
    });
    let settings = Settings {
        profile: resolved.profile,
        min_score: resolved.min_score,
        patterns: resolved.patterns.clone(),
        saved: resolved.saved.clone(),
        theme: crate::tui::theme::Theme,
        theme_name: "ansi".to_owned(),
        theme_names: vec!["ansi".to_owned()],
        ascii: resolved.ascii,
        reveal_secrets: resolved.reveal_secrets,
        title,
    };
    let store = resolved.store(Retention::Everything);
    let world = World {
        raw_events: Arc::new(EvtxEvents),
        theme: Box::new(|_| Err("no".to_owned())),
        save_patterns: Box::new(pattern_saver(resolved.config.clone())),
        copy: Box::new(clipboard::copy),
    };
    run::run(App::new(store, settings, progress), receiver, world)?;
    Ok(0)
}

/// What is read, in a word: the only path's name, or how many there are.
fn title(paths: &[PathBuf]) -> String {
    match paths {
        [only] => only.file_name().unwrap_or(Path::as_os_str(only)).to_string_lossy().into_owned(),
        several => format!("{} paths", several.len()),
    }
}
