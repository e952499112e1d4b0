use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use k8s_openapi::{
    api::{
        apps::v1::{ControllerRevision, StatefulSetPersistentVolumeClaimRetentionPolicy},
        core::v1::PersistentVolumeClaim,
    },
    apimachinery::pkg::apis::meta::v1::OwnerReference,
};
use serde_json::Value;

use super::*;
use crate::controller::{
    claim::{self, References},
    revision::encode,
    set::{Set, Strategy},
    twist::Effect,
};

pub(super) const ALL: &[Mutant] = &[
    mutant(
        "owners-after-the-pods",
        "puts the owners of claims right after it has deleted their pods",
        &["ret-scaled-ref-before-delete", "inv-ref-before-delete"],
        || Arc::new(OwnersAfterThePods),
    ),
    mutant(
        "claims-go-with-any-pod",
        "lets the claims of pods that stay go with them",
        &[
            "ret-scaled-no-ref-live",
            "ret-both-live",
            "ret-pod-restart-keeps",
            "ret-cancelled-scale-down",
            "ret-start-shift-back",
            "inv-ref-only-condemned",
        ],
        || {
            Arc::new(ClaimsGoWithAnyPod(|observed| {
                observed.set.retention().delete_with_pod
            }))
        },
    ),
    mutant(
        "recreates-claims-too",
        "lets claims go with the pods that Recreate deletes",
        &["rcr-claims-kept"],
        || {
            Arc::new(ClaimsGoWithAnyPod(|observed| {
                observed.set.strategy() == Strategy::Recreate
            }))
        },
    ),
    mutant(
        "leaves-a-scale-down-half-done",
        "deletes only pods that it saw in the range before",
        &["ret-crash-between"],
        || Arc::new(LeavesAScaleDownHalfDone::default()),
    ),
    mutant(
        "the-set-before-the-pod",
        "leaves claims of condemned pods to the set if both policies are Delete",
        &["ret-both-condemned"],
        || Arc::new(TheSetBeforeThePod),
    ),
    mutant(
        "overrules-other-controllers",
        "takes claims from whoever controls them",
        &["ret-foreign-controller"],
        || Arc::new(OverrulesOtherControllers),
    ),
    mutant(
        "drops-other-owners",
        "takes every owner but its own from a claim",
        &["ret-foreign-plain-owner"],
        || Arc::new(DropsOtherOwners),
    ),
    mutant(
        "trusts-weak-references",
        "takes a reference that does not control for one that does",
        &["ret-own-ref-upgraded"],
        || Arc::new(TrustsWeakReferences),
    ),
    mutant(
        "overrules-the-past",
        "takes claims from a set of its name that is no more",
        &["ret-stale-uid-untouched"],
        || Arc::new(OverrulesThePast),
    ),
    mutant(
        "retention-of-birth",
        "goes on with the retention policy that the set was created with",
        &[
            "ret-mutate-to-delete",
            "ret-mutate-to-retain",
            "ret-foreign-plain-owner",
        ],
        || Arc::new(RetentionOfBirth::default()),
    ),
    mutant(
        "restarts-for-retention",
        "takes the retention policy for a part of the template",
        &["ret-mutate-not-rollout", "upd-no-trigger"],
        || Arc::new(RestartsForRetention),
    ),
    mutant(
        "owners-at-birth-only",
        "puts the owners of claims right only when it creates their pods",
        &[
            "ret-mutate-to-delete",
            "ret-mutate-to-retain",
            "ret-deleted-adopted",
            "ret-deleted-ref-set",
            "ret-scaled-ref-before-delete",
            "ret-own-ref-upgraded",
            "ret-scale-zero",
            "ret-ordinal-shift",
        ],
        || Arc::new(OwnersAtBirthOnly),
    ),
    mutant(
        "uses-claims-of-the-gone",
        "creates a pod although its claim is about to go with an earlier one",
        &["ret-quick-down-up"],
        || Arc::new(UsesClaimsOfTheGone),
    ),
    mutant(
        "spares-claims-made-by-hand",
        "lets only claims that it made itself go with their pods",
        &["ret-preprovisioned-too"],
        || Arc::new(SparesClaimsMadeByHand),
    ),
    mutant(
        "retains-below-the-range",
        "retains the claims of pods below the first ordinal",
        &["ret-ordinal-shift", "ret-start-shift-back"],
        || Arc::new(RetainsBelowTheRange),
    ),
    mutant(
        "never-takes-back",
        "leaves a claim to its pod when that is to stay after all",
        &["ret-cancelled-scale-down", "inv-ref-only-condemned"],
        || Arc::new(NeverTakesBack),
    ),
    mutant(
        "owners-at-once",
        "puts the owners of claims of condemned pods right whatever it waits for",
        &[
            "ret-blocked-scale-down-claim-leak",
            "ret-recreate-claim-leak",
        ],
        || Arc::new(OwnersAtOnce),
    ),
];

