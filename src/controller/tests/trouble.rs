use super::*;
use crate::{cluster::Target, controller::Error};

#[tokio::test(start_paused = true)]
async fn a_foreign_pod_of_the_name_holds_the_set_and_is_left_alone() {
    let world = World::new().await;
    let squatter = json!({
        "metadata": {"name": "web-1"},
        "spec": {"containers": [{"name": "c", "image": "other"}]},
    });
    let before = world.create::<Pod>(squatter).await;
    world.create::<StatefulSet>(web(json!({}))).await;
    world.pass(600).await;
    assert_eq!(world.pod_names().await, ["web-0", "web-1"]);
    assert_eq!(world.pod("web-1").await.metadata.uid, before.metadata.uid);
    let reasons: Vec<_> = world
        .events()
        .await
        .into_iter()
        .map(|event| event.0)
        .collect();
    assert_eq!(
        reasons,
        ["SuccessfulCreate"],
        "AlreadyExists gives no event"
    );
    world.delete_pod("web-1").await;
    world.settled(3).await;
}

#[tokio::test(start_paused = true)]
async fn a_terminating_claim_holds_its_pod_until_it_is_gone() {
    let world = World::new().await;
    let claims = json!({"replicas": 1, "volumeClaimTemplates": [{
        "metadata": {"name": "www", "finalizers": ["example.com/hold"]},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }]});
    world.create::<StatefulSet>(web(claims)).await;
    world.settled(1).await;
    let claims = world.api::<PersistentVolumeClaim>();
    claims
        .delete("www-web-0", &DeleteParams::default())
        .await
        .expect("deleted");
    world.delete_pod("web-0").await;
    world.pass(30).await;
    assert_eq!(world.pod_names().await, [""; 0]);
    let failed = world
        .events()
        .await
        .into_iter()
        .find(|event| event.0 == "FailedCreate");
    let text = "Create Pod web-0 in StatefulSet web failed error: pvc www-web-0 is being deleted";
    assert_eq!(failed.map(|event| event.1), Some(text.to_owned()));
    let release = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    claims
        .patch("www-web-0", &PatchParams::default(), &release)
        .await
        .expect("patched");
    world.settled(1).await;
}

#[tokio::test(start_paused = true)]
async fn claims_go_with_pods_where_the_policy_says_so() {
    let world = World::new().await;
    let spec = json!({
        "persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete", "whenDeleted": "Delete"},
        "volumeClaimTemplates": [{
            "metadata": {"name": "www"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }],
    });
    let set = world.create::<StatefulSet>(web(spec)).await;
    world.settled(3).await;
    let pod = world.pod("web-2").await.metadata.uid;
    world.patch_set(json!({"spec": {"replicas": 2}})).await;
    world.settled(2).await;
    let owners = world
        .list::<PersistentVolumeClaim>()
        .await
        .into_iter()
        .map(|claim| {
            let owners = claim.metadata.owner_references.unwrap_or_default();
            owners.into_iter().map(|owner| owner.uid).next()
        });
    let set = set.metadata.uid;
    assert_eq!(owners.collect::<Vec<_>>(), [set.clone(), set, pod]);
}

#[tokio::test(start_paused = true)]
async fn a_set_that_is_being_deleted_is_left_alone_but_its_status_moves() {
    let world = World::new().await;
    let mut set = web(json!({}));
    set["metadata"]["finalizers"] = json!(["example.com/hold"]);
    world.create::<StatefulSet>(set).await;
    world.settled(3).await;
    world
        .api::<StatefulSet>()
        .delete("web", &DeleteParams::default())
        .await
        .expect("deleted");
    world.delete_pod("web-1").await;
    world.until(|status| status.replicas == 2).await;
    world.pass(600).await;
    assert_eq!(world.pod_names().await, ["web-0", "web-2"]);
}

#[tokio::test(start_paused = true)]
async fn conditions_of_others_stay() {
    let world = World::new().await;
    world
        .create::<StatefulSet>(web(json!({"replicas": 1})))
        .await;
    world.settled(1).await;
    let condition = json!({"status": {"conditions": [{"type": "Backup", "status": "True"}]}});
    let sets = world.api::<StatefulSet>();
    sets.patch_status("web", &PatchParams::default(), &Patch::Merge(condition))
        .await
        .expect("patched");
    world.patch_set(json!({"spec": {"replicas": 2}})).await;
    let conditions = world
        .settled(2)
        .await
        .status
        .and_then(|status| status.conditions);
    let types: Vec<_> = conditions
        .iter()
        .flatten()
        .map(|condition| condition.type_.clone())
        .collect();
    assert_eq!(types, [Some("Backup".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_does_not_have_the_kind_is_named_in_the_error() {
    let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().expect("a time"));
    let server = Server::new(clock, ServerOptions::default());
    let mut target = Target::apps_v1();
    target.api.group = "stsspec.dev".to_owned();
    target.api.api_version = "stsspec.dev/v1".to_owned();
    let options = Options {
        target,
        ..Options::default()
    };
    let client = server.client("statefulset-controller");
    let error = run(client, clock, options).await.expect_err("no such kind");
    assert!(
        matches!(error, Error::NotReached { kind: "sets", .. }),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .starts_with("cannot watch sets within 30 s: "),
        "{error}"
    );
}
