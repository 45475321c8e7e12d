use super::*;
use proptest::prelude::*;

fn own() -> OwnHosts {
    OwnHosts::new(&["Git.Corp.Example".to_owned()])
}

/// Remotes of git, each with its shown form.
const REMOTES: &[(&str, &str)] = &[
    ("https://github.com/o/r", "github.com/o/r"),
    ("https://github.com/o/r.git", "github.com/o/r"),
    ("https://github.com/o/r.git/", "github.com/o/r"),
    ("https://github.com//o//r", "github.com/o/r"),
    ("https://GitHub.COM/Owner/Name.git", "github.com/Owner/Name"),
    ("https://github.com./o/r", "github.com/o/r"),
    ("https://github.com:443/o/r", "github.com/o/r"),
    ("https://user@github.com/o/r", "github.com/o/r"),
    ("https://user:p@ss@github.com/o/r", "github.com/o/r"),
    ("https://github.com/o/r?x=https://evil.example/a/b", "github.com/o/r"),
    ("https://github.com/o/r#fragment", "github.com/o/r"),
    ("https://github.com/o/%72", "github.com/o/r"),
    ("https://github.com/good/x/../../evil/box", "github.com/evil/box"),
    ("https://github.com/good/%2e%2e/evil/box", "github.com/evil/box"),
    ("https://git%68ub.com/o/r", "github.com/o/r"),
    ("https://github.com/o", "github.com/o"),
    ("https://github.com/", "github.com"),
    ("https://github.com", "github.com"),
    ("http://github.com/o/r", "github.com/o/r"),
    ("HTTPS://github.com/o/r", "github.com/o/r"),
    ("git://github.com/o/r.git", "github.com/o/r"),
    ("ssh://git@github.com/o/r.git", "github.com/o/r"),
    ("ssh://git@github.com:22/o/r.git", "github.com/o/r"),
    ("ssh://git@ssh.github.com:443/o/r.git", "github.com/o/r"),
    ("git+ssh://git@github.com/o/r.git", "github.com/o/r"),
    ("git@github.com:o/r.git", "github.com/o/r"),
    ("git@github.com:/o/r.git", "github.com/o/r"),
    ("github.com:o/r.git", "github.com/o/r"),
    ("[git@github.com:22]:o/r.git", "github.com/o/r"),
    ("git@github.com-work:o/r.git", "github.com-work/o/r"),
    ("https://gist.github.com/o/0123456789abcdef0123", "gist.github.com/o/0123456789abcdef0123"),
    ("git@gist.github.com:0123456789abcdef0123.git", "gist.github.com/0123456789abcdef0123"),
    ("https://gitlab.com/group/r.git", "gitlab.com/group/r"),
    ("https://gitlab.com/group/sub/deeper/r.git", "gitlab.com/group/sub/deeper/r"),
    ("ssh://git@gitlab.com:22/group/sub/r.git", "gitlab.com/group/sub/r"),
    ("git@gitlab.com:group/sub/r.git", "gitlab.com/group/sub/r"),
    ("ssh://git@altssh.gitlab.com:443/group/r.git", "gitlab.com/group/r"),
    ("https://gitlab.com/group/r.git/info/lfs", "gitlab.com/group/r"),
    ("https://gitlab.com/group/r/info/refs", "gitlab.com/group/r"),
    ("https://oauth2:token@gitlab.com/group/r", "gitlab.com/group/r"),
    ("https://bitbucket.org/w/r.git", "bitbucket.org/w/r"),
    ("git@bitbucket.org:w/r.git", "bitbucket.org/w/r"),
    ("ssh://git@altssh.bitbucket.org:443/w/r.git", "bitbucket.org/w/r"),
    ("https://codeberg.org/o/r.git", "codeberg.org/o/r"),
    ("ssh://git@codeberg.org/o/r.git", "codeberg.org/o/r"),
    ("https://dev.azure.com/org/project/_git/r", "dev.azure.com/org/project/r"),
    ("https://org@dev.azure.com/org/project/_git/r", "dev.azure.com/org/project/r"),
    ("https://dev.azure.com/org/_git/r", "dev.azure.com/org/r"),
    ("https://dev.azure.com/org/My%20Project/_git/r", "dev.azure.com/org/My Project/r"),
    ("git@ssh.dev.azure.com:v3/acme/project/r", "dev.azure.com/acme/project/r"),
    ("git@ssh.dev.azure.com:v3/other/project/r", "dev.azure.com/other/project/r"),
    ("ssh://git@ssh.dev.azure.com/v3/acme/project/r", "dev.azure.com/acme/project/r"),
    ("acme@vs-ssh.visualstudio.com:v3/acme/project/r", "dev.azure.com/acme/project/r"),
    ("https://acme.visualstudio.com/project/_git/r", "dev.azure.com/acme/project/r"),
    ("https://acme.visualstudio.com/DefaultCollection/project/_git/r", "dev.azure.com/acme/project/r"),
    ("https://acme.visualstudio.com/_git/r", "dev.azure.com/acme/r"),
    ("https://git.corp.example/team/r.git", "git.corp.example/team/r"),
    ("https://git.corp.example:8443/team/sub/r.git", "git.corp.example/team/sub/r"),
    ("ssh://git@git.corp.example:7999/KEY/r.git", "git.corp.example/KEY/r"),
    ("https://git.corp.example/scm/KEY/r.git", "git.corp.example/KEY/r"),
    ("https://github.com.evil.example/loot/box", "github.com.evil.example/loot/box"),
    ("https://evilgithub.com/loot/box", "evilgithub.com/loot/box"),
    ("https://github.com@evil.example/loot/box", "evil.example/loot/box"),
    ("https://github.com:x@evil.example/loot/box", "evil.example/loot/box"),
    ("https://evil.example/github.com/o/r", "evil.example/github.com/o/r"),
    ("https://evil.example:443/loot/box.git", "evil.example/loot/box"),
    ("git@github.com.evil.example:loot/box.git", "github.com.evil.example/loot/box"),
    ("https://my-gitlab.com/o/r", "my-gitlab.com/o/r"),
    ("https://github.community/o/r", "github.community/o/r"),
    ("https://github.company.com/o/r", "github.company.com/o/r"),
    ("ssh://git@10.0.0.5:2222/o/r.git", "10.0.0.5/o/r"),
    ("ssh://git@[2001:db8::1]:22/o/r.git", "[2001:db8::1]/o/r"),
];

