//! What a StatefulSet does, row by row, and what must hold of every history: the inventory and the invariants' statements.
//!
//! Both are files beside the features and are compiled in. `features/behaviours.yaml` and `features/invariants.yaml`
//! say in their heads what each field means; a text with a field, a word or a reference that is not legal is refused.

mod rows;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use crate::manifest;

pub use rows::{
    Behaviour, Check, Invariant, Kind, Level, Minor, Party, Policy, Regressed, Upstream,
};

/// The behaviours and the invariants, in the order of their files.
#[derive(Clone, Debug)]
pub struct Inventory {
    behaviours: Vec<Behaviour>,
    invariants: Vec<Invariant>,
    behaviour_by_id: BTreeMap<String, usize>,
    invariant_by_id: BTreeMap<String, usize>,
}

/// A text that is not an inventory.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not YAML of this form.
    #[error(transparent)]
    Text(#[from] manifest::Error),
    /// A row contradicts itself or another one.
    #[error("{id}: {fault}")]
    Row {
        /// The row's id.
        id: String,
        /// What is wrong with it.
        fault: String,
    },
}

/// The inventory that is compiled in.
///
/// # Panics
///
/// The files that were compiled in are not an inventory: a test holds that they are.
pub fn embedded() -> &'static Inventory {
    static EMBEDDED: LazyLock<Inventory> = LazyLock::new(|| {
        let behaviours = include_str!("../features/behaviours.yaml");
        let invariants = include_str!("../features/invariants.yaml");
        Inventory::read(behaviours, invariants)
            .expect("the inventory that was compiled in is sound: its test says so")
    });
    &EMBEDDED
}

impl Inventory {
    /// Reads both files.
    ///
    /// # Errors
    ///
    /// Text that is not of this form, with its place; or the first row that does not hold together.
    pub fn read(behaviours: &str, invariants: &str) -> Result<Self, Error> {
        let behaviours: Vec<Behaviour> = manifest::read("features/behaviours.yaml", behaviours)?;
        let invariants: Vec<Invariant> = manifest::read("features/invariants.yaml", invariants)?;
        let behaviour_by_id = by_id(behaviours.iter().map(|row| &row.id));
        let invariant_by_id = by_id(invariants.iter().map(|row| &row.id));
        let inventory = Self {
            behaviours,
            invariants,
            behaviour_by_id,
            invariant_by_id,
        };
        match inventory.faults().into_iter().next() {
            Some((id, fault)) => Err(Error::Row { id, fault }),
            None => Ok(inventory),
        }
    }

    /// Every behaviour, chapter by chapter.
    pub fn behaviours(&self) -> &[Behaviour] {
        &self.behaviours
    }

    /// Every invariant.
    pub fn invariants(&self) -> &[Invariant] {
        &self.invariants
    }

    /// The behaviour with an id.
    pub fn behaviour(&self, id: &str) -> Option<&Behaviour> {
        self.behaviour_by_id
            .get(id)
            .map(|place| &self.behaviours[*place])
    }

    /// The invariant with an id.
    pub fn invariant(&self, id: &str) -> Option<&Invariant> {
        self.invariant_by_id
            .get(id)
            .map(|place| &self.invariants[*place])
    }

    /// The invariants that judge a behaviour.
    pub fn judges_of<'a>(&'a self, behaviour: &'a str) -> impl Iterator<Item = &'a Invariant> + 'a {
        self.invariants
            .iter()
            .filter(move |row| row.judges.iter().any(|id| id == behaviour))
    }

    fn faults(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        let mut seen = BTreeSet::new();
        let ids = self
            .behaviours
            .iter()
            .map(|row| &row.id)
            .chain(self.invariants.iter().map(|row| &row.id));
        for id in ids {
            if !seen.insert(id) {
                faults.push((id.clone(), "the id is used twice".to_owned()));
            }
        }
        let mut chapters: Vec<&str> = Vec::new();
        for row in &self.behaviours {
            faults.extend(row.fault().map(|fault| (row.id.clone(), fault)));
            if chapters.last() != Some(&row.chapter.as_str()) {
                if chapters.contains(&row.chapter.as_str()) {
                    faults.push((
                        row.id.clone(),
                        format!("the rows of chapter {} are not together", row.chapter),
                    ));
                }
                chapters.push(&row.chapter);
            }
        }
        for row in &self.invariants {
            faults.extend(row.fault().map(|fault| (row.id.clone(), fault)));
            for judged in &row.judges {
                if self.behaviour(judged).is_none() {
                    faults.push((
                        row.id.clone(),
                        format!("it judges {judged}, which is no behaviour"),
                    ));
                }
            }
        }
        faults
    }
}

fn by_id<'a>(ids: impl Iterator<Item = &'a String>) -> BTreeMap<String, usize> {
    ids.enumerate()
        .map(|(place, id)| (id.clone(), place))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = "- {id: a-b, chapter: c, party: controller, statement: 'It is.', kind: safety, level: core, needs: [], upstream: none, checked: source, refs: []}\n";
    const INVARIANT: &str = "- {id: inv-a, statement: 'It is.', kind: safety, level: core, party: gc, needs: [delivery], exempt_when: [], premise: 'x', judges: [a-b]}\n";

    #[test]
    fn the_inventory_that_is_compiled_in_is_sound() {
        let inventory = embedded();
        assert!(inventory.behaviours().len() > 400 && inventory.invariants().len() > 30);
        let row = inventory
            .behaviour("ord-gated-running-ready")
            .expect("the row is there");
        assert_eq!(
            (row.level, row.party, row.policy),
            (Level::Core, Party::Controller, Some(Policy::OrderedReady))
        );
        assert!(
            inventory
                .judges_of("ord-gated-running-ready")
                .any(|row| row.id == "inv-create-gate")
        );
    }

    #[test]
    fn what_is_not_legal_is_refused_by_name() {
        Inventory::read(ROW, INVARIANT).expect("both are legal");
        for (behaviours, invariants, expected) in [
            (
                ROW.replace("source", "hearsay"),
                INVARIANT.to_owned(),
                "features/behaviours.yaml: ",
            ),
            (
                ROW.replace("refs", "reference"),
                INVARIANT.to_owned(),
                "features/behaviours.yaml: ",
            ),
            (
                ROW.replace("It is.", "It is"),
                INVARIANT.to_owned(),
                "a-b: the statement does not end with a full stop",
            ),
            (
                ROW.replace("source", "'no'"),
                INVARIANT.to_owned(),
                "a-b: it is core but was not checked",
            ),
            (
                ROW.to_owned() + ROW,
                INVARIANT.to_owned(),
                "a-b: the id is used twice",
            ),
            (
                ROW.to_owned(),
                INVARIANT.replace("a-b", "a-c"),
                "inv-a: it judges a-c, which is no behaviour",
            ),
            (
                ROW.replace("kind", "since: '1.30', until: '1.29', kind"),
                INVARIANT.to_owned(),
                "a-b: it ends before it begins",
            ),
        ] {
            let error = Inventory::read(&behaviours, &invariants)
                .expect_err(expected)
                .to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
