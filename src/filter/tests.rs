use super::*;
use proptest::prelude::*;

#[derive(Default)]
struct Row {
    texts: Vec<(FilterField, String)>,
    numbers: Vec<(FilterField, i64)>,
    time: Option<Timestamp>,
}

impl Subject for Row {
    fn text(&self, field: FilterField) -> Option<&str> {
        self.texts.iter().find(|(own, _)| *own == field).map(|(_, text)| text.as_str())
    }
    fn number(&self, field: FilterField) -> Option<i64> {
        self.numbers.iter().find(|(own, _)| *own == field).map(|(_, number)| *number)
    }
    fn time(&self) -> Option<Timestamp> {
        self.time
    }
}

fn row() -> Row {
    let texts = [
        (FilterField::Host, "WS01.corp.example"),
        (FilterField::Image, r"C:\Program Files\Git\cmd\git.exe"),
        (FilterField::CommandLine, r#"git push "https://github.com/a/b" (main) Größe"#),
        (FilterField::Signal, "GitPushExternal"),
        (FilterField::Source, "one.evtx"),
        (FilterField::Verdict, "benign"),
        (FilterField::ProcessGuid, "{ABCD}"),
    ];
    Row {
        texts: texts.into_iter().map(|(field, text)| (field, text.to_owned())).collect(),
        numbers: vec![
            (FilterField::Score, 3),
            (FilterField::EventCode, 1),
            (FilterField::IsCiSystem, 0),
            (FilterField::RecordId, 4711),
        ],
        time: Timestamp::parse("2026-03-10T12:30:15.5Z"),
    }
}

fn check(filter: &str, expected: bool) {
    let parsed = Filter::parse(filter).unwrap_or_else(|error| panic!("{filter}: {error:?}"));
    assert_eq!(parsed.matches(&row()), expected, "{filter}");
    assert_eq!(Filter::parse(&parsed.to_string()).as_ref(), Ok(&parsed), "{filter} shows as {parsed}");
}

#[test]
fn terms_mean_what_the_help_says() {
    for (filter, expected) in [
        ("", true),
        ("   ", true),
        ("git", true),
        ("GIT push", true),
        ("git fetch", false),
        ("gitpush", true), // the signal
        ("GRÖSSE", false), // full folding is not done
        ("größe", true),
        ("GRÖßE", true),
        ("ws01", true),
        ("one.evtx", true),
        ("benign", false), // a verdict is asked for by its field
        ("abcd", false),
        ("verdict:benign", true),
        ("guid:abcd", true),
        (r#""git push""#, true),
        (r#""push git""#, false),
        (r#""push \"https""#, true),
        (r#""Files\\Git""#, true),
        (r#""Files\Git""#, true),
        (r"Files\Git", true),
        (r"C:\Program", true),
        ("https://github.com", true),
        ("(main)", true), // a group
        (r#""(main)""#, true),
        ("image:git", true),
        ("Image:GIT.EXE", true),
        ("img:push", false),
        (r#"image:"program files""#, true),
        (r#"image:"""#, true),
        (r#"user:"""#, false),
        ("image=git.exe", false),
        (r#"image="c:\program files\git\cmd\git.exe""#, true),
        ("signal=gitpushexternal", true),
        ("signal!=gitpushexternal", false),
        ("signal!=x", true),
        ("user!=x", false),
        (r"image~\\git\.exe$", true),
        (r"image~\\GIT\.exe$", false),
        (r"image~(?i)\\GIT\.exe$", true),
        (r"image~(git|curl)\.exe", true),
        (r"(image~(git|curl)\.exe)", true),
        (r#"image~"Files\\\\Git""#, true),
        ("user:x", false),
        ("!user:x", true),
        ("!git", false),
        ("!!git", true),
        ("! git", false),
        ("fetch OR push", true),
        ("fetch OR clone", false),
        ("fetch OR git clone", false),
        ("git clone OR push", true),
        ("clone ( fetch OR push )", false),
        ("git (fetch OR push)", true),
        ("!(fetch OR push)", false),
        ("!(fetch push)", true),
        ("git AND push", true),
        ("git AND fetch", false),
        (r#"!"OR""#, false),
        ("or", true),
        ("--force", false),
        ("-x=1", false),
    ] {
        check(filter, expected);
    }
}

#[test]
fn numbers_and_times_compare() {
    for (filter, expected) in [
        ("score>=3", true),
        ("score>3", false),
        ("score<3", false),
        ("score<=3", true),
        ("score=3", true),
        ("score:3", true),
        ("score!=3", false),
        ("score!=-1", true),
        ("event=1 record>4000", true),
        ("EventCode=3", false),
        ("ci=0", true),
        ("ci=false", true),
        ("IsCISystem=yes", false),
        ("ide=0", false), // missing
        ("!ide=0", true),
        ("time=2026", true),
        ("time=2026-03", true),
        ("time=2026-02", false),
        ("time=2026-03-10", true),
        ("time:2026-03-10T12", true),
        ("time=2026-03-10T12:30", true),
        ("time=2026-03-10T12:30:15", true),
        ("time=2026-03-10T12:30:15.5", true),
        ("time=2026-03-10T12:30:15.50", true),
        ("time=2026-03-10T12:30:15.4", false),
        ("time>=2026-03-10T12:30:15.5Z", true),
        ("time>=2026-03-10T14:30+02:00", true),
        ("time<2026-03-10T14:30+02:00", false),
        (r#"time>="2026-03-10 12:00""#, true),
        ("time>2026-03-10", false),
        ("time>=2026-03-10", true),
        ("time<=2026-03-10", true),
        ("time<2026-03-10", false),
        ("time<2026-03-11", true),
        ("time>2026-03-09", true),
        ("time!=2026-03-10", false),
        ("time>2025", true),
    ] {
        check(filter, expected);
    }
}

#[test]
fn faults_have_their_column_and_a_sentence() {
    for (filter, column, message) in [
        (
            "imge:git",
            0,
            "There is no field `imge`; did you mean `image`? To look for the text itself, put it in quotes.",
        ),
        (
            "git commandlin:x",
            4,
            "There is no field `commandlin`; did you mean `CommandLine`? To look for the text itself, put it in quotes.",
        ),
        ("zzzzzz=1", 0, "There is no field `zzzzzz`. To look for the text itself, put it in quotes."),
        (
            "größe imge:x",
            6,
            "There is no field `imge`; did you mean `image`? To look for the text itself, put it in quotes.",
        ),
        ("image:", 6, "A value is missing after `image:`."),
        ("(image: )", 7, "A value is missing after `image:`."),
        ("a \"b", 2, "This quote is never closed (a backslash before the closing one must be doubled)."),
        ("\"b\"c", 3, "A blank is missing after the closing quote (a quote inside is `\\\"`)."),
        ("a (b", 2, "This parenthesis is never closed."),
        ("(", 0, "This parenthesis is never closed."),
        ("a )", 2, "This parenthesis closes nothing."),
        ("a ()", 2, "There is nothing between these parentheses."),
        ("OR a", 0, "`OR` stands between two terms; the word itself needs quotes."),
        ("a OR", 4, "A term is missing after `OR`."),
        ("(a OR )", 6, "A term is missing after `OR`."),
        ("a OR OR b", 5, "`OR` stands between two terms; the word itself needs quotes."),
        ("AND a", 0, "`AND` stands between two terms; the word itself needs quotes."),
        ("a AND", 2, "`AND` stands between two terms; the word itself needs quotes."),
        ("a !", 2, "A term is missing after `!`."),
        (")", 0, "A term is missing here."),
        ("score>=x", 7, "`score` is compared with a whole number, and `x` is none."),
        ("score~3", 0, "`score` holds no text: it takes `=`, `!=`, `<`, `<=`, `>` and `>=`, not `~`."),
        ("a image>3", 2, "`image` holds text: it takes `:`, `=`, `~` and `!=`, not `>`."),
        (
            "time>=soon",
            6,
            "`soon` is no time: write `2026-03-10T12:30`, or as much of it from the left as you know.",
        ),
        (
            "time=2026-13",
            5,
            "`2026-13` is no time: write `2026-03-10T12:30`, or as much of it from the left as you know.",
        ),
        ("image~a[", 6, "After `image~` stands no regular expression: unclosed character class."),
        (r"cmd~(\w{500}){500}", 4, "After `cmd~` stands no regular expression: it is too large."),
    ] {
        let error = Filter::parse(filter).expect_err(filter);
        assert_eq!((error.column, error.message.as_str()), (column, message), "{filter}");
    }
}

#[test]
fn limits_are_faults_too() {
    let error = Filter::parse(&"a".repeat(MAX_LENGTH + 1)).unwrap_err();
    assert_eq!((error.column, error.message.as_str()), (4096, "A filter may have at most 4096 characters."));
    let error = Filter::parse(&"a ".repeat(MAX_TERMS + 1)).unwrap_err();
    assert_eq!((error.column, error.message.as_str()), (128, "A filter may have at most 64 terms."));
    for deep in [format!("{}a", "!".repeat(2000)), "(".repeat(4000), format!("{}a", "!(".repeat(40))] {
        let error = Filter::parse(&deep).unwrap_err();
        assert_eq!(error.message, "Parentheses and `!` may stand at most 32 deep.");
        assert_eq!(error.column, 33);
    }
}

#[test]
fn filters_are_shown_as_they_would_be_typed() {
    for (filter, shown) in [
        ("  git   push ", "git push"),
        ("CommandLine:x IMAGE=y", "cmd:x image=y"),
        ("(a b) c", "a b c"),
        ("(a OR b) OR c d", "a OR b OR c d"),
        ("(a OR b) c", "(a OR b) c"),
        ("!(a)", "!a"),
        ("!(a b)", "!(a b)"),
        ("!(a OR b)", "!(a OR b)"),
        ("a AND b", "a b"),
        (r#""a""#, "a"),
        (r#""OR" "a b" "" "\\\"""#, r#""OR" "a b" "" "\\\"""#),
        ("score:3 ci=true", "score=3 ci=1"),
        ("time>=2026-03-10t12:00z", "time>=2026-03-10T12:00"),
    ] {
        assert_eq!(Filter::parse(filter).unwrap().to_string(), shown, "{filter}");
    }
}

#[test]
fn highlights_stand_where_the_terms_do() {
    let text = "git push GIT größe";
    for (filter, field, expected) in [
        ("git", FilterField::CommandLine, vec!["git", "GIT"]),
        ("git \"t push\"", FilterField::CommandLine, vec!["git push", "GIT"]),
        ("cmd:GRÖSS OR cmd:GRÖ", FilterField::CommandLine, vec!["grö"]),
        ("cmd~[a-z]+", FilterField::CommandLine, vec!["git", "push", "gr", "e"]),
        ("image:git", FilterField::CommandLine, vec![]),
        ("!git", FilterField::CommandLine, vec![]),
        ("git", FilterField::Verdict, vec![]),
        ("\"\"", FilterField::CommandLine, vec![]),
    ] {
        let ranges = Filter::parse(filter).unwrap().highlights(field, text);
        let found: Vec<&str> = ranges.into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, expected, "{filter}");
    }
}

#[test]
fn completions_follow_the_cursor() {
    for (text, start, expected) in [
        ("ima", 0, vec!["image:"]),
        ("git !ima", 5, vec!["image:"]),
        ("(comm", 1, vec!["cmd:"]),
        ("parent", 0, vec!["parent:", "parent=", "parent~", "parent!=", "pcmd:"]),
        ("sc", 0, vec!["score>="]),
        ("signal:gitpushe", 0, vec!["signal:GitPushExternal"]),
        ("score>=", 0, vec!["score>=3", "score>=2", "score>=1", "score>=0"]),
        ("\"ima", 0, vec![]),
        ("\"git ima", 5, vec![]),
        ("image:\"git ima", 11, vec![]),
        ("zz", 0, vec![]),
    ] {
        let cursor = text.chars().count();
        assert_eq!(Filter::completion_start(text, cursor), start, "{text}");
        assert_eq!(Filter::completions(text, cursor), expected, "{text}");
    }
    assert_eq!(Filter::completions("", 0).len(), FilterField::ALL.len());
    assert_eq!(Filter::completions("ima git", 3), ["image:"], "what follows the cursor does not matter");
}

#[test]
fn every_field_is_found_by_all_its_names() {
    let mut seen = std::collections::BTreeSet::new();
    for field in FilterField::ALL {
        for name in field.names() {
            assert_eq!(FilterField::from_name(name), Some(*field));
            assert_eq!(FilterField::from_name(&name.to_uppercase()), Some(*field));
            assert!(seen.insert(name.to_lowercase()), "{name} names two fields");
        }
    }
}

fn needle_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,5}",
        "[ -~]{0,8}",
        ".{0,5}",
        proptest::sample::select(vec!["OR", "AND", "!x", "image:x", "a)", "(", "\\", "\"", "\\\"", "größe"])
            .prop_map(str::to_owned),
    ]
}

fn any_field(kind: Kind) -> impl Strategy<Value = FilterField> {
    let fields: Vec<FilterField> =
        FilterField::ALL.iter().copied().filter(|field| field.kind() == kind).collect();
    proptest::sample::select(fields)
}

fn any_node() -> impl Strategy<Value = Node> {
    use needle::Mode;
    let comparison = proptest::sample::select(vec![
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ]);
    let text = (
        any_field(Kind::Text),
        proptest::sample::select(vec![Mode::Contains, Mode::Equals, Mode::Matches]),
        needle_text(),
        any::<bool>(),
    )
        .prop_filter_map("a pattern", |(field, mode, text, is_negated)| {
            let needle = Needle::new(&text, mode).ok()?;
            Some(Node::Text { field, is_negated: is_negated && mode == Mode::Equals, needle })
        });
    let time = (
        comparison.clone(),
        "20[0-9]{2}(-0[1-9](-1[0-9](T[01][0-9](:[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,9})?)?)?)?)?)?",
    )
        .prop_map(|(comparison, text)| Node::Time {
            comparison,
            period: Period::parse(&text).expect("a time"),
        });
    let leaf = prop_oneof![
        needle_text().prop_map(|text| Node::Word(Needle::new(&text, Mode::Contains).unwrap())),
        text,
        (any_field(Kind::Number), comparison, any::<i64>())
            .prop_map(|(field, comparison, value)| Node::Number { field, comparison, value }),
        time,
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(parse::all),
            proptest::collection::vec(inner.clone(), 1..4).prop_map(parse::any),
            inner.prop_map(|node| Node::Not(Box::new(node))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_shown_reads_back(root in any_node()) {
        let filter = Filter { root: Some(root) };
        let shown = filter.to_string();
        prop_assert_eq!(Filter::parse(&shown), Ok(filter), "{}", shown);
    }

    #[test]
    fn no_text_panics_and_columns_are_in_it(text in "(?s)([ -~]|.){0,40}", cursor in 0_usize..50) {
        if let Err(error) = Filter::parse(&text) {
            prop_assert!(error.column <= text.chars().count());
            prop_assert!(error.message.ends_with('.'));
        }
        prop_assert!(Filter::completion_start(&text, cursor) <= text.chars().count());
        let _ = Filter::completions(&text, cursor);
    }

    #[test]
    fn what_parses_reads_back(text in "([ a-z\"()!:=~<>\\\\]|OR | AND |image:|cmd~|score>=3 ){0,16}") {
        if let Ok(filter) = Filter::parse(&text) {
            prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
        }
    }

    #[test]
    fn words_are_found_where_a_plain_search_finds_them(text in "[ -~ä]{0,40}", needle in "[a-zA-Z. ]{1,3}") {
        let found = Needle::new(&needle, needle::Mode::Contains).unwrap().is_match(&text);
        prop_assert_eq!(found, text.to_ascii_lowercase().contains(&needle.to_ascii_lowercase()));
    }
}
