//! Elasticsearch's ES|QL, over the fields of winlogbeat and the elastic agent. Its RLIKE is Lucene's: anchored, with
//! case, and without look at words or lines. `^`, `$` and `\b` are said otherwise where a branch begins or ends with
//! them; elsewhere a pattern with them can't be exported.

use regex_syntax::ast::{self, AssertionKind, Ast, GroupKind};

use super::{Rule, exceptions, join_remark, list};
use crate::detect::exception::{Day, ExceptionField};
use crate::detect::pattern::Pattern;
use crate::detect::profile::Profile;
use crate::detect::selection::{
    API_HOSTS, API_IMAGES, API_WORDS, NET_HOSTS, NET_IMAGES, PUSH_HOSTS, PUSH_IMAGES, PUSH_WORDS,
};
use crate::detect::signal::{SIGNAL_API_HOSTS, SIGNAL_PUSH_HOSTS};

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

/// A search of a pattern in a column.
fn matches(column: &str, pattern: &Pattern) -> Result<String, String> {
    let (regex, lowered) = lucene(pattern.text())?;
    let column = if lowered { format!("TO_LOWER({column})") } else { column.to_owned() };
    Ok(format!("{column} RLIKE {}", quoted(&regex)))
}

/// The name of the exception that holds, or null.
fn excepted(rule: &Rule<'_>) -> Result<String, String> {
    let term = |field: ExceptionField, pattern: &Pattern| matches(field.column(), pattern);
    let until = |last: Day| format!("NOW() < TO_DATETIME(\"{}T00:00:00Z\")", last.next());
    let arms = exceptions::arms(rule.exceptions, (" AND ", ",\n    "), quoted, term, until)
        .map_err(|(name, error)| format!("the exception {name}: {error}"))?;
    Ok(if arms.is_empty() { arms } else { format!("| EVAL Exception = CASE({arms}null)\n") })
}

pub(super) fn write(rule: &Rule<'_>) -> Result<String, String> {
    let like = |field: &str, before: &str, after: &str| {
        let field = field.to_owned();
        let (before, after) = (before.to_owned(), after.to_owned());
        move |texts: &[&str]| {
            let each = |text: &str| {
                // In LIKE a backslash escapes, and so does one in the string around it.
                let literal = text.to_lowercase().replace('\\', r"\\");
                format!("TO_LOWER({field}) LIKE {}", quoted(&format!("{before}{literal}{after}")))
            };
            format!("({})", list(texts, " OR ", each))
        }
    };
    let (ends, holds) = (like("Image", "*", ""), like("CommandLine", "*", "*"));
    let says = |texts: &[&str]| {
        format!(
            "({})",
            list(texts, " OR ", |text| format!("CommandLine LIKE {}", quoted(&format!("*{text}*"))))
        )
    };
    let signal = match rule.profile {
        Profile::Spl => format!(
            "CASE(EventCode == \"3\", \"NetworkConnectionToCodeRepo\",\n    \
             CommandLine LIKE \"*push*\" AND {}, \"GitPushExternal\",\n    \
             {}, \"CodeRepoAPIUpload\",\n    \
             \"Unknown\")",
            says(&SIGNAL_PUSH_HOSTS),
            says(&SIGNAL_API_HOSTS)
        ),
        Profile::Correlated | Profile::Hunt => format!(
            "CASE(EventCode == \"3\", \"NetworkConnectionToCodeRepo\", {}, \"GitPushExternal\", \"CodeRepoAPIUpload\")",
            ends(&PUSH_IMAGES)
        ),
    };
    let flag =
        |field: &str, pattern: &Pattern| Ok::<_, String>(format!("CASE({}, 1, 0)", matches(field, pattern)?));
    Ok(format!(
        "{remark}FROM logs-*, winlogbeat-*\n\
         | WHERE winlog.channel == \"Microsoft-Windows-Sysmon/Operational\" AND event.code IN (\"1\", \"3\")\n\
         | EVAL EventCode = event.code, host = host.name, User = user.name, Image = process.executable,\n    \
         CommandLine = process.command_line, ParentImage = process.parent.executable,\n    \
         ParentCommandLine = process.parent.command_line, DestinationHostname = destination.domain\n\
         | WHERE (EventCode == \"3\" AND TO_LOWER(DestinationHostname) IN ({net_hosts}) AND {net_images})\n    \
         OR (EventCode == \"1\" AND {push_images} AND {push_words} AND {push})\n    \
         OR (EventCode == \"1\" AND {api_images} AND {api} AND {api_words})\n\
         | EVAL Signal = {signal}\n\
         | EVAL IsCISystem = {ci},\n    IsKnownIDE = {ide}\n\
         {excepted}| EVAL SuspicionScore = CASE({unless}Signal IN (\"GitPushExternal\", \"CodeRepoAPIUpload\") AND IsCISystem == 0, 3,\n    \
         Signal == \"NetworkConnectionToCodeRepo\" AND IsCISystem == 0 AND IsKnownIDE == 0, 2,\n    \
         Signal == \"NetworkConnectionToCodeRepo\" AND IsCISystem == 0, 1,\n    \
         0)\n\
         | WHERE SuspicionScore >= 2\n\
         | SORT SuspicionScore DESC, @timestamp DESC\n\
         | KEEP @timestamp, host, User, Image, CommandLine, ParentImage, ParentCommandLine, DestinationHostname, Signal,\n    \
         IsCISystem, IsKnownIDE, SuspicionScore\n",
        remark = join_remark(rule, "//"),
        excepted = excepted(rule)?,
        unless = if rule.exceptions.all().is_empty() { "" } else { "Exception IS NOT NULL, 0,\n    " },
        net_hosts = list(&NET_HOSTS, ", ", quoted),
        net_images = ends(&NET_IMAGES),
        push_images = ends(&PUSH_IMAGES),
        push_words = holds(&PUSH_WORDS),
        push = holds(&PUSH_HOSTS),
        api_images = ends(&API_IMAGES),
        api = holds(&API_HOSTS),
        api_words = holds(&API_WORDS),
        ci = flag("host", &rule.patterns.ci_host)?,
        ide = flag("ParentImage", &rule.patterns.ide_parent)?,
    ))
}

