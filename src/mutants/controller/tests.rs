//! Every mutant does something that can be seen: on the tour of its chapter the API's history differs from that of the
//! reference controller.

use std::sync::Mutex;

use futures::{StreamExt as _, future::BoxFuture};
use k8s_openapi::api::{
    apps::v1::{ControllerRevision, StatefulSet},
    core::v1::{Event as Told, PersistentVolumeClaim},
};
use kube::{
    Resource,
    api::{DeleteParams, Patch, PatchParams},
    runtime::watcher::{self, Event, watcher},
};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::*;
use crate::{
    controller::{
        Faithful, Options,
        tests::{World, image, web},
    },
    sets::{POD_INDEX_LABEL, POD_NAME_LABEL},
};

type Tour = for<'a> fn(&'a World) -> BoxFuture<'a, ()>;

/// What the API told, in order, without UIDs and versions; and what it is expected to tell, if anything is.
#[derive(Clone, Default)]
struct History {
    told: Arc<Mutex<Vec<String>>>,
    expected: Option<Arc<Vec<String>>>,
    differs: Arc<Notify>,
}

impl History {
    fn tell(&self, line: String) {
        let mut told = self.told.lock().expect("a history");
        let expected = self.expected.as_ref().map(|lines| lines.get(told.len()));
        if expected.is_some_and(|expected| expected != Some(&line)) {
            self.differs.notify_one();
        }
        told.push(line);
    }

    fn watch<K>(&self, world: &World)
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::Serialize
            + serde::de::DeserializeOwned
            + Send
            + 'static,
    {
        let (history, api) = (self.clone(), world.api::<K>());
        tokio::spawn(async move {
            let events = watcher(api, watcher::Config::default());
            let mut events = std::pin::pin!(events);
            while let Some(event) = events.next().await {
                let (what, object) = match event {
                    Ok(Event::Apply(object)) => ("now", object),
                    Ok(Event::Delete(object)) => ("gone", object),
                    _ => continue,
                };
                let mut object = serde_json::to_value(object).unwrap_or_default();
                for field in ["uid", "resourceVersion", "managedFields"] {
                    object["metadata"][field] = Value::Null;
                }
                history.tell(format!("{what} {object}"));
            }
        });
    }
}

/// Takes a tour with a controller, on a runtime of its own; as far as the first difference, if it is told what to expect.
fn history(
    tour: Tour,
    twist: fn() -> Arc<dyn Twist>,
    expected: Option<Arc<Vec<String>>>,
) -> Vec<String> {
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build();
        runtime.expect("a runtime").block_on(async {
            let options = Options {
                twist: twist(),
                ..Options::default()
            };
            let world = World::with(options).await;
            let history = History {
                expected,
                ..History::default()
            };
            history.watch::<Pod>(&world);
            history.watch::<PersistentVolumeClaim>(&world);
            history.watch::<StatefulSet>(&world);
            history.watch::<ControllerRevision>(&world);
            history.watch::<Told>(&world);
            world.pass(1).await;
            tokio::select! {
                biased;
                () = history.differs.notified() => {}
                () = tour(&world) => {}
            }
            history.told.lock().expect("a history").clone()
        })
    };
    std::thread::spawn(run).join().expect("a run")
}

fn check(mutants: &[Mutant], tour: Tour) {
    let right = Arc::new(history(tour, || Arc::new(Faithful), None));
    let again = history(tour, || Arc::new(Faithful), Some(Arc::clone(&right)));
    assert!(*right == again, "the tour repeats");
    let is_unseen = |mutant: &&Mutant| match mutant.part {
        Part::Controller(twist) => history(tour, twist, Some(Arc::clone(&right))) == *right,
        Part::Agent { .. } | Part::Api(_) => true,
    };
    let unseen = mutants.iter().filter(is_unseen).map(|mutant| mutant.id);
    assert_eq!(unseen.collect::<Vec<_>>(), [""; 0]);
}

/// A mutant may have lost what is patched.
async fn patch<K>(world: &World, name: &str, patch: Value)
where
    K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned,
{
    let api = world.api::<K>();
    let _ = api
        .patch(name, &PatchParams::default(), &Patch::Merge(patch))
        .await;
}

