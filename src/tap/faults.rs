//! Faults between the subject and the API server: rules with verdicts, in order; each is removed with its guard.
//!
//! The first rule that speaks of a request and is not used up decides about it. Rules of deliveries act on every watch of
//! their kind at once. What a fault does is in the log, and so is the time in which its rule stood.

use std::time::Duration;

use super::Tap;
use crate::evidence::{self, Kind, Method};

/// Which requests of the subject a rule speaks of.
#[derive(Clone, Debug, Default)]
pub struct On {
    /// What is asked for; anything, if there is none.
    pub methods: Vec<Method>,
    /// The name in paths, as `pods`; any, if it is empty.
    pub plural: String,
    /// The object's name; any, if it is empty.
    pub name: String,
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The server does not see it: it is refused with this code.
    Refused {
        /// The HTTP status.
        code: u16,
        /// How long the subject is asked to wait.
        retry_after_seconds: Option<u32>,
    },
    /// The connection ends before the server sees it.
    Reset,
    /// The server does what it asks for, and the connection ends before it is answered.
    Lost,
    /// The subject's processes end before the server sees it.
    CrashBefore,
    /// The server does what it asks for, and the subject's processes end before it is answered.
    CrashAfter,
    /// It waits on its way to the server until the rule is removed.
    WaitBefore,
    /// The server does what it asks for, and the answer waits until the rule is removed.
    WaitAfter,
}

/// What happens to the events of watches of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Each comes so much later.
    Late(Duration),
    /// None comes until the rule is removed; then all do.
    Frozen,
    /// None comes; when the rule is removed the watch is refused as too old, so that the subject lists anew.
    Missed,
    /// Each comes twice.
    Twice,
}

/// Removes its rule when it is dropped.
#[derive(Debug)]
#[must_use = "the rule goes with its guard"]
pub struct Guard {
    tap: Tap,
    id: usize,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let now = self.tap.clock.now();
        let mut book = self.tap.lock();
        book.faults.requests.retain(|rule| rule.id != self.id);
        let removed: Vec<Kind> = (book.faults.deliveries.iter())
            .filter(|rule| rule.id == self.id && rule.delivery == Delivery::Missed)
            .map(|rule| rule.kind)
            .collect();
        book.faults.deliveries.retain(|rule| rule.id != self.id);
        book.faults.expired.extend(removed);
        if let Some(place) = book.faults.noted.get(self.id).copied() {
            book.log.faults[place].until.get_or_insert(now);
        }
        drop(book);
        self.tap.turn();
    }
}

/// All rules that stand.
#[derive(Debug, Default)]
pub(super) struct Faults {
    requests: Vec<OfRequests>,
    deliveries: Vec<OfDeliveries>,
    /// By the id of a rule: its place in the log.
    noted: Vec<usize>,
    /// Each time that the watches of a kind were made too old.
    expired: Vec<Kind>,
}

/// A fault that a request has met.
#[derive(Clone, Copy, Debug)]
pub(super) struct Met {
    rule: usize,
    /// The place of its rule in the log.
    pub(super) place: usize,
    pub(super) fault: Fault,
    /// The rule acts no more.
    pub(super) used_up: bool,
}

#[derive(Debug)]
struct OfRequests {
    id: usize,
    on: On,
    fault: Fault,
    /// How many requests pass before it acts.
    passes: usize,
    /// How many it acts on.
    times: usize,
}

#[derive(Debug)]
struct OfDeliveries {
    id: usize,
    kind: Kind,
    delivery: Delivery,
}

impl Faults {
    /// The fault of a request.
    pub(super) fn of_request(&mut self, method: Method, plural: &str, name: &str) -> Option<Met> {
        for rule in &mut self.requests {
            let On {
                methods,
                plural: of_plural,
                name: of_name,
            } = &rule.on;
            let fits = (methods.is_empty() || methods.contains(&method))
                && (of_plural.is_empty() || of_plural == plural)
                && (of_name.is_empty() || of_name == name);
            if !fits || rule.times == 0 {
                continue;
            }
            if rule.passes > 0 {
                rule.passes -= 1;
                continue;
            }
            rule.times -= 1;
            return Some(Met {
                rule: rule.id,
                place: self.noted[rule.id],
                fault: rule.fault,
                used_up: rule.times == 0,
            });
        }
        None
    }

