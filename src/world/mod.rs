//! One scenario's state: where it runs, what it sees, what it remembers.
//!
//! The suite sets the [`Scene`] around a scenario; cucumber makes the [`World`] from it. A step asks the recorder for
//! what happened and the client for what it wants done; it cannot tell on which tier it runs.

mod asking;
mod certificate;
mod deadlines;
mod dns;
mod draft;
mod exec;
mod hold;
mod manifests;
mod readiness;
mod seen;
mod trouble;
mod words;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use kube::{Api, Client, api::DynamicObject};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    clock::Clock,
    cluster::{Cluster, Processes, Target},
    evidence::{Actor, DnsAnswer, Evidence, History, Kind, Profile},
    record::{Quiet, Recorder},
    tap::{Tap, faults::Guard},
    verdict::{Certificate, Stop},
};

pub use asking::{Answer, Ask, Cause, lacks};
pub use deadlines::{Deadlines, MOST_CHANGES};
pub use dns::{CLIENT, addresses};
pub use draft::{REVISION_ANNOTATION, overlay, pod_spec};
pub use readiness::{Dial, GATE};
pub use seen::{Life, Seen, Snapshot, aspect, claims, holds, mark_of, tell_pod};
pub use words::{
    Aspect, AtRevision, Attribute, Names, NotAWord, NotNames, Noun, Quoted, State, set_of,
};

/// Where a scenario takes place.
#[derive(Clone)]
pub struct Scene {
    /// The cluster it runs on.
    pub cluster: Arc<dyn Cluster>,
    /// The kind under test.
    pub target: Target,
    /// Sees what the scenario and the subject ask for.
    pub tap: Tap,
    /// The namespace made for it.
    pub namespace: String,
    /// What everything random in it comes from.
    pub seed: u64,
    /// How long its steps wait.
    pub deadlines: Deadlines,
    /// How long nothing may happen before it is over, where that is waited for.
    pub rest: Option<Duration>,
    /// What the rules have to know of the cluster.
    pub profile: Profile,
    /// The subject's.
    pub processes: Arc<dyn Processes>,
    /// The scenario's own sentences. Sets get a readiness gate only where one of them speaks of it.
    pub sentences: Vec<String>,
}

impl std::fmt::Debug for Scene {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Scene")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

tokio::task_local! {
    /// The scene of the scenario that is polled. Tasks that are spawned do not inherit it.
    pub static SCENE: Scene;
}

/// One scenario's state. Steps receive it in turn.
#[derive(Debug, cucumber::World)]
#[world(init = Self::begin)]
pub struct World {
    /// Where it takes place.
    pub scene: Scene,
    /// Asks in the scenario's own name.
    pub client: ClientOfHarness,
    /// Sees all.
    pub recorder: Recorder,
    /// What DNS was asked and said.
    pub answers: Vec<DnsAnswer>,
    /// What steps remember for later ones, by names of their own choice.
    pub notes: BTreeMap<String, Value>,
    /// Namespaces that are recorded.
    pub namespaces: Vec<String>,
    /// What was there when the scenario last did something.
    pub before: Snapshot,
    /// Sets as they will be created, by name.
    pub drafts: BTreeMap<String, Value>,
    /// The set that was named last: "its" in sentences.
    pub current: String,
    /// Who is Ready, where the scenario decides it.
    pub dial: Dial,
    /// How much had been seen when the last hold ended.
    pub held: Option<usize>,
    /// What its negative claims rest on.
    pub certificates: Vec<Certificate>,
    /// Faults that stand, by what ends them.
    pub faults: BTreeMap<String, Vec<Guard>>,
    /// The namespace that sentences speak of: the scenario's own, unless they say otherwise.
    pub here: String,
}

/// A client that prints as one word.
#[derive(Clone)]
pub struct ClientOfHarness(pub Client);

impl std::fmt::Debug for ClientOfHarness {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Client")
    }
}

impl World {
    async fn begin() -> Result<Self, Stop> {
        let scene = SCENE
            .try_with(Clone::clone)
            .map_err(|_| Stop::Inconclusive("a World was made outside of a scenario".into()))?;
        let client = scene.tap.client(scene.cluster.client(), Actor::Harness);
        // Watches of the recorder are not the scenario's own requests: they do not pass the tap.
        let recorder = Recorder::new(
            scene.cluster.watching_client(),
            scene.cluster.clock(),
            scene.target.clone(),
        );
        let namespace = scene.namespace.clone();
        let here = namespace.clone();
        let dial = Dial::default();
        let mut world = Self {
            scene,
            client: ClientOfHarness(client),
            recorder,
            answers: Vec::new(),
            notes: BTreeMap::new(),
            namespaces: Vec::new(),
            before: Snapshot::default(),
            drafts: BTreeMap::new(),
            current: String::new(),
            dial,
            held: None,
            certificates: Vec::new(),
            faults: BTreeMap::new(),
            here,
        };
        world.make_namespace(&namespace).await?;
        if world.speaks_of_readiness() {
            world
                .dial
                .turn(&world.recorder, world.api(Kind::Pod), world.clock());
        }
        Ok(world)
    }

