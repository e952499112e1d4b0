use super::*;

const NOW: &str = "2026-01-01T00:10:00Z";

fn rows(group_kind: &str, items: &[Value]) -> Vec<Vec<Value>> {
    let items: Vec<_> = items.iter().cloned().map(Object::from).collect();
    let now = NOW.parse().expect("a time");
    let table = table(group_kind, &items, now, Include::None, true);
    let columns = list(&table, "/columnDefinitions").len();
    list(&table, "/rows")
        .iter()
        .map(|row| {
            let cells = list(row, "/cells");
            assert_eq!(cells.len(), columns, "a cell for each column: {cells:?}");
            cells.to_vec()
        })
        .collect()
}

fn cells(group_kind: &str, item: Value) -> Vec<Value> {
    rows(group_kind, &[item]).remove(0)
}

fn meta(name: &str) -> Value {
    json!({"name": name, "creationTimestamp": "2026-01-01T00:00:00Z"})
}

fn pod(spec: Value, status: Value) -> Vec<Value> {
    cells(
        "Pod",
        json!({"kind": "Pod", "metadata": meta("web-0"), "spec": spec, "status": status}),
    )
}

#[test]
fn the_status_of_a_pod_is_the_word_of_its_first_telling_container() {
    let running = json!({"ready": true, "state": {"running": {}}});
    let done = json!({"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}});
    let failed = json!({"state": {"terminated": {"exitCode": 1, "reason": "Error"}}});
    let waiting = |reason: &str| json!({"state": {"waiting": {"reason": reason}}});
    let ready = json!([{"type": "Ready", "status": "True"}]);
    for (status, ready_cell, word) in [
        (json!({"phase": "Pending"}), "0/1", "Pending"),
        (
            json!({"phase": "Pending", "containerStatuses": [waiting("ContainerCreating")]}),
            "0/1",
            "ContainerCreating",
        ),
        (
            json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "reason": "SchedulingGated"}]}),
            "0/1",
            "SchedulingGated",
        ),
        (
            json!({"phase": "Running", "containerStatuses": [running]}),
            "1/1",
            "Running",
        ),
        (
            json!({"phase": "Running", "containerStatuses": [waiting("CrashLoopBackOff")]}),
            "0/1",
            "CrashLoopBackOff",
        ),
        (
            json!({"phase": "Succeeded", "containerStatuses": [done]}),
            "0/1",
            "Completed",
        ),
        (
            json!({"phase": "Failed", "containerStatuses": [failed]}),
            "0/1",
            "Error",
        ),
        (
            json!({"phase": "Failed", "reason": "Evicted"}),
            "0/1",
            "Evicted",
        ),
        (
            json!({"phase": "Failed", "containerStatuses": [done, failed]}),
            "0/1",
            "Error",
        ),
        (
            json!({"phase": "Running", "containerStatuses": [done, running]}),
            "1/1",
            "NotReady",
        ),
        (
            json!({"phase": "Running", "containerStatuses": [done, running], "conditions": ready}),
            "1/1",
            "Running",
        ),
        (
            json!({"phase": "Failed", "containerStatuses": [{"state": {"terminated": {"exitCode": 2}}}]}),
            "0/1",
            "ExitCode:2",
        ),
        (
            json!({"phase": "Failed", "containerStatuses": [{"state": {"terminated": {"exitCode": 137, "signal": 9}}}]}),
            "0/1",
            "Signal:9",
        ),
    ] {
        let cells = pod(json!({"containers": [{}]}), status.clone());
        assert_eq!(
            (&cells[1], &cells[2]),
            (&json!(ready_cell), &json!(word)),
            "{status}"
        );
    }
}

