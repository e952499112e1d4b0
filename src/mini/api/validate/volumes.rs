//! Volumes of a pod, and where containers mount them.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    env,
    field::{Faults, Field},
    names, storage,
};

/// The volumes without fault, by name.
pub(super) type Volumes<'a> = BTreeMap<&'a str, Field<'a>>;

/// Sources in the order in which servers look for them.
const SOURCES: [&str; 29] = [
    "emptyDir",
    "gitRepo",
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
];

const MODE: &str = "must be a number between 0 and 0777 (octal), both inclusive";

/// A list of volumes.
pub(super) fn volumes<'a>(volumes: &Field<'a>, faults: &mut Faults) -> Volumes<'a> {
    let mut known = Volumes::new();
    for volume in volumes.items() {
        let mut own = Faults::default();
        source(&volume, &mut own);
        let name = volume.get("name");
        match name.text() {
            "" => own.required(&name, ""),
            text => own.each(&name, names::dns_label(text)),
        }
        if known.contains_key(name.text()) {
            own.duplicate(&name);
        }
        if own.0.is_empty() {
            known.insert(name.text(), volume);
        }
        faults.0.append(&mut own.0);
    }
    known
}

fn source(volume: &Field<'_>, faults: &mut Faults) {
    let mut given = SOURCES
        .into_iter()
        .chain(["image"])
        .map(|name| (name, volume.get(name)))
        .filter(|(_, source)| source.is_set());
    let Some((name, first)) = given.next() else {
        return faults.required(volume, "must specify a volume type");
    };
    match name {
        "emptyDir" => {
            let limit = first.get("sizeLimit");
            if limit.is_set() && limit.quantity().is_negative() {
                faults.forbidden(&limit, "SizeLimit field must be a valid resource quantity");
            }
        }
        "hostPath" => host_path(&first, faults),
        "secret" => files(&first, "secretName", faults),
        "configMap" => files(&first, "name", faults),
        "persistentVolumeClaim" if first.get("claimName").text().is_empty() => {
            faults.required(&first.get("claimName"), "");
        }
        "downwardAPI" => downward(&first, faults),
        "projected" => projected(&first, faults),
        "ephemeral" => {
            let template = first.get("volumeClaimTemplate");
            match template.is_set() {
                true => storage::claim_spec(&template.get("spec"), faults),
                false => faults.required(&template, ""),
            }
        }
        "nfs" => {
            for field in ["server", "path"] {
                if first.get(field).text().is_empty() {
                    faults.required(&first.get(field), "");
                }
            }
        }
        "csi" => csi_driver(&first.get("driver"), faults),
        _ => {}
    }
    for (_, source) in given {
        faults.forbidden(&source, "may not specify more than 1 volume type");
    }
}

/// The name of a driver.
pub(super) fn csi_driver(driver: &Field<'_>, faults: &mut Faults) {
    let name = driver.text();
    if name.is_empty() {
        return faults.required(driver, "");
    }
    if name.len() > 63 {
        faults
            .0
            .push(crate::mini::api::Cause::too_long(&driver.path, 63));
    }
    faults.each(driver, names::dns_subdomain(&name.to_lowercase()));
}

/// A path on the node.
pub(super) fn host_path(source: &Field<'_>, faults: &mut Faults) {
    let path = source.get("path");
    if path.text().is_empty() {
        return faults.required(&path, "");
    }
    no_backsteps(&path, faults);
    let kinds = [
        "",
        "BlockDevice",
        "CharDevice",
        "Directory",
        "DirectoryOrCreate",
        "File",
        "FileOrCreate",
        "Socket",
    ];
    faults.one_of(&source.get("type"), &kinds);
}

fn mode(field: &Field<'_>, faults: &mut Faults) {
    if !(0..=0o777).contains(&field.number()) {
        faults.invalid(field, MODE);
    }
}

/// Files with the entries of a Secret or a ConfigMap.
fn files(source: &Field<'_>, name: &str, faults: &mut Faults) {
    if source.get(name).text().is_empty() {
        faults.required(&source.get(name), "");
    }
    mode(&source.get("defaultMode"), faults);
    for item in source.get("items").items() {
        key_to_path(&item, faults);
    }
}

fn key_to_path(item: &Field<'_>, faults: &mut Faults) {
    for field in ["key", "path"] {
        if item.get(field).text().is_empty() {
            faults.required(&item.get(field), "");
        }
    }
    below(&item.get("path"), faults);
    mode(&item.get("mode"), faults);
}

fn downward(source: &Field<'_>, faults: &mut Faults) {
    mode(&source.get("defaultMode"), faults);
    for file in source.get("items").items() {
        let path = source.path.clone();
        downward_file(
            &Field {
                path,
                value: file.value,
            },
            faults,
        );
    }
}

