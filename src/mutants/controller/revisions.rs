use k8s_openapi::api::apps::v1::ControllerRevision;

use super::*;
use crate::{
    controller::{
        revision::{HASH_LABEL, live},
        set::Set,
        twist::Effect,
    },
    sets::owner_uid,
};

pub(super) const ALL: &[Mutant] = &[
    mutant(
        "takes-what-is-taken",
        "takes a revision for the wanted one because it has the name",
        &["rev-collision", "rev-collision-count", "rev-hash-label"],
        || Arc::new(TakesWhatIsTaken),
    ),
    mutant(
        "shares-no-revision",
        "makes another revision where one of equal data that is not its own has the name",
        &["rev-collision-same-data"],
        || Arc::new(SharesNoRevision),
    ),
    mutant(
        "overlooks-old-words",
        "does not see revisions that leave out defaults",
        &["rev-semantic-equal", "x-server-defaults-drift"],
        || Arc::new(OverlooksOldWords),
    ),
    mutant(
        "names-revisions-otherwise",
        "puts a letter of its own before the hash in a revision's name",
        &["rev-name", "rev-hash-label"],
        || Arc::new(NamesRevisionsOtherwise),
    ),
    mutant(
        "labels-revisions-with-their-names",
        "labels a revision with its name in place of the hash",
        &["rev-hash-label"],
        || Arc::new(LabelsRevisionsWithTheirNames),
    ),
    mutant(
        "forgets-the-notes",
        "creates revisions without the annotations of the set",
        &["rev-annotations"],
        || Arc::new(ForgetsTheNotes),
    ),
    mutant(
        "revisions-without-owner",
        "creates revisions that nobody owns",
        &["rev-owner"],
        || Arc::new(RevisionsWithoutOwner),
    ),
    mutant(
        "leaves-orphan-revisions",
        "adopts no revision",
        &["rev-orphan-adopt", "rev-orphan-adopt-blocks-sync"],
        || Arc::new(LeavesOrphanRevisions),
    ),
    mutant(
        "takes-foreign-revisions",
        "treats revisions of others as its own if the selector selects them",
        &["rev-foreign-ignored"],
        || Arc::new(TakesForeignRevisions),
    ),
    mutant(
        "deletes-the-newest-first",
        "deletes the newest of the old revisions first",
        &["rev-limit"],
        || Arc::new(DeletesTheNewestFirst),
    ),
    mutant(
        "forgets-the-pods-revisions",
        "deletes revisions that only pods name",
        &["rev-limit-live-kept", "inv-rev-exists"],
        || Arc::new(ForgetsThePodsRevisions),
    ),
    mutant(
        "negative-is-none",
        "keeps no old revision where the limit is negative",
        &["rev-limit-negative"],
        || Arc::new(NegativeIsNone),
    ),
    mutant(
        "makes-lost-revisions-anew",
        "makes a lost revision under another name",
        &["rev-deleted-by-hand"],
        || Arc::new(MakesLostRevisionsAnew),
    ),
];

struct TakesWhatIsTaken;

impl Twist for TakesWhatIsTaken {
    fn takes(&self, _set: &Set, _revision: &ControllerRevision, _decided: bool) -> bool {
        true
    }
}

struct SharesNoRevision;

impl Twist for SharesNoRevision {
    fn takes(&self, set: &Set, revision: &ControllerRevision, decided: bool) -> bool {
        decided && owner_uid(revision) == Some(set.uid())
    }
}

struct OverlooksOldWords;

impl Twist for OverlooksOldWords {
    fn listed(&self, _set: &Set, revisions: &mut Vec<Arc<ControllerRevision>>) {
        let is_full =
            |data: &serde_json::Value| data.pointer("/spec/template/spec/dnsPolicy").is_some();
        revisions.retain(|revision| is_full(&revision.data.0));
    }
}

struct NamesRevisionsOtherwise;

