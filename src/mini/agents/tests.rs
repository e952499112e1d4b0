//! All agents on one API server, in virtual time.

use std::{collections::BTreeMap, fmt::Debug, time::Duration};

use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::{Deployment, ReplicaSet},
        core::v1::{
            ConfigMap, Event, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod,
            ResourceQuota, Service, ServiceAccount,
        },
        discovery::v1::EndpointSlice,
        policy::v1::PodDisruptionBudget,
        storage::v1::StorageClass,
    },
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    Agents, Clients, Context, Name, Options, start,
    testing::{node, object, ready},
};
use crate::{
    clock::Clock,
    mini::api::{Server, ServerOptions},
    sets,
};

/// A cluster with one node object, whose pods become Ready at once and go at once: the test stands in for the node.
struct Cluster {
    client: Client,
    _agents: Agents,
}

impl Cluster {
    async fn start() -> Self {
        let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().expect("a time"));
        let server = Server::new(clock, ServerOptions::default());
        let client = server.client("test/1");
        let context = Context::new(server.client("agents/1"), clock);
        let options = Options {
            without: [Name::Node].into(),
            ..Options::default()
        };
        let agents = start(&context, &options, server.kubelets());
        agents.ready().await;
        let nodes = Api::<Node>::all(client.clone());
        let made = create(&nodes, node("n1", &json!({}))).await;
        let status = Patch::Merge(
            json!({"status": made.status.or(object::<Node>(node("n1", &json!({}))).status)}),
        );
        nodes
            .patch_status("n1", &PatchParams::default(), &status)
            .await
            .expect("a node");
        tokio::spawn(run_pods(context));
        Self {
            client,
            _agents: agents,
        }
    }

    fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), "default")
    }

    async fn list<K>(&self) -> Vec<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + Debug,
    {
        self.api()
            .list(&ListParams::default())
            .await
            .expect("a list")
            .items
    }

    async fn names<K>(&self) -> Vec<String>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + Debug,
    {
        self.list::<K>()
            .await
            .iter()
            .map(ResourceExt::name_any)
            .collect()
    }
}

async fn create<K>(api: &Api<K>, value: Value) -> K
where
    K: Clone + Serialize + DeserializeOwned + Debug,
{
    api.create(&PostParams::default(), &object(value))
        .await
        .expect("it is created")
}

/// Lets everybody do what they have to do: virtual time passes only when all are idle.
async fn settle() {
    tokio::time::sleep(Duration::from_secs(5)).await;
}

/// Makes each scheduled pod Ready, and removes each that is being deleted.
async fn run_pods(context: Context) {
    let (line, mut pods) = tokio::sync::mpsc::unbounded_channel();
    context.informers.of::<Pod>().listen(move |change| {
        let _ = line.send(change.new.clone());
    });
    while let Some(pod) = pods.recv().await {
        let Some(pod) = pod.filter(|pod| {
            pod.spec
                .as_ref()
                .is_some_and(|spec| spec.node_name.is_some())
        }) else {
            continue;
        };
        let api =
            Api::<Pod>::namespaced(context.client.clone(), &pod.namespace().unwrap_or_default());
        if sets::is_terminating(&pod) {
            let _ = api
                .delete(&pod.name_any(), &DeleteParams::default().grace_period(0))
                .await;
        } else if !sets::is_ready(&pod) {
            let status = Patch::Merge(json!({"status": ready("n1", "10.0.0.1")["status"]}));
            let _ = api
                .patch_status(&pod.name_any(), &PatchParams::default(), &status)
                .await;
        }
    }
}

fn deployment(replicas: i32) -> Value {
    json!({
        "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "main", "image": "a"}]},
            },
        },
    })
}

