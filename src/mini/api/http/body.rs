//! The bodies of requests: JSON, YAML, and protobuf of a few kinds, to values.

use serde_json::Value;

use super::json;
use crate::{
    manifest,
    mini::api::{Status, strict},
};

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Yaml,
    Protobuf,
}

/// The format of an object's body; JSON if the request does not say.
///
/// # Errors
///
/// 415 for another one.
pub(crate) fn format(content_type: &str) -> Result<Format, Status> {
    match media(content_type) {
        "" | "application/json" => Ok(Format::Json),
        "application/yaml" => Ok(Format::Yaml),
        "application/vnd.kubernetes.protobuf" => Ok(Format::Protobuf),
        _ => Err(unknown(&[
            "application/json",
            "application/yaml",
            "application/vnd.kubernetes.protobuf",
        ])),
    }
}

/// The media type without its parameters.
pub(crate) fn media(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

/// The refusal of a body in another format than these.
pub(crate) fn unknown(accepted: &[&str]) -> Status {
    let accepted = accepted.join(", ");
    let message = format!(
        "the body of the request was in an unknown format - accepted media types include: {accepted}"
    );
    Status::new(415, "UnsupportedMediaType", message)
}

/// A body as a value, and an error text for each field that it has twice.
///
/// # Errors
///
/// 400 for a text that is not in the format.
pub(crate) fn read(format: Format, body: &[u8]) -> Result<(Value, Vec<String>), Status> {
    match format {
        Format::Json => {
            let value = json::read(body).map_err(|fault| {
                Status::bad_request(format!(
                    "couldn't get version/kind; json parse error: {fault}"
                ))
            })?;
            let twice = match json::has_each_once(body, &value) {
                true => Vec::new(),
                false => strict::duplicates(body),
            };
            Ok((value, twice))
        }
        Format::Yaml => {
            let text = String::from_utf8_lossy(body);
            let value = manifest::read("body", &text)
                .map_err(|error| Status::bad_request(format!("error parsing the body: {error}")))?;
            Ok((value, Vec::new()))
        }
        Format::Protobuf => match super::protobuf::read(body) {
            Some(value) => Ok((value, Vec::new())),
            None => Err(unknown(&["application/json", "application/yaml"])),
        },
    }
}
