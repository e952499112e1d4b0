//! What to do about the ReplicaSets of a Deployment.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::{
    api::{
        apps::v1::{
            Deployment, DeploymentSpec, DeploymentStatus, ReplicaSet, RollingUpdateDeployment,
        },
        core::v1::Pod,
    },
    apimachinery::pkg::util::intstr::IntOrString,
};
use kube::ResourceExt;

use super::{
    progress,
    template::{REVISION, is_of, number},
};
use crate::sets;

/// One write to a ReplicaSet.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// The set of a new template.
    Create(Box<ReplicaSet>),
    /// Other annotations, or another size.
    Update {
        /// The set as it shall be.
        set: Box<ReplicaSet>,
        /// Its size before and now, if that changes.
        scaled: Option<(i32, i32)>,
    },
    /// A set that the history no longer holds.
    Delete(Box<ReplicaSet>),
}

/// What to do about a Deployment.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Writes to its sets, in order.
    pub actions: Vec<Action>,
    /// The revision the Deployment shall show, if it shows another one.
    pub revision: Option<String>,
    /// Its status before all that.
    pub status: DeploymentStatus,
    /// When the progress has to be judged again.
    pub again: Option<Timestamp>,
}

/// Decides about a Deployment. `own` are its sets, `pods` the pods of its namespace.
///
/// Growing comes before shrinking, shrinking before clearing up, one of them a step, as in the real controller. A
/// rollout that is under way when the size changes goes on with the new size; it is not scaled in proportion.
pub fn plan(
    deployment: &Deployment,
    own: &[ReplicaSet],
    pods: &[Arc<Pod>],
    now: Timestamp,
) -> Plan {
    let spec = deployment.spec.clone();
    let mut own = own.to_vec();
    own.sort_by_key(|set| (set.creation_timestamp().map(|time| time.0), set.name_any()));
    let at = own.iter().position(|set| is_of(set, &spec.template));
    let mut sets = Sets {
        deployment,
        new: at.map(|at| own.remove(at)),
        old: own,
        actions: Vec::new(),
        spec,
    };
    let mut revision = None;
    if deployment.metadata.deletion_timestamp.is_none() && !sets.selects_all() {
        let recreate = sets.is_recreate();
        let waits = recreate && sets.old_pods_left(pods);
        match (sets.spec.paused == Some(true), recreate) {
            (true, _) => sets.resize_paused(),
            (false, true) => sets.recreate(waits),
            (false, false) => sets.roll(),
        }
        revision = sets.revision();
    }
    let (status, again) = progress::status(&sets, now);
    Plan {
        actions: sets.actions,
        revision,
        status,
        again,
    }
}

/// A Deployment's sets while its plan is made. The actions are what they were changed by; their status is as observed.
pub(super) struct Sets<'a> {
    pub(super) deployment: &'a Deployment,
    pub(super) spec: DeploymentSpec,
    pub(super) new: Option<ReplicaSet>,
    /// Oldest first.
    pub(super) old: Vec<ReplicaSet>,
    actions: Vec<Action>,
}

/// How many pods a set shall have.
pub(super) fn size(set: &ReplicaSet) -> i32 {
    set.spec.replicas.unwrap_or(0)
}

/// How many of its pods are available.
pub(super) fn available(set: &ReplicaSet) -> i32 {
    set.status
        .as_ref()
        .and_then(|status| status.available_replicas)
        .unwrap_or(0)
}

/// A number, or a share of `total`.
fn scaled(value: Option<&IntOrString>, total: i32, up: bool) -> i32 {
    match value {
        None => 0,
        Some(IntOrString::Int(number)) => *number,
        Some(IntOrString::String(text)) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
            let share = percent * i64::from(total) + if up { 99 } else { 0 };
            i32::try_from(share / 100).unwrap_or(i32::MAX)
        }
    }
}

