use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{Namespace, Pod},
};
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions},
};
use serde_json::{Value, json};

use super::{cluster, code, create, message, pod, read};

fn finalizers(list: Value) -> Patch<Value> {
    Patch::Merge(json!({"metadata": {"finalizers": list}}))
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_pod_waits_for_its_node_and_keeps_its_name_until_then() {
    let (_server, client) = cluster().await;
    let pods: Api<Pod> = Api::default_namespaced(client);
    let mut scheduled = pod("web-0");
    scheduled.spec.as_mut().unwrap().node_name = Some("node-1".to_owned());
    let created = pods
        .create(&PostParams::default(), &scheduled)
        .await
        .unwrap();
    let deleted = pods
        .delete("web-0", &DeleteParams::default())
        .await
        .unwrap();
    let deleted = deleted.left().unwrap();
    assert_eq!(deleted.metadata.deletion_grace_period_seconds, Some(30));
    assert_eq!(deleted.metadata.generation, Some(2));
    let again = pods.create(&PostParams::default(), &scheduled).await;
    assert_eq!(
        message(again),
        "object is being deleted: pods \"web-0\" already exists"
    );
    let other = Preconditions {
        uid: Some("another".to_owned()),
        ..Preconditions::default()
    };
    let params = DeleteParams::default().grace_period(0);
    let refused = pods
        .delete("web-0", &params.clone().preconditions(other))
        .await;
    assert_eq!(code(refused), 409);
    let own = Preconditions {
        uid: created.uid(),
        ..Preconditions::default()
    };
    pods.delete("web-0", &params.preconditions(own))
        .await
        .unwrap();
    assert!(pods.get_opt("web-0").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn an_object_goes_with_its_last_finalizer() {
    let (_server, client) = cluster().await;
    let pods: Api<Pod> = Api::default_namespaced(client);
    pods.create(&PostParams::default(), &pod("a"))
        .await
        .unwrap();
    let params = PatchParams::default();
    pods.patch("a", &params, &finalizers(json!(["example.com/hold"])))
        .await
        .unwrap();
    let held = pods
        .delete("a", &DeleteParams::default())
        .await
        .unwrap()
        .left()
        .unwrap();
    assert_eq!(held.metadata.deletion_grace_period_seconds, Some(0));
    let same = pods
        .delete("a", &DeleteParams::default())
        .await
        .unwrap()
        .left()
        .unwrap();
    assert_eq!(same.resource_version(), held.resource_version());
    pods.patch("a", &params, &finalizers(json!(null)))
        .await
        .unwrap();
    assert!(pods.get_opt("a").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_namespace_stays_until_it_is_finalized() {
    let (_server, client) = cluster().await;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace: Namespace = read(json!({"metadata": {"name": "gone"}}));
    namespaces
        .create(&PostParams::default(), &namespace)
        .await
        .unwrap();
    let marked = namespaces
        .delete("gone", &DeleteParams::default())
        .await
        .unwrap();
    let marked = marked.left().unwrap();
    assert_eq!(
        marked.status.as_ref().unwrap().phase.as_deref(),
        Some("Terminating")
    );
    let pods: Api<Pod> = Api::namespaced(client, "gone");
    assert_eq!(
        message(pods.create(&PostParams::default(), &pod("web-0")).await),
        "pods \"web-0\" is forbidden: unable to create new content in namespace gone because it is being terminated"
    );
    let mut empty = marked;
    empty.spec.as_mut().unwrap().finalizers = None;
    namespaces
        .replace_subresource("finalize", "gone", &PostParams::default(), &empty)
        .await
        .unwrap();
    assert!(namespaces.get_opt("gone").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn propagation_is_left_to_the_garbage_collector() {
    let (_server, client) = cluster().await;
    let set = json!({
        "metadata": {"name": "web"},
        "spec": {
            "serviceName": "web", "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
        },
    });
    let sets: Api<StatefulSet> = Api::default_namespaced(client.clone());
    create::<StatefulSet>(&client, set.clone()).await.unwrap();
    let marked = sets
        .delete("web", &DeleteParams::foreground())
        .await
        .unwrap()
        .left()
        .unwrap();
    assert_eq!(marked.finalizers(), ["foregroundDeletion"]);
    assert_eq!(marked.metadata.generation, Some(2));
    sets.patch("web", &PatchParams::default(), &finalizers(json!(null)))
        .await
        .unwrap();
    create::<StatefulSet>(&client, set).await.unwrap();
    let gone = sets.delete("web", &DeleteParams::default()).await.unwrap();
    let status = gone.right().unwrap();
    assert_eq!(status.details.unwrap().kind, "statefulsets");
}

#[tokio::test(start_paused = true)]
async fn a_collection_is_deleted_by_selector() {
    let (_server, client) = cluster().await;
    let pods: Api<Pod> = Api::default_namespaced(client);
    for name in ["a", "b"] {
        pods.create(&PostParams::default(), &pod(name))
            .await
            .unwrap();
    }
    let other = Patch::Merge(json!({"metadata": {"labels": {"app": "other"}}}));
    pods.patch("b", &PatchParams::default(), &other)
        .await
        .unwrap();
    let chosen = ListParams::default().labels("app=web");
    pods.delete_collection(&DeleteParams::default(), &chosen)
        .await
        .unwrap();
    let left = pods.list(&ListParams::default()).await.unwrap();
    assert_eq!(left.items.len(), 1);
    let dry = DeleteParams {
        dry_run: true,
        ..DeleteParams::default()
    };
    pods.delete("b", &dry).await.unwrap();
    assert!(pods.get_opt("b").await.unwrap().is_some());
}
