use serde_json::{Value, json};

use super::*;
use crate::mini::api::strict;

fn defaulted(group_kind: &str, object: Value) -> Value {
    let (mut object, unknown) = strict::check(group_kind, object).expect("it decodes");
    assert!(unknown.is_empty(), "{unknown:?}");
    default(group_kind, &mut object);
    let once = object.clone();
    default(group_kind, &mut object);
    assert_eq!(object, once, "filling in twice changes nothing");
    object
}

fn set(name: &str, template: Value) -> Value {
    let selector = json!({"matchLabels": {"app": name}});
    let spec = json!({"selector": selector, "template": template});
    defaulted(
        "apps/StatefulSet",
        json!({"metadata": {"name": name}, "spec": spec}),
    )
}

/// The data of a ControllerRevision, as the StatefulSet controller writes it.
fn revision_data(set: &Value) -> String {
    let mut template = set["spec"]["template"].clone();
    template["$patch"] = "replace".into();
    json!({"spec": {"template": template}})
        .to_string()
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

#[test]
fn the_template_has_the_bytes_that_revisions_are_hashed_from() {
    let one = json!({"metadata": {"labels": {"app": "v1"}}, "spec": {"containers": [{"name": "c", "image": "busybox:1.35"}]}});
    assert_eq!(
        revision_data(&set("v1", one)),
        r#"{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"app":"v1"}},"spec":{"containers":[{"image":"busybox:1.35","imagePullPolicy":"IfNotPresent","name":"c","resources":{},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}],"dnsPolicy":"ClusterFirst","restartPolicy":"Always","schedulerName":"default-scheduler","securityContext":{},"terminationGracePeriodSeconds":30}}}}"#
    );
    let two = json!({
        "metadata": {"labels": {"app": "v2", "tier": "x"}, "annotations": {"a": "b"}, "creationTimestamp": null},
        "spec": {"terminationGracePeriodSeconds": 5, "containers": [{
            "name": "c", "image": "busybox:1.35", "command": ["sleep", "3600"], "env": [{"name": "Z", "value": "<&>\"é"}],
            "ports": [{"containerPort": 80, "name": "web"}],
            "resources": {"limits": {}, "requests": {"cpu": "0.1", "memory": "64Mi"}},
        }]},
    });
    assert_eq!(
        revision_data(&set("v2", two)),
        r#"{"spec":{"template":{"$patch":"replace","metadata":{"annotations":{"a":"b"},"labels":{"app":"v2","tier":"x"}},"spec":{"containers":[{"command":["sleep","3600"],"env":[{"name":"Z","value":"\u003c\u0026\u003e\"é"}],"image":"busybox:1.35","imagePullPolicy":"IfNotPresent","name":"c","ports":[{"containerPort":80,"name":"web","protocol":"TCP"}],"resources":{"requests":{"cpu":"100m","memory":"64Mi"}},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}],"dnsPolicy":"ClusterFirst","restartPolicy":"Always","schedulerName":"default-scheduler","securityContext":{},"terminationGracePeriodSeconds":5}}}}"#
    );
}

#[test]
fn a_set_gets_what_its_author_left_out() {
    let set = set(
        "web",
        json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": []}}),
    );
    let spec = &set["spec"];
    assert_eq!(spec["replicas"], 1);
    assert_eq!(spec["podManagementPolicy"], "OrderedReady");
    assert_eq!(
        spec["updateStrategy"],
        json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0, "maxUnavailable": 1}})
    );
    assert_eq!(
        spec["persistentVolumeClaimRetentionPolicy"],
        json!({"whenDeleted": "Retain", "whenScaled": "Retain"})
    );
    assert!(spec["template"]["spec"].get("enableServiceLinks").is_none());
}

#[test]
fn a_strategy_with_a_type_gets_no_block() {
    let spec = |strategy: Value| {
        let set = json!({"metadata": {}, "spec": {"updateStrategy": strategy, "template": {}}});
        defaulted("apps/StatefulSet", set)["spec"]["updateStrategy"].clone()
    };
    assert_eq!(
        spec(json!({"type": "RollingUpdate"})),
        json!({"type": "RollingUpdate"})
    );
    assert_eq!(
        spec(json!({"type": "OnDelete"})),
        json!({"type": "OnDelete"})
    );
    assert_eq!(
        spec(json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 3}})),
        json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 3, "maxUnavailable": 1}})
    );
}

