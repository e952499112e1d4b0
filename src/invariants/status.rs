//! The status: true when all is quiet, within its bounds always, written when there is something to say.

use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetStatus};

use super::{
    Judging, Tally,
    calm::{Calm, later},
};
use crate::{
    evidence::{
        Act, Actor, Change, Kind, Method, Request, Span, Strategy, Verb, Wanted, available,
        controller_of,
    },
    sets,
};

/// Each two states of a set that follow each other; of the first there is none before.
fn writes<'j>(
    judging: &'j Judging<'_>,
) -> impl Iterator<Item = (usize, usize, Option<&'j StatefulSet>, &'j StatefulSet)> {
    let index = judging.index;
    index
        .lives()
        .iter()
        .enumerate()
        .flat_map(move |(number, life)| {
            life.places
                .iter()
                .enumerate()
                .filter_map(move |(nth, place)| {
                    let change = &index.changes()[*place];
                    let before = nth
                        .checked_sub(1)
                        .and_then(|nth| index.changes()[life.places[nth]].object.as_set());
                    let after = change
                        .object
                        .as_set()
                        .filter(|_| change.verb != Verb::Deleted)?;
                    Some((number, *place, before.map(AsRef::as_ref), after.as_ref()))
                })
        })
}

fn status(set: &StatefulSet) -> StatefulSetStatus {
    set.status.clone().unwrap_or_default()
}

/// `inv-status-bounds`
pub fn bounds(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    for (life, place, before, after) in writes(judging) {
        if before.is_some_and(|before| before.status == after.status) || after.status.is_none() {
            continue;
        }
        let status = status(after);
        let parts = [
            status.ready_replicas,
            status.current_replicas,
            status.updated_replicas,
            status.available_replicas,
        ];
        let [ready, current, updated, available] = parts.map(Option::unwrap_or_default);
        let all = status.replicas;
        let within = [ready, current, updated, available]
            .iter()
            .all(|part| (0..=all).contains(part));
        if within && all >= 0 && available <= ready {
            if status.observed_generation.is_some() {
                tally.strict();
            }
        } else {
            let seen = format!(
                "the status was {all} replicas, {ready} ready, {available} available, {current} current, {updated} updated"
            );
            tally.violated(life, place + 1, &[], seen);
        }
    }
}

/// `inv-gen-monotone`
pub fn generation_monotone(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    for (life, place, before, after) in writes(judging) {
        let (was, is) = (
            before
                .map(status)
                .and_then(|status| status.observed_generation),
            status(after).observed_generation,
        );
        let (was, is) = (was.unwrap_or(0), is.unwrap_or(0));
        let generation = after.metadata.generation.unwrap_or(0);
        if was > is || is > generation {
            let seen =
                format!("observedGeneration went from {was} to {is}, generation is {generation}");
            tally.violated(life, place + 1, &[Kind::Set], seen);
        } else if is > was && generation > 1 {
            tally.strict();
        }
    }
}

/// `inv-promotion`
pub fn promotion(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    for (life, place, before, after) in writes(judging) {
        let (was, is) = (before.map(status).unwrap_or_default(), status(after));
        let (old, new) = (
            was.current_revision.unwrap_or_default(),
            is.current_revision.clone().unwrap_or_default(),
        );
        if old.is_empty() || old == new {
            continue;
        }
        let observed = is.observed_generation;
        let places = &judging.index.lives()[life].places;
        let version = |place: &usize| judging.index.changes()[*place].object.as_set();
        let generation = |place: &usize| version(place).and_then(|set| set.metadata.generation);
        let first = places.partition_point(|place| generation(place) < observed);
        let seen = places
            .get(first)
            .filter(|place| generation(place) == observed);
        let replicas = seen.and_then(version).map(|set| Wanted::of(set).replicas);
        let complete = [
            is.updated_replicas.unwrap_or(0),
            is.ready_replicas.unwrap_or(0),
        ]
        .iter()
        .all(|count| *count == is.replicas)
            && replicas.is_none_or(|replicas| replicas == is.replicas);
        if complete && is.update_revision.as_deref() == Some(new.as_str()) {
            tally.strict();
        } else if was_lost(judging, life, &old, place) {
            tally.vacuous();
        } else if let Err(gap) = judging.seen(Kind::Revision, 0, place) {
            tally.undecided(gap);
        } else {
            let seen = format!(
                "currentRevision went from {old} to {new} with updateRevision {:?}, {} replicas, {} ready, {} updated, where {} are wanted",
                is.update_revision.unwrap_or_default(),
                is.replicas,
                is.ready_replicas.unwrap_or(0),
                is.updated_replicas.unwrap_or(0),
                replicas.unwrap_or(0)
            );
            tally.violated(life, place + 1, &[Kind::Set, Kind::Revision], seen);
        }
    }
}

