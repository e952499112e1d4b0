//! What must hold of every history, whatever the scenario was about.
//!
//! # Guarantees
//!
//! - A controller that keeps to the rules is never accused, however late it is and whenever it is restarted: a decision
//!   is right if some combination of states that it may have known allows it.
//! - Where a rule cannot be decided it says so; where it had nothing to judge it counts that.
//!
//! The statements are those of `features/invariants.yaml`; each is judged by a function of the chapter it belongs to.

mod calm;
mod dns;
mod events;
mod identity;
mod judging;
mod moment;
mod ordering;
mod ownership;
mod paths;
mod revisions;
mod rows;
mod scaling;
mod status;
mod storage;
mod tally;
mod updates;

use std::sync::LazyLock;

use crate::evidence::{Evidence, Index};

use judging::Judging;
pub use rows::{Invariant, Level};
use tally::Tally;
pub use tally::{Finding, Outcome, Violation};

/// The rule that judges an invariant.
type Rule = fn(&Judging<'_>, &mut Tally<'_>);

/// The rules, by the ids of the invariants.
const RULES: &[(&str, Rule)] = &[
    ("inv-one-object", identity::one_object),
    ("inv-own-range", scaling::own_range),
    ("inv-create-gate", ordering::create_gate),
    ("inv-create-ascending", ordering::create_ascending),
    ("inv-delete-top", scaling::delete_top),
    ("inv-delete-single", scaling::delete_single),
    ("inv-update-victim", updates::victim),
    ("inv-update-victim-parallel", updates::victim_parallel),
    ("inv-update-victim-top-down", updates::victim_top_down),
    ("inv-update-victim-gate-off", updates::victim_top_down),
    ("inv-budget", updates::budget),
    ("inv-budget-default", updates::budget_default),
    ("inv-budget-one", updates::budget_one),
    ("inv-partition", updates::partition),
    ("inv-ondelete", updates::on_delete),
    ("inv-recreate-mix", updates::recreate_mix),
    ("inv-no-needless-delete", ownership::no_needless_delete),
    ("inv-no-foreign", ownership::no_foreign),
    ("inv-no-create-deleting", ownership::no_create_deleting),
    ("inv-identity-at-birth", identity::at_birth),
    ("inv-claim-first", storage::claim_first),
    ("inv-claim-stable", storage::claim_stable),
    ("inv-claim-never-deleted", storage::claim_never_deleted),
    ("inv-ref-before-delete", storage::ref_before_delete),
    ("inv-ref-only-condemned", storage::ref_only_condemned),
    ("inv-rev-exists", revisions::exists),
    ("inv-rev-immutable", revisions::immutable),
    ("inv-rev-number-rises", revisions::number_rises),
    ("inv-status-bounds", status::bounds),
    ("inv-gen-monotone", status::generation_monotone),
    ("inv-promotion", status::promotion),
    ("inv-status-truth", status::truth),
    ("inv-quiet", status::quiet),
    ("inv-creates-exact", ordering::creates_exact),
    ("inv-status-writes-bounded", status::writes_bounded),
    ("inv-events-true", events::are_true),
    ("inv-events-complete", events::are_complete),
    ("inv-dns-subset", dns::subset),
    ("inv-dns-complete", dns::complete),
    ("inv-one-process", identity::one_process),
    ("inv-path-independent", paths::independent),
];

static ALL: LazyLock<Vec<Invariant>> = LazyLock::new(|| rows::read(RULES));

/// All invariants, in the order of their inventory.
pub fn all() -> &'static [Invariant] {
    &ALL
}

/// Judges an evidence by every invariant: one finding each, in the order of [`all`].
pub fn judge(evidence: &Evidence) -> Vec<Finding> {
    let index = Index::new(evidence);
    let judging = Judging::new(&index);
    all()
        .iter()
        .map(|invariant| invariant.judge(&judging))
        .collect()
}

#[cfg(test)]
mod tests;
