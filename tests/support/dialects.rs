//! Events in every dialect in which exports, shippers and converters write them.

use serde_json::{Map, Value as Json, json};

use super::evtx_writer::value::Value;
use super::scenarios::event::Event;

/// Losses of a dialect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lacks {
    /// Times have three digits after the second.
    pub digits: bool,
    /// There are no record numbers.
    pub record: bool,
    /// The time is of no known zone: Sysmon's own is taken, which is another.
    pub time: bool,
}

/// A dialect: a file name, what it lacks, and how a log is written in it.
pub struct Dialect {
    pub file: &'static str,
    pub lacks: Lacks,
    pub write: fn(&[(u64, &Event)]) -> Vec<u8>,
}

const EXACT: Lacks = Lacks { digits: false, record: false, time: false };
const MILLIS: Lacks = Lacks { digits: true, record: false, time: false };
const NO_ZONE: Lacks = Lacks { digits: false, record: false, time: true };

/// All of them.
pub const ALL: &[Dialect] = &[
    Dialect {
        file: "wevtutil.xml",
        lacks: EXACT,
        write: |log| lines(log, |r, e| xml(r, e, '\'', "")).into_bytes(),
    },
    Dialect { file: "wevtutil-utf16.xml", lacks: EXACT, write: utf16 },
    Dialect { file: "event-viewer.xml", lacks: EXACT, write: viewer },
    Dialect {
        file: "evtx_dump.xml",
        lacks: EXACT,
        write: |log| {
            lines(log, |r, e| {
                format!("Record {r}\n<?xml version=\"1.0\" encoding=\"utf-8\"?>\n{}", xml(r, e, '"', ""))
            })
            .into_bytes()
        },
    },
    Dialect {
        file: "sysmon-syslog.log",
        lacks: EXACT,
        write: |log| {
            lines(log, |r, e| format!("Mar 11 09:16:47 collector sysmon: {}", xml(r, e, '"', "")))
                .into_bytes()
        },
    },
    Dialect { file: "evtx_dump.jsonl", lacks: EXACT, write: |log| json_lines(log, evtx_dump) },
    Dialect {
        file: "separate-attributes.jsonl",
        lacks: EXACT,
        write: |log| json_lines(log, separate_attributes),
    },
    Dialect { file: "nxlog.json", lacks: MILLIS, write: |log| json_lines(log, nxlog) },
    Dialect { file: "winlogbeat6.json", lacks: MILLIS, write: |log| json_lines(log, winlogbeat6) },
    Dialect { file: "winlogbeat7.json", lacks: MILLIS, write: |log| json_lines(log, winlogbeat7) },
    Dialect {
        file: "elastic-hits.json",
        lacks: MILLIS,
        write: |log| {
            let hits: Vec<Json> =
                log.iter().map(|(r, e)| json!({"_index": "x", "_source": winlogbeat7(*r, e)})).collect();
            json!({"took": 3, "hits": {"total": hits.len(), "hits": hits}}).to_string().into_bytes()
        },
    },
    Dialect {
        file: "sentinel.json",
        lacks: Lacks { record: true, ..EXACT },
        write: |log| json_lines(log, sentinel),
    },
    Dialect { file: "siem.json", lacks: EXACT, write: |log| json_lines(log, siem) },
    Dialect {
        file: "splunk-raw.json",
        lacks: EXACT,
        write: |log| {
            json_lines(
                log,
                |r, e| json!({"preview": false, "result": {"_raw": xml(r, e, '\'', ""), "host": "indexer"}}),
            )
        },
    },
    Dialect {
        file: "splunk-raw.csv",
        lacks: EXACT,
        write: |log| {
            let rows = lines(log, |r, e| format!("\"collector\",{}", quoted(&xml(r, e, '\'', ""))));
            format!("\"host\",\"_raw\"\n{rows}").into_bytes()
        },
    },
    Dialect {
        file: "powershell.json",
        lacks: EXACT,
        write: |log| {
            Json::Array(log.iter().map(|(r, e)| powershell(*r, e)).collect()).to_string().into_bytes()
        },
    },
    Dialect {
        file: "powershell-no-message.json",
        lacks: EXACT,
        write: |log| json_lines(log, |r, e| with_message(powershell(r, e), Json::Null)),
    },
    Dialect {
        file: "powershell-shifted.json",
        lacks: EXACT,
        write: |log| json_lines(log, |r, e| with_message(powershell(r, e), json!(message(e, 1)))),
    },
    Dialect { file: "powershell-typed.json", lacks: EXACT, write: |log| json_lines(log, powershell_typed) },
    Dialect {
        file: "powershell-depth1.json",
        lacks: EXACT,
        write: |log| {
            json_lines(log, |r, e| {
                let mut event = powershell(r, e);
                let name = json!("System.Diagnostics.Eventing.Reader.EventProperty");
                event["Properties"] = fields(e).map(|_| name.clone()).collect();
                event
            })
        },
    },
    Dialect { file: "fluentd.json", lacks: NO_ZONE, write: |log| json_lines(log, fluentd) },
    Dialect { file: "fluent-bit.json", lacks: NO_ZONE, write: |log| json_lines(log, fluent_bit) },
    Dialect {
        file: "data-by-name.json",
        lacks: EXACT,
        write: |log| {
            json_lines(log, |r, e| {
                let mut event = siem(r, e);
                event["Event"]["EventData"] = json!({"Data": texts(e)});
                event
            })
        },
    },
    Dialect {
        file: "data-in-order.json",
        lacks: EXACT,
        write: |log| {
            json_lines(log, |r, e| {
                let mut event = siem(r, e);
                event["Event"]["EventData"] =
                    json!({"Data": fields(e).map(|(_, text)| text).collect::<Vec<_>>()});
                event
            })
        },
    },
    Dialect {
        file: "winlogbeat6-message.json",
        lacks: MILLIS,
        write: |log| {
            json_lines(log, |r, e| {
                let mut event = winlogbeat6(r, e);
                event["event_data"] = Json::Null;
                event["message"] = json!(message(e, 0).replace('\r', ""));
                event
            })
        },
    },
    Dialect { file: "sentinel-rendered.csv", lacks: Lacks { record: true, ..EXACT }, write: rendered_rows },
    Dialect { file: "evtxecmd.csv", lacks: EXACT, write: evtxecmd },
    Dialect { file: "velociraptor.json", lacks: EXACT, write: |log| json_lines(log, velociraptor) },
];

