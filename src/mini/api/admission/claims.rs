//! Claims and volumes: the default class, protection while in use, growth.

use serde_json::{Value, json};

use crate::mini::api::{
    Status, meta, quantity,
    resources::{self, Resource},
    store::{Object, Transaction},
};

const OLD_CLASS: &str = "volume.beta.kubernetes.io/storage-class";
const DEFAULT: [&str; 2] = [
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
];

/// A claim that says nothing about its class gets the newest default one, if there is one.
pub(super) fn choose_class(tx: &Transaction<'_>, claim: &mut Value) {
    let says = claim["spec"].get("storageClassName").is_some()
        || claim["metadata"]["annotations"].get(OLD_CLASS).is_some();
    if says {
        return;
    }
    let is_default = |class: &Object| {
        let annotations = &class["metadata"]["annotations"];
        DEFAULT.iter().any(|name| annotations[name] == "true")
    };
    let classes = tx.list(resources::named("storage.k8s.io", "storageclasses"), None);
    let newest = classes
        .into_iter()
        .filter(is_default)
        .rev()
        .max_by(|one, other| {
            let created = |class: &Object| meta::text(class, "creationTimestamp").to_owned();
            created(one).cmp(&created(other))
        });
    if let Some(class) = newest {
        claim["spec"]["storageClassName"] = meta::text(&class, "name").into();
    }
}

/// The object is not removed while it is in use.
pub(super) fn protect(object: &mut Value, finalizer: &str) {
    let mut finalizers = meta::finalizers(object);
    if !finalizers.contains(&finalizer) {
        finalizers.push(finalizer);
        let finalizers = json!(finalizers);
        meta::set(object, "finalizers", Some(finalizers));
    }
}

/// A claim may ask for more only of a class that allows it.
///
/// # Errors
///
/// 403 if it does not.
pub(super) fn resize(
    tx: &Transaction<'_>,
    resource: &Resource,
    old: &Value,
    new: &Value,
) -> Result<(), Status> {
    let size = |claim: &Value| {
        let text = meta::at(claim, "/spec/resources/requests/storage");
        quantity::parse(text).ok()
    };
    let (Some(before), Some(after)) = (size(old), size(new)) else {
        return Ok(());
    };
    if after <= before || meta::at(old, "/status/phase") != "Bound" {
        return Ok(());
    }
    let class = meta::at(old, "/spec/storageClassName");
    let class = tx.get(
        resources::named("storage.k8s.io", "storageclasses"),
        "",
        class,
    );
    if class.is_some_and(|class| class["allowVolumeExpansion"] == true) {
        return Ok(());
    }
    let why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize";
    let name = meta::text(old, "name");
    Err(Status::forbidden(
        resource.group,
        resource.plural,
        name,
        why,
    ))
}
