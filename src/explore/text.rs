//! A schedule as a scenario that runs, and as a script for people with a cluster.

use std::fmt::Write as _;

use super::{Operation, Schedule};

impl Schedule {
    /// The scenario: what happens, and what has to be there when it is over.
    pub fn scenario(&self) -> String {
        let mut text = String::from(
            "Feature: A schedule of operations and faults\n\n  Scenario: Whatever happens, the set comes to its end\n    Given the set \"web\" is planned\n",
        );
        if self.parallel {
            text.push_str("    And its pod management policy is Parallel\n");
        }
        let replicas = plural(self.replicas, "replica");
        let _ = writeln!(
            text,
            "    And the set \"web\" is settled with {replicas} at revision \"r0\""
        );
        let mut steps: Vec<String> = self.operations.iter().map(sentence).collect();
        let mut last = super::Model::new(self.parallel, self.replicas);
        for operation in &self.operations {
            last.applies(operation);
        }
        steps.extend(last.manners.keys().map(|things| {
            sentence(&Operation::Events {
                things,
                manner: "as it should",
            })
        }));
        let grants = last.withheld.iter();
        steps.extend(grants.map(|pod| sentence(&Operation::Grant(*pod))));
        for (place, step) in steps.iter().enumerate() {
            let keyword = if place == 0 { "When" } else { "And" };
            let _ = writeln!(text, "    {keyword} {step}");
        }
        let end = self.end();
        let all: Vec<i32> = end.pods.keys().copied().collect();
        let _ = writeln!(text, "    Then the set \"web\" settles with {}", pods(&all));
        for (revision, ordinals) in end.at_revisions() {
            let verb = if ordinals.len() == 1 { "is" } else { "are" };
            let _ = writeln!(
                text,
                "    And {} {verb} at revision \"r{revision}\"",
                pods(&ordinals)
            );
        }
        text
    }

    /// The operations as commands; faults, which kubectl cannot make, as remarks.
    pub fn script(&self) -> String {
        let policy = if self.parallel {
            "Parallel"
        } else {
            "OrderedReady"
        };
        let mut text = format!(
            "# a set \"web\" with {} and the policy {policy}, settled; its template has the annotation stsspec.dev/revision: r0\n",
            plural(self.replicas, "replica")
        );
        for operation in &self.operations {
            let line = match operation {
                Operation::Scale(replicas) => {
                    format!("kubectl scale statefulset web --replicas={replicas}")
                }
                Operation::Template(revision) => patch(&format!(
                    r#"{{"template":{{"metadata":{{"annotations":{{"stsspec.dev/revision":"r{revision}"}}}}}}}}"#
                )),
                Operation::Partition(partition) => patch(&format!(
                    r#"{{"updateStrategy":{{"type":"RollingUpdate","rollingUpdate":{{"partition":{partition}}}}}}}"#
                )),
                Operation::OnDelete => {
                    patch(r#"{"updateStrategy":{"type":"OnDelete","rollingUpdate":null}}"#)
                }
                Operation::Lose(lost) => {
                    let names: Vec<String> = lost.iter().map(|pod| format!("web-{pod}")).collect();
                    format!("kubectl delete pod {} --wait=false", names.join(" "))
                }
                Operation::Fail(pod) => format!(
                    r#"kubectl patch pod web-{pod} --subresource=status --type=merge -p '{{"status":{{"phase":"Failed"}}}}'"#
                ),
                other => format!("# {}", sentence(other)),
            };
            let _ = writeln!(text, "{line}");
        }
        text
    }
}

fn patch(spec: &str) -> String {
    format!(r#"kubectl patch statefulset web --type=merge -p '{{"spec":{spec}}}'"#)
}

pub(super) fn plural(count: i32, word: &str) -> String {
    match count {
        1 => format!("1 {word}"),
        count => format!("{count} {word}s"),
    }
}

/// `pod "web-0"`, `pods "web-0", "web-1" and "web-2"`.
pub(super) fn pods(ordinals: &[i32]) -> String {
    let names: Vec<String> = ordinals
        .iter()
        .map(|ordinal| format!("\"web-{ordinal}\""))
        .collect();
    match &names[..] {
        [] => String::new(),
        [one] => format!("pod {one}"),
        [first @ .., last] => format!("pods {} and {last}", first.join(", ")),
    }
}

pub(super) fn sentence(operation: &Operation) -> String {
    match operation {
        Operation::Scale(replicas) => format!("the set \"web\" is scaled to {replicas}"),
        Operation::Template(revision) => {
            format!("its template changes to revision \"r{revision}\"")
        }
        Operation::Partition(partition) => {
            format!("its rolling update is partitioned at ordinal {partition}")
        }
        Operation::OnDelete => "its update strategy becomes OnDelete".to_owned(),
        Operation::Lose(lost) => match &lost[..] {
            [_] => format!("{} is lost", pods(lost)),
            _ => format!("{} are lost together", pods(lost)),
        },
        Operation::Fail(pod) => format!("{} fails", pods(&[*pod])),
        Operation::Withhold(pod) => format!("readiness of {} is lost", pods(&[*pod])),
        Operation::Grant(pod) => format!("readiness of {} is granted", pods(&[*pod])),
        Operation::Requests {
            times,
            verb,
            things,
            mishap,
        } => match times {
            1 => format!("the controller's next 1 request to {verb} {things} meets {mishap}"),
            times => {
                format!("the controller's next {times} requests to {verb} {things} meet {mishap}")
            }
        },
        Operation::Events { things, manner } => {
            format!("what happens to {things} reaches the controller {manner}")
        }
        Operation::TooOld => "the controller's watches become too old".to_owned(),
        Operation::Restart => "the controller is restarted".to_owned(),
    }
}
