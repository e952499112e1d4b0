//! When nothing happens to a set: quiet periods and settled states.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::judging::Judging;
use crate::{
    evidence::{Actor, CACHED, Index, Kind, Method, Request, Wanted},
    sets,
};

/// When the subject was at work, when it failed and what it had heard by then.
pub struct Rhythm {
    attribution: bool,
    delivery: bool,
    /// A pod's availability is looked at when it comes. Before 1.36 a second more passed, and where that was too early
    /// because the pod had been unready meanwhile, the whole time again.
    looks_in_time: bool,
    running: Vec<(Timestamp, Timestamp)>,
    failed: Vec<Timestamp>,
    /// When faults could act.
    faults: Vec<(Timestamp, Timestamp)>,
    harness: Vec<Timestamp>,
    /// By namespace: when a change of a kind that is cached was delivered.
    heard: BTreeMap<String, Vec<Timestamp>>,
    /// By kind: up to which version the newest process had heard by when.
    known: BTreeMap<Kind, Vec<(Timestamp, u64)>>,
}

/// A time in which a running controller that had heard of everything saw nothing happen to a set.
#[derive(Clone, Copy, Debug)]
pub struct Calm {
    /// Since when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// The point of the history that shows the state.
    pub point: usize,
    /// The place of the change that ended it.
    pub next: Option<usize>,
    /// It is long enough for everything to have been done.
    pub quiet: bool,
    /// The set has all that it wants.
    pub settled: bool,
    /// It is long enough, and Ready pods wait in it for the time after which they are available: of none is it over
    /// before the end.
    pub ticking: bool,
}

impl Rhythm {
    pub fn of(index: &Index<'_>) -> Self {
        let evidence = index.evidence;
        let log = &evidence.log;
        let subject = || {
            log.requests
                .iter()
                .filter(|request| request.actor == Actor::Subject)
        };
        let mut rhythm = Self {
            attribution: evidence.profile.attribution,
            delivery: evidence.profile.delivery,
            looks_in_time: evidence.profile.version >= (1, 36),
            running: running(subject()),
            failed: subject().filter_map(failed_at).collect(),
            faults: log
                .faults
                .iter()
                .map(|fault| (fault.from, fault.until.unwrap_or(Timestamp::MAX)))
                .collect(),
            harness: log
                .requests
                .iter()
                .filter(|request| request.actor == Actor::Harness && request.method.writes())
                .map(|request| request.sent_at)
                .collect(),
            heard: BTreeMap::new(),
            known: BTreeMap::new(),
        };
        rhythm.failed.sort_unstable();
        let mut newest: BTreeMap<Kind, (u32, u64)> = BTreeMap::new();
        for delivery in &log.deliveries {
            if !CACHED.contains(&delivery.kind) {
                continue;
            }
            if !delivery.name.is_empty() {
                match rhythm.heard.get_mut(&delivery.namespace) {
                    Some(times) => times.push(delivery.at),
                    None => {
                        rhythm
                            .heard
                            .insert(delivery.namespace.clone(), vec![delivery.at]);
                    }
                }
            }
            let (process, version) = newest.entry(delivery.kind).or_default();
            if delivery.process > *process {
                (*process, *version) = (delivery.process, 0);
            }
            if delivery.process == *process {
                *version = delivery.version.max(*version);
                rhythm
                    .known
                    .entry(delivery.kind)
                    .or_default()
                    .push((delivery.at, *version));
            }
        }
        rhythm
    }

    fn runs(&self, from: Timestamp, until: Timestamp) -> bool {
        !self.attribution
            || self
                .running
                .iter()
                .any(|(start, end)| *start <= from && until <= *end)
    }

    /// Some request of the subject failed in a stretch of time, its end left out.
    pub fn failures(&self, from: Timestamp, until: Timestamp) -> bool {
        self.failed
            .get(self.failed.partition_point(|at| *at < from))
            .is_some_and(|at| *at < until)
    }

