//! A built-in kind of Kubernetes as a kind of one's own: the same fields under another group, for a cluster whose own
//! controller works on the built-in one.
//!
//! What a CustomResourceDefinition cannot say is left out: native defaults of pod templates, native validation beyond
//! types, strategic merge. Its defaults are given.

use serde_json::{Map, Value, json};

use super::{List, Schema, Struct, Type, schema};

/// The kind that is defined.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// The built-in kind whose fields it has: `apps/StatefulSet`.
    pub like: &'static str,
    /// Its group, `stsspec.dev`.
    pub group: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Its kind, plural and singular.
    pub names: (&'static str, &'static str, &'static str),
    /// Fields of its spec that are required.
    pub required: &'static [&'static str],
    /// Values of its spec's fields that are given where they are missing: paths as `/a/b`, values as JSON.
    pub defaults: &'static [(&'static str, &'static str)],
}

impl Definition {
    /// The CustomResourceDefinition, with the subresources status and scale. None if there is no kind like it.
    pub fn object(&self) -> Option<Value> {
        let table = schema();
        let like = table.kind(self.like)?;
        let mut properties = Map::new();
        for (name, field) in like.fields() {
            let value = match name {
                "kind" | "apiVersion" => json!({"type": "string"}),
                "metadata" => json!({"type": "object"}),
                _ => value(table, &field.kind, &field.list),
            };
            properties.insert(name.to_owned(), value);
        }
        let spec = properties.get_mut("spec")?;
        spec["required"] = json!(self.required);
        for (path, default) in self.defaults {
            let pointer = path.replace('/', "/properties/");
            *spec
                .pointer_mut(&pointer)?
                .as_object_mut()?
                .entry("default")
                .or_insert(Value::Null) = serde_json::from_str(default).ok()?;
        }
        let (kind, plural, singular) = self.names;
        let columns = json!([
            {"name": "Ready", "type": "integer", "jsonPath": ".status.readyReplicas"},
            {"name": "Wanted", "type": "integer", "jsonPath": ".spec.replicas"},
            {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
        ]);
        let version = json!({
            "name": self.version,
            "served": true,
            "storage": true,
            "schema": {"openAPIV3Schema": {"type": "object", "required": ["spec"], "properties": properties}},
            "subresources": {
                "status": {},
                "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
            },
            "additionalPrinterColumns": columns,
        });
        Some(json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.{}", self.group)},
            "spec": {
                "group": self.group,
                "scope": "Namespaced",
                "names": {"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": singular},
                "versions": [version],
            },
        }))
    }
}

fn structure(table: &Schema, of: &Struct) -> Value {
    let mut properties = Map::new();
    for (name, field) in of.fields() {
        let mut value = value(table, &field.kind, &field.list);
        if field.atomic && value["type"] == "object" {
            value["x-kubernetes-map-type"] = json!("atomic");
        }
        properties.insert(name.to_owned(), value);
    }
    let mut value = json!({"type": "object", "properties": properties});
    if of.atomic {
        value["x-kubernetes-map-type"] = json!("atomic");
    }
    value
}

fn value(table: &Schema, of: &Type, list: &List) -> Value {
    match of {
        Type::Struct(index) => structure(table, table.get(*index)),
        Type::List(items) => {
            let mut items = value(table, items, &List::Atomic);
            let mut value = json!({"type": "array"});
            match list {
                List::Atomic => value["x-kubernetes-list-type"] = json!("atomic"),
                List::Set => value["x-kubernetes-list-type"] = json!("set"),
                List::Map(keys) => {
                    value["x-kubernetes-list-type"] = json!("map");
                    value["x-kubernetes-list-map-keys"] = json!(keys);
                    keyed(&mut items, keys);
                }
            }
            value["items"] = items;
            value
        }
        Type::Map(values, _) => {
            json!({"type": "object", "additionalProperties": value(table, values, &List::Atomic)})
        }
        Type::String(_) => json!({"type": "string"}),
        Type::Int32 => json!({"type": "integer", "format": "int32"}),
        Type::Int64 => json!({"type": "integer", "format": "int64"}),
        Type::Float => json!({"type": "number", "format": "double"}),
        Type::Bool => json!({"type": "boolean"}),
        Type::Bytes => json!({"type": "string", "format": "byte"}),
        Type::Quantity | Type::IntOrString => json!({"x-kubernetes-int-or-string": true}),
        // A template that a program wrote may hold `creationTimestamp: null`.
        Type::Time | Type::MicroTime => {
            json!({"type": "string", "format": "date-time", "nullable": true})
        }
        Type::Any => json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}),
    }
}

/// A key that identifies items has to be there: it is required, or given.
fn keyed(items: &mut Value, keys: &[&str]) {
    let mut required = Vec::new();
    for key in keys {
        match *key {
            "protocol" => items["properties"]["protocol"]["default"] = json!("TCP"),
            key => required.push(key),
        }
    }
    items["required"] = json!(required);
}

/// StatefulSets of the group `stsspec.dev`, on which the reference controller works beside a built-in one.
pub const STATEFUL_SET: Definition = Definition {
    like: "apps/StatefulSet",
    group: "stsspec.dev",
    version: "v1",
    names: ("StatefulSet", "statefulsets", "statefulset"),
    required: &["selector", "template"],
    defaults: &[
        ("/replicas", "1"),
        ("/podManagementPolicy", "\"OrderedReady\""),
        ("/revisionHistoryLimit", "10"),
        (
            "/updateStrategy",
            "{\"type\":\"RollingUpdate\",\"rollingUpdate\":{\"partition\":0}}",
        ),
        (
            "/persistentVolumeClaimRetentionPolicy",
            "{\"whenDeleted\":\"Retain\",\"whenScaled\":\"Retain\"}",
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_has_the_fields_of_the_built_in_one() {
        let object = STATEFUL_SET.object().expect("there is a kind like it");
        let root = "/spec/versions/0/schema/openAPIV3Schema/properties";
        let at = |path: &str| object.pointer(&format!("{root}{path}"));
        assert_eq!(at("/spec/properties/replicas/default"), Some(&json!(1)));
        let containers = "/spec/properties/template/properties/spec/properties/containers";
        assert_eq!(
            at(&format!("{containers}/x-kubernetes-list-map-keys")),
            Some(&json!(["name"]))
        );
        let protocol = "/items/properties/ports/items/properties/protocol/default";
        assert_eq!(at(&format!("{containers}{protocol}")), Some(&json!("TCP")));
        assert!(at("/status/properties/observedGeneration").is_some());
        assert_eq!(at("/metadata"), Some(&json!({"type": "object"})));
    }
}
