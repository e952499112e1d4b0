//! From a history to timelines.

use std::collections::{BTreeMap, BTreeSet};

use super::{By, Event, Part, Timeline, What};
use crate::{
    evidence::{Cause, Change, Evidence, Index, Kind, Verb, controller_of, who_deleted},
    sets,
};

/// The timelines of all sets of a history, by namespace and name.
pub fn timelines(evidence: &Evidence) -> Vec<Timeline> {
    let index = Index::new(evidence);
    let mut sets: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (number, life) in index.lives().iter().enumerate() {
        let named = sets.entry((life.namespace, life.name)).or_default();
        named.push(number);
    }
    let first = index.lives().first().map_or("", |life| life.namespace);
    let main = sets
        .keys()
        .map(|(namespace, _)| *namespace)
        .filter(|namespace| first.starts_with(namespace))
        .min_by_key(|namespace| namespace.len())
        .unwrap_or(first);
    let each = sets.into_iter().map(|((namespace, name), lives)| {
        let rest = namespace.strip_prefix(main).unwrap_or(namespace);
        let place = if rest.is_empty() {
            String::new()
        } else {
            format!(" in {rest}")
        };
        let first = &index.changes()[index.lives()[lives[0]].places[0]];
        // The end of such a name is drawn.
        let drawn = first.object.meta().generate_name.as_deref();
        let told = drawn.map_or_else(|| name.to_owned(), |begin| format!("{begin}*"));
        Projection::of(&index, name, &lives).timeline(format!("{told}{place}"))
    });
    each.collect()
}

/// What is known while the changes of one set are gone through.
struct Projection<'a> {
    index: &'a Index<'a>,
    name: &'a str,
    uids: BTreeSet<&'a str>,
    /// The changes of the set and of what belongs to it.
    places: BTreeSet<usize>,
    /// Revisions in the order in which they were first seen.
    revisions: Vec<&'a str>,
    /// What each object was last, by kind and name.
    last: BTreeMap<(Kind, &'a str), &'a Change>,
    named: (usize, usize),
    /// The set is on its way out, or there is none.
    is_leaving: bool,
    ordered: bool,
    events: Vec<Event>,
}

impl<'a> Projection<'a> {
    fn of(index: &'a Index<'a>, name: &'a str, lives: &[usize]) -> Self {
        let lives: Vec<_> = lives.iter().map(|life| &index.lives()[*life]).collect();
        let courses = |life: &&'a crate::evidence::Life<'a>| {
            let pods = life.pods.iter().chain(&life.claims);
            let all = pods.chain(&life.revisions);
            all.flat_map(|course| index.course(*course).places.iter().copied())
                .chain(life.places.iter().copied())
                .collect::<Vec<_>>()
        };
        Self {
            index,
            name,
            uids: lives.iter().map(|life| life.uid).collect(),
            places: lives.iter().flat_map(courses).collect(),
            revisions: Vec::new(),
            last: BTreeMap::new(),
            named: (0, 0),
            is_leaving: true,
            ordered: true,
            events: Vec::new(),
        }
    }

    fn timeline(mut self, set: String) -> Timeline {
        for place in std::mem::take(&mut self.places) {
            let change = &self.index.changes()[place];
            let object = &change.object;
            let name = (object.kind(), object.name());
            let before = self.last.insert(name, change);
            // A name that is used again begins anew.
            let before = before.filter(|before| {
                before.verb != Verb::Deleted && before.object.uid() == object.uid()
            });
            match object.kind() {
                Kind::Set => self.set(before, change),
                Kind::Revision => self.revision(before, change),
                Kind::Pod => self.pod(before, change),
                Kind::Claim => {
                    let part = Part::Claim(object.name().to_owned());
                    self.birth_and_end(part, before, change, What::Created);
                }
                _ => {}
            }
        }
        let mut timeline = Timeline {
            set,
            ordered: self.ordered,
            events: self.events,
        };
        timeline.arrange();
        timeline
    }

    fn push(&mut self, part: Part, what: What) {
        self.events.push(Event { part, what });
    }

    /// What every object has: a beginning, a deletion, an end.
    fn birth_and_end(
        &mut self,
        part: Part,
        before: Option<&Change>,
        change: &Change,
        created: What,
    ) {
        let is_going = |change: &Change| change.object.meta().deletion_timestamp.is_some();
        if before.is_none() {
            let born = if change.initial {
                What::WasThere
            } else {
                created
            };
            self.push(part.clone(), born);
        }
        if !before.is_some_and(is_going) && is_going(change) {
            let by = match change.object.kind() {
                Kind::Pod => self.who(change, before),
                _ => By::Others,
            };
            self.push(part.clone(), What::Deleted(by));
        }
        if change.verb == Verb::Deleted {
            self.push(part, What::Gone);
        }
    }

