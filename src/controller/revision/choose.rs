//! Which revision a set goes to: one that there is, or a new one.

use std::{cell::LazyCell, sync::Arc};

use k8s_openapi::{api::apps::v1::ControllerRevision, apimachinery::pkg::runtime::RawExtension};
use kube::api::ObjectMeta;
use serde_json::Value;

use super::{HASH_LABEL, encode, hash, name, same::says_the_same};
use crate::controller::set::Set;

/// What becomes the update revision.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// One that there is, as it is.
    Listed(Arc<ControllerRevision>),
    /// One that there is, with this number: a rollback.
    Raised(Arc<ControllerRevision>, i64),
    /// A new one with this number.
    New(i64),
}

/// Sorts revisions by number, then age, then name.
pub fn sort(revisions: &mut [Arc<ControllerRevision>]) {
    revisions.sort_by_cached_key(|revision| {
        let meta = &revision.metadata;
        let created = meta.creation_timestamp.as_ref().map(|time| time.0);
        (
            revision.revision.unwrap_or_default(),
            created,
            meta.name.clone(),
        )
    });
}

/// Chooses for a set whose template's data is `wanted`, among its revisions in order.
///
/// One of equal bytes is taken, the newest first. Failing that the newest is taken if it says the same in other words
/// (missing defaults, nulls of older versions), where `semantic` allows it.
pub fn choose(sorted: &[Arc<ControllerRevision>], wanted: &Value, semantic: bool) -> Choice {
    let bytes = LazyCell::new(|| encode(wanted));
    // Equal values have equal bytes, and mostly they are equal.
    let equal = |revision: &&Arc<ControllerRevision>| {
        let data = &revision.data.0;
        data == wanted || encode(data) == *bytes
    };
    let Some(newest) = sorted.last() else {
        return Choice::New(1);
    };
    let next = newest.revision.unwrap_or_default().saturating_add(1);
    match sorted.iter().rfind(equal) {
        Some(revision) if Arc::ptr_eq(revision, newest) => Choice::Listed(Arc::clone(newest)),
        Some(revision) => Choice::Raised(Arc::clone(revision), next),
        None if semantic && says_the_same(&newest.data.0, wanted) => {
            Choice::Listed(Arc::clone(newest))
        }
        None => Choice::New(next),
    }
}

/// A new revision, named for the data and the count.
pub fn create(set: &Set, wanted: &Value, number: i64, count: i32) -> ControllerRevision {
    let hash = hash(&encode(wanted), count);
    let labels = set.spec.template.metadata.as_ref();
    let mut labels = labels
        .and_then(|meta| meta.labels.clone())
        .unwrap_or_default();
    labels.insert(HASH_LABEL.to_owned(), hash.clone());
    ControllerRevision {
        metadata: ObjectMeta {
            name: Some(name(set.name(), &hash)),
            namespace: set.meta.namespace.clone(),
            labels: Some(labels),
            annotations: set.meta.annotations.clone(),
            owner_references: Some(vec![set.owner_reference()]),
            ..ObjectMeta::default()
        },
        data: RawExtension(wanted.clone()),
        revision: Some(number),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::controller::{
        revision::{data, defaults},
        set::tests::set,
    };

    fn listed(name: &str, number: i64, data: Value) -> Arc<ControllerRevision> {
        Arc::new(
            serde_json::from_value(
                json!({"metadata": {"name": name}, "revision": number, "data": data}),
            )
            .expect("a revision"),
        )
    }

    fn template(image: &str) -> Value {
        data(json!({"spec": {"containers": [{"name": "c", "image": image, "resources": {}}]}}))
    }

    #[test]
    fn equal_bytes_are_reused_and_a_rollback_gets_the_highest_number() {
        let mut sorted = vec![
            listed("c", 3, template("c")),
            listed("b", 2, template("b")),
            listed("a", 1, template("a")),
        ];
        sort(&mut sorted);
        let choose = |image| choose(&sorted, &template(image), true);
        assert_eq!(choose("c"), Choice::Listed(Arc::clone(&sorted[2])));
        assert_eq!(choose("a"), Choice::Raised(Arc::clone(&sorted[0]), 4));
        assert_eq!(choose("d"), Choice::New(4));
        assert_eq!(super::choose(&[], &template("a"), true), Choice::New(1));
    }

    #[test]
    fn the_newest_may_say_the_same_in_the_words_of_an_older_version() {
        let mut old = template("a");
        old["spec"]["template"]["metadata"] = json!({"creationTimestamp": null});
        let mut wanted = template("a")["spec"]["template"].clone();
        defaults::fill(&mut wanted);
        wanted["metadata"] = json!({});
        let wanted = data(wanted);
        let newest = vec![listed("a", 1, old.clone())];
        assert_eq!(
            choose(&newest, &wanted, true),
            Choice::Listed(Arc::clone(&newest[0]))
        );
        assert_eq!(choose(&newest, &wanted, false), Choice::New(2));
        let older = vec![listed("a", 1, old), listed("b", 2, template("b"))];
        assert_eq!(choose(&older, &wanted, true), Choice::New(3));
    }

    #[test]
    fn a_new_revision_is_labelled_owned_and_named() {
        let mut set = set(json!({}));
        set.meta.annotations = Some([("note".to_owned(), "x".to_owned())].into());
        let revision = create(&set, &template("a"), 7, 1);
        let bytes = encode(&template("a"));
        let meta = &revision.metadata;
        assert_eq!(
            meta.name.as_deref(),
            Some(name("web", &hash(&bytes, 1)).as_str())
        );
        let labels = meta.labels.as_ref().expect("labels");
        assert_eq!(labels[HASH_LABEL], hash(&bytes, 1));
        assert_eq!(labels["app"], "web");
        assert_eq!(meta.annotations, set.meta.annotations);
        assert!(set.controls(meta));
        assert_eq!(revision.revision, Some(7));
    }
}
