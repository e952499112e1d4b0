//! What an examination found, in words, topic by topic.

use std::collections::BTreeMap;

use crate::{
    cluster::context::{
        Options, SUPPORTED,
        doctor::{Examination, Pod, Security},
        rights::{Right, Scope},
    },
    inventory,
    report::checkup::{Check, State},
    suite::site::context::without,
};

/// How far clocks may be apart before times in a report mislead, in seconds.
const APART_SECONDS: i64 = 5;

fn check(topic: &str, state: State, says: impl Into<String>) -> Check {
    Check {
        topic: topic.to_owned(),
        state,
        says: says.into(),
        details: Vec::new(),
    }
}

/// What was found, in words.
pub(super) fn of(found: &Examination, options: &Options, missing: &[Right]) -> Vec<Check> {
    vec![
        version(found),
        clock(found),
        rights(found, missing),
        namespace(found, options),
        security(found),
        pod(found, options),
        limits(found, options),
        webhooks(found),
        nodes(found),
        image(found, options),
        storage(found, options),
        dns(found),
        gates(found),
        controller(found),
        definition(found),
    ]
}

fn version(found: &Examination) -> Check {
    let (major, minor) = found.version;
    let covered = format!("1.{} to 1.{}", SUPPORTED.start(), SUPPORTED.end());
    let release = match found.release == format!("v{major}.{minor}") || found.release.is_empty() {
        true => format!("{major}.{minor}"),
        false => format!("{major}.{minor} ({})", found.release),
    };
    match found.supported {
        true => check(
            "version",
            State::Good,
            format!("Kubernetes {release}; the specification covers {covered}"),
        ),
        false => check(
            "version",
            State::Stops,
            format!("Kubernetes {release}; the specification covers only {covered}"),
        ),
    }
}

fn clock(found: &Examination) -> Check {
    let Some(skew) = found.skew else {
        return check("clock", State::Look, "the server does not tell its time");
    };
    let seconds = skew.as_secs();
    let word = if seconds < 0 { "behind" } else { "ahead of" };
    match seconds.abs() {
        0..=1 => check(
            "clock",
            State::Good,
            "the server's and this machine's agree",
        ),
        apart => {
            let state = if apart > APART_SECONDS {
                State::Limits
            } else {
                State::Look
            };
            check(
                "clock",
                state,
                format!(
                    "the server's is {apart} s {word} this machine's; times in reports are this machine's"
                ),
            )
        }
    }
}

fn rights(found: &Examination, missing: &[Right]) -> Check {
    let all = match &found.missing {
        Err(why) => return check("rights", State::Look, format!("not known: {why}")),
        Ok(all) if all.is_empty() => {
            return check(
                "rights",
                State::Good,
                format!("all {} that runs use", found.asked),
            );
        }
        Ok(all) => all,
    };
    let mut details: BTreeMap<(&str, bool, &str), Vec<&str>> = BTreeMap::new();
    for right in all {
        details
            .entry((right.resource, right.scope == Scope::System, right.purpose))
            .or_default()
            .push(right.verb);
    }
    let details = details
        .into_iter()
        .map(|((resource, of_system, purpose), verbs)| {
            let place = if of_system { " in kube-system" } else { "" };
            format!("no {} {resource}{place}: {purpose}", verbs.join(", "))
        });
    let (state, says) = match without(missing) {
        Some(what) => (
            State::Stops,
            format!("without {what} nothing can run; `stsspec doctor --rbac` prints the Role"),
        ),
        None if missing.is_empty() => (
            State::Look,
            format!(
                "{} of {} are missing outside of namespaces that this user makes",
                all.len(),
                found.asked
            ),
        ),
        None => (
            State::Limits,
            format!("{} of {} are missing", all.len(), found.asked),
        ),
    };
    Check {
        details: details.collect(),
        ..check("rights", state, says)
    }
}

