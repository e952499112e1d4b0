//! Readiness: withheld, granted, lost; by the dial or by a plain probe.

use std::collections::BTreeSet;

use cucumber::{given, when};

use crate::{
    evidence::Kind,
    verdict::Stop,
    world::{Names, State, World},
};

/// The file that a probed pod's readiness hangs on.
pub(super) const ANSWER: &str = "/tmp/ready";

#[given(expr = "readiness of pod(s) {names} is withheld")]
async fn is_withheld(world: &mut World, pods: Names) {
    for name in &pods.0 {
        let spared = world.see(|seen| seen.pod(name).and_then(|pod| pod.metadata.uid.clone()));
        world.dial.withhold(name, spared);
    }
}

#[given(expr = "readiness of pod(s) {names} is granted")]
#[when(expr = "readiness of pod(s) {names} is granted")]
async fn is_granted(world: &mut World, pods: Names) {
    world.acts().await;
    for name in &pods.0 {
        world.dial.grant(name);
    }
}

#[given(expr = "readiness of pod(s) {names} is lost")]
#[when(expr = "readiness of pod(s) {names} is lost")]
async fn is_lost(world: &mut World, pods: Names) -> Result<(), Stop> {
    world.acts().await;
    for name in &pods.0 {
        world.dial.withhold(name, None);
    }
    for name in &pods.0 {
        let expected = format!("pod {name:?} is not Ready");
        world
            .comes_true(&expected, |seen| seen.is(name, State::NotReady))
            .await
            .map_err(|stop| Stop::Inconclusive(stop.to_string()))?;
    }
    Ok(())
}

#[given(expr = "readiness of new pods is withheld")]
async fn new_is_withheld(world: &mut World) {
    let known: BTreeSet<String> = world.see(|seen| {
        let pods = seen.all(Kind::Pod).into_iter();
        pods.map(|pod| pod.uid().to_owned()).collect()
    });
    world.dial.withhold_new(known);
}

#[given(expr = "readiness of all pods is granted")]
#[when(expr = "readiness of all pods is granted")]
async fn all_is_granted(world: &mut World) {
    world.acts().await;
    world.dial.grant_all();
}

#[given(expr = "the probe of pod(s) {names} succeeds")]
#[when(expr = "the probe of pod(s) {names} succeeds")]
async fn probe_succeeds(world: &mut World, pods: Names) -> Result<(), Stop> {
    for name in &pods.0 {
        let expected = format!("pod {name:?} becomes Running");
        world
            .comes_true(&expected, |seen| seen.is(name, State::Running))
            .await?;
        world.acts().await;
        let write = format!("echo yes > {ANSWER}");
        world.exec(name, &["sh", "-c", &write]).await?;
    }
    Ok(())
}

#[when(expr = "the probe of pod {string} fails")]
async fn probe_fails(world: &mut World, pod: String) -> Result<(), Stop> {
    world.acts().await;
    world.exec(&pod, &["rm", ANSWER]).await?;
    let expected = format!("pod {pod:?} is not Ready");
    world
        .comes_true(&expected, |seen| seen.is(&pod, State::NotReady))
        .await
        .map_err(|stop| Stop::Inconclusive(stop.to_string()))
}
