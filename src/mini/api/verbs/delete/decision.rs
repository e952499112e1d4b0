//! What a deletion does to an object: a pure decision.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::DeleteOptions;
use crate::mini::api::{Status, meta, resources::Resource};

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Decision {
    /// Nothing: the deletion is under way.
    Pending,
    /// The object is removed.
    Remove,
    /// The object is written as it is here, and stays until something lets it go.
    Mark(Value),
    /// The object is written as it is here and then removed.
    MarkAndRemove(Value),
}

/// Decides on the deletion of an object.
///
/// # Errors
///
/// 409 if it is not the one that was meant.
pub(super) fn decide(
    resource: &Resource,
    object: &Value,
    options: &DeleteOptions,
) -> Result<Decision, Status> {
    meant(resource, object, options)?;
    if resource.kind == "Namespace" {
        return Ok(namespace(object, options));
    }
    let mut marked = object.clone();
    let graceful = match resource.kind {
        "Pod" => pod(&mut marked, options),
        _ => Grace::None,
    };
    if graceful == Grace::Pending {
        return Ok(Decision::Pending);
    }
    let finalizers = finalizers(resource, object, options);
    if !finalizers.is_empty() || !meta::finalizers(object).is_empty() {
        let value = (!finalizers.is_empty()).then(|| json!(finalizers));
        meta::set(&mut marked, "finalizers", value);
    }
    Ok(match graceful {
        Grace::None if finalizers.is_empty() => match marked == *object {
            true => Decision::Remove,
            false => Decision::MarkAndRemove(marked),
        },
        Grace::None => {
            mark(&mut marked, options.now);
            match marked == *object {
                true => Decision::Pending,
                false => Decision::Mark(marked),
            }
        }
        Grace::Seconds(0) if finalizers.is_empty() => Decision::MarkAndRemove(marked),
        Grace::Seconds(_) => Decision::Mark(marked),
        Grace::Pending => Decision::Pending,
    })
}

/// The object has the UID and the version that the client expects.
///
/// # Errors
///
/// 409 if it has not.
pub(crate) fn meant(
    resource: &Resource,
    object: &Value,
    options: &DeleteOptions,
) -> Result<(), Status> {
    let name = meta::text(object, "name");
    let conflict = |why: &str| Err(Status::conflict(resource.group, resource.kind, name, why));
    let uid = meta::text(object, "uid");
    if let Some(expected) = options.uid.as_deref().filter(|expected| *expected != uid) {
        return conflict(&format!(
            "the UID in the precondition ({expected}) does not match the UID in record ({uid}). The object might have been deleted and then recreated"
        ));
    }
    let version = meta::text(object, "resourceVersion");
    if let Some(expected) = options
        .version
        .as_deref()
        .filter(|expected| *expected != version)
    {
        return conflict(&format!(
            "the ResourceVersion in the precondition ({expected}) does not match the ResourceVersion in record ({version}). The object might have been modified"
        ));
    }
    Ok(())
}

/// Whether a deletion waits for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grace {
    /// The kind knows no grace, or there is none left.
    None,
    /// It waits already, and not longer than now asked for.
    Pending,
    /// The object has been marked to wait so long.
    Seconds(i64),
}

/// Marks a pod: its node may take so long to end it.
fn pod(pod: &mut Value, options: &DeleteOptions) -> Grace {
    if meta::is_terminating(pod) {
        let present = pod["metadata"]["deletionGracePeriodSeconds"].as_i64();
        let present = present.unwrap_or_default();
        return match options.grace_seconds {
            _ if present == 0 => Grace::None,
            Some(shorter) if shorter < present => {
                let shorter = shorter.max(0);
                let until = meta::text(pod, "deletionTimestamp").parse::<Timestamp>();
                let until = until.unwrap_or(options.now);
                grace(
                    pod,
                    until - SignedDuration::from_secs(present - shorter),
                    shorter,
                );
                Grace::Seconds(shorter)
            }
            _ => Grace::Pending,
        };
    }
    let own = pod["spec"]["terminationGracePeriodSeconds"].as_i64();
    let asked = options.grace_seconds.or(own).unwrap_or_default();
    let unscheduled = meta::at(pod, "/spec/nodeName").is_empty();
    let ended = matches!(meta::at(pod, "/status/phase"), "Succeeded" | "Failed");
    let seconds = match asked {
        _ if unscheduled || ended => 0,
        negative if negative < 0 => 1,
        seconds => seconds,
    };
    raise_generation(pod);
    grace(
        pod,
        options.now + SignedDuration::from_secs(seconds),
        seconds,
    );
    Grace::Seconds(seconds)
}

fn grace(object: &mut Value, until: Timestamp, seconds: i64) {
    meta::set(object, "deletionTimestamp", Some(meta::stamp(until).into()));
    meta::set(object, "deletionGracePeriodSeconds", Some(seconds.into()));
}

/// Marks an object that its finalizers hold back.
fn mark(object: &mut Value, now: Timestamp) {
    if object["metadata"]["deletionGracePeriodSeconds"].is_null() {
        raise_generation(object);
    }
    if !meta::is_terminating(object) {
        meta::set(object, "deletionTimestamp", Some(meta::stamp(now).into()));
    }
    meta::set(object, "deletionGracePeriodSeconds", Some(0.into()));
}

fn raise_generation(object: &mut Value) {
    if let Some(generation) = object["metadata"]["generation"]
        .as_i64()
        .filter(|now| *now > 0)
    {
        meta::set(object, "generation", Some((generation + 1).into()));
    }
}

