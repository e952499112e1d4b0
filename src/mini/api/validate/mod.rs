//! What an API server refuses, in its own words and order.
//!
//! The rules are those of Kubernetes 1.37 with its default feature gates, but for what [`Rules`] names. Objects are expected decoded and with their
//! defaults.

mod config;
mod containers;
mod diff;
mod endpoints;
mod env;
mod field;
mod go;
mod metadata;
pub mod names;
mod pod;
mod pod_spec;
mod probes;
mod resources;
mod scheduling;
mod selector;
mod service;
mod stateful_set;
mod storage;
mod volumes;
mod warnings;
mod workloads;

use serde_json::Value;

use super::{Cause, Rules};
use field::{Faults, Field};

pub use metadata::manager;

/// The faults of an object that is to be created, after defaulting.
pub fn create(rules: Rules, group_kind: &str, object: &Value) -> Vec<Cause> {
    let mut faults = Faults(Vec::new(), rules);
    let new = Field::root(object);
    let mut plain = |rule: fn(&Field<'_>, &mut Faults)| {
        metadata::create(group_kind, &new, &mut faults);
        rule(&new, &mut faults);
    };
    match group_kind {
        "ConfigMap" => plain(config::config_map),
        "Secret" => plain(config::secret),
        "Node" => plain(config::node),
        "ResourceQuota" => plain(config::quota),
        "coordination.k8s.io/Lease" => plain(config::lease),
        "policy/PodDisruptionBudget" => plain(config::budget),
        "discovery.k8s.io/EndpointSlice" => plain(endpoints::slice),
        "Endpoints" => plain(endpoints::endpoints),
        "Event" | "events.k8s.io/Event" => endpoints::event(group_kind, &new, &mut faults),
        "Pod" => pod::create(&new, &mut faults),
        "apps/StatefulSet" => stateful_set::create(&new, &mut faults),
        "apps/ControllerRevision" => stateful_set::create_revision(&new, &mut faults),
        "apps/Deployment" | "apps/ReplicaSet" => workloads::create(group_kind, &new, &mut faults),
        "autoscaling/Scale" => workloads::scale(object, &mut faults),
        "Binding" => config::binding(object, &mut faults),
        "Service" => service::create(&new, &mut faults),
        "PersistentVolumeClaim" => storage::create_claim(&new, &mut faults),
        "PersistentVolume" => storage::create_volume(&new, &mut faults),
        "storage.k8s.io/StorageClass" => storage::create_class(&new, &mut faults),
        "policy/Eviction" => {}
        _ => plain(|_, _| {}),
    }
    faults.distinct()
}

/// The faults of a change. `subresource` is empty for the object itself.
///
/// For the subresource `scale` both are objects of kind Scale.
pub fn update(
    rules: Rules,
    group_kind: &str,
    subresource: &str,
    old: &Value,
    new: &Value,
) -> Vec<Cause> {
    let mut faults = Faults(Vec::new(), rules);
    let (before, after) = (Field::root(old), Field::root(new));
    match subresource {
        "" => object(group_kind, &before, &after, &mut faults),
        "status" => status(group_kind, &before, &after, &mut faults),
        "scale" => workloads::scale(new, &mut faults),
        _ => metadata::update(group_kind, &before, &after, &mut faults),
    }
    faults.distinct()
}

fn object(group_kind: &str, old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    match group_kind {
        "Pod" => pod::update(old, new, faults),
        "apps/StatefulSet" => stateful_set::update(old, new, faults),
        "apps/ControllerRevision" => stateful_set::update_revision(old, new, faults),
        "apps/Deployment" | "apps/ReplicaSet" => workloads::update(group_kind, old, new, faults),
        "Service" => service::update(old, new, faults),
        "PersistentVolumeClaim" => storage::update_claim(old, new, faults),
        "PersistentVolume" => storage::update_volume(old, new, faults),
        "storage.k8s.io/StorageClass" => storage::update_class(old, new, faults),
        "Node" => config::update_node(old, new, faults),
        "ResourceQuota" => config::update_quota(old, new, faults),
        "Event" | "events.k8s.io/Event" => endpoints::update_event(group_kind, old, new, faults),
        _ => {
            metadata::update(group_kind, old, new, faults);
            others(group_kind, old, new, faults);
        }
    }
}

/// Kinds whose changes are compared in few fields.
fn others(group_kind: &str, old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    match group_kind {
        "ConfigMap" => {
            config::frozen(old, new, faults);
            config::config_map(new, faults);
        }
        "Secret" => {
            faults.immutable(&old.get("type"), &new.get("type"));
            config::frozen(old, new, faults);
            config::secret(new, faults);
        }
        "coordination.k8s.io/Lease" => config::lease(new, faults),
        "policy/PodDisruptionBudget" => config::budget(new, faults),
        "Endpoints" => endpoints::endpoints(new, faults),
        "discovery.k8s.io/EndpointSlice" => {
            endpoints::slice(new, faults);
            let (before, after) = (old.get("addressType"), new.get("addressType"));
            // The new value is not said.
            if before.value != after.value {
                faults.invalid_as(&after, "null", "field is immutable");
            }
        }
        _ => {}
    }
}

fn status(group_kind: &str, old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    match group_kind {
        "Pod" => pod::status(old, new, faults),
        "apps/StatefulSet" => stateful_set::status(old, new, faults),
        "apps/Deployment" | "apps/ReplicaSet" => workloads::status(group_kind, old, new, faults),
        "PersistentVolumeClaim" => storage::claim_status(old, new, faults),
        "Namespace" => config::namespace_status(old, new, faults),
        "Node" => config::update_node(old, new, faults),
        "ResourceQuota" => config::quota_status(old, new, faults),
        "policy/PodDisruptionBudget" => config::budget_status(old, new, faults),
        _ => metadata::update(group_kind, old, new, faults),
    }
}

/// What is accepted with a warning.
pub fn warnings(group_kind: &str, object: &Value) -> Vec<String> {
    warnings::of(group_kind, object)
}

#[cfg(test)]
mod tests;
