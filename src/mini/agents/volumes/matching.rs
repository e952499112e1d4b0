//! What fits together: claims, volumes and classes. Shared by the volumes' agent and the scheduler.

use std::sync::Arc;

use k8s_openapi::api::{
    core::v1::{
        Node, ObjectReference, PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimSpec,
        PersistentVolumeSpec, TopologySelectorTerm,
    },
    storage::v1::StorageClass,
};
use kube::ResourceExt;

use crate::mini::{
    agents::{scheduler::selects_node, selects},
    api::quantity::{self, Quantity},
};

/// Annotation of a claim: the node whose pod waits for it.
pub(in crate::mini::agents) const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
/// Annotation of claims and volumes that were not bound by a person.
pub(in crate::mini::agents) const BOUND_BY_CONTROLLER: &str =
    "pv.kubernetes.io/bound-by-controller";
/// Annotation of a claim that was bound once.
pub(super) const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";
/// The provisioner of classes whose volumes are made by hand.
const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";

/// The claim's phase; Pending before there is one.
pub(in crate::mini::agents) fn phase(claim: &PersistentVolumeClaim) -> &str {
    let status = claim.status.as_ref();
    status
        .and_then(|status| status.phase.as_deref())
        .unwrap_or("Pending")
}

/// The volume the claim names; empty for none.
pub(in crate::mini::agents) fn volume_name(claim: &PersistentVolumeClaim) -> &str {
    let spec = claim.spec.as_ref();
    spec.and_then(|spec| spec.volume_name.as_deref())
        .unwrap_or_default()
}

/// The claim has its volume for good.
pub(in crate::mini::agents) fn is_bound(claim: &PersistentVolumeClaim) -> bool {
    !volume_name(claim).is_empty() && claim.annotations().contains_key(BIND_COMPLETED)
}

/// The name of the claim's class; empty for none.
pub(super) fn class_name(claim: &PersistentVolumeClaim) -> &str {
    let spec = claim.spec.as_ref();
    spec.and_then(|spec| spec.storage_class_name.as_deref())
        .unwrap_or_default()
}

/// The claim's class, if there is one.
pub(in crate::mini::agents) fn class<'a>(
    claim: &PersistentVolumeClaim,
    classes: &'a [Arc<StorageClass>],
) -> Option<&'a StorageClass> {
    let name = class_name(claim);
    let class = classes.iter().find(|class| class.name_any() == name);
    class.map(|class| &**class)
}

/// The class binds its claims when a pod comes, not before.
pub(in crate::mini::agents) fn waits_for_consumer(class: &StorageClass) -> bool {
    class.volume_binding_mode.as_deref() == Some("WaitForFirstConsumer")
}

/// The class can have a volume made for that node.
pub(in crate::mini::agents) fn provisions(class: &StorageClass, node: &Node) -> bool {
    let terms = class.allowed_topologies.as_deref().unwrap_or_default();
    let holds = |term: &TopologySelectorTerm| {
        let mut rules = term.match_label_expressions.iter().flatten();
        rules.all(|rule| {
            node.labels()
                .get(&rule.key)
                .is_some_and(|value| rule.values.contains(value))
        })
    };
    class.provisioner != NO_PROVISIONER && (terms.is_empty() || terms.iter().any(holds))
}

/// How a volume refers to its claim.
pub(in crate::mini::agents) fn claim_ref(claim: &PersistentVolumeClaim) -> ObjectReference {
    ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("PersistentVolumeClaim".to_owned()),
        name: claim.metadata.name.clone(),
        namespace: claim.metadata.namespace.clone(),
        uid: claim.metadata.uid.clone(),
        resource_version: claim.metadata.resource_version.clone(),
        ..ObjectReference::default()
    }
}

