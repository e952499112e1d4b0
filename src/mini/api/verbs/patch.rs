//! Patches: JSON, merge, strategic merge, and server-side apply.

use serde_json::Value;

use super::{
    Call, Done, Options, Update, create,
    decode::{judge, unregistered},
    update::{agrees, update},
};
use crate::mini::api::{
    Cause, Status, apply,
    http::body::{self, Format},
    meta, patch,
    resources::{Resource, Subresource},
    server::State,
    strict, validate,
};

const JSON: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

/// A patch, by its type.
#[derive(Clone, Debug)]
pub(crate) enum Patch {
    Json(Value),
    Merge(Value),
    Strategic(Value),
    Apply(Value),
}

impl Patch {
    /// The object that one of the first three makes of another; an applied configuration is merged.
    ///
    /// # Errors
    ///
    /// 400, 422 or 500 for a patch that cannot be applied.
    pub(crate) fn to(&self, group_kind: &str, object: &Value) -> Result<Value, Status> {
        match self {
            Self::Json(patch) => patch::json(object, patch),
            Self::Strategic(patch) => patch::strategic(group_kind, object, patch),
            Self::Merge(patch) | Self::Apply(patch) => patch::merge(object, patch),
        }
    }
}

/// Reads the patch of a request, and an error text for each field that it has twice.
///
/// # Errors
///
/// 400 for a body that cannot be read, 415 for another type of patch.
pub(crate) fn read_patch(call: &Call) -> Result<(Patch, Vec<String>), Status> {
    let media = body::media(&call.content_type);
    let (format, make): (_, fn(Value) -> Patch) = match media {
        JSON => (Format::Json, Patch::Json),
        MERGE => (Format::Json, Patch::Merge),
        STRATEGIC => (Format::Json, Patch::Strategic),
        APPLY => (Format::Yaml, Patch::Apply),
        _ => {
            return Err(Status::unsupported_media_type(
                "415: Unsupported Media Type",
            ));
        }
    };
    let (value, twice) = body::read(format, &call.body).map_err(|status| match media {
        APPLY => status,
        _ => Status::bad_request("invalid JSON patch"),
    })?;
    Ok((make(value), twice))
}

pub(super) fn handle(state: &State, call: &Call) -> Result<Done, Status> {
    change(state, call, None)
}

/// Patches an object, or its part that a subresource writes.
pub(crate) fn change(
    state: &State,
    call: &Call,
    subresource: impl Into<Option<Subresource>>,
) -> Result<Done, Status> {
    let subresource = subresource.into();
    let options = Options::of(state, call, "PatchOptions")?;
    let (patch, twice) = read_patch(call)?;
    let is_apply = matches!(patch, Patch::Apply(_));
    allowed(call, is_apply)?;
    let resource = call.target.resource;
    let mut warnings = judge(twice, options.validation, |text| {
        Status::bad_request(format!("error decoding patch: {text}"))
    })?;
    let mut tx = state.store.begin(options.dry_run);
    let (namespace, name) = (call.target.namespace(), call.target.name());
    let (code, object) = match patch {
        Patch::Apply(applied) => {
            let live = tx.get(resource, namespace, name);
            let applied = configuration(resource, namespace, name, applied)?;
            let force = call.query.flag("force");
            let path = subresource.map_or("", Subresource::name);
            let stamp = options.stamp();
            let result = apply::apply(
                live.as_deref(),
                &applied,
                &options.manager,
                force,
                path,
                &stamp,
            )?;
            let again = || Ok(result.clone());
            let result = decoded(resource, again()?, again, &options, &mut warnings)?;
            match live {
                Some(_) => {
                    let change = Update {
                        resource,
                        subresource,
                        options: &options,
                        track: false,
                    };
                    (
                        200,
                        update(&mut tx, &change, namespace, name, |_| Ok(result))?,
                    )
                }
                None if subresource.is_none() => {
                    let result = unborn(resource, name, result)?;
                    (
                        201,
                        create(&mut tx, resource, namespace, result, &options, false)?,
                    )
                }
                None => return Err(Status::not_found(resource.group, resource.plural, name)),
            }
        }
        patch => {
            let change = Update {
                resource,
                subresource,
                options: &options,
                track: true,
            };
            let object = update(&mut tx, &change, namespace, name, |old| {
                let patched = || patch.to(resource.group_kind, old);
                let mut new = decoded(resource, patched()?, patched, &options, &mut warnings)?;
                agrees(resource, namespace, name, &mut new)?;
                Ok(new)
            })?;
            (200, object)
        }
    };
    warnings.extend(validate::warnings(resource.group_kind, &object));
    Ok(Done {
        code,
        object,
        warnings,
    })
}

