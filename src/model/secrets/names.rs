//! Secrets that are identified by their name: `password=…`, `--client-secret …`, `"X-Api-Key": "…"`, `setx TOKEN …`.
//! Any value of four bytes or more is one, unless it is a variable, path or piece of code.
//!
//! Each name is read once, and each value once: after a taken value, reading goes on from its end. A refused value is
//! refused by its first bytes.

use std::sync::LazyLock;

use regex::Regex;

use super::value::{
    self, MAX_REFERENCE, Value, begins_as_path, credentials, is_long_and_mixed, is_placeholder, is_secret,
    is_token_like, is_variable, value_at, variable_length,
};
use super::{Finding, compile, steps, text_at};

/// The maximum bytes of a name to either side of its keyword.
const MAX_NAME: usize = 64;
/// Signs between a name and its value.
const MAX_SIGNS: usize = 12;
/// Blanks between a name and its value.
const MAX_BLANKS: usize = 16;
/// The maximum bytes after a name in which an option may give its value.
const MAX_OPTIONS: usize = 160;

/// Words in a secret's name.
pub(super) static KEYWORDS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compile(
        r"(?i-u:pass|pwd|pword|psw|token|secret|key|auth|cookie|cred|bearer|jwt|sess(?:ion)?id|(?:\b|_)(?:pat|sas|otp|sig|ntlm|rc4|aes128|aes256|signature)\b)",
    )
});

/// The kind of value that a name announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It is a secret.
    Secret,
    /// It is one if it looks like a token.
    Token,
    /// `user:password`.
    Credentials,
    /// A scheme and its credential.
    Authorization,
    /// `name=value; name=value`.
    Cookie,
    /// A command that prints the secret: `GIT_ASKPASS=echo …`.
    Command,
    /// A hash or key in hexadecimal digits.
    Hash,
}

/// The endings of secrets' names, without signs and case.
const SECRET_ENDINGS: &[&str] = &[
    "password",
    "passwd",
    "passwort",
    "passphrase",
    "passcode",
    "passw",
    "pswd",
    "pword",
    "psw",
    "pwd",
    "token",
    "secret",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "accountkey",
    "sharedkey",
    "authkey",
    "subscriptionkey",
    "functionkey",
    "functionskey",
    "masterkey",
    "encryptionkey",
    "signingkey",
    "storagekey",
    "sharedaccesskey",
    "servicekey",
    "appkey",
    "applicationkey",
    "clientkey",
    "consumerkey",
    "deploykey",
    "integrationkey",
    "admintoken",
    "sharedaccesssignature",
    "bearer",
    "jwt",
    "keypass",
    "storepass",
    "userpass",
    "dbpass",
    "rootpass",
    "adminpass",
    "ftppass",
    "smtppass",
    "mailpass",
    "proxypass",
    "loginpass",
    "sqlpass",
    "redispass",
    "mypass",
    "httppass",
    "sudopass",
    "oauth2bearer",
    "sessiontoken",
    "securitytoken",
    "tokenvalue",
    "secretstring",
];

/// Endings of names that mean a token only where the value looks like one.
const TOKEN_ENDINGS: &[&str] = &["key", "pat", "sas", "sessionid", "sessid", "otp", "signature"];

/// Names with the ending of a secret's name that name something else.
const PUBLIC: &[&str] = &[
    "publickeytoken",
    "cancellationtoken",
    "continuationtoken",
    "publickey",
    "primarykey",
    "foreignkey",
    "registrykey",
    "hotkey",
    "monkey",
    "turkey",
    "hockey",
    "jockey",
    "whiskey",
    "donkey",
    "keykey",
    "sortkey",
    "partitionkey",
    "rowkey",
    "cachekey",
    "objectkey",
    "hostkey",
    "knownhostkey",
    "subkey",
    "regkey",
    "virtualkey",
    "presskey",
    "sendkey",
    "readkey",
    "withtoken",
    "nextpagetoken",
    "terminalsessionid",
    "logonsessionid",
];

