//! Probes and lifecycle hooks.

use serde_json::Value;

use super::{
    field::{Faults, Field},
    names,
};

const HANDLERS: [&str; 5] = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"];

/// The hooks and probes of a container that may have them. `grace` is the pod's grace period in seconds.
pub(super) fn of_container(container: &Field<'_>, grace: Option<i64>, faults: &mut Faults) {
    for hook in ["postStart", "preStop"] {
        let hook = container.get("lifecycle").get(hook);
        if hook.is_set() {
            handler(&hook, grace, faults);
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let field = container.get(name);
        if field.is_set() {
            probe(&field, name == "readinessProbe", grace, faults);
        }
    }
}

fn probe(probe: &Field<'_>, of_readiness: bool, grace: Option<i64>, faults: &mut Faults) {
    handler(probe, grace, faults);
    for field in [
        "initialDelaySeconds",
        "timeoutSeconds",
        "periodSeconds",
        "successThreshold",
        "failureThreshold",
    ] {
        faults.not_negative(&probe.get(field));
    }
    let grace = probe.get("terminationGracePeriodSeconds");
    if grace.is_set() && grace.number() <= 0 {
        faults.invalid(&grace, "must be greater than 0");
    }
    let threshold = probe.get("successThreshold");
    if of_readiness && grace.is_set() {
        faults.invalid(&grace, "must not be set for readinessProbes");
    } else if !of_readiness && threshold.number() != 1 {
        faults.invalid_value(&threshold, threshold.number(), "must be 1");
    }
}

/// Exactly one way to act.
fn handler(field: &Field<'_>, grace: Option<i64>, faults: &mut Faults) {
    let mut given = HANDLERS
        .into_iter()
        .map(|name| (name, field.get(name)))
        .filter(|(_, action)| action.is_set());
    match given.next() {
        Some((name, first)) => action(name, &first, grace, faults),
        None => faults.required(field, "must specify a handler type"),
    }
    for (_, action) in given {
        faults.forbidden(&action, "may not specify more than 1 handler type");
    }
}

fn action(name: &str, action: &Field<'_>, grace: Option<i64>, faults: &mut Faults) {
    match name {
        "exec" => {
            if action.get("command").len() == 0 {
                faults.required(&action.get("command"), "");
            }
        }
        "httpGet" => http(action, faults),
        "sleep" => {
            let seconds = action.get("seconds").number();
            if let Some(grace) = grace.filter(|grace| !(0..=*grace).contains(&seconds)) {
                let text = format!(
                    "must be non-negative and less than terminationGracePeriodSeconds ({grace})"
                );
                faults.invalid_value(action, seconds, text);
            }
        }
        _ => port(&action.get("port"), faults),
    }
}

fn http(get: &Field<'_>, faults: &mut Faults) {
    if get.get("path").text().is_empty() {
        faults.required(&get.get("path"), "");
    }
    port(&get.get("port"), faults);
    faults.one_of(&get.get("scheme"), &["HTTP", "HTTPS"]);
    for header in get.get("httpHeaders").items() {
        let name = header.get("name").text();
        let good = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if name.is_empty() || !name.chars().all(good) {
            let text = "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used \
                        for validation is '[-A-Za-z0-9]+')";
            faults.invalid_value(&get.get("httpHeaders"), name, text);
        }
    }
}

/// A port by number or by name.
pub(super) fn port(port: &Field<'_>, faults: &mut Faults) {
    match port.value {
        Value::String(name) => faults.each(port, names::port_name(name)),
        _ => {
            faults.port_number(port);
        }
    }
}