#[test]
fn claim_templates_are_filled_in_as_claims() {
    let claim = json!({"metadata": {"name": "www"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    let set = defaulted(
        "apps/StatefulSet",
        json!({"metadata": {}, "spec": {"template": {}, "volumeClaimTemplates": [claim]}}),
    );
    assert_eq!(
        set["spec"]["volumeClaimTemplates"][0],
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "www"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "volumeMode": "Filesystem"},
            "status": {"phase": "Pending"},
        })
    );
}

#[test]
fn the_pull_policy_follows_the_tag() {
    for (image, policy) in [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.25", "IfNotPresent"),
        ("localhost:5000/x", "Always"),
        ("localhost:5000/x:1", "IfNotPresent"),
        ("registry.k8s.io/nginx-slim@sha256:abc", "IfNotPresent"),
        ("Nginx", "IfNotPresent"),
        ("", "IfNotPresent"),
    ] {
        assert_eq!(pods::pull_policy(image), policy, "{image}");
    }
}

#[test]
fn containers_probes_and_volumes_are_filled_in() {
    let pod = defaulted(
        "Pod",
        json!({"metadata": {"name": "p"}, "spec": {
            "containers": [{
                "name": "c", "image": "i", "resources": {"limits": {"cpu": "100u"}},
                "livenessProbe": {"httpGet": {"port": "x"}}, "readinessProbe": {"grpc": {"port": 80}},
                "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
            }],
            "volumes": [{"name": "v"}, {"name": "s", "secret": {"secretName": "x"}}, {"name": "h", "hostPath": {"path": "/x"}}],
        }}),
    );
    let container = &pod["spec"]["containers"][0];
    assert_eq!(
        container["livenessProbe"],
        json!({"httpGet": {"path": "/", "port": "x", "scheme": "HTTP"}, "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3})
    );
    assert_eq!(
        container["readinessProbe"]["grpc"],
        json!({"port": 80, "service": ""})
    );
    assert_eq!(
        container["env"][0]["valueFrom"]["fieldRef"]["apiVersion"],
        "v1"
    );
    assert_eq!(
        container["resources"],
        json!({"limits": {"cpu": "1m"}, "requests": {"cpu": "1m"}})
    );
    assert_eq!(
        pod["spec"]["volumes"],
        json!([
            {"name": "v", "emptyDir": {}}, {"name": "s", "secret": {"secretName": "x", "defaultMode": 420}},
            {"name": "h", "hostPath": {"path": "/x", "type": ""}},
        ])
    );
    assert_eq!(pod["spec"]["enableServiceLinks"], true);
    assert_eq!(pods::quality(&pod), "Burstable");
}

#[test]
fn admission_tolerates_lost_nodes_for_five_minutes_and_knows_an_account() {
    let mut pod = json!({"spec": {"containers": [{"name": "c"}], "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists"}]}});
    admit_pod(&mut pod);
    mount_token(&mut pod, "abcde");
    assert_eq!(pod["spec"]["tolerations"].as_array().map(Vec::len), Some(2));
    assert_eq!(pod["spec"]["serviceAccount"], "default");
    assert_eq!(
        pod["spec"]["containers"][0]["volumeMounts"][0]["name"],
        "kube-api-access-abcde"
    );
    assert_eq!(pod["spec"]["volumes"][0]["name"], "kube-api-access-abcde");
}

#[test]
fn services_know_their_target_ports() {
    let service = defaulted(
        "Service",
        json!({"metadata": {"name": "nginx"}, "spec": {"clusterIP": "None", "ports": [{"port": 80}]}}),
    );
    assert_eq!(
        service["spec"],
        json!({
            "clusterIP": "None", "internalTrafficPolicy": "Cluster", "sessionAffinity": "None", "type": "ClusterIP",
            "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
        })
    );
}