async fn delete<K>(world: &World, name: &str)
where
    K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned,
{
    let _ = world
        .api::<K>()
        .delete(name, &DeleteParams::default())
        .await;
}

async fn patch_status(world: &World, pod: &str, status: Value) {
    let patch = Patch::Merge(json!({"status": status}));
    let pods = world.api::<Pod>();
    let _ = pods
        .patch_status(pod, &PatchParams::default(), &patch)
        .await;
}

/// A pod that the node leaves alone turns unready.
async fn break_pod(world: &World, pod: &str) {
    patch::<Pod>(
        world,
        pod,
        json!({"metadata": {"annotations": {"hold": ""}}}),
    )
    .await;
    let conditions = json!([{"type": "Ready", "status": "False"}]);
    patch_status(world, pod, json!({"conditions": conditions})).await;
    world.pass(2).await;
}

async fn scale(world: &World, replicas: i32) {
    world
        .patch_set(json!({"spec": {"replicas": replicas}}))
        .await;
    world.pass(10).await;
}

/// A set of another name in the same namespace.
fn named(name: &str, spec: Value) -> Value {
    let mut set = web(spec);
    set["metadata"]["name"] = name.into();
    set["spec"]["selector"]["matchLabels"]["app"] = name.into();
    set["spec"]["template"]["metadata"]["labels"]["app"] = name.into();
    set
}

fn claims() -> Value {
    json!({"volumeClaimTemplates": [{
        "metadata": {"name": "www"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }]})
}

fn ordering_tour(world: &World) -> BoxFuture<'_, ()> {
    Box::pin(async move {
        world
            .create::<StatefulSet>(web(json!({"replicas": 4})))
            .await;
        let parallel = json!({"podManagementPolicy": "Parallel", "minReadySeconds": 5, "ordinals": {"start": 2}});
        world
            .create::<StatefulSet>(named("late", json!({"minReadySeconds": 5})))
            .await;
        world.create::<StatefulSet>(named("wide", parallel)).await;
        world.pass(30).await;
        break_pod(world, "web-3").await;
        delete::<Pod>(world, "web-1").await;
        world.pass(10).await;
        patch_status(world, "web-2", json!({"phase": "Failed"})).await;
        world.pass(10).await;
        patch::<Pod>(
            world,
            "web-1",
            json!({"metadata": {"finalizers": ["example.com/hold"]}}),
        )
        .await;
        delete::<Pod>(world, "web-1").await;
        delete::<Pod>(world, "web-3").await;
        world.pass(10).await;
        let crashed =
            json!([{"name": "c", "restartCount": 3, "ready": false, "image": "i", "imageID": ""}]);
        break_pod(world, "late-1").await;
        patch_status(world, "late-1", json!({"containerStatuses": crashed})).await;
        world.pass(10).await;
        patch::<StatefulSet>(
            world,
            "late",
            json!({"metadata": {"finalizers": ["example.com/hold"]}}),
        )
        .await;
        delete::<StatefulSet>(world, "late").await;
        delete::<Pod>(world, "late-0").await;
        world.pass(10).await;
    })
}

fn scaling_tour(world: &World) -> BoxFuture<'_, ()> {
    Box::pin(async move {
        world
            .create::<StatefulSet>(web(json!({"replicas": 5})))
            .await;
        let bound = json!({"replicas": 1, "template": {"spec": {"nodeName": "node-1"}}});
        world.create::<StatefulSet>(named("bound", bound)).await;
        world.pass(10).await;
        patch::<StatefulSet>(world, "bound", json!({"spec": {"replicas": 0}})).await;
        scale(world, 3).await;
        break_pod(world, "web-0").await;
        scale(world, 2).await;
    })
}

