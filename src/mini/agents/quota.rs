//! The quota agent: counts what quotas limit. That nothing goes beyond is the API server's affair, which adds what it
//! admits; what went away only this agent takes off.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod, ResourceQuota, Service},
    apimachinery::pkg::api::resource::Quantity,
};
use kube::{Api, Resource, api::ListParams};
use serde::de::DeserializeOwned;

use super::{
    Change, Context, Error, Informer, Key, doing, is_gone,
    kinds::KINDS,
    queue::{Agent, Queue, work},
    start::Starting,
};
use crate::{mini::api::quantity, sets};

struct Quotas {
    context: Context,
    quotas: Informer<ResourceQuota>,
}

/// Runs the agent; never ends.
pub(super) async fn run(context: Context, starting: Starting) {
    let informers = &context.informers;
    let queue: Queue<Key> = Queue::default();
    let agent = Quotas {
        quotas: informers.of(),
        context: context.clone(),
    };
    let line = queue.clone();
    agent
        .quotas
        .listen(move |change: &Change<ResourceQuota>| line.add(change.key.clone()));
    let pods = informers.of::<Pod>();
    let ended = |pod: &Pod| sets::is_failed(pod) || sets::is_succeeded(pod);
    freed(&pods, &agent.quotas, &queue, move |change: &Change<Pod>| {
        let (old, new) = (change.old.as_deref(), change.new.as_deref());
        new.is_none() || new.is_some_and(ended) != old.is_some_and(ended)
    });
    let claims = informers.of::<PersistentVolumeClaim>();
    freed(&claims, &agent.quotas, &queue, |change| {
        change.new.is_none()
    });
    let services = informers.of::<Service>();
    freed(&services, &agent.quotas, &queue, |change| {
        change.new.is_none()
    });
    let config = informers.of::<ConfigMap>();
    freed(&config, &agent.quotas, &queue, |change| {
        change.new.is_none()
    });
    agent.quotas.synced().await;
    drop(starting);
    work(agent, queue).await;
}

/// Looks at the quotas of a namespace when something in it no longer counts.
fn freed<K>(
    informer: &Informer<K>,
    quotas: &Informer<ResourceQuota>,
    queue: &Queue<Key>,
    counts: impl Fn(&Change<K>) -> bool + Send + 'static,
) where
    K: Resource + Send + Sync + 'static,
{
    let (quotas, queue) = (quotas.clone(), queue.clone());
    informer.listen(move |change: &Change<K>| {
        if counts(change) {
            for quota in quotas.list_in(&change.key.namespace) {
                queue.add(Key::of(&*quota));
            }
        }
    });
}

/// What there is in a namespace.
#[derive(Clone, Debug, Default)]
pub struct Present {
    /// Pods; those that ended do not count.
    pub pods: Vec<Pod>,
    /// Claims.
    pub claims: Vec<PersistentVolumeClaim>,
    /// How many objects of other kinds there are, by `services` or `deployments.apps`.
    pub counts: BTreeMap<String, usize>,
}

/// How much of each limited resource is used. What is not known here is left out.
pub fn used(hard: &BTreeMap<String, Quantity>, present: &Present) -> BTreeMap<String, Quantity> {
    let pods: Vec<_> = present
        .pods
        .iter()
        .filter(|pod| !sets::is_failed(pod) && !sets::is_succeeded(pod))
        .collect();
    let number = |count: usize| Quantity(count.to_string());
    let of_pods = |limits: bool, name: &str| {
        let containers = pods
            .iter()
            .flat_map(|pod| pod.spec.iter().flat_map(|spec| &spec.containers));
        let quantities = containers.filter_map(|container| {
            let resources = container.resources.as_ref()?;
            let all = if limits {
                resources.limits.as_ref()
            } else {
                resources.requests.as_ref()
            };
            all?.get(name)
        });
        sum(quantities)
    };
    let of_claims = |class: Option<&str>| {
        let specs = present
            .claims
            .iter()
            .filter_map(|claim| claim.spec.as_ref());
        let specs =
            specs.filter(|spec| class.is_none() || spec.storage_class_name.as_deref() == class);
        sum(specs.filter_map(|spec| spec.resources.as_ref()?.requests.as_ref()?.get("storage")))
    };
    let mut used = BTreeMap::new();
    for name in hard.keys() {
        let object = name.strip_prefix("count/").unwrap_or(name);
        let amount = match (name.as_str(), name.split_once('.')) {
            _ if object == "pods" => number(pods.len()),
            _ if object == "persistentvolumeclaims" => number(present.claims.len()),
            ("requests.storage", _) => of_claims(None),
            (_, Some(("limits", name))) => of_pods(true, name),
            (_, Some(("requests", name))) => of_pods(false, name),
            ("cpu" | "memory" | "ephemeral-storage", _) => of_pods(false, name),
            _ => match name.split_once(".storageclass.storage.k8s.io/") {
                Some((class, "requests.storage")) => of_claims(Some(class)),
                Some((class, "persistentvolumeclaims")) => {
                    let specs = present
                        .claims
                        .iter()
                        .filter_map(|claim| claim.spec.as_ref());
                    let own =
                        specs.filter(|spec| spec.storage_class_name.as_deref() == Some(class));
                    number(own.count())
                }
                _ => match present.counts.get(object) {
                    Some(count) => number(*count),
                    None => continue,
                },
            },
        };
        used.insert(name.clone(), amount);
    }
    used
}

