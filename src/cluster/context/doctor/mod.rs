//! A cluster looked over before anything runs on it: it is read, and requests are rehearsed. Nothing is changed, and no
//! pod is made.

mod pods;
mod webhooks;

use std::time::Duration;

use jiff::{SignedDuration, fmt::rfc2822};
use k8s_openapi::api::core::v1::{LimitRange, Namespace, ResourceQuota};
use kube::{Api, Client, api::ListParams, client::Body};
use serde_json::{Value, json};
use tokio::time::timeout;

pub use pods::{Pod, Security};
pub use webhooks::Hook;

use super::{
    Connection, EXPIRES, Error, Facts, Options, RUN, chain, facts, probe,
    rights::{self, Right},
};
use crate::clock::Clock;

/// How long the look at one part may take.
const PART: Duration = Duration::from_secs(20);

/// What was found.
#[derive(Clone, Debug)]
pub struct Examination {
    /// Where the cluster is.
    pub address: String,
    /// Its version as it says it: `v1.37.2`.
    pub release: String,
    /// What it is or emulates.
    pub version: (u16, u16),
    /// The specification speaks of that version.
    pub supported: bool,
    /// By how much its clock is ahead of this machine's; none if it does not say.
    pub skew: Option<SignedDuration>,
    /// How many rights were asked for.
    pub asked: usize,
    /// Rights that the user does not have; or why that is not known.
    pub missing: Result<Vec<Right>, String>,
    /// What is enforced on pods.
    pub security: Security,
    /// What becomes of the pod that every scenario has.
    pub pod: Pod,
    /// What becomes of a namespace; none where none is made.
    pub namespace: Option<Result<(), String>>,
    /// What the given namespace may hold, in words.
    pub limits: Vec<String>,
    /// Who changes or refuses what scenarios make; or why that is not known.
    pub webhooks: Result<Vec<Hook>, String>,
    /// The kind `stsspec.dev/v1` is there.
    pub is_installed: bool,
    /// What reading shows.
    pub facts: Facts,
}

/// Looks a cluster over. `pod` is the spec of the pods that scenarios have.
///
/// # Errors
///
/// It does not answer, or does not know the user.
pub async fn examine(
    connection: &Connection,
    options: &Options,
    pod: &Value,
) -> Result<Examination, Error> {
    let client = connection.client()?;
    let (release, version, skew) = greet(&client, &connection.address).await?;
    let wanted = rights::needed(options.namespace.as_deref());
    let place = options.rehearsals();
    let (facts, missing, security, pod, namespace, limits, webhooks, is_installed) = futures::join!(
        facts::read(&client, version, options),
        in_time(rights::missing(
            &client,
            options.namespace.as_deref(),
            &wanted
        )),
        pods::security(&client, place, options.namespace.is_some()),
        pods::rehearse(&client, place, pod),
        namespace(&client, options),
        limits(&client, options),
        in_time(webhooks::concerned(&client)),
        is_installed(&client),
    );
    Ok(Examination {
        address: connection.address.clone(),
        release,
        version,
        supported: facts::is_supported(version),
        skew,
        asked: wanted.len(),
        missing,
        security,
        pod,
        namespace,
        limits,
        webhooks,
        is_installed,
        facts,
    })
}

async fn in_time<T>(asking: impl Future<Output = Result<T, kube::Error>>) -> Result<T, String> {
    match timeout(PART, asking).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(kube::Error::Api(status))) => Err(status.message),
        Ok(Err(error)) => Err(chain(&error)),
        Err(_) => Err(format!("no answer in {} s", PART.as_secs())),
    }
}

/// The version in words and numbers, and how far the clocks are apart.
async fn greet(
    client: &Client,
    address: &str,
) -> Result<(String, (u16, u16), Option<SignedDuration>), Error> {
    let version = facts::version(client, address).await?;
    let clock = Clock::of_day();
    let failed = |error: kube::Error| Error::of(address, "get /version", &error);
    let request = http::Request::get("/version")
        .body(Body::empty())
        .map_err(|error| failed(kube::Error::HttpError(error)))?;
    let sent = clock.now();
    let response = client.send(request).await.map_err(failed)?;
    let between = sent + clock.now().duration_since(sent) / 2;
    let date = response.headers().get(http::header::DATE);
    let date = date
        .and_then(|date| date.to_str().ok())
        .and_then(|date| rfc2822::parse(date).ok());
    // It is told in whole seconds.
    let skew = date
        .map(|date| date.timestamp().duration_since(between) + SignedDuration::from_millis(500));
    let body = response.into_body().collect_bytes().await;
    let said: Value = body
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let release = said["gitVersion"].as_str().unwrap_or_default().to_owned();
    Ok((release, version, skew))
}

