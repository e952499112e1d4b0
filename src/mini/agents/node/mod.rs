//! The nodes: each runs the pods that are bound to it, and tells how they are.
//!
//! A node does what a kubelet does, in the cluster's time: volumes, network, init containers in order, containers,
//! probes, restarts with back-off, an orderly end. What it writes is the status of its pods through `pods/status`, with
//! its own conditions only, the final deletion of pods that ended, and events. What a container does is simulated by
//! [`super::shell`]; what is known of images is in `images`.

mod container;
mod endpoint;
mod environment;
mod fields;
mod images;
pub mod machine;
mod mounts;
mod output;
mod probes;
mod proxy;
mod registration;
mod state;
mod status;
mod worker;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use k8s_openapi::api::core::v1::{Node as NodeObject, Pod, Service};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
};

use super::{
    Context, Informer, Key, NodeTimes,
    events::Recorder,
    network::{Network, Site},
    scheduler,
};
use crate::mini::kubelet::Kubelets;
use container::Live;
use machine::{Machines, Power};
use mounts::Objects;
use output::Output;

/// One container of a pod, as exec, attach and logs see it.
#[derive(Clone, Default)]
struct Shown {
    live: Option<Arc<Live>>,
    /// What the run that is there, or was last, has written; and the one before.
    output: Option<Output>,
    previous: Option<Output>,
}

/// The containers of a pod by name, with the pod's UID.
type Board = BTreeMap<Key, (String, BTreeMap<String, Shown>)>;

/// What all parts of a node share.
struct Node {
    context: Context,
    name: String,
    site: Site,
    times: NodeTimes,
    /// Where API servers outside of this process reach it.
    reach: Option<SocketAddr>,
    network: Network,
    recorder: Recorder,
    objects: Objects,
    pods: Informer<Pod>,
    nodes: Informer<NodeObject>,
    services: Informer<Service>,
    /// How its machine is.
    power: watch::Receiver<Power>,
    /// Counts changes of what volumes and variables are made from.
    changed: watch::Sender<u64>,
    /// Counts changes of claims and PersistentVolumes.
    claims_changed: watch::Sender<u64>,
    board: Mutex<Board>,
}

