//! Changes: what a write may touch, what the server keeps, when nothing is written at all, and when a change removes.

mod keep;

use serde_json::Value;

use super::{Call, Done, Expected, Options, create, decode};
use keep::keep;

use crate::mini::api::{
    Cause, Status, admission, apply, defaults, meta,
    resources::{Generation, Resource, Subresource},
    server::State,
    store::{Object, Transaction},
    validate,
};

pub(super) fn handle(state: &State, call: &Call) -> Result<Done, Status> {
    replace(state, call, None)
}

/// Puts an object, or its part that a subresource writes, in the place of what is there.
pub(crate) fn replace(
    state: &State,
    call: &Call,
    subresource: impl Into<Option<Subresource>>,
) -> Result<Done, Status> {
    let subresource = subresource.into();
    let target = &call.target;
    let resource = target.resource;
    let options = Options::of(state, call, "UpdateOptions")?;
    let expected = Expected::of(resource);
    let (mut object, mut warnings) = decode(
        &expected,
        &call.content_type,
        &call.body,
        options.validation,
    )?;
    agrees(resource, target.namespace(), target.name(), &mut object)?;
    let mut tx = state.store.begin(options.dry_run);
    let present = tx.get(resource, target.namespace(), target.name());
    let (code, object) = match present {
        None if resource.created_by_update && subresource.is_none() => {
            meta::set(&mut object, "resourceVersion", None);
            let namespace = target.namespace();
            (
                201,
                create(&mut tx, resource, namespace, object, &options, true)?,
            )
        }
        None => {
            return Err(Status::not_found(
                resource.group,
                resource.plural,
                target.name(),
            ));
        }
        Some(old) => {
            same_incarnation(resource, &old, &object)?;
            let update = Update {
                resource,
                subresource,
                options: &options,
                track: true,
            };
            (200, update_to(&mut tx, &update, &old, object)?)
        }
    };
    warnings.extend(validate::warnings(resource.group_kind, &object));
    Ok(Done {
        code,
        object,
        warnings,
    })
}

/// A body must be about the object that the path names.
///
/// # Errors
///
/// 400 if it is not.
pub(crate) fn agrees(
    resource: &Resource,
    namespace: &str,
    name: &str,
    object: &mut Value,
) -> Result<(), Status> {
    let (its_namespace, its_name) = (meta::text(object, "namespace"), meta::text(object, "name"));
    let text = if its_name.is_empty() {
        format!(
            "the name of the object ({name} based on URL) was undeterminable: name must be provided"
        )
    } else if its_name != name {
        format!("the name of the object ({its_name}) does not match the name on the URL ({name})")
    } else if !its_namespace.is_empty() && its_namespace != namespace {
        "the namespace of the provided object does not match the namespace sent on the request"
            .to_owned()
    } else {
        let namespace = resource.namespaced.then(|| namespace.into());
        meta::set(object, "namespace", namespace);
        return Ok(());
    };
    Err(Status::bad_request(text))
}

/// How an object is to be changed.
#[derive(Clone, Copy)]
pub(crate) struct Update<'a> {
    pub(crate) resource: &'static Resource,
    /// Through which path it is written; absent for its own.
    pub(crate) subresource: Option<Subresource>,
    pub(crate) options: &'a Options,
    /// Note who manages the fields; not where that was done already.
    pub(crate) track: bool,
}

/// Changes the object of this name to what `change` makes of it.
///
/// # Errors
///
/// 404 if there is none, what `change` answers, 409 for a stale version or another UID, 422 if it is not valid.
pub(crate) fn update(
    tx: &mut Transaction<'_>,
    update: &Update<'_>,
    namespace: &str,
    name: &str,
    change: impl FnOnce(&Value) -> Result<Value, Status>,
) -> Result<Object, Status> {
    let resource = update.resource;
    let old = tx
        .get(resource, namespace, name)
        .ok_or_else(|| Status::not_found(resource.group, resource.plural, name))?;
    let new = change(&old)?;
    update_to(tx, update, &old, new)
}

