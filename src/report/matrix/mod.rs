//! The kill matrix: which component known to be wrong was found out by which scenario and which invariant, and the rules
//! that make a specification worth its verdicts.

mod html;
mod markdown;
mod text;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Conclusion, json};
use crate::inventory::{Level, Party};

/// All mutants against the specification.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Matrix {
    /// [`FORMAT`](super::FORMAT) when it was written.
    pub format: u32,
    /// The version of stsspec.
    pub stsspec: String,
    /// What everything random came from.
    pub seed: u64,
    /// Each mutant met each scenario; otherwise only as many as it takes to find out what it breaks.
    pub whole: bool,
    /// Which mutants were selected; empty for all.
    pub selection: Vec<String>,
    /// What it came to.
    pub conclusion: Conclusion,
    /// The mutants, by party and chapter.
    pub mutants: Vec<Row>,
    /// The scenarios that met a mutant, in the order of the features.
    pub scenarios: Vec<Column>,
    /// Behaviours that something judges, but no judge of which was ever seen to fail: core ones first.
    pub unearned: Vec<Unearned>,
    /// What must hold of the whole.
    pub rules: Vec<Rule>,
    /// How many times a scenario was run.
    pub runs: usize,
    /// How long it took, in seconds of real time.
    pub real_seconds: f64,
}

/// One mutant.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// Who is wrong.
    pub party: Party,
    /// What it does.
    pub says: String,
    /// What it says that it breaks, and whether that was found out.
    pub breaks: Vec<Broken>,
    /// Who found it out, in the order of the features.
    pub kills: Vec<Kill>,
    /// How many scenarios it met.
    pub met: usize,
    /// How many of them came to no decision.
    pub undecided: usize,
}

/// A behaviour or an invariant that a mutant names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Broken {
    /// Its id.
    pub id: String,
    /// What came of it.
    pub found: Found,
}

/// Whether a judge saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Found {
    /// A judge of it failed.
    Killed,
    /// Every judge of it that was asked passed.
    Survived,
    /// Nothing judges it yet.
    Unjudged,
}

/// A mutant found out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Kill {
    /// The scenario in which it was, as what selects it alone.
    pub scenario: String,
    /// The invariant that saw it; none if a step of the scenario did.
    pub invariant: Option<String>,
    /// The first thing that shows it.
    pub event: String,
    /// The mutant names a behaviour of the scenario, or the invariant.
    pub named: bool,
}

/// One scenario.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Column {
    /// What selects it alone.
    pub id: String,
    /// Its title.
    pub name: String,
    /// The behaviours it judges.
    pub behaviours: Vec<String>,
    /// Whose core behaviours it judges.
    pub core_of: Vec<Party>,
    /// How many mutants it met.
    pub met: usize,
    /// Those it found out.
    pub kills: Vec<String>,
}

/// A behaviour whose judges were never seen to fail.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Unearned {
    /// Its id.
    pub id: String,
    /// Who is responsible for it.
    pub party: Party,
    /// What it is worth.
    pub level: Level,
    /// What it says.
    pub statement: String,
    /// Mutants that say they break it, and survived.
    pub survivors: Vec<String>,
}

/// Something that must hold of the whole.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Rule {
    /// In a sentence.
    pub says: String,
    /// It was looked at.
    pub checked: bool,
    /// What breaks it.
    pub broken_by: Vec<String>,
}

impl Row {
    /// Everything that it names and that something judges was found out.
    pub fn is_killed(&self) -> bool {
        let judged = || {
            let breaks = self.breaks.iter();
            breaks.filter(|broken| broken.found != Found::Unjudged)
        };
        judged().next().is_some() && judged().all(|broken| broken.found == Found::Killed)
    }

    /// What was looked for in vain.
    pub fn survives(&self) -> impl Iterator<Item = &str> {
        let survived = self.breaks.iter();
        survived
            .filter(|broken| broken.found == Found::Survived)
            .map(|broken| broken.id.as_str())
    }
}

impl Matrix {
    /// How many mutants were killed by all that they name.
    pub fn killed(&self) -> usize {
        self.mutants.iter().filter(|row| row.is_killed()).count()
    }

    /// The behaviours whose judges were never seen to fail, as text.
    pub fn unearned_text(&self) -> String {
        text::unearned(self)
    }
}

/// A form in which a matrix is kept in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The data.
    Json,
    /// What a terminal shows.
    Text,
    /// Tables for a forge.
    Markdown,
    /// A page that needs nothing else.
    Html,
}

