use std::{fs, path::Path};

use serde_json::{Value, json};

use super::*;
use crate::mini::api::{defaults, strict};

/// The object as a server has it when it looks for faults.
fn decoded(kind: &str, object: &Value) -> Value {
    let (mut object, unknown) = strict::check(kind, object.clone()).expect("it decodes");
    assert_eq!(unknown, Vec::<String>::new(), "{kind}");
    defaults::default(kind, &mut object);
    if !matches!(
        kind,
        "Namespace" | "Node" | "PersistentVolume" | "storage.k8s.io/StorageClass"
    ) {
        object["metadata"]["namespace"] = "default".into();
    }
    match kind {
        "Pod" => defaults::admit_pod(&mut object),
        "Service" => {
            let address = object["spec"]["clusterIP"].clone();
            if !address.is_null() && object["spec"]["clusterIPs"].is_null() {
                object["spec"]["clusterIPs"] = json!([address]);
            }
        }
        _ => {}
    }
    object
}

fn refused(case: &Value) -> Vec<Cause> {
    let kind = case["kind"].as_str().expect("a kind");
    let object = decoded(kind, &case["object"]);
    match &case["before"] {
        Value::Null => create(Rules::default(), kind, &object),
        before => {
            let before = decoded(kind, before);
            let mut object = object;
            object["metadata"]["resourceVersion"] = json!("1");
            let subresource = case["subresource"].as_str().unwrap_or_default();
            update(Rules::default(), kind, subresource, &before, &object)
        }
    }
}

fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
    found.sort();
}

/// Each file has an object and the causes that a real API server gave when it refused it.
#[test]
fn what_a_real_server_refuses_is_refused_in_the_same_words() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/refused");
    let mut found = Vec::new();
    files(&root, &mut found);
    assert!(found.len() > 100, "the files are there");
    let mut wrong = Vec::new();
    for path in found {
        let text = fs::read_to_string(&path).expect("a text");
        let case: Value = serde_yaml::from_str(&text).expect("YAML");
        let causes = refused(&case);
        let ours =
            |cause: &Cause| [cause.reason, &cause.field, cause.message.trim_end()].join(" | ");
        let theirs = |cause: &Value| {
            let text = |key: &str| {
                cause[key]
                    .as_str()
                    .unwrap_or_default()
                    .trim_end()
                    .to_owned()
            };
            [text("reason"), text("field"), text("message")].join(" | ")
        };
        let ours: Vec<_> = causes.iter().map(ours).collect();
        let expected: Vec<_> = case["causes"]
            .as_array()
            .into_iter()
            .flatten()
            .map(theirs)
            .collect();
        if ours != expected {
            let name = path.strip_prefix(&root).expect("below").display();
            wrong.push(format!(
                "{name}\n  expected:\n    {}\n  got:\n    {}",
                expected.join("\n    "),
                ours.join("\n    ")
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn what_stands_before_a_refused_change_is_accepted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/refused");
    let mut found = Vec::new();
    files(&root, &mut found);
    for path in found {
        let text = fs::read_to_string(&path).expect("a text");
        let case: Value = serde_yaml::from_str(&text).expect("YAML");
        let kind = case["kind"].as_str().expect("a kind");
        if !case["before"].is_null() {
            let before = decoded(kind, &case["before"]);
            assert_eq!(
                create(Rules::default(), kind, &before),
                [],
                "{}",
                path.display()
            );
            let mut same = before.clone();
            same["metadata"]["resourceVersion"] = json!("1");
            assert_eq!(
                update(Rules::default(), kind, "", &before, &same),
                [],
                "{}",
                path.display()
            );
        }
    }
}

fn set(patch: Value) -> Value {
    let mut set = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web"},
        "spec": {
            "serviceName": "nginx", "selector": {"matchLabels": {"app": "nginx"}},
            "template": {"metadata": {"labels": {"app": "nginx"}}, "spec": {"containers": [{"name": "nginx", "image": "nginx:1"}]}},
        },
    });
    json_patch::merge(&mut set, &patch);
    decoded("apps/StatefulSet", &set)
}

fn claim(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}})
}

