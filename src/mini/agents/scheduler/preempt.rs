//! Which pods make room for one that is more important.

use std::{borrow::Cow, cmp::Reverse, sync::Arc};

use k8s_openapi::api::core::v1::{Node, Pod, PodSpec};
use kube::ResourceExt;

use super::{
    fit::{Snapshot, fits, pods_on},
    volumes,
};
use crate::{mini::agents::Key, sets};

fn priority(pod: &Pod) -> i32 {
    let spec = pod.spec.as_ref();
    spec.and_then(|spec| spec.priority).unwrap_or(0)
}

fn nominated(pod: &Pod) -> Option<&str> {
    let status = pod.status.as_ref()?;
    status.nominated_node_name.as_deref()
}

/// What a pod sees of the cluster: room that was made for others of its priority or a higher one is theirs.
pub(super) fn reserved<'a>(pod: &Pod, snapshot: &'a Snapshot) -> Cow<'a, Snapshot> {
    let mut theirs = snapshot
        .nominated
        .iter()
        .filter(|other| other.metadata.uid != pod.metadata.uid && priority(other) >= priority(pod))
        .peekable();
    if theirs.peek().is_none() {
        return Cow::Borrowed(snapshot);
    }
    let mut own = snapshot.clone();
    let placed = theirs.filter_map(|other| Some((nominated(other)?.to_owned(), Arc::clone(other))));
    own.placed.extend(placed);
    Cow::Owned(own)
}

/// Pods that are asked to go, and the node that they leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preemption {
    /// The node's name.
    pub node: String,
    /// Who goes.
    pub victims: Vec<Key>,
}

/// Room for a pod that fits nowhere: on the node where the least important pods have to go, and as few as can be. None if
/// the pod wants nobody to go, if it waits for some already, or if it does not help.
pub(super) fn preempt(
    pod: &Pod,
    spec: &PodSpec,
    candidates: &[&Node],
    claims: &[volumes::Claim],
    snapshot: &Snapshot,
) -> Option<Preemption> {
    if spec.preemption_policy.as_deref() == Some("Never") {
        return None;
    }
    let is_lower = |other: &Pod| priority(other) < priority(pod);
    let waits = nominated(pod).is_some_and(|node| {
        let there = snapshot.placed.iter().filter(|(name, _)| name == node);
        there
            .map(|(_, other)| other)
            .any(|other| is_lower(other) && sets::is_terminating(other))
    });
    if waits {
        return None;
    }
    let found = candidates.iter().filter_map(|node| {
        let victims = victims(pod, spec, node, claims, snapshot)?;
        let highest = victims.iter().map(|victim| priority(victim)).max()?;
        let sum: i64 = victims
            .iter()
            .map(|victim| i64::from(priority(victim)))
            .sum();
        Some(((highest, sum, victims.len(), node.name_any()), victims))
    });
    let ((.., node), victims) = found.min_by(|(one, _), (other, _)| one.cmp(other))?;
    let victims = victims.iter().map(|victim| Key::of(&**victim)).collect();
    Some(Preemption { node, victims })
}

/// Who has to go from a node: all that are less important, but for those whose room is not needed, the most important
/// and then the oldest first.
fn victims(
    pod: &Pod,
    spec: &PodSpec,
    node: &Node,
    claims: &[volumes::Claim],
    snapshot: &Snapshot,
) -> Option<Vec<Arc<Pod>>> {
    let name = node.name_any();
    let is_lower = |other: &Pod| priority(other) < priority(pod);
    if !pods_on(node, snapshot).any(is_lower) {
        return None;
    }
    let (mut lower, rest): (Vec<_>, Vec<_>) = snapshot
        .placed
        .iter()
        .cloned()
        .partition(|(at, other)| *at == name && is_lower(other));
    let mut without = Snapshot {
        placed: rest,
        ..snapshot.clone()
    };
    fits(pod, spec, node, claims, &without).ok()?;
    let started = |other: &Pod| {
        let status = other.status.as_ref();
        let start = status.and_then(|status| status.start_time.clone());
        start.map(|time| time.0)
    };
    lower.sort_by_key(|(_, other)| {
        let is_new = started(other).is_none();
        (
            Reverse(priority(other)),
            is_new,
            started(other),
            other.name_any(),
        )
    });
    let mut victims = Vec::new();
    for one in lower {
        without.placed.push(one);
        if fits(pod, spec, node, claims, &without).is_err() {
            victims.extend(without.placed.pop().map(|(_, other)| other));
        }
    }
    Some(victims)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::mini::agents::testing::{self, object};

    fn pod(name: &str, priority: i32, cpu: &str, start: i64) -> Pod {
        object(testing::pod(
            name,
            &json!({
                "spec": {
                    "priority": priority,
                    "containers": [{"name": "main", "resources": {"requests": {"cpu": cpu}}}],
                },
                "status": {"startTime": format!("2026-01-01T00:00:{start:02}Z")},
            }),
        ))
    }

    #[test]
    fn the_least_important_and_youngest_make_room() {
        let nodes: Vec<Node> = ["a", "b"]
            .map(|name| object(testing::node(name, &json!({}))))
            .into();
        let placed = |pods: &[(&str, Pod)]| Snapshot {
            nodes: nodes.iter().cloned().map(Arc::new).collect(),
            placed: pods
                .iter()
                .map(|(node, pod)| ((*node).to_owned(), Arc::new(pod.clone())))
                .collect(),
            ..Snapshot::default()
        };
        let web = [
            ("a", pod("web-0", 0, "2", 1)),
            ("a", pod("web-1", 0, "2", 2)),
            ("b", pod("db-0", 5, "3", 3)),
        ];
        let candidates: Vec<&Node> = nodes.iter().collect();
        let table: [(Pod, Option<(&str, Value)>); 4] = [
            (pod("vip", 10, "2", 9), Some(("a", json!(["web-1"])))),
            (
                pod("vip", 10, "4", 9),
                Some(("a", json!(["web-0", "web-1"]))),
            ),
            (pod("vip", 0, "2", 9), None),
            (pod("vip", 10, "5", 9), None),
        ];
        for (vip, wanted) in table {
            let spec = vip.spec.clone().unwrap_or_default();
            let found = preempt(&vip, &spec, &candidates, &[], &placed(&web));
            let found = found.map(|found| {
                let mut names: Vec<_> = found.victims.into_iter().map(|key| key.name).collect();
                names.sort();
                (found.node, json!(names))
            });
            let wanted = wanted.map(|(node, names)| (node.to_owned(), names));
            assert_eq!(found, wanted, "{}", cpu(&vip));
        }
    }

    fn cpu(pod: &Pod) -> String {
        format!("{:?}", pod.spec.as_ref().map(|spec| &spec.containers))
    }
}
