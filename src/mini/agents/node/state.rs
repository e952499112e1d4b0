//! What a node knows of the containers of one pod, and what is to be done next.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Container as Spec, Pod};
use tokio::time::Instant;

/// What a container is to its pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// Runs to its end before the next one starts.
    Init,
    /// An init container that is restarted for ever: the next one starts once it has started.
    Sidecar,
    /// One of the pod's own.
    Main,
    /// Added to a running pod, never restarted.
    Ephemeral,
}

/// How a run of a container ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    pub code: i32,
    pub reason: &'static str,
    pub message: Option<String>,
    pub started: Option<Timestamp>,
    pub finished: Option<Timestamp>,
    pub id: String,
}

/// What a container does now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// It will start, or try to again, for a reason that its status shows.
    Waiting(&'static str, Option<String>),
    /// It runs since then, under that id.
    Running(Timestamp, String),
    /// It ended, and is not started again.
    Ended(Ended),
}

/// One container of a pod.
#[derive(Clone, Debug)]
pub(super) struct Container {
    pub spec: Spec,
    pub role: Role,
    pub run: Run,
    /// How the run before ended.
    pub last: Option<Ended>,
    pub restarts: i32,
    /// Its startup probe has succeeded, or it has none.
    pub started: bool,
    /// Its readiness probe succeeds, or it has none.
    pub ready: bool,
    /// Not before then.
    pub due: Option<Instant>,
    /// How long it rested before its last start; zero for none yet.
    pub rest: Duration,
    /// It is being stopped.
    pub stopping: bool,
}

impl Container {
    pub(super) fn new(spec: &Spec, role: Role, reason: &'static str) -> Self {
        Self {
            spec: spec.clone(),
            role,
            run: Run::Waiting(reason, None),
            last: None,
            restarts: 0,
            started: false,
            ready: false,
            due: None,
            rest: Duration::ZERO,
            stopping: false,
        }
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.run, Run::Running(..))
    }

    /// How it ended, if it did and is not running again.
    pub(super) fn ended(&self) -> Option<&Ended> {
        match &self.run {
            Run::Ended(ended) => Some(ended),
            Run::Waiting(..) => self.last.as_ref(),
            Run::Running(..) => None,
        }
    }

    /// Nothing keeps the containers after it from starting.
    fn is_initialized(&self) -> bool {
        match self.role {
            Role::Init => matches!(&self.run, Run::Ended(ended) if ended.code == 0),
            Role::Sidecar => self.is_running() && self.started,
            Role::Main | Role::Ephemeral => true,
        }
    }

    /// Whether it is started again after it ended.
    fn restarts_after(&self, code: i32, policy: &str) -> bool {
        match self.role {
            Role::Ephemeral => false,
            Role::Sidecar => true,
            Role::Init => code != 0 && policy != "Never",
            Role::Main => policy == "Always" || (policy == "OnFailure" && code != 0),
        }
    }

    /// Takes note that it ended: it comes to rest, or waits for its next start.
    ///
    /// The first restart is at once; each later one waits twice as long as the one before, up to the limit, counted from
    /// the end of the run. Ten minutes of running make all of that forgotten.
    pub(super) fn end(
        &mut self,
        ended: Ended,
        policy: &str,
        back_off: (Duration, Duration),
        pod: &str,
    ) {
        self.ready = false;
        self.started = false;
        self.stopping = false;
        if !self.restarts_after(ended.code, policy) {
            self.run = Run::Ended(ended);
            return;
        }
        let lived = match (ended.started, ended.finished) {
            (Some(started), Some(finished)) => finished.duration_since(started).as_secs(),
            _ => 0,
        };
        if lived >= 600 {
            self.rest = Duration::ZERO;
        }
        let now = Instant::now();
        self.due = Some(now + self.rest);
        if self.rest.is_zero() {
            self.run = Run::Ended(ended.clone());
            self.rest = back_off.0;
        } else {
            let rest = self.rest.as_secs();
            let (minutes, seconds) = (rest / 60, rest % 60);
            let shown = if minutes > 0 {
                format!("{minutes}m{seconds}s")
            } else {
                format!("{seconds}s")
            };
            let message = format!(
                "back-off {shown} restarting failed container={} pod={pod}",
                self.spec.name
            );
            self.run = Run::Waiting("CrashLoopBackOff", Some(message));
            self.rest = back_off.1.min(self.rest * 2);
        }
        self.last = Some(ended);
    }

    /// Whether it waits for a start.
    fn waits(&self) -> bool {
        match &self.run {
            Run::Waiting(..) => true,
            Run::Running(..) => false,
            // Ended, and started again at once.
            Run::Ended(_) => self.due.is_some(),
        }
    }
}

