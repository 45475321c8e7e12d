//! The sentence of each item of evidence, and the names of activities and incidents.

use crate::detect::evidence::EvidenceItem;
use crate::detect::evidence::signs::unusual_parent;
use crate::model::claim::ClaimedActivity;
use crate::model::event::Field;
use crate::model::row::EvidenceRow;
use crate::model::text::image_name;
use crate::model::time::Timestamp;
use crate::store::Store;
use crate::store::events::event::StoredEvent;
use crate::store::evidence::table::{ActivityTable, Detail, EvidenceHit, RootKey, WeighedActivity};

impl Store {
    /// Returns the name of an activity: the host and the GUID of its root process. It is the same in any dialect and
    /// order of the same log.
    #[must_use]
    pub fn activity_name(&self, activity: &WeighedActivity) -> String {
        if let Some(claim) = self.claim_of(activity) {
            return claim.name.clone();
        }
        let first = activity.findings.first().and_then(|id| self.event(self.finding(*id)?.event));
        // As the event writes it, so that a secret in it can be told.
        let host = first.and_then(|event| self.host_of(event)).unwrap_or("-");
        match activity.root {
            RootKey::Process(_, guid) => format!("{host} {guid}"),
            RootKey::Event(event) => {
                let event = self.event(event);
                match (event.and_then(StoredEvent::record_id), event.and_then(|event| event.time)) {
                    (Some(record), _) => format!("{host} record {record}"),
                    (None, Some(time)) => format!("{host} {}", seconds(time)),
                    (None, None) => host.to_owned(),
                }
            }
        }
    }

    /// Returns the name of an activity's incident: the user, the owner and the first time, or that of the activity where it
    /// has no user or owner.
    #[must_use]
    pub fn incident_name(&self, table: &ActivityTable, activity: &WeighedActivity) -> String {
        if let Some(claim) = self.claim_of(activity) {
            return claim.incident.clone();
        }
        let first = table.all().get(activity.incident as usize).unwrap_or(activity);
        match (first.user, &first.owner, first.span) {
            (Some(user), Some(owner), Some((time, _))) => {
                format!("{} to {owner} since {}", self.text(user), seconds(time))
            }
            _ => self.activity_name(first),
        }
    }

    fn claim_of(&self, activity: &WeighedActivity) -> Option<&ClaimedActivity> {
        self.scan_row(activity.claimed?)?.activity.as_ref()
    }

    /// Returns an activity's evidence as rows show it.
    #[must_use]
    pub fn evidence_rows(&self, activity: &WeighedActivity) -> Vec<EvidenceRow> {
        let row = |hit: &EvidenceHit| {
            let event = hit.event.and_then(|event| self.event(event));
            let claimed = match &hit.detail {
                Detail::Claimed(_, record) => *record,
                _ => None,
            };
            EvidenceRow {
                item: hit.item.row().name,
                words: hit.item.row().words,
                points: hit.points,
                why: self.evidence_sentence(activity, hit),
                record: event.and_then(StoredEvent::record_id).or(claimed),
                source: event.map(|event| self.source_name(event).to_owned()),
            }
        };
        activity.evidence.iter().map(row).collect()
    }

    /// Returns the sentence of an item.
    fn evidence_sentence(&self, activity: &WeighedActivity, hit: &EvidenceHit) -> String {
        let text = match &hit.detail {
            Detail::Claimed(why, _) => return why.clone(),
            Detail::Text(text) => text.as_str(),
            Detail::Words(words) => words,
            Detail::Before(Some(name), _) => self.text(*name),
            Detail::None | Detail::Before(None, _) => "",
        };
        let ago = match &hit.detail {
            Detail::Before(_, seconds) => ago(*seconds),
            _ => String::new(),
        };
        let user = activity.user.map_or("this account", |user| self.text(user));
        match hit.item {
            EvidenceItem::NewOwner => format!("no host pushed to {text} before"),
            EvidenceItem::OwnerNewHere => format!("{user} never pushed to {text} from this host before"),
            EvidenceItem::FirstPush => format!("the first push or upload of {user} on this host"),
            EvidenceItem::Archive => format!("an archive was made {ago}: {text}"),
            EvidenceItem::ArchivePassword => format!("an archive with a password was made {ago}: {text}"),
            EvidenceItem::GitInit => format!("a repository was made by git init {ago}"),
            EvidenceItem::StagingFolder => format!("it ran in {text}, where anybody can write"),
            EvidenceItem::Token => format!("{text} is on the command line"),
            EvidenceItem::WholeRepository => format!("{text} sends a whole repository"),
            EvidenceItem::UnusualParent => {
                let event = hit.event.and_then(|event| self.event(event));
                let line = event.and_then(|event| self.field(event, Field::ParentCommandLine)).unwrap_or("");
                let kind = unusual_parent(text, line).unwrap_or("an unusual parent");
                format!("{kind} is above it: {}", image_name(text))
            }
            EvidenceItem::WritableProgram => format!("a program where anybody can write: {text}"),
            EvidenceItem::SystemAccount => format!("it ran as {user}"),
            EvidenceItem::RenamedTool => format!("its file is {text} under another name"),
            EvidenceItem::SecretSearch => format!("{text} looked for secrets {ago}"),
            EvidenceItem::LookAlike => format!("its owner looks like {text}, which is trusted"),
            EvidenceItem::HiddenScript => format!("{text}, in it or above it"),
            EvidenceItem::ApiHost => "it connected to the API and not to the site".to_owned(),
            EvidenceItem::NoPush => "its own command is no push, and nothing on the line sends".to_owned(),
            EvidenceItem::Download => format!("the same process went on to {text}, which gives files away"),
            EvidenceItem::UsualOwner => format!("{user} pushed to {text} from this host on two earlier days"),
            EvidenceItem::SharedOwner => format!("three or more hosts push to {text}"),
            EvidenceItem::IdeAbove => format!("an IDE is above it: {}", image_name(text)),
            EvidenceItem::TrustedOwner => format!("{text} is a trusted owner"),
        }
    }
}

/// Returns a time without the fraction of its second: not every dialect has all its digits.
fn seconds(time: Timestamp) -> String {
    Timestamp::from_unix(time.unix_seconds(), 0, 0).to_string()
}

/// Returns the time before an activity in words.
fn ago(seconds: i64) -> String {
    match seconds {
        ..0 => "during it".to_owned(),
        0..=1 => "just before".to_owned(),
        2..=119 => format!("{seconds} seconds before"),
        _ => format!("{} minutes before", seconds / 60),
    }
}
