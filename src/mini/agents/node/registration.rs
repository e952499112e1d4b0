//! A node's own objects: its Node, and its Lease where it has a heartbeat.

use std::{net::SocketAddr, time::Duration};

use jiff::Timestamp;
use k8s_openapi::api::{coordination::v1::Lease, core::v1::Node};
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::mini::agents::{Error, doing, exists_already, network::Site};

const NAMESPACE: &str = "kube-node-lease";

/// A time with whole seconds, as in an object.
fn time(now: Timestamp) -> String {
    Timestamp::from_second(now.as_second())
        .unwrap_or(now)
        .to_string()
}

fn conditions(now: Timestamp) -> Value {
    let condition = |kind: &str, holds: bool, reason: &str, message: &str| {
        let status = if holds { "True" } else { "False" };
        json!({
            "type": kind, "status": status, "reason": reason, "message": message,
            "lastHeartbeatTime": time(now), "lastTransitionTime": time(now),
        })
    };
    let conditions = [
        condition(
            "MemoryPressure",
            false,
            "KubeletHasSufficientMemory",
            "kubelet has sufficient memory available",
        ),
        condition(
            "DiskPressure",
            false,
            "KubeletHasNoDiskPressure",
            "kubelet has no disk pressure",
        ),
        condition(
            "PIDPressure",
            false,
            "KubeletHasSufficientPID",
            "kubelet has sufficient PID available",
        ),
        condition(
            "Ready",
            true,
            "KubeletReady",
            "kubelet is posting ready status",
        ),
    ];
    json!(conditions)
}

fn node(name: &str, site: &Site, reach: Option<SocketAddr>, now: Timestamp) -> Value {
    let capacity = json!({
        "cpu": "16", "memory": "64Gi", "pods": "110", "ephemeral-storage": "100Gi", "hugepages-1Gi": "0", "hugepages-2Mi": "0",
    });
    let machine = super::images::hex64(name);
    let mut addresses = vec![
        json!({"type": "InternalIP", "address": site.host.to_string()}),
        json!({"type": "Hostname", "address": name}),
    ];
    // The node's own address is one of the network in this process: whoever comes from outside is told another.
    addresses.extend(reach.map(|at| json!({"type": "ExternalIP", "address": at.ip().to_string()})));
    json!({
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "beta.kubernetes.io/os": "linux",
                "beta.kubernetes.io/arch": "amd64",
            },
        },
        "spec": {"podCIDR": site.pod_cidr, "podCIDRs": [site.pod_cidr], "providerID": format!("stsspec://{name}")},
        "status": {
            "addresses": addresses,
            "capacity": capacity,
            "allocatable": capacity,
            "conditions": conditions(now),
            "daemonEndpoints": {"kubeletEndpoint": {"Port": reach.map_or(10250, |at| at.port())}},
            "declaredFeatures": ["ExtendWebSocketsToKubelet"],
            "nodeInfo": {
                "architecture": "amd64", "operatingSystem": "linux",
                "bootID": &machine[..32], "machineID": &machine[..32], "systemUUID": &machine[32..],
                "kernelVersion": "6.1.0", "osImage": "stsspec",
                "containerRuntimeVersion": "containerd://2.2.0",
                "kubeletVersion": "v1.37.2", "kubeProxyVersion": "",
            },
        },
    })
}

/// Creates the Node, or brings the status of the one that is there up to date.
pub(super) async fn register(
    client: &Client,
    name: &str,
    site: &Site,
    reach: Option<SocketAddr>,
    now: Timestamp,
) -> Result<(), Error> {
    let api = Api::<Node>::all(client.clone());
    let wanted = node(name, site, reach, now);
    let typed: Node =
        serde_json::from_value(wanted.clone()).map_err(|error| Error::NotYet(error.to_string()))?;
    match api.create(&PostParams::default(), &typed).await {
        Err(error) if exists_already(&error) => {}
        Err(error) => return Err(doing(format!("register node {name}"))(error)),
        // An API server keeps the status of a Node that is created with one.
        Ok(created)
            if created
                .status
                .as_ref()
                .is_some_and(|status| status.conditions.is_some()) =>
        {
            return Ok(());
        }
        Ok(_) => {}
    }
    let patch = Patch::Strategic(json!({"status": wanted["status"]}));
    let patched = api
        .patch_status(name, &PatchParams::default(), &patch)
        .await;
    patched
        .map(|_| ())
        .map_err(doing(format!("tell the status of node {name}")))
}

/// Says that the node takes no more pods and ends those it has.
pub(super) async fn shuts_down(client: &Client, name: &str, now: Timestamp) -> Result<(), Error> {
    let ready = json!({
        "type": "Ready", "status": "False", "reason": "KubeletNotReady", "message": "node is shutting down",
        "lastHeartbeatTime": time(now), "lastTransitionTime": time(now),
    });
    let patch = Patch::Strategic(json!({"status": {"conditions": [ready]}}));
    let api = Api::<Node>::all(client.clone());
    let patched = api
        .patch_status(name, &PatchParams::default(), &patch)
        .await;
    patched
        .map(drop)
        .map_err(doing(format!("tell of the shutdown of node {name}")))
}

/// Renews the Lease again and again.
pub(super) async fn renew_for_ever(
    client: &Client,
    name: &str,
    every: Duration,
    now: impl Fn() -> Timestamp,
) {
    loop {
        tokio::time::sleep(every).await;
        renew(client, name, now()).await;
    }
}

/// Renews the Lease. Where that fails nothing is lost but time.
pub(super) async fn renew(client: &Client, name: &str, now: Timestamp) {
    let api = Api::<Lease>::namespaced(client.clone(), NAMESPACE);
    let renewed = format!("{now:.6}");
    let spec = json!({"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": renewed});
    let patch = Patch::Merge(json!({"spec": spec}));
    let patched = api.patch(name, &PatchParams::default(), &patch).await;
    if let Err(kube::Error::Api(status)) = &patched
        && status.code == 404
        && let Ok(lease) = serde_json::from_value(json!({"metadata": {"name": name}, "spec": spec}))
    {
        let created = api.create(&PostParams::default(), &lease).await;
        tracing::trace!(failed = created.is_err(), "lease of node {name} created");
    }
}