#[test]
fn init_containers_come_before_the_others() {
    let spec = json!({"containers": [{"name": "c"}], "initContainers": [{"name": "a"}, {"name": "b", "restartPolicy": "Always"}]});
    let word = |first: Value, second: Value| {
        let status = json!({"phase": "Pending", "initContainerStatuses": [first, second], "containerStatuses": [
            {"name": "c", "state": {"waiting": {"reason": "PodInitializing"}}}]});
        let cells = pod(spec.clone(), status);
        (cells[1].clone(), cells[2].clone())
    };
    let creating = json!({"name": "b", "state": {"waiting": {"reason": "PodInitializing"}}});
    let a = |state: Value| json!({"name": "a", "state": state});
    for (first, expected) in [
        (a(json!({"running": {}})), "Init:0/2"),
        (
            a(json!({"waiting": {"reason": "PodInitializing"}})),
            "Init:0/2",
        ),
        (
            a(json!({"waiting": {"reason": "CrashLoopBackOff"}})),
            "Init:CrashLoopBackOff",
        ),
        (
            a(json!({"terminated": {"exitCode": 1, "reason": "Error"}})),
            "Init:Error",
        ),
        (a(json!({"terminated": {"exitCode": 3}})), "Init:ExitCode:3"),
        (
            a(json!({"terminated": {"exitCode": 0, "reason": "Completed"}})),
            "Init:1/2",
        ),
    ] {
        assert_eq!(
            word(first, creating.clone()),
            (json!("0/2"), json!(expected))
        );
    }
    let sidecar = json!({"name": "b", "started": true, "ready": true, "state": {"running": {}}});
    let done = a(json!({"terminated": {"exitCode": 0, "reason": "Completed"}}));
    assert_eq!(
        word(done, sidecar),
        (json!("1/2"), json!("PodInitializing"))
    );
}

#[test]
fn a_deleted_pod_is_terminating_unless_it_has_finished_or_its_node_is_lost() {
    for (status, word) in [
        (json!({"phase": "Running"}), "Terminating"),
        (json!({"phase": "Succeeded"}), "Succeeded"),
        (json!({"phase": "Running", "reason": "NodeLost"}), "Unknown"),
    ] {
        let mut metadata = meta("web-0");
        metadata["deletionTimestamp"] = NOW.into();
        let cells = cells("Pod", json!({"metadata": metadata, "status": status}));
        assert_eq!(cells[2], word);
    }
}

#[test]
fn the_wide_columns_of_a_pod_say_where_it_is() {
    let status = json!({
        "phase": "Running", "podIPs": [{"ip": "10.0.0.5"}], "conditions": [{"type": "a", "status": "True"}],
        "containerStatuses": [{"ready": true, "restartCount": 2, "state": {"running": {}},
            "lastState": {"terminated": {"finishedAt": "2026-01-01T00:09:00Z"}}}],
    });
    let spec = json!({"containers": [{}], "nodeName": "node-1", "readinessGates": [{"conditionType": "a"}, {"conditionType": "b"}]});
    assert_eq!(
        pod(spec, status),
        [
            "web-0",
            "1/1",
            "Running",
            "2 (60s ago)",
            "10m",
            "10.0.0.5",
            "node-1",
            "<none>",
            "1/2"
        ]
    );
}

#[test]
fn services_show_their_addresses_and_ports() {
    let service = |spec: Value| {
        cells(
            "Service",
            json!({"metadata": meta("nginx"), "spec": spec, "status": {"loadBalancer": {}}}),
        )
    };
    let headless = json!({"type": "ClusterIP", "clusterIPs": ["None"], "ports": [{"port": 80, "protocol": "TCP"}], "selector": {"app": "nginx"}});
    assert_eq!(
        service(headless),
        [
            "nginx",
            "ClusterIP",
            "None",
            "<none>",
            "80/TCP",
            "10m",
            "app=nginx"
        ]
    );
    let balanced = json!({"type": "LoadBalancer", "clusterIPs": ["10.96.0.7"], "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP"}]});
    assert_eq!(
        service(balanced),
        [
            "nginx",
            "LoadBalancer",
            "10.96.0.7",
            "<pending>",
            "80:30080/TCP",
            "10m",
            "<none>"
        ]
    );
    let external = json!({"type": "ExternalName", "externalName": "example.com"});
    assert_eq!(service(external)[2..5], ["<none>", "example.com", "<none>"]);
}

#[test]
fn workloads_count_their_pods() {
    let spec = json!({"replicas": 3, "selector": {"matchLabels": {"app": "web"}},
        "template": {"spec": {"containers": [{"name": "a", "image": "x:1"}, {"name": "b", "image": "y"}]}}});
    let status =
        json!({"replicas": 3, "readyReplicas": 2, "updatedReplicas": 1, "availableReplicas": 2});
    let object = json!({"metadata": meta("web"), "spec": spec, "status": status});
    assert_eq!(
        cells("apps/StatefulSet", object.clone()),
        ["web", "2/3", "10m", "a,b", "x:1,y"]
    );
    assert_eq!(
        json!(cells("apps/Deployment", object.clone())),
        json!(["web", "2/3", 1, 2, "10m", "a,b", "x:1,y", "app=web"])
    );
    assert_eq!(
        json!(cells("apps/ReplicaSet", object)),
        json!(["web", 3, 3, 2, "10m", "a,b", "x:1,y", "app=web"])
    );
}

