//! Deletion: preconditions, grace, finalizers, and what the garbage collector is told.

mod decision;
mod options;

use http::Response;
use serde_json::{Value, json};

use super::{
    Call, Done,
    list::{Selection, parameter},
};
use crate::mini::{
    api::{
        Status,
        http::answer,
        meta,
        resources::Resource,
        server::State,
        store::{Object, Transaction},
    },
    kubelet::Body,
};

pub(crate) use options::DeleteOptions;

pub(crate) use decision::meant;
use decision::{Decision, decide};

pub(super) fn handle(state: &State, call: &Call) -> Result<Done, Status> {
    let target = &call.target;
    let resource = target.resource;
    let options = DeleteOptions::of(state, call)?;
    let mut tx = state.store.begin(options.dry_run);
    let (removed, last) = delete(
        &mut tx,
        resource,
        target.namespace(),
        target.name(),
        &options,
    )?;
    let code = match !removed && options.orphan == Some(false) {
        true => 202,
        false => 200,
    };
    match removed && !resource.returns_deleted {
        true => Ok(Done::new(code, deleted(resource, &last))),
        false => Ok(Done::new(code, last)),
    }
}

/// The answer for a removed object of a kind that is not returned.
fn deleted(resource: &Resource, object: &Value) -> Value {
    let mut details = json!({
        "name": meta::text(object, "name"), "kind": resource.plural, "uid": meta::text(object, "uid"),
    });
    if !resource.group.is_empty() {
        details["group"] = resource.group.into();
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

/// Deletes an object, or begins to. Whether it is gone, and its last or present state.
///
/// # Errors
///
/// 404 if there is none, 409 if it is not the one that was meant.
pub(crate) fn delete(
    tx: &mut Transaction<'_>,
    resource: &Resource,
    namespace: &str,
    name: &str,
    options: &DeleteOptions,
) -> Result<(bool, Object), Status> {
    let object = tx
        .get(resource, namespace, name)
        .ok_or_else(|| Status::not_found(resource.group, resource.plural, name))?;
    Ok(match decide(resource, &object, options)? {
        Decision::Pending => (false, object),
        Decision::Remove => (true, tx.remove(resource, &object)),
        Decision::Mark(marked) => (false, tx.put(resource, marked)),
        Decision::MarkAndRemove(marked) => {
            let marked = tx.put(resource, marked);
            (true, tx.remove(resource, &marked))
        }
    })
}

pub(super) fn handle_collection(state: &State, call: &Call) -> Result<Response<Body>, Status> {
    let target = &call.target;
    let resource = target.resource;
    let options = DeleteOptions::of(state, call)?;
    let selection = Selection::of(call)?;
    let mut tx = state.store.begin(options.dry_run);
    let mut items = tx.list(resource, target.namespace.as_deref());
    items.retain(|object| selection.matches(object));
    if let Some(limit) = parameter(&call.query, "limit")?.filter(|limit| *limit > 0) {
        items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    for object in &items {
        let name = meta::text(object, "name");
        delete(&mut tx, resource, target.namespace(), name, &options)?;
    }
    let metadata = json!({"resourceVersion": tx.version().to_string()});
    drop(tx);
    let now = state.clock.now();
    Ok(answer::list(resource, call.shape, now, metadata, &items))
}
