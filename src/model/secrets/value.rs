//! A value in the position of a secret: its end, and the signs that it is not a secret. A variable, a path, a file's
//! name or a piece of code names a secret that is kept elsewhere. It is evidence of the data that was carried out.

use super::shapes;
use super::{steps, text_at};

/// Least length of a value that is masked, in bytes.
pub(super) const MIN_SECRET: usize = 4;
/// The maximum bytes of a value that are checked for a reference: no path is longer.
pub(super) const MAX_REFERENCE: usize = 320;
/// Bytes of a variable.
const MAX_VARIABLE: usize = 256;

/// Words about a secret that are not secrets.
const WORDS: [&str; 44] = [
    "true",
    "false",
    "null",
    "none",
    "nil",
    "undefined",
    "required",
    "optional",
    "prompt",
    "interactive",
    "disabled",
    "enabled",
    "always",
    "never",
    "auto",
    "string",
    "text",
    "bearer",
    "basic",
    "digest",
    "negotiate",
    "kerberos",
    "ntlm",
    "oauth",
    "oauth2",
    "file",
    "stdin",
    "read",
    "write",
    "token",
    "secret",
    "securestring",
    "anonymous",
    "integrated",
    "windows",
    "with",
    "from",
    "this",
    "that",
    "will",
    "must",
    "empty",
    "missing",
    "await",
];

/// The last part of names of files that hold secrets or anything else.
const EXTENSIONS: [&str; 54] = [
    "txt",
    "json",
    "yaml",
    "yml",
    "pem",
    "key",
    "p12",
    "pfx",
    "cer",
    "crt",
    "der",
    "ini",
    "cfg",
    "conf",
    "config",
    "env",
    "xml",
    "csv",
    "tsv",
    "log",
    "dat",
    "bin",
    "ps1",
    "psm1",
    "py",
    "sh",
    "bat",
    "cmd",
    "exe",
    "dll",
    "vbs",
    "js",
    "jar",
    "zip",
    "7z",
    "rar",
    "tar",
    "gz",
    "doc",
    "docx",
    "xls",
    "xlsx",
    "pdf",
    "db",
    "sqlite",
    "kdbx",
    "kdb",
    "toml",
    "properties",
    "netrc",
    "ppk",
    "pub",
    "jks",
    "html",
];

/// Verbs of cmdlets that yield a value where one is expected.
const VERBS: [&str; 26] = [
    "get",
    "new",
    "read",
    "import",
    "convertto",
    "convertfrom",
    "invoke",
    "select",
    "out",
    "set",
    "add",
    "write",
    "receive",
    "unprotect",
    "join",
    "start",
    "test",
    "resolve",
    "where",
    "foreach",
    "sort",
    "measure",
    "find",
    "use",
    "connect",
    "request",
];

/// Names before a dot that are those of settings, in the languages that scripts are written in.
const ROOTS: [&str; 22] = [
    "os",
    "process",
    "sys",
    "self",
    "this",
    "config",
    "cfg",
    "args",
    "env",
    "secrets",
    "settings",
    "options",
    "opts",
    "request",
    "environment",
    "vars",
    "var",
    "local",
    "data",
    "params",
    "credentials",
    "creds",
];

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn byte_at(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at).copied()
}

/// The length of a name that begins at `at`.
fn name_length(text: &str, at: usize) -> usize {
    text_at(text, at).bytes().take(MAX_VARIABLE).take_while(|byte| is_word_byte(*byte)).count()
}

/// The offset at which the text from `at` has closed as many `open` as it opened, `close` included.
fn balanced(text: &str, at: usize, open: u8, close: u8) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, byte) in text_at(text, at).bytes().enumerate().take(MAX_VARIABLE) {
        if byte == open {
            depth += 1;
        } else if byte == close {
            depth = depth.checked_sub(1)?;
            if depth == 0 {
                return Some(at + index + 1);
            }
        }
    }
    None
}

/// The end of `closing` in the next bytes, if it is there.
fn closed_by(text: &str, from: usize, closing: &str) -> Option<usize> {
    let bytes = text.as_bytes().get(from..)?;
    let near = bytes.get(..MAX_VARIABLE).unwrap_or(bytes);
    memchr::memmem::find(near, closing.as_bytes()).map(|at| from + at + closing.len())
}

