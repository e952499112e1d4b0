//! The volumes' agent: provisioner, binder, protection, expansion and reclaim in one.
//!
//! Its decisions are [`claim_step`] and [`volume_step`], one write a step; each write brings the object back into the
//! queue until nothing is left to do.

mod made;
pub(super) mod matching;
mod plan;
mod reclaim;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use k8s_openapi::api::{
    core::v1::{PersistentVolume, PersistentVolumeClaim, Pod},
    storage::v1::StorageClass,
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions},
};
use serde_json::{Value, json};

pub use plan::{ClaimStep, claim_step};
pub use reclaim::{VolumeStep, volume_step};

use super::{
    Change, Context, Error, Informer, Key, doing,
    events::{Recorder, Type},
    exists_already, is_gone,
    queue::{Agent, Queue, work},
    start::Starting,
};
use crate::sets;

/// A claim or a volume.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    Claim(Key),
    Volume(Key),
    /// All claims that are not bound.
    Waiting,
    /// A pod with volumes of its own.
    Pod(Key),
}

struct Volumes {
    context: Context,
    events: Recorder,
    queue: Queue<Work>,
    pods: Informer<Pod>,
    claims: Informer<PersistentVolumeClaim>,
    volumes: Informer<PersistentVolume>,
    classes: Informer<StorageClass>,
    /// What each claim was told last, so that it is told once.
    told: Mutex<BTreeMap<Key, (Option<String>, String)>>,
}

/// Runs the agent; never ends.
pub(super) async fn run(context: Context, starting: Starting) {
    let informers = &context.informers;
    let queue = Queue::default();
    let agent = Volumes {
        events: Recorder::new(&context, "persistentvolume-controller"),
        queue: queue.clone(),
        pods: informers.of(),
        claims: informers.of(),
        volumes: informers.of(),
        classes: informers.of(),
        told: Mutex::default(),
        context: context.clone(),
    };
    agent.listen();
    agent.pods.synced().await;
    agent.claims.synced().await;
    agent.volumes.synced().await;
    agent.classes.synced().await;
    drop(starting);
    work(agent, queue).await;
}

fn claim_of(volume: &PersistentVolume) -> Option<Key> {
    let reference = volume.spec.as_ref()?.claim_ref.as_ref()?;
    Some(Key::new(
        reference.namespace.clone().unwrap_or_default(),
        reference.name.clone().unwrap_or_default(),
    ))
}

impl Volumes {
    fn listen(&self) {
        let queue = self.queue.clone();
        self.claims
            .listen(move |change: &Change<PersistentVolumeClaim>| {
                queue.add(Work::Claim(change.key.clone()));
                for claim in change.both() {
                    let volume = matching::volume_name(claim);
                    if !volume.is_empty() {
                        queue.add(Work::Volume(Key::new("", volume)));
                    }
                }
            });
        let queue = self.queue.clone();
        self.volumes
            .listen(move |change: &Change<PersistentVolume>| {
                queue.add(Work::Volume(change.key.clone()));
                match change.new.as_deref().and_then(claim_of) {
                    Some(claim) => queue.add(Work::Claim(claim)),
                    None => queue.add(Work::Waiting),
                }
                if change.new.is_none()
                    && let Some(claim) = change.old.as_deref().and_then(claim_of)
                {
                    queue.add(Work::Claim(claim));
                }
            });
        let queue = self.queue.clone();
        self.classes.listen(move |_| queue.add(Work::Waiting));
        let queue = self.queue.clone();
        // Only the end of a pod changes what a claim needs: its protection.
        self.pods.listen(move |change: &Change<Pod>| {
            let fresh = change.new.as_deref().filter(|_| change.old.is_none());
            if fresh.is_some_and(|pod| made::own_claims(pod).next().is_some()) {
                queue.add(Work::Pod(change.key.clone()));
            }
            let Some(gone) = change.old.as_ref().filter(|_| change.new.is_none()) else {
                return;
            };
            let spec = gone.spec.as_ref();
            let volumes = spec
                .into_iter()
                .flat_map(|spec| spec.volumes.iter().flatten());
            for volume in volumes {
                let name = match &volume.persistent_volume_claim {
                    Some(source) => source.claim_name.clone(),
                    None => format!("{}-{}", change.key.name, volume.name),
                };
                queue.add(Work::Claim(Key::new(change.key.namespace.as_str(), name)));
            }
        });
    }

    fn claims_api(&self, namespace: &str) -> Api<PersistentVolumeClaim> {
        Api::namespaced(self.context.client.clone(), namespace)
    }

    fn volumes_api(&self) -> Api<PersistentVolume> {
        Api::all(self.context.client.clone())
    }

