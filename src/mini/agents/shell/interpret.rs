//! The shell itself: runs parsed scripts.

use std::{collections::BTreeMap, sync::Arc};

use futures::future::{BoxFuture, join_all};
use tokio::sync::watch;

use super::{
    Call, Machine, Outcome, Program, builtins, expand, files,
    pipe::{Io, Sink, Source, pipe},
    process::{Process, Signal},
    run_program, start,
    syntax::{
        Command, Item, Join, Kind, Pipeline, Redirect, Script, SyntaxError, Target, Word, parse,
    },
};

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

/// Runs the shell as a program.
pub(super) async fn shell(call: Call<'_>, name: &str, args: &[String], terminal: bool) -> Outcome {
    let mut shell = Shell::new(call, name);
    let mut args = args.iter();
    let mut text = None;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-c" => text = Some(args.next().cloned().unwrap_or_default()),
            "--" => break,
            flags if flags.starts_with(['-', '+']) && flags.len() > 1 => {
                if let Some(rest) = flags.strip_suffix('c').filter(|rest| rest.starts_with('-')) {
                    shell.set_flags(rest);
                    text = Some(args.next().cloned().unwrap_or_default());
                } else if matches!(flags, "-o" | "+o") {
                    args.next();
                } else {
                    shell.set_flags(flags);
                }
            }
            file if text.is_none() => {
                shell.names = [file.to_owned()].into_iter().chain(args.cloned()).collect();
                let path = files::plain(call.directory, file);
                return Ok(match call.machine.files.read(&path) {
                    Ok(script) => {
                        shell
                            .run_text(&String::from_utf8_lossy(&script), call.io)
                            .await
                    }
                    Err(error) => {
                        call.io
                            .complain(format!("{name}: can't open '{file}': {error}"))
                            .await;
                        2
                    }
                });
            }
            first => {
                shell.names = vec![first.to_owned()];
                shell.names.extend(args.by_ref().cloned());
            }
        }
    }
    Ok(match text {
        Some(text) => shell.run_text(&text, call.io).await,
        None => shell.run_lines(call.io, terminal).await,
    })
}

/// Runs a file that was started as a program.
pub(super) async fn script(call: Call<'_>, path: &str, args: &[String]) -> Outcome {
    let mut shell = Shell::new(call, path);
    shell.names.extend(args.iter().cloned());
    let text = call.machine.files.read(path).unwrap_or_default();
    Ok(shell
        .run_text(&String::from_utf8_lossy(&text), call.io)
        .await)
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

    /// Runs a whole text, then what is to run at the end; gives the exit code.
    pub(super) async fn run_text(&mut self, text: &str, io: &Io) -> i32 {
        match parse(text) {
            Ok(script) => {
                self.list(&script, io).await;
            }
            Err(error) => {
                io.complain(format!("{}: {error}", self.names[0])).await;
                self.status = 2;
            }
        }
        self.leave(io).await
    }

    async fn leave(&mut self, io: &Io) -> i32 {
        if let Some(text) = self.traps.remove(&None)
            && let Ok(script) = parse(&text)
        {
            let status = self.status;
            if self.list(&script, io).await != Flow::Exit {
                self.status = status;
            }
        }
        self.status
    }

    /// Runs what is read, as soon as it is complete; with a prompt on a terminal.
    async fn run_lines(&mut self, io: &Io, terminal: bool) -> i32 {
        let mut text = String::new();
        loop {
            if terminal {
                let home = self
                    .variable("HOME")
                    .is_some_and(|home| home == self.directory && home != "/");
                let place = if home { "~" } else { &self.directory };
                let sign = if self.machine.user == 0 { '#' } else { '$' };
                let prompt = if text.is_empty() {
                    format!("{place} {sign} ")
                } else {
                    "> ".to_owned()
                };
                if io.stderr.write(prompt.as_bytes()).await.is_err() {
                    break;
                }
            }
            let line = io.stdin.read_line().await;
            let ended = line.is_empty();
            text.push_str(&String::from_utf8_lossy(&line));
            match parse(&text) {
                Err(SyntaxError::Incomplete) if !ended => continue,
                Err(error) => {
                    io.complain(format!("sh: {error}")).await;
                    self.status = 2;
                }
                Ok(script) => {
                    let process = self.process.clone();
                    let flow = tokio::select! {
                        biased;
                        () = process.interrupted(), if terminal => {
                            self.status = 130;
                            Flow::Next
                        }
                        flow = self.list(&script, io) => flow,
                    };
                    if flow == Flow::Exit {
                        break;
                    }
                }
            }
            text.clear();
            if ended {
                break;
            }
        }
        self.leave(io).await
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

    /// The streams of a command.
    async fn redirect(&mut self, redirects: &[Redirect], io: &Io) -> Result<Io, String> {
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

    async fn simple(
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

    async fn call_function(&mut self, body: &Command, args: &[String], io: &Io) -> Flow {
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
    pub(super) async fn program(&mut self, argv: &[String], values: &[(String, String)], io: &Io) {
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
