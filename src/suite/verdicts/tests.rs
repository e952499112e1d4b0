use super::*;
use crate::{
    inventory,
    report::{Finding, Profile, Scenario, Violation},
};

/// A core behaviour of the controller that two invariants judge.
const ROW: &str = "ord-create-ascending";
const GATE: &str = "inv-create-ascending";

fn failed() -> Verdict {
    Verdict::Failed {
        message: "no".into(),
        location: None,
    }
}

fn outcome(behaviours: &[&str], verdict: Verdict) -> Outcome {
    let behaviours: Vec<String> = behaviours.iter().map(ToString::to_string).collect();
    let level = behaviours
        .iter()
        .filter_map(|id| inventory::embedded().behaviour(id))
        .map(|row| row.level)
        .max();
    let scenario = Scenario {
        chapter: "c".into(),
        path: "c/f".into(),
        behaviours,
        level: level.unwrap_or(Level::Core),
        ..Scenario::unknown()
    };
    Outcome {
        subject_writes: Some(3),
        ..Outcome::of(&scenario, verdict)
    }
}

fn with(
    mut outcome: Outcome,
    invariant: &str,
    strict: usize,
    windowed: usize,
    violated: usize,
) -> Outcome {
    let violation = Violation {
        expected: "a".into(),
        seen: "b".into(),
        slice: Vec::new(),
    };
    outcome.findings.push(Finding {
        invariant: invariant.into(),
        strict,
        windowed,
        vacuous: 0,
        violations: vec![violation; violated],
        undecided: Vec::new(),
        unattributed: Vec::new(),
    });
    outcome
}

fn report_of(outcomes: Vec<Outcome>, change: impl FnOnce(&mut Run)) -> Report {
    let mut run = Run {
        stsspec: String::new(),
        kubernetes: "1.37".into(),
        subject: "bundled".into(),
        party: Party::Controller,
        tier: "embedded".into(),
        target: String::new(),
        profile: Profile::All,
        seed: 1,
        features: None,
        selection: Vec::new(),
        tags: None,
        whole: false,
        place: None,
        reconciler: None,
        left: Vec::new(),
        real_seconds: 0.0,
    };
    change(&mut run);
    conclude(
        run,
        outcomes,
        Vec::new(),
        false,
        inventory::embedded(),
        &Excused::default(),
    )
}

fn report(outcomes: Vec<Outcome>) -> Report {
    report_of(outcomes, |_| {})
}

fn verdict(report: &Report, id: &str) -> Option<Word> {
    report.behaviour(id).map(|judged| judged.verdict)
}

#[test]
fn a_behaviour_fails_by_any_judge_and_passes_by_one() {
    let skipped = || outcome(&[ROW], Verdict::Skipped("x".into()));
    let inconclusive = || outcome(&[ROW], Verdict::Inconclusive("x".into()));
    let passed = || outcome(&[ROW], Verdict::Passed);
    for (outcomes, expected) in [
        (vec![passed(), skipped(), inconclusive()], Word::Passed),
        (vec![passed(), outcome(&[ROW], failed())], Word::Failed),
        (
            vec![passed(), with(outcome(&[], Verdict::Passed), GATE, 0, 0, 1)],
            Word::Failed,
        ),
        (vec![skipped(), inconclusive()], Word::Inconclusive),
        (vec![skipped()], Word::Skipped),
        (
            vec![
                inconclusive(),
                with(outcome(&[], Verdict::Passed), GATE, 0, 1, 0),
            ],
            Word::Passed,
        ),
    ] {
        let report = report(outcomes);
        assert_eq!(
            verdict(&report, ROW),
            Some(expected),
            "{:?}",
            report.scenarios
        );
    }
    assert_eq!(verdict(&report(Vec::new()), ROW), None);
}

#[test]
fn an_invariant_alone_passes_a_core_behaviour_only_strictly() {
    let of = |strict, windowed| {
        report(vec![with(
            outcome(&[], Verdict::Passed),
            GATE,
            strict,
            windowed,
            0,
        )])
    };
    assert_eq!(verdict(&of(1, 0), ROW), Some(Word::Passed));
    assert_eq!(verdict(&of(0, 5), ROW), Some(Word::Inconclusive));
    assert!(
        of(1, 0)
            .behaviour(ROW)
            .is_some_and(|judged| judged.by_invariants_alone)
    );
}

