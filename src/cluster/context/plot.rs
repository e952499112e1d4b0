//! A scenario's part of a cluster: namespaces that are made for it and removed after it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{FutureExt as _, future::BoxFuture};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, ServiceAccount};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
    runtime::wait::await_condition,
};
use tokio::time::timeout;

use super::{
    EXPIRES, Error, RUN, chain,
    ledger::{Entry, Ledger},
    remove::remove,
};
use crate::{
    clock::Clock,
    cluster::{Capabilities, Cluster},
};

/// How long a new namespace may wait for what pods need in it.
const FURNISHED: Duration = Duration::from_secs(20);

/// Everything that a run makes on a cluster.
#[derive(Debug)]
pub struct Estate {
    /// The run's id: eight hexadecimal digits.
    pub run: String,
    address: String,
    expires: i64,
    ledger: Option<Ledger>,
    /// Namespaces by name, with their UIDs as far as they are known.
    made: Mutex<BTreeMap<String, Option<String>>>,
}

impl Estate {
    /// The estate of a run on a cluster. `expires` is the second of the Unix epoch after which it is over for certain.
    pub fn new(run: String, address: String, expires: i64, ledger: Option<Ledger>) -> Self {
        Self {
            run,
            address,
            expires,
            ledger,
            made: Mutex::default(),
        }
    }

    /// The namespaces that were made, by name, with their UIDs as far as they are known.
    pub fn made(&self) -> BTreeMap<String, Option<String>> {
        self.lock().clone()
    }

    /// A namespace is gone.
    pub fn gone(&self, namespace: &str) {
        self.lock().remove(namespace);
    }

    /// Nothing is left of it.
    pub fn forget(&self) {
        if let Some(ledger) = &self.ledger {
            ledger.forget();
        }
    }

    /// Enters a namespace that is there already, before anything is made in it.
    ///
    /// # Errors
    ///
    /// The ledger cannot be kept.
    pub fn enter(&self, namespace: &str) -> Result<(), Error> {
        if let Some(ledger) = &self.ledger {
            ledger.enter(&Entry {
                cluster: self.address.clone(),
                run: self.run.clone(),
                namespace: namespace.to_owned(),
                shared: true,
            })?;
        }
        Ok(())
    }

    /// When it is over for certain, as a second of the Unix epoch.
    pub fn expires(&self) -> i64 {
        self.expires
    }

    /// Makes a namespace: enters it, creates it, and waits for what pods need in it.
    ///
    /// # Errors
    ///
    /// The ledger or the cluster refuses it.
    pub async fn make(&self, client: &Client, name: &str) -> Result<(), Error> {
        if let Some(ledger) = &self.ledger {
            ledger.enter(&Entry {
                cluster: self.address.clone(),
                run: self.run.clone(),
                namespace: name.to_owned(),
                shared: false,
            })?;
        }
        self.lock().insert(name.to_owned(), None);
        let labels = [
            (RUN.to_owned(), self.run.clone()),
            (EXPIRES.to_owned(), self.expires.to_string()),
        ];
        let namespace = Namespace {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                labels: Some(labels.into()),
                ..ObjectMeta::default()
            },
            ..Namespace::default()
        };
        let api: Api<Namespace> = Api::all(client.clone());
        let made = match api.create(&PostParams::default(), &namespace).await {
            Ok(made) => made,
            Err(error) => {
                if matches!(&error, kube::Error::Api(status) if status.code < 500) {
                    // It was refused: there is nothing to remove.
                    self.gone(name);
                }
                return Err(Error::of(
                    &self.address,
                    "create namespaces (`--namespace NAME` does without)",
                    &error,
                ));
            }
        };
        self.lock().insert(name.to_owned(), made.metadata.uid);
        furnished(client, name).await;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Option<String>>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the account and the certificates that pods are given. A cluster without them has its reasons.
async fn furnished(client: &Client, namespace: &str) {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let there = async {
        let account = await_condition(accounts, "default", |it: Option<&ServiceAccount>| {
            it.is_some()
        });
        let certificates = await_condition(maps, "kube-root-ca.crt", |it: Option<&ConfigMap>| {
            it.is_some()
        });
        let _ = futures::join!(account, certificates);
    };
    let _ = timeout(FURNISHED, there).await;
}

/// Called with each namespace before it is made.
pub type Newcomer = Box<dyn Fn(&str) + Send + Sync>;

/// A scenario's part of a cluster.
pub struct Plot {
    client: Client,
    clock: Clock,
    capabilities: Capabilities,
    estate: Arc<Estate>,
    newcomer: Newcomer,
    namespaces: Mutex<Vec<String>>,
}

impl Plot {
    /// A part with nothing in it yet.
    pub fn new(
        client: Client,
        clock: Clock,
        capabilities: Capabilities,
        estate: Arc<Estate>,
        newcomer: Newcomer,
    ) -> Self {
        Self {
            client,
            clock,
            capabilities,
            estate,
            newcomer,
            namespaces: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.namespaces
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Plot {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Plot")
            .field("namespaces", &*self.lock())
            .finish_non_exhaustive()
    }
}

impl Cluster for Plot {
    fn client(&self) -> Client {
        self.client.clone()
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn clock(&self) -> Clock {
        self.clock
    }

    fn make_namespace<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), String>> {
        async move {
            (self.newcomer)(name);
            self.lock().push(name.to_owned());
            let made = self.estate.make(&self.client, name).await;
            made.map_err(|error| chain(&error))
        }
        .boxed()
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        async {
            let namespaces = self.lock().clone();
            let made = self.estate.made();
            for name in namespaces {
                if let Some(uid) = made.get(&name) {
                    // What is not asked to go now is asked again at the end of the run.
                    let _ = remove(&self.client, &name, uid.as_deref()).await;
                }
            }
        }
        .boxed()
    }
}