fn namespace(found: &Examination, options: &Options) -> Check {
    match (&options.namespace, &found.namespace) {
        (Some(name), Some(Err(why))) => check("namespace", State::Stops, format!("{name}: {why}")),
        (Some(name), _) => check(
            "namespace",
            State::Good,
            format!("scenarios run in {name}, one after another"),
        ),
        (None, Some(Err(why))) => check(
            "namespace",
            State::Stops,
            format!("none can be made: {why}; `--namespace NAME` does without"),
        ),
        (None, _) => check(
            "namespace",
            State::Good,
            "each scenario gets one of its own",
        ),
    }
}

fn security(found: &Examination) -> Check {
    match &found.security {
        Security::Level(level) => check(
            "pod security",
            State::Good,
            format!("{level} is enforced; pods of scenarios keep to restricted"),
        ),
        Security::Unknown(why) => check("pod security", State::Look, format!("not known: {why}")),
    }
}

fn pod(found: &Examination, options: &Options) -> Check {
    match &found.pod {
        Pod::Accepted(changes) if changes.is_empty() => check(
            "pod",
            State::Good,
            "the pod of every scenario is accepted as it is",
        ),
        Pod::Accepted(changes) => Check {
            details: changes.clone(),
            ..check(
                "pod",
                State::Look,
                "the pod of every scenario is accepted, and changed on its way",
            )
        },
        Pod::Refused(why) if options.namespace.is_some() => check(
            "pod",
            State::Stops,
            format!("the pod of every scenario is refused: {why}"),
        ),
        // A namespace that is made need not have what this one has.
        Pod::Refused(why) => check(
            "pod",
            State::Limits,
            format!(
                "the pod of every scenario is refused in namespace {:?}, where it was asked: {why}",
                options.rehearsals()
            ),
        ),
        Pod::Unknown(why) => check("pod", State::Look, format!("not known: {why}")),
    }
}

fn limits(found: &Examination, options: &Options) -> Check {
    let says = match (&options.namespace, found.limits.is_empty()) {
        (None, _) => "of a namespace that is made, not known yet".to_owned(),
        (Some(name), true) => format!("{name} has neither quota nor limits"),
        (Some(name), false) => {
            format!("{name} has them; a scenario has up to 12 pods of 1m CPU and 8Mi memory")
        }
    };
    let state = if found.limits.is_empty() {
        State::Good
    } else {
        State::Look
    };
    Check {
        details: found.limits.clone(),
        ..check("limits", state, says)
    }
}

fn webhooks(found: &Examination) -> Check {
    let hooks = match &found.webhooks {
        Err(why) => return check("webhooks", State::Look, format!("not known: {why}")),
        Ok(hooks) if hooks.is_empty() => {
            return check(
                "webhooks",
                State::Good,
                "none is asked about what scenarios make",
            );
        }
        Ok(hooks) => hooks,
    };
    let details = hooks.iter().map(|hook| {
        let does = if hook.mutates {
            "may change"
        } else {
            "may refuse"
        };
        let some = if hook.selects {
            ", where its selectors match"
        } else {
            ""
        };
        let insists = if hook.insists {
            "; nothing is made while it does not answer"
        } else {
            ""
        };
        format!(
            "{} {does} {}{some}{insists}",
            hook.name,
            hook.about.join(", ")
        )
    });
    Check {
        details: details.collect(),
        ..check(
            "webhooks",
            State::Look,
            format!("{} are asked about what scenarios make", hooks.len()),
        )
    }
}

fn nodes(found: &Examination) -> Check {
    let Some(nodes) = &found.facts.nodes else {
        return check("nodes", State::Look, "not known; pods are taken to run");
    };
    let takes = nodes.iter().filter(|node| node.takes).count();
    let away = nodes.iter().filter(|node| !node.takes).map(|node| {
        let why = match (node.ready, node.cordoned, node.taints.is_empty()) {
            (false, ..) => "is not Ready".to_owned(),
            (_, true, _) => "is cordoned".to_owned(),
            (.., false) => format!("has taints: {}", node.taints.join(", ")),
            _ => "does not fit the node selector".to_owned(),
        };
        format!("{} {why}", node.name)
    });
    let room = found
        .facts
        .room
        .map(|room| format!(", with room for {room} more pods"));
    let says = format!(
        "{takes} of {} take pods of scenarios{}",
        nodes.len(),
        room.unwrap_or_default()
    );
    let state = if takes == 0 {
        State::Limits
    } else {
        State::Good
    };
    Check {
        details: away.collect(),
        ..check("nodes", state, says)
    }
}

