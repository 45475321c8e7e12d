//! The dialects in which JSON holds an event. A CSV row is a flat object.

use super::event_builder::{EventBuilder, RecordKind};
use super::json::{Tape, Value, text_of};
use super::message;
use super::places;
use super::schema;
use super::xml::XmlReader;
use crate::model::event::{Field, code};
use crate::model::telemetry::Channel;

/// The text that Splunk writes for an account that it could not name.
const NOT_TRANSLATED: &str = "NOT_TRANSLATED";

/// Maximum depth of strings and envelopes around an event.
const MAX_WRAPPED: usize = 4;

/// Members under which transports hand on the event's own text.
const ENVELOPES: [&[&str]; 16] = [
    &["_raw"],
    &["body"],
    &["event", "original"],
    &["message"],
    &["Message"],
    &["raw"],
    &["log"],
    &["data"],
    &["event"],
    // Wazuh's agent, fluent-bit's and journald's XML, Azure's diagnostics, plaso, Kafka, Wazuh's archives.
    &["Event"],
    &["System"],
    &["MESSAGE"],
    &["properties", "RawXml"],
    &["xml_string"],
    &["value"],
    &["full_log"],
];

/// Members that hold the event as an object: chainsaw.
const OBJECTS: [&[&str]; 1] = [&["document", "data"]];

/// Reads events one after the other; keeps its buffers.
#[derive(Debug, Default)]
pub(super) struct DialectReader {
    tape: Tape,
    xml: XmlReader,
}

impl DialectReader {
    /// Reads an event from the text of a JSON object.
    ///
    /// # Errors
    /// Why it is no JSON, as a clause.
    pub(super) fn read(&mut self, text: &str, builder: &mut EventBuilder) -> Result<RecordKind, String> {
        let mut tape = std::mem::take(&mut self.tape);
        let outcome = tape.read(text).map(|value| self.event(value, builder, 0));
        self.tape = tape;
        outcome
    }

