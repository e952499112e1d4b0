//! How a value is taken apart: what is owned as one, and what by its parts.

use serde_json::{Map, Value};

use super::path::Element;
use crate::mini::api::schema::{Field, List, Struct, Type, schema};

/// The parts of a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// None: it is one value.
    Leaf,
    /// Known fields.
    Struct(&'static Struct),
    /// Entries.
    Map(&'static Type),
    /// Items, each its own key.
    Set,
    /// Items with keys.
    Keyed(&'static [&'static str], &'static Type),
    /// Whatever is found: objects have entries, lists are one value.
    Any,
}

impl Shape {
    /// Of a whole object.
    pub(super) fn of_kind(group_kind: &str) -> Self {
        schema().kind(group_kind).map_or(Self::Any, Self::Struct)
    }

    fn of_field(field: &'static Field) -> Self {
        match (&field.kind, &field.list) {
            _ if field.atomic => Self::Leaf,
            (Type::List(_), List::Atomic) => Self::Leaf,
            (Type::List(_), List::Set) => Self::Set,
            (Type::List(item), List::Map(keys)) => Self::Keyed(keys, item),
            (kind, _) => Self::of_type(kind),
        }
    }

    fn of_type(kind: &'static Type) -> Self {
        match kind {
            Type::Struct(index) => match schema().get(*index) {
                known if known.atomic => Self::Leaf,
                known => Self::Struct(known),
            },
            Type::Map(inner, _) => Self::Map(inner),
            _ => Self::Leaf,
        }
    }

    /// Of a field or an entry, and whether it is a field that the kind names.
    pub(super) fn entry(self, name: &str) -> (Self, bool) {
        match self {
            Self::Struct(known) => match known.field(name) {
                Some(field) => (Self::of_field(field), true),
                None => (Self::Any, false),
            },
            Self::Map(inner) => (Self::of_type(inner), false),
            Self::Any => (Self::Any, false),
            Self::Leaf | Self::Set | Self::Keyed(..) => (Self::Leaf, false),
        }
    }

    /// Of the items of a list.
    pub(super) fn item(self) -> Self {
        match self {
            Self::Keyed(_, item) => Self::of_type(item),
            _ => Self::Leaf,
        }
    }

    pub(super) fn is_list(self) -> bool {
        matches!(self, Self::Set | Self::Keyed(..))
    }

    /// Whether the value is an object that is taken apart.
    pub(super) fn is_object(self, value: Option<&Value>) -> bool {
        match self {
            Self::Struct(_) | Self::Map(_) => true,
            Self::Any => value.is_some_and(Value::is_object),
            Self::Leaf | Self::Set | Self::Keyed(..) => false,
        }
    }

    /// Where in a list an item belongs.
    ///
    /// # Errors
    ///
    /// The text of the fault, for an item without any of its keys, or no object.
    pub(super) fn element(self, item: &Value) -> Result<Element, String> {
        let Self::Keyed(keys, kind) = self else {
            return match item {
                Value::Null => Err(
                    "associative list without keys has an element that's an explicit null"
                        .to_owned(),
                ),
                Value::Object(_) => {
                    Err("associative list without keys has an element that's a map type".to_owned())
                }
                _ => Ok(Element::Value(item.to_string())),
            };
        };
        let Value::Object(entries) = item else {
            return Err(match item {
                Value::Null => "associative list with keys may not have a null element".to_owned(),
                _ => "associative list with keys may not have non-map elements".to_owned(),
            });
        };
        let mut found = Map::new();
        for key in keys {
            let value = entries.get(*key).cloned();
            if let Some(value) = value.or_else(|| default_of(kind, key)) {
                found.insert((*key).to_owned(), value);
            }
        }
        match found.is_empty() {
            true => {
                let keys: Vec<_> = keys.iter().map(|key| format!("{key:?}")).collect();
                Err(format!(
                    "associative list with keys has an element that omits all key fields [{}] (and doesn't have default \
                     values for any key fields)",
                    keys.join(" ")
                ))
            }
            false => Ok(Element::Key(Value::Object(found).to_string())),
        }
    }
}

/// The value of a key that an item leaves out.
fn default_of(kind: &Type, key: &str) -> Option<Value> {
    let Type::Struct(index) = kind else {
        return None;
    };
    let field = schema().get(*index).field(key)?;
    match field.kind {
        _ if key == "protocol" => Some("TCP".into()),
        Type::String(_) if field.keep => Some("".into()),
        Type::Int32 | Type::Int64 if field.keep => Some(0.into()),
        _ => None,
    }
}

/// The entries of an object; none for anything else.
pub(super) fn entries(value: Option<&Value>) -> Option<&Map<String, Value>> {
    value
        .and_then(Value::as_object)
        .filter(|map| !map.is_empty())
}

/// The items of a list; none for anything else.
pub(super) fn items(value: Option<&Value>) -> &[Value] {
    value
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}
