//! Pods: lost, held, failed; what becomes of them, and what they are.

use std::str::FromStr;

use cucumber::{given, then, when};
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::{
    evidence::Kind,
    sets,
    verdict::Stop,
    world::{
        Aspect, Names, NotAWord, Noun, Quoted, Seen, State, World, aspect, holds, set_of, tell_pod,
    },
};

/// How pods are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "loss", regex = "lost together|lost by force|lost|evicted")]
enum Loss {
    Deleted,
    ByForce,
    Evicted,
}

impl FromStr for Loss {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "lost by force" => Self::ByForce,
            "evicted" => Self::Evicted,
            _ => Self::Deleted,
        })
    }
}

/// A pod is lost when somebody deletes it, with its own grace period; by force, without one. Pods that are lost together
/// are deleted without waiting in between. One is evicted when its end is asked for and no budget forbids it.
#[given(expr = "pod(s) {names} is/are {loss}")]
#[when(expr = "pod(s) {names} is/are {loss}")]
async fn is_lost(world: &mut World, pods: Names, loss: Loss) -> Result<(), Stop> {
    let params = match loss {
        Loss::Deleted => DeleteParams::default(),
        Loss::ByForce => DeleteParams::default().grace_period(0),
        Loss::Evicted => return are_evicted(world, &pods.0).await,
    };
    lose(world, &pods.0, &params).await
}

async fn are_evicted(world: &mut World, pods: &[String]) -> Result<(), Stop> {
    world.acts().await;
    for name in pods {
        if !super::nodes::evicts(world, name).await? {
            let why = format!("a budget forbids the eviction of pod {name:?}");
            return Err(Stop::Inconclusive(why));
        }
    }
    Ok(())
}

async fn lose(world: &mut World, pods: &[String], params: &DeleteParams) -> Result<(), Stop> {
    world.acts().await;
    let api = world.api(Kind::Pod);
    futures::future::try_join_all(pods.iter().map(|name| api.delete(name, params))).await?;
    for name in pods {
        world.sees_the_end(Kind::Pod, name).await;
    }
    Ok(())
}

/// A finalizer of the suite's own keeps an object from going.
const HOLD: &str = "stsspec.dev/held";

/// What becomes of an object's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "passage", regex = "held up|let through")]
enum Passage {
    HeldUp,
    LetThrough,
}

impl FromStr for Passage {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "held up" {
            Self::HeldUp
        } else {
            Self::LetThrough
        })
    }
}

/// Held up by one more finalizer; let through without any, whoever set them.
#[given(expr = "the end of {kind} {names} is {passage}")]
#[when(expr = "the end of {kind} {names} is {passage}")]
async fn end_is(world: &mut World, kind: Noun, names: Names, passage: Passage) -> Result<(), Stop> {
    world.acts().await;
    for name in &names.0 {
        let finalizers = world.see(|seen| {
            let object = seen.get(kind.0, name);
            object.and_then(|object| object.meta().finalizers.clone())
        });
        let mut finalizers = finalizers.unwrap_or_default();
        match passage {
            Passage::HeldUp => finalizers.push(HOLD.to_owned()),
            Passage::LetThrough => finalizers.clear(),
        }
        let change = json!({ "metadata": { "finalizers": finalizers } });
        world.change(kind.0, name, change).await?;
    }
    Ok(())
}

#[given(expr = "pod {string} fails")]
#[when(expr = "pod {string} fails")]
async fn fails(world: &mut World, pod: String) -> Result<(), Stop> {
    let status = json!({ "phase": "Failed", "reason": "Stsspec", "message": "made to fail" });
    set_status(world, &pod, status).await
}

#[given(expr = "the phase of pod {string} changes to {string}")]
#[when(expr = "the phase of pod {string} changes to {string}")]
async fn phase_changes(world: &mut World, pod: String, phase: String) -> Result<(), Stop> {
    set_status(world, &pod, json!({ "phase": phase })).await
}

/// Says something of a pod in place of its node.
async fn set_status(world: &mut World, pod: &str, status: Value) -> Result<(), Stop> {
    world.acts().await;
    let patch = json!({ "status": status });
    let params = PatchParams::default();
    world
        .api(Kind::Pod)
        .patch_status(pod, &params, &Patch::Merge(&patch))
        .await?;
    Ok(())
}

#[given(expr = "a container of pod {string} waits with {string}")]
#[then(expr = "a container of pod {string} waits with {string}")]
async fn waits_with(world: &mut World, pod: String, reason: String) -> Result<(), Stop> {
    let expected = format!("a container of pod {pod:?} waits with reason {reason}");
    let waits = |seen: &Seen<'_>| {
        let status = seen.pod(&pod).and_then(|pod| pod.status.as_ref());
        let containers = status.and_then(|status| status.container_statuses.as_ref());
        let mut containers = containers.into_iter().flatten();
        containers.any(|container| {
            let state = container.state.as_ref();
            let waiting = state.and_then(|state| state.waiting.as_ref());
            waiting.and_then(|waiting| waiting.reason.as_ref()) == Some(&reason)
        })
    };
    world.comes_true(&expected, waits).await
}