    fn who(&self, change: &Change, before: Option<&Change>) -> By {
        let has_ended = before
            .and_then(|before| before.object.as_pod())
            .is_some_and(|pod| sets::is_failed(pod) || sets::is_succeeded(pod));
        match who_deleted(self.index, change.object.uid()) {
            Some(Cause::Subject(_)) if has_ended => By::Ended,
            Some(Cause::Subject(_)) => By::Controller,
            Some(Cause::Disruption(_)) => By::Disruption,
            Some(Cause::Harness(_) | Cause::Unknown) | None => By::Others,
        }
    }

    fn set(&mut self, before: Option<&Change>, change: &'a Change) {
        self.birth_and_end(Part::Set, before, change, What::Created);
        let generation = |change: &Change| change.object.meta().generation.unwrap_or_default();
        let is_new = before.is_some_and(|before| generation(before) != generation(change));
        if is_new && change.object.meta().deletion_timestamp.is_none() {
            self.push(Part::Set, What::Spec(generation(change)));
        }
        let Some(set) = change.object.as_set() else {
            return;
        };
        self.is_leaving =
            change.verb == Verb::Deleted || change.object.meta().deletion_timestamp.is_some();
        self.ordered &= set.spec.pod_management_policy.as_deref() != Some("Parallel");
        if before.is_none() {
            self.named = (0, 0);
        }
        let Some(status) = &set.status else {
            return;
        };
        let mut number = |name: &'a Option<String>| {
            let name = name.as_deref().unwrap_or_default();
            self.number(name)
        };
        let named = (
            number(&status.current_revision),
            number(&status.update_revision),
        );
        if named != self.named && change.verb != Verb::Deleted {
            self.named = named;
            self.push(Part::Status, What::Names(named.0, named.1));
        }
    }

    /// The number of a revision: its place among those seen so far, from 1 on; 0 without a name.
    fn number(&mut self, name: &'a str) -> usize {
        if name.is_empty() {
            return 0;
        }
        let known = self.revisions.iter().position(|known| *known == name);
        let place = known.unwrap_or_else(|| {
            self.revisions.push(name);
            self.revisions.len() - 1
        });
        place + 1
    }

    fn revision(&mut self, before: Option<&Change>, change: &'a Change) {
        let name = change.object.name();
        let part = Part::Revision(self.number(name));
        // Until a set is gone the garbage collector removes its revisions and the controller makes them anew: how often
        // depends on who is quicker.
        if self.is_leaving && !change.initial {
            return;
        }
        self.belonging(part.clone(), before, change);
        self.birth_and_end(part, before, change, What::Created);
    }

    fn pod(&mut self, before: Option<&Change>, change: &'a Change) {
        let Some(pod) = change.object.as_pod() else {
            return;
        };
        let part = Part::pod(self.name, change.object.name());
        let from = self.number(sets::revision_of(pod));
        if change.verb != Verb::Deleted {
            self.belonging(part.clone(), before, change);
        }
        let old = before.and_then(|before| before.object.as_pod());
        let is_going = sets::is_terminating(pod);
        let was_ready = old.is_some_and(|old| sets::is_ready(old));
        let has_ended = |pod| sets::is_failed(pod) || sets::is_succeeded(pod);
        // On its way out a pod is what its node makes of it.
        let news = if is_going {
            None
        } else if has_ended(pod) {
            (!old.is_some_and(|old| has_ended(old))).then_some(What::Ended)
        } else {
            match (was_ready, sets::is_ready(pod)) {
                (false, true) => Some(What::Ready),
                (true, false) => Some(What::NotReady),
                _ => None,
            }
        };
        let born_ready = before.is_none();
        if let (Some(news), false) = (&news, born_ready) {
            self.push(part.clone(), news.clone());
        }
        self.birth_and_end(part.clone(), before, change, What::CreatedFrom(from));
        if let (Some(news), true) = (news, born_ready) {
            self.push(part, news);
        }
    }

    /// Whose it is, where that changes.
    fn belonging(&mut self, part: Part, before: Option<&Change>, change: &Change) {
        let is_ours =
            |change: &Change| controller_of(change).is_some_and(|uid| self.uids.contains(uid));
        let news = match (before.map(is_ours), is_ours(change)) {
            (Some(false), true) => What::Adopted,
            (Some(true), false) => What::Released,
            _ => return,
        };
        self.push(part, news);
    }
}
