//! The recorder: raw, unfiltered watches of every recorded kind, put into one history.
//!
//! # Guarantees
//!
//! - Recording begins with a list taken before [`Recorder::start`] returns: what happens later is a change.
//! - A watch that breaks goes on where it was. One that cannot (410) leaves a gap in the history, which ends with what a
//!   list then shows.
//! - At the end the history, folded, is what the cluster lists, or there is a gap.
//! - Slices, events, Deployments and ReplicaSets that may not be listed are a gap, not an error.

mod feed;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, GroupVersionKind, ListParams, ObjectList, ObjectMeta},
};
use tokio::{
    sync::watch,
    task::AbortHandle,
    time::{Instant, timeout_at},
};

use crate::{
    clock::Clock,
    cluster::Target,
    evidence::{Change, Gap, History, Kind, Object, Undecodable, Verb},
};
use feed::Feed;

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
    Undecodable(#[from] Undecodable),
}

/// How a wait for quiet ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quiet {
    /// Nothing was seen for as long as was asked.
    Came,
    /// The limit passed before that.
    Late,
    /// More changes were seen than a world that comes to rest makes: so many.
    Never(usize),
}

struct Shared {
    history: Mutex<History>,
    grown: watch::Sender<usize>,
    watches: Mutex<Vec<AbortHandle>>,
    /// What may not be listed, by kind and namespace.
    spared: Mutex<BTreeSet<(Kind, String)>>,
    /// Why nothing can be seen any more.
    lost: Mutex<Option<String>>,
    /// UIDs of what is no part of the history, whatever becomes of it.
    strangers: Mutex<BTreeSet<String>>,
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
            spared: Mutex::default(),
            lost: Mutex::default(),
            strangers: Mutex::default(),
        };
        Self {
            client,
            clock,
            target,
            shared: Arc::new(shared),
        }
    }

    /// Leaves objects out of the history, by UID, with what they own and what is told of them.
    pub fn except(&self, uids: BTreeSet<String>) {
        lock(&self.shared.strangers).extend(uids);
    }

    /// Records every kind in a namespace from now on.
    ///
    /// # Errors
    ///
    /// The cluster refuses one of the lists, or lists what is not of its kind.
    pub async fn start(&self, namespace: &str) -> Result<(), Error> {
        self.start_with(namespace, &Kind::ALL).await
    }

    /// Records some kinds in a namespace from now on; in all namespaces if it has no name.
    ///
    /// # Errors
    ///
    /// As those of [`Recorder::start`].
    pub async fn start_with(&self, namespace: &str, kinds: &[Kind]) -> Result<(), Error> {
        for kind in Kind::ALL.into_iter().filter(|kind| !kinds.contains(kind)) {
            lock(&self.shared.spared).insert((kind, namespace.to_owned()));
        }
        for kind in kinds.iter().copied() {
            let feed = Feed {
                api: self.api(kind, namespace),
                kind,
                namespace: namespace.to_owned(),
                clock: self.clock,
                shared: Arc::downgrade(&self.shared),
                broken_since: None,
            };
            let from = match self.list(kind, namespace).await {
                Ok(list) => self.begin(kind, list)?,
                Err(source) if spared(kind, &source) => {
                    self.spare(kind, namespace, &source);
                    continue;
                }
                Err(source) => return Err(refused(kind, namespace, source)),
            };
            let handle = tokio::spawn(feed.run(from)).abort_handle();
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

    fn api(&self, kind: Kind, namespace: &str) -> Api<DynamicObject> {
        match namespace.is_empty() {
            true => Api::all_with(self.client.clone(), &self.resource(kind)),
            false => Api::namespaced_with(self.client.clone(), namespace, &self.resource(kind)),
        }
    }

    /// What is there now: without a version the server has to ask its whole store.
    async fn list(
        &self,
        kind: Kind,
        namespace: &str,
    ) -> Result<ObjectList<DynamicObject>, kube::Error> {
        self.api(kind, namespace).list(&ListParams::default()).await
    }

    fn begin(&self, kind: Kind, list: ObjectList<DynamicObject>) -> Result<String, Error> {
        for object in list.items {
            let object = read(kind, value_of(&object))?;
            self.shared.push(&self.clock, Verb::Added, true, object);
        }
        Ok(list.metadata.resource_version.unwrap_or_default())
    }

    /// Goes on without a kind, and says so for the whole of the history.
    fn spare(&self, kind: Kind, namespace: &str, refusal: &kube::Error) {
        let plural = kind.plural();
        lock(&self.shared.spared).insert((kind, namespace.to_owned()));
        lock(&self.shared.history).gap(Gap {
            kind,
            after: 0,
            until: usize::MAX,
            why: format!("{plural} of namespace {namespace:?} may not be listed: {refusal}"),
        });
    }

    /// Reads the history as it is now.
    pub fn look<T>(&self, read: impl FnOnce(&History) -> T) -> T {
        read(&lock(&self.shared.history))
    }

    /// Hands the history so far over and goes on with what is there.
    pub fn release(&self) -> History {
        let mut history = lock(&self.shared.history);
        let next = history.next();
        std::mem::replace(&mut *history, next)
    }

    /// Why nothing can be seen any more, once a watch has not come back for long.
    pub fn lost(&self) -> Option<String> {
        lock(&self.shared.lost).clone()
    }

    /// Waits until the history answers a question. `None` when the limit, by the runtime's clock, has passed, or when the
    /// cluster is [lost](Self::lost).
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
            if lock(&self.shared.lost).is_some() {
                return None;
            }
            match timeout_at(deadline, grown.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return None,
            }
        }
    }

    /// Waits until nothing has been seen for a while, as long as the limit and the most changes allow.
    pub async fn quiet(&self, hold: Duration, limit: Duration, most: usize) -> Quiet {
        let deadline = Instant::now() + limit;
        let mut grown = self.shared.grown.subscribe();
        let begun = *grown.borrow_and_update();
        loop {
            let seen = *grown.borrow_and_update() - begun;
            if seen > most {
                return Quiet::Never(seen);
            }
            let rest = deadline.min(Instant::now() + hold);
            match timeout_at(rest, grown.changed()).await {
                Ok(_) if Instant::now() < deadline => {}
                Err(_) if rest < deadline => return Quiet::Came,
                Ok(_) | Err(_) => return Quiet::Late,
            }
        }
    }

    /// The history so far, checked against what the cluster says now: a difference leaves a gap.
    ///
    /// # Errors
    ///
    /// The cluster refuses one of the lists.
    pub async fn finish(&self, namespaces: &[String]) -> Result<History, Error> {
        let at = self.clock.now();
        for namespace in namespaces {
            for kind in Kind::ALL {
                let spared = lock(&self.shared.spared).contains(&(kind, namespace.clone()));
                if !spared {
                    self.compare(kind, namespace).await?;
                }
            }
        }
        lock(&self.shared.history).end(at);
        Ok(self.look(History::clone))
    }

    async fn compare(&self, kind: Kind, namespace: &str) -> Result<(), Error> {
        let list = self.api(kind, namespace);
        let list = list.list_metadata(&ListParams::default()).await;
        let list = list.map_err(|source| refused(kind, namespace, source))?;
        let as_of = number(list.metadata.resource_version.as_deref());
        let listed = || -> BTreeMap<String, u64> {
            let known = list
                .items
                .iter()
                .filter(|object| !self.shared.is_strange(&object.metadata, None));
            known
                .map(|object| {
                    let version = number(object.metadata.resource_version.as_deref());
                    (path(&object.metadata), version)
                })
                .collect()
        };
        let agrees = |history: &History| {
            agree(
                &listed(),
                as_of,
                there(history, kind, namespace).into_iter(),
            )
            .then_some(())
        };
        if self.until(Duration::from_secs(5), agrees).await.is_none() {
            let mut history = lock(&self.shared.history);
            let end = history.changes().len();
            history.gap(Gap {
                kind,
                after: 0,
                until: end,
                why: format!(
                    "the {} listed at the end are not those that were seen",
                    kind.plural()
                ),
            });
        }
        Ok(())
    }
}

