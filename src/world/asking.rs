//! Requests whose answer is what a sentence is about: sent as they are, and their answer kept, a refusal like any other.

use http::{Method, Request};
use http_body_util::BodyExt as _;
use kube::{
    api::{ApiResource, DynamicObject, GroupVersionKind},
    client::Body,
};
use serde_json::{Value, json};

use super::World;
use crate::{evidence::Kind, verdict::Stop};

/// The note under which the last answer is kept.
const LAST: &str = "answer";

/// A request to be.
#[derive(Clone, Debug)]
pub struct Ask {
    /// What is to be done.
    pub method: Method,
    /// The path, with its query.
    pub path: String,
    /// The media type of the body; JSON if empty.
    pub media: &'static str,
    /// What it accepts; JSON if empty.
    pub accept: &'static str,
    /// What is sent; nothing if null.
    pub body: Value,
}

impl Ask {
    /// A request for JSON, without a body.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            media: "",
            accept: "",
            body: Value::Null,
        }
    }
}

/// What a server said to a request.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Answer {
    /// The code of the response.
    pub code: u16,
    /// The texts of its warnings, without code and agent.
    pub warnings: Vec<String>,
    /// Its body; a text where it is not JSON.
    pub body: Value,
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// A word for it: `FieldValueInvalid`.
    pub reason: String,
    /// The field at fault.
    pub field: String,
    /// A text for people.
    pub message: String,
}

impl Answer {
    /// The request was granted.
    pub fn is_accepted(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// Code and reason: `422 Invalid`; the code alone where there is no reason.
    pub fn title(&self) -> String {
        match self.body["reason"].as_str() {
            Some(reason) if !self.is_accepted() => format!("{} {reason}", self.code),
            _ => self.code.to_string(),
        }
    }

    /// What was wrong with the request.
    pub fn causes(&self) -> Vec<Cause> {
        let causes = self.body.pointer("/details/causes");
        let text = |cause: &Value, key: &str| cause[key].as_str().unwrap_or_default().to_owned();
        causes
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|cause| Cause {
                reason: text(cause, "reason"),
                field: text(cause, "field"),
                message: text(cause, "message"),
            })
            .collect()
    }

    /// The answer in a line.
    pub fn tell(&self) -> String {
        let message = self.body["message"].as_str().unwrap_or_default();
        match (self.is_accepted(), self.warnings.is_empty()) {
            (true, true) => self.title(),
            (true, false) => format!(
                "{} with the warning {}",
                self.title(),
                self.warnings.join(", ")
            ),
            (false, _) => format!("{}: {message}", self.title()),
        }
    }
}

impl World {
    /// Sends a request and keeps what is answered.
    ///
    /// # Errors
    ///
    /// There is no answer: inconclusive.
    pub async fn submit(&mut self, ask: Ask) -> Result<Answer, Stop> {
        let or = |given: &'static str| {
            if given.is_empty() {
                "application/json"
            } else {
                given
            }
        };
        let body = match &ask.body {
            Value::Null => Body::empty(),
            body => Body::from(body.to_string().into_bytes()),
        };
        let request = Request::builder()
            .method(ask.method)
            .uri(&ask.path)
            .header(http::header::CONTENT_TYPE, or(ask.media))
            .header(http::header::ACCEPT, or(ask.accept))
            .body(body)
            .map_err(|error| {
                Stop::Inconclusive(format!("{} cannot be asked for: {error}", ask.path))
            })?;
        let response = self.client.0.send(request).await?;
        let code = response.status().as_u16();
        let headers = response.headers().get_all(http::header::WARNING).iter();
        let warnings = headers
            .filter_map(|text| text.to_str().ok())
            .map(warning)
            .collect();
        let bytes = response.into_body().collect().await?.to_bytes();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&bytes).into_owned()));
        let answer = Answer {
            code,
            warnings,
            body,
        };
        self.notes.insert(LAST.into(), json!(answer));
        Ok(answer)
    }

    /// What was answered last.
    ///
    /// # Errors
    ///
    /// Nothing was asked: inconclusive.
    pub fn answer(&self) -> Result<Answer, Stop> {
        let note = self.notes.get(LAST).cloned();
        note.and_then(|note| serde_json::from_value(note).ok())
            .ok_or_else(|| Stop::Inconclusive("nothing was submitted before".into()))
    }

    /// The resource with a kind's name: `StatefulSet` is the kind under test.
    pub fn resource(&self, kind: &str) -> ApiResource {
        let group = match kind {
            "StatefulSet" => return self.recorder.resource(Kind::Set),
            "Deployment" | "ReplicaSet" | "ControllerRevision" => "apps",
            "PodDisruptionBudget" => "policy",
            "StorageClass" => "storage.k8s.io",
            "EndpointSlice" => "discovery.k8s.io",
            _ => "",
        };
        ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind))
    }

    /// The path of all objects of a kind: those of the namespace that sentences speak of, where kinds have one.
    pub fn path_of(&self, kind: &str) -> String {
        use kube::Resource as _;
        let wide = ["Node", "Namespace", "PersistentVolume", "StorageClass"].contains(&kind);
        let namespace = (!wide).then(|| self.namespace());
        DynamicObject::url_path(&self.resource(kind), namespace)
    }
}

