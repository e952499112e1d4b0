//! The accounts' agent: each namespace has a service account `default` and the cluster's certificate.

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, ServiceAccount};
use kube::Api;
use serde_json::json;

use super::{
    Change, Context, Error, Informer, Key,
    queue::{Agent, Queue, work},
    start::{Starting, ensure},
};

const ACCOUNT: &str = "default";
const CERTIFICATE: &str = "kube-root-ca.crt";

struct Accounts {
    context: Context,
    namespaces: Informer<Namespace>,
    accounts: Informer<ServiceAccount>,
    config: Informer<ConfigMap>,
}

/// Runs the agent; never ends.
pub(super) async fn run(context: Context, starting: Starting) {
    let informers = &context.informers;
    let queue: Queue<String> = Queue::default();
    let agent = Accounts {
        namespaces: informers.of(),
        accounts: informers.of(),
        config: informers.of(),
        context: context.clone(),
    };
    let line = queue.clone();
    agent
        .namespaces
        .listen(move |change: &Change<Namespace>| line.add(change.key.name.clone()));
    let line = queue.clone();
    agent
        .accounts
        .listen(move |change: &Change<ServiceAccount>| {
            if change.new.is_none() && change.key.name == ACCOUNT {
                line.add(change.key.namespace.clone());
            }
        });
    let line = queue.clone();
    agent.config.listen(move |change: &Change<ConfigMap>| {
        if change.new.is_none() && change.key.name == CERTIFICATE {
            line.add(change.key.namespace.clone());
        }
    });
    agent.namespaces.synced().await;
    agent.accounts.synced().await;
    agent.config.synced().await;
    drop(starting);
    work(agent, queue).await;
}

impl Agent for Accounts {
    type Key = String;

    async fn sync(&self, namespace: &String) -> Result<(), Error> {
        let there = self.namespaces.get(&Key::new("", namespace.as_str()));
        if there.is_none_or(|namespace| namespace.metadata.deletion_timestamp.is_some()) {
            return Ok(());
        }
        let client = &self.context.client;
        if self
            .accounts
            .get(&Key::new(namespace.as_str(), ACCOUNT))
            .is_none()
        {
            let api = Api::<ServiceAccount>::namespaced(client.clone(), namespace);
            ensure(&api, json!({"metadata": {"name": ACCOUNT}})).await?;
        }
        if self
            .config
            .get(&Key::new(namespace.as_str(), CERTIFICATE))
            .is_none()
        {
            let api = Api::<ConfigMap>::namespaced(client.clone(), namespace);
            let description = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";
            let certificate = json!({
                "metadata": {
                    "name": CERTIFICATE,
                    "annotations": {"kubernetes.io/description": description},
                },
                "data": {"ca.crt": ""},
            });
            ensure(&api, certificate).await?;
        }
        Ok(())
    }
}