/// A search for a pattern as Lucene writes a match of the whole text, and whether that text is to be in lower case.
/// `(?i)` is understood at the very beginning alone.
fn lucene(pattern: &str) -> Result<(String, bool), String> {
    let (body, lowered) = pattern.strip_prefix("(?i)").map_or((pattern, false), |body| (body, true));
    let tree = ast::parse::Parser::new().parse(body).map_err(|error| error.to_string())?;
    let mut branches = Vec::new();
    flatten(&tree, &mut branches);
    if branches.iter().all(|branch| Edges::of(branch).is_open()) {
        let mut out = String::new();
        translate(&tree, body, lowered, &mut out)?;
        return Ok((format!(".*({out}).*"), lowered));
    }
    let mut searches = Vec::new();
    for branch in branches {
        let edges = Edges::of(branch);
        let mut out = String::new();
        for part in edges.inner {
            translate(part, body, lowered, &mut out)?;
        }
        searches.push(format!("{}({out}){}", edges.before, edges.after));
    }
    Ok((searches.join("|"), lowered))
}

/// The alternatives of a pattern, out of their groups.
fn flatten<'a>(tree: &'a Ast, branches: &mut Vec<&'a Ast>) {
    match tree {
        Ast::Alternation(alternation) => alternation.asts.iter().for_each(|branch| flatten(branch, branches)),
        Ast::Group(group) if !has_flags(group) => flatten(&group.ast, branches),
        other => branches.push(other),
    }
}

fn has_flags(group: &ast::Group) -> bool {
    matches!(&group.kind, GroupKind::NonCapturing(flags) if !flags.items.is_empty())
}

/// A branch without what it begins and ends with, and what stands for that.
struct Edges<'a> {
    before: &'static str,
    inner: &'a [Ast],
    after: &'static str,
}

impl<'a> Edges<'a> {
    fn of(branch: &'a Ast) -> Self {
        let Ast::Concat(concat) = branch else {
            return Self { before: ".*", inner: std::slice::from_ref(branch), after: ".*" };
        };
        let (mut before, mut inner, mut after) = (".*", concat.asts.as_slice(), ".*");
        if let [Ast::Assertion(first), rest @ ..] = inner {
            let stands_for = match first.kind {
                AssertionKind::StartLine | AssertionKind::StartText => Some(""),
                AssertionKind::WordBoundary if rest.first().is_some_and(is_of_words) => {
                    Some("(.*[^A-Za-z0-9_])?")
                }
                _ => None,
            };
            if let Some(stands_for) = stands_for {
                (before, inner) = (stands_for, rest);
            }
        }
        if let [rest @ .., Ast::Assertion(last)] = inner {
            let stands_for = match last.kind {
                AssertionKind::EndLine | AssertionKind::EndText => Some(""),
                AssertionKind::WordBoundary if rest.last().is_some_and(is_of_words) => {
                    Some("([^A-Za-z0-9_].*)?")
                }
                _ => None,
            };
            if let Some(stands_for) = stands_for {
                (inner, after) = (rest, stands_for);
            }
        }
        Self { before, inner, after }
    }

