use std::{collections::BTreeMap, sync::Mutex};

use k8s_openapi::api::{
    apps::v1::StatefulSetPersistentVolumeClaimRetentionPolicy, core::v1::PersistentVolumeClaim,
};

use super::*;
use crate::controller::{
    claim::{self, Naming, Needs, template_name},
    plan::CreatePod,
};

pub(super) const ALL: &[Mutant] = &[
    mutant(
        "new-claim-on-recreation",
        "gives a pod that comes back new claims instead of its own",
        &[
            "pvc-reused-pod-delete",
            "id-stable-across-recreate",
            "inv-identity-at-birth",
        ],
        || Arc::new(NewClaimOnRecreation::default()),
    ),
    mutant(
        "claim-per-set",
        "lets all pods of a set share one claim a template",
        &[
            "pvc-name",
            "pvc-one-per-template",
            "pvc-name-alias-two-sets",
            "inv-identity-at-birth",
        ],
        || Arc::new(ClaimPerSet),
    ),
    mutant(
        "deletes-claims-on-scale-down",
        "lets claims go with condemned pods although they are to be retained",
        &[
            "pvc-retained-scale-down",
            "pvc-reattached-scale-up",
            "pvc-no-owner-default",
            "scale-to-zero-and-back",
            "ret-mutate-to-delete",
        ],
        || Arc::new(DeletesClaimsOnScaleDown),
    ),
    mutant(
        "claims-owned-by-the-set",
        "lets claims go with the set although they are to be retained",
        &[
            "pvc-no-owner-default",
            "pvc-retained-set-delete",
            "pvc-reused-by-new-set",
        ],
        || Arc::new(ClaimsOwnedByTheSet),
    ),
    mutant(
        "ignores-the-retention-policy",
        "never gives a claim an owner",
        &[
            "ret-deleted-ref-set",
            "ret-scaled-ref-before-delete",
            "ret-both-live",
            "ret-both-condemned",
            "ret-mutate-to-delete",
            "ret-deleted-adopted",
            "ret-foreign-plain-owner",
            "ret-preprovisioned-too",
            "ret-scale-zero",
            "ret-ordinal-shift",
            "inv-ref-before-delete",
        ],
        || Arc::new(IgnoresTheRetentionPolicy),
    ),
    mutant(
        "pod-before-claim",
        "creates a pod before its claims",
        &["pvc-before-pod", "pvc-all-or-nothing", "inv-claim-first"],
        || Arc::new(PodBeforeClaim),
    ),
    mutant(
        "claim-labels-lost",
        "creates claims without labels",
        &["pvc-labels"],
        || Arc::new(ClaimLabelsLost),
    ),
    mutant(
        "uses-terminating-claims",
        "creates a pod although a claim of it is being deleted",
        &["pvc-terminating-blocks-pod"],
        || Arc::new(UsesTerminatingClaims),
    ),
    mutant(
        "pending-pods-wait-for-ever",
        "does not create the claim that a Pending pod lost",
        &["pvc-missing-recreated-for-pending"],
        || Arc::new(PendingPodsWaitForEver),
    ),
    mutant(
        "gives-up-on-terminating-claims",
        "never again creates a pod whose claim it once saw being deleted",
        &["pvc-terminating-blocks-pod"],
        || Arc::new(GivesUpOnTerminatingClaims::default()),
    ),
];

fn each_create(plan: &mut Plan, mut change: impl FnMut(&mut CreatePod)) {
    for item in plan.stages.iter_mut().flat_map(|stage| &mut stage.items) {
        for step in &mut item.steps {
            if let Step::CreatePod(create) = step {
                change(create);
            }
        }
    }
}

pub(super) fn set_policy(observed: &mut Observed, when_deleted: &str, when_scaled: &str) {
    observed.set.spec.persistent_volume_claim_retention_policy =
        Some(StatefulSetPersistentVolumeClaimRetentionPolicy {
            when_deleted: Some(when_deleted.to_owned()),
            when_scaled: Some(when_scaled.to_owned()),
        });
}

/// Counts how often it made each pod.
#[derive(Default)]
struct NewClaimOnRecreation(Mutex<BTreeMap<String, u32>>);

