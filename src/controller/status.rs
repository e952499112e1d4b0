//! The status of a set: counters, completion, conditions, and whether it has to be written.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::{
    api::{
        apps::v1::{StatefulSetCondition, StatefulSetStatus},
        core::v1::Pod,
    },
    apimachinery::pkg::apis::meta::v1::Time,
};

use super::{revision::Revisions, set::Set};
use crate::sets::{is_available, is_running_and_ready, is_terminating, revision_of};

/// The condition of a Recreate rollout.
pub const PROGRESSING: &str = "Progressing";

/// The status of a set that has these pods.
pub fn compute<'a>(
    set: &Set,
    revisions: &Revisions,
    pods: impl IntoIterator<Item = &'a Arc<Pod>>,
    now: Timestamp,
) -> StatefulSetStatus {
    let (mut replicas, mut ready, mut available, mut current, mut updated) = (0, 0, 0, 0, 0);
    for pod in pods {
        replicas += 1;
        if is_running_and_ready(pod) {
            ready += 1;
            available += i32::from(is_available(pod, set.min_ready_seconds(), now));
        }
        if !is_terminating(pod) {
            current += i32::from(revision_of(pod) == revisions.current.name);
            updated += i32::from(revision_of(pod) == revisions.update.name);
        }
    }
    StatefulSetStatus {
        observed_generation: set.meta.generation,
        replicas,
        ready_replicas: Some(ready),
        available_replicas: Some(available),
        current_replicas: Some(current),
        updated_replicas: Some(updated),
        current_revision: Some(revisions.current.name.clone()),
        update_revision: Some(revisions.update.name.clone()),
        collision_count: Some(revisions.collision_count),
        conditions: set.status.conditions.clone(),
    }
}

/// Ends a rollout: once all pods are updated and Ready and as many as wanted, the update revision becomes the current
/// one, for every strategy. With `recreate`, a rollout under Recreate that was in progress is no longer.
pub fn complete(status: &mut StatefulSetStatus, wanted: i32, recreate: bool, now: Timestamp) {
    let all = |counter: Option<i32>| counter.unwrap_or_default() == wanted;
    if status.replicas != wanted || !all(status.ready_replicas) || !all(status.updated_replicas) {
        return;
    }
    status.current_replicas = status.updated_replicas;
    status.current_revision = status.update_revision.clone();
    let is_progressing =
        |condition: &StatefulSetCondition| condition.type_.as_deref() == Some(PROGRESSING);
    if recreate && status.conditions.iter().flatten().any(is_progressing) {
        let done = progressing(
            false,
            "RecreateCompleted",
            "All pods recreated successfully",
        );
        set_condition(&mut status.conditions, done, now);
    }
}

/// The condition Progressing.
pub fn progressing(is_so: bool, reason: &str, message: &str) -> StatefulSetCondition {
    StatefulSetCondition {
        type_: Some(PROGRESSING.to_owned()),
        status: Some(if is_so { "True" } else { "False" }.to_owned()),
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        last_transition_time: None,
    }
}

/// Puts a condition in. One that says the same already is left as it is; its time changes only with its status.
pub fn set_condition(
    conditions: &mut Option<Vec<StatefulSetCondition>>,
    mut condition: StatefulSetCondition,
    now: Timestamp,
) {
    let conditions = conditions.get_or_insert_default();
    let known = conditions
        .iter_mut()
        .find(|known| known.type_ == condition.type_);
    let seconds = Timestamp::from_second(now.as_second()).unwrap_or(now);
    condition.last_transition_time = Some(Time(seconds));
    match known {
        None => conditions.push(condition),
        Some(known) => {
            if known.status == condition.status {
                condition.last_transition_time = known.last_transition_time.take();
            }
            *known = condition;
        }
    }
}

/// Whether a status has to be written. A change of collisionCount alone travels with the next write.
pub fn differs(stored: &StatefulSetStatus, computed: &StatefulSetStatus) -> bool {
    let number = |counter: Option<i32>| counter.unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let counters = |status: &StatefulSetStatus| {
        [
            status.replicas,
            number(status.current_replicas),
            number(status.ready_replicas),
            number(status.updated_replicas),
            number(status.available_replicas),
        ]
    };
    computed.observed_generation > stored.observed_generation
        || counters(computed) != counters(stored)
        || text(&computed.current_revision) != text(&stored.current_revision)
        || text(&computed.update_revision) != text(&stored.update_revision)
        || conditions(computed) != conditions(stored)
}

fn conditions(status: &StatefulSetStatus) -> &[StatefulSetCondition] {
    status.conditions.as_deref().unwrap_or_default()
}

/// The computed status on a set that somebody changed meanwhile: conditions of other types are theirs.
pub fn rebase(computed: &mut StatefulSetStatus, stored: &StatefulSetStatus) {
    let mut ours = conditions(computed).iter();
    let ours = ours.find(|condition| condition.type_.as_deref() == Some(PROGRESSING));
    let others = conditions(stored).iter();
    let others = others.filter(|condition| condition.type_.as_deref() != Some(PROGRESSING));
    let all: Vec<_> = ours.into_iter().chain(others).cloned().collect();
    computed.conditions = (!all.is_empty()).then_some(all);
}

