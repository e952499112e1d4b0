//! A pod's row: how far its containers are, in one word.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{age, list, number, or, text};

/// What a walk over the container statuses found.
#[derive(Default)]
struct Summary {
    reason: String,
    ready: usize,
    restarts: i64,
    last_restart: Option<Timestamp>,
}

impl Summary {
    fn count(&mut self, status: &Value) {
        self.restarts += number(status, "/restartCount");
        let finished = text(status, "/lastState/terminated/finishedAt")
            .parse()
            .ok();
        self.last_restart = self.last_restart.max(finished);
    }
}

pub(super) fn pod(pod: &Value, now: Timestamp) -> Vec<Value> {
    let summary = summary(pod);
    let sidecars = list(pod, "/spec/initContainers")
        .iter()
        .filter(|container| is_sidecar(container))
        .count();
    let containers = list(pod, "/spec/containers").len() + sidecars;
    let restarts = match summary.last_restart {
        Some(last) if summary.restarts != 0 => {
            let ago = age::human(now.duration_since(last).as_secs());
            format!("{} ({ago} ago)", summary.restarts)
        }
        _ => summary.restarts.to_string(),
    };
    vec![
        text(pod, "/metadata/name").into(),
        format!("{}/{containers}", summary.ready).into(),
        status(pod, summary.reason).into(),
        restarts.into(),
        age::of(pod, now),
        or(text(pod, "/status/podIPs/0/ip"), "<none>").into(),
        or(text(pod, "/spec/nodeName"), "<none>").into(),
        or(text(pod, "/status/nominatedNodeName"), "<none>").into(),
        gates(pod).into(),
    ]
}

/// Whether a finished pod has succeeded, for the row's `conditions`.
pub(super) fn conditions(pod: &Value) -> Option<Value> {
    let (reason, message) = match text(pod, "/status/phase") {
        "Succeeded" => ("Succeeded", "The pod has completed successfully."),
        "Failed" => ("Failed", "The pod failed."),
        _ => return None,
    };
    Some(json!([{"type": "Completed", "status": "True", "reason": reason, "message": message}]))
}

/// A deleted pod is Terminating, or Unknown if its node is lost.
fn status(pod: &Value, reason: String) -> String {
    let finished = matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
    if pod["metadata"]["deletionTimestamp"].is_null() {
        reason
    } else if text(pod, "/status/reason") == "NodeLost" {
        "Unknown".to_owned()
    } else if finished {
        reason
    } else {
        "Terminating".to_owned()
    }
}

fn summary(pod: &Value) -> Summary {
    let mut summary = Summary {
        reason: or(text(pod, "/status/reason"), text(pod, "/status/phase")).to_owned(),
        ..Summary::default()
    };
    let gated = list(pod, "/status/conditions").iter().any(|condition| {
        condition["type"] == "PodScheduled" && condition["reason"] == "SchedulingGated"
    });
    if gated {
        summary.reason = "SchedulingGated".to_owned();
    }
    let mut sidecars = Summary::default();
    let initializing = init_containers(pod, &mut summary, &mut sidecars);
    if !initializing || condition(pod, "Initialized") {
        // From here on restarts of ordinary init containers do not matter any more.
        summary.restarts = sidecars.restarts;
        summary.last_restart = sidecars.last_restart;
        containers(pod, &mut summary);
    }
    summary
}

/// Walks over the init containers up to the one that runs; tells whether there is one.
fn init_containers(pod: &Value, summary: &mut Summary, sidecars: &mut Summary) -> bool {
    let containers = list(pod, "/spec/initContainers");
    for (at, status) in list(pod, "/status/initContainerStatuses")
        .iter()
        .enumerate()
    {
        let sidecar = containers
            .iter()
            .any(|container| container["name"] == status["name"] && is_sidecar(container));
        summary.count(status);
        if sidecar {
            sidecars.count(status);
        }
        let terminated = &status["state"]["terminated"];
        let waiting = text(status, "/state/waiting/reason");
        if !terminated.is_null() && number(terminated, "/exitCode") == 0 {
            continue;
        }
        if sidecar && status["started"] == true {
            summary.ready += usize::from(status["ready"] == true);
            continue;
        }
        summary.reason = if !terminated.is_null() {
            format!("Init:{}", end(terminated))
        } else if !matches!(waiting, "" | "PodInitializing") {
            format!("Init:{waiting}")
        } else {
            format!("Init:{at}/{}", containers.len())
        };
        return true;
    }
    false
}

/// Walks over the containers from the last to the first, so that the first one's word remains.
fn containers(pod: &Value, summary: &mut Summary) {
    let (mut running, mut error) = (false, None);
    for status in list(pod, "/status/containerStatuses").iter().rev() {
        summary.count(status);
        let terminated = &status["state"]["terminated"];
        let waiting = text(status, "/state/waiting/reason");
        if !waiting.is_empty() {
            summary.reason = waiting.to_owned();
        } else if !terminated.is_null() {
            summary.reason = end(terminated);
            if number(terminated, "/exitCode") != 0 {
                error = Some(summary.reason.clone());
            }
        } else if status["ready"] == true && !status["state"]["running"].is_null() {
            running = true;
            summary.ready += 1;
        }
    }
    if summary.reason == "Completed" {
        if running && condition(pod, "Ready") {
            summary.reason = "Running".to_owned();
        } else if let Some(error) = error {
            summary.reason = error;
        } else if running {
            summary.reason = "NotReady".to_owned();
        }
    }
}

/// How a container ended.
fn end(terminated: &Value) -> String {
    match (
        text(terminated, "/reason"),
        number(terminated, "/signal"),
        number(terminated, "/exitCode"),
    ) {
        ("", 0, code) => format!("ExitCode:{code}"),
        ("", signal, _) => format!("Signal:{signal}"),
        (reason, ..) => reason.to_owned(),
    }
}

fn is_sidecar(container: &Value) -> bool {
    container["restartPolicy"] == "Always"
}

fn condition(pod: &Value, kind: &str) -> bool {
    list(pod, "/status/conditions")
        .iter()
        .any(|condition| condition["type"] == kind && condition["status"] == "True")
}

fn gates(pod: &Value) -> String {
    let gates = list(pod, "/spec/readinessGates");
    if gates.is_empty() {
        return "<none>".to_owned();
    }
    let open = gates
        .iter()
        .filter(|gate| condition(pod, text(gate, "/conditionType")))
        .count();
    format!("{open}/{}", gates.len())
}
