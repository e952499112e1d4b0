//! What a history comes to for each set: a partial order of what became of the set, its status, revisions, claims and pods.
//!
//! # Guarantees
//!
//! - Two histories of one scenario that a correct cluster may leave have equal timelines, on whatever tier, at whatever
//!   speed: what a cluster draws or is told by its tier is left out (names of revisions, times), and so is the order of what may interleave.
//! - What is ordered: the events of each object, and those of different objects where one has to wait for the other
//!   (`waits`): a pod for its revision and its claims; in a set of the policy OrderedReady, a pod that is created or
//!   deleted by the controller for what becomes of the others.
//! - The events of a timeline come in an order that depends on that partial order alone.

mod compare;
mod project;
mod text;

use crate::sets::{self, Ordinal};

pub use compare::{Difference, compare};
pub use project::timelines;
pub use text::Unreadable;

/// What became of one set and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// The set's name; behind it the rest of its namespace, where a scenario has more than one: `web in -other`.
    pub set: String,
    /// Its pods are created and deleted one after the other.
    pub ordered: bool,
    /// What happened.
    pub events: Vec<Event>,
}

/// One thing that happened to one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The object.
    pub part: Part,
    /// What became of it.
    pub what: What,
}

/// An object of a set. Ordered as they are told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The set itself.
    Set,
    /// The revisions in its status.
    Status,
    /// A revision, numbered in the order in which they were first seen, from 1 on.
    Revision(usize),
    /// A claim of one of its templates.
    Claim(String),
    /// A pod.
    Pod(Ordinal, String),
}

/// What became of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It was there before the scenario.
    WasThere,
    /// It was created.
    Created,
    /// A pod was created from the revision with this number; 0 is none.
    CreatedFrom(usize),
    /// A set's spec has this number from here on.
    Spec(i64),
    /// A status names these revisions as current and as update.
    Names(usize, usize),
    /// A pod or revision that others made became the set's.
    Adopted,
    /// It ceased to be the set's.
    Released,
    /// It became Ready.
    Ready,
    /// It is not Ready any more.
    NotReady,
    /// All of it ended, in failure or in success.
    Ended,
    /// Its deletion was asked for.
    Deleted(By),
    /// It is gone.
    Gone,
}

/// Who asked for a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The controller, in the course of scaling or of an update.
    Controller,
    /// The controller, because the pod had ended.
    Ended,
    /// An eviction, a taint or a preemption.
    Disruption,
    /// The scenario, or somebody else.
    Others,
}

/// What comes first of two events of one set must come first in every correct history.
fn waits(timeline: &Timeline, one: &Event, other: &Event) -> bool {
    let either = |waits: fn(&Event, &Event) -> bool| waits(one, other) || waits(other, one);
    one.part == other.part
        || either(for_what_it_is_made_from)
        || timeline.ordered && either(for_other_pods)
}

/// A pod waits for its revision and its claims.
fn for_what_it_is_made_from(pod: &Event, other: &Event) -> bool {
    let (Part::Pod(_, name), What::CreatedFrom(revision)) = (&pod.part, &pod.what) else {
        return false;
    };
    match (&other.part, &other.what) {
        (Part::Revision(number), What::Created) => number == revision,
        (Part::Claim(claim), What::Created) => claim
            .strip_suffix(name.as_str())
            .is_some_and(|rest| rest.ends_with('-')),
        _ => false,
    }
}

/// In an OrderedReady set a pod is created when those before it are Ready, and deleted by the controller when all are.
fn for_other_pods(act: &Event, other: &Event) -> bool {
    let (Part::Pod(mine, _), Part::Pod(theirs, _)) = (&act.part, &other.part) else {
        return false;
    };
    let counts = matches!(
        other.what,
        What::CreatedFrom(_) | What::Ready | What::NotReady
    );
    match act.what {
        What::CreatedFrom(_) | What::Deleted(By::Ended) => counts && theirs < mine,
        What::Deleted(By::Controller) => {
            counts
                || other.what == What::Deleted(By::Controller)
                || other.what == What::Gone && theirs > mine
        }
        _ => false,
    }
}

impl Timeline {
    /// Puts the events into the order that depends on their partial order alone: of those that need not wait for
    /// another, the one of the first part comes first.
    fn arrange(&mut self) {
        let events = std::mem::take(&mut self.events);
        let count = events.len();
        let before = |later: usize| (0..later).filter(move |earlier| *earlier < later);
        let mut open: Vec<usize> = vec![0; count];
        let mut next: Vec<Vec<usize>> = vec![Vec::new(); count];
        for later in 0..count {
            for earlier in before(later) {
                if waits(self, &events[earlier], &events[later]) {
                    open[later] += 1;
                    next[earlier].push(later);
                }
            }
        }
        let ready = (0..count).filter(|place| open[*place] == 0);
        let mut ready: std::collections::BTreeSet<(&Part, usize)> =
            ready.map(|place| (&events[place].part, place)).collect();
        let mut order = Vec::with_capacity(count);
        while let Some((_, place)) = ready.pop_first() {
            order.push(place);
            for later in &next[place] {
                open[*later] -= 1;
                if open[*later] == 0 {
                    ready.insert((&events[*later].part, *later));
                }
            }
        }
        self.events = order
            .into_iter()
            .map(|place| events[place].clone())
            .collect();
    }
}

impl Part {
    /// A pod of a set, by its name.
    fn pod(set: &str, name: &str) -> Self {
        Self::Pod(sets::ordinal_of(set, name).unwrap_or(-1), name.to_owned())
    }
}

#[cfg(test)]
mod tests;