/// First words of options that ask for a secret, or are about one, and take no value of it.
const SWITCHES: &[&str] = &[
    "no", "with", "without", "ask", "askfor", "show", "skip", "disable", "enable", "use", "prompt", "reset",
    "force", "is", "has", "require", "allow", "print", "list", "get", "generate", "save", "store", "keep",
    "hide", "read", "include",
];

/// Words after which a name and its value follow without a sign: `setx TOKEN value`, `git config github.token value`.
const SETTERS: &[&str] = &[
    "setx",
    "setx.exe",
    "set",
    "add",
    "put",
    "config",
    "--global",
    "--local",
    "--system",
    "--user",
    "/m",
    "-g",
    "-m",
    "ngrok",
    "ngrok.exe",
    "--add",
    "--replace-all",
];

/// Options that give the value of the name before them.
const VALUE_OPTIONS: &[&str] =
    &["/d", "-value", "--value", "--body", "-v", "--secret-string", "--plaintext", "-string", "--data", "-b"];

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// A name without signs and case, its suffix and its number taken off.
fn normal(name: &str) -> String {
    let mut normal: String = name
        .bytes()
        .filter(u8::is_ascii_alphanumeric)
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect();
    normal.truncate(normal.trim_end_matches(|c: char| c.is_ascii_digit()).len());
    for ending in ["plaintext", "base64", "value", "text", "plain", "raw"] {
        if let Some(shorter) = normal.strip_suffix(ending).filter(|shorter| shorter.len() > 2) {
            normal.truncate(shorter.len());
        }
    }
    normal
}

/// Returns whether this is the last word of a name: it is all of it, or a sign or a change of case sets it off.
fn ends_in_word(name: &str, word: &str) -> bool {
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let Some(at) = name.len().checked_sub(word.len()) else { return false };
    let (Some(before), Some(last)) = (name.get(..at), name.get(at..)) else { return false };
    let previous = before.bytes().last();
    last.eq_ignore_ascii_case(word)
        && previous.is_none_or(|byte| {
            !byte.is_ascii_alphabetic()
                || byte.is_ascii_lowercase() && last.as_bytes().first().is_some_and(u8::is_ascii_uppercase)
        })
}

fn classify(name: &str) -> Option<Kind> {
    let plain = normal(name);
    let ends = |endings: &[&str]| endings.iter().any(|ending| plain.ends_with(ending));
    if plain.is_empty() || ends(PUBLIC) {
        return None;
    }
    if plain.ends_with("authorization") || plain.ends_with("authorisation") {
        return Some(Kind::Authorization);
    }
    if plain.ends_with("askpass") {
        return Some(Kind::Command);
    }
    if ends(SECRET_ENDINGS) || ends_in_word(name, "pass") {
        return Some(Kind::Secret);
    }
    if plain.ends_with("cookie") {
        return Some(Kind::Cookie);
    }
    if ends(&["credential", "credentials", "creds", "userpwd"])
        || ends_in_word(name, "auth")
        || ends_in_word(name, "cred")
    {
        return Some(Kind::Credentials);
    }
    if matches!(plain.as_str(), "ntlm" | "rc" | "aes")
        && ["ntlm", "rc4", "aes128", "aes256"]
            .iter()
            .any(|hash| name.trim_start_matches('-').eq_ignore_ascii_case(hash))
    {
        return Some(Kind::Hash);
    }
    if plain.ends_with("key")
        || TOKEN_ENDINGS.iter().any(|ending| ends_in_word(name, ending))
        || ends_in_word(name, "sig")
    {
        return Some(Kind::Token);
    }
    None
}

/// Returns whether a name is one of a secret, whatever its value looks like.
pub(super) fn is_secret_name(name: &str) -> bool {
    classify(name) == Some(Kind::Secret)
}

