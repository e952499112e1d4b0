//! Pods: lost, held, failed; what becomes of them, and what they are.

use cucumber::{given, then, when};
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

use crate::{
    evidence::Kind,
    sets,
    verdict::Stop,
    world::{Aspect, Names, Quoted, Seen, State, World, aspect, holds, tell_pod},
};

/// A pod is lost when somebody deletes it, with its own grace period. Pods that are lost together are deleted without
/// waiting in between.
#[given(expr = "pod(s) {names} is/are lost( together)")]
#[when(expr = "pod(s) {names} is/are lost( together)")]
async fn is_lost(world: &mut World, pods: Names) -> Result<(), Stop> {
    lose(world, &pods.0, &DeleteParams::default()).await
}

#[when(expr = "pod {string} is lost by force")]
async fn is_lost_by_force(world: &mut World, pod: String) -> Result<(), Stop> {
    lose(world, &[pod], &DeleteParams::default().grace_period(0)).await
}

async fn lose(world: &mut World, pods: &[String], params: &DeleteParams) -> Result<(), Stop> {
    world.acts().await;
    for name in pods {
        world.api(Kind::Pod).delete(name, params).await?;
    }
    Ok(())
}

const HOLD: &str = "stsspec.dev/held";

#[given(expr = "the end of pod(s) {names} is held up")]
async fn end_is_held_up(world: &mut World, pods: Names) -> Result<(), Stop> {
    for name in &pods.0 {
        finalize(world, name, &[HOLD]).await?;
    }
    Ok(())
}

#[when(expr = "the end of pod(s) {names} is let through")]
async fn end_is_let_through(world: &mut World, pods: Names) -> Result<(), Stop> {
    world.acts().await;
    for name in &pods.0 {
        finalize(world, name, &[]).await?;
    }
    Ok(())
}

async fn finalize(world: &World, pod: &str, finalizers: &[&str]) -> Result<(), Stop> {
    let patch = json!({ "metadata": { "finalizers": finalizers } });
    let params = PatchParams::default();
    world
        .api(Kind::Pod)
        .patch(pod, &params, &Patch::Merge(&patch))
        .await?;
    Ok(())
}

#[given(expr = "pod {string} fails")]
#[when(expr = "pod {string} fails")]
async fn fails(world: &mut World, pod: String) -> Result<(), Stop> {
    world.acts().await;
    let patch =
        json!({ "status": { "phase": "Failed", "reason": "Stsspec", "message": "made to fail" } });
    let params = PatchParams::default();
    world
        .api(Kind::Pod)
        .patch_status(&pod, &params, &Patch::Merge(&patch))
        .await?;
    Ok(())
}

#[when(expr = "the label {string} of pod {string} changes to {string}")]
async fn label_changes(
    world: &mut World,
    label: String,
    pod: String,
    value: String,
) -> Result<(), Stop> {
    world.acts().await;
    let change = json!({ "metadata": { "labels": { label: value } } });
    world.change(Kind::Pod, &pod, change).await
}

#[when(expr = "the label {string} of pod {string} is removed")]
async fn label_is_removed(world: &mut World, label: String, pod: String) -> Result<(), Stop> {
    world.acts().await;
    let change = json!({ "metadata": { "labels": { label: null } } });
    world.change(Kind::Pod, &pod, change).await
}

#[given(expr = "pod(s) {names} become(s) {state}")]
#[then(expr = "pod(s) {names} become(s) {state}")]
async fn becomes(world: &mut World, pods: Names, state: State) -> Result<(), Stop> {
    for name in &pods.0 {
        let expected = format!("pod {name:?} becomes {state:?}");
        let is = |seen: &Seen<'_>| {
            seen.pod(name)
                .is_some_and(|pod| holds(pod, state) && !sets::is_terminating(pod))
        };
        world.comes_true(&expected, is).await?;
    }
    Ok(())
}

