//! ObjectMeta: names by kind, labels, annotations, owners, finalizers, and what may not change.

use serde_json::Value;

use super::{
    field::{Faults, Field},
    go, names,
};

const ANNOTATIONS_MOST_BYTES: usize = 256 * 1024;

/// The rule that names of a kind keep.
fn rule(group_kind: &str) -> fn(&str) -> names::Faults {
    match group_kind {
        "apps/StatefulSet" | "Service" | "Namespace" => names::dns_label,
        "policy/PodDisruptionBudget" | "Event" => names::path_segment,
        _ => names::dns_subdomain,
    }
}

fn is_cluster_wide(group_kind: &str) -> bool {
    matches!(
        group_kind,
        "Namespace" | "Node" | "PersistentVolume" | "storage.k8s.io/StorageClass"
    )
}

/// The metadata of a new object.
pub(super) fn create(group_kind: &str, object: &Field<'_>, faults: &mut Faults) {
    let metadata = object.get("metadata");
    name(group_kind, &metadata, faults);
    if is_cluster_wide(group_kind) && !metadata.get("namespace").text().is_empty() {
        faults.forbidden(&metadata.get("namespace"), "not allowed on this type");
    }
    faults.not_negative(&metadata.get("generation"));
    common(&metadata, faults);
    finalizers(&metadata.get("finalizers"), faults);
    managed_fields(&metadata.get("managedFields"), faults);
    known_finalizers(group_kind, &metadata.get("finalizers"), faults);
}

fn name(group_kind: &str, metadata: &Field<'_>, faults: &mut Faults) {
    let rule = rule(group_kind);
    let generate = metadata.get("generateName");
    if !generate.text().is_empty() {
        faults.each(&generate, names::prefix(generate.text(), rule));
    }
    let name = metadata.get("name");
    match name.text() {
        "" => faults.required(&name, "name or generateName is required"),
        text => faults.each(&name, rule(text)),
    }
}

/// The metadata of a changed object.
pub(super) fn update(group_kind: &str, old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    let (old, new) = (old.get("metadata"), new.get("metadata"));
    if old.get("deletionTimestamp").is_set() {
        no_new_finalizers(&old.get("finalizers"), &new.get("finalizers"), faults);
    }
    // Other kinds take an update without a version for one of the latest version.
    let needs_version = matches!(
        group_kind,
        "policy/PodDisruptionBudget" | "coordination.k8s.io/Lease"
    );
    let version = new.get("resourceVersion");
    if needs_version && version.text().is_empty() {
        faults.invalid_value(&version, "", "must be specified for an update");
    }
    faults.not_negative(&new.get("generation"));
    if new.get("generation").number() < old.get("generation").number() {
        let generation = new.get("generation");
        faults.invalid_value(&generation, generation.number(), "must not be decremented");
    }
    for field in [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ] {
        faults.immutable(&old.get(field), &new.get(field));
    }
    common(&new, faults);
    managed_fields(&new.get("managedFields"), faults);
    known_finalizers(group_kind, &new.get("finalizers"), faults);
}

fn no_new_finalizers(old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    let mut added: Vec<_> = new
        .items()
        .filter(|finalizer| !old.items().any(|kept| kept.value == finalizer.value))
        .map(|finalizer| format!("{:?}", finalizer.text()))
        .collect();
    added.sort();
    if !added.is_empty() {
        let text = format!(
            "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
            added.join(", ")
        );
        faults.forbidden(new, text);
    }
}

fn common(metadata: &Field<'_>, faults: &mut Faults) {
    labels(&metadata.get("labels"), faults);
    annotations(&metadata.get("annotations"), faults);
    owners(&metadata.get("ownerReferences"), faults);
}

/// Keys and values of labels; faults are reported on the map.
pub(super) fn labels(labels: &Field<'_>, faults: &mut Faults) {
    for (key, value) in labels.entries() {
        label_key(labels, key, faults);
        for text in names::label_value(value.text()) {
            faults.invalid_value(labels, value.text(), text);
        }
    }
}

pub(super) fn label_key(field: &Field<'_>, key: &str, faults: &mut Faults) {
    for text in names::label_key(key) {
        faults.invalid_value(field, key, text);
    }
}

