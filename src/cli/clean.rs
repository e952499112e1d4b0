//! `stsspec clean`.

use std::{
    collections::BTreeSet,
    io::{self, Write as _},
};

use anyhow::{Context as _, anyhow};
use clap::Args;
use tokio::runtime::Builder;

use super::{
    Failure,
    cluster::{Named, ledger},
};
use crate::{
    clock::Clock,
    cluster::context::{self, Choice, Found},
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    cluster: Named,
    /// What runs made in this namespace, which was there before.
    #[arg(long, value_name = "NAME", env = "STSSPEC_NAMESPACE")]
    namespace: Option<String>,
    /// Remove what this run made.
    #[arg(long, value_name = "ID", env = "STSSPEC_RUN", conflicts_with = "all")]
    run: Option<String>,
    /// Remove what all runs made, those that may still be on their way included.
    #[arg(long)]
    all: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<u8, Failure> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start a runtime")?;
    Ok(runtime.block_on(work(arguments))?)
}

async fn work(arguments: Arguments) -> anyhow::Result<u8> {
    let connection = context::connect(&arguments.cluster.into()).await?;
    let folder = ledger();
    let entries = context::ledger::read(&folder);
    let choice = match (arguments.run, arguments.all) {
        (Some(run), _) => Choice::Run(run),
        (None, true) => Choice::All,
        (None, false) => Choice::over(
            &entries,
            &connection.address,
            Clock::of_day().now().as_second(),
        ),
    };
    let client = connection.client()?;
    let of_ledger = entries
        .iter()
        .filter(|entry| entry.shared && entry.cluster == connection.address)
        .map(|entry| entry.namespace.clone());
    let rooms: BTreeSet<String> = match &arguments.namespace {
        Some(name) => [name.clone()].into(),
        None => of_ledger.collect(),
    };
    let mut is_whole = arguments.namespace.is_none();
    let (mut removed, mut left, mut stuck) = match is_whole {
        false => (Vec::new(), Vec::new(), Vec::new()),
        true => match context::clean(&client, &connection.address, &choice).await {
            // Whoever works in one namespace need not be able to list them.
            Err(context::Error::Refused { .. }) if !rooms.is_empty() => {
                is_whole = false;
                (Vec::new(), Vec::new(), Vec::new())
            }
            found => found?,
        },
    };
    let is_looked_at = |entry: &context::ledger::Entry| match entry.shared {
        true => rooms.contains(&entry.namespace),
        false => is_whole,
    };
    for room in &rooms {
        let (more_removed, more_left, more_stuck) =
            context::clean_room(&client, room, &choice).await;
        removed.extend(more_removed);
        left.extend(more_left);
        stuck.extend(more_stuck);
    }
    let of_left: BTreeSet<&String> = left.iter().map(|found| &found.run).collect();
    if stuck.is_empty() {
        // What the ledger names there is gone now, or never was. A run with more elsewhere is still to be cleaned up after.
        let unseen = |entry: &&context::ledger::Entry| {
            entry.cluster != connection.address || !is_looked_at(entry)
        };
        let of_unseen = entries.iter().filter(unseen).map(|entry| &entry.run);
        let kept: BTreeSet<&String> = of_left.into_iter().chain(of_unseen).collect();
        for entry in entries.iter().filter(|entry| !kept.contains(&entry.run)) {
            context::ledger::forget(&folder, &entry.run);
        }
    }
    say(&removed, &left);
    match stuck.is_empty() {
        true => Ok(0),
        false => Err(anyhow!("could not be removed: {}", stuck.join("; "))),
    }
}

/// A reader that has gone away is no fault.
fn say(removed: &[Found], left: &[Found]) {
    let mut out = io::stdout();
    for found in removed {
        let _ = writeln!(out, "removed {} of run {}", found.namespace, found.run);
    }
    for found in left {
        let _ = writeln!(
            out,
            "left {} of run {}, which may be on its way; `--run {}` removes it",
            found.namespace, found.run, found.run
        );
    }
    if removed.is_empty() && left.is_empty() {
        let _ = writeln!(out, "nothing is there to be removed");
    }
}
