//! From a body to an object of the kind that is expected.

use serde_json::Value;

use super::Validation;
use crate::mini::api::{Status, http::body, resources::Resource, strict};

/// The kind of object that a path takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) group_kind: &'static str,
}

impl Expected {
    /// The resource's own kind.
    pub(crate) fn of(resource: &Resource) -> Self {
        Self {
            group: resource.group,
            version: resource.version,
            kind: resource.kind,
            group_kind: resource.group_kind,
        }
    }

    fn api_version(&self) -> String {
        match self.group {
            "" => self.version.to_owned(),
            group => format!("{group}/{}", self.version),
        }
    }
}

/// Reads a body as an object: unknown fields are gone, `kind` and `apiVersion` are set. Also what to warn of.
///
/// # Errors
///
/// 400 or 415 for what is not such an object, or, with strict validation, has fields it should not have.
pub(crate) fn decode(
    expected: &Expected,
    content_type: &str,
    bytes: &[u8],
    validation: Validation,
) -> Result<(Value, Vec<String>), Status> {
    let (value, mut faults) = body::read(body::format(content_type)?, bytes)?;
    let (mut object, unknown) = typed(expected, value)?;
    faults.extend(unknown);
    object["kind"] = expected.kind.into();
    object["apiVersion"] = expected.api_version().into();
    if !object["metadata"].is_object() {
        object["metadata"] = Value::Object(Default::default());
    }
    let warnings = judge(faults, validation, |text| {
        strict::refusal(expected.kind, expected.version, text)
    })?;
    Ok((object, warnings))
}

/// What becomes of faults of fields: a refusal, warnings, or nothing.
pub(crate) fn judge(
    faults: Vec<String>,
    validation: Validation,
    refusal: impl FnOnce(&str) -> Status,
) -> Result<Vec<String>, Status> {
    match validation {
        Validation::Ignore => Ok(Vec::new()),
        Validation::Warn => Ok(faults),
        Validation::Strict if faults.is_empty() => Ok(faults),
        Validation::Strict => Err(refusal(&strict::strict_text(&faults))),
    }
}

fn typed(expected: &Expected, value: Value) -> Result<(Value, Vec<String>), Status> {
    let text = |field: &str| value[field].as_str().unwrap_or_default();
    let (version, kind) = (text("apiVersion"), text("kind"));
    if !version.is_empty() && version != expected.api_version() {
        return Err(Status::bad_request(format!(
            "the API version in the data ({version}) does not match the expected API version ({})",
            expected.api_version()
        )));
    }
    if !kind.is_empty() && kind != expected.kind {
        let (package, wanted) = match expected.group {
            "" => ("core", expected.kind),
            group => (group.split('.').next().unwrap_or_default(), expected.kind),
        };
        let text = format!(
            "converting ({}.{kind}) to ({package}.{wanted}): unknown conversion",
            expected.version
        );
        return Err(strict::refusal(wanted, expected.version, &text));
    }
    strict::check(expected.group_kind, &value)
        .map_err(|text| strict::refusal(expected.kind, expected.version, &text))
}
