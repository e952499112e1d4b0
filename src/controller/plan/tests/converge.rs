//! A tiny cluster in memory: plans are carried out, nodes do their part, and the set comes to rest as wanted.

use super::{random::Dice, *};
use crate::{
    controller::status,
    sets::{ordinal_of, revision_of},
};

/// Carries a plan out, as far as a run without failures does.
fn apply(observed: &mut Observed, plan: Plan) {
    let mut lowered = 0;
    let mut made = Vec::new();
    for step in plan.steps() {
        match step {
            Step::CreatePod(create) => {
                let mut pod = create.pod.clone();
                pod.metadata.uid = Some(format!("uid-{}", create.ordinal));
                let pending = json!({"phase": "Pending"});
                pod.status = Some(serde_json::from_value(pending).expect("a status"));
                made.push(Arc::new(pod));
            }
            Step::DeletePod(delete) => {
                lowered += i32::from(delete.lowers_current);
                for pod in &mut observed.pods {
                    if name(pod) == delete.name {
                        let terminating = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(NOW);
                        Arc::make_mut(pod).metadata.deletion_timestamp = Some(terminating);
                    }
                }
            }
            other => panic!("nothing to repair: {other:?}"),
        }
    }
    observed.pods.extend(made);
    let mut status = plan.status;
    status.current_replicas = status.current_replicas.map(|current| current - lowered);
    status::complete(&mut status, observed.set.replicas(), false, NOW);
    if status.current_revision.as_deref() == Some("new") {
        observed.revisions.current = revision("new");
    }
    assert!(status.current_replicas >= Some(0), "no counter is negative");
    observed.set.status = status;
}

/// One thing that nodes do: a pod runs, or a terminating one is gone. False if nothing is left to do.
fn node(observed: &mut Observed, dice: &mut Dice) -> bool {
    let is_moving = |pod: &&Arc<Pod>| !is_running_and_ready(pod) || sets::is_terminating(pod);
    let moving: Vec<String> = observed
        .pods
        .iter()
        .filter(is_moving)
        .map(|pod| name(pod).to_owned())
        .collect();
    if moving.is_empty() {
        return false;
    }
    let chosen =
        moving[usize::try_from(dice.below(moving.len() as u64)).expect("an index")].clone();
    let at = observed
        .pods
        .iter()
        .position(|pod| name(pod) == chosen)
        .expect("a pod");
    if sets::is_terminating(&observed.pods[at]) {
        observed.pods.remove(at);
        return true;
    }
    let ordinal = ordinal_of("web", &chosen).expect("an ordinal");
    let text = format!("{ordinal}:R@{}", revision_of(&observed.pods[at]));
    observed.pods[at] = Arc::new(live(&observed.set, &text));
    true
}

#[test]
fn every_set_comes_to_rest_as_wanted_however_nodes_and_users_disturb_it() {
    for seed in 0..300 {
        let mut dice = Dice(seed);
        let policy = dice.of(&["OrderedReady", "Parallel"]);
        let replicas = dice.below(5);
        let spec = json!({"replicas": replicas, "podManagementPolicy": policy});
        let begun = dice.of(&[
            "",
            "0:R@old 1:R@old 2:R@old",
            "1:U@old 3:R@old",
            "0:F@old 1:P@old",
        ]);
        let mut observed = observed(spec, begun);
        let mut rounds = 0;
        loop {
            rounds += 1;
            assert!(
                rounds < 500,
                "seed {seed} does not end: {:?}",
                observed.set.status
            );
            let plan = planned(&observed);
            let is_idle = plan.is_empty();
            apply(&mut observed, plan);
            if rounds < 20 && dice.below(4) == 0 {
                let lost = usize::try_from(dice.below(5)).expect("an index");
                if lost < observed.pods.len() {
                    observed.pods.remove(lost);
                }
                continue;
            }
            if !node(&mut observed, &mut dice) && is_idle && rounds >= 20 {
                break;
            }
        }
        let mut at: Vec<_> = observed
            .pods
            .iter()
            .map(|pod| ordinal_of("web", name(pod)))
            .collect();
        at.sort_unstable();
        let wanted: Vec<_> = observed.set.range().map(Some).collect();
        assert_eq!(at, wanted, "seed {seed}");
        assert!(
            observed.pods.iter().all(|pod| revision_of(pod) == "new"),
            "seed {seed}"
        );
        let status = &observed.set.status;
        assert_eq!(
            status.current_revision.as_deref(),
            Some("new"),
            "seed {seed}"
        );
        assert_eq!(
            status.available_replicas,
            Some(observed.set.replicas()),
            "seed {seed}"
        );
    }
}
