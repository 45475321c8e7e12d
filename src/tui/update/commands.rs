//! The `:` commands: one table for running, completing and listing them.

use std::path::PathBuf;

use crate::detect::profile::Profile;
use crate::export::Format;
use crate::files::policy::Existing;
use crate::filter::Filter;
use crate::store::list::listing::{GroupKey, Shown, SortKey};
use crate::store::push_matrix::Axis;
use crate::tui::keys::{Action, Context};
use crate::tui::state::effect::Effect;
use crate::tui::state::effect::Scope;
use crate::tui::state::{App, Page, Tone};

/// A command of the table.
pub struct Command {
    /// Its name.
    pub name: &'static str,
    /// Its arguments, for the help.
    pub arguments: &'static str,
    /// Its effect, for the help.
    pub help: &'static str,
    run: fn(&mut App, &str) -> Result<Vec<Effect>, String>,
    complete: fn(&App) -> Vec<String>,
}

const SORT_NAMES: [(&str, SortKey); 9] = [
    ("score", SortKey::Rank),
    ("evidence", SortKey::Evidence),
    ("time", SortKey::Time),
    ("host", SortKey::Host),
    ("user", SortKey::User),
    ("signal", SortKey::Signal),
    ("image", SortKey::Image),
    ("destination", SortKey::Destination),
    ("command", SortKey::CommandLine),
];

fn nothing(_: &App) -> Vec<String> {
    Vec::new()
}

