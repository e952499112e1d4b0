//! One scenario of a report.

use serde::{Deserialize, Serialize};

use crate::{
    evidence::timeline::Timeline,
    inventory::Level,
    verdict::{Certificate, Verdict},
};

/// What a scenario is, before it runs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Scenario {
    /// The chapter: a folder of features.
    pub chapter: String,
    /// Chapter and file, without its ending: `ordering/startup`.
    pub path: String,
    /// Where it begins in the file.
    pub line: usize,
    /// The feature's title.
    pub feature: String,
    /// The rule it is an example of.
    pub rule: Option<String>,
    /// Its own title.
    pub name: String,
    /// All its tags, without `@`: the behaviours it judges, and those that say how to run it.
    pub tags: Vec<String>,
    /// The behaviours among its tags.
    pub behaviours: Vec<String>,
    /// The strongest level among its behaviours.
    pub level: Level,
    /// What everything random in it comes from: the run's seed, its path and its name.
    pub seed: u64,
}

impl Scenario {
    /// One that says nothing of itself, to fill in.
    #[cfg(test)]
    pub(crate) fn unknown() -> Self {
        Self {
            chapter: String::new(),
            path: String::new(),
            line: 0,
            feature: String::new(),
            rule: None,
            name: String::new(),
            tags: Vec::new(),
            behaviours: Vec::new(),
            level: Level::Core,
            seed: 0,
        }
    }

    /// What selects it alone: `ordering/startup:12`.
    pub fn id(&self) -> String {
        format!("{}:{}", self.path, self.line)
    }

    /// Where its text is: `features/ordering/startup.feature:12`.
    pub fn place(&self) -> String {
        self.place_of(self.line)
    }

    /// Where a line of its text is.
    pub fn place_of(&self, line: usize) -> String {
        format!("features/{}.feature:{line}", self.path)
    }
}

/// How long something took, on the scenario's clock and on ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Took {
    /// Seconds on the cluster's clock.
    pub virtual_seconds: f64,
    /// Seconds of real time.
    pub real_seconds: f64,
}

/// Where a panic happened and what it said.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Caught {
    /// Its text.
    pub message: String,
    /// As `file:line:column`.
    pub location: Option<String>,
}

/// What a scenario came to.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Outcome {
    /// Which one.
    pub scenario: Scenario,
    /// The verdict of its steps.
    pub verdict: Verdict,
    /// The text and line of the step that ended it, if one did.
    pub step: Option<(String, usize)>,
    /// How long it took.
    pub took: Took,
    /// How many writes of the subject the cluster accepted; none where that is not known.
    pub subject_writes: Option<usize>,
    /// What the invariants say of its history: those whose premise arose, and those that could not decide.
    pub findings: Vec<Finding>,
    /// The end of the history, of a scenario that failed or could not be decided.
    pub slice: Vec<Line>,
    /// Panics of background tasks.
    pub panics: Vec<Caught>,
    /// What its negative claims rest on.
    #[serde(default)]
    pub certificates: Vec<Certificate>,
    /// Why it was inconclusive when it was run before, each time, and was run again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inconclusive_before: Vec<String>,
    /// What became of its sets; not part of the report in JSON.
    #[serde(skip)]
    pub timelines: Vec<Timeline>,
    /// What else there is to know of it.
    pub notes: Vec<String>,
}

impl Outcome {
    /// A verdict and nothing more.
    pub fn of(scenario: &Scenario, verdict: Verdict) -> Self {
        Self {
            scenario: scenario.clone(),
            verdict,
            step: None,
            took: Took::default(),
            subject_writes: None,
            findings: Vec::new(),
            slice: Vec::new(),
            panics: Vec::new(),
            certificates: Vec::new(),
            inconclusive_before: Vec::new(),
            timelines: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// What an invariant says of it, if its premise arose or it could not decide.
    pub fn finding(&self, invariant: &str) -> Option<&Finding> {
        self.findings
            .iter()
            .find(|finding| finding.invariant == invariant)
    }

    /// It failed or some invariant is violated in it.
    pub fn shows_a_breach(&self) -> bool {
        matches!(self.verdict, Verdict::Failed { .. })
            || self
                .findings
                .iter()
                .any(|finding| !finding.violations.is_empty())
    }
}

impl Finding {
    /// Its premise arose, and something was decided.
    pub fn decided(&self) -> bool {
        self.strict + self.windowed + self.violations.len() > 0
    }
}

/// What an invariant says of one history.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Finding {
    /// The invariant's id.
    pub invariant: String,
    /// Decisions where the newest state had to allow them.
    pub strict: usize,
    /// Decisions that only an older state in the window allows.
    pub windowed: usize,
    /// Decisions that nothing can be said of.
    pub vacuous: usize,
    /// Each breach.
    pub violations: Vec<Violation>,
    /// Why something could not be decided.
    pub undecided: Vec<String>,
    /// Likewise, where all that is missing is who did it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unattributed: Vec<String>,
}

/// One breach of an invariant.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Violation {
    /// What had to be.
    pub expected: String,
    /// What was.
    pub seen: String,
    /// The stretch of history that proves it, a line a change.
    pub slice: Vec<String>,
}

/// One line of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Line {
    /// The resourceVersion, where there is one.
    pub version: Option<u64>,
    /// The time on the cluster's clock.
    pub at: String,
    /// The object: `pod web-1`.
    pub object: String,
    /// What happened to it.
    pub what: String,
}
