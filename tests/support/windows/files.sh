#!/usr/bin/env bash
# The Windows program and files, under Wine: what another program holds, long paths, shares, and this host's own logs.
#
#   files.sh EXE FOLDER    EXE is the program; FOLDER a scratch folder that holds hold.exe, launch.exe and wevtapi.dll
#
# WINE, WINEPREFIX and the like are set by .ci/windows.
set -euo pipefail
exe=$1 folder=$2
wine=${WINE:-/usr/lib/wine/wine64}
fixture=$PWD/fixtures/four-tests.evtx
export WINEDLLOVERRIDES=wevtapi=n,b
cp "$exe" "$folder/exfilscope.exe"
cp "$fixture" "$folder/log.evtx"
cd "$folder"
failed=0
# Alerts of the fixture.
alerts=10

# Says whether something holds of the last run.
check() {
    if "${@:2}"; then
        echo "ok    $1"
    else
        echo "FAIL  $1"
        failed=1
        echo "status $status, $(wc -l <out) rows" && tail -n 5 err
    fi
}
# Runs a command, with its rows in the file `out`.
run() {
    status=0
    "$wine" "$@" >out 2>err </dev/null || status=$?
}
scan() { run exfilscope.exe scan --format ndjson "$@"; }
# The same while another program holds a file: hold FILE ACCESS SHARE MS COMMAND.
hold() { run hold.exe "$@"; }
has_rows() { [ "$status" = 1 ] && [ "$(wc -l <out)" = "$1" ]; }
fails_with() { [ "$status" = 2 ] && grep -q -F -- "$1" err; }
report_is() { [ "$(wc -l <report.csv)" = "$1" ] && no_part_is_left; }
no_part_is_left() { ! compgen -G '.exfilscope-*' >/dev/null; }

# The Event Log service has its files open for writing.
for share in rwd rw r; do
    hold log.evtx rw $share 5000 "exfilscope.exe scan --format ndjson log.evtx"
    check "a log that is open for writing and shared $share is read" has_rows $alerts
done
hold log.evtx rw - 5000 "exfilscope.exe scan --format ndjson log.evtx"
check "a log that is shared with none is named, with what to do" fails_with "log.evtx: another program has it open: export it first"

# A scanner or another console has the target of an output open for a moment.
write="exfilscope.exe scan --format csv --output report.csv --force log.evtx"
for share in rw r -; do
    echo old >report.csv
    hold report.csv r $share 500 "$write"
    check "a report that is held a moment, shared $share, is replaced" report_is $((alerts + 1))
    echo old >report.csv
    hold report.csv r $share 20000 "$write"
    check "a report that stays held, shared $share, stays as it was" report_is 1
    check "and that is said" fails_with "another program has it open"
done

# More than 260 characters, and shares. Wine keeps the latter in a folder of the prefix.
name=$(printf 'd%.0s' {1..100})
deep="C:\\long\\$name\\$name\\$name"
mkdir -p "$WINEPREFIX/drive_c/long/$name/$name/$name" "$WINEPREFIX/dosdevices/unc/localhost/c\$/evidence"
cp log.evtx "$WINEPREFIX/drive_c/long/$name/$name/$name/"
cp log.evtx "$WINEPREFIX/dosdevices/unc/localhost/c\$/evidence/"
for path in 'C:\long' "$deep" "$deep\\log.evtx" "\\\\?\\$deep" '\\localhost\c$\evidence' '\\localhost\c$\evidence\log.evtx' \
    '//localhost/c$/evidence' '\\?\UNC\localhost\c$\evidence'; do
    scan "$path"
    check "the folder or file ${path//ddddd/d} is read" has_rows $alerts
done
for place in "$deep" '\\localhost\c$\evidence' '\\?\UNC\localhost\c$\evidence'; do
    run exfilscope.exe scan --format csv --output "$place\\report.csv" log.evtx
    run exfilscope.exe scan --format csv --output "$place\\report.csv" --force log.evtx
    check "a report is written and replaced in ${place//ddddd/d}" [ "$status" = 1 ]
    run exfilscope.exe scan --format csv --output "$place\\log.evtx" --force "$place"
    check "a log that is read there is not replaced" fails_with "it is one of the inputs"
    # In another spelling, and from a short name where there is one.
    run exfilscope.exe scan --format csv --output "${place,,}\\LOG.EVTX" --force "${place^^}"
    check "nor in another spelling" fails_with "it is one of the inputs"
    # It would be read with the others.
    run cmd /c del "$place\\report.csv"
done

# This host's own logs, one of them held as its service holds it.
logs=$WINEPREFIX/drive_c/windows/system32/winevt/Logs
mkdir -p "$logs"
cp log.evtx "$logs/Microsoft-Windows-Sysmon%4Operational.evtx"
command="$wine hold.exe C:\\\\windows\\\\System32\\\\winevt\\\\Logs\\\\Microsoft-Windows-Sysmon%4Operational.evtx rw r 30000"
command+=" \"launch.exe log \\\"written wait:4000 key:q\\\" \\\"exfilscope.exe --local\\\"\""
script -qec "stty rows 30 cols 120; $command" /dev/null >out 2>err </dev/null && status=0 || status=$?
local_logs_are_shown() { [ "$(sed -n 's/^@@exit //p' log)" = 0 ] && grep -a -q -F "WS-4711" log && grep -a -q -F "ghp_" log; }
check "--local shows this host's own logs" local_logs_are_shown
exit "$failed"
