//! What the controller counts, as the controller manager of Kubernetes names it.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

/// Counters and gauges. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Arc<Mutex<Numbers>>);

#[derive(Debug, Default)]
struct Numbers {
    leads: bool,
    syncs: BTreeMap<&'static str, u64>,
    skips: BTreeMap<&'static str, u64>,
    sets: BTreeMap<Labels, Gauges>,
}

/// Namespace, name and pod management policy of a set.
type Labels = (String, String, String);

#[derive(Clone, Copy, Debug, Default)]
struct Gauges {
    max_unavailable: Option<usize>,
    unavailable_replicas: Option<usize>,
}

/// How a sync ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All was done.
    Done,
    /// It comes again.
    Failed,
}

impl Metrics {
    fn with<T>(&self, change: impl FnOnce(&mut Numbers) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// This copy leads.
    pub fn leads(&self) {
        self.with(|numbers| numbers.leads = true);
    }

    /// Counts a sync.
    pub fn synced(&self, ended: Ended) {
        let result = match ended {
            Ended::Done => "success",
            Ended::Failed => "error",
        };
        self.with(|numbers| *numbers.syncs.entry(result).or_default() += 1);
    }

    /// Counts a sync that did not begin because a cache was behind; `resource` is the cache's.
    pub fn skipped(&self, resource: &'static str) {
        self.with(|numbers| *numbers.skips.entry(resource).or_default() += 1);
    }

    /// How many pods of a set may be unavailable.
    pub fn max_unavailable(&self, labels: Labels, number: usize) {
        self.with(|numbers| {
            numbers.sets.entry(labels).or_default().max_unavailable = Some(number);
        });
    }

    /// How many of them are, as a rolling update counts them.
    pub fn unavailable_replicas(&self, labels: Labels, number: usize) {
        self.with(|numbers| {
            numbers.sets.entry(labels).or_default().unavailable_replicas = Some(number);
        });
    }

    /// A set is gone.
    pub fn forget(&self, namespace: &str, name: &str) {
        self.with(|numbers| {
            let kept =
                |labels: &Labels| (labels.0.as_str(), labels.1.as_str()) != (namespace, name);
            numbers.sets.retain(|labels, _| kept(labels));
        });
    }

    /// All of them in the text format of Prometheus.
    pub fn text(&self) -> String {
        self.with(|numbers| {
            let mut text = Text::default();
            text.head("leader_election_master_status", "gauge", "Whether this copy leads.");
            let leads = u64::from(numbers.leads);
            text.line("leader_election_master_status", "name=\"stsspec-controller\"", leads);
            let name = "statefulset_controller_syncs_total";
            text.head(name, "counter", "Syncs of sets, by result.");
            for (result, count) in &numbers.syncs {
                text.line(name, &format!("result=\"{result}\""), *count);
            }
            let name = "statefulset_controller_stale_sync_skips_total";
            let help = "Syncs that did not begin because a cache was older than the controller's own writes.";
            text.head(name, "counter", help);
            for (resource, count) in &numbers.skips {
                let group = if *resource == "statefulsets.apps" { "apps" } else { "" };
                let resource = resource.split('.').next().unwrap_or(resource);
                text.line(name, &format!("group=\"{group}\",resource=\"{resource}\""), *count);
            }
            let name = "statefulset_controller_statefulset_max_unavailable";
            text.head(name, "gauge", "Pods of a set that may be unavailable during an update.");
            for (labels, gauges) in &numbers.sets {
                text.gauge(name, labels, gauges.max_unavailable);
            }
            let name = "statefulset_controller_statefulset_unavailable_replicas";
            text.head(name, "gauge", "Pods of a set that are unavailable during an update.");
            for (labels, gauges) in &numbers.sets {
                text.gauge(name, labels, gauges.unavailable_replicas);
            }
            text.0
        })
    }
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: u64) {
        let _ = writeln!(self.0, "{name}{{{labels}}} {value}");
    }

    fn gauge(&mut self, name: &str, (namespace, set, policy): &Labels, value: Option<usize>) {
        if let Some(value) = value {
            let labels = format!(
                "statefulset_namespace=\"{namespace}\",statefulset_name=\"{set}\",pod_management_policy=\"{policy}\""
            );
            self.line(name, &labels, value as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_what_was_counted() {
        let metrics = Metrics::default();
        metrics.synced(Ended::Done);
        metrics.synced(Ended::Done);
        metrics.skipped("pods");
        let web = || {
            (
                "shop".to_owned(),
                "web".to_owned(),
                "OrderedReady".to_owned(),
            )
        };
        metrics.max_unavailable(web(), 2);
        let text = metrics.text();
        for line in [
            "leader_election_master_status{name=\"stsspec-controller\"} 0",
            "statefulset_controller_syncs_total{result=\"success\"} 2",
            "statefulset_controller_stale_sync_skips_total{group=\"\",resource=\"pods\"} 1",
            "statefulset_controller_statefulset_max_unavailable{statefulset_namespace=\"shop\",statefulset_name=\"web\",pod_management_policy=\"OrderedReady\"} 2",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is not in\n{text}"
            );
        }
        metrics.forget("shop", "web");
        assert!(!metrics.text().contains("web"));
    }
}
