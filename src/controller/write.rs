//! The only place that writes: one method a kind of write, each with what the API's answers mean for it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use k8s_openapi::api::{
    apps::v1::{ControllerRevision, StatefulSetStatus},
    core::v1::{PersistentVolumeClaim, Pod},
};
use kube::{
    Api, Client, Resource as _, ResourceExt as _,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions, Request},
};
use serde_json::Value;

use super::{
    cache::Cache,
    error::{SyncError, doing, gone, is_conflict, is_invalid, is_missing, is_there, text},
    events::{Kind, Recorder},
    gate::{OwnWrites, Resource},
    ownership,
    revision::{self, encode, hash},
    set::Set,
    status,
    twist::{Effect, Twist},
};
use crate::cluster::Target;

/// How often a status is tried on conflict, and the rest in between.
const STATUS_TRIES: (usize, Duration) = (5, Duration::from_millis(10));
/// How often a revision's number is tried on conflict.
const NUMBER_TRIES: usize = 4;

/// What the controller knows.
#[derive(Default)]
pub struct Caches {
    /// The sets.
    pub sets: Arc<Cache<Set>>,
    /// The pods.
    pub pods: Arc<Cache<Pod>>,
    /// The claims.
    pub claims: Arc<Cache<PersistentVolumeClaim>>,
    /// The revisions.
    pub revisions: Arc<Cache<ControllerRevision>>,
}

/// Writes, and remembers what it wrote.
pub struct Writer {
    pub(super) client: Client,
    pub(super) target: Target,
    pub(super) caches: Arc<Caches>,
    pub(super) writes: OwnWrites,
    pub(super) recorder: Recorder,
    pub(super) twist: Arc<dyn Twist>,
    pub(super) jitter: Mutex<u64>,
}

impl Writer {
    fn pods(&self, set: &Set) -> Api<Pod> {
        Api::namespaced(self.client.clone(), set.namespace())
    }

    fn claims(&self, set: &Set) -> Api<PersistentVolumeClaim> {
        Api::namespaced(self.client.clone(), set.namespace())
    }

