//! Live sets are handed from the built-in controller to the reference controller and back, at moments of a rollout that
//! are held still: whoever takes over finds all as it should be, and goes on where the other ended.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{StreamExt as _, future::join_all};
use serde_json::{Value, json};
use stsspec::{
    cluster::{
        Target,
        control_plane::{ControlPlane, Options},
    },
    controller::{self, plan::Gates},
    evidence::{
        Actor, Evidence, Profile,
        timeline::{Part, Timeline, What, timelines},
    },
    k8s_openapi::api::{
        apps::v1::{ControllerRevision, StatefulSet},
        core::v1::{PersistentVolumeClaim, Pod},
    },
    kube::{
        Api, Client, ResourceExt as _,
        api::{DeleteParams, ListParams, Patch, PatchParams},
        runtime::{WatchStreamExt as _, wait::await_condition, watcher},
    },
    mutants,
    record::Recorder,
    suite,
    tap::{Hub, Tap, proxy},
};
use tokio::{task::JoinHandle, time::timeout};

/// How long anything may take to come about.
const DEADLINE: Duration = Duration::from_secs(120);

/// How long nothing happens before it is said that nothing happens.
const QUIET: Duration = Duration::from_secs(2);

/// The pods of a set are Ready when the test says so.
const GATE: &str = "stsspec.dev/let";

/// Keeps the pod that an update deletes.
const FINALIZER: &str = "stsspec.dev/held";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    BuiltIn,
    Bundled,
    /// The reference controller with a fault.
    Mutant(&'static str),
}

/// What a set is in the middle of when it is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// Nothing: all pods are Ready.
    Settled,
    /// The last pod is updated and not Ready.
    OneUpdated,
    /// The update has deleted the last pod, which is not gone.
    OneEnding,
    /// The update has deleted the last pod, and it is not created again.
    OneMissing,
    /// Somebody has deleted a pod, and it is not created again.
    OneLost,
    /// The update rests at a partition.
    Partitioned,
    /// The update is over.
    Updated,
}

use Moment::{OneEnding, OneLost, OneMissing, OneUpdated, Partitioned, Settled, Updated};

const MOMENTS: [Moment; 7] = [
    Settled,
    OneUpdated,
    OneEnding,
    OneMissing,
    OneLost,
    Partitioned,
    Updated,
];

impl Moment {
    fn is_updated(self) -> bool {
        !matches!(self, Settled | OneLost)
    }

    /// The pod that whoever takes over has to create.
    fn missing(self) -> Option<&'static str> {
        match self {
            OneMissing => Some("web-2"),
            OneLost => Some("web-1"),
            Settled | OneUpdated | OneEnding | Partitioned | Updated => None,
        }
    }

    /// How often each pod is created, in all.
    fn creations(self) -> [usize; 3] {
        match self {
            Settled => [1, 1, 1],
            OneLost => [1, 2, 1],
            OneUpdated | OneEnding | OneMissing | Partitioned | Updated => [2, 2, 2],
        }
    }
}

/// A control plane, and who takes care of its sets.
struct Hall {
    plane: ControlPlane,
    hub: Hub,
    at_work: Option<(Who, JoinHandle<()>)>,
}

impl Hall {
    async fn begin(&mut self, who: Who) {
        self.hub.subject().restarted();
        let access = self.plane.access();
        let hub = self.hub.clone();
        let task = match who {
            Who::BuiltIn => {
                let client = access.client_without_credentials().expect("a client");
                let entrance = self.plane.entrance().await.expect("a port");
                self.plane.start_built_in(&entrance).expect("it starts");
                tokio::spawn(async move {
                    let served = proxy::serve(&hub, client, entrance.listener, entrance.acceptor);
                    drop(served.await);
                })
            }
            Who::Bundled | Who::Mutant(_) => {
                let client = access.client("stsspec-subject").expect("a client");
                let client = hub.subject().client(client, Actor::Subject);
                let mut options = controller::Options {
                    gates: Gates::default(),
                    ..controller::Options::default()
                };
                if let Who::Mutant(id) = who {
                    let Some(mutants::Part::Controller(twist)) =
                        mutants::find(id).map(|mutant| mutant.part)
                    else {
                        panic!("there is no such controller: {id}");
                    };
                    options.twist = twist();
                }
                let running = controller::run(client, self.plane.clock(), options);
                tokio::spawn(async move { drop(running.await) })
            }
        };
        self.at_work = Some((who, task));
    }

