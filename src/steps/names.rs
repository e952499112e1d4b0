//! Names, labels and annotations.

use std::str::FromStr;

use cucumber::{then, when};
use serde_json::json;

use crate::{
    evidence::{Kind, Object},
    sets,
    verdict::Stop,
    world::{Seen, World},
};

/// A kind that sentences speak of.
#[derive(Clone, Copy, Debug, cucumber::Parameter)]
#[param(name = "kind", regex = "pod|claim")]
pub(super) struct Named(pub(super) Kind);

impl FromStr for Named {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(if text == "claim" {
            Kind::Claim
        } else {
            Kind::Pod
        }))
    }
}

fn label<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    let labels = object.meta().labels.as_ref()?;
    labels.get(name).map(String::as_str)
}

#[then(expr = "the label {string} of {kind} {string} becomes {string}")]
async fn label_becomes(
    world: &mut World,
    name: String,
    kind: Named,
    object: String,
    value: String,
) -> Result<(), Stop> {
    let expected = format!("label {name:?} of {} {object:?} becomes {value:?}", kind.0);
    let is = |seen: &Seen<'_>| {
        seen.get(kind.0, &object)
            .is_some_and(|object| label(object, &name) == Some(&value))
    };
    world.comes_true(&expected, is).await
}

#[then(expr = "the {kind} {string} has no label {string}")]
async fn has_no_label(
    world: &mut World,
    kind: Named,
    object: String,
    name: String,
) -> Result<(), Stop> {
    let expected = format!("{} {object:?} has no label {name:?}", kind.0);
    let is = |seen: &Seen<'_>| {
        seen.get(kind.0, &object)
            .is_some_and(|object| label(object, &name).is_none())
    };
    world.comes_true(&expected, is).await
}

#[then(expr = "the annotation {string} of {kind} {string} is {string}")]
async fn annotation_is(
    world: &mut World,
    name: String,
    kind: Named,
    object: String,
    value: String,
) -> Result<(), Stop> {
    let expected = format!("annotation {name:?} of {} {object:?} is {value:?}", kind.0);
    let is = |seen: &Seen<'_>| {
        let object = seen.get(kind.0, &object);
        let annotations = object.and_then(|object| object.meta().annotations.as_ref());
        annotations.and_then(|all| all.get(&name)) == Some(&value)
    };
    world.comes_true(&expected, is).await
}

#[then(expr = "the label {string} of pod {string} names a revision of its set")]
async fn label_names_a_revision(world: &mut World, name: String, pod: String) -> Result<(), Stop> {
    let expected = format!("label {name:?} of pod {pod:?} is the name of a revision of its set");
    let is = |seen: &Seen<'_>| {
        let Some(object) = seen.get(Kind::Pod, &pod) else {
            return false;
        };
        let revision = label(object, &name).and_then(|name| seen.get(Kind::Revision, name));
        let owner = revision
            .and_then(Object::as_revision)
            .and_then(|revision| sets::owner_uid(revision.as_ref()));
        let set = seen.get(Kind::Set, crate::world::set_of(&pod));
        owner.is_some() && owner == set.map(Object::uid)
    };
    world.comes_true(&expected, is).await
}

#[then(expr = "the spec of pod {string} has {string} at {string}")]
async fn spec_has(
    world: &mut World,
    pod: String,
    value: String,
    place: String,
) -> Result<(), Stop> {
    let expected = format!("the spec of pod {pod:?} has {value:?} at {place:?}");
    let is = |seen: &Seen<'_>| {
        let spec = seen
            .pod(&pod)
            .and_then(|pod| serde_json::to_value(&pod.spec).ok());
        let found = spec.as_ref().and_then(|spec| spec.pointer(&place));
        found.is_some_and(|found| found.as_str() == Some(&value) || found.to_string() == value)
    };
    world.comes_true(&expected, is).await
}

#[when(expr = "the owner of pod {string} is taken away")]
async fn owner_is_taken_away(world: &mut World, pod: String) -> Result<(), Stop> {
    world.acts().await;
    let change = json!({ "metadata": { "ownerReferences": null } });
    world.change(Kind::Pod, &pod, change).await
}