    fn sets(&self, set: &Set) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), set.namespace(), &self.target.api)
    }

    fn revisions(&self, set: &Set) -> Api<ControllerRevision> {
        Api::namespaced(self.client.clone(), set.namespace())
    }

    /// Remembers a write for the own-write gate.
    fn wrote(&self, set: &Set, resource: Resource, version: Option<&str>) {
        let Some(version) = version.and_then(|text| text.parse().ok()) else {
            return;
        };
        match resource {
            Resource::Pods => self.caches.pods.wrote(version),
            Resource::Claims => self.caches.claims.wrote(version),
            Resource::Sets => self.caches.sets.wrote(version),
        }
        self.writes.note(&set.key(), set.uid(), resource, version);
    }

    /// The rest with up to a tenth more, so that two that collided do not collide again.
    pub(super) async fn rest(&self, rest: Duration) {
        let part = {
            let mut state = self.jitter.lock().unwrap_or_else(PoisonError::into_inner);
            *state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            u32::try_from(*state >> 54).unwrap_or_default()
        };
        tokio::time::sleep(rest + rest * part / 10_240).await;
    }

    /// Tells how a write of a pod went.
    pub(super) fn tell(&self, set: &Set, verb: Verb, pod: &str, result: Result<(), String>) {
        let (name, success, failure) = verb.words();
        match result {
            Ok(()) => {
                let message = format!("{name} Pod {pod} in StatefulSet {} successful", set.name());
                self.recorder.record(set, Kind::Normal, success, message);
            }
            Err(error) => {
                let message = format!(
                    "{name} Pod {pod} in StatefulSet {} failed error: {error}",
                    set.name()
                );
                self.recorder.record(set, Kind::Warning, failure, message);
            }
        }
    }

    /// Creates a pod; its UID.
    pub(super) async fn create_pod(&self, set: &Set, pod: &Pod) -> Result<String, kube::Error> {
        let created = self.pods(set).create(&PostParams::default(), pod).await?;
        self.wrote(
            set,
            Resource::Pods,
            created.metadata.resource_version.as_deref(),
        );
        Ok(created.metadata.uid.unwrap_or_default())
    }

    /// Puts a pod.
    pub(super) async fn update_pod(&self, set: &Set, pod: &mut Pod) -> Result<(), kube::Error> {
        if !self.twist.effect(Effect::UpdatePod(pod)) {
            return Ok(());
        }
        let name = pod.name_any();
        let pods = self.pods(set);
        let updated = pods.replace(&name, &PostParams::default(), pod).await?;
        self.wrote(
            set,
            Resource::Pods,
            updated.metadata.resource_version.as_deref(),
        );
        Ok(())
    }

    /// Deletes the pod of that name if it has that UID; with its own grace period.
    pub(super) async fn delete_pod(
        &self,
        set: &Set,
        name: &str,
        uid: Option<String>,
    ) -> Result<(), kube::Error> {
        let mut params = DeleteParams {
            preconditions: uid.map(|uid| Preconditions {
                uid: Some(uid),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        if !self.twist.effect(Effect::DeletePod(name, &mut params)) {
            return Ok(());
        }
        self.pods(set).delete(name, &params).await.map(|_| ())
    }

    /// Adopts a pod; false if it is gone.
    pub(super) async fn adopt_pod(&self, set: &Set, pod: &Pod) -> Result<bool, SyncError> {
        let name = pod.name_any();
        let patch = Patch::Strategic(ownership::adoption(set, &pod.metadata));
        let adopted = self.pods(set);
        match adopted.patch(&name, &PatchParams::default(), &patch).await {
            Ok(pod) => {
                self.wrote(
                    set,
                    Resource::Pods,
                    pod.metadata.resource_version.as_deref(),
                );
                Ok(true)
            }
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(doing(format!("adopt pod {name}"))(error)),
        }
    }

    /// Releases a pod.
    pub(super) async fn release_pod(&self, set: &Set, pod: &Pod) -> Result<(), SyncError> {
        let name = pod.name_any();
        let patch = Patch::Strategic(ownership::release(set, &pod.metadata));
        let released = self.pods(set);
        match released.patch(&name, &PatchParams::default(), &patch).await {
            Err(error) if !is_missing(&error) && !is_invalid(&error) => {
                Err(doing(format!("release pod {name}"))(error))
            }
            _ => Ok(()),
        }
    }

    /// Creates a claim that a pod needs, and tells so.
    pub(super) async fn create_claim(
        &self,
        set: &Set,
        pod: &str,
        mut claim: PersistentVolumeClaim,
    ) -> Result<(), String> {
        if !self.twist.effect(Effect::CreateClaim(&mut claim)) {
            return Ok(());
        }
        let name = claim.name_any();
        let created = self
            .claims(set)
            .create(&PostParams::default(), &claim)
            .await;
        let place = format!("Pod {pod} in StatefulSet {}", set.name());
        match created {
            Ok(claim) => {
                self.wrote(
                    set,
                    Resource::Claims,
                    claim.metadata.resource_version.as_deref(),
                );
                let message = format!("Create Claim {name} {place} success");
                self.recorder
                    .record(set, Kind::Normal, "SuccessfulCreate", message);
                Ok(())
            }
            Err(error) => {
                if !is_there(&error) {
                    let message = format!(
                        "Create Claim {name} for {place} failed error: {}",
                        text(&error)
                    );
                    self.recorder
                        .record(set, Kind::Warning, "FailedCreate", message);
                }
                Err(format!("failed to create PVC {name}: {}", text(&error)))
            }
        }
    }

    /// Puts a claim.
    pub(super) async fn update_claim(
        &self,
        set: &Set,
        mut claim: PersistentVolumeClaim,
    ) -> Result<(), kube::Error> {
        if !self.twist.effect(Effect::UpdateClaim(&mut claim)) {
            return Ok(());
        }
        let name = claim.name_any();
        let claims = self.claims(set);
        let updated = claims
            .replace(&name, &PostParams::default(), &claim)
            .await?;
        self.wrote(
            set,
            Resource::Claims,
            updated.metadata.resource_version.as_deref(),
        );
        Ok(())
    }

    /// Asks the API server itself whether the set is still there and not about to go: only such a set adopts.
    pub(super) async fn confirm(&self, set: &Set, what: &'static str) -> Result<(), SyncError> {
        if !self.twist.effect(Effect::ReadSet) {
            return Ok(());
        }
        let no = |why| Err(SyncError::NotAdopted { what, why });
        match self.sets(set).get(set.name()).await {
            Ok(live) if live.uid().as_deref() != Some(set.uid()) => {
                no(gone(&set.key(), live.uid().as_deref(), set.uid()))
            }
            Ok(live) => match &live.metadata.deletion_timestamp {
                Some(time) => no(format!("{} has just been deleted at {}", set.key(), time.0)),
                None => Ok(()),
            },
            Err(error) if is_missing(&error) => no(gone(&set.key(), None, set.uid())),
            Err(error) => no(text(&error)),
        }
    }

    /// Adopts a revision.
    pub(super) async fn adopt_revision(
        &self,
        set: &Set,
        revision: &ControllerRevision,
    ) -> Result<ControllerRevision, SyncError> {
        let name = revision.name_any();
        let patch = Patch::Strategic(ownership::adoption(set, &revision.metadata));
        let adopted = self.revisions(set);
        let adopted = adopted.patch(&name, &PatchParams::default(), &patch).await;
        adopted.map_err(|error| SyncError::NotAdopted {
            what: "ControllerRevisions",
            why: text(&error),
        })
    }

    /// Creates the revision of that data. A name that is taken by equal data is taken over as it is; one that is
    /// taken by other data raises the count.
    pub(super) async fn create_revision(
        &self,
        set: &Set,
        wanted: &Value,
        number: i64,
        count: &mut i32,
    ) -> Result<ControllerRevision, SyncError> {
        let mut fresh = revision::create(set, wanted, number, *count);
        let bytes = encode(wanted);
        loop {
            fresh.metadata.name = Some(revision::name(set.name(), &hash(&bytes, *count)));
            self.twist.revision(set, &mut fresh);
            let name = fresh.name_any();
            match self.send_revision(set, &fresh, None).await {
                Ok(created) => return Ok(created),
                Err(error) if is_there(&error) => {}
                Err(error) => return Err(doing(format!("create revision {name}"))(error)),
            }
            let taken = self.revisions(set).get(&name).await;
            let taken = taken.map_err(doing(format!("read revision {name}")))?;
            let is_equal = encode(&taken.data.0) == bytes;
            if self.twist.takes(set, &taken, is_equal) {
                return Ok(taken);
            }
            *count += 1;
        }
    }

    /// Gives a revision a higher number.
    pub(super) async fn raise_revision(
        &self,
        set: &Set,
        revision: &ControllerRevision,
        number: i64,
    ) -> Result<ControllerRevision, SyncError> {
        let name = revision.name_any();
        let mut raised = revision.clone();
        for attempt in 1.. {
            raised.revision = Some(number);
            match self.send_revision(set, &raised, Some(&name)).await {
                Err(error) if is_conflict(&error) && attempt < NUMBER_TRIES => {}
                result => return result.map_err(doing(format!("raise revision {name}"))),
            }
            self.rest(STATUS_TRIES.1).await;
            let live = self.revisions(set).get(&name).await;
            raised = live.map_err(doing(format!("read revision {name}")))?;
        }
        Ok(raised)
    }

    /// Creates a revision, or puts the one of that name, in the encoding that its data is compared in.
    async fn send_revision(
        &self,
        set: &Set,
        revision: &ControllerRevision,
        name: Option<&str>,
    ) -> Result<ControllerRevision, kube::Error> {
        let body = serde_json::to_value(revision).map_err(kube::Error::SerdeError)?;
        let body = encode(&body).into_bytes();
        let request = Request::new(ControllerRevision::url_path(&(), Some(set.namespace())));
        let params = PostParams::default();
        let request = match name {
            None => request.create(&params, body),
            Some(name) => request.replace(name, &params, body),
        };
        let request = request.map_err(kube::Error::BuildRequest)?;
        self.client.request(request).await
    }

    /// Deletes a revision.
    pub(super) async fn delete_revision(&self, set: &Set, name: &str) -> Result<(), SyncError> {
        if !self.twist.effect(Effect::DeleteRevision(name)) {
            return Ok(());
        }
        let deleted = self.revisions(set);
        match deleted.delete(name, &DeleteParams::default()).await {
            Err(error) if !is_missing(&error) => {
                Err(doing(format!("delete revision {name}"))(error))
            }
            _ => Ok(()),
        }
    }

    /// Writes a set's status. After a conflict it goes on from the cache, and conditions of others stay.
    pub(super) async fn write_status(
        &self,
        set: &Arc<Set>,
        mut computed: StatefulSetStatus,
    ) -> Result<(), SyncError> {
        let mut on = Arc::clone(set);
        for attempt in 1.. {
            match self.send_status(&on, &computed).await {
                Ok(written) => {
                    let version = written.metadata.resource_version.as_deref();
                    self.wrote(set, Resource::Sets, version);
                    return Ok(());
                }
                Err(error) if is_conflict(&error) && attempt < STATUS_TRIES.0 => {}
                Err(error) => {
                    return Err(doing(format!("write the status of set {}", set.key()))(
                        error,
                    ));
                }
            }
            self.rest(STATUS_TRIES.1).await;
            if let Some(newer) = self.caches.sets.get(&set.key()) {
                on = newer;
                status::rebase(&mut computed, &on.status);
            }
        }
        Ok(())
    }

    async fn send_status(
        &self,
        set: &Set,
        computed: &StatefulSetStatus,
    ) -> Result<DynamicObject, kube::Error> {
        let computed = serde_json::to_value(status::written(computed));
        let mut object = (*set.stored).clone();
        object["status"] = computed.map_err(kube::Error::SerdeError)?;
        let path = DynamicObject::url_path(&self.target.api, Some(set.namespace()));
        let request = Request::new(path).replace_subresource(
            "status",
            set.name(),
            &PostParams::default(),
            object.to_string().into_bytes(),
        );
        let request = request.map_err(kube::Error::BuildRequest)?;
        self.client.request(request).await
    }
}

/// What is done to a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// It is created.
    Create,
    /// It is updated.
    Update,
    /// It is deleted.
    Delete,
}

impl Verb {
    /// The word, and the reasons of its two events.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Create => ("Create", "SuccessfulCreate", "FailedCreate"),
            Self::Update => ("Update", "SuccessfulUpdate", "FailedUpdate"),
            Self::Delete => ("Delete", "SuccessfulDelete", "FailedDelete"),
        }
    }
}
