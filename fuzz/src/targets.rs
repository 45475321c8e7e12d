//! One function for each target: it takes any bytes, and panics where a promise is broken.

use std::hash::{Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

use exfilscope::case::{CaseBook, CaseFile, line};
use exfilscope::config::{self, Config};
use exfilscope::detect::exception::Exceptions;
use exfilscope::detect::pattern::{Pattern, Patterns};
use exfilscope::detect::profile::Profile;
use exfilscope::export::{ExportOptions, Format, html, write_rows};
use exfilscope::filter::{Filter, FilterField};
use exfilscope::model::batch::{Batch, SourceId};
use exfilscope::model::fault::Fault;
use exfilscope::model::feed::{FeedMessage, Progress};
use exfilscope::model::guid::Guid;
use exfilscope::model::row::AlertRow;
use exfilscope::model::time::Timestamp;
use exfilscope::model::{secrets, text};
use exfilscope::rule::{self, Engine, Rule};
use exfilscope::source::{self, InputFormat, Inputs, LoadOptions};
use exfilscope::store::list::listing::{Listing, Query};
use exfilscope::store::tuning_matches::TuningMatches;
use exfilscope::store::{Collect, HostNaming, Store};
use exfilscope::walk;

/// Compiling them takes longer than all else that is done with most inputs.
static PATTERNS: LazyLock<Patterns> =
    LazyLock::new(|| Patterns::new(None, None).expect("the search's own patterns are patterns"));

/// A target's name and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 14] = [
    ("evtx", evtx),
    ("xml", xml),
    ("json", json),
    ("csv", csv),
    ("any", any),
    ("rendered", rendered),
    ("filter", filter),
    ("pattern", pattern),
    ("config", configuration),
    ("import", import),
    ("text", texts),
    ("case", case),
    ("rows", rows),
    ("tests", tests),
];

/// Windows event logs.
pub fn evtx(data: &[u8]) {
    read(data, Some(InputFormat::Evtx));
}

/// XML dialects.
pub fn xml(data: &[u8]) {
    read(data, Some(InputFormat::Xml));
}

/// JSON dialects.
pub fn json(data: &[u8]) {
    read(data, Some(InputFormat::Json));
}

/// Tables.
pub fn csv(data: &[u8]) {
    read(data, Some(InputFormat::Csv));
}

/// Input of any format, packed or not.
pub fn any(data: &[u8]) {
    read(data, None);
}

/// Reads bytes as a file, and holds what comes out to the promises: the account adds up, the reader does not fail, and
/// nothing that leaves the program could do anything to a terminal, a table or a browser.
fn read(data: &[u8], format: Option<InputFormat>) {
    let inputs = Inputs { format, ..Inputs::default() };
    check(data, |paths, take| {
        source::load_inputs(paths, inputs, &LoadOptions { threads: 1 }, &Progress::default(), take);
    });
}

/// A reader of paths that hands over what it finds.
type Take<'a> = &'a (dyn Fn(FeedMessage) -> bool + Sync);

fn file_of(data: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file for the input");
    file.write_all(data).expect("the input is written");
    file
}

