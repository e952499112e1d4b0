//! What to do about the pods of a ReplicaSet.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use k8s_openapi::{
    api::{
        apps::v1::{ReplicaSet, ReplicaSetCondition, ReplicaSetSpec, ReplicaSetStatus},
        core::v1::Pod,
    },
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time},
};
use kube::ResourceExt;

use super::super::{Claim, claim, controller, is_active};
use crate::sets;

/// How many pods one step creates or deletes at most.
const BURST: usize = 500;

/// What to do about the pods of a set.
#[derive(Debug, Default)]
pub struct Plan {
    /// Pods that are nobody's.
    pub adopt: Vec<Arc<Pod>>,
    /// Pods that are no longer selected.
    pub release: Vec<Arc<Pod>>,
    /// How many pods more.
    pub create: usize,
    /// The pods too many, those first that are missed least.
    pub delete: Vec<Arc<Pod>>,
    /// The status before all that.
    pub status: ReplicaSetStatus,
    /// When a pod that is Ready will be available.
    pub again: Option<Timestamp>,
}

/// Decides about a set; `pods` are those of its namespace.
pub fn plan(set: &ReplicaSet, pods: &[Arc<Pod>], now: Timestamp) -> Plan {
    let spec = set.spec.clone();
    let mut plan = Plan::default();
    let mut own = Vec::new();
    let mut terminating = 0;
    for pod in pods {
        let claim = claim(set, &spec.selector, &**pod);
        match claim {
            Claim::Mine if is_active(pod) => own.push(Arc::clone(pod)),
            Claim::Mine => terminating += i32::from(sets::is_terminating(pod)),
            Claim::Adopt if is_active(pod) => plan.adopt.push(Arc::clone(pod)),
            Claim::Release if is_active(pod) => plan.release.push(Arc::clone(pod)),
            Claim::Adopt | Claim::Release | Claim::Leave => {}
        }
    }
    own.extend(plan.adopt.iter().cloned());
    plan.status = status(set, &spec, &own, terminating, now);
    let least = spec.min_ready_seconds.unwrap_or(0);
    plan.again = own
        .iter()
        .filter_map(|pod| sets::available_at(pod, least))
        .filter(|at| *at > now)
        .min();
    if set.metadata.deletion_timestamp.is_some() {
        return plan;
    }
    let wanted = usize::try_from(spec.replicas.unwrap_or(1)).unwrap_or(0);
    plan.create = wanted.saturating_sub(own.len()).min(BURST);
    let surplus = own.len().saturating_sub(wanted).min(BURST);
    plan.delete = least_missed(own);
    plan.delete.truncate(surplus);
    plan
}

/// The pods in the order in which they are given up: without a node, Pending, not Ready, cheap to delete, crowded on
/// their node, Ready for a short time, restarted often, young; then by name.
fn least_missed(mut pods: Vec<Arc<Pod>>) -> Vec<Arc<Pod>> {
    let node = |pod: &Pod| pod.spec.as_ref().and_then(|spec| spec.node_name.clone());
    let mut crowd: BTreeMap<Option<String>, usize> = BTreeMap::new();
    for pod in &pods {
        *crowd.entry(node(pod)).or_default() += 1;
    }
    let phase = |pod: &Pod| {
        let phase = pod
            .status
            .as_ref()
            .and_then(|status| status.phase.as_deref());
        match phase {
            Some("Running") => 2,
            Some("Unknown") => 1,
            _ => 0,
        }
    };
    let cost = |pod: &Pod| {
        let cost = pod
            .annotations()
            .get("controller.kubernetes.io/pod-deletion-cost");
        cost.and_then(|cost| cost.parse::<i32>().ok()).unwrap_or(0)
    };
    let restarts = |pod: &Pod| {
        let statuses = pod
            .status
            .as_ref()
            .and_then(|status| status.container_statuses.as_ref());
        statuses
            .into_iter()
            .flatten()
            .map(|status| status.restart_count)
            .max()
            .unwrap_or(0)
    };
    let created = |pod: &Pod| pod.creation_timestamp().map(|time| time.0);
    pods.sort_by_cached_key(|pod| {
        (
            node(pod).is_some(),
            phase(pod),
            sets::is_ready(pod),
            cost(pod),
            Reverse(crowd.get(&node(pod)).copied()),
            Reverse(sets::ready_since(pod)),
            Reverse(restarts(pod)),
            (Reverse(created(pod)), pod.name_any()),
        )
    });
    pods
}

fn status(
    set: &ReplicaSet,
    spec: &ReplicaSetSpec,
    own: &[Arc<Pod>],
    terminating: i32,
    now: Timestamp,
) -> ReplicaSetStatus {
    let count = |which: &dyn Fn(&Pod) -> bool| {
        let count = own.iter().filter(|pod| which(pod)).count();
        i32::try_from(count).unwrap_or(i32::MAX)
    };
    let template = spec
        .template
        .as_ref()
        .and_then(|template| template.metadata.as_ref());
    let labels = template
        .and_then(|meta| meta.labels.clone())
        .unwrap_or_default();
    let least = spec.min_ready_seconds.unwrap_or(0);
    let known = set.status.as_ref();
    ReplicaSetStatus {
        replicas: count(&|_| true),
        fully_labeled_replicas: some(count(&|pod| {
            labels
                .iter()
                .all(|(key, value)| pod.labels().get(key) == Some(value))
        })),
        ready_replicas: some(count(&sets::is_ready)),
        available_replicas: some(count(&|pod| sets::is_available(pod, least, now))),
        terminating_replicas: Some(terminating),
        observed_generation: set.metadata.generation,
        conditions: known.and_then(|known| known.conditions.clone()),
    }
}

/// A count that is left out when it is nothing.
fn some(count: i32) -> Option<i32> {
    (count > 0).then_some(count)
}

/// A pod as a set makes it; the API server completes the name.
pub(super) fn new_pod(set: &ReplicaSet) -> Pod {
    let template = set.spec.clone().template.unwrap_or_default();
    let meta = template.metadata.unwrap_or_default();
    Pod {
        metadata: ObjectMeta {
            generate_name: Some(format!("{}-", set.name_any())),
            labels: meta.labels,
            annotations: meta.annotations,
            finalizers: meta.finalizers,
            owner_references: controller(set).map(|owner| vec![owner]),
            ..ObjectMeta::default()
        },
        spec: template.spec,
        status: None,
    }
}

/// Sets or removes the condition that says that pods could not be made or removed.
pub(super) fn failure(
    status: &mut ReplicaSetStatus,
    failed: Option<(&'static str, String)>,
    now: Timestamp,
) {
    let mut conditions = status.conditions.take().unwrap_or_default();
    let known = conditions
        .iter()
        .position(|condition| condition.type_.as_deref() == Some("ReplicaFailure"));
    match (failed, known) {
        (None, Some(at)) => drop(conditions.remove(at)),
        (Some((reason, message)), None) => conditions.push(ReplicaSetCondition {
            type_: Some("ReplicaFailure".to_owned()),
            status: Some("True".to_owned()),
            reason: Some(reason.to_owned()),
            message: Some(message),
            last_transition_time: Some(Time(now)),
        }),
        _ => {}
    }
    status.conditions = (!conditions.is_empty()).then_some(conditions);
}