impl FromStr for Form {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            "markdown" | "md" => Ok(Self::Markdown),
            "html" => Ok(Self::Html),
            _ => Err(format!(
                "there is no form {text:?} of a matrix; there are html, json, markdown, text"
            )),
        }
    }
}

/// The matrix in a form.
pub fn render(matrix: &Matrix, form: Form) -> String {
    match form {
        Form::Json => json::pretty(matrix),
        Form::Text => text::render(matrix),
        Form::Markdown => markdown::render(matrix),
        Form::Html => html::render(matrix),
    }
}

/// What it all comes to, in a line.
fn summary(matrix: &Matrix) -> String {
    let seconds = matrix.real_seconds.max(0.001);
    format!(
        "{} of {} mutants killed by all they name, {} runs of {} scenarios in {:.1} s ({:.1} mutants and {:.0} runs a second), seed {}, {} form",
        matrix.killed(),
        matrix.mutants.len(),
        matrix.runs,
        matrix.scenarios.len(),
        matrix.real_seconds,
        matrix.mutants.len() as f64 / seconds,
        matrix.runs as f64 / seconds,
        matrix.seed,
        if matrix.whole { "whole" } else { "quick" },
    )
}

/// One word for a rule.
fn word(rule: &Rule) -> &'static str {
    match (rule.checked, rule.broken_by.is_empty()) {
        (false, _) => "not checked",
        (true, true) => "holds",
        (true, false) => "broken",
    }
}

/// The judge that killed: `steps`, or an invariant.
fn judge(kill: &Kill) -> &str {
    kill.invariant.as_deref().unwrap_or("steps")
}

#[cfg(test)]
pub(super) fn example() -> Matrix {
    let kill = |invariant: Option<&str>, event: &str, named| Kill {
        scenario: "ordering/startup:14".into(),
        invariant: invariant.map(str::to_owned),
        event: event.into(),
        named,
    };
    let broken = |id: &str, found| Broken {
        id: id.into(),
        found,
    };
    Matrix {
        format: super::FORMAT,
        stsspec: "0.1.0".into(),
        seed: 1,
        whole: true,
        selection: Vec::new(),
        conclusion: Conclusion::NotConformant,
        mutants: vec![
            Row {
                id: "no-create-gate".into(),
                party: Party::Controller,
                says: "creates all missing pods at once".into(),
                breaks: vec![
                    broken("ord-gated-running-ready", Found::Killed),
                    broken("inv-create-gate", Found::Killed),
                    broken("scale-flap", Found::Unjudged),
                ],
                kills: vec![
                    kill(
                        None,
                        "expected: web-2 stays missing; seen: web-2 is there",
                        true,
                    ),
                    kill(
                        Some("inv-create-gate"),
                        "web-1 was Pending & not <Ready>",
                        true,
                    ),
                ],
                met: 2,
                undecided: 0,
            },
            Row {
                id: "collects-nothing".into(),
                party: Party::Gc,
                says: "never sees a pod whose owner is gone".into(),
                breaks: vec![broken("rec-background-delete", Found::Survived)],
                kills: vec![kill(None, "seen: nothing", false)],
                met: 2,
                undecided: 1,
            },
        ],
        scenarios: vec![
            Column {
                id: "ordering/startup:14".into(),
                name: "A pod that is not Ready holds back its successors".into(),
                behaviours: vec!["ord-gated-running-ready".into()],
                core_of: vec![Party::Controller],
                met: 2,
                kills: vec!["no-create-gate".into(), "collects-nothing".into()],
            },
            Column {
                id: "ordering/startup:30".into(),
                name: "Nothing".into(),
                behaviours: Vec::new(),
                core_of: Vec::new(),
                met: 2,
                kills: Vec::new(),
            },
        ],
        unearned: vec![Unearned {
            id: "rec-background-delete".into(),
            party: Party::Gc,
            level: Level::Core,
            statement: "Pods go after their set.".into(),
            survivors: vec!["collects-nothing".into()],
        }],
        rules: vec![
            Rule {
                says: "each mutant is killed by what it names".into(),
                checked: true,
                broken_by: vec!["collects-nothing: rec-background-delete".into()],
            },
            Rule {
                says: "the unchanged controller is killed by nothing".into(),
                checked: true,
                broken_by: Vec::new(),
            },
        ],
        runs: 4,
        real_seconds: 0.5,
    }
}
