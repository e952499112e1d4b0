//! The reference controller: interchangeable with the one that Kubernetes has built in.
//!
//! Either takes over the other's sets without a restart and without a new revision. It differs in these things only:
//!
//! - a pod's delete names the object that is meant, so that a newer one of the name is never hit;
//! - a claim that goes, or loses an owner, queues the set that waits for it;
//! - currentReplicas is lowered only for pods of the current revision, so that no status is refused;
//! - conditions of others survive a conflicting write of the status;
//! - claims and their volumes come in the order of their templates.
//!
//! # How it works
//!
//! Watches keep [`cache`]s; [`triggers`] queue sets; workers take them from the [`queue`] and [`sync`] each: whose pods
//! ([`ownership`]), which [`revision`]s, then [`plan`], which decides everything about pods from what was observed and
//! the time, [`apply`], which carries it out, and the [`status`]. [`mod@write`] alone writes, [`gate`] remembers what, and
//! [`events`] tell of it. [`lead`] lets one of several copies work, [`health`] serves what [`metrics`] count. [`twist`] is where components known to be wrong come in.

pub mod apply;
pub mod cache;
pub mod claim;
pub mod error;
pub mod events;
pub mod gate;
pub mod health;
pub mod lead;
pub mod manifests;
pub mod metrics;
pub mod ownership;
pub mod plan;
pub mod pod;
pub mod queue;
pub mod revision;
pub mod set;
pub mod status;
pub mod sync;
pub mod triggers;
pub mod twist;
pub mod write;

use std::{
    convert::Infallible,
    fmt::Debug,
    sync::{Arc, Mutex},
    time::Duration,
};

use kube::{Api, Client, Resource, api::DynamicObject, core::NamespaceResourceScope};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout_at},
};

use crate::{clock::Clock, cluster::Target};

pub use error::Error;
pub use metrics::Metrics;
pub use plan::Gates;
pub use twist::{Faithful, Twist};

use cache::{Cache, feed};
use metrics::Ended;
use queue::Queue;
use set::{Key, Set};
use sync::Syncer;
use write::{Caches, Writer};

/// How a controller runs.
#[derive(Clone)]
pub struct Options {
    /// The one namespace that it looks at; all, if none is named.
    pub namespace: Option<String>,
    /// What kind of object its sets are.
    pub target: Target,
    /// How many sets it works on at once.
    pub workers: usize,
    /// What it does wrong: nothing, by default.
    pub twist: Arc<dyn Twist>,
    /// Its feature gates.
    pub gates: Gates,
    /// Where the jitter of its retries begins.
    pub seed: u64,
    /// How long it tries to reach the API server at the start.
    pub patience: Duration,
    /// Where it counts.
    pub metrics: Metrics,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            namespace: None,
            target: Target::apps_v1(),
            workers: 5,
            twist: Arc::new(Faithful),
            gates: Gates::default(),
            seed: 0,
            patience: Duration::from_secs(30),
            metrics: Metrics::default(),
        }
    }
}

/// Runs a controller for ever. Dropped, it stops at once.
///
/// The client should not retry by itself (`default_retry = false` in its configuration): the queue does, and knows
/// when.
///
/// # Errors
///
/// If the API server cannot be reached at the start. Later it is tried again and again.
pub async fn run(client: Client, clock: Clock, options: Options) -> Result<Infallible, Error> {
    let (recorder, notes) = events::Recorder::new(clock);
    let caches = Arc::new(Caches::default());
    let queue = Queue::default();
    let mut tasks = JoinSet::new();
    watch(&client, &options, &caches, &queue, &mut tasks);
    tasks.spawn(events::send(
        client.clone(),
        notes,
        Arc::clone(&options.twist),
    ));
    let until = Instant::now() + options.patience;
    reached("sets", &caches.sets, &options, until).await?;
    reached("pods", &caches.pods, &options, until).await?;
    reached("claims", &caches.claims, &options, until).await?;
    reached("revisions", &caches.revisions, &options, until).await?;
    let syncer = Arc::new(Syncer {
        writer: Writer {
            client,
            target: options.target,
            caches,
            writes: gate::OwnWrites::default(),
            recorder,
            twist: options.twist,
            jitter: Mutex::new(options.seed),
        },
        clock,
        gates: options.gates,
        metrics: options.metrics,
    });
    for _ in 0..options.workers.max(1) {
        tasks.spawn(work(Arc::clone(&syncer), queue.clone()));
    }
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended
            && let Ok(panic) = error.try_into_panic()
        {
            std::panic::resume_unwind(panic);
        }
    }
    unreachable!("watches and workers never end")
}