#[test]
fn a_set_is_accepted() {
    let rolling = |unavailable: Value| json!({"spec": {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": unavailable}}}});
    let pod = |spec: Value| json!({"spec": {"template": {"spec": spec}}});
    for (name, patch) in [
        (
            "without service name",
            json!({"spec": {"serviceName": null}}),
        ),
        (
            "with an empty service name",
            json!({"spec": {"serviceName": ""}}),
        ),
        (
            "with digits first",
            json!({"metadata": {"name": "0"}, "spec": {"serviceName": "1a"}}),
        ),
        (
            "with a name of 63 characters",
            json!({"metadata": {"name": "a".repeat(63)}}),
        ),
        ("with 1 %", rolling(json!("1%"))),
        ("with 100 %", rolling(json!("100%"))),
        ("with more unavailable than replicas", rolling(json!(100))),
        (
            "with two claims of one name",
            json!({"spec": {"volumeClaimTemplates": [claim("a"), claim("a")]}}),
        ),
        (
            "with any host name",
            pod(json!({"hostname": "A.b_", "subdomain": "C"})),
        ),
        (
            "with a name in the template",
            json!({"spec": {"template": {"metadata": {"name": "x"}}}}),
        ),
        (
            "with one retention field",
            json!({"spec": {"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"}}}),
        ),
        (
            "with a negative history limit",
            json!({"spec": {"revisionHistoryLimit": -1}}),
        ),
    ] {
        assert_eq!(
            create(Rules::default(), "apps/StatefulSet", &set(patch)),
            [],
            "{name}"
        );
    }
}

#[test]
fn a_set_may_change_in_all_but_four_fields() {
    let old = set(json!({"spec": {"volumeClaimTemplates": [claim("www")]}}));
    for (name, patch) in [
        ("replicas", json!({"spec": {"replicas": 5}})),
        ("ordinals", json!({"spec": {"ordinals": {"start": 3}}})),
        ("minReadySeconds", json!({"spec": {"minReadySeconds": 3}})),
        (
            "strategy",
            json!({"spec": {"updateStrategy": {"type": "OnDelete", "rollingUpdate": null}}}),
        ),
        ("history", json!({"spec": {"revisionHistoryLimit": 3}})),
        (
            "retention",
            json!({"spec": {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}}}),
        ),
        (
            "template",
            json!({"spec": {"template": {"spec": {"containers": [{"name": "nginx", "image": "nginx:2"}]}}}}),
        ),
        ("labels", json!({"metadata": {"labels": {"a": "b"}}})),
        (
            "the claims as they were first sent",
            json!({"spec": {"volumeClaimTemplates": [claim("www")]}}),
        ),
    ] {
        let mut new = old.clone();
        json_patch::merge(&mut new, &patch);
        let new = decoded("apps/StatefulSet", &new);
        assert_eq!(
            update(Rules::default(), "apps/StatefulSet", "", &old, &new),
            [],
            "{name}"
        );
    }
}

#[test]
fn a_faulty_template_that_was_accepted_once_is_tolerated() {
    let bad =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "A", "image": "x"}]}}}});
    let old = set(bad.clone());
    let mut new = set(bad);
    new["spec"]["replicas"] = json!(7);
    assert_ne!(create(Rules::default(), "apps/StatefulSet", &new), []);
    assert_eq!(
        update(Rules::default(), "apps/StatefulSet", "", &old, &new),
        []
    );
    let stored = set(json!({"spec": {"updateStrategy": {"type": "Recreate"}}}));
    assert_eq!(
        update(Rules::default(), "apps/StatefulSet", "", &stored, &stored),
        []
    );
}

#[test]
fn some_things_are_accepted_with_a_warning() {
    for (kind, object, expected) in [
        (
            "apps/StatefulSet",
            set(json!({"spec": {"revisionHistoryLimit": -1}})),
            "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended",
        ),
        (
            "Pod",
            json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}]}}),
            "spec.containers[0].env[1]: hides previous definition of \"A\", which may be dropped when using apply",
        ),
        (
            "Pod",
            json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "ports": [{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 80, "protocol": "TCP"}]}]}}),
            "spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]",
        ),
        (
            "Pod",
            json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "resources": {"limits": {"memory": "100m"}}}]}}),
            "spec.containers[0].resources.limits[memory]: fractional byte value \"100m\" is invalid, must be an integer",
        ),
        (
            "Service",
            json!({"metadata": {"name": "s"}, "spec": {"type": "ClusterIP", "clusterIPs": ["None"], "sessionAffinity": "ClientIP"}}),
            "spec.SessionAffinity is ignored for headless services",
        ),
    ] {
        assert_eq!(warnings(kind, &object), [expected]);
    }
}
