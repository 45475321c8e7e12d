//! Events of other channels: PowerShell's script blocks, put together from their parts, and Security's new processes.
//!
//! Only events of interest are kept, up to a bound; the rest is counted. The detection sees none of them.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::model::batch::{Batch, EventHead, EventRecord, SourceId};
use crate::model::event::{Field, code};
use crate::model::host;
use crate::model::telemetry::Channel;
use crate::model::time::Timestamp;
use crate::store::Store;
use crate::store::events::interner::Symbol;
use crate::store::ids::EventId;

/// The texts of an event, by field.
pub type Texts<'a> = dyn Fn(Field) -> Option<&'a str> + 'a;
/// Returns true where an event, by its ID and its texts, is to be kept.
pub type Interest = Box<dyn for<'a> Fn(u16, &Texts<'a>) -> bool + Send>;

/// Bytes of script blocks that wait for their other parts. A block that waits longest is taken as it is.
const MAX_WAITING: usize = 32 << 20;
/// Events that are kept, and bytes of their texts.
const MAX_KEPT: u64 = 100_000;
const MAX_TEXT: usize = 128 << 20;

/// Counts of a channel's events on one host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelCoverage {
    /// Events of the ID that is read.
    pub events: u64,
    /// Of these, the ones without the text that matters: a 4688 without a command line.
    pub without_text: u64,
    /// The earliest and the latest time of them.
    pub span: Option<(Timestamp, Timestamp)>,
}

impl ChannelCoverage {
    fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.without_text += other.without_text;
        self.span = match (self.span, other.span) {
            (Some(one), Some(two)) => Some((one.0.min(two.0), one.1.max(two.1))),
            (one, two) => one.or(two),
        };
    }
}

/// A part of a script block.
struct Part {
    head: EventHead,
    source: SourceId,
    text: String,
}

/// A script block of which parts are missing.
struct Block {
    arrival: u64,
    computer: String,
    total: u32,
    bytes: usize,
    parts: BTreeMap<u32, Part>,
}

/// A script block that is whole, or as whole as it gets.
struct Joined {
    block_id: String,
    block: Block,
}

/// Script blocks that wait for their other parts.
#[derive(Default)]
struct ScriptBlocks {
    waiting: HashMap<(Symbol, String), Block>,
    by_arrival: BTreeMap<u64, (Symbol, String)>,
    bytes: usize,
    arrivals: u64,
}

impl ScriptBlocks {
    /// Adds a part; gives the blocks that are done with by it.
    fn add(
        &mut self,
        host: Symbol,
        computer: &str,
        block_id: &str,
        number: u32,
        total: u32,
        part: Part,
    ) -> Vec<Joined> {
        let key = (host, block_id.to_owned());
        let mut bytes = part.text.len() + size_of::<Part>();
        self.arrivals += 1;
        let arrival = self.arrivals;
        let block = self.waiting.entry(key.clone()).or_insert_with(|| {
            bytes += size_of::<Block>() + 2 * block_id.len() + computer.len();
            self.by_arrival.insert(arrival, key.clone());
            Block { arrival, computer: computer.to_owned(), total, bytes: 0, parts: BTreeMap::new() }
        });
        // A part that is there twice, in two files, is one.
        if let std::collections::btree_map::Entry::Vacant(entry) = block.parts.entry(number) {
            entry.insert(part);
            block.bytes += bytes;
            self.bytes += bytes;
        }
        let mut done = Vec::new();
        if block.parts.len() >= usize::try_from(block.total).unwrap_or(usize::MAX) {
            done.extend(self.take(&key));
        }
        while self.bytes > MAX_WAITING {
            let eldest = self.by_arrival.first_key_value().map(|(_, key)| key.clone());
            let Some(joined) = eldest.and_then(|key| self.take(&key)) else { break };
            done.push(joined);
        }
        done
    }

