use std::sync::Mutex;

use super::*;

pub(super) const ALL: &[Mutant] = &[
    mutant(
        "no-create-gate",
        "creates all missing pods of an ordered set at once",
        &[
            "ord-gated-running-ready",
            "ord-one-unready-creation",
            "ord-higher-waits-for-lower",
            "ord-pending-unschedulable-halts",
            "ord-init-not-done-halts",
            "ord-readiness-gate-respected",
            "ord-gated-available",
            "ord-terminating-in-range-halts",
            "scale-up-order",
            "rec-mass-delete-ordered",
            "inv-create-gate",
        ],
        || Arc::new(NoCreateGate),
    ),
    mutant(
        "creates-from-the-top",
        "creates the highest missing pod of an ordered set first",
        &[
            "ord-create-ascending",
            "ord-lowest-gap-first",
            "ord-gated-running-ready",
            "inv-create-ascending",
            "inv-create-gate",
        ],
        || Arc::new(CreatesFromTheTop),
    ),
    mutant(
        "ignores-readiness",
        "takes every running pod for a Ready one",
        &[
            "ord-gated-running-ready",
            "ord-one-unready-creation",
            "ord-readiness-gate-respected",
            "scale-halt-unready-in-range",
            "upd-wait-running-ready",
            "upd-stuck-broken",
            "st-ready",
            "inv-create-gate",
        ],
        || Arc::new(IgnoresReadiness),
    ),
    mutant(
        "ignores-min-ready-seconds",
        "takes every Ready pod for an available one",
        &[
            "ord-gated-available",
            "upd-wait-available",
            "maxu-minready",
            "maxu-minready-window",
            "st-available",
            "st-available-live-edit",
            "inv-create-gate",
        ],
        || Arc::new(IgnoresMinReadySeconds),
    ),
    mutant(
        "parallel-is-ordered",
        "treats a parallel set as an ordered one",
        &[
            "ord-parallel-all-at-once",
            "ord-parallel-unready-no-block",
            "ord-parallel-one-sync",
            "scale-parallel-down",
            "scale-parallel-unready",
            "rec-mass-delete-parallel",
            "upd-parallel-heals",
        ],
        || Arc::new(ParallelIsOrdered),
    ),
    mutant(
        "ordered-is-parallel",
        "treats an ordered set as a parallel one",
        &[
            "ord-gated-running-ready",
            "ord-one-unready-creation",
            "ord-higher-waits-for-lower",
            "scale-up-order",
            "scale-down-sequential",
            "scale-halt-unready-in-range",
            "scale-before-update",
            "rec-mass-delete-ordered",
            "upd-blocked-by-unready-lower",
            "inv-create-gate",
            "inv-delete-single",
        ],
        || Arc::new(OrderedIsParallel),
    ),
    mutant(
        "overlooks-terminating",
        "does not see that a pod is being deleted",
        &[
            "scale-terminating-condemned-waits",
            "scale-down-sequential",
            "st-unready-terminating-current",
            "ord-terminating-in-range-halts",
            "inv-delete-single",
        ],
        || Arc::new(OverlooksTerminating),
    ),
    mutant(
        "refill-waits-for-higher",
        "brings a lost pod back only when all pods above it are Ready",
        &["ord-lower-refill-ignores-higher"],
        || Arc::new(RefillWaitsForHigher),
    ),
    mutant(
        "leaves-holes",
        "never fills a hole below a pod that is there",
        &[
            "rec-pod-deleted",
            "rec-middle-delete",
            "ord-lowest-gap-first",
        ],
        || Arc::new(LeavesHoles),
    ),
    mutant(
        "restarts-neighbours",
        "deletes all pods above a lost one before it brings that back",
        &[
            "rec-middle-delete",
            "rec-out-of-order-ready",
            "inv-no-needless-delete",
        ],
        || Arc::new(RestartsNeighbours),
    ),
    mutant(
        "renames-replacement",
        "gives the replacement of a lost pod another name",
        &[
            "rec-pod-deleted",
            "id-pod-name",
            "id-stable-across-recreate",
        ],
        || Arc::new(RenamesReplacement::default()),
    ),
    mutant(
        "keeps-failed-pods",
        "does not replace a pod that failed or ended",
        &[
            "fail-failed-recreated",
            "fail-succeeded-recreated",
            "fail-with-finalizer",
        ],
        || Arc::new(KeepsFailedPods),
    ),
    mutant(
        "deletes-crashing-pods",
        "replaces a pod whose containers restart and that is not Ready",
        &[
            "fail-crashloop-kept",
            "fail-unready-middle-no-cascade",
            "inv-no-needless-delete",
        ],
        || Arc::new(DeletesCrashingPods),
    ),
    mutant(
        "works-on-a-deleting-set",
        "goes on with a set that is being deleted",
        &[
            "rec-deleting-set-inert",
            "rec-foreground-no-recreate",
            "inv-no-create-deleting",
        ],
        || Arc::new(WorksOnADeletingSet),
    ),
    mutant(
        "ignores-start",
        "counts ordinals from 0 whatever the set says",
        &[
            "start-range",
            "start-increase",
            "start-set",
            "start-order",
            "inv-own-range",
        ],
        || Arc::new(IgnoresStart),
    ),
    mutant(
        "acts-past-terminating",
        "takes a pod of the range that is being deleted for a Ready one",
        &[
            "ord-terminating-in-range-halts",
            "fail-stuck-terminating-blocks",
        ],
        || Arc::new(ActsPastTerminating),
    ),
    mutant(
        "replaces-nobody",
        "never makes a pod a second time",
        &[
            "rec-pod-deleted",
            "rec-middle-delete",
            "ord-replacement-after-gone",
            "fail-failed-recreated",
            "fail-succeeded-recreated",
            "fail-evicted",
            "fail-preempted",
            "rec-force-delete",
            "upd-stuck-manual-delete",
        ],
        || Arc::new(ReplacesNobody::default()),
    ),
    mutant(
        "restarts-above-unready",
        "deletes all pods above one that runs and is not Ready",
        &[
            "rec-out-of-order-ready",
            "fail-unready-middle-no-cascade",
            "inv-no-needless-delete",
        ],
        || Arc::new(RestartsAboveUnready),
    ),
    mutant(
        "wants-a-service-name",
        "creates no pod of a set that names no Service",
        &["ord-service-name-empty"],
        || Arc::new(WantsAServiceName),
    ),
    mutant(
        "tries-once",
        "does not try again to create a pod that it could not create",
        &[
            "ord-create-failure-retries",
            "pvc-quota-denied",
            "pvc-protection-race",
            "pvc-terminating-blocks-pod",
            "own-name-squatter",
            "own-adopt-not-terminating",
            "own-recreated-set-uid",
            "own-release-name-conflict",
            "scale-parallel-quota-deadlock",
            "start-quota-deadlock",
            "upd-quota-denied",
            "rob-429-500",
            "rob-backoff-recovers",
            "ord-create-failure-backoff",
        ],
        || Arc::new(TriesOnce::default()),
    ),
    mutant(
        "mixes-up-namespaces",
        "creates no pod whose name a pod of another namespace bears",
        &["id-namespaces-isolated"],
        || Arc::new(MixesUpNamespaces::default()),
    ),
];

