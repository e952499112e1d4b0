//! The spec of a pod or of a template.

use std::collections::BTreeSet;

use super::{
    containers, env,
    field::{Faults, Field},
    metadata, names, scheduling, volumes,
};

/// Whose spec it is: a few rules are only for pods.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Pod,
    Template,
}

/// The spec of a pod or of a template, with its defaults.
pub(super) fn pod_spec(spec: &Field<'_>, owner: Owner, faults: &mut Faults) {
    let grace = spec.get("terminationGracePeriodSeconds");
    if !grace.is_set() {
        faults.required(&grace, "");
    }
    let known = volumes::volumes(&spec.get("volumes"), faults);
    containers::all(spec, &known, faults);
    host_network(spec, owner, faults);
    faults.required_one_of(
        &spec.get("restartPolicy"),
        &["Always", "OnFailure", "Never"],
    );
    let policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    faults.required_one_of(&spec.get("dnsPolicy"), &policies);
    metadata::labels(&spec.get("nodeSelector"), faults);
    security(&spec.get("securityContext"), faults);
    if spec.get("shareProcessNamespace").is_true() && spec.get("hostPID").is_true() {
        let field = spec.get("shareProcessNamespace");
        faults.invalid(
            &field,
            "ShareProcessNamespace and HostPID cannot both be enabled",
        );
    }
    scheduling::affinity(&spec.get("affinity"), faults);
    dns(spec, faults);
    for gate in spec.get("readinessGates").items() {
        let condition = gate.get("conditionType");
        faults.each(&condition, names::label_key(condition.text()));
    }
    scheduling_gates(&spec.get("schedulingGates"), faults);
    scheduling::spread(&spec.get("topologySpreadConstraints"), faults);
    host_name(spec, faults);
    accounts(spec, faults);
    faults.name(&spec.get("nodeName"), names::dns_subdomain);
    deadline(&spec.get("activeDeadlineSeconds"), faults);
    faults.name(&spec.get("hostname"), names::dns_label);
    faults.name(&spec.get("subdomain"), names::dns_label);
    scheduling::tolerations(&spec.get("tolerations"), faults);
    for alias in spec.get("hostAliases").items() {
        let ip = alias.get("ip");
        faults.each(&ip, names::ip(ip.text()));
        for name in alias.get("hostnames").items() {
            faults.each(&name, names::dns_subdomain(name.text()));
        }
    }
    faults.name(&spec.get("priorityClassName"), names::dns_subdomain);
    if spec.get("runtimeClassName").is_set() {
        let name = spec.get("runtimeClassName");
        faults.each(&name, names::dns_subdomain(name.text()));
    }
    if spec.get("preemptionPolicy").is_set() {
        let policies = ["PreemptLowerPriority", "Never"];
        faults.required_one_of(&spec.get("preemptionPolicy"), &policies);
    }
    env::file_volumes(spec, faults);
}

fn host_network(spec: &Field<'_>, owner: Owner, faults: &mut Faults) {
    if !spec.get("hostNetwork").is_true() {
        return;
    }
    for container in spec.get("containers").items() {
        for port in container.get("ports").items() {
            let (host, own) = (port.get("hostPort"), port.get("containerPort").number());
            let given = owner == Owner::Pod || host.number() != 0;
            if given && host.number() != own {
                let text = "must match `containerPort` when `hostNetwork` is true";
                faults.invalid_value(&host, host.number(), text);
            }
        }
    }
}

fn security(context: &Field<'_>, faults: &mut Faults) {
    for field in ["fsGroup", "runAsUser", "runAsGroup"] {
        containers::id(&context.get(field), faults);
    }
    for group in context.get("supplementalGroups").items() {
        containers::id(&group, faults);
    }
}

fn dns(spec: &Field<'_>, faults: &mut Faults) {
    let config = spec.get("dnsConfig");
    let servers = config.get("nameservers");
    if spec.get("dnsPolicy").is("None") {
        if !config.is_set() {
            return faults.required(&config, "must provide `dnsConfig` when `dnsPolicy` is None");
        }
        if servers.len() == 0 {
            let text = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            return faults.required(&servers, text);
        }
    }
    if servers.len() > 3 {
        faults.invalid(&servers, "must not have more than 3 nameservers");
    }
    for server in servers.items() {
        faults.each(&server, names::ip(server.text()));
    }
    let searches = config.get("searches");
    if searches.len() > 32 {
        faults.invalid(&searches, "must not have more than 32 search paths");
    }
    let bytes: usize = searches.items().map(|search| search.text().len() + 1).sum();
    if bytes > 2049 {
        let text = "must not have more than 2048 characters (including spaces) in the search list";
        faults.invalid(&searches, text);
    }
    for option in config.get("options").items() {
        if option.get("name").text().is_empty() {
            faults.required(&option, "must not be empty");
        }
    }
}

fn scheduling_gates(gates: &Field<'_>, faults: &mut Faults) {
    let mut seen = BTreeSet::new();
    for gate in gates.items() {
        let name = gate.get("name").text();
        for text in names::label_key(name) {
            faults.invalid_value(&gate, name, text);
        }
        if !seen.insert(name) {
            let value = name.into();
            faults.duplicate(&Field {
                path: gate.path,
                value: &value,
            });
        }
    }
}

fn host_name(spec: &Field<'_>, faults: &mut Faults) {
    let name = spec.get("hostnameOverride");
    if !name.is_set() {
        return;
    }
    if spec.get("setHostnameAsFQDN").is_true() {
        faults.forbidden(&name, "may not be specified when setHostnameAsFQDN is true");
    }
    if spec.get("hostNetwork").is_true() {
        faults.forbidden(&name, "may not be specified when hostNetwork is true");
    }
    if name.text().len() > 64 {
        faults
            .0
            .push(crate::mini::api::Cause::too_long(&name.path, 64));
    }
    faults.each(&name, names::dns_subdomain(name.text()));
}

fn accounts(spec: &Field<'_>, faults: &mut Faults) {
    let (name, old) = (spec.get("serviceAccountName"), spec.get("serviceAccount"));
    faults.name(&name, names::dns_subdomain);
    if name.text() != old.text() {
        let field = spec.at("deprecatedServiceAccount", old.value);
        let text = format!("must be the same as serviceAccountName: {:?}", name.text());
        faults.invalid_value(&field, old.text(), text);
    }
}

fn deadline(seconds: &Field<'_>, faults: &mut Faults) {
    let most = i64::from(i32::MAX);
    if seconds.is_set() && !(1..=most).contains(&seconds.number()) {
        faults.invalid(seconds, format!("must be between 1 and {most}, inclusive"));
    }
}