/// A revision was not there, or was somebody else's, at some time after it was first there.
fn was_lost(judging: &Judging<'_>, life: usize, name: &str, place: usize) -> bool {
    let index = judging.index;
    let life = &index.lives()[life];
    let Some(course) = index.find(Kind::Revision, life.namespace, name) else {
        return true;
    };
    let limit = if index.evidence.profile.shared_counter {
        place
    } else {
        index.end()
    };
    let places = index
        .course(course)
        .places
        .iter()
        .take_while(|place| **place < limit);
    let foreign = |change: &Change| {
        change.verb == Verb::Deleted || controller_of(change).is_some_and(|uid| uid != life.uid)
    };
    let mut seen = places.map(|place| &index.changes()[*place]).peekable();
    seen.peek().is_none() || seen.any(foreign)
}

/// `inv-status-truth`
pub fn truth(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    let index = judging.index;
    for (number, life) in index.lives().iter().enumerate() {
        let calms = judging.calms(number).iter();
        for calm in calms.filter(|calm| calm.quiet || calm.ticking) {
            let Some(set) = index.set(number, calm.point) else {
                continue;
            };
            let before = &life.watched[..life.watched.partition_point(|place| *place < calm.point)];
            let changed = before
                .iter()
                .any(|place| index.changes()[*place].object.kind() == Kind::Pod);
            if !changed || unjudgeable(judging, number, calm, set) {
                tally.vacuous();
                continue;
            }
            let wrong = untrue(judging, number, calm, set);
            if wrong.is_empty() {
                tally.strict();
            } else {
                let rest = calm.until.duration_since(calm.from).as_secs();
                let seen = format!(
                    "nothing had happened for {rest} s, and the status said {}",
                    wrong.join(", ")
                );
                tally.violated(number, calm.point, &[], seen);
            }
        }
    }
}

fn unjudgeable(judging: &Judging<'_>, life: usize, calm: &Calm, set: &StatefulSet) -> bool {
    let index = judging.index;
    let wanted = Wanted::of(set);
    let profile = &index.evidence.profile;
    let skewed = wanted.strategy == Strategy::Recreate
        && !profile.gates.contains("StatefulSetRecreateStrategy");
    skewed || two_of_one_ordinal(judging, life, calm.point) || orphans(judging, life, calm.point)
}

/// Two claimed pods have one ordinal, or one has none that fits 32 bits.
fn two_of_one_ordinal(judging: &Judging<'_>, life: usize, point: usize) -> bool {
    let name = judging.index.lives()[life].name;
    let pods = judging.index.claimed(life, point);
    let mut ordinals: Vec<_> = pods
        .iter()
        .filter_map(|pod| sets::ordinal_of(name, pod.metadata.name.as_deref().unwrap_or_default()))
        .collect();
    ordinals.sort_unstable();
    ordinals.first().is_some_and(|first| *first < 0)
        || ordinals.windows(2).any(|pair| pair[0] == pair[1])
}

/// A revision without owner is there, which a set may fail to adopt.
fn orphans(judging: &Judging<'_>, life: usize, point: usize) -> bool {
    let index = judging.index;
    let namespace = index.lives()[life].namespace;
    index.named(Kind::Revision, namespace).any(|course| {
        index
            .at(course, point)
            .is_some_and(|change| controller_of(change).is_none())
    })
}

fn untrue(judging: &Judging<'_>, life: usize, calm: &Calm, set: &StatefulSet) -> Vec<String> {
    let wanted = Wanted::of(set);
    let status = status(set);
    let span = Span {
        from: calm.from,
        to: calm.until,
    };
    let pods = judging.index.claimed(life, calm.point);
    let count = |fits: &dyn Fn(&k8s_openapi::api::core::v1::Pod) -> bool| {
        i32::try_from(pods.iter().filter(|pod| fits(pod)).count()).unwrap_or(i32::MAX)
    };
    let of = |revision: &str| {
        count(&|pod| !sets::is_terminating(pod) && sets::revision_of(pod) == revision)
    };
    let ready = sets::is_running_and_ready;
    let surely = count(&|pod| ready(pod) && available(pod, wanted.min_ready_seconds, span).must());
    let maybe = count(&|pod| ready(pod) && available(pod, wanted.min_ready_seconds, span).may());
    let mut wrong = Vec::new();
    let mut compare = |what: &str, said: i32, (least, most): (i32, i32)| {
        if !(least..=most).contains(&said) {
            wrong.push(format!("{what} {said} instead of {most}"));
        }
    };
    let one = |count: i32| (count, count);
    compare("replicas", status.replicas, one(count(&|_| true)));
    compare(
        "readyReplicas",
        status.ready_replicas.unwrap_or(0),
        one(count(&ready)),
    );
    compare(
        "availableReplicas",
        status.available_replicas.unwrap_or(0),
        (surely, maybe),
    );
    let current = status.current_revision.as_deref().unwrap_or_default();
    compare(
        "currentReplicas",
        status.current_replicas.unwrap_or(0),
        one(of(current)),
    );
    let update = status.update_revision.as_deref().unwrap_or_default();
    compare(
        "updatedReplicas",
        status.updated_replicas.unwrap_or(0),
        one(of(update)),
    );
    let observed = status.observed_generation.unwrap_or(0);
    if observed != wanted.generation {
        wrong.push(format!(
            "observedGeneration {observed} instead of {}",
            wanted.generation
        ));
    }
    wrong
}

