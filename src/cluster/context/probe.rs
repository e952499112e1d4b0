//! What an API server shows of itself when requests are rehearsed: dry runs, which change nothing.

use std::collections::BTreeMap;

use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, GroupVersionKind, PostParams},
};
use serde_json::{Value, json};

/// Creates an object for show: what it would have become.
///
/// # Errors
///
/// The server refuses it.
pub(super) async fn rehearse(
    client: &Client,
    namespace: Option<&str>,
    (group, kind): (&str, &str),
    object: Value,
) -> Result<Value, kube::Error> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let mut object = object;
    object["apiVersion"] = json!(resource.api_version);
    object["kind"] = json!(kind);
    let object: DynamicObject = serde_json::from_value(object).map_err(kube::Error::SerdeError)?;
    let params = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let back = api.create(&params, &object).await?;
    Ok(serde_json::to_value(&back).unwrap_or_default())
}

/// A set without pods.
pub(super) fn set(name: &str, update: &Value) -> Value {
    json!({
        "metadata": { "name": name },
        "spec": {
            "replicas": 0,
            "serviceName": name,
            "updateStrategy": update,
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{ "name": "main", "image": "none" }] },
            },
        },
    })
}

/// The gates that a set shows: a field that is dropped, a strategy that is refused. What cannot be asked is not there.
pub(super) async fn gates(client: &Client, namespace: &str) -> BTreeMap<String, bool> {
    let ask = |update: Value| {
        let set = set("stsspec-rehearsal", &update);
        async move { rehearse(client, Some(namespace), ("apps", "StatefulSet"), set).await }
    };
    let rolling = json!({ "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 2 } });
    let (budget, recreate) = futures::join!(ask(rolling), ask(json!({ "type": "Recreate" })));
    let mut gates = BTreeMap::new();
    if let Ok(set) = budget {
        let kept = set.pointer("/spec/updateStrategy/rollingUpdate/maxUnavailable");
        gates.insert("MaxUnavailableStatefulSet".to_owned(), kept.is_some());
    }
    let recreates = match recreate {
        Ok(set) => Some(set["spec"]["updateStrategy"]["type"] == "Recreate"),
        Err(kube::Error::Api(status)) if status.code == 422 => Some(false),
        Err(_) => None,
    };
    gates.extend(recreates.map(|is_on| ("StatefulSetRecreateStrategy".to_owned(), is_on)));
    gates
}

/// The class that a claim gets, where classes may not be listed.
pub(super) async fn class_of_claim(
    client: &Client,
    namespace: &str,
    named: Option<&str>,
) -> Option<String> {
    let claim = json!({
        "metadata": { "name": "stsspec-rehearsal" },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": named,
            "resources": { "requests": { "storage": "1Mi" } },
        },
    });
    let claim = rehearse(
        client,
        Some(namespace),
        ("", "PersistentVolumeClaim"),
        claim,
    )
    .await;
    let class = claim.ok()?["spec"]["storageClassName"].as_str()?.to_owned();
    (!class.is_empty()).then_some(class)
}
