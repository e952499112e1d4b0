//! What built-in admission does to writes: it fills in, refuses, and keeps accounts.

mod namespaces;

use serde_json::Value;

use super::{
    Status,
    resources::{Resource, Subresource},
    store::Transaction,
    verbs::Options,
};

pub(crate) use namespaces::namespace;

/// Changes a new object before it is validated.
///
/// # Errors
///
/// 403 for what a plugin refuses.
pub(crate) fn admit(
    _tx: &mut Transaction<'_>,
    _resource: &Resource,
    _object: &mut Value,
) -> Result<(), Status> {
    Ok(())
}

/// Changes a changed object before it is validated.
///
/// # Errors
///
/// 403 for what a plugin refuses.
pub(crate) fn admit_update(
    _tx: &mut Transaction<'_>,
    _resource: &Resource,
    _subresource: Option<Subresource>,
    _old: &Value,
    _new: &mut Value,
) -> Result<(), Status> {
    Ok(())
}

/// Takes what a valid object needs, which is the last thing before it is stored.
///
/// # Errors
///
/// 403 for what there is not enough of.
pub(crate) fn charge(
    _tx: &mut Transaction<'_>,
    _resource: &Resource,
    _old: Option<&Value>,
    _object: &mut Value,
    _options: &Options,
) -> Result<(), Status> {
    Ok(())
}
