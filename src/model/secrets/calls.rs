//! Secrets in a call or a sentence of a script: `ConvertTo-SecureString`, `NetworkCredential`,
//! `GetBytes("user:password")`, `IDENTIFIED BY`, `echo … | docker login --password-stdin`.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::Finding;
use super::urls::find_in_credentials;
use super::value::{is_mixed, is_secret};

/// The kind of a call's argument.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A secret, in quotes.
    Quoted,
    /// A secret, a word.
    Word,
    /// `user:password`.
    User,
    /// The credential after `bearer` or `basic` anywhere.
    Scheme,
}

struct Rule {
    /// One of these is in the text, in lower case.
    needs: &'static [&'static str],
    kind: Kind,
    pattern: LazyLock<Option<Regex>>,
}

macro_rules! rule {
    ($needs:expr, $kind:expr, $pattern:expr) => {
        Rule { needs: $needs, kind: $kind, pattern: LazyLock::new(|| Regex::new($pattern).ok()) }
    };
}

/// Each pattern is bounded after its first word, so that a search takes linear time. The patterns are of bytes: a class
/// that is repeated 400 times compiles in a tenth of a millisecond then, and takes 3 ms and a megabyte as one of
/// characters.
static RULES: [Rule; 13] = [
    rule!(
        &["securestring"],
        Kind::Quoted,
        r#"(?i-u)convertto-securestring\b(?:\s+-(?:asplain\w*|force|string)){0,3}\s+\(?[\\`]?(?:"(?P<s>[^"]{1,400})"|'(?P<t>[^']{1,400})')"#
    ),
    rule!(
        &["securestring"],
        Kind::Word,
        r#"(?i-u)convertto-securestring\b(?:\s+-(?:asplain\w*|force|string)){0,3}\s+(?P<s>[^\s"'`\\$(@|;&)-][^\s"'|;&)]{0,400})"#
    ),
    rule!(
        &["securestring"],
        Kind::Quoted,
        r#"(?i-u)(?:"(?P<s>[^"|]{1,400})"|'(?P<t>[^'|]{1,400})')\s{0,4}\)?\s{0,4}\|\s{0,4}convertto-securestring"#
    ),
    rule!(
        &["credential", "auth", "login"],
        Kind::Quoted,
        r#"(?i-u)(?:networkcredential|pscredential|usernamepassword[a-z]{0,20}|basicauth|digestauth|\bauth|\.login|\.authenticate)\s{0,3}\]?(?:::new)?\s{0,3}=?\s{0,3}\(\s{0,3}(?:"[^"]{0,80}"|'[^']{0,80}'|[^\s,"'()]{1,60})\s{0,3},\s{0,3}\\?(?:"(?P<s>[^"]{1,400})"|'(?P<t>[^']{1,400})')"#
    ),
    rule!(
        &["getbytes", "b64encode", "btoa", "buffer.from", "base64encode"],
        Kind::User,
        r#"(?i-u)(?:getbytes|b64encode|btoa|buffer\.from|base64encode)\s{0,2}\(\s{0,2}[bfu]?\\?(?:"(?P<s>[^"\s]{1,400})"|'(?P<t>[^'\s]{1,400})')"#
    ),
    rule!(
        &["base64"],
        Kind::User,
        r#"(?i-u)(?:echo|printf)(?:\s+-[a-z]+)?\s+["']?(?P<s>[^\s"'|]{1,400})["']?\s{0,4}\|\s{0,4}(?:openssl\s+)?base64"#
    ),
    rule!(
        &["identified by", "identified with"],
        Kind::Quoted,
        r#"(?i-u)identified\s+(?:with\s+[^\s]{1,40}\s+)?(?:by|as)\s+(?:password\s+)?(?:"(?P<s>[^"]{1,400})"|'(?P<t>[^']{1,400})')"#
    ),
    rule!(
        &["-stdin", "with-token", "set-password", "chpasswd", "sudo -s", "passphrase-fd"],
        Kind::Word,
        r#"(?i-u)\becho\.?(?:\s+-[a-z]+)?\s+["']?(?P<s>[^\s"'|&]{1,300})["']?\s{0,4}\|[^|\r\n]{0,120}?(?:-stdin|with-token|set-password|chpasswd|sudo -s|passphrase-fd)"#
    ),
    rule!(
        &["-stdin", "with-token", "set-password"],
        Kind::Quoted,
        r#"(?i-u)(?:"(?P<s>[^"|]{1,400})"|'(?P<t>[^'|]{1,400})')\s{0,4}\|[^|\r\n]{0,120}?(?:-stdin|with-token|set-password)"#
    ),
    rule!(
        &["with password", "encrypted password", "set password"],
        Kind::Quoted,
        r#"(?i-u)(?:with|encrypted|set)\s+password\s+(?:=\s*)?(?:"(?P<s>[^"]{1,400})"|'(?P<t>[^']{1,400})')"#
    ),
    rule!(&["thin:"], Kind::Word, r"(?i-u)jdbc:oracle:thin:[^\s/@:]{1,60}/(?P<s>[^\s@]{1,120})@"),
    rule!(
        &["bearer", "basic"],
        Kind::Scheme,
        r"(?i-u)\b(?:bearer|basic)\s+(?P<s>[A-Za-z0-9_][A-Za-z0-9._~+/=-]{7,})"
    ),
    rule!(
        &["code=", "signature=", "sig="],
        Kind::Scheme,
        r#"(?i-u)[?&;](?:code|sig|x-amz-signature|x-goog-signature|signature)=(?P<s>[^\s&"'#<>;]{12,})"#
    ),
];

/// The words of which a text must hold one for any rule to match.
pub(super) fn needs() -> impl Iterator<Item = &'static str> {
    RULES.iter().flat_map(|rule| rule.needs).copied()
}

/// Finds secrets in calls and sentences.
pub(super) fn find(text: &str, lower: &str, findings: &mut Vec<Finding>) {
    for rule in RULES.iter().filter(|rule| rule.needs.iter().any(|needed| lower.contains(needed))) {
        let Some(pattern) = rule.pattern.as_ref() else { continue };
        for found in pattern.captures_iter(text.as_bytes()) {
            let Some(part) = found.name("s").or_else(|| found.name("t")) else { continue };
            // A bound of bytes may end within a character.
            let mut end = part.end();
            while !text.is_char_boundary(end) {
                end += 1;
            }
            let Some(value) = text.get(part.start()..end) else { continue };
            let value = value.trim_end_matches(['\\', '`']);
            let range = part.start()..part.start() + value.len();
            let is_one = match rule.kind {
                Kind::Quoted => is_secret(value, true),
                Kind::Word => is_secret(value, false),
                Kind::Scheme => value.len() >= 12 && is_mixed(value) && is_secret(value, true),
                Kind::User => {
                    // An encoded text may be anything: only a user and a password make it a secret.
                    let looks_like_user = value.contains(':')
                        && !value.contains("://")
                        && !value.contains('\\')
                        && !value.contains('/');
                    if looks_like_user || value.starts_with(':') {
                        find_in_credentials(value, range.start, findings);
                    }
                    false
                }
            };
            if is_one {
                findings.push(Finding { range, kept: 0 });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_patterns_compile() {
        assert!(RULES.iter().all(|rule| rule.pattern.is_some()));
    }
}
