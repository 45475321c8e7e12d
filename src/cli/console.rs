//! The console on files and folders.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;

use super::args::{CaseOption, Common, Merge};
use super::clipboard;
use super::outputs::{self, Reads};
use super::settings::{Resolved, analyst, case_file, today};
use crate::case::CaseFile;
use crate::config::{self, Keeper};
use crate::model::fault::{BugIn, Fault, FaultKind};
use crate::model::feed::{FeedMessage, Progress, RawEvents, SOURCE_THREAD};
use crate::model::guard::guarded;
use crate::model::time::Timestamp;
use crate::source::live::{self, LiveEvents, LiveOptions, LiveStatus, SYSMON_CHANNEL};
use crate::source::{Events, FollowStatus, Inputs, LoadOptions, follow, load_inputs, load_rows};
use crate::store::Collect;
use crate::tui::effects::Services;
use crate::tui::run;
use crate::tui::state::{App, Settings, SourceState};
use crate::tui::terminal;
use crate::tui::theme::{ColorSupport, Theme};
use crate::walk;

/// Batches that wait between the readers and the console.
const QUEUE: usize = 64;
/// The default theme: the terminal's own sixteen colours.
const DEFAULT_THEME: &str = "ansi";

/// Runs the console on files and folders, until it is left; returns the exit status.
pub(super) fn run(paths: &[PathBuf], case: &CaseOption, common: &Common) -> Result<u8, String> {
    check_terminal()?;
    let resolved = Resolved::new(common)?;
    let progress = Arc::new(Progress::default());
    let (sender, receiver) = mpsc::channel(QUEUE);
    let options = LoadOptions { threads: resolved.threads };
    let reads = Reads::Logs(paths);
    let (title, paths, for_load) = (title(paths), paths.to_vec(), Arc::clone(&progress));
    let inputs = Inputs { format: resolved.input_format, telemetry: true, ..Inputs::default() };
    read_on_a_thread(sender, move |sink| load_inputs(&paths, inputs, &options, &for_load, sink))?;
    show(&resolved, case, reads, title, progress, receiver, None, Arc::new(Events))?;
    Ok(0)
}

/// Runs the console on rows that scans wrote, until it is left; returns the exit status.
pub(super) fn run_merge(merge: &Merge) -> Result<u8, String> {
    let Merge { paths, case, .. } = merge;
    let paths = paths.as_slice();
    check_terminal()?;
    let resolved = Resolved::new(&merge.common())?;
    let progress = Arc::new(Progress::default());
    let (sender, receiver) = mpsc::channel(QUEUE);
    let reads = Reads::Rows(paths);
    let (title, paths, for_load) = (title(paths), paths.to_vec(), Arc::clone(&progress));
    read_on_a_thread(sender, move |sink| load_rows(&paths, &for_load, sink))?;
    show(&resolved, case, reads, title, progress, receiver, None, Arc::new(Events))?;
    Ok(0)
}

/// Runs the console on files that grow, until it is left; returns the exit status.
pub(super) fn run_following(paths: &[PathBuf], case: &CaseOption, common: &Common) -> Result<u8, String> {
    check_terminal()?;
    let resolved = Resolved::new(common)?;
    let progress = Arc::new(Progress::default());
    let status = Arc::new(FollowStatus::default());
    let (sender, receiver) = mpsc::channel(QUEUE);
    let reads = Reads::Growing(paths);
    let (title, paths, format) = (title(paths), paths.to_vec(), resolved.input_format);
    let (for_readers, its_status) = (Arc::clone(&progress), Arc::clone(&status));
    read_on_a_thread(sender, move |sink| follow(&paths, format, &for_readers, &its_status, sink))?;
    let state = move || status.sentence();
    show(&resolved, case, reads, title, progress, receiver, Some(Box::new(state)), Arc::new(Events))?;
    Ok(0)
}

