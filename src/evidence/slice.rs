//! A stretch of the history in short lines, for those who read a failure.

use std::fmt::Write as _;

use jiff::Timestamp;
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::Pod};

use super::{Change, Object, Verb};
use crate::sets;

/// Lines for these changes, at most `limit` of them, the last ones; each says the version, the time since the first
/// change of the history, the object and what it was then.
pub fn slice<'a>(
    start: Timestamp,
    changes: impl IntoIterator<Item = &'a Change>,
    limit: usize,
) -> Vec<String> {
    let changes: Vec<&Change> = changes.into_iter().collect();
    let skipped = changes.len().saturating_sub(limit);
    let mut lines: Vec<String> = Vec::new();
    if skipped > 0 {
        lines.push(format!("({skipped} earlier)"));
    }
    lines.extend(changes[skipped..].iter().map(|change| line(start, change)));
    lines
}

/// One line for a change.
pub fn line(start: Timestamp, change: &Change) -> String {
    let since = change.at.duration_since(start).as_secs_f64();
    let verb = match change.verb {
        Verb::Added if change.initial => "was there",
        Verb::Added => "added",
        Verb::Modified => "is",
        Verb::Deleted => "removed",
    };
    let object = &change.object;
    let mut text = format!(
        "{:>6} {since:>9.3}s {} {} {verb}",
        change.version,
        object.kind(),
        object.name()
    );
    if change.verb != Verb::Deleted {
        let what = state(object);
        if !what.is_empty() {
            let _ = write!(text, ": {what}");
        }
    }
    text
}

fn state(object: &Object) -> String {
    let mut words = Vec::new();
    if object.meta().deletion_timestamp.is_some() {
        words.push("terminating".to_owned());
    }
    match object {
        Object::Set(set) => set_words(set, &mut words),
        Object::Pod(pod) => pod_words(pod, &mut words),
        Object::Claim(claim) => {
            let phase = claim
                .status
                .as_ref()
                .and_then(|status| status.phase.clone());
            words.extend(phase);
            let owners = claim.metadata.owner_references.iter().flatten();
            words.extend(owners.map(|owner| format!("owned by {} {}", owner.kind, owner.name)));
        }
        Object::Revision(revision) => {
            words.push(format!("number {}", revision.revision.unwrap_or_default()));
        }
        Object::Event(event) => words.push(format!(
            "{} {:?}",
            event.reason.as_deref().unwrap_or_default(),
            event.message.as_deref().unwrap_or_default()
        )),
        Object::EndpointSlice(slice) => {
            let endpoints = slice.endpoints.iter().flatten();
            words.extend(endpoints.map(|endpoint| {
                let ready = endpoint
                    .conditions
                    .as_ref()
                    .and_then(|conditions| conditions.ready)
                    .unwrap_or(true);
                format!(
                    "{}{}",
                    endpoint.addresses.join(" "),
                    if ready { "" } else { " (not ready)" }
                )
            }));
        }
        Object::Service(_) | Object::Deployment(_) | Object::ReplicaSet(_) => {}
    }
    words.join(", ")
}

fn set_words(set: &StatefulSet, words: &mut Vec<String>) {
    let wanted = super::Wanted::of(set);
    words.push(format!(
        "generation {}, {} replicas",
        wanted.generation, wanted.replicas
    ));
    if wanted.start != 0 {
        words.push(format!("from {}", wanted.start));
    }
    if wanted.partition != 0 {
        words.push(format!("partition {}", wanted.partition));
    }
    let Some(status) = &set.status else {
        return;
    };
    words.push(format!(
        "status of {}: {} pods, {} ready, {} available, {} current {:?}, {} updated {:?}",
        status.observed_generation.unwrap_or_default(),
        status.replicas,
        status.ready_replicas.unwrap_or_default(),
        status.available_replicas.unwrap_or_default(),
        status.current_replicas.unwrap_or_default(),
        status.current_revision.as_deref().unwrap_or_default(),
        status.updated_replicas.unwrap_or_default(),
        status.update_revision.as_deref().unwrap_or_default(),
    ));
}

fn pod_words(pod: &Pod, words: &mut Vec<String>) {
    let phase = pod.status.as_ref().and_then(|status| status.phase.clone());
    words.extend(phase);
    if sets::is_ready(pod) {
        words.push("Ready".to_owned());
    }
    let revision = sets::revision_of(pod);
    if !revision.is_empty() {
        words.push(format!("revision {revision}"));
    }
}
