//! The one table of deadlines: how long a conformant subject may take, and how long a negative claim is held.

use std::time::Duration;

/// How many changes a wait for quiet sees before it gives up: whoever makes more never rests. A set of a hundred pods that
/// starts, rolls and is deleted makes fewer.
pub const MOST_CHANGES: usize = 5_000;

/// How long a request takes at most where the table is good as it is.
const BRISK: Duration = Duration::from_millis(100);

/// How many times longer than that is waited at most: a cluster that is slower still cannot be judged.
const MOST_SLOWED: f64 = 10.0;

/// Every wait of every step uses one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// One object appears, changes or goes: the subject has to act once and a node to follow. 60 s.
    pub one_step: Duration,
    /// A whole set comes to rest: all pods, one after the other. 300 s.
    pub whole_set: Duration,
    /// DNS says what the endpoints say: their time to live and the DNS server's cache of what is not there. 60 s.
    pub dns: Duration,
    /// The pods of a node that is lost are told to go: the node has to be missed, and what they tolerate has to pass. 500 s.
    pub lost_node: Duration,
    /// How long nothing may happen before a negative claim holds: an hour of virtual time, 10 s of real time.
    pub hold: Duration,
    /// How long nothing happens before the world counts as quiet. 10 s.
    pub quiet: Duration,
}

impl Deadlines {
    /// The table for a cluster on virtual time, where waiting costs nothing.
    pub fn virtual_time() -> Self {
        Self {
            one_step: Duration::from_secs(60),
            whole_set: Duration::from_secs(300),
            dns: Duration::from_secs(60),
            lost_node: Duration::from_secs(500),
            hold: Duration::from_secs(3600),
            quiet: Duration::from_secs(10),
        }
    }

    /// The table for a cluster on real time.
    pub fn real_time() -> Self {
        Self {
            hold: Duration::from_secs(10),
            ..Self::virtual_time()
        }
    }

    /// The table for a cluster on which a request takes so long: as it is for those that answer within 100 ms, and in
    /// proportion for slower ones.
    pub fn at_speed(self, request: Duration) -> Self {
        let factor = request.as_secs_f64() / BRISK.as_secs_f64();
        self.scaled(factor.clamp(1.0, MOST_SLOWED))
    }

    /// Every wait but the holds, longer by a factor: for slow clusters.
    pub fn scaled(self, factor: f64) -> Self {
        Self {
            one_step: self.one_step.mul_f64(factor),
            whole_set: self.whole_set.mul_f64(factor),
            dns: self.dns.mul_f64(factor),
            lost_node: self.lost_node.mul_f64(factor),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_follow_the_speed_of_the_cluster() {
        let table = Deadlines::real_time();
        for (millis, one_step_seconds) in [(1, 60), (100, 60), (200, 120), (60_000, 600)] {
            let scaled = table.at_speed(Duration::from_millis(millis));
            assert_eq!(scaled.one_step.as_secs(), one_step_seconds, "{millis} ms");
            assert_eq!((scaled.hold, scaled.quiet), (table.hold, table.quiet));
        }
    }
}
