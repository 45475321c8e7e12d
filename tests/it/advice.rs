//! The advice on the two patterns: its texts for which logs, and where there is no advice.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what fails by failing"
)]

use exfilscope::detect::pattern::{Pattern, Patterns};
use exfilscope::detect::profile::Profile;
use exfilscope::model::batch::{Batch, EventHead, SourceId};
use exfilscope::model::event::Field;
use exfilscope::model::feed::SourceInfo;
use exfilscope::model::time::Timestamp;
use exfilscope::store::tuning_matches::TuningMatches;
use exfilscope::store::{Collect, HostNaming, Store};
use exfilscope::tune::{Advice, Adviser, Kind, Which};

/// Pushes of a host: who, how often, how many seconds between two, and by which parent.
struct Pushes {
    host: &'static str,
    user: &'static str,
    parent: &'static str,
    times: u32,
    every: i64,
}

const fn push(host: &'static str) -> Pushes {
    Pushes { host, user: r"CORP\alice", parent: r"C:\Windows\System32\cmd.exe", times: 1, every: 0 }
}

const fn agent(host: &'static str) -> Pushes {
    Pushes { user: r"CORP\svc-build", times: 6, every: 3600, ..push(host) }
}

fn store(hosts: &[Pushes]) -> Store {
    let mut store = Store::new(HostNaming::Computer, Collect::Everything);
    let id = SourceId(0);
    store.add_source(SourceInfo { id, path: "a.evtx".into(), name: "a.evtx".to_owned(), size: None });
    let mut record = 0;
    for pushes in hosts {
        let mut batch = Batch::new(id);
        for number in 0..pushes.times {
            record += 1;
            let jitter = i64::from(number % 3) * 60;
            let head = EventHead {
                event_code: 1,
                time: Some(Timestamp::from_unix(
                    1_770_000_000 + i64::from(number) * pushes.every + jitter,
                    0,
                    7,
                )),
                record_id: Some(record),
                place: record,
                process_guid: None,
                parent_process_guid: None,
            };
            batch.push(
                head,
                [
                    (Field::Computer, pushes.host),
                    (Field::User, pushes.user),
                    (Field::Image, r"C:\Program Files\Git\cmd\git.exe"),
                    (Field::CommandLine, "git push https://github.com/a/b"),
                    (Field::ParentImage, pushes.parent),
                ],
            );
        }
        store.ingest(batch);
    }
    store.refresh();
    store
}

fn advice(hosts: &[Pushes], ci_host: &str, ide_parent: &str) -> Vec<Advice> {
    let store = store(hosts);
    let mut flags = TuningMatches::new(Patterns::new(Some(ci_host), Some(ide_parent)).unwrap());
    flags.extend(&store);
    Adviser::default().advise(&store, Profile::Correlated, &flags)
}

fn of(all: &[Advice], kind: Kind) -> Vec<&Advice> {
    all.iter().filter(|advice| advice.kind == kind).collect()
}

#[test]
fn token_inside_word_gets_boundary() {
    let all = advice(
        &[push("PC-DECI-7"), push("PC-DECI-7"), push("ci-01"), push("WS-1")],
        r"(?i)(ci[-_]|zz)",
        "zz",
    );
    let found = of(&all, Kind::InsideWord);
    let [advice] = found.as_slice() else { panic!("{all:#?}") };
    assert_eq!(advice.evidence, "`ci[-_]` matches inside a word: PC-DECI-7 (2 events).");
    assert_eq!(advice.proposal, r"`\bci[-_]` leaves 1 out and keeps 1 that it matches otherwise");
    assert_eq!(advice.text.as_deref(), Some(r"(?i)(\bci[-_]|zz)"));
    let pattern = Pattern::new(advice.text.as_deref().unwrap()).unwrap();
    assert!(pattern.matches(Some("ci-01")) && !pattern.matches(Some("PC-DECI-7")));
}

#[test]
fn parent_inside_word_gets_boundary() {
    let hosts = [Pushes { parent: r"C:\Temp\evilcode.exe", ..push("WS-1") }, push("WS-2")];
    let all = advice(&hosts, "zz", r"(?i)(code\.exe|cmd\.exe)");
    let found = of(&all, Kind::InsideWord);
    let [advice] = found.as_slice() else { panic!("{all:#?}") };
    assert_eq!(
        (advice.which, advice.text.as_deref()),
        (Which::IdeParent, Some(r"(?i)(\bcode\.exe|cmd\.exe)"))
    );
    assert!(advice.evidence.contains("evilcode.exe (1 event)"), "{advice:?}");
}

#[test]
fn useless_or_lossy_fix_is_withheld() {
    let all = advice(&[push("PC-DECI-7"), push("WS-1")], r"(?i)(ci[-_]|deci)", "zz");
    let on_ci: Vec<_> = of(&all, Kind::InsideWord);
    assert!(
        on_ci.iter().all(|advice| !advice.evidence.starts_with("`ci")),
        "deci matches it anyway: {all:#?}"
    );
    let all = advice(&[agent("GITLABRUNNER01"), push("WS-1")], "(?i)(runner)", "zz");
    assert_eq!(of(&all, Kind::InsideWord).len(), 0, "it pushes like an agent: {all:#?}");
    for pattern in [r"(?i)\bci[-_]", "(?i)^ci", "(?i)[-_]ci"] {
        let all = advice(&[push("ci-1"), push("x-ci")], pattern, "zz");
        assert_eq!(of(&all, Kind::InsideWord).len(), 0, "{pattern}: {all:#?}");
    }
}