    /// Reads an event from a row of a table.
    pub(super) fn read_pairs<'a>(
        &mut self,
        pairs: impl Iterator<Item = (&'a str, &'a str)>,
        builder: &mut EventBuilder,
    ) -> RecordKind {
        let mut tape = std::mem::take(&mut self.tape);
        let outcome = self.event(tape.of_pairs(pairs.filter(|(_, value)| !value.is_empty())), builder, 0);
        self.tape = tape;
        outcome
    }

    /// Reads an event from its XML.
    pub(super) fn read_xml(&mut self, text: &str, builder: &mut EventBuilder) -> RecordKind {
        self.xml.read(text, builder)
    }

    fn event(&mut self, value: Value<'_>, builder: &mut EventBuilder, depth: usize) -> RecordKind {
        if depth > MAX_WRAPPED {
            return RecordKind::damaged("the event is wrapped too often");
        }
        let object = |name: &str| value.get(name).filter(|member| member.is_object());
        if let Some(inner) = object("_source").or_else(|| object("result")) {
            return self.event(inner, builder, depth + 1);
        }
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        if let Some(event) = object("Event").filter(|event| event.get("System").is_some()) {
            self.windows(event.get("System"), event, builder);
        } else if let Some(system) = object("System") {
            self.windows(Some(system), value, builder);
        } else if let Some(system) = text("System").map(str::trim).filter(|text| text.starts_with('{')) {
            // A cell of a table.
            let mut tape = Tape::default();
            match tape.read(system) {
                Ok(system) => self.windows(Some(system), value, builder),
                Err(reason) => return RecordKind::damaged(format!("in System: {reason}")),
            }
        } else if value.path(&["winlog", "event_id"]).is_some() {
            self.ecs(value, builder);
        } else if value.get("event_id").is_some() && first(value, &["source_name", "log_name"]).is_some() {
            beat(value, builder);
        } else if let Some(raw) = value.get("_raw").and_then(Value::as_str).filter(|raw| is_event_xml(raw)) {
            return self.xml.read(event_part(raw), builder);
        } else if value.get("Payload").and_then(Value::as_str).is_some()
            && first(value, &["EventId"]).is_some()
        {
            self.evtxecmd(value, builder);
        } else if value.get("Id").is_some() && first(value, &["ProviderName", "LogName"]).is_some() {
            powershell(value, builder);
        } else if first(value, &["EventID", "EventCode", "EventId"]).is_some() {
            self.flat(value, builder);
        } else {
            return self.envelope(value, builder, depth);
        }
        if builder.is_incomplete() {
            let event = object("Event").unwrap_or(value);
            places::complete(event, builder);
        }
        if builder.time.is_none() {
            // Sysmon's own is better than none.
            let utc = builder.text(Field::UtcTime).map(str::to_owned);
            builder.set_time(&utc.unwrap_or_default());
        }
        builder.record_kind()
    }

    /// An event's text as a member of an envelope.
    fn envelope(&mut self, value: Value<'_>, builder: &mut EventBuilder, depth: usize) -> RecordKind {
        if let Some(inner) =
            OBJECTS.iter().find_map(|names| value.path(names).filter(|inner| inner.is_object()))
        {
            return self.event(inner, builder, depth + 1);
        }
        for names in ENVELOPES {
            let Some(member) = value.path(names) else { continue };
            if member.is_object() && names == ["event"] {
                // HTTP Event Collector: the event is the member.
                if member
                    .members()
                    .any(|(name, _)| matches!(name, "Event" | "System" | "EventID" | "EventCode" | "winlog"))
                {
                    return self.event(member, builder, depth + 1);
                }
                continue;
            }
            let Some(text) = member.as_str() else { continue };
            if is_event_xml(text) {
                return self.xml.read(event_part(text), builder);
            }
            if text.trim_start().starts_with('{') {
                let mut tape = Tape::default();
                return match tape.read(text.trim()) {
                    Ok(inner) => self.event(inner, builder, depth + 1),
                    Err(reason) => RecordKind::damaged(format!("in {}: {reason}", names.join("."))),
                };
            }
        }
        RecordKind::damaged("it holds no Windows event")
    }

    /// `System` and `EventData`, as evtx_dump, SIEMs and Velociraptor write them.
    fn windows(&mut self, system: Option<Value<'_>>, event: Value<'_>, builder: &mut EventBuilder) {
        let Some(system) = system else { return };
        let names = ["Provider", "Channel", "EventID", "TimeCreated", "EventRecordID", "Computer"];
        let [provider, channel, event_id, time, record_id, computer] = system.get_all(names);
        builder.provider.push_str(attribute(system, "Provider", provider, "Name").unwrap_or_default());
        builder.channel.push_str(channel.and_then(text_of).unwrap_or_default());
        builder.set_code(event_id.and_then(text_of).unwrap_or_default());
        builder.set_time(attribute(system, "TimeCreated", time, "SystemTime").unwrap_or_default());
        builder.set_record_id(record_id.and_then(text_of).unwrap_or_default());
        builder.add(Field::Computer, computer.and_then(text_of).unwrap_or_default());
        if let Some(data) = event.get("EventData").filter(|_| builder.is_kept()) {
            self.data(data, builder, 0);
        }
    }

    /// The event's own data: named members, a list of pairs, or either of them inside a string.
    fn data(&mut self, data: Value<'_>, builder: &mut EventBuilder, depth: usize) {
        if let Some(text) = data.as_str() {
            let text = text.trim();
            if depth > MAX_WRAPPED {
            } else if text.starts_with(['{', '[']) {
                let mut tape = Tape::default();
                if let Ok(inner) = tape.read(text) {
                    self.data(inner.get("EventData").unwrap_or(inner), builder, depth + 1);
                }
            } else if text.starts_with('<') {
                // Its faults show as missing fields.
                let _ = self.xml.fill(text, builder);
            }
            return;
        }
        list(data, builder);
        for (name, member) in data.members() {
            if name == "Data" {
                if !pair(member, builder) {
                    named(member, builder);
                }
                list(member, builder);
            } else if let Some(text) = text_of(member) {
                builder.add_named(name, text);
            }
        }
    }

    /// winlogbeat since 7, and elastic-agent.
    fn ecs(&mut self, event: Value<'_>, builder: &mut EventBuilder) {
        let text = |names: &[&str]| event.path(names).and_then(text_of).unwrap_or_default();
        builder.provider.push_str(text(&["winlog", "provider_name"]));
        if builder.provider.is_empty() {
            builder.provider.push_str(text(&["event", "provider"]));
        }
        builder.channel.push_str(text(&["winlog", "channel"]));
        builder.set_code(text(&["winlog", "event_id"]));
        builder.set_code(text(&["event", "code"]));
        builder.set_record_id(text(&["winlog", "record_id"]));
        builder.set_time(text(&["winlog", "time_created"]));
        builder.set_time(text(&["@timestamp"]));
        builder.add(Field::Computer, text(&["winlog", "computer_name"]));
        builder.add(Field::Computer, text(&["host", "name"]));
        if let Some(data) = event.path(&["winlog", "event_data"]) {
            self.data(data, builder, 0);
        }
        for (name, value) in event.members() {
            if let (Some(name), Some(text)) = (name.strip_prefix("winlog.event_data."), text_of(value)) {
                builder.add_named(name, text);
            }
        }
        let original = text(&["event", "original"]);
        if is_event_xml(original) {
            let _ = self.xml.fill(event_part(original), builder);
        }
        for (names, field) in MOVED {
            builder.add(*field, text(names));
        }
        builder.add(Field::QueryResults, &addresses(event.path(&["dns", "resolved_ip"])));
        let (domain, user) = (text(&["user", "domain"]), text(&["user", "name"]));
        if !domain.is_empty() && !user.is_empty() {
            builder.add(Field::User, &format!("{domain}\\{user}"));
        }
        let reading = message::read_lines(builder.code.unwrap_or_default(), text(&["message"]), builder);
        builder.trouble = reading.reason().filter(|_| builder.is_incomplete());
    }

    /// EvtxECmd's rows: the data are JSON inside a string.
    fn evtxecmd(&mut self, row: Value<'_>, builder: &mut EventBuilder) {
        builder.provider.push_str(first(row, &["Provider"]).unwrap_or_default());
        builder.channel.push_str(first(row, &["Channel"]).unwrap_or_default());
        builder.set_code(first(row, &["EventId"]).unwrap_or_default());
        builder.set_time(first(row, &["TimeCreated"]).unwrap_or_default());
        builder.set_record_id(first(row, &["EventRecordId"]).unwrap_or_default());
        builder.set_record_id(first(row, &["RecordNumber"]).unwrap_or_default());
        builder.add(Field::Computer, first(row, &["Computer"]).unwrap_or_default());
        if let Some(payload) = row.get("Payload") {
            self.data(payload, builder, 0);
        }
    }

    /// All at the top: NXLog, the OTRF captures, Sentinel (whose data are in a string), Splunk's fields.
    fn flat(&mut self, event: Value<'_>, builder: &mut EventBuilder) {
        let text = |names: &[&str]| first(event, names).unwrap_or_default();
        let is_splunk = event.get("_time").is_some();
        builder.provider.push_str(text(&[
            "SourceName",
            "Provider",
            "ProviderName",
            "provider_name",
            "source_name",
        ]));
        let channels = ["Channel", "EventLog", "LogName", "source", "sourcetype"];
        builder.channel.push_str(
            channels
                .iter()
                .filter_map(|name| first(event, &[name]))
                .find(|channel| channel.to_ascii_lowercase().contains("sysmon"))
                .unwrap_or_else(|| text(&channels)),
        );
        builder.set_code(text(&["EventID", "EventCode", "EventId"]));
        builder.set_record_id(text(&[
            "RecordNumber",
            "EventRecordID",
            "EventRecordId",
            "RecordId",
            "record_id",
            "record_number",
        ]));
        builder.add(
            Field::Computer,
            text(&["Hostname", "Computer", "ComputerName", "computer_name", "MachineName"]),
        );
        if is_splunk {
            builder.add(Field::Computer, text(&["host"]));
        }
        // At the top it may be the account that logged the event: the event's data win.
        let mut user = "";
        for (name, value) in event.members() {
            if name == "EventData" {
                self.data(value, builder, 0);
            } else if let Some(text) = text_of(value) {
                if name == Field::User.name() {
                    // Splunk lists the account that logged the event before the event's own, untranslated.
                    let lists = text.lines().chain(value.elements().filter_map(Value::scalar));
                    let own = lists.filter(|text| *text != NOT_TRANSLATED).last();
                    user = if user.is_empty() { own.unwrap_or_default() } else { user };
                } else {
                    builder.add_named(name, text);
                }
            }
        }
        if builder.is_incomplete() {
            places::complete(event, builder);
        } else if user.is_empty() && event.get(Field::User.name()).is_some() {
            places::fill_from_message(event, builder);
        }
        builder.add(Field::User, user);
        self.flat_time(event, is_splunk, builder);
    }

    #[expect(clippy::unused_self, reason = "it belongs to the shape")]
    fn flat_time(&self, event: Value<'_>, is_splunk: bool, builder: &mut EventBuilder) {
        let text = |name: &str| first(event, &[name]).unwrap_or_default();
        if is_splunk {
            builder.set_time(text("_time"));
            builder.set_time(text("SystemTime"));
            return;
        }
        builder.set_time(text("TimeGenerated"));
        let is_local = event.get("TimeCreated").is_some() && event.get("EventTime").is_none();
        if !is_local {
            builder.set_time(text("@timestamp"));
            // Without a zone it is a local time in an unknown zone.
            let time = text("EventTime");
            if time.ends_with('Z') || time.get(19..).is_some_and(|zone| zone.contains(['+', '-'])) {
                builder.set_time(time);
            }
        }
        let utc = builder.text(Field::UtcTime).map(str::to_owned);
        builder.set_time(&utc.unwrap_or_default());
    }
}

