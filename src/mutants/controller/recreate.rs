use std::{collections::BTreeSet, sync::Mutex};

use k8s_openapi::api::apps::v1::{
    ControllerRevision, StatefulSetStatus, StatefulSetUpdateStrategy,
};
use serde_json::Value;

use super::*;
use crate::controller::{
    revision::encode,
    set::{Set, Strategy},
    status::{progressing, set_condition},
};

pub(super) const ALL: &[Mutant] = &[
    mutant(
        "recreates-by-rolling",
        "takes Recreate for a rolling update",
        &[
            "rcr-delete-all",
            "rcr-no-mix",
            "rcr-missing-not-filled",
            "rcr-replicas-edit-mid",
            "rcr-scale-with-template",
            "rcr-type-switch-mid-canary",
            "rcr-heals-stuck",
            "rcr-progressing",
            "rcr-progressing-message",
            "ret-recreate-claim-leak",
            "inv-recreate-mix",
        ],
        || Arc::new(RecreatesByRolling),
    ),
    mutant(
        "recreates-beside-old-pods",
        "creates new pods under Recreate while old ones are left",
        &[
            "rcr-no-mix",
            "rcr-missing-not-filled",
            "rcr-replicas-edit-mid",
            "inv-recreate-mix",
        ],
        || Arc::new(RecreatesBesideOldPods),
    ),
    mutant(
        "recreates-all-at-once",
        "creates all pods of an ordered set at once under Recreate",
        &["rcr-create-policy", "inv-create-gate"],
        || Arc::new(RecreatesAllAtOnce),
    ),
    mutant(
        "restarts-for-a-strategy",
        "takes the type of the update strategy for a part of the template",
        &["rcr-type-switch-inert", "ond-switch", "upd-no-trigger"],
        || Arc::new(RestartsForAStrategy),
    ),
    mutant(
        "recreates-in-silence",
        "never says that it recreates pods",
        &["rcr-progressing", "rcr-progressing-message"],
        || Arc::new(RecreatesInSilence),
    ),
    mutant(
        "progress-from-birth",
        "says of every set with Recreate that it was recreated",
        &["rcr-initial-no-condition"],
        || Arc::new(ProgressFromBirth),
    ),
    mutant(
        "recreates-to-the-end",
        "goes on with a recreation although the strategy is another one by now",
        &["rcr-strategy-edit-mid"],
        || Arc::new(RecreatesToTheEnd),
    ),
    mutant(
        "recreates-from-memory",
        "goes on only with a recreation that it remembers the beginning of",
        &["rcr-resume"],
        || Arc::new(RecreatesFromMemory::default()),
    ),
];

fn is_recreate(observed: &Observed) -> bool {
    observed.set.strategy() == Strategy::Recreate
}

fn set_type(observed: &mut Observed, kind: &str) {
    observed.set.spec.update_strategy = Some(StatefulSetUpdateStrategy {
        type_: Some(kind.to_owned()),
        rolling_update: None,
    });
}

/// The set's status says that a recreation is on its way.
fn is_progressing(observed: &Observed) -> bool {
    let conditions = observed.set.status.conditions.iter().flatten();
    let mut own = conditions.filter(|condition| condition.type_.as_deref() == Some("Progressing"));
    own.any(|condition| condition.status.as_deref() == Some("True"))
}

struct RecreatesByRolling;

impl Twist for RecreatesByRolling {
    fn observed(&self, observed: &mut Observed) {
        if is_recreate(observed) {
            set_partition(observed, 0);
        }
    }
}

struct RecreatesBesideOldPods;

impl Twist for RecreatesBesideOldPods {
    fn planned(&self, observed: &Observed, now: Timestamp, plan: &mut Plan) {
        let is_on_its_way = |stage: &Stage| stage.about == About::InRange;
        if !is_recreate(observed) || plan.stages.iter().any(is_on_its_way) {
            return;
        }
        let other = instead(observed, now, |observed| set_type(observed, "OnDelete"));
        let stages = other.map(|plan| plan.stages).unwrap_or_default();
        let creating = stages.into_iter().filter(is_on_its_way);
        plan.stages.extend(creating);
    }
}

struct RecreatesAllAtOnce;

impl Twist for RecreatesAllAtOnce {
    fn observed(&self, observed: &mut Observed) {
        if is_recreate(observed)
            && observed.revisions.current.name != observed.revisions.update.name
        {
            make_parallel(observed);
        }
    }
}

struct RestartsForAStrategy;

impl Twist for RestartsForAStrategy {
    fn template(&self, set: &Set, _listed: &[Arc<ControllerRevision>], template: &mut Value) {
        let kind = &set.stored["spec"]["updateStrategy"]["type"];
        template["metadata"]["annotations"]["strategy"] = encode(kind).into();
    }
}

struct RecreatesInSilence;

impl Twist for RecreatesInSilence {
    fn planned(&self, _observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        for stage in &mut plan.stages {
            stage.then = None;
        }
    }
}

struct ProgressFromBirth;

impl Twist for ProgressFromBirth {
    fn status(&self, observed: &Observed, status: &mut StatefulSetStatus) {
        let is_new = status.conditions.iter().flatten().next().is_none();
        if is_recreate(observed) && is_new {
            let done = progressing(
                false,
                "RecreateCompleted",
                "All pods recreated successfully",
            );
            // Any time will do, as long as it is the same in each sync.
            set_condition(&mut status.conditions, done, Timestamp::UNIX_EPOCH);
        }
    }
}

struct RecreatesToTheEnd;

impl Twist for RecreatesToTheEnd {
    fn observed(&self, observed: &mut Observed) {
        if is_progressing(observed) && !is_recreate(observed) {
            set_type(observed, "Recreate");
        }
    }
}

/// The update revisions that it began to bring about, with their sets.
#[derive(Default)]
struct RecreatesFromMemory(Mutex<BTreeSet<(String, String)>>);

impl Twist for RecreatesFromMemory {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let Ok(mut begun) = self.0.lock() else {
            return;
        };
        let update = observed.revisions.update.name.clone();
        let rollout = (observed.set.uid().to_owned(), update);
        if !is_recreate(observed) || rollout.1 == observed.revisions.current.name {
            return;
        }
        let old = in_range(observed)
            .into_iter()
            .filter(|pod| is_old(observed, pod));
        let is_whole = old.count() == observed.set.range().len();
        if is_whole && !is_progressing(observed) {
            begun.insert(rollout);
        } else if !begun.contains(&rollout) {
            plan.stages.clear();
        }
    }
}
