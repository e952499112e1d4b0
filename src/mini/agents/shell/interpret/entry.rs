//! How a shell starts and ends: with a text, a file, or what it reads.

use super::{Flow, Shell};
use crate::mini::agents::shell::{
    Call, Outcome, files,
    pipe::Io,
    syntax::{SyntaxError, parse},
};

/// Runs the shell as a program.
pub(in crate::mini::agents::shell) async fn shell(
    call: Call<'_>,
    name: &str,
    args: &[String],
    terminal: bool,
) -> Outcome {
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
pub(in crate::mini::agents::shell) async fn script(
    call: Call<'_>,
    path: &str,
    args: &[String],
) -> Outcome {
    let mut shell = Shell::new(call, path);
    shell.names.extend(args.iter().cloned());
    let text = call.machine.files.read(path).unwrap_or_default();
    Ok(shell
        .run_text(&String::from_utf8_lossy(&text), call.io)
        .await)
}

impl Shell {
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

    pub(super) async fn leave(&mut self, io: &Io) -> i32 {
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
    pub(super) async fn run_lines(&mut self, io: &Io, terminal: bool) -> i32 {
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
}
