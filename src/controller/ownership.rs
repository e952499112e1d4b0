//! Whose pods and revisions: what to do with each that could be the set's, decided without touching anything.

use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::core::{Selector, SelectorExt};
use serde_json::{Value, json};

use super::set::{Set, controller_of};
use crate::sets::{is_terminating, ordinal_of};

/// What to do with a pod that could be the set's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claiming {
    /// It is the set's.
    Keep,
    /// It becomes the set's.
    Adopt,
    /// It is the set's no longer.
    Release,
    /// It is none of the set's business.
    Ignore,
}

/// Whether the labels satisfy the selector.
pub fn selects(selector: &Selector, meta: &ObjectMeta) -> bool {
    match &meta.labels {
        Some(labels) => selector.matches(labels),
        None => selector.matches(&Default::default()),
    }
}

/// Decides on one pod of the set's namespace. A pod is the set's by its labels and its name together.
pub fn claiming(set: &Set, selector: &Selector, pod: &Pod) -> Claiming {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let matches = || ordinal_of(set.name(), name).is_some() && selects(selector, &pod.metadata);
    match controller_of(&pod.metadata) {
        Some(owner) if owner.uid != set.uid() => Claiming::Ignore,
        Some(_) if matches() => Claiming::Keep,
        Some(_) if set.is_deleting() => Claiming::Ignore,
        Some(_) => Claiming::Release,
        None if is_terminating(pod) || set.is_deleting() || !matches() => Claiming::Ignore,
        None => Claiming::Adopt,
    }
}

/// The strategic merge patch that makes an object the set's, if it is still the one meant.
pub fn adoption(set: &Set, object: &ObjectMeta) -> Value {
    json!({"metadata": {"uid": object.uid, "ownerReferences": [set.owner_reference()]}})
}

/// The strategic merge patch that gives a pod up.
pub fn release(set: &Set, object: &ObjectMeta) -> Value {
    let reference = json!({"$patch": "delete", "uid": set.uid()});
    json!({"metadata": {"uid": object.uid, "ownerReferences": [reference]}})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::set::tests::set;

    /// A pod of that name and `app` label; owner `ours`, `other` or none; terminating or not.
    fn pod(name: &str, app: &str, owner: &str, terminating: bool) -> Pod {
        let mut meta = json!({"name": name, "uid": "pod-uid", "labels": {"app": app}});
        if !owner.is_empty() {
            let uid = if owner == "ours" { "set-uid" } else { owner };
            meta["ownerReferences"] = json!([
                {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": uid, "controller": true}
            ]);
        }
        if terminating {
            meta["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        }
        serde_json::from_value(json!({"metadata": meta})).expect("a pod")
    }

    #[test]
    fn a_pod_is_kept_adopted_released_or_left_alone() {
        use Claiming::{Adopt, Ignore, Keep, Release};
        // name, label, owner, terminating: for a live set, for one that is being deleted
        let cases = [
            ("web-0", "web", "ours", false, Keep, Keep),
            ("web-0", "web", "ours", true, Keep, Keep),
            ("web-0", "else", "ours", false, Release, Ignore),
            ("web-x", "web", "ours", false, Release, Ignore),
            ("web-99999999999", "web", "ours", false, Keep, Keep),
            ("web-00", "web", "ours", false, Keep, Keep),
            ("web-0", "web", "other", false, Ignore, Ignore),
            ("web-0", "else", "", false, Ignore, Ignore),
            ("web-0", "web", "", true, Ignore, Ignore),
            ("web-0", "web", "", false, Adopt, Ignore),
            ("other-0", "web", "", false, Ignore, Ignore),
            ("web-00", "web", "", false, Adopt, Ignore),
        ];
        let live = set(json!({}));
        let mut deleting = live.clone();
        deleting.meta.deletion_timestamp = Some(
            k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(jiff::Timestamp::UNIX_EPOCH),
        );
        let selector = live.selector().expect("a selector");
        for (name, app, owner, terminating, for_live, for_deleting) in cases {
            let pod = pod(name, app, owner, terminating);
            let what = format!("{name} {app} {owner} {terminating}");
            assert_eq!(claiming(&live, &selector, &pod), for_live, "{what}");
            assert_eq!(
                claiming(&deleting, &selector, &pod),
                for_deleting,
                "{what}, deleting"
            );
        }
    }

    #[test]
    fn patches_name_the_pod_and_the_set_by_uid() {
        let set = set(json!({}));
        let pod = pod("web-0", "web", "", false);
        assert_eq!(
            adoption(&set, &pod.metadata),
            json!({"metadata": {"uid": "pod-uid", "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": "set-uid",
                "controller": true, "blockOwnerDeletion": true,
            }]}})
        );
        assert_eq!(
            release(&set, &pod.metadata),
            json!({"metadata": {"uid": "pod-uid", "ownerReferences": [{"$patch": "delete", "uid": "set-uid"}]}})
        );
    }
}
