//! Eviction: a deletion that the pod's disruption budget may refuse.

mod budget;

use serde_json::{Value, json};

use super::success;
use crate::mini::api::{
    Status, meta, resources,
    selector::Labels,
    server::State,
    store::{Object, Transaction},
    verbs::{Call, DeleteOptions, Done, Expected, Options, decode, delete, meant},
};

use budget::Allowance;

const EVICTION: Expected = Expected {
    group: "policy",
    version: "v1",
    kind: "Eviction",
    group_kind: "policy/Eviction",
};

pub(super) fn create(state: &State, call: &Call) -> Result<Done, Status> {
    let target = &call.target;
    let options = Options::of(state, call, "CreateOptions")?;
    let (eviction, warnings) = decode(
        &EVICTION,
        &call.content_type,
        &call.body,
        options.validation,
    )?;
    let name = target.name();
    if meta::text(&eviction, "name") != name {
        return Err(Status::bad_request(
            "name in URL does not match name in Eviction object",
        ));
    }
    let mut deletion = DeleteOptions::from_object(&eviction["deleteOptions"], options.now)?;
    deletion.dry_run |= options.dry_run;
    let mut tx = state.store.begin(deletion.dry_run);
    let pod = tx
        .get(target.resource, target.namespace(), name)
        .ok_or_else(|| Status::not_found("", "pods", name))?;
    if !needs_no_budget(&pod) {
        take_from_budget(&mut tx, &pod, &options)?;
    }
    if !deletion.dry_run {
        meant(target.resource, &pod, &deletion)?;
        tx.put(target.resource, announced(&pod, &options.stamp()));
        // The version that the client named is the one before this write.
        deletion.version = None;
    }
    delete(
        &mut tx,
        target.resource,
        target.namespace(),
        name,
        &deletion,
    )?;
    Ok(Done {
        warnings,
        ..success()
    })
}

/// The pod serves nobody, so nothing is disrupted.
fn needs_no_budget(pod: &Value) -> bool {
    meta::is_terminating(pod)
        || matches!(
            meta::at(pod, "/status/phase"),
            "Succeeded" | "Failed" | "Pending"
        )
}

fn take_from_budget(
    tx: &mut Transaction<'_>,
    pod: &Object,
    options: &Options,
) -> Result<(), Status> {
    let budgets = resources::named("policy", "poddisruptionbudgets");
    let mut matching = tx.list(budgets, Some(meta::text(pod, "namespace")));
    matching.retain(|budget| {
        let selector = Labels::of(&budget["spec"]["selector"]);
        selector.is_ok_and(|selector| selector.matches(pod))
    });
    let budget = match matching.as_slice() {
        [] => return Ok(()),
        [one] => one,
        _ => {
            let text = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
            return Err(Status::new(500, "", text));
        }
    };
    match budget::allowance(budget, pod, &options.stamp())? {
        Allowance::Free => {}
        Allowance::Taken(budget) => {
            tx.put(budgets, budget);
        }
    }
    Ok(())
}

/// The pod says that it is evicted, before it is deleted.
fn announced(pod: &Value, now: &str) -> Value {
    let mut pod = pod.clone();
    let conditions = pod["status"]["conditions"].as_array().cloned();
    let mut conditions = conditions.unwrap_or_default();
    conditions.retain(|condition| condition["type"] != "DisruptionTarget");
    conditions.push(json!({
        "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting", "lastProbeTime": null, "lastTransitionTime": now,
    }));
    pod["status"]["conditions"] = conditions.into();
    pod
}
