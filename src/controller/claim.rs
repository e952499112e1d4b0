//! Claims: their names, their birth, and who owns them under the retention policy.

use std::sync::Arc;

use k8s_openapi::{
    api::core::v1::{PersistentVolumeClaim, Pod},
    apimachinery::pkg::apis::meta::v1::OwnerReference,
};

use super::set::Set;
use crate::sets::{Ordinal, ordinal_of};

/// How a claim is named after template, set and ordinal: [`crate::sets::claim_name`].
pub type Naming = fn(&str, &str, Ordinal) -> String;

/// The name of a claim template.
pub fn template_name(template: &PersistentVolumeClaim) -> &str {
    template.metadata.name.as_deref().unwrap_or_default()
}

/// The names of an ordinal's claims, in the order of the templates.
pub fn names(set: &Set, ordinal: Ordinal, naming: Naming) -> Vec<String> {
    let templates = set.claim_templates().into_iter();
    templates
        .map(|template| naming(template_name(template), set.name(), ordinal))
        .collect()
}

/// Whether a claim of that name belongs to a pod that the set wants.
pub fn is_of_range(set: &Set, claim: &str) -> bool {
    set.claim_templates().into_iter().any(|template| {
        let prefix = format!("{}-{}", template_name(template), set.name());
        ordinal_of(&prefix, claim).is_some_and(|ordinal| set.range().contains(&ordinal))
    })
}

/// The claim of a template for an ordinal: the template, the name, the set's namespace, and the labels that the
/// selector asks for. It has no owner at birth.
pub fn build(
    set: &Set,
    template: &PersistentVolumeClaim,
    ordinal: Ordinal,
    naming: Naming,
) -> PersistentVolumeClaim {
    let mut claim = template.clone();
    claim.metadata.name = Some(naming(template_name(template), set.name(), ordinal));
    claim.metadata.namespace = set.meta.namespace.clone();
    if let Some(labels) = &set.spec.selector.match_labels {
        let claimed = claim.metadata.labels.get_or_insert_default();
        claimed.extend(labels.clone());
    }
    claim
}

/// Who shall own a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Nobody,
    Set,
    Pod,
}

fn owner(set: &Set, ordinal: Ordinal) -> Owner {
    let retention = set.retention();
    match (retention.delete_with_pod, set.range().contains(&ordinal)) {
        (true, false) => Owner::Pod,
        _ if retention.delete_with_set => Owner::Set,
        _ => Owner::Nobody,
    }
}

/// What a reference of a claim names.
struct Named<'a> {
    set: OwnerReference,
    pod: OwnerReference,
    claim: &'a PersistentVolumeClaim,
}

impl<'a> Named<'a> {
    fn new(set: &Set, pod: &Pod, claim: &'a PersistentVolumeClaim) -> Self {
        Self {
            set: set.owner_reference(),
            pod: pod_reference(pod),
            claim,
        }
    }

    fn references(&self) -> &'a [OwnerReference] {
        let references = self.claim.metadata.owner_references.as_deref();
        references.unwrap_or_default()
    }

    /// The set or the pod by its name, whatever the UID.
    fn by_name(&self, reference: &OwnerReference) -> Option<&OwnerReference> {
        let names = |owner: &&OwnerReference| {
            owner.api_version == reference.api_version
                && owner.kind == reference.kind
                && owner.name == reference.name
        };
        [&self.set, &self.pod].into_iter().find(names)
    }

    /// It names the set or the pod, but another object of that name. A pod still to be created has no UID.
    fn is_stale(&self, reference: &OwnerReference) -> bool {
        self.by_name(reference)
            .is_some_and(|owner| owner.uid != reference.uid)
    }

    fn owns(&self, owner: &OwnerReference) -> Option<&'a OwnerReference> {
        let mut references = self.references().iter();
        references.find(|reference| !owner.uid.is_empty() && reference.uid == owner.uid)
    }

    fn has_unexpected_controller(&self, set: &Set) -> bool {
        let retention = set.retention();
        if !retention.delete_with_pod && !retention.delete_with_set {
            return false;
        }
        self.references().iter().any(|reference| {
            let is_ours = [&self.set, &self.pod]
                .into_iter()
                .any(|owner| !owner.uid.is_empty() && reference.uid == owner.uid);
            self.is_stale(reference) || (!is_ours && reference.controller == Some(true))
        })
    }

    fn is_up_to_date(&self, set: &Set, ordinal: Ordinal) -> bool {
        if self
            .references()
            .iter()
            .any(|reference| self.is_stale(reference))
        {
            return true;
        }
        let (of_set, of_pod) = (self.owns(&self.set), self.owns(&self.pod));
        if self.has_unexpected_controller(set) {
            return of_set.is_none() && of_pod.is_none();
        }
        let mut ours = of_set.into_iter().chain(of_pod);
        if ours.any(|reference| reference.controller != Some(true)) {
            return false;
        }
        let wanted = owner(set, ordinal);
        of_set.is_some() == (wanted == Owner::Set) && of_pod.is_some() == (wanted == Owner::Pod)
    }
}

