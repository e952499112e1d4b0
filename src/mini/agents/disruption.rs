//! The disruption agent: how many pods of a budget are healthy, how many have to be, and how many may go.

use std::sync::Arc;

use k8s_openapi::{
    api::{
        apps::v1::{Deployment, ReplicaSet, StatefulSet},
        core::v1::Pod,
        policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec, PodDisruptionBudgetStatus},
    },
    apimachinery::pkg::{
        apis::meta::v1::{Condition, Time},
        util::intstr::IntOrString,
    },
};
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;
use tokio::time::Instant;

use super::{
    Change, Context, Error, Informer, Key, doing, is_gone,
    queue::{Agent, Queue, work},
    selects,
    start::Starting,
};
use crate::sets;

/// How long an eviction that the API server granted counts as coming, in seconds.
const EVICTION_SECONDS: i64 = 120;

struct Disruption {
    context: Context,
    queue: Queue<Key>,
    budgets: Informer<PodDisruptionBudget>,
    pods: Informer<Pod>,
    replica_sets: Informer<ReplicaSet>,
    deployments: Informer<Deployment>,
}

/// Runs the agent; never ends.
pub(super) async fn run(context: Context, starting: Starting) {
    let informers = &context.informers;
    let queue: Queue<Key> = Queue::default();
    let agent = Disruption {
        queue: queue.clone(),
        budgets: informers.of(),
        pods: informers.of(),
        replica_sets: informers.of(),
        deployments: informers.of(),
        context: context.clone(),
    };
    let line = queue.clone();
    agent
        .budgets
        .listen(move |change: &Change<PodDisruptionBudget>| line.add(change.key.clone()));
    let line = queue.clone();
    let budgets = agent.budgets.clone();
    agent.pods.listen(move |change: &Change<Pod>| {
        for budget in budgets.list_in(&change.key.namespace) {
            if change.both().any(|pod| covers(&budget, pod)) {
                line.add(Key::of(&*budget));
            }
        }
    });
    agent.budgets.synced().await;
    agent.pods.synced().await;
    agent.replica_sets.synced().await;
    agent.deployments.synced().await;
    drop(starting);
    work(agent, queue).await;
}

fn covers(budget: &PodDisruptionBudget, pod: &Pod) -> bool {
    let spec = budget.spec.as_ref();
    let selector = spec.and_then(|spec| spec.selector.as_ref());
    selects(selector, pod.labels())
}

/// A number, or a share of `total`, rounded up.
fn scaled(value: &IntOrString, total: i32) -> i32 {
    match value {
        IntOrString::Int(number) => *number,
        IntOrString::String(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
            let share = (percent * i64::from(total) + 99) / 100;
            i32::try_from(share).unwrap_or(i32::MAX)
        }
    }
}

/// How many pods there should be, and how many of them have to be healthy. `replicas` is what the pods' controllers
/// want together; a plain number of `minAvailable` does not need it.
fn expected(spec: &PodDisruptionBudgetSpec, pods: i32, replicas: i32) -> (i32, i32) {
    match (&spec.max_unavailable, &spec.min_available) {
        (Some(most), _) => {
            let healthy = replicas - scaled(most, replicas);
            (replicas, healthy.max(0))
        }
        (None, Some(IntOrString::Int(least))) => (pods, *least),
        (None, Some(share)) => (replicas, scaled(share, replicas)),
        (None, None) => (pods, 0),
    }
}

/// The status of a budget over its pods (those that ended left out), whose controllers want so many replicas. Also when
/// to look again because a granted eviction did not come.
pub fn status(
    budget: &PodDisruptionBudget,
    pods: &[Arc<Pod>],
    replicas: i32,
    now: jiff::Timestamp,
) -> (PodDisruptionBudgetStatus, Option<jiff::Timestamp>) {
    let spec = budget.spec.clone().unwrap_or_default();
    let known = budget.status.clone().unwrap_or_default();
    let mut disrupted = known.disrupted_pods.unwrap_or_default();
    let mut again = None;
    disrupted.retain(|name, since| {
        let ends = since
            .0
            .checked_add(jiff::SignedDuration::from_secs(EVICTION_SECONDS))
            .ok();
        let pod = pods.iter().find(|pod| pod.name_any() == *name);
        let coming = pod.is_some_and(|pod| !sets::is_terminating(pod)) && ends > Some(now);
        if coming {
            again = again.min(ends).or(ends);
        }
        coming
    });
    let healthy = pods
        .iter()
        .filter(|pod| !sets::is_terminating(pod) && !disrupted.contains_key(&pod.name_any()))
        .filter(|pod| sets::is_ready(pod));
    let healthy = i32::try_from(healthy.count()).unwrap_or(i32::MAX);
    let count = i32::try_from(pods.len()).unwrap_or(i32::MAX);
    let (expected, desired) = expected(&spec, count, replicas);
    let allowed = match expected > 0 {
        true => (healthy - desired).max(0),
        false => 0,
    };
    let status = PodDisruptionBudgetStatus {
        conditions: Some(vec![condition(budget, allowed > 0, now)]),
        current_healthy: Some(healthy),
        desired_healthy: Some(desired),
        disrupted_pods: (!disrupted.is_empty()).then_some(disrupted),
        disruptions_allowed: Some(allowed),
        expected_pods: Some(expected),
        observed_generation: budget.metadata.generation,
    };
    (status, again)
}

