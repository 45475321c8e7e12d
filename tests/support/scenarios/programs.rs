//! Data that Sysmon reads off an executable: its version resource and its hashes.

use crate::support::random::Random;

/// The version resource of a program.
pub struct Program {
    pub file_version: &'static str,
    pub description: &'static str,
    pub product: &'static str,
    pub company: &'static str,
    pub original_file_name: &'static str,
}

const UNKNOWN: Program =
    Program { file_version: "-", description: "-", product: "-", company: "-", original_file_name: "-" };

const fn windows(description: &'static str, original_file_name: &'static str) -> Program {
    Program {
        file_version: "10.0.26100.3037 (WinBuild.160101.0800)",
        description,
        product: "Microsoft® Windows® Operating System",
        company: "Microsoft Corporation",
        original_file_name,
    }
}

const fn git(original_file_name: &'static str) -> Program {
    Program {
        file_version: "2.48.1.1",
        description: "Git for Windows",
        product: "Git",
        company: "The Git Development Community",
        original_file_name,
    }
}

const fn other(
    file_version: &'static str,
    description: &'static str,
    company: &'static str,
    original_file_name: &'static str,
) -> Program {
    Program { file_version, description, product: description, company, original_file_name }
}

/// The version resource of the program at `image`, by its file name.
pub fn program(image: &str) -> Program {
    match file_name(image).as_str() {
        "cmd.exe" => windows("Windows Command Processor", "Cmd.Exe"),
        "powershell.exe" => windows("Windows PowerShell", "PowerShell.EXE"),
        "conhost.exe" => windows("Console Window Host", "CONHOST.EXE"),
        "explorer.exe" => windows("Windows Explorer", "EXPLORER.EXE"),
        "svchost.exe" => windows("Host Process for Windows Services", "svchost.exe"),
        "taskhostw.exe" => windows("Host Process for Windows Tasks", "taskhostw.exe"),
        "backgroundtaskhost.exe" => windows("Background Task Host", "backgroundTaskHost.exe"),
        "curl.exe" => other("8.9.1", "The curl executable", "curl, https://curl.se/", "curl.exe"),
        "git.exe" => git("git.exe"),
        "git-remote-https.exe" => git("git-remote-https.exe"),
        "python.exe" => other("3.12.8", "Python", "Python Software Foundation", "python.exe"),
        "node.exe" => other("22.13.1", "Node.js JavaScript Runtime", "Node.js", "node.exe"),
        "pwsh.exe" => other("7.4.7.0", "pwsh", "Microsoft Corporation", "pwsh.dll"),
        "code.exe" => other("1.97.2", "Visual Studio Code", "Microsoft Corporation", "electron.exe"),
        "msedge.exe" => other("133.0.3065.69", "Microsoft Edge", "Microsoft Corporation", "msedge.exe"),
        "chrome.exe" => other("133.0.6943.98", "Google Chrome", "Google LLC", "chrome.exe"),
        _ => UNKNOWN,
    }
}

/// Hashes that belong to a path: invented, but always the same.
pub fn hashes(image: &str) -> String {
    let seed = image.to_ascii_lowercase().bytes().fold(0x5eed_u64, |sum, byte| {
        sum.rotate_left(7).wrapping_mul(0x0000_0100_0000_01b3) ^ u64::from(byte)
    });
    let mut random = Random::new(seed);
    format!("MD5={},SHA256={},IMPHASH={}", random.hex(32), random.hex(64), random.hex(32))
}

/// A path's last part, in small letters.
pub fn file_name(path: &str) -> String {
    path.rsplit('\\').next().unwrap_or(path).to_ascii_lowercase()
}
