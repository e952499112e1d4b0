//! Starts the agents of a cluster, and ends them.

use std::{fmt, future::Future, sync::Arc};

use k8s_openapi::api::{
    core::v1::{Namespace, Service},
    storage::v1::StorageClass,
};
use kube::{Api, Client, api::PostParams};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::{sync::watch, task::AbortHandle};

use super::{
    Context, Error, Options, accounts, disruption, dns, doing, endpoints, exists_already, garbage,
    lifecycle, namespaces,
    network::Network,
    node::{self, machine::Machines},
    pod_gc, quota, scheduler, volumes, workloads,
};
use crate::mini::kubelet::Kubelets;

/// The agents of a cluster, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// Creates what every cluster has before anybody comes: namespaces, the Services `kubernetes` and `kube-dns`, the
    /// StorageClass `standard`.
    Base,
    /// Gives each namespace its `default` service account and the cluster's certificate.
    Accounts,
    /// Empties namespaces that are being deleted.
    Namespaces,
    /// Finds nodes for pods.
    Scheduler,
    /// Runs pods. One agent a node.
    Node,
    /// Finds out which nodes are lost, taints them, and takes the pods off tainted ones.
    Lifecycle,
    /// Removes pods whose node is gone or out of service.
    PodGc,
    /// Provisions, binds, protects, expands and reclaims volumes.
    Volumes,
    /// Keeps the EndpointSlices of Services.
    Endpoints,
    /// Keeps the Endpoints of Services, as a copy of the slices.
    LegacyEndpoints,
    /// Answers names.
    Dns,
    /// Removes what has lost its owners.
    Garbage,
    /// Keeps the pods of ReplicaSets.
    ReplicaSets,
    /// Keeps the ReplicaSets of Deployments.
    Deployments,
    /// Keeps the status of disruption budgets.
    Disruption,
    /// Counts what quotas limit.
    Quota,
}

impl Name {
    /// All of them, in the order in which they start.
    pub const ALL: [Self; 16] = [
        Self::Base,
        Self::Accounts,
        Self::Namespaces,
        Self::Scheduler,
        Self::Node,
        Self::Lifecycle,
        Self::PodGc,
        Self::Volumes,
        Self::Endpoints,
        Self::LegacyEndpoints,
        Self::Dns,
        Self::Garbage,
        Self::ReplicaSets,
        Self::Deployments,
        Self::Disruption,
        Self::Quota,
    ];
}

/// Gives an agent a client of its own instead of the shared one, or None to leave it as it is.
///
/// This is how a component that is known to be wrong is made: the client given here may change what one agent sees
/// (the answers and watches that come back) or what it sends, while all others stay right. An agent with a client of
/// its own has caches of its own too, filled through that client. All nodes are one agent here.
#[derive(Clone)]
pub struct Clients(Arc<Give>);

type Give = dyn Fn(Name, &Client) -> Option<Client> + Send + Sync;

impl Clients {
    /// Clients as this function gives them; it is asked once for each agent, with the shared client.
    pub fn new(give: impl Fn(Name, &Client) -> Option<Client> + Send + Sync + 'static) -> Self {
        Self(Arc::new(give))
    }
}

impl Default for Clients {
    /// All agents share one client.
    fn default() -> Self {
        Self::new(|_, _| None)
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Clients")
    }
}

/// Held by an agent until its caches are filled and it works.
#[derive(Debug)]
pub(super) struct Starting(
    #[expect(dead_code, reason = "its end is the message")] watch::Receiver<()>,
);

/// The running agents; they end when this is dropped.
#[derive(Debug)]
pub struct Agents {
    tasks: Vec<AbortHandle>,
    starting: watch::Sender<()>,
    network: Network,
    machines: Machines,
}

impl Agents {
    /// Resolves once what every cluster has is there and all agents' caches are filled.
    pub async fn ready(&self) {
        self.starting.closed().await;
    }

    /// The network of the pods, to be asked from outside.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The machines under the nodes.
    pub fn machines(&self) -> &Machines {
        &self.machines
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        context: &Context,
        run: fn(Context, Starting) -> F,
    ) {
        let starting = Starting(self.starting.subscribe());
        let task = tokio::spawn(run(context.clone(), starting));
        self.tasks.push(task.abort_handle());
    }
}

