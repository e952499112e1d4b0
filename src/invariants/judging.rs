//! What all rules share: the evidence, indexed, and how a decision is compared with the states of its window.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    calm::{Calm, Rhythm},
    moment::{Member, Moment},
    tally::Held,
};
use crate::{
    evidence::{
        Act, Actor, Change, Decision, Index, Kind, Method, Strategy, Tri, Updates, Verb, Wanted,
        decisions, is_claimed,
    },
    sets,
};

/// The evidence, and what was found out once for all rules.
pub struct Judging<'a> {
    pub index: &'a Index<'a>,
    pub decisions: Vec<Decision<'a>>,
    /// The time of the first change.
    pub start: Timestamp,
    /// The subject was started anew.
    pub restarted: bool,
    /// Two processes of the subject wrote at the same time.
    pub two_controllers: bool,
    /// A write of the subject was never answered.
    pub lost_response: bool,
    /// Caches were held back, and it is not known what was delivered.
    pub stale_cache: bool,
    /// A write of an event failed.
    pub event_lost: bool,
    pub rhythm: Rhythm,
    updates: Vec<Updates<'a>>,
    own: Vec<Own<'a>>,
    /// By set: its decisions.
    by_life: Vec<Vec<usize>>,
    /// By the place of the change that it made.
    by_place: BTreeMap<usize, usize>,
    places: Vec<BTreeMap<Kind, Vec<usize>>>,
    calms: Vec<Vec<Calm>>,
    meddled: BTreeSet<(usize, Kind)>,
}

/// What the subject did to the pods of one set.
#[derive(Default)]
struct Own<'a> {
    /// By UID: when, and for which generation.
    deletes: BTreeMap<&'a str, (usize, i64)>,
    /// By name: when, and the place of the change.
    creates: BTreeMap<&'a str, Vec<(usize, usize)>>,
}

/// Which of its own earlier decisions a controller adds to a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adds {
    /// None.
    Nothing,
    /// All of them.
    All,
    /// The deletes for the update revision of this generation.
    UpdatesOf(i64),
}

impl<'a> Judging<'a> {
    pub fn new(index: &'a Index<'a>) -> Self {
        let log = &index.evidence.log;
        let subject = || {
            log.requests
                .iter()
                .filter(|request| request.actor == Actor::Subject)
        };
        let writes = || subject().filter(|request| request.method.writes());
        let mut newest = 0;
        let two_controllers = writes().any(|request| {
            newest = newest.max(request.process);
            request.process < newest
        });
        let decisions = decisions(index);
        let mut judging = Self {
            start: index
                .changes()
                .first()
                .map_or(Timestamp::UNIX_EPOCH, |change| change.at),
            restarted: subject()
                .zip(subject().skip(1))
                .any(|(one, other)| one.process != other.process),
            two_controllers,
            lost_response: writes().any(|request| request.lost || request.answer.is_none()),
            stale_cache: !index.evidence.profile.delivery
                && log.faults.iter().any(|fault| fault.delays.is_some()),
            event_lost: writes().any(|request| {
                request.kind == Some(Kind::Event)
                    && request.answer.as_ref().is_none_or(|answer| !answer.ok())
            }),
            rhythm: Rhythm::of(index),
            updates: (0..index.lives().len())
                .map(|life| Updates::of(index, life))
                .collect(),
            own: index.lives().iter().map(|_| Own::default()).collect(),
            by_life: vec![Vec::new(); index.lives().len()],
            by_place: BTreeMap::new(),
            places: index
                .lives()
                .iter()
                .map(|life| by_kind(index, &life.watched))
                .collect(),
            calms: Vec::new(),
            meddled: meddled(index),
            index,
            decisions,
        };
        judging.remember();
        judging.calms = (0..index.lives().len())
            .map(|life| judging.find_calms(life))
            .collect();
        judging
    }

    fn remember(&mut self) {
        for (number, decision) in self.decisions.iter().enumerate() {
            self.by_life[decision.life].push(number);
            if decision.after.is_some() {
                self.by_place.insert(decision.commit, number);
            }
            let own = &mut self.own[decision.life];
            match (decision.kind, decision.act, decision.before, decision.after) {
                (Kind::Pod, Act::Delete, Some(before), _) if decision.is_new_delete() => {
                    let set = self
                        .index
                        .set(decision.life, decision.window.upper.of(Kind::Set));
                    let generation = set
                        .and_then(|set| set.metadata.generation)
                        .unwrap_or_default();
                    own.deletes
                        .insert(before.object.uid(), (decision.step(), generation));
                }
                (Kind::Pod, Act::Create, _, Some(after)) => {
                    let creates = own.creates.entry(after.object.name()).or_default();
                    creates.push((decision.step(), decision.commit));
                }
                _ => {}
            }
        }
    }

