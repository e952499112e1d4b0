//! What only the shell itself can do.

use futures::future::BoxFuture;

use super::{
    Call, files,
    interpret::{Flow, Job, Shell, Variable},
    pipe::Io,
    process::Signal,
    run_program, service,
    syntax::parse,
};

const BUILTINS: [&str; 21] = [
    ":", ".", "break", "cd", "command", "continue", "eval", "exec", "exit", "export", "local",
    "read", "readonly", "return", "set", "shift", "source", "trap", "type", "unset", "wait",
];

pub(super) fn is_builtin(name: &str) -> bool {
    BUILTINS.contains(&name)
}

pub(super) fn run<'a>(
    shell: &'a mut Shell,
    name: &'a str,
    args: &'a [String],
    io: &'a Io,
) -> BoxFuture<'a, Flow> {
    Box::pin(async move {
        let first = args.first().map(String::as_str);
        let number = first.and_then(|text| text.parse::<i32>().ok());
        match name {
            "break" => return Flow::Break(number.unwrap_or(1).unsigned_abs()),
            "continue" => return Flow::Continue(number.unwrap_or(1).unsigned_abs()),
            "exit" => {
                shell.status = number.unwrap_or(shell.status) & 0xff;
                return Flow::Exit;
            }
            "return" => {
                shell.status = number.unwrap_or(shell.status) & 0xff;
                return Flow::Return;
            }
            _ => shell.status = 0,
        }
        match name {
            "cd" => return change_directory(shell, first, io).await,
            "command" => match args {
                [flag, name] if flag == "-v" => return which(shell, name, io).await,
                [] => {}
                args => shell.program(args, &[], io).await,
            },
            "type" => return which(shell, first.unwrap_or_default(), io).await,
            "eval" => match parse(&args.join(" ")) {
                Ok(script) => return shell.list(&script, io).await,
                Err(error) => return shell.fail(2, error, io).await,
            },
            "." | "source" => return source(shell, first.unwrap_or_default(), io).await,
            "exec" if !args.is_empty() => return replace(shell, args, io).await,
            "export" | "readonly" | "local" => {
                let exports = name == "export";
                for arg in args.iter().filter(|arg| !arg.starts_with('-')) {
                    let (name, value) = arg
                        .split_once('=')
                        .map_or((arg.as_str(), None), |(name, value)| (name, Some(value)));
                    if let Some(value) = value {
                        shell.set(name, value.to_owned());
                    }
                    if exports {
                        export(shell, name);
                    }
                }
            }
            "read" => read(shell, args, io).await,
            "set" => set(shell, args),
            "shift" => {
                let count = usize::try_from(number.unwrap_or(1)).unwrap_or(1);
                match count <= shell.arguments().len() {
                    true => drop(shell.names.drain(1..=count)),
                    false => shell.status = 1,
                }
            }
            "trap" => return trap(shell, args, io).await,
            "unset" => {
                for name in args.iter().filter(|arg| !arg.starts_with('-')) {
                    shell.variables.remove(name);
                }
            }
            "wait" => return wait(shell, args, io).await,
            _ => {}
        }
        Flow::Next
    })
}

fn export(shell: &mut Shell, name: &str) {
    let variable = shell.variables.entry(name.to_owned());
    let variable = variable.or_insert_with(|| Variable {
        value: String::new(),
        exported: true,
    });
    variable.exported = true;
}

async fn change_directory(shell: &mut Shell, to: Option<&str>, io: &Io) -> Flow {
    let home = shell.variable("HOME").unwrap_or_else(|| "/".to_owned());
    let to = match to {
        None => home,
        Some("-") => shell.variable("OLDPWD").unwrap_or(home),
        Some(to) => to.to_owned(),
    };
    let path = files::plain(&shell.directory, &to);
    if !shell.machine.files.is_directory(&path) {
        return shell
            .fail(
                2,
                format!("cd: can't cd to {to}: No such file or directory"),
                io,
            )
            .await;
    }
    let before = std::mem::replace(&mut shell.directory, path);
    shell.set("OLDPWD", before);
    Flow::Next
}

async fn which(shell: &mut Shell, name: &str, io: &Io) -> Flow {
    let known = is_builtin(name) || shell.machine.program(name, &shell.directory).is_some();
    shell.status = i32::from(!known) * 127;
    if known {
        let _ = io.out(format!("{name}\n")).await;
    }
    Flow::Next
}

async fn source(shell: &mut Shell, name: &str, io: &Io) -> Flow {
    let path = files::plain(&shell.directory, name);
    let text = match shell.machine.files.read(&path) {
        Ok(text) => String::from_utf8_lossy(&text).into_owned(),
        Err(_) => {
            return shell
                .fail(
                    2,
                    format!(".: can't open '{name}': No such file or directory"),
                    io,
                )
                .await;
        }
    };
    match parse(&text) {
        Ok(script) => match shell.list(&script, io).await {
            Flow::Return => Flow::Next,
            flow => flow,
        },
        Err(error) => shell.fail(2, format!("{name}: {error}"), io).await,
    }
}

