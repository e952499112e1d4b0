use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    fit::{Decision, Snapshot, decide},
    volumes::Want,
};
use crate::mini::agents::{
    Key,
    testing::{node, object, pod},
};

fn snapshot(nodes: &[Value], placed: &[(&str, Value)]) -> Snapshot {
    Snapshot {
        nodes: nodes
            .iter()
            .cloned()
            .map(|node| Arc::new(object(node)))
            .collect(),
        placed: placed
            .iter()
            .map(|(node, pod)| ((*node).to_owned(), Arc::new(object(pod.clone()))))
            .collect(),
        ..Snapshot::default()
    }
}

const HOPELESS: &str =
    "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";
const NO_VICTIMS: &str =
    "preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.";

#[test]
fn a_pod_that_fits_nowhere_is_told_why_in_the_real_schedulers_words() {
    let other = pod(
        "other",
        &json!({
            "spec": {"containers": [{
                "name": "main",
                "resources": {"requests": {"cpu": "3500m"}},
                "ports": [{"containerPort": 80, "hostPort": 80}],
            }]},
        }),
    );
    let anti = |labels: Value| {
        json!({"affinity": {"podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": labels}},
            ],
        }}})
    };
    let asks = |requests: Value| json!({"containers": [{"name": "main", "resources": {"requests": requests}}]});
    let cases = [
        (
            "cordoned",
            json!({"spec": {"unschedulable": true}}),
            json!({}),
            format!("1 node(s) were unschedulable. {HOPELESS}"),
        ),
        (
            "tainted",
            json!({"spec": {"taints": [{"key": "a", "value": "b", "effect": "NoSchedule"}]}}),
            json!({}),
            format!("1 node(s) had untolerated taint(s). {HOPELESS}"),
        ),
        (
            "selector",
            json!({}),
            json!({"nodeSelector": {"disk": "ssd"}}),
            format!("1 node(s) didn't match Pod's node affinity/selector. {HOPELESS}"),
        ),
        (
            "affinity",
            json!({}),
            json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "NotIn", "values": ["n1"]}]}],
            }}}}),
            format!("1 node(s) didn't match Pod's node affinity/selector. {HOPELESS}"),
        ),
        (
            "room that others take",
            json!({}),
            asks(json!({"cpu": "1"})),
            format!("1 Insufficient cpu. {NO_VICTIMS}"),
        ),
        (
            "room that never was",
            json!({}),
            asks(json!({"cpu": "5", "memory": "9Gi"})),
            format!("1 Insufficient cpu, 1 Insufficient memory. {HOPELESS}"),
        ),
        (
            "full",
            json!({"status": {"allocatable": {"pods": "1"}}}),
            json!({}),
            format!("1 Too many pods. {NO_VICTIMS}"),
        ),
        (
            "port",
            json!({}),
            json!({"containers": [{"name": "main", "ports": [{"containerPort": 1, "hostPort": 80}]}]}),
            format!("1 node(s) didn't have free ports for the requested pod ports. {NO_VICTIMS}"),
        ),
        (
            "anti-affinity",
            json!({}),
            anti(json!({"app": "web"})),
            format!("1 node(s) didn't match pod anti-affinity rules. {NO_VICTIMS}"),
        ),
        (
            "spread",
            json!({}),
            json!({"topologySpreadConstraints": [{
                "maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
            }]}),
            format!(
                "1 node(s) didn't match pod topology spread constraints (missing required label). {HOPELESS}"
            ),
        ),
        (
            "claim",
            json!({}),
            json!({"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data-web-0"}}]}),
            format!("persistentvolumeclaim \"data-web-0\" not found. {HOPELESS}"),
        ),
    ];
    for (case, of_node, spec, expected) in cases {
        let snapshot = snapshot(&[node("n1", &of_node)], &[("n1", other.clone())]);
        let new = object(pod("web-0", &json!({"spec": spec})));
        let expected = Decision::Nowhere(format!("0/1 nodes are available: {expected}"));
        assert_eq!(decide(&new, &snapshot), expected, "{case}");
    }
}

#[test]
fn reasons_of_several_nodes_are_counted_and_sorted() {
    let snapshot = snapshot(
        &[
            node("n1", &json!({"spec": {"unschedulable": true}})),
            node(
                "n2",
                &json!({"spec": {"taints": [{"key": "a", "effect": "NoExecute"}]}}),
            ),
            node("n3", &json!({"spec": {"unschedulable": true}})),
        ],
        &[],
    );
    let expected = "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) were unschedulable. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.";
    assert_eq!(
        decide(&object(pod("web-0", &json!({}))), &snapshot),
        Decision::Nowhere(expected.to_owned())
    );
    let tolerant = json!({"spec": {"tolerations": [{"key": "a", "operator": "Exists"}]}});
    assert_eq!(
        decide(&object(pod("web-0", &tolerant)), &snapshot),
        Decision::Node("n2".to_owned())
    );
}

#[test]
fn a_gated_and_a_deleted_pod_are_left_alone_and_no_node_is_no_place() {
    let one = snapshot(&[node("n1", &json!({}))], &[]);
    let gated = pod(
        "a",
        &json!({"spec": {"schedulingGates": [{"name": "wait"}]}}),
    );
    assert_eq!(decide(&object(gated), &one), Decision::Gated);
    let deleted = pod(
        "a",
        &json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}),
    );
    assert_eq!(decide(&object(deleted), &one), Decision::Leave);
    assert_eq!(
        decide(&object(pod("a", &json!({}))), &Snapshot::default()),
        Decision::Nowhere("no nodes available to schedule pods".to_owned())
    );
}

