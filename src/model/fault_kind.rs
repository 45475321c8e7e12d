//! The kinds of faults: each with its severity, and its sentence for people.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use super::fault::Severity;
use super::guard::IS_A_BUG;

/// The kind of a fault. Code and tests compare kinds; the sentence is for people.
///
/// A fault of a new kind is a variant here, with its severity and its sentence below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// A path that does not exist.
    NotFound,
    /// A file or folder that this account may not read.
    NoPermission,
    /// A file that another program holds open.
    InUse,
    /// A file that can't be read.
    CantRead(StreamError),
    /// A packed file that can't be unpacked.
    CantUnpack(StreamError),
    /// A stream that can't be read after this line.
    CutOff {
        /// The last line that was read.
        line: u64,
        /// The error after it.
        error: StreamError,
    },
    /// A file of rows that can't be read further.
    RestUnread(Box<Self>),
    /// Bytes of a file that can't be read.
    BytesUnread {
        /// Their count.
        bytes: u64,
        /// The system's error.
        error: String,
    },
    /// A file of no bytes.
    Empty,
    /// A named path that is neither a file nor a folder.
    NotAFile(&'static str),
    /// A special file in a folder.
    NotOpened(&'static str),
    /// Further special files in a folder.
    MoreNotOpened(u64),
    /// A link whose target does not exist.
    DeadLink,
    /// A link to a folder that is read under its own name.
    LinkToReadFolder,
    /// A link to a folder.
    LinkToFolder,
    /// A link that leads out of the named folder.
    LinkOut,
    /// Further links that lead out of the named folder.
    MoreLinksOut(u64),
    /// A folder deeper than this is not searched.
    TooDeep(usize),
    /// A folder without events, and its count of other files.
    NoEventsInFolder(u64),
    /// Files of a folder that hold no events.
    SkippedFiles(u64),
    /// Entries that macOS adds to archives.
    SkippedAppleEntries(u64),
    /// Files of a folder whose names are not those of row files.
    SkippedByName(u64),
    /// A folder without a row file.
    NoRowFiles,
    /// A packing that is not read, with the clause that names it.
    OtherPacking(&'static str),
    /// An archive inside of an archive.
    NestedArchive,
    /// A ZIP archive in a stream.
    ArchiveInStream,
    /// A file packed in more layers than are unpacked.
    PackedTooOften,
    /// An archive whose directory is damaged.
    ArchiveDamaged,
    /// An archive whose members overlap.
    ArchiveOverlap,
    /// An encrypted member of an archive.
    Encrypted,
    /// A member of an archive with a damaged header.
    MemberDamaged,
    /// A member of an archive in a compression method that is not read.
    UnknownMethod(u16),
    /// Text without events.
    NoEventsInText,
    /// A stream in an unknown format.
    UnknownContent,
    /// A source without events.
    NoEvents,
    /// A table without names of columns.
    NoColumns,
    /// A file without rows of a scan.
    NoRows,
    /// Events that lack the fields that Sysmon always writes; the counts, as a clause.
    NotUnderstood(String),
    /// A line that can't be read, or only in part.
    Line {
        /// Its number, from 1.
        line: u64,
        /// The reason, as a clause.
        why: Cow<'static, str>,
    },
    /// A record whose text is not UTF-8.
    NotUtf8 {
        /// Its line.
        line: u64,
    },
    /// A log of zeros.
    Zeros,
    /// A file without any chunk of a log.
    NotALog,
    /// A log without its file header.
    NoFileHeader,
    /// A log whose file header is older than its chunks.
    OldFileHeader {
        /// Chunks by the header.
        counted: u64,
        /// Chunks in the file.
        found: u64,
    },
    /// Bytes of a log that hold no records.
    NoLogData {
        /// Their count.
        bytes: u64,
        /// Their offset in the file.
        start: u64,
    },
    /// A file that became shorter while it was read.
    Shrunk {
        /// Its end now.
        end: u64,
    },
    /// Records that are missing by the numbers around them, or by the file header; the numbers, as a clause.
    MissingRecords(String),
    /// A part of a log, or a log whose header can't be believed, as a clause.
    UncertainEnd(String),
    /// A log of which no chunk is left, as a clause.
    NoChunkLeft(String),
    /// A record that can't be read, with the reason as a clause.
    Record(Cow<'static, str>),
    /// A damaged record that could be read, with the damage as a clause.
    RecordNotice(&'static str),
    /// A damaged chunk of which nothing is lost, with the damage as a clause.
    Chunk(&'static str),
    /// Records read through the templates of other chunks.
    TemplatesRecovered(u64),
    /// Records whose templates are overwritten, in a log that still grows.
    TemplatesLost(u64),
    /// An offset of a growing log that should hold a chunk.
    NoChunk,
    /// Faults of a file that are counted and not named.
    More {
        /// Their count.
        places: u64,
        /// Records that are lost by them.
        records: u64,
    },
    /// A failure of the program itself.
    Bug(BugIn),
    /// A followed path that does not exist yet.
    NotThereYet,
    /// A packed file that appears in a followed folder.
    PackedLater,
    /// More files grow than are followed.
    TooManyFollowed(u64),
    /// No thread could be started, as a clause.
    NoThread(String),
    /// A fault after which further ones of its kind are not named.
    AndOthers(Box<Self>),
    /// A fault of the live channel, as a clause.
    Live(String),
    /// Two events of one host and record number that differ, as a clause.
    Contradiction(String),
    /// More events than there are numbers for.
    NoNumbersLeft(u64),
}

/// The part of the program that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BugIn {
    /// The reader of a chunk.
    Chunk,
    /// The reader of a file.
    File,
    /// The reader of lines, from this one on.
    Lines(u64),
    /// A thread that read a part of a stream.
    Thread,
    /// The reader of an event of the live channel.
    Event,
    /// The reading as a whole.
    Reading,
}

/// An error of a stream of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamError {
    /// A packed stream that expands beyond this ratio.
    Bomb(u64),
    /// A packed log above the size limit of unpacking to disk, in GiB.
    TooLarge(u64),
    /// A member of an archive whose checksum is wrong.
    WrongChecksum,
    /// The system's error, or the unpacker's.
    Io(String),
}

impl FaultKind {
    /// A fault of one line.
    pub fn line(line: u64, why: impl Into<Cow<'static, str>>) -> Self {
        Self::Line { line, why: why.into() }
    }

    /// The severity of a fault of this kind, unless the code that finds it knows better.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::NotOpened(_)
            | Self::MoreNotOpened(_)
            | Self::DeadLink
            | Self::LinkToReadFolder
            | Self::LinkToFolder
            | Self::SkippedFiles(_)
            | Self::SkippedAppleEntries(_)
            | Self::SkippedByName(_)
            | Self::NoEvents
            | Self::NoRows
            | Self::NotUtf8 { .. }
            | Self::NoFileHeader
            | Self::OldFileHeader { .. }
            | Self::UncertainEnd(_)
            | Self::RecordNotice(_)
            | Self::Chunk(_)
            | Self::TemplatesRecovered(_)
            | Self::NotThereYet => Severity::Notice,
            Self::CutOff { .. }
            | Self::RestUnread(_)
            | Self::BytesUnread { .. }
            | Self::LinkOut
            | Self::MoreLinksOut(_)
            | Self::NoColumns
            | Self::NotUnderstood(_)
            | Self::Line { .. }
            | Self::NoLogData { .. }
            | Self::Shrunk { .. }
            | Self::MissingRecords(_)
            | Self::Record(_)
            | Self::TemplatesLost(_)
            | Self::NoChunk
            | Self::More { .. }
            | Self::Bug(_)
            | Self::TooManyFollowed(_)
            | Self::NoThread(_)
            | Self::AndOthers(_)
            | Self::Live(_)
            | Self::Contradiction(_)
            | Self::NoNumbersLeft(_) => Severity::Loss,
            Self::NotFound
            | Self::NoPermission
            | Self::InUse
            | Self::CantRead(_)
            | Self::CantUnpack(_)
            | Self::Empty
            | Self::NotAFile(_)
            | Self::TooDeep(_)
            | Self::NoEventsInFolder(_)
            | Self::NoRowFiles
            | Self::OtherPacking(_)
            | Self::NestedArchive
            | Self::ArchiveInStream
            | Self::PackedTooOften
            | Self::ArchiveDamaged
            | Self::ArchiveOverlap
            | Self::Encrypted
            | Self::MemberDamaged
            | Self::UnknownMethod(_)
            | Self::NoEventsInText
            | Self::UnknownContent
            | Self::Zeros
            | Self::NotALog
            | Self::PackedLater
            | Self::NoChunkLeft(_) => Severity::Unreadable,
        }
    }

    /// Returns whether it is an archive or a stream that expands beyond all measure.
    #[must_use]
    pub const fn is_bomb(&self) -> bool {
        match self {
            Self::CantRead(error) | Self::CantUnpack(error) | Self::CutOff { error, .. } => {
                matches!(error, StreamError::Bomb(_))
            }
            _ => matches!(self, Self::ArchiveOverlap),
        }
    }

    /// Returns whether it is a failure of the program itself.
    #[must_use]
    pub const fn is_bug(&self) -> bool {
        matches!(self, Self::Bug(_))
    }
}

/// A clause without a full stop: the cause, and the remedy.
impl fmt::Display for FaultKind {
    #[allow(clippy::too_many_lines, reason = "one sentence a kind")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("there is no such file or folder: check the spelling"),
            Self::NoPermission => {
                f.write_str("no permission to read it: use an account that may, or copy it to where you may")
            }
            Self::InUse => {
                f.write_str("another program has it open: export it first (wevtutil epl), or use --live")
            }
            Self::CantRead(error) => write!(f, "it can't be read: {error}"),
            Self::CantUnpack(error) => write!(f, "it can't be unpacked: {error}"),
            Self::CutOff { line, error } => write!(f, "from line {line} on it can't be read: {error}"),
            Self::RestUnread(kind) => write!(f, "the rest can't be read: {kind}"),
            Self::BytesUnread { bytes, error } => write!(f, "{bytes} bytes can't be read: {error}"),
            Self::Empty => f.write_str("it is empty (0 bytes): copy it again from where it comes from"),
            Self::NotAFile(kind) => {
                write!(f, "it is {kind}; only files and folders are read, and `-` for standard input")
            }
            Self::NotOpened(kind) => write!(f, "it is {kind} and was not opened"),
            Self::MoreNotOpened(count) => {
                write!(f, "{} more that are pipes, sockets or devices were not opened", Files(*count))
            }
            Self::DeadLink => f.write_str("it is a link that leads nowhere"),
            Self::LinkToReadFolder => {
                f.write_str("it is a link to a folder that is read already; it was not followed")
            }
            Self::LinkToFolder => f.write_str("it is a link to a folder, which is not followed"),
            Self::LinkOut => {
                f.write_str("it is a link out of the folder and was not followed: name what it leads to")
            }
            Self::MoreLinksOut(count) => write!(f, "{count} more links out of the folder were not followed"),
            Self::TooDeep(depth) => write!(f, "it lies more than {depth} folders deep: name it itself"),
            Self::NoEventsInFolder(skipped) => write!(
                f,
                "nothing in it holds events of Windows (.evtx, XML, JSON, CSV, also packed); {} of other kinds were \
                 passed over",
                Files(*skipped)
            ),
            Self::SkippedFiles(1) => f.write_str("1 file that is no log was passed over"),
            Self::SkippedFiles(count) => write!(f, "{count} files that are no logs were passed over"),
            Self::SkippedAppleEntries(count) => {
                let entries = if *count == 1 { "entry" } else { "entries" };
                write!(f, "{count} {entries} that macOS adds to archives (._*, __MACOSX) passed over")
            }
            Self::SkippedByName(count) => write!(
                f,
                "{count} files in it that do not end in .ndjson, .jsonl or .json were skipped: name those that hold \
                 rows"
            ),
            Self::NoRowFiles => {
                f.write_str("no file in it ends in .ndjson, .jsonl or .json: name the files of rows")
            }
            Self::OtherPacking(clause) | Self::RecordNotice(clause) | Self::Chunk(clause) => f.write_str(clause),
            Self::NestedArchive => f.write_str(
                "it is an archive in an archive, which is not opened: unpack the outer one, and name the folder",
            ),
            Self::ArchiveInStream => f.write_str(
                "it is a ZIP archive that can't be read where it stands: unpack it, and name the folder",
            ),
            Self::PackedTooOften => f.write_str("it is packed more than twice: unpack it first"),
            Self::ArchiveDamaged => f.write_str(
                "the archive's directory is damaged or missing: copy it again, or unpack what is left of it",
            ),
            Self::ArchiveOverlap => {
                f.write_str("the archive's files overlap, as a bomb's do; unpack it yourself if you trust it")
            }
            Self::Encrypted => f.write_str("it is encrypted: unpack it first, with its password"),
            Self::MemberDamaged => f.write_str("the archive is damaged where this file begins"),
            Self::UnknownMethod(method) => {
                write!(f, "it is packed by method {method}, which is not read: unpack it first")
            }
            Self::NoEventsInText => f.write_str(
                "it is text in which no events of Windows are found: name the log itself, or say what it is",
            ),
            Self::UnknownContent => f.write_str(
                "it holds no events that can be told by its content: name the log itself, or say what it is",
            ),
            Self::NoEvents => f.write_str("it holds no events"),
            Self::NoColumns => f.write_str("no row of it names its columns"),
            Self::NoRows => f.write_str("no line of it is a row of `exfilscope scan --format ndjson`"),
            Self::NotUnderstood(clause)
            | Self::MissingRecords(clause)
            | Self::UncertainEnd(clause)
            | Self::NoChunkLeft(clause)
            | Self::NoThread(clause)
            | Self::Live(clause)
            | Self::Contradiction(clause) => f.write_str(clause),
            Self::Line { line, why } => write!(f, "line {line}: {why}"),
            Self::NotUtf8 { line } => {
                write!(f, "line {line}: some of its text is no UTF-8 and is shown as U+FFFD")
            }
            Self::Zeros => {
                f.write_str("it holds nothing but zeros: copy it again from where it comes from")
            }
            Self::NotALog => f.write_str("no part of it is a Windows event log: name a .evtx file"),
            Self::NoFileHeader => {
                f.write_str("the file's header is missing or overwritten; its chunks were found without it")
            }
            Self::OldFileHeader { counted, found } => {
                write!(f, "the file's header is out of date: it counts {counted} chunks, {found} were found")
            }
            Self::NoLogData { bytes, start } => write!(f, "{bytes} bytes at byte {start} are no log data"),
            Self::Shrunk { end } => {
                write!(f, "the file became shorter while it was read: it ends at byte {end} now")
            }
            Self::Record(why) => f.write_str(why),
            Self::TemplatesRecovered(records) => write!(
                f,
                "the templates of {records} records are overwritten; they were read by those of other chunks"
            ),
            Self::TemplatesLost(records) => write!(f, "the templates of {records} records are overwritten"),
            Self::NoChunk => f.write_str("no chunk stands where one should"),
            Self::More { places, records } => {
                write!(f, "{places} more places are damaged, {records} more records are lost in them")
            }
            Self::Bug(part) => write!(f, "{part}, {IS_A_BUG}"),
            Self::NotThereYet => f.write_str("it is not there yet: it is waited for"),
            Self::PackedLater => f.write_str(
                "it is packed and came after the start, when only files that grow are taken up: name it",
            ),
            Self::TooManyFollowed(files) => {
                write!(f, "more than {files} files grow here; this one and those behind it are not followed")
            }
            Self::AndOthers(kind) => write!(f, "{kind}; further files of this kind are not named"),
            Self::NoNumbersLeft(events) => write!(
                f,
                "{events} events could not be kept: there are numbers for four thousand million; read fewer logs at \
                 a time"
            ),
        }
    }
}

/// A count of files with its noun.
struct Files(u64);

impl fmt::Display for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, if self.0 == 1 { "file" } else { "files" })
    }
}

impl fmt::Display for BugIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chunk => f.write_str("the reader failed on this chunk"),
            Self::File => f.write_str("the reader failed on this file"),
            Self::Lines(line) => write!(f, "the reader failed on the lines from {line} on"),
            Self::Thread => f.write_str("a part of it was lost with the thread that read it"),
            Self::Event => f.write_str("the reader failed on this event"),
            Self::Reading => f.write_str("reading failed"),
        }
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bomb(ratio) => write!(
                f,
                "it unpacks to more than {ratio} times its size, as a bomb does; unpack it yourself if you trust it"
            ),
            Self::TooLarge(gib) => write!(f, "it unpacks to more than {gib} GiB: unpack it yourself"),
            Self::WrongChecksum => f.write_str("its checksum is wrong: copy the archive again"),
            Self::Io(error) => f.write_str(error),
        }
    }
}

impl Error for StreamError {}