/// The text of a warning header, which has a code and an agent before it.
fn warning(header: &str) -> String {
    let quoted = header.splitn(3, ' ').nth(2).unwrap_or(header);
    serde_json::from_str(quoted).unwrap_or_else(|_| quoted.to_owned())
}

/// Where a value lacks what is wanted of it, if anywhere. Objects may have more fields; lists of things with a
/// name, a manager or a type are compared by that, others whole; null is wanted of what must not be there,
/// `*` of what must be there, whatever it is.
pub fn lacks(at: &str, wanted: &Value, found: Option<&Value>) -> Option<String> {
    match (wanted, found) {
        (Value::Null, None | Some(Value::Null)) => None,
        (Value::Object(wanted), Some(Value::Object(found))) => wanted
            .iter()
            .find_map(|(key, value)| lacks(&format!("{at}.{key}"), value, found.get(key))),
        (Value::Array(wanted), Some(Value::Array(found))) => {
            if !wanted.is_empty() && wanted.iter().all(|value| mark(value).is_some()) {
                return wanted.iter().find_map(|value| {
                    let twin = found.iter().find(|other| mark(other) == mark(value));
                    let mark = mark(value).map(ToString::to_string).unwrap_or_default();
                    lacks(&format!("{at}[{mark}]"), value, twin)
                });
            }
            if wanted.len() != found.len() {
                return Some(format!(
                    "{} has {} items",
                    at.trim_start_matches('.'),
                    found.len()
                ));
            }
            let mut pairs = wanted.iter().zip(found).enumerate();
            pairs.find_map(|(index, (value, other))| {
                lacks(&format!("{at}[{index}]"), value, Some(other))
            })
        }
        (Value::String(any), Some(_)) if any == ANYTHING => None,
        (wanted, Some(found)) if wanted == found => None,
        (_, found) => Some(format!(
            "{} is {}",
            at.trim_start_matches('.'),
            found.map_or_else(|| "absent".to_owned(), ToString::to_string)
        )),
    }
}

/// What is wanted where any value will do.
const ANYTHING: &str = "*";

/// What tells an item of a list from the others.
fn mark(item: &Value) -> Option<&Value> {
    let marks = ["/name", "/metadata/name", "/manager", "/type"];
    marks.iter().find_map(|place| item.pointer(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_of_a_value_may_be_a_part_of_it() {
        let found =
            json!({"a": 1, "list": [{"name": "x", "v": 1}, {"name": "y"}], "plain": [1, 2]});
        for (wanted, lack) in [
            (json!({}), None),
            (json!({"a": 1, "b": null}), None),
            (json!({"list": [{"name": "y"}]}), None),
            (
                json!({"list": [{"name": "x", "v": 2}]}),
                Some("list[\"x\"].v is 1"),
            ),
            (
                json!({"list": [{"name": "z"}]}),
                Some("list[\"z\"] is absent"),
            ),
            (json!({"plain": [1]}), Some("plain has 2 items")),
            (json!({"a": null}), Some("a is 1")),
            (json!({"c": 1}), Some("c is absent")),
            (json!({"plain": [1, "*"]}), None),
            (json!({"c": "*"}), Some("c is absent")),
        ] {
            assert_eq!(
                lacks("", &wanted, Some(&found)).as_deref(),
                lack,
                "{wanted}"
            );
        }
    }

    #[test]
    fn a_warning_is_its_text() {
        assert_eq!(
            warning(r#"299 - "unknown field \"spec.a\"""#),
            r#"unknown field "spec.a""#
        );
    }
}
