//! Services: headless, or with an address of their own.

use std::str::FromStr;

use cucumber::{gherkin::Step, given, then, when};
use kube::api::DeleteParams;
use serde_json::json;

use crate::{
    evidence::Kind,
    verdict::Stop,
    world::{Seen, World},
};

/// Which kind of Service.
#[derive(Clone, Copy, Debug, cucumber::Parameter)]
#[param(name = "service", regex = "headless Service|Service")]
enum Sort {
    Headless,
    WithAddress,
}

impl FromStr for Sort {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text.starts_with("headless") {
            Self::Headless
        } else {
            Self::WithAddress
        })
    }
}

#[given(expr = "the {service} {string} is created for the pods of {string}")]
#[when(expr = "the {service} {string} is created for the pods of {string}")]
async fn is_created(world: &mut World, sort: Sort, name: String, set: String) -> Result<(), Stop> {
    let mut spec = json!({ "selector": { "app": set }, "ports": [{ "name": "web", "port": 80 }] });
    if let Sort::Headless = sort {
        spec["clusterIP"] = json!("None");
    }
    let service = json!({ "metadata": { "name": name }, "spec": spec });
    world.create(Kind::Service, service).await
}

/// What can be described anew, or deleted.
#[derive(Clone, Copy, Debug, cucumber::Parameter)]
#[param(name = "thing", regex = "Service|claim")]
struct Thing(Kind);

impl FromStr for Thing {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(if text == "claim" {
            Kind::Claim
        } else {
            Kind::Service
        }))
    }
}

#[given(expr = "the description of {thing} {string} says")]
#[when(expr = "the description of {thing} {string} says")]
async fn says(
    world: &mut World,
    thing: Thing,
    name: String,
    #[step] step: &Step,
) -> Result<(), Stop> {
    world.acts().await;
    let change = super::sets::described(step)?;
    world.change(thing.0, &name, change).await
}

#[given(expr = "(the ){thing} {string} is deleted")]
#[when(expr = "(the ){thing} {string} is deleted")]
async fn is_deleted(world: &mut World, thing: Thing, name: String) -> Result<(), Stop> {
    world.acts().await;
    world.delete(thing.0, &name, &DeleteParams::default()).await
}

#[then(expr = "the Service {string} has no address of its own")]
async fn has_no_address(world: &mut World, name: String) -> Result<(), Stop> {
    let expected = format!("the cluster IP of Service {name:?} is None");
    let headless = |seen: &Seen<'_>| address_of(seen, &name).as_deref() == Some("None");
    world.comes_true(&expected, headless).await
}

/// The cluster IP of a Service.
pub(super) fn address_of(seen: &Seen<'_>, name: &str) -> Option<String> {
    let service = seen.get(Kind::Service, name)?;
    service.as_service()?.spec.as_ref()?.cluster_ip.clone()
}
