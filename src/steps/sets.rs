//! Sets: planned, created, changed, scaled, deleted.

use std::str::FromStr;

use cucumber::{gherkin::Step, given, then, when};
use kube::api::{DeleteParams, PropagationPolicy};
use serde_json::{Value, json};

use crate::{
    evidence::{Kind, Verb},
    manifest, sets,
    verdict::Stop,
    world::{AtRevision, Attribute, Names, NotNames, Quoted, Seen, State, World},
};

#[given(regex = r#"^the set "([^"]*)" is planned( as before)?$"#)]
async fn is_planned(world: &mut World, name: String, as_before: String) -> Result<(), Stop> {
    if !as_before.is_empty() {
        let gone = format!("the set {name:?} is gone");
        world
            .comes_true(&gone, |seen| seen.set(&name).is_none())
            .await?;
        let plan = world.notes.get(&format!("plan of {name}")).cloned();
        let plan = plan.ok_or_else(|| {
            Stop::Inconclusive(format!("the set {name:?} was not created before"))
        })?;
        world.drafts.insert(name.clone(), plan);
    }
    world.plan(&name);
    Ok(())
}

#[given(expr = "its {attribute} is/becomes {value}")]
#[when(expr = "its {attribute} is/becomes {value}")]
async fn has(world: &mut World, attribute: Attribute, value: Quoted) -> Result<(), Stop> {
    let Quoted(value) = value;
    let change = match attribute {
        Attribute::Policy => json!({ "podManagementPolicy": value }),
        // What belongs to one strategy is refused with another.
        Attribute::Strategy if value != "RollingUpdate" => {
            json!({ "updateStrategy": { "type": value, "rollingUpdate": null } })
        }
        Attribute::Strategy => json!({ "updateStrategy": { "type": value } }),
        Attribute::ServiceName => json!({ "serviceName": value }),
        Attribute::Start if value == "none" => json!({ "ordinals": null }),
        Attribute::Start => json!({ "ordinals": { "start": number(&value)? } }),
        Attribute::WhenDeleted => retention("whenDeleted", &value),
        Attribute::WhenScaled => retention("whenScaled", &value),
        Attribute::MaxUnavailable => {
            let most = value
                .parse::<i32>()
                .map_or(json!(value), |most| json!(most));
            let block = json!({ "maxUnavailable": most });
            json!({ "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": block } })
        }
        Attribute::MinReadySeconds => json!({ "minReadySeconds": number(&value)? }),
    };
    world.shape(json!({ "spec": change })).await
}

fn retention(when: &str, value: &str) -> Value {
    json!({ "persistentVolumeClaimRetentionPolicy": { when: value } })
}

fn number(text: &str) -> Result<i64, Stop> {
    text.parse()
        .map_err(|_| Stop::Inconclusive(format!("{text:?} is not a number")))
}

#[given(expr = "its description says")]
#[when(expr = "its description says")]
async fn says(world: &mut World, #[step] step: &Step) -> Result<(), Stop> {
    let change = described(step)?;
    world.shape(change).await
}

/// The YAML below a step.
pub(super) fn described(step: &Step) -> Result<Value, Stop> {
    let text = step.docstring.as_deref().unwrap_or_default();
    manifest::read("the description", text).map_err(|error| Stop::Inconclusive(error.to_string()))
}

#[given(expr = "the set {string} is created with {int} replica(s)")]
#[when(expr = "the set {string} is created with {int} replica(s)")]
async fn is_created(world: &mut World, name: String, replicas: usize) -> Result<(), Stop> {
    world.create_set(&name, replicas).await
}

#[given(expr = "the set {string} is settled with {int} replica(s){at_revision}")]
async fn is_settled(
    world: &mut World,
    name: String,
    replicas: usize,
    revision: AtRevision,
) -> Result<(), Stop> {
    if let AtRevision(Some(mark)) = revision {
        world.plan(&name);
        let change = super::rollouts::marked(world, &mark);
        world.shape(change).await?;
    }
    world.create_set(&name, replicas).await?;
    let first = first_ordinal(world, &name);
    let pods: Vec<String> = (first..)
        .take(replicas)
        .map(|ordinal| sets::pod_name(&name, ordinal))
        .collect();
    settles(world, &name, &pods).await?;
    world.remember();
    Ok(())
}

