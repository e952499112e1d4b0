//! What keeps pods from running that is no fault of whoever made them.

use k8s_openapi::api::core::v1::Pod;

use crate::{
    evidence::{History, Kind, Object},
    sets,
};

/// A node cannot get the image that every pod has: in the kubelet's words.
pub(super) fn unpullable(history: &History, image: &str) -> Option<String> {
    history.everywhere(Kind::Pod).find_map(|object| {
        let status = object.as_pod()?.status.as_ref()?;
        let statuses = status.container_statuses.as_deref().unwrap_or_default();
        statuses.iter().find_map(|container| {
            let waiting = container.state.as_ref()?.waiting.as_ref()?;
            let reason = waiting.reason.as_deref()?;
            let is_ours = container.image == image;
            let fails = matches!(
                reason,
                "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" | "InvalidImageName"
            );
            let message = waiting.message.as_deref().unwrap_or_default();
            (is_ours && fails).then(|| {
                format!(
                    "a node cannot get the image {image:?}: {reason}: {message}; `--image` or `--registry` name another one"
                )
            })
        })
    })
}

/// A pod waits for a volume that nobody makes for its claim, or for room that no node has. `class` is the StorageClass
/// that claims were told to name.
pub(super) fn stranded(history: &History, class: Option<&str>) -> Option<String> {
    let pods = history
        .everywhere(Kind::Pod)
        .filter_map(|object| object.as_pod().map(AsRef::as_ref));
    let pods: Vec<&Pod> = pods.filter(|pod| is_waiting(pod)).collect();
    let unbound = |pod: &Pod| unbound(history, pod, class);
    pods.iter()
        .find_map(|pod| unbound(pod))
        .or_else(|| pods.iter().find_map(|pod| without_room(pod)))
}

/// No node was found for it yet.
fn is_waiting(pod: &Pod) -> bool {
    let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
    node.unwrap_or_default().is_empty() && pod.metadata.deletion_timestamp.is_none()
}

fn unbound(history: &History, pod: &Pod, class: Option<&str>) -> Option<String> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let volumes = pod
        .spec
        .iter()
        .flat_map(|spec| spec.volumes.iter().flatten());
    let mut claims =
        volumes.filter_map(|volume| Some(&volume.persistent_volume_claim.as_ref()?.claim_name));
    claims.find_map(|name| {
        let object = history.present(Kind::Claim, namespace).find(|object| object.name() == name)?;
        let Object::Claim(claim) = object else {
            return None;
        };
        let spec = claim.spec.as_ref()?;
        let phase = claim.status.as_ref().and_then(|status| status.phase.as_deref());
        let asked = class.is_none_or(|class| spec.storage_class_name.as_deref() == Some(class));
        let is_unbound = phase != Some("Bound") && spec.volume_name.is_none() && asked;
        is_unbound.then(|| {
            let class = spec.storage_class_name.as_deref().unwrap_or("that is the default one");
            let said = last_words(history, object.uid());
            format!("nobody makes a volume of the StorageClass {class} for claim {name:?}{said}; `--storage-class` names another one")
        })
    })
}

/// What was told last of an object.
fn last_words(history: &History, uid: &str) -> String {
    let events = history
        .everywhere(Kind::Event)
        .filter_map(|object| match object {
            Object::Event(event) => Some(event),
            _ => None,
        });
    let about = events.filter(|event| event.involved_object.uid.as_deref() == Some(uid));
    let last = about.max_by_key(|event| {
        event
            .metadata
            .resource_version
            .as_deref()
            .and_then(|version| version.parse::<u64>().ok())
    });
    let message = last.and_then(|event| event.message.as_deref());
    message
        .map(|message| format!(": {message}"))
        .unwrap_or_default()
}

/// The scheduler's words, where they speak of what nodes have.
fn without_room(pod: &Pod) -> Option<String> {
    let condition = sets::condition(pod, "PodScheduled")?;
    let message = condition.message.as_deref()?;
    let of_nodes = [
        "Insufficient",
        "Too many pods",
        "untolerated taint",
        "node affinity/selector",
    ];
    let is_so = condition.status == "False" && of_nodes.iter().any(|words| message.contains(words));
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    is_so.then(|| format!("no node has room for pod {name:?}: {message}"))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::*;
    use crate::evidence::{Change, Verb};

    fn history(objects: &[(Kind, Value)]) -> History {
        let mut history = History::default();
        for (version, (kind, value)) in objects.iter().enumerate() {
            history.push(Change {
                at: Timestamp::UNIX_EPOCH,
                verb: Verb::Added,
                version: version as u64,
                initial: false,
                object: Object::decode(*kind, value.clone()).expect("an object"),
            });
        }
        history
    }

    fn pod(spec: Value, status: Value) -> (Kind, Value) {
        (
            Kind::Pod,
            json!({ "metadata": { "name": "web-0", "namespace": "a", "uid": "p" }, "spec": spec, "status": status }),
        )
    }

    #[test]
    fn an_image_that_cannot_be_had_is_told_in_the_kubelets_words() {
        let waiting = json!({ "containerStatuses": [{
            "name": "main", "image": "x", "imageID": "", "ready": false, "restartCount": 0,
            "state": { "waiting": { "reason": "ErrImagePull", "message": "not found" } },
        }]});
        let seen = history(&[pod(json!({ "containers": [] }), waiting)]);
        assert!(unpullable(&seen, "x").is_some_and(|why| why.contains("ErrImagePull: not found")));
        assert_eq!(
            unpullable(&seen, "y"),
            None,
            "it is the scenario's own idea"
        );
    }

    #[test]
    fn a_claim_that_nobody_binds_and_room_that_no_node_has_are_nobodys_fault() {
        let mounts = json!({ "containers": [], "volumes": [{ "name": "data", "persistentVolumeClaim": { "claimName": "data-web-0" } }] });
        let claim = |phase: &str, class: &str| {
            (
                Kind::Claim,
                json!({ "metadata": { "name": "data-web-0", "namespace": "a", "uid": "c" }, "spec": { "storageClassName": class }, "status": { "phase": phase } }),
            )
        };
        let event = (
            Kind::Event,
            json!({ "metadata": { "name": "e", "namespace": "a" }, "involvedObject": { "uid": "c" }, "message": "waiting for somebody" }),
        );
        let none = json!({});
        let seen = history(&[
            pod(mounts.clone(), none.clone()),
            claim("Pending", "slow"),
            event,
        ]);
        let why = stranded(&seen, None).expect("it waits");
        assert!(
            why.contains("StorageClass slow for claim \"data-web-0\": waiting for somebody"),
            "{why}"
        );
        assert_eq!(
            stranded(&seen, Some("fast")),
            None,
            "another class was asked for: whose fault that is is not known"
        );
        let bound = history(&[pod(mounts, none), claim("Bound", "slow")]);
        assert_eq!(stranded(&bound, None), None);
        let unscheduled = |message: &str| json!({ "conditions": [{ "type": "PodScheduled", "status": "False", "message": message }] });
        for (message, is_so) in [
            ("0/1 nodes are available: 1 Insufficient cpu.", true),
            ("persistentvolumeclaim \"data-web-0\" not found", false),
        ] {
            let seen = history(&[pod(json!({ "containers": [] }), unscheduled(message))]);
            assert_eq!(stranded(&seen, None).is_some(), is_so, "{message}");
        }
    }
}
