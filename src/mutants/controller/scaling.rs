use kube::api::DeleteParams;

use super::*;
use crate::controller::{
    ownership::{Claiming, selects},
    set::{Set, controller_of},
    twist::Effect,
};

pub(super) const ALL: &[Mutant] = &[
    mutant(
        "scale-down-from-the-bottom",
        "removes the lowest condemned pod first",
        &[
            "scale-down-order",
            "scale-ordered-n-minus-one",
            "start-condemned-below",
            "rec-scale-zero-then-delete",
            "inv-delete-top",
        ],
        || Arc::new(FromTheBottom),
    ),
    mutant(
        "scale-down-all-at-once",
        "removes all condemned pods of an ordered set at once",
        &["scale-down-sequential", "inv-delete-top"],
        || Arc::new(AllAtOnce),
    ),
    mutant(
        "ignores-unready-on-scale-down",
        "removes condemned pods of an ordered set although other pods are not Ready",
        &[
            "scale-halt-unready-in-range",
            "scale-halt-many-unready-condemned",
            "inv-delete-single",
        ],
        || Arc::new(IgnoresUnready),
    ),
    mutant(
        "keeps-condemned",
        "never scales down",
        &[
            "scale-down-order",
            "scale-to-zero-and-back",
            "scale-flap",
            "scale-parallel-down",
            "start-scale-down",
        ],
        || Arc::new(KeepsCondemned),
    ),
    mutant(
        "force-deletes",
        "deletes pods without their grace period",
        &["scale-grace"],
        || Arc::new(ForceDeletes),
    ),
    mutant(
        "keeps-unready-condemned",
        "removes no condemned pod of an ordered set that is not Ready",
        &["scale-one-unready-condemned-goes"],
        || Arc::new(KeepsUnreadyCondemned),
    ),
    mutant(
        "looks-at-the-cost",
        "does not remove a pod whose deletion is told to cost something",
        &["x-deletion-cost-ignored"],
        || Arc::new(LooksAtTheCost),
    ),
    mutant(
        "resurrects",
        "brings back pods below the highest condemned one",
        &["scale-no-resurrect", "inv-own-range"],
        || Arc::new(Resurrects),
    ),
    mutant(
        "condemns-others-pods",
        "scales down by the selector, whosever the pods are",
        &["own-overlapping-selectors"],
        || Arc::new(CondemnsOthersPods),
    ),
];

struct KeepsUnreadyCondemned;

impl Twist for KeepsUnreadyCondemned {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        if observed.set.is_ordered() {
            let pods = condemned(observed);
            let is_unready = |wanted: &str| {
                let mut pods = pods.iter();
                pods.any(|pod| name(pod) == wanted && !is_running_and_ready(pod))
            };
            items(plan, About::Condemned).retain(|item| {
                let mut steps = item.steps.iter();
                !steps.any(|step| matches!(step, Step::DeletePod(pod) if is_unready(&pod.name)))
            });
        }
    }
}

struct LooksAtTheCost;

impl Twist for LooksAtTheCost {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let costs = |wanted: &str| {
            let mut pods = observed.pods.iter().filter(|pod| name(pod) == wanted);
            pods.any(|pod| {
                let annotations = pod.metadata.annotations.as_ref();
                annotations.is_some_and(|annotations| {
                    annotations.contains_key("controller.kubernetes.io/pod-deletion-cost")
                })
            })
        };
        drop_steps(plan, |step| match step {
            Step::DeletePod(pod) => pod.why == Why::Condemned && costs(&pod.name),
            _ => false,
        });
    }
}

struct Resurrects;

impl Twist for Resurrects {
    fn observed(&self, observed: &mut Observed) {
        let condemned = condemned(observed);
        let highest = condemned.last().and_then(|pod| ordinal(observed, pod));
        let Some(wanted) = highest.map(|highest| highest + 1 - observed.set.start()) else {
            return;
        };
        let there = i32::try_from(condemned.len()).unwrap_or(i32::MAX);
        if observed.set.replicas() + there < wanted {
            observed.set.spec.replicas = Some(wanted);
        }
    }
}

/// Those of other names go first.
struct CondemnsOthersPods;

impl Twist for CondemnsOthersPods {
    fn claiming(&self, set: &Set, pod: &Pod, decided: Claiming) -> Claiming {
        let selector = set.selector();
        let is_selected = selector.is_ok_and(|selector| selects(&selector, &pod.metadata));
        match decided {
            Claiming::Ignore
                if is_selected
                    && controller_of(&pod.metadata).is_some()
                    && ordinal_of(set.name(), name(pod)).is_none() =>
            {
                Claiming::Keep
            }
            other => other,
        }
    }

    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let mut others = observed
            .pods
            .iter()
            .filter(|pod| ordinal(observed, pod).is_none() && !is_terminating(pod));
        let other = others.next_back().cloned();
        let items = items(plan, About::Condemned);
        if let Some(other) = other
            && items.iter().any(|item| !item.steps.is_empty())
        {
            *items = vec![delete(observed, &other, Why::Condemned)];
        }
    }
}

struct FromTheBottom;

impl Twist for FromTheBottom {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let condemned = condemned(observed).into_iter();
        let lowest_first = condemned.filter(|pod| !is_terminating(pod));
        let items = items(plan, About::Condemned);
        let count = items.iter().filter(|item| !item.steps.is_empty()).count();
        let deletes = lowest_first.take(count);
        *items = deletes
            .map(|pod| delete(observed, pod, Why::Condemned))
            .collect();
    }
}

struct AllAtOnce;

impl Twist for AllAtOnce {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let items = items(plan, About::Condemned);
        if items.iter().any(|item| !item.steps.is_empty()) {
            let all = condemned(observed).into_iter().rev();
            let live = all.filter(|pod| !is_terminating(pod));
            *items = live
                .map(|pod| delete(observed, pod, Why::Condemned))
                .collect();
        }
    }
}

/// One at a time all the same.
struct IgnoresUnready;

impl Twist for IgnoresUnready {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let condemned = condemned(observed);
        let is_busy = condemned.iter().any(|pod| is_terminating(pod));
        let items = items(plan, About::Condemned);
        if items.iter().all(|item| item.steps.is_empty())
            && !is_busy
            && let Some(highest) = condemned.last()
        {
            items.push(delete(observed, highest, Why::Condemned));
        }
    }
}

struct KeepsCondemned;

impl Twist for KeepsCondemned {
    fn planned(&self, _observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        items(plan, About::Condemned).clear();
    }
}

struct ForceDeletes;

impl Twist for ForceDeletes {
    fn effect(&self, effect: Effect<'_>) -> bool {
        if let Effect::DeletePod(_, params) = effect {
            *params = DeleteParams {
                grace_period_seconds: Some(0),
                ..params.clone()
            };
        }
        true
    }
}
