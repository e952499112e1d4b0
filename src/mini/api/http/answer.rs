//! Answers: objects and lists in the shape the client wants, statuses, plain text.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Value, json};

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
    let mut text = Vec::new();
    // Values have text keys and finite numbers, which serde_json can always write.
    let written = serde_json::to_writer(&mut text, value);
    debug_assert!(written.is_ok(), "a value that is not JSON");
    text.push(b'\n');
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
        Shape::Whole => json(code, &**object),
        Shape::Metadata => json(code, &metadata(object)),
        Shape::Table(include) => {
            let items = std::slice::from_ref(object);
            let mut table = table::table(resource.group_kind, items, now, include, true);
            let version = meta::text(object, "resourceVersion");
            table["metadata"] = json!({"resourceVersion": version});
            json(code, &table)
        }
    }
}

/// The object's metadata alone.
pub(crate) fn metadata(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"],
    })
}

/// A list in a shape.
pub(crate) fn list(
    resource: &Resource,
    shape: Shape,
    now: Timestamp,
    metadata: Value,
    items: &[Arc<Value>],
) -> Response<Body> {
    match shape {
        Shape::Whole => json(
            200,
            &List {
                kind: format!("{}List", resource.kind),
                api_version: resource.api_version(),
                metadata,
                items,
                typed: false,
            },
        ),
        Shape::Metadata => {
            let items: Vec<_> = items
                .iter()
                .map(|item| Arc::new(self::metadata(item)))
                .collect();
            json(
                200,
                &List {
                    kind: "PartialObjectMetadataList".to_owned(),
                    api_version: "meta.k8s.io/v1".to_owned(),
                    metadata,
                    items: &items,
                    typed: true,
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
    items: &'a [Arc<Value>],
    /// Items say their kind, which they do not in lists of one kind.
    typed: bool,
}

impl Serialize for List<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("kind", &self.kind)?;
        map.serialize_entry("apiVersion", &self.api_version)?;
        map.serialize_entry("metadata", &self.metadata)?;
        match self.typed {
            true => {
                let items: Vec<&Value> = self.items.iter().map(|item| &**item).collect();
                map.serialize_entry("items", &items)?;
            }
            false => {
                let items: Vec<_> = self.items.iter().map(|item| Untyped(item)).collect();
                map.serialize_entry("items", &items)?;
            }
        }
        map.end()
    }
}

struct Untyped<'a>(&'a Value);

impl Serialize for Untyped<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = self.0.as_object().into_iter().flatten();
        let fields = fields.filter(|(name, _)| !matches!(name.as_str(), "kind" | "apiVersion"));
        serializer.collect_map(fields)
    }
}
