use jiff::SignedDuration;
use k8s_openapi::api::apps::v1::{StatefulSetCondition, StatefulSetStatus};

use super::*;

pub(super) const ALL: &[Mutant] = &[
    mutant(
        "never-promotes",
        "never makes the update revision the current one",
        &[
            "st-current-revision",
            "part-zero-completes",
            "ond-status-promotes",
            "upd-empty-set",
            "scale-zero-during-partition",
        ],
        || Arc::new(NeverPromotes),
    ),
    mutant(
        "promotes-early",
        "makes the update revision the current one when the update begins",
        &[
            "st-current-revision",
            "part-none",
            "part-not-complete",
            "inv-promotion",
        ],
        || Arc::new(PromotesEarly),
    ),
    mutant(
        "status-counts-terminating",
        "counts terminating pods among those of a revision",
        &[
            "st-unready-terminating-current",
            "st-current",
            "st-updated",
            "inv-status-truth",
        ],
        || Arc::new(StatusCountsTerminating),
    ),
    mutant(
        "status-forgets-terminating",
        "does not count terminating pods at all",
        &[
            "st-replicas",
            "st-unready-terminating-current",
            "inv-status-truth",
        ],
        || Arc::new(StatusForgetsTerminating),
    ),
    mutant(
        "ready-is-replicas",
        "reports every pod as Ready",
        &["st-ready", "st-phase-gates-ready", "inv-status-truth"],
        || Arc::new(ReadyIsReplicas),
    ),
    mutant(
        "writes-status-for-ever",
        "writes a status every minute",
        &[
            "st-no-write-when-equal",
            "ev-no-flood",
            "rob-controller-restart-idle",
            "inv-quiet",
            "inv-status-writes-bounded",
            "ord-create-failure-backoff",
        ],
        || Arc::new(WritesStatusForEver),
    ),
    mutant(
        "never-observes",
        "reports the generation that it saw first",
        &["st-observed-generation", "inv-status-truth"],
        || Arc::new(NeverObserves),
    ),
    mutant(
        "drops-conditions",
        "drops conditions that others wrote",
        &["st-conditions-preserved"],
        || Arc::new(DropsConditions),
    ),
    mutant(
        "never-writes-status",
        "never writes a status",
        &[
            "st-observed-generation",
            "st-replicas",
            "st-replicas-lag",
            "st-ready",
            "st-updated",
            "st-current-undercount",
            "ord-replicas-zero",
            "st-on-error",
        ],
        || Arc::new(NeverWritesStatus),
    ),
    mutant(
        "available-is-ready",
        "reports every Ready pod as available",
        &[
            "st-available",
            "st-available-timer",
            "st-available-live-edit",
            "st-promotion-ignores-available",
            "inv-status-truth",
        ],
        || Arc::new(AvailableIsReady),
    ),
    mutant(
        "waits-for-available",
        "makes the update revision the current one when all pods are available",
        &["st-promotion-ignores-available"],
        || Arc::new(WaitsForAvailable),
    ),
    mutant(
        "names-the-update-late",
        "names the update revision only when all pods are at it",
        &["st-update-revision"],
        || Arc::new(NamesTheUpdateLate),
    ),
    mutant(
        "all-are-current",
        "counts every pod as one of the current revision",
        &[
            "st-current",
            "st-partition-meaning",
            "st-partition-three-revisions",
            "st-unready-terminating-current",
            "inv-status-truth",
        ],
        || Arc::new(AllAreCurrent),
    ),
    mutant(
        "forgets-the-updated",
        "counts no pod as updated while one terminates",
        &[
            "st-order-monotone-rollout",
            "st-unready-terminating-current",
        ],
        || Arc::new(ForgetsTheUpdated),
    ),
    mutant(
        "silent-while-deleting",
        "writes no status for a set that is being deleted",
        &["st-during-deletion", "inv-status-truth"],
        || Arc::new(SilentWhileDeleting),
    ),
    mutant(
        "silent-after-a-refusal",
        "writes no status when something of what it planned was refused",
        &["ord-create-failure-keeps-status", "st-on-error"],
        || Arc::new(SilentAfterARefusal),
    ),
    mutant(
        "available-all-or-none",
        "counts no available pod while one is not Ready",
        &["st-available", "inv-status-truth"],
        || Arc::new(AvailableAllOrNone),
    ),
    mutant(
        "lowers-collisions",
        "counts name collisions from none in every status",
        &["st-collision"],
        || Arc::new(LowersCollisions),
    ),
];

struct SilentAfterARefusal;

impl Twist for SilentAfterARefusal {
    fn writes_status(
        &self,
        _: &crate::controller::set::Set,
        differs: bool,
        all_was_done: bool,
    ) -> bool {
        differs && all_was_done
    }
}

struct AvailableAllOrNone;

impl Twist for AvailableAllOrNone {
    fn status(&self, _observed: &Observed, status: &mut StatefulSetStatus) {
        if status.ready_replicas < Some(status.replicas) {
            status.available_replicas = Some(0);
        }
    }
}

struct LowersCollisions;

impl Twist for LowersCollisions {
    fn status(&self, _observed: &Observed, status: &mut StatefulSetStatus) {
        status.collision_count = Some(0);
    }
}

struct NeverPromotes;

