use serde_json::json;

use super::*;
use crate::mini::agents::testing::{object, over, pod};

#[test]
fn what_a_quota_limits_is_counted() {
    let asks = json!({"spec": {"containers": [{"name": "main", "resources": {
        "requests": {"cpu": "250m", "memory": "64Mi"},
        "limits": {"cpu": "1"},
    }}]}});
    let ended = over(asks.clone(), &json!({"status": {"phase": "Succeeded"}}));
    let claim = json!({
        "metadata": {"name": "c"},
        "spec": {"storageClassName": "standard", "resources": {"requests": {"storage": "1Gi"}}},
    });
    let present = Present {
        pods: vec![
            object(pod("a", &asks)),
            object(pod("b", &asks)),
            object(pod("c", &ended)),
        ],
        claims: vec![object(claim)],
        counts: [
            ("services".to_owned(), 2),
            ("statefulsets.apps".to_owned(), 1),
        ]
        .into(),
    };
    let expected = [
        ("pods", "2"),
        ("count/pods", "2"),
        ("cpu", "500m"),
        ("requests.cpu", "500m"),
        ("requests.memory", "128Mi"),
        ("limits.cpu", "2"),
        ("persistentvolumeclaims", "1"),
        ("requests.storage", "1Gi"),
        (
            "standard.storageclass.storage.k8s.io/requests.storage",
            "1Gi",
        ),
        (
            "other.storageclass.storage.k8s.io/persistentvolumeclaims",
            "0",
        ),
        ("services", "2"),
        ("count/statefulsets.apps", "1"),
    ];
    let one = || Quantity("1".to_owned());
    let mut hard: BTreeMap<_, _> = expected
        .iter()
        .map(|(name, _)| ((*name).to_owned(), one()))
        .collect();
    hard.insert("count/widgets.example.com".to_owned(), one());
    let used = used(&hard, &present);
    let used: BTreeMap<_, _> = used
        .iter()
        .map(|(name, amount)| (name.as_str(), amount.0.as_str()))
        .collect();
    assert_eq!(used, expected.into());
}
