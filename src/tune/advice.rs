//! Advice on the two patterns, computed from this log alone, each with its evidence.
//!
//! A wrong proposal is worse than none: a change that would take out a host that pushes like an agent is not offered,
//! and neither is one that would leave an empty pattern.

use hashbrown::HashMap;

use super::Which;
use super::agents::{Agent, agents, duration};
use super::allow::{generalised, with_branch};
use super::branches::{Branch, branches};
use crate::detect::pattern::{Pattern, Patterns};
use crate::detect::profile::Profile;
use crate::model::text::image_name;
use crate::store::Store;
use crate::store::events::distinct::DistinctTable;
use crate::store::ids::{DistinctId, Epoch};
use crate::store::tuning_matches::TuningMatches;

/// Maximum number of hosts or parents that a sentence names; the others are counted.
const NAMED: usize = 3;

/// Subject of an advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The pattern matches everything here.
    MatchesAll,
    /// A branch matches inside a word.
    InsideWord,
    /// A branch matches in the domain and not in the host's own name.
    InDomain,
    /// A host pushes like an agent and is not matched.
    Agent,
    /// Branches match nothing here.
    MatchesNothing,
}

/// A sentence of advice with its evidence, and the pattern that follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// Which pattern it is on.
    pub which: Which,
    /// Its subject.
    pub kind: Kind,
    /// The observation, with its evidence.
    pub evidence: String,
    /// The effect of taking it; without a proposal, the thing to look at.
    pub proposal: String,
    /// The pattern's text after it is taken; `None` where no proposal is sure enough.
    pub text: Option<String>,
}

/// Matches of a branch in a table of hosts or parents.
struct Facts {
    /// Entries that were looked at.
    seen: usize,
    branch: Pattern,
    /// The branch at the beginning of a word alone, where that is another pattern.
    at_word: Option<Pattern>,
    /// The branch before the first dot alone.
    in_name: Option<Pattern>,
    matched: Vec<DistinctId>,
    inside_word: Vec<DistinctId>,
    in_domain: Vec<DistinctId>,
}

/// Caches the matches of each branch, so that a keystroke costs one branch.
#[derive(Default)]
pub struct Adviser {
    facts: HashMap<(Which, String), Facts>,
    agents: Vec<Agent>,
    agents_of: Option<(u64, Profile)>,
    /// That of the hosts' and parents' numbers.
    epoch: Epoch,
}

impl Adviser {
    /// Returns the advice on both patterns in their current form, the gravest first.
    pub fn advise(&mut self, store: &Store, profile: Profile, flags: &TuningMatches) -> Vec<Advice> {
        if self.epoch != store.epoch() {
            *self = Self { epoch: store.epoch(), ..Self::default() };
        }
        if self.agents_of != Some((store.generation(), profile)) {
            self.agents = agents(store, profile);
            self.agents_of = Some((store.generation(), profile));
        }
        let mut advice = self.on_patterns(&[Which::CiHost, Which::IdeParent], store, flags, false);
        self.unmatched_agents(store, flags, &mut advice);
        advice.sort_by_key(|advice| advice.kind);
        advice
    }

    /// Returns the advice of [`Kind::MatchesAll`] alone: on patterns that silence everything and are not in force
    /// already. An editor must not keep such a pattern without showing it.
    pub fn warnings(&mut self, store: &Store, flags: &TuningMatches, in_force: &Patterns) -> Vec<Advice> {
        let silencing: Vec<Which> = [Which::CiHost, Which::IdeParent]
            .into_iter()
            .filter(|which| {
                which.of(flags.patterns()) != which.of(in_force) && silences_all(*which, store, flags)
            })
            .collect();
        // The branches are processed only if there is a warning.
        if silencing.is_empty() {
            return Vec::new();
        }
        self.on_patterns(&silencing, store, flags, true)
    }

    fn on_patterns(
        &mut self,
        patterns: &[Which],
        store: &Store,
        flags: &TuningMatches,
        warnings_alone: bool,
    ) -> Vec<Advice> {
        if self.epoch != store.epoch() {
            *self = Self { epoch: store.epoch(), ..Self::default() };
        }
        let mut advice = Vec::new();
        let mut used = Vec::new();
        for which in patterns.iter().copied() {
            let pattern = which.of(flags.patterns()).text();
            let branches = branches(pattern);
            for branch in &branches {
                self.look_at(which, branch, store);
                used.push((which, branch.alone.clone()));
            }
            let context = Context { adviser: self, store, flags, which, pattern, branches: &branches };
            if warnings_alone {
                context.matches_all(&mut advice);
            } else {
                context.advise(&mut advice);
            }
        }
        self.facts.retain(|key, _| used.contains(key));
        advice
    }