impl Sets<'_> {
    pub(super) fn wanted(&self) -> i32 {
        self.spec.replicas.unwrap_or(1)
    }

    fn is_recreate(&self) -> bool {
        let strategy = self.spec.strategy.as_ref();
        strategy.and_then(|strategy| strategy.type_.as_deref()) == Some("Recreate")
    }

    fn selects_all(&self) -> bool {
        self.spec.selector
            == k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector::default()
    }

    /// How many pods there may be beyond the size, and how many may be missing. Never are both nothing.
    pub(super) fn bounds(&self) -> (i32, i32) {
        let strategy = self.spec.strategy.clone().unwrap_or_default();
        let rolling: RollingUpdateDeployment = match self.is_recreate() {
            true => return (0, 0),
            false => strategy.rolling_update.unwrap_or_default(),
        };
        let surge = scaled(rolling.max_surge.as_ref(), self.wanted(), true);
        let unavailable = scaled(rolling.max_unavailable.as_ref(), self.wanted(), false);
        match (surge, unavailable) {
            (0, 0) => (0, 1),
            both => both,
        }
    }

    /// How many pods may be unavailable.
    pub(super) fn max_unavailable(&self) -> i32 {
        let (_, unavailable) = self.bounds();
        match self.wanted() {
            0 => 0,
            wanted => unavailable.min(wanted),
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &ReplicaSet> {
        self.old.iter().chain(&self.new)
    }

    fn total(&self) -> i32 {
        self.all().map(size).sum()
    }

    fn old_pods_left(&self, pods: &[Arc<Pod>]) -> bool {
        let running = |pod: &Pod| !sets::is_failed(pod) && !sets::is_succeeded(pod);
        let of_old = |pod: &Pod| {
            let mut old = self.old.iter();
            old.any(|set| set.metadata.uid.as_deref() == sets::owner_uid(pod))
        };
        pods.iter().any(|pod| running(pod) && of_old(pod))
    }

    /// What the new set may grow or has to shrink to.
    fn new_size(&self) -> i32 {
        let now = self.new.as_ref().map_or(0, size);
        if self.is_recreate() || now >= self.wanted() {
            return self.wanted();
        }
        let (surge, _) = self.bounds();
        let room = self.wanted() + surge - self.total();
        now + room.max(0).min(self.wanted() - now)
    }

    fn roll(&mut self) {
        let to = self.new_size();
        if self.bring_new(to) {
            return;
        }
        if self.shrink_old() {
            return;
        }
        self.clear_up();
    }

    fn recreate(&mut self, waits: bool) {
        let mut shrunk = false;
        for at in 0..self.old.len() {
            shrunk |= self.resize_old(at, 0);
        }
        if shrunk || waits {
            return;
        }
        let to = self.new_size();
        if !self.bring_new(to) {
            self.clear_up();
        }
    }

    /// A paused Deployment makes no new set, but its one active set follows its size.
    fn resize_paused(&mut self) {
        let wanted = self.wanted();
        if self.old.iter().all(|set| size(set) == 0) {
            if self.new.is_some() {
                self.bring_new(wanted);
            }
            return;
        }
        let mut active = (0..self.old.len()).filter(|at| size(&self.old[*at]) > 0);
        if let (Some(at), None, true) = (
            active.next(),
            active.next(),
            self.new.as_ref().is_none_or(|new| size(new) == 0),
        ) {
            self.resize_old(at, wanted);
        }
    }

    /// Makes the new set, or gives it this size and the annotations it should have. Whether its size changed.
    fn bring_new(&mut self, to: i32) -> bool {
        let annotations = self.annotations();
        let Some(before) = &self.new else {
            let set = self.new_set(to, annotations);
            self.actions.push(Action::Create(Box::new(set.clone())));
            self.new = Some(set);
            return true;
        };
        let from = size(before);
        let mut set = before.clone();
        set.metadata.annotations = Some(annotations);
        let spec = &mut set.spec;
        spec.min_ready_seconds = self.spec.min_ready_seconds;
        spec.replicas = Some(to);
        if from != to {
            self.mark(&mut set);
        }
        if set != *before {
            let scaled = (from != to).then_some((from, to));
            self.actions.push(Action::Update {
                set: Box::new(set.clone()),
                scaled,
            });
            self.new = Some(set);
        }
        from != to
    }

    fn resize_old(&mut self, at: usize, to: i32) -> bool {
        let from = size(&self.old[at]);
        if from == to {
            return false;
        }
        let mut set = self.old[at].clone();
        set.spec.replicas = Some(to);
        self.mark(&mut set);
        self.old[at] = set.clone();
        self.actions.push(Action::Update {
            set: Box::new(set),
            scaled: Some((from, to)),
        });
        true
    }

    /// First the pods of old sets that are not available anyway, then as many as may be missing.
    fn shrink_old(&mut self) -> bool {
        if self.old.iter().all(|set| size(set) == 0) {
            return false;
        }
        let least = self.wanted() - self.max_unavailable();
        let missing = self
            .new
            .as_ref()
            .map_or(0, |new| size(new) - available(new));
        let most = self.total() - least - missing;
        if most <= 0 {
            return false;
        }
        let mut shrunk = 0;
        for at in 0..self.old.len() {
            let (now, good) = (size(&self.old[at]), available(&self.old[at]));
            let by = (most - shrunk).min(now - good);
            if now > 0 && by > 0 {
                self.resize_old(at, now - by);
                shrunk += by;
            }
        }
        let mut spare = self.all().map(available).sum::<i32>() - least;
        for at in 0..self.old.len() {
            let now = size(&self.old[at]);
            let by = spare.min(now);
            if by > 0 {
                self.resize_old(at, now - by);
                spare -= by;
                shrunk += by;
            }
        }
        shrunk > 0
    }

    /// Once the rollout is complete, the oldest sets beyond the history's limit go.
    fn clear_up(&mut self) {
        let Some(limit) = self.spec.revision_history_limit else {
            return;
        };
        if !progress::is_complete(self) {
            return;
        }
        let mut idle: Vec<_> = self
            .old
            .iter()
            .filter(|set| set.metadata.deletion_timestamp.is_none())
            .collect();
        idle.sort_by_key(|set| number(set.annotations(), REVISION));
        let surplus = idle
            .len()
            .saturating_sub(usize::try_from(limit).unwrap_or(0));
        let empty = |set: &ReplicaSet| {
            let status = set.status.clone().unwrap_or_default();
            size(set) == 0
                && status.replicas == 0
                && status.observed_generation >= set.metadata.generation
        };
        for set in idle.into_iter().take(surplus).filter(|set| empty(set)) {
            self.actions.push(Action::Delete(Box::new(set.clone())));
        }
    }
}
