//! Events tell what was done, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;

use super::{Judging, Tally, calm::later};
use crate::{
    evidence::{Act, Actor, Kind, Method, Verb},
    sets,
};

/// What an event says was done to what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Deed<'a> {
    verb: &'a str,
    kind: Kind,
    name: &'a str,
}

/// Reads the message of an event of success.
fn deed(message: &str) -> Option<Deed<'_>> {
    let words: Vec<&str> = message.split(' ').collect();
    let (verb, kind, name) = match words.as_slice() {
        [verb, "Pod", name, "in", "StatefulSet", _, "successful"] => (*verb, Kind::Pod, *name),
        [
            verb,
            "Claim",
            name,
            "Pod",
            _,
            "in",
            "StatefulSet",
            _,
            "success",
        ] => (*verb, Kind::Claim, *name),
        _ => return None,
    };
    let verb = ["create", "update", "delete"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(verb))?;
    Some(Deed { verb, kind, name })
}

struct Told<'a> {
    event: &'a Event,
    place: usize,
    count: usize,
}

/// The last state of each event about a set, but for those that the scenario made.
fn told<'a>(judging: &Judging<'a>, life: usize) -> Vec<Told<'a>> {
    let index = judging.index;
    let set = &index.lives()[life];
    let requests = index.evidence.log.requests.iter();
    let planted: BTreeSet<&str> = requests
        .filter(|request| request.actor == Actor::Harness && request.kind == Some(Kind::Event))
        .map(|request| request.name.as_str())
        .collect();
    let courses = index
        .named(Kind::Event, set.namespace)
        .map(|course| index.course(course));
    let mut found = Vec::new();
    for course in courses {
        let states = course
            .places
            .iter()
            .rev()
            .map(|place| (*place, &index.changes()[*place]));
        let Some((place, change)) = states
            .into_iter()
            .find(|(_, change)| change.verb != Verb::Deleted)
        else {
            continue;
        };
        let crate::evidence::Object::Event(event) = &change.object else {
            continue;
        };
        if event.involved_object.uid.as_deref() != Some(set.uid) || planted.contains(course.name) {
            continue;
        }
        let series = event.series.as_ref().and_then(|series| series.count);
        let count = event.count.unwrap_or(1).max(series.unwrap_or(1)).max(1);
        found.push(Told {
            event,
            place,
            count: usize::try_from(count).unwrap_or(1),
        });
    }
    found
}

/// `inv-events-true`
pub fn are_true(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    let index = judging.index;
    let done = deeds(judging);
    for number in 0..index.lives().len() {
        let namespace = index.lives()[number].namespace;
        let mut said: BTreeMap<Deed<'_>, (usize, usize)> = BTreeMap::new();
        for told in told(judging, number) {
            let success = told
                .event
                .reason
                .as_deref()
                .is_some_and(|reason| reason.starts_with("Successful"));
            if let Some(deed) = told
                .event
                .message
                .as_deref()
                .filter(|_| success)
                .and_then(deed)
            {
                let (count, place) = said.entry(deed).or_default();
                *count += told.count;
                *place = told.place.max(*place);
            }
        }
        for (deed, (count, place)) in said {
            if judging.seen(deed.kind, 0, place).is_err() {
                tally.undecided(format!(
                    "not all that happened to the {}s was seen",
                    deed.kind
                ));
                continue;
            }
            let done = done.get(&(namespace, deed.clone())).copied().unwrap_or(0);
            if count <= done {
                tally.strict();
            } else {
                let Deed { verb, kind, name } = deed;
                let seen = format!(
                    "events say {count} times that {verb} of {kind} {name} succeeded, it did {done} times"
                );
                tally.violated(number, place + 1, &[], seen);
            }
        }
    }
}

