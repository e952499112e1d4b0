//! The status of a pod, from what its node knows.

use jiff::Timestamp;
use k8s_openapi::{
    api::core::v1::{
        ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting,
        ContainerStatus, HostIP, Pod, PodCondition, PodIP, PodStatus,
    },
    apimachinery::pkg::apis::meta::v1::Time,
};
use serde_json::{Value, json};

use super::state::{Container, Ended, Role, Run, State};
use crate::mini::agents::network::Site;

/// The conditions a node keeps; all others are somebody else's.
const OWN: [&str; 5] = [
    "PodReadyToStartContainers",
    "Initialized",
    "Ready",
    "ContainersReady",
    "DisruptionTarget",
];

/// Times have whole seconds.
fn time(at: Timestamp) -> Time {
    Time(Timestamp::from_second(at.as_second()).unwrap_or(at))
}

fn policy(pod: &Pod) -> &str {
    let spec = pod.spec.as_ref();
    spec.and_then(|spec| spec.restart_policy.as_deref())
        .unwrap_or("Always")
}

/// The phase, as a sum over the containers.
pub(super) fn phase(pod: &Pod, state: &State) -> &'static str {
    let of = |role: Role| state.containers.iter().filter(move |one| one.role == role);
    // A phase that is the last one is told when nothing runs any more.
    if state.failed.is_some() && !state.containers.iter().any(Container::is_running) {
        return "Failed";
    }
    if state.over {
        // Only how they ended counts; what never ran succeeded at nothing.
        let all = state
            .containers
            .iter()
            .filter(|one| one.role != Role::Ephemeral);
        let mut codes = all
            .filter(|one| one.role != Role::Sidecar)
            .map(|one| one.ended().map(|ended| ended.code));
        let succeeded = codes.all(|code| code == Some(0));
        return if succeeded { "Succeeded" } else { "Failed" };
    }
    let init_failed = of(Role::Init)
        .any(|one| matches!(&one.run, Run::Ended(ended) if ended.code != 0 && one.due.is_none()));
    if init_failed && policy(pod) == "Never" {
        return "Failed";
    }
    let begun = of(Role::Main).any(|one| one.is_running() || one.ended().is_some());
    if !state.is_initialized() && !begun {
        return "Pending";
    }
    let waiting = of(Role::Main).any(|one| !one.is_running() && one.ended().is_none());
    let running = of(Role::Main).any(Container::is_running);
    let restarts = of(Role::Main).any(|one| one.due.is_some());
    match (waiting, running || restarts) {
        (true, _) => "Pending",
        (false, true) => "Running",
        (false, false) => {
            let failed = of(Role::Main).any(|one| one.ended().is_some_and(|ended| ended.code != 0));
            if failed { "Failed" } else { "Succeeded" }
        }
    }
}

