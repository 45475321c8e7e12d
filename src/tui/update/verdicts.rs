//! A verdict or a note on many alerts, in steps: the screen answers while a group of a hundred thousand is decided on.

use std::cell::Cell;
use std::path::Path;

use crate::case::{Decision, line};
use crate::detect::profile::Profile;
use crate::model::verdict::Verdict;
use crate::store::Store;
use crate::store::ids::FindingId;
use crate::store::resumable::Pause;
use crate::store::tuning_matches::TuningMatches;
use crate::tui::state::effect::Effect;
use crate::tui::state::triage::{Triage, identity_of};
use crate::tui::state::{App, Tone};

/// Acts of deciding that can be taken back.
const MAX_UNDONE: usize = 1000;
/// So many alerts are decided on with the key itself; each takes some microseconds.
const MAX_IMMEDIATE_VERDICTS: usize = if cfg!(test) { 3 } else { 256 };

/// Alerts that are being decided on.
pub(in crate::tui) struct Bulk {
    what: What,
    /// How many of them are done.
    done: usize,
    changed: usize,
    unknowable: usize,
    /// Alerts that had left the store before.
    gone: usize,
    /// The previous verdict.
    before: Vec<Decision>,
}

enum What {
    /// A verdict, a note or both on these; what is not given stays as it is.
    Decide { findings: Vec<FindingId>, verdict: Option<Verdict>, note: Option<String>, name: Option<String> },
    /// Restores the previous verdict.
    Undo(Vec<Decision>),
}

impl Bulk {
    const fn new(what: What, gone: usize) -> Self {
        Self { what, done: 0, changed: 0, unknowable: 0, gone, before: Vec::new() }
    }

    const fn all(&self) -> usize {
        match &self.what {
            What::Decide { findings, .. } => findings.len(),
            What::Undo(before) => before.len(),
        }
    }

    /// The next decision; `None` where the next alert has that verdict already, or is none.
    fn step(&mut self, store: &Store, flags: &TuningMatches, triage: &Triage) -> Option<Decision> {
        let at = self.done;
        self.done += 1;
        let (findings, verdict, note) = match &mut self.what {
            What::Decide { findings, verdict, note, .. } => (findings, *verdict, note.as_deref()),
            What::Undo(before) => {
                let was = before.get(at)?.clone();
                return Some(Decision { at: None, by: None, ..was });
            }
        };
        let view = store.view(*findings.get(at)?, Profile::Hunt, flags)?;
        let Some(identity) = identity_of(&view) else {
            self.unknowable += 1;
            return None;
        };
        let known = triage.book.find(&identity).cloned();
        let was = known.unwrap_or_else(|| Decision {
            identity: identity.clone(),
            verdict: Verdict::Undecided,
            note: String::new(),
            at: None,
            by: None,
            host: view.host().map(str::to_owned),
            signal: view.signal().name().to_owned(),
        });
        let decision = Decision {
            identity,
            verdict: verdict.unwrap_or(was.verdict),
            note: note.unwrap_or(&was.note).to_owned(),
            at: None,
            by: None,
            ..was.clone()
        };
        if (decision.verdict, &decision.note) == (was.verdict, &was.note) {
            return None;
        }
        self.before.push(Decision { identity: decision.identity.clone(), ..was });
        Some(decision)
    }

    /// Returns the message for the last line.
    fn outcome(&self) -> String {
        let what = match &self.what {
            What::Decide { verdict: Some(Verdict::Undecided), .. } => "Verdict cleared".to_owned(),
            What::Decide { verdict: Some(verdict), .. } => format!("Marked {verdict}"),
            What::Decide { verdict: None, .. } => "Noted".to_owned(),
            What::Undo(_) => "Undone".to_owned(),
        };
        let left_out = match self.unknowable {
            0 => String::new(),
            number => format!(", not on {number} without record number and time"),
        };
        let left_out = match self.gone {
            0 => left_out,
            number => format!("{left_out}, not on {number} evicted meanwhile"),
        };
        let named = match &self.what {
            What::Decide { name: Some(name), .. } if self.changed == 1 => name.clone(),
            _ => alerts(self.changed),
        };
        format!("{what}: {named}{left_out}")
    }
}

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

fn alerts(number: usize) -> String {
    if number == 1 { "1 alert".to_owned() } else { format!("{number} alerts") }
}
