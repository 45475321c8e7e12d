//! Holds the scan against other tools, on one log and within one run:
//! `cargo bench --bench compare -- [--log FILE.evtx] [--events 500000] [--runs 5] [--threads 2] [--rules FOLDER]`
//!
//! Without `--log` it first writes one of `--events` events. The commands run in turn, `--runs` times each; of
//! each the least CPU time (user and system) and the least time by the clock count, since whatever else the machine
//! does only adds to both. A tool that is not installed is named and left out: `evtx_dump` (`cargo install evtx`), and
//! `hayabusa`, `chainsaw` and `rsigma` with `--rules`, a folder that holds the one rule (`rule export --to sigma`) as each
//! of them wants it: `sigma.yml` and `mapping.yml` for Chainsaw, `hayabusa/rules` and `hayabusa/config` for Hayabusa, and
//! `rsigma/` with the fields by their whole paths (`Event.EventData.Image`) for rsigma, built with its feature `evtx`.
//! `--texts` names a folder for the log as text (`big.jsonl`, `big.xml`), which is written by evtx_dump where it is not
//! there already.
//! Without arguments it does nothing, so that `cargo bench` alone stays quick.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what it says is its result")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;
use support::big_log;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] | ["--test"] => return ExitCode::SUCCESS,
        ["--read-json", file] => read_json(Path::new(file)).map_err(|error| error.to_string()),
        ["--read-xml", file] => read_xml(Path::new(file)),
        _ => Options::read(&arguments).and_then(|options| run(&options)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("compare: {reason}");
            ExitCode::from(2)
        }
    }
}

struct Options {
    log: Option<PathBuf>,
    events: u64,
    runs: u32,
    threads: u32,
    rules: Option<PathBuf>,
    texts: Option<PathBuf>,
}

impl Options {
    fn read(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self { log: None, events: 500_000, runs: 5, threads: 2, rules: None, texts: None };
        let mut rest = arguments.iter();
        while let Some(name) = rest.next() {
            let value = rest.next().ok_or(format!("{name} needs a value"))?;
            let number = || value.parse::<u32>().map_err(|_| format!("{name} needs a number, not {value}"));
            match name.as_str() {
                "--log" => options.log = Some(value.into()),
                "--events" => options.events = number()?.into(),
                "--runs" => options.runs = number()?.max(1),
                "--threads" => options.threads = number()?.max(1),
                "--rules" => options.rules = Some(value.into()),
                "--texts" => options.texts = Some(value.into()),
                other => {
                    let all = "--log, --events, --runs, --threads, --rules, --texts";
                    return Err(format!("{other} is no option: {all}"));
                }
            }
        }
        Ok(options)
    }
}

/// A command to run, and its least time up to now.
struct Contender {
    name: String,
    command: Vec<String>,
    least: Option<Cost>,
}

#[derive(Clone, Copy)]
struct Cost {
    cpu: f64,
    clock: f64,
}

impl Contender {
    fn new(name: impl Into<String>, command: &[&str]) -> Self {
        let command = command.iter().map(|part| (*part).to_owned()).collect();
        Self { name: name.into(), command, least: None }
    }

    fn run(&mut self) -> Result<(), String> {
        let Some((program, arguments)) = self.command.split_first() else { return Ok(()) };
        let (cpu, start) = (cpu_of_children(), Instant::now());
        let status = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map_err(|error| format!("{program}: {error}"))?;
        let cost = Cost {
            clock: start.elapsed().as_secs_f64(),
            cpu: cpu_of_children().saturating_sub(cpu).as_secs_f64(),
        };
        // A scan that found something ends with 1.
        if !matches!(status.code(), Some(0 | 1)) {
            return Err(format!("{} ended with {status}", self.command.join(" ")));
        }
        self.least =
            Some(self.least.map_or(cost, |least| Cost {
                cpu: least.cpu.min(cost.cpu),
                clock: least.clock.min(cost.clock),
            }));
        Ok(())
    }
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

fn run(options: &Options) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let log = if let Some(log) = &options.log {
        log.clone()
    } else {
        let path = folder.path().join("big.evtx");
        big_log::write(&path, options.events, 1, big_log::USUAL_ALERTS_PER_MILLION)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        path
    };
    let log = log.to_string_lossy().into_owned();
    let threads = options.threads.to_string();
    let scan = env!("CARGO_BIN_EXE_exfilscope");
    let has_dump = is_installed("evtx_dump");

    let mut logs = vec![
        Contender::new("scan, spl", &[scan, "scan", "--profile", "spl", "--threads", &threads, &log]),
        Contender::new("scan, joins", &[scan, "scan", "--threads", &threads, &log]),
    ];
    if has_dump {
        logs.insert(0, Contender::new("evtx_dump", &["evtx_dump", "-t", &threads, "-o", "jsonl", &log]));
    } else {
        println!("evtx_dump is not installed (cargo install evtx): left out, and the text formats with it");
    }
    logs.extend(other_engines(options, folder.path(), &log));
    compare("the log", &mut logs, options.runs)?;

    if has_dump {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let own = own.to_string_lossy();
        for (format, option, dumped) in
            [("jsonl", "--read-json", "big.jsonl"), ("xml", "--read-xml", "big.xml")]
        {
            let path = options.texts.as_deref().unwrap_or(folder.path()).join(dumped);
            if !path.exists() {
                dump(&log, format, &path)?;
            }
            let path = path.to_string_lossy().into_owned();
            let reader = if format == "xml" { "quick-xml, events" } else { "serde_json, typed" };
            // One thread reads there, and so one reads here.
            let mut texts = [
                Contender::new(reader, &[&own, option, &path]),
                Contender::new("scan, spl", &[scan, "scan", "--profile", "spl", "--threads", "1", &path]),
                Contender::new("scan, joins", &[scan, "scan", "--threads", "1", &path]),
            ];
            compare(&format!("the same as {format}, one thread"), &mut texts, options.runs)?;
        }
    }
    Ok(())
}

