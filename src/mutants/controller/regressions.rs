//! What releases of Kubernetes really shipped, each as it was.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSetStatus};
use serde_json::Value;

use super::*;
use crate::controller::{
    plan::max_unavailable,
    set::{Set, Strategy},
};

pub(super) const ALL: &[Mutant] = &[
    mutant(
        "stuck-beyond-max-unavailable",
        "replaces no pod of a set of which too many are unavailable, as Kubernetes 1.35.1 does",
        &["upd-parallel-heals", "maxu-parallel-broken-first"],
        || Arc::new(StuckBeyondMaxUnavailable),
    ),
    mutant(
        "takes-null-for-a-change",
        "restarts pods whose revision tells of a time that is null, as Kubernetes 1.34.0 does",
        &["upd-upgrade-no-spurious", "rev-semantic-equal"],
        || Arc::new(TakesNullForAChange),
    ),
    mutant(
        "on-delete-never-promotes",
        "never makes the update revision of an OnDelete set the current one, as Kubernetes 1.36 does",
        &["ond-status-promotes"],
        || Arc::new(OnDeleteNeverPromotes),
    ),
    mutant(
        "ready-is-enough-for-the-next",
        "replaces the next pods when others are Ready, not when they are available, as the first maxUnavailable did",
        &["maxu-minready-window"],
        || Arc::new(ReadyIsEnoughForTheNext),
    ),
    mutant(
        "a-revision-for-each-start",
        "makes a revision of every set each time that it starts, as Kubernetes 1.9 did",
        &[
            "rev-no-growth",
            "rob-controller-restart-idle",
            "upd-upgrade-no-spurious",
        ],
        || Arc::new(ARevisionForEachStart::default()),
    ),
    mutant(
        "loses-order-when-scaled-again",
        "does not wait for terminating pods in the sync that follows another scaling, as Kubernetes 1.5 did",
        &["scale-terminating-condemned-waits"],
        || Arc::new(LosesOrderWhenScaledAgain),
    ),
    mutant(
        "promotes-unready-pods",
        "makes the update revision the current one when all pods are at it, Ready or not",
        &["st-current-revision", "inv-promotion"],
        || Arc::new(PromotesUnreadyPods),
    ),
];

struct StuckBeyondMaxUnavailable;

impl Twist for StuckBeyondMaxUnavailable {
    fn planned(&self, observed: &Observed, now: Timestamp, plan: &mut Plan) {
        let pods = in_range(observed);
        let well = pods.iter().filter(|pod| works(observed, pod, now)).count();
        let unavailable = observed.set.range().len() - well;
        if !observed.set.is_ordered() && unavailable >= max_unavailable(&observed.set) {
            items(plan, About::Update).clear();
        }
    }
}

/// It does not see what such a revision says.
struct TakesNullForAChange;

impl Twist for TakesNullForAChange {
    fn listed(&self, _set: &Set, revisions: &mut Vec<Arc<ControllerRevision>>) {
        revisions.retain(|revision| {
            let metadata = revision.data.0.pointer("/spec/template/metadata");
            let time = metadata.and_then(|metadata| metadata.get("creationTimestamp"));
            time.is_none()
        });
    }
}

struct OnDeleteNeverPromotes;

impl Twist for OnDeleteNeverPromotes {
    fn status(&self, observed: &Observed, status: &mut StatefulSetStatus) {
        let stored = &observed.set.status;
        let named = stored.current_revision.as_ref();
        if observed.set.strategy() == Strategy::OnDelete
            && named.is_some_and(|named| !named.is_empty())
        {
            status.current_revision.clone_from(&stored.current_revision);
        }
    }
}

/// Creation and scaling still wait for availability.
struct ReadyIsEnoughForTheNext;

impl Twist for ReadyIsEnoughForTheNext {
    fn planned(&self, observed: &Observed, now: Timestamp, plan: &mut Plan) {
        let other = instead(observed, now, |observed| {
            observed.set.spec.min_ready_seconds = None;
        });
        if let Some(mut other) = other {
            *items(plan, About::Update) = std::mem::take(items(&mut other, About::Update));
        }
    }
}

/// By set: how many revisions there were when this process first saw it.
#[derive(Default)]
struct ARevisionForEachStart(Mutex<BTreeMap<String, usize>>);

impl Twist for ARevisionForEachStart {
    fn template(&self, set: &Set, listed: &[Arc<ControllerRevision>], template: &mut Value) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = first.entry(set.uid().to_owned()).or_insert(listed.len());
        if *count > 0 {
            template["metadata"]["annotations"]["start"] = count.to_string().into();
        }
    }
}

struct LosesOrderWhenScaledAgain;

impl Twist for LosesOrderWhenScaledAgain {
    fn observed(&self, observed: &mut Observed) {
        if observed.set.status.observed_generation < observed.set.meta.generation {
            let condemned: Vec<_> = condemned(observed).into_iter().cloned().collect();
            let is_gone = |pod: &Arc<Pod>| is_terminating(pod) && condemned.contains(pod);
            observed.pods.retain(|pod| !is_gone(pod));
        }
    }
}

struct PromotesUnreadyPods;

impl Twist for PromotesUnreadyPods {
    fn status(&self, observed: &Observed, status: &mut StatefulSetStatus) {
        if status.updated_replicas == Some(observed.set.replicas()) {
            status.current_revision.clone_from(&status.update_revision);
            status.current_replicas = status.updated_replicas;
        }
    }
}
