//! Events about a set, thinned out as the controller manager's client does it.
//!
//! Equal events become one whose count grows. From the tenth different message of one set, type and reason within ten
//! minutes on they become one that says so. Of one set and type at most 25 are sent at once and one in five minutes
//! after that.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::core::v1::{Event, EventSource, ObjectReference},
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::{
    Api, Client,
    api::{ObjectMeta, Patch, PatchParams, PostParams},
};
use serde_json::json;
use tokio::sync::mpsc;

use super::{error::is_missing, set::Set, twist::Twist};
use crate::clock::Clock;

/// Who reports.
const COMPONENT: &str = "statefulset-controller";
/// So many different messages of one kind are combined, if none is older than that before the next.
const COMBINED_FROM: usize = 10;
const COMBINED_WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// So many at once, and one more after each such time.
const BURST: i64 = 25;
const REFILL: SignedDuration = SignedDuration::from_mins(5);
/// So much is remembered of each thing.
const REMEMBERED: usize = 4096;
/// How often a send is tried when the API server cannot be reached, and how long after the last time.
const TRIES: (u32, std::time::Duration) = (12, std::time::Duration::from_secs(10));

/// Normal or Warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Something was done.
    Normal,
    /// Something failed.
    Warning,
}

/// Something to tell about a set.
#[derive(Clone, Debug)]
pub struct Note {
    involved: ObjectReference,
    kind: Kind,
    reason: &'static str,
    message: String,
    at: Timestamp,
}

/// Where notes are left; they are sent by [`send`] beside the work.
#[derive(Clone, Debug)]
pub struct Recorder {
    clock: Clock,
    notes: mpsc::UnboundedSender<Note>,
}

impl Recorder {
    /// A recorder, and where its notes come out.
    pub fn new(clock: Clock) -> (Self, mpsc::UnboundedReceiver<Note>) {
        let (notes, receiver) = mpsc::unbounded_channel();
        (Self { clock, notes }, receiver)
    }

    /// Leaves a note about a set.
    pub fn record(&self, set: &Set, kind: Kind, reason: &'static str, message: String) {
        let involved = ObjectReference {
            api_version: Some(set.api_version.clone()),
            kind: Some(set.kind.clone()),
            namespace: set.meta.namespace.clone(),
            name: set.meta.name.clone(),
            uid: set.meta.uid.clone(),
            resource_version: set.meta.resource_version.clone(),
            field_path: None,
        };
        let at = self.clock.now();
        // Nobody listens any more when the controller ends.
        let _ = self.notes.send(Note {
            involved,
            kind,
            reason,
            message,
            at,
        });
    }
}

/// Sends what is noted, for ever.
pub async fn send(client: Client, mut notes: mpsc::UnboundedReceiver<Note>, twist: Arc<dyn Twist>) {
    let mut correlator = Correlator::default();
    while let Some(note) = notes.recv().await {
        let Some(mut event) = correlator.correlate(&note) else {
            continue;
        };
        if !twist.event(&mut event) {
            continue;
        }
        let namespace = event.metadata.namespace.clone().unwrap_or_default();
        let api = Api::namespaced(client.clone(), &namespace);
        for attempt in 1..=TRIES.0 {
            match put(&api, &event).await {
                Ok(_) => break,
                Err(error @ kube::Error::Api(_)) => {
                    tracing::debug!(%error, "event refused");
                    break;
                }
                Err(_) if attempt < TRIES.0 => tokio::time::sleep(TRIES.1).await,
                Err(error) => tracing::warn!(%error, "event lost"),
            }
        }
    }
}

/// Creates the event, or raises the count of one that was sent before.
async fn put(api: &Api<Event>, event: &Event) -> Result<Event, kube::Error> {
    if event.count > Some(1) {
        let name = event.metadata.name.as_deref().unwrap_or_default();
        let patch = json!({
            "count": event.count, "lastTimestamp": event.last_timestamp, "message": event.message,
        });
        let (params, patch) = (PatchParams::default(), Patch::Strategic(patch));
        match api.patch(name, &params, &patch).await {
            Err(error) if is_missing(&error) => {}
            result => return result,
        }
    }
    api.create(&PostParams::default(), event).await
}

/// Of one set: by its UID, and what the rules tell apart.
type Id = (String, Kind);

