//! Pods: what may be created, what of them may change, and their status.

use serde_json::Value;

use super::{
    containers, diff,
    field::{Faults, Field},
    go, metadata, names,
    pod_spec::{self, Owner},
    scheduling,
};

const LISTS: [&str; 2] = ["containers", "initContainers"];
const CHANGEABLE: &str = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,\
    `spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),\
    `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n";

/// A new pod.
pub(super) fn create(pod: &Field<'_>, faults: &mut Faults) {
    metadata::create("Pod", pod, faults);
    body(pod, faults);
    let spec = pod.get("spec");
    if spec.get("ephemeralContainers").len() > 0 {
        faults.forbidden(&spec.get("ephemeralContainers"), "cannot be set on create");
    }
    if !spec.get("nodeName").text().is_empty() && spec.get("schedulingGates").len() > 0 {
        let text = "cannot be set until all schedulingGates have been cleared";
        faults.forbidden(&spec.get("nodeName"), text);
    }
}

fn body(pod: &Field<'_>, faults: &mut Faults) {
    let spec = pod.get("spec");
    pod_spec::pod_spec(&spec, Owner::Pod, faults);
    if spec.get("serviceAccountName").text().is_empty() {
        for volume in spec.get("volumes").items() {
            for source in volume.get("projected").get("sources").items() {
                let token = source.get("serviceAccountToken");
                if token.is_set() {
                    let text = "must not be specified when serviceAccountName is not set";
                    faults.forbidden(&token, text);
                }
            }
        }
    }
    faults.not_negative(&spec.get("terminationGracePeriodSeconds"));
    for list in LISTS {
        for container in spec.get(list).items() {
            containers::image_spaces(&container, faults);
        }
    }
}

/// A changed pod: images, the deadline, more tolerations, fewer gates.
pub(super) fn update(old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    metadata::update("Pod", old, new, faults);
    metadata::create("Pod", new, faults);
    body(new, faults);
    let (old, new) = (old.get("spec"), new.get("spec"));
    for list in LISTS {
        let (before, after) = (old.get(list), new.get(list));
        if before.len() != after.len() {
            return faults.forbidden(&after, "pod updates may not add or remove containers");
        }
        for container in after.items() {
            if container.get("image").text().is_empty() {
                faults.required(&container.get("image"), "");
            }
            containers::image_spaces(&container, faults);
        }
    }
    if !deadline(&old, &new, faults) {
        return;
    }
    tolerations(&old.get("tolerations"), &new.get("tolerations"), faults);
    for gate in new.get("schedulingGates").items() {
        let name = gate.get("name");
        let known = |gate: Field<'_>| gate.get("name").value == name.value;
        if !old.get("schedulingGates").items().any(known) {
            let text = format!(
                "only deletion is allowed, but found new scheduling gate '{}'",
                name.text()
            );
            faults.forbidden(&name, text);
        }
    }
    let masked = masked(old.value, new.value);
    if masked != *old.value {
        let print = |spec: &Value| go::print("PodSpec", spec);
        let diff = diff::diff(&print(old.value), &print(&masked));
        faults.forbidden(&new, format!("{CHANGEABLE}{diff}"));
    }
}

/// The deadline may be set once, and then only be brought forward. Answers whether there is more to be said.
fn deadline(old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) -> bool {
    let (old, new) = (
        old.get("activeDeadlineSeconds"),
        new.get("activeDeadlineSeconds"),
    );
    let most = i64::from(i32::MAX);
    match (old.is_set(), new.is_set()) {
        (_, true) if !(0..=most).contains(&new.number()) => {
            faults.invalid(&new, format!("must be between 0 and {most}, inclusive"));
            return false;
        }
        (true, true) if old.number() < new.number() => {
            faults.invalid(&new, "must be less than or equal to previous value");
            return false;
        }
        (true, false) => {
            faults.invalid(&new, "must not update from a positive integer to nil value");
        }
        _ => {}
    }
    true
}

/// Existing tolerations remain, except for their seconds.
fn tolerations(old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    let bare = |toleration: &Value| {
        let mut toleration = toleration.clone();
        if let Value::Object(entries) = &mut toleration {
            entries.remove("tolerationSeconds");
        }
        toleration
    };
    let kept = |old: Field<'_>| new.items().any(|new| bare(new.value) == bare(old.value));
    if !old.items().all(kept) {
        let text = "existing toleration can not be modified except its tolerationSeconds";
        return faults.forbidden(new, text);
    }
    scheduling::tolerations(new, faults);
}

