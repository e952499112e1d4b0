//! The command line as people and programs meet it: what it prints, what it ends with, and what it says to bad input.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use stsspec::report::{Conclusion, Report, judgement::Judgement};
use tempfile::TempDir;

fn stsspec(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stsspec"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .env("NO_COLOR", "1");
    for (name, _) in
        std::env::vars().filter(|(name, _)| name.starts_with("STSSPEC_") || name == "KUBECONFIG")
    {
        command.env_remove(name);
    }
    command
}

struct Ended {
    code: i32,
    out: String,
    err: String,
}

fn run(arguments: &[&str]) -> Ended {
    ended(stsspec(arguments).output().expect("the binary runs"))
}

fn ended(output: Output) -> Ended {
    Ended {
        code: output.status.code().expect("it was not killed"),
        out: String::from_utf8(output.stdout).expect("it prints text"),
        err: String::from_utf8(output.stderr).expect("it prints text"),
    }
}

/// Runs, and expects an exit code and one line on standard error.
fn refused(arguments: &[&str], code: i32) -> String {
    let ended = run(arguments);
    assert_eq!(
        ended.code, code,
        "{arguments:?}: {}{}",
        ended.out, ended.err
    );
    assert_eq!(ended.err.lines().count(), 1, "{arguments:?}: {}", ended.err);
    ended.err.trim().to_owned()
}

/// A folder with one feature in the chapter `own`.
fn features(text: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    fs::create_dir(folder.path().join("own")).expect("there is room for a folder");
    fs::write(folder.path().join("own/own.feature"), text).expect("there is room for a file");
    folder
}

fn path(folder: &TempDir) -> &str {
    folder.path().to_str().expect("the path is text")
}

const STARTS: &str = "Feature: Own\n  @ord-create-ascending\n  Scenario: It starts\n    When the set \"web\" is created with 2 replicas\n    Then all pods of \"web\" become Ready\n";

#[test]
fn a_run_that_conforms_ends_with_zero_and_says_so() {
    let folder = features(STARTS);
    let ended = run(&["run", "--features", path(&folder)]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(
        ended.out.contains("passed") && ended.out.contains("own/own:3  It starts"),
        "{}",
        ended.out
    );
    let last = ended.out.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("conformant: 1 of 1 scenarios passed"),
        "{last}"
    );
    assert!(
        ended.err.is_empty(),
        "without a terminal there is no live line: {}",
        ended.err
    );
}

#[test]
fn a_run_with_nobody_at_work_does_not_conform() {
    let folder = features(STARTS);
    let ended = run(&["run", "--features", path(&folder), "--subject", "none"]);
    assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
    assert!(
        ended.out.contains(&format!(
            "replay     stsspec run own/own:3 --features {} --subject none --seed 1",
            path(&folder)
        )),
        "{}",
        ended.out
    );
    assert!(
        ended.out.contains("judges     ord-create-ascending: "),
        "{}",
        ended.out
    );
}

