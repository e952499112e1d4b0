use std::{collections::BTreeSet, sync::Mutex};

use serde_json::Value;

use k8s_openapi::api::apps::v1::ControllerRevision;

use super::*;
use crate::{
    controller::{
        claim::{Needs, References},
        plan::{RepairPod, Waiting},
        pod::{self, Repair},
        revision::{data, encode},
        set::{Set, Strategy},
        twist::Effect,
    },
    sets::REVISION_LABEL,
};

pub(super) const ALL: &[Mutant] = &[
    mutant(
        "updates-from-the-bottom",
        "replaces the lowest pods of a rolling update first",
        &["upd-reverse-order", "part-phased", "inv-update-victim"],
        || Arc::new(FromTheBottom),
    ),
    mutant(
        "updates-all-at-once",
        "replaces all pods of a rolling update at once",
        &[
            "upd-one-at-a-time",
            "upd-parallel-updates-sequential",
            "maxu-bound",
            "inv-budget-default",
            "inv-budget",
        ],
        || Arc::new(AllAtOnce),
    ),
    mutant(
        "does-not-wait-for-ready",
        "goes on with a rolling update when the new pod exists",
        &[
            "upd-wait-running-ready",
            "upd-wait-available",
            "upd-stuck-broken",
            "inv-budget-default",
        ],
        || Arc::new(DoesNotWaitForReady),
    ),
    mutant(
        "updates-on-delete-anyway",
        "replaces pods although the strategy is OnDelete",
        &[
            "ond-no-auto",
            "ond-manual",
            "ond-failed-pod",
            "inv-ondelete",
        ],
        || Arc::new(UpdatesOnDeleteAnyway),
    ),
    mutant(
        "on-delete-keeps-the-revision",
        "brings a deleted pod back as it was although the strategy is OnDelete",
        &["ond-manual", "ond-scale-up", "ond-failed-pod"],
        || Arc::new(OnDeleteKeepsTheRevision),
    ),
    mutant(
        "forgets-the-partition",
        "updates a set as if it had no partition",
        &[
            "part-none",
            "part-canary",
            "part-phased",
            "part-not-complete",
            "inv-partition",
        ],
        || Arc::new(ForgetsThePartition),
    ),
    mutant(
        "forgets-the-partition-on-recreation",
        "brings a lost pod below the partition back at the new revision",
        &[
            "rec-revision-below-partition",
            "part-restore",
            "part-raise-no-revert",
            "scale-revision-of-new-pods",
            "upd-deleted-pod-mid-update",
            "upd-no-block-legacy",
            "inv-partition",
        ],
        || Arc::new(ForgetsThePartitionOnRecreation),
    ),
    mutant(
        "restarts-on-label-edit",
        "takes the set's own labels for a part of the template",
        &["upd-no-trigger", "rev-data-restores"],
        || Arc::new(RestartsOnLabelEdit),
    ),
    mutant(
        "patches-live-pods",
        "changes the image of a live pod instead of replacing it",
        &["upd-recreate-not-mutate", "upd-reverse-order"],
        || Arc::new(PatchesLivePods),
    ),
    mutant(
        "never-updates",
        "never replaces a pod because of a new template",
        &[
            "upd-reverse-order",
            "part-canary",
            "part-zero-completes",
            "ond-switch",
            "upd-rollout-restart",
            "upd-trigger-template",
            "id-revision-label-tamper",
        ],
        || Arc::new(NeverUpdates),
    ),
    mutant(
        "ignores-unready-lower",
        "goes on with a rolling update of an ordered set although a pod below is not Ready",
        &["upd-blocked-by-unready-lower", "inv-budget-default"],
        || Arc::new(IgnoresUnreadyLower),
    ),
    mutant(
        "updates-before-scaling",
        "replaces pods of an ordered set while condemned ones are left",
        &["scale-before-update", "inv-update-victim"],
        || Arc::new(UpdatesBeforeScaling),
    ),
    mutant(
        "new-revision-on-rollback",
        "makes a new revision of a template that it has one of",
        &[
            "upd-rollback-reuse",
            "rev-dedupe",
            "part-rollback",
            "inv-path-independent",
        ],
        || Arc::new(NewRevisionOnRollback),
    ),
    mutant(
        "rollback-keeps-the-number",
        "goes back to an older revision without raising its number",
        &["upd-rollback-reuse", "rev-monotonic"],
        || Arc::new(RollbackKeepsTheNumber),
    ),
    mutant(
        "history-without-end",
        "never deletes a revision",
        &["rev-limit", "rev-limit-zero", "rev-limit-mutable"],
        || Arc::new(HistoryWithoutEnd),
    ),
    mutant(
        "ignores-max-unavailable",
        "replaces one pod at a time whatever maxUnavailable says",
        &[
            "maxu-percent-floor",
            "maxu-over-replicas",
            "maxu-ordered-batch",
            "maxu-parallel-window",
            "maxu-parallel-broken-first",
            "upd-parallel-not-strict-order",
        ],
        || Arc::new(IgnoresMaxUnavailable),
    ),
    mutant(
        "repairs-broken-rollouts",
        "replaces pods of older revisions that run and are not Ready, whatever comes before them",
        &["upd-stuck-revert-insufficient", "upd-stuck-initial"],
        || Arc::new(RepairsBrokenRollouts),
    ),
    mutant(
        "deletes-in-vain",
        "replaces pods of older revisions while another one of the range is missing",
        &["upd-quota-denied", "inv-budget"],
        || Arc::new(DeletesInVain),
    ),
    mutant(
        "reverts-below-the-partition",
        "takes back the update of pods that a raised partition holds back",
        &["part-raise-no-revert"],
        || Arc::new(RevertsBelowThePartition),
    ),
    mutant(
        "restarts-on-any-edit",
        "takes every field of the set for a part of the template",
        &["upd-no-trigger", "upd-noop-apply"],
        || Arc::new(RestartsOnAnyEdit),
    ),
    mutant(
        "updates-around-the-unready",
        "goes on with the highest pod that is well while others are not",
        &[
            "scale-before-update",
            "upd-blocked-by-unready-lower",
            "inv-update-victim",
        ],
        || Arc::new(UpdatesAroundTheUnready),
    ),
    mutant(
        "brings-back-the-old-revision",
        "brings every lost pod back at the current revision",
        &["rec-revision-at-or-above", "upd-deleted-pod-mid-update"],
        || Arc::new(BringsBackTheOldRevision),
    ),
    mutant(
        "finishes-first",
        "takes no note of another template while a rollout is on its way",
        &["upd-mid-change", "upd-rollback-mid"],
        || Arc::new(FinishesFirst),
    ),
    mutant(
        "replaces-the-canary",
        "replaces pods of the new revision again when the partition falls",
        &["upd-skip-current", "part-phased", "inv-no-needless-delete"],
        || Arc::new(ReplacesTheCanary::default()),
    ),
    mutant(
        "numbers-all-alike",
        "gives every new revision the number 1",
        &["rev-monotonic"],
        || Arc::new(NumbersAllAlike),
    ),
];

