//! ConfigMaps, Secrets, namespaces, nodes, quotas, leases, disruption budgets.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    field::{Faults, Field},
    go, metadata, names, resources, scheduling, selector,
    stateful_set::{at_most_all, count_or_percent},
};
use crate::mini::api::Cause;

const DATA_MOST_BYTES: usize = 1024 * 1024;

/// How many bytes a base64 text stands for.
fn decoded_bytes(text: &str) -> usize {
    text.trim_end_matches('=').len() * 3 / 4
}

fn keys(data: &Field<'_>, faults: &mut Faults) {
    for (key, value) in data.entries() {
        for text in names::config_key(key) {
            faults.invalid_value(&value, key, text);
        }
    }
}

/// The contents of a ConfigMap.
pub(super) fn config_map(object: &Field<'_>, faults: &mut Faults) {
    let (data, binary) = (object.get("data"), object.get("binaryData"));
    for (key, value) in data.entries() {
        for text in names::config_key(key) {
            faults.invalid_value(&value, key, text);
        }
        if binary.get(key).is_set() {
            faults.invalid_value(&value, key, "duplicate of key present in binaryData");
        }
    }
    keys(&binary, faults);
    let texts: usize = data.entries().map(|(_, value)| value.text().len()).sum();
    let bytes: usize = binary
        .entries()
        .map(|(_, value)| decoded_bytes(value.text()))
        .sum();
    if texts + bytes > DATA_MOST_BYTES {
        faults.0.push(Cause::too_long("", DATA_MOST_BYTES));
    }
}

/// The contents of a Secret.
pub(super) fn secret(secret: &Field<'_>, faults: &mut Faults) {
    let data = secret.get("data");
    keys(&data, faults);
    let bytes: usize = data
        .entries()
        .map(|(_, value)| decoded_bytes(value.text()))
        .sum();
    if bytes > DATA_MOST_BYTES {
        faults.0.push(Cause::too_long("data", DATA_MOST_BYTES));
    }
    let needed: &[&str] = match secret.get("type").text() {
        "kubernetes.io/service-account-token" => {
            let annotation = "kubernetes.io/service-account.name";
            let name = secret.get("metadata").get("annotations").key(annotation);
            if name.text().is_empty() {
                faults.required(&name, "");
            }
            &[]
        }
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/basic-auth"
            if ["username", "password"]
                .iter()
                .any(|key| data.get(key).is_set()) =>
        {
            &[]
        }
        "kubernetes.io/basic-auth" => &["username", "password"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        _ => &[],
    };
    for key in needed {
        if !data.get(key).is_set() {
            faults.required(&data.key(key), "");
        }
    }
}

/// An immutable ConfigMap or Secret stays as it is, and immutable.
pub(super) fn frozen(old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    if !old.get("immutable").is_true() {
        return;
    }
    const TEXT: &str = "field is immutable when `immutable` is set";
    if !new.get("immutable").is_true() {
        faults.forbidden(&new.get("immutable"), TEXT);
    }
    for field in ["data", "binaryData"] {
        let same = match (old.get(field).len(), new.get(field).len()) {
            (0, 0) => true,
            _ => old.get(field).value == new.get(field).value,
        };
        if !same {
            faults.forbidden(&new.get(field), TEXT);
        }
    }
}

/// A changed status of a namespace.
pub(super) fn namespace_status(old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    metadata::update("Namespace", old, new, faults);
    let phase = new.get("status").get("phase");
    let field = new.get("status").at("Phase", phase.value);
    let (wanted, deleted) = match new.get("metadata").get("deletionTimestamp").is_set() {
        false => ("Active", "empty"),
        true => ("Terminating", "not empty"),
    };
    if !phase.is(wanted) {
        let text = format!("may only be '{wanted}' if `deletionTimestamp` is {deleted}");
        faults.invalid_value(&field, phase.text(), text);
    }
}

/// A node's taints and resources.
pub(super) fn node(node: &Field<'_>, faults: &mut Faults) {
    let taints = node.get("spec").get("taints");
    scheduling::taints(&node.get("metadata").at("taints", taints.value), faults);
    for list in ["capacity", "allocatable"] {
        let list = node.get("status").get(list);
        for (name, amount) in list.entries() {
            resources::amount(name, &list.get(name), faults);
            debug_assert_eq!(list.get(name).value, amount.value);
        }
    }
}

/// A changed node: what was assigned to it stays.
pub(super) fn update_node(old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    metadata::update("Node", old, new, faults);
    let mut seen = BTreeSet::new();
    for address in new.get("status").get("addresses").items() {
        let pair = (address.get("type").text(), address.get("address").text());
        if !seen.insert(pair) {
            faults.0.push(Cause {
                reason: "FieldValueDuplicate",
                field: address.path,
                message: format!(
                    "Duplicate value: {}",
                    go::print("NodeAddress", address.value)
                ),
            });
        }
    }
    let (before, after) = (old.get("spec"), new.get("spec"));
    let (ranges, now) = (before.get("podCIDRs"), after.get("podCIDRs"));
    if ranges.len() > 0 && ranges.value != now.value {
        let text = "node updates may not change podCIDR except from \"\" to valid";
        faults.forbidden(&now, text);
    }
    let (id, now) = (before.get("providerID"), after.get("providerID"));
    match (id.text(), now.text()) {
        ("", _) => {}
        (_, "") => faults.invalid_as(&now, "null", "field cannot be cleared once set"),
        (was, is) if was != is => {
            faults.invalid_as(&now, "null", "field cannot be modified once set");
        }
        _ => {}
    }
    node(new, faults);
}

/// A quota's limits.
pub(super) fn quota(quota: &Field<'_>, faults: &mut Faults) {
    resources::quota(&quota.get("spec").get("hard"), faults);
}

/// A changed quota.
pub(super) fn update_quota(old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    metadata::update("ResourceQuota", old, new, faults);
    quota(new, faults);
    let set = |quota: &Field<'_>| -> BTreeSet<String> {
        let scopes = quota.get("spec").get("scopes");
        scopes
            .items()
            .map(|scope| scope.text().to_owned())
            .collect()
    };
    if set(old) != set(new) {
        faults.invalid(&new.get("spec").get("scopes"), "field is immutable");
    }
}

