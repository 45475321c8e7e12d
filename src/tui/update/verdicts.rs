//! A verdict or a note on many alerts, in steps: the screen answers while a group of a hundred thousand is decided on.

use std::cell::Cell;
use std::path::Path;

use crate::case::line;
use crate::model::verdict::Verdict;
use crate::store::Store;
use crate::store::resumable::Pause;
use crate::tui::state::effect::Effect;
use crate::tui::state::verdicts::{Bulk, What, alerts};
use crate::tui::state::{App, Tone};

/// Acts of deciding that can be taken back.
const MAX_UNDONE: usize = 1000;
/// Verdicts that are applied within the key itself; each takes some microseconds.
const MAX_IMMEDIATE_VERDICTS: usize = if cfg!(test) { 3 } else { 256 };

impl App {
    /// Puts a verdict, a note or both on what was selected when it was asked for; what is not given stays as it is.
    pub(in crate::tui) fn decide(&mut self, verdict: Option<Verdict>, note: Option<&str>) -> Vec<Effect> {
        self.verdict_menu = false;
        let pin = match self.pinned() {
            Ok(pin) => pin,
            Err(message) => {
                self.say(Tone::Warning, message);
                return Vec::new();
            }
        };
        let note = note.map(line::clean_note);
        let mut effects = self.finish_verdicts();
        let name = pin.group().is_none().then(|| pin.short_name().to_owned());
        let findings = pin.alerts(&self.store).to_vec();
        let what = What::Decide { findings, verdict, note, name };
        self.bulk = Some(Bulk::new(what, pin.gone(&self.store)));
        effects.extend(self.start_verdicts());
        effects
    }

    /// Takes the last act of deciding back, by deciding what stood there before.
    pub(in crate::tui) fn undo_verdict(&mut self) -> Vec<Effect> {
        let mut effects = self.finish_verdicts();
        if let Some(before) = self.triage.undone.pop() {
            self.bulk = Some(Bulk::new(What::Undo(before), 0));
            effects.extend(self.start_verdicts());
        }
        effects
    }

    fn start_verdicts(&mut self) -> Vec<Effect> {
        let left = Cell::new(MAX_IMMEDIATE_VERDICTS);
        self.advance_verdicts(None, &|| {
            left.set(left.get().saturating_sub(1));
            left.get() == 0
        })
    }

    /// Decides on all that is still to be decided on, however many.
    pub(in crate::tui) fn finish_verdicts(&mut self) -> Vec<Effect> {
        self.advance_verdicts(None, &|| false)
    }

    /// Decides on alerts until all are, or it is time to stop. `of` is the store that has them by their numbers, where it
    /// is the present one no more.
    pub(in crate::tui) fn advance_verdicts(&mut self, of: Option<&Store>, pause: Pause<'_>) -> Vec<Effect> {
        let Some(mut bulk) = self.bulk.take() else { return Vec::new() };
        let mut decisions = Vec::new();
        while bulk.done < bulk.all() {
            let decision = bulk.step(of.unwrap_or(&self.store), &self.flags, &self.triage);
            if let Some(decision) = decision {
                self.triage.book.apply(decision.clone());
                decisions.push(decision);
            }
            if pause() {
                break;
            }
        }
        bulk.changed += decisions.len();
        if bulk.done < bulk.all() {
            self.say(Tone::Info, format!("Marking: {} of {}", bulk.done, alerts(bulk.all())));
            self.bulk = Some(bulk);
        } else {
            self.end_verdicts(bulk);
        }
        if decisions.is_empty() { Vec::new() } else { vec![Effect::Decide(decisions)] }
    }

    fn end_verdicts(&mut self, bulk: Bulk) {
        if bulk.changed == 0 {
            let reason = if bulk.unknowable > 0 {
                "No verdict: this event has neither a record number nor a time to know it by."
            } else if matches!(bulk.what, What::Decide { verdict: Some(_), .. }) {
                "No change: it already has this verdict."
            } else {
                "No change: it already has this note."
            };
            self.say(Tone::Warning, reason);
            return;
        }
        let place = self.triage.place.clone().unwrap_or_default();
        let file =
            Path::new(&place).file_name().map_or(place.clone(), |name| name.to_string_lossy().into_owned());
        self.say(Tone::Info, format!("{} ({file}). n next, U undo.", bulk.outcome()));
        if matches!(bulk.what, What::Decide { .. }) {
            self.triage.undone.push(bulk.before);
            if self.triage.undone.len() > MAX_UNDONE {
                self.triage.undone.remove(0);
            }
        }
        self.invalidate();
    }
}
