//! The life of one pod on its node.

mod begin;
mod end;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use k8s_openapi::api::core::v1::{Pod, PodStatus};
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{
    Node,
    container::{Event, Live, NO_ADDRESS},
    fields::{Facts, hostname},
    machine::Power,
    mounts::Mounted,
    probes::Purpose,
    state::{self, Ended, Run, State},
    status,
};
use crate::mini::agents::{Key, doing, events::Type, network::Address};

/// Later than anything that happens.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// Why a pod's life on its node ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leave {
    /// Somebody asked for its deletion.
    Deleted,
    /// Its object is gone.
    Gone,
}

/// What a worker woke up for.
enum Woken {
    /// The pod's object changed.
    Updated,
    /// What volumes and variables are made from changed.
    Objects,
    /// Something happened to a container.
    Container(Event),
    /// The machine is about to stop, or found the cluster again.
    Machine,
    /// It was time.
    Time,
}

struct Worker {
    node: Arc<Node>,
    key: Key,
    uid: String,
    pod: Arc<Pod>,
    updates: watch::Receiver<Option<Arc<Pod>>>,
    changed: watch::Receiver<u64>,
    claims_changed: watch::Receiver<u64>,
    power: watch::Receiver<Power>,
    state: State,
    volumes: BTreeMap<String, Mounted>,
    address: Option<Address>,
    hostname: String,
    /// Running containers by their place in the state.
    lives: BTreeMap<usize, Arc<Live>>,
    /// Those that are being stopped because the pod's specification wants another in their place.
    replaced: BTreeSet<usize>,
    runs: u64,
    events: (mpsc::UnboundedSender<Event>, mpsc::UnboundedReceiver<Event>),
    /// Work beside: hooks and stops. It ends with the pod.
    tasks: JoinSet<()>,
    /// Events on their way.
    telling: JoinSet<()>,
    /// The status as it was told last.
    told: PodStatus,
    retry: Option<Instant>,
    warned: BTreeSet<String>,
}

/// Looks after a pod from its first sight to its end.
pub(super) async fn run(
    node: Arc<Node>,
    pod: Arc<Pod>,
    updates: watch::Receiver<Option<Arc<Pod>>>,
) {
    let now = node.context.clock.now();
    let told = pod.status.clone().unwrap_or_default();
    let mut state = State::new(&pod, told.start_time.as_ref().map_or(now, |time| time.0));
    recall(&mut state, &told);
    let mut worker = Worker {
        key: Key::of(&*pod),
        uid: pod.uid().unwrap_or_default(),
        updates,
        changed: node.changed.subscribe(),
        claims_changed: node.claims_changed.subscribe(),
        power: node.power.clone(),
        state,
        volumes: BTreeMap::new(),
        address: None,
        hostname: String::new(),
        lives: BTreeMap::new(),
        replaced: BTreeSet::new(),
        runs: 0,
        events: mpsc::unbounded_channel(),
        tasks: JoinSet::new(),
        telling: JoinSet::new(),
        told,
        retry: None,
        warned: BTreeSet::new(),
        pod,
        node,
    };
    let over = matches!(worker.told.phase.as_deref(), Some("Succeeded" | "Failed"));
    let mut leave = if over {
        worker.rest().await
    } else if let Some(refusal) = worker.refusal() {
        worker.refuse(refusal).await
    } else {
        worker.live().await
    };
    if leave == Leave::Deleted && !over {
        leave = worker.end_in_order().await;
    }
    worker.state.containers.clear();
    worker.kill_all();
    worker.address = None;
    if leave == Leave::Deleted {
        worker.delete().await;
    }
    worker.leave_board();
    while worker.telling.join_next().await.is_some() {}
}

/// What a node remembers of containers that ran when it went away: that they were, and how often.
fn recall(state: &mut State, told: &PodStatus) {
    let lists = [&told.init_container_statuses, &told.container_statuses];
    for known in lists.into_iter().flatten().flatten() {
        let ran = known.container_id.clone();
        let found = state
            .containers
            .iter_mut()
            .find(|one| one.spec.name == known.name);
        if let (Some(container), Some(id)) = (found, ran) {
            container.restarts = known.restart_count;
            container.last = Some(Ended {
                code: 255,
                reason: "Unknown",
                message: None,
                started: None,
                finished: None,
                id,
            });
        }
    }
}

