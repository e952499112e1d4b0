//! A set as the controller reads it: typed for decisions, and as stored for what must not lose a field.

use std::{fmt, sync::Arc};

use k8s_openapi::{
    api::{
        apps::v1::{StatefulSet, StatefulSetSpec, StatefulSetStatus},
        core::v1::PersistentVolumeClaim,
    },
    apimachinery::pkg::{
        apis::meta::v1::{ObjectMeta, OwnerReference},
        util::intstr::IntOrString,
    },
};
use kube::{
    api::DynamicObject,
    core::{ParseExpressionError, Selector},
};
use serde::Deserialize as _;
use serde_json::Value;

use crate::sets::Ordinal;

/// Where a set is. Ordered by namespace, then name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Key {
    /// The key of an object's metadata.
    pub fn of(meta: &ObjectMeta) -> Self {
        Self {
            namespace: meta.namespace.clone().unwrap_or_default(),
            name: meta.name.clone().unwrap_or_default(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.namespace, self.name)
    }
}

/// What becomes of pods when the template changes.
#[derive(Clone, Debug, PartialEq)]
pub enum Strategy {
    /// Pods are replaced from the top; the block is absent where the author gave the type alone.
    RollingUpdate(Option<Block>),
    /// Pods are replaced when somebody deletes them.
    OnDelete,
    /// All pods of older revisions go before a new one comes.
    Recreate,
}

/// The `rollingUpdate` block of a strategy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// The lowest index that the update touches.
    pub partition: i32,
    /// How many pods may be unavailable: a number or a percentage of replicas.
    pub max_unavailable: Option<IntOrString>,
}

/// When claims go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// With the set.
    pub delete_with_set: bool,
    /// With the pod that a scale-down removes.
    pub delete_with_pod: bool,
}

/// A set.
#[derive(Clone, Debug)]
pub struct Set {
    /// API version of its kind, for owner references.
    pub api_version: String,
    /// Its kind, for owner references.
    pub kind: String,
    /// Its metadata.
    pub meta: ObjectMeta,
    /// Its specification.
    pub spec: StatefulSetSpec,
    /// Its status; all zero before the first.
    pub status: StatefulSetStatus,
    /// The whole object as the API server gave it.
    pub stored: Arc<Value>,
}

/// An object that is no StatefulSet.
#[derive(Debug, thiserror::Error)]
#[error("cannot read set {name}: {source}")]
pub struct Unreadable {
    name: String,
    source: serde_json::Error,
}

impl Set {
    /// Reads an object of any kind that has the fields of a StatefulSet.
    ///
    /// # Errors
    ///
    /// An object without a `spec`, or with a field of another type.
    pub fn read(object: DynamicObject, api_version: &str, kind: &str) -> Result<Self, Unreadable> {
        let name = object.metadata.name.clone().unwrap_or_default();
        let read = || {
            let mut stored = object.data;
            stored["metadata"] = serde_json::to_value(object.metadata)?;
            stored["apiVersion"] = api_version.into();
            stored["kind"] = kind.into();
            Self::of(stored)
        };
        read().map_err(|source| Unreadable { name, source })
    }

    fn of(stored: Value) -> Result<Self, serde_json::Error> {
        if !stored["spec"].is_object() {
            return Err(serde::de::Error::missing_field("spec"));
        }
        let typed = match (stored["apiVersion"].as_str(), stored["kind"].as_str()) {
            (Some("apps/v1"), Some("StatefulSet")) => StatefulSet::deserialize(&stored)?,
            _ => {
                let mut typed = stored.clone();
                typed["apiVersion"] = "apps/v1".into();
                typed["kind"] = "StatefulSet".into();
                StatefulSet::deserialize(typed)?
            }
        };
        let text = |field: &str| stored[field].as_str().unwrap_or_default().to_owned();
        Ok(Self {
            api_version: text("apiVersion"),
            kind: text("kind"),
            meta: typed.metadata,
            spec: typed.spec,
            status: typed.status.unwrap_or_default(),
            stored: Arc::new(stored),
        })
    }

    /// Its key.
    pub fn key(&self) -> Key {
        Key::of(&self.meta)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.meta.name.as_deref().unwrap_or_default()
    }

    /// Its namespace.
    pub fn namespace(&self) -> &str {
        self.meta.namespace.as_deref().unwrap_or_default()
    }

    /// Its UID.
    pub fn uid(&self) -> &str {
        self.meta.uid.as_deref().unwrap_or_default()
    }

    /// Somebody asked for its deletion.
    pub fn is_deleting(&self) -> bool {
        self.meta.deletion_timestamp.is_some()
    }

    /// How many pods it wants.
    pub fn replicas(&self) -> i32 {
        self.spec.replicas.unwrap_or(1)
    }

    /// Its first ordinal.
    pub fn start(&self) -> Ordinal {
        let ordinals = self.spec.ordinals.as_ref();
        ordinals
            .and_then(|ordinals| ordinals.start)
            .unwrap_or_default()
    }