/// The volume names this claim. A person may have left out the UID.
pub(in crate::mini::agents) fn is_for(
    volume: &PersistentVolume,
    claim: &PersistentVolumeClaim,
) -> bool {
    let spec = volume.spec.as_ref();
    let reference = spec.and_then(|spec| spec.claim_ref.as_ref());
    reference.is_some_and(|reference| {
        reference.name == claim.metadata.name
            && reference.namespace == claim.metadata.namespace
            && reference
                .uid
                .as_ref()
                .is_none_or(|uid| Some(uid) == claim.metadata.uid.as_ref())
    })
}

/// What the claim asks for.
pub(super) fn requested(spec: &PersistentVolumeClaimSpec) -> Quantity {
    let requests = spec
        .resources
        .as_ref()
        .and_then(|resources| resources.requests.as_ref());
    let storage = requests.and_then(|requests| requests.get("storage"));
    storage
        .and_then(|storage| quantity::parse(&storage.0).ok())
        .unwrap_or(Quantity::ZERO)
}

/// How much the volume holds.
pub(super) fn capacity(spec: &PersistentVolumeSpec) -> Quantity {
    let storage = spec
        .capacity
        .as_ref()
        .and_then(|capacity| capacity.get("storage"));
    storage
        .and_then(|storage| quantity::parse(&storage.0).ok())
        .unwrap_or(Quantity::ZERO)
}

fn mode(mode: Option<&String>) -> &str {
    mode.map_or("Filesystem", String::as_str)
}

/// Whether a volume that was named beforehand may be bound to the claim: size, mode and class agree.
pub(super) fn agrees(volume: &PersistentVolumeSpec, claim: &PersistentVolumeClaimSpec) -> bool {
    let class = |name: &Option<String>| name.clone().unwrap_or_default();
    let modes = volume.access_modes.as_deref().unwrap_or_default();
    let mut wanted = claim.access_modes.iter().flatten();
    capacity(volume) >= requested(claim)
        && class(&volume.storage_class_name) == class(&claim.storage_class_name)
        && mode(volume.volume_mode.as_ref()) == mode(claim.volume_mode.as_ref())
        && wanted.all(|mode| modes.contains(mode))
}

/// The volume for a claim that has none: the one that names it, or else the smallest free one that agrees and that the
/// claim's selector selects. With a node it has to be reachable from there. `taken` are names already promised.
pub(in crate::mini::agents) fn find<'a>(
    claim: &PersistentVolumeClaim,
    volumes: &'a [Arc<PersistentVolume>],
    node: Option<&Node>,
    taken: &[String],
) -> Option<&'a PersistentVolume> {
    let spec = claim.spec.clone().unwrap_or_default();
    let reachable = |volume: &PersistentVolumeSpec| {
        let affinity = volume.node_affinity.as_ref();
        let required = affinity.and_then(|affinity| affinity.required.as_ref());
        node.zip(required)
            .is_none_or(|(node, required)| selects_node(required, node))
    };
    let mut candidates: Vec<_> = volumes
        .iter()
        .filter_map(|volume| Some((&**volume, volume.spec.as_ref()?)))
        .filter(|(volume, _)| volume.metadata.deletion_timestamp.is_none())
        .filter(|(_, offered)| agrees(offered, &spec) && reachable(offered))
        .collect();
    if let Some((volume, _)) = candidates.iter().find(|(volume, _)| is_for(volume, claim)) {
        return Some(volume);
    }
    let free = |volume: &PersistentVolume| {
        let status = volume.status.as_ref();
        status.and_then(|status| status.phase.as_deref()) == Some("Available")
    };
    candidates.retain(|(volume, offered)| {
        free(volume)
            && offered.claim_ref.is_none()
            && !taken.contains(&volume.name_any())
            && (spec.selector.is_none() || selects(spec.selector.as_ref(), volume.labels()))
    });
    let smallest = candidates
        .into_iter()
        .min_by_key(|(_, offered)| capacity(offered));
    smallest.map(|(volume, _)| volume)
}
