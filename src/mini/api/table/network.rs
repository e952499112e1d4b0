//! Rows of services and endpoints.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::{age, list, map, number, or, text};

pub(super) fn service(service: &Value, now: Timestamp) -> Vec<Value> {
    let ports: Vec<_> = list(service, "/spec/ports").iter().map(port).collect();
    let selector: Vec<_> = map(service, "/spec/selector")
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    vec![
        text(service, "/metadata/name").into(),
        text(service, "/spec/type").into(),
        or(text(service, "/spec/clusterIPs/0"), "<none>").into(),
        external(service).into(),
        or(&ports.join(","), "<none>").into(),
        age::of(service, now),
        or(&selector.join(","), "<none>").into(),
    ]
}

fn port(port: &Value) -> String {
    let (number_, protocol) = (number(port, "/port"), text(port, "/protocol"));
    match number(port, "/nodePort") {
        0 => format!("{number_}/{protocol}"),
        node => format!("{number_}:{node}/{protocol}"),
    }
}

fn external(service: &Value) -> String {
    let given = list(service, "/spec/externalIPs").iter();
    let given = given.map(|address| address.as_str().unwrap_or_default());
    let (mut addresses, none) = match text(service, "/spec/type") {
        "ClusterIP" | "NodePort" => (Vec::new(), "<none>"),
        "LoadBalancer" => (balanced(service), "<pending>"),
        "ExternalName" => return text(service, "/spec/externalName").to_owned(),
        _ => return "<unknown>".to_owned(),
    };
    addresses.extend(given);
    or(&addresses.join(","), none).to_owned()
}

fn balanced(service: &Value) -> Vec<&str> {
    let ingress = list(service, "/status/loadBalancer/ingress").iter();
    let addresses: BTreeSet<_> = ingress
        .map(|ingress| or(text(ingress, "/ip"), text(ingress, "/hostname")))
        .filter(|address| !address.is_empty())
        .collect();
    addresses.into_iter().collect()
}

pub(super) fn endpoints(endpoints: &Value, now: Timestamp) -> Vec<Value> {
    let mut all = Vec::new();
    for subset in list(endpoints, "/subsets") {
        let addresses = list(subset, "/addresses").iter();
        let addresses = addresses.map(|address| text(address, "/ip"));
        let ports = list(subset, "/ports");
        if ports.is_empty() {
            all.extend(addresses.clone().map(str::to_owned));
        }
        for port in ports {
            let port = number(port, "/port");
            all.extend(addresses.clone().map(|ip| match ip.contains(':') {
                true => format!("[{ip}]:{port}"),
                false => format!("{ip}:{port}"),
            }));
        }
    }
    // A subset with no address leaves the cell empty; no subset at all does not.
    let shown = match list(endpoints, "/subsets") {
        [] => "<none>".to_owned(),
        _ => first_three(&all, ""),
    };
    vec![
        text(endpoints, "/metadata/name").into(),
        shown.into(),
        age::of(endpoints, now),
    ]
}

pub(super) fn endpoint_slice(slice: &Value, now: Timestamp) -> Vec<Value> {
    let ports: Vec<_> = list(slice, "/ports").iter().map(slice_port).collect();
    let addresses: Vec<_> = list(slice, "/endpoints")
        .iter()
        .flat_map(|endpoint| list(endpoint, "/addresses"))
        .map(|address| address.as_str().unwrap_or_default().to_owned())
        .collect();
    vec![
        text(slice, "/metadata/name").into(),
        text(slice, "/addressType").into(),
        first_three(&ports, "<unset>").into(),
        first_three(&addresses, "<unset>").into(),
        age::of(slice, now),
    ]
}

fn slice_port(port: &Value) -> String {
    match (port["port"].as_i64(), port["name"].as_str()) {
        (Some(number), _) => number.to_string(),
        (None, Some(name)) => name.to_owned(),
        (None, None) => "*".to_owned(),
    }
}

fn first_three(all: &[String], none: &str) -> String {
    match all {
        [first, second, third, rest @ ..] if !rest.is_empty() => {
            format!("{first},{second},{third} + {} more...", rest.len())
        }
        _ => or(&all.join(","), none).to_owned(),
    }
}
