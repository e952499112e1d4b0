use serde_json::{Value, json};

use super::*;
use crate::mini::agents::testing::{object, over, pod, ready};

#[test]
fn a_budget_allows_what_is_healthy_beyond_what_has_to_be() {
    let cases = [
        (json!({"minAvailable": 2}), 3, 3, [3, 2, 1, 3]),
        (json!({"minAvailable": "50%"}), 3, 3, [3, 2, 1, 3]),
        (json!({"maxUnavailable": 1}), 3, 3, [3, 2, 1, 3]),
        (json!({"maxUnavailable": "10%"}), 3, 3, [3, 2, 1, 3]),
        (json!({"maxUnavailable": 1}), 2, 3, [2, 2, 0, 3]),
        (json!({"maxUnavailable": 0}), 3, 3, [3, 3, 0, 3]),
        (json!({"maxUnavailable": 5}), 1, 3, [1, 0, 1, 3]),
        (json!({"minAvailable": 0}), 0, 0, [0, 0, 0, 0]),
    ];
    for (spec, healthy, replicas, expected) in cases {
        let budget = object(json!({"metadata": {"name": "b", "generation": 7}, "spec": spec}));
        let pods: Vec<Arc<Pod>> = (0..replicas)
            .map(|at| {
                let patch = if at < healthy {
                    ready("n1", "10.0.0.1")
                } else {
                    Value::Null
                };
                let patch = if patch.is_null() { json!({}) } else { patch };
                Arc::new(object(over(pod(&format!("web-{at}"), &json!({})), &patch)))
            })
            .collect();
        let now = "2026-01-01T00:00:00Z".parse().expect("a time");
        let (status, again) = status(&budget, &pods, replicas, now);
        let [current, desired, allowed, expected] = expected.map(Some);
        assert_eq!(status.current_healthy, current, "{spec}");
        assert_eq!(status.desired_healthy, desired, "{spec}");
        assert_eq!(status.disruptions_allowed, allowed, "{spec}");
        assert_eq!(status.expected_pods, expected, "{spec}");
        assert_eq!((status.observed_generation, again), (Some(7), None));
    }
}

#[test]
fn a_granted_eviction_counts_until_it_comes_or_two_minutes_have_passed() {
    let budget = object(json!({
        "metadata": {"name": "b"},
        "spec": {"minAvailable": 0},
        "status": {"disruptedPods": {"web-0": "2026-01-01T00:00:00Z"}},
    }));
    let pods = [Arc::new(object(over(
        pod("web-0", &json!({})),
        &ready("n1", "10.0.0.1"),
    )))];
    for (now, healthy, again) in [
        ("2026-01-01T00:01:59Z", 0, Some("2026-01-01T00:02:00Z")),
        ("2026-01-01T00:02:00Z", 1, None),
    ] {
        let (status, next) = status(&budget, &pods, 1, now.parse().expect("a time"));
        assert_eq!(status.current_healthy, Some(healthy), "{now}");
        assert_eq!(next.map(|next| next.to_string()).as_deref(), again, "{now}");
    }
}
