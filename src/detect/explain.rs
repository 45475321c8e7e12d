//! Why a selected event scored as it did: the clause, the texts that met its conditions, the flags, and where the
//! other profile says something else.

use super::exception::{Exception, ExceptionField};
use super::pattern::Patterns;
use super::profile::Profile;
use super::selection::{self, find_ignoring_case};
use super::signal::{SIGNAL_API_HOSTS, SIGNAL_PUSH_HOSTS, score, score_branch, signal};
use super::{ALERT_SCORE, DetectionInput};
use crate::model::event::Field;
use crate::model::row::{Clause, Explanation, FlagMatch, JoinedField, Signal};
use crate::model::secrets::{mask, mask_part};

/// What the detection makes of an event under one profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The clause that selected it.
    pub clause: Clause,
    /// Its signal.
    pub signal: Signal,
    /// Whether the CI-host pattern matches.
    pub is_ci_system: bool,
    /// Whether the IDE-parent pattern matches.
    pub is_known_ide: bool,
    /// 0 to 3.
    pub score: u8,
}

/// Runs the whole detection over an event; `None` where no clause selects it.
#[must_use]
pub fn judge(profile: Profile, facts: &DetectionInput<'_>, patterns: &Patterns) -> Option<Verdict> {
    let clause = selection::select(facts)?;
    let signal = signal(profile, facts, clause);
    let is_ci_system = patterns.ci_host.matches(facts.host);
    let is_known_ide = patterns.ide_parent.matches(facts.parent_image);
    Some(Verdict {
        clause,
        signal,
        is_ci_system,
        is_known_ide,
        score: score(signal, is_ci_system, is_known_ide),
    })
}

/// An event as both profiles see it.
#[derive(Clone, Copy, Debug)]
pub struct ExplainInput<'a> {
    /// The profile whose verdict is explained.
    pub profile: Profile,
    /// The event's own fields: what `spl` sees.
    pub own: DetectionInput<'a>,
    /// The fields with the joined ones: what `correlated` sees.
    pub with_joins: DetectionInput<'a>,
    /// The joined fields.
    pub joined: &'a [JoinedField],
    /// The patterns in force.
    pub patterns: &'a Patterns,
    /// The exception that takes the event out of each profile's alerts, in the order of [`Profile::ALL`].
    pub excepted: [Option<&'a Exception>; Profile::ALL.len()],
}

impl<'a> ExplainInput<'a> {
    fn facts(&self, profile: Profile) -> &DetectionInput<'a> {
        match profile {
            Profile::Spl => &self.own,
            Profile::Correlated | Profile::Hunt => &self.with_joins,
        }
    }

    fn judge(&self, profile: Profile) -> Option<Verdict> {
        let verdict = judge(profile, self.facts(profile), self.patterns)?;
        let score = if self.exception(profile).is_some() { 0 } else { verdict.score };
        Some(Verdict { score, ..verdict })
    }

    fn exception(&self, profile: Profile) -> Option<&'a Exception> {
        self.excepted.get(profile.index()).copied().flatten()
    }
}

/// Explains a verdict. Secrets in its sentences are always masked: a value that a sentence names is not known for one there.
/// `None` where its profile does not select the event.
#[must_use]
pub fn explain(input: &ExplainInput<'_>) -> Option<Explanation> {
    let verdict = input.judge(input.profile)?;
    let facts = input.facts(input.profile);
    let flag = |text: Option<&str>, pattern: &super::pattern::Pattern| FlagMatch {
        matched: text.and_then(|text| pattern.find(text)),
        has_text: text.is_some(),
    };
    Some(Explanation {
        clause: verdict.clause,
        conditions: selection::conditions(facts, verdict.clause),
        ci: flag(facts.host, &input.patterns.ci_host),
        ide: flag(facts.parent_image, &input.patterns.ide_parent),
        branch: match input.exception(input.profile) {
            Some(_) => "0: exception",
            None => score_branch(verdict.signal, verdict.is_ci_system, verdict.is_known_ide),
        },
        exception: input.exception(input.profile).map(|exception| exception.name.clone()),
        sentence: format!("{}; {}.", act(input, verdict), outcome(input, facts, verdict)),
        difference: difference(input, verdict),
        evidence: Vec::new(),
    })
}

/// `curl.exe ran with api.github.com and "put" on its command line`.
fn act(input: &ExplainInput<'_>, verdict: Verdict) -> String {
    let facts = input.facts(input.profile);
    let program = facts.image.map_or("a process", base_name);
    if verdict.clause == Clause::Net {
        let name = mask(facts.destination_hostname.unwrap_or("-"));
        let joined = input
            .joined
            .iter()
            .find(|joined| input.profile != Profile::Spl && joined.field == Field::DestinationHostname);
        let origin = joined.map_or_else(String::new, |joined| {
            let own = joined
                .own_value
                .as_deref()
                .map_or_else(|| "nothing".to_owned(), |own| format!("\"{}\"", mask(own)));
            format!(
                " (the name that this process asked DNS for, {}; the event itself says {own})",
                record_name(joined)
            )
        });
        return format!("{program} connected to {name}{origin}");
    }
    let quoted: Vec<String> = selection::conditions(facts, verdict.clause)
        .into_iter()
        .filter(|condition| condition.field == Field::CommandLine)
        .filter_map(|condition| Some(format!("\"{}\"", facts.command_line?.get(condition.matched)?)))
        .collect();
    format!("{program} ran with {} on its command line", quoted.join(" and "))
}

