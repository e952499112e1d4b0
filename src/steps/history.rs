//! Order: what came before what, and what never happened.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use cucumber::then;
use k8s_openapi::api::core::v1::Pod;

use crate::{
    evidence::{Actor, Kind, Method, Request, Verb},
    sets,
    verdict::Stop,
    world::{Life, Names, Seen, World, tell_pod},
};

/// What may be done to a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "deed", regex = "created|deleted")]
enum Deed {
    Created,
    Deleted,
}

impl FromStr for Deed {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "created" {
            Self::Created
        } else {
            Self::Deleted
        })
    }
}

impl Deed {
    fn done_at(self, life: &Life) -> Option<usize> {
        match self {
            Self::Created => Some(life.created),
            Self::Deleted => life.asked,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Deleted => "deleted",
        }
    }
}

/// What of one pod stands in another's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "obstacle", regex = "not Ready|terminating")]
enum Obstacle {
    NotReady,
    Terminating,
}

impl FromStr for Obstacle {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "terminating" {
            Self::Terminating
        } else {
            Self::NotReady
        })
    }
}

impl Obstacle {
    /// It stands in the way. A pod that is missing, or on its way out, is not Ready.
    fn is_there(self, pod: Option<&Arc<Pod>>) -> bool {
        match self {
            Self::NotReady => {
                pod.is_none_or(|pod| !sets::is_running_and_ready(pod) || sets::is_terminating(pod))
            }
            Self::Terminating => pod.is_some_and(|pod| sets::is_terminating(pod)),
        }
    }
}

#[then(expr = "pod {string} is never {deed} while {string} is {obstacle}")]
async fn never_while(
    world: &mut World,
    pod: String,
    deed: Deed,
    other: String,
    obstacle: Obstacle,
) -> Result<(), Stop> {
    let expected = format!(
        "pod {pod:?} is never {} while {other:?} is {obstacle:?}",
        deed.word()
    );
    let judge = |seen: &Seen<'_>| {
        let places: Vec<usize> = seen
            .lives(Kind::Pod, &pod)
            .iter()
            .filter_map(|life| deed.done_at(life))
            .collect();
        for (place, others) in moments(seen, &other) {
            if places.contains(&place) && obstacle.is_there(others.as_ref()) {
                let others =
                    others.map_or_else(|| format!("{other} was missing"), |pod| tell_pod(&pod));
                return Err(format!("{pod} was {} while {others}", deed.word()));
            }
        }
        Ok(())
    };
    world.stays_of(&pod, &expected, judge).await
}

/// What the subject asked for about pods, in order.
fn asked(
    world: &World,
    method: Method,
    is_meant: impl Fn(&str) -> bool,
) -> Result<Vec<Request>, Stop> {
    if !world.scene.profile.attribution {
        return Err(Stop::Skip(
            "who asks for what is not known on this cluster".into(),
        ));
    }
    let log = world.scene.tap.log();
    let requests = log.requests.into_iter().filter(|request| {
        request.actor == Actor::Subject
            && request.method == method
            && request.kind == Some(Kind::Pod)
            && request.subresource.is_empty()
            && request.namespace == world.namespace()
            && is_meant(&request.name)
    });
    Ok(requests.collect())
}

/// The sizes of batches.
#[derive(Clone, Debug, PartialEq, Eq, cucumber::Parameter)]
#[param(name = "sizes", regex = r"\d+(?:, \d+)* and \d+")]
struct Sizes(Vec<usize>);

impl FromStr for Sizes {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let sizes = text.replace(" and ", ", ");
        let sizes: Result<_, _> = sizes.split(", ").map(str::parse).collect();
        Ok(Self(sizes?))
    }
}

