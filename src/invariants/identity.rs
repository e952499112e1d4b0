//! One object per name, complete from its first moment on.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{ContainerStatus, Pod},
};

use super::{Judging, Tally, calm::later, ownership::own_slice};
use crate::{
    evidence::{Actor, Change, Kind, Method, Verb, controller_of, templates},
    sets::{self, POD_INDEX_LABEL, POD_NAME_LABEL},
};

/// `inv-one-object`
pub fn one_object(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    let index = judging.index;
    let mut removed: BTreeSet<&str> = BTreeSet::new();
    for (number, course) in index.courses().iter().enumerate() {
        if course.kind != Kind::Pod {
            continue;
        }
        let mut present: Option<&str> = None;
        let mut reused = false;
        for place in &course.places {
            let change = &index.changes()[*place];
            let uid = change.object.uid();
            let replaced = present.is_some_and(|present| present != uid);
            let returned = removed.contains(uid) && change.verb != Verb::Deleted;
            if replaced || returned {
                let what = if replaced {
                    "a second object took the name"
                } else {
                    "a UID came back"
                };
                if let Err(gap) = judging.seen(Kind::Pod, course.places[0], *place) {
                    tally.undecided(gap);
                } else {
                    tally.breach(
                        format!("{what} {}", course.name),
                        own_slice(judging, number, place + 1),
                    );
                }
            }
            reused |= course
                .places
                .first()
                .is_some_and(|first| index.changes()[*first].object.uid() != uid);
            if change.verb == Verb::Deleted {
                removed.insert(uid);
                present = None;
            } else {
                present = Some(uid);
            }
        }
        if reused {
            tally.strict();
        }
    }
}

/// Pods that a controller made: its reference was there from the first moment on, and the scenario did not make them.
pub fn births<'a>(judging: &Judging<'a>) -> Vec<(usize, usize, &'a Pod)> {
    let index = judging.index;
    let made = |request: &&crate::evidence::Request| {
        request.actor == Actor::Harness
            && request.kind == Some(Kind::Pod)
            && request.method == Method::Create
    };
    let requests = index.evidence.log.requests.iter().filter(made);
    let planted: BTreeSet<(&str, &str)> = requests
        .map(|request| (request.namespace.as_str(), request.name.as_str()))
        .collect();
    let mut found = Vec::new();
    for (place, change) in index.changes().iter().enumerate() {
        let Some(pod) = change
            .object
            .as_pod()
            .filter(|_| change.verb == Verb::Added && !change.initial)
        else {
            continue;
        };
        let fresh = index.places_of(change.object.uid()).first() == Some(&place);
        let planted = planted.contains(&(change.object.namespace(), change.object.name()));
        if let Some(life) = controller_of(change)
            .and_then(|uid| index.life_of(uid))
            .filter(|_| fresh && !planted)
        {
            found.push((place, life, pod.as_ref()));
        }
    }
    found
}

/// `inv-identity-at-birth`
pub fn at_birth(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    let index = judging.index;
    for (place, number, pod) in births(judging) {
        let life = &index.lives()[number];
        let Some(set) = index.changes()[life.places[0]].object.as_set() else {
            continue;
        };
        if let Err(gap) = judging.seen(Kind::Pod, place, place) {
            tally.undecided(gap);
            continue;
        }
        let faults = faults(set, life.name, pod, index.evidence.profile.version);
        if faults.is_empty() {
            tally.strict();
        } else {
            let name = pod.metadata.name.as_deref().unwrap_or_default();
            tally.violated(
                number,
                place + 1,
                &[],
                format!("pod {name} was added with {}", faults.join(", ")),
            );
        }
    }
}