/// Fields that Elastic's pipelines move out of the event's data.
const MOVED: &[(&[&str], Field)] = &[
    (&["process", "entity_id"], Field::ProcessGuid),
    (&["process", "pid"], Field::ProcessId),
    (&["process", "executable"], Field::Image),
    (&["process", "command_line"], Field::CommandLine),
    (&["process", "working_directory"], Field::CurrentDirectory),
    (&["process", "parent", "entity_id"], Field::ParentProcessGuid),
    (&["process", "parent", "pid"], Field::ParentProcessId),
    (&["process", "parent", "executable"], Field::ParentImage),
    (&["process", "parent", "command_line"], Field::ParentCommandLine),
    (&["process", "pe", "original_file_name"], Field::OriginalFileName),
    (&["network", "transport"], Field::Protocol),
    (&["source", "ip"], Field::SourceIp),
    (&["source", "port"], Field::SourcePort),
    (&["destination", "ip"], Field::DestinationIp),
    (&["destination", "domain"], Field::DestinationHostname),
    (&["destination", "port"], Field::DestinationPort),
    (&["dns", "question", "name"], Field::QueryName),
    (&["file", "path"], Field::TargetFilename),
    (&["powershell", "file", "script_block_text"], Field::ScriptBlockText),
    (&["powershell", "file", "script_block_id"], Field::ScriptBlockId),
    (&["powershell", "sequence"], Field::MessageNumber),
    (&["powershell", "total"], Field::MessageTotal),
];

