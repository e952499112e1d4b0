//! Services.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    field::{Faults, Field},
    go, metadata, names, probes,
};

fn is_headless(spec: &Field<'_>) -> bool {
    spec.get("clusterIPs").len() == 1 && spec.value["clusterIPs"][0] == "None"
}

/// A new service, with its addresses.
pub(super) fn create(service: &Field<'_>, faults: &mut Faults) {
    metadata::create("Service", service, faults);
    body(service, &[], faults);
}

/// A changed service: addresses stay, unless the type changes from or to ExternalName.
pub(super) fn update(old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    metadata::update("Service", old, new, faults);
    addresses_stay(&old.get("spec"), &new.get("spec"), faults);
    let known: Vec<_> = old
        .get("spec")
        .get("externalIPs")
        .items()
        .map(|ip| ip.text())
        .collect();
    body(new, &known, faults);
}

fn addresses_stay(old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    let external = |spec: &Field<'_>| spec.get("type").is("ExternalName");
    if external(old) || external(new) || (is_headless(old) && is_headless(new)) {
        return;
    }
    let (before, after) = (old.get("clusterIPs"), new.get("clusterIPs"));
    let at = |index: usize| Field {
        path: format!("{}[{index}]", after.path),
        value: after.value,
    };
    if before.len() > 0 && after.len() == 0 {
        return faults.invalid(&at(0), "primary clusterIP can not be unset");
    }
    let common = match before.len() == after.len() {
        true => before.len(),
        false => before.len().min(1),
    };
    for index in 0..common {
        if before.value[index] != after.value[index] {
            faults.invalid(&at(index), "may not change once set");
        }
    }
    let policy = new.get("ipFamilyPolicy");
    if before.len() > after.len() && after.len() == 1 && !policy.is("SingleStack") {
        let text = "must be set to 'SingleStack' when releasing the secondary clusterIP";
        faults.invalid(&policy, text);
    }
}

fn body(service: &Field<'_>, known: &[&str], faults: &mut Faults) {
    let spec = service.get("spec");
    let kind = spec.get("type").text();
    let (headless, external) = (is_headless(&spec), kind == "ExternalName");
    if spec.get("ports").len() == 0 && !headless && !external {
        faults.required(&spec.get("ports"), "");
    }
    by_type(&spec, kind, headless, faults);
    ports(&spec, faults);
    metadata::labels(&spec.get("selector"), faults);
    affinity(&spec, faults);
    if !external {
        cluster_addresses(&spec, faults);
    }
    for ip in spec.get("externalIPs").items() {
        match names::ip(ip.text()) {
            Some(fault) if !known.contains(&ip.text()) => faults.invalid(&ip, fault),
            _ => faults.each(&ip, names::endpoint_ip(ip.text())),
        }
    }
    let kinds = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    faults.required_one_of(&spec.get("type"), &kinds);
    repeated_ports(&spec, kind, faults);
    traffic(&spec, kind, faults);
}

fn by_type(spec: &Field<'_>, kind: &str, headless: bool, faults: &mut Faults) {
    match kind {
        "LoadBalancer" | "NodePort" if headless => {
            let first = Field {
                path: "spec.clusterIPs[0]".to_owned(),
                value: &spec.value["clusterIPs"][0],
            };
            faults.invalid(
                &first,
                format!("may not be set to 'None' for {kind} services"),
            );
        }
        "ExternalName" => {
            for field in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
                let field = spec.get(field);
                if field.len() > 0 || !field.text().is_empty() {
                    faults.forbidden(&field, "may not be set for ExternalName services");
                }
            }
            let name = spec.get("externalName");
            let bare = name.text().strip_suffix('.').unwrap_or(name.text());
            match bare {
                "" => faults.required(&name, ""),
                _ => {
                    for text in names::dns_subdomain(bare) {
                        faults.invalid_value(&name, bare, text);
                    }
                }
            }
        }
        _ => {}
    }
}

fn ports(spec: &Field<'_>, faults: &mut Faults) {
    let ports = spec.get("ports");
    let mut seen = BTreeSet::new();
    for port in ports.items() {
        let name = port.get("name");
        if !name.text().is_empty() {
            faults.each(&name, names::dns_label(name.text()));
            if !seen.insert(name.text()) {
                faults.duplicate(&name);
            }
        } else if ports.len() > 1 {
            faults.required(&name, "");
        }
        let number = port.get("port");
        faults.port_number(&number);
        faults.required_one_of(&port.get("protocol"), &["SCTP", "TCP", "UDP"]);
        probes::port(&port.get("targetPort"), faults);
        if port.get("appProtocol").is_set() {
            let protocol = port.get("appProtocol");
            faults.each(&protocol, names::label_key(protocol.text()));
        }
    }
}

fn affinity(spec: &Field<'_>, faults: &mut Faults) {
    let (affinity, config) = (
        spec.get("sessionAffinity"),
        spec.get("sessionAffinityConfig"),
    );
    faults.required_one_of(&affinity, &["ClientIP", "None"]);
    if affinity.is("None") && config.is_set() {
        faults.forbidden(&config, "must not be set when session affinity is None");
    }
    if affinity.is("ClientIP") {
        let seconds = config.get("clientIP").get("timeoutSeconds");
        if !config.is_set() {
            faults.required(&config, "when session affinity type is ClientIP");
        } else if !seconds.is_set() {
            let text = "when session affinity type is ClientIP";
            faults.required(&seconds, text);
        } else if !(1..=86400).contains(&seconds.number()) {
            faults.invalid(&seconds, "must be greater than 0 and less than 86400");
        }
    }
}

