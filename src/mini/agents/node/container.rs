//! One run of a container: its machine, its first process, its streams.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use k8s_openapi::api::core::v1::{Container as Spec, Pod};
use tokio::{sync::mpsc, task::AbortHandle};

use super::{
    environment::expanded,
    fields::{Facts, hosts, resolv_conf},
    images::{argv, hex64},
    mounts::{Mounted, mounts},
    output::Output,
};
use crate::{
    clock::Clock,
    mini::agents::{
        network::Network,
        shell::{
            Image, Machine, Process, Processes,
            files::{Files, Tree, plain},
            pipe::{Io, Source, Writer, pipe},
            run, terminal,
        },
    },
};

/// What happens to a run of a container, told to its pod's worker.
#[derive(Debug)]
pub(super) enum Event {
    /// Its first process ended.
    Ended { run: u64, code: i32 },
    /// A probe's verdict changed, or it failed for the first time in a row.
    Probed {
        run: u64,
        purpose: super::probes::Purpose,
        change: Option<bool>,
        said: Option<String>,
    },
    /// Its time to end by itself is over.
    Overdue { run: u64 },
    /// Its `postStart` hook failed.
    HookFailed { run: u64, said: String },
}

/// A container that runs.
pub(super) struct Live {
    /// Its number among all runs of its pod.
    pub run: u64,
    pub id: String,
    pub spec: Spec,
    pub machine: Arc<Machine>,
    pub process: Process,
    pub output: Output,
    stdin: Mutex<Option<Writer>>,
    task: AbortHandle,
}