#[test]
fn what_happens_while_a_controller_does_nothing_passes_none_of_its_rows() {
    let mut idle = with(outcome(&[], Verdict::Passed), GATE, 2, 0, 0);
    idle.subject_writes = Some(0);
    assert_eq!(verdict(&report(vec![idle]), ROW), None);
}

#[test]
fn a_subject_answers_for_its_own_party_and_for_what_counts() {
    let gc = inventory::embedded()
        .behaviours()
        .iter()
        .find(|row| row.party == Party::Gc && row.level == Level::Core);
    let gc = gc.expect("there is one").id.as_str();
    let observed = inventory::embedded()
        .behaviours()
        .iter()
        .find(|row| row.level == Level::Observed && row.party == Party::Controller);
    let observed = observed.expect("there is one").id.as_str();
    let extended = inventory::embedded()
        .behaviours()
        .iter()
        .find(|row| row.level == Level::Extended && row.party == Party::Controller);
    let extended = extended.expect("there is one").id.as_str();
    let core_only = |run: &mut Run| run.profile = Profile::Core;
    let of_gc = |run: &mut Run| run.party = Party::Gc;
    let conclusion = |id: &str, change: &dyn Fn(&mut Run)| {
        report_of(vec![outcome(&[id], failed())], |run| change(run)).conclusion
    };
    assert_eq!(conclusion(ROW, &|_| {}), Conclusion::NotConformant);
    assert_eq!(conclusion(gc, &|_| {}), Conclusion::Undecided);
    assert_eq!(conclusion(gc, &of_gc), Conclusion::NotConformant);
    assert_eq!(conclusion(observed, &|_| {}), Conclusion::Conformant);
    assert_eq!(conclusion(extended, &|_| {}), Conclusion::NotConformant);
    assert_eq!(conclusion(extended, &core_only), Conclusion::Conformant);
    assert_eq!(conclusion(ROW, &core_only), Conclusion::NotConformant);
}

#[test]
fn a_violation_outweighs_what_could_not_be_decided_and_that_a_skip() {
    let skipped = outcome(&[ROW], Verdict::Skipped("x".into()));
    let unsure = outcome(&["ord-gated-available"], Verdict::Inconclusive("x".into()));
    let violated = with(
        outcome(&["ord-gated-running-ready"], Verdict::Passed),
        GATE,
        0,
        0,
        1,
    );
    let at =
        |outcomes: &[&Outcome]| report(outcomes.iter().map(|outcome| (*outcome).clone()).collect());
    let partial = at(&[&skipped]);
    assert_eq!(partial.conclusion, Conclusion::Partial);
    assert_eq!(
        partial.reasons,
        [format!(
            "partial: 0 of 1 core behaviours judged; skipped: {ROW}"
        )]
    );
    assert_eq!(at(&[&skipped, &unsure]).conclusion, Conclusion::Undecided);
    let worst = at(&[&skipped, &unsure, &violated]);
    assert_eq!(worst.conclusion, Conclusion::NotConformant);
    assert!(
        worst.reasons.contains(&format!("violated: {GATE}")),
        "{:?}",
        worst.reasons
    );
}

#[test]
fn an_invariant_that_judged_nothing_over_a_whole_run_leaves_it_undecided() {
    let outcomes = || vec![with(outcome(&[ROW], Verdict::Passed), GATE, 1, 0, 0)];
    assert_eq!(report(outcomes()).conclusion, Conclusion::Conformant);
    let whole = report_of(outcomes(), |run| run.whole = true);
    assert_eq!(whole.conclusion, Conclusion::Undecided);
    let vacuous: Vec<&str> = whole
        .invariants
        .iter()
        .filter(|count| count.unexpectedly_vacuous)
        .map(|count| count.id.as_str())
        .collect();
    assert!(
        !vacuous.contains(&GATE) && vacuous.contains(&"inv-budget"),
        "{vacuous:?}"
    );
}

#[test]
fn chapters_are_counted_in_the_order_of_the_features() {
    let report = report(vec![
        outcome(&[ROW], Verdict::Passed),
        outcome(&[ROW], failed()),
    ]);
    assert_eq!(
        report.chapters,
        [Chapter {
            name: "c".into(),
            counts: Counts {
                passed: 1,
                failed: 1,
                ..Counts::default()
            }
        }]
    );
}
