//! Revisions, and what the status of a set says of them.

use std::str::FromStr;

use cucumber::{given, then, when};
use k8s_openapi::{
    api::apps::v1::StatefulSetStatus, apimachinery::pkg::apis::meta::v1::OwnerReference,
};
use kube::api::{Patch, PatchParams};

use crate::{
    evidence::Kind,
    sets,
    verdict::Stop,
    world::{Names, Seen, World},
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

/// Whether something comes about, or is so all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "course", regex = "becomes|stays")]
enum Course {
    Becomes,
    Stays,
}

impl FromStr for Course {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "becomes" {
            Self::Becomes
        } else {
            Self::Stays
        })
    }
}

#[given(expr = "its {side} revision {course} {string}")]
#[then(expr = "its {side} revision {course} {string}")]
async fn revision_is(
    world: &mut World,
    side: Side,
    course: Course,
    revision: String,
) -> Result<(), Stop> {
    match course {
        Course::Becomes => revision_becomes(world, side, revision).await,
        Course::Stays => revision_stays(world, side, revision).await,
    }
}

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

/// Oldest number first.
#[then(expr = "its revisions are {names}")]
async fn revisions_are(world: &mut World, marks: Names) -> Result<(), Stop> {
    let set = world.current.clone();
    let expected = format!("the revisions of set {set:?} are {}", marks.0.join(", "));
    let judge = |seen: &Seen<'_>| {
        let found = marks_of(seen, &set);
        if found == marks.0 {
            Ok(())
        } else {
            Err(format!("they are {}", found.join(", ")))
        }
    };
    world
        .comes_true(&expected, |seen| judge(seen).is_ok())
        .await?;
    world.stays(&set, &expected, judge).await
}

/// The marks of a set's revisions, by number; a dash for one that has none.
fn marks_of(seen: &Seen<'_>, set: &str) -> Vec<String> {
    let uid = seen.get(Kind::Set, set).map(|set| set.uid().to_owned());
    let all = seen.all(Kind::Revision).into_iter();
    let mut own: Vec<_> = all
        .filter_map(|object| object.as_revision())
        .filter(|revision| sets::owner_uid(revision.as_ref()) == uid.as_deref())
        .map(|revision| {
            let mark = crate::world::mark_of(revision).unwrap_or("-").to_owned();
            (revision.revision.unwrap_or_default(), mark)
        })
        .collect();
    own.sort();
    own.into_iter().map(|(_, mark)| mark).collect()
}

/// As `kubectl rollout undo` does it: the data of the revision is a patch of the set.
#[when(expr = "it is rolled back to revision {string}")]
async fn is_rolled_back(world: &mut World, mark: String) -> Result<(), Stop> {
    world.acts().await;
    let set = world.current.clone();
    let data = world.see(|seen| {
        let name = seen.revision(&set, &mark)?;
        let revision = seen.get(Kind::Revision, &name)?.as_revision()?;
        Some(revision.data.0.clone())
    });
    let data = data.ok_or_else(|| Stop::Inconclusive(format!("there is no revision {mark:?}")))?;
    let sets = world.api(Kind::Set);
    let written = sets
        .patch(&set, &PatchParams::default(), &Patch::Strategic(data))
        .await?;
    world.sees_written(&written).await;
    Ok(())
}

/// Whether a name and its label have one hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "hashes", regex = "one hash|two hashes")]
struct Hashes(usize);

impl FromStr for Hashes {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(if text == "one hash" { 1 } else { 2 }))
    }
}

/// The name is the set's, a dash and a hash; the label has the hash of the first attempt.
#[then(expr = "the name and the label of revision {string} show {hashes}")]
async fn shows_hashes(world: &mut World, mark: String, hashes: Hashes) -> Result<(), Stop> {
    let set = world.current.clone();
    let expected = format!(
        "the name of revision {mark:?} is {set}, a dash and a hash; with its label there are {hashes:?}"
    );
    let hash = |seen: &Seen<'_>| {
        let name = seen.revision(&set, &mark)?;
        let labels = seen.get(Kind::Revision, &name)?.meta().labels.clone()?;
        let label = labels.get("controller.kubernetes.io/hash")?.clone();
        let hash = name.strip_prefix(&format!("{set}-"))?.to_owned();
        Some((hash, label))
    };
    let limit = world.scene.deadlines.one_step;
    let (hash, label) = world.comes(limit, &expected, hash).await?;
    let is_hash = |text: &str| {
        (1..=10).contains(&text.len()) && text.chars().all(|c| "456789bcdf".contains(c))
    };
    let as_many = (hash == label) == (hashes.0 == 1);
    if is_hash(&hash) && is_hash(&label) && as_many {
        return Ok(());
    }
    Err(Stop::Fail(format!(
        "expected: {expected}; seen: {hash:?} in the name and {label:?} in the label"
    )))
}

/// What becomes of a revision that the scenario made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "fate", regex = "is untouched|is its update revision")]
enum Fate {
    Untouched,
    Update,
}

impl FromStr for Fate {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "is untouched" {
            Self::Untouched
        } else {
            Self::Update
        })
    }
}

#[then(expr = "the revision made by hand {fate}")]
async fn by_hand(world: &mut World, fate: Fate) -> Result<(), Stop> {
    let set = world.current.clone();
    let made = world.notes.get(super::by_hand::MADE).cloned();
    let made = made.unwrap_or_default();
    let name = made["name"].as_str().unwrap_or_default().to_owned();
    let expected = format!("the revision {name:?} that was made by hand {fate:?}");
    match fate {
        Fate::Update => {
            let named = |seen: &Seen<'_>| {
                let status = status(seen, &set);
                status.and_then(|status| status.update_revision).as_deref() == Some(&name)
            };
            world.comes_true(&expected, named).await
        }
        Fate::Untouched => {
            let version = made["version"].as_str().unwrap_or_default();
            let judge = |seen: &Seen<'_>| match seen.get(Kind::Revision, &name) {
                Some(object) if object.meta().resource_version.as_deref() == Some(version) => {
                    Ok(())
                }
                Some(_) => Err("it was changed".to_owned()),
                None => Err("it is gone".to_owned()),
            };
            world.stays(&set, &expected, judge).await
        }
    }
}
