use std::time::Duration;

use k8s_openapi::api::core::v1::PodStatus;
use kube::{
    Api, ResourceExt,
    api::{AttachParams, DeleteParams, LogParams, Patch, PatchParams, PostParams},
    runtime::{WatchStreamExt, watcher},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout},
};

use super::*;
use crate::{
    clock::Clock,
    mini::{
        agents::{self, Options},
        api::{Server, ServerOptions},
    },
};

struct Cluster {
    pods: Api<Pod>,
    client: kube::Client,
    _agents: agents::Agents,
}

async fn cluster() -> Cluster {
    let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().expect("a time"));
    let server = Server::new(clock, ServerOptions::default());
    let client = server.client("test");
    let context = Context::new(server.client("agents"), clock);
    let agents = agents::start(&context, &Options::default(), server.kubelets());
    agents.ready().await;
    let cluster = Cluster {
        pods: Api::namespaced(client.clone(), "default"),
        client,
        _agents: agents,
    };
    tokio::time::sleep(Duration::from_secs(1)).await;
    cluster
}

impl Cluster {
    async fn create(&self, name: &str, spec: Value) -> Pod {
        let pod = json!({"metadata": {"name": name, "labels": {"app": "x"}}, "spec": spec});
        let pod = serde_json::from_value(pod).expect("a pod");
        self.pods
            .create(&PostParams::default(), &pod)
            .await
            .expect("it is valid")
    }

    /// Waits until the pod is as wanted, within an hour of the cluster's time.
    async fn comes(&self, name: &str, wanted: impl Fn(Option<&Pod>) -> bool) -> Option<Pod> {
        let watch = watcher::watch_object(self.pods.clone(), name);
        let mut watch = std::pin::pin!(watch);
        let found = timeout(Duration::from_secs(3600), async {
            use futures::StreamExt;
            loop {
                let pod = watch
                    .next()
                    .await
                    .expect("a watch goes on")
                    .expect("it works");
                if wanted(pod.as_ref()) {
                    return pod;
                }
            }
        });
        match found.await {
            Ok(pod) => pod,
            Err(_) => panic!(
                "{name} does not come to be so: {:#?}",
                self.pods.get_opt(name).await
            ),
        }
    }

    async fn running(&self, name: &str) -> Pod {
        self.comes(name, |pod| pod.is_some_and(is_ready))
            .await
            .expect("it is there")
    }

    /// All statuses a pod goes through until it is gone or as wanted.
    async fn story(&self, name: &str, wanted: impl Fn(&Pod) -> bool) -> Vec<Pod> {
        use futures::StreamExt;
        let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let watch = watcher(self.pods.clone(), config).applied_objects();
        let mut watch = std::pin::pin!(watch);
        let mut seen = Vec::new();
        let all = async {
            loop {
                let pod = watch
                    .next()
                    .await
                    .expect("a watch goes on")
                    .expect("it works");
                let ends = wanted(&pod);
                seen.push(pod);
                if ends {
                    return;
                }
            }
        };
        timeout(Duration::from_secs(3600), all)
            .await
            .expect("it comes to be so");
        seen
    }

    async fn exec(
        &self,
        name: &str,
        argv: &[&str],
        input: Option<&str>,
    ) -> (String, String, String) {
        let params = AttachParams::default()
            .stdin(input.is_some())
            .stdout(true)
            .stderr(true);
        let mut process = self
            .pods
            .exec(name, argv.iter().copied(), &params)
            .await
            .expect("it can be executed");
        if let (Some(mut stdin), Some(input)) = (process.stdin(), input) {
            stdin.write_all(input.as_bytes()).await.expect("it reads");
            stdin.shutdown().await.expect("it reads");
        }
        let mut out = process.stdout().expect("it was asked for");
        let mut err = process.stderr().expect("it was asked for");
        let (mut text, mut said) = (String::new(), String::new());
        let status = process.take_status().expect("it is there once");
        let (_, _, status) = futures::join!(
            out.read_to_string(&mut text),
            err.read_to_string(&mut said),
            status
        );
        let status = status.expect("it ends with a status");
        let causes = status
            .details
            .and_then(|details| details.causes)
            .unwrap_or_default();
        let code = causes
            .first()
            .and_then(|cause| cause.message.clone())
            .unwrap_or_else(|| "0".to_owned());
        (code, text, said)
    }
}

fn is_ready(pod: &Pod) -> bool {
    condition(pod, "Ready") == "True"
}