#[test]
fn claims_and_volumes_show_how_they_belong_together() {
    let claim = json!({"metadata": meta("www-web-0"), "spec": {"volumeName": "pvc-1", "storageClassName": "standard", "volumeMode": "Filesystem"},
        "status": {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}}});
    assert_eq!(
        cells("PersistentVolumeClaim", claim),
        [
            "www-web-0",
            "Bound",
            "pvc-1",
            "1Gi",
            "RWO",
            "standard",
            "<unset>",
            "10m",
            "Filesystem"
        ]
    );
    let pending = json!({"metadata": meta("c"), "spec": {"accessModes": ["ReadWriteOnce"]}, "status": {"phase": "Pending"}});
    assert_eq!(
        cells("PersistentVolumeClaim", pending)[1..7],
        ["Pending", "", "", "", "", "<unset>"]
    );
    let volume = json!({"metadata": meta("pvc-1"), "status": {"phase": "Bound"}, "spec": {
        "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteMany", "ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Delete",
        "claimRef": {"namespace": "default", "name": "www-web-0"}, "storageClassName": "standard"}});
    assert_eq!(
        cells("PersistentVolume", volume),
        [
            "pvc-1",
            "1Gi",
            "RWO,RWX",
            "Delete",
            "Bound",
            "default/www-web-0",
            "standard",
            "<unset>",
            "",
            "10m",
            "<unset>"
        ]
    );
}

#[test]
fn the_newest_default_class_is_marked() {
    let class = |name: &str, created: &str, default: &str| {
        json!({"metadata": {"name": name, "creationTimestamp": created,
        "annotations": {"storageclass.kubernetes.io/is-default-class": default}}, "provisioner": "p"})
    };
    let rows = rows(
        "storage.k8s.io/StorageClass",
        &[
            class("a", "2026-01-01T00:00:00Z", "true"),
            class("b", "2026-01-01T00:01:00Z", "true"),
            class("c", "2026-01-01T00:02:00Z", "false"),
            class("d", "2026-01-01T00:01:00Z", "true"),
        ],
    );
    let names: Vec<_> = rows.iter().map(|cells| cells[0].clone()).collect();
    assert_eq!(names, ["a", "b (default)", "c", "d"]);
    assert_eq!(
        json!(rows[0][1..]),
        json!(["p", "Delete", "Immediate", false, "10m"])
    );
}

#[test]
fn nodes_are_ready_or_not_and_have_roles() {
    let node = |conditions: Value, unschedulable: bool| {
        json!({"metadata": {"name": "n", "labels": {"node-role.kubernetes.io/b": "", "node-role.kubernetes.io/a": ""}},
        "spec": {"unschedulable": unschedulable}, "status": {"conditions": conditions,
        "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
        "nodeInfo": {"kubeletVersion": "v1.37.2", "kernelVersion": "6.1", "architecture": "amd64", "osImage": "Debian", "containerRuntimeVersion": "containerd://2"}}})
    };
    let ready = json!([{"type": "Ready", "status": "True"}]);
    assert_eq!(
        cells("Node", node(ready, false)),
        [
            "n",
            "Ready",
            "a,b",
            "<unknown>",
            "v1.37.2",
            "10.0.0.1",
            "<none>",
            "Debian",
            "6.1 (amd64)",
            "containerd://2"
        ]
    );
    let lost = json!([{"type": "Ready", "status": "Unknown"}]);
    assert_eq!(
        cells("Node", node(lost, true))[1],
        "NotReady,SchedulingDisabled"
    );
    assert_eq!(cells("Node", node(json!([]), false))[1], "Unknown");
}

