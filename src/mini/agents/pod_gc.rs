//! The pod garbage collector: pods whose node is gone for good, and those that were told to end on a node that is out of
//! service. Both are removed without their node's word.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, Preconditions},
};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    Change, Context, Error, Informer, Key, doing, is_gone,
    queue::{Agent, Queue, work},
    start::Starting,
};
use crate::sets;

/// How long a node has to be away before its pods are: 40 s.
const QUARANTINE: Duration = Duration::from_secs(40);

/// Says that a node is off and will not come back by itself.
const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";

struct PodGc {
    context: Context,
    pods: Informer<Pod>,
    nodes: Informer<Node>,
}

/// Runs the agent; never ends.
pub(super) async fn run(context: Context, starting: Starting) {
    let queue: Queue<Key> = Queue::default();
    let agent = PodGc {
        pods: context.informers.of(),
        nodes: context.informers.of(),
        context: context.clone(),
    };
    agent.listen(&queue);
    agent.pods.synced().await;
    agent.nodes.synced().await;
    drop(starting);
    work(agent, queue).await;
}

fn node_of(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref()?.node_name.as_deref()
}

fn is_ready(node: &Node) -> bool {
    let conditions = node
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref());
    let mut conditions = conditions.into_iter().flatten();
    conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn is_out_of_service(node: &Node) -> bool {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_ref());
    let mut taints = taints.into_iter().flatten();
    !is_ready(node) && taints.any(|taint| taint.key == OUT_OF_SERVICE)
}

/// Why a pod is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    NodeGone,
    OutOfService,
}

/// Whether a pod is to be removed; with its node, if that is there.
fn verdict(pod: &Pod, node: Option<&Node>) -> Option<Why> {
    node_of(pod)?;
    match node {
        None => Some(Why::NodeGone),
        Some(node) if sets::is_terminating(pod) && is_out_of_service(node) => {
            Some(Why::OutOfService)
        }
        Some(_) => None,
    }
}

impl PodGc {
    fn listen(&self, queue: &Queue<Key>) {
        let (line, pods) = (queue.clone(), self.pods.clone());
        self.nodes.listen(move |change: &Change<Node>| {
            let gone = change.new.is_none();
            if !gone && !change.new.as_deref().is_some_and(is_out_of_service) {
                return;
            }
            let here = pods.list().into_iter();
            for pod in here.filter(|pod| node_of(pod) == Some(change.key.name.as_str())) {
                match gone {
                    true => line.add_at(Key::of(&*pod), Instant::now() + QUARANTINE),
                    false => line.add(Key::of(&*pod)),
                }
            }
        });
        let (line, nodes) = (queue.clone(), self.nodes.clone());
        self.pods.listen(move |change: &Change<Pod>| {
            let Some(pod) = change.new.as_ref() else {
                return;
            };
            let placed = |pod: &Arc<Pod>| node_of(pod).map(str::to_owned);
            let Some(name) = placed(pod) else {
                return;
            };
            let node = nodes.get(&Key::new("", &name));
            match verdict(pod, node.as_deref()) {
                Some(Why::NodeGone) if change.old.as_ref().and_then(placed) != Some(name) => {
                    line.add_at(change.key.clone(), Instant::now() + QUARANTINE);
                }
                Some(Why::OutOfService) => line.add(change.key.clone()),
                _ => {}
            }
        });
    }

    async fn remove(&self, pod: &Pod, why: Why) -> Result<(), Error> {
        let name = pod.name_any();
        let namespace = pod.namespace().unwrap_or_default();
        let api = Api::<Pod>::namespaced(self.context.client.clone(), &namespace);
        if !sets::is_failed(pod) && !sets::is_succeeded(pod) {
            let patch = Patch::Strategic(failed(pod, why, self.context.clock.now()));
            let patched = api
                .patch_status(&name, &PatchParams::default(), &patch)
                .await;
            match patched {
                Err(error) if is_gone(&error) => return Ok(()),
                other => other.map_err(doing(format!("set the status of pod {name}")))?,
            };
        }
        let params = DeleteParams {
            grace_period_seconds: Some(0),
            preconditions: Some(Preconditions {
                uid: pod.uid(),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        match api.delete(&name, &params).await {
            Err(error) if is_gone(&error) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
            other => other.map(drop).map_err(doing(format!("remove pod {name}"))),
        }
    }
}

/// The status of a pod that nobody will hear of again.
fn failed(pod: &Pod, why: Why, now: Timestamp) -> Value {
    let time = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let mut status = json!({"phase": "Failed"});
    if why == Why::NodeGone {
        status["conditions"] = json!([{
            "type": "DisruptionTarget", "status": "True", "reason": "DeletionByPodGC",
            "message": "PodGC: node no longer exists", "lastTransitionTime": time.to_string(),
        }]);
    }
    json!({"metadata": {"uid": pod.uid()}, "status": status})
}

impl Agent for PodGc {
    type Key = Key;

    async fn sync(&self, key: &Key) -> Result<(), Error> {
        let Some(pod) = self.pods.get(key) else {
            return Ok(());
        };
        let Some(name) = node_of(&pod) else {
            return Ok(());
        };
        let mut known = self
            .nodes
            .get(&Key::new("", name))
            .map(|node| (*node).clone());
        if known.is_none() {
            // What no cache knows may be there all the same.
            let api = Api::<Node>::all(self.context.client.clone());
            let found = api.get_opt(name).await;
            known = found.map_err(doing(format!("look for node {name}")))?;
        }
        match verdict(&pod, known.as_ref()) {
            Some(why) => self.remove(&pod, why).await,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mini::agents::testing::{self, object};

    #[test]
    fn a_pod_goes_without_its_node_or_when_it_cannot_be_heard() {
        let node = |ready: &str, key: &str| -> Node {
            object(testing::node(
                "a",
                &json!({
                    "spec": {"taints": [{"key": key, "effect": "NoExecute"}]},
                    "status": {"conditions": [{"type": "Ready", "status": ready}]},
                }),
            ))
        };
        let lost = node("Unknown", "node.kubernetes.io/unreachable");
        let off = node("Unknown", OUT_OF_SERVICE);
        let on = node("True", OUT_OF_SERVICE);
        let ending = json!("2026-01-01T00:00:00Z");
        let table: [(&str, &Value, Option<&Node>, Option<Why>); 6] = [
            ("a", &Value::Null, None, Some(Why::NodeGone)),
            ("", &Value::Null, None, None),
            ("a", &ending, Some(&lost), None),
            ("a", &ending, Some(&off), Some(Why::OutOfService)),
            ("a", &Value::Null, Some(&off), None),
            ("a", &ending, Some(&on), None),
        ];
        for (place, deleted, node, wanted) in table {
            let name = if place.is_empty() {
                Value::Null
            } else {
                json!(place)
            };
            let pod: Pod = object(testing::pod(
                "p",
                &json!({"metadata": {"deletionTimestamp": deleted}, "spec": {"nodeName": name}}),
            ));
            assert_eq!(verdict(&pod, node), wanted, "{place} {deleted}");
        }
    }
}
