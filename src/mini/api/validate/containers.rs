//! Containers, init containers and ephemeral containers.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    env,
    field::{Faults, Field},
    names, probes, resources,
    volumes::{self, Volumes},
};

/// The three lists of containers of a spec.
pub(super) fn all(spec: &Field<'_>, volumes: &Volumes<'_>, faults: &mut Faults) {
    let grace = spec.get("terminationGracePeriodSeconds");
    let grace = grace.is_set().then(|| grace.number());
    let containers = spec.get("containers");
    if containers.len() == 0 {
        faults.required(&containers, "");
    }
    let mut seen = BTreeSet::new();
    for container in containers.items() {
        common(&container, volumes, faults);
        unique(&container, &mut seen, faults);
        probes::of_container(&container, grace, faults);
        restart(&container, faults);
    }
    host_ports(containers.items(), faults);
    // Init containers are compared with all containers, whether those have a name of their own or not.
    for container in spec.get("initContainers").items() {
        common(&container, volumes, faults);
        restart(&container, faults);
        unique(&container, &mut seen, faults);
        host_ports(std::iter::once(container.clone()), faults);
        init(&container, grace, faults);
    }
    let others: BTreeSet<_> = seen.clone();
    for container in spec.get("ephemeralContainers").items() {
        common(&container, volumes, faults);
        image_spaces(&container, faults);
        unique(&container, &mut seen, faults);
        ephemeral(&container, &others, faults);
    }
}

fn unique<'a>(container: &Field<'a>, seen: &mut BTreeSet<&'a str>, faults: &mut Faults) {
    let name = container.get("name");
    if !seen.insert(name.text()) && !name.text().is_empty() {
        faults.duplicate(&name);
    }
}

fn common(container: &Field<'_>, volumes: &Volumes<'_>, faults: &mut Faults) {
    let name = container.get("name");
    match name.text() {
        "" => faults.required(&name, ""),
        text => faults.each(&name, names::dns_label(text)),
    }
    if container.get("image").text().is_empty() {
        faults.required(&container.get("image"), "");
    }
    let policies = ["File", "FallbackToLogsOnError"];
    faults.required_one_of(&container.get("terminationMessagePolicy"), &policies);
    ports(&container.get("ports"), faults);
    env::variables(container, faults);
    volumes::mounts(container, volumes, faults);
    let policies = ["Always", "IfNotPresent", "Never"];
    faults.required_one_of(&container.get("imagePullPolicy"), &policies);
    resources::requirements(&container.get("resources"), faults);
    security(&container.get("securityContext"), faults);
}

fn ports(ports: &Field<'_>, faults: &mut Faults) {
    let mut seen = BTreeSet::new();
    for port in ports.items() {
        let name = port.get("name");
        if !name.text().is_empty() {
            let texts = names::port_name(name.text());
            if texts.is_empty() && !seen.insert(name.text()) {
                faults.duplicate(&name);
            }
            faults.each(&name, texts);
        }
        let number = port.get("containerPort");
        match number.number() {
            0 => faults.required(&number, ""),
            _ => faults.port_number(&number),
        }
        let host = port.get("hostPort");
        if host.number() != 0 {
            faults.port_number(&host);
        }
        faults.required_one_of(&port.get("protocol"), &["SCTP", "TCP", "UDP"]);
    }
}

fn host_ports<'a>(containers: impl Iterator<Item = Field<'a>>, faults: &mut Faults) {
    let mut seen = BTreeSet::new();
    for container in containers {
        for port in container.get("ports").items() {
            let number = port.get("hostPort").number();
            if number == 0 {
                continue;
            }
            let (protocol, ip) = (port.get("protocol").text(), port.get("hostIP").text());
            let taken = format!("{protocol}/{ip}/{number}");
            if !seen.insert(taken.clone()) {
                let value = Value::from(taken);
                faults.duplicate(&port.at("hostPort", &value));
            }
        }
    }
}

/// A container's own restart policy and the rules that refine it.
fn restart(container: &Field<'_>, faults: &mut Faults) {
    let (policy, rules) = (
        container.get("restartPolicy"),
        container.get("restartPolicyRules"),
    );
    if policy.is_set() {
        faults.one_of(&policy, &["Always", "Never", "OnFailure"]);
    } else if rules.len() > 0 {
        faults.required(
            &policy,
            "must specify restartPolicy when restart rules are used",
        );
    }
    for rule in rules.items() {
        faults.one_of(&rule.get("action"), &["Restart", "RestartAllContainers"]);
        let codes = rule.get("exitCodes");
        match codes.is_set() {
            true => faults.one_of(&codes.get("operator"), &["In", "NotIn"]),
            false => faults.required(&codes, "must be specified"),
        }
    }
}

fn init(container: &Field<'_>, grace: Option<i64>, faults: &mut Faults) {
    if container.get("restartPolicy").is("Always") {
        return probes::of_container(container, grace, faults);
    }
    for field in [
        "lifecycle",
        "livenessProbe",
        "readinessProbe",
        "startupProbe",
    ] {
        let field = container.get(field);
        if field.is_set() {
            let text = "may not be set for init containers without restartPolicy=Always";
            faults.forbidden(&field, text);
        }
    }
}

fn ephemeral(container: &Field<'_>, others: &BTreeSet<&str>, faults: &mut Faults) {
    let target = container.get("targetContainerName");
    if !target.text().is_empty() && !others.contains(target.text()) {
        faults.not_found(&target);
    }
    const TEXT: &str = "cannot be set for an Ephemeral Container";
    for field in [
        "ports",
        "resources",
        "livenessProbe",
        "readinessProbe",
        "startupProbe",
        "lifecycle",
    ] {
        let field = container.get(field);
        if field.is_set() && (field.len() > 0 || !matches!(field.value, Value::Object(_))) {
            faults.forbidden(&field, TEXT);
        }
    }
    for mount in container.get("volumeMounts").items() {
        for field in ["subPath", "subPathExpr"] {
            if !mount.get(field).text().is_empty() {
                faults.forbidden(&mount.get(field), TEXT);
            }
        }
    }
}

fn security(context: &Field<'_>, faults: &mut Faults) {
    id(&context.get("runAsUser"), faults);
    id(&context.get("runAsGroup"), faults);
    let escalation = context.get("allowPrivilegeEscalation");
    if *escalation.value == Value::Bool(false) && context.get("privileged").is_true() {
        let printed = super::go::print("SecurityContext", context.value);
        let text = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true";
        faults.invalid_as(context, &printed, text);
    }
}

/// The number of a user or a group.
pub(super) fn id(field: &Field<'_>, faults: &mut Faults) {
    let most = i64::from(i32::MAX);
    if !(0..=most).contains(&field.number()) {
        faults.invalid(field, format!("must be between 0 and {most}, inclusive"));
    }
}

/// Pods, unlike templates, may not have spaces around an image's name.
pub(super) fn image_spaces(container: &Field<'_>, faults: &mut Faults) {
    let image = container.get("image");
    if image.text().trim() != image.text() {
        faults.invalid(&image, "must not have leading or trailing whitespace");
    }
}
