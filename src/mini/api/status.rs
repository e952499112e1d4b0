//! What an API server answers when it does not do what was asked: the `Status` object.

use serde_json::{Value, json};

/// One fault of an object that was refused, as `details.causes` of a `Status` carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// A word for programs, such as `FieldValueInvalid`.
    pub reason: &'static str,
    /// The path of the field at fault: `spec.template.spec.containers[0].name`.
    pub field: String,
    /// The fault in words, without the field.
    pub message: String,
}

impl Cause {
    /// The value of a field breaks a rule.
    ///
    /// `value` is printed as Kubernetes prints it: strings and objects as JSON.
    pub fn invalid(field: impl Into<String>, value: &Value, text: impl AsRef<str>) -> Self {
        Self::invalid_as(field, &value.to_string(), text)
    }

    /// As [`Cause::invalid`], with the value already printed.
    pub fn invalid_as(field: impl Into<String>, value: &str, text: impl AsRef<str>) -> Self {
        Self {
            reason: "FieldValueInvalid",
            field: field.into(),
            message: format!("Invalid value: {value}: {}", text.as_ref()),
        }
    }

    /// A field that must have a value has none. `text` may be empty.
    pub fn required(field: impl Into<String>, text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        Self {
            reason: "FieldValueRequired",
            field: field.into(),
            message: match text {
                "" => "Required value".to_owned(),
                _ => format!("Required value: {text}"),
            },
        }
    }

    /// The value is none of those that are allowed.
    pub fn not_supported(field: impl Into<String>, value: &Value, allowed: &[&str]) -> Self {
        let allowed: Vec<_> = allowed.iter().map(|word| format!("{word:?}")).collect();
        Self {
            reason: "FieldValueNotSupported",
            field: field.into(),
            message: format!(
                "Unsupported value: {value}: supported values: {}",
                allowed.join(", ")
            ),
        }
    }

    /// The field may not be set or changed here.
    pub fn forbidden(field: impl Into<String>, text: impl AsRef<str>) -> Self {
        Self {
            reason: "FieldValueForbidden",
            field: field.into(),
            message: format!("Forbidden: {}", text.as_ref()),
        }
    }

    /// The field names something that is not there.
    pub fn not_found(field: impl Into<String>, value: &Value) -> Self {
        Self {
            reason: "FieldValueNotFound",
            field: field.into(),
            message: format!("Not found: {value}"),
        }
    }

    /// A value occurs twice where it may occur once.
    pub fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self {
            reason: "FieldValueDuplicate",
            field: field.into(),
            message: format!("Duplicate value: {value}"),
        }
    }

    /// A list has too many items.
    pub fn too_many(field: impl Into<String>, count: usize, most: usize) -> Self {
        Self {
            reason: "FieldValueTooMany",
            field: field.into(),
            message: format!("Too many: {count}: must have at most {most} items"),
        }
    }

    /// A text or a map has more bytes than it may have.
    pub fn too_long(field: impl Into<String>, most: usize) -> Self {
        Self {
            reason: "FieldValueTooLong",
            field: field.into(),
            message: format!("Too long: may not be more than {most} bytes"),
        }
    }

    fn line(&self) -> String {
        format!("{}: {}", self.field, self.message)
    }

    fn to_json(&self) -> Value {
        let mut cause = json!({"reason": self.reason, "message": self.message});
        if !self.field.is_empty() {
            cause["field"] = self.field.clone().into();
        }
        cause
    }
}

/// A request that was not done, and why.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Status {
    /// The HTTP code.
    pub code: u16,
    /// A word for programs: `NotFound`; empty for a few faults that real servers have no word for.
    pub reason: &'static str,
    /// One line for people.
    pub message: String,
    /// The object in question, causes, seconds to wait; absent where there is nothing to say.
    pub details: Option<Value>,
}

