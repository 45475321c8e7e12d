//! ClickHouse: one SELECT over a flat table, with the search's columns and scores.

use super::pattern::{Dialect, written};
use super::{Rule, both, exceptions, join_remark, list, one_of};
use crate::detect::exception::{Day, ExceptionField};
use crate::detect::pattern::Pattern;
use crate::detect::profile::Profile;
use crate::detect::selection::{
    API_HOSTS, API_IMAGES, API_WORDS, NET_HOSTS, NET_IMAGES, PUSH_HOSTS, PUSH_IMAGES, PUSH_WORDS,
};
use crate::detect::signal::{SIGNAL_API_HOSTS, SIGNAL_PUSH_HOSTS};
use crate::model::row::SEARCH_COLUMNS;
use crate::model::text::is_forbidden;

fn quoted(text: &str) -> String {
    format!("'{}'", escaped(text, '\''))
}

/// A text between quotes or backticks; what can't be seen is written byte by byte.
fn escaped(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\\' || c == quote {
            out.extend(['\\', c]);
        } else if is_forbidden(c) {
            let mut bytes = [0; 4];
            out.extend(c.encode_utf8(&mut bytes).bytes().map(|byte| format!("\\x{byte:02X}")));
        } else {
            out.push(c);
        }
    }
    out
}

/// A name between backticks; a dot between a database's and a table's stays one.
fn name(text: &str) -> String {
    text.split('.').map(|part| format!("`{}`", escaped(part, '`'))).collect::<Vec<_>>().join(".")
}

/// A pattern: here, unlike elsewhere, a dot matches line breaks unless told not to.
fn pattern(text: &str) -> String {
    quoted(&format!("(?-s){text}"))
}

/// The name of the exception that holds, or an empty text.
fn excepted(rule: &Rule<'_>) -> Result<String, String> {
    let term = |field: ExceptionField, text: &Pattern| {
        super::term(field, written(Dialect::ClickHouse, text), |column, regex| {
            format!("match(nullIf({column}, ''), {})", pattern(regex))
        })
    };
    let until = |last: Day| format!("toUnixTimestamp(now()) < {}", last.end());
    let arms = exceptions::arms(rule.exceptions, (" AND ", ",\n         "), quoted, term, until)?;
    Ok(if arms.is_empty() { arms } else { format!("multiIf({arms}'') AS Exception,\n    ") })
}

pub(super) fn write(rule: &Rule<'_>) -> Result<String, String> {
    let (ci, ide) = both(rule, |pattern| written(Dialect::ClickHouse, pattern))?;
    let ends = |texts: &[&str]| {
        format!(
            "({})",
            list(texts, " OR ", |text| format!("endsWith(lower(Image), {})", quoted(&text.to_lowercase())))
        )
    };
    let holds = |texts: &[&str]| {
        format!(
            "({})",
            list(texts, " OR ", |text| format!("positionCaseInsensitive(CommandLine, {}) > 0", quoted(text)))
        )
    };
    let says = |texts: &[&str]| format!("match(CommandLine, {})", pattern(&one_of(texts)));
    let signal = match rule.profile {
        Profile::Spl => format!(
            "multiIf(EventCode = 3, 'NetworkConnectionToCodeRepo',\n         \
             position(CommandLine, 'push') > 0 AND {}, 'GitPushExternal',\n         \
             {}, 'CodeRepoAPIUpload',\n         \
             'Unknown')",
            says(&SIGNAL_PUSH_HOSTS),
            says(&SIGNAL_API_HOSTS)
        ),
        Profile::Correlated | Profile::Hunt => format!(
            "multiIf(EventCode = 3, 'NetworkConnectionToCodeRepo',\n         \
             {}, 'GitPushExternal',\n         \
             'CodeRepoAPIUpload')",
            ends(&PUSH_IMAGES)
        ),
    };
    Ok(format!(
        "{remark}SELECT {columns}, RecordId\n\
         FROM (\n  \
         SELECT *,\n    \
         {signal} AS Signal,\n    \
         if(match(nullIf(host, ''), {ci}), 1, 0) AS IsCISystem,\n    \
         if(match(nullIf(ParentImage, ''), {ide}), 1, 0) AS IsKnownIDE,\n    \
         {excepted}multiIf({unless}Signal IN ('GitPushExternal', 'CodeRepoAPIUpload') AND IsCISystem = 0, 3,\n         \
         Signal = 'NetworkConnectionToCodeRepo' AND IsCISystem = 0 AND IsKnownIDE = 0, 2,\n         \
         Signal = 'NetworkConnectionToCodeRepo' AND IsCISystem = 0 AND IsKnownIDE = 1, 1,\n         \
         0) AS SuspicionScore\n  \
         FROM {table}\n  \
         WHERE (EventCode = 3 AND lower(DestinationHostname) IN ({net_hosts})\n         \
         AND {net_images})\n     \
         OR (EventCode = 1 AND {push_images}\n         \
         AND {push_words}\n         \
         AND {push})\n     \
         OR (EventCode = 1 AND {api_images}\n         \
         AND {api}\n         \
         AND {api_words})\n\
         )\n\
         WHERE SuspicionScore >= 2\n\
         ORDER BY SuspicionScore DESC, _time DESC, RecordId DESC\n",
        remark = join_remark(rule, "--"),
        excepted = excepted(rule)?,
        unless = if rule.exceptions.all().is_empty() { "" } else { "Exception != '', 0,\n         " },
        columns = SEARCH_COLUMNS.join(", "),
        ci = pattern(&ci),
        ide = pattern(&ide),
        table = name(rule.table),
        net_hosts = list(&NET_HOSTS, ", ", quoted),
        net_images = ends(&NET_IMAGES),
        push_images = ends(&PUSH_IMAGES),
        push_words = holds(&PUSH_WORDS),
        push = holds(&PUSH_HOSTS),
        api_images = ends(&API_IMAGES),
        api = holds(&API_HOSTS),
        api_words = holds(&API_WORDS),
    ))
}