    /// What the rules make of the events of a kind.
    pub(super) fn of_kind(&self, kind: Kind) -> Delivered {
        let mut delivered = Delivered {
            expired: self.expired.iter().filter(|of| **of == kind).count(),
            ..Delivered::default()
        };
        for rule in self.deliveries.iter().filter(|rule| rule.kind == kind) {
            match rule.delivery {
                Delivery::Late(by) => delivered.late = delivered.late.max(by),
                Delivery::Frozen => delivered.frozen = true,
                Delivery::Missed => delivered.missed = true,
                Delivery::Twice => delivered.twice = true,
            }
        }
        delivered
    }
}

/// What becomes of the events of a kind.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Delivered {
    pub(super) late: Duration,
    pub(super) frozen: bool,
    pub(super) missed: bool,
    pub(super) twice: bool,
    /// How many times watches were made too old so far.
    pub(super) expired: usize,
}

impl Tap {
    /// Adds a rule after those that stand: `fault` happens to the subject's requests that `on` speaks of, after the first
    /// `passes` of them, `times` times.
    pub fn fault(&self, on: On, fault: Fault, passes: usize, times: usize) -> Guard {
        let words = format!("{} {}", told(&on), fault_words(fault));
        self.stand(words, None, |faults, id| {
            faults.requests.push(OfRequests {
                id,
                on,
                fault,
                passes,
                times,
            });
        })
    }

    /// Adds a rule about what the subject's watches of a kind deliver.
    pub fn deliver(&self, kind: Kind, delivery: Delivery) -> Guard {
        let how = match delivery {
            Delivery::Late(by) => format!("come {} s late", by.as_secs_f64()),
            Delivery::Frozen => "are held back".to_owned(),
            Delivery::Missed => "are lost until the next list".to_owned(),
            Delivery::Twice => "come twice".to_owned(),
        };
        let words = format!("events of {} {how}", kind.plural());
        self.stand(words, Some(kind), |faults, id| {
            faults.deliveries.push(OfDeliveries { id, kind, delivery });
        })
    }

    /// Makes the subject's watches of a kind too old, once.
    pub fn expire(&self, kind: Kind) {
        let guard = self.deliver(kind, Delivery::Missed);
        drop(guard);
    }

    /// Returns when the rule is removed.
    pub(super) async fn removed(&self, met: Met) {
        let mut turns = self.shared.turns.subscribe();
        loop {
            turns.borrow_and_update();
            let stands = |book: &super::Book| {
                let rules = &book.faults.requests;
                rules.iter().any(|rule| rule.id == met.rule)
            };
            if !stands(&self.lock()) || turns.changed().await.is_err() {
                return;
            }
        }
    }

    fn stand(
        &self,
        what: String,
        delays: Option<Kind>,
        add: impl FnOnce(&mut Faults, usize),
    ) -> Guard {
        let from = self.clock.now();
        let mut book = self.lock();
        let id = book.faults.noted.len();
        let place = book.log.faults.len();
        book.faults.noted.push(place);
        book.log.faults.push(evidence::Fault {
            from,
            until: None,
            what,
            delays,
            requests: Vec::new(),
        });
        add(&mut book.faults, id);
        drop(book);
        self.turn();
        Guard {
            tap: self.clone(),
            id,
        }
    }

    /// What is to be done when a fault ends the subject's processes.
    pub fn when_crashed(&self, crash: impl Fn() + Send + Sync + 'static) {
        self.lock().crash = Some(std::sync::Arc::new(crash));
    }

    pub(super) fn crash(&self) {
        let crash = self.lock().crash.clone();
        if let Some(crash) = crash {
            crash();
        }
    }

    /// Wakes the watches: the rules have changed.
    fn turn(&self) {
        self.shared.turns.send_modify(|turns| *turns += 1);
    }
}

fn told(on: &On) -> String {
    let methods: Vec<String> = on
        .methods
        .iter()
        .map(|method| format!("{method:?}").to_lowercase())
        .collect();
    let methods = match methods.is_empty() {
        true => "any request".to_owned(),
        false => methods.join(" or "),
    };
    format!("{methods} of {} {}", on.plural, on.name)
        .trim_end()
        .to_owned()
}

fn fault_words(fault: Fault) -> String {
    match fault {
        Fault::Refused { code, .. } => format!("is refused with {code}"),
        Fault::Reset => "is cut off".to_owned(),
        Fault::Lost => "is done and never answered".to_owned(),
        Fault::CrashBefore => "ends the subject before it is seen".to_owned(),
        Fault::CrashAfter => "ends the subject after it is done".to_owned(),
        Fault::WaitBefore => "waits before it is seen".to_owned(),
        Fault::WaitAfter => "waits after it is done".to_owned(),
    }
}
