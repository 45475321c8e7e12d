//! The detail of an alarm: what was observed and when, what it means, and what to look at next.

use super::reasons::Writer;
use crate::model::alarm::AlarmKind;
use crate::tui::state::alarms::AlarmLine;

impl Writer<'_> {
    /// Writes what is known of an alarm. Nothing of it is a field of an event.
    pub(super) fn alarm(&mut self, line: &AlarmLine) {
        let alarm = &line.alarm;
        self.plain("Alarm", &format!("{} on {}", alarm.kind.name(), alarm.host));
        self.plain("Why", &alarm.reason);
        let since = alarm.fine_at.map_or_else(
            || "it was so at the first check of this console".to_owned(),
            |at| format!("at the check of {at} it was not so yet"),
        );
        self.plain("Noticed", &format!("{}, by the clock of this host; {since}", alarm.noticed));
        if line.times > 1 {
            self.plain("", &format!("{} times until now, the last time at {}", line.times, line.latest));
        }
        let last = match (alarm.last_record, alarm.last_time) {
            (Some(record), Some(time)) => {
                format!("record {record}; the last event that was read is of {time}")
            }
            (Some(record), None) => format!("record {record}"),
            (None, _) => "nothing was read of this channel before".to_owned(),
        };
        self.plain("Read to", &last);
        self.plain("ATT&CK", alarm.kind.technique());
        let next = match alarm.kind {
            AlarmKind::TurnedOff => {
                "What the host does until the channel is on again is not recorded. Turn it on, and find out which account \
                 turned it off"
            }
            AlarmKind::Removed => {
                "What the host does from here on is not recorded. Find out which account removed Sysmon, and install it again"
            }
            AlarmKind::Cleared => {
                "What was read before is still in this console; export it before you leave. The System log's Event 104, or \
                 the Security log's 1102, names the account that cleared a log"
            }
            AlarmKind::Replaced => {
                "What was read before is still in this console; export it before you leave. Find out which account deleted \
                 the log's file, or installed Sysmon again"
            }
        };
        self.plain("Next", next);
        self.plain(
            "Evidence",
            "This is an observation of this console, not an event of the log: it has no record, no score and no verdict, and \
             no export has a row for it. The read errors (e) and reports name it",
        );
    }
}
