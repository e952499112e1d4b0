//! What a cluster is to everybody else: a client, what it offers, its time, and an end.
//!
//! Where it runs is a tier; the tiers are named by `suite` alone. Faults belong to the tap, not here.

pub mod context;
pub mod control_plane;
pub mod embedded;
pub mod kind;
pub mod slow;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::IpAddr,
};

use futures::{FutureExt as _, future::BoxFuture};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client,
    api::{ApiResource, ObjectMeta, PostParams},
};
use serde_json::Value;

use crate::clock::Clock;

/// A cluster that scenarios can run on.
pub trait Cluster: Send + Sync {
    /// A client with the rights of the harness.
    fn client(&self) -> Client;
    /// A client for whoever watches much and does not read `metadata.managedFields`: a cluster may leave them out.
    fn watching_client(&self) -> Client {
        self.client()
    }
    /// What it offers, found out once.
    fn capabilities(&self) -> &Capabilities;
    /// Its time.
    fn clock(&self) -> Clock;
    /// Makes a namespace for the scenario; it goes when the cluster is stopped. The error says why there is none.
    fn make_namespace<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let api: Api<Namespace> = Api::all(self.client());
            let namespace = Namespace {
                metadata: ObjectMeta {
                    name: Some(name.to_owned()),
                    ..ObjectMeta::default()
                },
                ..Namespace::default()
            };
            let made = api.create(&PostParams::default(), &namespace).await;
            made.map(drop).map_err(|error| error.to_string())
        }
        .boxed()
    }
    /// UIDs of what others have in the scenario's namespace: it is no part of the history.
    fn strangers(&self) -> BTreeSet<String> {
        BTreeSet::new()
    }
    /// Does something to the machine under a node; returns when it is done or under way. The error says why its machines
    /// are out of reach, as those of most clusters are.
    fn turn<'a>(&'a self, node: &'a str, _turn: Turn) -> BoxFuture<'a, Result<(), String>> {
        let why = format!("the machine under node {node:?} is out of reach");
        async { Err(why) }.boxed()
    }
    /// Ends what was made for the scenario: all of a cluster that was started for it; of one that was there before, only
    /// what is the scenario's.
    fn stop(&self) -> BoxFuture<'_, ()>;
}

/// The subject's processes, for scenarios that end and start them.
pub trait Processes: Send + Sync {
    /// Ends all of them at once, as a crash does.
    fn crash(&self);
    /// Starts one more, which knows nothing of the others.
    fn start(&self);
}

/// What is done to a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It goes on, and does not reach the API server any more.
    CutOff,
    /// It loses its power.
    PowerOff,
    /// It is shut down in order.
    ShutDown,
    /// It is back.
    Return,
}

/// What a scenario may need beyond an API server and a controller: the `needs` of the inventory.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize, serde::Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// Pods really run.
    Kubelet,
    /// A DNS server fed by Services and EndpointSlices.
    Dns,
    /// Each DNS server can be asked directly, response codes included.
    Resolver,
    /// A provisioner, a binder and claim protection.
    Volumes,
    /// The garbage collector.
    Gc,
    /// Nodes can be cordoned, tainted, stopped or deleted.
    Nodes,
    /// Faults can be put between the subject and the API server.
    Faults,
    /// Quotas are enforced.
    Quota,
    /// PodDisruptionBudgets have a status.
    Disruption,
    /// It is known who made a write.
    Attribution,
    /// Who knows which events had been sent to the subject.
    Delivery,
    /// Versions of API server and controller can be chosen apart.
    Skew,
}

impl fmt::Display for Need {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Kubelet => "kubelet",
            Self::Dns => "dns",
            Self::Resolver => "resolver",
            Self::Volumes => "volumes",
            Self::Gc => "gc",
            Self::Nodes => "nodes",
            Self::Faults => "faults",
            Self::Quota => "quota",
            Self::Disruption => "disruption",
            Self::Attribution => "attribution",
            Self::Delivery => "delivery",
            Self::Skew => "skew",
        })
    }
}

