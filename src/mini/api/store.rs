//! The objects and their recent history: one store and one counter of versions for all kinds.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::watch;

use super::{Rules, events, http::answer, random::Random, resources, resources::Resource};

/// An object as it was at one version; its `kind` and `apiVersion` are set. Copies share it and its text.
#[derive(Clone, Debug)]
pub(crate) struct Object(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    value: Value,
    /// Written when it is first asked for: the answer to a write and all watches tell the same.
    text: OnceLock<Bytes>,
    /// The same without `metadata.managedFields`.
    lean: OnceLock<Bytes>,
}

impl Object {
    /// It as JSON, without a newline.
    pub(crate) fn text(&self) -> &Bytes {
        let write = || answer::text(&self.0.value).into();
        self.0.text.get_or_init(write)
    }

    /// It as JSON, but for `metadata.managedFields`.
    pub(crate) fn lean_text(&self) -> &Bytes {
        let write = || answer::text(&answer::Part::lean(&self.0.value)).into();
        self.0.lean.get_or_init(write)
    }
}

impl From<Value> for Object {
    fn from(value: Value) -> Self {
        Self(Arc::new(Kept {
            value,
            text: OnceLock::new(),
            lean: OnceLock::new(),
        }))
    }
}

impl Deref for Object {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0.value
    }
}

/// Where an object of a kind is. The namespace is empty for objects of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

/// One write.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The store's version after it.
    pub(crate) version: u64,
    /// The object before it; absent if the write created it.
    pub(crate) before: Option<Object>,
    /// The object after it; of a removed object its last state, with the version of the removal.
    pub(crate) object: Object,
    /// The write removed the object.
    pub(crate) removed: bool,
}

/// What was asked for is not in the history any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooOld {
    /// The lowest version that could have been asked for.
    pub(crate) oldest: u64,
}

struct Kind {
    objects: BTreeMap<Key, Object>,
    history: VecDeque<Change>,
    /// The history has every change after this version.
    oldest: u64,
}

struct Inner {
    version: u64,
    kinds: Vec<Kind>,
    random: Random,
}

/// The store. What reads it sees whole transactions only.
pub(crate) struct Store {
    inner: Mutex<Inner>,
    /// Per kind: the version of its last change.
    changed: Vec<watch::Sender<u64>>,
    history_events: usize,
    rules: Rules,
}

impl Store {
    /// An empty store that remembers so many changes of each kind.
    pub(crate) fn new(rules: Rules, seed: u64, history_events: usize) -> Self {
        let kind = |_| Kind {
            objects: BTreeMap::new(),
            history: VecDeque::new(),
            oldest: 0,
        };
        let kinds = resources::all().iter().map(kind).collect();
        Self {
            inner: Mutex::new(Inner {
                version: 1,
                kinds,
                random: Random::new(seed),
            }),
            changed: resources::all()
                .iter()
                .map(|_| watch::Sender::new(0))
                .collect(),
            history_events,
            rules,
        }
    }

    /// Begins to read and write; nobody else does until the transaction is dropped. A dry one changes nothing.
    pub(crate) fn begin(&self, dry: bool) -> Transaction<'_> {
        Transaction {
            store: self,
            inner: self.inner.lock().unwrap_or_else(PoisonError::into_inner),
            touched: BTreeSet::new(),
            dry,
        }
    }

    /// Tells when the kind has changed.
    pub(crate) fn subscribe(&self, resource: &Resource) -> watch::Receiver<u64> {
        self.changed[resource.stored().index].subscribe()
    }
}

/// Reads and writes that belong together.
pub(crate) struct Transaction<'a> {
    store: &'a Store,
    inner: MutexGuard<'a, Inner>,
    touched: BTreeSet<usize>,
    dry: bool,
}

