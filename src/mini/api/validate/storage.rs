//! Claims, volumes and storage classes.

use serde_json::Value;

use super::{
    diff,
    field::{Faults, Field},
    go, metadata, names, resources, scheduling, selector, volumes,
};
use crate::mini::api::quantity::Quantity;

const MODES: [&str; 4] = [
    "ReadOnlyMany",
    "ReadWriteMany",
    "ReadWriteOnce",
    "ReadWriteOncePod",
];

fn access_modes(modes: &Field<'_>, faults: &mut Faults) {
    for mode in modes.items() {
        let path = modes.path.clone();
        faults.one_of(
            &Field {
                path,
                value: mode.value,
            },
            &MODES,
        );
    }
    let only = |mode: &Field<'_>| mode.is("ReadWriteOncePod");
    let other = |mode: &Field<'_>| !only(mode) && MODES.contains(&mode.text());
    if modes.items().any(|mode| only(&mode)) && modes.items().any(|mode| other(&mode)) {
        let text = "may not use ReadWriteOncePod with other access modes";
        faults.forbidden(modes, text);
    }
}

fn positive(amount: &Field<'_>, faults: &mut Faults) -> bool {
    let good = amount.quantity() > Quantity::ZERO;
    if !good {
        faults.invalid(amount, "must be greater than zero");
    }
    good
}

/// A claim's spec, or a claim template's.
pub(super) fn claim_spec(spec: &Field<'_>, faults: &mut Faults) {
    let modes = spec.get("accessModes");
    if modes.len() == 0 {
        faults.required(&modes, "at least 1 access mode is required");
    }
    selector::selector(&spec.get("selector"), faults);
    access_modes(&modes, faults);
    let requests = &spec.value["resources"]["requests"];
    let storage = Field {
        path: format!("{}.resources[storage]", spec.path),
        value: &requests["storage"],
    };
    match storage.is_set() {
        true if positive(&storage, faults) => resources::amount("storage", &storage, faults),
        true => {}
        false => faults.required(&storage, ""),
    }
    faults.name(&spec.get("storageClassName"), names::dns_subdomain);
    if spec.get("volumeMode").is_set() {
        faults.one_of(&spec.get("volumeMode"), &["Block", "Filesystem"]);
    }
    let source = spec.get("dataSource");
    if source.is_set() {
        for field in ["name", "kind"] {
            if source.get(field).text().is_empty() {
                faults.required(&source.get(field), "");
            }
        }
    }
    faults.name(&spec.get("volumeAttributesClassName"), names::dns_subdomain);
}

/// A new claim.
pub(super) fn create_claim(claim: &Field<'_>, faults: &mut Faults) {
    metadata::create("PersistentVolumeClaim", claim, faults);
    claim_spec(&claim.get("spec"), faults);
}

/// A changed claim: bound ones can ask for more, and an unbound one gets its volume.
pub(super) fn update_claim(old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    metadata::update("PersistentVolumeClaim", old, new, faults);
    create_claim(new, faults);
    let (before, after) = (old.get("spec"), new.get("spec"));
    let (mut was, mut is) = (before.value.clone(), after.value.clone());
    let put = |object: &mut Value, field: &str, value: &Value| match (object, value) {
        (Value::Object(entries), Value::Null) => {
            entries.remove(field);
        }
        (object, value) => object[field] = value.clone(),
    };
    if before.get("volumeName").text().is_empty() {
        put(&mut was, "volumeName", after.get("volumeName").value);
    }
    if !before.get("storageClassName").is_set() {
        put(
            &mut is,
            "storageClassName",
            before.get("storageClassName").value,
        );
    }
    let bound = new.get("status").get("phase").is("Bound");
    if bound {
        put(
            &mut is,
            "volumeAttributesClassName",
            before.get("volumeAttributesClassName").value,
        );
        if let Some(requests) = is.pointer_mut("/resources/requests") {
            put(
                requests,
                "storage",
                &before.value["resources"]["requests"]["storage"],
            );
        }
    }
    if was != is {
        let text = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        let print = |spec: &Value| go::print("PersistentVolumeClaimSpec", spec);
        let diff = diff::diff(&print(&was), &print(&is));
        faults.forbidden(&after, format!("{text}\n{diff}"));
    }
    let capacity = new.value["status"]["capacity"]["storage"].as_str();
    let capacity = capacity.and_then(|text| crate::mini::api::quantity::parse(text).ok());
    if size(&after).quantity() < size(&before).quantity()
        && size(&after).quantity() <= capacity.unwrap_or(Quantity::ZERO)
    {
        let text = "field can not be less than status.capacity";
        faults.forbidden(&size(&after), text);
    }
    let root = Field::root(new.value);
    faults.immutable(
        &root.at("volumeMode", before.get("volumeMode").value),
        &root.at("volumeMode", after.get("volumeMode").value),
    );
}

fn size<'a>(spec: &Field<'a>) -> Field<'a> {
    spec.get("resources").get("requests").get("storage")
}

/// A changed status of a claim.
pub(super) fn claim_status(old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    metadata::update("PersistentVolumeClaim", old, new, faults);
    for (_, amount) in new.get("status").get("capacity").entries() {
        if amount.quantity().is_negative() {
            faults.invalid(&amount, "must be a valid resource quantity");
        }
    }
}

/// Kinds of volumes in the order in which servers look for them.
const SOURCES: [&str; 22] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "nfs",
    "rbd",
    "quobyte",
    "cephfs",
    "iscsi",
    "cinder",
    "fc",
    "flocker",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "azureDisk",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
    "local",
    "storageos",
    "csi",
];

