//! Pods: how one is built, and what of a live one is kept right.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimVolumeSource, Pod, Volume,
};
use kube::api::ObjectMeta;

use super::{
    claim::{self, Naming, Needs, References, names, template_name},
    revision::Revision,
    set::Set,
};
use crate::sets::{Ordinal, POD_INDEX_LABEL, POD_NAME_LABEL, REVISION_LABEL, ordinal_of, pod_name};

/// The longest name that the API takes.
const NAME_BYTES_MAX: usize = 253;

/// The pod of an ordinal, from a revision's template.
pub fn build(set: &Set, revision: &Revision, ordinal: Ordinal, naming: Naming) -> Pod {
    let template = revision.template.clone();
    let meta = template.metadata.unwrap_or_default();
    let name = pod_name(set.name(), ordinal);
    let mut labels = meta.labels.unwrap_or_default();
    labels.insert(POD_NAME_LABEL.to_owned(), name.clone());
    labels.insert(POD_INDEX_LABEL.to_owned(), ordinal.to_string());
    labels.insert(REVISION_LABEL.to_owned(), revision.name.clone());
    let mut spec = template.spec.unwrap_or_default();
    spec.hostname = Some(name.clone());
    spec.subdomain = set
        .spec
        .service_name
        .clone()
        .filter(|name| !name.is_empty());
    spec.volumes = volumes(set, ordinal, naming, spec.volumes);
    Pod {
        metadata: ObjectMeta {
            name: Some(name),
            generate_name: Some(prefix(set.name())),
            namespace: set.meta.namespace.clone(),
            labels: Some(labels),
            annotations: meta.annotations,
            finalizers: meta.finalizers,
            owner_references: Some(vec![set.owner_reference()]),
            ..ObjectMeta::default()
        },
        spec: Some(spec),
        status: None,
    }
}

fn prefix(set: &str) -> String {
    if set.len() < NAME_BYTES_MAX {
        format!("{set}-")
    } else {
        set.to_owned()
    }
}

/// The claims' volumes in the order of their templates, then those whose names no claim takes.
fn volumes(
    set: &Set,
    ordinal: Ordinal,
    naming: Naming,
    others: Option<Vec<Volume>>,
) -> Option<Vec<Volume>> {
    let templates = set.claim_templates();
    let is_free = |volume: &Volume| {
        let taken = |template: &&_| template_name(template) == volume.name;
        !templates.iter().any(taken)
    };
    let claimed = templates.iter().map(|template| Volume {
        name: template_name(template).to_owned(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: naming(template_name(template), set.name(), ordinal),
            read_only: None,
        }),
        ..Volume::default()
    });
    let others = others.into_iter().flatten().filter(is_free);
    let volumes: Vec<_> = claimed.chain(others).collect();
    (!volumes.is_empty()).then_some(volumes)
}

/// Its name, and the label with its name, are those of a pod of the set. Index label, hostname, subdomain and template
/// are not looked at.
fn has_identity(set: &Set, pod: &Pod) -> bool {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let labels = pod.metadata.labels.as_ref();
    let is_ordinals = ordinal_of(set.name(), name)
        .is_some_and(|ordinal| ordinal >= 0 && pod_name(set.name(), ordinal) == name);
    is_ordinals
        && pod.metadata.namespace == set.meta.namespace
        && labels
            .and_then(|labels| labels.get(POD_NAME_LABEL))
            .map(String::as_str)
            == Some(name)
}

/// It has a volume for each claim template, pointing to the right claim.
fn has_storage(set: &Set, pod: &Pod, ordinal: Ordinal, naming: Naming) -> bool {
    let spec = pod.spec.as_ref();
    let volumes = spec
        .and_then(|spec| spec.volumes.as_deref())
        .unwrap_or_default();
    set.claim_templates().into_iter().all(|template| {
        let claim = naming(template_name(template), set.name(), ordinal);
        volumes.iter().any(|volume| {
            let source = volume.persistent_volume_claim.as_ref();
            volume.name == template_name(template)
                && source.is_some_and(|source| source.claim_name == claim)
        })
    })
}

/// What makes a live pod right again.
#[derive(Clone, Debug, PartialEq)]
pub struct Repair {
    /// The pod as it shall be.
    pub pod: Pod,
    /// Claims to create first, if its volumes had to be changed.
    pub needs: Needs,
    /// Owners of its claims to put right.
    pub references: References,
}