/// The object's finalizers, with those that tell the garbage collector what becomes of its dependents.
fn finalizers(resource: &Resource, object: &Value, options: &DeleteOptions) -> Vec<String> {
    let present = meta::finalizers(object);
    let mut finalizers: Vec<String> = present
        .iter()
        .filter(|finalizer| !matches!(**finalizer, ORPHAN | FOREGROUND))
        .map(|finalizer| (*finalizer).to_owned())
        .collect();
    let before = present
        .iter()
        .copied()
        .find(|finalizer| matches!(*finalizer, ORPHAN | FOREGROUND));
    let told = match (options.orphan, options.propagation.as_deref()) {
        _ if resource.kind == "Event" => None,
        (Some(true), _) | (None, Some("Orphan")) => Some(ORPHAN),
        (None, Some("Foreground")) => Some(FOREGROUND),
        (Some(false), _) | (None, Some(_)) => None,
        (None, None) => before,
    };
    finalizers.extend(told.map(str::to_owned));
    finalizers
}

/// A namespace is emptied first; who empties it takes its last finalizer away.
fn namespace(object: &Value, options: &DeleteOptions) -> Decision {
    if meta::is_terminating(object) {
        let held = object["spec"]["finalizers"]
            .as_array()
            .is_some_and(|held| !held.is_empty());
        return match held || !meta::finalizers(object).is_empty() {
            true => Decision::Pending,
            false => Decision::Remove,
        };
    }
    let mut marked = object.clone();
    meta::set(
        &mut marked,
        "deletionTimestamp",
        Some(meta::stamp(options.now).into()),
    );
    marked["status"]["phase"] = "Terminating".into();
    Decision::Mark(marked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mini::api::resources::named;

    fn options(value: Value) -> DeleteOptions {
        let now = "2026-01-01T00:01:00Z".parse().unwrap();
        DeleteOptions::from_object(&value, now).unwrap()
    }

    fn running(meta: Value) -> Value {
        let mut meta = meta;
        meta["name"] = "web-0".into();
        meta["uid"] = "u1".into();
        json!({
            "metadata": meta, "status": {"phase": "Running"},
            "spec": {"nodeName": "node-1", "terminationGracePeriodSeconds": 30},
        })
    }

    fn decide_pod(pod: &Value, value: Value) -> Decision {
        decide(named("", "pods"), pod, &options(value)).unwrap()
    }

    #[test]
    fn a_running_pod_is_marked_until_its_grace_is_over() {
        let Decision::Mark(marked) = decide_pod(&running(json!({"generation": 1})), json!({}))
        else {
            panic!("not marked");
        };
        assert_eq!(
            marked["metadata"]["deletionTimestamp"],
            "2026-01-01T00:01:30Z"
        );
        assert_eq!(marked["metadata"]["deletionGracePeriodSeconds"], 30);
        assert_eq!(marked["metadata"]["generation"], 2);
        let again = decide_pod(&marked, json!({"gracePeriodSeconds": 60}));
        assert_eq!(again, Decision::Pending);
        let Decision::Mark(sooner) = decide_pod(&marked, json!({"gracePeriodSeconds": 10})) else {
            panic!("not shortened");
        };
        assert_eq!(
            sooner["metadata"]["deletionTimestamp"],
            "2026-01-01T00:01:10Z"
        );
        assert_eq!(sooner["metadata"]["generation"], 2);
        let now = decide_pod(&marked, json!({"gracePeriodSeconds": 0}));
        assert!(matches!(now, Decision::MarkAndRemove(_)), "{now:?}");
    }

    #[test]
    fn an_unscheduled_pod_and_an_ended_one_go_at_once() {
        let mut unscheduled = running(json!({}));
        unscheduled["spec"]["nodeName"] = Value::Null;
        let mut ended = running(json!({}));
        ended["status"]["phase"] = "Failed".into();
        for pod in [unscheduled, ended] {
            let decision = decide_pod(&pod, json!({}));
            assert!(
                matches!(decision, Decision::MarkAndRemove(_)),
                "{decision:?}"
            );
        }
    }

    #[test]
    fn finalizers_hold_an_object_and_propagation_adds_them() {
        let sets = named("apps", "statefulsets");
        let set = json!({"metadata": {"name": "web", "generation": 3}});
        assert_eq!(
            decide(sets, &set, &options(json!({}))).unwrap(),
            Decision::Remove
        );
        for (policy, finalizer) in [("Orphan", ORPHAN), ("Foreground", FOREGROUND)] {
            let decision = decide(sets, &set, &options(json!({"propagationPolicy": policy})));
            let Ok(Decision::Mark(marked)) = decision else {
                panic!("not marked");
            };
            assert_eq!(marked["metadata"]["finalizers"], json!([finalizer]));
            assert_eq!(marked["metadata"]["generation"], 4);
            assert_eq!(marked["metadata"]["deletionGracePeriodSeconds"], 0);
            let again = decide(sets, &marked, &options(json!({}))).unwrap();
            assert_eq!(again, Decision::Pending);
        }
    }

    #[test]
    fn another_uid_is_a_conflict() {
        let pod = running(json!({}));
        let options = options(json!({"preconditions": {"uid": "u2"}}));
        let refused = decide(named("", "pods"), &pod, &options).unwrap_err();
        assert_eq!(refused.code, 409);
        assert_eq!(
            refused.message,
            "Operation cannot be fulfilled on Pod \"web-0\": the UID in the precondition (u2) does not match the UID in record (u1). The object might have been deleted and then recreated"
        );
    }
}
