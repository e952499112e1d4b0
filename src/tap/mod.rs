//! The one place between an actor and the API server: who wrote what, what was delivered to whom, and where faults go.
//!
//! # Guarantees
//!
//! - A request is in the log before the server can see it, and its answer before the actor can see it.
//! - A change is in the log before the subject can see it, and nothing that is delivered is held back.
//! - What passes is not changed, unless a [rule](faults) says so: upgrades, streams and errors arrive as the server sent
//!   them.

mod delivery;
pub mod faults;
mod hub;
mod path;
pub mod proxy;
mod read;
mod wire;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::Client;
use tokio::sync::watch;

pub use hub::Hub;

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
    shared: Arc<Shared>,
    /// What a subject that is shared by many scenarios does for this one.
    part: Option<hub::Part>,
}

#[derive(Default)]
struct Shared {
    book: Mutex<Book>,
    /// Grows whenever the rules of faults change.
    turns: watch::Sender<usize>,
}

/// The log and the counters it is written with.
#[derive(Default)]
struct Book {
    log: Log,
    /// How many requests and answers were noted: their common order.
    steps: usize,
    /// The subject's process that clients are made for.
    process: u32,
    faults: faults::Faults,
    /// Ends the subject's processes.
    crash: Option<Arc<dyn Fn() + Send + Sync>>,
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
            shared: Arc::default(),
            part: None,
        }
    }

    /// From now on what a subject that is shared by many scenarios does in that namespace is in this log. A tap with a
    /// subject of its own logs everything anyway.
    pub fn cover(&self, namespace: &str) {
        if let Some(part) = &self.part {
            part.cover(namespace);
        }
    }

    /// A client whose requests pass through this tap in the name of an actor. One of the subject belongs to the process
    /// that is the current one when it is made.
    ///
    /// Must be called inside a tokio runtime, as every making of a client.
    pub fn client(&self, client: Client, actor: Actor) -> Client {
        let namespace = client.default_namespace().to_owned();
        let wire = self.wire(client, actor);
        let service = tower::service_fn(move |request| wire.clone().exchange(request));
        Client::new(service, namespace)
    }

    fn wire(&self, client: Client, actor: Actor) -> wire::Wire {
        wire::Wire {
            inner: client,
            tap: self.clone(),
            actor,
            process: self.lock().process,
        }
    }

    /// The subject is about to be started anew: clients that are made from now on belong to a new process, which knows
    /// nothing of what was delivered to the old one.
    pub fn restarted(&self) {
        self.lock().process += 1;
    }

    /// The log so far.
    pub fn log(&self) -> Log {
        let own = self.lock().log.clone();
        match &self.part {
            Some(part) => part.with(own),
            None => own,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.shared
            .book
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
