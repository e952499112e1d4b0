//! One panic hook for the life of the process; what it catches is kept per thread.
//!
//! Taking and restoring the hook around a run would be a race: it is global to the process. This one is installed once
//! and asks two thread-locals what to do, so threads outside a run panic as they always did.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe, PanicHookInfo},
    pin::Pin,
    sync::Once,
    task::{Context, Poll},
};

use futures::FutureExt as _;

use crate::report::Caught;

thread_local! {
    /// True on threads that run scenarios.
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    /// True while a step or another part of a scenario is polled on this thread.
    static IN_STEP: Cell<bool> = const { Cell::new(false) };
    /// The panic of the step being polled. Written by the hook, read by the same poll: nothing can come between.
    static OF_STEP: RefCell<Option<Caught>> = const { RefCell::new(None) };
    /// Panics of other tasks of this thread's runtime, such as the subject's.
    static OF_TASKS: RefCell<Vec<Caught>> = const { RefCell::new(Vec::new()) };
}

/// Installs the hook, once, in front of whatever hook is there.
pub(super) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| match (WATCHED.get(), IN_STEP.get()) {
            (true, true) => OF_STEP.set(Some(caught(info))),
            (true, false) => OF_TASKS.with_borrow_mut(|all| all.push(caught(info))),
            (false, _) => previous(info),
        }));
    });
}

fn text_of(payload: &dyn std::any::Any) -> Option<&str> {
    let owned = payload.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| payload.downcast_ref::<&'static str>().copied())
}

fn caught(info: &PanicHookInfo<'_>) -> Caught {
    Caught {
        message: text_of(info.payload())
            .unwrap_or("a panic with a payload that is not text")
            .to_owned(),
        location: info.location().map(ToString::to_string),
    }
}

/// Marks the calling thread as one that runs scenarios.
pub(super) fn watch_this_thread() {
    WATCHED.set(true);
}

/// Panics of background tasks on this thread since the last call.
pub(super) fn take_background() -> Vec<Caught> {
    OF_TASKS.take()
}

/// Where the step panicked whose panic was just caught.
pub(super) fn take_location() -> Option<String> {
    OF_STEP.take().and_then(|caught| caught.location)
}

/// Polls a future with the mark that its panics belong to a step, and catches them.
pub(super) async fn in_step<T>(future: impl Future<Output = T>) -> Result<T, Box<dyn Any + Send>> {
    InStep(AssertUnwindSafe(future).catch_unwind().boxed_local()).await
}

/// Drops what may panic when it is dropped; the hook lists such a panic with those of background tasks.
pub(super) fn discard(thing: impl Sized) {
    let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(thing)));
}

struct InStep<F>(F);

impl<F: Future + Unpin> Future for InStep<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        IN_STEP.set(true);
        // The inner future catches its own panics, so the reset below is always reached.
        let result = Pin::new(&mut self.0).poll(cx);
        IN_STEP.set(false);
        result
    }
}
