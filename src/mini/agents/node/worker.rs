//! The life of one pod on its node.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use k8s_openapi::api::core::v1::{LifecycleHandler, Pod, PodStatus};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, Preconditions},
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep_until, timeout_at},
};

use super::{
    Node, Shown,
    container::{Event, Live, Making, NO_ADDRESS, start},
    environment::environment,
    fields::{Facts, hostname},
    images::{self, Refused},
    mounts::Mounted,
    probes::{self, Purpose},
    state::{self, Ended, Role, Run, State},
    status,
};
use crate::mini::agents::shell::Signal;
use crate::mini::agents::{Error, Key, doing, events::Type, is_gone, network::Address};

/// Later than anything that happens.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);
/// How long a container has after its `preStop` hook used up all its time.
const LAST_CHANCE: Duration = Duration::from_secs(2);

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

    /// Starts a container, or takes note why it cannot start.
    fn start(&mut self, at: usize) {
        let clock = self.node.context.clock;
        let container = &self.state.containers[at];
        let spec = container.spec.clone();
        let name = spec.image.clone().unwrap_or_default();
        let image = match images::pull(&name) {
            Ok(image) => image,
            Err(refused) => return self.refuse_image(at, &name, refused),
        };
        let namespace = &self.key.namespace;
        let services = self.node.services.list_in(namespace);
        let services = match namespace.as_str() {
            "default" => services,
            _ => {
                let own = self.node.services.get(&Key::new("default", "kubernetes"));
                services.into_iter().chain(own).collect()
            }
        };
        let environment = environment(
            self.facts(),
            &spec,
            &self.hostname,
            &self.node.objects,
            &services,
        );
        let environment = match environment {
            Ok(environment) => environment,
            Err(why) => {
                self.warn("Failed", &format!("Error: {why}"));
                let container = &mut self.state.containers[at];
                container.run = Run::Waiting("CreateContainerConfigError", Some(why));
                container.due = Some(Instant::now() + NEVER);
                return;
            }
        };
        self.runs += 1;
        let making = Making {
            facts: self.facts(),
            spec: &spec,
            image,
            volumes: &self.volumes,
            environment,
            hostname: &self.hostname,
            network: &self.node.network,
            clock,
            run: self.runs,
        };
        let started = start(making, self.events.0.clone());
        let now = clock.now();
        let container = &mut self.state.containers[at];
        if container.last.is_some() {
            container.restarts += 1;
        }
        container.due = None;
        match started {
            Ok(live) => {
                container.run = Run::Running(now, live.id.clone());
                container.started = spec.startup_probe.is_none();
                container.ready = container.started && spec.readiness_probe.is_none();
                let live = Arc::new(live);
                self.lives.insert(at, Arc::clone(&live));
                self.show(&live);
                self.after_start(&live);
            }
            Err(why) => {
                let ended = Ended {
                    code: 128,
                    reason: "StartError",
                    message: Some(why.clone()),
                    started: Some(jiff::Timestamp::UNIX_EPOCH),
                    finished: Some(now),
                    id: format!(
                        "containerd://{}",
                        images::hex64(&format!("{}/{}/{}", self.uid, spec.name, self.runs))
                    ),
                };
                self.warn("Failed", &format!("Error: {why}"));
                self.come_to_rest(at, ended);
            }
        }
    }

    fn refuse_image(&mut self, at: usize, name: &str, refused: Refused) {
        let times = self.node.times;
        let container = &mut self.state.containers[at];
        let now = Instant::now();
        if refused.reason == "InvalidImageName" {
            container.due = Some(now + NEVER);
        } else if matches!(
            container.run,
            Run::Waiting("ErrImagePull" | "ImagePullBackOff", _)
        ) {
            // What follows an attempt that failed is rest, and the next attempt's failure is nothing new.
            let rest = if container.rest.is_zero() {
                times.back_off
            } else {
                container.rest
            };
            container.rest = times.back_off_max.min(rest * 2);
            container.due = Some(now + rest);
            let why = format!(
                "Back-off pulling image \"{name}\": {}: {}",
                refused.reason, refused.message
            );
            container.run = Run::Waiting("ImagePullBackOff", Some(why));
            return;
        } else {
            container.due = Some(now + times.start.max(Duration::from_millis(1)));
        }
        container.run = Run::Waiting(refused.reason, Some(refused.message.clone()));
        let message = format!("Failed to pull image \"{name}\": {}", refused.message);
        self.warn("Failed", &message);
    }

    /// Lets exec, attach and logs see a run.
    fn show(&self, live: &Arc<Live>) {
        let mut board = self.node.board();
        let (uid, containers) = board.entry(self.key.clone()).or_default();
        if *uid != self.uid {
            uid.clone_from(&self.uid);
            containers.clear();
        }
        let shown = containers.entry(live.spec.name.clone()).or_default();
        let previous = shown.output.take();
        *shown = Shown {
            live: Some(Arc::clone(live)),
            output: Some(live.output.clone()),
            previous,
        };
    }

    fn leave_board(&self) {
        let mut board = self.node.board();
        if board
            .get(&self.key)
            .is_some_and(|(uid, _)| *uid == self.uid)
        {
            board.remove(&self.key);
        }
    }

    /// What runs beside a container from its start: its hook and its probes.
    fn after_start(&mut self, live: &Arc<Live>) {
        let spec = &live.spec;
        let hook = spec
            .lifecycle
            .as_ref()
            .and_then(|lifecycle| lifecycle.post_start.clone());
        if let Some(hook) = hook {
            let (live, events, run) = (Arc::clone(live), self.events.0.clone(), live.run);
            self.tasks.spawn(async move {
                if let Err(said) = handle(&live, &hook).await {
                    let _ = events.send(Event::HookFailed { run, said });
                }
            });
        }
        match &spec.startup_probe {
            Some(_) => self.probe(live, Purpose::Startup),
            None => self.probe_started(live),
        }
        self.record(
            Type::Normal,
            "Started",
            format!("Started container {}", live.spec.name),
        );
    }

    /// The probes of a container that has started.
    fn probe_started(&mut self, live: &Arc<Live>) {
        self.probe(live, Purpose::Liveness);
        self.probe(live, Purpose::Readiness);
    }

    fn probe(&mut self, live: &Arc<Live>, purpose: Purpose) {
        let probe = match purpose {
            Purpose::Startup => &live.spec.startup_probe,
            Purpose::Liveness => &live.spec.liveness_probe,
            Purpose::Readiness => &live.spec.readiness_probe,
        };
        let Some(probe) = probe.clone() else {
            return;
        };
        let (events, run) = (self.events.0.clone(), live.run);
        let tell = move |change, said| {
            let _ = events.send(Event::Probed {
                run,
                purpose,
                change,
                said,
            });
        };
        // A probe ends with its container.
        let machine = Arc::clone(&live.machine);
        let watching = probes::watch(
            machine,
            live.spec.clone(),
            probe,
            purpose,
            Instant::now(),
            tell,
        );
        live.machine.processes.spawn(watching);
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

    /// Asks a running container to end, and sees to it that it does.
    fn stop(&mut self, at: usize, grace: Duration) {
        let Some(live) = self.lives.get(&at).cloned() else {
            return;
        };
        let again = std::mem::replace(&mut self.state.containers[at].stopping, true);
        let events = self.events.0.clone();
        let deadline = Instant::now() + grace;
        self.tasks.spawn(async move {
            let run = live.run;
            let hook = live
                .spec
                .lifecycle
                .as_ref()
                .and_then(|lifecycle| lifecycle.pre_stop.clone());
            let mut deadline = deadline;
            if !again && let Some(hook) = hook.filter(|_| !grace.is_zero()) {
                let ended = timeout_at(deadline, handle(&live, &hook)).await;
                if ended.is_err() {
                    deadline = Instant::now() + LAST_CHANCE;
                }
            }
            if !again {
                live.process.send(Signal::Terminate);
            }
            // The worker must not keep the container because its stop waits.
            drop(live);
            sleep_until(deadline).await;
            let _ = events.send(Event::Overdue { run });
        });
    }

    fn stop_all(&mut self, grace: Duration) {
        let places: Vec<usize> = self.lives.keys().copied().collect();
        for at in places {
            self.stop(at, grace);
        }
    }

    fn kill_all(&mut self) {
        for live in std::mem::take(&mut self.lives).into_values() {
            live.kill();
        }
    }

    /// Takes note of a container's end.
    fn ended(&mut self, at: usize, code: i32) {
        let Some(live) = self.lives.remove(&at) else {
            return;
        };
        live.machine.processes.end();
        if let Some((_, containers)) = self.node.board().get_mut(&self.key)
            && let Some(shown) = containers.get_mut(&live.spec.name)
        {
            shown.live = None;
        }
        let started = match &self.state.containers[at].run {
            Run::Running(since, _) => Some(*since),
            _ => None,
        };
        let ended = Ended {
            code,
            reason: if code == 0 { "Completed" } else { "Error" },
            message: live.last_words(code),
            started,
            finished: Some(self.now()),
            id: live.id.clone(),
        };
        if self.replaced.remove(&at) {
            let container = &mut self.state.containers[at];
            (container.ready, container.started, container.stopping) = (false, false, false);
            container.last = Some(ended);
            container.run = Run::Waiting("ContainerCreating", None);
            return;
        }
        self.come_to_rest(at, ended);
    }

    fn come_to_rest(&mut self, at: usize, ended: Ended) {
        let policy = self
            .pod
            .spec
            .as_ref()
            .and_then(|spec| spec.restart_policy.as_deref());
        let policy = match (
            self.state.over || self.state.failed.is_some() || self.leaving().is_some(),
            policy,
        ) {
            (true, _) => "Never",
            (false, policy) => policy.unwrap_or("Always"),
        }
        .to_owned();
        let times = self.node.times;
        let pod = format!("{}_{}({})", self.key.name, self.key.namespace, self.uid);
        let container = &mut self.state.containers[at];
        if policy == "Never" && container.role == Role::Sidecar {
            container.role = Role::Init;
            container.end(ended, &policy, (times.back_off, times.back_off_max), &pod);
            container.role = Role::Sidecar;
        } else {
            container.end(ended, &policy, (times.back_off, times.back_off_max), &pod);
        }
        if let Run::Waiting("CrashLoopBackOff", Some(_)) = &container.run {
            let message = format!(
                "Back-off restarting failed container {} in pod {pod}",
                container.spec.name
            );
            self.warn("BackOff", &message);
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

    /// All containers that count have ended: the others are stopped, and then the pod is over.
    fn finish(&mut self) {
        if !self.lives.is_empty() {
            let running: Vec<usize> = self.lives.keys().copied().collect();
            for at in running {
                if !self.state.containers[at].stopping {
                    self.stop(at, self.grace());
                }
            }
            return;
        }
        // Before it ends, a pod that never started still tells why.
        if !self.state.over {
            self.state.over = true;
            self.state.sandbox = false;
            self.address = None;
        }
    }

    /// A pod that is over waits for its deletion.
    async fn rest(&mut self) -> Leave {
        loop {
            if let Some(leave) = self.leaving() {
                return leave;
            }
            self.woken(None).await;
            self.updates.borrow_and_update();
        }
    }

    /// Ends a pod that is being deleted, within its grace. Asked again with less, it has less from then on.
    async fn end_in_order(&mut self) -> Leave {
        let mut granted: Option<i64> = None;
        let mut deadline = Instant::now();
        loop {
            if self.leaving() == Some(Leave::Gone) {
                return Leave::Gone;
            }
            self.update();
            let seconds = self
                .pod
                .metadata
                .deletion_grace_period_seconds
                .unwrap_or(30);
            let again = granted.is_none_or(|known| seconds < known);
            if again {
                granted = Some(seconds);
                deadline =
                    Instant::now() + Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
            }
            self.stop_for_good(again, deadline.saturating_duration_since(Instant::now()));
            if self.lives.is_empty() {
                return self.put_to_rest().await;
            }
            self.tell().await;
            if let Woken::Container(event) = self.woken(None).await {
                self.happened(event);
            }
        }
    }

    /// Stops the pod's own containers, and once they have ended its sidecars.
    fn stop_for_good(&mut self, again: bool, grace: Duration) {
        let is_own = |container: &state::Container| container.role != Role::Sidecar;
        let own_run = self
            .lives
            .keys()
            .any(|at| is_own(&self.state.containers[*at]));
        let places: Vec<usize> = self.lives.keys().copied().collect();
        for at in places {
            let container = &self.state.containers[at];
            let turn = is_own(container) || !own_run;
            if turn && (again || !container.stopping) {
                if !container.stopping {
                    let message = format!("Stopping container {}", container.spec.name);
                    self.record(Type::Normal, "Killing", message);
                }
                self.stop(at, grace);
            }
        }
    }

    /// The last status of a pod whose containers have ended.
    async fn put_to_rest(&mut self) -> Leave {
        for container in &mut self.state.containers {
            if matches!(container.run, Run::Waiting(..)) && container.role != Role::Ephemeral {
                container.due = None;
                container.run = Run::Ended(Ended {
                    code: 137,
                    reason: "ContainerStatusUnknown",
                    message: Some(
                        "The container could not be located when the pod was terminated".to_owned(),
                    ),
                    started: None,
                    finished: None,
                    id: String::new(),
                });
            }
            container.due = None;
        }
        self.state.over = true;
        self.state.sandbox = false;
        self.address = None;
        self.tell().await;
        let until = Instant::now() + self.node.times.stop;
        while Instant::now() < until {
            if self.leaving() == Some(Leave::Gone) {
                return Leave::Gone;
            }
            self.woken(Some(until)).await;
        }
        Leave::Deleted
    }

    /// Removes the pod's object, if it is still this pod's.
    async fn delete(&mut self) {
        let params = DeleteParams {
            grace_period_seconds: Some(0),
            preconditions: Some(Preconditions {
                uid: Some(self.uid.clone()),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        loop {
            match self.api().delete(&self.key.name, &params).await {
                Ok(_) => return,
                Err(error) if is_gone(&error) => return,
                Err(kube::Error::Api(status)) if status.code == 409 => return,
                Err(error) => {
                    let error: Error = doing(format!("remove pod {}", self.key))(error);
                    tracing::debug!(%error, "comes again");
                }
            }
            if self.leaving() == Some(Leave::Gone) {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// Does what a hook says.
async fn handle(live: &Live, hook: &LifecycleHandler) -> Result<(), String> {
    if let Some(exec) = &hook.exec {
        let argv = exec.command.clone().unwrap_or_default();
        return match probes::command(&live.machine, &argv).await {
            (0, _) => Ok(()),
            (code, text) => Err(format!(
                "command '{}' exited with {code}: {text}",
                argv.join(" ")
            )),
        };
    }
    if let Some(ask) = &hook.http_get {
        return probes::get(&live.machine, &live.spec, ask).await;
    }
    if let Some(sleep) = &hook.sleep {
        tokio::time::sleep(Duration::from_secs(
            u64::try_from(sleep.seconds).unwrap_or(0),
        ))
        .await;
    }
    Ok(())
}
