//! Short ways to the metadata of an object.

use jiff::Timestamp;
use serde_json::Value;

/// A text field of the metadata; empty if it is absent.
pub(crate) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object["metadata"][field].as_str().unwrap_or_default()
}

/// A text anywhere in the object, by JSON pointer; empty if it is absent.
pub(crate) fn at<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Its deletion has begun.
pub(crate) fn is_terminating(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

/// Its finalizers, in order.
pub(crate) fn finalizers(object: &Value) -> Vec<&str> {
    let list = object["metadata"]["finalizers"].as_array();
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// Sets a field of the metadata, or takes it out.
pub(crate) fn set(object: &mut Value, field: &str, value: Option<Value>) {
    let meta = &mut object["metadata"];
    match (value, meta.as_object_mut()) {
        (Some(value), _) => meta[field] = value,
        (None, Some(meta)) => {
            meta.remove(field);
        }
        (None, None) => {}
    }
}

/// Copies a field of the metadata from another object, or takes it out if that has none.
pub(crate) fn copy(from: &Value, to: &mut Value, field: &str) {
    set(to, field, from["metadata"].get(field).cloned());
}

/// Puts a top-level field as it is in another object.
pub(crate) fn keep(from: &Value, to: &mut Value, field: &str) {
    match (from.get(field), to.as_object_mut()) {
        // Mostly it is as it was, and to see that costs less than a copy.
        (Some(value), Some(to)) if to.get(field) == Some(value) => {}
        (Some(value), _) => to[field] = value.clone(),
        (None, Some(to)) => {
            to.remove(field);
        }
        (None, None) => {}
    }
}

/// A time as objects carry it: whole seconds.
pub(crate) fn stamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
