//! One scenario from its cluster to what it came to.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use cucumber::World as _;
use futures::{FutureExt as _, future::LocalBoxFuture};

use super::{
    deviations,
    drive::{Cancel, Play},
    findings,
    guard::{Clocks, Guard, Limits},
    needs,
    plan::{Found, Plan, Planned},
    site::{Ground, Site},
    subject::Subject,
};
use crate::{
    cluster::{Need, Target},
    evidence::{Evidence, Profile, timeline::timelines},
    inventory,
    report::{Outcome, Scenario, Took, lines},
    verdict::Verdict,
    world::{SCENE, Scene, World},
};

/// How many lines of history a failure shows.
const SHOWN: usize = 24;

/// Everything that a scenario needs on its thread.
pub(super) struct Stage {
    pub(super) plan: Arc<Plan>,
    pub(super) site: Arc<dyn Site>,
    pub(super) subject: Subject,
    pub(super) target: Target,
    pub(super) limits: Limits,
    /// How much longer than usual steps wait.
    pub(super) timeout_scale: f64,
    /// What was seen is kept, and not only judged.
    pub(super) to_the_end: bool,
    /// The folder that the evidence of each scenario is saved in.
    pub(super) histories: Option<PathBuf>,
    /// Is shown the evidence of each scenario, with its place.
    pub(super) witness: Option<Witness>,
}

/// Somebody who wants to see the evidence itself.
pub(super) type Witness = Arc<dyn Fn(usize, &Evidence) + Send + Sync>;

impl Play for Stage {
    fn play<'a>(&'a self, place: usize, cancel: &'a mut Cancel) -> LocalBoxFuture<'a, Outcome> {
        let planned = &self.plan.scenarios[place];
        async move {
            match self.before(planned) {
                Some(outcome) => outcome,
                None => self.insist(place, cancel).await,
            }
        }
        .boxed_local()
    }

    fn alone(&self, place: usize) -> bool {
        let steps = &self.plan.scenarios[place].steps;
        // Taints put others' pods off their nodes too.
        let taints =
            |text: &str| text.ends_with(" is tainted") || text.ends_with(" is out of service");
        steps.iter().any(|step| taints(&step.text))
    }
}

impl Stage {
    /// What ends a scenario before it begins.
    fn before(&self, planned: &Planned) -> Option<Outcome> {
        if let Some((fault, step)) = planned.fault() {
            let mut outcome = Outcome::of(&planned.scenario, Verdict::Inconclusive(fault));
            outcome.step =
                step.map(|index| (planned.steps[index].text.clone(), planned.steps[index].line));
            return Some(outcome);
        }
        let offered = self.site.offered_to(&planned.scenario);
        let skip = deviations::of(&planned.scenario, &self.target).or_else(|| {
            needs::unmet(planned, inventory::embedded(), &offered).map(|unmet| unmet.to_string())
        });
        skip.map(|reason| Outcome::of(&planned.scenario, Verdict::Skipped(reason)))
    }

    /// Performs a scenario, and again in a fresh place as long as it is inconclusive and the site allows it. What came
    /// before is told; a failure stays one.
    async fn insist(&self, place: usize, cancel: &mut Cancel) -> Outcome {
        let mut before = Vec::new();
        loop {
            let mut guard = Guard::new(cancel, self.limits);
            let mut outcome = self.perform(place, &mut guard).await;
            let again = !guard.cancelled && before.len() < self.site.reruns();
            match &outcome.verdict {
                Verdict::Inconclusive(why) if again && !outcome.shows_a_breach() => {
                    before.push(why.clone());
                }
                _ => {
                    outcome.inconclusive_before = before;
                    return outcome;
                }
            }
        }
    }

    async fn perform(&self, place: usize, guard: &mut Guard<'_>) -> Outcome {
        let planned = &self.plan.scenarios[place];
        let clocks = Clocks::start();
        let mut outcome = Outcome::of(&planned.scenario, Verdict::Passed);
        let opening = self.site.open(planned, &self.subject, &self.target);
        match guard.run("the start of the cluster", opening).await {
            Err(verdict) => outcome.verdict = verdict,
            Ok(Err(why)) => outcome.verdict = Verdict::Inconclusive(why),
            Ok(Ok(ground)) => {
                let scene = self.scene(planned, &ground);
                let Ground {
                    cluster, running, ..
                } = ground;
                let seen = |evidence: &Evidence| {
                    if let Some(witness) = &self.witness {
                        witness(place, evidence);
                    }
                    let folder = self.histories.as_ref()?;
                    save(evidence, &folder.join(file_of(&planned.scenario))).err()
                };
                SCENE
                    .scope(scene, act(planned, guard, &mut outcome, seen))
                    .await;
                // One that was told to end has no time to wait for its subject's.
                if !guard.cancelled
                    && let Ok(Some(note)) = guard.run("the end of the subject", running.end()).await
                {
                    outcome.notes.push(note);
                }
                if let Err(verdict) = guard.run("the end of the cluster", cluster.stop()).await {
                    outcome.notes.push(verdict.reason().to_owned());
                }
                self.weigh(&mut outcome);
            }
        }
        let Took {
            virtual_seconds,
            real_seconds,
        } = clocks.took();
        outcome.took = Took {
            virtual_seconds,
            real_seconds,
        };
        outcome
    }

