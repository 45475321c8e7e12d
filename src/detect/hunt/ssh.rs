//! git over SSH: the client's command line says which way the data goes.

use super::command_line::words;
use crate::detect::clauses::find_ignoring_case;
use crate::model::repository::{Address, OwnHosts};
use std::ops::Range;

/// The program that git has the other side of an SSH connection run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshLine {
    /// `git-receive-pack`: the other side receives, so that it is a push. Otherwise `git-upload-pack`, a fetch.
    pub is_push: bool,
    /// The range of that word, in bytes.
    pub matched: Range<usize>,
    /// The other side, where the command line says it.
    pub address: Option<Address>,
}

/// Options of ssh that take the next word.
const TAKE_A_WORD: &str = "BbcDEeFIiJLlmOoPpQRSWw";

/// Reads `ssh.exe [options] git@host "git-receive-pack 'owner/name.git'"`; `None` where no git speaks through it.
#[must_use]
pub fn ssh_line(line: &str, own: &OwnHosts) -> Option<SshLine> {
    let (is_push, matched) = match find_ignoring_case(line, "git-receive-pack") {
        Some(matched) => (true, matched),
        None => (false, find_ignoring_case(line, "git-upload-pack")?),
    };
    let mut rest = words(line).skip(1);
    let mut destination = None;
    while let Some(word) = rest.next() {
        let mut letters = word.text.strip_prefix('-').unwrap_or("").chars();
        match (word.text.starts_with('-'), letters.next(), letters.next()) {
            (true, Some(letter), None) if TAKE_A_WORD.contains(letter) => {
                rest.next();
            }
            (true, ..) => {}
            (false, ..) => {
                destination = Some(word);
                break;
            }
        }
    }
    let path = line
        .get(matched.end..)
        .unwrap_or("")
        .trim_start_matches([' ', '\'', '"', '\\', '/'])
        .split(['\'', '"'])
        .next()
        .unwrap_or("");
    let address = destination.and_then(|word| {
        let host = word.text.rsplit('@').next().unwrap_or("").trim_start_matches("ssh://");
        Address::of_remote(&format!("ssh://{host}/{path}"), own)
    });
    Some(SshLine { is_push, matched, address })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receive_pack_is_a_push() {
        let line = r#"ssh.exe -o SendEnv=GIT_PROTOCOL -p 22 git@github.com "git-receive-pack 'o/r.git'""#;
        let push = ssh_line(line, &OwnHosts::default()).unwrap();
        assert!(push.is_push);
        assert_eq!(push.address.unwrap().to_string(), "github.com/o/r");
        let line = r#""C:\Windows\System32\OpenSSH\ssh.exe" git@github.com "git-upload-pack 'o/r.git'""#;
        let fetch = ssh_line(line, &OwnHosts::default()).unwrap();
        assert!(!fetch.is_push);
        assert_eq!(fetch.address.unwrap().host, "github.com");
        for line in ["ssh.exe admin@server", "ssh.exe git@github.com", ""] {
            assert_eq!(ssh_line(line, &OwnHosts::default()), None, "{line}");
        }
    }
}
