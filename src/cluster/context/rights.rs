//! What runs ask of a cluster, as rights: one table, from which the Role is printed and against which a user is checked.

use std::collections::BTreeMap;

use futures::future::join_all;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::{Api, Client, api::PostParams};
use serde_json::{Value, json};

use crate::manifest;

/// Where a right is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// In the namespaces of scenarios, whoever made them.
    Scenarios,
    /// In the namespaces of scenarios, where runs make them.
    Made,
    /// In the whole cluster, to make and remove namespaces.
    Namespaces,
    /// In the whole cluster, to know it: without it less is known, and what depends on it is skipped.
    Facts,
    /// In the namespace `kube-system`, to know the cluster.
    System,
}

/// A rule of the table: every verb on every resource.
#[derive(Debug)]
pub struct Rule {
    /// Where.
    pub scope: Scope,
    /// The API group; empty for the core one.
    pub group: &'static str,
    /// Resources, with their subresources as `pods/exec`.
    pub resources: &'static [&'static str],
    /// Only objects of these names; of any if there are none.
    pub names: &'static [&'static str],
    /// What is done to them.
    pub verbs: &'static [&'static str],
    /// What for.
    pub purpose: &'static str,
    /// Without it no scenario can run.
    pub essential: bool,
}

const READ: [&str; 3] = ["get", "list", "watch"];
const ALL: &[&str] = &[
    "get", "list", "watch", "create", "update", "patch", "delete",
];

/// Everything that runs do.
pub const RULES: &[Rule] = &[
    of_scenarios(
        "apps",
        &["statefulsets"],
        ALL,
        "has sets, and sees what becomes of them",
        true,
    ),
    of_scenarios(
        "",
        &["pods", "persistentvolumeclaims", "services"],
        ALL,
        "sees what a set has, and takes it away",
        true,
    ),
    of_scenarios(
        "apps",
        &["controllerrevisions"],
        ALL,
        "sees the revisions of a set, and meddles with them",
        true,
    ),
    of_scenarios(
        "apps",
        &["statefulsets"],
        &["deletecollection"],
        "deletes many sets at once",
        false,
    ),
    of_scenarios(
        "apps",
        &["statefulsets/scale", "statefulsets/status"],
        &["get", "update", "patch"],
        "scales sets, and writes what only their controller should",
        false,
    ),
    of_scenarios(
        "stsspec.dev",
        &["statefulsets", "statefulsets/scale", "statefulsets/status"],
        ALL,
        "has sets of our own kind, where that is the target",
        false,
    ),
    of_scenarios(
        "",
        &["pods/status"],
        &["patch"],
        "withholds and grants readiness, and ends pods as a node does",
        false,
    ),
    of_scenarios(
        "",
        &["pods/exec"],
        &["get", "create"],
        "asks for names and reads files from inside a pod",
        false,
    ),
    of_scenarios("", &["pods/eviction"], &["create"], "evicts pods", false),
    of_scenarios(
        "",
        &["pods/resize", "pods/ephemeralcontainers"],
        &["patch"],
        "changes pods that run",
        false,
    ),
    of_scenarios(
        "",
        &["configmaps"],
        &["get", "list", "watch", "create", "patch", "delete"],
        "has other objects beside a set",
        false,
    ),
    of_scenarios(
        "",
        &["events"],
        &["get", "list", "watch", "create", "patch", "delete"],
        "sees what is told of a set",
        false,
    ),
    of_scenarios(
        "discovery.k8s.io",
        &["endpointslices"],
        &["list", "watch"],
        "sees which pods a service has",
        false,
    ),
    of_scenarios(
        "apps",
        &["deployments"],
        &["get", "list", "watch", "create", "delete"],
        "compares a set with a Deployment",
        false,
    ),
    of_scenarios(
        "apps",
        &["replicasets"],
        &["list", "watch"],
        "compares a set with a Deployment",
        false,
    ),
    of_scenarios(
        "policy",
        &["poddisruptionbudgets"],
        &["get", "list", "watch", "create", "patch", "delete"],
        "keeps pods from eviction",
        false,
    ),
    Rule {
        scope: Scope::Made,
        group: "",
        resources: &["resourcequotas"],
        names: &[],
        verbs: &["get", "list", "watch", "create", "patch"],
        purpose: "limits what a namespace may hold",
        essential: false,
    },
    Rule {
        scope: Scope::Made,
        group: "",
        resources: &["serviceaccounts"],
        names: &[],
        verbs: &READ,
        purpose: "waits for what pods need in a new namespace",
        essential: false,
    },
    Rule {
        scope: Scope::Made,
        group: "",
        resources: &["pods"],
        names: &[],
        verbs: &["deletecollection"],
        purpose: "empties a namespace soon",
        essential: false,
    },
    Rule {
        scope: Scope::Namespaces,
        group: "",
        resources: &["namespaces"],
        names: &[],
        verbs: &["get", "list", "watch", "create", "delete"],
        purpose: "gives each scenario a namespace, and takes it away",
        essential: true,
    },
    fact(
        "",
        &["nodes", "pods"],
        &["list"],
        "knows how many pods there is room for",
    ),
    fact(
        "storage.k8s.io",
        &["storageclasses"],
        &["list"],
        "knows whether claims get volumes",
    ),
    fact(
        "",
        &["persistentvolumes"],
        &["list", "watch", "delete"],
        "sees volumes, and removes those that would stay",
    ),
    fact(
        "admissionregistration.k8s.io",
        &[
            "mutatingwebhookconfigurations",
            "validatingwebhookconfigurations",
        ],
        &["list"],
        "knows who changes or refuses pods",
    ),
    fact(
        "apiextensions.k8s.io",
        &["customresourcedefinitions"],
        &["get"],
        "knows whether stsspec.dev is installed",
    ),
    in_system(
        "",
        &["services"],
        &["kube-dns"],
        &["get"],
        "knows where names are asked for",
    ),
    in_system(
        "",
        &["configmaps"],
        &["coredns"],
        &["get"],
        "knows the zone",
    ),
    in_system(
        "discovery.k8s.io",
        &["endpointslices"],
        &[],
        &["list"],
        "knows how many answer",
    ),
    in_system(
        "coordination.k8s.io",
        &["leases"],
        &["kube-controller-manager"],
        &["get"],
        "knows who reconciles",
    ),
];

