//! What runs in a container: a small shell and the commands that scenarios and tutorials use, on the container's own
//! files and the cluster's network and time.
//!
//! - A process ends on TERM, INT, HUP or QUIT unless it handles them; process 1 ignores what it does not handle, as on
//!   Linux. So `sleep` as a container's command is killed at the end of its grace, `trap exit TERM` is not.
//! - A shell looks at its traps between two commands and in `wait`, not while a foreground command runs.
//! - A program that neither the image nor this module knows does not exist.

mod arithmetic;
mod builtins;
mod client;
mod expand;
pub mod files;
mod filing;
mod interpret;
mod names;
pub mod pipe;
mod process;
mod sed;
pub mod service;
mod stream;
mod syntax;
mod system;
pub mod terminal;
mod text;

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use futures::future::BoxFuture;

use crate::clock::Clock;

use super::network::Network;
use files::Files;
use pipe::{Broken, Io};

pub use process::{Process, Processes, Signal};

/// What the processes of one container share.
#[derive(Debug)]
pub struct Machine {
    /// The files they see.
    pub files: Files,
    /// The environment they start with.
    pub environment: BTreeMap<String, String>,
    /// The directory they start in.
    pub directory: String,
    /// What `hostname` prints.
    pub hostname: String,
    /// The pod's address.
    pub address: IpAddr,
    /// Whom they run as.
    pub user: i64,
    /// Where they can reach others.
    pub network: Network,
    /// The cluster's time.
    pub clock: Clock,
    /// The processes.
    pub processes: Processes,
    /// What the image brings.
    pub image: Image,
}

/// What an image brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// What runs where the container names no command; without it, the image's own service.
    pub command: Vec<String>,
    /// The programs of its own that serve until they are told to end.
    pub programs: Vec<String>,
    /// Any program unknown to the shell is one of its own: it is not known what the image has.
    pub unknown: bool,
    /// The ports its service answers at, beside those the container declares.
    pub ports: Vec<u16>,
    /// Where its service takes files from.
    pub documents: Option<String>,
    /// Its `nslookup` is older than busybox 1.29.
    pub old_nslookup: bool,
}

/// What runs for a program's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// The shell.
    Shell,
    /// A command of this module.
    Command,
    /// A file, run by the shell.
    Script(String),
    /// The image's own service.
    Service,
}

/// A text is a script that can be run, whatever comes of it.
pub fn is_script(text: &str) -> bool {
    syntax::parse(text).is_ok()
}

/// How a command ended: its exit code, or that nobody reads what it writes.
pub(crate) type Outcome = Result<i32, Broken>;

/// Where a command runs.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub machine: &'a Arc<Machine>,
    pub process: &'a Process,
    pub io: &'a Io,
    pub directory: &'a str,
    pub environment: &'a BTreeMap<String, String>,
}

impl Call<'_> {
    /// The plain form of a path as the command means it.
    fn path(&self, path: &str) -> String {
        files::plain(self.directory, path)
    }
}

const COMMANDS: [&str; 57] = [
    "[", "basename", "cat", "chmod", "chown", "cp", "curl", "cut", "date", "dirname", "dd", "df",
    "echo", "env", "expr", "false", "find", "free", "getent", "grep", "head", "hostname", "httpd",
    "id", "kill", "ls", "mkdir", "mktemp", "mv", "nc", "nproc", "nslookup", "ping", "printenv",
    "printf", "ps", "pwd", "readlink", "rm", "rmdir", "sed", "seq", "sleep", "sort", "stat",
    "sync", "tail", "tee", "test", "timeout", "touch", "tr", "true", "uname", "uniq", "wc", "wget",
];
const MORE_COMMANDS: [&str; 6] = ["whoami", "which", "xargs", "yes", "tac", "nohup"];
const SHELLS: [&str; 4] = ["sh", "ash", "bash", "dash"];
const PROGRAM_PATHS: [&str; 6] = [
    "/bin",
    "/usr/bin",
    "/sbin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
];

impl Machine {
    /// What runs under that name; None where there is no such program.
    pub fn program(&self, name: &str, directory: &str) -> Option<Program> {
        if name.contains('/') {
            let path = files::plain(directory, name);
            if self
                .files
                .entry(&path)
                .is_some_and(|entry| !entry.is_directory())
            {
                return Some(Program::Script(path));
            }
        }
        let (directory, base) = files::split(name);
        let own = self
            .image
            .programs
            .iter()
            .any(|own| own == name || own == base);
        let usual = !name.contains('/') || PROGRAM_PATHS.contains(&directory);
        match base {
            _ if own => Some(Program::Service),
            base if usual && SHELLS.contains(&base) => Some(Program::Shell),
            base if usual && is_command(base) => Some(Program::Command),
            _ => None,
        }
    }
}

fn is_command(name: &str) -> bool {
    COMMANDS.contains(&name) || MORE_COMMANDS.contains(&name)
}

