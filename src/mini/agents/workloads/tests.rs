use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::Pod,
};
use kube::ResourceExt;
use serde_json::{Value, json};

use super::{
    deployments::{self, Action},
    replica_sets,
};
use crate::mini::agents::testing::{object, over, pod, ready};

fn now() -> Timestamp {
    "2026-01-01T00:00:10Z".parse().expect("a time")
}

fn replica_set(patch: &Value) -> ReplicaSet {
    let base = json!({
        "metadata": {"name": "web-1", "namespace": "default", "uid": "set"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": []}},
        },
    });
    object(over(base, patch))
}

fn owner(uid: &str) -> Value {
    json!({"metadata": {"ownerReferences": [
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "uid": uid, "controller": true},
    ]}})
}

fn pods(all: &[Value]) -> Vec<Arc<Pod>> {
    all.iter()
        .cloned()
        .map(|pod| Arc::new(object(pod)))
        .collect()
}

#[test]
fn a_replica_set_takes_what_it_selects_and_makes_what_is_missing() {
    let mine = over(pod("a", &owner("set")), &ready("n1", "10.0.0.1"));
    let deleted = over(
        mine.clone(),
        &json!({"metadata": {"name": "d", "deletionTimestamp": "2026-01-01T00:00:00Z"}}),
    );
    let failed = over(
        mine.clone(),
        &json!({"metadata": {"name": "f"}, "status": {"phase": "Failed"}}),
    );
    let renamed = over(
        mine.clone(),
        &json!({"metadata": {"name": "r", "labels": {"app": "db"}}}),
    );
    let cases = [
        ("nothing", vec![], (0, 0, 2, 0)),
        ("one", vec![mine.clone()], (0, 0, 1, 0)),
        (
            "an orphan",
            vec![mine.clone(), pod("o", &json!({}))],
            (1, 0, 0, 0),
        ),
        (
            "somebody else's",
            vec![mine.clone(), pod("o", &owner("other"))],
            (0, 0, 1, 0),
        ),
        ("going and gone", vec![deleted, failed], (0, 0, 2, 0)),
        ("no longer selected", vec![renamed], (0, 1, 2, 0)),
        (
            "one too many",
            vec![mine, pod("b", &owner("set")), pod("c", &owner("set"))],
            (0, 0, 0, 1),
        ),
    ];
    for (case, all, expected) in cases {
        let plan = replica_sets::plan(&replica_set(&json!({})), &pods(&all), now());
        let counts = (
            plan.adopt.len(),
            plan.release.len(),
            plan.create,
            plan.delete.len(),
        );
        assert_eq!(counts, expected, "{case}");
    }
}

#[test]
fn the_pod_that_is_missed_least_goes_first() {
    let running = |name: &str, patch: Value| {
        over(
            over(pod(name, &owner("set")), &ready("n1", "10.0.0.1")),
            &patch,
        )
    };
    let all = pods(&[
        running(
            "old",
            json!({"metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"}}),
        ),
        running(
            "young",
            json!({"metadata": {"creationTimestamp": "2026-01-01T00:00:09Z"}}),
        ),
        running(
            "cheap",
            json!({"metadata": {"annotations": {"controller.kubernetes.io/pod-deletion-cost": "-1"}}}),
        ),
        running("unready", json!({"status": {"conditions": null}})),
        pod("placeless", &owner("set")),
    ]);
    let plan = replica_sets::plan(&replica_set(&json!({"spec": {"replicas": 0}})), &all, now());
    let names: Vec<_> = plan.delete.iter().map(|pod| pod.name_any()).collect();
    assert_eq!(names, ["placeless", "unready", "cheap", "young", "old"]);
}

#[test]
fn availability_needs_time_and_is_looked_at_again_when_it_has_passed() {
    let set = replica_set(&json!({"spec": {"minReadySeconds": 30}}));
    let all = pods(&[over(pod("a", &owner("set")), &ready("n1", "10.0.0.1"))]);
    let plan = replica_sets::plan(&set, &all, now());
    assert_eq!(
        (plan.status.ready_replicas, plan.status.available_replicas),
        (Some(1), None)
    );
    assert_eq!(
        plan.again.map(|at| at.to_string()).as_deref(),
        Some("2026-01-01T00:00:30Z")
    );
    let later = plan.again.expect("a time");
    assert_eq!(
        replica_sets::plan(&set, &all, later)
            .status
            .available_replicas,
        Some(1)
    );
}