#[test]
fn events_of_both_groups_look_the_same() {
    let old = json!({"metadata": {"name": "e"}, "type": "Normal", "reason": "Killing", "message": " stop \n", "count": 3,
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:09:30Z",
        "source": {"component": "kubelet", "host": "n"}, "involvedObject": {"kind": "Pod", "name": "web-0"}});
    let new = json!({"metadata": {"name": "e"}, "type": "Normal", "reason": "Killing", "note": "stop", "eventTime": "2026-01-01T00:00:00.000000Z",
        "series": {"count": 3, "lastObservedTime": "2026-01-01T00:09:30.000000Z"},
        "reportingController": "kubelet", "reportingInstance": "n", "regarding": {"kind": "Pod", "name": "web-0"}});
    let expected = json!([
        "30s",
        "Normal",
        "Killing",
        "pod/web-0",
        "",
        "kubelet, n",
        "stop",
        "10m",
        3,
        "e"
    ]);
    assert_eq!(json!(cells("Event", old)), expected);
    assert_eq!(json!(cells("events.k8s.io/Event", new)), expected);
}

#[test]
fn the_smaller_kinds_have_their_columns() {
    let mut revision = json!({"metadata": meta("web-1"), "revision": 2});
    revision["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "controller": true}]);
    for (kind, object, expected) in [
        (
            "apps/ControllerRevision",
            revision,
            json!(["web-1", "statefulset.apps/web", 2, "10m"]),
        ),
        (
            "Namespace",
            json!({"metadata": meta("a"), "status": {"phase": "Active"}}),
            json!(["a", "Active", "10m"]),
        ),
        (
            "ConfigMap",
            json!({"metadata": meta("a"), "data": {"x": "1"}, "binaryData": {"y": ""}}),
            json!(["a", 2, "10m"]),
        ),
        (
            "Secret",
            json!({"metadata": meta("a"), "type": "Opaque"}),
            json!(["a", "Opaque", 0, "10m"]),
        ),
        (
            "ServiceAccount",
            json!({"metadata": meta("a")}),
            json!(["a", "10m"]),
        ),
        (
            "coordination.k8s.io/Lease",
            json!({"metadata": meta("a"), "spec": {"holderIdentity": "me"}}),
            json!(["a", "me", "10m"]),
        ),
        (
            "ResourceQuota",
            json!({"metadata": meta("a"), "status": {"hard": {"pods": "5", "limits.cpu": "2"}, "used": {"pods": "1"}}}),
            json!(["a", "pods: 1/5", "limits.cpu: 0/2", "10m"]),
        ),
        (
            "policy/PodDisruptionBudget",
            json!({"metadata": meta("a"), "spec": {"maxUnavailable": 1}, "status": {"disruptionsAllowed": 1}}),
            json!(["a", "N/A", "1", 1, "10m"]),
        ),
        (
            "Endpoints",
            json!({"metadata": meta("a"), "subsets": [{"addresses": [{"ip": "1.1.1.1"}, {"ip": "1.1.1.2"}], "ports": [{"port": 80}, {"port": 90}]}]}),
            json!(["a", "1.1.1.1:80,1.1.1.2:80,1.1.1.1:90 + 1 more...", "10m"]),
        ),
        (
            "discovery.k8s.io/EndpointSlice",
            json!({"metadata": meta("a"), "addressType": "IPv4", "ports": [{"port": 80}], "endpoints": []}),
            json!(["a", "IPv4", "80", "<unset>", "10m"]),
        ),
        (
            "example.com/Thing",
            json!({"metadata": meta("a")}),
            json!(["a", "2026-01-01T00:00:00Z"]),
        ),
    ] {
        assert_eq!(json!(cells(kind, object)), expected, "{kind}");
    }
}

#[test]
fn a_row_carries_as_much_of_its_object_as_was_asked_for() {
    let object =
        Object::from(json!({"kind": "Pod", "metadata": meta("a"), "status": {"phase": "Failed"}}));
    let now = NOW.parse().expect("a time");
    let row = |include| table("Pod", std::slice::from_ref(&object), now, include, false);
    assert_eq!(row(Include::None)["rows"][0]["object"], Value::Null);
    assert_eq!(
        row(Include::Metadata)["rows"][0]["object"]["kind"],
        "PartialObjectMetadata"
    );
    let whole = row(Include::Object);
    assert_eq!(whole["rows"][0]["object"], *object);
    assert_eq!(whole["rows"][0]["conditions"][0]["reason"], "Failed");
    assert_eq!(whole["columnDefinitions"], json!([]));
}
