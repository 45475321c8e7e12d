//! Measures what a shape of input costs as it doubles: `cargo bench --bench doubling -- NAME… [--runs 3] [--at N]`.
//!
//! Each kind in [`KINDS`] has a generator and a command. The release program runs it on n, 2n, 4n and 8n things; of each the
//! least user and system CPU time of some runs and the peak of its memory are printed, with the ratio of each doubling.
//! Work that is linear in its input shows about 2. `all` measures every kind; without a name nothing is measured, so that
//! `cargo bench` alone stays quick. A shape that hurts becomes a new line of the table.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a bench prints its figures"
)]

#[path = "doubling/keys.rs"]
mod keys;
#[path = "../tests/support/settings.rs"]
mod settings;
#[path = "doubling/shapes.rs"]
mod shapes;
#[path = "doubling/texts.rs"]
mod texts;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

/// A shape of input, and the command that it is given to.
struct Kind {
    name: &'static str,
    /// The content that occurs n times.
    about: &'static str,
    /// The first n.
    first: u32,
    /// Writes the input for an n.
    write: fn(u32) -> Vec<u8>,
    /// How the file's name ends.
    ending: &'static str,
    run: Run,
}

/// How an input is run.
#[derive(Clone, Copy)]
enum Run {
    /// The program, with these arguments before the file.
    Program(&'static [&'static str]),
    /// The console without a terminal: the file is read, then these keys are pressed (`<Enter>`, `<Down>`).
    Keys(&'static str),
}

impl Kind {
    const fn json(
        name: &'static str,
        about: &'static str,
        first: u32,
        write: fn(u32) -> Vec<u8>,
        run: Run,
    ) -> Self {
        Self { name, about, first, write, ending: "json", run }
    }
}

const SCAN: Run = Run::Program(&["scan"]);
const HUNT: Run = Run::Program(&["scan", "--profile", "hunt"]);
const KEPT: Run = Run::Program(&["scan", "--keep", "50MB"]);
const KEPT_HUNT: Run = Run::Program(&["scan", "--profile", "hunt", "--keep", "50MB"]);
const TESTS: Run = Run::Program(&["tests"]);

/// All kinds. Add a line for a shape that costs more than it should.
const KINDS: &[Kind] = &[
    Kind::json("joins", "one process asks DNS and connects", 10_000, shapes::joins, SCAN),
    Kind::json("joins-hunt", "the same, with leads", 10_000, shapes::joins, HUNT),
    Kind::json(
        "rejoin",
        "connections, then ever earlier Event 1 of their process",
        5_000,
        shapes::rejoin,
        SCAN,
    ),
    Kind::json("ssh", "Event 1 of one ssh.exe that pushes", 5_000, shapes::ssh, HUNT),
    Kind::json("qr", "Event 22 with 5,000 addresses each", 50, shapes::answers, SCAN),
    Kind::json("qr-hunt", "the same, with leads", 50, shapes::answers, HUNT),
    Kind::json("qr-keep", "the same within 50 MB", 100, shapes::answers, KEPT),
    Kind::json("qr-keep-hunt", "the same with leads, within 50 MB", 100, shapes::answers, KEPT_HUNT),
    Kind {
        name: "csv-quotes",
        about: "lines of a table that open a quote",
        first: 200_000,
        write: texts::csv_quotes,
        ending: "csv",
        run: SCAN,
    },
    Kind::json("json-blanks", "megabytes of blanks behind a bracket", 8, texts::json_blanks, SCAN),
    Kind::json(
        "messages",
        "events with a message of lines that look like fields",
        200,
        texts::messages,
        SCAN,
    ),
    Kind {
        name: "zip-many",
        about: "members of an archive, each one event",
        first: 10_000,
        write: texts::zip_many,
        ending: "zip",
        run: SCAN,
    },
    Kind {
        name: "zip-bombs",
        about: "members of an archive that unpack to 32 MB of 200 bytes",
        first: 4,
        write: texts::zip_bombs,
        ending: "zip",
        run: SCAN,
    },
    Kind::json(
        "distinct",
        "alerts, each of its own host, parent, user and owner",
        10_000,
        shapes::distinct,
        SCAN,
    ),
    Kind::json(
        "distinct-keep",
        "no alerts, each of its own host, within 50 MB",
        40_000,
        shapes::suppressed,
        KEPT,
    ),
    Kind::json("words", "names of hosts on one command line", 8_000, shapes::words, HUNT),
    Kind::json("words-look", "the same, its detail and a report", 8_000, shapes::host_names, LOOK),
    Kind::json("method", "the word method on one command line", 5_000, shapes::method, HUNT),
    Kind::json("method-look", "the same, its detail and a report", 5_000, shapes::method, LOOK),
    Kind::json("options", "options before what a command line sends", 8_000, shapes::options, HUNT),
    Kind::json("walk", "pushes of one shell, and as many other programs of it", 1_000, shapes::walk, TESTS),
    Kind::json("tree-kids", "children of one push: detail and report", 10_000, shapes::kids, LOOK),
    Kind::json("tree-acts", "files that one push writes", 10_000, shapes::acts, LOOK),
    Kind::json("tree-deep", "ancestors of one push", 10_000, shapes::deep, LOOK),
    Kind::json(
        "tree-gitdeep",
        "pushes, each the parent of the next, with leads",
        5_000,
        shapes::git_deep,
        HUNT,
    ),
    Kind::json(
        "tree-connfind",
        "a verdict on all connections of one process",
        10_000,
        shapes::connections,
        DECIDE,
    ),
];