const fn of_scenarios(
    group: &'static str,
    resources: &'static [&'static str],
    verbs: &'static [&'static str],
    purpose: &'static str,
    essential: bool,
) -> Rule {
    Rule {
        scope: Scope::Scenarios,
        group,
        resources,
        names: &[],
        verbs,
        purpose,
        essential,
    }
}

const fn fact(
    group: &'static str,
    resources: &'static [&'static str],
    verbs: &'static [&'static str],
    purpose: &'static str,
) -> Rule {
    Rule {
        scope: Scope::Facts,
        group,
        resources,
        names: &[],
        verbs,
        purpose,
        essential: false,
    }
}

const fn in_system(
    group: &'static str,
    resources: &'static [&'static str],
    names: &'static [&'static str],
    verbs: &'static [&'static str],
    purpose: &'static str,
) -> Rule {
    Rule {
        scope: Scope::System,
        group,
        resources,
        names,
        verbs,
        purpose,
        essential: false,
    }
}

/// One verb on one resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// Where.
    pub scope: Scope,
    /// The API group; empty for the core one.
    pub group: &'static str,
    /// The resource, with its subresource.
    pub resource: &'static str,
    /// The object; any if it is empty.
    pub name: &'static str,
    /// What is done.
    pub verb: &'static str,
    /// What for.
    pub purpose: &'static str,
    /// Without it no scenario can run.
    pub essential: bool,
}

impl Right {
    /// As the inventory names it: `patch pods/status`.
    pub fn phrase(&self) -> String {
        format!("{} {}", self.verb, self.resource)
    }

    /// Which namespace it is asked for in; empty for all.
    fn place(&self, namespace: Option<&str>) -> String {
        match self.scope {
            Scope::Scenarios | Scope::Made => namespace.unwrap_or_default().to_owned(),
            Scope::Namespaces | Scope::Facts => String::new(),
            Scope::System => "kube-system".to_owned(),
        }
    }
}

/// The rights that a run needs or can use: in one given namespace, or in those that it makes.
pub fn needed(namespace: Option<&str>) -> Vec<Right> {
    let rules = RULES.iter().filter(|rule| {
        namespace.is_none() || !matches!(rule.scope, Scope::Made | Scope::Namespaces)
    });
    let each = rules.flat_map(|rule| {
        rule.resources.iter().flat_map(move |resource| {
            rule.verbs.iter().flat_map(move |verb| {
                let names = if rule.names.is_empty() {
                    &[""][..]
                } else {
                    rule.names
                };
                names.iter().map(move |name| Right {
                    scope: rule.scope,
                    group: rule.group,
                    resource,
                    name,
                    verb,
                    purpose: rule.purpose,
                    essential: rule.essential,
                })
            })
        })
    });
    each.collect()
}

/// Which of these rights the user does not have, as the cluster itself says.
///
/// # Errors
///
/// It does not say.
pub async fn missing(
    client: &Client,
    namespace: Option<&str>,
    rights: &[Right],
) -> Result<Vec<Right>, kube::Error> {
    let api: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let asked = rights.iter().map(|right| {
        let api = api.clone();
        async move {
            let answer = api
                .create(&PostParams::default(), &review(right, namespace))
                .await?;
            let allowed = answer.status.is_some_and(|status| status.allowed);
            Ok::<_, kube::Error>((!allowed).then(|| right.clone()))
        }
    });
    let answers: Result<Vec<_>, _> = join_all(asked).await.into_iter().collect();
    Ok(answers?.into_iter().flatten().collect())
}

