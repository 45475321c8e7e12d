//! git for Windows as it really runs: a wrapper, the program, and for the network a chain of helpers of which the last
//! one opens the connection.

use super::host::{Host, Process};
use super::names::{Server, Shown};

pub const WRAPPER: &str = r"C:\Program Files\Git\cmd\git.exe";
pub const PROGRAM: &str = r"C:\Program Files\Git\mingw64\bin\git.exe";
pub const HTTPS_HELPER: &str = r"C:\Program Files\Git\mingw64\libexec\git-core\git-remote-https.exe";

/// A git that an IDE or a shell started: both processes.
pub struct Git {
    pub wrapper: Process,
    pub program: Process,
}

/// A `git …` without network, from its start to its end.
pub fn local(host: &mut Host, parent: &Process, arguments: &str) {
    let git = begin(host, parent, arguments);
    end(host, &git);
}

/// `git …`: the wrapper that the PATH finds, and the program.
pub fn begin(host: &mut Host, parent: &Process, arguments: &str) -> Git {
    let wrapper = host.start(parent, WRAPPER, &format!("git  {arguments}"));
    let program = host.start(&wrapper, PROGRAM, &format!("git.exe {arguments}"));
    Git { wrapper, program }
}

pub fn end(host: &mut Host, git: &Git) {
    host.wait(20);
    host.exit(&git.program);
    host.exit(&git.wrapper);
}

/// Which way a transfer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Push,
    Fetch,
}

/// A remote: its name on the helpers' command lines, and where it is.
pub struct Remote<'a> {
    /// `origin`, or the URL itself where git was given one.
    pub name: &'a str,
    pub url: &'a str,
    pub server: &'a Server,
    pub shown: Shown,
}

/// The helpers under a `git push` or `git fetch` over HTTPS.
pub fn transfer(host: &mut Host, git: &Process, way: Way, remote: &Remote<'_>) {
    let Remote { name, url, server, shown } = remote;
    let starter = host.start(git, PROGRAM, &format!("git remote-https {name} {url}"));
    let helper = host.start(&starter, HTTPS_HELPER, &format!("git-remote-https {name} {url}"));
    host.ask(&helper, server);
    host.wait(30);
    host.connect(&helper, server, *shown);
    host.wait(350);
    match way {
        Way::Push => {
            let send =
                format!("git send-pack --stateless-rpc --helper-status --thin --progress {url}/ --stdin");
            let send = host.start(&helper, PROGRAM, &send);
            let pack = "git pack-objects --all-progress-implied --revs --stdout --thin --delta-base-offset --progress";
            let pack = host.start(&send, PROGRAM, pack);
            host.wait(180);
            host.exit(&pack);
            host.exit(&send);
        }
        Way::Fetch => {
            let fetch =
                format!("git fetch-pack --stateless-rpc --stdin --lock-pack --thin --no-progress {url}/");
            let fetch = host.start(&helper, PROGRAM, &fetch);
            host.wait(90);
            host.exit(&fetch);
        }
    }
    host.exit(&helper);
    host.exit(&starter);
}
