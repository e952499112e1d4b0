//! The agents of a cluster, each an ordinary client of its API: scheduler, nodes and what watches over them, volumes, endpoints, garbage
//! collection, namespaces, ReplicaSets and Deployments, disruption budgets, quotas, DNS.
//!
//! An agent decides by pure functions on what its informers know and acts in one place. It knows nothing of
//! StatefulSets, and nothing of the API server but its API.

pub mod events;
pub mod informers;
pub mod kinds;
mod queue;
pub mod start;
#[cfg(test)]
mod testing;

pub mod accounts;
pub mod disruption;
pub mod dns;
pub mod endpoints;
pub mod garbage;
pub mod lifecycle;
pub mod namespaces;
pub mod network;
pub mod node;
pub mod pod_gc;
pub mod quota;
pub mod scheduler;
pub mod shell;
pub mod volumes;
pub mod workloads;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::Duration,
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use kube::{
    Client,
    core::{Selector, SelectorExt},
};

use crate::clock::Clock;

pub use informers::{Change, Informer, Informers, Key};
pub use start::{Agents, Clients, Name, start};

/// What every agent is given.
#[derive(Clone)]
pub struct Context {
    /// The agents' client, with all rights.
    pub client: Client,
    /// The cluster's time.
    pub clock: Clock,
    /// The shared caches.
    pub informers: Informers,
}

impl Context {
    /// A context with caches of its own.
    pub fn new(client: Client, clock: Clock) -> Self {
        Self {
            informers: Informers::new(client.clone()),
            client,
            clock,
        }
    }
}

/// How long a node takes for what it does, in the cluster's time.
#[derive(Clone, Copy, Debug)]
pub struct NodeTimes {
    /// From a pod's first sight to its containers' start: volumes, network, image. 1 s.
    pub start: Duration,
    /// From the end of a pod's last container to the removal of its object. 1 s.
    pub stop: Duration,
    /// How often a node renews its Lease; never where it is None, which is the default: it serves nobody in virtual
    /// time.
    pub heartbeat: Option<Duration>,
    /// How long a crashed container rests before its second restart; the first is at once, each later one waits twice
    /// as long. 10 s.
    pub back_off: Duration,
    /// What that doubling ends at. 300 s.
    pub back_off_max: Duration,
}

impl Default for NodeTimes {
    fn default() -> Self {
        Self {
            start: Duration::from_secs(1),
            stop: Duration::from_secs(1),
            heartbeat: None,
            back_off: Duration::from_secs(10),
            back_off_max: Duration::from_secs(300),
        }
    }
}

/// Which agents run, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many nodes there are, named `node-1` and so on. 1.
    pub nodes: usize,
    /// How long nodes take.
    pub node: NodeTimes,
    /// Where an API server outside of this process reaches nodes, by name. Nowhere.
    pub reach: BTreeMap<String, SocketAddr>,
    /// Agents that do not run. [`Name::LegacyEndpoints`], which next to nobody reads.
    pub without: BTreeSet<Name>,
    /// Agents that get a client of their own. None.
    pub clients: Clients,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            nodes: 1,
            node: NodeTimes::default(),
            reach: BTreeMap::new(),
            without: [Name::LegacyEndpoints].into(),
            clients: Clients::default(),
        }
    }
}

/// Why an agent could not do what it meant to; it tries again by itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API server refused or could not be reached.
    #[error("could not {doing}: {source}")]
    Api {
        /// What was tried, with the object's name.
        doing: String,
        /// The API's answer.
        #[source]
        source: kube::Error,
    },
    /// Something has to come first, and no change tells when it does.
    #[error("{0}")]
    NotYet(String),
}

/// Whether a selector selects these labels. An absent one selects nothing, an empty one everything, one that no API
/// server would store nothing.
pub(crate) fn selects(selector: Option<&LabelSelector>, labels: &BTreeMap<String, String>) -> bool {
    let selector = selector.cloned().map(Selector::try_from);
    selector
        .and_then(Result::ok)
        .is_some_and(|selector| selector.matches(labels))
}

/// Names what was tried in an error of the API.
pub(crate) fn doing(what: impl Into<String>) -> impl FnOnce(kube::Error) -> Error {
    let doing = what.into();
    move |source| Error::Api { doing, source }
}

/// The API says that it is not there (any more).
pub(crate) fn is_gone(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

/// The API says that it is there already.
pub(crate) fn exists_already(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_already_exists())
}

#[cfg(test)]
mod tests;
