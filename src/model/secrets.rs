//! Secrets on command lines: tokens, passwords and keys are masked wherever a text is shown or exported, unless the
//! user asks to reveal them. The mask keeps what tells the kind (`ghp_****`, `Bearer ****`) and nothing else.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::text::{Edits, map_ranges, visible_with_ranges};

/// What stands for a secret, whatever its length.
pub const MASK: &str = "****";

/// A secret's bytes, and how many of its first ones tell its kind and stay.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    range: Range<usize>,
    kept: usize,
}

/// A pattern with the groups `s` (the secret) and, directly before it, perhaps `k` (the kept kind).
struct Rule {
    /// What a text of ASCII must have for it to find something.
    needs: Needs,
    /// Compiled when a text first has what it needs: all of them take longer than many a log.
    pattern: LazyLock<Option<Regex>, Box<dyn FnOnce() -> Option<Regex> + Send>>,
    is_secret: Check,
}

impl Rule {
    /// Whether it could find something in a text; `lower` is that text in lower case, where it is ASCII. Other letters
    /// can stand for those of ASCII where case does not count.
    fn is_of_use(&self, lower: Option<&str>) -> bool {
        lower.is_none_or(|lower| match self.needs {
            Holds(texts) => texts.iter().any(|text| lower.contains(text)),
            HasRun(least) => {
                lower.as_bytes().split(|byte| !byte.is_ascii_alphanumeric()).any(|run| run.len() >= least)
            }
        })
    }
}

/// What a text must have, without case.
#[derive(Debug)]
enum Needs {
    /// One of these.
    Holds(&'static [&'static str]),
    /// So many letters and digits in a row.
    HasRun(usize),
}
use Needs::{HasRun, Holds};

/// Whether what a pattern found is a secret indeed.
type Check = fn(&Captures<'_>) -> bool;

/// The patterns are constants and are all compiled by the tests; one that failed would find nothing.
fn compile(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

/// Cheap: whether the text could hold a secret at all. Most command lines end here.
static HINT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compile(
        r"(?i)gh[pousr]_|github_pat_|gl[a-z]{2,5}-|at(?:bb|ctt|att)|azdo|a[ks]ia|eyj|authori[sz]ation|bearer|basic|token|passw|secret|api_?key|_pat\b|oauth2|\bcurl|:[a-z2-7]{52}|://[^\s/?#]*@",
    )
});

