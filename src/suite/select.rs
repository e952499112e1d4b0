//! Which scenarios to run.

use std::{collections::BTreeSet, str::FromStr};

use cucumber::{gherkin::tagexpr::TagOperation, tag::Ext as _};

use super::{
    nearest::nearest,
    plan::{Plan, Planned},
};
use crate::{
    inventory::{Inventory, Level},
    report::{Profile, Scenario},
};

/// What to run: every scenario that one of the parts names and the tags allow. The default is all of them.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// A chapter, a path, `path:line`, the name of a scenario, or the id of a behaviour each; none means everything.
    pub parts: Vec<String>,
    /// An expression over tags: `@a and not @b`.
    pub tags: Option<Tags>,
    /// Scenarios of these levels, and those that judge no behaviour.
    pub profile: Profile,
}

/// An expression over tags, and the text it was read from.
#[derive(Clone, Debug)]
pub struct Tags {
    text: String,
    operation: TagOperation,
}

impl FromStr for Tags {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(operation) => Ok(Self {
                text: text.to_owned(),
                operation,
            }),
            Err(_) => Err(format!(
                "{text:?} is no tag expression; one looks like `@a and not (@b or @c)`"
            )),
        }
    }
}

impl std::fmt::Display for Tags {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.text)
    }
}

/// Nothing to run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Nothing {
    /// A part names nothing.
    #[error(
        "nothing is called {part:?}{}; `stsspec list` shows what there is",
        meant(nearest)
    )]
    Unknown {
        /// The part.
        part: String,
        /// What may have been meant.
        nearest: Vec<String>,
    },
    /// A behaviour that no scenario judges.
    #[error(
        "no scenario judges the behaviour {0} yet; `stsspec list --behaviours` shows which are judged"
    )]
    Unjudged(String),
    /// The parts and the tags have nothing in common.
    #[error("no scenario is left by {0}")]
    Empty(String),
}

fn meant(nearest: &[String]) -> String {
    match nearest {
        [] => String::new(),
        some => format!("; did you mean {}?", some.join(" or ")),
    }
}

impl Selection {
    /// Nothing is left out.
    pub fn is_whole(&self) -> bool {
        self.parts.is_empty() && self.tags.is_none() && self.profile == Profile::All
    }

    /// Keeps the selected scenarios of a plan.
    ///
    /// # Errors
    ///
    /// A part that names nothing, or nothing is left.
    pub fn of(&self, plan: Plan, inventory: &Inventory) -> Result<Plan, Nothing> {
        for part in &self.parts {
            if !plan.scenarios.iter().any(|planned| names(part, planned)) {
                return Err(unknown(part, &plan, inventory));
            }
        }
        let mut scenarios = plan.scenarios;
        scenarios.retain(|planned| {
            let named = self.parts.is_empty() || self.parts.iter().any(|part| names(part, planned));
            let tagged = self
                .tags
                .as_ref()
                .is_none_or(|tags| tags.operation.eval(&planned.scenario.tags));
            let level = planned.scenario.level;
            // What is only reported still runs, unless no more than the core was asked for.
            named
                && tagged
                && (self.profile.counts(level)
                    || (self.profile == Profile::All && level == Level::Observed))
        });
        match scenarios.is_empty() {
            true => Err(Nothing::Empty(self.in_words())),
            false => Ok(Plan { scenarios }),
        }
    }

    fn in_words(&self) -> String {
        let parts = (!self.parts.is_empty()).then(|| self.parts.join(" "));
        let tags = self.tags.as_ref().map(|tags| format!("the tags {tags}"));
        let profile = (self.profile == Profile::Core).then(|| "the profile core".to_owned());
        let all: Vec<String> = [parts, tags, profile].into_iter().flatten().collect();
        match all.is_empty() {
            true => "the features, which are empty".to_owned(),
            false => all.join(" with "),
        }
    }
}

/// A chapter, `chapter/file`, a line in one, with or without what a path in a report has around it.
fn path_of(part: &str) -> (&str, Option<usize>) {
    let part = part.strip_prefix("./").unwrap_or(part);
    let part = part.strip_prefix("features/").unwrap_or(part);
    let (path, line) = match part.split_once(':') {
        Some((path, line)) => (
            path,
            line.split(':').next().and_then(|line| line.parse().ok()),
        ),
        None => (part, None),
    };
    (
        path.trim_end_matches('/').trim_end_matches(".feature"),
        line,
    )
}