#[tokio::test(start_paused = true)]
async fn a_new_cluster_has_what_every_cluster_has() {
    let cluster = Cluster::start().await;
    settle().await;
    let all = ListParams::default();
    let namespaces = Api::<Namespace>::all(cluster.client.clone())
        .list(&all)
        .await
        .expect("a list");
    let names: Vec<_> = namespaces.iter().map(ResourceExt::name_any).collect();
    assert_eq!(
        names,
        ["default", "kube-node-lease", "kube-public", "kube-system"]
    );
    for namespace in &names {
        let accounts = Api::<ServiceAccount>::namespaced(cluster.client.clone(), namespace);
        accounts.get("default").await.expect("an account");
        let config = Api::<ConfigMap>::namespaced(cluster.client.clone(), namespace);
        config.get("kube-root-ca.crt").await.expect("a certificate");
    }
    let services = Api::<Service>::all(cluster.client.clone())
        .list(&all)
        .await
        .expect("a list");
    let addresses: BTreeMap<_, _> = services
        .iter()
        .map(|service| {
            (
                service.name_any(),
                service.spec.clone().and_then(|spec| spec.cluster_ip),
            )
        })
        .collect();
    assert_eq!(addresses["kubernetes"].as_deref(), Some("10.96.0.1"));
    assert_eq!(addresses["kube-dns"].as_deref(), Some("10.96.0.10"));
    let classes = Api::<StorageClass>::all(cluster.client.clone());
    classes.get("standard").await.expect("a class");
}

