//! Tier `context` as its users meet it. `stsspec serve` is the cluster: it runs in real time and looks like any other.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

use stsspec::{
    kube::{
        Api, ResourceExt as _,
        api::{ApiResource, DynamicObject, GroupVersionKind, ListParams},
    },
    report::{
        Conclusion, Report,
        checkup::{Checkup, Prospect},
        judgement::Judgement,
    },
};
use tempfile::TempDir;

/// A folder with a kubeconfig, a ledger, and a feature of one's own.
struct Place(TempDir);

impl Place {
    fn new(feature: &str) -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        fs::create_dir_all(folder.path().join("features/own")).expect("there is room");
        fs::write(folder.path().join("features/own/own.feature"), feature).expect("there is room");
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        let path = self.0.path().join(name);
        path.to_str().expect("the path is text").to_owned()
    }

    fn stsspec(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stsspec"));
        for (name, _) in std::env::vars() {
            if name.starts_with("STSSPEC_") || name == "KUBECONFIG" {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .stdin(Stdio::null())
            .env("NO_COLOR", "1")
            .env("XDG_STATE_HOME", self.path("state"));
        command
    }

    fn on_the_cluster(&self, arguments: &[&str]) -> Command {
        let mut command = self.stsspec(arguments);
        command.args(["--kubeconfig", &self.path("kubeconfig")]);
        command
    }

    /// Runs the feature against the cluster.
    fn run(&self, arguments: &[&str]) -> Command {
        let mut command = self.on_the_cluster(&["run", "--features", &self.path("features")]);
        command.args(arguments);
        command
    }

    fn serve(&self, arguments: &[&str]) -> Cluster {
        let mut command = self.stsspec(&[
            "serve",
            "--port",
            "0",
            "--kubeconfig",
            &self.path("kubeconfig"),
        ]);
        let child = command.args(arguments).stdout(Stdio::piped()).spawn();
        let mut cluster = Cluster(child.expect("the binary runs"));
        let out = cluster.0.stdout.take().expect("it is piped");
        let mut lines = BufReader::new(out).lines();
        let ready = lines.any(|line| line.is_ok_and(|line| line.contains("Ctrl-C")));
        assert!(ready, "it serves");
        cluster
    }

    fn ledger(&self) -> Vec<String> {
        let folder = self.path("state/stsspec/ledger");
        let files = fs::read_dir(Path::new(&folder)).into_iter().flatten();
        files
            .flatten()
            .filter_map(|file| fs::read_to_string(file.path()).ok())
            .collect()
    }
}

/// Asks the served cluster for something, as no client of ours would.
fn post(place: &Place, path: &str, body: &str) {
    let kubeconfig = fs::read_to_string(place.path("kubeconfig")).expect("it is served");
    let address = kubeconfig
        .lines()
        .find_map(|line| line.trim().strip_prefix("server: http://"));
    let mut stream = TcpStream::connect(address.expect("it has an address")).expect("it is served");
    let length = body.len();
    write!(stream, "POST {path} HTTP/1.1\r\nHost: c\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}

/// Everything that lasts on the served cluster, with its version, as `kind namespace/name`: what nodes tell of themselves
/// is left out.
fn everything(place: &Place) -> BTreeMap<String, String> {
    const KINDS: [&str; 14] = [
        "v1/Namespace",
        "v1/Pod",
        "v1/ConfigMap",
        "v1/Service",
        "v1/Secret",
        "v1/ServiceAccount",
        "v1/PersistentVolumeClaim",
        "v1/PersistentVolume",
        "v1/ResourceQuota",
        "apps/v1/StatefulSet",
        "apps/v1/ControllerRevision",
        "policy/v1/PodDisruptionBudget",
        "storage.k8s.io/v1/StorageClass",
        "scheduling.k8s.io/v1/PriorityClass",
    ];
    let kubeconfig = fs::read_to_string(place.path("kubeconfig")).expect("it is served");
    let address = kubeconfig
        .lines()
        .find_map(|line| line.trim().strip_prefix("server: "));
    let address = address.expect("it has an address").parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("there is a runtime").block_on(async {
        let config = stsspec::kube::Config::new(address.expect("an address"));
        let client = stsspec::kube::Client::try_from(config).expect("a client");
        let mut all = BTreeMap::new();
        for sort in KINDS {
            let (version, kind) = sort.rsplit_once('/').expect("a kind");
            let (group, version) = version.rsplit_once('/').unwrap_or(("", version));
            let kind = GroupVersionKind::gvk(group, version, kind);
            let api: Api<DynamicObject> =
                Api::all_with(client.clone(), &ApiResource::from_gvk(&kind));
            let list = api.list(&ListParams::default()).await.expect("it lists");
            all.extend(list.items.into_iter().map(|object| {
                let namespace = object.namespace().unwrap_or_default();
                let name = format!("{} {namespace}/{}", kind.kind, object.name_any());
                (name, object.resource_version().unwrap_or_default())
            }));
        }
        all
    })
}

/// A server that says the same to everybody, and a kubeconfig that leads to it.
fn says(place: &Place, status: &'static str, body: &'static str) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let address = listener.local_addr().expect("it has an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("somebody comes");
            let mut asked = BufReader::new(stream.try_clone().expect("it can be read")).lines();
            while asked
                .next()
                .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
            {}
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    leads(
        place,
        &format!("{{server: 'http://{address}'}}"),
        "{token: expired}",
    );
}

/// A kubeconfig for a cluster and a user.
fn leads(place: &Place, cluster: &str, user: &str) {
    let text = format!(
        "{{apiVersion: v1, kind: Config, current-context: c, clusters: [{{name: c, cluster: {cluster}}}], users: [{{name: c, user: {user}}}], contexts: [{{name: c, context: {{cluster: c, user: c}}}}]}}"
    );
    fs::write(place.path("kubeconfig"), text).expect("there is room");
}

/// A process that is ended whatever happens to its test.
struct Cluster(Child);

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn text(output: &Output) -> String {
    let all = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8(all).expect("it prints text")
}

const STARTS: &str = "Feature: Own\n  @ord-create-ascending\n  Scenario: It starts\n    When the set \"web\" is created with 2 replicas\n    Then all pods of \"web\" become Ready\n";

/// Nobody lets go of the pod's readiness: it goes on until the cluster ends.
const GOES_ON: &str = "Feature: Own\n  @ord-create-ascending\n  Scenario: It goes on\n    Given readiness of pod \"web-0\" is withheld\n    When the set \"web\" is created with 1 replica\n    Then all pods of \"web\" become Ready\n";

#[test]
fn the_controller_that_a_cluster_has_is_judged_and_nothing_is_left() {
    let place = Place::new(STARTS);
    let _cluster = place.serve(&[]);
    let output = place.run(&["-o", "json=-"]).output().expect("it runs");
    let report: Report = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!(
        report.conclusion,
        Conclusion::Conformant,
        "{}",
        text(&output)
    );
    assert_eq!(
        (report.run.tier.as_str(), report.run.subject.as_str()),
        ("context", "built-in")
    );
    assert!(report.run.reconciler.is_some() && report.run.left.is_empty());
    assert_eq!(place.ledger(), Vec::<String>::new());
    let output = place.on_the_cluster(&["clean", "--all"]).output();
    let said = text(&output.expect("it runs"));
    assert_eq!(said.trim(), "nothing is there to be removed");
}

#[test]
fn a_subject_that_would_not_be_alone_is_refused() {
    let place = Place::new(STARTS);
    let cluster = place.serve(&[]);
    let output = place.run(&["--subject", "bundled"]).output();
    let output = output.expect("it runs");
    assert_eq!(output.status.code(), Some(3));
    assert!(
        text(&output).contains("takes care of StatefulSets there already"),
        "{}",
        text(&output)
    );
    drop(cluster);
    let _cluster = place.serve(&["--no-controller"]);
    let output = place.run(&[]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(3));
    assert!(
        text(&output).contains("nobody answers for StatefulSets there"),
        "{}",
        text(&output)
    );
    let output = place.run(&["--subject", "bundled"]).output();
    let output = output.expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
}

#[test]
fn a_cluster_that_vanishes_accuses_nobody_and_what_was_made_is_listed() {
    let place = Place::new(GOES_ON);
    let cluster = place.serve(&[]);
    let mut run = place
        .run(&["-o", "json=-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    // What it says first, it says when the cluster has been tried and the scenario is about to begin.
    let mut log = BufReader::new(run.stderr.take().expect("it is piped"));
    let mut line = String::new();
    while !line.contains("reconciled by") {
        line.clear();
        assert_ne!(log.read_line(&mut line).expect("it prints text"), 0);
    }
    drop(cluster);
    let mut out = String::new();
    let _ = run
        .stdout
        .take()
        .expect("it is piped")
        .read_to_string(&mut out);
    assert_eq!(run.wait().expect("it ends").code(), Some(3), "{out}");
    let report: Report = serde_json::from_str(&out).expect("a report");
    assert_eq!(report.counts().inconclusive, 1, "{out}");
    assert!(
        report
            .run
            .left
            .iter()
            .any(|left| left.starts_with("namespace stsspec-")),
        "{:?}",
        report.run.left
    );
    assert_eq!(place.ledger().len(), 1, "it is still in the ledger");
}

#[test]
fn a_cluster_is_looked_over_and_nothing_is_changed() {
    let place = Place::new(STARTS);
    let _cluster = place.serve(&[]);
    let marker = "{\"metadata\": {\"name\": \"marker\"}}";
    let unmarked = everything(&place);
    post(&place, "/api/v1/namespaces/default/configmaps", marker);
    let before = everything(&place);
    assert_ne!(unmarked, before, "whatever is made is seen");
    let output = place.on_the_cluster(&["doctor", "-o", "json"]).output();
    let output = output.expect("it runs");
    let checkup: Checkup = serde_json::from_slice(&output.stdout).expect("a checkup");
    let code = match checkup.prospect {
        Prospect::Ready => 0,
        Prospect::Partial => 5,
        Prospect::Impossible => panic!("{}", checkup.text()),
    };
    assert_eq!(output.status.code(), Some(code), "{}", checkup.text());
    assert!(checkup.would_run > 500 && !checkup.skipped.is_empty());
    let says = |topic: &str| {
        let check = checkup.checks.iter().find(|check| check.topic == topic);
        check.map(|check| check.says.clone()).unwrap_or_default()
    };
    assert!(
        says("version").starts_with("Kubernetes 1.37"),
        "{}",
        says("version")
    );
    assert!(says("storage").contains("standard"), "{}", says("storage"));
    let output = place
        .on_the_cluster(&["doctor", "--node-selector", "disk=fast"])
        .output();
    let said = text(&output.expect("it runs"));
    assert!(said.contains("0 of 1 take pods of scenarios"), "{said}");
    assert!(said.contains("does not fit the node selector"), "{said}");
    let output = place
        .on_the_cluster(&["doctor", "--namespace", "nowhere"])
        .output();
    let output = output.expect("it runs");
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(
        text(&output).contains("there is no namespace \"nowhere\""),
        "{}",
        text(&output)
    );
    assert_eq!(everything(&place), before);
}

#[test]
fn live_sets_are_judged_by_watching_alone() {
    let place = Place::new(STARTS);
    let _cluster = place.serve(&[]);
    let mut watching = place
        .on_the_cluster(&[
            "observe",
            "--all-namespaces",
            "--until-interrupted",
            "-o",
            "json",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut log = BufReader::new(watching.stderr.take().expect("it is piped"));
    let mut line = String::new();
    log.read_line(&mut line).expect("it prints text");
    assert!(line.starts_with("watching 0 sets"), "{line}");
    let output = place.run(&[]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let sent = Command::new("kill")
        .args(["-INT", &watching.id().to_string()])
        .status();
    assert!(sent.is_ok_and(|sent| sent.success()));
    let mut out = String::new();
    let mut stdout = watching.stdout.take().expect("it is piped");
    stdout.read_to_string(&mut out).expect("it prints text");
    let code = watching.wait().expect("it ends").code();
    let judgement: Judgement = serde_json::from_str(&out).expect("a judgement");
    assert_eq!(code, Some(0), "{}", judgement.text());
    assert!(
        judgement.sets.iter().any(|set| set.ends_with("/web")),
        "{:?}",
        judgement.sets
    );
    let rules = judgement.rules.iter();
    let unknown = rules.filter(|rule| !rule.finding.unattributed.is_empty());
    assert!(
        unknown.count() > 5,
        "what only the controller's own connection shows is not judged"
    );
}

#[test]
fn a_version_that_is_not_covered_is_named_with_those_that_are() {
    let place = Place::new(STARTS);
    says(
        &place,
        "200 OK",
        "{\"major\": \"1\", \"minor\": \"34\", \"gitVersion\": \"v1.34.2\"}",
    );
    let output = place.run(&[]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output);
    assert!(
        said.contains("is Kubernetes 1.34; the specification covers 1.35 to 1.37"),
        "{said}"
    );
}

#[test]
fn a_token_that_has_expired_is_told_from_a_cluster_that_is_not_there() {
    let place = Place::new(STARTS);
    let body = "{\"kind\": \"Status\", \"apiVersion\": \"v1\", \"status\": \"Failure\", \"message\": \"Unauthorized\", \"reason\": \"Unauthorized\", \"code\": 401}";
    says(&place, "401 Unauthorized", body);
    let room = place
        .on_the_cluster(&["clean", "--namespace", "team"])
        .output();
    let room = room.expect("it runs");
    assert_eq!(room.status.code(), Some(3), "{}", text(&room));
    assert!(text(&room).contains("cannot be listed"), "{}", text(&room));
    for command in [&["doctor"][..], &["clean"], &["run", "ordering"]] {
        let output = place.on_the_cluster(command).output().expect("it runs");
        assert_eq!(output.status.code(), Some(3), "{command:?}");
        let said = text(&output);
        assert!(
            said.contains("does not let this user") && said.contains("Unauthorized"),
            "{said}"
        );
        assert_eq!(said.trim().lines().count(), 1, "{said}");
    }
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_named() {
    let place = Place::new(STARTS);
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let address = listener.local_addr().expect("it has an address");
    let (theirs, ours) = (certificate(), certificate());
    fs::write(place.path("ca.crt"), ours.0).expect("there is room");
    let chain = CertificateDer::from_pem_slice(theirs.0.as_bytes()).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(theirs.1.as_bytes()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![chain], key);
    let config = Arc::new(config.expect("it can be shown"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(config.clone()).expect("a connection");
            let mut shown = rustls::StreamOwned::new(connection, stream.expect("somebody comes"));
            // Whoever does not trust it says nothing more.
            let _ = shown.read(&mut [0]);
        }
    });
    let cluster = format!(
        "{{server: 'https://{address}', certificate-authority: {}}}",
        place.path("ca.crt")
    );
    leads(&place, &cluster, "{}");
    let output = place.on_the_cluster(&["doctor"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output);
    assert!(
        said.contains("cannot be reached") && said.contains("certificate"),
        "{said}"
    );
}

/// A certificate that vouches for itself, and its key.
fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("it is made");
    (made.cert.pem(), made.signing_key.serialize_pem())
}

#[test]
fn an_image_that_cannot_be_pulled_ends_a_scenario_soon_and_accuses_nobody() {
    let place = Place::new(STARTS);
    let _cluster = place.serve(&[]);
    let begun = Instant::now();
    let output = place
        .run(&["--image", "registry.example/no-such:1", "-o", "json=-"])
        .output();
    let output = output.expect("it runs");
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    let report: Report = serde_json::from_slice(&output.stdout).expect("a report");
    let why = report.scenarios[0].verdict.reason();
    assert!(
        why.contains("ErrImagePull") || why.contains("ImagePullBackOff"),
        "{why}"
    );
    assert!(why.contains("`--image` or `--registry`"), "{why}");
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_storage_class_that_never_binds_accuses_nobody() {
    let claims = "Feature: Own\n  @pvc-before-pod\n  Scenario: It has claims\n    Given the set \"web\" is planned\n    And its pods claim storage \"data\"\n    When the set \"web\" is created with 1 replica\n    Then all pods of \"web\" become Ready\n";
    let place = Place::new(claims);
    let _cluster = place.serve(&[]);
    post(
        &place,
        "/apis/storage.k8s.io/v1/storageclasses",
        "{\"metadata\": {\"name\": \"stuck\"}, \"provisioner\": \"nobody.example/volumes\"}",
    );
    let arguments = [
        "--storage-class",
        "stuck",
        "--timeout-scale",
        "0.01",
        "-o",
        "json=-",
    ];
    let output = place.run(&arguments).output().expect("it runs");
    let report: Report = serde_json::from_slice(&output.stdout).expect("a report");
    let why = report.scenarios[0].verdict.reason();
    assert_eq!(report.counts().inconclusive, 1, "{why}");
    assert!(
        why.contains("nobody makes a volume of the StorageClass stuck"),
        "{why}"
    );
    let there = [
        "run",
        "pvc-data-survives",
        "--dry-run",
        "--storage-class",
        "nowhere",
    ];
    let output = place.on_the_cluster(&there).output();
    let said = text(&output.expect("it runs"));
    assert!(
        said.contains("there is no StorageClass \"nowhere\""),
        "{said}"
    );
}

#[test]
fn what_other_runs_have_is_left_alone_and_two_runs_do_not_disturb_each_other() {
    let place = Place::new(STARTS);
    let _cluster = place.serve(&[]);
    let foreign = "{\"metadata\": {\"name\": \"stsspec-feedbeef-x\", \"labels\": {\"stsspec.dev/run\": \"feedbeef\", \"stsspec.dev/expires\": \"9999999999\"}}}";
    post(&place, "/api/v1/namespaces", foreign);
    let start = || {
        place
            .run(&[])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    };
    let (one, other) = (start().expect("it runs"), start().expect("it runs"));
    for run in [one, other] {
        let output = run.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    }
    let output = place.on_the_cluster(&["clean"]).output().expect("it runs");
    let said = text(&output);
    assert!(
        said.contains("left stsspec-feedbeef-x of run feedbeef"),
        "{said}"
    );
    assert!(!said.contains("removed"), "{said}");
}

#[test]
fn one_namespace_is_enough_and_what_others_have_in_it_stays() {
    let place = Place::new(STARTS);
    let _cluster = place.serve(&[]);
    let theirs = "{\"metadata\": {\"name\": \"settings\"}, \"data\": {\"a\": \"b\"}}";
    post(&place, "/api/v1/namespaces/default/configmaps", theirs);
    let before = everything(&place);
    assert!(before.contains_key("ConfigMap default/settings"));
    let there = ["--namespace", "default"];
    let output = place.run(&there).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let output = place
        .on_the_cluster(&["clean", "--all", "--namespace", "default"])
        .output();
    let said = text(&output.expect("it runs"));
    assert_eq!(said.trim(), "nothing is there to be removed");
    assert_eq!(
        everything(&place),
        before,
        "what others have stays, and nothing else"
    );
    // A name that is taken is in the way, and stays with who has it.
    let service = "{\"metadata\": {\"name\": \"web\"}, \"spec\": {\"clusterIP\": \"None\", \"selector\": {\"app\": \"shop\"}}}";
    post(&place, "/api/v1/namespaces/default/services", service);
    let before = everything(&place);
    let output = place.run(&there).output().expect("it runs");
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(
        text(&output).contains("services \"web\" is there, which is not the run's"),
        "{}",
        text(&output)
    );
    assert_eq!(
        everything(&place),
        before,
        "what others have stays, and nothing else"
    );
    let output = place
        .run(&["--namespace", "default", "--tier", "embedded"])
        .output();
    assert_eq!(output.expect("it runs").status.code(), Some(2));
}

#[test]
fn volumes_that_their_class_keeps_are_removed() {
    let claims = "Feature: Own\n  @pvc-before-pod\n  Scenario: It has claims\n    Given the set \"web\" is planned\n    And its pods claim storage \"data\"\n    When the set \"web\" is created with 2 replicas\n    Then all pods of \"web\" become Ready\n";
    let place = Place::new(claims);
    let _cluster = place.serve(&[]);
    let class = "{\"metadata\": {\"name\": \"kept\"}, \"provisioner\": \"volumes.stsspec.dev\", \"reclaimPolicy\": \"Retain\", \"volumeBindingMode\": \"WaitForFirstConsumer\"}";
    post(&place, "/apis/storage.k8s.io/v1/storageclasses", class);
    let before = everything(&place);
    for room in [&[][..], &["--namespace", "default"]] {
        let arguments = [&["--storage-class", "kept"], room].concat();
        let output = place.run(&arguments).output().expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        assert_eq!(everything(&place), before, "{arguments:?}");
        assert_eq!(place.ledger(), Vec::<String>::new(), "{arguments:?}");
    }
}

#[test]
fn a_cluster_has_to_be_named() {
    let place = Place::new(STARTS);
    for (arguments, code, says) in [
        (&["run", "--tier", "context"][..], 3, "no cluster is named"),
        (
            &["run", "--tier", "embedded", "--context", "c"],
            2,
            "makes its own clusters",
        ),
        (
            &["run", "--kubeconfig", "/no/such/kubeconfig"],
            3,
            "cannot use the kubeconfig /no/such/kubeconfig",
        ),
        (&["clean"], 3, "no cluster is named"),
        (&["doctor"], 3, "no cluster is named"),
    ] {
        let output = place.stsspec(arguments).output().expect("it runs");
        assert_eq!(output.status.code(), Some(code), "{}", text(&output));
        assert!(text(&output).contains(says), "{}", text(&output));
    }
    let nowhere = "{apiVersion: v1, kind: Config, current-context: c, clusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}], users: [{name: c, user: {}}], contexts: [{name: c, context: {cluster: c, user: c}}]}";
    fs::write(place.path("kubeconfig"), nowhere).expect("there is room");
    let output = place.run(&[]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(3));
    assert!(
        text(&output).contains("the cluster at http://127.0.0.1:9 cannot be reached"),
        "{}",
        text(&output)
    );
}
