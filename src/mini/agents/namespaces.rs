//! The namespaces' agent: empties a namespace that is being deleted, then lets it go.

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::{
    api::core::v1::{Namespace, NamespaceCondition},
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::{
    Api,
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams},
};
use serde_json::json;

use super::{
    Change, Context, Error, Informer, Key, doing, is_gone,
    kinds::{EVENTS, KINDS, Kind, follow},
    queue::{Agent, Queue, work},
    start::Starting,
};

/// The finalizer in a namespace's specification that this agent takes away.
const FINALIZER: &str = "kubernetes";

struct Namespaces {
    context: Context,
    namespaces: Informer<Namespace>,
}

/// Runs the agent; never ends.
pub(super) async fn run(context: Context, starting: Starting) {
    let queue: Queue<String> = Queue::default();
    let agent = Namespaces {
        namespaces: context.informers.of(),
        context: context.clone(),
    };
    let line = queue.clone();
    agent.namespaces.listen(move |change: &Change<Namespace>| {
        if change.new.as_deref().is_some_and(is_terminating) {
            line.add(change.key.name.clone());
        }
    });
    let line = queue.clone();
    let namespaces = agent.namespaces.clone();
    let noting = move |kind: &'static Kind, key: &Key, _: Option<&_>, new: Option<&_>| {
        let namespace = Key::new("", key.namespace.as_str());
        let gone = kind.namespaced && new.is_none();
        if gone
            && namespaces
                .get(&namespace)
                .is_some_and(|found| is_terminating(&found))
        {
            line.add(namespace.name);
        }
    };
    agent.namespaces.synced().await;
    follow(&context, Arc::new(noting)).await;
    drop(starting);
    work(agent, queue).await;
}

fn is_terminating(namespace: &Namespace) -> bool {
    namespace.metadata.deletion_timestamp.is_some()
}

/// What is left of one kind in a namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rest {
    /// `pods.` or `statefulsets.apps`.
    pub resource: String,
    /// How many objects.
    pub count: usize,
    /// How many of them have which finalizer.
    pub finalizers: BTreeMap<String, usize>,
}

/// The conditions of a namespace in which that much is left.
pub fn conditions(rest: &[Rest]) -> Vec<NamespaceCondition> {
    let condition = |kind: &str, holds: bool, reason: &str, message: String| NamespaceCondition {
        type_: kind.to_owned(),
        status: if holds { "True" } else { "False" }.to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message),
        last_transition_time: None,
    };
    let remaining: Vec<_> = rest
        .iter()
        .map(|rest| format!("{} has {} resource instances", rest.resource, rest.count))
        .collect();
    let mut finalizers: BTreeMap<&String, usize> = BTreeMap::new();
    for (name, count) in rest.iter().flat_map(|rest| &rest.finalizers) {
        *finalizers.entry(name).or_default() += count;
    }
    let held: Vec<_> = finalizers
        .iter()
        .map(|(name, count)| format!("{name} in {count} resource instances"))
        .collect();
    vec![
        condition(
            "NamespaceDeletionDiscoveryFailure",
            false,
            "ResourcesDiscovered",
            "All resources successfully discovered".to_owned(),
        ),
        condition(
            "NamespaceDeletionGroupVersionParsingFailure",
            false,
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed".to_owned(),
        ),
        condition(
            "NamespaceDeletionContentFailure",
            false,
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization".to_owned(),
        ),
        match remaining.is_empty() {
            true => condition(
                "NamespaceContentRemaining",
                false,
                "ContentRemoved",
                "All content successfully removed".to_owned(),
            ),
            false => condition(
                "NamespaceContentRemaining",
                true,
                "SomeResourcesRemain",
                format!("Some resources are remaining: {}", remaining.join(", ")),
            ),
        },
        match held.is_empty() {
            true => condition(
                "NamespaceFinalizersRemaining",
                false,
                "ContentHasNoFinalizers",
                "All content-preserving finalizers finished".to_owned(),
            ),
            false => condition(
                "NamespaceFinalizersRemaining",
                true,
                "SomeFinalizersRemain",
                format!(
                    "Some content in the namespace has finalizers remaining: {}",
                    held.join(", ")
                ),
            ),
        },
    ]
}

