//! Elasticsearch's ES|QL, over the fields of winlogbeat and the elastic agent.

use super::pattern::{Search, lucene};
use super::{Rule, both, exceptions, join_remark, list, script_remark};
use crate::detect::exception::{Day, ExceptionField};
use crate::detect::pattern::Pattern;
use crate::detect::profile::Profile;
use crate::detect::selection::{
    API_HOSTS, API_IMAGES, API_WORDS, NET_HOSTS, NET_IMAGES, PUSH_HOSTS, PUSH_IMAGES, PUSH_WORDS,
};
use crate::detect::signal::{SIGNAL_API_HOSTS, SIGNAL_PUSH_HOSTS};

fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A search of a pattern in a column.
fn matches(column: &str, search: &Search) -> String {
    let column = if search.is_lowered { format!("TO_LOWER({column})") } else { column.to_owned() };
    format!("{column} RLIKE {}", quoted(&search.regex))
}

/// The name of the exception that holds, or null.
fn excepted(rule: &Rule<'_>) -> Result<String, String> {
    let term = |field: ExceptionField, pattern: &Pattern| {
        let written = lucene(pattern).map(|search| matches(field.column(), &search));
        super::term(field, written, |_, condition| condition.to_owned())
    };
    let until = |last: Day| format!("NOW() < TO_DATETIME(\"{}T00:00:00Z\")", last.next());
    let arms = exceptions::arms(rule.exceptions, (" AND ", ",\n    "), quoted, term, until)?;
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
    let (ci, ide) = both(rule, lucene)?;
    let flag = |field: &str, search: &Search| format!("CASE({}, 1, 0)", matches(field, search));
    let remark = join_remark(rule, "//") + &script_remark(rule, "//");
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
        ci = flag("host", &ci),
        ide = flag("ParentImage", &ide),
    ))
}
