//! The volumes of a pod, as trees of files.
//!
//! The data of a claim lives with its PersistentVolume, on a disk of the network. What is made from other objects is
//! made anew whenever they change.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    ConfigMap, Container, DownwardAPIVolumeFile, KeyToPath, PersistentVolume,
    PersistentVolumeClaim, Pod, Secret, Volume,
};
use kube::ResourceExt;

use super::fields::{Facts, field, resource};
use crate::mini::agents::{
    Informer, Key,
    network::Network,
    shell::files::{Mount, Tree, plain},
};

/// Where the objects are found that volumes are made from.
#[derive(Clone)]
pub(super) struct Objects {
    pub config_maps: Informer<ConfigMap>,
    pub secrets: Informer<Secret>,
    pub claims: Informer<PersistentVolumeClaim>,
    pub volumes: Informer<PersistentVolume>,
}

/// Files with their modes, by path.
type Rendered = BTreeMap<String, (Vec<u8>, u32)>;

/// One volume of a pod.
#[derive(Clone, Debug)]
pub(super) struct Mounted {
    pub tree: Tree,
    /// It is made from other objects, and nobody may write to it.
    pub made: bool,
}

/// The name of a disk with a PersistentVolume's data.
pub(super) fn disk_name(volume: &PersistentVolume) -> String {
    format!(
        "volume/{}",
        volume.uid().unwrap_or_else(|| volume.name_any())
    )
}

/// The claim that a volume of a pod uses.
fn claim_of(pod: &Pod, volume: &Volume) -> Option<String> {
    let named = volume
        .persistent_volume_claim
        .as_ref()
        .map(|source| source.claim_name.clone());
    named.or_else(|| {
        volume
            .ephemeral
            .as_ref()
            .map(|_| format!("{}-{}", pod.name_any(), volume.name))
    })
}

impl Objects {
    /// Makes all volumes of a pod.
    ///
    /// # Errors
    /// One of them cannot be had yet; in the words of the event that tells of it.
    pub(super) fn mount(
        &self,
        facts: Facts<'_>,
        network: &Network,
    ) -> Result<BTreeMap<String, Mounted>, String> {
        let pod = facts.pod;
        let volumes = pod.spec.as_ref().and_then(|spec| spec.volumes.as_ref());
        let mut found = BTreeMap::new();
        for volume in volumes.into_iter().flatten() {
            let failed = |why: String| {
                format!(
                    "MountVolume.SetUp failed for volume \"{}\" : {why}",
                    volume.name
                )
            };
            let tree = match self.render(facts, volume) {
                Some(rendered) => {
                    let tree = Tree::default();
                    tree.replace(&rendered.map_err(failed)?);
                    let made = true;
                    found.insert(volume.name.clone(), Mounted { tree, made });
                    continue;
                }
                None => match (claim_of(pod, volume), &volume.host_path, &volume.nfs) {
                    (Some(claim), ..) => network.disk(&self.disk_of(pod, &claim)?),
                    (_, Some(host), _) => {
                        network.disk(&format!("host/{}{}", facts.site.host, host.path))
                    }
                    (_, _, Some(share)) => {
                        network.disk(&format!("share/{}{}", share.server, share.path))
                    }
                    _ => Tree::default(),
                },
            };
            let made = false;
            found.insert(volume.name.clone(), Mounted { tree, made });
        }
        Ok(found)
    }

    /// Makes again what is made from other objects. What cannot be made now stays as it was.
    pub(super) fn refresh(&self, facts: Facts<'_>, mounted: &BTreeMap<String, Mounted>) {
        let volumes = facts
            .pod
            .spec
            .as_ref()
            .and_then(|spec| spec.volumes.as_ref());
        for volume in volumes.into_iter().flatten() {
            if let Some(Ok(rendered)) = self.render(facts, volume)
                && let Some(known) = mounted.get(&volume.name)
            {
                known.tree.replace(&rendered);
            }
        }
    }

    /// The disk of a claim that is bound.
    fn disk_of(&self, pod: &Pod, claim: &str) -> Result<String, String> {
        let namespace = pod.namespace().unwrap_or_default();
        let found = self.claims.get(&Key::new(namespace, claim));
        let found = found.ok_or_else(|| format!("persistentvolumeclaim \"{claim}\" not found"))?;
        if found.metadata.deletion_timestamp.is_some() {
            return Err(format!(
                "can't start pod because PVC \"{claim}\" is being deleted"
            ));
        }
        let phase = found
            .status
            .as_ref()
            .and_then(|status| status.phase.as_deref());
        let volume = found
            .spec
            .as_ref()
            .and_then(|spec| spec.volume_name.clone());
        match volume.filter(|_| phase == Some("Bound")) {
            None => Err(format!("PVC \"{claim}\" is not bound")),
            Some(name) => {
                let volume = self.volumes.get(&Key::new("", &name));
                let volume =
                    volume.ok_or_else(|| format!("persistentvolume \"{name}\" not found"))?;
                Ok(disk_name(&volume))
            }
        }
    }

