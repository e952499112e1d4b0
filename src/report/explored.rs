//! What exploring came to: how many schedules, and those that show a breach, each as short as it gets.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{Conclusion, json};

/// Schedules of operations and faults that were run.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Explored {
    /// Who was judged.
    pub subject: String,
    /// The first seed, and the one after the last.
    pub seeds: (u64, u64),
    /// How many schedules ran.
    pub schedules: usize,
    /// How many operations and faults they had.
    pub operations: usize,
    /// How many decisions the invariants judged.
    pub changes_judged: usize,
    /// Those that show a breach.
    pub broken: Vec<Broken>,
    /// Those that could not be decided.
    pub open: Vec<Open>,
    /// Somebody ended it early.
    pub interrupted: bool,
    /// How long it took, in seconds of real time.
    pub real_seconds: f64,
}

/// A schedule that shows a breach.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Broken {
    /// What it was drawn from.
    pub seed: u64,
    /// What was seen.
    pub why: String,
    /// How many operations it had.
    pub operations: usize,
    /// How many of them it takes.
    pub left: usize,
    /// The shortest one, as a scenario.
    pub scenario: String,
    /// The same, as commands.
    pub script: String,
}

/// A schedule that could not be decided.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Open {
    /// What it was drawn from.
    pub seed: u64,
    /// What got in the way.
    pub why: String,
}

impl Explored {
    /// What it comes to.
    pub fn conclusion(&self) -> Conclusion {
        match (
            self.interrupted,
            self.broken.is_empty(),
            self.open.is_empty(),
        ) {
            (true, ..) => Conclusion::Interrupted,
            (_, false, _) => Conclusion::NotConformant,
            (_, _, false) => Conclusion::Undecided,
            (_, true, true) => Conclusion::Conformant,
        }
    }

    /// As JSON.
    pub fn json(&self) -> String {
        json::pretty(self)
    }

    /// As a terminal shows it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for Broken {
            seed,
            why,
            operations,
            left,
            scenario,
            script,
        } in &self.broken
        {
            let _ = writeln!(
                text,
                "seed {seed} shows a breach; {left} of {operations} operations are enough\n{why}\n\n{scenario}\n{script}\nreplay: stsspec explore --seed {seed} --subject {}\n",
                self.subject
            );
        }
        for Open { seed, why } in &self.open {
            let _ = writeln!(text, "seed {seed} could not be decided: {why}");
        }
        let (first, end) = self.seeds;
        let _ = writeln!(
            text,
            "{} schedules (seeds {first} to {}), {} operations and faults, {} decisions judged in {:.1} s ({:.0} schedules a minute): {} broken, {} undecided, subject {}",
            self.schedules,
            end.saturating_sub(1),
            self.operations,
            self.changes_judged,
            self.real_seconds,
            self.schedules as f64 * 60.0 / self.real_seconds.max(0.001),
            self.broken.len(),
            self.open.len(),
            self.subject
        );
        text
    }
}