fn cluster_addresses(spec: &Field<'_>, faults: &mut Faults) {
    let (one, all) = (spec.get("clusterIP").text(), spec.get("clusterIPs"));
    match (one, all.len()) {
        ("", 0) => {}
        ("", _) => faults.invalid(&all, "must be empty when `clusterIP` is not specified"),
        (_, 0) => faults.required(&all, ""),
        (one, _) if all.value[0] != one => {
            faults.invalid(&all, "first value must match `clusterIP`");
        }
        _ => {}
    }
    let mut seen = BTreeSet::new();
    for family in spec.get("ipFamilies").items() {
        faults.one_of(&family, &["IPv4", "IPv6"]);
        if !seen.insert(family.text()) {
            faults.duplicate(&family);
        }
    }
    if spec.get("ipFamilyPolicy").is_set() {
        let policies = ["PreferDualStack", "RequireDualStack", "SingleStack"];
        faults.one_of(&spec.get("ipFamilyPolicy"), &policies);
    }
    for (at, ip) in all.items().enumerate() {
        if at == 0 && ip.is("None") {
            if all.len() > 1 {
                faults.invalid(&all, "'None' must be the first and only value");
            }
            continue;
        }
        faults.each(&ip, names::ip(ip.text()));
    }
    if all.len() > 2 {
        faults.invalid(&all, "may only hold up to 2 values");
    }
    for (ip, family) in all.items().zip(spec.get("ipFamilies").items()) {
        let v6 = ip.text().contains(':');
        if !ip.is("None") && v6 != family.is("IPv6") {
            let text = format!(
                "expected an {0} value as indicated by `{1}`",
                family.text(),
                &family.path["spec.".len()..]
            );
            faults.invalid(&ip, text);
        }
    }
}

fn repeated_ports(spec: &Field<'_>, kind: &str, faults: &mut Faults) {
    let ports: Vec<_> = spec.get("ports").items().collect();
    let node_ports = || {
        ports
            .iter()
            .filter(|port| port.get("nodePort").number() != 0)
    };
    if kind == "ClusterIP" {
        for port in node_ports() {
            let text = "may not be used when `type` is 'ClusterIP'";
            faults.forbidden(&port.get("nodePort"), text);
        }
    }
    let mut seen = BTreeSet::new();
    for port in node_ports() {
        let number = port.get("nodePort");
        if !seen.insert((port.get("protocol").text(), number.number())) {
            faults.duplicate(&number);
        }
    }
    let mut seen = BTreeSet::new();
    for port in &ports {
        if !seen.insert((port.get("protocol").text(), port.get("port").number())) {
            let (protocol, number) = (port.get("protocol").value, port.get("port").value);
            let port_alone = serde_json::json!({"protocol": protocol, "port": number});
            let printed = go::print("ServicePort", &port_alone);
            faults.0.push(crate::mini::api::Cause {
                reason: "FieldValueDuplicate",
                field: port.path.clone(),
                message: format!("Duplicate value: {printed}"),
            });
        }
    }
}

fn traffic(spec: &Field<'_>, kind: &str, faults: &mut Faults) {
    let balanced = kind == "LoadBalancer";
    if !balanced {
        for field in ["loadBalancerSourceRanges", "allocateLoadBalancerNodePorts"] {
            let name = match field {
                "loadBalancerSourceRanges" => "LoadBalancerSourceRanges",
                name => name,
            };
            let value = spec.get(field);
            if value.len() > 0 || value.value.is_boolean() {
                faults.forbidden(
                    &spec.at(name, value.value),
                    "may only be used when `type` is 'LoadBalancer'",
                );
            }
        }
        if spec.get("loadBalancerClass").is_set() {
            faults.forbidden(
                &spec.get("loadBalancerClass"),
                "may only be used when `type` is 'LoadBalancer'",
            );
        }
    }
    let external = spec.get("externalTrafficPolicy");
    let reachable = matches!(kind, "LoadBalancer" | "NodePort")
        || (kind == "ClusterIP" && spec.get("externalIPs").len() > 0);
    match (reachable, external.text()) {
        (false, "") => {}
        (false, _) => faults.invalid(
            &external,
            "may only be set for externally-accessible services",
        ),
        (true, _) => faults.required_one_of(&external, &["Cluster", "Local"]),
    }
    let check = spec.get("healthCheckNodePort");
    if check.number() != 0 && !(balanced && external.is("Local")) {
        let text =
            "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
        faults.invalid(&check, text);
    }
    let internal = spec.get("internalTrafficPolicy");
    match internal.value {
        Value::Null if matches!(kind, "ClusterIP" | "NodePort" | "LoadBalancer") => {
            faults.required(&internal, "");
        }
        Value::Null => {}
        _ => faults.one_of(&internal, &["Cluster", "Local"]),
    }
    let distribution = spec.get("trafficDistribution");
    if distribution.is_set() {
        let known = ["PreferClose", "PreferSameNode", "PreferSameZone"];
        faults.one_of(&distribution, &known);
    }
}