/// It stays with the template of the update revision.
struct FinishesFirst;

impl Twist for FinishesFirst {
    fn template(&self, set: &Set, listed: &[Arc<ControllerRevision>], template: &mut Value) {
        let stored = &set.status;
        if stored.current_revision == stored.update_revision || set.is_deleting() {
            return;
        }
        let is_update = |revision: &&Arc<ControllerRevision>| {
            revision.metadata.name == stored.update_revision && revision.metadata.name.is_some()
        };
        if let Some(update) = listed.iter().find(is_update) {
            *template = update.data.0["spec"]["template"].clone();
            if let Value::Object(template) = template {
                template.remove("$patch");
            }
        }
    }
}

/// Pods that it replaced, by set, update revision, partition and name.
#[derive(Default)]
struct ReplacesTheCanary(Mutex<BTreeSet<String>>);

impl Twist for ReplacesTheCanary {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let Ok(mut replaced) = self.0.lock() else {
            return;
        };
        let (set, update) = (observed.set.uid(), &observed.revisions.update.name);
        let partition = partition(observed).unwrap_or_default();
        let key = |pod: &str| format!("{set} {update} {partition} {pod}");
        let lowest = observed.set.start().saturating_add(partition);
        let items = items(plan, About::Update);
        if !items.is_empty() && partition < observed.set.replicas() {
            let mut pods = in_range(observed);
            pods.retain(|pod| ordinal(observed, pod) >= Some(lowest));
            let next = pods
                .into_iter()
                .rfind(|pod| !replaced.contains(&key(name(pod))));
            if let Some(next) = next {
                replaced.insert(key(name(next)));
                *items = vec![delete(observed, next, Why::Outdated)];
            }
        }
    }
}

