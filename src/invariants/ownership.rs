//! What is the controller's to touch, and whether it had a reason.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use super::{Judging, Tally, calm::later, judging::Adds, tally::Held};
use crate::{
    evidence::{Act, Change, Decision, Kind, Strategy, Verb, Wanted, controller_of, slice},
    sets,
};

/// `inv-no-needless-delete`
pub fn no_needless_delete(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    for decision in judging
        .of(Kind::Pod, Act::Delete)
        .filter(|decision| decision.is_new_delete())
    {
        let held = judging.held(decision, &[Adds::Nothing], |moment| {
            moment.victim(decision).is_some_and(|victim| {
                let replaced =
                    moment.wanted.strategy != Strategy::OnDelete && moment.old(victim).may();
                victim.ended()
                    || replaced
                    || victim.ordinal >= 0 && !moment.wanted.has(victim.ordinal)
            })
        });
        tally.decided(decision, held, &[Kind::Pod], || {
            "it was neither condemned nor old, Failed or Succeeded".to_owned()
        });
    }
}

/// `inv-no-create-deleting`
pub fn no_create_deleting(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    let creates = judging
        .of(Kind::Pod, Act::Create)
        .chain(judging.of(Kind::Claim, Act::Create));
    for decision in creates {
        let versions = judging.versions(decision);
        if !versions.is_empty() && versions.iter().all(|wanted| wanted.deleting) {
            tally.decided(decision, Held::Not, &[Kind::Set], || {
                "the set was being deleted".to_owned()
            });
        }
    }
    let index = judging.index;
    for (number, life) in index.lives().iter().enumerate() {
        let deleting = life.places.iter().find(|place| {
            let change = &index.changes()[**place];
            change.verb != Verb::Deleted && change.object.meta().deletion_timestamp.is_some()
        });
        let Some(place) = deleting else {
            continue;
        };
        let since = later(index.changes()[*place].at, 10);
        let gone = life
            .places
            .last()
            .map(|place| &index.changes()[*place])
            .filter(|change| change.verb == Verb::Deleted);
        let until = gone.map_or(index.ended_at(), |change| change.at);
        let Some(set) = index.set(number, place + 1).filter(|_| since <= until) else {
            continue;
        };
        let claimed = index.claimed(number, index.point_at(since));
        if claimed.len() < Wanted::of(set).range().len() {
            tally.strict();
        }
    }
}

/// `inv-no-foreign`
pub fn no_foreign(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    let strangers = strangers(judging);
    for decision in judging
        .decisions
        .iter()
        .filter(|decision| decision.kind != Kind::Set)
    {
        let life = &judging.index.lives()[decision.life];
        if decision.act == Act::Create {
            continue;
        }
        let broken = touches_foreign(judging, decision);
        let adopted = adopts_other_name(judging, decision);
        if !strangers.contains(life.namespace) && broken.is_none() && !adopted {
            continue;
        }
        match broken {
            Some(owner) => tally.decided(decision, Held::Not, &[decision.kind], || {
                format!("its controller was {owner}")
            }),
            None if adopted => tally.decided(decision, Held::Not, &[decision.kind], || {
                format!(
                    "it was adopted, though its name is not {}, dash, digits",
                    life.name
                )
            }),
            None => tally.strict(),
        }
    }
}

/// The namespaces in which something is controlled by another than the sets that are there, or has a pod of another name.
fn strangers<'a>(judging: &Judging<'a>) -> BTreeSet<&'a str> {
    let changes = judging.index.changes().iter();
    let cached = changes.filter(|change| {
        matches!(
            change.object.kind(),
            Kind::Pod | Kind::Claim | Kind::Revision
        )
    });
    let strange = cached.filter(|change| match controller_of(change) {
        Some(uid) => !is_ours(judging, uid, change),
        None => change.object.kind() == Kind::Pod,
    });
    strange.map(|change| change.object.namespace()).collect()
}

/// A UID is that of a set that was there then, or of a pod (which may own claims).
fn is_ours(judging: &Judging<'_>, uid: &str, change: &Change) -> bool {
    let index = judging.index;
    let Some(first) = index.places_of(uid).first() else {
        return false;
    };
    match index.changes()[*first].object.kind() {
        Kind::Pod => change.object.kind() == Kind::Claim,
        Kind::Set => true,
        _ => false,
    }
}