struct WantsAServiceName;

impl Twist for WantsAServiceName {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let service = observed.set.spec.service_name.as_deref();
        if service.unwrap_or_default().is_empty() {
            drop_steps(plan, creates);
        }
    }
}

/// Pods, by the UIDs of their sets and by name, that it tried to create and did not see since.
#[derive(Default)]
struct TriesOnce(Mutex<std::collections::BTreeSet<String>>);

impl Twist for TriesOnce {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let Ok(mut tried) = self.0.lock() else {
            return;
        };
        let key = |name: &str| format!("{} {name}", observed.set.uid());
        for pod in &observed.pods {
            tried.remove(&key(name(pod)));
        }
        drop_steps(plan, |step| match step {
            Step::CreatePod(create) => tried.contains(&key(name(&create.pod))),
            _ => false,
        });
        // Of an ordered set one pod is created in a sync, and of another one all are tried at once.
        let created = plan.steps().filter_map(|step| match step {
            Step::CreatePod(create) => Some(key(name(&create.pod))),
            _ => None,
        });
        tried.extend(created);
    }
}

/// The namespace in which each name was seen first.
#[derive(Default)]
struct MixesUpNamespaces(Mutex<std::collections::BTreeMap<String, String>>);

impl Twist for MixesUpNamespaces {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let Ok(mut homes) = self.0.lock() else {
            return;
        };
        let here = observed.set.namespace();
        for pod in &observed.pods {
            let home = homes.entry(name(pod).to_owned());
            home.or_insert_with(|| here.to_owned());
        }
        drop_steps(plan, |step| match step {
            Step::CreatePod(create) => {
                let home = homes.get(name(&create.pod));
                home.is_some_and(|home| home != here)
            }
            _ => false,
        });
    }
}

