//! How Go prints the values that appear in refusals: the server's own types, whose fields have capital letters.

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::{Value, json};

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

/// A list of claim templates.
pub(super) fn claims(claims: &Value) -> String {
    list(claims, claim)
}

/// The claim's metadata lies flat beside its spec.
fn claim(claim: &Value) -> String {
    let mut parts = Vec::new();
    parts.extend(metadata(&claim["metadata"]));
    parts.push(format!(
        "\"Spec\":{}",
        print("PersistentVolumeClaimSpec", &claim["spec"])
    ));
    parts.push(format!(
        "\"Status\":{}",
        print("PersistentVolumeClaimStatus", &claim["status"])
    ));
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

fn metadata(metadata: &Value) -> Vec<String> {
    let given = METADATA.iter().map(|field| (field, &metadata[*field]));
    let given = given.filter(|(_, value)| !value.is_null());
    given
        .map(|(field, value)| format!("{field:?}:{value}"))
        .collect()
}

fn text(value: &Value) -> Value {
    value.as_str().unwrap_or_default().into()
}

/// The fields of the server's types, in order, with their types.
type Types = BTreeMap<&'static str, Vec<(&'static str, &'static str)>>;

fn types() -> &'static Types {
    static TYPES: LazyLock<Types> = LazyLock::new(|| {
        let lines = include_str!("types.txt").lines();
        let lines = lines.filter(|line| !line.starts_with('#'));
        let parsed = lines.filter_map(|line| {
            let (name, fields) = line.split_once(' ')?;
            let fields = fields.split(' ');
            let fields = fields.map(|field| field.split_once(':').unwrap_or(("", field)));
            Some((name, fields.collect()))
        });
        parsed.collect()
    });
    &TYPES
}

/// A value of one of the server's types, as JSON in the order of its declaration.
pub(super) fn print(kind: &str, value: &Value) -> String {
    if let Some(kind) = kind.strip_prefix('*') {
        return match value {
            Value::Null => "null".to_owned(),
            value => print(kind, value),
        };
    }
    if let Some(kind) = kind.strip_prefix("[]") {
        return match value {
            Value::Array(items) => {
                let items: Vec<_> = items.iter().map(|item| print(kind, item)).collect();
                format!("[{}]", items.join(","))
            }
            _ => "null".to_owned(),
        };
    }
    let zero = match kind {
        "text" => "\"\"",
        "number" => "0",
        "bool" => "false",
        "quantity" => "\"0\"",
        "map" => "null",
        "selector" => return selector(value),
        _ => return format!("{{{}}}", fields(kind, value).join(",")),
    };
    match value {
        Value::Null => zero.to_owned(),
        value => value.to_string(),
    }
}

fn fields(kind: &str, value: &Value) -> Vec<String> {
    let mut parts = Vec::new();
    for (name, inner) in types().get(kind).into_iter().flatten() {
        match (*name, inner.strip_prefix('+')) {
            (_, Some("meta")) => parts.extend(metadata(&value["metadata"])),
            (_, Some(embedded)) => parts.extend(fields(embedded, value)),
            (name, None) => parts.push(format!("{name:?}:{}", print(inner, field(value, name)))),
        }
    }
    parts
}

/// The field that clients write with small letters.
fn field<'a>(value: &'a Value, name: &str) -> &'a Value {
    let name = name.strip_prefix("Deprecated").unwrap_or(name);
    let mut entries = value.as_object().into_iter().flatten();
    let found = entries.find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map_or(&Value::Null, |(_, value)| value)
}
