//! Single events as the Windows Event Log service renders them, read as the events of files are.

use super::event_builder::{EventBuilder, RecordKind};
use super::xml::XmlReader;
use crate::model::batch::Batch;
use crate::model::event::Field;
use crate::model::fault::SkipReason;
use crate::model::time::Timestamp;

/// The part of a rendered event that identifies it. Fields that are missing or can't be read are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::source) struct RenderedSystem {
    /// `Provider@Name`.
    pub(in crate::source) provider: String,
    /// `Computer`.
    pub(in crate::source) computer: String,
    /// `EventRecordID`: the number in the log of the host that wrote the event.
    pub(in crate::source) record_id: Option<u64>,
    /// `TimeCreated@SystemTime`.
    pub(in crate::source) time: Option<Timestamp>,
}

impl RenderedSystem {
    /// Reads the event's `System` element. A process writes only into `EventData`, which follows it.
    pub(in crate::source) fn read(xml: &str) -> Self {
        let mut event = EventBuilder::default();
        // Damage is counted where the whole event is read.
        let _ = XmlReader::default().fill_system(xml, &mut event);
        Self {
            computer: event.text(Field::Computer).unwrap_or_default().to_owned(),
            provider: event.provider,
            record_id: event.record_id,
            time: event.time,
        }
    }
}

