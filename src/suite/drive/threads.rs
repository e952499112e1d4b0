//! The threads and runtimes that scenarios run on.

use std::{
    future::poll_fn,
    io,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
        mpsc::Sender,
    },
    thread,
};

use tokio::{
    runtime::{Builder, Runtime},
    sync::mpsc,
    task::LocalSet,
};

use super::{Cancel, Play, Told};
use crate::{report::Outcome, suite::panics};

/// What a runtime's thread is doing, for the watchdog.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    /// Asleep in the runtime: no task can run, no timer is due.
    pub(super) parked: AtomicBool,
    /// The scenario being polled, plus one; zero while the runtime or another task has the thread.
    pub(super) polling: AtomicUsize,
}

impl Pulse {
    fn runtime(self: &Arc<Self>, paused: bool) -> io::Result<Runtime> {
        let (parks, unparks) = (self.clone(), self.clone());
        Builder::new_current_thread()
            .enable_all()
            .start_paused(paused)
            .on_thread_park(move || parks.parked.store(true, Relaxed))
            .on_thread_unpark(move || unparks.parked.store(false, Relaxed))
            .build()
    }
}

/// What a thread needs to run one scenario.
pub(super) struct Job {
    pub(super) place: usize,
    pub(super) cancelled: Cancel,
    pub(super) tell: Sender<(usize, Told)>,
}

impl Job {
    async fn run<P: Play>(self, play: &P, pulse: &Pulse) -> (LastWord, Outcome) {
        let Self {
            place,
            mut cancelled,
            tell,
        } = self;
        let last_word = LastWord {
            place,
            tell,
            said: false,
        };
        let mut run = pin!(play.play(place, &mut cancelled));
        let outcome = poll_fn(|cx| {
            pulse.polling.store(place + 1, Relaxed);
            let poll = run.as_mut().poll(cx);
            pulse.polling.store(0, Relaxed);
            poll
        })
        .await;
        (last_word, outcome)
    }
}

/// Tells the driver that a scenario is over, even when its thread unwinds, say from a destructor.
struct LastWord {
    place: usize,
    tell: Sender<(usize, Told)>,
    said: bool,
}

impl LastWord {
    fn say(mut self, outcome: Outcome) {
        self.said = true;
        let told = Told::Finished(Some(Box::new(outcome)), panics::take_background());
        // The driver has ended if this scenario was abandoned.
        let _ = self.tell.send((self.place, told));
    }
}

impl Drop for LastWord {
    fn drop(&mut self) {
        if !self.said {
            let _ = self
                .tell
                .send((self.place, Told::Finished(None, panics::take_background())));
        }
    }
}

/// A fresh thread, a fresh paused runtime.
pub(super) fn isolated<P: Play>(job: Job, play: Arc<P>) -> io::Result<Arc<Pulse>> {
    let pulse = Arc::new(Pulse::default());
    let runtime = pulse.runtime(true)?;
    let of_thread = pulse.clone();
    thread::Builder::new()
        .name(format!("scenario-{}", job.place))
        .spawn(move || {
            panics::watch_this_thread();
            let (last_word, outcome) = runtime.block_on(job.run(&*play, &of_thread));
            // Tasks left behind are dropped; blocking ones are not waited for. Only then is the place free for another:
            // otherwise the threads that wind down would come on top of the bound.
            runtime.shutdown_background();
            last_word.say(outcome);
        })?;
    Ok(pulse)
}

/// The one thread of shared mode.
pub(super) struct Worker<P> {
    jobs: mpsc::UnboundedSender<Job>,
    pulse: Arc<Pulse>,
    play: std::marker::PhantomData<fn(P)>,
}

impl<P: Play> Worker<P> {
    pub(super) fn start(play: Arc<P>) -> io::Result<Self> {
        let (jobs, mut todo) = mpsc::unbounded_channel::<Job>();
        let pulse = Arc::new(Pulse::default());
        let runtime = pulse.runtime(false)?;
        let of_thread = pulse.clone();
        thread::Builder::new()
            .name("scenarios".into())
            .spawn(move || {
                panics::watch_this_thread();
                let tasks = LocalSet::new();
                runtime.block_on(tasks.run_until(async {
                    while let Some(job) = todo.recv().await {
                        let (play, pulse) = (play.clone(), of_thread.clone());
                        tokio::task::spawn_local(async move {
                            let (last_word, outcome) = job.run(&*play, &pulse).await;
                            last_word.say(outcome);
                        });
                    }
                }));
                drop(tasks);
                runtime.shutdown_background();
            })?;
        Ok(Self {
            jobs,
            pulse,
            play: std::marker::PhantomData,
        })
    }

    /// Takes one more scenario.
    pub(super) fn take(&self, job: Job) -> Arc<Pulse> {
        // The worker's loop ends only when this sender is dropped.
        let _ = self.jobs.send(job);
        self.pulse.clone()
    }

    pub(super) fn has(&self, pulse: &Arc<Pulse>) -> bool {
        Arc::ptr_eq(&self.pulse, pulse)
    }
}
