//! Who else has a say in what becomes of objects: admission webhooks that match what scenarios make.

use k8s_openapi::{
    api::admissionregistration::v1::{
        MutatingWebhookConfiguration, RuleWithOperations, ValidatingWebhookConfiguration,
    },
    apimachinery::pkg::apis::meta::v1::LabelSelector,
};
use kube::{Api, Client, api::ListParams};

/// What scenarios make: group and resource.
const MADE: [(&str, &str); 7] = [
    ("", "namespaces"),
    ("", "pods"),
    ("apps", "statefulsets"),
    ("", "persistentvolumeclaims"),
    ("", "services"),
    ("", "pods/eviction"),
    ("apps", "controllerrevisions"),
];

/// A webhook that is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its name, behind that of its configuration.
    pub name: String,
    /// It may change objects.
    pub mutates: bool,
    /// What it is asked about.
    pub about: Vec<String>,
    /// It is asked only in some namespaces, or about some objects.
    pub selects: bool,
    /// Nothing is made while it does not answer.
    pub insists: bool,
}

/// The webhooks that are asked about what scenarios make.
pub(super) async fn concerned(client: &Client) -> Result<Vec<Hook>, kube::Error> {
    let all = ListParams::default();
    let mutating: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    let validating: Api<ValidatingWebhookConfiguration> = Api::all(client.clone());
    let (mutating, validating) = futures::try_join!(mutating.list(&all), validating.list(&all))?;
    let mut hooks = Vec::new();
    for configuration in mutating.items {
        let of = configuration.metadata.name.unwrap_or_default();
        for hook in configuration.webhooks.into_iter().flatten() {
            let selectors = [&hook.namespace_selector, &hook.object_selector];
            hooks.extend(found(
                true,
                &of,
                &hook.name,
                &hook.rules,
                selectors,
                hook.failure_policy.as_deref(),
            ));
        }
    }
    for configuration in validating.items {
        let of = configuration.metadata.name.unwrap_or_default();
        for hook in configuration.webhooks.into_iter().flatten() {
            let selectors = [&hook.namespace_selector, &hook.object_selector];
            hooks.extend(found(
                false,
                &of,
                &hook.name,
                &hook.rules,
                selectors,
                hook.failure_policy.as_deref(),
            ));
        }
    }
    Ok(hooks)
}

fn found(
    mutates: bool,
    configuration: &str,
    name: &str,
    rules: &Option<Vec<RuleWithOperations>>,
    selectors: [&Option<LabelSelector>; 2],
    failure: Option<&str>,
) -> Option<Hook> {
    let rules = || rules.iter().flatten();
    let about = MADE
        .iter()
        .filter(|made| rules().any(|rule| matches(rule, made)));
    let about: Vec<String> = about.map(|(_, resource)| (*resource).to_owned()).collect();
    let picks = |selector: &&Option<LabelSelector>| {
        selector
            .as_ref()
            .is_some_and(|selector| *selector != LabelSelector::default())
    };
    (!about.is_empty()).then(|| Hook {
        name: format!("{configuration}/{name}"),
        mutates,
        about,
        selects: selectors.iter().any(picks),
        insists: failure != Some("Ignore"),
    })
}

fn matches(rule: &RuleWithOperations, (group, resource): &(&str, &str)) -> bool {
    let names = |list: &Option<Vec<String>>, fits: &dyn Fn(&str) -> bool| {
        list.iter().flatten().any(|one| fits(one))
    };
    let whole = resource
        .split_once('/')
        .map_or(*resource, |(whole, _)| whole);
    let is_sub = whole != *resource;
    names(&rule.api_groups, &|one| one == "*" || one == *group)
        && names(&rule.resources, &|one| {
            one == *resource
                || one == "*/*"
                || (one == "*" && !is_sub)
                || one == format!("{whole}/*")
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_webhook_counts_if_it_is_asked_about_what_scenarios_make() {
        for (groups, resources, about) in [
            (json!([""]), json!(["pods"]), &["pods"][..]),
            (
                json!(["apps"]),
                json!(["statefulsets", "deployments"]),
                &["statefulsets"],
            ),
            (
                json!(["*"]),
                json!(["*"]),
                &[
                    "namespaces",
                    "pods",
                    "statefulsets",
                    "persistentvolumeclaims",
                    "services",
                    "controllerrevisions",
                ],
            ),
            (json!([""]), json!(["pods/eviction"]), &["pods/eviction"]),
            (json!(["apps"]), json!(["pods"]), &[]),
            (json!([""]), json!(["nodes"]), &[]),
        ] {
            let rule: RuleWithOperations = serde_json::from_value(
                json!({ "apiGroups": groups, "resources": resources, "operations": ["CREATE"] }),
            )
            .expect("a rule");
            let none = None;
            let hook = found(
                true,
                "mesh",
                "a.b.c",
                &Some(vec![rule]),
                [&none, &none],
                Some("Fail"),
            );
            let found = hook.map(|hook| hook.about).unwrap_or_default();
            assert_eq!(found, about, "{groups} {resources}");
        }
    }
}