/// The new spec with the old values of all that may change.
fn masked(old: &Value, new: &Value) -> Value {
    let mut masked = new.clone();
    for list in LISTS {
        let before = old[list].as_array().map(Vec::as_slice).unwrap_or_default();
        let after = masked.get_mut(list).and_then(Value::as_array_mut);
        for (container, old) in after.into_iter().flatten().zip(before) {
            container["image"] = old["image"].clone();
        }
    }
    let mut put = |field: &str| {
        if let Value::Object(entries) = &mut masked {
            match &old[field] {
                Value::Null => entries.remove(field),
                value => entries.insert(field.to_owned(), value.clone()),
            };
        }
    };
    for field in ["activeDeadlineSeconds", "schedulingGates", "tolerations"] {
        put(field);
    }
    let negative = old["terminationGracePeriodSeconds"].as_i64() < Some(0);
    if negative && new["terminationGracePeriodSeconds"] == 1 {
        put("terminationGracePeriodSeconds");
    }
    // A pod that waits behind gates may still be told where to run.
    let gated = old["schedulingGates"]
        .as_array()
        .is_some_and(|gates| !gates.is_empty());
    let kept = |key: &str, value: &Value| new["nodeSelector"][key] == *value;
    let entries = old["nodeSelector"].as_object();
    if gated
        && entries
            .into_iter()
            .flatten()
            .all(|(key, value)| kept(key, value))
    {
        put("nodeSelector");
    }
    masked
}

/// A changed status.
pub(super) fn status(old: &Field<'_>, new: &Field<'_>, faults: &mut Faults) {
    metadata::update("Pod", old, new, faults);
    let spec = old.get("spec");
    let (old, new) = (old.get("status"), new.get("status"));
    for condition in new.get("conditions").items() {
        let kind = condition.get("type");
        if condition.get("observedGeneration").number() < 0 {
            faults.invalid(
                &condition.get("observedGeneration"),
                "must be a non-negative integer",
            );
        }
        if !matches!(kind.text(), "PodScheduled" | "Ready" | "Initialized") {
            faults.each(
                &condition.at("Type", kind.value),
                names::label_key(kind.text()),
            );
        }
    }
    let (nominated, before) = (new.get("nominatedNodeName"), old.get("nominatedNodeName"));
    if nominated.value != before.value && !nominated.text().is_empty() {
        faults.name(&nominated, names::dns_subdomain);
        if !spec.get("nodeName").text().is_empty() {
            let text = "may not be set on pods that are already bound to a node";
            faults.forbidden(&nominated, text);
        }
    }
    if new.get("observedGeneration").number() < 0 {
        faults.invalid(
            &new.get("observedGeneration"),
            "must be a non-negative integer",
        );
    }
    let (class, before) = (new.get("qosClass"), old.get("qosClass"));
    if class.value != before.value {
        faults.invalid_value(&class, class.text(), "field is immutable");
    }
    containers_remain_terminated(&spec, &old, &new, faults);
    addresses(&new, faults);
}

/// A container that has ended and is not to be restarted stays ended.
fn containers_remain_terminated(
    spec: &Field<'_>,
    old: &Field<'_>,
    new: &Field<'_>,
    faults: &mut Faults,
) {
    for (list, specs) in [
        ("containerStatuses", "containers"),
        ("initContainerStatuses", "initContainers"),
    ] {
        for (at, before) in old.get(list).items().enumerate() {
            let ended = before.get("state").get("terminated");
            let name = before.get("name");
            let after = new
                .get(list)
                .items()
                .find(|after| after.get("name").value == name.value);
            let alive = after.is_some_and(|after| !after.get("state").get("terminated").is_set());
            if !ended.is_set() || !alive {
                continue;
            }
            let own = spec
                .get(specs)
                .items()
                .find(|container| container.get("name").value == name.value);
            let own = own
                .as_ref()
                .map_or("", |container| container.get("restartPolicy").text());
            let policy = if own.is_empty() {
                spec.get("restartPolicy").text()
            } else {
                own
            };
            let restarts = match policy {
                "Never" => false,
                "OnFailure" => ended.get("exitCode").number() != 0,
                // An init container runs again until it has succeeded.
                _ => {
                    list == "containerStatuses"
                        || own == "Always"
                        || ended.get("exitCode").number() != 0
                }
            };
            if !restarts {
                let path = format!("status.{list}[{at}].state");
                let field = Field {
                    path,
                    value: before.value,
                };
                faults.forbidden(&field, "may not be transitioned to non-terminated state");
            }
        }
    }
}

fn addresses(status: &Field<'_>, faults: &mut Faults) {
    let list = status.get("podIPs");
    for address in list.items() {
        faults.each(&address, names::ip(address.get("ip").text()));
    }
    if list.len() > 2 {
        let addresses: Value = list
            .items()
            .map(|address| address.get("ip").value.clone())
            .collect();
        faults.invalid_value(
            &list,
            addresses,
            "may specify no more than one IP for each IP family",
        );
    }
}
