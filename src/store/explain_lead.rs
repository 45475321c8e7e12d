//! Why a lead is one: a sentence that names its events, and the list of them.

use crate::detect::exception::Exception;
use crate::detect::hunt::indicator::{IndicatorKind, indicators};
use crate::detect::hunt::program::Program;
use crate::detect::profile::Profile;
use crate::detect::technique::LEAD;
use crate::model::event::{Field, code};
use crate::model::row::{Condition, Evidence, Explanation, FlagMatch};
use crate::model::text::image_name;
use crate::store::Store;
use crate::store::events::event::StoredEvent;
use crate::store::events::interner::Symbol;
use crate::store::findings::finding::HuntLead;
use crate::store::hunt::activity::IndicatorHit;
use crate::store::ids::EventId;
use crate::store::tuning_matches::TuningMatches;
use crate::store::view::FindingView;

/// Kinds of events that a sentence names.
const MAX_NAMED: usize = 6;

impl Store {
    /// The reasons of a lead.
    pub(super) fn explain_lead(
        &self,
        view: &FindingView<'_>,
        hunt: &HuntLead,
        tuning: &TuningMatches,
    ) -> Explanation {
        let exception = tuning.exception(view.finding().event, Profile::Hunt);
        let hits = self.hits_of(hunt);
        let activity = hunt.activity.and_then(|activity| self.activities.get(activity));
        let evicted = activity.map_or(0, |activity| activity.evicted as usize + activity.not_shown);
        let flag = |text: Option<&str>, pattern: &crate::detect::pattern::Pattern| FlagMatch {
            matched: text.and_then(|text| pattern.find(text)),
            has_text: text.is_some(),
        };
        Explanation {
            clause: LEAD,
            conditions: self.lead_conditions(view),
            ci: flag(view.host(), &tuning.patterns().ci_host),
            ide: flag(view.text(Field::ParentImage), &tuning.patterns().ide_parent),
            branch: if exception.is_some() { "0: exception" } else { hunt.lead.branch }.into(),
            exception: exception.map(|exception| exception.name.clone()),
            sentence: format!(
                "{}; {}.",
                self.lead_activity(view, &hits, evicted),
                lead_outcome(view, hunt, tuning)
            ),
            difference: None,
            evidence: self.evidence(&hits),
        }
    }

    fn hits_of(&self, hunt: &HuntLead) -> Vec<IndicatorHit> {
        let Some(activity) = hunt.activity.and_then(|activity| self.activities.get(activity)) else {
            return Vec::new();
        };
        activity.shown.iter().copied().chain(activity.remote).collect()
    }

    /// The parts of the command line that made the lead.
    fn lead_conditions(&self, view: &FindingView<'_>) -> Vec<Condition> {
        let event = view.event();
        let line = self.field(event, Field::CommandLine).unwrap_or("");
        let Some(program) = self.field(event, Field::Image).and_then(Program::of) else { return Vec::new() };
        let found = indicators(program, line, None, false, &self.activities.hosts);
        let matched = found.into_iter().flat_map(|clue| clue.matched);
        let condition = |matched: std::ops::Range<usize>| {
            let test = format!("holds {}", line.get(matched.clone())?);
            Some(Condition { field: Field::CommandLine, test, matched })
        };
        matched.filter_map(condition).collect()
    }

    /// Returns one entry for each event, with its strongest indicator.
    fn evidence(&self, hits: &[IndicatorHit]) -> Vec<Evidence> {
        let mut told: Vec<EventId> = Vec::new();
        let mut evidence = Vec::new();
        for hit in hits {
            let Some(event) = self.event(hit.event).filter(|_| !told.contains(&hit.event)) else {
                continue;
            };
            told.push(hit.event);
            evidence.push(Evidence {
                what: self.clause_of(hit, event),
                event_code: event.event_code,
                record_id: event.record_id(),
                source: self.source_name(event).to_owned(),
            });
        }
        evidence
    }

    /// `git push ran without a URL; its send-pack sent to github.com/o/r (Event 1 record 17), …`
    fn lead_activity(&self, view: &FindingView<'_>, hits: &[IndicatorHit], evicted: usize) -> String {
        if hits.is_empty() {
            return "a scan found it by events that are not in its row".to_owned();
        }
        let mut clauses: Vec<String> = Vec::new();
        let mut kinds = Vec::new();
        let mut events: Vec<EventId> = Vec::new();
        for hit in hits {
            let is_said = kinds.contains(&hit.kind)
                // A child's fields of its parent add nothing where the parent's own event is there.
                || hit.kind == IndicatorKind::PushAsParent && kinds.contains(&IndicatorKind::Push)
                || hit.kind == IndicatorKind::FetchAsParent && kinds.contains(&IndicatorKind::Fetch);
            if is_said || clauses.len() == MAX_NAMED {
                continue;
            }
            kinds.push(hit.kind);
            events.push(hit.event);
            let Some(event) = self.event(hit.event) else { continue };
            let clause = self.clause_of(hit, event);
            clauses.push(match event.record_id() {
                _ if hit.event == view.finding().event => clause,
                Some(record) => format!("{clause} (Event {} record {record})", event.event_code),
                None => format!("{clause} (an Event {})", event.event_code),
            });
        }
        let mut rest: Vec<EventId> =
            hits.iter().map(|hit| hit.event).filter(|event| !events.contains(event)).collect();
        rest.sort_unstable();
        rest.dedup();
        match rest.len() + evicted {
            0 => {}
            1 => clauses.push("one more event is of it".to_owned()),
            more => clauses.push(format!("{more} more events are of it")),
        }
        clauses.join(", ")
    }