fn deployment(patch: &Value) -> Deployment {
    let base = json!({
        "metadata": {"name": "web", "namespace": "default", "uid": "d", "generation": 1},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": "a"}]}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "revisionHistoryLimit": 1,
            "progressDeadlineSeconds": 600,
        },
    });
    object(over(base, patch))
}

/// A set of the Deployment with an image, a size, and how many of its pods are available.
fn set_of(name: &str, image: &str, size: i32, available: i32) -> ReplicaSet {
    object(json!({
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": name,
            "annotations": {"deployment.kubernetes.io/revision": name.trim_start_matches("web-")},
        },
        "spec": {
            "replicas": size,
            "selector": {"matchLabels": {"app": "web", "pod-template-hash": name}},
            "template": {
                "metadata": {"labels": {"app": "web", "pod-template-hash": name}},
                "spec": {"containers": [{"name": "main", "image": image}]},
            },
        },
        "status": {"replicas": size, "readyReplicas": available, "availableReplicas": available},
    }))
}

fn sizes(plan: &deployments::Plan) -> Vec<String> {
    let text = |action: &Action| match action {
        Action::Create(set) => format!("create {}", set.spec.replicas.unwrap_or(0)),
        Action::Update {
            set,
            scaled: Some((from, to)),
        } => format!("{} {from} to {to}", set.name_any()),
        Action::Update { set, scaled: None } => format!("{} annotated", set.name_any()),
        Action::Delete(set) => format!("{} deleted", set.name_any()),
    };
    plan.actions.iter().map(text).collect()
}

#[test]
fn a_rollout_grows_then_shrinks_within_its_bounds() {
    let none = json!({});
    let loose =
        json!({"spec": {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "50%"}}}});
    let recreate = json!({"spec": {"strategy": {"type": "Recreate", "rollingUpdate": null}}});
    let cases = [
        ("first", &none, vec![], vec!["create 3"]),
        (
            "new template",
            &none,
            vec![("web-1", "old", 3, 3)],
            vec!["create 1"],
        ),
        (
            "waits for the new pod",
            &none,
            vec![("web-1", "old", 3, 3), ("web-2", "a", 1, 0)],
            vec![],
        ),
        (
            "one for one",
            &none,
            vec![("web-1", "old", 3, 3), ("web-2", "a", 1, 1)],
            vec!["web-1 3 to 2"],
        ),
        (
            "grows on",
            &none,
            vec![("web-1", "old", 2, 2), ("web-2", "a", 1, 1)],
            vec!["web-2 1 to 2"],
        ),
        (
            "broken old pods first",
            &none,
            vec![("web-1", "old", 3, 2), ("web-2", "a", 1, 1)],
            vec!["web-1 3 to 2"],
        ),
        (
            "no surge",
            &loose,
            vec![("web-1", "old", 3, 3), ("web-2", "a", 0, 0)],
            vec!["web-1 3 to 2"],
        ),
        (
            "scaled down",
            &none,
            vec![("web-2", "a", 5, 5)],
            vec!["web-2 5 to 3"],
        ),
        (
            "recreate",
            &recreate,
            vec![("web-1", "old", 3, 3)],
            vec!["web-1 3 to 0"],
        ),
        (
            "recreated",
            &recreate,
            vec![("web-1", "old", 0, 0)],
            vec!["create 3"],
        ),
        (
            "done",
            &none,
            vec![("web-1", "old", 0, 0), ("web-2", "a", 3, 3)],
            vec![],
        ),
        (
            "history",
            &none,
            vec![
                ("web-0", "older", 0, 0),
                ("web-1", "old", 0, 0),
                ("web-2", "a", 3, 3),
            ],
            vec!["web-0 deleted"],
        ),
    ];
    for (case, patch, sets, expected) in cases {
        let sets: Vec<_> = sets
            .into_iter()
            .map(|(name, image, size, available)| set_of(name, image, size, available))
            .collect();
        let plan = deployments::plan(&deployment(patch), &sets, &[], now());
        assert_eq!(sizes(&plan), expected, "{case}");
    }
}