struct NumbersAllAlike;

impl Twist for NumbersAllAlike {
    fn revision(&self, _set: &Set, revision: &mut ControllerRevision) {
        revision.revision = Some(1);
    }
}

fn partition(observed: &Observed) -> Option<i32> {
    match observed.set.strategy() {
        Strategy::RollingUpdate(block) => Some(block.unwrap_or_default().partition),
        Strategy::OnDelete | Strategy::Recreate => None,
    }
}

/// Deletes of old pods at or above the partition, the lowest first.
fn victims(observed: &Observed) -> Vec<Item> {
    let old = partition(observed).map(|partition| old_from(observed, partition));
    let old = old.into_iter().flatten();
    old.map(|pod| delete(observed, pod, Why::Outdated))
        .collect()
}

/// The whole range is there and nothing is on its way out.
fn is_whole(observed: &Observed) -> bool {
    let pods = in_range(observed);
    pods.len() == observed.set.range().len()
        && condemned(observed).is_empty()
        && !pods.iter().any(|pod| is_terminating(pod))
}

struct FromTheBottom;

impl Twist for FromTheBottom {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let items = items(plan, About::Update);
        let count = items.len();
        *items = victims(observed).into_iter().take(count).collect();
    }
}

struct AllAtOnce;

impl Twist for AllAtOnce {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let items = items(plan, About::Update);
        if !items.is_empty() {
            *items = victims(observed).into_iter().rev().collect();
        }
    }
}

/// Of the top pods alone: one that is below the next to go still stops it.
struct DoesNotWaitForReady;

impl Twist for DoesNotWaitForReady {
    fn planned(&self, observed: &Observed, now: Timestamp, plan: &mut Plan) {
        let mut old = in_range(observed)
            .into_iter()
            .filter(|pod| is_old(observed, pod));
        let waits = matches!(
            plan.waiting,
            Some(Waiting::Ready(_) | Waiting::Available(_) | Waiting::Budget { .. })
        );
        if waits && is_whole(observed) && old.all(|pod| works(observed, pod, now)) {
            let highest = victims(observed).pop();
            let items = items(plan, About::Update);
            if items.is_empty() {
                items.extend(highest);
            }
        }
    }
}

struct UpdatesOnDeleteAnyway;

impl Twist for UpdatesOnDeleteAnyway {
    fn observed(&self, observed: &mut Observed) {
        if observed.set.strategy() == Strategy::OnDelete {
            set_partition(observed, 0);
        }
    }
}

struct OnDeleteKeepsTheRevision;

impl Twist for OnDeleteKeepsTheRevision {
    fn observed(&self, observed: &mut Observed) {
        if observed.set.strategy() == Strategy::OnDelete {
            let replicas = observed.set.replicas();
            set_partition(observed, replicas);
        }
    }
}

struct ForgetsThePartition;

impl Twist for ForgetsThePartition {
    fn observed(&self, observed: &mut Observed) {
        if partition(observed).is_some_and(|partition| partition > 0) {
            set_partition(observed, 0);
        }
    }
}

struct ForgetsThePartitionOnRecreation;

impl Twist for ForgetsThePartitionOnRecreation {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        for item in plan.stages.iter_mut().flat_map(|stage| &mut stage.items) {
            for step in &mut item.steps {
                if let Step::CreatePod(create) = step {
                    let update = &observed.revisions.update;
                    create.pod = pod::build(&observed.set, update, create.ordinal, observed.naming);
                }
            }
        }
    }
}

/// Sets without labels are not concerned.
struct RestartsOnLabelEdit;

impl Twist for RestartsOnLabelEdit {
    fn template(&self, set: &Set, _listed: &[Arc<ControllerRevision>], template: &mut Value) {
        let labels = &set.stored["metadata"]["labels"];
        if labels.is_object() {
            template["metadata"]["annotations"]["set-labels"] = encode(labels).into();
        }
    }
}

struct PatchesLivePods;

