//! Names, labels and annotations.

use std::str::FromStr;

use cucumber::{given, then, when};
use serde_json::{Value, json};

use crate::{
    evidence::{Kind, Object},
    sets,
    verdict::Stop,
    world::{Noun, Seen, World},
};

/// What is written on an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "tag", regex = "label|annotation")]
enum Tag {
    Label,
    Annotation,
}

impl FromStr for Tag {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "label" {
            Self::Label
        } else {
            Self::Annotation
        })
    }
}

impl Tag {
    fn of<'a>(self, object: &'a Object, name: &str) -> Option<&'a str> {
        let tags = match self {
            Self::Label => object.meta().labels.as_ref()?,
            Self::Annotation => object.meta().annotations.as_ref()?,
        };
        tags.get(name).map(String::as_str)
    }

    fn change(self, name: String, value: Value) -> Value {
        match self {
            Self::Label => json!({ "metadata": { "labels": { name: value } } }),
            Self::Annotation => json!({ "metadata": { "annotations": { name: value } } }),
        }
    }
}

/// What is done to what is written: `changes to "green"`, `is removed`.
#[derive(Clone, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "edit", regex = r#"changes to "[^"]*"|is removed"#)]
struct Edit(Option<String>);

impl FromStr for Edit {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.split('"').nth(1).map(str::to_owned)))
    }
}

#[given(expr = "the {tag} {string} of {kind} {string} {edit}")]
#[when(expr = "the {tag} {string} of {kind} {string} {edit}")]
async fn tag_is_edited(
    world: &mut World,
    tag: Tag,
    name: String,
    kind: Noun,
    object: String,
    edit: Edit,
) -> Result<(), Stop> {
    world.acts().await;
    let value = edit.0.map_or(Value::Null, Value::from);
    world.change(kind.0, &object, tag.change(name, value)).await
}

#[then(expr = "the {tag} {string} of {kind} {string} becomes {string}")]
async fn tag_becomes(
    world: &mut World,
    tag: Tag,
    name: String,
    kind: Noun,
    object: String,
    value: String,
) -> Result<(), Stop> {
    let expected = format!(
        "{tag:?} {name:?} of {} {object:?} becomes {value:?}",
        kind.0
    );
    let is = |seen: &Seen<'_>| {
        seen.get(kind.0, &object)
            .is_some_and(|object| tag.of(object, &name) == Some(&value))
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
        let revision = Tag::Label
            .of(object, &name)
            .and_then(|name| seen.get(Kind::Revision, name));
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
    // A number is written as a text in a sentence.
    let wanted = serde_json::from_str(&value).unwrap_or_else(|_| Value::from(value.as_str()));
    let is = |seen: &Seen<'_>| {
        let spec = seen
            .pod(&pod)
            .and_then(|pod| serde_json::to_value(&pod.spec).ok());
        let found = spec.as_ref().and_then(|spec| spec.pointer(&place));
        found.is_some_and(|found| *found == wanted || found.as_str() == Some(&value))
    };
    world.comes_true(&expected, is).await
}

#[when(expr = "the owner of pod {string} is taken away")]
async fn owner_is_taken_away(world: &mut World, pod: String) -> Result<(), Stop> {
    world.acts().await;
    let change = json!({ "metadata": { "ownerReferences": null } });
    world.change(Kind::Pod, &pod, change).await
}
