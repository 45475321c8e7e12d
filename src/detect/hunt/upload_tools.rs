//! The options and calls by which curl, wget, PowerShell and Python upload, not download.

use std::ops::Range;

use super::command_line::{Word, words};
use super::steps;
use crate::detect::clauses::find_ignoring_case;
use crate::detect::technique::API_WORDS;

/// curl's short options that take a value, in the same word or the next.
const CURL_WITH_VALUE: &str = "AbcCdDeEFhHKmoPQrtTuUwxXyYz";
/// curl's long options that send.
const CURL_SENDS: [&str; 9] = [
    "--data",
    "--data-ascii",
    "--data-binary",
    "--data-raw",
    "--data-urlencode",
    "--json",
    "--form",
    "--form-string",
    "--upload-file",
];
/// curl's long options that take the next word, as far as that can hold a URL that curl does not ask.
const CURL_LONG_WITH_VALUE: [&str; 26] = [
    "--connect-to",
    "--cookie",
    "--cookie-jar",
    "--data",
    "--data-ascii",
    "--data-binary",
    "--data-raw",
    "--data-urlencode",
    "--doh-url",
    "--form",
    "--form-string",
    "--header",
    "--json",
    "--oauth2-bearer",
    "--output",
    "--preproxy",
    "--proxy",
    "--proxy-header",
    "--referer",
    "--request",
    "--resolve",
    "--upload-file",
    "--url-query",
    "--user",
    "--user-agent",
    "--write-out",
];
/// wget's short options that take a value.
const WGET_WITH_VALUE: &str = "aABDeiIlOoPQRTtUwX";
/// wget's long options that take the next word, as far as that can hold a URL that wget does not ask.
const WGET_LONG_WITH_VALUE: [&str; 12] = [
    "--base",
    "--body-data",
    "--body-file",
    "--execute",
    "--header",
    "--method",
    "--output-document",
    "--output-file",
    "--post-data",
    "--post-file",
    "--referer",
    "--user-agent",
];
const WGET_SENDS: [&str; 4] = ["--post-file", "--post-data", "--body-file", "--body-data"];
/// Methods by which something is sent. DELETE carries nothing out.
const SENDING_METHODS: [&str; 3] = ["PUT", "POST", "PATCH"];
/// How PowerShell calls the web.
const POWERSHELL_CALLS: [&str; 6] =
    ["Invoke-WebRequest", "Invoke-RestMethod", "WebClient", "HttpClient", "WebRequest", "Start-BitsTransfer"];
/// Its short names, which must be words of their own.
const POWERSHELL_ALIASES: [&str; 4] = ["iwr", "irm", "curl", "wget"];
/// Parameters and methods with which such a call sends.
const POWERSHELL_SENDS: [&str; 12] = [
    "UploadString",
    "UploadData",
    "UploadFile",
    "UploadValues",
    "PostAsync",
    "PutAsync",
    "PatchAsync",
    "-Body ",
    "-InFile ",
    "-Form ",
    "TransferType Upload",
    "git/blobs",
];
const PYTHON_SENDS: [&str; 9] = [
    ".post(",
    ".put(",
    ".patch(",
    "method='PATCH'",
    "method=\"PATCH\"",
    "data=",
    "json=",
    "files=",
    "git/blobs",
];

/// Returns the range in curl's command line that makes it send.
#[must_use]
pub fn curl_sends(line: &str) -> Option<Range<usize>> {
    let mut sends: Option<Range<usize>> = None;
    let mut rest = words(line).skip(1).peekable();
    while let Some(word) = rest.next() {
        let text = &*word.text;
        if text.starts_with("--") {
            if text == "--get" {
                return None;
            }
            let is_method = text == "--request" && rest.peek().is_some_and(is_sending_method);
            if is_method || CURL_SENDS.contains(&text) {
                sends.get_or_insert(word.range.clone());
            }
            continue;
        }
        let Some(letters) = text.strip_prefix('-') else { continue };
        for (at, letter) in letters.char_indices() {
            if letter == 'G' {
                return None;
            }
            if !CURL_WITH_VALUE.contains(letter) {
                continue;
            }
            let value = letters.get(at + letter.len_utf8()..).unwrap_or("");
            let next = if value.is_empty() { rest.next() } else { None };
            let is_sending = match letter {
                'd' | 'F' | 'T' => true,
                'X' => next.as_ref().map_or_else(|| is_method(value), is_sending_method),
                _ => false,
            };
            if is_sending {
                sends.get_or_insert(word.range.clone());
            }
            break;
        }
    }
    sends
}