/// A batch ends when all that was asked for in it is answered before anything else is asked for.
#[then(expr = "the pods of {string} are {deed} in batches of {sizes}")]
async fn in_batches(world: &mut World, set: String, deed: Deed, sizes: Sizes) -> Result<(), Stop> {
    let method = match deed {
        Deed::Created => Method::Create,
        Deed::Deleted => Method::Delete,
    };
    let requests = asked(world, method, |name| sets::ordinal_of(&set, name).is_some())?;
    let mut batches: Vec<usize> = Vec::new();
    let mut answered = 0;
    // Whoever has not seen yet that a pod terminates may delete it again: that is no batch.
    let mut going: BTreeSet<&str> = BTreeSet::new();
    for request in &requests {
        if deed == Deed::Deleted && going.contains(request.name.as_str()) {
            continue;
        }
        if request.answer.as_ref().is_some_and(|answer| answer.ok()) {
            going.insert(&request.name);
        }
        match batches.last_mut() {
            Some(last) if request.step < answered => *last += 1,
            _ => batches.push(1),
        }
        let answer = request
            .answer
            .as_ref()
            .map_or(usize::MAX, |answer| answer.step);
        answered = answered.max(answer);
    }
    if batches == sizes.0 {
        return Ok(());
    }
    Err(Stop::Fail(format!(
        "expected: the pods of set {set:?} are {} in batches of {:?}; seen: {batches:?}",
        deed.word(),
        sizes.0
    )))
}

/// The wait after the first failure; it doubles with each.
const FIRST_MILLIS: i128 = 5;
/// Shorter waits than these are too short to be told apart from the work itself, and so are those of less than so many
/// requests.
const SHORTEST_MILLIS: i128 = 100;
const SHORTEST_REQUESTS: i128 = 30;
/// The longest wait between two attempts.
const LONGEST_MILLIS: i128 = 1_000_000;

#[then(expr = "each attempt to create pod {string} came after twice the time of the one before")]
async fn ever_later(world: &mut World, pod: String) -> Result<(), Stop> {
    let attempts = asked(world, Method::Create, |name| name == pod)?;
    let millis = |at: jiff::Timestamp| i128::from(at.as_millisecond());
    let at: Vec<i128> = attempts
        .iter()
        .map(|attempt| millis(attempt.sent_at))
        .collect();
    let judged = match world.scene.profile.virtual_time {
        true => {
            let answers = attempts.iter().filter_map(|attempt| {
                let answer = attempt.answer.as_ref()?;
                Some(millis(answer.at) - millis(attempt.sent_at))
            });
            let longest = answers.max().unwrap_or(0);
            doubling(&at, SHORTEST_MILLIS.max(SHORTEST_REQUESTS * longest))
        }
        false => {
            let last = |seen: &Seen<'_>| {
                let changes = [Kind::Set, Kind::Pod].map(|kind| seen.changes(kind).last());
                let last = changes.into_iter().flatten().map(|change| change.at);
                last.max().map_or(0, millis)
            };
            at_least_doubling(&at, world.see(last))
        }
    };
    let found = judged.map_err(|seen| format!("came after twice the time; seen: {seen}"));
    match found {
        Ok(enough) if enough => Ok(()),
        Ok(_) => Err(format!(
            "is tried again and again; seen: {} attempts",
            at.len()
        )),
        Err(seen) => Err(seen),
    }
    .map_err(|seen| {
        Stop::Fail(format!(
            "expected: each attempt to create pod {pod:?} {seen}"
        ))
    })
}

/// Each wait is twice the one before, as exactly as virtual time is. True if that was seen often.
fn doubling(at: &[i128], shortest: i128) -> Result<bool, String> {
    let waits: Vec<i128> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mut judged = 0;
    for pair in waits.windows(2) {
        let (before, after) = (pair[0], pair[1]);
        if before < shortest {
            continue;
        }
        judged += 1;
        let wanted = LONGEST_MILLIS.min(2 * before);
        if (after - wanted).abs() * 10 > wanted {
            return Err(format!("{after} ms after {before} ms"));
        }
    }
    Ok(judged >= 5)
}

/// No wait is shorter than so many failures ask for, once nothing but the wait leads to an attempt. How much longer one
/// takes is up to the machine, and other failures, as a conflict, count too. True if that was seen often.
fn at_least_doubling(at: &[i128], last_change: i128) -> Result<bool, String> {
    let mut judged = 0;
    let waits = at.windows(2).map(|pair| (pair[0], pair[1] - pair[0]));
    for ((sent, wait), failures) in waits.zip(1u32..) {
        // The change itself may lead to the next one.
        if sent <= last_change {
            continue;
        }
        let doubled = FIRST_MILLIS.saturating_mul(2i128.saturating_pow(failures - 1));
        let least = LONGEST_MILLIS.min(doubled);
        judged += 1;
        // Timestamps are cut to whole milliseconds.
        if judged > 1 && wait + 1 < least {
            return Err(format!(
                "{wait} ms after {failures} failures, which is less than {least} ms"
            ));
        }
    }
    Ok(judged >= 4)
}

