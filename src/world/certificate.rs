//! Waiting for what becomes true, and judging what must stay true.

use std::time::Duration;

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::{Seen, Snapshot, World, words::set_of};
use crate::{evidence::Kind, sets, verdict::Stop};

impl World {
    /// Asks the history as it is now.
    pub fn see<T>(&self, read: impl FnOnce(&Seen<'_>) -> T) -> T {
        self.recorder.look(|history| {
            read(&Seen {
                history,
                namespace: self.namespace(),
                before: &self.before,
            })
        })
    }

    /// The scenario is about to do something: lets the world become quiet and remembers what is there.
    pub async fn acts(&mut self) {
        let deadlines = self.scene.deadlines;
        if self.scene.profile.virtual_time {
            self.recorder
                .quiet(deadlines.quiet, deadlines.one_step)
                .await;
        } else {
            self.recorder
                .quiet(Duration::from_millis(500), deadlines.quiet)
                .await;
        }
        self.remember();
    }

    /// Remembers what is there now.
    pub fn remember(&mut self) {
        self.before = self.recorder.look(Snapshot::of);
        self.held = None;
    }

    /// Waits until the history answers; a failure that says what was expected, and what is there, if it does not in
    /// time.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] when the limit has passed.
    pub async fn comes<T>(
        &self,
        limit: Duration,
        expected: &str,
        mut ask: impl FnMut(&Seen<'_>) -> Option<T>,
    ) -> Result<T, Stop> {
        let (namespace, before) = (self.namespace(), &self.before);
        self.until(
            limit,
            expected,
            |history| {
                Seen {
                    history,
                    namespace,
                    before,
                }
                .tell()
            },
            |history| {
                ask(&Seen {
                    history,
                    namespace,
                    before,
                })
            },
        )
        .await
    }

    /// [`comes`](Self::comes) within the time of one step, for a plain yes.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] when the time has passed.
    pub async fn comes_true(
        &self,
        expected: &str,
        mut ask: impl FnMut(&Seen<'_>) -> bool,
    ) -> Result<(), Stop> {
        self.comes(self.scene.deadlines.one_step, expected, |seen| {
            ask(seen).then_some(())
        })
        .await
    }

    /// Judges the history as it is now.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] with the rule and what the judge saw.
    pub fn judge(
        &self,
        expected: &str,
        judge: impl FnOnce(&Seen<'_>) -> Result<(), String>,
    ) -> Result<(), Stop> {
        self.see(judge)
            .map_err(|seen| Stop::Fail(format!("expected: {expected}; seen: {seen}")))
    }

    /// Judges a negative claim about a set, or about one of its pods: now, and again over the whole history after the
    /// set's controller has certainly looked and a hold has passed.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] if the claim does not hold, [`Stop::Inconclusive`] if nothing shows that the controller looked.
    pub async fn stays(
        &mut self,
        set: &str,
        expected: &str,
        judge: impl Fn(&Seen<'_>) -> Result<(), String>,
    ) -> Result<(), Stop> {
        self.judge(expected, &judge)?;
        let length = |world: &Self| world.recorder.look(|history| history.changes().len());
        if self.held != Some(length(self)) {
            let certified = self.certify(set).await;
            // What is violated already is violated, whether or not the controller came to rest.
            self.judge(expected, &judge)?;
            certified?;
            self.hold().await;
            self.held = Some(length(self));
        }
        self.judge(expected, &judge)
    }

    /// [`stays`](Self::stays) for the set in a pod's name.
    ///
    /// # Errors
    ///
    /// As [`stays`](Self::stays).
    pub async fn stays_of(
        &mut self,
        pod: &str,
        expected: &str,
        judge: impl Fn(&Seen<'_>) -> Result<(), String>,
    ) -> Result<(), Stop> {
        let set = set_of(pod).to_owned();
        self.stays(&set, expected, judge).await
    }

    /// The certificate of a negative claim: a field without effect changes, and one status write that answers it counts
    /// the pods as they are. So one look of the controller saw the premise and did nothing.
    ///
    /// A set that is gone has none: there is nothing to look at.
    async fn certify(&mut self, name: &str) -> Result<(), Stop> {
        let alive = |seen: &Seen<'_>| {
            let set = seen.set(name)?;
            let limit = set.spec.revision_history_limit.unwrap_or(10);
            Some(limit)
        };
        let Some(limit) = self.see(alive) else {
            return Ok(());
        };
        let patch = json!({ "spec": { "revisionHistoryLimit": limit + 1 } });
        let answer = self
            .api(Kind::Set)
            .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
            .await;
        let answer = match answer {
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
            answer => answer?,
        };
        let generation = answer.metadata.generation.unwrap_or_default();
        let looked = |seen: &Seen<'_>| {
            let Some(set) = seen.set(name) else {
                return Some(0);
            };
            let status = set.status.as_ref()?;
            let pods: Vec<_> = seen
                .all(Kind::Pod)
                .into_iter()
                .filter_map(|object| object.as_pod())
                .filter(|pod| sets::owner_uid(pod.as_ref()) == set.metadata.uid.as_deref())
                .collect();
            let ready = pods
                .iter()
                .filter(|pod| sets::is_running_and_ready(pod))
                .count();
            let counted = status.replicas as usize == pods.len()
                && status.ready_replicas.unwrap_or(0) as usize == ready;
            let observed = status.observed_generation.unwrap_or(0);
            (observed >= generation && counted).then_some(observed)
        };
        let limit = self.scene.deadlines.one_step;
        let expected = "the status answers and counts the pods as they are";
        match self.comes(limit, expected, looked).await {
            Ok(observed) => {
                let notes = self
                    .notes
                    .entry("certificates".into())
                    .or_insert(Value::Array(Vec::new()));
                if let Value::Array(notes) = notes {
                    notes.push(json!({ "set": name, "observedGeneration": observed }));
                }
                Ok(())
            }
            Err(_) => Err(Stop::Inconclusive(format!(
                "nothing shows that the controller looked at set {name:?}: its status did not answer generation {generation} \
                 and count the pods as they are; seen: {}",
                self.see(|seen| seen.tell())
            ))),
        }
    }
}