/// The ordinal that a set begins with, as far as it is known to be there.
pub(super) fn first_ordinal(world: &World, set: &str) -> sets::Ordinal {
    let ordinals = world.see(|seen| seen.set(set).and_then(|set| set.spec.ordinals.clone()));
    ordinals.and_then(|ordinals| ordinals.start).unwrap_or(0)
}

pub(super) fn names_of(set: &str, replicas: usize) -> Vec<String> {
    (0..)
        .take(replicas)
        .map(|ordinal| sets::pod_name(set, ordinal))
        .collect()
}

#[given(expr = "the creation of set {string} with {int} replica(s) is held at pod {string}")]
async fn is_held(
    world: &mut World,
    name: String,
    replicas: usize,
    pod: String,
) -> Result<(), Stop> {
    world.dial.withhold(&pod, None);
    world.create_set(&name, replicas).await?;
    let expected = format!("pod {pod:?} becomes Running");
    world
        .comes_true(&expected, |seen| seen.is(&pod, State::Running))
        .await
}

#[given(expr = "the set {string} is scaled to {int}")]
#[when(expr = "the set {string} is scaled to {int}")]
async fn is_scaled(world: &mut World, name: String, replicas: i32) -> Result<(), Stop> {
    world.acts().await;
    scale(world, &name, replicas).await
}

async fn scale(world: &mut World, name: &str, replicas: i32) -> Result<(), Stop> {
    world.current = name.to_owned();
    let change = json!({ "spec": { "replicas": replicas } });
    world.change(Kind::Set, name, change).await
}

#[when(regex = r#"^the set "([^"]*)" is scaled to (\d+(?:, \d+)* and \d+) in quick succession$"#)]
async fn flaps(world: &mut World, name: String, steps: String) -> Result<(), Stop> {
    world.acts().await;
    for step in steps.replace(" and ", ", ").split(", ") {
        let replicas = i32::try_from(number(step)?).unwrap_or(0);
        scale(world, &name, replicas).await?;
    }
    Ok(())
}

/// How a set is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(
    name = "deletion",
    regex = "deleted in the foreground|deleted without its pods|deleted"
)]
struct Deletion(&'static str);

impl FromStr for Deletion {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(match text {
            "deleted in the foreground" => "Foreground",
            "deleted without its pods" => "Orphan",
            _ => "Background",
        }))
    }
}

#[given(expr = "the set {string} is {deletion}")]
#[when(expr = "the set {string} is {deletion}")]
async fn is_deleted(world: &mut World, name: String, how: Deletion) -> Result<(), Stop> {
    world.acts().await;
    let policy = match how.0 {
        "Foreground" => PropagationPolicy::Foreground,
        "Orphan" => PropagationPolicy::Orphan,
        _ => PropagationPolicy::Background,
    };
    let params = DeleteParams {
        propagation_policy: Some(policy),
        ..DeleteParams::default()
    };
    world.delete(Kind::Set, &name, &params).await
}

#[given(expr = "the manifest {string} is applied")]
#[when(expr = "the manifest {string} is applied")]
async fn manifest_is_applied(world: &mut World, name: String) -> Result<(), Stop> {
    world.acts().await;
    if let Some(set) = world.apply_manifest(&name).await?.pop() {
        world.current = set;
    }
    Ok(())
}

/// The pods that a set comes to have: `with pods "web-0" and "web-1"`, `without pods`.
#[derive(Clone, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(
    name = "members",
    regex = r#"without pods|with pods? "[^"]+"(?:(?:, | and | to )"[^"]+")*"#
)]
struct Members(Vec<String>);

impl FromStr for Members {
    type Err = NotNames;

    fn from_str(text: &str) -> Result<Self, NotNames> {
        let names = text.find('"').map(|at| text[at..].parse::<Names>());
        Ok(Self(
            names.transpose()?.map_or_else(Vec::new, |names| names.0),
        ))
    }
}

#[given(expr = "the set {string} settles {members}")]
#[then(expr = "the set {string} settles {members}")]
async fn comes_to(world: &mut World, name: String, members: Members) -> Result<(), Stop> {
    settles(world, &name, &members.0).await
}

