//! What a path may not change, and what the server keeps itself.

use serde_json::Value;

use super::{Options, Update};
use crate::mini::api::{meta, resources::Subresource};

/// Puts back what this path may not change.
pub(super) fn keep(update: &Update<'_>, old: &Value, new: &mut Value) {
    let Update {
        resource,
        subresource,
        options,
        ..
    } = *update;
    match subresource {
        Some(Subresource::Status) => {
            meta::keep(old, new, "spec");
            if resource.kind == "PersistentVolume" {
                note_phase(old, new, options);
            }
            if resource.kind == "Deployment" {
                meta::copy(old, new, "labels");
            }
            if resource.kind == "Pod" {
                meta::copy(old, new, "deletionTimestamp");
                meta::copy(old, new, "ownerReferences");
                keep_observed(&old["status"], &mut new["status"]);
            }
        }
        Some(Subresource::Finalize) => meta::keep(old, new, "status"),
        Some(Subresource::EphemeralContainers) => {
            let containers = new["spec"].get("ephemeralContainers").cloned();
            *new = old.clone();
            if let Some(containers) = containers {
                new["spec"]["ephemeralContainers"] = containers;
            }
        }
        Some(Subresource::Resize) => {
            let sent = std::mem::replace(new, old.clone());
            resize(&sent, new);
        }
        Some(Subresource::Binding) => {}
        None if resource.kind == "Namespace" => {
            meta::keep(old, new, "status");
            new["spec"] = old["spec"].clone();
        }
        _ if resource.has_status() => meta::keep(old, new, "status"),
        _ => {}
    }
    for field in [
        "generation",
        "creationTimestamp",
        "resourceVersion",
        "selfLink",
    ] {
        meta::copy(old, new, field);
    }
    for field in [
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "managedFields",
        "namespace",
        "uid",
    ] {
        if new["metadata"].get(field).is_none() {
            meta::copy(old, new, field);
        }
    }
    if meta::is_terminating(old) {
        meta::copy(old, new, "deletionTimestamp");
    }
}

/// A volume says since when it is in its phase.
fn note_phase(old: &Value, new: &mut Value, options: &Options) {
    const SINCE: &str = "lastPhaseTransitionTime";
    let (before, after) = (&old["status"], &mut new["status"]);
    let moved = before["phase"] != after["phase"];
    let said = after
        .get(SINCE)
        .is_some_and(|time| Some(time) != before.get(SINCE));
    match (moved, said) {
        (_, true) => {}
        (true, false) => after[SINCE] = options.stamp().into(),
        (false, false) => meta::keep(before, after, SINCE),
    }
}

/// What a node's status update leaves out and no server lets go.
fn keep_observed(old: &Value, new: &mut Value) {
    const FIELDS: [&str; 3] = ["qosClass", "resourceClaimStatuses", "observedGeneration"];
    fn fill(old: &Value, new: &mut Value, field: &str) {
        let absent = new[field].is_null() || new[field] == "" || new[field] == 0;
        if let (true, Some(value)) = (absent, old.get(field)) {
            new[field] = value.clone();
        }
    }
    if !new.is_object() {
        *new = Value::Object(Default::default());
    }
    for field in FIELDS {
        fill(old, new, field);
    }
    let conditions = new.get_mut("conditions").and_then(Value::as_array_mut);
    for condition in conditions.into_iter().flatten() {
        let before = old["conditions"].as_array().into_iter().flatten();
        let mut before = before.filter(|other| other["type"] == condition["type"]);
        if let Some(before) = before.next() {
            fill(before, condition, "observedGeneration");
        }
    }
}

/// Takes over the amounts that the containers of another object ask for.
fn resize(sent: &Value, new: &mut Value) {
    for list in ["containers", "initContainers"] {
        let containers = new["spec"].get_mut(list).and_then(Value::as_array_mut);
        let containers = containers.into_iter().flatten();
        for container in containers {
            let others = sent["spec"][list].as_array().into_iter().flatten();
            let mut others = others.filter(|other| other["name"] == container["name"]);
            let Some(other) = others.next() else { continue };
            for field in ["resources", "resizePolicy"] {
                meta::keep(other, container, field);
            }
        }
    }
}
