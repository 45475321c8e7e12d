//! `[hunt]`: the repository hosts of one's own.

use toml_edit::Item;

use super::{ConfigError, Source};
use crate::model::text::visible;

/// The table's name.
pub(super) const TABLE: &str = "hunt";
const REPOSITORY_HOSTS: &str = "repository-hosts";
/// How the key was spelt at first.
const OLD_REPOSITORY_HOSTS: &str = "repository_hosts";
const KEYS: [&str; 1] = [REPOSITORY_HOSTS];
/// Hosts that can be named.
const MAX_HOSTS: usize = 1000;

/// Reads the table.
pub(super) fn repository_hosts(source: &Source<'_>, item: &Item) -> Result<Vec<String>, ConfigError> {
    let table = source.table(TABLE, item)?;
    let mut hosts = Vec::new();
    for (key, item) in table.iter() {
        if key == OLD_REPOSITORY_HOSTS && table.contains_key(REPOSITORY_HOSTS) {
            let message =
                format!("`{key}` is another spelling of `{REPOSITORY_HOSTS}`, which is there too: keep one");
            return Err(source.fault(item.span(), message));
        }
        if key != REPOSITORY_HOSTS && key != OLD_REPOSITORY_HOSTS {
            return Err(source.unknown_key(table, key, Some(TABLE), &KEYS));
        }
        let array = item.as_array().ok_or_else(|| source.wrong_type(key, item, "an array of host names"))?;
        if array.len() > MAX_HOSTS {
            return Err(source.fault(item.span(), format!("`{key}` can name {MAX_HOSTS} hosts at most")));
        }
        for value in array {
            let Some(host) = value.as_str() else {
                let message = format!("`{key}` must hold strings alone, not {}", value.type_name());
                return Err(source.fault(value.span(), message));
            };
            if let Some(fault) = host_fault(host) {
                let message = format!("`{}` in `{key}` is no host name: {fault}", visible(host));
                return Err(source.fault(value.span(), message));
            }
            hosts.push(host.to_ascii_lowercase());
        }
    }
    Ok(hosts)
}

/// Returns the fault of a host name, as a clause; `None` if it can be one.
fn host_fault(host: &str) -> Option<&'static str> {
    if host.is_empty() {
        return Some("it is empty");
    }
    if host.contains("://") || host.contains('/') {
        return Some("leave out what stands before and after the host: `git.corp.example`");
    }
    if host.contains(':') {
        return Some("leave the port out: every port of the host counts");
    }
    if host.contains('*') {
        return Some("it must be a whole name: `*` stands for nothing here");
    }
    if host.len() > 253 {
        return Some("it is longer than 253 characters");
    }
    if !host.contains('.') {
        return Some("it has no dot: Sysmon writes whole names, such as `git.corp.example`");
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    if !host.split('.').all(is_label) {
        return Some("its parts are letters, digits, `-` and `_`, 1 to 63 of them");
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use std::path::Path;

    fn parsed(text: &str) -> Result<Vec<String>, String> {
        Config::parse(text.as_bytes(), Path::new("x.toml"))
            .map(|config| config.repository_hosts)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn hosts_are_read_in_lower_case() {
        for key in ["repository-hosts", "repository_hosts"] {
            let text = format!("[hunt]\n{key} = [\"Git.Corp.Example\"]\n");
            assert_eq!(parsed(&text).unwrap(), ["git.corp.example"]);
        }
        let both = "[hunt]\nrepository-hosts = [\"a.b\"]\nrepository_hosts = [\"c.d\"]\n";
        let error = parsed(both).unwrap_err();
        assert!(error.contains("another spelling of `repository-hosts`"), "{error}");
        let text = "[hunt]\nrepository-hosts = [\"Git.Corp.Example\", '10.1.2.3']\n";
        assert_eq!(parsed(text).unwrap(), ["git.corp.example", "10.1.2.3"]);
        assert_eq!(parsed("hunt = { repository-hosts = [] }").unwrap(), Vec::<String>::new());
        assert_eq!(parsed("profile = \"hunt\"").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_host_is_named_with_its_place() {
        for (value, expected) in [
            ("[\"https://git.corp.example\"]", "leave out what stands before"),
            ("[\"git.corp.example:8443\"]", "leave the port out"),
            ("[\"*.corp.example\"]", "must be a whole name"),
            ("[\"gitserver\"]", "has no dot"),
            ("[\"\"]", "is empty"),
            ("[\"a b.c\"]", "letters, digits"),
            ("[\"a..c\"]", "letters, digits"),
            ("[\"gït.example\"]", "letters, digits"),
            ("[1]", "must hold strings alone, not integer"),
            ("\"git.corp.example\"", "must be an array of host names, not a string"),
        ] {
            let error = parsed(&format!("[hunt]\nrepository-hosts = {value}\n")).unwrap_err();
            assert!(error.starts_with("x.toml:2:") && error.contains(expected), "{value}: {error}");
        }
        let error = parsed("[hunt]\nrepository-host = []\n").unwrap_err();
        assert!(error.contains("did you mean `repository-hosts`?"), "{error}");
        let error = parsed("[hnut]\n").unwrap_err();
        assert!(error.contains("did you mean `hunt`?"), "{error}");
    }
}
