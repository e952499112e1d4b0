//! Where a pod wants to be: which nodes, near or far from which pods, spread over what.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, Pod, PodAffinityTerm, PodSpec,
    TopologySpreadConstraint,
};

use super::fit::{Misfit, Snapshot, pods_on};
use crate::{mini::agents::selects, sets};

type Labels = BTreeMap<String, String>;

fn labels(object: &impl kube::ResourceExt) -> &Labels {
    object.labels()
}

/// Whether the node has the labels that the pod's selector and required affinity ask for.
pub(super) fn node_matches(spec: &PodSpec, node: &Node) -> bool {
    let selector = spec.node_selector.iter().flatten();
    let selected = selector
        .clone()
        .all(|(key, value)| labels(node).get(key) == Some(value));
    let affinity = spec.affinity.as_ref();
    let required = affinity
        .and_then(|affinity| affinity.node_affinity.as_ref())
        .and_then(|affinity| {
            affinity
                .required_during_scheduling_ignored_during_execution
                .as_ref()
        });
    selected && required.is_none_or(|required| selects_node(required, node))
}

/// Whether one of the selector's terms holds for the node. A term without requirements holds for none.
pub(in crate::mini::agents) fn selects_node(selector: &NodeSelector, node: &Node) -> bool {
    selector
        .node_selector_terms
        .iter()
        .any(|term| term_holds(term, node))
}

fn term_holds(term: &NodeSelectorTerm, node: &Node) -> bool {
    let expressions = term.match_expressions.as_deref().unwrap_or_default();
    let fields = term.match_fields.as_deref().unwrap_or_default();
    let label = |key: &str| labels(node).get(key).map(String::as_str);
    let field = |key: &str| match key {
        "metadata.name" => node.metadata.name.as_deref(),
        _ => None,
    };
    !(expressions.is_empty() && fields.is_empty())
        && expressions.iter().all(|rule| holds(rule, label(&rule.key)))
        && fields.iter().all(|rule| holds(rule, field(&rule.key)))
}

fn holds(rule: &NodeSelectorRequirement, actual: Option<&str>) -> bool {
    let values = rule.values.as_deref().unwrap_or_default();
    let among = actual.is_some_and(|actual| values.iter().any(|value| value == actual));
    let numbers = || {
        let bound = values.first()?.parse::<i64>().ok()?;
        Some((actual?.parse::<i64>().ok()?, bound))
    };
    match rule.operator.as_str() {
        "In" => among,
        "NotIn" => !among,
        "Exists" => actual.is_some(),
        "DoesNotExist" => actual.is_none(),
        "Gt" => numbers().is_some_and(|(actual, bound)| actual > bound),
        "Lt" => numbers().is_some_and(|(actual, bound)| actual < bound),
        _ => false,
    }
}

fn domain<'a>(node: &'a Node, key: &str) -> Option<&'a String> {
    labels(node).get(key)
}

/// The hard constraints on how evenly pods spread.
pub(super) fn spread(
    pod: &Pod,
    spec: &PodSpec,
    node: &Node,
    snapshot: &Snapshot,
) -> Result<(), Misfit> {
    let constraints = spec.topology_spread_constraints.iter().flatten();
    for rule in constraints.filter(|rule| rule.when_unsatisfiable == "DoNotSchedule") {
        let Some(here) = domain(node, &rule.topology_key) else {
            return Err(Misfit::for_good(
                "node(s) didn't match pod topology spread constraints (missing required label)",
            ));
        };
        let counts = counts(pod, spec, rule, snapshot);
        let enough = rule
            .min_domains
            .is_none_or(|least| counts.len() >= usize::try_from(least).unwrap_or(0));
        let least = counts
            .values()
            .min()
            .copied()
            .filter(|_| enough)
            .unwrap_or(0);
        let itself = i32::from(selects(rule.label_selector.as_ref(), labels(pod)));
        let there = counts.get(here).copied().unwrap_or(0);
        if there + itself - least > rule.max_skew {
            return Err(Misfit::for_others(
                "node(s) didn't match pod topology spread constraints",
            ));
        }
    }
    Ok(())
}

