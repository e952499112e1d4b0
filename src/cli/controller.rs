//! `stsspec controller`.

use std::{
    io::{self, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    pin::pin,
};

use anyhow::Context as _;
use clap::{ArgGroup, Args, builder::FalseyValueParser};
use http::{HeaderValue, header::USER_AGENT};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use tokio::{net::TcpListener, runtime::Builder, sync::watch};

use super::{Exit, Failure, signals};
use crate::{
    clock::Clock,
    cluster::Target,
    controller::{self, Metrics, health, lead, manifests},
    manifest,
    mini::api::schema::crd::STATEFUL_SET,
};

/// The name of the lease, and of everything else that it has in a cluster.
const NAME: &str = "stsspec-controller";

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("where").required(true).args(["kubeconfig", "in_cluster", "print_manifests", "print_crd"])))]
pub(super) struct Arguments {
    /// The kubeconfig that names the cluster. There is no default: no cluster is touched that was not named.
    #[arg(long, value_name = "PATH", env = "STSSPEC_KUBECONFIG")]
    kubeconfig: Option<PathBuf>,
    /// The context in it; its current one if not given.
    #[arg(
        long,
        value_name = "NAME",
        env = "STSSPEC_CONTEXT",
        conflicts_with = "in_cluster"
    )]
    context: Option<String>,
    /// Work on the cluster that this runs in, as its pod's service account.
    #[arg(long, env = "STSSPEC_IN_CLUSTER", value_parser = FalseyValueParser::new())]
    in_cluster: bool,
    /// Only sets of this namespace; those of all if not given.
    #[arg(long, value_name = "NAME", env = "STSSPEC_NAMESPACE")]
    namespace: Option<String>,
    /// How many sets are worked on at once.
    #[arg(long, value_name = "N", default_value_t = 5, env = "STSSPEC_WORKERS")]
    workers: usize,
    /// Work only while this copy holds the lease `stsspec-controller`.
    #[arg(long, env = "STSSPEC_LEADER_ELECT", value_parser = FalseyValueParser::new())]
    leader_elect: bool,
    /// The namespace of that lease; in a cluster the pod's own if not given, else `stsspec-system`.
    #[arg(long, value_name = "NAME", env = "STSSPEC_LEASE_NAMESPACE")]
    lease_namespace: Option<String>,
    /// Serve `/healthz`, `/livez`, `/readyz` and `/metrics` there.
    #[arg(long, value_name = "ADDRESS:PORT", env = "STSSPEC_HEALTH_ADDRESS")]
    health_address: Option<SocketAddr>,
    /// Print what `kubectl apply` needs to run this image in a cluster, least rights included, and end.
    #[arg(long, value_name = "IMAGE")]
    print_manifests: Option<String>,
    /// Print the CustomResourceDefinition of `stsspec.dev/v1`, and end. An administrator installs it once.
    #[arg(long)]
    print_crd: bool,
    /// The kind of object it works on: `apps/v1`, or `stsspec.dev/v1` beside a controller that the cluster has itself.
    #[arg(long, default_value = "apps/v1", env = "STSSPEC_TARGET")]
    target: Target,
}

pub(super) fn run(arguments: Arguments, exit: Exit) -> Result<u8, Failure> {
    if let Some(image) = &arguments.print_manifests {
        let text = manifests::manifests(image, manifests::NAMESPACE, &arguments.target);
        // A reader that has gone away, as `head` does, is no fault.
        let _ = io::stdout().write_all(text.as_bytes());
        return Ok(0);
    }
    if arguments.print_crd {
        let definition = STATEFUL_SET.object().map(|object| manifest::write(&object));
        let _ = io::stdout().write_all(definition.unwrap_or_default().as_bytes());
        return Ok(0);
    }
    let (stop, stopped) = watch::channel(());
    let signals = signals::listen(exit, move || drop(stop))?;
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start a runtime")?;
    runtime.block_on(work(&arguments, stopped))?;
    Ok(signals.code().unwrap_or(0))
}

