//! JUnit's XML, as continuous integration systems read it: a test suite per feature file, and one for the invariants.

use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::{Outcome, Report, terminal};
use crate::verdict::Verdict;

pub(super) fn render(report: &Report) -> String {
    let mut xml = quick_junit::Report::new("stsspec");
    xml.set_time(Duration::from_secs_f64(report.run.real_seconds));
    let mut suites: Vec<TestSuite> = Vec::new();
    for outcome in &report.scenarios {
        if suites
            .last()
            .is_none_or(|suite| suite.name.as_str() != outcome.scenario.path)
        {
            let mut suite = TestSuite::new(&outcome.scenario.path);
            suite.add_property(("subject", report.run.subject.as_str()));
            suite.add_property(("seed", report.run.seed.to_string().as_str()));
            suites.push(suite);
        }
        let suite = suites
            .last_mut()
            .expect("one was just added if there was none");
        suite.add_test_case(case(report, outcome));
    }
    for suite in &mut suites {
        let time = suite.test_cases.iter().filter_map(|case| case.time).sum();
        suite.set_time(time);
    }
    suites.push(invariants(report));
    xml.add_test_suites(suites);
    xml.to_string().expect("what quick-junit writes is text")
}

fn case(report: &Report, outcome: &Outcome) -> TestCase {
    let scenario = &outcome.scenario;
    let of = |kind, ty: &str, reason: &str| {
        let mut status = TestCaseStatus::non_success(kind);
        status
            .set_type(ty)
            .set_message(reason)
            .set_description(terminal::failure(report, outcome));
        status
    };
    let status = match &outcome.verdict {
        Verdict::Passed => TestCaseStatus::success(),
        Verdict::Failed { message, .. } => of(NonSuccessKind::Failure, "failed", message),
        Verdict::Inconclusive(reason) => of(NonSuccessKind::Error, "inconclusive", reason),
        Verdict::Skipped(reason) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason);
            status
        }
    };
    let mut case = TestCase::new(&scenario.name, status);
    case.set_classname(scenario.path.replace('/', "."));
    case.set_time(Duration::from_secs_f64(outcome.took.real_seconds));
    case.add_property(("place", scenario.place().as_str()));
    case.add_property(("behaviours", scenario.behaviours.join(" ").as_str()));
    case
}

fn invariants(report: &Report) -> TestSuite {
    let mut suite = TestSuite::new("invariants");
    for count in &report.invariants {
        let status = match (count.violated, count.strict + count.windowed) {
            (0, 0) => {
                let mut status = TestCaseStatus::skipped();
                status.set_message("its premise never arose");
                status
            }
            (0, _) => TestCaseStatus::success(),
            _ => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status
                    .set_type("violated")
                    .set_message(&count.statement)
                    .set_description(terminal::violations_of(report, &count.id));
                status
            }
        };
        let mut case = TestCase::new(&count.id, status);
        case.set_classname("invariants");
        suite.add_test_case(case);
    }
    suite
}
