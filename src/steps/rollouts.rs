//! Revisions and rolling updates.

use std::str::FromStr;

use cucumber::{given, then, when};
use k8s_openapi::api::{apps::v1::StatefulSetStatus, core::v1::Pod};
use serde_json::{Value, json};

use crate::{
    evidence::{Kind, Object, Verb},
    sets,
    verdict::Stop,
    world::{Names, REVISION_ANNOTATION, Seen, State, World, holds, tell_pod},
};

/// The change that gives a template a revision's mark.
pub(super) fn marked(revision: &str) -> Value {
    json!({ "spec": { "template": { "metadata": { "annotations": { REVISION_ANNOTATION: revision } } } } })
}

#[given(expr = "its template changes to revision {string}")]
#[when(expr = "its template changes to revision {string}")]
async fn changes_to(world: &mut World, revision: String) -> Result<(), Stop> {
    world.shape(marked(&revision)).await
}

#[given(expr = "its rolling update is partitioned at ordinal {int}")]
#[when(expr = "its rolling update is partitioned at ordinal {int}")]
async fn is_partitioned(world: &mut World, ordinal: i32) -> Result<(), Stop> {
    let strategy = json!({ "type": "RollingUpdate", "rollingUpdate": { "partition": ordinal } });
    world
        .shape(json!({ "spec": { "updateStrategy": strategy } }))
        .await
}

#[given(
    expr = "the rollout of {string} with {int} replicas from {string} to {string} rests at partition {int}"
)]
async fn rests_at(
    world: &mut World,
    name: String,
    replicas: i32,
    old: String,
    new: String,
    partition: i32,
) -> Result<(), Stop> {
    world.plan(&name);
    is_partitioned(world, partition).await?;
    world.shape(marked(&old)).await?;
    world
        .create_set(&name, usize::try_from(replicas).unwrap_or(0))
        .await?;
    let range = |from: i32, to: i32| -> Vec<String> {
        (from..to)
            .map(|ordinal| sets::pod_name(&name, ordinal))
            .collect()
    };
    super::sets::settles(world, &name, &range(0, replicas)).await?;
    world.shape(marked(&new)).await?;
    at_revision(world, Names(range(partition, replicas)), new).await?;
    super::sets::settles(world, &name, &range(0, replicas)).await?;
    world.remember();
    Ok(())
}

#[when(expr = "the {string} in its template changes")]
async fn changes_in_template(world: &mut World, what: String) -> Result<(), Stop> {
    let main = |change: Value| {
        let mut container = json!({ "name": "main" });
        crate::world::overlay(&mut container, change);
        json!({ "spec": { "containers": [container] } })
    };
    let image = &world.scene.cluster.capabilities().image;
    let change = match what.as_str() {
        "image" => main(json!({ "image": same_image_otherwise(image) })),
        "environment" => main(json!({ "env": [{ "name": "COLOUR", "value": "green" }] })),
        "resources" => main(json!({ "resources": { "limits": { "memory": "48Mi" } } })),
        "labels" => json!({ "metadata": { "labels": { "colour": "green" } } }),
        "annotations" => json!({ "metadata": { "annotations": { "colour": "green" } } }),
        other => {
            return Err(Stop::Inconclusive(format!(
                "no change of {other:?} in a template is known"
            )));
        }
    };
    world.shape(json!({ "spec": { "template": change } })).await
}

/// Another name of the same image, where there is one.
fn same_image_otherwise(image: &str) -> String {
    match image.strip_prefix("docker.io/library/") {
        Some(short) => short.to_owned(),
        None if !image.contains('/') => format!("docker.io/library/{image}"),
        None => format!("{image}-other"),
    }
}

