//! Arguments to a validated request, a file for each subcommand, and what the process ends with.
//!
//! # Exit codes
//!
//! | code | means |
//! |---|---|
//! | 0 | conformant |
//! | 1 | not conformant |
//! | 2 | wrong usage |
//! | 3 | could not run, or could not decide |
//! | 4 | nothing selected |
//! | 5 | partial: core behaviours were skipped |
//! | 130, 143 | interrupted, and cleaned up |

mod clean;
mod cluster;
mod controller;
mod doctor;
mod explore;
mod judge;
mod list;
mod mutants;
mod observe;
mod run;
mod serve;
mod signals;

use std::{ffi::OsString, fmt, io::Write as _};

use clap::{Parser, Subcommand};

use crate::{report::Conclusion, suite};

/// Ends the process with a code: the one thing that only `main` may do.
pub type Exit = fn(u8) -> !;

/// The executable specification of Kubernetes StatefulSets.
#[derive(Debug, Parser)]
#[command(
    name = "stsspec",
    version,
    arg_required_else_help = true,
    max_term_width = 110
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one of it")]
enum Command {
    /// Run the specification, or parts of it, and say whether the subject conforms.
    Run(run::Arguments),
    /// Show what there is: scenarios, behaviours, steps.
    List(list::Arguments),
    /// Run the specification on components known to be wrong, and show which of its judges find them out.
    Mutants(mutants::Arguments),
    /// Run schedules of operations and faults, drawn from seeds, and shrink those that show a breach.
    Explore(explore::Arguments),
    /// Judge the sets of a live cluster by watching alone: get, list, watch, and nothing else.
    Observe(observe::Arguments),
    /// Judge a saved history, or an audit log of Kubernetes.
    Judge(judge::Arguments),
    /// Serve an embedded cluster on a port, in real time, for kubectl and any other client.
    Serve(serve::Arguments),
    /// Remove what earlier runs have left on a cluster.
    Clean(clean::Arguments),
    /// Say what a cluster offers, what would be skipped on it and why, and which rights that takes. Changes nothing.
    Doctor(doctor::Arguments),
    /// Run the reference controller on a cluster that a kubeconfig names.
    Controller(controller::Arguments),
}

/// Reads the arguments and does what they ask for. Returns the code that the process is to end with; `exit` is for the
/// second signal, which does not wait.
pub fn main(arguments: impl IntoIterator<Item = OsString>, exit: Exit) -> u8 {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are asked for, and go to standard output.
            let _ = error.print();
            return if error.use_stderr() { 2 } else { 0 };
        }
    };
    let done = match arguments.command {
        Command::Run(arguments) => run::run(arguments, exit),
        Command::List(arguments) => list::run(&arguments),
        Command::Mutants(arguments) => mutants::run(&arguments, exit),
        Command::Explore(arguments) => explore::run(arguments, exit),
        Command::Observe(arguments) => observe::run(arguments, exit),
        Command::Judge(arguments) => judge::run(&arguments),
        Command::Serve(arguments) => serve::run(arguments, exit),
        Command::Clean(arguments) => clean::run(arguments),
        Command::Doctor(arguments) => doctor::run(arguments),
        Command::Controller(arguments) => controller::run(arguments, exit),
    };
    match done {
        Ok(code) => code,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "stsspec: {failure}");
            failure.code
        }
    }
}

/// Why a command could not do what it was asked for: one line, and a code.
#[derive(Debug)]
struct Failure {
    code: u8,
    error: anyhow::Error,
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An error and what is beneath it, where it does not say that already, on one line whatever they say.
        let mut text = String::new();
        for cause in self.error.chain().map(ToString::to_string) {
            if !text.contains(&cause) {
                let colon = if text.is_empty() { "" } else { ": " };
                text = format!("{text}{colon}{cause}");
            }
        }
        let line: Vec<&str> = text.split_whitespace().collect();
        out.write_str(&line.join(" "))
    }
}

/// What was asked for cannot be run.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { code: 3, error }
    }
}

impl From<suite::Error> for Failure {
    fn from(error: suite::Error) -> Self {
        let code = match &error {
            suite::Error::Nothing(_) => 4,
            suite::Error::Site(
                suite::SiteError::Subject { .. } | suite::SiteError::Target { .. },
            ) => 2,
            suite::Error::Site(_) | suite::Error::Features(_) => 3,
        };
        Self {
            code,
            error: error.into(),
        }
    }
}

/// What a run ends with.
fn code_of(conclusion: Conclusion) -> u8 {
    match conclusion {
        Conclusion::Conformant => 0,
        Conclusion::NotConformant => 1,
        Conclusion::Undecided => 3,
        Conclusion::Partial => 5,
        Conclusion::Interrupted => 130,
    }
}
