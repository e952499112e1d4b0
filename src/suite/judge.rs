//! Histories judged by the rules alone: saved ones, and those of clusters that are only watched.

use std::collections::{BTreeMap, BTreeSet};

use super::findings;
use crate::{
    evidence::{Evidence, Kind},
    invariants::{self, Level},
    report::{
        Finding, Violation,
        judgement::{Judgement, Rule, conclude},
    },
};

/// How many breaches of one rule, and how many reasons, are kept.
const KEPT: usize = 20;

/// What was found so far, stretch after stretch: of each only the sums, and the first breaches.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    rules: BTreeMap<String, Finding>,
    sets: BTreeSet<String>,
    notes: Vec<String>,
    changes: usize,
    stretches: usize,
    span: Option<(String, String)>,
}

impl Sums {
    /// Judges a stretch and adds it.
    pub(super) fn add(&mut self, evidence: &Evidence) {
        let changes = evidence.history.changes();
        let is_set = |kind: Kind| kind == Kind::Set;
        let sets = changes.iter().filter(|change| is_set(change.object.kind()));
        self.sets.extend(
            sets.map(|change| format!("{}/{}", change.object.namespace(), change.object.name())),
        );
        self.changes += changes.iter().filter(|change| !change.initial).count();
        self.stretches += 1;
        let times = || changes.iter().map(|change| change.at);
        if let (Some(first), Some(last)) = (
            times().min(),
            times().max().max(evidence.history.ended_at()),
        ) {
            let from = self
                .span
                .take()
                .map_or_else(|| first.to_string(), |(from, _)| from);
            self.span = Some((from, last.to_string()));
        }
        for gap in evidence.history.gaps() {
            self.note(gap.why.clone());
        }
        for finding in findings::of(evidence) {
            match self.rules.get_mut(&finding.invariant) {
                None => drop(self.rules.insert(finding.invariant.clone(), finding)),
                Some(sum) => merge(sum, finding),
            }
        }
    }

    fn note(&mut self, note: String) {
        keep(&mut self.notes, vec![note]);
    }

    /// All breaches so far, with the rule's id.
    pub(super) fn violations(&self) -> impl Iterator<Item = (&str, &Violation)> {
        let rules = self.rules.values();
        rules.flat_map(|rule| {
            rule.violations
                .iter()
                .map(|one| (rule.invariant.as_str(), one))
        })
    }

    /// What all of it comes to.
    pub(super) fn judgement(
        self,
        source: String,
        (major, minor): (u16, u16),
        more: Vec<String>,
    ) -> Judgement {
        let mut rules = self.rules;
        let rules: Vec<Rule> = invariants::all()
            .iter()
            .map(|invariant| {
                let finding = rules
                    .remove(&invariant.id)
                    .unwrap_or_else(|| nothing(&invariant.id));
                Rule {
                    statement: invariant.statement.clone(),
                    counts: invariant.level != Level::Observed,
                    finding,
                }
            })
            .collect();
        let mut notes = self.notes;
        notes.extend(more);
        Judgement {
            stsspec: env!("CARGO_PKG_VERSION").to_owned(),
            source,
            kubernetes: format!("{major}.{minor}"),
            sets: self.sets.into_iter().collect(),
            changes: self.changes,
            stretches: self.stretches,
            span: self.span,
            conclusion: conclude(&rules),
            notes,
            rules,
        }
    }
}

fn nothing(invariant: &str) -> Finding {
    Finding {
        invariant: invariant.to_owned(),
        strict: 0,
        windowed: 0,
        vacuous: 0,
        violations: Vec::new(),
        undecided: Vec::new(),
        unattributed: Vec::new(),
    }
}

fn merge(sum: &mut Finding, more: Finding) {
    sum.strict += more.strict;
    sum.windowed += more.windowed;
    sum.vacuous += more.vacuous;
    for violation in more.violations {
        let is_known = sum
            .violations
            .iter()
            .any(|known| known.seen == violation.seen);
        if sum.violations.len() < KEPT && !is_known {
            sum.violations.push(violation);
        }
    }
    keep(&mut sum.undecided, more.undecided);
    keep(&mut sum.unattributed, more.unattributed);
}

fn keep(reasons: &mut Vec<String>, more: Vec<String>) {
    for why in more {
        if reasons.len() < KEPT && !reasons.contains(&why) {
            reasons.push(why);
        }
    }
}

/// Judges an evidence by itself.
pub fn judge(source: String, evidence: &Evidence, notes: Vec<String>) -> Judgement {
    let mut sums = Sums::default();
    sums.add(evidence);
    sums.judgement(source, evidence.profile.version, notes)
}