/// The count of bytes at the text's beginning that refer to something kept elsewhere: `$env:X`, `%X%`, `${{ x }}`,
/// `$(command)`, `!X!`, `{x}`, `<token>`, `` `command` ``; 0 without a reference there.
pub(super) fn variable_length(text: &str) -> usize {
    let end = match byte_at(text, 0) {
        Some(b'$') => after_dollar(text),
        Some(b'%') => {
            let tilde = usize::from(byte_at(text, 1) == Some(b'~'));
            let mut end = 1 + tilde + name_length(text, 1 + tilde);
            if byte_at(text, end) == Some(b'(') {
                end = balanced(text, end, b'(', b')').unwrap_or(end);
            }
            match byte_at(text, end) {
                Some(b'%') if end > 1 => Some(end + 1),
                // `%1`, `%~2`, and a loop's `%%i`.
                _ if byte_at(text, 1 + tilde).is_some_and(|byte| byte.is_ascii_digit())
                    && end == 2 + tilde =>
                {
                    Some(end)
                }
                Some(b'%') => (name_length(text, 2) == 1).then_some(3),
                _ => None,
            }
        }
        Some(b'!') => {
            let end = 1 + name_length(text, 1);
            let is_name = byte_at(text, 1).is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
            (is_name && byte_at(text, end) == Some(b'!')).then_some(end + 1)
        }
        Some(b'{') if byte_at(text, 1) == Some(b'{') => closed_by(text, 2, "}}"),
        Some(b'{') => {
            let end = 1 + name_length(text, 1);
            (byte_at(text, end) == Some(b'}')).then_some(end + 1)
        }
        Some(b'#') if byte_at(text, 1) == Some(b'{') => closed_by(text, 2, "}"),
        Some(b'<') => closed_by(text, 1, ">")
            .filter(|end| *end > 2 && !text.get(1..*end).is_some_and(|t| t.contains('<'))),
        Some(b'`') => closed_by(text, 1, "`").filter(|end| *end > 2),
        _ => None,
    };
    end.unwrap_or(0)
}

fn after_dollar(text: &str) -> Option<usize> {
    match byte_at(text, 1)? {
        b'{' if byte_at(text, 2) == Some(b'{') => {
            Some(closed_by(text, 3, "}}").unwrap_or_else(|| text.len().min(MAX_VARIABLE)))
        }
        b'{' => closed_by(text, 2, "}"),
        b'(' => balanced(text, 1, b'(', b')'),
        byte if is_word_byte(byte) => {
            let mut end = 1 + name_length(text, 1);
            let is_scope = ["env", "script", "global", "local", "using", "private", "variable"]
                .iter()
                .any(|scope| text.get(1..end).is_some_and(|name| name.eq_ignore_ascii_case(scope)));
            if is_scope && byte_at(text, end) == Some(b':') {
                end += 1 + name_length(text, end + 1);
            }
            // Members, elements and calls of it.
            while end < MAX_VARIABLE {
                let more = match byte_at(text, end) {
                    Some(b'.') => name_length(text, end + 1),
                    Some(b'[') => balanced(text, end, b'[', b']').map_or(0, |to| to - end - 1),
                    Some(b'(') => balanced(text, end, b'(', b')').map_or(0, |to| to - end - 1),
                    _ => 0,
                };
                if more == 0 {
                    break;
                }
                end += 1 + more;
            }
            Some(end)
        }
        _ => None,
    }
    .map(|mut end| {
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        end
    })
}

/// Returns whether the text consists only of references to values kept elsewhere.
pub(super) fn is_variable(text: &str) -> bool {
    let mut at = 0;
    while at < text.len() {
        match variable_length(text_at(text, at)) {
            0 => return false,
            length => at += length,
        }
    }
    at > 0
}

/// Returns whether the text is a placeholder for a removed secret: `****`, `xxxx`, `[REDACTED]`, `...`.
pub(super) fn is_placeholder(text: &str) -> bool {
    let is_filler =
        |character: char| matches!(character, '*' | 'x' | 'X' | '.' | '-' | '_' | '#' | '?' | '•' | '…');
    let in_brackets = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    text.chars().all(is_filler)
        || in_brackets.is_some_and(|inner| {
            inner.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, ' ' | '_' | '-' | ':'))
        })
        || shapes::is_masked(text)
}

