//! What a set has come to depends on what was asked for last, and not on the way there.

use std::collections::BTreeMap;

use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::Pod};
use serde_json::{Value, json};

use super::{Judging, Tally};
use crate::{
    evidence::{Kind, Strategy, Wanted},
    sets,
};

/// What a set had come to at one time.
struct End {
    life: usize,
    point: usize,
    generation: i64,
    shape: Value,
}

/// `inv-path-independent`
pub fn independent(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    let index = judging.index;
    let mut ends: BTreeMap<String, End> = BTreeMap::new();
    for (number, life) in index.lives().iter().enumerate() {
        for calm in judging.calms(number).iter().filter(|calm| calm.settled) {
            let Some(set) = index.set(number, calm.point) else {
                continue;
            };
            let Some(shape) = shape(judging, number, calm.point, set) else {
                continue;
            };
            // Another namespace may have other defaults, and what somebody changed by hand is nobody's end.
            let by_hand = [Kind::Pod, Kind::Revision]
                .iter()
                .any(|kind| judging.meddled(number, *kind));
            if by_hand {
                tally.vacuous();
                continue;
            }
            let wanted = format!("{}/{} {}", life.namespace, life.name, wish(set));
            let end = End {
                life: number,
                point: calm.point,
                generation: set.metadata.generation.unwrap_or_default(),
                shape,
            };
            let Some(first) = ends.get(&wanted) else {
                ends.insert(wanted, end);
                continue;
            };
            if first.life == end.life && first.generation == end.generation {
                tally.vacuous();
            } else if first.shape == end.shape {
                tally.strict();
            } else {
                let seen = format!(
                    "twice the set was settled with one spec: after its generation {} it had come to {}, after generation {} to {}",
                    first.generation, first.shape, end.generation, end.shape
                );
                tally.violated(number, end.point, &[Kind::Pod, Kind::Revision], seen);
            }
        }
    }
}

/// The spec, but for how much of the past is kept.
fn wish(set: &StatefulSet) -> Value {
    let mut spec = serde_json::to_value(&set.spec).unwrap_or_default();
    if let Some(spec) = spec.as_object_mut() {
        spec.remove("revisionHistoryLimit");
    }
    spec
}

/// The pods, and the data of the update revision; none where the update is not complete, or need not be.
fn shape(judging: &Judging<'_>, life: usize, point: usize, set: &StatefulSet) -> Option<Value> {
    let index = judging.index;
    let wanted = Wanted::of(set);
    let status = set.status.as_ref()?;
    let update = status.update_revision.as_deref()?;
    let rolls = wanted.strategy == Strategy::RollingUpdate && wanted.partition == 0;
    if !rolls || status.current_revision.as_deref() != Some(update) {
        return None;
    }
    let pods = index.claimed(life, point);
    let is_well = |pod: &&Pod| sets::is_running_and_ready(pod) && sets::revision_of(pod) == update;
    if !pods.iter().all(is_well) {
        return None;
    }
    let namespace = index.lives()[life].namespace;
    let revision = index.object(Kind::Revision, namespace, update, point)?;
    let data = revision.object.as_revision()?.data.0.clone();
    let pods: BTreeMap<String, Value> = pods
        .into_iter()
        .map(|pod| (pod.metadata.name.clone().unwrap_or_default(), looks(pod)))
        .collect();
    Some(json!({ "pods": pods, "revision": data }))
}

/// What of a pod its set decides. Nodes and admission add to the rest.
fn looks(pod: &Pod) -> Value {
    let spec = pod.spec.as_ref();
    let containers = spec.map(|spec| spec.containers.as_slice());
    let containers: Vec<Value> = containers
        .unwrap_or_default()
        .iter()
        .map(|container| {
            json!({
                "name": container.name, "image": container.image, "command": container.command,
                "env": container.env, "resources": container.resources,
            })
        })
        .collect();
    json!({
        "hostname": spec.and_then(|spec| spec.hostname.as_ref()),
        "subdomain": spec.and_then(|spec| spec.subdomain.as_ref()),
        "containers": containers,
    })
}
