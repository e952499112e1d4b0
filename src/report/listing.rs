//! What there is to run, as text and as JSON.

use std::{collections::BTreeSet, fmt::Write as _};

use serde::Serialize;

use super::{Scenario, json};
use crate::inventory::{Behaviour, Level};

/// What was asked for.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum List {
    /// Scenarios.
    Scenarios(Vec<Listed>),
    /// Behaviours.
    Behaviours(Vec<ListedBehaviour>),
    /// Steps.
    Steps(Vec<ListedStep>),
    /// How many behaviours of each chapter are judged.
    Coverage(Vec<Covered>),
}

/// A scenario, and whether it would run.
#[derive(Clone, Debug, Serialize)]
pub struct Listed {
    /// What selects it alone.
    pub id: String,
    /// What it is.
    #[serde(flatten)]
    pub scenario: Scenario,
    /// Why it would be skipped.
    pub skipped: Option<String>,
}

/// A behaviour, and who judges it.
#[derive(Clone, Debug, Serialize)]
pub struct ListedBehaviour {
    /// Its row.
    #[serde(flatten)]
    pub behaviour: Behaviour,
    /// The scenarios that judge it, as what selects each.
    pub scenarios: Vec<String>,
    /// The invariants that judge it.
    pub invariants: Vec<String>,
}

/// A sentence that features may use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ListedStep {
    /// `Given`, `When` or `Then`.
    pub keyword: &'static str,
    /// The sentence, with its parameters in braces.
    pub sentence: String,
    /// Where it is defined, as `file:line`.
    pub place: String,
}

/// A chapter of the inventory, and how much of it is judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Covered {
    /// Its name.
    pub chapter: String,
    /// Its behaviours of level core.
    pub core: Share,
    /// Those of level extended.
    pub extended: Share,
    /// Those of level observed.
    pub observed: Share,
    /// How many scenarios judge one of them.
    pub scenarios: usize,
    /// How many invariants do.
    pub invariants: usize,
}

/// A part of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// The part.
    pub judged: usize,
    /// The whole.
    pub all: usize,
}

impl Share {
    fn of(rows: &[&ListedBehaviour], level: Level) -> Self {
        let rows = rows.iter().filter(|row| row.behaviour.level == level);
        Self {
            judged: rows.clone().filter(|row| row.is_judged()).count(),
            all: rows.count(),
        }
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.all {
            0 => Ok(()),
            all if all == self.judged => write!(out, "{all}"),
            all => write!(out, "{} of {all}", self.judged),
        }
    }
}

impl ListedBehaviour {
    /// Something judges it.
    pub fn is_judged(&self) -> bool {
        !self.scenarios.is_empty() || !self.invariants.is_empty()
    }
}

impl Covered {
    fn of(chapter: &str, rows: &[&ListedBehaviour]) -> Self {
        let scenarios = rows.iter().flat_map(|row| &row.scenarios);
        let invariants = rows.iter().flat_map(|row| &row.invariants);
        Self {
            chapter: chapter.to_owned(),
            core: Share::of(rows, Level::Core),
            extended: Share::of(rows, Level::Extended),
            observed: Share::of(rows, Level::Observed),
            scenarios: scenarios.collect::<BTreeSet<_>>().len(),
            invariants: invariants.collect::<BTreeSet<_>>().len(),
        }
    }
}

impl List {
    /// The chapters of the inventory, in its order, and all of them together.
    pub fn coverage(rows: &[ListedBehaviour]) -> Self {
        let all: Vec<&ListedBehaviour> = rows.iter().collect();
        let chapters = all.chunk_by(|one, next| one.behaviour.chapter == next.behaviour.chapter);
        let mut covered: Vec<Covered> = chapters
            .map(|rows| Covered::of(&rows[0].behaviour.chapter, rows))
            .collect();
        covered.push(Covered::of("all", &all));
        Self::Coverage(covered)
    }

    /// As text, for people and for pipes: one line each, the id first.
    pub fn text(&self) -> String {
        let mut text = String::new();
        match self {
            Self::Scenarios(all) => all.iter().for_each(|listed| scenario(&mut text, listed)),
            Self::Behaviours(all) => all.iter().for_each(|listed| behaviour(&mut text, listed)),
            Self::Steps(all) => all.iter().for_each(|step| {
                let _ = writeln!(text, "{:<5} {}", step.keyword, step.sentence);
            }),
            Self::Coverage(all) => coverage(&mut text, all),
        }
        text
    }

    /// As JSON: an array.
    pub fn json(&self) -> String {
        json::pretty(self)
    }
}

/// A table in Markdown, which the README has too.
fn coverage(text: &mut String, all: &[Covered]) {
    text.push_str("| chapter | core | extended | observed |\n|---|---|---|---|\n");
    for covered in all {
        let Covered {
            chapter,
            core,
            extended,
            observed,
            ..
        } = covered;
        let _ = writeln!(text, "| {chapter} | {core} | {extended} | {observed} |");
    }
}

fn scenario(text: &mut String, listed: &Listed) {
    let _ = write!(text, "{:<32} {}", listed.id, listed.scenario.name);
    for behaviour in &listed.scenario.behaviours {
        let _ = write!(text, " @{behaviour}");
    }
    if let Some(reason) = &listed.skipped {
        let _ = write!(text, " [would be skipped: {reason}]");
    }
    text.push('\n');
}

fn behaviour(text: &mut String, listed: &ListedBehaviour) {
    let row = &listed.behaviour;
    let (scenarios, invariants) = (listed.scenarios.len(), listed.invariants.len());
    let judges = match listed.is_judged() {
        false => "not judged".to_owned(),
        true => format!("scenarios {scenarios}, invariants {invariants}"),
    };
    let _ = write!(
        text,
        "{:<36} {:<8} {:<10} {judges:<27} {}",
        row.id, row.level, row.party, row.statement
    );
    if let Some(reason) = &row.unjudged {
        let _ = write!(text, " [not judged: {reason}]");
    }
    text.push('\n');
}
