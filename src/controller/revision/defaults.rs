//! What today's API server fills into a pod template, for templates that an older one stored.
//!
//! The controller has its own table of defaults and none of a server's: upstream's controller too applies them itself.

use serde_json::{Value, json};

/// Where a default goes: the path of a list or field, its field, and the value. `*` is each item of a list.
const TEMPLATE: &[(&str, &str, &str)] = &[
    ("spec", "dnsPolicy", "\"ClusterFirst\""),
    ("spec", "restartPolicy", "\"Always\""),
    ("spec", "schedulerName", "\"default-scheduler\""),
    ("spec", "securityContext", "{}"),
    ("spec", "terminationGracePeriodSeconds", "30"),
    ("spec.volumes.*.secret", "defaultMode", "420"),
    ("spec.volumes.*.configMap", "defaultMode", "420"),
    ("spec.volumes.*.downwardAPI", "defaultMode", "420"),
    ("spec.volumes.*.projected", "defaultMode", "420"),
    (
        "spec.volumes.*.downwardAPI.items.*.fieldRef",
        "apiVersion",
        "\"v1\"",
    ),
    (
        "spec.volumes.*.projected.sources.*.downwardAPI.items.*.fieldRef",
        "apiVersion",
        "\"v1\"",
    ),
    (
        "spec.volumes.*.projected.sources.*.serviceAccountToken",
        "expirationSeconds",
        "3600",
    ),
    ("spec.volumes.*.hostPath", "type", "\"\""),
    (
        "spec.volumes.*.ephemeral.volumeClaimTemplate.spec",
        "volumeMode",
        "\"Filesystem\"",
    ),
    ("spec.volumes.*.iscsi", "iscsiInterface", "\"default\""),
    ("spec.volumes.*.rbd", "pool", "\"rbd\""),
    ("spec.volumes.*.rbd", "user", "\"admin\""),
    ("spec.volumes.*.rbd", "keyring", "\"/etc/ceph/keyring\""),
];
const CONTAINER: &[(&str, &str, &str)] = &[
    ("", "resources", "{}"),
    ("", "terminationMessagePath", "\"/dev/termination-log\""),
    ("", "terminationMessagePolicy", "\"File\""),
    ("ports.*", "protocol", "\"TCP\""),
    ("env.*.valueFrom.fieldRef", "apiVersion", "\"v1\""),
];
const PROBE: &[(&str, &str, &str)] = &[
    ("", "timeoutSeconds", "1"),
    ("", "periodSeconds", "10"),
    ("", "successThreshold", "1"),
    ("", "failureThreshold", "3"),
    ("grpc", "service", "\"\""),
];
const REQUEST: &[(&str, &str, &str)] = &[
    ("httpGet", "path", "\"/\""),
    ("httpGet", "scheme", "\"HTTP\""),
];

/// Fills in what the template's author left out. Filling in twice changes nothing.
pub fn fill(template: &mut Value) {
    lay(template, TEMPLATE);
    at(template, "spec", &mut one_account);
    for list in ["spec.containers.*", "spec.initContainers.*"] {
        at(template, list, &mut container);
    }
    at(template, "spec.volumes.*.image", &mut |image| {
        let policy = pull_policy(image["reference"].as_str().unwrap_or_default());
        put(image, "pullPolicy", policy.into());
    });
    at(template, "spec.volumes.*", &mut |volume| {
        let is_bare =
            |volume: &serde_json::Map<String, Value>| volume.keys().all(|key| key == "name");
        if volume.as_object().is_some_and(is_bare) {
            volume["emptyDir"] = json!({});
        }
    });
}

/// Two names of one field.
fn one_account(spec: &mut Value) {
    if let Some(account) = spec.get("serviceAccount").cloned() {
        put(spec, "serviceAccountName", account);
    }
    if let Some(account) = spec.get("serviceAccountName").cloned() {
        spec["serviceAccount"] = account;
    }
}

fn container(container: &mut Value) {
    lay(container, CONTAINER);
    let policy = pull_policy(container["image"].as_str().unwrap_or_default());
    put(container, "imagePullPolicy", policy.into());
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        at(container, probe, &mut |probe| {
            lay(probe, PROBE);
            lay(probe, REQUEST);
        });
    }
    for hook in ["lifecycle.postStart", "lifecycle.preStop"] {
        at(container, hook, &mut |hook| lay(hook, REQUEST));
    }
}

/// `Always` for the tag `latest`, said or meant.
fn pull_policy(image: &str) -> &'static str {
    let (name, is_pinned) = match image.split_once('@') {
        Some((name, _)) => (name, true),
        None => (image, false),
    };
    let last = name.rsplit('/').next().unwrap_or_default();
    match last.split_once(':') {
        Some((_, "latest")) => "Always",
        None if !is_pinned => "Always",
        _ => "IfNotPresent",
    }
}

fn lay(value: &mut Value, table: &[(&str, &str, &str)]) {
    for (path, field, default) in table {
        let default: Value = serde_json::from_str(default).unwrap_or_default();
        at(value, path, &mut |place| put(place, field, default.clone()));
    }
}

/// Does something at each place of a path that is there.
fn at(value: &mut Value, path: &str, act: &mut dyn FnMut(&mut Value)) {
    let (step, rest) = path.split_once('.').unwrap_or((path, ""));
    match step {
        "" => act(value),
        "*" => {
            let items = value.as_array_mut().into_iter().flatten();
            items.for_each(|item| at(item, rest, act));
        }
        field => {
            if let Some(inner) = value.get_mut(field).filter(|inner| !inner.is_null()) {
                at(inner, rest, act);
            }
        }
    }
}

/// Sets a field that is absent, null or an empty text.
fn put(object: &mut Value, field: &str, default: Value) {
    let Value::Object(fields) = object else {
        return;
    };
    let is_there = |value: &Value| !value.is_null() && value != "";
    if !fields.get(field).is_some_and(is_there) {
        fields.insert(field.to_owned(), default);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_template_gets_what_a_server_of_today_stores() {
        let mut template = json!({"spec": {
            "containers": [{"name": "c", "image": "busybox:1.35", "ports": [{"containerPort": 80}],
                "readinessProbe": {"httpGet": {"port": 80}}}],
            "volumes": [{"name": "v"}, {"name": "s", "secret": {"secretName": "s"}}],
        }});
        fill(&mut template);
        let full = json!({"spec": {
            "containers": [{
                "name": "c", "image": "busybox:1.35", "imagePullPolicy": "IfNotPresent", "resources": {},
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
                "ports": [{"containerPort": 80, "protocol": "TCP"}],
                "readinessProbe": {"httpGet": {"port": 80, "path": "/", "scheme": "HTTP"}, "timeoutSeconds": 1,
                    "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
            }],
            "volumes": [{"name": "v", "emptyDir": {}}, {"name": "s", "secret": {"secretName": "s", "defaultMode": 420}}],
            "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler",
            "securityContext": {}, "terminationGracePeriodSeconds": 30,
        }});
        assert_eq!(template, full);
        let once = template.clone();
        fill(&mut template);
        assert_eq!(template, once);
    }

    #[test]
    fn an_image_without_a_tag_is_the_latest() {
        for (image, policy) in [
            ("busybox", "Always"),
            ("busybox:latest", "Always"),
            ("busybox:1.35", "IfNotPresent"),
            ("host:5000/busybox", "Always"),
            ("host:5000/busybox:1", "IfNotPresent"),
            ("busybox@sha256:0", "IfNotPresent"),
            ("busybox:latest@sha256:0", "Always"),
        ] {
            assert_eq!(pull_policy(image), policy, "{image}");
        }
    }
}
