//! Starts scenarios, watches them on real time, and puts what they come to into the order of the features.
//!
//! One thread owns all of it and is the only one that tells anything, so no lock is shared with scenarios.
//!
//! # Guarantees
//!
//! - What is told of finished scenarios does not depend on how many run at once, nor, under `fail_fast`, on timing.
//! - A scenario ends: after [`Options::real_limit`] it is cancelled, after [`Options::grace`] it is abandoned. Either
//!   makes it inconclusive, and the run goes on.

mod threads;

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::Ordering::Relaxed,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use futures::{channel::oneshot, future::LocalBoxFuture};

use self::threads::{Job, Pulse, Worker, isolated};
use super::{event::Event, panics};
use crate::{
    report::{Caught, Outcome, Scenario, Took},
    verdict::Verdict,
};

/// How scenarios share time and threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Virtual time: each scenario on a fresh thread with a fresh paused runtime, so many threads at once.
    Isolated {
        /// How many.
        threads: usize,
    },
    /// Real time: all scenarios on one runtime on one thread, so many at once.
    Shared {
        /// How many.
        concurrency: usize,
    },
}

impl Mode {
    /// Virtual time, as many at once as the machine has cores.
    pub fn isolated() -> Self {
        Self::Isolated {
            threads: thread::available_parallelism().map_or(1, Into::into),
        }
    }
}

/// How to drive.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How scenarios share time and threads.
    pub mode: Mode,
    /// The first failure ends the run; later scenarios count as not run.
    pub fail_fast: bool,
    /// Real time a scenario may take. Then it is cancelled. 60 s.
    pub real_limit: Duration,
    /// Real time it may take to end after that. Then it is abandoned where it is. 5 s.
    pub grace: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mode: Mode::isolated(),
            fail_fast: false,
            real_limit: Duration::from_secs(60),
            grace: Duration::from_secs(5),
        }
    }
}

/// Runs one scenario on the runtime of the calling thread.
pub trait Play: Send + Sync + 'static {
    /// Runs the scenario with this place in the list. A message on `cancel` asks it to end, and says why.
    fn play<'a>(&'a self, place: usize, cancel: &'a mut Cancel) -> LocalBoxFuture<'a, Outcome>;

    /// The scenario does to a shared cluster what others would notice: it runs after them, by itself.
    fn alone(&self, _place: usize) -> bool {
        false
    }
}

/// Asks a scenario to end: carries why.
pub type Cancel = oneshot::Receiver<String>;

/// Ends a run from outside. Copies end the same one.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<Mutex<Line>>);

#[derive(Debug, Default)]
struct Line {
    raised: bool,
    tell: Option<Sender<(usize, Told)>>,
}

impl Interrupt {
    /// Ends the run: scenarios on their way are cancelled, the others do not begin.
    pub fn raise(&self) {
        let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        line.raised = true;
        if let Some(tell) = &line.tell {
            // A run that is over hears nothing.
            let _ = tell.send((0, Told::Interrupted));
        }
    }

    /// It was raised.
    pub fn is_raised(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).raised
    }

    fn connect(&self, tell: Sender<(usize, Told)>) {
        let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if line.raised {
            let _ = tell.send((0, Told::Interrupted));
        }
        line.tell = Some(tell);
    }
}

/// Drives all scenarios to their end on threads of their own. `tell` is called on the calling thread. Returns panics that
/// no scenario can be named for.
pub fn drive<P: Play>(
    scenarios: Vec<Arc<Scenario>>,
    play: Arc<P>,
    options: Options,
    interrupt: &Interrupt,
    tell: &mut dyn FnMut(Event),
) -> Vec<Caught> {
    panics::install();
    let (of_threads, told) = mpsc::channel();
    interrupt.connect(of_threads.clone());
    let driver = Driver {
        scenarios,
        play,
        options,
        report: tell,
        tell: of_threads,
        told,
        running: BTreeMap::new(),
        waiting: BTreeMap::new(),
        head: 0,
        cut: None,
        interrupted: false,
        worker: None,
        stray_panics: Vec::new(),
    };
    driver.run()
}

/// What a running scenario tells the driver.
#[derive(Debug)]
enum Told {
    /// The scenario is over, and so is its runtime where it has one of its own.
    Finished(Option<Box<Outcome>>, Vec<Caught>),
    /// Somebody ends the run.
    Interrupted,
}

