//! Watches: a stream of changes that stays open until its time is over.

mod events;

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::Response;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use serde_json::json;
use tokio::{sync::watch, time::Instant};

use super::{
    Call,
    list::{Selection, number, parameter},
};
use events::{Writer, told};

use crate::mini::{
    api::{
        Cause, Status,
        http::{answer, query::Query},
        meta,
        resources::Resource,
        server::State,
        store::{Change, TooOld},
    },
    kubelet::Body,
};

/// How long a watch lasts whose client does not say.
const LONGEST: Duration = Duration::from_secs(1800);
/// How soon a watch says where it is after changes that it does not tell.
const BOOKMARK_AFTER: Duration = Duration::from_secs(60);
/// How long before its end a watch says where it is.
const BOOKMARK_BEFORE_END: Duration = Duration::from_secs(2);

pub(super) fn watch(state: &Arc<State>, call: &Call) -> Result<Response<Body>, Status> {
    faults(&call.query)?;
    let resource = call.target.resource;
    let selection = Selection::of(call)?;
    let begun = Instant::now();
    let lasts = parameter(&call.query, "timeoutSeconds")?.map(Duration::from_secs);
    let lasts = lasts.filter(|lasts| !lasts.is_zero()).unwrap_or(LONGEST);
    let mut changed = state.store.subscribe(resource);
    changed.mark_unchanged();
    let mut watch = Watch {
        state: state.clone(),
        resource,
        namespace: call.target.namespace.clone(),
        selection,
        writer: Writer {
            resource,
            shape: call.shape,
            columns: true,
        },
        position: 0,
        changed,
        until: begun + lasts,
        bookmarks: Bookmarks::new(call.query.flag("allowWatchBookmarks"), begun, begun + lasts),
        ready: VecDeque::new(),
        over: false,
    };
    watch.begin(&call.query)?;
    let chunks = stream::unfold(watch, |mut watch| async move {
        let chunk = watch.next().await?;
        Some((chunk, watch))
    });
    let frames = chunks.map(|chunk| Ok::<_, Infallible>(Frame::data(chunk)));
    let mut response = answer::full(200, "application/json", Bytes::new());
    *response.body_mut() = StreamBody::new(frames).boxed_unsync();
    Ok(response)
}

fn faults(query: &Query) -> Result<(), Status> {
    let mut causes = Vec::new();
    let field = "resourceVersionMatch";
    let matching = query.text(field);
    let initial = query.get("sendInitialEvents").is_some();
    if initial && matching != "NotOlderThan" {
        let text = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        causes.push(Cause::forbidden(field, text));
    }
    if !matching.is_empty() {
        if !initial {
            let text =
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
            causes.push(Cause::forbidden(field, text));
        }
        if matching != "NotOlderThan" {
            causes.push(Cause::not_supported(
                field,
                &matching.into(),
                &["NotOlderThan"],
            ));
        }
    }
    match causes.is_empty() {
        true => Ok(()),
        false => Err(Status::invalid("meta.k8s.io", "ListOptions", "", &causes)),
    }
}

/// When a watch says where it is: near its end, and some time after changes that it did not tell because they were not
/// selected. Where nothing happened there is nothing to say, so an idle cluster costs nothing.
struct Bookmarks {
    asked: bool,
    next: Option<Instant>,
}

impl Bookmarks {
    fn new(asked: bool, now: Instant, until: Instant) -> Self {
        let last = until.checked_sub(BOOKMARK_BEFORE_END);
        Self {
            asked,
            next: last.filter(|last| asked && *last > now),
        }
    }

    /// Something went by untold.
    fn owe(&mut self, now: Instant) {
        let soon = now + BOOKMARK_AFTER;
        if self.asked {
            self.next = Some(self.next.map_or(soon, |next| next.min(soon)));
        }
    }

    /// One was sent.
    fn sent(&mut self, now: Instant, until: Instant) {
        *self = Self::new(self.asked, now, until);
    }
}

