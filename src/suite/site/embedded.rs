//! Tier `embedded`: each scenario has a cluster of its own in this process, on a paused runtime.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt as _, future::LocalBoxFuture};
use jiff::Timestamp;

use super::{Ground, Site};
use crate::{
    clock::Clock,
    cluster::{
        Capabilities, Cluster as _, Target,
        embedded::{self, Embedded, Options},
        slow::Latency,
    },
    inventory,
    report::Scenario,
    suite::{drive::Mode, needs, plan::Planned, subject::Subject},
    tap::Tap,
    world::Deadlines,
};

/// What the clocks of embedded clusters show when they start.
const BASE: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// How often a node says that it is there, where a scenario speaks of nodes.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// How many nodes a scenario speaks of.
fn nodes(planned: &Planned) -> Option<usize> {
    planned.steps.iter().find_map(|step| {
        let (_, count) = step.text.split_once("the cluster has ")?;
        count.strip_suffix(" nodes")?.parse().ok()
    })
}

/// Clusters in this process.
pub(super) struct Here {
    offered: Capabilities,
    latency: Latency,
}

impl Here {
    /// What can be had here, so much later.
    pub(super) fn new(latency: Latency) -> Self {
        Self {
            latency,
            offered: embedded::capabilities(Options::default().server.rules.version),
        }
    }
}

impl Site for Here {
    fn offered(&self) -> &Capabilities {
        &self.offered
    }

    fn offered_to(&self, scenario: &Scenario) -> Capabilities {
        let (version, gates) = needs::suited(scenario, inventory::embedded(), self.offered.version);
        Capabilities {
            gates,
            ..embedded::capabilities(version)
        }
    }

    fn mode(&self, parallel: Option<usize>) -> Mode {
        parallel.map_or_else(Mode::isolated, |threads| Mode::Isolated { threads })
    }

    fn deadlines(&self) -> Deadlines {
        Deadlines::virtual_time()
    }

    fn real_limit(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn reconciler(&self) -> Option<String> {
        None
    }

    fn open<'a>(
        &'a self,
        planned: &'a Planned,
        subject: &'a Subject,
        target: &'a Target,
    ) -> LocalBoxFuture<'a, Result<Ground, String>> {
        async move {
            let seed = planned.scenario.seed;
            let Capabilities { version, gates, .. } = self.offered_to(&planned.scenario);
            let mut options = Options::of(version, gates);
            options.server.seed = seed;
            options.latency = self.latency;
            if let Some(nodes) = nodes(planned) {
                options.agents.nodes = nodes;
                options.agents.node.heartbeat = Some(HEARTBEAT);
            }
            subject.twist(&mut options);
            let cluster = Embedded::start(Clock::starting_at(BASE), &options).await;
            let tap = Tap::new(cluster.clock(), target.clone());
            let client = match subject.reads_no_managers() {
                true => cluster.lean_client_of(Subject::AGENT),
                false => cluster.client_of(Subject::AGENT),
            };
            let running = subject.start(
                &tap,
                client,
                cluster.clock(),
                target.clone(),
                seed,
                &options.gates,
                None,
            );
            Ok(Ground {
                cluster: Arc::new(cluster),
                tap,
                namespace: "spec".to_owned(),
                running: Vec::from([running]).into(),
            })
        }
        .boxed_local()
    }

    fn close(&self) -> Vec<String> {
        // Each cluster ended with its scenario.
        Vec::new()
    }
}
