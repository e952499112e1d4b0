//! Namespaces: which one is meant, and what it allows.

use std::str::FromStr;

use cucumber::{given, then, when};
use k8s_openapi::api::core::v1::ResourceQuota;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::json;

use crate::{
    verdict::Stop,
    world::{Noun, World},
};

#[given(expr = "from here on the {whose} namespace is meant")]
#[then(expr = "from here on the {whose} namespace is meant")]
async fn is_meant(world: &mut World, whose: Whose) -> Result<(), Stop> {
    let first = world.scene.namespace.clone();
    if whose == Whose::First {
        world.here = first;
        return Ok(());
    }
    let other = format!("{first}-other");
    if !world.namespaces.contains(&other) {
        world.make_namespace(&other).await?;
    }
    world.here = other;
    Ok(())
}

/// Which namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "whose", regex = "first|other")]
enum Whose {
    First,
    Other,
}

impl FromStr for Whose {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "other" {
            Self::Other
        } else {
            Self::First
        })
    }
}

#[given(expr = "the namespace allows {int} {kind}")]
#[when(expr = "the namespace allows {int} {kind}")]
async fn is_limited(world: &mut World, most: i64, kind: Noun) -> Result<(), Stop> {
    world.acts().await;
    let counted = format!("count/{}", kind.0.plural());
    let api: Api<ResourceQuota> = Api::namespaced(world.client.0.clone(), world.namespace());
    let quota = json!({
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": { "name": "limit" },
        "spec": { "hard": { counted.clone(): most.to_string() } },
    });
    let params = PatchParams::apply("stsspec").force();
    api.patch("limit", &params, &Patch::Apply(&quota)).await?;
    // The quota counts only once its own controller has written its status.
    let enforced = || async {
        let quota = api.get("limit").await?;
        let hard = quota
            .status
            .and_then(|status| status.hard)
            .unwrap_or_default();
        Ok::<_, Stop>(
            hard.get(&counted)
                .is_some_and(|hard| hard.0 == most.to_string()),
        )
    };
    for _ in 0..40 {
        if enforced().await? {
            world.remember();
            return Ok(());
        }
        world.rest().await;
    }
    Err(Stop::Inconclusive("the quota was not counted".into()))
}
