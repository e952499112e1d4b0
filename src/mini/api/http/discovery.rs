//! What the server tells about itself: versions, groups, resources, health.

use std::collections::BTreeMap;

use http::Response;
use serde_json::{Value, json};

use super::{accept, answer, openapi};
use crate::mini::{
    api::{
        base64::base64,
        resources::{self, Resource, Subresource},
    },
    kubelet::Body,
};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// The answer to a question about the server; absent if there is nothing at the path.
pub(crate) fn about(path: &[String], accept: &str, version: (u16, u16)) -> Option<Response<Body>> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let aggregated = accept::wants_aggregated_discovery(accept);
    let document = match path.as_slice() {
        ["version"] => server_version(version),
        ["healthz" | "livez" | "readyz", ..] => {
            return Some(answer::full(200, "text/plain; charset=utf-8", "ok"));
        }
        ["api"] if aggregated => return Some(all_groups(|group| group.is_empty())),
        ["apis"] if aggregated => return Some(all_groups(|group| !group.is_empty())),
        ["api"] => {
            json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})
        }
        ["apis"] => {
            let groups: Vec<_> = groups()
                .into_keys()
                .filter(|group| !group.is_empty())
                .collect();
            let groups: Vec<_> = groups.into_iter().map(group).collect();
            json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        }
        ["api", "v1"] => resource_list("")?,
        ["apis", name] => {
            let name = groups()
                .into_keys()
                .find(|group| group == name && !group.is_empty())?;
            let mut document = group(name);
            document["kind"] = "APIGroup".into();
            document["apiVersion"] = "v1".into();
            document
        }
        ["apis", group, "v1"] if !group.is_empty() => resource_list(group)?,
        ["openapi", "v3"] => openapi::index(groups().keys().copied()),
        ["openapi", "v3", "api", "v1"] => openapi::document("")?,
        ["openapi", "v3", "apis", group, "v1"] => openapi::document(group)?,
        [] => {
            json!({"paths": ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v3", "/readyz", "/version"]})
        }
        _ => return None,
    };
    Some(answer::json(200, &document))
}

fn groups() -> BTreeMap<&'static str, Vec<&'static Resource>> {
    let mut groups = BTreeMap::<_, Vec<_>>::new();
    for resource in resources::all() {
        groups.entry(resource.group).or_default().push(resource);
    }
    groups
}

fn server_version((major, minor): (u16, u16)) -> Value {
    json!({
        "major": major.to_string(), "minor": minor.to_string(),
        "emulationMajor": major.to_string(), "emulationMinor": minor.to_string(),
        "minCompatibilityMajor": major.to_string(), "minCompatibilityMinor": (minor - 1).to_string(),
        "gitVersion": format!("v{major}.{minor}.0+{}.{}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")),
        "gitCommit": "", "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "", "compiler": "rustc", "platform": "linux/amd64",
    })
}

fn group(name: &str) -> Value {
    let version = json!({"groupVersion": format!("{name}/v1"), "version": "v1"});
    json!({"name": name, "versions": [version], "preferredVersion": version})
}

fn resource_list(group: &str) -> Option<Value> {
    let all = groups().remove(group)?;
    let mut rows = Vec::new();
    for resource in all {
        let mut row = json!({
            "name": resource.plural, "singularName": resource.singular, "namespaced": resource.namespaced,
            "kind": resource.kind, "verbs": resource.verbs,
        });
        row["storageVersionHash"] = storage_version_hash(resource).into();
        if !resource.short.is_empty() {
            row["shortNames"] = json!(resource.short);
        }
        if !resource.categories.is_empty() {
            row["categories"] = json!(resource.categories);
        }
        rows.push(row);
        for subresource in resource.subresources {
            let mut row = json!({
                "name": format!("{}/{}", resource.plural, subresource.name()), "singularName": "",
                "namespaced": resource.namespaced, "kind": resource.kind, "verbs": subresource.verbs(),
            });
            if let Some((group, version, kind)) = subresource.kind() {
                row["kind"] = kind.into();
                if group != resource.group {
                    row["group"] = group.into();
                    row["version"] = version.into();
                }
            }
            rows.push(row);
        }
    }
    let group_version = match group {
        "" => "v1".to_owned(),
        _ => format!("{group}/v1"),
    };
    Some(json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": rows,
    }))
}

/// What clients compare to learn that objects are stored in another version than before.
fn storage_version_hash(resource: &Resource) -> String {
    // Events are one kind in two groups.
    let (group, version, kind) = match resource.kind {
        "Event" => ("", "v1", "Event"),
        kind => (resource.group, resource.version, kind),
    };
    let text = format!("{group}/{version}/{kind}");
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    base64(&digest.as_ref()[..8])
}

fn all_groups(wanted: impl Fn(&str) -> bool) -> Response<Body> {
    let items: Vec<_> = groups()
        .into_iter()
        .filter(|(name, _)| wanted(name))
        .map(|(name, all)| {
            let all: Vec<_> = all.into_iter().map(aggregated).collect();
            let version = json!({"version": "v1", "freshness": "Current", "resources": all});
            match name {
                "" => json!({"metadata": {"creationTimestamp": null}, "versions": [version]}),
                _ => json!({"metadata": {"name": name, "creationTimestamp": null}, "versions": [version]}),
            }
        })
        .collect();
    let document = json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items,
    });
    answer::full(200, AGGREGATED, answer::line(&document))
}

fn aggregated(resource: &Resource) -> Value {
    let kind = |(group, version, kind): (&str, &str, &str)| json!({"group": group, "version": version, "kind": kind});
    let own = (resource.group, resource.version, resource.kind);
    let subresource = |subresource: &Subresource| {
        let response = subresource.kind().unwrap_or(own);
        json!({"subresource": subresource.name(), "responseKind": kind(response), "verbs": subresource.verbs()})
    };
    let mut row = json!({
        "resource": resource.plural, "responseKind": kind(own), "singularResource": resource.singular,
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" }, "verbs": resource.verbs,
    });
    for (field, names) in [
        ("shortNames", resource.short),
        ("categories", resource.categories),
    ] {
        if !names.is_empty() {
            row[field] = json!(names);
        }
    }
    if !resource.subresources.is_empty() {
        row["subresources"] = resource.subresources.iter().map(subresource).collect();
    }
    row
}
