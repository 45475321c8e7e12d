//! The four tests as a walk through them meets them elsewhere: on a host that the CI pattern takes for its own, and where
//! Sysmon logs less. All channels in one log, as a collector has them.

use super::event::Event;
use super::{Fixture, Log, four_tests, intact};
use crate::support::schemas::SYSMON;

/// The logs.
pub fn fixtures() -> Vec<Fixture> {
    let without_names = four_tests::collected("WS-4712.corp.example").into_iter().map(|event| {
        if is(&event, 3) { event.with("DestinationHostname", "-").with("SourceHostname", "-") } else { event }
    });
    let without_connections =
        four_tests::collected("WS-4713.corp.example").into_iter().filter(|event| !is(event, 3));
    // Without Event 22 nothing joins a name to the script's connection: not even the detection with joins sees it.
    // No query names the script's connection; its only name is the one that the address's owner wrote.
    let twins = four_tests::collected_twins("WS-4714.corp.example")
        .into_iter()
        .filter(|event| !is(event, 22))
        .map(|event| {
            let is_script = is(&event, 3) && event.text("Image").ends_with("python.exe");
            if is_script {
                event.with("DestinationHostname", "lb-140-82-121-6-fra.github.com")
            } else {
                event
            }
        });
    vec![
        intact("walk/build-7.evtx", Log::sorted(1, four_tests::collected("build-7"))),
        intact("walk/no-dns-lookup.evtx", Log::sorted(1, without_names.collect())),
        intact("walk/no-event-3.evtx", Log::sorted(1, without_connections.collect())),
        intact("walk/twins.evtx", Log::sorted(1, twins.collect())),
    ]
}

fn is(event: &Event, event_id: u16) -> bool {
    std::ptr::eq(event.shape.provider, &raw const SYSMON) && event.shape.event_id == event_id
}