/// A condition without its time: status, reason, message.
type Said = (bool, Option<&'static str>, Option<String>);

fn listed(names: &[&str]) -> String {
    format!("[{}]", names.join(" "))
}

fn initialized(phase: &str, state: &State) -> Said {
    if phase == "Succeeded" {
        return (true, Some("PodCompleted"), None);
    }
    let begun = state
        .containers
        .iter()
        .any(|one| one.role == Role::Main && (one.is_running() || one.ended().is_some()));
    if begun {
        return (true, None, None);
    }
    let incomplete = state.containers.iter().filter(|one| match one.role {
        Role::Init => !matches!(&one.run, Run::Ended(ended) if ended.code == 0),
        Role::Sidecar => !one.is_running() || !one.started,
        Role::Main | Role::Ephemeral => false,
    });
    let names: Vec<&str> = incomplete.map(|one| one.spec.name.as_str()).collect();
    if names.is_empty() {
        return (true, None, None);
    }
    let message = format!("containers with incomplete status: {}", listed(&names));
    (false, Some("ContainersNotInitialized"), Some(message))
}

fn containers_ready(phase: &str, state: &State) -> Said {
    let counted = state
        .containers
        .iter()
        .filter(|one| matches!(one.role, Role::Main | Role::Sidecar));
    let unready = counted.filter(|one| !(one.is_running() && one.ready));
    let names: Vec<&str> = unready.map(|one| one.spec.name.as_str()).collect();
    match phase {
        "Succeeded" => (false, Some("PodCompleted"), None),
        "Failed" => (false, Some("PodFailed"), None),
        _ if names.is_empty() => (true, None, None),
        _ => {
            let message = format!("containers with unready status: {}", listed(&names));
            (false, Some("ContainersNotReady"), Some(message))
        }
    }
}

fn ready(pod: &Pod, containers: &Said) -> Said {
    if !containers.0 {
        return containers.clone();
    }
    let conditions = pod
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref());
    let gates = pod
        .spec
        .as_ref()
        .and_then(|spec| spec.readiness_gates.as_ref());
    let missing = gates.into_iter().flatten().filter_map(|gate| {
        let name = &gate.condition_type;
        let found = conditions
            .into_iter()
            .flatten()
            .find(|condition| condition.type_ == *name);
        match found {
            None => Some(format!(
                "corresponding condition of pod readiness gate \"{name}\" does not exist."
            )),
            Some(condition) if condition.status != "True" => Some(format!(
                "the status of pod readiness gate \"{name}\" is not \"True\", but {}",
                condition.status
            )),
            Some(_) => None,
        }
    });
    let missing: Vec<String> = missing.collect();
    match missing.is_empty() {
        true => (true, None, None),
        false => (
            false,
            Some("ReadinessGatesNotReady"),
            Some(missing.join(", ")),
        ),
    }
}

/// The status that a pod has now. `before` is the one its node wrote last: a condition whose status is as it was keeps
/// the time of its last change.
pub(super) fn status(
    pod: &Pod,
    state: &State,
    before: &PodStatus,
    site: &Site,
    now: Timestamp,
) -> PodStatus {
    let phase = phase(pod, state);
    let containers = containers_ready(phase, state);
    let said = [
        ("PodReadyToStartContainers", (state.sandbox, None, None)),
        ("Initialized", initialized(phase, state)),
        ("Ready", ready(pod, &containers)),
        ("ContainersReady", containers),
    ];
    let generation = pod.metadata.generation;
    let mut said: Vec<(&str, Said)> = said.into();
    if let Some(("Terminated", message)) = &state.failed {
        let disrupted = (true, Some("TerminationByKubelet"), Some(message.clone()));
        said.push(("DisruptionTarget", disrupted));
    }
    let failed = state.failed.as_ref().filter(|_| phase == "Failed");
    let conditions = said.into_iter().map(|(kind, (holds, reason, message))| {
        let status = if holds { "True" } else { "False" };
        let known = before
            .conditions
            .iter()
            .flatten()
            .find(|known| known.type_ == kind);
        let since = known.filter(|known| known.status == status);
        let since = since.and_then(|known| known.last_transition_time.clone());
        PodCondition {
            type_: kind.to_owned(),
            status: status.to_owned(),
            reason: reason.map(str::to_owned),
            message,
            last_transition_time: Some(since.unwrap_or_else(|| time(now))),
            observed_generation: generation,
            ..PodCondition::default()
        }
    });
    let of = |roles: &[Role]| {
        let chosen = state
            .containers
            .iter()
            .filter(|one| roles.contains(&one.role));
        let statuses: Vec<_> = chosen.map(container_status).collect();
        (!statuses.is_empty()).then_some(statuses)
    };
    let host = site.host.to_string();
    let ip = state.address.map(|address| address.to_string());
    PodStatus {
        phase: Some(phase.to_owned()),
        conditions: Some(conditions.collect()),
        reason: failed.map(|(reason, _)| (*reason).to_owned()),
        message: failed.map(|(_, message)| message.clone()),
        host_ip: Some(host.clone()),
        host_ips: Some(vec![HostIP { ip: host }]),
        pod_ips: ip.clone().map(|ip| vec![PodIP { ip }]),
        pod_ip: ip,
        start_time: Some(time(state.accepted)),
        init_container_statuses: of(&[Role::Init, Role::Sidecar]),
        container_statuses: of(&[Role::Main]),
        ephemeral_container_statuses: of(&[Role::Ephemeral]),
        observed_generation: generation,
        ..PodStatus::default()
    }
}

