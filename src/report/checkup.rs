//! What a cluster was found to be before anything runs on it, as data, as text and as JSON.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::json;

/// A cluster, and what would become of a run on it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Checkup {
    /// The version of stsspec.
    pub stsspec: String,
    /// Where the cluster is.
    pub address: String,
    /// Who would be judged.
    pub subject: String,
    /// What it comes to.
    pub prospect: Prospect,
    /// What was found, in the order in which it matters.
    pub checks: Vec<Check>,
    /// How many scenarios would run.
    pub would_run: usize,
    /// Those that would not, by reason.
    pub skipped: Vec<Skipped>,
    /// How many core behaviours of the subject there are.
    pub core: usize,
    /// Those of them that nothing would judge and nothing excuses.
    pub core_skipped: Vec<String>,
}

/// What a run on it could come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prospect {
    /// Every core behaviour would be judged.
    Ready,
    /// Some core behaviour would not.
    Partial,
    /// Nothing would run.
    Impossible,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Check {
    /// One or two words: `pod security`.
    pub topic: String,
    /// What it means for a run.
    pub state: State,
    /// What was found.
    pub says: String,
    /// More of it, a line each.
    pub details: Vec<String>,
}

/// What something means for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nothing stands in the way.
    Good,
    /// It is not known, or may matter.
    Look,
    /// Something will be skipped, or inconclusive.
    Limits,
    /// Nothing can run.
    Stops,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Look => "look",
            Self::Limits => "limits",
            Self::Stops => "STOPS",
        }
    }
}

/// Scenarios that would not run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Skipped {
    /// Why.
    pub reason: String,
    /// Which, as what selects each.
    pub scenarios: Vec<String>,
}

/// How many reasons are shown in full.
const SHOWN: usize = 12;

impl Checkup {
    /// As text, for people.
    pub fn text(&self) -> String {
        let mut text = format!("{}, subject {}\n\n", self.address, self.subject);
        for check in &self.checks {
            let _ = writeln!(
                text,
                "{:<7} {:<14} {}",
                check.state.word(),
                check.topic,
                check.says
            );
            for detail in &check.details {
                let _ = writeln!(text, "{:23}{detail}", "");
            }
        }
        let skipped: usize = self
            .skipped
            .iter()
            .map(|skipped| skipped.scenarios.len())
            .sum();
        let _ = writeln!(
            text,
            "\n{} scenarios would run, {skipped} would be skipped",
            self.would_run
        );
        for Skipped { reason, scenarios } in self.skipped.iter().take(SHOWN) {
            let _ = writeln!(text, "{:>7} {reason}", scenarios.len());
        }
        if self.skipped.len() > SHOWN {
            let rest = self.skipped.len() - SHOWN;
            let _ = writeln!(
                text,
                "        and for {rest} other reasons; `-o json` has them all"
            );
        }
        text.push('\n');
        text.push_str(&self.last());
        text
    }

    fn last(&self) -> String {
        let judged = self.core - self.core_skipped.len();
        match self.prospect {
            Prospect::Ready => {
                format!("ready: all {} core behaviours would be judged\n", self.core)
            }
            Prospect::Partial => format!(
                "partial: {judged} of {} core behaviours would be judged; not {}\n",
                self.core,
                self.core_skipped.join(", ")
            ),
            Prospect::Impossible => {
                let stops = self
                    .checks
                    .iter()
                    .filter(|check| check.state == State::Stops);
                let topics: Vec<&str> = stops.map(|check| check.topic.as_str()).collect();
                format!("nothing can run: {}\n", topics.join(", "))
            }
        }
    }

    /// As JSON.
    pub fn json(&self) -> String {
        json::pretty(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkup_is_shown_a_line_a_check_and_says_last_what_it_comes_to() {
        let check = |topic: &str, state, details: &[&str]| Check {
            topic: topic.to_owned(),
            state,
            says: "so".to_owned(),
            details: details.iter().map(ToString::to_string).collect(),
        };
        let checkup = Checkup {
            stsspec: "0".to_owned(),
            address: "https://here".to_owned(),
            subject: "built-in".to_owned(),
            prospect: Prospect::Partial,
            checks: vec![
                check("version", State::Good, &[]),
                check("rights", State::Limits, &["more"]),
            ],
            would_run: 3,
            skipped: vec![Skipped {
                reason: "needs dns".to_owned(),
                scenarios: vec!["a".to_owned(), "b".to_owned()],
            }],
            core: 9,
            core_skipped: vec!["x".to_owned()],
        };
        assert_eq!(
            checkup.text(),
            "https://here, subject built-in\n\ngood    version        so\nlimits  rights         so\n                       more\n\n3 scenarios would run, 2 would be skipped\n      2 needs dns\n\npartial: 8 of 9 core behaviours would be judged; not x\n"
        );
        assert_eq!(
            serde_json::from_str::<Checkup>(&checkup.json()).ok(),
            Some(checkup)
        );
    }
}
