//! The agent of Endpoints, the kind that EndpointSlices replaced and that some people still read.

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::{
    api::core::v1::{
        EndpointAddress, EndpointPort, EndpointSubset, Endpoints, ObjectReference, Pod, Service,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{Api, ResourceExt, api::PostParams};

use super::slices::{HEADLESS, addresses, is_headless, is_same_endpoint, ports, selects, spec};
use crate::{
    mini::agents::{
        Change, Context, Error, Informer, Key, doing, is_gone,
        queue::{Agent, Queue, work},
        start::Starting,
    },
    sets,
};

const MANAGED_BY: &str = "endpoints.kubernetes.io/managed-by";

struct Legacy {
    context: Context,
    services: Informer<Service>,
    pods: Informer<Pod>,
    endpoints: Informer<Endpoints>,
}

/// Runs the agent; never ends.
pub(in crate::mini::agents) async fn run(context: Context, starting: Starting) {
    let informers = &context.informers;
    let queue: Queue<Key> = Queue::default();
    let agent = Legacy {
        services: informers.of(),
        pods: informers.of(),
        endpoints: informers.of(),
        context: context.clone(),
    };
    let line = queue.clone();
    agent
        .services
        .listen(move |change: &Change<Service>| line.add(change.key.clone()));
    let line = queue.clone();
    agent
        .endpoints
        .listen(move |change: &Change<Endpoints>| line.add(change.key.clone()));
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
    agent.endpoints.synced().await;
    drop(starting);
    work(agent, queue).await;
}

/// The Endpoints of a Service; None for one that selects nobody by itself. Pods that are being deleted are left out,
/// unless the Service publishes those that are not ready.
pub fn endpoints(service: &Service, pods: &[Arc<Pod>]) -> Option<Endpoints> {
    let spec = spec(service);
    if spec.selector.as_ref().is_none_or(BTreeMap::is_empty) {
        return None;
    }
    let published = spec.publish_not_ready_addresses == Some(true);
    let mut groups: Vec<(Vec<EndpointPort>, EndpointSubset)> = Vec::new();
    for pod in pods.iter().filter(|pod| selects(service, pod)) {
        let ended = sets::is_failed(pod) || sets::is_succeeded(pod);
        let Some(ip) = addresses(pod).into_iter().next().filter(|_| !ended) else {
            continue;
        };
        if sets::is_terminating(pod) && !published {
            continue;
        }
        let ports = ports(&spec, pod).into_iter().map(|port| EndpointPort {
            name: port.name.filter(|name| !name.is_empty()),
            port: port.port.unwrap_or_default(),
            protocol: port.protocol,
            app_protocol: port.app_protocol,
        });
        let ports: Vec<_> = ports.collect();
        let at = groups.iter().position(|(known, _)| *known == ports);
        let at = at.unwrap_or_else(|| {
            groups.push((ports, EndpointSubset::default()));
            groups.len() - 1
        });
        let subset = &mut groups[at].1;
        let list = match published || sets::is_ready(pod) {
            true => &mut subset.addresses,
            false => &mut subset.not_ready_addresses,
        };
        list.get_or_insert_default().push(address(service, pod, ip));
    }
    let subsets = groups.into_iter().map(|(ports, mut subset)| {
        subset.ports = (!ports.is_empty()).then_some(ports);
        subset
    });
    let mut labels = service.labels().clone();
    labels.remove(HEADLESS);
    if is_headless(&spec) {
        labels.insert(HEADLESS.to_owned(), String::new());
    }
    labels.insert(MANAGED_BY.to_owned(), "endpoint-controller".to_owned());
    let subsets: Vec<_> = subsets.collect();
    Some(Endpoints {
        metadata: ObjectMeta {
            name: service.metadata.name.clone(),
            namespace: service.metadata.namespace.clone(),
            labels: Some(labels),
            ..ObjectMeta::default()
        },
        subsets: (!subsets.is_empty()).then_some(subsets),
    })
}

fn address(service: &Service, pod: &Pod, ip: String) -> EndpointAddress {
    let spec = pod.spec.clone().unwrap_or_default();
    let named = spec.subdomain == service.metadata.name;
    EndpointAddress {
        ip,
        hostname: spec.hostname.filter(|name| named && !name.is_empty()),
        node_name: spec.node_name.filter(|node| !node.is_empty()),
        target_ref: Some(ObjectReference {
            kind: Some("Pod".to_owned()),
            namespace: pod.namespace(),
            name: Some(pod.name_any()),
            uid: pod.uid(),
            ..ObjectReference::default()
        }),
    }
}

impl Agent for Legacy {
    type Key = Key;

    async fn sync(&self, key: &Key) -> Result<(), Error> {
        let api = Api::<Endpoints>::namespaced(self.context.client.clone(), &key.namespace);
        let known = self.endpoints.get(key);
        let service = self.services.get(key);
        let ours = |known: &Arc<Endpoints>| known.labels().contains_key(MANAGED_BY);
        let Some(service) = service else {
            if known.as_ref().is_some_and(ours) {
                match api.delete(&key.name, &Default::default()).await {
                    Err(error) if is_gone(&error) => {}
                    other => drop(other.map_err(doing(format!("delete endpoints {key}")))?),
                }
            }
            return Ok(());
        };
        let Some(wanted) = endpoints(&service, &self.pods.list_in(&key.namespace)) else {
            return Ok(());
        };
        let post = PostParams::default();
        let what = format!("keep endpoints {key}");
        let written = match known {
            None => api.create(&post, &wanted).await,
            Some(known) => {
                let mut next = (*known).clone();
                next.subsets = wanted.subsets;
                next.metadata.labels = wanted.metadata.labels;
                if next == *known {
                    return Ok(());
                }
                api.replace(&key.name, &post, &next).await
            }
        };
        self.endpoints.learn(&written.map_err(doing(what))?);
        Ok(())
    }
}
