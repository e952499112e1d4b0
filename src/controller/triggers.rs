//! Which sets a change queues. Services, nodes, quotas and revisions queue none.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};

use super::{
    cache::Change,
    claim,
    ownership::selects,
    set::{Key, Set, controller_of},
};
use crate::sets::{is_ready, is_terminating};

/// A set to look at, after a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wake {
    /// Which one.
    pub key: Key,
    /// When: at once if zero.
    pub after: Duration,
}

impl Wake {
    fn now(set: &Set) -> Self {
        Self {
            key: set.key(),
            after: Duration::ZERO,
        }
    }
}

/// The sets that a pod's change concerns; `sets` are those of its namespace.
pub fn of_pod(change: &Change<Pod>, sets: &[Arc<Set>]) -> Vec<Wake> {
    match (&change.old, &change.new) {
        (None, Some(new)) if !is_terminating(new) => added(new, sets),
        (Some(old), Some(new)) => updated(old, new, sets),
        (_, Some(gone)) | (Some(gone), None) => {
            owner(gone, sets).map(Wake::now).into_iter().collect()
        }
        (None, None) => Vec::new(),
    }
}

fn added(pod: &Pod, sets: &[Arc<Set>]) -> Vec<Wake> {
    match controller_of(&pod.metadata) {
        Some(_) => owner(pod, sets).map(Wake::now).into_iter().collect(),
        None => candidates(pod, sets),
    }
}

fn updated(old: &Pod, new: &Pod, sets: &[Arc<Set>]) -> Vec<Wake> {
    if old.metadata.resource_version == new.metadata.resource_version {
        return Vec::new();
    }
    let (before, after) = (controller_of(&old.metadata), controller_of(&new.metadata));
    let mut wakes = Vec::new();
    if before != after {
        wakes.extend(owner(old, sets).map(Wake::now));
    }
    if after.is_none() {
        if before.is_some() || old.metadata.labels != new.metadata.labels {
            wakes.extend(candidates(new, sets));
        }
        return wakes;
    }
    let Some(set) = owner(new, sets) else {
        return wakes;
    };
    wakes.push(Wake::now(set));
    let min_ready_seconds = u64::try_from(set.min_ready_seconds()).unwrap_or_default();
    if min_ready_seconds > 0 && !is_ready(old) && is_ready(new) {
        wakes.push(Wake {
            key: set.key(),
            after: Duration::from_secs(min_ready_seconds),
        });
    }
    wakes
}

/// The set that controls the pod, if kind, name and UID agree.
fn owner<'a>(pod: &Pod, sets: &'a [Arc<Set>]) -> Option<&'a Set> {
    let reference = controller_of(&pod.metadata)?;
    let set = sets.iter().find(|set| set.name() == reference.name)?;
    (set.uid() == reference.uid && set.kind == reference.kind).then_some(set)
}

/// The sets that could adopt the pod.
fn candidates(pod: &Pod, sets: &[Arc<Set>]) -> Vec<Wake> {
    let could = |set: &&Arc<Set>| {
        set.selector()
            .is_ok_and(|selector| selects(&selector, &pod.metadata))
    };
    sets.iter()
        .filter(could)
        .map(|set| Wake::now(set))
        .collect()
}