#[then(expr = "pod(s) {names} stay(s) {state}")]
async fn stays(world: &mut World, pods: Names, state: State) -> Result<(), Stop> {
    for name in &pods.0 {
        let expected = format!("pod {name:?} stays {state:?}");
        let judge = |seen: &Seen<'_>| {
            let old = seen.old_pod(name);
            let pod = seen.pod(name).ok_or_else(|| format!("{name} is missing"))?;
            let since = seen
                .placed(Kind::Pod)
                .filter(|(place, _)| *place >= seen.before.index);
            let own = since.filter_map(|(_, change)| change.object.as_pod());
            let mut own = own.filter(|pod| pod.metadata.name.as_deref() == Some(name));
            // What comes after a wait for the state is judged; a pod that was there must have been in it all along.
            if old.as_ref().is_some_and(|old| holds(old, state))
                && let Some(other) = own.find(|pod| !holds(pod, state) || sets::is_terminating(pod))
            {
                return Err(format!("it was {}", tell_pod(other)));
            }
            if holds(pod, state) && !sets::is_terminating(pod) {
                Ok(())
            } else {
                Err(format!("it is {}", tell_pod(pod)))
            }
        };
        world.stays_of(name, &expected, judge).await?;
    }
    Ok(())
}

#[then(expr = "pod(s) {names} stay(s) missing")]
async fn stays_missing(world: &mut World, pods: Names) -> Result<(), Stop> {
    for name in &pods.0 {
        let ended = |seen: &Seen<'_>| {
            let old = seen.old_pod(name).and_then(|pod| pod.metadata.uid.clone());
            seen.pod(name).is_none_or(|pod| pod.metadata.uid != old)
        };
        world
            .comes_true(&format!("the old {name:?} is gone"), ended)
            .await?;
        let expected = format!("pod {name:?} stays missing");
        let judge = |seen: &Seen<'_>| {
            let lives = seen.lives(Kind::Pod, name);
            match lives
                .last()
                .filter(|life| life.created >= seen.before.index)
            {
                Some(_) => Err(format!("{name} was created")),
                None => Ok(()),
            }
        };
        world.stays_of(name, &expected, judge).await?;
    }
    Ok(())
}

#[then(expr = "pod(s) {names} is/are replaced")]
async fn is_replaced(world: &mut World, pods: Names) -> Result<(), Stop> {
    for name in &pods.0 {
        replaced(world, name).await?;
    }
    Ok(())
}

/// Waits until another pod bears the name, and judges that it came after the old one was gone.
pub(super) async fn replaced(world: &World, name: &str) -> Result<(), Stop> {
    let Some(old) = world.see(|seen| seen.old_pod(name)) else {
        return Err(Stop::Inconclusive(format!(
            "there was no pod {name:?} that could be replaced"
        )));
    };
    let expected = format!("pod {name:?} is replaced");
    let other = |seen: &Seen<'_>| {
        seen.pod(name)
            .is_some_and(|pod| pod.metadata.uid != old.metadata.uid)
    };
    world.comes_true(&expected, other).await
}

#[then(expr = "pod(s) {names} is/are the same pod(s) as before")]
async fn is_the_same(world: &mut World, pods: Names) -> Result<(), Stop> {
    for name in &pods.0 {
        let expected = format!("pod {name:?} is the same pod as before");
        let judge = |seen: &Seen<'_>| {
            let old = seen
                .old_pod(name)
                .ok_or_else(|| format!("there was no pod {name} before"))?;
            match seen.pod(name) {
                Some(pod) if pod.metadata.uid != old.metadata.uid => {
                    Err(format!("{name} was replaced"))
                }
                Some(pod) if sets::is_terminating(pod) => Err(format!("it is {}", tell_pod(pod))),
                Some(_) => Ok(()),
                None => Err(format!("{name} is missing")),
            }
        };
        world.stays_of(name, &expected, judge).await?;
    }
    Ok(())
}

#[then(expr = "pod(s) {names} disappear(s)")]
async fn disappears(world: &mut World, pods: Names) -> Result<(), Stop> {
    let limit = world.scene.deadlines.whole_set;
    for name in &pods.0 {
        let expected = format!("pod {name:?} is gone");
        let gone = |seen: &Seen<'_>| seen.pod(name).is_none().then_some(());
        world.comes(limit, &expected, gone).await?;
    }
    Ok(())
}

#[given(expr = "pod {string} begins to terminate")]
#[then(expr = "pod {string} begins to terminate")]
async fn begins_to_terminate(world: &mut World, pod: String) -> Result<(), Stop> {
    let expected = format!("the deletion of pod {pod:?} is asked for");
    let asked = |seen: &Seen<'_>| {
        let lives = seen.lives(Kind::Pod, &pod);
        lives.last().is_none_or(|life| life.asked.is_some())
    };
    world.comes_true(&expected, asked).await
}

