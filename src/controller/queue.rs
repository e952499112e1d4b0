//! The work queue: keys in the order they came, each at most once, never with two workers at a time.
//!
//! Its order depends on nothing but the order of the calls and the runtime's clock.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

/// How long a failed key rests: the first time, doubled each time, and what that ends at.
const REST: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1000));
/// All retries together: one in this time, and how many at once before that.
const RATE: (Duration, u32) = (Duration::from_millis(100), 100);

#[derive(Debug)]
struct Lines<K> {
    /// In line, in order.
    ready: VecDeque<K>,
    /// To be worked on: in line, or with a worker that has to do it again.
    dirty: BTreeSet<K>,
    /// With a worker.
    taken: BTreeSet<K>,
    /// To be put in line at that time.
    later: BTreeMap<K, Instant>,
    failures: BTreeMap<K, u32>,
    /// How often each was looked at in vain since it last succeeded.
    lags: BTreeMap<K, u32>,
    /// When the bucket of retries is full again.
    full_at: Instant,
}

/// Keys to work on. Clones share it.
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
            dirty: BTreeSet::new(),
            taken: BTreeSet::new(),
            later: BTreeMap::new(),
            failures: BTreeMap::new(),
            lags: BTreeMap::new(),
            full_at: Instant::now(),
        };
        Self(Arc::new((Mutex::new(lines), Notify::new())))
    }
}

impl<K: Clone + Ord> Queue<K> {
    /// A poisoned lock means that a worker panicked between two whole states.
    fn lines(&self) -> MutexGuard<'_, Lines<K>> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works on the key soon. A key that is in line already stays where it is; one that a worker has comes again when
    /// that is done.
    pub fn add(&self, key: K) {
        if self.lines().add(key) {
            self.0.1.notify_one();
        }
    }

    /// Works on the key after that time at the latest.
    pub fn add_after(&self, key: K, after: Duration) {
        if after.is_zero() {
            return self.add(key);
        }
        let at = Instant::now() + after;
        let mut lines = self.lines();
        let earliest = lines.later.get(&key).map_or(at, |known| at.min(*known));
        lines.later.insert(key, earliest);
        drop(lines);
        self.0.1.notify_one();
    }

    /// Works on the key again after a failure: 5 ms later, doubled with each failure up to 1000 s, and not before the
    /// bucket that all keys share (10 a second, 100 at once) has room.
    pub fn retry(&self, key: K) {
        let rest = self.lines().rest(&key, Instant::now());
        self.add_after(key, rest);
    }

    /// Works on the key again when what it waits for may have come: 5 ms later, doubled each time up to 1000 s. It takes
    /// nothing from the bucket: nobody failed, and a hundred sets whose caches lag would leave none for those that did.
    pub fn look_again(&self, key: K) {
        let rest = own_rest(&mut self.lines().lags, &key);
        self.add_after(key, rest);
    }

    /// Nothing failed, whether or not all was done.
    pub fn forgive(&self, key: &K) {
        self.lines().failures.remove(key);
    }

    /// The key's failures are over, and it lags no more.
    pub fn forget(&self, key: &K) {
        let mut lines = self.lines();
        lines.failures.remove(key);
        lines.lags.remove(key);
    }

