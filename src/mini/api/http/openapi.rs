//! As much OpenAPI as makes clients leave the validation of objects to the server.

use serde_json::{Map, Value, json};

use crate::mini::api::resources::{self, Resource};

/// Where the documents are, by group.
pub(crate) fn index<'a>(groups: impl Iterator<Item = &'a str>) -> Value {
    let paths: Map<_, _> = groups
        .map(|group| {
            let root = root(group);
            let url = format!("/openapi/v3/{root}?hash={}", env!("CARGO_PKG_VERSION"));
            (root, json!({"serverRelativeURL": url}))
        })
        .collect();
    json!({"paths": paths})
}

/// The document of a group: its kinds, without their fields.
pub(crate) fn document(group: &str) -> Option<Value> {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for resource in resources::all().iter().filter(|row| row.group == group) {
        let kind = json!({"group": group, "version": resource.version, "kind": resource.kind});
        let collection = collection(resource);
        let item = format!("{collection}/{{name}}");
        paths.insert(collection, json!({"post": operation("post", &kind)}));
        paths.insert(
            item,
            json!({"patch": operation("patch", &kind), "put": operation("put", &kind)}),
        );
        let package = match group {
            "" => "core",
            _ => group.split('.').next().unwrap_or_default(),
        };
        schemas.insert(
            format!(
                "io.k8s.api.{package}.{}.{}",
                resource.version, resource.kind
            ),
            json!({"type": "object", "x-kubernetes-group-version-kind": [kind]}),
        );
    }
    let info = json!({"title": "Kubernetes", "version": env!("CARGO_PKG_VERSION")});
    (!paths.is_empty()).then(|| {
        json!({"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas}})
    })
}

fn root(group: &str) -> String {
    match group {
        "" => "api/v1".to_owned(),
        _ => format!("apis/{group}/v1"),
    }
}

fn collection(resource: &Resource) -> String {
    let root = root(resource.group);
    match resource.namespaced {
        true => format!("/{root}/namespaces/{{namespace}}/{}", resource.plural),
        false => format!("/{root}/{}", resource.plural),
    }
}

fn operation(action: &str, kind: &Value) -> Value {
    let parameter = |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}});
    json!({
        "parameters": [parameter("dryRun"), parameter("fieldManager"), parameter("fieldValidation")],
        "responses": {}, "x-kubernetes-action": action, "x-kubernetes-group-version-kind": kind,
    })
}
