//! What a pod's own fields say to its containers.

use std::{collections::BTreeMap, net::IpAddr};

use k8s_openapi::api::core::v1::{Container, Pod, ResourceFieldSelector};

use crate::mini::agents::network::{CLUSTER_DOMAIN, Site};

/// What is known when a container starts.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    pub pod: &'a Pod,
    pub site: &'a Site,
    pub address: IpAddr,
}

/// Labels or annotations as a file shows them: one `key="value"` a line, by key.
fn map_lines(map: Option<&BTreeMap<String, String>>) -> String {
    let lines = map.into_iter().flatten().map(|(key, value)| {
        let value = serde_json::Value::String(value.clone());
        format!("{key}={value}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The value of a field by its path; None where there is no such field.
pub(super) fn field(facts: Facts<'_>, path: &str) -> Option<String> {
    let meta = &facts.pod.metadata;
    let spec = facts.pod.spec.as_ref()?;
    if let Some((map, key)) = path
        .strip_suffix("']")
        .and_then(|path| path.split_once("['"))
    {
        let map = match map {
            "metadata.labels" => meta.labels.as_ref(),
            "metadata.annotations" => meta.annotations.as_ref(),
            _ => return None,
        };
        return Some(
            map.and_then(|map| map.get(key))
                .cloned()
                .unwrap_or_default(),
        );
    }
    match path {
        "metadata.name" => meta.name.clone(),
        "metadata.namespace" => meta.namespace.clone(),
        "metadata.uid" => meta.uid.clone(),
        "metadata.labels" => Some(map_lines(meta.labels.as_ref())),
        "metadata.annotations" => Some(map_lines(meta.annotations.as_ref())),
        "spec.nodeName" => spec.node_name.clone(),
        "spec.serviceAccountName" => spec.service_account_name.clone(),
        "status.podIP" | "status.podIPs" => Some(facts.address.to_string()),
        "status.hostIP" | "status.hostIPs" => Some(facts.site.host.to_string()),
        _ => None,
    }
}

/// A quantity in thousandths.
fn milli(text: &str) -> Option<i128> {
    let split = text
        .find(|char: char| !char.is_ascii_digit() && char != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor: i128 = match unit {
        "" => 1000,
        "m" => 1,
        "k" => 1_000_000,
        "M" => 1_000_000_000,
        "G" => 1_000_000_000_000,
        "Ki" => 1000 << 10,
        "Mi" => 1000 << 20,
        "Gi" => 1000 << 30,
        "Ti" => 1000 << 40,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    Some(digits * factor / scale)
}

/// A container's limit or request, in units of the divisor, rounded up; without one, what the node has.
pub(super) fn resource(container: &Container, selector: &ResourceFieldSelector) -> Option<String> {
    let (list, name) = selector.resource.split_once('.')?;
    let resources = container.resources.as_ref();
    let limits = resources
        .and_then(|resources| resources.limits.as_ref())
        .and_then(|all| all.get(name));
    let requests = resources
        .and_then(|resources| resources.requests.as_ref())
        .and_then(|all| all.get(name));
    let found = if list == "limits" {
        limits
    } else {
        requests.or(limits)
    };
    let whole = match name {
        "cpu" => "4",
        "memory" => "16Gi",
        _ => "0",
    };
    let found = found.map_or(whole, |quantity| quantity.0.as_str());
    let found = milli(if list == "requests" && found == whole {
        "0"
    } else {
        found
    })?;
    let divisor = selector
        .divisor
        .as_ref()
        .and_then(|divisor| milli(&divisor.0));
    let divisor = divisor.filter(|divisor| *divisor > 0).unwrap_or(1000);
    Some(((found + divisor - 1) / divisor).to_string())
}

/// A pod's name for itself: its hostname and, where it has a subdomain, the domain after it.
pub(super) fn host_and_domain(pod: &Pod) -> (String, Option<String>) {
    let spec = pod.spec.as_ref();
    let name = pod.metadata.name.clone().unwrap_or_default();
    if let Some(host) = spec.and_then(|spec| spec.hostname_override.clone()) {
        return (host, None);
    }
    let host = spec
        .and_then(|spec| spec.hostname.clone())
        .filter(|host| !host.is_empty());
    let mut host = host.unwrap_or(name);
    host.truncate(63);
    let host = host.trim_end_matches(['-', '.']).to_owned();
    let subdomain = spec
        .and_then(|spec| spec.subdomain.clone())
        .filter(|one| !one.is_empty());
    let namespace = pod.metadata.namespace.clone().unwrap_or_default();
    let domain = subdomain.map(|subdomain| format!("{subdomain}.{namespace}.svc.{CLUSTER_DOMAIN}"));
    (host, domain)
}

/// What `hostname` prints.
///
/// # Errors
/// The whole name was asked for, and no kernel takes one that long.
pub(super) fn hostname(pod: &Pod) -> Result<String, String> {
    let spec = pod.spec.as_ref();
    let whole = spec.and_then(|spec| spec.set_hostname_as_fqdn) == Some(true);
    let (host, domain) = host_and_domain(pod);
    let Some(domain) = domain.filter(|_| whole) else {
        return Ok(host);
    };
    let full = format!("{host}.{domain}");
    match full.len() {
        0..=64 => Ok(full),
        length => Err(format!(
            "failed to construct FQDN from pod hostname and cluster domain, FQDN {full} is too long (64 characters is \
             the max, {length} characters requested)"
        )),
    }
}

/// `/etc/hosts`.
pub(super) fn hosts(facts: Facts<'_>) -> String {
    let mut text = "# Kubernetes-managed hosts file.\n\
                    127.0.0.1\tlocalhost\n\
                    ::1\tlocalhost ip6-localhost ip6-loopback\n\
                    fe00::0\tip6-localnet\n\
                    fe00::0\tip6-mcastprefix\n\
                    fe00::1\tip6-allnodes\n\
                    fe00::2\tip6-allrouters\n"
        .to_owned();
    let (host, domain) = host_and_domain(facts.pod);
    let names = match domain {
        Some(domain) => format!("{host}.{domain}\t{host}"),
        None => host,
    };
    text.push_str(&format!("{}\t{names}\n", facts.address));
    let aliases = facts
        .pod
        .spec
        .as_ref()
        .and_then(|spec| spec.host_aliases.as_ref());
    if let Some(aliases) = aliases.filter(|aliases| !aliases.is_empty()) {
        text.push_str("\n# Entries added by HostAliases.\n");
        for alias in aliases {
            let names = alias.hostnames.clone().unwrap_or_default();
            text.push_str(&format!("{}\t{}\n", alias.ip, names.join("\t")));
        }
    }
    text
}

/// `/etc/resolv.conf`.
pub(super) fn resolv_conf(facts: Facts<'_>) -> String {
    let spec = facts.pod.spec.as_ref();
    let namespace = facts.pod.metadata.namespace.clone().unwrap_or_default();
    let host_network = spec.and_then(|spec| spec.host_network) == Some(true);
    let policy = spec
        .and_then(|spec| spec.dns_policy.as_deref())
        .unwrap_or("ClusterFirst");
    let (mut search, mut servers, mut options) = (Vec::new(), Vec::new(), Vec::new());
    match policy {
        "None" => {}
        "Default" => servers.push("172.18.0.1".to_owned()),
        "ClusterFirst" if host_network => servers.push("172.18.0.1".to_owned()),
        _ => {
            search.push(format!("{namespace}.svc.{CLUSTER_DOMAIN}"));
            search.push(format!("svc.{CLUSTER_DOMAIN}"));
            search.push(CLUSTER_DOMAIN.to_owned());
            servers.push(crate::mini::agents::network::DNS_ADDRESS.to_string());
            options.push("ndots:5".to_owned());
        }
    }
    if let Some(config) = spec.and_then(|spec| spec.dns_config.as_ref()) {
        servers.extend(config.nameservers.clone().unwrap_or_default());
        search.extend(config.searches.clone().unwrap_or_default());
        for option in config.options.iter().flatten() {
            let name = option.name.clone().unwrap_or_default();
            let known = |known: &String| known.split(':').next() != Some(name.as_str());
            options.retain(known);
            options.push(
                option
                    .value
                    .as_ref()
                    .map_or(name.clone(), |value| format!("{name}:{value}")),
            );
        }
    }
    let mut text = String::new();
    if !search.is_empty() {
        text.push_str(&format!("search {}\n", search.join(" ")));
    }
    for server in servers {
        text.push_str(&format!("nameserver {server}\n"));
    }
    if !options.is_empty() {
        text.push_str(&format!("options {}\n", options.join(" ")));
    }
    text
}