/// What was sent before.
#[derive(Debug, Default)]
struct Correlator {
    /// Different messages of one kind and reason, and when the last came.
    messages: BTreeMap<(Id, &'static str), (BTreeSet<String>, Timestamp)>,
    /// Events by what makes them equal.
    sent: BTreeMap<(Id, &'static str, String), Event>,
    /// When the allowance of each set and kind is full again.
    full_at: BTreeMap<Id, Timestamp>,
    /// Of the last name given, in nanoseconds: names are made of the time and must differ.
    last_name: i128,
}

impl Correlator {
    /// The event to send, if one is to be sent; its count is above 1 if it was sent before.
    fn correlate(&mut self, note: &Note) -> Option<Event> {
        let id = (note.involved.uid.clone().unwrap_or_default(), note.kind);
        let is_combined = self.is_combined(&id, note);
        let (key, message) = if is_combined {
            let message = format!("(combined from similar events): {}", note.message);
            (String::new(), message)
        } else {
            (note.message.clone(), note.message.clone())
        };
        let fresh = self.event(note);
        let sent = self.sent.entry((id.clone(), note.reason, key));
        let event = sent
            .and_modify(|event| event.count = event.count.map(|count| count.saturating_add(1)))
            .or_insert(fresh);
        event.last_timestamp = Some(seconds(note.at));
        event.message = Some(message);
        let event = event.clone();
        trim(&mut self.sent);
        self.is_allowed(id, note.at).then_some(event)
    }

    fn is_combined(&mut self, id: &Id, note: &Note) -> bool {
        let key = (id.clone(), note.reason);
        let (messages, last) = self.messages.entry(key).or_default();
        if note.at.duration_since(*last) > COMBINED_WITHIN {
            messages.clear();
        }
        *last = note.at;
        let is_new = messages.insert(note.message.clone());
        let is_combined = messages.len() >= COMBINED_FROM;
        if is_combined && is_new {
            messages.remove(&note.message);
        }
        trim(&mut self.messages);
        is_combined
    }

    fn is_allowed(&mut self, id: Id, now: Timestamp) -> bool {
        let full_at = self.full_at.entry(id).or_insert(now);
        let spent = (*full_at).max(now) + REFILL;
        let is_allowed = spent.duration_since(now) <= REFILL * i32::try_from(BURST).unwrap_or(1);
        if is_allowed {
            *full_at = spent;
        }
        trim(&mut self.full_at);
        is_allowed
    }

    fn event(&mut self, note: &Note) -> Event {
        let name = note.involved.name.as_deref().unwrap_or_default();
        self.last_name = note.at.as_nanosecond().max(self.last_name + 1);
        Event {
            metadata: ObjectMeta {
                name: Some(format!("{name}.{:x}", self.last_name)),
                namespace: note.involved.namespace.clone(),
                ..ObjectMeta::default()
            },
            involved_object: note.involved.clone(),
            type_: Some(format!("{:?}", note.kind)),
            reason: Some(note.reason.to_owned()),
            message: Some(note.message.clone()),
            source: Some(EventSource {
                component: Some(COMPONENT.to_owned()),
                host: None,
            }),
            reporting_component: Some(COMPONENT.to_owned()),
            reporting_instance: Some(String::new()),
            count: Some(1),
            first_timestamp: Some(seconds(note.at)),
            last_timestamp: Some(seconds(note.at)),
            ..Event::default()
        }
    }
}

fn trim<K: Ord, V>(map: &mut BTreeMap<K, V>) {
    while map.len() > REMEMBERED {
        map.pop_first();
    }
}

fn seconds(time: Timestamp) -> Time {
    Time(Timestamp::from_second(time.as_second()).unwrap_or(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(message: String, at: i64) -> Note {
        Note {
            involved: ObjectReference {
                name: Some("web".to_owned()),
                uid: Some("u".to_owned()),
                ..ObjectReference::default()
            },
            kind: Kind::Normal,
            reason: "SuccessfulCreate",
            message,
            at: Timestamp::from_second(at).expect("a time"),
        }
    }

    #[test]
    fn equal_events_are_one_with_a_count() {
        let mut correlator = Correlator::default();
        let first = correlator
            .correlate(&note("a".to_owned(), 1))
            .expect("sent");
        let second = correlator
            .correlate(&note("a".to_owned(), 2))
            .expect("sent");
        assert_eq!(first.metadata.name, second.metadata.name);
        assert_eq!((first.count, second.count), (Some(1), Some(2)));
        assert_eq!(second.first_timestamp, first.first_timestamp);
        assert_ne!(second.last_timestamp, first.last_timestamp);
    }

    /// As a real control plane of 1.37.2 did it.
    #[test]
    fn thirty_pods_and_thirty_claims_give_nine_events_and_a_combined_one_that_counts_sixteen() {
        let mut correlator = Correlator::default();
        let sent: Vec<_> = (0..60)
            .filter_map(|number| correlator.correlate(&note(number.to_string(), 1)))
            .collect();
        let mut last = BTreeMap::new();
        for event in &sent {
            last.insert(event.metadata.name.clone(), event);
        }
        let combined = |event: &&Event| {
            let message = event.message.as_deref().unwrap_or_default();
            message.starts_with("(combined from similar events): ")
        };
        let (many, plain): (Vec<&Event>, Vec<&Event>) = last.values().copied().partition(combined);
        assert_eq!((sent.len(), plain.len(), many.len()), (25, 9, 1));
        assert_eq!(many[0].count, Some(16));
    }

    #[test]
    fn after_ten_quiet_minutes_events_are_told_one_by_one_again() {
        let mut correlator = Correlator::default();
        for number in 0..12 {
            correlator.correlate(&note(number.to_string(), 1));
        }
        let event = correlator
            .correlate(&note("later".to_owned(), 602))
            .expect("sent");
        assert_eq!(event.message.as_deref(), Some("later"));
    }

    #[test]
    fn an_allowance_of_one_in_five_minutes_comes_after_the_burst() {
        let mut correlator = Correlator::default();
        let sent = |correlator: &mut Correlator, at| {
            let sent = (0..40).filter_map(|_| correlator.correlate(&note("x".to_owned(), at)));
            sent.count()
        };
        assert_eq!(sent(&mut correlator, 1), 25);
        assert_eq!(sent(&mut correlator, 300), 0);
        assert_eq!(sent(&mut correlator, 301), 1);
    }
}