/// A name that was found in a text.
struct Named<'a> {
    text: &'a str,
    /// Without the dashes of an option.
    name: &'a str,
    /// Its offset, dashes included.
    start: usize,
    end: usize,
    kind: Kind,
    /// `--name`, `-Name`, `/name`.
    is_option: bool,
}

/// Finds secrets by their names.
pub(super) fn find(text: &str, findings: &mut Vec<Finding>) {
    let Some(keywords) = KEYWORDS.as_ref() else { return };
    let mut from = 0;
    while let Some(hit) = keywords.find_at(text, from) {
        let named = named_at(text, hit.start(), hit.end());
        from = named.1;
        if let Some(named) = named.0
            && let Some(end) = find_value(&named, findings)
        {
            from = from.max(end);
        }
        while !text.is_char_boundary(from) {
            from += 1;
        }
    }
}

/// The name around a keyword, and where the next one may begin.
fn named_at(text: &str, from: usize, to: usize) -> (Option<Named<'_>>, usize) {
    let bytes = text.as_bytes();
    let before = bytes.get(from.saturating_sub(MAX_NAME)..from).unwrap_or_default();
    let start = from - before.iter().rev().take_while(|byte| is_name_byte(**byte)).count();
    let after = text_at(text, to)
        .bytes()
        .take(MAX_NAME)
        .take_while(|byte| is_name_byte(*byte) && *byte != b'.')
        .count();
    let end = to + after;
    let written = text.get(start..end).unwrap_or_default();
    let name = written.trim_start_matches(['-', '.']);
    // `https://x-access-token:…@host`: where a URL names a user, its own rule knows better.
    let is_user = text.get(..start).is_some_and(|before| before.ends_with("://"));
    let Some(kind) = classify(name).filter(|_| !is_user) else { return (None, end) };
    let previous = text.get(..start).and_then(|before| before.chars().next_back());
    let is_free = previous.is_none_or(|previous| {
        previous.is_whitespace() || matches!(previous, '"' | '\'' | '`' | '(' | '\\' | ',' | '>')
    });
    let is_option = if written.starts_with('-') {
        is_free
    } else {
        matches!(previous, Some('\u{2013}'..='\u{2015}'))
            || previous == Some('/') && {
                let earlier = text.get(..start - 1).and_then(|before| before.chars().next_back());
                earlier.is_none_or(|earlier| earlier.is_whitespace() || matches!(earlier, '"' | '\''))
            }
    };
    (Some(Named { text, name, start, end, kind, is_option }), end)
}