fn updates_tour(world: &World) -> BoxFuture<'_, ()> {
    Box::pin(async move {
        let rolling = |block: Value| json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": block}});
        let mut set = web(json!({"replicas": 4, "revisionHistoryLimit": 0}));
        set["metadata"]["labels"] = json!({"team": "a"});
        world.create::<StatefulSet>(set).await;
        world
            .create::<StatefulSet>(named("batch", rolling(json!({"maxUnavailable": 2}))))
            .await;
        world.create::<StatefulSet>(named("both", json!({}))).await;
        let on_delete = json!({"updateStrategy": {"type": "OnDelete"}});
        world.create::<StatefulSet>(named("hand", on_delete)).await;
        world.pass(15).await;
        world.patch_set(image("busybox:1.36")).await;
        world.pass(15).await;
        world
            .patch_set(json!({"spec": {"revisionHistoryLimit": 10}}))
            .await;
        world.patch_set(image("busybox:1.37")).await;
        world.pass(15).await;
        world.patch_set(image("busybox:1.36")).await;
        world.pass(15).await;
        world
            .patch_set(json!({"metadata": {"labels": {"team": "b"}}}))
            .await;
        world.pass(15).await;
        world
            .patch_set(json!({"spec": rolling(json!({"partition": 2}))}))
            .await;
        world.patch_set(image("busybox:1.38")).await;
        world.pass(10).await;
        delete::<Pod>(world, "web-0").await;
        world.pass(10).await;
        break_pod(world, "web-1").await;
        world
            .patch_set(json!({"spec": rolling(json!({"partition": 0}))}))
            .await;
        world.pass(10).await;
        patch::<StatefulSet>(world, "batch", image("busybox:1.36")).await;
        let mut both = image("busybox:1.36");
        both["spec"]["replicas"] = 2.into();
        patch::<StatefulSet>(world, "both", both).await;
        patch::<StatefulSet>(world, "hand", image("busybox:1.36")).await;
        world.pass(10).await;
        delete::<Pod>(world, "hand-1").await;
        world.pass(10).await;
        patch::<StatefulSet>(
            world,
            "both",
            json!({"spec": rolling(json!({"partition": 1}))}),
        )
        .await;
        patch::<StatefulSet>(world, "both", image("busybox:1.38")).await;
        world.pass(10).await;
        patch::<StatefulSet>(
            world,
            "both",
            json!({"spec": rolling(json!({"partition": 2}))}),
        )
        .await;
        world.pass(10).await;
    })
}

fn identity_tour(world: &World) -> BoxFuture<'_, ()> {
    Box::pin(async move {
        let spec = json!({"template": {"metadata": {"annotations": {"a": "b"}}}});
        world.create::<StatefulSet>(web(spec)).await;
        world.pass(10).await;
        patch::<Pod>(
            world,
            "web-1",
            json!({"metadata": {"labels": {POD_NAME_LABEL: null}}}),
        )
        .await;
        world.pass(10).await;
        patch::<Pod>(
            world,
            "web-0",
            json!({"metadata": {"labels": {POD_INDEX_LABEL: null}}}),
        )
        .await;
        world.pass(10).await;
        delete::<Pod>(world, "web-1").await;
        world.pass(10).await;
    })
}

fn storage_tour(world: &World) -> BoxFuture<'_, ()> {
    Box::pin(async move {
        world.create::<StatefulSet>(web(claims())).await;
        let mut kept = claims();
        kept["persistentVolumeClaimRetentionPolicy"] =
            json!({"whenDeleted": "Delete", "whenScaled": "Delete"});
        world.create::<StatefulSet>(named("tidy", kept)).await;
        world.pass(10).await;
        delete::<Pod>(world, "web-1").await;
        world.pass(10).await;
        scale(world, 2).await;
        patch::<PersistentVolumeClaim>(
            world,
            "www-web-0",
            json!({"metadata": {"finalizers": ["example.com/hold"]}}),
        )
        .await;
        delete::<PersistentVolumeClaim>(world, "www-web-0").await;
        delete::<Pod>(world, "web-0").await;
        world.pass(10).await;
        patch::<PersistentVolumeClaim>(
            world,
            "www-web-0",
            json!({"metadata": {"finalizers": null}}),
        )
        .await;
        let hold = json!({"spec": {"replicas": 1, "template": {"metadata": {"annotations": {"hold": ""}}}}});
        patch::<StatefulSet>(world, "tidy", hold).await;
        world.pass(10).await;
        let unprotected = json!({"metadata": {"finalizers": null}});
        patch::<PersistentVolumeClaim>(world, "www-tidy-0", unprotected).await;
        delete::<PersistentVolumeClaim>(world, "www-tidy-0").await;
        patch::<Pod>(
            world,
            "tidy-0",
            json!({"metadata": {"labels": {"touched": "x"}}}),
        )
        .await;
        world.pass(10).await;
    })
}

