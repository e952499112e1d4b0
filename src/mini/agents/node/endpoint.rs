//! What a node answers to the API server: exec, attach and logs.
//!
//! Exec and attach speak `v5.channel.k8s.io` and `v4.channel.k8s.io` over a websocket: binary messages that begin with
//! the number of a channel. The last message on the status channel says how it ended; then comes a close frame with
//! code 1000.

mod logs;

use std::sync::{Arc, Weak};

use bytes::Bytes;
use futures::{SinkExt, StreamExt, future::BoxFuture, stream};
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        handshake::derive_accept_key,
        protocol::{CloseFrame, Role, frame::coding::CloseCode},
    },
};

use super::{
    Node,
    container::{Live, run_with},
    output::Stream,
};
use crate::mini::{
    agents::{
        Key,
        shell::pipe::{Io, Sink, Source, Writer, pipe},
    },
    kubelet::{Body, Kubelet},
};

/// A node's answering side. It does not keep the node alive.
pub(super) struct Endpoint(Weak<Node>);

impl Endpoint {
    pub(super) fn new(node: &Arc<Node>) -> Self {
        Self(Arc::downgrade(node))
    }
}

impl Kubelet for Endpoint {
    fn handle(&self, request: Request<()>) -> BoxFuture<'static, Response<Body>> {
        let node = self.0.upgrade();
        Box::pin(async move {
            match node {
                Some(node) => answer(&node, request).unwrap_or_else(Refusal::into_response),
                None => {
                    refuse(StatusCode::SERVICE_UNAVAILABLE, "the node has ended").into_response()
                }
            }
        })
    }
}

/// Why a request is not served.
struct Refusal(StatusCode, String);

fn refuse(code: StatusCode, message: &str) -> Refusal {
    Refusal(code, message.to_owned())
}

impl Refusal {
    /// The failure as the API tells it.
    fn into_response(self) -> Response<Body> {
        let Self(code, message) = self;
        let reason = match code {
            StatusCode::BAD_REQUEST => "BadRequest",
            StatusCode::NOT_FOUND => "NotFound",
            _ => "InternalError",
        };
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": code.as_u16(),
        });
        let mut response = Response::new(Full::new(Bytes::from(status.to_string())).boxed_unsync());
        *response.status_mut() = code;
        let json = header::HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}

/// The parameters of a request.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn of(request: &Request<()>) -> Self {
        let query = request.uri().query().unwrap_or_default();
        Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    fn is(&self, name: &str) -> bool {
        matches!(self.get(name), Some("true" | "1"))
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.get(name)?.parse().ok()
    }

    fn all(&self, name: &str) -> Vec<String> {
        let found = self.0.iter().filter(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).collect()
    }
}

fn answer(node: &Arc<Node>, mut request: Request<()>) -> Result<Response<Body>, Refusal> {
    let path = request.uri().path().to_owned();
    let parameters = Parameters::of(&request);
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let [what, namespace, pod, container] = parts.as_slice() else {
        return Err(refuse(StatusCode::NOT_FOUND, "404 page not found"));
    };
    let key = Key::new(*namespace, *pod);
    let shown = node
        .board()
        .get(&key)
        .and_then(|(_, containers)| containers.get(*container).cloned());
    if *what == "containerLogs" {
        return logs::logs(
            node,
            &key,
            container,
            shown.unwrap_or_default(),
            &parameters,
        );
    }
    let live = shown.and_then(|shown| shown.live);
    let missing = format!("container not found (\"{container}\")");
    let live = live.ok_or_else(|| refuse(StatusCode::INTERNAL_SERVER_ERROR, &missing))?;
    let wants = Streams {
        stdin: parameters.is("input"),
        stdout: parameters.is("output"),
        stderr: parameters.is("error"),
        tty: parameters.is("tty"),
    };
    let (response, socket) = upgrade(&mut request)?;
    match *what {
        "exec" => {
            let argv = parameters.all("command");
            let machine = Arc::clone(&live.machine);
            if let Some(name) = argv.first()
                && machine.program(name, &machine.directory).is_none()
            {
                let text = format!(
                    "error executing command in container: failed to exec in container: failed to start exec: OCI runtime \
                     exec failed: exec failed: unable to start container process: exec: \"{name}\": executable file not \
                     found in $PATH"
                );
                tokio::spawn(socket.finish(json!({
                    "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 500,
                    "reason": "InternalError", "message": format!("Internal error occurred: {text}"),
                    "details": {"causes": [{"message": text}]},
                })));
                return Ok(response);
            }
            machine.processes.spawn(exec(live, argv, wants, socket));
            Ok(response)
        }
        "attach" => {
            tokio::spawn(attach(live, wants, socket));
            Ok(response)
        }
        _ => Err(refuse(StatusCode::NOT_FOUND, "404 page not found")),
    }
}

