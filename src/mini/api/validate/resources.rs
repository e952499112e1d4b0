//! Resource requirements and quotas.

use super::{
    field::{Faults, Field},
    names,
};

const COMPUTE: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
const COUNTED: [&str; 9] = [
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];
const LIMITED: [&str; 7] = [
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "requests.storage",
];

fn is_huge(name: &str) -> bool {
    name.starts_with("hugepages-")
}

fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

fn is_extended(name: &str) -> bool {
    !is_native(name)
        && !name.starts_with("requests.")
        && names::label_key(&format!("requests.{name}")).is_empty()
}

/// Whether the name can name a resource at all.
fn name(field: &Field<'_>, name: &str, faults: &mut Faults) -> bool {
    let texts = names::label_key(name);
    let good = texts.is_empty();
    for text in texts {
        faults.invalid_value(field, name, text);
    }
    let known = name == "storage"
        || is_huge(name)
        || name.starts_with("requests.hugepages-")
        || [&COMPUTE[..], &COUNTED, &LIMITED]
            .iter()
            .any(|list| list.contains(&name));
    if good && !name.contains('/') && !known {
        faults.invalid_value(
            field,
            name,
            "must be a standard resource type or fully qualified",
        );
        return false;
    }
    good
}

fn container_name(field: &Field<'_>, text: &str, faults: &mut Faults) {
    name(field, text, faults);
    if !text.contains('/') {
        if !COMPUTE.contains(&text) && !is_huge(text) {
            faults.invalid_value(field, text, "must be a standard resource for containers");
        }
    } else if !is_native(text) && !is_extended(text) {
        faults.invalid_value(
            field,
            text,
            "doesn't follow extended resource name standard",
        );
    }
}

/// An amount that is not negative, and whole where the resource is counted.
pub(super) fn amount(name: &str, field: &Field<'_>, faults: &mut Faults) {
    let amount = field.quantity();
    if amount.is_negative() {
        faults.invalid(field, "must be greater than or equal to 0");
    }
    let counted = COUNTED.contains(&name) || is_extended(name);
    if counted && amount.milli() % 1000 != 0 {
        faults.invalid(field, "must be an integer");
    }
}

/// What a container asks for and may use.
pub(super) fn requirements(resources: &Field<'_>, faults: &mut Faults) {
    let (limits, requests) = (resources.get("limits"), resources.get("requests"));
    for (name, limit) in limits.entries() {
        container_name(&limit, name, faults);
        amount(name, &limit, faults);
    }
    for (name, request) in requests.entries() {
        container_name(&request, name, faults);
        amount(name, &request, faults);
        let limit = limits.get(name);
        let over_commit = is_native(name) && !is_huge(name);
        let relation = match limit.is_set() {
            true if request.quantity() != limit.quantity() && !over_commit => "equal to",
            true if request.quantity() > limit.quantity() => "less than or equal to",
            false if !over_commit => {
                faults.required(
                    &limits,
                    "Limit must be set for non overcommitable resources",
                );
                continue;
            }
            _ => continue,
        };
        let text = format!("must be {relation} {name} limit of {}", limit.text());
        faults.invalid_value(&requests, request.text(), text);
    }
    let all = || {
        limits
            .entries()
            .chain(requests.entries())
            .map(|(name, _)| name)
    };
    if all().any(is_huge) && !all().any(|name| matches!(name, "cpu" | "memory")) {
        faults.forbidden(resources, "HugePages require cpu or memory");
    }
}

/// A map of resources that a quota can limit.
pub(super) fn quota(hard: &Field<'_>, faults: &mut Faults) {
    for (resource, limit) in hard.entries() {
        name(&limit, resource, faults);
        let known = [&COMPUTE[..], &COUNTED, &LIMITED]
            .iter()
            .any(|list| list.contains(&resource));
        if !resource.contains('/')
            && !known
            && !resource.starts_with("requests.hugepages-")
            && !is_huge(resource)
        {
            faults.invalid_value(&limit, resource, "must be a standard resource for quota");
        }
        amount(resource, &limit, faults);
    }
}