/// `inv-quiet`
pub fn quiet(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    let index = judging.index;
    for number in 0..index.lives().len() {
        for calm in judging.calms(number).iter().filter(|calm| calm.settled) {
            let settled = later(calm.from, 10);
            if calm.until < later(settled, 30) || two_of_one_ordinal(judging, number, calm.point) {
                tally.vacuous();
                continue;
            }
            match written(judging, number, calm) {
                None => tally.strict(),
                Some(what) => {
                    let seen = format!("the set had been settled for more than 10 s, and {what}");
                    let point = calm.next.map_or(calm.point, |next| next + 1);
                    tally.violated(
                        number,
                        point,
                        &[Kind::Pod, Kind::Claim, Kind::Revision],
                        seen,
                    );
                }
            }
        }
    }
}

/// What the controller wrote while a settled set rested.
fn written(judging: &Judging<'_>, life: usize, calm: &Calm) -> Option<String> {
    let index = judging.index;
    let after = later(calm.from, 20);
    let own = calm.next.map(|next| &index.changes()[next]);
    let mut decisions = judging.since(life, after);
    let first = decisions.find(|decision| {
        let itself =
            own.is_some_and(|own| decision.after.is_some_and(|after| std::ptr::eq(after, own)));
        itself || later(decision.request.sent_at, 1) < calm.until
    });
    if let Some(decision) = first.filter(|decision| decision.request.sent_at <= calm.until) {
        return Some(judging.sentence(decision));
    }
    let after = later(calm.from, 60);
    let uid = index.lives()[life].uid;
    let requests = &index.evidence.log.requests;
    let first = requests.partition_point(|request| request.sent_at <= after);
    let inside = requests[first..]
        .iter()
        .take_while(|request| later(request.sent_at, 1) < calm.until);
    let mut events = inside.filter(|request| is_event_about(request, uid));
    events.next().map(|request| {
        format!(
            "the controller sent an event: {:?}",
            request.body.as_ref().map(|body| &body["message"])
        )
    })
}

fn is_event_about(request: &Request, uid: &str) -> bool {
    request.actor == Actor::Subject
        && request.kind == Some(Kind::Event)
        && matches!(
            request.method,
            Method::Create | Method::Update | Method::Patch
        )
        && request.body.as_ref().is_some_and(|body| {
            [&body["involvedObject"], &body["regarding"]]
                .iter()
                .any(|about| about["uid"] == uid)
        })
}

/// `inv-status-writes-bounded`
pub fn writes_bounded(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    let index = judging.index;
    for number in 0..index.lives().len() {
        let calms = judging.calms(number);
        let settled: Vec<&Calm> = calms.iter().filter(|calm| calm.settled).collect();
        for pair in settled.windows(2) {
            let (from, to) = (pair[0].point, pair[1].point);
            if judging.rhythm.failures(pair[0].from, pair[1].from)
                || judging.meddled(number, Kind::Pod)
            {
                tally.vacuous();
                continue;
            }
            let writes = judging
                .between(number, from, to)
                .filter(|decision| decision.act == Act::Status)
                .count();
            let allowed = reasons(judging, number, from, to);
            if writes == 0 {
                tally.vacuous();
            } else if writes <= allowed {
                tally.strict();
            } else {
                let seen = format!("the status was written {writes} times for {allowed} reasons");
                tally.violated(number, to, &[Kind::Set, Kind::Pod], seen);
            }
        }
    }
}

/// How many status writes there is a reason for between two points.
fn reasons(judging: &Judging<'_>, life: usize, from: usize, to: usize) -> usize {
    let index = judging.index;
    let watched = &index.lives()[life].watched;
    let first = watched.partition_point(|place| *place < from);
    let mut generation = index
        .set(life, from)
        .map_or(0, |set| Wanted::of(set).generation);
    let mut reasons = 0;
    for place in watched[first..].iter().take_while(|place| **place < to) {
        let change = &index.changes()[*place];
        match change.object.as_set() {
            Some(set) => {
                let now = Wanted::of(set).generation;
                let status = judging
                    .made(*place)
                    .is_some_and(|decision| decision.act == Act::Status);
                reasons += usize::from(!status) + if now == generation { 0 } else { 2 };
                generation = now;
            }
            // A pod that turns Ready with minReadySeconds also starts a timer.
            None if change.object.kind() == Kind::Pod => {
                reasons += 1 + usize::from(starts_timer(judging, life, *place));
            }
            None => {}
        }
    }
    reasons
}

fn starts_timer(judging: &Judging<'_>, life: usize, place: usize) -> bool {
    let pod = judging.index.changes()[place].object.as_pod();
    let wanted = judging.index.set(life, place).map(Wanted::of);
    pod.is_some_and(|pod| sets::is_ready(pod))
        && wanted.is_some_and(|wanted| wanted.min_ready_seconds > 0)
}
