use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::Pod};
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams},
    runtime::{WatchStreamExt as _, watcher},
};
use serde_json::json;

use super::{cluster, code, pod, read};

#[tokio::test(start_paused = true)]
async fn an_object_lives_through_its_verbs() {
    let (_server, client) = cluster().await;
    let pods: Api<Pod> = Api::default_namespaced(client);
    let create = PostParams::default();
    let created = pods.create(&create, &pod("web-0")).await.unwrap();
    assert_eq!(created.metadata.generation, Some(1));
    assert_eq!(
        created.status.as_ref().unwrap().phase.as_deref(),
        Some("Pending")
    );
    assert_eq!(code(pods.create(&create, &pod("web-0")).await), 409);
    assert_eq!(code(pods.get("web-9").await), 404);

    let labels = json!({"metadata": {"labels": {"tier": "front"}}});
    let merge = Patch::Merge(&labels);
    let patched = pods
        .patch("web-0", &PatchParams::default(), &merge)
        .await
        .unwrap();
    assert_ne!(patched.resource_version(), created.resource_version());
    let again = pods
        .patch("web-0", &PatchParams::default(), &merge)
        .await
        .unwrap();
    assert_eq!(again.resource_version(), patched.resource_version());
    assert_eq!(code(pods.replace("web-0", &create, &created).await), 409);

    let status = json!({"status": {"phase": "Running"}});
    let status = Patch::Merge(&status);
    let running = pods
        .patch_status("web-0", &PatchParams::default(), &status)
        .await
        .unwrap();
    assert_eq!(running.status.unwrap().phase.as_deref(), Some("Running"));

    let listed = pods
        .list(&ListParams::default().labels("tier=front"))
        .await
        .unwrap();
    assert_eq!(listed.items.len(), 1);
    let removed = pods
        .delete("web-0", &DeleteParams::default())
        .await
        .unwrap();
    assert!(removed.is_left());
    assert!(pods.get_opt("web-0").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_missing_namespace_takes_nothing() {
    let (_server, client) = cluster().await;
    let pods: Api<Pod> = Api::namespaced(client, "nowhere");
    let refused = pods.create(&PostParams::default(), &pod("web-0")).await;
    let Err(kube::Error::Api(status)) = refused else {
        panic!("not refused");
    };
    assert_eq!(status.message, "namespaces \"nowhere\" not found");
}

#[tokio::test(start_paused = true)]
async fn a_list_comes_in_pages_that_agree() {
    let (_server, client) = cluster().await;
    let pods: Api<Pod> = Api::default_namespaced(client);
    for name in ["a", "b", "c"] {
        pods.create(&PostParams::default(), &pod(name))
            .await
            .unwrap();
    }
    let first = pods.list(&ListParams::default().limit(2)).await.unwrap();
    assert_eq!(first.items.len(), 2);
    assert_eq!(first.metadata.remaining_item_count, Some(1));
    pods.delete("c", &DeleteParams::default()).await.unwrap();
    let token = first.metadata.continue_.unwrap();
    let rest = pods
        .list(&ListParams::default().limit(2).continue_token(&token))
        .await
        .unwrap();
    assert_eq!(rest.items[0].name_any(), "c");
    assert_eq!(
        rest.metadata.resource_version,
        first.metadata.resource_version
    );
}

#[tokio::test(start_paused = true)]
async fn a_watch_tells_every_change_from_where_it_starts() {
    let (_server, client) = cluster().await;
    let pods: Api<Pod> = Api::default_namespaced(client);
    pods.create(&PostParams::default(), &pod("a"))
        .await
        .unwrap();
    let at = pods.list(&ListParams::default()).await.unwrap();
    let at = at.metadata.resource_version.unwrap();
    let params = WatchParams::default().timeout(100);
    let watch = pods.watch(&params, &at).await.unwrap();
    pods.create(&PostParams::default(), &pod("b"))
        .await
        .unwrap();
    pods.delete("a", &DeleteParams::default()).await.unwrap();
    let events: Vec<_> = watch.try_collect().await.unwrap();
    let events: Vec<_> = events
        .iter()
        .map(|event| match event {
            WatchEvent::Added(pod) => format!("added {}", pod.name_any()),
            WatchEvent::Modified(pod) => format!("modified {}", pod.name_any()),
            WatchEvent::Deleted(pod) => format!("deleted {}", pod.name_any()),
            WatchEvent::Bookmark(_) => "bookmark".to_owned(),
            WatchEvent::Error(status) => status.message.clone(),
        })
        .collect();
    let expected = ["added b", "modified a", "deleted a", "bookmark"];
    assert_eq!(events, expected);
}

#[tokio::test(start_paused = true)]
async fn both_ways_of_a_watcher_see_the_objects() {
    let (_server, client) = cluster().await;
    let pods: Api<Pod> = Api::default_namespaced(client);
    pods.create(&PostParams::default(), &pod("a"))
        .await
        .unwrap();
    for config in [
        watcher::Config::default(),
        watcher::Config::default().streaming_lists(),
    ] {
        let seen = watcher(pods.clone(), config)
            .default_backoff()
            .applied_objects();
        let first = seen.boxed().try_next().await.unwrap().unwrap();
        assert_eq!(first.name_any(), "a");
    }
}

#[tokio::test(start_paused = true)]
async fn a_set_is_scaled_through_its_scale() {
    let (_server, client) = cluster().await;
    let sets: Api<StatefulSet> = Api::default_namespaced(client);
    let set: StatefulSet = read(json!({
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 2, "serviceName": "web", "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
        },
    }));
    sets.create(&PostParams::default(), &set).await.unwrap();
    let scale = sets.get_scale("web").await.unwrap();
    assert_eq!(scale.spec.unwrap().replicas, Some(2));
    assert_eq!(scale.status.unwrap().selector.as_deref(), Some("app=web"));
    let five = json!({"spec": {"replicas": 5}});
    let scaled = sets
        .patch_scale("web", &PatchParams::default(), &Patch::Merge(&five))
        .await
        .unwrap();
    assert_eq!(scaled.spec.unwrap().replicas, Some(5));
    assert_eq!(sets.get("web").await.unwrap().metadata.generation, Some(2));
    let negative = json!({"spec": {"replicas": -1}});
    let refused = sets
        .patch_scale("web", &PatchParams::default(), &Patch::Merge(&negative))
        .await;
    assert_eq!(code(refused), 422);
}
