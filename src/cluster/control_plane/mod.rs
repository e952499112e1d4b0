//! The tier `control-plane`: a real etcd, a real API server and the other controllers of a real cluster, started for the
//! run; the nodes, the scheduler, the volumes and the DNS are this process's own agents, as clients of that API server.
//!
//! # Guarantees
//!
//! - Everything listens on this machine only, on ports that were free, with keys and tokens of its own.
//! - Nothing is left of it: its programs and its folder go with it, also when this process is killed.

mod access;
mod assets;
mod certificates;
mod define;
mod kubelets;
mod ports;
mod processes;
mod servers;

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddrV4,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::json;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_rustls::TlsAcceptor;

use self::{
    assets::Assets,
    certificates::{Authority, random, token},
    kubelets::Doors,
    processes::Processes,
    servers::{ready, start_api_server, start_etcd},
};
use super::{Capabilities, Dns, Need, Terms, gates_of};
use crate::{
    clock::Clock,
    manifest,
    mini::{
        agents::{self, Agents, Name, NodeTimes},
        kubelet::Kubelets,
    },
};

pub use access::Access;
pub use assets::{Programs, VARIABLE};

/// Why there is no control plane.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program is not where it was said to be.
    #[error(
        "there is no {program} in {folder}: name a folder with etcd, kube-apiserver and kube-controller-manager by `--assets` or {VARIABLE}"
    )]
    Missing {
        /// Its name.
        program: String,
        /// Where it was looked for.
        folder: String,
    },
    /// What a program says of its version cannot be read.
    #[error("{program} does not say which version it has: it said {said:?}")]
    Version {
        /// The program.
        program: String,
        /// What it said.
        said: String,
    },
    /// A kind cannot be defined.
    #[error("the API server does not take the definition {name}: {why}")]
    Definition {
        /// The definition's name.
        name: String,
        /// What it said.
        why: String,
    },
    /// A program cannot be started.
    #[error("cannot start {program}: {source}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// There is no folder for it.
    #[error("cannot keep the files of a control plane: {source}")]
    Folder {
        /// Why.
        source: io::Error,
    },
    /// There is no port for it.
    #[error("cannot listen on this machine: {source}")]
    Port {
        /// Why.
        source: io::Error,
    },
    /// A key or a certificate cannot be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// What a server shows cannot be used.
    #[error("cannot serve over TLS: {0}")]
    Tls(String),
    /// There is no client.
    #[error("cannot make a client of the API server: {0}")]
    Client(String),
    /// A program ended by itself.
    #[error("{name} ended by itself ({how}); it said last: {said}")]
    Ended {
        /// The program.
        name: String,
        /// With which status.
        how: String,
        /// The end of its log.
        said: String,
    },
    /// It did not come to work in time.
    #[error("the API server was not ready after {seconds} s; it said last: {said}")]
    Slow {
        /// How long was waited.
        seconds: u64,
        /// The end of its log.
        said: String,
    },
}

/// What it is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the programs are.
    pub programs: Programs,
    /// The agents: how many nodes, whose client is another one.
    pub agents: agents::Options,
    /// Its own controller takes care of sets, beside the others, and nobody watches it.
    pub controls_sets: bool,
}

impl Options {
    /// A control plane from these programs, with nodes that are as quick as they can be.
    pub fn new(programs: impl Into<Programs>) -> Self {
        Self {
            programs: programs.into(),
            controls_sets: false,
            agents: agents::Options {
                nodes: 8,
                node: NodeTimes {
                    start: Duration::from_millis(20),
                    stop: Duration::from_millis(20),
                    heartbeat: Some(Duration::from_secs(10)),
                    ..NodeTimes::default()
                },
                without: BY_OTHERS.into(),
                ..agents::Options::default()
            },
        }
    }
}

/// What real controllers do here in place of agents.
const BY_OTHERS: [Name; 9] = [
    Name::Accounts,
    Name::Namespaces,
    Name::Endpoints,
    Name::LegacyEndpoints,
    Name::Garbage,
    Name::ReplicaSets,
    Name::Deployments,
    Name::Disruption,
    Name::Quota,
];

/// The real controllers that a StatefulSet has as neighbours.
const NEIGHBOURS: [&str; 12] = [
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
    "namespace-controller",
    "endpointslice-controller",
    "garbage-collector-controller",
    "replicaset-controller",
    "deployment-controller",
    "disruption-controller",
    "resourcequota-controller",
    "node-lifecycle-controller",
    "taint-eviction-controller",
    "pod-garbage-collector-controller",
];

