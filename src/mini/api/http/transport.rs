//! How requests get to the server: in process, through pipes in memory, over TCP.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connected, Connection},
    },
    rt::{TokioExecutor, TokioIo},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream},
    net::TcpListener,
};
use tower::BoxError;

use super::accept::Lean;
use crate::{listening::attend_to_each, mini::api::Server};

type ClientBody = UnsyncBoxBody<Bytes, BoxError>;

/// How much a pipe holds before its writer waits.
const PIPE_BYTES: usize = 64 * 1024;

/// A client in this process. Requests are handed over as they are; those that upgrade their connection, which only a
/// connection can do, go through a pipe. Each request has the mark, if there is one.
pub(crate) fn client(server: &Server, user_agent: &str, mark: Option<Lean>) -> kube::Client {
    let pipes: Client<_, kube::client::Body> = Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build(Pipes(server.clone()));
    let server = server.clone();
    let agent = HeaderValue::from_str(user_agent)
        .unwrap_or_else(|_| HeaderValue::from_static(env!("CARGO_PKG_NAME")));
    let service = tower::service_fn(move |mut request: Request<kube::client::Body>| {
        let (server, pipes) = (server.clone(), pipes.clone());
        let headers = request.headers_mut();
        headers.entry(header::USER_AGENT).or_insert(agent.clone());
        if let Some(mark) = mark {
            request.extensions_mut().insert(mark);
        }
        async move {
            if request.headers().contains_key(header::UPGRADE) {
                make_absolute(&mut request)?;
                let response = pipes.request(request).await?;
                Ok::<_, BoxError>(response.map(to_client))
            } else {
                Ok(server.handle(request).await.map(to_client))
            }
        }
    });
    kube::Client::new(service, "default")
}

fn to_client<B>(body: B) -> ClientBody
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    body.map_err(Into::into).boxed_unsync()
}

/// A pooled client takes absolute addresses only; where they lead is up to [`Pipes`].
fn make_absolute<B>(request: &mut Request<B>) -> Result<(), BoxError> {
    let mut parts = request.uri().clone().into_parts();
    parts.scheme = Some(http::uri::Scheme::HTTP);
    parts.authority = Some(http::uri::Authority::from_static("embedded"));
    *request.uri_mut() = Uri::from_parts(parts)?;
    Ok(())
}

/// Serves whoever connects, until the future is dropped.
pub(crate) async fn serve(server: Server, listener: TcpListener) -> io::Result<()> {
    attend_to_each(listener, |stream| connection(server.clone(), stream)).await
}

async fn connection<I>(server: Server, stream: I)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let server = server.clone();
        async move { Ok::<Response<_>, Infallible>(server.handle(request).await) }
    });
    let serving = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
    // A connection that breaks is the client's affair.
    let _ = serving
        .serve_connection_with_upgrades(TokioIo::new(stream), service)
        .await;
}

/// Opens a pipe to the server for every connection.
#[derive(Clone)]
struct Pipes(Server);

impl tower::Service<Uri> for Pipes {
    type Response = Pipe;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Pipe, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        tokio::spawn(connection(self.0.clone(), theirs));
        std::future::ready(Ok(Pipe(TokioIo::new(ours))))
    }
}

/// The client's end of a pipe.
struct Pipe(TokioIo<DuplexStream>);

impl Connection for Pipe {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl hyper::rt::Read for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl hyper::rt::Write for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