#[test]
fn reports_go_where_they_are_asked_for() {
    let folder = features(STARTS);
    let (json, junit) = (folder.path().join("r.json"), folder.path().join("r.xml"));
    let outputs = [
        format!("json={}", json.display()),
        format!("junit={}", junit.display()),
    ];
    let ended = run(&[
        "run",
        "-q",
        "--features",
        path(&folder),
        "-o",
        &outputs[0],
        "-o",
        &outputs[1],
    ]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert_eq!(
        ended.out.trim().lines().count(),
        1,
        "quiet is quiet: {}",
        ended.out
    );
    let report: Report =
        serde_json::from_str(&fs::read_to_string(json).expect("it was written")).expect("a report");
    assert_eq!(
        (report.conclusion, report.counts().passed),
        (Conclusion::Conformant, 1)
    );
    let junit = fs::read_to_string(junit).expect("it was written");
    assert!(
        junit.contains("<testcase name=\"It starts\" classname=\"own.own\""),
        "{junit}"
    );
    let ended = run(&["run", "--features", path(&folder), "--output", "json=-"]);
    let report: Report =
        serde_json::from_str(&ended.out).expect("standard output is the report alone");
    assert_eq!(report.scenarios.len(), 1);
}

#[test]
fn what_is_not_there_is_named_with_what_is_near() {
    assert!(refused(&["run", "ordring"], 4).contains("did you mean ordering"));
    assert!(
        refused(&["run", "ord-create-ascendin"], 4).contains("did you mean ord-create-ascending")
    );
    assert!(refused(&["list", "ordring"], 4).contains("did you mean ordering"));
    assert!(
        refused(&["run", "ordering", "--tags", "@no-such-thing"], 4)
            .contains("no scenario is left")
    );
    let empty = tempfile::tempdir().expect("there is room for a folder");
    assert!(refused(&["run", "--features", path(&empty)], 4).contains("no scenario is left"));
}

#[test]
fn wrong_usage_is_told_before_anything_runs() {
    for (arguments, says) in [
        (
            &["run", "--subject", "bundle"][..],
            "there is no subject \"bundle\"",
        ),
        (
            &["run", "--subject", "mutant:no-such"],
            "there is no mutant \"no-such\"",
        ),
        (&["run", "--tags", "a and"], "is no tag expression"),
        (&["run", "--parallel", "0"], "it is a number from 1 on"),
        (&["run", "--timeout-scale=0"], "it is a number above 0"),
        (&["run", "-o", "junit"], "a report is FORMAT=PATH"),
        (&["run", "-o", "yaml=x"], "there are json, junit, text"),
        (&["run", "--no-such-flag"], "--no-such-flag"),
        (
            &["run", "--toleration", "a:Never"],
            "its effect is one of NoSchedule",
        ),
        (&["run", "--node-selector", "disk"], "it is key=value"),
        (
            &["run", "--namespace", "team"],
            "`--namespace` is for a cluster that is there",
        ),
        (
            &["run", "--controller-manager", "kcm"],
            "`--controller-manager` is for `--tier control-plane`",
        ),
        (&["run", "--target", "v1"], "there is no target \"v1\""),
        (
            &["run", "--target", "stsspec.dev/v1"],
            "cannot be judged on tier embedded",
        ),
        (&["controller"], "--kubeconfig"),
        (&[], "Usage"),
    ] {
        let ended = run(arguments);
        assert_eq!(ended.code, 2, "{arguments:?}: {}{}", ended.out, ended.err);
        assert!(ended.err.contains(says), "{arguments:?}: {}", ended.err);
    }
}

#[test]
fn the_role_that_a_run_needs_is_printed_without_a_cluster() {
    let ended = run(&["doctor", "--rbac", "--namespace", "team-a"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let parts: Vec<&str> = ended.out.split("---\n").collect();
    let first: serde_json::Value = serde_yaml::from_str(parts[0]).expect("it is YAML");
    assert_eq!(
        (&first["kind"], &first["metadata"]["namespace"]),
        (&"Role".into(), &"team-a".into())
    );
    assert!(
        parts[1..].iter().any(|part| part.contains("- namespaces")),
        "{}",
        ended.out
    );
    assert!(
        !parts[0].contains("- namespaces"),
        "a Role speaks of one namespace alone"
    );
}

#[test]
fn a_saved_history_is_judged_as_it_was_seen() {
    let folder = features(STARTS);
    let saved = folder.path().join("histories");
    let saved = saved.to_str().expect("the path is text");
    let history = format!("{saved}/own-own-3.json");
    for (subject, code, says) in [
        ("bundled", 0, "conformant: "),
        ("mutant:ordered-is-parallel", 1, "violated inv-create-gate"),
    ] {
        let _ = run(&[
            "run",
            "-q",
            "--features",
            path(&folder),
            "--subject",
            subject,
            "--histories",
            saved,
        ]);
        let ended = run(&["judge", &history]);
        assert_eq!(ended.code, code, "{}{}", ended.out, ended.err);
        assert!(ended.out.contains(says), "{}", ended.out);
    }
    let ended = run(&["judge", &history, "-o", "json"]);
    let judgement: Judgement = serde_json::from_str(&ended.out).expect("it is a judgement");
    assert_eq!(judgement.sets.len(), 1);
    assert!(refused(&["judge", "/no/such/file"], 3).contains("cannot read /no/such/file"));
    let feature = folder.path().join("own/own.feature");
    let feature = feature.to_str().expect("the path is text");
    assert!(
        refused(&["judge", feature], 3).contains("is neither a saved history nor an audit log")
    );
}

/// One line of an audit log.
fn audit(
    second: usize,
    user: &str,
    verb: &str,
    resource: &str,
    object: &serde_json::Value,
) -> String {
    let at = format!("2026-01-01T00:00:0{second}.000000Z");
    let group = if resource == "pods" { "" } else { "apps" };
    serde_json::json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse", "stage": "ResponseComplete",
        "verb": verb, "user": { "username": user }, "requestURI": "/apis", "responseStatus": { "code": 201 },
        "objectRef": { "resource": resource, "namespace": "a", "name": object["metadata"]["name"], "apiGroup": group },
        "requestObject": object, "responseObject": object, "requestReceivedTimestamp": at, "stageTimestamp": at,
    })
    .to_string()
}

#[test]
fn an_audit_log_shows_what_a_controller_should_not_have_done() {
    let set = serde_json::json!({
        "metadata": { "name": "web", "namespace": "a", "uid": "s", "resourceVersion": "1", "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z" },
        "spec": {
            "replicas": 2, "serviceName": "web", "selector": { "matchLabels": { "app": "web" } },
            "template": { "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [] } },
        },
    });
    let pod = |name: &str, version: &str| {
        serde_json::json!({
            "metadata": {
                "name": name, "namespace": "a", "uid": name, "resourceVersion": version, "labels": { "app": "web" },
                "creationTimestamp": "2026-01-01T00:00:00Z",
                "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": "s", "controller": true }],
            },
            "spec": { "containers": [], "hostname": name, "subdomain": "web" },
            "status": { "phase": "Pending" },
        })
    };
    let controller = "system:serviceaccount:kube-system:statefulset-controller";
    let lines = [
        audit(1, "ann", "create", "statefulsets", &set),
        audit(2, controller, "create", "pods", &pod("web-0", "2")),
        audit(3, controller, "create", "pods", &pod("web-1", "3")),
    ];
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let log = folder.path().join("audit.log");
    fs::write(&log, lines.join("\n")).expect("there is room for a file");
    let log = log.to_str().expect("the path is text");
    let ended = run(&["judge", log]);
    assert_eq!(ended.code, 1, "{}{}", ended.out, ended.err);
    assert!(
        ended.out.contains("violated inv-create-gate"),
        "{}",
        ended.out
    );
    let ended = run(&["judge", log, "--controller", "somebody"]);
    assert!(
        ended
            .out
            .contains("user \"somebody\" asked for nothing in it"),
        "{}",
        ended.out
    );
}

