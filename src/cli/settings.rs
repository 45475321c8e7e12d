//! What the command line, the configuration and the environment say together.

use super::args::Common;
use crate::detect::ALERT_SCORE;
use crate::detect::pattern::Patterns;
use crate::detect::profile::Profile;
use crate::store::HostNaming;

/// The settings in force.
pub(super) struct Resolved {
    pub profile: Profile,
    pub naming: HostNaming,
    pub min_score: u8,
    pub patterns: Patterns,
    pub threads: usize,
    pub reveal_secrets: bool,
    pub ascii: bool,
    pub colors_allowed: bool,
}

impl Resolved {
    pub(super) fn new(common: &Common) -> Result<Self, String> {
        let patterns = Patterns::new(common.ci_host.as_deref(), common.ide_parent.as_deref())
            .map_err(|(name, error)| format!("--{name}: {error}"))?;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Self {
            profile: common.profile.map_or_else(Profile::default, Profile::from),
            naming: common.host.map_or_else(HostNaming::default, HostNaming::from),
            min_score: common.min_score.unwrap_or(ALERT_SCORE),
            patterns,
            threads: common.threads.map_or(cores, usize::from),
            reveal_secrets: common.reveal_secrets,
            ascii: common.ascii,
            colors_allowed: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        })
    }
}