/// How many pods of a name have failed.
fn failures(seen: &Seen<'_>, pod: &str) -> usize {
    let lives = seen.lives(Kind::Pod, pod).into_iter();
    lives
        .filter(|life| life.last.as_pod().is_some_and(|pod| sets::is_failed(pod)))
        .count()
}

#[given(expr = "pod {string} has failed {int} times")]
async fn has_failed(world: &mut World, pod: String, times: usize) -> Result<(), Stop> {
    let limit = world.scene.deadlines.whole_set;
    world.notes.insert("restless".to_owned(), json!(pod));
    let expected = format!("pod {pod:?} fails {times} times");
    let failed = |seen: &Seen<'_>| (failures(seen, &pod) >= times).then_some(());
    world.comes(limit, &expected, failed).await
}

#[then(expr = "pod {string} came back within {int} second(s) each time")]
async fn came_back_within(world: &mut World, pod: String, seconds: i64) -> Result<(), Stop> {
    let expected = format!("each new {pod:?} comes within {seconds} s of the end of the old one");
    world.judge(&expected, |seen| {
        let at = |place: usize| seen.history.changes().get(place).map(|change| change.at);
        let lives = seen.lives(Kind::Pod, &pod);
        if lives.len() < 2 {
            return Err("it never came back".to_owned());
        }
        for pair in lives.windows(2) {
            let (Some(gone), Some(came)) = (pair[0].gone.and_then(at), at(pair[1].created)) else {
                return Err("there were two at once".to_owned());
            };
            let took = came.duration_since(gone).as_secs();
            if took > seconds {
                return Err(format!("it took {took} s"));
            }
        }
        Ok(())
    })
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
        let is = |seen: &Seen<'_>| seen.is(name, state);
        world
            .comes_true(&format!("pod {name:?} is {state:?}"), is)
            .await?;
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

#[given(expr = "{kind} {names} stay(s) missing")]
#[then(expr = "{kind} {names} stay(s) missing")]
async fn stays_missing(world: &mut World, kind: Noun, names: Names) -> Result<(), Stop> {
    for name in &names.0 {
        let ended = |seen: &Seen<'_>| {
            let old = seen.old(kind.0, name);
            let there = seen.get(kind.0, name).map(|object| object.uid().to_owned());
            there.is_none() || there.as_deref() != old.as_ref().map(|old| old.uid())
        };
        world
            .comes_true(&format!("the old {} {name:?} is gone", kind.0), ended)
            .await?;
        let expected = format!("{} {name:?} stays missing", kind.0);
        let judge = |seen: &Seen<'_>| {
            let lives = seen.lives(kind.0, name);
            match lives
                .last()
                .filter(|life| life.created >= seen.before.index)
            {
                Some(_) => Err(format!("{name} was created")),
                None => Ok(()),
            }
        };
        let set = set_in(world, kind, name);
        world.stays(&set, &expected, judge).await?;
    }
    Ok(())
}

/// The set that an object of that name belongs to.
pub(super) fn set_in(world: &World, kind: Noun, name: &str) -> String {
    match kind.0 {
        Kind::Claim => world.current.clone(),
        _ => set_of(name).to_owned(),
    }
}

#[then(expr = "{kind} {names} is/are the same as before")]
async fn is_the_same(world: &mut World, kind: Noun, names: Names) -> Result<(), Stop> {
    for name in &names.0 {
        let expected = format!("{} {name:?} is the same as before", kind.0);
        let judge = |seen: &Seen<'_>| {
            let old = seen
                .old(kind.0, name)
                .ok_or_else(|| format!("there was no {} {name} before", kind.0))?;
            match seen.get(kind.0, name) {
                Some(object) if object.uid() != old.uid() => Err(format!("{name} was replaced")),
                Some(object) if object.meta().deletion_timestamp.is_some() => {
                    Err(format!("{name} is being deleted"))
                }
                Some(_) => Ok(()),
                None => Err(format!("{name} is missing")),
            }
        };
        let set = set_in(world, kind, name);
        world.stays(&set, &expected, judge).await?;
    }
    Ok(())
}

