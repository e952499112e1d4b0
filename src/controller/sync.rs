//! One sync of a set, from the own-write gate to the history.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use k8s_openapi::api::{
    apps::v1::{ControllerRevision, StatefulSetStatus},
    core::v1::Pod,
};
use kube::{ResourceExt as _, core::Selector};

use super::{
    apply::apply,
    cache::Stored as _,
    claim::names,
    error::SyncError,
    events::Kind,
    gate::Versions,
    metrics::Metrics,
    ownership::{Claiming, claiming, selects},
    plan::{Gates, Observed, Refusal, Waiting, max_unavailable, plan},
    revision::{self, Choice, Revision, Revisions, choose, sort},
    set::{Key, Set, Strategy, controller_of},
    status,
    twist::Effect,
    write::Writer,
};
use crate::{clock::Clock, sets::ordinal_of};

/// What is to happen after a sync.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Next {
    /// The cache lags behind.
    pub again: bool,
    /// A pod will be available.
    pub at: Option<Timestamp>,
}

/// Syncs sets.
pub struct Syncer {
    pub(super) writer: Writer,
    pub(super) clock: Clock,
    pub(super) gates: Gates,
    pub(super) metrics: Metrics,
}

/// What one sync knows so far.
struct Sync<'a> {
    writer: &'a Writer,
    set: Arc<Set>,
    selector: Selector,
    did: Vec<String>,
    waiting: Option<Waiting>,
    next: Next,
}

/// Names of the two revisions.
type Names = (String, String);

impl Syncer {
    /// Brings one set a step nearer to what it should be.
    ///
    /// # Errors
    ///
    /// Whatever kept it from being done; the set has to come again.
    pub async fn sync(&self, key: &Key) -> Result<Next, SyncError> {
        let caches = &self.writer.caches;
        if self.gates.own_writes {
            let read = Versions {
                pods: caches.pods.seen(),
                claims: caches.claims.seen(),
                sets: caches.sets.seen(),
            };
            let passed = self.writer.writes.pass(key, read);
            if let Err(behind) = &passed {
                self.metrics.skipped(behind.resource());
            }
            passed?;
        }
        let Some(set) = caches.sets.get(key) else {
            self.writer.writes.forget(key);
            self.metrics.forget(&key.namespace, &key.name);
            return Ok(Next::default());
        };
        let selector = match set.selector() {
            Ok(selector) => selector,
            Err(error) => {
                tracing::warn!(set = %key, %error, "its selector cannot be read");
                return Ok(Next::default());
            }
        };
        let mut sync = Sync {
            writer: &self.writer,
            set,
            selector,
            did: Vec::new(),
            waiting: None,
            next: Next::default(),
        };
        let result = sync.run(self).await;
        if !sync.did.is_empty() {
            let waiting = sync.waiting.as_ref().map(ToString::to_string);
            let waiting = waiting.unwrap_or_else(|| "nothing".to_owned());
            tracing::info!(set = %key, did = sync.did.join(", "), %waiting, "synced");
        }
        result.map(|()| sync.next)
    }
}

