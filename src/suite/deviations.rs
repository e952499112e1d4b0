//! What a custom resource cannot do that the built-in kind does: rows that are not looked for under `stsspec.dev/v1`.
//!
//! The list is `fixtures/deviations.yaml`. A row on it is declared: it is skipped with its reason and counted.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::{cluster::Target, manifest, report::Scenario};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deviation {
    behaviour: String,
    /// Only the scenario of this name shows it.
    #[serde(default)]
    scenario: Option<String>,
    reason: String,
}

/// Why the scenario is not run under that target, if it is not.
pub(super) fn of(scenario: &Scenario, target: &Target) -> Option<String> {
    let found = embedded().iter().find(|entry| {
        let is_named = |name: &String| *name == scenario.name;
        scenario.behaviours.contains(&entry.behaviour)
            && entry.scenario.as_ref().is_none_or(is_named)
    });
    let found = found.filter(|_| target.is_custom())?;
    Some(format!(
        "{} is not promised under {target}: {}",
        found.behaviour, found.reason
    ))
}

/// Whether a behaviour is declared not to hold under a custom target.
pub(super) fn is_declared(behaviour: &str) -> bool {
    let mut entries = embedded().iter();
    entries.any(|entry| entry.behaviour == behaviour && entry.scenario.is_none())
}

fn embedded() -> &'static [Deviation] {
    static EMBEDDED: LazyLock<Vec<Deviation>> = LazyLock::new(|| {
        let text = include_str!("../../fixtures/deviations.yaml");
        manifest::read("fixtures/deviations.yaml", text)
            .expect("the list that was compiled in can be read: its test says so")
    });
    &EMBEDDED
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory;

    #[test]
    fn every_entry_names_a_behaviour_and_says_why() {
        for entry in embedded() {
            let is_known = inventory::embedded().behaviour(&entry.behaviour).is_some();
            assert!(is_known && !entry.reason.is_empty(), "{entry:?}");
        }
    }

    #[test]
    fn only_a_custom_kind_deviates() {
        let scenario = |name: &str, behaviour: &str| Scenario {
            name: name.to_owned(),
            behaviours: vec![behaviour.to_owned()],
            ..Scenario::unknown()
        };
        let custom = Target::stsspec_v1();
        let table = scenario("any", "api-table");
        assert!(of(&table, &custom).is_some());
        assert!(of(&table, &Target::apps_v1()).is_none());
        assert!(of(&scenario("A strategic merge patch", "api-crud"), &custom).is_some());
        assert!(of(&scenario("A merge patch", "api-crud"), &custom).is_none());
        assert!(is_declared("api-table") && !is_declared("api-crud"));
    }
}
