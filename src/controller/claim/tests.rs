use serde_json::{Value, json};

use super::*;
use crate::{controller::set::tests::set, sets};

fn policy(when_deleted: &str, when_scaled: &str) -> Set {
    set(json!({
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": when_deleted, "whenScaled": when_scaled},
        "volumeClaimTemplates": [{"metadata": {"name": "www"}, "spec": {"accessModes": ["ReadWriteOnce"]}}],
    }))
}

fn pod(name: &str, uid: Option<&str>) -> Pod {
    serde_json::from_value(json!({"metadata": {"name": name, "uid": uid}})).expect("a pod")
}

fn claim(owners: &[Value]) -> Arc<PersistentVolumeClaim> {
    let claim = json!({"metadata": {"name": "www-web-0", "ownerReferences": owners}});
    Arc::new(serde_json::from_value(claim).expect("a claim"))
}

fn of(kind: &str, uid: &str, controller: bool) -> Value {
    let version = if kind == "Pod" { "v1" } else { "apps/v1" };
    let name = if kind == "StatefulSet" {
        "web"
    } else {
        "web-0"
    };
    json!({"apiVersion": version, "kind": kind, "name": name, "uid": uid, "controller": controller})
}

#[test]
fn a_claim_is_its_template_with_name_namespace_and_the_selectors_labels() {
    let set = set(json!({
        "selector": {"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "x", "operator": "Exists"}]},
        "volumeClaimTemplates": [{
            "metadata": {"name": "www", "labels": {"app": "other", "tier": "a"}, "annotations": {"n": "1"}},
            "spec": {"accessModes": ["ReadWriteOnce"]},
        }],
    }));
    let claim = build(&set, set.claim_templates()[0], 2, sets::claim_name);
    assert_eq!(
        serde_json::to_value(&claim).expect("a claim"),
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {
                "name": "www-web-2", "namespace": "default",
                "labels": {"app": "web", "tier": "a"}, "annotations": {"n": "1"},
            },
            "spec": {"accessModes": ["ReadWriteOnce"]},
        })
    );
}

/// Ordinal 0 is in range, ordinal 7 is not.
#[test]
fn the_policy_says_who_owns_a_claim() {
    let cases = [
        ("Retain", "Retain", Owner::Nobody, Owner::Nobody),
        ("Delete", "Retain", Owner::Set, Owner::Set),
        ("Retain", "Delete", Owner::Nobody, Owner::Pod),
        ("Delete", "Delete", Owner::Set, Owner::Pod),
    ];
    for (deleted, scaled, inside, outside) in cases {
        let set = policy(deleted, scaled);
        assert_eq!(owner(&set, 0), inside, "{deleted} {scaled}");
        assert_eq!(owner(&set, 7), outside, "{deleted} {scaled}");
    }
}

/// Policy, ordinal, owners before; the UIDs of the owners after, or nothing to do; conflict.
#[test]
fn owners_are_repaired_and_foreign_ones_respected() {
    let ours = of("StatefulSet", "set-uid", true);
    let plain = of("StatefulSet", "set-uid", false);
    let stale = of("StatefulSet", "old-uid", true);
    let pods = of("Pod", "pod-uid", true);
    let foreign = of("Job", "job-uid", true);
    let bystander = of("Job", "job-uid", false);
    type Case<'a> = (
        &'a str,
        &'a str,
        Ordinal,
        Vec<&'a Value>,
        Option<Vec<&'a str>>,
        bool,
    );
    let cases: Vec<Case> = vec![
        ("Retain", "Retain", 0, vec![], None, false),
        ("Delete", "Retain", 0, vec![], Some(vec!["set-uid"]), false),
        ("Delete", "Retain", 0, vec![&ours], None, false),
        (
            "Delete",
            "Retain",
            0,
            vec![&plain],
            Some(vec!["set-uid"]),
            false,
        ),
        ("Retain", "Retain", 0, vec![&ours], Some(vec![]), false),
        (
            "Retain",
            "Delete",
            0,
            vec![&ours, &pods],
            Some(vec![]),
            false,
        ),
        ("Retain", "Delete", 7, vec![], Some(vec!["pod-uid"]), false),
        (
            "Delete",
            "Delete",
            7,
            vec![&ours],
            Some(vec!["pod-uid"]),
            false,
        ),
        (
            "Delete",
            "Delete",
            0,
            vec![&pods],
            Some(vec!["set-uid"]),
            false,
        ),
        (
            "Delete",
            "Retain",
            0,
            vec![&bystander],
            Some(vec!["job-uid", "set-uid"]),
            false,
        ),
        ("Delete", "Retain", 0, vec![&foreign], None, true),
        (
            "Delete",
            "Retain",
            0,
            vec![&foreign, &plain],
            Some(vec!["job-uid"]),
            true,
        ),
        ("Retain", "Retain", 0, vec![&foreign], None, false),
        ("Delete", "Retain", 0, vec![&stale], None, true),
        ("Retain", "Retain", 0, vec![&stale], None, false),
    ];
    for (deleted, scaled, ordinal, before, after, conflict) in cases {
        let what = format!("{deleted} {scaled} {ordinal} {before:?}");
        let before: Vec<_> = before.into_iter().cloned().collect();
        let claim = claim(&before);
        let pod = pod("web-0", Some("pod-uid"));
        let decided = references(&policy(deleted, scaled), &pod, ordinal, [&claim]);
        let owners = decided.updates.first().map(|claim| {
            let references = claim.metadata.owner_references.iter().flatten();
            let uids = references.map(|reference| reference.uid.as_str());
            uids.collect::<Vec<_>>()
        });
        assert_eq!(owners, after, "{what}");
        assert_eq!(!decided.conflicts.is_empty(), conflict, "{what}");
    }
}

#[test]
fn a_claim_that_still_names_the_earlier_pod_is_stale_where_claims_go_with_pods() {
    let leaving = claim(&[of("Pod", "old-uid", true)]);
    let (new, same) = (pod("web-0", None), pod("web-0", Some("old-uid")));
    assert!(is_stale(&policy("Retain", "Delete"), &new, &leaving));
    assert!(!is_stale(&policy("Retain", "Delete"), &same, &leaving));
    assert!(!is_stale(&policy("Retain", "Retain"), &new, &leaving));
    assert!(!is_stale(&policy("Retain", "Delete"), &new, &claim(&[])));
}

#[test]
fn missing_claims_are_needed_and_terminating_ones_block() {
    let set = policy("Retain", "Retain");
    let mut leaving = PersistentVolumeClaim::clone(&claim(&[]));
    leaving.metadata.deletion_timestamp = Some(
        k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(jiff::Timestamp::UNIX_EPOCH),
    );
    let (there, leaving) = (claim(&[]), Arc::new(leaving));
    let needs = |known: Option<&Arc<_>>| {
        let needs = needs(&set, 0, sets::claim_name, |name| {
            known.filter(|_| name == "www-web-0")
        });
        (needs.missing.len(), needs.terminating.len())
    };
    assert_eq!(needs(None), (1, 0));
    assert_eq!(needs(Some(&there)), (0, 0));
    assert_eq!(needs(Some(&leaving)), (0, 1));
}
