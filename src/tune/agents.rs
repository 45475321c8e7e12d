//! Hosts that push like an agent: often, regularly, and by a service account.

use hashbrown::HashMap;

use crate::detect::TECHNIQUE;
use crate::detect::profile::Profile;
use crate::model::event::Field;
use crate::store::Store;
use crate::store::events::interner::Symbol;
use crate::store::ids::DistinctId;

/// Minimum number of runs at which a host is busy enough to be judged.
const MANY: usize = 5;
/// Maximum gap in seconds between the events of one run: a push is several processes.
const RUN_SECONDS: i64 = 30;
/// Maximum number of users and parents that are remembered of a host; one with more is no agent.
const MOST: usize = 8;

/// A host that pushes like an agent, with the evidence.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    pub(super) host: DistinctId,
    /// The number of its pushes or uploads; events that follow within half a minute belong to one.
    pub(super) runs: usize,
    /// The median of the seconds between two, and the quarters around it.
    pub(super) gaps: (i64, i64, i64),
    pub(super) users: Vec<Symbol>,
    pub(super) parents: Vec<DistinctId>,
}

#[derive(Default)]
struct Habits {
    times: Vec<i64>,
    users: Vec<Symbol>,
    parents: Vec<DistinctId>,
    /// A user that is not named, or too many of them.
    unclear: bool,
}

/// Returns the hosts that push like an agent, under a profile. The patterns take no part.
pub(super) fn agents(store: &Store, profile: Profile) -> Vec<Agent> {
    let mut habits: HashMap<DistinctId, Habits> = HashMap::new();
    let mut firsts: HashMap<Symbol, DistinctId> = HashMap::new();
    for finding in store.findings().iter().filter(|finding| finding.signal(profile).is_some()) {
        let Some((host, event)) = finding.host.zip(store.event(finding.event)) else { continue };
        // Two spellings of a name are one host: the habits go to the one that was met first.
        let first = store.hosts().get(host).map(|host| host.first);
        let host = first.map_or(host, |first| *firsts.entry(first).or_insert(host));
        let habits = habits.entry(host).or_default();
        if !TECHNIQUE.is_of_connections(finding.clause) {
            habits.times.extend(event.time.map(|time| time.unix_seconds()));
        }
        match event.symbol(Field::User) {
            Some(user) if habits.users.contains(&user) => {}
            Some(user) if habits.users.len() < MOST => habits.users.push(user),
            _ => habits.unclear = true,
        }
        match store.parent_of(finding, profile) {
            Some(parent) if !habits.parents.contains(&parent) && habits.parents.len() < MOST => {
                habits.parents.push(parent);
            }
            _ => {}
        }
    }
    let mut agents: Vec<Agent> =
        habits.into_iter().filter_map(|(host, habits)| habits.agent(host, store)).collect();
    agents.sort_by_key(|agent| (std::cmp::Reverse(agent.runs), agent.host));
    agents
}

impl Habits {
    fn agent(mut self, host: DistinctId, store: &Store) -> Option<Agent> {
        if self.unclear || !self.users.iter().all(|user| is_service_account(store.text(*user))) {
            return None;
        }
        self.times.sort_unstable();
        let mut runs = Vec::new();
        let mut last = i64::MIN;
        for time in self.times {
            if time.saturating_sub(last) > RUN_SECONDS {
                runs.push(time);
            }
            last = time;
        }
        if runs.len() < MANY || self.parents.len() >= MOST {
            return None;
        }
        let mut gaps: Vec<i64> =
            runs.windows(2).filter_map(|pair| Some(pair.last()? - pair.first()?)).collect();
        gaps.sort_unstable();
        let at = |quarter: usize| gaps.get(gaps.len() * quarter / 4).copied();
        let (low, median, high) = (at(1)?, at(2)?, at(3)?);
        // Half of the gaps lie within a quarter of the median on either side.
        let is_regular = (high - low).saturating_mul(2) <= median;
        is_regular.then_some(Agent {
            host,
            runs: runs.len(),
            gaps: (low, median, high),
            users: self.users,
            parents: self.parents,
        })
    }
}

/// Returns whether an account's name marks a service account, which no human uses. The system's own accounts do not
/// count: an intruder who has taken a host can have them.
fn is_service_account(user: &str) -> bool {
    const WORDS: [&str; 18] = [
        "svc",
        "srv",
        "service",
        "build",
        "builder",
        "buildagent",
        "jenkins",
        "runner",
        "agent",
        "bamboo",
        "teamcity",
        "gitlab",
        "deploy",
        "automation",
        "pipeline",
        "ci",
        "bot",
        "robot",
    ];
    let name = user.rsplit('\\').next().unwrap_or(user).to_ascii_lowercase();
    name.ends_with('$')
        || name
            .split(|c: char| !c.is_ascii_alphabetic())
            .any(|word| WORDS.contains(&word) || (word.len() > 3 && word.starts_with("svc")))
}

/// `58 min`.
pub(super) fn duration(seconds: i64) -> String {
    match seconds {
        ..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", (seconds + 30) / 60),
        7200..=172_799 => format!("{} h", (seconds + 1800) / 3600),
        _ => format!("{} days", (seconds + 43_200) / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_of_services_are_known_by_whole_words() {
        for name in [r"CORP\svc-build", r"CORP\BUILD07$", "jenkins", r"CORP\svcdeploy", "gitlab_runner"] {
            assert!(is_service_account(name), "{name}");
        }
        for name in
            [r"CORP\alice", r"BUILD\alice", r"CORP\abbott", r"NT AUTHORITY\SYSTEM", "-", r"CORP\lucia"]
        {
            assert!(!is_service_account(name), "{name}");
        }
    }

    #[test]
    fn durations_are_round() {
        assert_eq!([30, 3600, 3 * 3600, 10 * 86_400].map(duration), ["30 s", "60 min", "3 h", "10 days"]);
    }
}
