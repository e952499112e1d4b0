//! Events: what an agent tells people about an object.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use k8s_openapi::{
    api::core::v1::{Event, EventSource},
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time},
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::json;

use super::{Context, is_gone};
use crate::clock::Clock;

/// Whether an event tells of the ordinary or of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// All is well.
    Normal,
    /// Somebody may want to look.
    Warning,
}

impl Type {
    fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

/// By the object's UID, reason and message.
type Told = BTreeMap<(String, &'static str, String), (String, i32)>;

/// Writes the events of one component. What it says again about the same object is counted on the first event.
///
/// An event that cannot be written is lost, as everywhere in Kubernetes: nobody's work may hang on it.
#[derive(Clone)]
pub struct Recorder {
    client: Client,
    clock: Clock,
    component: &'static str,
    sequence: Arc<AtomicU64>,
    told: Arc<Mutex<Told>>,
}

impl Recorder {
    /// A recorder for the component of that name: `default-scheduler`.
    pub fn new(context: &Context, component: &'static str) -> Self {
        Self {
            client: context.client.clone(),
            clock: context.clock,
            component,
            sequence: Arc::default(),
            told: Arc::default(),
        }
    }

    /// Tells something about an object.
    pub async fn record<K>(&self, object: &K, kind: Type, reason: &'static str, message: &str)
    where
        K: Resource<DynamicType = ()>,
    {
        let namespace = object.namespace().unwrap_or_else(|| "default".to_owned());
        let api = Api::<Event>::namespaced(self.client.clone(), &namespace);
        let id = (object.uid().unwrap_or_default(), reason, message.to_owned());
        let known = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.get_mut(&id).map(|(name, count)| {
                *count += 1;
                (name.clone(), *count)
            })
        };
        if let Some((name, count)) = known {
            let change = json!({"count": count, "lastTimestamp": Time(self.clock.now())});
            let again = api
                .patch(&name, &PatchParams::default(), &Patch::Merge(change))
                .await;
            if !again.as_ref().is_err_and(is_gone) {
                return;
            }
        }
        let event = self.event(object, &namespace, kind, reason, message);
        let name = event.name_any();
        match api.create(&PostParams::default(), &event).await {
            Ok(_) => {
                let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
                told.insert(id, (name, 1));
            }
            Err(error) => tracing::debug!(%error, reason, message, "an event is lost"),
        }
    }

    fn event<K>(&self, object: &K, ns: &str, kind: Type, reason: &str, message: &str) -> Event
    where
        K: Resource<DynamicType = ()>,
    {
        let now = self.clock.now();
        Event {
            metadata: ObjectMeta {
                name: Some(self.name(&object.name_any(), reason, message)),
                namespace: Some(ns.to_owned()),
                ..ObjectMeta::default()
            },
            involved_object: object.object_ref(&()),
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
            type_: Some(kind.as_str().to_owned()),
            source: Some(EventSource {
                component: Some(self.component.to_owned()),
                host: None,
            }),
            first_timestamp: Some(Time(now)),
            last_timestamp: Some(Time(now)),
            count: Some(1),
            reporting_component: Some(self.component.to_owned()),
            reporting_instance: Some(String::new()),
            ..Event::default()
        }
    }

    /// The object's name and sixteen hexadecimal digits. Real components take the time's nanoseconds; in virtual time
    /// several events share one, so what else tells them apart goes in too.
    fn name(&self, object: &str, reason: &str, message: &str) -> String {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        let nanos = self.clock.now().as_nanosecond();
        let all = format!("{}/{reason}/{message}/{nanos}/{sequence}", self.component);
        format!("{object}.{:016x}", fnv64(all.as_bytes()))
    }
}

/// The 64-bit FNV-1a hash.
fn fnv64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
