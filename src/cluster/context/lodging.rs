//! A scenario's part of a cluster where all there is for it is one namespace that was there before: one scenario at a time,
//! and what others have in it is neither seen nor touched.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::{
    FutureExt as _,
    future::{BoxFuture, join_all},
};
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolume};
use kube::{
    Api, Client, ResourceExt as _,
    api::{
        ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, ObjectMeta,
        PostParams, Preconditions,
    },
    runtime::wait::{await_condition, conditions::is_deleted},
};
use tokio::time::timeout;

use super::{
    EXPIRES, Error, RUN, chain,
    fence::{Fence, Strangers},
    plot::Newcomer,
    remove::{Choice, Found, unhold},
};
use crate::{
    clock::Clock,
    cluster::{Capabilities, Cluster, Target},
};

/// How long what a scenario made may take to go.
const EMPTIED: Duration = Duration::from_secs(120);

/// How often what appeared meanwhile is removed as well.
const ROUNDS: usize = 4;

/// The object by which a run has a namespace to itself.
const LOCK: &str = "stsspec-run";

/// A group, a kind of it, and its name in paths.
type Sort = (&'static str, &'static str, &'static str);

/// What scenarios make, and what is made for them: those who make others first.
const KINDS: [Sort; 12] = [
    ("stsspec.dev", "StatefulSet", "statefulsets"),
    ("apps", "StatefulSet", "statefulsets"),
    ("apps", "Deployment", "deployments"),
    ("apps", "ReplicaSet", "replicasets"),
    ("policy", "PodDisruptionBudget", "poddisruptionbudgets"),
    ("", "Pod", "pods"),
    ("", "PersistentVolumeClaim", "persistentvolumeclaims"),
    ("", "Service", "services"),
    ("apps", "ControllerRevision", "controllerrevisions"),
    ("", "Event", "events"),
    ("discovery.k8s.io", "EndpointSlice", "endpointslices"),
    ("", "ConfigMap", "configmaps"),
];

fn api(client: &Client, namespace: &str, (group, kind, plural): Sort) -> Api<DynamicObject> {
    let resource =
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "v1", kind), plural);
    Api::namespaced_with(client.clone(), namespace, &resource)
}

/// Whoever may not list a kind, where others may be listed, has none of it. An answer that fails is no answer: why, in
/// words.
async fn listed(
    client: &Client,
    namespace: &str,
    selector: &str,
) -> Result<Vec<(Sort, DynamicObject)>, String> {
    let params = ListParams::default().labels(selector);
    let each = KINDS.iter().map(|kind| {
        let (api, params) = (api(client, namespace, *kind), &params);
        async move { (*kind, api.list(params).await) }
    });
    let (mut found, mut refused) = (Vec::new(), None);
    let mut is_answered = false;
    for (kind, list) in join_all(each).await {
        match list {
            Ok(list) => {
                is_answered = true;
                found.extend(list.items.into_iter().map(|object| (kind, object)));
            }
            Err(error) => {
                let why = format!(
                    "{} of namespace {namespace} cannot be listed: {}",
                    kind.2,
                    chain(&error)
                );
                match error {
                    kube::Error::Api(status) if matches!(status.code, 403 | 404) => {
                        refused.get_or_insert(why);
                    }
                    _ => return Err(why),
                }
            }
        }
    }
    match refused {
        Some(why) if !is_answered => Err(why),
        _ => Ok(found),
    }
}

/// The place of a scenario in a namespace that it shares with others.
pub struct Lodging {
    /// Passes the fence.
    client: Client,
    /// Sees what others have.
    plain: Client,
    clock: Clock,
    capabilities: Capabilities,
    fence: Fence,
    namespace: String,
    run: String,
    newcomer: Newcomer,
    /// What the scenario calls its sets and pods.
    words: BTreeSet<String>,
}

