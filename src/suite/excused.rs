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
    /// Only where this one is judged.
    #[serde(default)]
    subject: Option<String>,
    behaviour: String,
    reason: String,
}

/// Both lists.
#[derive(Debug, Default)]
pub(super) struct Excused {
    /// Reasons by invariant.
    pub(super) vacuous: BTreeMap<String, String>,
    skips: Vec<Skip>,
}

impl Excused {
    /// Why the behaviour may be skipped on that tier, with that subject, if it may.
    pub(super) fn skip(&self, tier: &str, subject: &str, behaviour: &str) -> Option<&str> {
        let found = self.skips.iter().find(|skip| {
            skip.tier == tier
                && skip.behaviour == behaviour
                && skip.subject.as_deref().is_none_or(|only| only == subject)
        });
        found.map(|skip| skip.reason.as_str())
    }
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
        skips,
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
        for skip in &excused.skips {
            let known = ["embedded", "control-plane", "kind", "context"];
            assert!(
                inventory.behaviour(&skip.behaviour).is_some()
                    && !skip.reason.is_empty()
                    && known.contains(&skip.tier.as_str()),
                "{skip:?}"
            );
        }
    }
}