/// What met the terms of an exception: `"mirror-" in host, User`. The account is no fact of the detection's.
fn met(exception: &Exception, facts: &DetectionInput<'_>) -> String {
    let each = exception.terms.iter().map(|(field, pattern)| {
        let text = match field {
            ExceptionField::Host => facts.host,
            ExceptionField::User => None,
            ExceptionField::Image => facts.image,
            ExceptionField::Parent => facts.parent_image,
            ExceptionField::Destination => facts.destination_hostname,
            ExceptionField::CommandLine => facts.command_line,
        };
        let matched = text.and_then(|text| Some(mask_part(text, &pattern.find(text)?)));
        matched.map_or_else(|| field.column().to_owned(), |part| format!("\"{part}\" in {}", field.column()))
    });
    each.collect::<Vec<_>>().join(", ")
}

fn outcome(input: &ExplainInput<'_>, facts: &DetectionInput<'_>, verdict: Verdict) -> String {
    let host = mask(facts.host.unwrap_or("(unnamed)"));
    let scored = format!("{}, score {}", verdict.signal.name(), verdict.score);
    if let Some(exception) = input.exception(input.profile) {
        let Exception { name, reason, .. } = exception;
        return format!("exception {name}: {reason} ({}): {scored}, no alert", met(exception, facts));
    }
    if verdict.signal == Signal::Unknown {
        return format!("{}: {scored}, no alert", unknown_reason(facts, verdict.clause));
    }
    if verdict.is_ci_system {
        let part = facts.host.and_then(|text| Some(mask_part(text, &input.patterns.ci_host.find(text)?)));
        let part = part.unwrap_or_default();
        return format!("the CI-host pattern matched \"{part}\" in {host}: {scored}, no alert");
    }
    match (verdict.signal, facts.parent_image) {
        (Signal::NetworkConnectionToCodeRepo, Some(parent)) if verdict.is_known_ide => {
            let part = input.patterns.ide_parent.find(parent).map(|range| mask_part(parent, &range));
            let part = part.unwrap_or_default();
            format!(
                "host {host} is no CI system, but the IDE-parent pattern matched \"{part}\" in its parent {}: {scored}, \
                 no alert",
                mask(base_name(parent))
            )
        }
        (Signal::NetworkConnectionToCodeRepo, Some(parent)) => {
            format!(
                "host {host} is no CI system and its parent {} no known IDE: {scored}",
                mask(base_name(parent))
            )
        }
        (Signal::NetworkConnectionToCodeRepo, None) => {
            format!("host {host} is no CI system and no parent is known that could be an IDE: {scored}")
        }
        _ => format!("host {host} is no CI system: {scored}"),
    }
}

/// Why the search's Signal knows no branch for an event that its selection took.
fn unknown_reason(facts: &DetectionInput<'_>, clause: Clause) -> String {
    let line = facts.command_line.unwrap_or("");
    let hosts: &[&str] = if clause == Clause::Push { &SIGNAL_PUSH_HOSTS } else { &SIGNAL_API_HOSTS };
    let in_other_case = hosts.iter().find_map(|host| find_ignoring_case(line, host));
    if clause == Clause::Push && !line.contains("push") {
        let word = find_ignoring_case(line, "push").and_then(|range| line.get(range)).unwrap_or("push");
        return format!("Splunk's Signal compares with case and finds no \"push\" in \"{word}\"");
    }
    match in_other_case.and_then(|range| line.get(range)) {
        Some(written) => format!("Splunk's Signal compares with case and does not know \"{written}\""),
        None => "Splunk's selection knows dev.azure.com, but its Signal does not".to_owned(),
    }
}

