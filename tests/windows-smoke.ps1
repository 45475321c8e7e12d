<#
.SYNOPSIS
    Checks on a real Windows, in five minutes, what the tests can only check against an event log of their own.
.DESCRIPTION
    Run it in an elevated PowerShell, in the window that is to be checked (Windows Terminal, the old console window, RDP, SSH):

        powershell -ExecutionPolicy Bypass -File tests\windows-smoke.ps1 -Program .\exfilscope.exe

    Three times the console opens, with -Mute four times; do what the line before says, and answer y or n after it. At the end
    there is a table.
    Nothing on the host is changed, but for the place that the console keeps in %LOCALAPPDATA%\exfilscope. With -Mute the
    Sysmon channel is turned off and on again while the console runs.
#>
param(
    [string]$Program = ".\exfilscope.exe",
    [string]$Channel = "Microsoft-Windows-Sysmon/Operational",
    [switch]$Mute
)
$ErrorActionPreference = "Stop"
$rows = New-Object System.Collections.ArrayList

function Note([string]$Promise, $Holds, [string]$Evidence) {
    $result = if ($null -eq $Holds) { "not checked" } elseif ($Holds) { "ok" } else { "BROKEN" }
    [void]$rows.Add([pscustomobject]@{ Promise = $Promise; Result = $result; Evidence = $Evidence })
}

function Ask([string]$Question) {
    do { $answer = Read-Host "$Question [y/n]" } until ($answer -match '^[yn]')
    return $answer -match '^y'
}

Add-Type -Namespace Smoke -Name Console -MemberDefinition @'
[DllImport("kernel32.dll")] public static extern IntPtr GetStdHandle(int number);
[DllImport("kernel32.dll")] public static extern bool GetConsoleMode(IntPtr handle, out uint mode);
'@
function Get-Modes {
    $modes = foreach ($number in -10, -11) {
        $mode = [uint32]0
        [void][Smoke.Console]::GetConsoleMode([Smoke.Console]::GetStdHandle($number), [ref]$mode)
        "{0:x}" -f $mode
    }
    return $modes -join "/"
}

# What the program believes of the event log.
$log = Get-WinEvent -ListLog $Channel -ErrorAction SilentlyContinue
Note "the channel is there and on" ($null -ne $log -and $log.IsEnabled) "$Channel, $($log.RecordCount) records, $($log.MaximumSizeInBytes) bytes"

function Test-Numbers([string]$Of, [bool]$AreOwn) {
    $events = @(Get-WinEvent -LogName $Of -MaxEvents 50 -ErrorAction SilentlyContinue)
    if ($events.Count -eq 0) { return $null }
    $same = @($events | Where-Object {
        # It is not public, and has this name in .NET Framework and in .NET.
        $text = $_.Bookmark.GetType().GetProperty("BookmarkText", [System.Reflection.BindingFlags]"NonPublic,Public,Instance")
        $text.GetValue($_.Bookmark, $null) -match "RecordId=['`"]$($_.RecordId)['`"]"
    }).Count
    if ($AreOwn) { return $same -eq $events.Count }
    return $same -lt $events.Count
}
Note "a bookmark names the record's own number" (Test-Numbers $Channel $true) "50 events of $Channel"
Note "of a forwarded event it names another one" (Test-Numbers "ForwardedEvents" $false) "50 events of ForwardedEvents, where there are some"

# The log as a file, while its service has it open.
$file = Join-Path $env:SystemRoot "System32\winevt\Logs\$($Channel -replace '/', '%4').evtx"
$summary = @(& $Program scan --format ndjson $file).Count
Note "its file is read beside the service" ($LASTEXITCODE -in 0, 1, 3) "exit status $LASTEXITCODE, $summary alerts; $file"

# No place is lost by a start that fails.
$kept = Join-Path $env:LOCALAPPDATA "exfilscope"
$before = @(Get-ChildItem $kept -ErrorAction SilentlyContinue).Count
$ErrorActionPreference = "Continue"
$said = "$(& $Program --live --channel No-Such/Channel --since 1h 2>&1)"
$status = $LASTEXITCODE
$ErrorActionPreference = "Stop"
Note "a start that fails says why, with status 2" ($status -eq 2 -and $said -match "15007|terminal") $said
Note "and no place is lost" ($before -eq @(Get-ChildItem $kept -ErrorAction SilentlyContinue).Count) $kept

