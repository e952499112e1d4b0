//! What one version of a set asks for, with defaults filled in, and what its pods are to it.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::{apps::v1::StatefulSet, core::v1::Pod},
    apimachinery::pkg::util::intstr::IntOrString,
};

use crate::sets::{self, Ordinal};

/// How pods are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// By the controller, within a budget.
    RollingUpdate,
    /// By whoever deletes them.
    OnDelete,
    /// All at once.
    Recreate,
}

/// One version of a set.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The set itself.
    pub set: &'a StatefulSet,
    /// The number of its spec.
    pub generation: i64,
    /// The first ordinal.
    pub start: Ordinal,
    /// How many pods.
    pub replicas: i32,
    /// One after the other.
    pub ordered: bool,
    /// How pods are replaced.
    pub strategy: Strategy,
    /// The lowest index that is updated; 0 without a rollingUpdate block.
    pub partition: i32,
    /// How many pods may be unavailable during an update, at least 1.
    pub budget: i32,
    /// The number of those is 1, by default or as a number.
    pub budget_is_one: bool,
    /// How long a pod has to be Ready to be available.
    pub min_ready_seconds: i32,
    /// Its deletion was asked for.
    pub deleting: bool,
    /// Claims of pods that are scaled away are deleted.
    pub deletes_when_scaled: bool,
}

impl<'a> Wanted<'a> {
    /// Reads a version of a set.
    pub fn of(set: &'a StatefulSet) -> Self {
        let spec = &set.spec;
        let replicas = spec.replicas.unwrap_or(1);
        let update = spec.update_strategy.as_ref();
        let rolling = update.and_then(|update| update.rolling_update.as_ref());
        let retention = spec.persistent_volume_claim_retention_policy.as_ref();
        let max_unavailable = rolling.and_then(|rolling| rolling.max_unavailable.clone());
        Self {
            set,
            budget_is_one: matches!(max_unavailable, None | Some(IntOrString::Int(1))),
            generation: set.metadata.generation.unwrap_or_default(),
            start: spec
                .ordinals
                .as_ref()
                .and_then(|ordinals| ordinals.start)
                .unwrap_or(0),
            replicas,
            ordered: spec.pod_management_policy.as_deref() != Some("Parallel"),
            strategy: match update.and_then(|update| update.type_.as_deref()) {
                Some("OnDelete") => Strategy::OnDelete,
                Some("Recreate") => Strategy::Recreate,
                _ => Strategy::RollingUpdate,
            },
            partition: rolling.and_then(|rolling| rolling.partition).unwrap_or(0),
            budget: match max_unavailable {
                None => 1,
                Some(IntOrString::Int(pods)) => pods.max(1),
                Some(IntOrString::String(text)) => percent(&text, replicas).max(1),
            },
            min_ready_seconds: spec.min_ready_seconds.unwrap_or(0),
            deleting: set.metadata.deletion_timestamp.is_some(),
            deletes_when_scaled: retention.and_then(|retention| retention.when_scaled.as_deref())
                == Some("Delete"),
        }
    }

    /// The ordinals of its range.
    pub fn range(&self) -> std::ops::Range<Ordinal> {
        self.start..self.start.saturating_add(self.replicas)
    }

    /// The ordinal is in the range.
    pub fn has(&self, ordinal: Ordinal) -> bool {
        self.range().contains(&ordinal)
    }

    /// The revision that its status calls current.
    pub fn current_revision(&self) -> &'a str {
        let status = self.set.status.as_ref();
        status
            .and_then(|status| status.current_revision.as_deref())
            .unwrap_or_default()
    }

    /// The revision that its status calls the update's.
    pub fn update_revision(&self) -> &'a str {
        let status = self.set.status.as_ref();
        status
            .and_then(|status| status.update_revision.as_deref())
            .unwrap_or_default()
    }
}

fn percent(text: &str, replicas: i32) -> i32 {
    let share: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
    i32::try_from(share * i64::from(replicas) / 100).unwrap_or(i32::MAX)
}

/// An answer that may depend on what cannot be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tri {
    /// Certainly.
    Yes,
    /// Certainly not.
    No,
    /// One as well as the other.
    Either,
}

impl Tri {
    /// It may be so.
    pub fn may(self) -> bool {
        self != Self::No
    }

    /// It is so.
    pub fn must(self) -> bool {
        self == Self::Yes
    }
}

/// Between which times a controller read its clock.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// Not before.
    pub from: Timestamp,
    /// Not after.
    pub to: Timestamp,
}

impl Span {
    /// One moment.
    pub fn moment(at: Timestamp) -> Self {
        Self { from: at, to: at }
    }
}

/// Whether a pod counts as available: nodes write whole seconds, so within one second it is either.
pub fn available(pod: &Pod, min_ready_seconds: i32, now: Span) -> Tri {
    if !sets::is_ready(pod) {
        return Tri::No;
    }
    if min_ready_seconds == 0 {
        return Tri::Yes;
    }
    let slack = SignedDuration::from_secs(1);
    match sets::available_at(pod, min_ready_seconds) {
        None => Tri::No,
        Some(at) if at <= now.from.saturating_sub(slack).unwrap_or(Timestamp::MIN) => Tri::Yes,
        Some(at) if at > now.to.saturating_add(slack).unwrap_or(Timestamp::MAX) => Tri::No,
        Some(_) => Tri::Either,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_rounded_down() {
        let cases = [("50%", 5, 2), ("30%", 5, 1), ("1%", 5, 0), ("100%", 3, 3)];
        for (text, replicas, pods) in cases {
            assert_eq!(percent(text, replicas), pods, "{text} of {replicas}");
        }
    }
}
