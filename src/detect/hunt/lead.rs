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

/// The indicators of an activity, taken together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    /// The bits of all kinds that it has.
    pub kinds: u32,
    /// Whether a repository's host is named by any of them.
    pub names_repository: bool,
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
    upload(act).or_else(|| push(act)).or_else(|| reading(act)).or_else(|| plain_connection(act))
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

fn push(act: Summary) -> Option<Lead> {
    let known = act.names_repository;
    Some(if act.has(K::PushToOtherHost) {
        lead(Signal::GitPushToOtherHost, 3, "3: a push to a repository that the search does not know")
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
            | Signal::ConnectionToOtherRepoHost
            | Signal::ConnectionByReverseName
            | Signal::ConnectionResolvedElsewhere => (2, true),
            Signal::RepoClientConnection => (2, score != 1 || is_known_ide),
            Signal::GitPushWithoutUrl => (2, false),
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
        lead_of(Summary { kinds, names_repository, is_desktop: false }).map(|lead| (lead.signal, lead.score))
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