#[derive(Clone, Copy)]
struct Streams {
    stdin: bool,
    stdout: bool,
    stderr: bool,
    tty: bool,
}

/// A websocket that the client will have, once it has read the answer.
struct Socket {
    upgrade: hyper::upgrade::OnUpgrade,
    /// The protocol can tell the end of a stream.
    closes: bool,
}

/// The answer that switches protocols, and what comes of it.
fn upgrade(request: &mut Request<()>) -> Result<(Response<Body>, Socket), Refusal> {
    let bad = |message: &str| refuse(StatusCode::BAD_REQUEST, message);
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY);
    let key = key.ok_or_else(|| bad("unable to upgrade: only websockets are served here"))?;
    let accept = derive_accept_key(key.as_bytes());
    let offered = request
        .headers()
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter();
    let offered: Vec<String> = offered
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_owned())
        .collect();
    let known = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
    let chosen = known
        .into_iter()
        .find(|known| offered.iter().any(|name| name == known));
    let chosen =
        chosen.ok_or_else(|| bad("none of the protocols that were offered is served here"))?;
    let on_upgrade = request
        .extensions_mut()
        .remove::<hyper::upgrade::OnUpgrade>();
    let upgrade =
        on_upgrade.ok_or_else(|| bad("unable to upgrade: the connection cannot be taken over"))?;
    let response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_ACCEPT, accept)
        .header(header::SEC_WEBSOCKET_PROTOCOL, chosen)
        .body(Full::default().boxed_unsync());
    let response = response.map_err(|error| bad(&error.to_string()))?;
    let closes = chosen.starts_with("v5");
    Ok((response, Socket { upgrade, closes }))
}

const STDIN: u8 = 0;
const STATUS: u8 = 3;
const CLOSE: u8 = 255;

type Socketed = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

impl Socket {
    async fn open(self) -> Option<(Socketed, bool)> {
        let upgraded = self.upgrade.await.ok()?;
        let io = TokioIo::new(upgraded);
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
        Some((socket, self.closes))
    }

    /// Nothing but a status.
    async fn finish(self, status: Value) {
        if let Some((mut socket, _)) = self.open().await {
            close(&mut socket, &status).await;
        }
    }
}

fn framed(channel: u8, bytes: &[u8]) -> Message {
    let mut message = Vec::with_capacity(bytes.len() + 1);
    message.push(channel);
    message.extend_from_slice(bytes);
    Message::binary(message)
}

/// The status, then a close frame with code 1000, then the other side's.
async fn close(socket: &mut Socketed, status: &Value) {
    let sent = socket
        .send(framed(STATUS, status.to_string().as_bytes()))
        .await;
    let frame = CloseFrame {
        code: CloseCode::Normal,
        reason: "".into(),
    };
    if sent.is_ok() && socket.close(Some(frame)).await.is_ok() {
        while let Some(Ok(_)) = socket.next().await {}
    }
}

/// How a command ended.
fn status_of(code: i32) -> Value {
    match code {
        0 => json!({"metadata": {}, "status": "Success"}),
        code => json!({
            "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
            "message": format!("command terminated with non-zero exit code: exit status {code}"),
            "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
        }),
    }
}