/// The status as it is written: counters that are zero are left out where the API leaves them out.
pub fn written(status: &StatefulSetStatus) -> StatefulSetStatus {
    let some = |counter: Option<i32>| counter.filter(|number| *number != 0);
    let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    StatefulSetStatus {
        current_replicas: some(status.current_replicas),
        ready_replicas: some(status.ready_replicas),
        updated_replicas: some(status.updated_replicas),
        current_revision: text(&status.current_revision),
        update_revision: text(&status.update_revision),
        ..status.clone()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::controller::{revision::Revision, set::tests::set};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn revisions(current: &str, update: &str) -> Revisions {
        let named = |name: &str| Revision {
            name: name.to_owned(),
            ..Revision::default()
        };
        Revisions {
            current: named(current),
            update: named(update),
            collision_count: 0,
        }
    }

    fn pod(revision: &str, phase: &str, ready: bool, terminating: bool) -> Arc<Pod> {
        let mut pod = json!({
            "metadata": {"labels": {"controller-revision-hash": revision}},
            "status": {"phase": phase, "conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }}]},
        });
        if terminating {
            pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        }
        Arc::new(serde_json::from_value(pod).expect("a pod"))
    }

    #[test]
    fn each_counter_counts_what_it_says() {
        let pods = [
            pod("a", "Running", true, false),
            pod("b", "Running", true, true),
            pod("b", "Running", false, false),
            pod("c", "Pending", true, false),
        ];
        let status = compute(&set(json!({})), &revisions("a", "b"), &pods, NOW);
        assert_eq!(status.replicas, 4);
        assert_eq!(
            status.ready_replicas,
            Some(2),
            "terminating ones while they are"
        );
        assert_eq!(status.available_replicas, Some(2));
        assert_eq!(status.current_replicas, Some(1));
        assert_eq!(status.updated_replicas, Some(1), "not those that terminate");
    }

    #[test]
    fn a_rollout_ends_when_all_wanted_pods_are_updated_and_ready() {
        let cases = [
            (3, 3, 3, true),
            (3, 2, 3, false),
            (3, 3, 2, false),
            (4, 4, 4, false),
            (2, 2, 2, false),
        ];
        for (replicas, ready, updated, ends) in cases {
            let mut status = StatefulSetStatus {
                replicas,
                ready_replicas: Some(ready),
                updated_replicas: Some(updated),
                current_replicas: Some(0),
                current_revision: Some("a".to_owned()),
                update_revision: Some("b".to_owned()),
                ..StatefulSetStatus::default()
            };
            complete(&mut status, 3, true, NOW);
            let current = status.current_revision.as_deref();
            assert_eq!(
                current,
                Some(if ends { "b" } else { "a" }),
                "{replicas} {ready} {updated}"
            );
            assert_eq!(
                status.conditions, None,
                "no rollout under Recreate, no condition"
            );
        }
    }

    #[test]
    fn a_conditions_time_changes_with_its_status_alone() {
        let later = NOW + jiff::SignedDuration::from_secs(9);
        let mut conditions = None;
        set_condition(&mut conditions, progressing(true, "A", "a"), NOW);
        set_condition(&mut conditions, progressing(true, "B", "b"), later);
        let time = |conditions: &Option<Vec<StatefulSetCondition>>| {
            let first = conditions.as_ref().expect("conditions")[0].clone();
            (
                first.reason.expect("a reason"),
                first.last_transition_time.expect("a time").0,
            )
        };
        assert_eq!(time(&conditions), ("B".to_owned(), NOW));
        set_condition(&mut conditions, progressing(false, "C", "c"), later);
        assert_eq!(time(&conditions), ("C".to_owned(), later));
    }

    #[test]
    fn a_status_is_written_for_a_difference_but_not_for_the_collision_count() {
        let revisions = revisions("a", "a");
        let mut set = set(json!({}));
        let computed = compute(&set, &revisions, &[pod("a", "Running", true, false)], NOW);
        assert!(differs(&set.status, &computed));
        set.status = written(&computed);
        assert!(!differs(&set.status, &computed));
        let mut collided = computed.clone();
        collided.collision_count = Some(1);
        assert!(!differs(&set.status, &collided));
        let newer = StatefulSetStatus {
            observed_generation: Some(2),
            ..computed
        };
        assert!(differs(&set.status, &newer));
    }

    #[test]
    fn conditions_of_others_survive_a_conflict() {
        let foreign = |status: &str| StatefulSetCondition {
            type_: Some("Backup".to_owned()),
            status: Some(status.to_owned()),
            ..StatefulSetCondition::default()
        };
        let mut computed = StatefulSetStatus {
            conditions: Some(vec![foreign("False"), progressing(true, "A", "a")]),
            ..StatefulSetStatus::default()
        };
        let stored = StatefulSetStatus {
            conditions: Some(vec![foreign("True")]),
            ..StatefulSetStatus::default()
        };
        rebase(&mut computed, &stored);
        assert_eq!(
            computed.conditions,
            Some(vec![progressing(true, "A", "a"), foreign("True")])
        );
    }
}
