//! The programs of a control plane: started in a folder of their own, and ended with it whatever happens.
//!
//! A small shell, the guard, is told of each program. When its input ends, because this process ends the control plane or
//! is itself ended, even by SIGKILL, the guard kills all of them with their children and removes the folder.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{ChildStdin, Command, Stdio},
};

use futures::future::select_all;
use tempfile::TempDir;
use tokio::process::Child;

use super::Error;

/// Kills the groups whose numbers it has read, then removes the folder.
const GUARD: &str = "
trap '' INT TERM HUP
groups=
while read -r group; do groups=\"$groups -$group\"; done
[ -z \"$groups\" ] || kill -s KILL -- $groups
rm -rf -- \"$1\"
";

/// How many of a log's last lines an error shows.
const SHOWN: usize = 3;

/// Running programs. They end when this is dropped.
#[derive(Debug)]
pub(super) struct Processes {
    folder: PathBuf,
    guard: std::process::Child,
    guarded: Option<ChildStdin>,
    running: Vec<(String, Child)>,
}

impl Processes {
    /// An empty folder with a guard.
    pub(super) fn new() -> Result<Self, Error> {
        let failed = |source| Error::Folder { source };
        let folder = TempDir::with_prefix("stsspec-").map_err(failed)?;
        let mut guard = Command::new("/bin/sh")
            .args(["-c", GUARD, "guard"])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        Ok(Self {
            // From here on it is the guard's.
            folder: folder.keep(),
            guarded: guard.stdin.take(),
            guard,
            running: Vec::new(),
        })
    }

    /// Writes a new file that only its owner can read. None is written twice: a program may be reading it.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf, Error> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let path = self.folder.join(name);
        let mut options = fs::OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600);
        file.open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|source| Error::Folder { source })?;
        Ok(path)
    }

    /// A path in the folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Starts a program; what it says goes to a log.
    pub(super) fn start(
        &mut self,
        name: &str,
        program: &Path,
        arguments: &[String],
        environment: &[(&str, &Path)],
    ) -> Result<(), Error> {
        let failed = |source| Error::Start {
            program: program.display().to_string(),
            source,
        };
        let log = File::create(self.log_of(name)).map_err(failed)?;
        let mut command = tokio::process::Command::new(program);
        let child = command
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(failed)?)
            .stderr(log)
            // What a terminal sends to its foreground group is for this process to answer.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        if let (Some(guard), Some(group)) = (&mut self.guarded, child.id()) {
            writeln!(guard, "{group}").map_err(failed)?;
        }
        self.running.push((name.to_owned(), child));
        Ok(())
    }

    /// Ends a program that was started, with SIGKILL, and waits until it is gone.
    pub(super) async fn end(&mut self, name: &str) {
        let place = self.running.iter().position(|(known, _)| known == name);
        if let Some(place) = place {
            let (_, mut child) = self.running.remove(place);
            // What has ended by itself is gone as well.
            let _ = child.kill().await;
        }
    }

    fn log_of(&self, name: &str) -> PathBuf {
        self.path(&format!("{name}.log"))
    }

    /// Resolves when one of them has ended by itself: which, and what it said last.
    pub(super) async fn ended(&mut self) -> Error {
        if self.running.is_empty() {
            return std::future::pending().await;
        }
        let waits = self
            .running
            .iter_mut()
            .map(|(_, child)| Box::pin(child.wait()));
        let (status, at, _) = select_all(waits).await;
        let name = self.running[at].0.clone();
        let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        let said = self.last_words(&name);
        Error::Ended { name, how, said }
    }

    /// What a program said last.
    pub(super) fn last_words(&self, name: &str) -> String {
        let log = fs::read(self.log_of(name)).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(SHOWN)..].join(" / ")
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        drop(self.guarded.take());
        let guarded: io::Result<_> = self.guard.wait();
        if let Err(error) = guarded {
            tracing::warn!(%error, "the guard of the control plane is gone");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[tokio::test]
    async fn nothing_is_left_of_programs_and_their_children() {
        let mut processes = Processes::new().expect("a folder");
        let script = "sleep 1000 & echo $! > child; wait".to_owned();
        let folder = processes.path("");
        let script = format!("cd {}; {script}", folder.display());
        let sh = Path::new("/bin/sh");
        processes
            .start("parent", sh, &["-c".to_owned(), script], &[])
            .expect("it starts");
        let child = loop {
            let there = fs::read_to_string(folder.join("child")).unwrap_or_default();
            if there.ends_with('\n') {
                break there.trim().to_owned();
            }
            tokio::task::yield_now().await;
        };
        drop(processes);
        assert!(!folder.exists());
        // A signal is sent before it has worked.
        let is_gone = || {
            let state = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            state.is_empty() || state.contains(") Z ")
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        while !is_gone() && Instant::now() < deadline {
            std::thread::yield_now();
        }
        assert!(is_gone(), "{child} is still there");
    }

    #[tokio::test]
    async fn a_program_that_ends_by_itself_is_named_with_its_last_words() {
        let mut processes = Processes::new().expect("a folder");
        let arguments = ["-c", "echo no such flag >&2; exit 3"].map(str::to_owned);
        let sh = Path::new("/bin/sh");
        processes
            .start("etcd", sh, &arguments, &[])
            .expect("it starts");
        let error = processes.ended().await.to_string();
        assert_eq!(
            error,
            "etcd ended by itself (exit status: 3); it said last: no such flag"
        );
    }
}