/// Where an object is, whatever its kind.
fn path(meta: &ObjectMeta) -> String {
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    format!("{}/{}", text(&meta.namespace), text(&meta.name))
}

/// What is there of a kind in a namespace; in all of them, if it has no name.
fn there<'a>(history: &'a History, kind: Kind, namespace: &'a str) -> Vec<&'a Object> {
    match namespace.is_empty() {
        true => history.everywhere(kind).collect(),
        false => history.present(kind, namespace).collect(),
    }
}

/// What was seen is what is listed, but for what happened after the list was taken.
fn agree<'a>(
    listed: &BTreeMap<String, u64>,
    as_of: u64,
    seen: impl Iterator<Item = &'a Object>,
) -> bool {
    let seen: BTreeMap<String, u64> = seen
        .map(|object| (path(object.meta()), object.version()))
        .collect();
    let missed = listed
        .iter()
        .any(|(name, version)| seen.get(name).is_none_or(|seen| seen < version));
    let kept = seen
        .iter()
        .any(|(name, version)| *version <= as_of && listed.get(name) != Some(version));
    !missed && !kept
}

/// Kinds without which most can be judged: who may not list them goes on without.
fn spared(kind: Kind, error: &kube::Error) -> bool {
    let optional = matches!(
        kind,
        Kind::EndpointSlice | Kind::Event | Kind::Deployment | Kind::ReplicaSet
    );
    optional && matches!(error, kube::Error::Api(status) if matches!(status.code, 403 | 404))
}