    async fn end(&mut self) {
        if let Some((who, task)) = self.at_work.take() {
            if who == Who::BuiltIn {
                self.plane.end_built_in().await;
            }
            task.abort();
            drop(task.await);
        }
    }
}

/// What must not change while a set is handed over.
#[derive(Clone, Debug, Default, PartialEq)]
struct Snapshot {
    generation: i64,
    status: Value,
    /// UIDs and restarts.
    pods: BTreeMap<String, String>,
    /// UIDs and numbers.
    revisions: BTreeMap<String, String>,
    /// UIDs.
    claims: BTreeMap<String, String>,
}

/// What a handover changed that it must not, in words. The user has changed the spec once, without effect.
fn changed(before: &Snapshot, after: &Snapshot, missing: Option<&str>) -> Vec<String> {
    let mut found = Vec::new();
    let mut same = |what: &str, before: &dyn std::fmt::Debug, after: &dyn std::fmt::Debug| {
        let (before, after) = (format!("{before:?}"), format!("{after:?}"));
        if before != after {
            found.push(format!("{what}: {before} became {after}"));
        }
    };
    let others = |pods: &BTreeMap<String, String>| -> BTreeMap<String, String> {
        let others = pods
            .iter()
            .filter(|(name, _)| Some(name.as_str()) != missing);
        others
            .map(|(name, pod)| (name.clone(), pod.clone()))
            .collect()
    };
    same("pods", &others(&before.pods), &others(&after.pods));
    let there = |snapshot: &Snapshot| missing.is_none_or(|name| snapshot.pods.contains_key(name));
    same("the missing pod is there", &true, &there(after));
    same("revisions", &before.revisions, &after.revisions);
    same("claims", &before.claims, &after.claims);
    same("generation", &(before.generation + 1), &after.generation);
    same(
        "observedGeneration",
        &json!(after.generation),
        &after.status["observedGeneration"],
    );
    let kept = |status: &Value| {
        let mut status = status.clone();
        if let Value::Object(fields) = &mut status {
            fields.retain(|name, _| {
                let counts_pods = name.ends_with("Replicas") || name == "replicas";
                name != "observedGeneration" && !(counts_pods && missing.is_some())
            });
        }
        status
    };
    same("status", &kept(&before.status), &kept(&after.status));
    found
}

/// One set in a namespace of its own.
struct Place {
    moment: Moment,
    namespace: String,
    sets: Api<StatefulSet>,
    pods: Api<Pod>,
    client: Client,
    recorder: Recorder,
    tap: Tap,
    /// Pods that are not let be Ready.
    held: Arc<Mutex<BTreeSet<String>>>,
    keeper: JoinHandle<()>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

fn manifest(namespace: &str, policy: &str) -> String {
    format!(
        "
{{apiVersion: v1, kind: Namespace, metadata: {{name: {namespace}}}}}
---
{{apiVersion: v1, kind: Service, metadata: {{name: web, namespace: {namespace}}}, spec: {{clusterIP: None, selector: {{app: web}}}}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: web, namespace: {namespace}}}
spec:
  serviceName: web
  replicas: 3
  podManagementPolicy: {policy}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      terminationGracePeriodSeconds: 1
      readinessGates: [{{conditionType: {GATE}}}]
      containers: [{{name: main, image: 'busybox:1.28.4', command: [sh, -c, 'trap exit TERM; sleep 1000000 & wait']}}]
  volumeClaimTemplates:
  - metadata: {{name: data}}
    spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Mi}}}}}}
"
    )
}