    async fn claim(&self, key: &Key) -> Result<(), Error> {
        let Some(claim) = self.claims.get(key) else {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.remove(key);
            return Ok(());
        };
        let pods = self.pods.list_in(&key.namespace);
        let step = claim_step(&claim, &self.volumes.list(), &self.classes.list(), &pods);
        match step {
            ClaimStep::Rest => Ok(()),
            ClaimStep::Unprotect => self.unprotect(key, &claim).await,
            ClaimStep::Pending => self.claim_status(key, json!({"phase": "Pending"})).await,
            ClaimStep::Lost => {
                self.claim_status(
                    key,
                    json!({"phase": "Lost", "capacity": null, "accessModes": null}),
                )
                .await?;
                let message =
                    "Bound claim has lost its PersistentVolume. Data on the volume is lost!";
                self.events
                    .record(&*claim, Type::Warning, "ClaimLost", message)
                    .await;
                Ok(())
            }
            ClaimStep::Tell {
                warning,
                reason,
                message,
            } => {
                if claim
                    .status
                    .as_ref()
                    .is_none_or(|status| status.phase.is_none())
                {
                    self.claim_status(key, json!({"phase": "Pending"})).await?;
                }
                let kind = if warning { Type::Warning } else { Type::Normal };
                let told = (claim.uid(), message.clone());
                let before = {
                    let mut all = self.told.lock().unwrap_or_else(PoisonError::into_inner);
                    all.insert(key.clone(), told.clone())
                };
                if before != Some(told) {
                    self.events.record(&*claim, kind, reason, &message).await;
                }
                Ok(())
            }
            ClaimStep::Provision(volume) => self.provision(key, &claim, &volume).await,
            ClaimStep::Promise(volume) => {
                let patch = json!({
                    "metadata": {"annotations": {matching::BOUND_BY_CONTROLLER: "yes"}},
                    "spec": {"claimRef": matching::claim_ref(&claim)},
                });
                self.change_volume(&volume, patch).await
            }
            ClaimStep::Bind { volume, ours } => {
                let patch = json!({
                    "metadata": {"uid": claim.metadata.uid, "annotations": plan::bound_annotations(ours)},
                    "spec": {"volumeName": volume},
                });
                let api = self.claims_api(&key.namespace);
                self.learned_claim(
                    key,
                    api.patch(&key.name, &PatchParams::default(), &Patch::Merge(patch))
                        .await,
                )
            }
            ClaimStep::Bound {
                capacity,
                access_modes,
            } => {
                let status =
                    json!({"phase": "Bound", "capacity": capacity, "accessModes": access_modes});
                self.claim_status(key, status).await
            }
            ClaimStep::Expand { volume, storage } => {
                self.change_volume(&volume, json!({"spec": {"capacity": {"storage": storage}}}))
                    .await
            }
        }
    }

    async fn claim_status(&self, key: &Key, status: Value) -> Result<(), Error> {
        let api = self.claims_api(&key.namespace);
        let patch = Patch::Merge(json!({"status": status}));
        self.learned_claim(
            key,
            api.patch_status(&key.name, &PatchParams::default(), &patch)
                .await,
        )
    }

    fn learned_claim(
        &self,
        key: &Key,
        answer: kube::Result<PersistentVolumeClaim>,
    ) -> Result<(), Error> {
        match answer {
            Err(error) if is_gone(&error) => {}
            answer => self
                .claims
                .learn(&answer.map_err(doing(format!("change claim {key}")))?),
        }
        Ok(())
    }

    async fn change_volume(&self, name: &str, patch: Value) -> Result<(), Error> {
        let answer = self
            .volumes_api()
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await;
        self.learned_volume(name, answer)
    }

    fn learned_volume(
        &self,
        name: &str,
        answer: kube::Result<PersistentVolume>,
    ) -> Result<(), Error> {
        match answer {
            Err(error) if is_gone(&error) => {}
            answer => self
                .volumes
                .learn(&answer.map_err(doing(format!("change volume {name}")))?),
        }
        Ok(())
    }

    async fn provision(
        &self,
        key: &Key,
        claim: &PersistentVolumeClaim,
        volume: &PersistentVolume,
    ) -> Result<(), Error> {
        let name = volume.name_any();
        match self
            .volumes_api()
            .create(&PostParams::default(), volume)
            .await
        {
            Err(error) if exists_already(&error) => return Ok(()),
            answer => self
                .volumes
                .learn(&answer.map_err(doing(format!("provision a volume for claim {key}")))?),
        }
        let message = format!("Successfully provisioned volume {name}");
        self.events
            .record(claim, Type::Normal, "ProvisioningSucceeded", &message)
            .await;
        Ok(())
    }