impl Twist for PatchesLivePods {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let template = observed.revisions.update.template.spec.as_ref();
        let images = template.map(|spec| {
            spec.containers
                .iter()
                .map(|container| container.image.clone())
        });
        let images: Vec<_> = images.into_iter().flatten().collect();
        let items = items(plan, About::Update);
        for item in items.iter_mut() {
            let Some(Step::DeletePod(delete)) = item.steps.pop() else {
                continue;
            };
            let found = observed.pods.iter().find(|pod| name(pod) == delete.name);
            let Some((pod, ordinal)) = found.and_then(|pod| Some((pod, ordinal(observed, pod)?)))
            else {
                continue;
            };
            let mut patched = Pod::clone(pod);
            let labels = patched.metadata.labels.get_or_insert_default();
            labels.insert(
                REVISION_LABEL.to_owned(),
                observed.revisions.update.name.clone(),
            );
            let containers = patched
                .spec
                .iter_mut()
                .flat_map(|spec| &mut spec.containers);
            containers
                .zip(&images)
                .for_each(|(container, image)| container.image.clone_from(image));
            item.steps.push(Step::RepairPod(Box::new(RepairPod {
                ordinal,
                without_owners: false,
                repair: Repair {
                    pod: patched,
                    needs: Needs::default(),
                    references: References::default(),
                },
            })));
        }
    }
}

struct NeverUpdates;

impl Twist for NeverUpdates {
    fn planned(&self, _observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        items(plan, About::Update).clear();
    }
}

/// Pods above the next to go still stop it.
struct IgnoresUnreadyLower;

impl Twist for IgnoresUnreadyLower {
    fn planned(&self, observed: &Observed, now: Timestamp, plan: &mut Plan) {
        let mut new = in_range(observed)
            .into_iter()
            .filter(|pod| !is_old(observed, pod));
        let all_new_work = new.all(|pod| works(observed, pod, now));
        if is_whole(observed) && all_new_work {
            let highest = victims(observed).pop();
            let items = items(plan, About::Update);
            if items.is_empty() {
                items.extend(highest);
            }
        }
    }
}

struct UpdatesBeforeScaling;

impl Twist for UpdatesBeforeScaling {
    fn planned(&self, observed: &Observed, now: Timestamp, plan: &mut Plan) {
        let condemned = condemned(observed);
        let is_whole = in_range(observed).len() == observed.set.range().len();
        let all_work = in_range(observed)
            .iter()
            .all(|pod| works(observed, pod, now));
        if !condemned.is_empty() && is_whole && all_work {
            items(plan, About::Condemned).clear();
            let highest = victims(observed).pop();
            if highest.is_some() {
                items(plan, About::Update).extend(highest);
            } else if let Some(highest) = condemned.iter().rfind(|pod| !is_terminating(pod)) {
                items(plan, About::Condemned).push(delete(observed, highest, Why::Condemned));
            }
        }
    }
}

/// Tells its own revisions of one template apart by an annotation in the template.
struct NewRevisionOnRollback;

impl NewRevisionOnRollback {
    const MARK: &str = "rolled-back";

    fn unmarked(data: &Value) -> (String, Option<Value>) {
        let mut data = data.clone();
        let metadata = &mut data["spec"]["template"]["metadata"];
        let mut mark = None;
        if let Some(annotations) = metadata
            .get_mut("annotations")
            .and_then(Value::as_object_mut)
        {
            mark = annotations.remove(Self::MARK);
            if annotations.is_empty()
                && let Value::Object(metadata) = metadata
            {
                metadata.remove("annotations");
            }
        }
        (encode(&data), mark)
    }
}

impl Twist for NewRevisionOnRollback {
    fn template(&self, _set: &Set, listed: &[Arc<ControllerRevision>], template: &mut Value) {
        let Some((newest, older)) = listed.split_last() else {
            return;
        };
        let wanted = encode(&data(template.clone()));
        let (newest, mark) = Self::unmarked(&newest.data.0);
        let mark = if newest == wanted {
            mark
        } else {
            let is_known = older
                .iter()
                .any(|revision| Self::unmarked(&revision.data.0).0 == wanted);
            let next = listed.iter().filter_map(|revision| revision.revision).max();
            is_known.then(|| next.unwrap_or_default().to_string().into())
        };
        if let Some(mark) = mark {
            template["metadata"]["annotations"][Self::MARK] = mark;
        }
    }
}

