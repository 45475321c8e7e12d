//! The signs of evidence in single texts: command lines, images, folders, accounts and file names.

use std::borrow::Cow;

use crate::detect::clauses::find_ignoring_case;
use crate::detect::hunt::command_line;
use crate::detect::hunt::git::git_line;
use crate::model::text::image_name;

/// Returns the name of an executable without its ending, in lower case.
#[must_use]
pub fn stem(image: &str) -> Cow<'_, str> {
    let name = image_name(image);
    let end = name.len().checked_sub(4).filter(|end| {
        name.get(*end..)
            .is_some_and(|ending| ending.eq_ignore_ascii_case(".exe") || ending.eq_ignore_ascii_case(".com"))
    });
    let name = end.and_then(|end| name.get(..end)).unwrap_or(name);
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// Returns true where a text holds an ASCII term, without case.
fn holds(text: &str, term: &str) -> bool {
    find_ignoring_case(text, term).is_some()
}

/// The words of a line, as its program is given them.
fn words(line: &str) -> impl Iterator<Item = Cow<'_, str>> {
    command_line::words(line).map(|word| word.text)
}

/// A file that an archiver makes, by its ending.
pub const ARCHIVE_ENDINGS: &[&str] =
    &[".zip", ".7z", ".rar", ".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.bz2", ".tar.zst", ".cab"];

/// Folders of package managers and build tools, whose archives and programs are nothing that a person put there.
const CACHES: [&str; 14] = [
    r"\npm-cache\",
    r"\_cacache\",
    r"\.npm\",
    r"\yarn\cache\",
    r"\pip\cache\",
    r"\pip-",
    r"\.cargo\",
    r"\.m2\",
    r"\.gradle\",
    r"\nuget\",
    r"\go-build",
    r"\chocolatey\",
    r"\scoop\",
    r"\microsoft\windows defender\",
];

fn is_in_cache(path: &str) -> bool {
    CACHES.iter().any(|cache| holds(path, cache))
}

/// Archivers, and the words by which they make an archive.
fn makes_archive(stem: &str, line: &str) -> bool {
    let mut rest = words(line).skip(1);
    match stem {
        "7z" | "7za" | "7zr" | "7zz" => {
            rest.next().is_some_and(|word| matches!(&*word, "a" | "u" | "A" | "U"))
        }
        "rar" | "winrar" => rest.any(|word| matches!(&*word, "a" | "m" | "A" | "M" | "-a")),
        "tar" | "bsdtar" => rest.next().is_some_and(|word| {
            word == "--create"
                || (!word.starts_with("--") && word.trim_start_matches('-').bytes().any(|byte| byte == b'c'))
        }),
        "zip" | "makecab" | "wzzip" | "peazip" => rest.next().is_some(),
        "powershell" | "pwsh" => holds(line, "compress-archive") || holds(line, "createfromdirectory"),
        _ => false,
    }
}

fn has_archive_password(stem: &str, line: &str) -> bool {
    let mut rest = words(line).skip(1);
    match stem {
        "7z" | "7za" | "7zr" | "7zz" => rest.any(|word| word.len() > 2 && word.starts_with("-p")),
        "rar" | "winrar" => {
            rest.any(|word| word.len() > 2 && (word.starts_with("-p") || word.starts_with("-hp")))
        }
        "zip" => rest.any(|word| matches!(&*word, "-P" | "-e" | "--password" | "--encrypt")),
        _ => false,
    }
}

/// Programs that look for secrets.
const SECRET_SEARCHERS: [&str; 12] = [
    "trufflehog",
    "gitleaks",
    "noseyparker",
    "detect-secrets",
    "ggshield",
    "whispers",
    "kingfisher",
    "titus",
    "snaffler",
    "seatbelt",
    "lazagne",
    "git-secrets",
];

/// A trace that an Event 1 leaves for activities of the same host within the next half hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// An archive was made; true with a password.
    Archive(bool),
    /// A repository was made.
    GitInit,
    /// Secrets were looked for.
    SecretSearch,
}

