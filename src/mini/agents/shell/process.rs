//! Processes and signals.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::Notify, task::AbortHandle};

/// A signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// HUP
    Hangup,
    /// INT
    Interrupt,
    /// QUIT
    Quit,
    /// KILL
    Kill,
    /// USR1
    User1,
    /// USR2
    User2,
    /// TERM
    Terminate,
}

impl Signal {
    const ALL: [(Self, i32, &'static str); 7] = [
        (Self::Hangup, 1, "HUP"),
        (Self::Interrupt, 2, "INT"),
        (Self::Quit, 3, "QUIT"),
        (Self::Kill, 9, "KILL"),
        (Self::User1, 10, "USR1"),
        (Self::User2, 12, "USR2"),
        (Self::Terminate, 15, "TERM"),
    ];

    /// Its number on Linux.
    pub fn number(self) -> i32 {
        let known = Self::ALL.iter().find(|(signal, ..)| *signal == self);
        known.map_or(0, |(_, number, _)| *number)
    }

    /// Its name without `SIG`.
    pub fn name(self) -> &'static str {
        let known = Self::ALL.iter().find(|(signal, ..)| *signal == self);
        known.map_or("", |(_, _, name)| name)
    }

    /// The signal of that name or number, with or without `SIG`.
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.to_uppercase();
        let name = name.strip_prefix("SIG").unwrap_or(&name);
        let known = Self::ALL
            .iter()
            .find(|(_, number, known)| *known == name || number.to_string() == name);
        known.map(|(signal, ..)| *signal)
    }
}

#[derive(Default)]
struct Signals {
    pending: Mutex<Pending>,
    arrived: Notify,
    interrupted: Notify,
}

#[derive(Default)]
struct Pending {
    queue: VecDeque<Signal>,
    handled: BTreeSet<Signal>,
    ignored: BTreeSet<Signal>,
}

/// One process, seen from inside and outside.
#[derive(Clone)]
pub struct Process {
    /// Its number in its container.
    pub pid: u32,
    signals: Arc<Signals>,
    processes: Processes,
}

impl std::fmt::Debug for Process {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("Process").field(&self.pid).finish()
    }
}

impl Process {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.signals
            .pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends it a signal.
    pub fn send(&self, signal: Signal) {
        let mut pending = self.pending();
        let first = self.pid == 1;
        // The first process of a container gets only what it handles; nobody inside can kill it.
        let dropped =
            pending.ignored.contains(&signal) || (first && !pending.handled.contains(&signal));
        if !dropped {
            pending.queue.push_back(signal);
            drop(pending);
            self.signals.arrived.notify_waiters();
        }
    }

    /// From now on it handles the signal itself, or ignores it, or (neither) is ended by it.
    pub fn set_handling(&self, signal: Signal, handled: bool, ignored: bool) {
        let mut pending = self.pending();
        pending.handled.remove(&signal);
        pending.ignored.remove(&signal);
        if signal != Signal::Kill && handled {
            pending.handled.insert(signal);
        } else if signal != Signal::Kill && ignored {
            pending.ignored.insert(signal);
        }
    }

    /// It handles nothing any more: another program runs in it now.
    pub fn reset_handling(&self) {
        self.pending().handled.clear();
    }

    /// The next signal that arrived and that it handles, if there is one.
    pub fn take_handled(&self) -> Option<Signal> {
        let mut pending = self.pending();
        let at = pending
            .queue
            .iter()
            .position(|signal| pending.handled.contains(signal))?;
        pending.queue.remove(at)
    }

    /// Resolves when a signal that it handles has arrived.
    pub async fn handled(&self) {
        loop {
            let arrived = self.signals.arrived.notified();
            {
                let pending = self.pending();
                if pending
                    .queue
                    .iter()
                    .any(|signal| pending.handled.contains(signal))
                {
                    return;
                }
            }
            arrived.await;
        }
    }

    /// Resolves when a signal has arrived that ends it.
    pub async fn ended_by_signal(&self) -> Signal {
        loop {
            let arrived = self.signals.arrived.notified();
            {
                let pending = self.pending();
                let fatal = pending
                    .queue
                    .iter()
                    .find(|signal| !pending.handled.contains(signal));
                if let Some(signal) = fatal {
                    return *signal;
                }
            }
            arrived.await;
        }
    }

    /// Somebody at its terminal pressed Ctrl-C: what it runs in the foreground ends.
    pub fn interrupt(&self) {
        self.signals.interrupted.notify_waiters();
    }

    /// Resolves when that happens.
    pub async fn interrupted(&self) {
        self.signals.interrupted.notified().await;
    }

    /// It is not there any more.
    pub fn leave(&self) {
        self.processes.state().running.remove(&self.pid);
    }
}

#[derive(Default)]
struct State {
    last: u32,
    running: BTreeMap<u32, (Process, String)>,
    tasks: Vec<AbortHandle>,
    ended: bool,
}

/// The processes of a container. Clones are the same.
#[derive(Clone, Default)]
pub struct Processes(Arc<Mutex<State>>);

impl std::fmt::Debug for Processes {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_list().entries(self.list()).finish()
    }
}

impl Processes {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new process; the first one is number 1.
    pub fn enter(&self, argv: &[String]) -> Process {
        let mut state = self.state();
        state.last += 1;
        let process = Process {
            pid: state.last,
            signals: Arc::default(),
            processes: self.clone(),
        };
        state
            .running
            .insert(process.pid, (process.clone(), argv.join(" ")));
        process
    }

    /// The process of that number.
    pub fn get(&self, pid: u32) -> Option<Process> {
        self.state()
            .running
            .get(&pid)
            .map(|(process, _)| process.clone())
    }

    /// All processes: their numbers and what was started.
    pub fn list(&self) -> Vec<(u32, String)> {
        let state = self.state();
        let running = state.running.iter();
        running
            .map(|(pid, (_, text))| (*pid, text.clone()))
            .collect()
    }

    /// Runs something beside the others that ends with the container.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut state = self.state();
        if !state.ended {
            state.tasks.retain(|task| !task.is_finished());
            state.tasks.push(tokio::spawn(work).abort_handle());
        }
    }

    /// Ends all of them at once: the container is gone.
    pub fn end(&self) {
        let (tasks, running) = {
            let mut state = self.state();
            state.ended = true;
            (
                std::mem::take(&mut state.tasks),
                std::mem::take(&mut state.running),
            )
        };
        drop(running);
        tasks.iter().for_each(AbortHandle::abort);
    }
}
