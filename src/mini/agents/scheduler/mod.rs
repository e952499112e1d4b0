//! The scheduler: finds a node for each pod that has none.
//!
//! The decision is `fit::decide`, on a snapshot of what the caches know. A pod that fits nowhere is looked at again
//! when a node, a pod, a claim, a volume or a class changes. Pods of lower priority make room for it. Of the preferences
//! there is none but an even spread.

mod affinity;
mod fit;
mod preempt;
mod volumes;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use k8s_openapi::{
    api::{
        core::v1::{Binding, Node, ObjectReference, PersistentVolume, PersistentVolumeClaim, Pod},
        storage::v1::StorageClass,
    },
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions},
};
use serde_json::{Value, json};

pub(super) use affinity::selects_node;
pub(super) use fit::refused;
pub use fit::{Decision, Snapshot};
pub use preempt::Preemption;

use super::{
    Change, Context, Error, Informer, Key, doing,
    events::{Recorder, Type},
    is_gone,
    queue::{Agent, Queue, work},
    start::Starting,
};
use crate::sets;

/// The name under which pods ask for this scheduler; the API server's default.
pub const NAME: &str = "default-scheduler";

struct Scheduler {
    context: Context,
    events: Recorder,
    queue: Queue<Key>,
    pods: Informer<Pod>,
    nodes: Informer<Node>,
    claims: Informer<PersistentVolumeClaim>,
    volumes: Informer<PersistentVolume>,
    classes: Informer<StorageClass>,
    /// Pods bound by us that the cache still shows without a node, by UID.
    assumed: Mutex<BTreeMap<String, String>>,
}

/// Runs the scheduler; never ends.
pub(super) async fn run(context: Context, starting: Starting) {
    let informers = &context.informers;
    let queue = Queue::default();
    let scheduler = Scheduler {
        events: Recorder::new(&context, NAME),
        queue: queue.clone(),
        pods: informers.of(),
        nodes: informers.of(),
        claims: informers.of(),
        volumes: informers.of(),
        classes: informers.of(),
        assumed: Mutex::default(),
        context: context.clone(),
    };
    scheduler.listen();
    scheduler.pods.synced().await;
    scheduler.nodes.synced().await;
    scheduler.claims.synced().await;
    scheduler.volumes.synced().await;
    scheduler.classes.synced().await;
    drop(starting);
    work(scheduler, queue).await;
}

/// Whether this scheduler has to find a node for the pod.
fn is_ours(pod: &Pod) -> bool {
    pod.spec.as_ref().is_some_and(|spec| {
        spec.node_name.as_deref().unwrap_or_default().is_empty()
            && spec.scheduler_name.as_deref().unwrap_or(NAME) == NAME
    })
}

/// The key that stands for all pods without a node.
fn everybody() -> Key {
    Key::default()
}

impl Scheduler {
    fn listen(&self) {
        let queue = self.queue.clone();
        self.pods.listen(move |change: &Change<Pod>| {
            if change.new.as_deref().is_some_and(is_ours) {
                queue.add(change.key.clone());
            }
            // A pod that ended makes room, one that got a node may be what another one wants or shuns.
            let placed =
                |pod: &Arc<Pod>| !is_ours(pod) && !sets::is_failed(pod) && !sets::is_succeeded(pod);
            if change.old.as_ref().is_some_and(placed) != change.new.as_ref().is_some_and(placed) {
                queue.add(everybody());
            }
        });
        let queue = self.queue.clone();
        self.nodes.listen(move |change: &Change<Node>| {
            let relevant = |node: &Node| {
                let status = node.status.clone().unwrap_or_default();
                (
                    node.metadata.labels.clone(),
                    node.spec.clone(),
                    status.allocatable,
                )
            };
            let old = change.old.as_deref().map(relevant);
            if change.new.as_deref().map(relevant) != old {
                queue.add(everybody());
            }
        });
        let queue = self.queue.clone();
        self.claims.listen(move |_| queue.add(everybody()));
        let queue = self.queue.clone();
        self.volumes.listen(move |_| queue.add(everybody()));
        let queue = self.queue.clone();
        self.classes.listen(move |_| queue.add(everybody()));
    }