    /// The files of a volume that is made from other objects; None for any other volume.
    fn render(&self, facts: Facts<'_>, volume: &Volume) -> Option<Result<Rendered, String>> {
        if let Some(source) = &volume.config_map {
            let mode = source.default_mode;
            return Some(self.config_map(
                facts.pod,
                &source.name,
                source.items.as_deref(),
                source.optional,
                mode,
            ));
        }
        if let Some(source) = &volume.secret {
            let name = source.secret_name.clone().unwrap_or_default();
            let mode = source.default_mode;
            return Some(self.secret(
                facts.pod,
                &name,
                source.items.as_deref(),
                source.optional,
                mode,
            ));
        }
        if let Some(source) = &volume.downward_api {
            return Some(Ok(downward(
                facts,
                source.items.as_deref(),
                source.default_mode,
            )));
        }
        let source = volume.projected.as_ref()?;
        let mode = source.default_mode;
        let mut all = Rendered::new();
        for one in source.sources.iter().flatten() {
            let mut part = Ok(Rendered::new());
            if let Some(one) = &one.config_map {
                part = self.config_map(
                    facts.pod,
                    &one.name,
                    one.items.as_deref(),
                    one.optional,
                    mode,
                );
            } else if let Some(one) = &one.secret {
                part = self.secret(
                    facts.pod,
                    &one.name,
                    one.items.as_deref(),
                    one.optional,
                    mode,
                );
            } else if let Some(one) = &one.downward_api {
                part = Ok(downward(facts, one.items.as_deref(), mode));
            } else if let Some(one) = &one.service_account_token {
                let token = format!(
                    "stsspec.{}",
                    super::images::hex64(&facts.pod.uid().unwrap_or_default())
                );
                part = Ok([(
                    plain("/", &one.path),
                    (token.into_bytes(), bits(None, mode)),
                )]
                .into());
            }
            match part {
                Ok(part) => all.extend(part),
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(all))
    }

    fn config_map(
        &self,
        pod: &Pod,
        name: &str,
        items: Option<&[KeyToPath]>,
        optional: Option<bool>,
        mode: Option<i32>,
    ) -> Result<Rendered, String> {
        let found = self
            .config_maps
            .get(&Key::new(pod.namespace().unwrap_or_default(), name));
        let mut data = BTreeMap::new();
        match found {
            Some(found) => {
                let texts = found
                    .data
                    .iter()
                    .flatten()
                    .map(|(key, text)| (key.clone(), text.clone().into_bytes()));
                data.extend(texts);
                let bytes = found
                    .binary_data
                    .iter()
                    .flatten()
                    .map(|(key, bytes)| (key.clone(), bytes.0.clone()));
                data.extend(bytes);
            }
            None if optional == Some(true) => {}
            None => return Err(format!("configmap \"{name}\" not found")),
        }
        choose(
            data,
            items,
            optional,
            mode,
            &format!("configmap references non-existent config key in {name}"),
        )
    }

    fn secret(
        &self,
        pod: &Pod,
        name: &str,
        items: Option<&[KeyToPath]>,
        optional: Option<bool>,
        mode: Option<i32>,
    ) -> Result<Rendered, String> {
        let found = self
            .secrets
            .get(&Key::new(pod.namespace().unwrap_or_default(), name));
        let data = match found {
            Some(found) => found
                .data
                .iter()
                .flatten()
                .map(|(key, bytes)| (key.clone(), bytes.0.clone()))
                .collect(),
            None if optional == Some(true) => BTreeMap::new(),
            None => return Err(format!("secret \"{name}\" not found")),
        };
        choose(
            data,
            items,
            optional,
            mode,
            &format!("references non-existent secret key in {name}"),
        )
    }
}

fn bits(own: Option<i32>, usual: Option<i32>) -> u32 {
    let mode = own.or(usual).unwrap_or(0o644);
    u32::try_from(mode).unwrap_or(0o644)
}

fn choose(
    data: BTreeMap<String, Vec<u8>>,
    items: Option<&[KeyToPath]>,
    optional: Option<bool>,
    mode: Option<i32>,
    missing: &str,
) -> Result<Rendered, String> {
    let Some(items) = items.filter(|items| !items.is_empty()) else {
        let all = data
            .into_iter()
            .map(|(key, bytes)| (plain("/", &key), (bytes, bits(None, mode))));
        return Ok(all.collect());
    };
    let mut chosen = Rendered::new();
    for item in items {
        match data.get(&item.key) {
            Some(bytes) => {
                let mode = bits(item.mode, mode);
                chosen.insert(plain("/", &item.path), (bytes.clone(), mode));
            }
            None if optional == Some(true) => {}
            None => return Err(format!("{missing}: {}", item.key)),
        }
    }
    Ok(chosen)
}

fn downward(
    facts: Facts<'_>,
    items: Option<&[DownwardAPIVolumeFile]>,
    mode: Option<i32>,
) -> Rendered {
    let mut files = Rendered::new();
    for item in items.into_iter().flatten() {
        let text = match (&item.field_ref, &item.resource_field_ref) {
            (Some(selector), _) => field(facts, &selector.field_path),
            (None, Some(selector)) => {
                let name = selector.container_name.as_deref();
                let containers = facts.pod.spec.iter().flat_map(|spec| &spec.containers);
                let mut named =
                    containers.filter(|container| Some(container.name.as_str()) == name);
                named
                    .next()
                    .and_then(|container| resource(container, selector))
            }
            (None, None) => None,
        };
        let text = text.unwrap_or_default();
        files.insert(
            plain("/", &item.path),
            (text.into_bytes(), bits(item.mode, mode)),
        );
    }
    files
}

/// Where a container sees the volumes of its pod.
pub(super) fn mounts(
    container: &Container,
    volumes: &BTreeMap<String, Mounted>,
    environment: &BTreeMap<String, String>,
) -> Vec<Mount> {
    let mut found = Vec::new();
    for mount in container.volume_mounts.iter().flatten() {
        let Some(volume) = volumes.get(&mount.name) else {
            continue;
        };
        let part = match (&mount.sub_path, &mount.sub_path_expr) {
            (_, Some(expression)) => super::environment::expanded(expression, environment),
            (Some(part), None) => part.clone(),
            (None, None) => String::new(),
        };
        found.push(Mount {
            at: plain("/", &mount.mount_path),
            tree: volume.tree.clone(),
            part: plain("/", &part),
            read_only: volume.made || mount.read_only == Some(true),
        });
    }
    found
}
