//! The objects that are recorded, by kind.

use std::{fmt, sync::Arc};

use k8s_openapi::api::{
    apps::v1::{ControllerRevision, Deployment, ReplicaSet, StatefulSet},
    core::v1::{Event, PersistentVolumeClaim, Pod, Service},
    discovery::v1::EndpointSlice,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A kind of object that is recorded.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum Kind {
    /// The kind under test.
    Set,
    /// Pods.
    Pod,
    /// PersistentVolumeClaims.
    Claim,
    /// ControllerRevisions.
    Revision,
    /// Services.
    Service,
    /// EndpointSlices.
    EndpointSlice,
    /// Events, of the core group.
    Event,
    /// Deployments.
    Deployment,
    /// ReplicaSets.
    ReplicaSet,
}

impl Kind {
    /// All of them, in the order in which they are recorded.
    pub const ALL: [Self; 9] = [
        Self::Set,
        Self::Pod,
        Self::Claim,
        Self::Revision,
        Self::Service,
        Self::EndpointSlice,
        Self::Event,
        Self::Deployment,
        Self::ReplicaSet,
    ];

    /// The name in paths: `pods`. That of a set is its target's.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Set => "statefulsets",
            Self::Pod => "pods",
            Self::Claim => "persistentvolumeclaims",
            Self::Revision => "controllerrevisions",
            Self::Service => "services",
            Self::EndpointSlice => "endpointslices",
            Self::Event => "events",
            Self::Deployment => "deployments",
            Self::ReplicaSet => "replicasets",
        }
    }

    /// The name in objects: `Pod`. That of a set is its target's.
    pub fn name(self) -> &'static str {
        match self {
            Self::Set => "StatefulSet",
            Self::Pod => "Pod",
            Self::Claim => "PersistentVolumeClaim",
            Self::Revision => "ControllerRevision",
            Self::Service => "Service",
            Self::EndpointSlice => "EndpointSlice",
            Self::Event => "Event",
            Self::Deployment => "Deployment",
            Self::ReplicaSet => "ReplicaSet",
        }
    }

    /// The kind with that name in paths.
    pub fn of_plural(plural: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.plural() == plural)
    }

    /// One word for it in sentences: `pod`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Pod => "pod",
            Self::Claim => "claim",
            Self::Revision => "revision",
            Self::Service => "service",
            Self::EndpointSlice => "endpoint slice",
            Self::Event => "event",
            Self::Deployment => "deployment",
            Self::ReplicaSet => "replica set",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

/// A recorded object. Copies share it.
#[derive(Clone, Debug)]
pub enum Object {
    /// A set, of whatever target: the schema is that of `apps/v1`.
    Set(Arc<StatefulSet>),
    /// A pod.
    Pod(Arc<Pod>),
    /// A claim.
    Claim(Arc<PersistentVolumeClaim>),
    /// A revision.
    Revision(Arc<ControllerRevision>),
    /// A Service.
    Service(Arc<Service>),
    /// An EndpointSlice.
    EndpointSlice(Arc<EndpointSlice>),
    /// An Event.
    Event(Arc<Event>),
    /// A Deployment.
    Deployment(Arc<Deployment>),
    /// A ReplicaSet.
    ReplicaSet(Arc<ReplicaSet>),
}

/// An object that is not what its kind says.
#[derive(Debug, thiserror::Error)]
#[error("a {kind} of the cluster cannot be read: {source}")]
pub struct Undecodable {
    kind: Kind,
    source: serde_json::Error,
}

impl Object {
    /// Reads an object of a kind. A set may say another API version and kind: its target's.
    ///
    /// # Errors
    ///
    /// A field of another type than the kind's.
    pub fn decode(kind: Kind, mut value: Value) -> Result<Self, Undecodable> {
        fn typed<T: DeserializeOwned>(kind: Kind, value: Value) -> Result<Arc<T>, Undecodable> {
            serde_json::from_value(value)
                .map(Arc::new)
                .map_err(|source| Undecodable { kind, source })
        }
        Ok(match kind {
            Kind::Set => {
                // Whatever else it may be, it is refused as what it is.
                if let Some(object) = value.as_object_mut() {
                    object.insert("apiVersion".to_owned(), "apps/v1".into());
                    object.insert("kind".to_owned(), "StatefulSet".into());
                }
                Self::Set(typed(kind, value)?)
            }
            Kind::Pod => Self::Pod(typed(kind, value)?),
            Kind::Claim => Self::Claim(typed(kind, value)?),
            Kind::Revision => Self::Revision(typed(kind, value)?),
            Kind::Service => Self::Service(typed(kind, value)?),
            Kind::EndpointSlice => Self::EndpointSlice(typed(kind, value)?),
            Kind::Event => Self::Event(typed(kind, value)?),
            Kind::Deployment => Self::Deployment(typed(kind, value)?),
            Kind::ReplicaSet => Self::ReplicaSet(typed(kind, value)?),
        })
    }

