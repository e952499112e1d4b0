//! Controllers known to be wrong: each is the reference controller with one small change.

mod events;
mod identity;
mod max_unavailable;
mod ordering;
mod ownership;
mod reached;
mod recreate;
mod regressions;
mod retention;
mod revisions;
mod scaling;
mod start;
mod status;
mod storage;
mod trouble;
mod updates;

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::{
    apps::v1::{RollingUpdateStatefulSetStrategy, StatefulSetUpdateStrategy},
    core::v1::Pod,
};

use super::{Mutant, Part};
use crate::{
    controller::{
        Twist,
        plan::{self, About, DeletePod, Item, Observed, Plan, Run, Stage, Step, Why},
    },
    inventory::Party,
    sets::{Ordinal, is_available, is_running_and_ready, is_terminating, ordinal_of, revision_of},
};

/// All of them, by chapter.
pub(super) fn all() -> impl Iterator<Item = Mutant> {
    [
        ordering::ALL,
        scaling::ALL,
        updates::ALL,
        identity::ALL,
        storage::ALL,
        retention::ALL,
        start::ALL,
        max_unavailable::ALL,
        recreate::ALL,
        status::ALL,
        ownership::ALL,
        revisions::ALL,
        events::ALL,
        trouble::ALL,
        reached::ALL,
        regressions::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// A mutant of the controller.
const fn mutant(
    id: &'static str,
    says: &'static str,
    breaks: &'static [&'static str],
    twist: fn() -> Arc<dyn Twist>,
) -> Mutant {
    Mutant {
        id,
        party: Party::Controller,
        says,
        breaks,
        part: Part::Controller(twist),
    }
}

fn name(pod: &Pod) -> &str {
    pod.metadata.name.as_deref().unwrap_or_default()
}

fn ordinal(observed: &Observed, pod: &Pod) -> Option<Ordinal> {
    ordinal_of(observed.set.name(), name(pod))
}

/// The pods of the range that exist, ascending.
fn in_range(observed: &Observed) -> Vec<&Arc<Pod>> {
    let is_in = |ordinal| observed.set.range().contains(&ordinal);
    sorted(observed, is_in)
}

/// The pods out of range, ascending.
fn condemned(observed: &Observed) -> Vec<&Arc<Pod>> {
    let is_out = |ordinal| !observed.set.range().contains(&ordinal);
    sorted(observed, is_out)
}

fn sorted(observed: &Observed, which: impl Fn(Ordinal) -> bool) -> Vec<&Arc<Pod>> {
    let pods = observed.pods.iter();
    let mut pods: Vec<_> = pods
        .filter_map(|pod| Some((ordinal(observed, pod)?, pod)))
        .collect();
    pods.retain(|(ordinal, _)| which(*ordinal));
    pods.sort_by_key(|(ordinal, _)| *ordinal);
    pods.into_iter().map(|(_, pod)| pod).collect()
}

fn works(observed: &Observed, pod: &Pod, now: Timestamp) -> bool {
    is_running_and_ready(pod)
        && !is_terminating(pod)
        && is_available(pod, observed.set.min_ready_seconds(), now)
}

fn is_old(observed: &Observed, pod: &Pod) -> bool {
    revision_of(pod) != observed.revisions.update.name && !is_terminating(pod)
}

/// The pods of older revisions at or above an index, ascending.
fn old_from(observed: &Observed, index: i32) -> Vec<&Arc<Pod>> {
    let lowest = observed.set.start().saturating_add(index);
    let mut pods = in_range(observed);
    pods.retain(|pod| {
        ordinal(observed, pod).is_some_and(|ordinal| ordinal >= lowest) && is_old(observed, pod)
    });
    pods
}

fn delete(observed: &Observed, pod: &Pod, why: Why) -> Item {
    let is_current = revision_of(pod) == observed.revisions.current.name;
    Item::from(Step::DeletePod(DeletePod {
        name: name(pod).to_owned(),
        uid: pod.metadata.uid.clone(),
        why,
        lowers_current: why == Why::Outdated && is_current,
    }))
}

/// The items of a plan's stage; an empty stage if it has none of that kind.
fn items(plan: &mut Plan, about: About) -> &mut Vec<Item> {
    let at = plan.stages.iter().position(|stage| stage.about == about);
    let at = at.unwrap_or_else(|| {
        plan.stages.push(Stage {
            about,
            run: Run::InOrder,
            items: Vec::new(),
            then: None,
        });
        plan.stages.len() - 1
    });
    &mut plan.stages[at].items
}

/// Takes steps out of a plan.
fn drop_steps(plan: &mut Plan, drop: impl Fn(&Step) -> bool) {
    for stage in &mut plan.stages {
        for item in &mut stage.items {
            item.steps.retain(|step| !drop(step));
        }
    }
}

/// What would be planned if something else were seen.
fn instead(
    observed: &Observed,
    now: Timestamp,
    change: impl FnOnce(&mut Observed),
) -> Option<Plan> {
    let mut other = observed.clone();
    change(&mut other);
    plan::plan(&other, now).ok()
}

fn make_parallel(observed: &mut Observed) {
    observed.set.spec.pod_management_policy = Some("Parallel".to_owned());
}

fn set_partition(observed: &mut Observed, partition: i32) {
    let strategy = observed.set.spec.update_strategy.get_or_insert_default();
    *strategy = StatefulSetUpdateStrategy {
        type_: Some("RollingUpdate".to_owned()),
        rolling_update: Some(RollingUpdateStatefulSetStrategy {
            partition: Some(partition),
            ..strategy.rolling_update.clone().unwrap_or_default()
        }),
    };
}

fn creates(step: &Step) -> bool {
    matches!(step, Step::CreatePod(_))
}
