//! What a real control plane of 1.37.2 deleted, all pods at the old revision: policy, replicas, partition,
//! maxUnavailable, pods that are not available, deleted pods.

use super::*;

const PARALLEL: &str = "Parallel";
const ORDERED: &str = "OrderedReady";

type Row = (
    &'static str,
    i32,
    i32,
    &'static str,
    &'static str,
    &'static [i32],
);

#[rustfmt::skip]
const ROWS: [Row; 28] = [
    (PARALLEL, 1, 0, "1", "0:U", &[0]),
    (PARALLEL, 3, 0, "1", "2:U", &[2]),
    (PARALLEL, 5, 0, "2", "3:U 4:U", &[3, 4]),
    (PARALLEL, 3, 0, "1", "2:RT", &[]),
    (PARALLEL, 5, 0, "3", "4:RT 3:U", &[2, 3]),
    (PARALLEL, 5, 0, "3", "3:RT 4:U", &[2, 4]),
    (PARALLEL, 3, 0, "1", "2:Y", &[2]),
    (PARALLEL, 5, 2, "1", "4:U", &[4]),
    (PARALLEL, 5, 2, "1", "2:U", &[2]),
    (PARALLEL, 5, 2, "1", "1:U", &[]),
    (PARALLEL, 5, 3, "2", "3:U 4:U", &[3, 4]),
    (PARALLEL, 5, 3, "2", "1:U 4:U", &[4]),
    (PARALLEL, 5, 3, "2", "0:U", &[4]),
    (PARALLEL, 4, 0, "2", "0:U 1:U", &[0, 1]),
    (PARALLEL, 5, 0, "3", "0:U 1:U", &[0, 1, 4]),
    (PARALLEL, 3, 0, "1", "0:U 1:U 2:U", &[0, 1, 2]),
    (PARALLEL, 5, 0, "2", "0:U", &[0, 4]),
    (PARALLEL, 5, 0, "2", "4:RT", &[3]),
    (PARALLEL, 3, 0, "10", "0:RT", &[1, 2]),
    (PARALLEL, 5, 0, "50%", "", &[3, 4]),
    (ORDERED, 1, 0, "1", "0:U", &[]),
    (ORDERED, 3, 0, "1", "2:U", &[]),
    (ORDERED, 3, 0, "1", "2:RT", &[]),
    (ORDERED, 5, 2, "1", "4:U", &[]),
    (ORDERED, 5, 0, "2", "", &[3, 4]),
    (ORDERED, 5, 0, "30%", "", &[4]),
    (ORDERED, 5, 0, "50%", "", &[3, 4]),
    (ORDERED, 3, 0, "10", "", &[0, 1, 2]),
];

#[test]
fn a_rolling_update_deletes_what_the_built_in_controller_deletes() {
    for (policy, replicas, partition, max_unavailable, states, deleted) in ROWS {
        let max = max_unavailable.parse().map_or_else(
            |_| Value::from(max_unavailable),
            |number: i32| Value::from(number),
        );
        let spec = json!({
            "replicas": replicas, "podManagementPolicy": policy,
            "updateStrategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"partition": partition, "maxUnavailable": max},
            },
        });
        let state = |ordinal: i32| {
            let prefix = format!("{ordinal}:");
            let given = states.split(' ').find(|state| state.starts_with(&prefix));
            format!("{}@old ", given.unwrap_or(&format!("{prefix}R")))
        };
        let pods: String = (0..replicas).map(state).collect();
        let plan = planned(&observed(spec, &pods));
        let mut seen: Vec<i32> = plan
            .steps()
            .map(|step| match step {
                Step::DeletePod(delete) => digits(&delete.name).parse().expect("an ordinal"),
                other => panic!("{other:?}"),
            })
            .collect();
        seen.sort_unstable();
        assert_eq!(
            seen, deleted,
            "{policy} {replicas} {partition} {max_unavailable} {states}"
        );
    }
}
