use std::{
    convert::Infallible,
    sync::atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use kube::client::Body;
use serde_json::{Value, json};

use super::*;

fn pod(name: &str, version: u64) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "a", "uid": name, "resourceVersion": version.to_string()}})
}

/// What a list of pods says after so many watches.
fn listed(watches: usize) -> Value {
    let items = if watches == 0 {
        vec![pod("web-0", 10), pod("web-1", 11)]
    } else {
        vec![pod("web-1", 15), pod("web-2", 16)]
    };
    json!({"kind": "PodList", "metadata": {"resourceVersion": if watches == 0 { "11" } else { "20" }}, "items": items})
}

/// A server whose first watch of pods breaks, whose second one is expired, and which lets nobody list events.
async fn server(
    watches: Arc<AtomicUsize>,
    request: Request<Body>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let watch = query.contains("watch=true");
    let answer = |code: u16, value: Value| {
        let mut response = Response::new(Full::new(Bytes::from(format!("{value}\n"))));
        *response.status_mut() = StatusCode::from_u16(code).expect("a code");
        Ok(response)
    };
    let status = |code: u16, reason: &str| json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code, "reason": reason, "message": reason});
    if path.ends_with("/events") {
        return answer(403, status(403, "Forbidden"));
    }
    if watch && path.ends_with("/pods") {
        let nth = watches.fetch_add(1, Ordering::SeqCst);
        return match nth {
            // It ends in the middle: what follows is asked for from version 12.
            0 => answer(200, json!({"type": "MODIFIED", "object": pod("web-1", 12)})),
            1 if query.contains("resourceVersion=12") => answer(
                200,
                json!({"type": "ERROR", "object": status(410, "Expired")}),
            ),
            _ => std::future::pending().await,
        };
    }
    if watch {
        return std::future::pending().await;
    }
    if path.ends_with("/pods") {
        return answer(200, listed(watches.load(Ordering::SeqCst)));
    }
    answer(
        200,
        json!({"kind": "List", "metadata": {"resourceVersion": "11"}, "items": []}),
    )
}

#[tokio::test(start_paused = true)]
async fn a_watch_goes_on_where_it_was_or_leaves_a_gap() {
    let watches = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&watches);
    let client = Client::new(
        tower::service_fn(move |request| server(Arc::clone(&count), request)),
        "a",
    );
    let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().expect("a time"));
    let recorder = Recorder::new(client, clock, Target::apps_v1());
    recorder.start("a").await.expect("it may be recorded");
    let new = |history: &History| {
        history
            .present(Kind::Pod, "a")
            .any(|pod| pod.name() == "web-2")
            .then_some(())
    };
    recorder
        .until(Duration::from_secs(60), new)
        .await
        .expect("the list shows it");
    let history = recorder
        .finish(&["a".to_owned()])
        .await
        .expect("it may be listed");

    let pods = history
        .changes()
        .iter()
        .filter(|change| change.object.kind() == Kind::Pod);
    let seen: Vec<(Verb, &str, u64)> = pods
        .map(|change| (change.verb, change.object.name(), change.version))
        .collect();
    assert_eq!(
        seen,
        [
            (Verb::Added, "web-0", 10),
            (Verb::Added, "web-1", 11),
            (Verb::Modified, "web-1", 12),
            (Verb::Deleted, "web-0", 20),
            (Verb::Modified, "web-1", 15),
            (Verb::Added, "web-2", 16),
        ]
    );
    let mut gaps: Vec<(Kind, usize, usize)> = history
        .gaps()
        .iter()
        .map(|gap| (gap.kind, gap.after, gap.until))
        .collect();
    gaps.sort_unstable();
    assert_eq!(gaps, [(Kind::Pod, 3, 6), (Kind::Event, 0, usize::MAX)]);
    assert_eq!(history.ended_at(), Some(clock.now()));
}

#[test]
fn a_list_agrees_with_what_was_seen_but_for_what_came_after_it() {
    let seen = [("a", 3), ("b", 9)]
        .map(|(name, version)| Object::decode(Kind::Pod, pod(name, version)).expect("a pod"));
    let listed = |pods: &[(&str, u64)]| {
        pods.iter()
            .map(|(name, version)| (format!("a/{name}"), *version))
            .collect()
    };
    let cases: [(BTreeMap<String, u64>, u64, bool); 5] = [
        (listed(&[("a", 3), ("b", 9)]), 9, true),
        (listed(&[("a", 3)]), 8, true),
        (listed(&[("a", 3)]), 9, false),
        (listed(&[("a", 4), ("b", 9)]), 9, false),
        (listed(&[("a", 3), ("b", 9), ("c", 5)]), 9, false),
    ];
    for (listed, as_of, agrees) in cases {
        assert_eq!(
            agree(&listed, as_of, seen.iter()),
            agrees,
            "{listed:?} at {as_of}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn quiet_comes_or_is_late_or_never_comes() {
    let server = |request| server(Arc::default(), request);
    let client = Client::new(tower::service_fn(server), "a");
    let clock = Clock::starting_at(jiff::Timestamp::UNIX_EPOCH);
    let recorder = Recorder::new(client, clock, Target::apps_v1());
    // One change each second, for ever.
    let shared = Arc::clone(&recorder.shared);
    let writer = tokio::spawn(async move {
        for version in 1.. {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let object = Object::decode(Kind::Pod, pod("web-0", version)).expect("a pod");
            shared.push(&clock, Verb::Modified, false, object);
        }
    });
    let (short, long) = (Duration::from_millis(500), Duration::from_secs(5));
    assert_eq!(recorder.quiet(short, long, 3).await, Quiet::Came);
    assert_eq!(recorder.quiet(long, long, 9).await, Quiet::Late);
    assert_eq!(
        recorder.quiet(long, 2 * long, 3).await,
        Quiet::Never(4),
        "the fourth change is one too many"
    );
    writer.abort();
}
