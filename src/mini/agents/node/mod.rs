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
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use k8s_openapi::api::core::v1::{Pod, Service};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
};

use super::{
    Context, Informer, Key, NodeTimes,
    events::Recorder,
    network::{Network, Site},
};
use crate::mini::kubelet::Kubelets;
use container::Live;
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
    network: Network,
    recorder: Recorder,
    objects: Objects,
    services: Informer<Service>,
    /// Counts changes of what volumes and variables are made from.
    changed: watch::Sender<u64>,
    /// Counts changes of claims and PersistentVolumes.
    claims_changed: watch::Sender<u64>,
    board: Mutex<Board>,
}

impl Node {
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
    tokio::spawn(run(
        context.clone(),
        name.to_owned(),
        times,
        network.clone(),
        kubelets.clone(),
        (),
    ))
}

/// Runs a node. What is `held` is dropped once it works.
pub(super) async fn run(
    context: Context,
    name: String,
    times: NodeTimes,
    network: Network,
    kubelets: Kubelets,
    held: impl Send,
) {
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
        network,
        objects,
        services,
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
    kubelets.register(&node.name, Arc::new(endpoint::Endpoint::new(&node)));
    let _registered = Registered(kubelets, node.name.clone());
    let mut tasks = JoinSet::new();
    if let Some(every) = node.times.heartbeat {
        let node = Arc::clone(&node);
        tasks.spawn(async move {
            let clock = node.context.clock;
            registration::renew(&node.context.client, &node.name, every, || clock.now()).await;
        });
    }
    drop(held);
    attend(node, pods, tasks).await;
}

/// The place among those who answer for nodes; given up with the node's task.
struct Registered(Kubelets, String);

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
    let mut rest = std::time::Duration::from_millis(100);
    loop {
        let now = node.context.clock.now();
        match registration::register(&node.context.client, &node.name, &node.site, now).await {
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

/// Gives every pod bound to this node a worker, and tells it what becomes of the pod's object.
async fn attend(node: Arc<Node>, pods: Informer<Pod>, mut workers: JoinSet<()>) {
    let (sender, mut keys) = mpsc::unbounded_channel();
    let name = node.name.clone();
    pods.listen(move |change| {
        let ours = |pod: &Arc<Pod>| {
            pod.spec.as_ref().and_then(|spec| spec.node_name.as_ref()) == Some(&name)
        };
        if change.both().any(ours) {
            let _ = sender.send((change.key.clone(), change.new.clone().filter(ours)));
        }
    });
    let mut attended = BTreeMap::<Key, Attended>::new();
    loop {
        let (key, pod) = tokio::select! {
            biased;
            Some((key, pod)) = keys.recv() => (key, pod),
            Some(_) = workers.join_next() => continue,
            else => return,
        };
        let uid = pod
            .as_ref()
            .and_then(|pod| pod.metadata.uid.clone())
            .unwrap_or_default();
        if attended.get(&key).is_some_and(|known| known.uid != uid)
            && let Some(known) = attended.remove(&key)
        {
            known.now.send_replace(None);
        }
        let Some(pod) = pod else {
            continue;
        };
        match attended.get(&key) {
            Some(known) => drop(known.now.send_replace(Some(pod))),
            None => {
                let (now, updates) = watch::channel(Some(Arc::clone(&pod)));
                workers.spawn(worker::run(Arc::clone(&node), pod, updates));
                attended.insert(key, Attended { uid, now });
            }
        }
    }
}

#[cfg(test)]
mod tests;
