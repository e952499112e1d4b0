//! The scale of a set: what autoscalers and kubectl use.

use std::str::FromStr;

use cucumber::{given, then, when};
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::sets::names_of;
use crate::{evidence::Kind, verdict::Stop, world::World};

#[then(expr = "the scale of {string} shows {int} wanted and {int} there, and selects its pods")]
async fn scale_shows(world: &mut World, name: String, wanted: i32, there: i32) -> Result<(), Stop> {
    let scale = world.api(Kind::Set).get_scale(&name).await?;
    let spec = scale.spec.and_then(|spec| spec.replicas);
    let status = scale.status.unwrap_or_default();
    let selector = status.selector.clone().unwrap_or_default();
    let params = ListParams::default().labels(&selector);
    let selected = world.api(Kind::Pod).list(&params).await?;
    let mut names: Vec<String> = selected
        .into_iter()
        .filter_map(|pod| pod.metadata.name)
        .collect();
    names.sort_unstable();
    let own = names_of(&name, usize::try_from(there).unwrap_or(0));
    if spec == Some(wanted) && status.replicas == there && names == own {
        return Ok(());
    }
    Err(Stop::Fail(format!(
        "expected: {wanted} wanted, {there} there, pods {}; seen: {spec:?} wanted, {} there, {selector:?} selects {}",
        own.join(", "),
        status.replicas,
        names.join(", ")
    )))
}

/// The scale as it is read, for a later [`scale_is`].
#[given(expr = "the scale of {string} is read")]
async fn scale_is_read(world: &mut World, name: String) -> Result<(), Stop> {
    let scale = world.api(Kind::Set).get_scale(&name).await?;
    let scale = serde_json::to_value(scale).unwrap_or_default();
    world.notes.insert(format!("scale of {name}"), scale);
    Ok(())
}

/// How a scale is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "manner", regex = "replaced by|patched to")]
enum Manner {
    Replaced,
    Patched,
}

impl FromStr for Manner {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "patched to" {
            Self::Patched
        } else {
            Self::Replaced
        })
    }
}

#[when(expr = "the scale of {string} is {manner} {int}")]
async fn scale_is(
    world: &mut World,
    name: String,
    manner: Manner,
    replicas: i32,
) -> Result<(), Stop> {
    let note = format!("scale of {name}");
    if !world.notes.contains_key(&note) {
        scale_is_read(world, name.clone()).await?;
    }
    world.acts().await;
    let sets = world.api(Kind::Set);
    let answer = match manner {
        Manner::Patched => {
            let patch = json!({ "spec": { "replicas": replicas } });
            sets.patch_scale(&name, &PatchParams::default(), &Patch::Merge(&patch))
                .await
        }
        Manner::Replaced => {
            let mut scale = world.notes.remove(&note).unwrap_or_default();
            scale["spec"]["replicas"] = json!(replicas);
            let scale = serde_json::from_value(scale)
                .map_err(|error| Stop::Inconclusive(format!("a scale cannot be read: {error}")))?;
            sets.replace_scale(&name, &PostParams::default(), &scale)
                .await
        }
    };
    world.notes.remove(&note);
    if let Err(kube::Error::Api(status)) = answer {
        let causes = status.details.iter().flat_map(|details| &details.causes);
        let fields: Vec<&str> = causes.map(|cause| cause.field.as_str()).collect();
        let refusal = format!("{} {}", status.code, status.reason);
        let refusal = match fields.as_slice() {
            [] => refusal,
            fields => format!("{refusal}: {}", fields.join(", ")),
        };
        world.notes.insert("refusal".into(), refusal.into());
    }
    Ok(())
}

#[then(expr = "the request is refused as {string}")]
async fn is_refused(world: &mut World, refusal: String) -> Result<(), Stop> {
    let found = world
        .notes
        .get("refusal")
        .and_then(Value::as_str)
        .unwrap_or("no refusal");
    if found == refusal {
        return Ok(());
    }
    Err(Stop::Fail(format!(
        "expected: the refusal {refusal:?}; seen: {found:?}"
    )))
}
