//! Which paths differ between two objects.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    path::Element,
    set::Set,
    shape::{Shape, entries, items},
};

/// The paths that were removed, changed, added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    pub(super) removed: Set,
    pub(super) modified: Set,
    pub(super) added: Set,
}

impl Comparison {
    /// Without these paths and all below them.
    pub(super) fn outside(mut self, ignored: &Set) -> Self {
        for set in [&mut self.removed, &mut self.modified, &mut self.added] {
            set.cut(ignored);
        }
        self
    }

    /// What the new object has that the old one had not: its changed and its added paths.
    pub(super) fn taken(&self) -> Set {
        self.modified.clone().union(&self.added)
    }

    /// Takes what was found below an element, and whether the element itself was removed, changed or added.
    fn take(&mut self, element: &Element, found: Found) {
        let Found { at, below } = found;
        let parts = [
            (&mut self.removed, below.removed, at.removed),
            (&mut self.modified, below.modified, at.modified),
            (&mut self.added, below.added, at.added),
        ];
        for (whole, part, itself) in parts {
            if itself {
                whole.members.insert(element.clone());
            }
            if !part.is_empty() {
                whole.children.insert(element.clone(), part);
            }
        }
    }
}

/// Compares two objects.
pub(super) fn compare(shape: Shape, old: &Value, new: &Value) -> Comparison {
    differing(shape, Some(old), Some(new)).below
}

/// What differs between two values, and what below them.
#[derive(Default)]
struct Found {
    at: At,
    below: Comparison,
}

#[derive(Clone, Copy, Default)]
struct At {
    removed: bool,
    modified: bool,
    added: bool,
}

/// Most of an object stays as it was, and equal values differ nowhere.
fn value(shape: Shape, old: Option<&Value>, new: Option<&Value>) -> Found {
    match old == new {
        true => Found::default(),
        false => differing(shape, old, new),
    }
}

fn differing(shape: Shape, old: Option<&Value>, new: Option<&Value>) -> Found {
    let object = shape.is_object(old) || shape.is_object(new);
    let empty = match object {
        true => entries(old).is_none() && entries(new).is_none(),
        false => items(old).is_empty() && items(new).is_empty(),
    };
    let (added, removed) = (old.is_none(), new.is_none());
    // What has no parts is compared as one, which keeps absent and empty apart.
    if empty || !(object || shape.is_list()) {
        let at = At {
            removed: removed && !added,
            modified: !removed && !added && old != new,
            added,
        };
        return Found {
            at,
            below: Comparison::default(),
        };
    }
    Found {
        at: At {
            removed: removed && !added,
            modified: false,
            added,
        },
        below: match object {
            true => fields(shape, old, new),
            false => list(shape, old, new),
        },
    }
}

fn fields(shape: Shape, old: Option<&Value>, new: Option<&Value>) -> Comparison {
    let (old, new) = (entries(old), entries(new));
    let mut found = Comparison::default();
    let mut look = |name: &str, old: Option<&Value>, new: Option<&Value>| {
        if old != new {
            let (inner, _) = shape.entry(name);
            found.take(&Element::field(name), differing(inner, old, new));
        }
    };
    for (name, before) in old.into_iter().flatten() {
        look(name, Some(before), new.and_then(|map| map.get(name)));
    }
    for (name, after) in new.into_iter().flatten() {
        if old.is_none_or(|map| !map.contains_key(name)) {
            look(name, None, Some(after));
        }
    }
    found
}

fn list(shape: Shape, old: Option<&Value>, new: Option<&Value>) -> Comparison {
    let mut pairs: BTreeMap<Element, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
    for item in items(old) {
        if let Ok(element) = shape.element(item) {
            pairs.entry(element).or_default().0.push(item);
        }
    }
    for item in items(new) {
        if let Ok(element) = shape.element(item) {
            pairs.entry(element).or_default().1.push(item);
        }
    }
    let mut found = Comparison::default();
    for (element, (old, new)) in pairs {
        found.take(&element, repeated(shape.item(), &old, &new));
    }
    found
}

/// The items of one key: usually one before and one after. Repeated ones are owned as one.
fn repeated(shape: Shape, old: &[&Value], new: &[&Value]) -> Found {
    match (old, new) {
        ([] | [_], [] | [_]) => value(shape, old.first().copied(), new.first().copied()),
        ([_, _, ..], [_, _, ..]) => {
            let mut found = Found::default();
            found.at.modified = old != new;
            found
        }
        ([_, _, ..], _) => {
            let mut found = new
                .first()
                .map_or_else(Found::default, |new| value(shape, None, Some(new)));
            found.at.removed = true;
            found
        }
        (_, _) => {
            let mut found = old
                .first()
                .map_or_else(Found::default, |old| value(shape, Some(old), None));
            found.at.added = true;
            found
        }
    }
}
