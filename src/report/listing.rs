//! What there is to run, as text and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Scenario, json};
use crate::inventory::Behaviour;

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

impl List {
    /// As text, for people and for pipes: one line each, the id first.
    pub fn text(&self) -> String {
        let mut text = String::new();
        match self {
            Self::Scenarios(all) => all.iter().for_each(|listed| scenario(&mut text, listed)),
            Self::Behaviours(all) => all.iter().for_each(|listed| behaviour(&mut text, listed)),
            Self::Steps(all) => all.iter().for_each(|step| {
                let _ = writeln!(text, "{:<5} {}", step.keyword, step.sentence);
            }),
        }
        text
    }

    /// As JSON: an array.
    pub fn json(&self) -> String {
        json::pretty(self)
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
    let judges = match (listed.scenarios.len(), listed.invariants.len()) {
        (0, 0) => "not judged".to_owned(),
        (scenarios, invariants) => format!("scenarios {scenarios}, invariants {invariants}"),
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
