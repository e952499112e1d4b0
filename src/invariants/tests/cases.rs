use std::collections::BTreeMap;

use super::tale::{Place, Teller, rollouts};
use crate::{
    evidence::Evidence,
    invariants::{Finding, Outcome, all, judge},
    manifest,
};

/// One history, and what a rule says of it.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    rule: String,
    /// `held`, `violated`, `undecided` or `vacuous`.
    outcome: String,
    /// How often it was judged strictly and within a window, where that matters.
    strict: Option<usize>,
    windowed: Option<usize>,
    /// Other rules that it breaks.
    #[serde(default)]
    breaks: Vec<String>,
    #[serde(default)]
    place: Place,
    tale: Vec<String>,
}

fn outcome(finding: &Finding) -> &'static str {
    match finding.outcome() {
        Outcome::Held => "held",
        Outcome::Violated => "violated",
        Outcome::Undecided => "undecided",
        Outcome::Vacuous => "vacuous",
    }
}

fn evidence(case: Case) -> Evidence {
    let mut teller = Teller::new(case.place);
    case.tale.iter().for_each(|line| teller.tell(line));
    teller.evidence()
}

fn cases() -> Vec<(String, Case)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/histories");
    let entries = std::fs::read_dir(folder).expect("the histories");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap_or_default().display().to_string();
        let text = std::fs::read_to_string(&path).expect("text");
        (
            name.clone(),
            manifest::read(&name, &text).unwrap_or_else(|error| panic!("{error}")),
        )
    };
    paths.into_iter().map(read).collect()
}

#[test]
fn every_history_is_judged_as_it_says() {
    let mut wrong = Vec::new();
    for (name, case) in cases() {
        let (rule, wanted, breaks) = (case.rule.clone(), case.outcome.clone(), case.breaks.clone());
        let counts = (case.strict, case.windowed);
        let findings = judge(&evidence(case));
        for finding in &findings {
            let id = &finding.invariant.id;
            let fits = if *id == rule {
                outcome(finding) == wanted
                    && counts.0.is_none_or(|strict| strict == finding.strict)
                    && counts.1.is_none_or(|windowed| windowed == finding.windowed)
            } else {
                (finding.outcome() == Outcome::Violated) == breaks.contains(id)
            };
            if !fits {
                let seen = finding.violations.iter().map(|violation| {
                    format!(
                        "\n    {}\n      {}",
                        violation.seen,
                        violation.slice.join("\n      ")
                    )
                });
                wrong.push(format!(
                    "{name}: {id} is {}, {} strict, {} windowed {:?}{}",
                    outcome(finding),
                    finding.strict,
                    finding.windowed,
                    (&finding.undecided, &finding.unattributed),
                    seen.collect::<String>()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_history_that_keeps_it_and_one_that_breaks_it() {
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, case) in cases() {
        seen.entry(case.rule).or_default().push(case.outcome);
    }
    for invariant in all() {
        let outcomes = seen.get(&invariant.id).map_or(&[][..], Vec::as_slice);
        for wanted in ["held", "violated"] {
            assert!(
                outcomes.iter().any(|outcome| outcome == wanted),
                "{} has no history that is {wanted}",
                invariant.id
            );
        }
    }
}

#[test]
fn an_evidence_is_read_back_as_it_was() {
    for (name, case) in cases().into_iter().take(5) {
        let evidence = evidence(case);
        let text = serde_json::to_string(&evidence).expect("JSON");
        let read: Evidence = serde_json::from_str(&text).expect("an evidence");
        assert_eq!(serde_json::to_string(&read).expect("JSON"), text, "{name}");
        let verdicts =
            |evidence: &Evidence| judge(evidence).iter().map(outcome).collect::<Vec<_>>();
        assert_eq!(verdicts(&read), verdicts(&evidence), "{name}");
    }
}

#[test]
fn a_long_history_that_keeps_the_rules_violates_none() {
    let evidence = rollouts(300);
    assert!(evidence.history.changes().len() >= 300);
    let findings = judge(&evidence);
    let violated: Vec<_> = findings
        .iter()
        .filter(|finding| !finding.violations.is_empty())
        .collect();
    assert!(violated.is_empty(), "{violated:?}");
}
