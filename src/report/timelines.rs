//! The timelines of a run in one file, and what two of such files differ in.
//!
//! A line for each scenario that passed, with its path and its name, and below it the timelines of its sets; scenarios of
//! the same name in one file are numbered.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use serde::Deserialize;

use super::Report;
use crate::{
    evidence::timeline::{Difference, Timeline, Unreadable, compare},
    verdict::Verdict,
};

/// Timelines by scenario.
pub type Told = BTreeMap<String, Vec<Timeline>>;

/// The timelines of the scenarios that passed.
pub fn of(report: &Report) -> Told {
    let mut told = Told::new();
    let mut met: BTreeMap<String, usize> = BTreeMap::new();
    for outcome in &report.scenarios {
        let name = format!("{}: {}", outcome.scenario.path, outcome.scenario.name);
        let count = met.entry(name.clone()).or_default();
        *count += 1;
        let name = match *count {
            1 => name,
            count => format!("{name} ({count})"),
        };
        if outcome.verdict == Verdict::Passed {
            told.insert(name, outcome.timelines.clone());
        }
    }
    told
}

pub(super) fn render(report: &Report) -> String {
    text(&of(report))
}

/// Timelines as [`read`] reads them.
pub fn text(told: &Told) -> String {
    let mut text = String::new();
    for (scenario, timelines) in told.iter().filter(|(_, timelines)| !timelines.is_empty()) {
        let _ = writeln!(text, "{scenario}");
        for timeline in timelines {
            let _ = write!(text, "{timeline}");
        }
    }
    text
}

/// Reads timelines; lines that begin with `#` say nothing.
///
/// # Errors
///
/// A line that is none.
pub fn read(text: &str) -> Result<Told, Unreadable> {
    let lines: Vec<&str> = text.lines().collect();
    let is_name = |line: &str| !line.starts_with(' ') && !line.starts_with('#') && !line.is_empty();
    let mut told = Told::new();
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| is_name(line)) {
        let of_it = lines[number + 1..]
            .iter()
            .take_while(|line| line.starts_with(' '));
        let of_it: Vec<&str> = of_it.copied().collect();
        told.insert((*line).to_owned(), Timeline::read(&of_it, number + 2)?);
    }
    Ok(told)
}

/// A scenario whose course the specification does not decide, as somebody has found out: it is not compared.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// The scenario, as [`text`] names it.
    pub at: String,
    /// Why it may differ.
    pub reason: String,
}

/// What two runs of the same scenarios differ in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// How many scenarios both have, without those that are left out.
    pub compared: usize,
    /// First differences by scenario.
    pub differ: Vec<(String, Difference)>,
    /// Scenarios that are left out because they are known to differ.
    pub known: Vec<String>,
    /// Names of scenarios to be left out that neither has.
    pub nowhere: Vec<String>,
    /// Scenarios that only one of them has.
    pub alone: Vec<String>,
}

impl Comparison {
    /// Compares scenario by scenario.
    pub fn of(one: &Told, other: &Told, known: &[Known]) -> Self {
        let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
        let is_nowhere = |known: &&Known| !names.contains(&known.at);
        let mut comparison = Self {
            nowhere: (known.iter().filter(is_nowhere))
                .map(|known| known.at.clone())
                .collect(),
            ..Self::default()
        };
        for name in names {
            if known.iter().any(|known| known.at == *name) {
                comparison.known.push(name.clone());
                continue;
            }
            let (Some(ones), Some(others)) = (one.get(name), other.get(name)) else {
                comparison.alone.push(name.clone());
                continue;
            };
            comparison.compared += 1;
            let differences = compare(ones, others).into_iter();
            let named = differences.map(|found| (name.clone(), found));
            comparison.differ.extend(named);
        }
        comparison
    }

    /// Nothing differs, and all that is left out is there.
    pub fn agrees(&self) -> bool {
        self.differ.is_empty() && self.nowhere.is_empty()
    }

    /// Every difference with both sides, and the counts.
    pub fn text(&self, one: &str, other: &str) -> String {
        let mut text = String::new();
        let mut last = "";
        for (scenario, difference) in &self.differ {
            if last != scenario {
                let _ = writeln!(text, "{scenario}");
            }
            last = scenario;
            let Difference {
                set,
                at,
                one: this,
                other: that,
            } = difference;
            let _ = writeln!(
                text,
                "  {set}: {at}\n    {one}: {this}\n    {other}: {that}"
            );
        }
        for name in &self.nowhere {
            let _ = writeln!(text, "{name}\n  is known to differ, and is not there");
        }
        let scenarios: BTreeSet<&String> = self.differ.iter().map(|(name, _)| name).collect();
        let _ = write!(
            text,
            "{} scenarios compared, {} differ",
            self.compared,
            scenarios.len()
        );
        for (count, what) in [
            (self.known.len(), "are known to"),
            (self.alone.len(), "are on one side alone"),
        ] {
            if count > 0 {
                let _ = write!(text, ", {count} {what}");
            }
        }
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "ordering/startup: One after the other\n  web, OrderedReady\n    set: created\n    pod web-0: created from 1, Ready\n    pod web-1: created from 1, Ready\n";

    fn told(text: &str) -> Told {
        read(text).expect("timelines")
    }

    #[test]
    fn what_is_written_is_read_again() {
        assert_eq!(text(&told(ONE)), ONE);
        assert_eq!(text(&told(&format!("# Recorded.\n{ONE}"))), ONE);
        let error = read(&format!("{ONE}    pod web-1: flew away\n")).expect_err("no such event");
        assert_eq!(
            error.to_string(),
            "line 6: \"    pod web-1: flew away\" is no line of a timeline"
        );
    }

    #[test]
    fn a_difference_is_told_with_both_sides_unless_it_is_known() {
        let early = ONE.replace(
            "created from 1, Ready\n    pod web-1: created from 1, Ready",
            "created from 1\n    pod web-1: created from 1, Ready\n    pod web-0: Ready",
        );
        let comparison = Comparison::of(&told(ONE), &told(&early), &[]);
        assert_eq!(
            comparison.text("real", "embedded"),
            "ordering/startup: One after the other\n  web: pod web-0 Ready and pod web-1 created from 1\n    real: in this order\n    embedded: the other way round\n1 scenarios compared, 1 differ\n"
        );
        let known = [Known {
            at: "ordering/startup: One after the other".into(),
            reason: "for the test".into(),
        }];
        let comparison = Comparison::of(&told(ONE), &told(&early), &known);
        assert!(comparison.agrees() && comparison.known.len() == 1);
        let gone = Comparison::of(&Told::new(), &Told::new(), &known);
        assert!(!gone.agrees(), "what is listed has to be there");
    }
}
