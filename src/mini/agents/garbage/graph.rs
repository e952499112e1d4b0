//! Who owns whom, and what follows for an object.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use crate::mini::agents::{Key, kinds::Kind};

/// Finalizer of an object that goes after its dependents.
pub(super) const FOREGROUND: &str = "foregroundDeletion";
/// Finalizer of an object that lets its dependents live.
pub(super) const ORPHAN: &str = "orphan";

/// What is known of an object.
#[derive(Clone, Debug)]
pub struct Object {
    /// What it is.
    pub kind: &'static Kind,
    /// Where it is.
    pub key: Key,
    /// Its version, the precondition of what is done to it.
    pub version: Option<String>,
    /// Whom it belongs to.
    pub owners: Vec<OwnerReference>,
    /// What holds it back.
    pub finalizers: Vec<String>,
    /// Its deletion was asked for.
    pub deleting: bool,
}

impl Object {
    fn new(kind: &'static Kind, key: &Key, meta: &ObjectMeta) -> Self {
        Self {
            kind,
            key: key.clone(),
            version: meta.resource_version.clone(),
            owners: meta.owner_references.clone().unwrap_or_default(),
            finalizers: meta.finalizers.clone().unwrap_or_default(),
            deleting: meta.deletion_timestamp.is_some(),
        }
    }

    /// Whether it waits for its dependents.
    fn waits(&self) -> bool {
        self.deleting && self.has(FOREGROUND)
    }

    /// Whether it has that finalizer.
    pub fn has(&self, finalizer: &str) -> bool {
        self.finalizers.iter().any(|name| name == finalizer)
    }
}