/// What the other profile says, where it says something else.
fn difference(input: &ExplainInput<'_>, verdict: Verdict) -> Option<String> {
    let (other_profile, says) = match input.profile {
        Profile::Spl => (Profile::Correlated, "With joins (correlated)"),
        Profile::Correlated | Profile::Hunt => (Profile::Spl, "Splunk's search (spl)"),
    };
    let Some(other) = input.judge(other_profile) else {
        let own = input
            .own
            .destination_hostname
            .map_or_else(|| "nothing".to_owned(), |own| format!("\"{}\"", mask(own)));
        return Some(format!(
            "{says} does not select it: the event itself says {own} for DestinationHostname."
        ));
    };
    if (other.signal, other.score) == (verdict.signal, verdict.score) {
        return None;
    }
    let alerts = if other.score >= ALERT_SCORE { "an alert" } else { "no alert" };
    let facts = input.facts(other_profile);
    let reason = if let Some(exception) = input.exception(other_profile) {
        format!("the exception {} matches what that profile sees", exception.name)
    } else if input.exception(input.profile).is_some() && other.signal == verdict.signal {
        "the exception does not match what that profile sees".to_owned()
    } else if other.signal == Signal::Unknown {
        unknown_reason(facts, other.clause)
    } else if verdict.signal == Signal::Unknown {
        "the signal follows the clause, without case".to_owned()
    } else if other.signal != verdict.signal {
        match other_profile {
            Profile::Spl => {
                "its Signal asks for \"push\" and a host first, whatever the program is".to_owned()
            }
            Profile::Correlated | Profile::Hunt => "the signal follows the clause of the program".to_owned(),
        }
    } else {
        match other_profile {
            Profile::Spl => "a raw Event 3 has no ParentImage, so that it can't see the parent".to_owned(),
            Profile::Correlated | Profile::Hunt => {
                let parent = facts.parent_image.map_or("(unknown)", base_name);
                format!("the joined parent is {parent}")
            }
        }
    };
    Some(format!("{says} says {}, score {}, {alerts}: {reason}.", other.signal.name(), other.score))
}

fn record_name(joined: &JoinedField) -> String {
    match joined.record_id {
        Some(record) => format!("Event {} record {record}", joined.event_code),
        None => format!("an Event {}", joined.event_code),
    }
}

/// The last component of a path.
fn base_name(path: &str) -> &str {
    path.rsplit(['\\', '/']).next().filter(|name| !name.is_empty()).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(
        profile: Profile,
        own: DetectionInput<'_>,
        with_joins: DetectionInput<'_>,
        joined: &[JoinedField],
    ) -> (String, Option<String>) {
        let patterns = Patterns::new(None, None).unwrap();
        let explanation = explain(&ExplainInput {
            profile,
            own,
            with_joins,
            joined,
            patterns: &patterns,
            excepted: [None; Profile::ALL.len()],
        })
        .unwrap();
        (explanation.sentence, explanation.difference)
    }

    #[test]
    fn every_verdict_explains_itself() {
        let push = |host, line| DetectionInput {
            event_code: 1,
            host: Some(host),
            image: Some(r"C:\Git\git.exe"),
            command_line: Some(line),
            ..DetectionInput::default()
        };
        let upload = push("WS-1", "git push https://github.com/a/b");
        assert_eq!(
            sentence(Profile::Correlated, upload, upload, &[]),
            ("git.exe ran with \"push\" and \"github.com\" on its command line; host WS-1 is no CI system: \
              GitPushExternal, score 3.".to_owned(), None)
        );
        let agent = push("BUILD-SRV2", "git push https://github.com/a/b");
        assert_eq!(
            sentence(Profile::Spl, agent, agent, &[]).0,
            "git.exe ran with \"push\" and \"github.com\" on its command line; the CI-host pattern matched \"BUILD-\" in \
             BUILD-SRV2: GitPushExternal, score 0, no alert."
        );
        let azure = push("WS-1", "git push https://dev.azure.com/a/b");
        let (why, difference) = sentence(Profile::Correlated, azure, azure, &[]);
        assert!(why.ends_with("host WS-1 is no CI system: GitPushExternal, score 3."), "{why}");
        assert_eq!(
            difference.unwrap(),
            "Splunk's search (spl) says Unknown, score 0, no alert: Splunk's selection knows dev.azure.com, but its Signal \
             does not."
        );
        let capitals = push("WS-1", "git push https://GitHub.com/a/b");
        assert!(sentence(Profile::Spl, capitals, capitals, &[]).0.contains("does not know \"GitHub.com\""));
    }

    #[test]
    fn a_joined_connection_says_what_it_was_joined_from() {
        let own = DetectionInput {
            event_code: 3,
            host: Some("WS-1"),
            image: Some(r"C:\pwsh.exe"),
            destination_hostname: Some("-"),
            ..DetectionInput::default()
        };
        let with_joins = DetectionInput {
            destination_hostname: Some("github.com"),
            parent_image: Some(r"C:\VS\Code.exe"),
            ..own
        };
        let joined = [JoinedField {
            field: Field::DestinationHostname,
            event_code: 22,
            record_id: Some(17),
            source: "a.evtx".to_owned(),
            own_value: Some("-".to_owned()),
        }];
        let (why, difference) = sentence(Profile::Correlated, own, with_joins, &joined);
        assert_eq!(
            why,
            "pwsh.exe connected to github.com (the name that this process asked DNS for, Event 22 record 17; the event \
             itself says \"-\"); host WS-1 is no CI system, but the IDE-parent pattern matched \"Code.exe\" in its parent \
             Code.exe: NetworkConnectionToCodeRepo, score 1, no alert."
        );
        assert_eq!(
            difference.unwrap(),
            "Splunk's search (spl) does not select it: the event itself says \"-\" for DestinationHostname."
        );
    }
}
