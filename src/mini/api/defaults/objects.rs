//! Defaults of services, volumes, claims, namespaces, nodes and endpoints.

use serde_json::{Value, json};

use super::{each, fill, inner, pods};

pub(super) fn service(object: &mut Value) {
    let spec = inner(object, "spec");
    fill(spec, "sessionAffinity", "None");
    match spec["sessionAffinity"].as_str() {
        Some("ClientIP") => {
            let client = inner(inner(spec, "sessionAffinityConfig"), "clientIP");
            fill(client, "timeoutSeconds", 10800);
        }
        Some("None") => {
            spec.as_object_mut()
                .and_then(|spec| spec.remove("sessionAffinityConfig"));
        }
        _ => {}
    }
    fill(spec, "type", "ClusterIP");
    for port in each(spec, "ports") {
        fill(port, "protocol", "TCP");
        if port["targetPort"] == 0 || port["targetPort"] == "" || port["targetPort"].is_null() {
            port["targetPort"] = port["port"].clone();
        }
    }
    let kind = spec["type"].as_str().unwrap_or_default().to_owned();
    let outside = spec["externalIPs"]
        .as_array()
        .is_some_and(|addresses| !addresses.is_empty());
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") || (kind == "ClusterIP" && outside) {
        fill(spec, "externalTrafficPolicy", "Cluster");
    }
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer" | "ClusterIP") {
        fill(spec, "internalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        fill(spec, "allocateLoadBalancerNodePorts", true);
    }
}

pub(super) fn claim(object: &mut Value) {
    claim_spec(inner(object, "spec"));
    fill(inner(object, "status"), "phase", "Pending");
}

pub(super) fn claim_spec(spec: &mut Value) {
    fill(spec, "volumeMode", "Filesystem");
    if let Some(resources) = spec.get_mut("resources") {
        pods::resource_lists(resources);
    }
}

pub(super) fn volume(object: &mut Value) {
    fill(inner(object, "status"), "phase", "Pending");
    let spec = inner(object, "spec");
    fill(spec, "persistentVolumeReclaimPolicy", "Retain");
    fill(spec, "volumeMode", "Filesystem");
    if let Some(path) = spec.get_mut("hostPath") {
        fill(path, "type", "");
    }
}

pub(super) fn namespace(object: &mut Value) {
    if let Some(name) = object["metadata"]["name"].as_str().map(str::to_owned) {
        inner(inner(object, "metadata"), "labels")["kubernetes.io/metadata.name"] = name.into();
    }
    fill(inner(object, "status"), "phase", "Active");
}

pub(super) fn node(object: &mut Value) {
    let status = inner(object, "status");
    if let Some(capacity) = status.get("capacity").cloned() {
        fill(status, "allocatable", capacity);
    }
}

pub(super) fn endpoints(object: &mut Value) {
    for subset in each(object, "subsets") {
        for port in each(subset, "ports") {
            fill(port, "protocol", "TCP");
        }
    }
}

pub(super) fn endpoint_slice(object: &mut Value) {
    for port in each(object, "ports") {
        if port.get("name").is_none_or(Value::is_null) {
            port["name"] = json!("");
        }
        fill(port, "protocol", "TCP");
    }
}