fn image(found: &Examination, options: &Options) -> Check {
    let image = options.image();
    let nodes = found.facts.nodes.iter().flatten().filter(|node| node.takes);
    let (has, all) = nodes.fold((0, 0), |(has, all), node| {
        (has + usize::from(node.has_image), all + 1)
    });
    let secrets = match options.image_pull_secrets.is_empty() {
        true => String::new(),
        false => format!(" with {}", options.image_pull_secrets.join(", ")),
    };
    match all > 0 && has == all {
        true => check("image", State::Good, format!("{image}; every node has it")),
        false => check(
            "image",
            State::Look,
            format!("{image} would be pulled{secrets}; {has} of {all} nodes have it"),
        ),
    }
}

fn storage(found: &Examination, options: &Options) -> Check {
    let details = found.facts.classes.iter().flatten().map(|class| {
        let binds = if class.waits {
            "binds when a pod is there"
        } else {
            "binds at once"
        };
        let default = if class.default {
            ", the default one"
        } else {
            ""
        };
        let expands = if class.expands {
            ", lets claims grow"
        } else {
            ""
        };
        format!(
            "{} by {}: {binds}{default}{expands}",
            class.name, class.provisioner
        )
    });
    let details: Vec<String> = details.collect();
    let found = found.facts.storage(options.storage_class.as_deref());
    match found {
        Ok(class) => Check {
            details,
            ..check(
                "storage",
                State::Good,
                format!("claims get the StorageClass {class}"),
            )
        },
        Err(why) => Check {
            details,
            ..check(
                "storage",
                State::Limits,
                format!("claims get no volumes: {why}"),
            )
        },
    }
}

fn dns(found: &Examination) -> Check {
    let Some(dns) = &found.facts.dns else {
        let note = found
            .facts
            .notes
            .iter()
            .find(|note| note.contains("kube-dns"));
        let why = note.map_or(
            "there is no service kube-dns in kube-system",
            String::as_str,
        );
        return check("dns", State::Limits, why);
    };
    let answer = match found.facts.resolvers {
        Some(many) => format!("; servers behind it: {many}"),
        None => String::new(),
    };
    check(
        "dns",
        State::Good,
        format!("{} for the zone {}{answer}", dns.server, dns.zone),
    )
}

fn gates(found: &Examination) -> Check {
    let on = found.facts.gates_on();
    let rows = inventory::embedded().behaviours().iter();
    let mut named: Vec<&str> = rows
        .filter_map(|row| row.gate.as_deref())
        .map(|gate| gate.trim_start_matches('!'))
        .collect();
    named.sort_unstable();
    named.dedup();
    let details = named.iter().map(|gate| {
        let word = if on.contains(*gate) { "on" } else { "off" };
        match found.facts.gates.contains_key(*gate) {
            true => format!("{gate} is {word}"),
            false => format!(
                "{gate}: the API server does not show it; taken as the version has it: {word}"
            ),
        }
    });
    let shown = found.facts.gates.len();
    Check {
        details: details.collect(),
        ..check(
            "gates",
            State::Good,
            format!("{shown} of {} that matter were probed", named.len()),
        )
    }
}

fn controller(found: &Examination) -> Check {
    match &found.facts.leader {
        Some(leader) => check(
            "controller",
            State::Good,
            format!("the lease of kube-controller-manager is held by {leader}"),
        ),
        None => check(
            "controller",
            State::Look,
            "nobody is known to hold the lease of kube-controller-manager; a run finds out who reconciles",
        ),
    }
}

fn definition(found: &Examination) -> Check {
    match found.is_installed {
        true => check(
            "stsspec.dev",
            State::Good,
            "the kind stsspec.dev/v1 StatefulSet is installed",
        ),
        false => check(
            "stsspec.dev",
            State::Good,
            "the kind stsspec.dev/v1 StatefulSet is not installed; `stsspec controller --print-crd` prints it",
        ),
    }
}
