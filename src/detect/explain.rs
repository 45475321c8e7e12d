//! The explanation of a score: the clause, the texts that met its conditions, the flags, and where the other profile
//! differs.

use super::clauses::find_ignoring_case;
use super::exception::{Exception, ExceptionField};
use super::pattern::Patterns;
use super::profile::Profile;
use super::technique::{ClauseId, TECHNIQUE, Technique};
use super::{ALERT_SCORE, DetectionInput};
use crate::model::event::Field;
use crate::model::row::{Explanation, FlagMatch, JoinedField, Signal};
use crate::model::secrets::{mask, mask_part};

/// The verdict on an event under one profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The clause that selected it.
    pub clause: ClauseId,
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
pub fn judge(profile: Profile, input: &DetectionInput<'_>, patterns: &Patterns) -> Option<Verdict> {
    TECHNIQUE.judge(profile, input, patterns)
}

/// Explains a verdict; see [`Technique::explain`].
#[must_use]
pub fn explain(input: &ExplainInput<'_>) -> Option<Explanation> {
    TECHNIQUE.explain(input)
}

/// An event with its own fields and with the joined ones, to be explained.
#[derive(Clone, Copy, Debug)]
pub struct ExplainInput<'a> {
    /// The profile whose verdict is explained.
    pub profile: Profile,
    /// The event's own fields, which `spl` sees.
    pub own: DetectionInput<'a>,
    /// The fields with the joined ones, which `correlated` sees.
    pub with_joins: DetectionInput<'a>,
    /// The joined fields.
    pub joined: &'a [JoinedField],
    /// The patterns in force.
    pub patterns: &'a Patterns,
    /// The exception that takes the event out of each profile's alerts, in the order of [`Profile::ALL`].
    pub exception_of: [Option<&'a Exception>; Profile::ALL.len()],
}

impl<'a> ExplainInput<'a> {
    fn facts(&self, profile: Profile) -> &DetectionInput<'a> {
        match profile {
            Profile::Spl => &self.own,
            Profile::Correlated | Profile::Hunt => &self.with_joins,
        }
    }

    fn exception(&self, profile: Profile) -> Option<&'a Exception> {
        self.exception_of.get(profile.index()).copied().flatten()
    }
}

impl Technique {
    /// Runs the whole detection over an event; `None` where no clause selects it.
    #[must_use]
    pub fn judge(
        &self,
        profile: Profile,
        input: &DetectionInput<'_>,
        patterns: &Patterns,
    ) -> Option<Verdict> {
        let clause = self.select(input)?;
        let signal = self.signal(profile, input, clause);
        let is_ci_system = patterns.ci_host.matches(input.host);
        let is_known_ide = patterns.ide_parent.matches(input.parent_image);
        let score = self.score(signal, is_ci_system, is_known_ide);
        Some(Verdict { clause, signal, is_ci_system, is_known_ide, score })
    }

    /// Explains a verdict; `None` where the input's profile does not select the event. Secrets in its sentences are always
    /// masked: a sentence gives a value without the option or the key that shows it to be a secret.
    #[must_use]
    pub fn explain(&self, input: &ExplainInput<'_>) -> Option<Explanation> {
        let verdict = self.judge_with_exception(input, input.profile)?;
        let facts = input.facts(input.profile);
        let flag = |text: Option<&str>, pattern: &super::pattern::Pattern| FlagMatch {
            matched: text.and_then(|text| pattern.find(text)),
            has_text: text.is_some(),
        };
        let exception = input.exception(input.profile);
        Some(Explanation {
            clause: self.clause_name(verdict.clause),
            conditions: self.conditions(facts, verdict.clause),
            ci: flag(facts.host, &input.patterns.ci_host),
            ide: flag(facts.parent_image, &input.patterns.ide_parent),
            branch: match exception {
                Some(_) => "0: exception".into(),
                None => self.score_branch(verdict.signal, verdict.is_ci_system, verdict.is_known_ide).into(),
            },
            exception: exception.map(|exception| exception.name.clone()),
            sentence: format!("{}; {}.", self.act(input, verdict), self.outcome(input, facts, verdict)),
            difference: self.difference(input, verdict),
            evidence: Vec::new(),
        })
    }

    /// Runs the detection over what a profile sees. An exception makes the score 0.
    fn judge_with_exception(&self, input: &ExplainInput<'_>, profile: Profile) -> Option<Verdict> {
        let verdict = self.judge(profile, input.facts(profile), input.patterns)?;
        let score = if input.exception(profile).is_some() { 0 } else { verdict.score };
        Some(Verdict { score, ..verdict })
    }

