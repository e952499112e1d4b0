//! Components known to be wrong, each with one small change: proof that the specification bites.
//!
//! A mutant names the behaviours and invariants that have to catch it. Whatever no mutant breaks has not shown yet that
//! it can fail. The judge never reaches this module.

mod agents;
mod api;
mod controller;

use std::{
    fmt,
    sync::{Arc, LazyLock},
};

use kube::Client;

use crate::{controller::Twist, inventory::Party, mini::agents::Name};

/// A component known to be wrong.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// Its name.
    pub id: &'static str,
    /// Who is wrong.
    pub party: Party,
    /// What it does, in a line that follows its name.
    pub says: &'static str,
    /// Behaviours and invariants that it breaks. Not every scenario of a behaviour need catch it.
    pub breaks: &'static [&'static str],
    /// What is changed.
    pub part: Part,
}

/// The component that is changed, and how.
#[derive(Clone, Copy)]
pub enum Part {
    /// The reference controller runs with this twist.
    Controller(fn() -> Arc<dyn Twist>),
    /// An agent of the embedded cluster works through a changed client.
    Agent {
        /// Which one.
        name: Name,
        /// Gives it a client that changes what it sees or sends.
        change: fn(Client) -> Client,
    },
    /// The reference controller reaches the API server through a changed client.
    Requests(fn(Client) -> Client),
    /// Whoever is not of the cluster itself reaches its API server through a changed client.
    Api(fn(Client) -> Client),
}

impl fmt::Debug for Part {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Controller(_) => out.write_str("Controller"),
            Self::Agent { name, .. } => write!(out, "Agent({name:?})"),
            Self::Requests(_) => out.write_str("Requests"),
            Self::Api(_) => out.write_str("Api"),
        }
    }
}

/// All mutants, by party and chapter.
pub fn all() -> &'static [Mutant] {
    static ALL: LazyLock<Vec<Mutant>> = LazyLock::new(|| {
        let others = agents::ALL.iter().chain(api::ALL).copied();
        controller::all().chain(others).collect()
    });
    &ALL
}

/// The mutant of that id.
pub fn find(id: &str) -> Option<&'static Mutant> {
    all().iter().find(|mutant| mutant.id == id)
}

#[cfg(test)]
mod tests;