impl Twist for NamesRevisionsOtherwise {
    fn revision(&self, set: &Set, revision: &mut ControllerRevision) {
        let prefix = format!("{}-", set.name());
        let name = revision.metadata.name.as_mut();
        if let Some(name) = name {
            *name = name.replacen(&prefix, &format!("{prefix}x"), 1);
        }
    }
}

struct LabelsRevisionsWithTheirNames;

impl Twist for LabelsRevisionsWithTheirNames {
    fn revision(&self, _set: &Set, revision: &mut ControllerRevision) {
        let name = revision.metadata.name.clone().unwrap_or_default();
        let labels = revision.metadata.labels.get_or_insert_default();
        labels.insert(HASH_LABEL.to_owned(), name);
    }
}

struct ForgetsTheNotes;

impl Twist for ForgetsTheNotes {
    fn revision(&self, _set: &Set, revision: &mut ControllerRevision) {
        revision.metadata.annotations = None;
    }
}

/// Nor does it adopt them afterwards.
struct RevisionsWithoutOwner;

impl Twist for RevisionsWithoutOwner {
    fn revision(&self, _set: &Set, revision: &mut ControllerRevision) {
        revision.metadata.owner_references = None;
    }

    fn effect(&self, effect: Effect<'_>) -> bool {
        LeavesOrphanRevisions.effect(effect)
    }
}

struct LeavesOrphanRevisions;

impl Twist for LeavesOrphanRevisions {
    fn effect(&self, effect: Effect<'_>) -> bool {
        !matches!(effect, Effect::AdoptRevision(_))
    }
}

struct TakesForeignRevisions;

impl Twist for TakesForeignRevisions {
    fn lists(&self, _set: &Set, _revision: &ControllerRevision, _decided: bool) -> bool {
        true
    }
}

/// The revisions in order that neither the status names nor one of these pods.
fn unused<'a>(
    set: &Set,
    sorted: &'a [Arc<ControllerRevision>],
) -> Vec<&'a Arc<ControllerRevision>> {
    let stored = &set.status;
    let update = sorted
        .last()
        .and_then(|newest| newest.metadata.name.as_deref());
    let named = live(stored.current_revision.as_deref(), update, []);
    let mut unused: Vec<_> = sorted.iter().collect();
    unused
        .retain(|revision| !named.contains(revision.metadata.name.as_deref().unwrap_or_default()));
    unused
}

struct DeletesTheNewestFirst;

impl Twist for DeletesTheNewestFirst {
    fn doomed<'a>(
        &self,
        set: &Set,
        sorted: &'a [Arc<ControllerRevision>],
        doomed: &mut Vec<&'a Arc<ControllerRevision>>,
    ) {
        let newest = unused(set, sorted).into_iter().rev();
        *doomed = newest.take(doomed.len()).collect();
    }
}

struct ForgetsThePodsRevisions;

impl Twist for ForgetsThePodsRevisions {
    fn doomed<'a>(
        &self,
        set: &Set,
        sorted: &'a [Arc<ControllerRevision>],
        doomed: &mut Vec<&'a Arc<ControllerRevision>>,
    ) {
        let unused = unused(set, sorted);
        let limit = set.spec.revision_history_limit.unwrap_or(10);
        let kept = usize::try_from(limit).unwrap_or(usize::MAX);
        let beyond = unused.len().saturating_sub(kept);
        *doomed = unused.into_iter().take(beyond).collect();
    }
}

struct NegativeIsNone;

impl Twist for NegativeIsNone {
    fn doomed<'a>(
        &self,
        set: &Set,
        sorted: &'a [Arc<ControllerRevision>],
        doomed: &mut Vec<&'a Arc<ControllerRevision>>,
    ) {
        if set
            .spec
            .revision_history_limit
            .is_some_and(|limit| limit < 0)
        {
            *doomed = unused(set, sorted);
        }
    }
}

struct MakesLostRevisionsAnew;

impl Twist for MakesLostRevisionsAnew {
    fn revision(&self, set: &Set, revision: &mut ControllerRevision) {
        if revision.metadata.name == set.status.update_revision
            && let Some(name) = &mut revision.metadata.name
        {
            name.push('b');
        }
    }
}
