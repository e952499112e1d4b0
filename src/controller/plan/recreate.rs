//! The strategy Recreate: no pod of the new revision comes before all older ones are gone.

use super::{
    About, Item, Observed, Run, Stage, Waiting, Why,
    in_range::delete,
    place::{Place, Placed},
};
use crate::controller::status::progressing;

/// Decides on pods of older revisions, condemned ones too. While there is one nothing else is done.
pub(super) fn decide(
    observed: &Observed,
    placed: &Placed,
    stages: &mut Vec<Stage>,
) -> Result<(), Waiting> {
    let is_old = |place: &&Place| place.is_stored && place.is_old(observed);
    let all = || placed.in_range.iter().chain(&placed.condemned);
    let first = all().find(is_old).map(Place::name);
    let is_rollout = observed.revisions.current.name != observed.revisions.update.name;
    let message = match &first {
        Some(_) => Some("Deleting old revision pods"),
        None if is_rollout => Some("Waiting for new-revision pods to be created"),
        None => None,
    };
    let item = |place: &Place| match place {
        place if !is_old(&place) || place.is_terminating() => Item::default(),
        place => delete(place, Why::Outdated, false).into(),
    };
    stages.push(Stage {
        about: About::Recreate,
        run: Run::Batches,
        items: all().map(item).collect(),
        then: message.map(|message| progressing(true, "RecreateInProgress", message)),
    });
    first.map_or(Ok(()), |first| Err(Waiting::Gone(first)))
}