/// Works until it is stopped.
async fn work(arguments: &Arguments, mut stopped: watch::Receiver<()>) -> anyhow::Result<()> {
    let metrics = Metrics::default();
    let served = served(arguments.health_address, metrics.clone());
    let mut served = pin!(served);
    let controlled = async {
        let (client, address) = tokio::select! {
            biased;
            _ = stopped.changed() => return Ok(()),
            connected = connect(arguments) => connected?,
        };
        let election = arguments.leader_elect.then(|| election(arguments));
        let ended = tokio::select! {
            biased;
            _ = stopped.changed() => Ok(()),
            ended = lead(arguments, client.clone(), &address, election.clone(), metrics) => ended,
        };
        if let Some(election) = &election {
            lead::release(client, election).await;
        }
        ended
    };
    tokio::select! {
        biased;
        failed = &mut served => failed,
        ended = controlled => ended,
    }
}

async fn served(address: Option<SocketAddr>, metrics: Metrics) -> anyhow::Result<()> {
    let Some(address) = address else {
        return std::future::pending().await;
    };
    let named = || format!("cannot serve on {address}");
    let listener = TcpListener::bind(address).await.with_context(named)?;
    match health::serve(listener, metrics).await.with_context(named)? {}
}

/// Controls, at once or for as long as this copy leads.
async fn lead(
    arguments: &Arguments,
    client: Client,
    address: &str,
    election: Option<lead::Election>,
    metrics: Metrics,
) -> anyhow::Result<()> {
    let version = client
        .apiserver_version()
        .await
        .with_context(|| format!("cannot reach the cluster at {address}"))?;
    let (major, minor) = (version.major, version.minor);
    let options = controller::Options {
        namespace: arguments.namespace.clone(),
        workers: arguments.workers.max(1),
        target: arguments.target.clone(),
        metrics: metrics.clone(),
        ..controller::Options::default()
    };
    let say = || {
        metrics.leads();
        let text = format!("working on {address}, Kubernetes {major}.{minor}; Ctrl-C ends it");
        let _ = writeln!(io::stdout(), "{text}");
    };
    let work = controller::run(client.clone(), Clock::of_day(), options);
    let ended = match election {
        None => {
            say();
            work.await
        }
        Some(election) => {
            let _ = writeln!(
                io::stdout(),
                "waiting for the lease {}/{} as {}",
                election.namespace,
                election.name,
                election.identity
            );
            lead::lead(client, Clock::of_day(), election, say, work).await?
        }
    };
    match ended {
        Ok(never) => match never {},
        Err(error) => Err(anyhow::Error::from(error).context("the controller ended")),
    }
}

/// The lease; this copy is told from others by its host and its process.
fn election(arguments: &Arguments) -> lead::Election {
    let own = std::fs::read_to_string(Path::new(ACCOUNT).join("namespace"));
    let own = own.ok().filter(|_| arguments.in_cluster);
    let namespace = arguments.lease_namespace.clone().or(own);
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    lead::Election {
        namespace: namespace.unwrap_or_else(|| manifests::NAMESPACE.to_owned()),
        name: NAME.to_owned(),
        identity: format!("{}_{}", host.trim(), std::process::id()),
    }
}

/// Where a pod finds its service account.
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The client, and where it leads.
async fn connect(arguments: &Arguments) -> anyhow::Result<(Client, String)> {
    let mut config = match &arguments.kubeconfig {
        None => Config::incluster().context("cannot work on the cluster that this runs in")?,
        Some(path) => {
            let named = || format!("cannot use the kubeconfig {}", path.display());
            let kubeconfig = Kubeconfig::read_from(path).with_context(named)?;
            let options = KubeConfigOptions {
                context: arguments.context.clone(),
                ..KubeConfigOptions::default()
            };
            Config::from_custom_kubeconfig(kubeconfig, &options)
                .await
                .with_context(named)?
        }
    };
    // Its writes carry this name in managed fields.
    let agent = (USER_AGENT, HeaderValue::from_static(NAME));
    config.headers.push(agent);
    // The queue tries again, and knows what for.
    config.default_retry = false;
    let address = config.cluster_url.to_string();
    let client = Client::try_from(config).context("cannot use the cluster's configuration")?;
    Ok((client, address))
}