impl std::fmt::Debug for Lodging {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Lodging")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

/// A namespace that a run shares with others, and the run.
#[derive(Clone, Debug)]
pub struct Room {
    /// Its name.
    pub namespace: String,
    /// The run's id.
    pub run: String,
    /// The second of the Unix epoch after which the run is over for certain.
    pub expires: i64,
}

impl Room {
    /// Takes the namespace for the run: no other run begins in it until it is [left](Self::leave).
    ///
    /// # Errors
    ///
    /// Another run is there, or the cluster refuses it.
    pub async fn take(&self, client: &Client, address: &str, now: i64) -> Result<(), Error> {
        let api: Api<ConfigMap> = Api::namespaced(client.clone(), &self.namespace);
        let labels = [
            (RUN.to_owned(), self.run.clone()),
            (EXPIRES.to_owned(), self.expires.to_string()),
        ];
        let lock = ConfigMap {
            metadata: ObjectMeta {
                name: Some(LOCK.to_owned()),
                labels: Some(labels.into()),
                ..ObjectMeta::default()
            },
            ..ConfigMap::default()
        };
        let told = |error: kube::Error| Error::of(address, "create configmaps", &error);
        loop {
            match api.create(&PostParams::default(), &lock).await {
                Ok(_) => return Ok(()),
                Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => {}
                Err(error) => return Err(told(error)),
            }
            let Some(there) = api.get_opt(LOCK).await.map_err(told)? else {
                continue;
            };
            let taken = |why: &str| Error::Taken {
                namespace: self.namespace.clone(),
                name: LOCK,
                why: why.to_owned(),
            };
            let label = |name: &str| there.labels().get(name).cloned();
            let expires = label(EXPIRES).and_then(|text| text.parse::<i64>().ok());
            let (Some(run), Some(expires)) = (label(RUN), expires) else {
                return Err(taken("is not a run's; it is left alone"));
            };
            if expires > now {
                return Err(Error::Busy {
                    namespace: self.namespace.clone(),
                    run,
                });
            }
            let uid = there.uid().unwrap_or_default();
            let params = DeleteParams::default().preconditions(Preconditions {
                uid: there.uid(),
                resource_version: None,
            });
            match api.delete(LOCK, &params).await {
                Ok(_) => {
                    let gone = await_condition(api.clone(), LOCK, is_deleted(&uid));
                    match timeout(EMPTIED, gone).await {
                        Ok(_) => {}
                        Err(_) => return Err(taken("is of a run that is over and does not go")),
                    }
                }
                Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
                Err(error) => return Err(told(error)),
            }
        }
    }

    /// Removes what the run made, and gives the namespace free. What did not go, in words.
    pub async fn leave(&self, client: &Client) -> Vec<String> {
        let ours = format!("{RUN}={}", self.run);
        sweep(client, client, &self.namespace, &ours, &[]).await
    }

    /// Sets in it that are not the run's.
    ///
    /// # Errors
    ///
    /// They may not be listed.
    pub async fn others(
        &self,
        client: &Client,
        target: &Target,
    ) -> Result<Vec<String>, kube::Error> {
        let sets: Api<DynamicObject> =
            Api::namespaced_with(client.clone(), &self.namespace, &target.api);
        let params = ListParams::default().labels(&format!("{RUN}!={}", self.run));
        let list = sets.list_metadata(&params).await?;
        Ok(list.items.iter().map(|set| set.name_any()).collect())
    }

    /// The fence around the run.
    pub fn fence(&self) -> Fence {
        Fence::new(&self.namespace, &self.run, self.expires)
    }
}

impl Lodging {
    /// A place for a scenario with these sentences.
    pub fn new(
        client: &Client,
        clock: Clock,
        capabilities: Capabilities,
        room: &Room,
        newcomer: Newcomer,
        sentences: impl Iterator<Item = String>,
    ) -> Self {
        let fence = room.fence();
        Self {
            client: fence.client(client.clone()),
            plain: client.clone(),
            clock,
            capabilities,
            fence,
            namespace: room.namespace.clone(),
            run: room.run.clone(),
            newcomer,
            words: words(sentences),
        }
    }