#[test]
fn pods_of_one_owner_spread_over_the_nodes() {
    let owned = json!({"metadata": {"ownerReferences": [
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u", "controller": true},
    ]}});
    let nodes = [
        node("n1", &json!({})),
        node("n2", &json!({})),
        node("n3", &json!({})),
    ];
    let mut placed = vec![("n1", pod("stranger", &json!({})))];
    for expected in ["n2", "n3", "n1", "n2"] {
        let name = format!("web-{}", placed.len());
        let new = pod(&name, &owned);
        let decision = decide(&object(new.clone()), &snapshot(&nodes, &placed));
        assert_eq!(decision, Decision::Node(expected.to_owned()));
        placed.push((expected, new));
    }
}

#[test]
fn hard_rules_among_pods_choose_the_node() {
    let near = |kind: &str| {
        json!({"spec": {"affinity": {kind: {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "db"}}},
            ],
        }}}})
    };
    let nodes = [node("n1", &json!({})), node("n2", &json!({}))];
    let database = pod("db-0", &json!({"metadata": {"labels": {"app": "db"}}}));
    let there = snapshot(&nodes, &[("n2", database)]);
    let near_to =
        |kind: &str, snapshot: &Snapshot| decide(&object(pod("web-0", &near(kind))), snapshot);
    assert_eq!(
        near_to("podAffinity", &there),
        Decision::Node("n2".to_owned())
    );
    assert_eq!(
        near_to("podAntiAffinity", &there),
        Decision::Node("n1".to_owned())
    );
    let nobody = snapshot(&nodes, &[]);
    let nowhere = near_to("podAffinity", &nobody);
    assert!(
        matches!(nowhere, Decision::Nowhere(text) if text.contains("2 node(s) didn't match pod affinity rules"))
    );
}

fn class(mode: &str) -> Value {
    json!({
        "metadata": {"name": "standard"},
        "provisioner": "volumes.stsspec.dev",
        "volumeBindingMode": mode,
    })
}

fn claim(patch: &Value) -> Value {
    let base = json!({
        "metadata": {"name": "data", "namespace": "default", "uid": "claim"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "standard",
            "resources": {"requests": {"storage": "1Gi"}},
        },
        "status": {"phase": "Pending"},
    });
    crate::mini::agents::testing::over(base, patch)
}

fn volume(patch: &Value) -> Value {
    let base = json!({
        "metadata": {"name": "disk"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "standard",
            "capacity": {"storage": "2Gi"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["n2"]}]},
            ]}},
        },
        "status": {"phase": "Available"},
    });
    crate::mini::agents::testing::over(base, patch)
}

#[test]
fn a_pod_with_a_claim_goes_where_its_volume_is_or_will_be() {
    let bound = json!({
        "metadata": {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}},
        "spec": {"volumeName": "disk"},
        "status": {"phase": "Bound"},
    });
    let selected =
        json!({"metadata": {"annotations": {"volume.kubernetes.io/selected-node": "n1"}}});
    let immediate = "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";
    let deleted = "0/2 nodes are available: persistentvolumeclaim \"data\" is being deleted. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";
    let name = || "data".to_owned();
    let cases = [
        (
            "bound",
            "Immediate",
            bound.clone(),
            Some(json!({})),
            Decision::Node("n2".to_owned()),
        ),
        (
            "immediate",
            "Immediate",
            json!({}),
            None,
            Decision::Nowhere(immediate.to_owned()),
        ),
        (
            "new",
            "WaitForFirstConsumer",
            json!({}),
            None,
            Decision::Claims(vec![Want::Provisioned {
                claim: name(),
                node: "n1".to_owned(),
            }]),
        ),
        (
            "being made",
            "WaitForFirstConsumer",
            selected,
            None,
            Decision::Claims(vec![Want::Coming]),
        ),
        (
            "too small",
            "WaitForFirstConsumer",
            json!({}),
            Some(json!({"spec": {"capacity": {"storage": "1Mi"}}})),
            Decision::Claims(vec![Want::Provisioned {
                claim: name(),
                node: "n1".to_owned(),
            }]),
        ),
        (
            "deleted",
            "Immediate",
            json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}),
            None,
            Decision::Nowhere(deleted.to_owned()),
        ),
    ];
    let uses = json!({"spec": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}});
    for (case, mode, of_claim, of_volume, expected) in cases {
        let mut snapshot = snapshot(&[node("n1", &json!({})), node("n2", &json!({}))], &[]);
        snapshot.classes = vec![Arc::new(object(class(mode)))];
        snapshot.claims = [(
            Key::new("default", "data"),
            Arc::new(object(claim(&of_claim))),
        )]
        .into();
        snapshot.volumes = of_volume
            .iter()
            .map(|patch| Arc::new(object(volume(patch))))
            .collect();
        assert_eq!(
            decide(&object(pod("web-0", &uses)), &snapshot),
            expected,
            "{case}"
        );
    }
}

#[test]
fn a_volume_that_is_there_is_preferred_on_the_node_that_reaches_it() {
    let mut snapshot = snapshot(&[node("n2", &json!({}))], &[]);
    snapshot.classes = vec![Arc::new(object(class("WaitForFirstConsumer")))];
    snapshot.claims = [(
        Key::new("default", "data"),
        Arc::new(object(claim(&json!({})))),
    )]
    .into();
    snapshot.volumes = vec![Arc::new(object(volume(&json!({}))))];
    let uses = json!({"spec": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}});
    let expected = Want::Static {
        claim: "data".to_owned(),
        volume: "disk".to_owned(),
    };
    assert_eq!(
        decide(&object(pod("web-0", &uses)), &snapshot),
        Decision::Claims(vec![expected])
    );
}
