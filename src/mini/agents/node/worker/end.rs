//! How containers and their pod end.

use std::time::Duration;

use k8s_openapi::api::core::v1::LifecycleHandler;
use kube::api::{DeleteParams, Preconditions};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::{Leave, Woken, Worker};
use crate::mini::agents::{
    Error, doing,
    events::Type,
    is_gone,
    node::{
        container::{Event, Live},
        probes,
        state::{self, Ended, Role, Run},
    },
    shell::Signal,
};

/// How long a container has after its `preStop` hook used up all its time.
const LAST_CHANCE: Duration = Duration::from_secs(2);

impl Worker {
    /// Asks a running container to end, and sees to it that it does.
    pub(super) fn stop(&mut self, at: usize, grace: Duration) {
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

    pub(super) fn stop_all(&mut self, grace: Duration) {
        let places: Vec<usize> = self.lives.keys().copied().collect();
        for at in places {
            self.stop(at, grace);
        }
    }

    pub(super) fn kill_all(&mut self) {
        for live in std::mem::take(&mut self.lives).into_values() {
            live.kill();
        }
    }

    /// Takes note of a container's end.
    pub(super) fn ended(&mut self, at: usize, code: i32) {
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

    pub(super) fn come_to_rest(&mut self, at: usize, ended: Ended) {
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

    /// All containers that count have ended: the others are stopped, and then the pod is over.
    pub(super) fn finish(&mut self) {
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
    pub(super) async fn rest(&mut self) -> Leave {
        loop {
            if let Some(leave) = self.leaving() {
                return leave;
            }
            self.woken(None).await;
            self.updates.borrow_and_update();
        }
    }

    /// Ends a pod that is being deleted, within its grace. Asked again with less, it has less from then on.
    pub(super) async fn end_in_order(&mut self) -> Leave {
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
    pub(super) fn stop_for_good(&mut self, again: bool, grace: Duration) {
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
    pub(super) async fn put_to_rest(&mut self) -> Leave {
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
    pub(super) async fn delete(&mut self) {
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
pub(super) async fn handle(live: &Live, hook: &LifecycleHandler) -> Result<(), String> {
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