    /// Takes the next key, waiting for one. It has to be given back with [`Queue::done`].
    pub async fn take(&self) -> K {
        loop {
            let wake = {
                let mut lines = self.lines();
                if let Some(key) = lines.take(Instant::now()) {
                    let more = !lines.ready.is_empty();
                    drop(lines);
                    if more {
                        self.0.1.notify_one();
                    }
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

    /// Gives a key back. If it was added meanwhile it is in line again.
    pub fn done(&self, key: &K) {
        let mut lines = self.lines();
        lines.taken.remove(key);
        if lines.dirty.contains(key) {
            lines.ready.push_back(key.clone());
            drop(lines);
            self.0.1.notify_one();
        }
    }
}

impl<K: Clone + Ord> Lines<K> {
    /// Whether somebody has to be woken for it.
    fn add(&mut self, key: K) -> bool {
        let fresh = self.dirty.insert(key.clone()) && !self.taken.contains(&key);
        if fresh {
            self.ready.push_back(key);
        }
        fresh
    }

    fn take(&mut self, now: Instant) -> Option<K> {
        let mut due: Vec<_> = self.later.iter().filter(|(_, at)| **at <= now).collect();
        due.sort_by_key(|(_, at)| **at);
        let due: Vec<K> = due.into_iter().map(|(key, _)| key.clone()).collect();
        for key in due {
            self.later.remove(&key);
            self.add(key);
        }
        let key = self.ready.pop_front()?;
        self.dirty.remove(&key);
        self.taken.insert(key.clone());
        Some(key)
    }

    fn rest(&mut self, key: &K, now: Instant) -> Duration {
        let own = own_rest(&mut self.failures, key);
        self.full_at = self.full_at.max(now) + RATE.0;
        let shared = (self.full_at - now).saturating_sub(RATE.0 * RATE.1);
        own.max(shared)
    }
}

/// How long a key rests, by how often it came in vain; once more now.
fn own_rest<K: Clone + Ord>(counts: &mut BTreeMap<K, u32>, key: &K) -> Duration {
    let count = counts.entry(key.clone()).or_default();
    let rest = REST.1.min(REST.0 * 2u32.saturating_pow(*count));
    *count = count.saturating_add(1);
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn keys_come_in_order_once_and_later_ones_by_time() {
        let queue = Queue::default();
        let start = Instant::now();
        let second = Duration::from_secs(1);
        queue.add("b");
        queue.add("a");
        queue.add("b");
        queue.add_after("d", 2 * second);
        queue.add_after("c", 3 * second);
        queue.add_after("c", second);
        let mut seen = Vec::new();
        for _ in 0..4 {
            let key = queue.take().await;
            seen.push((key, start.elapsed().as_secs()));
            queue.done(&key);
        }
        assert_eq!(seen, [("b", 0), ("a", 0), ("c", 1), ("d", 2)]);
    }

    #[tokio::test(start_paused = true)]
    async fn keys_that_wait_for_their_caches_leave_the_bucket_to_those_that_failed() {
        let queue = Queue::default();
        let start = Instant::now();
        for key in 0..1000 {
            queue.look_again(key);
        }
        queue.retry(1000);
        for _ in 0..=1000 {
            queue.done(&queue.take().await);
        }
        assert!(
            start.elapsed() < Duration::from_millis(10),
            "one rest is enough"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_a_worker_has_is_given_to_no_other() {
        let queue = Queue::default();
        queue.add("a");
        let key = queue.take().await;
        queue.add("a");
        queue.add("b");
        assert_eq!(queue.take().await, "b");
        let waiting = tokio::time::timeout(Duration::from_secs(9), queue.take()).await;
        assert!(waiting.is_err(), "a is with a worker");
        queue.done(&key);
        assert_eq!(queue.take().await, "a");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_key_rests_twice_as_long_each_time_until_it_succeeds() {
        let queue = Queue::default();
        let mut rests = Vec::new();
        for failure in 0..21 {
            if failure == 20 {
                queue.forget(&1);
            }
            let before = Instant::now();
            queue.retry(1);
            queue.done(&queue.take().await);
            rests.push(before.elapsed().as_millis());
        }
        assert_eq!(rests[..4], [5, 10, 20, 40]);
        assert_eq!(rests[17..], [655_360, 1_000_000, 1_000_000, 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn retries_of_all_keys_share_a_bucket() {
        let queue = Queue::default();
        let start = Instant::now();
        (0..103).for_each(|key| queue.retry(key));
        let mut at = Vec::new();
        for _ in 0..103 {
            queue.done(&queue.take().await);
            at.push(start.elapsed().as_millis());
        }
        assert_eq!(at[98..], [5, 5, 100, 200, 300]);
    }

    #[tokio::test(start_paused = true)]
    async fn every_waiting_worker_gets_a_key() {
        let queue: Queue<u8> = Queue::default();
        let workers: Vec<_> = (0..3)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move { queue.take().await })
            })
            .collect();
        tokio::task::yield_now().await;
        for key in 0..3 {
            queue.add_after(key, Duration::from_secs(1));
        }
        let mut taken = Vec::new();
        for worker in workers {
            taken.push(worker.await.expect("a worker"));
        }
        taken.sort_unstable();
        assert_eq!(taken, [0, 1, 2]);
    }
}
