//! Where a controller can be made wrong: the seam for components known to be wrong, one method a place.
//!
//! Everything defaults to no change. The reference controller itself runs with [`Faithful`].

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::{
    apps::v1::{ControllerRevision, StatefulSetStatus},
    core::v1::{Event, PersistentVolumeClaim, Pod},
};
use kube::api::DeleteParams;
use serde_json::Value;

use super::{
    claim::Naming,
    ownership::Claiming,
    plan::{Observed, Plan},
    set::Set,
};
use crate::sets::claim_name;

/// Changes of what a controller sees, decides and does.
pub trait Twist: Send + Sync + 'static {
    /// Whether a pod is the set's.
    fn claiming(&self, _set: &Set, _pod: &Pod, decided: Claiming) -> Claiming {
        decided
    }

    /// The set's revisions in order, before one is chosen.
    fn listed(&self, _set: &Set, _revisions: &mut Vec<Arc<ControllerRevision>>) {}

    /// The template that a revision is made of; the set's revisions are in order.
    fn template(&self, _set: &Set, _listed: &[Arc<ControllerRevision>], _template: &mut Value) {}

    /// Whether a revision that the selector selects is the set's.
    fn lists(&self, _set: &Set, _revision: &ControllerRevision, decided: bool) -> bool {
        decided
    }

    /// A revision that is about to be created.
    fn revision(&self, _set: &Set, _revision: &mut ControllerRevision) {}

    /// Whether a revision that has the wanted name is taken for the wanted one.
    fn takes(&self, _set: &Set, _revision: &ControllerRevision, decided: bool) -> bool {
        decided
    }

    /// The revisions that are about to be deleted, of all in order.
    fn doomed<'a>(
        &self,
        _set: &Set,
        _sorted: &'a [Arc<ControllerRevision>],
        _doomed: &mut Vec<&'a Arc<ControllerRevision>>,
    ) {
    }

    /// Whether an event is told, and how.
    fn event(&self, _event: &mut Event) -> bool {
        true
    }

    /// How claims are named.
    fn naming(&self) -> Naming {
        claim_name
    }

    /// What a plan is made from.
    fn observed(&self, _observed: &mut Observed) {}

    /// A plan.
    fn planned(&self, _observed: &Observed, _now: Timestamp, _plan: &mut Plan) {}

    /// A pod that is about to be created.
    fn pod(&self, _observed: &Observed, _pod: &mut Pod) {}

    /// A claim that is about to be created.
    fn claim(&self, _observed: &Observed, _claim: &mut PersistentVolumeClaim) {}

    /// The status as computed.
    fn status(&self, _observed: &Observed, _status: &mut StatefulSetStatus) {}

    /// Whether the status is written; not all that was planned may have been done.
    fn writes_status(&self, _set: &Set, differs: bool, _all_was_done: bool) -> bool {
        differs
    }

    /// Whether something is done that was decided, and with what.
    fn effect(&self, _effect: Effect<'_>) -> bool {
        true
    }
}

/// Something that is about to be done.
#[derive(Debug)]
pub enum Effect<'a> {
    /// A pod is deleted: its name, and how.
    DeletePod(&'a str, &'a mut DeleteParams),
    /// A pod is updated.
    UpdatePod(&'a mut Pod),
    /// A claim is created.
    CreateClaim(&'a mut PersistentVolumeClaim),
    /// A claim is updated.
    UpdateClaim(&'a mut PersistentVolumeClaim),
    /// The set is read from the API server itself, before something is adopted.
    ReadSet,
    /// A revision is adopted.
    AdoptRevision(&'a str),
    /// A revision is deleted.
    DeleteRevision(&'a str),
}

/// Changes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faithful;

impl Twist for Faithful {}
