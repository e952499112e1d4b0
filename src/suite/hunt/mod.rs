//! The specification against components known to be wrong: which judge found out which of them.
//!
//! # Guarantees
//!
//! - The same seed and selection give the same matrix, however many scenarios run at once.
//! - In the quick form a mutant meets scenarios of the behaviours that it names, until each of these was seen to fail; in
//!   the whole form every mutant meets every scenario.
//! - A scenario ends at its first failure; the invariants judge what was seen until then.

mod rules;
mod trail;

use std::{sync::Arc, time::Instant};

use cucumber::World as _;
use futures::future::LocalBoxFuture;

use self::trail::Trail;
use super::{
    Error, Suite,
    drive::{self, Cancel, Interrupt, Mode, Play},
    event::Event,
    features,
    guard::Limits,
    nearest::nearest,
    plan::Plan,
    select::Nothing,
    site,
    stage::Stage,
    subject::Subject,
    tier::Tier,
};
use crate::{
    cluster::Target,
    inventory::{self, Level, Party},
    mutants::{self, Mutant},
    report::{
        Outcome, Report,
        matrix::{Column, Matrix},
    },
    world::World,
};

/// A run against mutants to be.
#[derive(Clone, Debug)]
pub struct Hunt {
    parts: Vec<String>,
    whole: bool,
    alone: bool,
    seed: u64,
    parallel: Option<usize>,
}

impl Default for Hunt {
    fn default() -> Self {
        Self {
            parts: Vec::new(),
            whole: false,
            alone: false,
            seed: 1,
            parallel: None,
        }
    }
}

/// How far it is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// What goes on, in a few words.
    pub what: String,
    /// How many runs of it are over.
    pub done: usize,
    /// How many there are.
    pub of: usize,
}

impl Hunt {
    /// Adds mutants: by id, by what they break, or by party. Without any, all of them, and the rules that speak of all.
    #[must_use]
    pub fn select(mut self, part: impl Into<String>) -> Self {
        self.parts.push(part.into());
        self
    }

    /// Every mutant meets every scenario.
    #[must_use]
    pub fn whole(mut self, yes: bool) -> Self {
        self.whole = yes;
        self
    }

    /// The unchanged controller and nobody do not run: whoever asks knows already what becomes of them.
    #[must_use]
    pub fn alone(mut self, yes: bool) -> Self {
        self.alone = yes;
        self
    }

    /// What everything random comes from. 1.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many scenarios run at once. As many as the machine has cores.
    #[must_use]
    pub fn parallel(mut self, threads: usize) -> Self {
        self.parallel = Some(threads);
        self
    }

