//! The profiles of the detection.

/// How the search is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// The Splunk search to the letter, its surprises included.
    Spl,
    /// The search as it was meant: parents and DNS names are joined, and the signal follows the clause.
    #[default]
    Correlated,
    /// `correlated` with leads, which the search misses.
    Hunt,
}

impl Profile {
    /// All profiles.
    pub const ALL: [Self; 3] = [Self::Spl, Self::Correlated, Self::Hunt];

    /// Its index in [`Self::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The name on the command line and in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spl => "spl",
            Self::Correlated => "correlated",
            Self::Hunt => "hunt",
        }
    }

    /// The profile whose verdicts on what the search selects it takes over.
    #[must_use]
    pub const fn of_the_search(self) -> Self {
        match self {
            Self::Spl => Self::Spl,
            Self::Correlated | Self::Hunt => Self::Correlated,
        }
    }

    /// The one after it, for a key that steps through them.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Spl => Self::Correlated,
            Self::Correlated => Self::Hunt,
            Self::Hunt => Self::Spl,
        }
    }

    /// The profile of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == name)
    }
}
