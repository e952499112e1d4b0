//! `stsspec explore`.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
};

use clap::Args;

use super::{
    Exit, Failure, code_of,
    run::{at_least_one, writable, write},
    signals::{self, Signals},
};
use crate::{
    report::Conclusion,
    suite::{Exhaust, Explore, Subject, drive::Interrupt},
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How many schedules, with the seeds from 0 on.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Only the schedule of this seed, again.
    #[arg(long, value_name = "N", conflicts_with = "seeds")]
    seed: Option<u64>,
    /// The first seed.
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "seed")]
    from: u64,
    /// Goes every way through a small scope in place of seeds: operations on sets of a few pods, with the controller's end
    /// before and after each of its writes, and with each pod's readiness gone and back between any two of them.
    #[arg(long, conflicts_with_all = ["seeds", "seed", "from"])]
    exhaustive: bool,
    /// How many pods a set has at most where every way is gone.
    #[arg(long, value_name = "N", default_value_t = 3, requires = "exhaustive", value_parser = clap::value_parser!(i32).range(1..=3))]
    replicas: i32,
    /// Operations only whose description has this text, where every way is gone.
    #[arg(long, value_name = "TEXT", requires = "exhaustive")]
    only: Option<String>,
    /// Crashes only, where every way is gone.
    #[arg(long, requires = "exhaustive")]
    crashes_only: bool,
    /// Who is judged: `bundled`, `none`, or `mutant:ID`.
    #[arg(long, default_value = "bundled", env = "STSSPEC_SUBJECT")]
    subject: Subject,
    /// How many schedules run at once; as many as there are cores if not given.
    #[arg(long, value_name = "N", env = "STSSPEC_PARALLEL", value_parser = at_least_one)]
    parallel: Option<usize>,
    /// Write what it came to as JSON, and where to; `-` for standard output.
    #[arg(long, value_name = "PATH")]
    json: Option<PathBuf>,
}

pub(super) fn run(arguments: Arguments, exit: Exit) -> Result<u8, Failure> {
    if let Some(path) = &arguments.json {
        writable(path)?;
    }
    if arguments.exhaustive {
        return exhaust(arguments, exit);
    }
    let seeds = match arguments.seed {
        Some(seed) => seed..seed.saturating_add(1),
        None => arguments.from..arguments.from.saturating_add(arguments.seeds),
    };
    let explore = Explore::new(arguments.subject, seeds);
    let explore = arguments
        .parallel
        .into_iter()
        .fold(explore, Explore::parallel);
    let interrupt = Interrupt::default();
    let raise = interrupt.clone();
    let signals = signals::listen(exit, move || raise.raise())?;
    let live = io::stderr().is_terminal();
    let explored = explore.run(&interrupt, &mut |done, of| {
        if live {
            let _ = write!(io::stderr(), "\r\u{1b}[2K{done} of {of} schedules");
        }
    })?;
    if live {
        let _ = write!(io::stderr(), "\r\u{1b}[2K");
    }
    told(
        arguments.json.as_ref(),
        &explored.text(),
        &explored.json(),
        explored.conclusion(),
        &signals,
    )
}

fn exhaust(arguments: Arguments, exit: Exit) -> Result<u8, Failure> {
    let exhaust = Exhaust::new(arguments.subject, arguments.replicas);
    let exhaust = arguments.only.into_iter().fold(exhaust, Exhaust::only);
    let exhaust = match arguments.crashes_only {
        true => exhaust.crashes_only(),
        false => exhaust,
    };
    let exhaust = arguments
        .parallel
        .into_iter()
        .fold(exhaust, Exhaust::parallel);
    let interrupt = Interrupt::default();
    let raise = interrupt.clone();
    let signals = signals::listen(exit, move || raise.raise())?;
    let live = io::stderr().is_terminal();
    let exhausted = exhaust.run(&interrupt, &mut |done, of| {
        if live {
            let _ = write!(io::stderr(), "\r\u{1b}[2K{done} of {of} ways");
        }
    })?;
    if live {
        let _ = write!(io::stderr(), "\r\u{1b}[2K");
    }
    told(
        arguments.json.as_ref(),
        &exhausted.text(),
        &exhausted.json(),
        exhausted.conclusion(),
        &signals,
    )
}

/// Says what it came to, and writes it where that is wanted.
fn told(
    path: Option<&PathBuf>,
    text: &str,
    json: &str,
    conclusion: Conclusion,
    signals: &Signals,
) -> Result<u8, Failure> {
    match path {
        Some(path) if path.as_os_str() == "-" => {}
        // A reader that has gone away, as `head` does, is no fault.
        _ => drop(io::stdout().write_all(text.as_bytes())),
    }
    if let Some(path) = path {
        write(path, json)?;
    }
    Ok(signals.code().unwrap_or_else(|| code_of(conclusion)))
}
