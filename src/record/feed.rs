//! The watch of one kind: opened again where it was, or from a list when that is too long ago.

use std::{collections::BTreeMap, pin::pin, sync::Weak, time::Duration};

use futures::StreamExt as _;
use kube::{
    Api,
    api::{DynamicObject, ListParams, WatchEvent, WatchParams},
    core::Request,
};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{Shared, lock, number, path, read, there, value_of};
use crate::{
    clock::Clock,
    evidence::{Change, Gap, Kind, Object, Verb},
};

/// How long a broken watch rests.
const REST: Duration = Duration::from_millis(500);

/// How long a watch may be broken before the cluster counts as lost.
const LOST: Duration = Duration::from_secs(20);

/// How long a watch lasts before it is opened again where it was. In between servers send bookmarks, so a connection that
/// died is noticed by its silence.
const WATCH_SECONDS: u32 = 24 * 60 * 60;

/// Where the changes of one kind in one namespace come from and go to.
pub(super) struct Feed {
    pub(super) api: Api<DynamicObject>,
    pub(super) kind: Kind,
    pub(super) namespace: String,
    pub(super) clock: Clock,
    pub(super) shared: Weak<Shared>,
    /// Since when the cluster answers neither watch nor list.
    pub(super) broken_since: Option<Instant>,
}

/// How a watch ended.
enum End {
    /// It can go on from that version.
    Resume(String),
    /// The server has forgotten what came after its version.
    Expired(String),
    /// Nobody listens any more.
    Over,
}

impl Feed {
    /// Watches from a version until the recorder is dropped.
    pub(super) async fn run(mut self, from: String) {
        let mut state = End::Resume(from);
        loop {
            state = match state {
                End::Resume(from) => self.watch(from).await,
                End::Expired(why) => self.relist(&why).await,
                End::Over => return,
            };
        }
    }

    async fn watch(&mut self, mut from: String) -> End {
        let params = WatchParams::default().timeout(WATCH_SECONDS);
        let mut events = match self.open(&params, &from).await {
            Ok(events) => {
                self.broken_since = None;
                pin!(events.boxed())
            }
            Err(kube::Error::Api(status)) if status.code == 410 => {
                return End::Expired(status.message.clone());
            }
            Err(error) => return self.rest(from, &error).await,
        };
        while let Some(event) = events.next().await {
            let (verb, object) = match event {
                Ok(WatchEvent::Added(object)) => (Verb::Added, object),
                Ok(WatchEvent::Modified(object)) => (Verb::Modified, object),
                Ok(WatchEvent::Deleted(object)) => (Verb::Deleted, object),
                Ok(WatchEvent::Bookmark(mark)) => {
                    from = mark.metadata.resource_version;
                    continue;
                }
                Ok(WatchEvent::Error(status)) if status.code == 410 => {
                    return End::Expired(status.message.clone());
                }
                Ok(WatchEvent::Error(status)) => {
                    return self.rest(from, &kube::Error::Api(status)).await;
                }
                Err(error) => return self.rest(from, &error).await,
            };
            let Some(shared) = self.shared.upgrade() else {
                return End::Over;
            };
            if let Some(version) = object["metadata"]["resourceVersion"].as_str() {
                version.clone_into(&mut from);
            }
            match read(self.kind, object) {
                Ok(object) => shared.push(&self.clock, verb, false, object),
                Err(error) => {
                    let here = lock(&shared.history).changes().len();
                    self.gap(&shared, here, here, error.to_string());
                }
            }
        }
        End::Resume(from)
    }

    /// Events as plain values: what they are is read from there at once.
    async fn open(
        &self,
        params: &WatchParams,
        from: &str,
    ) -> kube::Result<impl futures::Stream<Item = kube::Result<WatchEvent<Value>>> + use<>> {
        let request = Request::new(self.api.resource_url()).watch(params, from);
        let request = request.map_err(kube::Error::BuildRequest)?;
        let client = self.api.clone().into_client();
        client.request_events::<Value>(request).await
    }

    async fn rest(&mut self, from: String, error: &kube::Error) -> End {
        tracing::debug!(%error, kind = %self.kind, "watch broke");
        self.broke(error);
        sleep(REST).await;
        End::Resume(from)
    }

    /// Notes that the cluster does not answer, and gives it up when that lasts.
    fn broke(&mut self, error: &kube::Error) {
        let since = *self.broken_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= LOST
            && let Some(shared) = self.shared.upgrade()
        {
            shared.lose(&error.to_string());
        }
    }

    /// Adds what a list shows to be different from the history, inside a gap.
    async fn relist(&mut self, why: &str) -> End {
        let Some(shared) = self.shared.upgrade() else {
            return End::Over;
        };
        let after = lock(&shared.history).changes().len();
        let list = match self.api.list(&ListParams::default()).await {
            Ok(list) => list,
            Err(error) => {
                tracing::debug!(%error, kind = %self.kind, "list failed");
                self.broke(&error);
                sleep(REST).await;
                return End::Expired(why.to_owned());
            }
        };
        let version = list.metadata.resource_version.unwrap_or_default();
        let mut listed = BTreeMap::new();
        for object in &list.items {
            if let Ok(object) = read(self.kind, value_of(object)) {
                listed.insert(path(object.meta()), object);
            }
        }
        let changes = {
            let history = lock(&shared.history);
            let present: BTreeMap<String, Object> = there(&history, self.kind, &self.namespace)
                .into_iter()
                .map(|object| (path(object.meta()), object.clone()))
                .collect();
            differences(present, listed)
        };
        for (verb, object) in changes {
            // When it went is not known; by the time of the list it had.
            let version = match verb {
                Verb::Deleted => number(Some(&version)),
                Verb::Added | Verb::Modified => object.version(),
            };
            shared.push_change(Change {
                at: self.clock.now(),
                verb,
                version,
                initial: false,
                object,
            });
        }
        let until = lock(&shared.history).changes().len();
        let why = format!("the watch of {} broke: {why}", self.kind.plural());
        self.gap(&shared, after, until, why);
        End::Resume(version)
    }

    fn gap(&self, shared: &Shared, after: usize, until: usize, why: String) {
        lock(&shared.history).gap(Gap {
            kind: self.kind,
            after,
            until,
            why,
        });
    }
}

/// The least that can have happened between what was present and what is listed.
fn differences(
    present: BTreeMap<String, Object>,
    mut listed: BTreeMap<String, Object>,
) -> Vec<(Verb, Object)> {
    let mut changes = Vec::new();
    for (name, old) in present {
        match listed.remove(&name) {
            None => changes.push((Verb::Deleted, old)),
            Some(new) if new.uid() != old.uid() => {
                changes.push((Verb::Deleted, old));
                changes.push((Verb::Added, new));
            }
            Some(new) if new.version() > old.version() => changes.push((Verb::Modified, new)),
            Some(_) => {}
        }
    }
    changes.extend(listed.into_values().map(|object| (Verb::Added, object)));
    changes
}
