use super::*;

/// The result of a write.
#[derive(Debug)]
struct Saved {
    snapshot: Vec<u8>,
}

/// Writes patterns over a file's content as it was read, as the keeper does.
fn save_patterns(
    path: &Path,
    snapshot: Option<&[u8]>,
    ci_host: Option<&str>,
    ide_parent: Option<&str>,
) -> Result<Saved, ConfigError> {
    let bytes = snapshot.unwrap_or(TEMPLATE.as_bytes());
    let patterns = [(CI_HOST, ci_host), (IDE_PARENT, ide_parent)];
    let edited = save::edit(path, bytes, &patterns, &save::ExceptionEdits::default())?;
    Config::parse(edited.as_bytes(), path)?;
    save::replace(path, snapshot, edited.as_bytes(), &crate::files::policy::OutputPolicy::new(""))?;
    Ok(Saved { snapshot: edited.into_bytes() })
}

use proptest::prelude::*;
use std::fs;

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(text.as_bytes(), Path::new(FILE_NAME)).map_err(|error| error.to_string())
}

/// Each file in `mistakes` makes one, and gives the expected message after its first `# `.
#[test]
fn every_mistake_gets_its_own_message() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/mistakes");
    let mut count = 0;
    let mut wrong = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let bytes = fs::read(&file).unwrap();
        let first_line =
            String::from_utf8_lossy(bytes.split(|byte| *byte == b'\n').next().unwrap()).into_owned();
        let expected = format!("x.toml:{}", first_line.trim_end().split_once("# ").unwrap().1);
        let message = Config::parse(&bytes, Path::new("x.toml")).map_err(|error| error.to_string());
        if message.as_ref().err() != Some(&expected) {
            wrong.push(format!("{}\n  expected {expected}\n  got      {message:?}", file.display()));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 30);
}

#[test]
fn every_key_is_read() {
    let config = parse(
        "profile = 'spl'\nhost = \"short\"\ntheme = \"dark\"\nascii = true\nmouse = false\nmin-score = 0\ncase = \"cases/x.ndjson\"\n\
         [patterns]\nci-host = '(?i)ci[-_]'\nide-parent = 'code\\.exe'\n",
    )
    .unwrap();
    let expected = Config {
        profile: Some("spl".into()),
        host: Some("short".into()),
        theme: Some("dark".into()),
        ascii: Some(true),
        mouse: Some(false),
        min_score: Some(0),
        case: Some(Path::new("cases/x.ndjson").to_owned()),
        ci_host: Some("(?i)ci[-_]".into()),
        ide_parent: Some(r"code\.exe".into()),
        ..Config::default()
    };
    assert_eq!(config, expected);
    let config = parse(
        "builtin-exceptions = ['renovate']\n[[exceptions]]\nname = 'm'\ncommand_line = 'b'\nhost = 'a'\nreason = 'r'\n\
         expires = 2026-12-31\n[[exceptions]]\nname = 'off'\nenabled = false\nuser = 'x'\nreason = 'r'\n",
    )
    .unwrap();
    let names: Vec<_> = config.exceptions.all().iter().map(|exception| exception.name.as_str()).collect();
    assert_eq!(names, ["renovate", "m"], "the one that is off is left out");
    let own = &config.exceptions.all()[1];
    assert_eq!((own.reason.as_str(), own.expires.unwrap().to_string()), ("r", "2026-12-31".to_owned()));
    let terms: Vec<_> = own.terms.iter().map(|(field, pattern)| (field.key(), pattern.text())).collect();
    assert_eq!(terms, [("host", "a"), ("command-line", "b")]);
    assert_eq!(parse(""), Ok(Config::default()));
    assert_eq!(parse("\u{feff}mouse = true").unwrap().mouse, Some(true), "editors on Windows write a mark");
    assert_eq!(parse("patterns.ci-host = 'x'\r\n").unwrap().ci_host.as_deref(), Some("x"));
}

