//! Rows that `scan --format ndjson` wrote, from many hosts, turned back into events with the verdicts of the scans.
//!
//! A line that is no row is named (file, line, reason) and costs no other. The names of logs in the rows become sources
//! of their own, so that a row's `Source` stays what it is; their place is the row's line.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use serde::Deserialize;

use super::encoding::{decoded, encoding};
use super::fault_log::{FaultLog, describe};
use super::format::MAX_HEAD;
use super::stream::{PipeReader, Stream};
use crate::files::open::{open_file, target_within};
use crate::model::batch::{Batch, EventHead, SourceId};
use crate::model::claim::{ClaimedActivity, ClaimedItem, JoinedValue, RowClaim};
use crate::model::event::{Field, code};
use crate::model::fault::{BugIn, Fault, FaultKind, Severity, SkipReason};
use crate::model::feed::{FeedMessage, Progress, SourceInfo};
use crate::model::guard::guarded;
use crate::model::guid::Guid;
use crate::model::row::Signal;
use crate::model::time::Timestamp;

/// Bytes of a line that are read; a row has a few thousand.
const MAX_LINE: u64 = 4 << 20;
/// Rows that are handed over at a time.
const AT_A_TIME: usize = 500;
/// The maximum depth of the search of folders.
const MAX_DEPTH: usize = 32;
/// Names that a file of rows may have in a folder.
const ENDINGS: [&str; 3] = ["ndjson", "jsonl", "json"];

/// Reads all rows that the paths name, folders with all that is in them, `-` for standard input.
pub fn load_rows(paths: &[PathBuf], progress: &Progress, sink: &dyn Fn(FeedMessage) -> bool) {
    let mut reader = ScanRowReader {
        progress,
        sink,
        is_gone: false,
        sources: HashMap::new(),
        next_source: 0,
        kept: HashSet::new(),
    };
    let mut files = Vec::new();
    for path in paths {
        reader.find(path, &mut files);
    }
    for path in files {
        if reader.is_over() {
            break;
        }
        if guarded(|| reader.file(&path)).is_none() {
            reader.fault_of(&path, Severity::Unreadable, FaultKind::Bug(BugIn::File));
        }
        progress.files_done.fetch_add(1, Ordering::Relaxed);
    }
    reader.send(FeedMessage::Finished);
}

/// Returns whether a file in a folder of rows is read, by its name.
#[must_use]
pub fn is_row_file(path: &Path) -> bool {
    path.extension().is_some_and(|own| ENDINGS.iter().any(|ending| own.eq_ignore_ascii_case(ending)))
}

struct ScanRowReader<'a> {
    progress: &'a Progress,
    sink: &'a dyn Fn(FeedMessage) -> bool,
    is_gone: bool,
    /// The sources of the file that is read, by the names that its rows give them.
    sources: HashMap<String, SourceId>,
    next_source: u32,
    /// The files that will be read, so that none is read twice.
    kept: HashSet<PathBuf>,
}