/// Faults of such a file are reported on the volume, as servers do.
fn downward_file(file: &Field<'_>, faults: &mut Faults) {
    if file.get("path").text().is_empty() {
        faults.required(&file.get("path"), "");
    }
    below(&file.get("path"), faults);
    let (field, resource) = (file.get("fieldRef"), file.get("resourceFieldRef"));
    match (field.is_set(), resource.is_set()) {
        (true, both) => {
            env::downward(&field, &env::OF_FILES, faults);
            if both {
                let text = "fieldRef and resourceFieldRef can not be specified simultaneously";
                faults.invalid_value(file, "resource", text);
            }
        }
        (false, true) => env::container_resource(&resource, true, faults),
        (false, false) => faults.required(file, "one of fieldRef and resourceFieldRef is required"),
    }
    mode(&file.get("mode"), faults);
}

fn projected(source: &Field<'_>, faults: &mut Faults) {
    mode(&source.get("defaultMode"), faults);
    let mut paths = BTreeSet::new();
    for projection in source.get("sources").items() {
        for kind in ["secret", "configMap"] {
            let part = projection.get(kind);
            if part.is_set() && part.get("name").text().is_empty() {
                faults.required(&part.get("name"), "");
            }
            for item in part.get("items").items() {
                key_to_path(&item, faults);
                let path = item.get("path").text();
                if !path.is_empty() && !paths.insert(path) {
                    let name = part.get("name").text();
                    faults.invalid_value(source, name, "conflicting duplicate paths");
                }
            }
        }
        for file in projection.get("downwardAPI").get("items").items() {
            let at = projection.at("downwardAPI", file.value);
            downward_file(&at, faults);
            let path = file.get("path").text();
            if !path.is_empty() && !paths.insert(path) {
                faults.invalid_value(source, path, "conflicting duplicate paths");
            }
        }
        token(source, &projection.get("serviceAccountToken"), faults);
    }
}

/// A missing path is reported on the volume, as servers do.
fn token(source: &Field<'_>, token: &Field<'_>, faults: &mut Faults) {
    if !token.is_set() {
        return;
    }
    let seconds = token.get("expirationSeconds");
    if seconds.number() < 600 {
        faults.invalid(&seconds, "may not specify a duration less than 10 minutes");
    } else if seconds.number() > 1 << 32 {
        faults.invalid(
            &seconds,
            "may not specify a duration larger than 2^32 seconds",
        );
    }
    match token.get("path").text() {
        "" => faults.required(&source.get("path"), ""),
        _ => below(&token.get("path"), faults),
    }
}

fn no_backsteps(path: &Field<'_>, faults: &mut Faults) {
    if path.text().split('/').any(|part| part == "..") {
        faults.invalid(path, "must not contain '..'");
    }
}

fn relative(path: &Field<'_>, faults: &mut Faults) {
    if path.text().starts_with('/') {
        faults.invalid(path, "must be a relative path");
    }
    no_backsteps(path, faults);
}

/// A path inside a volume that no other part of the system uses.
fn below(path: &Field<'_>, faults: &mut Faults) {
    relative(path, faults);
    let text = path.text();
    if text.starts_with("..") && !text.starts_with("../") && text != ".." {
        faults.invalid(path, "must not start with '..'");
    }
}

/// Where a container mounts volumes and sees devices.
pub(super) fn mounts(container: &Field<'_>, volumes: &Volumes<'_>, faults: &mut Faults) {
    let (mounts, devices) = (
        container.get("volumeMounts"),
        container.get("volumeDevices"),
    );
    let mut paths = BTreeSet::new();
    for mount in mounts.items() {
        let (name, path) = (mount.get("name"), mount.get("mountPath"));
        if name.text().is_empty() {
            faults.required(&name, "");
        }
        if !volumes.contains_key(name.text()) {
            faults.0.push(crate::mini::api::Cause::not_found(
                &name.path,
                &name.text().into(),
            ));
        }
        if path.text().is_empty() {
            faults.required(&path, "");
        }
        if !paths.insert(path.text()) {
            faults.invalid_value(&path, path.text(), "must be unique");
        }
        let among =
            |field: &str, text: &str| devices.items().any(|device| device.get(field).is(text));
        if among("name", name.text()) {
            faults.invalid(&name, "must not already exist in volumeDevices");
        }
        if among("devicePath", path.text()) {
            faults.invalid(&path, "must not already exist as a path in volumeDevices");
        }
        sub_paths(&mounts, &mount, faults);
    }
    for device in devices.items() {
        let name = device.get("name");
        match volumes.get(name.text()) {
            None => faults.not_found(&name),
            Some(volume)
                if !volume.get("persistentVolumeClaim").is_set()
                    && !volume.get("ephemeral").is_set() =>
            {
                let text = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
                faults.invalid(&name, text);
            }
            Some(_) => {}
        }
        if device.get("devicePath").text().is_empty() {
            faults.required(&device.get("devicePath"), "");
        }
    }
}

/// These faults are reported on the list, as servers do.
fn sub_paths(mounts: &Field<'_>, mount: &Field<'_>, faults: &mut Faults) {
    let (path, expression) = (mount.get("subPath"), mount.get("subPathExpr"));
    if !path.text().is_empty() {
        relative(&mounts.at("subPath", path.value), faults);
    }
    if !expression.text().is_empty() {
        if !path.text().is_empty() {
            faults.invalid(
                &expression,
                "subPathExpr and subPath are mutually exclusive",
            );
        }
        relative(&mounts.at("subPathExpr", expression.value), faults);
    }
}
