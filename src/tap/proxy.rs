//! The tap for programs: an HTTP server of this machine that passes everything on to the API server.
//!
//! A program is given a kubeconfig that leads here. Its credentials travel in its requests and are passed on with them,
//! so that it has its own rights at the API server and no others. Answers are asked for as JSON and unpacked, so that
//! they can be read on the way; streams are passed on piece by piece as they come.

use std::{convert::Infallible, io};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use kube::{Client, client::Body};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tower::BoxError;

use super::{
    Hub,
    wire::{Passed, Wire},
};
use crate::listening::attend_to_each;

/// Serves a subject's requests, over TLS because client libraries send credentials over nothing else, until the future is
/// dropped. `client` leads to the API server and has no credentials of its own.
///
/// # Errors
///
/// The listener fails.
pub async fn serve(
    hub: &Hub,
    client: Client,
    listener: TcpListener,
    acceptor: TlsAcceptor,
) -> io::Result<()> {
    let wire = hub.wire(client);
    attend_to_each(listener, |stream| {
        let (wire, acceptor) = (wire.clone(), acceptor.clone());
        async move {
            // Whoever does not speak TLS has to come again.
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let service = service_fn(move |request| pass(wire.clone(), request));
            let serving = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            // A connection that breaks is the program's affair.
            let _ = serving
                .serve_connection(TokioIo::new(stream), service)
                .await;
        }
    })
    .await
}

async fn pass(wire: Wire, request: Request<Incoming>) -> Result<Response<Passed>, Infallible> {
    let passed = match onward(request).await {
        Ok(request) => wire.exchange(request).await,
        Err(error) => Err(error),
    };
    Ok(passed.map_or_else(|error| refusal(error.as_ref()), back))
}

/// The request as the API server gets it.
async fn onward(request: Request<Incoming>) -> Result<Request<Body>, BoxError> {
    let (mut head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = path.parse()?;
    head.version = http::Version::HTTP_11;
    for name in OF_ONE_CONNECTION.iter().chain(&[
        header::HOST,
        header::ACCEPT_ENCODING,
        header::CONTENT_LENGTH,
    ]) {
        head.headers.remove(name);
    }
    as_json(&mut head.headers);
    Ok(Request::from_parts(head, Body::from(body)))
}

/// The answer as the program gets it.
fn back(response: Response<Passed>) -> Response<Passed> {
    let (mut head, body) = response.into_parts();
    head.version = http::Version::HTTP_11;
    for name in &OF_ONE_CONNECTION {
        head.headers.remove(name);
    }
    Response::from_parts(head, body)
}

/// Headers that speak of one connection and not of what is sent.
const OF_ONE_CONNECTION: [HeaderName; 5] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::TE,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

/// Of the forms that a program takes, those that can be read here; each client takes JSON.
fn as_json(headers: &mut HeaderMap) {
    let accepted = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    let Some(accepted) = accepted.filter(|accepted| accepted.contains("protobuf")) else {
        return;
    };
    let readable: Vec<&str> = accepted
        .split(',')
        .map(str::trim)
        .filter(|form| !form.contains("protobuf"))
        .collect();
    let readable = match readable.is_empty() {
        true => "application/json".to_owned(),
        false => readable.join(","),
    };
    if let Ok(readable) = HeaderValue::from_str(&readable) {
        headers.insert(header::ACCEPT, readable);
    }
}

/// What a program is told where the API server cannot be reached.
fn refusal(error: &(dyn std::error::Error + Send + Sync)) -> Response<Passed> {
    let text = Bytes::from(format!("the API server cannot be reached: {error}\n"));
    let body = Full::new(text)
        .map_err(|never| match never {})
        .boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_asked_for_in_a_form_that_can_be_read() {
        let cases = [
            ("application/vnd.kubernetes.protobuf, */*", "*/*"),
            (
                "application/vnd.kubernetes.protobuf,application/json",
                "application/json",
            ),
            ("application/vnd.kubernetes.protobuf", "application/json"),
            (
                "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json",
                "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json",
            ),
            ("application/json", "application/json"),
        ];
        for (accepted, wanted) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accepted));
            as_json(&mut headers);
            assert_eq!(headers[header::ACCEPT], wanted, "{accepted}");
        }
    }
}