    /// Makes the claims of a pod's generic ephemeral volumes.
    async fn own_claims(&self, key: &Key) -> Result<(), Error> {
        let Some(pod) = self.pods.get(key).filter(|pod| !sets::is_terminating(pod)) else {
            return Ok(());
        };
        let api = self.claims_api(&key.namespace);
        for claim in made::own_claims(&pod) {
            match api.create(&PostParams::default(), &claim).await {
                Err(error) if exists_already(&error) => {}
                answer => self
                    .claims
                    .learn(&answer.map_err(doing(format!("create a claim of pod {key}")))?),
            }
        }
        Ok(())
    }

    /// Asks the API server itself before it lets a claim go: a pod may have come that the cache does not know.
    async fn unprotect(&self, key: &Key, claim: &PersistentVolumeClaim) -> Result<(), Error> {
        let pods = Api::<Pod>::namespaced(self.context.client.clone(), &key.namespace);
        let pods = pods
            .list(&ListParams::default())
            .await
            .map_err(doing(format!("see who uses claim {key}")))?;
        if pods.iter().any(|pod| plan::uses(pod, &key.name)) {
            return Err(Error::NotYet(format!("claim {key} is in use again")));
        }
        let patch = without(claim, plan::CLAIM_PROTECTION);
        let api = self.claims_api(&key.namespace);
        self.learned_claim(
            key,
            api.patch(&key.name, &PatchParams::default(), &Patch::Merge(patch))
                .await,
        )
    }

    async fn volume(&self, key: &Key) -> Result<(), Error> {
        let Some(volume) = self.volumes.get(key) else {
            return Ok(());
        };
        let claim = claim_of(&volume).and_then(|claim| self.claims.get(&claim));
        let name = key.name.as_str();
        match volume_step(&volume, claim.as_deref()) {
            VolumeStep::Rest => Ok(()),
            VolumeStep::Unprotect => {
                self.change_volume(name, without(&*volume, reclaim::VOLUME_PROTECTION))
                    .await
            }
            VolumeStep::Phase("Released") => {
                // The last word on whether the claim is gone has the API server.
                if let Some(claim) = claim_of(&volume) {
                    let there = self.claims_api(&claim.namespace).get_opt(&claim.name).await;
                    let there =
                        there.map_err(doing(format!("see whether claim {claim} is there")))?;
                    if there.is_some_and(|claim| matching::is_for(&volume, &claim)) {
                        return Ok(());
                    }
                }
                self.volume_status(name, json!({"phase": "Released"})).await
            }
            VolumeStep::Phase(phase) => self.volume_status(name, json!({"phase": phase})).await,
            VolumeStep::CannotDelete => {
                let message = "error getting deleter volume plugin for volume \"%s\": no deletable volume plugin matched"
                    .replace("%s", name);
                self.volume_status(name, json!({"phase": "Failed", "message": message}))
                    .await?;
                self.events
                    .record(&*volume, Type::Warning, "VolumeFailedDelete", &message)
                    .await;
                Ok(())
            }
            VolumeStep::Delete => {
                let only_this = DeleteParams::default().preconditions(Preconditions {
                    uid: volume.uid(),
                    resource_version: None,
                });
                match self.volumes_api().delete(name, &only_this).await {
                    Err(error) if is_gone(&error) => Ok(()),
                    answer => {
                        let answer = answer.map_err(doing(format!("delete volume {name}")))?;
                        if let Some(volume) = answer.left() {
                            self.volumes.learn(&volume);
                        }
                        Ok(())
                    }
                }
            }
        }
    }

    async fn volume_status(&self, name: &str, status: Value) -> Result<(), Error> {
        let patch = Patch::Merge(json!({"status": status}));
        let answer = self
            .volumes_api()
            .patch_status(name, &PatchParams::default(), &patch)
            .await;
        self.learned_volume(name, answer)
    }
}

/// Takes one finalizer away, if the object is still as it was.
fn without(object: &impl ResourceExt, finalizer: &str) -> Value {
    let left: Vec<_> = object
        .finalizers()
        .iter()
        .filter(|name| *name != finalizer)
        .collect();
    json!({"metadata": {
        "uid": object.uid(),
        "resourceVersion": object.resource_version(),
        "finalizers": left,
    }})
}

impl Agent for Volumes {
    type Key = Work;

    async fn sync(&self, key: &Work) -> Result<(), Error> {
        match key {
            Work::Claim(key) => self.claim(key).await,
            Work::Volume(key) => self.volume(key).await,
            Work::Pod(key) => self.own_claims(key).await,
            Work::Waiting => {
                let claims = self.claims.list();
                for claim in claims.iter().filter(|claim| !matching::is_bound(claim)) {
                    self.queue.add(Work::Claim(Key::of(&**claim)));
                }
                Ok(())
            }
        }
    }
}
