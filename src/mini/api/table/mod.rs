//! What `kubectl get` shows.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

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
pub fn table(
    _group_kind: &str,
    _items: &[Arc<Value>],
    _now: Timestamp,
    _include: Include,
    _with_columns: bool,
) -> Value {
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {}, "columnDefinitions": [], "rows": []})
}