/// `exec`: another program in place of the shell. What the shell handled is handled no more.
async fn replace(shell: &mut Shell, argv: &[String], io: &Io) -> Flow {
    shell.process.reset_handling();
    shell.traps.clear();
    let machine = shell.machine.clone();
    let environment = shell
        .variables
        .iter()
        .filter(|(_, variable)| variable.exported);
    let environment = environment
        .map(|(name, variable)| (name.clone(), variable.value.clone()))
        .collect();
    let call = Call {
        machine: &machine,
        process: &shell.process,
        io,
        directory: &shell.directory,
        environment: &environment,
    };
    let unknown = machine.program(&argv[0], &shell.directory).is_none();
    shell.status = match unknown && machine.image.unknown {
        // What an entrypoint script hands over to is what its image is made for.
        true => service::serve(&machine, &shell.process).await,
        false => run_program(call, argv, false).await,
    };
    Flow::Exit
}

async fn read(shell: &mut Shell, args: &[String], io: &Io) {
    let names: Vec<&str> = args
        .iter()
        .map(String::as_str)
        .filter(|arg| !arg.starts_with('-'))
        .collect();
    let line = io.stdin.read_line().await;
    shell.status = i32::from(!line.ends_with(b"\n"));
    let line = String::from_utf8_lossy(&line);
    let mut rest = line.trim_end_matches('\n').trim();
    let names = if names.is_empty() {
        vec!["REPLY"]
    } else {
        names
    };
    for (at, name) in names.iter().enumerate() {
        let last = at + 1 == names.len();
        let (value, after) = match rest.split_once(|char: char| char.is_ascii_whitespace()) {
            Some((value, after)) if !last => (value, after.trim_start()),
            _ => (rest, ""),
        };
        rest = after;
        shell.set(name, value.to_owned());
    }
}

fn set(shell: &mut Shell, args: &[String]) {
    let mut args = args.iter();
    while let Some(arg) = args.clone().next() {
        match arg.as_str() {
            "--" => {
                args.next();
                break;
            }
            "-o" | "+o" => {
                args.next();
                if args.next().is_some_and(|name| name == "errexit") {
                    shell.fails = arg == "-o";
                }
                if args.clone().next().is_none() {
                    return;
                }
            }
            flags if flags.starts_with(['-', '+']) && flags.len() > 1 => {
                shell.set_flags(flags);
                args.next();
                if args.clone().next().is_none() {
                    return;
                }
            }
            _ => break,
        }
    }
    shell.names.truncate(1);
    shell.names.extend(args.cloned());
}

async fn trap(shell: &mut Shell, args: &[String], io: &Io) -> Flow {
    let (action, names) = match args {
        [] => {
            for (signal, text) in &shell.traps {
                let name = signal.map_or("EXIT", Signal::name);
                let _ = io.out(format!("trap -- '{text}' {name}\n")).await;
            }
            return Flow::Next;
        }
        [name] => ("-", std::slice::from_ref(name)),
        [first, names @ ..] if first == "--" => match names {
            [action, names @ ..] => (action.as_str(), names),
            [] => return Flow::Next,
        },
        [action, names @ ..] => (action.as_str(), names),
    };
    for name in names {
        let signal = match name.to_uppercase().as_str() {
            "EXIT" | "0" => None,
            other => match Signal::parse(other) {
                Some(signal) => Some(signal),
                None => {
                    return shell
                        .fail(1, format!("trap: {name}: invalid signal specification"), io)
                        .await;
                }
            },
        };
        let resets = action == "-";
        match resets {
            true => drop(shell.traps.remove(&signal)),
            false => drop(shell.traps.insert(signal, action.to_owned())),
        }
        if let Some(signal) = signal {
            let ignores = action.is_empty();
            shell
                .process
                .set_handling(signal, !resets && !ignores, ignores);
        }
    }
    Flow::Next
}

/// Waits for all jobs or those named. A signal with a trap ends the wait.
async fn wait(shell: &mut Shell, args: &[String], io: &Io) -> Flow {
    let wanted: Vec<u32> = args
        .iter()
        .filter_map(|arg| arg.trim_start_matches('%').parse().ok())
        .collect();
    let jobs = shell
        .jobs
        .iter()
        .filter(|job| wanted.is_empty() || wanted.contains(&job.pid));
    let jobs: Vec<Job> = jobs.cloned().collect();
    if !wanted.is_empty() && jobs.is_empty() {
        shell.status = 127;
        return Flow::Next;
    }
    for mut job in jobs {
        let process = shell.process.clone();
        let ended = async {
            job.ended
                .wait_for(Option::is_some)
                .await
                .ok()
                .and_then(|code| *code)
        };
        let code = tokio::select! {
            biased;
            () = process.handled() => {
                shell.status = 143;
                return shell.run_traps(io).await;
            }
            code = ended => code,
        };
        shell.status = if wanted.is_empty() {
            0
        } else {
            code.unwrap_or(127)
        };
    }
    Flow::Next
}