    fn assumed(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.assumed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn snapshot(&self) -> Snapshot {
        let mut placed = Vec::new();
        let mut nominated = Vec::new();
        let mut still = BTreeMap::new();
        let assumed = std::mem::take(&mut *self.assumed());
        for pod in self.pods.list() {
            let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone());
            let uid = pod.uid().unwrap_or_default();
            let node = node.or_else(|| {
                let node = assumed.get(&uid)?;
                still.insert(uid, node.clone());
                Some(node.clone())
            });
            let status = pod.status.as_ref();
            if node.is_none() && status.is_some_and(|status| status.nominated_node_name.is_some()) {
                nominated.push(Arc::clone(&pod));
            }
            // A pod that ended holds nothing.
            if let Some(node) = node
                && !sets::is_failed(&pod)
                && !sets::is_succeeded(&pod)
            {
                placed.push((node, pod));
            }
        }
        *self.assumed() = still;
        let claims = self.claims.list().into_iter();
        Snapshot {
            nodes: self.nodes.list(),
            placed,
            nominated,
            claims: claims.map(|claim| (Key::of(&*claim), claim)).collect(),
            volumes: self.volumes.list(),
            classes: self.classes.list(),
        }
    }

    async fn bind(&self, pod: &Pod, node: &str) -> Result<(), Error> {
        let name = pod.name_any();
        let namespace = pod.namespace().unwrap_or_default();
        let binding = Binding {
            metadata: kube::api::ObjectMeta {
                name: Some(name.clone()),
                namespace: Some(namespace.clone()),
                uid: pod.uid(),
                ..Default::default()
            },
            target: ObjectReference {
                kind: Some("Node".to_owned()),
                name: Some(node.to_owned()),
                ..Default::default()
            },
        };
        let api = Api::<Pod>::namespaced(self.context.client.clone(), &namespace);
        let bound: Result<Value, _> = api
            .create_subresource("binding", &name, &PostParams::default(), &binding)
            .await;
        match bound {
            Err(error) if is_gone(&error) => return Ok(()),
            other => other.map_err(doing(format!("bind {namespace}/{name} to {node}")))?,
        };
        self.assumed()
            .insert(pod.uid().unwrap_or_default(), node.to_owned());
        let message = format!("Successfully assigned {namespace}/{name} to {node}");
        self.events
            .record(pod, Type::Normal, "Scheduled", &message)
            .await;
        Ok(())
    }

    /// Says in the pod's status why it has no node yet, once for each reason and message.
    async fn tell(&self, pod: &Pod, reason: &str, message: &str) -> Result<bool, Error> {
        let known = sets::condition(pod, "PodScheduled");
        if known.is_some_and(|known| {
            known.status == "False"
                && known.reason.as_deref() == Some(reason)
                && known.message.as_deref() == Some(message)
        }) {
            return Ok(false);
        }
        let since = known
            .filter(|known| known.status == "False")
            .and_then(|known| known.last_transition_time.clone())
            .unwrap_or_else(|| Time(self.context.clock.now()));
        let condition = json!({
            "type": "PodScheduled",
            "status": "False",
            "reason": reason,
            "message": message,
            "lastTransitionTime": since,
            "observedGeneration": pod.metadata.generation,
        });
        let patch = json!({
            "metadata": {"uid": pod.metadata.uid},
            "status": {"conditions": [condition]},
        });
        let api = self.api(pod);
        let name = pod.name_any();
        let told = api
            .patch_status(&name, &PatchParams::default(), &Patch::Strategic(patch))
            .await;
        match told {
            Err(error) if is_gone(&error) => return Ok(false),
            other => self
                .pods
                .learn(&other.map_err(doing(format!("set the status of pod {name}")))?),
        }
        Ok(true)
    }

    /// Asks less important pods to go, and keeps their room for this one.
    async fn make_room(&self, pod: &Pod, preemption: &Preemption) -> Result<(), Error> {
        let node = &preemption.node;
        for key in &preemption.victims {
            let Some(victim) = self.pods.get(key).filter(|pod| !sets::is_terminating(pod)) else {
                continue;
            };
            self.evict(&victim).await?;
            let by = pod.uid().unwrap_or_default();
            let message = format!("Preempted by pod {by} on node {node}");
            self.events
                .record(&*victim, Type::Normal, "Preempted", &message)
                .await;
        }
        let patch = json!({
            "metadata": {"uid": pod.metadata.uid},
            "status": {"nominatedNodeName": node},
        });
        let name = pod.name_any();
        let told = self
            .api(pod)
            .patch_status(&name, &PatchParams::default(), &Patch::Strategic(patch))
            .await;
        match told {
            Err(error) if is_gone(&error) => {}
            other => self
                .pods
                .learn(&other.map_err(doing(format!("nominate a node for pod {name}")))?),
        }
        Ok(())
    }

