//! Decoding: which fields a kind has, of what type they are, and what remains of an object once it is decoded.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{
    Status, quantity,
    schema::{Field, Schema, Struct, Type, schema},
};

/// The object as a server keeps it, and an error text for each field that its kind does not have.
///
/// Unknown fields are gone, empty optional ones too, those that are always written are there, and quantities and times
/// have their canonical form. Objects of unknown kinds are returned as they are.
///
/// # Errors
///
/// The text of a decoding error, if a field has a value of another type than its own.
pub fn check(group_kind: &str, object: Value) -> Result<(Value, Vec<String>), String> {
    let Some(root) = schema().kind(group_kind) else {
        return Ok((object, Vec::new()));
    };
    let mut decoder = Decoder {
        schema: schema(),
        unknown: Vec::new(),
    };
    let Value::Object(mut object) = object else {
        let word = word(&object);
        return Err(format!(
            "json: cannot unmarshal {word} into Go value of type v1.{}",
            root.name
        ));
    };
    decoder.structure(root, &mut object, &Place::root(root))?;
    Ok((Value::Object(object), decoder.unknown))
}

/// The refusal of a body that does not decode, or, with strict validation, has unknown fields.
pub fn refusal(kind: &str, version: &str, text: &str) -> Status {
    Status::bad_request(format!(
        "{kind} in version {version:?} cannot be handled as a {kind}: {text}"
    ))
}

/// The text of a strict decoding error with these faults.
pub fn strict_text(faults: &[String]) -> String {
    format!("strict decoding error: {}", faults.join(", "))
}

/// Where the decoder is: as Go names it in type errors, and with indices as unknown fields are named.
struct Place<'a> {
    parent: Option<&'a Self>,
    structure: &'static str,
    field: &'a str,
    index: Option<usize>,
}

impl Place<'_> {
    fn root(root: &Struct) -> Self {
        Place {
            parent: None,
            structure: root.name,
            field: "",
            index: None,
        }
    }

    /// `StatefulSetSpec.spec.replicas`.
    fn go(&self) -> String {
        let mut parts = Vec::new();
        let mut place = Some(self);
        while let Some(at) = place {
            if !at.field.is_empty() {
                parts.push(at.field);
            }
            place = at.parent;
        }
        parts.push(self.structure);
        parts.reverse();
        parts.join(".")
    }

    /// `spec.template.spec.containers[0].`, as a prefix.
    fn prefix(&self) -> String {
        let mut path = self.parent.map(Place::prefix).unwrap_or_default();
        if !self.field.is_empty() {
            path.push_str(self.field);
            path.push('.');
        }
        if let Some(index) = self.index {
            path.truncate(path.trim_end_matches('.').len());
            path.push_str(&format!("[{index}]."));
        }
        path
    }
}

struct Decoder {
    schema: &'static Schema,
    unknown: Vec<String>,
}

impl Decoder {
    fn structure(
        &mut self,
        known: &'static Struct,
        object: &mut Map<String, Value>,
        place: &Place<'_>,
    ) -> Result<(), String> {
        let mut fault = None;
        object.retain(|name, value| {
            if fault.is_some() {
                return true;
            }
            let Some(field) = known.field(name) else {
                self.unknown
                    .push(format!("unknown field \"{}{name}\"", place.prefix()));
                return false;
            };
            if value.is_null() {
                return false;
            }
            let inner = Place {
                parent: Some(place),
                structure: known.name,
                field: name,
                index: None,
            };
            fault = self.value(&field.kind, value, &inner).err();
            field.keep || field.pointer || !empty(value, &field.kind)
        });
        for (name, field) in known.fields().filter(|(_, field)| field.keep) {
            if !object.contains_key(name) {
                object.insert(name.to_owned(), self.zero(field));
            }
        }
        fault.map_or(Ok(()), Err)
    }

