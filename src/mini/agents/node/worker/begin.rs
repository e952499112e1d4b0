//! How the containers of a pod start.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{NEVER, Worker, end::handle};
use crate::mini::agents::{
    Key,
    events::Type,
    node::{
        Shown,
        container::{Event, Live, Making, start},
        environment::environment,
        images::{self, Refused},
        probes::{self, Purpose},
        state::{Ended, Run},
    },
};

impl Worker {
    /// Starts a container, or takes note why it cannot start.
    pub(super) fn start(&mut self, at: usize) {
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

    pub(super) fn refuse_image(&mut self, at: usize, name: &str, refused: Refused) {
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
    pub(super) fn show(&self, live: &Arc<Live>) {
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

    pub(super) fn leave_board(&self) {
        let mut board = self.node.board();
        if board
            .get(&self.key)
            .is_some_and(|(uid, _)| *uid == self.uid)
        {
            board.remove(&self.key);
        }
    }

    /// What runs beside a container from its start: its hook and its probes.
    pub(super) fn after_start(&mut self, live: &Arc<Live>) {
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
    pub(super) fn probe_started(&mut self, live: &Arc<Live>) {
        self.probe(live, Purpose::Liveness);
        self.probe(live, Purpose::Readiness);
    }

    pub(super) fn probe(&mut self, live: &Arc<Live>, purpose: Purpose) {
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
}
