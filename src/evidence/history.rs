//! What was seen of the objects of a cluster, change by change.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Kind, Object};

/// Where an object is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Key {
    /// The key of a name.
    pub fn new(kind: Kind, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            kind,
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// The key of an object.
    pub fn of(object: &Object) -> Self {
        Self::new(object.kind(), object.namespace(), object.name())
    }
}

/// What became of an object.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Verb {
    /// It was not there before. Objects that are there when recording begins are added first.
    Added,
    /// It changed.
    Modified,
    /// It is gone; the change shows its last state.
    Deleted,
}

/// One change of one object.
#[derive(Clone, Debug)]
pub struct Change {
    /// When it was seen, by the cluster's clock.
    pub at: Timestamp,
    /// What became of the object.
    pub verb: Verb,
    /// Its resourceVersion then; comparable within its kind, and across kinds where the cluster has one counter.
    pub version: u64,
    /// It was there before recording began.
    pub initial: bool,
    /// The object after the change.
    pub object: Object,
}

impl Change {
    /// Which object.
    pub fn key(&self) -> Key {
        Key::of(&self.object)
    }
}

/// A stretch of a kind's history of which not every change was seen.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Gap {
    /// The kind.
    pub kind: Kind,
    /// The place in the history after which changes may be missing.
    pub after: usize,
    /// The place up to which they may be missing; the end, where it is not known.
    pub until: usize,
    /// What happened.
    pub why: String,
}

/// All changes in one order: by arrival while it is recorded, by version once it is [sealed](History::seal) on a cluster
/// with one counter.
#[derive(Clone, Debug, Default)]
pub struct History {
    changes: Vec<Change>,
    gaps: Vec<Gap>,
    present: BTreeMap<Key, usize>,
    ended_at: Option<Timestamp>,
}

impl History {
    /// Adds a change at the end.
    pub fn push(&mut self, change: Change) {
        let key = change.key();
        match change.verb {
            Verb::Deleted => self.present.remove(&key),
            Verb::Added | Verb::Modified => self.present.insert(key, self.changes.len()),
        };
        self.changes.push(change);
    }

    /// Notes that changes may be missing.
    pub fn gap(&mut self, gap: Gap) {
        self.gaps.push(gap);
    }

    /// Every change, in order.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Where changes may be missing.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Notes that all that had happened by then was seen.
    pub fn end(&mut self, at: Timestamp) {
        self.ended_at = Some(at);
    }

    /// When recording ended, if it did: nothing happened from the last change until then.
    pub fn ended_at(&self) -> Option<Timestamp> {
        self.ended_at
    }

    /// The object as it was last seen, if it is there.
    pub fn get(&self, key: &Key) -> Option<&Object> {
        self.present
            .get(key)
            .map(|index| &self.changes[*index].object)
    }

    /// The objects of a kind in a namespace that are there, by name.
    pub fn present<'a>(
        &'a self,
        kind: Kind,
        namespace: &'a str,
    ) -> impl Iterator<Item = &'a Object> + 'a {
        self.present
            .range(Key::new(kind, namespace, "")..)
            .take_while(move |(key, _)| key.kind == kind && key.namespace == namespace)
            .map(|(_, index)| &self.changes[*index].object)
    }

    /// The objects of a kind that are there, in every namespace.
    pub fn everywhere(&self, kind: Kind) -> impl Iterator<Item = &Object> {
        let present = self.present.range(Key::new(kind, "", "")..);
        present
            .take_while(move |(key, _)| key.kind == kind)
            .map(|(_, index)| &self.changes[*index].object)
    }

    /// How many objects were there before recording began.
    pub fn initial(&self) -> usize {
        self.changes
            .iter()
            .take_while(|change| change.initial)
            .count()
    }

    /// A history that begins with what is there at the end of this one, and lacks what this one lacks to the end.
    pub fn next(&self) -> Self {
        let mut next = Self::default();
        for place in self.present.values() {
            next.push(Change {
                verb: Verb::Added,
                initial: true,
                ..self.changes[*place].clone()
            });
        }
        let open = self.gaps.iter().filter(|gap| gap.until == usize::MAX);
        next.gaps = open
            .map(|gap| Gap {
                after: 0,
                ..gap.clone()
            })
            .collect();
        next
    }

    /// Puts the changes of all kinds into the order of their versions. Right only where one counter gives them.
    pub fn seal(&mut self) {
        let mut order: Vec<usize> = (0..self.changes.len()).collect();
        order.sort_by_key(|place| self.changes[*place].version);
        let mut moved = vec![0; order.len()];
        for (new, old) in order.iter().enumerate() {
            moved[*old] = new;
        }
        for gap in &mut self.gaps {
            gap.follow(&self.changes, &moved);
        }
        self.changes.sort_by_key(|change| change.version);
        self.present.clear();
        for (index, change) in self.changes.iter().enumerate() {
            let key = change.key();
            match change.verb {
                Verb::Deleted => self.present.remove(&key),
                Verb::Added | Verb::Modified => self.present.insert(key, index),
            };
        }
    }
}

impl Gap {
    /// Keeps between the changes of its kind that it was between.
    fn follow(&mut self, changes: &[Change], moved: &[usize]) {
        let of_kind = |(place, change): (usize, &Change)| {
            (change.object.kind() == self.kind).then_some((place, moved[place]))
        };
        let places: Vec<(usize, usize)> = changes.iter().enumerate().filter_map(of_kind).collect();
        let before = places.iter().filter(|(old, _)| *old < self.after);
        let behind = places.iter().filter(|(old, _)| *old >= self.until);
        let (after, until) = (
            before.map(|(_, new)| new + 1).max().unwrap_or(0),
            behind.map(|(_, new)| *new).min().unwrap_or(usize::MAX),
        );
        (self.after, self.until) = (after, until);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_gap_stays_between_the_changes_it_was_between() {
        let mut history = History::default();
        let mut push = |kind, version: u64| {
            let value = json!({"metadata": {"name": "a", "namespace": "b", "resourceVersion": version.to_string()}, "data": {}, "spec": null});
            let object = Object::decode(kind, value).expect("an object");
            history.push(Change {
                at: Timestamp::UNIX_EPOCH,
                verb: Verb::Modified,
                version,
                initial: false,
                object,
            });
        };
        // Pods arrive before the claims that were written before them.
        for (kind, version) in [
            (Kind::Pod, 3),
            (Kind::Pod, 5),
            (Kind::Claim, 1),
            (Kind::Claim, 4),
        ] {
            push(kind, version);
        }
        history.gap(Gap {
            kind: Kind::Claim,
            after: 3,
            until: 3,
            why: String::new(),
        });
        history.seal();
        let versions: Vec<u64> = history
            .changes()
            .iter()
            .map(|change| change.version)
            .collect();
        assert_eq!(versions, [1, 3, 4, 5]);
        assert_eq!((history.gaps()[0].after, history.gaps()[0].until), (1, 2));
    }
}
