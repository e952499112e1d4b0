//! Tier `context`: all scenarios share a cluster that is there already, each in namespaces of its own, in real time.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use futures::{FutureExt as _, future::LocalBoxFuture};
use tokio::time::timeout;

use super::{Error, Ground, Site, Subjects, on_a_runtime};
use crate::{
    clock::Clock,
    cluster::{
        Capabilities, Need, Target, Terms,
        context::{
            Connection, Error as Trouble, Estate, Facts, Lodging, Options, Plot, Room, Trial,
            attempt, connect, empty,
            ledger::Ledger,
            look, remove,
            rights::{self, Right, Scope},
        },
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
    /// The one namespace that it keeps to.
    room: Option<Room>,
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
            if target.is_custom() {
                is_served(&connection, target).await?;
            }
            let estate = estate(&connection, options, rehearsal)?;
            let room = options.namespace.as_ref().map(|namespace| Room {
                namespace: namespace.clone(),
                run: estate.run.clone(),
                expires: estate.expires(),
            });
            let (trial, missing) = match (rehearsal, &room) {
                (true, _) => (None, unknown_rights(&connection, options).await),
                (false, None) => {
                    let (trial, missing) = try_out(&connection, &estate, target).await?;
                    (Some(trial), missing)
                }
                (false, Some(room)) => {
                    let (trial, missing) =
                        try_in(&connection, &estate, room, subject, target).await?;
                    (Some(trial), missing)
                }
            };
            let told = (|| {
                if let Some(why) = without(&missing).filter(|_| !rehearsal) {
                    let address = connection.address.clone();
                    return Err(Trouble::Rights { address, why }.into());
                }
                let trial = trial.as_ref();
                trial
                    .map(|trial| reconciler(&connection, subject, &facts, trial))
                    .transpose()
            })();
            let concurrency = match room {
                Some(_) => 1,
                None => facts
                    .room
                    .map_or(4, |room| (room / PODS_OF_A_SCENARIO).clamp(1, 8)),
            };
            let there = Self {
                offered: offered(options, subject, &facts, trial.as_ref(), &missing),
                concurrency,
                connection,
                estate,
                reconciler: None,
                room,
                lost: OnceLock::new(),
                begun: Mutex::default(),
            };
            match told {
                Ok(reconciler) => Ok(Self {
                    reconciler,
                    ..there
                }),
                Err(error) => {
                    // What was taken for the run is given back.
                    there.end().await;
                    Err(error)
                }
            }
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

async fn is_served(connection: &Connection, target: &Target) -> Result<(), Error> {
    let client = connection.client()?;
    let served = client
        .list_api_group_resources(&target.api.api_version)
        .await;
    let plural = &target.api.plural;
    match served {
        Ok(list) if list.resources.iter().any(|one| one.name == *plural) => Ok(()),
        Ok(_) | Err(kube::Error::Api(_)) => Err(Error::Undefined {
            target: target.to_string(),
            address: connection.address.clone(),
        }),
        Err(error) => Err(Error::Context(Trouble::Unreachable {
            address: connection.address.clone(),
            why: error.to_string(),
        })),
    }
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

/// Takes the namespace that the run keeps to, and tries there what the cluster does.
async fn try_in(
    connection: &Connection,
    estate: &Estate,
    room: &Room,
    subject: &Subject,
    target: &Target,
) -> Result<(Trial, Vec<Right>), Error> {
    let client = connection.client()?;
    let wanted = rights::needed(Some(&room.namespace));
    let missing = rights::missing(&client, Some(&room.namespace), &wanted).await;
    let missing = missing.unwrap_or_default();
    if let Some(why) = without(&missing) {
        let address = connection.address.clone();
        return Err(Trouble::Rights { address, why }.into());
    }
    estate.enter(&room.namespace)?;
    let now = Clock::of_day().now().as_second();
    if let Err(error) = room.take(&client, &connection.address, now).await {
        // Of one that was refused there is nothing; one that was not answered may be there.
        if !matches!(error, Trouble::Unreachable { .. }) {
            estate.forget();
        }
        return Err(error.into());
    }
    let others = room.others(&client, target).await.unwrap_or_default();
    if !matches!(subject, Subject::BuiltIn | Subject::None) && !others.is_empty() {
        if room.leave(&client).await.is_empty() {
            estate.forget();
        }
        return Err(Error::Reconciler {
            subject: subject.to_string(),
            address: connection.address.clone(),
            why: format!(
                "it would take care of sets of others as well: {} of namespace {}",
                others.join(", "),
                room.namespace
            ),
        });
    }
    let fenced = room.fence().client(client);
    let mut trial = attempt(&fenced, &room.namespace, target, false).await;
    trial.quota = false;
    Ok((trial, missing))
}

/// Tries what the cluster does, in a namespace that goes at once. Rights that are missing there come with it.
async fn try_out(
    connection: &Connection,
    estate: &Estate,
    target: &Target,
) -> Result<(Trial, Vec<Right>), Error> {
    let client = connection.client()?;
    let namespace = format!("stsspec-{}-trial", estate.run);
    if let Err(error) = estate.make(&client, &namespace).await {
        // One that was not answered may be there.
        if estate.made().is_empty() {
            estate.forget();
        }
        return Err(error.into());
    }
    let wanted = rights::needed(None);
    let (trial, missing) = futures::join!(
        attempt(&client, &namespace, target, true),
        rights::missing(&client, Some(&namespace), &wanted)
    );
    let uid = estate.made().remove(&namespace).flatten();
    // What does not go now is waited for at the end of the run.
    let _ = remove(&client, &namespace, uid.as_deref()).await;
    // A server that does not say what is allowed says so when it is asked for.
    Ok((trial, missing.unwrap_or_default()))
}

/// Rights that are missing where nothing is made to find out. Those in namespaces that are made yet are not known.
async fn unknown_rights(connection: &Connection, options: &Options) -> Vec<Right> {
    let mut wanted = rights::needed(options.namespace.as_deref());
    if options.namespace.is_none() {
        wanted.retain(|right| right.scope == Scope::Namespaces);
    }
    let Ok(client) = connection.client() else {
        return Vec::new();
    };
    let missing = rights::missing(&client, options.namespace.as_deref(), &wanted).await;
    missing.unwrap_or_default()
}

/// What keeps every scenario from running, in words.
pub(in crate::suite) fn without(missing: &[Right]) -> Option<String> {
    let essential = missing.iter().filter(|right| right.essential);
    let phrases: Vec<String> = essential.map(Right::phrase).collect();
    (!phrases.is_empty()).then(|| phrases.join(", "))
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

/// What pods have to say there; nothing else is known yet.
pub(in crate::suite) fn bare(options: &Options, version: (u16, u16)) -> Capabilities {
    Capabilities {
        offers: BTreeSet::new(),
        lacks: BTreeMap::new(),
        denied: BTreeMap::new(),
        version,
        gates: BTreeSet::new(),
        shared_counter: false,
        image: options.image(),
        terms: Terms {
            image_pull_secrets: options.image_pull_secrets.clone(),
            tolerations: options.tolerations.clone(),
            node_selector: options.node_selector.clone(),
        },
        storage_class: options.storage_class.clone(),
        dns: None,
        virtual_time: false,
    }
}

/// What a cluster offers to a run; without a trial, what only trying would show is taken to be there.
pub(in crate::suite) fn offered(
    options: &Options,
    subject: &Subject,
    facts: &Facts,
    trial: Option<&Trial>,
    missing: &[Right],
) -> Capabilities {
    let (offers, lacks) = needs_met(options, subject, facts, trial);
    Capabilities {
        offers,
        lacks,
        denied: denied(options, missing),
        gates: facts.gates_on(),
        shared_counter: trial.is_none_or(|trial| trial.shared_counter),
        dns: facts.dns.clone(),
        ..bare(options, facts.version)
    }
}

fn needs_met(
    options: &Options,
    subject: &Subject,
    facts: &Facts,
    trial: Option<&Trial>,
) -> (BTreeSet<Need>, BTreeMap<Need, String>) {
    let is_guest = options.namespace.is_some();
    let tried = |does: fn(&Trial) -> bool, why: &str| match trial.is_none_or(does) {
        true => Ok(()),
        false => Err(why.to_owned()),
    };
    let is = |met: bool, why: &str| if met { Ok(()) } else { Err(why.to_owned()) };
    let dns = || {
        if is_guest {
            // Servers remember for half a minute what a name was, and the next scenario has the same names.
            return Err("in one namespace the same names are used again too soon".to_owned());
        }
        let why = "the address of service kube-dns in kube-system is not known";
        is(facts.dns.is_some(), why)
    };
    let watched = || {
        let why = "the cluster's own controller is not watched";
        is(!matches!(subject, Subject::BuiltIn), why)
    };
    let places = facts.places();
    let nodes = match options.disturb_nodes {
        false => Err("nodes are disturbed only with `--disturb-nodes`".to_owned()),
        true => is(
            places.is_some_and(|nodes| nodes >= 2),
            "fewer than two nodes take pods",
        ),
    };
    let each = [
        (
            Need::Kubelet,
            is(places != Some(0), "no node takes pods of the run"),
        ),
        (Need::Dns, dns()),
        (
            Need::Resolver,
            dns().and_then(|()| {
                is(
                    facts.resolvers == Some(1),
                    "not exactly one DNS server answers",
                )
            }),
        ),
        (
            Need::Volumes,
            facts.storage(options.storage_class.as_deref()).map(drop),
        ),
        (
            Need::Gc,
            tried(|trial| trial.gc, "what is owned did not go with its owner"),
        ),
        (
            Need::Quota,
            match is_guest {
                true => Err("others in the namespace would feel it".to_owned()),
                false => tried(|trial| trial.quota, "a quota was not counted"),
            },
        ),
        (
            Need::Disruption,
            tried(|trial| trial.disruption, "a budget got no status"),
        ),
        (Need::Nodes, nodes),
        (Need::Attribution, watched()),
        (Need::Delivery, watched()),
    ];
    let mut offers = BTreeSet::new();
    let mut lacks = BTreeMap::new();
    for (need, met) in each {
        match met {
            Ok(()) => drop(offers.insert(need)),
            Err(why) => drop(lacks.insert(need, why)),
        }
    }
    (offers, lacks)
}

/// What is beyond one namespace, or would be felt by others in it, as the inventory names rights.
const BEYOND: [&str; 7] = [
    "create namespaces",
    "delete namespaces",
    "create resourcequotas",
    "create priorityclasses",
    "create volumeattributesclasses",
    "create mutatingwebhookconfigurations",
    "list statefulsets in all namespaces",
];

/// Rights that scenarios do not have, and why.
fn denied(options: &Options, missing: &[Right]) -> BTreeMap<String, String> {
    let each = missing
        .iter()
        .map(|right| (right.phrase(), "this user does not have it".to_owned()));
    let mut denied: BTreeMap<String, String> = each.collect();
    if let Some(namespace) = &options.namespace {
        let why = format!("the run keeps to the namespace {namespace}");
        denied.extend(
            BEYOND
                .iter()
                .map(|right| ((*right).to_owned(), why.clone())),
        );
    }
    denied
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
            concurrency: match self.room {
                Some(_) => 1,
                None => parallel.unwrap_or(self.concurrency),
            },
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
            let own = self.connection.plain_client(Subject::AGENT).map_err(told)?;
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
            if let Some(room) = &self.room {
                let sentences = planned.steps.iter().map(|step| step.text.clone());
                let lodging = Lodging::new(
                    &client,
                    clock,
                    self.offered.clone(),
                    room,
                    Box::new(newcomer),
                    sentences,
                );
                return Ok(Ground {
                    cluster: Arc::new(lodging),
                    tap,
                    namespace: room.namespace.clone(),
                    running,
                });
            }
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
        match on_a_runtime(self.end()) {
            Ok(left) => left,
            Err(error) => vec![format!("everything of run {}: {error}", self.estate.run)],
        }
    }
}

impl There {
    /// Removes all that the run made. What could not be removed, in words.
    async fn end(&self) -> Vec<String> {
        let made = self.estate.made();
        let all = |why: &str| -> Vec<String> {
            let room = self.room.iter().map(|room| {
                format!(
                    "what is labelled stsspec.dev/run={} in namespace {} ({why})",
                    room.run, room.namespace
                )
            });
            let left = made.keys().map(|name| format!("namespace {name} ({why})"));
            left.chain(room).collect()
        };
        let client = match self.connection.client() {
            Ok(client) => client,
            Err(error) => return all(&error.to_string()),
        };
        if let Err(why) = is_there(&client).await {
            return all(&why);
        }
        let mut left: Vec<String> = empty(&client, &made).await.into_values().collect();
        if let Some(room) = &self.room {
            left.extend(room.leave(&client).await);
        }
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