/// Texts that are not remotes of another host.
const NO_REMOTES: &[&str] = &[
    "origin",
    r"C:\src\x",
    "c:/src/x",
    "../x",
    "file:///c:/x",
    "HEAD:refs/heads/x",
    "a.b",
    "",
    "https://",
    "https:///x",
    "https://a b/x",
];

/// Command lines, each with its shown repository; empty for no repository.
const LINES: &[(&str, &str)] = &[
    ("git push --force https://user:t@GitHub.com/O/r", "github.com/O/r"),
    ("git push github.com", "github.com"),
    ("git push origin", ""),
    ("curl -X PUT \"https://api.github.com/repos/o/r/contents/a.txt\"", "github.com/o/r"),
    ("curl -X POST https://api.github.com/gists -d @x", "api.github.com/gists"),
    (
        "curl -X PATCH https://api.github.com/gists/0123456789abcdef0123",
        "api.github.com/gists/0123456789abcdef0123",
    ),
    ("irm 'https://gist.github.com/o/1'", "gist.github.com/o/1"),
    ("curl https://api.github.com/user/repos", "api.github.com"),
    ("curl https://api.github.com/graphql", "api.github.com"),
    ("curl https://api.github.com/orgs/acme/repos", "github.com/acme"),
    ("curl https://API.GITHUB.COM/repos/o/r", "github.com/o/r"),
    ("curl -T x https://uploads.github.com/repos/o/r/releases/1/assets?name=x", "github.com/o/r"),
    ("irm \"https://api.github.com/repos/$owner/$repo/contents/x\"", "api.github.com"),
    ("irm \"https://api.github.com/repos/o/$repo/contents/x\"", "github.com/o"),
    ("python -c \"f'https://api.github.com/repos/{o}/{r}'\"", "api.github.com"),
    ("cmd /c curl https://api.github.com/repos/%OWNER%/r", "api.github.com"),
    ("cmd /c curl https://github.com/o/r&del x", "github.com/o/r"),
    ("curl https://gitlab.com/api/v4/projects/group%2Fsub%2Fr/repository/commits", "gitlab.com/group/sub/r"),
    ("curl https://gitlab.com/api/v4/projects/group%2fr", "gitlab.com/group/r"),
    ("curl https://gitlab.com/api/v4/projects/42/uploads", "gitlab.com"),
    ("curl https://gitlab.com/api/v4/groups/acme/x", "gitlab.com/acme"),
    ("curl https://gitlab.com/group/sub/r/-/issues/1", "gitlab.com/group/sub/r"),
    ("curl https://api.bitbucket.org/2.0/repositories/w/r/src", "bitbucket.org/w/r"),
    ("curl https://api.bitbucket.org/2.0/user", "api.bitbucket.org"),
    ("curl https://codeberg.org/api/v1/repos/o/r/contents/x", "codeberg.org/o/r"),
    (
        "curl https://dev.azure.com/org/p/_apis/git/repositories/r/pushes?api-version=7",
        "dev.azure.com/org/p/r",
    ),
    ("curl https://dev.azure.com/org/_apis/projects", "dev.azure.com/org"),
    ("curl https://git.corp.example/api/v3/repos/o/r/contents/x", "git.corp.example/o/r"),
    ("curl https://git.corp.example/api/v4/projects/o%2Fr", "git.corp.example/o/r"),
    ("curl https://git.corp.example/api/graphql", "git.corp.example"),
    ("curl https://GIT.corp.example/rest/api/1.0/projects/K/repos/r", "git.corp.example/K/r"),
    ("curl api.github.com/gists", "api.github.com/gists"),
    ("curl --url=github.com/o/r", "github.com/o/r"),
    ("powershell -c \"irm -Uri:https://github.com/o/r\"", "github.com/o/r"),
    ("cmd /c \"curl \\\"https://api.github.com/gists\\\"\"", "api.github.com/gists"),
    ("curl https://evil.example/?u=https://api.github.com/repos/o/r", "evil.example"),
    ("curl https://evil.example/github.com/o/r", "evil.example"),
    ("curl evil.example/github.com/o/r", "evil.example"),
    ("curl evil.example/x?://github.com/o/r", "evil.example"),
    ("curl evil.example?u=https://github.com/o/r", "evil.example"),
    ("msbuild /p:Url=https://github.com/o/r", "github.com/o/r"),
    ("curl https://github.com@evil.example/x", "evil.example"),
    (r"curl https://github.com\@evil.example/x", "evil.example"),
    (r"irm https://github.com\o\r", "github.com"),
    ("curl https://api.github.com.evil.example/repos/o/r", "api.github.com.evil.example"),
    ("curl https://xgist.github.com/x", "xgist.github.com"),
    ("curl -H \"Host: github.com\" https://www.github.com.evil.example/x", "www.github.com.evil.example"),
    ("curl -o github.com.html https://api.github.com/repos/o/r", "github.com/o/r"),
    (r"git -C C:\go\src\github.com\o\r push", ""),
    ("git -C /src/github.com/o/r push", ""),
    ("git -C src/github.com/o/r push", ""),
    ("git -c user.email=me@github.com push", ""),
    ("curl https://example.com/x", ""),
    ("curl http://localhost/github", ""),
    ("", ""),
];

