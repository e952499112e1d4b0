//! In which order pods are made, and how many.

use std::collections::BTreeSet;

use super::{Judging, Tally, calm::Calm, judging::Adds};
use crate::{
    evidence::{Act, Actor, Decision, Kind, Verb, Wanted, controller_of, templates},
    sets,
};

/// `inv-create-gate`
pub fn create_gate(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    for decision in judging.of(Kind::Pod, Act::Create) {
        let Some(ordinal) = ordinal(judging, decision).filter(|_| judging.ordered(decision.life))
        else {
            continue;
        };
        let first = judging.newest(decision, |moment| moment.index(ordinal) == Some(0));
        let held = judging.held(decision, &[Adds::Nothing], |moment| {
            moment.wanted.has(ordinal) && moment.unfit(ordinal).next().is_none()
        });
        // A pod outside of every range is another rule's.
        let inside = judging
            .versions(decision)
            .iter()
            .any(|wanted| wanted.has(ordinal));
        if first == Some(true) || !inside {
            tally.vacuous();
            continue;
        }
        tally.decided(decision, held, &[Kind::Pod], || {
            let unfit =
                judging.newest(decision, |moment| moment.unfit(ordinal).collect::<Vec<_>>());
            format!(
                "no pod was Running, Ready and available for the lower ordinals {:?}",
                unfit.unwrap_or_default()
            )
        });
    }
}

/// The ordinal in the name of a decision's pod, if the name is a pod's of its set.
pub fn ordinal(judging: &Judging<'_>, decision: &Decision<'_>) -> Option<sets::Ordinal> {
    sets::ordinal_of(
        judging.index.lives()[decision.life].name,
        &decision.request.name,
    )
}

/// `inv-create-ascending`
pub fn create_ascending(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    let index = judging.index;
    for (number, life) in index.lives().iter().enumerate() {
        let first = &index.changes()[life.places[0]];
        let Some(set) = first
            .object
            .as_set()
            .filter(|_| !first.initial && judging.ordered(number))
        else {
            continue;
        };
        if judging.meddled(number, Kind::Pod) {
            tally.vacuous();
            continue;
        }
        let wanted = Wanted::of(set);
        let mut next = wanted.start;
        let mut made = 0;
        let mut wrong = None;
        for place in &life.watched {
            let change = &index.changes()[*place];
            if let Some(set) = change.object.as_set() {
                if set.metadata.generation != Some(wanted.generation)
                    || change.verb == Verb::Deleted
                {
                    break;
                }
                continue;
            }
            let Some(pod) = change.object.as_pod() else {
                continue;
            };
            let born = change.verb == Verb::Added
                && !change.initial
                && controller_of(change) == Some(life.uid);
            let known = index.places_of(change.object.uid()).first() != Some(place);
            if sets::is_terminating(pod)
                || sets::is_failed(pod)
                || change.verb == Verb::Deleted
                || !(born || known)
            {
                break;
            }
            if born && !known {
                made += 1;
                let ordinal = sets::ordinal_of(life.name, change.object.name());
                if ordinal != Some(next) {
                    wrong = wrong.or(Some((*place, next)));
                }
                next = next.saturating_add(1);
            }
        }
        match (wrong, judging.seen(Kind::Pod, life.places[0], index.end())) {
            _ if made < 2 && wrong.is_none() => tally.vacuous(),
            (None, _) => tally.strict(),
            (Some(_), Err(gap)) => tally.undecided(gap),
            (Some((place, next)), Ok(())) => {
                let name = index.changes()[place].object.name();
                let seen = format!("pod {name} was created when ordinal {next} was due");
                tally.violated(number, place + 1, &[Kind::Pod], seen);
            }
        }
    }
}