    async fn begin(&self, name: &str) -> Result<(), String> {
        if name != self.namespace {
            return Err(format!(
                "the run keeps to the namespace {:?}",
                self.namespace
            ));
        }
        // What an earlier scenario could not remove goes now or is in the way.
        self.sweep().await?;
        let there = listed(&self.plain, name, "").await?;
        if let Some(((.., plural), theirs)) = there
            .iter()
            .find(|((.., plural), theirs)| collides(plural, theirs, &self.words))
        {
            return Err(format!(
                "{plural} {:?} is there, which is not the run's and would be in the way",
                theirs.name_any()
            ));
        }
        self.fence.learn(Strangers {
            uids: there
                .iter()
                .filter_map(|(_, object)| object.uid())
                .collect(),
            names: there
                .iter()
                .map(|((.., plural), object)| ((*plural).to_owned(), object.name_any()))
                .collect(),
        });
        (self.newcomer)(name);
        Ok(())
    }

    /// Removes what the scenario made, but for the lock.
    async fn sweep(&self) -> Result<(), String> {
        let left = sweep(
            &self.client,
            &self.plain,
            &self.namespace,
            &format!("{RUN}={}", self.run),
            &[LOCK],
        )
        .await;
        match left.is_empty() {
            true => Ok(()),
            false => Err(left.join("; ")),
        }
    }

