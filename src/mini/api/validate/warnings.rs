//! What is accepted with a warning.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{field::Field, names};

/// The warnings for an object that was accepted.
pub(super) fn of(group_kind: &str, object: &Value) -> Vec<String> {
    let object = Field::root(object);
    let mut warnings = Vec::new();
    match group_kind {
        "Pod" => {
            let texts = names::dns_label(object.get("metadata").get("name").text());
            if !texts.is_empty() {
                warnings.push(format!(
                    "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is \
                     recommended: [{}]",
                    texts.join(" ")
                ));
            }
            pod(&object, &mut warnings);
        }
        "apps/StatefulSet" => {
            pod(&object.get("spec").get("template"), &mut warnings);
            if object.get("spec").get("revisionHistoryLimit").number() < 0 {
                let text = "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended";
                warnings.push(text.to_owned());
            }
        }
        "apps/Deployment" | "apps/ReplicaSet" => {
            pod(&object.get("spec").get("template"), &mut warnings);
        }
        "Service" => service(&object, &mut warnings),
        _ => {}
    }
    warnings
}

fn pod(pod: &Field<'_>, warnings: &mut Vec<String>) {
    let spec = pod.get("spec");
    let lists = ["initContainers", "containers", "ephemeralContainers"];
    let containers: Vec<_> = lists
        .into_iter()
        .flat_map(|list| spec.get(list).items())
        .collect();
    for container in &containers {
        fractions(container, warnings);
        hidden_variables(container, warnings);
    }
    ports(&containers, warnings);
    let grace = spec.get("terminationGracePeriodSeconds");
    if grace.number() < 0 {
        warnings.push(format!(
            "{}: must be >= 0; negative values are invalid and will be treated as 1",
            grace.path
        ));
    }
}

fn fractions(container: &Field<'_>, warnings: &mut Vec<String>) {
    for resource in ["memory", "ephemeral-storage"] {
        for list in ["limits", "requests"] {
            let amount = container.get("resources").get(list).key(resource);
            if amount.quantity().milli() % 1000 != 0 {
                warnings.push(format!(
                    "{}: fractional byte value {:?} is invalid, must be an integer",
                    amount.path,
                    amount.text()
                ));
            }
        }
    }
}

fn hidden_variables(container: &Field<'_>, warnings: &mut Vec<String>) {
    let variables: Vec<_> = container.get("env").items().collect();
    for (at, variable) in variables.iter().enumerate() {
        let name = variable.get("name").text();
        let again = variables[..at]
            .iter()
            .any(|earlier| earlier.get("name").is(name));
        let (value, reference) = (variable.get("value").text(), format!("$({name})"));
        let keeps =
            !variable.get("valueFrom").is_set() && value != reference && value.contains(&reference);
        if again && !keeps {
            warnings.push(format!(
                "{}: hides previous definition of {name:?}, which may be dropped when using apply",
                variable.path
            ));
        }
    }
}

fn ports(containers: &[Field<'_>], warnings: &mut Vec<String>) {
    let mut seen: BTreeMap<(i64, &str), Vec<Field<'_>>> = BTreeMap::new();
    let all = || {
        containers
            .iter()
            .flat_map(|container| container.get("ports").items())
    };
    for port in all() {
        let key = (
            port.get("containerPort").number(),
            port.get("protocol").text(),
        );
        let others = seen.entry(key).or_default();
        for other in others.iter() {
            let host = |port: &Field<'_>| port.get("hostPort").number();
            let same_ip = port.get("hostIP").text() == other.get("hostIP").text();
            let word = match (same_ip, host(&port), host(other)) {
                (true, one, two) if one == two => "duplicate",
                (_, 0, _) | (_, _, 0) => "overlapping",
                _ => continue,
            };
            warnings.push(format!(
                "{}: {word} port definition with {}",
                port.path, other.path
            ));
        }
        others.push(port);
    }
    let mut names: BTreeMap<&str, String> = BTreeMap::new();
    for port in all().filter(|port| !port.get("name").text().is_empty()) {
        let name = port.get("name").text();
        match names.get(name) {
            Some(other) => warnings.push(format!(
                "{}: duplicate port name {name:?} with {other}, services and probes that select ports by name will use {other}",
                port.path
            )),
            None => {
                names.insert(name, port.path);
            }
        }
    }
}

fn service(service: &Field<'_>, warnings: &mut Vec<String>) {
    let spec = service.get("spec");
    let headless = spec.value["clusterIPs"][0] == "None";
    let external = spec.get("type").is("ExternalName");
    let mut warn = |holds: bool, text: &str| {
        if holds {
            warnings.push(text.to_owned());
        }
    };
    let ips = spec.get("externalIPs").len() > 0;
    let balancer = !spec.get("loadBalancerIP").text().is_empty();
    warn(
        headless && balancer,
        "spec.loadBalancerIP is ignored for headless services",
    );
    warn(
        headless && ips,
        "spec.externalIPs is ignored for headless services",
    );
    warn(
        headless && spec.get("sessionAffinity").is("ClientIP"),
        "spec.SessionAffinity is ignored for headless services",
    );
    warn(
        ips && !headless && !external,
        "spec.externalIPs is deprecated and may no longer be implemented in some clusters",
    );
    warn(
        external && ips,
        "spec.externalIPs is ignored when spec.type is \"ExternalName\"",
    );
    warn(
        !external && !spec.get("externalName").text().is_empty(),
        "spec.externalName is ignored when spec.type is not \"ExternalName\"",
    );
}
