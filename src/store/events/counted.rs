//! Events that are only counted, packed. A scan of a log that is read once never looks one up, and a log has as many of
//! them as it has events: here one takes some 8 bytes in place of 40. Where record numbers meet after all, they are
//! unpacked in the order in which they came.

use crate::model::time::Timestamp;
use crate::store::events::dedup::EventKey;
use crate::store::events::interner::Symbol;

/// Bytes of a block: blocks are not moved when the next one begins.
const BLOCK_BYTES: usize = 1 << 16;
/// Bytes of one event at most: a byte of marks and four numbers of up to 10 bytes.
const MAX_BYTES: usize = 41;

const HAS_OTHER_HOST: u8 = 1;
const HAS_TIME: u8 = 1 << 1;
/// The fraction is stored in units of its last digit.
const IS_SCALED: u8 = 1 << 2;
/// The first bit of the number of digits, 0 to 9.
const DIGITS_SHIFT: u8 = 3;

/// An event that is only counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Counted {
    pub(in crate::store) event_key: EventKey,
    pub(in crate::store) event_code: u16,
}

/// The numbers that the next event's are stored relative to.
#[derive(Clone, Copy, Default)]
struct Previous {
    host: Option<Symbol>,
    record: u64,
    seconds: i64,
}

/// Counted events in the order in which they came.
#[derive(Default)]
pub(in crate::store) struct Packed {
    blocks: Vec<Vec<u8>>,
    /// The host of each event whose host is another one than that of the event before it.
    hosts: Vec<Symbol>,
    previous: Previous,
    count: usize,
}

impl Packed {
    pub(in crate::store) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(in crate::store) fn bytes(&self) -> usize {
        self.blocks.iter().map(Vec::capacity).sum::<usize>() + self.hosts.capacity() * size_of::<Symbol>()
    }

    pub(in crate::store) fn push(&mut self, Counted { event_key, event_code }: Counted) {
        if self.blocks.last().is_none_or(|block| block.len() + MAX_BYTES > BLOCK_BYTES) {
            self.blocks.push(Vec::with_capacity(BLOCK_BYTES));
        }
        let Some(block) = self.blocks.last_mut() else { return };
        let mut marks = 0;
        if self.previous.host != Some(event_key.host) {
            marks |= HAS_OTHER_HOST;
            self.hosts.push(event_key.host);
        }
        let mut fraction = 0;
        if let Some(time) = event_key.time {
            let unit = 10_u32.pow(u32::from(9 - time.digits().min(9)));
            marks |= HAS_TIME | time.digits() << DIGITS_SHIFT;
            fraction = time.subsec_nanoseconds();
            if fraction.is_multiple_of(unit) {
                marks |= IS_SCALED;
                fraction /= unit;
            }
        }
        block.push(marks);
        write_signed(block, event_key.record.wrapping_sub(self.previous.record).cast_signed());
        write(block, u64::from(event_code));
        self.previous.host = Some(event_key.host);
        self.previous.record = event_key.record;
        if let Some(time) = event_key.time {
            write_signed(block, time.unix_seconds().wrapping_sub(self.previous.seconds));
            write(block, u64::from(fraction));
            self.previous.seconds = time.unix_seconds();
        }
        self.count += 1;
    }

    /// Returns the events in the order in which they came.
    pub(in crate::store) fn iter(&self) -> impl Iterator<Item = Counted> + '_ {
        let mut hosts = self.hosts.iter().copied();
        let mut previous = Previous::default();
        self.blocks.iter().flat_map(move |block| {
            let mut rest = block.as_slice();
            let mut events = Vec::new();
            while let Some(event) = read_event(&mut rest, &mut hosts, &mut previous) {
                events.push(event);
            }
            events
        })
    }
}

fn read_event(
    rest: &mut &[u8],
    hosts: &mut impl Iterator<Item = Symbol>,
    previous: &mut Previous,
) -> Option<Counted> {
    let (marks, after) = rest.split_first()?;
    *rest = after;
    if marks & HAS_OTHER_HOST != 0 {
        previous.host = hosts.next();
    }
    previous.record = previous.record.wrapping_add_signed(read_signed(rest)?);
    let event_code = u16::try_from(read(rest)?).ok()?;
    let time = if marks & HAS_TIME == 0 {
        None
    } else {
        let digits = marks >> DIGITS_SHIFT;
        previous.seconds = previous.seconds.wrapping_add(read_signed(rest)?);
        let mut fraction = u32::try_from(read(rest)?).ok()?;
        if marks & IS_SCALED != 0 {
            fraction *= 10_u32.pow(u32::from(9_u8.checked_sub(digits)?));
        }
        Some(Timestamp::from_unix(previous.seconds, fraction, digits))
    };
    Some(Counted { event_key: EventKey { host: previous.host?, record: previous.record, time }, event_code })
}

/// Writes a number as LEB128: seven bits a byte, the lowest first, the highest bit is set if another byte follows.
fn write(block: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        block.push(0x80 | low_bits(number));
        number >>= 7;
    }
    block.push(low_bits(number));
}

fn low_bits(number: u64) -> u8 {
    number.to_le_bytes()[0] & 0x7f
}

/// Writes a number with its sign in the lowest bit, so that small negative ones are short as well.
fn write_signed(block: &mut Vec<u8>, number: i64) {
    write(block, (number.wrapping_shl(1) ^ (number >> 63)).cast_unsigned());
}

fn read(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn read_signed(rest: &mut &[u8]) -> Option<i64> {
    let number = read(rest)?;
    Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;
    use crate::store::events::interner::Interner;

    proptest! {
        #[test]
        fn packed_events_come_back_whole(
            events in vec(
                (0..3_usize, any::<u64>(), any::<u16>(),
                 option::of((-10_000_000_000_i64..10_000_000_000, 0..1_000_000_000_u32, 0..=9_u8))),
                0..40,
            ),
            is_rising in any::<bool>(),
        ) {
            let mut interner = Interner::default();
            let hosts: Vec<_> =
                ["a", "b", "c"].iter().map(|host| interner.intern(host).expect("room")).collect();
            let events: Vec<_> = events.into_iter().enumerate().map(|(at, (host, record, event_code, time))| {
                let record = if is_rising { at as u64 } else { record };
                let time = time.map(|(seconds, nanoseconds, digits)| {
                    Timestamp::from_unix(seconds, nanoseconds, digits)
                });
                Counted { event_key: EventKey { host: hosts[host], record, time }, event_code }
            }).collect();
            let mut packed = Packed::default();
            for event in &events {
                packed.push(*event);
            }
            let back: Vec<_> = packed.iter().collect();
            prop_assert_eq!(&back, &events);
            let digits = |all: &[Counted]| -> Vec<_> {
                all.iter().map(|it| it.event_key.time.map(|time| time.digits())).collect()
            };
            prop_assert_eq!(digits(&back), digits(&events));
        }
    }

    #[test]
    fn event_of_log_takes_few_bytes() {
        let mut interner = Interner::default();
        let host = interner.intern("ws").expect("room");
        let mut packed = Packed::default();
        for number in 0..100_000_u32 {
            let time = Timestamp::from_unix(1_770_000_000 + i64::from(number), number * 1_000, 7);
            let event_key = EventKey { host, record: u64::from(number), time: Some(time) };
            packed.push(Counted { event_key, event_code: 5 });
        }
        assert!(packed.bytes() <= 9 * 100_000, "{}", packed.bytes());
        assert_eq!(packed.iter().count(), 100_000);
    }
}