impl Sync<'_> {
    async fn run(&mut self, syncer: &Syncer) -> Result<(), SyncError> {
        let mut revisions = self.own_revisions();
        self.adopt_revisions(&mut revisions).await?;
        let pods = self.claim_pods().await?;
        sort(&mut revisions);
        let mut errors = Vec::new();
        let names = match self.choose(&revisions, syncer.gates).await {
            Ok((chosen, update)) => {
                let names = (chosen.current.name.clone(), chosen.update.name.clone());
                let is_new = revisions.iter().all(|known| known.name_any() != names.1);
                if is_new {
                    revisions.push(Arc::new(update));
                }
                errors.extend(self.pods(syncer, chosen, &pods).await.err());
                Some(names)
            }
            Err(error) => {
                errors.push(error);
                None
            }
        };
        errors.extend(self.truncate(&revisions, names.as_ref(), &pods).await.err());
        SyncError::all(errors)
    }

    /// The revisions that the selector selects and nobody else controls.
    fn own_revisions(&self) -> Vec<Arc<ControllerRevision>> {
        let all = self.writer.caches.revisions.list_in(self.set.namespace());
        let is_own = |revision: &Arc<ControllerRevision>| {
            let is_free =
                controller_of(&revision.metadata).is_none_or(|owner| owner.uid == self.set.uid());
            selects(&self.selector, revision.meta())
                && self.writer.twist.lists(&self.set, revision, is_free)
        };
        all.into_iter().filter(is_own).collect()
    }

    async fn adopt_revisions(
        &mut self,
        revisions: &mut [Arc<ControllerRevision>],
    ) -> Result<(), SyncError> {
        let orphans = revisions
            .iter_mut()
            .filter(|revision| controller_of(&revision.metadata).is_none());
        let mut is_confirmed = false;
        for revision in orphans {
            let name = revision.name_any();
            if !self.writer.twist.effect(Effect::AdoptRevision(&name)) {
                continue;
            }
            if !is_confirmed {
                self.writer
                    .confirm(&self.set, "ControllerRevisions")
                    .await?;
                is_confirmed = true;
            }
            let adopted = self.writer.adopt_revision(&self.set, revision).await?;
            self.did
                .push(format!("adopt revision {}", adopted.name_any()));
            *revision = Arc::new(adopted);
        }
        Ok(())
    }

    /// The set's pods, after adoption and release. All are tried before it fails.
    async fn claim_pods(&mut self) -> Result<Vec<Arc<Pod>>, SyncError> {
        let mut claimed = Vec::new();
        let mut errors = Vec::new();
        let mut confirmed: Option<Result<(), String>> = None;
        for pod in self.writer.caches.pods.list_in(self.set.namespace()) {
            let decided = claiming(&self.set, &self.selector, &pod);
            match self.writer.twist.claiming(&self.set, &pod, decided) {
                Claiming::Keep => claimed.push(pod),
                Claiming::Ignore => {}
                Claiming::Release => {
                    self.did.push(format!("release pod {}", pod.name_any()));
                    errors.extend(self.writer.release_pod(&self.set, &pod).await.err());
                }
                Claiming::Adopt => {
                    if confirmed.is_none() {
                        let live = self.writer.confirm(&self.set, "Pod").await;
                        confirmed = Some(live.map_err(|error| error.to_string()));
                    }
                    if let Some(Err(why)) = &confirmed {
                        let (what, why) = ("Pod", format!("{}: {why}", pod.name_any()));
                        errors.push(SyncError::NotAdopted { what, why });
                        continue;
                    }
                    match self.writer.adopt_pod(&self.set, &pod).await {
                        Ok(true) => {
                            self.did.push(format!("adopt pod {}", pod.name_any()));
                            claimed.push(pod);
                        }
                        Ok(false) => {}
                        Err(error) => errors.push(error),
                    }
                }
            }
        }
        SyncError::all(errors).map(|()| claimed)
    }

    /// The current and the update revision, the latter also as an object; it is created, raised or found.
    async fn choose(
        &mut self,
        sorted: &[Arc<ControllerRevision>],
        gates: Gates,
    ) -> Result<(Revisions, ControllerRevision), SyncError> {
        let (writer, set) = (self.writer, &self.set);
        let mut listed = sorted.to_vec();
        writer.twist.listed(set, &mut listed);
        let mut template = set.stored["spec"]["template"].clone();
        writer.twist.template(set, &listed, &mut template);
        let wanted = revision::data(template);
        let mut collision_count = set.status.collision_count.unwrap_or_default();
        let update = match choose(&listed, &wanted, gates.semantic_comparison) {
            Choice::Listed(revision) => (*revision).clone(),
            Choice::Raised(revision, number) => {
                let raised = writer.raise_revision(set, &revision, number).await?;
                self.did
                    .push(format!("raise revision {}", raised.name_any()));
                raised
            }
            Choice::New(number) => {
                let created = writer.create_revision(set, &wanted, number, &mut collision_count);
                let created = created.await?;
                self.did
                    .push(format!("create revision {}", created.name_any()));
                created
            }
        };
        let named = set.status.current_revision.as_deref();
        let current = listed
            .iter()
            .find(|revision| revision.metadata.name.as_deref() == named && named.is_some());
        let read = Revision::read(&update, set)?;
        let other = current.filter(|current| {
            (&current.metadata.name, &current.data) != (&update.metadata.name, &update.data)
        });
        let revisions = Revisions {
            current: match other {
                Some(current) => Revision::read(current, set)?,
                None => read.clone(),
            },
            update: read,
            collision_count,
        };
        Ok((revisions, update))
    }

    /// Plans, carries the plan out, and writes the status, also of a plan that failed.
    async fn pods(
        &mut self,
        syncer: &Syncer,
        revisions: Revisions,
        pods: &[Arc<Pod>],
    ) -> Result<(), SyncError> {
        let now = syncer.clock.now();
        let mut observed = self.observe(syncer.gates, revisions, pods);
        self.writer.twist.observed(&mut observed);
        let planned = plan(&observed, now);
        if let Err(refusal @ Refusal::UnknownStrategy(_)) = &planned {
            let recorder = &self.writer.recorder;
            recorder.record(
                &self.set,
                Kind::Warning,
                "UnknownStrategy",
                refusal.to_string(),
            );
        }
        let mut plan = planned?;
        self.count(syncer, plan.unavailable);
        self.writer.twist.planned(&observed, now, &mut plan);
        let done = apply(self.writer, &observed, &plan).await;
        self.did.extend(done.did);
        self.waiting = plan.waiting;
        self.next = Next {
            again: done.again,
            at: plan.requeue,
        };
        let mut computed = plan.status;
        if done.lowered > 0 {
            let current = computed.current_replicas;
            computed.current_replicas = current.map(|current| current - done.lowered);
        }
        for condition in done.conditions {
            status::set_condition(&mut computed.conditions, condition, now);
        }
        let all_was_done = done.error.is_none();
        let written = self.write_status(&observed, computed, now, all_was_done);
        let written = written.await;
        done.error.map_or(written, Err)
    }

    fn count(&self, syncer: &Syncer, unavailable: Option<usize>) {
        if !syncer.gates.max_unavailable {
            return;
        }
        let set = &self.set;
        let policy = if set.is_ordered() {
            "OrderedReady"
        } else {
            "Parallel"
        };
        let labels = || {
            (
                set.namespace().to_owned(),
                set.name().to_owned(),
                policy.to_owned(),
            )
        };
        syncer
            .metrics
            .max_unavailable(labels(), max_unavailable(set));
        if let Some(unavailable) = unavailable {
            syncer.metrics.unavailable_replicas(labels(), unavailable);
        }
    }

    fn observe(&self, gates: Gates, revisions: Revisions, pods: &[Arc<Pod>]) -> Observed {
        let naming = self.writer.twist.naming();
        let of_pods = pods
            .iter()
            .filter_map(|pod| ordinal_of(self.set.name(), &pod.name_any()));
        let mut claims = BTreeMap::new();
        if !self.set.claim_templates().is_empty() {
            for ordinal in self.set.range().chain(of_pods) {
                for name in names(&self.set, ordinal, naming) {
                    let known = &self.writer.caches.claims;
                    let claim = known.named(self.set.namespace(), &name);
                    claims.extend(claim.map(|claim| (name, claim)));
                }
            }
        }
        Observed {
            set: (*self.set).clone(),
            revisions,
            pods: pods.to_vec(),
            claims,
            naming,
            gates,
        }
    }

    async fn write_status(
        &mut self,
        observed: &Observed,
        mut computed: StatefulSetStatus,
        now: Timestamp,
        all_was_done: bool,
    ) -> Result<(), SyncError> {
        let set = &observed.set;
        let is_recreate = observed.gates.recreate && set.strategy() == Strategy::Recreate;
        status::complete(&mut computed, set.replicas(), is_recreate, now);
        let twist = &self.writer.twist;
        twist.status(observed, &mut computed);
        let differs = status::differs(&self.set.status, &computed);
        if twist.writes_status(&self.set, differs, all_was_done) {
            self.writer.write_status(&self.set, computed).await?;
            self.did.push("write status".to_owned());
        }
        Ok(())
    }

    /// Deletes old revisions beyond the limit.
    async fn truncate(
        &mut self,
        sorted: &[Arc<ControllerRevision>],
        names: Option<&Names>,
        pods: &[Arc<Pod>],
    ) -> Result<(), SyncError> {
        let current = names.map(|names| names.0.as_str());
        let update = names.map(|names| names.1.as_str());
        let live = revision::live(current, update, pods);
        let limit = self.set.spec.revision_history_limit.unwrap_or(10);
        let mut doomed: Vec<_> = revision::doomed(sorted, &live, limit);
        self.writer.twist.doomed(&self.set, sorted, &mut doomed);
        for revision in doomed {
            let name = revision.name_any();
            self.writer.delete_revision(&self.set, &name).await?;
            self.did.push(format!("delete revision {name}"));
        }
        Ok(())
    }
}
