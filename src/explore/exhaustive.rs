//! Every way through a small scope: operations on sets of a few pods, each with the controller's end before and after each
//! of its writes, and with readiness that goes and comes between any two of them.
//!
//! What is enumerated is a list that anybody can count: the points follow from the writes that a run without faults made.

use std::{collections::BTreeSet, fmt, fmt::Write as _};

use super::{
    Model, Operation,
    text::{plural, pods, sentence},
};
use crate::{
    evidence::{Actor, Evidence, Kind, Object},
    sets,
};

/// What is done to a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// It is created.
    Create,
    /// Something is done to it when it has settled.
    Do(Operation),
}

/// An operation on a set at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The pod management policy is Parallel.
    pub parallel: bool,
    /// How many pods it begins with.
    pub replicas: i32,
    /// Its pods have claims, which go when it shrinks.
    pub claims: bool,
    /// What was done before, and has come to rest.
    pub before: Vec<Operation>,
    /// What is done.
    pub act: Act,
}

/// A point in the course of an operation: before or after one of the controller's writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    /// Which write, from 1 on.
    pub write: usize,
    /// The server has done it, and the controller does not know yet.
    pub after: bool,
}

impl Point {
    /// All points of so many writes.
    pub fn all(writes: usize) -> impl Iterator<Item = Self> {
        (1..=writes).flat_map(|write| [false, true].map(|after| Self { write, after }))
    }

    fn meets(self, mishap: &str) -> String {
        let side = if self.after { "after" } else { "before" };
        let nth = nth(self.write);
        format!("the controller's {nth} request to write anything meets {mishap} {side} it")
    }
}

impl fmt::Display for Point {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.after { "after" } else { "before" };
        write!(out, "{side} write {}", self.write)
    }
}

/// What befalls the controller or a pod meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// Nothing.
    Nothing,
    /// The controller ends there, and begins anew.
    Crash(Point),
    /// A pod is not Ready from a point on, and Ready again from another one: so many writes later, or when all is at rest.
    Flip {
        /// Its ordinal.
        pod: i32,
        /// From where on.
        from: Point,
        /// Until where, counted from there.
        until: Option<Point>,
    },
}

/// No controller writes that often.
const NEVER: Point = Point {
    write: 9_999,
    after: false,
};

/// All operations on sets of up to so many pods.
pub fn references(most: i32) -> Vec<Reference> {
    let mut all = Vec::new();
    for parallel in [false, true] {
        let mut add = |replicas, claims, before: &[Operation], act| {
            all.push(Reference {
                parallel,
                replicas,
                claims,
                before: before.to_vec(),
                act,
            });
        };
        for n in 1..=most {
            add(n, false, &[], Act::Create);
            add(n, false, &[], Act::Do(Operation::Template(1)));
            for pod in 0..n {
                add(n, false, &[], Act::Do(Operation::Lose(vec![pod])));
            }
            for partition in 1..n {
                let held = Operation::Partition(partition);
                let new = Operation::Template(1);
                add(n, false, std::slice::from_ref(&held), Act::Do(new.clone()));
                add(n, false, &[held, new], Act::Do(Operation::Template(0)));
            }
            for other in (1..=most).filter(|other| *other != n) {
                add(n, false, &[], Act::Do(Operation::Scale(other)));
                if other < n {
                    add(n, true, &[], Act::Do(Operation::Scale(other)));
                }
            }
        }
    }
    all
}

impl Reference {
    /// What there is when it is over.
    fn end(&self) -> Model {
        let mut model = Model::new(self.parallel, self.replicas);
        self.before
            .iter()
            .for_each(|operation| model.applies(operation));
        if let Act::Do(operation) = &self.act {
            model.applies(operation);
        }
        model.rests();
        model
    }

    /// The ordinals of all pods that are there at some time.
    pub fn ordinals(&self) -> impl Iterator<Item = i32> + use<> {
        0..self.replicas.max(self.end().replicas)
    }