#[test]
fn an_old_template_comes_back_under_a_new_revision() {
    let sets = [set_of("web-1", "a", 0, 0), set_of("web-2", "bad", 3, 1)];
    let plan = deployments::plan(&deployment(&json!({})), &sets, &[], now());
    let Some(Action::Update {
        set,
        scaled: Some((0, 1)),
    }) = plan.actions.first()
    else {
        panic!("the old set grows");
    };
    let annotation = |name: &str| {
        set.annotations()
            .get(&format!("deployment.kubernetes.io/{name}"))
            .cloned()
    };
    assert_eq!(annotation("revision").as_deref(), Some("3"));
    assert_eq!(annotation("revision-history").as_deref(), Some("1"));
    assert_eq!(annotation("desired-replicas").as_deref(), Some("3"));
    assert_eq!(annotation("max-replicas").as_deref(), Some("4"));
    assert_eq!(plan.revision.as_deref(), Some("3"));
}

#[test]
fn a_new_set_is_named_by_its_template() {
    let plan = deployments::plan(&deployment(&json!({})), &[], &[], now());
    let [Action::Create(set)] = plan.actions.as_slice() else {
        panic!("a set is made");
    };
    let hash = set.labels()["pod-template-hash"].clone();
    assert_eq!(set.name_any(), format!("web-{hash}"));
    let selector = set.spec.selector.match_labels.clone().expect("labels");
    assert_eq!(selector["pod-template-hash"], hash);
    assert_eq!(plan.revision.as_deref(), Some("1"));
    let again = deployments::plan(
        &deployment(&json!({"status": {"collisionCount": 1}})),
        &[],
        &[],
        now(),
    );
    let [Action::Create(other)] = again.actions.as_slice() else {
        panic!("a set is made");
    };
    assert_ne!(other.name_any(), set.name_any());
}

fn condition(plan: &deployments::Plan, kind: &str) -> (String, String) {
    let conditions = plan.status.conditions.clone().unwrap_or_default();
    let found = conditions
        .into_iter()
        .find(|known| known.type_.as_deref() == Some(kind));
    let found = found.expect("the condition");
    (
        found.status.unwrap_or_default(),
        found.message.unwrap_or_default(),
    )
}

#[test]
fn conditions_tell_how_far_a_rollout_is() {
    let plan = |patch: &Value, size, available| {
        deployments::plan(
            &deployment(patch),
            &[set_of("web-1", "a", size, available)],
            &[],
            now(),
        )
    };
    let none = json!({});
    let fresh = deployments::plan(&deployment(&none), &[], &[], now());
    assert!(
        condition(&fresh, "Progressing")
            .1
            .starts_with("Created new replica set \"web-")
    );
    assert_eq!(condition(&fresh, "Available").0, "False");
    let done = plan(&none, 3, 3);
    assert_eq!(
        condition(&done, "Available"),
        (
            "True".to_owned(),
            "Deployment has minimum availability.".to_owned()
        )
    );
    assert_eq!(
        condition(&done, "Progressing"),
        (
            "True".to_owned(),
            "ReplicaSet \"web-1\" has successfully progressed.".to_owned()
        )
    );
    let since = |seconds: i32| {
        json!({"status": {"replicas": 3, "updatedReplicas": 3, "conditions": [{
            "type": "Progressing",
            "status": "True",
            "reason": "ReplicaSetUpdated",
            "lastUpdateTime": format!("2025-12-31T23:{:02}:{:02}Z", 59 - seconds / 60, 59 - seconds % 60),
            "lastTransitionTime": "2025-12-31T23:00:00Z",
        }]}})
    };
    let stuck = plan(&since(60), 3, 0);
    assert_eq!(condition(&stuck, "Progressing").0, "True");
    assert!(stuck.again.is_some());
    let late = plan(&since(900), 3, 0);
    assert_eq!(
        condition(&late, "Progressing"),
        (
            "False".to_owned(),
            "ReplicaSet \"web-1\" has timed out progressing.".to_owned()
        )
    );
    let paused = plan(&json!({"spec": {"paused": true}}), 3, 3);
    assert_eq!(condition(&paused, "Progressing").1, "Deployment is paused");
}
