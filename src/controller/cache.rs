//! What the controller knows of one kind: an ordered copy, kept by a watch of kube-runtime.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::StreamExt;
use k8s_openapi::{
    api::{
        apps::v1::ControllerRevision,
        core::v1::{PersistentVolumeClaim, Pod},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{
    Api, Resource,
    runtime::watcher::{self, Event},
};
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use super::set::{Key, Set};

/// How long a failed watch rests before the next attempt: the first time, and what doubling ends at.
const REST: (Duration, Duration) = (Duration::from_millis(800), Duration::from_secs(30));

/// Something that a cache can hold.
pub trait Stored: Send + Sync + 'static {
    /// Its metadata.
    fn meta(&self) -> &ObjectMeta;

    /// Its resourceVersion as a number; 0 where it is none, which compares with nothing.
    fn version(&self) -> u64 {
        let version = self.meta().resource_version.as_deref();
        version
            .and_then(|text| text.parse().ok())
            .unwrap_or_default()
    }
}

impl Stored for Set {
    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }
}

impl Stored for Pod {
    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }
}

impl Stored for PersistentVolumeClaim {
    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }
}

impl Stored for ControllerRevision {
    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }
}

/// What became of one object: both for a change, `old` alone for a removal, `new` alone for an addition. After a
/// relist the two may be the same version, or two objects of one name.
#[derive(Clone, Debug)]
pub struct Change<T> {
    /// What was known before.
    pub old: Option<Arc<T>>,
    /// What is known now.
    pub new: Option<Arc<T>>,
}

struct Known<T> {
    objects: BTreeMap<Key, Arc<T>>,
    /// The highest version that was processed.
    seen: u64,
    /// The highest version that the controller itself wrote.
    written: u64,
    /// Why the watch does not run, if it does not.
    trouble: Option<String>,
}

/// The copy of one kind.
pub struct Cache<T> {
    known: Mutex<Known<T>>,
    synced: watch::Sender<bool>,
}

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self {
            known: Mutex::new(Known {
                objects: BTreeMap::new(),
                seen: 0,
                written: 0,
                trouble: None,
            }),
            synced: watch::Sender::new(false),
        }
    }
}

impl<T: Stored> Cache<T> {
    /// A poisoned lock means that a reader panicked; nobody leaves half a state.
    fn known(&self) -> MutexGuard<'_, Known<T>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object under a key.
    pub fn get(&self, key: &Key) -> Option<Arc<T>> {
        self.known().objects.get(key).cloned()
    }