    fn take(&mut self, key: &(Symbol, String)) -> Option<Joined> {
        let block = self.waiting.remove(key)?;
        self.by_arrival.remove(&block.arrival);
        self.bytes = self.bytes.saturating_sub(block.bytes);
        Some(Joined { block_id: key.1.clone(), block })
    }

    /// All that still wait, in the order in which they came.
    fn take_all(&mut self) -> Vec<Joined> {
        self.bytes = 0;
        self.by_arrival.clear();
        let mut all: Vec<Joined> =
            self.waiting.drain().map(|((_, block_id), block)| Joined { block_id, block }).collect();
        all.sort_by_key(|joined| joined.block.arrival);
        all
    }
}

/// The events of other channels.
#[derive(Default)]
pub(super) struct Channels {
    interest: Option<Interest>,
    /// By host as written.
    hosts: HashMap<(Symbol, Channel), ChannelCoverage>,
    records: [u64; Channel::COUNT],
    blocks: ScriptBlocks,
    /// Of script blocks in several parts: how many are there, of how many.
    parts: HashMap<EventId, (u32, u32)>,
    kept: u64,
    kept_text: usize,
    dropped: u64,
}

impl Channels {
    /// The hosts of which there are events.
    pub(super) fn hosts(&self) -> impl Iterator<Item = Symbol> {
        self.hosts.keys().map(|(host, _)| *host)
    }

    /// The same for a store in which texts have other symbols, and events other numbers.
    pub(super) fn renamed(self, mut rename: impl FnMut(Symbol) -> Option<Symbol>) -> Self {
        let hosts = self.hosts.into_iter();
        let hosts = hosts
            .filter_map(|((host, channel), coverage)| Some(((rename(host)?, channel), coverage)))
            .collect();
        let mut blocks = ScriptBlocks {
            bytes: self.blocks.bytes,
            arrivals: self.blocks.arrivals,
            ..ScriptBlocks::default()
        };
        for ((host, block_id), block) in self.blocks.waiting {
            let Some(host) = rename(host) else { continue };
            blocks.by_arrival.insert(block.arrival, (host, block_id.clone()));
            blocks.waiting.insert((host, block_id), block);
        }
        Self { hosts, blocks, parts: HashMap::new(), ..self }
    }
}

impl Store {
    /// Returns true where events of other channels are collected.
    #[must_use]
    pub const fn reads_other_channels(&self) -> bool {
        self.telemetry.interest.is_some()
    }

    /// Sets which events of other channels are to be kept, before the first batch; without it none is.
    pub fn collect_channels(&mut self, interest: Interest) {
        self.telemetry.interest = Some(interest);
    }

    /// All records of a channel, of any Event ID.
    #[must_use]
    pub fn channel_records(&self, channel: Channel) -> u64 {
        self.telemetry.records.get(channel.index()).copied().unwrap_or(0)
    }

    /// Returns the counts of a channel on a host, by its name without case; `None` for all hosts.
    #[must_use]
    pub fn channel_coverage(&self, channel: Channel, host: Option<&str>) -> ChannelCoverage {
        let mut sum = ChannelCoverage::default();
        for ((name, of), coverage) in &self.telemetry.hosts {
            if *of == channel && host.is_none_or(|host| host::key(self.text(*name)) == host::key(host)) {
                sum.add(coverage);
            }
        }
        sum
    }

    /// Of a kept script block that was logged in several parts: how many were there, and of how many.
    #[must_use]
    pub fn parts_of(&self, event: EventId) -> Option<(u32, u32)> {
        self.telemetry.parts.get(&event).copied()
    }

    /// Events of other channels that were wanted, but for which there was no room any more.
    #[must_use]
    pub const fn dropped_channel_events(&self) -> u64 {
        self.telemetry.dropped
    }

    /// No more parts will come: script blocks that lack some are taken as they are.
    pub fn finish_script_blocks(&mut self) {
        for joined in self.telemetry.blocks.take_all() {
            self.take_joined(joined);
        }
    }