fn lines(log: &[(u64, &Event)], write: impl Fn(u64, &Event) -> String) -> String {
    log.iter().map(|(record, event)| write(*record, event) + "\n").collect()
}

fn json_lines(log: &[(u64, &Event)], write: impl Fn(u64, &Event) -> Json) -> Vec<u8> {
    lines(log, |record, event| write(record, event).to_string()).into_bytes()
}

/// A value as Windows writes it in XML.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Text(text) => text.to_string(),
        Value::Utf16(units) => String::from_utf16_lossy(units),
        Value::UInt8(number) => number.to_string(),
        Value::UInt16(number) => number.to_string(),
        Value::Int32(number) => number.to_string(),
        Value::UInt32(number) => number.to_string(),
        Value::UInt64(number) | Value::FileTime(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Guid(guid) => guid.to_string().to_ascii_uppercase(),
        Value::Sid(sid) => sid.to_string(),
        Value::HexInt32(number) => format!("0x{number:x}"),
        Value::HexInt64(number) => format!("0x{number:x}"),
    }
}

fn fields(event: &Event) -> impl Iterator<Item = (&'static str, String)> + '_ {
    event.shape.fields.iter().zip(&event.values).map(|((name, _), value)| (*name, text(value)))
}

/// As JSON converters type them: numbers and truths bare.
fn typed(event: &Event) -> Map<String, Json> {
    let value = |value: &Value| match value {
        Value::UInt8(number) => json!(number),
        Value::UInt16(number) => json!(number),
        Value::Int32(number) => json!(number),
        Value::UInt32(number) => json!(number),
        Value::UInt64(number) => json!(number),
        Value::Boolean(truth) => json!(truth),
        other => json!(text(other)),
    };
    let named = event.shape.fields.iter().zip(&event.values);
    named.map(|((name, _), field)| ((*name).to_owned(), value(field))).collect()
}

fn texts(event: &Event) -> Map<String, Json> {
    fields(event).map(|(name, text)| (name.to_owned(), json!(text))).collect()
}

/// With three digits after the second.
fn millis(event: &Event) -> String {
    let time = event.time.system_time();
    format!("{}Z", &time[..23])
}

fn escaped(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '\'' => "&apos;".to_owned(),
            '"' => "&quot;".to_owned(),
            // As wevtutil writes what XML can't hold otherwise.
            '\r' => "&#13;".to_owned(),
            c => c.to_string(),
        })
        .collect()
}

