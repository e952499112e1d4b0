//! What built-in admission does to writes: it fills in, refuses, and keeps accounts.
//!
//! It does what the plugins of an ordinary cluster do, with one exception: the service account `default` need not be
//! there yet, since no client can wait for it before it creates its first pod.

mod claims;
mod namespaces;
mod pods;
mod quota;
mod services;
mod usage;

use serde_json::Value;

use super::{
    Status,
    resources::{Resource, Subresource},
    store::Transaction,
};

pub(crate) use namespaces::namespace;
pub(crate) use quota::{charge, settle};

/// Changes a new object before it is validated.
///
/// # Errors
///
/// 403 for what a plugin refuses, 422 for an address that cannot be had.
pub(crate) fn admit(
    tx: &mut Transaction<'_>,
    resource: &Resource,
    object: &mut Value,
) -> Result<(), Status> {
    match resource.group_kind {
        "Pod" => pods::admit(tx, resource, object),
        "PersistentVolumeClaim" => {
            claims::choose_class(tx, object);
            claims::protect(object, "kubernetes.io/pvc-protection");
            Ok(())
        }
        "PersistentVolume" => {
            claims::protect(object, "kubernetes.io/pv-protection");
            Ok(())
        }
        "Service" => services::allocate(tx, object),
        _ => Ok(()),
    }
}

/// Changes a changed object before it is validated.
///
/// # Errors
///
/// As [`admit`].
pub(crate) fn admit_update(
    tx: &mut Transaction<'_>,
    resource: &Resource,
    subresource: Option<Subresource>,
    old: &Value,
    new: &mut Value,
) -> Result<(), Status> {
    match (resource.group_kind, subresource) {
        ("PersistentVolumeClaim", None) => claims::resize(tx, resource, old, new),
        ("Service", None) => {
            services::keep(old, new);
            services::allocate(tx, new)
        }
        _ => Ok(()),
    }
}