fn refused(kind: Kind, namespace: &str, source: kube::Error) -> Error {
    Error::List {
        plural: kind.plural().to_owned(),
        namespace: namespace.to_owned(),
        source,
    }
}

fn number(version: Option<&str>) -> u64 {
    version.and_then(|text| text.parse().ok()).unwrap_or(0)
}

impl Shared {
    /// Nothing can be seen any more: whoever waits is told.
    fn lose(&self, why: &str) {
        lock(&self.lost).get_or_insert_with(|| why.to_owned());
        self.grown.send_modify(|_| {});
    }

    fn push(&self, clock: &Clock, verb: Verb, initial: bool, object: Object) {
        self.push_change(Change {
            at: clock.now(),
            verb,
            version: object.version(),
            initial,
            object,
        });
    }

    /// It is somebody else's: itself, or its owner, or what it is about. What it owns is then, too.
    fn is_strange(&self, meta: &ObjectMeta, about: Option<&str>) -> bool {
        let mut strangers = lock(&self.strangers);
        if strangers.is_empty() {
            return false;
        }
        let owners = meta.owner_references.iter().flatten();
        let mut uids = owners
            .map(|owner| owner.uid.as_str())
            .chain(meta.uid.as_deref())
            .chain(about);
        let strange = uids.any(|uid| strangers.contains(uid));
        if let (true, Some(uid)) = (strange, &meta.uid) {
            strangers.insert(uid.clone());
        }
        strange
    }

    fn push_change(&self, change: Change) {
        let about = match &change.object {
            Object::Event(event) => event.involved_object.uid.as_deref(),
            _ => None,
        };
        if self.is_strange(change.object.meta(), about) {
            return;
        }
        let mut history = lock(&self.history);
        history.push(change);
        let length = history.changes().len();
        drop(history);
        self.grown.send_replace(length);
    }
}

/// Reads an object. Who manages which of its fields is no evidence of anything, and half of its text.
fn read(kind: Kind, mut value: serde_json::Value) -> Result<Object, Undecodable> {
    if let Some(metadata) = value
        .get_mut("metadata")
        .and_then(serde_json::Value::as_object_mut)
    {
        metadata.remove("managedFields");
    }
    Object::decode(kind, value)
}

fn value_of(object: &DynamicObject) -> serde_json::Value {
    serde_json::to_value(object).unwrap_or_default()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
