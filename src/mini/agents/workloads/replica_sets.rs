//! The ReplicaSets' agent: as many pods as asked for, in no order and under names that nobody chose.

mod plan;

use k8s_openapi::api::{
    apps::v1::{ReplicaSet, ReplicaSetStatus},
    core::v1::Pod,
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions},
};

pub use plan::{Plan, plan};

use super::{adoption, release};
use crate::mini::agents::{
    Change, Context, Error, Informer, Key, doing,
    events::{Recorder, Type},
    is_gone,
    queue::{Agent, Queue, work},
    selects,
    start::Starting,
};
use plan::{failure, new_pod};

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

impl Agent for ReplicaSets {
    type Key = Key;

    async fn sync(&self, key: &Key) -> Result<(), Error> {
        let Some(set) = self.sets.get(key) else {
            return Ok(());
        };
        let now = self.context.clock.now();
        let mut plan = plan::plan(&set, &self.pods.list_in(&key.namespace), now);
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
