//! EndpointSlices, Endpoints and Events.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    field::{Faults, Field},
    metadata, names,
};
use crate::mini::api::Cause;

/// A slice.
pub(super) fn slice(slice: &Field<'_>, faults: &mut Faults) {
    let family = slice.get("addressType");
    faults.required_one_of(&family, &["FQDN", "IPv4", "IPv6"]);
    let mut seen = BTreeSet::new();
    for port in slice.get("ports").items() {
        let (name, protocol) = (port.get("name"), port.get("protocol"));
        faults.name(&name, names::dns_label);
        if !seen.insert(name.text()) {
            let value = Value::from(name.text());
            faults.duplicate(&port.at("name", &value));
        }
        match protocol.is_set() {
            true => faults.one_of(&protocol, &["SCTP", "TCP", "UDP"]),
            false => faults.required(&protocol, ""),
        }
    }
    let endpoints = slice.get("endpoints");
    if endpoints.len() > 1000 {
        return faults
            .0
            .push(Cause::too_many(&endpoints.path, endpoints.len(), 1000));
    }
    for endpoint in endpoints.items() {
        slice_endpoint(&endpoint, family.text(), faults);
    }
    for endpoint in endpoints.items() {
        if endpoint.get("addresses").len() == 0 {
            faults.required(&endpoint.get("addresses"), "");
        }
    }
}

fn slice_endpoint(endpoint: &Field<'_>, family: &str, faults: &mut Faults) {
    let addresses = endpoint.get("addresses");
    if addresses.len() > 100 {
        let cause = Cause::too_many(&addresses.path, addresses.len(), 100);
        faults.0.push(cause);
    }
    for address in addresses
        .items()
        .filter(|_| matches!(family, "IPv4" | "IPv6"))
    {
        match names::ip(address.text()) {
            Some(fault) => faults.invalid(&address, fault),
            None => {
                if address.text().contains(':') != (family == "IPv6") {
                    let at = Field {
                        path: addresses.path.clone(),
                        value: address.value,
                    };
                    faults.invalid(&at, format!("must be an {family} address"));
                }
                faults.each(&address, names::endpoint_ip(address.text()));
            }
        }
    }
    if endpoint.get("nodeName").is_set() {
        let name = endpoint.get("nodeName");
        faults.each(&name, names::dns_subdomain(name.text()));
    }
    if endpoint.get("hostname").is_set() {
        let name = endpoint.get("hostname");
        faults.each(&name, names::dns_label(name.text()));
    }
}

/// Endpoints.
pub(super) fn endpoints(endpoints: &Field<'_>, faults: &mut Faults) {
    for subset in endpoints.get("subsets").items() {
        let lists = ["addresses", "notReadyAddresses"].map(|list| subset.get(list));
        if lists.iter().all(|list| list.len() == 0) {
            faults.required(&subset, "must specify `addresses` or `notReadyAddresses`");
        }
        for address in lists.iter().flat_map(Field::items) {
            let ip = address.get("ip");
            faults.each(&ip, names::ip(ip.text()));
            faults.name(&address.get("hostname"), names::dns_label);
            faults.name(&address.get("nodeName"), names::dns_subdomain);
            faults.each(&ip, names::endpoint_ip(ip.text()));
        }
        let ports = subset.get("ports");
        for port in ports.items() {
            let (name, number) = (port.get("name"), port.get("port"));
            match name.text() {
                "" if ports.len() > 1 => faults.required(&name, ""),
                _ => faults.name(&name, names::dns_label),
            }
            faults.port_number(&number);
            faults.required_one_of(&port.get("protocol"), &["SCTP", "TCP", "UDP"]);
        }
    }
}

/// An event of either group.
pub(super) fn event(group_kind: &str, event: &Field<'_>, faults: &mut Faults) {
    let is_new = group_kind == "events.k8s.io/Event";
    let (object, reporter) = match is_new {
        true => ("regarding", "reportingController"),
        false => ("involvedObject", "reportingComponent"),
    };
    let namespace = event.get("metadata").get("namespace").text();
    let about = event.get(object).get("namespace");
    let at = Field {
        path: "involvedObject.namespace".to_owned(),
        value: about.value,
    };
    let timed = event.get("eventTime").is_set();
    let fits = match (about.text(), timed) {
        ("", true) => matches!(namespace, "default" | "kube-system"),
        ("", false) => matches!(namespace, "" | "default"),
        (_, true) => true,
        (text, false) => text == namespace,
    };
    if !fits {
        faults.invalid_value(&at, about.text(), "does not match event.namespace");
    }
    if timed {
        reported(event, reporter, is_new, faults);
    }
    if is_new {
        metadata::create(group_kind, event, faults);
        if !timed {
            faults.required(&event.get("eventTime"), "");
        }
        let kind = event.get("type");
        if !matches!(kind.text(), "Normal" | "Warning") {
            faults.invalid_value(&kind, "", format!("has invalid value: {}", kind.text()));
        }
        series(event, faults);
    }
}

fn reported(event: &Field<'_>, reporter: &str, is_new: bool, faults: &mut Faults) {
    let reporter = event.get(reporter);
    if reporter.text().is_empty() {
        faults.required(&reporter, "");
    }
    for text in names::label_key(reporter.text()) {
        faults.invalid_value(&reporter, reporter.text(), text);
    }
    let message = if is_new { "note" } else { "message" };
    for (field, shown, most) in [
        ("reportingInstance", "reportingInstance", 128),
        ("action", "action", 128),
        ("reason", "reason", 128),
        (message, "message", 1024),
    ] {
        let text = event.get(field).text();
        let at = event.at(shown, event.get(field).value);
        if text.is_empty() && shown != "message" {
            faults.required(&at, "");
        }
        if text.len() > most {
            faults.invalid_value(&at, "", format!("can have at most {most} characters"));
        }
    }
}

fn series(event: &Field<'_>, faults: &mut Faults) {
    let series = event.get("series");
    if !series.is_set() {
        return;
    }
    if series.get("count").number() < 2 {
        faults.invalid_value(&series.get("count"), "", "should be at least 2");
    }
    if !series.get("lastObservedTime").is_set() {
        faults.required(&series.get("lastObservedTime"), "");
    }
}

/// What of an event of `events.k8s.io` may not change.
pub(super) fn update_event(
    group_kind: &str,
    old: &Field<'_>,
    new: &Field<'_>,
    faults: &mut Faults,
) {
    if group_kind != "events.k8s.io/Event" {
        return event(group_kind, new, faults);
    }
    metadata::update(group_kind, old, new, faults);
    if old.get("series").value != new.get("series").value {
        series(new, faults);
    }
    for (field, shown) in [
        ("regarding", "involvedObject"),
        ("reason", "reason"),
        ("note", "message"),
        ("type", "type"),
        ("eventTime", "eventTime"),
        ("action", "action"),
        ("related", "related"),
        ("reportingController", "reportingController"),
        ("reportingInstance", "reportingInstance"),
    ] {
        let (before, after) = (old.get(field), new.get(field));
        faults.immutable(&before, &new.at(shown, after.value));
    }
}