#[test]
fn whose_sets_are_watched_has_to_be_said() {
    for (arguments, code, says) in [
        (&["observe", "--context", "c"][..], 2, "--namespace"),
        (
            &["observe", "-A", "--for", "soon"],
            2,
            "it is a number with a unit",
        ),
        (&["observe", "-A", "-n", "a"], 2, "cannot be used with"),
        (&["observe", "-A"], 3, "no cluster is named"),
    ] {
        let ended = run(arguments);
        assert_eq!(ended.code, code, "{}{}", ended.out, ended.err);
        assert!(ended.err.contains(says), "{}", ended.err);
    }
}

#[test]
fn features_that_cannot_be_read_are_named_by_file_and_line() {
    let folder = features("Feature: Own\n\n  Scenario: a\n    When x\n    Thn y\n");
    let error = refused(&["run", "--features", path(&folder)], 3);
    assert!(
        error.contains("own/own.feature:5: this is not Gherkin here: Thn y"),
        "{error}"
    );
    let error = refused(&["run", "--features", "/no/such/folder"], 3);
    assert!(
        error.contains("cannot read the features of /no/such/folder"),
        "{error}"
    );
}

#[test]
fn a_sentence_or_a_tag_that_nobody_knows_is_no_verdict_on_the_subject() {
    let folder = features(
        "Feature: Own\n  @no-such-behaviour\n  Scenario: a\n    When x\n\n  Scenario: b\n    When nobody knows this\n",
    );
    let ended = run(&["run", "--features", path(&folder)]);
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    assert!(
        ended
            .out
            .contains("@no-such-behaviour is no behaviour of the inventory"),
        "{}",
        ended.out
    );
    assert!(
        ended
            .out
            .contains("no step is defined for: When nobody knows this"),
        "{}",
        ended.out
    );
}

#[test]
fn a_manifest_with_a_wrong_field_is_told_with_its_place_and_creates_nothing() {
    let description = |field: &str| {
        format!(
            "Feature: Own\n  Scenario: a\n    Given the set \"web\" is planned\n    And its description says\n      \"\"\"\n      spec:\n        {field}\n      \"\"\"\n    When the set \"web\" is created with 1 replicas\n"
        )
    };
    for (field, place) in [
        ("replicaz: 3", "replicaz"),
        ("minReadySeconds: many", "minReadySeconds"),
        ("minReadySeconds: [", "line"),
    ] {
        let folder = features(&description(field));
        let ended = run(&["run", "--features", path(&folder)]);
        assert_eq!(ended.code, 3, "{field}: {}{}", ended.out, ended.err);
        assert!(ended.out.contains(place), "{field}: {}", ended.out);
        assert!(
            !ended.out.contains("set web"),
            "nothing was created: {}",
            ended.out
        );
    }
    let folder =
        features("Feature: Own\n  Scenario: a\n    Given the manifest \"no-such\" is applied\n");
    let ended = run(&["run", "--features", path(&folder)]);
    assert_eq!(ended.code, 3, "{}{}", ended.out, ended.err);
    assert!(
        ended.out.contains("there is no manifest no-such.yaml"),
        "{}",
        ended.out
    );
}