/// What a cluster offers.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// The needs it meets.
    pub offers: BTreeSet<Need>,
    /// Why it does not meet others, where that is known.
    pub lacks: BTreeMap<Need, String>,
    /// Rights that scenarios do not have, as the inventory names them (`create namespaces`), and why.
    pub denied: BTreeMap<String, String>,
    /// Major and minor version of its API, as emulated.
    pub version: (u16, u16),
    /// The feature gates that rows name and that are on in it.
    pub gates: BTreeSet<String>,
    /// One counter gives the resourceVersions of all kinds, so that changes of different kinds are ordered by it.
    pub shared_counter: bool,
    /// An image with a shell, `sleep`, `cat` and `nc` that its nodes have or can get.
    pub image: String,
    /// What else pods have to say to run there.
    pub terms: Terms,
    /// The StorageClass that claims have to name; none where the default one will do.
    pub storage_class: Option<String>,
    /// Where its DNS answers, if anywhere, and for which zone.
    pub dns: Option<Dns>,
    /// The time is virtual: waiting costs nothing.
    pub virtual_time: bool,
}

/// The gates among those that rows name which are on by default in a version.
pub fn gates_of(version: (u16, u16)) -> BTreeSet<String> {
    let since = [
        ("MaxUnavailableStatefulSet", (1, 37)),
        ("StatefulSetSemanticRevisionComparison", (1, 34)),
        ("StaleControllerConsistencyStatefulSet", (1, 36)),
    ];
    let on = since.into_iter().filter(|(_, first)| *first <= version);
    on.map(|(gate, _)| gate.to_owned()).collect()
}

/// What pods have to say to run on a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Secrets that the image is pulled with.
    pub image_pull_secrets: Vec<String>,
    /// Tolerations, as the API has them.
    pub tolerations: Vec<Value>,
    /// Labels of the nodes that pods go to.
    pub node_selector: BTreeMap<String, String>,
}

/// A cluster's DNS.
#[derive(Clone, Debug)]
pub struct Dns {
    /// Address of the service that pods ask.
    pub server: IpAddr,
    /// The zone it answers for, without a final dot: `cluster.local`.
    pub zone: String,
}

/// The kind of object under test.
#[derive(Clone, Debug)]
pub struct Target {
    /// How to address it.
    pub api: ApiResource,
}

impl Target {
    /// `apps/v1 StatefulSet`.
    pub fn apps_v1() -> Self {
        let gvk = kube::core::GroupVersionKind::gvk("apps", "v1", "StatefulSet");
        Self {
            api: ApiResource::from_gvk_with_plural(&gvk, "statefulsets"),
        }
    }

    /// Whether a CustomResourceDefinition has to define it.
    pub fn is_custom(&self) -> bool {
        self.api.group != "apps"
    }

    /// `stsspec.dev/v1 StatefulSet`: the same kind under a name of its own, defined by a CustomResourceDefinition.
    pub fn stsspec_v1() -> Self {
        let gvk = kube::core::GroupVersionKind::gvk("stsspec.dev", "v1", "StatefulSet");
        Self {
            api: ApiResource::from_gvk_with_plural(&gvk, "statefulsets"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.api.api_version, self.api.kind)
    }
}

/// A name that is no target's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no target {0:?}; there are `apps/v1` and `stsspec.dev/v1`")]
pub struct UnknownTarget(String);

impl std::str::FromStr for Target {
    type Err = UnknownTarget;

    fn from_str(name: &str) -> Result<Self, UnknownTarget> {
        match name {
            "apps/v1" => Ok(Self::apps_v1()),
            "stsspec.dev/v1" => Ok(Self::stsspec_v1()),
            _ => Err(UnknownTarget(name.to_owned())),
        }
    }
}
