//! What to do next about a claim.

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::{
    api::{
        core::v1::{PersistentVolume, PersistentVolumeClaim, Pod},
        storage::v1::StorageClass,
    },
    apimachinery::pkg::api::resource::Quantity,
};
use kube::ResourceExt;

use super::{
    made::new_volume,
    matching::{
        BIND_COMPLETED, BOUND_BY_CONTROLLER, SELECTED_NODE, agrees, capacity, class, class_name,
        find, is_bound, is_for, phase, requested, volume_name, waits_for_consumer,
    },
};
use crate::{mini::agents::start::PROVISIONER, sets};

/// Finalizer of a claim that a pod may use.
pub(super) const CLAIM_PROTECTION: &str = "kubernetes.io/pvc-protection";
/// The next step for a claim.
#[derive(Clone, Debug, PartialEq)]
pub enum ClaimStep {
    /// Nothing to do.
    Rest,
    /// Nobody uses it any more: let it go, if no pod came meanwhile.
    Unprotect,
    /// Set the phase Pending.
    Pending,
    /// Set the phase Lost: its volume is not there.
    Lost,
    /// It waits, and here is for what.
    Tell {
        /// A trouble.
        warning: bool,
        /// The event's reason.
        reason: &'static str,
        /// The event's message.
        message: String,
    },
    /// Make this volume.
    Provision(Box<PersistentVolume>),
    /// Let the volume refer to the claim.
    Promise(String),
    /// Let the claim name the volume; say that it was our choice if it was.
    Bind {
        /// The volume's name.
        volume: String,
        /// The claim did not name it itself.
        ours: bool,
    },
    /// Set the phase Bound, with the volume's capacity and access modes.
    Bound {
        /// The volume's capacity.
        capacity: BTreeMap<String, Quantity>,
        /// The volume's access modes.
        access_modes: Vec<String>,
    },
    /// Let the volume hold that much.
    Expand {
        /// The volume's name.
        volume: String,
        /// The new capacity.
        storage: Quantity,
    },
}

/// A claim of a scheduled pod is in use, whether the pod still runs or not.
pub(super) fn uses(pod: &Pod, claim: &str) -> bool {
    let spec = pod.spec.clone().unwrap_or_default();
    let scheduled = spec.node_name.is_some_and(|node| !node.is_empty());
    let mut volumes = spec.volumes.iter().flatten();
    scheduled
        && volumes.any(|volume| match &volume.persistent_volume_claim {
            Some(source) => source.claim_name == claim,
            None => {
                volume.ephemeral.is_some() && format!("{}-{}", pod.name_any(), volume.name) == claim
            }
        })
}

/// Decides about a claim; `pods` are those of its namespace.
pub fn claim_step(
    claim: &PersistentVolumeClaim,
    volumes: &[Arc<PersistentVolume>],
    classes: &[Arc<StorageClass>],
    pods: &[Arc<Pod>],
) -> ClaimStep {
    let terminating = claim.metadata.deletion_timestamp.is_some();
    if terminating
        && claim
            .finalizers()
            .iter()
            .any(|name| name == CLAIM_PROTECTION)
    {
        let name = claim.name_any();
        if !pods.iter().any(|pod| uses(pod, &name)) {
            return ClaimStep::Unprotect;
        }
    }
    let volume = volume_name(claim);
    let named = volumes.iter().find(|known| known.name_any() == volume);
    match (is_bound(claim), volume.is_empty(), named) {
        (true, _, None) => match phase(claim) {
            "Lost" => ClaimStep::Rest,
            _ => ClaimStep::Lost,
        },
        (true, _, Some(volume)) if is_for(volume, claim) => bound(claim, volume),
        (true, _, Some(_)) => match phase(claim) {
            "Lost" => ClaimStep::Rest,
            _ => ClaimStep::Lost,
        },
        (false, false, None) => pending(claim),
        (false, false, Some(volume)) => named_beforehand(claim, volume),
        (false, true, _) if terminating => ClaimStep::Rest,
        (false, true, _) => unbound(claim, volumes, classes, pods),
    }
}

fn pending(claim: &PersistentVolumeClaim) -> ClaimStep {
    let status = claim.status.as_ref();
    match status.and_then(|status| status.phase.as_deref()) {
        Some("Pending") => ClaimStep::Rest,
        _ => ClaimStep::Pending,
    }
}

fn tell(warning: bool, reason: &'static str, message: impl Into<String>) -> ClaimStep {
    ClaimStep::Tell {
        warning,
        reason,
        message: message.into(),
    }
}

