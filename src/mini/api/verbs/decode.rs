//! From a body to an object of the kind that is expected.

use serde_json::Value;

use super::Validation;
use crate::mini::api::{
    Status,
    http::{body, json},
    resources::{self, Resource},
    strict,
};

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
    let (value, mut faults) =
        body::read(body::format(content_type)?, bytes).map_err(|mut status| {
            if status.code == 400 {
                let (kind, shown) = (expected.kind, json::shown(bytes));
                status.message = format!(
                    "the object provided is unrecognized (must be of type {kind}): {} ({shown})",
                    status.message
                );
            }
            status
        })?;
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
    if let Some(refusal) = another_kind(expected, version, kind) {
        return Err(refusal);
    }
    strict::check(expected.group_kind, value)
        .map_err(|text| strict::refusal(expected.kind, expected.version, &text))
}

/// The refusal of a body that says it is something else.
fn another_kind(expected: &Expected, api_version: &str, kind: &str) -> Option<Status> {
    let wanted = expected.api_version();
    let api_version = if api_version.is_empty() {
        &wanted
    } else {
        api_version
    };
    let kind = if kind.is_empty() { expected.kind } else { kind };
    if api_version == wanted && kind == expected.kind {
        return None;
    }
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    if kind == expected.kind && group == expected.group && version.starts_with("v1beta") {
        return Some(Status::bad_request(format!(
            "the API version in the data ({api_version}) does not match the expected API version ({wanted})"
        )));
    }
    let mut known = resources::all().iter();
    let known =
        known.any(|other| (other.group, other.version, other.kind) == (group, version, kind));
    let why = match known {
        true => {
            let package = match expected.group {
                "" => "core",
                group => group.split('.').next().unwrap_or_default(),
            };
            format!(
                "converting ({version}.{kind}) to ({package}.{}): unknown conversion",
                expected.kind
            )
        }
        false => unregistered(kind, api_version),
    };
    Some(Status::bad_request(format!(
        "{kind} in version {version:?} cannot be handled as a {}: {why}",
        expected.kind
    )))
}

/// What is said of a kind that there is not.
pub(crate) fn unregistered(kind: &str, api_version: &str) -> String {
    format!(
        "no kind {kind:?} is registered for version {api_version:?} in scheme \"pkg/runtime/scheme.go:111\""
    )
}
