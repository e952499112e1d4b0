//! Objects brought into a cluster as `kubectl apply --server-side` would, and a Deployment awaited.

use std::time::Duration;

use k8s_openapi::api::storage::v1::StorageClass;
use kube::{
    Api, Client, ResourceExt as _,
    api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams},
    core::GroupVersionKind,
    runtime::wait::await_condition,
};
use serde_json::json;
use tokio::time::timeout;

use crate::manifest;

/// How long a Deployment may take to become available.
const WITHIN: Duration = Duration::from_secs(60);

/// Why something is not there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The manifests cannot be read.
    #[error(transparent)]
    Manifest(#[from] manifest::Error),
    /// The API server refused one.
    #[error("cannot apply {what}: {source}")]
    Refused {
        /// Kind and name.
        what: String,
        /// The answer.
        source: Box<kube::Error>,
    },
    /// A Deployment did not become available.
    #[error("the deployment {name} is not available after {} s: {why}", WITHIN.as_secs())]
    NotAvailable {
        /// Namespace and name.
        name: String,
        /// What its conditions say.
        why: String,
    },
}

/// Applies the objects of a stream of YAML documents in their order and waits until each Deployment among them is available.
///
/// # Errors
///
/// One is refused, or a Deployment does not become available in time.
pub async fn deploy(client: &Client, manifests: &str) -> Result<(), Error> {
    let parameters = PatchParams::apply("stsspec").force();
    let mut deployments = Vec::new();
    for value in manifest::objects("the manifests", manifests)? {
        let object: DynamicObject = manifest::read("the manifests", &value.to_string())?;
        let (api, what) = (api(client, &object), what(&object));
        let name = object.metadata.name.clone().unwrap_or_default();
        let applied = api.patch(&name, &parameters, &Patch::Apply(&object)).await;
        applied.map_err(|source| Error::Refused {
            what,
            source: Box::new(source),
        })?;
        let kind = object.types.as_ref().map(|types| types.kind.as_str());
        if kind == Some("Deployment") {
            deployments.push((api, name));
        }
    }
    for (api, name) in deployments {
        let available = await_condition(api.clone(), &name, |found: Option<&DynamicObject>| {
            found.is_some_and(is_available)
        });
        if !matches!(timeout(WITHIN, available).await, Ok(Ok(_))) {
            let why = match api.get_opt(&name).await {
                Ok(Some(found)) => said(&found),
                Ok(None) => "it is gone".to_owned(),
                Err(error) => error.to_string(),
            };
            return Err(Error::NotAvailable { name, why });
        }
    }
    Ok(())
}

/// Lets claims of the cluster's StorageClasses ask for more than they have: those that kind brings do not, though the API
/// server alone decides it.
///
/// # Errors
///
/// The classes cannot be listed or changed.
pub async fn let_claims_grow(client: &Client) -> Result<(), Error> {
    let api: Api<StorageClass> = Api::all(client.clone());
    let refused = |what: &str| {
        let what = what.to_owned();
        |source| Error::Refused {
            what,
            source: Box::new(source),
        }
    };
    let classes = api.list(&ListParams::default()).await;
    for class in classes.map_err(refused("the list of StorageClasses"))? {
        if class.allow_volume_expansion != Some(true) {
            let name = class.name_any();
            let patch = Patch::Merge(json!({ "allowVolumeExpansion": true }));
            let changed = api.patch(&name, &PatchParams::default(), &patch).await;
            changed.map_err(refused(&format!("StorageClass {name}")))?;
        }
    }
    Ok(())
}

/// All of its replicas are updated and available.
fn is_available(found: &DynamicObject) -> bool {
    let wanted = found.data["spec"]["replicas"].as_i64().unwrap_or(1);
    let status = &found.data["status"];
    let number = |field: &str| status[field].as_i64().unwrap_or_default();
    let is_seen = number("observedGeneration") >= found.metadata.generation.unwrap_or_default();
    is_seen && number("availableReplicas") >= wanted && number("updatedReplicas") >= wanted
}

/// What its conditions say.
fn said(found: &DynamicObject) -> String {
    let conditions = found.data["status"]["conditions"].as_array();
    let texts = conditions.into_iter().flatten().map(|condition| {
        let text = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
        format!("{}={} {}", text("type"), text("status"), text("message"))
    });
    texts.collect::<Vec<_>>().join("; ")
}

fn what(object: &DynamicObject) -> String {
    let kind = object.types.as_ref().map(|types| types.kind.as_str());
    let name = object.metadata.name.as_deref();
    format!("{} {}", kind.unwrap_or_default(), name.unwrap_or_default())
}

fn api(client: &Client, object: &DynamicObject) -> Api<DynamicObject> {
    let types = object.types.clone().unwrap_or_default();
    let version = types.api_version.as_str();
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let gvk = GroupVersionKind::gvk(group, version, &types.kind);
    let resource = ApiResource::from_gvk(&gvk);
    match &object.metadata.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}