#[then(expr = "pod {string} is given {int} seconds to end")]
async fn is_given_seconds(world: &mut World, pod: String, seconds: i64) -> Result<(), Stop> {
    let expected = format!("the deletion of pod {pod:?} gives it {seconds} s");
    // The first state that shows the deletion: when its time is over a pod has none left.
    let first = |seen: &Seen<'_>| {
        let states = seen
            .placed(Kind::Pod)
            .filter(|(place, change)| *place >= seen.before.index && change.object.name() == pod);
        let metas = states.map(|(_, change)| change.object.meta());
        let mut asked = metas.filter(|meta| meta.deletion_timestamp.is_some());
        asked.next().map(|meta| meta.deletion_grace_period_seconds)
    };
    let given = world
        .comes(world.scene.deadlines.one_step, &expected, first)
        .await?;
    if given == Some(seconds) {
        return Ok(());
    }
    Err(Stop::Fail(format!(
        "expected: {expected}; seen: {given:?} s"
    )))
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
            .then_some(())
    };
    world.comes(world.one_step(), &expected, other).await
}

#[given(expr = "{kind} {names} disappear(s)")]
#[then(expr = "{kind} {names} disappear(s)")]
async fn disappears(world: &mut World, kind: Noun, names: Names) -> Result<(), Stop> {
    let limit = world.scene.deadlines.whole_set;
    for name in &names.0 {
        let expected = format!("{} {name:?} is gone", kind.0);
        // Another one may have taken its place already.
        let gone = |seen: &Seen<'_>| {
            let mut lives = seen.lives(kind.0, name).into_iter();
            let went = lives.any(|life| life.gone.is_some_and(|gone| gone >= seen.before.index));
            (went || seen.get(kind.0, name).is_none()).then_some(())
        };
        world.comes(limit, &expected, gone).await?;
    }
    Ok(())
}

#[given(expr = "pod {string} begins to terminate")]
#[then(expr = "pod {string} begins to terminate")]
async fn begins_to_terminate(world: &mut World, pod: String) -> Result<(), Stop> {
    let expected = format!("the deletion of pod {pod:?} is asked for");
    let asked = |seen: &Seen<'_>| {
        let lives = seen.lives(Kind::Pod, &pod).into_iter();
        let mut asked = lives.filter_map(|life| life.asked);
        asked.any(|place| place >= seen.before.index)
    };
    let asked = |seen: &Seen<'_>| asked(seen).then_some(());
    world.comes(world.one_step(), &expected, asked).await
}

#[then(expr = "only pod(s) {names} of {string} begin(s) to terminate")]
async fn only_begin_to_terminate(world: &mut World, pods: Names, set: String) -> Result<(), Stop> {
    let expected = format!(
        "of the pods of set {set:?} only {} begin to terminate",
        pods.0.join(", ")
    );
    let asked = |seen: &Seen<'_>, name: &str| {
        let lives = seen.lives(Kind::Pod, name).into_iter();
        let mut asked = lives.filter_map(|life| life.asked);
        asked.any(|place| place >= seen.before.index)
    };
    let all = |seen: &Seen<'_>| pods.0.iter().all(|name| asked(seen, name));
    world.comes_true(&expected, all).await?;
    let judge = |seen: &Seen<'_>| {
        let others = seen.all(Kind::Pod).into_iter().map(|pod| pod.name());
        let mut others = others
            .filter(|name| sets::ordinal_of(&set, name).is_some())
            .filter(|name| !pods.0.iter().any(|known| known == name));
        match others.find(|name| asked(seen, name)) {
            Some(other) => Err(format!("{other} was deleted too")),
            None => Ok(()),
        }
    };
    world.stays(&set, &expected, judge).await
}

/// What a pod has, held against an earlier one: `the UID of`, `another UID than`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(
    name = "likeness",
    regex = "(?:the|another) (?:host name|subdomain|labels|owner|claims|UID|address|template|node) (?:of|than)"
)]
struct Likeness {
    what: Aspect,
    is_equal: bool,
}

impl FromStr for Likeness {
    type Err = NotAWord;

    fn from_str(text: &str) -> Result<Self, NotAWord> {
        let (which, rest) = text.split_once(' ').unwrap_or((text, ""));
        let (what, _) = rest.rsplit_once(' ').unwrap_or((rest, ""));
        Ok(Self {
            what: what.parse()?,
            is_equal: which == "the",
        })
    }
}

#[then(expr = "the new {string} has {likeness} the old one")]
async fn has(world: &mut World, pod: String, likeness: Likeness) -> Result<(), Stop> {
    compare(world, &pod, likeness.what, likeness.is_equal).await
}

async fn compare(world: &World, name: &str, what: Aspect, equal: bool) -> Result<(), Stop> {
    replaced(world, name).await?;
    if matches!(what, Aspect::Address | Aspect::Node) {
        let expected = format!("the new {name:?} has its {what:?}");
        let given = |seen: &Seen<'_>| {
            seen.pod(name)
                .is_some_and(|pod| !aspect(pod, what).is_empty())
        };
        world.comes_true(&expected, given).await?;
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
