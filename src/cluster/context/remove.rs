//! The end of what runs made.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::future::join_all;
use k8s_openapi::api::core::v1::{Namespace, PersistentVolume, Pod};
use kube::{
    Api, Client, ResourceExt as _,
    api::{
        ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, ObjectMeta, Patch,
        PatchParams, Preconditions,
    },
    runtime::wait::{await_condition, conditions::is_deleted},
};
use serde_json::json;
use tokio::time::timeout;

use super::{EXPIRES, Error, RUN, ledger::Entry};

/// How long a namespace may take to empty itself.
const EMPTIED: Duration = Duration::from_secs(180);

/// Asks for the end of a namespace, of the one with a UID if that is known. True if there is none any more.
///
/// # Errors
///
/// The cluster refuses it.
pub async fn remove(client: &Client, name: &str, uid: Option<&str>) -> Result<bool, kube::Error> {
    let api: Api<Namespace> = Api::all(client.clone());
    let params = DeleteParams {
        preconditions: uid.map(|uid| Preconditions {
            uid: Some(uid.to_owned()),
            resource_version: None,
        }),
        ..DeleteParams::background()
    };
    match api.delete(name, &params).await {
        Ok(_) => {
            hasten(client, name).await;
            Ok(false)
        }
        // Another one has its name now, or nothing has; or it is on its way out.
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 409 => {
            let there = api.get_opt(name).await?;
            Ok(
                there
                    .is_none_or(|there| uid.is_some_and(|uid| there.uid().as_deref() != Some(uid))),
            )
        }
        Err(error) => Err(error),
    }
}

/// Nobody makes anything in the namespace any more; but some pods would take an hour to end, and what a scenario holds up
/// would never go. Whatever is refused here is seen when the namespace does not go.
async fn hasten(client: &Client, namespace: &str) {
    let soon = DeleteParams::default().grace_period(1);
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let _ = pods.delete_collection(&soon, &ListParams::default()).await;
    let kinds = [
        ("", "Pod"),
        ("", "PersistentVolumeClaim"),
        ("apps", "StatefulSet"),
        ("stsspec.dev", "StatefulSet"),
    ];
    for (group, kind) in kinds {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
        let Ok(list) = api.list_metadata(&ListParams::default()).await else {
            continue;
        };
        for object in list.items {
            unhold(&api, &object.metadata).await;
        }
    }
}

/// Takes away from an object what a scenario has put there to hold it up.
pub(super) async fn unhold(api: &Api<DynamicObject>, metadata: &ObjectMeta) {
    let all = metadata.finalizers.as_deref().unwrap_or_default();
    let others: Vec<&String> = all.iter().filter(|name| is_of_kubernetes(name)).collect();
    if others.len() < all.len() {
        let patch = json!({ "metadata": { "uid": metadata.uid, "finalizers": others } });
        let (name, params) = (
            metadata.name.as_deref().unwrap_or_default(),
            PatchParams::default(),
        );
        // Whatever is refused here is seen when the object does not go.
        let _ = api.patch(name, &params, &Patch::Merge(&patch)).await;
    }
}

/// A finalizer that some agent of the cluster takes away when its work is done.
fn is_of_kubernetes(finalizer: &str) -> bool {
    let domain = finalizer.split_once('/').map(|(domain, _)| domain);
    domain.is_none_or(|domain| domain == "kubernetes.io" || domain.ends_with(".kubernetes.io"))
}

/// A run's namespace that is on a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub namespace: String,
    /// The run that made it.
    pub run: String,
    /// The second of the Unix epoch after which the run is over for certain.
    pub expires: i64,
    /// Of the namespace; none where that is not the run's.
    pub(super) uid: String,
}

/// What `clean` removes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// What a run made.
    Run(String),
    /// What all runs made, those on their way included.
    All,
    /// What this machine's ledger names, and what has expired by a second of the Unix epoch.
    Over {
        /// Runs of the ledger.
        ledger: BTreeSet<String>,
        /// Now.
        now: i64,
    },
}

impl Choice {
    /// It is over for certain, or it was named.
    pub(super) fn takes(&self, found: &Found) -> bool {
        match self {
            Self::Run(run) => found.run == *run,
            Self::All => true,
            Self::Over { ledger, now } => ledger.contains(&found.run) || found.expires <= *now,
        }
    }

    /// What a ledger says of a cluster, and what has expired.
    pub fn over(entries: &[Entry], cluster: &str, now: i64) -> Self {
        let here = entries.iter().filter(|entry| entry.cluster == cluster);
        Self::Over {
            ledger: here.map(|entry| entry.run.clone()).collect(),
            now,
        }
    }
}