    pub(super) fn ingest_channels(&mut self, batch: &Batch) {
        for (sum, count) in self.telemetry.records.iter_mut().zip(batch.beside) {
            *sum += count;
        }
        for record in &batch.telemetry {
            self.count_channel_event(batch, record);
            if record.head.event_code == code::SCRIPT_BLOCK {
                self.take_part(batch, record);
            } else {
                self.consider(batch, record, None);
            }
        }
    }

    fn count_channel_event(&mut self, batch: &Batch, record: &EventRecord) {
        let channel = if record.head.event_code == code::SCRIPT_BLOCK {
            Channel::PowerShell
        } else {
            Channel::Security
        };
        let Some(host) = batch.text(record, Field::Computer).and_then(|host| self.events.intern(host)) else {
            return;
        };
        let lacks_text = channel == Channel::Security
            && batch.text(record, Field::CommandLine).is_none_or(|line| line == "-");
        self.telemetry.hosts.entry((host, channel)).or_default().add(&ChannelCoverage {
            events: 1,
            without_text: u64::from(lacks_text),
            span: record.head.time.map(|time| (time, time)),
        });
    }

    /// A script block, or a part of one.
    fn take_part(&mut self, batch: &Batch, record: &EventRecord) {
        let number = |field| batch.text(record, field).and_then(|text| text.trim().parse::<u32>().ok());
        let total = number(Field::MessageTotal).unwrap_or(1);
        let (Some(computer), Some(block_id), Some(place)) = (
            batch.text(record, Field::Computer),
            batch.text(record, Field::ScriptBlockId),
            number(Field::MessageNumber).filter(|_| total > 1),
        ) else {
            self.consider(batch, record, None);
            return;
        };
        if self.telemetry.interest.is_none() {
            return;
        }
        let Some(host) = self.events.intern(&host::key(computer)) else { return };
        let text = batch.text(record, Field::ScriptBlockText).unwrap_or_default().to_owned();
        let part = Part { head: record.head, source: batch.source, text };
        for joined in self.telemetry.blocks.add(host, computer, block_id, place, total, part) {
            self.take_joined(joined);
        }
    }

    fn take_joined(&mut self, joined: Joined) {
        let Joined { block_id, block } = joined;
        let Some(first) = block.parts.values().next() else { return };
        let text: String = block.parts.values().map(|part| part.text.as_str()).collect();
        let total = block.total.to_string();
        let mut batch = Batch::new(first.source);
        batch.push_telemetry(
            first.head,
            [
                (Field::Computer, block.computer.as_str()),
                (Field::ScriptBlockText, &text),
                (Field::ScriptBlockId, &block_id),
                (Field::MessageTotal, &total),
            ],
        );
        let there = u32::try_from(block.parts.len()).unwrap_or(u32::MAX);
        if let Some(record) = batch.telemetry.first() {
            self.consider(&batch, record, Some((there, block.total)));
        }
    }

    /// Keeps an event that the interest names.
    fn consider(&mut self, batch: &Batch, record: &EventRecord, parts: Option<(u32, u32)>) {
        let texts = |field| batch.text(record, field);
        let Some(interest) = &self.telemetry.interest else { return };
        if !interest(record.head.event_code, &texts) {
            return;
        }
        let name = texts(Field::Computer).and_then(|computer| self.events.name(computer));
        if !self.events.keeps_duplicates() && self.is_known(batch, record, name, true) {
            return;
        }
        let bytes = batch.text_bytes();
        if self.telemetry.kept >= MAX_KEPT || self.telemetry.kept_text + bytes > MAX_TEXT {
            self.telemetry.dropped += 1;
            return;
        }
        let Some(id) = self.events.insert(batch, record, name, true) else {
            self.telemetry.dropped += 1;
            return;
        };
        self.telemetry.kept += 1;
        self.telemetry.kept_text += Field::ALL
            .iter()
            .filter(|field| field.is_carried())
            .filter_map(|field| texts(*field))
            .map(str::len)
            .sum::<usize>();
        if let Some(parts) = parts {
            self.telemetry.parts.insert(id, parts);
        }
    }
}