fn check(data: &[u8], load: impl FnOnce(&[PathBuf], Take<'_>)) {
    let file = file_of(data);
    let messages = Mutex::new(Vec::new());
    let take = |message| {
        messages.lock().expect("nobody fails with it").push(message);
        true
    };
    load(&[PathBuf::from(file.path())], &take);
    let mut store = Store::new(HostNaming::Computer, Collect::Everything);
    let mut records = 0;
    for message in messages.into_inner().expect("nobody fails with it") {
        match message {
            FeedMessage::Source(source) => store.add_source(source),
            FeedMessage::Batch(batch) => {
                batch.faults.iter().for_each(no_bug);
                records += batch.tally.records();
                store.ingest(batch);
            }
            FeedMessage::Fault(fault) => {
                no_bug(&fault);
                store.add_fault(fault);
            }
            FeedMessage::Finished => {}
        }
    }
    assert_eq!(store.tally().records(), records, "no record vanishes in the store");
    for fault in store.faults() {
        visible(&text::visible(&fault.to_string()));
    }
    let mut flags = TuningMatches::new(PATTERNS.clone());
    flags.extend(&store);
    let sample = Sample::of(data);
    for profile in [Profile::Spl, Profile::Correlated] {
        let query = Query { min_score: 0, ..Query::alerts(profile) };
        let listing = Listing::new(&mut store, &flags, &query);
        let rows: Vec<_> =
            listing.findings.iter().take(50).filter_map(|id| store.row(*id, profile, &flags)).collect();
        report(&rows, &sample);
    }
}

fn no_bug(fault: &Fault) {
    assert!(!fault.kind.is_bug(), "{fault}");
}

/// Of an input's reports those that are written and looked at.
struct Sample {
    hash: u64,
}

impl Sample {
    /// A fuzzer makes inputs by the million, and their reports cost twenty times what reading them does: one in 16
    /// has all of them, and each of the others one report of its first rows.
    fn of(data: &[u8]) -> Self {
        let mut hasher = std::hash::DefaultHasher::new();
        data.hash(&mut hasher);
        Self { hash: hasher.finish() }
    }

    fn has_all(&self) -> bool {
        !cfg!(fuzzing) || self.hash.is_multiple_of(16)
    }

    fn has(&self, report: usize) -> bool {
        self.has_all() || (self.hash / 16) % (Format::ALL.len() as u64 + 1) == report as u64
    }
}

/// Writes rows in every way in which rows can be written, and looks for what none of them may hold.
fn report(rows: &[AlertRow], sample: &Sample) {
    let rows = if sample.has_all() { rows } else { &rows[..rows.len().min(2)] };
    let options = ExportOptions { table_width: Some(100), ..ExportOptions::default() };
    for (_, format) in Format::ALL.into_iter().enumerate().filter(|(number, _)| sample.has(*number)) {
        let mut out = Vec::new();
        write_rows(&mut out, format, rows.iter(), &options).expect("a vector takes all");
        visible(str::from_utf8(&out).expect("an export is UTF-8"));
    }
    if sample.has(Format::ALL.len()) {
        let mut out = Vec::new();
        html::write_report(&mut out, rows.iter(), &options).expect("a vector takes all");
        let page = str::from_utf8(&out).expect("a page is UTF-8");
        visible(page);
        assert!(!page.contains("<img") && page.matches("<script").count() <= 1, "no markup out of an event");
    }
}

/// Rows that another host's scan wrote.
pub fn rows(data: &[u8]) {
    check(data, |paths, take| source::load_rows(paths, &Progress::default(), take));
}

/// The case file: each line is a decision or is named, and what is written again is read as it was.
pub fn case(data: &[u8]) {
    let file = file_of(data);
    let mut case_file = CaseFile::named(file.path().to_owned());
    let (mut decisions, mut faults) = (Vec::new(), 0);
    // A long file is read in several goes.
    loop {
        let news = case_file.news().expect("a file that is there can be read");
        decisions.extend(news.decisions);
        faults += news.faults.len();
        if !news.has_more {
            break;
        }
    }
    let (whole, rest) = data.split_at(data.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1));
    let lines = whole.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
    // The last one may be being written just now.
    let lines = lines + usize::from(!rest.is_empty());
    assert_eq!(decisions.len() + faults, lines, "each line is a decision or is named");
    let mut book = CaseBook::default();
    for decision in decisions {
        let written = line::write(&decision);
        visible(written.trim_end());
        let again = line::read(written.trim_end().as_bytes()).expect("what was written can be read");
        assert_eq!(line::write(&again), written);
        book.apply(decision);
    }
}