/// All commands, by name.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "coverage",
        arguments: "",
        help: "log coverage",
        run: |app, _| {
            app.open_page(Page::Coverage);
            Ok(Vec::new())
        },
        complete: nothing,
    },
    Command {
        name: "export",
        arguments: "FORMAT [selected] FILE",
        help: "write the list, or the selected alert or group, to a file: ndjson, json, csv, markdown, sarif, table",
        run: |app, arguments| export(app, arguments, Existing::Refuse),
        complete: |_| format_names(),
    },
    Command {
        name: "filter",
        arguments: "FILTER",
        help: "filter the list, as with /; without a filter: show all",
        run: |app, arguments| {
            app.list.filter = match arguments {
                "" => None,
                text => Some((text.to_owned(), Filter::parse(text).map_err(|error| error.message)?)),
            };
            app.invalidate();
            Ok(Vec::new())
        },
        complete: nothing,
    },
    Command {
        name: "group",
        arguments: "host|user|parent|repository|signal|none",
        help: "group the list",
        run: |app, arguments| {
            let group = match arguments {
                "none" | "" => None,
                name => Some(
                    GroupKey::ALL
                        .into_iter()
                        .find(|key| key.name() == name)
                        .ok_or_else(|| unknown("column to group by", name, &group_names()))?,
                ),
            };
            app.set_group(group);
            Ok(Vec::new())
        },
        complete: |_| group_names(),
    },
    Command {
        name: "help",
        arguments: "",
        help: "the keys, the commands and the filter language",
        run: |app, _| {
            app.open_page(Page::Help);
            Ok(Vec::new())
        },
        complete: nothing,
    },
    Command {
        name: "losses",
        arguments: "",
        help: "read errors",
        run: |app, _| Ok(app.act(Context::Alerts, Action::ReadErrors)),
        complete: nothing,
    },
    Command {
        name: "profile",
        arguments: "spl|correlated|hunt",
        help: "how the search is read",
        run: |app, arguments| {
            let profile = Profile::from_name(arguments)
                .ok_or_else(|| unknown("profile", arguments, &Profile::ALL.map(Profile::name)))?;
            app.set_profile(profile);
            Ok(Vec::new())
        },
        complete: |_| Profile::ALL.iter().map(|profile| profile.name().to_owned()).collect(),
    },
    Command {
        name: "pushes",
        arguments: "host|user",
        help: "who pushes where: repositories' owners by host or user",
        run: |app, arguments| {
            match arguments {
                "" => {}
                "host" => app.pushes.axis = Axis::Host,
                "user" => app.pushes.axis = Axis::User,
                other => {
                    return Err(unknown("axis", other, &["host", "user"]));
                }
            }
            app.open_pushes();
            Ok(Vec::new())
        },
        complete: |_| vec!["host".to_owned(), "user".to_owned()],
    },
    Command { name: "quit", arguments: "", help: "quit", run: |app, _| Ok(app.quit()), complete: nothing },
    Command {
        name: "report",
        arguments: "selected|list FILE",
        help: "write a report for the ticket; .html makes a page, all else Markdown; without a file, a new one here",
        run: |app, arguments| report(app, arguments, Existing::Refuse),
        complete: |_| ["selected ", "list "].map(str::to_owned).to_vec(),
    },
    Command {
        name: "restore",
        arguments: "NAME",
        help: "put the patterns of a snapshot in force; u undoes",
        run: |app, arguments| match arguments {
            "" => Err(format!("restore takes a snapshot's name. Available: {}.", names(&app.snapshot_names))),
            name => Ok(vec![Effect::RestoreSnapshot(name.to_owned())]),
        },
        complete: |app| app.snapshot_names.clone(),
    },
    Command {
        name: "resume",
        arguments: "",
        help: "go on reading after :stop",
        run: |app, _| {
            app.resume()?;
            Ok(Vec::new())
        },
        complete: nothing,
    },
    Command {
        name: "screenshot",
        arguments: "FILE",
        help: "write the screen to a file: .svg for a picture, anything else for text",
        run: |app, arguments| screenshot(app, arguments, Existing::Refuse),
        complete: nothing,
    },
    Command {
        name: "snapshot",
        arguments: "NAME",
        help: "save both patterns under a name, next to the configuration",
        run: |app, arguments| match arguments {
            "" => Err("snapshot takes a name, such as before-audit.".to_owned()),
            name => Ok(vec![Effect::TakeSnapshot(name.to_owned(), app.flags.patterns().clone())]),
        },
        complete: nothing,
    },
    Command {
        name: "snapshots",
        arguments: "",
        help: "the snapshots, and how they differ from what is in force",
        run: |_, _| Ok(vec![Effect::ListSnapshots]),
        complete: nothing,
    },
    Command {
        name: "sort",
        arguments: "COLUMN",
        help: "sort by score, time, host, user, signal, image, destination or command",
        run: |app, arguments| {
            let (_, key) = SORT_NAMES
                .into_iter()
                .find(|(name, _)| *name == arguments)
                .ok_or_else(|| unknown("column", arguments, &sort_names()))?;
            app.list.sort = key;
            app.list.reversed = false;
            app.invalidate();
            Ok(Vec::new())
        },
        complete: |_| sort_names(),
    },
    Command {
        name: "stop",
        arguments: "",
        help: "stop reading, after a question; what was read stays, and :resume goes on",
        run: |app, _| {
            app.ask_to_stop()?;
            Ok(Vec::new())
        },
        complete: nothing,
    },
    Command {
        name: "suppressed",
        arguments: "",
        help: "selected events that scored too low",
        run: |app, _| {
            app.list.shown = Shown::Suppressed;
            app.invalidate();
            Ok(Vec::new())
        },
        complete: nothing,
    },
    Command {
        name: "tests",
        arguments: "",
        help: "the tests, step by step",
        run: |app, _| {
            app.open_page(Page::Tests);
            Ok(Vec::new())
        },
        complete: nothing,
    },
    Command {
        name: "theme",
        arguments: "NAME",
        help: "another theme",
        run: |app, arguments| {
            if app.theme_names.iter().any(|name| name == arguments) {
                return Ok(vec![Effect::Theme(arguments.to_owned())]);
            }
            Err(unknown("theme", arguments, &app.theme_names))
        },
        complete: |app| app.theme_names.clone(),
    },
    Command {
        name: "tune",
        arguments: "",
        help: "the workbench: both patterns, what they match and change, and advice",
        run: |app, _| {
            if !app.shows_workbench() {
                app.open_workbench();
            }
            Ok(Vec::new())
        },
        complete: nothing,
    },
    Command {
        name: "undo",
        arguments: "",
        help: "undo the last change of a pattern",
        run: |app, _| Ok(app.act(Context::Alerts, Action::UndoPattern)),
        complete: nothing,
    },
    Command {
        name: "write",
        arguments: "",
        help: "write both patterns and the exceptions into the configuration",
        run: |app, _| Ok(app.act(Context::Alerts, Action::SavePatterns)),
        complete: nothing,
    },
];

type Run = fn(&mut App, &str, Existing) -> Result<Vec<Effect>, String>;

/// Commands that write a file: with a `!` after the name, another file may go for it.
const WRITERS: [(&str, Run); 3] = [("export", export), ("report", report), ("screenshot", screenshot)];