fn status_tour(world: &World) -> BoxFuture<'_, ()> {
    Box::pin(async move {
        world.create::<StatefulSet>(web(json!({}))).await;
        world.pass(10).await;
        let condition = json!({"status": {"conditions": [{"type": "Backup", "status": "True"}]}});
        let sets = world.api::<StatefulSet>();
        sets.patch_status("web", &PatchParams::default(), &Patch::Merge(condition))
            .await
            .expect("patched");
        patch::<Pod>(
            world,
            "web-1",
            json!({"metadata": {"finalizers": ["example.com/hold"]}}),
        )
        .await;
        delete::<Pod>(world, "web-1").await;
        world.pass(10).await;
        patch::<Pod>(world, "web-1", json!({"metadata": {"finalizers": null}})).await;
        world.patch_set(image("busybox:1.36")).await;
        world.pass(15).await;
        let slow = json!({"spec": {"minReadySeconds": 3}, "metadata": {"finalizers": ["example.com/hold"]}});
        world.patch_set(slow).await;
        world.patch_set(image("busybox:1.37")).await;
        world.pass(40).await;
        delete::<StatefulSet>(world, "web").await;
        world.pass(2).await;
        break_pod(world, "web-0").await;
    })
}

fn ownership_tour(world: &World) -> BoxFuture<'_, ()> {
    Box::pin(async move {
        let owner = json!([{"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "j", "controller": true}]);
        let pod = |name: &str, more: Value| {
            let mut pod = json!({
                "metadata": {"name": name, "labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "image": "i"}]},
            });
            json_patch::merge(&mut pod, &more);
            pod
        };
        world
            .create::<Pod>(pod(
                "web-2",
                json!({"metadata": {"ownerReferences": owner}}),
            ))
            .await;
        world.create::<Pod>(pod("other-0", json!({}))).await;
        world.create::<Pod>(pod("web-0", json!({}))).await;
        world
            .create::<Pod>(pod(
                "web-7",
                json!({"metadata": {"finalizers": ["example.com/hold"]}}),
            ))
            .await;
        delete::<Pod>(world, "web-7").await;
        world.create::<StatefulSet>(web(json!({}))).await;
        world.pass(10).await;
        patch::<Pod>(
            world,
            "web-1",
            json!({"metadata": {"labels": {"app": "else"}}}),
        )
        .await;
        world.pass(10).await;
        let earlier = json!([{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "late", "uid": "earlier", "controller": true}]);
        let kept = json!({"metadata": {"labels": {"app": "late"}, "ownerReferences": earlier}});
        world.create::<Pod>(pod("late-0", kept)).await;
        world.create::<StatefulSet>(named("late", json!({}))).await;
        world.pass(10).await;
    })
}

/// Revisions that somebody made: one without defaults, one of somebody else, and one in the way of the first.
fn revisions_tour(world: &World) -> BoxFuture<'_, ()> {
    Box::pin(async move {
        let revision = |name: &str, app: &str, owner: &str, template: Value| {
            let mut revision = json!({
                "metadata": {"name": name, "labels": {"app": app}},
                "revision": 1, "data": {"spec": {"template": template}},
            });
            if !owner.is_empty() {
                let owners = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": owner, "controller": true}]);
                revision["metadata"]["ownerReferences"] = owners;
            }
            revision
        };
        let bare = json!({
            "$patch": "replace", "metadata": {"creationTimestamp": null, "labels": {"app": "web"}},
            "spec": {"containers": [{"name": "c", "image": "busybox:1.35"}]},
        });
        let create = |revision| world.create::<ControllerRevision>(revision);
        create(revision("web-old", "web", "", bare)).await;
        create(revision("web-foreign", "web", "j", json!({"x": 1}))).await;
        let mut set = web(json!({"replicas": 2, "revisionHistoryLimit": 1}));
        set["metadata"]["annotations"] = json!({"note": "x"});
        world.create::<StatefulSet>(set).await;
        let endless = json!({"replicas": 0, "revisionHistoryLimit": -1});
        world.create::<StatefulSet>(named("wide", endless)).await;
        world
            .create::<StatefulSet>(named("twin", json!({"replicas": 0})))
            .await;
        world.pass(10).await;
        let known = world.api::<StatefulSet>().get("twin").await.expect("a set");
        let status = known.status.expect("a status");
        let name = status.update_revision.expect("a name");
        let own = world.api::<ControllerRevision>().get(&name).await;
        delete::<StatefulSet>(world, "twin").await;
        world.pass(10).await;
        delete::<ControllerRevision>(world, &name).await;
        let mut taken = revision(&name, "nobody", "", json!({"x": 1}));
        if let Ok(own) = own {
            let mut equal = revision(&format!("{name}5"), "nobody", "", json!({}));
            equal["data"] = own.data.0.clone();
            taken["data"]["spec"] = json!({"note": "taken"});
            // The name for the count after that of the first.
            let again = crate::controller::revision::hash(
                &crate::controller::revision::encode(&own.data.0),
                1,
            );
            equal["metadata"]["name"] = crate::controller::revision::name("twin", &again).into();
            create(equal).await;
        }
        create(taken).await;
        world
            .create::<StatefulSet>(named("twin", json!({"replicas": 0})))
            .await;
        for tag in ["1.36", "1.37", "1.38", "1.39"] {
            let new = image(&format!("busybox:{tag}"));
            world.patch_set(new.clone()).await;
            patch::<StatefulSet>(world, "wide", new).await;
            world.pass(15).await;
        }
        world.patch_set(json!({"spec": {"revisionHistoryLimit": 0, "updateStrategy": {"rollingUpdate": {"partition": 1}}}})).await;
        world.patch_set(image("busybox:1.40")).await;
        world.pass(10).await;
        world
            .patch_set(json!({"spec": {"updateStrategy": {"rollingUpdate": {"partition": 2}}}}))
            .await;
        world.patch_set(image("busybox:1.41")).await;
        world.pass(10).await;
        let known = world.api::<StatefulSet>().get("wide").await.expect("a set");
        let name = known.status.and_then(|status| status.update_revision);
        delete::<ControllerRevision>(world, &name.unwrap_or_default()).await;
        patch::<StatefulSet>(world, "wide", json!({"spec": {"minReadySeconds": 1}})).await;
        world.pass(10).await;
    })
}

fn events_tour(world: &World) -> BoxFuture<'_, ()> {
    Box::pin(async move {
        let many = json!({"replicas": 12, "podManagementPolicy": "Parallel"});
        world.create::<StatefulSet>(web(many)).await;
        let mut kept = claims();
        kept["updateStrategy"] = json!({"type": "OnDelete"});
        let bare = json!({
            "metadata": {"name": "tidy-0", "labels": {"app": "tidy"}},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
        });
        world.create::<Pod>(bare).await;
        world.create::<StatefulSet>(named("tidy", kept)).await;
        world.pass(10).await;
        patch_status(world, "web-2", json!({"phase": "Failed"})).await;
        world.pass(10).await;
    })
}

#[test]
fn mutants_of_ordering_can_be_seen() {
    check(ordering::ALL, ordering_tour);
}

#[test]
fn mutants_of_scaling_can_be_seen() {
    check(scaling::ALL, scaling_tour);
}

#[test]
fn mutants_of_updates_can_be_seen() {
    check(updates::ALL, updates_tour);
}

#[test]
fn mutants_of_identity_can_be_seen() {
    check(identity::ALL, identity_tour);
}

#[test]
fn mutants_of_storage_can_be_seen() {
    check(storage::ALL, storage_tour);
}

#[test]
fn mutants_of_status_can_be_seen() {
    check(status::ALL, status_tour);
}

#[test]
fn mutants_of_ownership_can_be_seen() {
    // What the API server would have said differs only from a cache that lags behind: a scenario holds that back.
    let mut mutants = ownership::ALL.to_vec();
    mutants.retain(|mutant| mutant.id != "adopts-without-asking");
    check(&mutants, ownership_tour);
}

#[test]
fn mutants_of_revisions_can_be_seen() {
    check(revisions::ALL, revisions_tour);
}

#[test]
fn mutants_of_events_can_be_seen() {
    check(events::ALL, events_tour);
}
