//! Carries a plan out: its stages in order, until something fails.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::future::join_all;
use k8s_openapi::api::{
    apps::v1::StatefulSetCondition,
    core::v1::{PersistentVolumeClaim, Pod},
};
use kube::ResourceExt as _;

use super::{
    claim::{Needs, References, names},
    error::{SyncError, doing, is_another, is_conflict, is_missing, is_there, text},
    events::Kind,
    plan::{CreatePod, DeletePod, Item, Observed, Plan, RepairPod, Run, Stage, Step},
    pod::repair,
    write::{Verb, Writer},
};

/// The largest batch.
const BATCH_MAX: usize = 500;
/// The rests between tries of a pod's update on conflict; each grows by up to a tenth.
const UPDATE_RESTS: [Duration; 3] = [
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(250),
];

/// What came of a plan.
#[derive(Debug, Default)]
pub struct Done {
    /// What was done, in words.
    pub did: Vec<String>,
    /// By how much currentReplicas has to be lowered.
    pub lowered: i32,
    /// Conditions of the status.
    pub conditions: Vec<StatefulSetCondition>,
    /// The cache lags behind: look again.
    pub again: bool,
    /// Why not all was done.
    pub error: Option<SyncError>,
    /// UIDs of the pods created, by name.
    created: BTreeMap<String, String>,
}

/// Carries a plan out.
pub async fn apply(writer: &Writer, observed: &Observed, plan: &Plan) -> Done {
    let pass = Pass {
        writer,
        observed,
        done: Mutex::default(),
    };
    for stage in &plan.stages {
        if let Err(error) = pass.stage(stage).await {
            pass.done().error = Some(error);
            break;
        }
        pass.done().conditions.extend(stage.then.clone());
    }
    pass.done
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
}

struct Pass<'a> {
    writer: &'a Writer,
    observed: &'a Observed,
    done: Mutex<Done>,
}