    /// The scenario of it, with what befalls it.
    pub fn scenario(&self, disturbance: Disturbance) -> String {
        let mut text = String::from(
            "Feature: An operation and what befalls it\n\n  Scenario: Whatever happens, the set comes to its end\n    Given the set \"web\" is planned\n",
        );
        let mut given: Vec<String> = Vec::new();
        if self.parallel {
            given.push("its pod management policy is Parallel".to_owned());
        }
        if self.claims {
            given.push("its pods claim storage \"data\"".to_owned());
            given.push("its claim retention when scaled is Delete".to_owned());
        }
        let replicas = plural(self.replicas, "replica");
        if self.act != Act::Create {
            given.push(format!(
                "the set \"web\" is settled with {replicas} at revision \"r0\""
            ));
        }
        given.extend(self.before.iter().map(sentence));
        // Whether it goes or not, readiness hangs on the same gate: the template is one for all ways. And the sentence
        // waits until all is at rest, so that what is counted begins with the operation.
        given.push(sentence(&Operation::Grant(0)));
        for line in given {
            let _ = writeln!(text, "    And {line}");
        }
        let act = match &self.act {
            Act::Create => format!("the set \"web\" is created with {replicas}"),
            Act::Do(operation) => sentence(operation),
        };
        let released = || "the controller is released".to_owned();
        let steps = match disturbance {
            Disturbance::Nothing => vec![NEVER.meets("a wait"), act],
            Disturbance::Crash(point) => vec![point.meets("a crash"), act],
            Disturbance::Flip { pod, from, until } => vec![
                from.meets("a wait"),
                act,
                sentence(&Operation::Withhold(pod)),
                until.unwrap_or(NEVER).meets("a wait"),
                released(),
                sentence(&Operation::Grant(pod)),
                released(),
            ],
        };
        for (place, step) in steps.iter().enumerate() {
            let keyword = if place == 0 { "When" } else { "And" };
            let _ = writeln!(text, "    {keyword} {step}");
        }
        let end = self.end();
        let all: Vec<i32> = end.pods.keys().copied().collect();
        let _ = writeln!(text, "    Then the set \"web\" settles with {}", pods(&all));
        // A set that was created has no name for its revision yet.
        if self.act != Act::Create {
            for (revision, ordinals) in end.at_revisions() {
                let verb = if ordinals.len() == 1 { "is" } else { "are" };
                let all = pods(&ordinals);
                let _ = writeln!(text, "    And {all} {verb} at revision \"r{revision}\"");
            }
        }
        text
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policy = if self.parallel {
            "Parallel"
        } else {
            "OrderedReady"
        };
        let claims = if self.claims { " with claims" } else { "" };
        let pods = plural(self.replicas, "replica");
        write!(out, "{policy}, {pods}{claims}")?;
        for operation in &self.before {
            write!(out, ", {}", sentence(operation))?;
        }
        match &self.act {
            Act::Create => out.write_str(": it is created"),
            Act::Do(operation) => write!(out, ": {}", sentence(operation)),
        }
    }
}

impl fmt::Display for Disturbance {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => out.write_str("undisturbed"),
            Self::Crash(point) => write!(out, "a crash {point}"),
            Self::Flip { pod, from, until } => {
                write!(out, "web-{pod} is not Ready from {from} on until ")?;
                match until {
                    Some(until) => write!(out, "{until} from there"),
                    None => out.write_str("nothing moves any more"),
                }
            }
        }
    }
}

/// What the evidence of a run shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// What is there at the end, in lines without times and UIDs.
    pub end: Vec<String>,
    /// How many writes the controller began: of an undisturbed operation all, of a flip those from its beginning until
    /// readiness came again.
    pub writes: usize,
    /// What was to befall it did, as often as it should.
    pub met: bool,
}

impl Course {
    /// Reads it.
    pub fn of(evidence: &Evidence, disturbance: Disturbance) -> Self {
        let requests = &evidence.log.requests;
        let faults = &evidence.log.faults;
        let met = |place: usize| {
            faults
                .get(place)
                .is_some_and(|fault| !fault.requests.is_empty())
        };
        let writes = |actor| {
            let of_actor = requests
                .iter()
                .filter(move |request| request.actor == actor);
            of_actor.filter(|request| request.method.writes() && !request.dry_run)
        };
        let (from, until, met) = match disturbance {
            Disturbance::Nothing => (faults.first().map(|fault| fault.from), None, !met(0)),
            Disturbance::Crash(_) => (None, None, met(0)),
            Disturbance::Flip { until, .. } => {
                let from = faults.first().and_then(|fault| fault.until);
                let granted = writes(Actor::Harness).map(|request| request.sent_at);
                let granted = granted
                    .filter(|at| from.is_some_and(|from| *at > from))
                    .min();
                let over = faults.get(1).and_then(|fault| fault.until);
                let until_there = granted.into_iter().chain(over).min();
                (from, until_there, met(0) && met(1) == until.is_some())
            }
        };
        let counted = writes(Actor::Subject).filter(|request| {
            from.is_none_or(|from| request.sent_at >= from)
                && until.is_none_or(|until| request.sent_at < until)
        });
        Self {
            end: at_rest(evidence),
            writes: counted.count(),
            met,
        }
    }
}