/// Whether a namespace would be made. Where one is given, whether it is there.
async fn namespace(client: &Client, options: &Options) -> Option<Result<(), String>> {
    if let Some(name) = &options.namespace {
        let api: Api<Namespace> = Api::all(client.clone());
        return match api.get(name).await {
            Err(kube::Error::Api(status)) if status.code == 404 => {
                Some(Err(format!("there is no namespace {name:?}")))
            }
            // Whoever may not look at it may still be at home in it.
            _ => None,
        };
    }
    let name = "stsspec-rehearsal";
    let labels = json!({ RUN: "00000000", EXPIRES: "0" });
    let wanted = json!({ "metadata": { "name": name, "labels": labels } });
    let made = probe::rehearse(client, None, ("", "Namespace"), wanted).await;
    Some(match made {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) => Err(status.message),
        Err(error) => Err(chain(&error)),
    })
}

/// Quotas and limits of the given namespace, in words.
async fn limits(client: &Client, options: &Options) -> Vec<String> {
    let Some(namespace) = &options.namespace else {
        return Vec::new();
    };
    let quotas: Api<ResourceQuota> = Api::namespaced(client.clone(), namespace);
    let ranges: Api<LimitRange> = Api::namespaced(client.clone(), namespace);
    let all = ListParams::default();
    let (quotas, ranges) = futures::join!(in_time(quotas.list(&all)), in_time(ranges.list(&all)));
    let mut words = Vec::new();
    match quotas {
        Ok(list) => words.extend(list.items.iter().flat_map(quota)),
        Err(why) => words.push(format!("quotas are not known: {why}")),
    }
    match ranges {
        Ok(list) => words.extend(list.items.iter().flat_map(range)),
        Err(why) => words.push(format!("limits are not known: {why}")),
    }
    words
}

fn quota(quota: &ResourceQuota) -> Vec<String> {
    let name = quota.metadata.name.as_deref().unwrap_or_default();
    let hard = quota.spec.as_ref().and_then(|spec| spec.hard.as_ref());
    let used = quota
        .status
        .as_ref()
        .and_then(|status| status.used.as_ref());
    let each = hard.into_iter().flatten().map(|(what, hard)| {
        let used = used.and_then(|used| used.get(what));
        let used = used.map_or("0", |used| used.0.as_str());
        format!("quota {name}: {used} of {} {what} used", hard.0)
    });
    each.collect()
}

fn range(range: &LimitRange) -> Vec<String> {
    let name = range.metadata.name.as_deref().unwrap_or_default();
    let items = range.spec.iter().flat_map(|spec| spec.limits.iter());
    let each = items.flat_map(|item| {
        let parts = [("at least", &item.min), ("at most", &item.max)];
        parts.into_iter().flat_map(move |(word, bounds)| {
            let bounds = bounds.iter().flatten();
            bounds.map(move |(what, much)| {
                format!(
                    "limits {name}: {word} {} {what} for each {}",
                    much.0, item.type_
                )
            })
        })
    });
    each.collect()
}

/// Discovery is open to everybody.
async fn is_installed(client: &Client) -> bool {
    let Ok(request) = http::Request::get("/apis/stsspec.dev/v1").body(Vec::new()) else {
        return false;
    };
    let found = in_time(client.request::<Value>(request)).await;
    found.is_ok_and(|found| {
        let resources = found["resources"].as_array().into_iter().flatten();
        resources
            .into_iter()
            .any(|resource| resource["name"] == "statefulsets")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_and_limits_are_told_in_words() {
        let found: ResourceQuota = serde_json::from_value(json!({
            "metadata": { "name": "small" },
            "spec": { "hard": { "pods": "10" } },
            "status": { "used": { "pods": "9" } },
        }))
        .expect("a quota");
        assert_eq!(quota(&found), ["quota small: 9 of 10 pods used"]);
        let found: LimitRange = serde_json::from_value(json!({
            "metadata": { "name": "sizes" },
            "spec": { "limits": [{ "type": "Container", "min": { "memory": "64Mi" } }] },
        }))
        .expect("a range");
        assert_eq!(
            range(&found),
            ["limits sizes: at least 64Mi memory for each Container"]
        );
    }
}
