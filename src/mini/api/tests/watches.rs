use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::{
    Api, Client, Config, ResourceExt as _,
    api::{ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams},
};
use serde_json::json;

use super::{cluster, pod, read};
use crate::{
    clock::Clock,
    mini::api::{Server, ServerOptions},
};

#[tokio::test(start_paused = true)]
async fn a_watch_from_a_forgotten_version_is_told_so_in_the_stream() {
    let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
    let options = ServerOptions {
        history_events: 2,
        ..ServerOptions::default()
    };
    let client = Server::new(clock, options).client("tests/1");
    let namespaces: Api<Namespace> = Api::all(client);
    for name in ["a", "b", "c", "d"] {
        let namespace: Namespace = read(json!({"metadata": {"name": name}}));
        namespaces
            .create(&PostParams::default(), &namespace)
            .await
            .unwrap();
    }
    let watch = namespaces
        .watch(&WatchParams::default(), "1")
        .await
        .unwrap();
    let events: Vec<_> = watch.try_collect().await.unwrap();
    let [WatchEvent::Error(status)] = events.as_slice() else {
        panic!("not one error: {events:?}");
    };
    assert_eq!((status.code, status.reason.as_str()), (410, "Expired"));
    assert_eq!(status.message, "too old resource version: 1 (3)");
}

#[tokio::test(start_paused = true)]
async fn a_selector_sees_an_object_come_and_go() {
    let (_server, client) = cluster().await;
    let pods: Api<Pod> = Api::default_namespaced(client);
    let created = pods
        .create(&PostParams::default(), &pod("a"))
        .await
        .unwrap();
    let params = WatchParams::default()
        .labels("app=web")
        .timeout(5)
        .disable_bookmarks();
    let from = created.resource_version().unwrap();
    let watch = pods.watch(&params, &from).await.unwrap();
    for label in ["other", "web"] {
        let patch = Patch::Merge(json!({"metadata": {"labels": {"app": label}}}));
        pods.patch("a", &PatchParams::default(), &patch)
            .await
            .unwrap();
    }
    let events: Vec<_> = watch.try_collect().await.unwrap();
    let [WatchEvent::Deleted(left), WatchEvent::Added(back)] = events.as_slice() else {
        panic!("neither left nor back: {events:?}");
    };
    assert_eq!(left.labels()["app"], "web");
    assert!(left.resource_version() < back.resource_version());
}

#[tokio::test(start_paused = true)]
async fn a_quiet_watch_lasts_and_says_where_it_is_at_its_end() {
    let (_server, client) = cluster().await;
    let pods: Api<Pod> = Api::default_namespaced(client);
    let begun = tokio::time::Instant::now();
    let listed = pods.list(&ListParams::default()).await.unwrap();
    let from = listed.metadata.resource_version.unwrap();
    let watch = pods
        .watch(&WatchParams::default().timeout(150), &from)
        .await
        .unwrap();
    let events: Vec<_> = watch.try_collect().await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 150);
    let [WatchEvent::Bookmark(mark)] = events.as_slice() else {
        panic!("not one bookmark: {events:?}");
    };
    assert_eq!(mark.metadata.resource_version, from);
}

#[tokio::test(start_paused = true)]
async fn changes_that_a_watch_does_not_tell_are_covered_by_a_bookmark_within_a_minute() {
    let (_server, client) = cluster().await;
    let pods: Api<Pod> = Api::default_namespaced(client);
    let begun = tokio::time::Instant::now();
    let params = WatchParams::default().labels("app=db").timeout(600);
    let mut watch = pods.watch(&params, "1").await.unwrap().boxed();
    let created = pods
        .create(&PostParams::default(), &pod("a"))
        .await
        .unwrap();
    let Some(Ok(WatchEvent::Bookmark(mark))) = watch.next().await else {
        panic!("not a bookmark");
    };
    assert_eq!(begun.elapsed().as_secs(), 60);
    assert_eq!(
        Some(mark.metadata.resource_version),
        created.resource_version()
    );
}

#[tokio::test]
async fn a_client_from_outside_is_served_over_tcp() {
    let server = Server::new(Clock::of_day(), ServerOptions::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move { server.serve(listener).await });
    let config = Config::new(format!("http://{address}").parse().unwrap());
    let client = Client::try_from(config).unwrap();
    let version = client.apiserver_version().await.unwrap();
    assert_eq!(
        (version.major.as_str(), version.minor.as_str()),
        ("1", "37")
    );
    let namespaces: Api<Namespace> = Api::all(client);
    let namespace: Namespace = read(json!({"metadata": {"name": "a"}}));
    namespaces
        .create(&PostParams::default(), &namespace)
        .await
        .unwrap();
    assert_eq!(
        namespaces
            .list(&ListParams::default())
            .await
            .unwrap()
            .items
            .len(),
        1
    );
    serving.abort();
}