/// Sees the newest revision alone, and takes the one whose name turns out to be taken.
struct RollbackKeepsTheNumber;

impl Twist for RollbackKeepsTheNumber {
    fn listed(&self, _set: &Set, revisions: &mut Vec<Arc<ControllerRevision>>) {
        let older = revisions.len().saturating_sub(1);
        revisions.drain(..older);
    }
}

struct HistoryWithoutEnd;

impl Twist for HistoryWithoutEnd {
    fn effect(&self, effect: Effect<'_>) -> bool {
        !matches!(effect, Effect::DeleteRevision(_))
    }
}

struct IgnoresMaxUnavailable;

impl Twist for IgnoresMaxUnavailable {
    fn observed(&self, observed: &mut Observed) {
        observed.gates.max_unavailable = false;
    }
}

struct RevertsBelowThePartition;

impl Twist for RevertsBelowThePartition {
    fn planned(&self, observed: &Observed, now: Timestamp, plan: &mut Plan) {
        let Some(partition) = partition(observed) else {
            return;
        };
        let lowest = observed.set.start().saturating_add(partition);
        let pods = in_range(observed);
        let highest = pods.iter().rfind(|pod| {
            let revisions = &observed.revisions;
            ordinal(observed, pod).is_some_and(|ordinal| ordinal < lowest)
                && revision_of(pod) == revisions.update.name
                && revisions.update.name != revisions.current.name
        });
        let all_work = pods.iter().all(|pod| works(observed, pod, now));
        if let Some(highest) = highest.filter(|_| all_work && is_whole(observed)) {
            items(plan, About::Update).push(delete(observed, highest, Why::Outdated));
        }
    }
}

struct RestartsOnAnyEdit;

impl Twist for RestartsOnAnyEdit {
    fn template(&self, set: &Set, _listed: &[Arc<ControllerRevision>], template: &mut Value) {
        let mut all = set.stored["spec"].clone();
        all["template"] = Value::Null;
        all["labels"] = set.stored["metadata"]["labels"].clone();
        all["annotations"] = set.stored["metadata"]["annotations"].clone();
        template["metadata"]["annotations"]["set"] = encode(&all).into();
    }
}

struct UpdatesAroundTheUnready;

impl Twist for UpdatesAroundTheUnready {
    fn planned(&self, observed: &Observed, now: Timestamp, plan: &mut Plan) {
        let pods = in_range(observed);
        let is_busy = pods.iter().any(|pod| is_terminating(pod));
        let items = items(plan, About::Update);
        if items.is_empty() && !is_busy && pods.iter().any(|pod| !works(observed, pod, now)) {
            let old = partition(observed).map(|partition| old_from(observed, partition));
            let mut old = old.into_iter().flatten();
            let highest = old.rfind(|pod| works(observed, pod, now));
            items.extend(highest.map(|pod| delete(observed, pod, Why::Outdated)));
        }
    }
}

struct BringsBackTheOldRevision;

impl Twist for BringsBackTheOldRevision {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        for item in plan.stages.iter_mut().flat_map(|stage| &mut stage.items) {
            for step in &mut item.steps {
                if let Step::CreatePod(create) = step {
                    let current = &observed.revisions.current;
                    create.pod =
                        pod::build(&observed.set, current, create.ordinal, observed.naming);
                }
            }
        }
    }
}

struct RepairsBrokenRollouts;

impl Twist for RepairsBrokenRollouts {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let old = partition(observed).map(|partition| old_from(observed, partition));
        let old = old.into_iter().flatten();
        let broken = old.filter(|pod| !is_running_and_ready(pod));
        let deletes: Vec<_> = broken
            .map(|pod| delete(observed, pod, Why::Outdated))
            .collect();
        let items = items(plan, About::Update);
        if items.is_empty() {
            items.extend(deletes);
        }
    }
}

struct DeletesInVain;

impl Twist for DeletesInVain {
    fn planned(&self, observed: &Observed, now: Timestamp, plan: &mut Plan) {
        let pods = in_range(observed);
        let is_missing = pods.len() < observed.set.range().len();
        if is_missing && pods.iter().all(|pod| works(observed, pod, now)) {
            let highest = victims(observed).pop();
            items(plan, About::InRange).splice(0..0, highest);
        }
    }
}
