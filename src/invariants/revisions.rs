//! Revisions: there when they are needed, never changed.

use super::{Judging, Tally, judging::Adds, ownership::own_slice, tally::Held};
use crate::{
    evidence::{Act, Change, Decision, Kind, Verb},
    sets,
};

/// `inv-rev-exists`
pub fn exists(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    for decision in judging.of(Kind::Pod, Act::Create) {
        let revision = decision
            .after
            .and_then(|change| change.object.as_pod())
            .map(|pod| sets::revision_of(pod));
        let Some(revision) = revision.filter(|_| {
            !judging
                .versions(decision)
                .iter()
                .any(|wanted| wanted.deleting)
        }) else {
            continue;
        };
        let held = there(judging, decision, revision);
        tally.decided(decision, held, &[Kind::Revision], || {
            format!("there was no revision {revision:?}")
        });
    }
    for decision in judging.of(Kind::Revision, Act::Delete) {
        let name = decision.request.name.as_str();
        if judging
            .versions(decision)
            .iter()
            .any(|wanted| wanted.deleting)
        {
            continue;
        }
        let held = judging.held(decision, &[Adds::Nothing], |moment| {
            let wanted = &moment.wanted;
            let named = [wanted.current_revision(), wanted.update_revision()].contains(&name);
            !named
                && !moment
                    .members
                    .iter()
                    .any(|member| sets::revision_of(member.pod) == name)
        });
        tally.decided(decision, held, &[Kind::Pod, Kind::Revision], || {
            "a pod or the status of the set named it".to_owned()
        });
    }
}

fn there(judging: &Judging<'_>, decision: &Decision<'_>, name: &str) -> Held {
    let index = judging.index;
    let Some(course) = index.find(Kind::Revision, &decision.request.namespace, name) else {
        return Held::Not;
    };
    let (lower, upper) = (
        decision.window.lower.of(Kind::Revision),
        decision.window.upper.of(Kind::Revision),
    );
    // Its own create need not have come back to it yet.
    let commit = if index.evidence.profile.shared_counter {
        decision.commit
    } else {
        index.end()
    };
    if index.at(course, upper).is_some() || index.at(course, commit).is_some() {
        return Held::Strict;
    }
    let mut places = index
        .course(course)
        .places
        .iter()
        .filter(|place| (lower..commit).contains(*place));
    if places.any(|place| index.changes()[*place].verb != Verb::Deleted)
        || index.at(course, lower).is_some()
    {
        Held::Windowed
    } else {
        Held::Not
    }
}

/// `inv-rev-immutable`
pub fn immutable(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    each_update(judging, tally, |before, after| {
        let data = |change: &Change| {
            change
                .object
                .as_revision()
                .map(|revision| revision.data.0.clone())
        };
        (data(before) == data(after))
            .then_some(())
            .ok_or_else(|| "its data changed".to_owned())
    });
}

/// `inv-rev-number-rises`
pub fn number_rises(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    each_update(judging, tally, |before, after| {
        let number = |change: &Change| {
            change
                .object
                .as_revision()
                .and_then(|revision| revision.revision)
                .unwrap_or(0)
        };
        let (before, after) = (number(before), number(after));
        (before <= after)
            .then_some(())
            .ok_or_else(|| format!("its number fell from {before} to {after}"))
    });
}

/// Judges each two states of one revision that follow each other.
fn each_update(
    judging: &Judging<'_>,
    tally: &mut Tally<'_>,
    judge: impl Fn(&Change, &Change) -> Result<(), String>,
) {
    let index = judging.index;
    for (number, course) in index
        .courses()
        .iter()
        .enumerate()
        .filter(|(_, course)| course.kind == Kind::Revision)
    {
        for pair in course.places.windows(2) {
            let (before, after) = (&index.changes()[pair[0]], &index.changes()[pair[1]]);
            if before.object.uid() != after.object.uid() || before.verb == Verb::Deleted {
                continue;
            }
            match judge(before, after) {
                Ok(()) if after.verb == Verb::Modified => tally.strict(),
                Ok(()) => {}
                Err(what) => {
                    let seen = format!("revision {}: {what}", course.name);
                    let life = index
                        .lives()
                        .iter()
                        .position(|life| life.revisions.contains(&number));
                    match life {
                        Some(life) => tally.violated(life, pair[1] + 1, &[Kind::Revision], seen),
                        None if tally.invariant().party == "controller" => tally.vacuous(),
                        None => tally.breach(seen, own_slice(judging, number, pair[1] + 1)),
                    }
                }
            }
        }
    }
}
