//! A small StatefulSet controller that owes nothing to the one of stsspec: it knows startup, scaling and status, and lists
//! what is there each time instead of keeping caches.

use std::{collections::BTreeMap, hash::Hasher as _, pin::pin, time::Duration};

use futures::{StreamExt as _, stream::select};
use serde_json::json;
use stsspec::{
    k8s_openapi::{
        api::{
            apps::v1::{ControllerRevision, StatefulSet, StatefulSetStatus},
            core::v1::{Event, EventSource, Pod},
        },
        apimachinery::pkg::{
            apis::meta::v1::{ObjectMeta, OwnerReference},
            runtime::RawExtension,
        },
    },
    kube::{
        self, Api, Client, Resource as _, ResourceExt as _,
        api::{DeleteParams, ListParams, PostParams},
        runtime::watcher,
    },
};

/// How pods are started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Startup {
    /// One after the other, each when those before it are Ready.
    InOrder,
    /// All at once, whatever the set says: wrong.
    AllAtOnce,
}

/// Brings all sets to what they ask for, until it is dropped.
pub async fn run(client: Client, startup: Startup) {
    let sets = watcher(
        Api::<StatefulSet>::all(client.clone()),
        watcher::Config::default(),
    )
    .map(drop);
    let pods = watcher(Api::<Pod>::all(client.clone()), watcher::Config::default()).map(drop);
    let mut changes = pin!(select(sets, pods));
    let mut again = false;
    loop {
        // After an error it looks again by itself.
        let rest = if again {
            Duration::from_secs(1)
        } else {
            Duration::MAX
        };
        let _ = tokio::time::timeout(rest, changes.next()).await;
        again = sync_all(&client, startup).await.is_err();
    }
}

async fn sync_all(client: &Client, startup: Startup) -> kube::Result<()> {
    for set in Api::<StatefulSet>::all(client.clone())
        .list(&ListParams::default())
        .await?
    {
        if set.metadata.deletion_timestamp.is_none() {
            sync(client, &set, startup).await?;
        }
    }
    Ok(())
}

async fn sync(client: &Client, set: &StatefulSet, startup: Startup) -> kube::Result<()> {
    let namespace = set.namespace().unwrap_or_default();
    let api = Api::<Pod>::namespaced(client.clone(), &namespace);
    let revision = ensure_revision(client, set).await?;
    let pods = pods_of(set, &api).await?;
    let wanted = set.spec.replicas.unwrap_or(1);
    let mut waiting = false;
    for ordinal in 0..wanted {
        match pods.get(&ordinal) {
            None => {
                let made = api
                    .create(&PostParams::default(), &pod(set, ordinal, &revision))
                    .await?;
                tell(client, set, "Create", &made.name_any()).await?;
            }
            Some(there) if is_ready(there) && there.metadata.deletion_timestamp.is_none() => {
                continue;
            }
            Some(_) => {}
        }
        waiting = true;
        if startup == Startup::InOrder {
            break;
        }
    }
    // The highest one goes first, and only while all others are there and nobody is on the way out.
    let leaving = pods
        .values()
        .any(|pod| pod.metadata.deletion_timestamp.is_some());
    if let Some((ordinal, last)) = pods.last_key_value()
        && *ordinal >= wanted
        && !waiting
        && !leaving
    {
        api.delete(&last.name_any(), &DeleteParams::default())
            .await?;
        tell(client, set, "Delete", &last.name_any()).await?;
    }
    write_status(client, set, &pods, &revision).await
}

/// The event that says what was done.
async fn tell(client: &Client, set: &StatefulSet, verb: &str, pod: &str) -> kube::Result<()> {
    let api = Api::<Event>::namespaced(client.clone(), &set.namespace().unwrap_or_default());
    let event = Event {
        metadata: ObjectMeta {
            generate_name: Some(format!("{}.", set.name_any())),
            namespace: set.namespace(),
            ..ObjectMeta::default()
        },
        type_: Some("Normal".into()),
        reason: Some(format!("Successful{verb}")),
        message: Some(format!(
            "{verb} Pod {pod} in StatefulSet {} successful",
            set.name_any()
        )),
        involved_object: set.object_ref(&()),
        source: Some(EventSource {
            component: Some("consumer".into()),
            ..EventSource::default()
        }),
        count: Some(1),
        ..Event::default()
    };
    api.create(&PostParams::default(), &event).await.map(drop)
}

