//! Golden reports, one per format, in `fixtures/reports`.

use std::{fs, path::PathBuf};

use super::*;
use crate::verdict::{Certificate, Verdict};

fn scenario(line: usize, name: &str) -> Scenario {
    Scenario {
        chapter: "ordering".into(),
        path: "ordering/startup".into(),
        line,
        feature: "Pods start in ordinal order".into(),
        rule: Some(
            "A pod is created only when every pod with a lower ordinal is Running and Ready".into(),
        ),
        name: name.into(),
        tags: vec!["ord-gated-running-ready".into()],
        behaviours: vec!["ord-gated-running-ready".into()],
        level: Level::Core,
        seed: 11,
    }
}

fn outcome(line: usize, name: &str, verdict: Verdict) -> Outcome {
    Outcome {
        scenario: scenario(line, name),
        verdict,
        step: None,
        took: Took {
            virtual_seconds: 61.5,
            real_seconds: 0.0125,
        },
        subject_writes: Some(7),
        findings: Vec::new(),
        slice: Vec::new(),
        panics: Vec::new(),
        certificates: Vec::new(),
        timelines: Vec::new(),
        inconclusive_before: Vec::new(),
        notes: Vec::new(),
    }
}

fn line(version: u64, object: &str, what: &str) -> Line {
    Line {
        version: Some(version),
        at: "00:00:03.000".into(),
        object: object.into(),
        what: what.into(),
    }
}

/// One of everything.
fn example() -> Report {
    let passed = outcome(
        8,
        "Startup continues once the pod is Ready",
        Verdict::Passed,
    );
    let message =
        "expected within 60 s: pod web-2 is not there; seen: web-2 was created at 00:00:03";
    let failed = Verdict::Failed {
        message: message.into(),
        location: Some("src/steps/pods.rs:40:9".into()),
    };
    let mut failed = outcome(
        14,
        "A pod that is not Ready holds back its successors",
        failed,
    );
    failed.step = Some((
        "Then pod \"web-2\" is never created while \"web-1\" is not Ready".into(),
        18,
    ));
    failed.slice = vec![
        line(40, "pod web-1", "added, Pending"),
        line(44, "pod web-2", "added, Pending"),
    ];
    failed.certificates = vec![Certificate {
        claims: vec!["web-0 stays as it is".into()],
        set: "web".into(),
        observed_generation: Some(2),
        pods: 2,
        ready: 1,
        held_seconds: 3600,
        changes: 3,
    }];
    failed.findings = vec![Finding {
        invariant: "inv-create-gate".into(),
        strict: 2,
        windowed: 0,
        vacuous: 1,
        violations: vec![Violation {
            expected: "web-1 is Running and Ready when web-2 is created".into(),
            seen: "web-1 was Pending & not <Ready>".into(),
            slice: vec!["      44  00:00:03  pod web-2 added".into()],
        }],
        undecided: Vec::new(),
        unattributed: Vec::new(),
    }];
    let skipped = outcome(
        20,
        "Quotas hold",
        Verdict::Skipped("needs quota, which the cluster does not offer".into()),
    );
    let undecided = outcome(
        26,
        "The world ends",
        Verdict::Inconclusive("the cluster answered: gone".into()),
    );
    let counts = Counts {
        passed: 1,
        failed: 1,
        skipped: 1,
        inconclusive: 1,
    };
    Report {
        format: FORMAT,
        run: Run {
            stsspec: "0.1.0".into(),
            kubernetes: "1.37".into(),
            subject: "mutant:no-create-gate".into(),
            party: Party::Controller,
            tier: "embedded".into(),
            target: "apps/v1 StatefulSet".into(),
            profile: Profile::All,
            seed: 7,
            features: None,
            selection: vec!["ordering".into()],
            tags: None,
            whole: false,
            place: None,
            reconciler: None,
            left: Vec::new(),
            real_seconds: 0.25,
        },
        conclusion: Conclusion::NotConformant,
        reasons: vec!["1 core behaviour fails: ord-gated-running-ready".into()],
        chapters: vec![Chapter {
            name: "ordering".into(),
            counts,
        }],
        scenarios: vec![passed, failed, skipped, undecided],
        invariants: vec![
            InvariantCount {
                id: "inv-create-gate".into(),
                statement: "The gate holds.".into(),
                strict: 2,
                windowed: 0,
                vacuous: 1,
                violated: 1,
                unexpectedly_vacuous: false,
                excused: false,
            },
            InvariantCount {
                id: "inv-budget".into(),
                statement: "The budget holds.".into(),
                strict: 0,
                windowed: 0,
                vacuous: 4,
                violated: 0,
                unexpectedly_vacuous: false,
                excused: false,
            },
        ],
        behaviours: vec![Judged {
            id: "ord-gated-running-ready".into(),
            party: Party::Controller,
            level: Level::Core,
            verdict: Word::Failed,
            because: vec!["ordering/startup:14".into(), "inv-create-gate".into()],
            by_invariants_alone: false,
        }],
        stray_panics: Vec::new(),
    }
}

/// The text in `fixtures/reports`; written anew where `STSSPEC_GOLDEN` says so.
fn golden(file: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/reports")
        .join(file);
    if std::env::var_os("STSSPEC_GOLDEN").is_some() {
        fs::write(&path, text).expect("fixtures can be written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == text,
        "{} differs; STSSPEC_GOLDEN=1 writes it anew. Now:\n{text}",
        path.display()
    );
}

#[test]
fn each_form_of_a_matrix_looks_as_it_did() {
    let matrix = matrix::example();
    let read: matrix::Matrix = serde_json::from_str(&matrix::render(&matrix, matrix::Form::Json))
        .expect("JSON is the data");
    assert_eq!(read, matrix);
    for (form, file) in [
        (matrix::Form::Text, "matrix.txt"),
        (matrix::Form::Markdown, "matrix.md"),
        (matrix::Form::Html, "matrix.html"),
    ] {
        golden(file, &matrix::render(&matrix, form));
    }
    golden("unearned.txt", &matrix.unearned_text());
}

#[test]
fn each_format_looks_as_it_did() {
    let report = example();
    for (file, format) in [
        ("report.json", Format::Json),
        ("report.junit.xml", Format::Junit),
        ("report.txt", Format::Text),
    ] {
        golden(file, &render(&report, format));
    }
}

#[test]
fn json_gives_the_same_report_back() {
    let report = example();
    let back: Report = serde_json::from_str(&render(&report, Format::Json)).expect("a report");
    assert_eq!(back, report);
}

#[test]
fn a_format_that_is_not_there_is_refused_with_those_that_are() {
    let error = "yaml".parse::<Format>().expect_err("there is none");
    assert_eq!(
        error,
        "there is no report format \"yaml\"; there are json, junit, text, timelines"
    );
}

#[test]
#[should_panic(expected = "not conformant: 1 of 4 scenarios passed")]
fn a_report_that_is_not_conformant_fails_its_test_with_all_it_says() {
    example().assert_conformant();
}
