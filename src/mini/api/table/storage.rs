//! Rows of volumes, claims and storage classes.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde_json::Value;

use super::{age, list, or, text};
use crate::mini::api::store::Object;

const CLASS: &str = "/metadata/annotations/volume.beta.kubernetes.io~1storage-class";
const DEFAULT: [&str; 2] = [
    "/metadata/annotations/storageclass.kubernetes.io~1is-default-class",
    "/metadata/annotations/storageclass.beta.kubernetes.io~1is-default-class",
];

fn modes(object: &Value, pointer: &str) -> String {
    let modes = list(object, pointer);
    let short: Vec<_> = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ]
    .into_iter()
    .filter(|(mode, _)| modes.iter().any(|given| given == mode))
    .map(|(_, short)| short)
    .collect();
    short.join(",")
}

fn phase(object: &Value) -> &str {
    match object["metadata"]["deletionTimestamp"].is_null() {
        true => text(object, "/status/phase"),
        false => "Terminating",
    }
}

/// The annotation that older manifests use counts before the field.
fn class(object: &Value) -> &str {
    let field = text(object, "/spec/storageClassName");
    object
        .pointer(CLASS)
        .and_then(Value::as_str)
        .unwrap_or(field)
}

fn set<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or("<unset>")
}

pub(super) fn volume(volume: &Value, now: Timestamp) -> Vec<Value> {
    let claim = match &volume["spec"]["claimRef"] {
        Value::Null => String::new(),
        claim => format!("{}/{}", text(claim, "/namespace"), text(claim, "/name")),
    };
    vec![
        text(volume, "/metadata/name").into(),
        or(text(volume, "/spec/capacity/storage"), "0").into(),
        modes(volume, "/spec/accessModes").into(),
        text(volume, "/spec/persistentVolumeReclaimPolicy").into(),
        phase(volume).into(),
        claim.into(),
        class(volume).into(),
        set(volume, "/spec/volumeAttributesClassName").into(),
        text(volume, "/status/reason").into(),
        age::of(volume, now),
        set(volume, "/spec/volumeMode").into(),
    ]
}

pub(super) fn claim(claim: &Value, now: Timestamp) -> Vec<Value> {
    let name = text(claim, "/spec/volumeName");
    let (capacity, modes) = match name {
        "" => ("", String::new()),
        _ => (
            or(text(claim, "/status/capacity/storage"), "0"),
            modes(claim, "/status/accessModes"),
        ),
    };
    vec![
        text(claim, "/metadata/name").into(),
        phase(claim).into(),
        name.into(),
        capacity.into(),
        modes.into(),
        class(claim).into(),
        set(claim, "/spec/volumeAttributesClassName").into(),
        age::of(claim, now),
        set(claim, "/spec/volumeMode").into(),
    ]
}

pub(super) fn storage_class(class: &Value, now: Timestamp) -> Vec<Value> {
    vec![
        text(class, "/metadata/name").into(),
        text(class, "/provisioner").into(),
        or(text(class, "/reclaimPolicy"), "Delete").into(),
        or(text(class, "/volumeBindingMode"), "Immediate").into(),
        (class["allowVolumeExpansion"] == true).into(),
        age::of(class, now),
    ]
}

/// Marks the class that claims without one get: the newest default one, the first by name among equals.
pub(super) fn mark_default(classes: &[Object], rows: &mut [Value]) {
    let default = classes
        .iter()
        .zip(rows)
        .filter(|(class, _)| DEFAULT.iter().any(|key| text(class, key) == "true"))
        .min_by_key(|(class, _)| {
            let created = text(class, "/metadata/creationTimestamp");
            (Reverse(created), text(class, "/metadata/name"))
        });
    if let Some((class, row)) = default {
        row["cells"][0] = format!("{} (default)", text(class, "/metadata/name")).into();
    }
}
