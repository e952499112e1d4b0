//! What `kubectl get` shows: objects as rows of cells, with the columns of each kind.
//!
//! Columns of priority 1 are those that `-o wide` adds. Kinds without a row of their own show name and age of creation.

mod age;
mod cells;
mod columns;
mod network;
mod pods;
mod storage;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::store::Object;
use columns::{Column, Row};

/// How much of each object its row carries: the parameter `includeObject`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Include {
    /// Nothing.
    None,
    /// Its metadata: the default.
    #[default]
    Metadata,
    /// All of it.
    Object,
}

/// The objects as a `meta.k8s.io/v1` Table. Its list metadata is left to the caller.
///
/// Of several default StorageClasses only the one that counts is marked, so all of them have to be among the items.
pub(crate) fn table(
    group_kind: &str,
    items: &[Object],
    now: Timestamp,
    include: Include,
    with_columns: bool,
) -> Value {
    let (columns, row) = columns::of(group_kind);
    let mut rows: Vec<_> = items
        .iter()
        .map(|item| one(group_kind, item, row, now, include))
        .collect();
    if group_kind == "storage.k8s.io/StorageClass" {
        storage::mark_default(items, &mut rows);
    }
    let mut table =
        json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {}, "rows": rows});
    let columns: &[Column] = if with_columns { columns } else { &[] };
    table["columnDefinitions"] = columns.iter().copied().map(Column::to_json).collect();
    table
}

fn one(group_kind: &str, item: &Value, row: Row, now: Timestamp, include: Include) -> Value {
    let mut entry = json!({"cells": row(item, now)});
    if let ("Pod", Some(conditions)) = (group_kind, pods::conditions(item)) {
        entry["conditions"] = conditions;
    }
    entry["object"] = match include {
        Include::None => Value::Null,
        Include::Metadata => json!({
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": item["metadata"],
        }),
        Include::Object => item.clone(),
    };
    entry
}

/// A text at a JSON pointer; empty if it is absent.
fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// A number at a JSON pointer; 0 if it is absent.
fn number(object: &Value, pointer: &str) -> i64 {
    object
        .pointer(pointer)
        .and_then(Value::as_i64)
        .unwrap_or_default()
}

/// A list at a JSON pointer; empty if it is absent.
fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object
        .pointer(pointer)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// An object at a JSON pointer, if it has entries.
fn map<'a>(object: &'a Value, pointer: &str) -> Option<&'a Map<String, Value>> {
    object
        .pointer(pointer)
        .and_then(Value::as_object)
        .filter(|map| !map.is_empty())
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

#[cfg(test)]
mod tests;
