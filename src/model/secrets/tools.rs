//! Secrets on command lines of tools whose options take a password without naming it: `curl -u user:password`,
//! `mysql -pSECRET`, `net use \\host\share SECRET`. Other tools' `-u` and `-p` are paths, ports and branches, and stay.

use std::sync::LazyLock;

use regex::Regex;

use super::super::text::image_name;
use super::urls::find_in_credentials;
use super::value::{
    MIN_SECRET, begins_as_path, credentials, is_long_and_mixed, is_placeholder, is_secret, is_variable,
};
use super::{Finding, compile, steps, text_at};

/// The form of an option's secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// In the next word, or after `=` or `:` in its own.
    Next,
    /// Directly after it: `-pSECRET`.
    Glued,
    /// Either.
    Both,
    /// `user:password`.
    User,
    /// `user%password`.
    Percent,
    /// `user,password`.
    Comma,
    /// `file:password`.
    File,
    /// The next word, if it looks like a token.
    Token,
}
use Form::{Both, Comma, File, Glued, Next, Percent, Token, User};

/// Tools of one kind, and their options that take a secret.
struct Tool {
    names: &'static [&'static str],
    options: &'static [(&'static str, Form)],
}

/// A new tool is a line here. Names are in lower case, without extension.
const TOOLS: &[Tool] = &[
    Tool {
        names: &["curl", "curl64", "aria2c"],
        options: &[("-E", File), ("--cert", File), ("--proxy-cert", File), ("-b", Form::Comma)],
    },
    Tool { names: &["http", "https", "xh"], options: &[("-a", User), ("--auth", User)] },
    Tool { names: &["lftp", "ncftp", "ncftpput", "ncftpget"], options: &[("-u", Comma), ("-p", Next)] },
    Tool {
        names: &["mysql", "mysqldump", "mysqladmin", "mysqlimport", "mariadb", "mariadb-dump"],
        options: &[("-p", Glued)],
    },
    Tool { names: &["sshpass"], options: &[("-p", Both)] },
    Tool { names: &["plink", "pscp", "psftp", "putty", "kitty", "klink", "kscp"], options: &[("-pw", Next)] },
    Tool {
        names: &[
            "psexec",
            "psexec64",
            "paexec",
            "csexec",
            "pskill",
            "pslist",
            "psloggedon",
            "psservice",
            "psinfo",
        ],
        options: &[("-p", Next)],
    },
    Tool { names: &["winrs", "winrm", "wevtutil", "wecutil"], options: &[("-p", Next), ("/p", Next)] },
    Tool { names: &["sqlcmd", "osql", "isql", "bcp"], options: &[("-P", Both)] },
    Tool {
        names: &["mongo", "mongosh", "mongodump", "mongoexport", "mongoimport", "mongorestore"],
        options: &[("-p", Both)],
    },
    Tool { names: &["redis-cli"], options: &[("-a", Next)] },
    Tool {
        names: &["ldapsearch", "ldapmodify", "ldapadd", "ldapdelete", "ldappasswd", "ldapwhoami"],
        options: &[("-w", Both)],
    },
    Tool { names: &["7z", "7za", "7zr", "7zz", "7zg", "peazip"], options: &[("-p", Glued)] },
    Tool { names: &["rar", "unrar", "winrar"], options: &[("-hp", Glued), ("-p", Glued)] },
    Tool { names: &["zip", "unzip", "zipcloak"], options: &[("-P", Both)] },
    Tool { names: &["schtasks"], options: &[("/rp", Next), ("/p", Next)] },
    Tool {
        names: &["openssl"],
        options: &[("-pass", Next), ("-passin", Next), ("-passout", Next), ("-k", Next), ("-K", Next)],
    },
    Tool {
        names: &["certutil", "pvk2pfx", "signtool", "importpfx"],
        options: &[("-p", Next), ("/p", Next), ("-pi", Next), ("-po", Next)],
    },
    Tool {
        names: &[
            "evil-winrm",
            "crackmapexec",
            "cme",
            "nxc",
            "netexec",
            "smbmap",
            "adidnsdump",
            "bloodhound-python",
            "rdesktop",
            "ldapdomaindump",
            "twine",
            "kerbrute",
            "wput",
        ],
        options: &[("-p", Next), ("-H", Token)],
    },
    Tool {
        names: &["smbclient", "rpcclient", "smbget", "nmblookup"],
        options: &[("-U", Percent), ("--user", Percent)],
    },
    Tool { names: &["dotnet", "nuget"], options: &[("-k", Token)] },
    Tool { names: &["gh", "glab"], options: &[("-t", Token)] },
    Tool { names: &["blat", "swaks", "sendemail"], options: &[("-pw", Next), ("-ap", Next), ("-xp", Next)] },
    Tool { names: &["ccencrypt", "ccdecrypt", "ccrypt"], options: &[("-K", Next)] },
];

