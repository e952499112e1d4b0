//! Merging an applied configuration into an object, and taking paths out of one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value};

use super::{
    path::Element,
    set::Set,
    shape::{Shape, entries, items},
};

/// The object with the configuration's values; items of lists stand in the configuration's order where it names them.
///
/// The configuration's lists have been checked: every item has a place of its own.
pub(super) fn merge(shape: Shape, live: Option<&Value>, applied: Option<&Value>) -> Option<Value> {
    let object = shape.is_object(live) || shape.is_object(applied);
    let empty = match object {
        true => entries(live).is_none() && entries(applied).is_none(),
        false => items(live).is_empty() && items(applied).is_empty(),
    };
    if empty || !(object || shape.is_list()) {
        return applied.or(live).cloned();
    }
    match object {
        true => {
            let (live, applied) = (entries(live), entries(applied));
            let maps = [live, applied];
            let names: BTreeSet<_> = maps.into_iter().flatten().flat_map(Map::keys).collect();
            let mut merged = Map::new();
            for name in names {
                let get =
                    |map: Option<&Map<String, Value>>| map.and_then(|map| map.get(name)).cloned();
                let (live, applied) = (get(live), get(applied));
                if let Some(value) = merge(shape.entry(name).0, live.as_ref(), applied.as_ref()) {
                    merged.insert(name.clone(), value);
                }
            }
            (!merged.is_empty()).then_some(Value::Object(merged))
        }
        false => {
            let merged = merge_list(shape, items(live), items(applied));
            (!merged.is_empty()).then_some(Value::Array(merged))
        }
    }
}

fn indexed<'a>(shape: Shape, items: &'a [Value]) -> Vec<(Element, &'a Value)> {
    let element = |item: &'a Value| Some((shape.element(item).ok()?, item));
    items.iter().filter_map(element).collect()
}

/// Items of one list only keep their place among the others; shared ones follow the applied order.
fn merge_list(shape: Shape, live: &[Value], applied: &[Value]) -> Vec<Value> {
    let (live, applied) = (indexed(shape, live), indexed(shape, applied));
    let mut by_element: BTreeMap<&Element, Option<&Value>> = BTreeMap::new();
    for (element, item) in &live {
        // Repeated items are not merged.
        let found = by_element.entry(element).or_insert(Some(item));
        if found.is_some_and(|found| !std::ptr::eq(found, *item)) {
            *found = None;
        }
    }
    let wanted: BTreeSet<_> = applied.iter().map(|(element, _)| element).collect();
    let shared = applied.iter().map(|(element, _)| element);
    let mut shared: VecDeque<_> = shared
        .filter(|element| by_element.contains_key(element))
        .collect();
    let joined = |element: &Element, item: &Value| {
        let own = by_element.get(element).copied().flatten();
        merge(shape.item(), own, Some(item))
    };
    let mut merged = Vec::with_capacity(live.len().max(applied.len()));
    let mut done = BTreeSet::new();
    let (mut left, mut right) = (live.iter().peekable(), applied.iter().peekable());
    loop {
        match (left.peek(), right.peek()) {
            (None, None) => break,
            (Some((element, _)), Some((other, item))) if element == other => {
                merged.extend(joined(element, item));
                done.insert(element);
                shared.pop_front();
                left.next();
                right.next();
                continue;
            }
            // A shared item whose turn comes later.
            (Some((element, _)), Some(_))
                if wanted.contains(element)
                    && shared.front().is_some_and(|next| *next != element) =>
            {
                left.next();
                continue;
            }
            (Some((element, item)), _) if !wanted.contains(element) => {
                merged.extend(merge(shape.item(), Some(item), None));
                left.next();
                continue;
            }
            (Some((element, _)), _) if done.contains(element) => {
                left.next();
            }
            _ => {}
        }
        if let Some((element, item)) = right.next() {
            merged.extend(joined(element, item));
            done.insert(element);
            if shared.front() == Some(&element) {
                shared.pop_front();
            }
        }
    }
    merged
}

/// The value without these paths; null if nothing is left.
pub(super) fn remove(shape: Shape, value: &Value, doomed: &Set) -> Value {
    if shape.is_list() {
        let mut kept = Vec::new();
        for item in items(Some(value)) {
            let Ok(element) = shape.element(item) else {
                continue;
            };
            if doomed.members.contains(&element) {
                continue;
            }
            kept.push(match doomed.children.get(&element) {
                Some(doomed) => remove(shape.item(), item, doomed),
                None => item.clone(),
            });
        }
        return if kept.is_empty() {
            Value::Null
        } else {
            kept.into()
        };
    }
    if !shape.is_object(Some(value)) {
        // One value goes as a whole; what is no list and no object stays.
        return match value {
            Value::Array(_) | Value::Object(_) => Value::Null,
            other => other.clone(),
        };
    }
    let mut kept = Map::new();
    for (name, inner) in entries(Some(value)).into_iter().flatten() {
        let element = Element::field(name);
        if doomed.members.contains(&element) {
            continue;
        }
        let inner = match doomed.children.get(&element) {
            Some(doomed) => remove(shape.entry(name).0, inner, doomed),
            None => inner.clone(),
        };
        kept.insert(name.clone(), inner);
    }
    if kept.is_empty() {
        Value::Null
    } else {
        Value::Object(kept)
    }
}
