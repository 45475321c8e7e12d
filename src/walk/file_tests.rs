//! Tests of test files: the built-in ones, and ones that are wrong or hostile.

use super::*;

const ROW: &str =
    "[[expect]]\nstep = \"s\"\nwhat = \"w\"\nrole = \"act\"\nchannel = \"sysmon\"\nevent-id = 1\n";
const WHERE: &str = "where = [{ field = \"Image\", ends-with = '\\a.exe' }]\n";

fn sound_file() -> String {
    format!("name = \"n\"\nsentence = \"s\"\n{ROW}{WHERE}")
}

fn fault(toml: impl AsRef<[u8]>) -> String {
    match parse(toml.as_ref(), Path::new("mine.toml")) {
        Ok(test) => panic!("it was taken: {test:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_four_tests_are_there_and_tell_of_themselves() {
    let built_in = load(&[]).unwrap();
    let signals: Vec<_> = built_in.iter().map(|test| test.signal.unwrap().name()).collect();
    assert_eq!(signals, ["CodeRepoAPIUpload", "GitPushExternal", "CodeRepoAPIUpload", "CodeRepoAPIUpload"]);
    for test in &built_in {
        assert!(test.rows.iter().any(|row| row.role() == Role::Act), "{}", test.name);
        assert!(!test.steps.is_empty() && test.technique.as_deref() == Some("T1567.001"), "{}", test.name);
    }
}

#[test]
fn a_test_of_ones_own_may_use_either_notation_of_lists() {
    let toml = format!(
        "name = \"n\"\nsentence = \"s\"\nsteps = \"one\"\n{ROW}[[expect.where]]\nfield = \"CommandLine\"\nregex = '^x'\n"
    );
    let parsed = parse(toml.as_bytes(), Path::new("mine.toml")).unwrap();
    assert_eq!(parsed.steps, ["one"]);
    let Origin::Events { conditions, event_code: 1, role: Role::Act, .. } = &parsed.rows[0].source else {
        panic!("{parsed:?}")
    };
    assert_eq!(conditions[0].field, Field::CommandLine);
    assert!(parse(sound_file().as_bytes(), Path::new("mine.toml")).is_ok());
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn what_is_wrong_is_named_with_its_line_and_its_key() {
    let changed = |from: &str, to: &str| sound_file().replace(from, to);
    for (text, place, part) in [
        (
            changed("sentence", "sentense"),
            "mine.toml:2:1",
            "unknown key `sentense`; did you mean `sentence`?",
        ),
        (
            changed("event-id", "event_id"),
            "mine.toml:8:1",
            "unknown key `event_id` in [[expect]]; did you mean `event-id`?",
        ),
        (
            changed("ends-with", "ends_with"),
            "mine.toml:9:",
            "unknown key `ends_with` in [where]; did you mean `ends-with`?",
        ),
        (
            changed("\"Image\"", "\"image\""),
            "mine.toml:9:",
            "`field`: Event 1 has no `image` that is read; did you mean `Image`?",
        ),
        (
            changed("\"Image\"", "\"QueryName\""),
            "mine.toml:9:",
            "`field`: Event 1 has no `QueryName` that is read",
        ),
        (
            changed("ends-with = '\\a.exe'", "regex = '(a'"),
            "mine.toml:9:",
            "`regex` is no regular expression: column 1: this group is not closed: add `)`",
        ),
        (
            changed("ends-with = '\\a.exe'", "regex = '(x{1000}){1000}'"),
            "mine.toml:9:",
            "`regex` is no regular expression: the pattern compiles to more than",
        ),
        (
            changed("\"act\"", "\"acts\""),
            "mine.toml:6:8",
            "`role` must be one of `act`, `trace`, `mark`, `context`, not `acts`; did you mean `act`?",
        ),
        (
            changed("\"act\"", "\"context\""),
            "mine.toml:",
            "no `role` of an [[expect]] is \"act\" or \"trace\"",
        ),
        (changed("\"sysmon\"", "\"system\""), "mine.toml:7:11", "`channel` must be one of `sysmon`"),
        (changed("event-id = 1", "event-id = 7"), "mine.toml:8:12", "`event-id` 7 is not read of sysmon"),
        (
            changed("event-id = 1", "event-id = \"1\""),
            "mine.toml:8:12",
            "`event-id` must be a whole number, not a string",
        ),
        (
            changed("event-id = 1", "event-id = -9223372036854775808"),
            "mine.toml:8:12",
            "`event-id` -9223372036854775808",
        ),
        (changed("name = \"n\"", "name = 7"), "mine.toml:1:8", "`name` must be a string, not an integer"),
        (changed("name = \"n\"\n", ""), "mine.toml:1:1", "the key `name` is missing"),
        (changed("name = \"n\"", "name = \" \""), "mine.toml:1:8", "`name` is empty"),
        (
            changed("name = \"n\"", "name = \"n\"\nname = \"m\""),
            "mine.toml:2:1",
            "this is no TOML: duplicate key",
        ),
        (
            changed("name = \"n\"", "name = \"a\\u001b[2Jb\""),
            "mine.toml:1:8",
            "`name` holds <U+001B>, which can't be shown",
        ),
        (changed("name = \"n\"", "name = \"a\\u0000\""), "mine.toml:1:8", "`name` holds <U+0000>"),
        (changed("name = \"n\"", "name = \"a\\u202eb\""), "mine.toml:1:8", "`name` holds <U+202E>"),
        (changed("where = [", "where = [[], "), "mine.toml:9:", "`where` must be a list of tables"),
        (
            changed("where = [{ field = \"Image\", ends-with = '\\a.exe' }]", "where = []"),
            "mine.toml:9:",
            "`where` is empty",
        ),
        (changed("ends-with = '\\a.exe'", "ends-with = []"), "mine.toml:9:", "`ends-with` is empty"),
        (changed("ends-with = '\\a.exe'", "ends-with = ['', 'x']"), "mine.toml:9:", "`ends-with` is empty"),
        (changed(", ends-with = '\\a.exe'", ""), "mine.toml:9:", "the key `contains` is missing"),
        (
            changed("ends-with = '\\a.exe'", "equals = 'x', contains = 'y'"),
            "mine.toml:9:",
            "a condition says one of",
        ),
        (
            changed("role = \"act\"", "cannot-be-seen = \"no\""),
            "mine.toml:",
            "says where to look for what `cannot-be-seen`",
        ),
        (
            changed("sentence = \"s\"", "sentence = \"s\"\nsignal = \"GitPushExternl\""),
            "mine.toml:3:10",
            "did you mean `GitPushExternal`?",
        ),
        (
            changed("sentence = \"s\"", "sentence = \"s\"\nsteps = [[\"a\"], \"b\"]"),
            "mine.toml:3:9",
            "`steps` must be a string or a list of strings",
        ),
        (String::new(), "mine.toml:1:1", "the key `name` is missing"),
        ("\0\0\0".to_owned(), "mine.toml:1:", "this is no TOML"),
        (
            "name = \"n\"\nsentence = \"s\"\nexpect = 3".to_owned(),
            "mine.toml:3:10",
            "`expect` must be a list of tables",
        ),
    ] {
        let said = fault(&text);
        assert!(said.starts_with(place) && said.contains(part), "{part}:\n{said}\n{text}");
    }
}

#[test]
fn hostile_files_are_refused_at_once() {
    assert!(fault(b"name = \"\xff\xfe\"").contains("not written in UTF-8"));
    let deep = format!("name = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(fault(deep).contains("this is no TOML"));
    let many = format!("name = \"n\"\nsentence = \"s\"\nsteps = [{}]\n{ROW}{WHERE}", "\"x\",".repeat(50_000));
    assert!(fault(many).contains("`steps` lists 50000 entries; 100 are the most"));
    let rows = format!("name = \"n\"\nsentence = \"s\"\n{}", format!("{ROW}{WHERE}").repeat(101));
    assert!(fault(rows).contains("`expect` has 101 entries; 100 are the most"));
    let long = sound_file().replace("\"n\"", &format!("\"{}\"", "n".repeat(1_001)));
    assert!(fault(long).contains("`name` is longer than 1000 characters"));
}

#[test]
fn a_name_that_two_tests_have_and_a_file_that_is_huge_or_none_are_faults() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let said = |files: &[PathBuf]| load(files).unwrap_err().to_string();
    let (one, two) = (path("one.toml", sound_file().as_bytes()), path("two.toml", sound_file().as_bytes()));
    let text = said(&[one.clone(), two]);
    assert!(
        text.contains("two.toml:1:8: `name`: another test is called that already, in ")
            && text.contains("one.toml"),
        "{text}"
    );
    let built_in = sound_file().replace("\"n\"", "\"gist API with CURL\"");
    assert!(said(&[path("three.toml", built_in.as_bytes())]).contains("in 3-gist-curl.toml"));
    assert!(said(&[path("huge.toml", &vec![b'#'; 2 << 20])]).contains("it is larger than 1 MiB"));
    assert!(said(&[folder.path().join("none.toml")]).contains("there is no such file"));
    assert!(said(&[folder.path().to_owned()]).contains("it is a folder"));
    assert_eq!(load(&[one]).unwrap().len(), 5);
}
