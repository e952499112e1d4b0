//! Tier `context` as its users meet it. `stsspec serve` is the cluster: it runs in real time and looks like any other.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use stsspec::report::{
    Conclusion, Report,
    checkup::{Checkup, Prospect},
    judgement::Judgement,
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
    let output = place.on_the_cluster(&["doctor", "-o", "json"]).output();
    let output = output.expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let checkup: Checkup = serde_json::from_slice(&output.stdout).expect("a checkup");
    assert_eq!(checkup.prospect, Prospect::Ready);
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
        .on_the_cluster(&["doctor", "--namespace", "nowhere"])
        .output();
    let output = output.expect("it runs");
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(
        text(&output).contains("there is no namespace \"nowhere\""),
        "{}",
        text(&output)
    );
    let output = place.on_the_cluster(&["clean", "--all"]).output();
    let said = text(&output.expect("it runs"));
    assert_eq!(said.trim(), "nothing is there to be removed");
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
    let unknown = judgement.rules.iter().filter(|rule| rule.unknown.is_some());
    assert!(
        unknown.count() > 5,
        "what only the controller's own connection shows is not judged"
    );
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