/// Addresses as Sysmon writes those of an answer.
fn addresses(list: Option<Value<'_>>) -> String {
    let Some(list) = list else { return String::new() };
    let own = list.scalar().into_iter().flat_map(|text| text.split([',', ' ', '\n']));
    let all = own.chain(list.elements().filter_map(Value::scalar)).filter(|text| !text.is_empty());
    all.flat_map(|address| [address, ";"]).collect()
}

/// winlogbeat 6.
fn beat(event: Value<'_>, builder: &mut EventBuilder) {
    let text = |name: &str| first(event, &[name]).unwrap_or_default();
    builder.provider.push_str(text("source_name"));
    builder.channel.push_str(text("log_name"));
    builder.set_code(text("event_id"));
    builder.set_time(text("@timestamp"));
    builder.set_record_id(text("record_number"));
    builder.set_record_id(text("record_id"));
    builder.add(Field::Computer, text("computer_name"));
    for (name, value) in event.get("event_data").map(Value::members).into_iter().flatten() {
        builder.add_named(name, text_of(value).unwrap_or_default());
    }
}

/// `Get-WinEvent | ConvertTo-Json`: values without names, and a message that has them.
fn powershell(event: Value<'_>, builder: &mut EventBuilder) {
    let text = |name: &str| first(event, &[name]).unwrap_or_default();
    builder.provider.push_str(text("ProviderName"));
    builder.channel.push_str(text("LogName"));
    builder.set_code(text("Id"));
    builder.set_record_id(text("RecordId"));
    builder.add(Field::Computer, text("MachineName"));
    let created = event.get("TimeCreated");
    let time = created.and_then(Value::as_str).or_else(|| created?.get("value")?.as_str());
    builder.set_time(time.unwrap_or_default());
    if matches!(builder.record_kind(), RecordKind::Sysmon(_)) {
        return places::complete(event, builder);
    }
    let (message, values) = (text("Message"), event.get("Properties").and_then(places::values_of));
    let values = values.unwrap_or_default();
    let names = values_of(builder.provider.as_str(), builder.code);
    if !names.is_empty() && names.len() == values.len() {
        // Their messages name nothing, or in other words, and their values are the same since Windows 10.
        for (name, value) in names.iter().zip(values) {
            builder.add_named(name, value);
        }
    } else if values.is_empty() {
        message::read_lines(builder.code.unwrap_or_default(), message, builder);
    } else {
        message::name_values(message, &values, builder);
    }
}

