//! Runs the parts of a scenario so that none of them can take the run with it.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use futures::{
    channel::oneshot,
    future::{Either, FusedFuture as _, select},
};

use super::{drive::Cancel, panics};
use crate::{
    report::Took,
    verdict::{Stop, Verdict},
};

/// How long parts may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time on the scenario's own clock that one part may take. On a paused clock a part that waits for nothing reaches
    /// it at once, so most hangs never need the watchdog on real time. A day.
    pub step: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            step: Duration::from_secs(24 * 3600),
        }
    }
}

/// Guards one scenario.
pub(super) struct Guard<'a> {
    cancel: &'a mut Cancel,
    limits: Limits,
    /// Somebody asked it to end.
    pub(super) cancelled: bool,
}

impl<'a> Guard<'a> {
    pub(super) fn new(cancel: &'a mut Cancel, limits: Limits) -> Self {
        Self {
            cancel,
            limits,
            cancelled: false,
        }
    }

    /// Runs a part until it ends, panics, is cancelled from another thread, or takes too long on the runtime's clock.
    pub(super) async fn run<T>(
        &mut self,
        what: &str,
        part: impl Future<Output = T>,
    ) -> Result<T, Verdict> {
        let clocks = Clocks::start();
        let deadline = tokio::time::sleep(self.limits.step);
        let part = Box::pin(panics::in_step(part));
        let mut never = oneshot::channel::<String>();
        // A channel that has given its message is not asked again: what is cleaned up after that runs to its end.
        let cancel = if self.cancel.is_terminated() {
            &mut never.1
        } else {
            &mut *self.cancel
        };
        // `select` polls its first argument first: a part that is done is done, even if its time is over as well.
        match select(part, select(cancel, pin!(deadline))).await {
            Either::Left((Ok(value), _)) => Ok(value),
            Either::Left((Err(payload), _)) => {
                Err(Stop::from_payload(payload).verdict(panics::take_location()))
            }
            Either::Right((Either::Left((why, _)), part)) => {
                panics::discard(part);
                self.cancelled = true;
                let took = clocks.took();
                let why = why.unwrap_or_else(|_| "the driver is gone".into());
                Err(Verdict::Inconclusive(format!(
                    "{why} in {what}, after {:.1} s of the scenario's clock",
                    took.virtual_seconds
                )))
            }
            Either::Right((Either::Right(_), part)) => {
                panics::discard(part);
                let seconds = clocks.took().virtual_seconds;
                Err(Verdict::Inconclusive(format!(
                    "{what} had not ended after {seconds:.0}s of the scenario's clock"
                )))
            }
        }
    }
}

/// Both clocks at once. On a paused runtime they differ.
pub(super) struct Clocks(tokio::time::Instant, Instant);

impl Clocks {
    pub(super) fn start() -> Self {
        Self(tokio::time::Instant::now(), Instant::now())
    }

    pub(super) fn took(&self) -> Took {
        Took {
            virtual_seconds: self.0.elapsed().as_secs_f64(),
            real_seconds: self.1.elapsed().as_secs_f64(),
        }
    }
}
