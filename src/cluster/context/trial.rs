//! What a cluster does, found out by asking it to: small objects in a namespace of the run, and no pod.

use std::time::Duration;

use futures::join;
use k8s_openapi::api::{
    apps::v1::ControllerRevision,
    core::v1::{ConfigMap, Event, ResourceQuota, Service},
    policy::v1::PodDisruptionBudget,
};
use kube::{
    Api, Client, Resource,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams},
    core::NamespaceResourceScope,
    runtime::wait::{await_condition, conditions::is_deleted},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::cluster::Target;

/// How long an agent of the cluster may take to answer.
const ANSWER: Duration = Duration::from_secs(20);

/// How long nobody answers for a set before nobody reconciles sets.
const SILENCE: Duration = Duration::from_secs(5);

/// How many versions of two kinds lie at most between two writes in a row, if one counter gives them.
const NEAR: u64 = 10_000;

/// What a cluster did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Who writes the status of sets, by the name of its managed fields; none if nobody does.
    pub reconciler: Option<String>,
    /// What is owned goes with its owner.
    pub gc: bool,
    /// Quotas are counted.
    pub quota: bool,
    /// Disruption budgets have a status.
    pub disruption: bool,
    /// The versions of all recorded kinds come from one counter.
    pub shared_counter: bool,
}

/// Tries all of it in a namespace; without quotas where others would feel them.
pub async fn attempt(client: &Client, namespace: &str, target: &Target, quotas: bool) -> Trial {
    let place = Place {
        client: client.clone(),
        namespace: namespace.to_owned(),
        target: target.clone(),
    };
    let (reconciler, gc, quota, disruption, shared_counter) = join!(
        place.reconciler(),
        place.gc(),
        async { if quotas { place.quota().await } else { None } },
        place.disruption(),
        place.counter()
    );
    Trial {
        reconciler,
        gc: gc.unwrap_or(false),
        quota: quota.unwrap_or(false),
        disruption: disruption.unwrap_or(false),
        shared_counter: shared_counter.unwrap_or(false),
    }
}

struct Place {
    client: Client,
    namespace: String,
    target: Target,
}