/// Runs the console on a channel of this host, until it is left; returns the exit status.
pub(super) fn run_live(
    since: Option<Duration>,
    channel: Option<&str>,
    case: &CaseOption,
    common: &Common,
) -> Result<u8, String> {
    let host = std::env::var("COMPUTERNAME").unwrap_or_default();
    let since = since.map(|span| ago(span, SystemTime::now()));
    let channels = LiveOptions::of_host(&host, channel, since, config::state_folder().as_deref());
    let title = channel.unwrap_or(SYSMON_CHANNEL).to_owned();
    let (live, stop) = live::open(channels)?;
    check_terminal()?;
    let resolved = Resolved::new(common)?;
    let progress = Arc::new(Progress::default());
    let statuses = live.statuses();
    let (sender, receiver) = mpsc::channel(QUEUE);
    let for_live = Arc::clone(&progress);
    let reader = read_on_a_thread(sender, move |sink| live.run(&for_live, sink))?;
    let state = move || live_state(&statuses);
    let result = show(
        &resolved,
        case,
        Reads::Channel,
        title,
        progress,
        receiver,
        Some(Box::new(state)),
        Arc::new(LiveEvents),
    );
    stop();
    // It writes its offsets in the logs; a panic of it was caught and named.
    let _ = reader.join();
    result.map(|()| 0)
}

/// Returns the state of the channels in a few words: of the first one all of it, of the others the faults.
fn live_state(channels: &[(String, Arc<LiveStatus>)]) -> String {
    let Some(((_, status), others)) = channels.split_first() else { return String::new() };
    let is_broken = |status: &LiveStatus| status.is_broken.load(Ordering::Relaxed);
    let mut parts = vec![if is_broken(status) {
        "live: connecting again".to_owned()
    } else if status.is_caught_up.load(Ordering::Relaxed) {
        "live".to_owned()
    } else {
        "live: reading the past".to_owned()
    }];
    parts.extend(status.alarm().map(|alarm| format!("! {}", alarm.to_uppercase())));
    for (channel, other) in others {
        let name = channel.trim_start_matches("Microsoft-Windows-");
        parts.extend(other.alarm().map(|alarm| format!("! {name}: {}", alarm.to_uppercase())));
        parts.extend(is_broken(other).then(|| format!("! {name}: CONNECTING AGAIN")));
    }
    let latest = status.latest.load(Ordering::Relaxed);
    if latest != 0 {
        let age = unix_seconds(SystemTime::now()).saturating_sub(latest).max(0);
        parts.push(format!("last event {}", age_text(age)));
    }
    parts.extend(status.last_stop.get().cloned());
    parts.join("\n")
}

