//! Elasticsearch's ES|QL, over the fields of winlogbeat and the elastic agent. Its RLIKE is Lucene's: anchored, with
//! case, and without look at words or lines; a pattern that needs these can't be exported.

use regex_syntax::ast::{self, Ast, GroupKind};

use super::{Rule, join_remark, list};
use crate::detect::pattern::Pattern;
use crate::detect::profile::Profile;
use crate::detect::selection::{
    API_HOSTS, API_IMAGES, API_WORDS, NET_HOSTS, NET_IMAGES, PUSH_HOSTS, PUSH_IMAGES, PUSH_WORDS,
};
use crate::detect::signal::{SIGNAL_API_HOSTS, SIGNAL_PUSH_HOSTS};

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
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
    let flag = |field: &str, pattern: &Pattern| -> Result<String, String> {
        let (regex, lowered) = lucene(pattern.text())?;
        let field = if lowered { format!("TO_LOWER({field})") } else { field.to_owned() };
        Ok(format!("CASE({field} RLIKE {}, 1, 0)", quoted(&format!(".*({regex}).*"))))
    };
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
         | EVAL SuspicionScore = CASE(Signal IN (\"GitPushExternal\", \"CodeRepoAPIUpload\") AND IsCISystem == 0, 3,\n    \
         Signal == \"NetworkConnectionToCodeRepo\" AND IsCISystem == 0 AND IsKnownIDE == 0, 2,\n    \
         Signal == \"NetworkConnectionToCodeRepo\" AND IsCISystem == 0, 1,\n    \
         0)\n\
         | WHERE SuspicionScore >= 2\n\
         | SORT SuspicionScore DESC, @timestamp DESC\n\
         | KEEP @timestamp, host, User, Image, CommandLine, ParentImage, ParentCommandLine, DestinationHostname, Signal,\n    \
         IsCISystem, IsKnownIDE, SuspicionScore\n",
        remark = join_remark(rule, "//"),
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

/// A pattern as Lucene writes it, and whether it is for a text in lower case. `(?i)` is understood at the very
/// beginning alone.
fn lucene(pattern: &str) -> Result<(String, bool), String> {
    let (body, lowered) = pattern.strip_prefix("(?i)").map_or((pattern, false), |body| (body, true));
    let tree = ast::parse::Parser::new().parse(body).map_err(|error| error.to_string())?;
    let mut out = String::new();
    translate(&tree, body, lowered, &mut out)?;
    Ok((out, lowered))
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
            if matches!(&group.kind, GroupKind::NonCapturing(flags) if !flags.items.is_empty()) {
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
        Ast::Assertion(_) => return cannot(r"^, $ or \b"),
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
            Ok((r"(ci[-_]|build([0-9])+|code\.exe)".to_owned(), true))
        );
        assert_eq!(lucene(r"a@b|C"), Ok((r"a\@b|C".to_owned(), false)));
        for pattern in [r"\bci", "^a", r"a(?i)b", r"\pL"] {
            assert!(lucene(pattern).is_err_and(|error| error.contains("RLIKE has no")), "{pattern}");
        }
    }
}