async fn pods_of(set: &StatefulSet, api: &Api<Pod>) -> kube::Result<BTreeMap<i32, Pod>> {
    let prefix = format!("{}-", set.name_any());
    let uid = set.uid().unwrap_or_default();
    let all = api.list(&ListParams::default()).await?;
    let ours = all
        .into_iter()
        .filter(|pod| pod.owner_references().iter().any(|owner| owner.uid == uid));
    let by_ordinal = |pod: Pod| Some((pod.name_any().strip_prefix(&prefix)?.parse().ok()?, pod));
    Ok(ours.filter_map(by_ordinal).collect())
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());
    conditions
        .into_iter()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn owner(set: &StatefulSet) -> OwnerReference {
    set.controller_owner_ref(&())
        .expect("a set from the API has a name and a UID")
}

fn pod(set: &StatefulSet, ordinal: i32, revision: &str) -> Pod {
    let spec = set.spec.clone();
    let mut pod = Pod {
        metadata: spec.template.metadata.unwrap_or_default(),
        spec: spec.template.spec,
        status: None,
    };
    let name = format!("{}-{ordinal}", set.name_any());
    let labels = pod.labels_mut();
    labels.insert("statefulset.kubernetes.io/pod-name".into(), name.clone());
    labels.insert("apps.kubernetes.io/pod-index".into(), ordinal.to_string());
    labels.insert("controller-revision-hash".into(), revision.to_owned());
    if let Some(pod) = &mut pod.spec {
        pod.hostname = Some(name.clone());
        pod.subdomain = spec.service_name;
    }
    pod.metadata.name = Some(name);
    pod.metadata.namespace = set.namespace();
    pod.metadata.owner_references = Some(vec![owner(set)]);
    pod
}

/// The revision of the template, created if it is not there.
async fn ensure_revision(client: &Client, set: &StatefulSet) -> kube::Result<String> {
    let spec = set.spec.clone();
    let template = serde_json::to_value(&spec.template).unwrap_or_default();
    let mut hash = std::hash::DefaultHasher::new();
    hash.write(template.to_string().as_bytes());
    let name = format!("{}-{:08x}", set.name_any(), hash.finish() as u32);
    let api =
        Api::<ControllerRevision>::namespaced(client.clone(), &set.namespace().unwrap_or_default());
    if api.get_opt(&name).await?.is_none() {
        let number = api
            .list(&ListParams::default())
            .await?
            .items
            .iter()
            .filter_map(|it| it.revision)
            .max();
        let mut revision = ControllerRevision::default();
        revision.metadata.name = Some(name.clone());
        revision.metadata.labels = spec.selector.match_labels;
        revision.metadata.owner_references = Some(vec![owner(set)]);
        revision.revision = Some(number.unwrap_or(0) + 1);
        let data = json!({"spec": {"template": template}});
        revision.data = RawExtension(data);
        api.create(&PostParams::default(), &revision).await?;
    }
    Ok(name)
}

async fn write_status(
    client: &Client,
    set: &StatefulSet,
    pods: &BTreeMap<i32, Pod>,
    revision: &str,
) -> kube::Result<()> {
    let there = pods.len() as i32;
    let ready = pods.values().filter(|pod| is_ready(pod)).count() as i32;
    let of_revision = |pod: &&Pod| {
        pod.labels()
            .get("controller-revision-hash")
            .is_some_and(|hash| hash == revision)
    };
    let of_revision = pods.values().filter(of_revision).count() as i32;
    let status = StatefulSetStatus {
        replicas: there,
        ready_replicas: Some(ready),
        available_replicas: Some(ready),
        current_replicas: Some(of_revision),
        updated_replicas: Some(of_revision),
        current_revision: Some(revision.to_owned()),
        update_revision: Some(revision.to_owned()),
        observed_generation: set.meta().generation,
        collision_count: Some(0),
        conditions: None,
    };
    if set.status.as_ref() == Some(&status) {
        return Ok(());
    }
    let api = Api::<StatefulSet>::namespaced(client.clone(), &set.namespace().unwrap_or_default());
    let set = StatefulSet {
        status: Some(status),
        ..set.clone()
    };
    api.replace_status(&set.name_any(), &PostParams::default(), &set)
        .await
        .map(drop)
}
