//! The events of a watch on their way to the subject: noted, and late, held back, lost or doubled where a rule says so.

use std::collections::VecDeque;

use bytes::Bytes;
use futures::stream;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use serde_json::json;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tower::BoxError;

use super::{
    read::Lines,
    wire::{Passed, Wire},
};
use crate::evidence::Kind;

/// One watch of the subject.
pub struct Delivering {
    wire: Wire,
    kind: Kind,
    index: usize,
    body: Passed,
    /// The server has ended it.
    ended: Option<Option<BoxError>>,
    lines: Lines,
    /// Whole lines that wait, with the time from which on each may pass.
    waiting: VecDeque<(Instant, Vec<u8>)>,
    /// How many times watches of the kind had been made too old when it began.
    expired: usize,
    turns: watch::Receiver<usize>,
}

impl Delivering {
    pub fn new(wire: Wire, kind: Kind, index: usize, body: Passed) -> Self {
        let turns = wire.tap.shared.turns.subscribe();
        let expired = wire.tap.lock().faults.of_kind(kind).expired;
        Self {
            wire,
            kind,
            index,
            body,
            ended: None,
            lines: Lines::default(),
            waiting: VecDeque::new(),
            expired,
            turns,
        }
    }

    /// The body that the subject reads.
    pub fn body(self) -> Passed {
        let frames = stream::unfold(Some(self), |delivering| async move {
            let mut delivering = delivering?;
            match delivering.next().await {
                Some(Ok(line)) => Some((Ok(Frame::data(Bytes::from(line))), Some(delivering))),
                Some(Err(error)) => Some((Err(error), None)),
                None => None,
            }
        });
        StreamBody::new(frames).boxed_unsync()
    }

    async fn next(&mut self) -> Option<Result<Vec<u8>, BoxError>> {
        loop {
            self.turns.borrow_and_update();
            let rules = self.wire.tap.lock().faults.of_kind(self.kind);
            if rules.expired > self.expired {
                self.expired = rules.expired;
                self.ended = Some(None);
                self.waiting.clear();
                return Some(Ok(too_old()));
            }
            let due = match rules.frozen {
                true => None,
                false => self.waiting.front().map(|(at, _)| *at),
            };
            if due.is_some_and(|at| at <= Instant::now()) {
                let (_, line) = self.waiting.pop_front()?;
                self.wire.overheard(self.kind, &line);
                return Some(Ok(line));
            }
            if self.waiting.is_empty()
                && let Some(how) = &mut self.ended
            {
                return how.take().map(Err);
            }
            let wake = due.unwrap_or_else(Instant::now);
            tokio::select! {
                biased;
                changed = self.turns.changed() => {
                    if changed.is_err() {
                        return None;
                    }
                }
                frame = self.body.frame(), if self.ended.is_none() => match frame {
                    Some(Ok(frame)) => {
                        if let Ok(data) = frame.into_data() {
                            self.hear(&data);
                        }
                    }
                    Some(Err(error)) => self.ended = Some(Some(error)),
                    None => self.ended = Some(None),
                },
                () = sleep_until(wake), if due.is_some() => {}
            }
        }
    }

    /// Takes what the server sent, as the rules are now.
    fn hear(&mut self, data: &[u8]) {
        let rules = self.wire.tap.lock().faults.of_kind(self.kind);
        if rules.missed {
            // What is lost is lost in whole lines.
            self.lines.feed(data, |_| {});
            return;
        }
        let at = Instant::now() + rules.late;
        let waiting = &mut self.waiting;
        self.lines.feed(data, |line| {
            // Nothing overtakes what came before.
            let at = waiting.back().map_or(at, |(before, _)| at.max(*before));
            let line = [line, b"\n"].concat();
            if rules.twice {
                waiting.push_back((at, line.clone()));
            }
            waiting.push_back((at, line));
        });
    }
}

/// Notes the end of the watch: read to its end, given up, or lost with the process.
impl Drop for Delivering {
    fn drop(&mut self) {
        let at = self.wire.tap.clock.now();
        self.wire.tap.lock().log.requests[self.index].closed_at = Some(at);
    }
}

/// What a server says on a watch that cannot go on.
fn too_old() -> Vec<u8> {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "too old resource version", "reason": "Expired", "code": 410
    });
    format!("{}\n", json!({ "type": "ERROR", "object": status })).into_bytes()
}
