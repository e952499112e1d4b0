use std::{collections::BTreeMap, sync::Mutex};

use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSetOrdinals};
use serde_json::Value;

use super::*;
use crate::{
    controller::{revision::encode, set::Set},
    sets::POD_INDEX_LABEL,
};

pub(super) const ALL: &[Mutant] = &[
    mutant(
        "begins-with-zero",
        "begins every set with ordinal 0",
        &[
            "start-range",
            "start-increase",
            "start-decrease",
            "start-set",
            "start-remove",
            "start-order",
            "start-scale-down",
            "start-labels-claims-dns",
        ],
        || Arc::new(BeginsWithZero),
    ),
    mutant(
        "start-of-birth",
        "goes on with the first ordinal that the set was created with",
        &[
            "start-increase",
            "start-decrease",
            "start-set",
            "start-remove",
            "ret-ordinal-shift",
        ],
        || Arc::new(StartOfBirth::default()),
    ),
    mutant(
        "index-within-the-range",
        "labels a pod with its place in the range instead of its ordinal",
        &["start-labels-claims-dns", "inv-identity-at-birth"],
        || Arc::new(IndexWithinTheRange),
    ),
    mutant(
        "keeps-pods-below-the-range",
        "leaves pods below the first ordinal alone",
        &["start-increase", "start-condemned-below", "start-set"],
        || Arc::new(KeepsPodsBelowTheRange),
    ),
    mutant(
        "restarts-for-another-start",
        "takes the first ordinal for a part of the template",
        &["start-no-rollout", "start-overlap-kept"],
        || Arc::new(RestartsForAnotherStart),
    ),
    mutant(
        "condemned-first",
        "deletes pods that are to leave before it creates others",
        &["start-increase-order", "start-quota-deadlock"],
        || Arc::new(CondemnedFirst),
    ),
    mutant(
        "partitions-by-ordinal",
        "counts a partition from ordinal 0 whatever the first ordinal is",
        &["part-start-ordinal", "part-start-shift", "inv-partition"],
        || Arc::new(PartitionsByOrdinal),
    ),
];

struct PartitionsByOrdinal;

impl Twist for PartitionsByOrdinal {
    fn observed(&self, observed: &mut Observed) {
        let start = observed.set.start();
        let strategy = observed.set.spec.update_strategy.as_mut();
        let block = strategy.and_then(|strategy| strategy.rolling_update.as_mut());
        if let Some(partition) = block.and_then(|block| block.partition.as_mut()) {
            *partition = partition.saturating_sub(start).max(0);
        }
    }
}

struct BeginsWithZero;

impl Twist for BeginsWithZero {
    fn observed(&self, observed: &mut Observed) {
        observed.set.spec.ordinals = None;
    }
}

/// The ordinals that each set had when it was first seen.
#[derive(Default)]
struct StartOfBirth(Mutex<BTreeMap<String, Option<StatefulSetOrdinals>>>);

impl Twist for StartOfBirth {
    fn observed(&self, observed: &mut Observed) {
        let Ok(mut first) = self.0.lock() else {
            return;
        };
        let ordinals = &mut observed.set.spec.ordinals;
        let known = first
            .entry(observed.set.meta.uid.clone().unwrap_or_default())
            .or_insert_with(|| ordinals.clone());
        ordinals.clone_from(known);
    }
}

struct IndexWithinTheRange;

impl Twist for IndexWithinTheRange {
    fn pod(&self, observed: &Observed, pod: &mut Pod) {
        let Some(ordinal) = ordinal(observed, pod) else {
            return;
        };
        let labels = pod.metadata.labels.get_or_insert_default();
        let index = ordinal - observed.set.start();
        labels.insert(POD_INDEX_LABEL.to_owned(), index.to_string());
    }
}

struct KeepsPodsBelowTheRange;

impl Twist for KeepsPodsBelowTheRange {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let is_below =
            |name: &str| ordinal_of(observed.set.name(), name) < Some(observed.set.start());
        drop_steps(
            plan,
            |step| matches!(step, Step::DeletePod(pod) if is_below(&pod.name)),
        );
    }
}

struct RestartsForAnotherStart;

impl Twist for RestartsForAnotherStart {
    fn template(&self, set: &Set, _listed: &[Arc<ControllerRevision>], template: &mut Value) {
        let ordinals = &set.stored["spec"]["ordinals"];
        template["metadata"]["annotations"]["ordinals"] = encode(ordinals).into();
    }
}

/// The highest of them, if none is on its way out.
struct CondemnedFirst;

impl Twist for CondemnedFirst {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let condemned = condemned(observed);
        if condemned.iter().any(|pod| is_terminating(pod)) {
            return;
        }
        if let Some(highest) = condemned.last() {
            plan.stages.insert(
                0,
                Stage {
                    about: About::Condemned,
                    run: Run::InOrder,
                    items: vec![delete(observed, highest, Why::Condemned)],
                    then: None,
                },
            );
        }
    }
}
