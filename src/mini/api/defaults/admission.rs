//! What the admission plugins that every cluster has do to a new pod.

use serde_json::{Value, json};

use super::{each, fill, inner};

/// Adds priority 0, the service account `default`, and tolerations of 300 seconds for nodes that are lost.
pub fn admit_pod(pod: &mut Value) {
    let spec = inner(pod, "spec");
    fill(spec, "priority", 0);
    fill(spec, "preemptionPolicy", "PreemptLowerPriority");
    fill(spec, "serviceAccountName", "default");
    spec["serviceAccount"] = spec["serviceAccountName"].clone();
    for key in [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    ] {
        let tolerated = each(spec, "tolerations").any(|toleration| tolerates(toleration, key));
        if !tolerated {
            let toleration = json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300});
            let tolerations = spec["tolerations"].take();
            let mut tolerations = tolerations.as_array().cloned().unwrap_or_default();
            tolerations.push(toleration);
            spec["tolerations"] = tolerations.into();
        }
    }
}

fn tolerates(toleration: &Value, key: &str) -> bool {
    let text = |field: &str| toleration[field].as_str().unwrap_or_default();
    let about = text("key").is_empty() || text("key") == key;
    about && matches!(text("effect"), "" | "NoExecute")
}

/// Mounts the service account's token into every container, as `kube-api-access-<suffix>`.
///
/// A pod that says it wants none, or mounts something there, is left as it is.
pub fn mount_token(pod: &mut Value, suffix: &str) {
    const PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
    let spec = inner(pod, "spec");
    if spec["automountServiceAccountToken"] == false {
        return;
    }
    let name = format!("kube-api-access-{suffix}");
    let mut mounted = false;
    for list in ["initContainers", "containers"] {
        for container in each(spec, list) {
            if each(container, "volumeMounts").any(|mount| mount["mountPath"] == PATH) {
                continue;
            }
            let mount = json!({"name": name, "readOnly": true, "mountPath": PATH});
            push(container, "volumeMounts", mount);
            mounted = true;
        }
    }
    if mounted {
        let volume = json!({"name": name, "projected": {"defaultMode": 420, "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
        ]}});
        push(spec, "volumes", volume);
    }
}

fn push(object: &mut Value, field: &str, item: Value) {
    match object.get_mut(field).and_then(Value::as_array_mut) {
        Some(list) => list.push(item),
        None => object[field] = json!([item]),
    }
}
