//! The history, asked in the words of the steps.

use std::{collections::BTreeMap, fmt::Write as _, sync::Arc};

use k8s_openapi::api::{
    apps::v1::{ControllerRevision, StatefulSet},
    core::v1::Pod,
};

use super::{Aspect, State};
use crate::{
    evidence::{Change, History, Key, Kind, Object, Verb},
    sets,
};

/// What was there at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// How many changes had been seen.
    pub index: usize,
    objects: BTreeMap<Key, Object>,
}

impl Snapshot {
    /// What is there now, in every namespace.
    pub fn of(history: &History) -> Self {
        let objects = Kind::ALL
            .into_iter()
            .flat_map(|kind| history.everywhere(kind))
            .map(|object| (Key::of(object), object.clone()))
            .collect();
        Self {
            index: history.changes().len(),
            objects,
        }
    }
}

/// The history of one namespace, and the moment when the scenario last did something.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// Everything that was seen.
    pub history: &'a History,
    /// The scenario's namespace.
    pub namespace: &'a str,
    /// What was there when the scenario last did something.
    pub before: &'a Snapshot,
}

/// One object from its creation to its end, as far as it was seen.
#[derive(Clone, Debug)]
pub struct Life {
    /// Its last state.
    pub last: Object,
    /// Its first state.
    pub first: Object,
    /// The place in the history where it appeared.
    pub created: usize,
    /// Where its deletion was asked for.
    pub asked: Option<usize>,
    /// Where it was gone.
    pub gone: Option<usize>,
}

impl<'a> Seen<'a> {
    /// The object of that name, if it is there.
    pub fn get(&self, kind: Kind, name: &str) -> Option<&'a Object> {
        self.history.get(&Key::new(kind, self.namespace, name))
    }

    /// The pod of that name, if it is there.
    pub fn pod(&self, name: &str) -> Option<&'a Arc<Pod>> {
        self.get(Kind::Pod, name)?.as_pod()
    }

    /// The set of that name, if it is there.
    pub fn set(&self, name: &str) -> Option<&'a Arc<StatefulSet>> {
        self.get(Kind::Set, name)?.as_set()
    }

    /// The objects of a kind that are there.
    pub fn all(&self, kind: Kind) -> Vec<&'a Object> {
        self.history.present(kind, self.namespace).collect()
    }

    /// The pods that carry a set's name and an ordinal, by ordinal.
    pub fn pods_of(&self, set: &str) -> Vec<&'a Arc<Pod>> {
        let mut pods: Vec<(sets::Ordinal, &'a Arc<Pod>)> = self
            .all(Kind::Pod)
            .into_iter()
            .filter_map(|object| Some((sets::ordinal_of(set, object.name())?, object.as_pod()?)))
            .collect();
        pods.sort_by_key(|(ordinal, _)| *ordinal);
        pods.into_iter().map(|(_, pod)| pod).collect()
    }

    /// Every change of a kind in the namespace, with its place.
    pub fn placed(&self, kind: Kind) -> impl Iterator<Item = (usize, &'a Change)> + use<'a> {
        let namespace = self.namespace;
        self.history
            .changes()
            .iter()
            .enumerate()
            .filter(move |(_, change)| {
                change.object.kind() == kind && change.object.namespace() == namespace
            })
    }

    /// Every change of a kind in the namespace.
    pub fn changes(&self, kind: Kind) -> impl Iterator<Item = &'a Change> + use<'a> {
        self.placed(kind).map(|(_, change)| change)
    }

    /// Everything of a kind that bore a name, one after the other.
    pub fn lives(&self, kind: Kind, name: &str) -> Vec<Life> {
        let mut lives: Vec<Life> = Vec::new();
        for (place, change) in self
            .placed(kind)
            .filter(|(_, change)| change.object.name() == name)
        {
            let known = lives
                .last_mut()
                .filter(|life| life.gone.is_none() && life.last.uid() == change.object.uid());
            let life = match known {
                Some(life) => life,
                None => {
                    lives.push(Life {
                        last: change.object.clone(),
                        first: change.object.clone(),
                        created: place,
                        asked: None,
                        gone: None,
                    });
                    let Some(life) = lives.last_mut() else {
                        continue;
                    };
                    life
                }
            };
            life.last = change.object.clone();
            let asked = change.object.meta().deletion_timestamp.is_some();
            if life.asked.is_none() && (asked || change.verb == Verb::Deleted) {
                life.asked = Some(place);
            }
            if change.verb == Verb::Deleted {
                life.gone = Some(place);
            }
        }
        lives
    }

    /// The object that bore a name when the scenario last did something; if there was none, the last one before.
    pub fn old(&self, kind: Kind, name: &str) -> Option<Object> {
        let key = Key::new(kind, self.namespace, name);
        if let Some(object) = self.before.objects.get(&key) {
            return Some(object.clone());
        }
        let lives = self.lives(kind, name);
        let past = lives
            .into_iter()
            .filter(|life| life.created < self.before.index);
        past.last().map(|life| life.last)
    }

    /// The pod that bore a name when the scenario last did something; if there was none, the last one before.
    pub fn old_pod(&self, name: &str) -> Option<Arc<Pod>> {
        self.old(Kind::Pod, name)?.as_pod().cloned()
    }

    /// The name of a revision of a set whose template carries that mark.
    pub fn revision(&self, set: &str, mark: &str) -> Option<String> {
        let uid = self
            .get(Kind::Set, set)
            .map(|set| set.uid().to_owned())
            .unwrap_or_default();
        self.all(Kind::Revision)
            .into_iter()
            .filter_map(Object::as_revision)
            .filter(|revision| sets::owner_uid(revision.as_ref()) == Some(&uid))
            .find(|revision| mark_of(revision) == Some(mark))
            .and_then(|revision| revision.metadata.name.clone())
    }

    /// A pod is in a state.
    pub fn is(&self, name: &str, state: State) -> bool {
        self.pod(name).is_some_and(|pod| holds(pod, state))
    }

    /// The sets and pods that are there, in a line.
    pub fn tell(&self) -> String {
        let mut text = String::new();
        for object in self.all(Kind::Set) {
            if let Some(set) = object.as_set() {
                let _ = write!(text, "set {}; ", tell_set(set));
            }
        }
        let pods: Vec<String> = self
            .all(Kind::Pod)
            .into_iter()
            .filter_map(|object| object.as_pod().map(|pod| tell_pod(pod)))
            .collect();
        if pods.is_empty() {
            text.push_str("no pods");
        } else {
            text.push_str(&pods.join(", "));
        }
        text
    }
}

