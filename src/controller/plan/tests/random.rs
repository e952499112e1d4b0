//! Random states in, plans out: no rule is broken.

use super::*;
use crate::sets::{is_terminating, ordinal_of, revision_of};

/// A small generator of equally likely choices; the same seed chooses the same.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    pub(super) fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        let choice = self.below(choices.len() as u64);
        choices[usize::try_from(choice).expect("an index")]
    }
}

fn draw(dice: &mut Dice) -> Observed {
    let strategy = dice.of(&["RollingUpdate", "RollingUpdate", "OnDelete", "Recreate"]);
    let block = json!({"partition": dice.below(4), "maxUnavailable": 1 + dice.below(3)});
    let spec = json!({
        "replicas": dice.below(5), "ordinals": {"start": dice.of(&[0, 0, 2])},
        "podManagementPolicy": dice.of(&["OrderedReady", "Parallel"]),
        "updateStrategy": {
            "type": strategy,
            "rollingUpdate": if strategy == "RollingUpdate" { block } else { Value::Null },
        },
    });
    let mut pods = String::new();
    for ordinal in 0..8 {
        if dice.below(3) > 0 {
            let state = dice.of(&[
                "R", "R", "R", "R", "Y", "U", "P", "F", "S", "RT", "UT", "FT",
            ]);
            let revision = dice.of(&["new", "old", "old", "between"]);
            pods += &format!("{ordinal}:{state}@{revision} ");
        }
    }
    let mut observed = observed(spec, &pods);
    observed.gates.recreate = true;
    observed.gates.max_unavailable = dice.below(4) > 0;
    observed
}

fn ordinal(pod: &Pod) -> Ordinal {
    ordinal_of("web", name(pod)).expect("a pod of the set")
}

fn is_available_now(pod: &Pod) -> bool {
    is_available(pod, 10, NOW) && is_running_and_ready(pod) && !is_terminating(pod)
}

/// Every rule, on one plan.
fn judge(observed: &Observed, plan: &Plan) {
    let set = &observed.set;
    let range = set.range();
    let pod_of = |at: Ordinal| observed.pods.iter().find(|pod| ordinal(pod) == at);
    let available = |at: Ordinal| pod_of(at).is_some_and(|pod| is_available_now(pod));
    let partition = match set.strategy() {
        Strategy::RollingUpdate(block) => block.unwrap_or_default().partition,
        Strategy::OnDelete | Strategy::Recreate => 0,
    };
    let changes = plan
        .steps()
        .filter(|step| matches!(step, Step::CreatePod(_) | Step::DeletePod(_)))
        .count();
    for step in plan.steps() {
        match step {
            Step::CreatePod(create) => {
                let at = create.ordinal;
                assert!(
                    range.contains(&at) && pod_of(at).is_none(),
                    "creates what is missing"
                );
                if set.is_ordered() {
                    assert!(
                        (range.start..at).all(available),
                        "creates behind its predecessors"
                    );
                    assert_eq!(changes, 1, "creates alone");
                }
                if at - range.start < partition {
                    assert_eq!(revision_of(&create.pod), "old", "keeps the partition");
                }
            }
            Step::DeletePod(delete) => {
                let at = ordinal_of("web", &delete.name).expect("a pod of the set");
                let pod = pod_of(at).expect("deletes what is there");
                assert!(!is_terminating(pod), "deletes once");
                match delete.why {
                    Why::Condemned => {
                        assert!(!range.contains(&at));
                        if set.is_ordered() {
                            assert!(range.clone().all(available), "scales down a whole set");
                            let above = observed.pods.iter().map(|pod| ordinal(pod));
                            let above = above.filter(|other| !range.contains(other) && *other > at);
                            assert_eq!(above.count(), 0, "from the top");
                            assert_eq!(changes, 1, "one at a time");
                        }
                    }
                    Why::Outdated => {
                        assert_ne!(revision_of(pod), "new");
                        assert_ne!(set.strategy(), Strategy::OnDelete);
                        if set.strategy() != Strategy::Recreate {
                            assert!(range.contains(&at));
                            assert!(at - range.start >= partition, "keeps the partition");
                        }
                        if set.is_ordered() && set.strategy() != Strategy::Recreate {
                            assert!(
                                range.clone().all(|at| pod_of(at).is_some()),
                                "updates a whole set"
                            );
                        }
                    }
                    Why::Failed => assert!(range.contains(&at)),
                }
            }
            Step::RepairPod(_) => panic!("no pod was damaged"),
            Step::CreateClaims(..) | Step::SetOwners(..) => panic!("no claim was asked for"),
        }
    }
    if plan.is_empty() && plan.waiting.is_none() {
        assert!(
            range.clone().all(available),
            "nothing to do only if all is well"
        );
    }
    assert!(plan.status.updated_replicas.unwrap_or_default() <= plan.status.replicas);
}

#[test]
fn no_rule_is_broken_in_any_state() {
    for seed in 0..4000 {
        let mut dice = Dice(seed);
        let observed = draw(&mut dice);
        let plan = planned(&observed);
        judge(&observed, &plan);
        assert_eq!(plan, planned(&observed), "the same again, seed {seed}");
    }
}
