//! Faults between the controller and the API server, and the end and the beginning of the controller itself.

use std::{str::FromStr, time::Duration};

use cucumber::{given, when};

use crate::{
    evidence::{Kind, Method},
    tap::faults::{Delivery, Fault, On},
    verdict::Stop,
    world::World,
};

/// What a controller watches, in the plural.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "things", regex = "sets|pods|claims|revisions")]
struct Things(Kind);

impl FromStr for Things {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(match text {
            "sets" => Kind::Set,
            "claims" => Kind::Claim,
            "revisions" => Kind::Revision,
            _ => Kind::Pod,
        }))
    }
}

/// What a controller writes, in the plural; whatever it is, if none is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "objects", regex = "sets|pods|claims|revisions|anything")]
struct Objects(Option<Kind>);

impl FromStr for Objects {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(match text {
            "anything" => None,
            things => Some(things.parse::<Things>()?.0),
        }))
    }
}

/// Which of the requests that follow are meant: the next few, or one that comes after some others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(
    name = "which",
    regex = "next [0-9]+ requests?|[0-9]+(?:st|nd|rd|th) request"
)]
struct Which {
    passes: usize,
    times: usize,
}

impl FromStr for Which {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text
            .chars()
            .skip_while(|c| !c.is_ascii_digit())
            .take_while(char::is_ascii_digit)
            .collect::<String>()
            .parse::<usize>()?;
        Ok(match text.starts_with("next") {
            true => Self {
                passes: 0,
                times: number,
            },
            false => Self {
                passes: number.saturating_sub(1),
                times: 1,
            },
        })
    }
}

/// What is asked of the API server.
#[derive(Clone, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "verb", regex = "create|update|patch|delete|list|watch|write")]
struct Verb(Vec<Method>);

impl FromStr for Verb {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(match text {
            "create" => vec![Method::Create],
            "update" => vec![Method::Update],
            "patch" => vec![Method::Patch],
            "delete" => vec![Method::Delete],
            "list" => vec![Method::List],
            "watch" => vec![Method::Watch],
            _ => vec![
                Method::Create,
                Method::Update,
                Method::Patch,
                Method::Delete,
            ],
        }))
    }
}

/// What a request meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(
    name = "mishap",
    regex = "code [45][0-9][0-9](?: and [0-9]+ seconds to wait)?|a reset|a lost answer|a (?:crash|wait) (?:before|after) it"
)]
struct Mishap(Fault);

impl FromStr for Mishap {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words: Vec<&str> = text.split(' ').collect();
        Ok(Self(match words[..] {
            ["a", "reset"] => Fault::Reset,
            ["a", "lost", "answer"] => Fault::Lost,
            ["a", "crash", "before", "it"] => Fault::CrashBefore,
            ["a", "crash", "after", "it"] => Fault::CrashAfter,
            ["a", "wait", "before", "it"] => Fault::WaitBefore,
            ["a", "wait", "after", "it"] => Fault::WaitAfter,
            ["code", code, "and", seconds, ..] => Fault::Refused {
                code: code.parse()?,
                retry_after_seconds: Some(seconds.parse()?),
            },
            _ => Fault::Refused {
                code: text.trim_start_matches("code ").parse()?,
                retry_after_seconds: None,
            },
        }))
    }
}

/// How the controller learns of what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(
    name = "manner",
    regex = "[0-9]+ seconds late|twice|not at all|not for now|as it should"
)]
struct Manner(Option<Delivery>);

impl FromStr for Manner {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(match text {
            "twice" => Some(Delivery::Twice),
            "not at all" => Some(Delivery::Missed),
            "not for now" => Some(Delivery::Frozen),
            "as it should" => None,
            late => {
                let seconds = late.trim_end_matches(" seconds late").parse()?;
                Some(Delivery::Late(Duration::from_secs(seconds)))
            }
        }))
    }
}

#[given(expr = "the controller's {which} to {verb} {objects} meet(s) {mishap}")]
#[when(expr = "the controller's {which} to {verb} {objects} meet(s) {mishap}")]
fn meets(world: &mut World, which: Which, verb: Verb, objects: Objects, mishap: Mishap) {
    let on = On {
        methods: verb.0,
        plural: objects
            .0
            .map(|kind| world.recorder.resource(kind).plural)
            .unwrap_or_default(),
        name: String::new(),
    };
    let guard = (world.scene.tap).fault(on, mishap.0, which.passes, which.times);
    let standing = world.faults.entry("requests".to_owned()).or_default();
    standing.push(guard);
}

#[given(expr = "what happens to {things} reaches the controller {manner}")]
#[when(expr = "what happens to {things} reaches the controller {manner}")]
async fn reaches(world: &mut World, things: Things, manner: Manner) -> Result<(), Stop> {
    world.acts().await;
    let kind = things.0;
    let guards = match manner.0 {
        Some(delivery) => vec![world.scene.tap.deliver(kind, delivery)],
        None => Vec::new(),
    };
    // Whatever stood before ends.
    world.faults.insert(kind.plural().to_owned(), guards);
    Ok(())
}

#[given("the controller's watches become too old")]
#[when("the controller's watches become too old")]
async fn become_too_old(world: &mut World) {
    world.acts().await;
    for kind in [Kind::Set, Kind::Pod, Kind::Claim, Kind::Revision] {
        world.scene.tap.expire(kind);
    }
}

#[given(regex = "^the controller is (stopped|started|restarted|started a second time|released)$")]
#[when(regex = "^the controller is (stopped|started|restarted|started a second time|released)$")]
async fn is_started(world: &mut World, how: String) {
    world.acts().await;
    if how == "released" {
        // What was made to wait first goes on first.
        let standing = world.faults.entry("requests".to_owned()).or_default();
        drop(standing.drain(..1.min(standing.len())));
        return;
    }
    let processes = &world.scene.processes;
    if how == "stopped" || how == "restarted" {
        processes.crash();
    }
    if how != "stopped" {
        processes.start();
    }
}