fn terminated(ended: &Ended) -> ContainerState {
    ContainerState {
        terminated: Some(ContainerStateTerminated {
            exit_code: ended.code,
            reason: Some(ended.reason.to_owned()),
            message: ended.message.clone(),
            started_at: ended.started.map(time),
            finished_at: ended.finished.map(time),
            container_id: Some(ended.id.clone()),
            signal: None,
        }),
        ..ContainerState::default()
    }
}

fn container_status(container: &Container) -> ContainerStatus {
    let (state, id) = match &container.run {
        Run::Waiting(reason, message) => {
            let waiting = ContainerStateWaiting {
                reason: Some((*reason).to_owned()),
                message: message.clone(),
            };
            let state = ContainerState {
                waiting: Some(waiting),
                ..ContainerState::default()
            };
            (state, container.last.as_ref().map(|last| last.id.clone()))
        }
        Run::Running(since, id) => {
            let running = ContainerStateRunning {
                started_at: Some(time(*since)),
            };
            let state = ContainerState {
                running: Some(running),
                ..ContainerState::default()
            };
            (state, Some(id.clone()))
        }
        Run::Ended(ended) => (terminated(ended), Some(ended.id.clone())),
    };
    let spec = &container.spec;
    let image = spec.image.clone().unwrap_or_default();
    let ready = match container.role {
        Role::Init => matches!(&container.run, Run::Ended(ended) if ended.code == 0),
        Role::Ephemeral => false,
        Role::Main | Role::Sidecar => container.is_running() && container.ready,
    };
    // A run that ended for good and that is shown now is not the last one as well.
    let last = container
        .last
        .as_ref()
        .filter(|last| !matches!(&container.run, Run::Ended(ended) if ended == *last));
    let resources = spec
        .resources
        .clone()
        .filter(|resources| resources.limits.is_some() || resources.requests.is_some());
    ContainerStatus {
        name: spec.name.clone(),
        image_id: id
            .as_ref()
            .map(|_| super::images::digest(&image))
            .unwrap_or_default(),
        image,
        ready,
        started: Some(container.is_running() && container.started),
        restart_count: container.restarts,
        state: Some(state),
        last_state: Some(last.map_or_else(ContainerState::default, terminated)),
        container_id: id,
        allocated_resources: resources
            .as_ref()
            .and_then(|resources| resources.requests.clone()),
        resources,
        ..ContainerStatus::default()
    }
}

