//! Settings from the command line, the configuration and the environment: the first over the second over the built-in
//! ones.

use std::env;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::args::Common;
use crate::case::CaseFile;
use crate::config::{Config, folder};
use crate::detect::ALERT_SCORE;
use crate::detect::exception::{Day, Exceptions};
use crate::detect::hunt::hosts::RepositoryHosts;
use crate::detect::pattern::Patterns;
use crate::detect::profile::Profile;
use crate::files::open;
use crate::model::text::{keeps_to_ascii, visible};
use crate::model::time::Timestamp;
use crate::source::InputFormat;
use crate::store::compaction::{Compactor, Retention};
use crate::store::evidence::EvidenceOptions;
use crate::store::evidence::baseline::Baseline;
use crate::store::{Collect, HostNaming, Store};

/// The settings in force.
#[allow(clippy::struct_excessive_bools, reason = "they are options, each on its own")]
pub(super) struct Resolved {
    /// The profile.
    pub profile: Profile,
    /// The form of host names.
    pub naming: HostNaming,
    /// The minimum score of an alert.
    pub min_score: u8,
    /// The patterns in force.
    pub patterns: Patterns,
    /// The patterns without the command line: those that the next start would find.
    pub saved: Patterns,
    /// The exceptions that suppress today.
    pub exceptions: Exceptions,
    /// A sentence on each exception that has expired.
    pub expired: Vec<String>,
    /// Threads that read.
    pub threads: usize,
    /// The format of all inputs; `None` detects each by its content.
    pub input_format: Option<InputFormat>,
    /// Show secrets.
    pub reveal_secrets: bool,
    /// Count an event every time it is met.
    pub keep_duplicates: bool,
    /// The retention, where not everything is kept.
    pub keep: Option<Retention>,
    /// Letters only.
    pub ascii: bool,
    /// Take the mouse from the start.
    pub mouse: bool,
    /// The theme's name; `None` for the default one.
    pub theme: Option<String>,
    /// True if NO_COLOR permits colours.
    pub colors_allowed: bool,
    /// Pushes of before the logs.
    pub baseline: Arc<Baseline>,
    /// The configuration as it was read.
    pub config: Config,
}

impl Resolved {
    /// Reads the configuration and lays the command line over it.
    pub(super) fn new(common: &Common) -> Result<Self, String> {
        let config = Config::load(common.detection.config.as_deref()).map_err(|error| error.to_string())?;
        let from_config = |(name, error)| format!("the configuration's {name}: {error}");
        let saved =
            Patterns::new(config.ci_host.as_deref(), config.ide_parent.as_deref()).map_err(from_config)?;
        let ci_host = common.detection.ci_host.as_deref().or(config.ci_host.as_deref());
        let ide_parent = common.detection.ide_parent.as_deref().or(config.ide_parent.as_deref());
        let patterns =
            Patterns::new(ci_host, ide_parent).map_err(|(name, error)| format!("--{name}: {error}"))?;
        let today = today();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let configured_profile = config.profile.as_deref().and_then(Profile::from_name);
        let configured_naming = match config.host.as_deref() {
            Some("short") => HostNaming::Short,
            _ => HostNaming::Computer,
        };
        Ok(Self {
            profile: common.detection.profile.map(Profile::from).or(configured_profile).unwrap_or_default(),
            naming: common.naming.host.map_or(configured_naming, HostNaming::from),
            min_score: common.shown.min_score.or(config.min_score).unwrap_or(ALERT_SCORE),
            patterns,
            saved,
            exceptions: config.exceptions.in_force(today),
            expired: config.exceptions.expired(today).collect(),
            threads: common.reading.threads.map_or(cores, usize::from),
            input_format: common.reading.input_format.map(InputFormat::from),
            reveal_secrets: common.secrets.reveal_secrets,
            keep_duplicates: common.naming.keep_duplicates,
            keep: common.keep,
            ascii: common.shown.ascii || config.ascii.unwrap_or(false) || keeps_to_ascii(),
            mouse: config.mouse.unwrap_or(false),
            theme: common.theme.theme.clone().or_else(|| config.theme.clone()),
            colors_allowed: env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            baseline: Arc::new(common.baseline.as_deref().map_or_else(|| Ok(Baseline::default()), baseline)?),
            config,
        })
    }
}

/// Reads a baseline. It is a regular file: nothing else is opened.
fn baseline(path: &Path) -> Result<Baseline, String> {
    let named = |why: String| format!("--baseline {}: {why}", visible(&path.to_string_lossy()));
    let file = open::open_file(path).map_err(|error| named(open::reason(&error)))?;
    Baseline::read(BufReader::new(file)).map_err(|error| named(error.to_string()))
}

/// The day by this host's clock, in UTC.
pub(super) fn today() -> Day {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Day::of(i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX))
}

impl Resolved {
    /// Returns the compactor that keeps the store within its bounds, where it has some.
    pub(super) fn keeper(&self) -> Option<Compactor> {
        self.keep.map(|keep| Compactor::new(keep, now))
    }

    /// An empty store for these settings.
    pub(super) fn store(&self, retention: Collect) -> Store {
        let mut store = Store::new(self.naming, retention);
        if self.keep_duplicates {
            store.keep_duplicates();
        }
        if matches!(retention, Collect::Leads | Collect::Everything) {
            store.hunt(RepositoryHosts::new(&self.config.repository_hosts));
        }
        store.set_evidence_options(EvidenceOptions {
            weights: self.config.weights,
            trusted: self.config.trusted_owners.clone(),
            baseline: Arc::clone(&self.baseline),
        });
        store
    }
}

/// Returns the case file: of the command line, of the configuration, or in the configuration's folder; `None` if there
/// is no folder for one.
pub(super) fn case_file(named: Option<&Path>, config: &Config) -> Option<CaseFile> {
    match named.or(config.case.as_deref()) {
        Some(path) => Some(CaseFile::named(path.to_owned())),
        None => folder().map(|folder| CaseFile::in_folder(&folder)),
    }
}

/// Returns the user at the console, as the system calls him.
pub(super) fn analyst() -> Option<String> {
    ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .filter_map(env::var_os)
        .map(|name| name.to_string_lossy().into_owned())
        .find(|name| !name.is_empty())
        .or_else(|| user_number().map(|number| format!("uid {number}")))
}

#[cfg(unix)]
#[allow(clippy::unnecessary_wraps, reason = "not every system has one")]
fn user_number() -> Option<u32> {
    Some(rustix::process::getuid().as_raw())
}

#[cfg(not(unix))]
const fn user_number() -> Option<u32> {
    None
}

fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix(i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX), 0, 0)
}
