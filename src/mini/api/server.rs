//! The server: it takes requests from wherever they come and answers each, whatever happens inside.

use std::{fmt, fmt::Display, io, panic::AssertUnwindSafe, sync::Arc};

use bytes::Bytes;
use futures::FutureExt as _;
use http::{HeaderMap, Method, Request, Response, header, request::Parts};
use http_body_util::BodyExt as _;
use hyper::upgrade::OnUpgrade;
use tokio::net::TcpListener;

use super::{
    Rules, Status,
    http::{
        accept, answer, discovery,
        query::Query,
        route::{Route, route},
        transport,
    },
    store::Store,
    verbs::{self, Call},
};
use crate::{
    clock::Clock,
    mini::kubelet::{Body, Kubelets},
};

/// What a server is told when it starts.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The version that it says it has, and its feature gates: those of 1.37.
    pub rules: Rules,
    /// UIDs and generated names follow from it.
    pub seed: u64,
    /// How many changes of each kind a watch can be late. 10,000.
    pub history_events: usize,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            seed: 0,
            history_events: 10_000,
        }
    }
}

/// An API server with a store of its own. Clones are the same server.
#[derive(Clone)]
pub struct Server(Arc<State>);

pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) kubelets: Kubelets,
    options: ServerOptions,
}

impl Server {
    /// A server without any object.
    pub fn new(clock: Clock, options: ServerOptions) -> Self {
        Self(Arc::new(State {
            store: Store::new(options.rules, options.seed, options.history_events),
            clock,
            kubelets: Kubelets::default(),
            options,
        }))
    }

    /// A client in this process. Must be called on a tokio runtime.
    ///
    /// `user_agent` is what the server knows it by: the name before the first slash becomes the manager of the fields
    /// it writes.
    pub fn client(&self, user_agent: &str) -> kube::Client {
        transport::client(self, user_agent, None)
    }

    /// As [`Server::client`], for those who do not care who manages which field: objects come without
    /// `metadata.managedFields`, which is most of their text.
    pub fn lean_client(&self, user_agent: &str) -> kube::Client {
        transport::client(self, user_agent, Some(accept::Lean))
    }

    /// Who serves exec, attach and logs of which node.
    pub fn kubelets(&self) -> &Kubelets {
        &self.0.kubelets
    }

    /// Serves HTTP/1.1 and HTTP/2 without TLS to whoever connects, until the future is dropped.
    ///
    /// # Errors
    ///
    /// If the listener fails.
    pub async fn serve(&self, listener: TcpListener) -> io::Result<()> {
        transport::serve(self.clone(), listener).await
    }

    /// Answers a request. A panic on the way is answered with 500 and ends nothing else.
    pub(crate) async fn handle<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Display,
    {
        let (parts, body) = request.into_parts();
        let answer = AssertUnwindSafe(self.answer(parts, body));
        match answer.catch_unwind().await {
            Ok(Ok(response)) => response,
            Ok(Err(status)) => answer::refusal(&status),
            Err(_) => answer::refusal(&Status::internal("the server panicked at this request")),
        }
    }

    async fn answer<B>(&self, mut parts: Parts, body: B) -> Result<Response<Body>, Status>
    where
        B: http_body::Body<Data = Bytes> + Send,
        B::Error: Display,
    {
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        let accept = header_text(&parts.headers, header::ACCEPT);
        let target = match route(parts.uri.path()) {
            Route::Target(target) => target,
            Route::About(path) if parts.method == Method::GET => {
                let about = discovery::about(&path, accept, self.0.options.rules.version);
                return Ok(about.unwrap_or_else(no_page));
            }
            Route::About(_) | Route::Nothing => return Err(nothing_there()),
            Route::NoGroup => return Ok(no_page()),
        };
        let body = body
            .collect()
            .await
            .map_err(|error| Status::bad_request(format!("cannot read the body: {error}")))?;
        let shape = accept::shape(accept, &query)?;
        let lean = parts.extensions.get::<accept::Lean>().is_some();
        let call = Call {
            shape: if lean { shape.lean() } else { shape },
            content_type: header_text(&parts.headers, header::CONTENT_TYPE).to_owned(),
            agent: header_text(&parts.headers, header::USER_AGENT).to_owned(),
            body: body.to_bytes(),
            upgrade: parts.extensions.remove::<OnUpgrade>(),
            method: parts.method,
            headers: parts.headers,
            target,
            query,
        };
        verbs::dispatch(&self.0, call).await
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = &self.0.options;
        out.debug_struct("Server")
            .field("options", options)
            .finish()
    }
}

fn header_text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

fn no_page() -> Response<Body> {
    let text = "404 page not found\n";
    answer::full(404, "text/plain; charset=utf-8", text)
}

fn nothing_there() -> Status {
    let mut status = Status::new(
        404,
        "NotFound",
        "the server could not find the requested resource",
    );
    status.details = Some(serde_json::json!({}));
    status
}
