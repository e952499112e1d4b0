//! In which shape a client wants its answer.

use super::query::Query;
use crate::mini::api::{Status, table::Include};

/// The shape of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The objects as they are.
    Whole,
    /// The objects but for `metadata.managedFields`. No media type asks for it, only a client in this process.
    Lean,
    /// `PartialObjectMetadata`.
    Metadata,
    /// `PartialObjectMetadata` but for `metadata.managedFields`.
    LeanMetadata,
    /// `Table`.
    Table(Include),
}

/// The mark of a request whose client does not read `metadata.managedFields`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lean;

impl Shape {
    /// For a client that does not read `metadata.managedFields`.
    pub(crate) fn lean(self) -> Self {
        match self {
            Self::Whole => Self::Lean,
            Self::Metadata => Self::LeanMetadata,
            other => other,
        }
    }
}

/// The first shape in an `Accept` header that this server has; the objects as they are, if there is none.
///
/// # Errors
///
/// 400 for a Table that is to include what there is not.
pub(crate) fn shape(accept: &str, query: &Query) -> Result<Shape, Status> {
    let mut kinds = accept.split(',').filter_map(|range| shape_of(range, query));
    kinds.next().unwrap_or(Ok(Shape::Whole))
}

fn shape_of(range: &str, query: &Query) -> Option<Result<Shape, Status>> {
    let mut parts = range.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default();
    if !matches!(media, "application/json" | "application/*" | "*/*") {
        return None;
    }
    let parameters: Vec<_> = parts.filter_map(|part| part.split_once('=')).collect();
    let get = |name: &str| {
        let found = parameters.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| *value)
    };
    let shape = match (get("as"), get("g"), get("v")) {
        (None, _, _) => Shape::Whole,
        (Some("Table"), Some("meta.k8s.io"), Some("v1")) => {
            Shape::Table(match query.text("includeObject") {
                "None" => Include::None,
                "Object" => Include::Object,
                "" | "Metadata" => Include::Metadata,
                other => return Some(Err(unknown_include(other))),
            })
        }
        (
            Some("PartialObjectMetadata" | "PartialObjectMetadataList"),
            Some("meta.k8s.io"),
            Some("v1"),
        ) => Shape::Metadata,
        _ => return None,
    };
    Some(Ok(shape))
}

fn unknown_include(word: &str) -> Status {
    Status::bad_request(format!(
        "Unable to convert to Table as requested: includeObject: Invalid value: {word:?}: must be 'Metadata', 'Object', 'None', or empty"
    ))
}

/// The client wants the discovery document of all groups in one, in the version this server has.
pub(crate) fn wants_aggregated_discovery(accept: &str) -> bool {
    accept.split(',').any(|range| {
        let has = |part: &str| range.split(';').any(|other| other.trim() == part);
        has("as=APIGroupDiscoveryList") && has("v=v2") && has("g=apidiscovery.k8s.io")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_shape_is_taken() {
        let none = Query::default();
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io";
        for (accept, expected) in [
            ("", Shape::Whole),
            (
                "application/vnd.kubernetes.protobuf,application/json",
                Shape::Whole,
            ),
            (table, Shape::Table(Include::Metadata)),
            (
                "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
                Shape::Whole,
            ),
            (
                "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
                Shape::Metadata,
            ),
            (
                "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
                Shape::Metadata,
            ),
        ] {
            let shape = shape(accept, &none).expect("a shape");
            assert_eq!(shape, expected, "{accept}");
        }
        let object = Query::parse("includeObject=Object");
        let whole = shape(table, &object).expect("a shape");
        assert_eq!(whole, Shape::Table(Include::Object));
    }
}
