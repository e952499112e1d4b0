//! Readiness as a dial: a readiness gate that the scenario's own task answers.
//!
//! Pods of a set whose template has the gate [`GATE`] become Ready when their containers are and the gate's condition is
//! True. The task grants it to every pod whose readiness is not withheld, as soon as the pod is seen.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api,
    api::{DynamicObject, Patch, PatchParams},
};
use serde_json::json;
use tokio::{sync::watch, task::AbortHandle};

use super::World;
use crate::{
    clock::Clock,
    evidence::{History, Kind},
    record::Recorder,
    sets,
};

/// The condition that the readiness gate asks for.
pub const GATE: &str = "stsspec.dev/ready";

/// Who is Ready. Copies share it; its task ends with the last one.
#[derive(Clone, Debug, Default)]
pub struct Dial {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    positions: Mutex<Positions>,
    turned: watch::Sender<u64>,
    task: Mutex<Option<AbortHandle>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        let task = self.task.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task.take() {
            task.abort();
        }
    }
}

/// What the sentences said so far.
#[derive(Debug, Default)]
struct Positions {
    /// Pods by name; and the UID of the one that was there already and keeps what it has.
    withheld: BTreeMap<String, Option<String>>,
    /// Pods by name that are granted it whatever is withheld from others.
    granted: BTreeSet<String>,
    /// It is withheld from every pod but these, by UID.
    known: Option<BTreeSet<String>>,
}

impl Positions {
    /// The condition should be True.
    fn grants(&self, pod: &Pod) -> bool {
        let name = pod.metadata.name.as_deref().unwrap_or_default();
        let uid = pod.metadata.uid.as_deref().unwrap_or_default();
        if let Some(spared) = self.withheld.get(name) {
            return spared.as_deref() == Some(uid);
        }
        self.granted.contains(name) || self.known.as_ref().is_none_or(|known| known.contains(uid))
    }
}

impl Dial {
    /// Starts the task.
    pub fn turn(&self, recorder: &Recorder, pods: Api<DynamicObject>, clock: Clock) {
        let shared = Arc::downgrade(&self.shared);
        let turned = self.shared.turned.subscribe();
        let task = tokio::spawn(grant(shared, turned, recorder.clone(), pods, clock));
        *lock(&self.shared.task) = Some(task.abort_handle());
    }

    /// From now on no pod of that name is granted readiness; one that is there, `spared`, keeps what it has.
    pub fn withhold(&self, name: &str, spared: Option<String>) {
        let mut positions = lock(&self.shared.positions);
        positions.granted.remove(name);
        positions.withheld.insert(name.to_owned(), spared);
        drop(positions);
        self.told();
    }

    /// From now on pods of that name are granted readiness.
    pub fn grant(&self, name: &str) {
        let mut positions = lock(&self.shared.positions);
        positions.withheld.remove(name);
        positions.granted.insert(name.to_owned());
        drop(positions);
        self.told();
    }

    /// From now on only pods with these UIDs are granted readiness.
    pub fn withhold_new(&self, known: BTreeSet<String>) {
        let mut positions = lock(&self.shared.positions);
        positions.known = Some(known);
        positions.granted.clear();
        drop(positions);
        self.told();
    }

    /// From now on every pod is granted readiness.
    pub fn grant_all(&self) {
        *lock(&self.shared.positions) = Positions::default();
        self.told();
    }

    fn told(&self) {
        self.shared.turned.send_modify(|count| *count += 1);
    }
}

impl World {
    /// One of the scenario's sentences speaks of readiness.
    pub fn speaks_of_readiness(&self) -> bool {
        let sentences = self.scene.sentences.iter();
        sentences.into_iter().any(|sentence| {
            sentence.contains("readiness of ") || sentence.contains(" is held at pod ")
        })
    }
}

/// Longer than any scenario.
const EVER: Duration = Duration::from_secs(365 * 24 * 3600);

async fn grant(
    shared: std::sync::Weak<Shared>,
    mut turned: watch::Receiver<u64>,
    recorder: Recorder,
    pods: Api<DynamicObject>,
    clock: Clock,
) {
    // Pods whose state was answered, by UID, with the version that was answered.
    let mut tried: BTreeMap<String, u64> = BTreeMap::new();
    loop {
        turned.borrow_and_update();
        let next = |history: &History| {
            let shared = shared.upgrade()?;
            let positions = lock(&shared.positions);
            due(history, &positions, &tried)
        };
        let found = tokio::select! {
            biased;
            found = recorder.until(EVER, next) => found,
            turn = turned.changed() => match turn {
                Ok(()) => {
                    tried.clear();
                    continue;
                }
                Err(_) => return,
            },
        };
        let Some((name, uid, version, granted)) = found else {
            return;
        };
        tried.insert(uid.clone(), version);
        let now = clock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let patch = json!({
            "metadata": { "uid": uid },
            "status": { "conditions": [{
                "type": GATE,
                "status": if granted { "True" } else { "False" },
                "lastTransitionTime": now,
            }] },
        });
        let answer = pods
            .patch_status(&name, &PatchParams::default(), &Patch::Strategic(&patch))
            .await;
        if let Err(error) = answer {
            tracing::debug!(%error, pod = name, "readiness was not set");
        }
    }
}

/// A pod whose condition is not what it should be: name, UID, version, and whether it is to be True.
fn due(
    history: &History,
    positions: &Positions,
    tried: &BTreeMap<String, u64>,
) -> Option<(String, String, u64, bool)> {
    history.everywhere(Kind::Pod).find_map(|object| {
        let pod = object.as_pod()?;
        let spec = pod.spec.as_ref()?;
        let gates = spec.readiness_gates.as_deref().unwrap_or_default();
        let gated = gates.iter().any(|gate| gate.condition_type == GATE);
        let granted = positions.grants(pod);
        let is = sets::condition(pod, GATE).is_some_and(|condition| condition.status == "True");
        let fresh = tried.get(object.uid()) != Some(&object.version());
        (gated && is != granted && fresh && !sets::is_terminating(pod)).then(|| {
            (
                object.name().to_owned(),
                object.uid().to_owned(),
                object.version(),
                granted,
            )
        })
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
