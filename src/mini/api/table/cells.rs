//! Rows of workloads, nodes, events and the smaller kinds.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::{age, list, map, number, or, text};
use crate::mini::api::selector::Labels;

fn name(object: &Value) -> Value {
    text(object, "/metadata/name").into()
}

/// The names and the images of a template's containers.
fn containers(object: &Value) -> [Value; 2] {
    let containers = list(object, "/spec/template/spec/containers");
    ["/name", "/image"].map(|field| {
        let texts: Vec<_> = containers
            .iter()
            .map(|container| text(container, field))
            .collect();
        texts.join(",").into()
    })
}

fn ready(object: &Value) -> Value {
    let (ready, wanted) = (
        number(object, "/status/readyReplicas"),
        number(object, "/spec/replicas"),
    );
    format!("{ready}/{wanted}").into()
}

pub(super) fn only_name(object: &Value, _: Timestamp) -> Vec<Value> {
    vec![
        name(object),
        text(object, "/metadata/creationTimestamp").into(),
    ]
}

pub(super) fn name_and_age(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![name(object), age::of(object, now)]
}

pub(super) fn stateful_set(set: &Value, now: Timestamp) -> Vec<Value> {
    let [names, images] = containers(set);
    vec![name(set), ready(set), age::of(set, now), names, images]
}

pub(super) fn deployment(deployment: &Value, now: Timestamp) -> Vec<Value> {
    let [names, images] = containers(deployment);
    let selector = Labels::of(&deployment["spec"]["selector"]);
    vec![
        name(deployment),
        ready(deployment),
        number(deployment, "/status/updatedReplicas").into(),
        number(deployment, "/status/availableReplicas").into(),
        age::of(deployment, now),
        names,
        images,
        selector
            .map_or_else(|_| "<invalid>".to_owned(), |selector| selector.to_string())
            .into(),
    ]
}

pub(super) fn replica_set(set: &Value, now: Timestamp) -> Vec<Value> {
    let [names, images] = containers(set);
    let selector = match Labels::of(&set["spec"]["selector"]) {
        Ok(selector) => or(&selector.to_string(), "<none>").to_owned(),
        Err(_) => "<error>".to_owned(),
    };
    vec![
        name(set),
        number(set, "/spec/replicas").into(),
        number(set, "/status/replicas").into(),
        number(set, "/status/readyReplicas").into(),
        age::of(set, now),
        names,
        images,
        selector.into(),
    ]
}

pub(super) fn daemon_set(set: &Value, now: Timestamp) -> Vec<Value> {
    let [names, images] = containers(set);
    let nodes: Vec<_> = map(set, "/spec/template/spec/nodeSelector")
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    let mut cells = vec![name(set)];
    for field in [
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    ] {
        cells.push(number(&set["status"], &format!("/{field}")).into());
    }
    cells.push(or(&nodes.join(","), "<none>").into());
    cells.push(age::of(set, now));
    let selector = Labels::of(&set["spec"]["selector"]);
    let selector = selector.map_or_else(|_| "<error>".to_owned(), |selector| selector.to_string());
    cells.extend([names, images, or(&selector, "<none>").into()]);
    cells
}

pub(super) fn node(node: &Value, now: Timestamp) -> Vec<Value> {
    let address = |kind: &str| {
        let found = list(node, "/status/addresses")
            .iter()
            .find(|address| address["type"] == kind)
            .map(|address| text(address, "/address"));
        Value::from(found.unwrap_or("<none>"))
    };
    let info = |field: &str| text(node, &format!("/status/nodeInfo/{field}"));
    let kernel = match (or(info("kernelVersion"), "<unknown>"), info("architecture")) {
        (kernel, "") => kernel.to_owned(),
        (kernel, architecture) => format!("{kernel} ({architecture})"),
    };
    vec![
        name(node),
        node_status(node).into(),
        roles(node).into(),
        age::of(node, now),
        info("kubeletVersion").into(),
        address("InternalIP"),
        address("ExternalIP"),
        or(info("osImage"), "<unknown>").into(),
        kernel.into(),
        or(info("containerRuntimeVersion"), "<unknown>").into(),
    ]
}

fn node_status(node: &Value) -> String {
    let ready = list(node, "/status/conditions")
        .iter()
        .rfind(|condition| condition["type"] == "Ready");
    let ready = match ready.map(|condition| condition["status"] == "True") {
        Some(true) => "Ready",
        Some(false) => "NotReady",
        None => "Unknown",
    };
    match node["spec"]["unschedulable"] == true {
        true => format!("{ready},SchedulingDisabled"),
        false => ready.to_owned(),
    }
}

fn roles(node: &Value) -> String {
    let labels = map(node, "/metadata/labels").into_iter().flatten();
    let roles: BTreeSet<_> = labels
        .filter_map(|(key, value)| match key.as_str() {
            "kubernetes.io/role" => value.as_str(),
            key => key.strip_prefix("node-role.kubernetes.io/"),
        })
        .filter(|role| !role.is_empty())
        .collect();
    let roles: Vec<_> = roles.into_iter().collect();
    or(&roles.join(","), "<none>").to_owned()
}

