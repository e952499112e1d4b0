//! What one sync does about a set's pods, decided from what was observed and the time, and nothing else.
//!
//! A [`Plan`] is a list of stages. A stage runs its items one after the other or in growing batches, an item its steps
//! in order; the first failure ends the plan. "Nothing to do" carries its reason.

mod condemned;
mod in_range;
mod place;
mod recreate;
mod rolling;

use std::{collections::BTreeMap, fmt, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::{
    apps::v1::{StatefulSetCondition, StatefulSetStatus},
    core::v1::{PersistentVolumeClaim, Pod},
};

use super::{
    claim::{self, Naming, Needs, References},
    pod::Repair,
    revision::Revisions,
    set::{Block, Set, Strategy},
    status,
};
use crate::sets::{Ordinal, available_at, is_available, is_running_and_ready};

use place::{Placed, place};

/// The feature gates of the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gates {
    /// MaxUnavailableStatefulSet.
    pub max_unavailable: bool,
    /// StatefulSetSemanticRevisionComparison.
    pub semantic_comparison: bool,
    /// StaleControllerConsistencyStatefulSet.
    pub own_writes: bool,
    /// StatefulSetRecreateStrategy.
    pub recreate: bool,
}

impl Default for Gates {
    /// As Kubernetes 1.37 has them.
    fn default() -> Self {
        Self {
            max_unavailable: true,
            semantic_comparison: true,
            own_writes: true,
            recreate: false,
        }
    }
}

/// What a plan is made from.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The set.
    pub set: Set,
    /// Its revisions.
    pub revisions: Revisions,
    /// Its pods, by name.
    pub pods: Vec<Arc<Pod>>,
    /// The claims of its pods and of those it wants, by name.
    pub claims: BTreeMap<String, Arc<PersistentVolumeClaim>>,
    /// How claims are named.
    pub naming: Naming,
    /// The gates.
    pub gates: Gates,
}

impl Observed {
    fn claim(&self, name: &str) -> Option<&Arc<PersistentVolumeClaim>> {
        self.claims.get(name)
    }

    /// The claims of an ordinal that are there, in the order of the templates.
    fn claims_of(&self, ordinal: Ordinal) -> Vec<&Arc<PersistentVolumeClaim>> {
        let names = claim::names(&self.set, ordinal, self.naming);
        names.iter().filter_map(|name| self.claim(name)).collect()
    }
}

/// What one sync does.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What is done, in order.
    pub stages: Vec<Stage>,
    /// The status before the stages; what they change in it is said by [`DeletePod::lowers_current`] and
    /// [`Stage::then`].
    pub status: StatefulSetStatus,
    /// Why nothing more is done.
    pub waiting: Option<Waiting>,
    /// When to look again although nothing happened: a Ready pod will be available.
    pub requeue: Option<Timestamp>,
    /// How many pods are unavailable, if the plan came to counting them against maxUnavailable.
    pub unavailable: Option<usize>,
}

impl Plan {
    /// All steps, in order.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        let items = self.stages.iter().flat_map(|stage| &stage.items);
        items.flat_map(|item| &item.steps)
    }

    /// There is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps().next().is_none()
    }
}

/// A part of a plan. The next one begins when all of it is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// What it is about.
    pub about: About,
    /// How its items follow each other.
    pub run: Run,
    /// Its items; those without a step count for the size of batches.
    pub items: Vec<Item>,
    /// A condition of the status, once all of it is done.
    pub then: Option<StatefulSetCondition>,
}

/// The parts of a plan, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// Pods of older revisions go, under Recreate.
    Recreate,
    /// Pods that the set wants are created, replaced after a failure, repaired.
    InRange,
    /// The claims of condemned pods get their owners.
    References,
    /// Condemned pods go.
    Condemned,
    /// Pods of older revisions go, for a rolling update.
    Update,
}

/// How items follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// One after the other; the first failure ends the plan.
    InOrder,
    /// In batches of 1, 2, 4 and so on up to 500, each at once; the first batch with a failure ends the plan.
    Batches,
}

/// What is done about one pod.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item {
    /// In order; the first failure ends it.
    pub steps: Vec<Step>,
}

impl From<Step> for Item {
    fn from(step: Step) -> Self {
        Self { steps: vec![step] }
    }
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Creates a pod and what it needs.
    CreatePod(Box<CreatePod>),
    /// Deletes a pod.
    DeletePod(DeletePod),
    /// Makes a live pod right again.
    RepairPod(Box<RepairPod>),
    /// Creates claims of a pod that waits for them.
    CreateClaims(Arc<Pod>, Needs),
    /// Puts the owners of a pod's claims right.
    SetOwners(Arc<Pod>, References),
}

/// A pod to create.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatePod {
    /// Which one.
    pub ordinal: Ordinal,
    /// As it is sent.
    pub pod: Pod,
    /// Claims to create first.
    pub needs: Needs,
    /// Owners of its claims to put right afterwards.
    pub references: References,
}

/// A pod to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletePod {
    /// Its name.
    pub name: String,
    /// The object that is meant; none for one that this very plan creates.
    pub uid: Option<String>,
    /// Why.
    pub why: Why,
    /// It counts in currentReplicas until it is deleted.
    pub lowers_current: bool,
}

