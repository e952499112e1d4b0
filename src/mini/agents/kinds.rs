//! The kinds whose objects can own, be owned or fill a namespace, and their metadata.

use std::{fmt::Debug, sync::Arc};

use futures::future::{BoxFuture, join_all};
use k8s_openapi::{
    api::{
        apps::v1::{Deployment, ReplicaSet},
        core::v1::{
            ConfigMap, Node, PersistentVolume, PersistentVolumeClaim, Pod, ResourceQuota, Service,
            ServiceAccount,
        },
        discovery::v1::EndpointSlice,
        policy::v1::PodDisruptionBudget,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{Resource, api::ApiResource, core::GroupVersionKind};
use serde::de::DeserializeOwned;

use super::{Change, Context, Informer, Key};

/// A kind of the fixed list.
#[derive(Debug)]
pub struct Kind {
    /// `apps/v1`, `v1`.
    pub api_version: &'static str,
    /// `StatefulSet`.
    pub kind: &'static str,
    /// `statefulsets`.
    pub plural: &'static str,
    /// Its objects are in namespaces.
    pub namespaced: bool,
}

const fn kind(
    api_version: &'static str,
    kind: &'static str,
    plural: &'static str,
    namespaced: bool,
) -> Kind {
    Kind {
        api_version,
        kind,
        plural,
        namespaced,
    }
}

/// All kinds that are looked after. Events are left out, as the real collector leaves them out; see [`EVENTS`].
pub static KINDS: [Kind; 20] = [
    kind("apps/v1", "ControllerRevision", "controllerrevisions", true),
    kind("apps/v1", "DaemonSet", "daemonsets", true),
    kind("apps/v1", "Deployment", "deployments", true),
    kind("apps/v1", "ReplicaSet", "replicasets", true),
    kind("apps/v1", "StatefulSet", "statefulsets", true),
    kind("coordination.k8s.io/v1", "Lease", "leases", true),
    kind(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        "endpointslices",
        true,
    ),
    kind(
        "policy/v1",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        true,
    ),
    kind("storage.k8s.io/v1", "StorageClass", "storageclasses", false),
    kind("v1", "ConfigMap", "configmaps", true),
    kind("v1", "Namespace", "namespaces", false),
    kind("v1", "Node", "nodes", false),
    kind("v1", "PersistentVolume", "persistentvolumes", false),
    kind(
        "v1",
        "PersistentVolumeClaim",
        "persistentvolumeclaims",
        true,
    ),
    kind("v1", "Pod", "pods", true),
    kind("v1", "ResourceQuota", "resourcequotas", true),
    kind("v1", "Secret", "secrets", true),
    kind("v1", "Service", "services", true),
    kind("v1", "ServiceAccount", "serviceaccounts", true),
    kind("v1", "Endpoints", "endpoints", true),
];

/// Not owned by anybody, but they fill a namespace.
pub static EVENTS: Kind = kind("v1", "Event", "events", true);

impl Kind {
    /// The kind under that API version and name.
    pub fn find(api_version: &str, kind: &str) -> Option<&'static Self> {
        KINDS
            .iter()
            .find(|known| known.api_version == api_version && known.kind == kind)
    }

    /// How to address it.
    pub fn resource(&self) -> ApiResource {
        let (group, version) = self
            .api_version
            .split_once('/')
            .unwrap_or(("", self.api_version));
        let gvk = GroupVersionKind::gvk(group, version, self.kind);
        ApiResource::from_gvk_with_plural(&gvk, self.plural)
    }
}

/// Whom to tell of a change: the kind, the key, and the metadata before and now.
pub type Listener =
    Arc<dyn Fn(&'static Kind, &Key, Option<&ObjectMeta>, Option<&ObjectMeta>) + Send + Sync>;

/// Tells the listener of each object of the kinds that are followed, in the order of its own kind's changes. Resolves
/// when all of them were listed once.
///
/// Kinds that other agents read anyway are followed through their caches; of the others only the metadata is watched.
/// Some kinds are neither owned nor do they block anything: they are looked up when they are needed.
pub async fn follow(context: &Context, listener: Listener) {
    let all = KINDS
        .iter()
        .filter_map(|kind| follow_one(context, kind, &listener));
    let all: Vec<_> = all.collect();
    join_all(all).await;
}

fn follow_one(
    context: &Context,
    kind: &'static Kind,
    listener: &Listener,
) -> Option<BoxFuture<'static, ()>> {
    let informers = &context.informers;
    let listener = Arc::clone(listener);
    Some(match kind.kind {
        "ConfigMap" => tell(informers.of::<ConfigMap>(), kind, listener),
        "Deployment" => tell(informers.of::<Deployment>(), kind, listener),
        "EndpointSlice" => tell(informers.of::<EndpointSlice>(), kind, listener),
        "Node" => tell(informers.of::<Node>(), kind, listener),
        "PersistentVolume" => tell(informers.of::<PersistentVolume>(), kind, listener),
        "PersistentVolumeClaim" => tell(informers.of::<PersistentVolumeClaim>(), kind, listener),
        "Pod" => tell(informers.of::<Pod>(), kind, listener),
        "PodDisruptionBudget" => tell(informers.of::<PodDisruptionBudget>(), kind, listener),
        "ReplicaSet" => tell(informers.of::<ReplicaSet>(), kind, listener),
        "ResourceQuota" => tell(informers.of::<ResourceQuota>(), kind, listener),
        "Service" => tell(informers.of::<Service>(), kind, listener),
        "ServiceAccount" => tell(informers.of::<ServiceAccount>(), kind, listener),
        "DaemonSet" | "Endpoints" | "Namespace" | "StorageClass" => return None,
        _ => tell(informers.metadata_of(&kind.resource()), kind, listener),
    })
}

fn tell<K>(informer: Informer<K>, kind: &'static Kind, listener: Listener) -> BoxFuture<'static, ()>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    informer.listen(move |change: &Change<K>| {
        let old = change.old.as_ref().map(|object| object.meta());
        let new = change.new.as_ref().map(|object| object.meta());
        listener(kind, &change.key, old, new);
    });
    Box::pin(async move { informer.synced().await })
}
