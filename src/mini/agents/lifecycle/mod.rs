//! The node lifecycle agent: which nodes are lost, and which pods have to leave.
//!
//! A node that keeps a Lease and does not renew it for 50 s is lost: its conditions become Unknown, its pods are no longer
//! Ready, and it is tainted. The taints follow a node's conditions; pods that do not tolerate them, or no longer, are
//! deleted. A deletion is a request to the node all the same: the pods of one that hears nothing stay.

mod plan;

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::{
    coordination::v1::Lease,
    core::v1::{Node, Pod},
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, Preconditions},
};
use serde_json::{Value, json};

use super::{
    Change, Context, Error, Informer, Key, doing,
    events::{Recorder, Type},
    is_gone,
    queue::{Agent, Queue, work},
    start::Starting,
};
use crate::sets;
use plan::{Heard, Leave};

/// Where the Leases of nodes are.
const LEASES: &str = "kube-node-lease";

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Node(String),
    Pod(Key),
}

struct Lifecycle {
    context: Context,
    events: Recorder,
    queue: Queue<Item>,
    nodes: Informer<Node>,
    leases: Informer<Lease>,
    pods: Informer<Pod>,
}

/// Runs the agent; never ends.
pub(super) async fn run(context: Context, starting: Starting) {
    let informers = &context.informers;
    let agent = Lifecycle {
        events: Recorder::new(&context, "node-controller"),
        queue: Queue::default(),
        nodes: informers.of(),
        leases: informers.of(),
        pods: informers.of(),
        context: context.clone(),
    };
    agent.listen();
    agent.nodes.synced().await;
    agent.leases.synced().await;
    agent.pods.synced().await;
    drop(starting);
    let queue = agent.queue.clone();
    work(agent, queue).await;
}

fn node_of(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref()?.node_name.as_deref()
}

impl Lifecycle {
    fn listen(&self) {
        let line = self.queue.clone();
        let pods = self.pods.clone();
        let nodes = self.nodes.clone();
        self.nodes.listen(move |change: &Change<Node>| {
            let old = change.old.as_deref();
            let Some(new) = change.new.as_deref() else {
                return;
            };
            line.add(Item::Node(change.key.name.clone()));
            let ready = |node: &Node| plan::condition(node, "Ready") == "True";
            // Whether any node is well is every node's business.
            if old.is_some_and(|old| ready(old) != ready(new)) {
                for node in nodes.list() {
                    line.add(Item::Node(node.name_any()));
                }
            }
            let taints = |node: &Node| node.spec.as_ref().and_then(|spec| spec.taints.clone());
            if old.and_then(taints) != taints(new) {
                for pod in pods.list() {
                    if node_of(&pod) == Some(change.key.name.as_str()) {
                        line.add(Item::Pod(Key::of(&*pod)));
                    }
                }
            }
        });
        let line = self.queue.clone();
        self.leases.listen(move |change: &Change<Lease>| {
            if change.key.namespace == LEASES && change.new.is_some() {
                line.add(Item::Node(change.key.name.clone()));
            }
        });
        let line = self.queue.clone();
        let nodes = self.nodes.clone();
        self.pods.listen(move |change: &Change<Pod>| {
            let placed = |pod: &Arc<Pod>| node_of(pod).map(str::to_owned);
            let (old, new) = (
                change.old.as_ref().and_then(placed),
                change.new.as_ref().and_then(placed),
            );
            let Some(node) = new.filter(|new| old.as_ref() != Some(new)) else {
                return;
            };
            let node = nodes.get(&Key::new("", &node));
            let taints = node.and_then(|node| node.spec.as_ref()?.taints.clone());
            if taints.is_some_and(|taints| !taints.is_empty()) {
                line.add(Item::Pod(change.key.clone()));
            }
        });
    }

    /// Comes back to it at that moment of the cluster's time.
    fn later(&self, item: Item, at: Timestamp) {
        self.queue.add_at(item, self.context.clock.until(at));
    }

    async fn look_at_node(&self, name: &str) -> Result<(), Error> {
        let Some(node) = self.nodes.get(&Key::new("", name)) else {
            return Ok(());
        };
        let now = self.context.clock.now();
        let lease = self.leases.get(&Key::new(LEASES, name));
        match plan::heard(lease.as_deref(), now) {
            Heard::Unwatched => {}
            Heard::Until(end) => self.later(Item::Node(name.to_owned()), end),
            Heard::Lost if plan::condition(&node, "Ready") != "Unknown" => {
                return self.lose(&node, now).await;
            }
            Heard::Lost => {}
        }
        self.taint(&node, now).await
    }

