//! Addresses and ports of services.

mod update;

use std::{collections::BTreeSet, net::Ipv4Addr};

use serde_json::{Value, json};

use crate::mini::api::{
    Cause, Status, meta, resources,
    store::{Object, Transaction},
};

pub(super) use update::keep;

/// The network of cluster IPs.
const NETWORK: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 0);
const PREFIX_BITS: u32 = 16;
/// Addresses below this offset are left to those who ask for them.
const RESERVED: u32 = 256;
const NODE_PORTS: std::ops::RangeInclusive<i64> = 30_000..=32_767;

/// Gives a service the addresses and node ports it needs and has not yet.
///
/// # Errors
///
/// 422 for an address or a port that is taken or out of range.
pub(super) fn allocate(tx: &mut Transaction<'_>, service: &mut Value) -> Result<(), Status> {
    if service["spec"]["type"] == "ExternalName" {
        return Ok(());
    }
    let others = others(tx, service);
    addresses(tx, &others, service)?;
    families(service);
    node_ports(&others, service)
}

fn others(tx: &Transaction<'_>, service: &Value) -> Vec<Object> {
    let mut services = tx.list(resources::named("", "services"), None);
    services.retain(|other| {
        meta::text(other, "name") != meta::text(service, "name")
            || meta::text(other, "namespace") != meta::text(service, "namespace")
    });
    services
}

fn addresses(
    tx: &mut Transaction<'_>,
    others: &[Object],
    service: &mut Value,
) -> Result<(), Status> {
    let taken: BTreeSet<&str> = others
        .iter()
        .map(|other| meta::at(other, "/spec/clusterIP"))
        .collect();
    let listed = meta::at(service, "/spec/clusterIPs/0");
    let address = match meta::at(service, "/spec/clusterIP") {
        "" => listed,
        address => address,
    };
    let address = match address {
        "" => {
            let hosts = (1 << (32 - PREFIX_BITS)) - 1;
            loop {
                let offset = RESERVED + (tx.random().number() % u64::from(hosts - RESERVED)) as u32;
                let address = Ipv4Addr::from(u32::from(NETWORK) + offset).to_string();
                if !taken.contains(address.as_str()) {
                    break address;
                }
            }
        }
        "None" => "None".to_owned(),
        address => {
            fault(address, &taken).map_or(Ok(()), |why| {
                let text = format!("failed to allocate IP {address}: {why}");
                let cause = Cause::invalid("spec.clusterIPs", &json!([address]), text);
                let name = meta::text(service, "name");
                Err(Status::invalid("", "Service", name, &[cause]))
            })?;
            address.to_owned()
        }
    };
    if service["spec"]["clusterIPs"]
        .as_array()
        .is_none_or(Vec::is_empty)
    {
        service["spec"]["clusterIPs"] = json!([address]);
    }
    if meta::at(service, "/spec/clusterIP").is_empty() {
        service["spec"]["clusterIP"] = address.into();
    }
    Ok(())
}

/// Why an address cannot be had. What is no address at all is left to validation.
fn fault(address: &str, taken: &BTreeSet<&str>) -> Option<String> {
    let number: Ipv4Addr = address.parse().ok()?;
    let inside =
        u32::from(number) >> (32 - PREFIX_BITS) == u32::from(NETWORK) >> (32 - PREFIX_BITS);
    if !inside {
        return Some("the provided network does not match the current range".to_owned());
    }
    taken
        .contains(address)
        .then(|| "provided IP is already allocated".to_owned())
}

fn families(service: &mut Value) {
    let selector = service["spec"]["selector"].as_object();
    let alone = service["spec"]["clusterIP"] == "None" && selector.is_none_or(|it| it.is_empty());
    let (families, policy) = match alone {
        true => (json!(["IPv4", "IPv6"]), "RequireDualStack"),
        false => (json!(["IPv4"]), "SingleStack"),
    };
    let spec = &mut service["spec"];
    if spec["ipFamilyPolicy"].is_null() {
        spec["ipFamilyPolicy"] = policy.into();
    }
    if spec["ipFamilies"].is_null() {
        spec["ipFamilies"] = families;
    }
}

fn wants_node_ports(spec: &Value) -> bool {
    spec["type"] == "NodePort"
        || (spec["type"] == "LoadBalancer" && spec["allocateLoadBalancerNodePorts"] != false)
}

fn node_ports(others: &[Object], service: &mut Value) -> Result<(), Status> {
    if !wants_node_ports(&service["spec"]) {
        return Ok(());
    }
    let ports = |service: &Value| {
        let ports = service["spec"]["ports"].as_array().cloned();
        ports.unwrap_or_default()
    };
    let number = |port: &Value| port["nodePort"].as_i64().filter(|number| *number != 0);
    let mut taken: BTreeSet<i64> = others
        .iter()
        .flat_map(|other| ports(other))
        .filter_map(|port| number(&port))
        .collect();
    let name = meta::text(service, "name").to_owned();
    let mut all = ports(service);
    for (at, port) in all.iter().enumerate() {
        let Some(asked) = number(port) else { continue };
        let why = match (NODE_PORTS.contains(&asked), taken.contains(&asked)) {
            (false, _) => {
                "provided port is not in the valid range. The range of valid ports is 30000-32767"
            }
            (true, true) => "provided port is already allocated",
            (true, false) => continue,
        };
        let field = format!("spec.ports[{at}].nodePort");
        let cause = Cause::invalid(field, &asked.into(), why);
        return Err(Status::invalid("", "Service", &name, &[cause]));
    }
    taken.extend(all.iter().filter_map(number));
    for port in all.iter_mut().filter(|port| number(port).is_none()) {
        if let Some(free) = NODE_PORTS.into_iter().find(|free| !taken.contains(free)) {
            taken.insert(free);
            port["nodePort"] = free.into();
        }
    }
    service["spec"]["ports"] = all.into();
    Ok(())
}
