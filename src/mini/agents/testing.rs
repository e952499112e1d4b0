//! Objects for table tests.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The object of a JSON value.
pub(crate) fn object<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("a whole object")
}

/// The first value with the second laid over it, as a merge patch does.
pub(crate) fn over(mut base: Value, patch: &Value) -> Value {
    json_patch::merge(&mut base, patch);
    base
}

/// A node that is empty and has 4 CPUs, 8 GiB and room for 110 pods.
pub(crate) fn node(name: &str, patch: &Value) -> Value {
    let base = json!({
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}},
    });
    over(base, patch)
}

/// A pod of namespace `default` and the UID `uid-NAME`.
pub(crate) fn pod(name: &str, patch: &Value) -> Value {
    let base = json!({
        "metadata": {"name": name, "namespace": "default", "uid": format!("uid-{name}"), "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "main"}]},
    });
    over(base, patch)
}

/// What makes a pod Running and Ready on a node at an address, since the first second of the year.
pub(crate) fn ready(node: &str, ip: &str) -> Value {
    json!({
        "spec": {"nodeName": node},
        "status": {
            "phase": "Running",
            "podIP": ip,
            "podIPs": [{"ip": ip}],
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
        },
    })
}