/// What a token consists of, and how far a value reaches that began as one.
const VALUE: &str = r#"[A-Za-z0-9_][A-Za-z0-9._~+/=-]{7,}[^\s"'`\\,;(){}<>$%]*"#;

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let always: Check = |_| true;
    let rules: [(Needs, &str, Check); 16] = [
        // GitHub.
        (
            Holds(&["ghp_", "gho_", "ghu_", "ghs_", "ghr_"]),
            r"(?P<k>gh[pousr]_)(?P<s>[A-Za-z0-9]{20,})",
            always,
        ),
        (Holds(&["github_pat_"]), r"(?P<k>github_pat_)(?P<s>[A-Za-z0-9_]{20,})", always),
        // GitLab: personal, deploy, runner, CI job, pipeline trigger and its younger kinds.
        (
            Holds(&["gl"]),
            r"(?:(?-u:\b)|_)(?P<k>gl(?:pat|dt|rt|rtr|cbt|ptt|oas|ft|imt|agent|soat|ffct)-)(?P<s>[A-Za-z0-9_.=-]{12,})",
            always,
        ),
        // Bitbucket and Atlassian.
        (
            Holds(&["atbb", "atctt", "atatt"]),
            r"(?:(?-u:\b)|_)(?P<k>ATBB|ATCTT|ATATT)(?P<s>[A-Za-z0-9_=-]{16,})",
            always,
        ),
        // Azure DevOps: the signed form, and the older one where it is the password of an empty name.
        (Holds(&["azdo"]), r"(?-u:\b)(?P<s>[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4})(?-u:\b)", always),
        (HasRun(52), r"(?P<k>:)(?P<s>[a-z2-7]{52})(?-u:\b)", always),
        // Amazon.
        (Holds(&["akia", "asia"]), r"(?-u:\b)(?P<k>A[KS]IA)(?P<s>[0-9A-Z]{16})(?-u:\b)", always),
        (
            Holds(&["aws"]),
            r#"(?i)aws_?secret_?access_?key[\\"']*\s*[=:,]?\s*[\\"']*(?P<s>[a-z0-9/+=]{40})"#,
            always,
        ),
        // JSON Web Tokens, encrypted ones included.
        (
            Holds(&["eyj"]),
            r"(?:(?-u:\b)|_)(?P<k>eyJ)(?P<s>[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){0,3})",
            always,
        ),
        // `Authorization: SCHEME VALUE`, in headers, hash tables, dictionaries and calls.
        (
            Holds(&["authori"]),
            r#"(?i)authori[sz]ation[\\"'`\])]*\s*[:=,]\s*[\\"'`@(]*\s*(?:bearer|token|basic)\s+(?P<s>VALUE)"#,
            always,
        ),
        (Holds(&["bearer", "basic"]), r"(?i)\b(?:bearer|basic)\s+(?P<s>VALUE)", |found| {
            secret(found).is_some_and(|value| value.len() >= 20 && is_mixed(value))
        }),
        // GitLab's own headers.
        (
            Holds(&["-token"]),
            r#"(?i)(?:private|job|deploy)-token[\\"'`\])]*\s*[:=,]\s*[\\"'`@(]*(?P<s>[a-z0-9_][a-z0-9._~+/=-]{3,}[^\s"'`\\,;(){}<>$%]*)"#,
            always,
        ),
        // Options with a secret as their value.
        (
            Holds(&["passw", "oauth2-bearer"]),
            r#"(?i)--(?:http-|proxy-|ftp-)?(?:password|passwd|oauth2-bearer)(?:\s+|=)[\\"']*(?P<s>[^\s"'\\-][^\s"']*)"#,
            |found| secret(found).is_some_and(|value| !is_variable(value)),
        ),
        (Holds(&["token"]), r#"(?i)--(?:[a-z]+-)*token(?:\s+|=)[\\"']*(?P<s>VALUE)"#, |found| {
            secret(found).is_some_and(is_long_and_mixed)
        }),
        // Variables, parameters and members named for a secret.
        (
            Holds(&["token", "passw", "secret", "api_key", "apikey", "_pat"]),
            r#"(?i)(?P<n>[a-z0-9_-]*(?:token|password|passwd|secret|api_?key|_pat))[\\"'`\])]*\s*[=:]\s*[\\"'`]*(?P<s>VALUE)"#,
            |found| {
                let is_public = found
                    .name("n")
                    .is_some_and(|name| name.as_str().to_ascii_lowercase().ends_with("publickeytoken"));
                !is_public && secret(found).is_some_and(is_long_and_mixed)
            },
        ),
        (
            Holds(&["_token=", "client_secret="]),
            r#"(?i)[?&](?:private_token|access_token|job_token|client_secret)=(?P<s>[^\s&"'#$%{<*][^\s&"'#]{7,})"#,
            always,
        ),
    ];
    rules
        .into_iter()
        .map(|(needs, pattern, is_secret)| {
            let text = pattern.replace("VALUE", VALUE);
            Rule { needs, pattern: LazyLock::new(Box::new(move || compile(&text))), is_secret }
        })
        .collect()
});

/// The part of a URL between `//` and `@`.
static URL_USER: LazyLock<Option<Regex>> = LazyLock::new(|| compile(r#"://(?P<s>[^\s/?#"'`<>]*)@"#));

/// A reference to a secret that is kept elsewhere: nothing to mask.
const VARIABLE: &str = r"\$env:\w+|\$\{\{.*?\}\}|\$\{\{[^}]*\z|\$\{[^}]*\}|\$\([^)]*\)|\$\w+|%\w+%|![A-Za-z_]\w*!|\{\w*\}|\{\{.*?\}\}|<[^<>]*>";

static IS_VARIABLE: LazyLock<Option<Regex>> =
    LazyLock::new(|| compile(&format!(r"(?is)\A(?:{VARIABLE})+\z")));

/// `user:password`, where the user may be a variable with a colon of its own.
static CREDENTIALS: LazyLock<Option<Regex>> =
    LazyLock::new(|| compile(&format!(r"(?is)\A(?P<user>(?:{VARIABLE}|[^:])*)(?::(?P<password>.*))?\z")));

/// What a mask may have kept before its stars.
static KEPT_KIND: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compile(r"\A(?:gh[pousr]_|github_pat_|gl[a-z]{2,5}-|AT(?:BB|CTT|ATT)|A[KS]IA|eyJ|:)?\z")
});

