//! What a run tells while it goes on: plain data.

use std::sync::Arc;

use crate::report::{Outcome, Run, Scenario};

/// Something happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The run begins.
    Started {
        /// What is run.
        run: Run,
        /// How many scenarios.
        scenarios: usize,
    },
    /// A scenario begins; told at once, in no particular order.
    Running(Arc<Scenario>),
    /// A scenario has ended; told at once, in no particular order.
    Ended(Arc<Scenario>),
    /// What a scenario came to; told in the order of the features.
    Finished(Outcome),
}
