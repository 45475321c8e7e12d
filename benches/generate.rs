//! Writes a large log by hand, for measurements:
//! `cargo bench --bench generate -- --events 500000 --seed 1 --out big.evtx [--alerts-per-million 6000]`
//! Without `--out` it does nothing, so that `cargo bench` alone stays quick.

#[path = "../tests/support/mod.rs"]
mod support;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use support::big_log;

struct Options {
    events: u64,
    seed: u64,
    alerts_per_million: u64,
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    let result = options(std::env::args().skip(1)).and_then(|options| run(&options));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            let _ = writeln!(io::stderr(), "generate: {reason}");
            ExitCode::from(2)
        }
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        events: 500_000,
        seed: 1,
        alerts_per_million: big_log::USUAL_ALERTS_PER_MILLION,
        out: None,
    };
    while let Some(name) = arguments.next() {
        let mut number = || {
            let value = arguments.next().ok_or(format!("{name} needs a value"))?;
            value.parse::<u64>().map_err(|_| format!("{name} needs a number, not {value}"))
        };
        match name.as_str() {
            "--events" => options.events = number()?,
            "--seed" => options.seed = number()?,
            "--alerts-per-million" => options.alerts_per_million = number()?,
            "--out" => options.out = arguments.next().map(PathBuf::from),
            // Argument that cargo itself passes to a bench.
            "--bench" | "--test" => {}
            other => {
                return Err(format!("{other} is no option: --events, --seed, --alerts-per-million, --out"));
            }
        }
    }
    Ok(options)
}

fn run(options: &Options) -> Result<(), String> {
    let Some(path) = &options.out else { return Ok(()) };
    let start = Instant::now();
    let written = big_log::write(path, options.events, options.seed, options.alerts_per_million)
        .map_err(|error| format!("{}: {error}", path.display()))?;
    let seconds = start.elapsed().as_secs_f64();
    let _ = writeln!(
        io::stderr(),
        "{}: {} events, about {} alerts of the search, in {seconds:.1} s",
        path.display(),
        written.events,
        written.alerts
    );
    Ok(())
}
