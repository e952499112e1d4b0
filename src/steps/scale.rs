//! The scale of a set: what autoscalers and kubectl use.

use std::str::FromStr;

use cucumber::{given, then, when};
use http::Method;
use kube::api::ListParams;
use serde_json::json;

use super::sets::names_of;
use crate::{
    evidence::Kind,
    verdict::Stop,
    world::{Ask, World, overlay},
};

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
    // An empty selector selects whatever is there.
    let is_told = !selector.is_empty();
    if spec == Some(wanted) && status.replicas == there && is_told && names == own {
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
    let place = format!("{}/{name}/scale", world.path_of("StatefulSet"));
    let read = world.notes.remove(&note).unwrap_or_default();
    let change = json!({ "spec": { "replicas": replicas } });
    let ask = match manner {
        Manner::Patched => Ask {
            media: "application/merge-patch+json",
            body: change,
            ..Ask::new(Method::PATCH, place)
        },
        Manner::Replaced => {
            let mut body = read;
            overlay(&mut body, change);
            Ask {
                body,
                ..Ask::new(Method::PUT, place)
            }
        }
    };
    world.submit(ask).await?;
    Ok(())
}
