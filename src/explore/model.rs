//! A small executable model of a StatefulSet: which pods are there, and at which revision, when the world is at rest.
//!
//! It knows no requests, caches or conditions. Where the result depends on how far a controller came before the next
//! thing happened, a pod's revision is not known, and nothing is claimed of it.

use std::collections::{BTreeMap, BTreeSet};

use super::Operation;

/// A set at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// All pods come and go at once.
    pub parallel: bool,
    /// How many are wanted.
    pub replicas: i32,
    /// The number of the newest revision.
    pub template: u32,
    /// Pods below the partition are made at this one.
    pub current: u32,
    /// Ordinals from here on are updated.
    pub partition: i32,
    /// Updates wait for somebody who deletes pods.
    pub on_delete: bool,
    /// The pods, with their revisions as far as they are known.
    pub pods: BTreeMap<i32, Option<u32>>,
    /// Pods that are not Ready by order.
    pub withheld: BTreeSet<i32>,
    /// Something may keep the controller from its work: what comes now meets it halfway.
    pub disturbed: bool,
    /// How events of each kind reach the controller, where it is not as it should.
    pub manners: BTreeMap<&'static str, &'static str>,
}

impl Model {
    /// A set that has settled at revision 0.
    pub fn new(parallel: bool, replicas: i32) -> Self {
        Self {
            parallel,
            replicas,
            template: 0,
            current: 0,
            partition: 0,
            on_delete: false,
            pods: (0..replicas).map(|ordinal| (ordinal, Some(0))).collect(),
            withheld: BTreeSet::new(),
            disturbed: false,
            manners: BTreeMap::new(),
        }
    }

    /// It can happen now, and what comes of it can be told.
    pub fn allows(&self, operation: &Operation) -> bool {
        let calm = self.withheld.is_empty() && self.manners.is_empty() && !self.disturbed;
        let there = |ordinal: &i32| self.pods.contains_key(ordinal);
        match operation {
            Operation::Scale(replicas) => *replicas != self.replicas,
            Operation::Template(revision) => self.withheld.is_empty() && *revision != self.template,
            Operation::Partition(partition) => {
                self.withheld.is_empty() && (self.on_delete || *partition != self.partition)
            }
            Operation::OnDelete => self.withheld.is_empty() && !self.on_delete,
            Operation::Lose(pods) => calm && pods.iter().all(there),
            Operation::Fail(pod) | Operation::Withhold(pod) => calm && there(pod),
            Operation::Grant(pod) => self.withheld.contains(pod),
            Operation::Requests { .. } => true,
            Operation::Events { things, manner } => {
                self.manners.get(things).copied().unwrap_or("as it should") != *manner
            }
            Operation::TooOld | Operation::Restart => true,
        }
    }

    /// Something happens, and the world comes to rest, as far as it is let.
    pub fn applies(&mut self, operation: &Operation) {
        match operation {
            Operation::Scale(replicas) => self.replicas = *replicas,
            Operation::Template(revision) => self.template = *revision,
            Operation::Partition(partition) => {
                (self.partition, self.on_delete) = (*partition, false);
            }
            Operation::OnDelete => self.on_delete = true,
            Operation::Lose(pods) => {
                pods.iter().for_each(|pod| {
                    self.pods.remove(pod);
                });
            }
            Operation::Fail(pod) => drop(self.pods.remove(pod)),
            Operation::Withhold(pod) => drop(self.withheld.insert(*pod)),
            Operation::Grant(pod) => drop(self.withheld.remove(pod)),
            Operation::Requests { .. } => self.disturbed = true,
            Operation::Events { things, manner } => match *manner {
                "as it should" => drop(self.manners.remove(things)),
                manner => drop(self.manners.insert(things, manner)),
            },
            Operation::TooOld | Operation::Restart => {}
        }
        self.settle();
    }

    /// Nothing is withheld or disturbed any more.
    pub fn rests(&mut self) {
        self.withheld.clear();
        self.manners.clear();
        self.settle();
    }

    /// What is in the way now may be met at any point: pods may or may not have been made anew.
    fn uncertain(&self) -> bool {
        !self.withheld.is_empty() || !self.manners.is_empty() || self.disturbed
    }

    fn settle(&mut self) {
        let uncertain = self.uncertain();
        let below = |ordinal: i32| !self.on_delete && ordinal < self.partition;
        let made_at = |ordinal: i32| match below(ordinal) {
            true => self.current,
            false => self.template,
        };
        let mut pods: BTreeMap<i32, Option<u32>> = BTreeMap::new();
        for ordinal in 0..self.replicas {
            let new = made_at(ordinal);
            let revision = match self.pods.get(&ordinal) {
                // A rolling update replaces what is old at or above the partition, and nothing else.
                Some(_) if !self.on_delete && !below(ordinal) => Some(self.template),
                Some(old) if !uncertain => *old,
                Some(old) => old.filter(|old| *old == new),
                None if uncertain => None,
                None => Some(new),
            };
            pods.insert(ordinal, revision);
        }
        self.pods = pods;
        let done = (self.pods.values()).all(|revision| *revision == Some(self.template));
        // A rollout that is complete makes its revision the current one.
        if done && !self.on_delete && !uncertain {
            self.current = self.template;
        } else if uncertain && self.current != self.template {
            // Whether it was complete in between is not known: neither is what is made below the partition.
            let (partition, template) = (self.partition, self.template);
            for (ordinal, revision) in &mut self.pods {
                if *ordinal < partition && *revision != Some(template) {
                    *revision = None;
                }
            }
        }
    }

    /// The pods that must be at a revision when all is over, by its number.
    pub fn at_revisions(&self) -> BTreeMap<u32, Vec<i32>> {
        let mut by_revision: BTreeMap<u32, Vec<i32>> = BTreeMap::new();
        for (ordinal, revision) in &self.pods {
            if let Some(revision) = revision {
                by_revision.entry(*revision).or_default().push(*ordinal);
            }
        }
        by_revision
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(replicas: i32, operations: &[Operation]) -> Model {
        let mut model = Model::new(false, replicas);
        operations
            .iter()
            .for_each(|operation| model.applies(operation));
        model.rests();
        model
    }

    #[test]
    fn a_partition_holds_lower_pods_at_the_current_revision() {
        let model = after(
            3,
            &[
                Operation::Partition(2),
                Operation::Template(1),
                Operation::Lose(vec![0]),
            ],
        );
        let expected = BTreeMap::from([(0, vec![0, 1]), (1, vec![2])]);
        assert_eq!(model.at_revisions(), expected);
    }

    #[test]
    fn on_delete_updates_what_is_lost() {
        let model = after(
            2,
            &[
                Operation::OnDelete,
                Operation::Template(1),
                Operation::Lose(vec![1]),
                Operation::Scale(3),
            ],
        );
        let expected = BTreeMap::from([(0, vec![0]), (1, vec![1, 2])]);
        assert_eq!(model.at_revisions(), expected);
    }

    #[test]
    fn nothing_is_claimed_of_a_pod_that_may_have_been_made_anew() {
        let model = after(
            3,
            &[
                Operation::OnDelete,
                Operation::Template(1),
                Operation::Withhold(0),
                Operation::Scale(1),
                Operation::Scale(3),
            ],
        );
        assert_eq!(model.pods.keys().copied().collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(model.pods[&2], None);
    }
}