    /// The ordinals it wants pods for.
    pub fn range(&self) -> std::ops::Range<Ordinal> {
        self.start()..self.start().saturating_add(self.replicas())
    }

    /// Its pods come and go one after the other.
    pub fn is_ordered(&self) -> bool {
        self.spec.pod_management_policy.as_deref() != Some("Parallel")
    }

    /// For how many seconds a pod has to be Ready to be available.
    pub fn min_ready_seconds(&self) -> i32 {
        self.spec.min_ready_seconds.unwrap_or_default()
    }

    /// Its update strategy.
    pub fn strategy(&self) -> Strategy {
        let strategy = self.spec.update_strategy.as_ref();
        match strategy.and_then(|strategy| strategy.type_.as_deref()) {
            Some("OnDelete") => Strategy::OnDelete,
            Some("Recreate") => Strategy::Recreate,
            _ => {
                let block = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
                Strategy::RollingUpdate(block.map(|block| Block {
                    partition: block.partition.unwrap_or_default(),
                    max_unavailable: block.max_unavailable.clone(),
                }))
            }
        }
    }

    /// When its claims go.
    pub fn retention(&self) -> Retention {
        let policy = self.spec.persistent_volume_claim_retention_policy.as_ref();
        let is_delete = |when: &Option<String>| when.as_deref() == Some("Delete");
        policy.map_or_else(Retention::default, |policy| Retention {
            delete_with_set: is_delete(&policy.when_deleted),
            delete_with_pod: is_delete(&policy.when_scaled),
        })
    }

    /// The templates of its claims: of those with one name the last, for they act as one.
    pub fn claim_templates(&self) -> Vec<&PersistentVolumeClaim> {
        let all = self.spec.volume_claim_templates.as_deref();
        let all = all.unwrap_or_default();
        let is_last = |(place, template): &(usize, &PersistentVolumeClaim)| {
            let later = all[place + 1..].iter();
            later
                .map(|other| &other.metadata.name)
                .all(|name| *name != template.metadata.name)
        };
        let last = all.iter().enumerate().filter(is_last);
        last.map(|(_, template)| template).collect()
    }

    /// What selects its pods and revisions.
    ///
    /// # Errors
    ///
    /// An expression that cannot be.
    pub fn selector(&self) -> Result<Selector, ParseExpressionError> {
        self.spec.selector.clone().try_into()
    }

    /// The controller reference that names it.
    pub fn owner_reference(&self) -> OwnerReference {
        OwnerReference {
            api_version: self.api_version.clone(),
            kind: self.kind.clone(),
            name: self.name().to_owned(),
            uid: self.uid().to_owned(),
            controller: Some(true),
            block_owner_deletion: Some(true),
        }
    }

    /// Its UID is that of the controller reference.
    pub fn controls(&self, meta: &ObjectMeta) -> bool {
        controller_of(meta).is_some_and(|owner| owner.uid == self.uid())
    }
}

/// The reference of an object's controller.
pub fn controller_of(meta: &ObjectMeta) -> Option<&OwnerReference> {
    let owners = meta.owner_references.as_deref().unwrap_or_default();
    owners.iter().find(|owner| owner.controller == Some(true))
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// The set `web` in namespace `default` with the specification's fields given, defaults otherwise.
    pub fn set(spec: Value) -> Set {
        let mut stored = json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": {"name": "web", "namespace": "default", "uid": "set-uid", "generation": 1, "resourceVersion": "1"},
            "spec": {
                "replicas": 3, "serviceName": "nginx",
                "selector": {"matchLabels": {"app": "web"}},
                "podManagementPolicy": "OrderedReady", "revisionHistoryLimit": 10,
                "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [{"name": "c", "image": "busybox:1.35", "resources": {}}]},
                },
            },
        });
        let Value::Object(fields) = spec else {
            panic!("fields of a specification");
        };
        for (field, value) in fields {
            stored["spec"][field] = value;
        }
        Set::of(stored).expect("a set")
    }

    #[test]
    fn a_set_of_another_group_is_read_and_named_as_what_it_is() {
        let object: DynamicObject = serde_json::from_value(json!({
            "apiVersion": "stsspec.dev/v1", "kind": "StatefulSet",
            "metadata": {"name": "web", "uid": "u"},
            "spec": {"selector": {}, "template": {}, "new": 1},
        }))
        .expect("an object");
        let set = Set::read(object, "stsspec.dev/v1", "StatefulSet").expect("a set");
        assert_eq!(set.owner_reference().api_version, "stsspec.dev/v1");
        assert_eq!(set.stored["spec"]["new"], 1);
        assert_eq!(set.range(), 0..1);
    }

    #[test]
    fn an_object_without_a_specification_is_refused_with_its_name() {
        let object: DynamicObject =
            serde_json::from_value(json!({"metadata": {"name": "web"}})).expect("an object");
        let error = Set::read(object, "apps/v1", "StatefulSet").expect_err("no spec");
        assert_eq!(
            error.to_string(),
            "cannot read set web: missing field `spec`"
        );
    }
}
