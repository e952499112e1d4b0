//! A cluster that is far away: each request is answered later than it would be, and so is each event of a watch told.
//!
//! # Guarantees
//!
//! - How much later is drawn from a seed, within bounds. Equal bounds shift everything alike; bounds that differ give
//!   what happens at the same time another order with each seed.
//! - Nothing overtakes what came before it on the same watch. Answers of different requests may overtake each other.

use std::{
    collections::VecDeque,
    fmt,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures::stream;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody, combinators::UnsyncBoxBody};
use kube::{Client, client::Body};
use tokio::time::{Instant, sleep, sleep_until};
use tower::BoxError;

use crate::dice::Dice;

/// How much later everything comes: at least and at most so many milliseconds. Nothing, by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    least_ms: u32,
    most_ms: u32,
}

impl Latency {
    /// There is none.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    fn draw(self, dice: &mut Dice) -> Duration {
        let span = (self.most_ms - self.least_ms) as usize;
        let more = u64::try_from(dice.below(span + 1)).unwrap_or(0);
        Duration::from_millis(u64::from(self.least_ms) + more)
    }
}

impl FromStr for Latency {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (least, most) = text.split_once("..").unwrap_or((text, text));
        match (least.parse(), most.parse()) {
            (Ok(least_ms), Ok(most_ms)) if least_ms <= most_ms && most_ms <= 60_000 => {
                Ok(Self { least_ms, most_ms })
            }
            _ => Err("it is a number of milliseconds up to 60000, or two, as in 0..40"),
        }
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.least_ms == self.most_ms {
            true => write!(out, "{}", self.least_ms),
            false => write!(out, "{}..{}", self.least_ms, self.most_ms),
        }
    }
}

/// A client through which everything comes later. Must be called inside a tokio runtime, as every making of a client.
pub fn slowed(client: Client, latency: Latency, seed: u64) -> Client {
    if latency.is_none() {
        return client;
    }
    let namespace = client.default_namespace().to_owned();
    let dice = Arc::new(Mutex::new(Dice::of(seed)));
    let service = tower::service_fn(move |request| {
        let (client, dice) = (client.clone(), Arc::clone(&dice));
        async move { exchange(client, request, latency, dice).await }
    });
    Client::new(service, namespace)
}

type Passed = UnsyncBoxBody<Bytes, BoxError>;

async fn exchange(
    client: Client,
    request: Request<Body>,
    latency: Latency,
    dice: Arc<Mutex<Dice>>,
) -> Result<Response<Passed>, BoxError> {
    let query = request.uri().query().unwrap_or_default();
    let watches = query
        .split('&')
        .any(|part| matches!(part, "watch=true" | "watch=1"));
    let wait = latency.draw(&mut dice.lock().unwrap_or_else(PoisonError::into_inner));
    sleep(wait).await;
    let (head, body) = client.send(request).await?.into_parts();
    let body = body.map_err(BoxError::from).boxed_unsync();
    let body = match watches && head.status == StatusCode::OK {
        true => Late::new(body, latency, dice).body(),
        false => body,
    };
    Ok(Response::from_parts(head, body))
}

/// A watch whose pieces come later, in their order.
struct Late {
    body: Passed,
    latency: Latency,
    dice: Arc<Mutex<Dice>>,
    waiting: VecDeque<(Instant, Result<Frame<Bytes>, BoxError>)>,
    ended: bool,
}

impl Late {
    fn new(body: Passed, latency: Latency, dice: Arc<Mutex<Dice>>) -> Self {
        Self {
            body,
            latency,
            dice,
            waiting: VecDeque::new(),
            ended: false,
        }
    }

    fn body(self) -> Passed {
        let frames = stream::unfold(self, |mut late| async move {
            let frame = late.next().await?;
            Some((frame, late))
        });
        StreamBody::new(frames).boxed_unsync()
    }

    async fn next(&mut self) -> Option<Result<Frame<Bytes>, BoxError>> {
        loop {
            let due = self.waiting.front().map(|(at, _)| *at);
            if due.is_none() && self.ended {
                return None;
            }
            tokio::select! {
                biased;
                frame = self.body.frame(), if !self.ended => match frame {
                    Some(frame) => self.hear(frame),
                    None => self.ended = true,
                },
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    return self.waiting.pop_front().map(|(_, frame)| frame);
                }
            }
        }
    }

    fn hear(&mut self, frame: Result<Frame<Bytes>, BoxError>) {
        let mut dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
        let at = Instant::now() + self.latency.draw(&mut dice);
        let last = self.waiting.back().map_or(at, |(before, _)| *before);
        self.waiting.push_back((at.max(last), frame));
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;
    use k8s_openapi::api::core::v1::Pod;
    use kube::{Api, api::WatchParams};
    use serde_json::json;

    use super::*;

    fn parsed(text: &str) -> Result<Latency, &'static str> {
        text.parse()
    }

    #[test]
    fn a_latency_is_a_number_or_two() {
        for text in ["0", "200", "0..40"] {
            assert_eq!(parsed(text).map(|it| it.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "-1", "40..0", "..", "1s", "60001"] {
            assert!(parsed(text).is_err(), "{text}");
        }
        let (latency, mut dice) = (parsed("5..7").expect("two numbers"), Dice::of(1));
        let drawn: std::collections::BTreeSet<u128> = (0..50)
            .map(|_| latency.draw(&mut dice).as_millis())
            .collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [5, 6, 7]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_and_each_event_of_its_watch_come_later_and_in_order() {
        // Five events at once, in pieces of two lines.
        let event = |version: u32| {
            let object = json!({"metadata": {"name": "web-0", "resourceVersion": version.to_string()}, "spec": {"containers": []}});
            format!("{}\n", json!({"type": "MODIFIED", "object": object}))
        };
        let server = move |_: Request<Body>| {
            let pieces: Vec<Result<Frame<Bytes>, BoxError>> = [1, 3, 5]
                .map(|version| format!("{}{}", event(version), event(version + 1)))
                .map(|text| Ok(Frame::data(Bytes::from(text))))
                .into();
            async move {
                Ok::<_, BoxError>(Response::new(
                    StreamBody::new(stream::iter(pieces)).boxed_unsync(),
                ))
            }
        };
        let client = Client::new(tower::service_fn(server), "a");
        let latency = parsed("100..300").expect("two numbers");
        let pods: Api<Pod> = Api::default_namespaced(slowed(client, latency, 7));
        let begun = Instant::now();
        let events = pods.watch(&WatchParams::default(), "0").await;
        let asked = begun.elapsed().as_millis();
        assert!((100..=300).contains(&asked), "{asked} ms");
        let seen: Vec<String> = events
            .expect("a watch")
            .map(|event| match event {
                Ok(kube::api::WatchEvent::Modified(pod)) => {
                    pod.metadata.resource_version.unwrap_or_default()
                }
                other => panic!("{other:?}"),
            })
            .collect()
            .await;
        assert_eq!(seen, ["1", "2", "3", "4", "5", "6"]);
        let all = begun.elapsed().as_millis();
        assert!((asked + 100..=600).contains(&all), "{all} ms");
    }
}
