//! StatefulSets, their status, and revisions.

use serde_json::{Value, json};

use super::{
    field::{Faults, Field},
    go, metadata, names,
    pod_spec::{self, Owner},
    selector, storage,
};

/// What is checked less strictly of an object that exists already.
#[derive(Clone, Copy, Default)]
struct Tolerance {
    service_name: bool,
    claim_templates: bool,
    template: bool,
    recreate: bool,
}

/// A new set.
pub(super) fn create(set: &Field<'_>, faults: &mut Faults) {
    metadata::create("apps/StatefulSet", set, faults);
    let tolerance = Tolerance {
        recreate: faults.1.recreate,
        ..Tolerance::default()
    };
    spec(&set.get("spec"), tolerance, faults);
}

/// A changed set. What was accepted once, by an older version, is tolerated.
pub(super) fn update(old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    metadata::update("apps/StatefulSet", old, new, faults);
    let (old, new) = (old.get("spec"), new.get("spec"));
    let mut tolerance = Tolerance {
        service_name: true,
        claim_templates: true,
        template: false,
        recreate: faults.1.recreate || old.get("updateStrategy").get("type").is("Recreate"),
    };
    let mut before = Faults::default();
    spec(&old, tolerance, &mut before);
    tolerance.template = !before.0.is_empty();
    spec(&new, tolerance, faults);
    let said = faults.0.len();
    selector::immutable(&old.get("selector"), &new.get("selector"), faults);
    let (claims, before) = (
        new.get("volumeClaimTemplates"),
        old.get("volumeClaimTemplates"),
    );
    if claims.value != before.value {
        faults.invalid_as(&claims, &go::claims(claims.value), "field is immutable");
    }
    for field in ["serviceName", "podManagementPolicy"] {
        let (before, after) = (old.get(field), new.get(field));
        if before.text() != after.text() {
            faults.invalid_value(&after, after.text(), "field is immutable");
        }
    }
    if faults.0.len() > said && faults.1.version < (1, 37) {
        faults.0.truncate(said);
        faults.forbidden(&new, MUTABLE);
    }
}

/// What servers before 1.37 say of a change of any other field.
const MUTABLE: &str = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
    'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

fn spec(spec: &Field<'_>, tolerance: Tolerance, faults: &mut Faults) {
    let policy = spec.get("podManagementPolicy");
    match policy.text() {
        "" => faults.required(&policy, ""),
        "OrderedReady" | "Parallel" => {}
        _ => faults.invalid(&policy, "must be 'OrderedReady' or 'Parallel'"),
    }
    strategy(&spec.get("updateStrategy"), tolerance.recreate, faults);
    let retention = spec.get("persistentVolumeClaimRetentionPolicy");
    if retention.is_set() {
        for field in ["whenDeleted", "whenScaled"] {
            faults.one_of(&retention.get(field), &["Retain", "Delete"]);
        }
    }
    let claims = spec.get("volumeClaimTemplates");
    if !tolerance.claim_templates {
        for claim in claims.items() {
            storage::claim_spec(&claim.get("spec"), faults);
        }
    }
    faults.not_negative(&spec.get("replicas"));
    faults.not_negative(&spec.get("minReadySeconds"));
    faults.not_negative(&spec.get("ordinals").get("start"));
    if !tolerance.service_name {
        faults.name(&spec.get("serviceName"), names::dns_label);
    }
    let empty = "empty selector is invalid for statefulset";
    if let Some(labels) = selector::of_workload(spec, empty, "", faults) {
        let template = spec.get("template");
        selector::template(&template, &labels, faults);
        self::template(spec, tolerance.template, faults);
    }
    let pod = spec.get("template").get("spec");
    faults.one_of(&pod.get("restartPolicy"), &["Always"]);
    if pod.get("activeDeadlineSeconds").is_set() {
        let text = "activeDeadlineSeconds in StatefulSet is not Supported";
        faults.forbidden(&pod.get("activeDeadlineSeconds"), text);
    }
}

fn strategy(strategy: &Field<'_>, recreate: bool, faults: &mut Faults) {
    let block = strategy.get("rollingUpdate");
    match strategy.get("type").text() {
        "" => faults.required(strategy, ""),
        "RollingUpdate" if block.is_set() => rolling_update(&block, faults),
        "RollingUpdate" => {}
        kind @ ("OnDelete" | "Recreate") if kind == "OnDelete" || recreate => {
            if block.is_set() {
                let printed = go::set_rolling_update(block.value);
                let text = "only allowed for updateStrategy 'RollingUpdate'";
                faults.invalid_as(&block, &printed, text);
            }
        }
        _ => {
            let printed = go::set_strategy(strategy.value);
            let text = match recreate {
                true => "must be 'RollingUpdate', 'OnDelete', or 'Recreate'",
                false => "must be 'RollingUpdate' or 'OnDelete'",
            };
            faults.invalid_as(strategy, &printed, text);
        }
    }
}

fn rolling_update(block: &Field<'_>, faults: &mut Faults) {
    faults.not_negative(&block.get("partition"));
    let unavailable = block.get("maxUnavailable");
    if !unavailable.is_set() {
        return;
    }
    count_or_percent(&unavailable, faults);
    if percent_or_count(&unavailable) == 0 {
        faults.invalid(&unavailable, "cannot be 0");
    }
    at_most_all(&unavailable, faults);
}

