//! Manifests: the one place that reads YAML.

use serde::de::{Deserialize as _, DeserializeOwned};
use serde_json::Value;

/// Text that is not the YAML it should be.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {source}")]
pub struct Error {
    what: String,
    source: serde_yaml::Error,
}

/// The objects of a manifest, in order; documents without content are left out.
///
/// `what` names the text in an error: a file's path.
///
/// # Errors
///
/// The first document that is not YAML, with its line and column.
pub fn objects(what: &str, text: &str) -> Result<Vec<Value>, Error> {
    let mut objects = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let object = Value::deserialize(document).map_err(|source| Error {
            what: what.to_owned(),
            source,
        })?;
        if !object.is_null() {
            objects.push(object);
        }
    }
    Ok(objects)
}

/// One document as a value of the type asked for.
///
/// # Errors
///
/// Text that is not YAML or does not fit the type, with its path, line and column.
pub fn read<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, Error> {
    serde_yaml::from_str(text).map_err(|source| Error {
        what: what.to_owned(),
        source,
    })
}

/// A value as YAML.
pub fn write<T: serde::Serialize>(object: &T) -> String {
    serde_yaml::to_string(object)
        .unwrap_or_else(|error| format!("# this object cannot be written as YAML: {error}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_without_content_are_left_out() {
        let found =
            objects("x.yaml", "---\na: 1\n---\n# nothing\n---\nb: 2\n---\n").expect("it is YAML");
        assert_eq!(
            found,
            [serde_json::json!({"a": 1}), serde_json::json!({"b": 2})]
        );
    }

    #[test]
    fn an_error_names_the_text_and_the_place() {
        let error = objects("x.yaml", "a: 1\nb: [\n")
            .expect_err("it is not YAML")
            .to_string();
        assert!(
            error.starts_with("x.yaml: ") && error.contains("line"),
            "{error}"
        );
    }
}
