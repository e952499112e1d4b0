//! What the subject did, and what it may have known when it did so.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Actor, Change, Index, Kind, Method, Request, Verb,
    index::{Life, controller_of, templates},
    wanted::Span,
};
use crate::sets;

/// What a decision does to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Makes it.
    Create,
    /// Changes it.
    Change,
    /// Writes its status.
    Status,
    /// Deletes it.
    Delete,
}

/// The kinds that a controller decides by: each has its own cache.
pub const CACHED: [Kind; 4] = [Kind::Set, Kind::Pod, Kind::Claim, Kind::Revision];

/// One point per kind that is cached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Points([usize; 4]);

impl Points {
    /// The same point for all.
    pub fn all(point: usize) -> Self {
        Self([point; 4])
    }

    /// That of a kind.
    pub fn of(&self, kind: Kind) -> usize {
        slot(kind).map_or(0, |slot| self.0[slot])
    }

    /// Moves that of a kind forward.
    pub fn raise(&mut self, kind: Kind, point: usize) {
        if let Some(slot) = slot(kind) {
            self.0[slot] = self.0[slot].max(point);
        }
    }

    fn raise_all(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = (*mine).max(theirs);
        }
    }

    fn lower(&mut self, kind: Kind, point: usize) {
        if let Some(slot) = slot(kind) {
            self.0[slot] = self.0[slot].min(point);
        }
    }
}

fn slot(kind: Kind) -> Option<usize> {
    CACHED.iter().position(|cached| *cached == kind)
}

/// The states that a decision may have been made by, per kind: from one point to another, both included.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    /// The newest state of each kind that this process is proven to have used before.
    pub lower: Points,
    /// The newest state of each kind that it can have known.
    pub upper: Points,
}

/// One write of the subject that was done.
#[derive(Debug)]
pub struct Decision<'a> {
    /// What it asked for.
    pub request: &'a Request,
    /// The kind of its object.
    pub kind: Kind,
    /// What it does.
    pub act: Act,
    /// The set it was for, as one of [`Index::lives`].
    pub life: usize,
    /// The object before it, if there was one.
    pub before: Option<&'a Change>,
    /// The object after it; none if it changed nothing, or if its change was not seen.
    pub after: Option<&'a Change>,
    /// The point just before it.
    pub commit: usize,
    /// What it may have been made by.
    pub window: Window,
    /// When the controller may have looked at its clock.
    pub now: Span,
}

impl Decision<'_> {
    /// When it was answered, in the common order of requests and answers.
    pub fn step(&self) -> usize {
        self.request
            .answer
            .as_ref()
            .map_or(self.request.step, |answer| answer.step)
    }

    /// Deletes an object that nobody had deleted before.
    pub fn is_new_delete(&self) -> bool {
        let standing = |change: &Change| change.object.meta().deletion_timestamp.is_none();
        self.act == Act::Delete && self.before.is_some_and(standing)
    }

    /// The UID that a delete insists on.
    pub fn insists_on(&self) -> Option<&str> {
        self.request.body.as_ref()?["preconditions"]["uid"].as_str()
    }
}

