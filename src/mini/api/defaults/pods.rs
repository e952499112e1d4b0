//! Defaults of pods and pod templates.

use serde_json::Value;

use super::{each, fill, inner, objects};
use crate::mini::api::quantity;

const CONTAINER_LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// A pod: its spec, and what a template does not get.
pub(super) fn pod(object: &mut Value) {
    let spec = inner(object, "spec");
    pod_spec(spec);
    fill(spec, "enableServiceLinks", true);
    if spec["terminationGracePeriodSeconds"].as_i64() < Some(0) {
        spec["terminationGracePeriodSeconds"] = 1.into();
    }
    let host_network = spec["hostNetwork"] == true;
    for list in ["containers", "initContainers"] {
        for container in each(spec, list) {
            requests_from_limits(container);
            if host_network {
                for port in each(container, "ports") {
                    let number = port["containerPort"].clone();
                    fill(port, "hostPort", number);
                }
            }
        }
    }
    addresses(object);
}

fn addresses(pod: &mut Value) {
    let Some(status) = pod.get_mut("status").filter(|status| status.is_object()) else {
        return;
    };
    let first = status.pointer("/podIPs/0/ip").cloned();
    match (status["podIP"].as_str(), first) {
        (Some(ip), first) if first.as_ref().and_then(Value::as_str) != Some(ip) => {
            status["podIPs"] = serde_json::json!([{"ip": ip}]);
        }
        (None, Some(first)) => status["podIP"] = first,
        _ => {}
    }
}

fn requests_from_limits(container: &mut Value) {
    let Some(limits) = container.pointer("/resources/limits").cloned() else {
        return;
    };
    let requests = inner(inner(container, "resources"), "requests");
    for (name, limit) in limits.as_object().into_iter().flatten() {
        fill(requests, name, limit.clone());
    }
}

/// The spec of a pod or of a pod template.
pub(super) fn pod_spec(spec: &mut Value) {
    // Two names of one field.
    if let Some(account) = spec.get("serviceAccount").cloned() {
        fill(spec, "serviceAccountName", account);
    }
    if let Some(account) = spec.get("serviceAccountName").cloned() {
        spec["serviceAccount"] = account;
    }
    fill(spec, "dnsPolicy", "ClusterFirst");
    fill(spec, "restartPolicy", "Always");
    fill(spec, "schedulerName", "default-scheduler");
    fill(spec, "securityContext", Value::Object(Default::default()));
    fill(spec, "terminationGracePeriodSeconds", 30);
    for list in CONTAINER_LISTS {
        each(spec, list).for_each(container);
    }
    each(spec, "volumes").for_each(volume);
    if let Some(overhead) = spec.get_mut("overhead") {
        whole_thousandths(overhead);
    }
}

fn container(container: &mut Value) {
    let image = container["image"].as_str().unwrap_or_default();
    let policy = pull_policy(image);
    fill(container, "imagePullPolicy", policy);
    fill(container, "terminationMessagePath", "/dev/termination-log");
    fill(container, "terminationMessagePolicy", "File");
    for port in each(container, "ports") {
        fill(port, "protocol", "TCP");
    }
    for variable in each(container, "env") {
        if let Some(field) = variable.pointer_mut("/valueFrom/fieldRef") {
            fill(field, "apiVersion", "v1");
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(name) {
            probe_times(probe);
            action(probe);
        }
    }
    for hook in ["/lifecycle/postStart", "/lifecycle/preStop"] {
        if let Some(hook) = container.pointer_mut(hook) {
            action(hook);
        }
    }
    if let Some(resources) = container.get_mut("resources") {
        resource_lists(resources);
    }
}

fn probe_times(probe: &mut Value) {
    for (field, value) in [
        ("timeoutSeconds", 1),
        ("periodSeconds", 10),
        ("successThreshold", 1),
        ("failureThreshold", 3),
    ] {
        fill(probe, field, value);
    }
}

fn action(handler: &mut Value) {
    if let Some(get) = handler.get_mut("httpGet") {
        fill(get, "path", "/");
        fill(get, "scheme", "HTTP");
    }
    if let Some(grpc) = handler.get_mut("grpc") {
        fill(grpc, "service", "");
    }
}

/// `Always` for the tag `latest`, said or meant.
pub(super) fn pull_policy(image: &str) -> &'static str {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    let tag = name
        .rsplit_once(':')
        .filter(|(_, tag)| !tag.contains('/'))
        .map(|(_, tag)| tag);
    let latest = match (tag, digest) {
        (Some(tag), _) => tag == "latest",
        (None, Some(_)) => false,
        // A name that is none, such as one with capitals in its path, has no tag either.
        (None, None) => is_image_name(name),
    };
    if latest { "Always" } else { "IfNotPresent" }
}