fn sum<'a>(quantities: impl Iterator<Item = &'a Quantity>) -> Quantity {
    let parsed = quantities.filter_map(|amount| quantity::parse(&amount.0).ok());
    Quantity(
        parsed
            .fold(quantity::Quantity::ZERO, quantity::add)
            .to_string(),
    )
}

impl Quotas {
    async fn list<K>(&self, namespace: &str) -> Result<Vec<K>, Error>
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
    {
        let api = Api::<K>::namespaced(self.context.client.clone(), namespace);
        let all = api.list(&ListParams::default()).await;
        all.map(|all| all.items).map_err(doing(format!(
            "count the {} of {namespace}",
            K::plural(&())
        )))
    }

    /// Counts with the API server itself: a quota that is behind would refuse what is allowed.
    async fn present(
        &self,
        namespace: &str,
        hard: &BTreeMap<String, Quantity>,
    ) -> Result<Present, Error> {
        let mut present = Present::default();
        let names = || {
            hard.keys()
                .map(|name| name.strip_prefix("count/").unwrap_or(name))
        };
        let of_pods = |name: &str| {
            name == "pods"
                || ["cpu", "memory", "ephemeral-storage"]
                    .iter()
                    .any(|known| name.ends_with(known))
        };
        if names().any(of_pods) {
            present.pods = self.list(namespace).await?;
        }
        if names().any(|name| name.contains("storage") || name.contains("persistentvolumeclaims")) {
            present.claims = self.list(namespace).await?;
        }
        for name in names() {
            let known = KINDS.iter().find(|kind| {
                let group = kind
                    .api_version
                    .split_once('/')
                    .map_or("", |(group, _)| group);
                match group {
                    "" => kind.plural == name,
                    group => name.split_once('.') == Some((kind.plural, group)),
                }
            });
            let Some(kind) = known.filter(|kind| kind.namespaced) else {
                continue;
            };
            let client = self.context.client.clone();
            let api = Api::<kube::api::DynamicObject>::namespaced_with(
                client,
                namespace,
                &kind.resource(),
            );
            let all = api.list_metadata(&ListParams::default()).await;
            let all = all.map_err(doing(format!("count the {} of {namespace}", kind.plural)))?;
            present.counts.insert(name.to_owned(), all.items.len());
        }
        Ok(present)
    }
}

impl Agent for Quotas {
    type Key = Key;

    async fn sync(&self, key: &Key) -> Result<(), Error> {
        let Some(quota) = self.quotas.get(key) else {
            return Ok(());
        };
        let spec = quota.spec.clone().unwrap_or_default();
        let hard = spec.hard.unwrap_or_default();
        let present = self.present(&key.namespace, &hard).await?;
        let used = used(&hard, &present);
        let status = quota.status.clone().unwrap_or_default();
        if status.hard.as_ref() == Some(&hard) && status.used.as_ref() == Some(&used) {
            return Ok(());
        }
        let mut next = (*quota).clone();
        let status = next.status.get_or_insert_default();
        status.hard = Some(hard);
        status.used = Some(used);
        let api = Api::<ResourceQuota>::namespaced(self.context.client.clone(), &key.namespace);
        match api
            .replace_status(&key.name, &Default::default(), &next)
            .await
        {
            Err(error) if is_gone(&error) => {}
            other => self
                .quotas
                .learn(&other.map_err(doing(format!("set the status of quota {key}")))?),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
