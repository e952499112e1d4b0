//! The shell itself: runs parsed scripts.

mod entry;
mod programs;

use std::{collections::BTreeMap, sync::Arc};

use futures::future::{BoxFuture, join_all};
use tokio::sync::watch;

use super::{
    Call, Machine, expand,
    pipe::{Io, Sink, Source, pipe},
    process::{Process, Signal},
    syntax::{Command, Item, Join, Kind, Pipeline, Script, Word, parse},
};

pub(super) use entry::{script, shell};

/// How a command leaves the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// Go on with the next.
    Next,
    /// Leave that many loops.
    Break(u32),
    /// Begin the next round of the loop that many levels up.
    Continue(u32),
    /// Leave the function.
    Return,
    /// Leave the shell.
    Exit,
}

#[derive(Clone, Debug)]
pub(super) struct Variable {
    pub value: String,
    pub exported: bool,
}

/// A command in the background.
#[derive(Clone)]
pub(super) struct Job {
    pub pid: u32,
    /// Its exit code once it has ended.
    pub ended: watch::Receiver<Option<i32>>,
}

/// A running shell. A clone is a subshell.
#[derive(Clone)]
pub(super) struct Shell {
    pub machine: Arc<Machine>,
    pub process: Process,
    pub directory: String,
    pub variables: BTreeMap<String, Variable>,
    functions: BTreeMap<String, Arc<Command>>,
    /// The shell's or script's name, then the arguments.
    pub names: Vec<String>,
    /// The last command's exit code.
    pub status: i32,
    /// What to run at a signal, or at the end (None).
    pub traps: BTreeMap<Option<Signal>, String>,
    pub jobs: Vec<Job>,
    /// `set -e`
    pub fails: bool,
    /// `set -u`
    pub strict: bool,
    /// `set -x`
    pub traces: bool,
    /// How the last `$(...)` of the present command ended.
    substitution: Option<i32>,
    /// Inside a condition, where failing is no failure.
    condition: u32,
}

impl Shell {
    fn new(call: Call<'_>, name: &str) -> Self {
        let variables = call.environment.iter().map(|(name, value)| {
            let value = value.clone();
            let exported = true;
            (name.clone(), Variable { value, exported })
        });
        Self {
            machine: Arc::clone(call.machine),
            process: call.process.clone(),
            directory: call.directory.to_owned(),
            variables: variables.collect(),
            functions: BTreeMap::new(),
            names: vec![name.to_owned()],
            status: 0,
            traps: BTreeMap::new(),
            jobs: Vec::new(),
            fails: false,
            strict: false,
            traces: false,
            substitution: None,
            condition: 0,
        }
    }

    /// `-e`, `-u`, `-x` on, with `+` off; others mean nothing here.
    pub(super) fn set_flags(&mut self, flags: &str) {
        let on = flags.starts_with('-');
        for flag in flags.chars().skip(1) {
            match flag {
                'e' => self.fails = on,
                'u' => self.strict = on,
                'x' => self.traces = on,
                _ => {}
            }
        }
    }

    /// The arguments: `$1` and on.
    pub(super) fn arguments(&self) -> &[String] {
        self.names.get(1..).unwrap_or_default()
    }

