//! The owners that an organisation trusts, and those that only look like one of them.

/// The owners that the configuration trusts, as `host/owner` in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedOwners {
    owners: Vec<String>,
}

/// Edits by which a look-alike differs at most.
const MAX_EDITS: usize = 2;
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

    /// Returns true where none are configured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.owners.is_empty()
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

/// Returns true where few edits make one name of the other. Names of repositories' owners are short; longer texts are
/// none.
fn is_near(one: &str, other: &str) -> bool {
    const MAX_NAME: usize = 128;
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len() > MAX_NAME || other.len() > MAX_NAME || one.len().abs_diff(other.len()) > MAX_EDITS {
        return false;
    }
    let mut before: Vec<usize> = (0..=other.len()).collect();
    for (row, a) in one.iter().enumerate() {
        let mut line = Vec::with_capacity(before.len());
        line.push(row + 1);
        for ((b, diagonal), above) in other.iter().zip(&before).zip(before.iter().skip(1)) {
            let left = line.last().copied().unwrap_or(0);
            let replaced = diagonal + usize::from(a != b);
            line.push(replaced.min(left + 1).min(above + 1));
        }
        before = line;
    }
    before.last().is_some_and(|edits| *edits <= MAX_EDITS)
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
