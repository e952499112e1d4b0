//! The controller against the embedded API server, with a node that does nothing but say that pods run.

mod life;
mod trouble;
mod update;

use std::sync::Arc;

use k8s_openapi::api::{
    apps::v1::{ControllerRevision, StatefulSet, StatefulSetStatus},
    core::v1::{Event, Namespace, PersistentVolumeClaim, Pod},
};
use kube::{
    Api, Client, Resource,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
    runtime::wait::await_condition,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{Options, Twist, run};
use crate::{
    clock::Clock,
    mini::api::{Server, ServerOptions},
    sets::{is_running_and_ready, is_terminating},
};

/// An API server, a node and a controller, in virtual time.
pub(crate) struct World {
    server: Server,
    clock: Clock,
    pub(crate) client: Client,
    controller: JoinHandle<()>,
}

impl World {
    async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().expect("a time"));
        let server = Server::new(clock, ServerOptions::default());
        let client = server.client("test");
        let namespace = json!({"metadata": {"name": "default"}});
        Api::<Namespace>::all(client.clone())
            .create(&PostParams::default(), &value(namespace))
            .await
            .expect("a namespace");
        tokio::spawn(node(server.client("node"), clock));
        let controller = control(&server, clock, options);
        Self {
            server,
            clock,
            client,
            controller,
        }
    }

    /// Ends the controller and starts another.
    fn restart(&mut self, twist: Option<Arc<dyn Twist>>) {
        self.controller.abort();
        let mut options = Options::default();
        if let Some(twist) = twist {
            options.twist = twist;
        }
        self.controller = control(&self.server, self.clock, options);
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), "default")
    }

    pub(crate) async fn create<K>(&self, object: Value) -> K
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
            + Clone
            + Serialize
            + DeserializeOwned
            + std::fmt::Debug,
    {
        let created = self.api::<K>();
        created
            .create(&PostParams::default(), &value(object))
            .await
            .expect("created")
    }

    async fn list<K>(&self) -> Vec<K>
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
    {
        let list = self.api::<K>().list(&ListParams::default()).await;
        list.expect("a list").items
    }

    pub(crate) async fn patch_set(&self, patch: Value) {
        let sets = self.api::<StatefulSet>();
        let params = PatchParams::default();
        sets.patch("web", &params, &Patch::Merge(patch))
            .await
            .expect("patched");
    }

    async fn delete_pod(&self, name: &str) {
        let pods = self.api::<Pod>();
        pods.delete(name, &DeleteParams::default())
            .await
            .expect("deleted");
    }

    /// Waits until the set's status is as wanted and describes its present generation.
    async fn until(&self, wanted: impl Fn(&StatefulSetStatus) -> bool) -> StatefulSet {
        let condition = |set: Option<&StatefulSet>| {
            set.is_some_and(|set| {
                let status = set.status.clone().unwrap_or_default();
                status.observed_generation == set.metadata.generation && wanted(&status)
            })
        };
        let reached = await_condition(self.api::<StatefulSet>(), "web", condition);
        let reached = tokio::time::timeout(std::time::Duration::from_secs(3600), reached).await;
        match reached {
            Ok(set) => set.expect("a watch").expect("a set"),
            Err(_) => panic!(
                "not within an hour: {:?}",
                self.list::<StatefulSet>().await[0].status
            ),
        }
    }

    /// Waits until all pods are there, updated and Ready.
    async fn settled(&self, replicas: i32) -> StatefulSet {
        self.until(|status| {
            status.replicas == replicas
                && status.ready_replicas.unwrap_or_default() == replicas
                && status.updated_replicas.unwrap_or_default() == replicas
                && status.current_revision == status.update_revision
        })
        .await
    }

    /// Lets virtual time pass.
    pub(crate) async fn pass(&self, seconds: u64) {
        tokio::time::sleep(std::time::Duration::from_secs(seconds)).await;
    }

    async fn pod_names(&self) -> Vec<String> {
        names(&self.list::<Pod>().await)
    }

    /// Names of the pods by the order in which they were created.
    async fn pods_by_birth(&self) -> Vec<String> {
        let mut pods = self.list::<Pod>().await;
        pods.sort_by_key(|pod| pod.metadata.creation_timestamp.clone());
        names(&pods)
    }

    async fn pod(&self, name: &str) -> Pod {
        self.api::<Pod>().get(name).await.expect("a pod")
    }

    /// Reasons and messages of all events, in the order of their names, which are made of the time.
    async fn events(&self) -> Vec<(String, String)> {
        let events = self.list::<Event>().await.into_iter();
        events
            .map(|event| {
                (
                    event.reason.unwrap_or_default(),
                    event.message.unwrap_or_default(),
                )
            })
            .collect()
    }

    /// The highest resourceVersion of what a controller writes.
    async fn newest_version(&self) -> u64 {
        fn newest<K: Resource>(objects: &[K]) -> u64 {
            let versions = objects.iter().filter_map(|object| {
                object
                    .meta()
                    .resource_version
                    .as_deref()?
                    .parse::<u64>()
                    .ok()
            });
            versions.max().unwrap_or_default()
        }
        [
            newest(&self.list::<Pod>().await),
            newest(&self.list::<StatefulSet>().await),
            newest(&self.list::<ControllerRevision>().await),
            newest(&self.list::<PersistentVolumeClaim>().await),
            newest(&self.list::<Event>().await),
        ]
        .into_iter()
        .max()
        .unwrap_or_default()
    }
}