    /// Nothing is known of the node any more, and its pods are not Ready.
    async fn lose(&self, node: &Node, now: Timestamp) -> Result<(), Error> {
        let name = node.name_any();
        let time = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let unknown = plan::KUBELETS.map(|kind| {
            json!({
                "type": kind, "status": "Unknown", "reason": "NodeStatusUnknown",
                "message": "Kubelet stopped posting node status.", "lastTransitionTime": time.to_string(),
            })
        });
        if plan::condition(node, "Ready") == "True" {
            for pod in self.pods.list() {
                if node_of(&pod) == Some(name.as_str()) && sets::is_ready(&pod) {
                    self.unready(&pod, time).await?;
                }
            }
            let message = format!("Node {name} status is now: NodeNotReady");
            self.events
                .record(node, Type::Normal, "NodeNotReady", &message)
                .await;
        }
        let patch = Patch::Strategic(json!({"status": {"conditions": unknown}}));
        let api = Api::<Node>::all(self.context.client.clone());
        let patched = api
            .patch_status(&name, &PatchParams::default(), &patch)
            .await;
        match patched {
            Err(error) if is_gone(&error) => Ok(()),
            // The taints follow when this comes back from the watch.
            other => other
                .map(drop)
                .map_err(doing(format!("set the status of node {name}"))),
        }
    }

    async fn unready(&self, pod: &Pod, time: Timestamp) -> Result<(), Error> {
        let ready =
            json!({"type": "Ready", "status": "False", "lastTransitionTime": time.to_string()});
        self.set_condition(pod, ready).await?;
        self.events
            .record(pod, Type::Warning, "NodeNotReady", "Node is not ready")
            .await;
        Ok(())
    }

    async fn set_condition(&self, pod: &Pod, condition: Value) -> Result<(), Error> {
        let patch = Patch::Strategic(json!({
            "metadata": {"uid": pod.uid()},
            "status": {"conditions": [condition]},
        }));
        let name = pod.name_any();
        let patched = self
            .api(pod)
            .patch_status(&name, &PatchParams::default(), &patch)
            .await;
        match patched {
            Err(error) if is_gone(&error) => Ok(()),
            // The name is another pod's by now.
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
            other => other
                .map(drop)
                .map_err(doing(format!("set the status of pod {name}"))),
        }
    }

    fn api(&self, pod: &Pod) -> Api<Pod> {
        let namespace = pod.namespace().unwrap_or_default();
        Api::namespaced(self.context.client.clone(), &namespace)
    }

    async fn taint(&self, node: &Node, now: Timestamp) -> Result<(), Error> {
        let nodes = self.nodes.list();
        let any_well = nodes
            .iter()
            .any(|node| plan::condition(node, "Ready") == "True");
        let Some(taints) = plan::taints(node, any_well, now) else {
            return Ok(());
        };
        let name = node.name_any();
        let patch = Patch::Merge(json!({
            "metadata": {"resourceVersion": node.resource_version()},
            "spec": {"taints": taints},
        }));
        let api = Api::<Node>::all(self.context.client.clone());
        let patched = api.patch(&name, &PatchParams::default(), &patch).await;
        match patched {
            Err(error) if is_gone(&error) => Ok(()),
            // The newer one is looked at as well.
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
            other => other
                .map(|node| self.nodes.learn(&node))
                .map_err(doing(format!("taint node {name}"))),
        }
    }

    async fn look_at_pod(&self, key: &Key) -> Result<(), Error> {
        let Some(pod) = self.pods.get(key).filter(|pod| !sets::is_terminating(pod)) else {
            return Ok(());
        };
        let node = node_of(&pod).and_then(|name| self.nodes.get(&Key::new("", name)));
        let Some(node) = node else {
            return Ok(());
        };
        let now = self.context.clock.now();
        match plan::leave(&pod, &node, now) {
            Leave::Never => Ok(()),
            Leave::At(end) => {
                self.later(Item::Pod(key.clone()), end);
                Ok(())
            }
            Leave::Now => self.evict(&pod, now).await,
        }
    }

    async fn evict(&self, pod: &Pod, now: Timestamp) -> Result<(), Error> {
        let name = pod.name_any();
        let message = format!(
            "Marking for deletion Pod {}/{name}",
            pod.namespace().unwrap_or_default()
        );
        self.events
            .record(pod, Type::Normal, "TaintManagerEviction", &message)
            .await;
        let time = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let disrupted = json!({
            "type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager",
            "message": "Taint manager: deleting due to NoExecute taint", "lastTransitionTime": time.to_string(),
        });
        self.set_condition(pod, disrupted).await?;
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid: pod.uid(),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        match self.api(pod).delete(&name, &params).await {
            Err(error) if is_gone(&error) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
            other => other.map(drop).map_err(doing(format!("delete pod {name}"))),
        }
    }
}

impl Agent for Lifecycle {
    type Key = Item;

    async fn sync(&self, item: &Item) -> Result<(), Error> {
        match item {
            Item::Node(name) => self.look_at_node(name).await,
            Item::Pod(key) => self.look_at_pod(key).await,
        }
    }
}