fn matches(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

fn secret<'a>(found: &Captures<'a>) -> Option<&'a str> {
    found.name("s").map(|part| part.as_str())
}

fn is_mixed(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit()) && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn is_long_and_mixed(text: &str) -> bool {
    text.len() >= 16 && is_mixed(text) && !text.contains('/')
}

fn is_variable(text: &str) -> bool {
    matches(&IS_VARIABLE, text)
}

/// Whether a name without a password is a token all the same: long, of one piece, letters and digits.
fn is_token_like(text: &str) -> bool {
    text.len() >= 20
        && is_mixed(text)
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn is_masked(text: &str) -> bool {
    text.strip_suffix(MASK).is_some_and(|kind| matches(&KEPT_KIND, kind))
}

/// The secrets of `user:password` that stands at `at` in the text.
fn find_in_credentials(credentials: &str, at: usize, findings: &mut Vec<Finding>) {
    let Some(parts) = CREDENTIALS.as_ref().and_then(|pattern| pattern.captures(credentials)) else { return };
    for (name, is_secret) in [
        ("user", is_token_like as fn(&str) -> bool),
        ("password", |text| !text.is_empty() && text != "x-oauth-basic" && !is_variable(text)),
    ] {
        if let Some(part) = parts.name(name).filter(|part| is_secret(part.as_str())) {
            findings.push(Finding { range: at + part.start()..at + part.end(), kept: 0 });
        }
    }
}

/// The whitespace-separated words of a text and where they begin.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let base = text.as_ptr() as usize;
    text.split_whitespace().map(move |word| (word.as_ptr() as usize - base, word))
}

/// What encloses words: quotes of any shell, and what nests commands.
const ENCLOSING: [char; 13] = ['"', '\'', '`', '\\', '(', ')', '{', '}', '&', '|', ';', '@', ','];

/// Whether a word names curl; `None` for words that name no program that matters here.
fn is_curl(word: &str) -> Option<bool> {
    if word.contains("://") || word.starts_with('-') {
        return None;
    }
    let name = super::text::image_name(word.trim_matches(ENCLOSING)).trim_matches(ENCLOSING);
    let name = match name.get(name.len().saturating_sub(4)..) {
        Some(extension) if extension.eq_ignore_ascii_case(".exe") => name.get(..name.len() - 4)?,
        _ => name,
    };
    if name.eq_ignore_ascii_case("curl") {
        return Some(true);
    }
    ["git", "gh", "wget", "ssh", "cmd", "powershell", "pwsh", "python", "docker"]
        .iter()
        .any(|other| name.eq_ignore_ascii_case(other))
        .then_some(false)
}

/// Where the value of curl's option for a user name stands.
enum UserValue {
    /// From this byte of the same word on.
    Inside(usize),
    /// In the next word.
    Follows,
}

/// Whether a word is curl's option for a user name.
fn curl_user_option(word: &str) -> Option<UserValue> {
    let opening = word.len() - word.trim_start_matches(ENCLOSING).len();
    let option = word.get(opening..)?;
    for long in ["--user", "--proxy-user"] {
        match option.strip_prefix(long) {
            Some("") => return Some(UserValue::Follows),
            Some(rest) if rest.starts_with('=') => return Some(UserValue::Inside(opening + long.len() + 1)),
            _ => {}
        }
    }
    let letters = option.strip_prefix('-').filter(|rest| !rest.starts_with('-'))?;
    // Letters before the `u` are switches of their own, as in `-sSu`.
    let before = letters.bytes().take_while(|byte| b"sSfkLgivj#0123456".contains(byte)).count();
    let rest = letters.get(before..)?.strip_prefix(['u', 'U'])?;
    Some(if rest.is_empty() { UserValue::Follows } else { UserValue::Inside(opening + 1 + before + 1) })
}