/// The offset of a name's value, and the sign that set it off from the name.
fn value_place(named: &Named<'_>) -> Option<(usize, Sign)> {
    let (text, bytes) = (named.text, named.text.as_bytes());
    let opening = named.start.checked_sub(1).and_then(|at| bytes.get(at)).copied();
    // The closing signs of the name: quotes and brackets.
    let closers = text_at(text, named.end)
        .bytes()
        .take(MAX_SIGNS)
        .take_while(|byte| matches!(byte, b'\\' | b'"' | b'\'' | b'`' | b'^' | b']' | b')' | b'}'))
        .count();
    let mut at = named.end + closers;
    let closed = bytes.get(named.end..at).unwrap_or_default();
    let has_quote = closed.iter().any(|byte| matches!(byte, b'"' | b'\''));
    let blanks = blanks_at(text, at);
    at += blanks;
    let rest = text_at(text, at);
    let (sign, length) = match rest.as_bytes() {
        [b'=', b'>' | b'=', ..] | [b':', b'=', ..] => (Sign::Equals, 2),
        [b'=', ..] => (Sign::Equals, 1),
        [b':', b':', ..] | [b':', b'/', b'/', ..] => return None,
        [b':', ..] => (Sign::Colon, 1),
        [b',', ..] if has_quote && (named.kind == Kind::Authorization || is_argument(named)) => {
            (Sign::Comma, 1)
        }
        [b'>', ..] if blanks == 0 && (opening == Some(b'<') || has_quote) => (Sign::Equals, 1),
        [b'(', b'"' | b'\'', ..] if blanks == 0 && closers == 0 && !is_getter(named.name) => {
            (Sign::Equals, 1)
        }
        [b'-', b'e' | b'n', b'q' | b'e', b' ', ..] if blanks > 0 => (Sign::Equals, 3),
        _ if has_quote && let Some(length) = value_attribute(rest) => (Sign::Equals, length),
        _ if blanks > 0
            && !rest.starts_with(['-', '/'])
            && (named.is_option && !is_switch(named.name) || is_set(named)) =>
        {
            (Sign::Blank, 0)
        }
        _ => return option_value_place(named, at),
    };
    at += length;
    at += blanks_at(text, at);
    // A quote that closes the one opened before the name leaves no value.
    let opened_before = !has_quote && matches!(opening, Some(b'"' | b'\''));
    if opened_before && bytes.get(at).copied() == opening {
        let next = bytes.get(at + 1).copied();
        if next.is_none_or(|next| {
            next.is_ascii_whitespace() || matches!(next, b',' | b';' | b')' | b']' | b'}' | b'+' | b'|')
        }) {
            return None;
        }
    }
    Some((at, sign))
}

/// The sign that sets a value off from its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Equals,
    Colon,
    Comma,
    Blank,
}

fn blanks_at(text: &str, at: usize) -> usize {
    text_at(text, at).bytes().take(MAX_BLANKS).take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// `"TOKEN" value="…"` and `"name":"TOKEN","value":"…"`: how long it is to the value.
fn value_attribute(rest: &str) -> Option<usize> {
    let signs = rest
        .bytes()
        .take(MAX_SIGNS)
        .take_while(|byte| matches!(byte, b' ' | b',' | b'"' | b'\'' | b'\\'))
        .count();
    let behind = text_at(rest, signs);
    let word = behind.get(..5).filter(|word| word.eq_ignore_ascii_case("value"))?;
    let after = text_at(behind, word.len());
    let closers =
        after.bytes().take(MAX_SIGNS).take_while(|byte| matches!(byte, b' ' | b'"' | b'\'' | b'\\')).count();
    matches!(after.as_bytes().get(closers), Some(b'=' | b':')).then_some(signs + word.len() + closers + 1)
}

/// Returns whether the quoted name is the first of a call's arguments: `Add("X-Api-Key", "…")`.
fn is_argument(named: &Named<'_>) -> bool {
    let before = named.text.as_bytes().get(..named.start).unwrap_or_default();
    let mut signs = before.iter().rev().skip_while(|byte| matches!(byte, b'"' | b'\'' | b'\\' | b'`' | b' '));
    signs.next() == Some(&b'(')
        && signs.next().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// Returns whether a call of that name asks for a secret instead of containing it.
fn is_getter(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
    [
        "get", "read", "find", "load", "fetch", "lookup", "has", "is", "remove", "delete", "unset", "clear",
        "revoke", "from", "parse", "verify", "new",
    ]
    .iter()
    .any(|verb| last.starts_with(verb))
}

fn is_switch(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let first = lower.split(['-', '_']).next().unwrap_or_default();
    (SWITCHES.contains(&first) && first.len() < lower.len())
        || matches!(lower.as_str(), "nopassword" | "usetoken" | "nopass" | "askpass" | "withtoken")
}

/// The words before an offset, the nearest first.
fn words_before(text: &str, at: usize) -> impl Iterator<Item = &str> {
    let from = at.saturating_sub(MAX_OPTIONS);
    let near = (from..=at).find_map(|from| text.get(from..at)).unwrap_or_default();
    near.split_whitespace().rev().map(|word| word.trim_matches(['"', '\'', '`', '\\', '(', '&']))
}

/// The word before the one that contains a name.
fn word_before<'a>(named: &Named<'a>) -> impl Iterator<Item = &'a str> {
    let before = named.text.as_bytes().get(..named.start).unwrap_or_default();
    let near = before.get(before.len().saturating_sub(MAX_NAME)..).unwrap_or_default();
    let into_word = near
        .iter()
        .rev()
        .take_while(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\''))
        .count();
    words_before(named.text, before.len() - into_word)
}