#[tokio::test(start_paused = true)]
async fn a_pod_gets_a_node_and_a_volume_that_outlives_it() {
    let cluster = Cluster::start().await;
    let claim = json!({
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    });
    let claims = cluster.api::<PersistentVolumeClaim>();
    create(&claims, claim).await;
    settle().await;
    let phase = |claim: PersistentVolumeClaim| claim.status.and_then(|status| status.phase);
    assert_eq!(
        phase(claims.get("data").await.expect("a claim")).as_deref(),
        Some("Pending")
    );
    let pod = json!({
        "metadata": {"name": "web"},
        "spec": {
            "containers": [{"name": "main", "image": "a"}],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
        },
    });
    let pods = cluster.api::<Pod>();
    create(&pods, pod).await;
    settle().await;
    assert!(sets::is_running_and_ready(
        &pods.get("web").await.expect("a pod")
    ));
    let bound = claims.get("data").await.expect("a claim");
    let volume = bound
        .spec
        .clone()
        .and_then(|spec| spec.volume_name)
        .expect("a volume");
    assert_eq!(volume, format!("pvc-{}", bound.uid().unwrap_or_default()));
    assert_eq!(
        bound.annotations()["volume.kubernetes.io/selected-node"],
        "n1"
    );
    assert_eq!(phase(bound).as_deref(), Some("Bound"));
    let reasons: Vec<_> = cluster
        .list::<Event>()
        .await
        .into_iter()
        .filter_map(|event| event.reason)
        .collect();
    for expected in ["WaitForFirstConsumer", "ProvisioningSucceeded", "Scheduled"] {
        assert!(
            reasons.iter().any(|reason| reason == expected),
            "{expected} in {reasons:?}"
        );
    }

    claims
        .delete("data", &DeleteParams::default())
        .await
        .expect("deleted");
    settle().await;
    assert_eq!(
        cluster.names::<PersistentVolumeClaim>().await,
        ["data"],
        "a pod uses it"
    );
    pods.delete("web", &DeleteParams::default())
        .await
        .expect("deleted");
    settle().await;
    assert_eq!(cluster.names::<PersistentVolumeClaim>().await, [""; 0]);
    let volumes = Api::<PersistentVolume>::all(cluster.client.clone());
    assert_eq!(volumes.get_opt(&volume).await.expect("an answer"), None);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_becomes_available_rolls_rolls_back_and_takes_all_along() {
    let cluster = Cluster::start().await;
    let deployments = cluster.api::<Deployment>();
    create(&deployments, deployment(3)).await;
    settle().await;
    let status = |deployment: Deployment| deployment.status.expect("a status");
    let now = status(deployments.get("web").await.expect("it"));
    assert_eq!(
        (now.available_replicas, now.updated_replicas),
        (Some(3), Some(3))
    );
    let before = cluster.names::<Pod>().await;
    let sets = cluster.names::<ReplicaSet>().await;
    assert!(
        before
            .iter()
            .all(|pod| pod.starts_with(&format!("{}-", sets[0]))),
        "{before:?}"
    );

    let image = |image: &str| {
        Patch::Strategic(
            json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}}}),
        )
    };
    let params = PatchParams::default();
    for (image_now, revision) in [("b", "2"), ("a", "3")] {
        deployments
            .patch("web", &params, &image(image_now))
            .await
            .expect("patched");
        settle().await;
        let now = deployments.get("web").await.expect("it");
        assert_eq!(
            now.annotations()["deployment.kubernetes.io/revision"],
            revision
        );
        let now = status(now);
        assert_eq!(
            (now.replicas, now.available_replicas, now.updated_replicas),
            (Some(3), Some(3), Some(3))
        );
    }
    let after = cluster.names::<Pod>().await;
    assert!(
        after.iter().all(|pod| !before.contains(pod)),
        "nobody keeps a name: {after:?}"
    );
    assert_eq!(cluster.names::<ReplicaSet>().await.len(), 2);

    let none = Patch::Merge(json!({"spec": {"replicas": 0}}));
    deployments
        .patch("web", &params, &none)
        .await
        .expect("patched");
    settle().await;
    assert_eq!(cluster.names::<Pod>().await, [""; 0]);
    let two = Patch::Merge(json!({"spec": {"replicas": 2}}));
    deployments
        .patch("web", &params, &two)
        .await
        .expect("patched");
    settle().await;
    deployments
        .delete("web", &DeleteParams::background())
        .await
        .expect("deleted");
    settle().await;
    assert_eq!(cluster.names::<ReplicaSet>().await, [""; 0]);
    assert_eq!(cluster.names::<Pod>().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn owners_go_last_in_the_foreground_and_leave_orphans_if_asked() {
    let cluster = Cluster::start().await;
    let deployments = cluster.api::<Deployment>();
    create(&deployments, deployment(1)).await;
    settle().await;
    deployments
        .delete("web", &DeleteParams::orphan())
        .await
        .expect("deleted");
    settle().await;
    let sets = cluster.list::<ReplicaSet>().await;
    assert_eq!(sets.len(), 1);
    assert_eq!(sets[0].owner_references(), []);
    let replica_sets = cluster.api::<ReplicaSet>();
    let name = sets[0].name_any();
    let answer = replica_sets
        .delete(&name, &DeleteParams::foreground())
        .await
        .expect("deleted");
    let held = answer.left().expect("it is still there");
    assert_eq!(held.finalizers(), ["foregroundDeletion"]);
    settle().await;
    assert_eq!(cluster.names::<ReplicaSet>().await, [""; 0]);
    assert_eq!(cluster.names::<Pod>().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_goes_with_all_that_is_in_it() {
    let cluster = Cluster::start().await;
    let namespaces = Api::<Namespace>::all(cluster.client.clone());
    create(&namespaces, json!({"metadata": {"name": "other"}})).await;
    let deployments = Api::<Deployment>::namespaced(cluster.client.clone(), "other");
    create(&deployments, deployment(2)).await;
    settle().await;
    namespaces
        .delete("other", &DeleteParams::default())
        .await
        .expect("deleted");
    settle().await;
    assert_eq!(namespaces.get_opt("other").await.expect("an answer"), None);
    let pods = Api::<Pod>::all(cluster.client.clone())
        .list(&ListParams::default())
        .await;
    assert_eq!(pods.expect("a list").items.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_service_a_budget_and_a_quota_follow_the_pods() {
    let cluster = Cluster::start().await;
    let service = json!({
        "metadata": {"name": "nginx"},
        "spec": {"clusterIP": "None", "selector": {"app": "web"}, "ports": [{"port": 80}]},
    });
    create(&cluster.api::<Service>(), service).await;
    let budget = json!({
        "metadata": {"name": "web"},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "web"}}},
    });
    create(&cluster.api::<PodDisruptionBudget>(), budget).await;
    let quota = json!({"metadata": {"name": "web"}, "spec": {"hard": {"pods": "5"}}});
    create(&cluster.api::<ResourceQuota>(), quota).await;
    let deployments = cluster.api::<Deployment>();
    create(&deployments, deployment(3)).await;
    for replicas in [3, 1] {
        let size = Patch::Merge(json!({"spec": {"replicas": replicas}}));
        deployments
            .patch("web", &PatchParams::default(), &size)
            .await
            .expect("patched");
        settle().await;
        let slices = cluster.list::<EndpointSlice>().await;
        let endpoints = slices
            .into_iter()
            .flat_map(|slice| slice.endpoints.unwrap_or_default());
        assert_eq!(i32::try_from(endpoints.count()), Ok(replicas));
        let budget = cluster
            .api::<PodDisruptionBudget>()
            .get("web")
            .await
            .expect("it");
        let status = budget.status.expect("a status");
        assert_eq!(
            (status.expected_pods, status.disruptions_allowed),
            (Some(replicas), Some(1))
        );
        let quota = cluster.api::<ResourceQuota>().get("web").await.expect("it");
        let used = quota
            .status
            .and_then(|status| status.used)
            .expect("a status");
        assert_eq!(used["pods"].0, replicas.to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_writes_in_a_cluster_where_nothing_happens() {
    let cluster = Cluster::start().await;
    create(&cluster.api::<Deployment>(), deployment(2)).await;
    settle().await;
    let version = async || {
        let pods = Api::<Pod>::all(cluster.client.clone())
            .list(&ListParams::default())
            .await;
        pods.expect("a list").metadata.resource_version
    };
    let before = version().await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(version().await, before);
}

#[tokio::test(start_paused = true)]
async fn one_agent_can_be_made_wrong_while_all_others_stay_right() {
    let blind = Clients::new(|name, _| {
        let nothing = tower::service_fn(async |_: http::Request<kube::client::Body>| {
            let answer = http::Response::builder()
                .status(500)
                .body(kube::client::Body::empty());
            answer.map_err(|error| error.to_string())
        });
        (name == Name::Scheduler).then(|| Client::new(nothing, "default"))
    });
    let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().expect("a time"));
    let server = Server::new(clock, ServerOptions::default());
    let context = Context::new(server.client("agents/1"), clock);
    let options = Options {
        clients: blind,
        ..Options::default()
    };
    let _agents = start(&context, &options, server.kubelets());
    let deployments = Api::<Deployment>::namespaced(server.client("test/1"), "default");
    settle().await;
    create(&deployments, deployment(2)).await;
    settle().await;
    let pods = Api::<Pod>::namespaced(server.client("test/1"), "default");
    let pods = pods.list(&ListParams::default()).await.expect("a list");
    assert_eq!(pods.items.len(), 2);
    assert!(pods.iter().all(|pod| {
        pod.spec
            .as_ref()
            .is_some_and(|spec| spec.node_name.is_none())
    }));
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let history = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build();
        runtime.expect("a runtime").block_on(async {
            let cluster = Cluster::start().await;
            create(&cluster.api::<Deployment>(), deployment(3)).await;
            settle().await;
            let pods = cluster.list::<Pod>().await;
            let events = cluster.list::<Event>().await;
            let pods = pods
                .into_iter()
                .map(|pod| (pod.name_any(), pod.metadata.resource_version));
            let events = events
                .into_iter()
                .map(|event| (event.name_any(), event.metadata.resource_version));
            pods.chain(events).collect::<Vec<_>>()
        })
    };
    let first = history();
    assert!(first.len() > 6, "{first:?}");
    for _ in 0..3 {
        assert_eq!(history(), first);
    }
}
