//! What must hold of the whole matrix. Plain functions.

use super::Trail;
use crate::{
    inventory::{self, Party},
    report::{
        Conclusion, Report, Word,
        matrix::{Found, Matrix, Rule, Unearned},
    },
    suite::plan::Plan,
};

/// Behaviours that something judges, but whose judges were never seen to fail on a mutant that says it breaks them: core
/// ones first, then by party.
pub(super) fn unearned(plan: &Plan, trails: &[Trail]) -> Vec<Unearned> {
    let inventory = inventory::embedded();
    let is_judged = |id: &str| {
        let mut scenarios = plan.scenarios.iter();
        scenarios.any(|planned| planned.scenario.behaviours.iter().any(|b| b == id))
            || inventory.judges_of(id).next().is_some()
    };
    let names = |trail: &&Trail, id: &str| {
        trail.mutant.breaks.contains(&id)
            || inventory
                .judges_of(id)
                .any(|row| trail.mutant.breaks.contains(&row.id.as_str()))
    };
    let mut rows: Vec<Unearned> = (inventory.behaviours().iter())
        .filter(|row| is_judged(&row.id))
        .filter(|row| {
            let mut naming = trails.iter().filter(|trail| names(trail, &row.id));
            !naming.any(|trail| trail.is_killed_by(plan, &row.id))
        })
        .map(|row| Unearned {
            id: row.id.clone(),
            party: row.party,
            level: row.level,
            statement: row.statement.clone(),
            survivors: trails
                .iter()
                .filter(|trail| trail.mutant.breaks.contains(&row.id.as_str()))
                .map(|trail| trail.mutant.id.to_owned())
                .collect(),
        })
        .collect();
    // Within a group the order of the inventory stays.
    rows.sort_by_key(|row| (std::cmp::Reverse(row.level), row.party));
    rows
}

/// Adds the rules and what they come to; some speak of all mutants. `plain` are the reports of the unchanged controller
/// and of nobody.
pub(super) fn judge(
    matrix: &mut Matrix,
    all: bool,
    plain: Option<&[Report; 2]>,
    interrupted: bool,
) {
    let rule = |says: &str, checked: bool, broken_by: Vec<String>| Rule {
        says: says.to_owned(),
        checked,
        broken_by,
    };
    matrix.rules = vec![
        rule(
            "each mutant is killed by every behaviour and invariant that it names",
            true,
            survivors(matrix),
        ),
        rule(
            "each scenario that judges a core behaviour of the controller kills a mutant",
            all,
            harmless(matrix),
        ),
        rule(
            "no mutant of the controller is killed by a scenario that judges other behaviours of the controller only",
            matrix.whole,
            beyond(matrix),
        ),
        rule(
            "each core behaviour of the controller that is judged is earned",
            all,
            unearned_core(matrix),
        ),
        rule(
            "the unchanged controller is killed by nothing",
            plain.is_some(),
            plain.map_or_else(Vec::new, |[bundled, _]| {
                bundled.failures().map(|o| o.scenario.id()).collect()
            }),
        ),
        rule(
            "nobody at all passes no behaviour of a controller",
            plain.is_some(),
            plain.map_or_else(Vec::new, |[_, nobody]| passed_by_nobody(nobody)),
        ),
    ];
    let mut rules = matrix.rules.iter();
    let broken = rules.any(|rule| rule.checked && !rule.broken_by.is_empty());
    matrix.conclusion = match (interrupted, broken) {
        (true, _) => Conclusion::Interrupted,
        (false, true) => Conclusion::NotConformant,
        (false, false) => Conclusion::Conformant,
    };
}

fn survivors(matrix: &Matrix) -> Vec<String> {
    let of = |row: &crate::report::matrix::Row| {
        let survives: Vec<&str> = row.survives().collect();
        let unjudged = row.breaks.iter().all(|b| b.found == Found::Unjudged);
        match (survives.is_empty(), unjudged) {
            (_, true) => Some(format!("{}: nothing judges what it breaks", row.id)),
            (false, _) => Some(format!("{}: {}", row.id, survives.join(", "))),
            (true, _) => None,
        }
    };
    matrix.mutants.iter().filter_map(of).collect()
}

fn harmless(matrix: &Matrix) -> Vec<String> {
    let columns = matrix.scenarios.iter();
    columns
        .filter(|column| column.core_of.contains(&Party::Controller) && column.kills.is_empty())
        .map(|column| format!("{} {}", column.id, column.name))
        .collect()
}

/// Scenarios that kill a mutant of the controller though they judge only such behaviours of the controller that it does not
/// break. One that judges no behaviour of the controller says nothing of it: it needs a set that works.
fn beyond(matrix: &Matrix) -> Vec<String> {
    let inventory = inventory::embedded();
    let mut broken = Vec::new();
    for row in matrix
        .mutants
        .iter()
        .filter(|row| row.party == Party::Controller)
    {
        let kills = row
            .kills
            .iter()
            .filter(|kill| kill.invariant.is_none() && !kill.named);
        let scenarios: Vec<&str> = kills
            .filter(|kill| {
                let column = matrix.scenarios.iter().find(|c| c.id == kill.scenario);
                let mut ids = column.iter().flat_map(|column| &column.behaviours);
                ids.any(|id| {
                    let row = inventory.behaviour(id);
                    row.is_some_and(|row| row.party == Party::Controller)
                })
            })
            .map(|kill| kill.scenario.as_str())
            .collect();
        if !scenarios.is_empty() {
            broken.push(format!("{}: {}", row.id, scenarios.join(", ")));
        }
    }
    broken
}

fn unearned_core(matrix: &Matrix) -> Vec<String> {
    let rows = matrix.unearned.iter();
    rows.filter(|row| row.party == Party::Controller && row.level == inventory::Level::Core)
        .map(|row| row.id.clone())
        .collect()
}

/// The behaviours of a controller that are passed while nobody is at work.
pub(super) fn passed_by_nobody(report: &Report) -> Vec<String> {
    let rows = report.behaviours.iter();
    rows.filter(|row| row.party == Party::Controller && row.verdict == Word::Passed)
        .map(|row| row.id.clone())
        .collect()
}
