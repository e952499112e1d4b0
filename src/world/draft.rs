//! Sets before they are created, and changes of those that are there.

use kube::{
    Resource as _,
    api::{DeleteParams, DynamicObject, PostParams},
};
use serde_json::{Value, json};

use super::{GATE, World};
use crate::{
    cluster::{Capabilities, Terms},
    evidence::{History, Key, Kind},
    verdict::Stop,
};

/// Annotation of a pod template by which sentences tell revisions apart.
pub const REVISION_ANNOTATION: &str = "stsspec.dev/revision";

impl World {
    /// A set that is not there yet becomes the one that sentences speak of.
    pub fn plan(&mut self, name: &str) {
        self.current = name.to_owned();
        if !self.drafts.contains_key(name) {
            let draft = self.bare(name);
            self.drafts.insert(name.to_owned(), draft);
        }
    }

    fn bare(&self, name: &str) -> Value {
        let mut pod = pod_spec(self.scene.cluster.capabilities());
        if self.speaks_of_readiness() {
            pod["readinessGates"] = json!([{ "conditionType": GATE }]);
        }
        json!({
            "metadata": { "name": name },
            "spec": {
                "serviceName": name,
                "selector": { "matchLabels": { "app": name } },
                "template": { "metadata": { "labels": { "app": name } }, "spec": pod },
            },
        })
    }

    /// Lays a change over the set that sentences speak of: over its draft, or over what is there.
    ///
    /// # Errors
    ///
    /// The cluster refuses the change: inconclusive.
    pub async fn shape(&mut self, change: Value) -> Result<(), Stop> {
        if self.current.is_empty() {
            return Err(Stop::Inconclusive("no set was named before".into()));
        }
        if let Some(draft) = self.drafts.get_mut(&self.current) {
            overlay(draft, change);
            return Ok(());
        }
        self.acts().await;
        let name = self.current.clone();
        self.change(Kind::Set, &name, change).await
    }