/// All writes of the subject that were done and of which the set is known, in the order of sending.
pub fn decisions<'a>(index: &Index<'a>) -> Vec<Decision<'a>> {
    let evidence = index.evidence;
    let mut known: BTreeMap<(u32, Kind), u64> = BTreeMap::new();
    let mut answers: BTreeMap<usize, Learned> = BTreeMap::new();
    let mut heard = 0;
    let mut minds: BTreeMap<(usize, u32), Mind> = BTreeMap::new();
    let mut taken = BTreeSet::new();
    let mut found = Vec::new();
    for request in &evidence.log.requests {
        if request.dry_run || !request.method.writes() {
            continue;
        }
        let place = its_change(index, &taken, request);
        taken.extend(place);
        if request.actor != Actor::Subject {
            continue;
        }
        for delivery in evidence
            .log
            .deliveries
            .get(heard..request.delivered)
            .unwrap_or_default()
        {
            let newest = known.entry((delivery.process, delivery.kind)).or_default();
            *newest = delivery.version.max(*newest);
        }
        heard = heard.max(request.delivered);
        let later = answers.split_off(&request.step);
        for (_, learned) in std::mem::replace(&mut answers, later) {
            // Where no watch was answered, nothing is told apart.
            if let Some(newest) = known.get_mut(&(learned.process, learned.kind)) {
                *newest = learned.version.max(*newest);
            }
        }
        answers.extend(Learned::from(request));
        let Some(mut decision) = decision(index, place, request) else {
            continue;
        };
        let mind = minds.entry((decision.life, request.process)).or_default();
        let first = decision.act == Act::Delete && decision.kind == Kind::Revision;
        if mind.over && !first {
            mind.over = false;
            mind.made = 0;
            let proven = mind.pending;
            mind.lower.raise_all(&proven);
        }
        let mut window = Window {
            lower: mind.lower,
            upper: Points::all(if evidence.profile.shared_counter {
                decision.commit
            } else {
                index.end()
            }),
        };
        window.upper.lower(decision.kind, decision.commit);
        if evidence.profile.delivery {
            for kind in CACHED {
                if let Some(version) = known.get(&(request.process, kind)) {
                    window.upper.lower(kind, index.point_of(kind, *version));
                }
            }
        }
        window.upper.raise_all(&window.lower);
        decision.window = window;
        decision.now.from = mind.since.unwrap_or(Timestamp::MIN);
        mind.prove(index, &decision);
        found.push(decision);
    }
    found
}

/// What the answer to a write of its own told a process.
struct Learned {
    process: u32,
    kind: Kind,
    version: u64,
}

impl Learned {
    /// With its place in the common order of requests and answers.
    fn from(request: &Request) -> Option<(usize, Self)> {
        let answer = request.answer.as_ref().filter(|_| !request.lost)?;
        let learned = Self {
            process: request.process,
            kind: request.kind?,
            version: answer.version?,
        };
        Some((answer.step, learned))
    }
}

/// What one process has shown to know of one set.
#[derive(Default)]
struct Mind {
    lower: Points,
    /// Proven in the sync that goes on; counts for later ones.
    pending: Points,
    /// The status was written: all but deletes of revisions belongs to another sync.
    over: bool,
    /// When the last sync that is known to be over was over.
    since: Option<Timestamp>,
    /// How many pods this sync made or deleted.
    made: i32,
}

impl Mind {
    fn prove(&mut self, index: &Index<'_>, decision: &Decision<'_>) {
        let request = decision.request;
        if let Some(body) = &request.body {
            self.named(index, decision.kind, body);
        }
        let recorded = matches!(
            (decision.kind, decision.act),
            (Kind::Pod | Kind::Claim, Act::Create | Act::Change) | (Kind::Set, Act::Status)
        );
        // A release is a change of a pod of which no record is kept.
        let release = decision
            .after
            .is_some_and(|change| controller_of(change).is_none());
        let heard = request.answer.as_ref().filter(|_| !request.lost);
        let version = heard.and_then(|answer| answer.version);
        if let (true, false, true, Some(version)) = (
            recorded,
            release,
            index.evidence.profile.own_write_gate,
            version,
        ) {
            self.pending
                .raise(decision.kind, index.point_of(decision.kind, version));
        }
        if decision.kind == Kind::Pod && matches!(decision.act, Act::Create | Act::Delete) {
            self.made += 1;
        }
        if decision.act == Act::Status {
            self.described(index, decision);
            self.over = true;
            self.since = request.answer.as_ref().map(|answer| answer.at);
        }
    }

    /// A version or a UID in a write proves that it was seen.
    fn named(&mut self, index: &Index<'_>, kind: Kind, body: &Value) {
        for place in [&body["metadata"], &body["preconditions"]] {
            let version = place["resourceVersion"]
                .as_str()
                .and_then(|text| text.parse().ok());
            if let Some(seen) = version.and_then(|version| index.place_of(kind, version)) {
                self.pending.raise(kind, seen + 1);
            }
            self.existed(index, place["uid"].as_str());
        }
        for owner in body["metadata"]["ownerReferences"]
            .as_array()
            .into_iter()
            .flatten()
        {
            self.existed(index, owner["uid"].as_str());
        }
    }

