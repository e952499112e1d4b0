//! Defaults of the kinds that make pods from a template.

use serde_json::Value;

use super::{each, fill, inner, objects, pods};

fn template(spec: &mut Value) {
    pods::pod_spec(inner(inner(spec, "template"), "spec"));
}

pub(super) fn stateful_set(object: &mut Value) {
    let spec = inner(object, "spec");
    fill(spec, "replicas", 1);
    fill(spec, "podManagementPolicy", "OrderedReady");
    fill(spec, "revisionHistoryLimit", 10);
    let retention = inner(spec, "persistentVolumeClaimRetentionPolicy");
    fill(retention, "whenDeleted", "Retain");
    fill(retention, "whenScaled", "Retain");
    let strategy = inner(spec, "updateStrategy");
    if strategy.get("type").is_none() {
        strategy["type"] = "RollingUpdate".into();
        inner(strategy, "rollingUpdate");
    }
    if strategy["type"] == "RollingUpdate"
        && let Some(rolling) = strategy.get_mut("rollingUpdate")
    {
        fill(rolling, "partition", 0);
        fill(rolling, "maxUnavailable", 1);
    }
    template(spec);
    for claim in each(spec, "volumeClaimTemplates") {
        fill(claim, "apiVersion", "v1");
        fill(claim, "kind", "PersistentVolumeClaim");
        objects::claim(claim);
    }
}

pub(super) fn deployment(object: &mut Value) {
    let spec = inner(object, "spec");
    fill(spec, "replicas", 1);
    fill(spec, "revisionHistoryLimit", 10);
    fill(spec, "progressDeadlineSeconds", 600);
    let strategy = inner(spec, "strategy");
    fill(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate" {
        let rolling = inner(strategy, "rollingUpdate");
        fill(rolling, "maxUnavailable", "25%");
        fill(rolling, "maxSurge", "25%");
    }
    template(spec);
}

pub(super) fn replica_set(object: &mut Value) {
    let spec = inner(object, "spec");
    fill(spec, "replicas", 1);
    template(spec);
}

pub(super) fn daemon_set(object: &mut Value) {
    let spec = inner(object, "spec");
    fill(spec, "revisionHistoryLimit", 10);
    let strategy = inner(spec, "updateStrategy");
    fill(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate" {
        let rolling = inner(strategy, "rollingUpdate");
        fill(rolling, "maxUnavailable", 1);
        fill(rolling, "maxSurge", 0);
    }
    template(spec);
}
