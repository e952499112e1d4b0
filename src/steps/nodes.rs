//! Nodes: how many there are, and what becomes of one and of the machine under it.

use std::str::FromStr;

use cucumber::{given, then, when};
use k8s_openapi::api::{
    core::v1::{Namespace, Node, Pod, Taint},
    scheduling::v1::PriorityClass,
};
use kube::{
    Api, Resource as _, ResourceExt as _,
    api::{DeleteParams, EvictParams, ListParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::{
    cluster::Turn,
    evidence::{History, Kind},
    verdict::Stop,
    world::{Seen, World, pod_spec, tell_pod},
};

/// What becomes of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(
    name = "fate",
    regex = "is cut off|loses its power|shuts down|returns|is cordoned|is drained|is deleted|is tainted|is out of service"
)]
enum Fate {
    /// Something is done to its machine.
    Machine(Turn),
    /// No pod comes to it any more.
    Cordoned,
    /// Its pods are evicted as well.
    Drained,
    /// Its object is deleted.
    Deleted,
    /// No pod may stay on it.
    Tainted,
    /// Somebody has seen that it is off, and says so.
    OutOfService,
}

impl FromStr for Fate {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "is cut off" => Self::Machine(Turn::CutOff),
            "loses its power" => Self::Machine(Turn::PowerOff),
            "shuts down" => Self::Machine(Turn::ShutDown),
            "is cordoned" => Self::Cordoned,
            "is drained" => Self::Drained,
            "is deleted" => Self::Deleted,
            "is tainted" => Self::Tainted,
            "is out of service" => Self::OutOfService,
            _ => Self::Machine(Turn::Return),
        })
    }
}

fn nodes(world: &World) -> Api<Node> {
    Api::all(world.client.0.clone())
}

fn pods(world: &World) -> Api<Pod> {
    Api::namespaced(world.client.0.clone(), world.namespace())
}

/// The nodes that take pods, by name.
async fn schedulable(world: &World) -> Result<Vec<Node>, Stop> {
    let mut all = nodes(world).list(&ListParams::default()).await?.items;
    all.retain(|node| {
        let spec = node.spec.clone().unwrap_or_default();
        let hard = |effect: &str| effect == "NoSchedule" || effect == "NoExecute";
        let mut taints = spec.taints.iter().flatten();
        spec.unschedulable != Some(true) && !taints.any(|taint| hard(&taint.effect))
    });
    all.sort_by_key(|node| node.name_any());
    Ok(all)
}

#[given(expr = "the cluster has {int} nodes")]
async fn has_nodes(world: &mut World, count: usize) -> Result<(), Stop> {
    let there = schedulable(world).await?.len();
    if there >= count {
        return Ok(());
    }
    Err(Stop::Skip(format!(
        "needs {count} nodes that take pods; there are {there}"
    )))
}

fn place_of(seen: &Seen<'_>, pod: &str) -> Option<String> {
    let pod = seen.pod(pod)?;
    pod.spec.as_ref()?.node_name.clone()
}

#[given(expr = "the node of pod {string} {fate}")]
#[when(expr = "the node of pod {string} {fate}")]
async fn node_of_pod(world: &mut World, pod: String, fate: Fate) -> Result<(), Stop> {
    let expected = format!("pod {pod:?} is on a node");
    let limit = world.scene.deadlines.one_step;
    let node = world
        .comes(limit, &expected, |seen| place_of(seen, &pod))
        .await?;
    world.notes.insert("node".to_owned(), json!(node));
    befalls(world, &node, fate).await
}

#[given(expr = "that node {fate}")]
#[when(expr = "that node {fate}")]
async fn that_node(world: &mut World, fate: Fate) -> Result<(), Stop> {
    let node = world.notes.get("node").and_then(Value::as_str);
    let node = node
        .ok_or_else(|| Stop::Inconclusive("no node was named before".into()))?
        .to_owned();
    befalls(world, &node, fate).await
}

async fn befalls(world: &mut World, node: &str, fate: Fate) -> Result<(), Stop> {
    world.acts().await;
    let api = nodes(world);
    match fate {
        Fate::Machine(turn) => {
            let done = world.scene.cluster.turn(node, turn).await;
            done.map_err(|why| Stop::Skip(format!("needs machines that can be stopped: {why}")))
        }
        Fate::Cordoned => cordon(world, node, true).await,
        Fate::Drained => drain(world, node).await,
        Fate::Deleted => {
            api.delete(node, &DeleteParams::default()).await?;
            Ok(())
        }
        Fate::Tainted => taint(world, node, "stsspec.dev/away", None).await,
        Fate::OutOfService => {
            let key = "node.kubernetes.io/out-of-service";
            taint(world, node, key, Some("nodeshutdown")).await
        }
    }
}

/// Nothing that does not tolerate it stays.
async fn taint(world: &World, node: &str, key: &str, value: Option<&str>) -> Result<(), Stop> {
    let api = nodes(world);
    let mut object = api.get(node).await?;
    let spec = object.spec.get_or_insert_default();
    spec.taints.get_or_insert_default().push(Taint {
        key: key.to_owned(),
        value: value.map(str::to_owned),
        effect: "NoExecute".to_owned(),
        time_added: None,
    });
    api.replace(node, &PostParams::default(), &object).await?;
    Ok(())
}