/// Files of tests.
pub fn tests(data: &[u8]) {
    match walk::file::parse(data, Path::new("test.toml")) {
        Ok(test) => {
            visible(&test.name);
            visible(&test.sentence);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn visible(shown: &str) {
    let odd = shown.chars().find(|c| text::is_forbidden(*c) && !matches!(c, '\n' | '\r' | '\t'));
    assert_eq!(odd, None, "in {shown:?}");
}

/// An event as the Windows API renders it.
pub fn rendered(data: &[u8]) {
    let mut batch = Batch::new(SourceId(0));
    // Unreadable records are counted.
    let _ = source::live::parse_rendered(&String::from_utf8_lossy(data), &mut batch);
    assert_eq!(batch.tally.records(), 1, "each is counted once");
}

/// The language of filters.
pub fn filter(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for cursor in [0, text.len() / 2, text.len()] {
        assert!(Filter::completion_start(&text, cursor) <= text.len());
        let _ = Filter::completions(&text, cursor);
    }
    match Filter::parse(&text) {
        Ok(filter) => {
            let again = Filter::parse(&filter.to_string()).expect("what is written back can be read");
            assert_eq!(again.to_string(), filter.to_string());
            for range in filter.highlights(FilterField::CommandLine, &text) {
                assert!(text.get(range).is_some(), "matches are parts of the text");
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Patterns, what they find, and what becomes of them in other engines' rules.
pub fn pattern(data: &[u8]) {
    let all = String::from_utf8_lossy(data);
    let (first, rest) = all.split_once('\n').unwrap_or((&all, "gucci-laptop ci-07.example"));
    match Pattern::new(first) {
        Ok(pattern) => {
            let found = pattern.find(rest);
            assert_eq!(found.is_some(), pattern.matches(Some(rest)));
            assert!(found.is_none_or(|range| rest.get(range).is_some()));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(patterns) = Patterns::new(Some(first), Some(rest)) {
        for profile in [Profile::Spl, Profile::Correlated] {
            for engine in [Engine::Spl, Engine::Sigma, Engine::Kql, Engine::Esql, Engine::Clickhouse] {
                let _ = rule::export(
                    engine,
                    &Rule {
                        patterns: &patterns,
                        exceptions: &Exceptions::default(),
                        profile,
                        table: "logs.sysmon",
                    },
                );
            }
        }
        // An exported search is imported unchanged.
        let rule = Rule {
            patterns: &patterns,
            exceptions: &Exceptions::default(),
            profile: Profile::Spl,
            table: "",
        };
        if let Ok(search) = rule::export(Engine::Spl, &rule) {
            let _ = rule::import(&search);
        }
    }
}

/// The configuration.
pub fn configuration(data: &[u8]) {
    let _ = Config::parse(data, Path::new("exfilscope.toml"));
    let _ = config::pattern_fault(&String::from_utf8_lossy(data));
}

/// Patterns out of a Splunk search.
pub fn import(data: &[u8]) {
    let _ = rule::import(&String::from_utf8_lossy(data));
}

/// Text made visible, masked, cut and measured; times and GUIDs.
pub fn texts(data: &[u8]) {
    let original = String::from_utf8_lossy(data);
    let shown = text::visible(&original);
    assert!(!shown.chars().any(text::is_forbidden));
    assert_eq!(text::unescape(&shown), original, "what is escaped can be read back");
    let masked = secrets::mask(&original);
    assert_eq!(secrets::mask(&masked), masked, "masked once is masked");
    for columns in [0, 1, 7, 40] {
        assert!(text::width(&text::truncate_to_width(&shown, columns, "…")) <= columns);
        assert!(text::width(&text::truncate_middle(&shown, columns, "…")) <= columns);
    }
    if let Some(time) = Timestamp::parse(&original) {
        assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
    }
    if let Some(guid) = Guid::parse(&original) {
        assert_eq!(Guid::parse(&guid.to_string()), Some(guid));
    }
}