struct Watch {
    state: Arc<State>,
    resource: &'static Resource,
    namespace: Option<String>,
    selection: Selection,
    writer: Writer,
    /// Everything up to this version has been told.
    position: u64,
    changed: watch::Receiver<u64>,
    until: Instant,
    bookmarks: Bookmarks,
    ready: VecDeque<Bytes>,
    over: bool,
}

enum Wake {
    Changed,
    Bookmark,
    End,
}

impl Watch {
    /// Finds out where to start, and what to tell first.
    fn begin(&mut self, query: &Query) -> Result<(), Status> {
        let asked = query.text("resourceVersion");
        let initial = query.choice("sendInitialEvents");
        let unset = matches!(asked, "" | "0");
        let version = match unset {
            true => 0,
            false => number(asked).map_err(|fault| Status::new(500, "", fault))?,
        };
        let now = self.state.clock.now();
        let state = self.state.clone();
        let tx = state.store.begin(false);
        self.position = match (unset, initial) {
            (_, Some(true)) | (true, None) => tx.version(),
            (true, Some(false)) => tx.version(),
            (false, _) => version,
        };
        if initial.unwrap_or(unset) {
            let objects = tx.list(self.resource, self.namespace.as_deref());
            let mut text = Vec::new();
            for object in objects
                .iter()
                .filter(|object| self.selection.matches(object))
            {
                self.writer.event(&mut text, "ADDED", object, now);
            }
            if initial == Some(true) && self.bookmarks.asked {
                self.writer.bookmark(&mut text, self.position, true, now);
            }
            if !text.is_empty() {
                self.ready.push_back(text.into());
            }
        }
        Ok(())
    }

    /// The next part of the stream; absent at its end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Some(chunk);
            }
            if self.over {
                return None;
            }
            self.changed.mark_unchanged();
            self.read();
            if !self.ready.is_empty() || self.over {
                continue;
            }
            let never = self.until + LONGEST;
            let wake = tokio::select! {
                biased;
                changed = self.changed.changed() => match changed {
                    Ok(()) => Wake::Changed,
                    Err(_) => Wake::End,
                },
                () = tokio::time::sleep_until(self.bookmarks.next.unwrap_or(never).min(self.until)) => {
                    match Instant::now() < self.until {
                        true => Wake::Bookmark,
                        false => Wake::End,
                    }
                }
            };
            match wake {
                Wake::Changed => {}
                Wake::Bookmark => {
                    self.bookmarks.sent(Instant::now(), self.until);
                    let mut text = Vec::new();
                    let time = self.state.clock.now();
                    self.writer.bookmark(&mut text, self.position, false, time);
                    self.ready.push_back(text.into());
                }
                Wake::End => self.over = true,
            }
        }
    }

    /// Reads what happened since, and moves on.
    fn read(&mut self) {
        let tx = self.state.store.begin(false);
        let (changes, version) = (tx.since(self.resource, self.position), tx.version());
        drop(tx);
        let mut text = Vec::new();
        match changes {
            Ok(changes) => {
                let now = self.state.clock.now();
                let namespace = self.namespace.as_deref();
                let here = |change: &&Change| {
                    namespace.is_none_or(|namespace| {
                        meta::text(&change.object, "namespace") == namespace
                    })
                };
                for change in changes.iter().filter(here) {
                    if let Some((kind, object)) =
                        told(change, |object| self.selection.matches(object))
                    {
                        self.writer.event(&mut text, kind, &object, now);
                    }
                }
                if text.is_empty() && !changes.is_empty() {
                    self.bookmarks.owe(Instant::now());
                }
                self.position = self.position.max(version);
            }
            Err(TooOld { oldest }) => {
                let message = format!("too old resource version: {} ({oldest})", self.position);
                let status = Status::gone(message).to_json();
                text = answer::line(&json!({"type": "ERROR", "object": status}));
                self.over = true;
            }
        }
        if !text.is_empty() {
            self.ready.push_back(text.into());
        }
    }
}
