//! Field selectors: `status.phase!=Running,metadata.name=web-0`.

use serde_json::Value;

use crate::mini::api::Status;

/// Comparisons that an object's fields must all satisfy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    field: String,
    equal: bool,
    value: String,
}

/// The fields by which objects of a kind can be selected, apart from name and namespace.
fn selectable(group_kind: &str) -> &'static [&'static str] {
    match group_kind {
        "Pod" => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        "Node" => &["spec.unschedulable"],
        "Event" => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        "events.k8s.io/Event" => &[
            "reason",
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "regarding.apiVersion",
            "regarding.resourceVersion",
            "regarding.fieldPath",
            "reportingController",
            "type",
        ],
        "Namespace" => &["status.phase"],
        "Secret" => &["type"],
        "Service" => &["spec.clusterIP", "spec.type"],
        _ => &[],
    }
}

/// Whether the kind's error text lists what is known, as kinds without fields of their own do.
fn refusal(group_kind: &str, field: &str) -> Status {
    Status::bad_request(match selectable(group_kind) {
        [] => format!(
            "{field:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        ),
        _ => format!("field label not supported: {field}"),
    })
}

impl Fields {
    /// Reads a field selector for objects of a kind.
    ///
    /// # Errors
    ///
    /// 400 for a text of another form or a field the kind cannot be selected by.
    pub fn parse(group_kind: &str, text: &str) -> Result<Self, Status> {
        let mut parts = split(text);
        parts.sort_unstable();
        let mut terms = Vec::new();
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            let (field, equal, value) = comparison(part).ok_or_else(|| {
                Status::bad_request(format!(
                    "invalid selector: '{text}'; can't understand '{part}'"
                ))
            })?;
            let field = match (group_kind, field) {
                ("Pod", "spec.host") => "spec.nodeName",
                _ => field,
            };
            let cluster_scoped = matches!(group_kind, "Node" | "Namespace");
            let known = field == "metadata.name"
                || (field == "metadata.namespace" && !cluster_scoped)
                || selectable(group_kind).contains(&field);
            if !known {
                return Err(refusal(group_kind, field));
            }
            terms.push(Term {
                field: field.to_owned(),
                equal,
                value: unescape(value)?,
            });
        }
        Ok(Self { terms })
    }

    /// Selects everything.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The only name that can be selected, if there is one.
    pub fn name(&self) -> Option<&str> {
        let mut terms = self.terms.iter();
        terms
            .find(|term| term.equal && term.field == "metadata.name")
            .map(|term| term.value.as_str())
    }

    /// Whether the object satisfies all comparisons.
    pub fn matches(&self, object: &Value) -> bool {
        self.terms
            .iter()
            .all(|term| (actual(object, &term.field) == term.value) == term.equal)
    }
}

/// The value a field is compared by; empty where there is none.
fn actual(object: &Value, field: &str) -> String {
    let path = match field {
        "status.podIP" => "/status/podIPs/0/ip".to_owned(),
        "source" => "/source/component".to_owned(),
        "reportingComponent" if object.pointer("/reportingComponent").is_none() => {
            "/reportingController".to_owned()
        }
        _ => format!("/{}", field.replace('.', "/")),
    };
    match object.pointer(&path) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(flag)) => flag.to_string(),
        _ if matches!(field, "spec.hostNetwork" | "spec.unschedulable") => "false".to_owned(),
        _ if field == "source" => actual(object, "reportingComponent"),
        _ => String::new(),
    }
}

/// The parts between commas that no backslash precedes.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn comparison(part: &str) -> Option<(&str, bool, &str)> {
    let at = part.char_indices().find_map(|(at, c)| {
        let rest = &part[at..];
        (c == '=' || rest.starts_with("!=")).then_some(at)
    })?;
    let (field, rest) = part.split_at(at);
    let (equal, value) = if let Some(value) = rest.strip_prefix("!=") {
        (false, value)
    } else {
        (true, rest.strip_prefix("==").unwrap_or(&rest[1..]))
    };
    Some((field, equal, value))
}

fn unescape(value: &str) -> Result<String, Status> {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(escaped @ ('\\' | ',' | '=')) => out.push(escaped),
                Some(other) => {
                    return Err(Status::bad_request(format!(
                        "invalid field selector: invalid escape sequence: \\{other}"
                    )));
                }
                None => {
                    return Err(Status::bad_request(
                        "invalid field selector: invalid escape sequence: \\",
                    ));
                }
            },
            ',' | '=' => {
                return Err(Status::bad_request(format!(
                    "invalid field selector: unescaped character in value: {c}"
                )));
            }
            _ => out.push(c),
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pods_are_selected_by_phase_and_node() {
        let pod = json!({"metadata": {"name": "web-0"}, "spec": {"nodeName": "n1"}, "status": {"phase": "Running"}});
        for (text, expected) in [
            ("", true),
            ("metadata.name=web-0", true),
            ("metadata.name==web-0,status.phase=Running", true),
            ("status.phase!=Running", false),
            ("spec.nodeName=", false),
            ("spec.host=n1", true),
            ("spec.hostNetwork=false", true),
        ] {
            let fields = Fields::parse("Pod", text).expect(text);
            assert_eq!(fields.matches(&pod), expected, "{text}");
        }
    }

    #[test]
    fn an_unknown_field_is_refused_in_the_words_of_its_kind() {
        let refused = |kind, text| {
            Fields::parse(kind, text)
                .expect_err("it is refused")
                .message
        };
        assert_eq!(
            refused("Pod", "spec.foo=b"),
            "field label not supported: spec.foo"
        );
        assert_eq!(
            refused("Pod", "spec.foo"),
            "invalid selector: 'spec.foo'; can't understand 'spec.foo'"
        );
        assert_eq!(
            refused("apps/StatefulSet", "spec.replicas=1"),
            "\"spec.replicas\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        );
    }
}