    /// Makes a namespace and records it from its first object on.
    ///
    /// # Errors
    ///
    /// The cluster refuses it: inconclusive. The run keeps to one: skipped.
    pub async fn make_namespace(&mut self, name: &str) -> Result<(), Stop> {
        let denied = &self.scene.cluster.capabilities().denied;
        if let Some(why) = denied.get("create namespaces")
            && name != self.scene.namespace
        {
            let right = "needs the right to create namespaces";
            return Err(Stop::Skip(format!("{right}: {why}")));
        }
        self.scene.tap.cover(name);
        let made = self.scene.cluster.make_namespace(name).await;
        made.map_err(|why| Stop::Inconclusive(format!("there is no namespace {name:?}: {why}")))?;
        self.recorder.except(self.scene.cluster.strangers());
        let begun = Instant::now();
        self.recorder
            .start(name)
            .await
            .map_err(|error| Stop::Inconclusive(error.to_string()))?;
        if self.namespaces.is_empty() {
            // It lists each kind, one after the other: so long does a request take here and now.
            let lists = u32::try_from(Kind::ALL.len()).unwrap_or(1);
            let speed = begun.elapsed() / lists;
            self.scene.deadlines = self.scene.deadlines.at_speed(speed);
        }
        self.namespaces.push(name.to_owned());
        Ok(())
    }

    /// The namespace that sentences speak of.
    pub fn namespace(&self) -> &str {
        &self.here
    }

    /// The cluster's clock.
    pub fn clock(&self) -> Clock {
        self.scene.cluster.clock()
    }

    /// Objects of a recorded kind in the scenario's namespace, as the API has them.
    pub fn api(&self, kind: Kind) -> Api<DynamicObject> {
        Api::namespaced_with(
            self.client.0.clone(),
            self.namespace(),
            &self.recorder.resource(kind),
        )
    }

    /// Waits until the history answers; a failure that says what was expected if it does not in time.
    ///
    /// # Errors
    ///
    /// [`Stop::Fail`] with `expected` and what `seen` tells of the history then.
    pub async fn until<T>(
        &self,
        limit: Duration,
        expected: &str,
        seen: impl FnOnce(&History) -> String,
        mut ask: impl FnMut(&History) -> Option<T>,
    ) -> Result<T, Stop> {
        let cluster = self.scene.cluster.capabilities();
        let image = (!cluster.virtual_time).then_some(cluster.image.as_str());
        let answer = |history: &History| match ask(history) {
            Some(answer) => Some(Ok(answer)),
            None => image
                .and_then(|image| trouble::unpullable(history, image))
                .map(Err),
        };
        match self.recorder.until(limit, answer).await {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(why)) => Err(Stop::Inconclusive(why)),
            // Nobody is judged by what could not be seen.
            None => Err(
                match (self.recorder.lost(), self.stranded(image.is_some())) {
                    (Some(why), _) => Stop::Inconclusive(format!("the cluster was lost: {why}")),
                    (None, Some(why)) => Stop::Inconclusive(why),
                    (None, None) => Stop::Fail(format!(
                        "expected within {} s: {expected}; seen: {}",
                        limit.as_secs(),
                        self.recorder.look(seen)
                    )),
                },
            ),
        }
    }

    /// On a cluster that others have made: why its pods cannot run, if they cannot.
    fn stranded(&self, is_real: bool) -> Option<String> {
        let class = self.scene.cluster.capabilities().storage_class.as_deref();
        let stranded = |history: &History| trouble::stranded(history, class);
        is_real.then(|| self.recorder.look(stranded)).flatten()
    }

    /// Lets the world become quiet and gathers all that was seen and done; and says so if it never became quiet.
    ///
    /// # Errors
    ///
    /// The cluster does not say what is there: inconclusive.
    pub async fn finish(&self) -> Result<(Evidence, Option<Stop>), Stop> {
        let limit = self.scene.deadlines.whole_set;
        let mut restless = None;
        if let Some(rest) = self.scene.rest {
            let quiet = self.recorder.quiet(rest, limit, MOST_CHANGES).await;
            if let (Quiet::Never(changes), true) = (quiet, self.scene.profile.virtual_time) {
                restless = Some(Stop::Inconclusive(hold::restless(changes)));
            }
        }
        let mut history = self
            .recorder
            .finish(&self.namespaces)
            .await
            .map_err(|error| Stop::Inconclusive(error.to_string()))?;
        if self.scene.profile.shared_counter {
            history.seal();
        }
        let evidence = Evidence {
            history,
            log: self.scene.tap.log(),
            answers: self.answers.clone(),
            profile: self.scene.profile.clone(),
        };
        Ok((evidence, restless))
    }

    /// An object of the target's kind with a name, for [`Api::create`].
    pub fn dynamic(&self, kind: Kind, name: &str, rest: Value) -> DynamicObject {
        let mut object = DynamicObject::new(name, &self.recorder.resource(kind));
        object.data = json!({});
        if let (Value::Object(data), Value::Object(rest)) = (&mut object.data, rest) {
            data.extend(rest);
        }
        object
    }
}