    /// The decisions of that kind, as far as their sets have the invariant's policy.
    pub fn of(&self, kind: Kind, act: Act) -> impl Iterator<Item = &Decision<'a>> {
        self.decisions
            .iter()
            .filter(move |decision| decision.kind == kind && decision.act == act)
    }

    /// The decisions for one set, in the order of sending.
    pub fn of_life(&self, life: usize) -> impl Iterator<Item = &Decision<'a>> {
        self.by_life[life]
            .iter()
            .map(|number| &self.decisions[*number])
    }

    /// The decisions for one set that were sent after a time.
    pub fn since(&self, life: usize, time: Timestamp) -> impl Iterator<Item = &Decision<'a>> {
        let numbers = &self.by_life[life];
        let sent = |number: &usize| self.decisions[*number].request.sent_at;
        let first = numbers.partition_point(|number| sent(number) <= time);
        numbers[first..]
            .iter()
            .map(|number| &self.decisions[*number])
    }

    /// The decisions for one set that made the changes between two points.
    pub fn between(
        &self,
        life: usize,
        from: usize,
        to: usize,
    ) -> impl Iterator<Item = &Decision<'a>> {
        let made = self.by_place.range(from..to);
        let decisions = made.map(|(_, number)| &self.decisions[*number]);
        decisions.filter(move |decision| decision.life == life)
    }

    /// The subject deleted the pod of that UID.
    pub fn deleted(&self, life: usize, uid: &str) -> bool {
        self.own[life].deletes.contains_key(uid)
    }

    /// The subject deleted the pod of that UID before a step.
    pub fn deleted_before(&self, life: usize, uid: &str, before: usize) -> bool {
        let deletes = &self.own[life].deletes;
        deletes.get(uid).is_some_and(|(step, _)| *step < before)
    }

    /// The decision that made the change at a place.
    pub fn made(&self, place: usize) -> Option<&Decision<'a>> {
        self.by_place
            .get(&place)
            .map(|number| &self.decisions[*number])
    }

    /// The times of at least 10 s in which nothing happened to a set, in order.
    pub fn calms(&self, life: usize) -> &[Calm] {
        &self.calms[life]
    }

    /// Whether a set works in order. Its policy never changes.
    pub fn ordered(&self, life: usize) -> bool {
        let first = &self.index.changes()[self.index.lives()[life].places[0]];
        first
            .object
            .as_set()
            .is_none_or(|set| Wanted::of(set).ordered)
    }

    /// Somebody else wrote objects of that kind of a set; of the set itself: its status.
    pub fn meddled(&self, life: usize, kind: Kind) -> bool {
        self.meddled.contains(&(life, kind))
    }

    /// A revision's name is another one than that of a generation's update revision.
    pub fn old(&self, life: usize, generation: i64, name: &str) -> Tri {
        let updates = &self.updates[life];
        match (
            updates.may_be(generation, name),
            updates.may_be_old(generation, name),
        ) {
            (false, _) => Tri::Yes,
            (true, false) => Tri::No,
            (true, true) => Tri::Either,
        }
    }

    /// The versions of the set in a decision's window, the newest first.
    pub fn versions(&self, decision: &Decision<'_>) -> Vec<Wanted<'a>> {
        let mut versions: Vec<Wanted<'a>> = Vec::new();
        for point in self.points(decision, Kind::Set) {
            let Some(set) = self.index.set(decision.life, point) else {
                continue;
            };
            let wanted = Wanted::of(set);
            let same = |other: &Wanted<'_>| {
                (
                    other.generation,
                    other.deleting,
                    other.current_revision(),
                    other.update_revision(),
                ) == (
                    wanted.generation,
                    wanted.deleting,
                    wanted.current_revision(),
                    wanted.update_revision(),
                )
            };
            if !versions.last().is_some_and(same) {
                versions.push(wanted);
            }
        }
        versions
    }

    /// The versions of the set in the window of a pod's delete under which it has a reason at all: the pod is outside of
    /// the range, may be old where the strategy replaces pods, or has ended. A controller that had used another one
    /// would not have deleted it.
    pub fn reasons(&self, decision: &Decision<'_>, ordinal: sets::Ordinal) -> Vec<Wanted<'a>> {
        let mut versions = self.versions(decision);
        versions.retain(|wanted| {
            let replaces = wanted.strategy != Strategy::OnDelete;
            !wanted.has(ordinal)
                || self.victim_was(decision, |change| {
                    change.object.as_pod().is_some_and(|pod| {
                        let old = || {
                            self.old(decision.life, wanted.generation, sets::revision_of(pod))
                                .may()
                        };
                        sets::is_failed(pod) || sets::is_succeeded(pod) || replaces && old()
                    })
                })
        });
        versions
    }

    /// The points of a kind in a decision's window, the newest first.
    fn points(&self, decision: &Decision<'_>, kind: Kind) -> impl Iterator<Item = usize> {
        let (lower, upper) = (
            decision.window.lower.of(kind),
            decision.window.upper.of(kind),
        );
        let places = self.places(decision.life, kind);
        let first = places.partition_point(|place| *place < lower);
        let inside = &places[first..first.max(places.partition_point(|place| *place < upper))];
        let later = inside.iter().rev().map(|place| place + 1);
        later.chain([lower])
    }

    /// The places of the changes of one kind that a set's controller watches for it.
    pub fn places(&self, life: usize, kind: Kind) -> &[usize] {
        self.places[life].get(&kind).map_or(&[], Vec::as_slice)
    }

    /// The claimed pods of a set at a point, with what a controller may add to it: what it did before a step.
    pub fn members(&self, life: usize, point: usize, adds: Adds, before: usize) -> Vec<Member<'a>> {
        let own = &self.own[life];
        let set = &self.index.lives()[life];
        let deleted = |uid: &str| {
            own.deletes.get(uid).is_some_and(|(step, generation)| {
                *step < before
                    && match adds {
                        Adds::Nothing => false,
                        Adds::All => true,
                        Adds::UpdatesOf(current) => {
                            self.updates[life].same_template(*generation, current)
                        }
                    }
            })
        };
        let mut members = Vec::with_capacity(set.pods.len());
        for course in &set.pods {
            let name = self.index.course(*course).name;
            let mut change = self.index.at(*course, point);
            if change.is_none() && adds == Adds::All {
                let made = own.creates.get(name).map_or(&[][..], Vec::as_slice);
                let earlier = made.partition_point(|(step, _)| *step < before);
                let last = earlier.checked_sub(1).map(|last| made[last].1);
                change = last
                    .filter(|place| *place >= point)
                    .map(|place| &self.index.changes()[place]);
            }
            let pod = change.and_then(|change| change.object.as_pod());
            if let Some(pod) = pod.filter(|pod| is_claimed(pod, set)) {
                let uid = pod.metadata.uid.as_deref().unwrap_or_default();
                members.push(Member {
                    pod,
                    ordinal: sets::ordinal_of(set.name, name).unwrap_or(-1),
                    deleted: deleted(uid),
                });
            }
        }
        members
    }

    /// Compares a decision with the states of its window: every version of the set with the pods at every point.
    pub fn held(
        &self,
        decision: &Decision<'a>,
        adds: &[Adds],
        allows: impl Fn(&Moment<'_, 'a>) -> bool,
    ) -> Held {
        let versions = self.versions(decision);
        let before = decision.step();
        let mut newest = true;
        for point in self.points(decision, Kind::Pod) {
            for adds in adds {
                let members = self.members(decision.life, point, *adds, before);
                for (age, wanted) in versions.iter().enumerate() {
                    let moment = Moment {
                        judging: self,
                        life: decision.life,
                        wanted: *wanted,
                        members: &members,
                        now: decision.now,
                    };
                    if allows(&moment) {
                        return if newest && age == 0 {
                            Held::Strict
                        } else {
                            Held::Windowed
                        };
                    }
                }
            }
            newest = false;
        }
        Held::Not
    }

    /// Asks the newest state alone.
    pub fn newest<T>(
        &self,
        decision: &Decision<'a>,
        ask: impl Fn(&Moment<'_, 'a>) -> T,
    ) -> Option<T> {
        let wanted = *self.versions(decision).first()?;
        let point = decision.window.upper.of(Kind::Pod);
        let members = self.members(decision.life, point, Adds::Nothing, decision.step());
        Some(ask(&Moment {
            judging: self,
            life: decision.life,
            wanted,
            members: &members,
            now: decision.now,
        }))
    }

    /// The pod that a delete was for, in any state of the window, fits.
    pub fn victim_was(&self, decision: &Decision<'_>, fits: impl Fn(&Change) -> bool) -> bool {
        let Some(course) = self.index.find(
            Kind::Pod,
            &decision.request.namespace,
            &decision.request.name,
        ) else {
            return false;
        };
        let (lower, upper) = (
            decision.window.lower.of(Kind::Pod),
            decision.window.upper.of(Kind::Pod),
        );
        let places = &self.index.course(course).places;
        let later = places[places.partition_point(|place| *place < lower)..]
            .iter()
            .take_while(|place| **place < upper);
        let changes = later
            .map(|place| &self.index.changes()[*place])
            .filter(|change| change.verb != Verb::Deleted);
        self.index
            .at(course, lower)
            .into_iter()
            .chain(changes)
            .any(fits)
    }

    /// Where the window of a decision has a gap in one of these kinds, what it is.
    pub fn gap(&self, decision: &Decision<'_>, kinds: &[Kind]) -> Option<String> {
        let window = &decision.window;
        let gaps = self.index.evidence.history.gaps().iter();
        let mut inside = gaps.filter(|gap| {
            (kinds.contains(&gap.kind) || gap.kind == Kind::Set)
                && gap.after <= window.upper.of(gap.kind)
                && gap.until >= window.lower.of(gap.kind)
        });
        inside.next().map(|gap| gap.why.clone())
    }

    /// What happened to a kind between two points was all seen; or why not.
    pub fn seen(&self, kind: Kind, from: usize, to: usize) -> Result<(), String> {
        let mut gaps = self.index.evidence.history.gaps().iter();
        match gaps.find(|gap| gap.kind == kind && gap.after <= to && gap.until >= from) {
            None => Ok(()),
            Some(gap) => Err(gap.why.clone()),
        }
    }

    /// The changes of a set, its pods, claims and revisions before a point.
    pub fn changes_before(&self, life: usize, point: usize) -> impl Iterator<Item = &'a Change> {
        let watched = &self.index.lives()[life].watched;
        let seen = watched.partition_point(|place| *place < point);
        watched[..seen]
            .iter()
            .map(|place| &self.index.changes()[*place])
    }

    /// A decision in words.
    pub fn sentence(&self, decision: &Decision<'_>) -> String {
        let act = match decision.act {
            Act::Create => "created",
            Act::Change => "changed",
            Act::Status => "wrote the status of",
            Act::Delete => "deleted",
        };
        let since = decision
            .request
            .sent_at
            .duration_since(self.start)
            .as_secs_f64();
        format!(
            "after {since:.3} s the controller {act} {} {}",
            decision.kind, decision.request.name
        )
    }
}

