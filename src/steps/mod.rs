//! What the sentences of the features do: one file per noun.
//!
//! A sentence that acts remembers what was there first ([`World::acts`](crate::world::World::acts)); one that says
//! *becomes* waits for the history; one that says *stays* or *never* is judged over all of it after a hold.

mod by_hand;
mod claims;
mod deployments;
mod dns;
mod events;
mod faults;
mod history;
mod names;
mod namespaces;
mod nodes;
mod owners;
mod pods;
mod readiness;
mod requests;
mod revisions;
mod rollouts;
mod scale;
mod services;
mod sets;
mod status;
mod storage;
mod tutorial;

#[cfg(test)]
mod vocabulary;