/// The claim names a volume; it gets it if nobody else has it.
fn named_beforehand(claim: &PersistentVolumeClaim, volume: &PersistentVolume) -> ClaimStep {
    let name = volume.name_any();
    let spec = volume.spec.clone().unwrap_or_default();
    if is_for(volume, claim) {
        return promise_or_bind(claim, volume, false);
    }
    if spec.claim_ref.is_some() {
        let message = format!("volume {name:?} already bound to a different claim.");
        return tell(true, "FailedBinding", message);
    }
    match agrees(&spec, &claim.spec.clone().unwrap_or_default()) {
        true => ClaimStep::Promise(name),
        false => {
            let message = format!(
                "Cannot bind to requested volume {name:?}: requested PV is too small or does not agree"
            );
            tell(true, "VolumeMismatch", message)
        }
    }
}

/// A volume that refers to the claim without its UID has to say first which one it means.
fn promise_or_bind(
    claim: &PersistentVolumeClaim,
    volume: &PersistentVolume,
    ours: bool,
) -> ClaimStep {
    let spec = volume.spec.as_ref();
    let reference = spec.and_then(|spec| spec.claim_ref.as_ref());
    let name = volume.name_any();
    match reference.is_some_and(|reference| reference.uid == claim.metadata.uid) {
        true => ClaimStep::Bind { volume: name, ours },
        false => ClaimStep::Promise(name),
    }
}

fn unbound(
    claim: &PersistentVolumeClaim,
    volumes: &[Arc<PersistentVolume>],
    classes: &[Arc<StorageClass>],
    pods: &[Arc<Pod>],
) -> ClaimStep {
    let class = class(claim, classes);
    let selected = claim.annotations().get(SELECTED_NODE);
    let waits = class.is_some_and(waits_for_consumer) && selected.is_none();
    match find(claim, volumes, None, &[]) {
        // A class that waits leaves the choice among free volumes to the scheduler.
        Some(volume) if !waits || is_for(volume, claim) => {
            return promise_or_bind(claim, volume, true);
        }
        _ => {}
    }
    let name = claim.name_any();
    match (class, class_name(claim)) {
        (_, "") => tell(
            false,
            "FailedBinding",
            "no persistent volumes available for this claim and no storage class is set",
        ),
        (None, class) => {
            let message = format!("storageclass.storage.k8s.io {class:?} not found");
            tell(true, "ProvisioningFailed", message)
        }
        (Some(_), _) if waits => {
            let waiting = pods.iter().find(|pod| names(pod, &name));
            match waiting {
                None => tell(
                    false,
                    "WaitForFirstConsumer",
                    "waiting for first consumer to be created before binding",
                ),
                Some(pod) => {
                    let message = format!("waiting for pod {} to be scheduled", pod.name_any());
                    tell(false, "WaitForPodScheduled", message)
                }
            }
        }
        (Some(class), _) if class.provisioner == PROVISIONER => {
            ClaimStep::Provision(Box::new(new_volume(claim, class)))
        }
        (Some(class), _) => {
            let message = format!(
                "Waiting for a volume to be created either by the external provisioner '{}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.",
                class.provisioner
            );
            tell(false, "ExternalProvisioning", message)
        }
    }
}

/// The pod has the claim among its volumes, scheduled or not, and has not ended.
fn names(pod: &Pod, claim: &str) -> bool {
    let spec = pod.spec.as_ref();
    let mut volumes = spec
        .into_iter()
        .flat_map(|spec| spec.volumes.iter().flatten());
    !sets::is_failed(pod)
        && !sets::is_succeeded(pod)
        && volumes.any(|volume| {
            let source = volume.persistent_volume_claim.as_ref();
            source.is_some_and(|source| source.claim_name == claim)
        })
}

/// A bound claim: its status follows the volume, and the volume follows a larger request.
fn bound(claim: &PersistentVolumeClaim, volume: &PersistentVolume) -> ClaimStep {
    let offered = volume.spec.clone().unwrap_or_default();
    let wanted = claim.spec.clone().unwrap_or_default();
    let status = claim.status.clone().unwrap_or_default();
    let size = |quantities: &Option<BTreeMap<String, Quantity>>| {
        let storage = quantities.as_ref().and_then(|all| all.get("storage"));
        storage.map(|storage| storage.0.clone())
    };
    let first = phase(claim) != "Bound";
    if !first && requested(&wanted) > capacity(&offered) {
        let storage = Quantity(requested(&wanted).to_string());
        let volume = volume.name_any();
        return ClaimStep::Expand { volume, storage };
    }
    let modes = offered.access_modes.clone().unwrap_or_default();
    if first
        || size(&status.capacity) != size(&offered.capacity)
        || status.access_modes.as_ref() != Some(&modes)
    {
        return ClaimStep::Bound {
            capacity: offered.capacity.unwrap_or_default(),
            access_modes: modes,
        };
    }
    ClaimStep::Rest
}

/// The annotations of a claim as it is bound.
pub(super) fn bound_annotations(ours: bool) -> BTreeMap<&'static str, &'static str> {
    let mut annotations = BTreeMap::from([(BIND_COMPLETED, "yes")]);
    if ours {
        annotations.insert(BOUND_BY_CONTROLLER, "yes");
    }
    annotations
}
