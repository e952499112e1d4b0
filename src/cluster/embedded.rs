//! The tier `embedded`: an API server and the agents of a cluster in this process, on the runtime's own clock.

use std::collections::{BTreeMap, BTreeSet};

use futures::{FutureExt as _, future::BoxFuture};
use kube::Client;

use super::{
    Capabilities, Cluster, Dns, Need, Terms, Turn, gates_of,
    slow::{Latency, slowed},
};
use crate::{
    clock::Clock,
    mini::{
        agents::{self, Agents, node::machine::Power},
        api::{Rules, Server, ServerOptions},
    },
};

/// A cluster in this process. Everything in it ends when it is dropped.
pub struct Embedded {
    server: Server,
    client: Client,
    watching_client: Client,
    clock: Clock,
    capabilities: Capabilities,
    agents: Agents,
    way: Way,
}

/// What is between a client and the server.
#[derive(Clone, Copy)]
struct Way {
    front: Option<fn(Client) -> Client>,
    latency: Latency,
    seed: u64,
}

impl Way {
    /// The client of someone, who is told from the others by a number of their own.
    fn to(self, client: Client, whose: u64) -> Client {
        let client = match self.front {
            Some(front) => front(client),
            None => client,
        };
        slowed(client, self.latency, self.seed ^ whose)
    }
}

const AGENTS: u64 = 1;
const HARNESS: u64 = 2;
const RECORDER: u64 = 3;
const OTHERS: u64 = 4;

/// What it is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// The server: its seed, its version.
    pub server: ServerOptions,
    /// The agents: how many nodes, how long they take, whose client is another one.
    pub agents: agents::Options,
    /// The feature gates that are on in its components.
    pub gates: BTreeSet<String>,
    /// What stands before the server for whoever is not of the cluster itself; nothing, unless the server is to be wrong.
    pub front: Option<fn(Client) -> Client>,
    /// How much later everybody is answered, its own agents too. Nothing.
    pub latency: Latency,
}

impl Default for Options {
    fn default() -> Self {
        let server = ServerOptions::default();
        Self {
            gates: gates_of(server.rules.version),
            server,
            agents: agents::Options::default(),
            front: None,
            latency: Latency::default(),
        }
    }
}

impl Options {
    /// A cluster of a version with these gates on.
    pub fn of(version: (u16, u16), gates: BTreeSet<String>) -> Self {
        let server = ServerOptions {
            rules: Rules {
                version,
                max_unavailable: gates.contains("MaxUnavailableStatefulSet"),
                recreate: gates.contains("StatefulSetRecreateStrategy"),
            },
            ..ServerOptions::default()
        };
        Self {
            server,
            gates,
            ..Self::default()
        }
    }
}

impl Embedded {
    /// Starts it on the current runtime; it has what every cluster has when this returns.
    ///
    /// `clock` is its time: on a paused runtime one that [starts at a fixed moment](Clock::starting_at) makes everything
    /// in it repeat, elsewhere it is the time of day.
    pub async fn start(clock: Clock, options: &Options) -> Self {
        let server = Server::new(clock, options.server.clone());
        let way = Way {
            front: options.front,
            latency: options.latency,
            seed: options.server.seed,
        };
        let of_agents = Way { front: None, ..way };
        let client = of_agents.to(server.lean_client("stsspec-agents"), AGENTS);
        let context = agents::Context::new(client, clock);
        let agents = agents::start(&context, &options.agents, server.kubelets());
        agents.ready().await;
        Self {
            client: way.to(server.client("stsspec"), HARNESS),
            watching_client: way.to(server.lean_client("stsspec"), RECORDER),
            capabilities: Capabilities {
                gates: options.gates.clone(),
                ..capabilities(options.server.rules.version)
            },
            server,
            clock,
            agents,
            way,
        }
    }

    /// A client that the server knows by another name.
    pub fn client_of(&self, user_agent: &str) -> Client {
        self.way.to(self.server.client(user_agent), OTHERS)
    }

    /// As [`Embedded::client_of`], for those who do not read `metadata.managedFields`.
    pub fn lean_client_of(&self, user_agent: &str) -> Client {
        self.way.to(self.server.lean_client(user_agent), OTHERS)
    }

    /// Its API server, to be served to others or to make clients for them.
    pub fn server(&self) -> &Server {
        &self.server
    }
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Embedded")
            .field("server", &self.server)
            .field("agents", &self.agents)
            .finish_non_exhaustive()
    }
}

/// What an embedded cluster of a version offers, known before one is started.
pub fn capabilities(version: (u16, u16)) -> Capabilities {
    use Need::{
        Attribution, Delivery, Disruption, Dns as Names, Faults, Gc, Kubelet, Nodes, Quota,
        Resolver, Volumes,
    };
    Capabilities {
        offers: [
            Kubelet,
            Names,
            Resolver,
            Volumes,
            Gc,
            Nodes,
            Quota,
            Disruption,
            Attribution,
            Delivery,
            Faults,
        ]
        .into(),
        lacks: BTreeMap::new(),
        denied: BTreeMap::new(),
        version,
        gates: gates_of(version),
        shared_counter: true,
        image: "busybox:1.28.4".into(),
        terms: Terms::default(),
        storage_class: None,
        dns: Some(Dns {
            server: [10, 96, 0, 10].into(),
            zone: "cluster.local".into(),
        }),
        virtual_time: true,
    }
}

impl Cluster for Embedded {
    fn client(&self) -> Client {
        self.client.clone()
    }

    fn watching_client(&self) -> Client {
        self.watching_client.clone()
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn clock(&self) -> Clock {
        self.clock
    }

    fn turn<'a>(&'a self, node: &'a str, turn: Turn) -> BoxFuture<'a, Result<(), String>> {
        let power = match turn {
            Turn::CutOff => Power::CutOff,
            Turn::PowerOff => Power::Off,
            Turn::ShutDown => Power::ShuttingDown,
            Turn::Return => Power::On,
        };
        let known = self.agents.machines().turn(node, power);
        let answer = match known {
            true => Ok(()),
            false => Err(format!("there is no machine under a node {node:?}")),
        };
        async { answer }.boxed()
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        // Its tasks end with it: there is nothing outside of this process.
        async {}.boxed()
    }
}