#[given(expr = "all pods of {string} become Ready")]
#[then(expr = "all pods of {string} become Ready")]
async fn all_become_ready(world: &mut World, name: String) -> Result<(), Stop> {
    let limit = world.scene.deadlines.whole_set;
    let expected = format!("all pods of set {name:?} become Ready");
    let ready = |seen: &Seen<'_>| {
        let spec = &seen.set(&name)?.spec;
        let start = spec.ordinals.as_ref().and_then(|ordinals| ordinals.start);
        let first = start.unwrap_or(0);
        let mut range = first..first + spec.replicas.unwrap_or(1);
        range
            .all(|ordinal| seen.is(&sets::pod_name(&name, ordinal), State::Ready))
            .then_some(())
    };
    world.comes(limit, &expected, ready).await
}

/// Waits until the set has exactly those pods, all Ready, and its status says so.
pub(super) async fn settles(world: &World, name: &str, pods: &[String]) -> Result<(), Stop> {
    let expected = match pods {
        [] => format!("the set {name:?} settles without pods"),
        pods => format!(
            "the set {name:?} settles with exactly {}, all Ready",
            pods.join(", ")
        ),
    };
    let settled = |seen: &Seen<'_>| {
        let set = seen.set(name)?;
        let status = set.status.as_ref()?;
        let there = seen.pods_of(name);
        let names: Vec<&str> = there
            .iter()
            .filter_map(|pod| pod.metadata.name.as_deref())
            .collect();
        let mut wanted: Vec<&str> = pods.iter().map(String::as_str).collect();
        wanted.sort_by_key(|pod| sets::ordinal_of(name, pod));
        let ready = there
            .iter()
            .all(|pod| sets::is_running_and_ready(pod) && !sets::is_terminating(pod));
        let count = i32::try_from(pods.len()).unwrap_or(i32::MAX);
        let counted = status.replicas == count && status.ready_replicas.unwrap_or(0) == count;
        let answered = status.observed_generation >= set.metadata.generation;
        (names == wanted && ready && counted && answered).then_some(())
    };
    world
        .comes(world.scene.deadlines.whole_set, &expected, settled)
        .await
}

#[then(expr = "the set {string} disappears only after its pods")]
async fn disappears_last(world: &mut World, name: String) -> Result<(), Stop> {
    let expected = format!("the set {name:?} disappears, after its pods");
    let gone = |seen: &Seen<'_>| seen.set(&name).is_none() && seen.pods_of(&name).is_empty();
    world.comes_true(&expected, gone).await?;
    if !world.scene.profile.shared_counter {
        return Err(Stop::Inconclusive(
            "the order of a set's and a pod's end is not known on this cluster".into(),
        ));
    }
    world.judge(&expected, |seen| {
        let end = |kind: Kind, of: &dyn Fn(&str) -> bool| {
            let ends = seen
                .changes(kind)
                .filter(|change| change.verb == Verb::Deleted && of(change.object.name()));
            ends.map(|change| change.version).max()
        };
        let set = end(Kind::Set, &|other| other == name);
        let last = end(Kind::Pod, &|pod| sets::ordinal_of(&name, pod).is_some());
        if last < set {
            Ok(())
        } else {
            Err(format!(
                "the set went at version {set:?}, its last pod at {last:?}"
            ))
        }
    })
}

#[given(expr = "its pods answer a probe")]
async fn is_probed(world: &mut World) -> Result<(), Stop> {
    let probe =
        json!({ "exec": { "command": ["cat", super::readiness::ANSWER] }, "periodSeconds": 1 });
    let change = json!({ "spec": { "template": { "spec": {
        "containers": [{ "name": "main", "readinessProbe": probe }],
    } } } });
    world.shape(change).await
}

#[given(expr = "its pods never finish their initialization")]
async fn is_never_initialized(world: &mut World) -> Result<(), Stop> {
    let mut container =
        crate::world::pod_spec(world.scene.cluster.capabilities())["containers"][0].clone();
    container["name"] = json!("init");
    container["command"] = json!(["sleep", "2147483647"]);
    let change = json!({ "spec": { "template": { "spec": { "initContainers": [container] } } } });
    world.shape(change).await
}

#[given(expr = "its pods take their time to end")]
async fn take_their_time(world: &mut World) -> Result<(), Stop> {
    // Longer than a scenario looks at it, but no longer: a node does not shorten an end that it has begun.
    let deadlines = world.scene.deadlines;
    let grace = deadlines.one_step + 2 * deadlines.hold;
    let change = json!({ "spec": { "template": { "spec": {
        "terminationGracePeriodSeconds": grace.as_secs(),
        // As the first process of its container it does not end when it is told to.
        "containers": [{ "name": "main", "command": ["sleep", "2147483647"] }],
    } } } });
    world.shape(change).await
}
