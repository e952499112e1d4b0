//! Revisions: what a template looked like, byte for byte, under a name made from those bytes.
//!
//! Bytes and names are those of the built-in controller, so that either can take over the other's sets without a new
//! revision and without a restart.

mod choose;
mod data;
mod defaults;
mod history;
mod name;
mod same;

use k8s_openapi::api::{apps::v1::ControllerRevision, core::v1::PodTemplateSpec};
use serde::Deserialize as _;
use serde_json::Value;

use super::set::Set;

pub use choose::{Choice, choose, create, sort};
pub use data::{data, encode};
pub use history::{doomed, live};
pub use name::{hash, name};

/// Label of a revision: the hash in its name, before any collision.
pub const HASH_LABEL: &str = "controller.kubernetes.io/hash";

/// A revision that pods can be made from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Revision {
    /// Its name: the value of its pods' label.
    pub name: String,
    /// Its template.
    pub template: PodTemplateSpec,
}

/// The revisions that a sync works with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Revisions {
    /// What the set came from.
    pub current: Revision,
    /// What the set goes to.
    pub update: Revision,
    /// How often a name was taken.
    pub collision_count: i32,
}

/// A revision whose data holds no pod template.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the template of revision {name}: {source}")]
pub struct Unreadable {
    name: String,
    source: serde_json::Error,
}

impl Revision {
    /// Reads the template out of a revision's data; the set's own where the data has none.
    ///
    /// # Errors
    ///
    /// Data that does not fit a pod template.
    pub fn read(revision: &ControllerRevision, set: &Set) -> Result<Self, Unreadable> {
        let name = revision.metadata.name.clone().unwrap_or_default();
        let template = match &revision.data.0["spec"]["template"] {
            // A template has no field `$patch`: it is passed over.
            fields @ Value::Object(_) => PodTemplateSpec::deserialize(fields),
            _ => Ok(set.spec.template.clone()),
        };
        match template {
            Ok(template) => Ok(Self { name, template }),
            Err(source) => Err(Unreadable { name, source }),
        }
    }
}
