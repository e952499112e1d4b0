use super::*;

fn update(more: Value) -> Value {
    let mut spec = json!({"replicas": 3});
    json_patch::merge(&mut spec, &more);
    spec
}

fn partition(partition: i32) -> Value {
    update(
        json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}}),
    )
}

#[test]
fn a_rolling_update_replaces_from_the_top_one_at_a_time() {
    check(&[
        (
            update(json!({})),
            "0:R@old 1:R@old 2:R@old",
            "delete 2, wait 0 of 1",
        ),
        (update(json!({})), "0:R@old 1:R@old 2:RT@old", "wait gone 2"),
        (
            update(json!({})),
            "0:R@old 1:R@old",
            "create 2@new, wait ready 2",
        ),
        (update(json!({})), "0:R@old 1:R@old 2:U", "wait ready 2"),
        (update(json!({})), "0:R@old 1:R@old 2:Y", "wait available 2"),
        (
            update(json!({})),
            "0:R@old 1:R@old 2:R",
            "delete 1, wait 0 of 1",
        ),
        (update(json!({})), "0:R@old 1:R 2:R", "delete 0"),
        (update(json!({})), "0:U@old 1:R@old 2:R@old", "wait ready 0"),
        (
            update(json!({})),
            "0:R@old 1:R@older 2:R@older",
            "delete 2, wait 0 of 1",
        ),
        (update(json!({})), "0:R 1:R 2:R", ""),
    ]);
}

#[test]
fn scaling_comes_before_updating() {
    check(&[
        (
            update(json!({})),
            "0:R@old 1:R@old 2:R@old 3:R@old",
            "delete 3, wait gone 3",
        ),
        (update(json!({})), "0:R@old", "create 1@new, wait ready 1"),
    ]);
}

#[test]
fn pods_below_the_partition_stay_and_come_back_as_they_were() {
    check(&[
        (partition(2), "0:R@old 1:R@old 2:R@old", "delete 2"),
        (partition(2), "0:R@old 1:R@old 2:R", ""),
        (partition(2), "0:R@old 2:R", "create 1@old, wait ready 1"),
        (
            partition(2),
            "0:R@old 1:R@old",
            "create 2@new, wait ready 2",
        ),
        (partition(3), "0:R@old 1:R@old 2:R@old", ""),
        (
            partition(9),
            "0:R@old 1:R@old",
            "create 2@old, wait ready 2",
        ),
        (partition(3), "0:R@old 1:R 2:R", ""),
    ]);
}

#[test]
fn the_partition_counts_from_the_start_ordinal() {
    let spec = || {
        let mut spec = partition(2);
        spec["ordinals"] = json!({"start": 5});
        spec
    };
    check(&[
        (spec(), "5:R@old 6:R@old 7:R@old", "delete 7"),
        (spec(), "6:R@old 7:R", "create 5@old, wait ready 5"),
    ]);
}

#[test]
fn on_delete_replaces_only_what_is_gone() {
    let on_delete =
        || update(json!({"updateStrategy": {"type": "OnDelete", "rollingUpdate": null}}));
    check(&[
        (on_delete(), "0:R@old 1:R@old 2:R@old", ""),
        (on_delete(), "0:R@old 2:R@old", "create 1@new, wait ready 1"),
        (
            on_delete(),
            "0:R@old 1:F@old 2:R@old",
            "delete 1, wait gone 1",
        ),
        (
            on_delete(),
            "0:R@old 1:R@old 2:R@old 3:R@old",
            "delete 3, wait gone 3",
        ),
    ]);
}

#[test]
fn without_a_block_the_status_says_how_many_come_back_as_they_were() {
    let mut observed = observed(
        update(json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": null}})),
        "1:R@old 2:R",
    );
    observed.set.status.current_replicas = Some(2);
    assert_eq!(told(&planned(&observed)), "create 0@old, wait ready 0");
    observed.set.status.current_replicas = None;
    assert_eq!(told(&planned(&observed)), "create 0@new, wait ready 0");
}

#[test]
fn without_the_gate_max_unavailable_is_ignored() {
    let spec = |policy: &str| {
        json!({
            "replicas": 3, "podManagementPolicy": policy,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 3}},
        })
    };
    let rows = [
        (
            "OrderedReady",
            "0:R@old 1:R@old 2:R@old",
            "delete 2, wait gone 2",
        ),
        (
            "Parallel",
            "0:R@old 1:R@old 2:R@old",
            "delete 2, wait gone 2",
        ),
        (
            "Parallel",
            "0:U@old 1:R@old 2:R@old",
            "delete 2, wait gone 2",
        ),
        ("Parallel", "0:R@old 1:R@old 2:U", "wait 1 of 1"),
        (
            "Parallel",
            "0:R@old 1:R@old 2:U@old",
            "delete 2, wait gone 2",
        ),
        ("Parallel", "0:R@old 1:R@old 2:RT@old", "wait 1 of 1"),
    ];
    for (policy, pods, expected) in rows {
        let mut observed = observed(spec(policy), pods);
        observed.gates.max_unavailable = false;
        assert_eq!(told(&planned(&observed)), expected, "{policy} {pods}");
    }
}

#[test]
fn only_a_deleted_pod_of_the_current_revision_leaves_current_replicas() {
    let lowers = |pods| {
        let plan = planned(&observed(update(json!({})), pods));
        let lowers = plan.steps().map(|step| match step {
            Step::DeletePod(delete) => delete.lowers_current,
            other => panic!("{other:?}"),
        });
        lowers.collect::<Vec<_>>()
    };
    assert_eq!(lowers("0:R@old 1:R@old 2:R@old"), [true]);
    assert_eq!(lowers("0:R@old 1:R@old 2:R@between"), [false]);
    assert_eq!(lowers("0:R 1:R 2:R 3:R@old"), [false], "condemned");
}

#[test]
fn recreate_is_refused_without_its_gate() {
    let spec = update(json!({"updateStrategy": {"type": "Recreate", "rollingUpdate": null}}));
    let refusal = plan(&observed(spec, "0:R"), NOW).expect_err("refused");
    assert_eq!(
        refusal.to_string(),
        "statefulset default/web uses Recreate strategy but feature gate StatefulSetRecreateStrategy is disabled"
    );
}

#[test]
fn recreate_fills_no_hole_while_an_older_pod_is_there() {
    let rows = [
        (
            "0:R@old 2:R@old 3:R@old",
            "delete 0, delete 2, delete 3, wait gone 0",
            true,
        ),
        ("0:RT@old 1:R", "wait gone 0", true),
        ("0:R 1:R@old 2:U", "delete 1, wait gone 1", true),
        ("", "create 0@new, wait ready 0", true),
        ("0:R 1:R 2:R", "", true),
    ];
    for (pods, expected, has_condition) in rows {
        let spec = update(json!({"updateStrategy": {"type": "Recreate", "rollingUpdate": null}}));
        let mut observed = observed(spec, pods);
        observed.gates.recreate = true;
        let plan = planned(&observed);
        assert_eq!(told(&plan), expected, "{pods}");
        assert_eq!(plan.stages[0].then.is_some(), has_condition, "{pods}");
    }
}