impl Worker {
    fn now(&self) -> jiff::Timestamp {
        self.node.context.clock.now()
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            pod: &self.pod,
            site: &self.node.site,
            address: self.state.address.unwrap_or(NO_ADDRESS),
        }
    }

    fn api(&self) -> Api<Pod> {
        Api::namespaced(self.node.context.client.clone(), &self.key.namespace)
    }

    /// Whether the pod is to go.
    fn leaving(&self) -> Option<Leave> {
        match &*self.updates.borrow() {
            None => Some(Leave::Gone),
            Some(pod) if pod.metadata.deletion_timestamp.is_some() => Some(Leave::Deleted),
            Some(_) => None,
        }
    }

    /// Why the node does not take the pod. It asks once, when it first sees it.
    fn refusal(&self) -> Option<(&'static str, String)> {
        let is_new = self.told.start_time.is_none() && self.leaving().is_none();
        is_new.then(|| self.node.refuses(&self.pod)).flatten()
    }

    /// The pod fails without having run.
    async fn refuse(&mut self, (reason, message): (&'static str, String)) -> Leave {
        if let Err(leave) = self
            .wait_until(Instant::now() + self.node.times.start)
            .await
        {
            return leave;
        }
        self.record(Type::Warning, reason, message.clone());
        self.state.containers.clear();
        self.state.failed = Some((reason, message));
        self.state.over = true;
        self.tell().await;
        self.rest().await
    }

    /// Takes over the pod's object as it is now.
    fn update(&mut self) {
        let now = self.updates.borrow_and_update().clone();
        let Some(pod) = now else {
            return;
        };
        self.pod = pod;
        state::add_ephemeral(&mut self.state, &self.pod);
        self.node.objects.refresh(self.facts(), &self.volumes);
    }

    /// Waits for something to happen, or for a moment.
    async fn woken(&mut self, until: Option<Instant>) -> Woken {
        let until = match (until, self.retry) {
            (Some(until), Some(retry)) => Some(until.min(retry)),
            (until, retry) => until.or(retry),
        };
        let at = until.unwrap_or_else(|| Instant::now() + NEVER);
        loop {
            tokio::select! {
                biased;
                changed = self.updates.changed() => match changed {
                    Ok(()) => return Woken::Updated,
                    // Nobody is left who could tell of the pod: its node ends.
                    Err(_) => std::future::pending().await,
                },
                Some(event) = self.events.1.recv() => return Woken::Container(event),
                Ok(()) = self.changed.changed() => return Woken::Objects,
                Ok(()) = self.power.changed() => return Woken::Machine,
                Some(_) = self.tasks.join_next() => {}
                Some(_) = self.telling.join_next() => {}
                () = sleep_until(at) => return Woken::Time,
            }
        }
    }

    fn record(&mut self, kind: Type, reason: &'static str, message: String) {
        let (recorder, pod) = (self.node.recorder.clone(), Arc::clone(&self.pod));
        self.telling.spawn(async move {
            recorder.record(&*pod, kind, reason, &message).await;
        });
    }

    /// Records a warning, once for each message.
    fn warn(&mut self, reason: &'static str, message: &str) {
        if self.warned.insert(format!("{reason}: {message}")) {
            self.record(Type::Warning, reason, message.to_owned());
        }
    }

    /// Writes the status if it is not what was written last.
    async fn tell(&mut self) {
        let status = status::status(
            &self.pod,
            &self.state,
            &self.told,
            &self.node.site,
            self.now(),
        );
        if status == self.told {
            self.retry = None;
            return;
        }
        let patch = Patch::Strategic(status::patch(&self.pod, &status));
        let patched = self
            .api()
            .patch_status(&self.key.name, &PatchParams::default(), &patch)
            .await;
        self.retry = match patched {
            Ok(_) => None,
            // Somebody else's pod by now, or nobody's: the watch will tell.
            Err(kube::Error::Api(error)) if matches!(error.code, 404 | 409 | 422) => {
                tracing::debug!(pod = %self.key, %error, "the status is not taken");
                None
            }
            Err(error) => {
                let error = doing(format!("tell the status of pod {}", self.key))(error);
                tracing::debug!(%error, "comes again");
                Some(Instant::now() + Duration::from_secs(1))
            }
        };
        if self.retry.is_none() {
            self.told = status;
        }
    }

    /// From the first sight until the pod is to go.
    async fn live(&mut self) -> Leave {
        if let Err(leave) = self.prepare().await {
            return leave;
        }
        loop {
            if let Some(leave) = self.leaving() {
                return leave;
            }
            let (start, later) = self.state.next(Instant::now());
            for at in start {
                self.start(at);
            }
            if self.state.is_finished() {
                self.finish();
            }
            self.tell().await;
            let (_, next) = self.state.next(Instant::now());
            let later = later.into_iter().chain(next).chain(self.deadline()).min();
            match self.woken(later).await {
                Woken::Updated => {
                    self.update();
                    self.follow_specification();
                }
                Woken::Objects => {
                    self.node.objects.refresh(self.facts(), &self.volumes);
                    for container in &mut self.state.containers {
                        if matches!(container.run, Run::Waiting("CreateContainerConfigError", _)) {
                            container.due = None;
                        }
                    }
                }
                Woken::Container(event) => self.happened(event),
                Woken::Machine => self.follow_machine(),
                Woken::Time => {}
            }
            if self
                .deadline()
                .is_some_and(|deadline| deadline <= Instant::now())
            {
                let message =
                    "Pod was active on the node longer than the specified deadline".to_owned();
                self.state.failed = Some(("DeadlineExceeded", message));
                self.stop_all(self.grace());
            }
        }
    }

    /// The machine is about to stop, and so is the pod; or it found the cluster again, and tells what it is like.
    fn follow_machine(&mut self) {
        let power = *self.power.borrow_and_update();
        match power {
            Power::ShuttingDown if self.state.failed.is_none() => {
                let message = "Pod was terminated in response to imminent node shutdown.";
                self.state.failed = Some(("Terminated", message.to_owned()));
                self.stop_all(self.grace());
            }
            Power::On => {
                let known = self.node.pods.get(&self.key);
                let known = known.filter(|pod| pod.metadata.uid.as_ref() == Some(&self.uid));
                if let Some(status) = known.and_then(|pod| pod.status.clone()) {
                    self.told = status;
                }
            }
            _ => {}
        }
    }

    /// When the pod has been active for as long as it may.
    fn deadline(&self) -> Option<Instant> {
        if self.state.over || self.state.failed.is_some() {
            return None;
        }
        let seconds = self.pod.spec.as_ref()?.active_deadline_seconds?;
        let end = self.state.accepted + jiff::SignedDuration::from_secs(seconds);
        Some(self.node.context.clock.until(end))
    }

    fn grace(&self) -> Duration {
        let spec = self.pod.spec.as_ref();
        let seconds = spec
            .and_then(|spec| spec.termination_grace_period_seconds)
            .unwrap_or(30);
        Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
    }

    /// Volumes, time, network: all that comes before the first container.
    async fn prepare(&mut self) -> Result<(), Leave> {
        self.tell().await;
        loop {
            if let Some(leave) = self.leaving() {
                return Err(leave);
            }
            match self.node.objects.mount(self.facts(), &self.node.network) {
                Ok(volumes) => {
                    self.volumes = volumes;
                    break;
                }
                Err(why) => self.warn("FailedMount", &why),
            }
            self.tell().await;
            tokio::select! {
                biased;
                Ok(()) = self.updates.changed() => self.update(),
                Ok(()) = self.claims_changed.changed() => {}
                Ok(()) = self.changed.changed() => {}
                Some(_) = self.telling.join_next() => {}
            }
        }
        let ready = Instant::now() + self.node.times.start;
        self.wait_until(ready).await?;
        match hostname(&self.pod) {
            Ok(name) => self.hostname = name,
            Err(why) => {
                self.warn(
                    "FailedCreatePodSandBox",
                    &format!("Failed to create pod sandbox: {why}"),
                );
                self.wait_until(Instant::now() + NEVER).await?;
            }
        }
        let on_host = self.pod.spec.as_ref().and_then(|spec| spec.host_network) == Some(true);
        while self.state.address.is_none() {
            if on_host {
                self.state.address = Some(self.node.site.host);
                break;
            }
            self.address = self.node.network.allocate(&self.node.site);
            self.state.address = self.address.as_ref().map(Address::ip);
            if self.address.is_none() {
                let why = "Failed to create pod sandbox: no IP addresses available in range set";
                self.warn("FailedCreatePodSandBox", why);
                self.wait_until(Instant::now() + Duration::from_secs(10))
                    .await?;
            }
        }
        self.state.sandbox = true;
        self.node.objects.refresh(self.facts(), &self.volumes);
        Ok(())
    }

    /// Waits, with an eye on the pod.
    async fn wait_until(&mut self, at: Instant) -> Result<(), Leave> {
        loop {
            if let Some(leave) = self.leaving() {
                return Err(leave);
            }
            match self.woken(Some(at)).await {
                Woken::Time if Instant::now() >= at => return Ok(()),
                Woken::Updated => self.update(),
                _ => {}
            }
            self.tell().await;
        }
    }

    /// The place of the container that is in that run.
    fn place(&self, run: u64) -> Option<usize> {
        self.lives
            .iter()
            .find(|(_, live)| live.run == run)
            .map(|(at, _)| *at)
    }

    /// Something happened to a container.
    fn happened(&mut self, event: Event) {
        match event {
            Event::Ended { run, code } => {
                if let Some(at) = self.place(run) {
                    self.ended(at, code);
                }
            }
            Event::Overdue { run } => {
                if let Some(at) = self.place(run) {
                    self.lives[&at].kill();
                    self.ended(at, 137);
                }
            }
            Event::HookFailed { run, said } => {
                if let Some(at) = self.place(run) {
                    self.warn(
                        "FailedPostStartHook",
                        &format!("PostStartHook failed: {said}"),
                    );
                    self.stop(at, self.grace());
                }
            }
            Event::Probed {
                run,
                purpose,
                change,
                said,
            } => {
                if let Some(at) = self.place(run) {
                    self.probed(at, purpose, change, said);
                }
            }
        }
    }

    fn probed(&mut self, at: usize, purpose: Purpose, change: Option<bool>, said: Option<String>) {
        if let Some(said) = &said {
            let message = format!("{} probe failed: {said}", purpose.name());
            self.record(Type::Warning, "Unhealthy", message);
        }
        let live = Arc::clone(&self.lives[&at]);
        let container = &mut self.state.containers[at];
        match (purpose, change) {
            (_, None) | (Purpose::Liveness, Some(true)) => {}
            (Purpose::Readiness, Some(holds)) => container.ready = holds,
            (Purpose::Startup, Some(true)) => {
                container.started = true;
                container.ready = live.spec.readiness_probe.is_none();
                self.probe_started(&live);
            }
            (Purpose::Startup | Purpose::Liveness, Some(false)) if container.stopping => {}
            (Purpose::Startup | Purpose::Liveness, Some(false)) => {
                let name = purpose.name().to_lowercase();
                let message = format!(
                    "Container {} failed {name} probe, will be restarted",
                    live.spec.name
                );
                self.record(Type::Normal, "Killing", message);
                let probe = match purpose {
                    Purpose::Startup => &live.spec.startup_probe,
                    _ => &live.spec.liveness_probe,
                };
                let own = probe
                    .as_ref()
                    .and_then(|probe| probe.termination_grace_period_seconds);
                let own =
                    own.map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
                self.stop(at, own.unwrap_or_else(|| self.grace()));
            }
        }
    }

    /// The pod's specification changed: containers with another image are replaced.
    fn follow_specification(&mut self) {
        let spec = self.pod.spec.clone().unwrap_or_default();
        let init = spec.init_containers.iter().flatten();
        let wanted: Vec<_> = init.chain(&spec.containers).cloned().collect();
        for wanted in wanted {
            let found = self
                .state
                .containers
                .iter()
                .position(|one| one.spec.name == wanted.name);
            let Some(at) = found else {
                continue;
            };
            let other = self.state.containers[at].spec.image != wanted.image;
            self.state.containers[at].spec = wanted;
            if !other {
                continue;
            }
            if self.lives.contains_key(&at) {
                let name = &self.state.containers[at].spec.name;
                let message = format!("Container {name} definition changed, will be restarted");
                self.record(Type::Normal, "Killing", message);
                self.replaced.insert(at);
                self.stop(at, self.grace());
            } else if matches!(self.state.containers[at].run, Run::Waiting(..)) {
                self.state.containers[at].due = None;
                self.state.containers[at].rest = Duration::ZERO;
                if matches!(
                    self.state.containers[at].run,
                    Run::Waiting("ErrImagePull" | "ImagePullBackOff" | "InvalidImageName", _)
                ) {
                    self.state.containers[at].run = Run::Waiting("ContainerCreating", None);
                }
            }
        }
    }
}
