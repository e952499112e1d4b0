//! `stsspec controller`.

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use anyhow::Context as _;
use clap::Args;
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use tokio::{runtime::Builder, sync::watch};

use super::{Exit, Failure, signals};
use crate::{clock::Clock, controller};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The kubeconfig that names the cluster. There is no default: no cluster is touched that was not named.
    #[arg(long, value_name = "PATH", env = "STSSPEC_KUBECONFIG")]
    kubeconfig: PathBuf,
    /// The context in it; its current one if not given.
    #[arg(long, value_name = "NAME", env = "STSSPEC_CONTEXT")]
    context: Option<String>,
    /// Only sets of this namespace; those of all if not given.
    #[arg(long, value_name = "NAME", env = "STSSPEC_NAMESPACE")]
    namespace: Option<String>,
    /// How many sets are worked on at once.
    #[arg(long, value_name = "N", default_value_t = 5, env = "STSSPEC_WORKERS")]
    workers: usize,
}

pub(super) fn run(arguments: Arguments, exit: Exit) -> Result<u8, Failure> {
    let (stop, mut stopped) = watch::channel(());
    let signals = signals::listen(exit, move || drop(stop))?;
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start a runtime")?;
    runtime.block_on(async {
        tokio::select! {
            biased;
            _ = stopped.changed() => Ok(()),
            ended = work(&arguments) => ended,
        }
    })?;
    Ok(signals.code().unwrap_or(0))
}

async fn work(arguments: &Arguments) -> anyhow::Result<()> {
    let (client, address) = connect(arguments).await?;
    let version = client
        .apiserver_version()
        .await
        .with_context(|| format!("cannot reach the cluster at {address}"))?;
    let _ = writeln!(
        io::stdout(),
        "working on {address}, Kubernetes {}.{}; Ctrl-C ends it",
        version.major,
        version.minor
    );
    let options = controller::Options {
        namespace: arguments.namespace.clone(),
        workers: arguments.workers.max(1),
        ..controller::Options::default()
    };
    match controller::run(client, Clock::of_day(), options).await {
        Ok(never) => match never {},
        Err(error) => Err(anyhow::Error::from(error).context("the controller ended")),
    }
}

/// The client, and where it leads.
async fn connect(arguments: &Arguments) -> anyhow::Result<(Client, String)> {
    let path = &arguments.kubeconfig;
    let named = || format!("cannot use the kubeconfig {}", path.display());
    let kubeconfig = Kubeconfig::read_from(path).with_context(named)?;
    let options = KubeConfigOptions {
        context: arguments.context.clone(),
        ..KubeConfigOptions::default()
    };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .with_context(named)?;
    let address = config.cluster_url.to_string();
    let client = Client::try_from(config).with_context(named)?;
    Ok((client, address))
}