/// The controller reference that names a pod.
fn pod_reference(pod: &Pod) -> OwnerReference {
    OwnerReference {
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        name: pod.metadata.name.clone().unwrap_or_default(),
        uid: pod.metadata.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// Whether a claim's owners are those that the policy asks for, or are none of the controller's business.
pub fn is_up_to_date(
    set: &Set,
    pod: &Pod,
    ordinal: Ordinal,
    claim: &PersistentVolumeClaim,
) -> bool {
    Named::new(set, pod, claim).is_up_to_date(set, ordinal)
}

/// What has to be done about the owners of a pod's claims.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct References {
    /// Claims with the owners that they shall have.
    pub updates: Vec<PersistentVolumeClaim>,
    /// Names of claims that somebody else controls: the policy is not applied to them.
    pub conflicts: Vec<String>,
}

impl References {
    /// There is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.updates.is_empty() && self.conflicts.is_empty()
    }
}

/// Decides on the owners of the claims that a pod has.
pub fn references<'a>(
    set: &Set,
    pod: &Pod,
    ordinal: Ordinal,
    claims: impl IntoIterator<Item = &'a Arc<PersistentVolumeClaim>>,
) -> References {
    let mut decided = References::default();
    for claim in claims {
        let named = Named::new(set, pod, claim);
        let is_conflict = named.has_unexpected_controller(set);
        if is_conflict {
            let name = claim.metadata.name.clone();
            decided.conflicts.push(name.unwrap_or_default());
        }
        if named.is_up_to_date(set, ordinal) {
            continue;
        }
        let mut references: Vec<_> = named.references().to_vec();
        references.retain(|reference| named.by_name(reference).is_none());
        let wanted = match owner(set, ordinal) {
            _ if is_conflict => None,
            Owner::Nobody => None,
            Owner::Set => Some(named.set),
            Owner::Pod => Some(named.pod),
        };
        if let Some(wanted) = wanted
            && references
                .iter()
                .all(|reference| reference.uid != wanted.uid)
        {
            references.push(wanted);
        }
        let mut update = PersistentVolumeClaim::clone(claim);
        update.metadata.owner_references = Some(references);
        decided.updates.push(update);
    }
    decided
}

/// Whether a claim still belongs to an earlier pod of the name and is about to go with it.
pub fn is_stale(set: &Set, pod: &Pod, claim: &PersistentVolumeClaim) -> bool {
    let owner = pod_reference(pod);
    let references = claim.metadata.owner_references.as_deref();
    set.retention().delete_with_pod
        && references.unwrap_or_default().iter().any(|reference| {
            reference.api_version == owner.api_version
                && reference.kind == owner.kind
                && reference.name == owner.name
                && reference.uid != owner.uid
        })
}

/// What has to be there before a pod of the ordinal can be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Needs {
    /// Claims to create.
    pub missing: Vec<PersistentVolumeClaim>,
    /// Names of claims that are about to go: nothing can use them.
    pub terminating: Vec<String>,
}

impl Needs {
    /// All claims are there.
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.terminating.is_empty()
    }
}

/// Decides on the claims of an ordinal; `known` looks one up by its name.
pub fn needs<'a>(
    set: &Set,
    ordinal: Ordinal,
    naming: Naming,
    known: impl Fn(&str) -> Option<&'a Arc<PersistentVolumeClaim>>,
) -> Needs {
    let mut needs = Needs::default();
    for template in set.claim_templates() {
        let claim = build(set, template, ordinal, naming);
        let name = claim.metadata.name.clone().unwrap_or_default();
        match known(&name) {
            None => needs.missing.push(claim),
            Some(claim) if claim.metadata.deletion_timestamp.is_some() => {
                needs.terminating.push(name);
            }
            Some(_) => {}
        }
    }
    needs
}

#[cfg(test)]
mod tests;
