//! Objects live in namespaces that are there and not about to go.

use serde_json::{Value, json};

use crate::mini::api::{
    Status, meta,
    resources::{self, Resource},
    store::Transaction,
};

/// The namespace of a new object takes new objects.
///
/// # Errors
///
/// 404 if it is not there, 403 if it is being deleted.
pub(crate) fn namespace(
    tx: &Transaction<'_>,
    resource: &Resource,
    object: &Value,
) -> Result<(), Status> {
    if !resource.namespaced {
        return Ok(());
    }
    let name = meta::text(object, "namespace");
    let namespaces = resources::named("", "namespaces");
    let namespace = tx
        .get(namespaces, "", name)
        .ok_or_else(|| Status::not_found("", "namespaces", name))?;
    if !meta::is_terminating(&namespace) {
        return Ok(());
    }
    let why =
        format!("unable to create new content in namespace {name} because it is being terminated");
    let object_name = meta::text(object, "name");
    let mut status = Status::forbidden(resource.group, resource.plural, object_name, &why);
    if let Some(details) = &mut status.details {
        details["causes"] = json!([{
            "reason": "NamespaceTerminating", "message": format!("namespace {name} is being terminated"),
            "field": "metadata.namespace",
        }]);
    }
    Err(status)
}
