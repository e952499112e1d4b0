//! Binding: a pod is given a node.

use serde_json::{Value, json};

use super::success;
use crate::mini::api::{
    Status, meta,
    resources::Subresource,
    server::State,
    verbs::{self, Call, Done, Expected, Options, Update, decode},
};

const BINDING: Expected = Expected {
    group: "",
    version: "v1",
    kind: "Binding",
    group_kind: "Binding",
};

pub(super) fn create(state: &State, call: &Call) -> Result<Done, Status> {
    let target = &call.target;
    let options = Options::of(state, call, "CreateOptions")?;
    let (binding, warnings) = decode(&BINDING, &call.content_type, &call.body, options.validation)?;
    let name = target.name();
    if meta::text(&binding, "name") != name {
        return Err(Status::bad_request(
            "name in URL does not match name in Binding object",
        ));
    }
    let faults = faults(&binding);
    if !faults.is_empty() {
        // Real servers have no word for this either.
        return Err(Status::new(500, "", faults.join(", ")));
    }
    let mut tx = state.store.begin(options.dry_run);
    let update = Update {
        resource: target.resource,
        subresource: Some(Subresource::Binding),
        options: &options,
        track: false,
    };
    verbs::update(&mut tx, &update, target.namespace(), name, |pod| {
        bind(pod, &binding, &options.stamp())
            .map_err(|why| Status::conflict("", "pods/binding", name, &why))
    })?;
    Ok(Done {
        warnings,
        ..success()
    })
}

fn faults(binding: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let kind = meta::at(binding, "/target/kind");
    if !matches!(kind, "" | "Node") {
        faults.push(format!(
            "target.kind: Unsupported value: {kind:?}: supported values: \"Node\", \"<empty>\""
        ));
    }
    if meta::at(binding, "/target/name").is_empty() {
        faults.push("target.name: Required value".to_owned());
    }
    faults
}

/// The pod on its node, or why it cannot go there.
fn bind(pod: &Value, binding: &Value, now: &str) -> Result<Value, String> {
    let name = meta::text(pod, "name");
    if meta::is_terminating(pod) {
        return Err(format!(
            "pod {name} is being deleted, cannot be assigned to a host"
        ));
    }
    let node = meta::at(pod, "/spec/nodeName");
    if !node.is_empty() {
        return Err(format!("pod {name} is already assigned to node {node:?}"));
    }
    let gates = pod["spec"]["schedulingGates"].as_array();
    if gates.is_some_and(|gates| !gates.is_empty()) {
        return Err(format!("pod {name} has non-empty .spec.schedulingGates"));
    }
    let mut pod = pod.clone();
    pod["spec"]["nodeName"] = binding["target"]["name"].clone();
    if let Some(status) = pod["status"].as_object_mut() {
        status.remove("nominatedNodeName");
    }
    for field in ["annotations", "labels"] {
        let added = binding["metadata"][field].as_object().into_iter().flatten();
        for (key, value) in added {
            pod["metadata"][field][key] = value.clone();
        }
    }
    let conditions = pod["status"]["conditions"].as_array().cloned();
    let mut conditions = conditions.unwrap_or_default();
    conditions.retain(|condition| condition["type"] != "PodScheduled");
    conditions.push(json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": now}));
    pod["status"]["conditions"] = conditions.into();
    Ok(pod)
}
