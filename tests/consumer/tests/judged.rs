//! What a user of the library writes: their controller, judged.

use stsspec::{
    report::{Conclusion, Report, Word},
    suite::Suite,
};
use stsspec_consumer::{Startup, run};

fn judge(startup: Startup) -> Report {
    Suite::new(move |cx| async move { run(cx.client(), startup).await })
        .select("ordering/startup")
        .core()
        .run()
}

#[test]
fn a_controller_that_starts_pods_in_order_conforms() {
    judge(Startup::InOrder).assert_conformant();
}

#[test]
fn a_controller_that_starts_all_pods_at_once_does_not() {
    let report = judge(Startup::AllAtOnce);
    assert_eq!(report.conclusion, Conclusion::NotConformant);
    let gate = report
        .behaviour("ord-gated-running-ready")
        .expect("the chapter judges it");
    assert_eq!(gate.verdict, Word::Failed);
    assert!(
        report
            .invariants
            .iter()
            .any(|count| count.id == "inv-create-gate" && count.violated > 0)
    );
}
