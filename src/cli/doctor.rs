//! `stsspec doctor`.

use std::io::{self, Write as _};

use clap::{Args, ValueEnum};

use super::{
    Failure,
    cluster::{Named, Terms, options},
};
use crate::{
    cluster::context::rights,
    report::checkup::Prospect,
    suite::{self, Subject},
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    named: Named,
    /// Who would be judged.
    #[arg(long, default_value = "built-in", env = "STSSPEC_SUBJECT")]
    subject: Subject,
    /// Print the Role that a run needs in one namespace, and, apart from it, what making namespaces takes; ask no cluster.
    #[arg(long)]
    rbac: bool,
    /// For people or for programs.
    #[arg(short, long, value_enum, default_value = "text")]
    output: Form,
    #[command(flatten)]
    terms: Terms,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// A line for each thing that was looked at.
    Text,
    /// An object.
    Json,
}

pub(super) fn run(arguments: Arguments) -> Result<u8, Failure> {
    if arguments.rbac {
        say(&rights::role(
            arguments.terms.namespace.as_deref().unwrap_or("default"),
        ));
        return Ok(0);
    }
    let options = options(arguments.named, arguments.terms);
    let checkup = suite::examine(&options, arguments.subject)?;
    say(&match arguments.output {
        Form::Text => checkup.text(),
        Form::Json => checkup.json(),
    });
    Ok(match checkup.prospect {
        Prospect::Ready => 0,
        Prospect::Partial => 5,
        Prospect::Impossible => 3,
    })
}

/// A reader that has gone away, as `head` does, is no fault.
fn say(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}