/// Returns whether an option before a name marks it as one: `/v DefaultPassword`, `-Name token`, `env:TOKEN`.
fn is_named_by_option(named: &Named<'_>) -> bool {
    let before = named.text.get(..named.start).unwrap_or_default();
    before.get(before.len().saturating_sub(4)..).is_some_and(|last| last.eq_ignore_ascii_case("env:"))
        || word_before(named).next().is_some_and(|word| {
            ["/v", "-name", "--name", "-n", "set", "set-variable", "new-variable"]
                .iter()
                .any(|known| word.eq_ignore_ascii_case(known))
        })
}

/// Returns whether a command before a name sets it to the value that follows without a sign.
fn is_set(named: &Named<'_>) -> bool {
    let before = named.text.get(..named.start).unwrap_or_default();
    if before.get(before.len().saturating_sub(4)..).is_some_and(|last| last.eq_ignore_ascii_case("env:")) {
        return true;
    }
    // `//registry/:_authToken value`: the deciding word is before the word that the name ends.
    let mut words = word_before(named);
    let Some(previous) = words.next() else {
        return false;
    };
    let is_authtoken = named.name.to_ascii_lowercase().ends_with("authtoken")
        || named.name.eq_ignore_ascii_case("setapikey");
    if is_authtoken || SETTERS.iter().any(|setter| previous.eq_ignore_ascii_case(setter)) {
        return true;
    }
    // `login NAME password …`, `user NAME pass …`.
    let is_password = named.name.to_ascii_lowercase().starts_with("pass");
    is_password
        && words.next().is_some_and(|word| {
            ["login", "user", "username", "account"].iter().any(|known| word.eq_ignore_ascii_case(known))
        })
        && !words.next().is_some_and(|word| image_is(word, "net") || image_is(word, "net1"))
}

fn image_is(word: &str, name: &str) -> bool {
    let image = super::super::text::image_name(word);
    image.eq_ignore_ascii_case(name)
        || image.len() == name.len() + 4
            && image.get(..name.len()).is_some_and(|stem| stem.eq_ignore_ascii_case(name))
}

/// `-Name TOKEN -Value …`, `/v DefaultPassword /t REG_SZ /d …`: the offset of the value of a name that is a word.
fn option_value_place(named: &Named<'_>, at: usize) -> Option<(usize, Sign)> {
    if named.is_option || named.kind == Kind::Token || !is_named_by_option(named) {
        return None;
    }
    let rest = text_at(named.text, at);
    let mut end = rest.len().min(MAX_OPTIONS);
    while !rest.is_char_boundary(end) {
        end -= 1;
    }
    let near = rest.get(..end)?;
    let base = near.as_ptr() as usize;
    let mut words =
        near.split_whitespace().take(6).take_while(|word| !matches!(*word, "|" | "&" | "&&" | "||" | ";"));
    let option = words.find(|word| VALUE_OPTIONS.iter().any(|option| word.eq_ignore_ascii_case(option)))?;
    let behind = at + (option.as_ptr() as usize - base) + option.len();
    // A value that no option names is something else.
    let is_first = rest.trim_start().starts_with(['-', '/']);
    is_first.then(|| (behind + blanks_at(named.text, behind), Sign::Blank))
}