/// In real time a delete that follows so soon is no second one: no own-write gate waits for the cache after a delete.
const LAG: Duration = Duration::from_secs(5);

#[then(expr = "pod {string} is deleted only once")]
async fn deleted_once(world: &mut World, pod: String) -> Result<(), Stop> {
    asked(world, Method::Delete, |name| name == pod)?;
    let tap = world.scene.tap.clone();
    let expected = format!("pod {pod:?} is deleted once, and not again");
    let lag = match world.scene.profile.virtual_time {
        true => Duration::ZERO,
        false => LAG,
    };
    let judge = |_: &Seen<'_>| {
        let log = tap.log();
        let deletes = log.requests.iter().filter(|request| {
            request.actor == Actor::Subject
                && request.method == Method::Delete
                && request.kind == Some(Kind::Pod)
                && request.name == pod
        });
        let mut first = None;
        let counted = deletes.filter(|request| {
            let first = *first.get_or_insert(request.sent_at);
            request.sent_at == first || request.sent_at.duration_since(first).unsigned_abs() > lag
        });
        match counted.count() {
            1 => Ok(()),
            count => Err(format!("it was deleted {count} times")),
        }
    };
    world.stays_of(&pod, &expected, judge).await
}

/// As often as it was adopted, the request named the object that was meant.
#[then(expr = "pod {string} is adopted by its UID")]
async fn adopted_by_uid(world: &mut World, pod: String) -> Result<(), Stop> {
    let requests = asked(world, Method::Patch, |name| name == pod)?;
    let bodies = requests.iter().filter_map(|request| request.body.as_ref());
    let adoptions: Vec<_> = bodies
        .map(|body| &body["metadata"])
        .filter(|metadata| metadata["ownerReferences"].is_array())
        .collect();
    let seen = match adoptions
        .iter()
        .find(|metadata| !metadata["uid"].is_string())
    {
        Some(metadata) => format!("the request says {metadata}"),
        None if adoptions.is_empty() => "it was not adopted".to_owned(),
        None => return Ok(()),
    };
    Err(Stop::Fail(format!(
        "expected: pod {pod:?} is adopted by its UID; seen: {seen}"
    )))
}

/// At every change of a pod: its place, and how one of them was just before.
fn moments(seen: &Seen<'_>, name: &str) -> Vec<(usize, Option<Arc<Pod>>)> {
    let mut now: Option<Arc<Pod>> = None;
    let mut moments = Vec::new();
    for (place, change) in seen.placed(Kind::Pod) {
        moments.push((place, now.clone()));
        if change.object.name() == name {
            now = match change.verb {
                Verb::Deleted => None,
                Verb::Added | Verb::Modified => change.object.as_pod().cloned(),
            };
        }
    }
    moments
}

#[then(expr = "the pods of {string} are {deed} in the order {names}")]
async fn in_order(world: &mut World, set: String, deed: Deed, pods: Names) -> Result<(), Stop> {
    let limit = world.scene.deadlines.whole_set;
    let expected = format!(
        "the pods of set {set:?} are {} in the order {}",
        deed.word(),
        pods.0.join(", ")
    );
    // The last time that each was created, or deleted.
    let last = |seen: &Seen<'_>, name: &str| {
        let lives = seen.lives(Kind::Pod, name);
        lives
            .iter()
            .filter_map(|life| deed.done_at(life))
            .next_back()
    };
    let all = |seen: &Seen<'_>| {
        let places = pods.0.iter().map(|name| last(seen, name));
        places.collect::<Option<Vec<usize>>>()
    };
    let places = world.comes(limit, &expected, all).await?;
    world.judge(&expected, |seen| {
        let first = places.iter().min().copied().unwrap_or(0);
        let mut others: Vec<(usize, &str)> = seen
            .pods_of(&set)
            .iter()
            .filter_map(|pod| pod.metadata.name.as_deref())
            .filter(|name| !pods.0.iter().any(|known| known == name))
            .filter_map(|name| Some((last(seen, name)?, name)))
            .filter(|(place, _)| *place > first)
            .collect();
        if let Some((_, other)) = others.pop() {
            return Err(format!(
                "{other} too was {} in between or after",
                deed.word()
            ));
        }
        let mut seen_order: Vec<(usize, &String)> = places.iter().copied().zip(&pods.0).collect();
        seen_order.sort_unstable();
        if places.is_sorted() {
            Ok(())
        } else {
            let names: Vec<&str> = seen_order.iter().map(|(_, name)| name.as_str()).collect();
            Err(format!("the order was {}", names.join(", ")))
        }
    })
}

