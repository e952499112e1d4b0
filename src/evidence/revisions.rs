//! Which revision stands for which version of a set's template.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Index, Kind};

/// The names that the update revision of each generation of one set may have: those that a status which observed that
/// generation gives, and those of its revisions whose data is that generation's template.
pub struct Updates<'a> {
    names: BTreeMap<i64, BTreeSet<&'a str>>,
    /// The template of each generation from its first on.
    templates: BTreeMap<i64, usize>,
}

impl<'a> Updates<'a> {
    /// Finds them for a set.
    pub fn of(index: &Index<'a>, life: usize) -> Self {
        let mut names: BTreeMap<i64, BTreeSet<&str>> = BTreeMap::new();
        let mut firsts: BTreeMap<i64, usize> = BTreeMap::new();
        for place in &index.lives()[life].places {
            let Some(set) = index.changes()[*place].object.as_set() else {
                continue;
            };
            firsts
                .entry(set.metadata.generation.unwrap_or_default())
                .or_insert(*place);
            let status = set.status.as_ref();
            let observed = status.and_then(|status| status.observed_generation);
            let named = status
                .and_then(|status| status.update_revision.as_deref())
                .filter(|name| !name.is_empty());
            if let (Some(observed), Some(name)) = (observed, named) {
                names.entry(observed).or_default().insert(name);
            }
        }
        let revisions = revisions(index, life);
        let mut kinds: Vec<Value> = Vec::new();
        let mut templates = BTreeMap::new();
        for (generation, place) in firsts {
            let set = index.changes()[place].object.as_set();
            let template = set.map(|set| serde_json::to_value(&set.spec.template));
            let template = plain(template.and_then(Result::ok).unwrap_or_default());
            let same = revisions.iter().filter(|(_, data)| *data == template);
            for (name, _) in same {
                names.entry(generation).or_default().insert(name);
            }
            let known = kinds.iter().position(|kind| *kind == template);
            let known = known.unwrap_or_else(|| {
                kinds.push(template);
                kinds.len() - 1
            });
            templates.insert(generation, known);
        }
        Self { names, templates }
    }

    /// The names for a generation; empty if none is known.
    pub fn names(&self, generation: i64) -> impl Iterator<Item = &'a str> + '_ {
        self.names.get(&generation).into_iter().flatten().copied()
    }

    /// A name may be that of a generation's update revision; without any known name it may.
    pub fn may_be(&self, generation: i64, name: &str) -> bool {
        self.names
            .get(&generation)
            .is_none_or(|names| names.contains(name))
    }

    /// A name may be another one's than the update revision's of a generation.
    pub fn may_be_old(&self, generation: i64, name: &str) -> bool {
        let only = |names: &BTreeSet<&str>| names.len() == 1 && names.contains(name);
        !self.names.get(&generation).is_some_and(only)
    }

    /// Two generations have the same template.
    pub fn same_template(&self, one: i64, other: i64) -> bool {
        self.templates.get(&one) == self.templates.get(&other)
    }
}

fn revisions<'a>(index: &Index<'a>, life: usize) -> Vec<(&'a str, Value)> {
    let courses = index.lives()[life]
        .revisions
        .iter()
        .map(|course| index.course(*course));
    let firsts = courses
        .filter(|course| course.kind == Kind::Revision)
        .filter_map(|course| course.places.first());
    firsts
        .filter_map(|place| {
            let object = &index.changes()[*place].object;
            let data = &object.as_revision()?.data.0;
            Some((object.name(), plain(data["spec"]["template"].clone())))
        })
        .collect()
}

/// A template without what may be there or not: directives, nulls, empty lists and maps.
fn plain(value: Value) -> Value {
    let hollow = |value: &Value| match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(map) => {
            let fields = map
                .into_iter()
                .filter(|(key, _)| key != "$patch")
                .map(|(key, value)| (key, plain(value)));
            Value::Object(fields.filter(|(_, value)| !hollow(value)).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(plain).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn templates_are_equal_whatever_they_leave_out() {
        let stored = json!({"$patch": "replace", "metadata": {"creationTimestamp": null, "labels": {"a": "b"}}, "spec": {"securityContext": {}}});
        assert_eq!(plain(stored), json!({"metadata": {"labels": {"a": "b"}}}));
    }
}
