//! Histories that are told in short lines: what the user, the controller and the nodes do, one line each.
//!
//! Every line is a verb, a name and `key=value` pairs. One counter gives all versions; time passes with `wait` only.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::evidence::{
    Actor, Answer, Change, Delivery, DnsAnswer, Evidence, Gap, History, Kind, Log, Method, Object,
    Profile, Request, Verb,
};

/// What the cluster of a tale is like. All of it has a default.
#[derive(Debug, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Place {
    minor: u16,
    gates: BTreeSet<String>,
    attribution: bool,
    delivery: bool,
    own_writes: bool,
    shared_counter: bool,
    virtual_time: bool,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            minor: 37,
            gates: ["MaxUnavailableStatefulSet", "StatefulSetRecreateStrategy"]
                .map(str::to_owned)
                .into(),
            attribution: true,
            delivery: false,
            own_writes: true,
            shared_counter: true,
            virtual_time: true,
        }
    }
}

/// Tells a tale.
pub struct Teller {
    place: Place,
    now: Timestamp,
    version: u64,
    process: u32,
    objects: BTreeMap<(Kind, String), Value>,
    history: History,
    log: Log,
    answers: Vec<DnsAnswer>,
}

/// One set that is rolled over and over: the changes are told by the same few lines.
pub fn rollouts(changes: usize) -> Evidence {
    let mut teller = Teller::new(Place::default());
    teller.tell("bring-up 5");
    teller.tell("rev b number=2");
    let mut length = 0;
    for round in 0.. {
        let (old, new) = if round % 2 == 0 {
            ("a", "b")
        } else {
            ("b", "a")
        };
        teller.tell(&format!("set template={new}"));
        for ordinal in (0..5).rev() {
            teller.tell(&format!("delete web-{ordinal} uid=1"));
            teller.tell(&format!("status upd={new} cur={old}"));
            teller.tell(&format!("replace web-{ordinal} rev={new}"));
            length += 9;
        }
        teller.tell(&format!("status upd={new} cur={new}"));
        teller.tell("wait 20");
        if length >= changes {
            break;
        }
    }
    teller.evidence()
}

type Words<'a> = BTreeMap<&'a str, &'a str>;

const NAMESPACE: &str = "default";

impl Teller {
    pub fn new(place: Place) -> Self {
        let mut teller = Self {
            place,
            now: "2026-01-01T00:00:00Z".parse().expect("a time"),
            version: 100,
            process: 0,
            objects: BTreeMap::new(),
            history: History::default(),
            log: Log::default(),
            answers: Vec::new(),
        };
        teller.watch();
        teller
    }

    pub fn evidence(mut self) -> Evidence {
        self.history.end(self.now);
        Evidence {
            history: self.history,
            log: self.log,
            answers: self.answers,
            profile: Profile {
                version: (1, self.place.minor),
                shared_counter: self.place.shared_counter,
                virtual_time: self.place.virtual_time,
                attribution: self.place.attribution,
                delivery: self.place.delivery,
                gates: self.place.gates,
                own_write_gate: self.place.own_writes,
            },
        }
    }