    fn look_at(&mut self, which: Which, branch: &Branch, store: &Store) {
        let key = (which, branch.alone.clone());
        if !self.facts.contains_key(&key) {
            let Some(facts) = Facts::new(which, branch) else { return };
            self.facts.insert(key.clone(), facts);
        }
        if let Some(facts) = self.facts.get_mut(&key) {
            facts.extend(which.table(store), store);
        }
    }

    fn is_agent(&self, which: Which, id: DistinctId) -> bool {
        which == Which::CiHost && self.agents.iter().any(|agent| agent.host == id)
    }

    /// Advises on hosts that push like an agent, without an IDE, and are not matched. Those that differ in numbers
    /// alone are proposed as one, if no other host would be taken in.
    fn unmatched_agents(&self, store: &Store, flags: &TuningMatches, advice: &mut Vec<Advice>) {
        let which = Which::CiHost;
        let pattern = which.of(flags.patterns()).text();
        let text_of = |id: DistinctId| store.hosts().get(id).map_or("", |host| store.text(host.shown));
        let has_ide = |agent: &Agent| agent.parents.iter().any(|parent| flags.is_known_ide(Some(*parent)));
        let mut families: Vec<(String, Vec<&Agent>)> = Vec::new();
        for agent in
            self.agents.iter().filter(|agent| !flags.is_ci_system(Some(agent.host)) && !has_ide(agent))
        {
            let family = generalised(text_of(agent.host));
            match families.iter_mut().find(|(other, _)| *other == family) {
                Some((_, agents)) => agents.push(agent),
                None => families.push((family, vec![agent])),
            }
        }
        for (family, agents) in families {
            let Some(first) = agents.first() else { continue };
            let takes_in_others = Pattern::new(&format!("^{family}$")).is_ok_and(|general| {
                let mut entries = (0..).map(DistinctId).zip(store.hosts().entries());
                entries.any(|(id, host)| {
                    general.matches(Some(store.text(host.shown)))
                        && !flags.is_ci_system(Some(id))
                        && !agents.iter().any(|agent| agent.host == id)
                })
            });
            let each: Vec<&Agent> = if takes_in_others { agents.clone() } else { vec![*first] };
            for agent in each {
                let name = text_of(agent.host);
                let together = agents.len() > 1 && !takes_in_others;
                let branch = if together { family.clone() } else { regex::escape(name) };
                let others = match agents.len() {
                    2 if together => " So does 1 other that differs in numbers alone.".to_owned(),
                    all if together => format!(" So do {} others that differ in numbers alone.", all - 1),
                    _ => String::new(),
                };
                let users: Vec<_> = agent.users.iter().map(|user| store.text(*user)).collect();
                let parents: Vec<_> = agent
                    .parents
                    .iter()
                    .filter_map(|parent| Some(image_name(store.text(store.parents().get(*parent)?.shown))))
                    .collect();
                let (low, median, high) = agent.gaps;
                advice.push(Advice {
                    which,
                    kind: Kind::Agent,
                    evidence: format!(
                        "{name} pushes like an agent: {} times, one every {} (half of them within {} to {}), all by {}, \
                         from {}, no IDE; and no branch matches it.{others}",
                        agent.runs,
                        duration(median),
                        duration(low),
                        duration(high),
                        users.join(", "),
                        if parents.is_empty() { "no known parent".to_owned() } else { parents.join(", ") }
                    ),
                    proposal: format!("take it in: |^{branch}$"),
                    text: Some(with_branch(pattern, &branch)),
                });
            }
        }
    }
}

/// Names that no pattern means, and that share no letter: a pattern that matches all of them matches every name.
const fn probes(which: Which) -> [&'static str; 3] {
    match which {
        Which::CiHost => ["qx", "zk7", "jv-q"],
        Which::IdeParent => ["qq", r"Z:\kk.7", "/w/v"],
    }
}

/// Returns whether a pattern matches every possible host or parent, in any log.
fn is_universal(which: Which, pattern: &Pattern) -> bool {
    pattern.matches(Some("")) || probes(which).iter().all(|probe| pattern.matches(Some(probe)))
}

/// Returns whether a pattern matches all hosts or parents of this log. A single one is no evidence.
fn matches_all_here(which: Which, store: &Store, flags: &TuningMatches) -> bool {
    let all = which.table(store).entries().len();
    let mut ids = (0..u32::try_from(all).unwrap_or(u32::MAX)).map(DistinctId);
    all >= 2 && ids.all(|id| which.is_matched(id, flags))
}

