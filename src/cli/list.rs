//! `stsspec list`.

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use clap::{Args, ValueEnum};

use super::Failure;
use crate::{
    report::List,
    suite::{self, Subject, Suite, select::Tags},
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// As of `run`.
    #[arg(value_name = "SELECT")]
    select: Vec<String>,
    /// Only scenarios whose tags fit.
    #[arg(long, value_name = "EXPRESSION")]
    tags: Option<Tags>,
    /// The behaviours of the inventory, and how many judge each.
    #[arg(long, conflicts_with_all = ["select", "tags", "steps"])]
    behaviours: bool,
    /// The sentences that features may use.
    #[arg(long, conflicts_with_all = ["select", "tags"])]
    steps: bool,
    /// How many behaviours of each chapter are judged, as a table in Markdown.
    #[arg(long, conflicts_with_all = ["select", "tags", "behaviours", "steps"])]
    coverage: bool,
    /// Features of a folder, in place of those that are built in.
    #[arg(long, value_name = "FOLDER", env = "STSSPEC_FEATURES")]
    features: Option<PathBuf>,
    /// For people or for programs.
    #[arg(short, long, value_enum, default_value = "text")]
    output: Form,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// A line each.
    Text,
    /// An array.
    Json,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let suite = Suite::of(Subject::None);
    let suite = arguments
        .select
        .iter()
        .fold(suite, |suite, part| suite.select(part));
    let suite = arguments.tags.iter().cloned().fold(suite, Suite::tags);
    let suite = arguments
        .features
        .iter()
        .fold(suite, |suite, folder| suite.features_in(folder));
    let list = match arguments {
        Arguments {
            behaviours: true, ..
        } => List::Behaviours(suite.list_behaviours()?),
        Arguments { coverage: true, .. } => List::coverage(&suite.list_behaviours()?),
        Arguments { steps: true, .. } => List::Steps(suite::steps()),
        _ => List::Scenarios(suite.list()?),
    };
    let text = match arguments.output {
        Form::Text => list.text(),
        Form::Json => list.json(),
    };
    // A reader that has gone away, as `head` does, is no fault.
    let _ = io::stdout().write_all(text.as_bytes());
    Ok(0)
}
