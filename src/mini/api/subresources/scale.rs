//! The scale of a workload: how many pods it should have and has.

use serde_json::{Value, json};

use crate::mini::api::{
    Cause, Status, meta, patch,
    resources::{Resource, Subresource},
    selector::Labels,
    server::State,
    store::Object,
    strict,
    verbs::{self, Call, Done, Expected, Options, Update, decode, read_patch},
};

const SCALE: Expected = Expected {
    group: "autoscaling",
    version: "v1",
    kind: "Scale",
    group_kind: "autoscaling/Scale",
};

pub(super) fn handle(state: &State, call: &Call, verb: &str) -> Result<Done, Status> {
    let target = &call.target;
    let resource = target.resource;
    let (options, sent) = match verb {
        "get" => {
            let object = found(state, call)?;
            return Ok(Done::new(200, of(&object)));
        }
        "update" => {
            let options = Options::of(state, call, "UpdateOptions")?;
            let (scale, _) = decode(&SCALE, &call.content_type, &call.body, options.validation)?;
            (options, Sent::Whole(scale))
        }
        _ => {
            let options = Options::of(state, call, "PatchOptions")?;
            (options, Sent::Patch(read_patch(call)?.0))
        }
    };
    let mut tx = state.store.begin(options.dry_run);
    let update = Update {
        resource,
        subresource: Some(Subresource::Scale),
        options: &options,
        track: true,
    };
    let (namespace, name) = (target.namespace(), target.name());
    let object = verbs::update(&mut tx, &update, namespace, name, |old| {
        let scale = match sent {
            Sent::Whole(scale) => scale,
            Sent::Patch(patch) => decoded(patch.to(SCALE.group_kind, &of(old))?)?,
        };
        let mut scale = scale;
        verbs::agrees(resource, namespace, name, &mut scale)?;
        verbs::same_incarnation(resource, old, &scale)?;
        let replicas = replicas(resource, name, old, &scale)?;
        let mut new = old.clone();
        new["spec"]["replicas"] = replicas.into();
        Ok(new)
    })?;
    Ok(Done::new(200, of(&object)))
}

enum Sent {
    Whole(Value),
    Patch(verbs::Patch),
}

fn decoded(scale: Value) -> Result<Value, Status> {
    strict::check(SCALE.group_kind, scale.clone())
        .map(|(scale, _)| scale)
        .map_err(|text| patch::refusal(&scale, &text))
}

fn found(state: &State, call: &Call) -> Result<Object, Status> {
    let target = &call.target;
    let (resource, name) = (target.resource, target.name());
    let tx = state.store.begin(false);
    tx.get(resource, target.namespace(), name)
        .ok_or_else(|| Status::not_found(resource.group, resource.plural, name))
}

/// How many pods a scale asks for.
fn replicas(resource: &Resource, name: &str, old: &Value, scale: &Value) -> Result<i64, Status> {
    let replicas = scale["spec"]["replicas"].as_i64().unwrap_or_default();
    if replicas < 0 {
        let cause = Cause::invalid(
            "spec.replicas",
            &replicas.into(),
            "must be greater than or equal to 0",
        );
        return Err(Status::invalid(SCALE.group, SCALE.kind, name, &[cause]));
    }
    let version = meta::text(scale, "resourceVersion");
    let stale = !version.is_empty() && version != meta::text(old, "resourceVersion");
    match stale {
        true => Err(Status::stale(resource.group, resource.plural, name)),
        false => Ok(replicas),
    }
}

/// The scale of an object.
fn of(object: &Value) -> Value {
    let mut metadata = json!({});
    for field in [
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
    ] {
        if let Some(value) = object["metadata"].get(field) {
            metadata[field] = value.clone();
        }
    }
    let selector = Labels::of(&object["spec"]["selector"]).map(|labels| labels.to_string());
    let mut status = json!({"replicas": object["status"]["replicas"].as_i64().unwrap_or_default()});
    if let Some(selector) = selector.ok().filter(|selector| !selector.is_empty()) {
        status["selector"] = selector.into();
    }
    let mut spec = json!({});
    if let Some(replicas) = object["spec"]["replicas"]
        .as_i64()
        .filter(|count| *count != 0)
    {
        spec["replicas"] = replicas.into();
    }
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status,
    })
}
