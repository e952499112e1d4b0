//! Server-side apply and who manages which field.

use serde_json::Value;

use super::Status;

/// The object that results from applying `applied` for `manager`.
///
/// # Errors
///
/// 409 with one cause per field that another manager has set to another value, unless `force`.
pub fn apply(
    live: Option<&Value>,
    applied: &Value,
    _manager: &str,
    _force: bool,
    _subresource: &str,
    _now: &str,
) -> Result<Value, Status> {
    match live {
        Some(live) => super::patch::merge(live, applied),
        None => Ok(applied.clone()),
    }
}

/// Writes into `new` who manages which field after an ordinary write.
pub fn track(
    _old: Option<&Value>,
    _new: &mut Value,
    _manager: &str,
    _operation: &str,
    _subresource: &str,
    _now: &str,
) {
}
