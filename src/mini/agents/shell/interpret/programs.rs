//! Simple commands: what they are given, where they read and write, and which program they are.

use std::sync::Arc;

use super::{Flow, Shell};
use crate::mini::agents::shell::{
    Call, Program, builtins, files,
    pipe::{Io, Sink, Source},
    run_program, start,
    syntax::{Command, Redirect, Target, Word},
};

impl Shell {
    /// The streams of a command.
    pub(super) async fn redirect(&mut self, redirects: &[Redirect], io: &Io) -> Result<Io, String> {
        let mut io = io.clone();
        for redirect in redirects {
            let before = io.clone();
            let (word, append) = match &redirect.to {
                Target::Read(word) => {
                    let name = self.expand_text(word, &before).await?;
                    let path = files::plain(&self.directory, &name);
                    io.stdin = match path.as_str() {
                        "/dev/null" => Source::Nothing,
                        "/dev/stdin" => before.stdin,
                        path => {
                            let read = self.machine.files.read(path);
                            let bytes = read
                                .map_err(|error| format!("can't open {name}: {}", lower(error)))?;
                            Source::bytes(bytes)
                        }
                    };
                    continue;
                }
                Target::Text(word) => {
                    io.stdin = Source::bytes(self.expand_text(word, &before).await?.into_bytes());
                    continue;
                }
                Target::Copy(word) => {
                    let to = self.expand_text(word, &before).await?;
                    let sink = match to.as_str() {
                        "1" => before.stdout.clone(),
                        "2" => before.stderr.clone(),
                        _ => Sink::Nothing,
                    };
                    match redirect.stream {
                        0 => {}
                        2 => io.stderr = sink,
                        _ => io.stdout = sink,
                    }
                    continue;
                }
                Target::Write(word) => (word, false),
                Target::Append(word) => (word, true),
            };
            let name = self.expand_text(word, &before).await?;
            let path = files::plain(&self.directory, &name);
            let sink = match path.as_str() {
                "/dev/stdout" | "/dev/tty" | "/proc/1/fd/1" => before.stdout,
                "/dev/stderr" | "/proc/1/fd/2" => before.stderr,
                path => Sink::open(&self.machine.files, path, append)
                    .map_err(|error| format!("can't create {name}: {}", lower(error)))?,
            };
            match redirect.stream {
                2 => io.stderr = sink,
                _ => io.stdout = sink,
            }
        }
        Ok(io)
    }

    pub(super) async fn simple(
        &mut self,
        assignments: &[(String, Word)],
        words: &[Word],
        redirects: &[Redirect],
        io: &Io,
    ) -> Flow {
        self.substitution = None;
        let argv = match self.expand(words, io).await {
            Ok(argv) => argv,
            Err(error) => {
                self.fail(2, error, io).await;
                return Flow::Exit;
            }
        };
        let mut values = Vec::new();
        for (name, word) in assignments {
            match self.expand_text(word, io).await {
                Ok(value) => values.push((name.clone(), value)),
                Err(error) => return self.fail(2, error, io).await,
            }
        }
        let io = &match self.redirect(redirects, io).await {
            Ok(io) => io,
            Err(error) => return self.fail(1, error, io).await,
        };
        if self.traces && !argv.is_empty() {
            io.complain(format!("+ {}", argv.join(" "))).await;
        }
        let Some((name, args)) = argv.split_first() else {
            // Without a program the assignments are the shell's own, and a `$(...)` in them says how it went.
            for (name, value) in values {
                self.set(&name, value);
            }
            self.status = self.substitution.unwrap_or(0);
            return Flow::Next;
        };
        if let Some(function) = self.functions.get(name).cloned() {
            return self.call_function(&function, args, io).await;
        }
        if builtins::is_builtin(name) {
            for (name, value) in values {
                self.set(&name, value);
            }
            return builtins::run(self, name, args, io).await;
        }
        self.program(&argv, &values, io).await;
        Flow::Next
    }

    pub(super) async fn call_function(&mut self, body: &Command, args: &[String], io: &Io) -> Flow {
        let name = self.names.first().cloned().unwrap_or_default();
        let names = [name].into_iter().chain(args.iter().cloned()).collect();
        let outer = std::mem::replace(&mut self.names, names);
        let flow = self.command(body, io).await;
        self.names = outer;
        match flow {
            Flow::Return => Flow::Next,
            flow => flow,
        }
    }

    /// Runs a program in the foreground and takes note of its exit code.
    pub(in crate::mini::agents::shell) async fn program(
        &mut self,
        argv: &[String],
        values: &[(String, String)],
        io: &Io,
    ) {
        let mut environment = self.environment();
        environment.extend(values.iter().cloned());
        let machine = Arc::clone(&self.machine);
        let found = machine.program(&argv[0], &self.directory);
        let shell = matches!(found, Some(Program::Shell | Program::Script(_)));
        // A shell in a shell has a number, so that `$$` and `kill` mean it.
        let inner = shell.then(|| machine.processes.enter(argv));
        let process = inner.clone().unwrap_or_else(|| self.process.clone());
        let call = Call {
            machine: &machine,
            process: &process,
            io,
            directory: &self.directory,
            environment: &environment,
        };
        self.status = match (&inner, found) {
            (Some(inner), _) => {
                let code = tokio::select! {
                    biased;
                    signal = inner.ended_by_signal() => 128 + signal.number(),
                    code = run_program(call, argv, false) => code,
                };
                inner.leave();
                code
            }
            (None, Some(Program::Command)) => {
                match start(files::split(&argv[0]).1, call, &argv[1..]) {
                    Some(running) => running.await.unwrap_or(141),
                    None => 127,
                }
            }
            (None, _) => run_program(call, argv, false).await,
        };
    }
}

/// What a file's error is called in the shell's own messages.
fn lower(error: files::FileError) -> String {
    match error {
        files::FileError::NotFound => "no such file".to_owned(),
        other => other.to_string(),
    }
}