/// What a node knows of one pod.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// Init containers in order, then the pod's own, then ephemeral ones.
    pub containers: Vec<Container>,
    /// The node took it on.
    pub accepted: Timestamp,
    pub address: Option<std::net::IpAddr>,
    /// Its network is up, and containers can start.
    pub sandbox: bool,
    /// It is over for good: what counts is how its containers ended.
    pub over: bool,
    /// Why it is over, where that is not its containers' end.
    pub failed: Option<(&'static str, String)>,
}

impl State {
    pub(super) fn new(pod: &Pod, accepted: Timestamp) -> Self {
        let spec = pod.spec.as_ref();
        let init = spec
            .and_then(|spec| spec.init_containers.as_ref())
            .into_iter()
            .flatten();
        let initial = init
            .clone()
            .next()
            .map_or("ContainerCreating", |_| "PodInitializing");
        let mut containers: Vec<Container> = init
            .map(|one| {
                let always = one.restart_policy.as_deref() == Some("Always");
                let role = if always { Role::Sidecar } else { Role::Init };
                Container::new(one, role, "PodInitializing")
            })
            .collect();
        let main = spec
            .map(|spec| spec.containers.iter())
            .into_iter()
            .flatten();
        containers.extend(main.map(|one| Container::new(one, Role::Main, initial)));
        Self {
            containers,
            accepted,
            address: None,
            sandbox: false,
            over: false,
            failed: None,
        }
    }

    /// All init containers have done what the pod's own wait for.
    pub(super) fn is_initialized(&self) -> bool {
        self.sandbox && self.containers.iter().all(Container::is_initialized)
    }

    /// An init container has failed for good.
    fn init_failed(&self) -> bool {
        let mut init = self.containers.iter().filter(|one| one.role == Role::Init);
        init.any(
            |one| matches!(&one.run, Run::Ended(ended) if ended.code != 0 && one.due.is_none()),
        )
    }

    /// Every container that counts has ended, and none is started again.
    pub(super) fn is_finished(&self) -> bool {
        let mut main = self.containers.iter().filter(|one| one.role == Role::Main);
        let ended = main.all(|one| matches!(one.run, Run::Ended(_)) && one.due.is_none());
        ended || self.init_failed()
    }

    /// The containers to start now, by place; and when to look again if nothing else happens.
    pub(super) fn next(&self, now: Instant) -> (Vec<usize>, Option<Instant>) {
        let (mut start, mut later) = (Vec::new(), None::<Instant>);
        if self.is_finished() {
            return (start, later);
        }
        for (at, container) in self.containers.iter().enumerate() {
            if container.waits() {
                match container.due {
                    Some(due) if due > now => {
                        later = Some(later.map_or(due, |known| known.min(due)));
                    }
                    _ => start.push(at),
                }
            }
            // One init container after the other; the pod's own all at once.
            if !container.is_initialized() {
                break;
            }
        }
        (start, later)
    }
}

/// Adds ephemeral containers that came since.
pub(super) fn add_ephemeral(state: &mut State, pod: &Pod) {
    let spec = pod.spec.as_ref();
    let wanted = spec.and_then(|spec| spec.ephemeral_containers.as_ref());
    for one in wanted.into_iter().flatten() {
        if state
            .containers
            .iter()
            .any(|known| known.spec.name == one.name)
        {
            continue;
        }
        let spec = Spec {
            args: one.args.clone(),
            command: one.command.clone(),
            env: one.env.clone(),
            env_from: one.env_from.clone(),
            image: one.image.clone(),
            name: one.name.clone(),
            stdin: one.stdin,
            stdin_once: one.stdin_once,
            tty: one.tty,
            volume_mounts: one.volume_mounts.clone(),
            working_dir: one.working_dir.clone(),
            ..Spec::default()
        };
        state
            .containers
            .push(Container::new(&spec, Role::Ephemeral, "ContainerCreating"));
    }
}