/// Returns whether the text begins as a path, a URL, or a file that a tool reads the value from.
pub(super) fn begins_as_path(text: &str) -> bool {
    let bytes = text.as_bytes();
    match bytes {
        [b'\\' | b'.' | b'~', b'\\', ..] | [b'.' | b'~', b'/', ..] | [b'.', b'.', b'/' | b'\\', ..] => true,
        [drive, b':', b'\\' | b'/', ..] => drive.is_ascii_alphabetic(),
        [b'/', rest @ ..] => {
            let mut parts = rest.splitn(3, |byte| *byte == b'/');
            let (first, second) = (parts.next().unwrap_or_default(), parts.next());
            let is_plain = |part: &[u8]| {
                part.len() < 24
                    && part
                        .iter()
                        .all(|byte| is_word_byte(*byte) || matches!(byte, b'.' | b'-' | b'@' | b'*'))
            };
            !first.is_empty() && is_plain(first) && second.is_some_and(is_plain)
        }
        _ => {
            let scheme = bytes
                .iter()
                .take(16)
                .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-'))
                .count();
            scheme > 1
                && (text_at(text, scheme).starts_with("://")
                    || is_store(text.get(..scheme).unwrap_or_default(), text_at(text, scheme)))
        }
    }
}

/// `env:NAME`, `file:PATH`, `HKLM:\…`: where a tool finds the value.
fn is_store(name: &str, rest: &str) -> bool {
    (["env", "file", "fd"].iter().any(|store| name.eq_ignore_ascii_case(store)) && rest.starts_with(':'))
        || rest.starts_with(":\\")
}

/// Returns whether the text is a file's name.
fn is_file_name(text: &str) -> bool {
    let Some((stem, extension)) = text.rsplit_once('.') else { return false };
    let is_known = EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known));
    is_known
        && stem.bytes().all(|byte| {
            is_word_byte(byte)
                || matches!(byte, b'.' | b'-' | b'*' | b'/' | b'\\' | b' ' | b'$' | b'%' | b'{' | b'}' | b':')
        })
}

/// Returns whether an unquoted text is a piece of code that yields the value: a call, a cmdlet, a member of something.
fn is_code(text: &str) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.' | b':');
    let letters = text.bytes().take_while(is_letter).count();
    if letters > 0 && matches!(byte_at(text, letters), Some(b'(' | b'['))
        || text.starts_with(['[', '(', '@', '{'])
    {
        return true;
    }
    if let Some((verb, noun)) = text.split_once('-') {
        let is_noun = noun.len() > 2 && noun.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_noun
            && VERBS.iter().any(|known| verb.eq_ignore_ascii_case(known))
            && noun.bytes().all(|byte| !byte.is_ascii_digit())
        {
            return true;
        }
    }
    if letters == text.len()
        && let Some((root, _)) = text.split_once('.')
    {
        let last = text.rsplit('.').next().unwrap_or_default();
        return ROOTS.iter().any(|known| root.eq_ignore_ascii_case(known))
            || super::names::is_secret_name(last);
    }
    false
}

/// Returns whether a value is a secret. `is_quoted` means that it had quotes of its own.
pub(super) fn is_secret(text: &str, is_quoted: bool) -> bool {
    if text.len() < MIN_SECRET || is_placeholder(text) {
        return false;
    }
    if text.len() > MAX_REFERENCE {
        return !shapes::is_masked(text);
    }
    let is_word = WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    !(is_word
        || is_variable(text)
        || begins_as_path(text)
        || is_file_name(text)
        || !is_quoted && is_code(text))
}

/// Returns whether the value is long enough and of such a mixture that it is a token, whatever it is called.
pub(super) fn is_long_and_mixed(text: &str) -> bool {
    text.len() >= 16 && is_mixed(text)
}

/// Letters and digits in one text.
pub(super) fn is_mixed(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit()) && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// A user's name and a password, as `user:password`; the name may be a variable with a colon of its own.
pub(super) fn credentials(text: &str) -> (&str, Option<&str>) {
    let mut at = 0;
    while at < text.len() {
        let rest = text_at(text, at);
        if rest.starts_with(':') {
            return (text.get(..at).unwrap_or_default(), Some(text_at(text, at + 1)));
        }
        let step = rest.chars().next().map_or(1, char::len_utf8);
        at += variable_length(rest).max(step);
    }
    (text, None)
}