/// Takes sets from the queue for ever.
async fn work(syncer: Arc<Syncer>, queue: Queue<Key>) {
    loop {
        let key = queue.take().await;
        let synced = syncer.sync(&key).await;
        syncer.metrics.synced(match &synced {
            Ok(_) => Ended::Done,
            Err(_) => Ended::Failed,
        });
        match synced {
            Ok(next) => {
                match next.again {
                    true => {
                        queue.forgive(&key);
                        queue.look_again(key.clone());
                    }
                    false => queue.forget(&key),
                }
                if let Some(at) = next.at {
                    let after = syncer.clock.until(at) - Instant::now();
                    queue.add_after(key.clone(), after);
                }
            }
            Err(error) => {
                if error.is_refusal() {
                    tracing::warn!(set = %key, %error, "comes again");
                } else {
                    tracing::debug!(set = %key, %error, "comes again");
                }
                match error {
                    error::SyncError::Behind(_) => queue.look_again(key.clone()),
                    _ => queue.retry(key.clone()),
                }
            }
        }
        queue.done(&key);
    }
}

/// Starts the four watches; their changes queue sets.
fn watch(
    client: &Client,
    options: &Options,
    caches: &Arc<Caches>,
    queue: &Queue<Key>,
    tasks: &mut JoinSet<()>,
) {
    let resource = &options.target.api;
    let sets: Api<DynamicObject> = match &options.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, resource),
        None => Api::all_with(client.clone(), resource),
    };
    let (version, kind) = (resource.api_version.clone(), resource.kind.clone());
    let read = move |object: DynamicObject| match Set::read(object, &version, &kind) {
        Ok(set) => Some(set),
        Err(error) => {
            tracing::warn!(%error, "left alone");
            None
        }
    };
    let line = queue.clone();
    let queued = move |change: &cache::Change<Set>| {
        let set = change.new.as_ref().or(change.old.as_ref());
        set.iter().for_each(|set| line.add(set.key()));
    };
    tasks.spawn(feed(sets, Arc::clone(&caches.sets), read, queued));

    let (line, known) = (queue.clone(), Arc::clone(caches));
    let woken = move |change: &cache::Change<_>| {
        let sets = in_its_namespace(&known, change);
        let wakes = triggers::of_pod(change, &sets).into_iter();
        wakes.for_each(|wake| line.add_after(wake.key, wake.after));
    };
    tasks.spawn(feed(
        namespaced(client, options),
        Arc::clone(&caches.pods),
        Some,
        woken,
    ));

    let (line, known) = (queue.clone(), Arc::clone(caches));
    let woken = move |change: &cache::Change<_>| {
        let sets = in_its_namespace(&known, change);
        let wakes = triggers::of_claim(change, &sets).into_iter();
        wakes.for_each(|wake| line.add_after(wake.key, wake.after));
    };
    tasks.spawn(feed(
        namespaced(client, options),
        Arc::clone(&caches.claims),
        Some,
        woken,
    ));

    let revisions = namespaced(client, options);
    tasks.spawn(feed(revisions, Arc::clone(&caches.revisions), Some, |_| {}));
}

fn namespaced<K>(client: &Client, options: &Options) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    match &options.namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

/// The sets in the namespace of an object that changed.
fn in_its_namespace<T: cache::Stored>(caches: &Caches, change: &cache::Change<T>) -> Vec<Arc<Set>> {
    let object = change.new.as_ref().or(change.old.as_ref());
    let namespace = object.and_then(|object| object.meta().namespace.as_deref());
    caches.sets.list_in(namespace.unwrap_or_default())
}

/// Waits until a cache has its first list.
async fn reached<T: cache::Stored>(
    kind: &'static str,
    cache: &Cache<T>,
    options: &Options,
    until: Instant,
) -> Result<(), Error> {
    let synced = timeout_at(until, cache.synced()).await;
    synced.map_err(|_| Error::NotReached {
        kind,
        within_seconds: options.patience.as_secs(),
        trouble: cache.trouble().unwrap_or_else(|| "no answer".to_owned()),
    })
}

impl Debug for Options {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Options")
            .field("namespace", &self.namespace)
            .field("target", &self.target)
            .field("workers", &self.workers)
            .field("gates", &self.gates)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests;
