//! From an event's arrival to its alert on the screen, and whether all of them arrive.
//!
//! `cargo bench --bench latency -- --seconds 300 [--rate 5000]` runs the console on a pseudo-terminal (`--follow`) over a
//! log, an XML file and a JSON Lines file, which together grow by `--rate` events a second. Among them are pushes whose
//! command lines each hold a word of their own, and the time from the write to that word on the screen is taken. The
//! JSON file is rotated every 20 seconds, the XML file is cut off every 30.
//!
//! `cargo bench --bench latency -- --keys 1000000` has the console read a million alerts at full speed, types into its
//! command line meanwhile, and takes the time from each key until its frame is on the terminal.
//!
//! Without `--seconds` and `--keys` it does nothing.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::needless_pass_by_value,
    missing_docs,
    reason = "a bench prints its figures, and one that can't run has nothing else to do"
)]

#[path = "../tests/support/mod.rs"]
mod support;

#[cfg(unix)]
#[path = "../tests/support/pty.rs"]
mod pty;

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    bench::main()
}

#[cfg(unix)]
mod bench {
    use std::collections::BTreeMap;
    use std::ffi::OsStr;
    use std::fs::{File, OpenOptions};
    use std::io::{self, BufWriter, Write};
    use std::path::Path;
    use std::process::ExitCode;
    use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
    use std::thread;
    use std::time::{Duration, Instant, SystemTime};

    use crate::pty::{Console, Key, PATIENCE};
    use crate::support::clock::{Millis, Ticks};
    use crate::support::dialects;
    use crate::support::evtx_writer::record::ComputerName;
    use crate::support::evtx_writer::to_bytes;
    use crate::support::growing_log::GrowingLog;
    use crate::support::scenarios::event::Event;
    use crate::support::scenarios::host::{Host, Process};

    const GIT: &str = r"C:\Program Files\Git\cmd\git.exe";
    const PROGRAM: &str = r"C:\Windows\System32\svchost.exe";
    /// Events per push.
    const PUSH_EVERY: u64 = 200;
    /// How often a writer writes.
    const TICK: Duration = Duration::from_millis(5);

    /// The word to find on the screen, and when it was written.
    type Planted = (String, Instant);