impl Namespaces {
    /// Deletes all objects of a kind, and says what is left of them.
    async fn empty(&self, namespace: &str, kind: &Kind) -> Result<Option<Rest>, Error> {
        let resource = kind.resource();
        let client = self.context.client.clone();
        let api = Api::<DynamicObject>::namespaced_with(client, namespace, &resource);
        let all = ListParams::default();
        let what = || format!("empty namespace {namespace} of {}", kind.plural);
        let there = match api.list_metadata(&all).await {
            // The API server does not serve this kind.
            Err(error) if is_gone(&error) => return Ok(None),
            other => other.map_err(doing(what()))?,
        };
        if there.items.is_empty() {
            return Ok(None);
        }
        let fresh = there
            .iter()
            .any(|object| object.metadata.deletion_timestamp.is_none());
        let left = match fresh {
            false => there,
            true => {
                let background = DeleteParams::background();
                api.delete_collection(&background, &all)
                    .await
                    .map_err(doing(what()))?;
                api.list_metadata(&all).await.map_err(doing(what()))?
            }
        };
        let mut rest = Rest {
            resource: format!("{}.{}", resource.plural, resource.group),
            count: left.items.len(),
            finalizers: BTreeMap::new(),
        };
        for name in left
            .iter()
            .flat_map(|object| object.metadata.finalizers.iter().flatten())
        {
            *rest.finalizers.entry(name.clone()).or_default() += 1;
        }
        Ok((rest.count > 0).then_some(rest))
    }

    /// Writes the conditions if they say something else than before.
    async fn tell(&self, namespace: &Namespace, rest: &[Rest]) -> Result<(), Error> {
        let status = namespace.status.as_ref();
        let known = status
            .and_then(|status| status.conditions.clone())
            .unwrap_or_default();
        let mut changed = false;
        let mut conditions = conditions(rest);
        for condition in &mut conditions {
            let before = known.iter().find(|known| known.type_ == condition.type_);
            let since = before.filter(|before| before.status == condition.status);
            condition.last_transition_time = since
                .and_then(|before| before.last_transition_time.clone())
                .or_else(|| Some(Time(self.context.clock.now())));
            changed |= before != Some(condition);
        }
        if !changed {
            return Ok(());
        }
        let name = namespace.metadata.name.clone().unwrap_or_default();
        let patch = Patch::Merge(json!({"status": {"conditions": conditions}}));
        let api = Api::<Namespace>::all(self.context.client.clone());
        match api
            .patch_status(&name, &PatchParams::default(), &patch)
            .await
        {
            Err(error) if is_gone(&error) => {}
            other => self
                .namespaces
                .learn(&other.map_err(doing(format!("set the status of namespace {name}")))?),
        }
        Ok(())
    }

    async fn let_go(&self, name: &str, mut namespace: Namespace) -> Result<(), Error> {
        let spec = namespace.spec.get_or_insert_default();
        spec.finalizers
            .get_or_insert_default()
            .retain(|finalizer| finalizer != FINALIZER);
        let api = Api::<Namespace>::all(self.context.client.clone());
        let done = api
            .replace_subresource("finalize", name, &PostParams::default(), &namespace)
            .await;
        match done {
            Err(error) if is_gone(&error) => Ok(()),
            other => other
                .map(drop)
                .map_err(doing(format!("finalize namespace {name}"))),
        }
    }
}

impl Agent for Namespaces {
    type Key = String;

    async fn sync(&self, name: &String) -> Result<(), Error> {
        let Some(namespace) = self.namespaces.get(&Key::new("", name.as_str())) else {
            return Ok(());
        };
        let spec = namespace.spec.as_ref();
        let mut finalizers = spec
            .into_iter()
            .flat_map(|spec| spec.finalizers.iter().flatten());
        if !is_terminating(&namespace) || !finalizers.any(|finalizer| finalizer == FINALIZER) {
            return Ok(());
        }
        let mut rest = Vec::new();
        for kind in KINDS.iter().chain([&EVENTS]).filter(|kind| kind.namespaced) {
            rest.extend(self.empty(name, kind).await?);
        }
        match rest.is_empty() {
            true => self.let_go(name, (*namespace).clone()).await,
            false => self.tell(&namespace, &rest).await,
        }
    }
}
