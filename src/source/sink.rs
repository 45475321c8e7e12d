//! The sink of all sources: batches and faults to the consumer, and the guard of a reader that panics.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};

use super::fault_log::failed;
use super::stream::Allowance;
use super::understood::Understanding;
use crate::model::batch::Batch;
use crate::model::event::Wanted;
use crate::model::feed::{FeedMessage, Progress, SourceInfo};
use crate::model::guard::{guarded, unguarded};

/// The way to the consumer.
pub(super) struct Sink<'a> {
    pub(super) progress: &'a Progress,
    consumer: &'a (dyn Fn(FeedMessage) -> bool + Sync),
    is_gone: AtomicBool,
    has_failed: AtomicBool,
    understanding: Understanding,
    allowance: Allowance,
}

/// A call of the consumer. If it panics, nothing more is sent.
struct EndOnPanic<'o, 'a>(&'o Sink<'a>);

impl Drop for EndOnPanic<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.has_failed.store(true, Ordering::Relaxed);
            self.0.end();
        }
    }
}

impl<'a> Sink<'a> {
    /// `wanted` is the projection of the sources.
    pub(super) fn new(
        progress: &'a Progress,
        consumer: &'a (dyn Fn(FeedMessage) -> bool + Sync),
        wanted: Wanted,
    ) -> Self {
        Self {
            progress,
            consumer,
            is_gone: AtomicBool::new(false),
            has_failed: AtomicBool::new(false),
            understanding: Understanding::new(wanted),
            allowance: Allowance::default(),
        }
    }

    pub(super) fn send(&self, message: FeedMessage) {
        if self.is_gone.load(Ordering::Relaxed) {
            return;
        }
        let _call = EndOnPanic(self);
        if !unguarded(|| (self.consumer)(message)) {
            self.end();
        }
    }

    pub(super) fn send_batch(&self, batch: Batch) {
        self.understanding.count(&batch);
        self.hand_over(batch);
    }

    /// Sends a batch of an endless source, with the fault of all its events so far.
    pub(super) fn send_open_batch(&self, info: &SourceInfo, mut batch: Batch) {
        self.understanding.count(&batch);
        batch.faults.extend(self.understanding.so_far(info));
        self.hand_over(batch);
    }

    /// Sends the last batch of a source, with the fault of all its events.
    pub(super) fn send_last_batch(&self, info: &SourceInfo, mut batch: Batch) {
        self.understanding.count(&batch);
        batch.faults.extend(self.understanding.at_end(info));
        self.hand_over(batch);
    }

    fn hand_over(&self, batch: Batch) {
        if !batch.is_empty() {
            self.progress.records_done.fetch_add(batch.tally.records(), Ordering::Relaxed);
            self.send(FeedMessage::Batch(batch));
        }
    }

