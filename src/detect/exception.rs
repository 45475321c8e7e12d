//! Named exceptions: alerts that the configuration suppresses, each with a reason and an optional last day.

use std::fmt;
use std::sync::Arc;

use super::pattern::{Pattern, PatternError};
use crate::model::event::Field;
use crate::model::time::Timestamp;

/// The maximum of exceptions. Each regex may take 1 MiB, so that their number bounds the memory.
pub const MAX_EXCEPTIONS: usize = 100;
/// Seconds of a day.
const DAY_SECONDS: i64 = 86_400;

/// A field that an exception matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ExceptionField {
    /// `host`.
    Host,
    /// `User`.
    User,
    /// `Image`.
    Image,
    /// `ParentImage`.
    Parent,
    /// `DestinationHostname`.
    Destination,
    /// `CommandLine`.
    CommandLine,
}

impl ExceptionField {
    /// All, the ones with few distinct texts first: that is the order in which they are tried.
    pub const ALL: [Self; 6] =
        [Self::Host, Self::User, Self::Image, Self::Parent, Self::Destination, Self::CommandLine];

    /// Its key in the configuration.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::User => "user",
            Self::Image => "image",
            Self::Parent => "parent",
            Self::Destination => "destination",
            Self::CommandLine => "command-line",
        }
    }

    /// The column of the search.
    #[must_use]
    pub const fn column(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::User => "User",
            Self::Image => "Image",
            Self::Parent => "ParentImage",
            Self::Destination => "DestinationHostname",
            Self::CommandLine => "CommandLine",
        }
    }

    /// The event's field; `None` for the host, which the store names.
    #[must_use]
    pub const fn field(self) -> Option<Field> {
        match self {
            Self::Host => None,
            Self::User => Some(Field::User),
            Self::Image => Some(Field::Image),
            Self::Parent => Some(Field::ParentImage),
            Self::Destination => Some(Field::DestinationHostname),
            Self::CommandLine => Some(Field::CommandLine),
        }
    }
}

/// A day of the calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day {
    since_1970: i64,
}

impl Day {
    /// The day of a date; `None` where there is no such day.
    #[must_use]
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let midnight = Timestamp::parse(&format!("{year:04}-{month:02}-{day:02}T00:00:00Z"))?;
        Some(Self::of(midnight.unix_seconds()))
    }

    /// The day of a moment, in seconds since 1970.
    #[must_use]
    pub const fn of(unix_seconds: i64) -> Self {
        Self { since_1970: unix_seconds.div_euclid(DAY_SECONDS) }
    }

    /// The first second after it, since 1970.
    #[must_use]
    pub const fn end(self) -> i64 {
        self.since_1970.saturating_add(1).saturating_mul(DAY_SECONDS)
    }

    /// The next day.
    #[must_use]
    pub const fn next(self) -> Self {
        Self { since_1970: self.since_1970.saturating_add(1) }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Timestamp::from_unix(self.since_1970.saturating_mul(DAY_SECONDS), 0, 0).date_text())
    }
}

/// A named exception. All of its terms must match; a missing field matches none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Its name.
    pub name: String,
    /// Why it is one.
    pub reason: String,
    /// The last day on which it suppresses; `None` where it has no end.
    pub expires: Option<Day>,
    /// The patterns that must all match, in the order of [`ExceptionField::ALL`].
    pub terms: Vec<(ExceptionField, Pattern)>,
}

impl Exception {
    /// Whether it suppresses no more.
    #[must_use]
    pub fn has_expired(&self, today: Day) -> bool {
        self.expires.is_some_and(|last| last < today)
    }
}

/// The exceptions of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exceptions {
    all: Arc<[Exception]>,
}

impl Exceptions {
    /// These exceptions.
    #[must_use]
    pub fn new(all: Vec<Exception>) -> Self {
        Self { all: all.into() }
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Exception] {
        &self.all
    }

    /// Those that suppress on a day.
    #[must_use]
    pub fn in_force(&self, today: Day) -> Self {
        Self::new(self.all.iter().filter(|exception| !exception.has_expired(today)).cloned().collect())
    }

    /// A sentence on each that suppresses no more.
    pub fn expired(&self, today: Day) -> impl Iterator<Item = String> {
        self.all.iter().filter_map(move |exception| {
            let last = exception.expires.filter(|_| exception.has_expired(today))?;
            Some(format!(
                "The exception {} expired on {last}: it suppresses no more. Give it a later day, or take it out of the \
                 configuration.",
                exception.name
            ))
        })
    }
}

