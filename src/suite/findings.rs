//! What the invariants say of a history, as the report keeps it.

use crate::{evidence::Evidence, invariants, report};

/// The findings that say something: the premise arose, or something could not be decided.
pub(super) fn of(evidence: &Evidence) -> Vec<report::Finding> {
    invariants::judge(evidence)
        .into_iter()
        .map(kept)
        .filter(|kept| {
            kept.decided() || !kept.undecided.is_empty() || !kept.unattributed.is_empty()
        })
        .collect()
}

fn kept(finding: invariants::Finding) -> report::Finding {
    let violations = finding
        .violations
        .into_iter()
        .map(|violation| report::Violation {
            expected: violation.expected,
            seen: violation.seen,
            slice: violation.slice,
        });
    report::Finding {
        invariant: finding.invariant.id.clone(),
        strict: finding.strict,
        windowed: finding.windowed,
        vacuous: finding.vacuous,
        violations: violations.collect(),
        undecided: finding.undecided,
        unattributed: finding.unattributed,
    }
}
