//! The tier `control-plane` as people meet it: a real control plane is started for the run, and nothing of it is left.
//!
//! Needs the programs of Kubernetes: those in the folder that `KUBEBUILDER_ASSETS` names, or those that `ci/real/build`
//! has built. Skipped, and said so, where there are none.

#[path = "control_plane/interchange.rs"]
mod interchange;

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use futures::{FutureExt as _, future::BoxFuture};
use stsspec::{
    cluster::control_plane::{ControlPlane, Options},
    k8s_openapi::api::{
        authentication::v1::TokenRequest,
        core::v1::{ConfigMap, Pod, ServiceAccount},
    },
    kube::{
        Api, Client, ResourceExt as _,
        api::{
            ApiResource, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams,
            PostParams,
        },
        runtime::wait::await_condition,
    },
    report::Report,
};
use tokio::sync::mpsc;

/// The folder with etcd, kube-apiserver and kube-controller-manager.
fn assets() -> Option<PathBuf> {
    let named = env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    let built = || {
        let versions = include_str!("../ci/real/versions.env").lines();
        let version = versions
            .filter_map(|line| line.strip_prefix("KUBERNETES="))
            .next()?;
        let cache = env::var_os("REAL_KUBERNETES_CACHE").map(PathBuf::from);
        let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".cache/real-kubernetes"));
        Some(cache.or_else(home)?.join(version))
    };
    let folder = named.or_else(built)?;
    folder.join("kube-apiserver").is_file().then_some(folder)
}

/// A run that keeps what it makes under `folder`; None where there is nothing to run.
fn run(folder: &Path, arguments: &[&str]) -> Option<Child> {
    let Some(assets) = assets() else {
        eprintln!(
            "skipped: there is no kube-apiserver here; name a folder by KUBEBUILDER_ASSETS, or run ci/real/build"
        );
        return None;
    };
    let child = Command::new(env!("CARGO_BIN_EXE_stsspec"))
        .args(["run", "--tier", "control-plane", "--assets"])
        .arg(assets)
        .args(arguments)
        .env("TMPDIR", folder)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    Some(child.expect("the binary runs"))
}

/// A cluster with its own controller of sets, in the keep of a thread of its own. It ends when this is dropped.
struct Cluster {
    address: String,
    authority: String,
    admin: mpsc::Sender<Deed>,
    thread: Option<thread::JoinHandle<()>>,
}

/// What an administrator does there.
type Deed = Box<dyn FnOnce(Client) -> BoxFuture<'static, ()> + Send>;

impl Cluster {
    /// None where there is nothing to start.
    fn start() -> Option<Self> {
        let Some(assets) = assets() else {
            eprintln!(
                "skipped: there is no kube-apiserver here; name a folder by KUBEBUILDER_ASSETS, or run ci/real/build"
            );
            return None;
        };
        let (admin, mut deeds) = mpsc::channel::<Deed>(1);
        let (begun, told) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.expect("there is a runtime").block_on(async {
                let mut options = Options::new(assets);
                options.controls_sets = true;
                let plane = ControlPlane::start(&options).await.expect("it starts");
                let access = plane.access();
                let _ = begun.send((access.address().to_owned(), access.authority().to_owned()));
                while let Some(deed) = deeds.recv().await {
                    deed(access.client("administrator").expect("a client")).await;
                }
            });
        });
        let (address, authority) = told.recv().expect("it starts");
        Some(Self {
            address,
            authority,
            admin,
            thread: Some(thread),
        })
    }

    /// Has an administrator do something.
    fn admin<T, F>(&self, deed: impl FnOnce(Client) -> F + Send + 'static) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let (done, result) = std::sync::mpsc::channel();
        let deed: Deed = Box::new(move |client| {
            let work = deed(client);
            async move { drop(done.send(work.await)) }.boxed()
        });
        self.admin
            .blocking_send(deed)
            .expect("the cluster is there");
        result.recv().expect("it is done")
    }

    /// A kubeconfig for somebody with a token.
    fn kubeconfig(&self, folder: &Path, name: &str, token: &str) -> String {
        let path = folder.join(format!("{name}.kubeconfig"));
        let authority = folder.join("ca.crt");
        fs::write(&authority, &self.authority).expect("there is room");
        let text = format!(
            "{{apiVersion: v1, kind: Config, current-context: c, clusters: [{{name: c, cluster: {{server: '{}', certificate-authority: {}}}}}], users: [{{name: c, user: {{token: '{token}'}}}}], contexts: [{{name: c, context: {{cluster: c, user: c}}}}]}}",
            self.address,
            authority.display()
        );
        fs::write(&path, text).expect("there is room");
        path.display().to_string()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let (gone, _) = mpsc::channel(1);
        drop(std::mem::replace(&mut self.admin, gone));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn stsspec(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stsspec"));
    for (name, _) in
        env::vars().filter(|(name, _)| name.starts_with("STSSPEC_") || name == "KUBECONFIG")
    {
        command.env_remove(name);
    }
    let command = command
        .args(arguments)
        .env("NO_COLOR", "1")
        .env("XDG_STATE_HOME", folder);
    command
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), output.stderr.as_slice()].concat())
        .into_owned()
}