/// Finds the value of a name; after a taken value, reading goes on at the returned offset.
fn find_value(named: &Named<'_>, findings: &mut Vec<Finding>) -> Option<usize> {
    let (at, sign) = value_place(named)?;
    let rest = text_at(named.text, at);
    let opened = rest.trim_start_matches(['"', '\'', '\\', '`', '^']);
    if rest.starts_with('<')
        || sign == Sign::Blank && rest.starts_with(['-', '/', '|', ';', ')', '<', '>', '&', ',', '='])
        || begins_as_path(opened)
    {
        return None;
    }
    if named.kind == Kind::Authorization {
        return find_authorization(named, at, findings);
    }
    // `password = (…)`, `[string]"…"`: the text in the brackets is read for itself.
    let at = at + cast_length(rest);
    let value = value_at(named.text, at)?;
    let value = widened(named, value);
    let mut take = |start: usize, length: usize| {
        findings.push(Finding { range: start..start + length, kept: 0 });
        Some(value.after.max(start + length))
    };
    // A long value that is refused is not read again for the names in it: that would take quadratic time.
    let refused = (!value.is_quoted && value.text.len() > MAX_REFERENCE).then_some(value.after);
    let is_plain = || is_secret(value.text, value.is_quoted);
    match named.kind {
        Kind::Secret => {
            let is_member = ["id=", "src=", "source=", "env=", "type=", "target=", "name="]
                .iter()
                .any(|member| value.text.starts_with(member));
            let is_read = named.text.get(..named.start).is_some_and(|before| {
                let before = before.trim_end_matches(['"', ' ']);
                before.len() > 1
                    && before.get(before.len() - 2..).is_some_and(|last| last.eq_ignore_ascii_case("/p"))
            });
            if is_member || is_read || !is_plain() {
                return refused;
            }
            take(value.start, value.text.len())
        }
        Kind::Token => {
            let is_one = is_long_and_mixed(value.text)
                && is_plain()
                && !is_guid(value.text)
                && !value.text.contains(['\\', '|']);
            if is_one { take(value.start, value.text.len()) } else { refused }
        }
        Kind::Hash => {
            let digits = value.text.bytes().filter(u8::is_ascii_hexdigit).count();
            if digits >= 32 && digits + 1 >= value.text.len() {
                take(value.start, value.text.len())
            } else {
                refused
            }
        }
        Kind::Credentials => {
            let (user, password) = credentials(value.text);
            match password {
                Some(password)
                    if is_secret(password, true)
                        && is_plain()
                        && !value.text.contains("://")
                        && !user.starts_with('[') =>
                {
                    take(value.start + user.len() + 1, password.len())
                }
                None if is_token_like(value.text) && is_plain() => take(value.start, value.text.len()),
                _ => refused,
            }
        }
        Kind::Cookie => {
            if value.text.contains('=')
                && value.text.len() >= value::MIN_SECRET
                && !is_masked_cookie(value.text)
            {
                let end = cookies_end(named.text, &value);
                take(value.start, end - value.start)
            } else {
                refused
            }
        }
        Kind::Command => {
            let said = value.text.strip_prefix("echo").or_else(|| value.text.strip_prefix("ECHO"))?;
            let mut secret = said.trim_start_matches(['\\', ' ', '\t', '"', '\'']);
            let start = value.start + value.text.len() - secret.len();
            if secret.is_empty() {
                let next = value_at(named.text, value.after + blanks_at(named.text, value.after))?;
                secret = next.text;
                return if is_secret(secret, true) { take(next.start, secret.len()) } else { None };
            }
            if is_secret(secret, true) { take(start, secret.len()) } else { None }
        }
        Kind::Authorization => None,
    }
}

fn is_masked_cookie(text: &str) -> bool {
    text == super::MASK
}

/// `[string]`, `[securestring]`: a type before a value.
fn cast_length(text: &str) -> usize {
    let Some(inner) = text.strip_prefix('[') else { return 0 };
    let name =
        inner.bytes().take(MAX_NAME).take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'.').count();
    match inner.as_bytes().get(name..name + 2) {
        Some([b']', b'"' | b'\'' | b'(']) if name > 0 => name + 2,
        _ => 0,
    }
}

