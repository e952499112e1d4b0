//! The recorder: raw, unfiltered watches of every recorded kind, put into one history.
//!
//! # Guarantees
//!
//! - Recording begins with a list taken before [`Recorder::start`] returns: what happens later is a change.
//! - A change that may have been missed (a watch that broke and could not be resumed) leaves a gap in the history.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::StreamExt as _;
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, GroupVersionKind, ListParams, WatchEvent, WatchParams},
};
use tokio::{
    sync::watch,
    task::AbortHandle,
    time::{Instant, sleep, timeout_at},
};

use crate::{
    clock::Clock,
    cluster::Target,
    evidence::{Change, Gap, History, Kind, Object, Verb},
};

/// Why nothing can be recorded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cluster refused the list that recording begins with.
    #[error("cannot record the {plural} of namespace {namespace:?}: {source}")]
    List {
        /// What was to be listed.
        plural: String,
        /// Where.
        namespace: String,
        /// The cluster's answer.
        #[source]
        source: kube::Error,
    },
    /// An object of the cluster is not what its kind says.
    #[error(transparent)]
    Undecodable(#[from] crate::evidence::Undecodable),
}

struct Shared {
    history: Mutex<History>,
    grown: watch::Sender<usize>,
    watches: Mutex<Vec<AbortHandle>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        let watches = self
            .watches
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        watches.iter().for_each(AbortHandle::abort);
    }
}

/// Sees all that happens to the recorded kinds in some namespaces. Copies share it; recording ends with the last one.
#[derive(Clone)]
pub struct Recorder {
    client: Client,
    clock: Clock,
    target: Target,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Recorder").finish_non_exhaustive()
    }
}

impl Recorder {
    /// A recorder that sees nothing yet.
    pub fn new(client: Client, clock: Clock, target: Target) -> Self {
        let shared = Shared {
            history: Mutex::default(),
            grown: watch::Sender::new(0),
            watches: Mutex::default(),
        };
        Self {
            client,
            clock,
            target,
            shared: Arc::new(shared),
        }
    }

    /// Records every kind in a namespace from now on.
    ///
    /// # Errors
    ///
    /// The cluster refuses one of the lists, or lists what is not of its kind.
    pub async fn start(&self, namespace: &str) -> Result<(), Error> {
        for kind in Kind::ALL {
            let api: Api<DynamicObject> =
                Api::namespaced_with(self.client.clone(), namespace, &self.resource(kind));
            let from = self.list(&api, kind, namespace).await?;
            let feeding = feed(api, kind, from, self.clock, Arc::downgrade(&self.shared));
            let handle = tokio::spawn(feeding).abort_handle();
            lock(&self.shared.watches).push(handle);
        }
        Ok(())
    }

