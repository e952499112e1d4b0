//! Which old revisions go.

use std::{collections::BTreeSet, sync::Arc};

use k8s_openapi::api::{apps::v1::ControllerRevision, core::v1::Pod};

use crate::sets::revision_of;

/// The names of the revisions that somebody needs: the two of the set and those of its pods.
pub fn live<'a>(
    current: Option<&'a str>,
    update: Option<&'a str>,
    pods: impl IntoIterator<Item = &'a Arc<Pod>>,
) -> BTreeSet<&'a str> {
    let of_pods = pods.into_iter().map(|pod| revision_of(pod));
    current.into_iter().chain(update).chain(of_pods).collect()
}

/// The revisions beyond the limit, oldest first; the limit counts those that nobody needs. None if it is negative.
pub fn doomed<'a>(
    sorted: &'a [Arc<ControllerRevision>],
    live: &BTreeSet<&str>,
    limit: i32,
) -> Vec<&'a Arc<ControllerRevision>> {
    let Ok(limit) = usize::try_from(limit) else {
        return Vec::new();
    };
    let name = |revision: &ControllerRevision| revision.metadata.name.clone().unwrap_or_default();
    let old = sorted.iter();
    let old: Vec<_> = old
        .filter(|revision| !live.contains(name(revision).as_str()))
        .collect();
    let beyond = old.len().saturating_sub(limit);
    old.into_iter().take(beyond).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_that_nobody_needs_go_until_the_limit_is_kept() {
        let revision = |name: &str| {
            let mut revision = ControllerRevision::default();
            revision.metadata.name = Some(name.to_owned());
            Arc::new(revision)
        };
        let sorted: Vec<_> = ["a", "b", "c", "d", "e"].map(revision).to_vec();
        let live = BTreeSet::from(["b", "e"]);
        let names = |limit| -> Vec<_> {
            let doomed = doomed(&sorted, &live, limit).into_iter();
            doomed
                .filter_map(|revision| revision.metadata.name.as_deref())
                .collect()
        };
        assert_eq!(names(-1), [""; 0]);
        assert_eq!(names(0), ["a", "c", "d"]);
        assert_eq!(names(2), ["a"]);
        assert_eq!(names(3), [""; 0]);
    }
}
