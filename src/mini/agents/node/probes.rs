//! Probes: how a node finds out whether a container has started, is ready, is alive.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use k8s_openapi::{
    api::core::v1::{Container, HTTPGetAction, Probe},
    apimachinery::pkg::util::intstr::IntOrString,
};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::mini::agents::shell::{
    Machine,
    pipe::{Io, Sink, Source, pipe},
    run,
};

/// What a probe is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    Startup,
    Liveness,
    Readiness,
}

impl Purpose {
    /// As it is called in events.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Startup => "Startup",
            Self::Liveness => "Liveness",
            Self::Readiness => "Readiness",
        }
    }
}

/// Counts results until there are enough of a kind in a row.
#[derive(Debug)]
pub(super) struct Tally {
    holds: bool,
    in_row: i32,
    last: Option<bool>,
    success: i32,
    failure: i32,
}

impl Tally {
    pub(super) fn new(probe: &Probe, purpose: Purpose) -> Self {
        Self {
            holds: purpose == Purpose::Liveness,
            in_row: 0,
            last: None,
            success: probe.success_threshold.unwrap_or(1).max(1),
            failure: probe.failure_threshold.unwrap_or(3).max(1),
        }
    }

    /// Takes note of a result. Tells the verdict when it changes; a startup probe's failure is a change, though it has
    /// not succeeded before.
    pub(super) fn note(&mut self, succeeded: bool, purpose: Purpose) -> Option<bool> {
        self.in_row = if self.last == Some(succeeded) {
            self.in_row + 1
        } else {
            1
        };
        self.last = Some(succeeded);
        let enough = if succeeded {
            self.success
        } else {
            self.failure
        };
        if self.in_row < enough {
            return None;
        }
        let fatal = !succeeded && purpose != Purpose::Readiness;
        let changed = self.holds != succeeded || fatal;
        self.holds = succeeded;
        changed.then_some(succeeded)
    }
}

fn port_of(port: &IntOrString, container: &Container) -> Option<u16> {
    match port {
        IntOrString::Int(number) => u16::try_from(*number).ok(),
        IntOrString::String(name) => {
            let ports = container.ports.iter().flatten();
            let mut named = ports.filter(|port| port.name.as_deref() == Some(name));
            u16::try_from(named.next()?.container_port).ok()
        }
    }
}

/// Runs a command to its end: its exit code, and what it wrote.
pub(super) async fn command(machine: &Arc<Machine>, argv: &[String]) -> (i32, String) {
    let (out, read) = pipe();
    let io = Io {
        stdin: Source::Nothing,
        stdout: Sink::Pipe(out.clone()),
        stderr: Sink::Pipe(out),
    };
    let process = machine.processes.enter(argv);
    let work = async {
        let code = run(machine, &process, argv, &io, false).await;
        drop(io);
        code
    };
    let source = Source::Pipe(read);
    let (code, text) = futures::join!(work, source.read_all());
    (code, String::from_utf8_lossy(&text).into_owned())
}

/// Asks over HTTP.
///
/// # Errors
/// Nobody answers, or with a code that is not a success; in words.
pub(super) async fn get(
    machine: &Machine,
    container: &Container,
    ask: &HTTPGetAction,
) -> Result<(), String> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let port = port_of(&ask.port, container).ok_or("no such port")?;
    let host = ask
        .host
        .as_deref()
        .and_then(|host| host.parse().ok())
        .unwrap_or(machine.address);
    let at = SocketAddr::new(host, port);
    let path = ask.path.as_deref().unwrap_or("/");
    let refused = |why: &dyn std::fmt::Display| {
        format!("Get \"http://{at}{path}\": dial tcp {at}: connect: {why}")
    };
    let connected = machine.network.connect(machine.address, at);
    let (mut stream, other) =
        connected.map_err(|error| refused(&error.to_string().to_lowercase()))?;
    let ours = async move {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {at}\r\nUser-Agent: kube-probe/1.37\r\nConnection: close\r\n\r\n"
        );
        let mut answer = Vec::new();
        if stream.write_all(request.as_bytes()).await.is_ok() {
            let _ = stream.read_to_end(&mut answer).await;
        }
        answer
    };
    let (answer, ()) = futures::join!(ours, other);
    let head = String::from_utf8_lossy(&answer);
    let code = head
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse::<u16>().ok());
    match code {
        Some(200..=399) => Ok(()),
        Some(code) => Err(format!("HTTP probe failed with statuscode: {code}")),
        None => Err(format!("Get \"http://{at}{path}\": EOF")),
    }
}

async fn check(machine: &Arc<Machine>, container: &Container, probe: &Probe) -> Result<(), String> {
    if let Some(exec) = &probe.exec {
        let argv = exec.command.clone().unwrap_or_default();
        return match command(machine, &argv).await {
            (0, _) => Ok(()),
            (_, text) => Err(text),
        };
    }
    if let Some(ask) = &probe.http_get {
        return get(machine, container, ask).await;
    }
    let port = match (&probe.tcp_socket, &probe.grpc) {
        (Some(socket), _) => port_of(&socket.port, container),
        (None, Some(grpc)) => u16::try_from(grpc.port).ok(),
        (None, None) => return Ok(()),
    };
    let at = SocketAddr::new(machine.address, port.ok_or("no such port")?);
    match machine.network.connect(machine.address, at) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!(
            "dial tcp {at}: connect: {}",
            error.to_string().to_lowercase()
        )),
    }
}

/// Probes for ever and tells each change of the verdict, and the first failure of a row, with what the check said.
pub(super) async fn watch(
    machine: Arc<Machine>,
    container: Container,
    probe: Probe,
    purpose: Purpose,
    started: Instant,
    tell: impl Fn(Option<bool>, Option<String>) + Send,
) {
    let seconds = |value: Option<i32>, usual: u64| {
        Duration::from_secs(value.map_or(usual, |value| u64::try_from(value).unwrap_or(usual)))
    };
    sleep_until(started + seconds(probe.initial_delay_seconds, 0)).await;
    let period = seconds(probe.period_seconds, 10).max(Duration::from_secs(1));
    let limit = seconds(probe.timeout_seconds, 1).max(Duration::from_secs(1));
    let mut tally = Tally::new(&probe, purpose);
    let mut complained = false;
    loop {
        let next = Instant::now() + period;
        let result = timeout(limit, check(&machine, &container, &probe)).await;
        let result =
            result.unwrap_or_else(|_| Err(format!("command timed out after {}s", limit.as_secs())));
        let change = tally.note(result.is_ok(), purpose);
        // The first failure of a row is told of, and every change.
        let first = result.is_err() && !complained;
        complained = result.is_err();
        if change.is_some() || first {
            tell(change, result.err());
        }
        match next.checked_duration_since(Instant::now()) {
            Some(rest) => sleep(rest).await,
            None => tokio::task::yield_now().await,
        }
    }
}
