//! The strategy RollingUpdate: which pods of older revisions go now.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{
    About, Item, Observed, Run, Stage, Step, Waiting, Why,
    in_range::delete,
    place::{Place, Placed},
};
use crate::{controller::set::Block, sets::revision_of};

/// Decides from the top down to the partition, as far as unavailable pods leave room.
pub(super) fn decide(
    observed: &Observed,
    placed: &Placed,
    block: &Block,
    stages: &mut Vec<Stage>,
) -> Result<(), Waiting> {
    let lowest = usize::try_from(block.partition).unwrap_or_default();
    let touched = placed.in_range.get(lowest..).unwrap_or_default();
    let (victims, end) = if observed.gates.max_unavailable {
        within_budget(observed, placed, block, touched)
    } else {
        one_by_one(observed, touched)
    };
    let step = |place: &Place| -> Step {
        let is_current = revision_of(&place.pod) == observed.revisions.current.name;
        delete(place, Why::Outdated, is_current && place.is_stored)
    };
    stages.push(Stage {
        about: About::Update,
        run: Run::InOrder,
        items: victims
            .into_iter()
            .map(|place| Item::from(step(place)))
            .collect(),
        then: None,
    });
    end.map_or(Ok(()), Err)
}

type Decided<'a> = (Vec<&'a Place>, Option<Waiting>);

/// Without maxUnavailable: the highest old pod, unless a pod above it is unavailable.
fn one_by_one<'a>(observed: &Observed, touched: &'a [Place]) -> Decided<'a> {
    for place in touched.iter().rev() {
        if place.is_old(observed) && !place.is_terminating() {
            return (vec![place], Some(Waiting::Gone(place.name())));
        }
        if place.is_unavailable() {
            let budget = Waiting::Budget {
                unavailable: 1,
                budget: 1,
            };
            return (Vec::new(), Some(budget));
        }
    }
    (Vec::new(), None)
}

/// With maxUnavailable: as many as it leaves room for. In a parallel set old pods that are unavailable already go
/// first and without limit: they cost nothing.
fn within_budget<'a>(
    observed: &Observed,
    placed: &Placed,
    block: &Block,
    touched: &'a [Place],
) -> Decided<'a> {
    let budget = budget(block.max_unavailable.as_ref(), observed.set.replicas());
    let unavailable = unavailable(placed);
    let is_outdated = |place: &&Place| place.is_old(observed) && !place.is_terminating();
    let room = budget.saturating_sub(unavailable);
    let from_the_top = || touched.iter().rev().filter(is_outdated);
    let victims: Vec<_> = if observed.set.is_ordered() {
        from_the_top().take(room).collect()
    } else {
        let broken = from_the_top().filter(|place| !place.is_available);
        let working = from_the_top().filter(|place| place.is_available);
        broken.chain(working.take(room)).collect()
    };
    let is_left = from_the_top().count() > victims.len();
    let waiting = is_left.then_some(Waiting::Budget {
        unavailable,
        budget,
    });
    (victims, waiting)
}

/// How many pods in the range are unavailable.
pub(super) fn unavailable(placed: &Placed) -> usize {
    let places = placed.in_range.iter();
    places.filter(|place| place.is_unavailable()).count()
}

/// How many pods may be unavailable: a number, or a percentage of replicas rounded down; at least 1.
pub(super) fn budget(max_unavailable: Option<&IntOrString>, replicas: i32) -> usize {
    let number = match max_unavailable {
        None => 1,
        Some(IntOrString::Int(number)) => i64::from(*number),
        Some(IntOrString::String(text)) => {
            let percent = text.strip_suffix('%').and_then(|text| text.parse().ok());
            let percent: i64 = percent.unwrap_or_default();
            percent * i64::from(replicas) / 100
        }
    };
    usize::try_from(number.max(1)).unwrap_or(1)
}
