//! Secrets: what is written as text is kept as bytes.

use serde_json::Value;

use crate::mini::api::base64::base64;

/// Moves `stringData` to `data`.
pub(super) fn encode(secret: &mut Value) {
    let texts = secret
        .as_object_mut()
        .and_then(|secret| secret.remove("stringData"));
    for (key, text) in texts
        .as_ref()
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let text = text.as_str().unwrap_or_default();
        secret["data"][key] = base64(text.as_bytes()).into();
    }
}
