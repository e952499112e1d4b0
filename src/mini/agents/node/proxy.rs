//! From the address of a Service to one of its endpoints, as a node's proxy does it.

use std::{net::SocketAddr, sync::Arc};

use k8s_openapi::api::{core::v1::Service, discovery::v1::EndpointSlice};
use kube::ResourceExt;

use crate::mini::agents::{Informer, network::Network};

/// From now on the network translates by what these caches know.
pub(super) fn install(
    network: &Network,
    services: &Informer<Service>,
    slices: &Informer<EndpointSlice>,
) {
    let (services, slices) = (services.clone(), slices.clone());
    network.set_proxy(Arc::new(move |to| {
        backend(to, &services.list(), &slices.list())
    }));
}

/// The first ready endpoint, by address.
fn backend(
    to: SocketAddr,
    services: &[Arc<Service>],
    slices: &[Arc<EndpointSlice>],
) -> Option<SocketAddr> {
    let address = to.ip().to_string();
    let service = services.iter().find(|service| {
        let spec = service.spec.as_ref();
        spec.and_then(|spec| spec.cluster_ip.as_deref()) == Some(address.as_str())
    })?;
    let ports = service.spec.as_ref()?.ports.iter().flatten();
    let port = ports
        .into_iter()
        .find(|port| port.port == i32::from(to.port()))?;
    let name = service.name_any();
    let mut found = Vec::new();
    for slice in slices {
        let label = slice.labels().get("kubernetes.io/service-name");
        if slice.namespace() != service.namespace() || label != Some(&name) {
            continue;
        }
        let mut targets = slice.ports.iter().flatten();
        let named = |target: &&k8s_openapi::api::discovery::v1::EndpointPort| {
            target.name.as_deref().unwrap_or_default() == port.name.as_deref().unwrap_or_default()
        };
        let Some(target) = targets
            .find(named)
            .and_then(|target| u16::try_from(target.port?).ok())
        else {
            continue;
        };
        for endpoint in slice.endpoints.iter().flatten() {
            let ready = endpoint
                .conditions
                .as_ref()
                .and_then(|conditions| conditions.ready)
                != Some(false);
            let addresses = endpoint.addresses.iter().filter(|_| ready);
            found.extend(
                addresses
                    .filter_map(|address| Some(SocketAddr::new(address.parse().ok()?, target))),
            );
        }
    }
    found.into_iter().min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_virtual_address_leads_to_a_ready_endpoint() {
        let service = json!({
            "metadata": {"name": "front", "namespace": "default"},
            "spec": {"clusterIP": "10.96.1.1", "ports": [{"port": 80}]},
        });
        let slice = json!({
            "metadata": {"name": "x", "namespace": "default", "labels": {"kubernetes.io/service-name": "front"}},
            "addressType": "IPv4",
            "ports": [{"name": "", "port": 8080}],
            "endpoints": [
                {"addresses": ["10.244.1.2"], "conditions": {"ready": false}},
                {"addresses": ["10.244.1.3"], "conditions": {"ready": true}},
            ],
        });
        let services = [Arc::new(
            serde_json::from_value(service).expect("a Service"),
        )];
        let slices = [Arc::new(serde_json::from_value(slice).expect("a slice"))];
        let ask = |to: &str| backend(to.parse().expect("an address"), &services, &slices);
        assert_eq!(ask("10.96.1.1:80"), "10.244.1.3:8080".parse().ok());
        assert_eq!(ask("10.96.1.1:81"), None);
        assert_eq!(ask("10.96.1.2:80"), None);
    }
}
