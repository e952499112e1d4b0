//! The parts of a path through an object, and how managedFields write them.

use std::fmt;

use serde_json::{Map, Value};

/// One step: into a field, to the list item with these keys, or to an item of a set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Element {
    /// A field of an object or an entry of a map.
    Field(String),
    /// The item whose keys have these values, as JSON.
    Key(String),
    /// The item of this value, as JSON.
    Value(String),
}

/// A path; the empty one is the object itself.
pub(super) type Path = Vec<Element>;

impl Element {
    pub(super) fn field(name: &str) -> Self {
        Self::Field(name.to_owned())
    }

    /// As managedFields write it: `f:spec`, `k:{"name":"a"}`, `v:"a"`.
    pub(super) fn encode(&self) -> String {
        let (mark, rest) = match self {
            Self::Field(name) => ("f:", name),
            Self::Key(keys) => ("k:", keys),
            Self::Value(value) => ("v:", value),
        };
        [mark, rest.as_str()].concat()
    }

    /// Absent for a text of another form.
    pub(super) fn decode(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let canonical = |rest: &str| {
            let value: Value = serde_json::from_str(rest).ok()?;
            Some(value.to_string())
        };
        match kind {
            "f" => Some(Self::field(rest)),
            "k" => canonical(rest).map(Self::Key),
            "v" => canonical(rest).map(Self::Value),
            _ => None,
        }
    }
}

/// As conflicts name it: `.spec`, `[name="a"]`, `[="a"]`.
impl fmt::Display for Element {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(out, ".{name}"),
            Self::Value(value) => write!(out, "[={value}]"),
            Self::Key(keys) => {
                let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
                let keys = keys.iter().map(|(name, value)| format!("{name}={value}"));
                write!(out, "[{}]", keys.collect::<Vec<_>>().join(","))
            }
        }
    }
}

/// `.spec.template.spec.containers[name="a"].image`.
pub(super) fn display(path: &[Element]) -> String {
    path.iter().map(Element::to_string).collect()
}