    /// The object of a name in a namespace.
    pub fn named(&self, namespace: &str, name: &str) -> Option<Arc<T>> {
        self.get(&Key {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }

    /// The objects of one namespace, by name.
    pub fn list_in(&self, namespace: &str) -> Vec<Arc<T>> {
        let first = Key {
            namespace: namespace.to_owned(),
            name: String::new(),
        };
        let known = self.known();
        let from = known.objects.range(first..);
        from.take_while(|(key, _)| key.namespace == namespace)
            .map(|(_, object)| Arc::clone(object))
            .collect()
    }

    /// The highest version that was processed.
    pub fn seen(&self) -> u64 {
        self.known().seen
    }

    /// Takes note of a version that the controller wrote: a list that begins later holds it.
    pub fn wrote(&self, version: u64) {
        let mut known = self.known();
        known.written = known.written.max(version);
    }

    /// Resolves once the first list is in.
    pub async fn synced(&self) {
        // The sender lives in self: the wait cannot fail.
        let _ = self.synced.subscribe().wait_for(|synced| *synced).await;
    }

    /// Why the watch does not run, if it does not.
    pub fn trouble(&self) -> Option<String> {
        self.known().trouble.clone()
    }

    fn apply(&self, object: T) -> Change<T> {
        let key = Key::of(object.meta());
        let mut known = self.known();
        known.seen = known.seen.max(object.version());
        let new = Arc::new(object);
        let old = known.objects.insert(key, Arc::clone(&new));
        let new = Some(new);
        Change { old, new }
    }

    fn remove(&self, object: &T) -> Change<T> {
        let mut known = self.known();
        known.seen = known.seen.max(object.version());
        let old = known.objects.remove(&Key::of(object.meta()));
        Change { old, new: None }
    }

    /// Everything that a list holds, begun when `written` was the highest own version.
    fn replace(&self, fresh: Vec<T>, written: u64) -> Vec<Change<T>> {
        let mut changes = Vec::new();
        let mut known = self.known();
        let mut before = std::mem::take(&mut known.objects);
        known.seen = known.seen.max(written);
        for object in fresh {
            known.seen = known.seen.max(object.version());
            let key = Key::of(object.meta());
            let new = Arc::new(object);
            let old = before.remove(&key);
            known.objects.insert(key, Arc::clone(&new));
            let new = Some(new);
            changes.push(Change { old, new });
        }
        let gone = before.into_values().map(|old| Change {
            old: Some(old),
            new: None,
        });
        changes.extend(gone);
        drop(known);
        self.synced.send_replace(true);
        changes
    }
}

/// Keeps a cache for ever: lists, watches from there, lists again when it has to. `read` turns what the API gives into
/// what the cache holds; `changed` is told of each change, after the cache has it.
pub async fn feed<K, T>(
    api: Api<K>,
    cache: Arc<Cache<T>>,
    read: impl Fn(K) -> Option<T>,
    changed: impl Fn(&Change<T>),
) where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    T: Stored,
{
    let mut rest = REST.0;
    loop {
        let mut events = std::pin::pin!(watcher::watcher(api.clone(), watcher::Config::default()));
        let mut listing = (Vec::new(), 0);
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Init) => listing = (Vec::new(), cache.known().written),
                Ok(Event::InitApply(object)) => listing.0.extend(read(object)),
                Ok(Event::InitDone) => {
                    rest = recovered(&cache);
                    let (fresh, written) = std::mem::take(&mut listing);
                    let changes = cache.replace(fresh, written);
                    changes.iter().for_each(&changed);
                }
                Ok(Event::Apply(object)) => {
                    rest = recovered(&cache);
                    if let Some(object) = read(object) {
                        changed(&cache.apply(object));
                    }
                }
                Ok(Event::Delete(object)) => {
                    rest = recovered(&cache);
                    if let Some(object) = read(object) {
                        changed(&cache.remove(&object));
                    }
                }
                Err(error) => {
                    tracing::warn!(kind = std::any::type_name::<T>(), %error, "watch failed, comes again");
                    cache.known().trouble = Some(error.to_string());
                    tokio::time::sleep(rest).await;
                    rest = REST.1.min(rest * 2);
                    if is_expired(&error) {
                        break;
                    }
                }
            }
        }
    }
}

fn recovered<T: Stored>(cache: &Cache<T>) -> Duration {
    cache.known().trouble = None;
    REST.0
}

/// The version to watch from is too old, said as the answer to the watch itself: kube-runtime would ask for the same
/// version for ever.
fn is_expired(error: &watcher::Error) -> bool {
    matches!(error, watcher::Error::WatchStartFailed(kube::Error::Api(status)) if status.code == 410)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(name: &str, version: &str) -> Pod {
        let mut pod = Pod::default();
        pod.metadata.name = Some(name.to_owned());
        pod.metadata.resource_version = Some(version.to_owned());
        pod
    }

    fn names(changes: &[Change<Pod>]) -> Vec<(Option<&str>, Option<&str>)> {
        fn version(pod: Option<&Arc<Pod>>) -> Option<&str> {
            pod.and_then(|pod| pod.metadata.resource_version.as_deref())
        }
        let pairs = changes.iter();
        pairs
            .map(|change| (version(change.old.as_ref()), version(change.new.as_ref())))
            .collect()
    }

    #[test]
    fn a_relist_tells_what_came_what_stayed_and_what_went() {
        let cache = Cache::default();
        cache.apply(pod("a", "1"));
        cache.apply(pod("b", "2"));
        let changes = cache.replace(vec![pod("b", "2"), pod("c", "5")], 0);
        assert_eq!(
            names(&changes),
            [(Some("2"), Some("2")), (None, Some("5")), (Some("1"), None)]
        );
        assert_eq!(cache.seen(), 5);
        assert_eq!(cache.list_in("").len(), 2);
    }

    #[test]
    fn a_list_holds_what_was_written_before_it_began_even_if_that_is_gone_again() {
        let cache: Cache<Pod> = Cache::default();
        cache.wrote(9);
        let written = cache.known().written;
        cache.wrote(12);
        cache.replace(Vec::new(), written);
        assert_eq!(cache.seen(), 9);
    }
}
