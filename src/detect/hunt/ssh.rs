//! git over SSH: the client's command line says which way the data goes.

use super::command_line::words;
use crate::detect::clauses::find_ignoring_case;
use crate::model::repository::{Address, OwnHosts};
use std::ops::Range;

/// The program that git has the other side of an SSH connection run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshLine {
    /// The program on the other side.
    pub command: SshCommand,
    /// The range of that word, in bytes.
    pub matched: Range<usize>,
    /// The other side, where the command line says it.
    pub address: Option<Address>,
}

/// The command that git asks the other side to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SshCommand {
    /// `git-receive-pack`: it receives, so that it is a push.
    ReceivePack,
    /// `git-upload-pack`: it sends, so that it is a fetch.
    UploadPack,
    /// `git-lfs-authenticate PATH upload`, `git-lfs-transfer PATH upload`: it is to receive large files.
    LfsUpload,
}

/// Options of ssh that take the next word.
const TAKE_A_WORD: &str = "BbcDEeFIiJLlmOoPpQRSWw";

/// Reads `ssh.exe [options] git@host "git-receive-pack 'owner/name.git'"`; `None` where no git speaks through it.
#[must_use]
pub fn ssh_line(line: &str, own: &OwnHosts) -> Option<SshLine> {
    let found = |name| find_ignoring_case(line, name);
    let (command, matched) = if let Some(matched) = found("git-receive-pack") {
        (SshCommand::ReceivePack, matched)
    } else if let Some(matched) = found("git-lfs-authenticate").or_else(|| found("git-lfs-transfer")) {
        let operation = words(line.get(matched.end..)?).last()?;
        if operation.text.trim_end_matches(['"', '\'']) != "upload" {
            return None;
        }
        (SshCommand::LfsUpload, matched)
    } else {
        (SshCommand::UploadPack, found("git-upload-pack")?)
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
        .split(|c: char| matches!(c, '\'' | '"') || command == SshCommand::LfsUpload && c == ' ')
        .next()
        .unwrap_or("");
    let address = destination.and_then(|word| {
        let host = word.text.rsplit('@').next().unwrap_or("").trim_start_matches("ssh://");
        Address::of_remote(&format!("ssh://{host}/{path}"), own)
    });
    Some(SshLine { command, matched, address })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receive_pack_is_a_push() {
        let line = r#"ssh.exe -o SendEnv=GIT_PROTOCOL -p 22 git@github.com "git-receive-pack 'o/r.git'""#;
        let push = ssh_line(line, &OwnHosts::default()).unwrap();
        assert_eq!(push.command, SshCommand::ReceivePack);
        assert_eq!(push.address.unwrap().to_string(), "github.com/o/r");
        let line = r#""C:\Windows\System32\OpenSSH\ssh.exe" git@github.com "git-upload-pack 'o/r.git'""#;
        let fetch = ssh_line(line, &OwnHosts::default()).unwrap();
        assert_eq!(fetch.command, SshCommand::UploadPack);
        assert_eq!(fetch.address.unwrap().host, "github.com");
        let line = "ssh -- git@github.com \"git-lfs-authenticate o/r.git upload\"";
        let upload = ssh_line(line, &OwnHosts::default()).unwrap();
        assert_eq!(upload.command, SshCommand::LfsUpload);
        assert_eq!(upload.address.unwrap().to_string(), "github.com/o/r");
        let download = "ssh git@github.com \"git-lfs-authenticate o/r.git download\"";
        assert_eq!(ssh_line(download, &OwnHosts::default()), None);
        for line in ["ssh.exe admin@server", "ssh.exe git@github.com", ""] {
            assert_eq!(ssh_line(line, &OwnHosts::default()), None, "{line}");
        }
    }
}
