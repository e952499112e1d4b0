//! The one source of the time.
//!
//! A cluster's time is a base plus what the runtime's clock has run since. On a paused runtime that is virtual time,
//! on any other it is the time of day.

use jiff::Timestamp;
use std::time::Duration;
use tokio::time::Instant;

/// Tells what time it is in a cluster. Copies agree with each other.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    base: Timestamp,
    started: Instant,
}

impl Clock {
    /// A clock that shows `base` now. Virtual time starts where the caller says, so a run repeats to the second.
    pub fn starting_at(base: Timestamp) -> Self {
        Self {
            base,
            started: Instant::now(),
        }
    }

    /// A clock that shows the time of day now.
    pub fn of_day() -> Self {
        Self::starting_at(Timestamp::now())
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.at(Instant::now())
    }

    /// The time at a moment of the runtime's clock, not before the clock's own start.
    pub fn at(&self, moment: Instant) -> Timestamp {
        self.base + moment.saturating_duration_since(self.started)
    }

    /// The moment of the runtime's clock at which this clock shows `time`; now, if that has passed.
    pub fn until(&self, time: Timestamp) -> Instant {
        let wait = time.duration_since(self.now());
        Instant::now() + Duration::try_from(wait).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_hour_of_virtual_time_is_an_hour_on_the_clock() {
        let base = "2026-01-01T00:00:00Z".parse().expect("a time");
        let clock = Clock::starting_at(base);
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!(clock.now().to_string(), "2026-01-01T01:00:00Z");
        assert_eq!(clock.until(base), Instant::now());
    }
}