/// How many pods the constraint counts in each domain that the pod could go to.
fn counts<'a>(
    pod: &Pod,
    spec: &PodSpec,
    rule: &TopologySpreadConstraint,
    snapshot: &'a Snapshot,
) -> BTreeMap<&'a String, i32> {
    let mut counts = BTreeMap::new();
    let honoured = rule.node_affinity_policy.as_deref() != Some("Ignore");
    for node in &snapshot.nodes {
        let Some(domain) = domain(node, &rule.topology_key) else {
            continue;
        };
        if honoured && !node_matches(spec, node) {
            continue;
        }
        let counted = pods_on(node, snapshot).filter(|other| {
            other.metadata.namespace == pod.metadata.namespace
                && !sets::is_terminating(other)
                && selects(rule.label_selector.as_ref(), labels(*other))
        });
        *counts.entry(domain).or_default() += i32::try_from(counted.count()).unwrap_or(i32::MAX);
    }
    counts
}

fn anti(spec: &PodSpec) -> &[PodAffinityTerm] {
    let affinity = spec.affinity.as_ref();
    affinity
        .and_then(|affinity| affinity.pod_anti_affinity.as_ref())
        .and_then(|anti| {
            anti.required_during_scheduling_ignored_during_execution
                .as_deref()
        })
        .unwrap_or_default()
}

fn near(spec: &PodSpec) -> &[PodAffinityTerm] {
    let affinity = spec.affinity.as_ref();
    affinity
        .and_then(|affinity| affinity.pod_affinity.as_ref())
        .and_then(|near| {
            near.required_during_scheduling_ignored_during_execution
                .as_deref()
        })
        .unwrap_or_default()
}

/// Whether a term of `pod` speaks of `other`. A selector of namespaces is known only as "all".
fn means(term: &PodAffinityTerm, pod: &Pod, other: &Pod) -> bool {
    let named = term.namespaces.as_deref().unwrap_or_default();
    let namespace = other.metadata.namespace.clone().unwrap_or_default();
    let all = term
        .namespace_selector
        .as_ref()
        .is_some_and(|selector| *selector == Default::default());
    let own = named.is_empty()
        && term.namespace_selector.is_none()
        && pod.metadata.namespace == other.metadata.namespace;
    (all || own || named.contains(&namespace))
        && selects(term.label_selector.as_ref(), labels(other))
}

/// The required affinity and anti-affinity between pods, of this pod and of those that are there.
pub(super) fn among_pods(
    pod: &Pod,
    spec: &PodSpec,
    node: &Node,
    snapshot: &Snapshot,
) -> Result<(), Misfit> {
    let placed: Vec<(&Node, &Pod)> = snapshot
        .nodes
        .iter()
        .flat_map(|node| pods_on(node, snapshot).map(move |pod| (&**node, pod)))
        .collect();
    let together = |term: &PodAffinityTerm, other: &Node| {
        let here = domain(node, &term.topology_key);
        here.is_some() && here == domain(other, &term.topology_key)
    };
    let wanted = near(spec);
    let labelled = wanted
        .iter()
        .all(|term| domain(node, &term.topology_key).is_some());
    let found = |term: &PodAffinityTerm| {
        placed
            .iter()
            .any(|(at, other)| means(term, pod, other) && together(term, at))
    };
    // The first of a group that wants to be together has nobody to join.
    let first = wanted.iter().all(|term| {
        means(term, pod, pod) && !placed.iter().any(|(_, other)| means(term, pod, other))
    });
    if !(labelled && (first || wanted.iter().all(found))) {
        return Err(Misfit::for_good("node(s) didn't match pod affinity rules"));
    }
    let shunned = |term: &PodAffinityTerm| {
        placed
            .iter()
            .any(|(at, other)| means(term, pod, other) && together(term, at))
    };
    if anti(spec).iter().any(shunned) {
        return Err(Misfit::for_others(
            "node(s) didn't match pod anti-affinity rules",
        ));
    }
    let shunning = placed.iter().any(|(at, other)| {
        let terms = other.spec.as_ref().map(anti).unwrap_or_default();
        terms
            .iter()
            .any(|term| means(term, other, pod) && together(term, at))
    });
    match shunning {
        true => Err(Misfit::for_others(
            "node(s) didn't satisfy existing pods anti-affinity rules",
        )),
        false => Ok(()),
    }
}
