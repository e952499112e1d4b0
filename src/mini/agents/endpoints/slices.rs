//! What endpoints a Service should have, and what has to be written for that.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use k8s_openapi::{
    api::{
        core::v1::{Node, ObjectReference, Pod, Service, ServicePort, ServiceSpec},
        discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice},
    },
    apimachinery::pkg::{apis::meta::v1::ObjectMeta, util::intstr::IntOrString},
};
use kube::{Resource, ResourceExt};

use super::{MANAGED_BY, MANAGER, SERVICE_NAME};
use crate::sets;

pub(super) const HEADLESS: &str = "service.kubernetes.io/headless";

/// How many endpoints one slice holds.
const SLICE: usize = 100;

/// Nothing changed that an endpoint shows.
pub(super) fn is_same_endpoint(old: &Pod, new: &Pod) -> bool {
    let shown = |pod: &Pod| {
        let status = pod.status.as_ref();
        let spec = pod.spec.as_ref();
        (
            pod.metadata.uid.clone(),
            pod.metadata.labels.clone(),
            addresses(pod),
            sets::is_ready(pod),
            sets::is_terminating(pod),
            status.and_then(|status| status.phase.clone()),
            spec.and_then(|spec| spec.node_name.clone()),
        )
    };
    shown(old) == shown(new)
}

pub(super) fn spec(service: &Service) -> ServiceSpec {
    service.spec.clone().unwrap_or_default()
}

pub(super) fn selects(service: &Service, pod: &Pod) -> bool {
    let selector = service
        .spec
        .as_ref()
        .and_then(|spec| spec.selector.as_ref());
    selector.is_some_and(|selector| {
        !selector.is_empty()
            && selector
                .iter()
                .all(|(key, value)| pod.labels().get(key) == Some(value))
    })
}

pub(super) fn is_headless(spec: &ServiceSpec) -> bool {
    matches!(spec.cluster_ip.as_deref(), None | Some("" | "None"))
}

pub(super) fn addresses(pod: &Pod) -> Vec<String> {
    let status = pod.status.as_ref();
    let all = status.and_then(|status| status.pod_ips.as_ref());
    match (all, status.and_then(|status| status.pod_ip.as_ref())) {
        (Some(all), _) if !all.is_empty() => all.iter().map(|ip| ip.ip.clone()).collect(),
        (_, Some(one)) if !one.is_empty() => vec![one.clone()],
        _ => Vec::new(),
    }
}

/// The slices that a Service should have, without names: what of [`EndpointSlice`] the agent decides.
///
/// Pods that ended or have no address have no endpoint. Pods whose named ports differ are in slices of their own. A
/// Service that selects nobody has one empty slice, one without a selector has none from here.
pub fn slices(service: &Service, pods: &[Arc<Pod>], nodes: &[Arc<Node>]) -> Vec<EndpointSlice> {
    let spec = spec(service);
    if spec.selector.as_ref().is_none_or(BTreeMap::is_empty)
        || spec.type_.as_deref() == Some("ExternalName")
    {
        return Vec::new();
    }
    let families = spec
        .ip_families
        .clone()
        .filter(|families| !families.is_empty());
    let mut slices = Vec::new();
    for family in families.unwrap_or_else(|| vec!["IPv4".to_owned()]) {
        let mut groups: Vec<(Vec<EndpointPort>, Vec<Endpoint>)> = Vec::new();
        for pod in pods {
            let ended = sets::is_failed(pod) || sets::is_succeeded(pod);
            if ended || !selects(service, pod) {
                continue;
            }
            let Some(endpoint) = endpoint(&spec, service, pod, nodes, &family) else {
                continue;
            };
            let ports = ports(&spec, pod);
            match groups.iter_mut().find(|(known, _)| *known == ports) {
                Some((_, endpoints)) => endpoints.push(endpoint),
                None => groups.push((ports, vec![endpoint])),
            }
        }
        if groups.is_empty() {
            slices.push(slice(service, &spec, &family, Vec::new(), Vec::new()));
        }
        for (ports, endpoints) in groups {
            for part in endpoints.chunks(SLICE) {
                slices.push(slice(service, &spec, &family, ports.clone(), part.to_vec()));
            }
        }
    }
    slices
}

fn slice(
    service: &Service,
    spec: &ServiceSpec,
    family: &str,
    ports: Vec<EndpointPort>,
    endpoints: Vec<Endpoint>,
) -> EndpointSlice {
    let reserved = [SERVICE_NAME, MANAGED_BY, HEADLESS];
    let mut labels = service.labels().clone();
    labels.retain(|key, _| !reserved.contains(&key.as_str()));
    labels.insert(SERVICE_NAME.to_owned(), service.name_any());
    labels.insert(MANAGED_BY.to_owned(), MANAGER.to_owned());
    if is_headless(spec) {
        labels.insert(HEADLESS.to_owned(), String::new());
    }
    EndpointSlice {
        metadata: ObjectMeta {
            generate_name: Some(format!("{}-", service.name_any())),
            namespace: service.namespace(),
            labels: Some(labels),
            owner_references: service.controller_owner_ref(&()).map(|owner| vec![owner]),
            ..ObjectMeta::default()
        },
        address_type: family.to_owned(),
        endpoints: Some(endpoints),
        ports: Some(ports),
    }
}

