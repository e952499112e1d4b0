//! What is to be thought of a node, and what becomes of the pods on it.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::{
        coordination::v1::Lease,
        core::v1::{Node, Pod, Taint, Toleration},
    },
    apimachinery::pkg::apis::meta::v1::Time,
};

/// How long nothing is heard of a node before it counts as lost: 50 s, as since Kubernetes 1.32.
const GRACE_SECONDS: i64 = 50;

const NOT_READY: &str = "node.kubernetes.io/not-ready";
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// The taints that this agent keeps; all others are somebody else's.
const OWN: [(&str, &str); 9] = [
    (NOT_READY, "NoSchedule"),
    (NOT_READY, "NoExecute"),
    (UNREACHABLE, "NoSchedule"),
    (UNREACHABLE, "NoExecute"),
    (UNSCHEDULABLE, "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/network-unavailable", "NoSchedule"),
];

/// The conditions that are unknown of a node that is lost.
pub(super) const KUBELETS: [&str; 4] = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/// What a node's condition is: `True`, `False`, `Unknown`, or empty where it has none.
pub(super) fn condition<'a>(node: &'a Node, kind: &str) -> &'a str {
    let conditions = node
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref());
    let mut conditions = conditions.into_iter().flatten();
    conditions
        .find(|condition| condition.type_ == kind)
        .map_or("", |condition| condition.status.as_str())
}

/// What a Lease says about its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It keeps no Lease, and nobody watches over it.
    Unwatched,
    /// It is well, and will be looked at again then.
    Until(Timestamp),
    /// It is lost.
    Lost,
}

pub(super) fn heard(lease: Option<&Lease>, now: Timestamp) -> Heard {
    let spec = lease.and_then(|lease| lease.spec.as_ref());
    let Some(renewed) = spec.and_then(|spec| spec.renew_time.as_ref()) else {
        return Heard::Unwatched;
    };
    let end = renewed.0 + SignedDuration::from_secs(GRACE_SECONDS);
    if now < end {
        Heard::Until(end)
    } else {
        Heard::Lost
    }
}

/// The taints that a node should have; None if it has them. Where no node of the cluster is well none is cleared: then
/// it is more likely that the cluster is cut off than that all of them are lost.
pub(super) fn taints(node: &Node, any_well: bool, now: Timestamp) -> Option<Vec<Taint>> {
    let spec = node.spec.as_ref();
    let mut wanted: Vec<(&str, &str)> = Vec::new();
    let lost = match condition(node, "Ready") {
        "False" => Some(NOT_READY),
        "Unknown" => Some(UNREACHABLE),
        _ => None,
    };
    if let Some(key) = lost {
        wanted.push((key, "NoSchedule"));
        if any_well {
            wanted.push((key, "NoExecute"));
        }
    }
    if spec.and_then(|spec| spec.unschedulable) == Some(true) {
        wanted.push((UNSCHEDULABLE, "NoSchedule"));
    }
    let troubles = [
        "MemoryPressure",
        "DiskPressure",
        "PIDPressure",
        "NetworkUnavailable",
    ];
    let keys = OWN[5..].iter();
    for (trouble, own) in troubles.into_iter().zip(keys) {
        if condition(node, trouble) == "True" {
            wanted.push(*own);
        }
    }
    let known = spec
        .and_then(|spec| spec.taints.clone())
        .unwrap_or_default();
    let is =
        |taint: &Taint, (key, effect): (&str, &str)| taint.key == key && taint.effect == effect;
    let mut taints: Vec<Taint> = known
        .iter()
        .filter(|taint| {
            let own = OWN.into_iter().any(|own| is(taint, own));
            !own || wanted.iter().any(|wanted| is(taint, *wanted))
        })
        .cloned()
        .collect();
    for wanted in wanted {
        if !taints.iter().any(|taint| is(taint, wanted)) {
            taints.push(Taint {
                key: wanted.0.to_owned(),
                effect: wanted.1.to_owned(),
                time_added: Some(Time(Timestamp::from_second(now.as_second()).unwrap_or(now))),
                value: None,
            });
        }
    }
    (taints != known).then_some(taints)
}

/// When a pod has to leave its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// It may stay.
    Never,
    /// Then, unless its node is well again before.
    At(Timestamp),
    /// Now.
    Now,
}

/// When a pod leaves a node with these taints: at once if it does not tolerate one of them that ends pods, else when the
/// shortest of its tolerations is over.
pub(super) fn leave(pod: &Pod, node: &Node, now: Timestamp) -> Leave {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_ref());
    let tolerations = pod
        .spec
        .as_ref()
        .and_then(|spec| spec.tolerations.as_deref())
        .unwrap_or_default();
    let mut end: Option<Timestamp> = None;
    for taint in taints.into_iter().flatten() {
        if taint.effect != "NoExecute" {
            continue;
        }
        let mut matching = tolerations
            .iter()
            .filter(|one| tolerates(one, taint))
            .peekable();
        if matching.peek().is_none() {
            return Leave::Now;
        }
        let since = taint.time_added.as_ref().map_or(now, |time| time.0);
        let shortest = matching
            .filter_map(|toleration| toleration.toleration_seconds)
            .min();
        if let Some(seconds) = shortest {
            let over = since + SignedDuration::from_secs(seconds.max(0));
            end = Some(end.map_or(over, |known| known.min(over)));
        }
    }
    match end {
        None => Leave::Never,
        Some(end) if end <= now => Leave::Now,
        Some(end) => Leave::At(end),
    }
}

fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (key, effect) = (text(&toleration.key), text(&toleration.effect));
    let equal = match toleration.operator.as_deref().unwrap_or("Equal") {
        "Exists" => true,
        _ => text(&toleration.value) == text(&taint.value),
    };
    equal && (key.is_empty() || key == taint.key) && (effect.is_empty() || effect == taint.effect)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::mini::agents::testing::{self, object};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn node(ready: &str, spec: &Value) -> Node {
        let status = json!({"conditions": [{"type": "Ready", "status": ready}]});
        object(testing::node("a", &json!({"spec": spec, "status": status})))
    }

    #[test]
    fn a_node_is_lost_when_its_lease_is_not_renewed() {
        let lease = |renewed: Value| -> Lease { object(json!({"spec": {"renewTime": renewed}})) };
        let well = lease(json!("1970-01-01T00:01:00.000000Z"));
        assert_eq!(heard(None, at(0)), Heard::Unwatched);
        assert_eq!(heard(Some(&lease(Value::Null)), at(0)), Heard::Unwatched);
        assert_eq!(heard(Some(&well), at(109)), Heard::Until(at(110)));
        assert_eq!(heard(Some(&well), at(110)), Heard::Lost);
    }

    #[test]
    fn taints_follow_the_conditions_and_leave_others_alone() {
        let foreign = json!({"key": "gpu", "effect": "NoSchedule"});
        let stale = json!({"key": UNREACHABLE, "effect": "NoExecute"});
        let table: [(&str, Value, bool, Option<&[&str]>); 6] = [
            ("True", json!({}), true, None),
            ("True", json!({"taints": [foreign]}), true, None),
            (
                "Unknown",
                json!({"taints": [foreign]}),
                true,
                Some(&[
                    "gpu NoSchedule",
                    "node.kubernetes.io/unreachable NoSchedule",
                    "node.kubernetes.io/unreachable NoExecute",
                ]),
            ),
            (
                "Unknown",
                json!({}),
                false,
                Some(&["node.kubernetes.io/unreachable NoSchedule"]),
            ),
            (
                "True",
                json!({"taints": [stale], "unschedulable": true}),
                true,
                Some(&["node.kubernetes.io/unschedulable NoSchedule"]),
            ),
            (
                "False",
                json!({}),
                true,
                Some(&[
                    "node.kubernetes.io/not-ready NoSchedule",
                    "node.kubernetes.io/not-ready NoExecute",
                ]),
            ),
        ];
        for (ready, spec, any_well, wanted) in table {
            let found = taints(&node(ready, &spec), any_well, at(7));
            let found = found.map(|taints| {
                let texts = taints
                    .iter()
                    .map(|taint| format!("{} {}", taint.key, taint.effect));
                texts.collect::<Vec<_>>()
            });
            let wanted = wanted.map(|texts| texts.iter().map(|text| (*text).to_owned()).collect());
            assert_eq!(found, wanted, "{ready} {spec}");
        }
    }

    #[test]
    fn a_pod_leaves_when_it_tolerates_no_longer() {
        let taint = |key: &str| json!({"key": key, "effect": "NoExecute", "timeAdded": "1970-01-01T00:01:40Z"});
        let tolerated = |seconds: Value| json!([{"key": UNREACHABLE, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds}]);
        let table = [
            (json!([]), tolerated(json!(300)), Leave::Never),
            (
                json!([taint(UNREACHABLE)]),
                tolerated(json!(300)),
                Leave::At(at(400)),
            ),
            (
                json!([taint(UNREACHABLE)]),
                tolerated(json!(20)),
                Leave::Now,
            ),
            (
                json!([taint(UNREACHABLE)]),
                tolerated(Value::Null),
                Leave::Never,
            ),
            (
                json!([taint(UNREACHABLE), taint("x")]),
                tolerated(json!(300)),
                Leave::Now,
            ),
            (
                json!([{"key": "x", "effect": "NoSchedule"}]),
                json!([]),
                Leave::Never,
            ),
        ];
        for (taints, tolerations, wanted) in table {
            let pod: Pod = object(testing::pod(
                "p",
                &json!({"spec": {"tolerations": tolerations}}),
            ));
            let found = leave(&pod, &node("Unknown", &json!({"taints": taints})), at(150));
            assert_eq!(found, wanted, "{taints} {tolerations}");
        }
    }
}
