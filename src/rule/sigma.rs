//! A Sigma rule. Sigma has no score: a hit is what scores 2 or more.

use std::fmt::Write as _;

use super::pattern::{Dialect, written};
use super::{Rule, both, exceptions, join_remark, list, script_remark};
use crate::detect::exception::ExceptionField;
use crate::detect::profile::Profile;
use crate::detect::selection::{
    API_HOSTS, API_IMAGES, API_WORDS, NET_HOSTS, NET_IMAGES, PUSH_HOSTS, PUSH_IMAGES, PUSH_WORDS,
};
use crate::detect::signal::SIGNAL_PUSH_HOSTS;
use crate::model::text::is_forbidden;

/// A YAML string between single quotes, or between double ones where it holds what can't be seen: only these have escapes.
fn quoted(text: &str) -> String {
    if !text.contains(is_forbidden) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut out = String::from('"');
    for c in text.chars() {
        let number = u32::from(c);
        // Writing into a string can't fail.
        let _ = match c {
            '"' | '\\' => write!(out, "\\{c}"),
            c if !is_forbidden(c) => write!(out, "{c}"),
            _ if number <= 0xFF => write!(out, "\\x{number:02X}"),
            _ if number <= 0xFFFF => write!(out, "\\u{number:04X}"),
            _ => write!(out, "\\U{number:08X}"),
        };
    }
    out.push('"');
    out
}

/// A selection for each exception. Sigma knows no clock: a last day is a remark.
fn excepted(rule: &Rule<'_>) -> Result<String, String> {
    let mut selections = String::new();
    for (number, exception) in rule.exceptions.all().iter().enumerate() {
        let name = exceptions::name(exception);
        let until = exception.expires.map_or_else(String::new, |last| format!("; take it out after {last}"));
        let _ = writeln!(selections, "    # {name}{until}\n    exception_{}:", number + 1);
        for (field, pattern) in &exception.terms {
            let term = super::term(*field, written(Dialect::Sigma, pattern), |column, regex| {
                let column = if *field == ExceptionField::Host { "Computer" } else { column };
                format!("        {column}|re: {}\n", quoted(regex))
            });
            selections.push_str(&term.map_err(|error| format!("the exception {name}, {error}"))?);
        }
    }
    Ok(selections)
}

pub(super) fn write(rule: &Rule<'_>) -> Result<String, String> {
    let (ci, ide) = both(rule, |pattern| written(Dialect::Sigma, pattern))?;
    let items = |texts: &[&str]| list(texts, "\n", |text| format!("            - {}", quoted(text)));
    let push_hosts: &[&str] = match rule.profile {
        // Splunk's Signal forgets dev.azure.com, so that such a push is no alert there.
        Profile::Spl => &SIGNAL_PUSH_HOSTS,
        Profile::Correlated | Profile::Hunt => &PUSH_HOSTS,
    };
    let remark = join_remark(rule, "#") + &script_remark(rule, "#");
    Ok(format!(
        "{remark}title: Exfiltration to Code Repository\n\
         id: 6d0c2b7e-5a39-4f0e-9d8a-2f4b8c1e7a53\n\
         status: experimental\n\
         description: A push to, an upload by the API of, or a connection to an external code repository\n\
         references:\n    - https://attack.mitre.org/techniques/T1567/001/\n\
         author: exfilscope\n\
         date: 2026-11-24\n\
         tags:\n    - attack.exfiltration\n    - attack.t1567.001\n\
         logsource:\n    product: windows\n    service: sysmon\n\
         detection:\n    \
         net:\n        EventID: 3\n        DestinationHostname:\n{net_hosts}\n        Image|endswith:\n{net_images}\n    \
         push:\n        EventID: 1\n        Image|endswith:\n{push_images}\n        CommandLine|contains:\n{push_words}\n    \
         push_host:\n        CommandLine|contains:\n{push}\n    \
         api:\n        EventID: 1\n        Image|endswith:\n{api_images}\n        CommandLine|contains:\n{api}\n    \
         api_word:\n        CommandLine|contains:\n{api_words}\n    \
         ci_system:\n        Computer|re: {ci}\n    \
         known_ide:\n        ParentImage|re: {ide}\n{excepted}    \
         condition: not ci_system {unless}and ((net and not known_ide) or (push and push_host) or (api and api_word))\n\
         falsepositives:\n    \
         - Developers who push legitimately, with an IDE as parent\n    \
         - CI agents whose host name the pattern does not know\n    \
         - Dependency updaters and security scanners that push results\n\
         level: high\n",
        excepted = excepted(rule)?,
        unless = if rule.exceptions.all().is_empty() { "" } else { "and not 1 of exception_* " },
        net_hosts = items(&NET_HOSTS),
        net_images = items(&NET_IMAGES),
        push_images = items(&PUSH_IMAGES),
        push_words = items(&PUSH_WORDS),
        push = items(push_hosts),
        api_images = items(&API_IMAGES),
        api = items(&API_HOSTS),
        api_words = items(&API_WORDS),
        ci = quoted(&ci),
        ide = quoted(&ide),
    ))
}
