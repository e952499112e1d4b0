//! The clusters of a tier, as the stage needs them: what they offer, and a place for each scenario.

mod embedded;

use std::{sync::Arc, time::Duration};

use futures::future::LocalBoxFuture;

use super::{
    drive::Mode,
    plan::Planned,
    subject::{Running, Subject},
    tier::Tier,
};
use crate::{
    cluster::{Capabilities, Cluster, Target},
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
}

/// The place of one scenario, with the subject at work on it.
pub(super) struct Ground {
    /// The cluster. Stopping it ends what was made for the scenario, and nothing else.
    pub(super) cluster: Arc<dyn Cluster>,
    /// Between the cluster and whoever is watched.
    pub(super) tap: Tap,
    /// The scenario's own namespace. It is not made yet.
    pub(super) namespace: String,
    /// The subject.
    pub(super) running: Running,
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

/// The clusters of a tier, for a subject. Blocks until it is known what they offer; not to be called from within a
/// runtime.
///
/// # Errors
///
/// The subject is not to be had there, or there is no cluster.
pub(super) fn prepare(tier: &Tier, subject: &Subject) -> Result<Arc<dyn Site>, Error> {
    match tier {
        Tier::Embedded => Ok(Arc::new(embedded::Here::for_subject(subject)?)),
    }
}