#[then(expr = "no two pods of {string} ever terminate at once")]
async fn one_by_one(world: &mut World, set: String) -> Result<(), Stop> {
    let expected = format!("no two pods of set {set:?} ever terminate at once");
    let judge = |seen: &Seen<'_>| {
        let mut terminating: BTreeMap<String, ()> = BTreeMap::new();
        for (place, change) in seen.placed(Kind::Pod) {
            let name = change.object.name();
            if sets::ordinal_of(&set, name).is_none() || place < seen.before.index {
                continue;
            }
            let asked = change.object.meta().deletion_timestamp.is_some();
            if asked && change.verb != Verb::Deleted {
                terminating.insert(name.to_owned(), ());
            } else {
                terminating.remove(name);
            }
            if terminating.len() > 1 {
                let names: Vec<&str> = terminating.keys().map(String::as_str).collect();
                return Err(format!("{} terminated at once", names.join(" and ")));
            }
        }
        Ok(())
    };
    world.stays(&set, &expected, judge).await
}

#[then(expr = "pods {names} exist before any of them is Ready")]
async fn exist_before_ready(world: &mut World, pods: Names) -> Result<(), Stop> {
    let expected = format!("{} exist before any of them is Ready", pods.0.join(", "));
    let all = |seen: &Seen<'_>| {
        let since = seen.before.index;
        pods.0.iter().all(|name| {
            seen.lives(Kind::Pod, name)
                .last()
                .is_some_and(|life| life.created >= since)
        })
    };
    world.comes_true(&expected, all).await?;
    world.judge(&expected, |seen| {
        let since = seen.before.index;
        let mut missing: Vec<&String> = pods.0.iter().collect();
        for (place, change) in seen.placed(Kind::Pod) {
            let Some(pod) = change.object.as_pod().filter(|_| place >= since) else {
                continue;
            };
            let name = change.object.name();
            if change.verb == Verb::Added {
                missing.retain(|other| *other != name);
            }
            let fresh = pods.0.iter().any(|other| other == name) && !sets::is_terminating(pod);
            if !missing.is_empty()
                && fresh
                && sets::is_ready(pod)
                && !missing.iter().any(|other| *other == name)
            {
                return Err(format!("{name} was Ready before {} existed", missing[0]));
            }
        }
        Ok(())
    })
}

#[then(expr = "no pod of {string} is {deed}")]
async fn none_is(world: &mut World, set: String, deed: Deed) -> Result<(), Stop> {
    let expected = format!("no pod of set {set:?} is {}", deed.word());
    let judge = |seen: &Seen<'_>| {
        let mut names: Vec<String> = Vec::new();
        for (place, change) in seen.placed(Kind::Pod) {
            let name = change.object.name();
            if place >= seen.before.index
                && sets::ordinal_of(&set, name).is_some()
                && !names.iter().any(|known| known == name)
            {
                names.push(name.to_owned());
            }
        }
        for name in names {
            let done = seen
                .lives(Kind::Pod, &name)
                .iter()
                .filter_map(|life| deed.done_at(life))
                .any(|place| place >= seen.before.index);
            if done {
                return Err(format!("{name} was {}", deed.word()));
            }
        }
        Ok(())
    };
    world.stays(&set, &expected, judge).await
}