fn is_image_name(name: &str) -> bool {
    let (host, path) = match name.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
        _ => ("", name),
    };
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/".contains(c);
    !path.is_empty()
        && path.chars().all(good)
        && path.starts_with(|c: char| c.is_ascii_alphanumeric())
        && path.ends_with(|c: char| c.is_ascii_alphanumeric())
        && !host.contains(char::is_whitespace)
}

fn volume(volume: &mut Value) {
    let Value::Object(entries) = &mut *volume else {
        return;
    };
    if entries.keys().all(|key| key == "name") {
        entries.insert("emptyDir".to_owned(), Value::Object(Default::default()));
    }
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = volume.get_mut(source) {
            fill(source, "defaultMode", 420);
            each(source, "items").for_each(field_item);
            for projection in each(source, "sources") {
                if let Some(token) = projection.get_mut("serviceAccountToken") {
                    fill(token, "expirationSeconds", 3600);
                }
                if let Some(downward) = projection.get_mut("downwardAPI") {
                    each(downward, "items").for_each(field_item);
                }
            }
        }
    }
    if let Some(path) = volume.get_mut("hostPath") {
        fill(path, "type", "");
    }
    if let Some(claim) = volume.pointer_mut("/ephemeral/volumeClaimTemplate") {
        objects::claim_spec(inner(claim, "spec"));
    }
    if let Some(image) = volume.get_mut("image") {
        let reference = image["reference"].as_str().unwrap_or_default();
        let policy = pull_policy(reference);
        fill(image, "pullPolicy", policy);
    }
    for (source, field, value) in [
        ("iscsi", "iscsiInterface", "default"),
        ("rbd", "pool", "rbd"),
        ("rbd", "user", "admin"),
        ("rbd", "keyring", "/etc/ceph/keyring"),
    ] {
        if let Some(source) = volume.get_mut(source) {
            fill(source, field, value);
        }
    }
}

fn field_item(item: &mut Value) {
    if let Some(field) = item.get_mut("fieldRef") {
        fill(field, "apiVersion", "v1");
    }
}

/// Requests and limits are rounded up to thousandths.
pub(super) fn resource_lists(resources: &mut Value) {
    for list in ["requests", "limits"] {
        if let Some(list) = resources.get_mut(list) {
            whole_thousandths(list);
        }
    }
}

fn whole_thousandths(list: &mut Value) {
    for amount in list
        .as_object_mut()
        .into_iter()
        .flat_map(|list| list.values_mut())
    {
        if let Some(rounded) = amount.as_str().and_then(quantity::rounded_up) {
            *amount = rounded.into();
        }
    }
}

/// The quality of service class that follows from a pod's requests and limits of processor and memory.
pub(super) fn quality(pod: &Value) -> &'static str {
    let containers = ["containers", "initContainers"]
        .into_iter()
        .filter_map(|list| pod["spec"][list].as_array())
        .flatten();
    let (mut any, mut guaranteed) = (false, true);
    for container in containers {
        for name in ["cpu", "memory"] {
            let amount = |list: &str| {
                let text = container["resources"][list][name].as_str()?;
                quantity::parse(text)
                    .ok()
                    .filter(|amount| *amount > quantity::Quantity::ZERO)
            };
            let (request, limit) = (amount("requests"), amount("limits"));
            any |= request.is_some() || limit.is_some();
            guaranteed &= limit.is_some() && request.is_none_or(|request| Some(request) == limit);
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}
