//! Claims: one per template and ordinal.

use std::str::FromStr;

use cucumber::{given, then};
use serde_json::json;

use crate::{
    evidence::{Kind, Verb},
    verdict::Stop,
    world::{Names, Noun, Seen, World, claims},
};

#[given(expr = "its pods claim storage {string}")]
async fn claim_storage(world: &mut World, template: String) -> Result<(), Stop> {
    let mount = format!("/{template}");
    let mut claim = json!({ "metadata": { "name": template }, "spec": wish("1Mi") });
    world.classify(&mut claim);
    world
        .shape(json!({ "spec": {
            "template": { "spec": { "containers": [{
                "name": "main",
                "volumeMounts": [{ "name": template, "mountPath": mount }],
            }] } },
            "volumeClaimTemplates": [claim],
        } }))
        .await
}

fn wish(size: &str) -> serde_json::Value {
    json!({ "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": size } } })
}

#[given(expr = "the claim {string} is created by hand for {string}")]
async fn is_created_by_hand(world: &mut World, name: String, size: String) -> Result<(), Stop> {
    let mut claim = json!({ "metadata": { "name": name }, "spec": wish(&size) });
    world.classify(&mut claim);
    world.create(Kind::Claim, claim).await
}

#[then(expr = "the claims of {string} are {names}")]
async fn are_exactly(world: &mut World, set: String, claims: Names) -> Result<(), Stop> {
    let mut wanted = claims.0.clone();
    wanted.sort_unstable();
    let expected = format!(
        "the claims of set {set:?} are exactly {}",
        wanted.join(", ")
    );
    let exact = |seen: &Seen<'_>| names(seen, &set) == wanted;
    world.comes_true(&expected, exact).await?;
    let judge = |seen: &Seen<'_>| {
        let names = names(seen, &set);
        if names == wanted {
            Ok(())
        } else {
            Err(format!("they are {}", names.join(", ")))
        }
    };
    world.stays(&set, &expected, judge).await
}

/// The claims whose names hold the set's, by name.
fn names(seen: &Seen<'_>, set: &str) -> Vec<String> {
    let part = format!("-{set}-");
    let claims = seen.all(Kind::Claim).into_iter().map(|claim| claim.name());
    claims
        .filter(|name| name.contains(&part))
        .map(str::to_owned)
        .collect()
}

#[then(expr = "claim(s) {names} is/are created")]
async fn is_created(world: &mut World, claims: Names) -> Result<(), Stop> {
    for name in &claims.0 {
        let expected = format!("claim {name:?} is created");
        let fresh = |seen: &Seen<'_>| {
            let lives = seen.lives(Kind::Claim, name);
            lives
                .last()
                .is_some_and(|life| life.created >= seen.before.index && life.asked.is_none())
        };
        world.comes_true(&expected, fresh).await?;
    }
    Ok(())
}

#[then(expr = "{kind} {string} stays though it is being deleted")]
async fn stays_though(world: &mut World, kind: Noun, name: String) -> Result<(), Stop> {
    let set = world.current.clone();
    let expected = format!("{} {name:?} is being deleted, and stays", kind.0);
    let judge = |seen: &Seen<'_>| match seen.get(kind.0, &name) {
        Some(object) if object.meta().deletion_timestamp.is_some() => Ok(()),
        Some(_) => Err("it is not being deleted".to_owned()),
        None => Err("it is gone".to_owned()),
    };
    world
        .comes_true(&expected, |seen| judge(seen).is_ok())
        .await?;
    world.stays(&set, &expected, judge).await
}

#[then(expr = "pod {string} uses the claim(s) {names}")]
async fn uses(world: &mut World, pod: String, wanted: Names) -> Result<(), Stop> {
    let expected = format!(
        "pod {pod:?} uses exactly the claims {}",
        wanted.0.join(", ")
    );
    let is = |seen: &Seen<'_>| seen.pod(&pod).is_some_and(|pod| claims(pod) == wanted.0);
    world.comes_true(&expected, is).await
}

/// What becomes of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "fate", regex = "created|gone")]
enum Fate {
    Created,
    Gone,
}

impl FromStr for Fate {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "gone" {
            Self::Gone
        } else {
            Self::Created
        })
    }
}

impl Fate {
    /// The version at which it last befell an object. Created is one that is there: a former one of that name may be all
    /// that was seen yet.
    fn version(self, seen: &Seen<'_>, kind: Kind, name: &str) -> Option<u64> {
        let verb = match self {
            Self::Created => Verb::Added,
            Self::Gone => Verb::Deleted,
        };
        let changes = seen.changes(kind);
        let mut changes =
            changes.filter(|change| change.verb == verb && change.object.name() == name);
        match self {
            Self::Created => {
                let uid = seen.get(kind, name)?.uid();
                changes.find(|change| change.object.uid() == uid)
            }
            Self::Gone => changes.last(),
        }
        .map(|change| change.version)
    }
}

#[then(expr = "{kind} {string} is {fate} before {kind} {string}")]
async fn is_before(
    world: &mut World,
    kind: Noun,
    name: String,
    fate: Fate,
    other_kind: Noun,
    other: String,
) -> Result<(), Stop> {
    let expected = format!(
        "{} {name:?} is {fate:?} before {} {other:?}",
        kind.0, other_kind.0
    );
    let both = |seen: &Seen<'_>| {
        let one = fate.version(seen, kind.0, &name)?;
        let other = fate.version(seen, other_kind.0, &other)?;
        Some((one, other))
    };
    let limit = world.scene.deadlines.whole_set;
    let (one, two) = world.comes(limit, &expected, both).await?;
    if !world.scene.profile.shared_counter {
        return Err(Stop::Inconclusive(
            "the order of changes of two kinds is not known on this cluster".into(),
        ));
    }
    if one < two {
        return Ok(());
    }
    Err(Stop::Fail(format!(
        "expected: {expected}; seen: {name} at version {one}, {other} at version {two}"
    )))
}

#[then(expr = "claim {string} asks for {string}")]
async fn asks_for(world: &mut World, name: String, size: String) -> Result<(), Stop> {
    let set = world.current.clone();
    let expected = format!("claim {name:?} asks for {size}");
    let judge = |seen: &Seen<'_>| {
        let claim = seen
            .get(Kind::Claim, &name)
            .and_then(|claim| claim.as_claim());
        let claim = claim.ok_or_else(|| format!("{name} is missing"))?;
        let spec = claim.spec.as_ref();
        let requests = spec
            .and_then(|spec| spec.resources.as_ref())
            .and_then(|resources| resources.requests.as_ref());
        match requests.and_then(|requests| requests.get("storage")) {
            Some(found) if found.0 == size => Ok(()),
            Some(found) => Err(format!("it asks for {}", found.0)),
            None => Err("it asks for nothing".to_owned()),
        }
    };
    world.stays(&set, &expected, judge).await
}