async fn cordon(world: &World, node: &str, closed: bool) -> Result<(), Stop> {
    let patch = Patch::Merge(json!({"spec": {"unschedulable": closed}}));
    nodes(world)
        .patch(node, &PatchParams::default(), &patch)
        .await?;
    Ok(())
}

/// Closes a node and evicts its pods, each as soon as its budget allows; returns when all of them are gone.
async fn drain(world: &World, node: &str) -> Result<(), Stop> {
    cordon(world, node, true).await?;
    let here = |seen: &Seen<'_>| -> Vec<(String, String)> {
        let all = seen.all(Kind::Pod).into_iter();
        let here = all.filter(|pod| place_of(seen, pod.name()).as_deref() == Some(node));
        here.map(|pod| (pod.name().to_owned(), pod.uid().to_owned()))
            .collect()
    };
    for (name, uid) in world.see(here) {
        let limit = world.scene.deadlines.whole_set;
        let emptied = tokio::time::timeout(limit, async {
            while !evicts(world, &name).await? {
                changes(world).await;
            }
            Ok::<(), Stop>(())
        });
        emptied.await.map_err(|_| {
            Stop::Fail(format!(
                "expected within {} s: pod {name:?} may be evicted; seen: {}",
                limit.as_secs(),
                world.see(|seen| seen.tell())
            ))
        })??;
        let expected = format!("the evicted {name:?} is gone");
        let gone = |seen: &Seen<'_>| {
            seen.get(Kind::Pod, &name)
                .is_none_or(|pod| pod.uid() != uid)
        };
        world.comes_true(&expected, gone).await?;
    }
    Ok(())
}

/// Waits until something happens to the pods, within the time of one step.
async fn changes(world: &World) {
    let count = |history: &History| history.changes().len();
    let known = world.recorder.look(count);
    let changed = |history: &History| (count(history) != known).then_some(());
    let _ = world
        .recorder
        .until(world.scene.deadlines.quiet, changed)
        .await;
}

/// Asks for a pod's eviction; false if its budget does not allow it now. A pod that is gone needs none.
pub(super) async fn evicts(world: &World, pod: &str) -> Result<bool, Stop> {
    match pods(world).evict(pod, &EvictParams::default()).await {
        Ok(_) => {
            world.sees_the_end(Kind::Pod, pod).await;
            Ok(true)
        }
        Err(kube::Error::Api(status)) if status.code == 429 => Ok(false),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(true),
        Err(error) => Err(error.into()),
    }
}

#[when(expr = "every node is drained in turn")]
async fn each_is_drained(world: &mut World) -> Result<(), Stop> {
    world.acts().await;
    for node in schedulable(world).await? {
        let name = node.name_any();
        drain(world, &name).await?;
        cordon(world, &name, false).await?;
    }
    Ok(())
}

#[then(expr = "pod {string} cannot be evicted")]
async fn cannot_be_evicted(world: &mut World, pod: String) -> Result<(), Stop> {
    world.acts().await;
    if evicts(world, &pod).await? {
        return Err(Stop::Fail(format!(
            "expected: the eviction of pod {pod:?} is refused; seen: it was granted"
        )));
    }
    let expected = format!("pod {pod:?} stays after its eviction was refused");
    let judge = |seen: &Seen<'_>| match seen.pod(&pod) {
        Some(there) if there.metadata.deletion_timestamp.is_none() => Ok(()),
        Some(there) => Err(tell_pod(there)),
        None => Err(format!("{pod} is gone")),
    };
    world.stays_of(&pod, &expected, judge).await
}

/// It keeps away from that pod: the node has no room for both, whoever else is there.
#[when(expr = "a pod of higher priority takes the room of pod {string}")]
async fn takes_the_room(world: &mut World, pod: String) -> Result<(), Stop> {
    world.acts().await;
    let place = world.see(|seen| place_of(seen, &pod));
    let place = place.ok_or_else(|| Stop::Inconclusive(format!("pod {pod:?} has no node")))?;
    let class = format!("{}-high", world.namespace());
    // It lies in no namespace: it goes with the one that it was made for, and says whose it is.
    let namespaces: Api<Namespace> = Api::all(world.client.0.clone());
    let namespace = namespaces.get(world.namespace()).await?;
    let metadata = json!({
        "name": class,
        "labels": namespace.metadata.labels,
        "ownerReferences": [namespace.owner_ref(&())],
    });
    let object: PriorityClass =
        serde_json::from_value(json!({"metadata": metadata, "value": 1000}))
            .map_err(|error| Stop::Inconclusive(error.to_string()))?;
    let classes: Api<PriorityClass> = Api::all(world.client.0.clone());
    classes.create(&PostParams::default(), &object).await?;

    let mut spec = pod_spec(world.scene.cluster.capabilities());
    spec["priorityClassName"] = json!(class);
    spec["nodeSelector"] = json!({"kubernetes.io/hostname": place});
    spec["affinity"] = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": {"matchLabels": {"statefulset.kubernetes.io/pod-name": pod}},
    }]}});
    let manifest = json!({"metadata": {"name": "important"}, "spec": spec});
    world.create(Kind::Pod, manifest).await?;
    world.sees_the_end(Kind::Pod, &pod).await;
    Ok(())
}
