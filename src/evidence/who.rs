//! Who deleted a pod, by the first of these that knows: the log of requests, the reason that an eviction leaves, nobody.

use super::{Actor, Change, Index, Kind, Method, Request, Verb};

/// What took a pod away.
#[derive(Clone, Copy, Debug)]
pub enum Cause<'a> {
    /// A request of the subject.
    Subject(&'a Request),
    /// An eviction, a taint or a preemption, for this reason.
    Disruption(&'a str),
    /// A request of the scenario.
    Harness(&'a Request),
    /// Somebody whose requests are not seen, or the subject where its requests are not.
    Unknown,
}

/// Who asked first for the deletion of a pod, by UID. None while nobody has.
pub fn who_deleted<'a>(index: &Index<'a>, uid: &str) -> Option<Cause<'a>> {
    let changes = index
        .places_of(uid)
        .iter()
        .map(|place| &index.changes()[*place]);
    let mut going = changes.filter(|change| {
        change.object.meta().deletion_timestamp.is_some() || change.verb == Verb::Deleted
    });
    let first = going.next()?;
    // One that ends at once is first marked and then gone, by the same request, which is answered with the second.
    let second = going.next().filter(|next| next.verb == Verb::Deleted);
    let at_once = second.map(|next| next.version);
    let asked = |request: &&Request| deletes(request, first, at_once, uid);
    let mut requests: Vec<&Request> = index.evidence.log.requests.iter().filter(asked).collect();
    requests.sort_by_key(|request| request.answer.as_ref().map(|answer| answer.step));
    if let Some(request) = requests.first() {
        return Some(match request.actor {
            Actor::Subject => Cause::Subject(request),
            Actor::Harness => Cause::Harness(request),
        });
    }
    let disruption = first.object.as_pod().and_then(|pod| {
        let reason = crate::sets::condition(pod, "DisruptionTarget")?
            .reason
            .as_ref()?;
        Some(Cause::Disruption(reason))
    });
    Some(disruption.unwrap_or(Cause::Unknown))
}

fn deletes(request: &Request, gone: &Change, at_once: Option<u64>, uid: &str) -> bool {
    let object = &gone.object;
    let whole = request.method == Method::DeleteCollection;
    let one = request.method == Method::Delete && request.subresource.is_empty()
        || request.method == Method::Create && request.subresource == "eviction";
    let done = request.answer.as_ref().is_some_and(|answer| {
        answer.ok()
            && (whole
                || answer
                    .uid
                    .as_deref()
                    .is_none_or(|found| found == uid || request.method == Method::Create))
    });
    let named = whole || one && request.name == object.name();
    done && !request.dry_run
        && request.kind == Some(Kind::Pod)
        && request.namespace == object.namespace()
        && named
        && request.sent_at <= gone.at
        && request
            .answer
            .as_ref()
            .and_then(|answer| answer.version)
            .is_none_or(|version| version <= gone.version || Some(version) == at_once)
}
