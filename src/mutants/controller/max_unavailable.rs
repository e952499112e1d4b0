use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::*;
use crate::controller::plan::max_unavailable;

pub(super) const ALL: &[Mutant] = &[
    mutant(
        "rounds-up",
        "rounds a percentage of pods that may be unavailable up",
        &["maxu-percent-floor", "inv-budget"],
        || Arc::new(RoundsUp),
    ),
    mutant(
        "looks-above-the-partition-only",
        "does not count unavailable pods below the partition",
        &["maxu-counts-below-partition", "inv-budget"],
        || Arc::new(LooksAboveThePartitionOnly),
    ),
    mutant(
        "forgets-who-is-leaving",
        "does not count terminating pods as unavailable",
        &["maxu-counts-terminating"],
        || Arc::new(ForgetsWhoIsLeaving),
    ),
    mutant(
        "forgets-who-is-new",
        "does not count pods of the new revision as unavailable",
        &["maxu-counts-updated-unready", "maxu-bound", "inv-budget"],
        || Arc::new(ForgetsWhoIsNew),
    ),
    mutant(
        "waits-for-the-whole-batch",
        "replaces the next pods of a parallel set only when all are available",
        &["maxu-parallel-window", "maxu-parallel-broken-first"],
        || Arc::new(WaitsForTheWholeBatch),
    ),
    mutant(
        "one-after-the-other",
        "replaces the next pod of an ordered set only when the one before is there again",
        &["maxu-ordered-batch", "maxu-over-replicas"],
        || Arc::new(OneAfterTheOther),
    ),
    mutant(
        "scales-by-max-unavailable",
        "removes as many pods at once as may be unavailable",
        &["maxu-scale-unaffected", "scale-parallel-down"],
        || Arc::new(ScalesByMaxUnavailable),
    ),
];

fn set_budget(observed: &mut Observed, budget: usize) {
    let strategy = observed.set.spec.update_strategy.get_or_insert_default();
    if let Some(block) = &mut strategy.rolling_update {
        let budget = i32::try_from(budget).unwrap_or(i32::MAX);
        block.max_unavailable = Some(IntOrString::Int(budget));
    }
}

fn is_unready(pod: &Pod) -> bool {
    !is_running_and_ready(pod) || is_terminating(pod)
}

/// Gives room for each pod of the range that is not counted.
fn overlook(observed: &mut Observed, which: impl Fn(&Observed, &Pod) -> bool) {
    let overlooked = in_range(observed)
        .into_iter()
        .filter(|pod| is_unready(pod) && which(observed, pod))
        .count();
    let budget = max_unavailable(&observed.set);
    set_budget(observed, budget + overlooked);
}

struct RoundsUp;

impl Twist for RoundsUp {
    fn observed(&self, observed: &mut Observed) {
        let strategy = observed.set.spec.update_strategy.as_ref();
        let block = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
        let Some(IntOrString::String(text)) = block.and_then(|block| block.max_unavailable.clone())
        else {
            return;
        };
        let percent: usize = text.trim_end_matches('%').parse().unwrap_or_default();
        let replicas = usize::try_from(observed.set.replicas()).unwrap_or_default();
        set_budget(observed, (percent * replicas).div_ceil(100));
    }
}

struct LooksAboveThePartitionOnly;

impl Twist for LooksAboveThePartitionOnly {
    fn observed(&self, observed: &mut Observed) {
        let strategy = observed.set.spec.update_strategy.as_ref();
        let block = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
        let partition = block.and_then(|block| block.partition).unwrap_or(0);
        let lowest = observed.set.start().saturating_add(partition);
        overlook(observed, |observed, pod| {
            ordinal(observed, pod).is_some_and(|ordinal| ordinal < lowest)
        });
    }
}

struct ForgetsWhoIsLeaving;

impl Twist for ForgetsWhoIsLeaving {
    fn observed(&self, observed: &mut Observed) {
        if !observed.set.is_ordered() {
            overlook(observed, |_, pod| is_terminating(pod));
        }
    }
}

struct ForgetsWhoIsNew;

impl Twist for ForgetsWhoIsNew {
    fn observed(&self, observed: &mut Observed) {
        overlook(observed, |observed, pod| {
            revision_of(pod) == observed.revisions.update.name
        });
    }
}

struct WaitsForTheWholeBatch;

impl Twist for WaitsForTheWholeBatch {
    fn planned(&self, observed: &Observed, now: Timestamp, plan: &mut Plan) {
        let pods = in_range(observed);
        let is_whole = pods.len() == observed.set.range().len()
            && pods.iter().all(|pod| works(observed, pod, now));
        if !observed.set.is_ordered() && !is_whole {
            items(plan, About::Update).clear();
        }
    }
}

struct OneAfterTheOther;

impl Twist for OneAfterTheOther {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        if observed.set.is_ordered() {
            items(plan, About::Update).truncate(1);
        }
    }
}

struct ScalesByMaxUnavailable;

impl Twist for ScalesByMaxUnavailable {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let budget = max_unavailable(&observed.set);
        let condemned = condemned(observed);
        let items = items(plan, About::Condemned);
        if items.iter().all(|item| item.steps.is_empty()) {
            return;
        }
        let gone = condemned.iter().filter(|pod| is_terminating(pod)).count();
        let live = condemned.iter().rev().filter(|pod| !is_terminating(pod));
        *items = live
            .take(budget.saturating_sub(gone))
            .map(|pod| delete(observed, pod, Why::Condemned))
            .collect();
    }
}