    fn existed(&mut self, index: &Index<'_>, uid: Option<&str>) {
        if let Some(first) = uid.and_then(|uid| index.places_of(uid).first()) {
            self.pending
                .raise(index.changes()[*first].object.kind(), first + 1);
        }
    }

    /// A status describes the state that it was computed from.
    fn described(&mut self, index: &Index<'_>, decision: &Decision<'_>) {
        let Some(set) = decision.after.and_then(|change| change.object.as_set()) else {
            return;
        };
        let Some(status) = &set.status else {
            return;
        };
        let places = &index.lives()[decision.life].places;
        let observed = status.observed_generation.unwrap_or_default();
        let generation = |place: &usize| {
            index.changes()[*place]
                .object
                .meta()
                .generation
                .unwrap_or_default()
        };
        let first = places.partition_point(|place| generation(place) < observed);
        if let Some(place) = places
            .get(first)
            .filter(|place| generation(place) == observed)
        {
            self.pending.raise(Kind::Set, place + 1);
        }
        let update = status.update_revision.as_deref().unwrap_or_default();
        let claims = Claims {
            replicas: status.replicas,
            ready: status.ready_replicas.unwrap_or(0),
            updated: status.updated_replicas.unwrap_or(0),
            update,
            slack: self.made,
        };
        if let Some(point) = claims.first_point(
            index,
            decision,
            self.lower.of(Kind::Pod).max(self.pending.of(Kind::Pod)),
        ) {
            self.pending.raise(Kind::Pod, point);
        }
    }
}

/// The counters of a status that depend on nothing but the pods.
struct Claims<'a> {
    replicas: i32,
    ready: i32,
    updated: i32,
    update: &'a str,
    /// How many pods the same sync made or deleted, which it may have counted or not.
    slack: i32,
}

/// How many states are compared with a status before the search is given up.
const COMPARED: usize = 200;

impl Claims<'_> {
    /// The first point, from one on, whose pods give these counters. The state that was used is this one or a later one.
    fn first_point(
        &self,
        index: &Index<'_>,
        decision: &Decision<'_>,
        from: usize,
    ) -> Option<usize> {
        let upper = decision.window.upper.of(Kind::Pod);
        let watched = &index.lives()[decision.life].watched;
        let later = &watched[watched.partition_point(|place| *place < from)..];
        let later = later.iter().take_while(|place| **place < upper);
        let pods = later.filter(|place| index.changes()[**place].object.kind() == Kind::Pod);
        let points = std::iter::once(from).chain(pods.map(|place| place + 1));
        points
            .take(COMPARED)
            .find(|point| self.fits(index, decision.life, *point))
    }

    fn fits(&self, index: &Index<'_>, life: usize, point: usize) -> bool {
        let (mut replicas, mut ready, mut updated) = (0, 0, 0);
        for pod in index.claimed(life, point) {
            replicas += 1;
            ready += i32::from(sets::is_running_and_ready(pod));
            updated +=
                i32::from(!sets::is_terminating(pod) && sets::revision_of(pod) == self.update);
        }
        let near = |one: i32, other: i32| (one - other).abs() <= self.slack;
        near(replicas, self.replicas) && near(ready, self.ready) && near(updated, self.updated)
    }
}

fn act_of(request: &Request) -> Option<Act> {
    match (request.method, request.subresource.as_str()) {
        (Method::Create, "eviction") => Some(Act::Delete),
        (Method::Create, "") => Some(Act::Create),
        (Method::Update | Method::Patch, "status") => Some(Act::Status),
        (Method::Update | Method::Patch, "") => Some(Act::Change),
        (Method::Delete, "") => Some(Act::Delete),
        _ => None,
    }
}

fn decision<'a>(
    index: &Index<'a>,
    place: Option<usize>,
    request: &'a Request,
) -> Option<Decision<'a>> {
    let answer = request.answer.as_ref().filter(|answer| answer.ok())?;
    let kind = request.kind.filter(|kind| slot(*kind).is_some())?;
    let course = index.find(kind, &request.namespace, &request.name);
    let commit = place.unwrap_or_else(|| index.point_at(answer.at));
    let before = course.and_then(|course| index.at(course, commit));
    let after = place.map(|place| &index.changes()[place]);
    Some(Decision {
        request,
        kind,
        act: act_of(request)?,
        life: life_of(index, request, kind, before, after)?,
        before,
        after,
        commit,
        window: Window::default(),
        now: Span {
            from: Timestamp::MIN,
            to: answer.at,
        },
    })
}