/// Returns the trace of a process that was started; `None` for nearly all. It looks at the image first, since it is
/// asked of every Event 1.
#[must_use]
pub fn trace_of_start(image: &str, line: &str) -> Option<Trace> {
    let name = image_name(image).as_bytes();
    // Most processes end here.
    if !matches!(
        name.first()?.to_ascii_lowercase(),
        b'7' | b'r'
            | b't'
            | b'z'
            | b'p'
            | b'g'
            | b'w'
            | b'b'
            | b'm'
            | b's'
            | b'n'
            | b'd'
            | b'k'
            | b'l'
            | b'c'
    ) {
        return None;
    }
    let stem = stem(image);
    match &*stem {
        "git" => {
            // Of all lines of git few hold the word, and only those are read.
            let is_init = memchr::memmem::find(line.as_bytes(), b"init").is_some()
                && git_line(line).verb.is_some_and(|verb| verb.text == "init");
            return is_init.then_some(Trace::GitInit);
        }
        "gh" => {
            let mut rest = words(line).skip(1);
            let is_next = |rest: &mut dyn Iterator<Item = Cow<'_, str>>, wanted: &str| {
                rest.next().is_some_and(|word| word == wanted)
            };
            return (is_next(&mut rest, "auth") && is_next(&mut rest, "token"))
                .then_some(Trace::SecretSearch);
        }
        "cmd" | "bash" | "sh" => return None,
        _ => {}
    }
    if SECRET_SEARCHERS.contains(&&*stem) {
        return Some(Trace::SecretSearch);
    }
    makes_archive(&stem, line).then(|| Trace::Archive(has_archive_password(&stem, line)))
}

/// Returns the trace of a file that was made.
#[must_use]
pub fn trace_of_file(image: &str, target: &str) -> Option<Trace> {
    let has_ending = ARCHIVE_ENDINGS.iter().any(|ending| {
        let start = target.len().checked_sub(ending.len());
        start.and_then(|start| target.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(ending))
    });
    let is_made = has_ending && !is_in_cache(target) && !is_downloader(&stem(image));
    is_made.then_some(Trace::Archive(false))
}

/// Programs whose archives come from elsewhere.
fn is_downloader(stem: &str) -> bool {
    matches!(
        stem,
        "chrome"
            | "msedge"
            | "firefox"
            | "brave"
            | "opera"
            | "iexplore"
            | "vivaldi"
            | "curl"
            | "wget"
            | "node"
            | "npm"
            | "python"
            | "pip"
            | "git"
            | "git-remote-https"
            | "cargo"
            | "dotnet"
            | "java"
            | "svchost"
            | "outlook"
            | "teams"
            | "ms-teams"
            | "code"
            | "devenv"
            | "trustedinstaller"
            | "msiexec"
            | "tiworker"
    )
}

/// Returns true for a folder where anybody can write and where things are staged, unless it is a package cache.
#[must_use]
pub fn is_staging_folder(folder: &str) -> bool {
    const FOLDERS: [&str; 9] = [
        r"\temp\",
        r"\tmp\",
        r"\users\public\",
        r"\programdata\",
        r"\downloads\",
        r"\perflogs\",
        r"\$recycle.bin\",
        "/tmp/",
        "/downloads/",
    ];
    let with_end: Cow<'_, str> =
        if folder.ends_with(['\\', '/']) { Cow::Borrowed(folder) } else { Cow::Owned(format!("{folder}\\")) };
    FOLDERS.iter().any(|part| holds(&with_end, part)) && !is_in_cache(&with_end)
}