fn condition(budget: &PodDisruptionBudget, allowed: bool, now: jiff::Timestamp) -> Condition {
    let status = if allowed { "True" } else { "False" };
    let known = budget
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref());
    let known = known.and_then(|all| all.iter().find(|known| known.type_ == "DisruptionAllowed"));
    let since = known
        .filter(|known| known.status == status)
        .map_or(Time(now), |known| known.last_transition_time.clone());
    Condition {
        type_: "DisruptionAllowed".to_owned(),
        status: status.to_owned(),
        reason: if allowed {
            "SufficientPods"
        } else {
            "InsufficientPods"
        }
        .to_owned(),
        message: String::new(),
        last_transition_time: since,
        observed_generation: budget.metadata.generation,
    }
}

impl Disruption {
    /// What the controllers of these pods want together. A controller without a scale, and none, counts for nothing.
    async fn replicas(&self, namespace: &str, pods: &[Arc<Pod>]) -> Result<i32, Error> {
        let mut owners: Vec<(String, String, String)> = Vec::new();
        for pod in pods {
            let controller = pod
                .owner_references()
                .iter()
                .find(|owner| owner.controller == Some(true));
            if let Some(owner) = controller {
                let mut found = (owner.kind.clone(), owner.name.clone(), owner.uid.clone());
                let set = self
                    .replica_sets
                    .get(&Key::new(namespace, owner.name.as_str()));
                let above = set.filter(|_| owner.kind == "ReplicaSet").and_then(|set| {
                    let owners = set.owner_references().iter();
                    owners
                        .into_iter()
                        .find(|owner| owner.controller == Some(true))
                        .cloned()
                });
                if let Some(above) = above.filter(|above| above.kind == "Deployment") {
                    found = (above.kind, above.name, above.uid);
                }
                if !owners.contains(&found) {
                    owners.push(found);
                }
            }
        }
        let mut total = 0;
        for (kind, name, uid) in owners {
            let key = Key::new(namespace, name.as_str());
            total += match kind.as_str() {
                "ReplicaSet" => {
                    let set = self.replica_sets.get(&key);
                    set.and_then(|set| set.spec.replicas).unwrap_or(0)
                }
                "Deployment" => {
                    let deployment = self.deployments.get(&key);
                    deployment
                        .and_then(|found| found.spec.replicas)
                        .unwrap_or(0)
                }
                "StatefulSet" => self.scale(&key, &uid).await?,
                _ => 0,
            };
        }
        Ok(total)
    }

    /// The scale of a set, asked for as such: nothing else of a set is known here.
    async fn scale(&self, key: &Key, uid: &str) -> Result<i32, Error> {
        let api = Api::<StatefulSet>::namespaced(self.context.client.clone(), &key.namespace);
        match api.get_scale(&key.name).await {
            Err(error) if is_gone(&error) => Ok(0),
            Err(error) => Err(doing(format!("get the scale of {key}"))(error)),
            Ok(scale) if scale.metadata.uid.as_deref() != Some(uid) => Ok(0),
            Ok(scale) => Ok(scale.spec.and_then(|spec| spec.replicas).unwrap_or(0)),
        }
    }
}

impl Agent for Disruption {
    type Key = Key;

    async fn sync(&self, key: &Key) -> Result<(), Error> {
        let Some(budget) = self.budgets.get(key) else {
            return Ok(());
        };
        let mut pods = self.pods.list_in(&key.namespace);
        pods.retain(|pod| {
            covers(&budget, pod) && !sets::is_failed(pod) && !sets::is_succeeded(pod)
        });
        let replicas = self.replicas(&key.namespace, &pods).await?;
        let now = self.context.clock.now();
        let (status, again) = status(&budget, &pods, replicas, now);
        if let Some(again) = again {
            let at: Instant = self.context.clock.until(again);
            self.queue.add_at(key.clone(), at);
        }
        if budget.status.as_ref() == Some(&status) {
            return Ok(());
        }
        let mut patch = json!({
            "metadata": {"resourceVersion": budget.metadata.resource_version},
            "status": status,
        });
        if status.disrupted_pods.is_none() {
            patch["status"]["disruptedPods"] = serde_json::Value::Null;
        }
        let api =
            Api::<PodDisruptionBudget>::namespaced(self.context.client.clone(), &key.namespace);
        match api
            .patch_status(&key.name, &PatchParams::default(), &Patch::Merge(patch))
            .await
        {
            Err(error) if is_gone(&error) => {}
            other => self
                .budgets
                .learn(&other.map_err(doing(format!("set the status of budget {key}")))?),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
