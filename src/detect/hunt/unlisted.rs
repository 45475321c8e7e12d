//! Programs that speak to a repository and are no tool, client, browser or IDE of the lists: runtimes, implants, and
//! programs of Windows that run other people's code.

use super::indicator::IndicatorKind;
use super::program::Program;

/// Runtimes and clients that the search's list lacks. PHP is left out: it speaks to repositories all day.
const RUNTIMES: [&str; 13] = [
    "pythonw.exe",
    "py.exe",
    "pyw.exe",
    "powershell_ise.exe",
    "bun.exe",
    "deno.exe",
    "perl.exe",
    "glab.exe",
    "tea.exe",
    "hub.exe",
    "hg.exe",
    "gitui.exe",
    "lazygit.exe",
];
/// Programs that people use for repositories all day, besides those of [`Program`]: clients, browsers and IDEs.
const EVERYDAY: [&str; 52] = [
    "git-credential-manager.exe",
    "git-credential-manager-core.exe",
    "git-gui.exe",
    "gitk.exe",
    "gitkraken.exe",
    "sourcetree.exe",
    "tortoisegitproc.exe",
    "fork.exe",
    "tower.exe",
    "smartgit.exe",
    "gitextensions.exe",
    "svn.exe",
    "php.exe",
    "chrome.exe",
    "msedge.exe",
    "msedgewebview2.exe",
    "firefox.exe",
    "brave.exe",
    "opera.exe",
    "vivaldi.exe",
    "iexplore.exe",
    "arc.exe",
    "code.exe",
    "code - insiders.exe",
    "vscodium.exe",
    "cursor.exe",
    "windsurf.exe",
    "devenv.exe",
    "servicehub.host.exe",
    "idea64.exe",
    "pycharm64.exe",
    "webstorm64.exe",
    "rider64.exe",
    "clion64.exe",
    "goland64.exe",
    "phpstorm64.exe",
    "rubymine64.exe",
    "datagrip64.exe",
    "rustrover64.exe",
    "studio64.exe",
    "eclipse.exe",
    "sublime_text.exe",
    "sublime_merge.exe",
    "zed.exe",
    "notepad++.exe",
    "winget.exe",
    "choco.exe",
    "scoop.exe",
    "cargo.exe",
    "rustup.exe",
    "go.exe",
    "docker.exe",
];
/// Programs of Windows and of Office that run code which is not their own.
const PROXIES: [&str; 18] = [
    "wscript.exe",
    "cscript.exe",
    "mshta.exe",
    "rundll32.exe",
    "regsvr32.exe",
    "msbuild.exe",
    "installutil.exe",
    "regasm.exe",
    "regsvcs.exe",
    "wmic.exe",
    "certutil.exe",
    "winword.exe",
    "excel.exe",
    "powerpnt.exe",
    "outlook.exe",
    "msaccess.exe",
    "onenote.exe",
    "mspub.exe",
];
/// Folders where anybody can write.
const OPEN_FOLDERS: [&str; 6] =
    [r"\temp\", r"\tmp\", r"\users\public\", r"\programdata\", r"\downloads\", r"\appdata\roaming\"];
/// Folders within these whose programs an installer put there.
const TRUSTED_FOLDERS: [&str; 3] =
    [r"\programdata\microsoft\windows defender\", r"\programdata\chocolatey\", r"\programdata\scoop\"];

/// The kind of indicator that a program gives by speaking to a repository; `None` for a program of the lists.
#[must_use]
pub fn unlisted(image: &str) -> Option<IndicatorKind> {
    let name = image.rsplit(['\\', '/']).next()?.to_ascii_lowercase();
    let is_of = |list: &[&str]| list.contains(&&*name);
    if is_of(&RUNTIMES) || is_versioned_python(&name) {
        return Some(IndicatorKind::RuntimeConnection);
    }
    if name.is_empty() || is_of(&EVERYDAY) || Program::of(image).is_some() {
        return None;
    }
    let folder = image.to_ascii_lowercase();
    // Windows' own service host asks DNS for other programs and for Linux.
    if folder.ends_with(r":\windows\system32\svchost.exe") {
        return None;
    }
    let holds = |list: &[&str]| list.iter().any(|part| folder.contains(part));
    let is_suspect = is_of(&PROXIES) || holds(&OPEN_FOLDERS) && !holds(&TRUSTED_FOLDERS);
    Some(if is_suspect { IndicatorKind::SuspectConnection } else { IndicatorKind::UnlistedConnection })
}

/// Whether it is a Python of the Microsoft Store: `python3.12.exe`, `pythonw3.12.exe`.
fn is_versioned_python(name: &str) -> bool {
    let version = name.strip_prefix("pythonw").or_else(|| name.strip_prefix("python"));
    let version = version.and_then(|rest| rest.strip_suffix(".exe")).and_then(|rest| rest.strip_prefix("3."));
    version.is_some_and(|minor| !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_is_listed_or_not() {
        use IndicatorKind as K;
        for (image, expected) in [
            (r"C:\Users\a\AppData\Local\Temp\up.exe", Some(K::SuspectConnection)),
            (r"C:\Users\Public\x.exe", Some(K::SuspectConnection)),
            (r"C:\ProgramData\x\y.exe", Some(K::SuspectConnection)),
            (r"C:\Users\a\AppData\Roaming\client.EXE", Some(K::SuspectConnection)),
            (r"C:\Windows\System32\RunDll32.exe", Some(K::SuspectConnection)),
            (r"C:\Program Files\Microsoft Office\root\Office16\EXCEL.EXE", Some(K::SuspectConnection)),
            (
                r"C:\ProgramData\Microsoft\Windows Defender\Platform\4\MsMpEng.exe",
                Some(K::UnlistedConnection),
            ),
            (r"C:\ProgramData\chocolatey\bin\tool.exe", Some(K::UnlistedConnection)),
            (r"C:\Program Files\Java\jdk-21\bin\java.exe", Some(K::UnlistedConnection)),
            (r"C:\Users\a\.bun\bin\bun.exe", Some(K::RuntimeConnection)),
            (r"C:\Program Files\WindowsApps\x\python3.12.exe", Some(K::RuntimeConnection)),
            (r"C:\Python\pythonw.exe", Some(K::RuntimeConnection)),
            (r"C:\Python\python3.exe", None),
            (r"C:\Program Files\Google\Chrome\Application\chrome.exe", None),
            (r"C:\Users\a\AppData\Roaming\Code.exe", None),
            (r"C:\Windows\System32\curl.exe", None),
            (r"C:\Windows\System32\svchost.exe", None),
            (r"C:\Users\Public\windows\system32\svchost.exe", Some(K::SuspectConnection)),
            (r"C:\php\php.exe", None),
            ("", None),
        ] {
            assert_eq!(unlisted(image), expected, "{image}");
        }
    }
}
