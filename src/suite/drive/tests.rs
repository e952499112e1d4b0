//! What a run promises: the same outcome whatever the parallelism, an end for everything, panics kept apart.

use std::{panic, sync::atomic::AtomicUsize};

use futures::FutureExt as _;
use tokio::time::sleep;

use super::*;
use crate::suite::guard::{Guard, Limits};

/// What a scenario of these tests does, by its name.
struct Acts(Vec<Arc<Scenario>>);

impl Play for Acts {
    fn play<'a>(&'a self, place: usize, cancel: &'a mut Cancel) -> LocalBoxFuture<'a, Outcome> {
        async move {
            let scenario = &self.0[place];
            let mut guard = Guard::new(cancel, Limits::default());
            let verdict = match guard.run("the act", act(&scenario.name)).await {
                Ok(()) => Verdict::Passed,
                Err(verdict) => verdict,
            };
            Outcome::of(scenario, verdict)
        }
        .boxed_local()
    }

    fn alone(&self, place: usize) -> bool {
        self.0[place].name == "wants to be alone"
    }
}

async fn act(name: &str) {
    match name {
        "passes" => sleep(Duration::from_secs(3600)).await,
        "fails" => panic!("it fails"),
        "yields" | "wants to be alone" => tokio::task::yield_now().await,
        "waits for nothing" => futures::future::pending().await,
        "yields for ever" => loop {
            tokio::task::yield_now().await;
        },
        "blocks" => loop {
            thread::park();
        },
        "leaves a panic" => {
            let _ = tokio::spawn(async { panic!("in the background") }).await;
        }
        other => unreachable!("{other}"),
    }
}

fn run(names: &[&str], options: Options, interrupt: &Interrupt) -> Vec<String> {
    let scenarios: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(line, name)| {
            Arc::new(Scenario {
                line,
                name: (*name).to_owned(),
                ..Scenario::unknown()
            })
        })
        .collect();
    let mut told = Vec::new();
    let strays = drive(
        scenarios.clone(),
        Arc::new(Acts(scenarios)),
        options,
        interrupt,
        &mut |event| {
            if let Event::Finished(outcome) = event {
                told.push(format!(
                    "{} {}: {}",
                    outcome.scenario.line,
                    outcome.verdict.word(),
                    outcome.verdict.reason()
                ));
            }
        },
    );
    told.extend(
        strays
            .into_iter()
            .map(|caught| format!("stray {}", caught.message)),
    );
    told
}

fn isolated(threads: usize) -> Options {
    Options {
        mode: Mode::Isolated { threads },
        ..Options::default()
    }
}

#[test]
fn the_order_does_not_depend_on_parallelism() {
    let names = [
        "passes",
        "passes",
        "fails",
        "passes",
        "fails",
        "passes",
        "leaves a panic",
        "passes",
    ];
    for fail_fast in [false, true] {
        let of = |threads| {
            run(
                &names,
                Options {
                    fail_fast,
                    ..isolated(threads)
                },
                &Interrupt::default(),
            )
        };
        let expected = of(1);
        assert_eq!(expected[2], "2 failed: it fails");
        assert_eq!(
            expected[3].contains("not run: an earlier scenario failed"),
            fail_fast,
            "{expected:?}"
        );
        for threads in 2..20 {
            assert_eq!(of(threads), expected, "{threads} threads");
        }
    }
}

#[test]
fn a_wait_for_nothing_costs_no_real_time() {
    let told = run(
        &["waits for nothing", "passes"],
        isolated(1),
        &Interrupt::default(),
    );
    assert_eq!(
        told[0],
        "0 inconclusive: the act had not ended after 86400s of the scenario's clock"
    );
    assert_eq!(told[1], "1 passed: ");
}

#[test]
fn what_does_not_end_is_ended_and_the_run_goes_on() {
    let options = Options {
        real_limit: Duration::from_millis(250),
        grace: Duration::from_millis(250),
        ..isolated(2)
    };
    let told = run(
        &["yields for ever", "blocks", "passes"],
        options,
        &Interrupt::default(),
    );
    assert!(
        told[0].starts_with("0 inconclusive: it was stopped after 250ms of real time"),
        "{told:?}"
    );
    assert_eq!(
        told[1],
        "1 inconclusive: it blocks the thread, which was abandoned"
    );
    assert_eq!(told[2], "2 passed: ");
}

#[test]
fn who_runs_alone_runs_after_all_others() {
    let names = ["wants to be alone", "yields", "wants to be alone", "yields"];
    let scenarios = names.iter().enumerate().map(|(line, name)| {
        Arc::new(Scenario {
            line,
            name: (*name).to_owned(),
            ..Scenario::unknown()
        })
    });
    let scenarios: Vec<_> = scenarios.collect();
    let options = Options {
        mode: Mode::Shared { concurrency: 3 },
        ..Options::default()
    };
    let mut told = Vec::new();
    let mut tell = |event| match event {
        Event::Running(scenario) => told.push(format!("{} begins", scenario.line)),
        Event::Ended(scenario) => told.push(format!("{} ends", scenario.line)),
        _ => {}
    };
    let play = Arc::new(Acts(scenarios.clone()));
    drive(scenarios, play, options, &Interrupt::default(), &mut tell);
    assert_eq!(told[..2], ["1 begins", "3 begins"]);
    assert_eq!(told[4..], ["0 begins", "0 ends", "2 begins", "2 ends"]);
}

#[test]
fn scenarios_can_share_a_runtime_on_real_time() {
    let mode = Mode::Shared { concurrency: 3 };
    let options = Options {
        mode,
        real_limit: Duration::from_millis(200),
        ..Options::default()
    };
    let told = run(
        &["leaves a panic", "yields for ever", "fails"],
        options,
        &Interrupt::default(),
    );
    assert_eq!(
        (told[0].as_str(), told[2].as_str()),
        ("0 passed: ", "2 failed: it fails")
    );
    assert!(
        told[1].starts_with("1 inconclusive: it was stopped"),
        "{told:?}"
    );
    assert_eq!(told[3], "stray in the background");
}

#[test]
fn a_panic_in_the_background_takes_the_pass_away() {
    let told = run(&["leaves a panic"], isolated(1), &Interrupt::default());
    assert_eq!(
        told,
        ["0 inconclusive: a background task panicked: in the background"]
    );
}

#[test]
fn an_interrupt_ends_what_runs_and_begins_nothing() {
    let interrupt = Interrupt::default();
    interrupt.raise();
    let told = run(&["yields for ever", "passes"], isolated(1), &interrupt);
    assert!(told[0].contains("the run was interrupted"), "{told:?}");
    assert_eq!(told[1], "1 skipped: not run: the run was interrupted");
}

#[test]
fn other_threads_keep_the_hook_they_had() {
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    // A hook set later by somebody else sits in front of ours and chains to it, as here.
    run(&["passes"], isolated(1), &Interrupt::default());
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| match info.payload_as_str() {
        Some("outside") => drop(SEEN.fetch_add(1, Relaxed)),
        _ => previous(info),
    }));
    run(&["fails"], isolated(1), &Interrupt::default());
    assert!(thread::spawn(|| panic!("outside")).join().is_err());
    assert_eq!(SEEN.load(Relaxed), 1);
}