/// The sets that wait for a claim to go, or for an owner of it to go: an ordinal must not stay missing because nothing
/// else happens. The built-in controller looks at claims only when something else happens.
pub fn of_claim(change: &Change<PersistentVolumeClaim>, sets: &[Arc<Set>]) -> Vec<Wake> {
    let Some(old) = &change.old else {
        return Vec::new();
    };
    let owners = |claim: &PersistentVolumeClaim| {
        let owners = claim.metadata.owner_references.as_ref();
        owners.map_or(0, Vec::len)
    };
    let is_less = change
        .new
        .as_ref()
        .is_none_or(|new| new.metadata.uid != old.metadata.uid || owners(new) < owners(old));
    if !is_less {
        return Vec::new();
    }
    let name = old.metadata.name.as_deref().unwrap_or_default();
    let waits = |set: &&Arc<Set>| claim::is_of_range(set, name);
    sets.iter()
        .filter(waits)
        .map(|set| Wake::now(set))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::controller::set::tests::set;

    fn sets(min_ready_seconds: i32) -> Vec<Arc<Set>> {
        let web = set(
            json!({"minReadySeconds": min_ready_seconds, "volumeClaimTemplates": [{"metadata": {"name": "www"}}]}),
        );
        let mut twin = web.clone();
        twin.meta.name = Some("twin".to_owned());
        twin.meta.uid = Some("twin-uid".to_owned());
        vec![Arc::new(twin), Arc::new(web)]
    }

    fn pod(version: u32, owner: Option<&str>, ready: bool, more: &Value) -> Arc<Pod> {
        let mut pod = json!({
            "metadata": {"name": "web-0", "resourceVersion": version.to_string(), "labels": {"app": "web"}},
            "status": {"conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }}]},
        });
        if let Some(uid) = owner {
            let name = uid.trim_end_matches("-uid").replace("set", "web");
            pod["metadata"]["ownerReferences"] = json!([
                {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": name, "uid": uid, "controller": true}
            ]);
        }
        json_patch::merge(&mut pod, more);
        Arc::new(serde_json::from_value(pod).expect("a pod"))
    }

    fn wakes(
        old: Option<Arc<Pod>>,
        new: Option<Arc<Pod>>,
        min_ready_seconds: i32,
    ) -> Vec<(String, u64)> {
        let wakes = of_pod(&Change { old, new }, &sets(min_ready_seconds));
        let pairs = wakes.into_iter();
        pairs
            .map(|wake| (wake.key.name, wake.after.as_secs()))
            .collect()
    }

    #[test]
    fn a_pod_wakes_its_set_and_an_orphan_all_that_could_adopt_it() {
        let owned = |version| Some(pod(version, Some("set-uid"), false, &json!({})));
        let orphan = |version| Some(pod(version, None, false, &json!({})));
        let web = vec![("web".to_owned(), 0)];
        let both = vec![("twin".to_owned(), 0), ("web".to_owned(), 0)];
        assert_eq!(wakes(None, owned(1), 0), web, "added");
        assert_eq!(wakes(None, orphan(1), 0), both, "added without owner");
        assert_eq!(wakes(owned(1), owned(1), 0), [], "the same version again");
        assert_eq!(wakes(owned(1), owned(2), 0), web, "updated");
        assert_eq!(
            wakes(orphan(1), orphan(2), 0),
            [],
            "an orphan's other fields"
        );
        let relabelled = Some(pod(
            2,
            None,
            false,
            &json!({"metadata": {"labels": {"more": "x"}}}),
        ));
        assert_eq!(wakes(orphan(1), relabelled, 0), both, "an orphan's labels");
        let lost = vec![
            ("web".to_owned(), 0),
            ("twin".to_owned(), 0),
            ("web".to_owned(), 0),
        ];
        assert_eq!(wakes(owned(1), orphan(2), 0), lost, "lost its owner");
        assert_eq!(wakes(owned(1), None, 0), web, "deleted");
        let stranger = Some(pod(1, Some("gone-uid"), false, &json!({})));
        assert_eq!(wakes(None, stranger, 0), [], "of an unknown owner");
        let terminating = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
        assert_eq!(
            wakes(None, Some(pod(1, None, false, &terminating)), 0),
            [],
            "a terminating orphan"
        );
    }

    #[test]
    fn a_pod_that_turned_ready_wakes_its_set_when_it_can_be_available() {
        let at = |ready, version| Some(pod(version, Some("set-uid"), ready, &json!({})));
        let twice = vec![("web".to_owned(), 0), ("web".to_owned(), 30)];
        assert_eq!(wakes(at(false, 1), at(true, 2), 30), twice);
        assert_eq!(wakes(at(false, 1), at(true, 2), 0), twice[..1]);
        assert_eq!(wakes(at(true, 1), at(true, 2), 30), twice[..1]);
    }

    #[test]
    fn a_claim_that_goes_or_loses_an_owner_wakes_the_set_that_wants_it() {
        let claim = |name: &str, owners: usize| {
            let owner = json!({"apiVersion": "v1", "kind": "Pod", "name": "web-0", "uid": "u"});
            let claim = json!({"metadata": {"name": name, "ownerReferences": vec![owner; owners]}});
            Some(Arc::new(serde_json::from_value(claim).expect("a claim")))
        };
        let woken = |old, new| of_claim(&Change { old, new }, &sets(0)).len();
        assert_eq!(woken(claim("www-web-0", 0), None), 1);
        assert_eq!(woken(claim("www-web-0", 1), claim("www-web-0", 0)), 1);
        assert_eq!(woken(claim("www-web-0", 0), claim("www-web-0", 1)), 0);
        assert_eq!(woken(None, claim("www-web-0", 0)), 0);
        assert_eq!(woken(claim("www-web-3", 0), None), 0, "out of range");
        assert_eq!(woken(claim("www-web-x", 0), None), 0);
        assert_eq!(woken(claim("data-web-0", 0), None), 0);
    }
}
