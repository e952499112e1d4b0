use std::{collections::BTreeMap, sync::Mutex};

use k8s_openapi::{
    api::{
        apps::v1::StatefulSetPersistentVolumeClaimRetentionPolicy, core::v1::PersistentVolumeClaim,
    },
    apimachinery::pkg::api::resource::Quantity,
};

use super::*;
use crate::controller::{
    claim::{self, Naming, Needs, References, template_name},
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
            "pvc-volume-injected",
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
        &[
            "pvc-before-pod",
            "pvc-all-or-nothing",
            "pvc-missing-recreated-on-create",
            "inv-claim-first",
        ],
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
    mutant(
        "claim-annotations-lost",
        "creates claims without the annotations of their templates",
        &["pvc-annotations-spec"],
        || Arc::new(ClaimAnnotationsLost),
    ),
    mutant(
        "compares-claims",
        "does not use a claim of another size than its template asks for",
        &["pvc-preexisting-accepted"],
        || Arc::new(ComparesClaims),
    ),
    mutant(
        "copies-claim-sizes",
        "enlarges every claim to the size of the largest",
        &["pvc-no-spec-drift-fix"],
        || Arc::new(CopiesClaimSizes),
    ),
    mutant(
        "makes-lost-claims-at-once",
        "makes a claim anew that a running pod lost",
        &["pvc-missing-running-no-action"],
        || Arc::new(MakesLostClaimsAtOnce),
    ),
    mutant(
        "drops-other-volumes",
        "leaves volumes out that no claim template is for",
        &["pvc-ephemeral-untouched"],
        || Arc::new(DropsOtherVolumes),
    ),
    mutant(
        "volumes-of-the-template-stay",
        "lets a volume of the template stand where a claim has its name",
        &["pvc-volume-overrides", "inv-identity-at-birth"],
        || Arc::new(VolumesOfTheTemplateStay),
    ),
    mutant(
        "claims-end-with-the-set",
        "gives up the claims of a set that is being deleted",
        &["pvc-retained-set-delete"],
        || Arc::new(ClaimsEndWithTheSet),
    ),
];

struct ClaimAnnotationsLost;

impl Twist for ClaimAnnotationsLost {
    fn claim(&self, _observed: &Observed, claim: &mut PersistentVolumeClaim) {
        claim.metadata.annotations = None;
    }
}

fn size_of(claim: &PersistentVolumeClaim) -> Option<&str> {
    let resources = claim.spec.as_ref()?.resources.as_ref()?;
    let size = resources.requests.as_ref()?.get("storage")?;
    Some(&size.0)
}

struct ComparesClaims;

impl Twist for ComparesClaims {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        each_create(plan, |create| {
            for template in observed.set.claim_templates() {
                let wanted = claim::build(&observed.set, template, create.ordinal, observed.naming);
                let name = wanted.metadata.name.clone().unwrap_or_default();
                let known = observed.claims.get(&name);
                if known.is_some_and(|known| size_of(known) != size_of(&wanted)) {
                    create.needs.terminating.push(name);
                }
            }
        });
    }
}

/// Adds a step for a pod.
fn also(plan: &mut Plan, step: Step) {
    items(plan, About::InRange).push(step.into());
}

struct CopiesClaimSizes;

impl Twist for CopiesClaimSizes {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let Some(largest) = observed
            .claims
            .values()
            .filter_map(|claim| size_of(claim))
            .max()
        else {
            return;
        };
        for pod in in_range(observed) {
            let Some(ordinal) = ordinal(observed, pod) else {
                continue;
            };
            let names = claim::names(&observed.set, ordinal, observed.naming);
            let claims = names.iter().filter_map(|name| observed.claims.get(name));
            let smaller = claims.filter(|claim| size_of(claim) != Some(largest));
            let updates: Vec<_> = smaller
                .map(|claim| {
                    let mut claim = PersistentVolumeClaim::clone(claim);
                    let spec = claim.spec.get_or_insert_default();
                    let resources = spec.resources.get_or_insert_default();
                    let requests = resources.requests.get_or_insert_default();
                    requests.insert("storage".to_owned(), Quantity(largest.to_owned()));
                    claim
                })
                .collect();
            if !updates.is_empty() {
                let conflicts = Vec::new();
                let references = References { updates, conflicts };
                also(plan, Step::SetOwners(Arc::clone(pod), references));
            }
        }
    }
}

struct MakesLostClaimsAtOnce;

impl Twist for MakesLostClaimsAtOnce {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        for pod in in_range(observed) {
            let Some(ordinal) = ordinal(observed, pod) else {
                continue;
            };
            let known = |name: &str| observed.claims.get(name);
            let needs = claim::needs(&observed.set, ordinal, observed.naming, known);
            if is_running_and_ready(pod) && !is_terminating(pod) && !needs.missing.is_empty() {
                also(plan, Step::CreateClaims(Arc::clone(pod), needs));
            }
        }
    }
}

/// The names of a set's claim templates.
fn templates(observed: &Observed) -> Vec<&str> {
    let templates = observed.set.claim_templates().into_iter();
    templates.map(template_name).collect()
}

struct DropsOtherVolumes;

impl Twist for DropsOtherVolumes {
    fn pod(&self, observed: &Observed, pod: &mut Pod) {
        let templates = templates(observed);
        let volumes = pod.spec.iter_mut().flat_map(|spec| &mut spec.volumes);
        if !templates.is_empty() {
            volumes.for_each(|volumes| {
                volumes.retain(|volume| templates.contains(&volume.name.as_str()));
            });
        }
    }
}

/// And never misses the claim.
struct VolumesOfTheTemplateStay;

impl Twist for VolumesOfTheTemplateStay {
    fn planned(&self, _observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        drop_steps(plan, |step| matches!(step, Step::RepairPod(_)));
    }

    fn pod(&self, observed: &Observed, pod: &mut Pod) {
        let template = &observed.revisions.update.template;
        let own = template
            .spec
            .iter()
            .flat_map(|spec| spec.volumes.iter().flatten());
        let volumes = pod
            .spec
            .iter_mut()
            .flat_map(|spec| spec.volumes.iter_mut().flatten());
        for volume in volumes {
            if let Some(own) = own.clone().find(|own| own.name == volume.name) {
                volume.clone_from(own);
            }
        }
    }
}

/// They come to belong to a set that was never there.
struct ClaimsEndWithTheSet;

impl Twist for ClaimsEndWithTheSet {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        if !observed.set.is_deleting() {
            return;
        }
        for pod in in_range(observed) {
            let ordinal = ordinal(observed, pod).unwrap_or_default();
            let names = claim::names(&observed.set, ordinal, observed.naming);
            let claims = names.iter().filter_map(|name| observed.claims.get(name));
            let free = claims.filter(|claim| claim.metadata.owner_references.is_none());
            let mut owner = observed.set.owner_reference();
            owner.uid = format!("{}-of-nobody", owner.uid);
            let updates: Vec<_> = free
                .map(|claim| {
                    let mut claim = PersistentVolumeClaim::clone(claim);
                    claim.metadata.owner_references = Some(vec![owner.clone()]);
                    claim
                })
                .collect();
            if !updates.is_empty() {
                let conflicts = Vec::new();
                let references = References { updates, conflicts };
                also(plan, Step::SetOwners(Arc::clone(pod), references));
            }
        }
    }
}

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