/// The patch that brings a stored status to this one: what the node keeps and nothing else. What it once told and tells
/// no more is taken back.
pub(super) fn patch(pod: &Pod, status: &PodStatus) -> Value {
    let mut body = serde_json::to_value(status).unwrap_or_default();
    let conditions = status
        .conditions
        .iter()
        .flatten()
        .filter(|one| OWN.contains(&one.type_.as_str()));
    let conditions = conditions.map(|one| {
        let mut condition = serde_json::to_value(one).unwrap_or_default();
        for field in ["reason", "message"] {
            if condition.get(field).is_none() {
                condition[field] = Value::Null;
            }
        }
        condition
    });
    body["conditions"] = conditions.collect();
    let mut patch = json!({"metadata": {"uid": pod.metadata.uid}});
    patch["status"] = body;
    patch
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mini::agents::network::Network;

    fn pod(policy: &str) -> Pod {
        let containers =
            json!([{"name": "a", "image": "busybox"}, {"name": "b", "image": "busybox"}]);
        let spec = json!({
            "restartPolicy": policy, "containers": containers,
            "initContainers": [{"name": "i", "image": "busybox"}],
            "readinessGates": [{"conditionType": "gate"}],
        });
        serde_json::from_value(json!({"metadata": {"name": "web-0"}, "spec": spec})).expect("a pod")
    }

    fn ended(code: i32) -> Ended {
        Ended {
            code,
            reason: "Error",
            message: None,
            started: None,
            finished: None,
            id: "x".to_owned(),
        }
    }

    /// A letter a container: waiting, running and ready, unready, ended well, failed, crashed and waiting.
    fn state(pod: &Pod, letters: &str) -> State {
        let mut state = State::new(pod, Timestamp::UNIX_EPOCH);
        state.sandbox = true;
        for (container, letter) in state.containers.iter_mut().zip(letters.chars()) {
            container.started = true;
            container.ready = letter == 'r';
            match letter {
                'r' | 'u' => container.run = Run::Running(Timestamp::UNIX_EPOCH, "x".to_owned()),
                '0' => container.run = Run::Ended(ended(0)),
                '1' => container.run = Run::Ended(ended(1)),
                'c' => {
                    container.run = Run::Waiting("CrashLoopBackOff", None);
                    container.last = Some(ended(1));
                    container.due = Some(tokio::time::Instant::now());
                }
                _ => {}
            }
        }
        state
    }

    #[test]
    fn phases_and_conditions_follow_the_containers() {
        let site = Network::new().join("node-1");
        let table = [
            (
                "Always",
                "www",
                "Pending",
                "ContainersNotInitialized",
                "ContainersNotReady",
            ),
            ("Always", "0ww", "Pending", "", "ContainersNotReady"),
            ("Always", "0rw", "Pending", "", "ContainersNotReady"),
            ("Always", "0ru", "Running", "", "ContainersNotReady"),
            ("Always", "0rr", "Running", "", "ReadinessGatesNotReady"),
            ("Always", "0rc", "Running", "", "ContainersNotReady"),
            ("Always", "0cc", "Running", "", "ContainersNotReady"),
            (
                "Never",
                "1ww",
                "Failed",
                "ContainersNotInitialized",
                "PodFailed",
            ),
            ("Never", "000", "Succeeded", "PodCompleted", "PodCompleted"),
            ("Never", "001", "Failed", "", "PodFailed"),
            ("Never", "00r", "Running", "", "ContainersNotReady"),
            ("OnFailure", "00c", "Running", "", "ContainersNotReady"),
        ];
        for (policy, letters, phase, initialized, ready) in table {
            let pod = pod(policy);
            let state = state(&pod, letters);
            let told = status(
                &pod,
                &state,
                &PodStatus::default(),
                &site,
                Timestamp::UNIX_EPOCH,
            );
            let reason = |kind: &str| {
                let mut found = told
                    .conditions
                    .iter()
                    .flatten()
                    .filter(|one| one.type_ == kind);
                found
                    .next()
                    .and_then(|one| one.reason.clone())
                    .unwrap_or_default()
            };
            let seen = (
                told.phase.clone().unwrap_or_default(),
                reason("Initialized"),
                reason("Ready"),
            );
            assert_eq!(
                (seen.0.as_str(), seen.1.as_str(), seen.2.as_str()),
                (phase, initialized, ready),
                "{policy} {letters}"
            );
        }
    }

    #[test]
    fn a_condition_keeps_its_time_until_its_status_changes() {
        let site = Network::new().join("node-1");
        let pod = pod("Always");
        let at = |second: i64| Timestamp::from_second(second).expect("a time");
        let time_of = |told: &PodStatus, kind: &str| {
            let mut found = told
                .conditions
                .iter()
                .flatten()
                .filter(|one| one.type_ == kind);
            found.next().and_then(|one| {
                one.last_transition_time
                    .as_ref()
                    .map(|time| time.0.as_second())
            })
        };
        let first = status(
            &pod,
            &state(&pod, "0uu"),
            &PodStatus::default(),
            &site,
            at(1),
        );
        let second = status(&pod, &state(&pod, "0ur"), &first, &site, at(2));
        assert_ne!(first, second);
        assert_eq!(time_of(&second, "ContainersReady"), Some(1));
        let third = status(&pod, &state(&pod, "0rr"), &second, &site, at(3));
        assert_eq!(time_of(&third, "ContainersReady"), Some(3));
        assert_eq!(time_of(&third, "Ready"), Some(1));
        let patch = patch(&pod, &third);
        let conditions = patch["status"]["conditions"].as_array().expect("a list");
        assert_eq!(conditions.len(), 4);
        let ready = conditions
            .iter()
            .find(|one| one["type"] == "ContainersReady");
        assert_eq!(ready.map(|one| one["reason"].clone()), Some(Value::Null));
    }
}
