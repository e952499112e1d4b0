//! Rolling updates: what changes, and which pods follow.

use std::str::FromStr;

use cucumber::{given, then, when};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::PostParams};
use serde_json::{Value, json};

use crate::{
    evidence::{Kind, Verb},
    sets,
    verdict::Stop,
    world::{AtRevision, GATE, Names, REVISION_ANNOTATION, Seen, State, World, holds},
};

/// The change that gives a template a revision's mark, and nothing that keeps its pods from becoming Ready.
pub(super) fn marked(world: &World, revision: &str) -> Value {
    let gates = if world.speaks_of_readiness() {
        json!([{ "conditionType": GATE }])
    } else {
        Value::Null
    };
    json!({ "spec": { "template": {
        "metadata": { "annotations": { REVISION_ANNOTATION: revision } },
        "spec": { "readinessGates": gates },
    } } })
}

/// How a template changes: `to revision "green"`, `in the image`. It is broken when its pods wait for what nobody does.
#[derive(Clone, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(
    name = "template",
    regex = r#"to (?:the broken )?revision "[^"]*"|in the (?:image|environment|resources|labels|annotations)"#
)]
enum Template {
    At(String),
    Broken(String),
    In(String),
}

impl FromStr for Template {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mark = text.split('"').nth(1).map(str::to_owned);
        Ok(match mark {
            Some(mark) if text.starts_with("to the broken") => Self::Broken(mark),
            Some(mark) => Self::At(mark),
            None => Self::In(text.trim_start_matches("in the ").to_owned()),
        })
    }
}

#[given(expr = "its template changes {template}")]
#[when(expr = "its template changes {template}")]
async fn changes(world: &mut World, template: Template) -> Result<(), Stop> {
    let change = match template {
        Template::At(mark) => marked(world, &mark),
        Template::Broken(mark) => {
            let mut change = marked(world, &mark);
            change["spec"]["template"]["spec"]["readinessGates"] =
                json!([{ "conditionType": "stsspec.dev/nobody-answers-this" }]);
            change
        }
        Template::In(what) => json!({ "spec": { "template": part(world, &what) } }),
    };
    world.shape(change).await
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
    let change = marked(world, &old);
    world.shape(change).await?;
    world
        .create_set(&name, usize::try_from(replicas).unwrap_or(0))
        .await?;
    // A partition counts from the first ordinal.
    let first = super::sets::first_ordinal(world, &name);
    let range = |from: i32, to: i32| -> Vec<String> {
        (first + from..first + to)
            .map(|ordinal| sets::pod_name(&name, ordinal))
            .collect()
    };
    super::sets::settles(world, &name, &range(0, replicas)).await?;
    let change = marked(world, &new);
    world.shape(change).await?;
    at_revision(world, Names(range(partition, replicas)), new).await?;
    super::sets::settles(world, &name, &range(0, replicas)).await?;
    world.remember();
    Ok(())
}

/// A change of a template in one part of it.
fn part(world: &World, what: &str) -> Value {
    let main = |change: Value| {
        let mut container = json!({ "name": "main" });
        crate::world::overlay(&mut container, change);
        json!({ "spec": { "containers": [container] } })
    };
    let image = &world.scene.cluster.capabilities().image;
    match what {
        "image" => main(json!({ "image": same_image_otherwise(image) })),
        "environment" => main(json!({ "env": [{ "name": "COLOUR", "value": "green" }] })),
        "resources" => main(json!({ "resources": { "limits": { "memory": "48Mi" } } })),
        other => json!({ "metadata": { other: { "colour": "green" } } }),
    }
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

#[given(expr = "pod(s) {names} is/are replaced{at_revision}")]
#[then(expr = "pod(s) {names} is/are replaced{at_revision}")]
async fn is_replaced(world: &mut World, pods: Names, revision: AtRevision) -> Result<(), Stop> {
    for name in &pods.0 {
        super::pods::replaced(world, name).await?;
        let Some(revision) = &revision.0 else {
            continue;
        };
        let expected = format!("the new {name:?} is at revision {revision:?}");
        world.judge(&expected, |seen| match seen.pod(name) {
            Some(pod) if is_at(seen, pod, revision) => Ok(()),
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

#[then(expr = "no pod of {string} was ever made at revision {string} but {names}")]
async fn never_made(
    world: &mut World,
    set: String,
    revision: String,
    but: Names,
) -> Result<(), Stop> {
    let expected = format!(
        "no pod of set {set:?} but {} was made at {revision:?}",
        but.0.join(", ")
    );
    let judge = |seen: &Seen<'_>| {
        let made = seen
            .changes(Kind::Pod)
            .filter(|change| change.verb == Verb::Added)
            .filter(|change| sets::ordinal_of(&set, change.object.name()).is_some())
            .filter_map(|change| change.object.as_pod())
            .filter(|pod| is_at(seen, pod, &revision))
            .filter_map(|pod| pod.metadata.name.clone());
        let other = made.into_iter().find(|name| !but.0.contains(name));
        other.map_or(Ok(()), |name| Err(format!("{name} was")))
    };
    world.stays(&set, &expected, judge).await
}

#[given(regex = r#"^(no|at most one) pod of "([^"]*)" may be disrupted$"#)]
async fn may_be_disrupted(world: &mut World, most: String, set: String) -> Result<(), Stop> {
    use k8s_openapi::api::policy::v1::PodDisruptionBudget;
    let api: Api<PodDisruptionBudget> = Api::namespaced(world.client.0.clone(), world.namespace());
    let budget = json!({
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": { "name": set },
        "spec": { "maxUnavailable": u8::from(most != "no"), "selector": { "matchLabels": { "app": set } } },
    });
    let budget =
        serde_json::from_value(budget).map_err(|error| Stop::Inconclusive(error.to_string()))?;
    api.create(&PostParams::default(), &budget).await?;
    Ok(())
}