    /// Tells one line.
    pub fn tell(&mut self, line: &str) {
        let (line, message) = line.split_once(" | ").unwrap_or((line, ""));
        let mut parts = line.split_whitespace();
        let verb = parts.next().unwrap_or_default();
        let (pairs, names): (Vec<&str>, Vec<&str>) = parts.partition(|part| part.contains('='));
        let words: Words<'_> = pairs
            .iter()
            .filter_map(|pair| pair.split_once('='))
            .collect();
        let name = names.first().copied().unwrap_or_default();
        let by = if words.get("by") == Some(&"user") {
            Actor::Harness
        } else {
            Actor::Subject
        };
        match verb {
            "wait" => self.wait(name.parse().expect("seconds")),
            "set" => self.set(if name.is_empty() { "web" } else { name }, &words),
            "status" => self.status(if name.is_empty() { "web" } else { name }, by, &words),
            "rev" => self.revision(name, by, &words),
            "claim" => self.claim(name, by, &words),
            "make" => self.make(name, by, &words),
            "second" => self.second(name),
            "run" => self.phase(name, "Running", Some(true)),
            "start" => self.phase(name, "Running", Some(false)),
            "unready" => self.phase(name, "Running", Some(false)),
            "fail" => self.phase(name, "Failed", Some(false)),
            "delete" => self.delete(Kind::Pod, name, by, &words),
            "delete-claim" => self.delete(Kind::Claim, name, by, &words),
            "delete-set" => self.delete(Kind::Set, name, Actor::Harness, &words),
            "delete-rev" => self.remove_now(Kind::Revision, name, by),
            "gone" => self.gone(Kind::Pod, name),
            "gone-claim" => self.gone(Kind::Claim, name),
            "gone-set" => self.gone(Kind::Set, name),
            "patch" => self.patch(name, by, &words),
            "containers" => self.containers(name, &words),
            "event" => self.event(name, message, &words),
            "service" => self.service(name, &words),
            "slice" => self.slice(name, &words),
            "dns" => self.dns(name, &words),
            "refused" => self.refused(name, &words),
            "hear" => self.hear(&words),
            "restart" => self.restart(),
            "stop" => self.close(),
            "gap" => self.gap(name),
            "bring-up" => self.bring_up(name.parse().expect("how many pods"), &words),
            "replace" => self.replace(name, &words),
            _ => panic!("nobody knows what {verb:?} means"),
        }
    }

