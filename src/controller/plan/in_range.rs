//! Pods that the set wants, the lowest first.

use std::sync::Arc;

use super::{
    About, CreatePod, DeletePod, Item, Observed, RepairPod, Run, Stage, Step, Waiting, Why,
    place::{Place, Placed},
};
use crate::{
    controller::{claim, pod},
    sets::{is_failed, is_succeeded},
};

/// Decides on each; in an ordered set the first that is not as it should be ends the plan.
pub(super) fn decide(
    observed: &Observed,
    placed: &Placed,
    stages: &mut Vec<Stage>,
) -> Result<(), Waiting> {
    let is_ordered = observed.set.is_ordered();
    let mut end = Ok(());
    let mut items = Vec::new();
    for place in &placed.in_range {
        let (item, waiting) = about(observed, place, is_ordered);
        items.push(item);
        if is_ordered && let Some(waiting) = waiting {
            end = Err(waiting);
            break;
        }
    }
    stages.push(Stage {
        about: About::InRange,
        run: if is_ordered {
            Run::InOrder
        } else {
            Run::Batches
        },
        items,
        then: None,
    });
    end
}

/// What to do about one pod, and what its successors in an ordered set wait for.
fn about(observed: &Observed, place: &Place, is_ordered: bool) -> (Item, Option<Waiting>) {
    if place.is_stored && (is_failed(&place.pod) || is_succeeded(&place.pod)) {
        let delete = (!place.is_terminating()).then(|| delete(place, Why::Failed, false));
        let item = delete.map(Item::from).unwrap_or_default();
        return (item, Some(Waiting::Gone(place.name())));
    }
    if !place.is_stored {
        return create(observed, place);
    }
    let mut item = Item::default();
    let is_pending = is_pending(place);
    if is_pending {
        item.steps = claims_of_pending(observed, place);
    }
    let waiting = match place {
        place if place.is_terminating() => Some(Waiting::Gone(place.name())),
        place if !place.is_ready() => Some(Waiting::Ready(place.name())),
        place if !place.is_available => Some(Waiting::Available(place.name())),
        _ => None,
    };
    if !is_ordered || waiting.is_none() {
        item.steps.extend(repair(observed, place, is_pending));
    }
    (item, waiting)
}

pub(super) fn delete(place: &Place, why: Why, lowers_current: bool) -> Step {
    Step::DeletePod(DeletePod {
        name: place.name(),
        uid: place.pod.metadata.uid.clone(),
        why,
        lowers_current,
    })
}

fn create(observed: &Observed, place: &Place) -> (Item, Option<Waiting>) {
    let Observed { set, naming, .. } = observed;
    let claims = observed.claims_of(place.ordinal);
    if claims
        .iter()
        .any(|claim| claim::is_stale(set, &place.pod, claim))
    {
        return (Item::default(), Some(Waiting::Claim(place.name())));
    }
    let needs = claim::needs(set, place.ordinal, *naming, |name| observed.claim(name));
    let references = claim::references(set, &place.pod, place.ordinal, claims);
    let create = Step::CreatePod(Box::new(CreatePod {
        ordinal: place.ordinal,
        pod: (*place.pod).clone(),
        needs,
        references,
    }));
    (create.into(), Some(Waiting::Ready(place.name())))
}

fn is_pending(place: &Place) -> bool {
    let status = place.pod.status.as_ref();
    status.and_then(|status| status.phase.as_deref()) == Some("Pending")
}

/// A Pending pod may wait for a claim that is gone.
fn claims_of_pending(observed: &Observed, place: &Place) -> Vec<Step> {
    let Observed { set, naming, .. } = observed;
    let needs = claim::needs(set, place.ordinal, *naming, |name| observed.claim(name));
    let claims = observed.claims_of(place.ordinal);
    let references = claim::references(set, &place.pod, place.ordinal, claims);
    let mut steps = Vec::new();
    if !needs.is_empty() {
        steps.push(Step::CreateClaims(Arc::clone(&place.pod), needs));
    }
    if !references.is_empty() {
        steps.push(Step::SetOwners(Arc::clone(&place.pod), references));
    }
    steps
}

/// What is left to repair after the claims of a Pending pod were seen to.
fn repair(observed: &Observed, place: &Place, is_pending: bool) -> Option<Step> {
    let Observed { set, naming, .. } = observed;
    let known = |name: &str| observed.claim(name);
    let mut repair = pod::repair(set, &place.pod, place.ordinal, *naming, known)?;
    if is_pending {
        repair.needs = claim::Needs::default();
        repair.references = claim::References::default();
        if repair.pod == *place.pod {
            return None;
        }
    }
    Some(Step::RepairPod(Box::new(RepairPod {
        ordinal: place.ordinal,
        without_owners: is_pending,
        repair,
    })))
}
