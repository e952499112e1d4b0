use super::*;

#[test]
fn an_ordered_set_creates_the_lowest_missing_pod_once_all_below_are_available() {
    let is = |replicas: i32| json!({"replicas": replicas});
    check(&[
        (is(3), "", "create 0@new, wait ready 0"),
        (is(3), "0:P", "wait ready 0"),
        (is(3), "0:U", "wait ready 0"),
        (is(3), "0:Y", "wait available 0"),
        (is(3), "0:R", "create 1@new, wait ready 1"),
        (is(3), "0:RT", "wait gone 0"),
        (is(3), "0:RT 1:R", "wait gone 0"),
        (is(3), "1:R 2:R", "create 0@new, wait ready 0"),
        (is(3), "0:R 2:R", "create 1@new, wait ready 1"),
        (is(3), "1:U 2:R", "create 0@new, wait ready 0"),
        (is(3), "0:U 1:R", "wait ready 0"),
        (is(3), "0:R 1:R 2:R", ""),
        (is(3), "0:R 1:R 2:U", "wait ready 2"),
        (is(0), "", ""),
    ]);
}

#[test]
fn a_start_ordinal_moves_the_range() {
    let is = |start: i32| json!({"replicas": 2, "ordinals": {"start": start}});
    check(&[
        (is(5), "", "create 5@new, wait ready 5"),
        (is(5), "5:R", "create 6@new, wait ready 6"),
        (is(1), "0:R 1:R", "create 2@new, wait ready 2"),
        (is(1), "0:R 1:R 2:R", "delete 0, wait gone 0"),
        (is(1), "0:R 1:R 2:R 3:R", "delete 3, wait gone 3"),
    ]);
}

#[test]
fn an_ordered_set_deletes_the_highest_condemned_pod_once_all_else_is_available() {
    let one = || json!({"replicas": 1});
    check(&[
        (one(), "0:R 1:R 2:R", "delete 2, wait gone 2"),
        (one(), "0:R 1:R 2:RT", "wait gone 2"),
        (one(), "0:R 1:RT 2:R", "delete 2, wait gone 2"),
        (one(), "0:U 1:R 2:R", "wait ready 0"),
        (one(), "0:Y 1:R 2:R", "wait available 0"),
        (one(), "0:RT 1:R 2:R", "wait gone 0"),
        (one(), "1:R 2:R", "create 0@new, wait ready 0"),
        (one(), "0:R 1:U 2:R", "delete 2, wait gone 2"),
        (one(), "0:R 1:R 2:U", "delete 2, wait gone 2"),
        (one(), "0:R 1:U 2:U", "wait ready 2"),
        (one(), "0:R 1:U 2:Y", "wait available 2"),
        (one(), "0:R 1:U", "delete 1, wait gone 1"),
        (one(), "0:R 1:F 2:R", "delete 2, wait gone 2"),
        (json!({"replicas": 0}), "0:U 1:U 2:U", "wait ready 2"),
        (
            json!({"replicas": 0}),
            "0:U 1:U 2:R",
            "delete 2, wait gone 2",
        ),
    ]);
}

#[test]
fn a_parallel_set_waits_for_nothing() {
    let is = |replicas: i32| json!({"replicas": replicas, "podManagementPolicy": "Parallel"});
    check(&[
        (is(3), "", "create 0@new, create 1@new, create 2@new"),
        (is(3), "0:P 1:U", "create 2@new"),
        (is(3), "0:P 1:U 2:Y", "wait ready 0"),
        (is(3), "0:RT", "create 1@new, create 2@new"),
        (is(1), "0:U 1:U 2:R", "delete 2, delete 1"),
        (is(1), "1:RT 2:R", "create 0@new, delete 2"),
        (is(3), "0:F 1:R", "delete 0, create 2@new"),
    ]);
}

#[test]
fn a_parallel_plan_runs_in_batches_that_count_pods_without_work() {
    let plan = planned(&observed(
        json!({"replicas": 3, "podManagementPolicy": "Parallel"}),
        "0:R 1:R",
    ));
    let stage = &plan.stages[0];
    assert_eq!((stage.run, stage.items.len()), (Run::Batches, 3));
    assert!(stage.items[0].steps.is_empty());
}

#[test]
fn a_failed_pod_is_deleted_once_and_holds_its_successors() {
    let three = || json!({"replicas": 3});
    check(&[
        (three(), "0:F", "delete 0, wait gone 0"),
        (three(), "0:S", "delete 0, wait gone 0"),
        (three(), "0:FT", "wait gone 0"),
        (three(), "0:R 1:F 2:R", "delete 1, wait gone 1"),
    ]);
}

#[test]
fn a_delete_names_the_object_that_is_meant() {
    let plan = planned(&observed(json!({"replicas": 1}), "0:R 1:R"));
    let deletes: Vec<_> = plan.steps().collect();
    let Step::DeletePod(delete) = deletes[0] else {
        panic!("a delete");
    };
    assert_eq!(delete.uid.as_deref(), Some("uid-1"));
    assert_eq!(delete.why, Why::Condemned);
}

#[test]
fn a_set_that_is_being_deleted_gets_a_status_and_nothing_else() {
    let mut observed = observed(json!({"replicas": 3}), "0:R 1:F");
    observed.set.meta.deletion_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(NOW));
    let plan = planned(&observed);
    assert_eq!(told(&plan), "wait deletion");
    assert_eq!(plan.status.replicas, 2);
}

#[test]
fn a_pod_beyond_32_bits_has_no_place_and_the_later_of_two_has_it() {
    let mut beyond = observed(json!({"replicas": 1}), "0:R 1:R");
    let mut pod = (*beyond.pods[1]).clone();
    pod.metadata.name = Some("web-99999999999".to_owned());
    beyond.pods[1] = Arc::new(pod);
    let plan = planned(&beyond);
    assert_eq!((told(&plan), plan.status.replicas), (String::new(), 1));

    let mut twins = observed(json!({"replicas": 1}), "0:U 0:R");
    let mut padded = (*twins.pods[0]).clone();
    padded.metadata.name = Some("web-00".to_owned());
    twins.pods[0] = Arc::new(padded);
    let plan = planned(&twins);
    assert_eq!((told(&plan), plan.status.replicas), (String::new(), 1));
}

#[test]
fn a_plan_says_when_a_ready_pod_will_be_available() {
    let at = |pods| planned(&observed(json!({"replicas": 2}), pods)).requeue;
    assert_eq!(at("0:Y"), Timestamp::from_second(105).ok());
    assert_eq!(at("0:R 1:R"), None);
    assert_eq!(at("0:R 1:U"), None);
}

#[test]
fn a_lost_label_is_repaired_in_its_turn() {
    let lost = |pods: &str, policy: &str| {
        let mut observed = observed(json!({"podManagementPolicy": policy}), pods);
        let mut pod = (*observed.pods[1]).clone();
        let labels = pod.metadata.labels.as_mut().expect("labels");
        labels.remove(sets::POD_NAME_LABEL);
        observed.pods[1] = Arc::new(pod);
        told(&planned(&observed))
    };
    assert_eq!(lost("0:R 1:R 2:R", "OrderedReady"), "repair 1");
    assert_eq!(lost("0:R 1:U 2:R", "OrderedReady"), "wait ready 1");
    assert_eq!(lost("0:U 1:RT 2:R", "Parallel"), "repair 1");
}
