//! Tier `control-plane`: one real control plane for the run, a namespace of it for each scenario, in real time.
//!
//! The control plane, its agents and the subject live on a thread of their own; scenarios reach them over the network
//! alone. The subject is one for all scenarios, as a controller of a cluster is, and a hub sorts what it does.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use futures::{FutureExt as _, channel::oneshot, future::LocalBoxFuture};
use kube::Client;
use tokio::{runtime::Builder, task::JoinSet};

use super::{Error, Ground, Site, Subjects, on_a_runtime};
use crate::{
    clock::Clock,
    cluster::{
        Capabilities, Target,
        context::{Estate, Plot},
        control_plane::{self, Access, ControlPlane, Entrance, Options, Programs, offers},
        embedded,
    },
    mini::api::schema::crd,
    report::Scenario,
    suite::{
        drive::Mode,
        plan::Planned,
        subject::{Running, Subject},
    },
    tap::{Hub, proxy},
    world::Deadlines,
};

/// What the reference controller's own randomness comes from.
const SEED: u64 = 1;

/// The run's id: it has its cluster to itself.
const RUN: &str = "00000000";

/// How long the cluster of a run is there at most.
const LIFETIME: Duration = Duration::from_secs(6 * 3600);

/// How many scenarios run at once: they mostly wait.
const CONCURRENCY: usize = 32;

/// Likewise where the subject is a program. The built-in controller has ten retries a second for all sets together, and
/// since its syncs wait for their caches each that finds one behind takes one: with 32 scenarios at once a set whose claim
/// was refused was not looked at again within a minute.
const CONCURRENCY_OF_A_PROGRAM: usize = 16;

/// How much longer than on a cluster of its own a set may have to wait for a program's retries: with 16 scenarios at once
/// it was 50 s.
const WAITS_FOR_A_PROGRAM: f64 = 3.0;

/// A control plane at work on a thread of its own, and the way there.
pub(super) struct Plane {
    offered: Capabilities,
    /// The subject is a program, whose retries all scenarios share.
    is_program: bool,
    /// None for a rehearsal.
    reached: Option<Reached>,
    /// Why no more scenario begins.
    lost: Arc<OnceLock<String>>,
    end: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

#[derive(Clone)]
struct Reached {
    offered: Capabilities,
    access: Access,
    clock: Clock,
    hub: Hub,
    estate: Arc<Estate>,
}

impl Plane {
    /// Starts one from the programs of a folder.
    pub(super) fn prepare(
        programs: &Programs,
        subject: &Subject,
        target: &Target,
        rehearsal: bool,
    ) -> Result<Self, Error> {
        let lost = Arc::new(OnceLock::new());
        let is_program = matches!(subject, Subject::BuiltIn | Subject::Command(_));
        if rehearsal {
            let offered = on_a_runtime(offers(programs))?;
            return Ok(Self {
                offered: offered?,
                is_program,
                reached: None,
                lost,
                end: Mutex::default(),
            });
        }
        let (begun, told) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let play = Play {
            programs: programs.clone(),
            subject: subject.clone(),
            target: target.clone(),
            begun,
            lost: lost.clone(),
        };
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let thread = thread::Builder::new()
            .name("control-plane".into())
            .spawn(move || runtime.block_on(play.run(stopped)))?;
        let reached = match told.recv() {
            Ok(begun) => begun?,
            // It has panicked and said so.
            Err(_) => return Err(Error::Runtime(std::io::Error::other("its thread panicked"))),
        };
        Ok(Self {
            offered: reached.offered.clone(),
            is_program,
            reached: Some(reached),
            lost,
            end: Mutex::new(Some((stop, thread))),
        })
    }
}

/// What the thread of a control plane does.
struct Play {
    programs: Programs,
    subject: Subject,
    target: Target,
    begun: mpsc::Sender<Result<Reached, control_plane::Error>>,
    lost: Arc<OnceLock<String>>,
}

impl Play {
    async fn run(self, stopped: oneshot::Receiver<()>) {
        let begun = self.begin().await;
        let (mut plane, reached, subject, mut proxies) = match begun {
            Ok(begun) => begun,
            Err(error) => return drop(self.begun.send(Err(error))),
        };
        // Whoever started it waits for this.
        let _ = self.begun.send(Ok(reached));
        let why = tokio::select! {
            biased;
            _ = stopped => None,
            error = plane.ended() => Some(error.to_string()),
            Some(ended) = proxies.join_next() => Some(format!("the subject's way to the API server broke: {ended:?}")),
        };
        if let Some(why) = why {
            let _ = self.lost.set(why);
        }
        if let Some(subject) = subject
            && let Some(note) = subject.end().await
        {
            tracing::warn!("{note}");
        }
    }

