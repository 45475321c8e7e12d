//! The command line, and the wiring of everything else.

mod args;
mod baseline;
mod border;
mod clipboard;
mod console;
mod locale;
mod outputs;
mod rule;
mod scan;
mod settings;
mod signals;
mod tests;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use self::args::{Arguments, Command};
use self::border::{complain, complain_in_lines};
use crate::model::text::{self, nearest};

/// Usage error, or no input could be read.
const EXIT_USAGE: u8 = 2;

/// The text that is shown without a path.
const WAYS_IN: &str =
    "exfilscope looks for data that is carried out through code repositories, in Sysmon logs.

  exfilscope PATH...         the console on files and folders: .evtx, XML, JSON, CSV
  exfilscope --follow PATH.. the console on files that grow
  exfilscope --live          the console on this host's Sysmon channel (Windows)
  exfilscope scan PATH...    no screen: alerts to standard output
  exfilscope tests PATH...   the four tests, step by step: seen, detected, or why not
  exfilscope merge PATH...   the console on what scans of many hosts wrote
  exfilscope --help          all options
";

/// Runs the program on the process's own arguments.
#[must_use]
pub fn run() -> ExitCode {
    tell_of_panics();
    if locale::other_charset().is_some() {
        text::keep_to_ascii();
    }
    if let Some(message) = mistyped_command(std::env::args_os().skip(1)) {
        complain(&message);
        return ExitCode::from(EXIT_USAGE);
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return tell_of_usage(&error),
    };
    if arguments.reveals_secrets() {
        border::reveal_secrets();
    }
    let result = run_command(&arguments);
    ExitCode::from(result.unwrap_or_else(|message| {
        complain(&message);
        // The requested screen did not open: a user who started the program by a double-click reads why.
        if arguments.command.is_none() {
            keep_window_open();
        }
        EXIT_USAGE
    }))
}

fn run_command(arguments: &Arguments) -> Result<u8, String> {
    let is_live = arguments.live || (cfg!(windows) && arguments.paths.is_empty() && !arguments.local);
    match &arguments.command {
        Some(Command::Scan(scan)) => return scan::run(scan),
        Some(Command::Tests(options)) => return tests::run(options),
        Some(Command::Merge(merge)) => return console::run_merge(merge),
        Some(Command::Baseline(options)) => return baseline::run(options),
        Some(Command::Rule(command)) => return rule::run(command),
        None => {}
    }
    if let Some(message) = arguments.misplaced(is_live) {
        return Err(message);
    }
    let (case, common) = (&arguments.case, &arguments.common);
    if arguments.local {
        console::run(&[local_logs(&|name| std::env::var_os(name))?], case, common)
    } else if is_live {
        console::run_live(arguments.since, arguments.channel.as_deref(), case, common)
    } else if arguments.paths.is_empty() {
        let _ = write!(std::io::stderr(), "{WAYS_IN}");
        Ok(EXIT_USAGE)
    } else if arguments.follow {
        console::run_following(&arguments.paths, case, common)
    } else {
        console::run(&arguments.paths, case, common)
    }
}

/// Returns a hint on a first argument that is neither a path nor a command, but nearly one. Where files are waited for,
/// any name may be one.
fn mistyped_command(arguments: impl Iterator<Item = OsString>) -> Option<String> {
    let mut arguments = arguments.peekable();
    let first = arguments.peek()?.to_str()?.to_owned();
    let is_word = first.chars().all(|letter| letter.is_ascii_alphabetic());
    if !is_word || Path::new(&first).exists() || arguments.any(|argument| argument == "--follow") {
        return None;
    }
    let command = Arguments::command();
    let names = || command.get_subcommands().map(clap::Command::get_name).chain(["help"]);
    let meant = nearest(&first, names()).filter(|meant| *meant != first)?;
    Some(format!("there is no file, folder or command {first}: did you mean `exfilscope {meant}`?"))
}

/// Prints the fault of the command line, or the help that it asks for, and returns the exit status.
fn tell_of_usage(error: &clap::Error) -> ExitCode {
    let text = border::shown_usage(&error.render().to_string(), std::env::args_os());
    // A closed stream has no reader.
    let _ = if error.use_stderr() {
        std::io::stderr().write_all(text.as_bytes())
    } else {
        std::io::stdout().write_all(text.as_bytes())
    };
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(EXIT_USAGE))
}

/// Returns the folder where Windows keeps its logs.
fn local_logs(variable: &dyn Fn(&str) -> Option<OsString>) -> Result<PathBuf, String> {
    let root = variable("SystemRoot").filter(|root| !root.is_empty() && cfg!(windows));
    root.map(|root| PathBuf::from(root).join("System32").join("winevt").join("Logs"))
        .ok_or_else(|| "only Windows keeps its logs in files; name .evtx files or folders".to_owned())
}

/// Waits for Enter before a window closes that was opened for this program alone, so that its output can be read.
fn keep_window_open() {
    #[cfg(windows)]
    if crate::source::live::is_alone_in_console() {
        let _ = writeln!(std::io::stderr(), "Press Enter to close this window.");
        crate::tui::terminal::wait_for_enter();
    }
}

/// Reports a panic in a way that is safe for a terminal: its message may hold a piece of the data being read.
fn tell_of_panics() {
    std::panic::set_hook(Box::new(|panic| {
        complain_in_lines(&panic.to_string());
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            complain_in_lines(&trace.to_string());
        }
    }));
}