fn is_guid(text: &str) -> bool {
    let text = text.trim_matches(['{', '}']);
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| {
            if matches!(at, 8 | 13 | 18 | 23) { byte == b'-' } else { byte.is_ascii_hexdigit() }
        })
}

/// A value with blanks in it, where the quotes are around the name too: `"X-Api-Key: two words"`.
fn widened<'a>(named: &Named<'a>, value: Value<'a>) -> Value<'a> {
    let bytes = named.text.as_bytes();
    let opening = named.start.checked_sub(1).and_then(|at| bytes.get(at)).copied();
    let Some(quote) = opening.filter(|byte| !value.is_quoted && matches!(byte, b'"' | b'\'')) else {
        return value;
    };
    let near = bytes.get(value.start..(value.start + MAX_NAME).min(bytes.len())).unwrap_or_default();
    let Some(end) = near.iter().position(|byte| *byte == quote) else { return value };
    let Some(whole) = named.text.get(value.start..value.start + end) else { return value };
    let more = whole.get(value.text.len()..).unwrap_or_default();
    let is_one = more.starts_with(' ')
        && !more.contains(['=', ':', '/', '\\', '"', '\'', '|', '&', ';', '<', '>'])
        && !more.contains(" -");
    if !is_one || value.text.is_empty() {
        return value;
    }
    Value { text: whole, after: value.start + end, ..value }
}

/// The end of a cookie's pairs: each ends in `;` but the last.
fn cookies_end(text: &str, value: &Value<'_>) -> usize {
    let mut end = value.start + value.text.len();
    if value.is_quoted {
        return end;
    }
    loop {
        let rest = text_at(text, end);
        let Some(next) = rest.strip_prefix("; ") else { return end };
        let Some(pair) = value_at(text, end + 2).filter(|pair| pair.text.contains('=') && !next.is_empty())
        else {
            return end;
        };
        end = pair.start + pair.text.len();
    }
}

/// `Authorization: SCHEME VALUE`: the value, or all of it where there is no scheme.
fn find_authorization(named: &Named<'_>, at: usize, findings: &mut Vec<Finding>) -> Option<usize> {
    let text = named.text;
    let bytes = text.as_bytes();
    let rest = text_at(text, at);
    let prefix = rest.bytes().take(MAX_SIGNS).take_while(|byte| {
        matches!(byte, b'"' | b'\'' | b'\\' | b'`' | b'^' | b'@' | b'(' | b' ' | b'$' | b'f' | b'b')
    });
    // A letter before a quote belongs to the quote; any other one is the scheme's.
    let signs = prefix.count();
    let lead = rest.get(..signs)?;
    let opened = lead.rfind(['"', '\'']).map(|quote| quote + 1);
    let lead = match opened {
        Some(end) => end + blanks_at(rest, end),
        None => lead.bytes().take_while(|byte| matches!(byte, b'(' | b'@' | b' ')).count(),
    };
    let start = at + lead;
    let quote = match opened {
        Some(end) => bytes.get(at + end - 1).copied(),
        None => named
            .start
            .checked_sub(1)
            .and_then(|at| bytes.get(at))
            .copied()
            .filter(|byte| matches!(byte, b'"' | b'\'')),
    };
    let body = text_at(text, start);
    let scheme = body
        .bytes()
        .take(32)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        .count();
    let mut gap = blanks_at(body, scheme);
    // `'token ' + '…'`
    if let Some(joint) = joint_length(text_at(body, scheme + gap)).filter(|_| gap > 0) {
        gap += joint;
    }
    let has_scheme = scheme > 1 && gap > 0 && body.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    let from = if has_scheme { start + scheme + gap } else { start };
    let value = text_at(text, from);
    let closing = quote.and_then(|quote| memchr::memchr(quote, value.as_bytes()));
    steps::count(closing.unwrap_or(value.len()));
    let length = match closing {
        Some(end) => value.get(..end)?.trim_end_matches(['\\', '^', '`']).len(),
        None => list_length(value),
    };
    let secret = value.get(..length)?.trim_end();
    let variable = variable_length(secret);
    let is_code = quote.is_none() && !is_secret(secret, false);
    let is_none = secret.len() < value::MIN_SECRET
        || variable == secret.len()
        || is_variable(secret)
        || is_placeholder(secret)
        || is_code
        || !has_scheme && !is_secret(secret, quote.is_some())
        || secret.contains(super::MASK) && secret.split_whitespace().all(is_placeholder);
    if is_none {
        return None;
    }
    findings.push(Finding { range: from..from + secret.len(), kept: 0 });
    Some(from + secret.len())
}

