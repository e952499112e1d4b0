//! Readiness: withheld, granted, lost; by the dial or by a plain probe.

use std::{collections::BTreeSet, str::FromStr};

use cucumber::{given, when};

use crate::{
    evidence::Kind,
    verdict::Stop,
    world::{Names, State, World},
};

/// The file that a probed pod's readiness hangs on.
pub(super) const ANSWER: &str = "/tmp/ready";

/// How the dial is turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "turn", regex = "withheld|granted|lost")]
enum Turn {
    /// Pods of that name that come from now on do not become Ready.
    Withheld,
    /// They do.
    Granted,
    /// The one that is there stops being Ready, and later ones do not become it.
    Lost,
}

impl FromStr for Turn {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "granted" => Self::Granted,
            "lost" => Self::Lost,
            _ => Self::Withheld,
        })
    }
}

#[given(expr = "readiness of pod(s) {names} is {turn}")]
#[when(expr = "readiness of pod(s) {names} is {turn}")]
async fn is_turned(world: &mut World, pods: Names, turn: Turn) -> Result<(), Stop> {
    world.acts().await;
    for name in &pods.0 {
        match turn {
            Turn::Granted => world.dial.grant(name),
            Turn::Lost => world.dial.withhold(name, None),
            Turn::Withheld => {
                let there =
                    world.see(|seen| seen.pod(name).and_then(|pod| pod.metadata.uid.clone()));
                world.dial.withhold(name, there);
            }
        }
    }
    if turn == Turn::Lost {
        for name in &pods.0 {
            is_not_ready(world, name).await?;
        }
    }
    Ok(())
}

/// Waits until a pod is no longer Ready, or is not there. That it comes so far is the scenario's own doing and the node's.
async fn is_not_ready(world: &World, name: &str) -> Result<(), Stop> {
    let expected = format!("pod {name:?} stops being Ready");
    world
        .comes_true(&expected, |seen| !seen.is(name, State::Ready))
        .await
        .map_err(|stop| Stop::Inconclusive(stop.to_string()))
}

#[given(expr = "readiness of new pods is withheld")]
async fn new_is_withheld(world: &mut World) {
    let known: BTreeSet<String> = world.see(|seen| {
        let pods = seen.all(Kind::Pod).into_iter();
        pods.map(|pod| pod.uid().to_owned()).collect()
    });
    world.dial.withhold_new(known);
}

/// What a probe comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "outcome", regex = "succeeds|fails")]
enum Outcome {
    Succeeds,
    Fails,
}

impl FromStr for Outcome {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "fails" {
            Self::Fails
        } else {
            Self::Succeeds
        })
    }
}

#[given(expr = "the probe of pod(s) {names} {outcome}")]
#[when(expr = "the probe of pod(s) {names} {outcome}")]
async fn probe_comes_to(world: &mut World, pods: Names, outcome: Outcome) -> Result<(), Stop> {
    for name in &pods.0 {
        let expected = format!("pod {name:?} becomes Running");
        world
            .comes_true(&expected, |seen| seen.is(name, State::Running))
            .await?;
        world.acts().await;
        if outcome == Outcome::Fails {
            world.exec(name, &["rm", ANSWER]).await?;
            is_not_ready(world, name).await?;
        } else {
            let write = format!("echo yes > {ANSWER}");
            world.exec(name, &["sh", "-c", &write]).await?;
        }
    }
    Ok(())
}