    /// Lays a change over an object that is there.
    ///
    /// # Errors
    ///
    /// The cluster refuses it: inconclusive.
    pub async fn change(&self, kind: Kind, name: &str, change: Value) -> Result<(), Stop> {
        let api = self.api(kind);
        loop {
            let object = api.get(name).await?;
            let mut value = serde_json::to_value(&object).unwrap_or_default();
            overlay(&mut value, change.clone());
            let object: DynamicObject = serde_json::from_value(value).map_err(|error| {
                Stop::Inconclusive(format!("the {kind} cannot be changed so: {error}"))
            })?;
            match api.replace(name, &PostParams::default(), &object).await {
                Ok(written) => {
                    self.catches_up(kind, &written).await;
                    return Ok(());
                }
                Err(kube::Error::Api(status)) if status.reason == "Conflict" => {}
                Err(kube::Error::Api(status))
                    if kind == Kind::Claim && status.message.contains("can be resized") =>
                {
                    return Err(Stop::Skip("the StorageClass lets no claim grow".into()));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Creates the set as it was planned.
    ///
    /// # Errors
    ///
    /// The cluster refuses it: inconclusive.
    pub async fn create_set(&mut self, name: &str, replicas: usize) -> Result<(), Stop> {
        self.plan(name);
        self.acts().await;
        let mut draft = self.drafts.remove(name).unwrap_or_default();
        draft["spec"]["replicas"] = json!(replicas);
        // A set that is created again is created as it was.
        self.notes.insert(format!("plan of {name}"), draft.clone());
        self.create(Kind::Set, draft).await
    }

    /// Creates an object of a kind from its metadata and spec.
    ///
    /// # Errors
    ///
    /// The cluster refuses it: inconclusive.
    pub async fn create(&self, kind: Kind, mut manifest: Value) -> Result<(), Stop> {
        let resource = self.recorder.resource(kind);
        manifest["apiVersion"] = json!(resource.api_version);
        manifest["kind"] = json!(resource.kind);
        // A field that the cluster does not know is a mistake of the description, not something to be dropped.
        let path = DynamicObject::url_path(&resource, Some(self.namespace()));
        let request = http::Request::post(format!("{path}?fieldValidation=Strict"))
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(as_go_writes(&manifest).into_bytes())
            .map_err(|error| {
                Stop::Inconclusive(format!("a {kind} cannot be asked for: {error}"))
            })?;
        let written = self.client.0.request::<DynamicObject>(request).await?;
        self.catches_up(kind, &written).await;
        Ok(())
    }

    /// Waits until the recorder has seen that what bore a name when the scenario last did something is going or gone: a
    /// step that waits for its successor must not take it for that.
    pub async fn sees_the_end(&self, kind: Kind, name: &str) {
        let key = Key::new(kind, self.namespace(), name);
        let old = self
            .see(|seen| seen.old(kind, name))
            .map(|old| old.uid().to_owned());
        let ends = |history: &History| {
            let ended = history.get(&key).is_none_or(|object| {
                object.meta().deletion_timestamp.is_some() || Some(object.uid()) != old.as_deref()
            });
            ended.then_some(())
        };
        let _ = self.recorder.until(self.scene.deadlines.quiet, ends).await;
    }

    /// As `catches_up`, for an object that says of which recorded kind it is.
    pub async fn sees_written(&self, written: &DynamicObject) {
        let word = written.types.as_ref().map(|types| types.kind.as_str());
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| Some(self.recorder.resource(*kind).kind.as_str()) == word);
        if let Some(kind) = kind {
            self.catches_up(kind, written).await;
        }
    }

    /// Waits until the recorder has seen what was written, or what came after it: a step that judges at once judges that.
    async fn catches_up(&self, kind: Kind, written: &DynamicObject) {
        let name = written.metadata.name.as_deref().unwrap_or_default();
        let version = written.metadata.resource_version.as_deref();
        let version: u64 = version.and_then(|text| text.parse().ok()).unwrap_or(0);
        let namespace = self.namespace();
        let seen = |history: &History| {
            let mut changes = history.changes().iter().rev();
            let found = changes.any(|change| {
                change.object.kind() == kind
                    && change.object.namespace() == namespace
                    && change.object.name() == name
                    && change.version >= version
            });
            found.then_some(())
        };
        let _ = self.recorder.until(self.scene.deadlines.quiet, seen).await;
    }

    /// Asks for the end of an object. One that is gone already is no error.
    ///
    /// # Errors
    ///
    /// The cluster refuses it: inconclusive.
    pub async fn delete(&self, kind: Kind, name: &str, params: &DeleteParams) -> Result<(), Stop> {
        match self.api(kind).delete(name, params).await {
            Ok(_) => {
                self.sees_the_end(kind, name).await;
                Ok(())
            }
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// A pod that every cluster accepts and that ends at once when it is told to.
pub fn pod_spec(cluster: &Capabilities) -> Value {
    let mut pod = json!({
        "terminationGracePeriodSeconds": 1,
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": 65534,
            "runAsGroup": 65534,
            "fsGroup": 65534,
            "seccompProfile": { "type": "RuntimeDefault" },
        },
        "containers": [{
            "name": "main",
            "image": cluster.image,
            "command": ["sh", "-c", "trap 'exit 0' TERM; sleep 2147483647 & wait"],
            "resources": {
                "requests": { "cpu": "1m", "memory": "8Mi" },
                "limits": { "cpu": "100m", "memory": "32Mi" },
            },
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "capabilities": { "drop": ["ALL"] },
            },
        }],
    });
    comply(&mut pod, &cluster.terms);
    pod
}

/// Adds to a pod's spec what it has to say to run on a cluster.
pub(super) fn comply(pod: &mut Value, terms: &Terms) {
    if !terms.image_pull_secrets.is_empty() {
        let secrets = terms.image_pull_secrets.iter();
        let named: Vec<Value> = secrets.map(|name| json!({ "name": name })).collect();
        pod["imagePullSecrets"] = json!(named);
    }
    if !terms.tolerations.is_empty() {
        pod["tolerations"] = json!(terms.tolerations);
    }
    if !terms.node_selector.is_empty() {
        pod["nodeSelector"] = json!(terms.node_selector);
    }
}

/// Lays a change over a value: objects field by field, lists of named things by name, null takes a field away, and
/// everything else is replaced.
pub fn overlay(base: &mut Value, change: Value) {
    match (base, change) {
        (Value::Object(base), Value::Object(change)) => {
            for (key, value) in change {
                if value.is_null() {
                    base.remove(&key);
                } else if let Some(known) = base.get_mut(&key) {
                    overlay(known, value);
                } else {
                    base.insert(key, value);
                }
            }
        }
        (Value::Array(base), Value::Array(change)) if named(base) && named(&change) => {
            for value in change {
                match base
                    .iter_mut()
                    .find(|known| name_of(known) == name_of(&value))
                {
                    Some(known) => overlay(known, value),
                    None => base.push(value),
                }
            }
        }
        (base, change) => *base = change,
    }
}

fn named(list: &[Value]) -> bool {
    !list.is_empty() && list.iter().all(|value| name_of(value).is_some())
}

/// The data of a revision is kept, and compared, as the bytes that were sent. Only those that Go's encoder writes can be
/// changed by others, who decode and encode them.
fn as_go_writes(value: &Value) -> String {
    // These letters are in strings only.
    let text = value.to_string();
    text.replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
}

fn name_of(value: &Value) -> Option<&str> {
    let name = value
        .get("name")
        .or_else(|| value.pointer("/metadata/name"));
    name.and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_cluster_asks_of_pods_is_said_by_every_pod() {
        let mut cluster = crate::cluster::embedded::capabilities((1, 37));
        let toleration = json!({ "key": "k", "operator": "Exists" });
        cluster.terms = Terms {
            image_pull_secrets: vec!["mirror".to_owned()],
            tolerations: vec![toleration.clone()],
            node_selector: [("disk".to_owned(), "fast".to_owned())].into(),
        };
        let pod = pod_spec(&cluster);
        assert_eq!(pod["imagePullSecrets"], json!([{ "name": "mirror" }]));
        assert_eq!(pod["tolerations"], json!([toleration]));
        assert_eq!(pod["nodeSelector"], json!({ "disk": "fast" }));
    }

    #[test]
    fn a_change_is_laid_over_fields_and_named_things() {
        let cases = [
            (json!({"a": 1}), json!({"b": 2}), json!({"a": 1, "b": 2})),
            (
                json!({"a": {"b": 1}}),
                json!({"a": {"b": null}}),
                json!({"a": {}}),
            ),
            (
                json!([{"name": "x", "v": 1}, {"name": "y"}]),
                json!([{"name": "x", "v": 2}, {"name": "z"}]),
                json!([{"name": "x", "v": 2}, {"name": "y"}, {"name": "z"}]),
            ),
            (
                json!([{"metadata": {"name": "x"}}]),
                json!([{"metadata": {"name": "x", "a": 1}}]),
                json!([{"metadata": {"name": "x", "a": 1}}]),
            ),
            (json!([1, 2]), json!([3]), json!([3])),
        ];
        for (mut base, change, expected) in cases {
            overlay(&mut base, change.clone());
            assert_eq!(base, expected, "{change}");
        }
    }
}
