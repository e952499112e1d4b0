//! Quotas: what is used, what would be, and the refusal of too much.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::usage::{self, Usage};
use crate::mini::api::{
    Status, meta,
    quantity::{self, Quantity},
    resources::{self, Resource},
    store::Transaction,
};

/// What the quotas of the object's namespace will say once the object is written.
///
/// # Errors
///
/// 403 if one does not allow it.
pub(crate) fn charge(
    tx: &Transaction<'_>,
    resource: &Resource,
    old: Option<&Value>,
    new: &Value,
) -> Result<Vec<Value>, Status> {
    let counted_on_update = matches!(resource.kind, "PersistentVolumeClaim" | "Service");
    if !resource.namespaced || (old.is_some() && !counted_on_update) {
        return Ok(Vec::new());
    }
    let quotas = resources::named("", "resourcequotas");
    let name = meta::text(new, "name");
    let mut charged = Vec::new();
    for quota in tx.list(quotas, Some(meta::text(new, "namespace"))) {
        if !applies(&quota, resource, new) {
            continue;
        }
        let delta = delta(resource, old, new);
        let outcome = judge(&quota, resource, new, &delta);
        let forbidden =
            |why: String| Status::forbidden(resource.group, resource.plural, name, &why);
        if let Some(used) = outcome.map_err(forbidden)? {
            let mut quota = (*quota).clone();
            quota["status"]["used"] = used;
            charged.push(quota);
        }
    }
    Ok(charged)
}

/// Writes what [`charge`] found.
pub(crate) fn settle(tx: &mut Transaction<'_>, quotas: Vec<Value>) {
    for quota in quotas {
        tx.put(resources::named("", "resourcequotas"), quota);
    }
}

/// How much more the object uses than before.
fn delta(resource: &Resource, old: Option<&Value>, new: &Value) -> Usage {
    let mut delta = usage::of(resource, new);
    for (name, before) in old.map(|old| usage::of(resource, old)).unwrap_or_default() {
        let negative = quantity::parse(&format!("-{before}")).unwrap_or(Quantity::ZERO);
        let entry = delta.entry(name).or_insert(Quantity::ZERO);
        *entry = quantity::add(*entry, negative);
    }
    delta.retain(|_, amount| *amount != Quantity::ZERO);
    delta
}

/// The quota's new `status.used`, if it changes, or why the object is too much.
fn judge(
    quota: &Value,
    resource: &Resource,
    object: &Value,
    delta: &Usage,
) -> Result<Option<Value>, String> {
    let name = meta::text(quota, "name");
    let hard = amounts(&quota["status"]["hard"]);
    let mut used = amounts(&quota["status"]["used"]);
    if resource.kind == "Pod" {
        let counted: Vec<&str> = hard.keys().map(String::as_str).collect();
        let unsaid = usage::unsaid(object, &counted);
        if !unsaid.is_empty() {
            return Err(format!(
                "failed quota: {name}: must specify {}",
                unsaid.join("; ")
            ));
        }
    }
    let counted: Usage = delta
        .iter()
        .filter(|(name, _)| hard.contains_key(*name))
        .map(|(name, amount)| (name.clone(), *amount))
        .collect();
    let unknown: Vec<_> = counted
        .keys()
        .filter(|name| !used.contains_key(*name))
        .cloned()
        .collect();
    if !unknown.is_empty() {
        return Err(format!(
            "status unknown for quota: {name}, resources: {}",
            unknown.join(",")
        ));
    }
    let mut exceeded = Usage::new();
    let before = used.clone();
    for (name, amount) in &counted {
        let now = used.get(name).copied().unwrap_or(Quantity::ZERO);
        let then = quantity::add(now, *amount);
        used.insert(name.clone(), then);
        if !amount.is_negative() && hard.get(name).is_some_and(|most| then > *most) {
            exceeded.insert(name.clone(), *amount);
        }
    }
    if exceeded.is_empty() {
        let text: BTreeMap<_, _> = used
            .iter()
            .map(|(name, amount)| (name, amount.to_string()))
            .collect();
        return Ok((!counted.is_empty()).then(|| json!(text)));
    }
    let only = |of: &Usage| {
        let of: Vec<_> = of
            .iter()
            .filter(|(name, _)| exceeded.contains_key(*name))
            .map(|(name, amount)| format!("{name}={amount}"))
            .collect();
        of.join(",")
    };
    Err(format!(
        "exceeded quota: {name}, requested: {}, used: {}, limited: {}",
        only(&counted),
        only(&before),
        only(&hard)
    ))
}

fn amounts(list: &Value) -> Usage {
    let list = list.as_object().into_iter().flatten();
    list.filter_map(|(name, text)| Some((name.clone(), quantity::parse(text.as_str()?).ok()?)))
        .collect()
}

/// The object is within the quota's scopes.
fn applies(quota: &Value, resource: &Resource, object: &Value) -> bool {
    let listed = quota["spec"]["scopes"].as_array().into_iter().flatten();
    let listed = listed.map(|scope| json!({"scopeName": scope, "operator": "Exists"}));
    let selected = quota.pointer("/spec/scopeSelector/matchExpressions");
    let selected = selected
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .cloned();
    listed
        .chain(selected)
        .all(|scope| resource.kind == "Pod" && in_scope(&scope, object))
}

fn in_scope(scope: &Value, pod: &Value) -> bool {
    let ends = pod["spec"]["activeDeadlineSeconds"].is_number();
    let best_effort = meta::at(pod, "/status/qosClass") == "BestEffort";
    match scope["scopeName"].as_str().unwrap_or_default() {
        "Terminating" => ends,
        "NotTerminating" => !ends,
        "BestEffort" => best_effort,
        "NotBestEffort" => !best_effort,
        "PriorityClass" => {
            let class = Value::from(meta::at(pod, "/spec/priorityClassName"));
            let listed = scope["values"]
                .as_array()
                .is_some_and(|values| values.contains(&class));
            match scope["operator"].as_str().unwrap_or_default() {
                "In" => listed,
                "NotIn" => !listed,
                "DoesNotExist" => class == "",
                _ => class != "",
            }
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mini::api::resources::named;

    fn quota(hard: Value, used: Value) -> Value {
        json!({"metadata": {"name": "small"}, "status": {"hard": hard, "used": used}})
    }

    fn pod() -> Value {
        json!({"metadata": {"name": "web-1"}, "spec": {"containers": [
            {"name": "c", "resources": {"requests": {"cpu": "500m"}}},
        ]}})
    }

    fn judged(quota: &Value) -> Result<Option<Value>, String> {
        let pods = named("", "pods");
        judge(quota, pods, &pod(), &delta(pods, None, &pod()))
    }

    #[test]
    fn a_quota_counts_what_it_limits() {
        let quota = quota(
            json!({"pods": "2", "cpu": "1"}),
            json!({"pods": "1", "cpu": "300m"}),
        );
        assert_eq!(
            judged(&quota),
            Ok(Some(json!({"pods": "2", "cpu": "800m"})))
        );
    }

    #[test]
    fn too_much_is_refused_with_the_figures() {
        let quota = quota(
            json!({"pods": "2", "cpu": "1"}),
            json!({"pods": "2", "cpu": "0"}),
        );
        assert_eq!(
            judged(&quota).unwrap_err(),
            "exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2"
        );
    }

    #[test]
    fn a_pod_must_say_what_a_quota_counts() {
        let quota = quota(
            json!({"limits.memory": "1Gi"}),
            json!({"limits.memory": "0"}),
        );
        assert_eq!(
            judged(&quota).unwrap_err(),
            "failed quota: small: must specify limits.memory for: c"
        );
    }
}