/// Returns whether a name without a password is a token all the same: long, of one piece, letters and digits.
pub(super) fn is_token_like(text: &str) -> bool {
    text.len() >= 20
        && is_mixed(text)
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// A value that begins at an offset, without its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value<'a> {
    pub(super) start: usize,
    pub(super) text: &'a str,
    pub(super) is_quoted: bool,
    /// The offset at which reading may go on.
    pub(super) after: usize,
}

/// The value that begins at `at`, after its separator: in quotes up to the closing one, or up to where a shell, a URL,
/// a list or a tag ends it. `None` if there is no value.
pub(super) fn value_at(text: &str, at: usize) -> Option<Value<'_>> {
    let mut start = at;
    let rest = text_at(text, at);
    // `f"…"`, `b'…'`, `$"…"`, `N'…'`, and the escapes before a quote within quotes.
    let prefix = match rest.as_bytes() {
        [
            b'f' | b'F' | b'b' | b'B' | b'r' | b'R' | b'u' | b'U' | b'N' | b'L' | b'$' | b'@',
            b'"' | b'\'',
            ..,
        ] => 1,
        _ => rest.bytes().take(8).take_while(|byte| matches!(byte, b'\\' | b'`' | b'^')).count(),
    };
    if let Some(quote) = byte_at(text, at + prefix).filter(|byte| matches!(byte, b'"' | b'\'')) {
        let run = text_at(text, at + prefix).bytes().take(4).take_while(|byte| *byte == quote).count();
        start = at + prefix + run;
        let next = text_at(text, start).chars().next()?;
        if run == 2 && next == '.'
            || next.is_whitespace()
            || matches!(next, ',' | ';' | ')' | ']' | '}' | '+' | '&' | '|' | '>')
        {
            return None;
        }
        if let Some(end) = closing_quote(
            text,
            start,
            quote,
            prefix > 0 && matches!(byte_at(text, at), Some(b'\\' | b'`' | b'^')),
        ) {
            let inner = text.get(start..end)?.trim_end_matches(['\\', '^', '`']);
            return Some(Value { start, text: inner, is_quoted: true, after: end });
        }
    }
    let length = unquoted_length(text_at(text, start));
    let inner = text.get(start..start + length)?;
    let inner = inner.trim_end_matches(['\\', '^', '`', ',']);
    (!inner.is_empty()).then_some(Value { start, text: inner, is_quoted: false, after: start + length })
}

/// The offset of the quote that closes the one opened before `start`.
fn closing_quote(text: &str, start: usize, quote: u8, is_escaped: bool) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut from = start;
    loop {
        let found = memchr::memchr(quote, bytes.get(from..)?);
        steps::count(found.unwrap_or(bytes.len() - from));
        let at = from + found?;
        let next = bytes.get(at + 1).copied();
        let before = at.checked_sub(1).and_then(|at| bytes.get(at)).copied();
        // A quote within quotes: `\"` that a letter follows.
        let is_inner =
            !is_escaped && before == Some(b'\\') && next.is_some_and(|next| next.is_ascii_alphanumeric());
        if !is_inner {
            return Some(at);
        }
        from = at + 1;
    }
}