/// Tools that log in by `-u` and `-p` where `login` comes between.
const LOGINS: &[&str] = &[
    "docker", "podman", "nerdctl", "buildah", "skopeo", "helm", "az", "oc", "cf", "cf7", "cf8", "oras",
    "crane", "heroku",
];

/// Tools that take `user/password@database`.
const ORACLE: &[&str] = &["sqlplus", "sqlplusw", "sqlldr", "exp", "imp", "expdp", "impdp", "rman", "sql"];

/// Tools that take `domain/user:password@host`.
const IMPACKET: &[&str] = &[
    "psexec",
    "wmiexec",
    "smbexec",
    "atexec",
    "dcomexec",
    "secretsdump",
    "getuserspns",
    "getnpusers",
    "getadusers",
    "lookupsid",
    "smbclient",
    "mssqlclient",
    "gettgt",
    "getst",
    "reg",
    "services",
    "ticketer",
    "rpcdump",
    "samrdump",
    "addcomputer",
];

/// Tools whose `-u` is a user with a password, whatever comes.
const CURL_LIKE: &[&str] = &["curl", "curl64", "wget", "wget2", "aria2c", "httpie"];

/// Tools whose `-u` and `-p` have nothing to do with a password.
const OTHERS: &[&str] = &[
    "git",
    "gh",
    "glab",
    "hub",
    "ssh",
    "scp",
    "sftp",
    "rsync",
    "cmd",
    "powershell",
    "pwsh",
    "python",
    "python2",
    "python3",
    "py",
    "pythonw",
    "docker",
    "podman",
    "nerdctl",
    "kubectl",
    "node",
    "npm",
    "npx",
    "yarn",
    "pnpm",
    "pip",
    "pip3",
    "cargo",
    "go",
    "java",
    "mvn",
    "gradle",
    "make",
    "cmake",
    "msbuild",
    "nmap",
    "nc",
    "ncat",
    "tar",
    "mkdir",
    "cp",
    "mv",
    "ls",
    "ps",
    "perl",
    "ruby",
    "adb",
    "screen",
    "tmux",
    "sudo",
    "su",
    "chroot",
    "install",
    "useradd",
    "unzip",
    "wmic",
    "reg",
    "sc",
    "code",
    "devenv",
    "robocopy",
    "xcopy",
];

/// Words that run the command after them.
const RUNNERS: &[&str] = &[
    "/c", "/k", "/r", "-c", "-command", "call", "start", "sudo", "exec", "xargs", "env", "&", ".", "nohup",
    "-e", "--",
];

/// Characters that quote and nest commands.
const ENCLOSING: [char; 16] =
    ['"', '\'', '`', '\\', '(', ')', '{', '}', '&', '|', ';', '@', ',', '^', '<', '>'];

/// Matches a text that may hold an option of these rules.
static MAY_HOLD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compile(
        r"(?i)(?:^|[\s\x22'>])[-/]{1,2}[a-z]|net1?(?:\.exe)?[\x22']?\s+use|sqlplus|imp|exp|rman|sqlldr|[:/][^\s@]+@",
    )
});

