//! The history, arranged so that every question finds its changes at once.
//!
//! A *point* is a number of changes: the state at point `p` is what the first `p` changes left.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::Pod};

use super::{Change, Evidence, Kind, Verb};
use crate::sets;

/// An evidence with its index. Made once, in time that grows with the history.
pub struct Index<'a> {
    /// What is indexed.
    pub evidence: &'a Evidence,
    courses: Vec<Course<'a>>,
    by_name: BTreeMap<(Kind, &'a str, &'a str), usize>,
    by_uid: BTreeMap<&'a str, Vec<usize>>,
    by_version: BTreeMap<Kind, Vec<(u64, usize)>>,
    /// For each place the earliest time from there on.
    earliest: Vec<Timestamp>,
    /// For each place the latest time up to there.
    latest: Vec<Timestamp>,
    lives: Vec<Life<'a>>,
}

/// All changes of one name.
pub struct Course<'a> {
    /// The kind.
    pub kind: Kind,
    /// The namespace.
    pub namespace: &'a str,
    /// The name.
    pub name: &'a str,
    /// The places of its changes, in order.
    pub places: Vec<usize>,
}

/// One set from its creation to its removal: one UID.
pub struct Life<'a> {
    /// Its UID.
    pub uid: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The places of its changes, in order.
    pub places: Vec<usize>,
    /// The pods that were ever its own, as [`Index::course`]s.
    pub pods: Vec<usize>,
    /// The claims of its templates, as courses.
    pub claims: Vec<usize>,
    /// The revisions that were ever its own, as courses.
    pub revisions: Vec<usize>,
    /// The places of the changes of the set, its pods, claims and revisions, in order.
    pub watched: Vec<usize>,
}

impl<'a> Index<'a> {
    /// Arranges an evidence.
    pub fn new(evidence: &'a Evidence) -> Self {
        let changes = evidence.history.changes();
        let mut index = Self {
            evidence,
            courses: Vec::new(),
            by_name: BTreeMap::new(),
            by_uid: BTreeMap::new(),
            by_version: BTreeMap::new(),
            earliest: vec![Timestamp::MAX; changes.len()],
            latest: Vec::with_capacity(changes.len()),
            lives: Vec::new(),
        };
        let mut latest = Timestamp::MIN;
        for change in changes {
            latest = latest.max(change.at);
            index.latest.push(latest);
        }
        let mut earliest = Timestamp::MAX;
        for (place, change) in changes.iter().enumerate().rev() {
            earliest = earliest.min(change.at);
            index.earliest[place] = earliest;
        }
        for (place, change) in changes.iter().enumerate() {
            let object = &change.object;
            let name = (object.kind(), object.namespace(), object.name());
            let course = *index.by_name.entry(name).or_insert_with(|| {
                index.courses.push(Course {
                    kind: name.0,
                    namespace: name.1,
                    name: name.2,
                    places: Vec::new(),
                });
                index.courses.len() - 1
            });
            index.courses[course].places.push(place);
            index.by_uid.entry(object.uid()).or_default().push(place);
            index
                .by_version
                .entry(name.0)
                .or_default()
                .push((change.version, place));
        }
        for versions in index.by_version.values_mut() {
            versions.sort_unstable();
        }
        index.find_lives();
        index
    }

    fn find_lives(&mut self) {
        let changes = self.changes();
        let mut by_uid: BTreeMap<&str, usize> = BTreeMap::new();
        let mut by_template: BTreeMap<(&str, String), Vec<usize>> = BTreeMap::new();
        for (place, change) in changes.iter().enumerate() {
            let Some(set) = change.object.as_set() else {
                continue;
            };
            let life = *by_uid.entry(change.object.uid()).or_insert_with(|| {
                for template in templates(set) {
                    let prefix = format!("{template}-{}", change.object.name());
                    by_template
                        .entry((change.object.namespace(), prefix))
                        .or_default()
                        .push(self.lives.len());
                }
                self.lives.push(Life {
                    uid: change.object.uid(),
                    namespace: change.object.namespace(),
                    name: change.object.name(),
                    places: Vec::new(),
                    pods: Vec::new(),
                    claims: Vec::new(),
                    revisions: Vec::new(),
                    watched: Vec::new(),
                });
                self.lives.len() - 1
            });
            self.lives[life].places.push(place);
        }
        let mut watched: Vec<Vec<usize>> =
            self.lives.iter().map(|life| life.places.clone()).collect();
        for (number, course) in self.courses.iter().enumerate() {
            let mut owners: BTreeSet<usize> = BTreeSet::new();
            match course.kind {
                Kind::Claim => {
                    let prefix = course
                        .name
                        .rsplit_once('-')
                        .map_or("", |(prefix, _)| prefix);
                    owners.extend(
                        by_template
                            .get(&(course.namespace, prefix.to_owned()))
                            .into_iter()
                            .flatten(),
                    );
                }
                Kind::Pod | Kind::Revision => {
                    let uids = course
                        .places
                        .iter()
                        .filter_map(|place| controller_of(&changes[*place]));
                    owners.extend(uids.filter_map(|uid| by_uid.get(uid)));
                }
                _ => {}
            }
            for life in owners {
                watched[life].extend(&course.places);
                match course.kind {
                    Kind::Pod => self.lives[life].pods.push(number),
                    Kind::Claim => self.lives[life].claims.push(number),
                    _ => self.lives[life].revisions.push(number),
                }
            }
        }
        for (life, mut watched) in self.lives.iter_mut().zip(watched) {
            watched.sort_unstable();
            life.watched = watched;
        }
    }