impl ScanRowReader<'_> {
    fn send(&mut self, message: FeedMessage) {
        self.is_gone = self.is_gone || !(self.sink)(message);
    }

    fn is_over(&self) -> bool {
        self.is_gone || self.progress.is_stopped()
    }

    fn fault(&mut self, path: &Path, kind: FaultKind) {
        self.send(FeedMessage::Fault(Fault::new(path.display().to_string(), kind)));
    }

    /// Reports a fault that is graver or less grave here than its kind is.
    fn fault_of(&mut self, path: &Path, severity: Severity, kind: FaultKind) {
        let fault = Fault::new(path.display().to_string(), kind).with_severity(severity);
        self.send(FeedMessage::Fault(fault));
    }

    /// The files of a path, in order of their names.
    fn find(&mut self, path: &Path, files: &mut Vec<PathBuf>) {
        if path.as_os_str() == "-" {
            self.keep(path, 0, files);
            return;
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                let before = files.len();
                let real_root = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
                let mut others = 0;
                self.search(path, &real_root, 0, files, &mut others);
                if others > 0 {
                    self.fault(path, FaultKind::SkippedByName(others));
                }
                if files.len() == before {
                    self.fault(path, FaultKind::NoRowFiles);
                }
            }
            Ok(metadata) => self.keep(path, metadata.len(), files),
            Err(error) => self.fault(path, describe(&error)),
        }
    }

    fn keep(&mut self, path: &Path, size: u64, files: &mut Vec<PathBuf>) {
        if self.kept.insert(path.to_owned()) {
            self.progress.files_found.fetch_add(1, Ordering::Relaxed);
            self.progress.bytes_found.fetch_add(size, Ordering::Relaxed);
            files.push(path.to_owned());
        }
    }

    /// Searches a folder; counts the files that are none of rows by their names.
    fn search(
        &mut self,
        folder: &Path,
        real_root: &Path,
        depth: usize,
        files: &mut Vec<PathBuf>,
        others: &mut u64,
    ) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.fault(folder, describe(&error)),
        };
        let mut paths: Vec<PathBuf> = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => paths.push(entry.path()),
                Err(error) => self.fault_of(folder, Severity::Loss, describe(&error)),
            }
        }
        paths.sort_unstable();
        for path in paths {
            let is_link = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_symlink());
            let metadata = match fs::metadata(&path) {
                Ok(metadata) => metadata,
                Err(_) if is_link => {
                    self.fault(&path, FaultKind::DeadLink);
                    continue;
                }
                Err(error) => {
                    self.fault(&path, describe(&error));
                    continue;
                }
            };
            let would_read = metadata.is_dir() || (metadata.is_file() && is_row_file(&path));
            if is_link && would_read && !target_within(&path, real_root).is_ok_and(|target| target.is_some())
            {
                self.fault_of(&path, Severity::Unreadable, FaultKind::LinkOut);
            } else if metadata.is_dir() && is_link {
                self.fault(&path, FaultKind::LinkToFolder);
            } else if metadata.is_dir() && depth == MAX_DEPTH {
                self.fault(&path, FaultKind::TooDeep(MAX_DEPTH));
            } else if metadata.is_dir() {
                self.search(&path, real_root, depth + 1, files, others);
            } else if metadata.is_file() && is_row_file(&path) {
                self.keep(&path, metadata.len(), files);
            } else {
                *others += 1;
            }
        }
    }

    fn file(&mut self, path: &Path) {
        self.sources.clear();
        let progress = self.progress;
        let is_over = || progress.is_stopped();
        let opened: io::Result<Stream<'_>> = if path.as_os_str() == "-" {
            PipeReader::standard_input(&is_over).map(|pipe| Box::new(pipe) as Stream<'_>)
        } else {
            open(path)
        };
        match opened {
            Ok(stream) => self.lines(path, &mut BufReader::with_capacity(64 << 10, stream)),
            Err(error) => self.fault(path, describe(&error)),
        }
    }

    fn lines(&mut self, path: &Path, reader: &mut impl BufRead) {
        // Faults of the file as a whole belong to a source too.
        let own = self.source(path, &name_of(path));
        let mut batch = Batch::new(own);
        let mut faults = FaultLog::default();
        let (mut number, mut place) = (0_u64, 0_u64);
        let mut bytes = Vec::new();
        let mut rows = 0_u64;
        while !self.is_over() {
            bytes.clear();
            let length = match read_line(reader, &mut bytes) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) => {
                    faults.add(fault(own, path, FaultKind::RestUnread(Box::new(describe(&error)))));
                    break;
                }
            };
            number += 1;
            let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes).trim_ascii();
            if !text.is_empty() {
                let read = if length > MAX_LINE {
                    Err(format!("it has {length} bytes, too many for a row"))
                } else {
                    ScanRow::read(text)
                };
                match read.and_then(|row| self.push(path, place, row, &mut batch)) {
                    Ok(()) => rows += 1,
                    Err(reason) => {
                        batch.tally.skip(SkipReason::Damaged, 1);
                        faults.add(fault(own, path, FaultKind::line(number, reason)).losing(1));
                    }
                }
            }
            place += length;
            batch.tally.bytes += length;
            self.progress.bytes_done.fetch_add(length, Ordering::Relaxed);
            if batch.events.len() >= AT_A_TIME {
                self.hand_over(&mut batch);
            }
        }
        if rows == 0 && !self.is_over() {
            faults.add(fault(own, path, FaultKind::NoRows));
        }
        batch.faults = faults.take(own, &path.display().to_string());
        self.hand_over(&mut batch);
    }

    fn hand_over(&mut self, batch: &mut Batch) {
        let full = std::mem::replace(batch, Batch::new(batch.source));
        self.progress.records_done.fetch_add(full.tally.records(), Ordering::Relaxed);
        if !full.is_empty() {
            self.send(FeedMessage::Batch(full));
        }
    }

    /// The source of a name, made known where it is new.
    fn source(&mut self, path: &Path, name: &str) -> SourceId {
        if let Some(id) = self.sources.get(name) {
            return *id;
        }
        let id = SourceId(self.next_source);
        self.next_source = self.next_source.saturating_add(1);
        self.sources.insert(name.to_owned(), id);
        self.send(FeedMessage::Source(SourceInfo {
            id,
            path: path.to_owned(),
            name: name.to_owned(),
            size: None,
        }));
        id
    }

    /// Adds a row's event and claim.
    fn push(&mut self, path: &Path, place: u64, row: ScanRow, batch: &mut Batch) -> Result<(), String> {
        let (signal, time) = row.check()?;
        let activity = row.claimed_activity();
        let mut joined = Vec::new();
        let mut own = row.fields();
        for (name, origin) in row.joined.unwrap_or_default() {
            let field = Field::from_name(&name).filter(|field| JOINABLE.contains(field));
            let field =
                field.ok_or_else(|| format!("Joined names {name}, which is no field that is joined"))?;
            let slot = own.iter_mut().find(|(known, _)| *known == field);
            let value = slot.and_then(|(_, value)| std::mem::replace(value, origin.own));
            let value = value.ok_or_else(|| format!("Joined names {name}, but the row has none"))?;
            let source = self.source(path, origin.source.as_deref().unwrap_or_default());
            joined.push(JoinedValue {
                field,
                value,
                event_code: origin.event_code,
                record_id: origin.record_id,
                source,
            });
        }
        let source = self.source(path, row.source.as_deref().unwrap_or_default());
        let guid = row.process_guid.as_deref();
        let process_guid = guid.and_then(Guid::parse);
        let odd_guid = guid.filter(|_| process_guid.is_none());
        if batch.source != source {
            // A batch is of one source; the counts so far go with the one before.
            self.hand_over(batch);
            batch.source = source;
        }
        let head = EventHead {
            event_code: row.event_code,
            time,
            record_id: row.record_id,
            place,
            process_guid,
            parent_process_guid: None,
        };
        let texts = own.iter().filter_map(|(field, value)| Some((*field, value.as_deref()?)));
        batch.push(head, texts.chain(odd_guid.map(|guid| (Field::ProcessGuid, guid))));
        batch.tally.count_sysmon(row.event_code);
        batch.claims.push(RowClaim {
            signal,
            is_ci_system: row.is_ci_system == 1,
            is_known_ide: row.is_known_ide == 1,
            suspicion_score: row.suspicion_score,
            why: row.why.unwrap_or_default(),
            joined,
            activity,
        });
        Ok(())
    }
}