fn owners(claim: &PersistentVolumeClaim) -> &[OwnerReference] {
    let references = claim.metadata.owner_references.as_deref();
    references.unwrap_or_default()
}

/// Changes the owners of claims as they are seen.
fn see_owners(observed: &mut Observed, change: impl Fn(&mut Vec<OwnerReference>)) {
    for claim in observed.claims.values_mut() {
        if let Some(references) = &mut Arc::make_mut(claim).metadata.owner_references {
            change(references);
        }
    }
}

fn pod_reference(pod: &Pod) -> OwnerReference {
    OwnerReference {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        name: name(pod).to_owned(),
        uid: pod.metadata.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// The claims of a pod that are seen.
fn claims_of<'a>(observed: &'a Observed, pod: &Pod) -> Vec<&'a Arc<PersistentVolumeClaim>> {
    let Some(ordinal) = ordinal(observed, pod) else {
        return Vec::new();
    };
    let names = claim::names(&observed.set, ordinal, observed.naming);
    names
        .iter()
        .filter_map(|name| observed.claims.get(name))
        .collect()
}

/// Steps that give the claims of condemned pods the owners that they shall have.
fn references_of_condemned(observed: &Observed) -> Vec<Item> {
    let pods = condemned(observed).into_iter();
    let steps = pods.filter_map(|pod| {
        let claims = claims_of(observed, pod);
        let ordinal = ordinal(observed, pod)?;
        let references = claim::references(&observed.set, pod, ordinal, claims);
        (!references.updates.is_empty()).then(|| Step::SetOwners(Arc::clone(pod), references))
    });
    steps.map(Item::from).collect()
}

struct OwnersAfterThePods;

impl Twist for OwnersAfterThePods {
    fn planned(&self, _observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let is_late = |stage: &Stage| stage.about == About::References;
        if let Some(at) = plan.stages.iter().position(is_late) {
            let late = plan.stages.remove(at);
            plan.stages.push(late);
        }
    }
}

/// Of which sets.
struct ClaimsGoWithAnyPod(fn(&Observed) -> bool);

impl Twist for ClaimsGoWithAnyPod {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        if !(self.0)(observed) {
            return;
        }
        drop_steps(plan, |step| matches!(step, Step::RepairPod(_)));
        let items: Vec<Item> = in_range(observed)
            .into_iter()
            .filter_map(|pod| {
                let wanted = pod_reference(pod);
                let claims = claims_of(observed, pod).into_iter();
                let updates: Vec<_> = claims
                    .filter(|claim| owners(claim) != [wanted.clone()])
                    .map(|claim| {
                        let mut claim = PersistentVolumeClaim::clone(claim);
                        claim.metadata.owner_references = Some(vec![wanted.clone()]);
                        claim
                    })
                    .collect();
                let references = References {
                    updates,
                    conflicts: Vec::new(),
                };
                (!references.is_empty())
                    .then(|| Step::SetOwners(Arc::clone(pod), references).into())
            })
            .collect();
        super::items(plan, About::InRange).extend(items);
    }
}

struct TheSetBeforeThePod;

impl Twist for TheSetBeforeThePod {
    fn observed(&self, observed: &mut Observed) {
        if observed.set.retention().delete_with_set {
            storage::set_policy(observed, "Delete", "Retain");
        }
    }
}

struct OverrulesOtherControllers;

impl Twist for OverrulesOtherControllers {
    fn observed(&self, observed: &mut Observed) {
        let set = observed.set.name().to_owned();
        see_owners(observed, |references| {
            for reference in references {
                let is_own = reference.name == set || ordinal_of(&set, &reference.name).is_some();
                reference.controller = reference.controller.filter(|_| is_own);
            }
        });
    }
}

struct DropsOtherOwners;

impl Twist for DropsOtherOwners {
    fn effect(&self, effect: Effect<'_>) -> bool {
        if let Effect::UpdateClaim(claim) = effect
            && let Some(references) = &mut claim.metadata.owner_references
        {
            references.retain(|reference| reference.controller == Some(true));
        }
        true
    }
}

