//! From the indicators of an activity to its lead: the name, and the score of its own rule.

use super::indicator::IndicatorKind as K;
use crate::model::row::Signal;

/// The lead that an activity's indicators add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lead {
    /// Its name.
    pub signal: Signal,
    /// Its score where neither pattern matches.
    pub score: u8,
    /// Whether an IDE as parent lowers it by one: connections, which IDEs open in the background.
    pub yields_to_ide: bool,
    /// Why it has that score, in words.
    pub branch: &'static str,
}

/// A host that is no known repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OtherHost {
    /// None is named.
    #[default]
    Unnamed,
    /// One of a private network, or of the computer's own domain.
    Near,
    /// A public forge.
    Forge,
    /// Any other.
    Unknown,
}

/// The indicators of an activity, taken together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    /// The bits of all kinds that it has.
    pub kinds: u64,
    /// Whether a repository's host is named by any of them.
    pub names_repository: bool,
    /// The host that a push goes to, where that is no known repository.
    pub other_host: OtherHost,
    /// Whether its only client is GitHub Desktop, which asks GitHub all day.
    pub is_desktop: bool,
}

impl Summary {
    /// Whether there is a indicator of that kind.
    #[must_use]
    pub const fn has(self, kind: K) -> bool {
        self.kinds & kind.bit() != 0
    }
}

const fn lead(signal: Signal, score: u8, branch: &'static str) -> Lead {
    Lead { signal, score, yields_to_ide: false, branch }
}

const fn connection(signal: Signal, score: u8, branch: &'static str) -> Lead {
    Lead { signal, score, yields_to_ide: true, branch }
}

/// Returns the lead of an activity; `None` where its indicators add nothing to what the search reports.
#[must_use]
pub fn lead_of(act: Summary) -> Option<Lead> {
    if act.has(K::SearchedStart) {
        return None;
    }
    upload(act)
        .or_else(|| other_tool(act))
        .or_else(|| push(act))
        .or_else(|| reading(act))
        .or_else(|| plain_connection(act))
}

fn upload(act: Summary) -> Option<Lead> {
    let hidden = Signal::HiddenRepoHost;
    Some(if act.has(K::HiddenUpload) {
        lead(hidden, 3, "3: a hidden repository host and a way to send")
    } else if act.has(K::HiddenHost) {
        lead(hidden, 2, "2: a hidden repository host")
    } else if act.has(K::EncodedUpload) {
        lead(Signal::EncodedCommandUpload, 3, "3: a script in base64 that uploads")
    } else if act.has(K::ToolUpload) {
        lead(Signal::CurlOrWgetUpload, 3, "3: curl or wget sends to a repository's API")
    } else if act.has(K::ScriptUpload) {
        lead(Signal::ScriptUpload, 3, "3: a script sends to a repository's API")
    } else if act.has(K::GhUpload) {
        lead(Signal::GitHubCliUpload, 3, "3: gh uploads")
    } else {
        return None;
    })
}

/// Ways to send by tools that the search does not know.
fn other_tool(act: Summary) -> Option<Lead> {
    Some(if act.has(K::ClientUpload) {
        lead(Signal::OtherClientUpload, 3, "3: a repository's client uploads")
    } else if act.has(K::ClientText) {
        lead(Signal::OtherClientUpload, 2, "2: a file becomes the text of an issue or a pull request")
    } else if act.has(K::RunnerRegistered) {
        lead(Signal::RunnerRegistered, 2, "2: a repository's jobs may run on this host")
    } else if act.has(K::WslPushToUrl) {
        lead(Signal::PushInWsl, 3, "3: a push within Linux to a URL")
    } else if act.has(K::WslPush) {
        lead(Signal::PushInWsl, 2, "2: a push within Linux, which leaves no other event")
    } else {
        return None;
    })
}

fn push(act: Summary) -> Option<Lead> {
    let known = act.names_repository;
    let is_proved = act.has(K::SendPack) || act.has(K::ReceivePack);
    Some(if act.has(K::PushToOtherHost) {
        lead(Signal::GitPushToOtherHost, 3, "3: a push to a repository that the search does not know")
    } else if act.has(K::LfsUpload) || act.has(K::LfsPush) && known {
        lead(Signal::LfsPush, 3, "3: large files go to a repository")
    } else if act.has(K::LfsPush) {
        lead(Signal::LfsPush, 2, "2: large files are pushed, and nothing says where to")
    } else if is_proved && act.other_host == OtherHost::Forge {
        lead(Signal::PushToUnlistedForge, 3, "3: a proved push to a public forge that is on no list")
    } else if is_proved && act.other_host == OtherHost::Unknown {
        lead(Signal::PushToUnknownHost, 2, "2: a proved push to a host that is on no list")
    } else if is_proved && act.other_host == OtherHost::Near {
        lead(Signal::PushToUnknownHost, 1, "1: a proved push to a host of one's own network")
    } else if act.has(K::SendPack) && known {
        lead(Signal::GitPushSendPack, 3, "3: send-pack proves a push to a repository")
    } else if act.has(K::SendPack) {
        lead(Signal::GitPushSendPack, 1, "1: send-pack proves a push, but to no known repository")
    } else if act.has(K::ReceivePack) && known {
        lead(Signal::GitReceivePackOverSsh, 3, "3: git-receive-pack proves a push to a repository")
    } else if act.has(K::ReceivePack) {
        lead(
            Signal::GitReceivePackOverSsh,
            1,
            "1: git-receive-pack proves a push, but to no known repository",
        )
    } else if (act.has(K::Push) || act.has(K::PushAsParent)) && known {
        lead(
            Signal::GitPushWithoutUrl,
            2,
            "2: a push to a repository, with nothing that proves that it went through",
        )
    } else if act.has(K::Push) || act.has(K::PushAsParent) {
        lead(Signal::GitPushWithoutUrl, 1, "1: a push, and to no known repository")
    } else {
        return None;
    })
}

