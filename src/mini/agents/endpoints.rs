//! The endpoints' agent: keeps the EndpointSlices of each Service that selects pods.

pub mod legacy;
mod slices;

use std::sync::Arc;

use k8s_openapi::api::{
    core::v1::{Node, Pod, Service},
    discovery::v1::EndpointSlice,
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, PostParams, Preconditions},
};

use super::{
    Change, Context, Error, Informer, Key, doing, is_gone,
    queue::{Agent, Queue, work},
    start::Starting,
};
use slices::{is_same_endpoint, selects};

pub use slices::{Write, slices, writes};

const SERVICE_NAME: &str = "kubernetes.io/service-name";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const MANAGER: &str = "endpointslice-controller.k8s.io";
struct Endpoints {
    context: Context,
    services: Informer<Service>,
    pods: Informer<Pod>,
    nodes: Informer<Node>,
    slices: Informer<EndpointSlice>,
}

/// Runs the agent; never ends.
pub(super) async fn run(context: Context, starting: Starting) {
    let informers = &context.informers;
    let queue: Queue<Key> = Queue::default();
    let agent = Endpoints {
        services: informers.of(),
        pods: informers.of(),
        nodes: informers.of(),
        slices: informers.of(),
        context: context.clone(),
    };
    let line = queue.clone();
    agent
        .services
        .listen(move |change: &Change<Service>| line.add(change.key.clone()));
    let line = queue.clone();
    agent.slices.listen(move |change: &Change<EndpointSlice>| {
        for slice in change.both().filter(|slice| is_managed(slice)) {
            if let Some(service) = slice.labels().get(SERVICE_NAME) {
                line.add(Key::new(change.key.namespace.as_str(), service.as_str()));
            }
        }
    });
    let line = queue.clone();
    let services = agent.services.clone();
    agent.pods.listen(move |change: &Change<Pod>| {
        if let (Some(old), Some(new)) = (&change.old, &change.new)
            && is_same_endpoint(old, new)
        {
            return;
        }
        for service in services.list_in(&change.key.namespace) {
            if change.both().any(|pod| selects(&service, pod)) {
                line.add(Key::of(&*service));
            }
        }
    });
    agent.services.synced().await;
    agent.pods.synced().await;
    agent.nodes.synced().await;
    agent.slices.synced().await;
    drop(starting);
    work(agent, queue).await;
}

fn is_managed(slice: &EndpointSlice) -> bool {
    slice
        .labels()
        .get(MANAGED_BY)
        .is_some_and(|by| by == MANAGER)
}

impl Agent for Endpoints {
    type Key = Key;

    async fn sync(&self, key: &Key) -> Result<(), Error> {
        let present: Vec<_> = self.slices.list_in(&key.namespace);
        let own = |slice: &Arc<EndpointSlice>| {
            is_managed(slice)
                && slice.labels().get(SERVICE_NAME) == Some(&key.name)
                && slice.metadata.deletion_timestamp.is_none()
        };
        let present: Vec<_> = present.into_iter().filter(own).collect();
        // What a Service that is gone leaves behind, its owner reference takes along.
        let Some(service) = self.services.get(key) else {
            return Ok(());
        };
        if service.metadata.deletion_timestamp.is_some() {
            return Ok(());
        }
        let wanted = slices(
            &service,
            &self.pods.list_in(&key.namespace),
            &self.nodes.list(),
        );
        let api = Api::<EndpointSlice>::namespaced(self.context.client.clone(), &key.namespace);
        for write in writes(&present, wanted) {
            let what = format!("keep the endpoint slices of service {key}");
            let post = PostParams::default();
            match write {
                Write::Create(slice) => {
                    let created = api.create(&post, &slice).await.map_err(doing(what))?;
                    self.slices.learn(&created);
                }
                Write::Update(slice) => {
                    let updated = api.replace(&slice.name_any(), &post, &slice).await;
                    self.slices.learn(&updated.map_err(doing(what))?);
                }
                Write::Delete(name, uid) => {
                    let only_this = DeleteParams::default().preconditions(Preconditions {
                        uid,
                        resource_version: None,
                    });
                    match api.delete(&name, &only_this).await {
                        Err(error) if is_gone(&error) => {}
                        answer => drop(answer.map_err(doing(what))?),
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