fn condition(pod: &Pod, kind: &str) -> String {
    let conditions = pod
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());
    let mut found = conditions.filter(|condition| condition.type_ == kind);
    found
        .next()
        .map_or_else(|| "absent".to_owned(), |condition| condition.status.clone())
}

fn status(pod: &Pod) -> &PodStatus {
    pod.status.as_ref().expect("a stored pod has one")
}

/// Phase, the reason a container waits or ended for, Ready.
fn told(pod: &Pod) -> String {
    let phase = status(pod).phase.clone().unwrap_or_default();
    let containers = status(pod).container_statuses.iter().flatten();
    let reason = containers.last().map_or(String::new(), |container| {
        let state = container.state.clone().unwrap_or_default();
        let waiting = state.waiting.and_then(|waiting| waiting.reason);
        let ended = state.terminated.and_then(|ended| ended.reason);
        format!(" {}", waiting.or(ended).unwrap_or_else(|| "-".to_owned()))
    });
    let going = if pod.metadata.deletion_timestamp.is_some() {
        " going"
    } else {
        ""
    };
    format!("{phase}{reason} {}{going}", condition(pod, "Ready"))
}

fn busybox(script: &str) -> Value {
    json!({"containers": [{"name": "main", "image": "busybox:1.28.4", "command": ["sh", "-c", script]}], "terminationGracePeriodSeconds": 5})
}

