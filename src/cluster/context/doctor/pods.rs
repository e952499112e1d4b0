//! What becomes of pods: rehearsed, none is made.

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::cluster::context::{chain, probe};

/// The label of a namespace with the level that is enforced in it.
const ENFORCE: &str = "pod-security.kubernetes.io/enforce";

/// The Pod Security level that is enforced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Security {
    /// As a refusal of the server names it: `restricted:latest`; `privileged` where nothing is refused.
    Level(String),
    /// Why it is not known.
    Unknown(String),
}

/// What became of a rehearsed pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pod {
    /// It was accepted, with changes by somebody on the way.
    Accepted(Vec<String>),
    /// It was refused, in the server's words.
    Refused(String),
    /// Why it is not known.
    Unknown(String),
}

/// Asks with pods that ever stricter levels refuse. A namespace that is not there yet is judged by one that is, unless that
/// one has a level of its own.
pub(super) async fn security(client: &Client, namespace: &str, is_given: bool) -> Security {
    if !is_given {
        let api: Api<Namespace> = Api::all(client.clone());
        let there = api.get_opt(namespace).await.ok().flatten();
        let labels = there
            .and_then(|there| there.metadata.labels)
            .unwrap_or_default();
        if let Some(level) = labels.get(ENFORCE) {
            return Security::Unknown(format!(
                "namespace {namespace:?}, where it was asked, has a level of its own: {level}"
            ));
        }
    }
    let pod = |spec: Value| {
        let pod = json!({ "metadata": { "name": "stsspec-rehearsal" }, "spec": spec });
        async move { probe::rehearse(client, Some(namespace), ("", "Pod"), pod).await }
    };
    let containers = json!([{ "name": "main", "image": "none" }]);
    let free = pod(json!({ "hostPID": true, "containers": containers }));
    let plain = pod(json!({ "containers": containers }));
    let (free, plain) = futures::join!(free, plain);
    level(free.err(), plain.err())
}

/// The level that refuses a pod with the host's processes, and one that says nothing of its rights.
fn level(free: Option<kube::Error>, plain: Option<kube::Error>) -> Security {
    match plain.or(free) {
        None => Security::Level("privileged".to_owned()),
        Some(kube::Error::Api(status)) => match refused_by(&status.message) {
            Some(level) => Security::Level(level),
            None => Security::Unknown(status.message),
        },
        Some(error) => Security::Unknown(chain(&error)),
    }
}

/// The level in a refusal: `pods "a" is forbidden: violates PodSecurity "restricted:latest": ...`.
fn refused_by(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("violates PodSecurity \"")?;
    let (level, _) = rest.split_once('"')?;
    Some(level.to_owned())
}

/// Rehearses the pod that scenarios have.
pub(super) async fn rehearse(client: &Client, namespace: &str, spec: &Value) -> Pod {
    let sent = json!({ "metadata": { "name": "stsspec-rehearsal" }, "spec": spec });
    match probe::rehearse(client, Some(namespace), ("", "Pod"), sent.clone()).await {
        Ok(back) => Pod::Accepted(changes(&sent, &back)),
        Err(kube::Error::Api(status)) if status.message.contains("cannot create resource") => {
            Pod::Unknown(status.message)
        }
        Err(kube::Error::Api(status)) => Pod::Refused(status.message),
        Err(error) => Pod::Unknown(chain(&error)),
    }
}

/// What somebody did to a pod on its way: changed what was said, or added containers, labels or annotations.
fn changes(sent: &Value, back: &Value) -> Vec<String> {
    let mut found = Vec::new();
    changed("", sent, back, &mut found);
    for list in ["containers", "initContainers"] {
        let names = |pod: &Value| -> Vec<String> {
            let all = pod["spec"][list].as_array().into_iter().flatten();
            all.filter_map(|one| one["name"].as_str().map(str::to_owned))
                .collect()
        };
        let known = names(sent);
        let new = names(back).into_iter().filter(|name| !known.contains(name));
        found.extend(new.map(|name| format!("{list} {name:?} was added")));
    }
    for field in ["labels", "annotations"] {
        let added = back["metadata"][field].as_object().into_iter().flatten();
        found.extend(added.map(|(key, _)| format!("{field} {key:?} was added")));
    }
    found
}

fn changed(path: &str, sent: &Value, back: &Value, found: &mut Vec<String>) {
    match (sent, back) {
        (Value::Object(sent), Value::Object(back)) => {
            for (key, value) in sent {
                let path = format!("{path}/{key}");
                changed(&path, value, back.get(key).unwrap_or(&Value::Null), found);
            }
        }
        // What is named keeps its name, wherever it stands.
        (Value::Array(sent), Value::Array(back))
            if sent.iter().all(|one| one["name"].is_string()) =>
        {
            for value in sent {
                let name = value["name"].as_str().unwrap_or_default();
                let there = back.iter().find(|one| one["name"] == value["name"]);
                changed(
                    &format!("{path}/{name}"),
                    value,
                    there.unwrap_or(&Value::Null),
                    found,
                );
            }
        }
        // Others may be added to what is tolerated.
        (Value::Array(sent), Value::Array(back)) if sent.iter().all(|one| back.contains(one)) => {}
        (sent, back) if sent == back => {}
        (sent, Value::Null) => found.push(format!("{path} was taken away: it was {sent}")),
        (sent, back) => found.push(format!("{path} became {back}: it was {sent}")),
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn refusal(message: &str) -> Option<kube::Error> {
        Some(kube::Error::Api(Box::new(
            Status::failure(message, "Forbidden").with_code(403),
        )))
    }

    #[test]
    fn a_level_is_what_a_refusal_names() {
        let restricted = "pods \"a\" is forbidden: violates PodSecurity \"restricted:latest\": x";
        let baseline =
            "pods \"a\" is forbidden: violates PodSecurity \"baseline:v1.37\": host namespaces";
        for (free, plain, found) in [
            (None, None, Security::Level("privileged".into())),
            (
                refusal(baseline),
                None,
                Security::Level("baseline:v1.37".into()),
            ),
            (
                refusal(restricted),
                refusal(restricted),
                Security::Level("restricted:latest".into()),
            ),
            (None, refusal("no"), Security::Unknown("no".into())),
        ] {
            assert_eq!(level(free, plain), found);
        }
    }

    #[test]
    fn what_was_done_to_a_pod_is_told() {
        let sent = json!({
            "metadata": { "name": "a" },
            "spec": { "containers": [{ "name": "main", "image": "x", "resources": { "requests": { "cpu": "1m" } } }] },
        });
        let mut back = sent.clone();
        back["spec"]["dnsPolicy"] = json!("ClusterFirst");
        back["spec"]["containers"][0]["imagePullPolicy"] = json!("Always");
        assert_eq!(
            changes(&sent, &back),
            Vec::<String>::new(),
            "defaults are no changes"
        );
        back["spec"]["containers"][0]["resources"]["requests"]["cpu"] = json!("250m");
        back["spec"]["containers"] = json!([{ "name": "proxy" }, back["spec"]["containers"][0]]);
        back["metadata"]["annotations"] = json!({ "mesh": "yes" });
        assert_eq!(
            changes(&sent, &back),
            [
                "/spec/containers/main/resources/requests/cpu became \"250m\": it was \"1m\"",
                "containers \"proxy\" was added",
                "annotations \"mesh\" was added",
            ]
        );
    }
}
