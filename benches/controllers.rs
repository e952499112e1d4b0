//! The reference controller against the built-in one, on one real API server with nodes of our own: 200 sets of 5 pods are
//! created, updated and scaled to zero. How long it takes until all is done, and how many writes, as ratios.
//!
//! Both have 5 workers and 500 requests a second, which neither reaches; the one is a thread of this process, the other a
//! process behind a proxy, which is where its writes are counted. `KUBEBUILDER_ASSETS` names the folder with the programs;
//! `ROUNDS` says how often each takes its turn, `SETS` how many sets there are.

use std::{
    collections::BTreeSet,
    env,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use stsspec::{
    cluster::{
        Target,
        control_plane::{ControlPlane, Options, VARIABLE},
    },
    controller,
    evidence::{Actor, Method},
    k8s_openapi::api::apps::v1::StatefulSet,
    kube::{
        Api, Client, ResourceExt as _,
        api::{ListParams, Patch, PatchParams, PostParams},
        runtime::{WatchStreamExt as _, watcher},
    },
    tap::{Hub, proxy},
};
use tokio::{sync::oneshot, time::timeout};

const PODS: i32 = 5;

/// How many requests of ours are under way at once.
const AT_ONCE: usize = 16;

/// Long after this something is broken, and a figure says nothing.
const LONGEST: Duration = Duration::from_secs(600);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Subject {
    BuiltIn,
    Bundled,
}

/// What one of them took for the three tasks together.
struct Took {
    seconds: [f64; 3],
    writes: usize,
    events: usize,
}

fn main() {
    // `cargo test --benches` asks only whether it runs at all.
    if env::args().any(|argument| argument == "--test") {
        return;
    }
    let Some(assets) = env::var_os(VARIABLE).map(PathBuf::from) else {
        println!(
            "controllers: skipped, as {VARIABLE} names no folder with the programs of a control plane"
        );
        return;
    };
    let number = |name: &str, usual| {
        let text = env::var(name).ok();
        text.map_or(usual, |text| text.parse().expect("a number"))
    };
    let (rounds, sets) = (number("ROUNDS", 3), number("SETS", 200));
    let mut all: [Vec<Took>; 2] = Default::default();
    for round in 0..rounds {
        // Whoever is first in one round is second in the next.
        let mut turns = [Subject::BuiltIn, Subject::Bundled];
        turns.rotate_left(round % 2);
        for subject in turns {
            all[usize::from(subject == Subject::Bundled)].push(race(subject, &assets, sets));
        }
    }
    println!(
        "{sets} sets of {PODS} pods, medians of {rounds}; the last column is the bundled one's share of the built-in one's"
    );
    println!(
        "{:<28} {:>10} {:>10} {:>8}",
        "", "built-in", "bundled", "ratio"
    );
    let line = |what: &str, figure: &dyn Fn(&Took) -> f64| {
        let [built_in, bundled] = all
            .each_ref()
            .map(|took| middle(took.iter().map(figure).collect()));
        println!(
            "{what:<28} {built_in:>10.1} {bundled:>10.1} {:>8.2}",
            bundled / built_in
        );
    };
    line("seconds until created", &|took| took.seconds[0]);
    line("seconds until updated", &|took| took.seconds[1]);
    line("seconds until scaled to zero", &|took| took.seconds[2]);
    line("seconds in all", &|took| took.seconds.iter().sum());
    line("writes but for events", &|took| took.writes as f64);
    line("events written", &|took| took.events as f64);
}

fn middle(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn race(subject: Subject, assets: &Path, sets: usize) -> Took {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be built");
    runtime.block_on(async {
        let mut options = Options::new(assets.to_path_buf());
        options.agents.nodes = sets * 5 / 100 + 2;
        let mut plane = ControlPlane::start(&options).await.expect("it starts");
        let access = plane.access().clone();
        let hub = Hub::new(plane.clock(), Target::apps_v1());
        let client = access.client("race").expect("a client");
        let (stop, stopped) = oneshot::channel::<()>();
        let mut bundled = None;
        let way = match subject {
            Subject::BuiltIn => {
                let entrance = plane.entrance().await.expect("a port");
                plane.start_built_in(&entrance).expect("it starts");
                let (hub, client) = (
                    hub.clone(),
                    access.client_without_credentials().expect("a client"),
                );
                Some(tokio::spawn(async move {
                    proxy::serve(&hub, client, entrance.listener, entrance.acceptor).await
                }))
            }
            Subject::Bundled => {
                let (hub, access, clock) = (hub.clone(), access.clone(), plane.clock());
                bundled = Some(thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build();
                    runtime.expect("a runtime can be built").block_on(async {
                        let client = access.client("stsspec").expect("a client");
                        let client = hub.subject().client(client, Actor::Subject);
                        let run = controller::run(client, clock, controller::Options::default());
                        tokio::select! {
                            biased;
                            _ = stopped => {}
                            ended = run => panic!("the controller ended: {:?}", ended.err()),
                        }
                    });
                }));
                None
            }
        };
        let seconds = tasks(client, sets).await;
        let log = hub.subject().log();
        drop(stop);
        if let Some(way) = way {
            way.abort();
        }
        if let Some(bundled) = bundled {
            bundled.join().expect("it ended as it was told to");
        }
        let writes = log.requests.iter().filter(|request| {
            !matches!(request.method, Method::Get | Method::List | Method::Watch)
        });
        let (events, writes): (Vec<_>, Vec<_>) =
            writes.partition(|request| request.plural == "events");
        Took {
            seconds,
            writes: writes.len(),
            events: events.len(),
        }
    })
}

