//! What a run came to, as data, and the formats it is shown in: a file each, plain functions from the data to text.
//!
//! # Guarantees
//!
//! - [`Report`] says everything that any format shows; JSON is the report itself, and reading it gives the same report.
//! - [`FORMAT`] grows by one whenever a field changes its meaning or goes away.

pub mod checkup;
pub mod exhausted;
pub mod explored;
mod json;
pub mod judgement;
mod junit;
pub mod lines;
mod listing;
pub mod matrix;
mod outcome;
pub mod terminal;
pub mod timelines;

use std::{collections::BTreeMap, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::inventory::{Level, Party};

pub use listing::{Covered, List, Listed, ListedBehaviour, ListedStep, Share};
pub use outcome::{Caught, Finding, Line, Outcome, Scenario, Took, Violation};

/// The version of the data model.
pub const FORMAT: u32 = 1;

/// A whole run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Report {
    /// [`FORMAT`] when it was written.
    pub format: u32,
    /// What was run.
    pub run: Run,
    /// What it came to.
    pub conclusion: Conclusion,
    /// What it rests on, in sentences: why it is not [`Conclusion::Conformant`]; empty if it is.
    pub reasons: Vec<String>,
    /// Verdicts by chapter, in the order of the features.
    pub chapters: Vec<Chapter>,
    /// Every selected scenario, in the order of the features.
    pub scenarios: Vec<Outcome>,
    /// What became of each invariant over the whole run.
    pub invariants: Vec<InvariantCount>,
    /// The verdict on each behaviour that something judged.
    pub behaviours: Vec<Judged>,
    /// Panics that no scenario can be named for.
    pub stray_panics: Vec<Caught>,
}

/// What was run, where, and how.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Run {
    /// The version of stsspec.
    pub stsspec: String,
    /// The version of Kubernetes that the cluster has or emulates.
    pub kubernetes: String,
    /// Who was judged.
    pub subject: String,
    /// Whose behaviours count for or against the subject.
    pub party: Party,
    /// Where it ran.
    pub tier: String,
    /// The arguments that name the cluster or say what it is like; none for embedded ones as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The kind of object under test.
    pub target: String,
    /// Which levels count.
    pub profile: Profile,
    /// What everything random came from.
    pub seed: u64,
    /// The folder of the features, where they are not those that are compiled in.
    pub features: Option<String>,
    /// What was selected; empty for everything.
    pub selection: Vec<String>,
    /// The tag expression, if there was one.
    pub tags: Option<String>,
    /// Nothing was left out: every scenario of the profile was to run, to its end.
    pub whole: bool,
    /// Who reconciled, and how that is known; none where it goes without saying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconciler: Option<String>,
    /// What was made for it and could not be removed, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<String>,
    /// How long it took, in seconds of real time.
    pub real_seconds: f64,
}

/// Which levels count for or against the subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Core behaviours.
    Core,
    /// Core and extended behaviours.
    #[default]
    All,
}

impl Profile {
    /// A row of this level counts.
    pub fn counts(self, level: Level) -> bool {
        match self {
            Self::Core => level == Level::Core,
            Self::All => level >= Level::Extended,
        }
    }
}

/// What a run came to. Ordered: what outweighs the others comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conclusion {
    /// Everything that counts holds.
    Conformant,
    /// What was judged holds, but core behaviours were skipped.
    Partial,
    /// Something that counts could not be decided.
    Undecided,
    /// Something that counts does not hold.
    NotConformant,
    /// Somebody ended the run.
    Interrupted,
}

/// How many scenarios came to which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[expect(
    missing_docs,
    reason = "the verdicts are documented where they are defined"
)]
pub struct Counts {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
    pub inconclusive: usize,
}

impl Counts {
    /// Adds one.
    pub fn add(&mut self, verdict: &crate::verdict::Verdict) {
        use crate::verdict::Verdict;
        *match verdict {
            Verdict::Passed => &mut self.passed,
            Verdict::Failed { .. } => &mut self.failed,
            Verdict::Skipped(_) => &mut self.skipped,
            Verdict::Inconclusive(_) => &mut self.inconclusive,
        } += 1;
    }

    /// All of them.
    pub fn total(&self) -> usize {
        self.passed + self.failed + self.skipped + self.inconclusive
    }
}

/// A chapter of the specification.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Chapter {
    /// Its folder.
    pub name: String,
    /// Its scenarios.
    pub counts: Counts,
}

/// An invariant over a whole run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct InvariantCount {
    /// Its id.
    pub id: String,
    /// What it says.
    pub statement: String,
    /// Decisions where the newest state had to allow them.
    pub strict: usize,
    /// Decisions that only an older state in the window allows.
    pub windowed: usize,
    /// Scenarios in which its premise did not arise, or in which nothing could be said.
    pub vacuous: usize,
    /// Breaches of it.
    pub violated: usize,
    /// Its premise never arose in a whole run, and nothing excuses that.
    pub unexpectedly_vacuous: bool,
    /// That it judges nothing would be excused.
    pub excused: bool,
}

/// A word for a verdict without its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// At least one judge passed and none failed.
    Passed,
    /// No judge could be asked.
    Skipped,
    /// No judge came to a decision.
    Inconclusive,
    /// A judge failed.
    Failed,
}

/// The verdict on a behaviour.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Judged {
    /// The behaviour's id.
    pub id: String,
    /// Who is responsible for it.
    pub party: Party,
    /// What it is worth.
    pub level: Level,
    /// The verdict.
    pub verdict: Word,
    /// Why it is not a pass: the judges that say so.
    pub because: Vec<String>,
    /// No scenario judged it: whatever it passed, it passed because the histories of others keep it.
    pub by_invariants_alone: bool,
}

impl Report {
    /// How many scenarios came to which verdict.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.scenarios
            .iter()
            .for_each(|outcome| counts.add(&outcome.verdict));
        counts
    }

    /// Scenarios with violated invariants or a failure, in order.
    pub fn failures(&self) -> impl Iterator<Item = &Outcome> {
        self.scenarios
            .iter()
            .filter(|outcome| outcome.shows_a_breach())
    }

    /// The verdict on a behaviour, if something judged it.
    pub fn behaviour(&self, id: &str) -> Option<&Judged> {
        self.behaviours.iter().find(|judged| judged.id == id)
    }

    /// Everything that counts holds.
    ///
    /// # Panics
    ///
    /// It does not: the message is the report as a terminal shows it.
    #[track_caller]
    pub fn assert_conformant(&self) {
        assert!(
            self.conclusion == Conclusion::Conformant,
            "{}",
            terminal::whole(self)
        );
    }
}

/// A form in which a report is kept in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The report itself.
    Json,
    /// What continuous integration systems read.
    Junit,
    /// What a terminal shows.
    Text,
    /// What became of the sets of each scenario, as partial orders.
    Timelines,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let formats = BTreeMap::from([
            ("json", Self::Json),
            ("junit", Self::Junit),
            ("text", Self::Text),
            ("timelines", Self::Timelines),
        ]);
        formats.get(text).copied().ok_or_else(|| {
            let known: Vec<&str> = formats.keys().copied().collect();
            format!(
                "there is no report format {text:?}; there are {}",
                known.join(", ")
            )
        })
    }
}

/// The report in a format.
pub fn render(report: &Report, format: Format) -> String {
    match format {
        Format::Json => json::render(report),
        Format::Junit => junit::render(report),
        Format::Text => terminal::whole(report),
        Format::Timelines => timelines::render(report),
    }
}

#[cfg(test)]
mod tests;
