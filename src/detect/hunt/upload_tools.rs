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
    let mut rest = words(line).skip(1);
    // Of one transfer: after `--next` all begins again.
    let (mut sends, mut is_get) = (None::<Range<usize>>, false);
    while let Some(word) = rest.next() {
        let text = &*word.text;
        if text == "--next" || text == "-:" {
            if sends.is_some() && !is_get {
                return sends;
            }
            (sends, is_get) = (None, false);
        } else if text.starts_with("--") {
            let (name, value) =
                text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
            is_get |= name == "--get";
            let is_sending = CURL_SENDS.contains(&name);
            let value = match value {
                Some(value) => Some(std::borrow::Cow::Borrowed(value)),
                None if CURL_LONG_WITH_VALUE.contains(&name) => rest.next().map(|next| next.text),
                None => None,
            };
            if is_sending || name == "--request" && value.is_some_and(|value| is_method(&value)) {
                sends.get_or_insert(word.range.clone());
            }
        } else if let Some(letters) = text.strip_prefix('-') {
            for (at, letter) in letters.char_indices() {
                is_get |= letter == 'G';
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
    }
    sends.filter(|_| !is_get)
}

/// Returns whether curl reads further options from a file.
#[must_use]
pub fn curl_has_config(line: &str) -> bool {
    words(line).skip(1).any(|word| {
        word.text.starts_with("--config")
            || word
                .text
                .strip_prefix('-')
                .is_some_and(|letters| !letters.starts_with('-') && letters.contains('K'))
    })
}

/// Returns whether wget is given lines of its own configuration, or a file of them.
#[must_use]
pub fn wget_has_commands(line: &str) -> bool {
    words(line).skip(1).any(|word| {
        word.text.starts_with("--execute")
            || word.text.starts_with("--config")
            || word
                .text
                .strip_prefix('-')
                .is_some_and(|letters| !letters.starts_with('-') && letters.contains('e'))
    })
}

/// Returns whether a text sends GraphQL that it shows, and that is a query: all of GraphQL is sent, but only a mutation
/// changes something.
#[must_use]
pub fn only_queries(text: &str) -> bool {
    let says = |word| find_ignoring_case(text, word).is_some();
    says("/graphql") && says("query") && !says("mutation")
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
        .or_else(|| sending_method_parameter(text))
        .or_else(|| sending_parameter(text));
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
    script_words(text).zip(script_words(text).skip(1)).find_map(|((range, name), (_, value))| {
        (is_parameter(name, "-method", 3) && is_method(value)).then_some(range)
    })
}

/// The words of a script: the runs between blanks, quotes and the signs that PowerShell puts between a parameter and its
/// value, each with its range.
pub(super) fn script_words(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let is_border = |c: char| c.is_whitespace() || "\"'`;(){}[]=:,|".contains(c);
    let mut from = 0;
    std::iter::from_fn(move || {
        let rest = text.get(from..)?;
        let start = from + rest.find(|c| !is_border(c))?;
        let rest = text.get(start..)?;
        let end = start + rest.find(is_border).unwrap_or(rest.len());
        steps::count(end - from);
        from = end;
        Some((start..end, text.get(start..end)?))
    })
}

/// Whether a word is a parameter of PowerShell: its name, or a beginning of it that is long enough to be no other's.
pub(super) fn is_parameter(word: &str, name: &str, shortest: usize) -> bool {
    word.len() >= shortest && name.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
}

/// A parameter that gives a call something to send, shortened: `-Bo`, `-InFi`, `-For`. In full it is in
/// [`POWERSHELL_SENDS`].
fn sending_parameter(text: &str) -> Option<Range<usize>> {
    const PARAMETERS: [(&str, usize); 3] = [("-body", 3), ("-infile", 5), ("-form", 4)];
    let is_one = |word: &str| PARAMETERS.iter().any(|(name, shortest)| is_parameter(word, name, *shortest));
    script_words(text).find_map(|(range, word)| is_one(word).then_some(range))
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
