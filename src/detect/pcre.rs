//! Constructs of PCRE, Splunk's regular expressions, that none of linear time has. Pasted from a search, each gets a
//! sentence that says how to say it otherwise. Some of it, such as `a++`, would otherwise be taken for something else.

use super::pattern::PatternError;

/// Finds the first construct of PCRE alone in a pattern.
pub(super) fn fault(pattern: &str) -> Option<PatternError> {
    let characters: Vec<char> = pattern.chars().collect();
    let mut at = 0;
    let mut after_class_start = false;
    let mut class_depth = 0_usize;
    while let Some(c) = characters.get(at).copied() {
        let rest = characters.get(at..).unwrap_or_default();
        let error = |message: &str| Some(PatternError { column: Some(at), message: message.to_owned() });
        if c == '\\' {
            if let Some(message) = escape(rest, class_depth > 0) {
                return error(&message);
            }
            at += 2;
            after_class_start = false;
            continue;
        }
        if class_depth > 0 {
            match c {
                '[' => class_depth += 1,
                // Right after its `[` or `[^` a `]` is a character.
                ']' if !after_class_start => class_depth -= 1,
                _ => {}
            }
            after_class_start = c == '[' || (after_class_start && c == '^');
        } else if c == '[' {
            class_depth = 1;
            after_class_start = true;
        } else if c == '(' {
            if let Some(message) = group(rest) {
                return error(&message);
            }
        } else if let Some(length) = quantifier(rest)
            && rest.get(length) == Some(&'+')
        {
            return Some(PatternError {
                column: Some(at + length),
                message: "possessive quantifiers, `*+`, `++`, `?+` and `{…}+`, are not supported: leave the `+` out; \
                    the match is the same where what follows can't begin with what is repeated"
                    .to_owned(),
            });
        }
        at += 1;
    }
    None
}

/// How long a quantifier is that begins here.
fn quantifier(rest: &[char]) -> Option<usize> {
    match rest.first()? {
        '*' | '+' | '?' => Some(1),
        '{' => {
            let end = rest.iter().position(|c| *c == '}')?;
            let counts = rest.get(1..end)?;
            let is_count = !counts.is_empty() && counts.iter().all(|c| c.is_ascii_digit() || *c == ',');
            is_count.then_some(end + 1)
        }
        _ => None,
    }
}

fn starts(rest: &[char], text: &str) -> bool {
    text.chars().enumerate().all(|(at, c)| rest.get(at) == Some(&c))
}

/// The inside of a group up to its `)`, for the proposal.
fn inside(rest: &[char], skipped: usize) -> String {
    let mut depth = 0_usize;
    let mut text = String::new();
    for c in rest.iter().skip(skipped) {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => break,
            ')' => depth -= 1,
            _ => {}
        }
        text.push(*c);
    }
    text
}

fn group(rest: &[char]) -> Option<String> {
    let say = |text: &str| Some(text.to_owned());
    if starts(rest, "(?=") {
        return Some(format!(
            "look-ahead, `(?=…)`, is not supported: a search only asks whether there is a match, so write `{}` in its \
             place as plain text",
            inside(rest, 3)
        ));
    }
    if starts(rest, "(?<=") {
        return Some(format!(
            "look-behind, `(?<=…)`, is not supported: a search only asks whether there is a match, so write `{}` in its \
             place as plain text",
            inside(rest, 4)
        ));
    }
    if starts(rest, "(?!") || starts(rest, "(?<!") {
        return say(
            "negative look-around, `(?!…)` and `(?<!…)`, is not supported: name what may stand there, such as \\b, `^` or \
             `[^x]`, or take the others out by an exception",
        );
    }
    if starts(rest, "(?>") {
        return Some(format!(
            "atomic groups, `(?>…)`, are not supported, nor needed, since no pattern backtracks here: write `(?:{})`",
            inside(rest, 3)
        ));
    }
    if starts(rest, "(?|") {
        return say(
            "branch resets, `(?|…)`, are not supported: write `(?:…)`, since no group's number is used here",
        );
    }
    if starts(rest, "(?#") {
        return say("comments, `(?#…)`, are not supported: leave it out; the configuration has room for one");
    }
    if starts(rest, "(?'") {
        return say(
            "the name of a group is written `(?<name>…)` here; a plain `(…)` does too, since none is used",
        );
    }
    if starts(rest, "(?P=") {
        return say(BACK_REFERENCE);
    }
    if starts(rest, "(?(") {
        return say("conditions, `(?(1)…|…)`, are not supported: write both cases out, as alternatives");
    }
    if starts(rest, "(?R") || starts(rest, "(?&") || starts(rest, "(?P>") || starts(rest, "(?0") {
        return say(RECURSION);
    }
    let digits = rest.get(2).is_some_and(char::is_ascii_digit)
        || (rest.get(2).is_some_and(|c| "+-".contains(*c)) && rest.get(3).is_some_and(char::is_ascii_digit));
    if starts(rest, "(?") && digits {
        return say(RECURSION);
    }
    if starts(rest, "(*") {
        return say("verbs, `(*…)`, are not supported: leave it out");
    }
    None
}

