//! What an answer says, without reading all of it.

use serde::Deserialize;

/// The part of an object, a list or a Status that is noted.
#[derive(Debug, Default, Deserialize)]
pub struct Said {
    #[serde(default)]
    pub kind: String,
    #[serde(default)]
    pub metadata: Meta,
    #[serde(default)]
    pub items: Option<Vec<Item>>,
    #[serde(default)]
    pub reason: Text,
    #[serde(default)]
    pub message: Text,
    #[serde(default)]
    pub details: Option<Details>,
}

/// A field that is text in a Status, and anything in other kinds.
#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
pub enum Text {
    Is(String),
    #[default]
    Not,
    Other(serde::de::IgnoredAny),
}

impl Text {
    pub fn text(self) -> String {
        match self {
            Self::Is(text) => text,
            Self::Not | Self::Other(_) => String::new(),
        }
    }
}

/// The part of an object's metadata that is noted.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Meta {
    pub name: String,
    pub namespace: String,
    pub uid: String,
    pub resource_version: String,
}

impl Meta {
    pub fn version(&self) -> Option<u64> {
        self.resource_version.parse().ok()
    }
}

/// An object of a list.
#[derive(Debug, Deserialize)]
pub struct Item {
    #[serde(default)]
    pub metadata: Meta,
}

/// What a Status is about.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Details {
    pub uid: String,
}

/// One event of a watch.
#[derive(Debug, Deserialize)]
pub struct Event {
    #[serde(rename = "type")]
    pub kind: String,
    pub object: Item,
}

/// Cuts a stream of bytes into lines, whatever the pieces it comes in.
#[derive(Debug, Default)]
pub struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// Calls `each` with every line that these bytes complete.
    pub fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8])) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, after) = bytes.split_at(end);
            bytes = &after[1..];
            if self.rest.is_empty() {
                each(line);
            } else {
                self.rest.extend_from_slice(line);
                each(&std::mem::take(&mut self.rest));
            }
        }
        self.rest.extend_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_whatever_the_pieces() {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        for piece in ["a", "b\nc", "d\n\ne", "\nrest"] {
            lines.feed(piece.as_bytes(), |line| {
                seen.push(String::from_utf8_lossy(line).into_owned());
            });
        }
        assert_eq!(seen, ["ab", "cd", "", "e"]);
    }

    #[test]
    fn an_answer_is_an_object_a_list_or_a_status() {
        let read = |text: &str| serde_json::from_str::<Said>(text).expect("JSON");
        let pod = read(
            r#"{"kind":"Pod","metadata":{"name":"a","resourceVersion":"7","uid":"u"},"reason":{}}"#,
        );
        assert_eq!(
            (pod.metadata.version(), pod.metadata.uid.as_str()),
            (Some(7), "u")
        );
        let list =
            read(r#"{"metadata":{"resourceVersion":"9"},"items":[{"metadata":{"name":"a"}}]}"#);
        assert_eq!(list.items.map(|items| items.len()), Some(1));
        let status = read(
            r#"{"kind":"Status","metadata":{},"reason":"Conflict","message":"m","details":{"uid":"u"}}"#,
        );
        assert_eq!(status.reason.text(), "Conflict");
        assert_eq!(
            status.details.map(|details| details.uid),
            Some("u".to_owned())
        );
    }
}