fn endpoint(
    spec: &ServiceSpec,
    service: &Service,
    pod: &Pod,
    nodes: &[Arc<Node>],
    family: &str,
) -> Option<Endpoint> {
    let mut addresses = addresses(pod);
    addresses.retain(|address| {
        address
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.is_ipv6() == (family == "IPv6"))
    });
    if addresses.is_empty() {
        return None;
    }
    let serving = sets::is_ready(pod);
    let terminating = sets::is_terminating(pod);
    let published = spec.publish_not_ready_addresses == Some(true);
    let pod_spec = pod.spec.clone().unwrap_or_default();
    let node_name = pod_spec.node_name.filter(|node| !node.is_empty());
    let node = nodes
        .iter()
        .find(|node| node.metadata.name == node_name && node_name.is_some());
    let zone = node.and_then(|node| node.labels().get("topology.kubernetes.io/zone").cloned());
    let named = pod_spec.subdomain == service.metadata.name;
    Some(Endpoint {
        addresses,
        conditions: Some(EndpointConditions {
            ready: Some(published || (serving && !terminating)),
            serving: Some(serving),
            terminating: Some(terminating),
        }),
        hostname: pod_spec
            .hostname
            .filter(|hostname| named && !hostname.is_empty()),
        node_name,
        target_ref: Some(ObjectReference {
            kind: Some("Pod".to_owned()),
            namespace: pod.namespace(),
            name: Some(pod.name_any()),
            uid: pod.uid(),
            ..ObjectReference::default()
        }),
        zone,
        ..Endpoint::default()
    })
}

pub(super) fn ports(spec: &ServiceSpec, pod: &Pod) -> Vec<EndpointPort> {
    let ports = spec.ports.iter().flatten();
    ports
        .filter_map(|port| {
            Some(EndpointPort {
                name: Some(port.name.clone().unwrap_or_default()),
                port: Some(target(port, pod)?),
                protocol: Some(protocol(port.protocol.as_ref())),
                app_protocol: port.app_protocol.clone(),
            })
        })
        .collect()
}

fn protocol(protocol: Option<&String>) -> String {
    protocol.cloned().unwrap_or_else(|| "TCP".to_owned())
}

fn target(port: &ServicePort, pod: &Pod) -> Option<i32> {
    let wanted = match &port.target_port {
        None => return Some(port.port),
        Some(IntOrString::Int(number)) => return Some(*number),
        Some(IntOrString::String(name)) => name,
    };
    let spec = pod.spec.as_ref()?;
    let sidecars = spec.init_containers.iter().flatten();
    let sidecars =
        sidecars.filter(|container| container.restart_policy.as_deref() == Some("Always"));
    let containers = spec.containers.iter().chain(sidecars);
    containers
        .flat_map(|container| container.ports.iter().flatten())
        .find(|known| {
            known.name.as_ref() == Some(wanted)
                && protocol(known.protocol.as_ref()) == protocol(port.protocol.as_ref())
        })
        .map(|known| known.container_port)
}

/// One write to a slice.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// A slice more.
    Create(Box<EndpointSlice>),
    /// Another content.
    Update(Box<EndpointSlice>),
    /// One slice less, by name and UID.
    Delete(String, Option<String>),
}

/// The writes that turn the slices that are there into those that should be. A slice of the same ports and address
/// family is kept where there is one.
pub fn writes(present: &[Arc<EndpointSlice>], wanted: Vec<EndpointSlice>) -> Vec<Write> {
    let mut free: Vec<&Arc<EndpointSlice>> = present.iter().collect();
    let mut writes = Vec::new();
    let mut homeless = Vec::new();
    for wanted in wanted {
        let empty = |slice: &EndpointSlice| slice.endpoints.as_ref().is_none_or(Vec::is_empty);
        let alike = |slice: &&Arc<EndpointSlice>| {
            let ports = slice.ports.as_deref().unwrap_or_default();
            slice.address_type == wanted.address_type
                && (Some(ports) == wanted.ports.as_deref() || (empty(slice) && empty(&wanted)))
        };
        match free.iter().position(alike) {
            Some(at) => writes.extend(update(free.remove(at), &wanted)),
            None => homeless.push(wanted),
        }
    }
    for wanted in homeless {
        let kin = |slice: &&Arc<EndpointSlice>| slice.address_type == wanted.address_type;
        match free.iter().position(kin) {
            Some(at) => writes.extend(update(free.remove(at), &wanted)),
            None => writes.push(Write::Create(Box::new(wanted))),
        }
    }
    let superfluous = free.into_iter();
    writes.extend(superfluous.map(|slice| Write::Delete(slice.name_any(), slice.uid())));
    writes
}

fn update(present: &EndpointSlice, wanted: &EndpointSlice) -> Option<Write> {
    let mut next = present.clone();
    next.metadata.labels.clone_from(&wanted.metadata.labels);
    next.endpoints.clone_from(&wanted.endpoints);
    next.ports.clone_from(&wanted.ports);
    let shown = |slice: &EndpointSlice| {
        (
            slice.metadata.labels.clone().unwrap_or_default(),
            slice.endpoints.clone().unwrap_or_default(),
            slice.ports.clone().unwrap_or_default(),
        )
    };
    (shown(&next) != shown(present)).then(|| Write::Update(Box::new(next)))
}