    fn wait(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    fn get(&self, kind: Kind, name: &str) -> Value {
        let found = self.objects.get(&(kind, name.to_owned()));
        found
            .unwrap_or_else(|| panic!("there is no {kind} {name}"))
            .clone()
    }

    /// Writes a state of an object into the history; its version is the next one.
    fn put(&mut self, kind: Kind, mut value: Value) -> Value {
        self.version += 1;
        let name = value["metadata"]["name"]
            .as_str()
            .expect("a name")
            .to_owned();
        let key = (kind, name.clone());
        let verb = if self.objects.contains_key(&key) {
            Verb::Modified
        } else {
            Verb::Added
        };
        value["metadata"]["namespace"] = NAMESPACE.into();
        value["metadata"]["resourceVersion"] = self.version.to_string().into();
        if value["metadata"]["uid"].is_null() {
            value["metadata"]["uid"] = format!("{name}-{}", self.version).into();
        }
        self.objects.insert(key, value.clone());
        self.change(kind, verb, value.clone());
        value
    }

    fn change(&mut self, kind: Kind, verb: Verb, value: Value) {
        self.history.push(Change {
            at: self.now,
            verb,
            version: self.version,
            initial: false,
            object: Object::decode(kind, value).expect("an object of its kind"),
        });
    }

    fn gone(&mut self, kind: Kind, name: &str) {
        let mut value = self.get(kind, name);
        self.version += 1;
        value["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.objects.remove(&(kind, name.to_owned()));
        self.change(kind, Verb::Deleted, value);
    }

    /// Enters a request that is answered with what was put.
    #[expect(clippy::too_many_arguments, reason = "a line of a tale says all of it")]
    fn request(
        &mut self,
        by: Actor,
        method: Method,
        kind: Kind,
        sub: &str,
        body: Value,
        object: &Value,
        code: u16,
    ) {
        let steps = self.log.requests.len() * 2 + 1;
        let text = |field: &Value| field.as_str().map(str::to_owned);
        self.log.requests.push(Request {
            actor: by,
            process: self.process,
            sent_at: self.now,
            step: steps,
            method,
            kind: Some(kind),
            plural: kind.plural().to_owned(),
            namespace: NAMESPACE.to_owned(),
            name: text(&object["metadata"]["name"]).unwrap_or_default(),
            subresource: sub.to_owned(),
            dry_run: false,
            body: Some(std::sync::Arc::new(body)),
            delivered: self.log.deliveries.len(),
            answer: Some(Answer {
                at: self.now,
                step: steps + 1,
                code,
                version: text(&object["metadata"]["resourceVersion"])
                    .and_then(|version| version.parse().ok()),
                uid: text(&object["metadata"]["uid"]),
                reason: String::new(),
                message: String::new(),
            }),
            lost: false,
            closed_at: None,
        });
    }

    fn watch(&mut self) {
        let none = json!({"metadata": {}});
        self.request(
            Actor::Subject,
            Method::Watch,
            Kind::Set,
            "",
            Value::Null,
            &none,
            200,
        );
    }

    fn close(&mut self) {
        let now = self.now;
        let open =
            |request: &&mut Request| request.method == Method::Watch && request.closed_at.is_none();
        self.log
            .requests
            .iter_mut()
            .filter(open)
            .for_each(|request| request.closed_at = Some(now));
    }

    fn restart(&mut self) {
        self.close();
        self.process += 1;
        self.watch();
    }

    fn gap(&mut self, kind: &str) {
        let length = self.history.changes().len();
        self.history.gap(Gap {
            kind: Kind::of_plural(kind).expect("a kind"),
            after: length,
            until: length,
            why: format!("the watch of {kind} broke"),
        });
    }

    /// All that happened so far to a kind is delivered to the subject.
    fn hear(&mut self, words: &Words<'_>) {
        let wanted = words
            .get("kind")
            .map(|kind| Kind::of_plural(kind).expect("a kind"));
        let known: BTreeSet<u64> = self
            .log
            .deliveries
            .iter()
            .map(|delivery| delivery.version)
            .collect();
        let new = self.history.changes().iter().filter(|change| {
            !known.contains(&change.version)
                && wanted.is_none_or(|kind| kind == change.object.kind())
        });
        let new: Vec<Delivery> = new
            .map(|change| Delivery {
                at: self.now,
                process: self.process,
                kind: change.object.kind(),
                namespace: NAMESPACE.to_owned(),
                name: change.object.name().to_owned(),
                version: change.version,
            })
            .collect();
        self.log.deliveries.extend(new);
    }

    fn set(&mut self, name: &str, words: &Words<'_>) {
        let key = (Kind::Set, name.to_owned());
        let mut set = self.objects.get(&key).cloned().unwrap_or_else(|| {
            json!({
                "apiVersion": "apps/v1", "kind": "StatefulSet",
                "metadata": {"name": name, "generation": 0},
                "spec": {
                    "replicas": 1, "serviceName": name, "podManagementPolicy": "OrderedReady",
                    "selector": {"matchLabels": {"app": name}}, "template": template("a", name),
                    "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
                },
                "status": {"replicas": 0},
            })
        });
        for (word, value) in words {
            let number = || json!(value.parse::<i64>().expect("a number"));
            let spec = &mut set["spec"];
            match *word {
                "replicas" => spec["replicas"] = number(),
                "start" => spec["ordinals"]["start"] = number(),
                "minready" => spec["minReadySeconds"] = number(),
                "policy" => spec["podManagementPolicy"] = json!(value),
                "partition" => spec["updateStrategy"]["rollingUpdate"]["partition"] = number(),
                "max" => {
                    let max = value
                        .parse::<i64>()
                        .map_or_else(|_| json!(value), |pods| json!(pods));
                    spec["updateStrategy"]["rollingUpdate"]["maxUnavailable"] = max;
                }
                "strategy" => spec["updateStrategy"] = json!({"type": value}),
                "template" => spec["template"] = template(value, name),
                "whenscaled" => {
                    spec["persistentVolumeClaimRetentionPolicy"] =
                        json!({"whenScaled": value, "whenDeleted": "Retain"});
                }
                "claims" => {
                    let templates = value
                        .split(',')
                        .map(|name| json!({"metadata": {"name": name}, "spec": {}}));
                    spec["volumeClaimTemplates"] = templates.collect();
                }
                "silent" => {}
                other => panic!("a set has no {other:?}"),
            }
        }
        let generation = set["metadata"]["generation"].as_i64().unwrap_or(0) + 1;
        set["metadata"]["generation"] = generation.into();
        self.put(Kind::Set, set);
    }

    fn claimed(&self, set: &str) -> Vec<Value> {
        let pods = self.objects.iter().filter(|((kind, name), _)| {
            *kind == Kind::Pod && crate::sets::ordinal_of(set, name).is_some()
        });
        let uid = &self.get(Kind::Set, set)["metadata"]["uid"];
        let owned = pods.filter(|(_, pod)| pod["metadata"]["ownerReferences"][0]["uid"] == *uid);
        owned.map(|(_, pod)| pod.clone()).collect()
    }

    /// The true status, but for the words given.
    fn status(&mut self, name: &str, by: Actor, words: &Words<'_>) {
        let mut set = self.get(Kind::Set, name);
        let seen = set["metadata"]["resourceVersion"].clone();
        let before = set["status"].clone();
        let last = |field: &str| before[field].as_str().unwrap_or("a").to_owned();
        let mut update = words
            .get("upd")
            .map_or_else(|| last("updateRevision"), |name| (*name).to_owned());
        let current = words
            .get("cur")
            .map_or_else(|| last("currentRevision"), |name| (*name).to_owned());
        if words.get("upd").is_none()
            && words.get("cur").is_some()
            && before["updateRevision"].is_null()
        {
            update.clone_from(&current);
        }
        let pods = self.claimed(name);
        let count = |fits: &dyn Fn(&Value) -> bool| pods.iter().filter(|pod| fits(pod)).count();
        let ready = count(&|pod| {
            pod["status"]["conditions"][0]["status"] == "True"
                && pod["status"]["phase"] == "Running"
        });
        let of = |revision: &str| {
            count(&|pod| {
                pod["metadata"]["labels"]["controller-revision-hash"] == revision
                    && pod["metadata"]["deletionTimestamp"].is_null()
            })
        };
        let mut status = json!({
            "observedGeneration": set["metadata"]["generation"], "replicas": pods.len(), "readyReplicas": ready,
            "availableReplicas": ready, "currentReplicas": of(&current), "updatedReplicas": of(&update),
            "currentRevision": current, "updateRevision": update,
        });
        let fields = [
            ("gen", "observedGeneration"),
            ("replicas", "replicas"),
            ("ready", "readyReplicas"),
            ("available", "availableReplicas"),
            ("current", "currentReplicas"),
            ("updated", "updatedReplicas"),
        ];
        for (word, field) in fields {
            if let Some(value) = words.get(word) {
                status[field] = value.parse::<i64>().expect("a number").into();
            }
        }
        set["status"] = status.clone();
        let set = self.put(Kind::Set, set);
        let body = json!({"metadata": {"name": name, "resourceVersion": seen}, "status": status});
        self.request(by, Method::Update, Kind::Set, "status", body, &set, 200);
    }

    fn owner(&self, set: &str) -> Value {
        let uid = self.get(Kind::Set, set)["metadata"]["uid"].clone();
        json!([{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": set, "uid": uid, "controller": true}])
    }

    fn owners(&self, words: &Words<'_>, set: &str) -> Value {
        match words.get("owner").copied() {
            None => self.owner(set),
            Some("none") => Value::Null,
            Some("gone") => {
                json!([{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": set, "uid": "of-another", "controller": true}])
            }
            Some(other) => {
                json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": other, "uid": "of-another", "controller": true}])
            }
        }
    }

    fn revision(&mut self, name: &str, by: Actor, words: &Words<'_>) {
        let letter = words.get("template").copied().unwrap_or(name);
        let number: i64 = words
            .get("number")
            .map_or(1, |number| number.parse().expect("a number"));
        let key = (Kind::Revision, name.to_owned());
        let old = self.objects.get(&key).cloned();
        let mut spec = template(letter, "web");
        spec["$patch"] = "replace".into();
        let mut revision = json!({
            "metadata": {"name": name, "ownerReferences": self.owners(words, "web")},
            "data": {"spec": {"template": spec}}, "revision": number,
        });
        let method = if let Some(old) = &old {
            revision["metadata"]["uid"] = old["metadata"]["uid"].clone();
            Method::Update
        } else {
            Method::Create
        };
        let sent = revision.clone();
        let revision = self.put(Kind::Revision, revision);
        self.request(by, method, Kind::Revision, "", sent, &revision, 201);
    }

    fn claim(&mut self, name: &str, by: Actor, words: &Words<'_>) {
        let sent = json!({"metadata": {"name": name}, "spec": {}, "status": {"phase": "Bound"}});
        let sent = if let Some(owner) = words.get("owner") {
            let mut sent = sent;
            sent["metadata"]["ownerReferences"] =
                json!([{"apiVersion": "v1", "kind": "Pod", "name": owner, "uid": "of-another"}]);
            sent
        } else {
            sent
        };
        let claim = self.put(Kind::Claim, sent.clone());
        self.request(by, Method::Create, Kind::Claim, "", sent, &claim, 201);
        if let (Some((_, ordinal)), Actor::Subject) = (name.rsplit_once('-'), by) {
            let message =
                format!("create Claim {name} Pod web-{ordinal} in StatefulSet web success");
            self.tell_of("SuccessfulCreate", &message, words);
        }
    }

    fn make(&mut self, name: &str, by: Actor, words: &Words<'_>) {
        let (set, ordinal) = name.rsplit_once('-').expect("a set and an ordinal");
        let revision = words.get("rev").copied().unwrap_or("a");
        let told = |word: &str, usual: &str| {
            words
                .get(word)
                .map_or_else(|| usual.to_owned(), |told| (*told).to_owned())
        };
        let labels = json!({
            "app": set, "controller-revision-hash": revision,
            "statefulset.kubernetes.io/pod-name": told("label", name), "apps.kubernetes.io/pod-index": told("index", ordinal),
        });
        let owner = self.owners(
            words,
            if set.contains('-') || set == "other" {
                "web"
            } else {
                set
            },
        );
        let templates = self
            .objects
            .get(&(Kind::Set, set.to_owned()))
            .map(|set| set["spec"]["volumeClaimTemplates"].clone());
        let templates = templates.unwrap_or_default();
        let volumes: Vec<Value> = templates
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|template| template["metadata"]["name"].as_str())
            .map(|template| json!({"name": template, "persistentVolumeClaim": {"claimName": format!("{template}-{name}")}}))
            .collect();
        let sent = json!({
            "metadata": {"name": name, "labels": labels, "ownerReferences": owner},
            "spec": {"hostname": told("hostname", name), "subdomain": told("subdomain", set), "volumes": volumes, "containers": [{"name": "main"}]},
            "status": {"phase": "Pending", "conditions": []},
        });
        let pod = self.put(Kind::Pod, sent.clone());
        self.request(by, Method::Create, Kind::Pod, "", sent, &pod, 201);
        if by == Actor::Subject {
            self.tell_of(
                "SuccessfulCreate",
                &format!("create Pod {name} in StatefulSet web successful"),
                words,
            );
        }
    }

    /// The controller sends an event, unless it is silent.
    fn tell_of(&mut self, reason: &str, message: &str, words: &Words<'_>) {
        if !words.contains_key("silent") {
            self.event(reason, message, &Words::new());
        }
    }

    /// Another object of the same name, while the first is still there.
    fn second(&mut self, name: &str) {
        let mut pod = self.get(Kind::Pod, name);
        pod["metadata"]["uid"] = Value::Null;
        self.put(Kind::Pod, pod);
    }

    fn phase(&mut self, name: &str, phase: &str, ready: Option<bool>) {
        let mut pod = self.get(Kind::Pod, name);
        pod["status"]["phase"] = phase.into();
        if let Some(ready) = ready {
            let status = if ready { "True" } else { "False" };
            pod["status"]["conditions"] =
                json!([{"type": "Ready", "status": status, "lastTransitionTime": whole(self.now)}]);
        }
        self.put(Kind::Pod, pod);
    }

    /// `since=` and `until=`: when the only container started or ended, in seconds from now.
    fn containers(&mut self, name: &str, words: &Words<'_>) {
        let mut pod = self.get(Kind::Pod, name);
        let time = |word: &str| {
            let seconds: i64 = words.get(word)?.parse().expect("seconds");
            Some(whole(self.now + SignedDuration::from_secs(seconds)))
        };
        let state = match (time("since"), time("until")) {
            (Some(since), _) => json!({"running": {"startedAt": since}}),
            (None, until) => json!({"terminated": {"exitCode": 0, "finishedAt": until}}),
        };
        pod["status"]["containerStatuses"] = json!([{"name": "main", "image": "i", "imageID": "i", "ready": true, "restartCount": 0, "state": state}]);
        self.put(Kind::Pod, pod);
    }

    /// Changes owners or the revision number of what is there: `owner=`, `claim-of=`.
    fn patch(&mut self, name: &str, by: Actor, words: &Words<'_>) {
        let kinds = [Kind::Pod, Kind::Claim, Kind::Revision];
        let kind = kinds
            .into_iter()
            .find(|kind| self.objects.contains_key(&(*kind, name.to_owned())))
            .expect("an object");
        let mut object = self.get(kind, name);
        let version = object["metadata"]["resourceVersion"].clone();
        if let Some(pod) = words.get("claim-of") {
            let uid = self.get(Kind::Pod, pod)["metadata"]["uid"].clone();
            object["metadata"]["ownerReferences"] = json!([{"apiVersion": "v1", "kind": "Pod", "name": pod, "uid": uid, "controller": true}]);
        } else {
            object["metadata"]["ownerReferences"] = self.owners(words, "web");
        }
        let object = self.put(kind, object);
        let body = json!({"metadata": {"name": name, "resourceVersion": version}});
        self.request(by, Method::Update, kind, "", body, &object, 200);
    }

    fn delete(&mut self, kind: Kind, name: &str, by: Actor, words: &Words<'_>) {
        let mut object = self.get(kind, name);
        let body = match words.get("uid") {
            Some(_) => json!({"preconditions": {"uid": object["metadata"]["uid"]}}),
            None => json!({}),
        };
        if object["metadata"]["deletionTimestamp"].is_null() {
            object["metadata"]["deletionTimestamp"] = whole(self.now).into();
            if let Some(generation) = object["metadata"]["generation"].as_i64() {
                object["metadata"]["generation"] = (generation + 1).into();
            }
            object = self.put(kind, object);
        }
        self.request(by, Method::Delete, kind, "", body, &object, 200);
        if kind == Kind::Pod && by == Actor::Subject {
            self.tell_of(
                "SuccessfulDelete",
                &format!("delete Pod {name} in StatefulSet web successful"),
                words,
            );
        }
    }

    fn remove_now(&mut self, kind: Kind, name: &str, by: Actor) {
        let mut object = self.get(kind, name);
        self.gone(kind, name);
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.request(by, Method::Delete, kind, "", json!({}), &object, 200);
    }

    fn refused(&mut self, name: &str, words: &Words<'_>) {
        let object = json!({"metadata": {"name": name}});
        let code = words
            .get("code")
            .map_or(403, |code| code.parse().expect("a code"));
        self.request(
            Actor::Subject,
            Method::Create,
            Kind::Pod,
            "",
            object.clone(),
            &object,
            code,
        );
    }

    fn event(&mut self, reason: &str, message: &str, words: &Words<'_>) {
        let set = self.get(Kind::Set, "web");
        let name = words.get("name").map_or_else(
            || format!("web.{}", self.version),
            |name| (*name).to_owned(),
        );
        let count: i64 = words
            .get("count")
            .map_or(1, |count| count.parse().expect("a number"));
        let kind = words.get("type").copied().unwrap_or("Normal");
        let age: i64 = words
            .get("age")
            .map_or(0, |seconds| seconds.parse().expect("a number"));
        let event = json!({
            "metadata": {"name": name}, "reason": reason, "message": message, "type": kind, "count": count,
            "involvedObject": {"kind": "StatefulSet", "name": "web", "uid": set["metadata"]["uid"]},
            "lastTimestamp": self.now - SignedDuration::from_secs(age),
        });
        let made = self.put(Kind::Event, event.clone());
        self.request(
            Actor::Subject,
            Method::Create,
            Kind::Event,
            "",
            event,
            &made,
            201,
        );
    }

    fn service(&mut self, name: &str, words: &Words<'_>) {
        let address = words.get("ip").copied().unwrap_or("None");
        self.put(
            Kind::Service,
            json!({"metadata": {"name": name}, "spec": {"clusterIP": address}}),
        );
    }

    /// `ready=address@host,..` and `unready=..`
    fn slice(&mut self, service: &str, words: &Words<'_>) {
        let name = format!("{service}-slice");
        let mut endpoints = Vec::new();
        for (word, ready) in [("ready", true), ("unready", false)] {
            for endpoint in words
                .get(word)
                .into_iter()
                .flat_map(|list| list.split(','))
                .filter(|text| !text.is_empty())
            {
                let (address, host) = endpoint.split_once('@').expect("address@host");
                endpoints.push(json!({"addresses": [address], "hostname": host, "conditions": {"ready": ready}}));
            }
        }
        let uid = self
            .objects
            .get(&(Kind::EndpointSlice, name.clone()))
            .map(|slice| slice["metadata"]["uid"].clone());
        let mut slice = json!({
            "metadata": {"name": name, "labels": {"kubernetes.io/service-name": service}},
            "addressType": "IPv4", "endpoints": endpoints,
        });
        slice["metadata"]["uid"] = uid.unwrap_or_default();
        self.put(Kind::EndpointSlice, slice);
    }

    fn dns(&mut self, name: &str, words: &Words<'_>) {
        let addresses = words
            .get("is")
            .into_iter()
            .flat_map(|list| list.split(','))
            .filter(|text| !text.is_empty());
        let addresses: Vec<_> = addresses
            .map(|text| text.parse().expect("an address"))
            .collect();
        self.answers.push(DnsAnswer {
            asked_at: self.now,
            answered_at: self.now,
            name: format!("{name}.default.svc.cluster.local"),
            record: "A".to_owned(),
            code: if addresses.is_empty() {
                "NXDomain"
            } else {
                "NoError"
            }
            .to_owned(),
            addresses,
            others: Vec::new(),
            ttl_seconds: 5,
        });
    }

    /// A set of that many pods comes up in order, as it should.
    fn bring_up(&mut self, pods: i32, words: &Words<'_>) {
        let count = pods.to_string();
        let mut wanted: Words<'_> = words.clone();
        wanted.insert("replicas", &count);
        self.set("web", &wanted);
        let set = self.get(Kind::Set, "web");
        self.revision("a", Actor::Subject, &Words::new());
        let claims: Vec<String> = set["spec"]["volumeClaimTemplates"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|claim| claim["metadata"]["name"].as_str().map(str::to_owned))
            .collect();
        let start =
            i32::try_from(set["spec"]["ordinals"]["start"].as_i64().unwrap_or(0)).expect("small");
        for ordinal in start..start + pods {
            let pod = format!("web-{ordinal}");
            for claim in &claims {
                self.claim(&format!("{claim}-{pod}"), Actor::Subject, words);
            }
            self.make(&pod, Actor::Subject, words);
            self.status("web", Actor::Subject, &Words::new());
            self.wait(1);
            self.phase(&pod, "Running", Some(true));
            self.status("web", Actor::Subject, &Words::new());
        }
    }

    /// A pod that was deleted goes and comes back: `rev=`.
    fn replace(&mut self, name: &str, words: &Words<'_>) {
        self.wait(1);
        self.gone(Kind::Pod, name);
        self.make(name, Actor::Subject, words);
        self.status("web", Actor::Subject, &Words::new());
        self.wait(1);
        self.phase(name, "Running", Some(true));
        self.status("web", Actor::Subject, &Words::new());
    }
}

fn template(letter: &str, set: &str) -> Value {
    json!({"metadata": {"labels": {"app": set}}, "spec": {"containers": [{"name": "main", "image": format!("image:{letter}")}]}})
}

fn whole(time: Timestamp) -> String {
    let second = Timestamp::from_second(time.as_second()).expect("a second");
    second.to_string()
}
