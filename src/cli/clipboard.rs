//! Where a copied text goes: this host's clipboard at a console, the terminal's over SSH, a file where it is too long.

use std::env;
use std::io::Write;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::tui::effects::Copied;

/// Bytes of base64 that terminals take in one OSC 52.
const TERMINAL_LIMIT: usize = 74_994;

/// Puts a text into the clipboard that the analyst can reach.
pub(super) fn copy(text: &str) -> Copied {
    let over_ssh = ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"].iter().any(|name| env::var_os(name).is_some());
    if !over_ssh {
        for (program, arguments) in programs() {
            if feed(program, arguments, text) {
                return Copied::Done(format!("in this host's clipboard ({program})"));
            }
        }
    }
    let encoded = STANDARD.encode(text);
    if encoded.len() <= TERMINAL_LIMIT {
        return Copied::ByTerminal(encoded);
    }
    match into_file(text) {
        Ok(path) => Copied::Done(format!("in {path}: it is too long for the terminal's clipboard")),
        Err(error) => Copied::Failed(format!(
            "Too long for the terminal's clipboard, and no file could take it: {error}."
        )),
    }
}

/// The programs that put their standard input into this host's clipboard, the ones of a desktop that is there.
fn programs() -> Vec<(&'static str, &'static [&'static str])> {
    let mut programs: Vec<(&'static str, &'static [&'static str])> = Vec::new();
    if cfg!(windows) {
        programs.push(("clip.exe", &[]));
    } else if cfg!(target_os = "macos") {
        programs.push(("pbcopy", &[]));
    }
    if env::var_os("WAYLAND_DISPLAY").is_some() {
        programs.push(("wl-copy", &[]));
    }
    if cfg!(unix) && env::var_os("DISPLAY").is_some_and(|display| !display.is_empty()) {
        programs.push(("xclip", &["-selection", "clipboard"]));
    }
    programs
}

fn feed(program: &str, arguments: &[&str], text: &str) -> bool {
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else { return false };
    let Some(mut input) = child.stdin.take() else { return false };
    let text = text.to_owned();
    // The program may take its time; the console does not wait for it.
    std::thread::spawn(move || {
        let _ = input.write_all(text.as_bytes());
        drop(input);
        let _ = child.wait();
    });
    true
}

fn into_file(text: &str) -> std::io::Result<String> {
    let mut file = tempfile::Builder::new().prefix("exfilscope-copy-").suffix(".txt").tempfile()?;
    file.write_all(text.as_bytes())?;
    let (_, path) = file.keep()?;
    Ok(path.display().to_string())
}
