//! What an API server fills in.

use serde_json::Value;

/// Fills in what the object's author left out. `group_kind` is `apps/StatefulSet`, or `Pod` for the core group.
pub fn default(_group_kind: &str, _object: &mut Value) {}