#[test]
fn remote_is_read_as_git_reads_it() {
    for (text, expected) in REMOTES {
        let found = Address::of_remote(text, &own()).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(found.to_string(), *expected, "{text}");
    }
    for text in NO_REMOTES {
        assert_eq!(Address::of_remote(text, &own()), None, "{text}");
    }
}

#[test]
fn line_names_the_host_it_speaks_to() {
    for (line, expected) in LINES {
        let found = Address::in_text(line, &own()).map(|address| address.to_string());
        assert_eq!(found.unwrap_or_default(), *expected, "{line}");
    }
}

#[test]
fn host_is_the_one_spoken_to() {
    for (text, host) in [
        ("git@ssh.dev.azure.com:v3/a/b/c", "ssh.dev.azure.com"),
        ("https://acme.visualstudio.com/p/_git/r", "acme.visualstudio.com"),
        ("https://api.github.com/repos/o/r", "api.github.com"),
        ("ssh://git@ssh.github.com:443/o/r", "ssh.github.com"),
    ] {
        assert_eq!(Address::of_remote(text, &own()).unwrap().host, host, "{text}");
    }
}

#[test]
fn owner_is_the_first_part_in_lower_case() {
    for (repository, expected) in [
        ("github.com/O/r", "github.com/o"),
        ("GitHub.com", "github.com"),
        ("gitlab.com/group/sub/r", "gitlab.com/group"),
        ("dev.azure.com/Acme/p/r", "dev.azure.com/acme"),
        ("gist.github.com/0123456789abcdef0123", "gist.github.com"),
        ("gist.github.com/o/0123456789abcdef0123", "gist.github.com/o"),
        ("api.github.com/gists", "api.github.com/gists"),
        ("github.com.evil.example", "github.com.evil.example"),
        ("", ""),
    ] {
        assert_eq!(owner(repository), expected, "{repository}");
    }
}