/// Starts a command of this module; None where there is none of that name.
fn start<'a>(name: &str, call: Call<'a>, args: &'a [String]) -> Option<BoxFuture<'a, Outcome>> {
    Some(match name {
        "basename" => Box::pin(filing::basename(call, args)),
        "cat" => Box::pin(text::cat(call, args)),
        "chmod" => Box::pin(filing::chmod(call, args)),
        "chown" | "sync" | "true" | "free" => Box::pin(async { Ok(0) }),
        "cp" => Box::pin(filing::cp(call, args)),
        "curl" => Box::pin(client::curl(call, args)),
        "cut" => Box::pin(stream::cut(call, args)),
        "date" => Box::pin(system::date(call, args)),
        "dirname" => Box::pin(filing::dirname(call, args)),
        "dd" => Box::pin(filing::dd(call, args)),
        "df" => Box::pin(system::df(call, args)),
        "echo" => Box::pin(text::echo(call, args)),
        "env" => Box::pin(system::env(call, args)),
        "printenv" => Box::pin(system::printenv(call, args)),
        "expr" => Box::pin(system::expr(call, args)),
        "false" => Box::pin(async { Ok(1) }),
        "find" => Box::pin(filing::find(call, args)),
        "getent" => Box::pin(names::getent(call, args)),
        "grep" => Box::pin(stream::grep(call, args)),
        "head" => Box::pin(text::head(call, args)),
        "hostname" => Box::pin(names::hostname(call, args)),
        "httpd" => Box::pin(service::httpd(call, args)),
        "id" | "whoami" => Box::pin(system::id(call, name.to_owned(), args)),
        "kill" => Box::pin(system::kill(call, args)),
        "ls" => Box::pin(filing::ls(call, args)),
        "mkdir" => Box::pin(filing::mkdir(call, args)),
        "mktemp" => Box::pin(filing::mktemp(call, args)),
        "mv" => Box::pin(filing::mv(call, args)),
        "nc" => Box::pin(client::nc(call, args)),
        "nproc" => Box::pin(async move { call.io.out("2\n").await.map(|()| 0) }),
        "nslookup" => Box::pin(names::nslookup(call, args)),
        "ping" => Box::pin(client::ping(call, args)),
        "printf" => Box::pin(text::printf(call, args)),
        "ps" => Box::pin(system::ps(call)),
        "pwd" => Box::pin(async move {
            call.io
                .out(format!("{}\n", call.directory))
                .await
                .map(|()| 0)
        }),
        "readlink" => Box::pin(filing::readlink(call, args)),
        "rm" | "rmdir" => Box::pin(filing::rm(call, name == "rmdir", args)),
        "sed" => Box::pin(sed::sed(call, args)),
        "seq" => Box::pin(text::seq(call, args)),
        "sleep" => Box::pin(system::sleep(call, args)),
        "sort" => Box::pin(stream::sort(call, args)),
        "stat" => Box::pin(filing::stat(call, args)),
        "tac" => Box::pin(stream::tac(call, args)),
        "tail" => Box::pin(text::tail(call, args)),
        "tee" => Box::pin(text::tee(call, args)),
        "test" | "[" => Box::pin(system::test(call, name == "[", args)),
        "timeout" => Box::pin(system::timeout(call, args)),
        "nohup" => Box::pin(system::nohup(call, args)),
        "touch" => Box::pin(filing::touch(call, args)),
        "tr" => Box::pin(stream::tr(call, args)),
        "uname" => Box::pin(system::uname(call, args)),
        "uniq" => Box::pin(stream::uniq(call, args)),
        "wc" => Box::pin(text::wc(call, args)),
        "wget" => Box::pin(client::wget(call, args)),
        "which" => Box::pin(filing::which(call, args)),
        "xargs" => Box::pin(system::xargs(call, args)),
        "yes" => Box::pin(text::yes(call, args)),
        _ => return None,
    })
}

/// Runs a program in a process until it ends or a signal ends it, and gives its exit code.
///
/// A program that does not exist gives 127 and a line on standard error.
pub async fn run(
    machine: &Arc<Machine>,
    process: &Process,
    argv: &[String],
    io: &Io,
    terminal: bool,
) -> i32 {
    let call = Call {
        machine,
        process,
        io,
        directory: &machine.directory,
        environment: &machine.environment,
    };
    let code = tokio::select! {
        biased;
        signal = process.ended_by_signal() => 128 + signal.number(),
        code = run_program(call, argv, terminal) => code,
    };
    process.leave();
    code
}

/// Runs a program inside a process that is there already.
fn run_program<'a>(call: Call<'a>, argv: &'a [String], terminal: bool) -> BoxFuture<'a, i32> {
    Box::pin(async move {
        let Some((name, args)) = argv.split_first() else {
            return 0;
        };
        let program = call.machine.program(name, call.directory);
        let outcome = match program {
            Some(Program::Shell) => interpret::shell(call, name, args, terminal).await,
            Some(Program::Script(path)) => interpret::script(call, &path, args).await,
            Some(Program::Service) => Ok(service::serve(call.machine, call.process).await),
            Some(Program::Command) => match start(files::split(name).1, call, args) {
                Some(running) => running.await,
                None => Ok(127),
            },
            None => {
                call.io.complain(format!("sh: {name}: not found")).await;
                Ok(127)
            }
        };
        // Who writes to a pipe that nobody reads is ended by the signal PIPE.
        outcome.unwrap_or(141)
    })
}

#[cfg(test)]
mod tests;