pub(super) fn annotations(annotations: &Field<'_>, faults: &mut Faults) {
    let mut bytes = 0;
    for (key, value) in annotations.entries() {
        for text in names::label_key(&key.to_lowercase()) {
            faults.invalid_value(annotations, key, text);
        }
        bytes += key.len() + value.text().len();
    }
    if bytes > ANNOTATIONS_MOST_BYTES {
        let cause = crate::mini::api::Cause::too_long(&annotations.path, ANNOTATIONS_MOST_BYTES);
        faults.0.push(cause);
    }
}

fn owners(owners: &Field<'_>, faults: &mut Faults) {
    let mut controller: Option<String> = None;
    for owner in owners.items() {
        let version = owner.get("apiVersion");
        let version_of = |text: &str| text.split('/').next_back().map(str::is_empty);
        match version.text() {
            "" => faults.required(&version, "must not be empty"),
            text if text.matches('/').count() > 1 || version_of(text) == Some(true) => {
                faults.invalid(&version, "must be <group>/<version> or <version>");
            }
            _ => {}
        }
        for field in ["kind", "name", "uid"] {
            if owner.get(field).text().is_empty() {
                faults.required(&owner.get(field), "must not be empty");
            }
        }
        if version.is("v1") && owner.get("kind").is("Event") {
            faults.invalid(&owner, "/v1, Kind=Event is disallowed from being an owner");
        }
        if owner.get("controller").is_true() {
            let this = format!("{}/{}", owner.get("kind").text(), owner.get("name").text());
            match &controller {
                Some(first) => faults.invalid_as(
                    owners,
                    &go::owners(owners.value),
                    format!(
                        "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {this}"
                    ),
                ),
                None => controller = Some(this),
            }
        }
    }
}

fn finalizers(finalizers: &Field<'_>, faults: &mut Faults) {
    for finalizer in finalizers.items() {
        for text in names::label_key(finalizer.text()) {
            faults.invalid_value(finalizers, finalizer.text(), text);
        }
    }
    let has = |name: &str| finalizers.items().any(|finalizer| finalizer.is(name));
    if has("orphan") && has("foregroundDeletion") {
        let text = "finalizer orphan and foregroundDeletion cannot be both set";
        faults.invalid(finalizers, text);
    }
}

/// Finalizers have a domain, but for those of Kubernetes itself. Two kinds are more tolerant.
fn known_finalizers(group_kind: &str, finalizers: &Field<'_>, faults: &mut Faults) {
    let tolerant = matches!(
        group_kind,
        "policy/PodDisruptionBudget" | "coordination.k8s.io/Lease"
    );
    for finalizer in finalizers.items().filter(|_| !tolerant) {
        let known = ["kubernetes", "orphan", "foregroundDeletion"];
        if !finalizer.text().contains('/') && !known.contains(&finalizer.text()) {
            let text = "name is neither a standard finalizer name nor is it fully qualified";
            faults.invalid(&finalizer, text);
        }
    }
}

fn managed_fields(entries: &Field<'_>, faults: &mut Faults) {
    for entry in entries.items() {
        let operation = entry.get("operation");
        match operation.text() {
            "" => faults.required(&operation, "must not be empty"),
            _ => faults.one_of(&operation, &["Apply", "Update"]),
        }
        let kind = entry.get("fieldsType");
        if !matches!(kind.text(), "" | "FieldsV1") {
            faults.invalid(&kind, "must be `FieldsV1`");
        }
    }
}

/// The manager's name that a request gives, as a field `fieldManager` of its own.
///
/// It has at most 128 bytes, all printable.
pub fn manager(name: &str) -> Vec<crate::mini::api::Cause> {
    let value = Value::from(name);
    let field = Field::root(&value).at("fieldManager", &value);
    let mut faults = Faults::default();
    if name.len() > 128 {
        let cause = crate::mini::api::Cause::too_long("fieldManager", 128);
        faults.0.push(cause);
    }
    for (at, c) in name.char_indices().filter(|(_, c)| c.is_control()) {
        let text = format!(
            "invalid character U+{:04X} (at position {at})",
            u32::from(c)
        );
        faults.invalid(&field, text);
    }
    faults.0
}