    async fn begin(
        &self,
    ) -> Result<
        (
            ControlPlane,
            Reached,
            Option<Running>,
            JoinSet<std::io::Result<()>>,
        ),
        control_plane::Error,
    > {
        let mut options = Options::new(self.programs.clone());
        let mut twisted = embedded::Options {
            agents: options.agents,
            ..embedded::Options::default()
        };
        self.subject.twist(&mut twisted);
        options.agents = twisted.agents;
        let mut plane = ControlPlane::start(&options).await?;
        if self.target.is_custom() {
            plane.define(&crd::STATEFUL_SET).await?;
        }
        let access = plane.access().clone();
        let hub = Hub::new(plane.clock(), self.target.clone());
        let mut proxies = JoinSet::new();
        let mut running = None;
        match &self.subject {
            Subject::BuiltIn => {
                let entrance = plane.entrance().await?;
                plane.start_built_in(&entrance)?;
                let (hub, client) = (hub.clone(), access.client_without_credentials()?);
                proxies.spawn(serve(hub, client, entrance));
            }
            Subject::Command(command) => {
                let entrance = plane.entrance().await?;
                plane.start_command(command, &entrance)?;
                let (hub, client) = (hub.clone(), access.client_without_credentials()?);
                proxies.spawn(serve(hub, client, entrance));
            }
            subject => {
                let client = access.client(Subject::AGENT)?;
                running = Some(subject.start(
                    hub.subject(),
                    client,
                    plane.clock(),
                    self.target.clone(),
                    SEED,
                    &plane.capabilities().gates,
                    None,
                ));
            }
        }
        let address = access.address().to_owned();
        let expires = plane.clock().now() + LIFETIME;
        let reached = Reached {
            offered: plane.capabilities(),
            access,
            clock: plane.clock(),
            hub,
            estate: Arc::new(Estate::new(
                RUN.to_owned(),
                address,
                expires.as_second(),
                None,
            )),
        };
        Ok((plane, reached, running, proxies))
    }
}

async fn serve(hub: Hub, client: Client, entrance: Entrance) -> std::io::Result<()> {
    proxy::serve(&hub, client, entrance.listener, entrance.acceptor).await
}

impl Site for Plane {
    fn offered(&self) -> &Capabilities {
        &self.offered
    }

    fn mode(&self, parallel: Option<usize>) -> Mode {
        let usual = match self.is_program {
            true => CONCURRENCY_OF_A_PROGRAM,
            false => CONCURRENCY,
        };
        Mode::Shared {
            concurrency: parallel.unwrap_or(usual),
        }
    }

    fn deadlines(&self) -> Deadlines {
        let usual = Deadlines::real_time();
        match self.is_program {
            true => usual.scaled(WAITS_FOR_A_PROGRAM),
            false => usual,
        }
    }

    fn real_limit(&self) -> Duration {
        Duration::from_secs(if self.is_program { 600 } else { 180 })
    }

    fn reconciler(&self) -> Option<String> {
        None
    }

    fn open<'a>(
        &'a self,
        planned: &'a Planned,
        _: &'a Subject,
        _: &'a Target,
    ) -> LocalBoxFuture<'a, Result<Ground, String>> {
        async move {
            if let Some(why) = self.lost.get() {
                return Err(format!("not run: {why}"));
            }
            let Some(reached) = self.reached.clone() else {
                return Err("not run: this is a rehearsal".to_owned());
            };
            let client = reached
                .access
                .client("stsspec")
                .map_err(|error| error.to_string())?;
            let tap = reached.hub.tap();
            let newcomer = Box::new(|_: &str| ());
            let plot = Plot::new(
                client,
                reached.clock,
                reached.offered,
                reached.estate,
                newcomer,
            );
            Ok(Ground {
                cluster: Arc::new(plot),
                tap,
                namespace: namespace(&planned.scenario),
                // There is one for all of them.
                running: Subjects::default(),
            })
        }
        .boxed_local()
    }

    fn close(&self) -> Vec<String> {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((stop, thread)) = end.take() {
            // It may have ended already.
            let _ = stop.send(());
            let _ = thread.join();
        }
        // All of it was this machine's, and has gone.
        Vec::new()
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        self.close();
    }
}

/// A namespace that says which scenario it is of.
fn namespace(scenario: &Scenario) -> String {
    let path: String = scenario
        .path
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(40)
        .collect();
    format!("{}-{}", path.to_lowercase(), scenario.line)
}