/// What to do about an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Nothing.
    Rest,
    /// It waits for its dependents: look at these next.
    Look(Vec<String>),
    /// It waits for nobody any more: take its finalizer away.
    Release(&'static str),
    /// Take it from the owners of these, then release it.
    Orphan(Vec<String>),
    /// Some owner lives: forget these others.
    Forget(Vec<String>),
    /// Ask the API server whether these owners are there.
    Ask(Vec<OwnerReference>),
    /// No owner lives: delete it, in that way.
    Delete(&'static str),
}

/// All objects by UID, and their dependents.
#[derive(Debug, Default)]
pub struct Graph {
    objects: BTreeMap<String, Object>,
    /// By the owner's UID, whether the owner is known or not.
    dependents: BTreeMap<String, BTreeSet<String>>,
    /// Owners that were seen to be gone.
    absent: BTreeSet<String>,
    /// Owners that the API server has, and no cache.
    present: BTreeSet<String>,
}

impl Graph {
    /// Takes note of a change, and says which objects have to be looked at.
    pub fn note(
        &mut self,
        kind: &'static Kind,
        key: &Key,
        old: Option<&ObjectMeta>,
        new: Option<&ObjectMeta>,
    ) -> Vec<String> {
        let mut look = Vec::new();
        let uid = |meta: &ObjectMeta| meta.uid.clone().unwrap_or_default();
        if let Some(old) = old.filter(|old| new.is_none_or(|new| new.uid != old.uid)) {
            self.remove(&uid(old), &mut look);
        }
        if let Some(new) = new {
            self.put(uid(new), Object::new(kind, key, new), &mut look);
        }
        look
    }

    fn remove(&mut self, uid: &str, look: &mut Vec<String>) {
        self.absent.insert(uid.to_owned());
        self.present.remove(uid);
        let owners = self.objects.remove(uid).map(|object| object.owners);
        self.unlink(uid, &owners.unwrap_or_default(), look);
        look.extend(self.dependents.get(uid).into_iter().flatten().cloned());
    }

    /// The object depends no longer on these; those of them that wait for it may go on.
    fn unlink(&mut self, uid: &str, owners: &[OwnerReference], look: &mut Vec<String>) {
        for owner in owners {
            if let Some(dependents) = self.dependents.get_mut(&owner.uid) {
                dependents.remove(uid);
                if dependents.is_empty() {
                    self.dependents.remove(&owner.uid);
                }
            }
            if self.objects.get(&owner.uid).is_some_and(Object::waits) {
                look.push(owner.uid.clone());
            }
        }
    }

    fn put(&mut self, uid: String, object: Object, look: &mut Vec<String>) {
        let before = self.objects.remove(&uid);
        let owners = before.map(|before| before.owners).unwrap_or_default();
        if owners != object.owners {
            self.unlink(&uid, &owners, look);
        }
        for owner in &object.owners {
            self.dependents
                .entry(owner.uid.clone())
                .or_default()
                .insert(uid.clone());
        }
        let settled = object.owners.iter().all(|owner| {
            self.objects
                .get(&owner.uid)
                .is_some_and(|owner| !owner.waits())
                || self.present.contains(&owner.uid)
        });
        if !settled || (object.deleting && (object.has(FOREGROUND) || object.has(ORPHAN))) {
            look.push(uid.clone());
        }
        self.objects.insert(uid, object);
    }

    /// Takes note of whether an owner is there.
    pub fn answer(&mut self, owner: String, there: bool) {
        match there {
            true => self.present.insert(owner),
            false => self.absent.insert(owner),
        };
    }

    /// The object of that UID.
    pub fn get(&self, uid: &str) -> Option<&Object> {
        self.objects.get(uid)
    }

    fn dependents(&self, uid: &str) -> impl Iterator<Item = (&String, &Object)> {
        let all = self.dependents.get(uid).into_iter().flatten();
        all.filter_map(|uid| Some((uid, self.objects.get(uid)?)))
    }

    /// Decides about an object.
    pub fn step(&self, uid: &str) -> Step {
        let Some(object) = self.get(uid) else {
            return Step::Rest;
        };
        if object.deleting {
            return self.step_of_deleting(uid, object);
        }
        let (mut solid, mut waiting, mut dangling, mut unknown) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for owner in &object.owners {
            match self.objects.get(&owner.uid) {
                Some(known) if known.waits() => waiting.push(owner.uid.clone()),
                Some(_) => solid.push(owner),
                None if self.absent.contains(&owner.uid) => dangling.push(owner.uid.clone()),
                None if self.present.contains(&owner.uid) => solid.push(owner),
                None => unknown.push(owner.clone()),
            }
        }
        match (
            object.owners.is_empty(),
            unknown.is_empty(),
            solid.is_empty(),
        ) {
            (true, _, _) => Step::Rest,
            (_, false, _) => Step::Ask(unknown),
            (_, _, false) => {
                dangling.extend(waiting);
                match dangling.is_empty() {
                    true => Step::Rest,
                    false => Step::Forget(dangling),
                }
            }
            // An owner that waits for this one wants it to wait for its own dependents first.
            (_, _, true) if !waiting.is_empty() && self.dependents(uid).next().is_some() => {
                Step::Delete("Foreground")
            }
            (_, _, true) if object.has(ORPHAN) => Step::Delete("Orphan"),
            (_, _, true) if object.has(FOREGROUND) => Step::Delete("Foreground"),
            (_, _, true) => Step::Delete("Background"),
        }
    }

    fn step_of_deleting(&self, uid: &str, object: &Object) -> Step {
        if object.has(ORPHAN) {
            return Step::Orphan(self.dependents(uid).map(|(uid, _)| uid.clone()).collect());
        }
        if !object.has(FOREGROUND) {
            return Step::Rest;
        }
        let blocks = |dependent: &Object| {
            let mut owners = dependent.owners.iter();
            owners.any(|owner| owner.uid == uid && owner.block_owner_deletion == Some(true))
        };
        if !self.dependents(uid).any(|(_, dependent)| blocks(dependent)) {
            return Step::Release(FOREGROUND);
        }
        let idle = self
            .dependents(uid)
            .filter(|(_, dependent)| !dependent.deleting);
        Step::Look(idle.map(|(uid, _)| uid.clone()).collect())
    }
}
