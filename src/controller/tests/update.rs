use super::*;

#[tokio::test(start_paused = true)]
async fn a_new_template_rolls_from_the_top_and_the_old_one_is_found_again() {
    let world = World::new().await;
    world.create::<StatefulSet>(web(json!({}))).await;
    let first = world.settled(3).await.status.expect("a status");
    world.patch_set(image("busybox:1.36")).await;
    let second = world.settled(3).await.status.expect("a status");
    assert_ne!(first.update_revision, second.update_revision);
    assert_eq!(world.pods_by_birth().await, ["web-2", "web-1", "web-0"]);
    world.patch_set(image("busybox:1.35")).await;
    let third = world.settled(3).await.status.expect("a status");
    assert_eq!(third.update_revision, first.update_revision);
    let revisions = world.list::<ControllerRevision>().await;
    let mut numbers: Vec<_> = revisions
        .iter()
        .filter_map(|revision| revision.revision)
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_canary_stays_one_and_pods_below_the_partition_come_back_old() {
    let world = World::new().await;
    let canary =
        json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}});
    world.create::<StatefulSet>(web(canary)).await;
    world.settled(3).await;
    world.patch_set(image("busybox:1.36")).await;
    world
        .until(|status| status.updated_replicas == Some(1) && status.ready_replicas == Some(3))
        .await;
    world.delete_pod("web-0").await;
    world.pass(60).await;
    let images: Vec<_> = world
        .list::<Pod>()
        .await
        .into_iter()
        .map(|pod| pod.spec.expect("a spec").containers[0].image.clone())
        .collect();
    let image = |image: &str| Some(image.to_owned());
    assert_eq!(
        images,
        [
            image("busybox:1.35"),
            image("busybox:1.35"),
            image("busybox:1.36")
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn on_delete_waits_for_somebody_to_delete() {
    let world = World::new().await;
    let on_delete = json!({"updateStrategy": {"type": "OnDelete"}});
    world.create::<StatefulSet>(web(on_delete)).await;
    world.settled(3).await;
    world.patch_set(image("busybox:1.36")).await;
    world.pass(600).await;
    world
        .until(|status| status.updated_replicas.unwrap_or_default() == 0 && status.replicas == 3)
        .await;
    for name in ["web-0", "web-1", "web-2"] {
        world.delete_pod(name).await;
        world.pass(10).await;
    }
    world.settled(3).await;
}

#[tokio::test(start_paused = true)]
async fn old_revisions_go_beyond_the_limit() {
    let world = World::new().await;
    world
        .create::<StatefulSet>(web(json!({"replicas": 1, "revisionHistoryLimit": 1})))
        .await;
    for version in 1..5 {
        world
            .patch_set(image(&format!("busybox:1.{version}")))
            .await;
        world.settled(1).await;
    }
    world.pass(10).await;
    let revisions = world.list::<ControllerRevision>().await;
    let mut numbers: Vec<_> = revisions
        .iter()
        .filter_map(|revision| revision.revision)
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers.len(), 2, "the live one and one more: {numbers:?}");
}

#[tokio::test(start_paused = true)]
async fn a_set_that_is_orphaned_and_created_again_keeps_its_pods() {
    let world = World::new().await;
    world.create::<StatefulSet>(web(json!({}))).await;
    world.settled(3).await;
    let uids = |pods: Vec<Pod>| {
        pods.into_iter()
            .map(|pod| pod.metadata.uid)
            .collect::<Vec<_>>()
    };
    let before = uids(world.list().await);
    // As the garbage collector does it for propagation policy Orphan.
    let sets = world.api::<StatefulSet>();
    sets.delete("web", &DeleteParams::default())
        .await
        .expect("deleted");
    let orphan = Patch::Merge(json!({"metadata": {"ownerReferences": null}}));
    for name in world.pod_names().await {
        world
            .api::<Pod>()
            .patch(&name, &PatchParams::default(), &orphan)
            .await
            .expect("patched");
    }
    for name in names(&world.list::<ControllerRevision>().await) {
        world
            .api::<ControllerRevision>()
            .patch(&name, &PatchParams::default(), &orphan)
            .await
            .expect("patched");
    }
    world.create::<StatefulSet>(web(json!({}))).await;
    world.settled(3).await;
    assert_eq!(uids(world.list().await), before);
    assert_eq!(world.list::<ControllerRevision>().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_taken_name_gives_another_and_the_count_goes_into_the_status() {
    let world = World::new().await;
    world
        .create::<StatefulSet>(web(json!({"replicas": 1})))
        .await;
    let name = world
        .settled(1)
        .await
        .status
        .and_then(|status| status.update_revision)
        .expect("a name");
    world
        .api::<StatefulSet>()
        .delete("web", &DeleteParams::default())
        .await
        .expect("deleted");
    let pods = world.api::<Pod>();
    pods.delete("web-0", &DeleteParams::default())
        .await
        .expect("deleted");
    let revisions = world.api::<ControllerRevision>();
    revisions
        .delete(&name, &DeleteParams::default())
        .await
        .expect("deleted");
    world
        .create::<ControllerRevision>(
            json!({"metadata": {"name": name}, "revision": 1, "data": {"x": 1}}),
        )
        .await;
    world
        .create::<StatefulSet>(web(json!({"replicas": 1})))
        .await;
    let status = world.settled(1).await.status.expect("a status");
    assert_ne!(status.update_revision, Some(name));
    assert_eq!(status.collision_count, Some(1));
}
