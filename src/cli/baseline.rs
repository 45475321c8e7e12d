//! `baseline`: who pushed where until now, as rows for `--baseline`.

use std::io::{self, BufWriter, Write};

use super::EXIT_USAGE;
use super::args::BaselineCommand;
use super::scan::{EXIT_PARTIAL, Reading, print_faults, read};
use super::settings::Resolved;
use crate::detect::profile::Profile;
use crate::export::is_closed_pipe;
use crate::model::fault::Severity;
use crate::store::Collect;
use crate::store::evidence::baseline::write_rows;
use crate::store::tuning_matches::TuningMatches;

/// All was read.
const EXIT_READ: u8 = 0;

/// Reads the logs and writes the rows. Without `--profile` it looks at the pushes that `hunt` sees, which are the most.
pub(super) fn run(options: &BaselineCommand) -> Result<u8, String> {
    let resolved = Resolved::new(&options.common())?;
    let profile = options.profile.map_or(Profile::Hunt, Profile::from);
    if profile == Profile::Spl {
        return Err(
            "the profile spl joins nothing, and so can't name who pushed: use correlated or hunt".to_owned()
        );
    }
    let reading = Reading { store: resolved.store(Collect::Leads), keeper: None, telemetry: false };
    let mut store = read(&options.paths, &resolved, reading);
    let mut tuning = TuningMatches::with_exceptions(resolved.patterns.clone(), resolved.exceptions.clone());
    tuning.extend(&store);
    print_faults(&store);
    store.refresh();
    store.weigh_evidence(profile, &tuning);
    let mut out = BufWriter::new(io::stdout().lock());
    match write_rows(&mut out, &store.baseline_rows(profile)).and_then(|()| out.flush()) {
        Err(error) if !is_closed_pipe(&error) => {
            return Err(format!("standard output could not be written: {error}"));
        }
        _ => {}
    }
    let has_errors = store.faults().iter().any(|fault| fault.severity != Severity::Notice);
    Ok(match (has_errors, store.tally().records()) {
        (true, 0) => EXIT_USAGE,
        (true, _) => EXIT_PARTIAL,
        (false, _) => EXIT_READ,
    })
}