async fn open(pods: &Api<Pod>, pod: &Pod) {
    let conditions = pod
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());
    let is_open = conditions
        .into_iter()
        .any(|condition| condition.type_ == GATE && condition.status == "True");
    if !is_open && pod.metadata.deletion_timestamp.is_none() {
        let change = json!({"status": {"conditions": [{"type": GATE, "status": "True"}]}});
        let patch = Patch::Strategic(&change);
        // One that is gone meanwhile needs it no more.
        let _ = pods
            .patch_status(&pod.name_any(), &PatchParams::default(), &patch)
            .await;
    }
}

async fn keep(pods: Api<Pod>, held: Arc<Mutex<BTreeSet<String>>>) {
    let seen = watcher(pods.clone(), watcher::Config::default());
    let mut seen = seen.default_backoff().applied_objects().boxed();
    while let Some(pod) = seen.next().await {
        let Ok(pod) = pod else { continue };
        let is_held = held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&pod.name_any());
        if !is_held {
            open(&pods, &pod).await;
        }
    }
}

impl Place {
    async fn make(hall: &Hall, moment: Moment, policy: &str) -> Self {
        let access = hall.plane.access();
        let namespace = format!("{moment:?}-{policy}").to_lowercase();
        let tap = hall.hub.tap();
        tap.cover(&namespace);
        let client = access.client("stsspec").expect("a client");
        let recorder = Recorder::new(client.clone(), hall.plane.clock(), Target::apps_v1());
        recorder.start(&namespace).await.expect("it is listed");
        let client = tap.client(client, Actor::Harness);
        super::apply(client.clone(), manifest(&namespace, policy)).await;
        let pods: Api<Pod> = Api::namespaced(client.clone(), &namespace);
        let held = Arc::<Mutex<BTreeSet<String>>>::default();
        Self {
            moment,
            sets: Api::namespaced(client.clone(), &namespace),
            keeper: tokio::spawn(keep(pods.clone(), held.clone())),
            pods,
            client,
            recorder,
            tap,
            held,
            namespace,
        }
    }

    async fn until(&self, what: &str, holds: impl Fn(&StatefulSet) -> bool) {
        let waited = await_condition(self.sets.clone(), "web", |set: Option<&StatefulSet>| {
            set.is_some_and(&holds)
        });
        let came = timeout(DEADLINE, waited).await;
        assert!(
            matches!(came, Ok(Ok(_))),
            "{}: never {what}: {:?}",
            self.namespace,
            self.sets.get("web").await.map(|set| set.status)
        );
    }

    async fn until_pod(&self, name: &str, what: &str, holds: impl Fn(Option<&Pod>) -> bool) {
        let waited = await_condition(self.pods.clone(), name, |pod: Option<&Pod>| holds(pod));
        let came = timeout(DEADLINE, waited).await;
        assert!(
            matches!(came, Ok(Ok(_))),
            "{}: {name} is never {what}",
            self.namespace
        );
    }

    async fn change(&self, change: Value) {
        let patch = Patch::Merge(&change);
        let done = self
            .sets
            .patch("web", &PatchParams::default(), &patch)
            .await;
        done.expect("the set is changed");
    }

    async fn finalizers(&self, finalizers: Value) {
        let change = json!({"metadata": {"finalizers": finalizers}});
        let patch = Patch::Merge(&change);
        let done = self
            .pods
            .patch("web-2", &PatchParams::default(), &patch)
            .await;
        done.expect("the pod is changed");
    }

