//! Strategic merge patch: lists merge by key or as sets where the kind says so, and directives steer the rest.

use serde_json::{Map, Value};

use super::{not_an_object, word};
use crate::mini::api::{
    Status,
    schema::{Field, Merge, Struct, Type, schema},
};

const DIRECTIVE: &str = "$patch";
const RETAIN: &str = "$retainKeys";
const ORDER: &str = "$setElementOrder/";
const DELETE: &str = "$deleteFromPrimitiveList/";

type Object = Map<String, Value>;

/// Applies a strategic merge patch to an object of this kind. Lists of kinds that are not known are replaced.
///
/// # Errors
///
/// 400 for a patch that is no object or misuses `$retainKeys`, 500 for one that breaks the rules of another directive or
/// whose list items lack their key, as real servers answer.
pub fn strategic(group_kind: &str, object: &Value, patch: &Value) -> Result<Value, Status> {
    let Value::Object(patch) = patch else {
        return Err(Status::bad_request(not_an_object(patch)));
    };
    let original = object.as_object().cloned().unwrap_or_default();
    merge_object(schema().kind(group_kind), original, patch).map(Value::Object)
}

/// A fault for which real servers have no reason word.
fn fault(message: String) -> Status {
    Status::new(500, "", message)
}

fn inner_struct(kind: &Type) -> Option<&'static Struct> {
    match kind {
        Type::Struct(index) => Some(schema().get(*index)),
        Type::List(inner) | Type::Map(inner, _) => inner_struct(inner),
        _ => None,
    }
}

fn merge_object(
    known: Option<&'static Struct>,
    mut original: Object,
    patch: &Object,
) -> Result<Object, Status> {
    match patch.get(DIRECTIVE) {
        None => {}
        Some(Value::String(word)) if word == "replace" => {
            let mut patch = patch.clone();
            patch.remove(DIRECTIVE);
            return Ok(patch);
        }
        Some(Value::String(word)) if word == "delete" => return Ok(Object::new()),
        Some(other) => return Err(unknown_directive(other, patch)),
    }
    retain_keys(&mut original, patch)?;
    for (key, order) in patch {
        if let Some(list) = key.strip_prefix(ORDER) {
            ordered_list(known, &mut original, patch, list, order)?;
        }
    }
    for (key, value) in patch {
        if let Some(list) = key.strip_prefix(DELETE) {
            delete_items(&mut original, list, value);
        } else if key == RETAIN
            || key.starts_with(ORDER)
            || patch.contains_key(&format!("{ORDER}{key}"))
        {
            // Done above.
        } else if value.is_null() {
            original.remove(key);
        } else {
            let field = known.and_then(|known| known.field(key));
            let before = original.remove(key);
            if let Some(merged) = merge_value(field, known.is_some(), before, value)? {
                original.insert(key.clone(), merged);
            }
        }
    }
    Ok(original)
}

fn merge_value(
    field: Option<&'static Field>,
    known: bool,
    before: Option<Value>,
    patch: &Value,
) -> Result<Option<Value>, Status> {
    match (before, patch) {
        (Some(Value::Object(before)), Value::Object(patch)) => {
            let inner = field.and_then(|field| inner_struct(&field.kind));
            merge_object(inner, before, patch).map(|merged| Some(Value::Object(merged)))
        }
        (Some(Value::Array(before)), Value::Array(patch)) => {
            merge_list(field, before, patch).map(|merged| Some(Value::Array(merged)))
        }
        (_, patch) => {
            if let (true, Some(field)) = (known, field) {
                restorable(field, patch)?;
            }
            Ok(clean(patch))
        }
    }
}

/// A list or an object cannot become something else.
fn restorable(field: &Field, patch: &Value) -> Result<(), Status> {
    let text = match (&field.kind, patch) {
        (Type::Struct(_), Value::Object(_)) | (Type::List(_), Value::Array(_)) => return Ok(()),
        (Type::Struct(_), other) => format!("cannot restore struct from: {}", word(other)),
        (Type::List(_), other) => format!("cannot restore slice from {}", word(other)),
        _ => return Ok(()),
    };
    let printed = Value::from(go_map(patch));
    let cause = crate::mini::api::Cause::invalid("patch", &printed, text);
    Err(Status::invalid("", "", "", &[cause]))
}

