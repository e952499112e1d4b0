//! Objects that somebody makes by hand where a controller makes them: revisions and pods, and whose they are.

use cucumber::{gherkin::Step, given, when};
use kube::{
    Resource as _,
    api::{DynamicObject, Patch, PatchParams},
};
use serde_json::{Value, json};

use super::sets::described;
use crate::{
    evidence::Kind,
    verdict::Stop,
    world::{Names, Noun, Seen, World, overlay},
};

/// The note of the revision that was made last: its name and version.
pub(super) const MADE: &str = "revision by hand";
/// A ConfigMap that others' objects belong to.
const KEEPER: &str = "keeper";

/// A revision as the subject itself would make it for the template with that mark, but for what the sentence says.
#[given(
    regex = r#"^a revision of (nobody|somebody else|the set|the same name) holds (the template|other data than the template) of "([^"]*)"( in old words)?$"#
)]
async fn revision_is_made(
    world: &mut World,
    whose: String,
    what: String,
    mark: String,
    words: String,
) -> Result<(), Stop> {
    let set = world.current.clone();
    let twin = twin(world, &mark).await?;
    let mut data = twin.data["data"].clone();
    if what.starts_with("other") {
        data = json!({ "spec": { "note": "taken" } });
    }
    if !words.is_empty() {
        in_old_words(&mut data);
    }
    let mut metadata = json!({ "name": format!("{set}-by-hand") });
    if whose == "the same name" {
        metadata["name"] = twin.metadata.name.clone().into();
    } else {
        metadata["labels"] = json!(twin.metadata.labels);
    }
    let number = match whose.as_str() {
        "nobody" => 1,
        "the set" => 0,
        _ => 7,
    };
    match whose.as_str() {
        "somebody else" => metadata["ownerReferences"] = json!([keeper(world).await?]),
        "the set" => metadata["ownerReferences"] = json!([owner(world, &set)?]),
        _ => {}
    }
    let name = metadata["name"].as_str().unwrap_or_default().to_owned();
    let revision = json!({ "metadata": metadata, "revision": number, "data": data });
    world.create(Kind::Revision, revision).await?;
    let version = world.see(|seen| {
        let made = seen.get(Kind::Revision, &name);
        made.and_then(|made| made.meta().resource_version.clone())
    });
    let made = json!({ "name": name, "version": version });
    world.notes.insert(MADE.into(), made);
    Ok(())
}

/// The revision that the subject makes for a template: seen in another namespace, since names and data do not depend on
/// it. The set there has no pods.
async fn twin(world: &mut World, mark: &str) -> Result<DynamicObject, Stop> {
    let (set, here) = (world.current.clone(), world.here.clone());
    let mut plan = match world.drafts.get(&set) {
        Some(draft) => draft.clone(),
        None => {
            let live = world.api(Kind::Set).get(&set).await?;
            json!({ "metadata": { "name": set }, "spec": live.data["spec"] })
        }
    };
    overlay(&mut plan, super::rollouts::marked(world, mark));
    plan["spec"]["replicas"] = 0.into();
    let other = format!("{}-other", world.scene.namespace);
    if !world.namespaces.contains(&other) {
        world.make_namespace(&other).await?;
    }
    world.here = other;
    let made = make_twin(world, &set, mark, plan).await;
    world.here = here;
    made
}

async fn make_twin(
    world: &World,
    set: &str,
    mark: &str,
    plan: Value,
) -> Result<DynamicObject, Stop> {
    if world.see(|seen| seen.set(set).is_some()) {
        let change = json!({ "spec": { "template": plan["spec"]["template"] } });
        world.change(Kind::Set, set, change).await?;
    } else {
        world.create(Kind::Set, plan).await?;
    }
    let expected = format!("a revision of set {set:?} holds the template of {mark:?}");
    let limit = world.scene.deadlines.one_step;
    let made = |seen: &Seen<'_>| seen.revision(set, mark);
    let name = world.comes(limit, &expected, made).await?;
    Ok(world.api(Kind::Revision).get(&name).await?)
}

/// What an older version would have stored: without defaults, with a time that is null.
fn in_old_words(data: &mut Value) {
    let template = &mut data["spec"]["template"];
    template["metadata"]["creationTimestamp"] = Value::Null;
    let leave_out = |object: &mut Value, fields: &[&str]| {
        if let Some(all) = object.as_object_mut() {
            all.retain(|field, _| !fields.contains(&field.as_str()));
        }
    };
    leave_out(
        &mut template["spec"],
        &["dnsPolicy", "restartPolicy", "schedulerName"],
    );
    let containers = template["spec"]["containers"].as_array_mut();
    for container in containers.into_iter().flatten() {
        let fields = [
            "terminationMessagePath",
            "terminationMessagePolicy",
            "imagePullPolicy",
        ];
        leave_out(container, &fields);
    }
}

/// A reference to the set as it is there.
fn owner(world: &World, set: &str) -> Result<Value, Stop> {
    let resource = world.recorder.resource(Kind::Set);
    let uid = world.see(|seen| seen.get(Kind::Set, set).map(|set| set.uid().to_owned()));
    let uid = uid.ok_or_else(|| Stop::Inconclusive(format!("there is no set {set:?}")))?;
    Ok(json!({
        "apiVersion": resource.api_version, "kind": resource.kind, "name": set, "uid": uid,
        "controller": true, "blockOwnerDeletion": true,
    }))
}

/// A reference to somebody else, who is there: what belongs to nobody alive is collected.
async fn keeper(world: &World) -> Result<Value, Stop> {
    use k8s_openapi::api::core::v1::ConfigMap;
    let path = ConfigMap::url_path(&(), Some(world.namespace()));
    let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": KEEPER } });
    let request = http::Request::patch(format!("{path}/{KEEPER}?fieldManager=stsspec"))
        .header(http::header::CONTENT_TYPE, "application/apply-patch+yaml")
        .body(map.to_string().into_bytes())
        .map_err(|error| Stop::Inconclusive(format!("nobody else can be made: {error}")))?;
    let keeper: ConfigMap = world.client.0.request(request).await?;
    Ok(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "name": KEEPER, "uid": keeper.metadata.uid,
        "controller": true,
    }))
}

#[given(expr = "{kind} {names} is/are given to somebody else")]
#[when(expr = "{kind} {names} is/are given to somebody else")]
async fn is_given_away(world: &mut World, kind: Noun, names: Names) -> Result<(), Stop> {
    world.acts().await;
    let owners = json!({ "metadata": { "ownerReferences": [keeper(world).await?] } });
    for name in &names.0 {
        let api = world.api(kind.0);
        let params = PatchParams::default();
        let written = api.patch(name, &params, &Patch::Merge(&owners)).await?;
        world.sees_written(&written).await;
    }
    Ok(())
}

/// A pod as the set would make it, without an owner and without what only the controller writes; the description is laid
/// over it.
#[given(expr = "the pod {string} is created by hand for {string}")]
#[when(expr = "the pod {string} is created by hand for {string}")]
async fn pod_is_made(
    world: &mut World,
    name: String,
    set: String,
    #[step] step: &Step,
) -> Result<(), Stop> {
    world.acts().await;
    let spec = match world.drafts.get(&set) {
        Some(draft) => draft["spec"].clone(),
        None => world.api(Kind::Set).get(&set).await?.data["spec"].clone(),
    };
    let template = &spec["template"];
    let mut pod = json!({
        "metadata": { "name": name, "labels": template["metadata"]["labels"] },
        "spec": template["spec"],
    });
    if step.docstring.is_some() {
        overlay(&mut pod, described(step)?);
    }
    world.create(Kind::Pod, pod).await
}