/// The row's fields that can be joined.
const JOINABLE: [Field; 4] =
    [Field::CommandLine, Field::ParentImage, Field::ParentCommandLine, Field::DestinationHostname];

/// A row as CONTRACT.md has it; columns that are missing are null.
#[derive(Deserialize)]
struct ScanRow {
    #[serde(rename = "_time")]
    time: Option<String>,
    host: Option<String>,
    #[serde(rename = "User")]
    user: Option<String>,
    #[serde(rename = "Image")]
    image: Option<String>,
    #[serde(rename = "CommandLine")]
    command_line: Option<String>,
    #[serde(rename = "ParentImage")]
    parent_image: Option<String>,
    #[serde(rename = "ParentCommandLine")]
    parent_command_line: Option<String>,
    #[serde(rename = "DestinationHostname")]
    destination_hostname: Option<String>,
    #[serde(rename = "Signal")]
    signal: String,
    #[serde(rename = "IsCISystem")]
    is_ci_system: u8,
    #[serde(rename = "IsKnownIDE")]
    is_known_ide: u8,
    #[serde(rename = "SuspicionScore")]
    suspicion_score: u8,
    #[serde(rename = "EventCode")]
    event_code: u16,
    #[serde(rename = "ProcessGuid")]
    process_guid: Option<String>,
    #[serde(rename = "RecordId")]
    record_id: Option<u64>,
    #[serde(rename = "Source")]
    source: Option<String>,
    #[serde(rename = "Joined")]
    joined: Option<HashMap<String, JoinedFrom>>,
    #[serde(rename = "Why")]
    why: Option<String>,
    #[serde(rename = "Repository")]
    repository: Option<String>,
    #[serde(rename = "Owner")]
    owner: Option<String>,
    #[serde(rename = "Activity")]
    activity: Option<String>,
    #[serde(rename = "Incident")]
    incident: Option<String>,
    #[serde(rename = "Evidence", default)]
    evidence: Vec<EvidenceOfRow>,
    #[serde(rename = "EvidencePoints")]
    evidence_points: Option<i32>,
}