/// Applies objects as an administrator.
async fn apply(client: Client, text: String) {
    for object in stsspec::manifest::objects("test", &text).expect("it is YAML") {
        let object: DynamicObject = serde_json::from_value(object).expect("an object");
        let types = object.types.clone().expect("it says what it is");
        let (group, version) = types
            .api_version
            .split_once('/')
            .unwrap_or(("", &types.api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &types.kind));
        let api: Api<DynamicObject> = match object.metadata.namespace.as_deref() {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
            None => Api::all_with(client.clone(), &resource),
        };
        let params = PatchParams::apply("test").force();
        let name = object.metadata.name.clone().expect("it has a name");
        api.patch(&name, &params, &Patch::Apply(&object))
            .await
            .expect("it is applied");
    }
}

/// A namespace of a team: with a set of its own, and two accounts, one of which may do what the printed Role says.
const TEAM: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: team, labels: {pod-security.kubernetes.io/enforce: restricted}}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: judge, namespace: team}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: nobody, namespace: team}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: judge, namespace: team}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: stsspec}
subjects: [{kind: ServiceAccount, name: judge, namespace: team}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: shop, namespace: team}
spec:
  serviceName: shop
  replicas: 1
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      securityContext: {runAsNonRoot: true, runAsUser: 65534, seccompProfile: {type: RuntimeDefault}}
      containers:
      - {name: main, image: 'busybox:1.28.4', command: [sleep, '1000000'], securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}
";

/// Another run is on its way there.
const BUSY: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: stsspec-run, namespace: team, labels: {stsspec.dev/run: feedbeef, stsspec.dev/expires: '9999999999'}}}";

async fn token(client: Client, account: &'static str) -> String {
    let api: Api<ServiceAccount> = Api::namespaced(client, "team");
    let request = TokenRequest::default();
    let made = api
        .create_token_request(account, &PostParams::default(), &request)
        .await;
    let status = made.expect("a token").status;
    status.and_then(|status| status.token).expect("a token")
}

/// The pods of the namespace, with their UIDs, and how much bears a run's label.
async fn pods(client: Client) -> (Vec<(String, String)>, usize) {
    let api: Api<Pod> = Api::namespaced(client.clone(), "team");
    let list = api
        .list(&ListParams::default())
        .await
        .expect("it lists")
        .items;
    let pods = list
        .into_iter()
        .map(|pod| (pod.name_any(), pod.uid().unwrap_or_default()));
    let api: Api<ConfigMap> = Api::namespaced(client, "team");
    let ours = ListParams::default().labels("stsspec.dev/run");
    (
        pods.collect(),
        api.list(&ours).await.expect("it lists").items.len(),
    )
}

