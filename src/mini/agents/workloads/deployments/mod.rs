//! The Deployments' agent: one ReplicaSet for each template, and the way from one to the next.

mod plan;
mod progress;
mod template;

use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::Pod,
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions},
};
use serde_json::json;

pub use plan::{Action, Plan, plan};

use super::{Claim, adoption, claim, release};
use crate::{
    mini::agents::{
        Change, Context, Error, Informer, Key, doing,
        events::{Recorder, Type},
        exists_already, is_gone,
        queue::{Agent, Queue, work},
        start::Starting,
    },
    sets,
};

struct Deployments {
    context: Context,
    events: Recorder,
    queue: Queue<Key>,
    deployments: Informer<Deployment>,
    sets: Informer<ReplicaSet>,
    pods: Informer<Pod>,
}

/// Runs the agent; never ends.
pub(in crate::mini::agents) async fn run(context: Context, starting: Starting) {
    let informers = &context.informers;
    let queue: Queue<Key> = Queue::default();
    let agent = Deployments {
        events: Recorder::new(&context, "deployment-controller"),
        queue: queue.clone(),
        deployments: informers.of(),
        sets: informers.of(),
        pods: informers.of(),
        context: context.clone(),
    };
    let line = queue.clone();
    agent
        .deployments
        .listen(move |change: &Change<Deployment>| line.add(change.key.clone()));
    let line = queue.clone();
    let deployments = agent.deployments.clone();
    agent.sets.listen(move |change: &Change<ReplicaSet>| {
        for set in change.both() {
            for key in owners(set, &deployments) {
                line.add(key);
            }
        }
    });
    let line = queue.clone();
    let replica_sets = agent.sets.clone();
    let deployments = agent.deployments.clone();
    // Only the strategy Recreate waits for pods to be gone.
    agent.pods.listen(move |change: &Change<Pod>| {
        let Some(gone) = change.old.as_ref().filter(|_| change.new.is_none()) else {
            return;
        };
        let owner = gone
            .owner_references()
            .iter()
            .find(|owner| owner.kind == "ReplicaSet");
        let set = owner.and_then(|owner| {
            replica_sets.get(&Key::new(
                change.key.namespace.as_str(),
                owner.name.as_str(),
            ))
        });
        for key in set.into_iter().flat_map(|set| owners(&set, &deployments)) {
            line.add(key);
        }
    });
    agent.deployments.synced().await;
    agent.sets.synced().await;
    agent.pods.synced().await;
    drop(starting);
    work(agent, queue).await;
}

/// The Deployment that a set belongs to, or those that select it.
fn owners(set: &ReplicaSet, deployments: &Informer<Deployment>) -> Vec<Key> {
    let namespace = set.namespace().unwrap_or_default();
    let owner = set
        .owner_references()
        .iter()
        .find(|owner| owner.controller == Some(true));
    match owner {
        Some(owner) if owner.kind == "Deployment" => vec![Key::new(namespace, owner.name.as_str())],
        Some(_) => Vec::new(),
        None => {
            let mut all = deployments.list_in(&namespace);
            all.retain(|deployment| super::selects(Some(&deployment.spec.selector), set.labels()));
            all.iter()
                .map(|deployment| Key::of(&**deployment))
                .collect()
        }
    }
}

impl Deployments {
    fn sets_api(&self, namespace: &str) -> Api<ReplicaSet> {
        Api::namespaced(self.context.client.clone(), namespace)
    }

    /// Takes what is nobody's and lets go what is no longer selected. The sets that remain, by name.
    async fn claimed(
        &self,
        deployment: &Deployment,
        namespace: &str,
    ) -> Result<Vec<ReplicaSet>, Error> {
        let selector = &deployment.spec.selector;
        let mut own = Vec::new();
        for set in self.sets.list_in(namespace) {
            let patch = match claim(deployment, selector, &*set) {
                Claim::Leave => continue,
                Claim::Mine => {
                    own.push((*set).clone());
                    continue;
                }
                Claim::Adopt => adoption(deployment, &*set),
                Claim::Release => release(deployment, &*set),
            };
            let name = set.name_any();
            let patch = Patch::Strategic(patch);
            let changed = self
                .sets_api(namespace)
                .patch(&name, &PatchParams::default(), &patch)
                .await;
            match changed {
                Err(error) if is_gone(&error) => {}
                other => {
                    let set =
                        other.map_err(doing(format!("change the owner of replica set {name}")))?;
                    self.sets.learn(&set);
                    if sets::owner_uid(&set) == deployment.metadata.uid.as_deref() {
                        own.push(set);
                    }
                }
            }
        }
        Ok(own)
    }