const RECURSION: &str = "recursion, `(?R)`, `(?1)` and `(?&name)`, is not supported: write the group out";
const BACK_REFERENCE: &str = "back-references, `\\1`, `\\k<name>` and `(?P=name)`, are not supported: write the repeated \
    text out, as alternatives";

fn escape(rest: &[char], in_class: bool) -> Option<String> {
    let c = *rest.get(1)?;
    let message = match c {
        '1'..='9' | 'k' | 'g' if !in_class => BACK_REFERENCE.to_owned(),
        '0' => "octal escapes are not supported: write `\\x` and two hexadecimal digits".to_owned(),
        'Q' => {
            let quoted: String = rest.iter().skip(2).collect();
            let quoted = quoted.split("\\E").next().unwrap_or("").to_owned();
            format!("\\Q…\\E is not supported: write `{}`", regex::escape(&quoted))
        }
        'E' => "\\E without \\Q has no meaning here: leave it out".to_owned(),
        'K' if !in_class => {
            "\\K is not supported: leave it out, since a search only asks whether there is a match".to_owned()
        }
        'G' if !in_class => "\\G is not supported: write `^`".to_owned(),
        'Z' if !in_class => "\\Z is not supported: write `$`".to_owned(),
        'h' => "\\h is not supported: write `[ \\t]`".to_owned(),
        'H' => "\\H is not supported: write `[^ \\t]`".to_owned(),
        'R' if !in_class => "\\R is not supported: write `\\r?\\n`".to_owned(),
        'N' if !in_class => "\\N is not supported: write `.`".to_owned(),
        'X' if !in_class => "\\X is not supported: write `.`".to_owned(),
        'e' => "\\e is not supported: write `\\x1B`".to_owned(),
        'c' => "\\c is not supported: write `\\x` and two hexadecimal digits".to_owned(),
        _ => return None,
    };
    Some(message)
}

#[cfg(test)]
mod tests {
    use crate::detect::pattern::Pattern;
    use proptest::prelude::*;

    #[test]
    fn pcre_construct_gets_column_and_remedy() {
        for (text, column, part) in [
            (
                r"ü^(?=ci-)\w",
                2,
                "look-ahead, `(?=…)`, is not supported: a search only asks whether there is a match, so write `ci-`",
            ),
            ("(?<=build-)\\d", 0, "look-behind, `(?<=…)`"),
            ("^(?!laptop)", 1, "negative look-around"),
            ("(?<!e)ci", 0, "such as \\b"),
            (r"(a)\1", 3, "back-references"),
            (r"(?<n>a)\k<n>", 7, "back-references"),
            (r"(?P<n>a)(?P=n)", 8, "back-references"),
            (r"(a)\g{1}", 3, "back-references"),
            ("ci++-", 3, "leave the `+` out"),
            ("a*+", 2, "possessive"),
            ("a?+", 2, "possessive"),
            ("a{1,2}+", 6, "possessive"),
            ("x(?>ci|build(er))", 1, "write `(?:ci|build(er))`"),
            ("(?|a|b)", 0, "branch resets"),
            ("a(?#why)b", 1, "comments"),
            ("(?'n'a)", 0, "`(?<name>…)`"),
            ("(a)?(?(1)b|c)", 4, "conditions"),
            ("(a(?R)?)", 2, "recursion"),
            ("(a)(?1)", 3, "recursion"),
            ("(*SKIP)a", 0, "verbs"),
            (r"\Qci.[x]\E-", 0, r"write `ci\.\[x\]`"),
            (r"ci\Kx", 2, "leave it out"),
            (r"ci\Z", 2, "write `$`"),
            (r"a\h+b", 1, r"write `[ \t]`"),
            (r"[\h]", 1, r"write `[ \t]`"),
        ] {
            let error = Pattern::new(text).unwrap_err();
            assert_eq!(error.column, Some(column), "{text}: {error}");
            assert!(error.message.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn common_constructs_are_accepted() {
        for text in [
            r"(?i)(jenkins|ci[-_]|build\d{2,4})",
            r"(?<name>a)(?P<other>b)(?:c)(?i:d)(?-i)e",
            r"a+?b*?c??d{2}?",
            r"[]a(?=+*]+[^](?!]",
            r"[[:alpha:]]+\+\*+\?",
            r"\(?=a\\+",
            r"^\bci\b$\A\z",
            r"\d\w\s\x41\t\.",
        ] {
            if let Err(error) = Pattern::new(text) {
                panic!("{text}: {error}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in r"[\\()\[\]{}?*+<>=!|#'PRkgQE1-3a^ü]{0,40}") {
            if let Err(error) = Pattern::new(&text) {
                prop_assert!(error.column.is_none_or(|column| column <= text.chars().count()));
                prop_assert!(!error.message.is_empty());
            }
        }
    }
}