/// Removes what runs have left on a cluster; labels say what that is. What was removed, what was left alone because it
/// was not chosen, and what did not go, in words.
///
/// # Errors
///
/// The cluster does not say what is there.
pub async fn clean(
    client: &Client,
    address: &str,
    choice: &Choice,
) -> Result<(Vec<Found>, Vec<Found>, Vec<String>), Error> {
    let api: Api<Namespace> = Api::all(client.clone());
    let listed = api
        .list(&ListParams::default().labels(RUN))
        .await
        .map_err(|error| Error::of(address, "list namespaces", &error))?;
    let found = listed.items.iter().filter_map(|namespace| {
        let label = |name: &str| namespace.labels().get(name);
        Some(Found {
            namespace: namespace.name_any(),
            run: label(RUN)?.clone(),
            expires: label(EXPIRES).and_then(|text| text.parse().ok())?,
            uid: namespace.uid()?,
        })
    });
    let (chosen, left): (Vec<Found>, Vec<Found>) = found.partition(|found| choice.takes(found));
    let uids: BTreeMap<String, Option<String>> = chosen
        .iter()
        .map(|found| (found.namespace.clone(), Some(found.uid.clone())))
        .collect();
    let trouble = empty(client, &uids).await;
    let stuck: BTreeSet<&str> = trouble.keys().map(String::as_str).collect();
    let removed = chosen
        .into_iter()
        .filter(|found| !stuck.contains(found.namespace.as_str()))
        .collect();
    Ok((removed, left, trouble.into_values().collect()))
}

/// Removes namespaces and the volumes that were made for them, and waits until they are gone. What did not go, in words,
/// by namespace.
pub async fn empty(
    client: &Client,
    namespaces: &BTreeMap<String, Option<String>>,
) -> BTreeMap<String, String> {
    let each = namespaces.iter().map(|(name, uid)| async move {
        let end = timeout(EMPTIED, end(client, name, uid.as_deref())).await;
        let why = match end {
            Ok(Ok(())) => return None,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("it is still there after {} s", EMPTIED.as_secs()),
        };
        Some((name.clone(), format!("namespace {name}: {why}")))
    });
    let mut trouble: BTreeMap<String, String> =
        join_all(each).await.into_iter().flatten().collect();
    for (namespace, why) in volumes(client, namespaces).await {
        trouble.entry(namespace).or_insert(why);
    }
    trouble
}

async fn end(client: &Client, name: &str, uid: Option<&str>) -> Result<(), kube::Error> {
    if remove(client, name, uid).await? {
        return Ok(());
    }
    let api: Api<Namespace> = Api::all(client.clone());
    let uid = match uid {
        Some(uid) => uid.to_owned(),
        None => match api.get_opt(name).await?.and_then(|there| there.uid()) {
            Some(uid) => uid,
            None => return Ok(()),
        },
    };
    match await_condition(api, name, is_deleted(&uid)).await {
        Ok(_) => Ok(()),
        Err(error) => Err(kube::Error::Service(Box::new(error))),
    }
}

/// Removes volumes of these namespaces whose class keeps them, and waits for those that go by themselves. Whoever may not
/// list volumes has none of them to remove.
async fn volumes(
    client: &Client,
    namespaces: &BTreeMap<String, Option<String>>,
) -> Vec<(String, String)> {
    let api: Api<PersistentVolume> = Api::all(client.clone());
    let Ok(list) = api.list(&ListParams::default()).await else {
        return Vec::new();
    };
    let ours = list.items.into_iter().filter_map(|volume| {
        let spec = volume.spec.as_ref()?;
        let namespace = spec.claim_ref.as_ref()?.namespace.clone()?;
        let kept = spec.persistent_volume_reclaim_policy.as_deref() == Some("Retain");
        namespaces.contains_key(&namespace).then(|| {
            (
                namespace,
                volume.name_any(),
                volume.uid().unwrap_or_default(),
                kept,
            )
        })
    });
    let each = ours.map(|(namespace, name, uid, kept)| {
        let api = api.clone();
        async move {
            if kept {
                let params = DeleteParams::default().preconditions(Preconditions {
                    uid: Some(uid.clone()),
                    resource_version: None,
                });
                // Whoever may not is told below that it is still there.
                let _ = api.delete(&name, &params).await;
            }
            let gone = timeout(EMPTIED, await_condition(api, &name, is_deleted(&uid))).await;
            match gone {
                Ok(Ok(_)) => None,
                _ => Some((namespace, format!("volume {name}: it is still there"))),
            }
        }
    });
    join_all(each).await.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_may_still_be_on_its_way_is_left_alone() {
        let found = |run: &str, expires| Found {
            namespace: format!("stsspec-{run}"),
            run: run.into(),
            expires,
            uid: "u".into(),
        };
        let entry = |cluster: &str, run: &str| Entry {
            cluster: cluster.into(),
            run: run.into(),
            namespace: "n".into(),
            shared: false,
        };
        let over = Choice::over(&[entry("here", "mine"), entry("there", "far")], "here", 100);
        assert!(over.takes(&found("mine", 200)), "the ledger names it");
        assert!(over.takes(&found("other", 100)), "it has expired");
        assert!(!over.takes(&found("other", 101)), "it may be on its way");
        assert!(
            !over.takes(&found("far", 101)),
            "the ledger names it elsewhere"
        );
        assert!(Choice::All.takes(&found("other", 101)));
        assert!(Choice::Run("a".into()).takes(&found("a", 101)));
        assert!(!Choice::Run("a".into()).takes(&found("b", 0)));
    }
}