/// `inv-creates-exact`
pub fn creates_exact(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    let index = judging.index;
    for (number, life) in index.lives().iter().enumerate() {
        let calms = judging.calms(number);
        let settled: Vec<&Calm> = calms.iter().filter(|calm| calm.settled).collect();
        let Some(first) = settled.first() else {
            continue;
        };
        let undisturbed = |from: usize, to: usize| {
            !refused(judging, number, from, to)
                && [Kind::Pod, Kind::Claim]
                    .iter()
                    .all(|kind| judging.seen(*kind, from, to).is_ok())
        };
        let born = life.places[0];
        let fresh = !index.changes()[born].initial
            && life
                .pods
                .iter()
                .chain(&life.claims)
                .all(|course| index.at(*course, born).is_none());
        let generation = |point: usize| {
            index
                .set(number, point)
                .and_then(|set| set.metadata.generation)
        };
        if fresh
            && generation(first.point) == generation(born + 1)
            && undisturbed(born, first.point)
        {
            let counts = Counts::between(judging, number, born, first.point);
            if let Some(set) = index.set(number, first.point) {
                let pods = Wanted::of(set).range().len();
                let names: BTreeSet<&str> = templates(set).collect();
                let wanted = Counts {
                    made: pods,
                    deleted: 0,
                    claims: pods * names.len(),
                };
                judge_counts(
                    judging,
                    tally,
                    number,
                    first.point,
                    "a bring-up",
                    counts,
                    wanted,
                );
            }
        }
        for pair in settled.windows(2) {
            let [one, other] = pair else { continue };
            let any = !index.claimed(number, other.point).is_empty();
            if any
                && rolled_all(judging, number, one.point, other.point)
                && undisturbed(one.point, other.point)
            {
                let pods = index.claimed(number, other.point).len();
                let wanted = Counts {
                    made: pods,
                    deleted: pods,
                    claims: 0,
                };
                let counts = Counts::between(judging, number, one.point, other.point);
                judge_counts(
                    judging,
                    tally,
                    number,
                    other.point,
                    "a rollout",
                    counts,
                    wanted,
                );
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Counts {
    made: usize,
    deleted: usize,
    claims: usize,
}

impl Counts {
    fn between(judging: &Judging<'_>, life: usize, from: usize, to: usize) -> Self {
        let mut counts = Self {
            made: 0,
            deleted: 0,
            claims: 0,
        };
        for decision in judging.between(life, from, to) {
            match (decision.kind, decision.act) {
                (Kind::Pod, Act::Create) => counts.made += 1,
                (Kind::Pod, Act::Delete) if decision.is_new_delete() => counts.deleted += 1,
                (Kind::Claim, Act::Create) => counts.claims += 1,
                _ => {}
            }
        }
        counts
    }
}

fn judge_counts(
    judging: &Judging<'_>,
    tally: &mut Tally<'_>,
    life: usize,
    point: usize,
    what: &str,
    counts: Counts,
    wanted: Counts,
) {
    if judging.meddled(life, Kind::Pod) || judging.meddled(life, Kind::Claim) {
        tally.vacuous();
    } else if counts == wanted {
        tally.strict();
    } else {
        let seen = format!(
            "{what} created {} pods, deleted {} and created {} claims; {}, {} and {} were needed",
            counts.made, counts.deleted, counts.claims, wanted.made, wanted.deleted, wanted.claims
        );
        tally.violated(life, point, &[Kind::Pod, Kind::Claim], seen);
    }
}

/// Some write of the subject was refused, or a pod failed, between two points.
fn refused(judging: &Judging<'_>, life: usize, from: usize, to: usize) -> bool {
    let index = judging.index;
    let (start, end) = (
        index.changes()[from.min(index.end() - 1)].at,
        index.changes()[to - 1].at,
    );
    let requests = &index.evidence.log.requests;
    let first = requests.partition_point(|request| request.sent_at < start);
    let inside = requests[first..]
        .iter()
        .take_while(|request| request.sent_at <= end);
    let mut refusals = inside.filter(|request| {
        let failed = request.answer.as_ref().is_none_or(|answer| !answer.ok());
        let about = request.method.writes() && request.kind != Some(Kind::Event);
        failed && about && request.actor == Actor::Subject
    });
    refusals.next().is_some() || lost(judging, life, from, to)
}

/// A pod ended, or was taken away by somebody else than the subject, between two points.
fn lost(judging: &Judging<'_>, life: usize, from: usize, to: usize) -> bool {
    let index = judging.index;
    let places = judging.places(life, Kind::Pod);
    let first = places.partition_point(|place| *place < from);
    let mut inside = places[first..].iter().take_while(|place| **place < to);
    inside.any(|place| {
        let change = &index.changes()[*place];
        let pod = change.object.as_pod();
        let gone = change.verb == Verb::Deleted || pod.is_some_and(|pod| sets::is_terminating(pod));
        gone && !judging.deleted(life, change.object.uid())
            || pod.is_some_and(|pod| {
                sets::is_failed(pod)
                    || sets::is_succeeded(pod)
                    || sets::condition(pod, "DisruptionTarget").is_some()
            })
    })
}

/// Between two settled states nothing but the template changed, and every pod was replaced for it.
fn rolled_all(judging: &Judging<'_>, life: usize, one: usize, other: usize) -> bool {
    let index = judging.index;
    let (Some(before), Some(after)) = (index.set(life, one), index.set(life, other)) else {
        return false;
    };
    let mut same = before.spec.clone();
    same.template = after.spec.template.clone();
    let (old, new) = (Wanted::of(before), Wanted::of(after));
    let all = |point: usize, revision: &str| {
        !revision.is_empty()
            && index
                .claimed(life, point)
                .iter()
                .all(|pod| sets::revision_of(pod) == revision)
    };
    same == after.spec
        && new.generation == old.generation + 1
        && old.update_revision() != new.update_revision()
        && all(one, old.update_revision())
        && all(other, new.update_revision())
}
