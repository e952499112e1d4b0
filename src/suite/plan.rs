//! From features to scenarios whose steps are matched.
//!
//! Matching happens once, before anything runs. Threads then need function pointers only, which are `Send` and `Sync`
//! whatever the World is; and a scenario with a step that nobody knows touches no cluster.

use std::sync::Arc;

use cucumber::{
    gherkin::{self, Background},
    step::{Collection, Context},
};

use super::{features::Source, nearest::nearest};
use crate::{
    inventory::{Inventory, Level},
    report::Scenario,
    world::World,
};

/// Tags that are no behaviour: a scenario that needs a cluster to itself.
const OTHER_TAGS: [&str; 1] = ["serial"];

/// Everything to run, in the order of the features.
pub struct Plan {
    /// The scenarios.
    pub scenarios: Vec<Planned>,
}

/// A scenario with its steps.
pub struct Planned {
    /// What it is.
    pub scenario: Arc<Scenario>,
    /// Its steps, those of backgrounds first.
    pub steps: Vec<Step>,
    /// Its place ends before this line.
    pub until_line: usize,
    /// A tag that means nothing, with what may be meant.
    pub bad_tag: Option<String>,
}

/// A step, matched.
pub struct Step {
    /// As the feature has it, keyword first.
    pub text: String,
    /// Its line.
    pub line: usize,
    /// What it does.
    pub found: Found,
}

/// What a step's text leads to.
pub enum Found {
    /// Exactly one definition.
    One {
        /// Does it.
        run: cucumber::Step<World>,
        /// What it is told of its text.
        context: Context,
    },
    /// None.
    Undefined,
    /// Several, named.
    Ambiguous(String),
}

impl Plan {
    /// Plans features in the order given; inside a feature its own scenarios first, then those of its rules.
    pub fn new(
        features: &[Source],
        steps: &Collection<World>,
        inventory: &Inventory,
        seed: u64,
    ) -> Self {
        let mut scenarios = Vec::new();
        for Source { path, feature } in features {
            let place = Place {
                path,
                feature,
                steps,
                inventory,
                seed,
            };
            for scenario in &feature.scenarios {
                scenarios.push(place.plan(None, scenario));
            }
            for rule in &feature.rules {
                for scenario in &rule.scenarios {
                    scenarios.push(place.plan(Some(rule), scenario));
                }
            }
            let first = scenarios.len()
                - scenarios
                    .iter()
                    .rev()
                    .take_while(|s| &s.scenario.path == path)
                    .count();
            end_lines(&mut scenarios[first..]);
        }
        Self { scenarios }
    }
}

/// A scenario's text goes on until the next one begins.
fn end_lines(scenarios: &mut [Planned]) {
    let begins: Vec<usize> = scenarios
        .iter()
        .map(|planned| planned.scenario.line)
        .collect();
    for planned in scenarios {
        let after = begins.iter().filter(|line| **line > planned.scenario.line);
        planned.until_line = after.min().copied().unwrap_or(usize::MAX);
    }
}

struct Place<'a> {
    path: &'a str,
    feature: &'a gherkin::Feature,
    steps: &'a Collection<World>,
    inventory: &'a Inventory,
    seed: u64,
}

impl Place<'_> {
    fn plan(&self, rule: Option<&gherkin::Rule>, scenario: &gherkin::Scenario) -> Planned {
        let feature = self.feature;
        let backgrounds = [
            feature.background.as_ref(),
            rule.and_then(|rule| rule.background.as_ref()),
        ];
        let background = backgrounds
            .into_iter()
            .flatten()
            .flat_map(|Background { steps, .. }| steps);
        let steps = background
            .chain(&scenario.steps)
            .map(|step| self.find(step))
            .collect();

        let of_rule = rule.iter().flat_map(|rule| &rule.tags);
        let mut tags: Vec<String> = feature
            .tags
            .iter()
            .chain(of_rule)
            .chain(&scenario.tags)
            .cloned()
            .collect();
        let mut seen = std::collections::BTreeSet::new();
        tags.retain(|tag| seen.insert(tag.clone()));
        let rows: Vec<_> = tags
            .iter()
            .filter_map(|tag| self.inventory.behaviour(tag))
            .collect();
        let strange = tags.iter().find(|tag| {
            self.inventory.behaviour(tag).is_none() && !OTHER_TAGS.contains(&tag.as_str())
        });
        let bad_tag = strange.map(|tag| {
            let ids = self
                .inventory
                .behaviours()
                .iter()
                .map(|row| row.id.as_str());
            format!(
                "@{tag} is no behaviour of the inventory; near it are {}",
                nearest(tag, ids, 3).join(", ")
            )
        });
        let line = scenario.position.line;
        let planned = Scenario {
            chapter: self.path.split('/').next().unwrap_or_default().to_owned(),
            path: self.path.to_owned(),
            line,
            feature: feature.name.clone(),
            rule: rule.map(|rule| rule.name.clone()),
            name: scenario.name.clone(),
            behaviours: rows.iter().map(|row| row.id.clone()).collect(),
            level: rows
                .iter()
                .map(|row| row.level)
                .max()
                .unwrap_or(Level::Core),
            seed: mix(self.seed, &format!("{}:{}", self.path, scenario.name)),
            tags,
        };
        Planned {
            scenario: Arc::new(planned),
            steps,
            until_line: usize::MAX,
            bad_tag,
        }
    }

    fn find(&self, step: &gherkin::Step) -> Step {
        let found = match self.steps.find(step) {
            Ok(Some((run, _, _, context))) => Found::One { run: *run, context },
            Ok(None) => Found::Undefined,
            Err(ambiguous) => Found::Ambiguous(ambiguous.to_string()),
        };
        Step {
            text: format!("{} {}", step.keyword.trim(), step.value),
            line: step.position.line,
            found,
        }
    }
}

