//! The protobuf bodies that kubectl sends for a few kinds, to the values that JSON would give.

mod fields;
mod wire;

use jiff::Timestamp;
use serde_json::{Map, Value};

use fields::{Kind, Message, message};
use wire::{Field, Reader};

use crate::mini::api::{base64::base64, meta};

/// What every protobuf body begins with.
const MAGIC: &[u8] = b"k8s\0";

/// Reads a body: an envelope that names the kind, and the object in it. Absent for what is not in the table of fields.
pub(crate) fn read(body: &[u8]) -> Option<Value> {
    let reader = Reader::new(body.strip_prefix(MAGIC)?);
    let (mut kind, mut version, mut raw) = (String::new(), String::new(), None);
    for (number, field) in reader {
        match (number, field) {
            (1, Field::Bytes(types)) => {
                let types = Reader::new(types);
                for (number, field) in types {
                    match (number, field.text()) {
                        (1, Some(text)) => version = text,
                        (2, Some(text)) => kind = text,
                        _ => {}
                    }
                }
            }
            (2, Field::Bytes(bytes)) => raw = Some(bytes),
            _ => {}
        }
    }
    let mut object = decode(message(&kind)?, raw?)?;
    object["kind"] = kind.into();
    object["apiVersion"] = version.into();
    Some(object)
}

fn decode(message: Message, bytes: &[u8]) -> Option<Value> {
    let mut object = Map::new();
    let mut reader = Reader::new(bytes);
    for (number, field) in reader.by_ref() {
        let Some((_, name, kind)) = message.iter().find(|(known, _, _)| *known == number) else {
            continue;
        };
        match kind {
            Kind::Many(kind) => {
                let value = single(kind, field)?;
                let list = object
                    .entry(*name)
                    .or_insert_with(|| Value::Array(Vec::new()));
                list.as_array_mut()?.push(value);
            }
            Kind::Map(kind) => {
                let (key, value) = entry(kind, field)?;
                let map = object
                    .entry(*name)
                    .or_insert_with(|| Value::Object(Map::new()));
                map[key] = value;
            }
            kind => {
                let value = single(kind, field)?;
                if !value.is_null() {
                    object.insert((*name).to_owned(), value);
                }
            }
        }
    }
    reader.is_done().then_some(Value::Object(object))
}

fn single(kind: &Kind, field: Field<'_>) -> Option<Value> {
    Some(match kind {
        // What was not set is sent as an empty text.
        Kind::Text => match field.text()? {
            empty if empty.is_empty() => Value::Null,
            text => text.into(),
        },
        Kind::Item => field.text()?.into(),
        Kind::Bytes => base64(field.bytes()?).into(),
        Kind::Number => field.number()?.into(),
        Kind::Flag => (field.number()? != 0).into(),
        Kind::Message(of) => decode(of, field.bytes()?)?,
        Kind::Time => {
            let time = decode(fields::TIME, field.bytes()?)?;
            match time["seconds"].as_i64() {
                None => Value::Null,
                Some(seconds) => meta::stamp(Timestamp::from_second(seconds).ok()?).into(),
            }
        }
        Kind::NumberOrText => {
            let either = decode(fields::NUMBER_OR_TEXT, field.bytes()?)?;
            match either["type"].as_i64() {
                Some(1) => either["text"].clone(),
                _ => either["number"].as_i64().unwrap_or_default().into(),
            }
        }
        Kind::Quantity => decode(fields::QUANTITY, field.bytes()?)?["text"].take(),
        Kind::Many(_) | Kind::Map(_) => return None,
    })
}

fn entry(kind: &Kind, field: Field<'_>) -> Option<(String, Value)> {
    let (mut key, mut value) = (String::new(), Value::from(""));
    let reader = Reader::new(field.bytes()?);
    for (number, field) in reader {
        match number {
            1 => key = field.text()?,
            2 => value = single(kind, field)?,
            _ => {}
        }
    }
    Some((key, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A field of bytes: number, length, content.
    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![number << 3 | 2, content.len() as u8];
        bytes.extend(content);
        bytes
    }

    fn envelope(kind: &str, raw: &[u8]) -> Vec<u8> {
        let types = [field(1, b"v1"), field(2, kind.as_bytes())].concat();
        [
            MAGIC.to_vec(),
            field(1, &types),
            field(2, raw),
            field(3, b""),
            field(4, b""),
        ]
        .concat()
    }

    #[test]
    fn a_config_map_of_kubectl_is_read() {
        let metadata = [
            field(1, b"settings"),
            field(3, b"default"),
            field(5, b""),
            field(8, b""),
        ]
        .concat();
        let pair = [field(1, b"key"), field(2, b"value")].concat();
        let body = envelope(
            "ConfigMap",
            &[field(1, &metadata), field(2, &pair)].concat(),
        );
        assert_eq!(
            read(&body),
            Some(json!({
                "apiVersion": "v1", "kind": "ConfigMap", "data": {"key": "value"},
                "metadata": {"name": "settings", "namespace": "default"},
            }))
        );
    }

    #[test]
    fn a_secrets_bytes_become_base64() {
        let pair = [field(1, b"key"), field(2, b"pass!")].concat();
        let body = envelope("Secret", &field(2, &pair));
        assert_eq!(read(&body).unwrap()["data"], json!({"key": "cGFzcyE="}));
        for (bytes, text) in [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn another_kind_and_a_torn_body_are_not_read() {
        assert_eq!(read(&envelope("Job", b"")), None);
        assert_eq!(read(&envelope("ConfigMap", &[0x0a, 0x7f])), None);
        assert_eq!(read(b"{}"), None);
    }
}
