//! Proposals that would make an alert normal: a branch of a pattern, or an exception.

use super::Which;
use crate::detect::exception::{Exception, ExceptionField, Exceptions};
use crate::detect::pattern::{Pattern, PatternError, Patterns};
use crate::model::event::Field;
use crate::model::text::{image_name, visible};
use crate::store::Store;
use crate::store::view::FindingView;

/// Hosts or parents that a preview names; the others are counted.
const NAMED: usize = 3;

/// A pattern that takes one more host or parent in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Which of the two it is for.
    pub which: Which,
    /// Its text.
    pub text: String,
    /// The hosts or parents that it takes in, in words.
    pub takes_in: String,
    /// The branch that it adds, as a pattern of its own.
    pub alone: String,
}

/// Patterns that would make an alert normal: its host, hosts that differ from it in numbers alone, its parent. Each is
/// the pattern in force with one more branch, escaped and anchored, so that it takes in nothing by accident.
#[must_use]
pub fn proposals(in_force: &Patterns, host: Option<&str>, parent: Option<&str>) -> Vec<Proposal> {
    let with = |which: Which, branch: &str, takes_in: String| {
        let text = with_branch(which.of(in_force).text(), branch);
        Proposal { which, text, takes_in, alone: format!("(?i)^{branch}$") }
    };
    let mut proposals = Vec::new();
    if let Some(host) = host {
        let exact = regex::escape(host);
        proposals.push(with(Which::CiHost, &exact, format!("host {host}")));
        let general = generalised(host);
        if general != exact {
            proposals.push(with(
                Which::CiHost,
                &general,
                format!("hosts that differ from {host} in numbers alone"),
            ));
        }
    }
    if let Some(parent) = parent {
        proposals.push(with(Which::IdeParent, &regex::escape(parent), format!("parent {parent}")));
    }
    proposals
}

/// Names the hosts or parents that a proposal takes in, other than the one that it was made for: `also A, B and 4
/// others`. `None` if it takes in no other.
#[must_use]
pub fn also_taken_in(store: &Store, proposal: &Proposal, made_for: &str) -> Option<String> {
    let pattern = Pattern::new(&proposal.alone).ok()?;
    let mut others: Vec<_> = proposal
        .which
        .table(store)
        .entries()
        .iter()
        .map(|entry| (entry.events, store.text(entry.shown)))
        .filter(|(_, text)| !text.eq_ignore_ascii_case(made_for) && pattern.matches(Some(text)))
        .collect();
    others.sort_by_key(|(events, _)| std::cmp::Reverse(*events));
    let named: Vec<_> = others.iter().take(NAMED).map(|(_, text)| *text).collect();
    match others.len().saturating_sub(NAMED) {
        _ if others.is_empty() => None,
        0 => Some(format!("also {}", named.join(", "))),
        1 => Some(format!("also {} and 1 other", named.join(", "))),
        more => Some(format!("also {} and {more} others", named.join(", "))),
    }
}

/// Returns an exception for an alert and similar ones: the same host, user, image and parent, and for a connection the
/// same name. `None` if the alert has none of these.
///
/// # Errors
/// A text that is too long for a pattern.
pub fn exception_of(view: &FindingView<'_>, known: &Exceptions) -> Result<Option<Exception>, PatternError> {
    let text = |field: ExceptionField| match field.field() {
        None => view.host(),
        // A command line is hardly ever the same twice.
        Some(Field::CommandLine) => None,
        Some(field) => view.text(field),
    };
    let mut terms = Vec::new();
    for field in ExceptionField::ALL {
        if let Some(text) = text(field) {
            terms.push((field, Pattern::new(&format!("(?i)^{}$", regex::escape(text)))?));
        }
    }
    let host = view.host().map_or("", |host| host.split('.').next().unwrap_or(host));
    let image = view.text(Field::Image).map_or("", image_name);
    let name: String = visible(format!("{host} {image}").trim()).chars().take(48).collect();
    let is_known = |name: &str| known.all().iter().any(|exception| exception.name == name);
    let name = (1..=known.all().len() + 1)
        .map(|number| if number == 1 { name.clone() } else { format!("{name} {number}") })
        .find(|name| !is_known(name) && !name.is_empty());
    let when =
        view.time().map_or_else(|| "without a time".to_owned(), |time| format!("of {}", time.date_text()));
    let record = view.event().record_id().map_or_else(String::new, |record| format!(", record {record}"));
    let reason = format!("allowed from an alert {when}{record} of {}", visible(view.source()));
    Ok(name.filter(|_| !terms.is_empty()).map(|name| Exception { name, reason, expires: None, terms }))
}

/// A pattern with one more branch, anchored.
pub(super) fn with_branch(pattern: &str, branch: &str) -> String {
    if pattern.is_empty() { format!("^{branch}$") } else { format!("{pattern}|^{branch}$") }
}

/// A text, escaped, with each run of digits made any number.
pub(super) fn generalised(text: &str) -> String {
    let mut out = String::new();
    let mut in_number = false;
    for c in text.chars() {
        if c.is_ascii_digit() {
            if !in_number {
                out.push_str(r"\d+");
            }
        } else {
            out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
        }
        in_number = c.is_ascii_digit();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposal_takes_in_what_it_says_and_nothing_else() {
        let patterns = Patterns::new(None, None).unwrap_or_else(|(name, error)| panic!("{name}: {error}"));
        let proposals = proposals(&patterns, Some("10482.corp.example"), Some(r"C:\Tools (x86)\sync.exe"));
        let [exact, general, parent] = proposals.as_slice() else { panic!("{proposals:?}") };
        for (proposal, matched, unmatched) in [
            (exact, "10482.CORP.example", "10483.corp.example"),
            (general, "99999.corp.example", "10482xcorp.example"),
            (general, "7.corp.example", "a10482.corp.example"),
            (parent, r"c:\tools (x86)\SYNC.exe", r"C:\Tools (x86)\sync.exe.bak"),
        ] {
            let pattern = Pattern::new(&proposal.text).unwrap_or_else(|error| panic!("{error}"));
            assert!(pattern.matches(Some(matched)), "{proposal:?}");
            assert!(!pattern.matches(Some(unmatched)), "{proposal:?}");
        }
        let plain = super::proposals(&patterns, Some("gateway"), None);
        assert_eq!(plain.len(), 1, "there is no number to make any: {plain:?}");
    }
}