/// The controller of StatefulSets.
const SUBJECT: &str = "statefulset-controller";

/// The file with the certificate by which the API server is known.
const AUTHORITY: &str = "ca.crt";

/// How long the API server may take to become ready.
const READY: Duration = Duration::from_secs(60);

/// Where programs that are to be watched come in: what is listened on, and what they are shown.
pub struct Entrance {
    /// The port.
    pub listener: TcpListener,
    /// The server's side of TLS.
    pub acceptor: TlsAcceptor,
}

/// A control plane at work. It ends when this is dropped.
pub struct ControlPlane {
    // Before the programs: agents end first.
    agents: Agents,
    _doors: JoinSet<()>,
    processes: Processes,
    assets: Assets,
    authority: Authority,
    access: Access,
    clock: Clock,
    /// Tokens by who has them.
    tokens: BTreeMap<&'static str, String>,
}

impl std::fmt::Debug for ControlPlane {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("ControlPlane")
            .field("server", &self.access.server)
            .field("agents", &self.agents)
            .finish_non_exhaustive()
    }
}

/// Who may do what: a name for the file of its kubeconfig, its user and its group.
const USERS: [(&str, &str, &str); 2] = [
    ("admin", "admin", "system:masters"),
    (
        "controller-manager",
        "system:kube-controller-manager",
        "system:authenticated",
    ),
];

impl ControlPlane {
    /// Starts it on the current runtime, which has to be driven as long as it is used. Ready when this returns.
    ///
    /// # Errors
    ///
    /// A program is missing, does not start, or does not become ready.
    pub async fn start(options: &Options) -> Result<Self, Error> {
        let assets = Assets::find(&options.programs).await?;
        let mut processes = Processes::new()?;
        let authority = Authority::new()?;
        let mut tokens = BTreeMap::new();
        for (name, _, _) in USERS {
            tokens.insert(name, token()?);
        }
        let address = ports::own_address(random()?).await;
        let [etcd, peers, api] = ports::free(address).await?;
        let at = |port| SocketAddrV4::new(address, port);
        let (etcd, peers, api) = (at(etcd), at(peers), at(api));
        let access = Access {
            server: format!("https://{api}"),
            authority: authority.certificate(),
            token: tokens["admin"].clone(),
        };
        processes.write(AUTHORITY, access.authority())?;
        start_etcd(&mut processes, &assets, etcd, peers)?;
        start_api_server(&mut processes, &assets, &authority, &tokens, etcd, api)?;
        let clock = Clock::of_day();
        let client = access.client("stsspec-agents")?;
        ready(&client, &mut processes).await?;
        let doors = Doors::open(
            options.agents.nodes,
            &authority.server("kubelet", &["127.0.0.1"])?,
        )
        .await?;
        let mut all = options.agents.clone();
        all.reach = doors.addresses().into_iter().collect();
        let kubelets = Kubelets::default();
        let mut serving = JoinSet::new();
        doors.serve(&kubelets, &mut serving);
        let context = agents::Context::new(client, clock);
        let agents = agents::start(&context, &all, &kubelets);
        let mut plane = Self {
            agents,
            _doors: serving,
            processes,
            assets,
            authority,
            access,
            clock,
            tokens,
        };
        plane.start_neighbours(options.controls_sets)?;
        tokio::select! {
            biased;
            () = plane.agents.ready() => {}
            error = plane.processes.ended() => return Err(error),
        }
        Ok(plane)
    }

    /// How to reach it.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Its time: that of the day.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// What it offers.
    pub fn capabilities(&self) -> Capabilities {
        capabilities(&self.assets)
    }

    /// Listens for programs that are to be watched; they are led here by [`Self::start_built_in`] and
    /// [`Self::start_command`].
    ///
    /// # Errors
    ///
    /// No port is to be had, or no certificate can be made.
    pub async fn entrance(&self) -> Result<Entrance, Error> {
        let shown = self.authority.server("stsspec-tap", &["127.0.0.1"])?;
        Ok(Entrance {
            listener: ports::listen().await?,
            acceptor: shown.acceptor()?,
        })
    }

    fn start_neighbours(&mut self, controls_sets: bool) -> Result<(), Error> {
        let kubeconfig =
            self.kubeconfig("neighbours", self.access.address(), "controller-manager")?;
        let authority = self.processes.path(AUTHORITY);
        let mut controllers = NEIGHBOURS.to_vec();
        if controls_sets {
            controllers.push(SUBJECT);
        }
        let mut arguments = controller_manager(&kubeconfig, &controllers);
        arguments.push(format!("--root-ca-file={}", authority.display()));
        let program = self.assets.controller_manager.clone();
        self.processes
            .start("neighbours", &program, &arguments, &[])
    }