impl Twist for NewClaimOnRecreation {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        drop_steps(plan, |step| matches!(step, Step::RepairPod(_)));
        let Ok(mut made) = self.0.lock() else {
            return;
        };
        each_create(plan, |create| {
            let count = made
                .entry(format!("{} {}", observed.set.uid(), create.ordinal))
                .or_default();
            *count += 1;
            if *count > 1 {
                rename_claims(observed, create, *count);
            }
        });
    }
}

fn rename_claims(observed: &Observed, create: &mut CreatePod, count: u32) {
    create.needs.missing.clear();
    for template in observed.set.claim_templates() {
        let mut claim = claim::build(&observed.set, template, create.ordinal, observed.naming);
        let name = format!("{}-{count}", claim.metadata.name.unwrap_or_default());
        let volumes = create
            .pod
            .spec
            .iter_mut()
            .flat_map(|spec| spec.volumes.iter_mut().flatten());
        let volumes = volumes.filter(|volume| volume.name == template_name(template));
        volumes
            .filter_map(|volume| volume.persistent_volume_claim.as_mut())
            .for_each(|source| source.claim_name.clone_from(&name));
        claim.metadata.name = Some(name);
        create.needs.missing.push(claim);
    }
}

struct ClaimPerSet;

impl Twist for ClaimPerSet {
    fn naming(&self) -> Naming {
        |template, set, _ordinal| format!("{template}-{set}")
    }
}

struct DeletesClaimsOnScaleDown;

impl Twist for DeletesClaimsOnScaleDown {
    fn observed(&self, observed: &mut Observed) {
        set_policy(observed, "Retain", "Delete");
    }
}

struct ClaimsOwnedByTheSet;

impl Twist for ClaimsOwnedByTheSet {
    fn observed(&self, observed: &mut Observed) {
        set_policy(observed, "Delete", "Retain");
    }
}

struct IgnoresTheRetentionPolicy;

impl Twist for IgnoresTheRetentionPolicy {
    fn observed(&self, observed: &mut Observed) {
        set_policy(observed, "Retain", "Retain");
    }
}

struct PodBeforeClaim;

impl Twist for PodBeforeClaim {
    fn planned(&self, _observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        for item in plan.stages.iter_mut().flat_map(|stage| &mut stage.items) {
            let late: Vec<_> = item
                .steps
                .iter_mut()
                .filter_map(|step| match step {
                    Step::CreatePod(create) => {
                        let needs = Needs {
                            missing: std::mem::take(&mut create.needs.missing),
                            terminating: Vec::new(),
                        };
                        Some(Step::CreateClaims(Arc::new(create.pod.clone()), needs))
                    }
                    _ => None,
                })
                .collect();
            item.steps.extend(late);
        }
    }
}

struct ClaimLabelsLost;

impl Twist for ClaimLabelsLost {
    fn claim(&self, _observed: &Observed, claim: &mut PersistentVolumeClaim) {
        claim.metadata.labels = None;
    }
}

struct UsesTerminatingClaims;

impl Twist for UsesTerminatingClaims {
    fn planned(&self, _observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        each_create(plan, |create| create.needs.terminating.clear());
    }
}

struct PendingPodsWaitForEver;

impl Twist for PendingPodsWaitForEver {
    fn planned(&self, _observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        drop_steps(plan, |step| matches!(step, Step::CreateClaims(..)));
    }
}

/// Remembers whose claims were being deleted when the pod was to be created.
#[derive(Default)]
struct GivesUpOnTerminatingClaims(Mutex<std::collections::BTreeSet<String>>);

impl Twist for GivesUpOnTerminatingClaims {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let Ok(mut given_up) = self.0.lock() else {
            return;
        };
        let key = |create: &CreatePod| format!("{} {}", observed.set.uid(), create.ordinal);
        for step in plan.steps() {
            if let Step::CreatePod(create) = step
                && !create.needs.terminating.is_empty()
            {
                given_up.insert(key(create));
            }
        }
        drop_steps(plan, |step| match step {
            Step::CreatePod(create) => given_up.contains(&key(create)),
            _ => false,
        });
    }
}
