//! The manifests that sentences name.

use include_dir::{Dir, include_dir};
use kube::{
    Api,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
    core::GroupVersionKind,
};
use serde_json::Value;

use super::{
    World,
    draft::{comply, pod_spec},
};
use crate::{evidence::Kind, manifest, verdict::Stop};

static SETS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/fixtures/sets");

impl World {
    /// Applies every object of a manifest, in order; the names of its sets.
    ///
    /// # Errors
    ///
    /// No such manifest, text that is not YAML, or an object that the cluster refuses, a field that it does not know
    /// included: inconclusive, with the place.
    pub async fn apply_manifest(&mut self, name: &str) -> Result<Vec<String>, Stop> {
        let path = format!("{name}.yaml");
        let file = SETS.get_file(&path).and_then(|file| file.contents_utf8());
        let text = file.ok_or_else(|| {
            Stop::Inconclusive(format!("there is no manifest {path} in fixtures/sets"))
        })?;
        let objects = manifest::objects(&path, text)
            .map_err(|error| Stop::Inconclusive(error.to_string()))?;
        let mut sets = Vec::new();
        for object in objects {
            if let Some(set) = self.apply(&path, object).await? {
                sets.push(set);
            }
        }
        Ok(sets)
    }

    /// Makes a set's pods such as the cluster can run: a real one need not have the manifest's images, and the story is
    /// the same with a shell that waits.
    fn settle(&self, set: &mut Value) {
        let cluster = self.scene.cluster.capabilities();
        if cluster.virtual_time {
            return;
        }
        let pod = &mut set["spec"]["template"]["spec"];
        let ours = pod_spec(cluster);
        comply(pod, &cluster.terms);
        for field in ["terminationGracePeriodSeconds", "securityContext"] {
            if pod[field].is_null() {
                pod[field] = ours[field].clone();
            }
        }
        for container in pod["containers"].as_array_mut().into_iter().flatten() {
            for field in ["image", "command", "resources", "securityContext"] {
                container[field] = ours["containers"][0][field].clone();
            }
        }
        for claim in set["spec"]["volumeClaimTemplates"]
            .as_array_mut()
            .into_iter()
            .flatten()
        {
            self.classify(claim);
        }
    }

    /// Has a claim name the StorageClass that is meant, where one is.
    pub fn classify(&self, claim: &mut Value) {
        if let Some(class) = &self.scene.cluster.capabilities().storage_class {
            claim["spec"]["storageClassName"] = class.clone().into();
        }
    }

    /// Applies one object; its name if it is a set.
    async fn apply(&self, path: &str, mut object: Value) -> Result<Option<String>, Stop> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (kind, version) = (text(&object["kind"]), text(&object["apiVersion"]));
        let name = text(&object["metadata"]["name"]);
        let is_set = kind == "StatefulSet";
        let resource = if is_set {
            self.settle(&mut object);
            let resource = self.recorder.resource(Kind::Set);
            object["apiVersion"] = resource.api_version.clone().into();
            object["kind"] = resource.kind.clone().into();
            resource
        } else {
            let (group, version) = version.split_once('/').unwrap_or(("", &version));
            ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind))
        };
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.0.clone(), self.namespace(), &resource);
        let params = PatchParams::apply("stsspec").validation_strict();
        api.patch(&name, &params, &Patch::Apply(&object))
            .await
            .map_err(|error| {
                Stop::Inconclusive(format!("{path}: {kind} {name:?} is refused: {error}"))
            })?;
        Ok(is_set.then_some(name))
    }
}
