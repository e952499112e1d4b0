//! Claims: there before their pods, there after them.

use std::collections::BTreeSet;

use super::{Judging, Tally, identity::births, scaling::scale_downs, tally::Held};
use crate::{
    evidence::{Actor, Change, Decision, Kind, Method, Strategy, Verb, Wanted, templates},
    sets::{self, Ordinal},
};

/// `inv-claim-first`
pub fn claim_first(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    let index = judging.index;
    for (place, number, pod) in births(judging) {
        let life = &index.lives()[number];
        let set = index.changes()[life.places[0]].object.as_set();
        let ordinal = sets::ordinal_of(life.name, pod.metadata.name.as_deref().unwrap_or_default());
        let (Some(set), Some(ordinal)) = (set, ordinal) else {
            continue;
        };
        let claims: BTreeSet<String> = templates(set)
            .map(|template| sets::claim_name(template, life.name, ordinal))
            .collect();
        if claims.is_empty() {
            continue;
        }
        // What the controller's cache may have shown: no older than what it is proven to have used.
        let decision = judging.made(place);
        let lower = decision.map_or(0, |decision| decision.window.lower.of(Kind::Claim));
        let upper = if index.evidence.profile.shared_counter {
            place
        } else {
            index.end()
        };
        let states = claims
            .iter()
            .map(|claim| (claim, held(judging, life.namespace, claim, lower, upper)));
        let worst = states.max_by_key(|(_, held)| *held as u8);
        match worst {
            None | Some((_, Held::Strict)) => tally.strict(),
            Some((_, Held::Windowed)) => tally.windowed(),
            Some((claim, Held::Not)) => match judging.seen(Kind::Claim, lower, upper) {
                Err(gap) => tally.undecided(gap),
                Ok(()) => {
                    let name = pod.metadata.name.as_deref().unwrap_or_default();
                    let seen = format!(
                        "when pod {name} was added, its claim {claim} was not there or was terminating"
                    );
                    tally.violated(number, place + 1, &[Kind::Claim], seen);
                }
            },
        }
    }
}

fn held(judging: &Judging<'_>, namespace: &str, claim: &str, lower: usize, upper: usize) -> Held {
    let index = judging.index;
    let Some(course) = index.find(Kind::Claim, namespace, claim) else {
        return Held::Not;
    };
    let good = |change: &Change| {
        change.verb != Verb::Deleted && change.object.meta().deletion_timestamp.is_none()
    };
    if index.at(course, upper).is_some_and(good) {
        return Held::Strict;
    }
    let places = index
        .course(course)
        .places
        .iter()
        .filter(|place| (lower..upper).contains(*place));
    let states = places
        .map(|place| &index.changes()[*place])
        .chain(index.at(course, lower));
    if states.into_iter().any(good) {
        Held::Windowed
    } else {
        Held::Not
    }
}

/// `inv-claim-stable`
pub fn claim_stable(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    let index = judging.index;
    for (number, life) in index.lives().iter().enumerate() {
        for course in &life.claims {
            let course = index.course(*course);
            let owned = |change: &Change| {
                change
                    .object
                    .meta()
                    .owner_references
                    .iter()
                    .flatten()
                    .next()
                    .is_some()
            };
            let mut owners = false;
            let mut lost = None;
            for place in &course.places {
                let change = &index.changes()[*place];
                owners = owners && index.places_of(change.object.uid()).first() != Some(place)
                    || owned(change);
                if change.verb == Verb::Deleted && !owners {
                    lost = Some(*place);
                }
            }
            match lost {
                Some(_) if namespace_goes(judging, life.namespace) => tally.vacuous(),
                Some(place) => {
                    let seen = format!("claim {} never had an owner and was removed", course.name);
                    tally.violated(number, place + 1, &[Kind::Claim], seen);
                }
                None if !owners && pod_went(judging, number, course.name) => tally.strict(),
                None => tally.vacuous(),
            }
        }
    }
}

fn namespace_goes(judging: &Judging<'_>, namespace: &str) -> bool {
    let requests = judging.index.evidence.log.requests.iter();
    let mut gone = requests
        .filter(|request| request.plural == "namespaces" && request.method == Method::Delete);
    gone.any(|request| request.name == namespace)
}

/// The pod of a claim was deleted.
fn pod_went(judging: &Judging<'_>, life: usize, claim: &str) -> bool {
    let index = judging.index;
    index.lives()[life]
        .pods
        .iter()
        .map(|course| index.course(*course))
        .any(|course| {
            claim.ends_with(&format!("-{}", course.name))
                && course
                    .places
                    .iter()
                    .any(|place| index.changes()[*place].verb == Verb::Deleted)
        })
}

/// `inv-claim-never-deleted`
pub fn claim_never_deleted(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    let index = judging.index;
    let requests = index.evidence.log.requests.iter();
    for request in requests
        .filter(|request| request.actor == Actor::Subject && request.kind == Some(Kind::Claim))
    {
        if matches!(request.method, Method::Delete | Method::DeleteCollection) && !request.dry_run {
            tally.breach(
                format!("the controller sent a delete for claim {:?}", request.name),
                Vec::new(),
            );
        }
    }
    for (number, life) in index.lives().iter().enumerate() {
        let versions: Vec<&Change> = life
            .places
            .iter()
            .map(|place| &index.changes()[*place])
            .collect();
        let with_claims = versions[0]
            .object
            .as_set()
            .is_some_and(|set| templates(set).next().is_some());
        let replicas = |change: &&Change| {
            change
                .object
                .as_set()
                .map_or(0, |set| Wanted::of(set).replicas)
        };
        let smaller = versions
            .windows(2)
            .any(|pair| replicas(&pair[1]) < replicas(&pair[0]));
        let deleted = versions.iter().any(|change| change.verb == Verb::Deleted);
        if with_claims
            && (smaller || deleted)
            && !judging.decisions.iter().any(|decision| {
                decision.life == number
                    && decision.kind == Kind::Claim
                    && decision.act == crate::evidence::Act::Delete
            })
        {
            tally.strict();
        }
    }
}

