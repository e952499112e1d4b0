//! The two faces of an event: `v1`, which is stored, and `events.k8s.io/v1`.

use serde_json::Value;

/// A field in `v1` and in `events.k8s.io/v1`.
const NAMES: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
];

/// A stored event as `events.k8s.io/v1` shows it.
pub(crate) fn from_stored(event: &Value) -> Value {
    let mut event = renamed(event, "events.k8s.io/v1", &NAMES);
    if let Some(fields) = event.as_object_mut() {
        fields.retain(|field, value| !field.starts_with("reporting") || *value != "");
    }
    event
}

/// An event of `events.k8s.io/v1` as it is stored.
pub(crate) fn to_stored(event: &Value) -> Value {
    let names = NAMES.map(|(stored, shown)| (shown, stored));
    let mut event = renamed(event, "v1", &names);
    for field in ["reportingComponent", "reportingInstance"] {
        if event[field].is_null() {
            event[field] = "".into();
        }
    }
    event
}

fn renamed(event: &Value, api_version: &str, names: &[(&str, &str)]) -> Value {
    let mut event = event.clone();
    if let Some(fields) = event.as_object_mut() {
        for (from, to) in names {
            if let Some(value) = fields.remove(*from) {
                fields.insert((*to).to_owned(), value);
            }
        }
        fields.insert("apiVersion".to_owned(), api_version.into());
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_is_the_same_after_both_ways() {
        let stored = json!({
            "apiVersion": "v1", "kind": "Event", "involvedObject": {"kind": "Pod"}, "message": "m", "reason": "r",
            "count": 2, "source": {"component": "c"}, "type": "Normal",
            "reportingComponent": "", "reportingInstance": "",
        });
        let shown = from_stored(&stored);
        assert_eq!(shown["regarding"], json!({"kind": "Pod"}));
        assert_eq!(shown["note"], "m");
        assert_eq!(to_stored(&shown), stored);
    }
}
