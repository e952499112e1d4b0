//! Which paths differ between two objects.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    path::{Element, Path},
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
    pub(super) fn outside(&self, ignored: &Set) -> Self {
        Self {
            removed: self.removed.outside(ignored),
            modified: self.modified.outside(ignored),
            added: self.added.outside(ignored),
        }
    }
}

/// Compares two objects.
pub(super) fn compare(shape: Shape, old: &Value, new: &Value) -> Comparison {
    let mut walk = Walk::default();
    walk.value(shape, Some(old), Some(new));
    walk.found
}

#[derive(Default)]
struct Walk {
    path: Path,
    found: Comparison,
}

impl Walk {
    fn value(&mut self, shape: Shape, old: Option<&Value>, new: Option<&Value>) {
        let object = shape.is_object(old) || shape.is_object(new);
        let empty = match object {
            true => entries(old).is_none() && entries(new).is_none(),
            false => items(old).is_empty() && items(new).is_empty(),
        };
        // What has no parts is compared as one, which keeps absent and empty apart.
        if empty || !(object || shape.is_list()) {
            return self.leaf(old, new);
        }
        match object {
            true => self.object(shape, old, new),
            false => self.list(shape, old, new),
        }
        if old.is_none() {
            self.found.added.insert(&self.path);
        } else if new.is_none() {
            self.found.removed.insert(&self.path);
        }
    }

    fn leaf(&mut self, old: Option<&Value>, new: Option<&Value>) {
        match (old, new) {
            (None, _) => self.found.added.insert(&self.path),
            (_, None) => self.found.removed.insert(&self.path),
            (Some(old), Some(new)) if old != new => self.found.modified.insert(&self.path),
            _ => {}
        }
    }

    fn below(&mut self, element: Element, shape: Shape, old: Option<&Value>, new: Option<&Value>) {
        self.path.push(element);
        self.value(shape, old, new);
        self.path.pop();
    }

    fn object(&mut self, shape: Shape, old: Option<&Value>, new: Option<&Value>) {
        let (old, new) = (entries(old), entries(new));
        let names: BTreeSet<_> = [old, new]
            .into_iter()
            .flatten()
            .flat_map(|map| map.keys())
            .collect();
        for name in names {
            let get = |map: Option<&'_ serde_json::Map<String, Value>>| {
                map.and_then(|map| map.get(name)).cloned()
            };
            let (old, new) = (get(old), get(new));
            let (inner, _) = shape.entry(name);
            self.below(Element::field(name), inner, old.as_ref(), new.as_ref());
        }
    }

    fn list(&mut self, shape: Shape, old: Option<&Value>, new: Option<&Value>) {
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
        for (element, (old, new)) in pairs {
            self.items(element, shape.item(), &old, &new);
        }
    }

    /// The items of one key: usually one before and one after. Repeated ones are owned as one.
    fn items(&mut self, element: Element, shape: Shape, old: &[&Value], new: &[&Value]) {
        let marked = |walk: &Self| {
            let mut path = walk.path.clone();
            path.push(element.clone());
            path
        };
        match (old, new) {
            ([] | [_], [] | [_]) => {
                self.below(element, shape, old.first().copied(), new.first().copied());
            }
            ([_, _, ..], [_, _, ..]) => {
                if old != new {
                    self.found.modified.insert(&marked(self));
                }
            }
            ([_, _, ..], _) => {
                let path = marked(self);
                if let Some(new) = new.first() {
                    self.below(element, shape, None, Some(new));
                }
                self.found.removed.insert(&path);
            }
            (_, _) => {
                let path = marked(self);
                if let Some(old) = old.first() {
                    self.below(element, shape, Some(old), None);
                }
                self.found.added.insert(&path);
            }
        }
    }
}
