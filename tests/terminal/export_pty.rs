//! The pseudo-terminal under the console's tests, tried with programs whose output is known.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::pty;

use std::time::Duration;

use pty::{Console, Key, PATIENCE};
use vt100::{Color, Screen};

fn shell(script: &str) -> Console {
    Console::spawn("sh", ["-c", script], 10, 60, &[])
}

#[test]
fn keys_produce_a_screen() {
    let mut console = Console::spawn("cat", std::iter::empty::<&str>(), 10, 60, &[]);
    console.keys("git push");
    console.key(Key::Enter);
    console.wait_for(|screen: &Screen| screen.contents().matches("git push").count() == 2, PATIENCE);
    console.wait_for_quiet(Duration::from_millis(100), PATIENCE);
    assert_eq!(console.find("git push"), Some((0, 0)));
    assert_eq!(console.lines()[1], "git push");
    assert_eq!(console.bytes_written(), "git push\r\ngit push\r\n".len());
    console.key(Key::Ctrl('d'));
    assert!(console.wait_for_end(PATIENCE).success());
}

#[test]
fn colours_widths_and_sizes_are_seen() {
    let mut console = shell(
        r"printf '\033[1;31m東京\033[0m \033[38;2;1;2;3;44mx\033[0m\n'; stty size; read line; stty size; read line",
    );
    console.wait_for("10 60", PATIENCE);
    let cell = console.cell(0, 0);
    assert_eq!((cell.text.as_str(), cell.foreground, cell.bold), ("東", Color::Idx(1), true));
    assert_eq!(console.find("x"), Some((0, 5)));
    assert_eq!(console.cell_colors(0, 5), (Color::Rgb(1, 2, 3), Color::Idx(4)));
    console.resize(20, 90);
    console.key(Key::Enter);
    console.wait_for("20 90", PATIENCE);
    console.key(Key::Enter);
    console.wait_for_end(PATIENCE);
}

#[test]
fn the_terminal_answers_what_programs_ask() {
    let console = shell(
        r#"stty raw -echo min 0 time 20
        heard() { dd bs=32 count=1 2>/dev/null | tr '\033' '^'; }
        where=$(printf '\033[2;5H\033[6n' >/dev/tty; heard)
        what=$(printf '\033[c' >/dev/tty; heard)
        printf '\033[4;1Hwhere %s what %s done' "$where" "$what"
        sleep 5"#,
    );
    console.wait_for("done", PATIENCE);
    assert_eq!(console.lines()[3], "where ^[2;5R what ^[?62;22c done");
}

#[test]
fn the_environment_is_its_own() {
    let console = Console::spawn(
        "sh",
        ["-c", "echo $TERM $LANG $EXTRA $CARGO_MANIFEST_DIR; echo $HOME; echo $XDG_CONFIG_HOME"],
        10,
        200,
        &[("EXTRA", "more")],
    );
    let home = console.home().to_str().unwrap().to_owned();
    console.wait_for(format!("{home}/.config").as_str(), PATIENCE);
    assert_eq!(console.lines()[0], "xterm-256color C.UTF-8 more");
    assert_eq!(console.lines()[1].trim_end_matches('/'), home);
}

#[test]
#[should_panic(expected = "\"never\" did not come, in time\nscreen 10 x 60, cursor at (0, 3)\n|abc\n")]
fn failed_wait_shows_the_screen() {
    let console = shell("printf abc; sleep 5");
    console.wait_for("abc", PATIENCE);
    console.wait_for("never", Duration::from_millis(50));
}

#[test]
#[should_panic(expected = "did not come, the program has ended")]
fn wait_for_ended_program_is_short() {
    shell("printf abc").wait_for("never", PATIENCE);
}

#[test]
fn quiet_is_heard() {
    let console = shell("for i in 1 2 3; do printf $i; sleep 0.05; done; sleep 5");
    console.wait_for("1", PATIENCE);
    console.wait_for_quiet(Duration::from_millis(300), PATIENCE);
    assert_eq!(console.lines()[0], "123");
}