    pub(crate) fn main() -> ExitCode {
        let mut arguments = std::env::args().skip(1);
        let (mut seconds, mut rate, mut keys) = (0, 5_000, 0);
        while let Some(name) = arguments.next() {
            match name.as_str() {
                "--seconds" => seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(0),
                "--rate" => rate = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(rate),
                "--keys" => keys = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(0),
                _ => {}
            }
        }
        let result = match (keys, seconds) {
            (0, 0) => return ExitCode::SUCCESS,
            (0, _) => run(seconds, rate),
            _ => keys_while_loading(keys),
        };
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let _ = writeln!(io::stderr(), "latency: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn run(seconds: u64, rate: u64) -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = |name: &str| folder.path().join(name);
        let (log, xml, json) = (path("live.evtx"), path("live.xml"), path("live.json"));
        let (share, of_log) = (rate * 2 / 5, rate / 5);
        // The log's bytes are made before: its events bear the times at which they will be written.
        let begin = Instant::now() + Duration::from_secs(2 + of_log * seconds / 4_000);
        let bytes = log_bytes(of_log, seconds, begin)?;
        thread::sleep(begin.saturating_duration_since(Instant::now()));
        let mut writer = GrowingLog::begin(&log, &bytes)?;
        let paths = [&log, &xml, &json].map(|path| path.as_os_str());
        let mut console = Console::start(std::iter::once(OsStr::new("--follow")).chain(paths), 60, 200);
        console.wait_for(|screen: &vt100::Screen| screen.contents().contains("following"), PATIENCE);
        let (sender, planted) = channel();
        let latencies = thread::scope(|scope| {
            let (to_log, to_xml, to_json) = (sender.clone(), sender.clone(), sender);
            scope.spawn(move || write_log(&mut writer, of_log, &to_log).expect("the log can be written"));
            scope.spawn(|| write_text(&xml, 'x', share, seconds, to_xml).expect("the XML can be written"));
            scope.spawn(|| write_text(&json, 'j', share, seconds, to_json).expect("the JSON can be written"));
            watch(&console, &planted)
        });
        report(&console, latencies, rate, seconds);
        console.quit();
        Ok(())
    }

    fn keys_while_loading(alerts: u64) -> io::Result<()> {
        const HOSTS: u64 = 10_000;
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("pushes.json");
        let dialect =
            dialects::ALL.iter().find(|dialect| dialect.file == "evtx_dump.jsonl").expect("it is a dialect");
        let mut file = BufWriter::new(File::create(&path)?);
        for first in 0..HOSTS {
            let mut host = Host::new(&format!("WS-{first:05}.corp.example"), now());
            let shell = host.running(r"C:\Windows\System32\cmd.exe", "cmd.exe");
            for number in (first..alerts).step_by(usize::try_from(HOSTS).unwrap_or(1)) {
                let line = format!("git push https://github.com/owner{}/r{number}", number % 97);
                host.start(&shell, GIT, &line);
                let event = host.sysmon.pop().expect("what was started is an event");
                file.write_all(&(dialect.write)(&[(number + 1, &event)]))?;
                host.sysmon.clear();
                host.security.clear();
            }
        }
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        let mut console = Console::start([&path], 60, 200);
        console.wait_for("reading", PATIENCE);
        console.keys(":");
        console.wait_for_quiet(Duration::from_millis(30), PATIENCE);
        let (mut waits, mut is_typed) = (Vec::new(), false);
        let is_reading = |console: &Console| {
            console
                .with_screen(|screen| screen.rows(0, 200).next().is_some_and(|row| row.contains("reading")))
        };
        while is_reading(&console) {
            // At no time that has to do with the console's own.
            thread::sleep(Duration::from_millis(20 + 7 * (waits.len() as u64 % 6)));
            let (row, column) = console.with_screen(vt100::Screen::cursor_position);
            let column = if is_typed { column - 1 } else { column + 1 };
            let begun = Instant::now();
            if is_typed {
                console.key(Key::Backspace);
            } else {
                console.keys("x");
            }
            let is_there = |screen: &vt100::Screen| screen.cursor_position() == (row, column);
            console.wait_for(is_there, PATIENCE);
            waits.push(begun.elapsed());
            is_typed = !is_typed;
        }
        waits.sort_unstable();
        let at = |part: usize| waits.get((waits.len().max(1) - 1) * part / 100).copied().unwrap_or_default();
        println!("{} keys while {alerts} alerts were read, 200x60: on the terminal after", waits.len());
        println!(
            "  {:.1?} (median), {:.1?} (95%), {:.1?} (99%), {:.1?} (all)",
            at(50),
            at(95),
            at(99),
            at(100)
        );
        println!("  {}", console.screen().lines().next().unwrap_or_default());
        Ok(())
    }

    /// A host, and the shell on it that starts everything.
    fn host(kind: char) -> (Host, Process) {
        let mut host = Host::new(&format!("WS-{kind}.corp.example"), now());
        let shell = host.running(r"C:\Windows\System32\cmd.exe", "cmd.exe");
        (host, shell)
    }

    /// The next event, and the word in it by which it is known on the screen.
    fn event(host: &mut Host, shell: &Process, kind: char, number: u64) -> (Event, Option<String>) {
        let word = number.is_multiple_of(PUSH_EVERY).then(|| format!("{kind}{number:08}"));
        match &word {
            Some(word) => host.start(shell, GIT, &format!("git push https://github.com/t/{word}")),
            None => host.start(shell, PROGRAM, &format!("program.exe --job {number}")),
        };
        let mut event = host.sysmon.pop().expect("what was started is an event");
        host.sysmon.clear();
        host.security.clear();
        event.time = now();
        (event, word)
    }

    fn now() -> Ticks {
        let since_1970 =
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970");
        let ticks = u64::try_from(since_1970.as_nanos() / 100).expect("a clock before the year 30828");
        Ticks(ticks + 11_644_473_600 * 10_000_000)
    }

    fn log_bytes(rate: u64, seconds: u64, begin: Instant) -> io::Result<Vec<u8>> {
        let (mut host, shell) = host('e');
        let wait = u64::try_from(begin.saturating_duration_since(Instant::now()).as_millis()).unwrap_or(0);
        let first = now();
        let event = |number: u64| {
            let (mut event, _) = event(&mut host, &shell, 'e', number);
            event.time = first + Millis(wait + number * 1000 / rate);
            event
        };
        let events: Vec<Event> = (1..=rate * seconds).map(event).collect();
        to_bytes(ComputerName::InTemplate, (1..).zip(&events).map(|(number, event)| event.as_record(number)))
    }

    /// Calls `write` with how many events are due, many times a second, until all are written.
    fn paced(rate: u64, events: u64, mut write: impl FnMut(u64) -> io::Result<bool>) -> io::Result<()> {
        let (begun, mut written) = (Instant::now(), 0);
        while written < events {
            let due = begun.elapsed().as_millis() * u128::from(rate) / 1000;
            let due = u64::try_from(due).unwrap_or(events).min(events);
            if due > written {
                if !write(due - written)? {
                    break;
                }
                written = due;
            }
            thread::sleep(TICK);
        }
        Ok(())
    }

    fn write_log(log: &mut GrowingLog<'_>, rate: u64, planted: &Sender<Planted>) -> io::Result<()> {
        paced(rate, u64::MAX, |due| {
            let mut records = 0;
            while records < due {
                let Some(piece) = log.step()? else { return Ok(false) };
                let Some(record) = piece.completes else { continue };
                records += 1;
                if record.is_multiple_of(PUSH_EVERY) {
                    let _ = planted.send((format!("e{record:08}"), Instant::now()));
                }
            }
            Ok(true)
        })
    }

    fn write_text(
        path: &Path,
        kind: char,
        rate: u64,
        seconds: u64,
        planted: Sender<Planted>,
    ) -> io::Result<()> {
        let wanted = if kind == 'x' { "wevtutil.xml" } else { "evtx_dump.jsonl" };
        let dialect = dialects::ALL.iter().find(|dialect| dialect.file == wanted).expect("it is a dialect");
        let (mut host, shell) = host(kind);
        let append = || OpenOptions::new().create(true).append(true).open(path);
        let (mut file, mut number, mut turned) = (append()?, 0, Instant::now());
        paced(rate, rate * seconds, |due| {
            if kind == 'j' && turned.elapsed() > Duration::from_secs(20) {
                turned = Instant::now();
                std::fs::rename(path, path.with_extension("json.1"))?;
                file = append()?;
            }
            if kind == 'x' && turned.elapsed() > Duration::from_secs(30) {
                // The last write has to be read before it is cut off: no reader could know of it otherwise.
                thread::sleep(Duration::from_millis(500));
                file = File::create(path)?;
                thread::sleep(Duration::from_millis(200));
                turned = Instant::now();
            }
            for _ in 0..due {
                number += 1;
                let (event, word) = event(&mut host, &shell, kind, number);
                file.write_all(&(dialect.write)(&[(number, &event)]))?;
                if let Some(word) = word {
                    let _ = planted.send((word, Instant::now()));
                }
            }
            Ok(true)
        })
    }

    /// Waits for each word on the screen; gives what it took, in order of kind, and the words that never came.
    fn watch(console: &Console, planted: &Receiver<Planted>) -> (BTreeMap<char, Vec<Duration>>, Vec<String>) {
        let (mut waiting, mut taken) = (Vec::<Planted>::new(), BTreeMap::<char, Vec<Duration>>::new());
        let mut is_open = true;
        let mut missed = Vec::new();
        while is_open || !waiting.is_empty() {
            loop {
                match planted.try_recv() {
                    Ok(planted) => waiting.push(planted),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => {
                        is_open = false;
                        break;
                    }
                }
            }
            let screen = console.screen();
            waiting.retain(|(word, since)| {
                let kind = word.chars().next().unwrap_or('?');
                if screen.contains(word.as_str()) {
                    taken.entry(kind).or_default().push(since.elapsed());
                    return false;
                }
                if since.elapsed() > Duration::from_secs(10) {
                    missed.push(word.clone());
                    return false;
                }
                true
            });
            thread::sleep(Duration::from_millis(2));
        }
        (taken, missed)
    }

    fn report(
        console: &Console,
        (taken, missed): (BTreeMap<char, Vec<Duration>>, Vec<String>),
        rate: u64,
        seconds: u64,
    ) {
        println!("{rate} events/s for {seconds} s, --follow, 200x60");
        for (kind, mut times) in taken {
            times.sort_unstable();
            let at = |part: usize| times.get((times.len() - 1) * part / 1000).copied().unwrap_or_default();
            println!(
                "  {}: {} alerts on the screen after {:.0?} (median), {:.0?} (99%), {:.0?} (all)",
                match kind {
                    'e' => "EVTX",
                    'x' => "XML, cut off every 30 s",
                    _ => "JSON Lines, rotated every 20 s",
                },
                times.len(),
                at(500),
                at(990),
                at(1000)
            );
        }
        println!("  never on the screen: {} {missed:?}", missed.len());
        let header = console.screen().lines().next().unwrap_or_default().to_owned();
        println!("  {header}");
    }
}