/// An item of evidence. Rows of before had other things under that name, which are no items.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct EvidenceOfRow {
    item: Option<String>,
    points: i8,
    why: String,
    record: Option<u64>,
}

/// The origin of a joined field, and the event's own value of it.
#[derive(Deserialize)]
struct JoinedFrom {
    #[serde(rename = "RecordId")]
    record_id: Option<u64>,
    #[serde(rename = "EventCode")]
    event_code: u16,
    #[serde(rename = "Source")]
    source: Option<String>,
    #[serde(rename = "Own")]
    own: Option<String>,
}

impl ScanRow {
    fn read(line: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(line).map_err(|error| {
            let text = error.to_string();
            let what = text.split(" at line ").next().unwrap_or_default().to_owned();
            if error.is_data() {
                format!("it is no row of a scan: {what}")
            } else {
                format!("it is no JSON: {what}")
            }
        })
    }

    fn check(&self) -> Result<(Signal, Option<Timestamp>), String> {
        let signal = Signal::ALL.iter().copied().find(|signal| signal.name() == self.signal);
        let signal = signal.ok_or_else(|| format!("{} is no signal that is known here", self.signal))?;
        let time = match self.time.as_deref() {
            Some(text) => Some(Timestamp::parse(text).ok_or_else(|| format!("_time is no time: {text}"))?),
            None => None,
        };
        let is_lead_of_query = self.event_code == code::DNS_QUERY && signal.is_lead();
        if !matches!(self.event_code, code::PROCESS_CREATE | code::NETWORK_CONNECT) && !is_lead_of_query {
            return Err(format!("the detection selects no event of EventCode {}", self.event_code));
        }
        if self.suspicion_score > 3 {
            return Err(format!("SuspicionScore is {}, not 0 to 3", self.suspicion_score));
        }
        if self.is_ci_system > 1 || self.is_known_ide > 1 {
            return Err("IsCISystem and IsKnownIDE are 0 or 1".to_owned());
        }
        Ok((signal, time))
    }

    /// Returns the activity that the scan put the row into.
    fn claimed_activity(&self) -> Option<ClaimedActivity> {
        let name = self.activity.clone()?;
        let items = self.evidence.iter().filter_map(|item| {
            Some(ClaimedItem {
                item: item.item.clone()?,
                points: item.points,
                why: item.why.clone(),
                record: item.record,
            })
        });
        Some(ClaimedActivity {
            incident: self.incident.clone().unwrap_or_else(|| name.clone()),
            name,
            repository: self.repository.clone(),
            owner: self.owner.clone(),
            evidence: items.collect(),
            points: self.evidence_points.unwrap_or(0),
        })
    }

    fn fields(&self) -> Vec<(Field, Option<String>)> {
        vec![
            (Field::Computer, self.host.clone()),
            (Field::User, self.user.clone()),
            (Field::Image, self.image.clone()),
            (Field::CommandLine, self.command_line.clone()),
            (Field::ParentImage, self.parent_image.clone()),
            (Field::ParentCommandLine, self.parent_command_line.clone()),
            (Field::DestinationHostname, self.destination_hostname.clone()),
        ]
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn fault(source: SourceId, path: &Path, kind: FaultKind) -> Fault {
    Fault::new(path.display().to_string(), kind).of_source(source)
}

/// A file as UTF-8: some shells redirect a program's output as UTF-16.
fn open(path: &Path) -> io::Result<Stream<'static>> {
    let mut file = open_file(path)?;
    let mut head = Vec::new();
    (&mut file).take(MAX_HEAD as u64).read_to_end(&mut head)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(decoded(Box::new(file), encoding(&head)))
}

/// A line's bytes, of an overlong one the first; returns how many it has, with its break.
fn read_line(reader: &mut impl BufRead, bytes: &mut Vec<u8>) -> io::Result<u64> {
    let mut length = 0;
    loop {
        let read = reader.by_ref().take(MAX_LINE).read_until(b'\n', bytes)?;
        length += read as u64;
        if read == 0 || bytes.last() == Some(&b'\n') {
            return Ok(length);
        }
        bytes.truncate(usize::try_from(MAX_LINE).unwrap_or(usize::MAX));
    }
}
