//! A cluster before anything runs on it: what it is, and what would become of a run.

use std::collections::BTreeMap;

mod checks;

use super::{
    Error, Suite, excused, needs,
    plan::Planned,
    site::{
        context::{bare, offered},
        on_a_runtime,
    },
    subject::Subject,
};
use crate::{
    cluster::{
        Capabilities,
        context::{
            Options, SUPPORTED, connect, doctor,
            rights::{Right, Scope},
        },
    },
    inventory::{self, Level},
    report::{
        Profile,
        checkup::{Checkup, Prospect, Skipped, State},
    },
    world::pod_spec,
};

/// Looks a cluster over and says what a run on it would come to. Makes no pod and changes nothing. Blocks.
///
/// # Errors
///
/// The features cannot be read, or the cluster is not named, does not answer or does not know the user.
pub fn examine(options: &Options, subject: Subject) -> Result<Checkup, Error> {
    let suite = Suite::of(subject);
    let plan = suite.plan()?;
    let subject = &suite.subject;
    let found = on_a_runtime(async {
        let connection = connect(options).await?;
        let pod = pod_spec(&bare(options, (1, *SUPPORTED.end())));
        doctor::examine(&connection, options, &pod).await
    });
    let found = found
        .map_err(super::site::Error::from)?
        .map_err(super::site::Error::from)?;
    let known = found.missing.clone().unwrap_or_default();
    let missing: Vec<Right> = known
        .into_iter()
        .filter(|right| is_certain(right, options))
        .collect();
    let checks = checks::of(&found, options, &missing);
    let stops = checks.iter().any(|check| check.state == State::Stops);
    let cluster = offered(options, subject, &found.facts, None, &missing);
    let (would_run, skipped) = prospects(&plan.scenarios, &cluster, stops);
    let (core, core_skipped) = core(&plan.scenarios, subject, &skipped);
    Ok(Checkup {
        stsspec: env!("CARGO_PKG_VERSION").to_owned(),
        address: found.address,
        subject: subject.to_string(),
        prospect: match (stops, core_skipped.is_empty()) {
            (true, _) => Prospect::Impossible,
            (false, true) => Prospect::Ready,
            (false, false) => Prospect::Partial,
        },
        checks,
        would_run,
        skipped,
        core,
        core_skipped,
    })
}

/// Whoever makes a namespace may have rights in it that he has nowhere else.
fn is_certain(right: &Right, options: &Options) -> bool {
    options.namespace.is_some() || !matches!(right.scope, Scope::Scenarios | Scope::Made)
}

/// How many scenarios would run, and the others by reason, those of most scenarios first.
fn prospects(scenarios: &[Planned], cluster: &Capabilities, stops: bool) -> (usize, Vec<Skipped>) {
    let mut skipped: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for planned in scenarios {
        let why = match stops {
            true => Some("nothing can run".to_owned()),
            false => needs::unmet(planned, inventory::embedded(), cluster)
                .map(|unmet| unmet.of_any_row().to_string()),
        };
        if let Some(why) = why {
            skipped.entry(why).or_default().push(planned.scenario.id());
        }
    }
    let mut skipped: Vec<Skipped> = skipped
        .into_iter()
        .map(|(reason, scenarios)| Skipped { reason, scenarios })
        .collect();
    skipped.sort_by_key(|skipped| std::cmp::Reverse(skipped.scenarios.len()));
    let many: usize = skipped.iter().map(|skipped| skipped.scenarios.len()).sum();
    (scenarios.len() - many, skipped)
}

/// The core behaviours of the subject, and those that nothing would judge and nothing excuses.
fn core(scenarios: &[Planned], subject: &Subject, skipped: &[Skipped]) -> (usize, Vec<String>) {
    let inventory = inventory::embedded();
    let is_skipped = |planned: &&Planned| {
        let id = planned.scenario.id();
        skipped
            .iter()
            .any(|skipped| skipped.scenarios.contains(&id))
    };
    let mut count = 0;
    let mut lost = Vec::new();
    for row in inventory.behaviours() {
        if row.party != subject.party() || !Profile::Core.counts(row.level) {
            continue;
        }
        let tagged = || {
            scenarios
                .iter()
                .filter(|planned| planned.scenario.behaviours.contains(&row.id))
        };
        if tagged().next().is_none() {
            continue;
        }
        count += 1;
        let by_invariants = inventory
            .judges_of(&row.id)
            .any(|judge| judge.level == Level::Core);
        let excused = excused::embedded()
            .skip("context", &subject.to_string(), &row.id)
            .is_some();
        if tagged().all(|planned| is_skipped(&planned)) && !by_invariants && !excused {
            lost.push(row.id.clone());
        }
    }
    (count, lost)
}