/// How long ago something was, with one unit: it is read at a glance.
fn age_text(seconds: i64) -> String {
    match seconds {
        0..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

fn unix_seconds(now: SystemTime) -> i64 {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Returns the moment that is a given span before now.
fn ago(span: Duration, now: SystemTime) -> Timestamp {
    let span = i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_unix(unix_seconds(now).saturating_sub(span).max(0), 0, 0)
}

fn check_terminal() -> Result<(), String> {
    if !io::stdout().is_terminal() {
        return Err("the console needs a terminal; `exfilscope scan` writes the alerts to a file or a pipe"
            .to_owned());
    }
    if std::env::var("TERM").is_ok_and(|name| name == "dumb") {
        return Err(
            "TERM is dumb: such a terminal can't show the console; `exfilscope scan` needs none".to_owned()
        );
    }
    terminal::complaint().map_or(Ok(()), |sentence| Err(sentence.to_owned()))
}

/// Niceness added to reading: the screen goes first where all cores are busy, and so do the others of this host.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Lets others go first. It holds for this thread, and for those that it will start.
fn stand_back() {
    // Elsewhere it would hold for the screen too.
    #[cfg(target_os = "linux")]
    // Where it is not allowed, reading is as urgent as all else.
    let _ = rustix::process::nice(NICENESS);
}

/// Reads on a thread of its own. If the reading fails as a whole, the events read until then stay, and that is
/// reported.
fn read_on_a_thread(
    sender: mpsc::Sender<FeedMessage>,
    read: impl FnOnce(&(dyn Fn(FeedMessage) -> bool + Sync)) + Send + 'static,
) -> Result<JoinHandle<()>, String> {
    let work = move || {
        stand_back();
        let sink = |message| sender.blocking_send(message).is_ok();
        if guarded(|| read(&sink)).is_none() {
            let fault = Fault::new("all that is not read yet".to_owned(), FaultKind::Bug(BugIn::Reading));
            let _ = sink(FeedMessage::Fault(fault));
            let _ = sink(FeedMessage::Finished);
        }
    };
    std::thread::Builder::new()
        .name(SOURCE_THREAD.to_owned())
        .spawn(work)
        .map_err(|error| format!("no thread could be started to read: {error}"))
}

#[allow(clippy::too_many_arguments, reason = "each kind of source has its own")]
fn show(
    resolved: &Resolved,
    case: &CaseOption,
    reads: Reads<'_>,
    title: String,
    progress: Arc<Progress>,
    feed: mpsc::Receiver<FeedMessage>,
    endless: Option<SourceState>,
    raw_events: Arc<dyn RawEvents>,
) -> Result<(), String> {
    let folder = config::folder();
    let tests = walk::file::load(&resolved.config.tests).map_err(|error| error.to_string())?;
    let themes = folder.clone();
    let colors = colors();
    let load_theme =
        move |name: &str| Theme::load(name, themes.as_deref(), colors).map_err(|error| error.to_string());
    let outputs = outputs::of_console(reads, case.case.as_deref(), resolved);
    let case = case_file(case.case.as_deref(), &resolved.config);
    let own_files = outputs::of_own_files(reads, resolved);
    let kept = [
        ("case file", case.as_ref().map(CaseFile::path)),
        ("configuration", resolved.config.path.as_deref()),
    ];
    for (what, path) in kept {
        if let Some((path, reason)) = path.and_then(|path| Some((path, own_files.refusal(path)?))) {
            return Err(format!("{} can't be the {what}: {reason}", path.display()));
        }
    }
    let theme_name = resolved.theme.clone().unwrap_or_else(|| DEFAULT_THEME.to_owned());
    let settings = Settings {
        mouse: resolved.mouse,
        profile: resolved.profile,
        min_score: resolved.min_score,
        patterns: resolved.patterns.clone(),
        saved: resolved.saved.clone(),
        exceptions: resolved.exceptions.clone(),
        expired: resolved.expired.clone(),
        theme: load_theme(&theme_name)?,
        theme_name,
        theme_names: Theme::names(folder.as_deref()),
        ascii: resolved.ascii,
        reveal_secrets: resolved.reveal_secrets,
        title,
        endless,
        case: case.as_ref().map(|case| case.path().display().to_string()),
        keeper: resolved.keeper(),
    };
    let store = resolved.store(Collect::Everything);
    let world = Services {
        raw_events,
        theme: Box::new(load_theme),
        keeper: Keeper::new(&resolved.config, today).with_outputs(own_files),
        case,
        outputs: Arc::new(outputs),
        analyst: analyst(),
        copy: Box::new(clipboard::copy),
    };
    let mut app = App::new(store, settings, progress);
    app.set_tests(tests, true);
    run::run(app, feed, world)
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

/// Returns the name of the sources: the only path's name, or the count of paths.
fn title(paths: &[PathBuf]) -> String {
    match paths {
        [only] => only.file_name().unwrap_or(Path::as_os_str(only)).to_string_lossy().into_owned(),
        several => format!("{} paths", several.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_state_says_one_thing_a_line() {
        let status = Arc::new(LiveStatus::default());
        let other = Arc::new(LiveStatus::default());
        let channels =
            [("Sysmon".to_owned(), Arc::clone(&status)), ("Security".to_owned(), Arc::clone(&other))];
        assert_eq!(live_state(&channels), "live: reading the past");
        status.is_caught_up.store(true, Ordering::Relaxed);
        status.latest.store(unix_seconds(SystemTime::now()) - 7200, Ordering::Relaxed);
        let _ = status.last_stop.set("the last console stopped at record 9, ?".to_owned());
        other.is_broken.store(true, Ordering::Relaxed);
        assert_eq!(
            live_state(&channels),
            "live\n! Security: CONNECTING AGAIN\nlast event 2 h ago\nthe last console stopped at record 9, ?"
        );
        let ages = [0, 59, 60, 3599, 3600, 172_800].map(age_text);
        assert_eq!(ages, ["0 s ago", "59 s ago", "1 min ago", "59 min ago", "1 h ago", "2 days ago"]);
    }
}
