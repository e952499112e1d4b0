//! Which records there are at a name.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use hickory_proto::rr::{
    Name, RData, Record,
    rdata::{A, AAAA, CNAME, NS, PTR, SOA, SRV, TXT},
};
use k8s_openapi::api::{core::v1::Service, discovery::v1::EndpointSlice};
use kube::ResourceExt;

/// How long an answer is good, in seconds.
const TTL: u32 = 5;
/// How long it is good that there is none.
const NEGATIVE_TTL: u32 = 30;
/// The version of the Kubernetes DNS specification.
const SCHEMA: &str = "1.1.0";

/// What a server answers for.
#[derive(Clone, Debug)]
pub struct Zone {
    /// Without a final dot: `cluster.local`.
    pub domain: String,
    /// The server's own address.
    pub server: IpAddr,
}

/// What is known of the cluster at the moment of a question.
#[derive(Clone, Debug, Default)]
pub struct Data {
    /// All Services.
    pub services: Vec<Arc<Service>>,
    /// All EndpointSlices.
    pub slices: Vec<Arc<EndpointSlice>>,
    /// The names of all Namespaces.
    pub namespaces: BTreeSet<String>,
}

/// One address of a Service that may be told.
struct Endpoint {
    /// The pod's hostname, where its subdomain is this Service; otherwise its address with dashes.
    host: String,
    address: IpAddr,
}

/// Names a client could not have sent are our own, and made of names the API accepts.
fn name_of(text: &str) -> Name {
    Name::from_ascii(format!("{}.", text.trim_end_matches('.'))).unwrap_or_default()
}

fn dashed(address: IpAddr) -> String {
    address.to_string().replace(['.', ':'], "-")
}

fn address_record(name: &Name, address: IpAddr) -> Record {
    let data = match address {
        IpAddr::V4(address) => RData::A(A(address)),
        IpAddr::V6(address) => RData::AAAA(AAAA(address)),
    };
    Record::from_rdata(name.clone(), TTL, data)
}

/// A Service's virtual addresses; none for a headless one.
fn virtual_addresses(service: &Service) -> Vec<IpAddr> {
    let spec = service.spec.as_ref();
    let several = spec.and_then(|spec| spec.cluster_ips.clone());
    let one = spec.and_then(|spec| spec.cluster_ip.clone());
    let texts = several.unwrap_or_else(|| one.into_iter().collect());
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

fn is_headless(service: &Service) -> bool {
    let spec = service.spec.as_ref();
    let address = spec.and_then(|spec| spec.cluster_ip.as_deref());
    address == Some("None") && external_name(service).is_none()
}

fn external_name(service: &Service) -> Option<&str> {
    let spec = service.spec.as_ref()?;
    let external = spec.type_.as_deref() == Some("ExternalName");
    spec.external_name.as_deref().filter(|_| external)
}

fn slices_of<'a>(data: &'a Data, service: &'a Service) -> impl Iterator<Item = &'a EndpointSlice> {
    let name = service.metadata.name.as_deref();
    let slices = data.slices.iter().map(|slice| &**slice);
    slices.filter(move |slice| {
        let label = slice.labels().get("kubernetes.io/service-name");
        slice.metadata.namespace == service.metadata.namespace && label.map(String::as_str) == name
    })
}

/// The endpoints of one slice that may be told: those that are ready, or all where the Service says so.
fn endpoints<'a>(
    service: &Service,
    slice: &'a EndpointSlice,
) -> impl Iterator<Item = Endpoint> + 'a {
    let spec = service.spec.as_ref();
    let all = spec.and_then(|spec| spec.publish_not_ready_addresses) == Some(true);
    slice.endpoints.iter().flatten().flat_map(move |endpoint| {
        let conditions = endpoint.conditions.as_ref();
        let told = all || conditions.and_then(|conditions| conditions.ready) != Some(false);
        let addresses = endpoint.addresses.iter().filter(move |_| told);
        addresses.filter_map(|text| {
            let address: IpAddr = text.parse().ok()?;
            let host = endpoint.hostname.clone().filter(|host| !host.is_empty());
            let host = host.unwrap_or_else(|| dashed(address));
            Some(Endpoint { host, address })
        })
    })
}

