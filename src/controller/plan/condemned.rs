//! Pods out of range, the highest first.

use std::sync::Arc;

use super::{
    About, Item, Observed, Run, Stage, Step, Waiting, Why,
    in_range::delete,
    place::{Place, Placed},
};
use crate::controller::claim;

/// Decides on the owners of their claims, then on the pods; in an ordered set one at a time.
pub(super) fn decide(
    observed: &Observed,
    placed: &Placed,
    stages: &mut Vec<Stage>,
) -> Result<(), Waiting> {
    let owners = placed.condemned.iter();
    stages.push(Stage {
        about: About::References,
        run: Run::InOrder,
        items: owners.map(|place| owners_of(observed, place)).collect(),
        then: None,
    });
    let is_ordered = observed.set.is_ordered();
    let mut end = Ok(());
    let mut items = Vec::new();
    for place in &placed.condemned {
        let (item, waiting) = about(placed, place, is_ordered);
        items.push(item);
        if is_ordered {
            end = Err(waiting);
            break;
        }
    }
    stages.push(Stage {
        about: About::Condemned,
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

fn owners_of(observed: &Observed, place: &Place) -> Item {
    let claims = observed.claims_of(place.ordinal);
    let is_right = claims
        .iter()
        .all(|claim| claim::is_up_to_date(&observed.set, &place.pod, place.ordinal, claim));
    if is_right {
        return Item::default();
    }
    let references = claim::references(&observed.set, &place.pod, place.ordinal, claims);
    Step::SetOwners(Arc::clone(&place.pod), references).into()
}

/// An unready condemned pod goes if nothing else is unavailable below it.
fn about(placed: &Placed, place: &Place, is_ordered: bool) -> (Item, Waiting) {
    let first = placed.first_unavailable();
    let is_first = first.is_some_and(|first| std::ptr::eq(first, place));
    match place {
        place if place.is_terminating() => (Item::default(), Waiting::Gone(place.name())),
        place if is_ordered && !is_first && !place.is_ready() => {
            (Item::default(), Waiting::Ready(place.name()))
        }
        place if is_ordered && !is_first && !place.is_available => {
            (Item::default(), Waiting::Available(place.name()))
        }
        place => {
            let delete = delete(place, Why::Condemned, false);
            (delete.into(), Waiting::Gone(place.name()))
        }
    }
}
