//! DNS says what the endpoints say.

use std::{collections::BTreeSet, net::IpAddr};

use jiff::Timestamp;
use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::{Judging, Tally, calm::later};
use crate::evidence::{DnsAnswer, Kind, Object, slice};

/// A question about a pod or all pods behind a Service.
struct Asked<'a> {
    host: Option<&'a str>,
    service: &'a str,
    namespace: &'a str,
}

/// Reads a name of the form `[host.]service.namespace.svc.zone`.
fn asked(name: &str) -> Option<Asked<'_>> {
    let labels: Vec<&str> = name.split('.').collect();
    let (host, service, namespace) = match labels.as_slice() {
        [service, namespace, "svc", ..] => (None, *service, *namespace),
        [host, service, namespace, "svc", ..] => (Some(*host), *service, *namespace),
        _ => return None,
    };
    Some(Asked {
        host,
        service,
        namespace,
    })
}

/// The courses of a Service's slices.
fn slices<'a>(judging: &Judging<'a>, asked: &Asked<'a>) -> Vec<usize> {
    let index = judging.index;
    let of_service = index
        .named(Kind::EndpointSlice, asked.namespace)
        .filter(|course| {
            let first = index.course(*course).places[0];
            let labels = index.changes()[first].object.meta().labels.as_ref();
            labels
                .and_then(|labels| labels.get("kubernetes.io/service-name"))
                .is_some_and(|name| name == asked.service)
        });
    of_service.collect()
}

/// The Service has no address of its own at any time, so that its endpoints are published.
fn headless(judging: &Judging<'_>, asked: &Asked<'_>) -> bool {
    let index = judging.index;
    let course = index.find(Kind::Service, asked.namespace, asked.service);
    course.is_some_and(|course| {
        index
            .course(course)
            .places
            .iter()
            .all(|place| match &index.changes()[*place].object {
                Object::Service(service) => service
                    .spec
                    .as_ref()
                    .is_some_and(|spec| spec.cluster_ip.as_deref() == Some("None")),
                _ => false,
            })
    })
}

fn published(slice: &EndpointSlice, host: Option<&str>) -> BTreeSet<IpAddr> {
    let ready = slice.endpoints.iter().flatten().filter(|endpoint| {
        let ready = endpoint
            .conditions
            .as_ref()
            .and_then(|conditions| conditions.ready)
            .unwrap_or(true);
        ready && host.is_none_or(|host| endpoint.hostname.as_deref() == Some(host))
    });
    ready
        .flat_map(|endpoint| {
            endpoint
                .addresses
                .iter()
                .filter_map(|address| address.parse().ok())
        })
        .collect()
}

/// The addresses published at any time between two, and when they last changed before the end.
fn between<'a>(
    judging: &Judging<'a>,
    asked: &Asked<'a>,
    from: Timestamp,
    to: Timestamp,
) -> BTreeSet<IpAddr> {
    let index = judging.index;
    let mut found = BTreeSet::new();
    for course in slices(judging, asked) {
        let point = index.point_at(from);
        let places = index.course(course).places.iter();
        let inside = places.filter(|place| **place >= point && index.changes()[**place].at <= to);
        for change in index
            .at(course, point)
            .into_iter()
            .chain(inside.map(|place| &index.changes()[*place]))
        {
            if let (Object::EndpointSlice(slice), true) = (
                &change.object,
                change.verb != crate::evidence::Verb::Deleted,
            ) {
                found.extend(published(slice, asked.host));
            }
        }
    }
    found
}

fn addresses<'j, 'a>(
    judging: &'j Judging<'a>,
) -> impl Iterator<Item = (&'a DnsAnswer, Asked<'a>)> + 'j {
    let answers = judging
        .index
        .evidence
        .answers
        .iter()
        .filter(|answer| answer.record == "A");
    let read = answers.filter_map(|answer| Some((answer, asked(&answer.name)?)));
    read.filter(|(_, asked)| headless(judging, asked))
}

fn seen(judging: &Judging<'_>, tally: &mut Tally<'_>) -> bool {
    let gap = [Kind::EndpointSlice, Kind::Service]
        .iter()
        .find_map(|kind| judging.seen(*kind, 0, judging.index.end()).err());
    if let Some(gap) = gap {
        if addresses(judging).next().is_some() {
            tally.undecided(gap);
        }
        return false;
    }
    true
}

/// `inv-dns-subset`
pub fn subset(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    if !seen(judging, tally) {
        return;
    }
    for (answer, asked) in addresses(judging).filter(|(answer, _)| !answer.addresses.is_empty()) {
        let from = later(answer.asked_at, -(i64::from(answer.ttl_seconds) + 5));
        // The recorder may see an endpoint a moment after the DNS server.
        let published = between(judging, &asked, from, later(answer.answered_at, 1));
        let stale: Vec<_> = answer
            .addresses
            .iter()
            .filter(|address| !published.contains(address))
            .collect();
        if stale.is_empty() {
            tally.strict();
        } else {
            let seen = format!(
                "{} was answered with {stale:?}; published were {published:?}",
                answer.name
            );
            tally.breach(seen, endpoints(judging, &asked, answer));
        }
    }
}

/// `inv-dns-complete`
pub fn complete(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    if !seen(judging, tally) {
        return;
    }
    for (answer, asked) in addresses(judging) {
        let index = judging.index;
        let service = index.find(Kind::Service, asked.namespace, asked.service);
        let courses = slices(judging, &asked).into_iter().chain(service);
        let rest = later(answer.asked_at, -35);
        let moved = courses
            .into_iter()
            .flat_map(|course| &index.course(course).places)
            .any(|place| {
                let at = index.changes()[*place].at;
                rest < at && at <= later(answer.answered_at, 1)
            });
        if moved || service.is_none() {
            tally.vacuous();
            continue;
        }
        let published = between(judging, &asked, answer.asked_at, answer.asked_at);
        let answered: BTreeSet<IpAddr> = answer.addresses.iter().copied().collect();
        if answered == published {
            tally.strict();
        } else {
            let seen = format!(
                "{} was answered with {answered:?}; published were {published:?}",
                answer.name
            );
            tally.breach(seen, endpoints(judging, &asked, answer));
        }
    }
}

fn endpoints<'a>(judging: &Judging<'a>, asked: &Asked<'a>, answer: &DnsAnswer) -> Vec<String> {
    let index = judging.index;
    let mut places: Vec<usize> = slices(judging, asked)
        .into_iter()
        .flat_map(|course| index.course(course).places.clone())
        .collect();
    places.sort_unstable();
    let before = places
        .into_iter()
        .map(|place| &index.changes()[place])
        .filter(|change| change.at <= answer.answered_at);
    slice(judging.start, before, 24)
}