/// A new value without directives and nulls; nothing if it is a deletion.
fn clean(patch: &Value) -> Option<Value> {
    Some(match patch {
        Value::Object(entries) => match entries.get(DIRECTIVE).and_then(Value::as_str) {
            Some("delete") => return None,
            _ => Value::Object(
                entries
                    .iter()
                    .filter(|(key, value)| !key.starts_with('$') && !value.is_null())
                    .filter_map(|(key, value)| Some((key.clone(), clean(value)?)))
                    .collect(),
            ),
        },
        Value::Array(items) => items.iter().filter_map(clean).collect(),
        other => other.clone(),
    })
}

fn retain_keys(original: &mut Object, patch: &Object) -> Result<(), Status> {
    let Some(keys) = patch.get(RETAIN) else {
        return Ok(());
    };
    let misused = || Status::bad_request("invalid patch format of retainKeys");
    let keys = keys.as_array().ok_or_else(misused)?;
    let named = |key: &str| keys.iter().any(|named| named == key);
    let all_named = patch
        .iter()
        .all(|(key, value)| value.is_null() || key.starts_with('$') || named(key));
    if !all_named {
        return Err(misused());
    }
    original.retain(|key, _| named(key));
    Ok(())
}

fn delete_items(original: &mut Object, list: &str, doomed: &Value) {
    let doomed = doomed.as_array().map(Vec::as_slice).unwrap_or_default();
    if let Some(items) = original.get_mut(list).and_then(Value::as_array_mut) {
        items.retain(|item| !doomed.contains(item));
    }
}

/// Merges a list for which the patch says in which order its items stand.
fn ordered_list(
    known: Option<&'static Struct>,
    original: &mut Object,
    patch: &Object,
    list: &str,
    order: &Value,
) -> Result<(), Status> {
    let field = known.and_then(|known| known.field(list));
    let merge = field.map_or(Merge::Replace, |field| field.merge);
    let order = order
        .as_array()
        .ok_or_else(|| Status::bad_request("invalid patch format of setElementOrder list"))?;
    let before = original.get(list).and_then(Value::as_array).cloned();
    let patched = patch.get(list).and_then(Value::as_array);
    check_order(patched.map(Vec::as_slice).unwrap_or_default(), order, merge)?;
    let merged = match (&before, patched) {
        (None, None) => return Ok(()),
        (Some(before), None) => before.clone(),
        (None, Some(patched)) => patched.iter().filter_map(clean).collect(),
        (Some(before), Some(patched)) => merge_list(field, before.clone(), patched)?,
    };
    let sorted = in_order(merged, order, &before.unwrap_or_default(), merge);
    original.insert(list.to_owned(), Value::Array(sorted));
    Ok(())
}

/// The items of the patch must stand in the order that the patch itself says.
fn check_order(patched: &[Value], order: &[Value], merge: Merge) -> Result<(), Status> {
    let mut rest = order;
    for item in patched.iter().filter(|item| item.get(DIRECTIVE).is_none()) {
        match place(rest, item, merge) {
            Some(at) => rest = &rest[at..],
            None => {
                return Err(fault(format!(
                    "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
                    go_map(&Value::from(patched.to_vec())),
                    go_map(&Value::from(order.to_vec()))
                )));
            }
        }
    }
    Ok(())
}

fn merge_list(
    field: Option<&'static Field>,
    before: Vec<Value>,
    patch: &[Value],
) -> Result<Vec<Value>, Status> {
    let merge = field.map_or(Merge::Replace, |field| field.merge);
    match merge {
        Merge::Replace => Ok(patch.to_vec()),
        Merge::Set => {
            let mut merged = Vec::new();
            for item in before.iter().chain(patch) {
                if !merged.contains(item) {
                    merged.push(item.clone());
                }
            }
            Ok(in_order(merged, patch, &before, merge))
        }
        Merge::Key(key) => {
            let inner = field.and_then(|field| inner_struct(&field.kind));
            merge_keyed(inner, before, patch, key)
        }
    }
}

