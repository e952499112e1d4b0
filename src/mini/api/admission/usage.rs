//! How much of a quota an object uses.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::mini::api::{
    meta,
    quantity::{self, Quantity},
    resources::Resource,
};

/// Amounts by the name that a quota has for them.
pub(super) type Usage = BTreeMap<String, Quantity>;

const COMPUTE: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];

/// What an object uses.
pub(super) fn of(resource: &Resource, object: &Value) -> Usage {
    let mut usage = Usage::new();
    let qualified = match resource.group {
        "" => resource.plural.to_owned(),
        group => format!("{}.{group}", resource.plural),
    };
    usage.insert(format!("count/{qualified}"), count(1));
    match resource.group_kind {
        "Pod" => pod(&mut usage, object),
        "PersistentVolumeClaim" => claim(&mut usage, object),
        "Service" => service(&mut usage, object),
        "ConfigMap" | "Secret" | "ResourceQuota" => {
            usage.insert(resource.plural.to_owned(), count(1));
        }
        _ => {}
    }
    usage
}

/// The amounts of compute that a quota counts and a pod's containers do not say, as `cpu for: a,b`.
pub(super) fn unsaid(pod: &Value, counted: &[&str]) -> Vec<String> {
    let mut lines = Vec::new();
    for name in counted {
        let (list, amount) = match name.split_once('.') {
            Some(("requests", amount)) => ("requests", amount),
            Some(("limits", amount)) => ("limits", amount),
            _ => ("requests", *name),
        };
        if !COMPUTE.contains(&amount) {
            continue;
        }
        let silent: Vec<_> = containers(pod, "containers")
            .chain(containers(pod, "initContainers"))
            .filter(|container| container["resources"][list].get(amount).is_none())
            .filter_map(|container| container["name"].as_str())
            .collect();
        if !silent.is_empty() {
            lines.push(format!("{name} for: {}", silent.join(",")));
        }
    }
    lines
}

fn count(number: usize) -> Quantity {
    quantity::parse(&number.to_string()).unwrap_or(Quantity::ZERO)
}

fn containers<'a>(pod: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    pod["spec"][list].as_array().into_iter().flatten()
}

fn pod(usage: &mut Usage, pod: &Value) {
    if matches!(meta::at(pod, "/status/phase"), "Succeeded" | "Failed") {
        return;
    }
    usage.insert("pods".to_owned(), count(1));
    for list in ["requests", "limits"] {
        for amount in COMPUTE {
            let of = |container: &Value| {
                let text = container["resources"][list][amount].as_str()?;
                quantity::parse(text).ok()
            };
            let together = containers(pod, "containers")
                .filter_map(of)
                .reduce(quantity::add);
            let one = containers(pod, "initContainers").filter_map(of).max();
            let Some(most) = together.max(one) else {
                continue;
            };
            usage.insert(format!("{list}.{amount}"), most);
            if list == "requests" {
                usage.insert(amount.to_owned(), most);
            }
        }
    }
}

fn claim(usage: &mut Usage, claim: &Value) {
    let class = meta::at(claim, "/spec/storageClassName");
    let of_class = |name: &str| format!("{class}.storageclass.storage.k8s.io/{name}");
    usage.insert("persistentvolumeclaims".to_owned(), count(1));
    if !class.is_empty() {
        usage.insert(of_class("persistentvolumeclaims"), count(1));
    }
    let size = quantity::parse(meta::at(claim, "/spec/resources/requests/storage"));
    if let Ok(size) = size {
        usage.insert("requests.storage".to_owned(), size);
        if !class.is_empty() {
            usage.insert(of_class("requests.storage"), size);
        }
    }
}

fn service(usage: &mut Usage, service: &Value) {
    usage.insert("services".to_owned(), count(1));
    let kind = meta::at(service, "/spec/type");
    if matches!(kind, "NodePort" | "LoadBalancer") {
        let ports = service["spec"]["ports"].as_array().map_or(0, Vec::len);
        usage.insert("services.nodeports".to_owned(), count(ports));
    }
    if kind == "LoadBalancer" {
        usage.insert("services.loadbalancers".to_owned(), count(1));
    }
}