    fn value(&mut self, kind: &Type, value: &mut Value, place: &Place<'_>) -> Result<(), String> {
        match (kind, &mut *value) {
            (Type::Struct(index), Value::Object(object)) => {
                let known = self.schema.get(*index);
                self.structure(known, object, place)
            }
            (Type::List(inner), Value::Array(items)) => {
                for (index, item) in items.iter_mut().enumerate() {
                    let place = Place {
                        parent: Some(place),
                        structure: place.structure,
                        field: "",
                        index: Some(index),
                    };
                    self.item(inner, item, &place)?;
                }
                Ok(())
            }
            (Type::Map(inner, _), Value::Object(entries)) => {
                let mut items = entries.values_mut();
                items.try_for_each(|item| self.item(inner, item, place))
            }
            _ => {
                if let Some(canonical) = scalar(self.schema, kind, value, place)? {
                    *value = canonical;
                }
                Ok(())
            }
        }
    }

    /// A value of a list or a map: there null is the zero value.
    fn item(&mut self, kind: &Type, value: &mut Value, place: &Place<'_>) -> Result<(), String> {
        if value.is_null() {
            *value = self.zero_of(kind);
            return Ok(());
        }
        self.value(kind, value, place)
    }

    fn zero(&self, field: &Field) -> Value {
        match field.pointer {
            true => Value::Null,
            false => self.zero_of(&field.kind),
        }
    }

    fn zero_of(&self, kind: &Type) -> Value {
        match kind {
            Type::Struct(index) => {
                let kept = self.schema.get(*index).fields();
                let kept = kept.filter(|(_, field)| field.keep);
                Value::Object(
                    kept.map(|(name, field)| (name.to_owned(), self.zero(field)))
                        .collect(),
                )
            }
            Type::String(_) => "".into(),
            Type::Int32 | Type::Int64 | Type::Float | Type::IntOrString => 0.into(),
            Type::Bool => false.into(),
            Type::Quantity => "0".into(),
            Type::List(_)
            | Type::Map(..)
            | Type::Bytes
            | Type::Time
            | Type::MicroTime
            | Type::Any => Value::Null,
        }
    }
}

/// What an optional field that is no pointer does not keep.
fn empty(value: &Value, kind: &Type) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => matches!(kind, Type::Map(..)) && entries.is_empty(),
    }
}

/// The canonical form of a value, if it is not that already.
fn scalar(
    schema: &Schema,
    kind: &Type,
    value: &Value,
    place: &Place<'_>,
) -> Result<Option<Value>, String> {
    let wrong = |value: &Value| {
        Err(format!(
            "json: cannot unmarshal {} into Go struct field {} of type {}",
            word(value),
            place.go(),
            go_type(schema, kind)
        ))
    };
    match (kind, value) {
        (Type::String(_), Value::String(_))
        | (Type::Bool, Value::Bool(_))
        | (Type::Float, Value::Number(_))
        | (Type::IntOrString, Value::String(_)) => Ok(None),
        (Type::Any, _) => Ok(None),
        (Type::Int64, Value::Number(number)) if number.is_i64() => Ok(None),
        (Type::Int32 | Type::IntOrString, Value::Number(number))
            if number.as_i64().is_some_and(|n| i32::try_from(n).is_ok()) =>
        {
            Ok(None)
        }
        (Type::Int32 | Type::Int64 | Type::IntOrString, Value::Number(number)) => Err(format!(
            "json: cannot unmarshal number {number} into Go struct field {} of type {}",
            place.go(),
            go_type(schema, kind)
        )),
        (Type::Quantity, Value::String(text)) => quantity::canonical(text)
            .map(|text| Some(text.into()))
            .map_err(|error| error.to_string()),
        (Type::Quantity, other) => quantity::canonical(&other.to_string())
            .map(|text| Some(text.into()))
            .map_err(|error| error.to_string()),
        (Type::Time, Value::String(text)) => time(text, 0).map(Some),
        (Type::MicroTime, Value::String(text)) => time(text, 6).map(Some),
        (Type::Bytes, Value::String(text)) => match illegal_base64(text) {
            Some(at) => Err(format!("illegal base64 data at input byte {at}")),
            None => Ok(None),
        },
        _ => wrong(value),
    }
}