#[then(expr = "at no time is/are more than {int} pod(s) of {string} unavailable")]
async fn at_most_unavailable(world: &mut World, most: usize, set: String) -> Result<(), Stop> {
    let expected = format!("at no time is more than {most} pod of set {set:?} unavailable");
    let judge = |seen: &Seen<'_>| {
        let Some(spec) = seen.set(&set).map(|set| &set.spec) else {
            return Err(format!("the set {set} is missing"));
        };
        let first = spec
            .ordinals
            .as_ref()
            .and_then(|ordinals| ordinals.start)
            .unwrap_or(0);
        let range = first..first + spec.replicas.unwrap_or(1);
        let ready_for = spec.min_ready_seconds.unwrap_or(0);
        let mut pods: BTreeMap<sets::Ordinal, Arc<Pod>> = BTreeMap::new();
        for (place, change) in seen.placed(Kind::Pod) {
            let Some(ordinal) = sets::ordinal_of(&set, change.object.name()) else {
                continue;
            };
            match (change.verb, change.object.as_pod()) {
                (Verb::Added | Verb::Modified, Some(pod)) => pods.insert(ordinal, pod.clone()),
                _ => pods.remove(&ordinal),
            };
            if place < seen.before.index {
                continue;
            }
            let out: Vec<String> = range
                .clone()
                .filter(|ordinal| {
                    pods.get(ordinal).is_none_or(|pod| {
                        sets::is_terminating(pod) || !sets::is_available(pod, ready_for, change.at)
                    })
                })
                .map(|ordinal| sets::pod_name(&set, ordinal))
                .collect();
            if out.len() > most {
                return Err(format!("{} were unavailable at once", out.join(", ")));
            }
        }
        Ok(())
    };
    world.stays(&set, &expected, judge).await
}

#[then(expr = "the new {string} came only after the old one was gone")]
async fn came_after(world: &mut World, pod: String) -> Result<(), Stop> {
    super::pods::replaced(world, &pod).await?;
    let expected = format!("the new {pod:?} came only after the old one was gone");
    world.judge(&expected, |seen| {
        let lives = seen.lives(Kind::Pod, &pod);
        match lives.as_slice() {
            [.., old, new] if old.gone.is_some_and(|gone| gone < new.created) => {
                if old.last.uid() == new.last.uid() {
                    Err("both have one UID".to_owned())
                } else {
                    Ok(())
                }
            }
            [.., _, _] => Err("the old one was still there".to_owned()),
            _ => Err("there was only one".to_owned()),
        }
    })
}

#[then(expr = "pod {string} is {deed} when {string} has been Ready for {int} seconds, not before")]
async fn done_after(
    world: &mut World,
    pod: String,
    deed: Deed,
    other: String,
    seconds: i64,
) -> Result<(), Stop> {
    let limit = world.scene.deadlines.whole_set;
    let expected = format!(
        "pod {pod:?} is {} once {other:?} has been Ready for {seconds} s",
        deed.word()
    );
    let done = |seen: &Seen<'_>| {
        let lives = seen.lives(Kind::Pod, &pod).into_iter();
        let mut places = lives.filter_map(|life| deed.done_at(&life));
        places.find(|place| *place >= seen.before.index)
    };
    let place = world.comes(limit, &expected, done).await?;
    world.judge(&expected, |seen| {
        let at = seen.history.changes().get(place).map(|change| change.at);
        let then = moments(seen, &other)
            .into_iter()
            .find(|(moment, _)| *moment == place);
        let since = then
            .and_then(|(_, pod)| pod)
            .and_then(|pod| sets::ready_since(&pod));
        let (Some(since), Some(at)) = (since, at) else {
            return Err(format!("{other} was not Ready then"));
        };
        let waited = at.duration_since(since).as_secs();
        if waited >= seconds {
            Ok(())
        } else {
            Err(format!("{other} had been Ready for {waited} s"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_virtual_time_each_wait_is_twice_the_one_before() {
        let doubled = [0, 160, 480, 1_120, 2_400, 4_960, 10_080];
        assert_eq!(doubling(&doubled, 100), Ok(true));
        assert_eq!(doubling(&doubled[..4], 100), Ok(false));
        assert_eq!(
            doubling(&[0, 160, 320], 100),
            Err("160 ms after 160 ms".to_owned())
        );
        // Where a request takes as long as that, it says nothing.
        assert_eq!(doubling(&[0, 160, 320], 1200), Ok(false));
    }

    #[test]
    fn in_real_time_no_wait_is_shorter_than_the_failures_ask_for() {
        // The first three follow changes; a conflict made the waits longer, a busy machine the fifth.
        let attempts = [0, 105, 180, 221, 315, 666, 1_323, 2_623];
        assert_eq!(at_least_doubling(&attempts, 170), Ok(true));
        assert_eq!(at_least_doubling(&attempts, 400), Ok(false));
        let always_soon = [0, 100, 200, 300, 400, 500, 600, 700];
        assert_eq!(
            at_least_doubling(&always_soon, 50),
            Err("100 ms after 6 failures, which is less than 160 ms".to_owned())
        );
    }
}
