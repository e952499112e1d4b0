//! `stsspec observe`.

use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
    time::Duration,
};

use anyhow::Context as _;
use clap::Args;
use jiff::SignedDuration;
use tokio::sync::watch;

use super::{Exit, Failure, cluster::Named, code_of, judge::Form, run::writable, signals};
use crate::{
    report::judgement,
    suite::{Observe, Seen},
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    named: Named,
    /// Whose sets. May be given more than once.
    #[arg(
        short,
        long,
        value_name = "NAME",
        env = "STSSPEC_NAMESPACE",
        value_delimiter = ',',
        required_unless_present = "all_namespaces"
    )]
    namespace: Vec<String>,
    /// The sets of all namespaces.
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,
    /// For how long, as in `90s`, `10m` or `2h`; until it is interrupted if not given.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration, conflicts_with = "until_interrupted")]
    duration: Option<Duration>,
    /// Until Ctrl-C, which is no fault then.
    #[arg(long)]
    until_interrupted: bool,
    /// Save what was seen last, for `judge`.
    #[arg(long, value_name = "PATH")]
    history: Option<PathBuf>,
    /// For people or for programs.
    #[arg(short, long, value_enum, default_value = "text")]
    output: Form,
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration: SignedDuration = text
        .parse()
        .map_err(|_| "it is a number with a unit, as in 90s, 10m or 2h".to_owned())?;
    match Duration::try_from(duration) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("it is longer than nothing".to_owned()),
    }
}

pub(super) fn run(arguments: Arguments, exit: Exit) -> Result<u8, Failure> {
    if let Some(path) = &arguments.history {
        writable(path)?;
    }
    let (stop, stopped) = watch::channel(false);
    let signals = signals::listen(exit, move || {
        // It may have ended by itself.
        let _ = stop.send(true);
    })?;
    let is_timed = arguments.duration.is_some();
    let observe = Observe {
        options: arguments.named.into(),
        namespaces: arguments.namespace.into_iter().collect(),
        duration: arguments.duration,
    };
    let (judged, lost, last) = observe.run(stopped, &mut |seen| {
        let text = match seen {
            Seen::Begun(sets) => format!("watching {sets} sets; Ctrl-C ends it and judges\n"),
            Seen::Breach(rule, violation) => judgement::breach(rule, violation),
            Seen::Released(changes) => format!("{changes} changes were judged and let go\n"),
        };
        let _ = io::stderr().write_all(text.as_bytes());
    })?;
    if let Some(path) = &arguments.history {
        let text = serde_json::to_string(&last).context("cannot write the history")?;
        fs::write(path, text)
            .with_context(|| format!("cannot write the history to {}", path.display()))?;
    }
    arguments.output.say(&judged);
    let code = code_of(judged.conclusion);
    Ok(match signals.code().filter(|_| is_timed) {
        // A breach stays one, however the rest would have been.
        _ if code == 1 => code,
        Some(signal) => signal,
        None if lost.is_some() => 3,
        None => code,
    })
}
