//! Removal of half-written files before a signal ends the program. The console answers signals itself.

use crate::files::part::remove_unfinished_and;

/// Makes SIGINT, SIGTERM and their kin remove half-written files, and then have their usual effect.
#[cfg(unix)]
pub(super) fn remove_unfinished_files() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    use signal_hook::low_level::emulate_default_handler;
    // Without them a signal ends the program as usual, and a file under a name of its own is left.
    let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM]) else {
        return;
    };
    let answer = move || {
        for signal in signals.forever() {
            remove_unfinished_and(|| {
                // The shell must see by which signal it ended: a loop of commands ends with it.
                let _ = emulate_default_handler(signal);
            });
        }
    };
    let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(answer);
}

/// Makes Ctrl-C and its kin remove half-written files, and then end the program.
#[cfg(windows)]
pub(super) fn remove_unfinished_files() {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
    /// Windows' own exit status for a program that Ctrl-C ended.
    const STATUS_CONTROL_C_EXIT: u32 = 0xc000_013a;
    async fn wait() -> std::io::Result<()> {
        let (mut c, mut pause, mut close, mut shutdown) =
            (ctrl_c()?, ctrl_break()?, ctrl_close()?, ctrl_shutdown()?);
        tokio::select! {
            _ = c.recv() => {}
            _ = pause.recv() => {}
            _ = close.recv() => {}
            _ = shutdown.recv() => {}
        }
        Ok(())
    }
    let answer = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if runtime.is_ok_and(|runtime| runtime.block_on(wait()).is_ok()) {
            remove_unfinished_and(|| std::process::exit(STATUS_CONTROL_C_EXIT.cast_signed()));
        }
    };
    let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(answer);
}

/// Leaves signals as they are, on a system that is neither.
#[cfg(not(any(unix, windows)))]
pub(super) fn remove_unfinished_files() {
    remove_unfinished_and(|| {});
}
