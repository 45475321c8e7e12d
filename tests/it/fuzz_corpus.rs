//! The fuzz targets over their committed corpus, and over a fixed number of inputs that are made from it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "a test says what fails by failing"
)]

#[path = "../../fuzz/src/targets.rs"]
#[allow(unreachable_pub, reason = "they are the fuzz package's own")]
mod targets;

use std::fs;
use std::path::Path;

use targets::TARGETS;

/// Inputs that are made for each target; `EXFILSCOPE_FUZZ_INPUTS` asks for another number.
const INPUTS: usize = 120;

/// A sequence that is the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).unwrap()
    }
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// One of the corpus with some changes: bytes, numbers, pieces cut, doubled, or taken from another one.
fn changed(corpus: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut data = corpus[dice.below(corpus.len())].clone();
    let other = &corpus[dice.below(corpus.len())];
    for _ in 0..=dice.below(4) {
        let at = dice.below(data.len());
        let length = dice.below(data.len() - at).min(64);
        match dice.below(7) {
            0 if !data.is_empty() => data[at] ^= 1 << dice.below(8),
            1 if !data.is_empty() => data[at] = [0, 0xff, b'<', b'"', b'\\', 0x1b, 0x80][dice.below(7)],
            2 => drop(data.drain(at..at + length)),
            3 => {
                let piece = data[at..at + length].to_vec();
                drop(data.splice(at..at, piece));
            }
            4 => {
                let from = dice.below(other.len());
                let piece = other[from..(from + 64).min(other.len())].to_vec();
                drop(data.splice(at..at, piece));
            }
            5 => {
                let number = [0, 1, 0x7fff_ffff, u32::MAX, 65_536, 0x0001_010f][dice.below(6)];
                for (place, byte) in data.iter_mut().skip(at).zip(number.to_le_bytes()) {
                    *place = byte;
                }
            }
            _ => data.truncate(at),
        }
    }
    data
}

#[test]
fn every_target_passes_its_corpus() {
    for (name, run) in TARGETS {
        let corpus = corpus(name);
        assert!(!corpus.is_empty(), "{name} has no corpus");
        for data in &corpus {
            run(data);
        }
    }
}

#[test]
fn every_target_passes_mutated_corpus() {
    let inputs = std::env::var("EXFILSCOPE_FUZZ_INPUTS").ok().and_then(|text| text.parse().ok());
    let inputs: usize = inputs.unwrap_or(INPUTS);
    for (number, (name, run)) in TARGETS.into_iter().enumerate() {
        let corpus = corpus(name);
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ number as u64);
        for _ in 0..inputs {
            run(&changed(&corpus, &mut dice));
        }
    }
}