fn by_kind(index: &Index<'_>, places: &[usize]) -> BTreeMap<Kind, Vec<usize>> {
    let mut found: BTreeMap<Kind, Vec<usize>> = BTreeMap::new();
    for place in places {
        let kind = index.changes()[*place].object.kind();
        found.entry(kind).or_default().push(*place);
    }
    found
}

/// Which kinds of which sets somebody else than the subject wrote: pods, claims and revisions themselves (the status of a
/// pod is the node's), and of a set the status.
fn meddled(index: &Index<'_>) -> BTreeSet<(usize, Kind)> {
    let mut found = BTreeSet::new();
    for request in &index.evidence.log.requests {
        let done = request.answer.as_ref().is_none_or(|answer| answer.ok());
        if request.actor == Actor::Subject || !request.method.writes() || request.dry_run || !done {
            continue;
        }
        let status = request.subresource == "status";
        for (number, life) in index.lives().iter().enumerate() {
            let names = |courses: &[usize]| {
                courses
                    .iter()
                    .any(|course| index.course(*course).name == request.name)
            };
            let whole = request.method == Method::DeleteCollection;
            let concerned = life.namespace == request.namespace
                && match request.kind {
                    Some(Kind::Set) => status && life.name == request.name,
                    Some(Kind::Pod) => !status && (whole || names(&life.pods)),
                    Some(Kind::Claim) => !status && (whole || names(&life.claims)),
                    Some(Kind::Revision) => whole || names(&life.revisions),
                    _ => false,
                };
            if let (true, Some(kind)) = (concerned, request.kind) {
                found.insert((number, kind));
            }
        }
    }
    found
}