#[when(expr = "its {string} changes outside the template")]
async fn changes_outside(world: &mut World, what: String) -> Result<(), Stop> {
    let change = match what.as_str() {
        "partition" => {
            json!({ "spec": { "updateStrategy": { "rollingUpdate": { "partition": 1 } } } })
        }
        "update strategy" => {
            json!({ "spec": { "updateStrategy": { "type": "OnDelete", "rollingUpdate": null } } })
        }
        "minReadySeconds" => json!({ "spec": { "minReadySeconds": 1 } }),
        "history limit" => json!({ "spec": { "revisionHistoryLimit": 3 } }),
        "claim retention" => {
            json!({ "spec": { "persistentVolumeClaimRetentionPolicy": { "whenScaled": "Delete" } } })
        }
        "labels" => json!({ "metadata": { "labels": { "colour": "green" } } }),
        "annotations" => json!({ "metadata": { "annotations": { "colour": "green" } } }),
        other => {
            return Err(Stop::Inconclusive(format!(
                "no change of {other:?} outside a template is known"
            )));
        }
    };
    world.shape(change).await
}

fn is_at(seen: &Seen<'_>, pod: &Pod, revision: &str) -> bool {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let set = crate::world::set_of(name);
    let annotations = pod.metadata.annotations.as_ref();
    let mark = annotations.and_then(|all| all.get(REVISION_ANNOTATION));
    let label = sets::revision_of(pod);
    mark.is_some_and(|mark| mark == revision)
        && seen.revision(set, revision).as_deref() == Some(label)
}

#[then(expr = "pod(s) {names} is/are at revision {string}")]
async fn at_revision(world: &mut World, pods: Names, revision: String) -> Result<(), Stop> {
    let limit = world.scene.deadlines.whole_set;
    for name in &pods.0 {
        let expected = format!("pod {name:?} is at revision {revision:?}");
        let there = |seen: &Seen<'_>| {
            seen.pod(name)
                .filter(|pod| is_at(seen, pod, &revision))
                .map(|_| ())
        };
        world.comes(limit, &expected, there).await?;
    }
    Ok(())
}

#[then(expr = "pod(s) {names} is/are replaced at revision {string}")]
async fn is_replaced_at(world: &mut World, pods: Names, revision: String) -> Result<(), Stop> {
    for name in &pods.0 {
        super::pods::replaced(world, name).await?;
        let expected = format!("the new {name:?} is at revision {revision:?}");
        world.judge(&expected, |seen| match seen.pod(name) {
            Some(pod) if is_at(seen, pod, &revision) => Ok(()),
            Some(pod) => Err(format!("its revision is {}", sets::revision_of(pod))),
            None => Err(format!("{name} is missing")),
        })?;
    }
    Ok(())
}

#[then(expr = "the pods move to {string} in the order {names}")]
async fn move_in_order(world: &mut World, revision: String, pods: Names) -> Result<(), Stop> {
    let limit = world.scene.deadlines.whole_set;
    let set = world.current.clone();
    let order = pods.0.join(", ");
    let expected = format!("the pods of set {set:?} move to {revision:?} in the order {order}");
    let moved = |seen: &Seen<'_>| {
        let all = pods.0.iter().all(|name| {
            let pod = seen.pod(name);
            pod.is_some_and(|pod| is_at(seen, pod, &revision) && holds(pod, State::Ready))
        });
        all.then_some(())
    };
    world.comes(limit, &expected, moved).await?;
    let judge = |seen: &Seen<'_>| {
        let created: Vec<&str> = seen
            .placed(Kind::Pod)
            .filter(|(place, change)| *place >= seen.before.index && change.verb == Verb::Added)
            .filter_map(|(_, change)| change.object.as_pod())
            .filter(|pod| is_at(seen, pod, &revision))
            .filter_map(|pod| pod.metadata.name.as_deref())
            .filter(|name| sets::ordinal_of(&set, name).is_some())
            .collect();
        if created == pods.0 {
            Ok(())
        } else {
            Err(format!("the order was {}", created.join(", ")))
        }
    };
    world.stays(&set, &expected, judge).await
}

fn status(seen: &Seen<'_>, set: &str) -> Option<StatefulSetStatus> {
    let set = seen.set(set)?;
    let status = set.status.clone()?;
    (status.observed_generation >= set.metadata.generation).then_some(status)
}

