//! What the rules say of histories that nobody made for them: of a file, or of a cluster that was only watched.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::{Deserialize, Serialize};

use super::{Conclusion, Finding, Violation, json};

/// What was judged, and what it comes to.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Judgement {
    /// The version of stsspec.
    pub stsspec: String,
    /// Where the history is from: a file, or a cluster and its namespaces.
    pub source: String,
    /// The version of Kubernetes whose rules count.
    pub kubernetes: String,
    /// Sets that were seen, as `namespace/name`.
    pub sets: Vec<String>,
    /// How many changes were judged.
    pub changes: usize,
    /// In how many stretches, each by itself.
    pub stretches: usize,
    /// From when to when.
    pub span: Option<(String, String)>,
    /// What it comes to.
    pub conclusion: Conclusion,
    /// What one should know of it: what was not seen, or could not be known.
    pub notes: Vec<String>,
    /// Every rule.
    pub rules: Vec<Rule>,
}

/// What a rule came to over all stretches.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Rule {
    /// What it says.
    pub statement: String,
    /// It counts: a breach of it makes the history one that does not conform.
    pub counts: bool,
    /// The sums of what was found.
    #[serde(flatten)]
    pub finding: Finding,
}

impl Rule {
    fn word(&self) -> &'static str {
        match self {
            rule if !rule.finding.violations.is_empty() => "violated",
            rule if !rule.finding.undecided.is_empty() => "undecided",
            rule if !rule.finding.unattributed.is_empty() => match rule.finding.decided() {
                true => "undecided",
                false => "not judged",
            },
            rule if rule.finding.decided() => "held",
            _ => "no occasion",
        }
    }
}

/// What rules make of it together: a breach outweighs what is undecided, and that what was judged.
pub fn conclude(rules: &[Rule]) -> Conclusion {
    let counted = || rules.iter().filter(|rule| rule.counts);
    let is = |word: &str| counted().any(|rule| rule.word() == word);
    match () {
        () if is("violated") => Conclusion::NotConformant,
        () if is("undecided") || !is("held") => Conclusion::Undecided,
        () => Conclusion::Conformant,
    }
}

/// A breach in lines, as soon as it is found.
pub fn breach(rule: &str, violation: &Violation) -> String {
    let mut text = format!(
        "violated {rule}: {}\n  seen   {}\n",
        violation.expected, violation.seen
    );
    for line in &violation.slice {
        let _ = writeln!(text, "  {line}");
    }
    text
}

impl Judgement {
    /// As text, for people.
    pub fn text(&self) -> String {
        let mut text = format!("{}, rules of Kubernetes {}\n", self.source, self.kubernetes);
        if let Some((from, to)) = &self.span {
            let _ = writeln!(text, "from {from} to {to}");
        }
        for note in &self.notes {
            let _ = writeln!(text, "note: {note}");
        }
        text.push('\n');
        for rule in &self.rules {
            for violation in &rule.finding.violations {
                text.push_str(&breach(&rule.finding.invariant, violation));
                text.push('\n');
            }
        }
        let judged = |rule: &&Rule| matches!(rule.word(), "held" | "violated" | "undecided");
        for rule in self.rules.iter().filter(judged) {
            let finding = &rule.finding;
            let _ = writeln!(
                text,
                "{:<10} {:<30} {:>6} strictly {:>6} in a window",
                rule.word(),
                finding.invariant,
                finding.strict,
                finding.windowed
            );
            if finding.violations.is_empty() {
                for why in finding.undecided.iter().chain(&finding.unattributed) {
                    let _ = writeln!(text, "           {why}");
                }
            }
        }
        self.unjudged(&mut text);
        text.push_str(&self.last());
        text
    }

