//! Ctrl-C and the like: the first ends the work in good order, the second ends the process.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering::Relaxed},
};

use anyhow::Context as _;
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
};

use super::Exit;

/// Which signal came, as the code that a process ends with after it.
#[derive(Clone, Debug, Default)]
pub(super) struct Signals(Arc<AtomicU8>);

impl Signals {
    /// The code of the signal that came: 130 or 143.
    pub(super) fn code(&self) -> Option<u8> {
        Some(self.0.load(Relaxed)).filter(|code| *code != 0)
    }
}

/// Calls `first` at the first signal, on a thread of its own; ends the process at the second.
pub(super) fn listen(exit: Exit, first: impl FnOnce() + Send + 'static) -> anyhow::Result<Signals> {
    let signals = Signals::default();
    let (came, told) = (signals.clone(), std::sync::mpsc::channel());
    let (ready, is_ready) = told;
    let work = move || {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut terminate = signal(SignalKind::terminate())?;
            let _ = ready.send(());
            let mut first = Some(first);
            loop {
                let code = tokio::select! {
                    biased;
                    _ = interrupt.recv() => 130,
                    _ = terminate.recv() => 143,
                };
                match first.take() {
                    Some(first) => {
                        came.0.store(code, Relaxed);
                        first();
                    }
                    None => exit(code),
                }
            }
        })
    };
    let thread = std::thread::Builder::new().name("signals".into());
    let _ = thread
        .spawn(move || -> std::io::Result<()> { work() })
        .context("cannot listen for signals")?;
    // From here on a signal is heard.
    let _ = is_ready.recv();
    Ok(signals)
}