#[then(expr = "its update revision changes")]
async fn update_revision_changes(world: &mut World) -> Result<(), Stop> {
    let set = world.current.clone();
    let old = world.see(|seen| old_status(seen, &set).update_revision);
    world
        .comes_true("the status names another update revision", |seen| {
            status(seen, &set).is_some_and(|status| {
                status.update_revision.as_ref().is_some_and(|name| {
                    Some(name) != old.as_ref() && seen.get(Kind::Revision, name).is_some()
                })
            })
        })
        .await
}

fn old_status(seen: &Seen<'_>, set: &str) -> StatefulSetStatus {
    let old = seen.old(Kind::Set, set);
    old.as_ref()
        .and_then(Object::as_set)
        .and_then(|set| set.status.clone())
        .unwrap_or_default()
}

#[then(expr = "its update revision stays")]
async fn update_revision_stays(world: &mut World) -> Result<(), Stop> {
    let set = world.current.clone();
    let judge = |seen: &Seen<'_>| {
        let old = old_status(seen, &set).update_revision;
        let now = seen
            .set(&set)
            .and_then(|set| set.status.clone())
            .unwrap_or_default();
        if now.update_revision != old {
            return Err(format!("{old:?} became {:?}", now.update_revision));
        }
        let new = seen
            .placed(Kind::Revision)
            .find(|(place, change)| *place >= seen.before.index && change.verb == Verb::Added);
        match new {
            Some((_, change)) => Err(format!("revision {} was made", change.object.name())),
            None => Ok(()),
        }
    };
    world
        .stays(
            &set,
            "the update revision stays, and no revision is made",
            judge,
        )
        .await
}

/// Which of the two revisions a status names.
#[derive(Clone, Copy, Debug, cucumber::Parameter)]
#[param(name = "side", regex = "current|update")]
enum Side {
    Current,
    Update,
}

impl FromStr for Side {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "current" {
            Self::Current
        } else {
            Self::Update
        })
    }
}

impl Side {
    fn of(self, status: StatefulSetStatus) -> Option<String> {
        match self {
            Self::Current => status.current_revision,
            Self::Update => status.update_revision,
        }
    }
}

#[then(expr = "its {side} revision becomes {string}")]
async fn revision_becomes(world: &mut World, side: Side, revision: String) -> Result<(), Stop> {
    let set = world.current.clone();
    let limit = world.scene.deadlines.whole_set;
    let expected = format!("the {side:?} revision of set {set:?} becomes {revision:?}");
    let named = |seen: &Seen<'_>| {
        let named = side.of(status(seen, &set)?)?;
        (seen.revision(&set, &revision)? == named).then_some(())
    };
    world.comes(limit, &expected, named).await
}

#[then(expr = "its {side} revision stays {string}")]
async fn revision_stays(world: &mut World, side: Side, revision: String) -> Result<(), Stop> {
    let set = world.current.clone();
    let expected = format!("the {side:?} revision of set {set:?} stays {revision:?}");
    let judge = |seen: &Seen<'_>| {
        let wanted = seen.revision(&set, &revision);
        let states = seen
            .placed(Kind::Set)
            .filter(|(place, change)| *place >= seen.before.index && change.object.name() == set);
        for (_, change) in states {
            let status = change.object.as_set().and_then(|set| set.status.clone());
            let named = status.and_then(|status| side.of(status));
            if named.is_some() && named != wanted {
                return Err(format!("it was {named:?}"));
            }
        }
        Ok(())
    };
    world.stays(&set, &expected, judge).await
}

#[then(expr = "its status names a current and an update revision")]
async fn names_revisions(world: &mut World) -> Result<(), Stop> {
    let set = world.current.clone();
    let named = |seen: &Seen<'_>| {
        let Some(status) = status(seen, &set) else {
            return false;
        };
        let exists = |name: Option<String>| {
            name.is_some_and(|name| seen.get(Kind::Revision, &name).is_some())
        };
        exists(status.current_revision) && exists(status.update_revision)
    };
    world
        .comes_true("the status names two revisions that exist", named)
        .await
}