    /// Every change, in order.
    pub fn changes(&self) -> &'a [Change] {
        self.evidence.history.changes()
    }

    /// The point after all changes.
    pub fn end(&self) -> usize {
        self.changes().len()
    }

    /// When recording ended: the time it was told, or the last thing that was seen.
    pub fn ended_at(&self) -> Timestamp {
        let last = || self.changes().iter().map(|change| change.at).max();
        self.evidence
            .history
            .ended_at()
            .or_else(last)
            .unwrap_or(Timestamp::MIN)
    }

    /// The sets, by UID, in the order of their first changes.
    pub fn lives(&self) -> &[Life<'a>] {
        &self.lives
    }

    /// The set with that UID.
    pub fn life_of(&self, uid: &str) -> Option<usize> {
        let first = *self.by_uid.get(uid)?.first()?;
        self.changes()[first].object.as_set()?;
        self.lives
            .binary_search_by_key(&first, |life| life.places[0])
            .ok()
    }

    /// The changes of one name.
    pub fn course(&self, number: usize) -> &Course<'a> {
        &self.courses[number]
    }

    /// Every name's changes.
    pub fn courses(&self) -> &[Course<'a>] {
        &self.courses
    }

    /// The changes of a name, if there are any.
    pub fn find(&self, kind: Kind, namespace: &str, name: &str) -> Option<usize> {
        self.by_name.get(&(kind, namespace, name)).copied()
    }

    /// The places of the changes of a UID.
    pub fn places_of(&self, uid: &str) -> &[usize] {
        self.by_uid.get(uid).map_or(&[], Vec::as_slice)
    }

    /// The place of the change with that version.
    pub fn place_of(&self, kind: Kind, version: u64) -> Option<usize> {
        let versions = self.by_version.get(&kind)?;
        let found = versions
            .binary_search_by_key(&version, |(version, _)| *version)
            .ok()?;
        Some(versions[found].1)
    }

    /// The point up to which that version of a kind shows what happened to that kind.
    pub fn point_of(&self, kind: Kind, version: u64) -> usize {
        let versions = self.by_version.get(&kind).map_or(&[][..], Vec::as_slice);
        let seen = versions.partition_point(|(found, _)| *found <= version);
        seen.checked_sub(1).map_or(0, |last| versions[last].1 + 1)
    }

    /// The point at which everything seen by then, and nothing that was seen later, has happened.
    pub fn point_at(&self, time: Timestamp) -> usize {
        self.earliest.partition_point(|earliest| *earliest <= time)
    }

    /// The first place that may have been seen at that time or later: everything before it was seen earlier.
    pub fn first_since(&self, time: Timestamp) -> usize {
        self.latest.partition_point(|latest| *latest < time)
    }

    /// The names of a kind in a namespace, as courses.
    pub fn named(&self, kind: Kind, namespace: &'a str) -> impl Iterator<Item = usize> + '_ {
        self.by_name
            .range((kind, namespace, "")..)
            .take_while(move |((found, place, _), _)| *found == kind && *place == namespace)
            .map(|(_, course)| *course)
    }

    /// The last change of a course before a point, be it a deletion.
    pub fn last(&self, course: usize, point: usize) -> Option<&'a Change> {
        let places = &self.courses[course].places;
        let seen = places.partition_point(|place| *place < point);
        Some(&self.changes()[places[seen.checked_sub(1)?]])
    }

    /// The object of a course as it was at a point, if it was there.
    pub fn at(&self, course: usize, point: usize) -> Option<&'a Change> {
        self.last(course, point)
            .filter(|change| change.verb != Verb::Deleted)
    }

    /// The object of a name as it was at a point, if it was there.
    pub fn object(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
        point: usize,
    ) -> Option<&'a Change> {
        self.at(self.find(kind, namespace, name)?, point)
    }

    /// A set as it was at a point, if it was there.
    pub fn set(&self, life: usize, point: usize) -> Option<&'a StatefulSet> {
        let places = &self.lives[life].places;
        let seen = places.partition_point(|place| *place < point);
        let change = &self.changes()[places[seen.checked_sub(1)?]];
        (change.verb != Verb::Deleted)
            .then(|| change.object.as_set().map(AsRef::as_ref))
            .flatten()
    }

    /// The claimed pods of a set at a point, by name: the set is their controller, and the name is the set's, a dash and
    /// digits.
    pub fn claimed(&self, life: usize, point: usize) -> Vec<&'a Pod> {
        let life = &self.lives[life];
        let pods = life
            .pods
            .iter()
            .filter_map(|course| self.at(*course, point));
        pods.filter_map(|change| change.object.as_pod().map(AsRef::as_ref))
            .filter(|pod| is_claimed(pod, life))
            .collect()
    }
}

/// Whether a pod is claimed by a set.
pub fn is_claimed(pod: &Pod, life: &Life<'_>) -> bool {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    sets::owner_uid(pod) == Some(life.uid) && sets::ordinal_of(life.name, name).is_some()
}

/// The UID of the controller of a changed object.
pub fn controller_of(change: &Change) -> Option<&str> {
    let owners = change.object.meta().owner_references.as_ref()?;
    let owner = owners.iter().find(|owner| owner.controller == Some(true))?;
    Some(&owner.uid)
}

/// The names of a set's claim templates.
pub fn templates(set: &StatefulSet) -> impl Iterator<Item = &str> {
    let templates = set.spec.volume_claim_templates.iter().flatten();
    templates.filter_map(|template| template.metadata.name.as_deref())
}