fn xml(record: u64, event: &Event, quote: char, rendering: &str) -> String {
    let shape = event.shape;
    let data: Vec<String> = fields(event)
        .map(|(name, text)| format!("<Data Name={quote}{name}{quote}>{}</Data>", escaped(&text)))
        .collect();
    let data = data.concat();
    format!(
        "<Event xmlns={quote}http://schemas.microsoft.com/win/2004/08/events/event{quote}><System>\
         <Provider Name={quote}{}{quote} Guid={quote}{}{quote}/><EventID>{}</EventID><Version>{}</Version>\
         <Level>{}</Level><Task>{}</Task><Opcode>{}</Opcode><Keywords>0x{:x}</Keywords>\
         <TimeCreated SystemTime={quote}{}{quote}/><EventRecordID>{record}</EventRecordID><Correlation/>\
         <Execution ProcessID={quote}{}{quote} ThreadID={quote}{}{quote}/><Channel>{}</Channel>\
         <Computer>{}</Computer><Security UserID={quote}S-1-5-18{quote}/></System><EventData>{data}</EventData>{rendering}</Event>",
        shape.provider.name,
        shape.provider.guid,
        shape.event_id,
        shape.version,
        shape.level,
        shape.task,
        shape.opcode,
        shape.keywords,
        event.time.system_time(),
        event.process_id,
        event.thread_id,
        shape.provider.channel,
        event.computer
    )
}