    /// What was told of objects with these UIDs, which are the scenario's, is nobody else's. What was told of those that
    /// went before stays until it expires.
    async fn forget_events(&self, uids: &BTreeSet<String>) {
        let events = api(&self.client, &self.namespace, ("", "Event", "events"));
        let Ok(list) = events.list(&ListParams::default()).await else {
            return;
        };
        let ours = list.items.iter().filter(|event| {
            let about = event.data["involvedObject"]["uid"].as_str();
            about.is_some_and(|uid| uids.contains(uid))
        });
        join_all(ours.map(|event| {
            let (events, name) = (events.clone(), event.name_any());
            let params = DeleteParams::default().preconditions(Preconditions {
                uid: event.uid(),
                resource_version: None,
            });
            async move { events.delete(&name, &params).await }
        }))
        .await;
    }
}

impl Cluster for Lodging {
    fn client(&self) -> Client {
        self.client.clone()
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn clock(&self) -> Clock {
        self.clock
    }

    fn strangers(&self) -> BTreeSet<String> {
        self.fence.strangers().uids
    }

    fn make_namespace<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), String>> {
        self.begin(name).boxed()
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        async {
            let selector = format!("{RUN}={}", self.run);
            let ours = listed(&self.client, &self.namespace, &selector).await;
            let ours = ours.unwrap_or_default();
            let uids = ours.iter().filter_map(|(_, object)| object.uid()).collect();
            // What does not go now is asked again before the next scenario, and at the end of the run.
            let _ = self.sweep().await;
            self.forget_events(&uids).await;
        }
        .boxed()
    }
}

/// Removes what bears a label from a namespace, what that owns, and the volumes that were made for it, and waits until it
/// is gone. What did not go, in words. `wide` reaches beyond the namespace.
pub(super) async fn sweep(
    client: &Client,
    wide: &Client,
    namespace: &str,
    selector: &str,
    spared: &[&str],
) -> Vec<String> {
    let mut left = Vec::new();
    let mut volumes = BTreeMap::new();
    for _ in 0..ROUNDS {
        let mut ours = match listed(client, namespace, selector).await {
            Ok(ours) => ours,
            Err(why) => return vec![why],
        };
        ours.retain(|(_, object)| !spared.contains(&object.name_any().as_str()));
        if ours.is_empty() {
            return kept(wide, &volumes).await;
        }
        volumes.extend(ours.iter().filter_map(|(_, object)| volume_of(object)));
        left = join_all(
            ours.iter()
                .map(|(sort, object)| end(client, namespace, *sort, object)),
        )
        .await
        .into_iter()
        .flatten()
        .collect();
        if !left.is_empty() {
            return left;
        }
    }
    if left.is_empty() {
        left.push(format!(
            "namespace {namespace}: somebody goes on making what is removed"
        ));
    }
    left
}

/// The name of a claim's volume, and the UID of the claim.
fn volume_of(claim: &DynamicObject) -> Option<(String, String)> {
    let volume = claim.data["spec"]["volumeName"].as_str()?;
    Some((volume.to_owned(), claim.uid()?))
}

/// Removes the volumes of claims that are gone which their class keeps. What did not go, in words. Whoever may not look at
/// volumes has none to remove.
async fn kept(client: &Client, volumes: &BTreeMap<String, String>) -> Vec<String> {
    if volumes.is_empty() {
        return Vec::new();
    }
    let api: Api<PersistentVolume> = Api::all(client.clone());
    let Ok(list) = api.list(&ListParams::default()).await else {
        return Vec::new();
    };
    let is_ours = |volume: &PersistentVolume| {
        let spec = volume.spec.as_ref();
        let claim = spec.and_then(|spec| spec.claim_ref.as_ref()?.uid.as_ref());
        let is_kept = spec
            .is_some_and(|spec| spec.persistent_volume_reclaim_policy.as_deref() == Some("Retain"));
        is_kept && claim.is_some() && volumes.get(&volume.name_any()) == claim
    };
    let each = list.items.into_iter().filter(is_ours).map(|volume| {
        let api = api.clone();
        async move {
            let name = &volume.name_any();
            let uid = volume.uid()?;
            let params = DeleteParams::default().preconditions(Preconditions {
                uid: Some(uid.clone()),
                resource_version: None,
            });
            let why = match api.delete(name, &params).await {
                Ok(_) => match timeout(EMPTIED, await_condition(api, name, is_deleted(&uid))).await
                {
                    Ok(Ok(_)) => return None,
                    _ => "it is still there".to_owned(),
                },
                Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => return None,
                Err(error) => chain(&error),
            };
            Some(format!("volume {name}: {why}"))
        }
    });
    join_all(each).await.into_iter().flatten().collect()
}

/// Removes what runs have left in a namespace that was there before; labels say what that is. What was removed, what was
/// left alone because it was not chosen, and what did not go, in words.
pub async fn clean_room(
    client: &Client,
    namespace: &str,
    choice: &Choice,
) -> (Vec<Found>, Vec<Found>, Vec<String>) {
    let mut runs: BTreeMap<String, i64> = BTreeMap::new();
    let there = match listed(client, namespace, RUN).await {
        Ok(there) => there,
        Err(why) => return (Vec::new(), Vec::new(), vec![why]),
    };
    for (_, object) in there {
        let label = |name: &str| object.labels().get(name).cloned();
        if let (Some(run), Some(expires)) = (label(RUN), label(EXPIRES)) {
            runs.insert(run, expires.parse().unwrap_or(i64::MAX));
        }
    }
    let (mut removed, mut left, mut stuck) = (Vec::new(), Vec::new(), Vec::new());
    for (run, expires) in runs {
        let found = Found {
            namespace: namespace.to_owned(),
            run,
            expires,
            uid: String::new(),
        };
        if !choice.takes(&found) {
            left.push(found);
            continue;
        }
        let ours = format!("{RUN}={}", found.run);
        let trouble = sweep(client, client, namespace, &ours, &[]).await;
        match trouble.is_empty() {
            true => removed.push(found),
            false => stuck.extend(trouble),
        }
    }
    (removed, left, stuck)
}

async fn end(
    client: &Client,
    namespace: &str,
    sort: Sort,
    object: &DynamicObject,
) -> Option<String> {
    let (.., plural) = sort;
    let (api, name, uid) = (
        api(client, namespace, sort),
        object.name_any(),
        object.uid()?,
    );
    let params = DeleteParams {
        // Some pods would take an hour to end.
        grace_period_seconds: (plural == "pods").then_some(1),
        preconditions: Some(Preconditions {
            uid: Some(uid.clone()),
            resource_version: None,
        }),
        ..DeleteParams::background()
    };
    // These go with what they are made for.
    let follows = matches!(plural, "replicasets" | "endpointslices");
    let asked = if follows {
        Ok(())
    } else {
        api.delete(&name, &params).await.map(drop)
    };
    match asked {
        Ok(()) => {}
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => return None,
        Err(error) => return Some(format!("{plural} {name} of {namespace}: {}", chain(&error))),
    }
    unhold(&api, &object.metadata).await;
    match timeout(EMPTIED, await_condition(api, &name, is_deleted(&uid))).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(format!("{plural} {name} of {namespace}: {error}")),
        Err(_) => Some(format!(
            "{plural} {name} of {namespace}: it is still there after {} s",
            EMPTIED.as_secs()
        )),
    }
}

