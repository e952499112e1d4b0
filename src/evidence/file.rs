//! An evidence in a file: JSON or YAML that is read back as it was.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

use super::{Change, Gap, History, Kind, Object, Verb};

#[derive(Serialize, Deserialize)]
struct StoredChange {
    at: Timestamp,
    verb: Verb,
    version: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    initial: bool,
    kind: Kind,
    object: Value,
}

#[derive(Serialize, Deserialize)]
struct StoredHistory {
    changes: Vec<StoredChange>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gaps: Vec<Gap>,
    #[serde(default)]
    ended_at: Option<Timestamp>,
}

impl Serialize for History {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let changes = self.changes().iter().map(|change| {
            Ok(StoredChange {
                at: change.at,
                verb: change.verb,
                version: change.version,
                initial: change.initial,
                kind: change.object.kind(),
                object: change.object.encode().map_err(serde::ser::Error::custom)?,
            })
        });
        StoredHistory {
            changes: changes.collect::<Result<_, _>>()?,
            gaps: self.gaps().to_vec(),
            ended_at: self.ended_at(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for History {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = StoredHistory::deserialize(deserializer)?;
        let mut history = Self::default();
        for change in stored.changes {
            history.push(Change {
                at: change.at,
                verb: change.verb,
                version: change.version,
                initial: change.initial,
                object: Object::decode(change.kind, change.object).map_err(D::Error::custom)?,
            });
        }
        for gap in stored.gaps {
            history.gap(gap);
        }
        if let Some(at) = stored.ended_at {
            history.end(at);
        }
        Ok(history)
    }
}
