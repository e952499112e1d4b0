use super::*;
use crate::{
    controller::{
        claim::{Needs, References},
        ownership::Claiming,
        plan::RepairPod,
        pod::Repair,
        set::Set,
    },
    sets::{POD_INDEX_LABEL, POD_NAME_LABEL, REVISION_LABEL},
};

pub(super) const ALL: &[Mutant] = &[
    mutant(
        "hostname-lost",
        "creates pods without a hostname",
        &[
            "id-hostname",
            "id-stable-across-recreate",
            "inv-identity-at-birth",
        ],
        || Arc::new(HostnameLost),
    ),
    mutant(
        "subdomain-lost",
        "creates pods without a subdomain",
        &["id-subdomain", "inv-identity-at-birth"],
        || Arc::new(SubdomainLost),
    ),
    mutant(
        "pod-index-label-missing",
        "creates pods without the label of their ordinal",
        &[
            "id-label-pod-index",
            "id-label-collision-overwrites",
            "id-index-label-not-backfilled",
            "inv-identity-at-birth",
        ],
        || Arc::new(PodIndexLabelMissing),
    ),
    mutant(
        "pod-name-label-missing",
        "creates pods without the label of their name, and never misses it",
        &[
            "id-label-pod-name",
            "id-pod-name-label-repair",
            "inv-identity-at-birth",
        ],
        || Arc::new(PodNameLabelMissing),
    ),
    mutant(
        "never-repairs",
        "leaves a live pod as it is whatever was done to it",
        &["id-pod-name-label-repair", "rec-new-set-more-claims"],
        || Arc::new(NeverRepairs),
    ),
    mutant(
        "repairs-the-index",
        "puts the label of a pod's ordinal back on a live pod",
        &["id-index-label-no-repair"],
        || Arc::new(RepairsTheIndex),
    ),
    mutant(
        "generate-name-lost",
        "creates pods without the prefix of their names",
        &["id-generate-name"],
        || Arc::new(GenerateNameLost),
    ),
    mutant(
        "owner-missing",
        "creates pods without an owner, and keeps them by their labels",
        &["id-owner-ref", "own-adopt", "own-strip-ownerref"],
        || Arc::new(OwnerMissing),
    ),
    mutant(
        "wrong-revision-label",
        "labels pods with the hash of their revision instead of its name",
        &["id-label-revision", "rev-created-first", "inv-rev-exists"],
        || Arc::new(WrongRevisionLabel),
    ),
    mutant(
        "template-annotations-lost",
        "creates pods without the annotations of the template",
        &["id-template-copied"],
        || Arc::new(TemplateAnnotationsLost),
    ),
    mutant(
        "pads-ordinals",
        "writes the ordinal in a pod's name with two digits",
        &["id-pod-name"],
        || Arc::new(PadsOrdinals),
    ),
];

fn without_label(pod: &mut Pod, label: &str) {
    if let Some(labels) = &mut pod.metadata.labels {
        labels.remove(label);
    }
}

fn repairs(step: &Step) -> bool {
    matches!(step, Step::RepairPod(_))
}

struct HostnameLost;

impl Twist for HostnameLost {
    fn pod(&self, _observed: &Observed, pod: &mut Pod) {
        pod.spec.iter_mut().for_each(|spec| spec.hostname = None);
    }
}

struct SubdomainLost;

impl Twist for SubdomainLost {
    fn pod(&self, _observed: &Observed, pod: &mut Pod) {
        pod.spec.iter_mut().for_each(|spec| spec.subdomain = None);
    }
}

struct PodIndexLabelMissing;

impl Twist for PodIndexLabelMissing {
    fn pod(&self, _observed: &Observed, pod: &mut Pod) {
        without_label(pod, POD_INDEX_LABEL);
    }
}

struct PodNameLabelMissing;

impl Twist for PodNameLabelMissing {
    fn planned(&self, _observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        drop_steps(plan, repairs);
    }

    fn pod(&self, _observed: &Observed, pod: &mut Pod) {
        without_label(pod, POD_NAME_LABEL);
    }
}

struct NeverRepairs;

impl Twist for NeverRepairs {
    fn planned(&self, _observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        drop_steps(plan, repairs);
    }
}

struct OwnerMissing;

impl Twist for OwnerMissing {
    fn claiming(&self, _set: &Set, _pod: &Pod, decided: Claiming) -> Claiming {
        match decided {
            Claiming::Adopt => Claiming::Keep,
            other => other,
        }
    }

    fn pod(&self, _observed: &Observed, pod: &mut Pod) {
        pod.metadata.owner_references = None;
    }
}

/// Knows its own labels again.
struct WrongRevisionLabel;

impl WrongRevisionLabel {
    fn hash(revision: &str) -> String {
        revision.rsplit('-').next().unwrap_or_default().to_owned()
    }
}

impl Twist for WrongRevisionLabel {
    fn observed(&self, observed: &mut Observed) {
        let revisions = [&observed.revisions.current, &observed.revisions.update];
        let names: Vec<_> = revisions
            .into_iter()
            .map(|revision| revision.name.clone())
            .collect();
        for pod in &mut observed.pods {
            let label = revision_of(pod).to_owned();
            if let Some(known) = names.iter().find(|name| Self::hash(name) == label) {
                let labels = Arc::make_mut(pod).metadata.labels.get_or_insert_default();
                labels.insert(REVISION_LABEL.to_owned(), known.clone());
            }
        }
    }

    fn pod(&self, _observed: &Observed, pod: &mut Pod) {
        let hash = Self::hash(revision_of(pod));
        let labels = pod.metadata.labels.get_or_insert_default();
        labels.insert(REVISION_LABEL.to_owned(), hash);
    }
}

struct TemplateAnnotationsLost;

impl Twist for TemplateAnnotationsLost {
    fn pod(&self, _observed: &Observed, pod: &mut Pod) {
        pod.metadata.annotations = None;
    }
}

struct PadsOrdinals;

impl Twist for PadsOrdinals {
    fn pod(&self, observed: &Observed, pod: &mut Pod) {
        if let Some(ordinal) = ordinal(observed, pod) {
            pod.metadata.name = Some(format!("{}-{ordinal:02}", observed.set.name()));
        }
    }
}

struct RepairsTheIndex;

impl Twist for RepairsTheIndex {
    fn planned(&self, observed: &Observed, _now: Timestamp, plan: &mut Plan) {
        let repairs: Vec<Item> = in_range(observed)
            .into_iter()
            .filter(|pod| !is_terminating(pod))
            .filter_map(|pod| {
                let ordinal = ordinal(observed, pod)?;
                let mut pod = Pod::clone(pod);
                let labels = pod.metadata.labels.get_or_insert_default();
                let missing = labels
                    .insert(POD_INDEX_LABEL.to_owned(), ordinal.to_string())
                    .is_none();
                let repair = Repair {
                    pod,
                    needs: Needs::default(),
                    references: References::default(),
                };
                let step = Step::RepairPod(Box::new(RepairPod {
                    ordinal,
                    without_owners: false,
                    repair,
                }));
                missing.then(|| Item::from(step))
            })
            .collect();
        items(plan, About::InRange).extend(repairs);
    }
}

struct GenerateNameLost;

impl Twist for GenerateNameLost {
    fn pod(&self, _observed: &Observed, pod: &mut Pod) {
        pod.metadata.generate_name = None;
    }
}
