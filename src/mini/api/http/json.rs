//! What is wrong with a text that is not JSON, in the words that servers written in Go use.

use serde_json::{Value, error::Category};

/// Reads JSON.
///
/// # Errors
///
/// What is wrong: `invalid character 'x' looking for beginning of value`.
pub(crate) fn read(text: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(text).map_err(|error| fault(text, &error))
}

/// Whether a text has each field once: as many as the value that was read from it. It says so without reading the text
/// again.
pub(crate) fn has_each_once(text: &[u8], value: &Value) -> bool {
    fn fields(value: &Value) -> usize {
        match value {
            Value::Object(entries) => entries.len() + entries.values().map(fields).sum::<usize>(),
            Value::Array(items) => items.iter().map(fields).sum(),
            _ => 0,
        }
    }
    let (mut colons, mut quoted, mut escaped) = (0, false, false);
    for byte in text {
        match (quoted, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => quoted = !quoted,
            (false, b':') => colons += 1,
            _ => {}
        }
    }
    colons == fields(value)
}

fn fault(text: &[u8], error: &serde_json::Error) -> String {
    if error.classify() == Category::Eof {
        return "unexpected end of JSON input".to_owned();
    }
    let said = error.to_string();
    let context = [
        ("expected `:`", "after object key"),
        ("expected `,` or `}`", "after object key:value pair"),
        ("expected `,` or `]`", "after array element"),
        (
            "key must be a string",
            "looking for beginning of object key string",
        ),
        ("trailing comma", "looking for beginning of value"),
        ("trailing characters", "after top-level value"),
    ];
    let context = context.iter().find(|(part, _)| said.starts_with(part));
    let context = context.map_or("looking for beginning of value", |(_, context)| context);
    let line = text
        .split(|byte| *byte == b'\n')
        .nth(error.line().saturating_sub(1));
    let at = line.and_then(|line| line.get(error.column().saturating_sub(1)));
    match at {
        Some(at) => format!("invalid character '{}' {context}", at.escape_ascii()),
        None => format!("invalid character {context}"),
    }
}

/// A body as the refusal of an object shows it: text if it looks like an object, else its bytes.
pub(crate) fn shown(body: &[u8]) -> String {
    const LONGEST: usize = 1024;
    match body {
        [] => "<empty>".to_owned(),
        [b'{', ..] => String::from_utf8_lossy(&body[..body.len().min(LONGEST)]).into_owned(),
        _ => body
            .iter()
            .take(LONGEST)
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_is_there_twice_is_noticed() {
        for (text, once) in [
            (r#"{"a": {"b": [{"c": 1}, {"c": 2}]}, "d:\"": ":"}"#, true),
            (r#"{"a": {"b": 1, "c": 2, "b": 3}}"#, false),
        ] {
            let value = read(text.as_bytes()).unwrap();
            assert_eq!(has_each_once(text.as_bytes(), &value), once, "{text}");
        }
    }

    #[test]
    fn faults_are_named_with_their_character() {
        for (text, expected) in [
            ("", "unexpected end of JSON input"),
            ("{\"a\":", "unexpected end of JSON input"),
            (
                "hello",
                "invalid character 'h' looking for beginning of value",
            ),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            ("[1 2]", "invalid character '2' after array element"),
            ("{} x", "invalid character 'x' after top-level value"),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap_err(), expected, "{text}");
        }
        assert_eq!(shown(b"hi"), "6869");
    }
}