fn time(text: &str, digits: usize) -> Result<Value, String> {
    let layout = match digits {
        0 => "2006-01-02T15:04:05Z07:00",
        _ => "2006-01-02T15:04:05.000000Z07:00",
    };
    let fault =
        || format!("parsing time {text:?} as {layout:?}: cannot parse {text:?} as \"2006\"");
    let time: Timestamp = text.parse().map_err(|_| fault())?;
    Ok(match digits {
        0 => time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        _ => time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string(),
    }
    .into())
}

/// The place of the first byte that standard base64 cannot have there.
fn illegal_base64(text: &str) -> Option<usize> {
    let bytes: Vec<_> = text.bytes().filter(|c| !b"\r\n".contains(c)).collect();
    let end = bytes.iter().position(|&c| c == b'=').unwrap_or(bytes.len());
    let illegal = |c: &u8| !c.is_ascii_alphanumeric() && !b"+/".contains(c);
    if let Some(at) = bytes[..end].iter().position(illegal) {
        return Some(at);
    }
    let padding = bytes.len() - end;
    let whole = bytes.len() % 4 == 0 && padding <= 2;
    (!whole || bytes[end..].iter().any(|&c| c != b'=')).then_some(end)
}

fn word(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn go_type(schema: &Schema, kind: &Type) -> String {
    match kind {
        Type::Struct(index) => format!("v1.{}", schema.get(*index).name),
        Type::List(inner) => format!("[]{}", go_type(schema, inner)),
        Type::Map(_, Some(name)) => (*name).to_owned(),
        Type::Map(inner, None) => format!("map[string]{}", go_type(schema, inner)),
        Type::String(name) => (*name).to_owned(),
        Type::Int32 | Type::IntOrString => "int32".to_owned(),
        Type::Int64 => "int64".to_owned(),
        Type::Float => "float64".to_owned(),
        Type::Bool => "bool".to_owned(),
        Type::Bytes => "[]uint8".to_owned(),
        Type::Quantity => "resource.Quantity".to_owned(),
        Type::Time | Type::MicroTime => "string".to_owned(),
        Type::Any => "runtime.RawExtension".to_owned(),
    }
}

/// An error text for each field that occurs twice in the JSON text of an object; nothing for a text that is not JSON.
pub fn duplicates(text: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut reader = serde_json::Deserializer::from_slice(text);
    let seed = Twice {
        path: String::new(),
        found: &mut found,
    };
    match seed.deserialize(&mut reader) {
        Ok(()) => found,
        Err(_) => Vec::new(),
    }
}

struct Twice<'a> {
    path: String,
    found: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Twice<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Twice<'_> {
    type Value = ();

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut keys = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let path = match self.path.as_str() {
                "" => key.clone(),
                path => format!("{path}.{key}"),
            };
            if !keys.insert(key) {
                self.found.push(format!("duplicate field {path:?}"));
            }
            map.next_value_seed(Twice {
                path,
                found: &mut *self.found,
            })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        for index in 0.. {
            let path = format!("{}[{index}]", self.path);
            let seed = Twice {
                path,
                found: &mut *self.found,
            };
            if items.next_element_seed(seed)?.is_none() {
                return Ok(());
            }
        }
        Err(A::Error::custom("a list without end"))
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(change: impl FnOnce(&mut Value)) -> Value {
        let mut set = json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web"},
            "spec": {
                "selector": {"matchLabels": {"a": "b"}},
                "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
            },
        });
        change(&mut set);
        set
    }

    #[test]
    fn unknown_fields_are_named_with_their_path_and_dropped() {
        let object = set(|set| {
            set["spec"]["replicaz"] = Value::Null;
            set["spec"]["template"]["spec"]["containers"][0]["bad"] = json!([]);
        });
        let (pruned, unknown) = check("apps/StatefulSet", object).expect("it decodes");
        assert_eq!(
            unknown,
            [
                "unknown field \"spec.replicaz\"",
                "unknown field \"spec.template.spec.containers[0].bad\""
            ]
        );
        assert!(
            pruned
                .pointer("/spec/template/spec/containers/0/bad")
                .is_none()
        );
    }

    #[test]
    fn a_value_of_another_type_is_refused_in_go_words() {
        let container = "/spec/template/spec/containers/0";
        for (pointer, field, value, expected) in [
            (
                "/spec",
                "replicas",
                json!("x"),
                "json: cannot unmarshal string into Go struct field StatefulSetSpec.spec.replicas of type int32",
            ),
            (
                "/spec",
                "replicas",
                json!(5_000_000_000_i64),
                "json: cannot unmarshal number 5000000000 into Go struct field StatefulSetSpec.spec.replicas of type int32",
            ),
            (
                container,
                "command",
                json!("x"),
                "json: cannot unmarshal string into Go struct field Container.spec.template.spec.containers.command of type []string",
            ),
            (
                "/spec/template/spec",
                "containers",
                json!("x"),
                "json: cannot unmarshal string into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container",
            ),
            (
                "/spec/template",
                "spec",
                json!([]),
                "json: cannot unmarshal array into Go struct field PodTemplateSpec.spec.template.spec of type v1.PodSpec",
            ),
            (
                "/metadata",
                "labels",
                json!({"a": 1}),
                "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string",
            ),
            (
                "/metadata",
                "labels",
                json!("x"),
                "json: cannot unmarshal string into Go struct field ObjectMeta.metadata.labels of type map[string]string",
            ),
            (
                container,
                "resources",
                json!({"requests": "x"}),
                "json: cannot unmarshal string into Go struct field ResourceRequirements.spec.template.spec.containers.resources.requests of type v1.ResourceList",
            ),
            (
                container,
                "ports",
                json!([{"protocol": 1}]),
                "json: cannot unmarshal number into Go struct field ContainerPort.spec.template.spec.containers.ports.protocol of type v1.Protocol",
            ),
            (
                container,
                "resources",
                json!({"requests": {"cpu": "x"}}),
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            ),
            (
                "/metadata",
                "creationTimestamp",
                json!("x"),
                "parsing time \"x\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"x\" as \"2006\"",
            ),
        ] {
            let object = set(|set| set.pointer_mut(pointer).expect("it is there")[field] = value);
            assert_eq!(
                check("apps/StatefulSet", object).expect_err(expected),
                expected
            );
        }
    }

    #[test]
    fn empty_optional_fields_go_and_those_always_written_come() {
        let object = set(|set| {
            set["metadata"]["labels"] = json!({});
            set["spec"]["minReadySeconds"] = json!(0);
            set["spec"]["replicas"] = json!(0);
            set["spec"]["template"]["spec"]["containers"][0]["resources"] =
                json!({"requests": {"cpu": 0.1}});
            set["spec"]["template"]["spec"]["volumes"] = json!([{"name": "v", "emptyDir": {}}]);
        });
        let (decoded, _) = check("apps/StatefulSet", object).expect("it decodes");
        assert_eq!(
            decoded["spec"],
            json!({
                "replicas": 0, "serviceName": "", "selector": {"matchLabels": {"a": "b"}}, "updateStrategy": {},
                "template": {"metadata": {"labels": {"a": "b"}}, "spec": {
                    "containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "100m"}}}],
                    "volumes": [{"name": "v", "emptyDir": {}}],
                }},
            })
        );
        assert_eq!(
            decoded["status"],
            json!({"replicas": 0, "availableReplicas": 0})
        );
        assert_eq!(decoded["metadata"], json!({"name": "web"}));
    }

    #[test]
    fn a_field_that_occurs_twice_is_named() {
        let text = br#"{"spec": {"replicas": 1, "list": [{"a": 1, "a": 2}], "replicas": 2}}"#;
        assert_eq!(
            duplicates(text),
            [
                "duplicate field \"spec.list[0].a\"",
                "duplicate field \"spec.replicas\""
            ]
        );
    }

    #[test]
    fn times_lose_their_fraction_and_their_zone() {
        let lease = json!({"metadata": {"creationTimestamp": "2026-01-02T03:04:05.6+01:00"}, "spec": {"renewTime": "2026-01-02T03:04:05.6Z"}});
        let (decoded, _) = check("coordination.k8s.io/Lease", lease).expect("it decodes");
        assert_eq!(
            decoded["metadata"]["creationTimestamp"],
            "2026-01-02T02:04:05Z"
        );
        assert_eq!(decoded["spec"]["renewTime"], "2026-01-02T03:04:05.600000Z");
    }
}
