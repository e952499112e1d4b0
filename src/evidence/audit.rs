//! An audit log of Kubernetes as evidence: lines of JSON at the level RequestResponse.
//!
//! What a write was answered with is what its object was then; a list shows what was there. What nobody asked for through
//! the API server that wrote the log is not in it.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Actor, Answer, Change, Evidence, Gap, History, Kind, Log, Method, Object, Profile, Request,
    Verb,
};

/// Why a text is no audit log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A line is none of its lines.
    #[error("line {line} is no event of an audit log: {source}")]
    Line {
        /// Its number, from 1 on.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// No line is of any use.
    #[error(
        "no line shows an object that the rules speak of: log statefulsets, pods, persistentvolumeclaims and controllerrevisions at the level RequestResponse"
    )]
    Empty,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[serde(default)]
    level: String,
    #[serde(default)]
    stage: String,
    #[serde(default)]
    verb: String,
    #[serde(default, rename = "requestURI")]
    uri: String,
    #[serde(default)]
    user: User,
    #[serde(default)]
    user_agent: String,
    object_ref: Option<Reference>,
    response_status: Option<Status>,
    request_object: Option<Value>,
    response_object: Option<Value>,
    request_received_timestamp: Timestamp,
    stage_timestamp: Timestamp,
}

#[derive(Default, Deserialize)]
struct User {
    #[serde(default)]
    username: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    #[serde(default)]
    resource: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    api_group: String,
    #[serde(default)]
    subresource: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default)]
    code: u16,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
}

/// The users by which the StatefulSet controller of Kubernetes is known.
pub const CONTROLLER: &str = "system:serviceaccount:kube-system:statefulset-controller";

/// Reads a log. Writes of `subject` are the controller's; those of other people may have disturbed it; those of the
/// cluster's own parts are changes like any other.
///
/// # Errors
///
/// A line is no event, or none is of use.
pub fn read(
    text: &str,
    subject: &str,
    version: (u16, u16),
    gates: impl IntoIterator<Item = String>,
) -> Result<Evidence, Error> {
    let mut lines = Vec::new();
    for (index, text) in text
        .lines()
        .enumerate()
        .filter(|(_, text)| !text.trim().is_empty())
    {
        let line: Line = serde_json::from_str(text).map_err(|source| Error::Line {
            line: index + 1,
            source,
        })?;
        // The other stages say the same of a request that is not over yet.
        if line.stage == "ResponseComplete" || line.stage.is_empty() {
            lines.push(line);
        }
    }
    lines.sort_by_key(|line| line.stage_timestamp);
    let mut reading = Reading::default();
    for line in &lines {
        reading.take(line);
    }
    if reading.history.changes().is_empty() {
        return Err(Error::Empty);
    }
    if let Some(last) = lines.last() {
        reading.history.end(last.stage_timestamp);
    }
    let gates: BTreeSet<String> = gates.into_iter().collect();
    Ok(Evidence {
        history: reading.history,
        log: requests(&lines, subject),
        answers: Vec::new(),
        profile: Profile {
            version,
            shared_counter: false,
            virtual_time: false,
            attribution: true,
            delivery: false,
            own_write_gate: subject == CONTROLLER
                && gates.contains("StaleControllerConsistencyStatefulSet"),
            gates,
        },
    })
}

/// Whether a body is the object itself, a list of such, or a Status: not a Table of it, nor its metadata alone.
fn is_shown_whole(kind: Kind, body: &Value) -> bool {
    let said = body["kind"].as_str().unwrap_or_default();
    let own = said.strip_suffix("List").unwrap_or(said);
    matches!(own, "" | "Status") || own == kind.name()
}

impl Line {
    fn kind(&self) -> Option<Kind> {
        let reference = self.object_ref.as_ref()?;
        let kind = Kind::of_plural(&reference.resource)?;
        let group = match kind {
            Kind::Set | Kind::Revision | Kind::Deployment | Kind::ReplicaSet => "apps",
            Kind::EndpointSlice => "discovery.k8s.io",
            Kind::Pod | Kind::Claim | Kind::Service | Kind::Event => "",
        };
        (reference.api_group == group).then_some(kind)
    }

    fn method(&self) -> Option<Method> {
        Some(match self.verb.as_str() {
            "get" => Method::Get,
            "list" => Method::List,
            "watch" => Method::Watch,
            "create" => Method::Create,
            "update" => Method::Update,
            "patch" => Method::Patch,
            "delete" => Method::Delete,
            "deletecollection" => Method::DeleteCollection,
            _ => return None,
        })
    }

    fn code(&self) -> u16 {
        self.response_status
            .as_ref()
            .map_or(0, |status| status.code)
    }

    fn is_rehearsal(&self) -> bool {
        self.uri.contains("dryRun=")
    }

    fn actor(&self, subject: &str) -> Option<Actor> {
        let name = self.user.username.as_str();
        let is_shared = name == "system:kube-controller-manager"
            && self.user_agent.contains("statefulset-controller");
        let is_part = name.starts_with("system:node:")
            || name.starts_with("system:kube-")
            || name.starts_with("system:serviceaccount:kube-system:")
            || name.starts_with("system:apiserver");
        match () {
            () if name == subject || (subject == CONTROLLER && is_shared) => Some(Actor::Subject),
            () if is_part => None,
            () => Some(Actor::Harness),
        }
    }
}