/// The parameters that only one type of patch has.
fn allowed(call: &Call, is_apply: bool) -> Result<(), Status> {
    let mut causes = Vec::new();
    match is_apply {
        true if call.query.text("fieldManager").is_empty() => {
            causes.push(Cause::required(
                "fieldManager",
                "is required for apply patch",
            ));
        }
        false if call.query.get("force").is_some() => {
            causes.push(Cause::forbidden(
                "force",
                "may not be specified for non-apply patch",
            ));
        }
        _ => return Ok(()),
    }
    Err(Status::invalid("meta.k8s.io", "PatchOptions", "", &causes))
}

/// The applied configuration is about the object that the path names.
fn configuration(
    resource: &Resource,
    namespace: &str,
    name: &str,
    mut applied: Value,
) -> Result<Value, Status> {
    if !applied.is_object() {
        return Err(Status::bad_request(
            "error decoding patch: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}",
        ));
    }
    let text = |field: &str| applied[field].as_str().unwrap_or_default();
    let (version, kind) = (text("apiVersion"), text("kind"));
    if version != resource.api_version() || kind != resource.kind {
        let slash = if version.contains('/') { "" } else { "/" };
        let text = format!("invalid object type: {slash}{version}, Kind={kind}");
        return Err(Status::bad_request(text));
    }
    if !applied["metadata"].is_object() {
        applied["metadata"] = Value::Object(Default::default());
    }
    if applied["metadata"]
        .get("managedFields")
        .is_some_and(|list| !list.is_null())
    {
        return Err(Status::bad_request("metadata.managedFields must be nil"));
    }
    if !meta::text(&applied, "name").is_empty() {
        agrees(resource, namespace, name, &mut applied.clone())?;
    }
    meta::set(&mut applied, "name", Some(name.into()));
    Ok(applied)
}

/// Decodes what a patch made. A refusal shows it as it was before that: it is made `again`.
fn decoded(
    resource: &Resource,
    result: Value,
    again: impl Fn() -> Result<Value, Status>,
    options: &Options,
    warnings: &mut Vec<String>,
) -> Result<Value, Status> {
    let text = |field: &str| result[field].as_str().unwrap_or_default();
    let (version, kind) = (text("apiVersion"), text("kind"));
    if (version, kind) != (resource.api_version().as_str(), resource.kind) {
        return Err(patch::refusal(&result, &unregistered(kind, version)));
    }
    let refusal = |text: &str| match again() {
        Ok(result) => patch::refusal(&result, text),
        Err(status) => status,
    };
    let (object, unknown) =
        strict::check(resource.group_kind, result).map_err(|text| refusal(&text))?;
    warnings.extend(judge(unknown, options.validation, refusal)?);
    Ok(object)
}

/// An applied object that does not exist cannot have a UID; a version it may have.
fn unborn(resource: &Resource, name: &str, mut object: Value) -> Result<Value, Status> {
    let uid = meta::text(&object, "uid");
    if !uid.is_empty() {
        let cause = Cause::invalid("metadata.uid", &uid.into(), "field is immutable");
        return Err(Status::invalid(
            resource.group,
            resource.kind,
            name,
            &[cause],
        ));
    }
    meta::set(&mut object, "resourceVersion", None);
    Ok(object)
}
