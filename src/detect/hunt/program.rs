//! The programs that a hunt looks at, by their executable's name.

/// A program of interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// git.exe.
    Git,
    /// git-remote-https.exe: what opens git's connections over HTTP.
    GitHelper,
    /// ssh.exe and PuTTY's plink: what opens them over SSH.
    Ssh,
    /// gh.exe.
    GitHubCli,
    /// GitHub Desktop.
    GitHubDesktop,
    /// curl.exe.
    Curl,
    /// wget.exe.
    Wget,
    /// powershell.exe and pwsh.exe.
    PowerShell,
    /// python.exe and its kind.
    Python,
    /// node.exe and ruby.exe: only their connections are indicators.
    Runtime,
    /// cmd.exe: only a host that it hides is an indicator.
    Shell,
    /// git-lfs.exe: what sends and fetches large files.
    GitLfs,
    /// wsl.exe and its older bash.exe: what runs a command within Linux.
    Wsl,
    /// glab.exe, hub.exe, tea.exe, hf.exe: clients of repositories.
    OtherClient,
    /// Runner.Listener.exe: what runs a repository's jobs on this host.
    Runner,
}

impl Program {
    /// The program of an executable's path; `None` for all that a hunt does not look at.
    #[must_use]
    pub fn of(image: &str) -> Option<Self> {
        let at = image.rfind('\\')?;
        let name = image.get(at + 1..)?;
        // Git for Windows has a bash.exe too, which is no Linux.
        if name.eq_ignore_ascii_case("bash.exe") {
            let folder = image.get(..at)?;
            let is_windows = folder.len() > 8
                && folder.get(folder.len() - 9..).is_some_and(|end| end.eq_ignore_ascii_case("\\system32"));
            return is_windows.then_some(Self::Wsl);
        }
        Self::of_file_name(name)
    }

    /// The program of the first word of a shell's command, with or without its ending.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        const MAX_NAME: usize = 16;
        if name.len() > MAX_NAME || name.contains('.') {
            return Self::of_file_name(name);
        }
        Self::of_file_name(&format!("{name}.exe"))
    }

    fn of_file_name(name: &str) -> Option<Self> {
        // Most processes end here, without a comparison.
        if !(6..=20).contains(&name.len()) {
            return None;
        }
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        match name.as_bytes().first()?.to_ascii_lowercase() {
            b'g' if is("git.exe") => Some(Self::Git),
            b'g' if is("git-remote-https.exe") || is("git-remote-http.exe") => Some(Self::GitHelper),
            b'g' if is("gh.exe") => Some(Self::GitHubCli),
            b'g' if is("GitHubDesktop.exe") => Some(Self::GitHubDesktop),
            b's' if is("ssh.exe") => Some(Self::Ssh),
            b'g' if is("git-lfs.exe") => Some(Self::GitLfs),
            b'g' if is("glab.exe") => Some(Self::OtherClient),
            b'h' if is("hub.exe") || is("hf.exe") || is("huggingface-cli.exe") => Some(Self::OtherClient),
            b't' if is("tea.exe") => Some(Self::OtherClient),
            b'w' if is("wsl.exe") => Some(Self::Wsl),
            b'r' if is("Runner.Listener.exe") => Some(Self::Runner),
            b'p' if is("plink.exe") => Some(Self::Ssh),
            b't' if is("TortoiseGitPlink.exe") || is("TortoisePlink.exe") => Some(Self::Ssh),
            b'c' if is("curl.exe") => Some(Self::Curl),
            b'c' if is("cmd.exe") => Some(Self::Shell),
            b'w' if is("wget.exe") => Some(Self::Wget),
            b'p' if is("powershell.exe") || is("pwsh.exe") => Some(Self::PowerShell),
            b'p' if is("python.exe") || is("python3.exe") => Some(Self::Python),
            b'n' if is("node.exe") => Some(Self::Runtime),
            b'r' if is("ruby.exe") => Some(Self::Runtime),
            _ => None,
        }
    }

    /// Whether it is a part of git: with its parent and its children it makes one activity.
    #[must_use]
    pub const fn is_git(self) -> bool {
        matches!(self, Self::Git | Self::GitHelper | Self::GitLfs)
    }

    /// Whether its connections are those of git or of a client of a repository.
    #[must_use]
    pub const fn is_client(self) -> bool {
        matches!(self, Self::GitHelper | Self::Ssh | Self::GitHubCli | Self::GitHubDesktop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::technique::TECHNIQUE;

    #[test]
    fn programs_of_the_table_are_known() {
        let images = TECHNIQUE.prefilter().start_images.unwrap();
        assert!(images.len() > 5);
        for image in images {
            let program = Program::of(&format!("C:\\x{}", image.to_uppercase()));
            assert!(program.is_some_and(|program| !program.is_client()), "{image}");
        }
        for image in
            [r"C:\a\git-remote-https.exe", r"C:\a\ssh.exe", r"C:\a\GH.EXE", r"C:\a\GitHubDesktop.exe"]
        {
            assert!(Program::of(image).unwrap().is_client(), "{image}");
        }
        for image in ["", "git.exe", r"C:\notgit.exe", r"C:\chrome.exe", r"C:\git.exe\", r"C:\é"] {
            assert_eq!(Program::of(image), None, "{image}");
        }
    }
}