fn faults(set: &StatefulSet, name: &str, pod: &Pod, version: (u16, u16)) -> Vec<String> {
    let mut faults = Vec::new();
    let mut equal = |what: &str, seen: Option<&str>, wanted: &str| {
        if seen.unwrap_or_default() != wanted {
            faults.push(format!(
                "{what} {:?} instead of {wanted:?}",
                seen.unwrap_or_default()
            ));
        }
    };
    let own = pod.metadata.name.as_deref().unwrap_or_default();
    let ordinal = sets::ordinal_of(name, own).filter(|ordinal| *ordinal >= 0);
    let expected = ordinal.map_or_else(
        || format!("{name}-N"),
        |ordinal| sets::pod_name(name, ordinal),
    );
    equal("name", Some(own), &expected);
    let spec = pod.spec.as_ref();
    equal(
        "hostname",
        spec.and_then(|spec| spec.hostname.as_deref()),
        own,
    );
    let service = set.spec.service_name.as_deref().unwrap_or_default();
    equal(
        "subdomain",
        spec.and_then(|spec| spec.subdomain.as_deref()),
        service,
    );
    let label = |key: &str| {
        pod.metadata
            .labels
            .as_ref()
            .and_then(|labels| labels.get(key))
            .map(String::as_str)
    };
    equal(POD_NAME_LABEL, label(POD_NAME_LABEL), own);
    let number = ordinal
        .map(|ordinal| ordinal.to_string())
        .unwrap_or_default();
    if version >= (1, 32) {
        equal(POD_INDEX_LABEL, label(POD_INDEX_LABEL), &number);
    }
    let volumes: BTreeMap<&str, &str> = spec
        .iter()
        .flat_map(|spec| spec.volumes.iter().flatten())
        .filter_map(|volume| {
            Some((
                volume.name.as_str(),
                volume.persistent_volume_claim.as_ref()?.claim_name.as_str(),
            ))
        })
        .collect();
    for template in templates(set) {
        let claim = sets::claim_name(template, name, ordinal.unwrap_or(-1));
        equal(
            &format!("the claim of volume {template}"),
            volumes.get(template).copied(),
            &claim,
        );
    }
    if sets::revision_of(pod).is_empty() {
        faults.push("no revision label".to_owned());
    }
    let owners = pod.metadata.owner_references.iter().flatten();
    let controllers = owners
        .filter(|owner| owner.controller == Some(true))
        .count();
    if controllers != 1 {
        faults.push(format!("{controllers} controllers"));
    }
    faults
}

/// `inv-one-process`
pub fn one_process(judging: &Judging<'_>, tally: &mut Tally<'_>) {
    let index = judging.index;
    for (number, course) in index.courses().iter().enumerate() {
        if course.kind != Kind::Pod {
            continue;
        }
        let mut ended: Option<(&str, BTreeMap<String, jiff::Timestamp>)> = None;
        for place in &course.places {
            let change = &index.changes()[*place];
            let Some(pod) = change.object.as_pod() else {
                continue;
            };
            if let Some((old, ends)) = ended
                .as_mut()
                .filter(|(old, _)| *old != change.object.uid())
            {
                let starts = started(pod);
                let early = starts.iter().find(|(name, start)| {
                    ends.get(*name).is_some_and(|end| later(**start, 1) < *end)
                });
                match early {
                    _ if starts.is_empty() => continue,
                    None if starts.keys().any(|name| ends.contains_key(name)) => tally.strict(),
                    None => tally.vacuous(),
                    Some((name, _)) => {
                        let life = controller_of(change).and_then(|uid| index.life_of(uid));
                        let seen = format!(
                            "container {name} of pod {} ran before that of {old} had ended",
                            course.name
                        );
                        match life {
                            Some(life) => tally.violated(life, place + 1, &[Kind::Pod], seen),
                            None => tally.breach(seen, own_slice(judging, number, place + 1)),
                        }
                    }
                }
                ended = None;
            }
            let ends = finished(pod);
            if !ends.is_empty() || is_last(change) {
                ended = Some((change.object.uid(), ends));
            }
        }
    }
}

fn is_last(change: &Change) -> bool {
    change.verb == Verb::Deleted
}

fn statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    let status = pod.status.iter();
    status.flat_map(|status| status.container_statuses.iter().flatten())
}

fn started(pod: &Pod) -> BTreeMap<String, jiff::Timestamp> {
    let running = statuses(pod).filter_map(|status| {
        let start = status
            .state
            .as_ref()?
            .running
            .as_ref()?
            .started_at
            .as_ref()?;
        Some((status.name.clone(), start.0))
    });
    running.collect()
}

fn finished(pod: &Pod) -> BTreeMap<String, jiff::Timestamp> {
    let ended = statuses(pod).filter_map(|status| {
        let end = status
            .state
            .as_ref()?
            .terminated
            .as_ref()?
            .finished_at
            .as_ref()?;
        Some((status.name.clone(), end.0))
    });
    ended.collect()
}
