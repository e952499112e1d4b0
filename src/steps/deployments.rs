//! What a Deployment does instead.

use std::collections::BTreeSet;

use cucumber::{given, then, when};
use kube::api::DeleteParams;
use serde_json::json;

use crate::{
    evidence::{Kind, Object, Verb},
    sets,
    verdict::Stop,
    world::{Aspect, Seen, World, aspect, claims, pod_spec},
};

fn deployment(world: &World, name: &str, replicas: usize) -> serde_json::Value {
    let mut pod = pod_spec(world.scene.cluster.capabilities());
    if let Some(claim) = world
        .notes
        .get(&format!("claim of {name}"))
        .and_then(|claim| claim.as_str())
    {
        pod["volumes"] =
            json!([{ "name": "data", "persistentVolumeClaim": { "claimName": claim } }]);
        pod["containers"][0]["volumeMounts"] = json!([{ "name": "data", "mountPath": "/data" }]);
    }
    json!({
        "metadata": { "name": name },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": name } },
            "template": { "metadata": { "labels": { "app": name } }, "spec": pod },
        },
    })
}

/// The pods with a Deployment's label, by name.
fn pods<'a>(seen: &Seen<'a>, name: &str) -> Vec<&'a Object> {
    let labelled = |object: &&Object| {
        let labels = object.meta().labels.as_ref();
        labels
            .and_then(|labels| labels.get("app"))
            .map(String::as_str)
            == Some(name)
    };
    seen.all(Kind::Pod).into_iter().filter(labelled).collect()
}

fn all_ready(seen: &Seen<'_>, name: &str, replicas: usize) -> bool {
    let pods = pods(seen, name);
    let ready = pods
        .iter()
        .filter_map(|object| object.as_pod())
        .filter(|pod| sets::is_running_and_ready(pod) && !sets::is_terminating(pod));
    ready.count() == replicas && pods.len() == replicas
}

#[given(expr = "the pods of Deployment {string} share the claim {string}")]
async fn share_a_claim(world: &mut World, name: String, claim: String) -> Result<(), Stop> {
    world
        .notes
        .insert(format!("claim of {name}"), claim.clone().into());
    let wish = json!({ "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Mi" } } });
    world
        .create(
            Kind::Claim,
            json!({ "metadata": { "name": claim }, "spec": wish }),
        )
        .await
}

#[given(expr = "the Deployment {string} is settled with {int} replica(s)")]
async fn is_settled(world: &mut World, name: String, replicas: usize) -> Result<(), Stop> {
    let manifest = deployment(world, &name, replicas);
    world.create(Kind::Deployment, manifest).await?;
    let expected = format!("the Deployment {name:?} has {replicas} Ready pods");
    let limit = world.scene.deadlines.whole_set;
    let settled = |seen: &Seen<'_>| all_ready(seen, &name, replicas).then_some(());
    world
        .comes(limit, &expected, settled)
        .await
        .map_err(|stop| Stop::Inconclusive(stop.to_string()))?;
    world.remember();
    Ok(())
}

#[when(expr = "pod {string} and a pod of Deployment {string} are lost together")]
async fn are_lost(world: &mut World, pod: String, name: String) -> Result<(), Stop> {
    world.acts().await;
    let victim = world.see(|seen| pods(seen, &name).first().map(|pod| pod.name().to_owned()));
    let victim =
        victim.ok_or_else(|| Stop::Inconclusive(format!("the Deployment {name:?} has no pods")))?;
    world
        .notes
        .insert(format!("lost of {name}"), victim.clone().into());
    for pod in [&pod, &victim] {
        world
            .delete(Kind::Pod, pod, &DeleteParams::default())
            .await?;
    }
    Ok(())
}

#[then(expr = "a pod of another name takes the place of the lost one of Deployment {string}")]
async fn another_name(world: &mut World, name: String) -> Result<(), Stop> {
    let lost = world.notes.get(&format!("lost of {name}")).cloned();
    let lost = lost
        .as_ref()
        .and_then(|lost| lost.as_str())
        .unwrap_or_default()
        .to_owned();
    let expected = format!("another pod takes the place of {lost}");
    let taken = |seen: &Seen<'_>| {
        let fresh = pods(seen, &name).into_iter().any(|pod| {
            let lives = seen.lives(Kind::Pod, pod.name());
            lives
                .first()
                .is_some_and(|life| life.created >= seen.before.index)
        });
        fresh && seen.get(Kind::Pod, &lost).is_none()
    };
    world.comes_true(&expected, taken).await
}

#[then(
    expr = "the pods of Deployment {string} have neither an ordinal nor a host name of their own"
)]
async fn have_no_identity(world: &mut World, name: String) -> Result<(), Stop> {
    let expected = format!(
        "no pod of Deployment {name:?} has an ordinal in its name or a host name in its spec"
    );
    world.judge(&expected, |seen| {
        let named = pods(seen, &name).into_iter().find(|object| {
            let host = object.as_pod().map(|pod| aspect(pod, Aspect::HostName));
            sets::ordinal_of(&name, object.name()).is_some()
                || host.is_some_and(|host| !host.is_empty())
        });
        named.map_or(Ok(()), |pod| Err(format!("there is {}", pod.name())))
    })
}

#[then(expr = "the pods of Deployment {string} were created before any of them was Ready")]
async fn created_at_once(world: &mut World, name: String) -> Result<(), Stop> {
    let expected =
        format!("the pods of Deployment {name:?} were created before any of them was Ready");
    world.judge(&expected, |seen| {
        let own: BTreeSet<&str> = pods(seen, &name).into_iter().map(Object::name).collect();
        let mut missing = own.clone();
        for change in seen.changes(Kind::Pod) {
            let Some(pod) = change
                .object
                .as_pod()
                .filter(|_| own.contains(change.object.name()))
            else {
                continue;
            };
            if change.verb == Verb::Added {
                missing.remove(change.object.name());
            }
            if sets::is_ready(pod) && !missing.is_empty() {
                return Err(format!("{} was Ready before", change.object.name()));
            }
        }
        Ok(())
    })
}

#[then(expr = "the pods of Deployment {string} all use the claim {string}")]
async fn all_use(world: &mut World, name: String, claim: String) -> Result<(), Stop> {
    let expected = format!("every pod of Deployment {name:?} uses the one claim {claim:?}");
    world.judge(&expected, |seen| {
        let other = pods(seen, &name)
            .into_iter()
            .filter_map(Object::as_pod)
            .map(|pod| claims(pod))
            .find(|claims| *claims != [claim.as_str()]);
        other.map_or(Ok(()), |claims| {
            Err(format!("one uses {}", claims.join(", ")))
        })
    })
}
