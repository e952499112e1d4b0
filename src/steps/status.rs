//! Status: what it counts, when, and what in it never goes back.

use std::str::FromStr;

use cucumber::{given, then};
use k8s_openapi::api::apps::v1::StatefulSetStatus;

use super::revisions::status;
use crate::{
    evidence::{Kind, Object},
    sets,
    verdict::Stop,
    world::{Ask, Quoted, Seen, World},
};

/// A counter of a set's status.
#[derive(Clone, Copy, Debug, cucumber::Parameter)]
#[param(
    name = "counter",
    regex = "replica|Ready replica|current replica|updated replica|available replica"
)]
enum Counter {
    Replicas,
    Ready,
    Current,
    Updated,
    Available,
}

impl FromStr for Counter {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "Ready replica" => Self::Ready,
            "current replica" => Self::Current,
            "updated replica" => Self::Updated,
            "available replica" => Self::Available,
            _ => Self::Replicas,
        })
    }
}

impl Counter {
    fn of(self, status: &StatefulSetStatus) -> i32 {
        let count = match self {
            Self::Replicas => Some(status.replicas),
            Self::Ready => status.ready_replicas,
            Self::Current => status.current_replicas,
            Self::Updated => status.updated_replicas,
            Self::Available => status.available_replicas,
        };
        count.unwrap_or(0)
    }
}

#[given(expr = "its status counts {int} {counter}(s)")]
#[then(expr = "its status counts {int} {counter}(s)")]
async fn counts(world: &mut World, number: i32, counter: Counter) -> Result<(), Stop> {
    let set = world.current.clone();
    let expected = format!("the status of set {set:?} counts {number} for {counter:?}");
    let counted = |seen: &Seen<'_>| {
        let Some(status) = status(seen, &set) else {
            return false;
        };
        counter.of(&status) == number
    };
    world.comes_true(&expected, counted).await
}

#[then(
    expr = "its status counts {int} {counter}(s) when {string} has been Ready for {int} seconds, not before"
)]
async fn counts_after(
    world: &mut World,
    number: i32,
    counter: Counter,
    pod: String,
    seconds: i64,
) -> Result<(), Stop> {
    let set = world.current.clone();
    let expected = format!(
        "the status of set {set:?} counts {number} for {counter:?} once {pod:?} has been Ready for {seconds} s"
    );
    let limit = world.scene.deadlines.whole_set;
    let counted = |seen: &Seen<'_>| {
        let states = seen
            .placed(Kind::Set)
            .filter(|(place, change)| *place >= seen.before.index && change.object.name() == set);
        let mut states =
            states.filter_map(|(_, change)| Some((change.at, stored(&change.object)?)));
        let (at, _) = states.find(|(_, status)| counter.of(status) == number)?;
        Some((at, sets::ready_since(seen.pod(&pod)?)?))
    };
    let (at, since) = world.comes(limit, &expected, counted).await?;
    let waited = at.duration_since(since).as_secs();
    if waited >= seconds {
        return Ok(());
    }
    Err(Stop::Fail(format!(
        "expected: {expected}; seen: it counted so when {pod:?} had been Ready for {waited} s"
    )))
}

/// The status as it was stored, whatever generation it answers.
fn stored(object: &Object) -> Option<StatefulSetStatus> {
    object.as_set()?.status.clone()
}

/// Within one rollout: another update revision begins anew.
#[then(expr = "the number of {counter}s never falls")]
async fn never_falls(world: &mut World, counter: Counter) -> Result<(), Stop> {
    let set = world.current.clone();
    let expected =
        format!("the status of set {set:?} never counts fewer for {counter:?} than before");
    let judge = |seen: &Seen<'_>| {
        let states = seen
            .placed(Kind::Set)
            .filter(|(place, change)| *place >= seen.before.index && change.object.name() == set);
        let states: Vec<_> = states
            .filter_map(|(_, change)| stored(&change.object))
            .collect();
        let fall = states.windows(2).find(|pair| {
            pair[0].update_revision == pair[1].update_revision
                && counter.of(&pair[1]) < counter.of(&pair[0])
        });
        match fall {
            None => Ok(()),
            Some(pair) => Err(format!(
                "it counted {} and then {}",
                counter.of(&pair[0]),
                counter.of(&pair[1])
            )),
        }
    };
    world.stays(&set, &expected, judge).await
}

/// A number of a status that counts no pods.
#[derive(Clone, Copy, Debug, cucumber::Parameter)]
#[param(name = "figure", regex = "observed generation|collision count")]
enum Figure {
    ObservedGeneration,
    CollisionCount,
}

