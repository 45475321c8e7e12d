use super::*;
use proptest::prelude::*;

const ALL: [Dialect; 4] = [Dialect::Pcre, Dialect::Sigma, Dialect::ClickHouse, Dialect::Kusto];

fn in_all(text: &str) -> [Result<String, String>; 5] {
    let pattern = Pattern::new(text).unwrap();
    let of = |dialect| written(dialect, &pattern).map_err(|refusal| refusal.to_string());
    let lucene = lucene(&pattern).map(|search| search.regex).map_err(|refusal| refusal.to_string());
    [of(ALL[0]), of(ALL[1]), of(ALL[2]), of(ALL[3]), lucene]
}

#[test]
fn searchs_own_patterns_are_written_unchanged() {
    use crate::detect::technique::TECHNIQUE;
    for text in [TECHNIQUE.ci_host, TECHNIQUE.ide_parent, r"a\\b|[-_]x{2,3}?y+?", "(?i:a)(?:b)", "^a.b"] {
        let [pcre, sigma, clickhouse, kusto, _] = in_all(text);
        for written in [pcre, sigma, clickhouse, kusto] {
            assert_eq!(written.as_deref(), Ok(text));
        }
    }
}

#[test]
fn each_part_is_written_in_the_engines_own_way() {
    let words = class::WORDS;
    for (text, pcre, clickhouse) in [
        ("a\nb", r"a\x{A}b", r"a\x{A}b".to_owned()),
        (r"a\nb\x1b\u{202e}", r"a\x{A}b\x{1B}\x{202E}", r"a\x{A}b\x{1B}\x{202E}".to_owned()),
        ("a`b", r"a\x{60}b", "a`b".to_owned()),
        (r"\.exe$", r"\.exe\z", r"\.exe$".to_owned()),
        (r"\A\d+\z", r"\A\d+\z", r"\A\p{Nd}+\z".to_owned()),
        (r"[\s:/+]x", r"[\s:/+]x", r"[\x{9}-\x{D}\x{85}\p{Z}:/+]x".to_owned()),
        (r"\W", r"\W", format!("[^{words}]")),
        (r"[\W_]", r"[\W_]", format!("(?:[_]|[^{words}])")),
        (r"[[:alpha:]_&~]", r"[A-Za-z_\&\~]", r"[A-Za-z_\&\~]".to_owned()),
        (r"[]a]", r"[\]a]", r"[\]a]".to_owned()),
        (r"(?P<n>a)", "(a)", "(a)".to_owned()),
        (r"\p{Nd}\pL", r"\p{Nd}\p{L}", r"\p{Nd}\p{L}".to_owned()),
        (r"a{0,3}b**", r"a{0,3}(?:b*)*", r"a{0,3}(?:b*)*".to_owned()),
        (r"(?i)\bci\b", r"(?i)\bci\b", format!(r"(?i)(?:\A|[^{words}])ci(?:[^{words}]|\z)")),
        (r"^\bci", r"^\bci", "^ci".to_owned()),
        (r"-\bci", r"-\bci", "-ci".to_owned()),
    ] {
        let [found, _, clickhouse_found, kusto, _] = in_all(text);
        assert_eq!(found.as_deref(), Ok(pcre), "{text}");
        assert_eq!(clickhouse_found.as_deref(), Ok(&*clickhouse), "{text}");
        assert_eq!(kusto.as_deref(), Ok(&*clickhouse), "{text}");
    }
}