    /// The mutants that are selected.
    ///
    /// # Errors
    ///
    /// A part that names none.
    pub fn mutants(&self) -> Result<Vec<&'static Mutant>, Error> {
        let named = |mutant: &Mutant, part: &String| {
            mutant.id == part
                || mutant.breaks.contains(&part.as_str())
                || mutant.party.to_string() == *part
        };
        for part in &self.parts {
            if !mutants::all().iter().any(|mutant| named(mutant, part)) {
                let ids = mutants::all().iter().map(|mutant| mutant.id);
                let near = nearest(part, ids, 3);
                return Err(Error::Nothing(Nothing::Unknown {
                    part: part.clone(),
                    nearest: near.into_iter().map(str::to_owned).collect(),
                }));
            }
        }
        let all = mutants::all().iter();
        let selected = all.filter(|mutant| {
            self.parts.is_empty() || self.parts.iter().any(|part| named(mutant, part))
        });
        Ok(selected.collect())
    }

    /// Runs to the end, or until it is interrupted. Blocks.
    ///
    /// # Errors
    ///
    /// A part that names no mutant, or the features cannot be read.
    pub fn run(
        &self,
        interrupt: &Interrupt,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<Matrix, Error> {
        let begin = Instant::now();
        let mutants = self.mutants()?;
        let steps = World::collection();
        let plan = Plan::new(
            &features::embedded()?,
            &steps,
            inventory::embedded(),
            self.seed,
        );
        let plan = Arc::new(plan);
        let mut trails: Vec<Trail> = mutants
            .into_iter()
            .map(|mutant| Trail::new(mutant, &plan))
            .collect();
        let stages: Vec<Stage> = trails
            .iter()
            .map(|trail| {
                let subject = Subject::Mutant(trail.mutant);
                Ok(Stage {
                    plan: plan.clone(),
                    site: site::prepare(&Tier::default(), &subject, &Target::apps_v1(), false)?,
                    subject,
                    target: Target::apps_v1(),
                    limits: Limits::default(),
                    timeout_scale: 1.0,
                    to_the_end: false,
                    histories: None,
                    witness: None,
                })
            })
            .collect::<Result<_, Error>>()?;
        let stages = Arc::new(stages);
        let mut runs = 0;
        for round in 1.. {
            let jobs = self.jobs(&plan, &trails);
            if jobs.is_empty() || interrupt.is_raised() {
                break;
            }
            runs += jobs.len();
            let what = match self.whole {
                true => "all mutants in all scenarios".to_owned(),
                false => format!("mutants in scenarios that judge what they break, round {round}"),
            };
            self.round(&stages, jobs, interrupt, &what, &mut trails, tell);
        }
        let of_all = self.parts.is_empty() && !interrupt.is_raised();
        let plain = match of_all && !self.alone {
            true => Some(self.plain(interrupt, tell)?),
            false => None,
        };
        runs += plain.as_ref().map_or(0, |_| 2 * plan.scenarios.len());
        let columns = columns(&plan, &trails);
        let mut matrix = Matrix {
            format: crate::report::FORMAT,
            stsspec: env!("CARGO_PKG_VERSION").to_owned(),
            seed: self.seed,
            whole: self.whole,
            selection: self.parts.clone(),
            conclusion: crate::report::Conclusion::Conformant,
            mutants: trails.iter().map(|trail| trail.row(&plan)).collect(),
            scenarios: columns,
            unearned: rules::unearned(&plan, &trails),
            rules: Vec::new(),
            runs,
            real_seconds: begin.elapsed().as_secs_f64(),
        };
        rules::judge(&mut matrix, of_all, plain.as_ref(), interrupt.is_raised());
        Ok(matrix)
    }

    /// What has to run next: pairs of a mutant and a scenario, by their places. None when all that matters is known.
    fn jobs(&self, plan: &Plan, trails: &[Trail]) -> Vec<(usize, usize)> {
        let scenarios = plan.scenarios.len();
        if self.whole {
            let fresh = trails.iter().enumerate();
            return fresh
                .filter(|(_, trail)| trail.met.is_empty())
                .flat_map(|(mutant, _)| (0..scenarios).map(move |place| (mutant, place)))
                .collect();
        }
        let mut jobs: Vec<(usize, usize)> = Vec::new();
        for (mutant, trail) in trails.iter().enumerate() {
            jobs.extend(trail.next(plan).into_iter().map(|place| (mutant, place)));
        }
        // Then, where the rules speak of all, each scenario that judges core behaviours is to kill something.
        if jobs.is_empty() && self.parts.is_empty() {
            for place in 0..scenarios {
                if core_of(plan, place).is_empty() || trails.iter().any(|t| t.kills_in(place)) {
                    continue;
                }
                let mut trails = trails.iter().enumerate();
                let next = trails.find(|(_, trail)| {
                    !trail.met.contains_key(&place) && trail.names_one_of(plan, place)
                });
                jobs.extend(next.map(|(mutant, _)| (mutant, place)));
            }
        }
        jobs
    }

    fn round(
        &self,
        stages: &Arc<Vec<Stage>>,
        jobs: Vec<(usize, usize)>,
        interrupt: &Interrupt,
        what: &str,
        trails: &mut [Trail],
        tell: &mut dyn FnMut(Progress),
    ) {
        let of = jobs.len();
        let scenarios = jobs.iter().map(|(mutant, place)| {
            let planned = &stages[*mutant].plan.scenarios[*place];
            planned.scenario.clone()
        });
        let scenarios = scenarios.collect();
        let round = Round {
            stages: stages.clone(),
            jobs: jobs.clone(),
        };
        let mut done = 0;
        let mut options = drive::Options::default();
        if let Some(threads) = self.parallel {
            options.mode = Mode::Isolated { threads };
        }
        drive::drive(
            scenarios,
            Arc::new(round),
            options,
            interrupt,
            &mut |event| {
                // They are told in the order of the jobs.
                if let Event::Finished(outcome) = event {
                    let (mutant, place) = jobs[done];
                    trails[mutant].meets(place, &outcome);
                    done += 1;
                    let what = what.to_owned();
                    tell(Progress { what, done, of });
                }
            },
        );
    }

    /// The unchanged controller, and nobody.
    fn plain(
        &self,
        interrupt: &Interrupt,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<[Report; 2], Error> {
        let mut run = |subject: Subject, what: &str| {
            let suite = Suite::of(subject).seed(self.seed);
            let suite = self.parallel.into_iter().fold(suite, Suite::parallel);
            let (mut done, mut of) = (0, 0);
            suite.run_with(interrupt, &mut |event| match event {
                Event::Started { scenarios, .. } => of = scenarios,
                Event::Finished(_) => {
                    done += 1;
                    let what = what.to_owned();
                    tell(Progress { what, done, of });
                }
                _ => {}
            })
        };
        Ok([
            run(Subject::Bundled, "the unchanged controller")?,
            run(Subject::None, "nobody")?,
        ])
    }
}

/// One drive: pairs of a stage and a scenario.
struct Round {
    stages: Arc<Vec<Stage>>,
    jobs: Vec<(usize, usize)>,
}

impl Play for Round {
    fn play<'a>(&'a self, place: usize, cancel: &'a mut Cancel) -> LocalBoxFuture<'a, Outcome> {
        let (stage, scenario) = self.jobs[place];
        self.stages[stage].play(scenario, cancel)
    }
}

/// Whose core behaviours a scenario judges.
fn core_of(plan: &Plan, place: usize) -> Vec<Party> {
    let ids = plan.scenarios[place].scenario.behaviours.iter();
    let rows = ids.filter_map(|id| inventory::embedded().behaviour(id));
    let mut parties: Vec<Party> = rows
        .filter(|row| row.level == Level::Core)
        .map(|row| row.party)
        .collect();
    parties.sort_unstable();
    parties.dedup();
    parties
}

fn columns(plan: &Plan, trails: &[Trail]) -> Vec<Column> {
    let column = |place: usize| {
        let scenario = &plan.scenarios[place].scenario;
        let met = || {
            let trails = trails.iter();
            trails.filter(move |trail| trail.met.contains_key(&place))
        };
        Column {
            id: scenario.id(),
            name: scenario.name.clone(),
            behaviours: scenario.behaviours.clone(),
            core_of: core_of(plan, place),
            met: met().count(),
            kills: met()
                .filter(|trail| trail.kills_in(place))
                .map(|trail| trail.mutant.id.to_owned())
                .collect(),
        }
    };
    (0..plan.scenarios.len()).map(column).collect()
}

#[cfg(test)]
mod tests;
