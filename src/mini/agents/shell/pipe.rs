//! Streams of bytes between processes: pipes, files opened for reading or writing, and nothing at all.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::files::{FileError, Files};

/// How much a pipe holds before its writers wait.
const CAPACITY: usize = 64 * 1024;

/// Nobody reads any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Broken pipe")]
pub struct Broken;

#[derive(Default)]
struct State {
    bytes: VecDeque<u8>,
    writers: usize,
    readers: usize,
}

#[derive(Default)]
struct Pipe {
    state: Mutex<State>,
    changed: Notify,
}

impl Pipe {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of a pipe that is written to. The pipe ends with its last writer.
pub struct Writer(Arc<Pipe>);

/// The end of a pipe that is read from.
pub struct Reader(Arc<Pipe>);

/// A new pipe.
pub fn pipe() -> (Writer, Reader) {
    let pipe = Arc::new(Pipe::default());
    let mut state = pipe.state();
    (state.writers, state.readers) = (1, 1);
    drop(state);
    (Writer(Arc::clone(&pipe)), Reader(pipe))
}

impl Clone for Writer {
    fn clone(&self) -> Self {
        self.0.state().writers += 1;
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.state().writers -= 1;
        self.0.changed.notify_waiters();
    }
}

impl Clone for Reader {
    fn clone(&self) -> Self {
        self.0.state().readers += 1;
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.state().readers -= 1;
        self.0.changed.notify_waiters();
    }
}

impl Writer {
    /// Writes all, waiting for room.
    ///
    /// # Errors
    /// Nobody reads any more.
    pub async fn write(&self, mut bytes: &[u8]) -> Result<(), Broken> {
        while !bytes.is_empty() {
            let changed = self.0.changed.notified();
            let room = {
                let mut state = self.0.state();
                if state.readers == 0 {
                    return Err(Broken);
                }
                let room = CAPACITY.saturating_sub(state.bytes.len()).min(bytes.len());
                state.bytes.extend(&bytes[..room]);
                room
            };
            match room {
                0 => changed.await,
                room => {
                    self.0.changed.notify_waiters();
                    bytes = &bytes[room..];
                }
            }
        }
        Ok(())
    }
}

impl Reader {
    /// What is there, at most that many bytes and, if asked to, no more than a line; empty at the end.
    async fn read(&self, limit: usize, line: bool) -> Vec<u8> {
        loop {
            let changed = self.0.changed.notified();
            {
                let mut state = self.0.state();
                let some = amount(&state.bytes, limit, line);
                if some > 0 || state.writers == 0 {
                    let read = state.bytes.drain(..some).collect();
                    drop(state);
                    self.0.changed.notify_waiters();
                    return read;
                }
            }
            changed.await;
        }
    }
}

/// How much of what is there is read at once.
fn amount(bytes: &VecDeque<u8>, limit: usize, line: bool) -> usize {
    let end = bytes.iter().position(|byte| line && *byte == b'\n');
    bytes
        .len()
        .min(limit)
        .min(end.map_or(usize::MAX, |at| at + 1))
}

/// Where a process reads from. Clones read on from the same place.
#[derive(Clone)]
pub enum Source {
    /// Ends at once.
    Nothing,
    /// A pipe.
    Pipe(Reader),
    /// A file's content as it was when it was opened.
    Bytes(Arc<Mutex<VecDeque<u8>>>),
}

impl Source {
    /// These bytes, then the end.
    pub fn bytes(bytes: Vec<u8>) -> Self {
        Self::Bytes(Arc::new(Mutex::new(bytes.into())))
    }

    /// What is there, at most that many bytes; empty at the end.
    pub async fn read(&self, limit: usize) -> Vec<u8> {
        self.read_some(limit, false).await
    }

    async fn read_some(&self, limit: usize, line: bool) -> Vec<u8> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Pipe(reader) => reader.read(limit, line).await,
            Self::Bytes(bytes) => {
                let mut bytes = bytes.lock().unwrap_or_else(PoisonError::into_inner);
                let some = amount(&bytes, limit, line);
                bytes.drain(..some).collect()
            }
        }
    }

    /// All until the end.
    pub async fn read_all(&self) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            match self.read(CAPACITY).await {
                some if some.is_empty() => return all,
                some => all.extend(some),
            }
        }
    }

    /// The next line with its end, if it has one; empty at the end.
    pub async fn read_line(&self) -> Vec<u8> {
        let mut line = Vec::new();
        loop {
            let some = self.read_some(CAPACITY, true).await;
            line.extend(&some);
            if some.is_empty() || some.ends_with(b"\n") {
                return line;
            }
        }
    }
}

/// Where a process writes to.
#[derive(Clone)]
pub enum Sink {
    /// What is written is gone.
    Nothing,
    /// A pipe.
    Pipe(Writer),
    /// The end of a file.
    File(Files, String),
}

impl Sink {
    /// Opens a file for writing, empty or at its end.
    ///
    /// # Errors
    /// As [`Files::write`].
    pub fn open(files: &Files, path: &str, append: bool) -> Result<Self, FileError> {
        if path == "/dev/null" {
            return Ok(Self::Nothing);
        }
        files.write(path, b"", append)?;
        Ok(Self::File(files.clone(), path.to_owned()))
    }

    /// Writes all.
    ///
    /// # Errors
    /// Nobody reads any more, or the file is gone.
    pub async fn write(&self, bytes: &[u8]) -> Result<(), Broken> {
        match self {
            Self::Nothing => Ok(()),
            Self::Pipe(writer) => writer.write(bytes).await,
            Self::File(files, path) => files.write(path, bytes, true).map_err(|_| Broken),
        }
    }
}

/// A process's standard streams.
#[derive(Clone)]
pub struct Io {
    /// Standard input.
    pub stdin: Source,
    /// Standard output.
    pub stdout: Sink,
    /// Standard error.
    pub stderr: Sink,
}

impl Io {
    /// Reads nothing, writes nowhere.
    pub fn nothing() -> Self {
        Self {
            stdin: Source::Nothing,
            stdout: Sink::Nothing,
            stderr: Sink::Nothing,
        }
    }

    /// Writes to standard output.
    ///
    /// # Errors
    /// Nobody reads any more.
    pub async fn out(&self, text: impl AsRef<[u8]>) -> Result<(), Broken> {
        self.stdout.write(text.as_ref()).await
    }

    /// Writes a line to standard error; whether anybody reads it does not matter.
    pub async fn complain(&self, text: impl std::fmt::Display) {
        let _ = self.stderr.write(format!("{text}\n").as_bytes()).await;
    }
}
