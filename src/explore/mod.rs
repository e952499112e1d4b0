//! Schedules of operations and faults, drawn from a seed, and what has to be there when one is over.
//!
//! # Guarantees
//!
//! - A seed gives the same schedule in every build.
//! - What is expected comes from `model`, which shares nothing with a controller.
//! - A schedule without some of its operations is a schedule: what cannot happen any more is left out.
//!
//! Plain data and functions; `suite` runs them.

pub mod exhaustive;
mod model;
mod text;

pub use model::Model;

use crate::dice::Dice;

/// What somebody does to the set, or what befalls its controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The set is scaled.
    Scale(i32),
    /// The template changes to a revision by number.
    Template(u32),
    /// The rolling update is partitioned.
    Partition(i32),
    /// The update strategy becomes OnDelete.
    OnDelete,
    /// Pods are deleted, all at once.
    Lose(Vec<i32>),
    /// A pod fails.
    Fail(i32),
    /// A pod is not Ready any more.
    Withhold(i32),
    /// It may be Ready again.
    Grant(i32),
    /// Some requests of the controller meet a mishap.
    Requests {
        /// How many.
        times: usize,
        /// What they ask for.
        verb: &'static str,
        /// Of what.
        things: &'static str,
        /// What they meet.
        mishap: &'static str,
    },
    /// Events reach the controller in another manner.
    Events {
        /// Of what.
        things: &'static str,
        /// How.
        manner: &'static str,
    },
    /// All watches become too old.
    TooOld,
    /// The controller is restarted.
    Restart,
}

/// A set, and what happens to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// What it was drawn from.
    pub seed: u64,
    /// The pod management policy is Parallel.
    pub parallel: bool,
    /// How many pods it begins with.
    pub replicas: i32,
    /// What happens, in order.
    pub operations: Vec<Operation>,
}

/// How many pods a set may have.
const MOST: i32 = 4;

const VERBS: [(&str, &str); 6] = [
    ("create", "pods"),
    ("delete", "pods"),
    ("update", "sets"),
    ("write", "pods"),
    ("write", "revisions"),
    ("list", "pods"),
];

const MISHAPS: [&str; 8] = [
    "code 500",
    "code 503",
    "code 409",
    "code 429 and 5 seconds to wait",
    "a reset",
    "a lost answer",
    "a crash before it",
    "a crash after it",
];

const MANNERS: [&str; 5] = [
    "2 seconds late",
    "twice",
    "not for now",
    "not at all",
    "as it should",
];

const THINGS: [&str; 3] = ["pods", "sets", "revisions"];

impl Schedule {
    /// Draws one.
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice::of(seed);
        let parallel = dice.below(3) == 0;
        let replicas = 1 + dice.of_i32(MOST);
        let mut schedule = Self {
            seed,
            parallel,
            replicas,
            operations: Vec::new(),
        };
        let mut model = Model::new(parallel, replicas);
        for _ in 0..4 + dice.below(6) {
            let operation = draw(&mut dice, &model);
            if model.allows(&operation) {
                model.applies(&operation);
                schedule.operations.push(operation);
            }
        }
        schedule
    }

    /// The same with some operations only, as far as they can still happen.
    #[must_use]
    pub fn with(&self, operations: impl IntoIterator<Item = Operation>) -> Self {
        let mut model = Model::new(self.parallel, self.replicas);
        let mut kept = Vec::new();
        for operation in operations {
            if model.allows(&operation) {
                model.applies(&operation);
                kept.push(operation);
            }
        }
        Self {
            operations: kept,
            ..self.clone()
        }
    }

    /// Each schedule that has one operation less.
    pub fn shorter(&self) -> Vec<Self> {
        let all = 0..self.operations.len();
        let without = |gone: usize| {
            let kept = self.operations.iter().enumerate();
            let kept = kept.filter(move |(place, _)| *place != gone);
            self.with(kept.map(|(_, operation)| operation.clone()))
        };
        all.map(without).collect()
    }

    /// What is there when it is over.
    pub fn end(&self) -> Model {
        let mut model = Model::new(self.parallel, self.replicas);
        self.operations
            .iter()
            .for_each(|operation| model.applies(operation));
        model.rests();
        model
    }
}

fn draw(dice: &mut Dice, model: &Model) -> Operation {
    let pod = |dice: &mut Dice| dice.of_i32(model.replicas.max(1));
    match dice.below(16) {
        0..=2 => Operation::Scale(1 + dice.of_i32(MOST)),
        3 | 4 => Operation::Template(model.template + 1),
        5 => Operation::Partition(dice.of_i32(MOST)),
        6 => match dice.below(2) {
            0 => Operation::OnDelete,
            _ => Operation::Template(0),
        },
        7 => {
            let mut pods = vec![pod(dice), pod(dice)];
            pods.sort_unstable();
            pods.dedup();
            Operation::Lose(pods)
        }
        8 => Operation::Fail(pod(dice)),
        9 => Operation::Withhold(pod(dice)),
        10 => Operation::Grant(model.withheld.iter().next().copied().unwrap_or(0)),
        11 | 12 => {
            let (verb, things) = dice.one_of(&VERBS);
            Operation::Requests {
                times: 1 + dice.below(3),
                verb,
                things,
                mishap: dice.one_of(&MISHAPS),
            }
        }
        13 | 14 => Operation::Events {
            things: dice.one_of(&THINGS),
            manner: dice.one_of(&MANNERS),
        },
        _ => match dice.below(2) {
            0 => Operation::TooOld,
            _ => Operation::Restart,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_schedule_and_each_part_of_it_is_one() {
        let mut lengths = 0;
        for seed in 0..200 {
            let schedule = Schedule::of(seed);
            assert_eq!(schedule, Schedule::of(seed));
            assert_eq!(schedule, schedule.with(schedule.operations.clone()));
            for shorter in schedule.shorter() {
                assert!(shorter.operations.len() < schedule.operations.len());
            }
            lengths += schedule.operations.len();
        }
        assert!(lengths > 600, "{lengths}");
    }

    #[test]
    fn a_schedule_is_a_scenario_and_a_script() {
        let schedule = Schedule {
            seed: 7,
            parallel: false,
            replicas: 3,
            operations: vec![
                Operation::Partition(2),
                Operation::Template(1),
                Operation::Events {
                    things: "pods",
                    manner: "not for now",
                },
                Operation::Scale(2),
            ],
        };
        let scenario = schedule.scenario();
        for line in [
            "When its rolling update is partitioned at ordinal 2",
            "And its template changes to revision \"r1\"",
            "And the set \"web\" is scaled to 2",
            "And what happens to pods reaches the controller as it should",
            "Then the set \"web\" settles with pods \"web-0\" and \"web-1\"",
        ] {
            assert!(scenario.contains(line), "{line}\n{scenario}");
        }
        let script = schedule.script();
        assert!(
            script.contains("kubectl scale statefulset web --replicas=2"),
            "{script}"
        );
    }
}