#[tokio::test(start_paused = true)]
async fn a_node_is_ready_and_a_pod_goes_through_its_life() {
    let cluster = cluster().await;
    let nodes = Api::<NodeObject>::all(cluster.client.clone());
    let node = nodes.get("node-1").await.expect("it has registered");
    let ready = node
        .status
        .expect("it has one")
        .conditions
        .expect("it has some");
    assert!(
        ready
            .iter()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True")
    );
    cluster.create("a", json!({"containers": [{"name": "main", "image": "nginx", "ports": [{"containerPort": 80}]}]})).await;
    let seen = cluster.story("a", is_ready).await;
    let seen: Vec<_> = seen.iter().map(told).collect();
    assert_eq!(seen.last().map(String::as_str), Some("Running - True"));
    assert!(
        seen.contains(&"Pending ContainerCreating False".to_owned()),
        "{seen:?}"
    );
    assert!(seen.len() <= 4, "{seen:?}");
    let pod = cluster.running("a").await;
    assert_eq!(status(&pod).pod_ip.as_deref(), Some("10.244.1.2"));
    assert_eq!(condition(&pod, "PodScheduled"), "True");
    cluster
        .pods
        .delete("a", &DeleteParams::default())
        .await
        .expect("it is there");
    cluster.comes("a", |pod| pod.is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn a_container_that_ignores_term_is_killed_at_the_end_of_its_grace() {
    let cluster = cluster().await;
    for (name, script, seconds) in [
        ("deaf", "sleep 3600", 6),
        ("polite", "trap 'exit 0' TERM; sleep 3600 & wait", 1),
    ] {
        cluster.create(name, busybox(script)).await;
        cluster.running(name).await;
        let start = Instant::now();
        cluster
            .pods
            .delete(name, &DeleteParams::default())
            .await
            .expect("it is there");
        cluster.comes(name, |pod| pod.is_none()).await;
        assert_eq!(start.elapsed().as_secs(), seconds, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn commands_run_in_a_container_with_input_output_and_exit_code() {
    let cluster = cluster().await;
    cluster.create("a", busybox("sleep 3600")).await;
    cluster.running("a").await;
    let hello = cluster
        .exec("a", &["sh", "-c", "echo hello; echo bad >&2; exit 7"], None)
        .await;
    assert_eq!(
        hello,
        ("7".to_owned(), "hello\n".to_owned(), "bad\n".to_owned())
    );
    let echo = cluster.exec("a", &["cat"], Some("some\ntext")).await;
    assert_eq!(
        echo,
        ("0".to_owned(), "some\ntext".to_owned(), String::new())
    );
    let (_, conf, _) = cluster.exec("a", &["cat", "/etc/resolv.conf"], None).await;
    assert_eq!(
        conf,
        "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n"
    );
    let (_, out, _) = cluster.exec("a", &["nslookup", "kubernetes"], None).await;
    assert_eq!(
        out,
        "Server:    10.96.0.10\nAddress 1: 10.96.0.10 kube-dns.kube-system.svc.cluster.local\n\n\
         Name:      kubernetes\nAddress 1: 10.96.0.1 kubernetes.default.svc.cluster.local\n"
    );
}

#[tokio::test(start_paused = true)]
async fn logs_are_kept_told_and_followed() {
    let cluster = cluster().await;
    let mut spec = busybox("echo one; echo two; sleep 5; echo three; exit 3");
    spec["restartPolicy"] = json!("Never");
    cluster.create("a", spec).await;
    cluster.running("a").await;
    let params = |tail_lines, follow| LogParams {
        tail_lines,
        follow,
        ..LogParams::default()
    };
    let logs = cluster
        .pods
        .logs("a", &params(None, false))
        .await
        .expect("it has some");
    assert_eq!(logs, "one\ntwo\n");
    let mut followed = String::new();
    {
        use futures::AsyncReadExt;
        let stream = cluster
            .pods
            .log_stream("a", &params(Some(1), true))
            .await
            .expect("it has some");
        std::pin::pin!(stream)
            .read_to_string(&mut followed)
            .await
            .expect("it is text");
    }
    assert_eq!(followed, "two\nthree\n");
    let pod = cluster
        .comes("a", |pod| {
            pod.is_some_and(|pod| told(pod).starts_with("Failed"))
        })
        .await;
    assert_eq!(told(&pod.expect("it stays")), "Failed Error False");
    let logs = cluster
        .pods
        .logs("a", &params(None, false))
        .await
        .expect("it has some");
    assert_eq!(logs, "one\ntwo\nthree\n");
}

#[tokio::test(start_paused = true)]
async fn a_crashing_container_is_restarted_later_each_time() {
    let cluster = cluster().await;
    let start = Instant::now();
    cluster.create("a", busybox("sleep 1; exit 1")).await;
    let restarts = |count: i32| {
        move |pod: Option<&Pod>| {
            let statuses = pod.and_then(|pod| pod.status.as_ref()?.container_statuses.clone());
            statuses.is_some_and(|statuses| statuses[0].restart_count >= count)
        }
    };
    let mut at = Vec::new();
    for count in 1..=4 {
        cluster.comes("a", restarts(count)).await;
        at.push(start.elapsed().as_secs());
    }
    // A start after a second, a second of life each, and rests of 0, 10, 20 and 40 seconds.
    assert_eq!(at, [2, 13, 34, 75]);
    let pod = cluster
        .comes("a", |pod| {
            pod.is_some_and(|pod| told(pod).contains("CrashLoopBackOff"))
        })
        .await;
    assert_eq!(
        told(&pod.expect("it is there")),
        "Running CrashLoopBackOff False"
    );
}

#[tokio::test(start_paused = true)]
async fn readiness_follows_a_file_fed_by_an_annotation() {
    let cluster = cluster().await;
    let mut spec = busybox("sleep 3600");
    spec["volumes"] = json!([{"name": "dial", "downwardAPI": {"items": [
        {"path": "ready", "fieldRef": {"fieldPath": "metadata.annotations['dial']"}},
    ]}}]);
    spec["containers"][0]["volumeMounts"] = json!([{"name": "dial", "mountPath": "/dial"}]);
    spec["containers"][0]["readinessProbe"] = json!({"exec": {"command": ["grep", "-q", "yes", "/dial/ready"]}, "periodSeconds": 1, "failureThreshold": 1});
    cluster.create("a", spec).await;
    cluster
        .comes("a", |pod| {
            pod.is_some_and(|pod| told(pod) == "Running - False")
        })
        .await;
    let annotate =
        |value: &str| Patch::Merge(json!({"metadata": {"annotations": {"dial": value}}}));
    let start = Instant::now();
    cluster
        .pods
        .patch("a", &PatchParams::default(), &annotate("yes"))
        .await
        .expect("it is there");
    cluster.running("a").await;
    assert!(start.elapsed() <= Duration::from_secs(1));
    cluster
        .pods
        .patch("a", &PatchParams::default(), &annotate("no"))
        .await
        .expect("it is there");
    cluster
        .comes("a", |pod| {
            pod.is_some_and(|pod| told(pod) == "Running - False")
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_readiness_gate_is_waited_for_and_its_condition_is_left_alone() {
    let cluster = cluster().await;
    let mut spec = busybox("sleep 3600");
    spec["readinessGates"] = json!([{"conditionType": "example.com/dial"}]);
    cluster.create("a", spec).await;
    let pod = cluster
        .comes("a", |pod| {
            pod.is_some_and(|pod| condition(pod, "ContainersReady") == "True")
        })
        .await;
    let pod = pod.expect("it is there");
    let ready = status(&pod)
        .conditions
        .iter()
        .flatten()
        .find(|condition| condition.type_ == "Ready");
    let ready = ready.expect("it is there");
    assert_eq!(ready.reason.as_deref(), Some("ReadinessGatesNotReady"));
    assert_eq!(
        ready.message.as_deref(),
        Some("corresponding condition of pod readiness gate \"example.com/dial\" does not exist.")
    );
    let grant = json!({"status": {"conditions": [{"type": "example.com/dial", "status": "True"}]}});
    cluster
        .pods
        .patch_status("a", &PatchParams::default(), &Patch::Strategic(grant))
        .await
        .expect("it is there");
    let pod = cluster.running("a").await;
    assert_eq!(condition(&pod, "example.com/dial"), "True");
}

#[tokio::test(start_paused = true)]
async fn init_containers_run_in_order_and_share_volumes() {
    let cluster = cluster().await;
    let mount = json!([{"name": "work", "mountPath": "/scratch"}]);
    let init = |name: &str, script: &str| json!({"name": name, "image": "busybox", "command": ["sh", "-c", script], "volumeMounts": mount});
    let mut spec = busybox("cat /scratch/log; sleep 3600");
    spec["volumes"] = json!([{"name": "work", "emptyDir": {}}]);
    spec["containers"][0]["volumeMounts"] = mount.clone();
    spec["initContainers"] = json!([
        init("one", "sleep 2; echo one >> /scratch/log"),
        init("two", "echo two >> /scratch/log")
    ]);
    let start = Instant::now();
    cluster.create("a", spec).await;
    cluster
        .comes("a", |pod| {
            pod.is_some_and(|pod| told(pod) == "Pending PodInitializing False")
        })
        .await;
    cluster.running("a").await;
    assert_eq!(start.elapsed().as_secs(), 3);
    let logs = cluster
        .pods
        .logs("a", &LogParams::default())
        .await
        .expect("it has some");
    assert_eq!(logs, "one\ntwo\n");
}

#[tokio::test(start_paused = true)]
async fn an_image_that_does_not_exist_is_waited_for_until_the_pod_names_another() {
    let cluster = cluster().await;
    cluster
        .create(
            "a",
            json!({"containers": [{"name": "main", "image": "nginx:does-not-exist"}]}),
        )
        .await;
    for reason in ["ErrImagePull", "ImagePullBackOff"] {
        let wanted = format!("Pending {reason} False");
        cluster
            .comes("a", |pod| pod.is_some_and(|pod| told(pod) == wanted))
            .await;
    }
    let image = json!({"spec": {"containers": [{"name": "main", "image": "nginx"}]}});
    cluster
        .pods
        .patch("a", &PatchParams::default(), &Patch::Strategic(image))
        .await
        .expect("it may change");
    cluster.running("a").await;
}

#[tokio::test(start_paused = true)]
async fn a_terminal_can_be_attached_to_and_shows_its_first_prompt() {
    let cluster = cluster().await;
    let shell = json!({"name": "main", "image": "busybox:1.28.4", "args": ["/bin/sh"], "stdin": true, "stdinOnce": true, "tty": true});
    cluster
        .create(
            "a",
            json!({"containers": [shell], "restartPolicy": "Never"}),
        )
        .await;
    cluster.running("a").await;
    let params = AttachParams::default()
        .stdin(true)
        .stdout(true)
        .stderr(false)
        .tty(true);
    let mut process = cluster
        .pods
        .attach("a", &params)
        .await
        .expect("it can be attached to");
    let (mut stdin, mut stdout) = (
        process.stdin().expect("asked for"),
        process.stdout().expect("asked for"),
    );
    let mut seen = vec![0; 4];
    stdout.read_exact(&mut seen).await.expect("a prompt");
    assert_eq!(seen, b"/ # ");
    stdin
        .write_all(b"hostname\rexit 4\r")
        .await
        .expect("it reads");
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).await.expect("it ends");
    assert!(rest.contains("hostname\r\n"), "{rest:?}");
    assert!(rest.contains("a\r\n/ # "), "{rest:?}");
    let pod = cluster
        .comes("a", |pod| {
            pod.is_some_and(|pod| told(pod).starts_with("Failed"))
        })
        .await;
    let pod = pod.expect("it stays");
    let ended = status(&pod)
        .container_statuses
        .as_ref()
        .and_then(|all| all[0].state.clone()?.terminated);
    assert_eq!(ended.map(|ended| ended.exit_code), Some(4));
    assert_eq!(pod.name_any(), "a");
}
