//! Signals of the system that the console answers.

use std::io;

/// Meaning of a signal.
pub(super) enum Signal {
    /// The console has to end: SIGTERM, SIGHUP, SIGINT, or their kin.
    End,
    /// The terminal has another size.
    #[cfg_attr(not(unix), allow(dead_code, reason = "elsewhere a resize is an input"))]
    Resize,
}

/// Signals that the console answers.
pub(super) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hang_up: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    /// crossterm tells of it too, but not where a key comes at the same moment: it takes the key of the two that its
    /// poll found, and forgets the signal.
    #[cfg(unix)]
    resize: tokio::signal::unix::Signal,
    #[cfg(windows)]
    ends: WindowsEnds,
}

/// The ways in which Windows ends a console program. After the last three the process has a few seconds.
#[cfg(windows)]
struct WindowsEnds {
    interrupt: tokio::signal::windows::CtrlC,
    break_key: tokio::signal::windows::CtrlBreak,
    close: tokio::signal::windows::CtrlClose,
    log_off: tokio::signal::windows::CtrlLogoff,
    shut_down: tokio::signal::windows::CtrlShutdown,
}

impl Signals {
    #[cfg(unix)]
    pub(super) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            resize: signal(SignalKind::window_change())?,
        })
    }

    #[cfg(windows)]
    pub(super) fn new() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_logoff, ctrl_shutdown};
        Ok(Self {
            ends: WindowsEnds {
                interrupt: ctrl_c()?,
                break_key: ctrl_break()?,
                close: ctrl_close()?,
                log_off: ctrl_logoff()?,
                shut_down: ctrl_shutdown()?,
            },
        })
    }

    #[cfg(unix)]
    pub(super) async fn wait(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::End,
            _ = self.hang_up.recv() => Signal::End,
            _ = self.interrupt.recv() => Signal::End,
            _ = self.resize.recv() => Signal::Resize,
        }
    }

    #[cfg(windows)]
    pub(super) async fn wait(&mut self) -> Signal {
        let ends = &mut self.ends;
        tokio::select! {
            _ = ends.interrupt.recv() => Signal::End,
            _ = ends.break_key.recv() => Signal::End,
            _ = ends.close.recv() => Signal::End,
            _ = ends.log_off.recv() => Signal::End,
            _ = ends.shut_down.recv() => Signal::End,
        }
    }
}
