//! Exported patterns, held against the engines themselves where these are installed as Python's packages. They are not
//! run by default: `EXFILSCOPE_PYTHON=… cargo test --lib -- --ignored engine_tests`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::TestRunner;

use super::pattern::{patterns, texts};
use super::{Engine, Rule, export};
use crate::detect::exception::Exceptions;
use crate::detect::pattern::{Pattern, Patterns};
use crate::detect::profile::Profile;

/// Patterns that are tried; `EXFILSCOPE_PATTERNS` says another number.
const PATTERNS: usize = 400;

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// Exported rules with a generated CI-host pattern: the rule in hexadecimal, then texts with whether the pattern finds
/// something in them; a line each. Says how many texts there are.
fn cases(engine: Engine, takes: impl Fn(&str) -> bool) -> (String, usize) {
    // Another number of patterns tries other ones.
    let seed = std::env::var_os("EXFILSCOPE_PATTERNS");
    let mut runner = if seed.is_some() { TestRunner::default() } else { TestRunner::deterministic() };
    let (mut lines, mut pairs, mut rules) = (String::new(), 0, 0);
    let wanted =
        std::env::var("EXFILSCOPE_PATTERNS").ok().and_then(|text| text.parse().ok()).unwrap_or(PATTERNS);
    while rules < wanted {
        let text = patterns().new_tree(&mut runner).unwrap().current();
        let texts = texts().new_tree(&mut runner).unwrap().current();
        let Ok(pattern) = Pattern::new(&text) else { continue };
        let patterns = Patterns { ci_host: pattern.clone(), ..Patterns::new(None, None).unwrap() };
        let exceptions = Exceptions::default();
        let rule = Rule { patterns: &patterns, exceptions: &exceptions, profile: Profile::Spl, table: "t" };
        let Ok(rule) = export(engine, &rule) else { continue };
        rules += 1;
        lines.push_str(&hex(&rule));
        for text in texts.iter().filter(|text| takes(text)) {
            pairs += 1;
            let found = if pattern.matches(Some(text)) { "1" } else { "0" };
            lines.extend(["\t", found, &hex(text)]);
        }
        lines.push('\n');
    }
    (lines, pairs)
}

fn python(script: &str, input: &str) -> String {
    let python = std::env::var("EXFILSCOPE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut child = Command::new(python)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python is installed");
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "needs Python with chdb"]
fn clickhouse_finds_what_the_pattern_finds() {
    let (lines, pairs) = cases(Engine::Clickhouse, |_| true);
    let script = r#"
import sys, re, chdb
wrong = checked = 0
for line in sys.stdin:
    rule, *texts = line.rstrip('\n').split('\t')
    rule = bytes.fromhex(rule).decode()
    literal = re.search(r"match\(nullIf\(host, ''\), ('(?:[^'\\]|\\.)*')\)", rule, re.S).group(1)
    array = ','.join("unhex('%s')" % text[1:] for text in texts)
    if not texts: continue
    query = "SELECT arrayMap(t -> match(t, %s), [%s])" % (literal, array)
    answer = str(chdb.query(query, 'TSV')).strip()
    found = answer.strip('[]').split(',')
    for text, is_found in zip(texts, found):
        checked += 1
        if text[0] != is_found:
            wrong += 1
            print('WRONG', literal, bytes.fromhex(text[1:]).decode(), text[0], is_found)
print(checked, wrong)
"#;
    let said = python(script, &lines);
    assert_eq!(said.trim(), format!("{pairs} 0"), "{said}");
    println!("{pairs} texts");
    assert!(pairs > 2000);
}

#[test]
#[ignore = "needs Python with pySigma"]
fn sigma_finds_what_the_pattern_finds() {
    // Outside of ASCII its back ends differ.
    let (lines, pairs) = cases(Engine::Sigma, |text| text.is_ascii() && !text.ends_with('\n'));
    let script = r"
import sys, re, yaml
from sigma.collection import SigmaCollection
wrong = checked = 0
for line in sys.stdin:
    rule, *texts = line.rstrip('\n').split('\t')
    rule = bytes.fromhex(rule).decode()
    SigmaCollection.from_yaml(rule)
    pattern = re.compile(yaml.safe_load(rule)['detection']['ci_system']['Computer|re'])
    for text in texts:
        checked += 1
        subject = bytes.fromhex(text[1:]).decode()
        if (text[0] == '1') != bool(pattern.search(subject)):
            wrong += 1
            print('WRONG', pattern.pattern, repr(subject), text[0])
print(checked, wrong)
";
    let said = python(script, &lines);
    assert_eq!(said.trim(), format!("{pairs} 0"), "{said}");
    assert!(pairs > 500);
}
