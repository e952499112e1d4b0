//! Tolerations, taints, affinity and spreading.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    field::{Faults, Field},
    go, metadata, names, selector,
};

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

pub(super) fn tolerations(tolerations: &Field<'_>, faults: &mut Faults) {
    for toleration in tolerations.items() {
        let get = |name: &str| toleration.get(name);
        let (key, operator, value, effect) =
            (get("key"), get("operator"), get("value"), get("effect"));
        faults.name(&key, names::label_key);
        if key.text().is_empty() && !operator.is("Exists") {
            let text = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            faults.invalid_value(&operator, operator.text(), text);
        }
        if get("tolerationSeconds").is_set() && !effect.is("NoExecute") {
            let text = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            faults.invalid_value(&effect, effect.text(), text);
        }
        match operator.text() {
            "Equal" | "" => {
                let texts = names::label_value(value.text());
                if !texts.is_empty() {
                    faults.invalid_value(&operator, value.text(), texts.join(";"));
                }
            }
            "Exists" if !value.text().is_empty() => {
                let text = "value must be empty when `operator` is 'Exists'";
                faults.invalid_value(&operator, value.text(), text);
            }
            "Exists" => {}
            _ => faults.one_of(&operator, &["Equal", "Exists"]),
        }
        if !effect.text().is_empty() {
            faults.one_of(&effect, &EFFECTS);
        }
    }
}

/// A node's taints; reported below `metadata`, as servers do.
pub(super) fn taints(taints: &Field<'_>, faults: &mut Faults) {
    let mut seen = BTreeSet::new();
    for taint in taints.items() {
        let (key, value, effect) = (taint.get("key"), taint.get("value"), taint.get("effect"));
        metadata::label_key(&key, key.text(), faults);
        let texts = names::label_value(value.text());
        if !texts.is_empty() {
            faults.invalid(&value, texts.join(";"));
        }
        faults.required_one_of(&effect, &EFFECTS);
        if !seen.insert((key.text(), effect.text())) {
            let printed = go::print("Taint", taint.value);
            faults.0.push(crate::mini::api::Cause {
                reason: "FieldValueDuplicate",
                field: taint.path,
                message: format!(
                    "Duplicate value: {printed}: taints must be unique by key and effect pair"
                ),
            });
        }
    }
}

pub(super) fn affinity(affinity: &Field<'_>, faults: &mut Faults) {
    const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
    const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
    let node = affinity.get("nodeAffinity");
    if node.get(REQUIRED).is_set() {
        node_selector(&node.get(REQUIRED), faults);
    }
    for term in node.get(PREFERRED).items() {
        weight(&term.get("weight"), faults);
        node_term(&term.get("preference"), faults);
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let pods = affinity.get(kind);
        for term in pods.get(REQUIRED).items() {
            pod_term(&term, faults);
        }
        for term in pods.get(PREFERRED).items() {
            weight(&term.get("weight"), faults);
            pod_term(&term.get("podAffinityTerm"), faults);
        }
    }
}

fn weight(weight: &Field<'_>, faults: &mut Faults) {
    if !(1..=100).contains(&weight.number()) {
        faults.invalid_value(weight, weight.number(), "must be in the range 1-100");
    }
}

/// Terms of which one has to hold.
pub(super) fn node_selector(selector: &Field<'_>, faults: &mut Faults) {
    let terms = selector.get("nodeSelectorTerms");
    if terms.len() == 0 {
        faults.required(&terms, "must have at least one node selector term");
    }
    for term in terms.items() {
        node_term(&term, faults);
    }
}

fn node_term(term: &Field<'_>, faults: &mut Faults) {
    for expression in term.get("matchExpressions").items() {
        let (operator, values) = (expression.get("operator"), expression.get("values"));
        match (operator.text(), values.len()) {
            ("In" | "NotIn", 0) => {
                faults.required(
                    &values,
                    "must be specified when `operator` is 'In' or 'NotIn'",
                );
            }
            ("Exists" | "DoesNotExist", 1..) => faults.forbidden(
                &values,
                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
            ),
            ("Gt" | "Lt", 0 | 2..) => faults.required(
                &values,
                "must be specified single value when `operator` is 'Lt' or 'Gt'",
            ),
            ("In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt", _) => {}
            (text, _) => faults.invalid_value(&operator, text, "not a valid selector operator"),
        }
        let key = expression.get("key");
        metadata::label_key(&key, key.text(), faults);
        for value in values.items() {
            faults.each(&value, names::label_value(value.text()));
        }
    }
}

fn pod_term(term: &Field<'_>, faults: &mut Faults) {
    selector::selector(&term.get("labelSelector"), faults);
    selector::selector(&term.get("namespaceSelector"), faults);
    for name in term.get("namespaces").items() {
        let at = term.at("namespace", name.value);
        faults.each(&at, names::dns_label(name.text()));
    }
    let key = term.get("topologyKey");
    if key.text().is_empty() {
        faults.required(&key, "can not be empty");
    }
    metadata::label_key(&key, key.text(), faults);
}

pub(super) fn spread(constraints: &Field<'_>, faults: &mut Faults) {
    let mut seen = BTreeSet::new();
    let all: Vec<_> = constraints.items().collect();
    for (at, constraint) in all.iter().enumerate() {
        let (skew, key) = (constraint.get("maxSkew"), constraint.get("topologyKey"));
        let action = constraint.get("whenUnsatisfiable");
        if skew.number() <= 0 {
            faults.invalid_value(&skew, skew.number(), "must be greater than zero");
        }
        if key.text().is_empty() {
            faults.required(&key, "can not be empty");
        }
        faults.one_of(&action, &["DoNotSchedule", "ScheduleAnyway"]);
        let same = |other: &Field<'_>| {
            other.get("topologyKey").value == key.value
                && other.get("whenUnsatisfiable").value == action.value
        };
        if all[at + 1..].iter().any(same) && seen.insert((key.text(), action.text())) {
            let pair = Value::from(format!("{{{}, {}}}", key.text(), action.text()));
            faults.duplicate(&constraint.at("{topologyKey, whenUnsatisfiable}", &pair));
        }
        domains(&constraint.get("minDomains"), action.text(), faults);
        for field in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            if constraint.get(field).is_set() {
                faults.one_of(&constraint.get(field), &["Honor", "Ignore"]);
            }
        }
        selector::selector(&constraint.get("labelSelector"), faults);
    }
}

fn domains(domains: &Field<'_>, action: &str, faults: &mut Faults) {
    if !domains.is_set() {
        return;
    }
    if domains.number() <= 0 {
        faults.invalid(domains, "must be greater than zero");
    }
    if action != "DoNotSchedule" {
        let text =
            format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
        faults.invalid(domains, text);
    }
}
