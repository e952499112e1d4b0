use std::collections::BTreeSet;

use super::*;
use crate::inventory;

#[test]
fn mutants_have_names_of_their_own_and_break_what_there_is() {
    let inventory = inventory::embedded();
    let mut ids = BTreeSet::new();
    for mutant in all() {
        assert!(ids.insert(mutant.id), "{} twice", mutant.id);
        assert!(!mutant.breaks.is_empty(), "{} breaks nothing", mutant.id);
        let unique: BTreeSet<_> = mutant.breaks.iter().collect();
        assert_eq!(
            unique.len(),
            mutant.breaks.len(),
            "{} breaks one thing twice",
            mutant.id
        );
        for id in mutant.breaks {
            let behaviour = inventory.behaviour(id).map(|row| row.party);
            let party = behaviour.or_else(|| inventory.invariant(id).map(|row| row.party));
            assert_eq!(party, Some(mutant.party), "{} of {}", id, mutant.id);
        }
    }
    assert!(ids.len() >= 50);
}

#[test]
fn a_mutant_is_found_by_its_id() {
    assert_eq!(
        find("no-create-gate").map(|mutant| mutant.id),
        Some("no-create-gate")
    );
    assert!(find("no-such-thing").is_none());
}
