//! Kinds that a control plane is told of.

use std::pin::pin;

use futures::StreamExt as _;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api,
    api::{ApiResource, DynamicObject, GroupVersionKind, PostParams},
    runtime::{
        WatchStreamExt as _,
        wait::{await_condition, conditions},
        watcher,
    },
};
use tokio::time::{Instant, timeout_at};

use super::{ControlPlane, Error, READY};
use crate::mini::api::schema::crd::Definition;

impl ControlPlane {
    /// Defines a kind, and waits until the API server serves it.
    ///
    /// # Errors
    ///
    /// It refuses, or is not done in time.
    pub async fn define(&self, definition: &Definition) -> Result<(), Error> {
        let (_, plural, _) = definition.names;
        let name = format!("{plural}.{}", definition.group);
        let failed = |why: String| Error::Definition {
            name: name.clone(),
            why,
        };
        let object = definition.object().unwrap_or_default();
        let object: CustomResourceDefinition =
            serde_json::from_value(object).map_err(|error| failed(error.to_string()))?;
        let api: Api<CustomResourceDefinition> = Api::all(self.access.client("stsspec")?);
        let made = api.create(&PostParams::default(), &object).await;
        made.map_err(|error| failed(error.to_string()))?;
        let served = async {
            let established = await_condition(api, &name, conditions::is_crd_established());
            let established = established.await.map(drop);
            established.map_err(|error| failed(error.to_string()))?;
            self.watched(definition).await
        };
        let late = |_| failed(format!("it is not served after {} s", READY.as_secs()));
        timeout_at(Instant::now() + READY, served)
            .await
            .map_err(late)?
    }

    /// Until its objects can be watched: the API server may define a kind before it has a place for its objects.
    async fn watched(&self, definition: &Definition) -> Result<(), Error> {
        let (kind, plural, _) = definition.names;
        let gvk = GroupVersionKind::gvk(definition.group, definition.version, kind);
        let resource = ApiResource::from_gvk_with_plural(&gvk, plural);
        let api: Api<DynamicObject> = Api::all_with(self.access.client("stsspec")?, &resource);
        let config = watcher::Config::default().streaming_lists();
        let mut told = pin!(watcher(api, config).default_backoff());
        while let Some(event) = told.next().await {
            if matches!(event, Ok(watcher::Event::InitDone)) {
                break;
            }
        }
        Ok(())
    }
}
