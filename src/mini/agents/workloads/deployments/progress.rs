//! How far a Deployment is.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::apps::v1::{DeploymentCondition, DeploymentStatus, ReplicaSet, ReplicaSetStatus},
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::ResourceExt;

use super::plan::{Sets, available, size};

const PROGRESSING: &str = "Progressing";
const DONE: &str = "NewReplicaSetAvailable";
const TIMED_OUT: &str = "ProgressDeadlineExceeded";

fn sum(sets: &Sets<'_>, count: fn(&ReplicaSetStatus) -> i32) -> i32 {
    let statuses = sets.all().filter_map(|set| set.status.as_ref());
    statuses.map(count).sum()
}

fn updated(new: Option<&ReplicaSet>) -> i32 {
    let status = new.and_then(|set| set.status.as_ref());
    status.map_or(0, |status| status.replicas)
}

/// All pods are of the new template, as many as there should be, and available.
pub(super) fn is_complete(sets: &Sets<'_>) -> bool {
    let wanted = sets.wanted();
    updated(sets.new.as_ref()) == wanted
        && sum(sets, |status| status.replicas) == wanted
        && sets.all().map(available).sum::<i32>() == wanted
}

/// A count that is left out when it is nothing.
fn some(count: i32) -> Option<i32> {
    (count > 0).then_some(count)
}

/// The status, and when the progress has to be judged again because its deadline will have passed.
pub(super) fn status(sets: &Sets<'_>, now: Timestamp) -> (DeploymentStatus, Option<Timestamp>) {
    let known = sets.deployment.status.clone().unwrap_or_default();
    let good = sets.all().map(available).sum::<i32>();
    let wanted = sets.all().map(size).sum::<i32>();
    let mut status = DeploymentStatus {
        replicas: some(sum(sets, |status| status.replicas)),
        updated_replicas: some(updated(sets.new.as_ref())),
        ready_replicas: some(sum(sets, |status| status.ready_replicas.unwrap_or(0))),
        available_replicas: some(good),
        unavailable_replicas: some(wanted - good),
        terminating_replicas: Some(sum(sets, |status| status.terminating_replicas.unwrap_or(0))),
        observed_generation: sets.deployment.metadata.generation,
        collision_count: known.collision_count,
        conditions: known.conditions.clone(),
    };
    let mut conditions = known.conditions.clone().unwrap_or_default();
    let enough = good >= sets.wanted() - sets.max_unavailable();
    set(
        &mut conditions,
        now,
        match enough {
            true => (
                "Available",
                "True",
                "MinimumReplicasAvailable",
                "Deployment has minimum availability.".to_owned(),
            ),
            false => (
                "Available",
                "False",
                "MinimumReplicasUnavailable",
                "Deployment does not have minimum availability.".to_owned(),
            ),
        },
    );
    let again = progress(sets, &known, &status, &mut conditions, now);
    failure(sets, &mut conditions, now);
    status.conditions = Some(conditions);
    (status, again)
}

/// Sets a condition unless it says so already. Its time moves with its status only.
fn set(
    conditions: &mut Vec<DeploymentCondition>,
    now: Timestamp,
    (kind, status, reason, message): (&str, &str, &str, String),
) {
    let at = conditions
        .iter()
        .position(|known| known.type_.as_deref() == Some(kind));
    let known = at.map(|at| &conditions[at]);
    if known.is_some_and(|known| {
        known.status.as_deref() == Some(status) && known.reason.as_deref() == Some(reason)
    }) {
        return;
    }
    let since = known.filter(|known| known.status.as_deref() == Some(status));
    let since = since.and_then(|known| known.last_transition_time.clone());
    let next = DeploymentCondition {
        type_: Some(kind.to_owned()),
        status: Some(status.to_owned()),
        reason: Some(reason.to_owned()),
        message: Some(message),
        last_transition_time: since.or(Some(Time(now))),
        last_update_time: Some(Time(now)),
    };
    if let Some(at) = at {
        conditions.remove(at);
    }
    conditions.push(next);
}

