//! Keyed work: what changed waits in line once, however often it changed, and is looked at as it is then.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::Error;

/// How long a failed key rests before the next attempt: doubling from the first to the second.
const REST: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(60));

#[derive(Debug)]
struct Lines<K> {
    ready: VecDeque<K>,
    waiting: BTreeSet<K>,
    later: BTreeMap<K, Instant>,
    failures: BTreeMap<K, u32>,
}

/// Keys to work on: first in, first out, each at most once; or later, each at the earliest time asked for. Clones
/// share it.
#[derive(Debug)]
pub struct Queue<K>(Arc<(Mutex<Lines<K>>, Notify)>);

impl<K> Clone for Queue<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Clone + Ord> Default for Queue<K> {
    fn default() -> Self {
        let lines = Lines {
            ready: VecDeque::new(),
            waiting: BTreeSet::new(),
            later: BTreeMap::new(),
            failures: BTreeMap::new(),
        };
        Self(Arc::new((Mutex::new(lines), Notify::new())))
    }
}

impl<K: Clone + Ord> Queue<K> {
    fn lines(&self) -> MutexGuard<'_, Lines<K>> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works on the key soon.
    pub fn add(&self, key: K) {
        let mut lines = self.lines();
        if lines.waiting.insert(key.clone()) {
            lines.ready.push_back(key);
            drop(lines);
            self.0.1.notify_one();
        }
    }

    /// Works on the key at that moment, or earlier if that was asked for.
    pub fn add_at(&self, key: K, at: Instant) {
        let mut lines = self.lines();
        let earliest = lines.later.get(&key).map_or(at, |known| at.min(*known));
        lines.later.insert(key, earliest);
        drop(lines);
        self.0.1.notify_one();
    }

    /// The next key in line, when there is one.
    async fn next(&self) -> K {
        loop {
            let wake = {
                let mut lines = self.lines();
                lines.due(Instant::now());
                if let Some(key) = lines.ready.pop_front() {
                    lines.waiting.remove(&key);
                    return key;
                }
                lines.later.values().min().copied()
            };
            let added = self.0.1.notified();
            match wake {
                None => added.await,
                Some(at) => tokio::select! {
                    biased;
                    () = added => {}
                    () = sleep_until(at) => {}
                },
            }
        }
    }

    /// Takes note of how the work on a key ended: after a failure it comes again, later each time.
    fn settle(&self, key: &K, failed: bool) {
        let mut lines = self.lines();
        if !failed {
            lines.failures.remove(key);
            return;
        }
        let failures = lines.failures.entry(key.clone()).or_default();
        let rest = REST.1.min(REST.0 * 2u32.saturating_pow(*failures));
        *failures += 1;
        drop(lines);
        self.add_at(key.clone(), Instant::now() + rest);
    }
}

impl<K: Clone + Ord> Lines<K> {
    /// Moves what is due into the line, by time and then by key.
    fn due(&mut self, now: Instant) {
        let mut due: Vec<_> = self.later.iter().filter(|(_, at)| **at <= now).collect();
        due.sort_by_key(|(_, at)| **at);
        let due: Vec<K> = due.into_iter().map(|(key, _)| key.clone()).collect();
        for key in due {
            self.later.remove(&key);
            if self.waiting.insert(key.clone()) {
                self.ready.push_back(key);
            }
        }
    }
}

/// An agent: brings what a key names one step nearer to what it should be.
pub trait Agent: Send + Sync + 'static {
    /// What it works on.
    type Key: Clone + Ord + Send + Sync + std::fmt::Debug + 'static;

    /// Looks at the key's present state and acts. Called for one key at a time, again after each change and, after an
    /// error, again by itself.
    fn sync(&self, key: &Self::Key) -> impl Future<Output = Result<(), Error>> + Send;
}

/// Runs an agent on its queue; never ends.
pub async fn work<A: Agent>(agent: A, queue: Queue<A::Key>) {
    loop {
        let key = queue.next().await;
        let result = agent.sync(&key).await;
        if let Err(error) = &result {
            tracing::debug!(?key, %error, "comes again");
        }
        queue.settle(&key, result.is_err());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_key_waits_in_line_once_and_later_ones_come_by_time() {
        let queue = Queue::default();
        let start = Instant::now();
        let second = Duration::from_secs(1);
        queue.add("a");
        queue.add("b");
        queue.add("a");
        queue.add_at("d", start + 2 * second);
        queue.add_at("c", start + 3 * second);
        queue.add_at("c", start + second);
        queue.add_at("c", start + 4 * second);
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push((queue.next().await, start.elapsed().as_secs()));
        }
        assert_eq!(seen, [("a", 0), ("b", 0), ("c", 1), ("d", 2)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_key_rests_longer_each_time() {
        let queue = Queue::default();
        let start = Instant::now();
        queue.add(1);
        let mut at = Vec::new();
        for _ in 0..4 {
            let key = queue.next().await;
            at.push(start.elapsed().as_millis());
            queue.settle(&key, true);
        }
        assert_eq!(at, [0, 10, 30, 70]);
    }
}