fn silences_all(which: Which, store: &Store, flags: &TuningMatches) -> bool {
    is_universal(which, which.of(flags.patterns())) || matches_all_here(which, store, flags)
}

impl Facts {
    fn new(which: Which, branch: &Branch) -> Option<Self> {
        let text = branch.alone.as_str();
        let flags = text.find(')').filter(|_| text.starts_with("(?")).map_or(0, |end| end + 1);
        let (flags, body) = if text.starts_with("(?:") { ("", text) } else { text.split_at_checked(flags)? };
        let anchored =
            body.starts_with('^') || body.starts_with(r"\b") || body.starts_with(r"\A") || body.is_empty();
        let variant = |before: &str| Pattern::new(&format!("{flags}{before}{body}")).ok();
        Some(Self {
            seen: 0,
            branch: Pattern::new(text).ok()?,
            at_word: if anchored { None } else { variant(r"\b") },
            in_name: if anchored || which != Which::CiHost { None } else { variant("^[^.]*") },
            matched: Vec::new(),
            inside_word: Vec::new(),
            in_domain: Vec::new(),
        })
    }

    fn extend(&mut self, table: &DistinctTable, store: &Store) {
        let entries = (0..).map(DistinctId).zip(table.entries()).skip(self.seen);
        for (id, entry) in entries {
            let text = store.text(entry.shown);
            let Some(found) = self.branch.find(text) else { continue };
            self.matched.push(id);
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let begins = text.get(found.clone()).and_then(|part| part.chars().next()).is_some_and(is_word);
            let elsewhere = |pattern: &Option<Pattern>| {
                pattern.as_ref().is_some_and(|pattern| !pattern.matches(Some(text)))
            };
            let is_name = text.split('.').next().is_some_and(|label| label.chars().any(char::is_alphabetic));
            if is_name && elsewhere(&self.in_name) {
                self.in_domain.push(id);
            } else if begins && elsewhere(&self.at_word) {
                self.inside_word.push(id);
            }
        }
        self.seen = table.entries().len();
    }
}

/// Context of the advice on one pattern.
struct Context<'a> {
    adviser: &'a Adviser,
    store: &'a Store,
    flags: &'a TuningMatches,
    which: Which,
    pattern: &'a str,
    branches: &'a [Branch],
}