/// Engines that match rules, where they and the rule are available.
fn other_engines(options: &Options, folder: &Path, log: &str) -> Vec<Contender> {
    let mut found = Vec::new();
    for name in ["rsigma", "chainsaw", "hayabusa"] {
        let Some(rules) = options.rules.as_ref().filter(|_| is_installed(name)) else {
            println!("{name} is not installed, or there is no --rules: left out");
            continue;
        };
        let part = |name: &str| rules.join(name).to_string_lossy().into_owned();
        let out = folder.join("out.csv").to_string_lossy().into_owned();
        let (sigma, mapping) = (part("sigma.yml"), part("mapping.yml"));
        let (own, config) = (part("hayabusa/rules"), part("hayabusa/config"));
        found.push(match name {
            "rsigma" => {
                let (rules, log) = (part("rsigma"), format!("@{log}"));
                let quiet = ["-q", "--output-format", "ndjson"];
                Contender::new(
                    name,
                    &[&[name, "engine", "eval", "-r", &rules, "-e", &log][..], &quiet].concat(),
                )
            }
            "chainsaw" => Contender::new(
                name,
                &[name, "hunt", log, "--sigma", &sigma, "--mapping", &mapping, "--jsonl", "-q"],
            ),
            _ => {
                // Without its summary and its questions; since 4.0 its command has this name.
                let quiet = ["-w", "-q", "-Q", "-C", "-N", "-o", &out];
                let words = [name, "dfir-timeline", "-f", log, "-r", &own, "-c", &config];
                Contender::new(name, &[&words[..], &quiet].concat())
            }
        });
    }
    found
}

fn is_installed(program: &str) -> bool {
    let run = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    run.is_ok()
}

fn dump(log: &str, format: &str, path: &Path) -> Result<(), String> {
    let out = File::create(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut command = Command::new("evtx_dump");
    command.args(["-o", format, log]).stdout(out).stderr(Stdio::null());
    command.status().map(|_| ()).map_err(|error| format!("evtx_dump: {error}"))
}

/// Runs all in turn, and prints each one's time next to that of the first.
fn compare(title: &str, contenders: &mut [Contender], runs: u32) -> Result<(), String> {
    for _ in 0..runs {
        for contender in &mut *contenders {
            contender.run()?;
        }
    }
    println!("\n{title}, the least of {runs} runs each");
    println!("{:<20}{:>9}{:>8}{:>9}{:>8}", "", "CPU s", "ratio", "clock s", "ratio");
    let first = contenders.first().and_then(|first| first.least);
    for contender in &*contenders {
        let (Some(cost), Some(first)) = (contender.least, first) else { continue };
        println!(
            "{:<20}{:>9.2}{:>8.2}{:>9.2}{:>8.2}   {}",
            contender.name,
            cost.cpu,
            cost.cpu / first.cpu,
            cost.clock,
            cost.clock / first.clock,
            contender.command.join(" ")
        );
    }
    Ok(())
}

/// Needed fields of an event, as `serde_json` reads them off a line.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "Event", borrow)]
    event: Event<'a>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "System", borrow)]
    system: System<'a>,
    #[serde(rename = "EventData", borrow)]
    data: Option<Data<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct System<'a> {
    #[serde(rename = "EventID")]
    event_id: u16,
    #[serde(rename = "EventRecordID")]
    record_id: u64,
    #[serde(borrow)]
    computer: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Data<'a> {
    #[serde(borrow)]
    image: Option<Cow<'a, str>>,
    #[serde(borrow)]
    command_line: Option<Cow<'a, str>>,
    #[serde(borrow)]
    user: Option<Cow<'a, str>>,
    #[serde(borrow)]
    process_guid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    parent_image: Option<Cow<'a, str>>,
    #[serde(borrow)]
    parent_command_line: Option<Cow<'a, str>>,
    #[serde(borrow)]
    destination_hostname: Option<Cow<'a, str>>,
}

fn read_json(path: &Path) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(1 << 20, File::open(path)?);
    let (mut line, mut read, mut bytes) = (String::new(), 0_u64, 0_usize);
    while reader.read_line(&mut line)? > 0 {
        let Line { event } = serde_json::from_str(&line)?;
        let texts = event.data.map_or(0, |data| {
            let Data { image, command_line, user, process_guid, .. } = &data;
            let parent = [&data.parent_image, &data.parent_command_line, &data.destination_hostname];
            let own = [image, command_line, user, process_guid];
            own.into_iter().chain(parent).flatten().map(|text| text.len()).sum()
        });
        bytes += texts + event.system.computer.len();
        read += u64::from(event.system.event_id > 0 && event.system.record_id > 0);
        line.clear();
    }
    println!("{read} events, {bytes} bytes of text");
    Ok(())
}

fn read_xml(path: &Path) -> Result<(), String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut reader = quick_xml::Reader::from_reader(BufReader::with_capacity(1 << 20, file));
    reader.config_mut().check_end_names = false;
    let (mut buffer, mut read) = (Vec::new(), 0_u64);
    loop {
        match reader.read_event_into(&mut buffer) {
            Ok(quick_xml::events::Event::Eof) => break,
            Ok(_) => read += 1,
            Err(error) => return Err(error.to_string()),
        }
        buffer.clear();
    }
    println!("{read} events of XML");
    Ok(())
}