fn all_endpoints(data: &Data, service: &Service) -> Vec<Endpoint> {
    let slices = slices_of(data, service);
    let mut all: Vec<_> = slices.flat_map(|slice| endpoints(service, slice)).collect();
    all.sort_by(|one, other| (&one.host, one.address).cmp(&(&other.host, other.address)));
    all.dedup_by(|one, other| one.host == other.host && one.address == other.address);
    all
}

impl Zone {
    /// The record that says who is responsible; in a negative answer, how long that is good.
    pub(super) fn authority(&self) -> Record {
        let (server, mail) = (self.name("ns.dns"), self.name("hostmaster"));
        let soa = SOA::new(server, mail, 1, 7200, 1800, 86_400, NEGATIVE_TTL);
        Record::from_rdata(name_of(&self.domain), NEGATIVE_TTL, RData::SOA(soa))
    }

    fn name(&self, relative: &str) -> Name {
        name_of(&format!("{relative}.{}", self.domain))
    }

    /// The labels of a name below the zone's, in lower case; None for a name that is not the zone's.
    pub(super) fn labels(&self, name: &Name) -> Option<Vec<String>> {
        let text = name.to_lowercase().to_ascii();
        let text = text.trim_end_matches('.');
        if text == self.domain {
            return Some(Vec::new());
        }
        let relative = text.strip_suffix(&self.domain)?.strip_suffix('.')?;
        Some(relative.split('.').map(str::to_owned).collect())
    }

    /// All records at a name of the zone, of whatever type; None where there is no such name.
    pub(super) fn records(
        &self,
        data: &Data,
        name: &Name,
        labels: &[String],
    ) -> Option<Vec<Record>> {
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        match labels.as_slice() {
            [] => {
                let server = RData::NS(NS(self.name("ns.dns")));
                Some(vec![
                    self.authority(),
                    Record::from_rdata(name.clone(), TTL, server),
                ])
            }
            ["dns-version"] => {
                let version = RData::TXT(TXT::new(vec![SCHEMA.to_owned()]));
                Some(vec![Record::from_rdata(name.clone(), TTL, version)])
            }
            ["svc" | "pod" | "dns"] => Some(Vec::new()),
            ["ns", "dns"] => Some(vec![address_record(name, self.server)]),
            [namespace, "svc" | "pod"] => data.namespaces.contains(*namespace).then(Vec::new),
            [host, namespace, "pod"] => {
                let address: Ipv4Addr = host.replace('-', ".").parse().ok()?;
                let known = data.namespaces.contains(*namespace);
                known.then(|| vec![address_record(name, IpAddr::V4(address))])
            }
            [service, namespace, "svc"] => {
                service_records(data, name, find(data, namespace, service)?)
            }
            [protocol, service, namespace, "svc"] if protocol.starts_with('_') => {
                let service = find(data, namespace, service)?;
                let ports = self.ports(data, service);
                let any = ports
                    .keys()
                    .any(|(_, known)| format!("_{known}") == **protocol);
                any.then(Vec::new)
            }
            [host, service, namespace, "svc"] => {
                let service = find(data, namespace, service)?;
                let endpoints = all_endpoints(data, service);
                let found: Vec<_> = endpoints
                    .iter()
                    .filter(|endpoint| endpoint.host == *host)
                    .map(|endpoint| address_record(name, endpoint.address))
                    .collect();
                (!found.is_empty()).then_some(found)
            }
            [port, protocol, service, namespace, "svc"] => {
                let service = find(data, namespace, service)?;
                let port = port.strip_prefix('_')?.to_owned();
                let protocol = protocol.strip_prefix('_')?.to_owned();
                let targets = self.ports(data, service).remove(&(port, protocol))?;
                let weight = u16::try_from(100 / targets.len().max(1))
                    .unwrap_or(100)
                    .max(1);
                let records = targets.into_iter().map(|(target, port)| {
                    let data = RData::SRV(SRV::new(0, weight, port, target));
                    Record::from_rdata(name.clone(), TTL, data)
                });
                Some(records.collect())
            }
            _ => None,
        }
    }