fn control(server: &Server, clock: Clock, options: Options) -> JoinHandle<()> {
    let client = server.client("statefulset-controller");
    tokio::spawn(async move {
        match run(client, clock, options).await {
            Ok(never) => match never {},
            Err(error) => panic!("{error}"),
        }
    })
}

fn names<K: Resource>(objects: &[K]) -> Vec<String> {
    let metas = objects.iter().map(Resource::meta);
    metas
        .map(|meta| meta.name.clone().unwrap_or_default())
        .collect()
}

fn value<K: DeserializeOwned>(value: Value) -> K {
    serde_json::from_value(value).expect("an object of the kind")
}

/// The set `web`, with more or other fields of its specification.
pub(crate) fn web(spec: Value) -> Value {
    let mut set = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 3, "serviceName": "nginx",
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "image": "busybox:1.35"}]},
            },
        },
    });
    json_patch::merge(&mut set["spec"], &spec);
    set
}

pub(crate) fn image(image: &str) -> Value {
    json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}})
}

/// Says of each pod, a second after it came, that it runs and is Ready; not of those annotated with `hold`.
async fn node(client: Client, clock: Clock) {
    use futures::StreamExt as _;
    let pods: Api<Pod> = Api::namespaced(client, "default");
    let events = kube::runtime::watcher(pods.clone(), kube::runtime::watcher::Config::default());
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        let Ok(
            kube::runtime::watcher::Event::Apply(pod)
            | kube::runtime::watcher::Event::InitApply(pod),
        ) = event
        else {
            continue;
        };
        let held = pod
            .metadata
            .annotations
            .iter()
            .flatten()
            .any(|(key, _)| key == "hold");
        if held || is_running_and_ready(&pod) || is_terminating(&pod) {
            continue;
        }
        let pods = pods.clone();
        tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            let now = jiff::Timestamp::from_second(clock.now().as_second()).expect("a time");
            let status = json!({"status": {"phase": "Running", "conditions": [
                {"type": "Ready", "status": "True", "lastTransitionTime": now.to_string()},
            ]}});
            let name = pod.metadata.name.unwrap_or_default();
            // It may be gone again.
            let _ = pods
                .patch_status(&name, &PatchParams::default(), &Patch::Merge(status))
                .await;
        });
    }
}
