//! The owners that an organisation trusts, and those that only look like one of them.

use crate::model::text::edits;

/// The owners that the configuration trusts, as `host/owner` in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedOwners {
    owners: Vec<String>,
}

/// Edits by which a look-alike differs at most.
const MAX_EDITS: usize = 2;
/// The longest name that is compared, in bytes: forges permit at most 255.
const MAX_NAME: usize = 255;
/// Shorter names differ in two letters by chance.
const MIN_NAME: usize = 5;

impl TrustedOwners {
    /// Returns the owners, in lower case and without a final slash.
    #[must_use]
    pub fn new<S: AsRef<str>>(owners: impl IntoIterator<Item = S>) -> Self {
        let clean = |owner: S| owner.as_ref().trim().trim_end_matches('/').to_lowercase();
        let mut owners: Vec<String> =
            owners.into_iter().map(clean).filter(|owner| !owner.is_empty()).collect();
        owners.sort_unstable();
        owners.dedup();
        Self { owners }
    }

    /// Returns true where an owner, `host/owner` in lower case, is trusted.
    #[must_use]
    pub fn trusts(&self, owner: &str) -> bool {
        self.owners.binary_search_by(|known| known.as_str().cmp(owner)).is_ok()
    }

    /// Returns the trusted owner that an owner which is not trusted looks like: one or two letters off, with more at an
    /// end, or on another host.
    #[must_use]
    pub fn look_alike(&self, owner: &str) -> Option<&str> {
        if self.trusts(owner) {
            return None;
        }
        let (host, name) = owner.split_once('/')?;
        let looks_alike = |known: &&String| {
            let Some((known_host, known_name)) = known.split_once('/') else { return false };
            if known_name.chars().count() < MIN_NAME {
                return known_name == name && known_host != host;
            }
            known_name == name
                || name.strip_prefix(known_name).is_some_and(begins_a_word)
                || name.strip_suffix(known_name).is_some_and(ends_a_word)
                || is_near(name, known_name)
        };
        self.owners.iter().find(looks_alike).map(String::as_str)
    }
}

fn begins_a_word(rest: &str) -> bool {
    rest.starts_with(['-', '_', '.']) || rest.chars().all(|c| c.is_ascii_digit())
}

fn ends_a_word(rest: &str) -> bool {
    rest.ends_with(['-', '_', '.'])
}

/// Returns true where few edits make one name of the other. Names of owners are short; longer texts are none.
fn is_near(one: &str, other: &str) -> bool {
    let is_name = |text: &str| text.len() <= MAX_NAME;
    is_name(one) && is_name(other) && edits(one, other) <= MAX_EDITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_of_trusted_owners() {
        let trusted = TrustedOwners::new(["github.com/Corp-Example/", "gitlab.com/abc"]);
        assert!(trusted.trusts("github.com/corp-example"));
        for (owner, expected) in [
            ("github.com/corp-example", None),
            ("github.com/c0rp-example", Some("github.com/corp-example")),
            ("github.com/corp-examp1", Some("github.com/corp-example")),
            ("github.com/corp-example-backup", Some("github.com/corp-example")),
            ("github.com/my-corp-example", Some("github.com/corp-example")),
            ("github.com/corp-example2", Some("github.com/corp-example")),
            ("gitlab.com/corp-example", Some("github.com/corp-example")),
            ("github.com/abc", Some("gitlab.com/abc")),
            ("gitlab.com/abd", None),
            ("github.com/corporation", None),
            ("github.com", None),
        ] {
            assert_eq!(trusted.look_alike(owner), expected, "{owner}");
        }
    }
}
