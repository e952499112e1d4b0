//! Who asked the API server for what.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::Kind;

/// Whose request it was.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Actor {
    /// The controller that is judged.
    Subject,
    /// The scenario.
    Harness,
}

/// What was asked for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Method {
    /// One object.
    Get,
    /// All objects.
    List,
    /// Changes from now on.
    Watch,
    /// A new object, or a subresource that acts, as `eviction`.
    Create,
    /// Another state of an object.
    Update,
    /// A change of an object.
    Patch,
    /// The end of an object.
    Delete,
    /// The end of many.
    DeleteCollection,
}

impl Method {
    /// It may change something.
    pub fn writes(self) -> bool {
        !matches!(self, Self::Get | Self::List | Self::Watch)
    }
}

/// One request and what came of it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Request {
    /// Who sent it.
    pub actor: Actor,
    /// The actor's process: grows by one when the subject is started anew.
    pub process: u32,
    /// When it was sent, by the cluster's clock.
    pub sent_at: Timestamp,
    /// Its place in the common order of requests and answers.
    pub step: usize,
    /// What it asks for.
    pub method: Method,
    /// The kind, where it is one that is recorded.
    pub kind: Option<Kind>,
    /// The name in paths: `pods`.
    pub plural: String,
    /// The namespace; empty for all, or for what has none.
    pub namespace: String,
    /// The object's name; for a create the one in the body; empty if there is none.
    pub name: String,
    /// The subresource; empty for the object itself.
    pub subresource: String,
    /// It asked for a rehearsal only.
    pub dry_run: bool,
    /// What was sent, of a write. Copies share it.
    #[serde(default, with = "shared")]
    pub body: Option<Arc<Value>>,
    /// How many changes had been delivered to this actor when it was sent: an index into [`Log::deliveries`].
    pub delivered: usize,
    /// What the server said; none if no answer came.
    pub answer: Option<Answer>,
    /// A fault kept the answer from whoever asked.
    #[serde(default)]
    pub lost: bool,
    /// When the watch that it began ended.
    pub closed_at: Option<Timestamp>,
}

/// A shared value is written and read as the value.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};
    use serde_json::Value;

    pub fn serialize<S: Serializer>(body: &Option<Arc<Value>>, to: S) -> Result<S::Ok, S::Error> {
        body.as_deref().serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Arc<Value>>, D::Error> {
        Ok(Option::<Value>::deserialize(from)?.map(Arc::new))
    }
}

/// What the server said.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Answer {
    /// When, by the cluster's clock.
    pub at: Timestamp,
    /// Its place in the common order of requests and answers.
    pub step: usize,
    /// The HTTP status.
    pub code: u16,
    /// The object's resourceVersion, of a write that was answered with an object.
    pub version: Option<u64>,
    /// The object's UID, of a write that was answered with an object.
    pub uid: Option<String>,
    /// The reason, of a refusal: `Conflict`.
    pub reason: String,
    /// The text, of a refusal.
    pub message: String,
}

impl Answer {
    /// It was done.
    pub fn ok(&self) -> bool {
        self.code < 300
    }
}

/// A state that was delivered to the subject: by a read, by a list or on a watch. A list and a bookmark also deliver,
/// without a name, how far they show all that happened.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Delivery {
    /// When, by the cluster's clock.
    pub at: Timestamp,
    /// The subject's process.
    pub process: u32,
    /// The kind.
    pub kind: Kind,
    /// The object's namespace.
    pub namespace: String,
    /// The object's name.
    pub name: String,
    /// Its version; of a deletion, that of the deletion.
    pub version: u64,
}

/// All requests and deliveries.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Log {
    /// In the order of sending.
    pub requests: Vec<Request>,
    /// To the subject, in order.
    pub deliveries: Vec<Delivery>,
    /// Faults that were put between the subject and the server, in the order of their beginning.
    #[serde(default)]
    pub faults: Vec<Fault>,
}

/// A fault between the subject and the server.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Fault {
    /// Since when it could act.
    pub from: Timestamp,
    /// Until when; to the end, if there is none.
    pub until: Option<Timestamp>,
    /// What it does, in words.
    pub what: String,
    /// The kind whose events it holds back or loses.
    pub delays: Option<Kind>,
    /// The requests that it acted on: indices into [`Log::requests`].
    pub requests: Vec<usize>,
}
