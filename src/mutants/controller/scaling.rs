use kube::api::DeleteParams;

use super::*;
use crate::controller::twist::Effect;

pub(super) const ALL: &[Mutant] = &[
    mutant(
        "scale-down-from-the-bottom",
        "removes the lowest condemned pod first",
        &[
            "scale-down-order",
            "scale-ordered-n-minus-one",
            "start-condemned-below",
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
        ],
        || Arc::new(KeepsCondemned),
    ),
    mutant(
        "force-deletes",
        "deletes pods without their grace period",
        &["scale-grace"],
        || Arc::new(ForceDeletes),
    ),
];

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