#[test]
fn the_template_says_nothing_and_its_examples_are_valid() {
    assert_eq!(parse(TEMPLATE), Ok(Config::default()));
    let examples: String = TEMPLATE
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| {
            line.starts_with('[') || line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '))
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    let config = parse(&examples).unwrap();
    assert!(config.profile.is_some() && config.host.is_some() && config.theme.is_some());
    assert!(config.ascii.is_some() && config.mouse.is_some() && config.min_score.is_some());
    assert!(config.case.is_some());
    assert!(config.ci_host.is_some() && config.ide_parent.is_some(), "{examples}");
    assert_eq!(config.exceptions.all().len(), 2, "{examples}");
}

#[test]
fn the_folder_is_where_the_environment_says() {
    let folder = |variables: &[(&str, &str)], is_windows| {
        let variables: Vec<(String, String)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        folder_from(
            |name| variables.iter().find(|(own, _)| own == name).map(|(_, value)| OsString::from(value)),
            is_windows,
        )
    };
    let home = ("HOME", "/home/a");
    assert_eq!(folder(&[home], false), Some("/home/a/.config/exfilscope".into()));
    assert_eq!(folder(&[home, ("XDG_CONFIG_HOME", "")], false), Some("/home/a/.config/exfilscope".into()));
    assert_eq!(
        folder(&[home, ("XDG_CONFIG_HOME", "relative")], false),
        Some("/home/a/.config/exfilscope".into())
    );
    #[cfg(unix)]
    assert_eq!(folder(&[home, ("XDG_CONFIG_HOME", "/x")], false), Some("/x/exfilscope".into()));
    assert_eq!(folder(&[home, ("EXFILSCOPE_CONFIG", "here")], false), Some("here".into()));
    assert_eq!(folder(&[], false), None);
    assert_eq!(folder(&[("APPDATA", "A")], true), Some(Path::new("A").join("exfilscope")));
    assert_eq!(folder(&[home], true), None);
}

#[test]
fn a_missing_file_matters_only_if_it_was_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    let config = Config::load_from(path.clone(), false).unwrap();
    assert_eq!(config, Config { path: Some(path.clone()), ..Config::default() });
    let error = Config::load(Some(&path)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{} cannot be read: there is no such file: check the spelling.", path.display())
    );
    let error = Config::load(Some(folder.path())).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{} cannot be read: it is a folder: name a file.", folder.path().display())
    );
    fs::write(&path, "mouse = true\n").unwrap();
    let config = Config::load(Some(&path)).unwrap();
    assert_eq!(config.snapshot.as_deref(), Some(b"mouse = true\n".as_slice()));
    fs::write(&path, vec![b'#'; usize::try_from(SIZE_LIMIT).unwrap() + 1]).unwrap();
    let error = Config::load(Some(&path)).unwrap_err();
    assert_eq!(error.to_string(), format!("{} cannot be read: it is larger than 1 MiB.", path.display()));
}

fn saved(before: &str, ci_host: Option<&str>, ide_parent: Option<&str>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    fs::write(&path, before).unwrap();
    let saved = save_patterns(&path, Some(before.as_bytes()), ci_host, ide_parent).unwrap();
    assert_eq!(fs::read(&path).unwrap(), saved.snapshot);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    String::from_utf8(saved.snapshot).unwrap()
}

#[test]
fn what_is_not_changed_stays_byte_for_byte() {
    for (before, after) in [
        (
            "# mine\ntheme = 'dark' # at night\n\n[patterns] # tuned\n# why\nide-parent   =  'code'   # both\nci-host = \"a\" # team\n# end\n",
            "# mine\ntheme = 'dark' # at night\n\n[patterns] # tuned\n# why\nide-parent   =  'code'   # both\nci-host = '(?i)b\\d' # team\n# end\n",
        ),
        ("# mine\nmouse = true\n", "# mine\nmouse = true\n\n[patterns]\nci-host = '(?i)b\\d'\n"),
        (
            "patterns.ide-parent = 'x'\nmouse = true\n",
            "patterns.ide-parent = 'x'\npatterns.ci-host = '(?i)b\\d'\nmouse = true\n",
        ),
        ("patterns = { ide-parent = 'x' }\n", "patterns = { ide-parent = 'x' , ci-host = '(?i)b\\d' }\n"),
        ("[patterns]\n", "[patterns]\nci-host = '(?i)b\\d'\n"),
        ("", "[patterns]\nci-host = '(?i)b\\d'\n"),
        (
            "\u{feff}# x\r\nmouse = true # y\r\n\r\n[patterns] # z\r\nci-host = 'a' # b\r\n\r\n# end\r\n",
            "\u{feff}# x\r\nmouse = true # y\r\n\r\n[patterns] # z\r\nci-host = '(?i)b\\d' # b\r\n\r\n# end\r\n",
        ),
        ("# x\r\nmouse = true\r\n", "# x\r\nmouse = true\r\n\r\n[patterns]\r\nci-host = '(?i)b\\d'\r\n"),
        ("# only a comment\n", "# only a comment\n\n[patterns]\nci-host = '(?i)b\\d'\n"),
        ("mouse = true\n# last", "mouse = true\n# last\n\n[patterns]\nci-host = '(?i)b\\d'\n"),
        ("mouse = true", "mouse = true\n\n[patterns]\nci-host = '(?i)b\\d'\n"),
    ] {
        assert_eq!(saved(before, Some(r"(?i)b\d"), None), after);
    }
    let both = saved("", Some("a'b\"c\\d"), Some("ü"));
    let config = parse(&both).unwrap();
    assert_eq!((config.ci_host.as_deref(), config.ide_parent.as_deref()), (Some("a'b\"c\\d"), Some("ü")));
    let unchanged = "[patterns]\nci-host = 'a'\n";
    assert_eq!(saved(unchanged, None, None), unchanged);
}