/// curl's `-u user:password`, which other programs' `-u` must not be taken for.
fn find_curl_users(text: &str, findings: &mut Vec<Finding>) {
    let mut in_curl = false;
    let mut value_follows = false;
    for (at, word) in words(text) {
        let mut value_at = None;
        if std::mem::take(&mut value_follows) {
            value_at = Some(at);
        } else if let Some(curl) = is_curl(word) {
            in_curl = curl;
        } else if in_curl {
            match curl_user_option(word) {
                Some(UserValue::Follows) => value_follows = true,
                Some(UserValue::Inside(inside)) => value_at = Some(at + inside),
                None => {}
            }
        }
        if let Some((start, value)) = value_at.and_then(|value_at| option_value(text, value_at)) {
            find_in_credentials(value, start, findings);
        }
    }
}

/// The value that begins at `at`: up to its closing quote, or up to a blank.
fn option_value(text: &str, at: usize) -> Option<(usize, &str)> {
    let rest = text.get(at..)?;
    let unescaped = rest.trim_start_matches(['\\', '`', '^']);
    let closing = unescaped.chars().next().filter(|first| matches!(first, '"' | '\''));
    if let Some(quote) = closing {
        let start = at + (rest.len() - unescaped.len()) + 1;
        let quoted = text.get(start..)?;
        if let Some(end) = quoted.find(quote) {
            return Some((start, quoted.get(..end)?.trim_end_matches(['\\', '`', '^'])));
        }
        return Some((start, quoted.split_whitespace().next()?));
    }
    let word = rest.split_whitespace().next()?;
    Some((at, word.trim_end_matches(['"', '\'', '`', '\\', ')', ';'])))
}

fn find(text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !matches(&HINT, text) {
        return findings;
    }
    let lower = text.is_ascii().then(|| text.to_ascii_lowercase());
    for rule in RULES.iter().filter(|rule| rule.is_of_use(lower.as_deref())) {
        let Some(pattern) = rule.pattern.as_ref() else { continue };
        for found in pattern.captures_iter(text).filter(rule.is_secret) {
            if let Some(secret) = found.name("s") {
                let start = found.name("k").map_or(secret.start(), |kind| kind.start());
                findings.push(Finding { range: start..secret.end(), kept: secret.start() - start });
            }
        }
    }
    if let Some(pattern) = URL_USER.as_ref().filter(|_| text.contains('@')) {
        for user in pattern.captures_iter(text).filter_map(|found| found.name("s")) {
            find_in_credentials(user.as_str(), user.start(), &mut findings);
        }
    }
    find_curl_users(text, &mut findings);
    findings.retain(|finding| text.get(finding.range.clone()).is_some_and(|secret| !is_masked(secret)));
    merge(findings)
}

/// Overlapping findings become one: all that any of them covers is masked, and the kind stays that the first tells.
fn merge(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| (finding.range.start, std::cmp::Reverse(finding.kept)));
    let mut merged: Vec<Finding> = Vec::with_capacity(findings.len());
    for finding in findings {
        match merged.last_mut() {
            Some(last) if finding.range.start < last.range.end => {
                last.range.end = last.range.end.max(finding.range.end);
            }
            _ => merged.push(finding),
        }
    }
    merged
}

/// Rounds until no further secret is found. Real command lines take one, and one more that finds nothing; chains that a
/// fuzzer built took eleven. Each round is linear in the text, and so is the bound.
const MOST_ROUNDS: usize = 64;

/// The text with its secrets masked, and the edits that this took. A text without a secret comes back as it is.
#[must_use]
pub fn mask_with_edits(text: &str) -> (Cow<'_, str>, Edits) {
    let mut findings = find(text);
    if findings.is_empty() {
        return (Cow::Borrowed(text), Edits::default());
    }
    let (mut masked, mut edits) = apply(text, &findings);
    // Where a secret is masked, what stands around it may look like one too.
    for _ in 1..MOST_ROUNDS {
        let further = find(&masked);
        if further.is_empty() {
            break;
        }
        let back = edits.inverted();
        findings.extend(further.into_iter().map(|Finding { range, kept }| {
            let secret = back.map(&(range.start + kept..range.end));
            let start = back.map(&range).start.min(secret.start);
            Finding { range: start..secret.end, kept: secret.start - start }
        }));
        findings = merge(findings);
        (masked, edits) = apply(text, &findings);
    }
    (Cow::Owned(masked), edits)
}

