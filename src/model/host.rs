//! Names of hosts, which have no case: Windows, DNS and forwarders each spell them in their own way.

/// The key that all spellings of a host's name share.
#[must_use]
pub fn key(name: &str) -> String {
    name.to_lowercase()
}

/// A name's first label, or all of it where that is empty.
#[must_use]
pub fn label(name: &str) -> &str {
    name.split('.').next().filter(|label| !label.is_empty()).unwrap_or(name)
}

/// Returns whether a name means a host; the name may be the host's first label alone.
#[must_use]
pub fn is_meant(host: &str, wanted: &str) -> bool {
    let wanted = key(wanted);
    key(host) == wanted || key(label(host)) == wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case() {
        for (host, wanted, expected) in [
            ("WS-1.corp.example", "ws-1", true),
            ("ws-1", "WS-1", true),
            ("BÜRO-1", "büro-1", true),
            ("WS-1.corp.example", "ws-1.CORP.example", true),
            ("WS-1", "ws-1.corp.example", false),
            ("WS-12", "ws-1", false),
            (".corp", "", false),
        ] {
            assert_eq!(is_meant(host, wanted), expected, "{host} {wanted}");
        }
    }
}
