//! How Go prints the values that appear in refusals: the server's own types, whose fields have capital letters.

use serde_json::{Map, Value, json};

/// Entries in the order in which the type declares them; absent ones are left out.
fn in_order(object: &Value, fields: &[&str]) -> String {
    let given = fields
        .iter()
        .filter_map(|field| Some((field, object.get(field)?)));
    let given: Vec<_> = given
        .map(|(field, value)| format!("{field:?}:{value}"))
        .collect();
    format!("{{{}}}", given.join(","))
}

fn list(items: &Value, print: fn(&Value) -> String) -> String {
    match items {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(print).collect();
            format!("[{}]", items.join(","))
        }
        _ => "null".to_owned(),
    }
}

/// A LabelSelector.
pub(super) fn selector(selector: &Value) -> String {
    if selector.is_null() {
        return "null".to_owned();
    }
    let mut parts = Vec::new();
    if let Some(labels) = selector.get("matchLabels") {
        parts.push(format!("\"matchLabels\":{labels}"));
    }
    if let Some(expressions) = selector.get("matchExpressions") {
        let expressions = list(expressions, |one| {
            in_order(one, &["key", "operator", "values"])
        });
        parts.push(format!("\"matchExpressions\":{expressions}"));
    }
    format!("{{{}}}", parts.join(","))
}

/// Owner references.
pub(super) fn owners(owners: &Value) -> String {
    list(owners, |owner| {
        let fields = [
            "apiVersion",
            "kind",
            "name",
            "uid",
            "controller",
            "blockOwnerDeletion",
        ];
        in_order(owner, &fields)
    })
}

/// A container's security context.
pub(super) fn security_context(context: &Value) -> String {
    let fields = [
        "capabilities",
        "privileged",
        "seLinuxOptions",
        "windowsOptions",
        "runAsUser",
        "runAsGroup",
        "runAsNonRoot",
        "readOnlyRootFilesystem",
        "allowPrivilegeEscalation",
        "procMount",
        "seccompProfile",
        "appArmorProfile",
    ];
    let print = |field: &&str| {
        let name = match *field {
            "seLinuxOptions" => "SELinuxOptions".to_owned(),
            field => capital(field),
        };
        format!("{name:?}:{}", capitals(&context[*field]))
    };
    let parts: Vec<_> = fields.iter().map(print).collect();
    format!("{{{}}}", parts.join(","))
}

/// A StatefulSet's update strategy.
pub(super) fn set_strategy(strategy: &Value) -> String {
    let block = match &strategy["rollingUpdate"] {
        Value::Null => "null".to_owned(),
        block => set_rolling_update(block),
    };
    format!(
        "{{\"Type\":{},\"RollingUpdate\":{block}}}",
        text(&strategy["type"])
    )
}

/// A StatefulSet's rolling update.
pub(super) fn set_rolling_update(block: &Value) -> String {
    let partition = block["partition"].as_i64().unwrap_or_default();
    let unavailable = &block["maxUnavailable"];
    format!("{{\"Partition\":{partition},\"MaxUnavailable\":{unavailable}}}")
}

/// A Deployment's strategy.
pub(super) fn deployment_strategy(strategy: &Value) -> String {
    let number = |value: &Value| match value {
        Value::Null => json!(0),
        value => value.clone(),
    };
    let block = match &strategy["rollingUpdate"] {
        Value::Null => "null".to_owned(),
        block => format!(
            "{{\"MaxUnavailable\":{},\"MaxSurge\":{}}}",
            number(&block["maxUnavailable"]),
            number(&block["maxSurge"])
        ),
    };
    format!(
        "{{\"Type\":{},\"RollingUpdate\":{block}}}",
        text(&strategy["type"])
    )
}

/// A disruption budget's spec.
pub(super) fn budget(spec: &Value) -> String {
    format!(
        "{{\"MinAvailable\":{},\"Selector\":{},\"MaxUnavailable\":{},\"UnhealthyPodEvictionPolicy\":{}}}",
        spec["minAvailable"],
        selector(&spec["selector"]),
        spec["maxUnavailable"],
        spec["unhealthyPodEvictionPolicy"]
    )
}

/// A service port of which only protocol and number matter.
pub(super) fn service_port(port: &Value) -> String {
    format!(
        "{{\"Name\":\"\",\"Protocol\":{},\"AppProtocol\":null,\"Port\":{},\"TargetPort\":0,\"NodePort\":0}}",
        text(&port["protocol"]),
        port["port"]
    )
}

/// A list of claim templates.
pub(super) fn claims(claims: &Value) -> String {
    list(claims, claim)
}

/// The claim's metadata lies flat beside its spec.
fn claim(claim: &Value) -> String {
    let mut parts = Vec::new();
    for field in METADATA {
        match &claim["metadata"][field] {
            Value::Null => {}
            value => parts.push(format!("{field:?}:{value}")),
        }
    }
    parts.push(format!("\"Spec\":{}", claim_spec(&claim["spec"])));
    parts.push(format!("\"Status\":{}", claim_status(&claim["status"])));
    format!("{{{}}}", parts.join(","))
}

const METADATA: [&str; 15] = [
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
];

/// A claim's spec.
pub(super) fn claim_spec(spec: &Value) -> String {
    let resources = &spec["resources"];
    format!(
        "{{\"AccessModes\":{},\"Selector\":{},\"Resources\":{{\"Limits\":{},\"Requests\":{}}},\"VolumeName\":{},\
         \"StorageClassName\":{},\"VolumeMode\":{},\"DataSource\":{},\"DataSourceRef\":{},\"VolumeAttributesClassName\":{}}}",
        spec["accessModes"],
        selector(&spec["selector"]),
        resources["limits"],
        resources["requests"],
        text(&spec["volumeName"]),
        spec["storageClassName"],
        spec["volumeMode"],
        capitals(&spec["dataSource"]),
        capitals(&spec["dataSourceRef"]),
        spec["volumeAttributesClassName"],
    )
}

fn claim_status(status: &Value) -> String {
    format!(
        "{{\"Phase\":{},\"AccessModes\":{},\"Capacity\":{},\"Conditions\":{},\"AllocatedResources\":{},\
         \"AllocatedResourceStatuses\":{},\"CurrentVolumeAttributesClassName\":{},\"ModifyVolumeStatus\":{},\"HealthStatus\":{}}}",
        text(&status["phase"]),
        status["accessModes"],
        status["capacity"],
        capitals(&status["conditions"]),
        status["allocatedResources"],
        status["allocatedResourceStatuses"],
        status["currentVolumeAttributesClassName"],
        capitals(&status["modifyVolumeStatus"]),
        capitals(&status["healthStatus"]),
    )
}

fn text(value: &Value) -> Value {
    value.as_str().unwrap_or_default().into()
}

/// The value with capital field names: what Go prints, but for fields that are absent.
pub(super) fn capitals(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(capitals).collect(),
        Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| (capital(key), capitals(value)))
            .collect::<Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

fn capital(key: &str) -> String {
    let mut letters = key.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