/// Puts masks in the places of findings, which come in order and do not overlap.
fn apply(text: &str, findings: &[Finding]) -> (String, Edits) {
    let mut edits = Edits::default();
    let mut output = String::with_capacity(text.len());
    let mut copied = 0;
    for Finding { range, kept } in findings {
        let start = range.start + kept;
        output.push_str(text.get(copied..start).unwrap_or_default());
        let masked_at = output.len();
        output.push_str(MASK);
        edits.push(start..range.end, masked_at..output.len());
        copied = range.end;
    }
    output.push_str(text.get(copied..).unwrap_or_default());
    (output, edits)
}

/// The text with its secrets masked.
#[must_use]
pub fn mask(text: &str) -> Cow<'_, str> {
    mask_with_edits(text).0
}

/// The text with its secrets masked, and where byte ranges of the original stand in it. A range that touches a secret
/// takes in its whole mask.
#[must_use]
pub fn mask_with_ranges<'a>(text: &'a str, ranges: &[Range<usize>]) -> (Cow<'a, str>, Vec<Range<usize>>) {
    let (masked, edits) = mask_with_edits(text);
    let ranges = map_ranges(text, &edits, ranges);
    (masked, ranges)
}

/// A text as a terminal may show it: masked unless `reveal_secrets`, then made visible, with the places of matches.
#[must_use]
pub fn shown<'a>(
    text: &'a str,
    ranges: &[Range<usize>],
    reveal_secrets: bool,
) -> (Cow<'a, str>, Vec<Range<usize>>) {
    if reveal_secrets {
        return visible_with_ranges(text, ranges);
    }
    match mask_with_ranges(text, ranges) {
        (Cow::Borrowed(text), ranges) => visible_with_ranges(text, &ranges),
        (Cow::Owned(masked), ranges) => {
            let (visible, ranges) = visible_with_ranges(&masked, &ranges);
            (Cow::Owned(visible.into_owned()), ranges)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fmt::Write as _;

    const A36: &str = "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA3bC5";
    const PAT52: &str = "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrst";

    /// Stands for tokens in the tables, so that no scanner takes the tests for a leak.
    fn filled(text: &str) -> String {
        text.replace("A36", A36)
            .replace("PAT52", PAT52)
            .replace("A82", &format!("{A36}{A36}{A36}").chars().take(82).collect::<String>())
            .replace("A76", &format!("{A36}{A36}{A36}").chars().take(76).collect::<String>())
            .replace("HEX40", "0123456789abcdef0123456789abcdef01234567")
            .replace("B64", "dXNlcjpnaHBfMTIzNDU2Nzg5MA==")
            .replace("JWT", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl")
    }

    #[test]
    fn all_patterns_compile() {
        assert!(RULES.iter().all(|rule| rule.pattern.is_some()));
        for pattern in [&HINT, &URL_USER, &IS_VARIABLE, &CREDENTIALS, &KEPT_KIND] {
            assert!(pattern.is_some());
        }
    }

    #[test]
    fn secrets_are_masked_and_their_kind_stays() {
        for (text, expected) in [
            ("ghp_A36", "ghp_****"),
            ("x=gho_A36;y", "x=gho_****;y"),
            ("ghu_A36 ghs_A36 ghr_A36", "ghu_**** ghs_**** ghr_****"),
            ("set T_ghp_A36", "set T_ghp_****"),
            ("github_pat_A82", "github_pat_****"),
            ("glpat-A36", "glpat-****"),
            ("gldt-A36 glrt-t1_A36 glcbt-64_A36 glptt-A36", "gldt-**** glrt-**** glcbt-**** glptt-****"),
            ("ATBBA36", "ATBB****"),
            ("ATCTT3xA36=A36", "ATCTT****"),
            ("\"A76AZDOab12\"", "\"****\""),
            ("GetBytes(\":PAT52\")", "GetBytes(\":****\")"),
            ("git clone https://PAT52@dev.azure.com/o/p", "git clone https://****@dev.azure.com/o/p"),
            ("git clone https://o:PAT52@dev.azure.com/o/p", "git clone https://o:****@dev.azure.com/o/p"),
            ("git clone https://:PAT52@dev.azure.com/o/p", "git clone https://:****@dev.azure.com/o/p"),
            ("curl -H \"Authorization: Bearer A36\" x", "curl -H \"Authorization: Bearer ****\" x"),
            ("curl -H 'authorization:token HEX40'", "curl -H 'authorization:token ****'"),
            ("Authorization: token ghp_A36", "Authorization: token ghp_****"),
            ("Authorization: Bearer ghp_A36!tail", "Authorization: Bearer ghp_****"),
            ("Authorization: Basic B64", "Authorization: Basic ****"),
            (
                "-c http.extraheader=\"AUTHORIZATION: basic B64\"",
                "-c http.extraheader=\"AUTHORIZATION: basic ****\"",
            ),
            ("@{Authorization=\"token HEX40\"}", "@{Authorization=\"token ****\"}"),
            ("@{'Authorization' = 'Bearer abcdefgh'}", "@{'Authorization' = 'Bearer ****'}"),
            (
                "-d {\\\"Authorization\\\":\\\"Bearer abcdefgh\\\"}",
                "-d {\\\"Authorization\\\":\\\"Bearer ****\\\"}",
            ),
            ("r.add_header('Authorization','token HEX40')", "r.add_header('Authorization','token ****')"),
            ("h[\"Authorization\"] = \"token HEX40\"", "h[\"Authorization\"] = \"token ****\""),
            ("$h = 'Bearer ' ; 'Bearer A36'", "$h = 'Bearer ' ; 'Bearer ****'"),
            ("PRIVATE-TOKEN: abcdefgh", "PRIVATE-TOKEN: ****"),
            ("curl --header 'PRIVATE-TOKEN: glpat-A36'", "curl --header 'PRIVATE-TOKEN: glpat-****'"),
            ("@{'PRIVATE-TOKEN'='A36'}", "@{'PRIVATE-TOKEN'='****'}"),
            ("JOB-TOKEN: HEX40", "JOB-TOKEN: ****"),
            ("curl -u user:pass https://x", "curl -u user:**** https://x"),
            ("curl.exe -u user:p@ss:w/rd https://x", "curl.exe -u user:**** https://x"),
            (
                "\"C:\\Program Files\\curl\\CURL.EXE\" --user \"u:p w\" x",
                "\"C:\\Program Files\\curl\\CURL.EXE\" --user \"u:****\" x",
            ),
            ("cmd /c \"curl -sSu user:pass\"", "cmd /c \"curl -sSu user:****\""),
            ("curl -uuser:pass x", "curl -uuser:**** x"),
            ("curl --user=user:pass x", "curl --user=user:**** x"),
            ("powershell -c \"curl.exe -u 'a:b c' x\"", "powershell -c \"curl.exe -u 'a:****' x\""),
            ("curl -u \\\"a:b\\\" x", "curl -u \\\"a:****\\\" x"),
            ("curl -u ghp_A36: x", "curl -u ghp_****: x"),
            ("curl -u HEX40:x-oauth-basic x", "curl -u ****:x-oauth-basic x"),
            ("curl -u $U:hunter2 x", "curl -u $U:**** x"),
            ("curl -u $env:U:hunter2 x", "curl -u $env:U:**** x"),
            ("git push && curl -U a:b x", "git push && curl -U a:**** x"),
            ("git push https://user:pass@github.com/a/b", "git push https://user:****@github.com/a/b"),
            ("https://a:p@ss@host/x", "https://a:****@host/x"),
            ("https://x-access-token:ghs_A36@github.com/a", "https://x-access-token:ghs_****@github.com/a"),
            ("https://oauth2:glpat-A36@gitlab.com/a", "https://oauth2:glpat-****@gitlab.com/a"),
            ("https://ghp_A36@github.com/a", "https://ghp_****@github.com/a"),
            ("https://HEX40:x-oauth-basic@github.com/a", "https://****:x-oauth-basic@github.com/a"),
            ("https://ATBBA36@bitbucket.org/a", "https://ATBB****@bitbucket.org/a"),
            ("https://$env:U:hunter2@github.com/a", "https://$env:U:****@github.com/a"),
            ("AKIAIOSFODNN7EXAMPLE", "AKIA****"),
            ("aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "aws_secret_access_key=****"),
            ("id_token JWT.", "id_token eyJ****"),
            ("Authorization: Bearer JWT", "Authorization: Bearer eyJ****"),
            (
                "https://gitlab.com/api/v4/x?private_token=abcdefgh&y=1",
                "https://gitlab.com/api/v4/x?private_token=****&y=1",
            ),
            ("wget --user=me --password=hunter2 x", "wget --user=me --password=**** x"),
            ("curl --oauth2-bearer abcdefgh x", "curl --oauth2-bearer **** x"),
            ("tool --access-token \"HEX40\"", "tool --access-token \"****\""),
            ("$env:GH_TOKEN='HEX40'; x", "$env:GH_TOKEN='****'; x"),
            ("set GITHUB_TOKEN=HEX40", "set GITHUB_TOKEN=****"),
            ("größe ghp_A36 東京", "größe ghp_**** 東京"),
            // Read as a token only where the password behind it is masked.
            ("curl -ume|token=ghp_1ttp||||||-6:x://us y", "curl -ume|token=**** y"),
        ] {
            let text = filled(text);
            assert_eq!(mask(&text), expected, "{text}");
            assert_eq!(mask(expected), expected, "masking again changes nothing");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "",
            "git push",
            "git push -u origin main",
            "git push -u origin main:main",
            "git push -u HEAD:refs/heads/x",
            "git push origin -u HEAD:refs/heads/x https://github.com/curl/curl.git",
            "git push https://github.com/curl/curl -u HEAD:refs/heads/x",
            "curl x & git push -u HEAD:refs/heads/x",
            "git push --force-with-lease",
            "git push --force-with-lease=main:0123456789abcdef0123456789abcdef01234567",
            "git clone git@github.com:a/b.git",
            "git clone ssh://git@github.com/a/b.git",
            "git clone https://org@dev.azure.com/org/project/_git/repo",
            "git clone https://my-organisation@dev.azure.com/x",
            "git clone https://user:@github.com/a",
            "curl -H \"Authorization: Bearer $env:TOKEN\" x",
            "curl -H \"Authorization: Bearer $TOKEN\" x",
            "curl -H \"Authorization: Bearer ${TOKEN}\" x",
            "curl -H \"Authorization: token %TOKEN%\" x",
            "curl -H \"Authorization: token ${{ secrets.GITHUB_TOKEN }}\" x",
            "curl -H \"Authorization: Basic $(cat file | base64)\" x",
            "-Headers @{Authorization=\"token $t\"}",
            "'Authorization': 'Bearer '+os.environ['GITHUB_TOKEN_FOR_2026']",
            "PRIVATE-TOKEN: $CI_JOB_TOKEN",
            "PRIVATE-TOKEN: %TOKEN%",
            "curl -u $env:TOKEN x",
            "curl -u $USER:$PASSWORD x",
            "curl -u \"$env:USER:$env:PASS\" x",
            "curl -u user:${{ secrets.X }} x",
            "curl -u user x",
            "curl -u %USER%:%PASS% x",
            "curl --url https://x -o user:pass",
            "curl -T user:pass https://x",
            "git push https://$env:TOKEN@github.com/a/b",
            "git push https://$TOKEN@github.com/a/b",
            "git push https://x-access-token:${TOKEN}@github.com/a/b",
            "git push https://x-access-token:${{ secrets.X }}@github.com/a/b",
            "git push https://user:%TOKEN%@github.com/a/b",
            "git push https://$(System.AccessToken)@dev.azure.com/a/b",
            "gh auth login --with-token < token.txt",
            "tool --token-file C:\\secrets\\token-2026-01-01.txt",
            "tool --token $TOKEN --password %PASS%",
            "docker login --password-stdin",
            "System.Data, PublicKeyToken=b77a5c561934e089",
            "{6F9619FF-8B86-D011-B42D-00CF4FC964FF}",
            "token=6",
            "C:\\Users\\a\\AppData\\Local\\Temp\\eyJ.txt",
            "\"C:\\Program Files\\Git\\cmd\\git.exe\" push origin main",
            "sha1 0123456789abcdef0123456789abcdef01234567",
            "ghp_short glpat-short AKIA ATBB eyJ",
            "npm i @scope/package https://registry.npmjs.org/@scope/package",
            "https://host:443/path@x user@example.org",
            "use basic authentication with bearer tokens",
            "highs_and_lows_of_the_market",
            "docker run --user 1000:1000 image",
        ] {
            assert!(matches!(mask(text), Cow::Borrowed(_)), "{text} became {}", mask(text));
        }
    }

    #[test]
    fn ranges_follow_through_mask_and_escape() {
        let text = filled("curl\t-H \"Authorization: token ghp_A36\" https://api.github.com");
        let host = text.find("api.github.com").unwrap();
        let token = text.find("ghp_").unwrap();
        let ranges = [host..host + 14, token..token + 4, token + 6..token + 9, 0..4];
        let (shown, mapped) = shown(&text, &ranges, false);
        assert_eq!(shown, "curl<U+0009>-H \"Authorization: token ghp_****\" https://api.github.com");
        let texts: Vec<&str> = mapped.iter().map(|range| &shown[range.clone()]).collect();
        assert_eq!(texts, ["api.github.com", "ghp_", "****", "curl"]);
        let (revealed, _) = super::shown(&text, &[], true);
        assert!(revealed.contains(A36));
    }

    #[test]
    fn long_and_hostile_lines_take_linear_time() {
        for piece in [
            "://",
            "eyJ",
            "ghp_a",
            "-u \"a:b",
            "curl -u 'a ",
            "authorization ",
            "token",
            "aA1",
            "a.b",
            "://a:b@",
            "@",
        ] {
            let mut text = String::from("curl ");
            while text.len() < 300_000 {
                text.push_str(piece);
            }
            let started = std::time::Instant::now();
            let _ = mask(&text);
            assert!(started.elapsed().as_secs() < 5, "{piece} took {:?}", started.elapsed());
        }
    }

    proptest! {
        #[test]
        fn a_rule_finds_nothing_in_a_text_that_lacks_what_it_needs(pieces in proptest::collection::vec(prop_oneof![
            proptest::sample::select(vec![
                "ghp_", "gho_", "github_pat_", "glpat-", "glft-", " ATBB", " ATCTT", "_ATATT", "AZDO", ":", " AKIA", " ASIA", "aws",
                "_secret_", "access", "_key", "eyJ", ".", "Authorization", ": ", "bearer ", "BASIC ", "Token ", "private",
                "-token", "job", "--", "password", "passwd", "oauth2-bearer", "=", "api_key", "apikey", "my_pat", "secret",
                "?", "&", "private_token", "access_token", "client_secret",
            ]).prop_map(str::to_owned),
            "[A-Za-z0-9]{16,24}",
            "[A-Z0-9]{16}",
            "[a-z2-7]{52}",
            "[A-Za-z0-9]{76}",
            "[a-z0-9/+]{40}",
        ], 0..8)) {
            let text = pieces.concat();
            for rule in RULES.iter() {
                let finds = rule.pattern.as_ref().is_some_and(|pattern| pattern.is_match(&text));
                prop_assert!(!finds || rule.is_of_use(Some(&text.to_ascii_lowercase())), "{:?}: {text}", rule.needs);
            }
        }

        #[test]
        fn a_planted_token_never_survives(
            before in "[ -~]{0,20}",
            after in "[ \"';&|)]?[ -~]{0,20}",
            body in "[A-Za-z0-9]{36}",
            kind in proptest::sample::select(vec!["ghp_", "gho_", "ghs_", "github_pat_", " glpat-"]),
        ) {
            let text = format!("{before}{kind}{body} {after}");
            let masked = mask(&text);
            prop_assert!(!masked.contains(&body), "{} became {}", text, masked);
        }

        #[test]
        fn any_text_and_range_is_safe(text in "(?s).{0,80}", start in 0_usize..90, end in 0_usize..90) {
            let ranges = [Range { start, end }, Range { start: end, end: start }];
            let (shown, mapped) = shown(&text, &ranges, false);
            for range in mapped {
                prop_assert!(shown.get(range).is_some());
            }
        }

        #[test]
        fn masking_twice_is_masking_once(pieces in proptest::collection::vec(proptest::sample::select(vec![
            "curl ", "-u ", "user:", "pass", "https://", "@", "ghp_", "Authorization: ", "Bearer ", "token", "=", " ",
            "\"", "'", "abcdefgh12345678abcdefgh", "eyJ", ".", "/", "$env:", "--password ", "****", "PRIVATE-TOKEN:",
        ]), 0..12)) {
            let mut text = String::new();
            for piece in pieces {
                let _ = write!(text, "{piece}");
            }
            let once = mask(&text).into_owned();
            prop_assert_eq!(mask(&once), once.clone(), "from {}", text);
        }
    }
}
