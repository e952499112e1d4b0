//! Runs schedules of operations and faults, and shrinks those that show a breach.

use std::{ops::Range, sync::Arc, time::Instant};

use cucumber::{
    World as _,
    gherkin::{Feature, GherkinEnv},
    step::Collection,
};

use super::{
    Error,
    drive::{self, Interrupt, Mode},
    event::Event,
    features::Source,
    guard::Limits,
    plan::Plan,
    site,
    stage::{Stage, Witness},
    subject::Subject,
    tier::Tier,
};
use crate::{
    cluster::Target,
    explore::Schedule,
    inventory,
    report::{
        Outcome,
        explored::{Broken, Explored, Open},
    },
    verdict::Verdict,
    world::World,
};

/// How many schedules are drawn at once.
const BATCH: u64 = 64;

/// How many that show a breach are shrunk; of the others only the seed is kept.
const SHRUNK: usize = 3;

/// Schedules to be run.
#[derive(Clone, Debug)]
pub struct Explore {
    subject: Subject,
    seeds: Range<u64>,
    parallel: Option<usize>,
}

impl Explore {
    /// All seeds of a range, for a subject.
    pub fn new(subject: Subject, seeds: Range<u64>) -> Self {
        Self {
            subject,
            seeds,
            parallel: None,
        }
    }

    /// How many schedules run at once. As many as the machine has cores.
    #[must_use]
    pub fn parallel(mut self, threads: usize) -> Self {
        self.parallel = Some(threads);
        self
    }

    /// Runs to the end, or until it is interrupted. Blocks.
    ///
    /// # Errors
    ///
    /// The subject cannot be judged on embedded clusters.
    pub fn run(
        &self,
        interrupt: &Interrupt,
        tell: &mut dyn FnMut(u64, u64),
    ) -> Result<Explored, Error> {
        let begin = Instant::now();
        let of = self.seeds.end - self.seeds.start;
        let mut explored = Explored {
            subject: self.subject.to_string(),
            seeds: (self.seeds.start, self.seeds.end),
            ..Explored::default()
        };
        let mut first = self.seeds.start;
        while first < self.seeds.end && !interrupt.is_raised() {
            let end = self.seeds.end.min(first + BATCH);
            let schedules: Vec<Schedule> = (first..end).map(Schedule::of).collect();
            let outcomes = self.outcomes(&schedules, interrupt)?;
            for (schedule, outcome) in schedules.iter().zip(&outcomes) {
                self.note(&mut explored, schedule, outcome, interrupt)?;
            }
            first = end;
            tell(first - self.seeds.start, of);
        }
        explored.interrupted = interrupt.is_raised();
        explored.real_seconds = begin.elapsed().as_secs_f64();
        Ok(explored)
    }

    fn note(
        &self,
        explored: &mut Explored,
        schedule: &Schedule,
        outcome: &Outcome,
        interrupt: &Interrupt,
    ) -> Result<(), Error> {
        explored.schedules += 1;
        explored.operations += schedule.operations.len();
        explored.changes_judged += outcome
            .findings
            .iter()
            .map(|finding| finding.strict + finding.windowed)
            .sum::<usize>();
        if let Some(why) = breach(outcome) {
            let shrink = explored.broken.len() < SHRUNK;
            let (shortest, why) = match shrink {
                true => self.shrink(schedule.clone(), why, interrupt)?,
                false => (schedule.clone(), why),
            };
            explored.broken.push(Broken {
                seed: schedule.seed,
                why,
                operations: schedule.operations.len(),
                left: shortest.operations.len(),
                scenario: shortest.scenario(),
                script: shortest.script(),
            });
        } else if let Verdict::Inconclusive(why) | Verdict::Skipped(why) = &outcome.verdict {
            explored.open.push(Open {
                seed: schedule.seed,
                why: why.clone(),
            });
        }
        Ok(())
    }

    /// Leaves out one operation after the other as long as what is left shows a breach.
    fn shrink(
        &self,
        mut schedule: Schedule,
        mut why: String,
        interrupt: &Interrupt,
    ) -> Result<(Schedule, String), Error> {
        while !interrupt.is_raised() {
            let shorter = schedule.shorter();
            let outcomes = self.outcomes(&shorter, interrupt)?;
            let broken = shorter.into_iter().zip(&outcomes);
            let next = broken.filter_map(|(schedule, outcome)| Some((schedule, breach(outcome)?)));
            // The shortest; the first of equals.
            let Some(found) = next.min_by_key(|(schedule, _)| schedule.operations.len()) else {
                break;
            };
            (schedule, why) = found;
        }
        Ok((schedule, why))
    }

    /// What schedules come to, in their order.
    fn outcomes(
        &self,
        schedules: &[Schedule],
        interrupt: &Interrupt,
    ) -> Result<Vec<Outcome>, Error> {
        let scenarios = schedules.iter().map(|schedule| {
            // A shorter schedule keeps the seed of the one it comes from.
            (format!("explore/{}", schedule.seed), schedule.scenario())
        });
        let scenarios: Vec<(String, String)> = scenarios.collect();
        play(&self.subject, self.parallel, &scenarios, None, interrupt)
    }
}

/// What scenarios, each a feature with a path, come to on embedded clusters, in their order.
pub(super) fn play(
    subject: &Subject,
    parallel: Option<usize>,
    scenarios: &[(String, String)],
    witness: Option<Witness>,
    interrupt: &Interrupt,
) -> Result<Vec<Outcome>, Error> {
    let sources = scenarios.iter().map(|(path, text)| Source {
        path: path.clone(),
        feature: Feature::parse(text, GherkinEnv::default())
            .expect("what is explored is written as a scenario"),
    });
    let sources: Vec<Source> = sources.collect();
    // The regular expressions of all sentences cost as much as several schedules: they are compiled once.
    thread_local! {
        static STEPS: Collection<World> = World::collection();
    }
    let plan = STEPS.with(|steps| Plan::new(&sources, steps, inventory::embedded(), 1));
    let scenarios = plan.scenarios.iter();
    let scenarios: Vec<_> = scenarios.map(|planned| planned.scenario.clone()).collect();
    let stage = Stage {
        plan: Arc::new(plan),
        site: site::prepare(&Tier::default(), subject, &Target::apps_v1(), false)?,
        subject: subject.clone(),
        target: Target::apps_v1(),
        limits: Limits::default(),
        timeout_scale: 1.0,
        to_the_end: false,
        histories: None,
        witness,
    };
    let mut options = drive::Options::default();
    if let Some(threads) = parallel {
        options.mode = Mode::Isolated { threads };
    }
    let mut outcomes = Vec::new();
    drive::drive(
        scenarios,
        Arc::new(stage),
        options,
        interrupt,
        &mut |event| {
            if let Event::Finished(outcome) = event {
                outcomes.push(outcome);
            }
        },
    );
    Ok(outcomes)
}

/// What shows that something does not hold, if anything does.
pub(super) fn breach(outcome: &Outcome) -> Option<String> {
    let mut why = Vec::new();
    if let Verdict::Failed { message, .. } = &outcome.verdict {
        why.push(message.clone());
    }
    for finding in &outcome.findings {
        why.extend(
            finding
                .violations
                .first()
                .map(|violation| format!("violated {}: {}", finding.invariant, violation.seen)),
        );
    }
    (!why.is_empty()).then(|| why.join("\n"))
}