/// Passes what comes in on to a process, and what goes out to the client, until the work is done; gives the socket
/// back, or nothing where the client went away.
async fn converse<T>(
    mut socket: Socketed,
    closes: bool,
    mut stdin: Option<Writer>,
    outputs: Vec<(Stream, Source)>,
    work: impl Future<Output = T>,
) -> Option<(Socketed, T)> {
    let sources = outputs.into_iter().map(|(stream, source)| {
        Box::pin(stream::unfold(
            (stream, source),
            |(stream, source)| async move {
                let some = source.read(16 * 1024).await;
                (!some.is_empty()).then_some(((stream, some), (stream, source)))
            },
        ))
    });
    let mut written = stream::select_all(sources);
    let mut work = std::pin::pin!(work);
    let mut result = None;
    let mut streaming = true;
    loop {
        if !streaming && let Some(result) = result.take() {
            return Some((socket, result));
        }
        tokio::select! {
            biased;
            some = written.next(), if streaming => match some {
                Some((stream, bytes)) => socket.send(framed(stream as u8, &bytes)).await.ok()?,
                None => streaming = false,
            },
            done = &mut work, if result.is_none() => result = Some(done),
            message = socket.next() => match message {
                None | Some(Err(_) | Ok(Message::Close(_))) => return None,
                Some(Ok(Message::Binary(bytes))) => match bytes.as_ref() {
                    [STDIN, bytes @ ..] => {
                        let gone = match &stdin {
                            Some(writer) => writer.write(bytes).await.is_err(),
                            None => false,
                        };
                        if gone {
                            stdin = None;
                        }
                    }
                    [CLOSE, STDIN] if closes => stdin = None,
                    _ => {}
                },
                Some(Ok(_)) => {}
            },
        }
    }
}

/// Runs a command in a container.
async fn exec(live: Arc<Live>, argv: Vec<String>, wants: Streams, socket: Socket) {
    let machine = Arc::clone(&live.machine);
    drop(live);
    let Some((socket, closes)) = socket.open().await else {
        return;
    };
    let mut outputs = Vec::new();
    let mut sink = |wanted: bool, stream: Stream| {
        if !wanted {
            return Sink::Nothing;
        }
        let (writer, reader) = pipe();
        outputs.push((stream, Source::Pipe(reader)));
        Sink::Pipe(writer)
    };
    let stdout = sink(wants.stdout, Stream::Out);
    let stderr = sink(wants.stderr && !wants.tty, Stream::Err);
    let (stdin, source) = match wants.stdin {
        true => {
            let (writer, reader) = pipe();
            (Some(writer), Source::Pipe(reader))
        }
        false => (None, Source::Nothing),
    };
    let io = Io {
        stdin: source,
        stdout,
        stderr,
    };
    let process = machine.processes.enter(&argv);
    let left = process.clone();
    let work = async move { run_with(&machine, &process, &argv, io, wants.tty).await };
    let done = converse(socket, closes, stdin, outputs, work).await;
    left.leave();
    if let Some((mut socket, code)) = done {
        close(&mut socket, &status_of(code)).await;
    }
}

/// Attaches to a container's own streams until it ends or the client goes away.
async fn attach(live: Arc<Live>, wants: Streams, socket: Socket) {
    let Some((socket, closes)) = socket.open().await else {
        return;
    };
    let stdin = if wants.stdin { live.stdin() } else { None };
    // Who waits for input has said nothing to anybody yet: its prompt is not lost.
    let mut written = live.output.attach(live.spec.stdin == Some(true));
    let (out, read_out) = pipe();
    let (err, read_err) = pipe();
    let work = async move {
        while let Some((stream, bytes)) = written.recv().await {
            let (wanted, sink) = match stream {
                Stream::Out => (wants.stdout, &out),
                Stream::Err => (wants.stderr, &err),
            };
            if wanted && sink.write(&bytes).await.is_err() {
                return;
            }
        }
    };
    let outputs = vec![
        (Stream::Out, Source::Pipe(read_out)),
        (Stream::Err, Source::Pipe(read_err)),
    ];
    let done = converse(socket, closes, stdin, outputs, work).await;
    if wants.stdin {
        live.detached();
    }
    drop(live);
    if let Some((mut socket, ())) = done {
        close(&mut socket, &status_of(0)).await;
    }
}