#[test]
fn whoever_has_the_printed_role_and_nothing_else_judges_in_one_namespace() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let role = stsspec(folder.path(), &["doctor", "--rbac", "--namespace", "team"]);
    let role = String::from_utf8(role.stdout).expect("it prints text");
    let role = role
        .split("---\n")
        .next()
        .expect("the Role comes first")
        .to_owned();
    let (judge, nobody) = cluster.admin(move |client| async move {
        apply(client.clone(), TEAM.to_owned()).await;
        apply(client.clone(), role).await;
        let pods: Api<Pod> = Api::namespaced(client.clone(), "team");
        let there = await_condition(pods, "shop-0", |pod: Option<&Pod>| pod.is_some()).await;
        there.expect("the set has its pod");
        (
            token(client.clone(), "judge").await,
            token(client, "nobody").await,
        )
    });
    let before = cluster.admin(pods);
    let judge = cluster.kubeconfig(folder.path(), "judge", &judge);
    let run = |kubeconfig: &str, more: &[&str]| {
        let there = ["--namespace", "team", "--kubeconfig", kubeconfig];
        stsspec(folder.path(), &[more, &there].concat())
    };
    let nobody = cluster.kubeconfig(folder.path(), "nobody", &nobody);
    let ended = run(&nobody, &["run", "ordering/startup"]);
    assert_eq!(ended.status.code(), Some(3), "{}", said(&ended));
    assert!(
        said(&ended).contains("does not let this user get statefulsets"),
        "{}",
        said(&ended)
    );

    let arguments = [
        "run",
        "ordering/startup:8",
        "ordering/startup:14",
        "id-namespaces-isolated",
        "-o",
        "json=-",
    ];
    let ended = run(&judge, &arguments);
    let report: Report =
        serde_json::from_slice(&ended.stdout).unwrap_or_else(|_| panic!("{}", said(&ended)));
    let counts = report.counts();
    assert_eq!(
        (counts.failed, counts.inconclusive),
        (0, 0),
        "{:?}",
        report.reasons
    );
    assert!(counts.passed > 0 && report.run.left.is_empty());
    let skipped = report
        .scenarios
        .iter()
        .map(|outcome| outcome.verdict.reason());
    assert!(
        skipped
            .into_iter()
            .any(|why| why.contains("needs the right to create namespaces"))
    );
    assert_eq!(
        cluster.admin(pods),
        before,
        "what others have is as it was, and nothing is left"
    );

    cluster.admin(|client| apply(client, BUSY.to_owned()));
    let ended = run(&judge, &["run", "ordering/startup"]);
    assert_eq!(ended.status.code(), Some(3), "{}", said(&ended));
    assert!(
        said(&ended).contains("run feedbeef is at work in the namespace \"team\""),
        "{}",
        said(&ended)
    );
    let ended = run(&judge, &["clean"]);
    assert!(
        said(&ended).contains("left team of run feedbeef"),
        "{}",
        said(&ended)
    );
    let ended = run(&judge, &["clean", "--run", "feedbeef"]);
    assert!(
        said(&ended).contains("removed team of run feedbeef"),
        "{}",
        said(&ended)
    );
    assert_eq!(cluster.admin(pods), before);
}

fn is_empty(folder: &Path) -> bool {
    let mut there = fs::read_dir(folder).expect("the folder is there");
    there.next().is_none()
}

/// The programs that were started with files in the folder.
fn programs(folder: &Path) -> usize {
    let folder = folder.display().to_string();
    let processes = fs::read_dir("/proc").expect("there are processes");
    let lines = processes.filter_map(|process| fs::read(process.ok()?.path().join("cmdline")).ok());
    lines
        .filter(|line| {
            let line = String::from_utf8_lossy(line);
            line.contains(&folder) && !line.starts_with("/bin/sh")
        })
        .count()
}

#[test]
fn the_built_in_controller_is_judged_and_nothing_is_left() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let arguments = ["--subject", "built-in", "ordering/startup"];
    let Some(child) = run(folder.path(), &arguments) else {
        return;
    };
    let ended = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(0), "{text}");
    assert!(is_empty(folder.path()));
    assert_eq!(programs(folder.path()), 0);
}

#[test]
fn nothing_is_left_of_a_run_that_is_interrupted_or_killed() {
    for (signal, code) in [("-INT", Some(130)), ("-KILL", None)] {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        let Some(mut child) = run(folder.path(), &["ordering"]) else {
            return;
        };
        let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut said = String::new();
        while !said.lines().any(|line| line.starts_with("passed")) {
            let read = out.read_line(&mut said).expect("it prints text");
            assert_ne!(read, 0, "it ended before it was told to:\n{said}");
        }
        let started = programs(folder.path());
        assert!(started >= 3, "{started} programs after:\n{said}");
        let sent = Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status();
        assert!(sent.is_ok_and(|sent| sent.success()));
        assert_eq!(child.wait().expect("it ends").code(), code);
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline
            && !(is_empty(folder.path()) && programs(folder.path()) == 0)
        {
            std::thread::yield_now();
        }
        assert!(is_empty(folder.path()), "after {signal}");
        assert_eq!(programs(folder.path()), 0, "after {signal}");
    }
}
