//! One-line predicates on a pod, in the words of the Kubernetes documentation.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Pod, PodCondition};

use super::REVISION_LABEL;

/// The phase of a stored pod is never empty; one that was not stored yet has none.
fn phase(pod: &Pod) -> &str {
    pod.status
        .as_ref()
        .and_then(|status| status.phase.as_deref())
        .unwrap_or_default()
}

/// The condition of that type.
pub fn condition<'a>(pod: &'a Pod, kind: &str) -> Option<&'a PodCondition> {
    pod.status
        .as_ref()?
        .conditions
        .as_ref()?
        .iter()
        .find(|condition| condition.type_ == kind)
}

/// Somebody asked for its deletion and its object is still there.
pub fn is_terminating(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// Phase Failed.
pub fn is_failed(pod: &Pod) -> bool {
    phase(pod) == "Failed"
}

/// Phase Succeeded.
pub fn is_succeeded(pod: &Pod) -> bool {
    phase(pod) == "Succeeded"
}

/// Condition Ready is True, whatever the phase.
pub fn is_ready(pod: &Pod) -> bool {
    condition(pod, "Ready").is_some_and(|ready| ready.status == "True")
}

/// Phase Running and condition Ready.
pub fn is_running_and_ready(pod: &Pod) -> bool {
    phase(pod) == "Running" && is_ready(pod)
}

/// Since when condition Ready is True, where the node said so.
pub fn ready_since(pod: &Pod) -> Option<Timestamp> {
    condition(pod, "Ready")
        .filter(|ready| ready.status == "True")?
        .last_transition_time
        .as_ref()
        .map(|time| time.0)
}

/// When a Ready pod is or was available: that many seconds after it turned Ready. None for a pod that is not Ready,
/// and for one that is but does not say since when, if it has to be Ready for some time.
pub fn available_at(pod: &Pod, min_ready_seconds: i32) -> Option<Timestamp> {
    if min_ready_seconds == 0 && is_ready(pod) {
        return Some(ready_since(pod).unwrap_or(Timestamp::MIN));
    }
    ready_since(pod)?
        .checked_add(SignedDuration::from_secs(min_ready_seconds.into()))
        .ok()
}

/// Ready for at least that many seconds; exactly that many suffice. The phase is not looked at.
pub fn is_available(pod: &Pod, min_ready_seconds: i32, now: Timestamp) -> bool {
    match min_ready_seconds {
        0 => is_ready(pod),
        _ => available_at(pod, min_ready_seconds).is_some_and(|at| at <= now),
    }
}

/// The name of the revision it was made from; empty if its label is missing.
pub fn revision_of(pod: &Pod) -> &str {
    pod.metadata
        .labels
        .as_ref()
        .and_then(|labels| labels.get(REVISION_LABEL))
        .map_or("", String::as_str)
}

/// The UID of the controller that owns an object.
pub fn owner_uid<K: kube::Resource>(object: &K) -> Option<&str> {
    let owners = object.meta().owner_references.as_ref()?;
    owners
        .iter()
        .find(|owner| owner.controller == Some(true))
        .map(|owner| owner.uid.as_str())
}