fn update_to(
    tx: &mut Transaction<'_>,
    update: &Update<'_>,
    old: &Object,
    mut new: Value,
) -> Result<Object, Status> {
    let Update {
        resource,
        subresource,
        options,
        ..
    } = *update;
    let name = meta::text(old, "name").to_owned();
    let refused = |causes: &[Cause]| Status::invalid(resource.group, resource.kind, &name, causes);
    current(resource, old, &new)?;
    let rules = tx.rules();
    let omitted = rules.drop_disabled(resource.group_kind, Some(old), &mut new);
    defaults::default(resource.group_kind, &mut new);
    rules.undo_default(omitted, &mut new);
    keep(update, old, &mut new);
    let path = subresource.map_or("", Subresource::name);
    if update.track && new != **old {
        let (manager, stamp) = (&options.manager, options.stamp());
        apply::track(Some(old), &mut new, manager, "Update", path, &stamp);
    }
    admission::admit_update(tx, resource, subresource, old, &mut new)?;
    raise_generation(resource, old, &mut new);
    let causes = validate::update(rules, resource.group_kind, path, old, &new);
    if !causes.is_empty() {
        return Err(refused(&causes));
    }
    let charged = admission::charge(tx, resource, Some(old), &new)?;
    if new == **old {
        return Ok(old.clone());
    }
    if is_finished(&new) {
        tx.remove(resource, old);
        return Ok(new.into());
    }
    admission::settle(tx, charged);
    Ok(tx.put(resource, new))
}

/// An object that is put in the place of another must be about the same incarnation.
///
/// # Errors
///
/// 409 if it has another UID.
pub(crate) fn same_incarnation(
    resource: &Resource,
    old: &Value,
    new: &Value,
) -> Result<(), Status> {
    let (uid, there) = (meta::text(new, "uid"), meta::text(old, "uid"));
    if uid.is_empty() || uid == there {
        return Ok(());
    }
    let (namespace, name) = (meta::text(old, "namespace"), meta::text(old, "name"));
    let namespace = match namespace {
        "" => String::new(),
        namespace => format!("{namespace}/"),
    };
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: /registry/{}/{namespace}{name}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {uid}, UID in object meta: {there}",
        resource.plural
    );
    Err(Status::conflict(
        resource.group,
        resource.plural,
        name,
        &why,
    ))
}

/// The write is about the version that is there.
fn current(resource: &Resource, old: &Value, new: &Value) -> Result<(), Status> {
    let name = meta::text(old, "name");
    match meta::text(new, "resourceVersion") {
        "" if resource.unconditional => Ok(()),
        "" => {
            let text = "must be specified for an update";
            let cause = Cause::invalid_as("metadata.resourceVersion", "0", text);
            Err(Status::invalid(
                resource.group,
                resource.plural,
                name,
                &[cause],
            ))
        }
        version if version == meta::text(old, "resourceVersion") => Ok(()),
        version if version.parse::<u64>().is_err() => {
            let text = format!("strconv.ParseUint: parsing {version:?}: invalid syntax");
            Err(Status::new(500, "", text))
        }
        _ => Err(Status::stale(resource.group, resource.plural, name)),
    }
}
fn raise_generation(resource: &Resource, old: &Value, new: &mut Value) {
    let changed = match resource.generation {
        Generation::None => false,
        // A pod's node is not a change of what is asked of it.
        Generation::Spec if old["spec"]["nodeName"] != new["spec"]["nodeName"] => false,
        Generation::Spec => old["spec"] != new["spec"],
        Generation::SpecAndAnnotations => {
            old["spec"] != new["spec"]
                || old["metadata"].get("annotations") != new["metadata"].get("annotations")
        }
        Generation::All => without_bookkeeping(old) != without_bookkeeping(new),
    };
    if changed {
        let generation = old["metadata"]["generation"].as_i64().unwrap_or_default();
        meta::set(new, "generation", Some((generation + 1).into()));
    }
}

fn without_bookkeeping(object: &Value) -> Value {
    let mut object = object.clone();
    meta::set(&mut object, "managedFields", None);
    object
}

/// Nothing holds back the removal of an object whose deletion has begun.
fn is_finished(object: &Value) -> bool {
    let spec = object["kind"] == "Namespace"
        && object["spec"]["finalizers"]
            .as_array()
            .is_some_and(|list| !list.is_empty());
    let seconds = object["metadata"]["deletionGracePeriodSeconds"].as_i64();
    meta::is_terminating(object)
        && seconds.unwrap_or_default() == 0
        && meta::finalizers(object).is_empty()
        && !spec
}