    fn hold(&self, name: &str) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(name.to_owned());
    }

    async fn until_complete(&self) {
        let updated = self.moment.is_updated();
        self.until("complete", |set| {
            let Some(status) = &set.status else {
                return false;
            };
            status.observed_generation == set.metadata.generation
                && status.ready_replicas == Some(3)
                && status.current_revision == status.update_revision
                && (!updated || status.updated_replicas == Some(3))
        })
        .await;
    }

    /// Brings the set to its moment.
    async fn bring(&self) {
        self.until("Ready", |set| {
            let status = set.status.as_ref();
            status.is_some_and(|status| status.ready_replicas == Some(3))
        })
        .await;
        let update =
            json!({"spec": {"template": {"metadata": {"annotations": {"version": "two"}}}}});
        match self.moment {
            Settled => {}
            OneLost => self.hold("web-1"),
            OneUpdated => {
                self.hold("web-2");
                self.change(update).await;
                self.until("one pod updated", |set| {
                    let status = set.status.as_ref();
                    status.is_some_and(|status| status.updated_replicas == Some(1))
                })
                .await;
            }
            OneEnding | OneMissing => {
                self.hold("web-2");
                self.finalizers(json!([FINALIZER])).await;
                self.change(update).await;
                self.until_pod("web-2", "deleted", |pod| {
                    pod.is_some_and(|pod| pod.metadata.deletion_timestamp.is_some())
                })
                .await;
            }
            Partitioned => {
                let rest = json!({"spec": {"updateStrategy": {"rollingUpdate": {"partition": 1}}}});
                self.change(rest).await;
                self.change(update).await;
                self.until("at its partition", |set| {
                    let status = set.status.as_ref();
                    status.is_some_and(|status| {
                        status.updated_replicas == Some(2)
                            && status.ready_replicas == Some(3)
                            && status.current_replicas == Some(1)
                    })
                })
                .await;
            }
            Updated => {
                self.change(update).await;
                self.until_complete().await;
            }
        }
    }

    /// What happens while nobody takes care of the set.
    async fn meanwhile(&self) {
        match self.moment {
            OneMissing => self.finalizers(Value::Null).await,
            OneLost => {
                let done = self.pods.delete("web-1", &DeleteParams::default()).await;
                drop(done.expect("it is deleted"));
            }
            Settled | OneUpdated | OneEnding | Partitioned | Updated => {}
        }
        if let Some(name) = self.moment.missing() {
            self.until_pod(name, "gone", |pod| pod.is_none()).await;
        }
    }

    async fn rest(&self) {
        self.recorder.quiet(QUIET, DEADLINE, usize::MAX).await;
    }

    async fn snapshot(&self) -> Snapshot {
        let set = self.sets.get("web").await.expect("the set is there");
        let params = ListParams::default();
        let pods = self.pods.list(&params).await.expect("pods are listed");
        let restarts = |pod: &Pod| -> i32 {
            let statuses = pod.status.iter();
            let containers = statuses.flat_map(|status| status.container_statuses.iter().flatten());
            containers.map(|container| container.restart_count).sum()
        };
        let pods = pods.items.iter().map(|pod| {
            let told = format!("{} {}", pod.uid().unwrap_or_default(), restarts(pod));
            (pod.name_any(), told)
        });
        let revisions: Api<ControllerRevision> =
            Api::namespaced(self.client.clone(), &self.namespace);
        let revisions = revisions.list(&params).await.expect("they are listed");
        let revisions = revisions.items.iter().map(|revision| {
            let number = revision.revision.unwrap_or_default();
            let told = format!("{} {number}", revision.uid().unwrap_or_default());
            (revision.name_any(), told)
        });
        let claims: Api<PersistentVolumeClaim> =
            Api::namespaced(self.client.clone(), &self.namespace);
        let claims = claims.list(&params).await.expect("they are listed");
        let claims = claims.items.iter();
        Snapshot {
            generation: set.metadata.generation.unwrap_or_default(),
            status: serde_json::to_value(&set.status).expect("it is JSON"),
            pods: pods.collect(),
            revisions: revisions.collect(),
            claims: claims
                .map(|claim| (claim.name_any(), claim.uid().unwrap_or_default()))
                .collect(),
        }
    }

    /// A change without effect, which whoever is at work has to have seen before its status says so.
    async fn certify(&self, before: &Snapshot) {
        let limit = 10 + before.generation;
        self.change(json!({"spec": {"revisionHistoryLimit": limit}}))
            .await;
        self.until("seen by who took over", |set| {
            let status = set.status.as_ref();
            let seen = status.and_then(|status| status.observed_generation);
            seen == set.metadata.generation && seen > Some(before.generation)
        })
        .await;
    }

    /// Lets everything go on.
    async fn release(&self) {
        let clear = || {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.clear();
        };
        clear();
        if self.moment == OneEnding {
            self.finalizers(Value::Null).await;
        }
        if self.moment == Partitioned {
            self.change(json!({"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}}))
                .await;
        }
        let pods = self.pods.list(&ListParams::default()).await;
        for pod in pods.expect("pods are listed").items {
            open(&self.pods, &pod).await;
        }
        self.until_complete().await;
    }

    /// All that was seen of it.
    async fn evidence(&self, plane: &ControlPlane) -> Evidence {
        let capabilities = plane.capabilities();
        let mut history = self
            .recorder
            .finish(std::slice::from_ref(&self.namespace))
            .await
            .expect("it is listed");
        history.seal();
        Evidence {
            history,
            log: self.tap.log(),
            answers: Vec::new(),
            profile: Profile {
                version: capabilities.version,
                shared_counter: true,
                virtual_time: false,
                attribution: true,
                delivery: true,
                gates: capabilities.gates,
                own_write_gate: true,
            },
        }
    }
}

/// What is wrong with a set's whole course, in words.
fn faults(moment: Moment, timeline: &Timeline) -> Vec<String> {
    let mut faults = Vec::new();
    let of = |wanted: &dyn Fn(&Part) -> bool| -> Vec<&What> {
        let events = timeline.events.iter().filter(|event| wanted(&event.part));
        events.map(|event| &event.what).collect()
    };
    let statuses = of(&|part| *part == Part::Status);
    let names = [What::Names(1, 1), What::Names(1, 2), What::Names(2, 2)];
    let count = if moment.is_updated() { 3 } else { 1 };
    if statuses != names[..count].iter().collect::<Vec<_>>() {
        faults.push(format!("its status named {statuses:?}"));
    }
    for (ordinal, wanted) in moment.creations().into_iter().enumerate() {
        let name = format!("web-{ordinal}");
        let events = of(&|part| matches!(part, Part::Pod(_, pod) if *pod == name));
        let created = events
            .iter()
            .filter(|what| matches!(what, What::CreatedFrom(_)));
        let created = created.count();
        if created != wanted {
            faults.push(format!("{name} was created {created} times, not {wanted}"));
        }
    }
    let revisions = of(&|part| matches!(part, Part::Revision(_)));
    let wanted = 1 + usize::from(moment.is_updated());
    if revisions.len() != wanted {
        faults.push(format!("its revisions: {revisions:?}"));
    }
    faults
}

/// Hands sets over at these moments, from one to the next. What is wrong with that, in words; None where there is nothing
/// to run.
fn hand_over(turns: &[Who], moments: &[Moment]) -> Option<Vec<String>> {
    let Some(assets) = super::assets() else {
        eprintln!(
            "skipped: there is no kube-apiserver here; name a folder by KUBEBUILDER_ASSETS, or run ci/real/build"
        );
        return None;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    Some(runtime.expect("there is a runtime").block_on(async {
        let plane = ControlPlane::start(&Options::new(assets))
            .await
            .expect("it starts");
        let hub = Hub::new(plane.clock(), Target::apps_v1());
        let mut hall = Hall {
            plane,
            hub,
            at_work: None,
        };
        hall.begin(turns[0]).await;
        let made = moments.iter().copied().flat_map(|moment| {
            ["OrderedReady", "Parallel"].map(|policy| Place::make(&hall, moment, policy))
        });
        let places: Vec<Place> = join_all(made.collect::<Vec<_>>()).await;
        join_all(places.iter().map(Place::bring)).await;
        let mut wrong = Vec::new();
        for (turn, who) in turns.iter().copied().enumerate().skip(1) {
            join_all(places.iter().map(Place::rest)).await;
            hall.end().await;
            if turn == 1 {
                join_all(places.iter().map(Place::meanwhile)).await;
            }
            join_all(places.iter().map(Place::rest)).await;
            let before = join_all(places.iter().map(Place::snapshot)).await;
            hall.begin(who).await;
            let certified = places.iter().zip(&before);
            join_all(certified.map(|(place, before)| place.certify(before))).await;
            for place in &places {
                if let Some(name) = place.moment.missing() {
                    place
                        .until_pod(name, "there again", |pod| pod.is_some())
                        .await;
                }
            }
            join_all(places.iter().map(Place::rest)).await;
            let after = join_all(places.iter().map(Place::snapshot)).await;
            for (place, (before, after)) in places.iter().zip(before.iter().zip(&after)) {
                let missing = place.moment.missing().filter(|_| turn == 1);
                let found = changed(before, after, missing);
                wrong.extend(
                    found
                        .into_iter()
                        .map(|what| format!("{}, handed to {who:?}: {what}", place.namespace)),
                );
            }
        }
        join_all(places.iter().map(Place::release)).await;
        join_all(places.iter().map(Place::rest)).await;
        for place in &places {
            let evidence = place.evidence(&hall.plane).await;
            let whole = timelines(&evidence);
            let found = faults(place.moment, &whole[0]);
            wrong.extend(
                found
                    .into_iter()
                    .map(|what| format!("{}: {what}", place.namespace)),
            );
            let judgement = suite::judge(place.namespace.clone(), &evidence, Vec::new());
            for rule in judgement.rules.iter().filter(|rule| rule.counts) {
                wrong.extend(rule.finding.violations.iter().map(|violation| {
                    format!(
                        "{}: {}: {}; seen {}\n{}",
                        place.namespace,
                        rule.finding.invariant,
                        violation.expected,
                        violation.seen,
                        violation.slice.join("\n")
                    )
                }));
            }
        }
        hall.end().await;
        wrong
    }))
}

fn assert_right(turns: &[Who]) {
    let wrong = hand_over(turns, &MOMENTS).unwrap_or_default();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_reference_controller_takes_over_and_gives_back() {
    assert_right(&[Who::BuiltIn, Who::Bundled, Who::BuiltIn]);
}

#[test]
fn the_built_in_controller_takes_over_and_gives_back() {
    assert_right(&[Who::Bundled, Who::BuiltIn, Who::Bundled]);
}

#[test]
fn a_controller_that_takes_over_and_restarts_pods_is_found() {
    let turns = [Who::BuiltIn, Who::Mutant("restarts-on-any-edit")];
    if let Some(wrong) = hand_over(&turns, &[Settled]) {
        let found = |what: &str| wrong.iter().any(|wrong| wrong.contains(what));
        assert!(found(": pods: ") && found(": revisions: "), "{wrong:?}");
    }
}

#[test]
fn whatever_a_handover_changes_is_found() {
    let map = |name: &str, told: &str| BTreeMap::from([(name.to_owned(), told.to_owned())]);
    let before = Snapshot {
        generation: 1,
        status: json!({"observedGeneration": 1, "replicas": 1, "updateRevision": "web-a"}),
        pods: map("web-0", "u 0"),
        revisions: map("web-a", "r 1"),
        claims: map("data-web-0", "c"),
    };
    let right = Snapshot {
        generation: 2,
        status: json!({"observedGeneration": 2, "replicas": 1, "updateRevision": "web-a"}),
        ..before.clone()
    };
    assert_eq!(changed(&before, &right, None), Vec::<String>::new());
    let cases: [(&str, Snapshot); 7] = [
        (
            "pods",
            Snapshot {
                pods: map("web-0", "u 1"),
                ..right.clone()
            },
        ),
        (
            "pods",
            Snapshot {
                pods: map("web-0", "v 0"),
                ..right.clone()
            },
        ),
        (
            "revisions",
            Snapshot {
                revisions: map("web-b", "r 1"),
                ..right.clone()
            },
        ),
        (
            "revisions",
            Snapshot {
                revisions: map("web-a", "r 2"),
                ..right.clone()
            },
        ),
        (
            "claims",
            Snapshot {
                claims: BTreeMap::new(),
                ..right.clone()
            },
        ),
        (
            "generation",
            Snapshot {
                generation: 3,
                ..right.clone()
            },
        ),
        (
            "status",
            Snapshot {
                status: json!({"observedGeneration": 2, "replicas": 0, "updateRevision": "web-a"}),
                ..right.clone()
            },
        ),
    ];
    for (what, after) in cases {
        let found = changed(&before, &after, None);
        assert!(
            found.first().is_some_and(|found| found.starts_with(what)),
            "{what}: {found:?}"
        );
    }
    let missing = changed(&before, &right, Some("web-1"));
    assert_eq!(missing, ["the missing pod is there: true became false"]);
}
