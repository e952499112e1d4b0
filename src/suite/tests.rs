//! What the library promises: an end for every subject, the same run from the same seed, nothing for nobody.

use super::*;
use crate::{
    inventory::Level,
    report::{Conclusion, ListedBehaviour, Word},
    verdict::Verdict,
};

/// The chapter's first feature, as far as it goes in little time.
const PART: &str = "ordering/startup";

fn only(report: &Report) -> &Outcome {
    report.scenarios.first().expect("something was selected")
}

fn first_scenario() -> String {
    let listed = Suite::of(Subject::None)
        .select(PART)
        .list()
        .expect("the features can be read");
    listed[0].id.clone()
}

#[test]
fn a_subject_that_keeps_its_thread_busy_is_ended_and_proves_nothing() {
    let busy = |_| async {
        loop {
            tokio::task::yield_now().await;
        }
    };
    let report = Suite::new(busy)
        .select(first_scenario())
        .real_limit(Duration::from_millis(300))
        .run();
    let outcome = only(&report);
    assert!(
        matches!(&outcome.verdict, Verdict::Inconclusive(why) if why.starts_with("it was stopped after 300ms")),
        "{outcome:#?}"
    );
    assert_eq!(report.conclusion, Conclusion::Undecided);
}

#[test]
fn a_subject_that_panics_is_told_by_its_panic() {
    let report = Suite::new(|_| async { panic!("the controller fell over") })
        .select(first_scenario())
        .run();
    let outcome = only(&report);
    assert!(
        matches!(outcome.verdict, Verdict::Failed { .. }),
        "{outcome:#?}"
    );
    assert!(
        outcome
            .panics
            .iter()
            .any(|caught| caught.message == "the controller fell over"),
        "{outcome:#?}"
    );
    assert!(
        outcome
            .notes
            .iter()
            .any(|note| note.starts_with("the subject ended by itself")),
        "{outcome:#?}"
    );
}

#[test]
fn the_same_seed_gives_the_same_report() {
    let run = |threads, seed| {
        let mut report = Suite::of(Subject::Bundled)
            .select(PART)
            .seed(seed)
            .parallel(threads)
            .run();
        report.run.real_seconds = 0.0;
        report
            .scenarios
            .iter_mut()
            .for_each(|outcome| outcome.took.real_seconds = 0.0);
        report
    };
    assert_eq!(run(1, 7), run(3, 7));
}

#[test]
fn nobody_passes_nothing_of_a_controller() {
    let report = Suite::of(Subject::None).select(PART).run();
    assert_eq!(report.conclusion, Conclusion::NotConformant);
    let passed: Vec<_> = report
        .behaviours
        .iter()
        .filter(|row| row.verdict == Word::Passed)
        .collect();
    assert!(passed.is_empty(), "{passed:#?}");
}

#[test]
fn every_behaviour_is_judged_or_says_why_not() {
    let rows = Suite::of(Subject::None)
        .list_behaviours()
        .expect("the features can be read");
    let (judged, unjudged): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.is_judged());
    let ids = |rows: &[&ListedBehaviour], excused: bool| -> Vec<String> {
        let rows = rows.iter().map(|row| &row.behaviour);
        let rows = rows.filter(|row| row.unjudged.is_some() == excused);
        rows.map(|row| row.id.clone()).collect()
    };
    assert_eq!(ids(&unjudged, false), [""; 0], "nothing judges these");
    assert_eq!(ids(&judged, true), [""; 0], "these are judged after all");
    let core = unjudged
        .iter()
        .filter(|row| row.behaviour.level == Level::Core);
    assert!(core.count() <= 10, "too many core rows are excused");
}
