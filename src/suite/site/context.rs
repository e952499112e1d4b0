//! Tier `context`: all scenarios share a cluster that is there already, each in namespaces of its own, in real time.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use futures::{FutureExt as _, future::LocalBoxFuture};
use tokio::{runtime::Builder, time::timeout};

use super::{Error, Ground, Site, Subjects};
use crate::{
    clock::Clock,
    cluster::{
        Capabilities, Need, Target, Terms,
        context::{
            Connection, Error as Trouble, Estate, Facts, Options, Plot, Trial, attempt, connect,
            empty, ledger::Ledger, look, remove,
        },
        gates_of,
    },
    report::Scenario,
    suite::{drive::Mode, plan::Planned, subject::Subject},
    tap::Tap,
    world::Deadlines,
};

/// How long after its start a run is over for certain.
const LIFETIME: Duration = Duration::from_secs(6 * 3600);

/// How long a cluster may take to say that it is there.
const ANSWER: Duration = Duration::from_secs(10);

/// How many pods a scenario has at the same time, at most, as a rule.
const PODS_OF_A_SCENARIO: usize = 12;

/// The cluster that a run was sent to.
pub(super) struct There {
    connection: Connection,
    offered: Capabilities,
    estate: Arc<Estate>,
    reconciler: Option<String>,
    concurrency: usize,
    /// Why no more scenario begins.
    lost: OnceLock<String>,
    /// How often each scenario was begun, by its namespace.
    begun: Mutex<BTreeMap<String, usize>>,
}

impl There {
    /// Connects, reads what the cluster is, and tries what it does.
    pub(super) fn prepare(
        options: &Options,
        subject: &Subject,
        target: &Target,
        rehearsal: bool,
    ) -> Result<Self, Error> {
        on_a_runtime(async {
            let connection = connect(options).await?;
            let facts = look(&connection, options).await?;
            let estate = estate(&connection, options, rehearsal)?;
            let trial = match rehearsal {
                true => None,
                false => Some(try_out(&connection, &estate, target).await?),
            };
            let reconciler = match &trial {
                Some(trial) => Some(reconciler(&connection, subject, &facts, trial)?),
                None => None,
            };
            Ok(Self {
                offered: offered(options, subject, &facts, trial.as_ref()),
                concurrency: facts
                    .room
                    .map_or(4, |room| (room / PODS_OF_A_SCENARIO).clamp(1, 8)),
                connection,
                estate,
                reconciler,
                lost: OnceLock::new(),
                begun: Mutex::default(),
            })
        })?
    }
}

impl There {
    /// The name, or where it was given before, one that tells how often.
    fn fresh(&self, name: String) -> String {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let count = begun.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 {
            name
        } else {
            format!("{name}-{count}")
        }
    }
}

