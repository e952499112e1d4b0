//! Deployments, ReplicaSets, and the scale of all workloads.

use serde_json::Value;

use super::{
    field::{Faults, Field},
    go, metadata, selector,
    stateful_set::{
        at_most, at_most_all, collisions, count_or_percent, percent_or_count, pod_template,
    },
};

/// A new Deployment or ReplicaSet.
pub(super) fn create(group_kind: &str, object: &Field<'_>, faults: &mut Faults) {
    metadata::create(group_kind, object, faults);
    spec(group_kind, &object.get("spec"), faults);
}

/// A changed Deployment or ReplicaSet.
pub(super) fn update(group_kind: &str, old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    metadata::update(group_kind, old, new, faults);
    spec(group_kind, &new.get("spec"), faults);
    let selector = |object: &Field<'_>| object.value["spec"]["selector"].clone();
    let (before, after) = (selector(old), selector(new));
    let spec = new.get("spec");
    let (before, after) = (spec.at("selector", &before), spec.at("selector", &after));
    selector::immutable(&before, &after, faults);
}

fn spec(group_kind: &str, spec: &Field<'_>, faults: &mut Faults) {
    let deployment = group_kind == "apps/Deployment";
    faults.not_negative(&spec.get("replicas"));
    if !deployment {
        faults.not_negative(&spec.get("minReadySeconds"));
    }
    let empty = "empty selector is invalid for deployment";
    if let Some(labels) = selector::of_workload(spec, empty, "invalid label selector", faults) {
        let template = spec.get("template");
        selector::template(&template, &labels, faults);
        pod_template(&template, faults);
        let pod = template.get("spec");
        faults.one_of(&pod.get("restartPolicy"), &["Always"]);
        if pod.get("activeDeadlineSeconds").is_set() {
            let text = "activeDeadlineSeconds in ReplicaSet is not Supported";
            faults.forbidden(&pod.get("activeDeadlineSeconds"), text);
        }
    }
    if deployment {
        rollout(spec, faults);
    }
}

fn rollout(spec: &Field<'_>, faults: &mut Faults) {
    strategy(&spec.get("strategy"), faults);
    let least = spec.get("minReadySeconds");
    faults.not_negative(&least);
    faults.not_negative(&spec.get("revisionHistoryLimit"));
    let deadline = spec.get("progressDeadlineSeconds");
    if deadline.is_set() {
        faults.not_negative(&deadline);
        if deadline.number() <= least.number() {
            faults.invalid(&deadline, "must be greater than minReadySeconds");
        }
    }
}

fn strategy(strategy: &Field<'_>, faults: &mut Faults) {
    let block = strategy.get("rollingUpdate");
    match strategy.get("type").text() {
        "Recreate" if block.is_set() => {
            faults.forbidden(
                &block,
                "may not be specified when strategy `type` is 'Recreate'",
            );
        }
        "Recreate" => {}
        "RollingUpdate" if !block.is_set() => {
            faults.required(&block, "this should be defaulted and never be nil");
        }
        "RollingUpdate" => {
            let (unavailable, surge) = (block.get("maxUnavailable"), block.get("maxSurge"));
            count_or_percent(&unavailable, faults);
            count_or_percent(&surge, faults);
            if percent_or_count(&unavailable) == 0 && percent_or_count(&surge) == 0 {
                faults.invalid(&unavailable, "may not be 0 when `maxSurge` is 0");
            }
            at_most_all(&unavailable, faults);
        }
        _ => faults.0.push(crate::mini::api::Cause {
            reason: "FieldValueNotSupported",
            field: strategy.path.clone(),
            message: format!(
                "Unsupported value: {}: supported values: \"Recreate\", \"RollingUpdate\"",
                go::deployment_strategy(strategy.value)
            ),
        }),
    }
}

/// A changed status of a Deployment or ReplicaSet.
pub(super) fn status(group_kind: &str, old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    metadata::update(group_kind, old, new, faults);
    let (before, status) = (old.get("status"), new.get("status"));
    let get = |field: &str| status.get(field);
    let deployment = group_kind == "apps/Deployment";
    let (counters, parts): (&[&str], &[&str]) = if deployment {
        (
            &[
                "observedGeneration",
                "replicas",
                "updatedReplicas",
                "readyReplicas",
                "availableReplicas",
                "unavailableReplicas",
                "terminatingReplicas",
                "collisionCount",
            ],
            &["updatedReplicas", "readyReplicas", "availableReplicas"],
        )
    } else {
        (
            &[
                "replicas",
                "fullyLabeledReplicas",
                "readyReplicas",
                "availableReplicas",
                "observedGeneration",
                "terminatingReplicas",
            ],
            &["fullyLabeledReplicas", "readyReplicas", "availableReplicas"],
        )
    };
    for field in counters {
        faults.not_negative(&get(field));
    }
    for field in parts {
        at_most(&get(field), &get("replicas"), "status.replicas", faults);
    }
    at_most(
        &get("availableReplicas"),
        &get("readyReplicas"),
        "readyReplicas",
        faults,
    );
    if deployment {
        collisions(&before, &status, faults);
    }
}

/// A Scale that is to be written.
pub(super) fn scale(scale: &Value, faults: &mut Faults) {
    faults.not_negative(&Field::root(scale).get("spec").get("replicas"));
}
