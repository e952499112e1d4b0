use k8s_openapi::api::core::v1::{Pod, Service};
use serde_json::{Value, json};

use super::*;
use crate::mini::agents::testing::{object, over, pod, ready};

fn service(patch: &Value) -> Service {
    let base = json!({
        "metadata": {"name": "nginx", "namespace": "default", "uid": "s", "labels": {"app": "web"}},
        "spec": {
            "clusterIP": "None",
            "selector": {"app": "web"},
            "ipFamilies": ["IPv4"],
            "ports": [{"name": "web", "port": 80, "targetPort": "http", "protocol": "TCP"}],
        },
    });
    object(over(base, patch))
}

fn web(name: &str, ip: &str, patch: &Value) -> Arc<Pod> {
    let base = json!({"spec": {
        "hostname": name,
        "subdomain": "nginx",
        "containers": [{"name": "main", "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}]}],
    }});
    let running = over(pod(name, &base), &ready("n1", ip));
    Arc::new(object(over(running, patch)))
}

#[test]
fn an_endpoint_shows_its_pod() {
    let slices = slices(
        &service(&json!({})),
        &[web("web-0", "10.0.0.1", &json!({}))],
        &[],
    );
    let [slice] = slices.as_slice() else {
        panic!("one slice");
    };
    let labels: Vec<_> = slice
        .labels()
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    assert_eq!(
        labels,
        [
            "app=web",
            "endpointslice.kubernetes.io/managed-by=endpointslice-controller.k8s.io",
            "kubernetes.io/service-name=nginx",
            "service.kubernetes.io/headless=",
        ]
    );
    assert_eq!(slice.metadata.generate_name.as_deref(), Some("nginx-"));
    assert_eq!(
        json!([slice.endpoints, slice.ports]),
        json!([
            [{
                "addresses": ["10.0.0.1"],
                "conditions": {"ready": true, "serving": true, "terminating": false},
                "hostname": "web-0",
                "nodeName": "n1",
                "targetRef": {"kind": "Pod", "namespace": "default", "name": "web-0", "uid": "uid-web-0"},
            }],
            [{"name": "web", "port": 8080, "protocol": "TCP"}],
        ])
    );
}

#[test]
fn conditions_follow_readiness_deletion_and_publication() {
    let unready = json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}});
    let deleted = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
    let published = json!({"spec": {"publishNotReadyAddresses": true}});
    let none = json!({});
    let cases = [
        (&none, &none, [true, true, false]),
        (&none, &unready, [false, false, false]),
        (&none, &deleted, [false, true, true]),
        (&published, &unready, [true, false, false]),
        (&published, &deleted, [true, true, true]),
    ];
    for (of_service, of_pod, expected) in cases {
        let slices = slices(
            &service(of_service),
            &[web("web-0", "10.0.0.1", of_pod)],
            &[],
        );
        let endpoints = slices[0].endpoints.clone().expect("endpoints");
        let conditions = endpoints[0].conditions.clone().expect("conditions");
        let [ready, serving, terminating] = expected.map(Some);
        assert_eq!(
            (conditions.ready, conditions.serving, conditions.terminating),
            (ready, serving, terminating)
        );
    }
}

#[test]
fn who_has_no_endpoint_and_who_has_no_hostname() {
    let count = |of_service: &Value, of_pod: &Value| {
        let slices = slices(
            &service(of_service),
            &[web("web-0", "10.0.0.1", of_pod)],
            &[],
        );
        slices
            .iter()
            .map(|slice| slice.endpoints.clone().unwrap_or_default().len())
            .collect::<Vec<_>>()
    };
    let none = json!({});
    assert_eq!(
        count(&none, &json!({"status": {"phase": "Succeeded"}})),
        [0]
    );
    assert_eq!(
        count(&none, &json!({"status": {"podIP": null, "podIPs": null}})),
        [0]
    );
    assert_eq!(
        count(&none, &json!({"metadata": {"labels": {"app": "db"}}})),
        [0]
    );
    assert_eq!(
        count(&json!({"spec": {"selector": null}}), &none),
        [0usize; 0]
    );
    assert_eq!(
        count(&json!({"spec": {"type": "ExternalName"}}), &none),
        [0usize; 0]
    );
    let other = slices(
        &service(&json!({"metadata": {"name": "other"}})),
        &[web("web-0", "10.0.0.1", &none)],
        &[],
    );
    assert_eq!(
        other[0].endpoints.clone().expect("endpoints")[0].hostname,
        None
    );
}

#[test]
fn only_what_differs_is_written() {
    let pods: Vec<_> = (0..150)
        .map(|at| web(&format!("web-{at}"), &format!("10.0.0.{at}"), &json!({})))
        .collect();
    let service = service(&json!({}));
    let stored = |wanted: Vec<EndpointSlice>| -> Vec<Arc<EndpointSlice>> {
        let named = wanted.into_iter().enumerate().map(|(at, mut slice)| {
            slice.metadata.name = Some(format!("nginx-{at}"));
            Arc::new(slice)
        });
        named.collect()
    };
    let two = stored(slices(&service, &pods, &[]));
    assert_eq!(two.len(), 2);
    assert_eq!(writes(&two, slices(&service, &pods, &[])), []);
    let fewer = writes(&two, slices(&service, &pods[..120], &[]));
    assert!(matches!(fewer.as_slice(), [Write::Update(slice)] if slice.name_any() == "nginx-1"));
    let none = writes(&two, slices(&service, &[], &[]));
    assert!(
        matches!(none.as_slice(), [Write::Update(_), Write::Delete(name, _)] if name == "nginx-1")
    );
    let first = writes(&[], slices(&service, &[], &[]));
    assert!(
        matches!(first.as_slice(), [Write::Create(slice)] if slice.endpoints == Some(Vec::new()))
    );
}

#[test]
fn endpoints_tell_the_ready_from_the_others_and_leave_out_the_going() {
    let pods = [
        web("web-0", "10.0.0.1", &json!({})),
        web(
            "web-1",
            "10.0.0.2",
            &json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}}),
        ),
        web(
            "web-2",
            "10.0.0.3",
            &json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}),
        ),
    ];
    let endpoints = legacy::endpoints(&service(&json!({})), &pods).expect("endpoints");
    let address = |name: &str, ip: &str| {
        json!({
            "hostname": name,
            "ip": ip,
            "nodeName": "n1",
            "targetRef": {"kind": "Pod", "namespace": "default", "name": name, "uid": format!("uid-{name}")},
        })
    };
    assert_eq!(
        json!(endpoints.subsets),
        json!([{
            "addresses": [address("web-0", "10.0.0.1")],
            "notReadyAddresses": [address("web-1", "10.0.0.2")],
            "ports": [{"name": "web", "port": 8080, "protocol": "TCP"}],
        }])
    );
}