    fn unjudged(&self, text: &mut String) {
        let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for rule in self.rules.iter().filter(|rule| rule.word() == "not judged") {
            if let Some(why) = rule.finding.unattributed.first() {
                let ids = reasons.entry(why).or_default();
                ids.push(&rule.finding.invariant);
            }
        }
        for (reason, ids) in reasons {
            let _ = writeln!(text, "not judged, because {reason}: {}", ids.join(", "));
        }
        let idle = self
            .rules
            .iter()
            .filter(|rule| rule.word() == "no occasion");
        let ids: Vec<&str> = idle.map(|rule| rule.finding.invariant.as_str()).collect();
        if !ids.is_empty() {
            let _ = writeln!(text, "no occasion: {}", ids.join(", "));
        }
    }

    fn last(&self) -> String {
        let word = match self.conclusion {
            Conclusion::Conformant => "conformant",
            Conclusion::NotConformant => "not conformant",
            _ => "undecided",
        };
        let parts = match self.stretches {
            0 | 1 => String::new(),
            many => format!(" in {many} stretches"),
        };
        format!(
            "\n{word}: {} changes of {} sets judged{parts}\n",
            self.changes,
            self.sets.len()
        )
    }

    /// As JSON.
    pub fn json(&self) -> String {
        json::pretty(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(
        counts: bool,
        strict: usize,
        violated: bool,
        undecided: &[&str],
        unattributed: &[&str],
    ) -> Rule {
        let violation = Violation {
            expected: "so".into(),
            seen: "not so".into(),
            slice: vec!["line".into()],
        };
        Rule {
            statement: "so".to_owned(),
            counts,
            finding: Finding {
                invariant: "inv-a".to_owned(),
                strict,
                windowed: 0,
                vacuous: 0,
                violations: violated.then_some(violation).into_iter().collect(),
                undecided: undecided.iter().map(ToString::to_string).collect(),
                unattributed: unattributed.iter().map(ToString::to_string).collect(),
            },
        }
    }

    #[test]
    fn a_breach_outweighs_what_is_undecided_and_what_nobody_can_know_weighs_nothing() {
        let (held, broken) = (
            rule(true, 1, false, &[], &[]),
            rule(true, 1, true, &[], &[]),
        );
        let gap = rule(true, 1, false, &["a gap"], &[]);
        let unknown = rule(true, 0, false, &[], &["who"]);
        let doubted = rule(true, 1, false, &[], &["who"]);
        let remark = rule(false, 1, true, &[], &[]);
        for (rules, conclusion) in [
            (vec![held.clone(), unknown.clone()], Conclusion::Conformant),
            (vec![held.clone(), remark], Conclusion::Conformant),
            (vec![held.clone(), gap.clone()], Conclusion::Undecided),
            (vec![gap, broken], Conclusion::NotConformant),
            (vec![held, doubted], Conclusion::Undecided),
            (vec![unknown], Conclusion::Undecided),
            (vec![], Conclusion::Undecided),
        ] {
            assert_eq!(conclude(&rules), conclusion, "{rules:?}");
        }
    }

    #[test]
    fn a_judgement_is_shown_breaches_first() {
        let judgement = Judgement {
            stsspec: "0".into(),
            source: "a file".into(),
            kubernetes: "1.37".into(),
            sets: vec!["a/web".into()],
            changes: 3,
            stretches: 1,
            span: None,
            conclusion: Conclusion::NotConformant,
            notes: vec!["known".into()],
            rules: vec![
                rule(true, 1, true, &[], &[]),
                rule(true, 0, false, &[], &["it is not known"]),
            ],
        };
        assert_eq!(
            judgement.text(),
            "a file, rules of Kubernetes 1.37\nnote: known\n\nviolated inv-a: so\n  seen   not so\n  line\n\nviolated   inv-a                               1 strictly      0 in a window\nnot judged, because it is not known: inv-a\n\nnot conformant: 3 changes of 1 sets judged\n"
        );
        assert_eq!(
            serde_json::from_str::<Judgement>(&judgement.json()).ok(),
            Some(judgement)
        );
    }
}
