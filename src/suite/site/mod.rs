//! The clusters of a tier, as the stage needs them: what they offer, and a place for each scenario.

pub(super) mod context;
mod control_plane;
mod embedded;
mod kind;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::future::LocalBoxFuture;
use tokio::runtime::Builder;

use super::{
    drive::Mode,
    plan::Planned,
    subject::{Running, Subject},
    tier::Tier,
};
use crate::{
    cluster::{
        Capabilities, Cluster, Processes, Target, context as context_tier,
        control_plane as control_plane_tier,
    },
    mutants::{Mutant, Part},
    report::Scenario,
    tap::Tap,
    world::Deadlines,
};

/// Why a tier cannot be run on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The subject is not to be had there.
    #[error(
        "the subject {subject} cannot be judged on tier {tier}: {reason}; `--subject {instead}` can"
    )]
    Subject {
        /// Who was to be judged.
        subject: String,
        /// Where.
        tier: String,
        /// Why not.
        reason: String,
        /// Who can be.
        instead: &'static str,
    },
    /// The target is not to be had there.
    #[error(
        "the target {target} cannot be judged on tier {tier}: its API server has no definitions of kinds; that of every other tier has"
    )]
    Target {
        /// What was to be judged.
        target: String,
        /// Where.
        tier: String,
    },
    /// The target is not defined there.
    #[error(
        "the cluster at {address} does not know {target}: an administrator installs it once with `stsspec controller --print-crd | kubectl apply -f -`"
    )]
    Undefined {
        /// What was to be judged.
        target: String,
        /// Where.
        address: String,
    },
    /// Somebody else takes care of sets there, or nobody does.
    #[error("the subject {subject} cannot be judged at {address}: {why}")]
    Reconciler {
        /// Who was to be judged.
        subject: String,
        /// Where.
        address: String,
        /// What was found out.
        why: String,
    },
    /// The cluster cannot be used.
    #[error(transparent)]
    Context(#[from] context_tier::Error),
    /// A kind cluster cannot be made.
    #[error(transparent)]
    Kind(#[from] crate::cluster::kind::Error),
    /// The bundled controller cannot be brought into it.
    #[error(transparent)]
    Deploy(#[from] crate::cluster::kind::deploy::Error),
    /// Nothing is made for a rehearsal, so nothing is known.
    #[error(
        "what a kind cluster would skip is known when there is one; run it, or name a cluster with --context"
    )]
    Rehearsal,
    /// There is no control plane.
    #[error(transparent)]
    ControlPlane(#[from] control_plane_tier::Error),
    /// Sets cannot be watched.
    #[error(transparent)]
    Record(#[from] crate::record::Error),
    /// The system gives no thread or runtime.
    #[error("cannot start a runtime: {0}")]
    Runtime(#[from] std::io::Error),
}

/// The place of one scenario, with the subject at work on it.
pub(super) struct Ground {
    /// The cluster. Stopping it ends what was made for the scenario, and nothing else.
    pub(super) cluster: Arc<dyn Cluster>,
    /// Between the cluster and whoever is watched.
    pub(super) tap: Tap,
    /// The scenario's own namespace. It is not made yet.
    pub(super) namespace: String,
    /// The subject: one, or one for each namespace, as they are made.
    pub(super) running: Subjects,
}

/// Subjects at work. They end when this is dropped.
#[derive(Clone, Default)]
pub(super) struct Subjects(Arc<Mutex<Vec<Running>>>);

impl From<Vec<Running>> for Subjects {
    fn from(running: Vec<Running>) -> Self {
        Self(Arc::new(Mutex::new(running)))
    }
}

impl Subjects {
    /// One more.
    fn add(&self, running: Running) {
        self.lock().push(running);
    }

    /// Their processes.
    pub(super) fn processes(&self) -> Arc<dyn Processes> {
        Arc::new(self.clone())
    }

    /// Ends them. Says so if one had ended by itself.
    pub(super) async fn end(self) -> Option<String> {
        let all = std::mem::take(&mut *self.lock());
        let mut note = None;
        for running in all {
            note = running.end().await.or(note);
        }
        note
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Processes for Subjects {
    fn crash(&self) {
        self.lock().iter().for_each(|one| one.processes().crash());
    }

    fn start(&self) {
        self.lock().iter().for_each(|one| one.processes().start());
    }
}

/// The clusters of a tier.
pub(super) trait Site: Send + Sync {
    /// What each of its clusters offers, with this subject.
    fn offered(&self) -> &Capabilities;

    /// What a scenario's own cluster will offer: the same, unless version and gates can be chosen for each.
    fn offered_to(&self, _: &Scenario) -> Capabilities {
        self.offered().clone()
    }

    /// How scenarios share time and threads: `parallel` of them at once, or as many as are good for it.
    fn mode(&self, parallel: Option<usize>) -> Mode;

    /// How long steps wait.
    fn deadlines(&self) -> Deadlines;

    /// Real time that one scenario may take.
    fn real_limit(&self) -> Duration;

    /// How often an inconclusive scenario is run again, in a fresh place.
    fn reruns(&self) -> usize {
        0
    }

    /// Who reconciles sets there, and how that is known; none where it goes without saying.
    fn reconciler(&self) -> Option<String>;

    /// Makes the place of a scenario and starts the subject on it, on the runtime of the caller. An error says in words
    /// why there is none: the scenario is inconclusive.
    fn open<'a>(
        &'a self,
        planned: &'a Planned,
        subject: &'a Subject,
        target: &'a Target,
    ) -> LocalBoxFuture<'a, Result<Ground, String>>;

    /// Ends what was made for the run, after the last scenario and outside of any runtime; blocks. What could not be
    /// ended, in words.
    fn close(&self) -> Vec<String>;
}

/// The clusters of a tier, for a subject. Blocks until it is known what they offer. Nothing is made for a rehearsal: what
/// only trying would show is taken to be there.
///
/// # Errors
///
/// The subject is not to be had there, or there is no cluster.
pub(super) fn prepare(
    tier: &Tier,
    subject: &Subject,
    target: &Target,
    rehearsal: bool,
) -> Result<Arc<dyn Site>, Error> {
    if target.is_custom() && matches!(tier, Tier::Embedded(_)) {
        return Err(Error::Target {
            target: target.to_string(),
            tier: tier.to_string(),
        });
    }
    if target.is_custom() && matches!(subject, Subject::BuiltIn) {
        return Err(Error::Subject {
            subject: subject.to_string(),
            tier: tier.to_string(),
            reason: format!("no controller that Kubernetes brings along knows {target}"),
            instead: "bundled",
        });
    }
    if let Some((reason, instead)) = out_of_reach(tier, subject) {
        return Err(Error::Subject {
            subject: subject.to_string(),
            tier: tier.to_string(),
            reason: reason.to_owned(),
            instead,
        });
    }
    match tier {
        Tier::Embedded(latency) => Ok(Arc::new(embedded::Here::new(*latency))),
        Tier::Kind(_) if rehearsal => Err(Error::Rehearsal),
        Tier::Kind(options) => Ok(Arc::new(kind::Made::prepare(options, subject, target)?)),
        Tier::Context(options) => Ok(Arc::new(context::There::prepare(
            options, subject, target, rehearsal,
        )?)),
        Tier::ControlPlane(programs) => Ok(Arc::new(control_plane::Plane::prepare(
            programs, subject, target, rehearsal,
        )?)),
    }
}

/// Why a subject cannot be judged on a tier, and which can, if it cannot.
fn out_of_reach(tier: &Tier, subject: &Subject) -> Option<(&'static str, &'static str)> {
    match (tier, subject) {
        (Tier::Embedded(_), Subject::BuiltIn) => Some((
            "its clusters have no StatefulSet controller of their own",
            "bundled",
        )),
        (Tier::Embedded(_), Subject::Command(_)) => Some((
            "a program lives in real time, and its clusters do not",
            "bundled",
        )),
        (Tier::Context(_) | Tier::Kind(_), Subject::Command(_)) => Some((
            "a program is started where nothing else is at work, which `--tier control-plane` is",
            "bundled",
        )),
        (
            Tier::Context(_) | Tier::Kind(_),
            Subject::Mutant(Mutant {
                part: Part::Agent { .. } | Part::Api(_),
                ..
            }),
        ) => Some(("its nodes and its API server are real ones", "bundled")),
        (
            Tier::ControlPlane(_),
            Subject::Mutant(Mutant {
                part: Part::Api(_), ..
            }),
        ) => Some(("its API server is a real one", "bundled")),
        _ => None,
    }
}

/// Runs something on a runtime of its own on a thread of its own: the caller may be on one already.
pub(in crate::suite) fn on_a_runtime<T: Send>(
    work: impl Future<Output = T> + Send,
) -> Result<T, std::io::Error> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    std::thread::scope(|scope| {
        let working = scope.spawn(|| runtime.block_on(work));
        match working.join() {
            Ok(done) => Ok(done),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