#[derive(Default)]
struct Reading {
    history: History,
    /// The newest version that was seen of anything.
    newest: u64,
    /// Kinds of which a write is there without its object.
    cut: BTreeSet<Kind>,
}

impl Reading {
    fn take(&mut self, line: &Line) {
        let (Some(kind), Some(method)) = (line.kind(), line.method()) else {
            return;
        };
        let reference = line.object_ref.as_ref().map(|reference| {
            (
                reference.namespace.as_str(),
                reference.name.as_str(),
                reference.subresource.as_str(),
            )
        });
        let (namespace, name, subresource) = reference.unwrap_or_default();
        if line.code() >= 300 || line.is_rehearsal() || method == Method::Watch {
            return;
        }
        if !matches!(
            subresource,
            "" | "status" | "resize" | "ephemeralcontainers"
        ) {
            // What a scale or an eviction changes is seen with the next answer.
            return;
        }
        let Some(body) = &line.response_object else {
            if method.writes() {
                self.miss(kind, line);
            }
            return;
        };
        if !is_shown_whole(kind, body) {
            if method.writes() {
                self.miss(kind, line);
            }
            return;
        }
        let items = body["items"].as_array();
        match items {
            Some(items) => items
                .iter()
                .for_each(|item| self.show(kind, method, line.stage_timestamp, item.clone())),
            None if body["kind"] == "Status" => {
                self.remove(kind, namespace, name, line.stage_timestamp);
            }
            None => self.show(kind, method, line.stage_timestamp, body.clone()),
        }
    }

    /// A write whose object is not there: what it did is not known.
    fn miss(&mut self, kind: Kind, line: &Line) {
        if self.cut.insert(kind) {
            self.history.gap(Gap {
                kind,
                after: 0,
                until: usize::MAX,
                why: format!(
                    "writes of {} are logged at the level {:?}, without their objects",
                    kind.plural(),
                    line.level
                ),
            });
        }
    }

    fn show(&mut self, kind: Kind, method: Method, at: Timestamp, value: Value) {
        // Who deletes many is told what was there, not what has gone: that is seen with the next answer.
        let goes = method == Method::Delete;
        let Ok(object) = Object::decode(kind, without_managers(value)) else {
            return;
        };
        let meta = object.meta();
        let going = meta.deletion_timestamp.is_some();
        let held = meta.finalizers.as_ref().is_some_and(|all| !all.is_empty());
        let graceful = meta.deletion_grace_period_seconds.unwrap_or(0) > 0;
        let writes_one = method.writes() && method != Method::DeleteCollection;
        let gone = !held && !graceful && (goes || (going && writes_one));
        let key = super::Key::of(&object);
        let known = self
            .history
            .get(&key)
            .map(|known| (known.uid().to_owned(), known.version()));
        self.newest = self.newest.max(object.version());
        let verb = match (&known, gone) {
            (Some((uid, version)), false) if uid == object.uid() => {
                // A read, or an older answer that came later.
                if *version >= object.version() {
                    return;
                }
                Verb::Modified
            }
            (_, true) if known.is_none() => return,
            (_, true) => Verb::Deleted,
            (_, false) => Verb::Added,
        };
        let version = if gone { self.newest } else { object.version() };
        self.history.push(Change {
            at,
            verb,
            version,
            // What is first heard of by anything but its creation was there.
            initial: verb == Verb::Added && method != Method::Create,
            object,
        });
    }

    /// It is gone; nobody shows it any more.
    fn remove(&mut self, kind: Kind, namespace: &str, name: &str, at: Timestamp) {
        let key = super::Key::new(kind, namespace, name);
        let Some(object) = self.history.get(&key).cloned() else {
            return;
        };
        self.history.push(Change {
            at,
            verb: Verb::Deleted,
            version: self.newest,
            initial: false,
            object,
        });
    }
}

fn without_managers(mut value: Value) -> Value {
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    value
}

