//! Which pods are replaced for a new revision, and how many at a time.

use super::{
    Judging, Tally,
    judging::Adds,
    moment::{Member, Moment},
    ordering::ordinal,
    scaling::new_deletes,
    tally::Held,
};
use crate::{
    evidence::{Act, Decision, Kind, Strategy, Tri},
    sets::{self, Ordinal},
};

/// Deletes of claimed pods that were in the range of every version of the window and had not ended in any of its states,
/// while every version said RollingUpdate.
fn update_deletes<'j, 'a>(
    judging: &'j Judging<'a>,
    ordered: Option<bool>,
) -> impl Iterator<Item = (&'j Decision<'a>, Ordinal)> {
    new_deletes(judging).filter(move |(decision, ordinal)| {
        let versions = judging.reasons(decision, *ordinal);
        ordered.is_none_or(|ordered| ordered == judging.ordered(decision.life))
            && !versions.is_empty()
            && versions
                .iter()
                .all(|wanted| wanted.has(*ordinal) && wanted.strategy == Strategy::RollingUpdate)
            && !judging.victim_was(decision, |change| {
                let pod = change.object.as_pod();
                pod.is_some_and(|pod| sets::is_failed(pod) || sets::is_succeeded(pod))
            })
    })
}

const ADDS: [Adds; 2] = [Adds::Nothing, Adds::All];

/// The pods that an update may delete, but for one: old, not terminating, at or above the partition.
fn others<'m, 'a>(
    moment: &'m Moment<'_, 'a>,
    name: &'m str,
    certainly: bool,
) -> impl Iterator<Item = &'m Member<'a>> {
    moment.in_range().filter(move |member| {
        let old = moment.old(member);
        member.name() != name
            && !member.terminating()
            && moment.index(member.ordinal) >= Some(moment.wanted.partition)
            && if certainly { old.must() } else { old.may() }
    })
}

/// The pod that the update may delete, if it may be one.
fn target<'m, 'a>(moment: &'m Moment<'_, 'a>, decision: &Decision<'_>) -> Option<&'m Member<'a>> {
    let victim = moment.victim(decision)?;
    let fits = moment.old(victim).may()
        && !victim.terminating()
        && moment.index(victim.ordinal) >= Some(moment.wanted.partition);
    fits.then_some(victim)
}

fn top_down(moment: &Moment<'_, '_>, decision: &Decision<'_>) -> bool {
    target(moment, decision).is_some_and(|victim| {
        others(moment, victim.name(), true).all(|other| other.ordinal < victim.ordinal)
    })
}