impl Status {
    /// A `Status` without details.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: None,
        }
    }

    fn about(mut self, group: &str, kind: &str, name: &str) -> Self {
        let mut details = serde_json::Map::new();
        for (key, value) in [("name", name), ("group", group), ("kind", kind)] {
            if !value.is_empty() {
                details.insert(key.to_owned(), value.into());
            }
        }
        self.details = Some(Value::Object(details));
        self
    }

    /// There is no object of this name. `plural` as in URLs.
    pub fn not_found(group: &str, plural: &str, name: &str) -> Self {
        let message = format!("{} {name:?} not found", qualified(plural, group));
        Self::new(404, "NotFound", message).about(group, plural, name)
    }

    /// There is an object of this name already.
    pub fn already_exists(group: &str, plural: &str, name: &str) -> Self {
        let message = format!("{} {name:?} already exists", qualified(plural, group));
        Self::new(409, "AlreadyExists", message).about(group, plural, name)
    }

    /// The request contradicts the object's present state; `why` ends the sentence.
    pub fn conflict(group: &str, plural: &str, name: &str, why: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} {name:?}: {why}",
            qualified(plural, group)
        );
        Self::new(409, "Conflict", message).about(group, plural, name)
    }

    /// The resourceVersion that was sent is not the object's any more.
    pub fn stale(group: &str, plural: &str, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(group, plural, name, why)
    }

    /// The object breaks the rules of its kind. `kind` as in objects: `StatefulSet`.
    pub fn invalid(group: &str, kind: &str, name: &str, causes: &[Cause]) -> Self {
        let lines: Vec<_> = causes.iter().map(Cause::line).collect();
        let faults = match lines.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let message = format!("{} {name:?} is invalid: {faults}", qualified(kind, group));
        let mut status = Self::new(422, "Invalid", message).about(group, kind, name);
        if let (Some(details), false) = (&mut status.details, causes.is_empty()) {
            details["causes"] = causes.iter().map(Cause::to_json).collect();
        }
        status
    }

    /// The request cannot be understood.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// The request is understood and refused; `why` ends the sentence.
    pub fn forbidden(group: &str, plural: &str, name: &str, why: &str) -> Self {
        let message = format!("{} {name:?} is forbidden: {why}", qualified(plural, group));
        Self::new(403, "Forbidden", message).about(group, plural, name)
    }

    /// Fields of an applied object belong to other managers.
    pub fn apply_conflict(message: impl Into<String>, causes: &[Cause]) -> Self {
        let mut status = Self::new(409, "Conflict", message);
        let causes: Value = causes.iter().map(Cause::to_json).collect();
        status.details = Some(json!({"causes": causes}));
        status
    }

    /// The verb is not offered on this path.
    pub fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(405, "MethodNotAllowed", message).about("", "", "")
    }

    /// The body has a content type that is not read here.
    pub fn unsupported_media_type(message: impl Into<String>) -> Self {
        Self::new(415, "UnsupportedMediaType", message).about("", "", "")
    }

    /// The version asked for is too old to be told about.
    pub fn gone(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// Too many requests, or a budget that allows no disruption now; to be tried again after some seconds.
    pub fn too_many_requests(message: impl Into<String>, retry_after_seconds: u32) -> Self {
        let mut status = Self::new(429, "TooManyRequests", message);
        if retry_after_seconds > 0 {
            status.details = Some(json!({"retryAfterSeconds": retry_after_seconds}));
        }
        status
    }

    /// The server is at fault.
    pub fn internal(message: impl AsRef<str>) -> Self {
        let message = message.as_ref();
        let mut status = Self::new(
            500,
            "InternalError",
            format!("Internal error occurred: {message}"),
        );
        status.details = Some(json!({"causes": [{"message": message}]}));
        status
    }

    /// The `Status` object that is the answer's body.
    pub fn to_json(&self) -> Value {
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if !self.reason.is_empty() {
            body["reason"] = self.reason.into();
        }
        if let Some(details) = &self.details {
            body["details"] = details.clone();
        }
        body
    }
}

/// `statefulsets.apps`, or `pods` for the core group.
fn qualified(word: &str, group: &str) -> String {
    match group {
        "" => word.to_owned(),
        _ => format!("{word}.{group}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_faults_stand_in_brackets_and_one_does_not() {
        let name = Cause::invalid("metadata.name", &json!("a.b"), "must not contain dots");
        let containers = Cause::required("spec.template.spec.containers", "");
        let one = Status::invalid("apps", "StatefulSet", "a.b", std::slice::from_ref(&name));
        assert_eq!(
            one.message,
            "StatefulSet.apps \"a.b\" is invalid: metadata.name: Invalid value: \"a.b\": must not contain dots"
        );
        let two = Status::invalid("apps", "StatefulSet", "a.b", &[name, containers]);
        assert_eq!(
            two.message,
            "StatefulSet.apps \"a.b\" is invalid: [metadata.name: Invalid value: \"a.b\": must not contain dots, \
             spec.template.spec.containers: Required value]"
        );
        assert_eq!(
            two.to_json()["details"],
            json!({"name": "a.b", "group": "apps", "kind": "StatefulSet", "causes": [
                {"reason": "FieldValueInvalid", "message": "Invalid value: \"a.b\": must not contain dots", "field": "metadata.name"},
                {"reason": "FieldValueRequired", "message": "Required value", "field": "spec.template.spec.containers"},
            ]})
        );
    }

    #[test]
    fn the_core_group_has_no_suffix() {
        assert_eq!(
            Status::not_found("", "pods", "x").message,
            "pods \"x\" not found"
        );
        assert_eq!(
            Status::not_found("apps", "statefulsets", "x").message,
            "statefulsets.apps \"x\" not found"
        );
    }
}