/// The requests of the subject and of people, with the order of sending and answering.
fn requests(lines: &[Line], subject: &str) -> Log {
    let mut log = Log::default();
    let mut moments: Vec<(Timestamp, usize, bool)> = Vec::new();
    for line in lines {
        let (Some(actor), Some(method)) = (line.actor(subject), line.method()) else {
            continue;
        };
        let Some(reference) = &line.object_ref else {
            continue;
        };
        let index = log.requests.len();
        moments.push((line.request_received_timestamp, index, false));
        moments.push((line.stage_timestamp, index, true));
        let response = line.response_object.as_ref();
        let meta = |field: &str| {
            response
                .and_then(|body| body["metadata"][field].as_str())
                .map(str::to_owned)
        };
        let status = line.response_status.as_ref();
        let ok = line.code() < 300;
        let name = match reference.name.is_empty() {
            true => meta("name").unwrap_or_default(),
            false => reference.name.clone(),
        };
        log.requests.push(Request {
            actor,
            process: 0,
            sent_at: line.request_received_timestamp,
            step: 0,
            method,
            kind: line.kind(),
            plural: reference.resource.clone(),
            namespace: reference.namespace.clone(),
            name,
            subresource: reference.subresource.clone(),
            dry_run: line.is_rehearsal(),
            body: method
                .writes()
                .then(|| line.request_object.clone().map(Arc::new))
                .flatten(),
            delivered: 0,
            answer: Some(Answer {
                at: line.stage_timestamp,
                step: 0,
                code: line.code(),
                version: meta("resourceVersion")
                    .filter(|_| ok && method.writes())
                    .and_then(|text| text.parse().ok()),
                uid: meta("uid"),
                reason: status
                    .map(|status| status.reason.clone())
                    .filter(|_| !ok)
                    .unwrap_or_default(),
                message: status
                    .map(|status| status.message.clone())
                    .filter(|_| !ok)
                    .unwrap_or_default(),
            }),
            lost: false,
            closed_at: None,
        });
    }
    moments.sort_unstable();
    for (step, (_, index, is_answer)) in moments.into_iter().enumerate() {
        let request = &mut log.requests[index];
        match (is_answer, &mut request.answer) {
            (true, Some(answer)) => answer.step = step + 1,
            _ => request.step = step + 1,
        }
    }
    log.requests.sort_by_key(|request| request.step);
    log
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(
        second: u32,
        user: &str,
        verb: &str,
        resource: &str,
        name: &str,
        code: u16,
        object: Value,
    ) -> String {
        let at = format!("2026-01-01T00:00:{second:02}.000000Z");
        let group = if resource == "pods" { "" } else { "apps" };
        json!({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse", "stage": "ResponseComplete",
            "verb": verb, "user": { "username": user }, "requestURI": "/x",
            "objectRef": { "resource": resource, "namespace": "a", "name": name, "apiGroup": group },
            "responseStatus": { "code": code }, "responseObject": object,
            "requestReceivedTimestamp": at, "stageTimestamp": at,
        })
        .to_string()
    }

    fn pod(version: u64, grace: Option<i64>) -> Value {
        json!({ "metadata": {
            "name": "web-0", "namespace": "a", "uid": "u", "resourceVersion": version.to_string(),
            "deletionTimestamp": grace.map(|_| "2026-01-01T00:00:09Z"), "deletionGracePeriodSeconds": grace,
        }})
    }

    #[test]
    fn answers_to_writes_are_the_changes_and_users_the_actors() {
        let text = [
            line(1, CONTROLLER, "create", "pods", "web-0", 201, pod(5, None)),
            line(
                2,
                "system:node:n",
                "patch",
                "pods",
                "web-0",
                200,
                pod(7, None),
            ),
            line(3, "ann", "delete", "pods", "web-0", 200, pod(8, Some(30))),
            line(
                4,
                "system:node:n",
                "delete",
                "pods",
                "web-0",
                200,
                pod(8, Some(0)),
            ),
            line(
                5,
                CONTROLLER,
                "create",
                "pods",
                "web-0",
                409,
                json!({ "kind": "Status" }),
            ),
        ];
        let evidence = read(&text.join("\n"), CONTROLLER, (1, 37), []).expect("it is a log");
        let changes: Vec<(Verb, u64)> = evidence
            .history
            .changes()
            .iter()
            .map(|change| (change.verb, change.version))
            .collect();
        assert_eq!(
            changes,
            [
                (Verb::Added, 5),
                (Verb::Modified, 7),
                (Verb::Modified, 8),
                (Verb::Deleted, 8)
            ]
        );
        let actors: Vec<(Actor, bool)> = evidence
            .log
            .requests
            .iter()
            .map(|request| {
                (
                    request.actor,
                    request.answer.as_ref().is_some_and(Answer::ok),
                )
            })
            .collect();
        assert_eq!(
            actors,
            [
                (Actor::Subject, true),
                (Actor::Harness, true),
                (Actor::Subject, false)
            ]
        );
    }

    #[test]
    fn what_was_logged_without_its_objects_is_a_gap_and_what_is_no_log_is_named_by_its_line() {
        let mut thin: Value =
            serde_json::from_str(&line(2, "ann", "update", "pods", "web-0", 200, Value::Null))
                .expect("JSON");
        thin["level"] = json!("Metadata");
        let text = [
            line(1, CONTROLLER, "create", "pods", "web-0", 201, pod(5, None)),
            thin.to_string(),
        ];
        let evidence = read(&text.join("\n"), CONTROLLER, (1, 37), []).expect("it is a log");
        assert_eq!(evidence.history.gaps().len(), 1);
        let error = read("{}\n", CONTROLLER, (1, 37), [])
            .expect_err("it is none")
            .to_string();
        assert!(
            error.starts_with("line 1 is no event of an audit log"),
            "{error}"
        );
        assert!(matches!(
            read("", CONTROLLER, (1, 37), []),
            Err(Error::Empty)
        ));
    }
}
