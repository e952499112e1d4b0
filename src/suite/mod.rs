//! One run: select scenarios, start a cluster and a subject for each, drive them, collect what they come to.
//!
//! This is also the library's front door: a controller of one's own, judged from one's own `cargo test`.
//!
//! ```no_run
//! use stsspec::suite::Suite;
//!
//! # async fn my_controller(_: stsspec::kube::Client) {}
//! Suite::new(|cx| async move { my_controller(cx.client()).await })
//!     .select("ordering")
//!     .core()
//!     .run()
//!     .assert_conformant();
//! ```
//!
//! # Guarantees
//!
//! - Each scenario has a cluster and a subject of its own; nothing of it is left when it ends.
//! - On the embedded cluster time is virtual: it stands still while anything is to be done, and jumps when nothing is. A
//!   controller has to wait with tokio's timers, not with the system's.
//! - The same seed gives the same run, where the subject is deterministic.

mod deviations;
mod doctor;
pub mod drive;
pub mod event;
mod excused;
mod exhaust;
mod explore;
pub mod features;
mod findings;
mod guard;
mod hunt;
mod judge;
mod nearest;
mod needs;
mod observe;
mod panics;
pub mod plan;
pub mod select;
mod site;
mod stage;
mod steps;
mod subject;
mod tier;
mod verdicts;