/// Returns true for a program in a folder where any user can write, other than a package manager's.
#[must_use]
pub fn is_writable_program(image: &str) -> bool {
    const MORE: [&str; 1] = [r"\appdata\roaming\"];
    const INSTALLED: [&str; 4] = [
        r"\programdata\microsoft\",
        r"\appdata\roaming\npm\",
        r"\programdata\package cache\",
        r"\jetbrains\",
    ];
    let at = image.rfind(['\\', '/']);
    let Some(folder) = at.and_then(|at| image.get(..=at)) else { return false };
    (is_staging_folder(folder) || MORE.iter().any(|part| holds(folder, part)))
        && !is_in_cache(folder)
        && !INSTALLED.iter().any(|part| holds(folder, part))
}

/// Returns what is on a line that is a credential: the words that say so. The credential itself is no part of it.
#[must_use]
pub fn token_on(line: &str) -> Option<&'static str> {
    const SHAPES: [&str; 12] = [
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "glpat-",
        "gldt-",
        "glrt-",
        "atbb",
        "atctt3",
        "hf_",
    ];
    if holds(line, "authorization") && (holds(line, "bearer") || holds(line, "token") || holds(line, "basic"))
    {
        return Some("an Authorization header");
    }
    if holds(line, "http.extraheader") || holds(line, ".extraheader") {
        return Some("http.extraHeader");
    }
    if holds(line, "private-token") || holds(line, "job-token") {
        return Some("a token in a header");
    }
    let in_url = line.match_indices("://").any(|(at, _)| {
        let rest = line.get(at + 3..).unwrap_or("");
        let end = rest.find(|c: char| matches!(c, '/' | '?' | '#' | '"' | '\'') || c.is_whitespace());
        let authority = end.and_then(|end| rest.get(..end)).unwrap_or(rest);
        authority.rsplit_once('@').is_some_and(|(user, _)| {
            user.contains(':') && !user.ends_with(':') || SHAPES.iter().any(|shape| holds(user, shape))
        })
    });
    if in_url {
        return Some("a token in the URL");
    }
    let has_shape = words(line).any(|word| {
        SHAPES.iter().any(|shape| {
            let end = shape.len() + 16;
            holds(&word, shape) && word.len() >= end
        })
    });
    has_shape.then_some("a token")
}

/// Returns the option by which a line sends a whole repository.
#[must_use]
pub fn whole_repository(line: &str) -> Option<&'static str> {
    words(line).find_map(|word| match &*word {
        "--mirror" => Some("--mirror"),
        "--all" => Some("--all"),
        _ => None,
    })
}

/// Returns why a program is no usual parent of a tool: Office, a script host, a service, the task scheduler, a web or
/// database server.
#[must_use]
pub fn unusual_parent(image: &str, line: &str) -> Option<&'static str> {
    Some(match &*stem(image) {
        "winword" | "excel" | "powerpnt" | "outlook" | "onenote" | "msaccess" | "mspub" | "visio"
        | "acrord32" | "acrobat" => "an Office program",
        "wscript" | "cscript" | "mshta" | "rundll32" | "regsvr32" | "wmiprvse" | "msbuild"
        | "installutil" | "scrcons" | "hh" => "a script host",
        "services" | "psexesvc" | "nssm" | "winsw" => "a service",
        "svchost" if holds(line, "schedule") => "the task scheduler",
        "taskeng" | "taskhostw" | "schtasks" | "at" => "the task scheduler",
        "w3wp" | "httpd" | "nginx" | "tomcat" | "php-cgi" | "php" | "sqlservr" | "mysqld" | "java-cgi"
        | "umworkerprocess" => "a web or database server",
        stem if stem.starts_with("tomcat") => "a web or database server",
        _ => return None,
    })
}

/// Returns true for an account of the system or of a machine.
#[must_use]
pub fn is_system_account(user: &str) -> bool {
    let name = user.rsplit('\\').next().unwrap_or(user);
    name.ends_with('$') || name.eq_ignore_ascii_case("system") || name.eq_ignore_ascii_case("система")
}

/// The tools whose renamed copies tell something: by `OriginalFileName`, in lower case, with the names that they go by.
const ORIGINALS: [(&str, &[&str]); 9] = [
    ("curl.exe", &["curl"]),
    ("python.exe", &["python", "python3", "py", "pythonw"]),
    ("powershell.exe", &["powershell", "powershell_ise"]),
    ("pwsh.dll", &["pwsh"]),
    ("node.exe", &["node"]),
    ("wget.exe", &["wget"]),
    ("git.exe", &["git", "scalar", "headless-git", "git-bash", "git-cmd", "tig"]),
    ("rclone.exe", &["rclone"]),
    ("7z.exe", &["7z", "7zg", "7za"]),
];

