//! The paths of an object, and whether an applied configuration can be taken apart at all.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    path::{self, Element, Path},
    set::Set,
    shape::{Shape, entries, items},
};

/// The paths that a manager owns who applies this.
pub(super) fn of(shape: Shape, value: &Value) -> Set {
    let mut set = Set::default();
    walk(shape, value, &mut Path::new(), &mut set);
    set
}

fn walk(shape: Shape, value: &Value, path: &mut Path, set: &mut Set) {
    if shape.is_list() {
        let elements: Vec<_> = items(Some(value))
            .iter()
            .filter_map(|item| Some((shape.element(item).ok()?, item)))
            .collect();
        let mut seen = BTreeSet::new();
        let repeated: BTreeSet<_> = elements
            .iter()
            .map(|(element, _)| element)
            .filter(|element| !seen.insert(*element))
            .cloned()
            .collect();
        for (element, item) in &elements {
            path.push(element.clone());
            if !repeated.contains(element) {
                walk(shape.item(), item, path, set);
            }
            set.insert(path);
            path.pop();
        }
    } else if shape.is_object(Some(value)) {
        for (name, inner) in entries(Some(value)).into_iter().flatten() {
            let (below, named) = shape.entry(name);
            path.push(Element::field(name));
            walk(below, inner, path, set);
            let empty = inner.as_object().is_some_and(serde_json::Map::is_empty);
            if !named || inner.is_null() || empty {
                set.insert(path);
            }
            path.pop();
        }
    } else {
        set.insert(path);
    }
}

/// The set with every known field on the way to its paths as a member of its own.
pub(super) fn with_named(set: &Set, shape: Shape) -> Set {
    let mut members = set.members.clone();
    let mut children = std::collections::BTreeMap::new();
    for (element, inner) in &set.children {
        let below = match element {
            Element::Field(name) => {
                let (below, named) = shape.entry(name);
                if named {
                    members.insert(element.clone());
                }
                below
            }
            Element::Key(_) => shape.item(),
            Element::Value(_) => Shape::Leaf,
        };
        children.insert(element.clone(), with_named(inner, below));
    }
    Set { members, children }
}

/// What is wrong with a configuration: unknown fields, items without or with equal keys.
pub(super) fn faults(shape: Shape, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(shape, value, &mut Path::new(), &mut found);
    found
}

fn check(shape: Shape, value: &Value, path: &mut Path, found: &mut Vec<String>) {
    let mut say =
        |path: &Path, text: String| found.push(format!("{}: {text}", path::display(path)));
    if shape.is_list() {
        let Some(list) = value.as_array() else {
            if !value.is_null() {
                say(path, format!("expected list, got {}", kind(value)));
            }
            return;
        };
        let mut seen = BTreeSet::new();
        for (at, item) in list.iter().enumerate() {
            match shape.element(item) {
                Err(text) => say(path, format!("element {at}: {text}")),
                Ok(element) if !seen.insert(element.clone()) => {
                    say(path, format!("duplicate entries for key {element}"));
                }
                Ok(_) => {}
            }
        }
        for item in list {
            if let Ok(element) = shape.element(item) {
                path.push(element);
                check(shape.item(), item, path, found);
                path.pop();
            }
        }
    } else if shape.is_object(Some(value)) {
        let Some(object) = value.as_object() else {
            if !value.is_null() {
                say(path, format!("expected map, got {}", kind(value)));
            }
            return;
        };
        for (name, inner) in object {
            let (below, named) = shape.entry(name);
            path.push(Element::field(name));
            let unknown = matches!(shape, Shape::Struct(_)) && !named;
            match unknown {
                true => found.push(format!(
                    "{}: field not declared in schema",
                    path::display(path)
                )),
                false => check(below, inner, path, found),
            }
            path.pop();
            // An unknown field ends the search in its object.
            if unknown {
                break;
            }
        }
    }
}

fn kind(value: &Value) -> String {
    match value {
        Value::Object(_) => "&{map}".to_owned(),
        Value::Array(_) => "&{list}".to_owned(),
        other => format!("&{{{}}}", other.to_string().trim_matches('"')),
    }
}