struct NoCreateGate;

impl Twist for NoCreateGate {
    fn planned(&self, observed: &Observed, now: Timestamp, plan: &mut Plan) {
        if let Some(mut other) = instead(observed, now, make_parallel) {
            *items(plan, About::InRange) = std::mem::take(items(&mut other, About::InRange));
        }
    }
}

struct CreatesFromTheTop;

impl Twist for CreatesFromTheTop {
    fn planned(&self, observed: &Observed, now: Timestamp, plan: &mut Plan) {
        if !observed.set.is_ordered() || !plan.steps().any(creates) {
            return;
        }
        drop_steps(plan, creates);
        let others = instead(observed, now, make_parallel);
        let all_work = in_range(observed)
            .iter()
            .all(|pod| works(observed, pod, now));
        let highest =
            others.and_then(|plan| plan.steps().filter(|step| creates(step)).last().cloned());
        if all_work && let Some(step) = highest {
            items(plan, About::InRange).push(step.into());
        }
    }
}

struct IgnoresReadiness;

impl Twist for IgnoresReadiness {
    fn observed(&self, observed: &mut Observed) {
        for pod in &mut observed.pods {
            let status = Arc::make_mut(pod).status.as_mut();
            let Some(status) = status.filter(|status| status.phase.as_deref() == Some("Running"))
            else {
                continue;
            };
            let conditions = status.conditions.iter_mut().flatten();
            let ready = conditions.filter(|condition| condition.type_ == "Ready");
            ready.for_each(|condition| condition.status = "True".to_owned());
        }
    }
}

struct IgnoresMinReadySeconds;

impl Twist for IgnoresMinReadySeconds {
    fn observed(&self, observed: &mut Observed) {
        observed.set.spec.min_ready_seconds = None;
    }
}

struct ParallelIsOrdered;

impl Twist for ParallelIsOrdered {
    fn observed(&self, observed: &mut Observed) {
        observed.set.spec.pod_management_policy = None;
    }
}

struct OrderedIsParallel;

impl Twist for OrderedIsParallel {
    fn observed(&self, observed: &mut Observed) {
        make_parallel(observed);
    }
}

/// A condemned pod that terminates is not seen at all, one that is wanted passes for a live one.
struct OverlooksTerminating;

impl Twist for OverlooksTerminating {
    fn observed(&self, observed: &mut Observed) {
        let condemned: Vec<_> = condemned(observed).into_iter().cloned().collect();
        let is_gone = |pod: &Arc<Pod>| is_terminating(pod) && condemned.contains(pod);
        observed.pods.retain(|pod| !is_gone(pod));
        for pod in &mut observed.pods {
            if is_terminating(pod) {
                Arc::make_mut(pod).metadata.deletion_timestamp = None;
            }
        }
    }
}

struct RefillWaitsForHigher;

impl Twist for RefillWaitsForHigher {
    fn planned(&self, observed: &Observed, now: Timestamp, plan: &mut Plan) {
        let pods = in_range(observed);
        drop_steps(plan, |step| match step {
            Step::CreatePod(create) => {
                let is_above = |pod: &&Arc<Pod>| ordinal(observed, pod) > Some(create.ordinal);
                let mut above = pods.iter().copied().filter(|pod| is_above(pod));
                above.any(|pod| !works(observed, pod, now))
            }
            _ => false,
        });
    }
}

struct LeavesHoles;

impl Twist for LeavesHoles {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let highest = in_range(observed)
            .last()
            .and_then(|pod| ordinal(observed, pod));
        drop_steps(plan, |step| match step {
            Step::CreatePod(create) => Some(create.ordinal) < highest,
            _ => false,
        });
    }
}

struct RestartsNeighbours;

