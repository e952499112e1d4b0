use k8s_openapi::api::{
    core::v1::{Event, PersistentVolumeClaim, Pod, ResourceQuota, Service},
    events,
    policy::v1::PodDisruptionBudget,
    storage::v1::StorageClass,
};
use kube::{
    Api, ResourceExt as _,
    api::{EvictParams, ListParams, Patch, PatchParams, PostParams},
};
use serde_json::json;

use super::{cluster, code, create, message, pod, read};

#[tokio::test(start_paused = true)]
async fn a_new_pod_has_a_priority_an_account_and_a_token() {
    let (_server, client) = cluster().await;
    let pods: Api<Pod> = Api::default_namespaced(client);
    let created = pods
        .create(&PostParams::default(), &pod("web-0"))
        .await
        .unwrap();
    let spec = created.spec.unwrap();
    assert_eq!(spec.priority, Some(0));
    assert_eq!(spec.service_account_name.as_deref(), Some("default"));
    assert_eq!(spec.tolerations.unwrap().len(), 2);
    assert!(
        spec.volumes.unwrap()[0]
            .name
            .starts_with("kube-api-access-")
    );
    let mut important = pod("web-1");
    important.spec.as_mut().unwrap().priority_class_name = Some("important".to_owned());
    assert_eq!(
        message(pods.create(&PostParams::default(), &important).await),
        "pods \"web-1\" is forbidden: no PriorityClass with name important was found"
    );
}

