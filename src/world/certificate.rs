//! Waiting for what becomes true, and judging what must stay true.

use std::time::Duration;

use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::{MOST_CHANGES, Seen, Snapshot, World, words::set_of};
use crate::{
    evidence::Kind,
    sets,
    verdict::{Certificate, Stop},
};

/// What one look of the controller saw.
#[derive(Default)]
struct Looked {
    generation: Option<i64>,
    pods: usize,
    ready: usize,
}

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
        let (hold, limit) = match self.scene.profile.virtual_time {
            // A scenario that knows of unrest does not wait long for its end.
            true if self.notes.contains_key("restless") => (deadlines.quiet, deadlines.quiet),
            true => (deadlines.quiet, deadlines.one_step),
            false => (Duration::from_millis(500), deadlines.quiet),
        };
        // Whoever does not rest is judged all the same.
        self.recorder.quiet(hold, limit, MOST_CHANGES).await;
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

    /// How long one step takes: longer where a node has been lost, which has to be missed first.
    pub fn one_step(&self) -> Duration {
        let deadlines = self.scene.deadlines;
        match self.notes.contains_key("node") {
            true => deadlines.lost_node,
            false => deadlines.one_step,
        }
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
        if self.held != Some(self.length()) {
            let certified = self.certify(set).await;
            // What is violated already is violated, whether or not the controller came to rest.
            self.judge(expected, &judge)?;
            let mut certificate = certified?;
            certificate.changes = self.hold(expected, &judge).await?;
            certificate.held_seconds = self.scene.deadlines.hold.as_secs();
            self.held = Some(self.length());
            self.certificates.push(certificate);
        }
        self.judge(expected, &judge)?;
        if let Some(certificate) = self.certificates.last_mut() {
            certificate.claims.push(expected.to_owned());
        }
        Ok(())
    }

    /// Judges a negative claim over a hold in which the scenario itself changes nothing: there is no certificate.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] if the claim does not hold.
    pub async fn rests(
        &self,
        expected: &str,
        judge: impl Fn(&Seen<'_>) -> Result<(), String>,
    ) -> Result<(), Stop> {
        self.judge(expected, &judge)?;
        self.hold(expected, &judge).await?;
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
    /// A set that is gone has no generation: there is nothing to look at.
    async fn certify(&self, name: &str) -> Result<Certificate, Stop> {
        let mut certificate = Certificate {
            set: name.to_owned(),
            ..Certificate::default()
        };
        let alive = |seen: &Seen<'_>| {
            let set = seen.set(name)?;
            let limit = set.spec.revision_history_limit.unwrap_or(10);
            Some(limit)
        };
        let Some(limit) = self.see(alive) else {
            return Ok(certificate);
        };
        // A negative limit keeps all; it must not become one that does not.
        let other = if limit < 0 { limit - 1 } else { limit + 1 };
        let patch = json!({ "spec": { "revisionHistoryLimit": other } });
        let answer = self
            .api(Kind::Set)
            .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
            .await;
        let answer = match answer {
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(certificate),
            answer => answer?,
        };
        let generation = answer.metadata.generation.unwrap_or_default();
        let looked = |seen: &Seen<'_>| {
            let Some(set) = seen.set(name) else {
                return Some(Looked::default());
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
            (observed >= generation && counted).then_some(Looked {
                generation: Some(observed),
                pods: pods.len(),
                ready,
            })
        };
        let limit = self.scene.deadlines.one_step;
        let expected = "the status answers and counts the pods as they are";
        match self.comes(limit, expected, looked).await {
            Ok(looked) => {
                certificate.observed_generation = looked.generation;
                certificate.pods = looked.pods;
                certificate.ready = looked.ready;
                Ok(certificate)
            }
            Err(_) => Err(Stop::Inconclusive(format!(
                "nothing shows that the controller looked at set {name:?}: its status did not answer generation {generation} \
                 and count the pods as they are; seen: {}",
                self.see(|seen| seen.tell())
            ))),
        }
    }
}
