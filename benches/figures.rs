//! The figures of the embedded tier: medians of several runs, and the memory that it took at most.
//!
//! `cargo bench` prints them on a release build, `cargo bench --profile dev` on a debug build.

use std::{
    env, fs,
    process::Command,
    time::{Duration, Instant},
};

#[path = "../src/invariants/tests/tale.rs"]
mod tale;

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, api::ListParams};
use stsspec::{
    clock::Clock,
    cluster::{
        Cluster as _,
        embedded::{Embedded, Options},
    },
    evidence::{self, Evidence},
    invariants, k8s_openapi, kube, sets,
    suite::{Subject, Suite},
};

fn main() {
    // `cargo test --benches` asks only whether it runs at all.
    if env::args().any(|argument| argument == "--test") {
        return;
    }
    if env::args().any(|argument| argument == "--one-run") {
        let report = whole().0;
        println!("{} {}", peak_kib(), report.scenarios.len());
        return;
    }
    println!("{:<44} {:>10} {:>10}", "figure, median", "is", "to reach");
    print(
        "embedded cluster, start to first request",
        median(30, start_to_first_request),
        "5 ms",
    );
    let mut scenarios: Vec<f64> = Vec::new();
    let run = median(5, || {
        let (report, took) = whole();
        scenarios.extend(
            report
                .scenarios
                .iter()
                .map(|outcome| outcome.took.real_seconds),
        );
        took
    });
    print("one scenario", middle(&mut scenarios), "5 ms");
    print(
        "the whole specification",
        run,
        if cfg!(debug_assertions) { "3 s" } else { "1 s" },
    );
    judging();
    // In a process of its own: the runs before have left their mark on this one.
    let own = env::current_exe().expect("a bench knows its own path");
    let output = Command::new(own)
        .arg("--one-run")
        .output()
        .expect("a bench can be run again");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut words = text.split_whitespace();
    let kib: f64 = words
        .next()
        .and_then(|word| word.parse().ok())
        .unwrap_or(f64::NAN);
    println!(
        "{:<44} {:>7.1} MB {:>10}",
        "peak memory of that run",
        kib / 1000.0,
        "200 MB"
    );
    println!(
        "{:<44} {:>10}",
        "scenarios in it",
        words.next().unwrap_or("?")
    );
}

fn print(what: &str, seconds: f64, to_reach: &str) {
    println!("{what:<44} {:>7.2} ms {to_reach:>10}", seconds * 1000.0);
}

fn median(count: usize, mut run: impl FnMut() -> Duration) -> f64 {
    middle(&mut (0..count).map(|_| run().as_secs_f64()).collect::<Vec<_>>())
}

fn middle(seconds: &mut [f64]) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn start_to_first_request() -> Duration {
    let begin = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime can be built");
    runtime.block_on(async {
        let cluster = Embedded::start(Clock::of_day(), &Options::default()).await;
        let namespaces: Api<Namespace> = Api::all(cluster.client());
        let found = namespaces
            .list(&ListParams::default())
            .await
            .expect("the cluster answers");
        assert!(!found.items.is_empty(), "a cluster has namespaces");
    });
    begin.elapsed()
}

/// How many changes a second are read from a recording and judged, of a short history and of one sixteen times as long:
/// the two differ where a rule looks at all that was before for each thing that happens.
fn judging() {
    for changes in [1_000, 16_000] {
        let text = serde_json::to_string(&tale::rollouts(changes)).expect("JSON");
        let begin = Instant::now();
        let evidence: Evidence = serde_json::from_str(&text).expect("an evidence");
        let read = begin.elapsed();
        let begin = Instant::now();
        let findings = invariants::judge(&evidence);
        let judged = begin.elapsed();
        assert!(findings.iter().all(|finding| finding.violations.is_empty()));
        let length = evidence.history.changes().len();
        let rate = |took: Duration| length as f64 / took.as_secs_f64();
        for (what, took) in [
            ("read", read),
            ("judged", judged),
            ("read and judged", read + judged),
        ] {
            let what = format!("changes {what} a second, of {length}");
            println!("{what:<44} {:>10.0} {:>10}", rate(took), "100000");
        }
    }
}

fn whole() -> (stsspec::report::Report, Duration) {
    let begin = Instant::now();
    let report = Suite::of(Subject::Bundled).run();
    (report, begin.elapsed())
}

/// The most memory that this process had, in KiB, as Linux tells it.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|rest| rest.split_whitespace().next())
        .and_then(|word| word.parse().ok())
        .unwrap_or(0)
}