/// Returns the name of the program that a file with another name is.
#[must_use]
pub fn renamed_tool<'a>(image: &str, original: &'a str) -> Option<&'a str> {
    let (name, own) = (stem(image), original.to_ascii_lowercase());
    let (_, names) = ORIGINALS.iter().find(|(known, _)| *known == own)?;
    // git for Windows gives all its programs git.exe's resource; versions follow a Python's name.
    let is_own = names.iter().any(|known| {
        *name == **known
            || name.strip_prefix(*known).is_some_and(|rest| rest.starts_with(['-', '.', '3', '2', 'w']))
    });
    (!is_own).then_some(original)
}

/// Returns the words of a line that hide a window or a script.
#[must_use]
pub fn hidden_script(image: &str, line: &str) -> Option<&'static str> {
    if !matches!(&*stem(image), "powershell" | "pwsh" | "cmd" | "conhost" | "wscript" | "mshta") {
        return None;
    }
    let mut before = "";
    for word in words(line) {
        let lower = word.to_ascii_lowercase();
        let name = lower.trim_start_matches(['-', '/', '\u{2013}', '\u{2014}', '\u{2015}']);
        let is_option = name.len() < lower.len();
        if is_option && name.len() > 1 && "encodedcommand".starts_with(name) && name.starts_with("en")
            || is_option && matches!(name, "e" | "ec")
        {
            return Some("an encoded script");
        }
        if matches!(lower.as_str(), "hidden" | "1" | "'hidden'")
            && !before.is_empty()
            && "windowstyle".starts_with(before.trim_start_matches(['-', '/']))
        {
            return Some("a hidden window");
        }
        before = if is_option && lower.len() <= 16 {
            word_of(&["-w", "-wi", "-win", "-window", "-windowstyle"], &lower)
        } else {
            ""
        };
    }
    None
}