#[test]
fn address_around_a_place_is_whole() {
    for (text, expected) in [
        ("irm https://api.github.com/repos/o/r/x", Some("github.com/o/r")),
        ("$u=api.github.com/gists; irm $u", Some("api.github.com/gists")),
        ("curl https://x.example/?u=api.github.com/", Some("x.example")),
        (r"type C:\api.github.com\x", None),
    ] {
        let place = text.find("api.github.com").unwrap();
        let found = Address::around(text, place, &own()).map(|address| address.to_string());
        assert_eq!(found.as_deref(), expected, "{text}");
    }
}

/// The whole host of a text's only URL, found by other means than the parser's.
fn host(label: &str, name: &str, tail: &str) -> String {
    format!("{label}{name}{tail}")
}

proptest! {
    #[test]
    fn shown_host_is_a_whole_host(
        label in "(evil|my-|www\\.|x\\.y\\.)?",
        name in "(github\\.com|GitLab\\.com|bitbucket\\.org|dev\\.azure\\.com|acme\\.visualstudio\\.com|codeberg\\.org)",
        tail in "(\\.evil\\.example|munity|x|-mirror\\.example)?",
        user in "(|git@|github\\.com@|a:github\\.com@)",
        port in "(|:443)",
        path in "(|/|/o|/o/r\\.git|/github\\.com/x|/\\?u=github\\.com|/#github\\.com)",
        before in "(|curl -T x |git push -f )",
    ) {
        let host = host(&label, &name, &tail).to_ascii_lowercase();
        let line = format!("{before}https://{user}{host}{port}{path} -q");
        let found = Address::in_text(&line, &own()).expect("the line holds a site's name");
        prop_assert_eq!(&found.host, &host, "{}", line);
        let shown = found.to_string();
        let site = shown.split('/').next().unwrap();
        let stands_for = path::site(&host).unwrap_or(&host);
        prop_assert!(site == host || site == stands_for, "{}: {}", line, shown);
    }

    #[test]
    fn any_text_is_survived(text in "\\PC*|[a-z./:@%\\\\\\[\\]?#=^&$ \"'-]{0,60}|(github\\.com|/|:|@|%2e|\\.\\.|\\[|\\]){0,20}") {
        let hosts = own();
        for found in [Address::of_remote(&text, &hosts), Address::in_text(&text, &hosts)].into_iter().flatten() {
            prop_assert!(!found.host.is_empty());
            let _ = (found.to_string(), owner(&found.to_string()));
        }
        for place in (0..=text.len()).filter(|place| text.is_char_boundary(*place)) {
            let _ = Address::around(&text, place, &hosts);
        }
    }
}