    /// Returns the clause of an event's indicator.
    fn clause_of(&self, hit: &IndicatorHit, event: &StoredEvent) -> String {
        let image = self.field(event, Field::Image).map_or("a process", image_name);
        let place = self.place(hit);
        let to = |word: &str| place.map_or_else(String::new, |place| format!(" {word} {place}"));
        let name = self.field(event, Field::DestinationHostname);
        let address = self.field(event, Field::DestinationIp).unwrap_or("an address");
        let other = || name.filter(|name| *name != "-").unwrap_or(address);
        match hit.kind {
            IndicatorKind::HiddenUpload => {
                format!(
                    "{image} ran with a repository's host hidden in its command line{} and a way to send",
                    to("for")
                )
            }
            IndicatorKind::HiddenHost => {
                format!("{image} ran with a repository's host hidden in its command line{}", to("for"))
            }
            IndicatorKind::EncodedUpload => {
                format!("{image} ran with a script in base64 that sends{}", to("to"))
            }
            IndicatorKind::ToolUpload => {
                format!("{image} ran with a way to send on its command line{}", to("to"))
            }
            IndicatorKind::ScriptUpload => {
                format!("{image} ran with a script on its command line that sends{}", to("to"))
            }
            IndicatorKind::GhUpload => format!("{image} ran with a command that uploads"),
            IndicatorKind::ClientUpload => format!("{image} ran with a command that uploads to a repository"),
            IndicatorKind::ClientText => {
                format!("{image} sent a file as the text of an issue or a pull request")
            }
            IndicatorKind::RunnerRegistered => {
                format!("{image} registered this host as a runner{}", to("of"))
            }
            IndicatorKind::WslPushToUrl | IndicatorKind::WslPush => {
                format!("{image} ran a git push within Linux{}", to("to"))
            }
            IndicatorKind::LfsUpload => {
                format!("{image} asked {} to take large files", place.unwrap_or("the other side"))
            }
            IndicatorKind::LfsPush => format!("git-lfs was told to push large files{}", to("to")),
            IndicatorKind::RuntimeConnection
            | IndicatorKind::SuspectConnection
            | IndicatorKind::UnlistedConnection => match event.event_code {
                code::DNS_QUERY => format!("{image} asked DNS{}", to("for")),
                _ => format!("{image} connected to {}", other()),
            },
            IndicatorKind::PushToOtherHost => format!("git was told to push{}", to("to")),
            IndicatorKind::Push if hit.host.is_some() => format!("git was told to push{}", to("to")),
            IndicatorKind::Push => "git was told to push without naming a URL".to_owned(),
            IndicatorKind::SendPack => format!("its send-pack sent{}", to("to")),
            IndicatorKind::ReceivePack => {
                format!("{image} asked {} to receive", place.unwrap_or("the other side"))
            }
            IndicatorKind::PushAsParent => "the parent's command line is a git push".to_owned(),
            IndicatorKind::Gh => format!("{image} ran with no command that uploads"),
            IndicatorKind::ScriptRequest => {
                format!("{image} ran with a call{} that says nothing of sending", to("of"))
            }
            IndicatorKind::Fetch => format!("git fetched{}", to("from")),
            IndicatorKind::Helper => format!("git's helper was given{}", to("")).replace("given  ", "given "),
            IndicatorKind::FetchAsParent => "the parent's command line is a fetch".to_owned(),
            IndicatorKind::HelperConnection
            | IndicatorKind::ClientConnection
            | IndicatorKind::OtherHostConnection => {
                format!("{image} connected to {}", other())
            }
            IndicatorKind::ReverseNameConnection => format!(
                "{image} connected to {}, a name by reverse lookup alone, which whoever owns the address writes, so that \
                 this is weak",
                other()
            ),
            IndicatorKind::ResolvedElsewhere => {
                format!("{image} connected to {address}, which another process had just resolved{}", to("as"))
            }
            IndicatorKind::Query => format!("{image} asked DNS{}", to("for")),
            IndicatorKind::RemoteAdded => {
                format!("the remote was set{} in the same folder before", to("to"))
            }
            IndicatorKind::SearchedStart => format!("{image} is selected by the search"),
            IndicatorKind::SearchedConnection => {
                format!("{image} connected to {}, which the search selects too", other())
            }
        }
    }

    fn place(&self, hit: &IndicatorHit) -> Option<&str> {
        let text = |symbol: Symbol| self.text(symbol);
        hit.repository.or(hit.host).map(text)
    }
}

fn lead_outcome(view: &FindingView<'_>, hunt: &HuntLead, tuning: &TuningMatches) -> String {
    let host = view.host().unwrap_or("(unnamed)");
    let scored = format!("{}, score {}", hunt.lead.signal.name(), view.score());
    if let Some(Exception { name, reason, .. }) = tuning.exception(view.finding().event, Profile::Hunt) {
        return format!("exception {name}: {reason}: {scored}, no alert");
    }
    if view.is_ci_system() {
        let found = view.host().and_then(|text| text.get(tuning.patterns().ci_host.find(text)?));
        return format!(
            "the CI-host pattern matched \"{}\" in {host}: {scored}, no alert",
            found.unwrap_or("")
        );
    }
    if view.is_known_ide() && hunt.lead.yields_to_ide {
        let parent = view.text(Field::ParentImage).unwrap_or("");
        return format!("its parent {} is a known IDE: {scored}", image_name(parent));
    }
    let reason = hunt.lead.branch.split_once(": ").map_or("", |(_, reason)| reason);
    format!("{reason}, and host {host} is no CI system: {scored}")
}
