//! Secrets in URLs: `https://user:password@host`, `https://token@host`, `jdbc:oracle:thin:user/password@host`. The host
//! stays: it is the destination of the data.

use std::ops::Range;

use super::value::{MIN_SECRET, credentials, is_placeholder, is_token_like, is_variable};
use super::{Finding, text_at};

/// The secrets of `user:password`, which begins at `at` in the text.
pub(super) fn find_in_credentials(text: &str, at: usize, findings: &mut Vec<Finding>) {
    let (user, password) = credentials(text);
    let marks_token = password.is_some_and(|password| password == "x-oauth-basic" || password == "api_token");
    let is_token = is_token_like(user)
        || marks_token && user.len() >= MIN_SECRET && !is_variable(user) && !is_placeholder(user);
    if is_token {
        findings.push(Finding { range: at..at + user.len(), kept: 0 });
    }
    if let Some(password) =
        password.filter(|password| !password.is_empty() && !marks_token && !is_variable(password))
    {
        let start = at + user.len() + 1;
        findings.push(Finding { range: start..start + password.len(), kept: 0 });
    }
}

fn ends_url(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>')
}

/// Finds the credentials with which a URL logs in.
pub(super) fn find(text: &str, findings: &mut Vec<Finding>) {
    let bytes = text.as_bytes();
    let mut from = 0;
    // The offsets of the next `@` and the next end of a URL: each is searched once.
    let (mut next_at, mut next_end) = (0, 0);
    while let Some(found) = bytes.get(from..).and_then(|rest| memchr::memmem::find(rest, b"://")) {
        let start = from + found + 3;
        from = start;
        if next_end < start {
            next_end = start + text_at(text, start).bytes().take_while(|byte| !ends_url(*byte)).count();
        }
        if next_at < start {
            next_at = memchr::memchr(b'@', bytes.get(start..).unwrap_or_default())
                .map_or(usize::MAX, |at| start + at);
        }
        if next_at >= next_end {
            continue;
        }
        let Some(user) = userinfo(text, start..next_end, next_at) else { continue };
        if let Some(inner) = text.get(user.clone()) {
            let before = findings.len();
            find_in_credentials(inner, user.start, findings);
            if findings.len() > before {
                from = user.end;
            }
        }
    }
}

/// The part before the host of the URL that takes `url`, whose first `@` is at `first`.
fn userinfo(text: &str, url: Range<usize>, first: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes().get(url.clone())?;
    let start = url.start;
    // A variable may hold slashes and more.
    let mut slash = 0;
    while bytes.get(slash).is_some_and(|byte| *byte != b'/') {
        let step = super::value::variable_length(text_at(text, start + slash));
        slash += step.max(1);
    }
    let authority = bytes.get(..slash.min(bytes.len()))?;
    if let Some(at) = memchr::memrchr(b'@', authority) {
        let user = text.get(start..start + at)?;
        // `https://host:443?mail=a@b`: a port, and a query.
        let asks = user.find(['?', '#']).is_some_and(|mark| {
            let host = user.get(..mark).unwrap_or_default();
            let port = host.split_once(':').map_or("", |(_, port)| port);
            port.bytes().all(|byte| byte.is_ascii_digit())
        });
        return (!asks).then_some(start..start + at);
    }
    // A password with a slash: the part after the colon is not a port.
    let colon = memchr::memchr(b':', authority)?;
    let port = authority.get(colon + 1..)?;
    let is_port = port.iter().all(u8::is_ascii_digit);
    (!is_port && first < url.end).then_some(start..first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let mut findings = Vec::new();
        find(text, &mut findings);
        findings.into_iter().map(|finding| &text[finding.range]).collect()
    }

    #[test]
    fn passwords_end_where_hosts_begin() {
        for (text, expected) in [
            ("https://u:pw@h/a", vec!["pw"]),
            ("https://u:p@ss@h/a@b", vec!["p@ss"]),
            ("https://u:pa#ss@h/", vec!["pa#ss"]),
            ("https://u:pa?ss@h/", vec!["pa?ss"]),
            ("https://u:pa/ss@h.com/", vec!["pa/ss"]),
            ("https://u:pw@h/@scope/x", vec!["pw"]),
            ("redis://:pw@h", vec!["pw"]),
            ("https://u:$(cat a/b)@h", vec![]),
            ("https://${U}:${P}@h https://u:pw@h", vec!["pw"]),
            ("https://0123456789abcdef0123:x-oauth-basic@h", vec!["0123456789abcdef0123"]),
            ("https://h:443/p@x https://h:443?m=a@b https://h/p@x", vec![]),
            ("https://user@h https://u:@h", vec![]),
            ("://://://", vec![]),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }
}