    /// It as JSON.
    ///
    /// # Errors
    ///
    /// A value that JSON does not have; the API has none.
    pub fn encode(&self) -> Result<Value, serde_json::Error> {
        match self {
            Self::Set(object) => serde_json::to_value(object.as_ref()),
            Self::Pod(object) => serde_json::to_value(object.as_ref()),
            Self::Claim(object) => serde_json::to_value(object.as_ref()),
            Self::Revision(object) => serde_json::to_value(object.as_ref()),
            Self::Service(object) => serde_json::to_value(object.as_ref()),
            Self::EndpointSlice(object) => serde_json::to_value(object.as_ref()),
            Self::Event(object) => serde_json::to_value(object.as_ref()),
            Self::Deployment(object) => serde_json::to_value(object.as_ref()),
            Self::ReplicaSet(object) => serde_json::to_value(object.as_ref()),
        }
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Set(_) => Kind::Set,
            Self::Pod(_) => Kind::Pod,
            Self::Claim(_) => Kind::Claim,
            Self::Revision(_) => Kind::Revision,
            Self::Service(_) => Kind::Service,
            Self::EndpointSlice(_) => Kind::EndpointSlice,
            Self::Event(_) => Kind::Event,
            Self::Deployment(_) => Kind::Deployment,
            Self::ReplicaSet(_) => Kind::ReplicaSet,
        }
    }

    /// Its metadata.
    pub fn meta(&self) -> &ObjectMeta {
        match self {
            Self::Set(object) => &object.metadata,
            Self::Pod(object) => &object.metadata,
            Self::Claim(object) => &object.metadata,
            Self::Revision(object) => &object.metadata,
            Self::Service(object) => &object.metadata,
            Self::EndpointSlice(object) => &object.metadata,
            Self::Event(object) => &object.metadata,
            Self::Deployment(object) => &object.metadata,
            Self::ReplicaSet(object) => &object.metadata,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.meta().name.as_deref().unwrap_or_default()
    }

    /// Its namespace.
    pub fn namespace(&self) -> &str {
        self.meta().namespace.as_deref().unwrap_or_default()
    }

    /// Its UID.
    pub fn uid(&self) -> &str {
        self.meta().uid.as_deref().unwrap_or_default()
    }

    /// Its resourceVersion; 0 where it is not a number.
    pub fn version(&self) -> u64 {
        self.meta()
            .resource_version
            .as_deref()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0)
    }

    /// The set, if it is one.
    pub fn as_set(&self) -> Option<&Arc<StatefulSet>> {
        match self {
            Self::Set(set) => Some(set),
            _ => None,
        }
    }

    /// The pod, if it is one.
    pub fn as_pod(&self) -> Option<&Arc<Pod>> {
        match self {
            Self::Pod(pod) => Some(pod),
            _ => None,
        }
    }

    /// The claim, if it is one.
    pub fn as_claim(&self) -> Option<&Arc<PersistentVolumeClaim>> {
        match self {
            Self::Claim(claim) => Some(claim),
            _ => None,
        }
    }

    /// The Service, if it is one.
    pub fn as_service(&self) -> Option<&Arc<Service>> {
        match self {
            Self::Service(service) => Some(service),
            _ => None,
        }
    }

    /// The Event, if it is one.
    pub fn as_event(&self) -> Option<&Arc<Event>> {
        match self {
            Self::Event(event) => Some(event),
            _ => None,
        }
    }

    /// The revision, if it is one.
    pub fn as_revision(&self) -> Option<&Arc<ControllerRevision>> {
        match self {
            Self::Revision(revision) => Some(revision),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_object_is_refused_whatever_its_kind() {
        for kind in Kind::ALL {
            for value in [json!([]), json!(7), json!(null), json!("x")] {
                assert!(
                    Object::decode(kind, value.clone()).is_err(),
                    "{kind} {value}"
                );
            }
        }
    }
}
