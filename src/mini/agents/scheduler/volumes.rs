//! The claims of a pod: are they there, and which node suits them.

use std::sync::Arc;

use k8s_openapi::api::{
    core::v1::{Node, PersistentVolumeClaim, Pod},
    storage::v1::StorageClass,
};
use kube::ResourceExt;

use super::{
    affinity::selects_node,
    fit::{Misfit, Snapshot},
};
use crate::mini::agents::{Key, volumes::matching};

pub(super) use matching::SELECTED_NODE;

/// A claim of a pod.
pub(super) struct Claim {
    claim: Arc<PersistentVolumeClaim>,
}

/// What a claim needs before its pod goes to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// Nothing, it is bound.
    Bound,
    /// Time: its volume is chosen or being made.
    Coming,
    /// A new volume for that node.
    Provisioned {
        /// The claim's name.
        claim: String,
        /// The node's name.
        node: String,
    },
    /// A volume that is there.
    Static {
        /// The claim's name.
        claim: String,
        /// The volume's name.
        volume: String,
    },
}

/// The names of the pod's claims, each with whether it is an ephemeral volume's.
fn names(pod: &Pod) -> Vec<(String, bool)> {
    let spec = pod.spec.as_ref();
    let volumes = spec
        .and_then(|spec| spec.volumes.as_deref())
        .unwrap_or_default();
    volumes
        .iter()
        .filter_map(
            |volume| match (&volume.persistent_volume_claim, &volume.ephemeral) {
                (Some(source), _) => Some((source.claim_name.clone(), false)),
                (None, Some(_)) => Some((format!("{}-{}", pod.name_any(), volume.name), true)),
                (None, None) => None,
            },
        )
        .collect()
}

/// The claims of a pod, or why it cannot go anywhere.
pub(super) fn of_pod(pod: &Pod, snapshot: &Snapshot) -> Result<Vec<Claim>, String> {
    let namespace = pod.namespace().unwrap_or_default();
    let mut claims = Vec::new();
    for (name, ephemeral) in names(pod) {
        let claim = match snapshot
            .claims
            .get(&Key::new(namespace.as_str(), name.as_str()))
        {
            Some(claim) => Arc::clone(claim),
            None if ephemeral => {
                return Err(format!(
                    "waiting for ephemeral volume controller to create the persistentvolumeclaim {name:?}"
                ));
            }
            None => return Err(format!("persistentvolumeclaim {name:?} not found")),
        };
        if matching::phase(&claim) == "Lost" {
            let volume = matching::volume_name(&claim);
            return Err(format!(
                "persistentvolumeclaim {name:?} bound to non-existent persistentvolume {volume:?}"
            ));
        }
        if claim.metadata.deletion_timestamp.is_some() {
            return Err(format!("persistentvolumeclaim {name:?} is being deleted"));
        }
        claims.push(Claim { claim });
    }
    let unbound = claims
        .iter()
        .any(|claim| !matching::is_bound(&claim.claim) && !claim.waits(snapshot));
    match unbound {
        true => Err("pod has unbound immediate PersistentVolumeClaims".to_owned()),
        false => Ok(claims),
    }
}

impl Claim {
    fn class<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a StorageClass> {
        matching::class(&self.claim, &snapshot.classes)
    }

    /// Its class binds when a pod comes.
    fn waits(&self, snapshot: &Snapshot) -> bool {
        self.class(snapshot)
            .is_some_and(matching::waits_for_consumer)
            && matching::volume_name(&self.claim).is_empty()
    }
}

/// What the claims need on that node, or why it does not suit them.
pub(super) fn on_node(
    claims: &[Claim],
    node: &Node,
    snapshot: &Snapshot,
) -> Result<Vec<Want>, Misfit> {
    let mut wanted = Vec::new();
    let mut taken = Vec::new();
    for it in claims {
        let name = it.claim.name_any();
        if matching::is_bound(&it.claim) {
            reachable(&it.claim, node, snapshot)?;
            wanted.push(Want::Bound);
            continue;
        }
        let selected = it.claim.annotations().get(SELECTED_NODE);
        let here = selected.is_some() && selected == node.metadata.name.as_ref();
        let found = match selected {
            Some(_) => None,
            None => matching::find(&it.claim, &snapshot.volumes, Some(node), &taken),
        };
        if let Some(found) = found {
            let volume = found.name_any();
            taken.push(volume.clone());
            wanted.push(match matching::is_for(found, &it.claim) {
                true => Want::Coming,
                false => Want::Static {
                    claim: name,
                    volume,
                },
            });
            continue;
        }
        let class = it.class(snapshot);
        let provisions = class.is_some_and(|class| matching::provisions(class, node));
        if !provisions || (selected.is_some() && !here) {
            return Err(Misfit::for_good(
                "node(s) didn't find available persistent volumes to bind",
            ));
        }
        let node = node.name_any();
        wanted.push(match here {
            true => Want::Coming,
            false => Want::Provisioned { claim: name, node },
        });
    }
    Ok(wanted)
}

fn reachable(
    claim: &PersistentVolumeClaim,
    node: &Node,
    snapshot: &Snapshot,
) -> Result<(), Misfit> {
    let name = matching::volume_name(claim);
    let volume = snapshot
        .volumes
        .iter()
        .find(|volume| volume.name_any() == name);
    let Some(volume) = volume else {
        return Err(Misfit::for_good(
            "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)",
        ));
    };
    let spec = volume.spec.as_ref();
    let affinity = spec.and_then(|spec| spec.node_affinity.as_ref());
    let required = affinity.and_then(|affinity| affinity.required.as_ref());
    match required.is_none_or(|required| selects_node(required, node)) {
        true => Ok(()),
        false => Err(Misfit::for_good(
            "node(s) didn't match PersistentVolume's node affinity",
        )),
    }
}

/// A claim of mode ReadWriteOncePod serves one pod at a time.
pub(super) fn exclusive(pod: &Pod, claims: &[Claim], snapshot: &Snapshot) -> Result<(), Misfit> {
    for it in claims {
        let spec = it.claim.spec.as_ref();
        let modes = spec
            .and_then(|spec| spec.access_modes.as_deref())
            .unwrap_or_default();
        if !modes.iter().any(|mode| mode == "ReadWriteOncePod") {
            continue;
        }
        let name = it.claim.name_any();
        let used = snapshot.placed.iter().any(|(_, other)| {
            other.metadata.namespace == pod.metadata.namespace
                && other.metadata.uid != pod.metadata.uid
                && names(other).iter().any(|(used, _)| *used == name)
        });
        if used {
            return Err(Misfit::for_others(
                "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod",
            ));
        }
    }
    Ok(())
}