fn export(app: &mut App, arguments: &str, existing: Existing) -> Result<Vec<Effect>, String> {
    let (format, path) = arguments.split_once(' ').ok_or("export takes a format and a file.")?;
    let format = Format::ALL
        .into_iter()
        .find(|known| known.name() == format)
        .ok_or_else(|| unknown("format", format, &format_names()))?;
    let (scope, path) = match path.trim().strip_prefix("selected ") {
        Some(path) => (Scope::Selected(app.pinned()?), path),
        None => (Scope::List, path),
    };
    Ok(vec![Effect::Export { format, path: PathBuf::from(path.trim()), existing, scope }])
}

fn report(app: &mut App, arguments: &str, existing: Existing) -> Result<Vec<Effect>, String> {
    let (word, rest) = arguments.split_once(' ').unwrap_or((arguments, ""));
    let (scope, file) = match word {
        "selected" => (Scope::Selected(app.pinned()?), rest),
        "list" => (Scope::List, rest),
        _ => (Scope::List, arguments),
    };
    let path = Some(file.trim()).filter(|file| !file.is_empty()).map(PathBuf::from);
    Ok(vec![Effect::Report { scope, path, existing }])
}

fn screenshot(_: &mut App, arguments: &str, existing: Existing) -> Result<Vec<Effect>, String> {
    match arguments {
        "" => Err("screenshot takes a file; .svg for a picture, anything else for text.".to_owned()),
        path => Ok(vec![Effect::Screenshot { path: PathBuf::from(path), existing }]),
    }
}

/// Runs a line. An unknown command, or an error in it, becomes the message.
pub fn run(app: &mut App, line: &str) -> Vec<Effect> {
    let line = line.trim();
    let (name, arguments) = line.split_once(' ').unwrap_or((line, ""));
    if name.is_empty() {
        return Vec::new();
    }
    if let Some(name) = name.strip_suffix('!') {
        let writer = WRITERS.iter().find(|(writer, _)| !name.is_empty() && writer.starts_with(name));
        let result = writer.map_or_else(
            || Err(format!("{name} takes no !: only {} do.", names(&WRITERS.map(|(writer, _)| writer)))),
            |(_, run)| run(app, arguments.trim(), Existing::Replace),
        );
        return result.unwrap_or_else(|message| {
            app.say(Tone::Warning, message);
            Vec::new()
        });
    }
    let candidates: Vec<&Command> =
        COMMANDS.iter().filter(|command| command.name.starts_with(name)).collect();
    let exact = COMMANDS.iter().find(|command| command.name == name);
    let result = match (exact, candidates.as_slice()) {
        (Some(command), _) => (command.run)(app, arguments.trim()),
        (None, [command]) => (command.run)(app, arguments.trim()),
        (None, []) => Err(format!("Unknown command \"{name}\". :help lists them.")),
        (None, several) => {
            let names: Vec<_> = several.iter().map(|command| command.name).collect();
            Err(format!("{name} could be {}.", names.join(" or ")))
        }
    };
    result.unwrap_or_else(|message| {
        app.say(Tone::Warning, message);
        Vec::new()
    })
}

/// The lines that a line could become.
#[must_use]
pub fn completions(app: &App, line: &str) -> Vec<String> {
    match line.split_once(' ') {
        None => COMMANDS
            .iter()
            .filter(|command| command.name.starts_with(line))
            .map(|command| {
                if command.arguments.is_empty() {
                    command.name.to_owned()
                } else {
                    format!("{} ", command.name)
                }
            })
            .collect(),
        Some((name, typed)) => COMMANDS
            .iter()
            .filter(|command| command.name == name)
            .flat_map(|command| (command.complete)(app))
            .filter(|argument| argument.starts_with(typed))
            .map(|argument| format!("{name} {argument}"))
            .collect(),
    }
}

fn format_names() -> Vec<String> {
    Format::ALL.iter().map(|format| format.name().to_owned()).collect()
}

fn group_names() -> Vec<String> {
    GroupKey::ALL.iter().map(|key| key.name().to_owned()).chain(["none".to_owned()]).collect()
}

fn sort_names() -> Vec<String> {
    SORT_NAMES.iter().map(|(name, _)| (*name).to_owned()).collect()
}

/// `Unknown theme "nope". Available: ansi, dark.`
fn unknown<T: AsRef<str>>(what: &str, name: &str, known: &[T]) -> String {
    format!("Unknown {what} \"{name}\". Available: {}.", names(known))
}

fn names<T: AsRef<str>>(all: &[T]) -> String {
    all.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ")
}