/// The length from the quote that ends a scheme to the one that begins the text added to it.
fn joint_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    if !matches!(bytes.first(), Some(b'"' | b'\'')) {
        return None;
    }
    let plus = 1 + blanks_at(text, 1);
    if !matches!(bytes.get(plus), Some(b'+' | b'&' | b'.')) {
        return None;
    }
    let opening = plus + 1 + blanks_at(text, plus + 1);
    matches!(bytes.get(opening), Some(b'"' | b'\'')).then_some(opening + 1)
}

/// The length of a value without quotes that may go on after a comma: `Credential=…, Signature=…`.
fn list_length(text: &str) -> usize {
    let mut length = 0;
    loop {
        let Some(value) = value_at(text, length) else { return length };
        let end = value.start + value.text.len();
        if !(value.text.contains('=') && text_at(text, end).starts_with(", ")) {
            return end;
        }
        length = end + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_they_name() {
        assert!(KEYWORDS.is_some());
        for name in [
            "password",
            "PASSWD",
            "DB_PASSWORD",
            "dbPassword",
            "PGPASSWORD",
            "MYSQL_PWD",
            "pwd",
            "pass",
            "DB_PASS",
            "userPass",
            "keyPassword",
            "clientSecret",
            "client-secret",
            "X-Api-Key",
            "apikey",
            "AWS_SECRET_ACCESS_KEY",
            "accountKey",
            "authToken",
            "_authToken",
            "TOKEN_VALUE",
            "password1",
            "passphrase",
            "Ocp-Apim-Subscription-Key",
            "AZURE_CLIENT_SECRET",
            "cpassword",
            "x-functions-key",
            "bearer",
            "PasswordText",
        ] {
            assert_eq!(classify(name), Some(Kind::Secret), "{name}");
        }
        for name in [
            "PublicKeyToken",
            "CancellationToken",
            "bypass",
            "compass",
            "tokenizer",
            "PasswordNeverExpires",
            "passwords",
            "TokenType",
            "token_endpoint",
            "secretName",
            "keyboard",
            "author",
            "patch",
            "HKEY_LOCAL_MACHINE",
            "PublicKey",
            "passthru",
            "passwordreq",
            "sha256",
            "aes",
            "signal",
            "tokens",
            "password-stdin",
            "token-file",
        ] {
            assert_eq!(classify(name), None, "{name}");
        }
        for (name, kind) in [
            ("Authorization", Kind::Authorization),
            ("Proxy-Authorization", Kind::Authorization),
            ("Cookie", Kind::Cookie),
            ("Set-Cookie", Kind::Cookie),
            ("GIT_ASKPASS", Kind::Command),
            ("_auth", Kind::Credentials),
            ("GITHUB_PAT", Kind::Token),
            ("sig", Kind::Token),
            ("LICENSE_KEY", Kind::Token),
            ("ntlm", Kind::Hash),
        ] {
            assert_eq!(classify(name), Some(kind), "{name}");
        }
    }
}
