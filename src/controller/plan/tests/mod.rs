//! Every rule of a plan as a table. Pods are written `ordinal:state@revision`, separated by spaces.
//!
//! States: `R` available, `Y` Ready but not yet available, `U` Running but not Ready, `P` Pending, `F` Failed,
//! `S` Succeeded; a `T` behind it: terminating. The revision is `new` unless said otherwise.

mod converge;
mod golden;
mod order;
mod random;
mod storage;
mod update;

use serde_json::{Value, json};

use super::*;
use crate::{
    controller::{pod, revision::Revision, set::tests::set},
    sets::{self, REVISION_LABEL},
};

/// 00:01:40 of the epoch.
const NOW: Timestamp = Timestamp::constant(100, 0);

fn revision(name: &str) -> Revision {
    let template = json!({
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "c", "image": name}]},
    });
    Revision {
        name: name.to_owned(),
        template: serde_json::from_value(template).expect("a template"),
    }
}

/// A set with minReadySeconds 10 that goes from revision `old` to `new`, with these fields of its specification and
/// these pods.
fn observed(spec: Value, pods: &str) -> Observed {
    let mut fields = json!({"minReadySeconds": 10});
    json_patch::merge(&mut fields, &spec);
    let mut observed = Observed {
        set: set(fields),
        revisions: Revisions {
            current: revision("old"),
            update: revision("new"),
            collision_count: 0,
        },
        pods: Vec::new(),
        claims: BTreeMap::new(),
        naming: sets::claim_name,
        gates: Gates::default(),
    };
    let pods = pods.split_whitespace();
    observed.pods = pods
        .map(|text| Arc::new(live(&observed.set, text)))
        .collect();
    observed
}

fn live(set: &Set, text: &str) -> Pod {
    let (place, name) = text.split_once('@').unwrap_or((text, "new"));
    let (ordinal, state) = place.split_once(':').expect("ordinal:state");
    let mut pod = pod::build(
        set,
        &revision(name),
        ordinal.parse().expect("an ordinal"),
        sets::claim_name,
    );
    let (phase, ready, since) = match state.trim_end_matches('T') {
        "R" => ("Running", "True", 10),
        "Y" => ("Running", "True", 95),
        "U" => ("Running", "False", 10),
        "P" => ("Pending", "False", 10),
        "F" => ("Failed", "False", 10),
        "S" => ("Succeeded", "False", 10),
        other => panic!("no state {other}"),
    };
    let since = Timestamp::from_second(since).expect("a time").to_string();
    let status = json!({
        "phase": phase,
        "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": since}],
    });
    pod.status = Some(serde_json::from_value(status).expect("a status"));
    pod.metadata.uid = Some(format!("uid-{ordinal}"));
    if state.ends_with('T') {
        pod.metadata.deletion_timestamp =
            Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(NOW));
    }
    pod
}

/// The steps of a plan in words, and what it waits for.
fn told(plan: &Plan) -> String {
    let mut words: Vec<String> = plan.steps().map(step).collect();
    if let Some(waiting) = &plan.waiting {
        words.push(match waiting {
            Waiting::Deletion => "wait deletion".to_owned(),
            Waiting::Gone(pod) => format!("wait gone {}", digits(pod)),
            Waiting::Ready(pod) => format!("wait ready {}", digits(pod)),
            Waiting::Available(pod) => format!("wait available {}", digits(pod)),
            Waiting::Claim(pod) => format!("wait claim {}", digits(pod)),
            Waiting::Budget {
                unavailable,
                budget,
            } => format!("wait {unavailable} of {budget}"),
        });
    }
    words.join(", ")
}

fn digits(pod: &str) -> &str {
    pod.rsplit('-').next().unwrap_or_default()
}

fn step(step: &Step) -> String {
    match step {
        Step::CreatePod(create) => {
            let labels = create.pod.metadata.labels.as_ref().expect("labels");
            format!("create {}@{}", create.ordinal, labels[REVISION_LABEL])
        }
        Step::DeletePod(delete) => format!("delete {}", digits(&delete.name)),
        Step::RepairPod(repair) => format!("repair {}", repair.ordinal),
        Step::CreateClaims(pod, _) => format!("claims {}", digits(name(pod))),
        Step::SetOwners(pod, _) => format!("owners {}", digits(name(pod))),
    }
}

fn name(pod: &Pod) -> &str {
    pod.metadata.name.as_deref().unwrap_or_default()
}

fn planned(observed: &Observed) -> Plan {
    plan(observed, NOW).expect("a plan")
}

/// Rows of specification, pods, and what is done.
fn check(rows: &[(Value, &str, &str)]) {
    for (spec, pods, expected) in rows {
        let plan = planned(&observed(spec.clone(), pods));
        assert_eq!(told(&plan), *expected, "{spec} with {pods}");
    }
}
