//! Creation: defaults, admission, what the server fills in, validation, the store.

use serde_json::{Value, json};

use super::{Call, Done, Expected, Options, decode};
use crate::mini::api::{
    Cause, Status, admission, apply, defaults, meta,
    resources::{Generation, Resource},
    server::State,
    store::{Object, Transaction},
    validate,
};

pub(super) fn handle(state: &State, call: &Call) -> Result<Done, Status> {
    let (resource, namespace) = (call.target.resource, call.target.namespace());
    let options = Options::of(state, call, "CreateOptions")?;
    let expected = Expected::of(resource);
    let (object, mut warnings) = decode(
        &expected,
        &call.content_type,
        &call.body,
        options.validation,
    )?;
    let mut tx = state.store.begin(options.dry_run);
    let object = create(&mut tx, resource, namespace, object, &options, true)?;
    warnings.extend(validate::warnings(resource.group_kind, &object));
    Ok(Done {
        code: 201,
        object,
        warnings,
    })
}

/// Creates a decoded object. `track`: note who manages its fields, which an applied object says itself.
///
/// # Errors
///
/// 400 for what contradicts the request, 403 and 404 from admission, 409 if there is one, 422 if it is not valid.
pub(crate) fn create(
    tx: &mut Transaction<'_>,
    resource: &Resource,
    namespace: &str,
    mut object: Value,
    options: &Options,
    track: bool,
) -> Result<Object, Status> {
    place(resource, namespace, &mut object)?;
    if !meta::text(&object, "resourceVersion").is_empty() {
        let text = "resourceVersion should not be set on objects to be created";
        return Err(Status::new(500, "", text));
    }
    admission::namespace(tx, resource, &object)?;
    let rules = tx.rules();
    let omitted = rules.drop_disabled(resource.group_kind, None, &mut object);
    defaults::default(resource.group_kind, &mut object);
    rules.undo_default(omitted, &mut object);
    name(tx, resource, &mut object);
    // Nobody owns what admission adds.
    if track {
        let stamp = options.stamp();
        apply::track(None, &mut object, &options.manager, "Update", "", &stamp);
    }
    admission::admit(tx, resource, &mut object)?;
    fill(tx, resource, &mut object, options);
    let causes = validate::create(rules, resource.group_kind, &object);
    let name = meta::text(&object, "name").to_owned();
    let causes = match (name.as_str(), causes.is_empty()) {
        ("", true) => vec![Cause::required(
            "metadata.name",
            "name or generateName is required",
        )],
        _ => causes,
    };
    if !causes.is_empty() {
        return Err(Status::invalid(
            resource.group,
            resource.kind,
            &name,
            &causes,
        ));
    }
    let charged = admission::charge(tx, resource, None, &object)?;
    if let Some(present) = tx.get(resource, namespace, &name) {
        let mut status = Status::already_exists(resource.group, resource.plural, &name);
        if meta::is_terminating(&present) {
            status.message = format!("object is being deleted: {}", status.message);
        }
        return Err(status);
    }
    admission::settle(tx, charged);
    Ok(tx.put(resource, object))
}

fn place(resource: &Resource, namespace: &str, object: &mut Value) -> Result<(), Status> {
    match meta::text(object, "namespace") {
        "" => {}
        other if other == namespace => {}
        _ => {
            return Err(Status::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
    }
    let namespace = resource.namespaced.then(|| namespace.into());
    meta::set(object, "namespace", namespace);
    Ok(())
}

/// A generated name is one that is not taken.
fn name(tx: &mut Transaction<'_>, resource: &Resource, object: &mut Value) {
    const LONGEST: usize = 63 - 5;
    let base = meta::text(object, "generateName");
    if base.is_empty() || !meta::text(object, "name").is_empty() {
        return;
    }
    let base: String = base.chars().take(LONGEST).collect();
    let namespace = meta::text(object, "namespace").to_owned();
    let name = loop {
        let name = format!("{base}{}", tx.random().suffix());
        if tx.get(resource, &namespace, &name).is_none() {
            break name;
        }
    };
    meta::set(object, "name", Some(name.into()));
}

/// What a new object has whatever its author sent.
fn fill(tx: &mut Transaction<'_>, resource: &Resource, object: &mut Value, options: &Options) {
    for field in [
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
        "generation",
        "resourceVersion",
    ] {
        meta::set(object, field, None);
    }
    meta::set(object, "uid", Some(tx.random().uid().into()));
    meta::set(object, "creationTimestamp", Some(options.stamp().into()));
    if resource.generation != Generation::None {
        meta::set(object, "generation", Some(1.into()));
    }
    if let Some(status) = defaults::first_status(resource.group_kind, object) {
        object["status"] = status;
    }
    if resource.kind == "PersistentVolume" {
        object["status"]["lastPhaseTransitionTime"] = options.stamp().into();
    }
    let gated = object["spec"]["schedulingGates"]
        .as_array()
        .is_some_and(|gates| !gates.is_empty());
    if resource.kind == "Pod" && gated {
        object["status"]["conditions"] = json!([{
            "type": "PodScheduled", "status": "False", "reason": "SchedulingGated",
            "message": "Scheduling is blocked due to non-empty scheduling gates",
            "lastProbeTime": null, "lastTransitionTime": options.stamp(),
        }]);
    }
    if resource.kind == "Namespace" {
        let finalizers = object["spec"]["finalizers"].as_array().cloned();
        let mut finalizers = finalizers.unwrap_or_default();
        if !finalizers.contains(&json!("kubernetes")) {
            finalizers.push("kubernetes".into());
        }
        object["spec"]["finalizers"] = finalizers.into();
    }
}
