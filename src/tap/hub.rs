//! One subject for many scenarios: each scenario's log has what the subject did in the scenario's own namespaces.
//!
//! What is about no namespace, as a watch of all pods, is in all logs. The two sides of a log, the scenario's and the
//! subject's, are put into one order by the time: they are written in one process, by one clock. No faults are put
//! between a shared subject and the server: they would be everybody's.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kube::Client;

use super::{Shared, Tap, wire::Wire};
use crate::{
    clock::Clock,
    cluster::Target,
    evidence::{Actor, Log, Request},
};

/// Sees every request of a subject that works for many scenarios at once. Copies are the same hub.
#[derive(Clone, Debug)]
pub struct Hub {
    /// All that the subject does.
    subject: Tap,
}

/// A scenario's part of what a shared subject does.
#[derive(Clone)]
pub(super) struct Part {
    of: Arc<Shared>,
    namespaces: Arc<Mutex<BTreeSet<String>>>,
}

impl Hub {
    /// A hub with an empty log.
    pub fn new(clock: Clock, target: Target) -> Self {
        Self {
            subject: Tap::new(clock, target),
        }
    }

    /// The tap of the subject itself.
    pub fn subject(&self) -> &Tap {
        &self.subject
    }

    /// A tap for one scenario. It sees what is done through its own clients, and what the subject does in the
    /// namespaces that it [covers](Tap::cover).
    pub fn tap(&self) -> Tap {
        let part = Part {
            of: self.subject.shared.clone(),
            namespaces: Arc::default(),
        };
        Tap {
            part: Some(part),
            ..Tap::new(self.subject.clock, self.subject.target.clone())
        }
    }

    /// The way of a program's requests, which go on through this client.
    pub(super) fn wire(&self, client: Client) -> Wire {
        self.subject.wire(client, Actor::Subject)
    }
}

impl Part {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.namespaces
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn cover(&self, namespace: &str) {
        self.lock().insert(namespace.to_owned());
    }

    /// A scenario's own log, with what the subject did for it.
    pub(super) fn with(&self, own: Log) -> Log {
        let namespaces = self.lock();
        let book = self.of.book.lock().unwrap_or_else(PoisonError::into_inner);
        join(own, part_of(&book.log, &namespaces))
    }
}

/// What is about one of the namespaces, or about none.
fn part_of(log: &Log, namespaces: &BTreeSet<String>) -> Log {
    let about = |namespace: &String| namespace.is_empty() || namespaces.contains(namespace);
    let deliveries = log.deliveries.iter().enumerate();
    let (kept, deliveries): (Vec<usize>, Vec<_>) = deliveries
        .filter(|(_, delivery)| about(&delivery.namespace))
        .map(|(place, delivery)| (place, delivery.clone()))
        .unzip();
    let requests = log
        .requests
        .iter()
        .filter(|request| about(&request.namespace));
    let requests = requests.map(|request| Request {
        delivered: kept.partition_point(|place| *place < request.delivered),
        ..request.clone()
    });
    Log {
        requests: requests.collect(),
        deliveries,
        ..Log::default()
    }
}

/// Both in one order.
fn join(own: Log, of_subject: Log) -> Log {
    let mut requests: Vec<Request> = own
        .requests
        .into_iter()
        .chain(of_subject.requests)
        .collect();
    requests.sort_by_key(|request| request.sent_at);
    let sent = requests.iter().enumerate();
    let mut moments: Vec<_> = sent
        .flat_map(|(place, request)| {
            let answered = request
                .answer
                .as_ref()
                .map(|answer| (answer.at, true, place));
            std::iter::once((request.sent_at, false, place)).chain(answered)
        })
        .collect();
    moments.sort_unstable();
    for (step, (_, is_answer, place)) in moments.into_iter().enumerate() {
        match (&mut requests[place], is_answer) {
            (request, false) => request.step = step + 1,
            (request, true) => {
                if let Some(answer) = &mut request.answer {
                    answer.step = step + 1;
                }
            }
        }
    }
    Log {
        requests,
        deliveries: of_subject.deliveries,
        faults: own.faults,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Answer, Delivery, Kind, Method};

    fn at(second: i64) -> jiff::Timestamp {
        jiff::Timestamp::constant(second, 0)
    }

    fn request(
        actor: Actor,
        namespace: &str,
        sent: i64,
        answered: i64,
        delivered: usize,
    ) -> Request {
        Request {
            actor,
            process: 0,
            sent_at: at(sent),
            step: 0,
            method: Method::Create,
            kind: Some(Kind::Pod),
            plural: "pods".to_owned(),
            namespace: namespace.to_owned(),
            name: "web-0".to_owned(),
            subresource: String::new(),
            dry_run: false,
            body: None,
            delivered,
            answer: Some(Answer {
                at: at(answered),
                step: 0,
                code: 201,
                version: None,
                uid: None,
                reason: String::new(),
                message: String::new(),
            }),
            lost: false,
            closed_at: None,
        }
    }

    fn delivery(namespace: &str, version: u64) -> Delivery {
        Delivery {
            at: at(1),
            process: 0,
            kind: Kind::Pod,
            namespace: namespace.to_owned(),
            name: "web-0".to_owned(),
            version,
        }
    }

    #[test]
    fn a_scenario_has_its_own_part_in_the_order_of_time() {
        let subject = Log {
            requests: vec![
                request(Actor::Subject, "a", 2, 5, 2),
                request(Actor::Subject, "b", 3, 3, 3),
            ],
            deliveries: vec![delivery("b", 7), delivery("a", 8), delivery("a", 9)],
            ..Log::default()
        };
        let own = Log {
            requests: vec![request(Actor::Harness, "a", 1, 4, 0)],
            ..Log::default()
        };
        let log = join(own, part_of(&subject, &["a".to_owned()].into()));
        let order: Vec<_> = log
            .requests
            .iter()
            .map(|request| {
                let answer = request.answer.as_ref().map(|answer| answer.step);
                (request.actor, request.step, answer, request.delivered)
            })
            .collect();
        assert_eq!(
            order,
            [
                (Actor::Harness, 1, Some(3), 0),
                (Actor::Subject, 2, Some(4), 1)
            ]
        );
        let versions: Vec<u64> = log
            .deliveries
            .iter()
            .map(|delivery| delivery.version)
            .collect();
        assert_eq!(versions, [8, 9]);
    }
}