/// The words of a text that blanks part, their offsets, and true for each with which a command line begins. In XML and
/// JSON it begins within a word: `Name="CommandLine">curl`, `"CommandLine":"curl`.
fn words(text: &str) -> impl Iterator<Item = (usize, &str, bool)> {
    let base = text.as_ptr() as usize;
    text.split_whitespace().flat_map(move |word| {
        let at = word.as_ptr() as usize - base;
        let mut from = Some(0);
        std::iter::from_fn(move || {
            let start = from?;
            let rest = text_at(word, start);
            let length = match (rest.find("\">"), rest.find("\":\"")) {
                (Some(tag), Some(key)) => Some((tag + 2).min(key + 3)),
                (tag, key) => tag.map(|tag| tag + 2).or(key.map(|key| key + 3)),
            };
            let length = length.filter(|length| *length < rest.len());
            from = length.map(|length| start + length);
            let piece = rest.get(..length.unwrap_or(rest.len()))?;
            Some((at + start, piece, start > 0))
        })
    })
}

/// The name of the program that a word names, without extension; `None` for options and URLs.
fn program_of(word: &str) -> Option<&str> {
    if word.contains("://") || word.starts_with(['-', '/']) && !word.contains("/bin/") || word.len() > 320 {
        return None;
    }
    // `<Data Name="CommandLine">curl`, `CommandLine="curl`: the part after the sign.
    let word = word.trim_matches(ENCLOSING);
    let word = word.rsplit(['>', '=', '"', '\'']).next().unwrap_or(word);
    let name = image_name(word).trim_matches(ENCLOSING);
    let stem = [".exe", ".cmd", ".bat", ".com", ".ps1", ".py", ".sh"].iter().find_map(|ending| {
        let at = name.len().checked_sub(ending.len())?;
        name.get(at..)?.eq_ignore_ascii_case(ending).then(|| name.get(..at)).flatten()
    });
    Some(stem.unwrap_or(name))
}

/// The program that a segment of a command line runs.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "a program may be of several kinds")]
struct Segment {
    tool: Option<&'static Tool>,
    is_curl: bool,
    is_other: bool,
    is_login: bool,
    is_oracle: bool,
    is_impacket: bool,
    is_msbuild: bool,
    /// `net`, and the count of words since.
    net: Option<Net>,
    /// `bitsadmin /setcredentials`, and the count of words since.
    bits: Option<usize>,
    has_user: bool,
    /// Words so far.
    words: usize,
}

/// The arguments of `net`.
#[derive(Default)]
struct Net {
    /// `use` or `user`.
    verb: Option<bool>,
    /// Words that are not options.
    plain: usize,
    saw_share: bool,
    /// True if a quoted word goes on after a blank.
    in_quotes: bool,
}

impl Segment {
    /// Takes in a word that names a program where `may_run` or `opens` allows one.
    fn take(&mut self, word: &str, may_run: bool, opens: bool) -> bool {
        let Some(name) = program_of(word) else { return false };
        let has = |names: &[&str]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
        let is_curl = has(CURL_LIKE);
        let is_file = {
            let bare = word.trim_matches(ENCLOSING);
            bare.len() > 4
                && bare.get(bare.len() - 4..).is_some_and(|ending| ending.eq_ignore_ascii_case(".exe"))
        };
        if !(is_curl || may_run || opens || is_file) {
            return false;
        }
        let tool = TOOLS.iter().find(|tool| has(tool.names));
        if is_curl
            || (tool.is_some()
                || has(OTHERS)
                || has(LOGINS)
                || has(ORACLE)
                || has(IMPACKET)
                || has(&["net", "net1", "bitsadmin", "msbuild"]))
        {
            *self = Self {
                tool,
                is_curl,
                is_other: has(OTHERS) && !is_curl,
                is_oracle: has(ORACLE),
                is_impacket: has(IMPACKET),
                is_msbuild: has(&["msbuild", "dotnet", "xbuild"]),
                net: has(&["net", "net1"]).then(Net::default),
                words: 1,
                ..Self::default()
            };
            self.is_login = has(LOGINS);
            return true;
        }
        if (may_run || is_file) && self.words > 0 {
            // Another program runs here, which is unknown.
            *self = Self::default();
        }
        false
    }
}

