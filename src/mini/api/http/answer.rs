//! Answers: objects and lists in the shape the client wants, statuses, plain text.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Map, Value, json};

use super::accept::Shape;
use crate::mini::{
    api::{Status, meta, resources::Resource, store::Object, table},
    kubelet::Body,
};

/// A body that is there at once.
pub(crate) fn full(
    code: u16,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = Response::new(Full::new(body.into()).boxed_unsync());
    *response.status_mut() =
        StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, private"),
    );
    response
}

/// JSON.
pub(crate) fn json(code: u16, value: &impl Serialize) -> Response<Body> {
    full(code, "application/json", line(value))
}

/// JSON as text, with the newline that ends an answer and an event.
pub(crate) fn line(value: &impl Serialize) -> Vec<u8> {
    let mut text = text(value);
    text.push(b'\n');
    text
}

/// JSON as text.
pub(crate) fn text(value: &impl Serialize) -> Vec<u8> {
    let mut text = Vec::new();
    // Values have text keys and finite numbers, which serde_json can always write.
    let written = serde_json::to_writer(&mut text, value);
    debug_assert!(written.is_ok(), "a value that is not JSON");
    text
}

/// The refusal of a request.
pub(crate) fn refusal(status: &Status) -> Response<Body> {
    let mut response = json(status.code, &status.to_json());
    let seconds = status.details.as_ref();
    let seconds = seconds.and_then(|details| details["retryAfterSeconds"].as_u64());
    if let Some(seconds) = seconds {
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Tells the client of things it should not do.
pub(crate) fn warn(response: &mut Response<Body>, warnings: &[String]) {
    for warning in warnings {
        let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
}

/// One object in a shape. A `Status` stays what it is.
pub(crate) fn object(
    resource: &Resource,
    shape: Shape,
    now: Timestamp,
    code: u16,
    object: &Object,
) -> Response<Body> {
    match shape {
        _ if object["kind"] == "Status" => json(code, &**object),
        Shape::Whole => ended(code, object.text()),
        Shape::Lean => ended(code, object.lean_text()),
        Shape::Metadata => json(code, &metadata(object)),
        Shape::LeanMetadata => json(code, &Part::lean(&metadata(object))),
        Shape::Table(include) => {
            let items = std::slice::from_ref(object);
            let mut table = table::table(resource.group_kind, items, now, include, true);
            let version = meta::text(object, "resourceVersion");
            table["metadata"] = json!({"resourceVersion": version});
            json(code, &table)
        }
    }
}

fn ended(code: u16, text: &[u8]) -> Response<Body> {
    full(code, "application/json", [text, b"\n"].concat())
}

/// The object's metadata alone.
pub(crate) fn metadata(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"],
    })
}

/// [`metadata`] as text, without a copy; with `metadata.managedFields` or without.
pub(crate) fn metadata_text(object: &Value, managed: bool) -> Vec<u8> {
    struct Metadata<'a>(&'a Value, bool);
    impl Serialize for Metadata<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(3))?;
            map.serialize_entry("apiVersion", "meta.k8s.io/v1")?;
            map.serialize_entry("kind", "PartialObjectMetadata")?;
            match (&self.0["metadata"], self.1) {
                (Value::Object(metadata), false) => {
                    map.serialize_entry("metadata", &Unmanaged(metadata))?;
                }
                (metadata, _) => map.serialize_entry("metadata", metadata)?,
            }
            map.end()
        }
    }
    text(&Metadata(object, managed))
}

/// A list in a shape.
pub(crate) fn list(
    resource: &Resource,
    shape: Shape,
    now: Timestamp,
    metadata: Value,
    items: &[Object],
) -> Response<Body> {
    match shape {
        Shape::Whole | Shape::Lean => json(
            200,
            &List {
                kind: format!("{}List", resource.kind),
                api_version: resource.api_version(),
                metadata,
                items,
                typed: false,
                lean: shape == Shape::Lean,
            },
        ),
        Shape::Metadata | Shape::LeanMetadata => {
            let items: Vec<Object> = items
                .iter()
                .map(|item| self::metadata(item).into())
                .collect();
            json(
                200,
                &List {
                    kind: "PartialObjectMetadataList".to_owned(),
                    api_version: "meta.k8s.io/v1".to_owned(),
                    metadata,
                    items: &items,
                    typed: true,
                    lean: shape == Shape::LeanMetadata,
                },
            )
        }
        Shape::Table(include) => {
            let mut table = table::table(resource.group_kind, items, now, include, true);
            table["metadata"] = metadata;
            json(200, &table)
        }
    }
}

struct List<'a> {
    kind: String,
    api_version: String,
    metadata: Value,
    items: &'a [Object],
    /// Items say their kind, which they do not in lists of one kind.
    typed: bool,
    /// Items do not say who manages their fields.
    lean: bool,
}

impl Serialize for List<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("kind", &self.kind)?;
        map.serialize_entry("apiVersion", &self.api_version)?;
        map.serialize_entry("metadata", &self.metadata)?;
        let items = self.items.iter().map(|item| Part {
            object: item,
            typed: self.typed,
            managed: !self.lean,
        });
        map.serialize_entry("items", &items.collect::<Vec<_>>())?;
        map.end()
    }
}

/// An object without its types or without `metadata.managedFields`.
pub(crate) struct Part<'a> {
    object: &'a Value,
    typed: bool,
    managed: bool,
}

impl<'a> Part<'a> {
    /// The object without `metadata.managedFields`.
    pub(crate) fn lean(object: &'a Value) -> Self {
        Self {
            object,
            typed: true,
            managed: false,
        }
    }
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.object.as_object().into_iter().flatten() {
            match (name.as_str(), value) {
                ("kind" | "apiVersion", _) if !self.typed => {}
                ("metadata", Value::Object(metadata)) if !self.managed => {
                    map.serialize_entry(name, &Unmanaged(metadata))?;
                }
                _ => map.serialize_entry(name, value)?,
            }
        }
        map.end()
    }
}

struct Unmanaged<'a>(&'a Map<String, Value>);

impl Serialize for Unmanaged<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().filter(|(name, _)| *name != "managedFields"))
    }
}