/// The first alert's detail, the way up its tree, the pages of tests and pushes, and a report on it.
const LOOK: Run = Run::Keys("<Enter><Enter><Back>45<Esc>j");
/// The list by host, and a verdict on the first group.
const DECIDE: Run = Run::Keys("bdm");

#[derive(Clone, Copy)]
struct Cost {
    cpu: Duration,
    peak: u64,
    /// The longest that a key waited, where keys were pressed.
    key: Option<Duration>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [flag, keys, file] = arguments.as_slice()
        && flag == "--press"
    {
        keys::press(keys, Path::new(file));
        return ExitCode::SUCCESS;
    }
    match measure_all(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("doubling: {reason}");
            ExitCode::from(2)
        }
    }
}

fn measure_all(arguments: &[String]) -> Result<(), String> {
    let (mut names, mut runs, mut first) = (Vec::new(), 1, None);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut number = || {
            let value = rest.next().ok_or(format!("{argument} needs a number"))?;
            value.parse::<u32>().map_err(|_| format!("{argument} needs a number, not {value}"))
        };
        match argument.as_str() {
            "--runs" => runs = number()?.max(1),
            "--at" => first = Some(number()?.max(1)),
            "--test" => return Ok(()),
            name if name == "all" || KINDS.iter().any(|kind| kind.name == name) => names.push(name),
            other => {
                let known: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
                return Err(format!("there is no kind {other}: all, {}", known.join(", ")));
            }
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    println!(
        "{:<16}{:>9}{:>9}{:>7}{:>10}{:>7}{:>10}",
        "", "n", "CPU s", "ratio", "peak MB", "ratio", "key ms"
    );
    for kind in KINDS.iter().filter(|kind| names.iter().any(|name| *name == "all" || *name == kind.name)) {
        measure(kind, folder.path(), first.unwrap_or(kind.first), runs)?;
    }
    Ok(())
}

/// Measures a kind at four sizes and prints a line for each.
fn measure(kind: &Kind, folder: &Path, first: u32, runs: u32) -> Result<(), String> {
    println!("{}: {}", kind.name, kind.about);
    let mut before: Option<Cost> = None;
    for n in [1, 2, 4, 8].map(|times| first.saturating_mul(times)) {
        let file = folder.join(format!("{}.{}", kind.name, kind.ending));
        fs::write(&file, (kind.write)(n)).map_err(|error| format!("{}: {error}", file.display()))?;
        let mut least: Option<Cost> = None;
        for _ in 0..runs {
            let cost = run(kind.run, &file)?;
            let cpu = least.map_or(cost.cpu, |least| least.cpu.min(cost.cpu));
            least = Some(Cost { cpu, ..cost });
        }
        let Some(cost) = least else { continue };
        let ratio = |of: &dyn Fn(&Cost) -> f64| {
            before.map_or_else(String::new, |before| format!("{:.2}", of(&cost) / of(&before)))
        };
        println!(
            "{:<16}{n:>9}{:>9.2}{:>7}{:>10.1}{:>7}{:>10}",
            "",
            cost.cpu.as_secs_f64(),
            ratio(&|cost| cost.cpu.as_secs_f64()),
            megabytes(cost.peak),
            ratio(&|cost| megabytes(cost.peak)),
            cost.key.map_or_else(String::new, |key| format!("{:.1}", key.as_secs_f64() * 1e3)),
        );
        before = Some(cost);
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a figure to read")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn run(run: Run, file: &Path) -> Result<Cost, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = match run {
        Run::Program(arguments) => {
            let mut command = Command::new(env!("CARGO_BIN_EXE_exfilscope"));
            command.args(arguments).env("EXFILSCOPE_CONFIG", file.with_extension("none"));
            command
        }
        Run::Keys(keys) => {
            let mut command = Command::new(own);
            command.args(["--press", keys]);
            command
        }
    };
    let said = file.with_extension("out");
    let out = fs::File::create(&said).map_err(|error| error.to_string())?;
    let before = cpu_of_children();
    let mut child = command
        .arg(file)
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut peak = 0;
    let status = loop {
        peak = peak_of(child.id()).unwrap_or(0).max(peak);
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    // A scan that found something ends with 1, one that could not read a part with 3.
    if !matches!(status.code(), Some(0 | 1 | 3)) {
        return Err(format!("{} ended with {status}", file.display()));
    }
    let cpu = cpu_of_children().saturating_sub(before);
    let key = match run {
        Run::Keys(_) => fs::read_to_string(&said).ok().and_then(|text| text.trim().parse().ok()),
        Run::Program(_) => None,
    };
    Ok(Cost { cpu, peak, key: key.map(Duration::from_secs_f64) })
}

/// Peak memory of a running process so far, or `None` where the system does not report it.
fn peak_of(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// The CPU time of all children that have ended, or zero where the system does not report it.
fn cpu_of_children() -> Duration {
    // Fields 16 and 17, in hundredths of a second, after a name in parentheses.
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 =
        fields.split_whitespace().skip(13).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
