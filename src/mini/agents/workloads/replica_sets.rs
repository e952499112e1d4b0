//! The ReplicaSets' agent: as many pods as asked for, in no order and under names that nobody chose.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use k8s_openapi::{
    api::{
        apps::v1::{ReplicaSet, ReplicaSetCondition, ReplicaSetSpec, ReplicaSetStatus},
        core::v1::Pod,
    },
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time},
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions},
};

use super::{Claim, adoption, claim, controller, is_active, release};
use crate::{
    mini::agents::{
        Change, Context, Error, Informer, Key, doing,
        events::{Recorder, Type},
        is_gone,
        queue::{Agent, Queue, work},
        selects,
        start::Starting,
    },
    sets,
};

/// How many pods one step creates or deletes at most.
const BURST: usize = 500;

struct ReplicaSets {
    context: Context,
    events: Recorder,
    queue: Queue<Key>,
    sets: Informer<ReplicaSet>,
    pods: Informer<Pod>,
}

/// Runs the agent; never ends.
pub(in crate::mini::agents) async fn run(context: Context, starting: Starting) {
    let informers = &context.informers;
    let queue: Queue<Key> = Queue::default();
    let agent = ReplicaSets {
        events: Recorder::new(&context, "replicaset-controller"),
        queue: queue.clone(),
        sets: informers.of(),
        pods: informers.of(),
        context: context.clone(),
    };
    let line = queue.clone();
    agent
        .sets
        .listen(move |change: &Change<ReplicaSet>| line.add(change.key.clone()));
    let line = queue.clone();
    let replica_sets = agent.sets.clone();
    agent.pods.listen(move |change: &Change<Pod>| {
        for pod in change.both() {
            let owner = pod
                .owner_references()
                .iter()
                .find(|owner| owner.controller == Some(true));
            match owner {
                Some(owner) if owner.kind == "ReplicaSet" => {
                    line.add(Key::new(change.key.namespace.as_str(), owner.name.as_str()));
                }
                Some(_) => {}
                None => {
                    for set in replica_sets.list_in(&change.key.namespace) {
                        if selects(Some(&set.spec.selector), pod.labels()) {
                            line.add(Key::of(&*set));
                        }
                    }
                }
            }
        }
    });
    agent.sets.synced().await;
    agent.pods.synced().await;
    drop(starting);
    work(agent, queue).await;
}

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
fn new_pod(set: &ReplicaSet) -> Pod {
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

/// The API refuses because the namespace is being deleted.
fn namespace_ends(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 403 && status.message.contains("because it is being terminated"))
}

impl ReplicaSets {
    fn pods_api(&self, namespace: &str) -> Api<Pod> {
        Api::namespaced(self.context.client.clone(), namespace)
    }

    async fn patch_pod(&self, pod: &Pod, patch: serde_json::Value) -> Result<(), Error> {
        let api = self.pods_api(&pod.namespace().unwrap_or_default());
        let name = pod.name_any();
        match api
            .patch(&name, &PatchParams::default(), &Patch::Strategic(patch))
            .await
        {
            Err(error) if is_gone(&error) => {}
            other => self
                .pods
                .learn(&other.map_err(doing(format!("change the owner of pod {name}")))?),
        }
        Ok(())
    }

    /// Creates and deletes; the reason of a condition, and what went wrong.
    async fn act(
        &self,
        key: &Key,
        set: &ReplicaSet,
        plan: &Plan,
    ) -> Result<(), (&'static str, Error)> {
        let api = self.pods_api(&key.namespace);
        for _ in 0..plan.create {
            match api.create(&PostParams::default(), &new_pod(set)).await {
                Ok(pod) => {
                    self.pods.learn(&pod);
                    let message = format!("Created pod: {}", pod.name_any());
                    self.events
                        .record(set, Type::Normal, "SuccessfulCreate", &message)
                        .await;
                }
                Err(error) if namespace_ends(&error) => return Ok(()),
                Err(error) => {
                    let message = format!("Error creating: {}", said(&error));
                    self.events
                        .record(set, Type::Warning, "FailedCreate", &message)
                        .await;
                    let what = format!("create a pod of replica set {key}");
                    return Err(("FailedCreate", doing(what)(error)));
                }
            }
        }
        for pod in &plan.delete {
            let name = pod.name_any();
            let only_this = DeleteParams::default().preconditions(Preconditions {
                uid: pod.uid(),
                resource_version: None,
            });
            match api.delete(&name, &only_this).await {
                Ok(answer) => {
                    if let Some(pod) = answer.left() {
                        self.pods.learn(&pod);
                    }
                    let message = format!("Deleted pod: {name}");
                    self.events
                        .record(set, Type::Normal, "SuccessfulDelete", &message)
                        .await;
                }
                Err(error) if is_gone(&error) => {}
                Err(error) => {
                    let message = format!("Error deleting: {}", said(&error));
                    self.events
                        .record(set, Type::Warning, "FailedDelete", &message)
                        .await;
                    return Err(("FailedDelete", doing(format!("delete pod {name}"))(error)));
                }
            }
        }
        Ok(())
    }

    async fn write_status(
        &self,
        key: &Key,
        set: &ReplicaSet,
        status: &ReplicaSetStatus,
    ) -> Result<(), Error> {
        if set.status.as_ref() == Some(status) {
            return Ok(());
        }
        let mut next = set.clone();
        next.status = Some(status.clone());
        let api = Api::<ReplicaSet>::namespaced(self.context.client.clone(), &key.namespace);
        match api
            .replace_status(&key.name, &PostParams::default(), &next)
            .await
        {
            Err(error) if is_gone(&error) => {}
            other => self
                .sets
                .learn(&other.map_err(doing(format!("set the status of replica set {key}")))?),
        }
        Ok(())
    }
}

/// What the API said, without what was tried.
fn said(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}

/// Sets or removes the condition that says that pods could not be made or removed.
fn failure(status: &mut ReplicaSetStatus, failed: Option<(&'static str, String)>, now: Timestamp) {
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

impl Agent for ReplicaSets {
    type Key = Key;

    async fn sync(&self, key: &Key) -> Result<(), Error> {
        let Some(set) = self.sets.get(key) else {
            return Ok(());
        };
        let now = self.context.clock.now();
        let mut plan = plan(&set, &self.pods.list_in(&key.namespace), now);
        for pod in &plan.adopt {
            self.patch_pod(pod, adoption(&*set, &**pod)).await?;
        }
        for pod in &plan.release {
            self.patch_pod(pod, release(&*set, &**pod)).await?;
        }
        let done = self.act(key, &set, &plan).await;
        let failed = done.as_ref().err();
        let failed = failed.map(|(reason, error)| match error {
            Error::Api { source, .. } => (*reason, said(source)),
            Error::NotYet(text) => (*reason, text.clone()),
        });
        failure(&mut plan.status, failed, now);
        if let Some(again) = plan.again {
            self.queue
                .add_at(key.clone(), self.context.clock.until(again));
        }
        self.write_status(key, &set, &plan.status).await?;
        done.map_err(|(_, error)| error)
    }
}