/// The place of the change that a request made, if it made one: not one that an earlier request made.
fn its_change(index: &Index<'_>, taken: &BTreeSet<usize>, request: &Request) -> Option<usize> {
    let answer = request.answer.as_ref().filter(|answer| answer.ok())?;
    let act = act_of(request)?;
    let kind = request.kind?;
    let places = &index
        .course(index.find(kind, &request.namespace, &request.name)?)
        .places;
    let change = |place: usize| &index.changes()[place];
    let fresh = |place: usize| !taken.contains(&place) && change(place).at >= request.sent_at;
    let gone = |place: usize| {
        let meta = change(place).object.meta();
        change(place).verb == Verb::Deleted || meta.deletion_timestamp.is_some()
    };
    if let Some(version) = answer.version {
        let exact = index.place_of(kind, version).filter(|place| {
            places.binary_search(place).is_ok()
                && fresh(*place)
                && (act != Act::Delete || gone(*place))
        });
        if exact.is_some() || act != Act::Delete {
            return exact;
        }
    }
    let uid = answer.uid.as_deref();
    let same = |place: usize| uid.is_none_or(|uid| change(place).object.uid() == uid);
    let since = index.first_since(request.sent_at);
    let first = places.partition_point(|place| *place < since);
    let mut free = places[first..]
        .iter()
        .copied()
        .filter(|place| fresh(*place));
    match act {
        Act::Delete => free.find(|place| same(*place) && gone(*place)),
        Act::Create => free.find(|place| same(*place) && change(*place).verb == Verb::Added),
        Act::Change | Act::Status => None,
    }
}

fn life_of(
    index: &Index<'_>,
    request: &Request,
    kind: Kind,
    before: Option<&Change>,
    after: Option<&Change>,
) -> Option<usize> {
    let by_controller = |change: Option<&Change>| index.life_of(controller_of(change?)?);
    match kind {
        Kind::Set => index.life_of(after.or(before)?.object.uid()),
        Kind::Claim => claim_life(index, request),
        _ => by_controller(before)
            .or_else(|| by_controller(after))
            .or_else(|| body_life(index, request))
            .or_else(|| name_life(index, request)),
    }
}

fn body_life(index: &Index<'_>, request: &Request) -> Option<usize> {
    let owners = request.body.as_ref()?["metadata"]["ownerReferences"].as_array()?;
    owners
        .iter()
        .find_map(|owner| index.life_of(owner["uid"].as_str()?))
}

/// The newest set that was there at the time and has a name that fits; before any was there, the first.
fn newest<'a>(
    index: &Index<'a>,
    request: &Request,
    fits: impl Fn(&Life<'a>) -> bool,
) -> Option<usize> {
    let at = index.point_at(request.answer.as_ref()?.at);
    let lives = index.lives().iter().enumerate();
    let fitting = lives.filter(|(_, life)| life.namespace == request.namespace && fits(life));
    let mut last = None;
    for (number, life) in fitting {
        if last.is_none() || life.places[0] < at {
            last = Some(number);
        }
    }
    last
}

fn name_life(index: &Index<'_>, request: &Request) -> Option<usize> {
    newest(index, request, |life| {
        request
            .name
            .strip_prefix(life.name)
            .is_some_and(|rest| rest.starts_with('-'))
    })
}

fn claim_life(index: &Index<'_>, request: &Request) -> Option<usize> {
    newest(index, request, |life| {
        let set = index.changes()[life.places[0]].object.as_set();
        set.is_some_and(|set| {
            templates(set).any(|template| {
                let pod = request
                    .name
                    .strip_prefix(template)
                    .and_then(|rest| rest.strip_prefix('-'));
                pod.is_some_and(|pod| sets::ordinal_of(life.name, pod).is_some())
            })
        })
    })
}