    fn is_open(&self) -> bool {
        (self.before, self.after) == (".*", ".*")
    }
}

/// Whether a part matches nothing but characters of words, one at least.
fn is_of_words(part: &Ast) -> bool {
    match part {
        Ast::Literal(literal) => literal.c.is_ascii_alphanumeric() || literal.c == '_',
        Ast::ClassPerl(class) => !class.negated && !matches!(class.kind, ast::ClassPerlKind::Space),
        Ast::Repetition(repetition) => {
            matches!(repetition.op.kind, ast::RepetitionKind::OneOrMore) && is_of_words(&repetition.ast)
        }
        Ast::Group(group) => is_of_words(&group.ast),
        Ast::Concat(concat) => concat.asts.iter().all(is_of_words),
        Ast::Alternation(alternation) => alternation.asts.iter().all(is_of_words),
        _ => false,
    }
}

fn translate(tree: &Ast, source: &str, lowered: bool, out: &mut String) -> Result<(), String> {
    let cannot =
        |what: &str| Err(format!("ES|QL's RLIKE has no {what}: write the pattern without it to export it"));
    let piece = |span: &ast::Span| source.get(span.start.offset..span.end.offset).unwrap_or("");
    match tree {
        Ast::Empty(_) => {}
        Ast::Dot(_) => out.push('.'),
        Ast::Literal(literal) => {
            let c = literal.c;
            let c: String = if lowered { c.to_lowercase().collect() } else { c.to_string() };
            for c in c.chars() {
                // All that Lucene gives a meaning to, its optional operators included.
                if r#".?+*|{}[]()"\#@&<>~^$-"#.contains(c) {
                    out.push('\\');
                }
                out.push(c);
            }
        }
        Ast::ClassBracketed(class) => {
            let text = piece(&class.span);
            if text.contains("&&") || text.contains("[:") || text.contains("\\p") {
                return cannot("such character classes");
            }
            out.push_str(&if lowered { text.to_lowercase() } else { text.to_owned() });
        }
        Ast::ClassPerl(class) => match (&class.kind, class.negated) {
            (ast::ClassPerlKind::Digit, false) => out.push_str("[0-9]"),
            (ast::ClassPerlKind::Digit, true) => out.push_str("[^0-9]"),
            (ast::ClassPerlKind::Word, false) => out.push_str("[A-Za-z0-9_]"),
            (ast::ClassPerlKind::Word, true) => out.push_str("[^A-Za-z0-9_]"),
            (ast::ClassPerlKind::Space, false) => out.push_str("[ \t\r\n]"),
            (ast::ClassPerlKind::Space, true) => out.push_str("[^ \t\r\n]"),
        },
        Ast::Repetition(repetition) => {
            out.push('(');
            translate(&repetition.ast, source, lowered, out)?;
            out.push(')');
            out.push_str(piece(&repetition.op.span).trim_end_matches(|c| c == '?' && !repetition.greedy));
        }
        Ast::Group(group) => {
            if has_flags(group) {
                return cannot("flags inside a pattern");
            }
            out.push('(');
            translate(&group.ast, source, lowered, out)?;
            out.push(')');
        }
        Ast::Alternation(alternation) => {
            for (number, branch) in alternation.asts.iter().enumerate() {
                if number > 0 {
                    out.push('|');
                }
                translate(branch, source, lowered, out)?;
            }
        }
        Ast::Concat(concat) => {
            for part in &concat.asts {
                translate(part, source, lowered, out)?;
            }
        }
        Ast::Assertion(_) => return cannot(r"^, $ or \b inside a branch"),
        Ast::Flags(_) => return cannot("flags inside a pattern"),
        Ast::ClassUnicode(_) => return cannot(r"\p classes"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_become_lucenes_or_say_why_not() {
        assert_eq!(
            lucene(r"(?i)(CI[-_]|build\d+|code\.exe)"),
            Ok((r".*((ci[-_]|build([0-9])+|code\.exe)).*".to_owned(), true))
        );
        assert_eq!(lucene(r"a@b|C"), Ok((r".*(a\@b|C).*".to_owned(), false)));
        assert_eq!(
            lucene(r"(?i)(ci[-_]|\bdev\b)|^A\.b$"),
            Ok((
                r".*(ci[\-_]).*|(.*[^A-Za-z0-9_])?(dev)([^A-Za-z0-9_].*)?|(a\.b)".replace(r"[\-_]", "[-_]"),
                true
            ))
        );
        for pattern in [r"\b-ci", "a^b", r"a(?i)b", r"\pL"] {
            assert!(lucene(pattern).is_err_and(|error| error.contains("RLIKE has no")), "{pattern}");
        }
    }
}
