//! What a scenario needs, and whether a cluster offers it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    cluster::{Capabilities, Need, gates_of},
    inventory::{Behaviour, Inventory, Minor, Party},
    report::Scenario,
    suite::plan::Planned,
};

/// Why the scenario cannot run on such a cluster, if it cannot.
pub(super) fn unmet(
    planned: &Planned,
    inventory: &Inventory,
    cluster: &Capabilities,
) -> Option<String> {
    let texts = planned.steps.iter().map(|step| step.text.as_str());
    unmet_by(&planned.scenario, texts, inventory, cluster)
}

/// The right that a sentence takes, whatever it is about.
fn implied(sentence: &str) -> Option<&'static str> {
    match sentence {
        text if text.contains("the other namespace")
            || (text.contains("a revision of ") && text.contains(" holds ")) =>
        {
            Some("create namespaces")
        }
        text if text.contains("readiness of ") || text.contains(" is held at pod ") => {
            Some("patch pods/status")
        }
        _ => None,
    }
}

/// What a sentence needs of the cluster, whatever it is about.
fn needed(sentence: &str) -> Option<Need> {
    ["the controller's next ", "the controller is "]
        .iter()
        .any(|words| sentence.contains(words))
        .then_some(Need::Faults)
}

fn unmet_by<'a>(
    scenario: &Scenario,
    sentences: impl Iterator<Item = &'a str> + Clone,
    inventory: &Inventory,
    cluster: &Capabilities,
) -> Option<String> {
    let rows = || {
        scenario
            .behaviours
            .iter()
            .filter_map(|id| inventory.behaviour(id))
    };
    let version = Minor(cluster.version.0, cluster.version.1);
    if let Some(row) = rows().find(|row| !row.holds_in(version)) {
        return Some(format!(
            "{} does not hold in Kubernetes {}",
            row.id,
            String::from(version)
        ));
    }
    if let Some((row, gate)) = rows().find_map(|row| Some((row, ungated(row, &cluster.gates)?))) {
        return Some(format!("{} holds only {gate}", row.id));
    }
    let mut rights: Vec<&str> = sentences.clone().filter_map(implied).collect();
    rights.extend(rows().flat_map(|row| row.rights.iter().map(String::as_str)));
    let mut denied = rights
        .iter()
        .filter_map(|right| Some((right, cluster.denied.get(*right)?)));
    if let Some((right, why)) = denied.next() {
        return Some(format!("needs the right to {right}: {why}"));
    }
    let mut missing: BTreeMap<Need, &str> = BTreeMap::new();
    for row in rows() {
        for need in row
            .needs
            .iter()
            .filter(|need| !cluster.offers.contains(need))
        {
            missing.entry(*need).or_insert(&row.id);
        }
    }
    for need in sentences
        .filter_map(needed)
        .filter(|need| !cluster.offers.contains(need))
    {
        missing.entry(need).or_insert("one of its steps");
    }
    let all: Vec<String> = missing
        .iter()
        .map(|(need, whose)| match cluster.lacks.get(need) {
            Some(why) => format!("{need} (for {whose}; {why})"),
            None => format!("{need} (for {whose})"),
        })
        .collect();
    (!all.is_empty()).then(|| format!("needs what the cluster does not offer: {}", all.join(", ")))
}

/// The gate that is not as a row needs it, in words.
fn ungated(row: &Behaviour, on: &BTreeSet<String>) -> Option<String> {
    let gate = row.gate.as_deref()?;
    match gate.strip_prefix('!') {
        Some(gate) => on
            .contains(gate)
            .then(|| format!("without the feature gate {gate}")),
        None => (!on.contains(gate)).then(|| format!("with the feature gate {gate}")),
    }
}