/// The words of curl's command line that it takes for URLs.
pub fn curl_urls(line: &str) -> impl Iterator<Item = Word<'_>> {
    urls(line, CURL_WITH_VALUE, &CURL_LONG_WITH_VALUE)
}

/// The words of wget's command line that it takes for URLs.
pub fn wget_urls(line: &str) -> impl Iterator<Item = Word<'_>> {
    urls(line, WGET_WITH_VALUE, &WGET_LONG_WITH_VALUE)
}

/// The words that are neither an option nor the value of one that takes a value.
fn urls<'a>(
    line: &'a str,
    short: &'static str,
    long: &'static [&'static str],
) -> impl Iterator<Item = Word<'a>> {
    let mut rest = words(line).skip(1);
    std::iter::from_fn(move || {
        loop {
            let word = rest.next()?;
            let Some(option) = word.text.strip_prefix('-').filter(|option| !option.is_empty()) else {
                return Some(word);
            };
            if word.text == "--url" {
                return rest.next();
            }
            let takes_next = if option.starts_with('-') {
                long.contains(&&*word.text)
            } else {
                option.find(|letter| short.contains(letter)).is_some_and(|at| at + 1 == option.len())
            };
            if takes_next {
                rest.next();
            }
        }
    })
}

/// Returns the range in wget's command line that makes it send.
#[must_use]
pub fn wget_sends(line: &str) -> Option<Range<usize>> {
    let mut rest = words(line).skip(1).peekable();
    while let Some(word) = rest.next() {
        let (name, value) = word.text.split_once('=').unwrap_or((&word.text, ""));
        let is_method_option = name == "--method";
        if WGET_SENDS.contains(&name)
            || (is_method_option && (is_method(value) || rest.peek().is_some_and(is_sending_method)))
        {
            return Some(word.range.clone());
        }
    }
    None
}

fn is_sending_method(word: &Word<'_>) -> bool {
    is_method(&word.text)
}

/// Whether a text begins with a method as a word of its own. It looks at no more than the longest method and the
/// character after it, however long the word is.
fn begins_with_method(text: &str) -> bool {
    SENDING_METHODS.iter().any(|method| {
        steps::count(method.len() + 1);
        text.get(..method.len()).is_some_and(|head| head.eq_ignore_ascii_case(method))
            && !text.as_bytes().get(method.len()).is_some_and(u8::is_ascii_alphabetic)
    })
}

fn is_method(text: &str) -> bool {
    SENDING_METHODS.iter().any(|method| method.eq_ignore_ascii_case(text))
}

/// A script's call of the web.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptCall {
    /// The range of the call, in bytes.
    pub call: Range<usize>,
    /// The range that makes it send; `None` for a call that only reads, as far as can be seen.
    pub sends: Option<Range<usize>>,
}

/// The call of the web in PowerShell's text.
#[must_use]
pub fn powershell_call(text: &str) -> Option<ScriptCall> {
    let call = POWERSHELL_CALLS
        .iter()
        .find_map(|call| find_ignoring_case(text, call))
        .or_else(|| POWERSHELL_ALIASES.iter().find_map(|alias| find_word(text, alias)))?;
    let sends = POWERSHELL_SENDS
        .iter()
        .find_map(|word| find_ignoring_case(text, word))
        .or_else(|| sending_method_parameter(text));
    Some(ScriptCall { call, sends })
}

/// `-Method Patch`, the parameter's name in any prefix that PowerShell takes; `Method = 'Patch'`, `HttpMethod]::Patch`.
fn sending_method_parameter(text: &str) -> Option<Range<usize>> {
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| find_ignoring_case(rest, "method")) {
        let end = from + found.end;
        let rest = text.get(end..)?;
        let value = rest.trim_start_matches([' ', '=', ':', '\'', '"', ']']);
        steps::count(found.end + rest.len() - value.len());
        if begins_with_method(value) {
            return Some(from + found.start..end);
        }
        from = end;
    }
    words(text).zip(words(text).skip(1)).find_map(|(name, value)| {
        let lowered = name.text.to_ascii_lowercase();
        let is_name = lowered.len() >= 3 && "-method".starts_with(&lowered);
        let value = value.text.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        (is_name && is_method(value)).then_some(name.range)
    })
}

