//! What a run may lack without being less of a run: two lists in `fixtures`, each entry with its reason.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use crate::manifest;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vacuous {
    invariant: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Skip {
    tier: String,
    behaviour: String,
    reason: String,
}

/// Both lists.
#[derive(Debug, Default)]
pub(super) struct Excused {
    /// Reasons by invariant.
    pub(super) vacuous: BTreeMap<String, String>,
    /// Reasons by tier and behaviour.
    pub(super) skips: BTreeMap<(String, String), String>,
}

/// The lists that are compiled in.
pub(super) fn embedded() -> &'static Excused {
    static EMBEDDED: LazyLock<Excused> = LazyLock::new(|| {
        let vacuous = include_str!("../../fixtures/expected-vacuous.yaml");
        let skips = include_str!("../../fixtures/expected-skips.yaml");
        read(vacuous, skips)
            .expect("the lists that were compiled in can be read: their test says so")
    });
    &EMBEDDED
}

fn read(vacuous: &str, skips: &str) -> Result<Excused, manifest::Error> {
    let vacuous: Vec<Vacuous> = manifest::read("fixtures/expected-vacuous.yaml", vacuous)?;
    let skips: Vec<Skip> = manifest::read("fixtures/expected-skips.yaml", skips)?;
    Ok(Excused {
        vacuous: vacuous
            .into_iter()
            .map(|entry| (entry.invariant, entry.reason))
            .collect(),
        skips: skips
            .into_iter()
            .map(|entry| ((entry.tier, entry.behaviour), entry.reason))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory;

    #[test]
    fn every_entry_names_what_there_is_and_says_why() {
        let (excused, inventory) = (embedded(), inventory::embedded());
        for (id, reason) in &excused.vacuous {
            assert!(
                inventory.invariant(id).is_some() && !reason.is_empty(),
                "{id}: {reason}"
            );
        }
        for ((tier, id), reason) in &excused.skips {
            assert!(
                inventory.behaviour(id).is_some() && !reason.is_empty() && tier == "embedded",
                "{id}: {reason}"
            );
        }
    }
}
