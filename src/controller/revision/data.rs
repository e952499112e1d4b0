//! The bytes of a template: compact JSON with sorted keys, escaped as Go's encoder does it.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// The data of the revision of a template as stored: a strategic merge patch that replaces the template whole.
pub fn data(mut template: Value) -> Value {
    template["$patch"] = "replace".into();
    let mut data = json!({"spec": {}});
    data["spec"]["template"] = template;
    data
}

/// The bytes of a value: no spaces, keys in the order of their bytes at every level, `<`, `>`, `&`, U+2028 and U+2029
/// escaped, numbers without exponent.
pub fn encode(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        // Go reads every number as a 64-bit float before it writes it.
        Value::Number(number) => {
            let _ = write!(out, "{}", number.as_f64().unwrap_or_default());
        }
        Value::String(text) => quote(text, out),
        Value::Array(items) => {
            out.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| key.as_bytes());
            out.push('{');
            for (position, (key, field)) in fields.into_iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                quote(key, out);
                out.push(':');
                write(field, out);
            }
            out.push('}');
        }
    }
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_as_go_does_it() {
        let cases = [
            ("<&>\"é", r#""\u003c\u0026\u003e\"é""#),
            (
                "a\\b\n\t\r\u{8}\u{c}\u{1}\u{1f}",
                r#""a\\b\n\t\r\b\f\u0001\u001f""#,
            ),
            ("\u{2028}\u{2029}\u{7f}", "\"\\u2028\\u2029\u{7f}\""),
        ];
        for (text, bytes) in cases {
            assert_eq!(encode(&text.into()), bytes);
        }
    }

    #[test]
    fn keys_are_sorted_at_every_level_and_numbers_have_no_exponent() {
        let value = json!({"b": [{"z": 1, "B": -2}], "a": 1_000_000_000_000i64, "$patch": null, "c": 0.5, "d": true});
        assert_eq!(
            encode(&value),
            r#"{"$patch":null,"a":1000000000000,"b":[{"B":-2,"z":1}],"c":0.5,"d":true}"#
        );
    }
}