fn merge_keyed(
    inner: Option<&'static Struct>,
    mut before: Vec<Value>,
    patch: &[Value],
    key: &'static str,
) -> Result<Vec<Value>, Status> {
    let mut changes = Vec::new();
    let mut replace = false;
    for item in patch {
        let Value::Object(entries) = item else {
            return Err(fault(format!(
                "expected a map, but received a {}",
                word(item)
            )));
        };
        match entries.get(DIRECTIVE).map(|word| (word, word.as_str())) {
            None => changes.push(entries),
            Some((_, Some("replace"))) => replace = true,
            Some((_, Some("delete"))) => {
                let doomed = entries.get(key).ok_or_else(|| without_key(entries, key))?;
                before.retain(|item| item.get(key) != Some(doomed));
            }
            Some((_, Some("merge"))) => {
                let text = "merging lists cannot yet be specified in the patch";
                return Err(fault(text.to_owned()));
            }
            Some((other, _)) => return Err(unknown_directive(other, entries)),
        }
    }
    if replace {
        return Ok(changes.into_iter().cloned().map(Value::Object).collect());
    }
    let mut merged = before.clone();
    let mut order = Vec::new();
    for entries in changes {
        let value = entries.get(key).ok_or_else(|| without_key(entries, key))?;
        order.push(Value::Object(entries.clone()));
        match merged.iter_mut().find(|item| item.get(key) == Some(value)) {
            Some(Value::Object(item)) => {
                *item = merge_object(inner, std::mem::take(item), entries)?;
            }
            _ => merged.extend(clean(&Value::Object(entries.clone()))),
        }
    }
    Ok(in_order(merged, &order, &before, Merge::Key(key)))
}

/// The place of an item in a list.
fn place(list: &[Value], item: &Value, merge: Merge) -> Option<usize> {
    list.iter().position(|other| match merge {
        Merge::Key(key) => other.get(key) == item.get(key),
        Merge::Set | Merge::Replace => other == item,
    })
}

/// Puts a merged list into order: items the patch names in its order, the rest in the order they had; between the two a
/// named item comes first unless both were there before in the other order.
fn in_order(merged: Vec<Value>, named: &[Value], before: &[Value], merge: Merge) -> Vec<Value> {
    let (mut patched, mut rest): (Vec<_>, Vec<_>) = merged
        .into_iter()
        .partition(|item| place(named, item, merge).is_some());
    patched.sort_by_key(|item| place(named, item, merge));
    rest.sort_by_key(|item| place(before, item, merge));
    let mut sorted = Vec::with_capacity(patched.len() + rest.len());
    let mut rest = rest.into_iter().peekable();
    for item in patched {
        let at = place(before, &item, merge);
        while let Some(other) = rest.peek() {
            let earlier = at.is_some_and(|at| place(before, other, merge).is_some_and(|o| o < at));
            if !earlier {
                break;
            }
            sorted.extend(rest.next());
        }
        sorted.push(item);
    }
    sorted.extend(rest);
    sorted
}

fn without_key(entries: &Object, key: &str) -> Status {
    let printed = go_map(&Value::Object(entries.clone()));
    fault(format!(
        "map: {printed} does not contain declared merge key: {key}"
    ))
}

fn unknown_directive(directive: &Value, entries: &Object) -> Status {
    let printed = go_map(&Value::Object(entries.clone()));
    fault(format!(
        "unknown patch type: {} in map: {printed}",
        go_map(directive)
    ))
}

/// A value as Go prints it with `%v`.
pub(super) fn go_map(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(go_map).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(entries) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|(key, value)| format!("{key}:{}", go_map(value)))
                .collect();
            format!("map[{}]", entries.join(" "))
        }
        other => other.to_string(),
    }
}