    async fn evict(&self, victim: &Pod) -> Result<(), Error> {
        let name = victim.name_any();
        let condition = json!({
            "type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler",
            "message": format!("{NAME}: preempting to accommodate a higher priority pod"),
            "lastTransitionTime": Time(self.context.clock.now()),
        });
        let patch = json!({
            "metadata": {"uid": victim.metadata.uid},
            "status": {"conditions": [condition]},
        });
        let api = self.api(victim);
        let told = api
            .patch_status(&name, &PatchParams::default(), &Patch::Strategic(patch))
            .await;
        match told {
            Err(error) if is_gone(&error) => return Ok(()),
            other => other.map_err(doing(format!("set the status of pod {name}")))?,
        };
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid: victim.uid(),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        match api.delete(&name, &params).await {
            Err(error) if is_gone(&error) => Ok(()),
            other => other
                .map(drop)
                .map_err(doing(format!("preempt pod {name}"))),
        }
    }

    fn api(&self, pod: &Pod) -> Api<Pod> {
        let namespace = pod.namespace().unwrap_or_default();
        Api::namespaced(self.context.client.clone(), &namespace)
    }

    /// Reserves what the pod's unbound claims shall get, and leaves the rest to the volumes' agent: the pod is bound
    /// when its claims are.
    async fn reserve(&self, namespace: &str, wanted: &[volumes::Want]) -> Result<(), Error> {
        for want in wanted {
            match want {
                volumes::Want::Bound | volumes::Want::Coming => {}
                volumes::Want::Provisioned { claim, node } => {
                    let api = Api::<PersistentVolumeClaim>::namespaced(
                        self.context.client.clone(),
                        namespace,
                    );
                    let patch =
                        json!({"metadata": {"annotations": {volumes::SELECTED_NODE: node}}});
                    let chosen = api
                        .patch(claim, &PatchParams::default(), &Patch::Merge(patch))
                        .await
                        .map_err(doing(format!(
                            "select a node for claim {namespace}/{claim}"
                        )))?;
                    self.claims.learn(&chosen);
                }
                volumes::Want::Static { claim, volume } => {
                    let api = Api::<PersistentVolume>::all(self.context.client.clone());
                    let reference = self
                        .claims
                        .get(&Key::new(namespace, claim.as_str()))
                        .map(|claim| super::volumes::matching::claim_ref(&claim));
                    let patch = json!({
                        "metadata": {"annotations": {super::volumes::matching::BOUND_BY_CONTROLLER: "yes"}},
                        "spec": {"claimRef": reference},
                    });
                    let reserved = api
                        .patch(volume, &PatchParams::default(), &Patch::Merge(patch))
                        .await
                        .map_err(doing(format!("reserve volume {volume}")))?;
                    self.volumes.learn(&reserved);
                }
            }
        }
        Ok(())
    }
}

impl Agent for Scheduler {
    type Key = Key;

    async fn sync(&self, key: &Key) -> Result<(), Error> {
        if *key == everybody() {
            for pod in self.pods.list().iter().filter(|pod| is_ours(pod)) {
                self.queue.add(Key::of(&**pod));
            }
            return Ok(());
        }
        let Some(pod) = self.pods.get(key).filter(|pod| is_ours(pod)) else {
            return Ok(());
        };
        if self.assumed().contains_key(&pod.uid().unwrap_or_default()) {
            return Ok(());
        }
        match fit::decide(&pod, &self.snapshot()) {
            Decision::Leave => Ok(()),
            Decision::Gated => {
                let message = "Scheduling is blocked due to non-empty scheduling gates";
                self.tell(&pod, "SchedulingGated", message).await.map(drop)
            }
            Decision::Nowhere(message) => {
                if self.tell(&pod, "Unschedulable", &message).await? {
                    self.events
                        .record(&*pod, Type::Warning, "FailedScheduling", &message)
                        .await;
                }
                Ok(())
            }
            Decision::Preempt(preemption, message) => {
                self.tell(&pod, "Unschedulable", &message).await?;
                self.events
                    .record(&*pod, Type::Warning, "FailedScheduling", &message)
                    .await;
                self.make_room(&pod, &preemption).await
            }
            Decision::Claims(wanted) => self.reserve(&key.namespace, &wanted).await,
            Decision::Node(node) => self.bind(&pod, &node).await,
        }
    }
}