/// How often the subject did what an event may tell of, by namespace.
fn deeds<'a>(judging: &Judging<'a>) -> BTreeMap<(&'a str, Deed<'a>), usize> {
    let mut found = BTreeMap::new();
    let requests = judging.index.evidence.log.requests.iter();
    for request in requests.filter(|request| request.actor == Actor::Subject) {
        let verb = match (request.method, request.subresource.as_str()) {
            (Method::Create, "") => "create",
            (Method::Delete, _) | (Method::Create, "eviction") => "delete",
            (Method::Update | Method::Patch, _) => "update",
            _ => continue,
        };
        let (Some(kind), Some(answer)) = (request.kind, &request.answer) else {
            continue;
        };
        if answer.ok() || verb == "delete" && answer.code == 404 {
            let name = request.name.as_str();
            let deed = Deed { verb, kind, name };
            *found.entry((request.namespace.as_str(), deed)).or_default() += 1;
        }
    }
    found
}

/// How late an event may come, in seconds.
const WITHIN_SECONDS: i64 = 60;

/// When an event says that it happened, to the second.
fn happened(event: &Event) -> Option<Timestamp> {
    let times = [&event.last_timestamp, &event.first_timestamp];
    times.into_iter().flatten().map(|time| time.0).max()
}

/// Up to when the events that there are tell what happened, if nothing says that some are missing for want of time.
///
/// In real time whoever sends events works off a queue, in its order, and leaves out what does not fit in: what happened
/// after the newest event may still be told, and where one came late others may have been left out.
fn told_until(judging: &Judging<'_>) -> Option<Timestamp> {
    let index = judging.index;
    if index.evidence.profile.virtual_time {
        return Some(Timestamp::MAX);
    }
    let mut newest = None;
    for number in 0..index.lives().len() {
        for told in told(judging, number) {
            let at = happened(told.event)?;
            if index.changes()[told.place].at > later(at, WITHIN_SECONDS) {
                return None;
            }
            newest = newest.max(Some(at));
        }
    }
    newest
}

/// `inv-events-complete`
pub fn are_complete(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    let index = judging.index;
    let told_until = told_until(judging);
    for number in 0..index.lives().len() {
        let told = told(judging, number);
        let all: usize = told.iter().map(|told| told.count).sum();
        let warned = told
            .iter()
            .any(|told| told.event.type_.as_deref() == Some("Warning"));
        let Some(told_until) = told_until else {
            tally.vacuous();
            continue;
        };
        if all > 8 || warned || judging.seen(Kind::Event, 0, index.end()).is_err() {
            tally.vacuous();
            continue;
        }
        let mut due: BTreeMap<Deed<'_>, (usize, usize)> = BTreeMap::new();
        for decision in judging.of_life(number) {
            let verb = match decision.act {
                Act::Create if decision.kind != Kind::Revision => "create",
                Act::Delete if decision.kind == Kind::Pod && decision.is_new_delete() => "delete",
                _ => continue,
            };
            let (to, end) = (decision.now.to, index.ended_at());
            if later(to, WITHIN_SECONDS) > end || to >= told_until {
                continue;
            }
            let deed = Deed {
                verb,
                kind: decision.kind,
                name: &decision.request.name,
            };
            let (count, commit) = due.entry(deed).or_default();
            *count += 1;
            *commit = decision.commit.max(*commit);
        }
        let member = |name: &str| sets::ordinal_of(index.lives()[number].name, name).is_some();
        for (deed, (count, commit)) in due {
            let said: usize = told
                .iter()
                .filter(|told| {
                    told.event.message.as_deref().and_then(self::deed).as_ref() == Some(&deed)
                })
                .map(|told| told.count)
                .sum();
            if said >= count {
                tally.strict();
            } else if deed.kind == Kind::Claim || member(deed.name) {
                let Deed { verb, kind, name } = deed;
                let seen =
                    format!("{verb} of {kind} {name} succeeded {count} times, events say {said}");
                tally.violated(number, (commit + 1).min(index.end()), &[], seen);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_success_names_what_was_done() {
        let of = |message| deed(message).map(|deed| (deed.verb, deed.kind, deed.name));
        assert_eq!(
            of("create Pod web-0 in StatefulSet web successful"),
            Some(("create", Kind::Pod, "web-0"))
        );
        assert_eq!(
            of("Create Claim data-web-0 Pod web-0 in StatefulSet web success"),
            Some(("create", Kind::Claim, "data-web-0"))
        );
        assert_eq!(
            of("create Pod web-0 in StatefulSet web failed error: no"),
            None
        );
    }
}