/// The version and the gates that suit a scenario best, where they can be chosen for each: the gates that its rows name
/// are as they need them, and where only rows of the API server have ended its version is the last one with them.
pub(super) fn suited(
    scenario: &Scenario,
    inventory: &Inventory,
    newest: (u16, u16),
) -> ((u16, u16), BTreeSet<String>) {
    let ids = scenario.behaviours.iter();
    let rows: Vec<&Behaviour> = ids.filter_map(|id| inventory.behaviour(id)).collect();
    let ended = rows
        .iter()
        .filter(|row| !row.holds_in(Minor(newest.0, newest.1)) && row.until.is_some());
    let of_server = ended.clone().all(|row| row.party == Party::Apiserver);
    let last = ended.filter_map(|row| row.until).min();
    let version = match last {
        Some(Minor(major, minor)) if of_server => (major, minor),
        _ => newest,
    };
    let mut gates = gates_of(version);
    for gate in rows.iter().filter_map(|row| row.gate.as_deref()) {
        match gate.strip_prefix('!') {
            Some(gate) => drop(gates.remove(gate)),
            None => drop(gates.insert(gate.to_owned())),
        }
    }
    (version, gates)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cluster::embedded::capabilities, inventory};

    fn of(behaviours: &[&str], cluster: &Capabilities) -> Option<String> {
        let none = std::iter::empty();
        unmet_by(&scenario(behaviours), none, inventory::embedded(), cluster)
    }

    #[test]
    fn a_scenario_needs_what_its_behaviours_need() {
        let mut cluster = capabilities((1, 37));
        assert_eq!(
            of(
                &["ord-init-not-done-halts", "ord-create-ascending"],
                &cluster
            ),
            None
        );
        cluster.offers.remove(&Need::Kubelet);
        let reason = of(
            &["ord-init-not-done-halts", "ord-create-ascending"],
            &cluster,
        );
        assert_eq!(
            reason.as_deref(),
            Some("needs what the cluster does not offer: kubelet (for ord-init-not-done-halts)")
        );
        assert_eq!(of(&["ord-create-ascending"], &cluster), None);
    }

    #[test]
    fn a_right_that_is_missing_is_named_whether_a_row_or_a_sentence_takes_it() {
        let mut cluster = capabilities((1, 37));
        let because = |right: &str| (right.to_owned(), "of the Role".to_owned());
        cluster.denied = [because("create namespaces"), because("patch pods/status")].into();
        assert_eq!(
            of(&["id-namespaces-isolated"], &cluster).as_deref(),
            Some("needs the right to create namespaces: of the Role")
        );
        assert_eq!(of(&["ord-create-ascending"], &cluster), None);
        let sentence = ["Given readiness of pod \"web-1\" is withheld"];
        let reason = unmet_by(
            &scenario(&["ord-create-ascending"]),
            sentence.into_iter(),
            inventory::embedded(),
            &cluster,
        );
        assert_eq!(
            reason.as_deref(),
            Some("needs the right to patch pods/status: of the Role")
        );
    }

    #[test]
    fn why_a_need_is_not_met_is_told_where_it_is_known() {
        let mut cluster = capabilities((1, 37));
        cluster.offers.remove(&Need::Kubelet);
        cluster
            .lacks
            .insert(Need::Kubelet, "no node is Ready".to_owned());
        let reason = of(&["ord-init-not-done-halts"], &cluster);
        assert!(reason.is_some_and(|reason| {
            reason.ends_with("kubelet (for ord-init-not-done-halts; no node is Ready)")
        }));
    }

    #[test]
    fn a_behaviour_of_another_version_is_not_looked_for() {
        let reason = of(&["ord-gated-available"], &capabilities((1, 24)));
        assert_eq!(
            reason.as_deref(),
            Some("ord-gated-available does not hold in Kubernetes 1.24")
        );
    }

    fn scenario(behaviours: &[&str]) -> Scenario {
        Scenario {
            behaviours: behaviours.iter().map(ToString::to_string).collect(),
            ..Scenario::unknown()
        }
    }

    #[test]
    fn a_scenario_gets_the_gates_that_its_rows_name() {
        let suited = |ids: &[&str]| suited(&scenario(ids), inventory::embedded(), (1, 37));
        let (version, gates) = suited(&["ord-create-ascending"]);
        assert_eq!((version, gates), ((1, 37), gates_of((1, 37))));
        let (_, gates) = suited(&["maxu-gate-off-dropped"]);
        assert!(!gates.contains("MaxUnavailableStatefulSet"));
        let (version, _) = suited(&["val-immutable-fields", "val-immutable-fields-cause-before"]);
        assert_eq!(version, (1, 36));
    }

    #[test]
    fn a_gate_that_is_not_as_it_must_be_is_named() {
        let cluster = capabilities((1, 37));
        assert_eq!(
            of(&["maxu-gate-off-dropped"], &cluster).as_deref(),
            Some(
                "maxu-gate-off-dropped holds only without the feature gate MaxUnavailableStatefulSet"
            )
        );
        assert_eq!(of(&["maxu-default"], &cluster), None);
    }
}
