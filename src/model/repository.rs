//! The repository that a command line names.

/// The hosts after which a repository's path is looked for, longer ones before those that they hold.
const HOSTS: [&str; 8] = [
    "api.github.com",
    "gist.github.com",
    "github.com",
    "api.gitlab.com",
    "gitlab.com",
    "api.bitbucket.org",
    "bitbucket.org",
    "dev.azure.com",
];

/// `github.com/owner/name` for a command line that holds `https://github.com/owner/name.git`, the scp-like
/// `git@github.com:owner/name.git` or `https://api.github.com/repos/owner/name/contents/x`; the host alone where no
/// path follows it; `None` where no host is named. Host names compare without case.
#[must_use]
pub fn repository(command_line: &str) -> Option<String> {
    let lowered = command_line.to_ascii_lowercase();
    let (start, host) = HOSTS
        .iter()
        .filter_map(|host| Some((lowered.find(host)?, *host)))
        .min_by_key(|(start, host)| (*start, usize::MAX - host.len()))?;
    let path = command_line.get(start + host.len()..).unwrap_or("");
    let path = path.strip_prefix(['/', ':']).unwrap_or("");
    let end = path.find(|c: char| c.is_whitespace() || "\"'`<>|;,()?#".contains(c)).unwrap_or(path.len());
    let mut parts = path.get(..end).unwrap_or("").split('/').filter(|part| !part.is_empty());
    let first = parts.next();
    let (owner, name) = match (host.starts_with("api."), first) {
        (true, Some("repos" | "projects" | "repositories")) => (parts.next(), parts.next()),
        (true, first) => (first, None),
        (false, first) => (first, parts.next()),
    };
    let host = if host == "api.github.com" && first != Some("gists") { "github.com" } else { host };
    let mut repository = host.to_owned();
    for part in [owner, name.map(|name| name.strip_suffix(".git").unwrap_or(name))].into_iter().flatten() {
        repository.push('/');
        repository.push_str(part);
    }
    Some(repository)
}

/// Whose a repository is: `github.com/owner` of `github.com/Owner/name`, the host alone where nothing follows it; in lower
/// case, since the great hosts tell no case apart.
#[must_use]
pub fn owner(repository: &str) -> String {
    let mut parts = repository.split('/');
    let host = parts.next().unwrap_or("");
    match parts.next() {
        Some(owner) => format!("{host}/{owner}").to_lowercase(),
        None => host.to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_found_in_every_way_of_writing_it() {
        for (line, expected) in [
            ("git push https://github.com/o/r.git main", "github.com/o/r"),
            ("git push --force https://user:t@GitHub.com/O/r", "github.com/O/r"),
            ("git push git@gitlab.com:o/r.git", "gitlab.com/o/r"),
            ("curl -X PUT \"https://api.github.com/repos/o/r/contents/a.txt\"", "github.com/o/r"),
            ("curl -X POST https://api.github.com/gists -d @x", "api.github.com/gists"),
            ("irm 'https://gist.github.com/o/1'", "gist.github.com/o/1"),
            ("git push github.com", "github.com"),
        ] {
            assert_eq!(repository(line).as_deref(), Some(expected), "{line}");
        }
        assert_eq!(repository("git push origin"), None);
        for (repository, expected) in
            [("github.com/O/r", "github.com/o"), ("GitHub.com", "github.com"), ("", "")]
        {
            assert_eq!(owner(repository), expected);
        }
    }
}