/// A number that is not negative, or a percentage.
pub(super) fn count_or_percent(field: &Field<'_>, faults: &mut Faults) {
    match field.value {
        Value::String(text) => faults.each(field, names::percent(text)),
        _ => faults.not_negative(field),
    }
}

/// The number, or the percentage's; 0 for a text that is neither.
pub(super) fn percent_or_count(field: &Field<'_>) -> i64 {
    match field.value {
        Value::String(text) => {
            let digits = match names::percent(text) {
                None => text.trim_end_matches('%'),
                Some(_) => text,
            };
            digits.parse().unwrap_or_default()
        }
        _ => field.number(),
    }
}

/// Not more than 100 %.
pub(super) fn at_most_all(field: &Field<'_>, faults: &mut Faults) {
    let is_percent = |text: &str| names::percent(text).is_none();
    if field.value.as_str().is_some_and(is_percent) && percent_or_count(field) > 100 {
        faults.invalid(field, "must not be greater than 100%");
    }
}

/// The template as its pods will be: the controller sets host name and subdomain, and adds a volume for each claim.
fn template(spec: &Field<'_>, tolerated: bool, faults: &mut Faults) {
    let template = spec.get("template");
    if !tolerated {
        let mut pod = template.value["spec"].clone();
        if let Value::Object(entries) = &mut pod {
            entries.remove("hostname");
            entries.remove("subdomain");
        }
        let claims = spec.value["volumeClaimTemplates"].as_array();
        if claims.is_some_and(|claims| !claims.is_empty()) {
            pod["volumes"] = with_claims(claims.into_iter().flatten(), &pod["volumes"]);
        }
        let whole = json!({"metadata": template.value["metadata"], "spec": pod});
        let path = template.path.clone();
        pod_template(
            &Field {
                path,
                value: &whole,
            },
            faults,
        );
    }
    let metadata = template.get("metadata");
    metadata::labels(&template.at("labels", metadata.get("labels").value), faults);
    metadata::annotations(
        &template.at("annotations", metadata.get("annotations").value),
        faults,
    );
}

/// A pod template.
pub(super) fn pod_template(template: &Field<'_>, faults: &mut Faults) {
    let metadata = template.get("metadata");
    metadata::labels(&template.at("labels", metadata.get("labels").value), faults);
    metadata::annotations(
        &template.at("annotations", metadata.get("annotations").value),
        faults,
    );
    let spec = template.get("spec");
    pod_spec::pod_spec(&spec, Owner::Template, faults);
    if spec.get("ephemeralContainers").len() > 0 {
        let text = "ephemeral containers not allowed in pod template";
        faults.forbidden(&spec.get("ephemeralContainers"), text);
    }
}

fn with_claims<'a>(claims: impl Iterator<Item = &'a Value>, volumes: &Value) -> Value {
    let mut all: Vec<Value> = Vec::new();
    let name_of = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for claim in claims {
        let name = name_of(&claim["metadata"]["name"]);
        if all.iter().all(|volume| volume["name"] != name.as_str()) {
            all.push(json!({"name": name, "persistentVolumeClaim": {"claimName": name}}));
        }
    }
    let claimed = all.len();
    for volume in volumes.as_array().into_iter().flatten() {
        let name = name_of(&volume["name"]);
        if all[..claimed]
            .iter()
            .all(|claim| claim["name"] != name.as_str())
        {
            all.push(volume.clone());
        }
    }
    all.into()
}

/// A changed status: its numbers agree with each other.
pub(super) fn status(old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    let status = new.get("status");
    let get = |field: &str| status.get(field);
    for field in [
        "replicas",
        "readyReplicas",
        "currentReplicas",
        "updatedReplicas",
        "availableReplicas",
        "observedGeneration",
        "collisionCount",
    ] {
        faults.not_negative(&get(field));
    }
    for field in [
        "readyReplicas",
        "currentReplicas",
        "updatedReplicas",
        "availableReplicas",
    ] {
        at_most(&get(field), &get("replicas"), "status.replicas", faults);
    }
    at_most(
        &get("availableReplicas"),
        &get("readyReplicas"),
        "status.readyReplicas",
        faults,
    );
    metadata::update("apps/StatefulSet", old, new, faults);
    collisions(&old.get("status"), &status, faults);
}

/// One counter may not exceed another.
pub(super) fn at_most(field: &Field<'_>, most: &Field<'_>, name: &str, faults: &mut Faults) {
    if field.number() > most.number() {
        let text = format!("cannot be greater than {name}");
        faults.invalid_value(field, field.number(), text);
    }
}

/// Collisions are never forgotten.
pub(super) fn collisions(old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    let (old, new) = (old.get("collisionCount"), new.get("collisionCount"));
    if old.is_set() && (!new.is_set() || new.number() < old.number()) {
        faults.invalid_value(&new, new.number(), "cannot be decremented");
    }
}

/// A new revision.
pub(super) fn create_revision(revision: &Field<'_>, faults: &mut Faults) {
    metadata::create("apps/ControllerRevision", revision, faults);
    faults.not_negative(&revision.get("revision"));
    let data = revision.get("data");
    match data.value {
        Value::Null => faults.required(&data, "data is mandatory"),
        Value::Object(_) => {}
        _ => faults.required(&data, "data must be a valid JSON object"),
    }
}

/// A changed revision: only its number may change.
pub(super) fn update_revision(old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    metadata::update("apps/ControllerRevision", old, new, faults);
    metadata::create("apps/ControllerRevision", new, faults);
    faults.not_negative(&new.get("revision"));
    faults.immutable(&old.get("data"), &new.get("data"));
}