fn word_of(known: &[&'static str], word: &str) -> &'static str {
    known.iter().find(|known| **known == word).copied().unwrap_or("")
}

/// Hosts that give files away: a process that goes on to one of them downloads.
const DOWNLOAD_HOSTS: [&str; 7] = [
    "release-assets.githubusercontent.com",
    "objects.githubusercontent.com",
    "raw.githubusercontent.com",
    "codeload.github.com",
    "github-releases.githubusercontent.com",
    "media.githubusercontent.com",
    "pkg-containers.githubusercontent.com",
];

/// Endings of the names of these hosts, for a reader that asks for no others.
pub const DOWNLOAD_ENDINGS: &[&str] = &["githubusercontent.com", "codeload.github.com"];

/// Returns true for a host of downloads, without case.
#[must_use]
pub fn is_download_host(name: &str) -> bool {
    DOWNLOAD_HOSTS.iter().any(|host| host.eq_ignore_ascii_case(name))
}

/// Returns true for the host of a repository's API, without case.
#[must_use]
pub fn is_api_host(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.starts_with("api.") || lower.starts_with("uploads.") || lower == "gist.github.com"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_leave_their_traces() {
        for (image, line, expected) in [
            (r"C:\7-Zip\7z.exe", "7z  a dist.zip out", Some(Trace::Archive(false))),
            (r"C:\7-Zip\7z.exe", "7z a -pS3cret -mhe docs.7z C:\\x", Some(Trace::Archive(true))),
            (r"C:\7-Zip\7z.exe", "7z x dist.zip", None),
            (r"C:\WinRAR\rar.exe", "rar a -hpx a.rar b", Some(Trace::Archive(true))),
            (r"C:\WinRAR\rar.exe", "rar x a.rar", None),
            (r"C:\Windows\System32\tar.exe", "tar -czf a.tgz b", Some(Trace::Archive(false))),
            (r"C:\Windows\System32\tar.exe", "tar xf a.tgz", None),
            (r"C:\p\powershell.exe", "powershell Compress-Archive a b.zip", Some(Trace::Archive(false))),
            (r"C:\p\powershell.exe", "powershell ls", None),
            (r"C:\Git\git.exe", "git -C x init", Some(Trace::GitInit)),
            (r"C:\Git\git.exe", "git commit -m init", None),
            (r"C:\gh.exe", "gh auth token", Some(Trace::SecretSearch)),
            (r"C:\gh.exe", "gh auth status", None),
            (r"C:\t\TruffleHog.exe", "x", Some(Trace::SecretSearch)),
            (r"C:\Windows\explorer.exe", "explorer", None),
            ("", "", None),
        ] {
            assert_eq!(trace_of_start(image, line), expected, "{line}");
        }
        let archiver = r"C:\7-Zip\7z.exe";
        assert_eq!(trace_of_file(archiver, r"C:\x\Loot.ZIP"), Some(Trace::Archive(false)));
        assert_eq!(trace_of_file(archiver, r"C:\Users\a\AppData\Local\npm-cache\x.tgz"), None);
        assert_eq!(trace_of_file(r"C:\chrome.exe", r"C:\x\a.zip"), None);
        assert_eq!(trace_of_file(archiver, r"C:\x\a.txt"), None);
    }

    #[test]
    fn folders_where_anybody_writes() {
        for (folder, expected) in [
            (r"C:\Users\m\AppData\Local\Temp\x\", true),
            (r"C:\Users\Public", true),
            (r"C:\ProgramData\s", true),
            (r"C:\Users\m\Downloads\", true),
            (r"C:\src\temperature\", false),
            (r"C:\ProgramData\chocolatey\lib\", false),
            (r"C:\src\web", false),
        ] {
            assert_eq!(is_staging_folder(folder), expected, "{folder}");
        }
        for (image, expected) in [
            (r"C:\ProgramData\s\svc.exe", true),
            (r"C:\Users\a\AppData\Roaming\x.exe", true),
            (r"C:\Users\a\AppData\Roaming\npm\gh.exe", false),
            (r"C:\Program Files\Git\cmd\git.exe", false),
            ("git.exe", false),
        ] {
            assert_eq!(is_writable_program(image), expected, "{image}");
        }
    }

    #[test]
    fn credentials_on_a_line() {
        for (line, expected) in [
            ("git push https://a:b@github.com/o/r", Some("a token in the URL")),
            ("git push https://ghp_0123@github.com/o/r", Some("a token in the URL")),
            ("git push https://user@github.com/o/r", None),
            ("git push ssh://git@github.com:22/o/r", None),
            ("curl -H \"Authorization: token x\" https://h", Some("an Authorization header")),
            ("git -c http.extraHeader=x push", Some("http.extraHeader")),
            ("x -token ghp_Zx81kQm0aTestTest01", Some("a token")),
            ("git push origin", None),
        ] {
            assert_eq!(token_on(line), expected, "{line}");
        }
    }

    #[test]
    fn scripts_that_hide() {
        let image = r"C:\p\powershell.exe";
        for (line, expected) in [
            ("powershell -nop -w hidden -c x", Some("a hidden window")),
            ("powershell -WindowStyle Hidden x", Some("a hidden window")),
            ("powershell -enc SQ==", Some("an encoded script")),
            ("powershell -e SQ==", Some("an encoded script")),
            ("powershell -ep bypass -c x", None),
            ("powershell -c hidden", None),
        ] {
            assert_eq!(hidden_script(image, line), expected, "{line}");
        }
        assert_eq!(hidden_script(r"C:\curl.exe", "curl -e x"), None);
    }

    #[test]
    fn renamed_tools_by_original_name() {
        for (image, original, expected) in [
            (r"C:\x\svc.exe", "curl.exe", Some("curl.exe")),
            (r"C:\x\curl.exe", "curl.exe", None),
            (r"C:\x\python3.12.exe", "python.exe", None),
            (r"C:\x\git-remote-https.exe", "git.exe", None),
            (r"C:\x\update.exe", "git.exe", Some("git.exe")),
            (r"C:\x\a.exe", "a.exe", None),
            (r"C:\x\PowerShell.exe", "PowerShell.EXE", None),
        ] {
            assert_eq!(renamed_tool(image, original), expected, "{image}");
        }
    }
}
