use super::*;
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

fn pod(name: &str, version: u64) -> Pod {
    let metadata = json!({"name": name, "namespace": "n", "resourceVersion": version.to_string()});
    serde_json::from_value(json!({ "metadata": metadata })).expect("a pod")
}

/// What the listeners hear: name, version before, version now.
fn heard(informer: &Informer<Pod>) -> Arc<Mutex<Vec<(String, u64, u64)>>> {
    let log = Arc::new(Mutex::new(Vec::new()));
    let to = Arc::clone(&log);
    informer.listen(move |change| {
        let of = |pod: &Option<Arc<Pod>>| pod.as_ref().map_or(0, |pod| version(&**pod));
        let line = (change.key.name.clone(), of(&change.old), of(&change.new));
        lock(&to).push(line);
    });
    log
}

#[test]
fn listeners_hear_what_is_there_and_then_each_change() {
    let informer = Informer::new();
    informer.replace(vec![pod("a", 1)]);
    let log = heard(&informer);
    informer.apply(pod("b", 2));
    informer.apply(pod("a", 3));
    informer.remove(&pod("b", 4));
    let expected = [("a", 0, 1), ("b", 0, 2), ("a", 1, 3), ("b", 2, 0)];
    let expected = expected.map(|(name, old, new)| (name.to_owned(), old, new));
    assert_eq!(*lock(&log), expected);
}

#[test]
fn a_new_list_replaces_what_was_known() {
    let informer = Informer::new();
    informer.replace(vec![pod("a", 1), pod("b", 2)]);
    let log = heard(&informer);
    lock(&log).clear();
    informer.replace(vec![pod("b", 5), pod("c", 6)]);
    let names: Vec<_> = informer
        .list()
        .iter()
        .map(|pod| Key::of(&**pod).name)
        .collect();
    assert_eq!(names, ["b", "c"]);
    assert_eq!(lock(&log).len(), 3, "b changed, c came, a went");
}

#[test]
fn what_was_learned_is_not_undone_by_older_events_nor_raises_the_dead() {
    let informer = Informer::new();
    informer.replace(vec![pod("a", 1)]);
    informer.learn(&pod("a", 3));
    informer.apply(pod("a", 2));
    let key = Key::new("n", "a");
    assert_eq!(informer.get(&key).map(|pod| version(&*pod)), Some(3));
    informer.remove(&pod("a", 4));
    informer.learn(&pod("a", 3));
    assert_eq!(informer.get(&key).map(|pod| version(&*pod)), None);
}
