//! Who owns which paths: `metadata.managedFields`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{path::Element, set::Set};

/// More entries of updates than this are put together.
pub(super) const UPDATERS_MOST: usize = 10;
/// The manager of entries that were put together.
const ANCIENT: &str = "ancient-changes";

/// What tells entries apart. One manager that applies has one entry, whichever version it applies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    pub(super) manager: String,
    pub(super) operation: String,
    version: String,
    pub(super) subresource: String,
}

impl Id {
    pub(super) fn new(manager: &str, operation: &str, version: &str, subresource: &str) -> Self {
        let manager = if manager.is_empty() {
            "unknown"
        } else {
            manager
        };
        let version = if operation == "Apply" { "" } else { version };
        Self {
            manager: manager.to_owned(),
            operation: operation.to_owned(),
            version: version.to_owned(),
            subresource: subresource.to_owned(),
        }
    }

    /// As conflicts name the other side.
    pub(super) fn says(&self) -> String {
        let mut text = format!("{:?}", self.manager);
        if !self.subresource.is_empty() {
            text.push_str(&format!(" with subresource {:?}", self.subresource));
        }
        if self.operation == "Update" {
            text.push_str(&format!(" using {}", self.version));
        }
        text
    }
}

/// What one manager owns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) set: Set,
    pub(super) version: String,
    /// When the manager last changed something.
    pub(super) time: Option<String>,
}

/// All entries of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Managers(pub(super) BTreeMap<Id, Entry>);

impl Managers {
    /// The entries; none at all if one of them cannot be read.
    pub(super) fn of(object: &Value) -> Self {
        let list = object["metadata"]["managedFields"].as_array();
        let entries: Option<_> = list.into_iter().flatten().map(read).collect();
        Self(entries.unwrap_or_default())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether anybody owns this field.
    pub(super) fn own(&self, field: &[&str]) -> bool {
        let path: Vec<_> = field.iter().map(|name| Element::field(name)).collect();
        self.0.values().any(|entry| entry.set.has(&path))
    }

    /// Takes paths from all managers but one; those that are left with nothing are gone.
    pub(super) fn take(&mut self, paths: &Set, except: Option<&Id>) {
        for (id, entry) in &mut self.0 {
            if Some(id) != except {
                entry.set.subtract(paths);
            }
        }
        self.0.retain(|_, entry| !entry.set.is_empty());
    }

    /// Puts the oldest entries of updates together until there are few enough.
    pub(super) fn cap(&mut self) {
        let mut updaters: Vec<_> = self
            .0
            .keys()
            .filter(|id| id.operation == "Update")
            .cloned()
            .collect();
        if updaters.len() <= UPDATERS_MOST {
            return;
        }
        updaters.sort_by_key(|id| (self.0[id].time.clone(), id.clone()));
        let surplus = updaters.len() - UPDATERS_MOST;
        let mut left = surplus;
        let mut first: Option<Id> = None;
        for id in updaters {
            let bucket = Id::new(ANCIENT, "Update", &id.version, "");
            // The first one only becomes the bucket once a second one joins it.
            match &first {
                None => first = Some(id),
                Some(oldest) => {
                    let oldest = self.0.remove(oldest).unwrap_or_default();
                    let entry = self.0.remove(&id).unwrap_or_default();
                    let joined = Entry {
                        set: oldest.set.union(&entry.set),
                        version: entry.version,
                        time: entry.time,
                    };
                    self.0.insert(bucket.clone(), joined);
                    first = Some(bucket);
                    left -= 1;
                }
            }
            if left == 0 {
                break;
            }
        }
    }

    /// Writes the entries into the object.
    pub(super) fn write(&self, object: &mut Value) {
        let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
            return;
        };
        metadata.remove("managedFields");
        if self.is_empty() {
            return;
        }
        let mut entries: Vec<_> = self.0.iter().collect();
        entries.sort_by(|(one, a), (other, b)| {
            fn key<'a>(id: &'a Id, entry: &'a Entry) -> (&'a str, Option<&'a str>, [&'a str; 3]) {
                let rest = [&*id.manager, &*entry.version, &*id.subresource];
                (&id.operation, entry.time.as_deref(), rest)
            }
            key(one, a).cmp(&key(other, b))
        });
        let entries: Vec<_> = entries
            .into_iter()
            .map(|(id, entry)| encode(id, entry))
            .collect();
        metadata.insert("managedFields".to_owned(), entries.into());
    }
}

/// What tells an entry from others, if it can be read.
pub(super) fn id_of(entry: &Value) -> Option<Id> {
    let text = |field: &str| entry[field].as_str().unwrap_or_default();
    let good = matches!(text("operation"), "Apply" | "Update")
        && !text("apiVersion").is_empty()
        && text("fieldsType") == "FieldsV1";
    good.then(|| {
        Id::new(
            text("manager"),
            text("operation"),
            text("apiVersion"),
            text("subresource"),
        )
    })
}

/// An entry, if it can be read.
pub(super) fn read(entry: &Value) -> Option<(Id, Entry)> {
    let id = id_of(entry)?;
    let text = |field: &str| entry[field].as_str().map(str::to_owned);
    let entry = Entry {
        set: Set::decode(&entry["fieldsV1"]),
        version: text("apiVersion").unwrap_or_default(),
        time: text("time"),
    };
    Some((id, entry))
}

/// By which written entries are sorted.
pub(super) fn order(entry: &Value) -> (&str, Option<&str>, [&str; 3]) {
    let text = |field: &str| entry[field].as_str().unwrap_or_default();
    let rest = [text("manager"), text("apiVersion"), text("subresource")];
    (text("operation"), entry["time"].as_str(), rest)
}

pub(super) fn encode(id: &Id, entry: &Entry) -> Value {
    let mut encoded = json!({
        "manager": id.manager, "operation": id.operation, "apiVersion": entry.version,
        "fieldsType": "FieldsV1",
    });
    encoded["fieldsV1"] = entry.set.encode();
    if let Some(time) = &entry.time {
        encoded["time"] = time.as_str().into();
    }
    if !id.subresource.is_empty() {
        encoded["subresource"] = id.subresource.as_str().into();
    }
    encoded
}