/// Creates the sets, updates them and scales them to zero, and waits each time until all of it is done.
async fn tasks(client: Client, sets: usize) -> [f64; 3] {
    let api: Api<StatefulSet> = Api::namespaced(client, "default");
    let names: Vec<String> = (0..sets).map(|number| format!("set-{number}")).collect();
    let creations = names.iter().map(|name| {
        let (api, set) = (api.clone(), set(name));
        async move { api.create(&PostParams::default(), &set).await.map(drop) }
    });
    let is_ready = |set: &StatefulSet| count(set, |status| status.ready_replicas) == PODS;
    let created = timed(&api, creations, sets, &is_ready).await;
    let update =
        serde_json::json!({"spec": {"template": {"metadata": {"labels": {"version": "two"}}}}});
    let is_updated = |set: &StatefulSet| {
        let status = set.status.as_ref();
        let is_promoted =
            status.is_some_and(|status| status.current_revision == status.update_revision);
        is_promoted && is_ready(set) && count(set, |status| status.updated_replicas) == PODS
    };
    let updated = timed(&api, patches(&api, &names, &update), sets, &is_updated).await;
    let zero = serde_json::json!({"spec": {"replicas": 0}});
    let is_empty = |set: &StatefulSet| {
        set.status
            .as_ref()
            .is_some_and(|status| status.replicas == 0)
    };
    let emptied = timed(&api, patches(&api, &names, &zero), sets, &is_empty).await;
    [created, updated, emptied]
}

fn patches<'a>(
    api: &'a Api<StatefulSet>,
    names: &'a [String],
    patch: &'a serde_json::Value,
) -> impl Iterator<Item = impl Future<Output = Result<(), stsspec::kube::Error>>> {
    names.iter().map(move |name| async move {
        let (params, patch) = (PatchParams::default(), Patch::Merge(patch));
        api.patch(name, &params, &patch).await.map(drop)
    })
}

fn count(
    set: &StatefulSet,
    of: impl Fn(&stsspec::k8s_openapi::api::apps::v1::StatefulSetStatus) -> Option<i32>,
) -> i32 {
    set.status.as_ref().and_then(of).unwrap_or(0)
}

/// Makes the requests, and waits until every set has been seen as of its newest generation and is done. In seconds.
async fn timed<F: Future<Output = Result<(), stsspec::kube::Error>>>(
    api: &Api<StatefulSet>,
    requests: impl Iterator<Item = F>,
    sets: usize,
    is_done: &dyn Fn(&StatefulSet) -> bool,
) -> f64 {
    let begin = Instant::now();
    let asked = stream::iter(requests)
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<()>>();
    asked.await.expect("the API server takes it");
    // What was before the requests does not count: their generation does.
    let newest = api.list(&ListParams::default()).await.expect("a list");
    let generations: std::collections::BTreeMap<String, Option<i64>> = newest
        .items
        .iter()
        .map(|set| (set.name_any(), set.metadata.generation))
        .collect();
    let mut done = BTreeSet::new();
    let watch = watcher(api.clone(), watcher::Config::default()).applied_objects();
    let mut watch = std::pin::pin!(watch);
    let all = async {
        while done.len() < sets {
            let set = watch
                .next()
                .await
                .expect("a watch never ends")
                .expect("a watch");
            let name = set.name_any();
            let seen = set
                .status
                .as_ref()
                .and_then(|status| status.observed_generation);
            if seen.is_some() && generations.get(&name) == Some(&seen) && is_done(&set) {
                done.insert(name);
            }
        }
    };
    let is_over = timeout(LONGEST, all).await;
    assert!(
        is_over.is_ok(),
        "not all sets were done after {} s",
        LONGEST.as_secs()
    );
    begin.elapsed().as_secs_f64()
}

fn set(name: &str) -> StatefulSet {
    let labels = serde_json::json!({"set": name});
    let sleeps = ["sleep", "infinity"];
    let container =
        serde_json::json!({"name": "main", "image": "busybox:1.28.4", "command": sleeps});
    serde_json::from_value(serde_json::json!({
        "metadata": {"name": name},
        "spec": {
            "replicas": PODS,
            "serviceName": name,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]},
            },
        },
    }))
    .expect("a set")
}