/// Returns whether the word is a separator itself, and whether the segment ends with it.
fn ends_segment(word: &str) -> (bool, bool) {
    let is_sign = matches!(word, "|" | "||" | "&" | "&&" | ";");
    (is_sign, is_sign || word.ends_with([';', '|']) || word.ends_with('&'))
}

/// Finds secrets in options of known tools.
pub(super) fn find(text: &str, findings: &mut Vec<Finding>) {
    if !MAY_HOLD.as_ref().is_some_and(|pattern| pattern.is_match(text)) {
        return;
    }
    let mut segment = Segment::default();
    let mut pending: Option<Form> = None;
    let mut may_run = true;
    let mut in_path = false;
    let mut is_login = false;
    for (at, word, begins) in words(text) {
        may_run |= begins;
        let (is_sign, is_last) = ends_segment(word);
        if is_sign {
            (segment, pending, may_run, is_login) = (Segment::default(), None, true, false);
            continue;
        }
        let opens = word.starts_with(['"', '\'', '(', '{', '&', '`'])
            || word.starts_with("\\\"")
            || word.starts_with('<');
        if let Some(form) = pending.take() {
            take_value(text, at, form, findings);
        } else if segment.take(word, may_run, opens) {
            // Its options follow.
        } else {
            segment.words += 1;
            is_login |= word.trim_matches(ENCLOSING) == "login";
            pending = option(text, at, word, &mut segment, is_login, findings);
        }
        let bare = word.trim_matches(ENCLOSING);
        // `"C:\Program Files\tool.exe"`: the program's name goes on.
        let begins_path = may_run && word.starts_with('"') && !text_at(word, 1).contains('"');
        let goes_on = may_run && segment.words <= 1 && in_path && !word.contains('"');
        in_path = begins_path || goes_on;
        may_run = in_path || is_last || RUNNERS.iter().any(|runner| bare.eq_ignore_ascii_case(runner));
        if is_last {
            (segment, pending, is_login) = (Segment::default(), None, false);
        }
    }
}

/// The option that a word is, if its value follows; a value within the word is found here.
fn option(
    text: &str,
    at: usize,
    word: &str,
    segment: &mut Segment,
    is_login: bool,
    findings: &mut Vec<Finding>,
) -> Option<Form> {
    let opening = word.len() - word.trim_start_matches(ENCLOSING).len();
    let bare = text_at(word, opening);
    positional(at, word, segment, findings);
    // A user and a password.
    if !segment.is_other || segment.is_curl {
        match user_option(bare, segment.is_curl) {
            Some(UserValue::Follows) => {
                segment.has_user = true;
                return Some(if segment.is_curl { User } else { Form::User })
                    .filter(|_| {
                        segment.tool.is_none_or(|tool| {
                            !tool.options.iter().any(|(name, _)| *name == "-u" || *name == "-U")
                        })
                    })
                    .or_else(|| tool_option(bare, segment));
            }
            Some(UserValue::Inside(inside)) => {
                segment.has_user = true;
                take_value(text, at + opening + inside, User, findings);
                return None;
            }
            None => {}
        }
    }
    if let Some(form) = tool_option(bare, segment) {
        return Some(form);
    }
    if let Some((inside, form)) = tool_value_inside(bare, segment) {
        take_value(text, at + opening + inside, form, findings);
        return None;
    }
    // `/p:SECRET`, which for a builder is a property.
    if !segment.is_msbuild
        && let Some(value) =
            bare.strip_prefix("/p:").or_else(|| bare.strip_prefix("/P:")).or_else(|| bare.strip_prefix("-p:"))
    {
        let is_property = value.split_once('=').is_some_and(|(name, _)| {
            name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.')
        });
        if !is_property && !is_number(value) {
            take_value(text, at + opening + 3, Next, findings);
        }
        return None;
    }
    let is_p = matches!(bare, "-p" | "--p" | "/p");
    let logs_in = if segment.is_login { is_login } else { segment.has_user && !segment.is_other };
    (is_p && logs_in && !segment.is_curl).then_some(Next)
}