    /// Starts the built-in StatefulSet controller, and no other, as a client of the server that is listened on there.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub fn start_built_in(&mut self, entrance: &Entrance) -> Result<(), Error> {
        let server = address_of(&entrance.listener)?;
        // It leads elsewhere each time, and no file is written twice.
        let port = server.rsplit(':').next().unwrap_or_default();
        let name = format!("built-in-{port}");
        let kubeconfig = self.kubeconfig(&name, &server, "controller-manager")?;
        let mut arguments = controller_manager(&kubeconfig, &[SUBJECT]);
        // What it writes is read on the way.
        arguments.push("--kube-api-content-type=application/json".to_owned());
        let program = self.assets.built_in.clone();
        self.processes.start("built-in", &program, &arguments, &[])
    }

    /// Ends what [`Self::start_built_in`] has started; it can be started again.
    pub async fn end_built_in(&mut self) {
        self.processes.end("built-in").await;
    }

    /// Starts somebody's program with all rights, as a client of the server that is listened on there. `KUBECONFIG` says
    /// so to it; in its words, which a shell reads, too.
    ///
    /// # Errors
    ///
    /// There is no shell.
    pub fn start_command(&mut self, command: &str, entrance: &Entrance) -> Result<(), Error> {
        let server = address_of(&entrance.listener)?;
        let kubeconfig = self.kubeconfig("command", &server, "admin")?;
        let arguments = ["-c".to_owned(), command.to_owned()];
        let environment = [("KUBECONFIG", kubeconfig.as_path())];
        self.processes
            .start("command", Path::new("/bin/sh"), &arguments, &environment)
    }

    /// Resolves when one of its programs has ended by itself.
    pub async fn ended(&mut self) -> Error {
        self.processes.ended().await
    }

    fn kubeconfig(&self, name: &str, server: &str, user: &str) -> Result<PathBuf, Error> {
        let authority = self.processes.path(AUTHORITY);
        let cluster = json!({ "server": server, "certificate-authority": authority });
        let text = manifest::write(&json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "stsspec", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": self.tokens.get(user)}}],
            "contexts": [{"name": "stsspec", "context": {"cluster": "stsspec", "user": user}}],
            "current-context": "stsspec",
        }));
        self.processes.write(&format!("{name}.kubeconfig"), &text)
    }
}

/// What a control plane of these programs offers, known before one is started.
///
/// # Errors
///
/// A program is missing, or does not say its version.
pub async fn offers(programs: &Programs) -> Result<Capabilities, Error> {
    Ok(capabilities(&Assets::find(programs).await?))
}

fn capabilities(assets: &Assets) -> Capabilities {
    use Need::{
        Attribution, Delivery, Disruption, Dns as Names, Gc, Kubelet, Nodes, Quota, Resolver,
        Volumes,
    };
    let mut gates = gates_of(assets.version);
    for (gate, on) in &assets.gates {
        match on {
            true => drop(gates.insert(gate.clone())),
            false => drop(gates.remove(gate)),
        }
    }
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
        ]
        .into(),
        lacks: BTreeMap::new(),
        denied: BTreeMap::new(),
        version: assets.version,
        gates,
        // One etcd keeps all kinds.
        shared_counter: true,
        image: "busybox:1.28.4".into(),
        terms: Terms::default(),
        storage_class: None,
        dns: Some(Dns {
            server: [10, 96, 0, 10].into(),
            zone: "cluster.local".into(),
        }),
        virtual_time: false,
    }
}

fn address_of(listener: &TcpListener) -> Result<String, Error> {
    let address = listener
        .local_addr()
        .map_err(|source| Error::Port { source })?;
    Ok(format!("https://{address}"))
}

/// The arguments of a controller manager that runs these controllers.
fn controller_manager(kubeconfig: &Path, controllers: &[&str]) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", kubeconfig.display()),
        format!("--controllers={}", controllers.join(",")),
        "--use-service-account-credentials=true".to_owned(),
        "--leader-elect=false".to_owned(),
        // It serves nobody.
        "--secure-port=0".to_owned(),
        "--kube-api-qps=500".to_owned(),
        "--kube-api-burst=1000".to_owned(),
    ]
}