/// Decides on a live pod: nothing if identity, storage and the owners of its claims are right. `known` looks a claim
/// up by its name.
pub fn repair<'a>(
    set: &Set,
    pod: &Pod,
    ordinal: Ordinal,
    naming: Naming,
    known: impl Fn(&str) -> Option<&'a Arc<PersistentVolumeClaim>>,
) -> Option<Repair> {
    let has_identity = has_identity(set, pod);
    let has_storage = has_storage(set, pod, ordinal, naming);
    let claims = names(set, ordinal, naming);
    let claims: Vec<_> = claims.iter().filter_map(|name| known(name)).collect();
    let has_owners = claims
        .iter()
        .all(|claim| claim::is_up_to_date(set, pod, ordinal, claim));
    if has_identity && has_storage && has_owners {
        return None;
    }
    let mut repaired = pod.clone();
    if !has_identity {
        let name = pod_name(set.name(), ordinal);
        let labels = repaired.metadata.labels.get_or_insert_default();
        labels.insert(POD_NAME_LABEL.to_owned(), name.clone());
        labels.insert(POD_INDEX_LABEL.to_owned(), ordinal.to_string());
        repaired.metadata.name = Some(name);
        repaired.metadata.namespace = set.meta.namespace.clone();
    }
    let mut needs = Needs::default();
    if !has_storage {
        let spec = repaired.spec.get_or_insert_default();
        spec.volumes = volumes(set, ordinal, naming, spec.volumes.take());
        needs = claim::needs(set, ordinal, naming, &known);
    }
    let references = if has_owners {
        References::default()
    } else {
        claim::references(set, pod, ordinal, claims)
    };
    Some(Repair {
        pod: repaired,
        needs,
        references,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{controller::set::tests::set, sets::claim_name};

    fn with_claims(more: Value) -> Set {
        let mut spec = json!({"volumeClaimTemplates": [{"metadata": {"name": "www"}}, {"metadata": {"name": "log"}}]});
        json_patch::merge(&mut spec, &more);
        set(spec)
    }

    fn revision(template: Value) -> Revision {
        Revision {
            name: "web-5".to_owned(),
            template: serde_json::from_value(template).expect("a template"),
        }
    }

    fn built(set: &Set, ordinal: Ordinal) -> Pod {
        let template = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": []}});
        build(set, &revision(template), ordinal, claim_name)
    }

    #[test]
    fn a_pod_is_its_template_with_the_sets_identity_and_claims() {
        let template = json!({
            "metadata": {
                "name": "x", "namespace": "y", "generateName": "z",
                "labels": {"app": "web", POD_NAME_LABEL: "liar", POD_INDEX_LABEL: "9", REVISION_LABEL: "liar"},
                "annotations": {"a": "b"}, "finalizers": ["example.com/hold"],
            },
            "spec": {
                "hostname": "liar", "subdomain": "liar", "containers": [{"name": "c"}],
                "volumes": [{"name": "www", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}],
            },
        });
        let pod = build(&with_claims(json!({})), &revision(template), 2, claim_name);
        let claim = |name: &str| json!({"name": name, "persistentVolumeClaim": {"claimName": format!("{name}-web-2")}});
        assert_eq!(
            serde_json::to_value(pod).expect("a pod"),
            json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {
                    "name": "web-2", "generateName": "web-", "namespace": "default",
                    "labels": {"app": "web", POD_NAME_LABEL: "web-2", POD_INDEX_LABEL: "2", REVISION_LABEL: "web-5"},
                    "annotations": {"a": "b"}, "finalizers": ["example.com/hold"],
                    "ownerReferences": [{
                        "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": "set-uid",
                        "controller": true, "blockOwnerDeletion": true,
                    }],
                },
                "spec": {
                    "hostname": "web-2", "subdomain": "nginx", "containers": [{"name": "c"}],
                    "volumes": [claim("www"), claim("log"), {"name": "tmp", "emptyDir": {}}],
                },
            })
        );
    }

    #[test]
    fn without_a_service_name_a_pod_has_no_subdomain() {
        let pod = built(&set(json!({"serviceName": ""})), 0);
        assert_eq!(pod.spec.expect("a spec").subdomain, None);
    }

    #[test]
    fn a_pod_as_built_needs_no_repair() {
        let set = with_claims(json!({}));
        assert_eq!(repair(&set, &built(&set, 1), 1, claim_name, |_| None), None);
    }

    #[test]
    fn a_lost_name_label_comes_back_and_brings_the_index_along() {
        let set = with_claims(json!({}));
        let mut pod = built(&set, 1);
        let labels = pod.metadata.labels.as_mut().expect("labels");
        labels.remove(POD_INDEX_LABEL);
        assert_eq!(
            repair(&set, &pod, 1, claim_name, |_| None),
            None,
            "the index alone is not missed"
        );
        pod.metadata
            .labels
            .as_mut()
            .expect("labels")
            .remove(POD_NAME_LABEL);
        let repair = repair(&set, &pod, 1, claim_name, |_| None).expect("a repair");
        assert_eq!(repair.pod.metadata.labels, built(&set, 1).metadata.labels);
        assert!(repair.needs.is_empty() && repair.references.is_empty());
    }

    #[test]
    fn a_padded_name_is_no_identity() {
        let set = set(json!({}));
        let mut pod = built(&set, 0);
        pod.metadata.name = Some("web-00".to_owned());
        let repair = repair(&set, &pod, 0, claim_name, |_| None).expect("a repair");
        assert_eq!(repair.pod.metadata.name.as_deref(), Some("web-0"));
    }

    #[test]
    fn a_pod_without_the_volume_of_a_new_claim_template_gets_it() {
        let pod = built(&set(json!({})), 1);
        let set = with_claims(json!({}));
        let repair = repair(&set, &pod, 1, claim_name, |_| None).expect("a repair");
        assert_eq!(repair.needs.missing.len(), 2);
        assert_eq!(repair.pod.spec, built(&set, 1).spec);
    }
}