#[test]
fn lucene_matches_the_whole_text() {
    for (text, expected) in [
        (r"(?i)(CI[-_]|build\d+|code\.exe)", r".*((ci[\-_]|build([0-9])+|code\.exe)).*"),
        ("a@b|C", r".*(a\@b|C).*"),
        (r"(?i)(ci[-_]|\bdev\b)|^A\.b$", r".*(ci[\-_]).*|(.*[^A-Za-z0-9_])?(dev)([^A-Za-z0-9_].*)?|(a\.b)"),
        (r"(^|[\s:/+])renovate/", "(renovate/).*|.*([\t-\r +/:]renovate/).*"),
        (r"[\W_]", r".*([^0-9A-Za-z]).*"),
        (r"(?i)[\W_]", ".*([^0-9A-Za-z]).*"),
        (r"(?i)[^A-C]", ".*([^A-Za-c]).*"),
        (r"(?i)[[:^alpha:]]", ".*([^A-Za-z\u{17f}\u{212a}]).*"),
        ("a.b", ".*(a[^\n]b).*"),
        ("(?s)a.b", ".*(a.b).*"),
        ("a|", ".*(a|()).*"),
        ("^$", "()"),
    ] {
        let pattern = Pattern::new(text).unwrap();
        assert_eq!(lucene(&pattern).unwrap().regex, expected, "{text}");
    }
    assert!(lucene(&Pattern::new("(?i)A").unwrap()).unwrap().is_lowered);
    assert!(!lucene(&Pattern::new("A").unwrap()).unwrap().is_lowered);
}

#[test]
fn what_an_engine_cannot_say_is_refused() {
    // The engines in their order: Splunk, Sigma, ClickHouse, Kusto, ES|QL.
    for (text, refusing, part) in [
        ("x[a-z&&[^x]]", "SGCKE", "`[a-z&&[^x]]` (column 2) as it is meant: write `[a-wy-z]`"),
        ("[a-c--b]", "SGCKE", "write `[ac]`"),
        ("[a[bc]]", "SGCKE", "write `[a-c]`"),
        (r"\<ci", "SGCKE", r"write `\b`"),
        (r"ci\b{end}", "SGCKE", r"`\b{end}` (column 3) as it is meant: write `\b`"),
        (r"\b{start-half}ci", "SGCKE", r"write `\b`"),
        ("(?x) a b", "SGCKE", "without"),
        ("(?U)a+", "SGCKE", "without"),
        ("(?-u)a", "SGCKE", "without"),
        ("(?m)^a", "SGE", "write"),
        ("a(?i)b", "GE", "(?i"),
        ("(?i:a)b", "E", "at the very beginning"),
        (r"\p{Greek}", "SGCKE", "write"),
        (r"\p{L}", "GE", "write the characters themselves"),
        (r"(?i)\p{Lu}", "SGCKE", "write"),
        (r"[[:^alpha:]]", "SGCK", "write the other characters"),
        (r"a\bb", "CKE", "write"),
        (r"a\B", "CKE", "write"),
        (r"(\b|x)y+z*(\bci)*", "CKE", "write"),
        (r"[^\W_]", "CK", "write the characters that are meant"),
        (r"a{1001}", "CKE", "1000 times at most"),
        (r"(a{40}){40}", "CKE", "1000 times at most"),
        ("a^b", "E", "can only stand where an alternative begins"),
        ("a\x1bb", "E", "no way to write this character"),
        ("(?i)İ", "E", "no lower case of one character"),
    ] {
        for (engine, result) in "SGCKE".chars().zip(in_all(text)) {
            let is_refused = refusing.contains(engine);
            assert_eq!(result.is_err(), is_refused, "{engine} {text}: {result:?}");
            if let Err(refusal) = result {
                assert!(refusal.contains(part), "{engine} {text}: {refusal}");
                assert!(refusal.contains("can't say `"), "{refusal}");
            }
        }
    }
}

#[test]
fn refusal_shows_no_control_character() {
    let pattern = Pattern::new("[a-z&&[^x\u{202e}\x1b]]").unwrap();
    let refusal = written(Dialect::Pcre, &pattern).unwrap_err().to_string();
    assert!(!refusal.contains(is_forbidden), "{refusal}");
}