use std::{
    future::Future,
    panic::resume_unwind,
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use cucumber::World as _;

use self::{
    drive::Interrupt,
    event::Event,
    plan::Plan,
    select::{Selection, Tags},
    stage::Stage,
};
use crate::{
    cluster::Target,
    inventory,
    report::{Listed, ListedBehaviour, Outcome, Profile, Report, Run, Scenario},
    world::World,
};

pub use doctor::examine;
pub use exhaust::Exhaust;
pub use explore::Explore;
pub use guard::Limits;
pub use hunt::{Hunt, Progress};
pub use judge::judge;
pub use observe::{Observe, Seen};
pub use site::Error as SiteError;
pub use steps::steps;
pub use subject::{Context, Function, Subject, Unknown as UnknownSubject};
pub use tier::{KindOptions, Tier};

/// A run to be.
#[derive(Debug)]
pub struct Suite {
    subject: Subject,
    tier: Tier,
    target: Target,
    selection: Selection,
    features: Option<PathBuf>,
    seed: u64,
    timeout_scale: f64,
    parallel: Option<usize>,
    fail_fast: bool,
    real_limit: Option<Duration>,
    histories: Option<PathBuf>,
    to_the_end: bool,
}

/// Why there is no run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The features cannot be read.
    #[error(transparent)]
    Features(#[from] features::Error),
    /// Nothing is selected.
    #[error(transparent)]
    Nothing(#[from] select::Nothing),
    /// It cannot take place where it was to.
    #[error(transparent)]
    Site(#[from] site::Error),
}

impl Suite {
    /// A run that judges a controller: an async function of what it is given. It is started anew for each scenario and
    /// dropped when that ends.
    pub fn new<F, Fut>(controller: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
    {
        Self::of(Subject::function(controller))
    }

    /// A run that judges any subject.
    pub fn of(subject: Subject) -> Self {
        Self {
            subject,
            tier: Tier::default(),
            target: Target::apps_v1(),
            selection: Selection::default(),
            features: None,
            seed: 1,
            timeout_scale: 1.0,
            parallel: None,
            fail_fast: false,
            real_limit: None,
            histories: None,
            to_the_end: false,
        }
    }

    /// Where it takes place. On embedded clusters.
    #[must_use]
    pub fn on(mut self, tier: Tier) -> Self {
        self.tier = tier;
        self
    }

    /// The kind of object that is judged. `apps/v1 StatefulSet`.
    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        self.target = target;
        self
    }

    /// On a real control plane from the programs in a folder: etcd, kube-apiserver, kube-controller-manager.
    #[must_use]
    pub fn control_plane(self, assets: impl Into<PathBuf>) -> Self {
        self.on(Tier::ControlPlane(assets.into().into()))
    }

    /// Adds a part of the specification: a chapter, a path as `ordering/startup`, one scenario as `ordering/startup:12`
    /// or by its name, or a behaviour's id. Without any, all of it runs.
    #[must_use]
    pub fn select(mut self, part: impl Into<String>) -> Self {
        self.selection.parts.push(part.into());
        self
    }

    /// Runs only scenarios whose tags fit.
    #[must_use]
    pub fn tags(mut self, tags: Tags) -> Self {
        self.selection.tags = Some(tags);
        self
    }

    /// Only core behaviours count, and only scenarios that judge one run.
    #[must_use]
    pub fn core(self) -> Self {
        self.profile(Profile::Core)
    }

    /// Which levels count.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.selection.profile = profile;
        self
    }

    /// What everything random comes from. 1.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many scenarios run at once. On embedded clusters as many as the machine has cores.
    #[must_use]
    pub fn parallel(mut self, many: usize) -> Self {
        self.parallel = Some(many);
        self
    }

    /// The first failure ends the run.
    #[must_use]
    pub fn fail_fast(mut self, yes: bool) -> Self {
        self.fail_fast = yes;
        self
    }

    /// How many times longer than usual steps wait, on the cluster's clock. 1.
    #[must_use]
    pub fn timeout_scale(mut self, factor: f64) -> Self {
        self.timeout_scale = factor;
        self
    }

    /// Real time that a scenario may take before it is stopped and counts as inconclusive. On embedded clusters
    /// 60 s.
    #[must_use]
    pub fn real_limit(mut self, limit: Duration) -> Self {
        self.real_limit = Some(limit);
        self
    }

    /// Features of a folder instead of those that are compiled in; it has a folder for each chapter.
    #[must_use]
    pub fn features_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.features = Some(folder.into());
        self
    }

    /// Saves what was seen in each scenario in a folder that is there, a file each.
    #[must_use]
    pub fn histories_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.histories = Some(folder.into());
        self
    }

    /// Waits in real time, too, until what a scenario has set off has come to rest: for those who compare what was seen.
    #[must_use]
    pub fn to_the_end(mut self, yes: bool) -> Self {
        self.to_the_end = yes;
        self
    }

    /// Runs to the end and gives the report. Blocks; may be called from a plain `#[test]`.
    ///
    /// # Panics
    ///
    /// Nothing is selected, the features cannot be read, or there is no such cluster or subject.
    #[track_caller]
    pub fn run(self) -> Report {
        match self.run_with(&Interrupt::default(), &mut |_| {}) {
            Ok(report) => report,
            Err(error) => panic!("{error}"),
        }
    }

    /// Runs to the end, or until it is interrupted, and tells on the way what happens. Blocks.
    ///
    /// # Errors
    ///
    /// Nothing is selected, the features cannot be read, or there is no such cluster or subject.
    pub fn run_with(
        self,
        interrupt: &Interrupt,
        tell: &mut dyn FnMut(Event),
    ) -> Result<Report, Error> {
        let begin = Instant::now();
        let plan = self.plan()?;
        let site = site::prepare(&self.tier, &self.subject, &self.target, false)?;
        let mut run = self.describe(&*site);
        let scenarios: Vec<Arc<Scenario>> = plan
            .scenarios
            .iter()
            .map(|planned| planned.scenario.clone())
            .collect();
        tell(Event::Started {
            run: run.clone(),
            scenarios: scenarios.len(),
        });
        let drive = drive::Options {
            mode: site.mode(self.parallel),
            fail_fast: self.fail_fast,
            real_limit: self.real_limit.unwrap_or_else(|| site.real_limit()),
            ..drive::Options::default()
        };
        let stage = Stage {
            plan: Arc::new(plan),
            site: site.clone(),
            subject: self.subject,
            target: self.target,
            limits: Limits::default(),
            timeout_scale: self.timeout_scale,
            to_the_end: self.to_the_end || self.histories.is_some(),
            histories: self.histories,
            witness: None,
        };
        let mut outcomes: Vec<Outcome> = Vec::new();
        let strays = drive::drive(scenarios, Arc::new(stage), drive, interrupt, &mut |event| {
            if let Event::Finished(outcome) = &event {
                outcomes.push(outcome.clone());
            }
            tell(event);
        });
        run.left = site.close();
        run.real_seconds = begin.elapsed().as_secs_f64();
        let interrupted = interrupt.is_raised();
        Ok(verdicts::conclude(
            run,
            outcomes,
            strays,
            interrupted,
            inventory::embedded(),
            excused::embedded(),
        ))
    }

    /// The selected scenarios, without running any, and why some would be skipped.
    ///
    /// # Errors
    ///
    /// Nothing is selected, the features cannot be read, or there is no such cluster or subject.
    pub fn list(&self) -> Result<Vec<Listed>, Error> {
        let plan = self.plan()?;
        let site = site::prepare(&self.tier, &self.subject, &self.target, true)?;
        let listed = plan.scenarios.iter().map(|planned| Listed {
            id: planned.scenario.id(),
            skipped: deviations::of(&planned.scenario, &self.target).or_else(|| {
                let offered = site.offered_to(&planned.scenario);
                let unmet = needs::unmet(planned, inventory::embedded(), &offered);
                unmet.map(|unmet| unmet.to_string())
            }),
            scenario: (*planned.scenario).clone(),
        });
        Ok(listed.collect())
    }

    /// Every behaviour of the inventory, and who judges it.
    ///
    /// # Errors
    ///
    /// The features cannot be read.
    pub fn list_behaviours(&self) -> Result<Vec<ListedBehaviour>, Error> {
        let plan = self.whole_plan()?;
        let inventory = inventory::embedded();
        let judging = |id: &String| {
            let tagged = plan
                .scenarios
                .iter()
                .filter(|planned| planned.scenario.behaviours.contains(id));
            tagged.map(|planned| planned.scenario.id()).collect()
        };
        let rows = inventory.behaviours().iter().map(|row| ListedBehaviour {
            scenarios: judging(&row.id),
            invariants: inventory
                .judges_of(&row.id)
                .map(|invariant| invariant.id.clone())
                .collect(),
            behaviour: row.clone(),
        });
        Ok(rows.collect())
    }

    fn plan(&self) -> Result<Plan, Error> {
        Ok(self
            .selection
            .of(self.whole_plan()?, inventory::embedded())?)
    }

    fn whole_plan(&self) -> Result<Plan, Error> {
        // The regular expressions of all sentences take longer than everything else before the first scenario.
        let (features, steps) = thread::scope(|scope| {
            let steps = scope.spawn(World::collection);
            let features = match &self.features {
                None => features::embedded(),
                Some(folder) => features::in_folder(folder),
            };
            inventory::embedded();
            let steps = steps.join().unwrap_or_else(|panic| resume_unwind(panic));
            (features, steps)
        });
        let inventory = inventory::embedded();
        Ok(Plan::new(&features?, &steps, inventory, self.seed))
    }

    fn describe(&self, site: &dyn site::Site) -> Run {
        let (major, minor) = site.offered().version;
        Run {
            stsspec: env!("CARGO_PKG_VERSION").to_owned(),
            kubernetes: format!("{major}.{minor}"),
            subject: self.subject.to_string(),
            party: self.subject.party(),
            tier: self.tier.to_string(),
            place: self.tier.place(),
            target: self.target.to_string(),
            profile: self.selection.profile,
            seed: self.seed,
            features: self
                .features
                .as_ref()
                .map(|folder| folder.display().to_string()),
            selection: self.selection.parts.clone(),
            tags: self.selection.tags.as_ref().map(ToString::to_string),
            whole: self.selection.is_whole() && self.features.is_none() && !self.fail_fast,
            reconciler: site.reconciler(),
            left: Vec::new(),
            real_seconds: 0.0,
        }
    }
}

#[cfg(test)]
mod tests;
