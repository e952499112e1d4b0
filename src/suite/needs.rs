//! What a scenario needs, and whether a cluster offers it.

use std::collections::BTreeMap;

use crate::{
    cluster::{Capabilities, Need},
    inventory::{Behaviour, Inventory, Minor},
    report::Scenario,
};

/// Why the scenario cannot run on such a cluster, if it cannot.
pub(super) fn unmet(
    scenario: &Scenario,
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
    let mut missing: BTreeMap<Need, &Behaviour> = BTreeMap::new();
    for row in rows() {
        for need in row
            .needs
            .iter()
            .filter(|need| !cluster.offers.contains(need))
        {
            missing.entry(*need).or_insert(row);
        }
    }
    let all: Vec<String> = missing
        .iter()
        .map(|(need, row)| format!("{need} (for {})", row.id))
        .collect();
    (!all.is_empty()).then(|| format!("needs what the cluster does not offer: {}", all.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cluster::embedded::capabilities, inventory};

    fn of(behaviours: &[&str], cluster: &Capabilities) -> Option<String> {
        let behaviours = behaviours.iter().map(ToString::to_string).collect();
        unmet(
            &Scenario {
                behaviours,
                ..Scenario::unknown()
            },
            inventory::embedded(),
            cluster,
        )
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
    fn a_behaviour_of_another_version_is_not_looked_for() {
        let reason = of(&["ord-gated-available"], &capabilities((1, 24)));
        assert_eq!(
            reason.as_deref(),
            Some("ord-gated-available does not hold in Kubernetes 1.24")
        );
    }
}