/// A new volume.
pub(super) fn create_volume(volume: &Field<'_>, faults: &mut Faults) {
    metadata::create("PersistentVolume", volume, faults);
    let spec = volume.get("spec");
    let (modes, capacity) = (spec.get("accessModes"), spec.get("capacity"));
    if modes.len() == 0 {
        faults.required(&modes, "");
    }
    access_modes(&modes, faults);
    if capacity.len() == 0 {
        faults.required(&capacity, "");
    }
    if !capacity.get("storage").is_set() || capacity.len() > 1 {
        faults.0.push(crate::mini::api::Cause::not_supported(
            &capacity.path,
            capacity.value,
            &["storage"],
        ));
    }
    for (_, amount) in capacity.entries() {
        if amount.quantity().is_negative() {
            let whole = i64::try_from(amount.quantity().ceil()).unwrap_or(i64::MIN);
            faults.invalid_value(&amount, whole, "must be a valid resource quantity");
        }
        positive(&amount, faults);
    }
    let policy = spec.get("persistentVolumeReclaimPolicy");
    if !policy.text().is_empty() {
        faults.one_of(&policy, &["Delete", "Recycle", "Retain"]);
    }
    let affinity = spec.get("nodeAffinity");
    if affinity.is_set() {
        match affinity.get("required").is_set() {
            true => scheduling::node_selector(&affinity.get("required"), faults),
            false => faults.required(
                &affinity.get("required"),
                "must specify required node constraints",
            ),
        }
    }
    source(&spec, faults);
    faults.name(&spec.get("storageClassName"), names::dns_subdomain);
    if spec.get("volumeMode").is_set() {
        faults.one_of(&spec.get("volumeMode"), &["Block", "Filesystem"]);
    }
}

fn source(spec: &Field<'_>, faults: &mut Faults) {
    let mut given = SOURCES
        .into_iter()
        .map(|name| (name, spec.get(name)))
        .filter(|(_, source)| source.is_set());
    match given.next() {
        None => faults.required(spec, "must specify a volume type"),
        Some(("hostPath", path)) => volumes::host_path(&path, faults),
        Some(("local", local)) => {
            if local.get("path").text().is_empty() {
                faults.required(&local.get("path"), "");
            }
            let affinity = spec.get("nodeAffinity");
            if !affinity.is_set() {
                faults.required(&affinity, "Local volume requires node affinity");
            }
        }
        Some(("nfs", nfs)) => {
            for field in ["server", "path"] {
                if nfs.get(field).text().is_empty() {
                    faults.required(&nfs.get(field), "");
                }
            }
        }
        Some(("csi", csi)) => {
            volumes::csi_driver(&csi.get("driver"), faults);
            if csi.get("volumeHandle").text().is_empty() {
                faults.required(&csi.get("volumeHandle"), "");
            }
        }
        Some(_) => {}
    }
    for (_, source) in given {
        faults.forbidden(&source, "may not specify more than 1 volume type");
    }
}

/// A changed volume: what it is made of stays.
pub(super) fn update_volume(old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    // Unlike other kinds, a volume's metadata is not compared with what it was.
    create_volume(new, faults);
    let made_of = |volume: &Field<'_>| -> Value {
        let spec = volume.get("spec");
        let sources = SOURCES
            .into_iter()
            .map(|name| (name.to_owned(), spec.get(name).value.clone()));
        Value::Object(sources.collect())
    };
    let (was, is) = (made_of(old), made_of(new));
    if was != is {
        let print = |source: &Value| go::print("PersistentVolumeSource", source);
        let diff = diff::diff(&print(&was), &print(&is));
        let text = format!("spec.persistentvolumesource is immutable after creation\n{diff}");
        faults.forbidden(
            &new.get("spec").at("persistentvolumesource", new.value),
            text,
        );
    }
    let mode = |volume: &Field<'_>| volume.get("spec").get("volumeMode").value.clone();
    let (was, is) = (mode(old), mode(new));
    let root = Field::root(new.value);
    faults.immutable(&root.at("volumeMode", &was), &root.at("volumeMode", &is));
}

/// A new storage class.
pub(super) fn create_class(class: &Field<'_>, faults: &mut Faults) {
    metadata::create("storage.k8s.io/StorageClass", class, faults);
    let provisioner = class.get("provisioner");
    match provisioner.text() {
        "" => faults.required(&provisioner, ""),
        text => {
            let lower = text.to_lowercase();
            for fault in names::label_key(&lower) {
                faults.invalid_value(&provisioner, lower.as_str(), fault);
            }
        }
    }
    let policy = class.get("reclaimPolicy");
    if !policy.text().is_empty() {
        faults.one_of(&policy, &["Delete", "Retain"]);
    }
    let mode = class.get("volumeBindingMode");
    match mode.is_set() {
        true => faults.one_of(&mode, &["Immediate", "WaitForFirstConsumer"]),
        false => faults.required(&mode, ""),
    }
}

/// A changed storage class.
pub(super) fn update_class(old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    metadata::update("storage.k8s.io/StorageClass", old, new, faults);
    for field in [
        "provisioner",
        "parameters",
        "reclaimPolicy",
        "volumeBindingMode",
    ] {
        // The new value is not said.
        if old.get(field).value != new.get(field).value {
            faults.invalid_as(&new.get(field), "null", "field is immutable");
        }
    }
}