fn utf16(log: &[(u64, &Event)]) -> Vec<u8> {
    let text = lines(log, |record, event| xml(record, event, '\'', ""));
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

fn viewer(log: &[(u64, &Event)]) -> Vec<u8> {
    let rendering = "<RenderingInfo Culture='en-US'><Message>Process Create:\nImage: C:\\not\\this.exe</Message>\
                     <Level>Information</Level></RenderingInfo>";
    let events: String = log.iter().map(|(record, event)| xml(*record, event, '\'', rendering)).collect();
    format!("<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\"?>\n<Events>{events}</Events>")
        .into_bytes()
}

fn evtx_dump(record: u64, event: &Event) -> Json {
    json!({"Event": {
        "#attributes": {"xmlns": "http://schemas.microsoft.com/win/2004/08/events/event"},
        "System": {
            "Provider": {"#attributes": {"Name": event.shape.provider.name}},
            "EventID": event.shape.event_id,
            "TimeCreated": {"#attributes": {"SystemTime": event.time.system_time()}},
            "EventRecordID": record,
            "Channel": event.shape.provider.channel,
            "Computer": &*event.computer,
        },
        "EventData": typed(event),
    }})
}

fn separate_attributes(record: u64, event: &Event) -> Json {
    json!({"Event_attributes": {"xmlns": "http://schemas.microsoft.com/win/2004/08/events/event"}, "Event": {
        "System": {
            "Provider_attributes": {"Name": event.shape.provider.name},
            "EventID": event.shape.event_id,
            "TimeCreated_attributes": {"SystemTime": event.time.system_time()},
            "EventRecordID": record,
            "Channel": event.shape.provider.channel,
            "Computer": &*event.computer,
        },
        "EventData": typed(event),
    }})
}

fn with(mut fields: Map<String, Json>, others: Json) -> Json {
    let Json::Object(others) = others else { panic!("an object") };
    fields.extend(others);
    Json::Object(fields)
}

fn nxlog(record: u64, event: &Event) -> Json {
    let others = json!({
        "EventTime": "2020-10-18 13:51:13", "@timestamp": millis(event), "host": "collector",
        "Hostname": &*event.computer, "EventID": event.shape.event_id, "RecordNumber": record,
        "SourceName": event.shape.provider.name, "Channel": event.shape.provider.channel,
        "SeverityValue": 2, "Message": "Process Create:\r\nImage: C:\\not\\this.exe",
    });
    with(texts(event), others)
}

fn winlogbeat6(record: u64, event: &Event) -> Json {
    json!({
        "@timestamp": millis(event), "event_id": event.shape.event_id, "source_name": event.shape.provider.name,
        "log_name": event.shape.provider.channel, "computer_name": &*event.computer, "record_number": record.to_string(),
        "type": "wineventlog", "event_data": texts(event),
    })
}

fn winlogbeat7(record: u64, event: &Event) -> Json {
    json!({
        "@timestamp": millis(event), "event": {"code": event.shape.event_id, "provider": event.shape.provider.name},
        "host": {"name": &*event.computer},
        "winlog": {
            "provider_name": event.shape.provider.name, "channel": event.shape.provider.channel,
            "event_id": event.shape.event_id.to_string(), "record_id": record, "computer_name": &*event.computer,
            "event_data": texts(event),
        },
    })
}

fn sentinel(_: u64, event: &Event) -> Json {
    json!({
        "TimeGenerated": event.time.system_time(), "EventID": event.shape.event_id, "Computer": &*event.computer,
        "Source": event.shape.provider.name, "EventLog": event.shape.provider.channel,
        "EventData": Json::Object(texts(event)).to_string(),
    })
}

fn siem(record: u64, event: &Event) -> Json {
    let data: Vec<Json> = fields(event)
        .map(
            |(name, text)| {
                if text.is_empty() { json!({"Name": name}) } else { json!({"Name": name, "text": text}) }
            },
        )
        .collect();
    json!({"Event": {
        "System": {
            "Provider": {"Name": event.shape.provider.name}, "EventID": event.shape.event_id.to_string(),
            "TimeCreated": {"SystemTime": event.time.system_time()}, "EventRecordID": record.to_string(),
            "Channel": event.shape.provider.channel, "Computer": &*event.computer,
        },
        "EventData": {"Data": data},
    }})
}

/// The message as Windows renders it; with a shift, each name before a value that comes later.
fn message(event: &Event, shift: usize) -> String {
    let fields: Vec<_> = fields(event).collect();
    let values = fields.iter().skip(shift).map(|(_, text)| text.clone());
    let missing = (0..shift).map(|number| format!("%{}", fields.len() - number));
    let lines = fields.iter().zip(values.chain(missing)).map(|((name, _), value)| format!("{name}: {value}"));
    std::iter::once("Event:".to_owned()).chain(lines).collect::<Vec<_>>().join("\r\n")
}

fn with_message(mut event: Json, message: Json) -> Json {
    event["Message"] = message;
    event
}

/// With the values as .NET has them: no braces, numbers in no base.
fn powershell_typed(record: u64, event: &Event) -> Json {
    let value = |value: &Value| match value {
        Value::HexInt64(number) => json!(number),
        Value::UInt16(number) => json!(number),
        Value::HexInt32(number) | Value::UInt32(number) => json!(number),
        Value::Boolean(truth) => json!(truth),
        Value::Guid(guid) => json!(guid.to_string().to_ascii_lowercase().trim_matches(['{', '}'])),
        other => json!(text(other)),
    };
    let mut log = powershell(record, event);
    log["Properties"] = event.values.iter().map(|field| json!({"Value": value(field)})).collect();
    log
}

fn fluentd(record: u64, event: &Event) -> Json {
    json!({
        "ProviderName": event.shape.provider.name, "EventID": event.shape.event_id.to_string(),
        "TimeCreated": event.time.system_time().replace('-', "/").replace(['T', 'Z'], " "),
        "EventRecordID": record.to_string(), "Channel": event.shape.provider.channel, "Computer": &*event.computer,
        "User": "NT AUTHORITY\\SYSTEM", "Version": event.shape.version.to_string(), "Description": message(event, 0),
        "EventData": fields(event).map(|(_, text)| text).collect::<Vec<_>>(),
    })
}

fn fluent_bit(record: u64, event: &Event) -> Json {
    json!({
        "ProviderName": event.shape.provider.name, "EventID": event.shape.event_id, "Version": event.shape.version,
        "TimeCreated": event.time.system_time()[..19].replace('T', " ") + " +0000", "EventRecordID": record,
        "Channel": event.shape.provider.channel, "Computer": &*event.computer, "UserID": "NT AUTHORITY\\SYSTEM",
        "Message": message(event, 0), "StringInserts": fields(event).map(|(_, text)| text).collect::<Vec<_>>(),
    })
}

fn rendered_rows(log: &[(u64, &Event)]) -> Vec<u8> {
    let rows = lines(log, |_, event| {
        let cells = [
            event.time.system_time(),
            event.computer.to_string(),
            event.shape.provider.channel.to_owned(),
            event.shape.provider.name.to_owned(),
            event.shape.event_id.to_string(),
            message(event, 0),
        ];
        cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",")
    });
    format!("TimeGenerated,Computer,EventLog,Source,EventID,RenderedDescription\n{rows}").into_bytes()
}