/// The sets, pods, claims and revisions that are there, each in a line.
fn at_rest(evidence: &Evidence) -> Vec<String> {
    let kinds = [Kind::Set, Kind::Pod, Kind::Claim, Kind::Revision];
    let objects = kinds
        .into_iter()
        .flat_map(|kind| evidence.history.everywhere(kind));
    let lines: BTreeSet<String> = objects.map(line).collect();
    lines.into_iter().collect()
}

fn line(object: &Object) -> String {
    let meta = object.meta();
    let owners = meta.owner_references.iter().flatten();
    let owners: Vec<String> = owners
        .map(|owner| format!("{} {}", owner.kind, owner.name))
        .collect();
    let end = if meta.deletion_timestamp.is_some() {
        ", being deleted"
    } else {
        ""
    };
    let about = match object {
        Object::Set(set) => {
            let status = set.status.clone().unwrap_or_default();
            format!(
                "{} replicas, {} there, {} ready, {} available, {} current at {}, {} updated at {}, {} collisions, up to date: {}",
                set.spec.replicas.unwrap_or(1),
                status.replicas,
                status.ready_replicas.unwrap_or(0),
                status.available_replicas.unwrap_or(0),
                status.current_replicas.unwrap_or(0),
                status.current_revision.unwrap_or_default(),
                status.updated_replicas.unwrap_or(0),
                status.update_revision.unwrap_or_default(),
                status.collision_count.unwrap_or(0),
                status.observed_generation >= meta.generation
            )
        }
        Object::Pod(pod) => {
            let labels = meta.labels.iter().flatten();
            let labels: Vec<String> = labels
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            let volumes = pod
                .spec
                .iter()
                .flat_map(|spec| spec.volumes.iter().flatten());
            let claims: Vec<&str> = volumes
                .filter_map(|volume| {
                    Some(volume.persistent_volume_claim.as_ref()?.claim_name.as_str())
                })
                .collect();
            format!(
                "ready: {}, labels {}, claims {}",
                sets::is_running_and_ready(pod),
                labels.join(" "),
                claims.join(" ")
            )
        }
        Object::Revision(revision) => format!("number {}", revision.revision.unwrap_or(0)),
        _ => String::new(),
    };
    format!(
        "{} {}: {about}, of {}{end}",
        object.kind().word(),
        object.name(),
        owners.join(" and ")
    )
}

/// `1st`, `2nd`, `12th`.
fn nth(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operations_are_all_of_their_kind_and_each_once() {
        // Of n pods: one creation, one update, n losses, n - 1 partitions with an update and its undoing; changes of size
        // between all pairs, downward also with claims.
        for (most, wanted) in [
            (1, 2 * 3),
            (2, 2 * (3 + 6 + 2 + 1)),
            (3, 2 * (3 + 6 + 9 + 6 + 3)),
        ] {
            let all = references(most);
            let names: BTreeSet<String> = all.iter().map(ToString::to_string).collect();
            assert_eq!((all.len(), names.len()), (wanted, wanted), "{most}");
        }
    }

    #[test]
    fn each_write_has_a_point_before_and_one_after_it() {
        let points: Vec<String> = Point::all(2).map(|point| point.to_string()).collect();
        let wanted = [
            "before write 1",
            "after write 1",
            "before write 2",
            "after write 2",
        ];
        assert_eq!(points, wanted);
        for (number, word) in [
            (1, "1st"),
            (2, "2nd"),
            (3, "3rd"),
            (11, "11th"),
            (22, "22nd"),
            (113, "113th"),
        ] {
            assert_eq!(nth(number), word);
        }
    }

    #[test]
    fn a_point_is_said_in_a_sentence_and_the_model_says_what_comes() {
        let reference = Reference {
            parallel: false,
            replicas: 3,
            claims: false,
            before: vec![Operation::Partition(2), Operation::Template(1)],
            act: Act::Do(Operation::Template(0)),
        };
        let point = Point {
            write: 2,
            after: true,
        };
        let text = reference.scenario(Disturbance::Crash(point));
        for line in [
            "When the controller's 2nd request to write anything meets a crash after it",
            "And its template changes to revision \"r0\"",
            "Then the set \"web\" settles with pods \"web-0\", \"web-1\" and \"web-2\"",
            "And pods \"web-0\", \"web-1\" and \"web-2\" are at revision \"r0\"",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}