/// An exception that is ready made, but off until the configuration names it.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// Its name.
    pub name: &'static str,
    /// Why it is one, and how it can be abused.
    pub reason: &'static str,
    /// The patterns that must all match.
    pub terms: &'static [(ExceptionField, &'static str)],
}

/// The exceptions that are ready made. Anybody can imitate the name of a branch, so that each asks for the program too.
pub const BUILTINS: [Builtin; 3] = [
    Builtin {
        name: "dependabot",
        reason: "Dependabot's updater pushes its branches, dependabot/…",
        terms: &[
            (ExceptionField::Image, r"(?i)\\git\.exe$"),
            (ExceptionField::Parent, r"(?i)\\(dependabot|ruby|git)\.exe$"),
            (ExceptionField::CommandLine, r"(^|[\s:/+])dependabot/"),
        ],
    },
    Builtin {
        name: "renovate",
        reason: "Renovate pushes its branches, renovate/…",
        terms: &[
            (ExceptionField::Image, r"(?i)\\git\.exe$"),
            (ExceptionField::Parent, r"(?i)\\(node|renovate|git)\.exe$"),
            (ExceptionField::CommandLine, r"(^|[\s:/+])renovate/"),
        ],
    },
    Builtin {
        name: "security-scanners",
        reason: "a security scanner sends its results, or asks for rules",
        terms: &[(
            ExceptionField::Parent,
            r"(?i)\\(trivy|grype|gitleaks|trufflehog|semgrep|osv-scanner|snyk(-win)?|codeql|sonar-scanner|checkov)(\.exe|\.cmd|\.bat)$",
        )],
    },
];

impl Builtin {
    /// The exception itself.
    ///
    /// # Errors
    /// The fault of a regex; the built-in ones have none.
    pub fn exception(&self) -> Result<Exception, PatternError> {
        let terms = self.terms.iter().map(|(field, text)| Ok((*field, Pattern::new(text)?)));
        Ok(Exception {
            name: self.name.to_owned(),
            reason: self.reason.to_owned(),
            expires: None,
            terms: terms.collect::<Result<_, PatternError>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn day_has_its_end() {
        let day = Day::new(2026, 12, 31).unwrap();
        assert_eq!(day.to_string(), "2026-12-31");
        assert_eq!(day.next().to_string(), "2027-01-01");
        assert_eq!(Day::of(day.end()), day.next());
        assert_eq!(Day::of(day.end() - 1), day);
        assert_eq!(Day::new(2026, 2, 30), None);
    }

    #[test]
    fn exception_lasts_through_its_day() {
        let day = |day| Day::new(2026, 5, day).unwrap();
        let mut exception = BUILTINS[0].exception().unwrap();
        exception.expires = Some(day(4));
        let exceptions = Exceptions::new(vec![exception]);
        assert_eq!(exceptions.in_force(day(4)), exceptions);
        assert_eq!(exceptions.expired(day(4)).count(), 0);
        assert_eq!(exceptions.in_force(day(5)).all().len(), 0);
        let told: Vec<_> = exceptions.expired(day(5)).collect();
        assert!(told[0].contains("dependabot expired on 2026-05-04"), "{told:?}");
    }

    #[test]
    fn builtin_exceptions_match_their_programs() {
        let matches = |name: &str, texts: &[(ExceptionField, &str)]| {
            let builtin = BUILTINS.iter().find(|builtin| builtin.name == name).unwrap();
            builtin.exception().unwrap().terms.iter().all(|(field, pattern)| {
                pattern.matches(texts.iter().find(|(other, _)| other == field).map(|(_, text)| *text))
            })
        };
        let push = |parent, line| {
            [
                (ExceptionField::Image, r"C:\Program Files\Git\mingw64\bin\git.exe"),
                (ExceptionField::Parent, parent),
                (ExceptionField::CommandLine, line),
            ]
        };
        let line = "git push https://github.com/o/r HEAD:refs/heads/renovate/node-22.x";
        assert!(matches("renovate", &push(r"C:\Program Files\nodejs\node.exe", line)));
        assert!(!matches("renovate", &push(r"C:\Windows\System32\cmd.exe", line)), "a shell is no updater");
        assert!(
            !matches("renovate", &push(r"C:\node.exe", "git push https://github.com/o/renovate/x.git")[..2]),
            "a missing field matches nothing"
        );
        assert!(!matches("renovate", &push(r"C:\node.exe", "git push https://github.com/a/myrenovate/x")));
        assert!(matches("security-scanners", &[(ExceptionField::Parent, r"C:\tools\Trivy.exe")]));
        assert!(!matches("security-scanners", &[(ExceptionField::Parent, r"C:\tools\nottrivy.exe")]));
    }
}
