#!/usr/bin/env bash
# The Windows program as a console, under Wine: what it writes at the start and the end, what it leaves of the console's
# modes, and what it does with keys, pastes and a terminal that takes no bytes.
#
#   console.sh EXE PANICS FOLDER    EXE is the program, PANICS the tests' program that has panic_on_the_screen; FOLDER a
#                                   scratch folder that holds wevtapi.dll and launch.exe
#
# WINE, WINEPREFIX and the like are set by .ci/windows.
set -euo pipefail
exe=$1 panics=$2 folder=$3
wine=${WINE:-/usr/lib/wine/wine64}
export WINEDLLOVERRIDES=wevtapi=n,b EXFILSCOPE_FAKE_WEVTAPI=1
cp "$exe" "$folder/exfilscope.exe"
cp "$panics" "$folder/panics.exe"
cd "$folder"
failed=0
escape=$'\e'

# Runs a command by a script of the launcher, into the file `log`. Wine has a console where it has a terminal.
run() {
    rm -f log errors.txt
    local command="stty rows 30 cols 120; '$wine' launch.exe log '$2' '$1'"
    script -qec "$command" /dev/null >launched 2>&1 </dev/null || true
}
# Runs the program on a channel.
launch() { run "exfilscope.exe --live --channel $1" "$2"; }
# Says whether something holds of the last run.
check() {
    if "${@:2}"; then
        echo "ok    $1"
    else
        echo "FAIL  $1"
        failed=1
        tail -c 300 log | cat -v
        cat errors.txt launched 2>/dev/null || true
    fi
}
has() { grep -a -q -F -- "$1" log; }
says() { grep -a -q -F -- "$1" errors.txt; }
lacks() { ! grep -a -q -F -- "$1" log; }
behind() { sed -n "/^@@$1/,\$p" log | grep -a -q -F -- "$2"; }
value() { sed -n "s/^@@$1 //p" log | head -1; }
is_running() { [ "$(sed -n 's/^@@runs //p' log | tr '\n' ' ')" = "$1 " ]; }
modes_are_restored() { [ -n "$(value before)" ] && [ "$(value before)" = "$(value after)" ]; }
is_left_after() { behind "$1" "$escape[?1049l" && behind "$1" "$escape[?25h" && modes_are_restored; }
ended_at() { exits_with 0 && place_is fake-301 "$1"; }
# 101 is Rust's status of a panic in a test.
fails_as_a_panic() { exits_with 65 && says "a panic while the screen is taken"; }
selects_nothing() { (((0x$(value while) & 0x40) == 0 && (0x$(value before) & 0x40) != 0)); }
exits_with() { [ "$(value exit)" = "$1" ]; }
# The place that is kept of a channel.
place() { cat "$WINEPREFIX"/drive_c/users/*/AppData/Local/exfilscope/live-*"$1".json; }
place_is() { place "$1" | grep -q "\"record\":$2,"; }

launch fake/300 "written wait:4000 mode key:q"
check "the screen is taken" has "$escape[?1049h"
check "the main screen is back after q" behind "key" "$escape[?1049l"
check "the cursor is back after q" behind "key" "$escape[?25h"
check "the modes are as before" modes_are_restored
check "a click selects nothing meanwhile" selects_nothing
check "no paste is asked to be bracketed" lacks "$escape[?2004h"
check "q is the end" exits_with 0
check "the place is kept, in a folder that was not there" place_is fake-300 300

# Every other way to end leaves the same. The numbers are the system's for its events.
for way in ctrl:c=^C event:0=CTRL_C event:1=CTRL_BREAK event:2=CTRL_CLOSE event:5=CTRL_LOGOFF event:6=CTRL_SHUTDOWN; do
    word=${way%%=*} name=${way#*=}
    rm -f "$WINEPREFIX"/drive_c/users/*/AppData/Local/exfilscope/live-*fake-301.json
    launch fake/301 "written wait:1500 mode $word"
    check "the main screen and the cursor are back after $name" is_left_after "${word%%:*}"
    check "$name is an end, with the place kept" ended_at 301
done
run "panics.exe --ignored --exact panic_on_the_screen --nocapture" "written wait:1000"
check "the main screen and the cursor are back after a panic" is_left_after written
check "the panic is told, and is the end" fails_as_a_panic

# A window of its own closes with the program: it waits for Enter, so that the reason can be read.
EXFILSCOPE_FAKE_ALONE=1 run "exfilscope.exe --live --channel denied" "wait:4000 alive enter wait:1000 alive"
check "a window of its own stays open until Enter" is_running "1 0"
check "the reason is read there" says "Event Log Readers"
run "exfilscope.exe --live --channel denied" "wait:4000 alive"
check "a shell's window is not waited in" is_running 0

launch fake/302 "written wait:2000 paste:dmw wait:1500 key:q"
check "keys of a paste are no commands" behind "paste" "paste was ignored"

launch fake/303 "written wait:2000 key:/ wait:500 alt:20ac wait:1500 key:$escape wait:500 key:q"
check "a character that the keyboard lacks is typed" behind "alt" "€"
check "q is the end after a line was left with Esc" exits_with 0

launch fake/100+5000 "stall wait:12000 key:q"
check "events are read while the terminal takes no bytes" place_is fake-100-5000 5100
check "q is the end although the terminal takes no bytes" exits_with 0

kept=$(place fake-300)
status=0
"$wine" exfilscope.exe --live --channel denied --since 1h >launched 2>&1 </dev/null || status=$?
check "--since with a failure is exit 2" [ "$status" = 2 ]
check "--since with a failure keeps the place" [ "$(place fake-300)" = "$kept" ]
exit "$failed"
