use k8s_openapi::api::apps::v1::ControllerRevision;
use serde_json::Value;

use super::*;
use crate::{
    controller::{set::Set, twist::Effect},
    sets::REVISION_LABEL,
};

/// What these do wrong shows only when something else goes wrong as well.
pub(super) const ALL: &[Mutant] = &[
    mutant(
        "deletes-failed-again",
        "deletes a pod that failed in every sync, also while it is being deleted",
        &["fail-with-finalizer"],
        || Arc::new(DeletesFailedAgain),
    ),
    mutant(
        "replaces-strange-pods",
        "replaces a pod that says it is Ready and does not run",
        &["fail-unknown-phase", "inv-no-needless-delete"],
        || Arc::new(ReplacesStrangePods),
    ),
    mutant(
        "replaces-waiting-pods",
        "replaces a Pending pod whose image cannot be had",
        &["fail-imagepull-kept", "inv-no-needless-delete"],
        || Arc::new(ReplacesWaitingPods),
    ),
    mutant(
        "forces-lost-pods",
        "removes pods by force that are being deleted and that nobody lets go",
        &["fail-node-unreachable-holds"],
        || Arc::new(ForcesLostPods),
    ),
    mutant(
        "creates-one-by-one",
        "creates the pods of a parallel set one after the other",
        &["ord-parallel-slow-start"],
        || Arc::new(CreatesOneByOne),
    ),
    mutant(
        "skips-blocked-pods",
        "goes on with a parallel set past a pod whose claim is being deleted",
        &["ord-parallel-batch-error-stops"],
        || Arc::new(SkipsBlockedPods),
    ),
    mutant(
        "deleting-set-keeps-its-template",
        "takes no note of the template of a set that is being deleted",
        &["rec-deleting-set-inert-revisions"],
        || Arc::new(DeletingSetKeepsItsTemplate),
    ),
    mutant(
        "forgets-names-in-the-template",
        "does not take a name in the template for a part of it",
        &["upd-trigger-template-name"],
        || Arc::new(ForgetsNamesInTheTemplate),
    ),
    mutant(
        "scales-down-first",
        "removes condemned pods before it makes up for lost ones",
        &["scale-parallel-quota-deadlock"],
        || Arc::new(ScalesDownFirst),
    ),
    mutant(
        "waits-for-all-condemned",
        "removes no condemned pod while another one is not Ready",
        &["scale-healthy-above-unready-condemned"],
        || Arc::new(WaitsForAllCondemned),
    ),
    mutant(
        "shortens-revision-labels",
        "cuts the label of a pod's revision to what a label can hold",
        &["id-name-too-long"],
        || Arc::new(ShortensRevisionLabels),
    ),
];

/// The pods of the range that are wanted gone although the plan does not say so.
fn also_delete<'a>(observed: &Observed, plan: &mut Plan, pods: impl Iterator<Item = &'a Arc<Pod>>) {
    let deletes: Vec<_> = pods.map(|pod| delete(observed, pod, Why::Failed)).collect();
    items(plan, About::InRange).extend(deletes);
}

fn phase(pod: &Pod) -> &str {
    let status = pod.status.as_ref();
    status
        .and_then(|status| status.phase.as_deref())
        .unwrap_or_default()
}

struct DeletesFailedAgain;

impl Twist for DeletesFailedAgain {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let pods = in_range(observed).into_iter();
        let failed = pods.filter(|pod| is_terminating(pod) && phase(pod) == "Failed");
        also_delete(observed, plan, failed);
    }
}

struct ReplacesStrangePods;

impl Twist for ReplacesStrangePods {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let pods = in_range(observed).into_iter();
        let strange = pods.filter(|pod| {
            is_available(pod, 0, Timestamp::MAX) && phase(pod) != "Running" && !is_terminating(pod)
        });
        also_delete(observed, plan, strange);
    }
}

struct ReplacesWaitingPods;

impl Twist for ReplacesWaitingPods {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let pods = in_range(observed).into_iter();
        let waits = |pod: &Pod| {
            let status = pod.status.as_ref();
            let containers = status.and_then(|status| status.container_statuses.as_ref());
            let mut containers = containers.into_iter().flatten();
            containers.any(|container| {
                let state = container.state.as_ref();
                let waiting = state.and_then(|state| state.waiting.as_ref());
                let reason = waiting.and_then(|waiting| waiting.reason.as_deref());
                reason == Some("ImagePullBackOff")
            })
        };
        let waiting = pods.filter(|pod| waits(pod) && !is_terminating(pod));
        also_delete(observed, plan, waiting);
    }
}

/// By its finalizers and without its node's word.
struct ForcesLostPods;

impl Twist for ForcesLostPods {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let pods = in_range(observed).into_iter();
        let lost = pods.filter(|pod| is_terminating(pod) && !is_running_and_ready(pod));
        also_delete(observed, plan, lost);
    }

    fn effect(&self, effect: Effect<'_>) -> bool {
        if let Effect::DeletePod(_, params) = effect {
            params.grace_period_seconds = Some(0);
        }
        true
    }
}

struct CreatesOneByOne;

impl Twist for CreatesOneByOne {
    fn planned(&self, _observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        for stage in &mut plan.stages {
            stage.run = Run::InOrder;
        }
    }
}

struct SkipsBlockedPods;

impl Twist for SkipsBlockedPods {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        if !observed.set.is_ordered() {
            drop_steps(
                plan,
                |step| matches!(step, Step::CreatePod(create) if !create.needs.terminating.is_empty()),
            );
        }
    }
}

struct DeletingSetKeepsItsTemplate;

impl Twist for DeletingSetKeepsItsTemplate {
    fn template(&self, set: &Set, listed: &[Arc<ControllerRevision>], template: &mut Value) {
        let last = listed.last().filter(|_| set.is_deleting());
        if let Some(known) = last.map(|last| &last.data.0["spec"]["template"]) {
            *template = known.clone();
            if let Value::Object(template) = template {
                template.remove("$patch");
            }
        }
    }
}

struct ForgetsNamesInTheTemplate;

impl Twist for ForgetsNamesInTheTemplate {
    fn template(&self, _set: &Set, _listed: &[Arc<ControllerRevision>], template: &mut Value) {
        if let Some(metadata) = template["metadata"].as_object_mut() {
            metadata.remove("name");
        }
    }
}

struct ScalesDownFirst;

impl Twist for ScalesDownFirst {
    fn planned(&self, _observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        plan.stages.sort_by_key(|stage| match stage.about {
            About::References => 0,
            About::Condemned => 1,
            _ => 2,
        });
    }
}

struct WaitsForAllCondemned;

impl Twist for WaitsForAllCondemned {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let condemned = condemned(observed);
        if condemned.len() > 1 && !condemned.iter().all(|pod| is_running_and_ready(pod)) {
            items(plan, About::Condemned).clear();
        }
    }
}

struct ShortensRevisionLabels;

impl Twist for ShortensRevisionLabels {
    fn pod(&self, _observed: &Observed, pod: &mut Pod) {
        let short: String = revision_of(pod).chars().take(63).collect();
        let labels = pod.metadata.labels.get_or_insert_default();
        labels.insert(REVISION_LABEL.to_owned(), short);
    }
}