/// What sentences call sets and pods, without ordinals; and what every scenario may make.
fn words(sentences: impl Iterator<Item = String>) -> BTreeSet<String> {
    let mut words: BTreeSet<String> = ["web", "nginx", "client", "limit"]
        .map(str::to_owned)
        .into();
    for sentence in sentences {
        let quoted = sentence.split('"').skip(1).step_by(2);
        let names = quoted.filter(|text| {
            !text.is_empty()
                && text
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        });
        words.extend(names.map(|name| {
            let (set, ordinal) = name.rsplit_once('-').unwrap_or((name, ""));
            match ordinal.chars().all(|c| c.is_ascii_digit()) && !ordinal.is_empty() {
                true => set.to_owned(),
                false => name.to_owned(),
            }
        }));
    }
    words
}

/// The name is one of these, or made of one as those of pods, claims and revisions are.
fn is_named_after(name: &str, words: &BTreeSet<String>) -> bool {
    let parts = format!("-{name}-");
    words
        .iter()
        .any(|word| parts.contains(&format!("-{word}-")))
}

/// An object that is not the run's and would have a part in the scenario: by its name or, what selects pods, by that.
fn collides(plural: &str, theirs: &DynamicObject, words: &BTreeSet<String>) -> bool {
    let part = matches!(
        plural,
        "statefulsets" | "pods" | "persistentvolumeclaims" | "services" | "controllerrevisions"
    );
    let app = |labels: &serde_json::Value| {
        labels["app"]
            .as_str()
            .is_some_and(|app| words.contains(app))
    };
    let spec = &theirs.data["spec"];
    let selects = match plural {
        "services" => app(&spec["selector"]),
        "pods" => false,
        _ => app(&spec["selector"]["matchLabels"]),
    };
    let bears = plural == "pods"
        && theirs
            .labels()
            .get("app")
            .is_some_and(|app| words.contains(app));
    (part && is_named_after(&theirs.name_any(), words)) || selects || bears
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_sentences_name_is_what_may_not_be_there() {
        let sentences = [
            "Given pod \"db-1\" is there".to_owned(),
            "And \"front\" is \"not a name\" of \"controller-revision-hash\"".to_owned(),
        ];
        let words = words(sentences.into_iter());
        for (name, is_so) in [
            ("db", true),
            ("db-1", true),
            ("data-db-0", true),
            ("front", true),
            ("web-5d4f", true),
            ("cluster-web", true),
            ("website", false),
            ("mydb", false),
        ] {
            assert_eq!(is_named_after(name, &words), is_so, "{name}");
        }
    }

    #[test]
    fn what_others_have_is_in_the_way_only_if_it_would_have_a_part() {
        let words: BTreeSet<String> = ["web".to_owned()].into();
        let object = |name: &str, labels: Value, spec: Value| -> DynamicObject {
            serde_json::from_value(
                json!({ "metadata": { "name": name, "labels": labels }, "spec": spec }),
            )
            .expect("an object")
        };
        let none = json!({});
        for (plural, theirs, is_so) in [
            (
                "statefulsets",
                object("web", none.clone(), none.clone()),
                true,
            ),
            (
                "statefulsets",
                object(
                    "shop",
                    none.clone(),
                    json!({ "selector": { "matchLabels": { "app": "shop" } } }),
                ),
                false,
            ),
            (
                "pods",
                object("shop-0", json!({ "app": "web" }), none.clone()),
                true,
            ),
            (
                "services",
                object(
                    "shop",
                    none.clone(),
                    json!({ "selector": { "app": "web" } }),
                ),
                true,
            ),
            (
                "poddisruptionbudgets",
                object(
                    "shop",
                    none.clone(),
                    json!({ "selector": { "matchLabels": { "app": "web" } } }),
                ),
                true,
            ),
            (
                "events",
                object("web-0.17", none.clone(), none.clone()),
                false,
            ),
            ("configmaps", object("web", none.clone(), none), false),
        ] {
            assert_eq!(
                collides(plural, &theirs, &words),
                is_so,
                "{plural} {}",
                theirs.name_any()
            );
        }
    }
}
