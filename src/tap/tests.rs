use std::convert::Infallible;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api,
    api::{DeleteParams, ListParams, PostParams, WatchParams},
    client::Body,
};
use serde_json::json;

use super::*;
use crate::evidence::{Delivery, Kind, Method};

/// A server that knows three answers.
async fn server(
    request: Request<Body>,
) -> Result<Response<UnsyncBoxBody<Bytes, Infallible>>, Infallible> {
    let whole = |code: u16, value: serde_json::Value| {
        let body = Full::new(Bytes::from(value.to_string())).boxed_unsync();
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(code).expect("a code");
        Ok(response)
    };
    let pod = |version: &str| json!({"metadata": {"name": "web-0", "namespace": "a", "uid": "u", "resourceVersion": version}});
    let watch = request
        .uri()
        .query()
        .is_some_and(|query| query.contains("watch=true"));
    match request.method().as_str() {
        "GET" if watch => {
            let text = format!("{}\n", json!({"type": "DELETED", "object": pod("12")}));
            let (front, back) = text.split_at(20);
            let pieces = [front, back]
                .map(|piece| Ok(http_body::Frame::data(Bytes::from(piece.to_owned()))));
            Ok(Response::new(
                StreamBody::new(stream::iter(pieces)).boxed_unsync(),
            ))
        }
        "GET" => whole(
            200,
            json!({"metadata": {"resourceVersion": "11"}, "items": [pod("10")]}),
        ),
        "POST" => whole(201, pod("10")),
        _ => whole(
            409,
            json!({"kind": "Status", "status": "Failure", "code": 409, "reason": "Conflict", "message": "no"}),
        ),
    }
}

#[tokio::test(start_paused = true)]
async fn requests_answers_and_deliveries_are_logged() {
    let tap = Tap::new(
        Clock::starting_at("2026-01-01T00:00:00Z".parse().expect("a time")),
        Target::apps_v1(),
    );
    let client = Client::new(tower::service_fn(server), "a");
    tap.restarted();
    let pods: Api<Pod> = Api::default_namespaced(tap.client(client, Actor::Subject));

    let mut pod = Pod::default();
    pod.metadata.generate_name = Some("web-".to_owned());
    pods.create(&PostParams::default(), &pod)
        .await
        .expect("it is created");
    pods.list(&ListParams::default())
        .await
        .expect("there is one");
    let mut events = pods
        .watch(&WatchParams::default(), "11")
        .await
        .expect("a watch")
        .boxed();
    events.next().await.expect("an event").expect("a deletion");
    pods.delete("web-0", &DeleteParams::default())
        .await
        .expect_err("refused");

    let log = tap.log();
    let methods: Vec<Method> = log.requests.iter().map(|request| request.method).collect();
    assert_eq!(
        methods,
        [Method::Create, Method::List, Method::Watch, Method::Delete]
    );
    let create = &log.requests[0];
    assert_eq!(
        (
            create.name.as_str(),
            create.namespace.as_str(),
            create.process
        ),
        ("web-0", "a", 1)
    );
    assert_eq!(
        create
            .body
            .as_ref()
            .map(|body| &body["metadata"]["generateName"]),
        Some(&json!("web-"))
    );
    let answer = create.answer.as_ref().expect("an answer");
    assert_eq!(
        (answer.code, answer.version, answer.uid.as_deref()),
        (201, Some(10), Some("u"))
    );
    assert!(create.step < answer.step && answer.step < log.requests[1].step);

    let seen: Vec<(&str, u64)> = log
        .deliveries
        .iter()
        .map(|delivery: &Delivery| (delivery.name.as_str(), delivery.version))
        .collect();
    assert_eq!(seen, [("web-0", 10), ("", 11), ("web-0", 12)]);
    assert!(
        log.deliveries
            .iter()
            .all(|delivery| delivery.kind == Kind::Pod)
    );
    let delete = &log.requests[3];
    assert_eq!(delete.delivered, 3);
    let answer = delete.answer.as_ref().expect("an answer");
    assert_eq!(
        (answer.code, answer.reason.as_str(), answer.message.as_str()),
        (409, "Conflict", "no")
    );
}