fn judge_victims(
    judging: &Judging<'_>,
    tally: &mut Tally<'_>,
    ordered: bool,
    allows: impl Fn(&Moment<'_, '_>, &Decision<'_>) -> bool,
) {
    for (decision, _) in update_deletes(judging, Some(ordered)) {
        let name = decision.request.name.as_str();
        let held = judging.held(decision, &ADDS, |moment| allows(moment, decision));
        let several = judging.newest(decision, |moment| {
            others(moment, name, false).next().is_some()
        });
        // Without another old pod the question is not which one; that there is a reason is another rule's.
        if several != Some(true) {
            tally.vacuous();
            continue;
        }
        tally.decided(decision, held, &[Kind::Pod], || {
            let left = judging.newest(decision, |moment| {
                let others = others(moment, name, false).map(|other| other.name().to_owned());
                let condemned = moment
                    .condemned()
                    .map(|member| format!("{} (condemned)", member.name()));
                others.chain(condemned).collect::<Vec<_>>().join(", ")
            });
            format!("these were there to go first: {}", left.unwrap_or_default())
        });
    }
}

/// `inv-update-victim`
pub fn victim(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    judge_victims(judging, tally, true, |moment, decision| {
        top_down(moment, decision) && moment.condemned().next().is_none()
    });
}

/// `inv-update-victim-top-down` and `inv-update-victim-gate-off`
pub fn victim_top_down(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    judge_victims(judging, tally, false, top_down);
}

/// `inv-update-victim-parallel`
pub fn victim_parallel(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    judge_victims(judging, tally, false, |moment, decision| {
        let Some(victim) = target(moment, decision) else {
            return false;
        };
        let others: Vec<(&Member<'_>, Tri)> = others(moment, victim.name(), true)
            .map(|other| (other, moment.available(other)))
            .collect();
        let higher = |other: &Member<'_>| other.ordinal > victim.ordinal;
        let available = moment.available(victim);
        let as_broken = available != Tri::Yes
            && !others
                .iter()
                .any(|(other, fine)| *fine == Tri::No && higher(other));
        let as_fine = available != Tri::No
            && !others
                .iter()
                .any(|(other, fine)| *fine == Tri::No || higher(other));
        as_broken || as_fine
    });
}

/// `inv-budget`
pub fn budget(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    judge_budget(judging, tally, |moment| moment.wanted.budget);
}

/// `inv-budget-default`
pub fn budget_default(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    judge_budget(judging, tally, |_| 1);
}

fn judge_budget(
    judging: &Judging<'_>,
    tally: &mut Tally<'_>,
    budget: impl Fn(&Moment<'_, '_>) -> i32,
) {
    let fixed = tally.invariant().id == "inv-budget-default";
    for (decision, _) in update_deletes(judging, None) {
        let versions = judging.versions(decision);
        if fixed && versions.iter().any(|wanted| !wanted.budget_is_one) {
            tally.vacuous();
            continue;
        }
        let name = decision.request.name.as_str();
        let generation = versions.first().map_or(0, |wanted| wanted.generation);
        let adds = [Adds::UpdatesOf(generation)];
        let fine = |moment: &Moment<'_, '_>| {
            moment
                .victim(decision)
                .map(|victim| moment.available(victim))
        };
        let unavailable = |moment: &Moment<'_, '_>| moment.unavailable_but(name) + 1;
        let held = judging.held(decision, &adds, |moment| {
            fine(moment).is_some_and(Tri::may)
                && i32::try_from(unavailable(moment)).is_ok_and(|count| count <= budget(moment))
        });
        let always = judging.newest(decision, |moment| fine(moment) == Some(Tri::Yes))
            == Some(true)
            && (held != Held::Not
                || judging.held(decision, &[Adds::Nothing], |moment| {
                    fine(moment).is_some_and(|fine| fine != Tri::Yes)
                }) == Held::Not);
        if !always {
            tally.vacuous();
            continue;
        }
        tally.decided(decision, held, &[Kind::Pod], || {
            let count = judging.newest(decision, |moment| (unavailable(moment), budget(moment)));
            let (count, budget) = count.unwrap_or_default();
            format!("with it {count} pods of the range were unavailable where {budget} may be, or as many with those deleted before")
        });
    }
}

/// `inv-budget-one`
pub fn budget_one(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    for (decision, ordinal) in update_deletes(judging, None) {
        let generation = judging
            .versions(decision)
            .first()
            .map_or(0, |wanted| wanted.generation);
        let ordered = judging.ordered(decision.life);
        let waits = |moment: &Moment<'_, '_>| -> Vec<Ordinal> {
            let others = moment
                .wanted
                .range()
                .filter(|other| *other != ordinal && (ordered || *other > ordinal));
            let unfit = others.filter(|other| {
                let mut pods = moment
                    .members
                    .iter()
                    .filter(|member| member.ordinal == *other);
                !pods.any(|member| moment.available(member).may())
            });
            unfit.collect()
        };
        let held = judging.held(decision, &[Adds::UpdatesOf(generation)], |moment| {
            moment.victim(decision).is_some() && waits(moment).is_empty()
        });
        tally.decided(decision, held, &[Kind::Pod], || {
            format!(
                "these ordinals were not available: {:?}",
                judging.newest(decision, waits).unwrap_or_default()
            )
        });
    }
}

/// `inv-partition`
pub fn partition(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    let staged = |decision: &Decision<'_>| {
        let versions = judging.versions(decision);
        let rolling = versions
            .iter()
            .all(|wanted| wanted.strategy == Strategy::RollingUpdate);
        rolling
            && versions.first().is_some_and(|wanted| {
                wanted.partition > 0 && wanted.current_revision() != wanted.update_revision()
            })
    };
    for (decision, ordinal) in update_deletes(judging, None) {
        let held = judging.held(decision, &[Adds::Nothing], |moment| {
            moment.index(ordinal) >= Some(moment.wanted.partition)
        });
        if !staged(decision) && held != Held::Not {
            continue;
        }
        tally.decided(decision, held, &[Kind::Set], || {
            "it was below the partition".to_owned()
        });
    }
    for decision in judging.of(Kind::Pod, Act::Create) {
        let pod = decision.after.and_then(|change| change.object.as_pod());
        let (Some(pod), Some(ordinal)) = (pod, ordinal(judging, decision)) else {
            continue;
        };
        let revision = sets::revision_of(pod);
        let held = judging.held(decision, &[Adds::Nothing], |moment| {
            let wanted = &moment.wanted;
            let current = wanted.current_revision();
            moment
                .index(ordinal)
                .is_none_or(|index| index >= wanted.partition)
                || wanted.strategy != Strategy::RollingUpdate
                || judging.old(decision.life, wanted.generation, revision) != Tri::No
                || current.is_empty()
                || current == revision
                || may_be_missing(judging, decision, current)
        });
        if !staged(decision) && held != Held::Not {
            continue;
        }
        tally.decided(decision, held, &[Kind::Set], || {
            format!("it was made below the partition at the update revision {revision}")
        });
    }
}

/// A revision was not there at some point of the window.
fn may_be_missing(judging: &Judging<'_>, decision: &Decision<'_>, name: &str) -> bool {
    let Some(course) = judging
        .index
        .find(Kind::Revision, &decision.request.namespace, name)
    else {
        return true;
    };
    // Before it was made nobody could name it.
    let made = judging.index.course(course).places[0];
    let (lower, upper) = (
        decision.window.lower.of(Kind::Revision),
        decision.window.upper.of(Kind::Revision),
    );
    let places = judging
        .index
        .course(course)
        .places
        .iter()
        .map(|place| place + 1);
    let points = places
        .filter(|point| (lower..=upper).contains(point))
        .chain([lower.max(made + 1), upper.max(made + 1)]);
    points
        .into_iter()
        .any(|point| judging.index.at(course, point).is_none())
}

/// `inv-ondelete`
pub fn on_delete(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    spared(judging, tally);
    for (decision, ordinal) in new_deletes(judging) {
        let versions = judging.versions(decision);
        if versions.is_empty()
            || versions
                .iter()
                .any(|wanted| wanted.strategy != Strategy::OnDelete)
        {
            continue;
        }
        let held = judging.held(decision, &[Adds::Nothing], |moment| {
            moment
                .victim(decision)
                .is_some_and(|victim| victim.ended() || !moment.wanted.has(ordinal))
        });
        let waiting = judging.newest(decision, |moment| {
            moment.in_range().any(|member| moment.old(member).must())
        });
        if waiting != Some(true) && held != Held::Not {
            tally.vacuous();
            continue;
        }
        tally.decided(decision, held, &[Kind::Pod], || {
            "the strategy was OnDelete, and it was neither condemned, Failed nor Succeeded"
                .to_owned()
        });
    }
}

/// Syncs that saw old pods under OnDelete, as their status writes tell.
fn spared(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    for decision in judging.of(Kind::Set, Act::Status) {
        let versions = judging.versions(decision);
        let always = versions
            .iter()
            .all(|wanted| wanted.strategy == Strategy::OnDelete);
        let waiting = always.then(|| {
            judging.newest(decision, |moment| {
                moment.in_range().any(|member| moment.old(member).must())
            })
        });
        if waiting.flatten() == Some(true) {
            tally.strict();
        }
    }
}

/// `inv-recreate-mix`
pub fn recreate_mix(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    for decision in judging.of(Kind::Pod, Act::Create) {
        let versions = judging.versions(decision);
        let recreates = !versions.is_empty()
            && versions
                .iter()
                .all(|wanted| wanted.strategy == Strategy::Recreate);
        let pod = decision.after.and_then(|change| change.object.as_pod());
        let Some(pod) = pod.filter(|_| recreates) else {
            continue;
        };
        let revision = sets::revision_of(pod);
        let mixes = |moment: &Moment<'_, '_>| {
            moment
                .members
                .iter()
                .any(|member| moment.old(member).must())
        };
        let held = judging.held(decision, &[Adds::Nothing], |moment| {
            judging.old(decision.life, moment.wanted.generation, revision) != Tri::No
                || !mixes(moment)
        });
        let index = judging.index;
        let revisions = index.lives()[decision.life].revisions.iter();
        let changed = revisions
            .filter(|course| index.course(**course).places[0] < decision.commit)
            .count()
            > 1;
        if !changed && held != Held::Not {
            tally.vacuous();
            continue;
        }
        tally.decided(decision, held, &[Kind::Pod], || {
            let others = judging.newest(decision, |moment| {
                let old = moment
                    .members
                    .iter()
                    .filter(|member| moment.old(member).must());
                old.map(|member| member.name().to_owned())
                    .collect::<Vec<_>>()
                    .join(", ")
            });
            format!(
                "pods of another revision were there: {}",
                others.unwrap_or_default()
            )
        });
    }
}