/// Calls that only read, as far as can be seen.
fn reading(act: Summary) -> Option<Lead> {
    act.has(K::ScriptRequest).then(|| {
        lead(
            Signal::ScriptRequest,
            1,
            "1: a script calls a repository's API and, as far as can be seen, reads",
        )
    })
}

fn plain_connection(act: Summary) -> Option<Lead> {
    if act.has(K::SearchedConnection) {
        return None;
    }
    let fetches = act.has(K::Fetch) || act.has(K::FetchAsParent);
    Some(if act.has(K::HelperConnection) && act.names_repository && fetches {
        lead(Signal::GitHelperConnection, 0, "0: git's connection of a fetch, which carries nothing out")
    } else if act.has(K::HelperConnection) && act.names_repository {
        connection(
            Signal::GitHelperConnection,
            2,
            "2: git's connection to a repository, and nothing says that it fetches",
        )
    } else if act.has(K::ClientConnection) && (act.is_desktop || act.has(K::Gh)) {
        lead(Signal::RepoClientConnection, 1, "1: a repository's client, which reads all day")
    } else if act.has(K::ClientConnection) {
        connection(Signal::RepoClientConnection, 2, "2: a repository's client, and nothing says what it does")
    } else if act.has(K::RuntimeConnection) {
        connection(
            Signal::ConnectionOfOtherRuntime,
            2,
            "2: a runtime or a client that the search's list lacks speaks to a repository",
        )
    } else if act.has(K::SuspectConnection) {
        lead(
            Signal::UnlistedProgramToRepository,
            2,
            "2: a program from where anybody can write, or one that runs others' code, speaks to a repository",
        )
    } else if act.has(K::UnlistedConnection) {
        lead(Signal::UnlistedProgramToRepository, 1, "1: an unlisted program speaks to a repository")
    } else if act.has(K::OtherHostConnection) {
        connection(Signal::ConnectionToOtherRepoHost, 2, "2: a repository that the search's list lacks")
    } else if act.has(K::ResolvedElsewhere) {
        connection(Signal::ConnectionResolvedElsewhere, 2, "2: another process had just resolved the address")
    } else if act.has(K::ReverseNameConnection) {
        connection(Signal::ConnectionByReverseName, 2, "2: a reverse name, which is weak")
    } else {
        return None;
    })
}

impl Lead {
    /// The lead of a row that a scan elsewhere wrote, from the score that it had under the scan's patterns.
    #[must_use]
    pub const fn claimed(signal: Signal, score: u8, is_ci_system: bool, is_known_ide: bool) -> Self {
        let (usual, yields_to_ide) = match signal {
            Signal::GitHelperConnection
            | Signal::ConnectionOfOtherRuntime
            | Signal::ConnectionToOtherRepoHost
            | Signal::ConnectionByReverseName
            | Signal::ConnectionResolvedElsewhere => (2, true),
            Signal::RepoClientConnection => (2, score != 1 || is_known_ide),

            Signal::GitPushWithoutUrl
            | Signal::PushToUnknownHost
            | Signal::RunnerRegistered
            | Signal::UnlistedProgramToRepository => (2, false),
            Signal::ScriptRequest => (1, false),
            _ => (3, false),
        };
        let score = match (is_ci_system, is_known_ide && yields_to_ide && score > 0) {
            // The scan's score says nothing of what it would be elsewhere.
            (true, _) => usual,
            (false, true) => score + 1,
            (false, false) => score,
        };
        Self { signal, score, yields_to_ide, branch: "as the scan that wrote the row had it" }
    }

