use super::*;

#[tokio::test(start_paused = true)]
async fn a_set_of_three_comes_up_in_order() {
    let world = World::new().await;
    world.create::<StatefulSet>(web(json!({}))).await;
    let set = world.settled(3).await;
    assert_eq!(world.pods_by_birth().await, ["web-0", "web-1", "web-2"]);
    let revisions = world.list::<ControllerRevision>().await;
    let status = set.status.expect("a status");
    assert_eq!(
        names(&revisions),
        [status.current_revision.expect("a revision")]
    );
    let created = |pod| {
        let message = format!("create Pod {pod} in StatefulSet web successful");
        (
            "SuccessfulCreate".to_owned(),
            message.replace("create", "Create"),
        )
    };
    assert_eq!(
        world.events().await,
        ["web-0", "web-1", "web-2"].map(created)
    );
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_not_ready_holds_its_successor_back_for_hours() {
    let world = World::new().await;
    let hold = json!({"template": {"metadata": {"annotations": {"hold": ""}}}});
    world.create::<StatefulSet>(web(hold)).await;
    world.until(|status| status.replicas == 1).await;
    world.pass(7200).await;
    assert_eq!(world.pod_names().await, ["web-0"]);
}

#[tokio::test(start_paused = true)]
async fn a_steady_set_is_left_alone_also_by_a_controller_that_starts() {
    let mut world = World::new().await;
    world.create::<StatefulSet>(web(json!({}))).await;
    world.settled(3).await;
    world.pass(60).await;
    let before = world.newest_version().await;
    world.pass(3600).await;
    world.restart(None);
    world.pass(3600).await;
    assert_eq!(world.newest_version().await, before);
}

#[tokio::test(start_paused = true)]
async fn a_lost_pod_comes_back_with_its_name_and_its_claim() {
    let world = World::new().await;
    let claims = json!({"volumeClaimTemplates": [{
        "metadata": {"name": "www"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }]});
    world.create::<StatefulSet>(web(claims)).await;
    world.settled(3).await;
    let claims = world.list::<PersistentVolumeClaim>().await;
    assert_eq!(names(&claims), ["www-web-0", "www-web-1", "www-web-2"]);
    let before = world.pod("web-1").await.metadata.uid;
    world.delete_pod("web-1").await;
    world.until(|status| status.ready_replicas < Some(3)).await;
    world.settled(3).await;
    assert_ne!(world.pod("web-1").await.metadata.uid, before);
    let uids = |claims: &[PersistentVolumeClaim]| {
        let uids = claims.iter().map(|claim| claim.metadata.uid.clone());
        uids.collect::<Vec<_>>()
    };
    assert_eq!(uids(&world.list().await), uids(&claims));
}

#[tokio::test(start_paused = true)]
async fn scaling_adds_and_removes_at_the_top() {
    let world = World::new().await;
    world
        .create::<StatefulSet>(web(json!({"replicas": 2})))
        .await;
    world.settled(2).await;
    world.patch_set(json!({"spec": {"replicas": 4}})).await;
    world.settled(4).await;
    assert_eq!(
        world.pods_by_birth().await,
        ["web-0", "web-1", "web-2", "web-3"]
    );
    world.patch_set(json!({"spec": {"replicas": 1}})).await;
    world.settled(1).await;
    assert_eq!(world.pod_names().await, ["web-0"]);
    let deleted: Vec<_> = world
        .events()
        .await
        .into_iter()
        .filter(|event| event.0 == "SuccessfulDelete")
        .collect();
    let pods: Vec<_> = deleted
        .iter()
        .map(|event| event.1.split(' ').nth(2))
        .collect();
    assert_eq!(pods, [Some("web-3"), Some("web-2"), Some("web-1")]);
}

#[tokio::test(start_paused = true)]
async fn a_parallel_set_comes_up_at_once() {
    let world = World::new().await;
    let hold = json!({"podManagementPolicy": "Parallel", "template": {"metadata": {"annotations": {"hold": ""}}}});
    world.create::<StatefulSet>(web(hold)).await;
    world.until(|status| status.replicas == 3).await;
}

#[tokio::test(start_paused = true)]
async fn availability_comes_by_itself_after_min_ready_seconds() {
    let world = World::new().await;
    world
        .create::<StatefulSet>(web(json!({"replicas": 2, "minReadySeconds": 30})))
        .await;
    world
        .until(|status| status.available_replicas == Some(2))
        .await;
    let ready = |pod: Pod| crate::sets::ready_since(&pod).expect("a time");
    let (first, second) = (
        ready(world.pod("web-0").await),
        ready(world.pod("web-1").await),
    );
    assert_eq!(
        second.duration_since(first).as_secs(),
        31,
        "30 to be available, 1 to start"
    );
    let passed = world.clock.now().duration_since(second);
    assert!((30..32).contains(&passed.as_secs()), "{passed}");
}

#[tokio::test(start_paused = true)]
async fn a_name_label_that_was_taken_away_comes_back() {
    let world = World::new().await;
    world.create::<StatefulSet>(web(json!({}))).await;
    world.settled(3).await;
    let gone = json!({"metadata": {"labels": {crate::sets::POD_NAME_LABEL: null}}});
    let pods = world.api::<Pod>();
    let before = pods
        .patch("web-1", &PatchParams::default(), &Patch::Merge(gone))
        .await
        .expect("patched");
    world.pass(10).await;
    let after = world.pod("web-1").await;
    assert_eq!(after.metadata.uid, before.metadata.uid);
    let labels = after.metadata.labels.expect("labels");
    assert_eq!(labels[crate::sets::POD_NAME_LABEL], "web-1");
}

#[tokio::test(start_paused = true)]
async fn pods_are_released_and_adopted_by_their_labels() {
    let world = World::new().await;
    world
        .create::<StatefulSet>(web(json!({"replicas": 1})))
        .await;
    world.settled(1).await;
    let label = |value: &str| Patch::Merge(json!({"metadata": {"labels": {"app": value}}}));
    let pods = world.api::<Pod>();
    let before = pods
        .patch("web-0", &PatchParams::default(), &label("other"))
        .await
        .expect("patched");
    world.until(|status| status.replicas == 0).await;
    let released = world.pod("web-0").await;
    assert_eq!(released.metadata.owner_references, None);
    pods.patch("web-0", &PatchParams::default(), &label("web"))
        .await
        .expect("patched");
    world.settled(1).await;
    let adopted = world.pod("web-0").await;
    assert_eq!(adopted.metadata.uid, before.metadata.uid);
    assert_eq!(
        adopted.metadata.owner_references.map(|owners| owners.len()),
        Some(1)
    );
}

/// The same seed, the same history, to the last version and name.
#[test]
fn two_runs_are_the_same() {
    let history = || {
        std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
            runtime.expect("a runtime").block_on(async {
                let world = World::new().await;
                for name in ["a", "b", "c", "d"] {
                    let mut set = web(json!({"podManagementPolicy": if name < "c" { "Parallel" } else { "OrderedReady" }}));
                    set["metadata"]["name"] = name.into();
                    set["spec"]["selector"]["matchLabels"]["app"] = name.into();
                    set["spec"]["template"]["metadata"]["labels"]["app"] = name.into();
                    world.create::<StatefulSet>(set).await;
                }
                world.pass(60).await;
                let pods = world.list::<Pod>().await;
                assert_eq!(pods.len(), 12);
                let sets = world.list::<StatefulSet>().await;
                format!("{pods:?} {sets:?} {:?}", world.list::<Event>().await)
            })
        })
        .join()
        .expect("a run")
    };
    assert_eq!(history(), history());
}
