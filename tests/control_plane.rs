//! The tier `control-plane` as people meet it: a real control plane is started for the run, and nothing of it is left.
//!
//! Needs the programs of Kubernetes: those in the folder that `KUBEBUILDER_ASSETS` names, or those that `ci/real/build`
//! has built. Skipped, and said so, where there are none.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

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