impl Place {
    fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    fn sets(&self) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.namespace, &self.target.api)
    }

    /// A set without pods: whoever takes care of sets says so in its status.
    async fn reconciler(&self) -> Option<String> {
        let api = self.sets();
        let set: DynamicObject = serde_json::from_value(self.set("stsspec-reconciled")).ok()?;
        api.create(&PostParams::default(), &set).await.ok()?;
        let answered = |set: Option<&DynamicObject>| {
            set.is_some_and(|set| set.data["status"]["observedGeneration"].is_i64())
        };
        let set = timeout(
            SILENCE,
            await_condition(api, "stsspec-reconciled", answered),
        )
        .await;
        let set = set.ok()?.ok()??;
        let managers = set.metadata.managed_fields.unwrap_or_default();
        let of_status = managers
            .into_iter()
            .find(|entry| entry.subresource.as_deref() == Some("status"));
        let name = of_status.and_then(|entry| entry.manager);
        Some(name.unwrap_or_else(|| "somebody".to_owned()))
    }

    fn set(&self, name: &str) -> Value {
        json!({
            "apiVersion": self.target.api.api_version,
            "kind": self.target.api.kind,
            "metadata": { "name": name },
            "spec": {
                "replicas": 0,
                "serviceName": name,
                "selector": { "matchLabels": { "app": name } },
                "template": {
                    "metadata": { "labels": { "app": name } },
                    "spec": { "containers": [{ "name": "main", "image": "none" }] },
                },
            },
        })
    }

    async fn gc(&self) -> Option<bool> {
        let api: Api<ConfigMap> = self.api();
        let owner = made(&api, json!({ "metadata": { "name": "stsspec-owner" } })).await?;
        let reference = owner.controller_owner_ref(&())?;
        let owned =
            json!({ "metadata": { "name": "stsspec-owned", "ownerReferences": [reference] } });
        let owned = made(&api, owned).await?;
        let uid = owned.metadata.uid?;
        api.delete("stsspec-owner", &DeleteParams::background())
            .await
            .ok()?;
        let gone = timeout(
            ANSWER,
            await_condition(api, "stsspec-owned", is_deleted(&uid)),
        )
        .await;
        Some(gone.is_ok_and(|gone| gone.is_ok()))
    }

    async fn quota(&self) -> Option<bool> {
        let api: Api<ResourceQuota> = self.api();
        let quota = json!({ "metadata": { "name": "stsspec-counted" }, "spec": { "hard": { "count/services": "50" } } });
        made(&api, quota).await?;
        let counted = |quota: Option<&ResourceQuota>| {
            let status = quota.and_then(|quota| quota.status.as_ref());
            status.is_some_and(|status| status.hard.is_some())
        };
        let answer = timeout(ANSWER, await_condition(api, "stsspec-counted", counted)).await;
        Some(answer.is_ok_and(|answer| answer.is_ok()))
    }

    async fn disruption(&self) -> Option<bool> {
        let api: Api<PodDisruptionBudget> = self.api();
        let budget = json!({
            "metadata": { "name": "stsspec-kept" },
            "spec": { "minAvailable": 1, "selector": { "matchLabels": { "app": "stsspec-kept" } } },
        });
        made(&api, budget).await?;
        let answered = |budget: Option<&PodDisruptionBudget>| {
            let status = budget.and_then(|budget| budget.status.as_ref());
            status.is_some_and(|status| status.observed_generation.is_some())
        };
        let answer = timeout(ANSWER, await_condition(api, "stsspec-kept", answered)).await;
        Some(answer.is_ok_and(|answer| answer.is_ok()))
    }

    /// Writes to several kinds in turn have versions that grow, each time by little.
    async fn counter(&self) -> Option<bool> {
        let (services, revisions, events, sets) = (
            self.api::<Service>(),
            self.api::<ControllerRevision>(),
            self.api::<Event>(),
            self.sets(),
        );
        let service =
            json!({ "metadata": { "name": "stsspec-counted" }, "spec": { "clusterIP": "None" } });
        made(&services, service).await?;
        let revision =
            json!({ "metadata": { "name": "stsspec-counted" }, "revision": 1, "data": {} });
        made(&revisions, revision).await?;
        let event = json!({
            "metadata": { "name": "stsspec-counted" },
            "involvedObject": { "kind": "Service", "namespace": self.namespace, "name": "stsspec-counted" },
            "reason": "Counted", "message": "stsspec compares versions", "type": "Normal",
        });
        made(&events, event).await?;
        let set: DynamicObject = serde_json::from_value(self.set("stsspec-counted")).ok()?;
        sets.create(&PostParams::default(), &set).await.ok()?;
        let mut last = 0;
        for round in 0..3 {
            for version in [
                touch(&services, round).await?,
                touch(&sets, round).await?,
                touch(&revisions, round).await?,
                touch(&events, round).await?,
            ] {
                if version <= last || (last > 0 && version - last > NEAR) {
                    return Some(false);
                }
                last = version;
            }
        }
        Some(true)
    }
}

async fn made<K>(api: &Api<K>, object: Value) -> Option<K>
where
    K: Clone + std::fmt::Debug + DeserializeOwned + Serialize + Resource<DynamicType = ()>,
{
    let object: K = serde_json::from_value(object).ok()?;
    api.create(&PostParams::default(), &object).await.ok()
}

/// Changes an annotation of the object "stsspec-counted"; the version that this gives.
async fn touch<K>(api: &Api<K>, round: usize) -> Option<u64>
where
    K: Clone + std::fmt::Debug + DeserializeOwned + Resource,
{
    let patch =
        json!({ "metadata": { "annotations": { "stsspec.dev/round": round.to_string() } } });
    let changed = api
        .patch(
            "stsspec-counted",
            &PatchParams::default(),
            &Patch::Merge(&patch),
        )
        .await
        .ok()?;
    changed.meta().resource_version.as_deref()?.parse().ok()
}
