//! A place in an object with its value, and the list of faults that rules add to.

use serde_json::Value;

use crate::mini::api::{Cause, Rules, quantity, quantity::Quantity};

/// A value and the path that leads to it. An absent value is null.
#[derive(Clone, Debug)]
pub(super) struct Field<'a> {
    pub(super) path: String,
    pub(super) value: &'a Value,
}

impl<'a> Field<'a> {
    /// The whole object.
    pub(super) fn root(value: &'a Value) -> Self {
        let path = String::new();
        Self { path, value }
    }

    /// A field of this object.
    pub(super) fn get(&self, name: &str) -> Self {
        self.at(name, &self.value[name])
    }

    /// A value that is reported under a name of its own.
    pub(super) fn at<'b>(&self, name: &str, value: &'b Value) -> Field<'b> {
        // Most fields have no fault, and their paths are made all the same.
        let mut path = String::with_capacity(self.path.len() + 1 + name.len());
        path.push_str(&self.path);
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(name);
        Field { path, value }
    }

    /// The items of this list.
    pub(super) fn items(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let path = self.path.clone();
        let items = self.value.as_array().map(Vec::as_slice);
        let items = items.unwrap_or_default().iter().enumerate();
        items.map(move |(at, value)| Field {
            path: format!("{path}[{at}]"),
            value,
        })
    }

    /// The entries of this map, with their keys.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, Field<'a>)> + use<'a> {
        let path = self.path.clone();
        let entries = self.value.as_object().into_iter().flatten();
        entries.map(move |(key, value)| {
            let path = format!("{path}[{key}]");
            (key.as_str(), Field { path, value })
        })
    }

    /// The value at a key of this map.
    pub(super) fn key(&self, key: &str) -> Self {
        Field {
            path: format!("{}[{key}]", self.path),
            value: &self.value[key],
        }
    }

    /// The number of items or entries.
    pub(super) fn len(&self) -> usize {
        match self.value {
            Value::Array(items) => items.len(),
            Value::Object(entries) => entries.len(),
            _ => 0,
        }
    }

    pub(super) fn text(&self) -> &'a str {
        self.value.as_str().unwrap_or_default()
    }

    /// The number; 0 if there is none.
    pub(super) fn number(&self) -> i64 {
        self.value.as_i64().unwrap_or_default()
    }

    pub(super) fn quantity(&self) -> Quantity {
        quantity::parse(self.text()).unwrap_or(Quantity::ZERO)
    }

    pub(super) fn is_set(&self) -> bool {
        !self.value.is_null()
    }

    pub(super) fn is(&self, text: &str) -> bool {
        self.text() == text
    }

    pub(super) fn is_true(&self) -> bool {
        *self.value == Value::Bool(true)
    }
}

/// Faults in the order in which a server lists them, and the rules by which it looks for them.
#[derive(Debug, Default)]
pub(super) struct Faults(pub(super) Vec<Cause>, pub(super) Rules);

impl Faults {
    /// The faults, each said once.
    pub(super) fn distinct(self) -> Vec<Cause> {
        let mut said = Vec::with_capacity(self.0.len());
        for cause in self.0 {
            if !said.contains(&cause) {
                said.push(cause);
            }
        }
        said
    }

    pub(super) fn invalid(&mut self, field: &Field<'_>, text: impl AsRef<str>) {
        self.0.push(Cause::invalid(&field.path, field.value, text));
    }

    /// With a value that is not the field's own.
    pub(super) fn invalid_value(
        &mut self,
        field: &Field<'_>,
        value: impl Into<Value>,
        text: impl AsRef<str>,
    ) {
        self.0
            .push(Cause::invalid(&field.path, &value.into(), text));
    }

    /// With a value that is printed already.
    pub(super) fn invalid_as(&mut self, field: &Field<'_>, value: &str, text: impl AsRef<str>) {
        self.0.push(Cause::invalid_as(&field.path, value, text));
    }

    /// One fault for each text.
    pub(super) fn each(&mut self, field: &Field<'_>, texts: impl IntoIterator<Item = String>) {
        for text in texts {
            self.invalid(field, text);
        }
    }

    pub(super) fn required(&mut self, field: &Field<'_>, text: impl AsRef<str>) {
        self.0.push(Cause::required(&field.path, text));
    }

    pub(super) fn forbidden(&mut self, field: &Field<'_>, text: impl AsRef<str>) {
        self.0.push(Cause::forbidden(&field.path, text));
    }

    pub(super) fn not_found(&mut self, field: &Field<'_>) {
        self.0.push(Cause::not_found(&field.path, field.value));
    }

    pub(super) fn duplicate(&mut self, field: &Field<'_>) {
        self.0.push(Cause::duplicate(&field.path, field.value));
    }

    /// One of these words.
    pub(super) fn one_of(&mut self, field: &Field<'_>, allowed: &[&str]) {
        if !allowed.contains(&field.text()) {
            let value = Value::from(field.text());
            self.0
                .push(Cause::not_supported(&field.path, &value, allowed));
        }
    }

    /// One of these words, and not absent.
    pub(super) fn required_one_of(&mut self, field: &Field<'_>, allowed: &[&str]) {
        match field.text() {
            "" => self.required(field, ""),
            _ => self.one_of(field, allowed),
        }
    }

    /// The number of a port.
    pub(super) fn port_number(&mut self, field: &Field<'_>) {
        if !(1..=65535).contains(&field.number()) {
            self.invalid_value(
                field,
                field.number(),
                "must be between 1 and 65535, inclusive",
            );
        }
    }

    pub(super) fn not_negative(&mut self, field: &Field<'_>) {
        if field.number() < 0 {
            self.invalid(field, "must be greater than or equal to 0");
        }
    }

    /// Equal to what it was.
    pub(super) fn immutable(&mut self, old: &Field<'_>, new: &Field<'_>) {
        if old.value != new.value {
            self.invalid(new, "field is immutable");
        }
    }

    /// A name that may be absent; its rule otherwise.
    pub(super) fn name(&mut self, field: &Field<'_>, rule: fn(&str) -> Vec<String>) {
        if !field.text().is_empty() {
            self.each(field, rule(field.text()));
        }
    }
}