# A file that is followed, and deleted by its writer.
$followed = Join-Path $env:TEMP "exfilscope-smoke.json"
Set-Content $followed "{}"
$follower = Start-Process -FilePath $Program -ArgumentList "--follow", "`"$followed`"" -PassThru
Start-Sleep 3
Remove-Item $followed
$isFree = $false
foreach ($try in 1..20) {
    try { [System.IO.File]::Open($followed, "CreateNew").Close(); $isFree = $true; break } catch { Start-Sleep -Milliseconds 100 }
}
Note "a file that is followed frees its name when it is deleted" ($isFree -and -not $follower.HasExited) "$($try * 100) ms"
Stop-Process $follower -ErrorAction SilentlyContinue
Start-Sleep 1
Remove-Item $followed -ErrorAction SilentlyContinue

# The console opens, and the prompt is as it was.
$before = Get-Modes
Write-Host "`n1. The console opens. Wait for the first line to say `"live`", click into the window, wait two seconds, press q."
Read-Host "Enter starts it" | Out-Null
& $Program --live --channel $Channel
$status = $LASTEXITCODE
Note "q is the end" ($status -eq 0) "exit status $status"
Note "the modes are as before" ($before -eq (Get-Modes)) "$before, then $(Get-Modes)"
Note "the prompt is on the main screen, with what stood above it" (Ask "Do you see what stood here before?") "asked"
Note "the first line went on counting after the click" (Ask "Did the screen go on after your click?") "asked"

$name = "live-$($env:COMPUTERNAME -replace '[^A-Za-z0-9]', '-')-$($Channel -replace '[^A-Za-z0-9]', '-').json"
$place = Join-Path $env:LOCALAPPDATA "exfilscope\$name"
$kept = if (Test-Path $place) { Get-Content $place -Raw | ConvertFrom-Json } else { $null }
Note "the place is kept" ($null -ne $kept) "$place"
if ($null -ne $kept) {
    $newest = (Get-WinEvent -LogName $Channel -MaxEvents 1).RecordId
    Note "it is near the newest record" ([math]::Abs($newest - $kept.record) -lt 10000) "$($kept.record) of $newest"
}

Write-Host "`n2. The console opens again. Look at the first line and at a row: s stands where it was seen before. Then press Ctrl+Break."
Read-Host "Enter starts it" | Out-Null
& $Program --live --channel $Channel
Note "a restart shows what was before" (Ask "Were the alerts of before there, marked s?") "asked"
Note "the first line says where the last console stopped" (Ask "Did the first line say it?") "asked"
Note "Ctrl+Break leaves the main screen and the modes" ($before -eq (Get-Modes)) "$before, then $(Get-Modes)"

Write-Host "`n3. The console opens. Copy the word dmw, and paste it into the list. Then press / and type Alt+0128. Then Esc, q."
Set-Clipboard "dmw"
Read-Host "Enter starts it" | Out-Null
& $Program --live --channel $Channel
Note "a paste is no command" (Ask "Did it say that a paste was ignored, and nothing else?") "asked"
Note "Alt codes type their character" (Ask "Did the filter show the euro sign?") "asked"

if ($Mute) {
    Write-Host "`n4. The console opens; after five seconds the channel is turned off for two minutes. Watch the first line, then press q."
    Read-Host "Enter starts it" | Out-Null
    $job = Start-Job { param($name) Start-Sleep 5; wevtutil sl $name /e:false; Start-Sleep 120; wevtutil sl $name /e:true } -ArgumentList $Channel
    try {
        & $Program --live --channel $Channel
        Note "a channel that is turned off is said" (Ask "Did the first line say THE CHANNEL IS OFF?") "asked"
    }
    finally {
        Stop-Job $job
        wevtutil sl $Channel /e:true
    }
}
else {
    Note "a channel that is turned off is said" $null "run with -Mute"
}

# A window of its own, one without rights, and one that is closed.
Note "a window of its own stays open" (Ask "Start $Program in Explorer by a double-click (no administrator): does the window stay, say why, and wait for Enter?") "asked"
Note "a closed window keeps the place" (Ask "Start $Program as an administrator in a window of its own, and close that by its cross; start it again: does the first line say where it stopped?") "asked"
Note "this host's logs are read as files" (Ask "Run $Program --local in another elevated window: does it show this host's events?") "asked"

# Git Bash.
$bash = "$env:ProgramFiles\Git\usr\bin\mintty.exe"
Note "Git Bash's window is named" $(if (Test-Path $bash) { Ask "Start $Program in Git Bash's own window: does it name winpty?" }) "asked"

$rows | Format-Table -AutoSize -Wrap
if ($rows | Where-Object Result -eq "BROKEN") { exit 1 }
