//! Where each pod belongs: at its index, or among the condemned.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;

use super::{Observed, Waiting};
use crate::{
    controller::{
        pod,
        revision::Revision,
        set::{Block, Strategy},
    },
    sets::{Ordinal, is_available, is_running_and_ready, is_terminating, ordinal_of, revision_of},
};

/// A pod in its place.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) ordinal: Ordinal,
    /// As stored, or as it would be created.
    pub(super) pod: Arc<Pod>,
    /// It exists.
    pub(super) is_stored: bool,
    pub(super) is_available: bool,
}

impl Place {
    pub(super) fn name(&self) -> String {
        self.pod.metadata.name.clone().unwrap_or_default()
    }

    pub(super) fn is_terminating(&self) -> bool {
        is_terminating(&self.pod)
    }

    pub(super) fn is_ready(&self) -> bool {
        is_running_and_ready(&self.pod)
    }

    pub(super) fn is_unavailable(&self) -> bool {
        !self.is_available || self.is_terminating()
    }

    /// It is of another revision than the one that the set goes to.
    pub(super) fn is_old(&self, observed: &Observed) -> bool {
        revision_of(&self.pod) != observed.revisions.update.name
    }
}

/// All pods in their places.
#[derive(Debug)]
pub(super) struct Placed {
    /// One for each ordinal of the range, ascending.
    pub(super) in_range: Vec<Place>,
    /// Those out of range, the highest ordinal first.
    pub(super) condemned: Vec<Place>,
}

impl Placed {
    /// The pods that exist.
    pub(super) fn stored(&self) -> impl Iterator<Item = &Arc<Pod>> {
        let all = self.in_range.iter().chain(&self.condemned);
        all.filter(|placed| placed.is_stored)
            .map(|placed| &placed.pod)
    }

    /// The lowest unavailable pod of the range; failing that the lowest unavailable condemned one.
    pub(super) fn first_unavailable(&self) -> Option<&Place> {
        let in_range = self.in_range.iter().find(|placed| placed.is_unavailable());
        let condemned = || {
            self.condemned
                .iter()
                .rfind(|placed| placed.is_unavailable())
        };
        in_range.or_else(condemned)
    }

    /// What everything waits for, if something is unavailable.
    pub(super) fn unavailable(&self) -> Option<Waiting> {
        self.first_unavailable().map(|placed| match placed {
            placed if placed.is_terminating() => Waiting::Gone(placed.name()),
            placed if placed.is_ready() => Waiting::Available(placed.name()),
            placed => Waiting::Ready(placed.name()),
        })
    }
}

/// Puts pods in their places. Of two pods of one ordinal the later in the list wins; a pod whose ordinal is beyond 32
/// bits has no place.
pub(super) fn place(observed: &Observed, now: Timestamp) -> Placed {
    let set = &observed.set;
    let stored = |ordinal, pod: &Arc<Pod>| Place {
        ordinal,
        pod: Arc::clone(pod),
        is_stored: true,
        is_available: is_available(pod, set.min_ready_seconds(), now),
    };
    let range = set.range();
    let mut in_range: Vec<Option<Place>> = range.clone().map(|_| None).collect();
    let mut condemned = Vec::new();
    for pod in &observed.pods {
        let name = pod.metadata.name.as_deref().unwrap_or_default();
        match ordinal_of(set.name(), name) {
            Some(ordinal) if range.contains(&ordinal) => {
                let index = usize::try_from(ordinal - range.start).unwrap_or_default();
                in_range[index] = Some(stored(ordinal, pod));
            }
            Some(ordinal) if ordinal >= 0 => condemned.push(stored(ordinal, pod)),
            _ => {}
        }
    }
    condemned.sort_by_key(|placed| std::cmp::Reverse(placed.ordinal));
    let missing = |ordinal| Place {
        ordinal,
        pod: Arc::new(pod::build(
            set,
            revision(observed, ordinal),
            ordinal,
            observed.naming,
        )),
        is_stored: false,
        is_available: false,
    };
    let in_range = range.zip(in_range);
    Placed {
        in_range: in_range
            .map(|(ordinal, placed)| placed.unwrap_or_else(|| missing(ordinal)))
            .collect(),
        condemned,
    }
}

/// The revision that a missing pod is made from. Without a rollingUpdate block as many pods as the status counts at
/// the current revision are made from that; with one, those below the partition.
fn revision(observed: &Observed, ordinal: Ordinal) -> &Revision {
    let index = ordinal - observed.set.start();
    let status = &observed.set.status;
    let at_current = match observed.set.strategy() {
        Strategy::RollingUpdate(None) => status.current_replicas.unwrap_or_default(),
        Strategy::RollingUpdate(Some(Block { partition, .. })) => partition,
        Strategy::OnDelete | Strategy::Recreate => 0,
    };
    if index < at_current {
        &observed.revisions.current
    } else {
        &observed.revisions.update
    }
}
