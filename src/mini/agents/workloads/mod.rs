//! ReplicaSets and Deployments: what a StatefulSet is contrasted with, and what kubectl's rollouts work on.

pub mod deployments;
pub mod replica_sets;

#[cfg(test)]
mod tests;

use k8s_openapi::{
    api::core::v1::Pod,
    apimachinery::pkg::apis::meta::v1::{LabelSelector, OwnerReference},
};
use kube::{Resource, ResourceExt};
use serde_json::{Value, json};

use super::selects;
use crate::sets;

/// The reference that makes an object its controller's; None if the controller was never stored.
fn controller(owner: &impl Resource<DynamicType = ()>) -> Option<OwnerReference> {
    let mut reference = owner.controller_owner_ref(&())?;
    reference.block_owner_deletion = Some(true);
    Some(reference)
}

/// Has not ended and is not about to.
fn is_active(pod: &Pod) -> bool {
    !sets::is_failed(pod) && !sets::is_succeeded(pod) && !sets::is_terminating(pod)
}

/// What an owner does about an object that its selector may select.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    /// It is mine.
    Mine,
    /// It is nobody's and I take it.
    Adopt,
    /// It was mine and is no longer selected.
    Release,
    /// It does not concern me.
    Leave,
}

fn claim<O, K>(owner: &O, selector: &LabelSelector, object: &K) -> Claim
where
    O: Resource,
    K: Resource,
{
    let deleting = |meta: &kube::api::ObjectMeta| meta.deletion_timestamp.is_some();
    let selected = selects(Some(selector), object.labels());
    let mine = owner.meta().uid.as_deref();
    match sets::owner_uid(object) {
        Some(uid) if Some(uid) == mine => match selected || deleting(owner.meta()) {
            true => Claim::Mine,
            false => Claim::Release,
        },
        Some(_) => Claim::Leave,
        None if !selected || deleting(owner.meta()) || deleting(object.meta()) => Claim::Leave,
        None => Claim::Adopt,
    }
}

/// The patch by which an object gets this controller.
fn adoption(owner: &impl Resource<DynamicType = ()>, object: &impl Resource) -> Value {
    json!({"metadata": {
        "uid": object.meta().uid,
        "ownerReferences": controller(owner).map(|owner| vec![owner]).unwrap_or_default(),
    }})
}

/// The patch by which an object loses this controller.
fn release(owner: &impl Resource, object: &impl Resource) -> Value {
    json!({"metadata": {
        "uid": object.meta().uid,
        "ownerReferences": [{"$patch": "delete", "uid": owner.meta().uid}],
    }})
}