    /// Counts bytes as read.
    pub(super) fn add_bytes(&self, bytes: u64) {
        self.progress.bytes_done.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The allowance that all inputs of a load share for unpacking beyond the ratio.
    pub(super) const fn allowance(&self) -> &Allowance {
        &self.allowance
    }

    /// Returns whether the receiver is gone.
    pub(super) fn is_gone(&self) -> bool {
        self.is_gone.load(Ordering::Relaxed)
    }

    /// Ends the reading: the consumer takes no more.
    pub(super) fn end(&self) {
        self.is_gone.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_over(&self) -> bool {
        self.progress.is_stopped() || self.is_gone.load(Ordering::Relaxed)
    }

    /// Runs work on a source, and catches a panic in it: then it reports a fault of this source and returns `None`.
    ///
    /// # Panics
    /// The consumer panicked, so that there is nothing left to read for.
    pub(super) fn guarded<T>(&self, info: &SourceInfo, work: impl FnOnce() -> T) -> Option<T> {
        let done = guarded(work);
        if done.is_none() {
            if self.has_failed.load(Ordering::Relaxed) {
                resume_unwind(Box::new("whoever takes the events failed"));
            }
            self.send(FeedMessage::Fault(failed(Some(info.id), &info.path)));
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    use super::*;
    use crate::model::fault::{Fault, SkipReason};
    use crate::model::guard::is_guarded;
    use crate::source::{FollowStatus, Inputs, LoadOptions, follow, load_inputs};

    const EVENT: &str = "{\"EventID\":1,\"SourceName\":\"Microsoft-Windows-Sysmon\",\"Hostname\":\"ws\",\
        \"Image\":\"C:\\\\git.exe\",\"CommandLine\":\"git push\"}\n";

    /// Uncaught panics on purpose, on any thread: the console would have ended with them.
    fn watch_panics() -> Arc<Mutex<Vec<String>>> {
        let unguarded: Arc<Mutex<Vec<String>>> = Arc::default();
        let (previous, list) = (std::panic::take_hook(), Arc::clone(&unguarded));
        std::panic::set_hook(Box::new(move |panic| {
            let said = panic.to_string();
            if !said.contains("on purpose: fails-in") {
                previous(panic);
            } else if !is_guarded() {
                list.lock().unwrap().push(said);
            }
        }));
        unguarded
    }

    /// Files of which the readers of some fail; the last one is large enough for several threads.
    fn files() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        put("a.json", EVENT);
        put("fails-in-look.evtx", EVENT);
        put("fails-in-stream.json", EVENT);
        put("fails-in-turn.json", EVENT);
        put("z.json", EVENT);
        let fails = EVENT.replace("git push", "fails-in-block");
        put("large.json", &(EVENT.repeat(40_000) + &fails + &EVENT.repeat(40_000)));
        folder
    }

    #[test]
    fn failing_reader_ends_no_load() {
        let (folder, unguarded) = (files(), watch_panics());
        let (messages, progress) = (Mutex::new(Vec::new()), Progress::default());
        let take = |message| {
            messages.lock().unwrap().push(message);
            true
        };
        let options = LoadOptions { threads: 4 };
        load_inputs(&[folder.path().to_owned()], Inputs::default(), &options, &progress, &take);
        let messages = messages.into_inner().unwrap();
        let mut faults = Vec::new();
        let (mut sysmon, mut lost) = (0, 0);
        for message in &messages {
            match message {
                FeedMessage::Fault(fault) => faults.push(fault.clone()),
                FeedMessage::Batch(batch) => {
                    faults.extend(batch.faults.iter().cloned());
                    sysmon += batch.tally.sysmon;
                    lost += batch.tally.skipped.get(&SkipReason::Damaged).copied().unwrap_or(0);
                }
                _ => {}
            }
        }
        faults.sort_by(|one, other| one.name.cmp(&other.name));
        assert_eq!(faults.len(), 3, "{faults:#?}");
        for (fault, file) in faults.iter().zip(["fails-in-look.evtx", "fails-in-stream.json", "large.json"]) {
            assert!(fault.name.contains(file) && fault.kind.is_bug(), "{fault}");
        }
        // One block is lost of the large file, and two files whole.
        assert!(lost > 0 && lost < 20_000, "{lost}");
        assert_eq!(sysmon + lost, 80_001 + 3);
        assert!(matches!(messages.last(), Some(FeedMessage::Finished)));
        let [found, done] =
            [&progress.files_found, &progress.files_done].map(|count| count.load(Ordering::Relaxed));
        assert_eq!((found, done), (5, 5));
        assert_eq!(*unguarded.lock().unwrap(), Vec::<String>::new());
    }

    #[test]
    fn failing_follower_is_named_others_continue() {
        let (folder, unguarded) = (files(), watch_panics());
        let (progress, status) = (Progress::default(), FollowStatus::default());
        let (faults, sysmon) = (Mutex::new(Vec::new()), Mutex::new(0));
        let take = |message| {
            match message {
                FeedMessage::Fault(fault) => faults.lock().unwrap().push(fault),
                FeedMessage::Batch(batch) => {
                    let mut sysmon = sysmon.lock().unwrap();
                    *sysmon += batch.tally.records();
                    if *sysmon == 80_001 + 2 {
                        progress.stop();
                    }
                }
                _ => {}
            }
            true
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // Following has no end of its own.
                let begun = Instant::now();
                while !progress.is_stopped() && begun.elapsed() < Duration::from_secs(60) {
                    std::thread::sleep(Duration::from_millis(20));
                }
                progress.stop();
            });
            follow(&[folder.path().to_owned()], None, &progress, &status, &take);
        });
        assert_eq!(sysmon.into_inner().unwrap(), 80_001 + 2, "whatever can be read is read");
        let faults = faults.into_inner().unwrap();
        for file in ["fails-in-look.evtx", "fails-in-stream.json", "fails-in-turn.json"] {
            let named = |fault: &&Fault| fault.name.contains(file) && fault.kind.is_bug();
            assert_eq!(faults.iter().filter(named).count(), 1, "{file}: {faults:#?}");
        }
        assert_eq!(*unguarded.lock().unwrap(), Vec::<String>::new());
    }
}