/// An event of either group: `events.k8s.io` has other names for the same fields.
pub(super) fn event(event: &Value, now: Timestamp) -> Vec<Value> {
    let either = |one: &str, other: &str| match event.get(one) {
        Some(value) => value.clone(),
        None => event[other].clone(),
    };
    let since = |time: &Value| age::since(time, now);
    let first = match either("firstTimestamp", "deprecatedFirstTimestamp") {
        Value::Null => since(&event["eventTime"]),
        time => since(&time),
    };
    let last = match either("lastTimestamp", "deprecatedLastTimestamp") {
        Value::Null => first.clone(),
        time => since(&time),
    };
    let count = either("count", "deprecatedCount").as_i64().unwrap_or(0);
    let (last, count) = match &event["series"] {
        Value::Null => (last, count.max(1)),
        series => (since(&series["lastObservedTime"]), number(series, "/count")),
    };
    let object = either("involvedObject", "regarding");
    let kind = text(&object, "/kind").to_lowercase();
    let target = match text(&object, "/name") {
        "" => kind,
        name => format!("{kind}/{name}"),
    };
    let message = either("message", "note");
    vec![
        last.into(),
        text(event, "/type").into(),
        text(event, "/reason").into(),
        target.into(),
        text(&object, "/fieldPath").into(),
        source(event, &either("source", "deprecatedSource")).into(),
        message.as_str().unwrap_or_default().trim().into(),
        first.into(),
        count.into(),
        name(event),
    ]
}

fn source(event: &Value, source: &Value) -> String {
    // The core group says reportingComponent for what events.k8s.io calls reportingController.
    let reporter = or(
        text(event, "/reportingController"),
        text(event, "/reportingComponent"),
    );
    let component = or(text(source, "/component"), reporter);
    match or(text(source, "/host"), text(event, "/reportingInstance")) {
        "" => component.to_owned(),
        instance => format!("{component}, {instance}"),
    }
}

pub(super) fn namespace(namespace: &Value, now: Timestamp) -> Vec<Value> {
    vec![
        name(namespace),
        text(namespace, "/status/phase").into(),
        age::of(namespace, now),
    ]
}

fn entries(object: &Value, field: &str) -> usize {
    object[field].as_object().map_or(0, serde_json::Map::len)
}

pub(super) fn config_map(config: &Value, now: Timestamp) -> Vec<Value> {
    let data = entries(config, "data") + entries(config, "binaryData");
    vec![name(config), data.into(), age::of(config, now)]
}

pub(super) fn secret(secret: &Value, now: Timestamp) -> Vec<Value> {
    vec![
        name(secret),
        text(secret, "/type").into(),
        entries(secret, "data").into(),
        age::of(secret, now),
    ]
}

pub(super) fn lease(lease: &Value, now: Timestamp) -> Vec<Value> {
    vec![
        name(lease),
        text(lease, "/spec/holderIdentity").into(),
        age::of(lease, now),
    ]
}

pub(super) fn quota(quota: &Value, now: Timestamp) -> Vec<Value> {
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    for (resource, hard) in map(quota, "/status/hard").into_iter().flatten() {
        let used = quota["status"]["used"][resource].as_str();
        let shown = format!(
            "{resource}: {}/{}",
            used.unwrap_or("0"),
            hard.as_str().unwrap_or("0")
        );
        match resource.starts_with("limits.") {
            true => limits.push(shown),
            false => requests.push(shown),
        }
    }
    vec![
        name(quota),
        requests.join(", ").into(),
        limits.join(", ").into(),
        age::of(quota, now),
    ]
}

pub(super) fn budget(budget: &Value, now: Timestamp) -> Vec<Value> {
    let bound = |field: &str| match &budget["spec"][field] {
        Value::Null => Value::from("N/A"),
        Value::String(text) => text.clone().into(),
        number => number.to_string().into(),
    };
    vec![
        name(budget),
        bound("minAvailable"),
        bound("maxUnavailable"),
        number(budget, "/status/disruptionsAllowed").into(),
        age::of(budget, now),
    ]
}

pub(super) fn revision(revision: &Value, now: Timestamp) -> Vec<Value> {
    let owner = list(revision, "/metadata/ownerReferences")
        .iter()
        .find(|owner| owner["controller"] == true)
        .map(|owner| {
            let kind = text(owner, "/kind").to_lowercase();
            let kind = match text(owner, "/apiVersion").split_once('/') {
                Some((group, _)) => format!("{kind}.{group}"),
                None => kind,
            };
            format!("{kind}/{}", text(owner, "/name"))
        });
    vec![
        name(revision),
        owner.unwrap_or_else(|| "<none>".to_owned()).into(),
        number(revision, "/revision").into(),
        age::of(revision, now),
    ]
}
