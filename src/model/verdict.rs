//! An analyst's verdict on an alert.

use std::fmt;

/// An analyst's verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// No verdict yet, or taken back.
    #[default]
    Undecided,
    /// Data was carried out, or an attempt was made.
    Malicious,
    /// Nothing to worry about.
    Benign,
    /// Examined, and undecidable from the known facts.
    Unclear,
}

impl Verdict {
    /// All, in the order in which screens list them.
    pub const ALL: [Self; 4] = [Self::Malicious, Self::Benign, Self::Unclear, Self::Undecided];

    /// Its name in filters, case files and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Undecided => "none",
            Self::Malicious => "malicious",
            Self::Benign => "benign",
            Self::Unclear => "unclear",
        }
    }

    /// The verdict of that exact name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.name() == name)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_is_found_by_its_name() {
        for verdict in Verdict::ALL {
            assert_eq!(Verdict::from_name(verdict.name()), Some(verdict));
        }
        assert_eq!(Verdict::from_name("Malicious"), None, "names are compared with case");
    }
}