fn powershell(record: u64, event: &Event) -> Json {
    let message = message(event, 0);
    let properties: Vec<Json> = fields(event).map(|(_, text)| json!({"Value": text})).collect();
    json!({
        "Message": message, "Id": event.shape.event_id, "Version": event.shape.version,
        "ProviderName": event.shape.provider.name, "LogName": event.shape.provider.channel, "RecordId": record,
        "MachineName": &*event.computer, "TimeCreated": event.time.system_time(), "Properties": properties,
    })
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn evtxecmd(log: &[(u64, &Event)]) -> Vec<u8> {
    let rows = lines(log, |record, event| {
        let data: Vec<Json> =
            fields(event).map(|(name, text)| json!({"@Name": name, "#text": text})).collect();
        let cells = [
            record.to_string(),
            record.to_string(),
            event.time.system_time(),
            event.shape.event_id.to_string(),
            event.shape.provider.name.to_owned(),
            event.shape.provider.channel.to_owned(),
            event.computer.to_string(),
            json!({"EventData": {"Data": data}}).to_string(),
        ];
        cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",")
    });
    format!("RecordNumber,EventRecordId,TimeCreated,EventId,Provider,Channel,Computer,Payload\n{rows}")
        .into_bytes()
}

fn velociraptor(record: u64, event: &Event) -> Json {
    json!({
        "System": {
            "Provider": {"Name": event.shape.provider.name}, "EventID": {"Value": event.shape.event_id},
            "TimeCreated": {"SystemTime": event.time.system_time()}, "EventRecordID": record,
            "Channel": event.shape.provider.channel, "Computer": &*event.computer,
        },
        "EventData": typed(event),
    })
}
