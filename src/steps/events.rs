//! Events: what is told about a set, by whom, and what is not.

use std::str::FromStr;

use cucumber::then;
use k8s_openapi::api::core::v1::Event;

use crate::{
    evidence::{Kind, Object},
    verdict::Stop,
    world::{Seen, World},
};

/// The events that name the set as it is there, or as it was last, by kind, name and UID.
fn about<'a>(seen: &Seen<'a>, kind: &str, set: &str) -> Vec<&'a Event> {
    let lives = seen.lives(Kind::Set, set);
    let uid = lives.last().map(|life| life.last.uid().to_owned());
    let all = seen.all(Kind::Event).into_iter();
    all.filter_map(Object::as_event)
        .filter(|event| {
            let involved = &event.involved_object;
            involved.kind.as_deref() == Some(kind)
                && involved.name.as_deref() == Some(set)
                && involved.uid == uid
        })
        .map(AsRef::as_ref)
        .collect()
}

fn says(event: &Event, reason: &str, text: &str) -> bool {
    let message = event.message.as_deref().unwrap_or_default();
    event.reason.as_deref() == Some(reason) && message.contains(text)
}

fn tell(events: &[&Event]) -> String {
    let told = events.iter().map(|event| {
        let part = |text: &Option<String>| text.clone().unwrap_or_default();
        format!("{} {:?}", part(&event.reason), part(&event.message))
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() {
        "no event".to_owned()
    } else {
        told.join(", ")
    }
}

/// Whether there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "an", regex = "an|no")]
enum An {
    One,
    None,
}

impl FromStr for An {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "an" { Self::One } else { Self::None })
    }
}

#[then(expr = "{an} event {string} of set {string} says {string}")]
async fn event_says(
    world: &mut World,
    an: An,
    reason: String,
    set: String,
    text: String,
) -> Result<(), Stop> {
    match an {
        An::One => one_says(world, reason, set, text).await,
        An::None => none_says(world, reason, set, text).await,
    }
}

async fn one_says(world: &World, reason: String, set: String, text: String) -> Result<(), Stop> {
    let kind = world.recorder.resource(Kind::Set).kind;
    let expected = format!("an event {reason:?} about set {set:?} says {text:?}");
    let is = |seen: &Seen<'_>| {
        let events = about(seen, &kind, &set);
        events
            .iter()
            .any(|event| says(event, &reason, &text))
            .then_some(())
    };
    let limit = world.scene.deadlines.one_step;
    world.comes(limit, &expected, is).await.map_err(|_| {
        let seen = world.see(|seen| tell(&about(seen, &kind, &set)));
        Stop::Fail(format!(
            "expected within {} s: {expected}; seen: {seen}",
            limit.as_secs()
        ))
    })
}

async fn none_says(world: &World, reason: String, set: String, text: String) -> Result<(), Stop> {
    let kind = world.recorder.resource(Kind::Set).kind;
    let expected = format!("no event {reason:?} about set {set:?} says {text:?}");
    let judge = |seen: &Seen<'_>| {
        let events = about(seen, &kind, &set);
        match events.iter().find(|event| says(event, &reason, &text)) {
            Some(event) => Err(tell(&[event])),
            None => Ok(()),
        }
    };
    world.rests(&expected, judge).await
}

#[then(expr = "the events of set {string} come from {string}")]
async fn events_come_from(world: &mut World, set: String, component: String) -> Result<(), Stop> {
    let kind = world.recorder.resource(Kind::Set).kind;
    let expected = format!("the events about set {set:?} come from {component:?}");
    let some = |seen: &Seen<'_>| !about(seen, &kind, &set).is_empty();
    world.comes_true(&expected, some).await?;
    world.judge(&expected, |seen| {
        let sources = about(seen, &kind, &set).into_iter().map(|event| {
            let source = event
                .source
                .as_ref()
                .and_then(|source| source.component.clone());
            source
                .or_else(|| event.reporting_component.clone())
                .unwrap_or_default()
        });
        let mut others = sources.filter(|source| *source != component);
        others
            .next()
            .map_or(Ok(()), |other| Err(format!("one comes from {other:?}")))
    })
}