#[test]
fn a_new_file_comes_from_the_template() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er").join(FILE_NAME);
    let saved = save_patterns(&path, None, Some("ci"), Some("ide")).unwrap();
    let text = String::from_utf8(saved.snapshot).unwrap();
    assert!(text.starts_with("# The configuration of exfilscope."), "{text}");
    assert!(text.ends_with("\n[patterns]\nci-host = \"ci\"\nide-parent = \"ide\"\n"), "{text}");
    assert_eq!(Config::load(Some(&path)).unwrap().ci_host.as_deref(), Some("ci"));
}

#[test]
fn a_file_that_somebody_changed_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    fs::write(&path, "mouse = true\n").unwrap();
    for snapshot in [None, Some(b"mouse = false\n".as_slice())] {
        let error = save_patterns(&path, snapshot, Some("x"), None).unwrap_err();
        assert_eq!(error, ConfigError::ChangedMeanwhile { path: path.clone() });
        assert_eq!(
            error.to_string(),
            format!(
                "{} was changed by somebody else since it was read; nothing was written.",
                path.display()
            )
        );
    }
    assert_eq!(fs::read(&path).unwrap(), b"mouse = true\n");
    fs::remove_file(&path).unwrap();
    let error = save_patterns(&path, Some(b"mouse = true\n"), Some("x"), None).unwrap_err();
    assert!(matches!(error, ConfigError::ChangedMeanwhile { .. }), "it was deleted");
    assert!(!path.exists());
}

#[test]
fn what_cannot_be_written_is_a_sentence_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    fs::write(&path, "mouse = true\n").unwrap();
    let error = save_patterns(&path, Some(b"mouse = true\n"), Some("(x"), None).unwrap_err();
    assert!(error.to_string().ends_with("this group is not closed: add `)`"), "{error}");
    let below = path.join(FILE_NAME);
    let error = save_patterns(&below, None, Some("x"), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{} cannot be written: a part of its path is no folder.", below.display())
    );

    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    let error = save_patterns(&path, Some(b"mouse = true\n"), Some("x"), None).unwrap_err();
    assert_eq!(error.to_string(), format!("{} cannot be written: it is read-only.", path.display()));
    assert_eq!(fs::read(&path).unwrap(), b"mouse = true\n");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    // Windows deletes no read-only file.
    #[cfg(windows)]
    {
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        #[expect(clippy::permissions_set_readonly_false, reason = "Windows alone")]
        permissions.set_readonly(false);
        fs::set_permissions(&path, permissions).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_a_sentence() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    // For root, no folder is read-only.
    if fs::write(folder.path().join("probe"), "").is_err() {
        let path = folder.path().join(FILE_NAME);
        let error = save_patterns(&path, None, Some("x"), None).unwrap_err();
        assert_eq!(error.to_string(), format!("{} cannot be written: permission is denied.", path.display()));
    }
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().join("real.toml");
    let link = folder.path().join(FILE_NAME);
    fs::write(&real, "").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    save_patterns(&link, Some(b""), Some("x"), None).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_to_string(&real).unwrap(), "[patterns]\nci-host = \"x\"\n");
}

proptest! {
    #[test]
    fn no_text_panics(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = Config::parse(&bytes, Path::new(FILE_NAME));
    }

    #[test]
    fn no_likely_text_panics(text in "(profile|min-score|patterns|ci-host|[=\\[\\]{}\"'\n #.,\\\\-]|[0-9a-zü]|true){0,20}") {
        let _ = parse(&text);
    }

    #[test]
    fn any_pattern_reads_back(pattern in ".{0,20}") {
        if pattern_fault(&pattern).is_none() {
            let text = saved("# x\n", Some(&pattern), Some(&pattern));
            let config = parse(&text).unwrap();
            prop_assert_eq!(config.ci_host.as_ref(), Some(&pattern));
            prop_assert_eq!(config.ide_parent.as_ref(), Some(&pattern));
        }
    }
}
