//! Label selectors, and templates whose labels they have to match.

use super::{
    field::{Faults, Field},
    go, metadata, names,
};
use crate::mini::api::selector::Labels;

/// The faults inside a LabelSelector.
pub(super) fn selector(selector: &Field<'_>, faults: &mut Faults) {
    metadata::labels(&selector.get("matchLabels"), faults);
    for expression in selector.get("matchExpressions").items() {
        requirement(&expression, faults);
    }
}

fn requirement(expression: &Field<'_>, faults: &mut Faults) {
    let (operator, values) = (expression.get("operator"), expression.get("values"));
    match operator.text() {
        "In" | "NotIn" if values.len() == 0 => {
            faults.required(
                &values,
                "must be specified when `operator` is 'In' or 'NotIn'",
            );
        }
        "Exists" | "DoesNotExist" if values.len() > 0 => {
            let text = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            faults.forbidden(&values, text);
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        text => faults.invalid_value(&operator, text, "not a valid selector operator"),
    }
    let key = expression.get("key");
    metadata::label_key(&key, key.text(), faults);
    for value in values.items() {
        faults.each(&value, names::label_value(value.text()));
    }
}

/// The selector of a workload: it is required, and an empty one is of no use. `text` is said of one that cannot be
/// understood.
///
/// Answers with the selector if templates can be compared with it.
pub(super) fn of_workload(
    spec: &Field<'_>,
    empty: &str,
    text: &str,
    faults: &mut Faults,
) -> Option<Labels> {
    let field = spec.get("selector");
    if field.is_set() {
        selector(&field, faults);
        if field.get("matchLabels").len() + field.get("matchExpressions").len() == 0 {
            faults.invalid(&field, empty);
        }
    } else {
        faults.required(&field, "");
    }
    match Labels::of(field.value) {
        Ok(labels) => Some(labels),
        Err(_) => {
            let printed = go::selector(field.value);
            match text {
                "" => faults.0.push(crate::mini::api::Cause {
                    reason: "FieldValueInvalid",
                    field: field.path,
                    message: format!("Invalid value: {printed}"),
                }),
                _ => faults.invalid_as(&field, &printed, text),
            }
            None
        }
    }
}

/// A selector that may not change.
pub(super) fn immutable(old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    if old.value != new.value {
        faults.invalid_as(new, &go::selector(new.value), "field is immutable");
    }
}

/// A template whose labels its workload's selector does not select.
pub(super) fn template(template: &Field<'_>, selector: &Labels, faults: &mut Faults) {
    let labels = template.get("metadata").get("labels");
    if !selector.is_empty() && !selector.matches_labels(labels.value) {
        faults.invalid(&labels, "`selector` does not match template `labels`");
    }
}