impl Node {
    /// Why the node does not take a pod that was given to it: a reason and a message.
    fn refuses(&self, pod: &Pod) -> Option<(&'static str, String)> {
        if *self.power.borrow() == Power::ShuttingDown {
            let why = "Pod was rejected as the node is shutting down.";
            return Some(("NodeShutdown", why.to_owned()));
        }
        let node = self.nodes.get(&Key::new("", &self.name))?;
        let mut here = self.pods.list();
        here.retain(|other| {
            let place = other.spec.as_ref().and_then(|spec| spec.node_name.as_ref());
            let is_over = crate::sets::is_failed(other) || crate::sets::is_succeeded(other);
            place == Some(&self.name) && !is_over && other.metadata.uid != pod.metadata.uid
        });
        scheduler::refused(pod, &node, here)
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts a node. It registers itself, answers for exec, attach and logs, and runs until the task is aborted; its
/// containers end with it.
pub fn spawn(
    context: &Context,
    name: &str,
    times: NodeTimes,
    network: &Network,
    kubelets: &Kubelets,
) -> JoinHandle<()> {
    let surroundings = Surroundings {
        times,
        network: network.clone(),
        kubelets: kubelets.clone(),
        machines: Machines::default(),
        reach: None,
    };
    tokio::spawn(run(context.clone(), name.to_owned(), surroundings, ()))
}

/// What a node is given beside the API.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub times: NodeTimes,
    pub network: Network,
    pub kubelets: Kubelets,
    pub machines: Machines,
    /// Where its kubelet is reached by a real API server.
    pub reach: Option<SocketAddr>,
}

/// Runs a node for as long as its machine has power, and again when it has it again. What is `held` is dropped once it
/// works.
pub(super) async fn run(
    context: Context,
    name: String,
    surroundings: Surroundings,
    held: impl Send,
) {
    let mut power = surroundings.machines.of(&name);
    let mut held = Some(held);
    loop {
        let work = work(
            context.clone(),
            name.clone(),
            surroundings.clone(),
            held.take(),
        );
        let mut off = power.clone();
        tokio::select! {
            biased;
            gone = off.wait_for(|power| *power == Power::Off) => drop(gone),
            () = work => {
                // It has been shut down.
                surroundings.machines.turn(&name, Power::Off);
            }
        }
        if power.wait_for(|power| *power == Power::On).await.is_err() {
            return;
        }
    }
}

/// Runs a node until it has been shut down.
async fn work(context: Context, name: String, surroundings: Surroundings, held: impl Send) {
    let Surroundings {
        times,
        network,
        kubelets,
        machines,
        reach,
    } = surroundings;
    let power = machines.of(&name);
    // Where nobody watches for its heartbeat nobody cuts it off.
    let context = match times.heartbeat {
        Some(_) => Context {
            client: machine::linked(&context.client, &power),
            ..context
        },
        None => context,
    };
    let informers = &context.informers;
    let objects = Objects {
        config_maps: informers.of(),
        secrets: informers.of(),
        claims: informers.of(),
        volumes: informers.of(),
    };
    let pods = informers.of::<Pod>();
    let services = informers.of::<Service>();
    proxy::install(&network, &services, &informers.of());
    let node = Arc::new(Node {
        site: network.join(&name),
        recorder: Recorder::new(&context, "kubelet"),
        name,
        times,
        reach,
        network,
        objects,
        pods: pods.clone(),
        nodes: informers.of(),
        services,
        power,
        changed: watch::Sender::new(0),
        claims_changed: watch::Sender::new(0),
        board: Mutex::default(),
        context: context.clone(),
    });
    listen(&node);
    register(&node).await;
    pods.synced().await;
    node.objects.config_maps.synced().await;
    node.objects.secrets.synced().await;
    node.objects.claims.synced().await;
    node.objects.volumes.synced().await;
    node.services.synced().await;
    node.nodes.synced().await;
    let registered = Registered(kubelets, node.name.clone());
    registered.answers(&node);
    let mut tasks = JoinSet::new();
    if let Some(every) = node.times.heartbeat {
        let node = Arc::clone(&node);
        tasks.spawn(async move {
            let clock = node.context.clock;
            let client = &node.context.client;
            registration::renew_for_ever(client, &node.name, every, || clock.now()).await;
        });
    }
    drop(held);
    attend(node, registered, tasks).await;
}

/// The place among those who answer for nodes; given up with the node's task.
struct Registered(Kubelets, String);

impl Registered {
    fn answers(&self, node: &Arc<Node>) {
        let endpoint = Arc::new(endpoint::Endpoint::new(node));
        self.0.register(&self.1, endpoint);
    }