/// Returns the range in Python's command line that makes it send.
#[must_use]
pub fn python_sends(line: &str) -> Option<Range<usize>> {
    PYTHON_SENDS.iter().find_map(|word| find_ignoring_case(line, word))
}

/// Finds an upload word of the search's own list.
#[must_use]
pub fn upload_word(line: &str) -> Option<Range<usize>> {
    API_WORDS.iter().find_map(|word| find_ignoring_case(line, word))
}

/// Finds a word with borders around it, without case.
fn find_word(text: &str, word: &str) -> Option<Range<usize>> {
    let mut from = 0;
    while let Some(found) = find_ignoring_case(text.get(from..)?, word) {
        let range = from + found.start..from + found.end;
        steps::count(found.end);
        let borders =
            |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '-' | '_' | '.' | '\\'));
        let before = text.get(..range.start)?.chars().next_back();
        let after = text.get(range.end..)?.chars().next();
        if borders(before) && borders(after) {
            return Some(range);
        }
        from = range.end;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curl_sends_by_its_options() {
        for (line, expected) in [
            ("curl.exe -d @x https://h", Some("-d")),
            ("curl -sS -d@x https://h", Some("-d@x")),
            ("curl -sXPATCH https://h", Some("-sXPATCH")),
            ("curl -X patch https://h", Some("-X")),
            ("curl --request PUT https://h", Some("--request")),
            ("curl -F file=@x https://h", Some("-F")),
            ("curl -T x.zip https://h", Some("-T")),
            ("curl --json {} https://h", Some("--json")),
            ("curl --data-binary @x https://h", Some("--data-binary")),
            ("curl -o -d https://h", None),
            ("curl -H \"X: -d\" https://h", None),
            ("curl -Gd q=1 https://h", None),
            ("curl --get -d q=1 https://h", None),
            ("curl -X DELETE https://h", None),
            ("curl --output d https://h", None),
            ("curl -fsSL https://h", None),
            ("curl --dump-header - https://h", None),
        ] {
            assert_eq!(curl_sends(line).map(|range| &line[range]), expected, "{line}");
        }
    }

    #[test]
    fn wget_sends_by_post_body_and_method() {
        for (line, expected) in [
            ("wget --post-file=x https://h", true),
            ("wget --post-data x https://h", true),
            ("wget --method=PUT --body-file=x https://h", true),
            ("wget --method PATCH https://h", true),
            ("wget --method=DELETE https://h", false),
            ("wget -O post-file https://h", false),
        ] {
            assert_eq!(wget_sends(line).is_some(), expected, "{line}");
        }
    }

    #[test]
    fn sending_scripts_are_recognised() {
        for (text, call, sends) in [
            ("irm https://h | iex", true, false),
            ("iwr https://h -Method Patch -InFile x", true, true),
            ("(New-Object Net.WebClient).UploadString('https://h', $x)", true, true),
            ("$c = [Net.Http.HttpClient]::new(); $c.PutAsync($u, $b)", true, true),
            ("Invoke-RestMethod https://h -Me put -Bo $b", true, true),
            ("Invoke-WebRequest https://h -OutFile x", true, false),
            ("$p = @{ Method = 'Patch' }; irm https://h @p", true, true),
            ("$p = @{ Method = 'Get' }; irm https://h @p", true, false),
            (
                "$r = [Net.Http.HttpRequestMessage]::new([Net.Http.HttpMethod]::Patch, $u); $h=[HttpClient]::new()",
                true,
                true,
            ),
            ("firmware.exe https://h", false, false),
            ("Get-ChildItem C:\\irm.txt", false, false),
        ] {
            let found = powershell_call(text);
            assert_eq!(found.is_some(), call, "{text}");
            assert_eq!(found.is_some_and(|call| call.sends.is_some()), sends, "{text}");
        }
    }
}