#[test]
fn a_report_that_cannot_be_written_is_found_out_before_anything_runs() {
    let error = refused(&["run", "-o", "json=/no/such/folder/r.json"], 3);
    assert!(
        error.contains("cannot write a report to /no/such/folder/r.json"),
        "{error}"
    );
}

#[test]
fn a_dry_run_says_what_would_run() {
    let folder = features(STARTS);
    let ended = run(&["run", "--features", path(&folder), "--dry-run"]);
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (
            0,
            "own/own:3                        It starts @ord-create-ascending\n"
        )
    );
}

#[test]
fn variables_stand_in_for_flags_and_flags_come_first() {
    let folder = features(STARTS);
    let with = |arguments: &[&str]| {
        let mut command = stsspec(arguments);
        command
            .env("STSSPEC_SUBJECT", "none")
            .env("STSSPEC_FEATURES", folder.path())
            .env("STSSPEC_QUIET", "1");
        ended(command.output().expect("the binary runs"))
    };
    let by_variable = with(&["run"]);
    assert_eq!(
        by_variable.code, 1,
        "{}{}",
        by_variable.out, by_variable.err
    );
    assert_eq!(with(&["run", "--subject", "bundled"]).code, 0);
}

#[test]
fn what_there_is_can_be_listed_for_people_and_for_programs() {
    let ended = run(&["list", "ordering"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(
        ended.out.lines().all(|line| line.starts_with("ordering/")),
        "{}",
        ended.out
    );
    for what in [
        &["list", "-o", "json"][..],
        &["list", "--behaviours", "-o", "json"],
        &["list", "--steps", "-o", "json"],
        &["list", "--coverage", "-o", "json"],
    ] {
        let ended = run(what);
        let listed: serde_json::Value = serde_json::from_str(&ended.out).expect("an array");
        assert!(
            listed.as_array().is_some_and(|all| all.len() > 10),
            "{what:?}"
        );
    }
}

#[test]
fn the_readme_tells_how_much_is_judged() {
    let table = run(&["list", "--coverage"]).out;
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).expect("there is one");
    assert!(
        readme.contains(&table),
        "the table has changed; ci/coverage brings it up to date:\n{table}"
    );
}

#[test]
fn help_names_every_command_and_goes_to_standard_output() {
    let ended = run(&["--help"]);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    for command in ["run", "list", "serve", "clean", "controller"] {
        assert!(
            ended.out.contains(&format!("\n  {command} ")),
            "{}",
            ended.out
        );
    }
}

#[test]
fn a_kubeconfig_that_cannot_be_used_is_named() {
    let error = refused(&["controller", "--kubeconfig", "/no/such/kubeconfig"], 3);
    assert!(
        error.contains("cannot use the kubeconfig /no/such/kubeconfig"),
        "{error}"
    );
    let folder = features("this: [is no kubeconfig");
    let file = folder.path().join("own/own.feature");
    let error = refused(
        &["controller", "--kubeconfig", file.to_str().expect("text")],
        3,
    );
    assert!(error.contains("cannot use the kubeconfig"), "{error}");
}

#[test]
fn a_cluster_that_refuses_is_named() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let file = folder.path().join("kubeconfig");
    // Nothing listens on the discard port of this machine.
    let text = "{apiVersion: v1, kind: Config, current-context: c, clusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}], users: [{name: c, user: {}}], contexts: [{name: c, context: {cluster: c, user: c}}]}";
    fs::write(&file, text).expect("there is room for a file");
    let error = refused(
        &["controller", "--kubeconfig", file.to_str().expect("text")],
        3,
    );
    assert!(
        error.contains("cannot reach the cluster at http://127.0.0.1:9"),
        "{error}"
    );
    let error = refused(
        &[
            "controller",
            "--kubeconfig",
            file.to_str().expect("text"),
            "--context",
            "other",
        ],
        3,
    );
    assert!(error.contains("cannot use the kubeconfig"), "{error}");
}

