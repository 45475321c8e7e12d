//! A verdict or note that is applied to many alerts, in steps.

use crate::case::Decision;
use crate::detect::profile::Profile;
use crate::model::verdict::Verdict;
use crate::store::Store;
use crate::store::ids::FindingId;
use crate::store::tuning_matches::TuningMatches;
use crate::tui::state::triage::{Triage, identity_of};

/// Alerts that are being decided on.
pub(in crate::tui) struct Bulk {
    pub(in crate::tui) what: What,
    /// How many of them are done.
    pub(in crate::tui) done: usize,
    pub(in crate::tui) changed: usize,
    pub(in crate::tui) unknowable: usize,
    /// Alerts that had left the store before.
    pub(in crate::tui) gone: usize,
    /// The previous verdict.
    pub(in crate::tui) before: Vec<Decision>,
}

pub(in crate::tui) enum What {
    /// A verdict, a note or both on these; what is not given stays as it is.
    Decide { findings: Vec<FindingId>, verdict: Option<Verdict>, note: Option<String>, name: Option<String> },
    /// Restores the previous verdict.
    Undo(Vec<Decision>),
}

impl Bulk {
    pub(in crate::tui) const fn new(what: What, gone: usize) -> Self {
        Self { what, done: 0, changed: 0, unknowable: 0, gone, before: Vec::new() }
    }

    pub(in crate::tui) const fn all(&self) -> usize {
        match &self.what {
            What::Decide { findings, .. } => findings.len(),
            What::Undo(before) => before.len(),
        }
    }

    /// The next decision; `None` where the next alert has that verdict already, or no identity.
    pub(in crate::tui) fn step(
        &mut self,
        store: &Store,
        flags: &TuningMatches,
        triage: &Triage,
    ) -> Option<Decision> {
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
    pub(in crate::tui) fn outcome(&self) -> String {
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

pub(in crate::tui) fn alerts(number: usize) -> String {
    if number == 1 { "1 alert".to_owned() } else { format!("{number} alerts") }
}
