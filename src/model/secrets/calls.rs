//! Secrets that a script says in a call or a sentence of its own: `ConvertTo-SecureString`, `NetworkCredential`,
//! `GetBytes("user:password")`, `IDENTIFIED BY`, `echo … | docker login --password-stdin`.

use std::sync::LazyLock;

use regex::Regex;

use super::urls::find_in_credentials;
use super::value::{is_mixed, is_secret};
use super::{Finding, compile};

/// The kind of a call's argument.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A secret, in quotes.
    Quoted,
    /// A secret, a word.
    Word,
    /// `user:password`.
    User,
    /// What stands behind `bearer` or `basic` somewhere.
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
        Rule { needs: $needs, kind: $kind, pattern: LazyLock::new(|| compile($pattern)) }
    };
}

/// Each pattern is bounded behind what it begins with, so that a search takes linear time. Classes that repeat are negated
/// ones: `\w` has hundreds of ranges, and sixty of it take longer to compile than a frame.
static RULES: [Rule; 13] = [
    rule!(
        &["securestring"],
        Kind::Quoted,
        r#"(?i)convertto-securestring(?-u:\b)(?:\s+-(?:asplain\w*|force|string)){0,3}\s+\(?[\\`]?(?:"(?P<s>[^"]{1,200})"|'(?P<t>[^']{1,200})')"#
    ),
    rule!(
        &["securestring"],
        Kind::Word,
        r#"(?i)convertto-securestring(?-u:\b)(?:\s+-(?:asplain\w*|force|string)){0,3}\s+(?P<s>[^\s"'`\\$(@|;&)-][^\s"'|;&)]{0,200})"#
    ),
    rule!(
        &["securestring"],
        Kind::Quoted,
        r#"(?i)(?:"(?P<s>[^"|]{1,200})"|'(?P<t>[^'|]{1,200})')\s{0,4}\)?\s{0,4}\|\s{0,4}convertto-securestring"#
    ),
    rule!(
        &["credential", "auth", "login"],
        Kind::Quoted,
        r#"(?i)(?:networkcredential|pscredential|usernamepassword[a-z]{0,20}|basicauth|digestauth|(?-u:\b)auth|\.login|\.authenticate)\s{0,3}\]?(?:::new)?\s{0,3}=?\s{0,3}\(\s{0,3}(?:"[^"]{0,80}"|'[^']{0,80}'|[^\s,"'()]{1,60})\s{0,3},\s{0,3}\\?(?:"(?P<s>[^"]{1,200})"|'(?P<t>[^']{1,200})')"#
    ),
    rule!(
        &["getbytes", "b64encode", "btoa", "buffer.from", "base64encode"],
        Kind::User,
        r#"(?i)(?:getbytes|b64encode|btoa|buffer\.from|base64encode)\s{0,2}\(\s{0,2}[bfu]?\\?(?:"(?P<s>[^"\s]{1,200})"|'(?P<t>[^'\s]{1,200})')"#
    ),
    rule!(
        &["base64"],
        Kind::User,
        r#"(?i)(?:echo|printf)(?:\s+-[a-z]+)?\s+["']?(?P<s>[^\s"'|]{1,200})["']?\s{0,4}\|\s{0,4}(?:openssl\s+)?base64"#
    ),
    rule!(
        &["identified by", "identified with"],
        Kind::Quoted,
        r#"(?i)identified\s+(?:with\s+[^\s]{1,40}\s+)?(?:by|as)\s+(?:password\s+)?(?:"(?P<s>[^"]{1,200})"|'(?P<t>[^']{1,200})')"#
    ),
    rule!(
        &["-stdin", "with-token", "set-password", "chpasswd", "sudo -s", "passphrase-fd"],
        Kind::Word,
        r#"(?i)(?-u:\b)echo\.?(?:\s+-[a-z]+)?\s+["']?(?P<s>[^\s"'|&]{1,300})["']?\s{0,4}\|[^|\r\n]{0,120}?(?:-stdin|with-token|set-password|chpasswd|sudo -s|passphrase-fd)"#
    ),
    rule!(
        &["-stdin", "with-token", "set-password"],
        Kind::Quoted,
        r#"(?i)(?:"(?P<s>[^"|]{1,200})"|'(?P<t>[^'|]{1,200})')\s{0,4}\|[^|\r\n]{0,120}?(?:-stdin|with-token|set-password)"#
    ),
    rule!(
        &["with password", "encrypted password", "set password"],
        Kind::Quoted,
        r#"(?i)(?:with|encrypted|set)\s+password\s+(?:=\s*)?(?:"(?P<s>[^"]{1,200})"|'(?P<t>[^']{1,200})')"#
    ),
    rule!(&["thin:"], Kind::Word, r"(?i)jdbc:oracle:thin:[^\s/@:]{1,60}/(?P<s>[^\s@]{1,120})@"),
    rule!(
        &["bearer", "basic"],
        Kind::Scheme,
        r"(?i)(?-u:\b)(?:bearer|basic)\s+(?P<s>[A-Za-z0-9_][A-Za-z0-9._~+/=-]{7,})"
    ),
    rule!(
        &["code=", "signature=", "sig="],
        Kind::Scheme,
        r#"(?i)[?&;](?:code|sig|x-amz-signature|x-goog-signature|signature)=(?P<s>[^\s&"'#<>;]{12,})"#
    ),
];

/// The words of which a text must hold one for any rule to match.
pub(super) fn needs() -> impl Iterator<Item = &'static str> {
    RULES.iter().flat_map(|rule| rule.needs).copied()
}

/// Finds what calls and sentences say.
pub(super) fn find(text: &str, lower: &str, findings: &mut Vec<Finding>) {
    for rule in RULES.iter().filter(|rule| rule.needs.iter().any(|needed| lower.contains(needed))) {
        let Some(pattern) = rule.pattern.as_ref() else { continue };
        for found in pattern.captures_iter(text) {
            let Some(part) = found.name("s").or_else(|| found.name("t")) else { continue };
            let value = part.as_str().trim_end_matches(['\\', '`']);
            let range = part.start()..part.start() + value.len();
            let is_one = match rule.kind {
                Kind::Quoted => is_secret(value, true),
                Kind::Word => is_secret(value, false),
                Kind::Scheme => value.len() >= 12 && is_mixed(value) && is_secret(value, true),
                Kind::User => {
                    // What is encoded may be anything: only a user and a password make it a secret.
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
