//! `stsspec serve`.

use std::{
    fs,
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::{Args, builder::FalseyValueParser};
use serde_json::json;
use tokio::{net::TcpListener, runtime::Builder, sync::watch};

use super::{Exit, Failure, signals};
use crate::{
    clock::Clock,
    cluster::embedded::{Embedded, Options},
    controller, manifest,
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The port to serve on; 0 takes one that is free.
    #[arg(long, default_value_t = 8001, env = "STSSPEC_PORT")]
    port: u16,
    /// Where to write a kubeconfig for it; an existing file is replaced only if `serve` wrote it.
    #[arg(long, value_name = "PATH", env = "STSSPEC_SERVE_KUBECONFIG")]
    kubeconfig: Option<PathBuf>,
    /// How many nodes it has.
    #[arg(long, value_name = "N", default_value_t = 1, env = "STSSPEC_NODES")]
    nodes: usize,
    /// Leave StatefulSets alone: run a controller of your own.
    #[arg(long, env = "STSSPEC_NO_CONTROLLER", value_parser = FalseyValueParser::new())]
    no_controller: bool,
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
            served = serve(&arguments) => served,
        }
    })?;
    if let Some(path) = &arguments.kubeconfig {
        // What it led to is gone.
        let _ = fs::remove_file(path);
    }
    Ok(signals.code().unwrap_or(0))
}

/// Serves until it is dropped.
async fn serve(arguments: &Arguments) -> anyhow::Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port));
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot serve on {address}"))?;
    let address = listener.local_addr().context("cannot serve")?;
    let clock = Clock::of_day();
    let mut options = Options::default();
    options.server.seed = u64::from(std::process::id());
    options.agents.nodes = arguments.nodes;
    let cluster = Embedded::start(clock, &options).await;
    if let Some(path) = &arguments.kubeconfig {
        write(path, &kubeconfig(address))?;
    }
    let _ = writeln!(io::stdout(), "{}", usage(arguments, address));
    let client = cluster.server().client("stsspec-controller");
    let working = async {
        match arguments.no_controller {
            true => std::future::pending().await,
            false => match controller::run(client, clock, controller::Options::default()).await {
                Ok(never) => match never {},
                Err(error) => anyhow::Error::from(error).context("the controller ended"),
            },
        }
    };
    tokio::select! {
        biased;
        error = working => Err(error),
        served = cluster.server().serve(listener) => served.context("cannot serve any more"),
    }
}

const MARK: &str = "# Written by `stsspec serve`.\n";

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let foreign =
        fs::read_to_string(path).is_ok_and(|there| !there.is_empty() && !there.starts_with(MARK));
    anyhow::ensure!(
        !foreign,
        "{} is there already and was not written by `stsspec serve`: name another file",
        path.display()
    );
    fs::write(path, format!("{MARK}{text}"))
        .with_context(|| format!("cannot write {}", path.display()))
}

fn kubeconfig(address: SocketAddr) -> String {
    manifest::write(&json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "stsspec", "cluster": {"server": format!("http://{address}")}}],
        "users": [{"name": "stsspec", "user": {}}],
        "contexts": [{"name": "stsspec", "context": {"cluster": "stsspec", "user": "stsspec", "namespace": "default"}}],
        "current-context": "stsspec",
    }))
}

fn usage(arguments: &Arguments, address: SocketAddr) -> String {
    let who = match arguments.no_controller {
        true => "nobody takes care of StatefulSets",
        false => "the reference controller takes care of StatefulSets",
    };
    let how = match &arguments.kubeconfig {
        Some(path) => format!(
            "  export KUBECONFIG={}\n  kubectl get nodes",
            absolute(path).display()
        ),
        None => format!("  kubectl --server http://{address} get nodes"),
    };
    format!(
        "serving an embedded cluster on http://{address}; {who}\n\n{how}\n\nCtrl-C ends it and all that is in it"
    )
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