    /// `curl.exe ran with api.github.com and "put" on its command line`.
    fn act(&self, input: &ExplainInput<'_>, verdict: Verdict) -> String {
        let facts = input.facts(input.profile);
        let program = facts.image.map_or("a process", base_name);
        if self.is_of_connections(verdict.clause) {
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
        let quoted: Vec<String> = self
            .conditions(facts, verdict.clause)
            .into_iter()
            .filter(|condition| condition.field == Field::CommandLine)
            .filter_map(|condition| Some(format!("\"{}\"", facts.command_line?.get(condition.matched)?)))
            .collect();
        if quoted.is_empty() {
            return format!("{program} ran");
        }
        format!("{program} ran with {} on its command line", quoted.join(" and "))
    }

    fn outcome(&self, input: &ExplainInput<'_>, facts: &DetectionInput<'_>, verdict: Verdict) -> String {
        let host = mask(facts.host.unwrap_or("(unnamed)"));
        let scored = format!("{}, score {}", verdict.signal.name(), verdict.score);
        if let Some(exception) = input.exception(input.profile) {
            let Exception { name, reason, .. } = exception;
            return format!("exception {name}: {reason} ({}): {scored}, no alert", met(exception, facts));
        }
        if verdict.signal == Signal::Unknown {
            return format!("{}: {scored}, no alert", self.unknown_reason(facts, verdict.clause));
        }
        if verdict.is_ci_system {
            let part = facts.host.and_then(|text| Some(mask_part(text, &input.patterns.ci_host.find(text)?)));
            let part = part.unwrap_or_default();
            return format!("the CI-host pattern matched \"{part}\" in {host}: {scored}, no alert");
        }
        let alerts = if verdict.score < ALERT_SCORE { ", no alert" } else { "" };
        match facts.parent_image {
            _ if !self.heeds_ide(verdict.signal) => format!("host {host} is no CI system: {scored}{alerts}"),
            Some(parent) if verdict.is_known_ide => {
                let part = input.patterns.ide_parent.find(parent).map(|range| mask_part(parent, &range));
                let part = part.unwrap_or_default();
                format!(
                    "host {host} is no CI system, but the IDE-parent pattern matched \"{part}\" in its parent {}: \
                     {scored}{alerts}",
                    mask(base_name(parent))
                )
            }
            Some(parent) => {
                format!(
                    "host {host} is no CI system and its parent {} no known IDE: {scored}{alerts}",
                    mask(base_name(parent))
                )
            }
            None => {
                format!(
                    "host {host} is no CI system and no parent is known that could be an IDE: {scored}{alerts}"
                )
            }
        }
    }

    /// Names why no branch of the search's `case()` holds for an event that its selection took.
    fn unknown_reason(&self, facts: &DetectionInput<'_>, id: ClauseId) -> String {
        let clause = self.clause(id);
        let branch = clause.and_then(|clause| self.branch_of(clause.signal));
        let Some(failed) = branch.and_then(|branch| branch.tests.iter().find(|test| !test.holds(facts)))
        else {
            return "Splunk's Signal has no branch for it".to_owned();
        };
        let text = facts.text(failed.field).unwrap_or("");
        let written = failed.terms.iter().find_map(|term| text.get(find_ignoring_case(text, term)?));
        match (failed.terms, written) {
            ([term], Some(written)) => {
                format!("Splunk's Signal compares with case and finds no \"{term}\" in \"{written}\"")
            }
            (_, Some(written)) => {
                format!("Splunk's Signal compares with case and does not know \"{written}\"")
            }
            (_, None) => {
                let selecting = clause.and_then(|clause| clause.test(failed.label)?.find(text));
                let term = selecting.map_or("it", |(term, _)| term);
                format!("Splunk's selection knows {term}, but its Signal does not")
            }
        }
    }

    /// Words the first texts that the search's `case()` asks for: `"push" and a host`.
    fn first_branch(&self) -> String {
        let tests = self.branches.iter().map(|branch| branch.tests).find(|tests| !tests.is_empty());
        let each = tests.unwrap_or_default().iter().map(|test| match test.terms {
            [term] => format!("\"{term}\""),
            _ => format!("a {}", test.label),
        });
        each.collect::<Vec<_>>().join(" and ")
    }

    /// Returns a sentence on the other profile, where its signal or score differs.
    fn difference(&self, input: &ExplainInput<'_>, verdict: Verdict) -> Option<String> {
        let (other_profile, says) = match input.profile {
            Profile::Spl => (Profile::Correlated, "With joins (correlated)"),
            Profile::Correlated | Profile::Hunt => (Profile::Spl, "Splunk's search (spl)"),
        };
        let Some(other) = self.judge_with_exception(input, other_profile) else {
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
            self.unknown_reason(facts, other.clause)
        } else if verdict.signal == Signal::Unknown {
            "the signal follows the clause, without case".to_owned()
        } else if other.signal != verdict.signal {
            match other_profile {
                Profile::Spl => {
                    format!("its Signal asks for {} first, whatever the program is", self.first_branch())
                }
                Profile::Correlated | Profile::Hunt => {
                    "the signal follows the clause of the program".to_owned()
                }
            }
        } else {
            match other_profile {
                Profile::Spl => {
                    "a raw Event 3 has no ParentImage, so that it can't see the parent".to_owned()
                }
                Profile::Correlated | Profile::Hunt => {
                    let parent = facts.parent_image.map_or("(unknown)", base_name);
                    format!("the joined parent is {parent}")
                }
            }
        };
        Some(format!("{says} says {}, score {}, {alerts}: {reason}.", other.signal.name(), other.score))
    }
}

/// Lists the texts that met an exception's terms: `"mirror-" in host, User`. The detection does not read the account.
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
            exception_of: [None; Profile::ALL.len()],
        })
        .unwrap();
        (explanation.sentence, explanation.difference)
    }

    #[test]
    fn verdict_explains_itself() {
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
    fn joined_name_is_explained() {
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
