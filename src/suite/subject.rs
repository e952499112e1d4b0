//! Who is judged.

use std::{
    collections::BTreeSet,
    fmt,
    future::Future,
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{FutureExt as _, future::BoxFuture};
use jiff::Timestamp;
use kube::Client;
use tokio::{sync::watch, task::JoinHandle, time::timeout};

use super::nearest::nearest;
use crate::{
    clock::Clock,
    cluster::{Processes, Target, embedded},
    controller::{self, plan::Gates},
    evidence::Actor,
    inventory::Party,
    mini::agents,
    mutants::{self, Mutant, Part},
    tap::Tap,
};

/// Who is judged.
#[derive(Clone)]
pub enum Subject {
    /// The reference controller.
    Bundled,
    /// The controller that the cluster itself has. It is started and ended with the cluster, not by the run.
    BuiltIn,
    /// Nobody: what passes all the same says nothing about a controller.
    None,
    /// A component known to be wrong; all others are right.
    Mutant(&'static Mutant),
    /// A controller given to the library.
    Function(Function),
    /// Somebody's program: a command for a shell, which finds a kubeconfig by `KUBECONFIG`.
    Command(String),
}

/// A controller as a function of what it is given.
#[derive(Clone)]
pub struct Function(Arc<dyn Fn(Context) -> BoxFuture<'static, ()> + Send + Sync>);

/// What a controller is given.
#[derive(Clone)]
pub struct Context {
    client: Client,
    clock: Clock,
    target: Target,
    namespace: Option<String>,
    stopped: watch::Receiver<bool>,
}

impl Context {
    /// Its client: everything it asks for and is told is on record.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The time in the cluster. On the embedded cluster it runs with tokio's clock and jumps when nothing is to be done;
    /// the system's clock does not.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The kind under test.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The only namespace whose sets are its own, on a cluster that it shares with others; all, if none.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Resolves when it is to end. It is dropped soon after, whether it has ended or not.
    pub async fn stopped(&self) {
        let mut stopped = self.stopped.clone();
        // Whoever would say so is gone: that is the end as well.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    }
}

/// A name that is no subject's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// It looks like none.
    #[error("there is no subject {0:?}; there are `bundled`, `built-in`, `none` and `mutant:ID`")]
    Subject(String),
    /// There is no such mutant.
    #[error("there is no mutant {id:?}; near it are {}", nearest.join(", "))]
    Mutant {
        /// The id.
        id: String,
        /// Ids that may be meant; all, if none is near.
        nearest: Vec<&'static str>,
    },
}

impl FromStr for Subject {
    type Err = Unknown;

    fn from_str(name: &str) -> Result<Self, Unknown> {
        match (name, name.strip_prefix("mutant:")) {
            ("bundled", _) => Ok(Self::Bundled),
            ("built-in", _) => Ok(Self::BuiltIn),
            ("none", _) => Ok(Self::None),
            (_, Some(id)) => match mutants::all().iter().find(|mutant| mutant.id == id) {
                Some(mutant) => Ok(Self::Mutant(mutant)),
                None => {
                    let ids = || mutants::all().iter().map(|mutant| mutant.id);
                    let near = nearest(id, ids(), 3);
                    let nearest = if near.is_empty() {
                        ids().collect()
                    } else {
                        near
                    };
                    Err(Unknown::Mutant {
                        id: id.to_owned(),
                        nearest,
                    })
                }
            },
            _ => Err(Unknown::Subject(name.to_owned())),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundled => out.write_str("bundled"),
            Self::BuiltIn => out.write_str("built-in"),
            Self::None => out.write_str("none"),
            Self::Mutant(mutant) => write!(out, "mutant:{}", mutant.id),
            Self::Function(_) => out.write_str("function"),
            Self::Command(command) => write!(out, "command: {command}"),
        }
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl Subject {
    /// The name that its requests carry: what it writes is told by it from what a scenario writes.
    pub(super) const AGENT: &str = "stsspec-subject";

    /// A controller of one's own. It may end early; what it returns is not looked at.
    pub fn function<F, Fut>(controller: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
    {
        Self::Function(Function(Arc::new(move |context| {
            controller(context).map(drop).boxed()
        })))
    }

    /// Whose behaviours count for or against it.
    pub fn party(&self) -> Party {
        match self {
            Self::Mutant(mutant) => mutant.party,
            Self::Bundled | Self::BuiltIn | Self::None | Self::Function(_) | Self::Command(_) => {
                Party::Controller
            }
        }
    }

    /// It keeps a record of its own writes and does not act before it has seen them.
    pub(super) fn has_own_write_gate(&self) -> bool {
        matches!(self, Self::Bundled | Self::BuiltIn | Self::Mutant(_))
    }

    /// Changes the cluster, where it is a part of it.
    pub(super) fn twist(&self, cluster: &mut embedded::Options) {
        if let Self::Mutant(Mutant {
            part: Part::Api(change),
            ..
        }) = self
        {
            cluster.front = Some(*change);
        }
        if let Self::Mutant(Mutant {
            part: Part::Agent { name, change },
            ..
        }) = self
        {
            cluster.agents.clients = agents::Clients::new(move |agent, client| {
                (agent == *name).then(|| change(client.clone()))
            });
        }
    }

    /// It does not read who manages which field: its client may be spared that.
    pub(super) fn reads_no_managers(&self) -> bool {
        matches!(self, Self::Bundled | Self::Mutant(_))
    }

    /// Starts it on the current runtime; the reference controller has the gates that are on. Each of its processes has a
    /// client of its own through the tap. Where it is given a namespace, only sets of that are its own.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a part of the place where it starts"
    )]
    pub(super) fn start(
        &self,
        tap: &Tap,
        client: Client,
        clock: Clock,
        target: Target,
        seed: u64,
        gates: &BTreeSet<String>,
        namespace: Option<&str>,
    ) -> Running {
        let namespace = namespace.map(str::to_owned);
        let (stop, stopped) = watch::channel(false);
        let (subject, of_tap) = (self.clone(), tap.clone());
        let gates = Gates {
            max_unavailable: gates.contains("MaxUnavailableStatefulSet"),
            semantic_comparison: gates.contains("StatefulSetSemanticRevisionComparison"),
            own_writes: gates.contains("StaleControllerConsistencyStatefulSet"),
            recreate: gates.contains("StatefulSetRecreateStrategy"),
        };
        let launch = move || {
            let client = of_tap.client(client.clone(), Actor::Subject);
            let options = controller::Options {
                namespace: namespace.clone(),
                target: target.clone(),
                seed,
                gates,
                ..controller::Options::default()
            };
            subject.launch(client, clock, options, stopped.clone())
        };
        let launcher = Arc::new(Launcher {
            launch: Box::new(launch),
            tap: tap.clone(),
            tasks: Mutex::default(),
        });
        launcher.lock().extend((launcher.launch)());
        let weak = Arc::downgrade(&launcher);
        tap.when_crashed(move || {
            if let Some(launcher) = weak.upgrade() {
                launcher.crash();
                let weak = weak.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(AFTER_A_CRASH).await;
                    if let Some(launcher) = weak.upgrade() {
                        launcher.start();
                    }
                });
            }
        });
        Running {
            launcher,
            stop,
            listens: matches!(self, Self::Function(_)),
        }
    }

    /// Starts one process; nobody has none.
    fn launch(
        &self,
        client: Client,
        clock: Clock,
        options: controller::Options,
        stopped: watch::Receiver<bool>,
    ) -> Option<Task> {
        let controller = |client, options| {
            tokio::spawn(async move {
                match controller::run(client, clock, options).await {
                    Ok(never) => match never {},
                    Err(error) => Some(error.to_string()),
                }
            })
        };
        match self {
            // A program is started by the tier that can.
            Self::None | Self::BuiltIn | Self::Command(_) => None,
            Self::Bundled
            | Self::Mutant(Mutant {
                part: Part::Agent { .. } | Part::Api(_),
                ..
            }) => Some(controller(client, options)),
            Self::Mutant(Mutant {
                part: Part::Controller(twist),
                ..
            }) => Some(controller(
                client,
                controller::Options {
                    twist: twist(),
                    ..options
                },
            )),
            Self::Mutant(Mutant {
                part: Part::Requests(change),
                ..
            }) => Some(controller(change(client), options)),
            Self::Function(Function(run)) => {
                let running = run(Context {
                    client,
                    clock,
                    target: options.target,
                    namespace: options.namespace,
                    stopped,
                });
                Some(tokio::spawn(running.map(|()| None)))
            }
        }
    }
}

/// How long a subject that crashed takes to come back.
const AFTER_A_CRASH: Duration = Duration::from_secs(1);

type Task = JoinHandle<Option<String>>;

/// Starts a subject's processes and ends them.
struct Launcher {
    launch: Box<dyn Fn() -> Option<Task> + Send + Sync>,
    tap: Tap,
    tasks: Mutex<Vec<Task>>,
}

impl Launcher {
    fn lock(&self) -> MutexGuard<'_, Vec<Task>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Processes for Launcher {
    fn crash(&self) {
        self.lock().drain(..).for_each(|task| task.abort());
    }

    fn start(&self) {
        self.tap.restarted();
        let task = (self.launch)();
        self.lock().extend(task);
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        self.crash();
    }
}

/// A subject at work. It ends when this is dropped.
pub(super) struct Running {
    launcher: Arc<Launcher>,
    stop: watch::Sender<bool>,
    listens: bool,
}

impl Running {
    /// Its processes.
    pub(super) fn processes(&self) -> Arc<dyn Processes> {
        self.launcher.clone()
    }

    /// Ends it. Says so if it had ended by itself.
    pub(super) async fn end(self) -> Option<String> {
        self.stop.send_replace(true);
        let tasks: Vec<Task> = self.launcher.lock().drain(..).collect();
        let mut ended = None;
        for mut task in tasks {
            if task.is_finished() {
                ended = Some(match task.await {
                    Ok(Some(error)) => format!("the subject ended by itself: {error}"),
                    Ok(None) => "the subject ended by itself".to_owned(),
                    Err(error) => format!("the subject ended by itself: {error}"),
                });
                continue;
            }
            if self.listens {
                let _ = timeout(Duration::from_secs(1), &mut task).await;
            }
            task.abort();
        }
        ended
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.launcher.crash();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_has_the_name_it_is_asked_for_by() {
        for name in ["bundled", "built-in", "none"]
            .into_iter()
            .map(str::to_owned)
            .chain(
                mutants::all()
                    .iter()
                    .map(|mutant| format!("mutant:{}", mutant.id)),
            )
        {
            assert_eq!(
                name.parse::<Subject>().expect("it is there").to_string(),
                name
            );
        }
    }

    #[test]
    fn a_name_of_nobody_is_refused_with_what_is_near() {
        let error = "bundle".parse::<Subject>().expect_err("nobody").to_string();
        assert_eq!(
            error,
            "there is no subject \"bundle\"; there are `bundled`, `built-in`, `none` and `mutant:ID`"
        );
        let id = mutants::all()[0].id;
        let error = format!("mutant:{}", &id[1..])
            .parse::<Subject>()
            .expect_err("nobody")
            .to_string();
        assert!(
            error.contains("there is no mutant") && error.contains(id),
            "{error}"
        );
    }
}
