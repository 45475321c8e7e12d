//! Messages of the sources into the store, and freezing the view.

use crate::model::batch::Batch;
use crate::model::feed::FeedMessage;
use crate::store::findings::finding::Finding;
use crate::tui::state::{App, Frozen};

impl App {
    /// Takes what the sources say. The list follows at the next [`Self::prepare`].
    pub fn feed(&mut self, message: FeedMessage) {
        match message {
            FeedMessage::Source(source) => self.store.add_source(source),
            FeedMessage::Batch(batch) => self.take_batch(batch),
            FeedMessage::Fault(fault) => self.store.add_fault(fault),
            FeedMessage::Finished => {
                self.load.finished = true;
                self.load.stopped = self.progress.is_stopped();
                self.store.finish_script_blocks();
                self.needs_rebuild = true;
            }
        }
    }

    fn take_batch(&mut self, mut batch: Batch) {
        for alarm in std::mem::take(&mut batch.alarms) {
            self.alarms.add(alarm);
            self.needs_rebuild = true;
        }
        let Some(keeper) = &mut self.keeper else {
            self.store.ingest(batch);
            return;
        };
        if let Some(moved) = keeper.ingest(&mut self.store, batch, &self.flags) {
            self.relocate(moved);
        }
    }

    /// Stops the view, or lets it go on; the collection never stops.
    pub fn freeze(&mut self) {
        self.frozen = match self.frozen {
            Some(_) => None,
            None => Some(Frozen {
                events: self.store.kept_events(),
                new_alerts: 0,
                alarms: self.alarms.lines().len(),
            }),
        };
        self.needs_rebuild = true;
    }

    pub(in crate::tui) fn count_behind_the_frozen_view(&mut self) {
        self.flags.extend(&self.store);
        let Some(frozen) = &mut self.frozen else { return };
        let (profile, min_score) = (self.list.profile, self.list.min_score);
        let is_later = |finding: &&Finding| finding.event.0 as usize >= frozen.events;
        let is_alert = |finding: &&Finding| {
            self.store.score_of(finding, profile, &self.flags).is_some_and(|score| score >= min_score)
        };
        frozen.new_alerts = self.store.findings().iter().filter(is_later).filter(is_alert).count();
        self.listed_generation = self.store.generation();
    }
}
