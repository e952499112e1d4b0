use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::{Graph, Step};
use crate::mini::agents::{
    Key,
    kinds::Kind,
    testing::{object, over},
};

/// A graph of objects, each with its UID and what else its metadata has.
fn graph(objects: &[(&str, Value)]) -> Graph {
    let mut graph = Graph::default();
    for (uid, meta) in objects {
        let meta = meta_of(uid, meta);
        graph.note(kind(), &Key::new("default", *uid), None, Some(&meta));
    }
    graph
}

fn kind() -> &'static Kind {
    Kind::find("v1", "Pod").expect("a known kind")
}

fn meta_of(uid: &str, meta: &Value) -> ObjectMeta {
    object(over(
        json!({"name": uid, "uid": uid, "resourceVersion": "1"}),
        meta,
    ))
}

fn remove(graph: &mut Graph, uid: &str) -> Vec<String> {
    let gone = meta_of(uid, &json!({}));
    graph.note(kind(), &Key::new("default", uid), Some(&gone), None)
}

fn owned(by: &[&str]) -> Value {
    let owners = by.iter().map(|uid| {
        json!({"apiVersion": "v1", "kind": "Pod", "name": uid, "uid": uid, "blockOwnerDeletion": true})
    });
    json!({"ownerReferences": owners.collect::<Vec<_>>()})
}

fn deleting(finalizer: &str) -> Value {
    json!({"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": [finalizer]})
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn what_loses_its_last_owner_goes_and_what_has_another_one_forgets() {
    let mut graph = graph(&[
        ("a", json!({})),
        ("b", json!({})),
        ("one", owned(&["a"])),
        ("two", owned(&["a", "b"])),
    ]);
    assert_eq!(graph.step("one"), Step::Rest);
    assert_eq!(remove(&mut graph, "a"), ["one", "two"]);
    assert_eq!(graph.step("one"), Step::Delete("Background"));
    assert_eq!(graph.step("two"), Step::Forget(texts(&["a"])));
    assert_eq!(graph.step("b"), Step::Rest);
}

#[test]
fn an_owner_that_nobody_saw_is_asked_for_once() {
    let mut graph = graph(&[("one", owned(&["a"])), ("two", owned(&["b"]))]);
    assert!(
        matches!(graph.step("one"), Step::Ask(owners) if owners.len() == 1 && owners[0].uid == "a")
    );
    graph.answer("a".to_owned(), false);
    graph.answer("b".to_owned(), true);
    assert_eq!(graph.step("one"), Step::Delete("Background"));
    assert_eq!(graph.step("two"), Step::Rest);
}

#[test]
fn an_owner_deleted_in_the_foreground_waits_for_those_that_block_it() {
    let free =
        json!({"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "a"}]});
    let mut graph = graph(&[
        ("a", deleting("foregroundDeletion")),
        ("free", free),
        ("leaf", owned(&["a"])),
        ("twig", owned(&["a"])),
        ("bud", owned(&["twig"])),
    ]);
    assert_eq!(
        graph.step("a"),
        Step::Look(texts(&["free", "leaf", "twig"]))
    );
    assert_eq!(graph.step("leaf"), Step::Delete("Background"));
    assert_eq!(graph.step("twig"), Step::Delete("Foreground"));
    assert_eq!(graph.step("bud"), Step::Rest);
    assert_eq!(remove(&mut graph, "leaf"), ["a"]);
    assert_eq!(remove(&mut graph, "twig"), ["a", "bud"]);
    assert_eq!(graph.step("a"), Step::Release("foregroundDeletion"));
}

#[test]
fn orphans_are_set_free_before_their_owner_goes() {
    let graph = graph(&[
        ("a", deleting("orphan")),
        ("one", owned(&["a"])),
        ("two", owned(&["a"])),
    ]);
    assert_eq!(graph.step("a"), Step::Orphan(texts(&["one", "two"])));
    assert_eq!(graph.step("one"), Step::Rest);
}

#[test]
fn an_object_held_by_somebody_elses_finalizer_is_waited_for() {
    let graph = graph(&[("a", deleting("example.com/hold")), ("one", owned(&["a"]))]);
    assert_eq!(graph.step("a"), Step::Rest);
    assert_eq!(graph.step("one"), Step::Rest);
}

#[test]
fn the_same_name_with_another_uid_is_another_owner() {
    let mut graph = graph(&[("a", json!({})), ("one", owned(&["a"]))]);
    let (old, new) = (
        meta_of("a", &json!({})),
        meta_of("a", &json!({"uid": "new"})),
    );
    assert_eq!(
        graph.note(kind(), &Key::new("default", "a"), Some(&old), Some(&new)),
        ["one"]
    );
    assert_eq!(graph.step("one"), Step::Delete("Background"));
}