    fn is_silent(&self) {
        self.0.remove(&self.1);
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.0.remove(&self.1);
    }
}

/// Notes changes of what pods depend on.
fn listen(node: &Arc<Node>) {
    fn count<K>(node: &Arc<Node>, informer: &Informer<K>, of: fn(&Node) -> &watch::Sender<u64>) {
        let node = Arc::downgrade(node);
        informer.listen(move |_| {
            if let Some(node) = node.upgrade() {
                of(&node).send_modify(|count| *count += 1);
            }
        });
    }
    count(node, &node.objects.config_maps, |node| &node.changed);
    count(node, &node.objects.secrets, |node| &node.changed);
    count(node, &node.objects.claims, |node| &node.claims_changed);
    let weak = Arc::downgrade(node);
    node.objects.volumes.listen(move |change| {
        let Some(node) = weak.upgrade() else {
            return;
        };
        let gone = change.old.as_ref().filter(|old| {
            let new = change.new.as_ref();
            new.is_none_or(|new| new.metadata.uid != old.metadata.uid)
        });
        if let Some(gone) = gone {
            node.network.remove_disk(&mounts::disk_name(gone));
        }
        node.claims_changed.send_modify(|count| *count += 1);
    });
}

async fn register(node: &Node) {
    if node.times.heartbeat.is_some() {
        let now = node.context.clock.now();
        registration::renew(&node.context.client, &node.name, now).await;
    }
    let mut rest = std::time::Duration::from_millis(100);
    loop {
        let now = node.context.clock.now();
        match registration::register(
            &node.context.client,
            &node.name,
            &node.site,
            node.reach,
            now,
        )
        .await
        {
            Ok(()) => return,
            Err(error) => tracing::debug!(%error, "comes again"),
        }
        tokio::time::sleep(rest).await;
        rest = (rest * 2).min(std::time::Duration::from_secs(10));
    }
}

/// A pod that is looked after.
struct Attended {
    uid: String,
    now: watch::Sender<Option<Arc<Pod>>>,
}

/// Gives every pod bound to this node a worker, and tells it what becomes of the pod's object. Ends when the machine is
/// being shut down and all pods have ended.
async fn attend(node: Arc<Node>, registered: Registered, workers: JoinSet<()>) {
    let (sender, mut keys) = mpsc::unbounded_channel();
    let name = node.name.clone();
    node.pods.clone().listen(move |change| {
        let ours = |pod: &Arc<Pod>| {
            pod.spec.as_ref().and_then(|spec| spec.node_name.as_ref()) == Some(&name)
        };
        if change.both().any(ours) {
            let _ = sender.send((change.key.clone(), change.new.clone().filter(ours)));
        }
    });
    let mut power = node.power.clone();
    let mut desk = Desk {
        attended: BTreeMap::new(),
        unheard: BTreeMap::new(),
        workers,
        node,
    };
    loop {
        let now = *power.borrow_and_update();
        tokio::select! {
            biased;
            Some((key, pod)) = keys.recv() => match now {
                Power::CutOff => drop(desk.unheard.insert(key, pod)),
                _ => desk.hear(key, pod),
            },
            Ok(()) = power.changed() => {
                let now = *power.borrow_and_update();
                desk.turned(now, &registered).await;
            }
            Some(_) = desk.workers.join_next() => {}
            else => return,
        }
        if *power.borrow() == Power::ShuttingDown && desk.has_ended() {
            return;
        }
    }
}

/// The pods of a node, and what it has not heard of them yet.
struct Desk {
    node: Arc<Node>,
    attended: BTreeMap<Key, Attended>,
    unheard: BTreeMap<Key, Option<Arc<Pod>>>,
    workers: JoinSet<()>,
}

impl Desk {
    /// A pod is as it is now, or not there.
    fn hear(&mut self, key: Key, pod: Option<Arc<Pod>>) {
        let uid = pod
            .as_ref()
            .and_then(|pod| pod.metadata.uid.clone())
            .unwrap_or_default();
        if self
            .attended
            .get(&key)
            .is_some_and(|known| known.uid != uid)
            && let Some(known) = self.attended.remove(&key)
        {
            known.now.send_replace(None);
        }
        let Some(pod) = pod else {
            return;
        };
        match self.attended.get(&key) {
            Some(known) => drop(known.now.send_replace(Some(pod))),
            None => {
                let (now, updates) = watch::channel(Some(Arc::clone(&pod)));
                let run = worker::run(Arc::clone(&self.node), pod, updates);
                self.workers.spawn(run);
                self.attended.insert(key, Attended { uid, now });
            }
        }
    }

    /// The machine lost the cluster, found it again, or is about to stop.
    async fn turned(&mut self, power: Power, registered: &Registered) {
        match power {
            Power::CutOff => registered.is_silent(),
            Power::On => {
                registered.answers(&self.node);
                register(&self.node).await;
                for (key, pod) in std::mem::take(&mut self.unheard) {
                    self.hear(key, pod);
                }
            }
            Power::ShuttingDown => {
                let now = self.node.context.clock.now();
                let client = &self.node.context.client;
                if let Err(error) = registration::shuts_down(client, &self.node.name, now).await {
                    tracing::debug!(%error, "nobody knows of the shutdown");
                }
            }
            Power::Off => {}
        }
    }

    /// No pod runs any more, and all have said so.
    fn has_ended(&self) -> bool {
        let pods = self.attended.iter();
        let mut open = pods.filter(|(key, known)| {
            let pod = self.node.pods.get(key);
            let pod = pod.filter(|pod| pod.metadata.uid.as_ref() == Some(&known.uid));
            pod.is_some_and(|pod| !crate::sets::is_failed(&pod) && !crate::sets::is_succeeded(&pod))
        });
        open.next().is_none()
    }
}

#[cfg(test)]
mod tests;