#[test]
fn token_in_domain_is_host_bound() {
    let hosts = [push("ws01.devops.corp.example"), push("devops-1.corp.example"), push("10.0.0.7")];
    let all = advice(&hosts, "(?i)devops", "zz");
    let found = of(&all, Kind::InDomain);
    let [advice] = found.as_slice() else { panic!("{all:#?}") };
    assert_eq!(advice.text.as_deref(), Some("(?i)^[^.]*devops"));
    assert!(advice.evidence.contains("ws01.devops.corp.example (1 event)"), "{advice:?}");
}

#[test]
fn branches_without_match_are_listed_together() {
    let all = advice(&[push("ci-1"), push("WS-1")], "(?i)(bamboo|ci-|teamcity)", "zz");
    let found = of(&all, Kind::MatchesNothing);
    let ci = found.iter().find(|advice| advice.which == Which::CiHost).unwrap();
    assert_eq!(
        ci.evidence,
        "`bamboo`, `teamcity` match none of the 2 hosts of this log; another log may need them."
    );
    assert_eq!(ci.text.as_deref(), Some("(?i)(ci-)"));
    let ide = found.iter().find(|advice| advice.which == Which::IdeParent).unwrap();
    assert_eq!(ide.text, None, "the only branch stays: an empty pattern matches everything");
}

#[test]
fn universal_pattern_is_reported_first() {
    let hosts = [push("ci-1"), push("WS-1")];
    for (pattern, part, text) in [
        ("ci||WS", "an empty branch matches every text", Some("ci|WS")),
        ("(?i)(ci|.*)", "`.*` matches every text", Some("(?i)(ci)")),
        (r"(?i)(zz|\d)", r"all 2 hosts of this log, `\d` alone does", Some("(?i)(zz)")),
        ("ci|WS", "all 2 hosts of this log: nothing here", None),
    ] {
        let all = advice(&hosts, pattern, "zz");
        assert_eq!(all[0].kind, Kind::MatchesAll, "{pattern}: {all:#?}");
        assert!(all[0].evidence.contains(part), "{pattern}: {all:#?}");
        assert_eq!(all[0].text.as_deref(), text, "{pattern}");
    }
    let one = advice(&[push("ci-1")], "ci", "zz");
    assert_eq!(of(&one, Kind::MatchesAll).len(), 0, "one host says nothing of all");
}

#[test]
fn host_pushing_like_agent_is_proposed() {
    let all = advice(&[agent("10482.corp.example"), push("WS-1.corp.example")], "(?i)jenkins", "zz");
    let found = of(&all, Kind::Agent);
    let [advice] = found.as_slice() else { panic!("{all:#?}") };
    assert_eq!(
        advice.evidence,
        "10482.corp.example pushes like an agent: 6 times, one every 61 min (half of them within 61 min to 61 min), all by \
         CORP\\svc-build, from cmd.exe, no IDE; and no branch matches it."
    );
    assert_eq!(advice.text.as_deref(), Some(r"(?i)jenkins|^10482\.corp\.example$"));
}

#[test]
fn numbered_agents_share_one_exact_proposal() {
    let both = [agent("10482.corp.example"), agent("10483.corp.example")];
    let found = advice(&both, "zz", "zz");
    let [advised] = of(&found, Kind::Agent)[..] else { panic!("{found:#?}") };
    assert_eq!(advised.text.as_deref(), Some(r"zz|^\d+\.corp\.example$"));
    assert!(advised.evidence.contains("So does 1 other"), "{advised:?}");
    let [first, second] = both;
    let found = advice(&[first, second, push("10999.corp.example")], "zz", "zz");
    let texts: Vec<_> = of(&found, Kind::Agent).iter().map(|advice| advice.text.clone().unwrap()).collect();
    assert_eq!(texts, [r"zz|^10482\.corp\.example$", r"zz|^10483\.corp\.example$"], "10999 is a person's");
}

#[test]
fn host_unlike_agent_is_not_proposed() {
    for (why, hosts, ide) in [
        ("matched already", agent("jenkins-1"), "zz"),
        ("a person", Pushes { user: r"CORP\alice", ..agent("WS-1") }, "zz"),
        ("the system, or who has taken it", Pushes { user: r"NT AUTHORITY\SYSTEM", ..agent("WS-1") }, "zz"),
        ("too few", Pushes { times: 4, ..agent("WS-1") }, "zz"),
        ("all at once", Pushes { every: 1, ..agent("WS-1") }, "zz"),
        ("an IDE as parent", agent("WS-1"), r"cmd\.exe"),
    ] {
        let all = advice(&[hosts, push("WS-9")], "jenkins", ide);
        assert_eq!(of(&all, Kind::Agent).len(), 0, "{why}: {all:#?}");
    }
}

#[test]
fn proposal_names_its_other_matches() {
    let store = store(&[push("WS-1"), push("WS-22"), push("ws-3"), push("XWS-4"), push("WS-x")]);
    let patterns = Patterns::new(None, None).unwrap();
    let proposals = exfilscope::tune::proposals(&patterns, Some("WS-1"), None);
    let also: Vec<_> =
        proposals.iter().map(|proposal| exfilscope::tune::also_taken_in(&store, proposal, "WS-1")).collect();
    assert_eq!(also, [None, Some("also WS-22, ws-3".to_owned())]);
}