/// Why a pod is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It failed, or ended.
    Failed,
    /// Its ordinal is out of range.
    Condemned,
    /// It is of an older revision.
    Outdated,
}

/// A pod to make right.
#[derive(Clone, Debug, PartialEq)]
pub struct RepairPod {
    /// Which one.
    pub ordinal: Ordinal,
    /// The owners of its claims are put right by an earlier step.
    pub without_owners: bool,
    /// What to do.
    pub repair: Repair,
}

/// Why a plan does nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// The set is being deleted.
    Deletion,
    /// The object of this pod has to be gone.
    Gone(String),
    /// This pod has to be Running and Ready.
    Ready(String),
    /// This pod has to be available.
    Available(String),
    /// A claim of this pod still belongs to an earlier one and is about to go with it.
    Claim(String),
    /// As many pods are unavailable as may be, or more.
    Budget {
        /// How many are.
        unavailable: usize,
        /// How many may be.
        budget: usize,
    },
}

impl fmt::Display for Waiting {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deletion => out.write_str("the set is being deleted"),
            Self::Gone(pod) => write!(out, "{pod} to be gone"),
            Self::Ready(pod) => write!(out, "{pod} to be Running and Ready"),
            Self::Available(pod) => write!(out, "{pod} to be available"),
            Self::Claim(pod) => write!(out, "the old claim of {pod} to be gone"),
            Self::Budget {
                unavailable,
                budget,
            } => write!(
                out,
                "pods to be available: {unavailable} are not, {budget} may be"
            ),
        }
    }
}

/// A set that no plan can be made for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Its strategy is Recreate, and the gate is off.
    #[error(
        "statefulset {0} uses Recreate strategy but feature gate StatefulSetRecreateStrategy is disabled"
    )]
    UnknownStrategy(super::set::Key),
}

/// Decides what a sync does.
///
/// # Errors
///
/// A strategy that the controller does not know; then no status is written either.
pub fn plan(observed: &Observed, now: Timestamp) -> Result<Plan, Refusal> {
    let set = &observed.set;
    let is_recreate = set.strategy() == Strategy::Recreate;
    if is_recreate && !observed.gates.recreate {
        return Err(Refusal::UnknownStrategy(set.key()));
    }
    if set.is_deleting() {
        let status = status::compute(set, &observed.revisions, &observed.pods, now);
        return Ok(Plan {
            requeue: requeue(observed, &status, now),
            status,
            stages: Vec::new(),
            waiting: Some(Waiting::Deletion),
            unavailable: None,
        });
    }
    let placed = place(observed, now);
    let status = status::compute(set, &observed.revisions, placed.stored(), now);
    let mut stages = Vec::new();
    let end = decide(observed, &placed, is_recreate, &mut stages);
    let mut plan = Plan {
        requeue: requeue(observed, &status, now),
        status,
        unavailable: is_counted(observed, &stages).then(|| rolling::unavailable(&placed)),
        stages,
        waiting: end.err(),
    };
    if plan.is_empty() && plan.waiting.is_none() {
        plan.waiting = placed.unavailable();
    }
    Ok(plan)
}

fn is_counted(observed: &Observed, stages: &[Stage]) -> bool {
    let is_update = |stage: &Stage| stage.about == About::Update;
    observed.gates.max_unavailable && stages.iter().any(is_update)
}

/// How many pods of a set may be unavailable in a rolling update; 1 under any other strategy.
pub fn max_unavailable(set: &Set) -> usize {
    let block = match set.strategy() {
        Strategy::RollingUpdate(block) => block.unwrap_or_default(),
        Strategy::OnDelete | Strategy::Recreate => Block::default(),
    };
    rolling::budget(block.max_unavailable.as_ref(), set.replicas())
}

/// The stages of a plan. An end before all stages are decided is an error with its reason.
fn decide(
    observed: &Observed,
    placed: &Placed,
    is_recreate: bool,
    stages: &mut Vec<Stage>,
) -> Result<(), Waiting> {
    if is_recreate {
        recreate::decide(observed, placed, stages)?;
    }
    in_range::decide(observed, placed, stages)?;
    condemned::decide(observed, placed, stages)?;
    match observed.set.strategy() {
        Strategy::RollingUpdate(block) => {
            rolling::decide(observed, placed, &block.unwrap_or_default(), stages)
        }
        Strategy::OnDelete | Strategy::Recreate => Ok(()),
    }
}

/// When the first Ready pod that is not available will be.
fn requeue(observed: &Observed, status: &StatefulSetStatus, now: Timestamp) -> Option<Timestamp> {
    let seconds = observed.set.min_ready_seconds();
    if seconds == 0 || status.ready_replicas == status.available_replicas {
        return None;
    }
    let pods = observed.pods.iter();
    let waiting = pods
        .filter(|pod| is_running_and_ready(pod) && !is_available(pod, seconds, now))
        .filter_map(|pod| available_at(pod, seconds));
    Some(
        waiting
            .min()
            .unwrap_or(now + SignedDuration::from_secs(seconds.into())),
    )
}

#[cfg(test)]
mod tests;