/// The controller of what a decision touched, if it was another one's in every state that may have been used.
fn touches_foreign(judging: &Judging<'_>, decision: &Decision<'_>) -> Option<String> {
    let index = judging.index;
    let life = &index.lives()[decision.life];
    let before = decision.before?;
    let foreign = |change: &Change| {
        controller_of(change).is_some_and(|uid| {
            let claims_pod = change.object.kind() == Kind::Claim
                && index.places_of(uid).first().is_some_and(|first| {
                    let owner = &index.changes()[*first].object;
                    owner.kind() == Kind::Pod && sets::ordinal_of(life.name, owner.name()).is_some()
                });
            uid != life.uid && !claims_pod && !is_live_set(judging, uid, decision)
        })
    };
    if !foreign(before) || decision.kind == Kind::Claim && only_drops_own(decision, life.name) {
        return None;
    }
    let course = index.find(
        decision.kind,
        &decision.request.namespace,
        &decision.request.name,
    )?;
    let (lower, upper) = (
        decision.window.lower.of(decision.kind),
        decision.window.upper.of(decision.kind),
    );
    // A delete by name means whatever pod the cache shows under that name; anything else means this object.
    let by_name = decision.act == Act::Delete && decision.insists_on().is_none();
    let places = &index.course(course).places;
    let inside = places
        .iter()
        .filter(|place| (lower..upper).contains(*place))
        .map(|place| &index.changes()[*place]);
    let states = index.at(course, lower).into_iter().chain(inside);
    let own = states
        .filter(|change| change.verb != Verb::Deleted)
        .any(|change| !foreign(change) && (by_name || change.object.uid() == before.object.uid()));
    let owner = before
        .object
        .meta()
        .owner_references
        .iter()
        .flatten()
        .find(|owner| owner.controller == Some(true))?;
    (!own).then(|| format!("{} {} ({})", owner.kind, owner.name, owner.uid))
}

/// Another set that the subject may have been working for.
fn is_live_set(judging: &Judging<'_>, uid: &str, decision: &Decision<'_>) -> bool {
    let index = judging.index;
    let life = index.life_of(uid);
    life.is_some_and(|life| {
        index
            .set(life, decision.window.lower.of(Kind::Set))
            .or(index.set(life, decision.commit))
            .is_some()
    })
}

/// A change of a claim that takes references to the set or its pods away, and does nothing else to its owners.
fn only_drops_own(decision: &Decision<'_>, set: &str) -> bool {
    let owners = |change: &Change| -> Vec<OwnerReference> {
        change
            .object
            .meta()
            .owner_references
            .clone()
            .unwrap_or_default()
    };
    let (Some(before), Some(after)) = (decision.before, decision.after) else {
        // It changed nothing.
        return true;
    };
    let (before, after) = (owners(before), owners(after));
    let own = |owner: &OwnerReference| {
        owner.kind == "StatefulSet" && owner.name == set
            || owner.kind == "Pod" && sets::ordinal_of(set, &owner.name).is_some()
    };
    after.iter().all(|owner| before.contains(owner))
        && before
            .iter()
            .all(|owner| after.contains(owner) || own(owner))
}

fn adopts_other_name(judging: &Judging<'_>, decision: &Decision<'_>) -> bool {
    let life = &judging.index.lives()[decision.life];
    let (Some(before), Some(after)) = (decision.before, decision.after) else {
        return false;
    };
    decision.kind == Kind::Pod
        && controller_of(before).is_none()
        && controller_of(after) == Some(life.uid)
        && sets::ordinal_of(life.name, &decision.request.name).is_none()
}

/// The changes of one object, in short lines.
pub fn own_slice(judging: &Judging<'_>, course: usize, point: usize) -> Vec<String> {
    let places = judging
        .index
        .course(course)
        .places
        .iter()
        .take_while(|place| **place < point);
    slice(
        judging.start,
        places.map(|place| &judging.index.changes()[*place]),
        24,
    )
}
