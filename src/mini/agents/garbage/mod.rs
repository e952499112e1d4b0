//! The garbage collector: what has lost its owners goes, in the background or before its owner, or stays as an orphan.
//!
//! It decides on a [`Graph`] of the metadata of all kinds. What it deletes or changes it names by UID and version, so
//! that an object with a new owner is safe from an old decision.

mod graph;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{
    Api,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, Preconditions, PropagationPolicy},
};
use serde_json::{Value, json};

pub use graph::{Graph, Object, Step};

use super::{
    Context, Error, doing, is_gone,
    kinds::{Kind, follow},
    queue::{Agent, Queue, work},
    start::Starting,
};

struct Garbage {
    context: Context,
    queue: Queue<String>,
    graph: Arc<Mutex<Graph>>,
}

fn lock(graph: &Mutex<Graph>) -> MutexGuard<'_, Graph> {
    graph.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the collector; never ends.
pub(super) async fn run(context: Context, starting: Starting) {
    let queue: Queue<String> = Queue::default();
    let graph = Arc::new(Mutex::new(Graph::default()));
    let collector = Garbage {
        context: context.clone(),
        queue: queue.clone(),
        graph: Arc::clone(&graph),
    };
    let line = queue.clone();
    let noting = move |kind: &'static Kind, key: &_, old: Option<&_>, new: Option<&_>| {
        for uid in lock(&graph).note(kind, key, old, new) {
            line.add(uid);
        }
    };
    follow(&context, Arc::new(noting)).await;
    drop(starting);
    work(collector, queue).await;
}

impl Garbage {
    fn api(&self, kind: &Kind, namespace: &str) -> Api<DynamicObject> {
        let client = self.context.client.clone();
        match kind.namespaced {
            true => Api::namespaced_with(client, namespace, &kind.resource()),
            false => Api::all_with(client, &kind.resource()),
        }
    }

    /// Whether an owner that no cache knows is there. One of an unknown kind is taken to be.
    async fn is_there(&self, namespace: &str, owner: &OwnerReference) -> Result<bool, Error> {
        let Some(kind) = Kind::find(&owner.api_version, &owner.kind) else {
            return Ok(true);
        };
        let found = self
            .api(kind, namespace)
            .get_metadata_opt(&owner.name)
            .await;
        let found = found.map_err(doing(format!("look for the owner {}", owner.name)))?;
        Ok(found.is_some_and(|found| found.metadata.uid.as_ref() == Some(&owner.uid)))
    }

    async fn change(&self, uid: &str, object: &Object, mut metadata: Value) -> Result<(), Error> {
        metadata["uid"] = json!(uid);
        metadata["resourceVersion"] = json!(object.version);
        let patch = Patch::Merge(json!({"metadata": metadata}));
        let api = self.api(object.kind, &object.key.namespace);
        let changed = api
            .patch_metadata(&object.key.name, &PatchParams::default(), &patch)
            .await;
        match changed {
            Err(error) if is_gone(&error) => Ok(()),
            other => other
                .map(drop)
                .map_err(doing(format!("change {} {}", object.kind.kind, object.key))),
        }
    }

    async fn forget(&self, uid: &str, object: &Object, owners: &[String]) -> Result<(), Error> {
        let left: Vec<_> = object
            .owners
            .iter()
            .filter(|owner| !owners.contains(&owner.uid))
            .collect();
        self.change(uid, object, json!({"ownerReferences": left}))
            .await
    }

    async fn release(&self, uid: &str, object: &Object, finalizer: &str) -> Result<(), Error> {
        let left: Vec<_> = object
            .finalizers
            .iter()
            .filter(|name| *name != finalizer)
            .collect();
        self.change(uid, object, json!({"finalizers": left})).await
    }

    async fn delete(&self, uid: &str, object: &Object, how: &str) -> Result<(), Error> {
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid: Some(uid.to_owned()),
                resource_version: object.version.clone(),
            }),
            propagation_policy: Some(match how {
                "Foreground" => PropagationPolicy::Foreground,
                "Orphan" => PropagationPolicy::Orphan,
                _ => PropagationPolicy::Background,
            }),
            ..DeleteParams::default()
        };
        let api = self.api(object.kind, &object.key.namespace);
        match api.delete(&object.key.name, &params).await {
            Err(error) if is_gone(&error) => Ok(()),
            other => other
                .map(drop)
                .map_err(doing(format!("delete {} {}", object.kind.kind, object.key))),
        }
    }
}

impl Agent for Garbage {
    type Key = String;

    async fn sync(&self, uid: &String) -> Result<(), Error> {
        let (step, object) = {
            let graph = lock(&self.graph);
            (graph.step(uid), graph.get(uid).cloned())
        };
        let Some(object) = object else {
            return Ok(());
        };
        match step {
            Step::Rest => {}
            Step::Look(dependents) => {
                for dependent in dependents {
                    self.queue.add(dependent);
                }
            }
            Step::Ask(owners) => {
                for owner in owners {
                    let there = self.is_there(&object.key.namespace, &owner).await?;
                    lock(&self.graph).answer(owner.uid, there);
                }
                self.queue.add(uid.clone());
            }
            Step::Release(finalizer) => self.release(uid, &object, finalizer).await?,
            Step::Orphan(dependents) => {
                for dependent in dependents {
                    let known = lock(&self.graph).get(&dependent).cloned();
                    if let Some(known) = known {
                        self.forget(&dependent, &known, std::slice::from_ref(uid))
                            .await?;
                    }
                }
                self.release(uid, &object, graph::ORPHAN).await?;
            }
            Step::Forget(owners) => self.forget(uid, &object, &owners).await?,
            Step::Delete(how) => self.delete(uid, &object, how).await?,
        }
        Ok(())
    }
}
