//! The environment variables of a container.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, Service};
use kube::ResourceExt;

use super::{
    fields::{Facts, field, resource},
    mounts::Objects,
};
use crate::mini::agents::Key;

/// A text with `$(NAME)` replaced by values; `$$` stands for one `$`, and an unknown name for itself.
pub(super) fn expanded(text: &str, values: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) =
            rest.strip_prefix('(').and_then(|rest| rest.split_once(')'))
        {
            match values.get(name) {
                Some(value) => out.push_str(value),
                None => out.push_str(&format!("$({name})")),
            }
            rest = after;
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    out
}

/// What every container in a namespace is told of its Services, as far as they have an address.
fn service_links(
    services: &[std::sync::Arc<Service>],
    links: bool,
    into: &mut BTreeMap<String, String>,
) {
    for service in services {
        let own =
            service.name_any() == "kubernetes" && service.namespace().as_deref() == Some("default");
        let spec = service.spec.as_ref();
        let address = spec.and_then(|spec| spec.cluster_ip.as_deref());
        let address = address.filter(|address| !address.is_empty() && *address != "None");
        let port = spec.and_then(|spec| spec.ports.as_ref()?.first().map(|port| port.port));
        if let (Some(address), Some(port), true) = (address, port, links || own) {
            let name = service.name_any().to_uppercase().replace('-', "_");
            into.insert(format!("{name}_SERVICE_HOST"), address.to_owned());
            into.insert(format!("{name}_SERVICE_PORT"), port.to_string());
        }
    }
}

/// All variables of a container.
///
/// # Errors
/// An object or key that is referred to does not exist; in the words of the container's status.
pub(super) fn environment(
    facts: Facts<'_>,
    container: &Container,
    hostname: &str,
    objects: &Objects,
    services: &[std::sync::Arc<Service>],
) -> Result<BTreeMap<String, String>, String> {
    let namespace = facts.pod.namespace().unwrap_or_default();
    let key = |name: &str| Key::new(&namespace, name);
    let mut all = BTreeMap::new();
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    for (name, value) in [("PATH", path), ("HOME", "/root"), ("HOSTNAME", hostname)] {
        all.insert(name.to_owned(), value.to_owned());
    }
    let links = facts
        .pod
        .spec
        .as_ref()
        .and_then(|spec| spec.enable_service_links)
        != Some(false);
    service_links(services, links, &mut all);
    for source in container.env_from.iter().flatten() {
        let prefix = source.prefix.clone().unwrap_or_default();
        if let Some(source) = &source.config_map_ref {
            match objects.config_maps.get(&key(&source.name)) {
                Some(found) => {
                    let data = found.data.iter().flatten();
                    all.extend(
                        data.map(|(name, value)| (format!("{prefix}{name}"), value.clone())),
                    );
                }
                None if source.optional == Some(true) => {}
                None => return Err(format!("configmap \"{}\" not found", source.name)),
            }
        }
        if let Some(source) = &source.secret_ref {
            match objects.secrets.get(&key(&source.name)) {
                Some(found) => {
                    let data = found.data.iter().flatten();
                    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    all.extend(
                        data.map(|(name, value)| (format!("{prefix}{name}"), text(&value.0))),
                    );
                }
                None if source.optional == Some(true) => {}
                None => return Err(format!("secret \"{}\" not found", source.name)),
            }
        }
    }
    for variable in container.env.iter().flatten() {
        let value = match (&variable.value, &variable.value_from) {
            (Some(value), _) => Some(expanded(value, &all)),
            (None, None) => Some(String::new()),
            (None, Some(from)) => {
                if let Some(selector) = &from.field_ref {
                    field(facts, &selector.field_path)
                } else if let Some(selector) = &from.resource_field_ref {
                    resource(container, selector)
                } else if let Some(selector) = &from.config_map_key_ref {
                    let found = objects.config_maps.get(&key(&selector.name));
                    let value = found
                        .as_ref()
                        .and_then(|found| found.data.as_ref()?.get(&selector.key).cloned());
                    let optional = selector.optional == Some(true);
                    match (found, value) {
                        (_, Some(value)) => Some(value),
                        _ if optional => None,
                        (None, _) => {
                            return Err(format!("configmap \"{}\" not found", selector.name));
                        }
                        (Some(_), None) => {
                            let (key, name) = (&selector.key, &selector.name);
                            return Err(format!(
                                "couldn't find key {key} in ConfigMap {namespace}/{name}"
                            ));
                        }
                    }
                } else if let Some(selector) = &from.secret_key_ref {
                    let found = objects.secrets.get(&key(&selector.name));
                    let value = found
                        .as_ref()
                        .and_then(|found| found.data.as_ref()?.get(&selector.key).cloned());
                    let optional = selector.optional == Some(true);
                    match (found, value) {
                        (_, Some(value)) => Some(String::from_utf8_lossy(&value.0).into_owned()),
                        _ if optional => None,
                        (None, _) => return Err(format!("secret \"{}\" not found", selector.name)),
                        (Some(_), None) => {
                            let (key, name) = (&selector.key, &selector.name);
                            return Err(format!(
                                "couldn't find key {key} in Secret {namespace}/{name}"
                            ));
                        }
                    }
                } else {
                    None
                }
            }
        };
        if let Some(value) = value {
            all.insert(variable.name.clone(), value);
        }
    }
    Ok(all)
}
