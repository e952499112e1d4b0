//! One mutant: what it met, and what became of it there.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    inventory,
    mutants::Mutant,
    report::{
        Outcome,
        matrix::{Broken, Found, Kill, Row},
    },
    suite::plan::Plan,
    verdict::Verdict,
};

/// What one scenario made of a mutant.
pub(super) struct Met {
    /// The steps failed: the first thing that shows it.
    failed: Option<String>,
    /// Invariants of the mutant's party that were violated, each with the first thing that shows it.
    violated: Vec<(String, String)>,
    /// There was no decision.
    undecided: bool,
}

/// A mutant and all that it met, by the places of scenarios.
pub(super) struct Trail {
    pub(super) mutant: &'static Mutant,
    pub(super) met: BTreeMap<usize, Met>,
    /// For each thing that it names, the scenarios that may see it.
    judges: BTreeMap<&'static str, Vec<usize>>,
}

impl Trail {
    pub(super) fn new(mutant: &'static Mutant, plan: &Arc<Plan>) -> Self {
        let tagged = |ids: &[&str]| -> Vec<usize> {
            let scenarios = plan.scenarios.iter().enumerate();
            let tagged = scenarios.filter(|(_, planned)| {
                let mut behaviours = planned.scenario.behaviours.iter();
                behaviours.any(|id| ids.contains(&id.as_str()))
            });
            tagged.map(|(place, _)| place).collect()
        };
        let judges = mutant.breaks.iter().map(|id| {
            let Some(invariant) = inventory::embedded().invariant(id) else {
                return (*id, tagged(&[id]));
            };
            // What it breaks elsewhere is where an invariant looks first.
            let judged: Vec<&str> = invariant.judges.iter().map(String::as_str).collect();
            let mut places = tagged(mutant.breaks);
            for place in tagged(&judged) {
                if !places.contains(&place) {
                    places.push(place);
                }
            }
            (*id, places)
        });
        Self {
            mutant,
            met: BTreeMap::new(),
            judges: judges.collect(),
        }
    }

    /// Notes what a scenario made of it.
    pub(super) fn meets(&mut self, place: usize, outcome: &Outcome) {
        let failed = match &outcome.verdict {
            Verdict::Failed { message, .. } => Some(short(message)),
            _ => None,
        };
        let party = self.mutant.party;
        let of_party = |id: &str| {
            let row = inventory::embedded().invariant(id);
            row.is_some_and(|row| row.party == party)
        };
        let violated = outcome.findings.iter().filter_map(|finding| {
            let first = finding.violations.first()?;
            of_party(&finding.invariant).then(|| (finding.invariant.clone(), short(&first.seen)))
        });
        let met = Met {
            failed,
            violated: violated.collect(),
            undecided: matches!(outcome.verdict, Verdict::Inconclusive(_)),
        };
        self.met.insert(place, met);
    }

    /// It was found out in this scenario.
    pub(super) fn kills_in(&self, place: usize) -> bool {
        let met = self.met.get(&place);
        met.is_some_and(|met| met.failed.is_some() || !met.violated.is_empty())
    }

    /// It says that it breaks something that this scenario judges.
    pub(super) fn names_one_of(&self, plan: &Plan, place: usize) -> bool {
        let mut behaviours = plan.scenarios[place].scenario.behaviours.iter();
        behaviours.any(|id| self.mutant.breaks.contains(&id.as_str()))
    }

    /// A judge of this was seen to fail.
    pub(super) fn is_killed_by(&self, plan: &Plan, id: &str) -> bool {
        let inventory = inventory::embedded();
        self.met.iter().any(|(place, met)| {
            let scenario = &plan.scenarios[*place].scenario;
            let by_steps = met.failed.is_some() && scenario.behaviours.iter().any(|b| b == id);
            let mut violated = met.violated.iter();
            by_steps
                || violated.any(|(invariant, _)| {
                    invariant == id || inventory.judges_of(id).any(|row| row.id == *invariant)
                })
        })
    }

    /// The scenarios to meet next: of each thing that is not found out yet, the one that may see most of them.
    pub(super) fn next(&self, plan: &Plan) -> Vec<usize> {
        let open: Vec<&Vec<usize>> = (self.judges.iter())
            .filter(|(id, _)| !self.is_killed_by(plan, id))
            .map(|(_, places)| places)
            .collect();
        let sees = |place: &usize| open.iter().filter(|places| places.contains(place)).count();
        let mut next: Vec<usize> = Vec::new();
        for places in &open {
            if places.iter().any(|place| next.contains(place)) {
                continue;
            }
            let fresh = places.iter().filter(|place| !self.met.contains_key(place));
            // The first of those that see most.
            let best = fresh.rev().max_by_key(|place| sees(place));
            next.extend(best);
        }
        next
    }

    /// What is said of it.
    pub(super) fn row(&self, plan: &Plan) -> Row {
        let mutant = self.mutant;
        let broken = |id: &&str| {
            let found = match (self.is_killed_by(plan, id), self.judges[id].is_empty()) {
                (true, _) => Found::Killed,
                (false, true) => Found::Unjudged,
                (false, false) => Found::Survived,
            };
            Broken {
                id: (*id).to_owned(),
                found,
            }
        };
        Row {
            id: mutant.id.to_owned(),
            party: mutant.party,
            says: mutant.says.to_owned(),
            breaks: mutant.breaks.iter().map(broken).collect(),
            kills: self.kills(plan),
            met: self.met.len(),
            undecided: self.met.values().filter(|met| met.undecided).count(),
        }
    }

    fn kills(&self, plan: &Plan) -> Vec<Kill> {
        let mut kills = Vec::new();
        for (place, met) in &self.met {
            let scenario = plan.scenarios[*place].scenario.id();
            kills.extend(met.failed.iter().map(|event| Kill {
                scenario: scenario.clone(),
                invariant: None,
                event: event.clone(),
                named: self.names_one_of(plan, *place),
            }));
            kills.extend(met.violated.iter().map(|(id, event)| Kill {
                scenario: scenario.clone(),
                invariant: Some(id.clone()),
                event: event.clone(),
                named: self.mutant.breaks.contains(&id.as_str()),
            }));
        }
        kills
    }
}

/// A message on one line, as long as a line may be.
fn short(message: &str) -> String {
    const MOST: usize = 240;
    let words: Vec<&str> = message.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}