    /// Some request of the subject failed in a stretch of time, or some fault could act.
    fn disturbed(&self, from: Timestamp, until: Timestamp) -> bool {
        let mut faults = self.faults.iter();
        self.failures(from, until) || faults.any(|(since, end)| *since < until && *end >= from)
    }

    /// The last delivery before a time. What is delivered within the last second may be what ends the stretch: the
    /// recorder may see it a moment later than the subject.
    fn heard(&self, namespace: &str, until: Timestamp) -> Option<Timestamp> {
        let times = self.heard.get(namespace)?;
        let until = later(until, -1);
        times
            .get(times.partition_point(|at| *at < until).checked_sub(1)?)
            .copied()
    }

    fn knows(&self, kind: Kind, version: u64, at: Timestamp) -> bool {
        let Some(known) = self.known.get(&kind) else {
            return true;
        };
        let heard = known.partition_point(|(heard_at, _)| *heard_at <= at);
        heard
            .checked_sub(1)
            .is_some_and(|last| known[last].1 >= version)
    }

    /// How long nothing has to happen: client rate limits stretch what follows many changes.
    fn rest(&self, from: Timestamp) -> SignedDuration {
        if !self.attribution {
            return SignedDuration::from_secs(60);
        }
        let before = self.harness.partition_point(|at| *at <= from);
        let minute = later(from, -60);
        let earlier = self.harness.partition_point(|at| *at < minute);
        SignedDuration::from_secs(
            10 + i64::try_from(before.saturating_sub(earlier) / 5).unwrap_or(0),
        )
    }
}

/// The times in which a watch of the sets was open, without the moments in which it was opened again.
fn running<'a>(requests: impl Iterator<Item = &'a Request>) -> Vec<(Timestamp, Timestamp)> {
    let watches = requests
        .filter(|request| request.method == Method::Watch && request.kind == Some(Kind::Set));
    let open = watches.filter(|request| request.answer.as_ref().is_some_and(|answer| answer.ok()));
    let mut spans: Vec<(Timestamp, Timestamp)> = open
        .map(|request| (request.sent_at, request.closed_at.unwrap_or(Timestamp::MAX)))
        .collect();
    spans.sort_unstable();
    let mut joined: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (start, end) in spans {
        match joined.last_mut() {
            Some((_, last)) if start <= later(*last, 2) => *last = end.max(*last),
            _ => joined.push((start, end)),
        }
    }
    joined
}

fn failed_at(request: &Request) -> Option<Timestamp> {
    let Some(answer) = &request.answer else {
        return Some(request.sent_at);
    };
    if request.lost {
        return Some(answer.at);
    }
    let missing = answer.code == 404 && matches!(request.method, Method::Get | Method::Delete);
    (answer.code >= 400 && !missing).then_some(answer.at)
}

/// That many seconds later.
pub fn later(time: Timestamp, seconds: i64) -> Timestamp {
    let span = SignedDuration::from_secs(seconds);
    let limit = if seconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    time.checked_add(span).unwrap_or(limit)
}

