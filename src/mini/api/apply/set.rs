//! Sets of paths: what a manager owns.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::path::{Element, Path};

/// A set of paths, as a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Set {
    /// Paths of one step.
    pub(super) members: BTreeSet<Element>,
    /// Longer paths by their first step. None of these sets is empty.
    pub(super) children: BTreeMap<Element, Self>,
}

impl Set {
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.is_empty()
    }

    pub(super) fn insert(&mut self, path: &[Element]) {
        match path {
            [] => {}
            [last] => {
                self.members.insert(last.clone());
            }
            [first, rest @ ..] => {
                let child = self.children.entry(first.clone()).or_default();
                child.insert(rest);
            }
        }
    }

    pub(super) fn has(&self, path: &[Element]) -> bool {
        match path {
            [] => false,
            [last] => self.members.contains(last),
            [first, rest @ ..] => {
                let child = self.children.get(first);
                child.is_some_and(|child| child.has(rest))
            }
        }
    }

    pub(super) fn union(mut self, other: &Self) -> Self {
        self.members.extend(other.members.iter().cloned());
        for (element, set) in &other.children {
            match self.children.get_mut(element) {
                Some(own) => *own = std::mem::take(own).union(set),
                None => drop(self.children.insert(element.clone(), set.clone())),
            }
        }
        self
    }

    /// Leaves out the paths of the other set; those below them remain.
    pub(super) fn subtract(&mut self, other: &Self) {
        for element in &other.members {
            self.members.remove(element);
        }
        for (element, set) in &other.children {
            self.below(element, |own| own.subtract(set));
        }
    }

    /// Leaves out the paths of the other set and all below them.
    pub(super) fn cut(&mut self, other: &Self) {
        for element in &other.members {
            self.members.remove(element);
            self.children.remove(element);
        }
        for (element, set) in &other.children {
            self.below(element, |own| own.cut(set));
        }
    }

    /// Changes what is below an element, which goes when nothing is left.
    fn below(&mut self, element: &Element, change: impl FnOnce(&mut Self)) {
        if let Some(own) = self.children.get_mut(element) {
            change(own);
            if own.is_empty() {
                self.children.remove(element);
            }
        }
    }

    pub(super) fn intersection(&self, other: &Self) -> Self {
        let members = self.members.intersection(&other.members);
        let children = self.children.iter().filter_map(|(element, set)| {
            let both = set.intersection(other.children.get(element)?);
            (!both.is_empty()).then(|| (element.clone(), both))
        });
        Self {
            members: members.cloned().collect(),
            children: children.collect(),
        }
    }

    /// The paths that the other set does not have; those below a path of the other remain.
    pub(super) fn difference(&self, other: &Self) -> Self {
        let mut rest = self.clone();
        rest.subtract(other);
        rest
    }

    /// The paths that are neither in the other set nor below one of its paths.
    pub(super) fn outside(mut self, other: &Self) -> Self {
        self.cut(other);
        self
    }

    /// All paths: those of one step first.
    pub(super) fn paths(&self) -> Vec<Path> {
        let mut paths: Vec<Path> = self.members.iter().map(|one| vec![one.clone()]).collect();
        for (element, set) in &self.children {
            for mut path in set.paths() {
                path.insert(0, element.clone());
                paths.push(path);
            }
        }
        paths
    }

    /// As `fieldsV1`: a path that others go on from is marked with `.`.
    pub(super) fn encode(&self) -> Value {
        let mut entries = Map::new();
        for (element, set) in &self.children {
            let mut inner = set.encode();
            if self.members.contains(element) {
                inner["."] = Value::Object(Map::new());
            }
            entries.insert(element.encode(), inner);
        }
        for element in &self.members {
            entries
                .entry(element.encode())
                .or_insert_with(|| Value::Object(Map::new()));
        }
        Value::Object(entries)
    }

    /// Reads `fieldsV1`. Steps of another form are left out.
    pub(super) fn decode(fields: &Value) -> Self {
        let mut set = Self::default();
        for (text, inner) in fields.as_object().into_iter().flatten() {
            let Some(element) = Element::decode(text) else {
                continue;
            };
            let child = Self::decode(inner);
            if child.is_empty() || inner.get(".").is_some() {
                set.members.insert(element.clone());
            }
            if !child.is_empty() {
                set.children.insert(element, child);
            }
        }
        set
    }
}

/// The set of these paths of fields: `["metadata", "name"]`.
pub(super) fn of_fields(paths: &[&[&str]]) -> Set {
    let mut set = Set::default();
    for path in paths {
        let path: Path = path.iter().map(|name| Element::field(name)).collect();
        set.insert(&path);
    }
    set
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_set_is_written_as_it_was_read() {
        let fields = json!({
            "f:metadata": {"f:finalizers": {".": {}, "v:\"a/b\"": {}}, "f:labels": {"f:app": {}}},
            "f:spec": {"f:containers": {"k:{\"name\":\"a\"}": {".": {}, "f:image": {}, "f:resources": {}}}},
        });
        let set = Set::decode(&fields);
        assert_eq!(set.encode(), fields);
        assert_eq!(set.paths().len(), 6);
    }

    #[test]
    fn what_lies_below_a_path_is_only_outside_if_the_path_is() {
        let set = of_fields(&[&["a", "b"], &["a", "c"], &["d"]]);
        let other = of_fields(&[&["a"], &["d"]]);
        assert_eq!(
            set.difference(&other),
            of_fields(&[&["a", "b"], &["a", "c"]])
        );
        assert_eq!(set.outside(&other), Set::default());
    }
}
