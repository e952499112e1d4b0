//! What an API server fills in: defaults of the kinds, the first status, and what built-in admission adds to pods.
//!
//! Objects are expected decoded ([`super::strict::check`]): empty optional fields are absent.

mod admission;
mod objects;
mod pods;
mod secrets;
mod workloads;

use serde_json::{Map, Value, json};

pub use admission::{admit_pod, mount_token};

/// Fills in what the object's author left out. `group_kind` is `apps/StatefulSet`, or `Pod` for the core group.
///
/// Defaults are filled in on every write, so filling them in twice changes nothing.
pub fn default(group_kind: &str, object: &mut Value) {
    match group_kind {
        "Pod" => pods::pod(object),
        "apps/StatefulSet" => workloads::stateful_set(object),
        "apps/Deployment" => workloads::deployment(object),
        "apps/ReplicaSet" => workloads::replica_set(object),
        "apps/DaemonSet" => workloads::daemon_set(object),
        "Service" => objects::service(object),
        "PersistentVolumeClaim" => objects::claim(object),
        "PersistentVolume" => objects::volume(object),
        "Namespace" => objects::namespace(object),
        "Node" => objects::node(object),
        "Secret" => {
            secrets::encode(object);
            fill(object, "type", "Opaque");
        }
        "Endpoints" => objects::endpoints(object),
        "discovery.k8s.io/EndpointSlice" => objects::endpoint_slice(object),
        "storage.k8s.io/StorageClass" => {
            fill(object, "reclaimPolicy", "Delete");
            fill(object, "volumeBindingMode", "Immediate");
        }
        _ => {}
    }
}

/// The status an object has when it is created, whatever its author sent; absent for kinds that keep what was sent.
pub fn first_status(group_kind: &str, object: &Value) -> Option<Value> {
    Some(match group_kind {
        "Pod" => json!({"phase": "Pending", "qosClass": pods::quality(object)}),
        "apps/StatefulSet" => json!({"replicas": 0, "availableReplicas": 0}),
        "apps/ReplicaSet" => json!({"replicas": 0}),
        "apps/Deployment" | "ResourceQuota" => json!({}),
        "apps/DaemonSet" => json!({
            "currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0,
        }),
        "Service" => json!({"loadBalancer": {}}),
        "PersistentVolumeClaim" | "PersistentVolume" => json!({"phase": "Pending"}),
        "Namespace" => json!({"phase": "Active"}),
        "policy/PodDisruptionBudget" => json!({
            "disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0,
        }),
        _ => return None,
    })
}

/// Sets a field of an object that is absent, null or an empty text.
fn fill(object: &mut Value, field: &str, value: impl Into<Value>) {
    let Value::Object(entries) = object else {
        return;
    };
    let present = entries
        .get(field)
        .is_some_and(|present| !present.is_null() && present != "");
    if !present {
        entries.insert(field.to_owned(), value.into());
    }
}

/// The field as an object, put there if it is absent.
fn inner<'a>(object: &'a mut Value, field: &str) -> &'a mut Value {
    let Value::Object(entries) = object else {
        return object;
    };
    let inner = entries.entry(field).or_insert(Value::Null);
    if inner.is_null() {
        *inner = Value::Object(Map::new());
    }
    inner
}

/// The items of a list field; none if it is absent.
fn each<'a>(object: &'a mut Value, field: &str) -> impl Iterator<Item = &'a mut Value> {
    object
        .get_mut(field)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests;
