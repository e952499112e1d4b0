//! Shared caches of the cluster's objects: one watch a kind, whoever asks for it.
//!
//! An informer lists a kind, watches it from there, and tells its listeners what changed. It starts when somebody asks
//! for the first time, so a kind that nobody needs costs nothing. Readers may be behind the API server, never ahead;
//! what an agent wrote itself it can put in at once with [`Informer::learn`].

use std::{
    any::{Any, TypeId},
    collections::BTreeMap,
    fmt::{self, Debug},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::StreamExt;
use kube::{
    Api, Client, Resource,
    api::{ApiResource, DynamicObject, PartialObjectMeta},
    runtime::watcher,
};
use serde::de::DeserializeOwned;
use tokio::{sync::watch, task::AbortHandle};

/// Where an object is: its namespace (empty for objects of the cluster) and its name. Ordered by both.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Empty for objects that have none.
    pub namespace: String,
    /// The object's name.
    pub name: String,
}

impl Key {
    /// The key of a name in a namespace.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// The key of an object.
    pub fn of<K: Resource>(object: &K) -> Self {
        let meta = object.meta();
        Self::new(
            meta.namespace.clone().unwrap_or_default(),
            meta.name.clone().unwrap_or_default(),
        )
    }
}

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace.as_str() {
            "" => out.write_str(&self.name),
            namespace => write!(out, "{namespace}/{}", self.name),
        }
    }
}

/// What became of one object. Both are there for a change, `old` alone for a removal, `new` alone for an addition;
/// the two may be different incarnations under one name.
#[derive(Clone, Debug)]
pub struct Change<K> {
    /// The object's key.
    pub key: Key,
    /// What was known before.
    pub old: Option<Arc<K>>,
    /// What is known now.
    pub new: Option<Arc<K>>,
}

impl<K> Change<K> {
    /// Before and now, as far as there is one: what a listener looks at that cares for owners or selectors.
    pub fn both(&self) -> impl Iterator<Item = &Arc<K>> {
        self.old.iter().chain(&self.new)
    }
}

type Listener<K> = Box<dyn Fn(&Change<K>) + Send>;

struct Inner<K> {
    objects: Mutex<Objects<K>>,
    listeners: Mutex<Vec<Listener<K>>>,
    synced: watch::Sender<bool>,
}

struct Objects<K> {
    known: BTreeMap<Key, Arc<K>>,
    /// The highest version the watch delivered: what a writer learns below it may be gone already.
    seen: u64,
}

/// The cache of one kind. Clones share it.
pub struct Informer<K>(Arc<Inner<K>>);

impl<K> Clone for Informer<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K> Informer<K> {
    fn new() -> Self {
        Self(Arc::new(Inner {
            objects: Mutex::new(Objects {
                known: BTreeMap::new(),
                seen: 0,
            }),
            listeners: Mutex::new(Vec::new()),
            synced: watch::Sender::new(false),
        }))
    }

    fn objects(&self) -> MutexGuard<'_, Objects<K>> {
        lock(&self.0.objects)
    }

    /// The object under a key.
    pub fn get(&self, key: &Key) -> Option<Arc<K>> {
        self.objects().known.get(key).cloned()
    }

    /// All objects, by namespace and name.
    pub fn list(&self) -> Vec<Arc<K>> {
        self.objects().known.values().cloned().collect()
    }

    /// The objects of one namespace, by name.
    pub fn list_in(&self, namespace: &str) -> Vec<Arc<K>> {
        self.objects()
            .known
            .range(Key::new(namespace, "")..)
            .take_while(|(key, _)| key.namespace == namespace)
            .map(|(_, object)| Arc::clone(object))
            .collect()
    }

    /// Calls the listener for what is there (as additions) and for each change from then on, in order. It runs inside
    /// the watch: it notes what to do and returns, and does not call [`Informer::learn`] or `listen`.
    pub fn listen(&self, listener: impl Fn(&Change<K>) + Send + 'static) {
        let mut listeners = lock(&self.0.listeners);
        let present: Vec<_> = {
            let objects = self.objects();
            let pairs = objects.known.iter();
            pairs
                .map(|(key, now)| (key.clone(), Arc::clone(now)))
                .collect()
        };
        for (key, now) in present {
            let new = Some(now);
            listener(&Change {
                key,
                old: None,
                new,
            });
        }
        listeners.push(Box::new(listener));
    }

    /// Resolves once the first list is in.
    pub async fn synced(&self) {
        // The sender lives in self: the wait cannot fail.
        let _ = self.0.synced.subscribe().wait_for(|synced| *synced).await;
    }
}

impl<K: Resource> Informer<K> {
    /// Puts in an answer of the API server to a write of one's own, unless the watch is further already. Versions of
    /// one kind are comparable, which Kubernetes promises since 1.35.
    pub fn learn(&self, object: &K)
    where
        K: Clone,
    {
        let listeners = lock(&self.0.listeners);
        let key = Key::of(object);
        let change = {
            let mut objects = self.objects();
            let newest = objects.known.get(&key).map_or(0, |known| version(&**known));
            if version(object) <= objects.seen.max(newest) {
                return;
            }
            let new = Arc::new(object.clone());
            let old = objects.known.insert(key.clone(), Arc::clone(&new));
            let new = Some(new);
            Change { key, old, new }
        };
        tell(&listeners, &change);
    }