/// Parts of patterns, the odd ones included.
fn part() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-cKsS0-9_é -]".prop_map(|c| if c == "-" { c } else { regex::escape(&c) }),
        Just(r"\\".to_owned()),
        Just(r"\.".to_owned()),
        Just("\n".to_owned()),
        Just("'".to_owned()),
        Just("\"".to_owned()),
        Just(".".to_owned()),
        Just(r"\d".to_owned()),
        Just(r"\w".to_owned()),
        Just(r"\s".to_owned()),
        Just(r"\W".to_owned()),
        Just(r"[\W_]".to_owned()),
        Just(r"[\s:/+]".to_owned()),
        Just("[-_]".to_owned()),
        Just("[^a-c]".to_owned()),
        Just("[[:upper:]x]".to_owned()),
        Just(r"\bci\b".to_owned()),
        Just(r"^\bci".to_owned()),
        Just(r"ci\b$".to_owned()),
        Just("^".to_owned()),
        Just("$".to_owned()),
        Just(r"\p{L}".to_owned()),
        Just("(?i:k)".to_owned()),
    ]
}

/// Patterns of these parts.
pub(in crate::rule) fn patterns() -> impl Strategy<Value = String> {
    let leaf = prop::collection::vec(part(), 1..4).prop_map(|parts| parts.concat());
    let tree = leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3)
                .prop_map(|branches| format!("({})", branches.join("|"))),
            (inner.clone(), "(\\?|\\*|\\+|\\{1,3\\}|\\{2\\}|\\*\\?)")
                .prop_map(|(inner, times)| format!("(?:{inner}){times}")),
            (inner.clone(), inner).prop_map(|(a, b)| a + &b),
        ]
    });
    ("(|\\(\\?i\\)|\\(\\?s\\))", tree).prop_map(|(flags, tree)| flags + &tree)
}

/// Texts that tell these patterns apart.
pub(in crate::rule) fn texts() -> impl Strategy<Value = Vec<String>> {
    let text = "([a-cKs0-9_é -]|\\\\|\\.|\n|'|\"|ci|CI|[kKſ\u{212a}٣\u{a0}\u{85}:/+]){0,8}";
    prop::collection::vec(text, 4..12)
}

/// The regular expression in a dialect, as Rust's own library reads it: RE2's is written in what both have in common.
fn again(text: &str) -> regex::Regex {
    regex::Regex::new(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

proptest! {
    #[test]
    fn written_pattern_finds_the_same_texts(pattern in patterns(), texts in texts()) {
        let Ok(pattern) = Pattern::new(&pattern) else { return Ok(()) };
        for dialect in ALL {
            let Ok(text) = written(dialect, &pattern) else { continue };
            if dialect != Dialect::Sigma {
                prop_assert!(!text.contains(is_forbidden), "{:?}: {:?}", dialect, text);
            }
            let regex = again(&text);
            for line in &texts {
                prop_assert_eq!(regex.is_match(line), pattern.matches(Some(line)), "{:?} {:?} {:?}", dialect, text, line);
            }
        }
        // Lucene matches the whole text, in which a dot is any character.
        if let Ok(search) = lucene(&pattern) {
            let regex = again(&format!("(?s)^(?:{})$", search.regex.replace("\\\"", "\"").replace("\\@", "@").replace("\\#", "#")));
            for line in texts.iter().filter(|line| line.is_ascii()) {
                let line = if search.is_lowered { line.to_lowercase() } else { line.clone() };
                prop_assert_eq!(
                    regex.is_match(&line),
                    pattern.matches(Some(&line)),
                    "{:?} {:?}",
                    search.regex,
                    line
                );
            }
        }
    }

    #[test]
    fn any_pattern_is_written_or_refused(text in "\\PC{0,20}|[\\\\()\\[\\]{}?*+|^$.&~bBdwWsSpLix<>:,0-9a-]{0,30}") {
        if let Ok(pattern) = Pattern::new(&text) {
            for dialect in ALL {
                if let Err(refusal) = written(dialect, &pattern) {
                    prop_assert!(refusal.column >= 1 && !refusal.to_string().contains(is_forbidden));
                }
            }
            let _ = (lucene(&pattern), depends_on_scripts(&pattern));
        }
    }
}