    /// The score under the patterns' verdicts.
    #[must_use]
    pub const fn points(&self, is_ci_system: bool, is_known_ide: bool) -> u8 {
        if is_ci_system {
            0
        } else if is_known_ide && self.yields_to_ide {
            self.score.saturating_sub(1)
        } else {
            self.score
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kinds: &[K], names_repository: bool) -> Option<(Signal, u8)> {
        let kinds = kinds.iter().fold(0, |bits, kind| bits | kind.bit());
        lead_of(Summary { kinds, names_repository, ..Summary::default() })
            .map(|lead| (lead.signal, lead.score))
    }

    #[test]
    fn an_act_has_the_name_of_its_strongest_clue() {
        use Signal as S;
        for (kinds, known, expected) in [
            (
                &[K::Push, K::SendPack, K::Helper, K::HelperConnection, K::Query][..],
                true,
                Some((S::GitPushSendPack, 3)),
            ),
            (&[K::Push, K::SendPack], false, Some((S::GitPushSendPack, 1))),
            (&[K::Push, K::ReceivePack], true, Some((S::GitReceivePackOverSsh, 3))),
            (&[K::Push, K::Helper], true, Some((S::GitPushWithoutUrl, 2))),
            (&[K::PushAsParent, K::Helper], true, Some((S::GitPushWithoutUrl, 2))),
            (&[K::Push], false, Some((S::GitPushWithoutUrl, 1))),
            (&[K::PushToOtherHost, K::SendPack], true, Some((S::GitPushToOtherHost, 3))),
            (&[K::Push, K::SendPack, K::SearchedStart], true, None),
            (&[K::Fetch, K::Helper, K::HelperConnection], true, Some((S::GitHelperConnection, 0))),
            (&[K::Helper, K::HelperConnection], true, Some((S::GitHelperConnection, 2))),
            (&[K::Helper, K::HelperConnection], false, None),
            (&[K::Fetch, K::Helper, K::Query], true, None),
            (&[K::HelperConnection, K::SearchedConnection], true, None),
            (&[K::Gh, K::ClientConnection], true, Some((S::RepoClientConnection, 1))),
            (&[K::Gh], false, None),
            (&[K::GhUpload, K::ClientConnection], true, Some((S::GitHubCliUpload, 3))),
            (&[K::ScriptRequest, K::SearchedConnection], true, Some((S::ScriptRequest, 1))),
            (&[K::ReverseNameConnection], true, Some((S::ConnectionByReverseName, 2))),
            (&[K::ReverseNameConnection, K::SearchedConnection], true, None),
            (&[K::Query], true, None),
            (&[K::RemoteAdded], true, None),
            (&[], false, None),
        ] {
            assert_eq!(of(kinds, known), expected, "{kinds:?}");
        }
    }

    #[test]
    fn added_leads_have_own_scores() {
        use OtherHost as O;
        use Signal as S;
        for (kinds, known, other_host, expected) in [
            (&[K::Push, K::SendPack][..], false, O::Forge, Some((S::PushToUnlistedForge, 3))),
            (&[K::Push, K::ReceivePack], false, O::Forge, Some((S::PushToUnlistedForge, 3))),
            (&[K::SendPack], false, O::Unknown, Some((S::PushToUnknownHost, 2))),
            (&[K::SendPack], false, O::Near, Some((S::PushToUnknownHost, 1))),
            (&[K::Push], false, O::Unknown, Some((S::GitPushWithoutUrl, 1))),
            (&[K::LfsPush, K::Query], true, O::Unnamed, Some((S::LfsPush, 3))),
            (&[K::LfsPush], false, O::Unnamed, Some((S::LfsPush, 2))),
            (&[K::LfsUpload], false, O::Unnamed, Some((S::LfsPush, 3))),
            (&[K::WslPushToUrl], false, O::Unnamed, Some((S::PushInWsl, 3))),
            (&[K::WslPush], false, O::Unnamed, Some((S::PushInWsl, 2))),
            (&[K::ClientUpload, K::RuntimeConnection], true, O::Unnamed, Some((S::OtherClientUpload, 3))),
            (&[K::ClientText, K::Query], true, O::Unnamed, Some((S::OtherClientUpload, 2))),
            (&[K::RunnerRegistered], false, O::Unnamed, Some((S::RunnerRegistered, 2))),
            (&[K::RuntimeConnection], true, O::Unnamed, Some((S::ConnectionOfOtherRuntime, 2))),
            (&[K::SuspectConnection], true, O::Unnamed, Some((S::UnlistedProgramToRepository, 2))),
            (&[K::UnlistedConnection], true, O::Unnamed, Some((S::UnlistedProgramToRepository, 1))),
        ] {
            let kinds_bits = kinds.iter().fold(0, |bits, kind| bits | kind.bit());
            let act = Summary { kinds: kinds_bits, names_repository: known, other_host, is_desktop: false };
            assert_eq!(lead_of(act).map(|lead| (lead.signal, lead.score)), expected, "{kinds:?}");
        }
    }

    #[test]
    fn ide_lowers_connections_alone() {
        let push = lead(Signal::GitPushSendPack, 3, "");
        let plain = connection(Signal::GitHelperConnection, 2, "");
        assert_eq!(
            [push.points(true, false), push.points(false, true), push.points(false, false)],
            [0, 3, 3]
        );
        assert_eq!(
            [plain.points(true, true), plain.points(false, true), plain.points(false, false)],
            [0, 1, 2]
        );
    }
}