    fn apply(&self, object: K) {
        let listeners = lock(&self.0.listeners);
        let key = Key::of(&object);
        let change = {
            let mut objects = self.objects();
            let at = version(&object);
            objects.seen = objects.seen.max(at);
            let known = objects.known.get(&key).map_or(0, |known| version(&**known));
            if known != 0 && known >= at {
                return;
            }
            let new = Arc::new(object);
            let old = objects.known.insert(key.clone(), Arc::clone(&new));
            let new = Some(new);
            Change { key, old, new }
        };
        tell(&listeners, &change);
    }

    fn remove(&self, object: &K) {
        let listeners = lock(&self.0.listeners);
        let key = Key::of(object);
        let change = {
            let mut objects = self.objects();
            objects.seen = objects.seen.max(version(object));
            let newer = |known: &Arc<K>| version(&**known) > version(object);
            if objects.known.get(&key).is_none_or(newer) {
                return;
            }
            let old = objects.known.remove(&key);
            Change {
                key,
                old,
                new: None,
            }
        };
        tell(&listeners, &change);
    }

    fn replace(&self, fresh: Vec<K>) {
        let listeners = lock(&self.0.listeners);
        let mut changes = Vec::new();
        {
            let mut objects = self.objects();
            let mut known = std::mem::take(&mut objects.known);
            for object in fresh {
                objects.seen = objects.seen.max(version(&object));
                let key = Key::of(&object);
                let new = Arc::new(object);
                let old = known.remove(&key);
                objects.known.insert(key.clone(), Arc::clone(&new));
                let new = Some(new);
                changes.push(Change { key, old, new });
            }
            changes.extend(known.into_iter().map(|(key, gone)| Change {
                key,
                old: Some(gone),
                new: None,
            }));
        }
        changes.iter().for_each(|change| tell(&listeners, change));
        self.0.synced.send_replace(true);
    }
}

/// Tells what is in a change, with the lock on the objects let go so that listeners may read.
fn tell<K>(listeners: &[Listener<K>], change: &Change<K>) {
    for listener in listeners {
        listener(change);
    }
}

/// A poisoned lock means that a listener panicked; the data under it is whole all the same.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn version<K: Resource>(object: &K) -> u64 {
    let version = object.meta().resource_version.as_deref();
    version.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// How long a failed watch rests before the next attempt: doubling from the first to the second.
const REST: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// How long a watch lasts before it is opened again. Nobody is served by doing so sooner: a broken one is opened again
/// at once, and while time is virtual a day of holding still is nothing.
const WATCH_SECONDS: u32 = 24 * 60 * 60;

async fn feed<K>(api: Api<K>, informer: Informer<K>)
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let config = watcher::Config::default()
        .streaming_lists()
        .timeout(WATCH_SECONDS);
    let mut events = std::pin::pin!(watcher::watcher(api, config));
    let mut fresh = Vec::new();
    let mut rest = REST.0;
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Init) => fresh.clear(),
            Ok(watcher::Event::InitApply(object)) => fresh.push(object),
            Ok(watcher::Event::InitDone) => informer.replace(std::mem::take(&mut fresh)),
            Ok(watcher::Event::Apply(object)) => informer.apply(object),
            Ok(watcher::Event::Delete(object)) => informer.remove(&object),
            Err(error) => {
                tracing::debug!(%error, "watch failed, trying again in {rest:?}");
                tokio::time::sleep(rest).await;
                rest = REST.1.min(rest * 2);
                continue;
            }
        }
        rest = REST.0;
    }
}

/// Metadata of any kind: what the garbage collector needs of objects that nobody else reads.
pub type Meta = PartialObjectMeta<DynamicObject>;

/// The caches of a cluster. Clones share them; the watches end with the last clone.
#[derive(Clone)]
pub struct Informers(Arc<Shared>);

struct Shared {
    client: Client,
    kinds: Mutex<Kinds>,
}

#[derive(Default)]
struct Kinds {
    typed: BTreeMap<TypeId, Arc<dyn Any + Send + Sync>>,
    /// By API version and kind.
    metadata: BTreeMap<(String, String), Informer<Meta>>,
    watches: Vec<AbortHandle>,
}

impl Drop for Kinds {
    fn drop(&mut self) {
        self.watches.iter().for_each(AbortHandle::abort);
    }
}

impl Informers {
    /// No cache yet; each starts when it is first asked for.
    pub fn new(client: Client) -> Self {
        Self(Arc::new(Shared {
            client,
            kinds: Mutex::default(),
        }))
    }

    /// The cache of a kind, in all namespaces.
    pub fn of<K>(&self) -> Informer<K>
    where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
    {
        let mut kinds = lock(&self.0.kinds);
        let known = kinds.typed.get(&TypeId::of::<K>()).cloned();
        if let Some(informer) = known.and_then(|any| any.downcast::<Informer<K>>().ok()) {
            return informer.as_ref().clone();
        }
        let informer = Informer::new();
        let feeding = feed(Api::all(self.0.client.clone()), informer.clone());
        kinds.watches.push(tokio::spawn(feeding).abort_handle());
        kinds
            .typed
            .insert(TypeId::of::<K>(), Arc::new(informer.clone()));
        informer
    }

    /// The cache of the metadata of a kind, in all namespaces.
    pub fn metadata_of(&self, kind: &ApiResource) -> Informer<Meta> {
        let mut kinds = lock(&self.0.kinds);
        let id = (kind.api_version.clone(), kind.kind.clone());
        if let Some(informer) = kinds.metadata.get(&id) {
            return informer.clone();
        }
        let informer = Informer::new();
        let api = Api::all_with(self.0.client.clone(), kind);
        let feeding = feed(api, informer.clone());
        kinds.watches.push(tokio::spawn(feeding).abort_handle());
        kinds.metadata.insert(id, informer.clone());
        informer
    }
}

#[cfg(test)]
mod tests;