fn names(part: &str, planned: &Planned) -> bool {
    let scenario: &Scenario = &planned.scenario;
    let id = part.strip_prefix('@').unwrap_or(part);
    let named = scenario.name.eq_ignore_ascii_case(part)
        || scenario.behaviours.iter().any(|behaviour| behaviour == id);
    named
        || match path_of(part) {
            (path, Some(line)) => {
                path == scenario.path && (scenario.line..planned.until_line).contains(&line)
            }
            (path, None) => {
                path == scenario.path || (path == scenario.chapter && !part.contains(':'))
            }
        }
}

fn unknown(part: &str, plan: &Plan, inventory: &Inventory) -> Nothing {
    let id = part.strip_prefix('@').unwrap_or(part);
    if inventory.behaviour(id).is_some() {
        return Nothing::Unjudged(id.to_owned());
    }
    let mut known: BTreeSet<String> = BTreeSet::new();
    for scenario in plan.scenarios.iter().map(|planned| &planned.scenario) {
        known.extend([
            scenario.chapter.clone(),
            scenario.path.clone(),
            scenario.id(),
            scenario.name.clone(),
        ]);
        known.extend(scenario.behaviours.iter().cloned());
    }
    let nearest = nearest(path_of(id).0, known.iter().map(String::as_str), 3);
    Nothing::Unknown {
        part: part.to_owned(),
        nearest: nearest.into_iter().map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use cucumber::{
        gherkin::{Feature, GherkinEnv},
        step::Collection,
    };

    use super::*;
    use crate::{inventory, suite::features::Source};

    fn plan() -> Plan {
        let texts = [
            (
                "dns/a",
                "Feature: a\n  @dns-pod-a-record\n  Scenario: one\n    When x\n",
            ),
            (
                "ordering/b",
                "Feature: b\n  @ord-create-ascending\n  Scenario: Two\n    When x\n    Then y\n  Scenario: three\n    When x\n",
            ),
        ];
        let features: Vec<Source> = texts
            .into_iter()
            .map(|(path, text)| {
                let feature = Feature::parse(text, GherkinEnv::default()).expect("it is Gherkin");
                Source {
                    path: path.into(),
                    feature,
                }
            })
            .collect();
        Plan::new(&features, &Collection::new(), inventory::embedded(), 0)
    }

    fn select(parts: &[&str], tags: Option<&str>) -> Result<Vec<String>, Nothing> {
        let parts = parts.iter().map(ToString::to_string).collect();
        let tags = tags.map(|text| text.parse().expect("an expression"));
        let selection = Selection {
            parts,
            tags,
            profile: Profile::All,
        };
        let plan = selection.of(plan(), inventory::embedded())?;
        Ok(plan
            .scenarios
            .iter()
            .map(|planned| planned.scenario.name.clone())
            .collect())
    }

    #[test]
    fn parts_of_every_kind_select() {
        for (part, expected) in [
            ("ordering", &["Two", "three"][..]),
            ("ordering/", &["Two", "three"]),
            ("ordering/b", &["Two", "three"]),
            ("features/ordering/b.feature", &["Two", "three"]),
            ("ordering/b:3", &["Two"]),
            ("features/ordering/b.feature:5:7", &["Two"]),
            ("ordering/b:6", &["three"]),
            ("two", &["Two"]),
            ("@ord-create-ascending", &["Two"]),
        ] {
            assert_eq!(
                select(&[part], None).as_deref(),
                Ok(&expected.iter().map(ToString::to_string).collect::<Vec<_>>()[..]),
                "{part}"
            );
        }
        assert_eq!(select(&["three", "two"], None).map(|all| all.len()), Ok(2));
        assert_eq!(
            select(&[], Some("not @ord-create-ascending")).map(|all| all.len()),
            Ok(2)
        );
    }

    #[test]
    fn what_is_not_there_is_named_with_what_is_near() {
        let error = select(&["ordring"], None)
            .expect_err("there is none")
            .to_string();
        assert_eq!(
            error,
            "nothing is called \"ordring\"; did you mean ordering or ordering/b?; `stsspec list` shows what there is"
        );
        let error = select(&["scale-flap"], None)
            .expect_err("nobody judges it")
            .to_string();
        assert!(
            error.starts_with("no scenario judges the behaviour scale-flap yet"),
            "{error}"
        );
        let error = select(&["dns"], Some("@ord-create-ascending"))
            .expect_err("nothing is left")
            .to_string();
        assert_eq!(
            error,
            "no scenario is left by dns with the tags @ord-create-ascending"
        );
    }

    #[test]
    fn an_expression_over_tags_has_to_be_one() {
        let error = "a and".parse::<Tags>().expect_err("it is not").to_string();
        assert!(
            error.starts_with("\"a and\" is no tag expression"),
            "{error}"
        );
    }
}
