//! The tier `context`: a cluster that was there before and stays when the run is over.
//!
//! # Guarantees
//!
//! - Nothing is touched that was not named: a kubeconfig's current context counts only where the kubeconfig itself was
//!   named.
//! - Everything that is made lies in namespaces of the run, or, where one that was there is given, carries itself the
//!   run's id and the time after which anybody may remove it; each namespace is in the [ledger] before anything is in it.
//! - What is removed is removed by UID: an object of somebody else that took its name stays.

mod connect;
pub mod doctor;
mod facts;
mod fence;
pub mod ledger;
mod lodging;
mod plot;
mod probe;
mod remove;
pub mod rights;
mod trial;

use std::{collections::BTreeMap, path::PathBuf};

use serde_json::Value;

pub use connect::{Connection, connect};
pub use facts::{Class, Facts, Machine, SUPPORTED, greet, look};
pub use lodging::{Lodging, Room, clean_room};
pub use plot::{Estate, Newcomer, Plot};
pub use remove::{Choice, Found, clean, empty, remove};
pub use trial::{Trial, attempt};

/// The label with a run's id.
pub const RUN: &str = "stsspec.dev/run";

/// The label with the second of the Unix epoch after which a run is over for certain.
pub const EXPIRES: &str = "stsspec.dev/expires";

/// Which cluster, and what pods have to say there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The kubeconfig; the usual ones if a context is named and this is not. With neither, the cluster around this
    /// process.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it; its current one if only the kubeconfig is named.
    pub context: Option<String>,
    /// The one namespace that the run keeps to; it makes its own if not given.
    pub namespace: Option<String>,
    /// The image of every pod: a shell, `sleep`, `cat`, `nc`. `busybox:1.35`.
    pub image: Option<String>,
    /// What is put before the image's name, to take it from another registry.
    pub registry: Option<String>,
    /// The StorageClass of every claim; the default one if not given.
    pub storage_class: Option<String>,
    /// Secrets to pull the image with. They are in the given namespace, or an admission webhook puts them into every new one.
    pub image_pull_secrets: Vec<String>,
    /// Tolerations of every pod, as the API has them.
    pub tolerations: Vec<Value>,
    /// Labels of the nodes that pods go to.
    pub node_selector: BTreeMap<String, String>,
    /// Scenarios may cordon, taint and drain nodes.
    pub disturb_nodes: bool,
    /// The folder of the ledger; none is kept if not given.
    pub ledger: Option<PathBuf>,
}

impl Options {
    /// The namespace in which requests are rehearsed.
    pub(crate) fn rehearsals(&self) -> &str {
        self.namespace.as_deref().unwrap_or("default")
    }

    /// The image that pods get.
    pub fn image(&self) -> String {
        let image = self.image.as_deref().unwrap_or("busybox:1.35");
        match &self.registry {
            Some(registry) => format!("{}/{image}", registry.trim_end_matches('/')),
            None => image.to_owned(),
        }
    }
}

/// Why a cluster cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No cluster was named, and there is none around the process.
    #[error(
        "no cluster is named: give `--context NAME` or `--kubeconfig PATH`; a kubeconfig's current context is not taken by itself"
    )]
    Unnamed,
    /// The kubeconfig, or what is around the process, does not lead to a cluster.
    #[error("cannot use {what}: {why}")]
    Config {
        /// The kubeconfig and the context.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// Nobody answers.
    #[error("the cluster at {address} cannot be reached: {why}")]
    Unreachable {
        /// Its address.
        address: String,
        /// What happened instead.
        why: String,
    },
    /// It answers and refuses.
    #[error("the cluster at {address} does not let this user {what}: {why}")]
    Refused {
        /// Its address.
        address: String,
        /// The verb and the object.
        what: String,
        /// What it says.
        why: String,
    },
    /// Without these rights nothing can run.
    #[error(
        "the cluster at {address} does not let this user {why}; `stsspec doctor --rbac` prints the Role that does"
    )]
    Rights {
        /// Its address.
        address: String,
        /// Verbs and resources.
        why: String,
    },
    /// Something is where a run would say that the namespace is its own.
    #[error("the namespace {namespace:?} cannot be taken for a run: its ConfigMap {name:?} {why}")]
    Taken {
        /// The namespace.
        namespace: String,
        /// The object's name.
        name: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Another run is at work in the namespace.
    #[error(
        "run {run} is at work in the namespace {namespace:?}: wait for its end, or `stsspec clean --namespace {namespace} --run {run}` ends it"
    )]
    Busy {
        /// The namespace.
        namespace: String,
        /// The other run.
        run: String,
    },
    /// Its version is not one that the specification speaks of.
    #[error(
        "the cluster at {address} is Kubernetes {}.{}; the specification covers 1.{} to 1.{}",
        version.0, version.1, SUPPORTED.start(), SUPPORTED.end()
    )]
    Version {
        /// Its address.
        address: String,
        /// What it is or emulates.
        version: (u16, u16),
    },
    /// The ledger cannot be kept.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
}

impl Error {
    /// What an answer to an attempt means for the whole cluster.
    pub(crate) fn of(address: &str, what: &str, error: &kube::Error) -> Self {
        let address = address.to_owned();
        match error {
            kube::Error::Api(status) if matches!(status.code, 401 | 403) => Self::Refused {
                address,
                what: what.to_owned(),
                why: status.message.clone(),
            },
            error => Self::Unreachable {
                address,
                why: chain(error),
            },
        }
    }
}

/// An error and what is beneath it, each thing said once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    text
}
