//! A Deployment's template: which set has it, what a new one is called, and which revision it is.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        apps::v1::{ReplicaSet, ReplicaSetSpec},
        core::v1::PodTemplateSpec,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::ResourceExt;

use super::{super::controller, plan::Sets};

/// Annotation of a Deployment and its sets: the number of the template.
pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAX: &str = "deployment.kubernetes.io/max-replicas";
const HASH: &str = "pod-template-hash";
/// Annotations that a set does not take over from its Deployment.
const OWN: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "deprecated.deployment.rollback.to",
    REVISION,
    HISTORY,
    DESIRED,
    MAX,
];

/// The set was made from that template.
pub(super) fn is_of(set: &ReplicaSet, template: &PodTemplateSpec) -> bool {
    let mut own = set.spec.template.clone().unwrap_or_default();
    let labels = own
        .metadata
        .get_or_insert_default()
        .labels
        .get_or_insert_default();
    labels.remove(HASH);
    let mut wanted = template.clone();
    wanted
        .metadata
        .get_or_insert_default()
        .labels
        .get_or_insert_default();
    own == wanted
}

pub(super) fn number(annotations: &BTreeMap<String, String>, name: &str) -> i64 {
    annotations
        .get(name)
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

/// Names a template: a 32-bit FNV-1a hash of its JSON, spelled with letters and digits that make no words.
fn hash(template: &PodTemplateSpec, collisions: Option<i32>) -> String {
    const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut bytes = serde_json::to_vec(template).unwrap_or_default();
    bytes.extend(collisions.unwrap_or(0).to_le_bytes());
    let hash = bytes.iter().fold(0x811c_9dc5u32, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    });
    let digits = hash.to_string();
    let letter = |byte: u8| char::from(LETTERS[usize::from(byte) % LETTERS.len()]);
    digits.bytes().map(letter).collect()
}

impl Sets<'_> {
    /// Notes in a set for which size of the Deployment it got its own.
    pub(super) fn mark(&self, set: &mut ReplicaSet) {
        let (surge, _) = self.bounds();
        let annotations = set.metadata.annotations.get_or_insert_default();
        annotations.insert(DESIRED.to_owned(), self.wanted().to_string());
        annotations.insert(MAX.to_owned(), (self.wanted() + surge).to_string());
    }

    /// What the new set is annotated with: the Deployment's annotations, the revision and the revisions it had.
    pub(super) fn annotations(&self) -> BTreeMap<String, String> {
        let mut annotations = match &self.new {
            Some(set) => set.annotations().clone(),
            None => BTreeMap::new(),
        };
        for (key, value) in self.deployment.annotations() {
            if !OWN.contains(&key.as_str()) {
                annotations.insert(key.clone(), value.clone());
            }
        }
        let old = self
            .old
            .iter()
            .map(|set| number(set.annotations(), REVISION));
        let next = old.max().unwrap_or(0) + 1;
        let now = number(&annotations, REVISION);
        if now < next {
            annotations.insert(REVISION.to_owned(), next.to_string());
            if now > 0 {
                let history = annotations.entry(HISTORY.to_owned()).or_default();
                if !history.is_empty() {
                    history.push(',');
                }
                history.push_str(&now.to_string());
            }
        }
        annotations
    }

    /// The revision that the Deployment has to show from now on.
    pub(super) fn revision(&self) -> Option<String> {
        let new = self.new.as_ref()?;
        let revision = new.annotations().get(REVISION)?;
        (self.deployment.annotations().get(REVISION) != Some(revision)).then(|| revision.clone())
    }

    pub(super) fn new_set(
        &self,
        replicas: i32,
        annotations: BTreeMap<String, String>,
    ) -> ReplicaSet {
        let status = self.deployment.status.as_ref();
        let hash = hash(
            &self.spec.template,
            status.and_then(|status| status.collision_count),
        );
        let mut template = self.spec.template.clone();
        let labels = template
            .metadata
            .get_or_insert_default()
            .labels
            .get_or_insert_default();
        labels.insert(HASH.to_owned(), hash.clone());
        let labels = labels.clone();
        let mut selector = self.spec.selector.clone();
        selector
            .match_labels
            .get_or_insert_default()
            .insert(HASH.to_owned(), hash.clone());
        let mut set = ReplicaSet {
            metadata: ObjectMeta {
                name: Some(format!("{}-{hash}", self.deployment.name_any())),
                namespace: self.deployment.namespace(),
                labels: Some(labels),
                annotations: Some(annotations),
                owner_references: controller(self.deployment).map(|owner| vec![owner]),
                ..ObjectMeta::default()
            },
            spec: ReplicaSetSpec {
                min_ready_seconds: self.spec.min_ready_seconds,
                replicas: Some(replicas),
                selector,
                template: Some(template),
            },
            status: None,
        };
        self.mark(&mut set);
        set
    }
}