/// The mark of the template in a revision's data.
pub fn mark_of(revision: &ControllerRevision) -> Option<&str> {
    let data = &revision.data.0;
    let annotations = data.pointer("/spec/template/metadata/annotations")?;
    annotations.get(super::REVISION_ANNOTATION)?.as_str()
}

/// A pod is in a state.
pub fn holds(pod: &Pod, state: State) -> bool {
    match state {
        State::Pending => phase(pod) == "Pending",
        State::Running => phase(pod) == "Running",
        State::Ready => sets::is_running_and_ready(pod),
        State::NotReady => !sets::is_running_and_ready(pod),
        State::Failed => sets::is_failed(pod),
    }
}

fn phase(pod: &Pod) -> &str {
    let status = pod.status.as_ref();
    status
        .and_then(|status| status.phase.as_deref())
        .unwrap_or("new")
}

/// A pod and its state, in words.
pub fn tell_pod(pod: &Pod) -> String {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let readiness = match phase(pod) {
        "Running" if sets::is_ready(pod) => " and Ready",
        "Running" => ", not Ready",
        _ => "",
    };
    let end = if sets::is_terminating(pod) {
        ", terminating"
    } else {
        ""
    };
    format!("{name} ({}{readiness}{end})", phase(pod))
}

fn tell_set(set: &StatefulSet) -> String {
    let name = set.metadata.name.as_deref().unwrap_or_default();
    let wanted = set.spec.replicas.unwrap_or(1);
    let status = set.status.clone().unwrap_or_default();
    format!(
        "{name}: {wanted} wanted, {} there, {} Ready, {} updated",
        status.replicas,
        status.ready_replicas.unwrap_or(0),
        status.updated_replicas.unwrap_or(0)
    )
}

/// What a pod has of something that may be compared; in words.
pub fn aspect(pod: &Pod, aspect: Aspect) -> String {
    let spec = pod.spec.as_ref();
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    match aspect {
        Aspect::HostName => text(spec.and_then(|spec| spec.hostname.as_ref())),
        Aspect::Subdomain => text(spec.and_then(|spec| spec.subdomain.as_ref())),
        Aspect::Labels => format!("{:?}", pod.metadata.labels.clone().unwrap_or_default()),
        Aspect::Owner => sets::owner_uid(pod).unwrap_or_default().to_owned(),
        Aspect::Claims => claims(pod).join(", "),
        Aspect::Uid => text(pod.metadata.uid.as_ref()),
        Aspect::Address => text(
            pod.status
                .as_ref()
                .and_then(|status| status.pod_ip.as_ref()),
        ),
        Aspect::Node => text(spec.and_then(|spec| spec.node_name.as_ref())),
        Aspect::Template => spec
            .map(|spec| serde_json::to_string(&spec.containers).unwrap_or_default())
            .unwrap_or_default(),
    }
}

/// The claims that a pod uses, by name.
pub fn claims(pod: &Pod) -> Vec<String> {
    let volumes = pod.spec.as_ref().and_then(|spec| spec.volumes.as_ref());
    volumes
        .into_iter()
        .flatten()
        .filter_map(|volume| Some(volume.persistent_volume_claim.as_ref()?.claim_name.clone()))
        .collect()
}
