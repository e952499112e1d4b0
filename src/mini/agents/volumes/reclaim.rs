//! What to do next about a volume.

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use kube::ResourceExt;

use super::{
    made::PROVISIONED_BY,
    matching::{is_for, volume_name},
};
use crate::mini::agents::start::PROVISIONER;

/// Finalizer of a volume that a claim may use.
pub(super) const VOLUME_PROTECTION: &str = "kubernetes.io/pv-protection";

/// The next step for a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumeStep {
    /// Nothing to do.
    Rest,
    /// Nobody holds it any more: let it go.
    Unprotect,
    /// Set the phase.
    Phase(&'static str),
    /// Its claim is gone and so shall it be.
    Delete,
    /// It should go but it was not made here: set the phase Failed.
    CannotDelete,
}

/// Decides about a volume; `claim` is what is under the name of its claim, if there is anything.
pub fn volume_step(volume: &PersistentVolume, claim: Option<&PersistentVolumeClaim>) -> VolumeStep {
    let spec = volume.spec.clone().unwrap_or_default();
    let status = volume.status.as_ref();
    let phase = status
        .and_then(|status| status.phase.as_deref())
        .unwrap_or_default();
    let terminating = volume.metadata.deletion_timestamp.is_some();
    let ours = volume
        .annotations()
        .get(PROVISIONED_BY)
        .is_some_and(|by| by == PROVISIONER);
    let to = |wanted: &'static str| match phase == wanted {
        true => VolumeStep::Rest,
        false => VolumeStep::Phase(wanted),
    };
    let own = claim.filter(|claim| is_for(volume, claim));
    let promised = spec
        .claim_ref
        .as_ref()
        .is_some_and(|reference| reference.uid.is_none());
    let protected = volume
        .finalizers()
        .iter()
        .any(|name| name == VOLUME_PROTECTION);
    match (spec.claim_ref.is_some(), own) {
        (false, _) if terminating && protected => VolumeStep::Unprotect,
        (false, _) => to("Available"),
        (true, Some(claim)) if volume_name(claim) == volume.name_any() => to("Bound"),
        (true, Some(claim)) if volume_name(claim).is_empty() && promised => to("Available"),
        // Promised, and the claim is about to name it.
        (true, Some(claim)) if volume_name(claim).is_empty() => VolumeStep::Rest,
        (true, None) if promised => match terminating && protected {
            true => VolumeStep::Unprotect,
            false => to("Available"),
        },
        (true, _) if terminating => match protected {
            true => VolumeStep::Unprotect,
            false => VolumeStep::Rest,
        },
        // A claim that was recreated while its volume still shows the old state of things.
        (true, _) if phase != "Released" && phase != "Failed" => VolumeStep::Phase("Released"),
        (true, _) => match spec.persistent_volume_reclaim_policy.as_deref() {
            Some("Delete") if ours => VolumeStep::Delete,
            Some("Delete") if phase == "Released" => VolumeStep::CannotDelete,
            _ => VolumeStep::Rest,
        },
    }
}
