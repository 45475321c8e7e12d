//! The command line, and the wiring of everything else.

mod args;
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
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use self::args::{Arguments, Command};
use crate::model::text::{self, visible};

/// Usage, or nothing could be read at all.
const EXIT_USAGE: u8 = 2;

/// What is shown where no path was given.
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
    let arguments = Arguments::parse();
    let result = match &arguments.command {
        Some(Command::Scan(scan)) => scan::run(scan),
        Some(Command::Tests(options)) => tests::run(options),
        Some(Command::Merge(merge)) => console::run_merge(&merge.paths, &merge.case, &merge.common),
        Some(Command::Rule(command)) => rule::run(command),
        None if arguments.live || (cfg!(windows) && arguments.paths.is_empty()) => console::run_live(
            arguments.since,
            arguments.channel.as_deref(),
            &arguments.case,
            &arguments.common,
        ),
        None if arguments.paths.is_empty() => {
            let _ = write!(std::io::stderr(), "{WAYS_IN}");
            Ok(EXIT_USAGE)
        }
        None if arguments.follow => {
            console::run_following(&arguments.paths, &arguments.case, &arguments.common)
        }
        None => console::run(&arguments.paths, &arguments.case, &arguments.common),
    };
    ExitCode::from(result.unwrap_or_else(|message| {
        complain(&message);
        EXIT_USAGE
    }))
}

/// Has a panic told in a way that is safe for a terminal: its message may hold a piece of whatever was being read.
fn tell_of_panics() {
    std::panic::set_hook(Box::new(|panic| {
        complain(&panic.to_string());
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            complain(&trace.to_string());
        }
    }));
}

/// Says a sentence on standard error, safe for a terminal.
fn complain(message: &str) {
    for line in message.lines() {
        // Where standard error is closed there is nobody to tell.
        let _ = writeln!(std::io::stderr(), "exfilscope: {}", visible(line));
    }
}
