//! Revisions, and what the status of a set says of them.

use std::str::FromStr;

use cucumber::{given, then};
use k8s_openapi::{
    api::apps::v1::StatefulSetStatus, apimachinery::pkg::apis::meta::v1::OwnerReference,
};

use crate::{
    evidence::Kind,
    verdict::Stop,
    world::{Seen, World},
};

pub(super) fn status(seen: &Seen<'_>, set: &str) -> Option<StatefulSetStatus> {
    let set = seen.set(set)?;
    let status = set.status.clone()?;
    (status.observed_generation >= set.metadata.generation).then_some(status)
}

/// Which of the two revisions a status names.
#[derive(Clone, Copy, Debug, cucumber::Parameter)]
#[param(name = "side", regex = "current|update")]
enum Side {
    Current,
    Update,
}

impl FromStr for Side {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "current" {
            Self::Current
        } else {
            Self::Update
        })
    }
}

impl Side {
    fn of(self, status: StatefulSetStatus) -> Option<String> {
        match self {
            Self::Current => status.current_revision,
            Self::Update => status.update_revision,
        }
    }
}

#[given(expr = "its {side} revision becomes {string}")]
#[then(expr = "its {side} revision becomes {string}")]
async fn revision_becomes(world: &mut World, side: Side, revision: String) -> Result<(), Stop> {
    let set = world.current.clone();
    let limit = world.scene.deadlines.whole_set;
    let expected = format!("the {side:?} revision of set {set:?} becomes {revision:?}");
    let named = |seen: &Seen<'_>| {
        let named = side.of(status(seen, &set)?)?;
        (seen.revision(&set, &revision)? == named).then_some(())
    };
    world.comes(limit, &expected, named).await
}

#[then(expr = "its {side} revision stays {string}")]
async fn revision_stays(world: &mut World, side: Side, revision: String) -> Result<(), Stop> {
    let set = world.current.clone();
    let expected = format!("the {side:?} revision of set {set:?} stays {revision:?}");
    let judge = |seen: &Seen<'_>| {
        let wanted = seen.revision(&set, &revision);
        let states = seen
            .placed(Kind::Set)
            .filter(|(place, change)| *place >= seen.before.index && change.object.name() == set);
        for (_, change) in states {
            let status = change.object.as_set().and_then(|set| set.status.clone());
            let named = status.and_then(|status| side.of(status));
            if named.is_some() && named != wanted {
                return Err(format!("it was {named:?}"));
            }
        }
        Ok(())
    };
    world.stays(&set, &expected, judge).await
}

#[then(expr = "it has {int} revision(s)")]
async fn has_revisions(world: &mut World, count: usize) -> Result<(), Stop> {
    let set = world.current.clone();
    let expected = format!("set {set:?} has {count} revisions");
    let counted = |seen: &Seen<'_>| {
        // By name, since the set may be gone.
        let owned = |owner: &OwnerReference| owner.controller == Some(true) && owner.name == set;
        let all = seen.all(Kind::Revision).into_iter();
        let owners = all.map(|object| object.meta().owner_references.iter().flatten());
        owners.filter(|owners| owners.clone().any(owned)).count()
    };
    world
        .comes_true(&expected, |seen| counted(seen) == count)
        .await?;
    let judge = |seen: &Seen<'_>| match counted(seen) {
        found if found == count => Ok(()),
        found => Err(format!("it has {found}")),
    };
    world.stays(&set, &expected, judge).await
}

#[then(expr = "revision {string} is the same object as before, and the newest")]
async fn is_reused(world: &mut World, revision: String) -> Result<(), Stop> {
    let set = world.current.clone();
    let expected = format!("revision {revision:?} is used again and has the highest number");
    let newest = |seen: &Seen<'_>| {
        let name = seen.revision(&set, &revision)?;
        let own = seen.get(Kind::Revision, &name)?.as_revision()?;
        let all = seen.all(Kind::Revision).into_iter();
        let numbers = all.filter_map(|other| Some(other.as_revision()?.revision));
        let old = seen.old(Kind::Revision, &name)?;
        let same = Some(old.uid()) == own.metadata.uid.as_deref();
        (same && numbers.max() == Some(own.revision)).then_some(())
    };
    world
        .comes_true(&expected, |seen| newest(seen).is_some())
        .await
}
