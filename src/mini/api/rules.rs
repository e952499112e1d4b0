//! What differs between API servers: their version and their feature gates.

use serde_json::Value;

/// The version that a server emulates, and the gates that change what it accepts of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Major and minor version.
    pub version: (u16, u16),
    /// MaxUnavailableStatefulSet: without it the field is dropped.
    pub max_unavailable: bool,
    /// StatefulSetRecreateStrategy: with it that strategy is accepted.
    pub recreate: bool,
}

impl Default for Rules {
    /// As Kubernetes 1.37 has them.
    fn default() -> Self {
        Self {
            version: (1, 37),
            max_unavailable: true,
            recreate: false,
        }
    }
}

impl Rules {
    /// Before defaults are filled in: whether the set leaves maxUnavailable to its default. With its gate off the field is
    /// dropped, unless the stored set has one.
    pub(super) fn drop_disabled(
        self,
        group_kind: &str,
        old: Option<&Value>,
        new: &mut Value,
    ) -> bool {
        if group_kind != "apps/StatefulSet" || self.max_unavailable {
            return false;
        }
        let is_used = |set: &Value| {
            set.pointer(MAX_UNAVAILABLE)
                .is_some_and(|value| !value.is_null())
        };
        if !old.is_some_and(is_used) {
            remove(new);
        }
        !is_used(new)
    }

    /// After defaults were filled in: takes away what a gate that is off does not fill in.
    pub(super) fn undo_default(self, omitted: bool, new: &mut Value) {
        if omitted {
            remove(new);
        }
    }
}

const MAX_UNAVAILABLE: &str = "/spec/updateStrategy/rollingUpdate/maxUnavailable";

fn remove(set: &mut Value) {
    let block = set.pointer_mut("/spec/updateStrategy/rollingUpdate");
    if let Some(block) = block.and_then(Value::as_object_mut) {
        block.remove("maxUnavailable");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::mini::api::defaults;

    fn set(block: Value) -> Value {
        json!({"spec": {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": block}}})
    }

    fn stored(rules: Rules, old: Option<&Value>, block: Value) -> Value {
        let mut new = set(block);
        let omitted = rules.drop_disabled("apps/StatefulSet", old, &mut new);
        defaults::default("apps/StatefulSet", &mut new);
        rules.undo_default(omitted, &mut new);
        new["spec"]["updateStrategy"]["rollingUpdate"].take()
    }

    #[test]
    fn max_unavailable_is_stored_only_with_its_gate() {
        let on = Rules::default();
        let off = Rules {
            max_unavailable: false,
            ..on
        };
        let (with, without) = (
            json!({"partition": 0, "maxUnavailable": 2}),
            json!({"partition": 0}),
        );
        let used = set(with.clone());
        for (rules, old, sent, expected) in [
            (
                on,
                None,
                json!({}),
                json!({"partition": 0, "maxUnavailable": 1}),
            ),
            (on, None, with.clone(), with.clone()),
            (off, None, json!({}), without.clone()),
            (off, None, with.clone(), without.clone()),
            (off, Some(&used), with.clone(), with),
            (off, Some(&used), json!({}), without),
        ] {
            assert_eq!(
                stored(rules, old, sent.clone()),
                expected,
                "{rules:?} {sent}"
            );
        }
    }
}