    async fn act(&self, key: &Key, deployment: &Deployment, action: Action) -> Result<(), Error> {
        let api = self.sets_api(&key.namespace);
        let post = PostParams::default();
        match action {
            Action::Create(set) => {
                let name = set.name_any();
                match api.create(&post, &set).await {
                    Err(error) if exists_already(&error) => {
                        return self.collide(key, deployment, &name).await;
                    }
                    other => self
                        .sets
                        .learn(&other.map_err(doing(format!("create replica set {name}")))?),
                }
                let replicas = set.spec.replicas.unwrap_or(0);
                if replicas > 0 {
                    let message = format!("Scaled up replica set {name} from 0 to {replicas}");
                    self.events
                        .record(deployment, Type::Normal, "ScalingReplicaSet", &message)
                        .await;
                }
            }
            Action::Update { set, scaled } => {
                let name = set.name_any();
                let updated = api.replace(&name, &post, &set).await;
                self.sets
                    .learn(&updated.map_err(doing(format!("change replica set {name}")))?);
                if let Some((from, to)) = scaled {
                    let way = if to > from { "up" } else { "down" };
                    let message = format!("Scaled {way} replica set {name} from {from} to {to}");
                    self.events
                        .record(deployment, Type::Normal, "ScalingReplicaSet", &message)
                        .await;
                }
            }
            Action::Delete(set) => {
                let only_this = DeleteParams::default().preconditions(Preconditions {
                    uid: set.uid(),
                    resource_version: None,
                });
                match api.delete(&set.name_any(), &only_this).await {
                    Err(error) if is_gone(&error) => {}
                    other => drop(
                        other.map_err(doing(format!("delete replica set {}", set.name_any())))?,
                    ),
                }
            }
        }
        Ok(())
    }

    /// The name of a new set is taken by another one: the next hash is counted on.
    async fn collide(&self, key: &Key, deployment: &Deployment, name: &str) -> Result<(), Error> {
        let known = self.sets_api(&key.namespace).get_opt(name).await;
        let known = known.map_err(doing(format!("look at replica set {name}")))?;
        let own =
            known.is_some_and(|set| sets::owner_uid(&set) == deployment.metadata.uid.as_deref());
        if !own {
            let status = deployment.status.as_ref();
            let count = status
                .and_then(|status| status.collision_count)
                .unwrap_or(0)
                + 1;
            self.write(key, json!({"status": {"collisionCount": count}}), true)
                .await?;
        }
        Err(Error::NotYet(format!(
            "replica set {name} is there already"
        )))
    }

    async fn write(&self, key: &Key, patch: serde_json::Value, status: bool) -> Result<(), Error> {
        let api = Api::<Deployment>::namespaced(self.context.client.clone(), &key.namespace);
        let (params, patch) = (PatchParams::default(), Patch::Merge(patch));
        let answer = match status {
            true => api.patch_status(&key.name, &params, &patch).await,
            false => api.patch(&key.name, &params, &patch).await,
        };
        match answer {
            Err(error) if is_gone(&error) => {}
            other => self
                .deployments
                .learn(&other.map_err(doing(format!("change deployment {key}")))?),
        }
        Ok(())
    }
}

impl Agent for Deployments {
    type Key = Key;

    async fn sync(&self, key: &Key) -> Result<(), Error> {
        let Some(deployment) = self.deployments.get(key) else {
            return Ok(());
        };
        let own = self.claimed(&deployment, &key.namespace).await?;
        let now = self.context.clock.now();
        let plan = plan(&deployment, &own, &self.pods.list_in(&key.namespace), now);
        for action in plan.actions {
            self.act(key, &deployment, action).await?;
        }
        if let Some(revision) = &plan.revision {
            let patch = json!({"metadata": {"annotations": {template::REVISION: revision}}});
            self.write(key, patch, false).await?;
        }
        if deployment.status.as_ref() != Some(&plan.status) {
            let mut status = serde_json::to_value(&plan.status)
                .map_err(|error| Error::NotYet(error.to_string()))?;
            // What is left out of the new status must not stay from the old one.
            for field in [
                "replicas",
                "updatedReplicas",
                "readyReplicas",
                "availableReplicas",
                "unavailableReplicas",
            ] {
                if status.get(field).is_none() {
                    status[field] = serde_json::Value::Null;
                }
            }
            self.write(key, json!({"status": status}), true).await?;
        }
        if let Some(again) = plan.again {
            self.queue
                .add_at(key.clone(), self.context.clock.until(again));
        }
        Ok(())
    }
}