/// A process that is ended whatever happens to its test.
struct Process(Child);

impl Process {
    fn start(arguments: &[&str]) -> Self {
        let child = stsspec(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        Self(child.expect("the binary runs"))
    }

    /// Reads standard output up to the line that contains `text`.
    fn says(&mut self, text: &str) -> BufReader<std::process::ChildStdout> {
        let mut out = BufReader::new(self.0.stdout.take().expect("it is piped"));
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(
                out.read_line(&mut line).expect("it prints text"),
                0,
                "it ended without saying {text:?}"
            );
        }
        out
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([signal, &self.0.id().to_string()])
            .status();
        assert!(sent.is_ok_and(|status| status.success()));
    }

    fn code(&mut self) -> Option<i32> {
        self.0.wait().expect("it ends").code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn ctrl_c_ends_a_run_in_good_order() {
    let rows: String = (0..2000).map(|row| format!("      | {row} |\n")).collect();
    let text = format!(
        "Feature: Own\n  Scenario Outline: Start <n>\n    When the set \"web\" is created with 5 replicas\n    Then all pods of \"web\" become Ready\n\n    Examples:\n      | n |\n{rows}"
    );
    let folder = features(&text);
    let mut process = Process::start(&["run", "--features", path(&folder)]);
    let mut out = process.says("Start 0");
    process.signal("-INT");
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("it prints text");
    assert_eq!(process.code(), Some(130), "{rest}");
    assert!(rest.contains("not run: the run was interrupted"), "{rest}");
    let last = rest.lines().last().unwrap_or_default();
    assert!(last.starts_with("interrupted: "), "{last}");
}

#[test]
fn a_cluster_is_served_until_ctrl_c_and_the_controller_works_on_it() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let kubeconfig = folder.path().join("kubeconfig");
    let file = kubeconfig.to_str().expect("text");
    let mut serving = Process::start(&[
        "serve",
        "--port",
        "0",
        "--kubeconfig",
        file,
        "--no-controller",
    ]);
    let _out = serving.says("Ctrl-C");
    assert!(
        fs::read_to_string(&kubeconfig).is_ok_and(|text| text.contains("current-context: stsspec"))
    );
    let mut working = Process::start(&["controller", "--kubeconfig", file]);
    let _out_of_controller = working.says("working on http://127.0.0.1:");
    working.signal("-TERM");
    assert_eq!(working.code(), Some(143));
    serving.signal("-INT");
    assert_eq!(serving.code(), Some(130));
    assert!(
        !Path::new(&kubeconfig).exists(),
        "what leads nowhere is removed"
    );
}

#[test]
fn a_file_of_somebody_else_is_not_replaced() {
    let folder = features("a kubeconfig of somebody else");
    let file = folder.path().join("own/own.feature");
    let error = refused(
        &[
            "serve",
            "--port",
            "0",
            "--kubeconfig",
            file.to_str().expect("text"),
        ],
        3,
    );
    assert!(
        error.contains("is there already and was not written by `stsspec serve`"),
        "{error}"
    );
    assert!(fs::read_to_string(&file).is_ok_and(|text| text == "a kubeconfig of somebody else"));
}

#[test]
fn of_two_controllers_one_works_and_the_other_takes_over() {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let kubeconfig = folder.path().join("kubeconfig");
    let file = kubeconfig.to_str().expect("text");
    let mut serving = Process::start(&[
        "serve",
        "--port",
        "0",
        "--kubeconfig",
        file,
        "--no-controller",
    ]);
    let _out = serving.says("Ctrl-C");
    let elected = [
        "controller",
        "--kubeconfig",
        file,
        "--leader-elect",
        "--lease-namespace",
        "default",
    ];
    let mut first = Process::start(&elected);
    let _out_of_first = first.says("working on http://127.0.0.1:");
    let mut second = Process::start(&elected);
    let mut out = second.says("waiting for the lease default/stsspec-controller as ");
    first.signal("-TERM");
    assert_eq!(first.code(), Some(143));
    let mut line = String::new();
    out.read_line(&mut line).expect("it prints text");
    assert!(line.starts_with("working on http://127.0.0.1:"), "{line}");
}

#[test]
fn the_controller_is_printed_as_objects_of_a_cluster() {
    let output = stsspec(&["controller", "--print-manifests", "example.org/stsspec:1"]).output();
    let output = output.expect("the binary runs");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.contains("image: example.org/stsspec:1\n"), "{text}");
    assert!(text.contains("kind: ClusterRole\n"), "{text}");
}