/// Runs something on a runtime of its own on a thread of its own: the caller may be on one already.
pub(super) fn on_a_runtime<T: Send>(
    work: impl Future<Output = T> + Send,
) -> Result<T, std::io::Error> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    std::thread::scope(|scope| {
        let working = scope.spawn(|| runtime.block_on(work));
        match working.join() {
            Ok(done) => Ok(done),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn estate(
    connection: &Connection,
    options: &Options,
    rehearsal: bool,
) -> Result<Arc<Estate>, Error> {
    let run = format!(
        "{:08x}",
        RandomState::new().build_hasher().finish() & 0xffff_ffff
    );
    let ledger = match (&options.ledger, rehearsal) {
        (Some(folder), false) => Some(Ledger::open(folder, &run).map_err(Trouble::from)?),
        _ => None,
    };
    let expires = Clock::of_day().now() + LIFETIME;
    Ok(Arc::new(Estate::new(
        run,
        connection.address.clone(),
        expires.as_second(),
        ledger,
    )))
}

/// Tries what the cluster does, in a namespace that goes at once.
async fn try_out(
    connection: &Connection,
    estate: &Estate,
    target: &Target,
) -> Result<Trial, Error> {
    let client = connection.client()?;
    let namespace = format!("stsspec-{}-trial", estate.run);
    if let Err(error) = estate.make(&client, &namespace).await {
        estate.forget();
        return Err(error.into());
    }
    let trial = attempt(&client, &namespace, target).await;
    let uid = estate.made().remove(&namespace).flatten();
    // What does not go now is waited for at the end of the run.
    let _ = remove(&client, &namespace, uid.as_deref()).await;
    Ok(trial)
}

/// Who reconciles, or why the subject cannot be judged.
fn reconciler(
    connection: &Connection,
    subject: &Subject,
    facts: &Facts,
    trial: &Trial,
) -> Result<String, Error> {
    let no = |why: String| Error::Reconciler {
        subject: subject.to_string(),
        address: connection.address.clone(),
        why,
    };
    match (subject, &trial.reconciler) {
        (Subject::BuiltIn, Some(who)) => {
            let lease = facts
                .leader
                .as_ref()
                .map(|leader| format!("; its lease is held by {leader}"));
            Ok(format!(
                "{who}, as the managed fields of a set's status say{}",
                lease.unwrap_or_default()
            ))
        }
        (Subject::BuiltIn, None) => Err(no(
            "nobody answers for StatefulSets there; `--subject bundled` brings a controller along"
                .to_owned(),
        )),
        (_, Some(who)) => Err(no(format!(
            "{who} takes care of StatefulSets there already; end it first, or judge it with `--subject built-in`"
        ))),
        (Subject::None, None) => Ok("nobody, as a set without a status says".to_owned()),
        (_, None) => Ok(format!(
            "{subject} in this process, as its requests say; nobody else answered for a set"
        )),
    }
}

fn offered(
    options: &Options,
    subject: &Subject,
    facts: &Facts,
    trial: Option<&Trial>,
) -> Capabilities {
    let watched = !matches!(subject, Subject::BuiltIn);
    let tried = |does: fn(&Trial) -> bool| trial.is_none_or(does);
    let offers = [
        (Need::Kubelet, facts.nodes != Some(0)),
        (Need::Dns, facts.dns.is_some()),
        (
            Need::Resolver,
            facts.dns.is_some() && facts.resolvers == Some(1),
        ),
        (Need::Volumes, facts.storage.is_some()),
        (Need::Gc, tried(|trial| trial.gc)),
        (Need::Quota, tried(|trial| trial.quota)),
        (Need::Disruption, tried(|trial| trial.disruption)),
        (
            Need::Nodes,
            options.disturb_nodes && facts.nodes.is_some_and(|nodes| nodes >= 2),
        ),
        (Need::Attribution, watched),
        (Need::Delivery, watched),
    ];
    let offers: BTreeSet<Need> = offers
        .into_iter()
        .filter_map(|(need, is_met)| is_met.then_some(need))
        .collect();
    Capabilities {
        offers,
        version: facts.version,
        gates: gates_of(facts.version),
        shared_counter: tried(|trial| trial.shared_counter),
        image: options.image(),
        terms: Terms {
            image_pull_secrets: options.image_pull_secrets.clone(),
            tolerations: options.tolerations.clone(),
            node_selector: options.node_selector.clone(),
        },
        storage_class: options.storage_class.clone(),
        dns: facts.dns.clone(),
        virtual_time: false,
    }
}

/// A namespace's name: the run, and where the scenario stands.
fn namespace(run: &str, scenario: &Scenario) -> String {
    let path: String = scenario
        .path
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(30)
        .collect();
    format!("stsspec-{run}-{}-{}", path.to_lowercase(), scenario.line)
}

impl Site for There {
    fn offered(&self) -> &Capabilities {
        &self.offered
    }

    fn mode(&self, parallel: Option<usize>) -> Mode {
        Mode::Shared {
            concurrency: parallel.unwrap_or(self.concurrency),
        }
    }

    fn deadlines(&self) -> Deadlines {
        Deadlines::real_time()
    }

    fn real_limit(&self) -> Duration {
        Duration::from_secs(900)
    }

    fn reruns(&self) -> usize {
        if self.lost.get().is_some() { 0 } else { 2 }
    }

    fn reconciler(&self) -> Option<String> {
        self.reconciler.clone()
    }

    fn open<'a>(
        &'a self,
        planned: &'a Planned,
        subject: &'a Subject,
        target: &'a Target,
    ) -> LocalBoxFuture<'a, Result<Ground, String>> {
        async move {
            if let Some(why) = self.lost.get() {
                return Err(format!("not run: {why}"));
            }
            let told = |error: Trouble| error.to_string();
            let client = self.connection.client().map_err(told)?;
            let own = self.connection.plain_client().map_err(told)?;
            if let Err(why) = is_there(&client).await {
                let why = format!("the cluster at {} was lost: {why}", self.connection.address);
                return Err(self.lost.get_or_init(|| why).clone());
            }
            let clock = Clock::of_day();
            let tap = Tap::new(clock, target.clone());
            let running = Subjects::default();
            // Each namespace has a subject of its own, which knows no other scenario's sets.
            let (of_tap, all, subject, target) = (
                tap.clone(),
                running.clone(),
                subject.clone(),
                target.clone(),
            );
            let (seed, gates) = (planned.scenario.seed, self.offered.gates.clone());
            let newcomer = move |namespace: &str| {
                all.add(subject.start(
                    &of_tap,
                    own.clone(),
                    clock,
                    target.clone(),
                    seed,
                    &gates,
                    Some(namespace),
                ));
            };
            let plot = Plot::new(
                client,
                clock,
                self.offered.clone(),
                self.estate.clone(),
                Box::new(newcomer),
            );
            Ok(Ground {
                cluster: Arc::new(plot),
                tap,
                namespace: self.fresh(namespace(&self.estate.run, &planned.scenario)),
                running,
            })
        }
        .boxed_local()
    }

    fn close(&self) -> Vec<String> {
        let made = self.estate.made();
        let ending = async {
            let all = |why: &str| {
                let left = made.keys();
                left.map(|name| format!("namespace {name} ({why})"))
                    .collect()
            };
            let client = match self.connection.client() {
                Ok(client) => client,
                Err(error) => return all(&error.to_string()),
            };
            if let Err(why) = is_there(&client).await {
                return all(&why);
            }
            empty(&client, &made).await.into_values().collect()
        };
        let left: Vec<String> = match on_a_runtime(ending) {
            Ok(left) => left,
            Err(error) => vec![format!("everything of run {}: {error}", self.estate.run)],
        };
        if left.is_empty() {
            self.estate.forget();
        }
        left
    }
}

/// It answers; what it answers does not matter.
async fn is_there(client: &kube::Client) -> Result<(), String> {
    let asking = client.apiserver_version();
    match timeout(ANSWER, asking).await {
        Ok(Ok(_) | Err(kube::Error::Api(_))) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer in {} s", ANSWER.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_says_which_run_and_which_scenario_it_is_of() {
        let scenario = Scenario {
            path: "updates/Rolling_update_of_everything_there_is".into(),
            line: 123,
            ..Scenario::unknown()
        };
        let name = namespace("0a1b2c3d", &scenario);
        assert_eq!(name, "stsspec-0a1b2c3d-updates-rolling-update-of-ever-123");
        assert!(name.len() + "-other".len() <= 63);
    }
}