fn progress(
    sets: &Sets<'_>,
    known: &DeploymentStatus,
    status: &DeploymentStatus,
    conditions: &mut Vec<DeploymentCondition>,
    now: Timestamp,
) -> Option<Timestamp> {
    let deadline = sets
        .spec
        .progress_deadline_seconds
        .filter(|seconds| *seconds != i32::MAX)?;
    let reason = |conditions: &[DeploymentCondition]| {
        let found = conditions
            .iter()
            .find(|known| known.type_.as_deref() == Some(PROGRESSING));
        found.map(|found| found.reason.clone().unwrap_or_default())
    };
    let before = reason(conditions);
    let name = sets
        .new
        .as_ref()
        .map_or_else(|| sets.deployment.name_any(), |set| set.name_any());
    let what = if sets.new.is_some() {
        "ReplicaSet"
    } else {
        "Deployment"
    };
    if sets.spec.paused == Some(true) {
        if before.as_deref() != Some(TIMED_OUT) {
            set(
                conditions,
                now,
                (
                    PROGRESSING,
                    "Unknown",
                    "DeploymentPaused",
                    "Deployment is paused".to_owned(),
                ),
            );
        }
        return None;
    }
    if before.as_deref() == Some("DeploymentPaused") {
        set(
            conditions,
            now,
            (
                PROGRESSING,
                "Unknown",
                "DeploymentResumed",
                "Deployment is resumed".to_owned(),
            ),
        );
    }
    let stored = sets
        .new
        .as_ref()
        .is_some_and(|set| set.metadata.uid.is_some());
    if sets.new.is_some() && !stored {
        let message = format!("Created new replica set {name:?}");
        set(
            conditions,
            now,
            (PROGRESSING, "True", "NewReplicaSetCreated", message),
        );
    } else if stored && before.is_none() {
        let message = format!("Found new replica set {name:?}");
        set(
            conditions,
            now,
            (PROGRESSING, "True", "FoundNewReplicaSet", message),
        );
    }
    let settled = status.replicas == status.updated_replicas && before.as_deref() == Some(DONE);
    if settled {
        return None;
    }
    if is_complete(sets) && stored {
        let message = format!("{what} {name:?} has successfully progressed.");
        set(conditions, now, (PROGRESSING, "True", DONE, message));
        return None;
    }
    let old = |status: &DeploymentStatus| {
        status.replicas.unwrap_or(0) - status.updated_replicas.unwrap_or(0)
    };
    let moved = status.updated_replicas > known.updated_replicas
        || old(status) < old(known)
        || status.ready_replicas > known.ready_replicas
        || status.available_replicas > known.available_replicas;
    if moved {
        let message = format!("{what} {name:?} is progressing.");
        // Each step forward starts the deadline anew.
        let since = conditions.iter().find(|known| {
            known.type_.as_deref() == Some(PROGRESSING) && known.status.as_deref() == Some("True")
        });
        let since = since.and_then(|known| known.last_transition_time.clone());
        conditions.retain(|known| known.type_.as_deref() != Some(PROGRESSING));
        set(
            conditions,
            now,
            (PROGRESSING, "True", "ReplicaSetUpdated", message),
        );
        if let (Some(since), Some(last)) = (since, conditions.last_mut()) {
            last.last_transition_time = Some(since);
        }
    }
    let current = conditions
        .iter()
        .find(|known| known.type_.as_deref() == Some(PROGRESSING))?;
    if current.reason.as_deref() == Some(TIMED_OUT) || current.reason.as_deref() == Some(DONE) {
        return None;
    }
    let from = current.last_update_time.as_ref()?.0;
    let ends = from
        .checked_add(SignedDuration::from_secs(deadline.into()))
        .ok()?;
    if ends >= now {
        // A whole second later, as times are stored in whole seconds.
        return ends.checked_add(SignedDuration::from_secs(1)).ok();
    }
    let message = format!("{what} {name:?} has timed out progressing.");
    set(conditions, now, (PROGRESSING, "False", TIMED_OUT, message));
    None
}

/// A set that cannot make its pods shows in the Deployment.
fn failure(sets: &Sets<'_>, conditions: &mut Vec<DeploymentCondition>, now: Timestamp) {
    let failed = sets.new.iter().chain(&sets.old).find_map(|set| {
        let all = set.status.as_ref()?.conditions.as_ref()?;
        all.iter()
            .find(|condition| condition.type_.as_deref() == Some("ReplicaFailure"))
    });
    match failed {
        None => conditions.retain(|known| known.type_.as_deref() != Some("ReplicaFailure")),
        Some(failed) => set(
            conditions,
            now,
            (
                "ReplicaFailure",
                failed.status.as_deref().unwrap_or("True"),
                failed.reason.as_deref().unwrap_or_default(),
                failed.message.clone().unwrap_or_default(),
            ),
        ),
    }
}