#[tokio::test(start_paused = true)]
async fn a_pod_is_bound_once() {
    let (_server, client) = cluster().await;
    let pods: Api<Pod> = Api::default_namespaced(client);
    pods.create(&PostParams::default(), &pod("web-0"))
        .await
        .unwrap();
    let binding = json!({
        "apiVersion": "v1", "kind": "Binding", "metadata": {"name": "web-0"},
        "target": {"apiVersion": "v1", "kind": "Node", "name": "node-1"},
    });
    let bind = || {
        let params = PostParams::default();
        let (pods, binding) = (pods.clone(), binding.clone());
        async move {
            pods.create_subresource::<_, kube::core::Status>("binding", "web-0", &params, &binding)
                .await
        }
    };
    bind().await.unwrap();
    let bound = pods.get("web-0").await.unwrap();
    assert_eq!(bound.spec.unwrap().node_name.as_deref(), Some("node-1"));
    assert_eq!(bound.metadata.generation, Some(1));
    assert_eq!(
        message(bind().await),
        "Operation cannot be fulfilled on pods/binding \"web-0\": pod web-0 is already assigned to node \"node-1\""
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_gets_an_address_unless_it_is_headless() {
    let (_server, client) = cluster().await;
    let ports = json!([{"port": 80}]);
    let normal =
        json!({"metadata": {"name": "normal"}, "spec": {"ports": ports, "selector": {"a": "b"}}});
    let normal: Service = create(&client, normal).await.unwrap();
    let address = normal.spec.as_ref().unwrap().cluster_ip.clone().unwrap();
    assert!(address.starts_with("10.96."), "{address}");
    let headless = json!({"metadata": {"name": "headless"}, "spec": {"clusterIP": "None", "selector": {"a": "b"}, "ports": ports}});
    let headless: Service = create(&client, headless).await.unwrap();
    let spec = headless.spec.unwrap();
    assert_eq!(spec.cluster_ips.unwrap(), ["None"]);
    assert_eq!(spec.ip_families.unwrap(), ["IPv4"]);
    let same =
        json!({"metadata": {"name": "same"}, "spec": {"clusterIP": address, "ports": ports}});
    assert_eq!(
        message(create::<Service>(&client, same).await),
        format!(
            "Service \"same\" is invalid: spec.clusterIPs: Invalid value: [\"{address}\"]: failed to allocate IP {address}: provided IP is already allocated"
        )
    );
    let services: Api<Service> = Api::default_namespaced(client);
    let mut again = normal.clone();
    let spec = again.spec.as_mut().unwrap();
    (spec.cluster_ip, spec.cluster_ips) = (None, None);
    let kept = services
        .replace("normal", &PostParams::default(), &again)
        .await
        .unwrap();
    assert_eq!(kept.resource_version(), normal.resource_version());
}

#[tokio::test(start_paused = true)]
async fn a_claim_gets_the_default_class_and_is_protected() {
    let (_server, client) = cluster().await;
    let classes: Api<StorageClass> = Api::all(client.clone());
    let class: StorageClass = read(json!({
        "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "example.com/none",
    }));
    classes
        .create(&PostParams::default(), &class)
        .await
        .unwrap();
    let spec =
        json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
    let claim: PersistentVolumeClaim = create(
        &client,
        json!({"metadata": {"name": "www-web-0"}, "spec": spec}),
    )
    .await
    .unwrap();
    assert_eq!(claim.finalizers(), ["kubernetes.io/pvc-protection"]);
    assert_eq!(
        claim.spec.unwrap().storage_class_name.as_deref(),
        Some("standard")
    );
}

#[tokio::test(start_paused = true)]
async fn a_quota_refuses_one_pod_too_many() {
    let (_server, client) = cluster().await;
    create::<ResourceQuota>(
        &client,
        json!({"metadata": {"name": "one"}, "spec": {"hard": {"pods": "1"}}}),
    )
    .await
    .unwrap();
    let quotas: Api<ResourceQuota> = Api::default_namespaced(client.clone());
    let status = Patch::Merge(json!({"status": {"hard": {"pods": "1"}, "used": {"pods": "0"}}}));
    quotas
        .patch_status("one", &PatchParams::default(), &status)
        .await
        .unwrap();
    let pods: Api<Pod> = Api::default_namespaced(client);
    pods.create(&PostParams::default(), &pod("web-0"))
        .await
        .unwrap();
    assert_eq!(
        message(pods.create(&PostParams::default(), &pod("web-1")).await),
        "pods \"web-1\" is forbidden: exceeded quota: one, requested: pods=1, used: pods=1, limited: pods=1"
    );
}

#[tokio::test(start_paused = true)]
async fn a_budget_without_room_refuses_an_eviction() {
    let (_server, client) = cluster().await;
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    pods.create(&PostParams::default(), &pod("web-0"))
        .await
        .unwrap();
    let params = PatchParams::default();
    let ready = json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
    pods.patch_status("web-0", &params, &Patch::Merge(ready))
        .await
        .unwrap();
    let budget = json!({"metadata": {"name": "web"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}});
    create::<PodDisruptionBudget>(&client, budget)
        .await
        .unwrap();
    let budgets: Api<PodDisruptionBudget> = Api::default_namespaced(client);
    let status = |allowed: i32| {
        Patch::Merge(json!({"status": {
            "observedGeneration": 1, "disruptionsAllowed": allowed, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1,
        }}))
    };
    budgets
        .patch_status("web", &params, &status(0))
        .await
        .unwrap();
    assert_eq!(
        code(pods.evict("web-0", &EvictParams::default()).await),
        429
    );
    budgets
        .patch_status("web", &params, &status(1))
        .await
        .unwrap();
    pods.evict("web-0", &EvictParams::default()).await.unwrap();
    assert!(pods.get_opt("web-0").await.unwrap().is_none());
    let budget = budgets.get("web").await.unwrap();
    assert_eq!(budget.status.unwrap().disruptions_allowed, Some(0));
}

#[tokio::test(start_paused = true)]
async fn an_event_has_two_faces() {
    let (_server, client) = cluster().await;
    let involved = json!({"kind": "Pod", "name": "web-0", "namespace": "default"});
    let event = json!({"metadata": {"name": "e1"}, "involvedObject": involved, "message": "started", "reason": "Started", "type": "Normal"});
    create::<Event>(&client, event).await.unwrap();
    let shown: Api<events::v1::Event> = Api::default_namespaced(client);
    let found = shown
        .list(&ListParams::default().fields("regarding.name=web-0"))
        .await
        .unwrap();
    assert_eq!(found.items[0].note.as_deref(), Some("started"));
}
