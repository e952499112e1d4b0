//! The own-write gate: no sync of a set before the caches hold what the controller itself wrote for it.
//!
//! What counts is the newest version of pods, claims and the set's status that was written; releases, deletes and
//! revisions do not.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use super::set::Key;

/// A kind whose writes are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Pods: created, updated, adopted.
    Pods,
    /// Claims: created, updated.
    Claims,
    /// The set: its status.
    Sets,
}

/// The newest version of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// Of pods.
    pub pods: u64,
    /// Of claims.
    pub claims: u64,
    /// Of sets.
    pub sets: u64,
}

impl Versions {
    fn of(&mut self, resource: Resource) -> &mut u64 {
        match resource {
            Resource::Pods => &mut self.pods,
            Resource::Claims => &mut self.claims,
            Resource::Sets => &mut self.sets,
        }
    }
}

/// A cache that is not as far as the controller's own writes.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error(
    "read version: {read} is not as new as written version: {written} for group resource {resource}"
)]
pub struct Behind {
    read: u64,
    written: u64,
    resource: &'static str,
}

impl Behind {
    /// The kind that the cache holds, with its group: `pods`, `statefulsets.apps`.
    pub fn resource(&self) -> &'static str {
        self.resource
    }
}

/// What the controller wrote, by set.
#[derive(Debug, Default)]
pub struct OwnWrites(Mutex<BTreeMap<Key, (String, Versions)>>);

impl OwnWrites {
    /// Remembers a write for the set of that key and UID; what was remembered of another UID is forgotten.
    pub fn note(&self, key: &Key, uid: &str, resource: Resource, version: u64) {
        let mut writes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, versions) = writes.entry(key.clone()).or_default();
        if known != uid {
            (*known, *versions) = (uid.to_owned(), Versions::default());
        }
        let newest = versions.of(resource);
        *newest = version.max(*newest);
    }

    /// Forgets a set.
    pub fn forget(&self, key: &Key) {
        let mut writes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writes.remove(key);
    }

    /// Passes once the caches, which have processed `read`, hold all that was written for the set; then it is
    /// forgotten.
    ///
    /// # Errors
    ///
    /// The first cache that is behind.
    pub fn pass(&self, key: &Key, read: Versions) -> Result<(), Behind> {
        let mut writes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, written)) = writes.get(key).cloned() else {
            return Ok(());
        };
        let kinds = [
            (read.pods, written.pods, "pods"),
            (read.claims, written.claims, "persistentvolumeclaims"),
            (read.sets, written.sets, "statefulsets.apps"),
        ];
        for (read, written, resource) in kinds {
            if read < written {
                return Err(Behind {
                    read,
                    written,
                    resource,
                });
            }
        }
        writes.remove(key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key {
            namespace: "default".to_owned(),
            name: "web".to_owned(),
        }
    }

    #[test]
    fn a_set_waits_until_each_cache_holds_the_newest_own_write() {
        let writes = OwnWrites::default();
        writes.note(&key(), "u", Resource::Pods, 12);
        writes.note(&key(), "u", Resource::Pods, 10);
        writes.note(&key(), "u", Resource::Sets, 3);
        let read = |pods, sets| Versions {
            pods,
            claims: 0,
            sets,
        };
        let behind = writes.pass(&key(), read(11, 3)).expect_err("behind");
        assert_eq!(
            behind.to_string(),
            "read version: 11 is not as new as written version: 12 for group resource pods"
        );
        assert!(writes.pass(&key(), read(12, 2)).is_err());
        assert_eq!(writes.pass(&key(), read(12, 3)), Ok(()));
        assert_eq!(writes.pass(&key(), read(0, 0)), Ok(()), "forgotten");
    }

    #[test]
    fn a_new_set_of_the_name_does_not_wait_for_writes_of_the_old_one() {
        let writes = OwnWrites::default();
        writes.note(&key(), "old", Resource::Pods, 12);
        writes.note(&key(), "new", Resource::Claims, 1);
        let read = Versions {
            claims: 1,
            ..Versions::default()
        };
        assert_eq!(writes.pass(&key(), read), Ok(()));
    }
}
