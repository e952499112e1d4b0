use super::*;
use crate::controller::{
    ownership::{Claiming, selects},
    set::{Set, controller_of},
    twist::Effect,
};

pub(super) const ALL: &[Mutant] = &[
    mutant(
        "adopts-foreign-names",
        "adopts pods by their labels whatever their names",
        &[
            "own-adopt-name-filter",
            "own-overlapping-selectors",
            "inv-no-foreign",
        ],
        || Arc::new(AdoptsForeignNames),
    ),
    mutant(
        "takes-others-pods",
        "treats a pod that somebody else controls as its own if it has the name",
        &[
            "own-foreign-controller",
            "own-name-squatter",
            "inv-no-foreign",
        ],
        || Arc::new(TakesOthersPods),
    ),
    mutant(
        "never-adopts",
        "leaves pods without an owner alone",
        &[
            "own-adopt",
            "own-readopt",
            "own-strip-ownerref",
            "rec-new-set-adopts",
            "rec-new-set-different-template",
            "own-odd-name",
            "own-unparsable-ignored",
            "id-leading-zero-pod",
        ],
        || Arc::new(NeverAdopts),
    ),
    mutant(
        "never-releases",
        "keeps pods whose labels no longer match",
        &["own-release", "own-release-name-conflict", "own-readopt"],
        || Arc::new(NeverReleases),
    ),
    mutant(
        "adopts-terminating",
        "adopts pods that are being deleted",
        &["own-adopt-not-terminating"],
        || Arc::new(AdoptsTerminating),
    ),
    mutant(
        "adopts-without-asking",
        "adopts pods without asking the API server whether the set is still there",
        &["own-adopt-live-check"],
        || Arc::new(AdoptsWithoutAsking),
    ),
    mutant(
        "knows-owners-by-name",
        "takes the pods of an earlier set of its name for its own",
        &["own-recreated-set-uid"],
        || Arc::new(KnowsOwnersByName),
    ),
    mutant(
        "adopts-while-deleting",
        "adopts pods of a set that is being deleted",
        &["rec-deleting-set-no-adopt"],
        || Arc::new(AdoptsWhileDeleting),
    ),
];

struct AdoptsWhileDeleting;

impl Twist for AdoptsWhileDeleting {
    fn claiming(&self, set: &Set, pod: &Pod, decided: Claiming) -> Claiming {
        let is_of_name = ordinal_of(set.name(), name(pod)).is_some();
        match decided {
            Claiming::Ignore
                if set.is_deleting()
                    && is_orphan(pod)
                    && is_of_name
                    && !is_terminating(pod)
                    && matches(set, pod) =>
            {
                Claiming::Adopt
            }
            other => other,
        }
    }

    fn effect(&self, effect: Effect<'_>) -> bool {
        !matches!(effect, Effect::ReadSet)
    }
}

fn matches(set: &Set, pod: &Pod) -> bool {
    let selector = set.selector();
    selector.is_ok_and(|selector| selects(&selector, &pod.metadata))
}

fn is_orphan(pod: &Pod) -> bool {
    controller_of(&pod.metadata).is_none()
}

/// Once adopted they are kept, or they would come and go for ever.
struct AdoptsForeignNames;

impl Twist for AdoptsForeignNames {
    fn claiming(&self, set: &Set, pod: &Pod, decided: Claiming) -> Claiming {
        match decided {
            Claiming::Ignore
                if is_orphan(pod)
                    && matches(set, pod)
                    && !is_terminating(pod)
                    && !set.is_deleting() =>
            {
                Claiming::Adopt
            }
            Claiming::Release if matches(set, pod) => Claiming::Keep,
            other => other,
        }
    }
}

struct TakesOthersPods;

impl Twist for TakesOthersPods {
    fn claiming(&self, set: &Set, pod: &Pod, decided: Claiming) -> Claiming {
        let is_of_name = ordinal_of(set.name(), name(pod)).is_some();
        match decided {
            Claiming::Ignore if !is_orphan(pod) && is_of_name => Claiming::Keep,
            other => other,
        }
    }
}

struct NeverAdopts;

impl Twist for NeverAdopts {
    fn claiming(&self, _set: &Set, _pod: &Pod, decided: Claiming) -> Claiming {
        match decided {
            Claiming::Adopt => Claiming::Ignore,
            other => other,
        }
    }
}

struct NeverReleases;

impl Twist for NeverReleases {
    fn claiming(&self, _set: &Set, _pod: &Pod, decided: Claiming) -> Claiming {
        match decided {
            Claiming::Release => Claiming::Keep,
            other => other,
        }
    }
}

struct AdoptsTerminating;

impl Twist for AdoptsTerminating {
    fn claiming(&self, set: &Set, pod: &Pod, decided: Claiming) -> Claiming {
        let is_of_name = ordinal_of(set.name(), name(pod)).is_some();
        match decided {
            Claiming::Ignore
                if is_orphan(pod) && is_terminating(pod) && is_of_name && matches(set, pod) =>
            {
                Claiming::Adopt
            }
            other => other,
        }
    }
}

struct KnowsOwnersByName;

impl Twist for KnowsOwnersByName {
    fn claiming(&self, set: &Set, pod: &Pod, decided: Claiming) -> Claiming {
        let owner = controller_of(&pod.metadata);
        let is_namesake =
            owner.is_some_and(|owner| owner.kind == set.kind && owner.name == set.name());
        match decided {
            Claiming::Ignore if is_namesake && matches(set, pod) => Claiming::Keep,
            other => other,
        }
    }
}

struct AdoptsWithoutAsking;

impl Twist for AdoptsWithoutAsking {
    fn effect(&self, effect: Effect<'_>) -> bool {
        !matches!(effect, Effect::ReadSet)
    }
}
