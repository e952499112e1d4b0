//! What a container has written, for logs and for whoever is attached.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc};

use crate::mini::agents::shell::pipe::{Io, Sink, Source, pipe};

/// The channel numbers of the streaming protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Out = 1,
    Err = 2,
}

/// One line, or the beginning of one that goes on.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub at: Timestamp,
    pub stream: Stream,
    pub bytes: Vec<u8>,
}

#[derive(Default)]
struct State {
    lines: Vec<Line>,
    attached: Vec<mpsc::UnboundedSender<(Stream, Vec<u8>)>>,
    was_attached: bool,
    ended: bool,
}

/// The output of one run of a container. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Output(Arc<(Mutex<State>, Notify)>);

/// How much is kept; the oldest lines go first.
const LINES: usize = 20_000;

impl Output {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, stream: Stream, bytes: &[u8], at: Timestamp) {
        let mut state = self.state();
        state
            .attached
            .retain(|one| one.send((stream, bytes.to_vec())).is_ok());
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            match state.lines.last_mut() {
                Some(line) if line.stream == stream && !line.bytes.ends_with(b"\n") => {
                    line.bytes.extend(part);
                }
                _ => state.lines.push(Line {
                    at,
                    stream,
                    bytes: part.to_vec(),
                }),
            }
        }
        let excess = state.lines.len().saturating_sub(LINES);
        state.lines.drain(..excess);
        drop(state);
        self.0.1.notify_waiters();
    }

    /// Nothing more comes.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        state.attached.clear();
        drop(state);
        self.0.1.notify_waiters();
    }

    /// All lines, and whether more may come.
    pub(super) fn lines(&self) -> (Vec<Line>, bool) {
        let state = self.state();
        (state.lines.clone(), !state.ended)
    }

    /// Resolves when there is more than before, or the end.
    pub(super) async fn grown(&self, known_bytes: usize) {
        loop {
            let changed = self.0.1.notified();
            {
                let state = self.state();
                let bytes: usize = state.lines.iter().map(|line| line.bytes.len()).sum();
                if state.ended || bytes != known_bytes {
                    return;
                }
            }
            changed.await;
        }
    }

    /// What is written from now on; for the first who asks, with `replay`, also what was written before.
    pub(super) fn attach(&self, replay: bool) -> mpsc::UnboundedReceiver<(Stream, Vec<u8>)> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut state = self.state();
        if replay && !state.was_attached {
            for line in &state.lines {
                let _ = sender.send((line.stream, line.bytes.clone()));
            }
        }
        state.was_attached = true;
        if !state.ended {
            state.attached.push(sender);
        }
        receiver
    }

    /// Streams that write here, and the work that does it.
    pub(super) fn streams<F>(
        &self,
        stdin: Source,
        now: F,
    ) -> (Io, impl Future<Output = ()> + Send + use<F>)
    where
        F: Fn() -> Timestamp + Send + Clone,
    {
        let ((out, read_out), (err, read_err)) = (pipe(), pipe());
        let copy = |stream: Stream, source: Source| {
            let (output, now) = (self.clone(), now.clone());
            async move {
                loop {
                    let some = source.read(16 * 1024).await;
                    if some.is_empty() {
                        return;
                    }
                    output.append(stream, &some, now());
                }
            }
        };
        let both = futures::future::join(
            copy(Stream::Out, Source::Pipe(read_out)),
            copy(Stream::Err, Source::Pipe(read_err)),
        );
        let io = Io {
            stdin,
            stdout: Sink::Pipe(out),
            stderr: Sink::Pipe(err),
        };
        (io, async move {
            both.await;
        })
    }
}
