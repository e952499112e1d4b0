//! Environment variables and the sources of their values.

use serde_json::Value;

use super::{
    field::{Faults, Field},
    names,
};
use crate::mini::api::quantity::Quantity;

const OF_VARIABLES: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
pub(super) const OF_FILES: [&str; 5] = [
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
];
/// Fields that some use of the downward API knows.
const KNOWN: [&str; 15] = [
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.serviceAccountName",
    "spec.schedulerName",
    "status.phase",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
    "spec.host",
];
const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

/// A container's `env` and `envFrom`.
pub(super) fn variables(container: &Field<'_>, faults: &mut Faults) {
    for variable in container.get("env").items() {
        let name = variable.get("name");
        match name.text() {
            "" => faults.required(&name, ""),
            text => faults.each(&name, names::variable(text)),
        }
        let source = variable.get("valueFrom");
        if source.is_set() {
            value_from(&source, variable.get("value").text(), faults);
        }
    }
    let from = container.get("envFrom");
    for source in from.items() {
        faults.name(&source.get("prefix"), names::variable);
        let given = ["configMapRef", "secretRef"].map(|name| source.get(name));
        let given = given.iter().filter(|reference| reference.is_set());
        for reference in given.clone() {
            let name = reference.get("name");
            match name.text() {
                "" => faults.required(&name, ""),
                text => faults.each(&name, names::prefix(text, names::dns_subdomain)),
            }
        }
        match given.count() {
            0 => faults.invalid_value(
                &from,
                "",
                "must specify one of: `configMapRef` or `secretRef`",
            ),
            1 => {}
            _ => faults.invalid_value(
                &from,
                "",
                "may not have more than one field specified at a time",
            ),
        }
    }
}

fn value_from(source: &Field<'_>, value: &str, faults: &mut Faults) {
    let mut count = 0;
    let mut given = |name: &str| {
        let field = source.get(name);
        count += usize::from(field.is_set());
        field.is_set().then_some(field)
    };
    let (field, resource) = (given("fieldRef"), given("resourceFieldRef"));
    let keys = [given("configMapKeyRef"), given("secretKeyRef")];
    let file = given("fileKeyRef");
    if let Some(field) = field {
        downward(&field, &OF_VARIABLES, faults);
    }
    if let Some(resource) = resource {
        container_resource(&resource, false, faults);
    }
    for key in keys.iter().flatten() {
        key_selector(key, faults);
    }
    if let Some(file) = file {
        for field in ["volumeName", "path", "key"] {
            if file.get(field).text().is_empty() {
                faults.required(&file.get(field), "");
            }
        }
    }
    let text = match count {
        0 => {
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        }
        _ if !value.is_empty() => "may not be specified when `value` is not empty",
        1 => return,
        _ => "may not have more than one field specified at a time",
    };
    faults.invalid_value(source, "", text);
}

fn key_selector(selector: &Field<'_>, faults: &mut Faults) {
    let (name, key) = (selector.get("name"), selector.get("key"));
    for text in names::dns_subdomain(name.text()) {
        faults.invalid_value(&name, name.text(), text);
    }
    match key.text() {
        "" => faults.required(&key, ""),
        text => faults.each(&key, names::config_key(text)),
    }
}

/// A field of the pod itself, among those that are offered here.
pub(super) fn downward(field: &Field<'_>, allowed: &[&str], faults: &mut Faults) {
    let path = field.get("fieldPath");
    for part in ["apiVersion", "fieldPath"] {
        if field.get(part).text().is_empty() {
            return faults.required(&field.get(part), "");
        }
    }
    let subscript = path
        .text()
        .strip_suffix("']")
        .and_then(|text| text.split_once("['"));
    let text = match (subscript, field.get("apiVersion").text()) {
        (_, version) if version != "v1" => format!("unsupported pod version: {version}"),
        (Some(("metadata.annotations", key)), _) => {
            let key = key.to_lowercase();
            for text in names::label_key(&key) {
                faults.invalid_value(field, key.as_str(), text);
            }
            return;
        }
        (Some(("metadata.labels", key)), _) => {
            for text in names::label_key(key) {
                faults.invalid_value(field, key, text);
            }
            return;
        }
        (Some(_), _) => format!("field label does not support subscript: {}", path.text()),
        (None, _) if KNOWN.contains(&path.text()) => {
            let shown = match path.text() {
                "spec.host" => Value::from("spec.nodeName"),
                text => Value::from(text),
            };
            return faults.one_of(
                &Field {
                    path: path.path,
                    value: &shown,
                },
                allowed,
            );
        }
        (None, _) => format!("field label not supported: {}", path.text()),
    };
    faults.invalid(&path, format!("error converting fieldPath: {text}"));
}

/// An amount that a container asks for or may use.
pub(super) fn container_resource(field: &Field<'_>, of_volume: bool, faults: &mut Faults) {
    let (container, resource) = (field.get("containerName"), field.get("resource"));
    let huge = ["limits.hugepages-", "requests.hugepages-"];
    if of_volume && container.text().is_empty() {
        faults.required(&container, "");
    } else if resource.text().is_empty() {
        faults.required(&resource, "");
    } else if !huge
        .iter()
        .any(|prefix| resource.text().starts_with(prefix))
    {
        faults.one_of(&resource, &RESOURCES);
    }
    let divisor = field.get("divisor");
    if divisor.quantity() == Quantity::ZERO {
        return;
    }
    let whole = [
        "1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei",
    ];
    let (allowed, said): (&[&str], _) = match resource.text().split_once('.') {
        Some((_, "cpu")) => (&["1m", "1"], "1m and 1 are supported with the cpu resource"),
        Some((_, "memory")) => (
            &whole,
            "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the memory resource",
        ),
        Some((_, "ephemeral-storage")) => (
            &whole,
            "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the local ephemeral storage resource",
        ),
        _ => return,
    };
    if !allowed.contains(&divisor.text()) {
        faults.invalid_value(
            &divisor,
            resource.text(),
            format!("only divisor's values {said}"),
        );
    }
}

/// Variables that are read from files need an emptyDir.
pub(super) fn file_volumes(spec: &Field<'_>, faults: &mut Faults) {
    let lists = ["initContainers", "containers", "ephemeralContainers"];
    let containers = lists.into_iter().flat_map(|list| spec.get(list).items());
    for variable in containers.flat_map(|container| container.get("env").items()) {
        let file = variable.get("valueFrom").get("fileKeyRef");
        if !file.is_set() {
            continue;
        }
        let name = file.get("volumeName");
        let volume = spec
            .get("volumes")
            .items()
            .find(|volume| volume.get("name").value == name.value);
        match volume {
            None => faults.not_found(&name),
            Some(volume) if !volume.get("emptyDir").is_set() => {
                faults.invalid(&name, "referenced volume must be of type emptyDir");
            }
            Some(_) => {}
        }
    }
}
