//! What the enumeration of a small scope came to: how many ways there are through it, and those that show a breach.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{Conclusion, json};

/// How many of the ways that show a breach are told in full.
const TOLD: usize = 3;

/// All ways through a small scope.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Exhausted {
    /// Who was judged.
    pub subject: String,
    /// How many pods sets had at most.
    pub replicas: i32,
    /// How many operations there are.
    pub operations: usize,
    /// How many writes the controller made in them, undisturbed.
    pub writes: usize,
    /// Crashes: before and after each of those.
    pub crashes: usize,
    /// Pods that stop being Ready: each, before and after each of those, until nothing moves any more.
    pub flips: usize,
    /// The same, until before and after each write that follows.
    pub flips_within: usize,
    /// How many decisions the invariants judged.
    pub changes_judged: usize,
    /// Those that show a breach.
    pub broken: Vec<Way>,
    /// Those that could not be decided.
    pub open: Vec<Way>,
    /// Somebody ended it early.
    pub interrupted: bool,
    /// How long it took, in seconds of real time.
    pub real_seconds: f64,
}

/// A way through an operation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Way {
    /// The operation, and what befell it.
    pub what: String,
    /// What was seen, or what got in the way.
    pub why: String,
    /// The scenario that does it again.
    pub scenario: String,
}

impl Exhausted {
    /// How many ways were gone.
    pub fn ways(&self) -> usize {
        self.operations + self.crashes + self.flips + self.flips_within
    }

    /// What it comes to.
    pub fn conclusion(&self) -> Conclusion {
        match (self.interrupted, &self.broken[..], &self.open[..]) {
            (true, ..) => Conclusion::Interrupted,
            (_, [_, ..], _) => Conclusion::NotConformant,
            (_, _, [_, ..]) => Conclusion::Undecided,
            (_, [], []) => Conclusion::Conformant,
        }
    }

    /// As JSON.
    pub fn json(&self) -> String {
        json::pretty(self)
    }

    /// As a terminal shows it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for way in self.broken.iter().take(TOLD) {
            let Way {
                what,
                why,
                scenario,
            } = way;
            let _ = writeln!(text, "{what}\n{why}\n\n{scenario}");
        }
        for Way { what, .. } in self.broken.iter().skip(TOLD) {
            let _ = writeln!(text, "{what}: shows a breach");
        }
        for Way { what, why, .. } in &self.open {
            let _ = writeln!(text, "{what}: could not be decided: {why}");
        }
        let _ = writeln!(
            text,
            "{} ways: {} operations on sets of up to {} pods with {} writes of the controller; {} crashes, before and after each of them; {} flips of a pod's readiness from there on, {} of them back in between",
            self.ways(),
            self.operations,
            self.replicas,
            self.writes,
            self.crashes,
            self.flips + self.flips_within,
            self.flips_within,
        );
        let _ = writeln!(
            text,
            "{} decisions judged in {:.1} s ({:.0} ways a minute): {} broken, {} undecided, subject {}",
            self.changes_judged,
            self.real_seconds,
            self.ways() as f64 * 60.0 / self.real_seconds.max(0.001),
            self.broken.len(),
            self.open.len(),
            self.subject
        );
        text
    }
}