/// Adds an event, as `EvtRender` writes it, to a batch and its account. Its place is its record number.
///
/// # Errors
/// The reason why it can't be read, as a clause. It is counted all the same.
pub fn parse_rendered(xml: &str, batch: &mut Batch) -> Result<(), String> {
    #[cfg(test)]
    crate::model::guard::fail_on_purpose("fails-in-rendered", xml.as_bytes());
    let mut event = EventBuilder::default();
    let kind = XmlReader::default().read(xml, &mut event);
    let place = event.record_id.unwrap_or_default();
    match kind {
        RecordKind::OtherProvider => {
            batch.tally.skip(SkipReason::OtherProvider, 1);
            event.push_other_channel(place, batch);
        }
        RecordKind::Sysmon(event_code) => event.push(event_code, place, batch),
        RecordKind::Unreadable(reason, why) => {
            batch.tally.skip(reason, 1);
            return Err(why);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Mutex;

    use super::*;
    use crate::model::feed::{FeedMessage, Progress};
    use crate::model::guid::Guid;
    use crate::model::telemetry::Channel;
    use crate::source::{LoadOptions, load};

    const PUSH: &str = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider \
        Name='Microsoft-Windows-Sysmon' Guid='{5770385f-c22a-43e0-bf4c-06f5698ffbd9}'/><EventID>1</EventID><Version>5\
        </Version><TimeCreated SystemTime='2026-11-24T10:00:00.1234567Z'/><EventRecordID>42</EventRecordID><Channel>\
        Microsoft-Windows-Sysmon/Operational</Channel><Computer>WS-7.corp.example</Computer><Security \
        UserID='S-1-5-18'/></System><EventData><Data Name='RuleName'>-</Data><Data \
        Name='ProcessGuid'>{01234567-89AB-CDEF-0123-456789ABCDEF}</Data><Data Name='User'></Data><Data \
        Name='Image'>C:\\git\\git.exe</Data><Data Name='CommandLine'>git push &lt;System&gt; &quot;a&amp;lt;b&quot; \
        &#x41;&#10; & x</Data><Data Name='Computer'>forged</Data><Data Name='ParentProcessGuid'/></EventData></Event>";

    /// The events and the account of a batch, as text that can be compared.
    fn shown(batch: &Batch) -> Vec<String> {
        let mut shown: Vec<String> = batch
            .events
            .iter()
            .map(|event| {
                let head = &event.head;
                let fields: Vec<_> = Field::ALL
                    .iter()
                    .filter(|field| field.is_carried())
                    .filter_map(|field| Some((field.name(), batch.text(event, *field)?)))
                    .collect();
                format!(
                    "{} {:?} {:?} {:?} {:?} {fields:?}",
                    head.event_code, head.time, head.record_id, head.process_guid, head.parent_process_guid
                )
            })
            .collect();
        shown.extend(batch.tally.skipped.iter().map(|(reason, count)| format!("{reason:?} {count}")));
        shown.extend(batch.tally.event_codes.iter().map(|(code, count)| format!("Event {code}: {count}")));
        shown
    }

    fn of_file(xml: &str) -> Vec<String> {
        let file = tempfile::Builder::new().suffix(".xml").tempfile().unwrap();
        fs::write(file.path(), xml).unwrap();
        let all = Mutex::new(Vec::new());
        load(&[file.path().to_owned()], &LoadOptions { threads: 1 }, &Progress::default(), &|message| {
            if let FeedMessage::Batch(batch) = message {
                all.lock().unwrap().extend(shown(&batch));
            }
            true
        });
        all.into_inner().unwrap()
    }

    fn of_service(xml: &str) -> Vec<String> {
        let mut batch = Batch::default();
        let _ = parse_rendered(xml, &mut batch);
        shown(&batch)
    }

    #[test]
    fn service_and_file_give_one_event() {
        let command = |text: &str| PUSH.replace("git push", &format!("git push {text}"));
        let cases = [
            PUSH.to_owned(),
            command("a&#0;b"),
            command("a&#xD800;b"),
            command("a&nbsp;b"),
            command("a&#x1F600;b"),
            command("<![CDATA[x<y]]>"),
            command("a<!-- c -->b"),
            PUSH.replace("<System>", "<System >"),
            PUSH.replace("<Data Name=", "<Data  Name="),
            PUSH.replace("<Data Name='Image'", "<Data Id='1' Name = 'Image'"),
            PUSH.replace("<Computer>WS-7.corp.example<", "<Computer> WS-7.corp.example\n<"),
            PUSH.replace('\'', "\""),
            PUSH.replace("<EventID>1<", "<EventID Qualifiers=''>10<"),
            PUSH.replace("<EventID>1<", "<EventID>x<"),
            PUSH.replace("<EventID>1<", "<EventID> 1 <"),
            PUSH.replace("Microsoft-Windows-Sysmon'", "Microsoft-Windows-Security-Auditing'"),
            PUSH.replace("Name='Microsoft-Windows-Sysmon'", ""),
            PUSH.replace("<Data Name='User'></Data>", "<Data Name='User'>a</Data><Data Name='User'>b</Data>"),
        ];
        let mut events = 0;
        for xml in &cases {
            let found = of_service(xml);
            assert_eq!(found, of_file(xml), "{xml}");
            assert!(!found.is_empty(), "{xml}");
            events += found.iter().filter(|line| line.starts_with("1 ")).count();
        }
        assert_eq!(events, 14, "the others are counted");
    }

    #[test]
    fn rendered_event_keeps_every_field() {
        let mut batch = Batch::default();
        parse_rendered(PUSH, &mut batch).unwrap();
        let [event] = batch.events.as_slice() else { panic!("one event") };
        assert_eq!((event.head.event_code, event.head.record_id, event.head.place), (1, Some(42), 42));
        assert_eq!(event.head.time, Timestamp::parse("2026-11-24T10:00:00.1234567Z"));
        assert_eq!(event.head.process_guid, Guid::parse("{01234567-89ab-cdef-0123-456789abcdef}"));
        assert_eq!(event.head.parent_process_guid, None);
        let text = |field| batch.text(event, field);
        assert_eq!(text(Field::Computer), Some("WS-7.corp.example"));
        assert_eq!(text(Field::Image), Some(r"C:\git\git.exe"));
        assert_eq!(text(Field::CommandLine), Some("git push <System> \"a&lt;b\" A\n & x"));
        assert_eq!(text(Field::User), None);
        assert_eq!(batch.tally.event_codes[&1], 1);
    }

    #[test]
    fn other_channels_are_handed_on() {
        for (provider, event_code, channel) in [
            ("Microsoft-Windows-PowerShell", 4104, Channel::PowerShell),
            ("Microsoft-Windows-Security-Auditing", 4688, Channel::Security),
        ] {
            let xml = PUSH
                .replace("Microsoft-Windows-Sysmon'", &format!("{provider}'"))
                .replace("<EventID>1<", &format!("<EventID>{event_code}<"));
            let mut batch = Batch::default();
            parse_rendered(&xml, &mut batch).unwrap();
            let [event] = batch.telemetry.as_slice() else { panic!("one event") };
            assert_eq!((event.head.event_code, event.head.place), (event_code, 42));
            assert_eq!(batch.text(event, Field::Computer), Some("WS-7.corp.example"));
            assert_eq!((batch.beside[channel.index()], batch.tally.records()), (1, 1));
        }
    }

    #[test]
    fn each_event_is_counted_once() {
        let cases = [
            PUSH.replace("<EventID>1<", "<EventID Qualifiers=''>10<"),
            PUSH.replace("Microsoft-Windows-Sysmon'", "Microsoft-Windows-Security-Auditing'"),
            PUSH.replace("<EventID>1<", "<EventID>x<"),
            "no event".to_owned(),
            PUSH.replace('\'', "\""),
        ];
        let mut batch = Batch::default();
        for (number, case) in (1..).zip(&cases) {
            let _ = parse_rendered(case, &mut batch);
            assert_eq!(batch.tally.records(), number);
        }
        assert_eq!(batch.tally.event_codes[&10], 1);
        assert_eq!(batch.tally.skipped[&SkipReason::OtherProvider], 1);
        assert_eq!(batch.tally.skipped[&SkipReason::Damaged], 2);
        assert_eq!(batch.events.len(), 1);
    }

    #[test]
    fn system_is_read_without_event_data() {
        let whole = RenderedSystem::read(PUSH);
        assert_eq!((whole.record_id, whole.computer.as_str()), (Some(42), "WS-7.corp.example"));
        assert_eq!(whole.provider, "Microsoft-Windows-Sysmon");
        let data = PUSH.find("<EventData>").unwrap();
        let forged = PUSH[..data].to_owned() + "<System><EventRecordID>7</EventRecordID></System>";
        for text in [&PUSH[..data], forged.as_str()] {
            assert_eq!(RenderedSystem::read(text), whole);
        }
        assert_eq!(RenderedSystem::read("no event"), RenderedSystem::default());
    }

    #[test]
    fn cut_events_are_counted_too() {
        for end in 0..PUSH.len() {
            let mut batch = Batch::default();
            let _ = parse_rendered(&PUSH[..end], &mut batch);
            assert_eq!(batch.tally.records(), 1);
            let _ = RenderedSystem::read(&PUSH[..end]);
        }
    }
}
