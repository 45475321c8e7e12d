//! Developers in their IDEs. The connections that these open in the background are alerts to the search, which knows
//! no parent of a connection; joined with their Event 1 they have an IDE above them, and score 1.

use super::{CODE, Day, NODE, POWERSHELL, background_fetch, push_to, short_call};
use crate::support::scenarios::Fixture;
use crate::support::scenarios::git::{self, Remote, Way};
use crate::support::scenarios::names::{AZURE, BITBUCKET, GITHUB, GITHUB_API, GITLAB, Shown};

const INTELLIJ: &str = r"C:\Program Files\JetBrains\IntelliJ IDEA 2024.3\bin\idea64.exe";
const PYCHARM: &str = r"C:\Program Files\JetBrains\PyCharm 2024.3\bin\pycharm64.exe";
const VISUAL_STUDIO: &str =
    r"C:\Program Files\Microsoft Visual Studio\2022\Professional\Common7\IDE\devenv.exe";
const VISUAL_STUDIO_GIT: &str = r"C:\Program Files\Microsoft Visual Studio\2022\Professional\Common7\IDE\CommonExtensions\Microsoft\TeamFoundation\Team Explorer\Git\cmd\git.exe";
const FORK: &str = r"C:\Users\j.novak\AppData\Local\Fork\current\Fork.exe";
const FORK_GIT: &str = r"C:\Users\j.novak\AppData\Local\Fork\gitInstance\2.45.2\cmd\git.exe";
const SOURCETREE: &str = r"C:\Users\j.novak\AppData\Local\SourceTree\SourceTree.exe";
const SOURCETREE_GIT: &str = r"C:\Users\j.novak\AppData\Local\Atlassian\SourceTree\git_local\bin\git.exe";
const PYTHON: &str = r"C:\Users\s.okafor\venvs\etl\Scripts\python.exe";

pub fn files() -> Vec<Fixture> {
    vec![vs_code(), intellij(), pycharm(), visual_studio(), fork_and_sourcetree()]
}

/// Eight fetches under a reverse name, three calls of an extension under the name itself, one push to `origin` and one
/// to a URL.
fn vs_code() -> Fixture {
    let mut day = Day::new("WS-2101.corp.example", r"CORP\k.lang", 150);
    day.until("07:52:00");
    let code = day.open(CODE);
    for hour in 8..16 {
        day.until(&format!("{hour:02}:12:30"));
        background_fetch(&mut day.host, &code, git::PROGRAM, &GITHUB, Shown::Reverse);
        if matches!(hour, 9 | 11 | 14) {
            let extension = "node.exe --max-old-space-size=3072 server.js --node-ipc";
            short_call(&mut day.host, &code, (NODE, extension), &GITHUB_API, Shown::Asked);
        }
    }
    let shell = day.host.start(&code, POWERSHELL, "powershell.exe -noexit -command .");
    let push = git::begin(&mut day.host, &shell, "push origin main");
    let remote = Remote {
        name: "origin",
        url: "https://github.com/corp-example/tools.git",
        server: &GITHUB,
        shown: Shown::Reverse,
    };
    git::transfer(&mut day.host, &push.program, Way::Push, &remote);
    git::end(&mut day.host, &push);
    day.until("16:40:00");
    push_to(
        &mut day.host,
        &shell,
        "https://github.com/corp-example/tools.git",
        "HEAD:refs/heads/topic",
        &GITHUB,
    );
    day.log("developers-day/WS-2101.evtx", 90_144)
}

/// Six fetches, two of them under the name itself.
fn intellij() -> Fixture {
    let mut day = Day::new("WS-2102.corp.example", r"CORP\p.moreau", 170);
    let idea = day.open(INTELLIJ);
    for (hour, shown) in
        (8..).zip([Shown::Dash, Shown::Asked, Shown::Dash, Shown::Dash, Shown::Asked, Shown::Dash])
    {
        day.until(&format!("{hour:02}:31:00"));
        background_fetch(&mut day.host, &idea, git::PROGRAM, &GITHUB, shown);
    }
    day.log("developers-day/WS-2102.evtx", 12)
}

/// Packages from a repository: no name once, the name itself once.
fn pycharm() -> Fixture {
    let mut day = Day::new("WS-2103.corp.example", r"CORP\s.okafor", 160);
    let pycharm = day.open(PYCHARM);
    day.until("10:05:00");
    let install = "python.exe -m pip install git+https://github.com/corp-example/etl-common.git@v3";
    short_call(&mut day.host, &pycharm, (PYTHON, install), &GITHUB, Shown::Empty);
    day.until("13:47:00");
    short_call(
        &mut day.host,
        &pycharm,
        (PYTHON, "python.exe helpers\\packaging_tool.py list"),
        &GITHUB,
        Shown::Asked,
    );
    day.log("developers-day/WS-2103.evtx", 3_312)
}

/// Three fetches from Azure DevOps, and a push there with its URL, which the search selects and then does not know.
fn visual_studio() -> Fixture {
    let mut day = Day::new("WS-2104.corp.example", r"CORP\a.lindqvist", 150);
    let studio = day.open(VISUAL_STUDIO);
    for hour in [9, 11, 15] {
        day.until(&format!("{hour:02}:03:10"));
        background_fetch(&mut day.host, &studio, VISUAL_STUDIO_GIT, &AZURE, Shown::Asked);
    }
    let shell = day.open(super::CMD);
    let url = "https://dev.azure.com/corp-example/platform/_git/gateway";
    push_to(&mut day.host, &shell, url, "feature/limits", &AZURE);
    day.log("developers-day/WS-2104.evtx", 7_701)
}

/// Two clients with gits of their own, to Bitbucket and GitLab.
fn fork_and_sourcetree() -> Fixture {
    let mut day = Day::new("WS-2105.corp.example", r"CORP\j.novak", 160);
    let fork = day.open(FORK);
    let sourcetree = day.open(SOURCETREE);
    for (hour, shown) in [(8, Shown::Dash), (10, Shown::Asked), (12, Shown::Dash), (14, Shown::Empty)] {
        day.until(&format!("{hour:02}:20:00"));
        background_fetch(&mut day.host, &fork, FORK_GIT, &BITBUCKET, shown);
        day.until(&format!("{hour:02}:50:00"));
        background_fetch(&mut day.host, &sourcetree, SOURCETREE_GIT, &GITLAB, shown);
    }
    day.log("developers-day/WS-2105.evtx", 500)
}
