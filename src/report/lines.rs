//! Evidence in lines.

use serde_json::Value;

use super::Line;
use crate::evidence::{Actor, Change, Evidence, Kind, Object, Request, Verb};

/// How many writes of the subject the cluster accepted; events and leases do not count, they decide nothing.
pub fn writes_of_the_subject(evidence: &Evidence) -> usize {
    let accepted = |request: &&Request| {
        request.actor == Actor::Subject
            && request.method.writes()
            && !["events", "leases"].contains(&request.plural.as_str())
            && request
                .answer
                .as_ref()
                .is_some_and(crate::evidence::Answer::ok)
    };
    evidence.log.requests.iter().filter(accepted).count()
}

/// The last changes of sets, pods, claims and revisions, the last writes and the faults, in the order of time.
pub fn last(evidence: &Evidence, count: usize) -> Vec<Line> {
    let told = [Kind::Set, Kind::Pod, Kind::Claim, Kind::Revision];
    let changes = evidence
        .history
        .changes()
        .iter()
        .filter(|change| told.contains(&change.object.kind()));
    let writes = evidence
        .log
        .requests
        .iter()
        .filter(|request| request.method.writes() && request.plural != "events");
    // At the same time versions tell the order, and a write comes before the change that it makes.
    let mut last_version = 0;
    let mut all: Vec<_> = Vec::new();
    for write in writes {
        let line = request(write);
        last_version = line.version.unwrap_or(last_version);
        all.push((write.sent_at, last_version, 0, line));
    }
    all.extend(evidence.log.faults.iter().map(|fault| {
        let line = Line {
            version: None,
            at: time(fault.from),
            object: "fault".to_owned(),
            what: fault.what.clone(),
        };
        (fault.from, 0, 0, line)
    }));
    all.extend(changes.map(|seen| (seen.at, seen.version, 1, change(seen))));
    all.sort_by_key(|(at, version, rank, _)| (*at, *version, *rank));
    let first = all.len().saturating_sub(count);
    all.drain(first..).map(|(.., line)| line).collect()
}

/// A change of an object.
pub fn change(change: &Change) -> Line {
    let verb = match change.verb {
        Verb::Added => "added",
        Verb::Modified => "changed",
        Verb::Deleted => "gone",
    };
    let state = state(&change.object);
    Line {
        version: Some(change.version),
        at: time(change.at),
        object: format!("{} {}", change.object.kind(), change.object.name()),
        what: if state.is_empty() {
            verb.to_owned()
        } else {
            format!("{verb}: {state}")
        },
    }
}

/// A request and its answer.
pub fn request(request: &Request) -> Line {
    let who = match request.actor {
        Actor::Subject => "the subject",
        Actor::Harness => "the scenario",
    };
    let method = format!("{:?}", request.method).to_lowercase();
    let subresource = if request.subresource.is_empty() {
        String::new()
    } else {
        format!(" of {}", request.subresource)
    };
    let answer = match &request.answer {
        None => "no answer".to_owned(),
        Some(answer) if request.lost => format!("{}, which never reached it", answer.code),
        Some(answer) if answer.ok() => answer.code.to_string(),
        Some(answer) => format!("{} {}", answer.code, answer.reason),
    };
    let kind = request
        .kind
        .map_or_else(|| request.plural.clone(), |kind| kind.to_string());
    Line {
        version: request.answer.as_ref().and_then(|answer| answer.version),
        at: time(request.sent_at),
        object: format!("{kind} {}", request.name).trim_end().to_owned(),
        what: format!("{who} asks: {method}{subresource}, {answer}"),
    }
}

/// The time of day with milliseconds: a scenario begins at midnight of its clock.
fn time(at: jiff::Timestamp) -> String {
    at.strftime("%H:%M:%S%.3f").to_string()
}

fn state(object: &Object) -> String {
    let value = match object {
        Object::Set(set) => serde_json::to_value(&**set),
        Object::Pod(pod) => serde_json::to_value(&**pod),
        Object::Claim(claim) => serde_json::to_value(&**claim),
        Object::Revision(revision) => return format!("number {}", revision.revision.unwrap_or(0)),
        _ => return String::new(),
    };
    let value = value.unwrap_or_default();
    let words = match object {
        Object::Set(_) => of_set(&value),
        Object::Pod(_) => of_pod(&value),
        _ => vec![text(&value["status"]["phase"])],
    };
    words
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

fn of_set(set: &Value) -> Vec<String> {
    let (meta, spec, status) = (&set["metadata"], &set["spec"], &set["status"]);
    let number = |value: &Value| value.as_i64().unwrap_or(0);
    let mut words = vec![
        format!("generation {}", number(&meta["generation"])),
        format!("replicas {}", number(&spec["replicas"])),
        format!(
            "status observed {}, replicas {}, ready {}, updated {}",
            number(&status["observedGeneration"]),
            number(&status["replicas"]),
            number(&status["readyReplicas"]),
            number(&status["updatedReplicas"])
        ),
    ];
    let partition = &spec["updateStrategy"]["rollingUpdate"]["partition"];
    words.extend(
        partition
            .as_i64()
            .filter(|partition| *partition > 0)
            .map(|partition| format!("partition {partition}")),
    );
    words.push(terminating(meta));
    words
}

fn of_pod(pod: &Value) -> Vec<String> {
    let conditions = pod["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let ready = conditions
        .iter()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    let revision = text(&pod["metadata"]["labels"]["controller-revision-hash"]);
    let uid = text(&pod["metadata"]["uid"]);
    vec![
        text(&pod["status"]["phase"]),
        if ready {
            "Ready".to_owned()
        } else {
            String::new()
        },
        terminating(&pod["metadata"]),
        if revision.is_empty() {
            revision
        } else {
            format!("revision {revision}")
        },
        format!("uid {}", uid.get(..8).unwrap_or(&uid)),
    ]
}

fn terminating(meta: &Value) -> String {
    if meta["deletionTimestamp"].is_null() {
        String::new()
    } else {
        "terminating".to_owned()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
