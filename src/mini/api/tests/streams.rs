use std::sync::Arc;

use futures::{FutureExt as _, SinkExt as _, future::BoxFuture};
use http::{Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::{
    Api,
    api::{AttachParams, LogParams, PostParams},
};
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        handshake::derive_accept_key,
        protocol::{CloseFrame, Role, frame::coding::CloseCode},
    },
};

use super::{cluster, message, pod, read};
use crate::mini::kubelet::{Body, Kubelet};

/// Answers a log with the request's path, and an exec on standard output with the same.
struct Echo;

impl Kubelet for Echo {
    fn handle(&self, mut request: Request<()>) -> BoxFuture<'static, Response<Body>> {
        async move {
            let path = request.uri().to_string();
            let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
                return Response::new(Full::from(path).boxed_unsync());
            };
            let key = request.headers()[header::SEC_WEBSOCKET_KEY].as_bytes();
            let accept = derive_accept_key(key);
            tokio::spawn(async move {
                let io = TokioIo::new(upgrade.await.unwrap());
                let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
                let frame = |channel: u8, text: &str| {
                    let mut bytes = vec![channel];
                    bytes.extend(text.as_bytes());
                    Message::binary(bytes)
                };
                socket.send(frame(1, &path)).await.unwrap();
                socket
                    .send(frame(3, "{\"status\":\"Success\"}"))
                    .await
                    .unwrap();
                let code = CloseCode::Normal;
                let reason = Default::default();
                socket
                    .close(Some(CloseFrame { code, reason }))
                    .await
                    .unwrap();
            });
            let response = Response::builder()
                .status(101)
                .header(header::UPGRADE, "websocket")
                .header(header::CONNECTION, "Upgrade")
                .header(header::SEC_WEBSOCKET_PROTOCOL, "v5.channel.k8s.io")
                .header(header::SEC_WEBSOCKET_ACCEPT, accept);
            response.body(Full::default().boxed_unsync()).unwrap()
        }
        .boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn logs_and_commands_are_handed_to_the_node() {
    let (server, client) = cluster().await;
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let mut scheduled = pod("web-0");
    scheduled.spec.as_mut().unwrap().node_name = Some("node-1".to_owned());
    pods.create(&PostParams::default(), &scheduled)
        .await
        .unwrap();
    let nodes: Api<Node> = Api::all(client);
    let node: Node = read(json!({"metadata": {"name": "node-1"}}));
    nodes.create(&PostParams::default(), &node).await.unwrap();
    assert_eq!(
        message(pods.logs("web-0", &LogParams::default()).await),
        "Get \"https://node-1:10250/containerLogs/default/web-0/c\": dial tcp node-1:10250: connect: connection refused"
    );
    server.kubelets().register("node-1", Arc::new(Echo));
    let tail = LogParams {
        tail_lines: Some(5),
        ..LogParams::default()
    };
    let log = pods.logs("web-0", &tail).await.unwrap();
    assert_eq!(log, "/containerLogs/default/web-0/c?tailLines=5");
    let params = AttachParams::default();
    let mut process = pods.exec("web-0", ["echo", "a b"], &params).await.unwrap();
    let mut output = String::new();
    process
        .stdout()
        .unwrap()
        .read_to_string(&mut output)
        .await
        .unwrap();
    assert_eq!(
        output,
        "/exec/default/web-0/c?command=echo&command=a+b&output=1&error=1"
    );
    let status = process.take_status().unwrap().await.unwrap();
    assert_eq!(status.status.as_deref(), Some("Success"));
}

#[tokio::test(start_paused = true)]
async fn a_command_needs_a_container_that_is_there_and_a_node() {
    let (_server, client) = cluster().await;
    let pods: Api<Pod> = Api::default_namespaced(client);
    pods.create(&PostParams::default(), &pod("web-0"))
        .await
        .unwrap();
    let log = LogParams {
        container: Some("x".to_owned()),
        ..LogParams::default()
    };
    assert_eq!(
        message(pods.logs("web-0", &log).await),
        "container x is not valid for pod web-0"
    );
    let refused = pods.exec("web-0", ["true"], &AttachParams::default()).await;
    assert!(refused.is_err());
}
