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