/// `inv-ref-before-delete`
pub fn ref_before_delete(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    for (decision, ordinal) in scale_downs(judging) {
        let versions = judging.versions(decision);
        let always = |wanted: &Wanted<'_>| {
            wanted.deletes_when_scaled && wanted.strategy != Strategy::Recreate
        };
        let Some(before) = decision.before.filter(|_| versions.iter().all(always)) else {
            continue;
        };
        let claims = claims_of(judging, decision.life, ordinal);
        let states = claims
            .iter()
            .map(|claim| referred(judging, decision, claim, before.object.uid()));
        let judged: Vec<Held> = states.flatten().collect();
        match judged.iter().max_by_key(|held| **held as u8) {
            None => tally.vacuous(),
            Some(held) => tally.decided(decision, *held, &[Kind::Claim], || {
                "a claim of it did not name it as its controller".to_owned()
            }),
        }
    }
}

fn claims_of(judging: &Judging<'_>, life: usize, ordinal: Ordinal) -> Vec<String> {
    let life = &judging.index.lives()[life];
    let set = judging.index.changes()[life.places[0]].object.as_set();
    let names = set.into_iter().flat_map(|set| templates(set));
    names
        .map(|template| sets::claim_name(template, life.name, ordinal))
        .collect()
}

/// Whether a claim names a pod as its controller at some point of the window; none if it is not to be judged at one.
fn referred(
    judging: &Judging<'_>,
    decision: &Decision<'_>,
    claim: &str,
    pod: &str,
) -> Option<Held> {
    let index = judging.index;
    let course = index.find(Kind::Claim, &decision.request.namespace, claim)?;
    let (lower, upper) = (
        decision.window.lower.of(Kind::Claim),
        decision.window.upper.of(Kind::Claim),
    );
    let places = index
        .course(course)
        .places
        .iter()
        .filter(|place| (lower..upper).contains(*place));
    let mut points: Vec<usize> = places
        .map(|place| place + 1)
        .chain([lower, upper])
        .collect();
    points.sort_unstable();
    let mut held = Held::Not;
    for point in points {
        // A claim that was not made yet could not be looked at.
        let Some(change) = index.at(course, point) else {
            if index.last(course, point).is_some() || point == upper {
                return None;
            }
            continue;
        };
        let owners: Vec<_> = change
            .object
            .meta()
            .owner_references
            .iter()
            .flatten()
            .collect();
        let life = &index.lives()[decision.life];
        let named = |owner: &&&k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference| {
            owner.kind == "Pod" && owner.name == decision.request.name
                || owner.kind == "StatefulSet" && owner.name == life.name
        };
        let stale = owners
            .iter()
            .filter(named)
            .any(|owner| owner.uid != pod && owner.uid != life.uid);
        let foreign = owners.iter().any(|owner| {
            owner.controller == Some(true) && owner.uid != pod && owner.uid != life.uid
        });
        if stale || foreign {
            return None;
        }
        if owners
            .iter()
            .any(|owner| owner.uid == pod && owner.controller == Some(true))
        {
            held = if point == upper {
                Held::Strict
            } else {
                Held::Windowed
            };
        }
    }
    Some(held)
}

/// `inv-ref-only-condemned`
pub fn ref_only_condemned(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    let index = judging.index;
    for (number, life) in index.lives().iter().enumerate() {
        for calm in judging.calms(number).iter().filter(|calm| calm.settled) {
            let Some(wanted) = index
                .set(number, calm.point)
                .map(Wanted::of)
                .filter(|wanted| wanted.deletes_when_scaled)
            else {
                continue;
            };
            let changed = life.places.iter().any(|place| {
                let set = index.changes()[*place].object.as_set();
                *place < calm.point
                    && set.is_some_and(|set| Wanted::of(set).range() != wanted.range())
            });
            if !changed {
                tally.vacuous();
                continue;
            }
            match named_pod(judging, number, calm.point) {
                None => tally.strict(),
                Some(claim) => {
                    let seen = format!(
                        "the set was settled, and claim {claim} of a pod in the range named that pod as owner"
                    );
                    tally.violated(number, calm.point, &[Kind::Claim], seen);
                }
            }
        }
    }
}

fn named_pod(judging: &Judging<'_>, life: usize, point: usize) -> Option<String> {
    let index = judging.index;
    let set = &index.lives()[life];
    index.claimed(life, point).into_iter().find_map(|pod| {
        let name = pod.metadata.name.as_deref().unwrap_or_default();
        let claims = claims_of(judging, life, sets::ordinal_of(set.name, name)?);
        claims.into_iter().find(|claim| {
            let change = index.object(Kind::Claim, set.namespace, claim, point);
            let owners = change
                .into_iter()
                .flat_map(|change| change.object.meta().owner_references.iter().flatten());
            let owners: Vec<_> = owners
                .filter(|owner| owner.kind == "Pod" && owner.name == name)
                .collect();
            let uid = pod.metadata.uid.as_deref().unwrap_or_default();
            owners.iter().all(|owner| owner.uid == uid)
                && owners.iter().any(|owner| owner.controller == Some(true))
        })
    })
}