/// A scenario on its way, seen from the driver.
struct Running {
    started: Instant,
    /// Taken when the scenario was cancelled.
    cancel: Option<oneshot::Sender<String>>,
    act_at: Instant,
    /// What its thread is doing.
    pulse: Arc<Pulse>,
}

struct Driver<'a, P> {
    scenarios: Vec<Arc<Scenario>>,
    play: Arc<P>,
    options: Options,
    report: &'a mut dyn FnMut(Event),
    tell: Sender<(usize, Told)>,
    told: Receiver<(usize, Told)>,
    running: BTreeMap<usize, Running>,
    /// Outcomes of scenarios later than the one whose turn it is.
    waiting: BTreeMap<usize, Outcome>,
    /// The scenario whose turn it is.
    head: usize,
    /// The earliest failed scenario under fail-fast. Everything later counts as not run, whatever had started: the
    /// outcome then does not depend on timing.
    cut: Option<usize>,
    interrupted: bool,
    worker: Option<Worker<P>>,
    stray_panics: Vec<Caught>,
}

impl<P: Play> Driver<'_, P> {
    fn run(mut self) -> Vec<Caught> {
        let limit = match self.options.mode {
            Mode::Isolated { threads: limit } | Mode::Shared { concurrency: limit } => limit.max(1),
        };
        let mut order = self.order();
        loop {
            while let Some(next) = self.startable(&order, limit) {
                order.pop_front();
                if self.interrupted {
                    self.finish(
                        next,
                        Verdict::Skipped("not run: the run was interrupted".into()),
                    );
                } else if self.cut.is_some_and(|cut| cut < next) {
                    self.finish(next, Verdict::Skipped(AFTER_A_FAILURE.into()));
                } else if let Err(error) = self.launch(next) {
                    self.finish(
                        next,
                        Verdict::Inconclusive(format!("the system gives no thread: {error}")),
                    );
                }
            }
            let Some(act_at) = self.running.values().map(|running| running.act_at).min() else {
                break;
            };
            match self
                .told
                .recv_timeout(act_at.saturating_duration_since(Instant::now()))
            {
                Ok((place, told)) => self.hear(place, told),
                Err(RecvTimeoutError::Timeout) => self.watch(),
                Err(RecvTimeoutError::Disconnected) => unreachable!("the driver holds a sender"),
            }
        }
        self.stray_panics
    }

    /// In the order of the features; where they share a cluster, those that run alone after all others.
    fn order(&self) -> VecDeque<usize> {
        let mut order: Vec<usize> = (0..self.scenarios.len()).collect();
        if matches!(self.options.mode, Mode::Shared { .. }) {
            order.sort_by_key(|place| self.play.alone(*place));
        }
        order.into()
    }

    /// The next one, if it may begin now.
    fn startable(&self, order: &VecDeque<usize>, limit: usize) -> Option<usize> {
        let next = *order.front()?;
        let alone = matches!(self.options.mode, Mode::Shared { .. }) && self.play.alone(next);
        let limit = if alone { 1 } else { limit };
        (self.running.len() < limit).then_some(next)
    }

    fn launch(&mut self, place: usize) -> io::Result<()> {
        let (cancel, cancelled) = oneshot::channel();
        let job = Job {
            place,
            cancelled,
            tell: self.tell.clone(),
        };
        let pulse = match self.options.mode {
            Mode::Isolated { .. } => isolated(job, self.play.clone())?,
            Mode::Shared { .. } => {
                if self.worker.is_none() {
                    self.worker = Some(Worker::start(self.play.clone())?);
                }
                self.worker
                    .as_ref()
                    .map(|worker| worker.take(job))
                    .unwrap_or_default()
            }
        };
        let started = Instant::now();
        let act_at = started + self.options.real_limit;
        self.running.insert(
            place,
            Running {
                started,
                cancel: Some(cancel),
                act_at,
                pulse,
            },
        );
        (self.report)(Event::Running(self.scenarios[place].clone()));
        Ok(())
    }

    fn hear(&mut self, place: usize, told: Told) {
        match told {
            Told::Interrupted => {
                self.interrupted = true;
                self.cancel_from(0, "the run was interrupted");
            }
            Told::Finished(outcome, mut panics) => {
                // One that was abandoned earlier may still move.
                let Some(running) = self.running.remove(&place) else {
                    return;
                };
                let mut outcome = outcome.map_or_else(
                    || {
                        self.without_end(
                            place,
                            running.started,
                            "its thread ended before it did".into(),
                        )
                    },
                    |outcome| *outcome,
                );
                if matches!(self.options.mode, Mode::Shared { .. }) {
                    self.stray_panics.append(&mut panics);
                }
                if let (Verdict::Passed, Some(first)) = (&outcome.verdict, panics.first()) {
                    outcome.verdict = Verdict::Inconclusive(format!(
                        "a background task panicked: {}",
                        first.message
                    ));
                }
                outcome.panics = panics;
                self.ended(place, outcome);
            }
        }
    }

    /// Cancels what is past its limit, abandons what is past its grace.
    fn watch(&mut self) {
        let now = Instant::now();
        let due: Vec<usize> = (self.running.iter())
            .filter(|(_, r)| r.act_at <= now)
            .map(|(place, _)| *place)
            .collect();
        for place in due {
            // It may be lost with another's thread.
            let Some(running) = self.running.get_mut(&place) else {
                continue;
            };
            match running.cancel.take() {
                Some(cancel) => {
                    let how = if running.pulse.parked.load(Relaxed) {
                        "idle"
                    } else {
                        "busy"
                    };
                    let limit = self.options.real_limit;
                    let _ = cancel.send(format!(
                        "it was stopped after {limit:?} of real time, its thread {how},"
                    ));
                    running.act_at = now + self.options.grace;
                }
                None => {
                    let pulse = running.pulse.clone();
                    self.abandon(&pulse);
                }
            }
        }
    }

    /// Gives up on a thread that does not yield: the process ends without it. In shared mode all its scenarios are lost,
    /// and later ones get a new thread.
    fn abandon(&mut self, pulse: &Arc<Pulse>) {
        self.worker = self.worker.take().filter(|worker| !worker.has(pulse));
        let culprit = pulse.polling.load(Relaxed).checked_sub(1);
        let lost: Vec<usize> = (self.running.iter())
            .filter(|(_, r)| Arc::ptr_eq(&r.pulse, pulse))
            .map(|(place, _)| *place)
            .collect();
        for place in lost {
            let Some(running) = self.running.remove(&place) else {
                continue;
            };
            let who = match culprit {
                Some(culprit) if culprit == place => "it".to_owned(),
                Some(culprit) => format!("the scenario {}", self.scenarios[culprit].id()),
                None => "a background task".to_owned(),
            };
            let why = format!("{who} blocks the thread, which was abandoned");
            let outcome = self.without_end(place, running.started, why);
            self.ended(place, outcome);
        }
    }

    fn without_end(&self, place: usize, started: Instant, why: String) -> Outcome {
        let real_seconds = started.elapsed().as_secs_f64();
        Outcome {
            took: Took {
                virtual_seconds: 0.0,
                real_seconds,
            },
            ..Outcome::of(&self.scenarios[place], Verdict::Inconclusive(why))
        }
    }

    fn ended(&mut self, place: usize, outcome: Outcome) {
        (self.report)(Event::Ended(self.scenarios[place].clone()));
        if self.options.fail_fast
            && outcome.shows_a_breach()
            && self.cut.is_none_or(|cut| place < cut)
        {
            self.cut = Some(place);
            self.cancel_from(place + 1, "an earlier scenario failed");
        }
        self.pass_on(place, outcome);
    }

    fn cancel_from(&mut self, first: usize, why: &str) {
        for (_, later) in self.running.range_mut(first..) {
            if let Some(cancel) = later.cancel.take() {
                let _ = cancel.send(why.to_owned());
                later.act_at = Instant::now() + self.options.grace;
            }
        }
    }

    /// A scenario ends without having run.
    fn finish(&mut self, place: usize, verdict: Verdict) {
        let outcome = Outcome::of(&self.scenarios[place], verdict);
        self.pass_on(place, outcome);
    }

    /// Tells the outcome, now or when its turn comes.
    fn pass_on(&mut self, place: usize, outcome: Outcome) {
        self.waiting.insert(place, outcome);
        while let Some(mut outcome) = self.waiting.remove(&self.head) {
            if self.cut.is_some_and(|cut| self.head > cut) {
                outcome = Outcome::of(&outcome.scenario, Verdict::Skipped(AFTER_A_FAILURE.into()));
            }
            (self.report)(Event::Finished(outcome));
            self.head += 1;
        }
    }
}

const AFTER_A_FAILURE: &str = "not run: an earlier scenario failed";

#[cfg(test)]
mod tests;