impl FromStr for Figure {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text.starts_with("observed") {
            Self::ObservedGeneration
        } else {
            Self::CollisionCount
        })
    }
}

impl Figure {
    fn of(self, status: &StatefulSetStatus) -> i64 {
        match self {
            Self::ObservedGeneration => status.observed_generation.unwrap_or(0),
            Self::CollisionCount => status.collision_count.unwrap_or(0).into(),
        }
    }
}

/// It comes to a value, and never was above it.
#[then(expr = "its {figure} becomes {int}")]
async fn figure_becomes(world: &mut World, figure: Figure, number: i64) -> Result<(), Stop> {
    let set = world.current.clone();
    let expected = format!("the {figure:?} of set {set:?} becomes {number}");
    let is = |seen: &Seen<'_>| {
        let object = seen.get(Kind::Set, &set);
        let status = object.and_then(stored);
        status.is_some_and(|status| figure.of(&status) == number)
    };
    world.comes_true(&expected, is).await?;
    let judge = |seen: &Seen<'_>| {
        let states = seen.changes(Kind::Set);
        let states = states.filter(|change| change.object.name() == set);
        let mut figures = states
            .filter_map(|change| stored(&change.object))
            .map(|status| figure.of(&status));
        match figures.find(|found| *found > number) {
            Some(found) => Err(format!("it was {found}")),
            None => Ok(()),
        }
    };
    world.judge(&expected, judge)
}

#[then(expr = "its condition {string} is/becomes {value}")]
async fn condition_is(world: &mut World, kind: String, value: Quoted) -> Result<(), Stop> {
    let set = world.current.clone();
    let expected = format!(
        "the condition {kind:?} of set {set:?} becomes {:?}",
        value.0
    );
    let is = |seen: &Seen<'_>| {
        let status = status(seen, &set);
        let conditions = status
            .and_then(|status| status.conditions)
            .unwrap_or_default();
        let own = conditions
            .iter()
            .find(|condition| condition.type_.as_deref() == Some(&kind));
        own.is_some_and(|own| own.status.as_deref() == Some(&value.0))
    };
    world.comes_true(&expected, is).await
}

/// The set, its pods, claims and revisions, and the events about them.
#[then(expr = "nothing about {string} changes any more")]
async fn nothing_changes(world: &mut World, set: String) -> Result<(), Stop> {
    world.acts().await;
    let begun = world.clock().now().as_second();
    // An event is written when there is time for it, and says itself, in whole seconds, when it was.
    let is_late = |object: &Object| {
        let event = object.as_event();
        let last = event.and_then(|event| event.last_timestamp.as_ref());
        last.is_some_and(|last| last.0.as_second() <= begun)
    };
    let expected = format!("nothing about set {set:?} changes any more");
    let judge = |seen: &Seen<'_>| {
        let kinds = [
            Kind::Set,
            Kind::Pod,
            Kind::Claim,
            Kind::Revision,
            Kind::Event,
        ];
        let changes = kinds.into_iter().flat_map(|kind| seen.placed(kind));
        let mut since = changes
            .filter(|(place, change)| *place >= seen.before.index && !is_late(&change.object));
        match since.next() {
            None => Ok(()),
            Some((_, change)) => Err(format!(
                "{} {:?} was {:?}",
                change.object.kind(),
                change.object.name(),
                change.verb
            )),
        }
    };
    world.rests(&expected, judge).await
}

/// A column of the table that `kubectl get` prints.
#[then(expr = "the column {string} of set {string} shows {string}")]
async fn column_shows(
    world: &mut World,
    column: String,
    set: String,
    value: String,
) -> Result<(), Stop> {
    let path = format!("{}/{set}", world.path_of("StatefulSet"));
    let table = world
        .submit(Ask {
            accept: "application/json;as=Table;v=v1;g=meta.k8s.io",
            ..Ask::new(http::Method::GET, path)
        })
        .await?
        .body;
    let columns = table["columnDefinitions"].as_array().cloned();
    let place = columns.iter().flatten().position(|known| {
        let name = known["name"].as_str().unwrap_or_default();
        name.eq_ignore_ascii_case(&column)
    });
    let cell = place.map(|place| &table["rows"][0]["cells"][place]);
    match cell.and_then(serde_json::Value::as_str) {
        Some(found) if found == value => Ok(()),
        found => Err(Stop::Fail(format!(
            "expected: the column {column} of set {set:?} shows {value:?}; seen: {found:?}"
        ))),
    }
}