/// A changed status of a quota.
pub(super) fn quota_status(old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    metadata::update("ResourceQuota", old, new, faults);
    for list in ["hard", "used"] {
        resources::quota(&new.get("status").get(list), faults);
    }
}

/// A lease's spec.
pub(super) fn lease(lease: &Field<'_>, faults: &mut Faults) {
    let spec = lease.get("spec");
    let (seconds, transitions) = (
        spec.get("leaseDurationSeconds"),
        spec.get("leaseTransitions"),
    );
    if seconds.is_set() && seconds.number() <= 0 {
        faults.invalid(&seconds, "must be greater than 0");
    }
    faults.not_negative(&transitions);
}

/// A disruption budget's spec.
pub(super) fn budget(budget: &Field<'_>, faults: &mut Faults) {
    let spec = budget.get("spec");
    let bounds = ["minAvailable", "maxUnavailable"].map(|field| spec.get(field));
    if bounds.iter().all(Field::is_set) {
        let text = "minAvailable and maxUnavailable cannot be both set";
        faults.invalid_as(&spec, &go::budget(spec.value), text);
    }
    for bound in bounds.iter().filter(|bound| bound.is_set()) {
        count_or_percent(bound, faults);
        at_most_all(bound, faults);
    }
    selector::selector(&spec.get("selector"), faults);
    let policy = spec.get("unhealthyPodEvictionPolicy");
    if policy.is_set() {
        faults.one_of(&policy, &["AlwaysAllow", "IfHealthyBudget"]);
    }
}

/// The counters of a disruption budget's status.
pub(super) fn budget_status(old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    metadata::update("policy/PodDisruptionBudget", old, new, faults);
    for field in [
        "disruptionsAllowed",
        "currentHealthy",
        "desiredHealthy",
        "expectedPods",
    ] {
        faults.not_negative(&new.get("status").get(field));
    }
}

/// Where a pod is bound to.
pub(super) fn binding(binding: &Value, faults: &mut Faults) {
    let target = Field::root(binding).get("target");
    let (kind, name) = (target.get("kind"), target.get("name"));
    if !matches!(kind.text(), "" | "Node") {
        faults.one_of(&kind, &["Node", "<empty>"]);
    }
    match name.text() {
        "" => faults.required(&name, ""),
        text if matches!(kind.text(), "" | "Node") => {
            faults.each(&name, names::dns_subdomain(text));
        }
        _ => {}
    }
}
