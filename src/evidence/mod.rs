//! What a scenario leaves behind to be judged by: the history of objects, the requests of everybody who is watched, and
//! the questions one can ask of both.
//!
//! Plain data: it awaits nothing, reads no clock and holds no client. [`crate::record`] fills the history,
//! [`crate::tap`] the log of requests.

pub mod audit;
mod decisions;
mod file;
mod history;
mod index;
mod object;
mod requests;
mod revisions;
mod slice;
pub mod timeline;
mod wanted;
mod who;

use std::net::IpAddr;

use jiff::Timestamp;

pub use decisions::{Act, CACHED, Decision, Points, Window, decisions};
pub use history::{Change, Gap, History, Key, Verb};
pub use index::{Course, Index, Life, controller_of, is_claimed, templates};
pub use object::{Kind, Object, Undecodable};
pub use requests::{Actor, Answer, Delivery, Fault, Log, Method, Request};
pub use revisions::Updates;
pub use slice::{line, slice};
pub use wanted::{Span, Strategy, Tri, Wanted, available};
pub use who::{Cause, who_deleted};

/// Everything that was seen and done during one scenario.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Evidence {
    /// Every change of every object, from before the scenario's first step.
    pub history: History,
    /// Who asked the API server for what, in the order of sending, and what was delivered on watches.
    pub log: Log,
    /// What DNS said.
    pub answers: Vec<DnsAnswer>,
    /// What the cluster is like.
    pub profile: Profile,
}

/// What the rules have to know of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Profile {
    /// Major and minor version of its API, as emulated.
    pub version: (u16, u16),
    /// One counter gives the versions of all kinds, so that changes of different kinds are ordered by it.
    pub shared_counter: bool,
    /// The time is virtual.
    pub virtual_time: bool,
    /// It is known who made a write.
    pub attribution: bool,
    /// It is known which events had been sent to the subject.
    pub delivery: bool,
    /// Feature gates that are on.
    pub gates: std::collections::BTreeSet<String>,
    /// The subject keeps a record of its own writes (gate StaleControllerConsistencyStatefulSet).
    pub own_write_gate: bool,
}

/// One answer of a DNS server.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DnsAnswer {
    /// When it was asked.
    pub asked_at: Timestamp,
    /// When it answered.
    pub answered_at: Timestamp,
    /// The name that was asked for, absolute, without a final dot.
    pub name: String,
    /// The type that was asked for: `A`, `SRV`, `PTR`.
    pub record: String,
    /// The response code in words: `NoError`, `NXDomain`.
    pub code: String,
    /// Addresses in the answer, sorted.
    pub addresses: Vec<IpAddr>,
    /// Other data in the answer, as text, sorted.
    pub others: Vec<String>,
    /// The longest time to live among the records, in seconds.
    pub ttl_seconds: u32,
}