#[then(expr = "it has {int} revision(s)")]
async fn has_revisions(world: &mut World, count: usize) -> Result<(), Stop> {
    let set = world.current.clone();
    let expected = format!("set {set:?} has {count} revisions");
    let counted = |seen: &Seen<'_>| {
        let Some(set) = seen.get(Kind::Set, &set) else {
            return false;
        };
        let own = seen.all(Kind::Revision).into_iter().filter(|revision| {
            revision
                .as_revision()
                .is_some_and(|revision| sets::owner_uid(revision.as_ref()) == Some(set.uid()))
        });
        own.count() == count
    };
    world.comes_true(&expected, counted).await
}

#[then(expr = "revision {string} is the same object as before, and the newest")]
async fn is_reused(world: &mut World, revision: String) -> Result<(), Stop> {
    let set = world.current.clone();
    let expected = format!("revision {revision:?} is used again and has the highest number");
    let newest = |seen: &Seen<'_>| {
        let name = seen.revision(&set, &revision)?;
        let own = seen.get(Kind::Revision, &name)?.as_revision()?;
        let all = seen.all(Kind::Revision).into_iter();
        let numbers = all.filter_map(|other| Some(other.as_revision()?.revision));
        let old = seen.old(Kind::Revision, &name)?;
        let same = Some(old.uid()) == own.metadata.uid.as_deref();
        (same && numbers.max() == Some(own.revision)).then_some(())
    };
    world
        .comes_true(&expected, |seen| newest(seen).is_some())
        .await
}

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

#[then(expr = "its status counts {int} {counter}(s)")]
async fn counts(world: &mut World, number: i32, counter: Counter) -> Result<(), Stop> {
    let set = world.current.clone();
    let expected = format!("the status of set {set:?} counts {number} for {counter:?}");
    let counted = |seen: &Seen<'_>| {
        let Some(status) = status(seen, &set) else {
            return false;
        };
        let count = match counter {
            Counter::Replicas => Some(status.replicas),
            Counter::Ready => status.ready_replicas,
            Counter::Current => status.current_replicas,
            Counter::Updated => status.updated_replicas,
            Counter::Available => status.available_replicas,
        };
        count.unwrap_or(0) == number
    };
    world.comes_true(&expected, counted).await
}

#[then(expr = "pod {string} is created when {string} has been Ready for {int} seconds, not before")]
async fn created_after(
    world: &mut World,
    pod: String,
    other: String,
    seconds: i32,
) -> Result<(), Stop> {
    let expected = format!("pod {pod:?} is created once {other:?} has been Ready for {seconds} s");
    let first = |seen: &Seen<'_>| {
        seen.lives(Kind::Pod, &pod)
            .last()
            .map(|life| life.first.clone())
    };
    let created = world
        .comes(world.scene.deadlines.whole_set, &expected, first)
        .await?;
    world.judge(&expected, |seen| {
        let since = seen.pod(&other).and_then(|pod| sets::ready_since(pod));
        let created = created
            .meta()
            .creation_timestamp
            .as_ref()
            .map(|time| time.0);
        let (Some(since), Some(created)) = (since, created) else {
            return Err(format!("{other} is not Ready"));
        };
        let waited = created.duration_since(since).as_secs();
        if waited >= i64::from(seconds) {
            Ok(())
        } else {
            Err(format!("it was created after {waited} s"))
        }
    })
}

#[then(expr = "pod {string} stays broken at revision {string}")]
async fn stays_broken(world: &mut World, pod: String, revision: String) -> Result<(), Stop> {
    let broken = |seen: &Seen<'_>| {
        seen.pod(&pod)
            .filter(|found| is_at(seen, found, &revision) && holds(found, State::NotReady))
            .map(|_| ())
    };
    let expected = format!("pod {pod:?} stays at revision {revision:?} and is not Ready");
    world
        .comes(world.scene.deadlines.one_step, &expected, broken)
        .await?;
    let judge = |seen: &Seen<'_>| match (broken(seen), seen.pod(&pod)) {
        (Some(()), _) => Ok(()),
        (None, Some(found)) => Err(tell_pod(found)),
        (None, None) => Err(format!("{pod} is missing")),
    };
    world.stays_of(&pod, &expected, judge).await
}
