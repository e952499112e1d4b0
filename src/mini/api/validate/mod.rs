//! What an API server refuses.

pub mod names;

use serde_json::Value;

use super::Cause;

/// The faults of an object that is to be created, after defaulting.
pub fn create(_group_kind: &str, _object: &Value) -> Vec<Cause> {
    Vec::new()
}

/// The faults of a change. `subresource` is empty for the object itself.
pub fn update(_group_kind: &str, _subresource: &str, _old: &Value, _new: &Value) -> Vec<Cause> {
    Vec::new()
}

/// What is accepted with a warning.
pub fn warnings(_group_kind: &str, _object: &Value) -> Vec<String> {
    Vec::new()
}