impl Live {
    /// Where to write its input; None where it has none, or no more.
    pub(super) fn stdin(&self) -> Option<Writer> {
        self.stdin
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Somebody's attachment ended: a container that takes input once takes no more.
    pub(super) fn detached(&self) {
        if self.spec.stdin_once == Some(true) {
            *self.stdin.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// Ends all its processes at once.
    pub(super) fn kill(&self) {
        self.task.abort();
        self.machine.processes.end();
        self.output.end();
        *self.stdin.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What it left to be told about its end.
    pub(super) fn last_words(&self, code: i32) -> Option<String> {
        let path = self
            .spec
            .termination_message_path
            .as_deref()
            .unwrap_or("/dev/termination-log");
        let text = self
            .machine
            .files
            .read(&plain("/", path))
            .unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let from_logs =
            self.spec.termination_message_policy.as_deref() == Some("FallbackToLogsOnError");
        if text.is_empty() && from_logs && code != 0 {
            let (lines, _) = self.output.lines();
            let tail = &lines[lines.len().saturating_sub(80)..];
            let tail: Vec<u8> = tail
                .iter()
                .flat_map(|line| line.bytes.iter().copied())
                .collect();
            let tail = &tail[tail.len().saturating_sub(2048)..];
            return Some(String::from_utf8_lossy(tail).into_owned())
                .filter(|tail| !tail.is_empty());
        }
        Some(text).filter(|text| !text.is_empty())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.task.abort();
        self.machine.processes.end();
        self.output.end();
    }
}

/// All that a run is made from.
pub(super) struct Making<'a> {
    pub facts: Facts<'a>,
    pub spec: &'a Spec,
    pub image: Image,
    pub volumes: &'a BTreeMap<String, Mounted>,
    pub environment: BTreeMap<String, String>,
    pub hostname: &'a str,
    pub network: &'a Network,
    pub clock: Clock,
    pub run: u64,
}

/// A container's own files, before anything is mounted.
fn root(making: &Making<'_>) -> Tree {
    let root = Tree::default();
    for directory in [
        "/tmp", "/root", "/home", "/bin", "/usr/bin", "/var/log", "/var/run", "/proc", "/mnt",
        "/opt", "/srv",
    ] {
        root.make_directories(directory);
    }
    root.put("/etc/hostname", format!("{}\n", making.hostname));
    root.put("/etc/hosts", hosts(making.facts));
    root.put("/etc/resolv.conf", resolv_conf(making.facts));
    root.put("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
    root.put("/dev/termination-log", "");
    if let Some(documents) = &making.image.documents {
        root.put(
            &format!("{documents}/index.html"),
            "<h1>Welcome to nginx!</h1>\n",
        );
    }
    root
}

fn user(pod: &Pod, spec: &Spec) -> i64 {
    let own = spec
        .security_context
        .as_ref()
        .and_then(|context| context.run_as_user);
    let pods = pod
        .spec
        .as_ref()
        .and_then(|spec| spec.security_context.as_ref());
    own.or_else(|| pods.and_then(|context| context.run_as_user))
        .unwrap_or(0)
}

/// Starts a container.
///
/// # Errors
/// Its program does not exist; in the words of the container's status.
pub(super) fn start(
    making: Making<'_>,
    events: mpsc::UnboundedSender<Event>,
) -> Result<Live, String> {
    let (spec, run_number) = (making.spec, making.run);
    let root = root(&making);
    let files = Files::new(root, mounts(spec, making.volumes, &making.environment));
    let directory = plain("/", spec.working_dir.as_deref().unwrap_or("/"));
    let mut made = String::new();
    for part in directory.split('/').filter(|part| !part.is_empty()) {
        made = format!("{made}/{part}");
        if files.entry(&made).is_none() {
            files
                .make_directory(&made)
                .map_err(|error| format!("mkdir {made}: {error}"))?;
        }
    }
    let mut image = making.image;
    let declared = spec
        .ports
        .iter()
        .flatten()
        .filter(|port| port.protocol.as_deref().unwrap_or("TCP") == "TCP");
    image
        .ports
        .extend(declared.filter_map(|port| u16::try_from(port.container_port).ok()));
    let argv = argv(&image, spec.command.as_deref(), spec.args.as_deref());
    let argv: Vec<String> = argv
        .iter()
        .map(|word| expanded(word, &making.environment))
        .collect();
    let name = argv.first().cloned().unwrap_or_default();
    let mut machine = Machine {
        files,
        directory,
        hostname: making.hostname.to_owned(),
        address: making.facts.address,
        user: user(making.facts.pod, spec),
        network: making.network.clone(),
        clock: making.clock,
        processes: Processes::default(),
        environment: making.environment,
        image,
    };
    if machine.program(&name, &machine.directory).is_none() {
        if !machine.image.unknown {
            return Err(format!(
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create \
                 failed: unable to start container process: error during container init: exec: \"{name}\": executable \
                 file not found in $PATH: unknown"
            ));
        }
        machine.image.programs.push(name);
    }
    let uid = making.facts.pod.metadata.uid.clone().unwrap_or_default();
    let id = format!(
        "containerd://{}",
        hex64(&format!("{uid}/{}/{run_number}", spec.name))
    );
    Ok(launch(spec, machine, argv, id, run_number, events))
}

fn launch(
    spec: &Spec,
    machine: Machine,
    argv: Vec<String>,
    id: String,
    run: u64,
    events: mpsc::UnboundedSender<Event>,
) -> Live {
    let machine = Arc::new(machine);
    let process = machine.processes.enter(&argv);
    let output = Output::default();
    let (writer, source) = match spec.stdin == Some(true) {
        true => {
            let (writer, reader) = pipe();
            (Some(writer), Source::Pipe(reader))
        }
        false => (None, Source::Nothing),
    };
    let clock = machine.clock;
    let (io, copying) = output.streams(source, move || clock.now());
    let tty = spec.tty == Some(true);
    let task = {
        let (machine, process, output) = (Arc::clone(&machine), process.clone(), output.clone());
        async move {
            let work = async {
                let code = run_with(&machine, &process, &argv, io, tty).await;
                machine.processes.end();
                code
            };
            let (code, ()) = futures::join!(work, copying);
            output.end();
            let _ = events.send(Event::Ended { run, code });
        }
    };
    Live {
        run,
        id,
        spec: spec.clone(),
        machine,
        process,
        output,
        stdin: Mutex::new(writer),
        task: tokio::spawn(task).abort_handle(),
    }
}

/// Runs a program to its end, on a terminal if there is to be one.
pub(super) async fn run_with(
    machine: &Arc<Machine>,
    process: &Process,
    argv: &[String],
    io: Io,
    tty: bool,
) -> i32 {
    if !tty {
        return run(machine, process, argv, &io, false).await;
    }
    let screen = io.stdout.clone();
    let (lines, cooked) = pipe();
    let (shown, showing) = terminal::shown_on(screen.clone());
    let typing = terminal::cook(io.stdin.clone(), lines, screen, process.clone());
    drop(io);
    let io = Io {
        stdin: Source::Pipe(cooked),
        stdout: shown.clone(),
        stderr: shown,
    };
    let work = async {
        let code = tokio::select! {
            biased;
            code = run(machine, process, argv, &io, true) => code,
            code = async {
                let _ = typing.await;
                std::future::pending().await
            } => code,
        };
        drop::<Io>(io);
        code
    };
    let (code, ()) = futures::join!(work, showing);
    code
}

/// The address that stands for one that a pod does not have yet.
pub(super) const NO_ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