impl Planned {
    /// Why it cannot run at all, and the step that is to blame.
    pub fn fault(&self) -> Option<(String, Option<usize>)> {
        let of_step = |(index, step): (usize, &Step)| match &step.found {
            Found::One { .. } => None,
            Found::Undefined => Some((
                format!("no step is defined for: {}", step.text),
                Some(index),
            )),
            Found::Ambiguous(which) => Some((
                format!("more than one step is defined for: {}: {which}", step.text),
                Some(index),
            )),
        };
        let of_tag = self.bad_tag.clone().map(|fault| (fault, None));
        let empty = self
            .steps
            .is_empty()
            .then(|| ("it has no steps".to_owned(), None));
        of_tag
            .or(empty)
            .or_else(|| self.steps.iter().enumerate().find_map(of_step))
    }
}

/// FNV-1a of `text` begun with `seed`, then a round of splitmix64: the same in every build, unlike std's hasher.
pub(super) fn mix(seed: u64, text: &str) -> u64 {
    let mut x = seed ^ 0xcbf2_9ce4_8422_2325;
    for byte in text.bytes() {
        x = (x ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    }
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory;

    fn plan(text: &str, seed: u64) -> Plan {
        let feature =
            gherkin::Feature::parse(text, gherkin::GherkinEnv::default()).expect("it is Gherkin");
        let source = Source {
            path: "ordering/a".into(),
            feature,
        };
        Plan::new(&[source], &Collection::new(), inventory::embedded(), seed)
    }

    const TEXT: &str = "@ord-create-ascending\nFeature: f\n  Background:\n    Given a\n  Scenario: one\n    When b\n\n  Rule: r\n    Background:\n      Given c\n    @ord-gated-available @serial\n    Scenario: two\n      Then d\n";

    #[test]
    fn a_scenario_has_the_steps_and_tags_of_all_around_it() {
        let plan = plan(TEXT, 1);
        let two = &plan.scenarios[1];
        let texts: Vec<&str> = two.steps.iter().map(|step| step.text.as_str()).collect();
        assert_eq!(texts, ["Given a", "Given c", "Then d"]);
        assert_eq!(
            two.scenario.tags,
            ["ord-create-ascending", "ord-gated-available", "serial"]
        );
        assert_eq!(
            two.scenario.behaviours,
            ["ord-create-ascending", "ord-gated-available"]
        );
        assert_eq!(
            (plan.scenarios[0].until_line, two.until_line),
            (two.scenario.line, usize::MAX)
        );
    }

    #[test]
    fn a_seed_follows_from_the_runs_seed_and_from_path_and_name_alone() {
        let seeds = |plan: Plan| {
            plan.scenarios
                .iter()
                .map(|planned| planned.scenario.seed)
                .collect::<Vec<_>>()
        };
        let (one, other) = (
            seeds(plan(TEXT, 1)),
            seeds(plan(&format!("# moved\n{TEXT}"), 1)),
        );
        assert_eq!(one, other);
        assert_ne!(one[0], one[1]);
        assert_ne!(one, seeds(plan(TEXT, 2)));
    }

    #[test]
    fn what_nobody_knows_is_a_fault_before_anything_runs() {
        let planned = plan(TEXT, 1);
        assert_eq!(
            planned.scenarios[0].fault(),
            Some(("no step is defined for: Given a".into(), Some(0)))
        );
        let planned = plan(&TEXT.replace("@serial", "@ord-create-ascendin"), 1);
        let (fault, step) = planned.scenarios[1].fault().expect("the tag is wrong");
        assert!(
            fault.starts_with("@ord-create-ascendin is no behaviour")
                && fault.contains("ord-create-ascending"),
            "{fault}"
        );
        assert_eq!(step, None);
    }
}
