//! Events: what a change means to a watch, and how it is written.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::mini::api::{
    http::{accept::Shape, answer},
    meta,
    resources::Resource,
    store::{Change, Object},
    table,
};

/// What a watch for some objects of a kind tells of a change: nothing, or the type of the event and its object.
pub(super) fn told(
    change: &Change,
    selects: impl Fn(&Value) -> bool,
) -> Option<(&'static str, Object)> {
    let before = change.before.as_ref().filter(|before| selects(before));
    let now = !change.removed && selects(&change.object);
    match (before, now) {
        (None, false) => None,
        (None, true) => Some(("ADDED", change.object.clone())),
        (Some(_), true) => Some(("MODIFIED", change.object.clone())),
        (Some(_), false) if change.removed => Some(("DELETED", change.object.clone())),
        (Some(before), false) => {
            let mut left = (**before).clone();
            meta::set(
                &mut left,
                "resourceVersion",
                Some(change.version.to_string().into()),
            );
            Some(("DELETED", left.into()))
        }
    }
}

/// Writes events in the shape that the client wants. Every watcher of a kind is sent each change, so the object is written
/// without a copy.
pub(super) struct Writer {
    pub(super) resource: &'static Resource,
    pub(super) shape: Shape,
    /// The next table says what its columns are.
    pub(super) columns: bool,
}

impl Writer {
    pub(super) fn event(
        &mut self,
        text: &mut Vec<u8>,
        kind: &str,
        object: &Object,
        now: Timestamp,
    ) {
        let shaped;
        let object: &[u8] = match self.shape {
            Shape::Whole => object.text(),
            Shape::Lean => object.lean_text(),
            Shape::Metadata => {
                shaped = answer::metadata_text(object, true);
                &shaped
            }
            Shape::LeanMetadata => {
                shaped = answer::metadata_text(object, false);
                &shaped
            }
            Shape::Table(_) => {
                let version = meta::text(object, "resourceVersion").to_owned();
                let items = std::slice::from_ref(object);
                shaped = answer::text(&self.table(items, &version, now));
                &shaped
            }
        };
        let (before, between): (&[u8], &[u8]) = (b"{\"type\":\"", b"\",\"object\":");
        for part in [before, kind.as_bytes(), between, object, b"}\n"] {
            text.extend_from_slice(part);
        }
    }

    pub(super) fn bookmark(
        &mut self,
        text: &mut Vec<u8>,
        version: u64,
        initial: bool,
        now: Timestamp,
    ) {
        let version = version.to_string();
        let mut metadata = json!({"resourceVersion": version});
        if initial {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let object = json!({
            "kind": self.resource.kind, "apiVersion": self.resource.api_version(), "metadata": metadata,
        });
        let object = match self.shape {
            Shape::Whole | Shape::Lean => object,
            Shape::Metadata | Shape::LeanMetadata => answer::metadata(&object),
            Shape::Table(_) => self.table(&[object.into()], &version, now),
        };
        text.extend(answer::line(&json!({"type": "BOOKMARK", "object": object})));
    }

    fn table(&mut self, objects: &[Object], version: &str, now: Timestamp) -> Value {
        let Shape::Table(include) = self.shape else {
            return Value::Null;
        };
        let columns = std::mem::take(&mut self.columns);
        let mut table = table::table(self.resource.group_kind, objects, now, include, columns);
        table["metadata"] = json!({"resourceVersion": version});
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_turns_changes_into_comings_and_goings() {
        let object = |label: &str| Object::from(json!({"metadata": {"labels": {"app": label}}}));
        let change = |before: Option<&str>, after: &str, removed: bool| Change {
            version: 9,
            before: before.map(object),
            object: object(after),
            removed,
        };
        let kind = |change: &Change| {
            let told = told(change, |object| {
                object["metadata"]["labels"]["app"] == "web"
            });
            told.map(|(kind, _)| kind)
        };
        assert_eq!(kind(&change(None, "web", false)), Some("ADDED"));
        assert_eq!(kind(&change(None, "db", false)), None);
        assert_eq!(kind(&change(Some("web"), "web", false)), Some("MODIFIED"));
        assert_eq!(kind(&change(Some("db"), "web", false)), Some("ADDED"));
        assert_eq!(kind(&change(Some("web"), "web", true)), Some("DELETED"));
        assert_eq!(kind(&change(Some("db"), "db", true)), None);
        let (kind, left) = told(&change(Some("web"), "db", false), |object| {
            object["metadata"]["labels"]["app"] == "web"
        })
        .unwrap();
        assert_eq!(kind, "DELETED");
        assert_eq!(
            left["metadata"],
            json!({"labels": {"app": "web"}, "resourceVersion": "9"})
        );
    }
}