#[then(expr = "the new {string} has the {aspect} of the old one")]
async fn has_the_same(world: &mut World, pod: String, what: Aspect) -> Result<(), Stop> {
    compare(world, &pod, what, true).await
}

#[then(expr = "the new {string} has another {aspect} than the old one")]
async fn has_another(world: &mut World, pod: String, what: Aspect) -> Result<(), Stop> {
    compare(world, &pod, what, false).await
}

async fn compare(world: &World, name: &str, what: Aspect, equal: bool) -> Result<(), Stop> {
    replaced(world, name).await?;
    if what == Aspect::Address {
        let expected = format!("the new {name:?} has an address");
        let addressed = |seen: &Seen<'_>| {
            seen.pod(name)
                .is_some_and(|pod| !aspect(pod, what).is_empty())
        };
        world.comes_true(&expected, addressed).await?;
    }
    let relation = if equal { "the same" } else { "another" };
    let expected = format!("the new {name:?} has {relation} {what:?} as the old one");
    world.judge(&expected, |seen| {
        let (Some(old), Some(new)) = (seen.old_pod(name), seen.pod(name)) else {
            return Err(format!("{name} is missing"));
        };
        let (old, new) = (aspect(&old, what), aspect(new, what));
        if (old == new) == equal {
            Ok(())
        } else {
            Err(format!("old {old:?}, new {new:?}"))
        }
    })
}

#[then(expr = "the {aspect} of pod {string} is {value}")]
async fn aspect_is(
    world: &mut World,
    what: Aspect,
    pod: String,
    value: Quoted,
) -> Result<(), Stop> {
    let expected = format!("the {what:?} of pod {pod:?} is {:?}", value.0);
    let is = |seen: &Seen<'_>| {
        seen.pod(&pod)
            .is_some_and(|pod| aspect(pod, what) == value.0)
    };
    world.comes_true(&expected, is).await
}

#[given(expr = "the set {string} owns pod(s) {names}")]
#[then(expr = "the set {string} owns pod(s) {names}")]
async fn owns(world: &mut World, set: String, pods: Names) -> Result<(), Stop> {
    for name in &pods.0 {
        let expected = format!("pod {name:?} is owned by set {set:?} as its one controller");
        let owned = |seen: &Seen<'_>| {
            let (Some(pod), Some(set)) = (seen.pod(name), seen.set(&set)) else {
                return false;
            };
            let owners = pod.metadata.owner_references.as_deref().unwrap_or_default();
            let controllers: Vec<_> = owners
                .iter()
                .filter(|owner| owner.controller == Some(true))
                .collect();
            let [owner] = controllers.as_slice() else {
                return false;
            };
            owner.block_owner_deletion == Some(true)
                && Some(&owner.uid) == set.metadata.uid.as_ref()
                && Some(&owner.name) == set.metadata.name.as_ref()
        };
        world.comes_true(&expected, owned).await?;
    }
    Ok(())
}

#[then(expr = "pod(s) {names} belong(s) to nobody")]
async fn belongs_to_nobody(world: &mut World, pods: Names) -> Result<(), Stop> {
    for name in &pods.0 {
        let expected = format!("pod {name:?} has no owner");
        let free = |seen: &Seen<'_>| {
            seen.pod(name).is_some_and(|pod| {
                pod.metadata
                    .owner_references
                    .as_deref()
                    .unwrap_or_default()
                    .is_empty()
            })
        };
        world.comes_true(&expected, free).await?;
    }
    Ok(())
}

#[then(expr = "the only pods are {names}")]
async fn only_pods(world: &mut World, pods: Names) -> Result<(), Stop> {
    let mut wanted = pods.0.clone();
    wanted.sort_unstable();
    let expected = format!("the pods are exactly {}", wanted.join(", "));
    let exact = |seen: &Seen<'_>| {
        let there = seen.all(Kind::Pod).into_iter();
        let names: Vec<&str> = there
            .map(|object| object.name())
            .filter(|name| *name != crate::world::CLIENT)
            .collect();
        names == wanted
    };
    world.comes_true(&expected, exact).await
}
