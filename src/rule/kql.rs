//! Kusto, over Microsoft Sentinel's `Event` table, whose EventData is XML.

use super::pattern::{Dialect, written};
use super::{Rule, both, exceptions, join_remark, list, one_of};
use crate::detect::exception::{Day, ExceptionField};
use crate::detect::pattern::Pattern;
use crate::detect::profile::Profile;
use crate::detect::selection::{
    API_HOSTS, API_IMAGES, API_WORDS, NET_HOSTS, NET_IMAGES, PUSH_HOSTS, PUSH_IMAGES, PUSH_WORDS,
};
use crate::detect::signal::{SIGNAL_API_HOSTS, SIGNAL_PUSH_HOSTS};

/// A verbatim string: backslashes stand for themselves, a quote is doubled.
fn quoted(text: &str) -> String {
    format!("@\"{}\"", text.replace('"', "\"\""))
}

/// The name of the exception that holds, or an empty text.
fn excepted(rule: &Rule<'_>) -> Result<String, String> {
    let term = |field: ExceptionField, pattern: &Pattern| {
        super::term(field, written(Dialect::Kusto, pattern), |column, regex| {
            format!("isnotempty({column}) and {column} matches regex {}", quoted(regex))
        })
    };
    let until = |last: Day| format!("now() < datetime({})", last.next());
    let arms = exceptions::arms(rule.exceptions, (" and ", ",\n    "), quoted, term, until)?;
    Ok(if arms.is_empty() { arms } else { format!("| extend Exception = case({arms}\"\")\n") })
}

pub(super) fn write(rule: &Rule<'_>) -> Result<String, String> {
    let (ci, ide) = both(rule, |pattern| written(Dialect::Kusto, pattern))?;
    let ends = |texts: &[&str]| {
        format!("({})", list(texts, " or ", |text| format!("Image endswith {}", quoted(text))))
    };
    let holds = |texts: &[&str]| {
        format!("({})", list(texts, " or ", |text| format!("CommandLine contains {}", quoted(text))))
    };
    let says = |texts: &[&str]| format!("CommandLine matches regex {}", quoted(&one_of(texts)));
    let signal = match rule.profile {
        Profile::Spl => format!(
            "case(EventID == 3, \"NetworkConnectionToCodeRepo\",\n    \
             CommandLine contains_cs \"push\" and {}, \"GitPushExternal\",\n    \
             {}, \"CodeRepoAPIUpload\",\n    \
             \"Unknown\")",
            says(&SIGNAL_PUSH_HOSTS),
            says(&SIGNAL_API_HOSTS)
        ),
        Profile::Correlated | Profile::Hunt => format!(
            "case(EventID == 3, \"NetworkConnectionToCodeRepo\", {}, \"GitPushExternal\", \"CodeRepoAPIUpload\")",
            ends(&PUSH_IMAGES)
        ),
    };
    let fields = ["User", "Image", "CommandLine", "ParentImage", "ParentCommandLine", "DestinationHostname"];
    Ok(format!(
        "{remark}Event\n\
         | where Source == \"Microsoft-Windows-Sysmon\" and EventID in (1, 3)\n\
         | extend Data = parse_xml(EventData).DataItem.EventData.Data\n\
         | mv-apply Data on (summarize Fields = make_bag(bag_pack(tostring(Data[\"@Name\"]), tostring(Data[\"#text\"]))))\n\
         | extend {fields}, host = Computer\n\
         | where (EventID == 3 and DestinationHostname in~ ({net_hosts}) and {net_images})\n    \
         or (EventID == 1 and {push_images} and {push_words} and {push})\n    \
         or (EventID == 1 and {api_images} and {api} and {api_words})\n\
         | extend Signal = {signal}\n\
         | extend IsCISystem = toint(host matches regex {ci}), IsKnownIDE = toint(ParentImage matches regex {ide})\n\
         {excepted}| extend SuspicionScore = case({unless}Signal in (\"GitPushExternal\", \"CodeRepoAPIUpload\") and IsCISystem == 0, 3,\n    \
         Signal == \"NetworkConnectionToCodeRepo\" and IsCISystem == 0 and IsKnownIDE == 0, 2,\n    \
         Signal == \"NetworkConnectionToCodeRepo\" and IsCISystem == 0, 1,\n    \
         0)\n\
         | where SuspicionScore >= 2\n\
         | sort by SuspicionScore desc, TimeGenerated desc\n\
         | project TimeGenerated, host, {names}, Signal, IsCISystem, IsKnownIDE, SuspicionScore\n",
        remark = join_remark(rule, "//"),
        fields = list(&fields, ", ", |field| format!("{field} = tostring(Fields.{field})")),
        excepted = excepted(rule)?,
        unless = if rule.exceptions.all().is_empty() { "" } else { "isnotempty(Exception), 0,\n    " },
        net_hosts = list(&NET_HOSTS, ", ", quoted),
        net_images = ends(&NET_IMAGES),
        push_images = ends(&PUSH_IMAGES),
        push_words = holds(&PUSH_WORDS),
        push = holds(&PUSH_HOSTS),
        api_images = ends(&API_IMAGES),
        api = holds(&API_HOSTS),
        api_words = holds(&API_WORDS),
        ci = quoted(&ci),
        ide = quoted(&ide),
        names = fields.join(", "),
    ))
}
