//! The counts of one invariant.

use super::{Invariant, Judging, rows::Exempt};
use crate::evidence::{Decision, Kind, slice};

/// What one invariant came to.
#[derive(Debug)]
pub struct Finding {
    /// Which one.
    pub invariant: &'static Invariant,
    /// How often the newest state allowed what was done, or there was only one to judge by.
    pub strict: usize,
    /// How often an older state that may have been used allowed it.
    pub windowed: usize,
    /// How often there was nothing to judge.
    pub vacuous: usize,
    /// What broke it, at most [`Finding::KEPT`].
    pub violations: Vec<Violation>,
    /// Why something could not be decided.
    pub undecided: Vec<String>,
    /// Likewise, where all that is missing is who did it.
    pub unattributed: Vec<String>,
}

/// What it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There was something to judge, and it held.
    Held,
    /// It was broken.
    Violated,
    /// Something could not be decided.
    Undecided,
    /// There was nothing to judge.
    Vacuous,
}

impl Finding {
    /// How many violations are kept.
    pub const KEPT: usize = 5;

    /// What it means.
    pub fn outcome(&self) -> Outcome {
        if !self.violations.is_empty() {
            Outcome::Violated
        } else if !self.undecided.is_empty() || !self.unattributed.is_empty() {
            Outcome::Undecided
        } else if self.strict + self.windowed > 0 {
            Outcome::Held
        } else {
            Outcome::Vacuous
        }
    }
}

/// One breach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What should have been.
    pub expected: String,
    /// What was.
    pub seen: String,
    /// The stretch of history that shows it, in short lines.
    pub slice: Vec<String>,
}

/// How a decision compares with the states that it may have been made by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// The newest state allows it.
    Strict,
    /// An older one does.
    Windowed,
    /// None does.
    Not,
}

/// Counts while an invariant is judged.
pub struct Tally<'a> {
    invariant: &'static Invariant,
    judging: &'a Judging<'a>,
    finding: Finding,
}

impl<'a> Tally<'a> {
    pub fn new(invariant: &'static Invariant, judging: &'a Judging<'a>) -> Self {
        Self {
            invariant,
            judging,
            finding: Finding {
                invariant,
                strict: 0,
                windowed: 0,
                vacuous: 0,
                violations: Vec::new(),
                undecided: Vec::new(),
                unattributed: Vec::new(),
            },
        }
    }

    /// The invariant that is judged.
    pub fn invariant(&self) -> &'static Invariant {
        self.invariant
    }

    pub fn strict(&mut self) {
        self.finding.strict += 1;
    }

    pub fn windowed(&mut self) {
        self.finding.windowed += 1;
    }

    pub fn vacuous(&mut self) {
        self.finding.vacuous += 1;
    }

    pub fn undecided(&mut self, why: String) {
        keep(&mut self.finding.undecided, why);
    }

    /// It could be decided if it were known who did it.
    pub fn unattributed(&mut self, why: String) {
        keep(&mut self.finding.unattributed, why);
    }

    /// A breach that the last changes before a point of one set's history show, unless it is excused. `kinds` are those
    /// of the objects concerned.
    pub fn violated(&mut self, life: usize, point: usize, kinds: &[Kind], seen: String) {
        if self.excused(life, kinds) {
            self.vacuous();
            return;
        }
        if self.invariant.exempt_when(Exempt::UserAction)
            && !self.judging.index.evidence.profile.attribution
        {
            self.unattributed(format!("{seen}; somebody else may have caused it"));
            return;
        }
        let changes = self.judging.changes_before(life, point);
        self.breach(seen, slice(self.judging.start, changes, 24));
    }

    /// A breach without excuse.
    pub fn breach(&mut self, seen: String, slice: Vec<String>) {
        if self.finding.violations.len() < Finding::KEPT {
            self.finding.violations.push(Violation {
                expected: self.invariant.statement.clone(),
                seen,
                slice,
            });
        }
    }

    fn excused(&self, life: usize, kinds: &[Kind]) -> bool {
        let judging = self.judging;
        let when = |condition| self.invariant.exempt_when(condition);
        when(Exempt::UserAction) && kinds.iter().any(|kind| judging.meddled(life, *kind))
            || when(Exempt::TwoControllers) && judging.two_controllers
            || when(Exempt::StaleCache) && judging.stale_cache
            || when(Exempt::Restart) && judging.restarted
            || when(Exempt::LostResponse) && judging.lost_response
            || when(Exempt::EventLoss) && (judging.event_lost || judging.restarted)
    }

    /// Counts a decision that was judged: by the newest state, by an older one, or by none.
    pub fn decided(
        &mut self,
        decision: &Decision<'_>,
        held: Held,
        kinds: &[Kind],
        seen: impl FnOnce() -> String,
    ) {
        match held {
            Held::Strict => self.strict(),
            Held::Windowed => self.windowed(),
            Held::Not => {
                if let Some(gap) = self.judging.gap(decision, kinds) {
                    self.undecided(gap);
                    return;
                }
                let seen = format!("{}: {}", self.judging.sentence(decision), seen());
                let point = (decision.commit + 1).min(self.judging.index.end());
                self.violated(decision.life, point, kinds, seen);
            }
        }
    }

    pub fn finding(self) -> Finding {
        self.finding
    }
}

fn keep(reasons: &mut Vec<String>, why: String) {
    if reasons.len() < Finding::KEPT && !reasons.contains(&why) {
        reasons.push(why);
    }
}
