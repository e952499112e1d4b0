//! JSON patch, merge patch and strategic merge patch.

mod strategic;

use serde_json::Value;

use super::Status;

pub use strategic::strategic;

/// Applies a JSON patch (RFC 6902).
///
/// # Errors
///
/// 400 for what is no list, 422 for an operation that is none or cannot be done.
pub fn json(object: &Value, patch: &Value) -> Result<Value, Status> {
    if !patch.is_array() {
        return Err(Status::bad_request(format!(
            "error decoding patch: json: cannot unmarshal {} into Go value of type []handlers.jsonPatchOp",
            word(patch)
        )));
    }
    let refused = || {
        let message = "the server rejected our request due to an error in our request";
        let mut status = Status::new(422, "Invalid", message);
        status.details = Some(Value::Object(Default::default()));
        status
    };
    let patch: json_patch::Patch = serde_json::from_value(patch.clone()).map_err(|_| refused())?;
    let mut object = object.clone();
    json_patch::patch(&mut object, &patch).map_err(|_| refused())?;
    Ok(object)
}

/// Applies a JSON merge patch (RFC 7396).
///
/// # Errors
///
/// 400 for a patch that is no object.
pub fn merge(object: &Value, patch: &Value) -> Result<Value, Status> {
    if !patch.is_object() {
        return Err(Status::bad_request(format!(
            "error decoding patch: {}",
            not_an_object(patch)
        )));
    }
    let mut object = object.clone();
    json_patch::merge(&mut object, patch);
    Ok(object)
}

/// The refusal of a patch whose result does not decode, or, with strict validation, has unknown fields.
///
/// `text` is the decoder's, `result` the patched object.
pub fn refusal(result: &Value, text: &str) -> Status {
    let printed = Value::from(result.to_string());
    Status::invalid(
        "",
        "",
        "",
        &[super::Cause::invalid("patch", &printed, text)],
    )
}

fn not_an_object(patch: &Value) -> String {
    format!(
        "json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
        word(patch)
    )
}

fn word(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests;