/// Returns whether a value is a port, a range of them, or a map of them.
fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b':' | b'-' | b','))
        && text.len() < 20
}

fn tool_option(bare: &str, segment: &Segment) -> Option<Form> {
    let (_, form) = segment.tool?.options.iter().find(|(name, _)| same_option(bare, name))?;
    (!matches!(form, Glued)).then_some(*form)
}

/// Options of a letter are distinguished by case, longer ones and those with a slash are not.
fn same_option(written: &str, name: &str) -> bool {
    written == name || (name.len() > 2 || name.starts_with('/')) && written.eq_ignore_ascii_case(name)
}

/// `-pSECRET`, `--cert=file:SECRET`, `/rp:SECRET`.
fn tool_value_inside(bare: &str, segment: &Segment) -> Option<(usize, Form)> {
    segment.tool?.options.iter().find_map(|(name, form)| {
        let rest = bare
            .get(..name.len())
            .filter(|start| same_option(start, name))
            .and_then(|_| bare.get(name.len()..))?;
        match rest.as_bytes().first()? {
            b'=' | b':' if !matches!(form, Glued) => Some((name.len() + 1, *form)),
            _ if matches!(form, Glued | Both) => Some((name.len(), Glued)),
            _ => None,
        }
    })
}

/// The position of the value of an option for a user's name.
#[derive(Clone, Copy)]
enum UserValue {
    /// From this byte of the same word on.
    Inside(usize),
    /// In the next word.
    Follows,
}

/// Returns the position of the value if a word is an option for a user's name.
fn user_option(option: &str, is_curl: bool) -> Option<UserValue> {
    for long in ["--user", "--proxy-user", "--username"] {
        match option.strip_prefix(long) {
            Some("") => return Some(UserValue::Follows),
            Some(rest) if rest.starts_with(['=', ':']) => return Some(UserValue::Inside(long.len() + 1)),
            _ => {}
        }
    }
    if !is_curl {
        return matches!(option, "-u" | "-U" | "-user").then_some(UserValue::Follows);
    }
    let letters = option.strip_prefix('-').filter(|rest| !rest.starts_with('-'))?;
    // Letters before the `u` are switches of their own, as in `-sSu`.
    let before = letters.bytes().take_while(|byte| b"sSfkLgivjaNpqRGIJ#0123456".contains(byte)).count();
    let rest = letters.get(before..)?.strip_prefix(['u', 'U'])?;
    Some(if rest.is_empty() { UserValue::Follows } else { UserValue::Inside(1 + before + 1) })
}

/// The value that begins at `at`: up to its closing quote, or up to a blank.
fn option_value(text: &str, at: usize) -> Option<(usize, &str)> {
    let rest = text_at(text, at);
    let unescaped = rest.trim_start_matches(['\\', '`', '^']);
    if let Some(quote) = unescaped.chars().next().filter(|first| matches!(first, '"' | '\'')) {
        let start = at + (rest.len() - unescaped.len()) + 1;
        let quoted = text_at(text, start);
        let end = memchr::memchr(quote as u8, quoted.as_bytes());
        steps::count(end.unwrap_or(quoted.len()));
        if let Some(end) = end {
            return Some((start, quoted.get(..end)?.trim_end_matches(['\\', '`', '^'])));
        }
        return Some((start, quoted.split_whitespace().next()?));
    }
    let word = rest.split_whitespace().next()?;
    let word = word.split(['<', '>', '"']).next().filter(|word| !word.is_empty()).unwrap_or(word);
    Some((at, word.trim_end_matches(['"', '\'', '`', '\\', ')', ';', '}'])))
}

