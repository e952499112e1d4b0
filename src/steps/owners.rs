//! Owners: whose an object is, and who goes when they go.

use std::str::FromStr;

use cucumber::{given, then, when};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::{
    evidence::Kind,
    verdict::Stop,
    world::{Names, Noun, Seen, World},
};

/// The UID of an object that is no more: no live one has it.
const FORMER: &str = "00000000-0000-0000-0000-000000000000";

/// An owner by its name: a set or pod that is there, or one of the name that is no more.
#[derive(Clone, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "owner", regex = r#"(?:a former )?(?:set|pod) "[^"]*""#)]
struct Owner {
    kind: Kind,
    name: String,
    is_former: bool,
}

impl FromStr for Owner {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self {
            kind: if text.contains("set \"") {
                Kind::Set
            } else {
                Kind::Pod
            },
            name: text.split('"').nth(1).unwrap_or_default().to_owned(),
            is_former: text.starts_with("a former"),
        })
    }
}

impl Owner {
    fn uid(&self, seen: &Seen<'_>) -> Option<String> {
        if self.is_former {
            return Some(FORMER.to_owned());
        }
        let object = seen.get(self.kind, &self.name)?;
        Some(object.uid().to_owned())
    }

    fn reference(&self, world: &World, is_controller: bool) -> Result<OwnerReference, Stop> {
        let resource = world.recorder.resource(self.kind);
        let uid = world.see(|seen| self.uid(seen));
        Ok(OwnerReference {
            api_version: resource.api_version,
            kind: resource.kind,
            name: self.name.clone(),
            uid: uid.ok_or_else(|| {
                Stop::Inconclusive(format!("there is no {} {:?}", self.kind, self.name))
            })?,
            controller: Some(is_controller),
            block_owner_deletion: Some(is_controller),
        })
    }
}

/// All owners of an object, its controller first; or somebody that is no set.
#[derive(Clone, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(
    name = "owners",
    regex = r#"nobody|somebody else|(?:a former )?(?:set|pod) "[^"]*"(?: and (?:set|pod) "[^"]*")*"#
)]
enum Owners {
    These(Vec<Owner>),
    SomebodyElse,
}

impl FromStr for Owners {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "somebody else" {
            return Ok(Self::SomebodyElse);
        }
        if text == "nobody" {
            return Ok(Self::These(Vec::new()));
        }
        let owners = text.split(" and ").map(str::parse);
        owners.collect::<Result<_, _>>().map(Self::These)
    }
}

impl Owners {
    /// Whether an object has exactly these owners, the first as its controller. One that is no more controls nothing.
    fn judge(&self, seen: &Seen<'_>, kind: Kind, name: &str, sets: &str) -> Result<(), String> {
        let object = seen
            .get(kind, name)
            .ok_or_else(|| format!("{name} is missing"))?;
        let references = object.meta().owner_references.as_deref();
        let references = references.unwrap_or_default();
        let these = match self {
            Self::These(these) => these,
            Self::SomebodyElse => {
                let is_other = |reference: &OwnerReference| reference.kind != sets;
                return match !references.is_empty() && references.iter().all(is_other) {
                    true => Ok(()),
                    false => Err(format!("{name} {}", tell(references))),
                };
            }
        };
        for (place, owner) in these.iter().enumerate() {
            let uid = owner.uid(seen);
            let found = references.iter().find(|reference| {
                reference.name == owner.name && Some(&reference.uid) == uid.as_ref()
            });
            let Some(reference) = found else {
                return Err(format!("{name} {}", tell(references)));
            };
            let controls =
                reference.controller == Some(true) && reference.block_owner_deletion == Some(true);
            if place == 0 && !owner.is_former && !controls {
                return Err(format!(
                    "{} {} does not control {name}",
                    reference.kind, reference.name
                ));
            }
        }
        if references.len() == these.len() {
            Ok(())
        } else {
            Err(format!("{name} {}", tell(references)))
        }
    }
}

fn tell(references: &[OwnerReference]) -> String {
    if references.is_empty() {
        return "belongs to nobody".to_owned();
    }
    let all: Vec<String> = references
        .iter()
        .map(|reference| format!("{} {} ({})", reference.kind, reference.name, reference.uid))
        .collect();
    format!("belongs to {}", all.join(" and "))
}

#[given(expr = "{kind} {names} belong(s) to {owners}")]
#[then(expr = "{kind} {names} belong(s) to {owners}")]
async fn belongs_to(
    world: &mut World,
    kind: Noun,
    names: Names,
    owners: Owners,
) -> Result<(), Stop> {
    let sets = world.recorder.resource(Kind::Set).kind;
    for name in &names.0 {
        let expected = match &owners {
            Owners::SomebodyElse => format!("{} {name:?} belongs to somebody else", kind.0),
            Owners::These(all) if all.is_empty() => format!("{} {name:?} has no owner", kind.0),
            Owners::These(all) => {
                let all: Vec<String> = all
                    .iter()
                    .map(|owner| format!("{} {:?}", owner.kind, owner.name))
                    .collect();
                format!("{} {name:?} belongs to {}", kind.0, all.join(" and "))
            }
        };
        let judge = |seen: &Seen<'_>| owners.judge(seen, kind.0, name, &sets);
        world
            .comes_true(&expected, |seen| judge(seen).is_ok())
            .await?;
        let set = super::pods::set_in(world, kind, name);
        world.stays(&set, &expected, judge).await?;
    }
    Ok(())
}

/// What an owner is to what it owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "role", regex = "the controller|an owner")]
enum Role {
    Controller,
    Owner,
}

impl FromStr for Role {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "an owner" {
            Self::Owner
        } else {
            Self::Controller
        })
    }
}

/// Whoever controlled it before stays an owner: nothing has two controllers.
#[given(expr = "{owner} is made {role} of {kind} {names}")]
#[when(expr = "{owner} is made {role} of {kind} {names}")]
async fn is_made(
    world: &mut World,
    owner: Owner,
    role: Role,
    kind: Noun,
    names: Names,
) -> Result<(), Stop> {
    world.acts().await;
    let reference = owner.reference(world, role == Role::Controller)?;
    for name in &names.0 {
        let known = world.see(|seen| {
            let object = seen.get(kind.0, name);
            object.and_then(|object| object.meta().owner_references.clone())
        });
        let mut references = known.unwrap_or_default();
        references.retain(|known| known.uid != reference.uid);
        if role == Role::Controller {
            for known in &mut references {
                known.controller = Some(false);
            }
        }
        references.push(reference.clone());
        let change = json!({ "metadata": { "ownerReferences": references } });
        let written = world
            .api(kind.0)
            .patch(name, &PatchParams::default(), &Patch::Merge(&change))
            .await?;
        world.sees_written(&written).await;
    }
    Ok(())
}