impl Context<'_> {
    fn advise(&self, advice: &mut Vec<Advice>) {
        self.matches_all(advice);
        let all = self.which.table(self.store).entries().len();
        if all == 0 {
            return;
        }
        let mut useless = Vec::new();
        for branch in self.branches {
            let Some(facts) = self.adviser.facts.get(&(self.which, branch.alone.clone())) else { continue };
            if facts.matched.is_empty() {
                useless.push(branch);
                continue;
            }
            self.narrower(branch, facts, &facts.inside_word, r"\b", advice);
            self.narrower(branch, facts, &facts.in_domain, "^[^.]*", advice);
        }
        self.matches_nothing(&useless, all, advice);
    }

    fn add(
        &self,
        advice: &mut Vec<Advice>,
        kind: Kind,
        evidence: String,
        proposal: String,
        text: Option<String>,
    ) {
        advice.push(Advice { which: self.which, kind, evidence, proposal, text });
    }

    fn matches_all(&self, advice: &mut Vec<Advice>) {
        let (subjects, all) = (self.which.subjects(), self.which.table(self.store).entries().len());
        if is_universal(self.which, self.which.of(self.flags.patterns())) {
            let empty = self.branches.iter().find(|branch| {
                self.adviser
                    .facts
                    .get(&(self.which, branch.alone.clone()))
                    .is_some_and(|facts| is_universal(self.which, &facts.branch))
            });
            let text = empty.and_then(|branch| branch.removed(self.pattern));
            let name = empty.map_or("", |branch| branch.text(self.pattern));
            let what = if name.is_empty() { "an empty branch".to_owned() } else { format!("`{name}`") };
            let proposal =
                if text.is_some() { "leave that branch out" } else { "give it something to match" }
                    .to_owned();
            let here = match all {
                0 => String::new(),
                1 => format!(", the {} of this log with it", self.which.counted(1)),
                _ => format!(", all {all} {subjects} of this log with it"),
            };
            let is_for_any_text = self.which.of(self.flags.patterns()).matches(Some(""));
            let every = if is_for_any_text { "every text there is" } else { "any name there could be" };
            let evidence = format!("{what} matches {every}{here}.");
            self.add(advice, Kind::MatchesAll, evidence, proposal, text);
            return;
        }
        if !matches_all_here(self.which, self.store, self.flags) {
            return;
        }
        let whole = self.branches.iter().find(|branch| {
            let facts = self.adviser.facts.get(&(self.which, branch.alone.clone()));
            facts.is_some_and(|facts| facts.matched.len() == all)
        });
        let by =
            whole.map_or_else(String::new, |branch| format!(", `{}` alone does", branch.text(self.pattern)));
        let evidence = format!(
            "The pattern matches all {all} {subjects} of this log{by}: nothing here can be an alert by it."
        );
        let text = whole.filter(|_| self.branches.len() > 1).and_then(|branch| branch.removed(self.pattern));
        let proposal = if text.is_some() { "leave that branch out" } else { "make it narrower" }.to_owned();
        self.add(advice, Kind::MatchesAll, evidence, proposal, text);
    }

    /// A branch that would match fewer, and rightly so, with something before it.
    fn narrower(
        &self,
        branch: &Branch,
        facts: &Facts,
        wrong: &[DistinctId],
        before: &str,
        advice: &mut Vec<Advice>,
    ) {
        if wrong.is_empty() || wrong.iter().any(|id| self.adviser.is_agent(self.which, *id)) {
            return;
        }
        let own = branch.text(self.pattern);
        let text = branch.replaced(self.pattern, &format!("{before}{own}"));
        let Ok(pattern) = Pattern::new(&text) else { return };
        let table = self.which.table(self.store);
        let shown = |id: DistinctId| table.get(id).map_or("", |entry| self.store.text(entry.shown));
        let left_out: Vec<_> =
            wrong.iter().copied().filter(|id| !pattern.matches(Some(shown(*id)))).collect();
        if left_out.is_empty() {
            return;
        }
        let kept = facts.matched.len() - wrong.len();
        let (kind, place) = match before {
            r"\b" => (Kind::InsideWord, "inside a word"),
            _ => (Kind::InDomain, "in the domain, not in the name"),
        };
        let evidence = format!("`{own}` matches {place}: {}.", self.named(&left_out));
        let keeps = match kept {
            0 => "no other".to_owned(),
            kept => format!("{kept} that it matches otherwise"),
        };
        let proposal = format!("`{before}{own}` leaves {} out and keeps {keeps}", left_out.len());
        self.add(advice, kind, evidence, proposal, Some(text));
    }

    fn matches_nothing(&self, useless: &[&Branch], all: usize, advice: &mut Vec<Advice>) {
        if useless.is_empty() {
            return;
        }
        // From the last one on, so that the offsets of those before stay right.
        let without = useless
            .iter()
            .rev()
            .try_fold(self.pattern.to_owned(), |pattern, branch| branch.removed(&pattern));
        let text = without.filter(|text| {
            useless.len() < self.branches.len()
                && Pattern::new(text).is_ok_and(|pattern| !pattern.matches(Some("")))
        });
        let names: Vec<_> = useless.iter().map(|branch| format!("`{}`", branch.text(self.pattern))).collect();
        let (verb, them) = if useless.len() == 1 { ("matches", "it") } else { ("match", "them") };
        let counted = self.which.counted(all);
        let evidence = if useless.len() == self.branches.len() {
            format!("No branch matches any of the {counted} of this log; another log may need them.")
        } else {
            format!(
                "{} {verb} none of the {counted} of this log; another log may need {them}.",
                names.join(", ")
            )
        };
        let proposal =
            if text.is_some() { format!("leave {them} out") } else { "nothing to leave out".to_owned() };
        self.add(advice, Kind::MatchesNothing, evidence, proposal, text);
    }

    /// `PC-DECI-7 (12 events), PC-2 (1 event) and 4 others`.
    fn named(&self, ids: &[DistinctId]) -> String {
        let table = self.which.table(self.store);
        let mut entries: Vec<_> = ids.iter().filter_map(|id| table.get(*id)).collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.events));
        let named: Vec<_> = entries
            .iter()
            .take(NAMED)
            .map(|entry| {
                let text = self.store.text(entry.shown);
                let text = if self.which == Which::IdeParent { image_name(text) } else { text };
                let noun = if entry.events == 1 { "event" } else { "events" };
                format!("{text} ({} {noun})", entry.events)
            })
            .collect();
        match entries.len().saturating_sub(NAMED) {
            0 => named.join(", "),
            1 => format!("{} and 1 other", named.join(", ")),
            others => format!("{} and {others} others", named.join(", ")),
        }
    }
}