struct TrustsWeakReferences;

impl Twist for TrustsWeakReferences {
    fn observed(&self, observed: &mut Observed) {
        let uid = observed.set.uid().to_owned();
        see_owners(observed, |references| {
            for reference in references {
                if reference.uid == uid {
                    reference.controller = Some(true);
                }
            }
        });
    }
}

struct OverrulesThePast;

impl Twist for OverrulesThePast {
    fn observed(&self, observed: &mut Observed) {
        let (set, uid) = (
            observed.set.name().to_owned(),
            observed.set.uid().to_owned(),
        );
        see_owners(observed, |references| {
            references.retain(|reference| reference.name != set || reference.uid == uid);
        });
    }
}

/// The policy that each set had when it was first seen.
#[derive(Default)]
struct RetentionOfBirth(
    Mutex<BTreeMap<String, Option<StatefulSetPersistentVolumeClaimRetentionPolicy>>>,
);

impl Twist for RetentionOfBirth {
    fn observed(&self, observed: &mut Observed) {
        let Ok(mut first) = self.0.lock() else {
            return;
        };
        let policy = &mut observed.set.spec.persistent_volume_claim_retention_policy;
        let known = first
            .entry(observed.set.meta.uid.clone().unwrap_or_default())
            .or_insert_with(|| policy.clone());
        policy.clone_from(known);
    }
}

struct RestartsForRetention;

impl Twist for RestartsForRetention {
    fn template(&self, set: &Set, _listed: &[Arc<ControllerRevision>], template: &mut Value) {
        let policy = &set.stored["spec"]["persistentVolumeClaimRetentionPolicy"];
        template["metadata"]["annotations"]["retention"] = encode(policy).into();
    }
}

struct OwnersAtBirthOnly;

impl Twist for OwnersAtBirthOnly {
    fn planned(&self, _observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        drop_steps(plan, |step| {
            matches!(step, Step::SetOwners(..) | Step::RepairPod(_))
        });
    }
}

struct UsesClaimsOfTheGone;

impl Twist for UsesClaimsOfTheGone {
    fn observed(&self, observed: &mut Observed) {
        let live: Vec<_> = observed
            .pods
            .iter()
            .filter_map(|pod| pod.metadata.uid.clone())
            .collect();
        for claim in observed.claims.values_mut() {
            let is_gone =
                |owner: &OwnerReference| owner.kind == "Pod" && !live.contains(&owner.uid);
            if owners(claim).iter().any(is_gone) {
                let metadata = &mut Arc::make_mut(claim).metadata;
                metadata.deletion_timestamp = None;
                metadata.owner_references = None;
            }
        }
    }
}

struct SparesClaimsMadeByHand;

impl Twist for SparesClaimsMadeByHand {
    fn effect(&self, effect: Effect<'_>) -> bool {
        !matches!(effect, Effect::UpdateClaim(claim) if claim.metadata.labels.is_none())
    }
}

struct RetainsBelowTheRange;

impl Twist for RetainsBelowTheRange {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let start = observed.set.start();
        drop_steps(plan, |step| match step {
            Step::SetOwners(pod, _) => {
                ordinal(observed, pod).is_some_and(|ordinal| ordinal < start)
            }
            _ => false,
        });
    }
}

struct NeverTakesBack;

impl Twist for NeverTakesBack {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        drop_steps(plan, |step| match step {
            Step::RepairPod(repair) => claims_of(observed, &repair.repair.pod)
                .into_iter()
                .any(|claim| owners(claim).iter().any(|owner| owner.kind == "Pod")),
            _ => false,
        });
    }
}

struct OwnersAtOnce;

impl Twist for OwnersAtOnce {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let items = super::items(plan, About::References);
        if items.iter().all(|item| item.steps.is_empty()) {
            *items = references_of_condemned(observed);
        }
    }
}

/// Pods, by UID, that it saw in the range of their set.
#[derive(Default)]
struct LeavesAScaleDownHalfDone(Mutex<BTreeSet<String>>);

impl Twist for LeavesAScaleDownHalfDone {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let Ok(mut known) = self.0.lock() else {
            return;
        };
        for pod in in_range(observed) {
            known.insert(pod.metadata.uid.clone().unwrap_or_default());
        }
        drop_steps(plan, |step| match step {
            Step::DeletePod(pod) if pod.why == Why::Condemned => {
                pod.uid.as_ref().is_some_and(|uid| !known.contains(uid))
            }
            _ => false,
        });
    }
}