fn review(right: &Right, namespace: Option<&str>) -> SelfSubjectAccessReview {
    let (resource, subresource) = match right.resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (right.resource, None),
    };
    SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                group: Some(right.group.to_owned()),
                resource: Some(resource.to_owned()),
                subresource,
                name: Some(right.name.to_owned()).filter(|name| !name.is_empty()),
                verb: Some(right.verb.to_owned()),
                namespace: Some(right.place(namespace)),
                ..ResourceAttributes::default()
            }),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    }
}

/// What an administrator applies to let a user run the specification: a Role for one namespace and, apart from it, what
/// making namespaces takes, and what is good to know.
pub fn role(namespace: &str) -> String {
    let role = |kind: &str, metadata: Value, scopes: &[Scope]| {
        manifest::write(&json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": kind,
            "metadata": metadata,
            "rules": rules(scopes),
        }))
    };
    let parts = [
        (
            format!("All that `stsspec run --namespace {namespace}` does there."),
            role(
                "Role",
                json!({"name": "stsspec", "namespace": namespace}),
                &[Scope::Scenarios],
            ),
        ),
        (
            "Instead of it: all that `stsspec run` does where it makes namespaces of its own."
                .to_owned(),
            role(
                "ClusterRole",
                json!({"name": "stsspec-namespaces"}),
                &[Scope::Namespaces, Scope::Made, Scope::Scenarios],
            ),
        ),
        (
            "With either, if you like: reading what else there is. What is not known is skipped."
                .to_owned(),
            role(
                "ClusterRole",
                json!({"name": "stsspec-facts"}),
                &[Scope::Facts],
            ),
        ),
        (
            "The same, of the cluster's own DNS and controllers.".to_owned(),
            role(
                "Role",
                json!({"name": "stsspec-facts", "namespace": "kube-system"}),
                &[Scope::System],
            ),
        ),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .map(|(comment, text)| format!("# {comment}\n{text}"))
        .collect();
    parts.join("---\n")
}

/// The rules of some scopes, as a Role has them: one for each group and resource, with all its verbs.
fn rules(scopes: &[Scope]) -> Vec<Value> {
    let mut verbs: BTreeMap<(&str, &str, &[&str]), Vec<&str>> = BTreeMap::new();
    for rule in RULES.iter().filter(|rule| scopes.contains(&rule.scope)) {
        for resource in rule.resources {
            let all = verbs.entry((rule.group, resource, rule.names)).or_default();
            all.extend(
                rule.verbs
                    .iter()
                    .filter(|verb| !all.contains(verb))
                    .copied()
                    .collect::<Vec<_>>(),
            );
        }
    }
    let each = verbs.into_iter().map(|((group, resource, names), verbs)| {
        let mut rule = json!({ "apiGroups": [group], "resources": [resource], "verbs": verbs });
        if !names.is_empty() {
            rule["resourceNames"] = json!(names);
        }
        rule
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_grants_what_is_checked_and_nothing_else() {
        let text = role("team-a");
        let objects = manifest::objects("role", &text).expect("it is YAML");
        let granted = |object: &Value| -> Vec<String> {
            let rules = object["rules"].as_array().expect("rules").iter();
            let each = rules.flat_map(|rule| {
                let verbs = rule["verbs"].as_array().expect("verbs").iter();
                verbs.map(move |verb| {
                    format!(
                        "{} {}/{}",
                        verb.as_str().unwrap(),
                        rule["apiGroups"][0].as_str().unwrap(),
                        rule["resources"][0].as_str().unwrap()
                    )
                })
            });
            let mut all: Vec<String> = each.collect();
            all.sort();
            all.dedup();
            all
        };
        let checked = |namespace, scopes: &[Scope]| -> Vec<String> {
            let rights = needed(namespace)
                .into_iter()
                .filter(|right| scopes.contains(&right.scope));
            let mut all: Vec<String> = rights
                .map(|right| format!("{} {}/{}", right.verb, right.group, right.resource))
                .collect();
            all.sort();
            all.dedup();
            all
        };
        assert_eq!(objects[0]["kind"], "Role");
        assert_eq!(
            granted(&objects[0]),
            checked(Some("team-a"), &[Scope::Scenarios])
        );
        assert_eq!(
            granted(&objects[1]),
            checked(None, &[Scope::Scenarios, Scope::Made, Scope::Namespaces])
        );
        assert_eq!(granted(&objects[2]), checked(None, &[Scope::Facts]));
    }

    #[test]
    fn a_run_in_one_namespace_needs_nothing_essential_elsewhere() {
        let rights = needed(Some("team-a"));
        assert!(
            rights
                .iter()
                .all(|right| !right.essential || right.scope == Scope::Scenarios)
        );
        assert!(
            rights
                .iter()
                .any(|right| right.phrase() == "patch pods/status")
        );
        assert!(
            rights
                .iter()
                .all(|right| !right.place(Some("team-a")).is_empty() || right.scope == Scope::Facts)
        );
    }
}