impl Pass<'_> {
    fn done(&self) -> MutexGuard<'_, Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn did(&self, what: String) {
        self.done().did.push(what);
    }

    async fn stage(&self, stage: &Stage) -> Result<(), SyncError> {
        match stage.run {
            Run::InOrder => {
                for item in &stage.items {
                    self.item(item).await?;
                }
                Ok(())
            }
            Run::Batches => {
                let (mut rest, mut size) = (&stage.items[..], 1);
                while !rest.is_empty() {
                    let (batch, later) = rest.split_at(size.min(rest.len()));
                    let results = join_all(batch.iter().map(|item| self.item(item))).await;
                    SyncError::all(results.into_iter().filter_map(Result::err).collect())?;
                    rest = later;
                    size = BATCH_MAX.min(size * 2);
                }
                Ok(())
            }
        }
    }

    async fn item(&self, item: &Item) -> Result<(), SyncError> {
        for step in &item.steps {
            match step {
                Step::CreatePod(create) => self.create(create).await?,
                Step::DeletePod(delete) => self.delete(delete).await?,
                Step::RepairPod(repair) => self.repair(repair).await?,
                Step::CreateClaims(pod, needs) => self.claims(pod, needs).await?,
                Step::SetOwners(pod, references) => self.owners(pod, references).await?,
            }
        }
        Ok(())
    }

    async fn create(&self, create: &CreatePod) -> Result<(), SyncError> {
        let (writer, set) = (self.writer, &self.observed.set);
        let name = create.pod.name_any();
        let tell = |verb, result| writer.tell(set, verb, &name, result);
        if let Err(error) = self.claims(&create.pod, &create.needs).await {
            tell(Verb::Create, Err(error.to_string()));
            return Err(error);
        }
        let mut pod = create.pod.clone();
        writer.twist.pod(self.observed, &mut pod);
        let created = writer.create_pod(set, &pod).await;
        if created.as_ref().is_err_and(is_there) {
            return created
                .map(|_| ())
                .map_err(doing(format!("create pod {name}")));
        }
        if let Err(error) = self.owners(&create.pod, &create.references).await {
            tell(Verb::Update, Err(error.to_string()));
            return Err(error);
        }
        match created {
            Ok(uid) => {
                tell(Verb::Create, Ok(()));
                self.did(format!("create pod {name}"));
                self.done().created.insert(name, uid);
                Ok(())
            }
            Err(error) => {
                tell(Verb::Create, Err(text(&error)));
                Err(doing(format!("create pod {name}"))(error))
            }
        }
    }

    /// A pod that is gone, or that another has taken the name of, counts as deleted.
    async fn delete(&self, delete: &DeletePod) -> Result<(), SyncError> {
        let (writer, set) = (self.writer, &self.observed.set);
        let name = &delete.name;
        let uid = delete
            .uid
            .clone()
            .or_else(|| self.done().created.get(name).cloned());
        match writer.delete_pod(set, name, uid).await {
            Err(error) if is_another(&error) => self.done().again = true,
            Err(error) if !is_missing(&error) => {
                writer.tell(set, Verb::Delete, name, Err(text(&error)));
                return Err(doing(format!("delete pod {name}"))(error));
            }
            _ => writer.tell(set, Verb::Delete, name, Ok(())),
        }
        self.did(format!("delete pod {name}"));
        self.done().lowered += i32::from(delete.lowers_current);
        Ok(())
    }

    /// Updates a pod and what belongs to it; on conflict again from what the caches say then.
    async fn repair(&self, step: &RepairPod) -> Result<(), SyncError> {
        let (writer, Observed { set, naming, .. }) = (self.writer, self.observed);
        let mut wanted = step.repair.clone();
        let name = wanted.pod.name_any();
        let mut rests = UPDATE_RESTS.iter();
        loop {
            if let Err(error) = self.claims(&wanted.pod, &wanted.needs).await {
                writer.tell(set, Verb::Update, &name, Err(error.to_string()));
                return Err(error);
            }
            let owners = self.owners(&wanted.pod, &wanted.references).await;
            let (result, was_put) = match owners {
                Err(SyncError::Api { source, .. }) => (Err(*source), false),
                Err(error) => return Err(error),
                Ok(()) => (writer.update_pod(set, &mut wanted.pod).await, true),
            };
            let rest = match &result {
                Err(error) if is_conflict(error) => rests.next(),
                _ => None,
            };
            let Some(rest) = rest else {
                if was_put {
                    let told = result.as_ref().copied().map_err(text);
                    writer.tell(set, Verb::Update, &name, told);
                }
                self.did(format!("update pod {name}"));
                return result.map_err(doing(format!("update pod {name}")));
            };
            writer.rest(*rest).await;
            let Some(pod) = writer.caches.pods.named(set.namespace(), &name) else {
                return result.map_err(doing(format!("update pod {name}")));
            };
            let claims = self.cached_claims(step.ordinal);
            let known = |name: &str| claims.get(name);
            match repair(set, &pod, step.ordinal, *naming, known) {
                Some(mut fresh) => {
                    if step.without_owners {
                        fresh.references = References::default();
                    }
                    wanted = fresh;
                }
                None => return Ok(()),
            }
        }
    }

    fn cached_claims(&self, ordinal: i32) -> BTreeMap<String, Arc<PersistentVolumeClaim>> {
        let Observed { set, naming, .. } = self.observed;
        let names = names(set, ordinal, *naming).into_iter();
        let claims = names.filter_map(|name| {
            let claim = self.writer.caches.claims.named(set.namespace(), &name)?;
            Some((name, claim))
        });
        claims.collect()
    }

    /// Creates what is missing; goes through all before it fails.
    async fn claims(&self, pod: &Pod, needs: &Needs) -> Result<(), SyncError> {
        let (writer, set) = (self.writer, &self.observed.set);
        let terminating = needs.terminating.iter();
        let mut errors: Vec<_> = terminating
            .map(|name| format!("pvc {name} is being deleted"))
            .collect();
        for claim in &needs.missing {
            let mut claim = claim.clone();
            writer.twist.claim(self.observed, &mut claim);
            let name = claim.name_any();
            match writer.create_claim(set, &pod.name_any(), claim).await {
                Ok(()) => self.did(format!("create claim {name}")),
                Err(error) => errors.push(error),
            }
        }
        match errors.len() {
            0 => Ok(()),
            1 => Err(SyncError::Claims(errors.remove(0))),
            _ => Err(SyncError::Claims(format!("[{}]", errors.join(", ")))),
        }
    }

    async fn owners(&self, pod: &Pod, references: &References) -> Result<(), SyncError> {
        let (writer, set) = (self.writer, &self.observed.set);
        for claim in &references.conflicts {
            let message = format!(
                "PersistentVolumeClaim {claim} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim"
            );
            writer
                .recorder
                .record(set, Kind::Warning, "ConflictingController", message);
        }
        for claim in &references.updates {
            let name = claim.name_any();
            let updated = writer.update_claim(set, claim.clone()).await;
            let what = format!("set the owners of claim {name} of pod {}", pod.name_any());
            updated.map_err(doing(what))?;
            self.did(format!("set owners of claim {name}"));
        }
        Ok(())
    }
}