    /// How to address a kind.
    pub fn resource(&self, kind: Kind) -> ApiResource {
        let (group, name) = match kind {
            Kind::Set => return self.target.api.clone(),
            Kind::Pod => ("", "Pod"),
            Kind::Claim => ("", "PersistentVolumeClaim"),
            Kind::Revision => ("apps", "ControllerRevision"),
            Kind::Service => ("", "Service"),
            Kind::EndpointSlice => ("discovery.k8s.io", "EndpointSlice"),
            Kind::Event => ("", "Event"),
            Kind::Deployment => ("apps", "Deployment"),
            Kind::ReplicaSet => ("apps", "ReplicaSet"),
        };
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "v1", name), kind.plural())
    }

    async fn list(
        &self,
        api: &Api<DynamicObject>,
        kind: Kind,
        namespace: &str,
    ) -> Result<String, Error> {
        let list = api
            .list(&ListParams::default())
            .await
            .map_err(|source| Error::List {
                plural: kind.plural().to_owned(),
                namespace: namespace.to_owned(),
                source,
            })?;
        for object in list.items {
            let object = Object::decode(kind, value_of(&object))?;
            self.shared.push(&self.clock, Verb::Added, true, object);
        }
        Ok(list.metadata.resource_version.unwrap_or_default())
    }

    /// Reads the history as it is now.
    pub fn look<T>(&self, read: impl FnOnce(&History) -> T) -> T {
        read(&lock(&self.shared.history))
    }

    /// Waits until the history answers a question. `None` when the limit, by the runtime's clock, has passed.
    pub async fn until<T>(
        &self,
        limit: Duration,
        mut ask: impl FnMut(&History) -> Option<T>,
    ) -> Option<T> {
        let deadline = Instant::now() + limit;
        let mut grown = self.shared.grown.subscribe();
        loop {
            grown.borrow_and_update();
            if let Some(answer) = self.look(&mut ask) {
                return Some(answer);
            }
            match timeout_at(deadline, grown.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return None,
            }
        }
    }

    /// Waits until nothing has been seen for a while. False when that does not come within the limit.
    pub async fn quiet(&self, hold: Duration, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let mut grown = self.shared.grown.subscribe();
        loop {
            grown.borrow_and_update();
            let rest = deadline.min(Instant::now() + hold);
            match timeout_at(rest, grown.changed()).await {
                Ok(_) if Instant::now() < deadline => {}
                Ok(_) => return false,
                Err(_) => return rest < deadline,
            }
        }
    }

    /// The history so far, checked against what the cluster says now: a difference leaves a gap.
    ///
    /// # Errors
    ///
    /// The cluster refuses one of the lists.
    pub async fn finish(&self, namespaces: &[String]) -> Result<History, Error> {
        for namespace in namespaces {
            for kind in Kind::ALL {
                self.compare(kind, namespace).await?;
            }
        }
        Ok(self.look(History::clone))
    }

    async fn compare(&self, kind: Kind, namespace: &str) -> Result<(), Error> {
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), namespace, &self.resource(kind));
        let list = api
            .list(&ListParams::default())
            .await
            .map_err(|source| Error::List {
                plural: kind.plural().to_owned(),
                namespace: namespace.to_owned(),
                source,
            })?;
        let listed: BTreeMap<String, u64> = list
            .items
            .iter()
            .map(|object| {
                let version = object.metadata.resource_version.as_deref();
                let version = version.and_then(|text| text.parse().ok()).unwrap_or(0);
                (object.metadata.name.clone().unwrap_or_default(), version)
            })
            .collect();
        let agrees = |history: &History| {
            let seen: BTreeMap<String, u64> = history
                .present(kind, namespace)
                .map(|object| (object.name().to_owned(), object.version()))
                .collect();
            let behind = listed
                .iter()
                .any(|(name, version)| seen.get(name).is_none_or(|seen| seen < version));
            (!behind).then_some(())
        };
        if self.until(Duration::from_secs(5), agrees).await.is_none() {
            let mut history = lock(&self.shared.history);
            let end = history.changes().len();
            history.gap(Gap {
                kind,
                after: 0,
                until: end,
                why: format!("the {} listed at the end were not all seen", kind.plural()),
            });
        }
        Ok(())
    }
}

impl Shared {
    fn push(&self, clock: &Clock, verb: Verb, initial: bool, object: Object) {
        let mut history = lock(&self.history);
        history.push(Change {
            at: clock.now(),
            verb,
            version: object.version(),
            initial,
            object,
        });
        let length = history.changes().len();
        drop(history);
        self.grown.send_replace(length);
    }

    fn gap(&self, kind: Kind, why: String) {
        let mut history = lock(&self.history);
        let after = history.changes().len();
        history.gap(Gap {
            kind,
            after,
            until: after,
            why,
        });
    }
}

/// How long a broken watch rests.
const REST: Duration = Duration::from_millis(500);

async fn feed(
    api: Api<DynamicObject>,
    kind: Kind,
    mut from: String,
    clock: Clock,
    shared: std::sync::Weak<Shared>,
) {
    let params = WatchParams::default().timeout(290);
    loop {
        let mut events = match api.watch(&params, &from).await {
            Ok(events) => pin!(events.boxed()),
            Err(error) => {
                tracing::debug!(%error, %kind, "watch failed");
                sleep(REST).await;
                continue;
            }
        };
        while let Some(event) = events.next().await {
            let Some(shared) = shared.upgrade() else {
                return;
            };
            let (verb, object) = match event {
                Ok(WatchEvent::Added(object)) => (Verb::Added, object),
                Ok(WatchEvent::Modified(object)) => (Verb::Modified, object),
                Ok(WatchEvent::Deleted(object)) => (Verb::Deleted, object),
                Ok(WatchEvent::Bookmark(mark)) => {
                    from = mark.metadata.resource_version;
                    continue;
                }
                Ok(WatchEvent::Error(status)) => {
                    shared.gap(
                        kind,
                        format!("the watch of {} ended: {}", kind.plural(), status.message),
                    );
                    match api.list(&ListParams::default().limit(1)).await {
                        Ok(list) => from = list.metadata.resource_version.unwrap_or_default(),
                        Err(_) => sleep(REST).await,
                    }
                    break;
                }
                Err(error) => {
                    tracing::debug!(%error, %kind, "watch broke");
                    sleep(REST).await;
                    break;
                }
            };
            if let Some(version) = &object.metadata.resource_version {
                from.clone_from(version);
            }
            match Object::decode(kind, value_of(&object)) {
                Ok(object) => shared.push(&clock, verb, false, object),
                Err(error) => shared.gap(kind, error.to_string()),
            }
        }
    }
}

fn value_of(object: &DynamicObject) -> serde_json::Value {
    serde_json::to_value(object).unwrap_or_default()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
