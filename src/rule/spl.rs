//! Splunk: the source search itself, with the two patterns replaced and its ORs in parentheses.

use super::pattern::{Dialect, written};
use super::{Rule, both, exceptions, join_remark, list, one_of, script_remark};
use crate::detect::exception::{Day, ExceptionField};
use crate::detect::pattern::Pattern;
use crate::detect::profile::Profile;
use crate::detect::selection::{
    API_HOSTS, API_IMAGES, API_WORDS, NET_HOSTS, NET_IMAGES, PUSH_HOSTS, PUSH_IMAGES, PUSH_WORDS,
};
use crate::detect::signal::{SIGNAL_API_HOSTS, SIGNAL_PUSH_HOSTS};
use crate::model::row::SEARCH_COLUMNS;

/// A string of SPL.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

/// The name of the exception that holds, or null.
fn excepted(rule: &Rule<'_>) -> Result<String, String> {
    let term = |field: ExceptionField, pattern: &Pattern| {
        super::term(field, written(Dialect::Pcre, pattern), |column, regex| {
            format!("match({column}, {})", quoted(regex))
        })
    };
    let until = |last: Day| format!("now()<{}", last.end());
    let arms = exceptions::arms(rule.exceptions, (" AND ", ",\n    "), quoted, term, until)?;
    Ok(if arms.is_empty() { arms } else { format!("| eval Exception=case({arms}true(), null())\n") })
}

pub(super) fn write(rule: &Rule<'_>) -> Result<String, String> {
    let (ci, ide) = both(rule, |pattern| written(Dialect::Pcre, pattern))?;
    let field = |name: &str, texts: &[&str], before: &str, after: &str| {
        format!(
            "({})",
            list(texts, " OR ", |text| format!("{name}={}", quoted(&format!("{before}{text}{after}"))))
        )
    };
    let ends = |texts: &[&str]| field("Image", texts, "*", "");
    let holds = |texts: &[&str]| field("CommandLine", texts, "*", "*");
    let channel = "Microsoft-Windows-Sysmon/Operational";
    let places = ["source", "sourcetype"]
        .iter()
        .flat_map(|place| {
            ["XmlWinEventLog", "WinEventLog"].map(|kind| format!("{place}=\"{kind}:{channel}\""))
        })
        .collect::<Vec<_>>()
        .join(" OR ");
    let push_hosts = quoted(&one_of(&SIGNAL_PUSH_HOSTS));
    let api_hosts = quoted(&one_of(&SIGNAL_API_HOSTS));
    let signal = match rule.profile {
        Profile::Spl => format!(
            "| eval Signal=case(EventCode=3, \"NetworkConnectionToCodeRepo\",\n    \
             EventCode=1 AND match(CommandLine, \"push\") AND match(CommandLine, {push_hosts}), \"GitPushExternal\",\n    \
             EventCode=1 AND match(CommandLine, {api_hosts}), \"CodeRepoAPIUpload\",\n    \
             true(), \"Unknown\")"
        ),
        Profile::Correlated | Profile::Hunt => {
            "| eval Signal=case(EventCode=3, \"NetworkConnectionToCodeRepo\",\n    \
             EventCode=1 AND match(Image, \"(?i)\\\\\\\\git\\\\.exe\\\\z\"), \"GitPushExternal\",\n    \
             true(), \"CodeRepoAPIUpload\")"
                .to_owned()
        }
    };
    let remark = (join_remark(rule, "") + &script_remark(rule, "")).trim().to_owned();
    let remark = if remark.is_empty() { String::new() } else { format!("```{remark}```\n") };
    Ok(format!(
        "{remark}({places})\n\
         ( (EventCode=3 {net_hosts} {net_images})\n  \
         OR (EventCode=1 {push_images} {push_words} {push})\n  \
         OR (EventCode=1 {api_images} {api} {api_words}) )\n\
         {signal}\n\
         | eval IsCISystem=if(match(host, {ci}), 1, 0)\n\
         | eval IsKnownIDE=if(match(ParentImage, {ide}), 1, 0)\n\
         {excepted}| eval SuspicionScore=case({unless}(Signal=\"GitPushExternal\" OR Signal=\"CodeRepoAPIUpload\") AND IsCISystem=0, 3,\n    \
         Signal=\"NetworkConnectionToCodeRepo\" AND IsCISystem=0 AND IsKnownIDE=0, 2,\n    \
         Signal=\"NetworkConnectionToCodeRepo\" AND IsCISystem=0 AND IsKnownIDE=1, 1,\n    \
         true(), 0)\n\
         | where SuspicionScore>=2\n\
         | sort 0 - SuspicionScore, - _time\n\
         | table {columns}\n",
        excepted = excepted(rule)?,
        unless = if rule.exceptions.all().is_empty() { "" } else { "isnotnull(Exception), 0,\n    " },
        net_hosts = field("DestinationHostname", &NET_HOSTS, "", ""),
        net_images = ends(&NET_IMAGES),
        push_images = ends(&PUSH_IMAGES),
        push_words = holds(&PUSH_WORDS),
        push = holds(&PUSH_HOSTS),
        api_images = ends(&API_IMAGES),
        api = holds(&API_HOSTS),
        api_words = holds(&API_WORDS),
        ci = quoted(&ci),
        ide = quoted(&ide),
        columns = SEARCH_COLUMNS.join(", "),
    ))
}