impl Transaction<'_> {
    /// By which rules the server works.
    pub(crate) fn rules(&self) -> Rules {
        self.store.rules
    }

    /// The version of the last change of any kind.
    pub(crate) fn version(&self) -> u64 {
        self.inner.version
    }

    pub(crate) fn random(&mut self) -> &mut Random {
        &mut self.inner.random
    }

    pub(crate) fn get(&self, resource: &Resource, namespace: &str, name: &str) -> Option<Object> {
        let objects = &self.kind(resource).objects;
        let object = objects.get(&Key::new(namespace, name)).cloned();
        object.map(|object| shown(resource, object))
    }

    /// The objects of a kind in a namespace, or in all, by namespace and name.
    pub(crate) fn list(&self, resource: &Resource, namespace: Option<&str>) -> Vec<Object> {
        show_all(resource, select(&self.kind(resource).objects, namespace))
    }

    fn kind(&self, resource: &Resource) -> &Kind {
        &self.inner.kinds[resource.stored().index]
    }

    /// As [`Transaction::list`], as it was at an earlier version.
    pub(crate) fn list_at(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        version: u64,
    ) -> Result<Vec<Object>, TooOld> {
        let kind = self.kind(resource);
        if version < kind.oldest {
            return Err(TooOld {
                oldest: kind.oldest,
            });
        }
        let later = kind.history.iter().rev();
        let mut later = later
            .take_while(|change| change.version > version)
            .peekable();
        if later.peek().is_none() {
            return Ok(show_all(resource, select(&kind.objects, namespace)));
        }
        let mut objects = kind.objects.clone();
        for change in later {
            let key = key_of(&change.object);
            match &change.before {
                Some(before) => objects.insert(key, before.clone()),
                None => objects.remove(&key),
            };
        }
        Ok(show_all(resource, select(&objects, namespace)))
    }

    /// What happened to a kind after a version.
    pub(crate) fn since(&self, resource: &Resource, version: u64) -> Result<Vec<Change>, TooOld> {
        let kind = self.kind(resource);
        if version < kind.oldest {
            return Err(TooOld {
                oldest: kind.oldest,
            });
        }
        let first = kind
            .history
            .partition_point(|change| change.version <= version);
        let shown = |change: &Change| Change {
            version: change.version,
            before: change.before.clone().map(|before| shown(resource, before)),
            object: shown(resource, change.object.clone()),
            removed: change.removed,
        };
        Ok(kind.history.range(first..).map(shown).collect())
    }

    /// Stores an object under its own namespace and name, with a new version.
    pub(crate) fn put(&mut self, resource: &Resource, mut object: Value) -> Object {
        if self.dry {
            return object.into();
        }
        if resource.is_a_face() {
            object = events::to_stored(&object);
        }
        let version = self.next_version(&mut object);
        let object = Object::from(object);
        let kind = &mut self.inner.kinds[resource.stored().index];
        let before = kind.objects.insert(key_of(&object), object.clone());
        self.remember(
            resource,
            Change {
                version,
                before,
                object: object.clone(),
                removed: false,
            },
        );
        shown(resource, object)
    }

    /// Removes an object that is there; its last state, with the version of the removal.
    pub(crate) fn remove(&mut self, resource: &Resource, object: &Object) -> Object {
        if self.dry {
            return object.clone();
        }
        let kind = &mut self.inner.kinds[resource.stored().index];
        let Some(before) = kind.objects.remove(&key_of(object)) else {
            return object.clone();
        };
        let mut last = (*before).clone();
        let version = self.next_version(&mut last);
        let object = Object::from(last);
        self.remember(
            resource,
            Change {
                version,
                before: Some(before),
                object: object.clone(),
                removed: true,
            },
        );
        shown(resource, object)
    }

    fn next_version(&mut self, object: &mut Value) -> u64 {
        self.inner.version += 1;
        object["metadata"]["resourceVersion"] = self.inner.version.to_string().into();
        self.inner.version
    }

    fn remember(&mut self, resource: &Resource, change: Change) {
        let kind = &mut self.inner.kinds[resource.stored().index];
        kind.history.push_back(change);
        while kind.history.len() > self.store.history_events {
            if let Some(forgotten) = kind.history.pop_front() {
                kind.oldest = forgotten.version;
            }
        }
        self.touched.insert(resource.stored().index);
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        for index in &self.touched {
            self.store.changed[*index].send_replace(self.inner.version);
        }
    }
}

/// A stored object as its resource shows it.
fn shown(resource: &Resource, object: Object) -> Object {
    match resource.is_a_face() {
        true => events::from_stored(&object).into(),
        false => object,
    }
}

fn show_all(resource: &Resource, objects: Vec<Object>) -> Vec<Object> {
    match resource.is_a_face() {
        true => objects
            .into_iter()
            .map(|object| shown(resource, object))
            .collect(),
        false => objects,
    }
}

fn select(objects: &BTreeMap<Key, Object>, namespace: Option<&str>) -> Vec<Object> {
    match namespace {
        None => objects.values().cloned().collect(),
        Some(namespace) => objects
            .range(Key::new(namespace, "")..)
            .take_while(|(key, _)| key.namespace == namespace)
            .map(|(_, object)| object.clone())
            .collect(),
    }
}

/// Where the object belongs.
pub(crate) fn key_of(object: &Value) -> Key {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
    Key::new(text("namespace"), text("name"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pods() -> &'static Resource {
        resources::named("", "pods")
    }

    fn pod(namespace: &str, name: &str) -> Value {
        json!({"metadata": {"namespace": namespace, "name": name}})
    }

    fn names(objects: &[Object]) -> Vec<String> {
        let name = |object: &Object| key_of(object).name;
        objects.iter().map(name).collect()
    }

    #[test]
    fn an_earlier_version_can_be_listed_as_long_as_the_history_reaches() {
        let store = Store::new(Rules::default(), 1, 3);
        let mut tx = store.begin(false);
        let first = tx.put(pods(), pod("a", "one"));
        tx.put(pods(), pod("b", "two"));
        let two = tx.version();
        tx.remove(pods(), &first);
        assert_eq!(names(&tx.list(pods(), None)), ["two"]);
        assert_eq!(
            names(&tx.list_at(pods(), None, two).unwrap()),
            ["one", "two"]
        );
        assert_eq!(names(&tx.list_at(pods(), Some("b"), two).unwrap()), ["two"]);
        tx.put(pods(), pod("a", "three"));
        tx.put(pods(), pod("a", "four"));
        assert_eq!(tx.list_at(pods(), None, two - 1).unwrap_err().oldest, two);
        assert_eq!(tx.since(pods(), two).unwrap().len(), 3);
    }

    #[test]
    fn a_dry_transaction_leaves_nothing() {
        let store = Store::new(Rules::default(), 1, 10);
        store.begin(true).put(pods(), pod("a", "one"));
        let tx = store.begin(false);
        assert_eq!(tx.version(), 1);
        assert!(tx.list(pods(), None).is_empty());
    }
}