/// The names of an event's values where it is one of another channel that a walk-through looks at.
fn values_of(provider: &str, event_code: Option<u16>) -> &'static [&'static str] {
    match Channel::of_provider(|name| name.eq_ignore_ascii_case(provider)) {
        Some(Channel::PowerShell) if event_code == Some(code::SCRIPT_BLOCK) => {
            &["MessageNumber", "MessageTotal", "ScriptBlockText", "ScriptBlockId", "Path"]
        }
        Some(Channel::Security) if event_code == Some(code::NEW_PROCESS) => &[
            "SubjectUserSid",
            "SubjectUserName",
            "SubjectDomainName",
            "SubjectLogonId",
            "NewProcessId",
            "NewProcessName",
            "TokenElevationType",
            "ProcessId",
            "CommandLine",
            "TargetUserSid",
            "TargetUserName",
            "TargetDomainName",
            "TargetLogonId",
            "ParentProcessName",
            "MandatoryLabel",
        ],
        _ => &[],
    }
}

/// The text of the first of these members that has one.
fn first<'a>(object: Value<'a>, names: &[&str]) -> Option<&'a str> {
    names.iter().filter_map(|name| object.get(name).and_then(text_of)).find(|text| !text.is_empty())
}

/// An attribute of an element, in all the places to which converters put it.
fn attribute<'a>(
    parent: Value<'a>,
    element_name: &str,
    element: Option<Value<'a>>,
    name: &str,
) -> Option<&'a str> {
    if let Some(element) = element {
        let inside = element.path(&["#attributes", name]).or_else(|| element.get(name));
        let inside = inside.or_else(|| {
            element.members().find_map(|(key, value)| (key.strip_prefix('@') == Some(name)).then_some(value))
        });
        if let Some(text) = inside.and_then(Value::scalar).or_else(|| element.scalar()) {
            return Some(text);
        }
    }
    let (_, separate) = parent
        .members()
        .find(|(key, _)| key.strip_suffix("_attributes").is_some_and(|key| key == element_name))?;
    separate.get(name)?.scalar()
}

/// `{"Name": …, "text": …}` in the spellings of several converters. Returns whether it names a field at all.
fn pair(value: Value<'_>, builder: &mut EventBuilder) -> bool {
    let name =
        value.get("Name").or_else(|| value.get("@Name")).or_else(|| value.path(&["#attributes", "Name"]));
    let Some(name) = name.and_then(Value::as_str) else { return false };
    if let Some(text) = text_of(value) {
        builder.add_named(name, text);
    }
    true
}

/// Members whose names are the fields'.
fn named(value: Value<'_>, builder: &mut EventBuilder) {
    for (name, member) in value.members() {
        if let Some(text) = text_of(member) {
            builder.add_named(name, text);
        }
    }
}

/// A list of pairs, of members by name, or of values in Sysmon's order.
fn list(list: Value<'_>, builder: &mut EventBuilder) {
    let mut has_values = false;
    for element in list.elements() {
        if !element.is_object() {
            has_values = true;
        } else if !pair(element, builder) {
            named(element, builder);
        }
    }
    if has_values && let (Some(event_code), Some(values)) = (builder.code, places::values_of(list)) {
        schema::name_values(event_code, &values, builder);
    }
}

fn is_event_xml(text: &str) -> bool {
    text.contains("<Event") && text.contains("</Event>")
}

/// The event in a text that may have more before and after it.
fn event_part(text: &str) -> &str {
    let start = text.find("<Event>").or_else(|| text.find("<Event ")).unwrap_or(0);
    let end = text.find("</Event>").map_or(text.len(), |end| end + 8);
    text.get(start..end).unwrap_or(text)
}