impl Drop for Agents {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// Starts the agents that the options name on the current runtime, all as clients of the context's API server. The nodes
/// answer for exec, attach and logs among the `kubelets`.
pub fn start(context: &Context, options: &Options, kubelets: &Kubelets) -> Agents {
    let mut agents = Agents {
        tasks: Vec::new(),
        starting: watch::Sender::new(()),
        network: Network::new(),
        machines: Machines::default(),
    };
    for name in Name::ALL {
        if options.without.contains(&name) {
            continue;
        }
        let own = options.clients.0(name, &context.client)
            .map(|client| Context::new(client, context.clock));
        let context = own.as_ref().unwrap_or(context);
        match name {
            Name::Base => agents.spawn(context, base),
            Name::Accounts => agents.spawn(context, accounts::run),
            Name::Namespaces => agents.spawn(context, namespaces::run),
            Name::Scheduler => agents.spawn(context, scheduler::run),
            Name::Node => {
                for number in 1..=options.nodes {
                    let starting = Starting(agents.starting.subscribe());
                    let name = format!("node-{number}");
                    let surroundings = node::Surroundings {
                        reach: options.reach.get(&name).copied(),
                        times: options.node,
                        network: agents.network.clone(),
                        kubelets: kubelets.clone(),
                        machines: agents.machines.clone(),
                    };
                    let run = node::run(context.clone(), name, surroundings, starting);
                    agents.tasks.push(tokio::spawn(run).abort_handle());
                }
            }
            Name::Lifecycle => agents.spawn(context, lifecycle::run),
            Name::PodGc => agents.spawn(context, pod_gc::run),
            Name::Dns => {
                let starting = Starting(agents.starting.subscribe());
                let run = dns::run(context.clone(), agents.network.clone(), starting);
                agents.tasks.push(tokio::spawn(run).abort_handle());
            }
            Name::Volumes => agents.spawn(context, volumes::run),
            Name::Endpoints => agents.spawn(context, endpoints::run),
            Name::LegacyEndpoints => agents.spawn(context, endpoints::legacy::run),
            Name::Garbage => agents.spawn(context, garbage::run),
            Name::ReplicaSets => agents.spawn(context, workloads::replica_sets::run),
            Name::Deployments => agents.spawn(context, workloads::deployments::run),
            Name::Disruption => agents.spawn(context, disruption::run),
            Name::Quota => agents.spawn(context, quota::run),
        }
    }
    agents
}

/// The provisioner of the class `standard`.
pub const PROVISIONER: &str = "volumes.stsspec.dev";

/// Creates what every cluster has. What is there already stays as it is.
async fn base(context: Context, starting: Starting) {
    for create in [
        namespaces_there(&context).await,
        service_of_the_server(&context).await,
        service_of_dns(&context).await,
        class(&context).await,
    ] {
        if let Err(error) = create {
            tracing::warn!(%error, "the cluster lacks what every cluster has");
        }
    }
    drop(starting);
}

async fn namespaces_there(context: &Context) -> Result<(), Error> {
    let api = Api::<Namespace>::all(context.client.clone());
    for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        ensure(&api, json!({"metadata": {"name": name}})).await?;
    }
    Ok(())
}

fn services(context: &Context, namespace: &str) -> Api<Service> {
    Api::namespaced(context.client.clone(), namespace)
}

async fn service_of_the_server(context: &Context) -> Result<(), Error> {
    let kubernetes = json!({
        "metadata": {"name": "kubernetes", "labels": {"component": "apiserver", "provider": "kubernetes"}},
        "spec": {
            "clusterIP": "10.96.0.1",
            "ports": [{"name": "https", "port": 443, "targetPort": 6443, "protocol": "TCP"}],
        },
    });
    ensure(&services(context, "default"), kubernetes).await
}

async fn service_of_dns(context: &Context) -> Result<(), Error> {
    let dns = json!({
        "metadata": {
            "name": "kube-dns",
            "labels": {
                "k8s-app": "kube-dns",
                "kubernetes.io/cluster-service": "true",
                "kubernetes.io/name": "CoreDNS",
            },
        },
        "spec": {
            "clusterIP": "10.96.0.10",
            "ports": [
                {"name": "dns", "port": 53, "protocol": "UDP"},
                {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
            ],
        },
    });
    ensure(&services(context, "kube-system"), dns).await
}

async fn class(context: &Context) -> Result<(), Error> {
    let standard = json!({
        "metadata": {
            "name": "standard",
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": true,
    });
    ensure(&Api::<StorageClass>::all(context.client.clone()), standard).await
}

/// Creates an object unless it is there.
pub(super) async fn ensure<K>(api: &Api<K>, object: Value) -> Result<(), Error>
where
    K: Clone + Serialize + DeserializeOwned + fmt::Debug,
{
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let what = format!("create {name}");
    let object: K =
        serde_json::from_value(object.clone()).map_err(|error| Error::NotYet(error.to_string()))?;
    match api.create(&PostParams::default(), &object).await {
        Err(error) if exists_already(&error) => Ok(()),
        // A Service is refused for its address before anybody looks whether it is there.
        Err(error) => match api.get_opt(name).await {
            Ok(Some(_)) => Ok(()),
            _ => Err(doing(what)(error)),
        },
        Ok(_) => Ok(()),
    }
}