    /// A variable's value, or a special parameter's.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        match name {
            "?" => Some(self.status.to_string()),
            "#" => Some(self.arguments().len().to_string()),
            "$" => Some(self.process.pid.to_string()),
            "!" => self.jobs.last().map(|job| job.pid.to_string()),
            "@" | "*" => Some(self.arguments().join(" ")),
            "-" => Some(String::new()),
            "PWD" => Some(self.directory.clone()),
            number if number.starts_with(|first: char| first.is_ascii_digit()) => {
                self.names.get(number.parse::<usize>().ok()?).cloned()
            }
            name => self
                .variables
                .get(name)
                .map(|variable| variable.value.clone()),
        }
    }

    /// Sets a variable; it stays exported if it was.
    pub(super) fn set(&mut self, name: &str, value: String) {
        let exported = self.variables.get(name).is_some_and(|known| known.exported);
        self.variables
            .insert(name.to_owned(), Variable { value, exported });
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let exported = self
            .variables
            .iter()
            .filter(|(_, variable)| variable.exported);
        let mut all: BTreeMap<_, _> = exported
            .map(|(name, variable)| (name.clone(), variable.value.clone()))
            .collect();
        all.insert("PWD".to_owned(), self.directory.clone());
        all
    }

    /// What a script writes to its standard output.
    pub(super) fn output<'a>(
        &'a mut self,
        script: &'a Script,
        io: &'a Io,
    ) -> BoxFuture<'a, String> {
        Box::pin(async move {
            let (writer, reader) = pipe();
            let mut inner = self.subshell();
            let inner_io = Io {
                stdout: Sink::Pipe(writer),
                ..io.clone()
            };
            let run = async move {
                inner.list(script, &inner_io).await;
                drop(inner_io);
                inner.status
            };
            let source = Source::Pipe(reader);
            let (status, bytes) = futures::join!(run, source.read_all());
            self.substitution = Some(status);
            String::from_utf8_lossy(&bytes).into_owned()
        })
    }

    /// A shell with the same state that changes nothing in this one.
    fn subshell(&self) -> Self {
        let mut inner = self.clone();
        inner.traps.clear();
        inner
    }

    /// Runs commands in order.
    pub(super) fn list<'a>(&'a mut self, script: &'a Script, io: &'a Io) -> BoxFuture<'a, Flow> {
        Box::pin(async move {
            for item in script {
                let flow = match item.background {
                    true => self.start_job(item, io),
                    false => self.item(item, io).await,
                };
                if flow != Flow::Next {
                    return flow;
                }
                let flow = self.run_traps(io).await;
                if flow != Flow::Next {
                    return flow;
                }
            }
            Flow::Next
        })
    }

    async fn item(&mut self, item: &Item, io: &Io) -> Flow {
        let last = item.pipelines.len() - 1;
        for (at, (join, pipeline)) in item.pipelines.iter().enumerate() {
            let runs = match join {
                Join::Always => true,
                Join::IfSucceeded => self.status == 0,
                Join::IfFailed => self.status != 0,
            };
            if !runs {
                continue;
            }
            let tested = at < last || pipeline.negated;
            self.condition += u32::from(tested);
            let flow = self.pipeline(pipeline, io).await;
            self.condition -= u32::from(tested);
            if flow != Flow::Next {
                return flow;
            }
            if self.fails && self.condition == 0 && !tested && self.status != 0 {
                return Flow::Exit;
            }
        }
        Flow::Next
    }

    /// Starts a list beside this shell.
    fn start_job(&mut self, item: &Item, io: &Io) -> Flow {
        let process = self
            .machine
            .processes
            .enter(std::slice::from_ref(&item.text));
        let (done, ended) = watch::channel(None);
        let mut inner = self.subshell();
        inner.process = process.clone();
        let mut item = item.clone();
        item.background = false;
        let io = Io {
            stdin: Source::Nothing,
            ..io.clone()
        };
        let pid = process.pid;
        self.machine.processes.clone().spawn(async move {
            let script = vec![item];
            let code = tokio::select! {
                biased;
                signal = process.ended_by_signal() => 128 + signal.number(),
                _ = inner.list(&script, &io) => inner.status,
            };
            process.leave();
            drop(io);
            done.send_replace(Some(code));
        });
        self.jobs.push(Job { pid, ended });
        self.status = 0;
        Flow::Next
    }

    /// Runs what was asked for at the signals that have arrived.
    pub(super) async fn run_traps(&mut self, io: &Io) -> Flow {
        while let Some(signal) = self.process.take_handled() {
            let text = self.traps.get(&Some(signal)).cloned().unwrap_or_default();
            let Ok(script) = parse(&text) else {
                io.complain(format!("sh: bad trap: {text}")).await;
                continue;
            };
            let status = self.status;
            // An `exit` without a number leaves with what was before.
            match self.list(&script, io).await {
                Flow::Next => self.status = status,
                flow => return flow,
            }
        }
        Flow::Next
    }

    async fn pipeline(&mut self, pipeline: &Pipeline, io: &Io) -> Flow {
        let mut flow = Flow::Next;
        match pipeline.commands.as_slice() {
            [command] => flow = self.command(command, io).await,
            commands => {
                let mut running = Vec::new();
                let mut stdin = io.stdin.clone();
                for (at, command) in commands.iter().enumerate() {
                    let mut inner_io = Io {
                        stdin,
                        ..io.clone()
                    };
                    stdin = Source::Nothing;
                    if at + 1 < commands.len() {
                        let (writer, reader) = pipe();
                        inner_io.stdout = Sink::Pipe(writer);
                        stdin = Source::Pipe(reader);
                    }
                    let mut inner = self.subshell();
                    running.push(async move {
                        inner.command(command, &inner_io).await;
                        drop(inner_io);
                        inner.status
                    });
                }
                let codes = join_all(running).await;
                self.status = codes.last().copied().unwrap_or(0);
            }
        }
        if pipeline.negated {
            self.status = i32::from(self.status == 0);
        }
        flow
    }

    fn command<'a>(&'a mut self, command: &'a Command, io: &'a Io) -> BoxFuture<'a, Flow> {
        Box::pin(async move {
            if let Kind::Simple(assignments, words) = &command.kind {
                return self
                    .simple(assignments, words, &command.redirects, io)
                    .await;
            }
            let io = &match self.redirect(&command.redirects, io).await {
                Ok(io) => io,
                Err(error) => return self.fail(1, error, io).await,
            };
            self.compound(&command.kind, io).await
        })
    }

    async fn compound(&mut self, kind: &Kind, io: &Io) -> Flow {
        match kind {
            Kind::Simple(..) => Flow::Next,
            Kind::Group(script) => self.list(script, io).await,
            Kind::Subshell(script) => {
                let mut inner = self.subshell();
                inner.list(script, io).await;
                self.status = inner.leave(io).await;
                Flow::Next
            }
            Kind::If(branches, otherwise) => {
                for (condition, branch) in branches {
                    match self.holds(condition, io).await {
                        Ok(true) => return self.list(branch, io).await,
                        Ok(false) => {}
                        Err(flow) => return flow,
                    }
                }
                self.status = 0;
                self.list(otherwise, io).await
            }
            Kind::Loop(until, condition, body) => {
                let mut status = 0;
                loop {
                    match self.holds(condition, io).await {
                        Ok(holds) if holds == *until => break,
                        Ok(_) => {}
                        Err(flow) => return flow,
                    }
                    if let Some(flow) = after_round(self.list(body, io).await) {
                        return flow;
                    }
                    status = self.status;
                    // Gives others a turn: a loop of builtins alone would never.
                    tokio::task::yield_now().await;
                }
                self.status = status;
                Flow::Next
            }
            Kind::For(name, words, body) => {
                let values = match words {
                    None => self.arguments().to_vec(),
                    Some(words) => match self.expand(words, io).await {
                        Ok(values) => values,
                        Err(error) => return self.fail(2, error, io).await,
                    },
                };
                self.status = 0;
                for value in values {
                    self.set(name, value);
                    if let Some(flow) = after_round(self.list(body, io).await) {
                        return flow;
                    }
                }
                Flow::Next
            }
            Kind::Case(word, branches) => self.choose(word, branches, io).await,
            Kind::Function(name, body) => {
                self.functions.insert(name.clone(), Arc::clone(body));
                self.status = 0;
                Flow::Next
            }
        }
    }

    async fn choose(&mut self, word: &Word, branches: &[(Vec<Word>, Script)], io: &Io) -> Flow {
        let text = match self.expand_text(word, io).await {
            Ok(text) => text,
            Err(error) => return self.fail(2, error, io).await,
        };
        self.status = 0;
        for (patterns, branch) in branches {
            for pattern in patterns {
                match self.expand_pattern(pattern, io).await {
                    Ok(pattern) if expand::fits(&pattern, &text) => {
                        return self.list(branch, io).await;
                    }
                    Ok(_) => {}
                    Err(error) => return self.fail(2, error, io).await,
                }
            }
        }
        Flow::Next
    }

    /// Whether a condition succeeded.
    async fn holds(&mut self, condition: &Script, io: &Io) -> Result<bool, Flow> {
        self.condition += 1;
        let flow = self.list(condition, io).await;
        self.condition -= 1;
        match flow {
            Flow::Next => Ok(self.status == 0),
            flow => Err(flow),
        }
    }

    pub(super) async fn fail(
        &mut self,
        status: i32,
        error: impl std::fmt::Display,
        io: &Io,
    ) -> Flow {
        io.complain(format!("sh: {error}")).await;
        self.status = status;
        Flow::Next
    }
}

/// What leaves a loop; None where it goes on.
fn after_round(flow: Flow) -> Option<Flow> {
    match flow {
        Flow::Next | Flow::Continue(0 | 1) => None,
        Flow::Break(0 | 1) => Some(Flow::Next),
        Flow::Break(levels) => Some(Flow::Break(levels - 1)),
        Flow::Continue(levels) => Some(Flow::Continue(levels - 1)),
        flow => Some(flow),
    }
}