    /// What a scenario sees of its place.
    fn scene(&self, planned: &Planned, ground: &Ground) -> Scene {
        let offered = ground.cluster.capabilities();
        let profile = Profile {
            version: offered.version,
            shared_counter: offered.shared_counter,
            virtual_time: offered.virtual_time,
            attribution: offered.offers.contains(&Need::Attribution),
            delivery: offered.offers.contains(&Need::Delivery),
            gates: offered.gates.clone(),
            own_write_gate: self.subject.has_own_write_gate(),
        };
        Scene {
            cluster: ground.cluster.clone(),
            target: self.target.clone(),
            tap: ground.tap.clone(),
            namespace: ground.namespace.clone(),
            seed: planned.scenario.seed,
            deadlines: self.site.deadlines().scaled(self.timeout_scale),
            rest: self.rest(offered.virtual_time),
            profile,
            processes: ground.running.processes(),
            sentences: planned.steps.iter().map(|step| step.text.clone()).collect(),
        }
    }

    /// Long enough for every rule that speaks of quiet periods; in real time only where what was seen is kept.
    fn rest(&self, virtual_time: bool) -> Option<Duration> {
        match (virtual_time, self.to_the_end) {
            (true, _) => Some(Duration::from_secs(70)),
            (false, true) => Some(Duration::from_secs(10)),
            (false, false) => None,
        }
    }

    /// A pass in which nobody acted says nothing about the subject.
    fn weigh(&self, outcome: &mut Outcome) {
        let party = self.subject.party();
        let rows = outcome
            .scenario
            .behaviours
            .iter()
            .filter_map(|id| inventory::embedded().behaviour(id));
        let judged = rows.filter(|row| row.party == party).count() > 0;
        let idle = outcome.subject_writes == Some(0) && party == inventory::Party::Controller;
        if outcome.verdict == Verdict::Passed && judged && idle {
            outcome.verdict = Verdict::Inconclusive(
                "the subject wrote nothing, so this says nothing about it".into(),
            );
        }
    }
}

/// Makes the World, takes the steps, gathers the evidence, has it judged and shows it; who sees it may have to note
/// something.
async fn act(
    planned: &Planned,
    guard: &mut Guard<'_>,
    outcome: &mut Outcome,
    seen: impl Fn(&Evidence) -> Option<String>,
) {
    let mut world = match guard.run("the making of the World", World::new()).await {
        Ok(Ok(world)) => world,
        Ok(Err(error)) => {
            let stop = crate::verdict::Stop::from_payload(Box::new(error.to_string()));
            outcome.verdict = stop.verdict(None);
            return;
        }
        Err(verdict) => {
            outcome.verdict = verdict;
            return;
        }
    };
    for step in &planned.steps {
        // Whoever lacks a step has been told before anything began.
        let Found::One { run, context } = &step.found else {
            continue;
        };
        if let Err(verdict) = guard
            .run(
                &format!("the step {:?}", step.text),
                run(&mut world, context.clone()),
            )
            .await
        {
            outcome.verdict = verdict;
            outcome.step = Some((step.text.clone(), step.line));
            break;
        }
    }
    // A scenario that was told to end has no quiet end to wait for.
    if !guard.cancelled && !matches!(outcome.verdict, Verdict::Skipped(_)) {
        match guard.run("the gathering of evidence", world.finish()).await {
            Ok(Ok((evidence, restless))) => {
                judge(&evidence, outcome);
                outcome.notes.extend(seen(&evidence));
                if let Some(stop) = restless {
                    worsen(outcome, stop.verdict(None));
                }
            }
            Ok(Err(stop)) => unproved(outcome, stop.verdict(None).reason()),
            Err(verdict) => unproved(outcome, verdict.reason()),
        }
    }
    outcome.certificates = std::mem::take(&mut world.certificates);
    // Dropping it may panic, as the dropping of whatever a step left in it.
    if let Err(verdict) = guard
        .run("the end of the World", async { drop(world) })
        .await
    {
        worsen(outcome, verdict);
    }
}

/// `ordering-startup-12.json`.
fn file_of(scenario: &Scenario) -> String {
    format!("{}-{}.json", scenario.path.replace('/', "-"), scenario.line)
}

fn save(evidence: &Evidence, path: &Path) -> Result<(), String> {
    let text = serde_json::to_string(evidence).map_err(|error| error.to_string());
    let saved = text.and_then(|text| fs::write(path, text).map_err(|error| error.to_string()));
    saved.map_err(|why| format!("the history cannot be saved to {}: {why}", path.display()))
}

/// What comes after the steps must not hide what they found.
fn worsen(outcome: &mut Outcome, verdict: Verdict) {
    if outcome.verdict == Verdict::Passed {
        outcome.verdict = Verdict::Inconclusive(verdict.reason().to_owned());
    }
}

/// A failure needs evidence: of what could not be gathered nobody is accused.
fn unproved(outcome: &mut Outcome, why: &str) {
    let why = match &outcome.verdict {
        Verdict::Passed => why.to_owned(),
        Verdict::Failed { message, .. } => format!("{why}; before that a step said: {message}"),
        Verdict::Skipped(_) | Verdict::Inconclusive(_) => return,
    };
    outcome.verdict = Verdict::Inconclusive(why);
}

fn judge(evidence: &Evidence, outcome: &mut Outcome) {
    let known = evidence.profile.attribution;
    outcome.subject_writes = known.then(|| lines::writes_of_the_subject(evidence));
    outcome.findings = findings::of(evidence);
    outcome.timelines = timelines(evidence);
    if outcome.verdict != Verdict::Passed {
        outcome.slice = lines::last(evidence, SHOWN);
    }
}