fn take_value(text: &str, at: usize, form: Form, findings: &mut Vec<Finding>) {
    let Some((start, value)) = option_value(text, at) else { return };
    let mut take = |from: usize| {
        if let Some(secret) = value.get(from..).filter(|secret| !secret.is_empty() && !is_variable(secret)) {
            findings.push(Finding { range: start + from..start + from + secret.len(), kept: 0 });
        }
    };
    let is_option = value.starts_with('-') && form != Glued;
    match form {
        User if is_path(value) || is_option || value.starts_with(['/', '{', '[']) => {}
        User => {
            let (user, password) = credentials(value);
            if password.is_some_and(|password| {
                is_number(password) && is_number(user) || password.starts_with("refs/")
            }) {
                return;
            }
            find_in_credentials(value, start, findings);
        }
        Next | Both if is_option || value.starts_with('/') && begins_as_path(value) => {}
        Next | Both | Glued => {
            // OpenSSL names the source of a password.
            let from = if value.starts_with("pass:") { 5 } else { 0 };
            if is_secret(text_at(value, from), true) && !is_number(value) {
                take(from);
            }
        }
        Percent | Comma => {
            let sign = if form == Percent { '%' } else { ',' };
            let sign = if form == Comma && value.contains('=') { '=' } else { sign };
            if let Some((user, secret)) = value.split_once(sign)
                && secret.len() >= MIN_SECRET
                && !is_path(value)
                && !is_placeholder(secret)
            {
                take(user.len() + 1);
            }
        }
        File => {
            let colon = value.rfind(':').filter(|colon| *colon > 1);
            if let Some(colon) = colon.filter(|colon| is_secret(text_at(value, colon + 1), true)) {
                take(colon + 1);
            }
        }
        Token => {
            if is_long_and_mixed(value) && is_secret(value, true) {
                take(0);
            }
        }
    }
}

/// Returns whether a value with a colon is a path, and not a user with a password.
fn is_path(value: &str) -> bool {
    begins_as_path(value)
}

/// Secrets that are identified by their position.
fn positional(at: usize, word: &str, segment: &mut Segment, findings: &mut Vec<Finding>) {
    let bare = word.trim_matches(['"', '\'']);
    let start = at + (word.len() - word.trim_start_matches(['"', '\'']).len());
    let is_option = bare.starts_with(['/', '-']);
    let mut take = |from: usize, secret: &str| {
        if !is_variable(secret) && !is_placeholder(secret) && secret != "*" && secret.len() >= MIN_SECRET {
            findings.push(Finding { range: start + from..start + from + secret.len(), kept: 0 });
        }
    };
    if let Some(net) = segment.net.as_mut().filter(|_| !is_option && !word.contains(['<', '>'])) {
        if std::mem::take(&mut net.in_quotes) {
            net.in_quotes = !word.ends_with('"');
            return;
        }
        net.in_quotes = word.starts_with('"') && !(word.len() > 1 && word.ends_with('"'));
        match net.verb {
            None => {
                net.verb = match bare.to_ascii_lowercase().as_str() {
                    "use" => Some(true),
                    "user" | "users" => Some(false),
                    _ => {
                        segment.net = None;
                        return;
                    }
                }
            }
            // `net use [device] \\host\share [password]`
            Some(true) if bare.starts_with("\\\\") => net.saw_share = true,
            Some(true) if net.saw_share => take(0, bare),
            Some(true) => {}
            // `net user name [password]`
            Some(false) => {
                net.plain += 1;
                if net.plain == 2 {
                    take(0, bare);
                }
            }
        }
        return;
    }
    if bare.eq_ignore_ascii_case("/setcredentials") {
        segment.bits = Some(0);
        return;
    }
    if let Some(count) = segment.bits.as_mut() {
        *count += 1;
        if *count == 5 {
            take(0, bare);
        }
        return;
    }
    if segment.is_oracle
        && !is_option
        && let Some((user, rest)) = bare.split_once('/')
        && !user.contains(['\\', ':', '=', '@'])
    {
        let secret = rest.rsplit_once('@').map_or(rest, |(secret, _)| secret);
        take(user.len() + 1, secret);
    }
    if segment.is_impacket
        && !is_option
        && let Some((login, _)) = bare.rsplit_once('@')
        && let Some((user, secret)) = login.split_once(':')
        && !secret.starts_with('\\')
    {
        take(user.len() + 1, secret);
    }
}