impl Judging<'_> {
    /// Finds the times of at least 10 s in which nothing happened to a set, in order.
    pub fn find_calms(&self, life: usize) -> Vec<Calm> {
        let index = self.index;
        let set = &index.lives()[life];
        let mut calms = Vec::new();
        let mut since = Timestamp::MIN;
        for (number, place) in set.watched.iter().enumerate() {
            let change = &index.changes()[*place];
            since = since.max(change.at);
            let next = set.watched.get(number + 1).copied();
            let until = next.map_or_else(|| index.ended_at(), |next| index.changes()[next].at);
            if later(since, 10) <= until {
                calms.extend(self.ticking(life, since, until, place + 1));
                calms.extend(self.calm(life, since, until, place + 1, next));
            }
        }
        calms
    }

    fn calm(
        &self,
        life: usize,
        changed: Timestamp,
        until: Timestamp,
        point: usize,
        next: Option<usize>,
    ) -> Option<Calm> {
        let index = self.index;
        let set = index.set(life, point)?;
        let wanted = Wanted::of(set);
        let mut from = changed;
        if wanted.min_ready_seconds > 0 {
            for pod in index.claimed(life, point) {
                if let Some(at) = sets::available_at(pod, wanted.min_ready_seconds) {
                    let late = match self.rhythm.looks_in_time {
                        true => 1,
                        false => i64::from(wanted.min_ready_seconds) + 2,
                    };
                    from = from.max(later(at, late));
                }
            }
        }
        let rhythm = &self.rhythm;
        if let Some(heard) = rhythm.heard(index.lives()[life].namespace, until) {
            from = from.max(heard);
        }
        if until < later(from, 10) || rhythm.disturbed(changed, until) || !rhythm.runs(from, until)
        {
            return None;
        }
        if rhythm.delivery && !self.caught_up(life, point, from) {
            return None;
        }
        CACHED
            .iter()
            .all(|kind| self.seen(*kind, point, point).is_ok())
            .then(|| Calm {
                from,
                until,
                point,
                next,
                quiet: until.duration_since(from) >= rhythm.rest(from),
                settled: self.settled(life, point),
                ticking: false,
            })
    }

    /// The time until the first of the pods that wait for their availability has it.
    fn ticking(
        &self,
        life: usize,
        changed: Timestamp,
        until: Timestamp,
        point: usize,
    ) -> Option<Calm> {
        let index = self.index;
        let seconds = Wanted::of(index.set(life, point)?).min_ready_seconds;
        let pods = index.claimed(life, point).into_iter();
        let ends = pods
            .filter(|pod| sets::is_running_and_ready(pod))
            .filter_map(|pod| sets::available_at(pod, seconds))
            .filter(|at| *at > changed);
        let until = until.min(later(ends.min()?, -1));
        let rhythm = &self.rhythm;
        let heard = rhythm.heard(index.lives()[life].namespace, until);
        let from = heard.map_or(changed, |heard| changed.max(heard));
        let is_long = until.duration_since(from) >= rhythm.rest(from);
        let is_plain = is_long
            && seconds > 0
            && !rhythm.disturbed(changed, until)
            && rhythm.runs(from, until)
            && (!rhythm.delivery || self.caught_up(life, point, from))
            && (CACHED.iter()).all(|kind| self.seen(*kind, point, point).is_ok());
        is_plain.then_some(Calm {
            from,
            until,
            point,
            next: None,
            quiet: false,
            settled: false,
            ticking: true,
        })
    }

    fn caught_up(&self, life: usize, point: usize, at: Timestamp) -> bool {
        CACHED.iter().all(|kind| {
            let places = self.places(life, *kind);
            let seen = places.partition_point(|place| *place < point);
            let last = seen
                .checked_sub(1)
                .map(|last| &self.index.changes()[places[last]]);
            last.is_none_or(|change| self.rhythm.knows(*kind, change.version, at))
        })
    }

    /// Everything that a set wants is there, nothing else is, and its status has seen its spec.
    fn settled(&self, life: usize, point: usize) -> bool {
        let Some(set) = self.index.set(life, point) else {
            return false;
        };
        let wanted = Wanted::of(set);
        let observed = set
            .status
            .as_ref()
            .and_then(|status| status.observed_generation);
        let name = self.index.lives()[life].name;
        let mut ordinals = Vec::new();
        for pod in self.index.claimed(life, point) {
            let phase = pod
                .status
                .as_ref()
                .and_then(|status| status.phase.as_deref());
            let over = matches!(phase, None | Some("Pending" | "Failed" | "Succeeded"));
            let ordinal = sets::ordinal_of(name, pod.metadata.name.as_deref().unwrap_or_default());
            if over
                || sets::is_terminating(pod)
                || !ordinal.is_some_and(|ordinal| wanted.has(ordinal))
            {
                return false;
            }
            ordinals.extend(ordinal);
        }
        ordinals.sort_unstable();
        observed == Some(wanted.generation)
            && !wanted.deleting
            && ordinals.iter().copied().eq(wanted.range())
    }
}