impl Twist for NeverPromotes {
    fn status(&self, observed: &Observed, status: &mut StatefulSetStatus) {
        let stored = &observed.set.status;
        if stored
            .current_revision
            .as_ref()
            .is_some_and(|revision| !revision.is_empty())
            && stored.current_revision != status.current_revision
        {
            status.current_revision.clone_from(&stored.current_revision);
            status.current_replicas = Some(0);
        }
    }
}

struct PromotesEarly;

impl Twist for PromotesEarly {
    fn status(&self, _observed: &Observed, status: &mut StatefulSetStatus) {
        status.current_revision.clone_from(&status.update_revision);
        status.current_replicas = status.updated_replicas;
    }
}

struct StatusCountsTerminating;

impl Twist for StatusCountsTerminating {
    fn status(&self, observed: &Observed, status: &mut StatefulSetStatus) {
        for pod in observed.pods.iter().filter(|pod| is_terminating(pod)) {
            let count = |counter: &mut Option<i32>, revision: &str| {
                *counter = counter.map(|count| count + i32::from(revision_of(pod) == revision));
            };
            count(
                &mut status.current_replicas,
                &observed.revisions.current.name,
            );
            count(
                &mut status.updated_replicas,
                &observed.revisions.update.name,
            );
        }
    }
}

struct StatusForgetsTerminating;

impl Twist for StatusForgetsTerminating {
    fn status(&self, observed: &Observed, status: &mut StatefulSetStatus) {
        let terminating = observed.pods.iter().filter(|pod| is_terminating(pod));
        for pod in terminating {
            let ready = i32::from(is_running_and_ready(pod));
            status.replicas -= 1;
            status.ready_replicas = status.ready_replicas.map(|count| count - ready);
            let least = status.ready_replicas;
            status.available_replicas = status.available_replicas.min(least);
        }
    }
}

struct ReadyIsReplicas;

impl Twist for ReadyIsReplicas {
    fn status(&self, _observed: &Observed, status: &mut StatefulSetStatus) {
        status.ready_replicas = Some(status.replicas);
    }
}

/// A condition tells when it looked.
struct WritesStatusForEver;

impl Twist for WritesStatusForEver {
    fn planned(&self, _observed: &Observed, now: Timestamp, plan: &mut Plan) {
        let every = SignedDuration::from_secs(60);
        plan.requeue = Some(now + every);
        let of_ours =
            |condition: &StatefulSetCondition| condition.type_.as_deref() == Some("Looked");
        let mut conditions = plan.status.conditions.take().unwrap_or_default();
        conditions.retain(|condition| !of_ours(condition));
        conditions.push(StatefulSetCondition {
            type_: Some("Looked".to_owned()),
            status: Some("True".to_owned()),
            message: Some((now.as_second() / 60).to_string()),
            ..StatefulSetCondition::default()
        });
        plan.status.conditions = Some(conditions);
    }
}

struct NeverObserves;

impl Twist for NeverObserves {
    fn status(&self, observed: &Observed, status: &mut StatefulSetStatus) {
        let stored = observed.set.status.observed_generation;
        status.observed_generation = stored.filter(|generation| *generation > 0).or(Some(1));
    }
}

struct DropsConditions;

impl Twist for DropsConditions {
    fn status(&self, _observed: &Observed, status: &mut StatefulSetStatus) {
        status.conditions = None;
    }
}

struct NeverWritesStatus;

impl Twist for NeverWritesStatus {
    fn writes_status(&self, _: &crate::controller::set::Set, _: bool, _: bool) -> bool {
        false
    }
}

struct AvailableIsReady;

impl Twist for AvailableIsReady {
    fn status(&self, _observed: &Observed, status: &mut StatefulSetStatus) {
        status.available_replicas = status.ready_replicas;
    }
}

struct WaitsForAvailable;

impl Twist for WaitsForAvailable {
    fn status(&self, observed: &Observed, status: &mut StatefulSetStatus) {
        let stored = &observed.set.status;
        let is_named = stored.current_revision.as_deref() == Some(&observed.revisions.current.name);
        if is_named && status.available_replicas < Some(observed.set.replicas()) {
            status.current_revision.clone_from(&stored.current_revision);
        }
    }
}

struct NamesTheUpdateLate;

impl Twist for NamesTheUpdateLate {
    fn status(&self, observed: &Observed, status: &mut StatefulSetStatus) {
        if status.updated_replicas < Some(observed.set.replicas()) {
            status.update_revision.clone_from(&status.current_revision);
        }
    }
}

struct AllAreCurrent;

impl Twist for AllAreCurrent {
    fn status(&self, _observed: &Observed, status: &mut StatefulSetStatus) {
        status.current_replicas = Some(status.replicas);
    }
}

struct ForgetsTheUpdated;

impl Twist for ForgetsTheUpdated {
    fn status(&self, observed: &Observed, status: &mut StatefulSetStatus) {
        if observed.pods.iter().any(|pod| is_terminating(pod)) {
            status.updated_replicas = Some(0);
        }
    }
}

struct SilentWhileDeleting;

impl Twist for SilentWhileDeleting {
    fn writes_status(&self, set: &crate::controller::set::Set, differs: bool, _: bool) -> bool {
        differs && !set.is_deleting()
    }
}