    /// What each named port leads to: a Service's virtual address has one target, a headless Service one an endpoint.
    fn ports(
        &self,
        data: &Data,
        service: &Service,
    ) -> BTreeMap<(String, String), Vec<(Name, u16)>> {
        let mut found: BTreeMap<_, Vec<(Name, u16)>> = BTreeMap::new();
        let own = self.own_name(service);
        let mut note =
            |name: Option<&str>, protocol: Option<&str>, port: i32, host: Option<&str>| {
                let name = name.filter(|name| !name.is_empty());
                if let (Some(name), Ok(port)) = (name, u16::try_from(port)) {
                    let protocol = protocol.unwrap_or("TCP").to_lowercase();
                    let target = match host {
                        Some(host) => format!("{host}.{own}"),
                        None => own.clone(),
                    };
                    let targets = found.entry((name.to_lowercase(), protocol)).or_default();
                    targets.push((name_of(&target), port));
                }
            };
        if is_headless(service) {
            for slice in slices_of(data, service) {
                for port in slice.ports.iter().flatten() {
                    for endpoint in endpoints(service, slice) {
                        let (name, protocol) = (port.name.as_deref(), port.protocol.as_deref());
                        note(name, protocol, port.port.unwrap_or(0), Some(&endpoint.host));
                    }
                }
            }
        } else if !virtual_addresses(service).is_empty() {
            let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_ref());
            for port in ports.into_iter().flatten() {
                note(
                    port.name.as_deref(),
                    port.protocol.as_deref(),
                    port.port,
                    None,
                );
            }
        }
        for targets in found.values_mut() {
            targets.sort();
            targets.dedup();
        }
        found
    }

    fn own_name(&self, service: &Service) -> String {
        let namespace = service.namespace().unwrap_or_default();
        format!("{}.{namespace}.svc.{}", service.name_any(), self.domain)
    }

    /// The names that an address goes by: that of the Service whose virtual address it is, or one for every Service
    /// that has it as an endpoint.
    pub(super) fn names(
        &self,
        data: &Data,
        question: &Name,
        address: IpAddr,
    ) -> Option<Vec<Record>> {
        let pointer = |name: String| {
            Record::from_rdata(question.clone(), TTL, RData::PTR(PTR(name_of(&name))))
        };
        let owner = data
            .services
            .iter()
            .find(|service| virtual_addresses(service).contains(&address));
        if let Some(service) = owner {
            return Some(vec![pointer(self.own_name(service))]);
        }
        let names = data.services.iter().flat_map(|service| {
            let endpoints = all_endpoints(data, service).into_iter();
            let endpoints = endpoints.filter(|endpoint| endpoint.address == address);
            endpoints.map(|endpoint| format!("{}.{}", endpoint.host, self.own_name(service)))
        });
        let names: BTreeSet<String> = names.collect();
        (!names.is_empty()).then(|| names.into_iter().map(pointer).collect())
    }
}

fn find<'a>(data: &'a Data, namespace: &str, name: &str) -> Option<&'a Service> {
    let services = data.services.iter().map(|service| &**service);
    services.into_iter().find(|service| {
        service.metadata.namespace.as_deref() == Some(namespace)
            && service.metadata.name.as_deref() == Some(name)
    })
}

/// The records at a Service's own name. A headless Service with nobody to tell of has no name.
fn service_records(data: &Data, name: &Name, service: &Service) -> Option<Vec<Record>> {
    if let Some(target) = external_name(service) {
        let alias = RData::CNAME(CNAME(name_of(&target.to_lowercase())));
        return Some(vec![Record::from_rdata(name.clone(), TTL, alias)]);
    }
    let addresses: BTreeSet<IpAddr> = if is_headless(service) {
        let endpoints = all_endpoints(data, service).into_iter();
        endpoints.map(|endpoint| endpoint.address).collect()
    } else {
        virtual_addresses(service).into_iter().collect()
    };
    let records = addresses
        .iter()
        .map(|address| address_record(name, *address));
    (!addresses.is_empty()).then(|| records.collect())
}