impl Twist for RestartsNeighbours {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let created = plan.steps().find_map(|step| match step {
            Step::CreatePod(create) => Some(create.ordinal),
            _ => None,
        });
        let Some(created) = created else {
            return;
        };
        let above = in_range(observed).into_iter();
        let above =
            above.filter(|pod| ordinal(observed, pod) > Some(created) && !is_terminating(pod));
        let deletes: Vec<_> = above
            .map(|pod| delete(observed, pod, Why::Failed))
            .collect();
        items(plan, About::InRange).splice(0..0, deletes);
    }
}

/// Remembers whom it created.
#[derive(Default)]
struct RenamesReplacement(Mutex<std::collections::BTreeSet<String>>);

impl Twist for RenamesReplacement {
    fn pod(&self, observed: &Observed, pod: &mut Pod) {
        let key = format!("{} {}", observed.set.uid(), name(pod));
        let is_first = self.0.lock().is_ok_and(|mut created| created.insert(key));
        if !is_first {
            pod.metadata.name = Some(format!("{}-again", name(pod)));
        }
    }
}

struct KeepsFailedPods;

impl Twist for KeepsFailedPods {
    fn planned(&self, _observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        drop_steps(
            plan,
            |step| matches!(step, Step::DeletePod(delete) if delete.why == Why::Failed),
        );
    }
}

struct DeletesCrashingPods;

impl Twist for DeletesCrashingPods {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let restarts = |pod: &Pod| {
            let status = pod.status.as_ref();
            let containers = status.and_then(|status| status.container_statuses.as_ref());
            let mut containers = containers.into_iter().flatten();
            containers.any(|container| container.restart_count > 0)
        };
        let crashing = in_range(observed).into_iter();
        let crashing = crashing
            .filter(|pod| restarts(pod) && !is_running_and_ready(pod) && !is_terminating(pod));
        let deletes: Vec<_> = crashing
            .map(|pod| delete(observed, pod, Why::Failed))
            .collect();
        items(plan, About::InRange).extend(deletes);
    }
}

struct WorksOnADeletingSet;

impl Twist for WorksOnADeletingSet {
    fn observed(&self, observed: &mut Observed) {
        observed.set.meta.deletion_timestamp = None;
    }
}

struct IgnoresStart;

impl Twist for IgnoresStart {
    fn observed(&self, observed: &mut Observed) {
        observed.set.spec.ordinals = None;
    }
}

struct ActsPastTerminating;

impl Twist for ActsPastTerminating {
    fn observed(&self, observed: &mut Observed) {
        let range = observed.set.range();
        let set = observed.set.name().to_owned();
        for pod in &mut observed.pods {
            let is_in = ordinal_of(&set, name(pod)).is_some_and(|ordinal| range.contains(&ordinal));
            if is_in && is_terminating(pod) {
                let pod = Arc::make_mut(pod);
                pod.metadata.deletion_timestamp = None;
                let status = pod.status.get_or_insert_default();
                status.phase = Some("Running".to_owned());
                let conditions = status.conditions.iter_mut().flatten();
                let ready = conditions.filter(|condition| condition.type_ == "Ready");
                ready.for_each(|condition| condition.status = "True".to_owned());
            }
        }
    }
}

/// Remembers whom it created.
#[derive(Default)]
struct ReplacesNobody(Mutex<std::collections::BTreeSet<String>>);

impl Twist for ReplacesNobody {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let Ok(mut created) = self.0.lock() else {
            return;
        };
        let uid = observed.set.uid();
        created.extend(
            observed
                .pods
                .iter()
                .map(|pod| format!("{uid} {}", name(pod))),
        );
        drop_steps(plan, |step| match step {
            Step::CreatePod(create) => created.contains(&format!("{uid} {}", name(&create.pod))),
            _ => false,
        });
    }
}

struct RestartsAboveUnready;

impl Twist for RestartsAboveUnready {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let pods = in_range(observed);
        let runs = |pod: &Pod| {
            let status = pod.status.as_ref();
            status.and_then(|status| status.phase.as_deref()) == Some("Running")
        };
        let unready = pods
            .iter()
            .position(|pod| runs(pod) && !is_running_and_ready(pod) && !is_terminating(pod));
        let Some(unready) = unready else {
            return;
        };
        let above = pods[unready + 1..].iter();
        let deletes: Vec<_> = above
            .filter(|pod| !is_terminating(pod))
            .map(|pod| delete(observed, pod, Why::Failed))
            .collect();
        items(plan, About::InRange).extend(deletes);
    }
}