/// The length of a value without quotes.
fn unquoted_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut open = 0_usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at).copied() {
        steps::count(1);
        let next = bytes.get(at + 1).copied();
        match byte {
            b'"' | b'\'' | b';' | b'|' | b'&' | b'<' | b'>' => break,
            b'$' | b'%' | b'{' | b'`' | b'!' | b'#' => {
                let variable = variable_length(text_at(text, at));
                if variable > 0 {
                    at += variable;
                    continue;
                }
                match byte {
                    b'`' => break,
                    b'{' => open += 1,
                    _ => {}
                }
            }
            b'(' | b'[' => open += 1,
            b')' | b']' | b'}' => match open.checked_sub(1) {
                Some(left) => open = left,
                None => break,
            },
            b',' if next.is_none_or(|next| {
                next.is_ascii_whitespace() || matches!(next, b'"' | b'\'' | b'{' | b'[' | b'$')
            }) || begins_member(text_at(text, at + 1)) =>
            {
                break;
            }
            b'\\'
                if matches!(next, Some(b'n' | b'r'))
                    && (bytes.get(at + 2).is_none_or(|byte| matches!(byte, b'"' | b'\'' | b'\\'))
                        || begins_member(text_at(text, at + 2))) =>
            {
                break;
            }
            b'\\' if matches!(next, Some(b'"' | b'\'')) => break,
            byte if byte.is_ascii_whitespace() => break,
            byte if byte >= 0x80 => {
                let character = text_at(text, at).chars().next().unwrap_or(' ');
                if character.is_whitespace() {
                    break;
                }
                at += character.len_utf8();
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    at.min(text.len())
}

/// Returns whether a text begins with another member of a list: `name=` or `name:`.
fn begins_member(text: &str) -> bool {
    let name = text.bytes().take(32).take_while(|byte| is_word_byte(*byte) || *byte == b'-').count();
    name > 1 && matches!(byte_at(text, name), Some(b'=' | b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_told_from_secrets() {
        for text in [
            "$x",
            "$env:TOKEN",
            "${x}",
            "${{ secrets.X }}",
            "$(cat f | base64)",
            "$x.y",
            "$x['y']",
            "$c.Get().P",
            "%X%",
            "%1",
            "%~1",
            "%ProgramFiles(x86)%",
            "%%i",
            "!X!",
            "{{ x }}",
            "{token}",
            "<token>",
            "#{Password}",
            "`cat f`",
            "$a$b",
            "$($x.y)",
            "$using:pw",
        ] {
            assert!(is_variable(text), "{text}");
        }
        for text in ["", "Pa$$w0rd", "$", "%", "100%", "!", "a$x", "$env:U:hunter2", "hunter2", "<>", "{a b}"]
        {
            assert!(!is_variable(text), "{text}");
        }
    }

    #[test]
    fn references_are_told_from_secrets() {
        for (text, is_quoted) in [
            ("C:\\x\\token.txt", false),
            ("\\\\srv\\s\\pw", true),
            ("./pw", false),
            ("~/pw", false),
            ("/etc/passwd", false),
            ("token.txt", false),
            ("my passwords.docx", true),
            ("Get-Content", false),
            ("getpass()", false),
            ("os.environ[", false),
            ("[Environment]::Get", false),
            ("args.token", false),
            ("config.password", false),
            ("https://vault/x", true),
            ("env:VAR", false),
            ("file:C", false),
            ("true", false),
            ("Required", true),
            ("xxxx", true),
            ("[REDACTED]", true),
            ("****", true),
            ("abc", true),
            ("HKLM:\\x", false),
        ] {
            assert!(!is_secret(text, is_quoted), "{text}");
        }
        for text in [
            "abcd",
            "Hunter2!Summer",
            "abc/def1234567890123",
            "/abc+DEF/ghi0123456789012345678901==",
            "a.b",
            "Summer.2026",
        ] {
            assert!(is_secret(text, false) || text.len() < MIN_SECRET, "{text}");
        }
    }

    #[test]
    fn values_end_where_their_writer_ended_them() {
        for (text, expected) in [
            ("abc def", Some("abc")),
            ("\"a b\" c", Some("a b")),
            ("'a b' c", Some("a b")),
            ("\\\"a b\\\" c", Some("a b")),
            ("\"a\\\"b\" c", Some("a\\\"b")),
            ("\"\"a b\"\" c", Some("a b")),
            ("b\"ab\" c", Some("ab")),
            ("abc;def", Some("abc")),
            ("abc&x=1", Some("abc")),
            ("a,b c", Some("a,b")),
            ("abc, d", Some("abc")),
            ("abc,host=x", Some("abc")),
            ("abc)", Some("abc")),
            ("a(b)c", Some("a(b)c")),
            ("$(a b)c d", Some("$(a b)c")),
            ("abc</p>", Some("abc")),
            ("abc\\nhost=x", Some("abc")),
            ("dom\\name", Some("dom\\name")),
            ("\" + $x", None),
            ("\"", None),
            ("", None),
            (" x", None),
            ("\"abc def", Some("abc")),
        ] {
            assert_eq!(value_at(text, 0).map(|value| value.text), expected, "{text}");
        }
    }

    #[test]
    fn credentials_are_split_at_their_colon() {
        for (text, expected) in [
            ("u:p", ("u", Some("p"))),
            ("u", ("u", None)),
            (":p", ("", Some("p"))),
            ("$env:U:p:q", ("$env:U", Some("p:q"))),
            ("${{ a:b }}:p", ("${{ a:b }}", Some("p"))),
        ] {
            assert_eq!(credentials(text), expected);
        }
    }
}
